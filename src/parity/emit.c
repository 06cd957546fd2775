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
    return (struct par_shown){r->index, r->line, r->lr, par_show_record(d, r, ours)};
}

static unsigned show_history(const struct par_diff *d, const struct par_history *h, struct par_shown *out, bool ours)
{
    for (unsigned i = 0; i < h->count; i++) {
        unsigned at = (h->next + PAR_BEFORE - h->count + i) % PAR_BEFORE;
        out[i] = show(d, (const struct par_record *)(const void *)h->rows[at], ours);
    }
    return h->count;
}

static struct par_divergence *new_divergence(struct par_diff *d)
{
    struct par_result *r = d->result;
    size_t most = d->options->max_listed ? d->options->max_listed : PAR_LISTED;
    if (r->divergence_count >= most)
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

// The first one of its thread also stands there when the list is full.
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

static void learn_jitter(struct par_diff *d, const struct par_record *r, const char *field);

void par_emit(struct par_diff *d, struct par_finding *f)
{
    if (d->learning) {
        if (!f->tolerated)
            learn_jitter(d, f->a ? f->a : f->b, f->field);
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
        struct par_divergence *x = new_divergence(d);
        if (x) {
            fill(d, x, f);
            listed = d->result->divergence_count - 1;
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

static void learn_jitter(struct par_diff *d, const struct par_record *r, const char *field)
{
    uint64_t key = jitter_key(d, r, field);
    struct par_jitter_row *row = find_jitter(d, key);
    if (!row && d->jitter_count == d->jitter_capacity) {
        size_t capacity = d->jitter_capacity ? d->jitter_capacity * 2 : 32;
        struct par_jitter_row *grown = realloc(d->jitter, capacity * sizeof *grown);
        if (!grown)
            return;
        d->jitter = grown;
        d->jitter_capacity = capacity;
    }
    if (!row) {
        row = &d->jitter[d->jitter_count++];
        *row = (struct par_jitter_row){.key = key};
        bool call = !strcmp(field, "call");
        snprintf(row->what, sizeof row->what, "%s%s%s from 0x%08" PRIx32 "%s", d->shared.names[r->call].text, call ? "" : " ", call ? "" : field, r->lr,
                 call ? ": calls more or fewer" : "");
    }
    row->count++;
}

bool par_in_envelope(struct par_diff *d, const struct par_record *a, const char *field, bool count)
{
    if (!d->jitter_count || d->learning || !par_rule_on(d, PAR_RULE_ENVELOPE))
        return false;
    struct par_jitter_row *row = find_jitter(d, jitter_key(d, a, field));
    if (row && count)
        row->used++;
    return row != NULL;
}

bool par_is_floating(struct par_diff *d, const struct par_record *r, bool count)
{
    enum par_rule rule = PAR_RULE_ENVELOPE;
    bool pace = d->pace && par_rule_on(d, PAR_RULE_PACE) && !strcmp(d->shared.names[r->call].text, "KeTlsGetValue");
    if (pace)
        rule = PAR_RULE_PACE;
    else if (!par_in_envelope(d, r, "call", count))
        return false;
    if (count)
        par_count_rule(d, rule, r, "call", NULL, NULL);
    return true;
}
