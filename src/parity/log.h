// log.h: one log on its way to comparison: events go in, records of each thread come out. Internal to parity/.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parity/map.h"
#include "parity/parity.h"
#include "parity/record.h"

enum { PAR_NESTED = 8, PAR_WAIT_OBJECTS = 8 }; // calls inside calls: APCs, interrupts on a thread's back

struct par_open_call {
    struct par_record *record; // PAR_RECORD_MAX bytes
    uint64_t wait_timeout;     // 100 ns, all ones: infinite
    uint64_t wait_ns;
    uint64_t wakes_begin; // of its object
    bool in_wait, woken; // woken: its wait ended, sets_end is taken
    uint32_t objects[PAR_WAIT_OBJECTS]; // of wait.begin
    uint8_t object_count;
    bool any;
};

struct par_row { // a thread of this log
    uint32_t tid;
    uint16_t slot;
    bool created, has_calls;
    uint32_t creator_tid;
    uint32_t kthread, pcr, stack_base, stack_limit;
    uint64_t calls, next_index, last_raw_index;
    uint64_t total; // events as the lab counts them
    uint32_t handle;      // of the thread object, 0: unknown
    uint32_t last_missing; // 1 + name of the export that was missing, until its call's record takes it
    uint32_t lazy_handle; // the first one that was made for it at a guest object's first use
    struct par_open_call open[PAR_NESTED];
    unsigned depth;
    struct par_queue queue;
};

struct par_object { // behind a raw handle, now
    uint16_t thread;
    uint8_t type;
    uint8_t unseen : 2; // 1: made for a guest KEVENT, 2: of the engine's own
    uint8_t alive : 1;
    uint8_t doubtful : 1; // the number was given out while it was in use: two threads' events came in another order
    uint32_t ordinal;
};
_Static_assert(sizeof(struct par_object) == sizeof(uint64_t), "packed into a map's value");

struct par_allocation {
    uint32_t base, size;
    uint32_t name, ordinal;
    uint16_t thread;
    bool freed;
};

struct par_allocations {
    struct par_allocation *rows; // by base, without overlap
    size_t count, capacity;
};

struct par_sync { // what is known of an object that threads wait for
    uint64_t sets, wakes;
    uint32_t proof; // par_record.proof; of objects whose kind no call tells
    bool each, stays; // one wait a signal; signalled for good
};

struct par_log {
    struct par_reader *reader;
    struct par_shared *shared;
    const char *path;
    enum par_form form;
    uint64_t frames_wanted, frames, events, calls;
    uint64_t first_ns, last_ns, swap_ns;
    bool ended, has_handles;
    struct par_row **rows;
    size_t row_count, row_capacity;
    struct par_map row_by_tid;  // tid + 1 -> row + 1
    struct par_row **by_slot;
    size_t by_slot_count;
    uint32_t *names;            // reader's call number -> shared name
    size_t name_count;
    struct par_map objects;     // raw handle -> struct par_object
    struct par_map counters;    // what is counted per thread: hash -> next ordinal
    struct par_map sync_by_object; // raw object -> sync + 1
    struct par_sync *syncs;
    size_t sync_count, sync_capacity;
    uint8_t told_bit; // names of calls must have it to be compared: the other log's text form does not tell all
    uint64_t untold;
    struct par_allocations pages, blocks;
    uint64_t lazy_handles;
    char exit[128];
    // Allocations by region of the address map, for the report.
    struct { uint64_t count, bytes; } regions[32];
    bool no_memory;
};

bool par_log_open(struct par_log *log, const char *path, struct par_shared *shared, uint64_t frames, struct error *err);
void par_log_close(struct par_log *log);
// Reads at least `events` events. False at the end: then every thread's last, unreturned calls are in the queues too.
bool par_log_pump(struct par_log *log, unsigned events);
struct par_row *par_log_row(const struct par_log *log, size_t slot); // NULL: no such thread here
