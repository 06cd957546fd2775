// raw.h: the events of a binary log as they are encoded: two logs that agree are compared without decoding them.
// Life and threads: as trace/reader.h; a reader is read either this way or by trace_reader_next, not both.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/reader.h"

struct trace_raw {
    unsigned number;       // of the kind, as the log stores it
    uint32_t tid, lr;
    const uint8_t *body;   // count of fields, fields, texts; good until the next call
    size_t size;           // bytes
};

// The next event. False at the end, and for a log that is not binary.
bool trace_raw_next(struct trace_reader *r, struct trace_raw *out);

// Whether both readers stand at the start of chunks that are stored alike, byte for byte.
bool trace_raw_same_chunk(struct trace_reader *a, struct trace_reader *b);
// Goes behind the chunk that starts here.
void trace_raw_skip_chunk(struct trace_reader *r);

// Bytes of the file read so far.
uint64_t trace_raw_offset(const struct trace_reader *r);

// Global index of the next event.
uint64_t trace_reader_position(const struct trace_reader *r);

// Whether two logs number kinds and exports alike, so that equal bodies are equal events.
bool trace_raw_same_tables(const struct trace_reader *a, const struct trace_reader *b);

// Our kind of a number; TRACE_KIND_COUNT: none.
enum trace_kind trace_raw_kind(const struct trace_reader *r, unsigned number);
// The fields of a body, at most `most`; their number.
unsigned trace_raw_fields(const struct trace_raw *raw, uint64_t *fields, unsigned most);
