#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

void pages_prefault(void *p, size_t size)
{
    enum { PAGE = 4096 };
    uintptr_t first = ((uintptr_t)p + PAGE - 1) & ~(uintptr_t)(PAGE - 1), end = ((uintptr_t)p + size) & ~(uintptr_t)(PAGE - 1);
    if (first < end)
        madvise((void *)first, end - first, MADV_POPULATE_WRITE);
}
