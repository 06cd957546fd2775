// memory.h: what the instructions of the group memory in opcodes.def mean.
//
// The access comes first: where it faults, nothing has changed, except by lmw and the string loads.
#pragma once
#include "ppc/semantics.h"

// ---- Effective addresses with all bits, as update forms leave them in RA. Memory sees the low 32.
INLINE uint64_t update_d(const struct ppc_state *s, uint32_t insn)
{
    return s->gpr[RA(insn)] + SIMM(insn);
}

INLINE uint64_t update_ds(const struct ppc_state *s, uint32_t insn)
{
    return s->gpr[RA(insn)] + (SIMM(insn) & ~3ull);
}

INLINE uint64_t update_x(const struct ppc_state *s, uint32_t insn)
{
    return s->gpr[RA(insn)] + s->gpr[RB(insn)];
}

INLINE uint64_t load16_signed(const uint8_t *m, uint32_t ea)
{
    return (uint64_t)(int64_t)(int16_t)load16(m, ea);
}

INLINE uint64_t load32_signed(const uint8_t *m, uint32_t ea)
{
    return (uint64_t)(int64_t)(int32_t)load32(m, ea);
}

INLINE uint16_t load16_reversed(const uint8_t *m, uint32_t ea)
{
    return __builtin_bswap16(load16(m, ea));
}

INLINE uint32_t load32_reversed(const uint8_t *m, uint32_t ea)
{
    return __builtin_bswap32(load32(m, ea));
}

INLINE uint64_t load64_reversed(const uint8_t *m, uint32_t ea)
{
    return __builtin_bswap64(load64(m, ea));
}

INLINE void store16_reversed(uint8_t *m, uint32_t ea, uint16_t v)
{
    store16(m, ea, __builtin_bswap16(v));
}

INLINE void store32_reversed(uint8_t *m, uint32_t ea, uint32_t v)
{
    store32(m, ea, __builtin_bswap32(v));
}

INLINE void store64_reversed(uint8_t *m, uint32_t ea, uint64_t v)
{
    store64(m, ea, __builtin_bswap64(v));
}

// ---- Single precision in memory, double in registers: bits are moved, nothing is rounded or made quiet.

// A zero, denormal, infinity or NaN.
INLINE uint64_t double_from_odd_single(uint32_t w)
{
    uint64_t sign = (uint64_t)(w & 0x80000000) << 32, fraction = w & 0x7FFFFF;
    if (w << 1 >= 0xFF000000)
        return sign | 0x7FF0000000000000 | fraction << 29;
    if (!fraction)
        return sign;
    unsigned shift = (unsigned)__builtin_clzll(fraction) - 40; // puts the leading one at bit 23
    return sign | (uint64_t)(897 - shift) << 52 | (fraction << shift & 0x7FFFFF) << 29;
}

INLINE uint64_t double_from_single(uint32_t w)
{
    uint32_t exponent = w >> 23 & 255;
    if (__builtin_expect(exponent - 1 < 254, 1))
        return (uint64_t)(w & 0x80000000) << 32 | (((uint64_t)(w & 0x7FFFFFFF) << 29) + (896ull << 52));
    return double_from_odd_single(w);
}

// A double that is too small for a normal single is shifted, not rounded; what is too small for a denormal becomes
// zero.
INLINE uint32_t single_from_double(uint64_t d)
{
    unsigned exponent = d >> 52 & 0x7FF;
    uint32_t sign = (uint32_t)(d >> 32) & 0x80000000;
    if (__builtin_expect(exponent > 896, 1))
        return ((uint32_t)(d >> 32) & 0xC0000000) | ((uint32_t)(d >> 29) & 0x3FFFFFFF);
    if (exponent < 874)
        return sign;
    return sign | (uint32_t)(((d & 0xFFFFFFFFFFFFF) | 1ull << 52) >> (926 - exponent));
}

// The host's conversion keeps all bits, but for signalling NaNs, which it makes quiet.
INLINE void set_loaded_single(struct ppc_state *s, unsigned n, uint32_t w)
{
    if (!FP_TRACKS_SINGLES()) {
        s->fpr[n] = double_from_single(w);
        return;
    }
    float single;
    memcpy(&single, &w, sizeof w);
    if (__builtin_expect(single != single, 0) && !(w & 0x00400000))
        FP_LEAVE();
    FP_SET_SINGLE(s, n, single);
}

INLINE void store_single(const struct ppc_state *s, uint8_t *m, uint32_t ea, unsigned n)
{
    if (FP_KNOWN_SINGLE(s, n)) {
        float single = FP_GET_SINGLE(s, n);
        uint32_t w;
        memcpy(&w, &single, sizeof w);
        store32(m, ea, w);
        return;
    }
    store32(m, ea, single_from_double(s->fpr[n]));
}

