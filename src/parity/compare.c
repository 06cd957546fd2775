// The comparison of two logs, thread by thread, while they are read; and of an envelope of runs with one.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/memory.h"
#include "parity/diff.h"
#include "parity/fast.h"

enum { READ_AHEAD = 512, TABLE_BYTES = 1025 * 1025 + 4096 };

static bool need_pairings(struct par_diff *d)
{
    if (d->pairing_count >= d->shared.slot_count)
        return true;
    size_t count = d->shared.slot_count + 8;
    struct par_pairing *grown = realloc(d->pairings, count * sizeof *grown);
    if (!grown)
        return false;
    memset(grown + d->pairing_count, 0, (count - d->pairing_count) * sizeof *grown);
    for (size_t i = d->pairing_count; i < count; i++)
        grown[i].first = SIZE_MAX;
    d->pairings = grown;
    d->pairing_count = count;
    return true;
}

// Compares what both queues of a thread hold. `final`: nothing more will come.
static void compare_slot(struct par_diff *d, uint16_t slot, bool final)
{
    struct par_row *a = par_log_row(&d->a, slot), *b = par_log_row(&d->b, slot);
    if (!a || !b)
        return;
    d->slot = slot;
    const struct par_record *ra, *rb;
    while ((ra = par_queue_head(&a->queue)) && (rb = par_queue_head(&b->queue))) {
        d->pace = d->pace || (ra->ns && rb->ns && ra->ns / 1000000000 != rb->ns / 1000000000);
        if (ra->call == rb->call && par_same_site(d, ra, rb) && par_same_record(d, ra, rb, false))
            par_take_pair(d, &a->queue, &b->queue);
        else if (!par_resolve(d, &a->queue, &b->queue, final))
            break;
    }
}

static bool read_both(struct par_diff *d)
{
    bool more = false;
    uint64_t before = d->a.events + d->b.events;
    // The log that is behind reads more, so that the queues stay short.
    if (!d->a.ended)
        more |= par_log_pump(&d->a, READ_AHEAD);
    if (!d->b.ended)
        more |= par_log_pump(&d->b, READ_AHEAD);
    uint64_t now = d->a.events + d->b.events;
    if (d->options->progress && now >> 18 != before >> 18) {
        struct par_log_info a = par_info(d->a.reader), b = par_info(d->b.reader);
        bool known = a.bytes && b.bytes && a.position;
        d->options->progress(d->options->user, now, a.position + b.position, known ? a.bytes + b.bytes : 0);
    }
    return more && !d->no_memory && !d->a.no_memory && !d->b.no_memory;
}

// ---- The end of the logs

static void finish_leftover(struct par_diff *d, uint16_t slot)
{
    struct par_row *a = par_log_row(&d->a, slot), *b = par_log_row(&d->b, slot);
    struct par_pairing *p = &d->pairings[slot];
    struct par_slot *s = &d->shared.slots[slot];
    struct par_queue *q = a && par_queue_head(&a->queue) ? &a->queue : b && par_queue_head(&b->queue) ? &b->queue : NULL;
    d->slot = slot;
    if (!q)
        return;
    bool ours = b && q == &b->queue;
    if (!s->is_main) {
        // Streams that follow elapsed time, and threads that both runs left where they were.
        p->prefix = true;
        if (par_rule_on(d, PAR_RULE_HOST_PREFIX)) {
            par_count_rule(d, PAR_RULE_HOST_PREFIX, par_queue_head(q), "call", NULL, NULL);
            return;
        }
    }
    // One divergence, however long the rest is, unless the rest floats.
    while (par_queue_head(q) && par_is_floating(d, par_queue_head(q), ours, true)) {
        *(ours ? &p->at : &p->reference_at) = par_queue_head(q)->index + d->shared.unit;
        par_queue_pop(q);
    }
    const struct par_record *r = par_queue_head(q);
    if (!r || (!ours && p->stuck))
        return;
    struct par_finding f = {.class = ours ? PAR_EXTRA : PAR_MISSING, .rule = PAR_RULE_COUNT, .field = "call", .a = ours ? NULL : r, .b = ours ? r : NULL};
    if (ours && r->flags & PAR_IS_MISSING)
        f.class = PAR_UNIMPLEMENTED;
    f.why = par_format(ours ? "the reference's log ends here, ours goes on for %zu calls" : "our log ends here, the reference goes on for %zu calls", q->count);
    par_emit(d, &f);
}

