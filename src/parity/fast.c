#include "parity/fast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "trace/raw.h"

enum { MAX_THREADS = 256, NESTED = 8, PROGRESS = 1 << 22 }; // events between two reports

struct thread {
    uint32_t tid, entry, creator;
    bool is_main, guest, host, created;
    uint64_t calls, total;
    uint64_t open[NESTED];
    unsigned depth;
};

struct tally {
    struct thread threads[MAX_THREADS];
    size_t count, last;
    uint64_t events, calls, fields, frames;
    uint8_t kinds[1024]; // by number: enum trace_kind
    uint64_t swap;       // export number of VdSwap
    bool too_many;
};

static struct thread *get_thread(struct tally *t, uint32_t tid)
{
    if (t->last < t->count && t->threads[t->last].tid == tid)
        return &t->threads[t->last];
    size_t i = 0;
    while (i < t->count && t->threads[i].tid != tid)
        i++;
    if (i == MAX_THREADS) {
        t->too_many = true;
        return &t->threads[0];
    }
    if (i == t->count)
        t->threads[t->count++] = (struct thread){.tid = tid};
    t->last = i;
    return &t->threads[i];
}

static void count_creation(struct tally *t, const struct trace_raw *raw)
{
    uint64_t f[18];
    if (trace_raw_fields(raw, f, 18) < 18)
        return;
    struct thread *made = get_thread(t, (uint32_t)f[0]);
    made->created = true;
    made->entry = (uint32_t)f[2];
    made->creator = raw->tid;
    made->guest = f[16];
    made->is_main = f[17];
}

static void count_event(struct tally *t, const struct trace_raw *raw)
{
    t->events++;
    unsigned kind = raw->number < sizeof t->kinds ? t->kinds[raw->number] : (unsigned)TRACE_KIND_COUNT;
    if (kind == TRACE_CALL) {
        struct thread *thread = get_thread(t, raw->tid);
        uint64_t index = 3 * thread->calls++;
        thread->total = index + 2;
        if (thread->depth < NESTED)
            thread->open[thread->depth++] = index;
        t->calls++;
        t->fields += raw->body[0] - 1u;
    } else if (kind == TRACE_RETURN) {
        struct thread *thread = get_thread(t, raw->tid);
        uint64_t end = thread->depth ? thread->open[--thread->depth] + 3 : thread->total;
        thread->total = end > thread->total ? end : thread->total;
        t->fields += raw->body[0] / 2u; // the result, and one of each pair
        uint64_t export;
        t->frames += trace_raw_fields(raw, &export, 1) == 1 && export == t->swap;
    } else if (kind == TRACE_THREAD_CREATE) {
        count_creation(t, raw);
    } else if (kind == TRACE_INTERRUPT_BEGIN) {
        get_thread(t, raw->tid)->host = true;
    }
}

static bool is_end(const struct tally *t, const struct trace_raw *raw)
{
    unsigned kind = raw->number < sizeof t->kinds ? t->kinds[raw->number] : (unsigned)TRACE_KIND_COUNT;
    return kind == TRACE_EXIT || kind == TRACE_EXIT_THREAD || kind == TRACE_EXIT_WAIT;
}

static bool same_events(struct trace_reader *a, struct trace_reader *b, struct tally *t, const struct par_options *options)
{
    const uint64_t total = trace_reader_summary(a).file_bytes + trace_reader_summary(b).file_bytes;
    struct trace_raw x, y;
    uint64_t left_in_chunk = 0;
    for (;;) {
        if (options->progress && !(t->events & (PROGRESS - 1)) && t->events)
            options->progress(options->user, 2 * t->events, trace_raw_offset(a) + trace_raw_offset(b), total);
        if (!left_in_chunk && trace_raw_same_chunk(a, b)) {
            // Stored alike: one of them is counted.
            uint64_t before = trace_reader_position(a);
            trace_raw_skip_chunk(b);
            left_in_chunk = trace_reader_position(b) - before;
        }
        if (left_in_chunk) {
            if (!trace_raw_next(a, &x))
                return false;
            left_in_chunk--;
            count_event(t, &x);
            continue;
        }
        bool more = trace_raw_next(a, &x), more_too = trace_raw_next(b, &y);
        if (!more || !more_too)
            return more == more_too;
        bool same = x.number == y.number && x.tid == y.tid && x.lr == y.lr && x.size == y.size && !memcmp(x.body, y.body, x.size);
        if (!same && !(is_end(t, &x) && is_end(t, &y) && x.number == y.number))
            return false;
        count_event(t, &x);
    }
}

