// library: the SDK's arithmetic and C library on many operands. Prints digests that a host's C library gives as well
// (tests/guest_library.py compiles this file for both and compares the text).
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 88172645463325252ull, digest;

static uint64_t next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

// Operands of all sizes, and the edges.
static uint64_t operand(void)
{
    static const uint64_t edges[] = {0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000ull, 0x7FFFFFFFFFFFFFFFull,
                                     0x8000000000000000ull, 0xFFFFFFFFFFFFFFFFull};
    uint64_t n = next();
    return n & 1 ? edges[n % 10] : next() >> (n >> 8 & 63);
}

static void mix(uint64_t value)
{
    digest = (digest ^ value) * 0x9E3779B97F4A7C15ull;
    digest ^= digest >> 29;
}

static void mix_text(const char *text)
{
    while (*text)
        mix((uint8_t)*text++);
}

static void report(const char *name)
{
    printf("%-10s %016llx\n", name, (unsigned long long)digest);
    digest = 0;
}

static void integers(void)
{
    for (int i = 0; i < 600; i++) {
        uint64_t a = operand(), b = operand();
        int64_t c = (int64_t)operand(), d = (int64_t)operand();
        int n = (int)(next() & 63);
        b = b ? b : 1;
        d = d ? d : 1;
        mix(a / b);
        mix(a % b);
        if (!(c == INT64_MIN && d == -1)) {
            mix((uint64_t)(c / d));
            mix((uint64_t)(c % d));
        }
        mix(a * b);
        mix(a << n);
        mix(a >> n);
        mix((uint64_t)(c >> n));
        mix((uint64_t)(a < b) | (uint64_t)(c < d) << 1 | (uint64_t)(c <= (int64_t)a) << 2 | (uint64_t)(a == b) << 3);
        mix((uint64_t)__builtin_popcountll(a));
        mix((uint64_t)__builtin_clzll(b) + 100u * (uint64_t)__builtin_ctzll(b));
        mix(__builtin_bswap64(a));
        mix((uint64_t)((int32_t)a / ((int32_t)b == 0 || (int32_t)b == -1 ? 1 : (int32_t)b)));
        mix((uint32_t)a % ((uint32_t)b ? (uint32_t)b : 1));
    }
    report("integers");
}

static uint64_t bits(double d)
{
    uint64_t n;
    memcpy(&n, &d, sizeof n);
    return n;
}

static void conversions(void)
{
    for (int i = 0; i < 600; i++) {
        uint64_t a = operand();
        mix(bits((double)a));
        mix(bits((double)(int64_t)a));
        mix(bits((float)a));
        mix(bits((float)(int64_t)a));
        mix(bits((double)(uint32_t)a) + bits((double)(int32_t)a));
        double d = (double)(int64_t)a / 1024;
        mix((uint64_t)(int64_t)d);
        mix((uint64_t)(int64_t)(float)(d / 4));
        mix((uint64_t)(d < 0 ? -d : d));
        mix((uint32_t)(int32_t)(d / 4294967296.0));
        mix(bits(d * 3.7 + 1.0) + bits((float)d / 3.0f));
    }
    report("conversion");
}

static void formats(void)
{
    static const char *const real[] = {"%f",  "%.0f", "%10.3f", "%-12.2f|", "%+e",  "%.0e",   "%g",
                                       "%G",  "%.10g", "%#.0f", "%012.3f",  "%.17g", "%.20f", "% E"};
    static const char *const whole[] = {"%lld", "%llx", "%#llo", "%20lld", "%-20llu|", "%020lld", "%+lld", "% .5lld", "%.0lld"};
    char text[512];
    for (int i = 0; i < 300; i++) {
        uint64_t a = next();
        double d;
        memcpy(&d, &a, sizeof d);
        if (d != d || i % 3 == 0)
            d = (double)((int64_t)a >> 40) / 8;
        snprintf(text, sizeof text, real[i % 14], d);
        mix_text(text);
        snprintf(text, sizeof text, whole[i % 9], (long long)operand());
        mix_text(text);
        snprintf(text, 20, "%s %d %c %5.2s|%hhd %hd %u", "text", (int)a, 'a' + (int)(a % 26), "abc", (int)a, (int)a, (unsigned)a);
        mix_text(text);
    }
    report("formats");
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void memory(void)
{
    char *blocks[64] = {0};
    size_t sizes[64] = {0};
    for (int i = 0; i < 600; i++) {
        int k = (int)(next() & 63);
        for (size_t j = 0; blocks[k] && j < sizes[k]; j += 37)
            mix((uint8_t)blocks[k][j] == (uint8_t)(k + (int)j));
        size_t size = next() % 5000 + 1;
        blocks[k] = next() & 1 ? (free(blocks[k]), malloc(size)) : realloc(blocks[k], size);
        sizes[k] = size;
        for (size_t j = 0; blocks[k] && j < size; j++)
            blocks[k][j] = (char)(k + (int)j);
        mix(blocks[k] != NULL);
    }
    for (int k = 0; k < 64; k++)
        free(blocks[k]);
    static uint32_t numbers[1000];
    for (int i = 0; i < 1000; i++)
        numbers[i] = (uint32_t)next() >> (next() & 31);
    qsort(numbers, 1000, sizeof *numbers, compare);
    for (int i = 0; i < 1000; i++)
        mix(numbers[i]);
    report("memory");
}

static void strings(void)
{
    char a[128], b[128];
    for (int i = 0; i < 400; i++) {
        size_t n = next() % 60, from = next() % 60, to = next() % 60;
        for (size_t k = 0; k < sizeof a; k++)
            a[k] = b[k] = (char)(next() % 3 + 'a');
        memmove(a + to, a + from, n);
        memcpy(b + 64, b + from % 4, n);
        memset(b + to, 'b', n % 7);
        a[to] = b[127] = a[127] = 0;
        mix(strlen(a) + strnlen(b, n));
        mix((uint64_t)((memcmp(a, b, n) > 0) - (memcmp(a, b, n) < 0)) + (uint64_t)((strcmp(a, b) > 0) - (strcmp(a, b) < 0)) * 5);
        mix((uint64_t)((strncmp(a, b, n) > 0) - (strncmp(a, b, n) < 0)));
        mix(strchr(b, 'c') ? (uint64_t)(strchr(b, 'c') - b) : 999);
        mix(strrchr(b, 'a') ? (uint64_t)(strrchr(b, 'a') - b) : 999);
        mix(strstr(b, "abc") ? (uint64_t)(strstr(b, "abc") - b) : 999);
        mix_text(strncpy(a, b, 20) == a ? b : "");
    }
    mix((uint64_t)strtol(" -0x1f", NULL, 0) + strtoul("777", NULL, 8) + (uint64_t)atoi("42x"));
    report("strings");
}

int main(void)
{
    integers();
    conversions();
    formats();
    memory();
    strings();
    return 0;
}
