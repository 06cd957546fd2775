// semantics.h: the words in which instructions are defined. One function an instruction, for every engine.
//
//     OP(addi)
//     {
//         s->gpr[RT(insn)] = ra_or_zero(s, insn) + SIMM(insn);
//     }
//
// `s` is the state, `m` the host address of guest address 0, `insn` the word, `pc` its address. An engine may know insn and
// pc as constants. Rules: memory is touched before any register changes (a fault must leave the instruction undone, except
// lmw and the strings); nothing truncates a register for convenience; no loops where straight code does, no calls but to
// out-of-line slow paths (declared here or in the group's header, defined in slow_*.c); only host operations that are the
// same on every host. Compiles with gcc 12 and clang 19.
#pragma once
#include <string.h>

#include "base/bytes.h"
#include "ppc/ppc.h"

#define UNUSED_OK __attribute__((unused))
// Handlers are leaf code: gcc would else share parts of them as calls.
#define INLINE static inline __attribute__((always_inline, unused))
#define OP(id)                                                                                                         \
    INLINE void op_##id(UNUSED_OK struct ppc_state *s, UNUSED_OK uint8_t *m, UNUSED_OK uint32_t insn,                  \
                                         UNUSED_OK uint32_t pc)
#define BRANCH_OP(id)                                                                                                  \
    INLINE bool op_##id(UNUSED_OK struct ppc_state *s, UNUSED_OK uint8_t *m, UNUSED_OK uint32_t insn,                  \
                                         UNUSED_OK uint32_t pc)

// ---- Fields of the word
#define RT(insn) ((insn) >> 21 & 31)
#define RS(insn) ((insn) >> 21 & 31)
#define RA(insn) ((insn) >> 16 & 31)
#define RA_FIELD 0x001F0000u
#define RB(insn) ((insn) >> 11 & 31)
#define RC(insn) ((insn) >> 6 & 31) // third source, not the record bit
#define SIMM(insn) ((uint64_t)(int64_t)(int16_t)(insn))
#define UIMM(insn) ((uint64_t)(uint16_t)(insn))
#define RECORD(insn) ((insn) & 1)
#define OE(insn) ((insn) >> 10 & 1)
#define BF(insn) ((insn) >> 23 & 7) // CR field written
#define BO(insn) ((insn) >> 21 & 31)
#define BI(insn) ((insn) >> 16 & 31)
#define LK(insn) ((insn) & 1)

// VMX128's split register numbers.
#define VD128(insn) (((insn) >> 21 & 31) | ((insn) >> 2 & 3) << 5)
#define VA128(insn) (((insn) >> 16 & 31) | ((insn) >> 5 & 1) << 5 | ((insn) >> 10 & 1) << 6)
#define VB128(insn) (((insn) >> 11 & 31) | ((insn)&3) << 5)

// ---- Floating point registers that hold singles. An engine that keeps them as such where it knows that they are, and no
// signalling NaNs, says so here; FP_LEAVE gives an instruction that has changed nothing yet to an engine that does not.
#ifndef FP_KNOWN_SINGLE
#define FP_KNOWN_FAST() false // FPSCR has XX and is in round to nearest without exceptions
#define FP_TRACKS_SINGLES() false
#define FP_KNOWN_SINGLE(s, n) false
#define FP_GET_SINGLE(s, n) 0.0f
#define FP_KEEP_SINGLE(s, field, n) ((field) = 0) // the register's single as the lower word of the field
#define FP_SET_SINGLE(s, n, value) ((s)->fpr[n] = fp_bits(value))
#define FP_LEAVE() __builtin_unreachable()
#define FP_FORGET(field) // of no meaning from here on
// An engine that looks at several results at once says true here, takes this one for an ordinary number, and does them all again where one is none.
#define FP_CHECKED_LATER(result) false
#define FP_CHECKED_LATER_SINGLE(result) false
#endif

// ---- Compares. An engine that keeps what is compared and makes the CR's bits where something looks at them says so here.
#ifndef CR_KEEPS_COMPARES
#define CR_KEEPS_COMPARES() false
#define CR_KEEP_COMPARE(s, field, a, b) __builtin_unreachable()
#define CR_KEEP_DOUBLE_COMPARE(s, field, a, b) __builtin_unreachable() // bits of doubles
#endif

