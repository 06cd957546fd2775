// Replays a log into who owns, who waits and what happened to each object, up to one event.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parity/wedge.h"
#include "trace/reader.h"

enum { MAX_DEPTH = 8, MAX_NAMES = 4096, MAX_OBJECTS = 1 << 20 };

enum lock_act { LOCK_NONE, LOCK_ENTER, LOCK_TRY, LOCK_LEAVE };

static const struct {
    const char *call, *type;
    int reset, initial;
    bool in_memory;
} makes[] = {
#define MAKES(call, type, reset, initial, in_memory) {call, type, reset, initial, in_memory},
#include "parity/wedge_calls.def"
#undef MAKES
};
enum { MAKES_COUNT = sizeof makes / sizeof *makes };

static const struct {
    const char *call, *type;
    enum lock_act act;
} locks[] = {
#define LOCK(call, what, type) {call, type, LOCK_##what},
#include "parity/wedge_calls.def"
#undef LOCK
};

static const struct {
    const char *call;
    bool arms;
    int period;
} timer_calls[] = {
#define TIMER_CALL(call, arms, period) {call, arms, period},
#include "parity/wedge_calls.def"
#undef TIMER_CALL
};
enum { LOCK_COUNT = sizeof locks / sizeof *locks, TIMER_COUNT = sizeof timer_calls / sizeof *timer_calls };

// A call in progress.
struct frame {
    const char *name; // owned by the model
    int make, lock, timer; // rows, -1
    uint32_t lr;
    uint64_t index;
    unsigned count;
    uint64_t args[8];
};

struct thread_state { // beside par_wedge_thread, by the same number
    struct frame frames[MAX_DEPTH];
    unsigned depth;
    unsigned interrupt_depth; // frames when the interrupt came
};

struct name {
    char *text;
    int make, lock, timer;
};

struct slot {
    uint32_t key;
    uint32_t object; // + 1; 0: empty
};

struct replay {
    struct par_wedge_model *m;
    struct thread_state *states;
    struct name *names;
    size_t name_count;
    const struct name **by_export; // cache, by number
    size_t by_export_count;
    struct slot *slots; // handle or address -> newest lifetime
    size_t slot_count, slots_used;
    size_t thread_room, object_room;
    uint32_t keep;
    bool out_of_memory;
};

static const struct {
    const char *words;
    bool gives;
} acts[] = {
#define ACT(id, words, gives) {words, gives},
#include "parity/wedge_acts.def"
#undef ACT
};

const char *par_wedge_act_words(enum par_wedge_act a)
{
    return a < PAR_ACT_COUNT ? acts[a].words : "?";
}

bool par_wedge_act_gives(enum par_wedge_act a)
{
    return a < PAR_ACT_COUNT && acts[a].gives;
}

// ---- Growing

static bool grow(struct replay *r, void **array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return true;
    size_t wanted = *room ? *room * 2 : 16;
    void *bigger = realloc(*array, wanted * size);
    if (!bigger) {
        r->out_of_memory = true;
        return false;
    }
    memset((char *)bigger + *room * size, 0, (wanted - *room) * size);
    *array = bigger;
    *room = wanted;
    return true;
}

static const struct name *name_of(struct replay *r, const char *text)
{
    for (size_t i = 0; i < r->name_count; i++)
        if (!strcmp(r->names[i].text, text))
            return &r->names[i];
    if (r->name_count == MAX_NAMES)
        return &r->names[0];
    struct name n = {.text = strdup(text), .make = -1, .lock = -1, .timer = -1};
    if (!n.text) {
        r->out_of_memory = true;
        return &r->names[0];
    }
    for (int i = 0; i < MAKES_COUNT; i++)
        if (!strcmp(makes[i].call, text))
            n.make = i;
    for (int i = 0; i < LOCK_COUNT; i++)
        if (!strcmp(locks[i].call, text))
            n.lock = i;
    for (int i = 0; i < TIMER_COUNT; i++)
        if (!strcmp(timer_calls[i].call, text))
            n.timer = i;
    r->names[r->name_count] = n;
    return &r->names[r->name_count++];
}

