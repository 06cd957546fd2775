// vmx_integer.h: bodies of the vector instructions on integers and bits.
#pragma once
#include "ppc/semantics/vmx_common.h"

// ---- Bits
BODY(and)(STATE, v4u a, v4u b)
{
    return a & b;
}

BODY(andc)(STATE, v4u a, v4u b)
{
    return a & ~b;
}

BODY(nor)(STATE, v4u a, v4u b)
{
    return ~(a | b);
}

BODY(or)(STATE, v4u a, v4u b)
{
    return a | b;
}

BODY(xor)(STATE, v4u a, v4u b)
{
    return a ^ b;
}

BODY(sel)(STATE, v4u a, v4u b, v4u c)
{
    return choose(c, b, a);
}

// ---- Addition and subtraction
#define MODULO(name, type, operator)                                                                                   \
    BODY(name)(STATE, v4u a, v4u b)                                                                                    \
    {                                                                                                                  \
        return (v4u)((type)a operator(type) b);                                                                        \
    }
MODULO(addubm, v16u, +)
MODULO(adduhm, v8u, +)
MODULO(adduwm, v4u, +)
MODULO(sububm, v16u, -)
MODULO(subuhm, v8u, -)
MODULO(subuwm, v4u, -)
#undef MODULO

#define SATURATING(name, type, unsigned_type, host, operator)                                                          \
    BODY(name)(STATE, v4u a, v4u b)                                                                                    \
    {                                                                                                                  \
        v4u r = (v4u)host((type)a, (type)b);                                                                           \
        vmx_saturated(s, r ^ (v4u)((unsigned_type)a operator(unsigned_type) b));                                       \
        return r;                                                                                                      \
    }
SATURATING(addubs, v16u, v16u, host_add_sat_ub, +)
SATURATING(adduhs, v8u, v8u, host_add_sat_uh, +)
SATURATING(addsbs, v16s, v16u, host_add_sat_sb, +)
SATURATING(addshs, v8s, v8u, host_add_sat_sh, +)
SATURATING(sububs, v16u, v16u, host_sub_sat_ub, -)
SATURATING(subuhs, v8u, v8u, host_sub_sat_uh, -)
SATURATING(subsbs, v16s, v16u, host_sub_sat_sb, -)
SATURATING(subshs, v8s, v8u, host_sub_sat_sh, -)
#undef SATURATING

BODY(adduws)(STATE, v4u a, v4u b)
{
    v4u sum = a + b, over = (v4u)(sum < a);
    vmx_saturated(s, over);
    return sum | over;
}

BODY(subuws)(STATE, v4u a, v4u b)
{
    v4u under = (v4u)(a < b);
    vmx_saturated(s, under);
    return (a - b) & ~under;
}

// `exact` wrapped, where `wrapped` (sign bits) says so the nearest limit on the side of `sign`.
ALWAYS v4u vmx_limit_words(struct ppc_state *s, v4u exact, v4u wrapped, v4u sign)
{
    v4u mask = (v4u)((v4s)wrapped >> 31);
    vmx_saturated(s, mask);
    return choose(mask, (v4u)((v4s)sign >> 31) ^ splat_word(0x7FFFFFFF), exact);
}

BODY(addsws)(STATE, v4u a, v4u b)
{
    v4u sum = a + b;
    return vmx_limit_words(s, sum, (a ^ sum) & (b ^ sum), a);
}

BODY(subsws)(STATE, v4u a, v4u b)
{
    v4u difference = a - b;
    return vmx_limit_words(s, difference, (a ^ b) & (a ^ difference), a);
}

BODY(addcuw)(STATE, v4u a, v4u b)
{
    return (v4u)(a + b < a) & splat_word(1);
}

BODY(subcuw)(STATE, v4u a, v4u b)
{
    return (v4u)(a >= b) & splat_word(1);
}

// ---- Averages, rounded up
BODY(avgub)(STATE, v4u a, v4u b)
{
    return (v4u)host_average_ub((v16u)a, (v16u)b);
}

