#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/progress.h"
#include "parity/wedge.h"

static const char help[] =
    "usage: xenolith wedge LOG [--reference LOG] [--handle H] [--at INDEX] [--json]\n"
    "\n"
    "Who waits for whom at the end of a run, or at the event with global index INDEX; which of these waits nobody can end, and why;\n"
    "the life of each object waited for: where it was made, every wait, every signal, by which thread from which place.\n"
    "\n"
    "  --reference LOG  a run that went on: who ended the same wait there, and where that thread is now here\n"
    "  --handle H       the whole life of one handle, or of an object or lock at a guest address\n"
    "  --at INDEX       look at this moment, not at the end\n"
    "  --json           the same as JSON (docs/wedge.md)\n"
    "\n"
    "Status 0: no wedge, 1: wedge, 2: the log cannot be read. A log is ours or JSON Lines of schema v1, of any engine.\n\n"
          "Example: xenolith wedge hung.xtrace --json\n";

enum { STATUS_WEDGE = 1, STATUS_ERROR = 2 };
enum { SHOWN_ENTRIES = 24 };

struct options {
    const char *log, *reference;
    bool json;
    uint64_t at;
    uint32_t handle;
};

static bool parse_number(const char *name, const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = text ? strtoull(text, &end, 0) : 0;
    if (text && *text >= '0' && *text <= '9' && !*end && !errno)
        return true;
    fprintf(stderr, "xenolith wedge: %s needs a number, not '%s'\n", name, text ? text : "");
    return false;
}

static bool parse_options(int argc, char **argv, struct options *o)
{
    *o = (struct options){.at = UINT64_MAX};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        uint64_t number = 0;
        if (!strcmp(argv[i], "--json")) {
            o->json = true;
        } else if (!strcmp(argv[i], "--reference") && value) {
            o->reference = argv[++i];
        } else if (!strcmp(argv[i], "--at")) {
            if (!parse_number("--at", value, &o->at))
                return false;
            i++;
        } else if (!strcmp(argv[i], "--handle")) {
            // As reports write them, F8000020 is a handle too.
            bool hex = value && strspn(value, "0123456789abcdefABCDEF") == strlen(value) && strpbrk(value, "abcdefABCDEF");
            if (hex)
                number = strtoull(value, NULL, 16);
            else if (!parse_number("--handle", value, &number))
                return false;
            o->handle = (uint32_t)number;
            i++;
        } else if (argv[i][0] != '-' && !o->log) {
            o->log = argv[i];
        } else {
            fprintf(stderr, "xenolith wedge: unexpected '%s'; see xenolith wedge --help\n", argv[i]);
            return false;
        }
    }
    if (!o->log)
        fputs(help, stderr);
    return o->log != NULL;
}

// ---- Text

static const char *role(const struct par_wedge_thread *t)
{
    return t->main ? "main" : t->guest ? "thread" : "machine";
}

static void print_entry(const struct par_wedge_entry *e)
{
    printf("      %8" PRIu64 "  t%-3u %-18s", e->index, e->tid, par_wedge_act_words(e->act));
    if (e->in_interrupt)
        printf(" in the %s callback", e->source ? "command processor" : "vblank");
    if (e->call[0])
        printf(" %s from 0x%08x", e->call, e->lr);
    if (par_wedge_act_gives(e->act) && e->waiters)
        printf(", %u waiting", e->waiters);
    if (e->act == PAR_ACT_GOT || e->act == PAR_ACT_TIMED_OUT)
        printf(" = 0x%08x", e->value);
    else if (e->act == PAR_ACT_SET && e->value == 1)
        fputs(", was set already", stdout);
    putchar('\n');
}