static const struct name *call_name(struct replay *r, const struct trace_record *record)
{
    if (!record->call)
        return &r->names[0];
    uint64_t number = record->event.fields[0];
    if (number >= 65536)
        return name_of(r, record->call->name);
    if (number >= r->by_export_count) {
        size_t room = r->by_export_count;
        while (room <= number) {
            size_t before = room;
            if (!grow(r, (void **)&r->by_export, room, &room, sizeof *r->by_export))
                return &r->names[0];
            r->by_export_count = room;
            if (room == before)
                break;
        }
    }
    if (!r->by_export[number])
        r->by_export[number] = name_of(r, record->call->name);
    return r->by_export[number];
}

// ---- Threads

size_t par_wedge_thread_by_tid(const struct par_wedge_model *m, uint32_t tid)
{
    for (size_t i = m->thread_count; i--;) // ids may be reused: the newest
        if (m->threads[i].tid == tid)
            return i;
    return SIZE_MAX;
}

static size_t add_thread(struct replay *r, uint32_t tid)
{
    struct par_wedge_model *m = r->m;
    size_t room = r->thread_room;
    if (!grow(r, (void **)&m->threads, m->thread_count, &r->thread_room, sizeof *m->threads) ||
        !grow(r, (void **)&r->states, m->thread_count, &room, sizeof *r->states))
        return SIZE_MAX;
    struct par_wedge_thread *t = &m->threads[m->thread_count];
    memset(t, 0, sizeof *t);
    memset(&r->states[m->thread_count], 0, sizeof *r->states);
    t->tid = tid;
    snprintf(t->key, sizeof t->key, "host%u", tid);
    return m->thread_count++;
}

static size_t thread_of(struct replay *r, uint32_t tid)
{
    size_t i = par_wedge_thread_by_tid(r->m, tid);
    return i == SIZE_MAX ? add_thread(r, tid) : i;
}

static bool known_guest(const struct par_wedge_model *m, size_t i)
{
    return i != SIZE_MAX && m->threads[i].guest;
}

static void create_thread(struct replay *r, const struct trace_event *e)
{
    size_t creator = par_wedge_thread_by_tid(r->m, (uint32_t)e->fields[5]);
    size_t i = par_wedge_thread_by_tid(r->m, (uint32_t)e->fields[0]);
    if (i == SIZE_MAX || r->m->threads[i].ended || r->m->threads[i].entry)
        i = add_thread(r, (uint32_t)e->fields[0]);
    if (i == SIZE_MAX)
        return;
    struct par_wedge_thread *t = &r->m->threads[i];
    t->entry = (uint32_t)e->fields[2];
    t->creator = (uint32_t)e->fields[5];
    t->kthread = (uint32_t)e->fields[15];
    t->suspended = e->fields[10] != 0;
    t->guest = e->fields[16] != 0;
    t->main = e->fields[17] != 0;
    if (t->main)
        snprintf(t->key, sizeof t->key, "main");
    else if (t->guest && known_guest(r->m, creator))
        snprintf(t->key, sizeof t->key, "%.16s/%u", r->m->threads[creator].key, r->m->threads[creator].children++);
}

// ---- Objects

static size_t slot_for(const struct replay *r, uint32_t key)
{
    size_t i = (key * 2654435761u >> 7) & (r->slot_count - 1);
    while (r->slots[i].object && r->slots[i].key != key)
        i = (i + 1) & (r->slot_count - 1);
    return i;
}

static bool reserve_slot(struct replay *r)
{
    if (r->slots_used * 2 < r->slot_count)
        return true;
    size_t count = r->slot_count ? r->slot_count * 2 : 1024;
    struct slot *old = r->slots, *slots = calloc(count, sizeof *slots);
    if (!slots) {
        r->out_of_memory = true;
        return false;
    }
    size_t old_count = r->slot_count;
    r->slots = slots;
    r->slot_count = count;
    for (size_t i = 0; i < old_count; i++)
        if (old[i].object)
            r->slots[slot_for(r, old[i].key)] = old[i];
    free(old);
    return true;
}

