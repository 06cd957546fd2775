// engine.h: what the sources of cpu/ share: the interpreter's cells and the store of compiled code.
// Life: as cpu.h says. Threads: one at a time.
#pragma once
#include <stdint.h>

#include "cpu/cpu.h"
#include "cpu/functions.h"
#include "cpu/recompiler/interface.h"

struct cell {
    int32_t handler; // bytes from the decoding handler
    uint32_t insn;   // the word, 0: not looked at yet; for the handler of compiled code, the number of an entry
};

enum {
    CELL_SHIFT = 1, // 8-byte cells for 4-byte instructions
    CELL_PAGE = 4096,
};
#define MIRROR_BYTES ((uint64_t)1 << 33)

struct compiled;
struct decoder;

struct cpu {
    struct mem *mem;
    uint8_t *memory; // host address of guest address 0
    void *reservation;
    struct cell *cells;
    struct decoder *decoder;
    struct compiled *compiled; // NULL: the interpreter alone
    struct shadow *shadow;     // NULL: one engine
    struct cpu *twin;          // the other of shadow.c's two
    struct ppc_state *running; // whose guest code runs now; NULL: nobody's
    struct changes *changes;
    bool unknown;              // the last run left registers behind in optimised code
    uint64_t runs;             // calls of cpu_run
    uint64_t last_run;         // which of them is the first of the interpreter alone (cpu_repeat); 0: none
    uint32_t waiting;          // pages that have changed and that the running code still sees as they were
    struct functions functions;
};

// What lies directly below guest address 0: found from the memory's address alone by running code.
struct engine_page {
    struct cpu *cpu;
    uint8_t *heat;      // per instruction: how often it was jumped to (calls and loops); NULL: nobody counts
    uint32_t threshold; // of heat, at which the interpreter leaves so that the target be compiled
    uint32_t second;    // and once more; 0: not
    struct rc_environment environment;
};

static inline struct engine_page *engine_page(uint8_t *m)
{
    return (struct engine_page *)(void *)(m - sizeof(struct engine_page));
}

static inline struct cell *cell_at(const struct cell *c, uint32_t pc)
{
    return (struct cell *)(((uintptr_t)c & ~(uintptr_t)(MIRROR_BYTES - 1)) + ((uintptr_t)pc << CELL_SHIFT));
}

// ---- interpreter.c
void cpu_forget(struct cpu *cpu, gva base, uint32_t size); // cpu_invalidate in one engine
// From now on the cell of `pc` runs entry number `entry`.
void cpu_set_entry(struct cpu *cpu, uint32_t pc, uint32_t entry);
bool cpu_has_entry(const struct cpu *cpu, uint32_t pc);
void cpu_clear_entry(struct cpu *cpu, uint32_t pc);
extern rc_function *const cpu_handlers[PPC_OPCODE_COUNT]; // op_<id> as functions; NULL: branches
typedef void cpu_handler_function(struct ppc_state *s, uint8_t *m, uint32_t insn, uint32_t pc);
typedef bool cpu_branch_function(struct ppc_state *s, uint8_t *m, uint32_t insn, uint32_t pc);
extern cpu_branch_function *const cpu_branches[PPC_OPCODE_COUNT]; // the branches; NULL: others
// cpu_run with one engine; a reservation stays.
enum ppc_exit cpu_run_engine(struct cpu *cpu, struct ppc_state *s);

// ---- changes.c
bool changes_create(struct cpu *cpu);
void changes_destroy(struct cpu *cpu);
uint32_t changes_word(const struct cpu *cpu, uint32_t pc); // the instruction there, as running code sees it; may fault
void changes_apply(struct cpu *cpu); // now everybody sees them as they are
void changes_renew(struct cpu *cpu, gva base, uint64_t size); // what lies there is code: its writes count anew

// ---- compiled.c
// Runs an entry from s->pc; returns the guest address to go on at, or RC_LEFT.
uint32_t compiled_run(struct cpu *cpu, struct ppc_state *s, uint32_t entry);
// Sees to it that `pc` runs compiled, where that is possible.
void compiled_make(struct cpu *cpu, uint32_t pc);
// The same for many at once, without the cache, for a tier that compiles all: what fails is made when it is jumped to.
void compiled_make_all(struct cpu *cpu, const uint32_t *pcs, uint32_t count);
// Before each run, where no compiled code is on the host's stack: takes over what was compiled meanwhile.
void compiled_poll(struct cpu *cpu, const struct ppc_state *s);
// Behind each run: how many instructions it had.
void compiled_ran(struct cpu *cpu, uint64_t instructions);
// Makes cpu->running's pc and time exact where the host's registers, a ucontext_t, say that compiled code was running.
void compiled_at_fault(void *cpu, const void *context);
void compiled_forget(struct cpu *cpu, gva base, uint64_t size);
bool compiled_is_optimised(const struct cpu *cpu, uint32_t pc); // some optimised unit has code in its page
void compiled_end(struct cpu *cpu); // from now on only the interpreter runs
void compiled_destroy(struct compiled *c); // NULL is allowed
enum { COMPILED_MOST = 500 }; // instructions of a unit, in both tiers: each is the other's replacement
struct library;
struct cache;
struct library *compiled_library(struct compiled *c);
struct cache *compiled_cache(struct compiled *c); // NULL: none

// ---- plan.c
// Finds the code that belongs together with `pc`: what `known` says of its function, at most `most` instructions; elsewhere what
// is reached from there up to what `is_entry` knows. False: there is none, or no memory.
bool plan_make(const struct functions *known, const struct mem *m, uint32_t pc, bool (*is_entry)(void *user, uint32_t pc), void *user,
               uint32_t most, struct rc_plan *out);
// The unit that plan_make would make: it starts at out->base, if not empty. False: no function is known there.
bool plan_bounds(const struct functions *known, const struct mem *m, uint32_t pc, uint32_t most, struct cpu_code_range *out);
void plan_free(struct rc_plan *p);
