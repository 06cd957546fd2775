// diff.h: the comparison of two logs while it runs. Internal to parity/.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parity/log.h"
#include "parity/map.h"
#include "parity/parity.h"
#include "parity/record.h"

struct par_history { // the last records of one side, copies
    uint8_t *rows[PAR_BEFORE];
    size_t sizes[PAR_BEFORE];
    unsigned next, count;
};

enum { PAR_TAILS = 24 };

struct par_tail {
    size_t listed;                // in par_result.divergences
    uint64_t reference_from, from; // index of the first call behind it on each side
};

struct par_pairing { // one thread in both logs
    uint64_t reference_at, at;         // index of the next event of each
    uint64_t reference_raw, raw;       // tid_event_idx of the last record taken
    struct par_history reference_before, before;
    uint64_t matched, matched_by_ordinal;
    bool diverged, diverged_by_ordinal;
    uint64_t first_reference_raw, first_raw;
    size_t first;
    uint64_t divergences;
    bool prefix;
    bool stuck; // our log ends inside a call, which is told
    struct par_tail tails[PAR_TAILS]; // divergences whose calls behind are still to come
    unsigned tail_count;
};

enum { PAR_JITTER_VALUES = 8 };

struct par_jitter_row {
    uint64_t key;
    char what[160];
    uint64_t count, used;
    uint64_t low, high; // of a length; high: the farthest move, in calls
    // Values that were seen, while they are few and of a small kind: another one is outside of the envelope.
    uint64_t values[PAR_JITTER_VALUES];
    unsigned value_count;
    bool any_value;
};

struct par_diff {
    struct par_shared shared;
    struct par_log a, b; // reference, ours
    const struct par_options *options;
    struct par_result *result;
    struct par_pairing *pairings; // by slot
    size_t pairing_count;
    size_t window;
    struct par_map kernel, kernel_back; // reference's address -> ours, and back
    struct par_map lifetimes;           // objects and allocations: reference's -> ours, and back
    struct par_map groups;              // cause -> divergence + 1
    struct par_jitter_row *jitter;
    size_t jitter_count, jitter_capacity;
    bool learning;  // the two are runs of the reference: what differs is jitter
    bool pace;      // the two runs have taken different whole seconds
    bool rebuilt;   // and the text that titles rebuild each second was rebuilt in one of them
    struct { uint64_t second; unsigned calls; } rebuilds[2]; // calls excused in the last second of each run's own clock
    uint16_t slot;  // being compared
    uint64_t sites_equal, sites_different; // pairs with equal and different return addresses
    bool no_memory;
    size_t listed_capacity;
    const struct par_record **rows_a, **rows_b; // views of the queues
    uint8_t *steps;                             // of the edit script's table
};

// ---- fields.c: one pair of records

// True: nothing differs but what rules tolerate. `report`: count, and emit a divergence for each field that differs.
bool par_same_record(struct par_diff *d, const struct par_record *a, const struct par_record *b, bool report);

// ---- words.c

char *par_show_record(const struct par_diff *d, const struct par_record *r, bool ours);
char *par_show_value(const struct par_diff *d, const struct par_record *r, const struct par_value *v, enum exp_type type);
char *par_format(const char *format, ...) __attribute__((format(printf, 1, 2))); // malloc'd, NULL without memory
const char *par_status_name(uint32_t status); // NULL: no name known
bool par_type_of_field(const struct par_diff *d, const struct par_record *r, const char *field, enum exp_type *out);

// ---- emit.c: divergences

struct par_finding {
    enum par_class class;
    enum par_rule rule;
    bool tolerated;
    const char *field;
    unsigned event; // 0 the call itself, 1 its arguments, 2 its result
    const struct par_record *a, *b;
    const struct par_value *va, *vb;
    enum exp_type type;
    char *why; // owned by the finding
};
void par_emit(struct par_diff *d, struct par_finding *f);
void par_count_rule(struct par_diff *d, enum par_rule rule, const struct par_record *a, const char *field,
                    const struct par_value *va, const struct par_value *vb);
// Whether jitter of the reference, or a rule, excuses a call that only one side makes.
bool par_is_floating(struct par_diff *d, const struct par_record *r, bool ours, bool count);
// Whether the reference's own runs differ in this field; with a value: also in having this one.
bool par_in_envelope(struct par_diff *d, const struct par_record *a, const char *field, const struct par_value *ours, bool count);
// Whether this call moves among others in the reference's own runs, and as far. `crossed`: the calls between its two places.
bool par_may_move(struct par_diff *d, const struct par_record *r, const struct par_record *const *crossed, size_t count);
void par_learn_move(struct par_diff *d, const struct par_record *r, const struct par_record *const *crossed, size_t count);
// A call goes out of its queue: divergences before it may still want to show it.
void par_show_behind(struct par_diff *d, const struct par_record *r, bool ours);

// ---- align.c

// Brings the two queues of a thread to the next place where they agree again. False: more input is needed.
bool par_resolve(struct par_diff *d, struct par_queue *a, struct par_queue *b, bool final);
void par_take_pair(struct par_diff *d, struct par_queue *a, struct par_queue *b);    // heads are one call
void par_take_one(struct par_diff *d, struct par_queue *q, bool ours);               // a head that only one side has
// Calls from different places of the title are not the same call; unless the two engines mean different things by `lr`.
static inline bool par_same_site(const struct par_diff *d, const struct par_record *a, const struct par_record *b)
{
    return a->lr == b->lr || !a->lr || !b->lr || d->sites_different * 4 > d->sites_equal;
}
static inline bool par_rule_on(const struct par_diff *d, enum par_rule r)
{
    return !(d->shared.rules_off >> r & 1);
}
