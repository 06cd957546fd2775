// assert.h: prints the failed condition and aborts.
#pragma once
#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
#include <stdio.h>
#include <stdlib.h>
#define assert(condition) \
    ((condition) ? (void)0 : (printf("%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition), abort()))
#endif
