// control.h: what the instructions of the group control in opcodes.def mean.
#pragma once
#include "ppc/fp_status.h"
#include "ppc/semantics.h"

// ---- Condition register. Its bits are bytes of 0 or 1.

#define CR_BIT_D(insn) ((insn) >> 21 & 31)
#define CR_BIT_A(insn) ((insn) >> 16 & 31)
#define CR_BIT_B(insn) ((insn) >> 11 & 31)

OP(crand)
{
    s->cr[CR_BIT_D(insn)] = s->cr[CR_BIT_A(insn)] & s->cr[CR_BIT_B(insn)];
}

OP(crandc)
{
    s->cr[CR_BIT_D(insn)] = s->cr[CR_BIT_A(insn)] & (s->cr[CR_BIT_B(insn)] ^ 1);
}

OP(creqv)
{
    s->cr[CR_BIT_D(insn)] = s->cr[CR_BIT_A(insn)] ^ s->cr[CR_BIT_B(insn)] ^ 1;
}

OP(crnand)
{
    s->cr[CR_BIT_D(insn)] = (s->cr[CR_BIT_A(insn)] & s->cr[CR_BIT_B(insn)]) ^ 1;
}

OP(crnor)
{
    s->cr[CR_BIT_D(insn)] = (s->cr[CR_BIT_A(insn)] | s->cr[CR_BIT_B(insn)]) ^ 1;
}

OP(cror)
{
    s->cr[CR_BIT_D(insn)] = s->cr[CR_BIT_A(insn)] | s->cr[CR_BIT_B(insn)];
}

OP(crorc)
{
    s->cr[CR_BIT_D(insn)] = s->cr[CR_BIT_A(insn)] | (s->cr[CR_BIT_B(insn)] ^ 1);
}

OP(crxor)
{
    s->cr[CR_BIT_D(insn)] = s->cr[CR_BIT_A(insn)] ^ s->cr[CR_BIT_B(insn)];
}

OP(mcrf)
{
    memmove(&s->cr[4 * BF(insn)], &s->cr[4 * (insn >> 18 & 7)], 4);
}

OP(mcrxr)
{
    set_cr_field(s, BF(insn), s->xer_so, s->xer_ov, s->xer_ca, 0);
    s->xer_so = s->xer_ov = s->xer_ca = 0;
}

// The nibbles of the CR fields that the eight bits from bit 12 on name.
INLINE uint32_t field_mask(unsigned fields)
{
    uint32_t wide = 0;
    for (unsigned i = 0; i < 8; i++)
        wide |= (fields >> i & 1) * 0xFu << 4 * i;
    return wide;
}

enum { ONE_FIELD = 1 << 20 }; // mfocrf and mtocrf

OP(mfcr)
{
    uint32_t value = ppc_cr(s);
    s->gpr[RT(insn)] = insn & ONE_FIELD ? value & field_mask(insn >> 12 & 0xFF) : value;
}

OP(mtcrf)
{
    uint32_t written = field_mask(insn >> 12 & 0xFF);
    ppc_set_cr(s, (ppc_cr(s) & ~written) | ((uint32_t)s->gpr[RS(insn)] & written));
}

// ---- FPSCR

#define FPSCR_SUMMARIES (FPSCR_FEX | FPSCR_VX) // these only follow from the exception bits

INLINE void fpscr_record(struct ppc_state *s, uint32_t insn, uint32_t fpscr)
{
    if (RECORD(insn))
        set_cr_field(s, 1, fpscr >> 31, fpscr >> 30 & 1, fpscr >> 29 & 1, fpscr >> 28 & 1);
}

INLINE void fpscr_write(struct ppc_state *s, uint32_t insn, uint32_t value)
{
    ppc_set_fpscr(s, value);
    fpscr_record(s, insn, s->fp.fpscr);
}

OP(mcrfs)
{
    uint32_t fpscr = ppc_fpscr(s);
    unsigned shift = 28 - 4 * (insn >> 18 & 7);
    uint32_t field = fpscr >> shift & 15;
    set_cr_field(s, BF(insn), field >> 3, field >> 2 & 1, field >> 1 & 1, field & 1);
    ppc_set_fpscr(s, fpscr & ~(0xFu << shift & (FPSCR_EXCEPTIONS | FPSCR_FX)));
}

OP(mffsx)
{
    uint32_t fpscr = ppc_fpscr(s);
    s->fpr[RT(insn)] = fpscr;
    fpscr_record(s, insn, fpscr);
}

OP(mtfsb0x)
{
    fpscr_write(s, insn, ppc_fpscr(s) & ~(0x80000000u >> RT(insn) & ~(uint32_t)FPSCR_SUMMARIES));
}

// Setting an exception bit anew sets FX.
OP(mtfsb1x)
{
    uint32_t old = ppc_fpscr(s), bit = 0x80000000u >> RT(insn) & ~(uint32_t)(FPSCR_SUMMARIES | FPSCR_RESERVED);
    if (bit & ~old & FPSCR_EXCEPTIONS)
        bit |= FPSCR_FX;
    fpscr_write(s, insn, old | bit);
}

OP(mtfsfix)
{
    unsigned shift = 28 - 4 * BF(insn);
    uint32_t written = 0xFu << shift & ~(uint32_t)(FPSCR_SUMMARIES | FPSCR_RESERVED);
    fpscr_write(s, insn, (ppc_fpscr(s) & ~written) | ((insn >> 12 & 15) << shift & written));
}

OP(mtfsfx)
{
    uint32_t written = field_mask(insn >> 17 & 0xFF) & ~(uint32_t)(FPSCR_SUMMARIES | FPSCR_RESERVED);
    fpscr_write(s, insn, (ppc_fpscr(s) & ~written) | ((uint32_t)s->fpr[RB(insn)] & written));
}

