// wedge.h: who waits for whom at one point of a run, what became of the objects they wait for, and who could still give it.
// Works on the events of a log of any engine. Life: par_wedge_read makes a model, par_wedge_judge finds what is stuck in it;
// par_wedge_free. Threads: independent values. Document: docs/wedge.md.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "trace/reader.h"

enum par_wedge_act {
#define ACT(id, words, gives) PAR_ACT_##id,
#include "parity/wedge_acts.def"
#undef ACT
    PAR_ACT_COUNT
};
const char *par_wedge_act_words(enum par_wedge_act a);
bool par_wedge_act_gives(enum par_wedge_act a); // it can end a wait

// One thing that happened to an object.
struct par_wedge_entry {
    enum par_wedge_act act;
    bool in_interrupt;
    uint32_t source;  // of that interrupt: 0 vblank, 1 command processor
    uint32_t tid, lr; // lr 0: unknown
    uint32_t waiters; // a signal: threads that waited at that moment
    uint32_t value;   // previous state, status, count
    uint64_t index, cycle;
    const char *call; // "" when outside of one
};

// The same act by the same thread from the same place, counted.
struct par_wedge_site {
    struct par_wedge_entry first, last;
    uint64_t count;
};

enum { PAR_NOT_KNOWN = -1 };

// One lifetime of a handle, or of a dispatcher header or lock in the title's memory.
struct par_wedge_object {
    char name[48];      // "Event#main.3": type, creating thread, number among that thread's objects of the type
    char creator[24];   // key of that thread
    const char *type;   // "Event", "CriticalSection", ...
    uint32_t handle;    // handle or guest address, as the log names it
    uint32_t address;   // guest address, 0: unknown
    bool alive;
    int automatic;      // 1 auto reset, 0 manual reset, PAR_NOT_KNOWN
    int initial;        // state at creation, PAR_NOT_KNOWN
    unsigned ordinal;
    uint32_t owner;     // mutants and locks: thread id, 0 free
    uint32_t depth;
    struct par_wedge_entry owned_since;
    uint32_t thread;    // a thread object: its id
    bool armed, periodic; // timers
    struct par_wedge_entry created;
    uint64_t waits, gives, takes, lost; // lost: set while it was set already, or reset or pulsed with nobody waiting
    struct par_wedge_entry *entries;    // the first and last PAR_WEDGE_KEPT / 2
    size_t entry_count, entry_total;
    struct par_wedge_site *sites;
    size_t site_count;
};
enum { PAR_WEDGE_KEPT = 2048, PAR_WEDGE_TARGETS = 64 };

struct par_wedge_thread {
    uint32_t tid, entry, creator, kthread;
    char key[24]; // "main", "main/0": creator's key and number among its threads; "host2"
    bool guest, main, started, ended;
    unsigned suspended;
    unsigned children;
    uint64_t exit_index;
    uint32_t exit_code;
    bool waiting, all, timed, sleeping; // sleeping: no object
    uint64_t timeout;                   // as the log has it
    struct par_wedge_entry wait;        // where it began
    size_t targets[PAR_WEDGE_TARGETS];  // in objects
    unsigned target_count;
    unsigned wait_number;               // how many waits of this thread on the first target, this one included
    bool spins;                         // waits for a spin lock
    struct par_wedge_entry last_call;   // the call it is in, or was in last
    bool in_call;
    bool in_interrupt;
    uint32_t source;
    uint32_t pc, lr;                    // at the end of the log, 0: unknown
};

struct par_wedge_model {
    char engine[24], title[64], exit[128];
    uint64_t at, cycle, events; // index and time of the last event looked at
    bool whole;                 // up to the end of the log
    struct par_wedge_thread *threads;
    size_t thread_count;
    struct par_wedge_object *objects; // every lifetime
    size_t object_count;
    uint32_t callback;          // the title's graphics callback, 0: none
    struct par_wedge_entry callback_set;
    uint64_t interrupts[2];     // by source
    void *private;
};

enum par_wedge_cause {
#define CAUSE(id, name, meaning) PAR_CAUSE_##id,
#include "parity/wedge_causes.def"
#undef CAUSE
    PAR_CAUSE_COUNT
};
const char *par_wedge_cause_name(enum par_wedge_cause c);
const char *par_wedge_cause_meaning(enum par_wedge_cause c);

struct par_wedge_stuck {
    size_t thread, object; // in the model; object SIZE_MAX: none
    enum par_wedge_cause cause;
    bool wedged;           // false: it waits, and that is lawful
    char why[512];
    // The same wait in the reference, SIZE_MAX: not found
    size_t reference_object, reference_thread;
    char reference[512];   // what ended it there, and where that thread is now here; "" without a reference
};

struct par_wedge_verdict {
    bool wedged;
    struct par_wedge_stuck *stuck; // one for each waiting guest thread, wedged ones first
    size_t stuck_count;
    size_t (*cycles)[16]; // threads, each waits for what the next one owns; ends with SIZE_MAX
    size_t cycle_count;
};

// Reads the log up to the event with global index `at` (UINT64_MAX: all). `keep`: the object whose history is kept whole, 0 none.
bool par_wedge_read(struct par_wedge_model *out, const char *path, uint64_t at, uint32_t keep, const struct trace_watch *watch, struct error *err);
void par_wedge_free(struct par_wedge_model *m);

// `reference` may be NULL.
bool par_wedge_judge(struct par_wedge_verdict *out, const struct par_wedge_model *m, const struct par_wedge_model *reference,
                     struct error *err);
void par_wedge_verdict_free(struct par_wedge_verdict *v);

// The thread or object of another run that was made in the same way, or SIZE_MAX.
size_t par_wedge_same_thread(const struct par_wedge_model *in, const struct par_wedge_thread *t);
size_t par_wedge_same_object(const struct par_wedge_model *in, const struct par_wedge_object *o);
size_t par_wedge_thread_by_tid(const struct par_wedge_model *m, uint32_t tid);
// "waits for Event#main.1 since 45", "ended at 77", "runs; last call NtSetEvent at 12 from 0x82010000"
void par_wedge_where(const struct par_wedge_model *m, const struct par_wedge_thread *t, char *out, size_t size);
