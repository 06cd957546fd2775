// state.h: the kernel's own data. Private to kernel/.
#pragma once
#include "exports/exports.h"
#include "kernel/call.h"
#include "kernel/kernel.h"
#include "kernel/layout.h"
#include "kernel/object.h"

enum { KRNL_HW_THREADS = 6, KRNL_RETURN_MAGIC = (int)0xBCBCBCBC };

#define KRNL_HZ 3200000000ull
#define KRNL_CYCLES_PER_100NS 320ull
#define KRNL_CYCLES_PER_MS 3200000ull
#define KRNL_CYCLES_PER_VBLANK (KRNL_HZ / 60)

enum krnl_thread_state {
    THREAD_IDLE,  // a system thread without work
    THREAD_READY, // includes running: the scheduler decides
    THREAD_WAITING,
    THREAD_ENDED,
};

// Guest code that runs on top of a thread: an APC, a DPC, an interrupt callback. Its caller's registers wait here.
struct krnl_frame {
    struct ppc_state saved;
    enum krnl_frame_kind { FRAME_CALL, FRAME_INTERRUPT, FRAME_APC, FRAME_DPC } kind;
    uint32_t source, cpu, callback; // FRAME_INTERRUPT
    uint8_t old_irql, old_cpu;
    struct krnl_frame *outer;
};

struct krnl_wait {
    unsigned count;
    struct krnl_target targets[KRNL_MAX_WAIT];
    bool all, alertable, timed;
    uint64_t deadline; // cycles
    uint64_t sequence; // order of waiting
};

struct krnl_thread {
    struct ppc_state cpu;
    struct krnl_object *object;
    struct krnl_thread *next; // creation order
    struct kernel *kernel;
    uint32_t tid, creator_tid;
    gva kthread, pcr, process, tls_static, tls_dynamic;
    uint32_t tls_bytes;
    gva stack_alloc, stack_base, stack_limit;
    gva start_address, startup, context;
    uint32_t creation_flags;
    int32_t priority;
    uint32_t suspend_count;
    uint32_t affinity;
    unsigned hw;
    enum krnl_thread_state state;
    bool guest; // a title's thread
    bool main;
    bool started;
    bool retrying; // the call at pc has been made before, see krnl_call.retry
    uint64_t ready_since; // scheduling order among equals
    struct krnl_wait wait;
    // A call whose result comes later.
    const struct exp_row *call_row;
    uint64_t call_arguments[16];
    struct krnl_frame *frames;
    struct krnl_apc { uint32_t kernel_routine, normal_routine, context, arg1, arg2, kapc; } apcs[32];
    unsigned apc_count;
    uint32_t interrupt_pending; // vblank thread: callbacks owed
    uint64_t exit_code;
};

struct krnl_hw {
    uint64_t now;                // cycles
    uint64_t quantum_start;
    struct krnl_thread *current; // last run
};

struct krnl_thunk_entry {
    gva address;
    uint32_t export_index;
};

struct kernel {
    struct krnl_config config;
    struct mem *mem;
    struct cpu *engine;
    struct stor *storage;
    struct trace *trace;
    const struct log *log;

    struct krnl_object *objects; // newest first
    uint32_t object_count;
    struct krnl_object **handles, **host_handles;
    uint32_t handle_capacity, host_handle_capacity;

    struct krnl_thread *threads, **threads_tail;
    uint32_t next_tid;
    unsigned next_cpu;
    struct krnl_thread *running; // whose code or call runs now
    struct krnl_hw hw[KRNL_HW_THREADS];
    uint64_t sequence;           // for FIFO orders
    uint64_t now;                // time of the last scheduling decision, never falls
    uint64_t next_vblank, vblanks;
    uint64_t next_stamp;         // when KeTimeStampBundle is due
    bool video_kick, video_parked, video_interrupt;
    uint64_t video_retry;
    bool reschedule;             // the current slice's choice is stale
    uint64_t polls;
    uint64_t progress;           // when a thread of the title last ran

