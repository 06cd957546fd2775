// Scalar floating point in integers: exact in every mode, the same on every host.
//
// An operation first becomes an exact sign, exponent and 128-bit mantissa, whose lowest bit also stands for everything
// below it ("sticky"), and is rounded once. Tininess is seen before rounding, as the architecture wants.
#include "ppc/fp_status.h"

#include <string.h>

#include "ppc/fp_estimate.h"

__extension__ typedef unsigned __int128 u128;

enum { FRACTION_BITS = 52, EXPONENT_MAX = 0x7FF, BIAS = 1023 };
#define SIGN_BIT         0x8000000000000000ull
#define INFINITY_BITS    0x7FF0000000000000ull
#define QUIET_BIT        0x0008000000000000ull
#define FRACTION_MASK    0x000FFFFFFFFFFFFFull
#define DEFAULT_NAN      0x7FF8000000000000ull
#define SINGLE_LOST_BITS 0x1FFFFFFFull // of a double's fraction, those that a single lacks

struct format {
    int precision;
    int min_exponent, max_exponent; // unbiased, of normal numbers
    int trap_adjust;                // added or subtracted where underflow or overflow is enabled
};

static const struct format double_format = {53, -1022, 1023, 1536};
static const struct format single_format = {24, -126, 127, 192};

// mantissa * 2^exponent; mantissa 0 is zero
struct number {
    bool sign;
    int exponent;
    u128 mantissa;
};

struct outcome {
    uint64_t result;
    uint32_t exceptions; // bits to add to the FPSCR
    uint32_t status;     // FR, FI, FPRF
    bool suppressed;     // frD stays
    bool keeps_class;    // FPRF stays
};

// ---- Doubles as bits
static bool is_nan(uint64_t x)
{
    return x << 1 > INFINITY_BITS << 1;
}

static bool is_signalling(uint64_t x)
{
    return is_nan(x) && !(x & QUIET_BIT);
}

static bool is_infinity(uint64_t x)
{
    return x << 1 == INFINITY_BITS << 1;
}

static bool is_zero(uint64_t x)
{
    return x << 1 == 0;
}

static bool is_denormal(uint64_t x)
{
    return !is_zero(x) && !(x & INFINITY_BITS);
}

static bool is_negative(uint64_t x)
{
    return x >> 63;
}

static uint32_t class_of(uint64_t x, const struct format *f)
{
    if (is_nan(x))
        return 0x11000;
    if (is_infinity(x))
        return is_negative(x) ? 0x09000 : 0x05000;
    if (is_zero(x))
        return is_negative(x) ? 0x12000 : 0x02000;
    int exponent = (int)(x >> FRACTION_BITS & EXPONENT_MAX);
    if (exponent < f->min_exponent + BIAS)
        return is_negative(x) ? 0x18000 : 0x14000;
    return is_negative(x) ? 0x08000 : 0x04000;
}

static struct number unpack(uint64_t x)
{
    int exponent = (int)(x >> FRACTION_BITS & EXPONENT_MAX);
    uint64_t fraction = x & FRACTION_MASK;
    if (exponent)
        fraction |= FRACTION_MASK + 1;
    else
        exponent = 1;
    return (struct number){is_negative(x), exponent - BIAS - FRACTION_BITS, fraction};
}

static int top_bit(u128 x)
{
    uint64_t high = (uint64_t)(x >> 64);
    return high ? 127 - __builtin_clzll(high) : 63 - __builtin_clzll((uint64_t)x);
}

// x >> n, with the lost bits kept in the lowest
static u128 shift_right_sticky(u128 x, int n)
{
    if (n <= 0)
        return x;
    if (n > 127)
        return x != 0;
    return x >> n | ((x & (((u128)1 << n) - 1)) != 0);
}

// The mantissa's top bit at bit 125: room for a carry, and no bit of a product is lost.
static void normalise(struct number *n)
{
    int shift = 125 - top_bit(n->mantissa);
    n->mantissa <<= shift;
    n->exponent -= shift;
}

