// vmx_float.h: bodies of the vector instructions on single floats. docs/vmx.md has the rules and where they come from.
//
// VSCR.NJ set: denormal operands and results are zeros of their sign. A result below the least normal before rounding
// is denormal, even where rounding would lift it. NaNs: the first operand that is a NaN, made quiet, in the order A, B,
// C of the VMX form; else 0x7FC00000.
#pragma once
#include "ppc/semantics/vmx_common.h"

#define LIKELY(condition) __builtin_expect((condition), 1) // at the branch: of an inlined function's result it is lost

// ---- Arithmetic
// `r` with each NaN replaced by the first NaN of a, b, c, made quiet, or by the default.
ALWAYS v4u vmx_name_nans(v4u r, v4u a, v4u b, v4u c)
{
    v4u nan = choose(vmx_is_nan(c), vmx_quiet(c), splat_word(0x7FC00000));
    nan = choose(vmx_is_nan(b), vmx_quiet(b), nan);
    nan = choose(vmx_is_nan(a), vmx_quiet(a), nan);
    return choose(vmx_is_nan(r), nan, r);
}

// Smallest (as a signed number) for the least denormal, rising with the magnitude; zero is the greatest.
ALWAYS v4s vmx_rank(v4u x)
{
    return (v4s)((x & MAGNITUDE) + MAGNITUDE);
}

// Operands and results up to the least normal, and NaNs, go the careful way: flushing all values would double the time
// that a chain of operations takes. `rank` is the least of the ranks of the operands.
ALWAYS bool vmx_unusual(v4s rank, v4u r)
{
    v4s least = host_min_sw(rank, vmx_rank(r));
    return host_any((v4u)(least < (v4s)splat_word(0x80800000)) | vmx_is_nan(r));
}

ALWAYS v4s vmx_rank_2(v4u a, v4u b)
{
    return host_min_sw(vmx_rank(a), vmx_rank(b));
}

ALWAYS v4s vmx_rank_3(v4u a, v4u b, v4u c)
{
    return host_min_sw(vmx_rank_2(a, b), vmx_rank(c));
}

// Sums are exact where they are tiny. One of at least 2^-90 does not change when denormal operands are flushed, they are far
// below its last bit; and one that is zero has operands of one magnitude.
ALWAYS bool vmx_unusual_sum(v4u r)
{
    v4u magnitude = r & MAGNITUDE, small_or_nan = (v4u) ~((v4f)magnitude >= splat_float(0x1p-90f));
    return host_any(small_or_nan & magnitude); // bits of a zero: none
}

// A product that is zero stays so when denormal operands are flushed, and with a zero operand it is zero or a NaN. So what
// counts is the least magnitude where that is not zero; a NaN of `r` is one, as the second operand of the last minimum.
ALWAYS bool vmx_unusual_product(v4u a, v4u b, v4u r)
{
    v4f least = host_min_float((v4f)(a & MAGNITUDE), (v4f)(b & MAGNITUDE));
    least = host_min_float(least, (v4f)(r & MAGNITUDE));
    v4u small_or_nan = (v4u) ~(least > (v4f)splat_word(0x00800000));
    return host_any(small_or_nan & (v4u)least); // bits of a zero: none
}

#define SUM(name, operator)                                                                                            \
    BODY(name)(STATE, v4u a, v4u b)                                                                                    \
    {                                                                                                                  \
        v4u r = (v4u)((v4f)a operator(v4f) b);                                                                         \
        if (LIKELY(!vmx_unusual_sum(r)))                                                                               \
            return r;                                                                                                  \
        r = (v4u)((v4f)vmx_flush(s, a) operator(v4f) vmx_flush(s, b));                                                 \
        return vmx_flush(s, vmx_name_nans(r, a, b, b));                                                                \
    }
SUM(addfp, +)
SUM(subfp, -)
#undef SUM

// The mask of the lanes where |a * c + b| is exactly below the least normal.
ALWAYS v4u vmx_below_normal(v4u a, v4u c, v4u b)
{
    v4d product = WIDEN(v4d, (v4f)a) * WIDEN(v4d, (v4f)c), addend = WIDEN(v4d, (v4f)b);
    v4d sum = product + addend, part = sum - product;
    v4d lost = (product - (sum - part)) + (addend - part); // what rounding the sum to double took away
    v4s64 low = (sum < 0x1p-126) & (sum > -0x1p-126);
    low |= ((sum == 0x1p-126) & (lost < 0)) | ((sum == -0x1p-126) & (lost > 0));
    return WIDEN(v4u, (v4u64)low);
}