static struct par_wedge_object *find_object(const struct replay *r, uint32_t key)
{
    if (!r->slot_count)
        return NULL;
    const struct slot *s = &r->slots[slot_for(r, key)];
    return s->object ? &r->m->objects[s->object - 1] : NULL;
}

static void point_to(struct replay *r, uint32_t key, size_t object)
{
    if (!key || !reserve_slot(r))
        return;
    struct slot *s = &r->slots[slot_for(r, key)];
    r->slots_used += !s->object;
    *s = (struct slot){key, (uint32_t)object + 1};
}

static unsigned count_like(const struct par_wedge_model *m, const char *creator, const char *type)
{
    unsigned n = 0;
    for (size_t i = 0; i < m->object_count; i++)
        n += !strcmp(m->objects[i].type, type) && !strcmp(m->objects[i].creator, creator);
    return n;
}

static struct par_wedge_object *add_object(struct replay *r, uint32_t key, const char *type, const struct par_wedge_entry *at)
{
    struct par_wedge_model *m = r->m;
    if (m->object_count == MAX_OBJECTS || !grow(r, (void **)&m->objects, m->object_count, &r->object_room, sizeof *m->objects))
        return NULL;
    size_t creator = par_wedge_thread_by_tid(m, at->tid);
    struct par_wedge_object o = {.type = type, .handle = key, .alive = true, .automatic = PAR_NOT_KNOWN, .initial = PAR_NOT_KNOWN,
                                 .created = *at};
    snprintf(o.creator, sizeof o.creator, "%s", creator == SIZE_MAX ? "host0" : m->threads[creator].key);
    o.ordinal = count_like(m, o.creator, type);
    snprintf(o.name, sizeof o.name, "%.20s#%.16s.%u", type, o.creator, o.ordinal);
    m->objects[m->object_count] = o;
    point_to(r, key, m->object_count);
    return &m->objects[m->object_count++];
}

static struct par_wedge_entry *entry_place(struct par_wedge_object *o, bool whole)
{
    enum { HALF = PAR_WEDGE_KEPT / 2 };
    size_t at = o->entry_total++;
    if (!whole && at >= PAR_WEDGE_KEPT)
        at = HALF + (at - HALF) % HALF; // the first half stays, the other turns round
    if (at >= o->entry_count) {
        if ((o->entry_count & (o->entry_count - 1)) == 0) {
            size_t room = o->entry_count ? o->entry_count * 2 : 4;
            struct par_wedge_entry *bigger = realloc(o->entries, room * sizeof *bigger);
            if (!bigger)
                return NULL;
            o->entries = bigger;
        }
        o->entry_count = at + 1;
    }
    return &o->entries[at];
}

static void count_site(struct par_wedge_object *o, const struct par_wedge_entry *e)
{
    for (size_t i = 0; i < o->site_count; i++) {
        struct par_wedge_site *s = &o->sites[i];
        if (s->first.act == e->act && s->first.tid == e->tid && s->first.lr == e->lr && s->first.call == e->call &&
            s->first.in_interrupt == e->in_interrupt) {
            s->last = *e;
            s->count++;
            return;
        }
    }
    struct par_wedge_site *bigger = o->site_count < 256 ? realloc(o->sites, (o->site_count + 1) * sizeof *bigger) : NULL;
    if (!bigger)
        return;
    o->sites = bigger;
    o->sites[o->site_count++] = (struct par_wedge_site){*e, *e, 1};
}

static void add_entry(struct replay *r, struct par_wedge_object *o, const struct par_wedge_entry *e)
{
    if (!o)
        return;
    struct par_wedge_entry *place = entry_place(o, r->keep && (o->handle == r->keep || o->address == r->keep));
    if (place)
        *place = *e;
    else
        r->out_of_memory = true;
    o->gives += par_wedge_act_gives(e->act);
    count_site(o, e);
}

// ---- Entries

