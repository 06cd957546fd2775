// Series on a reduced argument; where the result needs more than 53 bits on the way, pairs of doubles (high + low).
#include <math.h>
#include <stdint.h>

struct pair {
    double high, low;
};

static const struct pair ln2 = {0x1.62e42fefa38p-1, 0x1.ef35793c7673p-45};     // the first with 11 zero bits: times an exponent is exact
static const struct pair half_pi = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54};
static const double half_pi_rest = -0x1.f1976b7ed8fbcp-110;

static uint64_t bits_of(double x)
{
    union { double d; uint64_t u; } v = {x};
    return v.u;
}

static double from_bits(uint64_t u)
{
    union { uint64_t u; double d; } v = {u};
    return v.d;
}

double fabs(double x)
{
    return __builtin_fabs(x);
}

double copysign(double x, double sign)
{
    return from_bits((bits_of(x) & INT64_MAX) | (bits_of(sign) & ~(uint64_t)INT64_MAX));
}

double sqrt(double x)
{
    double y;
    __asm__("fsqrt %0, %1" : "=d"(y) : "d"(x));
    return y;
}

double trunc(double x)
{
    if (!(fabs(x) < 0x1p52))
        return x;
    double y;
    __asm__("fctidz %0, %1\n\tfcfid %0, %0" : "=&d"(y) : "d"(x));
    return copysign(y, x);
}

double floor(double x)
{
    double t = trunc(x);
    return t > x ? t - 1 : t;
}

double ceil(double x)
{
    double t = trunc(x);
    return t < x ? copysign(t + 1, x) : t;
}

double round(double x)
{
    double t = trunc(x);
    return fabs(x - t) >= 0.5 ? t + copysign(1, x) : t;
}

long lround(double x)
{
    return (long)round(x);
}

double fmin(double a, double b)
{
    return isnan(a) || b < a ? b : a;
}

double fmax(double a, double b)
{
    return isnan(a) || b > a ? b : a;
}

double frexp(double x, int *exponent)
{
    *exponent = 0;
    if (!x || !isfinite(x))
        return x;
    if (fabs(x) < 0x1p-1022) {
        x *= 0x1p54;
        *exponent = -54;
    }
    *exponent += (int)(bits_of(x) >> 52 & 0x7FF) - 1022;
    return from_bits((bits_of(x) & ~(0x7FFull << 52)) | 1022ull << 52);
}

double ldexp(double x, int n)
{
    for (; n > 1000; n -= 1000 > n ? n : 1000) {
        x *= 0x1p1000;
        if (n > 4000)
            n = 4000;
    }
    for (; n < -1000; n += 900) { // twice in the subnormals would round twice: they are reached by the last step only
        x *= 0x1p-900;
        if (n < -4000)
            n = -4000;
    }
    if (n < -1022)
        return x * 0x1p-900 * from_bits((uint64_t)(n + 900 + 1023) << 52);
    return x * from_bits((uint64_t)(n + 1023) << 52);
}

double modf(double x, double *whole)
{
    *whole = trunc(x);
    return copysign(isinf(x) ? 0 : x - *whole, x);
}

// Exact: the remainder of the mantissas, shifted bit by bit.
double fmod(double x, double y)
{
    double a = fabs(x), b = fabs(y);
    if (!(a < INFINITY) || !b || isnan(y))
        return NAN;
    if (a < b)
        return x;
    int ea, eb;
    uint64_t ma = (uint64_t)ldexp(frexp(a, &ea), 53), mb = (uint64_t)ldexp(frexp(b, &eb), 53);
    for (int n = ea - eb;; n--) {
        if (ma >= mb)
            ma -= mb;
        if (!n)
            break;
        ma <<= 1;
    }
    return copysign(ldexp((double)ma, eb - 53), x);
}

double hypot(double x, double y)
{
    double a = fmax(fabs(x), fabs(y)), b = fmin(fabs(x), fabs(y));
    if (isinf(x) || isinf(y))
        return INFINITY;
    if (!b || a > b * 0x1p60)
        return a + b;
    int e;
    frexp(a, &e);
    a = ldexp(a, -e);
    b = ldexp(b, -e);
    double aa = a * a, rest = __builtin_fma(a, a, -aa), sum = __builtin_fma(b, b, aa);
    return ldexp(sqrt(sum + rest), e);
}

