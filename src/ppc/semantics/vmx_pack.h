// vmx_pack.h: bodies of the packs and unpacks, the Direct3D formats of VMX128 included.
#pragma once
#include "ppc/semantics/vmx_common.h"

// ---- To half the width: the elements of `a` become the more significant half
#define OUTSIDE(a, b, bias, mask) ((((a) + (bias)) | ((b) + (bias))) & (mask))

BODY(pkuhum)(STATE, v4u a, v4u b)
{
    v8u low = splat_halfword(255);
    return (v4u)host_pack_sh_ub((v8s)((v8u)b & low), (v8s)((v8u)a & low));
}

BODY(pkuwum)(STATE, v4u a, v4u b)
{
    return (v4u)host_pack_sw_uh((v4s)(b & 0xFFFF), (v4s)(a & 0xFFFF));
}

BODY(pkuhus)(STATE, v4u a, v4u b)
{
    vmx_saturated(s, (v4u)OUTSIDE((v8u)a, (v8u)b, 0, 0xFF00));
    v8u most = splat_halfword(255);
    return (v4u)host_pack_sh_ub((v8s)host_min_uh((v8u)b, most), (v8s)host_min_uh((v8u)a, most));
}

BODY(pkuwus)(STATE, v4u a, v4u b)
{
    vmx_saturated(s, OUTSIDE(a, b, 0, 0xFFFF0000));
    v4u most = splat_word(65535);
    return (v4u)host_pack_sw_uh((v4s)host_min_uw(b, most), (v4s)host_min_uw(a, most));
}

BODY(pkshus)(STATE, v4u a, v4u b)
{
    vmx_saturated(s, (v4u)OUTSIDE((v8u)a, (v8u)b, 0, 0xFF00));
    return (v4u)host_pack_sh_ub((v8s)b, (v8s)a);
}

BODY(pkshss)(STATE, v4u a, v4u b)
{
    vmx_saturated(s, (v4u)OUTSIDE((v8u)a, (v8u)b, 0x80, 0xFF00));
    return (v4u)host_pack_sh_sb((v8s)b, (v8s)a);
}

BODY(pkswus)(STATE, v4u a, v4u b)
{
    vmx_saturated(s, OUTSIDE(a, b, 0, 0xFFFF0000));
    return (v4u)host_pack_sw_uh((v4s)b, (v4s)a);
}

BODY(pkswss)(STATE, v4u a, v4u b)
{
    vmx_saturated(s, OUTSIDE(a, b, 0x8000, 0xFFFF0000));
    return (v4u)host_pack_sw_sh((v4s)b, (v4s)a);
}

#undef OUTSIDE

// 8:8:8:8 to 1:5:5:5
ALWAYS v4u vmx_pixel(v4u x)
{
    return (x >> 9 & 0x8000) | (x >> 9 & 0x7C00) | (x >> 6 & 0x3E0) | (x >> 3 & 0x1F);
}

BODY(pkpx)(STATE, v4u a, v4u b)
{
    return (v4u)host_pack_sw_uh((v4s)vmx_pixel(b), (v4s)vmx_pixel(a));
}

// ---- To twice the width
BODY(upkhsb)(STATE, v4u b)
{
    return (v4u)WIDEN(v8s, __builtin_shufflevector((v16s)b, (v16s)b, 8, 9, 10, 11, 12, 13, 14, 15));
}

BODY(upklsb)(STATE, v4u b)
{
    return (v4u)WIDEN(v8s, __builtin_shufflevector((v16s)b, (v16s)b, 0, 1, 2, 3, 4, 5, 6, 7));
}

BODY(upkhsh)(STATE, v4u b)
{
    return (v4u)WIDEN(v4s, __builtin_shufflevector((v8s)b, (v8s)b, 4, 5, 6, 7));
}

BODY(upklsh)(STATE, v4u b)
{
    return (v4u)WIDEN(v4s, __builtin_shufflevector((v8s)b, (v8s)b, 0, 1, 2, 3));
}

