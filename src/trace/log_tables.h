// log_tables.h: the tables that a log brings along, or that a reader makes up while it reads. Internal to trace/.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/schema.h"
#include "trace/trace.h"

enum { TRACE_MAX_LOG_KINDS = 1024, TRACE_MAX_LOG_EXPORTS = 65536, TRACE_MAX_LOG_TYPES = 1024 };

struct trace_type_name {
    uint64_t number;
    const char *name;
};

struct trace_log_tables {
    struct trace_kind_info *kinds;
    size_t kind_count, kind_capacity;
    struct trace_export *exports; // names owned by `strings`
    size_t export_count, export_capacity;
    struct trace_type_name *types;
    size_t type_count, type_capacity;
    char **strings;
    size_t string_count, string_capacity;
};

void trace_tables_free(struct trace_log_tables *t);

// A copy of the string that lives as long as the tables; NULL without memory.
const char *trace_tables_string(struct trace_log_tables *t, const char *text, size_t length);

// Each returns the new row, or NULL: no memory, or the limit above is reached.
struct trace_kind_info *trace_tables_add_kind(struct trace_log_tables *t);
struct trace_export *trace_tables_add_export(struct trace_log_tables *t);
struct trace_type_name *trace_tables_add_type(struct trace_log_tables *t);

// Fills kinds and object types with our own. False without memory.
bool trace_tables_own(struct trace_log_tables *t, struct error *err);

const char *trace_tables_type_name(const struct trace_log_tables *t, uint64_t number);
