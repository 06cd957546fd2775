// What is stuck at the end of a replayed log, and why: a thread can go on if it runs, if its wait is timed, or if somebody who
// can go on gives what it waits for. What is not reached from there is wedged.
#include "parity/wedge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RING = 15 };
#define RECENT_CYCLES 3200000000ull // a second: no callback is slower

static const struct {
    const char *name, *meaning;
} causes[] = {
#define CAUSE(id, name, meaning) {name, meaning},
#include "parity/wedge_causes.def"
#undef CAUSE
};

const char *par_wedge_cause_name(enum par_wedge_cause c)
{
    return c < PAR_CAUSE_COUNT ? causes[c].name : "?";
}

const char *par_wedge_cause_meaning(enum par_wedge_cause c)
{
    return c < PAR_CAUSE_COUNT ? causes[c].meaning : "";
}

// ---- The same thing in another run

size_t par_wedge_same_thread(const struct par_wedge_model *in, const struct par_wedge_thread *t)
{
    for (size_t i = 0; i < in->thread_count; i++)
        if (!strcmp(in->threads[i].key, t->key))
            return i;
    return SIZE_MAX;
}

static bool same_kind(const struct par_wedge_object *a, const struct par_wedge_object *b)
{
    return !strcmp(a->type, b->type) || !strcmp(a->type, "Object") || !strcmp(b->type, "Object");
}

size_t par_wedge_same_object(const struct par_wedge_model *in, const struct par_wedge_object *o)
{
    size_t by_address = SIZE_MAX, by_place = SIZE_MAX;
    for (size_t i = 0; i < in->object_count; i++) {
        const struct par_wedge_object *other = &in->objects[i];
        if (!same_kind(o, other))
            continue;
        if (!o->address && !strcmp(other->creator, o->creator) && other->ordinal == o->ordinal && !other->address)
            return i;
        if (o->address && other->address == o->address)
            by_address = i; // the newest
        if (o->created.lr && other->created.lr == o->created.lr && !strcmp(other->creator, o->creator) && other->ordinal == o->ordinal)
            by_place = i;
    }
    return by_address != SIZE_MAX ? by_address : by_place;
}

// ---- Who can go on

struct judge {
    const struct par_wedge_model *m, *reference;
    bool *goes; // by thread
    bool title_ended;
};

// Interrupts and other machine threads: alive while they have acted of late, as far as the log has a clock.
static bool machine_alive(const struct judge *j, const struct par_wedge_entry *last)
{
    return !j->m->cycle || j->m->cycle - last->cycle <= RECENT_CYCLES;
}

static bool is_guest(const struct par_wedge_model *m, uint32_t tid)
{
    size_t i = par_wedge_thread_by_tid(m, tid);
    return i != SIZE_MAX && m->threads[i].guest;
}

struct givers {
    unsigned known, alive, ended, stuck, machine, machine_dead;
    uint32_t example;                     // tid here of one, ended ones first
    bool example_ended;
    const struct par_wedge_site *by, *machine_by;
};

static void add_giver(const struct judge *j, size_t thread, struct givers *g, const struct par_wedge_site *site)
{
    const struct par_wedge_thread *t = &j->m->threads[thread];
    g->known++;
    if (t->ended)
        g->ended++;
    else if (j->goes[thread])
        g->alive++;
    else
        g->stuck++;
    if ((t->ended && !g->example_ended) || !g->example) {
        g->example_ended = t->ended;
        g->example = t->tid;
        g->by = site;
    }
}

static void add_machine(struct givers *g, const struct par_wedge_site *site, bool alive)
{
    g->known++;
    g->machine++;
    g->machine_dead += !alive;
    g->alive += alive;
    g->machine_by = site;
}

static void givers_here(const struct judge *j, const struct par_wedge_object *o, size_t waiter, struct givers *g)
{
    for (size_t i = 0; i < o->site_count; i++) {
        const struct par_wedge_site *s = &o->sites[i];
        if (!par_wedge_act_gives(s->first.act))
            continue;
        size_t t = par_wedge_thread_by_tid(j->m, s->first.tid);
        if (s->first.in_interrupt || !is_guest(j->m, s->first.tid))
            add_machine(g, s, machine_alive(j, &s->last));
        else if (t != waiter)
            add_giver(j, t, g, s);
    }
}

