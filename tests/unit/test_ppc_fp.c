// Scalar floating point: the integer implementation against the host's arithmetic, the fast paths against the integer
// implementation, on random and edge operands. XENOLITH_SEED chooses another sequence, XENOLITH_ROUNDS a longer one.
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <xmmintrin.h>

#include <cmocka.h>

#include "ppc/semantics/fp.h"

struct random {
    uint64_t state;
};

static uint64_t next(struct random *r)
{
    r->state += 0x9E3779B97F4A7C15;
    uint64_t z = r->state;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

static const uint64_t edges[] = {
    0x0000000000000000, 0x0000000000000001, 0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x0010000000000001,
    0x36A0000000000000, 0x3690000000000000, 0x3800000000000000, 0x380FFFFFE0000000, 0x380FFFFFFFFFFFFF,
    0x3810000000000000, 0x3CA0000000000000, 0x3FE0000000000000, 0x3FEFFFFFFFFFFFFF, 0x3FF0000000000000,
    0x3FF0000010000000, 0x3FF0000010000001, 0x3FF0000030000000, 0x3FF8000000000000, 0x41DFFFFFFFC00000,
    0x41DFFFFFFFE00000, 0x41E0000000000000, 0x43DFFFFFFFFFFFFF, 0x43E0000000000000, 0x47EFFFFFE0000000,
    0x47EFFFFFEFFFFFFF, 0x47EFFFFFF0000000, 0x47F0000000000000, 0x7FE0000000000000, 0x7FEFFFFFFFFFFFFF,
    0x7FF0000000000000, 0x7FF0000000000001, 0x7FF4000000000000, 0x7FF8000000000000, 0x7FF8000012345678,
};

// An operand from one of several populations: edges, all exponents, near one, singles, few significant bits, integers.
static uint64_t operand(struct random *r)
{
    uint64_t x = next(r), sign = x & 0x8000000000000000, pick = next(r);
    uint64_t near_one = (0x3FF - 40 + pick / 16 % 80) << 52;
    switch (pick % 8) {
    case 0:
    case 1:
        return sign | edges[x % (sizeof edges / sizeof *edges)];
    case 2:
        return x;
    case 3:
        return sign | near_one | (x & 0x000FFFFFE0000000);
    case 4:
        return sign | near_one | (x & 0x000F800000000000) | (x & 1);
    case 5:
        return sign | (uint64_t)(0x3FF - 160 + pick / 16 % 320) << 52 | (x & 0x000FFFFFF0000000);
    case 6:
        return fp_bits((double)(int64_t)(x >> pick / 16 % 64));
    default:
        return sign | near_one | (x & 0x000FFFFFFFFFFFFF);
    }
}

// ---- Against the host
// The host's control word for each RN, all exceptions masked, and the exception flags in it.
static const uint32_t host_rounding[4] = {0x1F80, 0x7F80, 0x5F80, 0x3F80};
enum { HOST_INVALID = 1, HOST_ZERO_DIVIDE = 4, HOST_OVERFLOW = 8, HOST_UNDERFLOW = 16, HOST_INEXACT = 32 };

static double host_double(uint32_t kind, double x, double y, double z)
{
    volatile double a = x, b = y, c = z, fused;
    switch (kind) {
    case FP_ADD:
        return a + b;
    case FP_SUB:
        return a - b;
    case FP_MUL:
        return a * c;
    case FP_DIV:
        return a / b;
    case FP_SQRT:
        return sqrt(b);
    case FP_FCFID:
        return (double)(int64_t)fp_bits(b);
    case FP_MADD:
        return fma(a, c, b);
    case FP_MSUB:
        return fma(a, c, -b);
    case FP_NMADD:
        fused = fma(a, c, b); // apart: the compiler may not fold the sign into the rounding
        return -fused;
    default:
        fused = fma(a, c, -b);
        return -fused;
    }
}

static double host_single(uint32_t kind, double x, double y, double z)
{
    volatile float a = (float)x, b = (float)y, c = (float)z, fused;
    volatile double wide = y;
    switch (kind) {
    case FP_ADD:
        return a + b;
    case FP_SUB:
        return a - b;
    case FP_MUL:
        return a * c;
    case FP_DIV:
        return a / b;
    case FP_SQRT:
        return sqrtf(b);
    case FP_ROUND:
        return (float)wide;
    case FP_MADD:
        return fmaf(a, c, b);
    case FP_MSUB:
        return fmaf(a, c, -b);
    case FP_NMADD:
        fused = fmaf(a, c, b); // apart: the compiler may not fold the sign into the rounding
        return -fused;
    default:
        fused = fmaf(a, c, -b);
        return -fused;
    }
}

// The nearest single.
static uint64_t narrow(uint64_t x)
{
    volatile float f = (float)fp_double(x);
    return fp_bits(f);
}

static uint32_t host_exceptions(void)
{
    uint32_t flags = _mm_getcsr();
    return (flags & HOST_INEXACT ? FPSCR_XX : 0) | (flags & HOST_OVERFLOW ? FPSCR_OX : 0) |
           (flags & HOST_UNDERFLOW ? FPSCR_UX : 0) | (flags & HOST_ZERO_DIVIDE ? FPSCR_ZX : 0) |
           (flags & HOST_INVALID ? FPSCR_VX : 0);
}

static const uint32_t host_kinds[] = {FP_ADD, FP_SUB, FP_MUL, FP_DIV, FP_SQRT, FP_MADD, FP_MSUB, FP_NMADD, FP_NMSUB};

static void compare_with_host(uint32_t kind, uint32_t rn, uint64_t a, uint64_t b, uint64_t c)
{
    bool single = kind & FP_SINGLE;
    uint32_t op = kind & ~(uint32_t)FP_SINGLE;
    a = op == FP_SQRT ? 0 : a; // an operand that an instruction lacks is zero
    b = op == FP_MUL ? 0 : b;
    c = op == FP_MUL || op >= FP_MADD ? c : 0;
    _mm_setcsr(host_rounding[rn]);
    double wanted = single ? host_single(op, fp_double(a), fp_double(b), fp_double(c))
                           : host_double(op, fp_double(a), fp_double(b), fp_double(c));
    uint32_t flags = host_exceptions();
    _mm_setcsr(host_rounding[0]);
    struct ppc_fp_status fp = {.fpscr = rn};
    uint64_t got = ppc_fp_slow(&fp, kind, 0, a, b, c);
    uint32_t mask = FPSCR_XX | FPSCR_OX | FPSCR_UX | FPSCR_ZX | FPSCR_VX;
    // x86 sees tininess after rounding: it differs where a tiny number is rounded up to the smallest normal one.
    double smallest = single ? 0x1p-126 : 0x1p-1022;
    if (fabs(wanted) == smallest)
        mask &= ~(uint32_t)FPSCR_UX;
    if ((isnan(wanted) ? !isnan(fp_double(got)) : got != fp_bits(wanted)) || (fp.fpscr & mask) != (flags & mask)) {
        print_error("kind %" PRIu32 " rounding %" PRIu32 " a %016" PRIx64 " b %016" PRIx64 " c %016" PRIx64
                    ": %016" PRIx64 " FPSCR %08" PRIx32 ", host %016" PRIx64 " flags %08" PRIx32 "\n",
                    kind, rn, a, b, c, got, fp.fpscr, fp_bits(wanted), flags);
        fail();
    }
}

// Infinity times zero plus a NaN is invalid here and not on x86.
static bool is_comparable(uint64_t a, uint64_t b, uint64_t c)
{
    return !isnan(fp_double(a)) && !isnan(fp_double(b)) && !isnan(fp_double(c));
}

static void test_against_host(void **state)
{
    (void)state;
    struct random r = {setting("XENOLITH_SEED", 1)};
    uint64_t rounds = setting("XENOLITH_ROUNDS", 300000);
    print_message("seed %" PRIu64 ", %" PRIu64 " rounds\n", r.state, rounds);
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t a = operand(&r), b = operand(&r), c = operand(&r), pick = next(&r);
        if (!is_comparable(a, b, c))
            continue;
        uint32_t rn = pick & 3, kind = host_kinds[(pick >> 8) % 9];
        compare_with_host(kind, rn, a, b, c);
        compare_with_host(FP_ROUND | FP_SINGLE, rn, 0, b, 0);
        compare_with_host(FP_FCFID, rn, 0, b, 0);
        compare_with_host(kind | FP_SINGLE, rn, narrow(a), narrow(b), narrow(c));
    }
}