// ---- Exact operations on finite numbers
static struct number multiply(struct number a, struct number b)
{
    return (struct number){a.sign != b.sign, a.exponent + b.exponent, a.mantissa * b.mantissa};
}

static struct number add(struct number a, struct number b, uint32_t rn)
{
    if (!a.mantissa && !b.mantissa)
        return (struct number){a.sign == b.sign ? a.sign : rn == 3, 0, 0};
    if (!a.mantissa)
        return b;
    if (!b.mantissa)
        return a;
    normalise(&a);
    normalise(&b);
    if (a.exponent < b.exponent) {
        struct number swap = a;
        a = b;
        b = swap;
    }
    b.mantissa = shift_right_sticky(b.mantissa, a.exponent - b.exponent);
    if (a.sign == b.sign)
        return (struct number){a.sign, a.exponent, a.mantissa + b.mantissa};
    if (a.mantissa == b.mantissa)
        return (struct number){rn == 3, 0, 0};
    if (a.mantissa > b.mantissa)
        return (struct number){a.sign, a.exponent, a.mantissa - b.mantissa};
    return (struct number){b.sign, a.exponent, b.mantissa - a.mantissa};
}

static struct number divide(struct number a, struct number b)
{
    struct number q = {a.sign != b.sign, 0, 0};
    if (!a.mantissa)
        return q;
    normalise(&a);
    int b_shift = 52 - top_bit(b.mantissa);
    uint64_t divisor = (uint64_t)b.mantissa << b_shift;
    q.exponent = a.exponent - (b.exponent - b_shift);
    uint64_t rest = 0; // at most twice the divisor
    for (int bit = 125; bit >= 0; bit--) {
        rest = rest << 1 | (uint64_t)(a.mantissa >> bit & 1);
        q.mantissa <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            q.mantissa |= 1;
        }
    }
    q.mantissa |= rest != 0;
    return q;
}

static struct number square_root(struct number a)
{
    if (!a.mantissa)
        return a;
    normalise(&a);
    if (a.exponent & 1) {
        a.mantissa <<= 1;
        a.exponent--;
    }
    u128 root = 0, rest = a.mantissa;
    for (u128 bit = (u128)1 << 126; bit; bit >>= 2) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    // 63 or 64 bits; one more below them is sticky
    return (struct number){false, a.exponent / 2 - 1, root << 1 | (rest != 0)};
}

// ---- Rounding
static bool round_up(uint32_t rn, bool sign, bool odd, bool half, bool below)
{
    switch (rn) {
    case 0:
        return half && (below || odd);
    case 1:
        return false;
    case 2:
        return !sign && (half || below);
    default:
        return sign && (half || below);
    }
}

// mantissa / 2^drop, rounded to an integer. *inexact and *up as FI and FR.
static u128 round_integer(u128 mantissa, int drop, bool sign, uint32_t rn, bool *inexact, bool *up)
{
    *inexact = *up = false;
    if (drop <= 0)
        return mantissa << -drop;
    if (drop > 127) {
        mantissa = mantissa != 0;
        drop = 2;
    }
    u128 kept = mantissa >> drop;
    bool half = mantissa >> (drop - 1) & 1;
    bool below = (mantissa & (((u128)1 << (drop - 1)) - 1)) != 0;
    *inexact = half || below;
    *up = round_up(rn, sign, kept & 1, half, below);
    return kept + *up;
}

