#include "trace/log_tables.h"

#include <stdlib.h>
#include <string.h>

// Room for one more row of `size` bytes in *rows.
static bool grow(void **rows, size_t size, size_t count, size_t *capacity, size_t limit)
{
    if (count >= limit)
        return false;
    if (count < *capacity)
        return true;
    size_t wanted = *capacity ? *capacity * 2 : 64;
    void *grown = realloc(*rows, wanted * size);
    if (!grown)
        return false;
    *rows = grown;
    *capacity = wanted;
    return true;
}

void trace_tables_free(struct trace_log_tables *t)
{
    for (size_t i = 0; i < t->string_count; i++)
        free(t->strings[i]);
    free(t->strings);
    free(t->types);
    free(t->exports);
    free(t->kinds);
    *t = (struct trace_log_tables){0};
}

const char *trace_tables_string(struct trace_log_tables *t, const char *text, size_t length)
{
    void *rows = t->strings;
    if (!grow(&rows, sizeof *t->strings, t->string_count, &t->string_capacity, SIZE_MAX))
        return NULL;
    t->strings = rows;
    char *copy = malloc(length + 1);
    if (!copy)
        return NULL;
    if (length)
        memcpy(copy, text, length);
    copy[length] = 0;
    t->strings[t->string_count++] = copy;
    return copy;
}

struct trace_kind_info *trace_tables_add_kind(struct trace_log_tables *t)
{
    void *rows = t->kinds;
    if (!grow(&rows, sizeof *t->kinds, t->kind_count, &t->kind_capacity, TRACE_MAX_LOG_KINDS))
        return NULL;
    t->kinds = rows;
    t->kinds[t->kind_count] = (struct trace_kind_info){0};
    return &t->kinds[t->kind_count++];
}

struct trace_export *trace_tables_add_export(struct trace_log_tables *t)
{
    void *rows = t->exports;
    if (!grow(&rows, sizeof *t->exports, t->export_count, &t->export_capacity, TRACE_MAX_LOG_EXPORTS))
        return NULL;
    t->exports = rows;
    t->exports[t->export_count] = (struct trace_export){.module = "", .name = ""};
    return &t->exports[t->export_count++];
}

struct trace_type_name *trace_tables_add_type(struct trace_log_tables *t)
{
    void *rows = t->types;
    if (!grow(&rows, sizeof *t->types, t->type_count, &t->type_capacity, TRACE_MAX_LOG_TYPES))
        return NULL;
    t->types = rows;
    t->types[t->type_count] = (struct trace_type_name){0, ""};
    return &t->types[t->type_count++];
}

bool trace_tables_own(struct trace_log_tables *t, struct error *err)
{
    static const struct trace_type_name own_types[] = {
#define OBJECT_TYPE(id, number, name) {number, name},
#include "trace/object_types.def"
#undef OBJECT_TYPE
    };
    t->kind_count = 0;
    t->type_count = 0;
    for (unsigned i = 0; i < TRACE_KIND_COUNT; i++) {
        struct trace_kind_info *kind = trace_tables_add_kind(t);
        if (!kind)
            return error_set(err, ERR_MEMORY, "no memory for the tables of an event log");
        if (!trace_kind_parse(kind, i, trace_kind_rows[i].name, trace_kind_rows[i].fields, err))
            return false;
    }
    for (size_t i = 0; i < sizeof own_types / sizeof *own_types; i++) {
        struct trace_type_name *type = trace_tables_add_type(t);
        if (!type)
            return error_set(err, ERR_MEMORY, "no memory for the tables of an event log");
        *type = own_types[i];
    }
    return true;
}

const char *trace_tables_type_name(const struct trace_log_tables *t, uint64_t number)
{
    for (size_t i = 0; i < t->type_count; i++)
        if (t->types[i].number == number)
            return t->types[i].name;
    return NULL;
}