// 1:5:5:5 to 8:8:8:8 without scaling; `x` is sign-extended, so its one bit fills the first byte.
ALWAYS v4u vmx_unpixel(v4u x)
{
    return (x & 0xFF000000) | (x << 6 & 0x1F0000) | (x << 3 & 0x1F00) | (x & 0x1F);
}

BODY(upkhpx)(STATE, v4u b)
{
    return vmx_unpixel(vmx_upkhsh(s, b));
}

BODY(upklpx)(STATE, v4u b)
{
    return vmx_unpixel(vmx_upklsh(s, b));
}

// ---- Direct3D formats (vpkd3d128, vupkd3d128)
// All but the 16-bit floats are integers in the mantissa of a float: 3.0 + n * 2^-22 (1.0 + n * 2^-23 for unsigned ones
// when unpacked). Types by number; see shared/reference/ppc_d3d_pack.tsv.
enum vmx_d3d_type {
    VMX_D3D_COLOR,      // 8:8:8:8, w first, then x y z
    VMX_D3D_SHORT2,     // x y
    VMX_D3D_PACKED32,   // w:2 z:10 y:10 x:10
    VMX_D3D_FLOAT16_2,  // x y
    VMX_D3D_SHORT4,     // x y z w
    VMX_D3D_FLOAT16_4,  // x y z w
    VMX_D3D_PACKED64,   // w:4 z:20 y:20 x:20
};

// Each lane brought into [least, most]; a NaN becomes `least`.
ALWAYS v4u vmx_d3d_clamp(v4u x, v4u least, v4u most)
{
    v4u above = (v4u)((v4f)x > (v4f)least);
    x = choose(above, x, least);
    v4u below = (v4u)((v4f)x < (v4f)most);
    return choose(below, x, most);
}

// 16-bit floats as the GPU has them: no infinities and NaNs, exponent 31 is a number; denormals are zero; truncated.
ALWAYS v4u vmx_half_from_float(v4u x)
{
    v4u magnitude = x & 0x7FFFFFFF, half = (magnitude - 0x38000000) >> 13;
    half = choose((v4u)(magnitude < 0x38800000), splat_word(0), half);
    half = choose((v4u)(magnitude >= 0x47FFE000), splat_word(0x7FFF), half);
    return half | (x >> 16 & 0x8000);
}

ALWAYS v4u vmx_float_from_half(v4u x)
{
    v4u magnitude = x & 0x7FFF, number = (magnitude << 13) + 0x38000000;
    return ((v4u)(magnitude >= 0x400) & number) | (x & 0x8000) << 16;
}

#define WORDS(x, y, z, w) ((v4u){w, z, y, x})

ALWAYS v4u vmx_d3d_pack_shorts(v4u b)
{
    return vmx_d3d_clamp(b, splat_word(0x403F8001), splat_word(0x40407FFF)) & 0xFFFF;
}

// The packed value, in the least significant 32 or 64 bits.
ALWAYS uint64_t vmx_d3d_pack(v4u b, enum vmx_d3d_type type)
{
    v4u n;
    switch (type) {
    case VMX_D3D_COLOR:
        n = vmx_d3d_clamp(b, splat_word(0x40400000), splat_word(0x404000FF)) & 0xFF;
        return n[0] << 24 | n[3] << 16 | n[2] << 8 | n[1];
    case VMX_D3D_SHORT2:
        n = vmx_d3d_pack_shorts(b);
        return n[3] << 16 | n[2];
    case VMX_D3D_SHORT4:
        n = vmx_d3d_pack_shorts(b);
        return (uint64_t)(n[3] << 16 | n[2]) << 32 | n[1] << 16 | n[0];
    case VMX_D3D_PACKED32:
        n = vmx_d3d_clamp(b, WORDS(0x403FFE01, 0x403FFE01, 0x403FFE01, 0x40400000),
                          WORDS(0x404001FF, 0x404001FF, 0x404001FF, 0x40400003)) & WORDS(0x3FF, 0x3FF, 0x3FF, 3);
        return n[0] << 30 | n[1] << 20 | n[2] << 10 | n[3];
    case VMX_D3D_PACKED64:
        n = vmx_d3d_clamp(b, WORDS(0x40380001, 0x40380001, 0x40380001, 0x40400000),
                          WORDS(0x4047FFFF, 0x4047FFFF, 0x4047FFFF, 0x4040000F)) & WORDS(0xFFFFF, 0xFFFFF, 0xFFFFF, 15);
        return (uint64_t)n[0] << 60 | (uint64_t)n[1] << 40 | (uint64_t)n[2] << 20 | n[3];
    case VMX_D3D_FLOAT16_2:
        n = vmx_half_from_float(b);
        return n[3] << 16 | n[2];
    case VMX_D3D_FLOAT16_4:
        n = vmx_half_from_float(b);
        return (uint64_t)(n[3] << 16 | n[2]) << 32 | n[1] << 16 | n[0];
    }
    return 0; // type 7 has no meaning
}

