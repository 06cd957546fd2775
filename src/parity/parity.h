// parity.h: the parity lab: reads event logs of any engine, finds where two runs of one title truly differ, and says why.
// Life: par_compare makes a struct par_result that owns everything in it; par_result_free. Readers are independent.
// Threads: one thread for one reader or one comparison. Nothing here prints.
// Documents: docs/parity.md (rules, classes, JSON).
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "exports/exports.h"
#include "parity/events.h"

// ---- Vocabulary

enum par_class {
#define CLASS(id, name, meaning, next) PAR_##id,
#include "parity/classes.def"
#undef CLASS
    PAR_CLASS_COUNT
};
const char *par_class_name(enum par_class c);    // "beta"
const char *par_class_meaning(enum par_class c); // one sentence
const char *par_class_next(enum par_class c);    // what to do about it

enum par_rule {
#define RULE(id, name, does, why) PAR_RULE_##id,
#include "parity/rules.def"
#undef RULE
    PAR_RULE_COUNT
};
const char *par_rule_name(enum par_rule r); // "sign-extension"
const char *par_rule_does(enum par_rule r); // one sentence
const char *par_rule_why(enum par_rule r);
bool par_rule_by_name(const char *name, enum par_rule *out);

// ---- The question

struct par_options {
    uint64_t rules_off;   // bit r: rule r is not used
    bool by_ordinal;      // a wrong region (beta) is listed but does not end the matched prefix, as address drift never does
    uint64_t frames;      // 0, or both logs end at the return of this VdSwap
    size_t window;        // calls looked ahead for resynchronisation; 0: PAR_WINDOW
    size_t max_listed;    // divergences kept with evidence; 0: PAR_LISTED. All are counted.
    void (*progress)(void *user, uint64_t events, uint64_t bytes, uint64_t total_bytes); // NULL: none; total 0: unknown
    void *user;
};
enum { PAR_WINDOW = 4096, PAR_LISTED = 400, PAR_BEFORE = 10, PAR_EXAMPLES = 3, PAR_ALSO = 16 };

// ---- The answer

// One call as it is shown: text made for people, numbers for machines.
struct par_shown {
    uint64_t index; // of the call's first event in its thread's stream: three a call (bare lines: one)
    uint64_t line;  // line of the file (text forms), global event index (binary)
    uint32_t lr;    // guest return address, 0: unknown
    char *text;     // "NtClose(File#6.3) = 0x00000000"; handles by lifetime, addresses raw
    uint32_t stack[9]; // return addresses, innermost (lr) first, as far as the log tells them
    unsigned stack_count;
};

struct par_divergence {
    enum par_class class;
    enum par_rule rule;      // the rule that tolerates it; PAR_RULE_COUNT: none
    bool tolerated;          // listed, but no divergence: address drift (alpha), jitter of the reference
    size_t thread;           // in par_result.threads
    uint64_t reference_index, index; // events of that thread, from 0; of the field that differs
    char *call;              // name of the export
    char field[24];          // "name", "arg0", "r3", "*arg1" (behind the pointer, after the call), "wait", "call"
    bool has_values;
    uint64_t reference_value, value;
    char *reference_words, *words; // the values as people read them: region, lifetime, status name
    char *why;               // one sentence: the evidence
    const char *next;        // one sentence: what to do next
    uint64_t count;          // times the same cause was seen (same class, call, field, call site), this one included
    uint64_t also[PAR_ALSO];  // reference's indices of the next few times
    unsigned also_count;
    struct par_shown reference, ours;                            // .text NULL: no such call on that side
    struct par_shown reference_before[PAR_BEFORE], before[PAR_BEFORE]; // the calls before, oldest first
    unsigned reference_before_count, before_count;
    struct par_shown reference_after[PAR_BEFORE], after[PAR_BEFORE]; // and behind
    unsigned reference_after_count, after_count;
};