// ---- Exponential and logarithm

// e^(high + low), `low` small.
static double exp_pair(double high, double low)
{
    if (isnan(high) || high > 710)
        return high > 0 ? INFINITY : high;
    if (high < -746)
        return 0;
    double n = trunc(high * 0x1.71547652b82fep0 + copysign(0.5, high)); // / ln 2
    double r = __builtin_fma(-n, ln2.high, high), sum = 1.0 / 6227020800.0;
    double l = low - n * ln2.low, x = r + l;
    l += r - x;
    for (int k = 12, f = 12; k >= 2; k--, f--) { // Taylor; the factorials are built up from the last
        static const double inverse[] = {1, 1, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320,
                                         1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600};
        sum = sum * x + inverse[f];
    }
    double tail = sum * x * x + l, small = x + tail;
    double y = 1 + small;
    y += (1 - y + small) + (x - small + tail);
    return ldexp(y, (int)n);
}

double exp(double x)
{
    return exp_pair(x, 0);
}

// ln of a positive finite number as a pair, to some 65 bits: s = f / (2 + f); ln(1 + f) = 2s + 2/3 s^3 + 2/5 s^5 + ...
static struct pair log_pair(double x)
{
    int e;
    double m = frexp(x, &e);
    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2;
        e--;
    }
    double f = m - 1, d = 2 + f, d_low = f - (d - 2);
    double s = f / d, s_low = (__builtin_fma(-s, d, f) - s * d_low) / d;
    double z = s * s, z_low = __builtin_fma(s, s, -z) + 2 * s * s_low, tail = 0;
    for (int k = 25; k >= 5; k -= 2)
        tail = tail * z + 2.0 / k;
    const double third = 2.0 / 3, third_low = 0x1.5555555555555p-55; // 2/3 less its double
    double c = z * third, c_low = __builtin_fma(z, third, -c) + z * third_low + z_low * third;
    double cube = s * c, cube_low = __builtin_fma(s, c, -cube) + s * c_low + s_low * c + s * z * z * tail;
    double n = e, base = n * ln2.high, high = base + 2 * s, low = base ? 2 * s - (high - base) : 0;
    double all = high + cube;
    low += (high - all) + cube;
    low += 2 * s_low + cube_low + n * ln2.low;
    return (struct pair){all + low, low - ((all + low) - all)};
}

static double log_special(double x)
{
    return x == 0 ? -INFINITY : x < 0 || isnan(x) ? NAN : x;
}

double log(double x)
{
    if (!(x > 0 && x < INFINITY))
        return log_special(x);
    return log_pair(x).high;
}

static double log_times(double x, struct pair factor)
{
    if (!(x > 0 && x < INFINITY))
        return log_special(x);
    struct pair l = log_pair(x);
    double p = l.high * factor.high;
    return p + (__builtin_fma(l.high, factor.high, -p) + l.high * factor.low + l.low * factor.high);
}

double log2(double x)
{
    int e;
    if (x > 0 && frexp(x, &e) == 0.5)
        return e - 1;
    return log_times(x, (struct pair){0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56});
}

double log10(double x)
{
    return log_times(x, (struct pair){0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57});
}

// Powers of what is no positive finite number, and with such exponents.
static double pow_special(double x, double y)
{
    double a = fabs(x);
    int whole = trunc(y) == y, odd = whole && fabs(y) < 0x1p53 && fmod(y, 2) != 0;
    if (isnan(x) || isnan(y))
        return NAN;
    if (isinf(y))
        return a == 1 ? 1 : (a > 1) == (y > 0) ? INFINITY : 0;
    if (!x || isinf(x)) {
        double size = (a > 1) == (y > 0) ? INFINITY : 0;
        return odd ? copysign(size, x) : size;
    }
    if (!whole)
        return NAN;
    return odd ? -pow(a, y) : pow(a, y);
}

double pow(double x, double y)
{
    if (!y || x == 1)
        return 1;
    if (!(x > 0 && x < INFINITY) || !isfinite(y))
        return pow_special(x, y);
    struct pair l = log_pair(x);
    double p = y * l.high;
    if (fabs(p) > 800)
        return p > 0 ? INFINITY : 0;
    return exp_pair(p, __builtin_fma(y, l.high, -p) + y * l.low);
}

