// cpu.h: running guest code: the interpreter with its store of decoded instructions, and the recompiler's code.
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

// ---- The recompiler. Nothing but the clock tells the tiers from each other.

enum cpu_tier {
    CPU_INTERPRETER,
    CPU_QUICK,     // all that is met is compiled before it runs, without optimisation
    CPU_OPTIMISED, // the same, with
    CPU_AUTO,      // what is hot is compiled with optimisation, the rest is interpreted
};

// Chooses how code runs from now on, before the first cpu_run. Fails with ERR_NOT_FOUND where the recompiler's shared object
// cannot be opened; the interpreter goes on then.
bool cpu_set_tier(struct cpu *cpu, enum cpu_tier tier, struct error *err);

struct cpu_stats {
    uint64_t units, instructions; // compiled
    uint64_t code_bytes;
    uint64_t failed; // units that could not be
    double seconds;  // spent compiling, on this thread
};
void cpu_stats(const struct cpu *cpu, struct cpu_stats *out);
