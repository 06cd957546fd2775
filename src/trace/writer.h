// writer.h: what the two forms of a log share while it is written. Internal to trace/.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zstd.h>

#include "base/error.h"
#include "trace/buffer.h"
#include "trace/schema.h"
#include "trace/tids.h"
#include "trace/trace.h"

// An event's parts without their container; `fields` and `texts` belong to the caller.
struct trace_parts {
    enum trace_kind kind;
    const struct trace_where *where;
    const uint64_t *fields;
    unsigned count;
    const struct trace_text *texts;
    unsigned text_count;
    const uint64_t *tid_index; // the index that it keeps; NULL: the next of its thread
};

// A form of log. Each returns false when the event or the file is lost; the reason is in the writer's `failure`.
struct trace_form {
    bool (*begin)(struct trace *t, const struct trace_header *header);
    bool (*event)(struct trace *t, const struct trace_parts *parts); // appends to `raw`, whole or not at all
    bool (*flush)(struct trace *t);                                  // puts `raw` into the file
    bool (*finish)(struct trace *t);
};
extern const struct trace_form trace_form_binary, trace_form_jsonl;

struct trace_chunk_place {
    uint64_t offset, first_index;
};

struct trace {
    const struct trace_form *form;
    int fd;
    const struct trace_export *exports;
    size_t export_count;
    struct trace_kind_info kinds[TRACE_KIND_COUNT];
    struct trace_tids tids;
    struct trace_buffer raw, stored;
    uint64_t count;         // events given to trace_emit
    uint64_t pending;       // of these, not yet in the file
    uint64_t lost;          // of these, lost by a failure
    uint64_t file_bytes;    // whole writes so far
    struct error failure;   // the first one
    // Binary form only.
    ZSTD_CCtx *zstd;
    struct trace_where last; // the event before, in this chunk
    struct trace_chunk_place *places;
    size_t place_count, place_capacity;
};

// Opens a log on a descriptor, which it then owns. trace_create is the public way in.
bool trace_start(struct trace **out, int fd, const struct trace_form *form, const struct trace_export *exports,
                 size_t export_count, const struct trace_header *header, struct error *err);

// Appends one event given in parts.
void trace_emit_parts(struct trace *t, const struct trace_parts *parts);

// The index of an event in its thread's stream, counted by `row`, which moves on.
uint64_t trace_take_index(struct trace_tid *row, const struct trace_parts *parts);

// Writes all of it, or cuts the file back to where it was and remembers the failure.
bool trace_write(struct trace *t, const void *data, size_t size);

// Remembers that the host has no memory. Returns false.
bool trace_no_memory(struct trace *t);
