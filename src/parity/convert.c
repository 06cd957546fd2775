#include "parity/convert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exports/exports.h"
#include "trace/copy.h"
#include "trace/reader.h"

enum par_form par_form_by_path(const char *path)
{
    static const struct {
        const char *ending;
        enum par_form form;
    } rows[] = {{".jsonl", PAR_SCHEMA_V1}, {".log", PAR_TEXT}, {".txt", PAR_TEXT}, {".bare", PAR_BARE}};
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].ending);
        if (length > n && !strcmp(path + length - n, rows[i].ending))
            return rows[i].form;
    }
    return PAR_BINARY;
}

// ---- Exports of a log, gathered by a first pass

struct exports {
    struct trace_export *rows;
    size_t count, capacity;
};

static bool want_export(struct exports *x, const struct par_event *e)
{
    if (e->call >= x->capacity) {
        size_t capacity = e->call + 256u;
        struct trace_export *grown = realloc(x->rows, capacity * sizeof *grown);
        if (!grown)
            return false;
        memset(grown + x->capacity, 0, (capacity - x->capacity) * sizeof *grown);
        x->rows = grown;
        x->capacity = capacity;
    }
    struct trace_export *row = &x->rows[e->call];
    if (e->call >= x->count)
        x->count = e->call + 1u;
    if (!row->name) {
        const struct exp_row *known = NULL;
        for (int module = 0; module < EXP_MODULE_COUNT && !known; module++)
            known = exp_find_name((enum exp_module)module, e->name);
        row->name = strdup(e->name);
        row->module = known ? exp_module_name(known->module) : "";
        row->ordinal = known ? known->ordinal : e->ordinal;
        row->returns_void = known && !known->variable && known->result == EXP_VOID;
        row->returns_time = known && !known->variable && known->result == EXP_TIME;
    }
    row->unimplemented = row->unimplemented || e->unimplemented;
    row->returns_void = row->returns_void || e->is_void;
    if (e->kind == TRACE_CALL && e->count > row->arg_count)
        row->arg_count = (uint8_t)e->count;
    for (unsigned i = 0; e->kind == TRACE_CALL && i < e->count && i < 64; i++)
        if (e->fields[i] > UINT32_MAX)
            row->wide_args |= (uint64_t)1 << i;
    return row->name != NULL;
}

static void free_exports(struct exports *x)
{
    for (size_t i = 0; i < x->count; i++)
        free((char *)(uintptr_t)x->rows[i].name);
    free(x->rows);
}

static bool has_name(const struct par_event *e)
{
    return e->kind == TRACE_CALL || e->kind == TRACE_RETURN || e->kind == TRACE_MISSING;
}

static bool gather(struct exports *x, const char *path, const struct trace_watch *watch, struct error *err)
{
    struct par_reader *r;
    struct par_event e;
    if (!par_open(&r, path, err))
        return false;
    par_watch(r, watch);
    bool ok = true;
    while (ok && par_next(r, &e))
        if (has_name(&e) || e.import)
            ok = want_export(x, &e);
    par_close(r);
    // A name that no event of the second pass carries must still be one.
    for (size_t i = 0; i < x->count && ok; i++)
        if (!x->rows[i].name)
            ok = (x->rows[i].name = strdup("?")) && (x->rows[i].module = "");
    return ok || error_set(err, ERR_MEMORY, "%s: no memory to convert it", path);
}

// ---- Writers

struct target {
    enum par_form form;
    struct trace *log;
    FILE *file;
    uint32_t tid;
    uint64_t lines;
    struct par_converted *done;
};