// significand * 2^exponent as a double; significand has at most 53 bits, or is 2^53. It fits, or is the scaled result
// of an enabled overflow or underflow that not even scaling brings into range: then the exponent wraps.
static uint64_t pack(bool sign, int exponent, uint64_t significand)
{
    uint64_t bits = (uint64_t)sign << 63;
    if (!significand)
        return bits;
    if (significand >> 53) {
        significand >>= 1;
        exponent++;
    }
    int shift = FRACTION_BITS - top_bit(significand);
    int biased = exponent - shift + FRACTION_BITS + BIAS;
    if (biased > 0 || exponent < 1 - BIAS - FRACTION_BITS)
        return bits | (uint64_t)(biased & EXPONENT_MAX) << FRACTION_BITS | (significand << shift & FRACTION_MASK);
    return bits | significand << (exponent + BIAS - 1 + FRACTION_BITS);
}

static uint64_t overflowed(bool sign, const struct format *f, uint32_t rn)
{
    uint64_t bits = (uint64_t)sign << 63;
    if (rn == 0 || (rn == 2 && !sign) || (rn == 3 && sign))
        return bits | INFINITY_BITS;
    return bits | pack(false, f->max_exponent + 1 - f->precision, (1ull << f->precision) - 1);
}

static uint32_t rounding_status(bool inexact, bool up)
{
    return (inexact ? FPSCR_FI : 0) | (up ? FPSCR_FR : 0);
}

// Rounds to the format, and raises OX, UX and XX.
static struct outcome round_number(struct number n, const struct format *f, uint32_t fpscr)
{
    struct outcome o = {0};
    if (!n.mantissa) {
        o.result = (uint64_t)n.sign << 63;
        o.status = class_of(o.result, f);
        return o;
    }
    uint32_t rn = fpscr & FPSCR_RN;
    int top = top_bit(n.mantissa);
    int exponent = n.exponent + top; // value in [2^exponent, 2^(exponent + 1))
    bool tiny = exponent < f->min_exponent;
    int drop = top + 1 - f->precision;
    if (tiny && (fpscr & FPSCR_UE))
        n.exponent += f->trap_adjust;
    else if (tiny)
        drop += f->min_exponent - exponent;
    bool inexact, up;
    uint64_t significand = (uint64_t)round_integer(n.mantissa, drop, n.sign, rn, &inexact, &up);
    if (tiny && !(fpscr & FPSCR_UE) && (fpscr & FPSCR_NI)) {
        inexact = true;
        up = false;
        significand = 0;
    }
    if (tiny && (inexact || (fpscr & FPSCR_UE)))
        o.exceptions |= FPSCR_UX;
    if (!tiny && exponent + (int)(significand >> f->precision) > f->max_exponent) {
        o.exceptions |= FPSCR_OX;
        if (fpscr & FPSCR_OE)
            n.exponent -= f->trap_adjust;
        else
            inexact = true;
    }
    if (inexact)
        o.exceptions |= FPSCR_XX;
    if ((o.exceptions & FPSCR_OX) && !(fpscr & FPSCR_OE))
        o.result = overflowed(n.sign, f, rn);
    else
        o.result = pack(n.sign, n.exponent + drop, significand);
    o.status = class_of(o.result, f) | rounding_status(inexact, up);
    return o;
}

// ---- Special operands
static struct outcome exact(uint64_t result, const struct format *f)
{
    return (struct outcome){.result = result, .status = class_of(result, f)};
}

static struct outcome invalid(uint32_t exceptions, uint64_t result, uint32_t fpscr)
{
    bool enabled = fpscr & FPSCR_VE;
    return (struct outcome){.result = result,
                            .exceptions = exceptions,
                            .status = class_of(result, &double_format),
                            .suppressed = enabled,
                            .keeps_class = enabled};
}

static struct outcome divided_by_zero(bool sign, uint32_t fpscr)
{
    bool enabled = fpscr & FPSCR_ZE;
    struct outcome o = exact((uint64_t)sign << 63 | INFINITY_BITS, &double_format);
    o.exceptions = FPSCR_ZX;
    o.suppressed = o.keeps_class = enabled;
    return o;
}

// The NaN among the operands that becomes the result: the first of frA, frB, frC.
static uint64_t first_nan(uint64_t a, uint64_t b, uint64_t c)
{
    return (is_nan(a) ? a : is_nan(b) ? b : c) | QUIET_BIT;
}