static void givers_there(const struct judge *j, const struct par_wedge_object *o, size_t waiter, struct givers *g)
{
    size_t other = j->reference ? par_wedge_same_object(j->reference, o) : SIZE_MAX;
    if (other == SIZE_MAX)
        return;
    const struct par_wedge_object *there = &j->reference->objects[other];
    for (size_t i = 0; i < there->site_count; i++) {
        const struct par_wedge_site *s = &there->sites[i];
        size_t t = par_wedge_thread_by_tid(j->reference, s->first.tid);
        if (!par_wedge_act_gives(s->first.act) || t == SIZE_MAX)
            continue;
        size_t here = par_wedge_same_thread(j->m, &j->reference->threads[t]);
        if (s->first.in_interrupt || !j->reference->threads[t].guest) {
            bool ever = false; // it gave here too: givers_here has judged it
            for (size_t k = 0; k < o->site_count; k++)
                ever = ever || (par_wedge_act_gives(o->sites[k].first.act) && (o->sites[k].first.in_interrupt || !is_guest(j->m, o->sites[k].first.tid)));
            if (!ever)
                add_machine(g, s, s->first.in_interrupt && j->m->callback && !j->m->cycle);
        } else if (here != SIZE_MAX && here != waiter)
            add_giver(j, here, g, s);
    }
}

static bool anybody_else(const struct judge *j, size_t waiter)
{
    for (size_t i = 0; i < j->m->thread_count; i++)
        if (i != waiter && j->goes[i] && j->m->threads[i].guest)
            return true;
    return false;
}

static bool is_lock(const struct par_wedge_object *o)
{
    return !strcmp(o->type, "Mutant") || !strcmp(o->type, "CriticalSection") || !strcmp(o->type, "SpinLock");
}

// The thread that must do something for `o`: its owner, or the thread that it is. SIZE_MAX: any.
static size_t holder(const struct par_wedge_model *m, const struct par_wedge_object *o)
{
    if (is_lock(o) && o->owner)
        return par_wedge_thread_by_tid(m, o->owner);
    return o->thread ? par_wedge_thread_by_tid(m, o->thread) : SIZE_MAX;
}

static bool can_be_given(const struct judge *j, const struct par_wedge_object *o, size_t waiter)
{
    size_t h = holder(j->m, o);
    if (h != SIZE_MAX)
        return !j->m->threads[h].ended && j->goes[h];
    if (o->armed)
        return true;
    struct givers g = {0};
    givers_here(j, o, waiter, &g);
    givers_there(j, o, waiter, &g);
    return g.known ? g.alive > 0 : anybody_else(j, waiter);
}

static bool can_go(const struct judge *j, size_t i)
{
    const struct par_wedge_thread *t = &j->m->threads[i];
    if (t->ended || t->suspended)
        return false;
    if (!t->waiting || t->timed)
        return true;
    if (t->sleeping)
        return false;
    for (unsigned k = 0; k < t->target_count; k++) {
        bool given = can_be_given(j, &j->m->objects[t->targets[k]], i);
        if (given != t->all || (given && t->target_count == 1))
            return given;
    }
    return t->all;
}

static void settle(struct judge *j)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < j->m->thread_count; i++)
            if (!j->goes[i] && j->m->threads[i].guest && can_go(j, i))
                j->goes[i] = changed = true;
    }
}

// ---- Rings

static size_t next_in_ring(const struct par_wedge_model *m, size_t i)
{
    const struct par_wedge_thread *t = &m->threads[i];
    for (unsigned k = 0; t->waiting && !t->timed && k < t->target_count; k++) {
        size_t h = holder(m, &m->objects[t->targets[k]]);
        if (h != SIZE_MAX && !m->threads[h].ended)
            return h;
    }
    return SIZE_MAX;
}