static void run(struct par_diff *d)
{
    bool more = true;
    while (more) {
        more = read_both(d);
        if (!need_pairings(d)) {
            d->no_memory = true;
            return;
        }
        for (size_t i = 0; i < d->shared.slot_count; i++)
            compare_slot(d, (uint16_t)i, !more);
    }
    for (size_t i = 0; i < d->shared.slot_count; i++)
        finish_leftover(d, (uint16_t)i);
}

// ---- The result

static bool fill_input(struct par_input *out, const struct par_log *log)
{
    struct par_log_info info = par_info(log->reader);
    *out = (struct par_input){.path = strdup(log->path), .form = par_form_name(info.form), .engine = strdup(info.engine ? info.engine : ""),
                              .title = strdup(info.title ? info.title : ""), .events = log->events, .calls = log->calls, .bytes = info.bytes,
                              .frames = log->frames, .seconds = (double)log->swap_ns / 1e9, .bad = info.bad, .first_bad = info.first_bad,
                              .messages = info.messages, .truncated = info.truncated};
    snprintf(out->first_bad_text, sizeof out->first_bad_text, "%s", info.first_bad_text ? info.first_bad_text : "");
    snprintf(out->exit, sizeof out->exit, "%s", log->exit);
    out->keys = calloc(2 * info.key_count + 1, sizeof *out->keys);
    for (size_t i = 0; out->keys && i < 2 * info.key_count; i++)
        out->keys[out->key_count++] = strdup(info.keys[i] ? info.keys[i] : "");
    out->key_count /= 2;
    return out->path && out->engine && out->title;
}

static void fill_thread(struct par_diff *d, size_t slot, struct par_thread *t)
{
    const struct par_slot *s = &d->shared.slots[slot];
    const struct par_row *a = par_log_row(&d->a, slot), *b = par_log_row(&d->b, slot);
    const struct par_pairing *p = &d->pairings[slot];
    *t = (struct par_thread){.in_reference = a != NULL, .in_ours = b != NULL, .is_main = s->is_main, .is_host = s->is_host, .entry = s->entry,
                             .ordinal = s->ordinal, .first = p->first, .divergences = p->divergences, .prefix = p->prefix};
    const struct par_row *any = a ? a : b;
    t->reference_tid = a ? a->tid : 0;
    t->tid = b ? b->tid : 0;
    t->creator = any ? any->creator_tid : 0;
    snprintf(t->matched_by, sizeof t->matched_by, "%s", a && b ? s->matched_by : "none");
    t->reference_total = a ? a->total : 0;
    t->total = b ? b->total : 0;
    t->matched = p->diverged ? p->matched : p->reference_at;
    if (!p->diverged && p->prefix && b && t->matched > b->total)
        t->matched = b->total; // the last call has not come back here
    // What is behind the last call that both tell is unknown to a text log.
    if (!p->diverged && !p->prefix && a && b && (d->a.told_bit || d->b.told_bit) && !par_queue_head(&a->queue) && !par_queue_head(&b->queue))
        t->matched = a->total;
    t->reference_raw = p->diverged ? p->first_reference_raw : p->reference_raw;
    t->raw = p->diverged ? p->first_raw : p->raw;
}

