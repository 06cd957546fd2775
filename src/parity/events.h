// events.h: event logs of any engine and form as one stream of events.
// Forms: our binary log, JSON Lines of schema v1, bare lines {idx, call, payload}, text logs of xenia and xenia-canary; the
// text forms plain, gzip or zstd. Files and pipes; memory does not grow with the log (but for a binary log from a pipe).
// Life: par_open, par_next until false, par_close. Damage is counted, never fatal.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "trace/reader.h"
#include "trace/trace.h"

enum par_form { PAR_BINARY, PAR_SCHEMA_V1, PAR_BARE, PAR_TEXT, PAR_FORM_COUNT };
const char *par_form_name(enum par_form f); // "binary", "schema v1", "bare lines", "text log"

enum { PAR_MAX_ARGS = 32, PAR_MAX_PAIRS = 16, PAR_MAX_FIELDS = 64 };

struct par_pair {
    uint8_t arg;
    uint64_t value; // behind the pointer
};

// One event. Pointers are good until the next call on the reader, `name` until it closes.
struct par_event {
    enum trace_kind kind; // TRACE_KIND_COUNT: a kind of the other engine, or schema v1's import.call (see `import`)
    bool import;          // import.call
    uint32_t tid;
    uint64_t index;       // global, from 0 (binary); line number, from 1 (text forms)
    uint64_t tid_index;   // as schema v1 counts
    uint64_t ns;          // on the log's own clock: guest_cycle where there is one, else host_ns
    uint32_t lr;
    // Calls and returns
    uint32_t call;        // number of the name in this log, from 0
    const char *name;     // "NtClose"; "" for other kinds
    uint16_t ordinal;
    bool unimplemented, is_void, has_result;
    bool args_unknown;      // calls: the log does not tell its arguments
    unsigned garbage_count; // calls: values that may be uninitialised, and their hash
    uint64_t garbage_hash;
    unsigned stack_count;   // calls: return addresses behind lr, innermost first
    uint32_t stack[8];
    unsigned count;       // of fields
    // Calls: typed arguments. Returns: [0] r3. Others: as events.def says, absent ones 0.
    uint64_t fields[PAR_MAX_FIELDS];
    unsigned pair_count;  // returns only: values behind pointers after the call
    struct par_pair pairs[PAR_MAX_PAIRS];
    unsigned text_count;
    struct trace_text texts[TRACE_MAX_TEXTS]; // resolved arguments; names, words
};

struct par_reader;

struct par_log_info {
    enum par_form form;
    const char *engine, *title;
    uint64_t bytes, position; // of the file, 0 for a pipe; read so far
    uint64_t bad, first_bad;  // lines (number from 1) or chunks (byte offset) that are none
    const char *first_bad_text;
    uint64_t messages;        // text logs: lines that are no calls, lawful
    bool truncated;
    size_t key_count;
    const char *const *keys;  // pairs
};

// "-": standard input. Fails when there is nothing to read or the form is none of the four.
bool par_open(struct par_reader **out, const char *path, struct error *err);
void par_close(struct par_reader *r); // NULL is allowed
bool par_next(struct par_reader *r, struct par_event *out);
void par_watch(struct par_reader *r, const struct trace_watch *watch); // as trace_reader_watch
struct par_log_info par_info(const struct par_reader *r);