static void print_head(const struct par_wedge_object *o)
{
    printf("    %s (0x%08x)", o->name, o->handle);
    if (o->automatic != PAR_NOT_KNOWN)
        printf(", %s reset", o->automatic ? "auto" : "manual");
    if (o->initial != PAR_NOT_KNOWN && !strcmp(o->type, "Event"))
        printf(", initially %s", o->initial ? "set" : "not set");
    else if (o->initial != PAR_NOT_KNOWN && strcmp(o->type, "Timer") != 0)
        printf(", initial state %d", o->initial);
    printf("; %" PRIu64 " waits, %" PRIu64 " signals, %" PRIu64 " taken", o->waits, o->gives, o->takes);
    if (o->owner)
        printf("; owned by t%u since %" PRIu64 " (%s from 0x%08x)", o->owner, o->owned_since.index, o->owned_since.call, o->owned_since.lr);
    puts(o->alive ? "" : "; closed");
}

static void print_life(const struct par_wedge_object *o, bool whole)
{
    print_head(o);
    size_t n = o->entry_count, from = whole || n <= SHOWN_ENTRIES ? 0 : n - SHOWN_ENTRIES / 2;
    for (size_t i = 0; i < n; i++) {
        if (from && i == SHOWN_ENTRIES / 2) {
            printf("      ... %zu more; --handle 0x%08x shows them\n", o->entry_total - SHOWN_ENTRIES, o->handle);
            i = from;
        }
        print_entry(&o->entries[i]);
    }
    for (size_t i = 0; i < o->site_count && whole; i++) {
        const struct par_wedge_site *s = &o->sites[i];
        printf("      %" PRIu64 " times: t%u %s %s from 0x%08x, first %" PRIu64 ", last %" PRIu64 "\n", s->count, s->first.tid,
               par_wedge_act_words(s->first.act), s->first.call, s->first.lr, s->first.index, s->last.index);
    }
}

static void print_stuck(const struct par_wedge_model *m, const struct par_wedge_stuck *s)
{
    const struct par_wedge_thread *t = &m->threads[s->thread];
    printf("  t%u (%s, entry 0x%08x) %s", t->tid, t->key, t->entry, t->spins ? "spins on" : "waits for");
    for (unsigned i = 0; i < t->target_count; i++)
        printf("%s %s", i ? t->all ? " and" : " or" : "", m->objects[t->targets[i]].name);
    if (!t->target_count)
        fputs(" time to pass", stdout);
    printf(" since %" PRIu64 ": %s from 0x%08x\n", t->wait.index, t->wait.call[0] ? t->wait.call : "?", t->wait.lr);
    printf("    %s: %s\n", par_wedge_cause_name(s->cause), s->why);
    if (s->reference[0])
        printf("    reference: %s\n", s->reference);
}

static void print_rings(const struct par_wedge_model *m, const struct par_wedge_verdict *v)
{
    for (size_t i = 0; i < v->cycle_count; i++) {
        const size_t *ring = v->cycles[i];
        size_t last = 0;
        while (ring[last] != SIZE_MAX)
            last++;
        printf("ring: t%u", m->threads[ring[last - 1]].tid);
        for (size_t k = 0; k < last; k++) {
            const struct par_wedge_thread *from = &m->threads[k ? ring[k - 1] : ring[last - 1]];
            printf(" -> %s of t%u", m->objects[from->targets[0]].name, m->threads[ring[k]].tid);
        }
        putchar('\n');
    }
}

static void print_threads(const struct par_wedge_model *m)
{
    puts("threads:");
    for (size_t i = 0; i < m->thread_count; i++) {
        const struct par_wedge_thread *t = &m->threads[i];
        char where[192];
        if (!t->guest && !t->last_call.index)
            continue;
        par_wedge_where(m, t, where, sizeof where);
        printf("  t%u (%s, %s) %s\n", t->tid, t->key, role(t), where);
    }
}