static struct par_wedge_entry entry_at(struct replay *r, const struct trace_record *record, enum par_wedge_act act)
{
    const struct trace_event *e = &record->event;
    struct par_wedge_entry out = {.act = act, .tid = e->where.tid, .index = e->index, .cycle = e->where.cycle, .call = "", .lr = e->where.lr};
    size_t i = thread_of(r, e->where.tid);
    if (i == SIZE_MAX)
        return out;
    const struct par_wedge_thread *t = &r->m->threads[i];
    const struct thread_state *s = &r->states[i];
    out.in_interrupt = t->in_interrupt;
    out.source = t->source;
    if (s->depth && s->depth <= MAX_DEPTH) {
        out.call = s->frames[s->depth - 1].name;
        out.lr = s->frames[s->depth - 1].lr;
    }
    return out;
}

static const struct frame *frame_of(struct replay *r, uint32_t tid)
{
    size_t i = thread_of(r, tid);
    return i != SIZE_MAX && r->states[i].depth && r->states[i].depth <= MAX_DEPTH ? &r->states[i].frames[r->states[i].depth - 1] : NULL;
}

// What an event or a wait names; made up at its first use where nothing made it before.
static struct par_wedge_object *object_named(struct replay *r, uint32_t key, const struct trace_record *record, const char *type)
{
    struct par_wedge_object *o = find_object(r, key);
    if (o || !key)
        return o;
    struct par_wedge_entry at = entry_at(r, record, PAR_ACT_CREATE);
    o = add_object(r, key, type, &at);
    if (o && key < 0xF0000000 && key >= 0x10000)
        o->address = key;
    return o;
}

static void describe_made(struct par_wedge_object *o, const struct frame *f)
{
    int reset = makes[f->make].reset, initial = makes[f->make].initial;
    if (reset >= 0 && (unsigned)reset < f->count)
        o->automatic = f->args[reset] != 0;
    if (initial == -2)
        o->initial = 0;
    else if (initial >= 0 && (unsigned)initial < f->count)
        o->initial = (int)(uint32_t)f->args[initial];
}

static void own(struct par_wedge_object *o, const struct par_wedge_entry *e)
{
    if (o->owner != e->tid) {
        o->depth = 0;
        o->owned_since = *e;
    }
    o->owner = e->tid;
    o->depth++;
}

static void let_go(struct par_wedge_object *o)
{
    if (o->depth)
        o->depth--;
    if (!o->depth)
        o->owner = 0;
}

static bool is_mutant(const struct par_wedge_object *o)
{
    return !strcmp(o->type, "Mutant");
}

static void make_in_memory(struct replay *r, const struct trace_record *record, const struct frame *f)
{
    if (f->make < 0 || !makes[f->make].in_memory || !f->count)
        return;
    struct par_wedge_entry at = entry_at(r, record, PAR_ACT_CREATE);
    struct par_wedge_object *before = find_object(r, (uint32_t)f->args[0]);
    if (before)
        before->alive = false;
    struct par_wedge_object *o = add_object(r, (uint32_t)f->args[0], makes[f->make].type, &at);
    if (!o)
        return;
    o->address = (uint32_t)f->args[0];
    describe_made(o, f);
    add_entry(r, o, &at);
    if (is_mutant(o) && o->initial == 1)
        own(o, &at);
}

static void handle_create(struct replay *r, const struct trace_record *record)
{
    const struct trace_event *e = &record->event;
    const struct frame *f = frame_of(r, e->where.tid);
    struct par_wedge_entry at = entry_at(r, record, PAR_ACT_CREATE);
    const char *type = trace_object_type_name(e->fields[1]);
    struct par_wedge_object *o = add_object(r, (uint32_t)e->fields[0], type ? type : "Object", &at);
    if (!o)
        return;
    if (f && f->make >= 0 && !makes[f->make].in_memory) {
        describe_made(o, f);
        if (is_mutant(o) && o->initial == 1)
            own(o, &at);
    } else if (f && f->make < 0 && f->count && !strncmp(f->name, "Ke", 2)) {
        o->address = (uint32_t)f->args[0]; // an engine that gives a guest KEVENT a handle at its first use
        o->automatic = PAR_NOT_KNOWN;
    }
    add_entry(r, o, &at);
}