static bool find_ring(const struct par_wedge_model *m, size_t start, size_t ring[16])
{
    size_t n = 0, i = start;
    while (n < RING && (i = next_in_ring(m, i)) != SIZE_MAX) {
        ring[n++] = i;
        if (i == start) {
            ring[n] = SIZE_MAX;
            return true;
        }
    }
    return false;
}

static bool add_ring(struct par_wedge_verdict *v, const size_t ring[16])
{
    void *bigger = realloc(v->cycles, (v->cycle_count + 1) * sizeof *v->cycles);
    if (!bigger)
        return false;
    v->cycles = bigger;
    memcpy(v->cycles[v->cycle_count++], ring, sizeof *v->cycles);
    return true;
}

static bool find_rings(const struct judge *j, struct par_wedge_verdict *v)
{
    for (size_t i = 0; i < j->m->thread_count; i++) {
        size_t ring[16] = {0};
        if (!find_ring(j->m, i, ring))
            continue;
        bool first = true; // each ring once: from its lowest thread
        for (size_t k = 0; ring[k] != SIZE_MAX; k++)
            first = first && ring[k] >= i;
        if (first && !add_ring(v, ring))
            return false;
    }
    return true;
}

static bool in_ring(const struct par_wedge_model *m, size_t thread)
{
    size_t ring[16];
    return find_ring(m, thread, ring);
}

// ---- Words

static void place(const struct par_wedge_entry *e, char *out, size_t size)
{
    if (e->call[0])
        snprintf(out, size, "%s from 0x%08x at %" PRIu64, e->call, e->lr, e->index);
    else if (e->in_interrupt)
        snprintf(out, size, "the %s callback at %" PRIu64, e->source ? "command processor" : "vblank", e->index);
    else
        snprintf(out, size, "event %" PRIu64, e->index);
}

void par_wedge_where(const struct par_wedge_model *m, const struct par_wedge_thread *t, char *out, size_t size)
{
    char at[128];
    if (t->ended)
        snprintf(out, size, "ended at %" PRIu64 " with 0x%08x", t->exit_index, t->exit_code);
    else if (t->sleeping && t->waiting)
        snprintf(out, size, "sleeps since %" PRIu64, t->wait.index);
    else if (t->waiting)
        snprintf(out, size, "waits for %s%s since %" PRIu64 "%s", m->objects[t->targets[0]].name, t->target_count > 1 ? " and others" : "",
                 t->wait.index, t->timed ? ", with a timeout" : "");
    else if (!t->guest)
        snprintf(out, size, "is the machine's own");
    else if (t->suspended)
        snprintf(out, size, "is suspended%s", t->started ? "" : " and has never run");
    else if (!t->started && !t->last_call.index)
        snprintf(out, size, "has not started");
    else {
        place(&t->last_call, at, sizeof at);
        snprintf(out, size, t->last_call.index ? "runs; %s call %s" : "runs; it made no call", t->in_call ? "in" : "last", at);
    }
}

// A signal that came and went: the entry that tells it, or NULL.
static const struct par_wedge_entry *lost_signal(const struct par_wedge_object *o, const struct par_wedge_thread *t, char *why, size_t size)
{
    const struct par_wedge_entry *give = NULL, *taken = NULL;
    for (size_t i = 0; i < o->entry_count; i++) {
        const struct par_wedge_entry *e = &o->entries[i];
        if (e->act == PAR_ACT_GOT) {
            if (give && e->tid != t->tid && e->index > t->wait.index)
                taken = e;
            give = o->automatic == 0 ? give : NULL;
        } else if (e->act == PAR_ACT_RESET && give) {
            snprintf(why, size, "set at %" PRIu64 " by t%u and reset at %" PRIu64 " by t%u before this wait saw it", give->index, give->tid,
                     e->index, e->tid);
            return e;
        } else if (e->act == PAR_ACT_PULSE && !e->waiters && e->index < t->wait.index) {
            snprintf(why, size, "pulsed at %" PRIu64 " by t%u while nobody waited: a pulse is not kept", e->index, e->tid);
            return e;
        } else if (e->act == PAR_ACT_SET && e->value == 1 && o->automatic == 1) {
            snprintf(why, size, "set at %" PRIu64 " by t%u while it was set already: two signals became one", e->index, e->tid);
            return e;
        } else if (par_wedge_act_gives(e->act)) {
            give = e;
        }
    }
    if (taken && o->automatic != 0)
        snprintf(why, size, "signalled while this thread waited, but t%u took it at %" PRIu64 "%s", taken->tid, taken->index,
                 o->automatic == 1 ? ": an auto-reset event wakes one thread only" : "");
    return o->automatic != 0 ? taken : NULL;
}

