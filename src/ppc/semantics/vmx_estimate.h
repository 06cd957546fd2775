// vmx_estimate.h: bodies of the estimates, bit for bit as the hardware has them: a small table addressed by the top
// bits of the mantissa, and a straight line within each interval. Integers only, so that every host agrees. docs/vmx.md
// tells where the numbers come from.
#pragma once
#include "ppc/semantics/vmx_common.h"

#define LINE(value, slope) ((uint32_t)(value) << 16 | (slope))

ALWAYS v4u vmx_lookup(const uint32_t *table, v4u i)
{
    return (v4u){table[i[0]], table[i[1]], table[i[2]], table[i[3]]};
}

// A magnitude as (biased exponent) << 23 | fraction, where denormals get the exponent, below 1, that they would have.
ALWAYS v4u vmx_normalised(v4u magnitude)
{
    v4u converted = (v4u)WIDEN(v4f, (v4s)magnitude) - splat_word(149u << 23);
    return choose((v4u)(magnitude < 0x00800000), converted, magnitude);
}

// ---- 1 / x: 32 intervals; the value at the left end in units of 2^-14, the fall over 1/512 interval in units of
// 2^-23.
static const uint32_t vmx_reciprocal_lines[32] = {
    LINE(0x3FFC, 993), LINE(0x3C1C, 935), LINE(0x3875, 881), LINE(0x3504, 832), LINE(0x31C4, 787), LINE(0x2EB1, 746),
    LINE(0x2BC8, 708), LINE(0x2904, 672), LINE(0x2664, 639), LINE(0x23E5, 609), LINE(0x2184, 581), LINE(0x1F40, 554),
    LINE(0x1D16, 530), LINE(0x1B04, 507), LINE(0x190A, 485), LINE(0x1725, 465), LINE(0x1554, 446), LINE(0x1396, 428),
    LINE(0x11EB, 411), LINE(0x104F, 395), LINE(0x0EC4, 380), LINE(0x0D48, 366), LINE(0x0BD7, 347), LINE(0x0A7C, 347),
    LINE(0x0922, 323), LINE(0x07DF, 323), LINE(0x069C, 301), LINE(0x056F, 301), LINE(0x0442, 282), LINE(0x0328, 282),
    LINE(0x020E, 264), LINE(0x0106, 262),
};

BODY(refp)(STATE, v4u b)
{
    v4u sign = b & SIGN, magnitude = vmx_flush(s, b) & MAGNITUDE, n = vmx_normalised(magnitude);
    v4u line = vmx_lookup(vmx_reciprocal_lines, n >> 18 & 31);
    v4u fraction = (line >> 16 << 9) - (line & 0xFFFF) * (n >> 9 & 511);
    v4s exponent = 253 - ((v4s)n >> 23);
    // Results below the least normal are shifted by one or two, to nearest, ties to even; with NJ they are zero.
    v4u full = fraction | 0x00800000, shift = (v4u)(1 - exponent) & 3;
    v4u small = (full + (splat_word(1) << shift >> 1) - 1 + (full >> shift & 1)) >> shift;
    small &= (v4u)(magnitude < 0x7F800000) & splat_word(s->vscr_nj - 1u);
    v4u r = choose((v4u)(exponent < 1), small, (v4u)exponent << 23 | fraction);
    r = choose((v4u)(exponent >= 255), splat_word(0x7F800000), r) | sign;
    return choose(vmx_is_nan(b), vmx_quiet(b), r);
}

// ---- 1 / sqrt(x): 16 intervals for even biased exponents and 16 for odd ones; the value at the left end in units of
// 2^-16, the fall over 1/1024 interval in units of 2^-26. The result is rounded to nearest, ties to even.
static const uint32_t vmx_root_lines[32] = {
    LINE(0xB4FD, 1384), LINE(0xAF97, 1267), LINE(0xAAA5, 1165), LINE(0xA618, 1077), LINE(0xA1E4, 999),
    LINE(0x9DFE, 930), LINE(0x9A5C, 869), LINE(0x96F8, 814), LINE(0x93CA, 764), LINE(0x90CE, 720),
    LINE(0x8DFE, 680), LINE(0x8B57, 643), LINE(0x88D4, 609), LINE(0x8673, 579), LINE(0x8431, 550),
    LINE(0x820B, 523), LINE(0x7FFA, 978), LINE(0x7C29, 896), LINE(0x78AA, 824), LINE(0x7572, 761),
    LINE(0x7279, 706), LINE(0x6FB7, 658), LINE(0x6D26, 614), LINE(0x6AC0, 575), LINE(0x6881, 541),
    LINE(0x6665, 509), LINE(0x6468, 481), LINE(0x6287, 455), LINE(0x60C1, 431), LINE(0x5F12, 409),
    LINE(0x5D79, 389), LINE(0x5BF4, 371),
};