static void handle_destroy(struct replay *r, const struct trace_record *record)
{
    struct par_wedge_object *o = find_object(r, (uint32_t)record->event.fields[0]);
    struct par_wedge_entry at = entry_at(r, record, PAR_ACT_DESTROY);
    if (o) {
        add_entry(r, o, &at);
        o->alive = false;
    }
}

// ---- Calls

static void enter_lock(struct replay *r, const struct trace_record *record, const struct frame *f, bool began)
{
    if (f->lock < 0 || !f->count)
        return;
    enum lock_act act = locks[f->lock].act;
    struct par_wedge_object *o = object_named(r, (uint32_t)f->args[0], record, locks[f->lock].type);
    if (!o)
        return;
    bool owned = !began && (act == LOCK_ENTER || (act == LOCK_TRY && record->event.count > 1 && (uint32_t)record->event.fields[1]));
    struct par_wedge_entry at = entry_at(r, record, owned ? PAR_ACT_TAKE : PAR_ACT_RELEASE);
    if (owned) {
        own(o, &at);
        o->takes++;
    } else if (began && act == LOCK_LEAVE) {
        let_go(o);
        if (!o->owner)
            count_site(o, &at); // uncontended locking would drown the history: sites only
        o->gives += !o->owner;
    }
}

static void timer_call(struct replay *r, const struct trace_record *record, const struct frame *f)
{
    if (f->timer < 0 || !f->count)
        return;
    struct par_wedge_object *o = object_named(r, (uint32_t)f->args[0], record, "Timer");
    if (!o)
        return;
    int period = timer_calls[f->timer].period;
    struct par_wedge_entry at = entry_at(r, record, timer_calls[f->timer].arms ? PAR_ACT_ARM : PAR_ACT_CANCEL);
    o->armed = timer_calls[f->timer].arms;
    o->periodic = o->armed && period >= 0 && (unsigned)period < f->count && f->args[period];
    add_entry(r, o, &at);
}

static void begin_call(struct replay *r, const struct trace_record *record)
{
    const struct trace_event *e = &record->event;
    size_t i = thread_of(r, e->where.tid);
    if (i == SIZE_MAX || record->import)
        return;
    struct thread_state *s = &r->states[i];
    const struct name *name = call_name(r, record);
    struct frame f = {.name = name->text, .make = name->make, .lock = name->lock, .timer = name->timer, .lr = e->where.lr, .index = e->index};
    for (unsigned k = 1; k < e->count && f.count < 8; k++)
        f.args[f.count++] = e->fields[k];
    if (s->depth < MAX_DEPTH)
        s->frames[s->depth] = f;
    s->depth++;
    struct par_wedge_thread *t = &r->m->threads[i];
    t->in_call = true;
    t->last_call = entry_at(r, record, PAR_ACT_WAIT);
    enter_lock(r, record, &f, true);
    timer_call(r, record, &f);
    if (!strcmp(f.name, "VdSetGraphicsInterruptCallback") && f.count) {
        r->m->callback = (uint32_t)f.args[0];
        r->m->callback_set = t->last_call;
    }
}

static void end_call(struct replay *r, const struct trace_record *record)
{
    size_t i = thread_of(r, record->event.where.tid);
    if (i == SIZE_MAX || !r->states[i].depth)
        return;
    struct thread_state *s = &r->states[i];
    if (s->depth <= MAX_DEPTH) {
        struct frame f = s->frames[s->depth - 1];
        enter_lock(r, record, &f, false);
        make_in_memory(r, record, &f);
    }
    s->depth--;
    r->m->threads[i].in_call = s->depth > 0;
}

// ---- Waits