static bool multiplies(uint32_t op)
{
    return op == FP_MUL || (op >= FP_MADD && op <= FP_NMSUB);
}

// What is invalid about the operands, NaNs aside.
static uint32_t invalid_cause(uint32_t op, uint64_t a, uint64_t b, uint64_t c)
{
    if (multiplies(op) && ((is_infinity(a) && is_zero(c)) || (is_zero(a) && is_infinity(c))))
        return FPSCR_VXIMZ;
    if (is_nan(a) || is_nan(b) || is_nan(c))
        return 0;
    bool b_negative = is_negative(b);
    switch (op) {
    case FP_ADD:
    case FP_SUB:
        return is_infinity(a) && is_infinity(b) && (is_negative(a) != b_negative) == (op == FP_ADD) ? FPSCR_VXISI : 0;
    case FP_DIV:
        if (is_infinity(a) && is_infinity(b))
            return FPSCR_VXIDI;
        return is_zero(a) && is_zero(b) ? FPSCR_VXZDZ : 0;
    case FP_SQRT:
    case FP_FRSQRTE:
        return b_negative && !is_zero(b) ? FPSCR_VXSQRT : 0;
    case FP_MADD:
    case FP_NMADD:
    case FP_MSUB:
    case FP_NMSUB:
        if (!(is_infinity(a) || is_infinity(c)) || !is_infinity(b))
            return 0;
        bool differ = (is_negative(a) != is_negative(c)) != b_negative;
        return differ == (op == FP_MADD || op == FP_NMADD) ? FPSCR_VXISI : 0;
    default:
        return 0;
    }
}

// True where NaNs or an invalid operation settle the outcome.
static bool invalid_or_nan(uint32_t op, uint64_t a, uint64_t b, uint64_t c, uint32_t fpscr, struct outcome *o)
{
    uint32_t cause = invalid_cause(op, a, b, c);
    if (is_signalling(a) || is_signalling(b) || is_signalling(c))
        cause |= FPSCR_VXSNAN;
    uint64_t result = DEFAULT_NAN;
    if (is_nan(a) || is_nan(b) || is_nan(c)) {
        result = first_nan(a, b, c);
        if (op == FP_ROUND)
            result &= ~SINGLE_LOST_BITS;
    } else if (!cause) {
        return false;
    }
    *o = cause ? invalid(cause, result, fpscr) : exact(result, &double_format);
    return true;
}

static uint64_t flip_sign(uint64_t x, bool flip)
{
    return x ^ (uint64_t)flip << 63;
}

// True where an infinite operand or a division by zero settles the outcome. NaNs and invalid cases are gone.
static bool infinite(uint32_t op, uint64_t a, uint64_t b, uint64_t c, uint32_t fpscr, struct outcome *o)
{
    bool subtract = op == FP_SUB || op == FP_MSUB || op == FP_NMSUB;
    bool negate = op == FP_NMADD || op == FP_NMSUB;
    if (op == FP_DIV && is_zero(b) && !is_infinity(a)) {
        *o = divided_by_zero(is_negative(a) != is_negative(b), fpscr);
        return true;
    }
    uint64_t result;
    if (multiplies(op) && (is_infinity(a) || is_infinity(c)))
        result = INFINITY_BITS | ((a ^ c) & SIGN_BIT);
    else if (op == FP_DIV && is_infinity(b))
        result = (a ^ b) & SIGN_BIT;
    else if (is_infinity(a))
        result = op == FP_DIV ? flip_sign(a, is_negative(b)) : a;
    else if (is_infinity(b))
        result = flip_sign(b, subtract);
    else
        return false;
    *o = exact(flip_sign(result, negate), &double_format);
    return true;
}

