// fp_status.h: bits of the FPSCR, the kinds of scalar floating point operations, and their exact implementation.
// Life: struct ppc_fp_status lies in the state; nothing here keeps anything else.
// Threads: everything here is pure.
// Source: Power ISA 2.03 book I, chapter 4; what the console adds is in docs/fp.md.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "ppc/ppc.h"

enum {
    FPSCR_FEX = 0x40000000,
    FPSCR_VX = 0x20000000,
    FPSCR_OX = 0x10000000,
    FPSCR_UX = 0x08000000,
    FPSCR_ZX = 0x04000000,
    FPSCR_XX = 0x02000000,
    FPSCR_VXSNAN = 0x01000000,
    FPSCR_VXISI = 0x00800000, // infinity - infinity
    FPSCR_VXIDI = 0x00400000, // infinity / infinity
    FPSCR_VXZDZ = 0x00200000, // 0 / 0
    FPSCR_VXIMZ = 0x00100000, // infinity * 0
    FPSCR_VXVC = 0x00080000,  // ordered compare of a NaN
    FPSCR_FR = 0x00040000,    // the magnitude was rounded up
    FPSCR_FI = 0x00020000,    // the result is inexact
    FPSCR_FPRF = 0x0001F000,  // class and sign of the result
    FPSCR_FPCC = 0x0000F000,  // its last four bits, which compares write: FL, FG, FE, FU
    FPSCR_FL = 0x00008000,
    FPSCR_FG = 0x00004000,
    FPSCR_FE = 0x00002000,
    FPSCR_FU = 0x00001000,
    FPSCR_RESERVED = 0x00000800, // reads as zero
    FPSCR_VXSOFT = 0x00000400,
    FPSCR_VXSQRT = 0x00000200,
    FPSCR_VXCVI = 0x00000100,
    FPSCR_VE = 0x00000080,
    FPSCR_OE = 0x00000040,
    FPSCR_UE = 0x00000020,
    FPSCR_ZE = 0x00000010,
    FPSCR_XE = 0x00000008,
    FPSCR_NI = 0x00000004,
    FPSCR_RN = 0x00000003, // 0 nearest, 1 to zero, 2 up, 3 down
};
enum { FP_MODE_BITS = FPSCR_VE | FPSCR_OE | FPSCR_UE | FPSCR_ZE | FPSCR_XE | FPSCR_NI | FPSCR_RN };
#define FPSCR_FX 0x80000000u // any exception bit went from 0 to 1
#define FPSCR_VX_ALL                                                                                                   \
    (FPSCR_VXSNAN | FPSCR_VXISI | FPSCR_VXIDI | FPSCR_VXZDZ | FPSCR_VXIMZ | FPSCR_VXVC | FPSCR_VXSOFT | FPSCR_VXSQRT | \
     FPSCR_VXCVI)
#define FPSCR_EXCEPTIONS (FPSCR_VX_ALL | FPSCR_OX | FPSCR_UX | FPSCR_ZX | FPSCR_XX)

// Kinds of operations. Operands are named as in the instruction: frA, frB, frC; one that it lacks means nothing.
enum fp_kind {
    FP_NONE,
    FP_ADD,   // a + b
    FP_SUB,   // a - b
    FP_MUL,   // a * c
    FP_DIV,   // a / b
    FP_SQRT,  // root of b
    FP_MADD,  // a * c + b
    FP_MSUB,  // a * c - b
    FP_NMADD, // -(a * c + b)
    FP_NMSUB, // -(a * c - b)
    FP_ROUND, // b; only with FP_SINGLE
    FP_FRES,
    FP_FRSQRTE,
    FP_FCFID,
    FP_FCTID,
    FP_FCTIDZ,
    FP_FCTIW,
    FP_FCTIWZ,
    FP_SINGLE = 0x20, // added: the result is rounded to single
};

enum { FP_HAS_A = 1, FP_HAS_B = 2, FP_HAS_C = 4 };
static inline unsigned fp_operands(uint32_t kind)
{
    switch (kind & ~(uint32_t)FP_SINGLE) {
    case FP_ADD:
    case FP_SUB:
    case FP_DIV:
        return FP_HAS_A | FP_HAS_B;
    case FP_MUL:
        return FP_HAS_A | FP_HAS_C;
    case FP_MADD:
    case FP_MSUB:
    case FP_NMADD:
    case FP_NMSUB:
        return FP_HAS_A | FP_HAS_B | FP_HAS_C;
    default:
        return FP_HAS_B;
    }
}

// ppc_fp_status.pending: a kind whose FPRF, FR and FI follow from a, b, c in round to nearest with all exceptions
// disabled, and what a later compare or conversion left on top of it: FR and FI at their places in the FPSCR.
enum {
    FP_PENDING_KIND = 0xFF,
    FP_PENDING_FPCC = 0x100, // FPCC follows from compare_a and compare_b, neither a NaN
    FP_PENDING_FLOATS = 0x400, // a, b and c are singles in their lower words; the upper ones mean nothing
    FP_PENDING_FRFI = 0x200, // the bits FPSCR_FR and FPSCR_FI of pending do
};

// The whole operation, exactly, in any mode. Updates the FPSCR and returns the new value of frD: `old` where an enabled
// exception suppresses it.
__attribute__((noinline, cold)) uint64_t ppc_fp_slow(struct ppc_fp_status *fp, uint32_t kind, uint64_t old, uint64_t a,
                                                     uint64_t b, uint64_t c);

// fcmpu and fcmpo where an operand is a NaN: the FPSCR's part.
__attribute__((noinline, cold)) void ppc_fp_unordered(struct ppc_fp_status *fp, bool ordered, uint64_t a, uint64_t b);

// Makes fp->fpscr exact.
void ppc_fp_settle(struct ppc_fp_status *fp);

// `fpscr` with VX and FEX as they follow from its other bits, and the reserved bit zero.
static inline uint32_t fpscr_summarise(uint32_t fpscr)
{
    fpscr &= ~(uint32_t)(FPSCR_VX | FPSCR_FEX | FPSCR_RESERVED);
    if (fpscr & FPSCR_VX_ALL)
        fpscr |= FPSCR_VX;
    if (fpscr >> 22 & fpscr & (FPSCR_VE | FPSCR_OE | FPSCR_UE | FPSCR_ZE | FPSCR_XE))
        fpscr |= FPSCR_FEX;
    return fpscr;
}
