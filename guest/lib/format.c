#include "format.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LEFT = 1, PLUS = 2, SPACE = 4, ZERO = 8, ALTERNATE = 16, UPPER = 32 };

struct out {
    void (*put)(void *user, char c);
    void *user;
    int count;
};

struct spec {
    unsigned flags;
    int width, precision; // precision -1: not given
};

static void put(struct out *o, char c)
{
    o->put(o->user, c);
    o->count++;
}

static void put_many(struct out *o, char c, int n)
{
    while (n-- > 0)
        put(o, c);
}

static void put_text(struct out *o, const char *text, int n)
{
    while (n-- > 0)
        put(o, *text++);
}

// A number's sign or prefix, then zeros, then its text, in the field that the spec wants.
static void put_field(struct out *o, const struct spec *s, const char *prefix, int zeros, const char *text, int length)
{
    int prefix_length = (int)strlen(prefix), pad = s->width - prefix_length - zeros - length;
    if (s->flags & ZERO && !(s->flags & LEFT)) {
        zeros += pad > 0 ? pad : 0;
        pad = 0;
    }
    if (!(s->flags & LEFT))
        put_many(o, ' ', pad);
    put_text(o, prefix, prefix_length);
    put_many(o, '0', zeros);
    put_text(o, text, length);
    if (s->flags & LEFT)
        put_many(o, ' ', pad);
}

static const char *sign_of(const struct spec *s, int negative)
{
    return negative ? "-" : s->flags & PLUS ? "+" : s->flags & SPACE ? " " : "";
}

static void put_integer(struct out *o, struct spec *s, uint64_t value, unsigned base, const char *prefix)
{
    char digits[24], *p = digits + sizeof digits;
    const char *letters = s->flags & UPPER ? "0123456789ABCDEF" : "0123456789abcdef";
    if (value > UINT32_MAX)
        for (; value > UINT32_MAX; value /= base)
            *--p = letters[value % base];
    for (uint32_t small = (uint32_t)value; small; small /= base)
        *--p = letters[small % base];
    int length = (int)(digits + sizeof digits - p), least = s->precision < 0 ? 1 : s->precision;
    if (s->precision >= 0)
        s->flags &= ~(unsigned)ZERO;
    if (base == 8 && s->flags & ALTERNATE && least <= length)
        least = length + 1;
    put_field(o, s, prefix, least > length ? least - length : 0, p, length);
}

// ---- Floating point, exact: a double is digits * 10^-scale with at most 767 digits.

enum { LIMBS = 90, DIGITS = LIMBS * 9, BILLION = 1000000000 };

struct decimal {
    char digits[DIGITS]; // values 0-9, the first not zero
    int count;           // 0: the value is zero
    int point;           // value = 0.d1d2d3... * 10^point
};

static int multiply(uint32_t *limbs, int used, uint32_t by)
{
    uint64_t carry = 0;
    for (int i = 0; i < used; i++) {
        carry += (uint64_t)limbs[i] * by;
        limbs[i] = (uint32_t)(carry % BILLION);
        carry /= BILLION;
    }
    if (carry)
        limbs[used++] = (uint32_t)carry;
    return used;
}

static void expand(struct decimal *d, uint64_t mantissa, int exponent)
{
    uint32_t limbs[LIMBS];
    int used = 0, scale = 0;
    for (; mantissa; mantissa /= BILLION)
        limbs[used++] = (uint32_t)(mantissa % BILLION);
    for (; exponent > 0; exponent -= exponent < 28 ? exponent : 28)
        used = multiply(limbs, used, 1u << (exponent < 28 ? exponent : 28));
    for (; exponent < 0; exponent++, scale++) // m / 2^k = m * 5^k / 10^k; twelve at a time
        if (exponent <= -12) {
            used = multiply(limbs, used, 244140625);
            exponent += 11;
            scale += 11;
        } else {
            used = multiply(limbs, used, 5);
        }
    d->count = 0;
    for (int i = used; i-- > 0;)
        for (uint32_t unit = BILLION / 10, rest = limbs[i]; unit; rest %= unit, unit /= 10)
            if (d->count || rest / unit)
                d->digits[d->count++] = (char)(rest / unit);
    d->point = d->count - scale;
}

