#include "fleet/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parity/events.h"
#include "trace/buffer.h"
#include "trace/reader.h"

const struct fleet_column_info fleet_columns[FLEET_COLUMN_COUNT] = {
#define TEXT TEXT_COLUMN
#define TEXTS TEXTS_COLUMN
#define COLUMN(id, name, type, what) COLUMN_OF(name, type)
#define COLUMN_OF(name, type) {name, FLEET_##type},
#include "fleet/columns.def"
#undef COLUMN
#undef COLUMN_OF
#undef TEXT
#undef TEXTS
};

enum { OPEN_CALLS = 16, MAX_CALL_NUMBERS = 65536 };

struct open_call {
    const char *name; // in fleet_names: compared by address
    uint64_t number;
};

struct thread {
    uint32_t tid;
    unsigned depth;
    uint64_t calls;
    struct open_call open[OPEN_CALLS];
};

struct fleet_rows {
    struct trace_reader *reader; // our own forms, with everything they hold
    struct par_reader *other;    // the forms of other engines
    struct fleet_names *names;
    struct fleet_text run, title, empty;
    bool titled;
    struct fleet_text kinds[TRACE_KIND_COUNT];
    struct fleet_text *calls; // by the reader's number of the export
    size_t call_count;
    struct thread *threads;
    size_t thread_count, last_thread;
    uint64_t events;
    bool failed;
};

// ---- Names

static bool grow_names(struct fleet_names *n)
{
    size_t count = n->slot_count ? n->slot_count * 2 : 1024;
    struct fleet_text *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < n->slot_count; i++) {
        if (!n->slots[i].data)
            continue;
        size_t at = trace_fnv1a(n->slots[i].data, n->slots[i].size) & (count - 1);
        while (slots[at].data)
            at = (at + 1) & (count - 1);
        slots[at] = n->slots[i];
    }
    free(n->slots);
    n->slots = slots;
    n->slot_count = count;
    return true;
}

struct fleet_text fleet_name(struct fleet_names *n, const char *text)
{
    size_t size = strlen(text);
    if ((n->used + 1) * 2 > n->slot_count && !grow_names(n))
        return (struct fleet_text){0};
    char *clean = malloc(size * 3 + 1);
    if (!clean)
        return (struct fleet_text){0};
    size = fleet_utf8(clean, text, size);
    clean[size] = 0;
    size_t at = trace_fnv1a(clean, size) & (n->slot_count - 1);
    for (; n->slots[at].data; at = (at + 1) & (n->slot_count - 1))
        if (n->slots[at].size == size && !memcmp(n->slots[at].data, clean, size)) {
            free(clean);
            return n->slots[at];
        }
    n->used++;
    n->slots[at] = (struct fleet_text){clean, (uint32_t)size};
    return n->slots[at];
}

void fleet_names_free(struct fleet_names *n)
{
    for (size_t i = 0; i < n->slot_count; i++)
        free((void *)(uintptr_t)n->slots[i].data);
    free(n->slots);
    *n = (struct fleet_names){0};
}

