// Divergences as they are found: grouped by cause, with their evidence.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parity/diff.h"
#include "trace/buffer.h"

static uint64_t cause_of(const struct par_diff *d, const struct par_finding *f)
{
    const struct par_record *r = f->a ? f->a : f->b;
    struct {
        uint64_t class, call, lr, slot, tolerated, field;
    } cause = {f->class, r->call, r->lr, d->slot, f->tolerated, trace_fnv1a(f->field, strlen(f->field))};
    return trace_fnv1a(&cause, sizeof cause) | 1;
}

static struct par_shown show(const struct par_diff *d, const struct par_record *r, bool ours)
{
    struct par_shown s = {.index = r->index, .line = r->line, .lr = r->lr, .text = par_show_record(d, r, ours)};
    if (r->lr)
        s.stack[s.stack_count++] = r->lr;
    for (unsigned i = 0; i < r->stack_count && s.stack_count < sizeof s.stack / sizeof *s.stack; i++)
        s.stack[s.stack_count++] = r->stack[i];
    return s;
}

static void append_shown(struct par_shown *rows, unsigned *count, struct par_shown row)
{
    if (*count < PAR_BEFORE)
        rows[(*count)++] = row;
    else
        free(row.text);
}

void par_show_behind(struct par_diff *d, const struct par_record *r, bool ours)
{
    struct par_pairing *p = &d->pairings[d->slot];
    for (unsigned i = 0; i < p->tail_count; i++) {
        const struct par_tail *tail = &p->tails[i];
        struct par_divergence *x = &d->result->divergences[tail->listed];
        unsigned *count = ours ? &x->after_count : &x->reference_after_count;
        if (r->index >= (ours ? tail->from : tail->reference_from) && *count < PAR_BEFORE)
            append_shown(ours ? x->after : x->reference_after, count, show(d, r, ours));
        if (x->after_count == PAR_BEFORE && x->reference_after_count == PAR_BEFORE)
            p->tails[i--] = p->tails[--p->tail_count];
    }
}

static void want_behind(struct par_diff *d, size_t listed, const struct par_finding *f)
{
    struct par_pairing *p = &d->pairings[d->slot];
    if (p->tail_count == PAR_TAILS) {
        memmove(p->tails, p->tails + 1, (PAR_TAILS - 1) * sizeof *p->tails);
        p->tail_count--;
    }
    p->tails[p->tail_count++] = (struct par_tail){listed, f->a ? f->a->index + 1 : p->reference_at, f->b ? f->b->index + 1 : p->at};
}

static unsigned show_history(const struct par_diff *d, const struct par_history *h, struct par_shown *out, bool ours)
{
    for (unsigned i = 0; i < h->count; i++) {
        unsigned at = (h->next + PAR_BEFORE - h->count + i) % PAR_BEFORE;
        out[i] = show(d, (const struct par_record *)(const void *)h->rows[at], ours);
    }
    return h->count;
}