static bool fill(struct par_result *out, const struct tally *t)
{
    out->threads = calloc(t->count + 1, sizeof *out->threads);
    out->main_thread = SIZE_MAX;
    if (!out->threads)
        return false;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < t->count; i++) {
            const struct thread *from = &t->threads[i];
            if (from->is_main != (pass == 0) || !from->calls)
                continue;
            struct par_thread *to = &out->threads[out->thread_count];
            *to = (struct par_thread){.in_reference = true, .in_ours = true, .is_main = from->is_main, .is_host = from->host && !from->guest,
                                      .reference_tid = from->tid, .tid = from->tid, .entry = from->entry, .creator = from->creator,
                                      .matched = from->total, .reference_total = from->total, .total = from->total, .first = SIZE_MAX};
            snprintf(to->matched_by, sizeof to->matched_by, "%s", from->is_main ? "main" : "same events");
            if (from->is_main)
                out->main_thread = out->thread_count;
            out->thread_count++;
        }
    if (out->main_thread == SIZE_MAX)
        return false; // which thread is the main one is for the full comparison to find out
    out->same = out->fast = true;
    out->matched_prefix = out->matched_by_ordinal = out->threads[out->main_thread].matched;
    out->coverage.compared = out->coverage.equal = t->fields;
    out->events_compared = 2 * t->events;
    return true;
}

static bool has_damage(const struct trace_reader *r)
{
    const struct trace_damage d = trace_reader_damage(r);
    return d.bad_chunks || d.lost_events || d.truncated;
}

static void fill_input(struct par_input *in, const char *path, const struct trace_reader *r, const struct tally *t)
{
    const struct trace_summary s = trace_reader_summary(r);
    *in = (struct par_input){.path = strdup(path), .form = "binary", .engine = strdup(s.engine), .title = strdup(s.title), .events = t->events,
                             .calls = t->calls, .bytes = s.file_bytes, .frames = t->frames};
    in->keys = calloc(2 * s.key_count + 1, sizeof *in->keys);
    for (size_t i = 0; in->keys && i < 2 * s.key_count; i++)
        in->keys[in->key_count++] = strdup(s.keys[i]);
    in->key_count /= 2;
}

static bool is_file(const char *path)
{
    struct stat status;
    return strcmp(path, "-") && !stat(path, &status) && S_ISREG(status.st_mode);
}

bool par_compare_encoded(struct par_result *out, const char *reference, const char *ours, const struct par_options *options)
{
    struct trace_reader *a = NULL, *b = NULL;
    struct tally *t = calloc(1, sizeof *t);
    bool same = t && !options->frames && is_file(reference) && is_file(ours) && trace_reader_open(&a, reference, NULL) &&
                trace_reader_open(&b, ours, NULL) && trace_raw_same_tables(a, b);
    if (same) {
        t->swap = UINT64_MAX;
        const struct trace_summary s = trace_reader_summary(a);
        for (size_t i = 0; i < s.export_count; i++)
            if (!strcmp(s.exports[i].name, "VdSwap"))
                t->swap = i;
        for (unsigned i = 0; i < sizeof t->kinds; i++)
            t->kinds[i] = (uint8_t)trace_raw_kind(a, i);
        same = same_events(a, b, t, options) && !t->too_many && !has_damage(a) && !has_damage(b) && fill(out, t);
    }
    if (same) {
        out->inputs = calloc(2, sizeof *out->inputs);
        out->input_count = out->inputs ? 2 : 0;
        if (out->inputs) {
            fill_input(&out->inputs[0], reference, a, t);
            fill_input(&out->inputs[1], ours, b, t);
        }
    } else {
        free(out->threads);
        *out = (struct par_result){0};
    }
    trace_reader_close(a);
    trace_reader_close(b);
    free(t);
    return same;
}
