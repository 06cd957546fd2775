// cpu.h: running guest code: the interpreter, its store of decoded instructions.
// Life: cpu_create for one address space, cpu_run as often as wanted, cpu_destroy.
// Threads: one thread at a time.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "memory/memory.h"
#include "ppc/ppc.h"

struct cpu;

bool cpu_create(struct cpu **out, struct mem *m, struct error *err);
void cpu_destroy(struct cpu *cpu); // NULL is allowed

// Runs `s` from s->pc until something stops it, and says what (also in s->exit). Afterwards s->pc and s->cycles are exact, and
// s->block_pc == s->pc. Leaves at the first safepoint (target of a call, or of a taken branch to a lower or equal address)
// where s->cycles >= s->slice_end. A reservation does not survive the end of a run: nobody else ran meanwhile.
enum ppc_exit cpu_run(struct cpu *cpu, struct ppc_state *s);

// Forgets decoded code in [base, base + size) and in its aliases, because the bytes there changed.
void cpu_invalidate(struct cpu *cpu, gva base, uint32_t size);
