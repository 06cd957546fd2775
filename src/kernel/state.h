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

// What an export that waited still has to do when its wait is satisfied, before anything else runs.
enum krnl_done {
    KRNL_DONE_NOTHING,
    KRNL_DONE_CRITICAL_SECTION, // the waiter owns the section
    KRNL_DONE_IO_COMPLETION,    // the oldest packet goes to data[0..2]: key, context, IO_STATUS_BLOCK
};

struct krnl_wait {
    unsigned count;
    struct krnl_target targets[KRNL_MAX_WAIT];
    bool all, timed;
    enum krnl_alert alert;
    enum krnl_done done;
    uint32_t data[3]; // of `done`
    uint64_t deadline; // cycles
    uint64_t sequence; // order of waiting
};

// A call whose result comes later, when its wait ends.
struct krnl_pending_call {
    const struct exp_row *row; // NULL: none
    uint64_t arguments[16];
};

// Guest code that runs on top of a thread: an APC, a DPC, an interrupt callback. Its caller's registers wait here, and so does
// the wait that it interrupts.
enum krnl_frame_kind {
    FRAME_CALL,      // krnl_call_guest; the rundown routine of an APC
    FRAME_INTERRUPT, // IRQL 2, DPC active
    FRAME_DPC,       // IRQL 2, DPC active
    FRAME_APC_ROUTINE, // an APC's kernel routine: IRQL 1
    FRAME_APC,       // an APC's normal routine
    FRAME_MODULE_ATTACH, // a DLL's entry point; source: its handle
    FRAME_MODULE_DETACH,
};

struct krnl_frame {
    struct ppc_state saved;
    enum krnl_frame_kind kind;
    uint32_t source, cpu, callback; // FRAME_INTERRUPT; source: of FRAME_MODULE_* too
    gva scratch;                    // FRAME_APC_ROUTINE: normal routine, context, arguments 1 and 2 as it leaves them
    bool user;                      // of APCs
    uint8_t old_irql, old_cpu, old_process_type;
    uint32_t old_dpc_active;
    unsigned old_hw;
    bool retrying, waiting; // what the interrupted thread was doing
    struct krnl_wait wait;          // waiting: its wait and its call
    struct krnl_pending_call call;
    struct krnl_frame *outer;
};

struct krnl_apc {
    struct krnl_apc *next;
    bool user;
    uint32_t kernel_routine, rundown_routine, normal_routine, context, arg1, arg2;
    gva kapc;        // the title's KAPC; 0: made by a call
    uint32_t source; // id of the timer object that queued it; 0: none
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
    bool retrying;        // the call at pc has been made before, see krnl_call.retry
    uint64_t ready_since; // scheduling order among equals
    uint64_t quantum_used; // cycles since it last gave way to its equals
    struct krnl_wait wait;
    struct krnl_pending_call call;
    struct krnl_frame *frames;
    struct krnl_apc *apcs[2]; // kernel, user; oldest first
    unsigned apc_count;
    bool user_apc_pending;      // the next user APC may run
    bool alerted[2];            // by mode: kernel, user
    uint32_t interrupt_pending; // vblank thread: callbacks owed
    bool ending;                // only rundown routines run now
    uint64_t exit_code;
};

// A timer that is set. The list is in the order of firing.
struct krnl_timer {
    struct krnl_timer *next;
    struct krnl_target target;
    uint64_t due, period; // cycles; period 0: once
    uint64_t sequence;
    gva dpc; // 0: none
};

// A DPC in the queue, and the thread it will run on.
struct krnl_dpc {
    gva dpc;
    struct krnl_thread *on;
};

struct krnl_hw {
    uint64_t now;                // cycles
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
    struct krnl_timer *timers;
    struct krnl_dpc dpcs[256];
    unsigned dpc_count;
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

    struct krnl_module *modules; // DLLs, in load order
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
    bool guest, main, host_handle, suspended, system_process;
    const struct krnl_thread *creator;
};
struct krnl_thread *krnl_thread_new(struct kernel *k, const struct krnl_thread_params *p, uint32_t *handle);
void krnl_thread_end(struct kernel *k, struct krnl_thread *t, uint32_t exit_code);
void krnl_thread_set_hw(struct kernel *k, struct krnl_thread *t, unsigned hw);
struct krnl_thread *krnl_thread_by_kthread(const struct kernel *k, gva kthread);
void krnl_thread_alert(struct kernel *k, struct krnl_thread *t, bool user);
void krnl_thread_resumed(struct kernel *k, struct krnl_thread *t); // its suspend count came down to 0

// ---- frame.c: guest code on top of a thread that is at a safepoint: idle, ready, waiting, or at the end of a call.
// NULL: no memory; the run is stopped then. What the kind needs (IRQL, DPC state) is set, and restored by the pop.
struct krnl_frame *krnl_frame_push(struct kernel *k, struct krnl_thread *t, enum krnl_frame_kind kind, gva function);
void krnl_frame_pop(struct kernel *k, struct krnl_thread *t);
void krnl_frames_drop(struct krnl_thread *t); // all, without going back
// A function returned to where frames and threads begin.
void krnl_returned(struct kernel *k, struct krnl_thread *t);
// Lets run on `t` what is queued for it and may run at its IRQL: a DPC, else a kernel APC, else a user APC.
void krnl_deliver(struct kernel *k, struct krnl_thread *t);
uint8_t krnl_irql(const struct kernel *k, const struct krnl_thread *t);

