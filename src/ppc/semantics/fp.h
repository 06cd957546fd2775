// fp.h: what the instructions of the group fp in opcodes.def mean.
//
// The fast path is the host's arithmetic in round to nearest. It is right when the FPSCR asks for nothing else, XX is
// set already (so that inexactness changes nothing but FR and FI, which wait in s->fp), and the result is an ordinary
// number. Everything else is ppc_fp_slow's. So a program's first inexact operation is slow, and the others are not.
#pragma once
#include "ppc/fp_estimate.h"
#include "ppc/fp_status.h"
#include "ppc/semantics.h"

#define FP_LIKELY(condition) __builtin_expect((condition), 1)
#define FP_UNLIKELY(condition) __builtin_expect((condition), 0)

// ---- Doubles and their bits
INLINE double fp_double(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

INLINE bool fp_is_finite(double x)
{
    return __builtin_fabs(x) <= __DBL_MAX__;
}

// Finite and at least twice the smallest normal number: that itself may come from rounding a tiny one up, and hosts add
// a power of two in the same step as they shift. The odd constant means the same as the even one above it, but clang would make
// shifts of that.
INLINE bool fp_is_normal(double x)
{
    return (fp_bits(x) << 1) - 0x0040000000000000 < 0xFFDFFFFFFFFFFFFF - 0x0040000000000000;
}

// The same of a single, all of them from behind the smallest on.
INLINE bool fp_is_normal_single(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (bits << 1) - 0x01000001 < 0xFF000000 - 0x01000001;
}

// The same, or for others to find out.
INLINE bool fp_is_ordinary(double x)
{
    return FP_CHECKED_LATER(x) || fp_is_normal(x);
}

INLINE bool fp_is_ordinary_single(float x)
{
    return FP_CHECKED_LATER_SINGLE(x) || fp_is_normal_single(x);
}

// A double in the middle between two singles: what the exact result it came from rounds to is open. All others round
// to single as that exact result does.
INLINE bool fp_is_tie(double x)
{
    return (fp_bits(x) & 0x1FFFFFFF) == 0x10000000;
}

// Such an operand makes the console's single precision operations go astray (docs/fp.md).
INLINE bool fp_is_denormal(double x)
{
    return (fp_bits(x) << 1) - 1 < 0x0020000000000000 - 1;
}

// An operand: `single` where it is known without looking that it is a single (and no signalling NaN).
struct fp_operand {
    double value;
    bool single;
    int number; // of the register; -1: none
};

INLINE struct fp_operand fp_operand(const struct ppc_state *s, unsigned n)
{
    if (FP_KNOWN_SINGLE(s, n))
        return (struct fp_operand){FP_GET_SINGLE(s, n), true, (int)n};
    return (struct fp_operand){fp_double(s->fpr[n]), false, (int)n};
}

#define FP_OPERAND_NONE ((struct fp_operand){0, true, -1})

INLINE struct fp_operand fp_a(const struct ppc_state *s, uint32_t insn)
{
    return fp_operand(s, RA(insn));
}

INLINE struct fp_operand fp_b(const struct ppc_state *s, uint32_t insn)
{
    return fp_operand(s, RB(insn));
}

INLINE struct fp_operand fp_c(const struct ppc_state *s, uint32_t insn)
{
    return fp_operand(s, RC(insn));
}

// Bits of the fraction that a single lacks.
INLINE uint64_t fp_low_bits(struct fp_operand x)
{
    return x.single ? 0 : fp_bits(x.value) & 0x1FFFFFFF;
}

INLINE bool fp_is_denormal_operand(struct fp_operand x)
{
    return !x.single && fp_is_denormal(x.value);
}

// ---- Ends of an instruction
INLINE bool fp_mode_is_fast(const struct ppc_state *s)
{
    return FP_KNOWN_FAST() || (s->fp.fpscr & (FPSCR_XX | FP_MODE_BITS)) == FPSCR_XX;
}

// CR1 from FX, FEX, VX and OX, none of which is ever pending.
INLINE void fp_record(struct ppc_state *s, uint32_t insn)
{
    uint32_t fpscr = s->fp.fpscr;
    if (RECORD(insn))
        set_cr_field(s, 1, fpscr >> 31, fpscr >> 30 & 1, fpscr >> 29 & 1, fpscr >> 28 & 1);
}

INLINE void fp_set(struct ppc_state *s, uint32_t insn, uint64_t result)
{
    s->fpr[RT(insn)] = result;
    fp_record(s, insn);
}

// Leaves FPRF, FR and FI for later. What a compare had left goes.
INLINE void fp_wait_as(struct ppc_state *s, uint32_t pending)
{
    s->fp.pending = pending;
    FP_FORGET(s->fp.compare_a);
    FP_FORGET(s->fp.compare_b);
}

INLINE void fp_keep(uint64_t *field, bool has, uint64_t bits)
{
    if (has)
        *field = bits;
    else {
        FP_FORGET(*field);
    }
}

INLINE void fp_wait(struct ppc_state *s, uint32_t kind, uint64_t a, uint64_t b, uint64_t c)
{
    unsigned has = fp_operands(kind);
    fp_wait_as(s, kind);
    fp_keep(&s->fp.a, has & FP_HAS_A, a);
    fp_keep(&s->fp.b, has & FP_HAS_B, b);
    fp_keep(&s->fp.c, has & FP_HAS_C, c);
}

INLINE void fp_keep_single(UNUSED_OK const struct ppc_state *s, uint64_t *field, struct fp_operand x)
{
    if (x.number >= 0)
        FP_KEEP_SINGLE(s, *field, (unsigned)x.number);
    else {
        FP_FORGET(*field);
    }
}

// The same for results in single. Operands known to be singles are kept as such.
INLINE void fp_wait_single(struct ppc_state *s, uint32_t kind, struct fp_operand a, struct fp_operand b, struct fp_operand c)
{
    if (!a.single || !b.single || !c.single) {
        fp_wait(s, kind | FP_SINGLE, fp_bits(a.value), fp_bits(b.value), fp_bits(c.value));
        return;
    }
    fp_wait_as(s, kind | FP_SINGLE | FP_PENDING_FLOATS);
    fp_keep_single(s, &s->fp.a, a);
    fp_keep_single(s, &s->fp.b, b);
    fp_keep_single(s, &s->fp.c, c);
}

// The end of an arithmetic instruction: `result` if `fast`, with FPRF, FR and FI left for later.
INLINE void fp_end(struct ppc_state *s, uint32_t insn, uint32_t kind, double a, double b, double c, bool fast,
                      double result)
{
    uint64_t bits = fp_bits(result);
    if (FP_LIKELY(fast && fp_mode_is_fast(s)))
        fp_wait(s, kind, fp_bits(a), fp_bits(b), fp_bits(c));
    else
        bits = ppc_fp_slow(&s->fp, kind, s->fpr[RT(insn)], fp_bits(a), fp_bits(b), fp_bits(c));
    fp_set(s, insn, bits);
}

// How a sum in double of exact numbers came out: without rounding?
INLINE bool fp_sum_is_exact(double x, double y, double sum)
{
    double part = sum - x;
    return (x - (sum - part)) + (y - part) == 0;
}

// Whether a result is zero, and exactly so, not a tiny number lost.
INLINE bool fp_exact_zero(uint32_t kind, double a, double b, double c, double result)
{
    switch (kind) {
    case FP_ADD:
    case FP_SUB: // a tiny sum is exact
        return result == 0;
    case FP_MUL:
        return result == 0 && (a == 0 || c == 0);
    case FP_DIV:
        return result == 0 && a == 0;
    case FP_SQRT:
    case FP_ROUND:
        return b == 0;
    default: // a factor is zero, or the addend is so large that no difference of it and a product can be lost
        return result == 0 && (a == 0 || c == 0 || (fp_bits(b) << 1) > 0x2000000000000000);
    }
}

// The same for results in single. `result`: what the host found; `single`: that, rounded; `once`: `result` is exact, or
// rounding it gives what rounding the exact one does.
INLINE void fp_end_single(struct ppc_state *s, uint32_t insn, uint32_t kind, struct fp_operand a, struct fp_operand b,
                          struct fp_operand c, bool once, double result, float single)
{
    bool odd = (int)fp_is_denormal_operand(a) | (int)fp_is_denormal_operand(b) | (int)fp_is_denormal_operand(c) | (int)!fp_mode_is_fast(s);
    double zero = (a.single && b.single && c.single) ? single : result;
    if (FP_UNLIKELY(odd) || (FP_UNLIKELY((int)!fp_is_ordinary_single(single) | (int)!once) &&
                             !fp_exact_zero(kind, a.value, b.value, c.value, zero))) {
        fp_set(s, insn, ppc_fp_slow(&s->fp, kind | FP_SINGLE, s->fpr[RT(insn)], fp_bits(a.value), fp_bits(b.value), fp_bits(c.value)));
        return;
    }
    fp_wait_single(s, kind, a, b, c);
    FP_SET_SINGLE(s, RT(insn), single);
    fp_record(s, insn);
}

// Rounding to double first does no harm to sums, products, quotients and roots of singles: a double has more than twice
// as many bits.
INLINE bool fp_once(struct fp_operand a, struct fp_operand b, double result)
{
    return FP_LIKELY(!(fp_low_bits(a) | fp_low_bits(b))) || !fp_is_tie(result);
}

// ---- Moves
INLINE void fp_move(struct ppc_state *s, uint32_t insn, float single, uint64_t bits)
{
    if (FP_KNOWN_SINGLE(s, RB(insn)))
        FP_SET_SINGLE(s, RT(insn), single);
    else
        s->fpr[RT(insn)] = bits;
    fp_record(s, insn);
}

OP(fabsx)
{
    fp_move(s, insn, __builtin_fabsf(FP_GET_SINGLE(s, RB(insn))), s->fpr[RB(insn)] & 0x7FFFFFFFFFFFFFFF);
}

OP(fmrx)
{
    fp_move(s, insn, FP_GET_SINGLE(s, RB(insn)), s->fpr[RB(insn)]);
}

OP(fnabsx)
{
    fp_move(s, insn, -__builtin_fabsf(FP_GET_SINGLE(s, RB(insn))), s->fpr[RB(insn)] | 0x8000000000000000);
}

OP(fnegx)
{
    fp_move(s, insn, -FP_GET_SINGLE(s, RB(insn)), s->fpr[RB(insn)] ^ 0x8000000000000000);
}

OP(fselx)
{
    struct fp_operand a = fp_a(s, insn), b = fp_b(s, insn), c = fp_c(s, insn);
    double chosen = a.value >= 0 ? c.value : b.value;
    if (!b.single || !c.single) {
        fp_set(s, insn, fp_bits(chosen));
        return;
    }
    FP_SET_SINGLE(s, RT(insn), (float)chosen);
    fp_record(s, insn);
}

// ---- Sums: a sum of doubles that is tiny, or zero, is exact. Most are looked at as products are, with the same constants.
INLINE void fp_add(struct ppc_state *s, uint32_t insn, uint32_t kind, bool subtract)
{
    double a = fp_a(s, insn).value, b = fp_b(s, insn).value, sum = subtract ? a - b : a + b;
    fp_end(s, insn, kind, a, b, 0, FP_LIKELY(fp_is_ordinary(sum)) || fp_is_finite(sum), sum);
}

INLINE void fp_add_single(struct ppc_state *s, uint32_t insn, uint32_t kind, bool subtract)
{
    struct fp_operand a = fp_a(s, insn), b = fp_b(s, insn);
    double sum = subtract ? a.value - b.value : a.value + b.value;
    fp_end_single(s, insn, kind, a, b, FP_OPERAND_NONE, fp_once(a, b, sum), sum, (float)sum);
}

OP(faddx)
{
    fp_add(s, insn, FP_ADD, false);
}

OP(faddsx)
{
    fp_add_single(s, insn, FP_ADD, false);
}

OP(fsubx)
{
    fp_add(s, insn, FP_SUB, true);
}

OP(fsubsx)
{
    fp_add_single(s, insn, FP_SUB, true);
}

// ---- Products: a zero is exact if a factor is zero.
OP(fmulx)
{
    double a = fp_a(s, insn).value, c = fp_c(s, insn).value, product = a * c;
    fp_end(s, insn, FP_MUL, a, 0, c, FP_LIKELY(fp_is_ordinary(product)) || fp_exact_zero(FP_MUL, a, 0, c, product), product);
}

OP(fmulsx)
{
    struct fp_operand a = fp_a(s, insn), c = fp_c(s, insn);
    double product = a.value * c.value;
    fp_end_single(s, insn, FP_MUL, a, FP_OPERAND_NONE, c, fp_once(a, c, product), product, (float)product);
}

// ---- Quotients and roots
OP(fdivx)
{
    double a = fp_a(s, insn).value, b = fp_b(s, insn).value, quotient = a / b;
    bool fast = FP_LIKELY(fp_is_ordinary(quotient)) || fp_exact_zero(FP_DIV, a, b, 0, quotient);
    fp_end(s, insn, FP_DIV, a, b, 0, fast, quotient);
}

OP(fdivsx)
{
    struct fp_operand a = fp_a(s, insn), b = fp_b(s, insn);
    double quotient = a.value / b.value;
    fp_end_single(s, insn, FP_DIV, a, b, FP_OPERAND_NONE, fp_once(a, b, quotient), quotient, (float)quotient);
}

// The root of a positive normal number is normal.
OP(fsqrtx)
{
    double b = fp_b(s, insn).value, root = __builtin_sqrt(b);
    fp_end(s, insn, FP_SQRT, 0, b, 0, FP_LIKELY(fp_is_ordinary(root)) || fp_is_finite(root), root);
}

OP(fsqrtsx)
{
    struct fp_operand b = fp_b(s, insn);
    double root = __builtin_sqrt(b.value);
    fp_end_single(s, insn, FP_SQRT, FP_OPERAND_NONE, b, FP_OPERAND_NONE, fp_once(b, b, root), root, (float)root);
}

// ---- Multiply-add
INLINE void fp_multiply_add(struct ppc_state *s, uint32_t insn, uint32_t kind, bool subtract, bool negate)
{
    double a = fp_a(s, insn).value, b = fp_b(s, insn).value, c = fp_c(s, insn).value;
    double result = __builtin_fma(a, c, subtract ? -b : b);
    bool fast = FP_LIKELY(fp_is_ordinary(result)) || fp_exact_zero(kind, a, b, c, result);
    fp_end(s, insn, kind, a, b, c, fast, negate ? -result : result);
}

INLINE void fp_multiply_add_single(struct ppc_state *s, uint32_t insn, uint32_t kind, bool subtract, bool negate)
{
    struct fp_operand a = fp_a(s, insn), b = fp_b(s, insn), c = fp_c(s, insn);
    double addend = subtract ? -b.value : b.value, result = __builtin_fma(a.value, c.value, addend);
    // A tie is one where nothing was rounded yet. The product of singles never is, unless it is too small.
    bool once = !fp_is_tie(result) || (!(fp_low_bits(a) | fp_low_bits(c)) && fp_is_normal(a.value * c.value) &&
                                       fp_sum_is_exact(a.value * c.value, addend, result));
    fp_end_single(s, insn, kind, a, b, c, once, result, negate ? -(float)result : (float)result);
}

OP(fmaddx)
{
    fp_multiply_add(s, insn, FP_MADD, false, false);
}

OP(fmaddsx)
{
    fp_multiply_add_single(s, insn, FP_MADD, false, false);
}

OP(fmsubx)
{
    fp_multiply_add(s, insn, FP_MSUB, true, false);
}

OP(fmsubsx)
{
    fp_multiply_add_single(s, insn, FP_MSUB, true, false);
}

OP(fnmaddx)
{
    fp_multiply_add(s, insn, FP_NMADD, false, true);
}

OP(fnmaddsx)
{
    fp_multiply_add_single(s, insn, FP_NMADD, false, true);
}

OP(fnmsubx)
{
    fp_multiply_add(s, insn, FP_NMSUB, true, true);
}

OP(fnmsubsx)
{
    fp_multiply_add_single(s, insn, FP_NMSUB, true, true);
}

// The operand itself is what is rounded.
OP(frspx)
{
    struct fp_operand b = fp_b(s, insn);
    fp_end_single(s, insn, FP_ROUND, FP_OPERAND_NONE, b, FP_OPERAND_NONE, true, b.value, (float)b.value);
}

// ---- Estimates. They never touch XX, so it need not be set.
INLINE void fp_end_estimate(struct ppc_state *s, uint32_t insn, uint32_t kind, uint64_t b, bool fast,
                               uint64_t result)
{
    if (FP_LIKELY(fast && !(s->fp.fpscr & FP_MODE_BITS)))
        fp_wait(s, kind, 0, b, 0);
    else
        result = ppc_fp_slow(&s->fp, kind, s->fpr[RT(insn)], 0, b, 0);
    fp_set(s, insn, result);
}

// Fast where the operand's exponent is in [-126, 125]: neither it nor the result is denormal.
OP(fresx)
{
    uint64_t b = s->fpr[RB(insn)];
    uint64_t exponent = b >> 52 & 0x7FF;
    uint64_t result =
        (b & 0x8000000000000000) | (2 * 1023 - 1 - exponent) << 52 | (uint64_t)fp_fres_table[b >> 45 & 0x7F] << 40;
    fp_end_estimate(s, insn, FP_FRES, b, exponent - (1023 - 126) <= 125 + 126, result);
}

// Fast for positive normal numbers.
OP(frsqrtex)
{
    uint64_t b = s->fpr[RB(insn)];
    uint64_t exponent = (3 * 1023 - 1 - (b >> 52)) / 2;
    uint64_t result = exponent << 52 | (uint64_t)fp_frsqrte_table[(b >> 49 & 15) ^ 8] << 40;
    fp_end_estimate(s, insn, FP_FRSQRTE, b, b - 0x0010000000000000 < 0x7FF0000000000000 - 0x0010000000000000, result);
}

// ---- Integers. Conversions leave FPRF as it was, so FR and FI alone become pending.
INLINE void fp_end_integer(struct ppc_state *s, uint32_t insn, uint32_t kind, double b, double rounded, double limit)
{
    uint64_t bits = 0;
    if (FP_LIKELY(rounded >= -limit && rounded < limit && fp_mode_is_fast(s))) {
        bits = (uint64_t)(int64_t)rounded;
        uint32_t inexact = rounded != b, up = __builtin_fabs(rounded) > __builtin_fabs(b);
        s->fp.pending =
            (s->fp.pending & ~(uint32_t)(FPSCR_FR | FPSCR_FI)) | FP_PENDING_FRFI | inexact * FPSCR_FI | up * FPSCR_FR;
    } else {
        bits = ppc_fp_slow(&s->fp, kind, s->fpr[RT(insn)], 0, fp_bits(b), 0);
    }
    fp_set(s, insn, bits);
}

OP(fctidx)
{
    double b = fp_b(s, insn).value;
    fp_end_integer(s, insn, FP_FCTID, b, __builtin_rint(b), 0x1p63);
}

OP(fctidzx)
{
    double b = fp_b(s, insn).value;
    fp_end_integer(s, insn, FP_FCTIDZ, b, __builtin_trunc(b), 0x1p63);
}

OP(fctiwx)
{
    double b = fp_b(s, insn).value;
    fp_end_integer(s, insn, FP_FCTIW, b, __builtin_rint(b), 0x1p31);
}

// What the console recorded once (fctiwz_12_cr; docs/fp.md doubts it): with FPSCR clear, the dot form of a negative signalling
// NaN gives 0 and no exception.
INLINE bool fp_fctiwz_silent(struct ppc_state *s, uint32_t insn, double b)
{
    return RECORD(insn) && b != b && (fp_bits(b) >> 51 & 0x1FFF) == 0x1FFE && ppc_fpscr(s) == 0;
}

OP(fctiwzx)
{
    double b = fp_b(s, insn).value;
    if (FP_UNLIKELY(fp_fctiwz_silent(s, insn, b))) {
        fp_set(s, insn, 0);
        return;
    }
    fp_end_integer(s, insn, FP_FCTIWZ, b, __builtin_trunc(b), 0x1p31);
}

OP(fcfidx)
{
    uint64_t b = s->fpr[RB(insn)];
    uint64_t result = fp_bits((double)(int64_t)b);
    if (FP_LIKELY(fp_mode_is_fast(s)))
        fp_wait(s, FP_FCFID, 0, b, 0);
    else
        result = ppc_fp_slow(&s->fp, FP_FCFID, s->fpr[RT(insn)], 0, b, 0);
    fp_set(s, insn, result);
}

// ---- Compares. Without NaNs only FPCC changes, in every mode. What is not greater or equal is less then: one compare of the
// host's gives all bits.
INLINE void fp_compare(struct ppc_state *s, uint32_t insn, bool ordered)
{
    double a = fp_a(s, insn).value, b = fp_b(s, insn).value;
    if (FP_UNLIKELY(__builtin_isunordered(a, b))) { // first: compiled code leaves there
        ppc_fp_unordered(&s->fp, ordered, s->fpr[RA(insn)], s->fpr[RB(insn)]);
        set_cr_field(s, BF(insn), false, false, false, true);
        return;
    }
    if (CR_KEEPS_COMPARES())
        CR_KEEP_DOUBLE_COMPARE(s, BF(insn), fp_bits(a), fp_bits(b));
    else
        set_cr_field(s, BF(insn), !(a >= b), a > b, !(a < b || a > b), false);
    s->fp.pending |= FP_PENDING_FPCC;
    s->fp.compare_a = fp_bits(a);
    s->fp.compare_b = fp_bits(b);
}

OP(fcmpo)
{
    fp_compare(s, insn, true);
}

OP(fcmpu)
{
    fp_compare(s, insn, false);
}
