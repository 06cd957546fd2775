// schema.h: kinds of events and their fields as data: our own from events.def, and those that a log brings along.
// Life: plain values, filled once. Threads: read-only after filling.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "trace/trace.h"

enum trace_class {
    TRACE_CLASS_EXACT,
    TRACE_CLASS_ADDRESS,
    TRACE_CLASS_HANDLE,
    TRACE_CLASS_TIME,
    TRACE_CLASS_GARBAGE,
    TRACE_CLASS_TEXT,
    TRACE_CLASS_COUNT
};

enum trace_style {
    TRACE_STYLE_DEC,
    TRACE_STYLE_SIGNED,
    TRACE_STYLE_HEX,     // "0x" and as few digits as it takes
    TRACE_STYLE_HEX8,    // 32 bits: "0x" and eight digits
    TRACE_STYLE_BOOL,
    TRACE_STYLE_TYPE,    // object_types.def
    TRACE_STYLE_MODE,    // of a wait: 0 all, 1 any
    TRACE_STYLE_TIMEOUT, // signed 100 ns; all ones is infinite
    TRACE_STYLE_EXPORT,  // index into the table of exports
    TRACE_STYLE_COUNT
};

enum { TRACE_MAX_NAME = 32, TRACE_MAX_KIND_FIELDS = 24, TRACE_MAX_KIND_TEXTS = 4 };

struct trace_field {
    char name[TRACE_MAX_NAME];
    enum trace_class class;
    enum trace_style style;
};

struct trace_kind_info {
    char name[TRACE_MAX_NAME];
    unsigned number; // as stored in the log
    unsigned count;  // numeric fields
    unsigned text_count;
    bool repeats; // the last numeric field does
    struct trace_field fields[TRACE_MAX_KIND_FIELDS];
    char texts[TRACE_MAX_KIND_TEXTS][TRACE_MAX_NAME];
};

// The rows of events.def as written there.
struct trace_kind_row {
    const char *name;
    const char *fields;
};
extern const struct trace_kind_row trace_kind_rows[TRACE_KIND_COUNT];

// Takes a name and a field list in the language of events.def apart. Fails with ERR_FORMAT on any mistake in them.
bool trace_kind_parse(struct trace_kind_info *out, unsigned number, const char *name, const char *fields, struct error *err);

// All of our own kinds, TRACE_KIND_COUNT of them.
bool trace_kinds_own(struct trace_kind_info *out, struct error *err);

// Our number of a kind, or TRACE_KIND_COUNT.
enum trace_kind trace_kind_by_name(const char *name);

// "Event" and so on; NULL for a number that object_types.def does not have. The other way: -1.
const char *trace_object_type_name(uint64_t number);
int trace_object_type_by_name(const char *name);

// Field i of an event of this kind, the repeated one for all further ones; NULL when there is none.
const struct trace_field *trace_kind_field(const struct trace_kind_info *kind, unsigned i);