// ---- Loads

OP(lbz)
{
    s->gpr[RT(insn)] = load8(m, ea_d(s, insn));
}

OP(lbzu)
{
    uint64_t ea = update_d(s, insn);
    s->gpr[RT(insn)] = load8(m, (uint32_t)ea);
    s->gpr[RA(insn)] = ea;
}

OP(lbzux)
{
    uint64_t ea = update_x(s, insn);
    s->gpr[RT(insn)] = load8(m, (uint32_t)ea);
    s->gpr[RA(insn)] = ea;
}

OP(lbzx)
{
    s->gpr[RT(insn)] = load8(m, ea_x(s, insn));
}

OP(lhz)
{
    s->gpr[RT(insn)] = load16(m, ea_d(s, insn));
}

OP(lhzu)
{
    uint64_t ea = update_d(s, insn);
    s->gpr[RT(insn)] = load16(m, (uint32_t)ea);
    s->gpr[RA(insn)] = ea;
}

OP(lhzux)
{
    uint64_t ea = update_x(s, insn);
    s->gpr[RT(insn)] = load16(m, (uint32_t)ea);
    s->gpr[RA(insn)] = ea;
}

OP(lhzx)
{
    s->gpr[RT(insn)] = load16(m, ea_x(s, insn));
}

OP(lha)
{
    s->gpr[RT(insn)] = load16_signed(m, ea_d(s, insn));
}

OP(lhau)
{
    uint64_t ea = update_d(s, insn);
    s->gpr[RT(insn)] = load16_signed(m, (uint32_t)ea);
    s->gpr[RA(insn)] = ea;
}

OP(lhaux)
{
    uint64_t ea = update_x(s, insn);
    s->gpr[RT(insn)] = load16_signed(m, (uint32_t)ea);
    s->gpr[RA(insn)] = ea;
}

OP(lhax)
{
    s->gpr[RT(insn)] = load16_signed(m, ea_x(s, insn));
}

OP(lwz)
{
    s->gpr[RT(insn)] = load32(m, ea_d(s, insn));
}

OP(lwzu)
{
    uint64_t ea = update_d(s, insn);
    s->gpr[RT(insn)] = load32(m, (uint32_t)ea);
    s->gpr[RA(insn)] = ea;
}

OP(lwzux)
{
    uint64_t ea = update_x(s, insn);
    s->gpr[RT(insn)] = load32(m, (uint32_t)ea);
    s->gpr[RA(insn)] = ea;
}

OP(lwzx)
{
    s->gpr[RT(insn)] = load32(m, ea_x(s, insn));
}

OP(lwa)
{
    s->gpr[RT(insn)] = load32_signed(m, ea_ds(s, insn));
}

OP(lwaux)
{
    uint64_t ea = update_x(s, insn);
    s->gpr[RT(insn)] = load32_signed(m, (uint32_t)ea);
    s->gpr[RA(insn)] = ea;
}

OP(lwax)
{
    s->gpr[RT(insn)] = load32_signed(m, ea_x(s, insn));
}

OP(ld)
{
    s->gpr[RT(insn)] = load64(m, ea_ds(s, insn));
}

OP(ldu)
{
    uint64_t ea = update_ds(s, insn);
    s->gpr[RT(insn)] = load64(m, (uint32_t)ea);
    s->gpr[RA(insn)] = ea;
}

OP(ldux)
{
    uint64_t ea = update_x(s, insn);
    s->gpr[RT(insn)] = load64(m, (uint32_t)ea);
    s->gpr[RA(insn)] = ea;
}

OP(ldx)
{
    s->gpr[RT(insn)] = load64(m, ea_x(s, insn));
}

OP(lhbrx)
{
    s->gpr[RT(insn)] = load16_reversed(m, ea_x(s, insn));
}

OP(lwbrx)
{
    s->gpr[RT(insn)] = load32_reversed(m, ea_x(s, insn));
}

OP(ldbrx)
{
    s->gpr[RT(insn)] = load64_reversed(m, ea_x(s, insn));
}

OP(lfs)
{
    set_loaded_single(s, RT(insn), load32(m, ea_d(s, insn)));
}

OP(lfsu)
{
    uint64_t ea = update_d(s, insn);
    set_loaded_single(s, RT(insn), load32(m, (uint32_t)ea));
    s->gpr[RA(insn)] = ea;
}

OP(lfsux)
{
    uint64_t ea = update_x(s, insn);
    set_loaded_single(s, RT(insn), load32(m, (uint32_t)ea));
    s->gpr[RA(insn)] = ea;
}

OP(lfsx)
{
    set_loaded_single(s, RT(insn), load32(m, ea_x(s, insn)));
}

OP(lfd)
{
    s->fpr[RT(insn)] = load64(m, ea_d(s, insn));
}

