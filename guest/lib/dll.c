// The start of a DLL (xcc --dll): the loader calls it when the DLL comes and when it goes.
#include <xenolith/module.h>
#include <xenolith/types.h>

extern void (*const __init_array_start[])(void), (*const __init_array_end[])(void);
BOOLEAN _start(void *module, uint32_t reason, void *reserved);

// A program's own DllMain wins.
__attribute__((weak)) BOOLEAN DllMain(void *module, uint32_t reason, void *reserved)
{
    (void)module, (void)reason, (void)reserved;
    return 1;
}

BOOLEAN _start(void *module, uint32_t reason, void *reserved)
{
    if (reason == DLL_PROCESS_ATTACH)
        for (void (*const *f)(void) = __init_array_start; f < __init_array_end; f++)
            (*f)();
    return DllMain(module, reason, reserved);
}
