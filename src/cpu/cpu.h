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

struct cpu_code_range {
    gva base;
    uint32_t size; // bytes
};

// A module in memory: what is compiled together depends on where its functions lie.
struct cpu_code {
    const struct cpu_code_range *code; // where code lies
    size_t code_count;
    const struct cpu_code_range *functions; // whose bounds are known
    size_t function_count;
    const gva *starts; // where others are known to start
    size_t start_count;
};
bool cpu_add_code(struct cpu *cpu, const struct cpu_code *code, struct error *err);
void cpu_remove_code(struct cpu *cpu, gva base, uint32_t size);

// After PPC_EXIT_FAULT: whether the state's registers are those of the fault. Not in a loop of optimised code: there pc, time and
// memory are, and the registers those at the last call or entry. cpu_repeat finds them.
bool cpu_registers_known(const struct cpu *cpu);

// Forgets decoded code in [base, base + size) and in its aliases, because the bytes there changed.
void cpu_invalidate(struct cpu *cpu, gva base, uint32_t size);

// ---- The recompiler. Nothing but the clock tells the tiers from each other.

enum cpu_tier {
    CPU_INTERPRETER,
    CPU_QUICK,     // all that is met is compiled before it runs, without optimisation
    CPU_OPTIMISED, // the same, with
    CPU_AUTO,      // what is hot is compiled by a thread of its own, quickly and then with optimisation; the rest is interpreted
};

// Chooses how code runs from now on, before the first cpu_run. Fails with ERR_NOT_FOUND where the recompiler's shared object
// is not there; the interpreter goes on then. The object, and LLVM with it, is opened when the first unit is compiled.
bool cpu_set_tier(struct cpu *cpu, enum cpu_tier tier, struct error *err);

// The folder of the shared object, for a sandbox; "" where no tier is chosen. Valid as long as `cpu`.
const char *cpu_library_folder(const struct cpu *cpu);
// Opens it now; what cannot be opened later is in cpu_stats. CPU_AUTO's thread always opens it itself.
bool cpu_open_recompiler(struct cpu *cpu, struct error *err);

// ---- Compiled code kept on disk (docs/recompiler.md)

struct cpu_cache_config {
    const char *folder;   // made where it is not there
    const char *title;    // names the file; letters and digits
    uint64_t limit_bytes; // of the whole folder; 0: CPU_CACHE_LIMIT
    void (*warn)(void *user, const char *text); // at most once: why nothing can be kept
    void *user;
};
#define CPU_CACHE_LIMIT ((uint64_t)1 << 30)

// Uses the folder from now on; after cpu_set_tier. Fails, changing nothing, where the folder can neither be read nor made.
bool cpu_set_cache(struct cpu *cpu, const struct cpu_cache_config *config, struct error *err);

// For a second cpu that is to do what `other` did, from the same beginning: it takes its tier and uses its cache, which must live
// longer; the last of other's runs, and what comes behind it, it interprets. Instead of cpu_set_tier and cpu_set_cache.
bool cpu_repeat(struct cpu *cpu, const struct cpu *other, struct error *err);

struct cpu_cache_stats {
    uint64_t hits, misses;
    uint64_t added;
    uint64_t discarded; // records that did not check
    uint64_t file_bytes;
    double seconds;     // spent finding, on this thread
};

struct cpu_stats {
    uint64_t units, instructions; // compiled
    uint64_t code_bytes;
    uint64_t failed; // units that could not be
    uint64_t loaded, loaded_instructions; // from the cache
    uint64_t replaced; // quick units by optimised ones
    double seconds;  // spent compiling, CPU time
    struct cpu_cache_stats cache;
    char problem[256]; // why the shared object could not be opened; "" where it could or nobody tried
};
void cpu_stats(const struct cpu *cpu, struct cpu_stats *out);

// Tells of each piece of compiled code when it can be run: where it lies, and the guest address that it starts at.
typedef void cpu_code_function(void *user, const void *host, size_t bytes, gva pc, enum cpu_tier tier);
void cpu_on_code(struct cpu *cpu, cpu_code_function *f, void *user);

// ---- All code that cpu_add_code told of, ahead of time, into the cache (cpu_set_cache), while nothing runs

struct cpu_ahead {
    enum cpu_tier tier;  // CPU_QUICK or CPU_OPTIMISED
    unsigned jobs;       // threads; at least 1
    void (*progress)(void *user, uint64_t done, uint64_t total); // instructions, about ten times a second; NULL: nobody watches
    void *user;
};

struct cpu_ahead_result {
    uint64_t units, instructions, code_bytes; // compiled now
    uint64_t table_bytes;                     // from places in that code to guest addresses
    uint64_t present, present_instructions;   // in the cache already
    uint64_t failed;
    uint64_t covered;                         // guest instructions among all these; each belongs to one unit
    double cpu_seconds;                       // of all threads
};

// Fails where there is no cache, or the shared object cannot be opened.
bool cpu_compile_ahead(struct cpu *cpu, const struct cpu_ahead *a, struct cpu_ahead_result *out, struct error *err);

// ---- Both engines side by side

enum { CPU_LINE_BYTES = 128 };

struct cpu_line {
    gva address;
    uint8_t before[CPU_LINE_BYTES], interpreter[CPU_LINE_BYTES], compiled[CPU_LINE_BYTES];
};

// A piece of a run that did not come out the same.
struct cpu_difference {
    const char *what;
    const struct ppc_state *before, *interpreter, *compiled;
    const struct mem *mem;
    gva low, high; // first and last instruction
    const struct cpu_line *lines; // memory that it may have changed or read
    size_t line_count;
};
typedef void cpu_difference_function(void *user, const struct cpu_difference *d);

// From now on cpu_run does everything in the interpreter and in the chosen tier, piece by piece, and compares: registers, time,
// reason and the memory that the piece could reach. The guest sees the interpreter's results. Accesses to devices happen once, in
// the interpreter. Behind the first difference only the interpreter runs. After cpu_set_tier and cpu_set_cache.
bool cpu_set_shadow(struct cpu *cpu, cpu_difference_function *report, void *user, struct error *err);

struct cpu_shadow_stats {
    uint64_t pieces, instructions; // compared
    uint64_t alone;                // instructions of the interpreter alone
    uint64_t differences;
};
void cpu_shadow_stats(const struct cpu *cpu, struct cpu_shadow_stats *out);