// Keeps the first `keep` digits (may be negative: none can remain), rounding to nearest, ties to even.
static void round_to(struct decimal *d, int keep)
{
    if (keep >= d->count)
        return;
    int up = 0;
    if (keep >= 0) {
        int tail = 0;
        for (int i = keep + 1; i < d->count; i++)
            tail |= d->digits[i];
        int odd = keep ? d->digits[keep - 1] & 1 : 0;
        up = d->digits[keep] > 5 || (d->digits[keep] == 5 && (tail || odd));
    }
    d->count = keep > 0 ? keep : 0;
    if (!up)
        return;
    int i = d->count;
    while (i > 0 && d->digits[i - 1] == 9)
        d->digits[--i] = 0;
    if (i > 0) {
        d->digits[i - 1]++;
        return;
    }
    memmove(d->digits + 1, d->digits, (size_t)d->count); // 99.9 -> 100
    d->digits[0] = 1;
    d->count += d->count < DIGITS - 1;
    d->point++;
    if (keep == 0)
        d->count = 1;
}

static char digit_at(const struct decimal *d, int i)
{
    return (char)('0' + (i >= 0 && i < d->count ? d->digits[i] : 0));
}

static void put_padded(struct out *o, const struct spec *s, const char *sign, int length)
{
    int pad = s->width - length - (int)strlen(sign), zero = s->flags & ZERO && !(s->flags & LEFT);
    if (!zero && !(s->flags & LEFT))
        put_many(o, ' ', pad);
    put_text(o, sign, (int)strlen(sign));
    if (zero)
        put_many(o, '0', pad);
}

static void put_after(struct out *o, const struct spec *s, const char *sign, int length)
{
    if (s->flags & LEFT)
        put_many(o, ' ', s->width - length - (int)strlen(sign));
}

static void put_fixed(struct out *o, const struct spec *s, const struct decimal *d, const char *sign, int precision)
{
    int whole = d->count && d->point > 0 ? d->point : 0, dot = precision > 0 || s->flags & ALTERNATE;
    int length = (whole ? whole : 1) + dot + precision;
    put_padded(o, s, sign, length);
    for (int i = 0; i < whole; i++)
        put(o, digit_at(d, i));
    if (!whole)
        put(o, '0');
    if (dot)
        put(o, '.');
    for (int i = 0; i < precision; i++)
        put(o, d->count ? digit_at(d, d->point + i) : '0');
    put_after(o, s, sign, length);
}

static void put_scientific(struct out *o, const struct spec *s, const struct decimal *d, const char *sign,
                           int precision)
{
    int exponent = d->count ? d->point - 1 : 0, size = exponent < 0 ? -exponent : exponent;
    int dot = precision > 0 || s->flags & ALTERNATE, length = 1 + dot + precision + (size > 99 ? 5 : 4);
    put_padded(o, s, sign, length);
    put(o, digit_at(d, 0));
    if (dot)
        put(o, '.');
    for (int i = 1; i <= precision; i++)
        put(o, digit_at(d, i));
    put(o, s->flags & UPPER ? 'E' : 'e');
    put(o, exponent < 0 ? '-' : '+');
    if (size > 99)
        put(o, (char)('0' + size / 100));
    put(o, (char)('0' + size / 10 % 10));
    put(o, (char)('0' + size % 10));
    put_after(o, s, sign, length);
}

// %g: the shorter form of `precision` digits, trailing zeros left out.
static void put_general(struct out *o, const struct spec *s, struct decimal *d, const char *sign, int precision)
{
    precision = precision ? precision : 1;
    round_to(d, precision);
    int exponent = d->count ? d->point - 1 : 0, digits = d->count, fixed = exponent >= -4 && exponent < precision;
    while (digits > 1 && !d->digits[digits - 1])
        digits--;
    int keep = s->flags & ALTERNATE ? precision : digits ? digits : 1;
    if (fixed)
        put_fixed(o, s, d, sign, keep - 1 - exponent > 0 ? keep - 1 - exponent : 0);
    else
        put_scientific(o, s, d, sign, keep - 1);
}

static void put_double(struct out *o, struct spec *s, double value, char kind)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const char *sign = sign_of(s, (int)(bits >> 63));
    int exponent = (int)(bits >> 52 & 0x7FF), precision = s->precision < 0 ? 6 : s->precision;
    uint64_t mantissa = bits & 0xFFFFFFFFFFFFFull;
    if (exponent == 0x7FF) {
        const char *text = mantissa ? s->flags & UPPER ? "NAN" : "nan" : s->flags & UPPER ? "INF" : "inf";
        s->flags &= ~(unsigned)ZERO;
        put_field(o, s, sign, 0, text, 3);
        return;
    }
    struct decimal d;
    expand(&d, exponent ? mantissa | 1ull << 52 : mantissa, (exponent ? exponent : 1) - 1075);
    if (kind == 'f') {
        round_to(&d, d.point + precision);
        put_fixed(o, s, &d, sign, precision);
    } else if (kind == 'e') {
        round_to(&d, precision + 1);
        put_scientific(o, s, &d, sign, precision);
    } else {
        put_general(o, s, &d, sign, precision);
    }
}

