// Decimal text to the nearest double: the digits as a big number, times or divided by a power of ten, exactly.
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 140, DIGITS = 800, LOWEST = -345, HIGHEST = 310 }; // more digits than 800 cannot matter but for being there

struct big { // words[0] the lowest
    uint32_t words[WORDS];
    int used;
};

static void multiply_add(struct big *b, uint32_t by, uint32_t add)
{
    uint64_t carry = add;
    for (int i = 0; i < b->used; i++) {
        carry += (uint64_t)b->words[i] * by;
        b->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry && b->used < WORDS)
        b->words[b->used++] = (uint32_t)carry;
}

static int bit_length(const struct big *b)
{
    return b->used ? 32 * b->used - __builtin_clz(b->words[b->used - 1]) : 0;
}

static void shift_left(struct big *b, int bits)
{
    for (; bits >= 32; bits -= 32) {
        memmove(b->words + 1, b->words, (size_t)b->used * 4);
        b->words[0] = 0;
        b->used += b->used > 0;
    }
    multiply_add(b, 1u << bits, 0);
}

static int compare(const struct big *a, const struct big *b)
{
    if (a->used != b->used)
        return a->used < b->used ? -1 : 1;
    for (int i = a->used; i-- > 0;)
        if (a->words[i] != b->words[i])
            return a->words[i] < b->words[i] ? -1 : 1;
    return 0;
}

static void subtract(struct big *a, const struct big *b)
{
    int64_t borrow = 0;
    for (int i = 0; i < a->used; i++) {
        borrow += (int64_t)a->words[i] - (i < b->used ? b->words[i] : 0);
        a->words[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    while (a->used && !a->words[a->used - 1])
        a->used--;
}

// The nearest double to top / bottom, both above zero: 53 bits of quotient (fewer where the result is subnormal), one by one.
static double divide(struct big *top, struct big *bottom)
{
    int exponent = bit_length(top) - bit_length(bottom); // the quotient lies in [2^(e-1), 2^(e+1))
    if (exponent > 0)
        shift_left(bottom, exponent);
    else
        shift_left(top, -exponent);
    if (compare(top, bottom) < 0) {
        multiply_add(top, 2, 0);
        exponent--;
    }
    int bits = exponent < -1022 ? 53 + 1022 + exponent : 53;
    uint64_t mantissa = 0;
    for (int i = 0; i < bits; i++) {
        mantissa <<= 1;
        if (compare(top, bottom) >= 0) {
            subtract(top, bottom);
            mantissa |= 1;
        }
        multiply_add(top, 2, 0);
    }
    if (bits < 0)
        return 0;
    int half = compare(top, bottom); // of what is left against half a unit
    mantissa += half > 0 || (half == 0 && mantissa & 1);
    return ldexp((double)mantissa, exponent - bits + 1);
}

static double convert(const char *digits, int count, int exponent)
{
    struct big t = {{0}, 0}, b = {{1}, 1};
    for (int i = 0; i < count; i++)
        multiply_add(&t, 10, (uint32_t)(digits[i] - '0'));
    for (; exponent > 0; exponent--)
        multiply_add(&t, 10, 0);
    for (; exponent < 0; exponent++)
        multiply_add(&b, 10, 0);
    return t.used ? divide(&t, &b) : 0;
}

static int word(const char *s, const char *wanted)
{
    int n = 0;
    while (wanted[n] && tolower((unsigned char)s[n]) == wanted[n])
        n++;
    return wanted[n] ? 0 : n;
}

static int parse_exponent(const char **s)
{
    const char *p = *s + 1;
    int negative = *p == '-', value = 0;
    p += *p == '-' || *p == '+';
    if (!isdigit((unsigned char)*p))
        return 0;
    for (; isdigit((unsigned char)*p); p++)
        value = value < 100000 ? value * 10 + (*p - '0') : value;
    *s = p;
    return negative ? -value : value;
}

static double parse_decimal(const char **s)
{
    char digits[DIGITS];
    int count = 0, exponent = 0, point = 0, any = 0;
    const char *p = *s;
    for (; isdigit((unsigned char)*p) || (*p == '.' && !point); p++) {
        if (*p == '.') {
            point = 1;
            continue;
        }
        any = 1;
        exponent -= point;
        if (count == DIGITS) {
            exponent++;
            if (*p != '0')
                digits[DIGITS - 1] |= 1; // more than nothing follows
        } else if (count || *p != '0')
            digits[count++] = *p;
    }
    if (!any)
        return 0;
    if ((*p | 0x20) == 'e')
        exponent += parse_exponent(&p);
    *s = p;
    if (count + exponent > HIGHEST || (count && count + exponent < LOWEST)) {
        errno = ERANGE;
        return count + exponent > HIGHEST && count ? INFINITY : 0;
    }
    return convert(digits, count, exponent);
}

double strtod(const char *restrict s, char **restrict end)
{
    const char *p = s;
    while (isspace((unsigned char)*p))
        p++;
    int negative = *p == '-';
    p += *p == '-' || *p == '+';
    const char *start = p;
    double value;
    if (word(p, "inf")) {
        p += word(p, "infinity") ? 8 : 3;
        value = INFINITY;
    } else if (word(p, "nan")) {
        p += 3;
        value = NAN;
    } else
        value = parse_decimal(&p);
    if (isinf(value) && isdigit((unsigned char)*start))
        errno = ERANGE;
    if (end)
        *end = (char *)(p == start ? s : p);
    return negative ? -value : value;
}

float strtof(const char *restrict s, char **restrict end)
{
    return (float)strtod(s, end);
}