static void print_text(const struct options *o, const struct par_wedge_model *m, const struct par_wedge_model *reference,
                       const struct par_wedge_verdict *v)
{
    size_t wedged = 0;
    for (size_t i = 0; i < v->stuck_count; i++)
        wedged += v->stuck[i].wedged;
    if (v->wedged)
        printf("wedge: %zu of %zu waiting threads can never go on, at event %" PRIu64 "\n", wedged, v->stuck_count, m->at);
    else
        printf("no wedge at event %" PRIu64 ": %zu threads wait, each lawfully\n", m->at, v->stuck_count);
    if (m->exit[0])
        printf("the run ended: %s\n", m->exit);
    print_rings(m, v);
    for (size_t i = 0; i < v->stuck_count; i++) {
        const struct par_wedge_stuck *s = &v->stuck[i];
        if (i == wedged)
            puts(i ? "waiting lawfully:" : "waiting:");
        print_stuck(m, s);
        if (!s->wedged || s->object == SIZE_MAX)
            continue;
        print_life(&m->objects[s->object], false);
        if (reference && s->reference_object != SIZE_MAX) {
            puts("    the same object in the reference:");
            print_life(&reference->objects[s->reference_object], false);
        }
    }
    print_threads(m);
    for (size_t i = 0; o->handle && i < m->object_count; i++)
        if (m->objects[i].handle == o->handle || m->objects[i].address == o->handle) {
            puts("life:");
            print_life(&m->objects[i], true);
        }
}

// ---- JSON

static void add_text(json_object *to, const char *key, const char *text)
{
    json_object_object_add(to, key, json_object_new_string(text));
}

static void add_number(json_object *to, const char *key, uint64_t value)
{
    json_object_object_add(to, key, json_object_new_uint64(value));
}

static void add_address(json_object *to, const char *key, uint32_t value)
{
    char text[16];
    snprintf(text, sizeof text, "0x%08x", value);
    add_text(to, key, text);
}

static json_object *json_entry(const struct par_wedge_entry *e)
{
    json_object *o = json_object_new_object();
    add_number(o, "index", e->index);
    add_number(o, "tid", e->tid);
    add_text(o, "act", par_wedge_act_words(e->act));
    add_text(o, "call", e->call);
    add_address(o, "lr", e->lr);
    json_object_object_add(o, "interrupt", e->in_interrupt ? json_object_new_int((int)e->source) : NULL);
    return o;
}

static json_object *known(int value)
{
    return value == PAR_NOT_KNOWN ? NULL : json_object_new_int(value);
}

static json_object *json_object_life(const struct par_wedge_object *o)
{
    json_object *out = json_object_new_object(), *life = json_object_new_array();
    add_text(out, "name", o->name);
    add_text(out, "type", o->type);
    add_address(out, "handle", o->handle);
    json_object_object_add(out, "auto_reset", o->automatic == PAR_NOT_KNOWN ? NULL : json_object_new_boolean(o->automatic));
    json_object_object_add(out, "initial", known(o->initial));
    json_object_object_add(out, "owner", o->owner ? json_object_new_int64(o->owner) : NULL);
    json_object_object_add(out, "created", json_entry(&o->created));
    add_number(out, "waits", o->waits);
    add_number(out, "signals", o->gives);
    add_number(out, "taken", o->takes);
    for (size_t i = 0; i < o->entry_count; i++)
        json_object_array_add(life, json_entry(&o->entries[i]));
    json_object_object_add(out, "life", life);
    return out;
}

static json_object *json_thread(const struct par_wedge_model *m, const struct par_wedge_thread *t)
{
    json_object *o = json_object_new_object(), *targets = json_object_new_array();
    char where[192];
    par_wedge_where(m, t, where, sizeof where);
    add_number(o, "tid", t->tid);
    add_text(o, "key", t->key);
    add_address(o, "entry", t->entry);
    add_text(o, "where", where);
    json_object_object_add(o, "waiting", json_object_new_boolean(t->waiting));
    json_object_object_add(o, "timed", json_object_new_boolean(t->waiting && t->timed));
    for (unsigned i = 0; t->waiting && i < t->target_count; i++)
        json_object_array_add(targets, json_object_new_string(m->objects[t->targets[i]].name));
    json_object_object_add(o, "for", targets);
    return o;
}