// ---- Arithmetic
static struct number exactly(uint32_t op, uint64_t a, uint64_t b, uint64_t c, uint32_t rn)
{
    struct number x = unpack(a), y = unpack(b), z = unpack(c);
    switch (op) {
    case FP_ADD:
        return add(x, y, rn);
    case FP_SUB:
        y.sign = !y.sign;
        return add(x, y, rn);
    case FP_MUL:
        return multiply(x, z);
    case FP_DIV:
        return divide(x, y);
    case FP_SQRT:
        return square_root(y);
    case FP_ROUND:
        return y;
    default: // the multiply-adds
        if (op == FP_MSUB || op == FP_NMSUB)
            y.sign = !y.sign;
        return add(multiply(x, z), y, rn);
    }
}

// The console's single precision operations with an operand that is a denormal double, which no single is: fdivs and
// fsqrts forget to round to single...
static bool keeps_double(uint32_t op, uint64_t a, uint64_t b)
{
    return (op == FP_DIV && (is_denormal(a) || is_denormal(b))) || (op == FP_SQRT && is_denormal(b));
}

// ...and sums, products and multiply-adds of finite numbers give the default NaN, without any exception.
static bool denormal_makes_nan(uint32_t op, uint64_t a, uint64_t b, uint64_t c)
{
    bool concerned = op == FP_ADD || op == FP_SUB || multiplies(op);
    return concerned && (is_denormal(a) || is_denormal(b) || is_denormal(c));
}

static uint64_t flush_denormal(uint64_t x)
{
    return is_denormal(x) ? x & SIGN_BIT : x;
}

static struct outcome arithmetic(uint32_t kind, uint64_t a, uint64_t b, uint64_t c, uint32_t fpscr)
{
    uint32_t op = kind & ~(uint32_t)FP_SINGLE;
    struct outcome o;
    if (invalid_or_nan(op, a, b, c, fpscr, &o) || infinite(op, a, b, c, fpscr, &o))
        return o;
    if (kind & FP_SINGLE && denormal_makes_nan(op, a, b, c))
        return exact(DEFAULT_NAN, &double_format);
    const struct format *f = kind & FP_SINGLE && !keeps_double(op, a, b) ? &single_format : &double_format;
    struct number n = exactly(op, a, b, c, fpscr & FPSCR_RN);
    o = round_number(n, f, fpscr);
    if (op == FP_NMADD || op == FP_NMSUB) {
        o.result ^= SIGN_BIT;
        o.status = (o.status & (FPSCR_FR | FPSCR_FI)) | class_of(o.result, f);
    }
    return o;
}

// ---- Estimates
// 1.mantissa12 * 2^exponent as a single; below 2^-128 the hardware gives zero.
static struct outcome estimated_single(bool sign, int exponent, uint64_t mantissa12, uint32_t fpscr)
{
    const struct format *f = &single_format;
    struct outcome o = {0};
    if (exponent > f->max_exponent)
        o.exceptions = FPSCR_OX;
    if (exponent < f->min_exponent)
        o.exceptions = FPSCR_UX;
    if (exponent > f->max_exponent && !(fpscr & FPSCR_OE)) {
        o.result = overflowed(sign, f, fpscr & FPSCR_RN);
    } else {
        if (exponent > f->max_exponent)
            exponent -= f->trap_adjust;
        if (exponent < f->min_exponent && (fpscr & FPSCR_UE))
            exponent += f->trap_adjust;
        bool lost = exponent < f->min_exponent - 2 || (exponent < f->min_exponent && (fpscr & FPSCR_NI));
        uint64_t significand = lost ? 0 : 0x1000 | mantissa12;
        o.result = pack(sign, exponent - 12, significand);
    }
    o.status = class_of(o.result, f);
    return o;
}