OP(lfdu)
{
    uint64_t ea = update_d(s, insn);
    s->fpr[RT(insn)] = load64(m, (uint32_t)ea);
    s->gpr[RA(insn)] = ea;
}

OP(lfdux)
{
    uint64_t ea = update_x(s, insn);
    s->fpr[RT(insn)] = load64(m, (uint32_t)ea);
    s->gpr[RA(insn)] = ea;
}

OP(lfdx)
{
    s->fpr[RT(insn)] = load64(m, ea_x(s, insn));
}

// ---- Stores

OP(stb)
{
    store8(m, ea_d(s, insn), (uint8_t)s->gpr[RS(insn)]);
}

OP(stbu)
{
    uint64_t ea = update_d(s, insn);
    store8(m, (uint32_t)ea, (uint8_t)s->gpr[RS(insn)]);
    s->gpr[RA(insn)] = ea;
}

OP(stbux)
{
    uint64_t ea = update_x(s, insn);
    store8(m, (uint32_t)ea, (uint8_t)s->gpr[RS(insn)]);
    s->gpr[RA(insn)] = ea;
}

OP(stbx)
{
    store8(m, ea_x(s, insn), (uint8_t)s->gpr[RS(insn)]);
}

OP(sth)
{
    store16(m, ea_d(s, insn), (uint16_t)s->gpr[RS(insn)]);
}

OP(sthu)
{
    uint64_t ea = update_d(s, insn);
    store16(m, (uint32_t)ea, (uint16_t)s->gpr[RS(insn)]);
    s->gpr[RA(insn)] = ea;
}

OP(sthux)
{
    uint64_t ea = update_x(s, insn);
    store16(m, (uint32_t)ea, (uint16_t)s->gpr[RS(insn)]);
    s->gpr[RA(insn)] = ea;
}

OP(sthx)
{
    store16(m, ea_x(s, insn), (uint16_t)s->gpr[RS(insn)]);
}

OP(stw)
{
    store32(m, ea_d(s, insn), (uint32_t)s->gpr[RS(insn)]);
}

OP(stwu)
{
    uint64_t ea = update_d(s, insn);
    store32(m, (uint32_t)ea, (uint32_t)s->gpr[RS(insn)]);
    s->gpr[RA(insn)] = ea;
}

OP(stwux)
{
    uint64_t ea = update_x(s, insn);
    store32(m, (uint32_t)ea, (uint32_t)s->gpr[RS(insn)]);
    s->gpr[RA(insn)] = ea;
}

OP(stwx)
{
    store32(m, ea_x(s, insn), (uint32_t)s->gpr[RS(insn)]);
}

OP(std)
{
    store64(m, ea_ds(s, insn), s->gpr[RS(insn)]);
}

OP(stdu)
{
    uint64_t ea = update_ds(s, insn);
    store64(m, (uint32_t)ea, s->gpr[RS(insn)]);
    s->gpr[RA(insn)] = ea;
}

OP(stdux)
{
    uint64_t ea = update_x(s, insn);
    store64(m, (uint32_t)ea, s->gpr[RS(insn)]);
    s->gpr[RA(insn)] = ea;
}

OP(stdx)
{
    store64(m, ea_x(s, insn), s->gpr[RS(insn)]);
}

OP(sthbrx)
{
    store16_reversed(m, ea_x(s, insn), (uint16_t)s->gpr[RS(insn)]);
}

OP(stwbrx)
{
    store32_reversed(m, ea_x(s, insn), (uint32_t)s->gpr[RS(insn)]);
}

OP(stdbrx)
{
    store64_reversed(m, ea_x(s, insn), s->gpr[RS(insn)]);
}

OP(stfs)
{
    store_single(s, m, ea_d(s, insn), RS(insn));
}

OP(stfsu)
{
    uint64_t ea = update_d(s, insn);
    store_single(s, m, (uint32_t)ea, RS(insn));
    s->gpr[RA(insn)] = ea;
}

OP(stfsux)
{
    uint64_t ea = update_x(s, insn);
    store_single(s, m, (uint32_t)ea, RS(insn));
    s->gpr[RA(insn)] = ea;
}

OP(stfsx)
{
    store_single(s, m, ea_x(s, insn), RS(insn));
}

OP(stfd)
{
    store64(m, ea_d(s, insn), s->fpr[RS(insn)]);
}

OP(stfdu)
{
    uint64_t ea = update_d(s, insn);
    store64(m, (uint32_t)ea, s->fpr[RS(insn)]);
    s->gpr[RA(insn)] = ea;
}

OP(stfdux)
{
    uint64_t ea = update_x(s, insn);
    store64(m, (uint32_t)ea, s->fpr[RS(insn)]);
    s->gpr[RA(insn)] = ea;
}