// The length of the UTF-8 sequence at `p`, 0: none.
static size_t sequence(const unsigned char *p, size_t left)
{
    size_t length = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
    if (length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
    bool outside = (p[0] == 0xED && p[1] >= 0xA0) || (p[0] == 0xF4 && p[1] >= 0x90);
    return overlong || outside ? 0 : length;
}

size_t fleet_utf8(char *out, const char *text, size_t size)
{
    size_t at = 0, used = 0;
    while (at < size) {
        size_t length = sequence((const unsigned char *)text + at, size - at);
        memcpy(out + used, length ? text + at : "\xEF\xBF\xBD", length ? length : 3);
        used += length ? length : 3;
        at += length ? length : 1;
    }
    return used;
}

// ---- Opening

bool fleet_rows_open(struct fleet_rows **out, const struct fleet_run *run, struct fleet_names *names, struct error *err)
{
    struct fleet_rows *r = calloc(1, sizeof *r);
    *out = NULL;
    if (!r)
        return error_set(err, ERR_MEMORY, "%s: no memory to read it", run->path);
    r->names = names;
    r->run = fleet_name(names, run->name);
    r->empty = fleet_name(names, "");
    r->title = r->empty;
    if (!r->run.data || !r->empty.data) {
        fleet_rows_close(r);
        return error_set(err, ERR_MEMORY, "%s: no memory to read it", run->path);
    }
    // Standard input cannot be tried twice; the lab's reader takes every form of it.
    bool ours = strcmp(run->path, "-") && trace_reader_open(&r->reader, run->path, NULL);
    if (!ours && !par_open(&r->other, run->path, err)) {
        fleet_rows_close(r);
        return false;
    }
    *out = r;
    return true;
}

void fleet_rows_close(struct fleet_rows *r)
{
    if (!r)
        return;
    trace_reader_close(r->reader);
    par_close(r->other);
    free(r->calls);
    free(r->threads);
    free(r);
}

// ---- Rows

static bool take_title(struct fleet_rows *r)
{
    const char *title = r->reader ? trace_reader_summary(r->reader).title : par_info(r->other).title;
    r->titled = true;
    if (title && *title)
        r->title = fleet_name(r->names, title);
    return r->title.data;
}

// The kept name of an export, by the number that the reader gives it.
static struct fleet_text call_name(struct fleet_rows *r, uint64_t number, const char *name)
{
    if (number >= MAX_CALL_NUMBERS)
        return fleet_name(r->names, name);
    if (number >= r->call_count) {
        size_t count = ((size_t)number + 256) & ~(size_t)255;
        struct fleet_text *grown = realloc(r->calls, count * sizeof *grown);
        if (!grown)
            return (struct fleet_text){0};
        memset(grown + r->call_count, 0, (count - r->call_count) * sizeof *grown);
        r->calls = grown;
        r->call_count = count;
    }
    if (!r->calls[number].data)
        r->calls[number] = fleet_name(r->names, name);
    return r->calls[number];
}

static struct thread *thread_of(struct fleet_rows *r, uint32_t tid)
{
    if (r->last_thread < r->thread_count && r->threads[r->last_thread].tid == tid)
        return &r->threads[r->last_thread];
    size_t i = 0;
    while (i < r->thread_count && r->threads[i].tid != tid)
        i++;
    if (i == r->thread_count) {
        struct thread *grown = realloc(r->threads, (i + 1) * sizeof *grown);
        if (!grown)
            return NULL;
        r->threads = grown;
        r->threads[r->thread_count++] = (struct thread){.tid = tid};
    }
    r->last_thread = i;
    return &r->threads[i];
}

static struct fleet_text kind_name(struct fleet_rows *r, enum trace_kind kind, const char *name)
{
    if (kind >= TRACE_KIND_COUNT)
        return fleet_name(r->names, name);
    if (!r->kinds[kind].data)
        r->kinds[kind] = fleet_name(r->names, name);
    return r->kinds[kind];
}

static void set(struct fleet_row *row, enum fleet_column column, uint64_t value)
{
    row->numbers[column] = value;
    row->known |= 1u << column;
}

static bool row_is(const struct fleet_row *row, const struct fleet_rows *r, enum trace_kind kind)
{
    return r->kinds[kind].data && row->kind.data == r->kinds[kind].data;
}

// Numbers calls in their thread; a return takes that of the last open call of its name, and calls above it are over.
static bool number_call(struct fleet_rows *r, struct fleet_row *row, bool is_call)
{
    struct thread *t = thread_of(r, (uint32_t)row->numbers[FLEET_TID]);
    if (!t)
        return false;
    if (is_call) {
        if (t->depth == OPEN_CALLS) // calls that never returned: the oldest is forgotten
            memmove(t->open, t->open + 1, --t->depth * sizeof *t->open);
        t->open[t->depth++] = (struct open_call){row->call.data, t->calls};
        set(row, FLEET_CALL_IDX, t->calls++);
        return true;
    }
    unsigned at = t->depth;
    while (at && t->open[at - 1].name != row->call.data)
        at--;
    if (at) {
        set(row, FLEET_CALL_IDX, t->open[at - 1].number);
        t->depth = at - 1;
    }
    return true;
}

static void add_pairs(struct fleet_row *row, const uint64_t *fields, unsigned from, unsigned count)
{
    for (; from + 1 < count; from += 2) {
        row->behind_args[row->behind_count] = (uint8_t)fields[from];
        row->behind_values[row->behind_count++] = fields[from + 1];
    }
}

static void set_result(struct fleet_row *row, uint64_t r3)
{
    set(row, FLEET_RETURN_VALUE, r3);
    set(row, FLEET_STATUS, (uint32_t)r3);
}

static bool is_named(enum trace_kind kind)
{
    return kind == TRACE_CALL || kind == TRACE_RETURN || kind == TRACE_MISSING;
}

static void fill_call(struct fleet_row *row, const struct trace_record *record)
{
    const struct trace_event *e = &record->event;
    unsigned given = e->count ? e->count - 1 : 0;
    row->argument_count = record->call && record->call->arg_count < given ? record->call->arg_count : given;
    memcpy(row->arguments, e->fields + 1, row->argument_count * sizeof *row->arguments);
    add_pairs(row, e->fields, 1 + row->argument_count, e->count);
}

static void fill_return(struct fleet_row *row, const struct trace_record *record)
{
    const struct trace_event *e = &record->event;
    if (e->count > 1 && !(record->absent & 2) && !(record->call && record->call->returns_void))
        set_result(row, e->fields[1]);
    add_pairs(row, e->fields, 2, e->count);
}

static bool fill_from_record(struct fleet_rows *r, struct fleet_row *row, const struct trace_record *record)
{
    const struct trace_event *e = &record->event;
    char unnamed[32];
    row->numbers[FLEET_IDX] = e->index;
    row->numbers[FLEET_TID] = e->where.tid;
    row->numbers[FLEET_TID_IDX] = e->tid_index;
    row->numbers[FLEET_HW] = e->where.hw;
    row->numbers[FLEET_CYCLE] = e->where.cycle;
    row->numbers[FLEET_LR] = e->where.lr;
    row->kind = kind_name(r, e->kind, record->kind->name);
    if (is_named(e->kind) && e->count) {
        if (!record->call)
            snprintf(unnamed, sizeof unnamed, "export#%" PRIu64, e->fields[0]);
        row->call = call_name(r, e->fields[0], record->call ? record->call->name : unnamed);
    }
    if (e->kind == TRACE_CALL) {
        fill_call(row, record);
    } else if (e->kind == TRACE_RETURN) {
        fill_return(row, record);
    } else if (!is_named(e->kind)) {
        row->argument_count = e->count;
        memcpy(row->arguments, e->fields, e->count * sizeof *row->arguments);
    }
    row->text_count = e->text_count;
    memcpy(row->texts, e->texts, e->text_count * sizeof *row->texts);
    return row->kind.data && row->call.data;
}

static bool fill_from_event(struct fleet_rows *r, struct fleet_row *row, const struct par_event *e)
{
    row->numbers[FLEET_IDX] = r->events;
    row->numbers[FLEET_TID] = e->tid;
    row->numbers[FLEET_TID_IDX] = e->tid_index;
    row->numbers[FLEET_HW] = 0;
    row->numbers[FLEET_CYCLE] = e->ns / 5 * 16; // 3.2 GHz
    row->numbers[FLEET_LR] = e->lr;
    row->kind = kind_name(r, e->kind, e->kind < TRACE_KIND_COUNT ? trace_kind_rows[e->kind].name : "unknown");
    if (is_named(e->kind))
        row->call = call_name(r, e->call, e->name);
    if (e->kind == TRACE_RETURN) {
        if (e->has_result && !e->is_void)
            set_result(row, e->fields[0]);
        for (unsigned i = 0; i < e->pair_count; i++) {
            row->behind_args[i] = e->pairs[i].arg;
            row->behind_values[i] = e->pairs[i].value;
        }
        row->behind_count = e->pair_count;
    } else if (e->kind == TRACE_CALL || !is_named(e->kind)) {
        row->argument_count = e->count;
        memcpy(row->arguments, e->fields, e->count * sizeof *row->arguments);
    }
    row->text_count = e->text_count;
    memcpy(row->texts, e->texts, e->text_count * sizeof *row->texts);
    return row->kind.data && row->call.data;
}

// The next event that is one: schema v1's first line and import.call are none.
static bool next_event(struct fleet_rows *r, struct fleet_row *row, bool *ok)
{
    if (r->reader) {
        struct trace_record record;
        do {
            if (!trace_reader_next(r->reader, &record))
                return false;
        } while (record.import || record.event.kind == TRACE_SCHEMA);
        *ok = fill_from_record(r, row, &record);
        row->numbers[FLEET_IDX] = trace_reader_summary(r->reader).binary ? record.event.index : r->events;
    } else {
        struct par_event e;
        do {
            if (!par_next(r->other, &e))
                return false;
        } while (e.import || e.kind == TRACE_SCHEMA);
        *ok = fill_from_event(r, row, &e);
    }
    return true;
}

bool fleet_rows_next(struct fleet_rows *r, struct fleet_row *out)
{
    bool ok = true;
    out->known = 0;
    out->argument_count = out->behind_count = out->text_count = 0;
    out->call = r->empty;
    if (r->failed || !next_event(r, out, &ok))
        return false;
    ok = ok && (r->titled || take_title(r));
    out->run = r->run;
    out->title = r->title;
    bool call = row_is(out, r, TRACE_CALL), end = row_is(out, r, TRACE_RETURN);
    if (ok && (call || end))
        ok = number_call(r, out, call);
    r->events++;
    r->failed = !ok;
    return ok;
}

bool fleet_rows_failed(const struct fleet_rows *r)
{
    return r->failed;
}

void fleet_rows_count(const struct fleet_rows *r, struct fleet_counts *counts)
{
    counts->events += r->events;
    uint64_t bad, first;
    if (r->reader) {
        struct trace_damage d = trace_reader_damage(r->reader);
        bad = d.bad_chunks + d.bad_lines;
        first = d.first_bad;
        counts->truncated = counts->truncated || d.truncated;
        counts->bytes_in += trace_reader_summary(r->reader).file_bytes;
    } else {
        struct par_log_info info = par_info(r->other);
        bad = info.bad;
        first = info.first_bad;
        counts->truncated = counts->truncated || info.truncated;
        counts->bytes_in += info.bytes;
    }
    if (bad && !counts->bad)
        counts->first_bad = first;
    counts->bad += bad;
}

struct fleet_text fleet_row_text(const struct fleet_row *row, enum fleet_column column)
{
    return column == FLEET_RUN ? row->run : column == FLEET_TITLE ? row->title : column == FLEET_KIND ? row->kind : row->call;
}

unsigned fleet_row_list(const struct fleet_row *row, enum fleet_column column, const uint64_t **values)
{
    *values = column == FLEET_ARGUMENTS ? row->arguments : column == FLEET_BEHIND_VALUES ? row->behind_values : NULL;
    return column == FLEET_ARGUMENTS ? row->argument_count : column == FLEET_TEXTS ? row->text_count : row->behind_count;
}
