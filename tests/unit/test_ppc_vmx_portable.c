// The same cases on the plain loops that hosts without AVX2 get.
#define VECTOR_HOST_PORTABLE 1
#include "test_ppc_vmx.c"
