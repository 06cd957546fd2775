// reader_parts.h: what the two forms of a log share while it is read. Internal to trace/.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zstd.h>

#include "base/error.h"
#include "base/file.h"
#include "trace/buffer.h"
#include "trace/log_tables.h"
#include "trace/reader.h"
#include "trace/tids.h"

struct trace_reader_form {
    bool (*open)(struct trace_reader *r, struct error *err);
    bool (*next)(struct trace_reader *r, struct trace_record *out); // out->event and the rest zeroed before
    void (*seek)(struct trace_reader *r, uint64_t index);           // a hint: `skip_to` does the rest
};
extern const struct trace_reader_form trace_reader_binary, trace_reader_jsonl;

struct trace_reader {
    const struct trace_reader_form *form;
    struct file_view view; // of a file; or
    uint8_t *owned;        // all of standard input
    const uint8_t *data;
    size_t size, at;       // bytes; the next one to read
    size_t dropped;        // bytes whose pages were given back
    uint64_t skip_to;      // events with a lower index are not wanted
    uint64_t next_index;
    const struct trace_watch *watch; // or NULL
    uint64_t watched;                // events
    struct trace_log_tables tables;
    struct trace_damage damage;
    const char *title, *engine;
    const char **keys;
    size_t key_count;
    struct trace_buffer texts; // of the current record
    // Binary form.
    struct trace_kind_info *by_number[TRACE_MAX_LOG_KINDS]; // rows of `tables`, fixed after opening
    ZSTD_DCtx *zstd;
    struct trace_buffer raw; // the current chunk, decompressed
    size_t raw_at;
    uint32_t chunk_left;     // events
    size_t chunk_offset;
    struct trace_where last;
    struct trace_tids tids;
    bool complete;           // index and trailer were found
    // JSON Lines.
    uint64_t line_number;
    bool compressed, frame_open; // frame_open: the last zstd frame has not ended
    struct trace_buffer window; // decompressed text; `window_at` is the next byte
    size_t window_at;
};

// Keeps a text of the current record; trace_reader_next turns the offsets into addresses. False without memory.
bool trace_reader_text(struct trace_reader *r, struct trace_record *out, unsigned field, const char *text, size_t length);

// Adds a key and its value to the log's header.
bool trace_reader_key(struct trace_reader *r, const char *key, size_t key_length, const char *value, size_t value_length);

// Gives the pages of a mapped log back that lie behind the place of reading, so that memory does not grow with the log.
void trace_reader_drop(struct trace_reader *r);
