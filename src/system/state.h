// state.h: a console's own data. Private to system/.
#pragma once
#include "xex/file.h"
#include "system/system.h"

struct sys {
    struct sys_config config;
    struct xex_file file;
    struct xex *xex;
    struct mem *mem;
    struct cpu *cpu;
    struct stor *storage;
    struct gpu *gpu;
    struct trace *trace;
    struct trace_export *exports;
    struct kernel *kernel;
    char title_name[256];
    char title_hash[65];
    char game_folder[4096];
    unsigned interrupt_cpu;
};