// `needed`: also when the list is full, since a thread's first one must be there.
static struct par_divergence *new_divergence(struct par_diff *d, bool needed)
{
    struct par_result *r = d->result;
    size_t most = d->options->max_listed ? d->options->max_listed : PAR_LISTED;
    if (r->divergence_count >= most && !needed)
        return NULL;
    if (r->divergence_count == d->listed_capacity) {
        size_t capacity = d->listed_capacity ? d->listed_capacity * 2 : 32;
        struct par_divergence *grown = realloc(r->divergences, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        r->divergences = grown;
        d->listed_capacity = capacity;
    }
    struct par_divergence *x = &r->divergences[r->divergence_count++];
    *x = (struct par_divergence){.count = 1};
    return x;
}

static uint64_t reference_place(const struct par_diff *d, const struct par_finding *f)
{
    return f->a ? f->a->index + (d->shared.unit == 1 ? 0 : f->event) : d->pairings[d->slot].reference_at;
}

static void note_first(struct par_diff *d, const struct par_finding *f, size_t listed)
{
    struct par_pairing *p = &d->pairings[d->slot];
    uint64_t at = reference_place(d, f);
    bool alone = d->options->by_ordinal && f->class == PAR_BETA;
    if (!p->diverged && !alone) {
        p->diverged = true;
        p->matched = at;
        p->first = listed;
        p->first_reference_raw = f->a ? f->a->raw_index : p->reference_raw;
        p->first_raw = f->b ? f->b->raw_index : p->raw;
    }
    if (!p->diverged_by_ordinal && f->class != PAR_BETA) {
        p->diverged_by_ordinal = true;
        p->matched_by_ordinal = at;
    }
    p->stuck = p->stuck || (f->b && !(f->b->flags & PAR_RETURNED) && f->event == 2);
    p->divergences++;
    d->result->by_class[f->class]++;
}

static void fill(struct par_diff *d, struct par_divergence *x, const struct par_finding *f)
{
    const struct par_pairing *p = &d->pairings[d->slot];
    unsigned event = d->shared.unit == 1 ? 0 : f->event;
    x->class = f->class;
    x->rule = f->rule;
    x->tolerated = f->tolerated;
    x->thread = d->slot;
    x->reference_index = reference_place(d, f);
    x->index = f->b ? f->b->index + event : p->at;
    x->call = strdup(d->shared.names[(f->a ? f->a : f->b)->call].text);
    snprintf(x->field, sizeof x->field, "%s", f->field);
    x->has_values = f->va && f->vb;
    if (x->has_values) {
        x->reference_value = f->va->raw;
        x->value = f->vb->raw;
        x->reference_words = par_show_value(d, f->a, f->va, f->type);
        x->words = par_show_value(d, f->b, f->vb, f->type);
    }
    x->why = f->why;
    x->next = par_class_next(f->class);
    if (f->a)
        x->reference = show(d, f->a, false);
    if (f->b)
        x->ours = show(d, f->b, true);
    x->reference_before_count = show_history(d, &p->reference_before, x->reference_before, false);
    x->before_count = show_history(d, &p->before, x->before, true);
}

static void learn_jitter(struct par_diff *d, const struct par_record *r, const char *field, const struct par_value *va, const struct par_value *vb);

void par_emit(struct par_diff *d, struct par_finding *f)
{
    if (d->learning) {
        if (!f->tolerated)
            learn_jitter(d, f->a ? f->a : f->b, f->field, f->va, f->vb);
        free(f->why);
        return;
    }
    uint64_t *group = par_map_put(&d->groups, cause_of(d, f));
    size_t listed = SIZE_MAX;
    if (group && *group) {
        listed = (size_t)*group - 1;
        struct par_divergence *x = &d->result->divergences[listed];
        x->count++;
        if (x->also_count < PAR_ALSO)
            x->also[x->also_count++] = reference_place(d, f);
        free(f->why);
    } else {
        struct par_divergence *x = new_divergence(d, !f->tolerated && !d->pairings[d->slot].diverged);
        if (x) {
            fill(d, x, f);
            listed = d->result->divergence_count - 1;
            want_behind(d, listed, f);
            if (group)
                *group = listed + 1;
        } else {
            free(f->why);
        }
    }
    if (!f->tolerated)
        note_first(d, f, listed);
}

void par_count_rule(struct par_diff *d, enum par_rule rule, const struct par_record *a, const char *field,
                    const struct par_value *va, const struct par_value *vb)
{
    struct par_rule_count *c = &d->result->rules[rule];
    c->count++;
    if (c->example_count == PAR_EXAMPLES || d->learning)
        return;
    char *wa = va ? par_show_value(d, a, va, EXP_U32) : NULL, *wb = vb ? par_show_value(d, a, vb, EXP_U32) : NULL;
    c->examples[c->example_count] = par_format("%s %s at %" PRIu64 "%s%s%s%s", d->shared.names[a->call].text, field, a->index, wa ? ": " : "",
                                               wa ? wa : "", wb ? " / " : "", wb ? wb : "");
    c->example_count += c->examples[c->example_count] != NULL;
    free(wa);
    free(wb);
}

// ---- The reference's jitter

static uint64_t jitter_key(const struct par_diff *d, const struct par_record *r, const char *field)
{
    struct {
        uint64_t call, lr, slot, field;
    } key = {d->shared.names[r->call].hash, r->lr, d->shared.slots[d->slot].key, trace_fnv1a(field, strlen(field))};
    return trace_fnv1a(&key, sizeof key) | 1;
}

static struct par_jitter_row *find_jitter(const struct par_diff *d, uint64_t key)
{
    for (size_t i = 0; i < d->jitter_count; i++)
        if (d->jitter[i].key == key)
            return &d->jitter[i];
    return NULL;
}

static struct par_jitter_row *get_jitter(struct par_diff *d, uint64_t key)
{
    struct par_jitter_row *row = find_jitter(d, key);
    if (row)
        return row;
    if (d->jitter_count == d->jitter_capacity) {
        size_t capacity = d->jitter_capacity ? d->jitter_capacity * 2 : 32;
        struct par_jitter_row *grown = realloc(d->jitter, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        d->jitter = grown;
        d->jitter_capacity = capacity;
    }
    row = &d->jitter[d->jitter_count++];
    *row = (struct par_jitter_row){.key = key};
    return row;
}

// Small numbers and statuses: what an export gives as one of a few answers. Another answer is no jitter.
static bool is_answer(const struct par_value *v)
{
    uint32_t low = (uint32_t)v->raw;
    return v->meaning == PAR_PLAIN && (low < 0x400 || low - 0xC0000000u < 0x400 || low - 0x80000000u < 0x40);
}

static void learn_value(struct par_jitter_row *row, const struct par_value *v)
{
    if (!v || !is_answer(v)) {
        row->any_value = true;
        return;
    }
    for (unsigned i = 0; i < row->value_count; i++)
        if (row->values[i] == (uint32_t)v->raw)
            return;
    if (row->value_count == PAR_JITTER_VALUES)
        row->any_value = true;
    else
        row->values[row->value_count++] = (uint32_t)v->raw;
}

static void name_values(const struct par_diff *d, struct par_jitter_row *row, const struct par_record *r, const char *field)
{
    int n = snprintf(row->what, sizeof row->what, "%s %s from 0x%08" PRIx32 "%s", d->shared.names[r->call].text, field, r->lr,
                     row->any_value ? "" : ": one of");
    for (unsigned i = 0; !row->any_value && i < row->value_count && n > 0 && (size_t)n < sizeof row->what - 12; i++)
        n += snprintf(row->what + n, sizeof row->what - (size_t)n, " 0x%" PRIx64, row->values[i]);
}

static void learn_jitter(struct par_diff *d, const struct par_record *r, const char *field, const struct par_value *va, const struct par_value *vb)
{
    struct par_jitter_row *row = get_jitter(d, jitter_key(d, r, field));
    if (!row)
        return;
    row->count++;
    if (!strcmp(field, "call")) {
        snprintf(row->what, sizeof row->what, "%s from 0x%08" PRIx32 ": calls more or fewer", d->shared.names[r->call].text, r->lr);
        return;
    }
    learn_value(row, va);
    learn_value(row, vb);
    name_values(d, row, r, field);
}

bool par_in_envelope(struct par_diff *d, const struct par_record *a, const char *field, const struct par_value *ours, bool count)
{
    if (!d->jitter_count || d->learning || !par_rule_on(d, PAR_RULE_ENVELOPE))
        return false;
    struct par_jitter_row *row = find_jitter(d, jitter_key(d, a, field));
    bool inside = row && (row->any_value || !row->value_count || !ours);
    for (unsigned i = 0; row && ours && i < row->value_count; i++)
        inside = inside || (is_answer(ours) && row->values[i] == (uint32_t)ours->raw);
    if (inside && count)
        row->used++;
    return inside;
}

// ---- Order windows: calls of one thread that the reference makes now before, now behind others

enum { MOVE_CROSSED = 8 }; // calls that are learnt along: which of two swapped ones has moved is in the eye of the beholder

static void learn_one_move(struct par_diff *d, const struct par_record *r, size_t distance)
{
    struct par_jitter_row *row = get_jitter(d, jitter_key(d, r, "order"));
    if (!row)
        return;
    row->count++;
    row->high = distance > row->high ? distance : row->high;
    snprintf(row->what, sizeof row->what, "%s from 0x%08" PRIx32 ": order, within %" PRIu64 " calls", d->shared.names[r->call].text, r->lr, row->high);
}

void par_learn_move(struct par_diff *d, const struct par_record *r, const struct par_record *const *crossed, size_t count)
{
    learn_one_move(d, r, count);
    for (size_t i = 0; i < count && count <= MOVE_CROSSED; i++)
        learn_one_move(d, crossed[i], count);
}

bool par_may_move(struct par_diff *d, const struct par_record *r, const struct par_record *const *crossed, size_t count)
{
    (void)crossed;
    if (!d->jitter_count || d->learning || !par_rule_on(d, PAR_RULE_ENVELOPE))
        return false;
    struct par_jitter_row *row = find_jitter(d, jitter_key(d, r, "order"));
    if (!row || count > 2 * row->high) // two runs do not show how far it can go
        return false;
    row->used++;
    par_count_rule(d, PAR_RULE_ENVELOPE, r, "order", NULL, NULL);
    return true;
}

// ---- Calls that may float

enum { REBUILD_CALLS = 16 }; // more in one second are no text

// The text that titles rebuild in each second of their own time.
static bool is_rebuild(struct par_diff *d, const struct par_record *r, bool ours, bool count)
{
    uint64_t second = r->ns / 1000000000;
    if (!d->pace || !par_rule_on(d, PAR_RULE_PACE) || strcmp(d->shared.names[r->call].text, "KeTlsGetValue") != 0)
        return false;
    bool same = d->rebuilds[ours].calls && d->rebuilds[ours].second == second;
    if (same && d->rebuilds[ours].calls >= REBUILD_CALLS)
        return false;
    if (count) {
        d->rebuilds[ours].calls = same ? d->rebuilds[ours].calls + 1 : 1;
        d->rebuilds[ours].second = second;
        d->rebuilt = true;
    }
    return true;
}

bool par_is_floating(struct par_diff *d, const struct par_record *r, bool ours, bool count)
{
    enum par_rule rule = is_rebuild(d, r, ours, count) ? PAR_RULE_PACE : PAR_RULE_ENVELOPE;
    if (rule == PAR_RULE_ENVELOPE && !par_in_envelope(d, r, "call", NULL, count))
        return false;
    if (count)
        par_count_rule(d, rule, r, "call", NULL, NULL);
    return true;
}