static struct outcome reciprocal(uint64_t b, uint32_t fpscr)
{
    struct outcome o;
    if (invalid_or_nan(FP_FRES, 0, b, 0, fpscr, &o))
        return o;
    if (is_zero(b))
        return divided_by_zero(is_negative(b), fpscr);
    if (is_infinity(b))
        return exact(b & SIGN_BIT, &single_format);
    struct number n = unpack(b);
    int shift = FRACTION_BITS - top_bit(n.mantissa);
    uint64_t fraction = (uint64_t)n.mantissa << shift & FRACTION_MASK;
    int exponent = n.exponent - shift + FRACTION_BITS;
    return estimated_single(n.sign, -1 - exponent, fp_fres_table[fraction >> 45], fpscr);
}

static struct outcome reciprocal_root(uint64_t b, uint32_t fpscr)
{
    struct outcome o;
    if (invalid_or_nan(FP_FRSQRTE, 0, b, 0, fpscr, &o))
        return o;
    if (is_zero(b))
        return divided_by_zero(is_negative(b), fpscr);
    if (is_infinity(b))
        return exact(0, &double_format);
    struct number n = unpack(b);
    int shift = FRACTION_BITS - top_bit(n.mantissa);
    uint64_t fraction = (uint64_t)n.mantissa << shift & FRACTION_MASK;
    int exponent = n.exponent - shift + FRACTION_BITS;
    unsigned even_biased = (unsigned)exponent & 1;
    uint64_t mantissa = fp_frsqrte_table[even_biased << 3 | fraction >> 49];
    return exact(pack(false, -1 - (exponent >> 1) - 12, 0x1000 | mantissa), &double_format);
}

// ---- Integers
static struct outcome from_integer(uint64_t b, uint32_t fpscr)
{
    struct number n = {is_negative(b), 0, is_negative(b) ? 0 - b : b};
    return round_number(n, &double_format, fpscr);
}

static struct outcome to_integer(uint64_t b, int bits, uint32_t rn, uint32_t fpscr)
{
    uint64_t limit = 1ull << (bits - 1); // of negative results; one less of positive
    uint64_t most = is_negative(b) && !is_nan(b) ? 0 - limit : limit - 1;
    struct outcome o = {.keeps_class = true};
    uint32_t cause = is_signalling(b) ? FPSCR_VXSNAN : 0;
    if (is_nan(b)) {
        o = invalid(cause | FPSCR_VXCVI, 0 - limit, fpscr);
    } else if (is_infinity(b)) {
        o = invalid(FPSCR_VXCVI, most, fpscr);
    } else {
        struct number n = unpack(b);
        bool inexact = false, up = false;
        bool large = n.exponent > 11; // 2^64 and more
        uint64_t magnitude = large ? 0 : (uint64_t)round_integer(n.mantissa, -n.exponent, n.sign, rn, &inexact, &up);
        if (large || magnitude > limit - !n.sign)
            o = invalid(FPSCR_VXCVI, most, fpscr);
        else
            o = (struct outcome){.result = n.sign ? 0 - magnitude : magnitude,
                                 .exceptions = inexact ? FPSCR_XX : 0,
                                 .status = rounding_status(inexact, up)};
    }
    o.keeps_class = true;
    o.status &= FPSCR_FR | FPSCR_FI;
    return o;
}

// ---- The FPSCR
static struct outcome compute(uint32_t kind, uint64_t a, uint64_t b, uint64_t c, uint32_t fpscr)
{
    uint32_t rn = fpscr & FPSCR_RN;
    if (fpscr & FPSCR_NI && kind != FP_FCFID) {
        a = flush_denormal(a);
        b = flush_denormal(b);
        c = flush_denormal(c);
    }
    switch (kind) {
    case FP_FRES:
        return reciprocal(b, fpscr);
    case FP_FRSQRTE:
        return reciprocal_root(b, fpscr);
    case FP_FCFID:
        return from_integer(b, fpscr);
    case FP_FCTID:
        return to_integer(b, 64, rn, fpscr);
    case FP_FCTIDZ:
        return to_integer(b, 64, 1, fpscr);
    case FP_FCTIW:
        return to_integer(b, 32, rn, fpscr);
    case FP_FCTIWZ:
        return to_integer(b, 32, 1, fpscr);
    default:
        return arithmetic(kind, a, b, c, fpscr);
    }
}

