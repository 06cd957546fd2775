// state.h: a console's own data. Private to system/.
#pragma once
#include "xex/file.h"
#include "system/system.h"

struct sys {
    struct sys_config config;
    const struct sys *first; // whose run this one repeats (sys_find_registers); its title and cache serve both. NULL: nobody's
    struct xex_file file;
    const struct xex *xex;
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

// sys_create and its like: everything after `config` and `first`. Where it fails, sys_destroy gives back what there is.
bool sys_build(struct sys *s, struct error *err);
