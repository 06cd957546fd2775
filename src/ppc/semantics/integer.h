// integer.h: what the instructions of the group integer in opcodes.def mean.
//
// Titles run with MSR.SF = 0: registers and results have 64 bits, while CA, OV of add and subtract, and CR0 come from
// the low 32. Docs: docs/cpu.md, "64-bit registers, 32-bit mode".
#pragma once
#include "ppc/semantics.h"

// Where OE is set: OV, and SO which remembers it.
INLINE void set_overflow(struct ppc_state *s, bool overflow)
{
    s->xer_ov = overflow;
    s->xer_so |= overflow;
}

INLINE void set_rt(struct ppc_state *s, uint32_t insn, uint64_t result)
{
    s->gpr[RT(insn)] = result;
    if (RECORD(insn))
        record(s, result);
}

INLINE void set_ra(struct ppc_state *s, uint32_t insn, uint64_t result)
{
    s->gpr[RA(insn)] = result;
    if (RECORD(insn))
        record(s, result);
}

INLINE void set_carry(struct ppc_state *s, uint64_t a, uint64_t b, unsigned carry_in)
{
    s->xer_ca = (uint8_t)(((uint64_t)(uint32_t)a + (uint32_t)b + carry_in) >> 32);
}

// RT = a + b + carry_in, with OV where asked.
INLINE void add(struct ppc_state *s, uint32_t insn, uint64_t a, uint64_t b, unsigned carry_in)
{
    uint64_t result = a + b + carry_in;
    if (OE(insn))
        set_overflow(s, (uint32_t)((a ^ result) & (b ^ result)) >> 31);
    set_rt(s, insn, result);
}

// The same, with CA.
INLINE void add_carrying(struct ppc_state *s, uint32_t insn, uint64_t a, uint64_t b, unsigned carry_in)
{
    set_carry(s, a, b, carry_in);
    add(s, insn, a, b, carry_in);
}

OP(addcx)
{
    add_carrying(s, insn, s->gpr[RA(insn)], s->gpr[RB(insn)], 0);
}

OP(addex)
{
    add_carrying(s, insn, s->gpr[RA(insn)], s->gpr[RB(insn)], s->xer_ca);
}

OP(addi)
{
    s->gpr[RT(insn)] = ra_or_zero(s, insn) + SIMM(insn);
}

OP(addic)
{
    uint64_t a = s->gpr[RA(insn)];
    set_carry(s, a, SIMM(insn), 0);
    s->gpr[RT(insn)] = a + SIMM(insn);
}

OP(addic_)
{
    uint64_t a = s->gpr[RA(insn)];
    set_carry(s, a, SIMM(insn), 0);
    s->gpr[RT(insn)] = a + SIMM(insn);
    record(s, a + SIMM(insn));
}

OP(addis)
{
    s->gpr[RT(insn)] = ra_or_zero(s, insn) + (SIMM(insn) << 16);
}

OP(addmex)
{
    add_carrying(s, insn, s->gpr[RA(insn)], ~0ull, s->xer_ca);
}

OP(addx)
{
    add(s, insn, s->gpr[RA(insn)], s->gpr[RB(insn)], 0);
}

OP(addzex)
{
    add_carrying(s, insn, s->gpr[RA(insn)], 0, s->xer_ca);
}

OP(subfcx)
{
    add_carrying(s, insn, ~s->gpr[RA(insn)], s->gpr[RB(insn)], 1);
}

OP(subfex)
{
    add_carrying(s, insn, ~s->gpr[RA(insn)], s->gpr[RB(insn)], s->xer_ca);
}

OP(subficx)
{
    uint64_t a = ~s->gpr[RA(insn)];
    set_carry(s, a, SIMM(insn), 1);
    s->gpr[RT(insn)] = a + SIMM(insn) + 1;
}

OP(subfmex)
{
    add_carrying(s, insn, ~s->gpr[RA(insn)], ~0ull, s->xer_ca);
}

OP(subfx)
{
    add(s, insn, ~s->gpr[RA(insn)], s->gpr[RB(insn)], 1);
}

