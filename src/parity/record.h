// record.h: a call as the lab compares it: values with what they mean, independent of raw numbers. Internal to parity/.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exports/exports.h"
#include "parity/events.h"

enum par_meaning {
    PAR_PLAIN,
    PAR_HANDLE,    // thread, name = object type, ordinal
    PAR_ALLOCATED, // thread, name = allocator, ordinal, offset
    PAR_BUS,       // the same, by bus address
    PAR_STACK,     // thread, offset from its top, downwards
    PAR_KTHREAD,   // thread, offset
    PAR_PCR,       // thread, offset
    PAR_TID,       // thread
};

struct par_value {
    uint64_t raw;
    uint16_t thread; // slot
    uint8_t meaning;
    bool lazy;       // a handle that an engine made for a guest KEVENT
    bool doubtful;   // a handle whose number was in use already, or is not any more
    uint32_t name, ordinal, offset;
};

enum { PAR_MAX_STACK = 8 };

enum { // par_record.flags
    PAR_HAS_ARGS = 1,       // arguments are known
    PAR_HAS_RESULT = 2,
    PAR_IS_VOID = 4,
    PAR_RETURNED = 8,       // the call came back (or the log cannot say)
    PAR_IS_MISSING = 16,    // the export is absent in that engine, or part of it
    PAR_WAITS = 32,         // it entered a wait
    PAR_WAIT_INFINITE = 64,
    PAR_BEFORE_CREATE = 256,    // first call of a thread that nobody had created yet
    PAR_SIGNALLED = 512,        // its object was signalled after the wait began, and it did not come back
    PAR_OVERDUE = 1024,         // its timeout passed, and it did not come back
    PAR_WOKE = 2048,            // a wait that was satisfied: sets_begin, sets_end and wakes are known
    PAR_AUTO = 4096,            // each signal of its object wakes one wait (auto-reset event, semaphore)
    PAR_MANUAL = 8192,          // its object stays signalled (manual-reset event, thread)
};

// Values lie behind it: arguments, the result, then pairs. Then the text of the first resolved argument.
struct par_record {
    uint32_t bytes; // of the whole record, a multiple of 8
    uint32_t call;  // in par_shared.names
    uint32_t lr;
    uint16_t flags;
    uint8_t arg_count, pair_count;
    uint64_t index;     // of its first event in its thread, counted as the lab counts
    uint64_t line;      // par_event.index of the call
    uint64_t raw_index; // tid_event_idx of the call
    uint64_t ns;
    uint64_t key;       // hash of name and canonical arguments
    uint64_t text_hash; // of resolved text, 0: none
    uint64_t garbage_hash; // of what may be uninitialised: values behind pointers before the call, leftover registers
    uint32_t sets_begin, sets_end, wakes; // signals of its object before the wait began and ended; waits satisfied before this one
    uint32_t stack[PAR_MAX_STACK]; // return addresses behind lr, innermost first
    uint8_t stack_count, garbage_count;
    uint8_t proof; // waits so far that found no signal left over and waited for the next: its object is reset by each wake
    uint16_t text_length;
    uint8_t text_arg;
    uint8_t pair_args[PAR_MAX_PAIRS + 5];
};

static inline struct par_value *par_args(struct par_record *r)
{
    return (struct par_value *)(void *)(r + 1);
}

static inline const struct par_value *par_args_of(const struct par_record *r)
{
    return (const struct par_value *)(const void *)(r + 1);
}

static inline const struct par_value *par_result_of(const struct par_record *r)
{
    return par_args_of(r) + r->arg_count;
}

static inline const struct par_value *par_pairs_of(const struct par_record *r)
{
    return par_args_of(r) + r->arg_count + 1;
}

static inline const char *par_text_of(const struct par_record *r)
{
    return (const char *)(par_pairs_of(r) + r->pair_count);
}

enum { PAR_RECORD_TEXT = 200,
       PAR_RECORD_MAX = sizeof(struct par_record) + (PAR_MAX_ARGS + 1 + PAR_MAX_PAIRS) * sizeof(struct par_value) + PAR_RECORD_TEXT + 8 };

// ---- What both logs share: names of calls with their rows, and threads by what they are.

struct par_call_name {
    char *text;
    uint64_t hash;
    const struct exp_row *row; // NULL: unknown
    uint8_t allocator;         // enum par_allocator
    uint8_t free_arg;          // 1 + argument whose address is freed, 0: frees nothing
    uint8_t size_arg;          // 1 + argument that is the size in bytes
    bool waits, signals;       // on its first argument
    uint8_t result_mask, behind_mask; // 1 + rule that masks the result, what is behind behind_arg
    uint8_t behind_arg;
    uint8_t told; // bit 0: the reference's log names it, bit 1: ours does; only looked at where that log is a text log
    uint8_t count_arg; // 1 + argument that is the number of signals, 0: one
};

enum par_allocator { PAR_NO_ALLOCATOR, PAR_ALLOCATES_RESULT, PAR_ALLOCATES_BEHIND }; // r3; *argument (address_arg)

struct par_slot {
    uint64_t key;
    bool is_main, is_host;
    const char *matched_by;
    uint32_t entry;
    unsigned ordinal;
    uint16_t creator;
};

struct par_shared {
    struct par_call_name *names;
    size_t name_count, name_capacity;
    uint32_t *name_slots;
    size_t name_slot_count;
    struct par_slot *slots;
    size_t slot_count, slot_capacity;
    bool by_first_call; // one log does not tell who made its threads
    unsigned unit; // events a call takes: 3, or 1 for bare lines
    uint64_t rules_off;
};

enum { PAR_NO_SLOT = 0xFFFF };

uint32_t par_shared_name(struct par_shared *s, const char *name); // UINT32_MAX without memory
uint16_t par_shared_slot(struct par_shared *s, const struct par_slot *wanted); // by key, made when new; PAR_NO_SLOT
void par_shared_free(struct par_shared *s);

// ---- Records of one thread that wait to be compared: first in, first out. What is too much goes to a temporary file.

struct par_queue {
    uint8_t *data;
    size_t head, tail, capacity; // bytes in memory: [head, tail)
    int spill;                   // file, -1: none
    uint64_t spill_read, spill_write; // bytes: older than nothing in memory but newer than [head, tail)
    size_t count;                // records, all
    size_t in_memory;            // records in [head, tail)
};

bool par_queue_push(struct par_queue *q, const struct par_record *r);
const struct par_record *par_queue_at(struct par_queue *q, size_t offset_bytes); // in memory; NULL behind the last
// Makes at least `records` lie in memory if there are so many. False without memory.
bool par_queue_load(struct par_queue *q, size_t records);
void par_queue_pop(struct par_queue *q);
void par_queue_free(struct par_queue *q);
static inline const struct par_record *par_queue_head(const struct par_queue *q)
{
    return q->head < q->tail ? (const struct par_record *)(const void *)(q->data + q->head) : NULL;
}
