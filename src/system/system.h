// system.h: a console: owns and wires memory, CPU, kernel, GPU and storage for one title.
// Life: sys_create opens the title and builds everything up to the first guest instruction; sys_run; sys_destroy.
// Threads: one host thread runs a console. Several consoles may exist in one process.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "cpu/cpu.h"
#include "gpu/gpu.h"
#include "kernel/kernel.h"

struct sys;

enum sys_pace { SYS_PACE_NONE, SYS_PACE_VBLANK };

struct sys_config {
    const char *title_path;       // host path of the .xex; its folder becomes game: and d:
    const char *game_folder;      // NULL: the title's folder
    bool writable;                // the title may change files in its folder
    const char *trace_path;       // NULL: no event log
    const uint8_t *retail_key;    // XEX_KEY_BYTES, or NULL
    const char *patch_path;       // as xex_file_options
    bool ignore_hashes;
    enum krnl_profile profile;
    enum krnl_on_missing on_missing;
    enum sys_pace pace;
    enum cpu_tier tier;           // how guest code runs; changes nothing but the time it takes
    const char *cache_folder;     // of compiled code; NULL: none is kept
    uint64_t cache_limit;         // bytes of that folder; 0: the default
    bool trace_gpu;               // packets and MMIO accesses too
    uint64_t frame_limit;         // swaps; 0: none
    uint64_t instruction_limit;   // 0: none
    const struct log *log;
    void (*print)(void *user, const char *text); // what the title prints
    void *print_user;
    bool (*poll)(void *user);     // true: stop now (KRNL_STOP_TIME). May look at the host clock.
    void *poll_user;
};

// Fails with whatever stands in the way of the first guest instruction; the message names file and field.
bool sys_create(struct sys **out, const struct sys_config *config, struct error *err);
void sys_destroy(struct sys *s); // NULL is allowed

// Runs the title until something stops it.
void sys_run(struct sys *s, struct krnl_result *result);

// After a run that ended with registers older than its end, at a fault in optimised code (cpu_registers_known): runs the title again, in
// a console of its own without log, trace and prints, the last stretch in the interpreter, and takes the registers from there. Fails,
// changing nothing, where that run cannot be the same (the title changed files) or was not, or was stopped by `poll`. `result` is sys_run's.
bool sys_find_registers(struct sys *s, const struct krnl_result *result, struct error *err);

// Ends the event log with the exit state. Fails where events were lost (disk full). Once.
bool sys_finish_trace(struct sys *s, const struct krnl_result *result, struct error *err);

struct kernel *sys_kernel(struct sys *s);
struct mem *sys_memory(struct sys *s);
const struct gpu *sys_gpu(const struct sys *s);
struct cpu *sys_cpu(struct sys *s);
const struct xex *sys_title(const struct sys *s);
const char *sys_game_folder(const struct sys *s); // the host folder that the title sees as game:

// XXH3-128 of everything that decides the future: memory, threads, kernel, GPU. `out` gets 32 hex digits and a NUL.
// False where the host has no memory for it.
bool sys_state_hash(struct sys *s, char out[33]);

// Writes the state before the first guest instruction as JSON: registers, regions with hashes, objects, files, configuration.
bool sys_write_entry_state(struct sys *s, const char *path, struct error *err);
