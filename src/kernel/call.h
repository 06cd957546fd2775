// call.h: what the function behind an export gets and may do. Included by every kernel/xboxkrnl/*.c and kernel/xam/*.c.
//
// An export is a function `uint32_t NtFoo(struct krnl_call *c, uint32_t a, ...)` whose prototype is generated from its row.
// Its result goes to r3 sign-extended from 32 bits. It never blocks the host and never calls guest code: to wait it returns
// krnl_wait(...), to run guest code it uses krnl_call_guest. Guest pointers are checked by the mem_* functions it uses.
#pragma once
#include "exports/exports.h"
#include "kernel/kernel.h"
#include "kernel/object.h"
#include "memory/memory.h"
#include "ppc/ppc.h"

typedef uint32_t nt_status;

enum nt_status_value {
#define STATUS(name, value) STATUS_##name = (int)value,
#include "kernel/status.def"
#undef STATUS
};

struct krnl_call {
    struct kernel *k;
    struct mem *mem;
    struct krnl_thread *thread; // the caller
    struct ppc_state *cpu;      // its registers
    const struct exp_row *row;
    uint64_t result;            // what goes to r3
    bool pending;               // the result comes later (a wait) or never (the thread ended): r3 is left alone now
    unsigned stack_index;       // varargs: index of the next unread argument
    bool retry;                 // with pending: the call is made again when others have run
    gva guest_function;         // guest code to run when the call has ended (krnl_call_guest), 0: none
    unsigned guest_kind;        // enum krnl_frame_kind
    uint32_t guest_source;
    unsigned guest_count;
    uint64_t guest_arguments[8];
};

typedef void krnl_thunk_function(struct krnl_call *c, const uint64_t *arguments);
// Indexed as exp_rows; NULL for absent rows and variables. Generated.
extern krnl_thunk_function *const krnl_thunks[];

// Next variable argument: 64 bits from r3..r10, then the stack. Start with c->stack_index = number of typed arguments.
uint64_t krnl_next_argument(struct krnl_call *c);

// Reads the string of an ANSI_STRING or the name of an OBJECT_ATTRIBUTES; false where the memory is not valid.
bool krnl_ansi_string(const struct krnl_call *c, gva ansi_string, char *out, uint32_t size);
bool krnl_object_name(const struct krnl_call *c, gva attributes, char *out, uint32_t size);

// ---- Waiting. The value returned is what the export returns now; when the wait is not over c->pending is set.

struct krnl_timeout {
    bool infinite;
    int64_t value; // 100 ns; negative: relative; else absolute system time
};

// Reads a timeout through a guest pointer; 0 means infinite. False: the pointer is bad.
bool krnl_timeout_at(const struct krnl_call *c, gva pointer, struct krnl_timeout *out);

enum { KRNL_MAX_WAIT = 64 };

// What may end a wait early. Only a wait in user mode is ended by user APCs.
enum krnl_alert { KRNL_NOT_ALERTABLE, KRNL_ALERTABLE_KERNEL, KRNL_ALERTABLE_USER };
enum krnl_alert krnl_alert_of(uint32_t processor_mode, uint32_t alertable); // as exports get them

// Waits for one or all of `count` objects. Returns the wait status when it is satisfied (at once or later).
nt_status krnl_wait(struct krnl_call *c, unsigned count, const struct krnl_target *targets, bool wait_all, enum krnl_alert alert,
                    const struct krnl_timeout *timeout);

// Lets the caller sleep (KeDelayExecutionThread). Timeout 0: gives the rest of its time to others.
nt_status krnl_sleep(struct krnl_call *c, enum krnl_alert alert, const struct krnl_timeout *timeout);

// Ends the calling thread.
void krnl_exit_thread(struct krnl_call *c, uint32_t exit_code);

// After the export returned its thread goes on at `function` with up to 8 arguments in r3..r10; when that returns, the export's own
// result stands in r3 and the title continues behind its call. One a call.
void krnl_call_guest(struct krnl_call *c, gva function, unsigned count, const uint64_t *arguments);

// ---- Saying that something is missing inside an implemented export: one event and log line, then the policy of invariant 4.
void krnl_partial(struct krnl_call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Emits an event in the caller's stream. A cheap no-op without a trace.
void krnl_event(struct krnl_call *c, int trace_kind, unsigned count, const uint64_t *fields);

// KTHREAD.last_error, what GetLastError reads.
void krnl_set_last_error(struct krnl_call *c, uint32_t error);
