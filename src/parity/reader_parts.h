// reader_parts.h: what the forms of a log share while it is read. Internal to parity/.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parity/events.h"
#include "parity/source.h"
#include "trace/reader.h"
#include "trace/schema.h"

enum { PAR_MAX_NAMES = 1 << 20, PAR_TEXT_ROOM = 1 << 16 };

struct par_name {
    char *text;
    uint64_t hash;
};

struct par_reader {
    enum par_form form;
    char *path;
    struct trace_reader *binary;
    struct par_source *source;
    const struct trace_watch *watch; // of what is no binary log; or NULL
    uint64_t watched;                // events
    struct trace_kind_info kinds[TRACE_KIND_COUNT];
    uint64_t line; // number of the current one, from 1
    uint64_t bad, first_bad;
    char first_bad_text[96];
    bool truncated;
    char engine[32], title[128];
    char **keys;
    size_t key_count; // strings
    // Names of calls.
    struct par_name *names;
    size_t name_count, name_capacity;
    uint32_t *slots; // name number + 1
    size_t slot_count;
    const char **call_names; // binary: by export index
    uint32_t *call_numbers;
    size_t call_known;
    char *texts; // of the current event
    size_t texts_used;
    // Text logs.
    char held[4096]; // a line that waits for its continuation
    size_t held_length;
    uint64_t held_line;
    unsigned args_end;  // 1 + number of the first argument of a call that tells nothing, 0: all do
    uint64_t messages;  // lines that are no calls: what else the engine wrote
    char rest[1 << 16]; // the current line, cleaned
    size_t rest_length, rest_at;
    struct { uint32_t id; uint64_t next; } tids[256]; // next tid_index, bare lines and text logs
    unsigned tid_count;
};

// The number of a call's name, made when new; UINT32_MAX without memory.
uint32_t par_intern(struct par_reader *r, const char *name, size_t length);
// Keeps a text of the current event. False when there is no more room for texts.
bool par_add_text(struct par_reader *r, struct par_event *e, unsigned field, const char *text, size_t length);
void par_note_bad(struct par_reader *r, uint64_t place, const char *text, size_t length);
bool par_add_key(struct par_reader *r, const char *key, size_t key_length, const char *value, size_t value_length);
// The next index of a thread in forms that do not give it.
uint64_t par_take_index(struct par_reader *r, uint32_t tid, unsigned events);

// Each reads one line. False: it is no event; the caller counts it.
bool par_read_json(struct par_reader *r, struct par_event *e, const char *text, size_t length, bool *skip);
// Whether a line starts a log of this form.
bool par_is_schema(const char *text, size_t length);
bool par_is_bare(const char *text, size_t length);
bool par_next_text(struct par_reader *r, struct par_event *e);
bool par_is_text_log(const char *text, size_t length);
