// vmx_common.h: the forms in which vector instructions are written, and VSCR and CR6.
// A body is `v4u vmx_<what>(s, operands...)` over whole registers; VMX and VMX128 instructions differ only in the
// fields of the word that name the registers, so both are rows that name a body (vmx.h, vmx128.h).
#pragma once
#include "ppc/semantics.h"
#include "ppc/vector_host.h"

#define VR(n) (*(v4u *)&s->vr[n])
#define ALWAYS static inline __attribute__((unused, always_inline)) // handlers have no stack frames
#define BODY(name) ALWAYS v4u vmx_##name
#define STATE UNUSED_OK struct ppc_state *s

// An engine says here what it knows: all lanes are -0, as compilers make it for products.
#ifndef VMX_KNOWN_MINUS_ZERO
#define VMX_KNOWN_MINUS_ZERO(s, n) false
#endif

// VMX: VD, VA, VB, VC are five bits wide.
#define VMX_B(id, body)                                                                                                \
    OP(id)                                                                                                             \
    {                                                                                                                  \
        VR(RT(insn)) = vmx_##body(s, VR(RB(insn)));                                                                    \
    }
#define VMX_AB(id, body)                                                                                               \
    OP(id)                                                                                                             \
    {                                                                                                                  \
        VR(RT(insn)) = vmx_##body(s, VR(RA(insn)), VR(RB(insn)));                                                      \
    }
#define VMX_ABC(id, body)                                                                                              \
    OP(id)                                                                                                             \
    {                                                                                                                  \
        VR(RT(insn)) = vmx_##body(s, VR(RA(insn)), VR(RB(insn)), VR(RC(insn)));                                        \
    }
#define VMX_BI(id, body) /* I: the five bits in the place of VA */                                                     \
    OP(id)                                                                                                             \
    {                                                                                                                  \
        VR(RT(insn)) = vmx_##body(s, VR(RB(insn)), RA(insn));                                                          \
    }
#define VMX_I(id, body)                                                                                                \
    OP(id)                                                                                                             \
    {                                                                                                                  \
        VR(RT(insn)) = vmx_##body(s, RA(insn));                                                                        \
    }
#define VMX_COMPARE(id, body, record)                                                                                  \
    OP(id)                                                                                                             \
    {                                                                                                                  \
        v4u result = vmx_##body(s, VR(RA(insn)), VR(RB(insn)));                                                        \
        VR(RT(insn)) = result;                                                                                         \
        if (insn >> 10 & 1)                                                                                            \
            record(s, result);                                                                                         \
    }

// VMX128: seven bits.
#define VMX128_B(id, body)                                                                                             \
    OP(id)                                                                                                             \
    {                                                                                                                  \
        VR(VD128(insn)) = vmx_##body(s, VR(VB128(insn)));                                                              \
    }
#define VMX128_AB(id, body)                                                                                            \
    OP(id)                                                                                                             \
    {                                                                                                                  \
        VR(VD128(insn)) = vmx_##body(s, VR(VA128(insn)), VR(VB128(insn)));                                             \
    }
#define VMX128_BI(id, body)                                                                                            \
    OP(id)                                                                                                             \
    {                                                                                                                  \
        VR(VD128(insn)) = vmx_##body(s, VR(VB128(insn)), RA(insn));                                                    \
    }
#define VMX128_I(id, body)                                                                                             \
    OP(id)                                                                                                             \
    {                                                                                                                  \
        VR(VD128(insn)) = vmx_##body(s, RA(insn));                                                                     \
    }
#define VMX128_COMPARE(id, body, record)                                                                               \
    OP(id)                                                                                                             \
    {                                                                                                                  \
        v4u result = vmx_##body(s, VR(VA128(insn)), VR(VB128(insn)));                                                  \
        VR(VD128(insn)) = result;                                                                                      \
        if (insn >> 6 & 1)                                                                                             \
            record(s, result);                                                                                         \
    }

// Floats as bits.
#define SIGN splat_word(0x80000000)
#define MAGNITUDE splat_word(0x7FFFFFFF)

ALWAYS v4u vmx_is_nan(v4u x)
{
    return (v4u)((v4f)x != (v4f)x);
}

ALWAYS v4u vmx_quiet(v4u x)
{
    return x | 0x00400000;
}

// With VSCR.NJ set, denormals are zeros of their sign.
ALWAYS v4u vmx_flush(const struct ppc_state *s, v4u x)
{
    v4u least_normal = splat_word((uint32_t)s->vscr_nj << 23);
    v4u tiny = (v4u)((v4s)least_normal > (v4s)(x & MAGNITUDE));
    return x & ~(tiny & MAGNITUDE);
}

// VSCR.SAT is sticky: set where any bit of `x` is.
ALWAYS void vmx_saturated(struct ppc_state *s, v4u x)
{
    s->vscr_sat |= host_any(x);
}

// CR6 of the comparisons: all true, 0, none true, 0.
ALWAYS void vmx_record(struct ppc_state *s, v4u mask)
{
    unsigned signs = host_signs(mask);
    set_cr_field(s, 6, signs == 0xFFFF, false, signs == 0, false);
}

// CR6 of vcmpbfp: 0, 0, all in bounds, 0.
ALWAYS void vmx_record_bounds(struct ppc_state *s, v4u result)
{
    set_cr_field(s, 6, false, false, !host_any(result), false);
}

// Powers of two for shifts by multiplication, where the host cannot shift bytes.
ALWAYS v16u vmx_power(v4u b) // 1 << (b & 7)
{
    const v16u powers = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    return host_shuffle(powers, (v16u)b & splat_byte(7));
}

ALWAYS v16u16 vmx_inverse_power(v4u b) // 256 >> (b & 7)
{
    const v16u halves = {128, 64, 32, 16, 8, 4, 2, 1, 128, 64, 32, 16, 8, 4, 2, 1};
    return WIDEN(v16u16, host_shuffle(halves, (v16u)b & splat_byte(7))) * 2;
}