static void judge_holder(const struct judge *j, size_t i, size_t h, const struct par_wedge_object *o, struct par_wedge_stuck *s)
{
    const struct par_wedge_thread *t = &j->m->threads[h];
    char where[192], since[128] = "";
    par_wedge_where(j->m, t, where, sizeof where);
    if (is_lock(o))
        place(&o->owned_since, since, sizeof since);
    s->cause = in_ring(j->m, i) ? PAR_CAUSE_DEADLOCK : t->ended ? PAR_CAUSE_DEAD_OWNER : PAR_CAUSE_STUCK_SIGNALLER;
    if (is_lock(o))
        snprintf(s->why, sizeof s->why, "owned by t%u since %s, which %s", t->tid, since, where);
    else
        snprintf(s->why, sizeof s->why, "it is thread t%u, which %s", t->tid, where);
}

static void judge_stuck_event(const struct judge *j, size_t i, const struct par_wedge_object *o, struct par_wedge_stuck *s)
{
    const struct par_wedge_thread *t = &j->m->threads[i];
    struct givers g = {0};
    char where[192], at[128];
    givers_here(j, o, i, &g);
    bool here = g.known > 0;
    givers_there(j, o, i, &g);
    if (g.machine_dead && g.machine_dead == g.machine) {
        s->cause = PAR_CAUSE_NO_CALLBACK;
        const struct par_wedge_entry *e = &g.machine_by->last;
        if (here)
            snprintf(s->why, sizeof s->why, "the %s callback last signalled it at %" PRIu64 " and no more", e->source ? "command processor" : "vblank",
                     e->index);
        else if (j->m->callback)
            snprintf(s->why, sizeof s->why, "the %s callback signals it in the reference; here 0x%08x came %" PRIu64 " times and never signalled it",
                     e->source ? "command processor" : "vblank", j->m->callback, j->m->interrupts[e->source != 0]);
        else
            snprintf(s->why, sizeof s->why, "the %s callback signals it in the reference; here no graphics callback was ever set",
                     e->source ? "command processor" : "vblank");
        return;
    }
    if (lost_signal(o, t, s->why, sizeof s->why)) {
        s->cause = PAR_CAUSE_LOST_SIGNAL;
        return;
    }
    if (!g.known) {
        s->cause = PAR_CAUSE_NEVER;
        snprintf(s->why, sizeof s->why, "nobody has ever signalled it%s, and no thread is left that could",
                 j->reference ? ", here or in the reference" : "");
        return;
    }
    s->cause = g.stuck ? PAR_CAUSE_STUCK_SIGNALLER : PAR_CAUSE_DEAD_SIGNALLER;
    size_t giver = par_wedge_thread_by_tid(j->m, g.example);
    if (giver == SIZE_MAX)
        return;
    par_wedge_where(j->m, &j->m->threads[giver], where, sizeof where);
    place(&g.by->last, at, sizeof at);
    snprintf(s->why, sizeof s->why, "t%u signals it (%s%s), and t%u %s", g.example, here ? "last " : "in the reference: ", at, g.example, where);
}

