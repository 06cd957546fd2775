#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xenolith/xboxkrnl.h>

// The heap: blocks in a list by address, first fit, neighbours joined when freed. It grows by whole megabytes of the
// kernel's memory and never gives any back.
struct block {
    size_t size; // bytes behind the header, multiple of 16
    struct block *next;
    uint32_t used, pad;
};

enum { GROW = 0x100000 };

static struct block *first;
static int locked;

static void lock(void)
{
    while (__atomic_exchange_n(&locked, 1, __ATOMIC_ACQUIRE))
        NtYieldExecution();
}

static void unlock(void)
{
    __atomic_store_n(&locked, 0, __ATOMIC_RELEASE);
}

static struct block *grow(size_t size)
{
    void *base = NULL;
    uint32_t bytes = (uint32_t)(size + sizeof(struct block) + GROW - 1) / GROW * GROW;
    if (bytes < size || NtAllocateVirtualMemory(&base, &bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE, 0) < 0)
        return NULL;
    struct block *b = base;
    b->size = bytes - sizeof *b;
    b->used = 0;
    struct block **at = &first;
    while (*at && *at < b)
        at = &(*at)->next;
    b->next = *at;
    *at = b;
    return b;
}

static void split(struct block *b, size_t size)
{
    if (b->size < size + sizeof *b + 16)
        return;
    struct block *rest = (struct block *)(void *)((char *)(b + 1) + size);
    rest->size = b->size - size - sizeof *b;
    rest->next = b->next;
    rest->used = 0;
    b->size = size;
    b->next = rest;
}

void *malloc(size_t size)
{
    if (size > 0x40000000)
        return NULL;
    size = (size + 15) & ~(size_t)15;
    size = size ? size : 16;
    lock();
    struct block *b = first;
    while (b && (b->used || b->size < size))
        b = b->next;
    if (!b)
        b = grow(size);
    if (b) {
        split(b, size);
        b->used = 1;
    }
    unlock();
    return b ? b + 1 : NULL;
}

void free(void *p)
{
    if (!p)
        return;
    lock();
    ((struct block *)p)[-1].used = 0;
    for (struct block *b = first; b; b = b->next)
        while (!b->used && b->next && !b->next->used && (char *)(b + 1) + b->size == (char *)b->next) {
            b->size += sizeof *b + b->next->size;
            b->next = b->next->next;
        }
    unlock();
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *p = malloc(bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void *realloc(void *old, size_t size)
{
    void *p = malloc(size);
    if (p && old) {
        size_t had = ((struct block *)old)[-1].size;
        memcpy(p, old, had < size ? had : size);
        free(old);
    }
    return p;
}

int abs(int n)
{
    return n < 0 ? -n : n;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

// The magnitude of a number with its sign apart; saturated at 2^64 - 1.
static uint64_t parse(const char *s, char **end, int base, int *negative)
{
    uint64_t value = 0;
    const char *start = s;
    while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
        s++;
    *negative = *s == '-';
    s += *s == '-' || *s == '+';
    if ((base == 0 || base == 16) && s[0] == '0' && (s[1] | 0x20) == 'x' && digit(s[2]) < 16) {
        s += 2;
        base = 16;
    }
    base = base ? base : *s == '0' ? 8 : 10;
    const char *digits = s;
    for (; digit(*s) < base; s++)
        if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit(*s), &value)) {
            while (digit(*s) < base)
                s++;
            value = UINT64_MAX;
            break;
        }
    if (end)
        *end = (char *)(s == digits ? start : s);
    return value;
}

static int64_t limit_signed(uint64_t value, int negative, uint64_t most)
{
    if (value > most + (uint64_t)negative) {
        errno = ERANGE;
        value = most + (uint64_t)negative;
    }
    return (int64_t)(negative ? -value : value);
}

static uint64_t limit_unsigned(uint64_t value, int negative, uint64_t most)
{
    if (value > most) {
        errno = ERANGE;
        return most;
    }
    return negative ? -value : value;
}

long long strtoll(const char *restrict s, char **restrict end, int base)
{
    int negative;
    uint64_t value = parse(s, end, base, &negative);
    return limit_signed(value, negative, INT64_MAX);
}

unsigned long long strtoull(const char *restrict s, char **restrict end, int base)
{
    int negative;
    uint64_t value = parse(s, end, base, &negative);
    return limit_unsigned(value, negative, UINT64_MAX);
}

long strtol(const char *restrict s, char **restrict end, int base)
{
    int negative;
    uint64_t value = parse(s, end, base, &negative);
    return (long)limit_signed(value, negative, INT32_MAX);
}

unsigned long strtoul(const char *restrict s, char **restrict end, int base)
{
    int negative;
    uint64_t value = parse(s, end, base, &negative);
    return (unsigned long)limit_unsigned(value, negative, UINT32_MAX);
}

int atoi(const char *s)
{
    return (int)strtol(s, NULL, 10);
}

static void swap(char *a, char *b, size_t size)
{
    while (size--) {
        char c = *a;
        *a++ = *b;
        *b++ = c;
    }
}

// Heap sort: no recursion, no bad case.
static void sink(char *base, size_t at, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && compare(base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (compare(base + at * size, base + child * size) >= 0)
            return;
        swap(base + at * size, base + child * size, size);
    }
}

void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    for (size_t i = count / 2; i-- > 0;)
        sink(base, i, count, size, compare);
    for (size_t i = count; i-- > 1;) {
        swap(base, (char *)base + i * size, size);
        sink(base, 0, i, size, compare);
    }
}

void *bsearch(const void *key, const void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *at = (const char *)base + middle * size;
        int order = compare(key, at);
        if (!order)
            return (void *)(uintptr_t)at;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

long labs(long n)
{
    return n < 0 ? -n : n;
}

long long llabs(long long n)
{
    return n < 0 ? -n : n;
}

div_t div(int a, int b)
{
    return (div_t){a / b, a % b};
}

ldiv_t ldiv(long a, long b)
{
    return (ldiv_t){a / b, a % b};
}

lldiv_t lldiv(long long a, long long b)
{
    return (lldiv_t){a / b, a % b};
}

long atol(const char *s)
{
    return strtol(s, NULL, 10);
}

long long atoll(const char *s)
{
    return strtoll(s, NULL, 10);
}

char *getenv(const char *name)
{
    (void)name;
    return NULL;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return alignment <= 16 ? malloc(size) : NULL;
}

double atof(const char *s)
{
    return strtod(s, NULL);
}

static uint64_t seed = 1;

void srand(unsigned value)
{
    seed = value;
}

int rand(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (int)(seed >> 33);
}