double exp2(double x)
{
    return pow(2, x);
}

// ---- Trigonometry

// x less a multiple of pi / 2, in [-pi/4, pi/4]; the multiple modulo 4.
static int reduce(double x, struct pair *r)
{
    double n = round(x * 0x1.45f306dc9c883p-1);
    double t = __builtin_fma(-n, half_pi.high, x), w = n * half_pi.low; // t is exact
    double low = __builtin_fma(n, half_pi.low, -w) + n * half_pi_rest;
    r->high = t - w;
    r->low = ((t - r->high) - w) - low;
    return (int)((int64_t)n & 3);
}

static double sin_part(struct pair r)
{
    static const double c[] = {-1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800.0,
                               -1.0 / 1307674368000.0, 1.0 / 355687428096000.0};
    double z = r.high * r.high, sum = 0;
    for (int i = 7; i >= 0; i--)
        sum = sum * z + c[i];
    return r.high + (r.high * z * sum + r.low * (1 - z / 2));
}

static double cos_part(struct pair r)
{
    static const double c[] = {1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600,
                               -1.0 / 87178291200.0, 1.0 / 20922789888000.0};
    double z = r.high * r.high, sum = 0, half = z / 2, w = 1 - half;
    for (int i = 6; i >= 0; i--)
        sum = sum * z + c[i];
    return w + (((1 - w) - half) + (z * z * sum - r.high * r.low));
}

double sin(double x)
{
    struct pair r;
    if (!isfinite(x))
        return NAN;
    if (fabs(x) < 0x1p-27)
        return x;
    int n = reduce(x, &r);
    double y = n & 1 ? cos_part(r) : sin_part(r);
    return n & 2 ? -y : y;
}

double cos(double x)
{
    struct pair r;
    if (!isfinite(x))
        return NAN;
    int n = reduce(x, &r) + 1;
    double y = n & 1 ? cos_part(r) : sin_part(r);
    return n & 2 ? -y : y;
}

double tan(double x)
{
    struct pair r;
    if (!isfinite(x))
        return NAN;
    if (fabs(x) < 0x1p-27)
        return x;
    int n = reduce(x, &r);
    return n & 1 ? -cos_part(r) / sin_part(r) : sin_part(r) / cos_part(r);
}

// atan(x) = atan(c) + atan((x - c) / (1 + x c)), c the nearest of 0, 1/2, 1, 3/2 and infinity.
double atan(double x)
{
    static const struct pair known[] = {{0, 0},
                                        {0x1.dac670561bb4fp-2, 0x1.a2b7f222f65e2p-56},
                                        {0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55},
                                        {0x1.f730bd281f69bp-1, 0x1.007887af0cbbdp-56},
                                        {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54}};
    double a = fabs(x), t = a;
    if (isnan(x))
        return x;
    int i = a < 0.4375 ? 0 : a < 0.6875 ? 1 : a < 1.1875 ? 2 : a < 2.4375 ? 3 : 4;
    if (i == 1)
        t = (2 * a - 1) / (2 + a);
    else if (i == 2)
        t = (a - 1) / (a + 1);
    else if (i == 3)
        t = (a - 1.5) / (1 + 1.5 * a);
    else if (i == 4)
        t = -1 / a;
    double z = t * t, sum = 0;
    for (int k = 47; k >= 3; k -= 2)
        sum = 1.0 / k - z * sum;
    double y = known[i].high + (t - (t * z * sum - known[i].low));
    return copysign(i ? y : t - t * z * sum, x);
}

double atan2(double y, double x)
{
    double a;
    if (isnan(x) || isnan(y))
        return NAN;
    if (!y)
        return signbit(x) ? copysign(M_PI, y) : y;
    if (isinf(x) && isinf(y))
        a = x > 0 ? M_PI / 4 : 3 * M_PI / 4;
    else if (!x)
        a = half_pi.high;
    else {
        a = atan(fabs(y / x));
        if (x < 0)
            a = M_PI - (a - 2 * half_pi.low);
    }
    return copysign(a, y);
}