static void fill_regions(struct par_diff *d)
{
    struct par_result *r = d->result;
    r->regions = calloc(32, sizeof *r->regions);
    for (unsigned i = 0; r->regions && i < 32; i++) {
        if (!d->a.regions[i].count && !d->b.regions[i].count)
            continue;
        static const char *const kinds[] = {[MEM_KIND_VIRTUAL] = "virtual",   [MEM_KIND_IMAGE] = "image", [MEM_KIND_BUS] = "bus",
                                            [MEM_KIND_PHYSICAL] = "physical", [MEM_KIND_ALIAS] = "alias", [MEM_KIND_MMIO] = "mmio"};
        const struct mem_region *region = i < MEM_REGION_COUNT ? mem_region((enum mem_heap)i) : NULL;
        r->regions[r->region_count++] = (struct par_region_use){
            .region = region ? region->name : "none", .kind = region ? kinds[region->kind] : "hole", .page = region ? region->page : 0,
            .gpu_visible = region && (region->kind == MEM_KIND_PHYSICAL || region->kind == MEM_KIND_ALIAS),
            .reference_count = d->a.regions[i].count, .count = d->b.regions[i].count,
            .reference_bytes = d->a.regions[i].bytes, .bytes = d->b.regions[i].bytes};
    }
}

// First the main thread's first one, then by place in the reference.
static int by_importance(const void *x, const void *y)
{
    const struct par_divergence *a = x, *b = y;
    if (a->tolerated != b->tolerated)
        return a->tolerated ? 1 : -1;
    if (a->thread != b->thread)
        return a->thread < b->thread ? -1 : 1;
    if (a->reference_index != b->reference_index)
        return a->reference_index < b->reference_index ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

// Threads of the result: those that call anything, the main thread first. Divergences name them by slot until here.
static void fill_threads(struct par_diff *d)
{
    struct par_result *r = d->result;
    size_t *place = calloc(d->shared.slot_count + 1, sizeof *place);
    r->threads = calloc(d->shared.slot_count + 1, sizeof *r->threads);
    r->main_thread = SIZE_MAX;
    if (!place || !r->threads) {
        d->no_memory = true;
        free(place);
        return;
    }
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < d->shared.slot_count; i++) {
            if (d->shared.slots[i].is_main != (pass == 0))
                continue;
            struct par_thread t;
            fill_thread(d, i, &t);
            if (!t.reference_total && !t.total && !t.is_main)
                continue;
            place[i] = r->thread_count;
            if (t.is_main)
                r->main_thread = r->thread_count;
            r->threads[r->thread_count++] = t;
        }
    for (size_t i = 0; i < r->divergence_count; i++)
        r->divergences[i].thread = place[r->divergences[i].thread];
    free(place);
}

static void sort_divergences(struct par_result *r)
{
    // Threads keep the number of their first one: find it again after sorting.
    if (!r->divergence_count)
        return;
    qsort(r->divergences, r->divergence_count, sizeof *r->divergences, by_importance);
    for (size_t t = 0; t < r->thread_count; t++)
        r->threads[t].first = SIZE_MAX;
}

static void find_first(struct par_result *r, bool by_ordinal)
{
    for (size_t i = 0; i < r->divergence_count; i++) {
        const struct par_divergence *x = &r->divergences[i];
        struct par_thread *t = &r->threads[x->thread];
        if (!x->tolerated && t->first == SIZE_MAX && x->reference_index == t->matched && !(by_ordinal && x->class == PAR_BETA))
            t->first = i;
    }
}