// Where the packed words go, by IMM[1:0] and z: for each guest word x y z w the number of a word of (old x y z w, new z
// w).
static const uint8_t vmx_d3d_places[4][4][4] = {
    {{0, 1, 2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3}},
    {{0, 1, 2, 5}, {0, 1, 5, 3}, {0, 5, 2, 3}, {5, 1, 2, 3}},
    {{0, 1, 4, 5}, {0, 4, 5, 3}, {4, 5, 2, 3}, {5, 1, 2, 3}},
    {{0, 1, 4, 5}, {0, 4, 5, 3}, {4, 5, 2, 3}, {0, 1, 2, 4}},
};

// `imm` is the type and the kind of placement, `z` the place.
BODY(pkd3d)(STATE, v4u d, v4u b, uint32_t imm, uint32_t z)
{
    uint64_t packed = vmx_d3d_pack(b, (enum vmx_d3d_type)(imm >> 2));
    const uint32_t words[6] = {d[3], d[2], d[1], d[0], (uint32_t)(packed >> 32), (uint32_t)packed};
    const uint8_t *place = vmx_d3d_places[imm & 3][z];
    return WORDS(words[place[0]], words[place[1]], words[place[2]], words[place[3]]);
}

// Adds sign-extended numbers to `one`; the least number of the format has no meaning and becomes a NaN.
ALWAYS v4u vmx_d3d_number(v4u n, int bits, v4u one)
{
    v4u number = one + (v4u)((v4s)(n << (32 - bits)) >> (32 - bits));
    return choose((v4u)(number == 0x40400000u - (1u << (bits - 1))), splat_word(0x7FC00000), number);
}

BODY(upkd3d)(STATE, v4u b, uint32_t imm)
{
    const v4u short2 = WORDS(0x40400000, 0x40400000, 0, 0x3F800000);
    const v4u packed = WORDS(0x40400000, 0x40400000, 0x40400000, 0x3F800000);
    uint32_t low = b[0], high = b[1];
    uint64_t both = (uint64_t)high << 32 | low;
    switch (imm >> 2) {
    case VMX_D3D_COLOR:
        return WORDS(low >> 16 & 255, low >> 8 & 255, low & 255, low >> 24) | 0x3F800000;
    case VMX_D3D_SHORT2:
        return vmx_d3d_number(WORDS(low >> 16, low, 0, 0), 16, short2);
    case VMX_D3D_SHORT4:
        return vmx_d3d_number(WORDS(high >> 16, high, low >> 16, low), 16, splat_word(0x40400000));
    case VMX_D3D_PACKED32:
        return vmx_d3d_number(WORDS(low, low >> 10, low >> 20, low >> 30), 10, packed);
    case VMX_D3D_PACKED64:
        return vmx_d3d_number(WORDS(low, (uint32_t)(both >> 20), (uint32_t)(both >> 40), high >> 28), 20, packed);
    case VMX_D3D_FLOAT16_2:
        return vmx_float_from_half(WORDS(low >> 16, low & 0xFFFF, 0, 0)) | WORDS(0, 0, 0, 0x3F800000);
    case VMX_D3D_FLOAT16_4:
        return vmx_float_from_half(WORDS(high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF));
    }
    return splat_word(0); // type 7 has no meaning
}

#undef WORDS
