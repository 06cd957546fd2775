// The estimates keep the error bounds of the architecture over all mantissas, do not depend on what lies below the bits
// that the tables see, and agree in denormal range with what scaled operands give.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ppc/semantics/all.h"

static float as_float(uint32_t x)
{
    float f;
    memcpy(&f, &x, 4);
    return f;
}

typedef v4u estimate_function(struct ppc_state *s, v4u b);

static v4u reciprocal(struct ppc_state *s, v4u b)
{
    return vmx_refp(s, b);
}

static v4u root(struct ppc_state *s, v4u b)
{
    return vmx_rsqrtefp(s, b);
}

static v4u logarithm(struct ppc_state *s, v4u b)
{
    return vmx_logefp(s, b);
}

static v4u power(struct ppc_state *s, v4u b)
{
    return vmx_exptefp(s, b);
}

static uint32_t one(estimate_function *f, bool nj, uint32_t x)
{
    struct ppc_state s;
    ppc_state_init(&s);
    s.vscr_nj = nj;
    v4u r = f(&s, (v4u){x, 0x3F800000, x, 0x40000000});
    assert_int_equal(r[0], r[2]);
    return r[0];
}

static void test_error_bounds(void **state)
{
    (void)state;
    for (uint32_t exponent = 100; exponent < 160; exponent += 7)
        for (uint32_t m = 0; m < 1 << 23; m += 509) {
            uint32_t x = exponent << 23 | m;
            double v = as_float(x);
            double r = as_float(one(reciprocal, true, x)), q = as_float(one(root, true, x));
            double l = as_float(one(logarithm, true, x));
            assert_true(fabs(r * v - 1) <= 1.0 / 4096);
            assert_true(fabs(q * sqrt(v) - 1) <= 1.0 / 4096);
            assert_true(fabs(l - log2(v)) <= 1.0 / 32);
            assert_int_equal(one(reciprocal, true, x | 0x80000000), one(reciprocal, true, x) | 0x80000000);
        }
    for (double v = -125.9; v < 127.9; v += 0.0137) {
        float f = (float)v;
        uint32_t x;
        memcpy(&x, &f, 4);
        assert_true(fabs(as_float(one(power, true, x)) / exp2(f) - 1) <= 1.0 / 16);
    }
}

static void test_low_bits_do_not_count(void **state)
{
    (void)state;
    for (uint32_t m = 0; m < 1 << 23; m += 0x1000) {
        uint32_t x = 0x3F800000 | m;
        assert_int_equal(one(reciprocal, true, x), one(reciprocal, true, x | 0x1FF));
        assert_int_equal(one(root, true, x), one(root, true, x | 0x1FF));
        assert_int_equal(one(logarithm, true, x), one(logarithm, true, x | 0xFFF));
    }
}

// NJ off: a denormal is a normal number times a power of two; with it, a zero.
static void test_denormals(void **state)
{
    (void)state;
    for (uint32_t x = 1; x < 0x00800000; x += 997) {
        double v = as_float(x);
        float big = (float)(v * 0x1p100);
        uint32_t scaled;
        memcpy(&scaled, &big, 4);
        assert_true(as_float(one(root, false, x)) == as_float(one(root, false, scaled)) * 0x1p50f);
        assert_true(as_float(one(logarithm, false, x)) <= -126 && as_float(one(logarithm, false, x)) >= -149.1f);
        assert_int_equal(one(root, true, x), 0x7F800000);
        assert_int_equal(one(logarithm, true, x), 0xFF800000);
        assert_int_equal(one(reciprocal, true, x), 0x7F800000);
        float r = as_float(one(reciprocal, false, x));
        if (v > 0x1p-127)
            assert_true(fabs(r * v - 1) <= 1.0 / 4096);
        if (v < 0x1p-128)
            assert_true(isinf(r));
    }
    for (uint32_t x = 0x7E800001; x < 0x7F800000; x += 99991) { // results are denormal
        assert_int_equal(one(reciprocal, true, x), 0);
        double r = as_float(one(reciprocal, false, x));
        assert_true(r > 0 && r < 0x1p-126 && fabs(r * as_float(x) - 1) <= 1.0 / 2048);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_error_bounds),
                                       cmocka_unit_test(test_low_bits_do_not_count),
                                       cmocka_unit_test(test_denormals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
