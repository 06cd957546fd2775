// vmx_float.h: the out-of-line parts of the vector float instructions (semantics/vmx_float.h). Everything here is pure.
#pragma once
#include <stdbool.h>

#include "ppc/vector_host.h"

// `r` with each NaN replaced by the first NaN of a, b, c, made quiet, or by 0x7FC00000.
v4u vmx_nan_result(v4u r, v4u a, v4u b, v4u c);

// r = a * c + b with NaNs, and results that only rounding lifted to the least normal, as the guest has them.
v4u vmx_product_result(v4u r, v4u a, v4u c, v4u b, bool nj);
// The same for r = -(a * c - b).
v4u vmx_negative_product_result(v4u r, v4u a, v4u c, v4u b, bool nj);

// The dot product whose `sum` is no normal number of a float.
v4u vmx_dot_unusual(double sum, v4u a, v4u b, unsigned lanes);

// Estimates (vmx_estimate.c). nj: denormal operands and results are zero.
v4u vmx_reciprocal(v4u x, bool nj);
v4u vmx_reciprocal_root(v4u x, bool nj);
v4u vmx_logarithm(v4u x, bool nj);
v4u vmx_power_of_two(v4u x);