// ---- dpc.c
// `on` NULL: the kernel's dispatch thread. False: it is queued already, or the queue is full.
bool krnl_queue_dpc(struct kernel *k, gva dpc, uint32_t arg1, uint32_t arg2, struct krnl_thread *on);
bool krnl_remove_dpc(struct kernel *k, gva dpc);
bool krnl_deliver_dpc(struct kernel *k, struct krnl_thread *t);
void krnl_dpcs_leave(struct kernel *k, const struct krnl_thread *t); // `t` ends: its DPCs go to the dispatch thread

// ---- timer.c
uint64_t krnl_due_cycles(const struct kernel *k, uint64_t now, int64_t time); // of a timeout or due time in 100 ns
bool krnl_timer_set(struct kernel *k, const struct krnl_target *timer, uint64_t due, uint64_t period, gva dpc); // true: it was set
bool krnl_timer_cancel(struct kernel *k, const struct krnl_target *timer);
const struct krnl_timer *krnl_timer_find(const struct kernel *k, const struct krnl_target *timer);
void krnl_timer_move(struct kernel *k, struct krnl_object *object); // it has got a body
void krnl_timers_fire(struct kernel *k, uint64_t now);

// ---- mutant.c: state 1 free, 0 owned, below: owned more than once.
struct krnl_thread *krnl_mutant_owner(const struct kernel *k, const struct krnl_target *mutant);
void krnl_mutant_own(struct kernel *k, const struct krnl_target *mutant, struct krnl_thread *t);
bool krnl_mutant_take(struct kernel *k, const struct krnl_target *mutant, struct krnl_thread *t); // true: it was abandoned
nt_status krnl_mutant_release(struct kernel *k, const struct krnl_target *mutant, struct krnl_thread *t, int32_t *previous);
void krnl_mutant_abandon(struct kernel *k, const struct krnl_target *mutant, struct krnl_thread *t);
void krnl_mutants_leave(struct kernel *k, struct krnl_thread *t); // `t` ends: what it owns is abandoned

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
// An interrupted or suspended wait goes on, unless what it waits for has come.
void krnl_wait_again(struct kernel *k, struct krnl_thread *t);
void krnl_wait_expire(struct kernel *k, uint64_t now);
uint64_t krnl_next_deadline(const struct kernel *k);
enum krnl_dispatcher_type krnl_target_type(const struct kernel *k, const struct krnl_target *target);
uint32_t krnl_target_name(const struct kernel *k, const struct krnl_target *target); // handle, else address
// As krnl_wait, with work at its end.
nt_status krnl_wait_then(struct krnl_call *c, const struct krnl_target *target, enum krnl_alert alert,
                         const struct krnl_timeout *timeout, enum krnl_done done, const uint32_t data[3]);
void krnl_critical_section_entered(struct kernel *k, struct krnl_thread *t); // of rtl_sync.c
nt_status krnl_io_completion_removed(struct kernel *k, struct krnl_thread *t); // of io_completion.c

// ---- apc.c
bool krnl_queue_apc(struct kernel *k, struct krnl_thread *t, const struct krnl_apc *apc); // false: the thread ends, or no memory
bool krnl_remove_apc(struct kernel *k, struct krnl_thread *t, gva kapc, uint32_t source);
bool krnl_deliver_apc(struct kernel *k, struct krnl_thread *t);
void krnl_apc_routine_ended(struct kernel *k, struct krnl_thread *t, const struct krnl_frame *frame);
void krnl_apc_drop(struct krnl_thread *t); // one, without a trace
bool krnl_rundown_apc(struct kernel *k, struct krnl_thread *t); // true: a rundown routine runs first

// ---- loader.c
// An image into memory, bound and protected; what krnl_unload_image takes away. ERR_NO_SPACE: its place is taken.
bool krnl_load_image(struct kernel *k, const struct xex *x, struct error *err);
void krnl_unload_image(struct kernel *k, gva base, uint32_t size);
// The loader's record of a module and its copy of the XEX header; 0: no guest memory.
gva krnl_module_record(struct kernel *k, const struct xex *x, gva *header);
// A thunk of our own for an export that the title did not import; 0: no memory.
gva krnl_make_thunk(struct kernel *k, const struct exp_row *row);

// ---- call.c
void krnl_dispatch(struct kernel *k, struct krnl_thread *t);
void krnl_finish_call(struct kernel *k, struct krnl_thread *t, uint64_t result);
void krnl_emit(struct kernel *k, const struct krnl_thread *t, enum trace_kind kind, unsigned count, const uint64_t *fields,
               const char *text);
