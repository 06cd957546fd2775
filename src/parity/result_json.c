// The result as JSON: docs/parity.md. Keys are never renamed; new ones may come.
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "parity/parity.h"

static struct json_object *text(const char *s)
{
    return s ? json_object_new_string(s) : NULL;
}

static struct json_object *number(uint64_t n)
{
    return json_object_new_uint64(n);
}

static struct json_object *hex(uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, value > UINT32_MAX ? "0x%016" PRIx64 : "0x%08" PRIx64, value);
    return json_object_new_string(digits);
}

static void add(struct json_object *o, const char *key, struct json_object *value)
{
    json_object_object_add(o, key, value);
}

static struct json_object *shown(const struct par_shown *s)
{
    if (!s->text)
        return NULL;
    struct json_object *o = json_object_new_object();
    add(o, "index", number(s->index));
    add(o, "line", number(s->line));
    add(o, "lr", s->lr ? hex(s->lr) : NULL);
    add(o, "text", text(s->text));
    struct json_object *stack = json_object_new_array();
    for (unsigned i = 0; i < s->stack_count; i++)
        json_object_array_add(stack, hex(s->stack[i]));
    add(o, "stack", stack);
    return o;
}

static struct json_object *shown_list(const struct par_shown *rows, unsigned count)
{
    struct json_object *list = json_object_new_array();
    for (unsigned i = 0; i < count; i++)
        json_object_array_add(list, shown(&rows[i]));
    return list;
}

static struct json_object *divergence(const struct par_result *r, const struct par_divergence *x)
{
    const struct par_thread *t = &r->threads[x->thread];
    struct json_object *o = json_object_new_object();
    add(o, "reference_tid", t->in_reference ? number(t->reference_tid) : NULL);
    add(o, "tid", t->in_ours ? number(t->tid) : NULL);
    add(o, "reference_index", number(x->reference_index));
    add(o, "index", number(x->index));
    add(o, "class", text(par_class_name(x->class)));
    add(o, "call", text(x->call));
    add(o, "field", text(x->field));
    add(o, "reference_value", x->has_values ? hex(x->reference_value) : NULL);
    add(o, "value", x->has_values ? hex(x->value) : NULL);
    add(o, "reference_words", text(x->reference_words));
    add(o, "words", text(x->words));
    add(o, "why", text(x->why));
    add(o, "next", text(x->next));
    add(o, "rule", x->rule < PAR_RULE_COUNT ? text(par_rule_name(x->rule)) : NULL);
    add(o, "tolerated", json_object_new_boolean(x->tolerated));
    add(o, "count", number(x->count));
    struct json_object *also = json_object_new_array();
    for (unsigned i = 0; i < x->also_count; i++)
        json_object_array_add(also, number(x->also[i]));
    add(o, "also_at", also);
    add(o, "reference_event", shown(&x->reference));
    add(o, "event", shown(&x->ours));
    add(o, "reference_before", shown_list(x->reference_before, x->reference_before_count));
    add(o, "before", shown_list(x->before, x->before_count));
    add(o, "reference_after", shown_list(x->reference_after, x->reference_after_count));
    add(o, "after", shown_list(x->after, x->after_count));
    return o;
}

static struct json_object *first_divergence(const struct par_result *r, const struct par_thread *t)
{
    if (t->first >= r->divergence_count)
        return NULL;
    const struct par_divergence *x = &r->divergences[t->first];
    struct json_object *o = json_object_new_object();
    add(o, "reference_index", number(x->reference_index));
    add(o, "index", number(x->index));
    add(o, "class", text(par_class_name(x->class)));
    add(o, "call", text(x->call));
    add(o, "field", text(x->field));
    add(o, "why", text(x->why));
    return o;
}

static struct json_object *thread(const struct par_result *r, const struct par_thread *t)
{
    struct json_object *o = json_object_new_object();
    add(o, "reference_tid", t->in_reference ? number(t->reference_tid) : NULL);
    add(o, "tid", t->in_ours ? number(t->tid) : NULL);
    add(o, "matched", number(t->matched));
    add(o, "reference_total", number(t->reference_total));
    add(o, "total", number(t->total));
    add(o, "first_divergence", first_divergence(r, t));
    add(o, "main", json_object_new_boolean(t->is_main));
    add(o, "host", json_object_new_boolean(t->is_host));
    add(o, "prefix", json_object_new_boolean(t->prefix));
    add(o, "matched_by", text(t->matched_by));
    add(o, "entry", t->entry ? hex(t->entry) : NULL);
    add(o, "reference_raw_index", number(t->reference_raw));
    add(o, "raw_index", number(t->raw));
    add(o, "divergences", number(t->divergences));
    return o;
}