    struct krnl_thread *thread_gpu, *thread_vblank, *thread_dispatch, *thread_main;
    gva interrupt_callback, interrupt_context;
    uint64_t frames;
    bool swapped;                // the call that runs now was a VdSwap
    uint64_t instructions;
    uint64_t *call_counts;
    struct trace_export *trace_exports;

    // What boot.def made.
    gva globals, title_process, system_process, time_stamp, xex_header, executable_module_variable, executable_module;
    gva system_modules[EXP_MODULE_COUNT]; // records of xboxkrnl, xam, xbdm: their handles
    gva variables[3][1024]; // by module and ordinal: address of the variable, 0: none

    const struct xex *xex;
    gva image_base;
    uint32_t image_size;
    uint32_t tls_slots, tls_data_bytes, tls_raw_bytes;
    gva tls_raw;
    struct krnl_thunk_entry *thunks; // sorted by address
    gva thunk_page;                  // of made thunks; thunk_used bytes of it are
    uint32_t thunk_used;
    uint32_t thunk_count;
    uint32_t tls_bitmap[64];         // set: in use
    char command_line[128];
    gva gpu_identifier_address;

    struct krnl_result result;
};

// Where a kernel page comes from: 4 KB pages of the system heap, zeroed. 0: no memory left.
gva krnl_system_alloc(struct kernel *k, uint32_t size);
void krnl_system_free(struct kernel *k, gva address);

// ---- thread.c
struct krnl_thread_params {
    uint32_t stack_bytes, flags;
    gva startup, start_address, context;
    bool guest, main, host_handle, suspended;
    const struct krnl_thread *creator;
};
struct krnl_thread *krnl_thread_new(struct kernel *k, const struct krnl_thread_params *p, uint32_t *handle);
void krnl_thread_end(struct kernel *k, struct krnl_thread *t, uint32_t exit_code);
void krnl_thread_set_hw(struct kernel *k, struct krnl_thread *t, unsigned hw);
struct krnl_thread *krnl_thread_by_kthread(const struct kernel *k, gva kthread);
// A guest frame on top of an interrupted or idle thread.
struct krnl_frame *krnl_frame_push(struct krnl_thread *t, enum krnl_frame_kind kind, gva function);
void krnl_frame_pop(struct kernel *k, struct krnl_thread *t);

// ---- scheduler.c
void krnl_make_ready(struct kernel *k, struct krnl_thread *t);
void krnl_stop(struct kernel *k, enum krnl_stop why, const struct krnl_thread *t, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
// The run cannot go on as it would on another host: an allocation or a file of the host failed.
void krnl_host_failed(struct kernel *k, const char *what);
uint64_t krnl_thread_now(const struct kernel *k, const struct krnl_thread *t);
uint64_t krnl_system_time(const struct kernel *k, uint64_t cycles); // 100 ns since 1601
void krnl_refresh_time(struct kernel *k, uint64_t now);

// ---- wait.c
void krnl_wait_finish(struct kernel *k, struct krnl_thread *t, nt_status status, const struct krnl_target *by);
// The thread that has waited longest for the target; NULL: none.
struct krnl_thread *krnl_first_waiter(struct kernel *k, const struct krnl_target *target);
void krnl_wait_expire(struct kernel *k, uint64_t now);
uint64_t krnl_next_deadline(const struct kernel *k);
void krnl_deliver_apcs(struct kernel *k, struct krnl_thread *t);
void krnl_queue_apc(struct kernel *k, struct krnl_thread *t, const struct krnl_apc *apc);

// ---- loader.c
// A thunk of our own for an export that the title did not import; 0: no memory.
gva krnl_make_thunk(struct kernel *k, const struct exp_row *row);

// ---- call.c
void krnl_dispatch(struct kernel *k, struct krnl_thread *t);
void krnl_finish_call(struct kernel *k, struct krnl_thread *t, uint64_t result);
void krnl_emit(struct kernel *k, const struct krnl_thread *t, enum trace_kind kind, unsigned count, const uint64_t *fields,
               const char *text);