OP(subfzex)
{
    add_carrying(s, insn, ~s->gpr[RA(insn)], 0, s->xer_ca);
}

OP(negx)
{
    add(s, insn, ~s->gpr[RA(insn)], 0, 1);
}

// ---- Multiply and divide. Word forms read the low words. What the ISA leaves undefined: mulhw(u)'s upper half is the
// extended product's, divw(u)'s is zero, and an impossible quotient is zero.

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

OP(mulhdux)
{
    uint128 product = (uint128)s->gpr[RA(insn)] * s->gpr[RB(insn)];
    set_rt(s, insn, (uint64_t)(product >> 64));
}

OP(mulhdx)
{
    int128 product = (int128)(int64_t)s->gpr[RA(insn)] * (int64_t)s->gpr[RB(insn)];
    set_rt(s, insn, (uint64_t)(product >> 64));
}

OP(mulhwux)
{
    set_rt(s, insn, (uint64_t)(uint32_t)s->gpr[RA(insn)] * (uint32_t)s->gpr[RB(insn)] >> 32);
}

INLINE int64_t word_product(const struct ppc_state *s, uint32_t insn)
{
    return (int64_t)(int32_t)s->gpr[RA(insn)] * (int32_t)s->gpr[RB(insn)];
}

OP(mulhwx)
{
    set_rt(s, insn, (uint64_t)(word_product(s, insn) >> 32));
}

OP(mulldx)
{
    int64_t result;
    bool overflow = __builtin_mul_overflow((int64_t)s->gpr[RA(insn)], (int64_t)s->gpr[RB(insn)], &result);
    if (OE(insn))
        set_overflow(s, overflow);
    set_rt(s, insn, (uint64_t)result);
}

OP(mulli)
{
    s->gpr[RT(insn)] = s->gpr[RA(insn)] * SIMM(insn);
}

OP(mullwx)
{
    int64_t product = word_product(s, insn);
    if (OE(insn))
        set_overflow(s, product != (int32_t)product);
    set_rt(s, insn, (uint64_t)product);
}

INLINE void set_quotient(struct ppc_state *s, uint32_t insn, bool impossible, uint64_t quotient)
{
    if (OE(insn))
        set_overflow(s, impossible);
    set_rt(s, insn, quotient);
}

OP(divdux)
{
    uint64_t a = s->gpr[RA(insn)], b = s->gpr[RB(insn)];
    set_quotient(s, insn, b == 0, b ? a / b : 0);
}

OP(divdx)
{
    int64_t a = (int64_t)s->gpr[RA(insn)], b = (int64_t)s->gpr[RB(insn)];
    bool impossible = b == 0 || (a == INT64_MIN && b == -1);
    set_quotient(s, insn, impossible, impossible ? 0 : (uint64_t)(a / b));
}

OP(divwux)
{
    uint32_t a = (uint32_t)s->gpr[RA(insn)], b = (uint32_t)s->gpr[RB(insn)];
    set_quotient(s, insn, b == 0, b ? a / b : 0);
}

OP(divwx)
{
    int32_t a = (int32_t)s->gpr[RA(insn)], b = (int32_t)s->gpr[RB(insn)];
    bool impossible = b == 0 || (a == INT32_MIN && b == -1);
    set_quotient(s, insn, impossible, impossible ? 0 : (uint32_t)(a / b));
}

// ---- Compare: L (bit 21) chooses 64 bits.
#define COMPARES_DOUBLEWORDS(insn) ((insn) >> 21 & 1)

OP(cmp)
{
    set_cr_compare(s, BF(insn), s->gpr[RA(insn)], s->gpr[RB(insn)], false, COMPARES_DOUBLEWORDS(insn));
}

OP(cmpi)
{
    set_cr_compare(s, BF(insn), s->gpr[RA(insn)], SIMM(insn), false, COMPARES_DOUBLEWORDS(insn));
}

OP(cmpl)
{
    set_cr_compare(s, BF(insn), s->gpr[RA(insn)], s->gpr[RB(insn)], true, COMPARES_DOUBLEWORDS(insn));
}