struct par_thread {
    bool in_reference, in_ours, is_main, is_host; // host: interrupts and the machine's own; compared as a prefix
    uint32_t reference_tid, tid;
    uint32_t entry, creator;     // entry point; creator's tid in the reference (ours, when only there)
    unsigned ordinal;            // among its creator's threads, from 0
    char matched_by[24];         // "main", "creation", "entry", "tid", "first call", "none"
    uint64_t matched;            // events before the first true divergence
    uint64_t reference_total, total;
    uint64_t reference_raw, raw; // tid_event_idx of the place where `matched` ends
    size_t first;                // index in divergences of the first true one; SIZE_MAX: none
    bool prefix;                 // one stream is longer and that is lawful
    uint64_t divergences;        // true ones
};

struct par_rule_count {
    uint64_t count;
    unsigned example_count;
    char *examples[PAR_EXAMPLES]; // "NtClose arg0 at 364: 0xf8000020 / 0xf8000014, both File#6.1"
};

struct par_input {
    const char *form;
    char *path, *engine, *title; // form: "binary", "schema v1", "bare lines", "text log"
    uint64_t events, calls, bytes;
    uint64_t frames;      // swaps
    double seconds;       // of its own clock at the last swap
    uint64_t bad;         // lines or chunks that are none
    uint64_t first_bad;   // line number, from 1, or byte offset
    char first_bad_text[96];
    uint64_t messages;    // lines of a text log that are no calls
    bool truncated;
    char exit[128];       // why the run ended, "" unknown
    size_t key_count;     // header: every input by hash
    char **keys;          // key, value, ...
};

struct par_region_use { // allocations by region, both logs
    const char *region; // "vA0000000", "none"
    const char *kind;   // "physical"
    uint32_t page;
    bool gpu_visible;
    uint64_t reference_count, count, reference_bytes, bytes;
};

struct par_jitter { // what varies among the reference's own runs
    char what[160]; // "VdSwap arg0 from 0x820721c8", "KeTlsGetValue from 0x...: calls more or fewer"
    uint64_t count;
    uint64_t used; // times it excused a difference of ours
};

struct par_coverage {
    uint64_t compared, equal, masked, unknown; // fields: equal of compared; masked by a rule; in one log only
};

struct par_result {
    uint64_t matched_prefix;         // events of the main thread before the first true divergence
    uint64_t matched_by_ordinal;     // the same with wrong regions set aside
    bool same;
    size_t main_thread;              // in threads; SIZE_MAX: none
    struct par_thread *threads;
    size_t thread_count;
    struct par_divergence *divergences; // in order of the reference's log, main thread's first one first
    size_t divergence_count;
    uint64_t by_class[PAR_CLASS_COUNT]; // all true ones, listed or not
    struct par_rule_count rules[PAR_RULE_COUNT];
    struct par_coverage coverage;
    struct par_input *inputs;        // the references, then ours
    size_t input_count;
    struct par_region_use *regions;
    size_t region_count;
    struct par_jitter *jitter;
    size_t jitter_count;
    uint64_t events_compared;
    double missed_half;              // chance that something which varies in half of the reference's runs was not seen to vary
    bool fast;                       // decided by comparing encoded events
    size_t window;
};

// Compares `ours` with an envelope of `reference_count` runs of the reference (1: with that run). "-" is standard input, once.
// False: a log cannot be read at all; *out is NULL then.
bool par_compare(struct par_result **out, const char *const *references, size_t reference_count, const char *ours,
                 const struct par_options *options, struct error *err);
void par_result_free(struct par_result *r);

void par_write_json(FILE *out, const struct par_result *r); // docs/parity.md, "JSON"
void par_write_text(FILE *out, const struct par_result *r); // ten lines, then the divergences

// ---- State at entry

struct par_state_difference {
    char where[96];
    char reference[128], ours[128];
    bool expected; // run-dependent or host-only by its nature
};
struct par_state_result {
    struct par_state_difference *rows;
    size_t count, unexpected;
};
// Whether a file is an entry state rather than a log.
bool par_is_entry_state(const char *path);
bool par_compare_states(struct par_state_result *out, const char *reference, const char *ours, struct error *err);
void par_state_free(struct par_state_result *r);