static void write_trace(struct target *t, const struct par_event *e)
{
    struct trace_event out = {.kind = e->kind, .where = {e->tid, 0, e->ns / 5 * 16, e->lr}};
    if (has_name(e))
        out.fields[out.count++] = e->call;
    for (unsigned i = 0; i < e->count && out.count < TRACE_MAX_FIELDS && !(has_name(e) && e->kind == TRACE_MISSING); i++)
        out.fields[out.count++] = e->fields[i];
    if (e->kind == TRACE_RETURN && !e->has_result)
        out.fields[out.count++] = 0;
    for (unsigned i = 0; i < e->pair_count && out.count + 2 <= TRACE_MAX_FIELDS; i++) {
        out.fields[out.count++] = e->pairs[i].arg;
        out.fields[out.count++] = e->pairs[i].value;
    }
    out.text_count = e->text_count;
    memcpy(out.texts, e->texts, e->text_count * sizeof *e->texts);
    trace_emit(t->log, &out);
    t->done->events++;
}

static void write_bare(struct target *t, const struct par_event *e)
{
    if (e->kind != TRACE_RETURN || (t->tid && e->tid != t->tid)) {
        t->done->left_out += e->kind != TRACE_CALL && !e->import && e->kind != TRACE_SCHEMA;
        return;
    }
    t->tid = e->tid;
    fprintf(t->file, "{\"idx\":%" PRIu64 ",\"call\":\"%s\",\"payload\":{", t->lines++, e->name);
    if (e->has_result)
        fprintf(t->file, "\"return_value\":%" PRIu64 ",\"status\":\"0x%08" PRIx32 "\"", e->fields[0], (uint32_t)e->fields[0]);
    fputs("}}\n", t->file);
    t->done->events++;
}

static void write_text(struct target *t, const struct par_event *e)
{
    if (e->kind != TRACE_CALL) {
        t->done->left_out += e->kind != TRACE_RETURN && !e->import && e->kind != TRACE_SCHEMA;
        return;
    }
    fprintf(t->file, "d> %08" PRIX32 " %s(", e->tid, e->name);
    for (unsigned i = 0; i < e->count; i++) {
        fprintf(t->file, "%s%08" PRIX64, i ? ", " : "", e->fields[i]);
        for (unsigned k = 0; k < e->text_count; k++) {
            if (e->texts[k].field != i)
                continue;
            fputc('(', t->file);
            for (const char *p = e->texts[k].text; *p; p++)
                fputc((unsigned char)*p < 0x20 || *p == '(' || *p == ')' ? '?' : *p, t->file);
            fputc(')', t->file);
        }
    }
    fputs(")\n", t->file);
    t->done->events++;
}

static void write_event(struct target *t, const struct par_event *e)
{
    if (t->form == PAR_BARE)
        write_bare(t, e);
    else if (t->form == PAR_TEXT)
        write_text(t, e);
    else if (e->kind == TRACE_KIND_COUNT || e->kind == TRACE_SCHEMA)
        t->done->left_out += !e->import && e->kind != TRACE_SCHEMA;
    else
        write_trace(t, e);
}

static bool open_target(struct target *t, const char *out, const struct exports *x, const struct par_log_info *info, struct error *err)
{
    if (t->form == PAR_BARE || t->form == PAR_TEXT) {
        t->file = strcmp(out, "-") ? fopen(out, "w") : stdout;
        return t->file || error_set(err, ERR_IO, "%s: cannot be written", out);
    }
    const char **keys = calloc(2 * info->key_count + 3, sizeof *keys);
    if (!keys)
        return error_set(err, ERR_MEMORY, "no memory to convert");
    for (size_t i = 0; i < 2 * info->key_count; i++)
        keys[i] = info->keys[i];
    keys[2 * info->key_count] = "converted-from";
    keys[2 * info->key_count + 1] = par_form_name(info->form);
    const struct trace_header header = {info->title, keys};
    bool ok = trace_create(&t->log, out, x->rows, x->count, &header, err);
    free(keys);
    return ok;
}

static bool close_target(struct target *t, const char *out, struct error *err)
{
    if (t->log)
        return trace_close(t->log, err);
    bool ok = !ferror(t->file);
    ok = (t->file == stdout ? fflush(t->file) : fclose(t->file)) == 0 && ok;
    return ok || error_set(err, ERR_IO, "%s: cannot be written", out);
}

