// Chrome trace events, one line each. Slices nest by B and E on their thread's track; waits are slices inside of their call.
#include "parity/perfetto.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "trace/reader.h"

enum { MAX_DEPTH = 32 };

struct track {
    uint32_t tid;
    unsigned depth; // open slices
    uint64_t last;  // ns; time never runs back on a track
};

struct export {
    FILE *out;
    size_t process;
    bool first;
    struct track *tracks;
    size_t track_count;
    struct par_perfetto_counts *counts;
    const struct trace_reader *reader;
};

static void put_text(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20 || c >= 0x7F)
            fprintf(out, "\\u%04x", c);
        else
            putc(c, out);
    }
    putc('"', out);
}

static void separate(struct export *x)
{
    fputs(x->first ? "\n" : ",\n", x->out);
    x->first = false;
}

static void put_head(struct export *x, char phase, const struct track *t)
{
    separate(x);
    fprintf(x->out, "{\"ph\":\"%c\",\"pid\":%zu,\"tid\":%u,\"ts\":%" PRIu64 ".%03" PRIu64, phase, x->process, t->tid, t->last / 1000, t->last % 1000);
}

static void put_metadata(struct export *x, const char *what, uint32_t tid, const char *name)
{
    separate(x);
    fprintf(x->out, "{\"ph\":\"M\",\"pid\":%zu,\"tid\":%u,\"name\":\"%s\",\"args\":{\"name\":", x->process, tid, what);
    put_text(x->out, name);
    fputs("}}", x->out);
}

static struct track *track_of(struct export *x, uint32_t tid)
{
    for (size_t i = 0; i < x->track_count; i++)
        if (x->tracks[i].tid == tid)
            return &x->tracks[i];
    struct track *bigger = realloc(x->tracks, (x->track_count + 1) * sizeof *bigger);
    if (!bigger)
        return NULL;
    x->tracks = bigger;
    x->tracks[x->track_count] = (struct track){.tid = tid};
    char name[32];
    snprintf(name, sizeof name, tid ? "thread %u" : "machine", tid);
    put_metadata(x, "thread_name", tid, name);
    return &x->tracks[x->track_count++];
}

static void put_fields(struct export *x, const struct trace_record *r, unsigned from)
{
    const struct trace_event *e = &r->event;
    fprintf(x->out, ",\"args\":{\"event\":%" PRIu64, e->index);
    if (e->where.lr)
        fprintf(x->out, ",\"lr\":\"0x%08x\"", e->where.lr);
    for (unsigned i = from; i < e->count; i++) {
        const struct trace_field *field = from ? NULL : trace_kind_field(r->kind, i);
        if (i < 64 && (r->absent >> i & 1))
            continue;
        if (field && (!r->kind->repeats || i + 1 < r->kind->count))
            fprintf(x->out, ",\"%s\":\"0x%" PRIx64 "\"", field->name, e->fields[i]);
        else
            fprintf(x->out, ",\"%u\":\"0x%" PRIx64 "\"", i - from, e->fields[i]);
    }
    for (unsigned i = 0; i < e->text_count; i++) {
        fprintf(x->out, ",\"text%u\":", i);
        put_text(x->out, e->texts[i].text);
    }
    putc('}', x->out);
}

static void begin(struct export *x, struct track *t, const struct trace_record *r, const char *category, const char *name)
{
    if (t->depth >= MAX_DEPTH)
        return;
    t->depth++;
    put_head(x, 'B', t);
    fprintf(x->out, ",\"cat\":\"%s\",\"name\":", category);
    put_text(x->out, name);
    put_fields(x, r, r->event.kind == TRACE_CALL);
    putc('}', x->out);
    x->counts->slices++;
}

static void end(struct export *x, struct track *t, const struct trace_record *r)
{
    if (!t->depth)
        return;
    t->depth--;
    put_head(x, 'E', t);
    if (r)
        put_fields(x, r, r->event.kind == TRACE_RETURN);
    putc('}', x->out);
}

