// vmx_float.h: bodies of the vector instructions on single floats. docs/vmx.md has the rules and where they come from.
//
// VSCR.NJ set: denormal operands and results are zeros of their sign. A result below the least normal before rounding is
// denormal, even where rounding would lift it. NaNs: the first operand that is a NaN, made quiet, in the order A, B, C of the
// VMX form; else 0x7FC00000. The straight code computes; lanes with a NaN or at the least normal go to vmx_float.c.
#pragma once
#include "ppc/semantics/vmx_common.h"
#include "ppc/vmx_float.h"

#define SIGN splat_word(0x80000000)
#define MAGNITUDE splat_word(0x7FFFFFFF)

static inline UNUSED_OK v4u vmx_flush_below(v4u x, uint32_t least_normal)
{
    v4u tiny = (v4u)((v4s)splat_word(least_normal) > (v4s)(x & MAGNITUDE));
    return x & ~(tiny & MAGNITUDE);
}

static inline UNUSED_OK v4u vmx_flush(const struct ppc_state *s, v4u x)
{
    return vmx_flush_below(x, (uint32_t)s->vscr_nj << 23);
}

static inline UNUSED_OK v4u vmx_is_nan(v4u x)
{
    return (v4u)((v4f)x != (v4f)x);
}

static inline UNUSED_OK v4u vmx_quiet(v4u x)
{
    return x | 0x00400000;
}

// ---- Arithmetic
// Sums are exact where they are tiny.
#define SUM(name, operator)                                                                                            \
    BODY(name)(STATE, v4u a, v4u b)                                                                                    \
    {                                                                                                                  \
        v4u r = (v4u)((v4f)vmx_flush(s, a) operator(v4f) vmx_flush(s, b));                                             \
        if (__builtin_expect(host_signs(vmx_is_nan(r)) != 0, 0))                                                       \
            r = vmx_nan_result(r, a, b, b);                                                                            \
        return vmx_flush(s, r);                                                                                        \
    }
SUM(addfp, +)
SUM(subfp, -)
#undef SUM

static inline UNUSED_OK v4u vmx_unusual(v4u r)
{
    return vmx_is_nan(r) | (v4u)((r & MAGNITUDE) == 0x00800000);
}

BODY(mulfp)(STATE, v4u a, v4u b)
{
    v4u x = vmx_flush(s, a), y = vmx_flush(s, b);
    v4u r = (v4u)((v4f)x * (v4f)y);
    if (__builtin_expect(host_signs(vmx_unusual(r)) != 0, 0))
        r = vmx_product_result(r, x, y, SIGN, s->vscr_nj);
    return vmx_flush(s, r);
}

// a * c + b
BODY(maddfp)(STATE, v4u a, v4u b, v4u c)
{
    v4u x = vmx_flush(s, a), y = vmx_flush(s, c), z = vmx_flush(s, b);
    v4u r = (v4u)host_fma((v4f)x, (v4f)y, (v4f)z);
    if (__builtin_expect(host_signs(vmx_unusual(r)) != 0, 0))
        r = vmx_product_result(r, x, y, z, s->vscr_nj);
    return vmx_flush(s, r);
}

// -(a * c - b); a NaN keeps its sign
BODY(nmsubfp)(STATE, v4u a, v4u b, v4u c)
{
    v4u x = vmx_flush(s, a), y = vmx_flush(s, c), z = vmx_flush(s, b);
    v4u r = (v4u)host_fma((v4f)x, (v4f)y, (v4f)(z ^ SIGN)) ^ SIGN;
    if (__builtin_expect(host_signs(vmx_unusual(r)) != 0, 0))
        r = vmx_negative_product_result(r, x, y, z, s->vscr_nj);
    return vmx_flush(s, r);
}

// Sums of products in double, rounded once, in every lane. Denormal results are zero whatever NJ says.
static inline UNUSED_OK v4u vmx_dot_result(struct ppc_state *s, double sum, v4u a, v4u b, unsigned lanes)
{
    double magnitude = __builtin_fabs(sum);
    if (__builtin_expect(!(magnitude >= 0x1p-126 && magnitude <= (double)__FLT_MAX__), 0))
        return vmx_dot_unusual(sum, vmx_flush(s, a), vmx_flush(s, b), lanes);
    float r = (float)sum;
    return (v4u)(v4f){r, r, r, r};
}

static inline UNUSED_OK v4d vmx_products(const struct ppc_state *s, v4u a, v4u b)
{
    return WIDEN(v4d, (v4f)vmx_flush(s, a)) * WIDEN(v4d, (v4f)vmx_flush(s, b));
}

BODY(msum3fp)(STATE, v4u a, v4u b)
{
    v4d p = vmx_products(s, a, b);
    return vmx_dot_result(s, (p[3] + p[1]) + p[2], a, b, 3);
}

BODY(msum4fp)(STATE, v4u a, v4u b)
{
    v4d p = vmx_products(s, a, b);
    return vmx_dot_result(s, (p[3] + p[1]) + (p[2] + p[0]), a, b, 4);
}

// ---- Minimum and maximum: -0 is less than +0
static inline UNUSED_OK v4s vmx_order(v4u x) // a number that compares as the float does
{
    return (v4s)(x ^ (v4u)((v4s)x >> 31) >> 1);
}

static inline UNUSED_OK v4u vmx_first_nan(v4u r, v4u a, v4u b)
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
static inline UNUSED_OK v4f vmx_scale(int exponent) // 2^exponent
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

// ---- Estimates
BODY(refp)(STATE, v4u b)
{
    return vmx_reciprocal(b, s->vscr_nj);
}

BODY(rsqrtefp)(STATE, v4u b)
{
    return vmx_reciprocal_root(b, s->vscr_nj);
}

BODY(exptefp)(STATE, v4u b)
{
    return vmx_power_of_two(b);
}

BODY(logefp)(STATE, v4u b)
{
    return vmx_logarithm(b, s->vscr_nj);
}

#undef SIGN
#undef MAGNITUDE