BODY(rsqrtefp)(STATE, v4u b)
{
    v4u flushed = vmx_flush(s, b), n = vmx_normalised(flushed & MAGNITUDE);
    v4u odd = n >> 23 & 1; // the value is below 1/2 of the others' unit: one more bit is kept
    v4u line = vmx_lookup(vmx_root_lines, n >> 19 & 31);
    v4u value = ((line >> 16 << 10) - (line & 0xFFFF) * (n >> 9 & 1023)) << odd;
    value += ((value >> 2 | value) & value >> 1 & 1) << 2;
    v4u r = (v4u)((380 - ((v4s)n >> 23)) >> 1) << 23 | (value >> 2 & 0x007FFFFF);
    r &= (v4u)(b != 0x7F800000);
    r = choose((v4u)((v4s)flushed < 0), splat_word(0x7FC00000), r);
    r = choose((v4u)((flushed & MAGNITUDE) == 0), (b & SIGN) | 0x7F800000, r);
    return choose(vmx_is_nan(b), vmx_quiet(b), r);
}

// ---- log2: a fixed point number with a fraction of 11 bits. The value at the left end in units of 2^-14, the rise
// over 1/128 interval in the same.
static const uint32_t vmx_logarithm_lines[16] = {
    LINE(0x0000, 12), LINE(0x0600, 10), LINE(0x0B00, 10), LINE(0x1000, 9), LINE(0x1480, 9), LINE(0x1900, 9),
    LINE(0x1D80, 8),  LINE(0x2180, 8),  LINE(0x2580, 8),  LINE(0x297F, 7), LINE(0x2CFF, 7), LINE(0x307F, 7),
    LINE(0x33FE, 6),  LINE(0x36FE, 6),  LINE(0x39FE, 6),  LINE(0x3CFE, 6),
};

BODY(logefp)(STATE, v4u b)
{
    v4u flushed = vmx_flush(s, b), n = vmx_normalised(flushed & MAGNITUDE);
    v4u line = vmx_lookup(vmx_logarithm_lines, n >> 19 & 15);
    v4u fraction = ((line >> 16) + (line & 0xFFFF) * (n >> 12 & 127)) >> 3;
    v4s fixed = (((v4s)n >> 23) - 127) * 2048 + (v4s)fraction;
    v4u r = (v4u)(WIDEN(v4f, fixed) * 0x1p-11f); // exact
    r = choose((v4u)(b == 0x7F800000), b, r);
    r = choose((v4u)((v4s)flushed < 0), splat_word(0x7FC00000), r);
    r = choose((v4u)((flushed & MAGNITUDE) == 0), splat_word(0xFF800000), r);
    return choose(vmx_is_nan(b), vmx_quiet(b), r);
}

// ---- 2^x: x as a fixed point number with a fraction of 11 bits, rounded down. The value at the left end in units of
// 2^-14, the rise over 1/128 interval in the same; 11 bits are kept.
static const uint32_t vmx_power_lines[16] = {
    LINE(0x0006, 6), LINE(0x0306, 6), LINE(0x0606, 6), LINE(0x0906, 6),  LINE(0x0C07, 7),  LINE(0x0F87, 7),
    LINE(0x1307, 7), LINE(0x1680, 8), LINE(0x1A80, 8), LINE(0x1E80, 8),  LINE(0x2288, 9),  LINE(0x2708, 9),
    LINE(0x2B88, 9), LINE(0x3008, 10), LINE(0x3508, 10), LINE(0x3A08, 12),
};

BODY(exptefp)(STATE, v4u b)
{
    v4u exponent = b >> 23 & 255, negative = (v4u)((v4s)b < 0);
    v4u shift = 135 - exponent; // in 1..31 where the number is neither huge nor next to nothing
    v4u magnitude = ((b & 0x007FFFFF) | 0x00800000) >> (shift & 31) & (v4u)(shift < 32);
    v4s fixed = (v4s)((magnitude ^ negative) - negative) >> 4;
    v4u line = vmx_lookup(vmx_power_lines, (v4u)fixed >> 7 & 15);
    v4u fraction = ((line >> 16) + (line & 0xFFFF) * ((v4u)fixed & 127)) >> 3;
    v4s result = 127 + (fixed >> 11);
    v4u huge = (v4u)(exponent >= 135);
    v4u r = ((v4u)result << 23 | fraction << 12) & (v4u)(result > 0);
    r = choose((v4u)(result >= 255), splat_word(0x7F800000), r);
    r = choose(huge, ~negative & splat_word(0x7F800000), r);
    return choose(vmx_is_nan(b), vmx_quiet(b), r);
}

#undef LINE
