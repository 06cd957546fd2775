// assert.h: prints the failed condition and aborts. The file's name without its folders: a program is the same wherever it is compiled.
#pragma once
#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
#include <stdio.h>
#include <stdlib.h>
#define assert(condition) \
    ((condition) ? (void)0 : (printf("%s:%d: assertion failed: %s\n", __FILE_NAME__, __LINE__, #condition), abort()))
#endif