// Any form into any: what the lab itself reads.
static bool convert_events(const char *in, const char *out, struct target *t, const struct trace_watch *watch, struct error *err)
{
    struct exports x = {0};
    struct par_reader *r = NULL;
    struct par_event e;
    bool to_trace = t->form == PAR_BINARY || t->form == PAR_SCHEMA_V1;
    if (to_trace && !strcmp(in, "-"))
        return error_set(err, ERR_ARGUMENT, "standard input is read once, this form needs two passes: give a file");
    bool ok = (!to_trace || gather(&x, in, watch, err)) && par_open(&r, in, err);
    if (ok) {
        par_watch(r, watch);
        struct par_log_info info = par_info(r);
        ok = open_target(t, out, &x, &info, err);
    }
    while (ok && par_next(r, &e))
        write_event(t, &e);
    if (ok) {
        struct par_log_info info = par_info(r);
        t->done->bad = info.bad;
        t->done->first_bad = info.first_bad;
        t->done->truncated = info.truncated;
        ok = close_target(t, out, err);
    }
    par_close(r);
    free_exports(&x);
    return ok;
}

// Binary and schema v1 into each other, with everything that a line holds.
static bool convert_whole(const char *in, const char *out, const struct trace_watch *watch, struct par_converted *done, struct error *err)
{
    struct trace_reader *first = NULL, *r = NULL;
    struct trace_record record;
    struct trace *t = NULL;
    bool ok = trace_reader_open(&first, in, err);
    if (ok)
        trace_reader_watch(first, watch);
    while (ok && trace_reader_next(first, &record))
        ;
    ok = ok && trace_reader_open(&r, in, err);
    if (ok) {
        trace_reader_watch(r, watch);
        const struct trace_summary s = trace_reader_summary(first);
        const char **keys = calloc(2 * s.key_count + 1, sizeof *keys);
        for (size_t i = 0; keys && i < 2 * s.key_count; i++)
            keys[i] = s.keys[i];
        const struct trace_header header = {s.title, keys};
        ok = keys && trace_create(&t, out, s.exports, s.export_count, &header, err);
        free(keys);
    }
    while (ok && trace_reader_next(r, &record)) {
        bool copied = trace_copy(t, r, &record);
        done->events += copied && !record.import && record.event.kind != TRACE_SCHEMA;
        done->left_out += !copied;
    }
    if (ok) {
        const struct trace_damage damage = trace_reader_damage(r);
        done->bad = damage.bad_lines + damage.bad_chunks;
        done->first_bad = damage.first_bad;
        done->truncated = damage.truncated;
    }
    if (t)
        ok = trace_close(t, err) && ok;
    trace_reader_close(r);
    trace_reader_close(first);
    return ok;
}

bool par_convert(const char *in, const char *out, enum par_form form, uint32_t tid, const struct trace_watch *watch, struct par_converted *done,
                 struct error *err)
{
    *done = (struct par_converted){0};
    struct target t = {.form = form, .tid = tid, .done = done};
    bool to_trace = form == PAR_BINARY || form == PAR_SCHEMA_V1;
    if (to_trace && !strcmp(out, "-"))
        return error_set(err, ERR_ARGUMENT, "this form needs a file (xenolith trace cat --json prints schema v1)");
    bool named = par_form_by_path(out) == PAR_SCHEMA_V1;
    if (to_trace && named != (form == PAR_SCHEMA_V1))
        return error_set(err, ERR_ARGUMENT, "%s: schema v1 goes to a name that ends in .jsonl, the binary form to another one", out);
    struct par_reader *r;
    if (to_trace && strcmp(in, "-") != 0) {
        if (!par_open(&r, in, err))
            return false;
        enum par_form from = par_info(r).form;
        par_close(r);
        struct trace_reader *plain = NULL;
        bool whole = (from == PAR_BINARY || from == PAR_SCHEMA_V1) && trace_reader_open(&plain, in, NULL);
        trace_reader_close(plain);
        if (whole)
            return convert_whole(in, out, watch, done, err);
    }
    return convert_events(in, out, &t, watch, err);
}
