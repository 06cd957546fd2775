// The C library beside tests/guest/library.c: scanf, calendar, the rest of stdlib, string and math, every standard
// header. The same lines here and on the host; what must be is checked inside.
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static int checks;
static void text(const char *have, const char *want)
{
    checks++;
    if (strcmp(have, want)) {
        printf("%d: '%s', want '%s'\n", checks, have, want);
        exit(1);
    }
}
#define PRINT(want, ...)                                                                                               \
    do {                                                                                                               \
        char line_[400];                                                                                               \
        snprintf(line_, sizeof line_, __VA_ARGS__);                                                                    \
        text(line_, want);                                                                                             \
    } while (0)

static void scans(void)
{
    int a = 0, b = 0, n = 0;
    unsigned u = 0, x = 0;
    long long ll = 0;
    double d = 0;
    float f = 0;
    char s[40] = "", t[40] = "", c = 0;
    unsigned char hh = 0;
    short h = 0;
    int r = sscanf("12 -34 0x1F 077 abc-def 3.5e2 -0.25 9000000000 z", "%d %d %i %i %[a-c]%s %lf %f %lld %c", &a, &b,
                   (int *)&u, (int *)&x, s, t, &d, &f, &ll, &c);
    PRINT("10 12 -34 31 63 abc -def 350 -0.25 9000000000 z", "%d %d %d %u %u %s %s %g %g %lld %c", r, a, b, u, x, s, t,
          d, f, ll, c);
    r = sscanf("300 70000 rest", "%hhu %hd%n %*s", &hh, &h, &n);
    PRINT("2 44 4464 9", "%d %u %d %d", r, hh, h, n);
    r = sscanf("ab", "%d", &a);
    PRINT("0", "%d", r);
    r = sscanf("", "%d", &a);
    PRINT("-1", "%d", r);
    r = sscanf("k = v; # no", " %39[^= ] = %39[^;]", s, t);
    PRINT("2 k v", "%d %s %s", r, s, t);
    r = sscanf("12345", "%3d%d", &a, &b);
    PRINT("2 123 45", "%d %d %d", r, a, b);
    r = sscanf("2026-11-24T17:05:09", "%d-%d-%dT%2d:%2d", &a, &b, &n, (int *)&u, (int *)&x);
    PRINT("5 2026 11 24 17 5", "%d %d %d %d %u %u", r, a, b, n, u, x);
    r = sscanf("100%", "%d%%%c", &a, &c);
    PRINT("1", "%d", r);
    r = sscanf("deadBEEF 0x10", "%x %x", &u, &x);
    PRINT("deadbeef 10", "%x %x", u, x);
}

static void times(void)
{
    time_t t = 1795539909;
    char out[200];
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S %a %A %b %B %j %p %I %y %% %F %T %D %c %e %u %w", &tm);
    PRINT("2026-11-24 17:05:09 Tue Tuesday Nov November 328 PM 05 26 % 2026-11-24 17:05:09 11/24/26 Tue Nov 24 "
          "17:05:09 2026 24 2 2",
          "%s", out);
    text(asctime(&tm), "Tue Nov 24 17:05:09 2026\n");
    tm.tm_mon = 13;
    tm.tm_mday = 30;
    time_t m = mktime(&tm);
    PRINT("2027 2 2 2", "%d %d %d %d", tm.tm_year + 1900, tm.tm_mon, tm.tm_mday, tm.tm_mday == 2 ? 2 : 2);
    (void)m;
}

static void numbers(void)
{
    static const double xs[] = {0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-9, 3, 10, -1e-5};
    for (unsigned i = 0; i < sizeof xs / sizeof *xs; i++)
        printf("%.12g %.12g %.12g %.12g %.12g %.12g %.12g %ld %.12g\n", rint(xs[i]), cbrt(xs[i]), sinh(xs[i]),
               cosh(xs[i]), tanh(xs[i]), expm1(xs[i]), log1p(xs[i] < -1 ? 0 : xs[i]), lrint(xs[i]),
               fma(xs[i], 3, 0.25));
    ldiv_t l = ldiv(17, 5);
    lldiv_t ll = lldiv(-17000000000LL, 5);
    PRINT("3 2 -3400000000 0", "%ld %ld %lld %lld", l.quot, l.rem, ll.quot, ll.rem);
    PRINT("123456789012 -7", "%lld %ld", atoll("123456789012"), atol(" -7"));
    PRINT("4 -1 0", "%d %d %d", (int)strlen(stpcpy((char[]){"    "}, "abcd") - 4), strcasecmp("abc", "ABD"),
          strncasecmp("abcX", "ABCy", 3));
    char line[] = "a,b;;c";
    int n = 0;
    for (char *w = strtok(line, ",;"); w; w = strtok(NULL, ",;"))
        n++;
    PRINT("3", "%d", n);
    atomic_int counter = 3;
    atomic_fetch_add(&counter, 4);
    PRINT("7", "%d", atomic_load(&counter));
    PRINT("1 5", "%d %d", fpclassify(1e-310) == FP_SUBNORMAL, EILSEQ == 84 ? 5 : 0);
    PRINT("ff 18446744073709551615", "%" PRIx8 " %" PRIu64, (uint8_t)255, UINT64_MAX);
}

static jmp_buf env;
static void last(void)
{
    printf("last\n");
}
static void first(void)
{
    printf("first\n");
}
int main(void)
{
    atexit(last);
    atexit(first);
    scans();
    times();
    numbers();
    int n = setjmp(env);
    if (n < 3)
        longjmp(env, n + 1);
    assert(n == 3);
    printf("%d checks\n", checks);
    exit(0);
}
