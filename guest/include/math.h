// math.h: within 2 units in the last place of the exact result (trigonometry: for arguments up to 2^20).
#pragma once

#ifdef __cplusplus
extern "C" {
#endif
#define HUGE_VAL __builtin_huge_val()
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define M_PI 3.14159265358979323846
#define M_PI_2 1.57079632679489661923
#define M_PI_4 0.78539816339744830962
#define M_SQRT2 1.41421356237309504880
#define M_LN2 0.69314718055994530942
#define M_E 2.7182818284590452354
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf_sign(x)
#define isfinite(x) __builtin_isfinite(x)
#define isnormal(x) __builtin_isnormal(x)
#define FP_NAN 0
#define FP_INFINITE 1
#define FP_ZERO 2
#define FP_SUBNORMAL 3
#define FP_NORMAL 4
#define fpclassify(x) __builtin_fpclassify(FP_NAN, FP_INFINITE, FP_NORMAL, FP_SUBNORMAL, FP_ZERO, x)
#define signbit(x) __builtin_signbit(x)

double sin(double), cos(double), tan(double), asin(double), acos(double), atan(double), atan2(double y, double x);
double exp(double), exp2(double), log(double), log2(double), log10(double), pow(double x, double y);
double sqrt(double), hypot(double, double), fabs(double), fmod(double, double);
double floor(double), ceil(double), trunc(double), round(double);
double fmin(double, double), fmax(double, double), copysign(double, double);
double ldexp(double, int), frexp(double, int *exponent), modf(double, double *whole);
double rint(double), nearbyint(double), cbrt(double), sinh(double), cosh(double), tanh(double), expm1(double), log1p(double);
double fdim(double, double), fma(double, double, double);
long lround(double), lrint(double);
long long llround(double), llrint(double);

float sinf(float), cosf(float), tanf(float), asinf(float), acosf(float), atanf(float), atan2f(float, float);
float expf(float), logf(float), powf(float, float), sqrtf(float), fabsf(float), fmodf(float, float);
float rintf(float), exp2f(float), log2f(float), log10f(float), cbrtf(float), sinhf(float), coshf(float), tanhf(float), hypotf(float, float);
float copysignf(float, float), ldexpf(float, int), fmaf(float, float, float);
long lroundf(float);
float floorf(float), ceilf(float), truncf(float), roundf(float), fminf(float, float), fmaxf(float, float);
#ifdef __cplusplus
}
#endif