static void begin_wait(struct replay *r, const struct trace_record *record)
{
    const struct trace_event *e = &record->event;
    size_t i = thread_of(r, e->where.tid);
    if (i == SIZE_MAX)
        return;
    const struct frame *f = frame_of(r, e->where.tid);
    const char *type = f && f->lock >= 0 ? locks[f->lock].type : "Object";
    struct par_wedge_entry at = entry_at(r, record, PAR_ACT_WAIT);
    size_t targets[PAR_WEDGE_TARGETS];
    unsigned n = 0;
    for (unsigned k = 3; k < e->count && n < PAR_WEDGE_TARGETS; k++) {
        struct par_wedge_object *o = object_named(r, (uint32_t)e->fields[k], record, type);
        if (!o)
            continue;
        o->waits++;
        add_entry(r, o, &at);
        targets[n++] = (size_t)(o - r->m->objects);
    }
    struct par_wedge_thread *t = &r->m->threads[i];
    t->waiting = true;
    t->wait = at;
    t->all = e->fields[0] == 0;
    t->timeout = e->fields[1];
    t->timed = e->fields[1] != UINT64_MAX && !(record->absent >> 1 & 1);
    t->target_count = n;
    t->sleeping = n == 0;
    memcpy(t->targets, targets, n * sizeof *targets);
    t->wait_number = 0;
    if (n)
        for (size_t k = 0; k < r->m->objects[targets[0]].site_count; k++) {
            const struct par_wedge_site *s = &r->m->objects[targets[0]].sites[k];
            t->wait_number += s->first.act == PAR_ACT_WAIT && s->first.tid == t->tid ? (unsigned)s->count : 0;
        }
}

static void end_wait(struct replay *r, const struct trace_record *record)
{
    size_t i = thread_of(r, record->event.where.tid);
    if (i == SIZE_MAX || !r->m->threads[i].waiting)
        return;
    struct par_wedge_thread *t = &r->m->threads[i];
    uint32_t status = (uint32_t)record->event.fields[0];
    bool got = status < PAR_WEDGE_TARGETS;
    struct par_wedge_entry at = entry_at(r, record, got ? PAR_ACT_GOT : PAR_ACT_TIMED_OUT);
    at.value = status;
    for (unsigned k = 0; k < t->target_count; k++) {
        struct par_wedge_object *o = &r->m->objects[t->targets[k]];
        if (got && !t->all && k != status)
            continue;
        add_entry(r, o, &at);
        o->takes += got;
        if (got && is_mutant(o))
            own(o, &at);
    }
    t->waiting = false;
}

// ---- Signals

static void change(struct replay *r, const struct trace_record *record, enum par_wedge_act act, unsigned value_field)
{
    const struct trace_event *e = &record->event;
    const char *type = act == PAR_ACT_RELEASE ? "Semaphore" : act == PAR_ACT_FIRE ? "Timer" : "Event";
    struct par_wedge_object *o = object_named(r, (uint32_t)e->fields[0], record, type);
    struct par_wedge_entry at = entry_at(r, record, act);
    if (!o)
        return;
    if (!strcmp(o->type, "Object")) { // only now it is known
        o->type = type;
        snprintf(o->name, sizeof o->name, "%.20s#%.16s.%u", type, o->creator, o->ordinal);
    }
    at.value = value_field ? (uint32_t)e->fields[value_field] : 0;
    o->lost += act == PAR_ACT_SET && at.value == 1 && !(record->absent >> 1 & 1);
    if (act == PAR_ACT_FIRE)
        o->armed = o->periodic;
    if (is_mutant(o))
        let_go(o);
    add_entry(r, o, &at);
}

// The event that follows a set, a release and so on, with who waited; the only trace of a lock handed over and of a thread's end.
static void signal_match(struct replay *r, const struct trace_record *record)
{
    const struct trace_event *e = &record->event;
    struct par_wedge_object *o = object_named(r, (uint32_t)e->fields[0], record, "Object");
    if (!o)
        return;
    if (o->entry_count && o->entry_total <= PAR_WEDGE_KEPT) {
        struct par_wedge_entry *last = &o->entries[o->entry_count - 1];
        if (par_wedge_act_gives(last->act) && last->tid == e->where.tid && last->index + 1 == e->index) {
            last->waiters = e->count - 1;
            o->lost += last->act == PAR_ACT_PULSE && e->count == 1;
            return;
        }
    }
    struct par_wedge_entry at = entry_at(r, record, PAR_ACT_SIGNAL);
    at.waiters = e->count - 1;
    if (is_mutant(o) && o->owner)
        return; // abandoned: its owner's end says so
    add_entry(r, o, &at);
}

