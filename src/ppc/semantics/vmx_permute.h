// vmx_permute.h: bodies of the vector instructions that move elements: permutes, merges, splats, shifts of the
// register.
#pragma once
#include "ppc/semantics/vmx_common.h"

// Sixteen bytes at vmx_ramp + 16 - n move bytes up by n in a host_shuffle, at vmx_ramp + 16 + n down, with zeros
// behind.
static const uint8_t vmx_ramp[48] = {
    128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, //
    0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  15,  //
    128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
};

ALWAYS v4u vmx_bytes_up(v4u x, uint32_t n) // x << (8 * n), n in 0..16
{
    v16u control;
    memcpy(&control, vmx_ramp + 16 - n, 16);
    return (v4u)host_shuffle((v16u)x, control);
}

ALWAYS v4u vmx_bytes_down(v4u x, uint32_t n) // x >> (8 * n), n in 0..16
{
    v16u control;
    memcpy(&control, vmx_ramp + 16 + n, 16);
    return (v4u)host_shuffle((v16u)x, control);
}

// Memory order to register order, and back.
ALWAYS v4u vmx_reverse_bytes(v4u x)
{
    const v16u control = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    return (v4u)host_shuffle((v16u)x, control);
}

// Guest byte 0 of `a` is number 0, guest byte 15 of `b` number 31.
BODY(perm)(STATE, v4u a, v4u b, v4u c)
{
    v16u control = ~(v16u)c & splat_byte(15);
    v16u from_a = host_shuffle((v16u)a, control), from_b = host_shuffle((v16u)b, control);
    return (v4u)host_blend(from_a, from_b, (v16u)(c << 3));
}

BODY(sldoi)(STATE, v4u a, v4u b, uint32_t n)
{
    return vmx_bytes_up(a, n) | vmx_bytes_down(b, 16 - n);
}

BODY(slo)(STATE, v4u a, v4u b)
{
    return vmx_bytes_up(a, b[0] >> 3 & 15);
}

BODY(sro)(STATE, v4u a, v4u b)
{
    return vmx_bytes_down(a, b[0] >> 3 & 15);
}

// Shifts of the register by bits. Each byte takes its own count from the same byte of `b` (architecturally they are
// equal).
BODY(sl)(STATE, v4u a, v4u b)
{
    v16u16 pairs = WIDEN(v16u16, (v16u)a) << 8 | WIDEN(v16u16, (v16u)vmx_bytes_up(a, 1));
    return (v4u)WIDEN(v16u, pairs * WIDEN(v16u16, vmx_power(b)) >> 8);
}

BODY(sr)(STATE, v4u a, v4u b)
{
    v16u16 pairs = WIDEN(v16u16, (v16u)vmx_bytes_down(a, 1)) << 8 | WIDEN(v16u16, (v16u)a);
    return (v4u)WIDEN(v16u, pairs * vmx_inverse_power(b) >> 8);
}

#define MERGE(name, type, ...)                                                                                         \
    BODY(name)(STATE, v4u a, v4u b)                                                                                    \
    {                                                                                                                  \
        return (v4u)__builtin_shufflevector((type)b, (type)a, __VA_ARGS__);                                            \
    }
MERGE(mrghb, v16u, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
MERGE(mrglb, v16u, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
MERGE(mrghh, v8u, 4, 12, 5, 13, 6, 14, 7, 15)
MERGE(mrglh, v8u, 0, 8, 1, 9, 2, 10, 3, 11)
MERGE(mrghw, v4u, 2, 6, 3, 7)
MERGE(mrglw, v4u, 0, 4, 1, 5)
#undef MERGE

BODY(spltb)(STATE, v4u b, uint32_t element)
{
    return (v4u)host_shuffle((v16u)b, splat_byte((uint8_t)(~element & 15)));
}

BODY(splth)(STATE, v4u b, uint32_t element)
{
    uint32_t low = (~element & 7) * 2;
    return (v4u)host_shuffle((v16u)b, (v16u)splat_halfword((uint16_t)(low * 0x101 + 0x100)));
}

BODY(spltw)(STATE, v4u b, uint32_t element)
{
    uint32_t low = (~element & 3) * 4;
    return (v4u)host_shuffle((v16u)b, (v16u)splat_word(low * 0x01010101 + 0x03020100));
}

ALWAYS int32_t vmx_signed_immediate(uint32_t imm)
{
    return (int32_t)(imm ^ 16) - 16;
}

BODY(spltisb)(STATE, uint32_t imm)
{
    return (v4u)splat_byte((uint8_t)vmx_signed_immediate(imm));
}

BODY(spltish)(STATE, uint32_t imm)
{
    return (v4u)splat_halfword((uint16_t)vmx_signed_immediate(imm));
}

BODY(spltisw)(STATE, uint32_t imm)
{
    return splat_word((uint32_t)vmx_signed_immediate(imm));
}

// Guest word i of the result is the guest word of `b` that bits 7-2i:6-2i of `order` name.
BODY(permwi)(STATE, v4u b, uint32_t order)
{
    v4u number = splat_word(order) >> (v4u){0, 2, 4, 6} & 3;
    v4u control = (3 - number) * 0x04040404 + 0x03020100;
    return (v4u)host_shuffle((v16u)b, (v16u)control);
}

// `b` rotated left by words; the words whose bit in `mask` is set (8: the first) replace those of `d`.
BODY(rlimi)(STATE, v4u d, v4u b, uint32_t mask, uint32_t words)
{
    v4u number = ((v4u){4, 5, 6, 7} - words) & 3;
    v4u rotated = (v4u)host_shuffle((v16u)b, (v16u)(number * 0x04040404 + 0x03020100));
    v4u take = (v4u)((splat_word(mask) & (v4u){1, 2, 4, 8}) != 0);
    return choose(take, rotated, d);
}

BODY(lvsl)(STATE, uint32_t address)
{
    const v16u from_zero = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    return (v4u)(from_zero + splat_byte(address & 15));
}

BODY(lvsr)(STATE, uint32_t address)
{
    const v16u from_16 = {31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16};
    return (v4u)(from_16 - splat_byte(address & 15));
}
