#include "ppc/vmx_float.h"

static bool is_nan(uint32_t x)
{
    return (x & 0x7FFFFFFF) > 0x7F800000;
}

static uint32_t first_nan(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t nan = is_nan(a) ? a : is_nan(b) ? b : is_nan(c) ? c : 0x7FC00000;
    return nan | 0x00400000;
}

v4u vmx_nan_result(v4u r, v4u a, v4u b, v4u c)
{
    for (int i = 0; i < 4; i++)
        if (is_nan(r[i]))
            r[i] = first_nan(a[i], b[i], c[i]);
    return r;
}

static double as_double(v4u x, int lane)
{
    return (double)((v4f)x)[lane];
}

// Whether |product + addend|, exactly, is below the least normal float.
static bool below_normal(double product, double addend)
{
    double sum = product + addend, part = sum - product;
    double lost = (product - (sum - part)) + (addend - part);
    if (__builtin_fabs(sum) != 0x1p-126)
        return __builtin_fabs(sum) < 0x1p-126;
    return sum > 0 ? lost < 0 : lost > 0;
}

static v4u product_result(v4u r, v4u a, v4u c, v4u b, v4u addend, bool nj)
{
    r = vmx_nan_result(r, a, b, c);
    for (int i = 0; nj && i < 4; i++)
        if ((r[i] & 0x7FFFFFFF) == 0x00800000 && below_normal(as_double(a, i) * as_double(c, i), as_double(addend, i)))
            r[i] &= 0x80000000;
    return r;
}

v4u vmx_product_result(v4u r, v4u a, v4u c, v4u b, bool nj)
{
    return product_result(r, a, c, b, b, nj);
}

v4u vmx_negative_product_result(v4u r, v4u a, v4u c, v4u b, bool nj)
{
    return product_result(r, a, c, b, b ^ splat_word(0x80000000), nj);
}

v4u vmx_dot_unusual(double sum, v4u a, v4u b, unsigned lanes)
{
    // The order in which the hardware's tree of additions finds NaNs: x z y w.
    static const int order[4] = {3, 1, 2, 0};
    if (__builtin_fabs(sum) < 0x1p-126)
        return splat_word(__builtin_signbit(sum) ? 0x80000000 : 0);
    bool infinite = false;
    for (unsigned i = 0; i < lanes; i++) {
        uint32_t x = a[order[i]], y = b[order[i]];
        if (is_nan(x) || is_nan(y))
            return splat_word(first_nan(x, y, y));
        infinite |= (x & 0x7FFFFFFF) == 0x7F800000 || (y & 0x7FFFFFFF) == 0x7F800000;
    }
    if (sum != sum)
        return splat_word(0x7FC00000);
    v4f r = (v4f){0} + (float)sum;
    bool overflow = (((v4u)r)[0] & 0x7FFFFFFF) == 0x7F800000 && !infinite;
    return overflow ? splat_word(0x7FC00000) : (v4u)r;
}
