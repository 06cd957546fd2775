// trace.h: the event model: what is recorded of a run, and the log files that hold it.
// Life: trace_create, trace_emit for each event, trace_close. A NULL writer is allowed everywhere and costs one test.
// Threads: one writer thread. Readers are independent objects.
// Determinism: nothing of the host (time, addresses, order) goes into an event or the header.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum trace_kind {
#define EVENT(id, name, fields, note) TRACE_##id,
#include "trace/events.def"
#undef EVENT
    TRACE_KIND_COUNT
};

enum { TRACE_MAX_FIELDS = 64, TRACE_MAX_TEXTS = 8, TRACE_MAX_TEXT_BYTES = 65535 };

// One callable export; TRACE_CALL and TRACE_RETURN name it by its index in the table given to trace_create.
struct trace_export {
    const char *module; // "xboxkrnl.exe"
    const char *name;
    uint16_t ordinal;
    uint8_t arg_count;     // typed arguments; a call event has that many fields after the export's index
    uint64_t wide_args;    // bit n: argument n is 64 bits wide
    bool returns_void;     // r3 is whatever was there
    bool returns_time;     // the result is a time, not comparable
    bool unimplemented;    // state absent
};

// Where and when: common to all events.
struct trace_where {
    uint32_t tid;   // guest thread id (KTHREAD+0x14C); 0 = the machine itself
    uint32_t hw;    // hardware thread, 0 to 5
    uint64_t cycle; // virtual time, cycles of 3.2 GHz
    uint32_t lr;    // guest return address of a call, else 0
};

// What handles name: TRACE_OBJECT_EVENT and so on, the numbers that handle.create and handle.destroy carry.
enum trace_object_type {
#define OBJECT_TYPE(id, number, name) TRACE_OBJECT_##id = number,
#include "trace/object_types.def"
#undef OBJECT_TYPE
};

struct trace_text {
    uint8_t field;    // calls: which argument it resolves; other kinds: which text of events.def (the k-th ":text" field, from 0)
    const char *text; // UTF-8, for people and for matching (a path, a string, a symbol); cut after TRACE_MAX_TEXT_BYTES
};

struct trace_event {
    enum trace_kind kind;
    struct trace_where where;
    // Index in its thread's stream, from 0, as schema v1 counts: a call takes two (import.call, then kernel.call, whose index
    // this is), everything else one. Set by writer and reader.
    uint64_t tid_index;
    uint64_t index;     // global index, from 0; set by writer and reader
    unsigned count;
    // Calls: [0] export index, [1..arg_count] arguments, then pairs (argument number, value behind the pointer before the call).
    // Returns: [0] export index, [1] whole r3, then pairs (argument number, value behind the pointer after the call).
    // Other kinds: the fields that events.def names, in order; kinds whose last field ends in "..." repeat it.
    uint64_t fields[TRACE_MAX_FIELDS];
    unsigned text_count;
    struct trace_text texts[TRACE_MAX_TEXTS];
};

struct trace; // a writer

struct trace_header {
    const char *title;       // file name of the title
    const char *const *keys; // key, value, key, value..., NULL: every input by hash, configuration, build
};

// Opens a log. A path that ends in ".jsonl" gives JSON Lines of schema v1, anything else the binary form.
// `exports` must outlive the writer.
bool trace_create(struct trace **out, const char *path, const struct trace_export *exports, size_t export_count,
                  const struct trace_header *header, struct error *err);

// Appends one event. A write failure (disk full) is remembered and reported by trace_close; the run goes on.
void trace_emit(struct trace *t, const struct trace_event *event);

// The usual case: fields only. `where->lr` is kept.
void trace_emit_fields(struct trace *t, enum trace_kind kind, const struct trace_where *where, const uint64_t *fields, unsigned count);

// Puts everything so far on disk (closes the chunk), for a reader that looks while the title runs. Costs a chunk: call it rarely.
void trace_flush(struct trace *t);

// Events so far.
uint64_t trace_count(const struct trace *t);

// Writes what is pending, the index and the trailer. Fails with ERR_IO when anything was lost. Frees `t`. NULL is allowed.
bool trace_close(struct trace *t, struct error *err);
