// reader.h: reads event logs: our binary form, and JSON Lines of schema v1 of any engine, plain or zstd-compressed.
// Life: trace_reader_open, trace_reader_next until it returns false, trace_reader_close.
// Damage is never fatal: what cannot be read is skipped, counted, and described by trace_reader_damage.
// Threads: one thread for one reader.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "trace/schema.h"
#include "trace/trace.h"

struct trace_reader;

// Who wants to know how far a long reading is: told every few thousand events, from within the reading.
struct trace_watch {
    void (*tell)(void *user, uint64_t bytes, uint64_t total); // of the file; total 0: unknown
    void *user;
};

// One event. All pointers are good until the next call on the reader.
struct trace_record {
    // `event.kind` is our own number, or TRACE_KIND_COUNT for a kind that only the log knows.
    // `event.fields` as trace.h says; in a schema v1 log a field that a line lacks is 0 and has its bit in `absent`.
    struct trace_event event;
    const struct trace_kind_info *kind; // the log's own description; never NULL
    const struct trace_export *call;    // of the export that fields[0] names (style export); NULL when there is none
    uint64_t absent;                    // bit i: fields[i] was not in the log
    bool import;                        // schema v1's import.call: the line before a kernel.call, no event of our own
    bool fields_cut;                    // more fields or texts than TRACE_MAX_FIELDS, TRACE_MAX_TEXTS
};

struct trace_damage {
    uint64_t bad_chunks;  // binary: chunks that do not decompress or do not decode; JSONL: 0
    uint64_t bad_lines;   // JSONL: lines that are no event
    uint64_t first_bad;   // byte offset of the first bad chunk, or line number (from 1) of the first bad line
    bool truncated;       // the log ends in the middle or has no trailer: its writer was killed, or still runs
    uint64_t lost_events; // binary: events known to be missing between readable chunks
};

struct trace_summary {
    bool binary;
    uint64_t file_bytes; // on disk; 0 for a pipe
    const char *title;   // "" when unknown
    const char *engine;  // "ours", "canary"
    size_t key_count;    // pairs of the header
    const char *const *keys; // key, value, ...
    const struct trace_export *exports;
    size_t export_count; // in a schema v1 log: grows while reading
};

// Opens a file, or standard input for "-". Fails when it cannot be read or is no event log at all; a log cut off at any
// byte opens.
bool trace_reader_open(struct trace_reader **out, const char *path, struct error *err);
void trace_reader_close(struct trace_reader *r);

// The next event. False at the end.
bool trace_reader_next(struct trace_reader *r, struct trace_record *out);

// `watch` lives as long as the reader; NULL ends it.
void trace_reader_watch(struct trace_reader *r, const struct trace_watch *watch);

// Goes forward to the event with this global index, or the next readable one; cheap in a binary log.
void trace_reader_seek(struct trace_reader *r, uint64_t index);

// Complete when trace_reader_next has returned false.
struct trace_damage trace_reader_damage(const struct trace_reader *r);
struct trace_summary trace_reader_summary(const struct trace_reader *r);

// Name of an object type by the log's own numbers, or NULL.
const char *trace_reader_object_type(const struct trace_reader *r, uint64_t number);