// ---- VSCR

OP(mfvscr)
{
    union ppc_vector v = {.w = {ppc_vscr(s)}};
    s->vr[RT(insn)] = v;
}

OP(mtvscr)
{
    ppc_set_vscr(s, s->vr[RB(insn)].w[0]);
}

// ---- Machine state. MSR steers nothing here; titles bracket their locks with it and must read back what they wrote.

enum {
    MSR_EE = 0x8000,
    MSR_PR = 0x4000,
    MSR_ME = 0x1000,
    MSR_IR_DR = 0x30,
    MSR_RI = 2,
    MSR_LE = 1,
};

// Problem state implies interrupts and translation.
INLINE uint64_t msr_implied(uint64_t v)
{
    return v & MSR_PR ? v | MSR_EE | MSR_IR_DR : v;
}

OP(mfmsr)
{
    s->gpr[RT(insn)] = s->msr;
}

// L (bit 16): only EE and RI.
INLINE bool msr_partial(uint32_t insn)
{
    return insn >> 16 & 1;
}

OP(mtmsr)
{
    uint64_t kept = msr_partial(insn) ? ~(uint64_t)(MSR_EE | MSR_RI) : 0xFFFFFFFF00000000 | MSR_ME | MSR_LE;
    s->msr = msr_implied((s->msr & kept) | (s->gpr[RS(insn)] & ~kept));
}

// There is no 64-bit mode here: switching to it (SF, bit 63) would run on wrongly, so it stops.
OP(mtmsrd)
{
    uint64_t hypervisor = 1ull << 60;
    uint64_t kept = msr_partial(insn) ? ~(uint64_t)(MSR_EE | MSR_RI) : hypervisor | MSR_ME | MSR_LE;
    uint64_t value = msr_implied((s->msr & kept) | (s->gpr[RS(insn)] & ~kept));
    if (value >> 63)
        op_leave(s, PPC_EXIT_ILLEGAL);
    else
        s->msr = value;
}

// SPR and TBR numbers: two five-bit halves, exchanged.
#define SPR(insn) (((insn) >> 16 & 31) | ((insn) >> 11 & 31) << 5)

enum {
    SPR_XER = 1,
    SPR_LR = 8,
    SPR_CTR = 9,
    SPR_VRSAVE = 256,
    SPR_TB = 268,
    SPR_TBU = 269,
    SPR_PVR = 287,
    XENON_PVR = 0x00710700,
};

INLINE uint64_t timebase(const struct ppc_state *s)
{
    return ppc_now(s) / PPC_CYCLES_PER_TICK;
}

OP(mfspr)
{
    switch (SPR(insn)) {
    case SPR_XER:
        s->gpr[RT(insn)] = ppc_xer(s);
        break;
    case SPR_LR:
        s->gpr[RT(insn)] = s->lr;
        break;
    case SPR_CTR:
        s->gpr[RT(insn)] = s->ctr;
        break;
    case SPR_VRSAVE:
        s->gpr[RT(insn)] = s->vrsave;
        break;
    case SPR_TB:
        s->gpr[RT(insn)] = timebase(s);
        break;
    case SPR_TBU:
        s->gpr[RT(insn)] = timebase(s) >> 32;
        break;
    case SPR_PVR:
        s->gpr[RT(insn)] = XENON_PVR;
        break;
    default:
        op_leave(s, PPC_EXIT_ILLEGAL);
    }
}

OP(mtspr)
{
    uint64_t value = s->gpr[RS(insn)];
    switch (SPR(insn)) {
    case SPR_XER:
        ppc_set_xer(s, (uint32_t)value);
        break;
    case SPR_LR:
        s->lr = value;
        break;
    case SPR_CTR:
        s->ctr = value;
        break;
    case SPR_VRSAVE:
        s->vrsave = (uint32_t)value;
        break;
    default:
        op_leave(s, PPC_EXIT_ILLEGAL);
    }
}

OP(mftb)
{
    switch (SPR(insn)) {
    case SPR_TB:
        s->gpr[RT(insn)] = timebase(s);
        break;
    case SPR_TBU:
        s->gpr[RT(insn)] = timebase(s) >> 32;
        break;
    default:
        op_leave(s, PPC_EXIT_ILLEGAL);
    }
}

// ---- Order of storage: one host thread runs all of the guest.

OP(eieio)
{
}

OP(isync)
{
}

OP(sync)
{
}

// ---- Traps and system calls

OP(sc)
{
    op_leave(s, PPC_EXIT_SYSCALL);
}

// TO: less, greater, equal, logically less, logically greater.
INLINE bool trap_holds(uint32_t insn, int64_t a, int64_t b)
{
    unsigned to = insn >> 21 & 31;
    return (to & 16 && a < b) || (to & 8 && a > b) || (to & 4 && a == b) || (to & 2 && (uint64_t)a < (uint64_t)b) ||
           (to & 1 && (uint64_t)a > (uint64_t)b);
}

INLINE void trap(struct ppc_state *s, uint32_t insn, int64_t a, int64_t b)
{
    if (trap_holds(insn, a, b))
        op_leave(s, PPC_EXIT_TRAP);
}

OP(td)
{
    trap(s, insn, (int64_t)s->gpr[RA(insn)], (int64_t)s->gpr[RB(insn)]);
}

OP(tdi)
{
    trap(s, insn, (int64_t)s->gpr[RA(insn)], (int64_t)SIMM(insn));
}

// Words, sign-extended: that keeps their logical order too.
OP(tw)
{
    trap(s, insn, (int32_t)s->gpr[RA(insn)], (int32_t)s->gpr[RB(insn)]);
}

OP(twi)
{
    trap(s, insn, (int32_t)s->gpr[RA(insn)], (int64_t)SIMM(insn));
}