static void fill_result(struct par_diff *d)
{
    struct par_result *r = d->result;
    fill_threads(d);
    fill_regions(d);
    sort_divergences(r);
    find_first(r, d->options->by_ordinal);
    if (d->a.lazy_handles != d->b.lazy_handles && par_rule_on(d, PAR_RULE_LAZY)) {
        struct par_rule_count *c = &r->rules[PAR_RULE_LAZY];
        uint64_t more = d->a.lazy_handles > d->b.lazy_handles ? d->a.lazy_handles - d->b.lazy_handles : d->b.lazy_handles - d->a.lazy_handles;
        c->count += more;
        if (c->example_count < PAR_EXAMPLES)
            c->examples[c->example_count] = par_format("%" PRIu64 " made in the reference, %" PRIu64 " in ours", d->a.lazy_handles, d->b.lazy_handles);
        c->example_count += c->example_count < PAR_EXAMPLES && c->examples[c->example_count];
    }
    if (d->a.untold + d->b.untold) {
        r->rules[PAR_RULE_UNTOLD].count += d->a.untold + d->b.untold;
        r->coverage.unknown += d->a.untold + d->b.untold;
    }
    r->window = d->window;
    r->events_compared = d->a.events + d->b.events;
    uint64_t true_ones = 0;
    for (unsigned c = 0; c < PAR_CLASS_COUNT; c++)
        true_ones += r->by_class[c];
    r->same = !true_ones;
    if (r->main_thread == SIZE_MAX)
        return;
    size_t slot = 0;
    while (slot < d->shared.slot_count && !d->shared.slots[slot].is_main)
        slot++;
    const struct par_pairing *p = &d->pairings[slot];
    r->matched_prefix = r->threads[r->main_thread].matched;
    r->matched_by_ordinal = p->diverged_by_ordinal ? p->matched_by_ordinal : p->diverged ? p->reference_at : r->matched_prefix;
}

static void close_diff(struct par_diff *d)
{
    for (size_t i = 0; i < d->pairing_count; i++)
        for (unsigned k = 0; k < PAR_BEFORE; k++) {
            free(d->pairings[i].before.rows[k]);
            free(d->pairings[i].reference_before.rows[k]);
        }
    free(d->pairings);
    par_log_close(&d->a);
    par_log_close(&d->b);
    par_shared_free(&d->shared);
    par_map_free(&d->kernel);
    par_map_free(&d->kernel_back);
    par_map_free(&d->lifetimes);
    par_map_free(&d->groups);
    free(d->rows_a);
    free(d->rows_b);
    free(d->steps);
}

static unsigned unit_of(const struct par_log *a, const struct par_log *b)
{
    return par_info(a->reader).form == PAR_BARE || par_info(b->reader).form == PAR_BARE ? 1 : 3;
}

enum { HEAD_EVENTS = 20000 };

// Whether a log does not tell who made its threads. Titles make their first ones early; a pipe is believed to.
static bool tells_little(const struct par_log *log)
{
    enum par_form form = par_info(log->reader).form;
    if (form == PAR_BARE || form == PAR_TEXT || !strcmp(log->path, "-"))
        return form == PAR_BARE || form == PAR_TEXT;
    struct par_reader *r;
    struct par_event e;
    uint32_t first = 0;
    bool several = false, made = false;
    if (!par_open(&r, log->path, NULL))
        return false;
    for (unsigned i = 0; i < HEAD_EVENTS && !made && par_next(r, &e); i++) {
        made = e.kind == TRACE_THREAD_CREATE;
        if (e.kind == TRACE_CALL || e.kind == TRACE_RETURN) {
            several = several || (first && e.tid != first);
            first = first ? first : e.tid;
        }
    }
    par_close(r);
    return several && !made;
}

// Exports that a text log names at all: the engine leaves calls of high frequency out, and what is left out is unknown.
static bool note_told(struct par_diff *d, const struct par_log *log, uint8_t bit, struct par_log *other)
{
    struct par_reader *r;
    struct par_event e;
    if (log->form != PAR_TEXT || other->form == PAR_TEXT || !strcmp(log->path, "-") || !par_rule_on(d, PAR_RULE_UNTOLD))
        return true;
    if (!par_open(&r, log->path, NULL))
        return true;
    bool ok = true;
    while (ok && par_next(r, &e)) {
        uint32_t name = e.kind == TRACE_CALL ? par_shared_name(&d->shared, e.name) : UINT32_MAX;
        ok = e.kind != TRACE_CALL || name != UINT32_MAX;
        if (name != UINT32_MAX)
            d->shared.names[name].told |= bit;
    }
    par_close(r);
    other->told_bit = bit;
    return ok;
}