INLINE uint64_t fp_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

// ---- Registers
INLINE uint64_t ra_or_zero(const struct ppc_state *s, uint32_t insn)
{
    uint64_t v = s->gpr[RA(insn)]; // read in any case: a select, not a branch
    return insn & RA_FIELD ? v : 0;
}

INLINE uint32_t ea_d(const struct ppc_state *s, uint32_t insn)
{
    return (uint32_t)(ra_or_zero(s, insn) + SIMM(insn));
}

INLINE uint32_t ea_ds(const struct ppc_state *s, uint32_t insn)
{
    return (uint32_t)(ra_or_zero(s, insn) + (SIMM(insn) & ~3ull));
}

INLINE uint32_t ea_x(const struct ppc_state *s, uint32_t insn)
{
    return (uint32_t)(ra_or_zero(s, insn) + s->gpr[RB(insn)]);
}

INLINE void set_cr_field(struct ppc_state *s, unsigned field, bool lt, bool gt, bool eq, uint8_t so)
{
    s->cr[4 * field + PPC_LT] = lt;
    s->cr[4 * field + PPC_GT] = gt;
    s->cr[4 * field + PPC_EQ] = eq;
    s->cr[4 * field + PPC_SO] = so;
}

// A compare: of signed words or doublewords, or (logical) of unsigned ones.
INLINE void set_cr_compare(struct ppc_state *s, unsigned field, uint64_t a, uint64_t b, bool logical, bool doublewords)
{
    if (CR_KEEPS_COMPARES()) {
        CR_KEEP_COMPARE(s, field, a, b); // and SO
    } else if (logical) {
        uint64_t x = doublewords ? a : (uint32_t)a, y = doublewords ? b : (uint32_t)b;
        set_cr_field(s, field, x < y, x > y, x == y, s->xer_so);
    } else {
        int64_t x = doublewords ? (int64_t)a : (int32_t)a, y = doublewords ? (int64_t)b : (int32_t)b;
        set_cr_field(s, field, x < y, x > y, x == y, s->xer_so);
    }
}

// CR0 from a result, as record forms do: in 32-bit mode (docs/cpu.md) its low half counts.
INLINE void record(struct ppc_state *s, uint64_t result)
{
    set_cr_compare(s, 0, result, 0, false, false);
}

// ---- Leaving the engine (kind EXIT)
INLINE void op_leave(struct ppc_state *s, enum ppc_exit why)
{
    s->exit = (uint8_t)why;
}

// For an instruction whose meaning is not written yet: loud, never skipped.
INLINE bool op_unimplemented(struct ppc_state *s)
{
    s->exit = PPC_EXIT_ILLEGAL;
    return false;
}

// ---- Guest memory: big-endian, any alignment, 32-bit effective addresses. An access outside mapped memory is a host fault
// that the engine turns into PPC_EXIT_FAULT; device registers work through the same door.
INLINE uint8_t load8(const uint8_t *m, uint32_t ea)
{
    return *(const volatile uint8_t *)(m + ea);
}

INLINE uint16_t load16(const uint8_t *m, uint32_t ea)
{
    return be16_get(m + ea);
}

INLINE uint32_t load32(const uint8_t *m, uint32_t ea)
{
    return be32_get(m + ea);
}

INLINE uint64_t load64(const uint8_t *m, uint32_t ea)
{
    return be64_get(m + ea);
}

INLINE void store8(uint8_t *m, uint32_t ea, uint8_t v)
{
    *(volatile uint8_t *)(m + ea) = v;
}

INLINE void store16(uint8_t *m, uint32_t ea, uint16_t v)
{
    be16_set(m + ea, v);
}

INLINE void store32(uint8_t *m, uint32_t ea, uint32_t v)
{
    be32_set(m + ea, v);
}

INLINE void store64(uint8_t *m, uint32_t ea, uint64_t v)
{
    be64_set(m + ea, v);
}
