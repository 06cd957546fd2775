// library.h: the recompiler's shared object: where it is, which version it is, and how it is opened.
// Life: library_find once, library_open when something is to be compiled. It stays open: LLVM does not like to leave.
// Threads: one at a time.
#pragma once
#include <limits.h>

#include "cpu/cache.h"
#include "cpu/recompiler/interface.h"

struct library {
    char folder[PATH_MAX], path[PATH_MAX];
    struct cache_version version; // of the object itself, of the program's part of the contract, and of the host
    const struct rc_api *api;     // NULL: not opened
};

// Looks for it beside the program, where the build puts it, and where it is installed. Reads the file, opens nothing.
bool library_find(struct library *l, struct error *err);
bool library_open(struct library *l, struct error *err);