static const char *parse_number(const char *f, int *out, va_list *args)
{
    if (*f == '*') {
        *out = va_arg(*args, int);
        return f + 1;
    }
    *out = 0;
    for (; *f >= '0' && *f <= '9'; f++)
        *out = *out * 10 + *f - '0';
    return f;
}

static const char *parse_spec(const char *f, struct spec *s, va_list *args)
{
    static const char flags[] = "-+ 0#";
    *s = (struct spec){0, 0, -1};
    for (const char *found; *f && (found = strchr(flags, *f)) != NULL; f++)
        s->flags |= 1u << (found - flags);
    f = parse_number(f, &s->width, args);
    if (s->width < 0) {
        s->flags |= LEFT;
        s->width = -s->width;
    }
    return *f == '.' ? parse_number(f + 1, &s->precision, args) : f;
}

// The bytes of an integer argument: hh 1, h 2, ll and j 8, else 4.
static const char *parse_length(const char *f, int *bytes)
{
    *bytes = 4;
    for (;; f++)
        if (*f == 'h')
            *bytes = *bytes == 2 ? 1 : 2;
        else if (*f == 'l')
            *bytes = f[1] == 'l' || f[-1] == 'l' ? 8 : 4;
        else if (*f == 'j')
            *bytes = 8;
        else if (*f != 'z' && *f != 't')
            return f;
}

static int64_t signed_argument(va_list *args, int bytes)
{
    if (bytes == 8)
        return va_arg(*args, int64_t);
    int value = va_arg(*args, int);
    return bytes == 1 ? (int8_t)value : bytes == 2 ? (int16_t)value : value;
}

static uint64_t unsigned_argument(va_list *args, int bytes)
{
    if (bytes == 8)
        return va_arg(*args, uint64_t);
    unsigned value = va_arg(*args, unsigned);
    return bytes == 1 ? (uint8_t)value : bytes == 2 ? (uint16_t)value : value;
}

static void put_string(struct out *o, struct spec *s, const char *text)
{
    text = text ? text : "(null)";
    s->flags &= ~(unsigned)ZERO;
    put_field(o, s, "", 0, text, (int)strnlen(text, s->precision < 0 ? SIZE_MAX >> 1 : (size_t)s->precision));
}

static void convert(struct out *o, struct spec *s, char kind, int bytes, va_list *args)
{
    if (kind == 'X' || kind == 'E' || kind == 'F' || kind == 'G') {
        s->flags |= UPPER;
        kind |= 0x20;
    }
    switch (kind) {
    case 'd':
    case 'i': {
        int64_t value = signed_argument(args, bytes);
        put_integer(o, s, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, sign_of(s, value < 0));
        break;
    }
    case 'u': put_integer(o, s, unsigned_argument(args, bytes), 10, ""); break;
    case 'o': put_integer(o, s, unsigned_argument(args, bytes), 8, ""); break;
    case 'x': {
        uint64_t value = unsigned_argument(args, bytes);
        put_integer(o, s, value, 16, s->flags & ALTERNATE && value ? s->flags & UPPER ? "0X" : "0x" : "");
        break;
    }
    case 'p':
        s->precision = 8;
        put_integer(o, s, (uintptr_t)va_arg(*args, void *), 16, "0x");
        break;
    case 'c': {
        char c = (char)va_arg(*args, int);
        s->flags &= ~(unsigned)ZERO;
        put_field(o, s, "", 0, &c, 1);
        break;
    }
    case 's': put_string(o, s, va_arg(*args, const char *)); break;
    case 'f':
    case 'e':
    case 'g': put_double(o, s, va_arg(*args, double), kind); break;
    default: put(o, kind); break;
    }
}

int format_text(void (*to)(void *user, char c), void *user, const char *format, va_list args)
{
    struct out o = {to, user, 0};
    va_list left;
    va_copy(left, args);
    for (; *format; format++) {
        if (*format != '%') {
            put(&o, *format);
            continue;
        }
        struct spec s;
        int bytes;
        format = parse_length(parse_spec(format + 1, &s, &left), &bytes);
        if (!*format)
            break;
        convert(&o, &s, *format, bytes, &left);
    }
    va_end(left);
    return o.count;
}