// One comparison. The jitter table goes in and out of `d`.
static bool compare_two(struct par_diff *d, const char *reference, const char *ours, struct error *err)
{
    d->window = d->options->window ? d->options->window : PAR_WINDOW;
    d->shared.rules_off = d->options->rules_off | (d->learning ? (uint64_t)1 << PAR_RULE_PACE : 0);
    if (!par_log_open(&d->a, reference, &d->shared, d->options->frames, err) ||
        !par_log_open(&d->b, ours, &d->shared, d->options->frames, err))
        return false;
    d->shared.unit = unit_of(&d->a, &d->b);
    d->shared.by_first_call = tells_little(&d->a) || tells_little(&d->b);
    if (!note_told(d, &d->a, 1, &d->b) || !note_told(d, &d->b, 2, &d->a))
        return error_set(err, ERR_MEMORY, "no memory to compare");
    d->rows_a = malloc(d->window * sizeof *d->rows_a);
    d->rows_b = malloc(d->window * sizeof *d->rows_b);
    d->steps = malloc(TABLE_BYTES);
    if (!d->rows_a || !d->rows_b || !d->steps)
        return error_set(err, ERR_MEMORY, "no memory to compare");
    run(d);
    if (d->no_memory || d->a.no_memory || d->b.no_memory)
        return error_set(err, ERR_MEMORY, "no memory (or no room for temporary files) to compare %s and %s", reference, ours);
    return true;
}

static void move_jitter(struct par_diff *to, struct par_diff *from)
{
    to->jitter = from->jitter;
    to->jitter_count = from->jitter_count;
    to->jitter_capacity = from->jitter_capacity;
    from->jitter = NULL;
    from->jitter_count = from->jitter_capacity = 0;
}

static struct par_jitter_row *named_jitter(struct par_diff *d, uint64_t key)
{
    for (size_t i = 0; i < d->jitter_count; i++)
        if (d->jitter[i].key == key)
            return &d->jitter[i];
    if (d->jitter_count == d->jitter_capacity)
        return NULL;
    struct par_jitter_row *row = &d->jitter[d->jitter_count++];
    *row = (struct par_jitter_row){.key = key};
    return row;
}

// Lengths of threads that vary among the runs, and the numbers of handles that are made at first use.
static void note_lengths(struct par_diff *d)
{
    for (size_t i = 0; i < d->shared.slot_count; i++) {
        const struct par_row *a = par_log_row(&d->a, i), *b = par_log_row(&d->b, i);
        if (!a || !b)
            continue;
        struct par_jitter_row *row = a->calls != b->calls ? named_jitter(d, 2 * (i + 1)) : NULL;
        if (row) {
            uint64_t low = a->calls < b->calls ? a->calls : b->calls, high = a->calls > b->calls ? a->calls : b->calls;
            row->low = row->count && row->low < low ? row->low : low;
            row->high = row->high > high ? row->high : high;
            row->count++;
            snprintf(row->what, sizeof row->what, "length of thread %" PRIu32 ": %" PRIu64 " to %" PRIu64 " calls", a->tid, row->low, row->high);
        }
        row = a->lazy_handle != b->lazy_handle ? named_jitter(d, 2 * (i + 1) + 1) : NULL;
        if (row) {
            row->count++;
            snprintf(row->what, sizeof row->what, "thread %" PRIu32 ": number of the handle made at the first use of a guest event (0x%08" PRIx32
                     " in run 1, 0x%08" PRIx32 " in another)", a->tid, a->lazy_handle, b->lazy_handle);
        }
    }
}

// What differs between the first run of the reference and another one.
static bool learn_run(struct par_diff *total, const char *first, const char *other, const struct par_options *options, struct error *err)
{
    struct par_result ignored = {0};
    struct par_diff d = {.options = options, .result = &ignored, .learning = true};
    move_jitter(&d, total);
    bool ok = compare_two(&d, first, other, err);
    if (ok) {
        struct par_jitter_row *grown = realloc(d.jitter, (d.jitter_count + 2 * d.shared.slot_count + 1) * sizeof *grown);
        if (grown) {
            d.jitter = grown;
            d.jitter_capacity = d.jitter_count + 2 * d.shared.slot_count + 1;
            note_lengths(&d);
        }
    }
    move_jitter(total, &d);
    close_diff(&d);
    return ok;
}