// a * c + b the careful way, with `sign` put on result and addend.
ALWAYS v4u vmx_multiply_add(const struct ppc_state *s, v4u a, v4u b, v4u c, v4u sign)
{
    v4u x = vmx_flush(s, a), y = vmx_flush(s, c), z = vmx_flush(s, b) ^ sign;
    v4u r = (v4u)host_fma((v4f)x, (v4f)y, (v4f)z) ^ sign;
    // Rounding may have lifted a result to the least normal.
    v4u lifted = vmx_below_normal(x, y, z) & (v4u)((r & MAGNITUDE) == 0x00800000);
    r &= ~(lifted & MAGNITUDE & splat_word(0u - s->vscr_nj));
    return vmx_flush(s, vmx_name_nans(r, a, b, c));
}

BODY(mulfp)(STATE, v4u a, v4u b)
{
    v4u r = (v4u)((v4f)a * (v4f)b);
    if (LIKELY(!vmx_unusual_product(a, b, r)))
        return r;
    return vmx_multiply_add(s, a, SIGN, b, splat_word(0));
}

// a * c + b
BODY(maddfp)(STATE, v4u a, v4u b, v4u c)
{
    v4u r = (v4u)host_fma((v4f)a, (v4f)c, (v4f)b);
    if (LIKELY(!vmx_unusual(vmx_rank_3(a, b, c), r)))
        return r;
    return vmx_multiply_add(s, a, b, c, splat_word(0));
}

// -(a * c - b); a NaN keeps its sign
BODY(nmsubfp)(STATE, v4u a, v4u b, v4u c)
{
    v4u r = (v4u)host_fma((v4f)a, (v4f)c, (v4f)(b ^ SIGN)) ^ SIGN;
    if (LIKELY(!vmx_unusual(vmx_rank_3(a, b, c), r)))
        return r;
    return vmx_multiply_add(s, a, b, c, SIGN);
}

// Sums of products in double, rounded once, in every lane. Denormal results are zero whatever NJ says; a finite sum
// that no float can hold is a NaN. NaNs are found in the order x z y w, as the hardware's tree adds.
ALWAYS v4u vmx_dot_nan(double sum, v4u a, v4u b, bool four)
{
    v4u nan = choose(vmx_is_nan(b), vmx_quiet(b), splat_word(0));
    nan = choose(vmx_is_nan(a), vmx_quiet(a), nan);
    uint32_t first = nan[3] ? nan[3] : nan[1] ? nan[1] : nan[2] ? nan[2] : four && nan[0] ? nan[0] : 0x7FC00000;
    bool infinite = __builtin_isinf(sum);
    return splat_word(!infinite ? first : sum < 0 ? 0xFF800000 : 0x7F800000);
}

ALWAYS v4u vmx_dot(double sum, v4u a, v4u b, bool four)
{
    double magnitude = __builtin_fabs(sum);
    float r = magnitude < 0x1p-126 ? (float)(sum * 0.0) : (float)sum;
    v4u result = (v4u)(v4f){r, r, r, r};
    if (__builtin_expect(!(__builtin_fabsf(r) <= __FLT_MAX__), 0))
        result = vmx_dot_nan(sum, a, b, four);
    return result;
}

ALWAYS v4d vmx_products(const struct ppc_state *s, v4u a, v4u b)
{
    if (__builtin_expect(host_any((v4u)(vmx_rank_2(a, b) < (v4s)splat_word(0x80800000))), 0)) {
        a = vmx_flush(s, a);
        b = vmx_flush(s, b);
    }
    return WIDEN(v4d, (v4f)a) * WIDEN(v4d, (v4f)b);
}

BODY(msum3fp)(STATE, v4u a, v4u b)
{
    v4d p = vmx_products(s, a, b);
    return vmx_dot((p[3] + p[1]) + p[2], a, b, false);
}

BODY(msum4fp)(STATE, v4u a, v4u b)
{
    v4d p = vmx_products(s, a, b);
    return vmx_dot((p[3] + p[1]) + (p[2] + p[0]), a, b, true);
}