OP(cmpli)
{
    set_cr_compare(s, BF(insn), s->gpr[RA(insn)], UIMM(insn), true, COMPARES_DOUBLEWORDS(insn));
}

// ---- Logic

OP(andcx)
{
    set_ra(s, insn, s->gpr[RS(insn)] & ~s->gpr[RB(insn)]);
}

OP(andi_)
{
    uint64_t result = s->gpr[RS(insn)] & UIMM(insn);
    s->gpr[RA(insn)] = result;
    record(s, result);
}

OP(andis_)
{
    uint64_t result = s->gpr[RS(insn)] & UIMM(insn) << 16;
    s->gpr[RA(insn)] = result;
    record(s, result);
}

OP(andx)
{
    set_ra(s, insn, s->gpr[RS(insn)] & s->gpr[RB(insn)]);
}

OP(eqvx)
{
    set_ra(s, insn, ~(s->gpr[RS(insn)] ^ s->gpr[RB(insn)]));
}

OP(nandx)
{
    set_ra(s, insn, ~(s->gpr[RS(insn)] & s->gpr[RB(insn)]));
}

OP(norx)
{
    set_ra(s, insn, ~(s->gpr[RS(insn)] | s->gpr[RB(insn)]));
}

OP(orcx)
{
    set_ra(s, insn, s->gpr[RS(insn)] | ~s->gpr[RB(insn)]);
}

OP(ori)
{
    s->gpr[RA(insn)] = s->gpr[RS(insn)] | UIMM(insn);
}

OP(oris)
{
    s->gpr[RA(insn)] = s->gpr[RS(insn)] | UIMM(insn) << 16;
}

OP(orx)
{
    set_ra(s, insn, s->gpr[RS(insn)] | s->gpr[RB(insn)]);
}

OP(xori)
{
    s->gpr[RA(insn)] = s->gpr[RS(insn)] ^ UIMM(insn);
}

OP(xoris)
{
    s->gpr[RA(insn)] = s->gpr[RS(insn)] ^ UIMM(insn) << 16;
}

OP(xorx)
{
    set_ra(s, insn, s->gpr[RS(insn)] ^ s->gpr[RB(insn)]);
}

OP(cntlzdx)
{
    uint64_t v = s->gpr[RS(insn)];
    set_ra(s, insn, v ? (uint64_t)__builtin_clzll(v) : 64);
}

OP(cntlzwx)
{
    uint32_t v = (uint32_t)s->gpr[RS(insn)];
    set_ra(s, insn, v ? (uint64_t)__builtin_clz(v) : 32);
}

OP(extsbx)
{
    set_ra(s, insn, (uint64_t)(int64_t)(int8_t)s->gpr[RS(insn)]);
}

OP(extshx)
{
    set_ra(s, insn, (uint64_t)(int64_t)(int16_t)s->gpr[RS(insn)]);
}

OP(extswx)
{
    set_ra(s, insn, (uint64_t)(int64_t)(int32_t)s->gpr[RS(insn)]);
}

// ---- Rotate

INLINE uint64_t rotate_left(uint64_t v, unsigned n)
{
    return v << n | v >> (-n & 63);
}

// The low word rotated, in both halves.
INLINE uint64_t rotate_word(uint64_t v, unsigned n)
{
    uint32_t w = (uint32_t)v;
    w = w << n | w >> (-n & 31);
    return (uint64_t)w << 32 | w;
}

// Ones from bit `first` to bit `last`, counted from the most significant, around the end where first > last.
INLINE uint64_t mask(unsigned first, unsigned last)
{
    uint64_t inside = (~0ull >> first) ^ (~0ull >> last >> 1);
    return first <= last ? inside : ~inside;
}

// M-form: bits MB + 32 to ME + 32, so that a mask which goes around covers the upper half.
INLINE uint64_t word_mask(uint32_t insn)
{
    return mask((insn >> 6 & 31) + 32, (insn >> 1 & 31) + 32);
}

// MD-form: the six-bit fields keep their top bit behind the other five.
INLINE unsigned md_shift(uint32_t insn)
{
    return (insn >> 11 & 31) | (insn >> 1 & 1) << 5;
}