static bool read_input(struct par_input *out, const char *path)
{
    // Runs of the envelope are named with what their headers say; their events were read while learning.
    struct par_shared shared = {.unit = 3};
    struct par_log log;
    bool ok = par_log_open(&log, path, &shared, 1, NULL) && fill_input(out, &log);
    par_log_close(&log);
    par_shared_free(&shared);
    return ok;
}

static bool compare_all(struct par_diff *d, const char *const *references, size_t count, const char *ours, struct error *err)
{
    struct par_result *r = d->result;
    for (size_t i = 1; i < count; i++)
        if (!learn_run(d, references[0], references[i], d->options, err))
            return false;
    if (!compare_two(d, references[0], ours, err))
        return false;
    fill_result(d);
    r->inputs = calloc(count + 1, sizeof *r->inputs);
    r->input_count = r->inputs ? count + 1 : 0;
    if (!r->inputs || !fill_input(&r->inputs[0], &d->a) || !fill_input(&r->inputs[count], &d->b))
        return error_set(err, ERR_MEMORY, "no memory to report");
    for (size_t i = 1; i < count; i++)
        if (!read_input(&r->inputs[i], references[i]))
            return error_set(err, ERR_MEMORY, "no memory to report");
    r->missed_half = 1;
    for (size_t i = 1; i < count && i < 60; i++)
        r->missed_half /= 2;
    r->jitter = calloc(d->jitter_count + 1, sizeof *r->jitter);
    for (size_t i = 0; r->jitter && i < d->jitter_count; i++) {
        r->jitter[r->jitter_count].count = d->jitter[i].count;
        r->jitter[r->jitter_count].used = d->jitter[i].used;
        memcpy(r->jitter[r->jitter_count++].what, d->jitter[i].what, sizeof r->jitter->what);
    }
    return true;
}

bool par_compare(struct par_result **out, const char *const *references, size_t reference_count, const char *ours,
                 const struct par_options *options, struct error *err)
{
    static const struct par_options defaults = {0};
    *out = NULL;
    struct par_result *r = calloc(1, sizeof *r);
    if (!r || !reference_count) {
        free(r);
        return error_set(err, r ? ERR_ARGUMENT : ERR_MEMORY, r ? "no reference given" : "no memory to compare");
    }
    struct par_diff d = {.options = options ? options : &defaults, .result = r};
    if (reference_count == 1 && par_compare_encoded(r, references[0], ours, d.options)) {
        r->window = d.options->window ? d.options->window : PAR_WINDOW;
        *out = r;
        return true;
    }
    bool ok = compare_all(&d, references, reference_count, ours, err);
    close_diff(&d);
    free(d.jitter);
    if (!ok) {
        par_result_free(r);
        return false;
    }
    *out = r;
    return true;
}

// ---- Freeing

static void free_shown(struct par_shown *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        free(rows[i].text);
}

void par_result_free(struct par_result *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->divergence_count; i++) {
        struct par_divergence *x = &r->divergences[i];
        free(x->call);
        free(x->reference_words);
        free(x->words);
        free(x->why);
        free_shown(&x->reference, 1);
        free_shown(&x->ours, 1);
        free_shown(x->reference_before, x->reference_before_count);
        free_shown(x->before, x->before_count);
        free_shown(x->reference_after, x->reference_after_count);
        free_shown(x->after, x->after_count);
    }
    for (unsigned i = 0; i < PAR_RULE_COUNT; i++)
        for (unsigned k = 0; k < r->rules[i].example_count; k++)
            free(r->rules[i].examples[k]);
    for (size_t i = 0; i < r->input_count; i++) {
        free(r->inputs[i].path);
        free(r->inputs[i].engine);
        free(r->inputs[i].title);
        for (size_t k = 0; k < 2 * r->inputs[i].key_count; k++)
            free(r->inputs[i].keys[k]);
        free(r->inputs[i].keys);
    }
    free(r->inputs);
    free(r->divergences);
    free(r->threads);
    free(r->regions);
    free(r->jitter);
    free(r);
}