// ---- Minimum and maximum: -0 is less than +0
ALWAYS v4s vmx_order(v4u x) // a number that compares as the float does
{
    return (v4s)(x ^ (v4u)((v4s)x >> 31) >> 1);
}

ALWAYS v4u vmx_first_nan(v4u r, v4u a, v4u b)
{
    r = choose(vmx_is_nan(b), vmx_quiet(b), r);
    return choose(vmx_is_nan(a), vmx_quiet(a), r);
}

BODY(maxfp)(STATE, v4u a, v4u b)
{
    a = vmx_flush(s, a);
    b = vmx_flush(s, b);
    return vmx_first_nan(choose((v4u)(vmx_order(a) > vmx_order(b)), a, b), a, b);
}

BODY(minfp)(STATE, v4u a, v4u b)
{
    a = vmx_flush(s, a);
    b = vmx_flush(s, b);
    return vmx_first_nan(choose((v4u)(vmx_order(a) < vmx_order(b)), a, b), a, b);
}

// ---- Comparisons
BODY(cmpeqfp)(STATE, v4u a, v4u b)
{
    return (v4u)((v4f)vmx_flush(s, a) == (v4f)vmx_flush(s, b));
}

BODY(cmpgefp)(STATE, v4u a, v4u b)
{
    return (v4u)((v4f)vmx_flush(s, a) >= (v4f)vmx_flush(s, b));
}

BODY(cmpgtfp)(STATE, v4u a, v4u b)
{
    return (v4u)((v4f)vmx_flush(s, a) > (v4f)vmx_flush(s, b));
}

// Bit 0: not a <= b; bit 1: not a >= -b
BODY(cmpbfp)(STATE, v4u a, v4u b)
{
    v4f x = (v4f)vmx_flush(s, a), y = (v4f)vmx_flush(s, b);
    return (~(v4u)(x <= y) & SIGN) | (~(v4u)(x >= -y) & splat_word(0x40000000));
}

// ---- Rounding to integers in float
#define ROUND(name, mode)                                                                                              \
    BODY(name)(STATE, v4u b)                                                                                           \
    {                                                                                                                  \
        return (v4u)host_round_##mode((v4f)vmx_flush(s, b));                                                           \
    }
ROUND(rfin, nearest)
ROUND(rfim, down)
ROUND(rfip, up)
ROUND(rfiz, zero)
#undef ROUND

// ---- Integers
ALWAYS v4f vmx_scale(int exponent) // 2^exponent
{
    return (v4f)splat_word((uint32_t)(127 + exponent) << 23);
}

BODY(cfsx)(STATE, v4u b, uint32_t fraction)
{
    return (v4u)(WIDEN(v4f, (v4s)b) * vmx_scale(-(int)fraction));
}

// The halves convert exactly, and their sum rounds once.
BODY(cfux)(STATE, v4u b, uint32_t fraction)
{
    v4f high = WIDEN(v4f, (v4s)(b >> 16)), low = WIDEN(v4f, (v4s)(b & 0xFFFF));
    return (v4u)((high * 65536.0f + low) * vmx_scale(-(int)fraction));
}

// Truncated; what does not fit becomes the nearest limit and sets SAT; a NaN becomes 0 and does not.
BODY(ctsxs)(STATE, v4u b, uint32_t fraction)
{
    v4f x = (v4f)b * vmx_scale((int)fraction);
    v4u under = (v4u)(x < -0x1p31f), over = (v4u)(x >= 0x1p31f), fits = ~(under | over | vmx_is_nan((v4u)x));
    vmx_saturated(s, under | over);
    v4u r = (v4u)WIDEN(v4s, (v4f)((v4u)x & fits));
    return r | (under & SIGN) | (over & MAGNITUDE);
}

BODY(ctuxs)(STATE, v4u b, uint32_t fraction)
{
    v4f x = (v4f)b * vmx_scale((int)fraction);
    v4u under = (v4u)(x <= -1.0f), over = (v4u)(x >= 0x1p32f), large = (v4u)(x >= 0x1p31f);
    v4u fits = (v4u)(x > -1.0f) & (v4u)(x < 0x1p32f); // not a NaN
    vmx_saturated(s, under | over);
    x -= (v4f)(large & (v4u)(((v4f){0}) + 0x1p31f));
    return ((v4u)WIDEN(v4s, (v4f)((v4u)x & fits)) ^ (large & SIGN)) | over;
}