// ---- The fast paths against the slow one
struct instruction {
    void (*op)(struct ppc_state *s, uint8_t *m, uint32_t insn, uint32_t pc);
    uint32_t kind;
    bool a, b, c;
};

static const struct instruction instructions[] = {
    {op_faddx, FP_ADD, 1, 1, 0},
    {op_faddsx, FP_ADD | FP_SINGLE, 1, 1, 0},
    {op_fsubx, FP_SUB, 1, 1, 0},
    {op_fsubsx, FP_SUB | FP_SINGLE, 1, 1, 0},
    {op_fmulx, FP_MUL, 1, 0, 1},
    {op_fmulsx, FP_MUL | FP_SINGLE, 1, 0, 1},
    {op_fdivx, FP_DIV, 1, 1, 0},
    {op_fdivsx, FP_DIV | FP_SINGLE, 1, 1, 0},
    {op_fsqrtx, FP_SQRT, 0, 1, 0},
    {op_fsqrtsx, FP_SQRT | FP_SINGLE, 0, 1, 0},
    {op_fmaddx, FP_MADD, 1, 1, 1},
    {op_fmaddsx, FP_MADD | FP_SINGLE, 1, 1, 1},
    {op_fmsubx, FP_MSUB, 1, 1, 1},
    {op_fmsubsx, FP_MSUB | FP_SINGLE, 1, 1, 1},
    {op_fnmaddx, FP_NMADD, 1, 1, 1},
    {op_fnmaddsx, FP_NMADD | FP_SINGLE, 1, 1, 1},
    {op_fnmsubx, FP_NMSUB, 1, 1, 1},
    {op_fnmsubsx, FP_NMSUB | FP_SINGLE, 1, 1, 1},
    {op_frspx, FP_ROUND | FP_SINGLE, 0, 1, 0},
    {op_fresx, FP_FRES, 0, 1, 0},
    {op_frsqrtex, FP_FRSQRTE, 0, 1, 0},
    {op_fcfidx, FP_FCFID, 0, 1, 0},
    {op_fctidx, FP_FCTID, 0, 1, 0},
    {op_fctidzx, FP_FCTIDZ, 0, 1, 0},
    {op_fctiwx, FP_FCTIW, 0, 1, 0},
    {op_fctiwzx, FP_FCTIWZ, 0, 1, 0},
};

