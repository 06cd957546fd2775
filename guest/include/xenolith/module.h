// module.h: what a title or a DLL (xcc --dll) exports by ordinal, and how a DLL begins.
// A title loads one with XexLoadImage("game:\\name.xex", 8, 0, &module) and finds its exports with XexGetProcedureAddress.
#pragma once
#include <stdint.h>
#include <xenolith/types.h>

// At file scope: XENOLITH_EXPORT(1, my_function) makes `my_function` export number 1 (1-65535) of this module; &my_data works too.
#define XENOLITH_EXPORT(ordinal, function) \
    static const struct { uint32_t number; const void *address; } xenolith_export_##ordinal \
        __attribute__((used, section(".xexport"), aligned(4))) = {ordinal, (const void *)(function)}

// Imports from a DLL's exports. The loader finds the DLL beside the title and loads it first; its DllMain runs first too.
//   XENOLITH_LIBRARY(3, "plugin.xex");         file scope; numbers 3-15, one name each in the whole program
//   int plugin_add(int a, int b);
//   XENOLITH_IMPORT(3, 1, plugin_add);         export 1 of plugin.xex can be called as plugin_add
//   extern int *const __imp_plugin_total;
//   XENOLITH_IMPORT_DATA(3, 2, plugin_total);  export 2 is data, at __imp_plugin_total
#define XENOLITH_LIBRARY(number, file) \
    static const struct { uint32_t library; char name[60]; } xenolith_library_##number \
        __attribute__((used, section(".xlibrary"), aligned(4))) = {number, file}
#define XENOLITH_IMPORT_DATA(library, ordinal, symbol) \
    __asm__(".pushsection .ximport." #symbol ",\"a\"\n\t.globl __imp_" #symbol "\n__imp_" #symbol ":\n\t" \
            ".long " #library " << 16 | " #ordinal "\n\t.popsection")
#define XENOLITH_IMPORT(library, ordinal, symbol) \
    XENOLITH_IMPORT_DATA(library, ordinal, symbol); \
    __asm__(".pushsection .xthunk." #symbol ",\"ax\"\n\t.globl " #symbol "\n\t.type " #symbol ", @function\n" #symbol ":\n\t" \
            ".reloc ., R_PPC_NONE, __imp_" #symbol "\n\t" \
            ".long 0x01000000 | " #library " << 16 | " #ordinal ", 0x02000000 | " #library " << 16 | " #ordinal ", 0x7d6903a6, 0x4e800420\n\t" \
            ".popsection")

// A DLL may have a DllMain; FALSE on DLL_PROCESS_ATTACH refuses the load (STATUS_DLL_INIT_FAILED).
enum { DLL_PROCESS_DETACH = 0, DLL_PROCESS_ATTACH = 1 };
BOOLEAN DllMain(void *module, uint32_t reason, void *reserved);
