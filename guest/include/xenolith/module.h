// module.h: what a title or a DLL (xcc --dll) exports by ordinal, and how a DLL begins.
// A title loads one with XexLoadImage("game:\\name.xex", 8, 0, &module) and finds its exports with XexGetProcedureAddress.
#pragma once
#include <stdint.h>
#include <xenolith/types.h>

// At file scope: XENOLITH_EXPORT(1, my_function) makes `my_function` export number 1 (1-65535) of this module.
#define XENOLITH_EXPORT(ordinal, function) \
    static const struct { uint32_t number; const void *address; } xenolith_export_##ordinal \
        __attribute__((used, section(".xexport"), aligned(4))) = {ordinal, (const void *)(function)}

// A DLL may have a DllMain; FALSE on DLL_PROCESS_ATTACH refuses the load (STATUS_DLL_INIT_FAILED).
enum { DLL_PROCESS_DETACH = 0, DLL_PROCESS_ATTACH = 1 };
BOOLEAN DllMain(void *module, uint32_t reason, void *reserved);
