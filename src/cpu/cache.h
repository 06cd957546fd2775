// cache.h: compiled units on disk: one file for each title and each version of the recompiler, in one folder.
// Life: cache_open, then find and add while code runs, cache_close.
// Threads: any; a lock inside makes them take turns. Other processes may use the same file at the same time.
//
// A file is a head and records, each with checksums of its own. Records are only appended, under a lock of the file: a process
// that is killed leaves at most a piece of one at the end, which is skipped. What does not check is never used. The whole
// folder is kept below a limit by removing the files that were not opened for longest; whoever has one open goes on with it.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/cpu.h"

struct cache;

struct cache_range {
    uint32_t pc, count; // instructions
};

// A unit as it is kept. The pointers of what cache_find gives are the cache's, good until the next call of the same thread.
struct cache_unit {
    uint32_t pc, tier;
    uint32_t instructions;
    const struct cache_range *ranges; // the guest code that it translates
    uint32_t range_count;
    const uint32_t *entries;
    uint32_t entry_count;
    uint64_t words[2];   // hash of the instruction words in the ranges' order
    const uint8_t *code; // starts with entry 0
    size_t code_bytes;   // 0: this code cannot be compiled
    uint32_t code_offset; // of the unit's function
};

struct cache_version {
    uint64_t hash[2];
};

// Opens or makes the file; the configuration's strings need live no longer than the call. What cannot be written (read-only folder, full disk) is read all the same; `warn` hears of it once,
// when something is to be added. Fails with ERR_IO where there is nothing to read or write.
bool cache_open(struct cache **out, const struct cpu_cache_config *config, struct cache_version version, struct error *err);
void cache_close(struct cache *c); // NULL is allowed

// Looks for a unit that starts at `pc` and whose ranges `same` accepts, and copies its code to `place` where `room` is enough.
// `again`: where it is not known, also among what other processes have added meanwhile.
typedef bool cache_same(void *user, const struct cache_unit *u);
bool cache_find(struct cache *c, uint32_t tier, uint32_t pc, cache_same *same, void *user, bool again, uint8_t *place,
                size_t room, struct cache_unit *out);
bool cache_is_empty(struct cache *c); // when it was opened, or since
// Keeps a unit, if nobody has meanwhile.
void cache_add(struct cache *c, const struct cache_unit *u);
bool cache_has(struct cache *c, const struct cache_unit *u); // just this unit, whatever its entries
void cache_stats(struct cache *c, struct cpu_cache_stats *out);