BODY(avguh)(STATE, v4u a, v4u b)
{
    return (v4u)host_average_uh((v8u)a, (v8u)b);
}

BODY(avguw)(STATE, v4u a, v4u b)
{
    return (a | b) - ((a ^ b) >> 1);
}

// A signed average is an unsigned one with the sign bits turned around.
BODY(avgsb)(STATE, v4u a, v4u b)
{
    v4u top = splat_word(0x80808080);
    return vmx_avgub(s, a ^ top, b ^ top) ^ top;
}

BODY(avgsh)(STATE, v4u a, v4u b)
{
    v4u top = splat_word(0x80008000);
    return vmx_avguh(s, a ^ top, b ^ top) ^ top;
}

BODY(avgsw)(STATE, v4u a, v4u b)
{
    return (a | b) - (v4u)((v4s)(a ^ b) >> 1);
}

// ---- Minimum, maximum, comparison
#define MIN_MAX(suffix, type)                                                                                          \
    BODY(max##suffix)(STATE, v4u a, v4u b)                                                                             \
    {                                                                                                                  \
        return (v4u)host_max_##suffix((type)a, (type)b);                                                               \
    }                                                                                                                  \
    BODY(min##suffix)(STATE, v4u a, v4u b)                                                                             \
    {                                                                                                                  \
        return (v4u)host_min_##suffix((type)a, (type)b);                                                               \
    }
MIN_MAX(ub, v16u)
MIN_MAX(uh, v8u)
MIN_MAX(uw, v4u)
MIN_MAX(sb, v16s)
MIN_MAX(sh, v8s)
MIN_MAX(sw, v4s)
#undef MIN_MAX

#define COMPARISON(name, type, operator)                                                                               \
    BODY(name)(STATE, v4u a, v4u b)                                                                                    \
    {                                                                                                                  \
        return (v4u)((type)a operator(type) b);                                                                        \
    }
COMPARISON(cmpequb, v16u, ==)
COMPARISON(cmpequh, v8u, ==)
COMPARISON(cmpequw, v4u, ==)
COMPARISON(cmpgtub, v16u, >)
COMPARISON(cmpgtuh, v8u, >)
COMPARISON(cmpgtuw, v4u, >)
COMPARISON(cmpgtsb, v16s, >)
COMPARISON(cmpgtsh, v8s, >)
COMPARISON(cmpgtsw, v4s, >)
#undef COMPARISON

// ---- Shifts and rotations of elements: by multiplication with powers of two where the host has no shift
BODY(slb)(STATE, v4u a, v4u b)
{
    return (v4u)WIDEN(v16u, WIDEN(v16u16, (v16u)a) * WIDEN(v16u16, vmx_power(b)));
}

BODY(srb)(STATE, v4u a, v4u b)
{
    return (v4u)WIDEN(v16u, WIDEN(v16u16, (v16u)a) * vmx_inverse_power(b) >> 8);
}

BODY(srab)(STATE, v4u a, v4u b)
{
    return (v4u)WIDEN(v16u, (v16u16)WIDEN(v16s16, (v16s)a) * vmx_inverse_power(b) >> 8);
}

BODY(rlb)(STATE, v4u a, v4u b)
{
    return (v4u)WIDEN(v16u, WIDEN(v16u16, (v16u)a) * 0x101 * WIDEN(v16u16, vmx_power(b)) >> 8);
}

#define HALFWORD_SHIFT(name, wide, narrow, expression)                                                                 \
    BODY(name)(STATE, v4u a, v4u b)                                                                                    \
    {                                                                                                                  \
        wide x = WIDEN(wide, (narrow)a);                                                                               \
        wide n = WIDEN(wide, (narrow)((v8u)b & splat_halfword(15)));                                                   \
        return (v4u)WIDEN(narrow, expression);                                                                         \
    }
HALFWORD_SHIFT(slh, v8u32, v8u, x << n)
HALFWORD_SHIFT(srh, v8u32, v8u, x >> n)
HALFWORD_SHIFT(srah, v8s32, v8s, x >> n)
HALFWORD_SHIFT(rlh, v8u32, v8u, x * 0x10001 << n >> 16)
#undef HALFWORD_SHIFT

BODY(slw)(STATE, v4u a, v4u b)
{
    return a << (b & 31);
}

BODY(srw)(STATE, v4u a, v4u b)
{
    return a >> (b & 31);
}

BODY(sraw)(STATE, v4u a, v4u b)
{
    return (v4u)((v4s)a >> (v4s)(b & 31));
}

BODY(rlw)(STATE, v4u a, v4u b)
{
    return a << (b & 31) | a >> (-b & 31);
}

// ---- Multiplication. "Even" elements of the guest are the upper halves of wider elements, "odd" ones the lower.
BODY(mulesb)(STATE, v4u a, v4u b)
{
    return (v4u)(((v8s)a >> 8) * ((v8s)b >> 8));
}

BODY(mulosb)(STATE, v4u a, v4u b)
{
    return (v4u)(((v8s)((v8u)a << 8) >> 8) * ((v8s)((v8u)b << 8) >> 8));
}

BODY(muleub)(STATE, v4u a, v4u b)
{
    return (v4u)(((v8u)a >> 8) * ((v8u)b >> 8));
}

BODY(muloub)(STATE, v4u a, v4u b)
{
    return (v4u)(((v8u)a & splat_halfword(255)) * ((v8u)b & splat_halfword(255)));
}

BODY(mulesh)(STATE, v4u a, v4u b)
{
    return (v4u)(((v4s)a >> 16) * ((v4s)b >> 16));
}

BODY(mulosh)(STATE, v4u a, v4u b)
{
    return (v4u)(((v4s)(a << 16) >> 16) * ((v4s)(b << 16) >> 16));
}

BODY(muleuh)(STATE, v4u a, v4u b)
{
    return (a >> 16) * (b >> 16);
}

BODY(mulouh)(STATE, v4u a, v4u b)
{
    return (a & 0xFFFF) * (b & 0xFFFF);
}

ALWAYS v4u vmx_limit_halfwords(struct ppc_state *s, v8s32 x)
{
    v8s32 least = (v8s32){0} - 32768, most = (v8s32){0} + 32767;
    v8s32 under = x < least, over = x > most;
    vmx_saturated(s, (v4u)WIDEN(v8s, under | over));
    x = (under & least) | (over & most) | (~(under | over) & x);
    return (v4u)WIDEN(v8s, x);
}

BODY(mhaddshs)(STATE, v4u a, v4u b, v4u c)
{
    v8s32 product = WIDEN(v8s32, (v8s)a) * WIDEN(v8s32, (v8s)b);
    return vmx_limit_halfwords(s, (product >> 15) + WIDEN(v8s32, (v8s)c));
}

BODY(mhraddshs)(STATE, v4u a, v4u b, v4u c)
{
    v8s32 product = WIDEN(v8s32, (v8s)a) * WIDEN(v8s32, (v8s)b);
    return vmx_limit_halfwords(s, ((product + 0x4000) >> 15) + WIDEN(v8s32, (v8s)c));
}

BODY(mladduhm)(STATE, v4u a, v4u b, v4u c)
{
    return (v4u)((v8u)a * (v8u)b + (v8u)c);
}

// ---- Sums across elements
ALWAYS v4s64 vmx_words(v4u x) // signed words, widened
{
    return WIDEN(v4s64, (v4s)x);
}

ALWAYS v4s64 vmx_words_unsigned(v4u x)
{
    return (v4s64)WIDEN(v4u64, x);
}

ALWAYS v4u vmx_limit_sums(struct ppc_state *s, v4s64 x, int64_t least, int64_t most)
{
    v4s64 low = (v4s64){0} + least, high = (v4s64){0} + most;
    v4s64 under = x < low, over = x > high;
    vmx_saturated(s, WIDEN(v4u, (v4u64)(under | over)));
    x = (under & low) | (over & high) | (~(under | over) & x);
    return WIDEN(v4u, (v4u64)x);
}

ALWAYS v4u vmx_limit_signed(struct ppc_state *s, v4s64 x)
{
    return vmx_limit_sums(s, x, INT32_MIN, INT32_MAX);
}

ALWAYS v4u vmx_limit_unsigned(struct ppc_state *s, v4s64 x)
{
    return vmx_limit_sums(s, x, 0, UINT32_MAX);
}

// Byte n of each word, zero or sign extended.
#define BYTE_U(x, n) ((x) >> (8 * (n)) & 255)
#define BYTE_S(x, n) (v4u)((v4s)((x) << (24 - 8 * (n))) >> 24)

BODY(msumubm)(STATE, v4u a, v4u b, v4u c)
{
    return BYTE_U(a, 0) * BYTE_U(b, 0) + BYTE_U(a, 1) * BYTE_U(b, 1) + BYTE_U(a, 2) * BYTE_U(b, 2) +
           BYTE_U(a, 3) * BYTE_U(b, 3) + c;
}

BODY(msummbm)(STATE, v4u a, v4u b, v4u c)
{
    return BYTE_S(a, 0) * BYTE_U(b, 0) + BYTE_S(a, 1) * BYTE_U(b, 1) + BYTE_S(a, 2) * BYTE_U(b, 2) +
           BYTE_S(a, 3) * BYTE_U(b, 3) + c;
}

BODY(msumuhm)(STATE, v4u a, v4u b, v4u c)
{
    return vmx_muleuh(s, a, b) + vmx_mulouh(s, a, b) + c;
}

BODY(msumshm)(STATE, v4u a, v4u b, v4u c)
{
    return vmx_mulesh(s, a, b) + vmx_mulosh(s, a, b) + c;
}

BODY(msumuhs)(STATE, v4u a, v4u b, v4u c)
{
    return vmx_limit_unsigned(s, vmx_words_unsigned(vmx_muleuh(s, a, b)) + vmx_words_unsigned(vmx_mulouh(s, a, b)) +
                                     vmx_words_unsigned(c));
}

BODY(msumshs)(STATE, v4u a, v4u b, v4u c)
{
    return vmx_limit_signed(s, vmx_words(vmx_mulesh(s, a, b)) + vmx_words(vmx_mulosh(s, a, b)) + vmx_words(c));
}

BODY(sum4ubs)(STATE, v4u a, v4u b)
{
    return vmx_adduws(s, BYTE_U(a, 0) + BYTE_U(a, 1) + BYTE_U(a, 2) + BYTE_U(a, 3), b);
}

BODY(sum4sbs)(STATE, v4u a, v4u b)
{
    return vmx_addsws(s, BYTE_S(a, 0) + BYTE_S(a, 1) + BYTE_S(a, 2) + BYTE_S(a, 3), b);
}

#undef BYTE_U
#undef BYTE_S

BODY(sum4shs)(STATE, v4u a, v4u b)
{
    return vmx_addsws(s, (v4u)(((v4s)a >> 16) + ((v4s)(a << 16) >> 16)), b);
}

// The sums go to the less significant word of each pair, or of the register; the others become zero.
BODY(sum2sws)(STATE, v4u a, v4u b)
{
    v4s64 x = vmx_words(a), y = vmx_words(b);
    v4s64 sums = {x[0] + x[1] + y[0], 0, x[2] + x[3] + y[2], 0};
    return vmx_limit_signed(s, sums);
}

BODY(sumsws)(STATE, v4u a, v4u b)
{
    v4s64 x = vmx_words(a);
    v4s64 sums = {x[0] + x[1] + x[2] + x[3] + (int32_t)b[0], 0, 0, 0};
    return vmx_limit_signed(s, sums);
}