static void thread_exit(struct replay *r, const struct trace_event *e)
{
    size_t i = thread_of(r, (uint32_t)e->fields[0]);
    if (i == SIZE_MAX)
        return;
    r->m->threads[i].ended = true;
    r->m->threads[i].waiting = false;
    r->m->threads[i].exit_index = e->index;
    r->m->threads[i].exit_code = (uint32_t)e->fields[1];
}

static void interrupt(struct replay *r, const struct trace_event *e, bool begins)
{
    size_t i = thread_of(r, e->where.tid);
    if (i == SIZE_MAX)
        return;
    struct par_wedge_thread *t = &r->m->threads[i];
    t->in_interrupt = begins;
    t->source = (uint32_t)e->fields[0];
    if (begins)
        r->m->interrupts[e->fields[0] != 0]++;
    if (begins && !r->m->callback)
        r->m->callback = (uint32_t)e->fields[2];
    r->states[i].depth = 0;
}

static void resume(struct replay *r, const struct trace_event *e, bool suspends)
{
    size_t i = thread_of(r, (uint32_t)e->fields[0]);
    if (i != SIZE_MAX)
        r->m->threads[i].suspended = suspends ? (unsigned)e->fields[1] + 1 : e->fields[1] ? (unsigned)e->fields[1] - 1 : 0;
}

static void exit_thread(struct replay *r, const struct trace_event *e)
{
    size_t i = thread_of(r, (uint32_t)e->fields[0]);
    if (i == SIZE_MAX)
        return;
    r->m->threads[i].pc = (uint32_t)e->fields[1];
    r->m->threads[i].lr = (uint32_t)e->fields[2];
}

static void step(struct replay *r, const struct trace_record *record)
{
    const struct trace_event *e = &record->event;
    size_t i;
    switch (e->kind) {
    case TRACE_CALL: begin_call(r, record); break;
    case TRACE_RETURN: end_call(r, record); break;
    case TRACE_HANDLE_CREATE: handle_create(r, record); break;
    case TRACE_HANDLE_DESTROY: handle_destroy(r, record); break;
    case TRACE_THREAD_CREATE: create_thread(r, e); break;
    case TRACE_THREAD_EXIT: thread_exit(r, e); break;
    case TRACE_THREAD_SUSPEND: resume(r, e, true); break;
    case TRACE_THREAD_RESUME: resume(r, e, false); break;
    case TRACE_THREAD_START:
        if ((i = thread_of(r, (uint32_t)e->fields[0])) != SIZE_MAX) {
            r->m->threads[i].started = true;
            r->m->threads[i].suspended = 0;
        }
        break;
    case TRACE_WAIT_BEGIN: begin_wait(r, record); break;
    case TRACE_WAIT_END: end_wait(r, record); break;
    case TRACE_EVENT_SET: change(r, record, PAR_ACT_SET, 1); break;
    case TRACE_EVENT_RESET: change(r, record, PAR_ACT_RESET, 1); break;
    case TRACE_EVENT_PULSE: change(r, record, PAR_ACT_PULSE, 1); break;
    case TRACE_SEMAPHORE_RELEASE: change(r, record, PAR_ACT_RELEASE, 2); break;
    case TRACE_MUTANT_RELEASE: change(r, record, PAR_ACT_RELEASE, 1); break;
    case TRACE_TIMER_FIRE: change(r, record, PAR_ACT_FIRE, 0); break;
    case TRACE_SIGNAL: signal_match(r, record); break;
    case TRACE_INTERRUPT_BEGIN: interrupt(r, e, true); break;
    case TRACE_INTERRUPT_END: interrupt(r, e, false); break;
    case TRACE_EXIT_THREAD: exit_thread(r, e); break;
    case TRACE_EXIT:
        for (unsigned k = 0; k < e->text_count; k++)
            snprintf(r->m->exit, sizeof r->m->exit, "%s", e->texts[k].text);
        break;
    default: break;
    }
}

