// The lowest of the DLLs that tests/guest/modules/chain.c needs: a function, a structure's worth of data, 64-bit arguments.
#include <stdio.h>
#include <xenolith/module.h>
#include <xenolith/xboxkrnl.h>

static int total = 100;

BOOLEAN DllMain(void *module, uint32_t reason, void *reserved)
{
    (void)module, (void)reserved;
    printf("  base: %s, total %d\n", reason == DLL_PROCESS_ATTACH ? "attached" : "detached", total);
    return 1;
}

static int add(int n)
{
    return total += n;
}

static uint64_t multiply(uint64_t a, int shift, double scale)
{
    return (uint64_t)((double)(a << shift) * scale);
}

XENOLITH_EXPORT(1, add);
XENOLITH_EXPORT(2, &total);
XENOLITH_EXPORT(7, multiply);
