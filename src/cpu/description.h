// description.h: a translated unit's guest code, as the cache keeps it and as it is compared with memory.
// Life: description_make, use, description_free. Threads: everything here is pure.
#pragma once
#include "cpu/cache.h"
#include "cpu/recompiler/interface.h"

// Fills ranges, entries and words of *out from the plan; `ranges` is allocated, the entries are the plan's.
bool description_make(const struct rc_plan *p, enum rc_tier tier, struct cache_unit *out);
void description_free(struct cache_unit *u);

// Whether guest memory holds just that code now.
bool description_holds(const struct mem *m, const struct cache_unit *u);

// Puts what became of a plan into the cache: its code, or (NULL) that it cannot be compiled.
void cache_keep(struct cache *c, const struct rc_plan *p, enum rc_tier tier, const struct rc_code *code);
