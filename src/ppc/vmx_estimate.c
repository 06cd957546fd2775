// The estimates of the vector unit, bit for bit: a small table addressed by the top bits of the mantissa, and a straight line
// within each interval. Integers only, so every host agrees. docs/vmx.md tells where the numbers come from.
#include "ppc/vmx_float.h"

#define LANES(function, ...) ((v4u){function(x[0], __VA_ARGS__), function(x[1], __VA_ARGS__), \
                                    function(x[2], __VA_ARGS__), function(x[3], __VA_ARGS__)})

static const uint32_t quiet_nan = 0x7FC00000, quiet_bit = 0x00400000, infinity = 0x7F800000, sign_bit = 0x80000000;

struct number {
    int exponent;      // biased; may be below 1 for a denormal
    uint32_t fraction; // 23 bits
};

static struct number number_of(uint32_t x)
{
    struct number n = {(int)(x >> 23 & 255), x & 0x7FFFFF};
    if (n.exponent == 0) {
        int shift = __builtin_clz(n.fraction) - 8;
        n.exponent = 1 - shift;
        n.fraction = n.fraction << shift & 0x7FFFFF;
    }
    return n;
}

static bool is_nan(uint32_t x)
{
    return (x & ~sign_bit) > infinity;
}

static bool is_zero(uint32_t x, bool nj)
{
    return (x & (nj ? infinity : ~sign_bit)) == 0;
}

// ---- 1 / x: 32 intervals; the value at the left end in units of 2^-14 of a fraction, and the fall over 1/512 interval in
// units of 2^-23.
static const struct {
    uint16_t value, fall;
} reciprocal_lines[32] = {
    {0x3FFC, 993}, {0x3C1C, 935}, {0x3875, 881}, {0x3504, 832}, {0x31C4, 787}, {0x2EB1, 746}, {0x2BC8, 708}, {0x2904, 672},
    {0x2664, 639}, {0x23E5, 609}, {0x2184, 581}, {0x1F40, 554}, {0x1D16, 530}, {0x1B04, 507}, {0x190A, 485}, {0x1725, 465},
    {0x1554, 446}, {0x1396, 428}, {0x11EB, 411}, {0x104F, 395}, {0x0EC4, 380}, {0x0D48, 366}, {0x0BD7, 347}, {0x0A7C, 347},
    {0x0922, 323}, {0x07DF, 323}, {0x069C, 301}, {0x056F, 301}, {0x0442, 282}, {0x0328, 282}, {0x020E, 264}, {0x0106, 262},
};

// A result below the least normal, rounded to nearest, ties to even.
static uint32_t denormal(uint32_t fraction, int exponent)
{
    uint32_t shift = (uint32_t)(1 - exponent), full = fraction | 0x800000, kept = full >> shift;
    uint32_t rest = full & ((1u << shift) - 1), half = 1u << (shift - 1);
    return kept + (rest > half || (rest == half && (kept & 1)));
}

static uint32_t reciprocal(uint32_t x, bool nj)
{
    uint32_t sign = x & sign_bit;
    if (is_nan(x))
        return x | quiet_bit;
    if ((x & ~sign_bit) == infinity)
        return sign;
    if (is_zero(x, nj))
        return sign | infinity;
    struct number n = number_of(x);
    uint32_t interval = n.fraction >> 18;
    uint32_t fraction = ((uint32_t)reciprocal_lines[interval].value << 9) -
                        reciprocal_lines[interval].fall * (n.fraction >> 9 & 511);
    int exponent = 253 - n.exponent;
    if (exponent >= 255)
        return sign | infinity;
    if (exponent > 0)
        return sign | (uint32_t)exponent << 23 | fraction;
    return nj ? sign : sign | denormal(fraction, exponent);
}

v4u vmx_reciprocal(v4u x, bool nj)
{
    return LANES(reciprocal, nj);
}

// ---- 1 / sqrt(x): 16 intervals for each parity of the exponent; the value at the left end in units of 2^-16, and the fall
// over 1/1024 interval in units of 2^-26. The result has 24 bits, rounded to nearest, ties to even.
static const struct {
    uint16_t value, fall;
} root_lines[2][16] = {
    {{0xB4FD, 1384}, {0xAF97, 1267}, {0xAAA5, 1165}, {0xA618, 1077}, {0xA1E4, 999}, {0x9DFE, 930}, {0x9A5C, 869}, {0x96F8, 814},
     {0x93CA, 764}, {0x90CE, 720}, {0x8DFE, 680}, {0x8B57, 643}, {0x88D4, 609}, {0x8673, 579}, {0x8431, 550}, {0x820B, 523}},
    {{0x7FFA, 978}, {0x7C29, 896}, {0x78AA, 824}, {0x7572, 761}, {0x7279, 706}, {0x6FB7, 658}, {0x6D26, 614}, {0x6AC0, 575},
     {0x6881, 541}, {0x6665, 509}, {0x6468, 481}, {0x6287, 455}, {0x60C1, 431}, {0x5F12, 409}, {0x5D79, 389}, {0x5BF4, 371}},
};