static json_object *json_stuck(const struct par_wedge_model *m, const struct par_wedge_model *reference, const struct par_wedge_stuck *s)
{
    json_object *o = json_object_new_object();
    add_number(o, "tid", m->threads[s->thread].tid);
    json_object_object_add(o, "wedged", json_object_new_boolean(s->wedged));
    add_text(o, "cause", par_wedge_cause_name(s->cause));
    add_text(o, "why", s->why);
    json_object_object_add(o, "since", json_entry(&m->threads[s->thread].wait));
    json_object_object_add(o, "object", s->object == SIZE_MAX ? NULL : json_object_life(&m->objects[s->object]));
    json_object_object_add(o, "reference", s->reference[0] ? json_object_new_string(s->reference) : NULL);
    json_object_object_add(o, "reference_object",
                           reference && s->reference_object != SIZE_MAX ? json_object_life(&reference->objects[s->reference_object]) : NULL);
    return o;
}

static void print_json(const struct options *options, const struct par_wedge_model *m, const struct par_wedge_model *reference,
                       const struct par_wedge_verdict *v)
{
    json_object *o = json_object_new_object(), *waits = json_object_new_array(), *threads = json_object_new_array(),
                *rings = json_object_new_array(), *lives = json_object_new_array();
    json_object_object_add(o, "wedged", json_object_new_boolean(v->wedged));
    add_number(o, "at", m->at);
    add_text(o, "exit", m->exit);
    for (size_t i = 0; i < v->stuck_count; i++)
        json_object_array_add(waits, json_stuck(m, reference, &v->stuck[i]));
    for (size_t i = 0; i < v->cycle_count; i++) {
        json_object *ring = json_object_new_array();
        for (size_t k = 0; v->cycles[i][k] != SIZE_MAX; k++)
            json_object_array_add(ring, json_object_new_int64(m->threads[v->cycles[i][k]].tid));
        json_object_array_add(rings, ring);
    }
    for (size_t i = 0; i < m->thread_count; i++)
        if (m->threads[i].guest || m->threads[i].last_call.index)
            json_object_array_add(threads, json_thread(m, &m->threads[i]));
    for (size_t i = 0; options->handle && i < m->object_count; i++)
        if (m->objects[i].handle == options->handle || m->objects[i].address == options->handle)
            json_object_array_add(lives, json_object_life(&m->objects[i]));
    json_object_object_add(o, "waits", waits);
    json_object_object_add(o, "cycles", rings);
    json_object_object_add(o, "threads", threads);
    json_object_object_add(o, "lives", lives);
    puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
    json_object_put(o);
}

static int run(const struct options *o)
{
    struct par_wedge_model here, there;
    struct par_wedge_verdict verdict;
    struct error err = {0};
    int status = STATUS_ERROR;
    struct progress progress;
    progress_begin(&progress);
    bool ok = par_wedge_read(&here, o->log, o->at, o->handle, &progress.watch, &err);
    bool both = ok && (!o->reference || par_wedge_read(&there, o->reference, UINT64_MAX, 0, &progress.watch, &err));
    progress_end(&progress);
    if (!ok) {
        fprintf(stderr, "xenolith wedge: %s\n", err.message);
        return STATUS_ERROR;
    }
    if (!both) {
        fprintf(stderr, "xenolith wedge: %s\n", err.message);
        par_wedge_free(&here);
        return STATUS_ERROR;
    }
    const struct par_wedge_model *reference = o->reference ? &there : NULL;
    if (par_wedge_judge(&verdict, &here, reference, &err)) {
        (o->json ? print_json : print_text)(o, &here, reference, &verdict);
        status = verdict.wedged ? STATUS_WEDGE : CLI_OK;
        par_wedge_verdict_free(&verdict);
    } else {
        fprintf(stderr, "xenolith wedge: %s\n", err.message);
    }
    if (o->reference)
        par_wedge_free(&there);
    par_wedge_free(&here);
    return status;
}

COMMAND(wedge, "say who waits for whom, and which waits nobody can end")
{
    struct options o;
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help")) {
            fputs(help, stdout);
            return CLI_OK;
        }
    if (!parse_options(argc, argv, &o))
        return CLI_USAGE;
    return run(&o);
}