// For |x| up to 0.5; one Newton step takes away what the quotient lost.
static double asin_small(double x)
{
    double y = atan(x / sqrt((1 - x) * (1 + x)));
    return y + (x - sin(y)) / cos(y);
}

double asin(double x)
{
    double a = fabs(x);
    if (!(a <= 1))
        return NAN;
    if (a <= 0.5)
        return a < 0x1p-27 ? x : asin_small(x);
    return copysign(half_pi.high - (2 * asin_small(sqrt((1 - a) / 2)) - half_pi.low), x);
}

double acos(double x)
{
    if (!(fabs(x) <= 1))
        return NAN;
    if (fabs(x) <= 0.5)
        return half_pi.high - ((fabs(x) < 0x1p-60 ? x : asin_small(x)) - half_pi.low);
    double y = 2 * asin_small(sqrt((1 - fabs(x)) / 2));
    return x > 0 ? y : 2 * half_pi.high - (y - 2 * half_pi.low);
}

// To the nearest, ties to even: what the console's rounding mode gives.
double rint(double x)
{
    const double limit = 0x1p52;
    if (!(fabs(x) < limit))
        return x;
    volatile double moved = fabs(x) + limit;
    return copysign(moved - limit, x);
}

double nearbyint(double x)
{
    return rint(x);
}

long lrint(double x)
{
    return (long)rint(x);
}

long long llrint(double x)
{
    return (long long)rint(x);
}

long long llround(double x)
{
    return (long long)round(x);
}

double fdim(double a, double b)
{
    return a > b ? a - b : isnan(a) || isnan(b) ? NAN : 0;
}

double fma(double a, double b, double c)
{
    double out;
    __asm__("fmadd %0, %1, %2, %3" : "=d"(out) : "d"(a), "d"(b), "d"(c));
    return out;
}

// A step of Newton's from the power.
double cbrt(double x)
{
    if (!x || !isfinite(x))
        return x;
    double y = pow(fabs(x), 1.0 / 3);
    y -= (y * y * y - fabs(x)) / (3 * y * y);
    return copysign(y, x);
}

double expm1(double x)
{
    if (fabs(x) > 0.3)
        return exp(x) - 1;
    double term = x, sum = x;
    for (int n = 2; n < 20 && term; n++)
        sum += term *= x / n;
    return sum;
}

// What rounding 1 + x loses is put back.
double log1p(double x)
{
    volatile double whole = 1 + x;
    return whole == 1 || x <= -1 || !isfinite(x) ? (whole == 1 ? x : log(whole)) : log(whole) * (x / (whole - 1));
}

double sinh(double x)
{
    double e = expm1(fabs(x)), y = fabs(x) < 700 ? (e + e / (e + 1)) / 2 : exp(fabs(x) / 2) / 2 * exp(fabs(x) / 2);
    return copysign(y, x);
}

double cosh(double x)
{
    x = fabs(x);
    return x < 700 ? (exp(x) + exp(-x)) / 2 : exp(x / 2) / 2 * exp(x / 2);
}

double tanh(double x)
{
    if (!(fabs(x) < 20))
        return isnan(x) ? x : copysign(1, x);
    double e = expm1(2 * fabs(x));
    return copysign(e / (e + 2), x);
}

// ---- Single precision: the double's result, rounded
#define ONE(name) float name##f(float x) { return (float)name(x); }
#define TWO(name) float name##f(float x, float y) { return (float)name(x, y); }
ONE(sin) ONE(cos) ONE(tan) ONE(asin) ONE(acos) ONE(atan) ONE(exp) ONE(log) ONE(sqrt) ONE(fabs)
ONE(floor) ONE(ceil) ONE(trunc) ONE(round) ONE(rint) ONE(exp2) ONE(log2) ONE(log10) ONE(cbrt) ONE(sinh) ONE(cosh) ONE(tanh)
TWO(atan2) TWO(pow) TWO(fmod) TWO(fmin) TWO(fmax) TWO(hypot) TWO(copysign)
float ldexpf(float x, int n) { return (float)ldexp(x, n); }
float fmaf(float a, float b, float c) { return (float)((double)a * b + c); }
long lroundf(float x) { return lround(x); }