OP(stfdx)
{
    store64(m, ea_x(s, insn), s->fpr[RS(insn)]);
}

// The low word as it is.
OP(stfiwx)
{
    store32(m, ea_x(s, insn), (uint32_t)s->fpr[RS(insn)]);
}

// ---- Reservations, of 128 bytes. They end with the run of an engine, so no other thread can write inbetween.
enum { RESERVATION_BYTES = 128 };

INLINE void reserve(struct ppc_state *s, uint32_t ea)
{
    s->reserved = 1;
    s->reserve_address = ea;
}

INLINE bool reservation_covers(const struct ppc_state *s, uint32_t ea)
{
    return s->reserved && (s->reserve_address ^ ea) < RESERVATION_BYTES;
}

INLINE void end_reservation(struct ppc_state *s, bool stored)
{
    s->reserved = 0;
    set_cr_field(s, 0, 0, 0, stored, s->xer_so);
}

OP(ldarx)
{
    uint32_t ea = ea_x(s, insn);
    s->gpr[RT(insn)] = load64(m, ea);
    reserve(s, ea);
}

OP(lwarx)
{
    uint32_t ea = ea_x(s, insn);
    s->gpr[RT(insn)] = load32(m, ea);
    reserve(s, ea);
}

OP(stdcx)
{
    uint32_t ea = ea_x(s, insn);
    bool covered = reservation_covers(s, ea);
    if (covered)
        store64(m, ea, s->gpr[RS(insn)]);
    end_reservation(s, covered);
}

OP(stwcx)
{
    uint32_t ea = ea_x(s, insn);
    bool covered = reservation_covers(s, ea);
    if (covered)
        store32(m, ea, (uint32_t)s->gpr[RS(insn)]);
    end_reservation(s, covered);
}

// ---- Multiples and strings: where one faults in its middle, what came before stays done, and it can be run again.

OP(lmw)
{
    uint32_t ea = ea_d(s, insn);
    for (unsigned r = RT(insn); r < 32; r++, ea += 4)
        s->gpr[r] = load32(m, ea);
}

OP(stmw)
{
    uint32_t ea = ea_d(s, insn);
    for (unsigned r = RS(insn); r < 32; r++, ea += 4)
        store32(m, ea, (uint32_t)s->gpr[r]);
}

// `count` bytes, four a register from RT on, r0 behind r31; the last register is filled up with zeros.
INLINE void load_string(struct ppc_state *s, const uint8_t *m, uint32_t insn, uint32_t ea, unsigned count)
{
    for (unsigned r = RT(insn); count; r = (r + 1) & 31) {
        uint32_t word = 0;
        for (unsigned shift = 32; shift && count; count--)
            word |= (uint32_t)load8(m, ea++) << (shift -= 8);
        s->gpr[r] = word;
    }
}

INLINE void store_string(const struct ppc_state *s, uint8_t *m, uint32_t insn, uint32_t ea, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        store8(m, ea + i, (uint8_t)(s->gpr[(RS(insn) + i / 4) & 31] >> (24 - i % 4 * 8)));
}

INLINE unsigned immediate_count(uint32_t insn)
{
    return insn >> 11 & 31 ? insn >> 11 & 31 : 32;
}

OP(lswi)
{
    load_string(s, m, insn, (uint32_t)ra_or_zero(s, insn), immediate_count(insn));
}

OP(lswx)
{
    load_string(s, m, insn, ea_x(s, insn), s->xer_count);
}

OP(stswi)
{
    store_string(s, m, insn, (uint32_t)ra_or_zero(s, insn), immediate_count(insn));
}

OP(stswx)
{
    store_string(s, m, insn, ea_x(s, insn), s->xer_count);
}

// ---- Caches: there are none. Hints do not touch the address, which may be anything.

OP(dcbf)
{
}

OP(dcbi)
{
}

OP(dcbst)
{
}

OP(dcbt)
{
}

OP(dcbtst)
{
}

// The first byte first: that is where a fault is, whatever the compiler makes of the rest.
static inline void clear_line(uint8_t *m, uint32_t ea, uint32_t bytes)
{
    store8(m, ea, 0);
    memset(m + ea, 0, bytes);
}

// Xenon's own dcbz clears 32 bytes, as on older cores; dcbz128 clears its cache line. Evidence: docs/cpu.md.
OP(dcbz)
{
    clear_line(m, ea_x(s, insn) & ~31u, 32);
}

OP(dcbz128)
{
    clear_line(m, ea_x(s, insn) & ~127u, 128);
}

// Decoded code is a cache: the engine forgets the line at fault_address and goes on.
OP(icbi)
{
    s->fault_address = ea_x(s, insn) & ~127u;
    op_leave(s, PPC_EXIT_ICACHE);
}