// FPCC of a compare of two numbers.
static uint32_t compared(uint64_t a, uint64_t b)
{
    if (is_zero(a) && is_zero(b))
        return FPSCR_FE;
    uint64_t x = is_negative(a) ? ~a : a | SIGN_BIT, y = is_negative(b) ? ~b : b | SIGN_BIT; // rise with the number
    return x < y ? FPSCR_FL : x > y ? FPSCR_FG : FPSCR_FE;
}

static uint64_t from_float(uint64_t word)
{
    float x;
    uint64_t bits;
    memcpy(&x, &(uint32_t){(uint32_t)word}, sizeof x);
    memcpy(&bits, &(double){x}, sizeof bits);
    return bits;
}

static uint32_t status_of_pending(const struct ppc_fp_status *fp)
{
    uint32_t kind = fp->pending & FP_PENDING_KIND;
    unsigned has = fp_operands(kind);
    uint64_t a = has & FP_HAS_A ? fp->a : 0, b = has & FP_HAS_B ? fp->b : 0, c = has & FP_HAS_C ? fp->c : 0;
    if (fp->pending & FP_PENDING_FLOATS)
        return compute(kind, from_float(a), from_float(b), from_float(c), 0).status;
    return compute(kind, a, b, c, 0).status;
}

void ppc_fp_settle(struct ppc_fp_status *fp)
{
    uint32_t pending = fp->pending, fpscr = fp->fpscr;
    if (!pending)
        return;
    if (pending & FP_PENDING_KIND) {
        uint32_t mask = FPSCR_FR | FPSCR_FI | FPSCR_FPRF;
        fpscr = (fpscr & ~mask) | (status_of_pending(fp) & mask);
    }
    if (pending & FP_PENDING_FRFI)
        fpscr = (fpscr & ~(uint32_t)(FPSCR_FR | FPSCR_FI)) | (pending & (FPSCR_FR | FPSCR_FI));
    if (pending & FP_PENDING_FPCC)
        fpscr = (fpscr & ~(uint32_t)FPSCR_FPCC) | compared(fp->compare_a, fp->compare_b);
    *fp = (struct ppc_fp_status){.fpscr = fpscr};
}

static uint32_t raise_exceptions(uint32_t fpscr, uint32_t exceptions)
{
    if (exceptions & ~fpscr)
        fpscr |= FPSCR_FX;
    return fpscr_summarise(fpscr | exceptions);
}

uint64_t ppc_fp_slow(struct ppc_fp_status *fp, uint32_t kind, uint64_t old, uint64_t a, uint64_t b, uint64_t c)
{
    ppc_fp_settle(fp);
    struct outcome o = compute(kind, a, b, c, fp->fpscr);
    uint32_t replaced = FPSCR_FR | FPSCR_FI | (o.keeps_class ? 0 : FPSCR_FPRF);
    uint32_t status = o.suppressed ? 0 : o.status;
    fp->fpscr = raise_exceptions((fp->fpscr & ~replaced) | (status & replaced), o.exceptions);
    return o.suppressed ? old : o.result;
}

void ppc_fp_unordered(struct ppc_fp_status *fp, bool ordered, uint64_t a, uint64_t b)
{
    ppc_fp_settle(fp);
    uint32_t exceptions = 0;
    if (is_signalling(a) || is_signalling(b))
        exceptions = FPSCR_VXSNAN | (ordered && !(fp->fpscr & FPSCR_VE) ? FPSCR_VXVC : 0);
    else if (ordered)
        exceptions = FPSCR_VXVC;
    fp->fpscr = raise_exceptions((fp->fpscr & ~(uint32_t)FPSCR_FPCC) | FPSCR_FU, exceptions);
}