static void judge_lawful(const struct judge *j, size_t i, const struct par_wedge_object *o, struct par_wedge_stuck *s)
{
    struct givers g = {0};
    size_t h = holder(j->m, o);
    char where[192];
    if (h != SIZE_MAX) {
        s->cause = PAR_CAUSE_ALIVE;
        par_wedge_where(j->m, &j->m->threads[h], where, sizeof where);
        snprintf(s->why, sizeof s->why, "%s t%u, which %s", is_lock(o) ? "owned by" : "it is thread", j->m->threads[h].tid, where);
        return;
    }
    givers_here(j, o, i, &g);
    givers_there(j, o, i, &g);
    s->cause = o->armed ? PAR_CAUSE_TIMER : !g.known ? PAR_CAUSE_UNKNOWN : g.machine > g.machine_dead ? PAR_CAUSE_INTERRUPT : PAR_CAUSE_ALIVE;
    snprintf(s->why, sizeof s->why, "%s", causes[s->cause].meaning);
}

// ---- The reference's same wait

static void words_of_reference(const struct judge *j, struct par_wedge_stuck *s)
{
    const struct par_wedge_thread *t = &j->m->threads[s->thread];
    const struct par_wedge_object *o = &j->m->objects[s->object];
    s->reference_thread = par_wedge_same_thread(j->reference, t);
    s->reference_object = par_wedge_same_object(j->reference, o);
    if (s->reference_thread == SIZE_MAX || s->reference_object == SIZE_MAX) {
        snprintf(s->reference, sizeof s->reference, "not found in the reference");
        return;
    }
    const struct par_wedge_object *there = &j->reference->objects[s->reference_object];
    uint32_t tid = j->reference->threads[s->reference_thread].tid;
    const struct par_wedge_entry *give = NULL, *got = NULL;
    unsigned waits = 0;
    for (size_t i = 0; i < there->entry_count && !got; i++) {
        const struct par_wedge_entry *e = &there->entries[i];
        waits += e->act == PAR_ACT_WAIT && e->tid == tid;
        if (par_wedge_act_gives(e->act))
            give = e;
        if (e->act == PAR_ACT_GOT && e->tid == tid && waits == t->wait_number)
            got = e;
    }
    char type[96] = "", at[128], where[192] = "has no counterpart here";
    if (o->automatic != there->automatic && o->automatic >= 0 && there->automatic >= 0)
        snprintf(type, sizeof type, "; it is %s reset there and %s reset here", there->automatic ? "auto" : "manual", o->automatic ? "auto" : "manual");
    if (!got) {
        if (!waits)
            snprintf(s->reference, sizeof s->reference, "there the thread never has to wait for it%s", type);
        else if (waits < t->wait_number)
            snprintf(s->reference, sizeof s->reference, "there the thread makes this wait %u times, here it is number %u%s", waits,
                     t->wait_number, type);
        else
            snprintf(s->reference, sizeof s->reference, "wait %u does not end there either%s", t->wait_number, type);
        return;
    }
    if (!give) {
        snprintf(s->reference, sizeof s->reference, "there this wait ended at %" PRIu64 ": it was free%s", got->index, type);
        return;
    }
    size_t giver = par_wedge_thread_by_tid(j->reference, give->tid);
    size_t here = giver == SIZE_MAX ? SIZE_MAX : par_wedge_same_thread(j->m, &j->reference->threads[giver]);
    if (here != SIZE_MAX)
        par_wedge_where(j->m, &j->m->threads[here], where, sizeof where);
    place(give, at, sizeof at);
    if (give->in_interrupt) {
        snprintf(s->reference, sizeof s->reference, "there this wait ended at %" PRIu64 ": %s in the %s callback by %s; here the callback %s%s", got->index,
                 par_wedge_act_words(give->act), give->source ? "command processor" : "vblank", at,
                 !j->m->callback ? "was never set" : j->m->interrupts[give->source != 0] ? "does not signal it" : "never came", type);
        return;
    }
    snprintf(s->reference, sizeof s->reference, "there this wait ended at %" PRIu64 ": %s by t%u (%s) in %s; that thread here (t%u) %s%s", got->index,
             par_wedge_act_words(give->act), give->tid, giver == SIZE_MAX ? "?" : j->reference->threads[giver].key, at,
             here == SIZE_MAX ? 0 : j->m->threads[here].tid, where, type);
}