static struct json_object *input(const struct par_input *in)
{
    struct json_object *o = json_object_new_object(), *keys = json_object_new_object();
    add(o, "path", text(in->path));
    add(o, "form", text(in->form));
    add(o, "engine", text(in->engine));
    add(o, "title", text(in->title));
    add(o, "events", number(in->events));
    add(o, "calls", number(in->calls));
    add(o, "frames", number(in->frames));
    add(o, "bad", number(in->bad));
    add(o, "first_bad", in->bad ? number(in->first_bad) : NULL);
    add(o, "messages", number(in->messages));
    add(o, "truncated", json_object_new_boolean(in->truncated));
    for (size_t i = 0; i < in->key_count; i++)
        add(keys, in->keys[2 * i], text(in->keys[2 * i + 1]));
    add(o, "header", keys);
    return o;
}

static struct json_object *rules(const struct par_result *r)
{
    struct json_object *o = json_object_new_object();
    for (unsigned i = 0; i < PAR_RULE_COUNT; i++)
        if (r->rules[i].count)
            add(o, par_rule_name((enum par_rule)i), number(r->rules[i].count));
    return o;
}

static struct json_object *examples(const struct par_result *r)
{
    struct json_object *o = json_object_new_object();
    for (unsigned i = 0; i < PAR_RULE_COUNT; i++) {
        struct json_object *list = json_object_new_array();
        for (unsigned k = 0; k < r->rules[i].example_count; k++)
            json_object_array_add(list, text(r->rules[i].examples[k]));
        if (r->rules[i].example_count)
            add(o, par_rule_name((enum par_rule)i), list);
        else
            json_object_put(list);
    }
    return o;
}

static struct json_object *regions(const struct par_result *r)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < r->region_count; i++) {
        const struct par_region_use *u = &r->regions[i];
        struct json_object *o = json_object_new_object();
        add(o, "region", text(u->region));
        add(o, "kind", text(u->kind));
        add(o, "page_size", u->page ? number(u->page) : NULL);
        add(o, "gpu_visible", json_object_new_boolean(u->gpu_visible));
        add(o, "reference_allocations", number(u->reference_count));
        add(o, "allocations", number(u->count));
        add(o, "reference_bytes", number(u->reference_bytes));
        add(o, "bytes", number(u->bytes));
        json_object_array_add(list, o);
    }
    return list;
}

static struct json_object *jitter(const struct par_result *r)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < r->jitter_count; i++) {
        struct json_object *o = json_object_new_object();
        add(o, "what", text(r->jitter[i].what));
        add(o, "count", number(r->jitter[i].count));
        add(o, "used", number(r->jitter[i].used));
        json_object_array_add(list, o);
    }
    return list;
}

static struct json_object *classes(const struct par_result *r)
{
    struct json_object *o = json_object_new_object();
    for (unsigned i = 0; i < PAR_CLASS_COUNT; i++)
        if (r->by_class[i])
            add(o, par_class_name((enum par_class)i), number(r->by_class[i]));
    return o;
}

void par_write_json(FILE *out, const struct par_result *r)
{
    struct json_object *o = json_object_new_object(), *list = json_object_new_array(), *coverage = json_object_new_object();
    char chance[24];
    snprintf(chance, sizeof chance, "%.4g", r->missed_half);
    add(o, "matched_prefix", number(r->matched_prefix));
    add(o, "matched_prefix_by_ordinal", number(r->matched_by_ordinal));
    add(o, "same", json_object_new_boolean(r->same));
    for (size_t i = 0; i < r->thread_count; i++)
        json_object_array_add(list, thread(r, &r->threads[i]));
    add(o, "threads", list);
    list = json_object_new_array();
    for (size_t i = 0; i < r->divergence_count; i++)
        json_object_array_add(list, divergence(r, &r->divergences[i]));
    add(o, "divergences", list);
    add(o, "rules", rules(r));
    add(o, "rule_examples", examples(r));
    add(o, "classes", classes(r));
    add(coverage, "compared", number(r->coverage.compared));
    add(coverage, "equal", number(r->coverage.equal));
    add(coverage, "masked", number(r->coverage.masked));
    add(coverage, "unknown", number(r->coverage.unknown));
    add(o, "coverage", coverage);
    add(o, "regions", regions(r));
    add(o, "reference_runs", number(r->input_count ? r->input_count - 1 : 0));
    add(o, "missed_half", r->input_count > 2 ? json_object_new_double_s(r->missed_half, chance) : NULL);
    add(o, "jitter", jitter(r));
    list = json_object_new_array();
    for (size_t i = 0; i < r->input_count; i++)
        json_object_array_add(list, input(&r->inputs[i]));
    add(o, "inputs", list);
    add(o, "window", number(r->window));
    add(o, "encoded_alike", json_object_new_boolean(r->fast));
    fputs(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE), out);
    fputc('\n', out);
    json_object_put(o);
}