INLINE unsigned md_mask_bit(uint32_t insn)
{
    return (insn >> 6 & 31) | (insn >> 5 & 1) << 5;
}

OP(rldclx)
{
    set_ra(s, insn, rotate_left(s->gpr[RS(insn)], s->gpr[RB(insn)] & 63) & mask(md_mask_bit(insn), 63));
}

OP(rldcrx)
{
    set_ra(s, insn, rotate_left(s->gpr[RS(insn)], s->gpr[RB(insn)] & 63) & mask(0, md_mask_bit(insn)));
}

OP(rldiclx)
{
    set_ra(s, insn, rotate_left(s->gpr[RS(insn)], md_shift(insn)) & mask(md_mask_bit(insn), 63));
}

OP(rldicrx)
{
    set_ra(s, insn, rotate_left(s->gpr[RS(insn)], md_shift(insn)) & mask(0, md_mask_bit(insn)));
}

OP(rldicx)
{
    unsigned n = md_shift(insn);
    set_ra(s, insn, rotate_left(s->gpr[RS(insn)], n) & mask(md_mask_bit(insn), 63 - n));
}

OP(rldimix)
{
    unsigned n = md_shift(insn);
    uint64_t inserted = mask(md_mask_bit(insn), 63 - n);
    set_ra(s, insn, (rotate_left(s->gpr[RS(insn)], n) & inserted) | (s->gpr[RA(insn)] & ~inserted));
}

OP(rlwimix)
{
    uint64_t inserted = word_mask(insn);
    set_ra(s, insn, (rotate_word(s->gpr[RS(insn)], insn >> 11 & 31) & inserted) | (s->gpr[RA(insn)] & ~inserted));
}

OP(rlwinmx)
{
    set_ra(s, insn, rotate_word(s->gpr[RS(insn)], insn >> 11 & 31) & word_mask(insn));
}

OP(rlwnmx)
{
    set_ra(s, insn, rotate_word(s->gpr[RS(insn)], s->gpr[RB(insn)] & 31) & word_mask(insn));
}

// ---- Shift: counts have one bit more than the width needs, and the larger half of them shifts everything out.

OP(sldx)
{
    unsigned n = s->gpr[RB(insn)] & 127;
    set_ra(s, insn, n < 64 ? s->gpr[RS(insn)] << (n & 63) : 0);
}

OP(slwx)
{
    unsigned n = s->gpr[RB(insn)] & 63;
    set_ra(s, insn, (uint32_t)((uint64_t)(uint32_t)s->gpr[RS(insn)] << n));
}

OP(srdx)
{
    unsigned n = s->gpr[RB(insn)] & 127;
    set_ra(s, insn, n < 64 ? s->gpr[RS(insn)] >> (n & 63) : 0);
}

OP(srwx)
{
    unsigned n = s->gpr[RB(insn)] & 63;
    set_ra(s, insn, (uint64_t)(uint32_t)s->gpr[RS(insn)] >> n);
}

// v >> n with n below 128, where CA says that a negative number lost ones.
INLINE void shift_right_algebraic(struct ppc_state *s, uint32_t insn, int64_t v, unsigned n)
{
    uint64_t lost = n < 64 ? (1ull << (n & 63)) - 1 : ~0ull;
    s->xer_ca = v < 0 && ((uint64_t)v & lost) != 0;
    set_ra(s, insn, (uint64_t)(v >> (n < 64 ? n : 63)));
}

OP(sradix)
{
    shift_right_algebraic(s, insn, (int64_t)s->gpr[RS(insn)], md_shift(insn));
}

OP(sradx)
{
    shift_right_algebraic(s, insn, (int64_t)s->gpr[RS(insn)], s->gpr[RB(insn)] & 127);
}

OP(srawix)
{
    shift_right_algebraic(s, insn, (int32_t)s->gpr[RS(insn)], insn >> 11 & 31);
}

// The word is sign-extended first: a count from 32 to 63 leaves only signs, and loses a one of every negative number.
OP(srawx)
{
    shift_right_algebraic(s, insn, (int32_t)s->gpr[RS(insn)], s->gpr[RB(insn)] & 63);
}