enum { INSTRUCTIONS = sizeof instructions / sizeof *instructions };

// frD 0, frA 1, frB 2, frC 3
static const uint32_t operands_word = 1 << 16 | 2 << 11 | 3 << 6;

static uint32_t random_fpscr(struct random *r)
{
    uint64_t x = next(r);
    if (x & 7)
        return FPSCR_XX | FPSCR_FX | (uint32_t)(x >> 32 & (FPSCR_FPRF | FPSCR_FR | FPSCR_FI));
    return fpscr_summarise((uint32_t)(x >> 32));
}

// One instruction on a state whose FPSCR may be pending, and the same through the slow path.
static void compare_with_slow(const struct instruction *i, struct ppc_state *s, bool record_form)
{
    struct ppc_fp_status fp = s->fp;
    uint64_t a = i->a ? s->fpr[1] : 0, b = i->b ? s->fpr[2] : 0, c = i->c ? s->fpr[3] : 0;
    uint32_t before = fp.fpscr;
    uint64_t wanted = ppc_fp_slow(&fp, i->kind, s->fpr[0], a, b, c);
    i->op(s, NULL, operands_word | record_form, 0);
    uint32_t got = ppc_fpscr(s);
    uint32_t cr1 = (uint32_t)(s->cr[4] << 3 | s->cr[5] << 2 | s->cr[6] << 1 | s->cr[7]);
    if (s->fpr[0] != wanted || got != fp.fpscr || (record_form && cr1 != got >> 28)) {
        print_error("kind %" PRIu32 " a %016" PRIx64 " b %016" PRIx64 " c %016" PRIx64 " FPSCR %08" PRIx32
                    ": %016" PRIx64 " FPSCR %08" PRIx32 " CR1 %" PRIx32 ", slow %016" PRIx64 " FPSCR %08" PRIx32 "\n",
                    i->kind, a, b, c, before, s->fpr[0], got, cr1, wanted, fp.fpscr);
        fail();
    }
}

static void test_fast_paths(void **state)
{
    (void)state;
    struct random r = {setting("XENOLITH_SEED", 1) + 1000};
    uint64_t rounds = setting("XENOLITH_ROUNDS", 1500000);
    static struct ppc_state s;
    ppc_state_init(&s);
    for (uint64_t n = 0; n < rounds; n++) {
        uint64_t pick = next(&r);
        s.fpr[0] = pick;
        for (unsigned i = 1; i < 4; i++)
            s.fpr[i] = operand(&r);
        if (pick >> 60 == 0) // massive cancellation
            s.fpr[2] = fp_bits(-fp_double(s.fpr[1]) * fp_double(s.fpr[3]));
        ppc_set_fpscr(&s, random_fpscr(&r));
        if (pick & 0x100) // leave a compare pending, or an operation and a compare
            op_fcmpu(&s, NULL, 2 << 23 | operands_word, 0);
        if (pick & 0x200) {
            uint64_t keep = s.fpr[0];
            instructions[(pick >> 16) % INSTRUCTIONS].op(&s, NULL, operands_word, 0);
            s.fpr[0] = keep;
        }
        if (pick & 0x400)
            op_fcmpo(&s, NULL, 2 << 23 | operands_word, 0);
        compare_with_slow(&instructions[(pick >> 32) % INSTRUCTIONS], &s, pick & 0x800);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_host),
        cmocka_unit_test(test_fast_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