static void instant(struct export *x, struct track *t, const struct trace_record *r, char scope)
{
    put_head(x, 'i', t);
    fprintf(x->out, ",\"s\":\"%c\",\"cat\":\"event\",\"name\":", scope);
    put_text(x->out, r->kind->name);
    put_fields(x, r, 0);
    putc('}', x->out);
    x->counts->instants++;
}

static void name_thread(struct export *x, const struct trace_event *e)
{
    char name[64];
    snprintf(name, sizeof name, "thread %u%s, entry 0x%08x", (unsigned)e->fields[0], e->fields[17] ? " (main)" : "", (uint32_t)e->fields[2]);
    if (track_of(x, (uint32_t)e->fields[0]))
        put_metadata(x, "thread_name", (uint32_t)e->fields[0], name);
}

static void event(struct export *x, const struct trace_record *r, uint64_t ns)
{
    struct track *t = track_of(x, r->event.where.tid);
    if (!t)
        return;
    t->last = ns > t->last ? ns : t->last;
    switch (r->event.kind) {
    case TRACE_CALL: begin(x, t, r, "kernel", r->call ? r->call->name : "export"); break;
    case TRACE_RETURN: end(x, t, r); break;
    case TRACE_WAIT_BEGIN: begin(x, t, r, "wait", "wait"); break;
    case TRACE_WAIT_END: end(x, t, r); break;
    case TRACE_INTERRUPT_BEGIN: begin(x, t, r, "interrupt", r->event.fields[0] ? "command processor interrupt" : "vblank interrupt"); break;
    case TRACE_INTERRUPT_END: end(x, t, r); break;
    case TRACE_THREAD_CREATE:
        name_thread(x, &r->event);
        t = track_of(x, r->event.where.tid); // the table may have moved
        instant(x, t, r, 't');
        break;
    case TRACE_SWAP:
    case TRACE_GPU_SWAP: instant(x, t, r, 'p'); break;
    case TRACE_CONTEXT_SWITCH: break; // the slices say it
    default: instant(x, t, r, 't'); break;
    }
}

static uint64_t clock_of(const struct trace_event *e)
{
    return e->where.cycle ? e->where.cycle / 16 * 5 + e->where.cycle % 16 * 5 / 16 : e->index * 1000; // 3.2 GHz; ns
}

static bool export_log(struct export *x, const char *path, const struct trace_watch *watch, struct error *err)
{
    struct trace_reader *reader;
    struct trace_record record;
    if (!trace_reader_open(&reader, path, err))
        return false;
    x->reader = reader;
    trace_reader_watch(reader, watch);
    struct trace_summary s = trace_reader_summary(reader);
    char name[256];
    snprintf(name, sizeof name, "%.64s %.32s: %.120s", s.title && *s.title ? s.title : "run", s.engine ? s.engine : "", path);
    put_metadata(x, "process_name", 0, name);
    while (trace_reader_next(reader, &record)) {
        if (record.import || record.event.kind == TRACE_SCHEMA)
            continue;
        x->counts->events++;
        event(x, &record, clock_of(&record.event));
    }
    for (size_t i = 0; i < x->track_count; i++)
        while (x->tracks[i].depth) {
            x->counts->open++;
            end(x, &x->tracks[i], NULL);
        }
    trace_reader_close(reader);
    return true;
}

bool par_export_perfetto(FILE *out, const char *const *paths, size_t count, const struct trace_watch *watch, struct par_perfetto_counts *counts,
                         struct error *err)
{
    struct export x = {.out = out, .first = true, .counts = counts};
    bool ok = true;
    *counts = (struct par_perfetto_counts){0};
    fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", out);
    for (size_t i = 0; i < count && ok; i++) {
        x.process = i + 1;
        x.track_count = 0;
        ok = export_log(&x, paths[i], watch, err);
    }
    fputs("\n]}\n", out);
    free(x.tracks);
    return ok;
}
