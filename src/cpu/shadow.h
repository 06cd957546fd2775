// shadow.h: both engines over the same code, one after the other, compared.
// Life: made by cpu_set_shadow, ends with the cpu. Threads: as cpu.h.
#pragma once
#include "cpu/cpu.h"

struct shadow;

// Runs as cpu_run does, in pieces that end at safepoints. Each piece runs three times from the same start: instruction by
// instruction, to learn what memory it may change; in the interpreter; and compiled.
enum ppc_exit shadow_run(struct shadow *h, struct ppc_state *s);
void shadow_destroy(struct shadow *h); // NULL is allowed