static uint32_t reciprocal_root(uint32_t x, bool nj)
{
    if (is_nan(x))
        return x | quiet_bit;
    if (is_zero(x, nj))
        return (x & sign_bit) | infinity;
    if (x & sign_bit)
        return quiet_nan;
    if (x == infinity)
        return 0;
    struct number n = number_of(x);
    int odd = n.exponent & 1;
    uint32_t interval = n.fraction >> 19;
    uint32_t value = ((uint32_t)root_lines[odd][interval].value << 10) - root_lines[odd][interval].fall * (n.fraction >> 9 & 1023);
    uint32_t exponent = (uint32_t)(380 - n.exponent) >> 1;
    if (odd) // in [1/2, 1): one more bit to keep
        value <<= 1;
    value += (value & 2) && (value & 5) ? 4 : 0;
    return exponent << 23 | (value >> 2 & 0x7FFFFF);
}

v4u vmx_reciprocal_root(v4u x, bool nj)
{
    return LANES(reciprocal_root, nj);
}

// ---- log2: exponent and a fraction of 11 bits, both fixed point. Value at the left end in units of 2^-14, rise over 1/128
// interval in the same.
static const struct {
    uint16_t value, rise;
} logarithm_lines[16] = {
    {0x0000, 12}, {0x0600, 10}, {0x0B00, 10}, {0x1000, 9}, {0x1480, 9}, {0x1900, 9}, {0x1D80, 8}, {0x2180, 8},
    {0x2580, 8},  {0x297F, 7},  {0x2CFF, 7},  {0x307F, 7}, {0x33FE, 6}, {0x36FE, 6}, {0x39FE, 6}, {0x3CFE, 6},
};

static uint32_t logarithm(uint32_t x, bool nj)
{
    if (is_nan(x))
        return x | quiet_bit;
    if (is_zero(x, nj))
        return sign_bit | infinity;
    if (x & sign_bit)
        return quiet_nan;
    if (x == infinity)
        return x;
    struct number n = number_of(x);
    uint32_t key = n.fraction >> 12, interval = key >> 7;
    uint32_t fraction = (logarithm_lines[interval].value + logarithm_lines[interval].rise * (key & 127)) >> 3;
    float r = (float)((n.exponent - 127) * 2048 + (int)fraction) * 0x1p-11f; // exact
    uint32_t bits;
    memcpy(&bits, &r, 4);
    return bits;
}

v4u vmx_logarithm(v4u x, bool nj)
{
    return LANES(logarithm, nj);
}

// ---- 2^x: x as fixed point with 15 bits of fraction, of which 11 count. Value at the left end in units of 2^-14, rise over
// 1/128 interval in the same; 11 bits are kept.
static const struct {
    uint16_t value, rise;
} power_lines[16] = {
    {0x0006, 6}, {0x0306, 6}, {0x0606, 6}, {0x0906, 6}, {0x0C07, 7}, {0x0F87, 7},  {0x1307, 7},  {0x1680, 8},
    {0x1A80, 8}, {0x1E80, 8}, {0x2288, 9}, {0x2708, 9}, {0x2B88, 9}, {0x3008, 10}, {0x3508, 10}, {0x3A08, 12},
};

static uint32_t power_of_two(uint32_t x, int unused)
{
    (void)unused;
    bool negative = x & sign_bit;
    if (is_nan(x))
        return x | quiet_bit;
    int exponent = (int)(x >> 23 & 255);
    if (exponent > 150)
        return negative ? 0 : infinity;
    int64_t magnitude = (x & 0x7FFFFF) | 0x800000; // in units of 2^-15 after the shift
    if (exponent >= 135)
        magnitude <<= exponent - 135;
    else
        magnitude = exponent > 111 ? magnitude >> (135 - exponent) : 0;
    int64_t fixed = (negative ? -magnitude : magnitude) >> 4;
    int64_t result = 127 + (fixed >> 11);
    if (result >= 255)
        return infinity;
    if (result <= 0)
        return 0;
    uint32_t interval = (uint32_t)(fixed >> 7 & 15);
    uint32_t fraction = (uint32_t)(power_lines[interval].value + power_lines[interval].rise * (uint32_t)(fixed & 127)) >> 3;
    return (uint32_t)result << 23 | fraction << 12;
}

v4u vmx_power_of_two(v4u x)
{
    return LANES(power_of_two, 0);
}