// ---- The verdict

// Of an any-wait the object that could still come, of an all-wait the first that cannot.
static size_t telling_target(const struct judge *j, size_t i)
{
    const struct par_wedge_thread *t = &j->m->threads[i];
    for (unsigned k = 0; k < t->target_count; k++)
        if (can_be_given(j, &j->m->objects[t->targets[k]], i) == j->goes[i])
            return t->targets[k];
    return t->target_count ? t->targets[0] : SIZE_MAX;
}

static void judge_thread(const struct judge *j, size_t i, struct par_wedge_stuck *s)
{
    const struct par_wedge_thread *t = &j->m->threads[i];
    *s = (struct par_wedge_stuck){.thread = i, .object = telling_target(j, i), .reference_object = SIZE_MAX, .reference_thread = SIZE_MAX};
    const struct par_wedge_object *o = s->object == SIZE_MAX ? NULL : &j->m->objects[s->object];
    size_t h = o ? holder(j->m, o) : SIZE_MAX;
    if (t->timed || !o) {
        s->cause = t->timed ? PAR_CAUSE_TIMED : PAR_CAUSE_NEVER;
        s->wedged = !t->timed && !j->title_ended;
        snprintf(s->why, sizeof s->why, "%s", t->timed ? "the wait ends by itself" : "it sleeps for ever");
    } else if (j->goes[i]) {
        judge_lawful(j, i, o, s);
    } else {
        if (h != SIZE_MAX)
            judge_holder(j, i, h, o, s);
        else
            judge_stuck_event(j, i, o, s);
        s->wedged = !j->title_ended || s->cause == PAR_CAUSE_DEADLOCK;
        if (!s->wedged) {
            s->cause = PAR_CAUSE_TITLE_ENDED;
            snprintf(s->why, sizeof s->why, "%s", causes[PAR_CAUSE_TITLE_ENDED].meaning);
        }
    }
    if (j->reference && o && s->wedged)
        words_of_reference(j, s);
}

static int order(const void *a, const void *b)
{
    // What only follows from another stuck thread comes after what began it.
    const struct par_wedge_stuck *x = a, *y = b;
    if (x->wedged && y->wedged && (x->cause == PAR_CAUSE_STUCK_SIGNALLER) != (y->cause == PAR_CAUSE_STUCK_SIGNALLER))
        return x->cause == PAR_CAUSE_STUCK_SIGNALLER ? 1 : -1;
    return x->wedged != y->wedged ? y->wedged - x->wedged : x->thread < y->thread ? -1 : x->thread > y->thread;
}

bool par_wedge_judge(struct par_wedge_verdict *out, const struct par_wedge_model *m, const struct par_wedge_model *reference,
                     struct error *err)
{
    struct judge j = {.m = m, .reference = reference, .goes = calloc(m->thread_count + 1, sizeof *j.goes)};
    *out = (struct par_wedge_verdict){.stuck = calloc(m->thread_count + 1, sizeof *out->stuck)};
    for (size_t i = 0; i < m->thread_count; i++)
        j.title_ended = j.title_ended || (m->threads[i].main && m->threads[i].ended);
    bool ok = j.goes && out->stuck;
    if (ok) {
        settle(&j);
        ok = find_rings(&j, out);
    }
    for (size_t i = 0; ok && i < m->thread_count; i++)
        if (m->threads[i].guest && m->threads[i].waiting && !m->threads[i].ended)
            judge_thread(&j, i, &out->stuck[out->stuck_count++]);
    for (size_t i = 0; i < out->stuck_count; i++)
        out->wedged = out->wedged || out->stuck[i].wedged;
    if (ok)
        qsort(out->stuck, out->stuck_count, sizeof *out->stuck, order);
    free(j.goes);
    if (ok)
        return true;
    par_wedge_verdict_free(out);
    return error_set(err, ERR_MEMORY, "out of memory");
}

void par_wedge_verdict_free(struct par_wedge_verdict *v)
{
    free(v->stuck);
    free(v->cycles);
    *v = (struct par_wedge_verdict){0};
}
