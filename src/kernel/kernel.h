// kernel.h: the operating system that titles see: loader, threads, objects, scheduler, virtual clock, exports.
// Life: krnl_create, krnl_boot (kernel pages, system threads), krnl_load (the title), krnl_run, krnl_destroy.
// Threads: one host thread runs a kernel and all its guest threads.
// Other parts (GPU, audio, input) are seen only as the small structs of functions below, which system/ fills.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/types.h"
#include "cpu/cpu.h"
#include "memory/memory.h"
#include "storage/storage.h"
#include "trace/trace.h"
#include "xex/xex.h"

struct kernel;
struct krnl_thread;

enum krnl_profile { KRNL_CONSOLE, KRNL_REFERENCE }; // where the two differ: notes of the export rows, docs/profiles.md

// The GPU as the kernel sees it. `user` is the first argument of each.
struct krnl_video {
    void *user;
    void (*set_ring)(void *user, gpa base, uint32_t bytes);
    void (*set_read_pointer_writeback)(void *user, gpa address, uint32_t block_log2);
    // Runs the command processor at the virtual time `now`: nothing to do, parked on a wait, or asking for a callback.
    enum krnl_video_state { KRNL_VIDEO_IDLE, KRNL_VIDEO_PARKED, KRNL_VIDEO_INTERRUPT, KRNL_VIDEO_FAULT } (*run)(void *user, uint64_t now);
    unsigned (*interrupt_cpu)(void *user); // after KRNL_VIDEO_INTERRUPT: KPCR+0x10C during the callback
    void (*interrupt_done)(void *user);
    void (*vblank)(void *user);
    const char *(*fault)(void *user);
};

// Pads as the kernel sees them. Returns an XInput error; 0 fills 16 bytes of XINPUT_STATE (guest order).
struct krnl_input {
    void *user;
    uint32_t (*state)(void *user, uint32_t port, uint8_t state[16]);
};

enum krnl_on_missing { KRNL_MISSING_STOP, KRNL_MISSING_CONTINUE };

struct krnl_config {
    enum krnl_profile profile;
    enum krnl_on_missing on_missing;
    uint64_t boot_time;          // system time at launch, 100 ns since 1601; a constant, so that runs repeat
    uint64_t frame_limit;        // stop after that many swaps, 0: no limit
    uint64_t instruction_limit;  // stop at the first safepoint after that many instructions of all threads, 0: no limit
    const char *title_name;      // "dolphin.xex"
    const uint8_t *retail_key;   // for DLLs: XEX_KEY_BYTES bytes, or NULL
    bool ignore_hashes;          // of DLLs
    bool trace_gpu;              // also packets and MMIO
    void (*print)(void *user, const char *text); // DbgPrint's output; NULL drops it
    void *print_user;
    bool (*poll)(void *user);    // asked now and then while running: true stops with KRNL_STOP_TIME. May look at the host clock.
    void *poll_user;
    struct krnl_video video;
    struct krnl_input input;
};

enum krnl_stop {
    KRNL_RUNNING,
    KRNL_STOP_EXIT,    // the title's main thread returned, or the title asked to end: exit_code
    KRNL_STOP_FRAMES,  // frame_limit reached
    KRNL_STOP_INSTRUCTIONS, // instruction_limit reached
    KRNL_STOP_TIME,    // poll said so
    KRNL_STOP_CRASH,   // fault, trap, illegal instruction, bug check: message
    KRNL_STOP_MISSING, // call into an absent export
    KRNL_STOP_WEDGED,  // every thread waits and nothing can wake one
    KRNL_STOP_HOST,    // the host ran out of memory or files: nothing of that may reach the title
};

struct krnl_result {
    enum krnl_stop stop;
    uint32_t exit_code;
    char message[512];            // one line for people
    const struct krnl_thread *thread; // who caused it; may be NULL
};

bool krnl_create(struct kernel **out, const struct krnl_config *config, struct mem *m, struct cpu *cpu, struct stor *storage,
                 struct trace *trace, const struct log *log, struct error *err);
void krnl_destroy(struct kernel *k);

// Everything that exists before a title: boot.def.
bool krnl_boot(struct kernel *k, struct error *err);

// Loads the title's image, resolves its imports, makes the main thread (suspended until krnl_run).
bool krnl_load(struct kernel *k, const struct xex *x, struct error *err);

// Runs until something stops it. May be called again after KRNL_STOP_FRAMES or KRNL_STOP_TIME.
void krnl_run(struct kernel *k, struct krnl_result *result);

// ---- Looking at it

uint64_t krnl_now(const struct kernel *k);          // virtual time, cycles since launch
uint64_t krnl_frames(const struct kernel *k);       // swaps so far
uint64_t krnl_instructions(const struct kernel *k); // retired by all guest threads
uint64_t krnl_calls(const struct kernel *k, size_t export_index);

// An MMIO access from guest code: lets the scheduler run the GPU at the next safepoint.
void krnl_video_kick(struct kernel *k);
// A title touched a device that does not exist here: `what` in words. Stops by the policy of invariant 4.
void krnl_device_missing(struct kernel *k, const char *what, gva address);
// The log is about to be closed: no event is written from now on.
void krnl_forget_trace(struct kernel *k);
// For events of the machine itself (tid 0), or of the thread that runs now.
void krnl_where(const struct kernel *k, struct trace_where *out);
// The command processor's own events and the swap it reached, in thread 1's stream.
void krnl_video_event(struct kernel *k, enum trace_kind kind, const uint64_t *fields, unsigned count);

// Every handle and its object: host handles first, each kind by value.
struct krnl_object;
void krnl_each_handle(const struct kernel *k, void (*visit)(void *user, const struct krnl_object *object, uint32_t handle), void *user);

// Threads in creation order; NULL ends.
const struct krnl_thread *krnl_thread_next(const struct kernel *k, const struct krnl_thread *previous);

struct krnl_thread_view {
    uint32_t tid, hw;
    gva kthread, pcr, stack_base, stack_limit, start_address;
    const struct ppc_state *cpu;
    const char *state;       // "running", "ready", "waiting", "suspended", "ended", "idle"
    unsigned wait_count;
    uint32_t wait_objects[8]; // handle, or address of a dispatcher header
    bool wait_infinite;
    bool guest;
};
void krnl_thread_view(const struct kernel *k, const struct krnl_thread *t, struct krnl_thread_view *out);

// Gives a thread other registers: for who knows those of a fault better (cpu_registers_known).
void krnl_set_registers(struct kernel *k, uint32_t tid, const struct ppc_state *registers);

// Guest call stack from a thread's registers: return addresses, innermost first. Returns how many.
unsigned krnl_backtrace(const struct kernel *k, const struct krnl_thread *t, gva *out, unsigned count);

// Appends the exit state (threads, what they wait for, why) to the trace.
void krnl_trace_exit_state(struct kernel *k, const struct krnl_result *result);

// The export behind an import thunk's address, or NULL.
const struct exp_row *krnl_thunk_at(const struct kernel *k, gva address);

// Plain data of the kernel that decides its future, for a state hash: called with consecutive pieces.
void krnl_hash_state(const struct kernel *k, void (*piece)(void *user, const void *data, size_t size), void *user);
