// Each function of math.h over many arguments, as bits, one result a line: run here and on the host, then compared.
#include <math.h>
#include <stdio.h>
#include <stdint.h>
static uint64_t seed = 12345;
static double uniform(void) { seed = seed * 6364136223846793005u + 1442695040888963407u; return (double)(seed >> 11) * 0x1p-53; }
static void out(double y) { union { double d; uint64_t u; } v = {y}; printf("%016llx\n", y != y ? 0x7ff8000000000000ull : (unsigned long long)v.u); }
#define EACH(f, low, high) for (int i = 0; i < 400; i++) { double x = (low) + ((high) - (low)) * uniform(); out(f(x)); }
int main(void)
{
    EACH(sin, -10, 10) EACH(sin, -1e6, 1e6) EACH(cos, -10, 10) EACH(cos, -1e6, 1e6) EACH(tan, -10, 10) EACH(sin, -1e-3, 1e-3)
    EACH(asin, -1, 1) EACH(acos, -1, 1) EACH(atan, -3, 3) EACH(atan, -1e6, 1e6) EACH(exp, -700, 700) EACH(exp, -1, 1)
    EACH(exp2, -1070, 1020) EACH(log, 0, 10) EACH(log, 0.9, 1.1) EACH(log, 0, 1e300) EACH(log2, 0, 1000) EACH(log10, 0, 1000)
    EACH(sqrt, 0, 1e10) EACH(floor, -1e3, 1e3) EACH(ceil, -1e3, 1e3) EACH(trunc, -1e3, 1e3) EACH(round, -1e3, 1e3)
    for (int i = 0; i < 1000; i++) { double x = ldexp(uniform() + 0.5, i % 40 - 20), y = uniform() * 60 - 30; out(pow(x, y)); out(atan2(x - 1, y)); out(fmod(y * 1e5, x)); out(hypot(x, y)); }
    static const double odd[] = {0.0, -0.0, 1, -1, 0.5, -0.5, 2, -3, 1e308, -1e308, 5e-324, 1e-310, INFINITY, -INFINITY, 3, 1e17, 2.5, -2.5};
    for (int i = 0; i < 18; i++) { double x = odd[i]; out(fabs(x)); out(floor(x)); out(ceil(x)); out(trunc(x)); out(round(x)); out(exp(x)); out(log(x)); out(sqrt(x)); out(atan(x)); out(asin(x)); out(acos(x));
        int e; out(frexp(x, &e)); if (isfinite(x)) out(e); double w; out(modf(x, &w)); out(w); out(ldexp(x, -3)); out(ldexp(x, 1100)); out(ldexp(x, -1074)); 
        for (int k = 0; k < 18; k++) { out(pow(x, odd[k])); out(fmod(x, odd[k])); out(atan2(x, odd[k])); } }
    return 0;
}
