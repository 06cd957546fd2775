// owner.h: which call of a logged run made the allocation that an address lies in, and what became of it.
// Streams a log of any engine; keeps one record for each address asked for. Threads: independent calls.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/types.h"

struct par_owner {
    bool found;
    char call[64];           // "MmAllocatePhysicalMemoryEx", "thread stack", "module"
    uint32_t tid, lr;        // lr 0: unknown
    uint64_t index;          // global index of the event that made it
    gva base;
    uint64_t size;           // bytes as asked for
    uint64_t offset;         // of the address in it
    gva through;             // the address by which it was found: another view of the same bytes, or the address itself
    bool freed;              // true: nothing else was there by the end
    char freed_call[64];
    uint32_t freed_tid, freed_lr;
    uint64_t freed_index;
};

// Fills `out` for each address, as things are after the event with global index `at` (UINT64_MAX: the end of the log).
bool par_find_owners(const char *log, uint64_t at, const gva *addresses, size_t count, struct par_owner *out, struct error *err);
