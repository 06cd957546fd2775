// functions.h: where functions start and end, as far as the modules in memory say and their branches show.
// Life: functions_add for each module, functions_remove where one goes, functions_free.
// Threads: one at a time.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "cpu/cpu.h"

struct functions_region;

struct functions {
    struct functions_region *regions;
    uint32_t count, capacity;
};

// Reads the module's code in memory. False: no memory.
bool functions_add(struct functions *f, const struct mem *m, const struct cpu_code *code);
void functions_remove(struct functions *f, gva base, uint64_t size); // all regions that touch it
void functions_free(struct functions *f);

// The function that holds `pc`.
bool functions_find(const struct functions *f, gva pc, struct cpu_code_range *out);
// Whether something else than the function itself calls or jumps there; its start aside.
bool functions_entered(const struct functions *f, gva pc);
// Function number `n` of all, in no particular but a constant order. False: there are no more.
bool functions_at(const struct functions *f, uint32_t n, struct cpu_code_range *out);
