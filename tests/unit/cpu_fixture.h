// cpu_fixture.h: what the tests of the tiers share: a CPU with its memory and one thread's state, and when two states are the same.
#pragma once
#include <stdbool.h>
#include <string.h>

#include "cpu/cpu.h"
#include "memory/memory.h"

struct machine {
    struct mem *mem;
    struct cpu *cpu;
    struct ppc_state s;
};

static inline void close_machine(struct machine *m)
{
    cpu_destroy(m->cpu);
    mem_destroy(m->mem);
}

// What the guest can see: the time slice's end and scratch are aside, FPSCR is settled.
static inline bool same(const struct ppc_state *a, const struct ppc_state *b)
{
    struct ppc_state x = *a, y = *b;
    ppc_fpscr(&x);
    ppc_fpscr(&y);
    x.target = y.target = x.slice_end = y.slice_end = 0;
    return !memcmp(&x, &y, sizeof x);
}