// A spin lock that somebody else holds is waited for without any event.
static void find_spinners(struct replay *r)
{
    for (size_t i = 0; i < r->m->thread_count; i++) {
        struct par_wedge_thread *t = &r->m->threads[i];
        const struct thread_state *s = &r->states[i];
        const struct frame *f = s->depth && s->depth <= MAX_DEPTH ? &s->frames[s->depth - 1] : NULL;
        if (t->waiting || t->ended || !f || f->lock < 0 || locks[f->lock].act != LOCK_ENTER || !f->count)
            continue;
        struct par_wedge_object *o = find_object(r, (uint32_t)f->args[0]);
        if (!o || !o->owner || o->owner == t->tid)
            continue;
        t->waiting = t->spins = true;
        t->wait = t->last_call;
        t->targets[0] = (size_t)(o - r->m->objects);
        t->target_count = 1;
        t->wait_number = 1;
    }
}

static void finish(struct replay *r)
{
    struct par_wedge_model *m = r->m;
    find_spinners(r);
    for (size_t i = 0; i < m->object_count; i++) { // thread objects: by handle's creation order, or by KTHREAD
        struct par_wedge_object *o = &m->objects[i];
        for (size_t t = 0; t < m->thread_count; t++)
            if (m->threads[t].kthread && (o->handle == m->threads[t].kthread || o->address == m->threads[t].kthread))
                o->thread = m->threads[t].tid;
    }
    free(r->states);
    free(r->by_export);
    free(r->slots);
    m->private = r->names; // texts of calls live on
}

static void name_thread_handle(struct replay *r, const struct trace_event *e)
{
    struct par_wedge_object *o = find_object(r, (uint32_t)e->fields[1]);
    if (o)
        o->thread = (uint32_t)e->fields[0];
}

bool par_wedge_read(struct par_wedge_model *out, const char *path, uint64_t at, uint32_t keep, const struct trace_watch *watch, struct error *err)
{
    struct trace_reader *reader;
    struct replay r = {.m = out, .keep = keep};
    *out = (struct par_wedge_model){0};
    if (!trace_reader_open(&reader, path, err))
        return false;
    trace_reader_watch(reader, watch);
    r.names = calloc(MAX_NAMES, sizeof *r.names);
    if (!r.names) {
        trace_reader_close(reader);
        return error_set(err, ERR_MEMORY, "out of memory");
    }
    out->private = r.names;
    name_of(&r, "?");
    struct trace_record record;
    out->whole = true;
    while (!r.out_of_memory && trace_reader_next(reader, &record)) {
        if (record.event.index > at) {
            out->whole = false;
            break;
        }
        out->at = record.event.index;
        out->cycle = record.event.where.cycle > out->cycle ? record.event.where.cycle : out->cycle;
        out->events++;
        step(&r, &record);
        if (record.event.kind == TRACE_THREAD_CREATE)
            name_thread_handle(&r, &record.event);
    }
    struct trace_summary summary = trace_reader_summary(reader);
    snprintf(out->engine, sizeof out->engine, "%s", summary.engine ? summary.engine : "");
    snprintf(out->title, sizeof out->title, "%s", summary.title ? summary.title : "");
    trace_reader_close(reader);
    finish(&r);
    if (r.out_of_memory) {
        par_wedge_free(out);
        return error_set(err, ERR_MEMORY, "out of memory");
    }
    return true;
}

void par_wedge_free(struct par_wedge_model *m)
{
    struct name *names = m->private;
    for (size_t i = 0; names && i < MAX_NAMES && names[i].text; i++)
        free(names[i].text);
    free(names);
    for (size_t i = 0; i < m->object_count; i++) {
        free(m->objects[i].entries);
        free(m->objects[i].sites);
    }
    free(m->objects);
    free(m->threads);
    *m = (struct par_wedge_model){0};
}
