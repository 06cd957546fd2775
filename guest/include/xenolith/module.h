// module.h: what a title or a DLL (xcc --dll) exports by ordinal.
#pragma once
#include <stdint.h>

// At file scope: XENOLITH_EXPORT(1, my_function) makes `my_function` export number 1 (1-65535) of this module.
#define XENOLITH_EXPORT(ordinal, function) \
    static const struct { uint32_t number; const void *address; } xenolith_export_##ordinal \
        __attribute__((used, section(".xexport"), aligned(4))) = {ordinal, (const void *)(function)}
