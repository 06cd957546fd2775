// Waits: who waits for what, when a wait is satisfied, and what satisfying takes from the objects.
#include "kernel/state.h"

struct krnl_target krnl_target_of(struct krnl_object *object)
{
    return (struct krnl_target){object, object->body};
}

struct krnl_target krnl_target_at(const struct kernel *k, gva header)
{
    return (struct krnl_target){krnl_object_at(k, header), header};
}

static bool same_target(const struct krnl_target *a, const struct krnl_target *b)
{
    return a->header ? a->header == b->header : a->object == b->object;
}

static uint32_t target_name(const struct kernel *k, const struct krnl_target *t)
{
    uint32_t handle = t->object ? krnl_object_handle(k, t->object) : 0;
    return handle ? handle : t->header;
}

int32_t krnl_signal_state(const struct kernel *k, const struct krnl_target *target)
{
    if (!target->header)
        return target->object->signal;
    uint32_t state = 0;
    mem_get32(k->mem, target->header + DH_STATE, &state);
    return (int32_t)state;
}

void krnl_set_signal_state(struct kernel *k, const struct krnl_target *target, int32_t state)
{
    if (!target->header)
        target->object->signal = state;
    else
        mem_set32(k->mem, target->header + DH_STATE, (uint32_t)state);
}

static enum krnl_dispatcher_type dispatcher_type(const struct kernel *k, const struct krnl_target *target)
{
    uint8_t type = 0;
    if (target->header)
        mem_get8(k->mem, target->header + DH_TYPE, &type);
    else
        type = target->object->dispatcher;
    return (enum krnl_dispatcher_type)type;
}

static bool available(const struct kernel *k, const struct krnl_target *target, const struct krnl_thread *t)
{
    if (krnl_signal_state(k, target) > 0)
        return true;
    return target->object && target->object->type == KRNL_MUTANT && target->object->owner == t;
}

// What a satisfied wait takes: an auto-reset event's signal, one of a semaphore's count, a mutant's ownership.
static void take(struct kernel *k, const struct krnl_target *target, struct krnl_thread *t)
{
    switch (dispatcher_type(k, target)) {
    case DISPATCH_SYNCHRONIZATION_EVENT:
    case DISPATCH_SYNCHRONIZATION_TIMER:
        krnl_set_signal_state(k, target, 0);
        break;
    case DISPATCH_SEMAPHORE:
        krnl_set_signal_state(k, target, krnl_signal_state(k, target) - 1);
        break;
    case DISPATCH_MUTANT:
        krnl_set_signal_state(k, target, 0);
        if (target->object) {
            target->object->owner = t;
            target->object->count++;
        }
        break;
    case DISPATCH_NOTIFICATION_EVENT:
    case DISPATCH_NOTIFICATION_TIMER:
    case DISPATCH_THREAD:
        break;
    }
}

// True when the wait of `t` is satisfied now, after taking what it takes. *index: the object that did it (any-waits).
static bool satisfied(struct kernel *k, struct krnl_thread *t, unsigned *index)
{
    struct krnl_wait *w = &t->wait;
    *index = 0;
    if (w->all) {
        for (unsigned i = 0; i < w->count; i++)
            if (!available(k, &w->targets[i], t))
                return false;
        for (unsigned i = 0; i < w->count; i++)
            take(k, &w->targets[i], t);
        return w->count > 0;
    }
    for (unsigned i = 0; i < w->count; i++)
        if (available(k, &w->targets[i], t)) {
            take(k, &w->targets[i], t);
            *index = i;
            return true;
        }
    return false;
}

static nt_status satisfied_status(const struct krnl_thread *t, unsigned index)
{
    return (nt_status)STATUS_SUCCESS + (t->wait.all ? 0 : index);
}

static void release_targets(struct kernel *k, struct krnl_thread *t)
{
    for (unsigned i = 0; i < t->wait.count; i++)
        if (t->wait.targets[i].object)
            krnl_object_release(k, t->wait.targets[i].object);
    t->wait.count = 0;
}

static void emit_wait_end(struct kernel *k, const struct krnl_thread *t, nt_status status, const struct krnl_target *by)
{
    krnl_emit(k, t, TRACE_WAIT_END, 2, (uint64_t[]){status, by ? target_name(k, by) : 0}, NULL);
}

void krnl_wait_finish(struct kernel *k, struct krnl_thread *t, nt_status status, const struct krnl_target *by)
{
    struct krnl_target woken_by = by ? *by : (struct krnl_target){0};
    t->state = THREAD_READY;
    emit_wait_end(k, t, status, by ? &woken_by : NULL);
    release_targets(k, t);
    krnl_make_ready(k, t);
    if (t->call_row)
        krnl_finish_call(k, t, status);
}

static void begin(struct kernel *k, struct krnl_thread *t, const struct krnl_timeout *timeout)
{
    if (!k->trace)
        return;
    struct krnl_wait *w = &t->wait;
    uint64_t fields[TRACE_MAX_FIELDS];
    fields[0] = w->all ? 0 : 1;
    fields[1] = timeout->infinite ? UINT64_MAX : (uint64_t)timeout->value;
    fields[2] = w->alertable;
    unsigned n = 3;
    for (unsigned i = 0; i < w->count && n < TRACE_MAX_FIELDS; i++)
        fields[n++] = target_name(k, &w->targets[i]);
    krnl_emit(k, t, TRACE_WAIT_BEGIN, n, fields, NULL);
}

static uint64_t deadline_of(const struct kernel *k, uint64_t now, const struct krnl_timeout *timeout)
{
    if (timeout->value <= 0)
        return now + (uint64_t)-timeout->value * KRNL_CYCLES_PER_100NS;
    uint64_t boot = k->config.boot_time;
    return (uint64_t)timeout->value <= boot ? now : ((uint64_t)timeout->value - boot) * KRNL_CYCLES_PER_100NS;
}

// Puts the caller to sleep in the wait that t->wait describes; the call ends in krnl_wait_finish.
static nt_status park(struct krnl_call *c, const struct krnl_timeout *timeout)
{
    struct krnl_thread *t = c->thread;
    t->wait.timed = !timeout->infinite;
    t->wait.deadline = timeout->infinite ? 0 : deadline_of(c->k, krnl_thread_now(c->k, t), timeout);
    t->wait.sequence = ++c->k->sequence;
    t->state = THREAD_WAITING;
    t->call_row = c->row;
    c->pending = true;
    c->k->reschedule = true;
    return STATUS_SUCCESS;
}

nt_status krnl_wait(struct krnl_call *c, unsigned count, const struct krnl_target *targets, bool wait_all, bool alertable,
                    const struct krnl_timeout *timeout)
{
    struct krnl_thread *t = c->thread;
    if (!count || count > KRNL_MAX_WAIT)
        return (nt_status)STATUS_INVALID_PARAMETER;
    t->wait.count = count;
    t->wait.all = wait_all;
    t->wait.alertable = alertable;
    for (unsigned i = 0; i < count; i++) {
        t->wait.targets[i] = targets[i];
        if (targets[i].object)
            krnl_object_retain(targets[i].object);
    }
    begin(c->k, t, timeout);
    unsigned index;
    nt_status status;
    if (satisfied(c->k, t, &index))
        status = satisfied_status(t, index);
    else if (alertable && t->apc_count) {
        status = (nt_status)STATUS_USER_APC;
        c->deliver_apcs = true;
    } else if (!timeout->infinite && timeout->value == 0)
        status = (nt_status)STATUS_TIMEOUT;
    else
        return park(c, timeout);
    struct krnl_target by = targets[index];
    emit_wait_end(c->k, t, status, status < 64 ? &by : NULL);
    release_targets(c->k, t);
    return status;
}

nt_status krnl_sleep(struct krnl_call *c, bool alertable, const struct krnl_timeout *timeout)
{
    struct krnl_thread *t = c->thread;
    t->wait.count = 0;
    t->wait.all = false;
    t->wait.alertable = alertable;
    begin(c->k, t, timeout);
    if (alertable && t->apc_count) {
        emit_wait_end(c->k, t, (nt_status)STATUS_USER_APC, NULL);
        c->deliver_apcs = true;
        return (nt_status)STATUS_USER_APC;
    }
    // Even a sleep of nothing gives way: others that are ready run first.
    return park(c, timeout);
}

bool krnl_timeout_at(const struct krnl_call *c, gva pointer, struct krnl_timeout *out)
{
    *out = (struct krnl_timeout){.infinite = true};
    if (!pointer)
        return true;
    uint64_t value;
    if (!mem_get64(c->mem, pointer, &value))
        return false;
    out->infinite = false;
    out->value = (int64_t)value;
    // A relative time of centuries is for ever; it must not overflow the cycle clock.
    if (out->value < -((int64_t)1 << 54))
        out->infinite = true;
    return true;
}

// The thread that has waited longest for the target, after `sequence`; NULL: none.
static struct krnl_thread *next_waiter(struct kernel *k, const struct krnl_target *target, uint64_t sequence)
{
    struct krnl_thread *best = NULL;
    for (struct krnl_thread *t = k->threads; t; t = t->next) {
        if (t->state != THREAD_WAITING || t->wait.sequence <= sequence || (best && t->wait.sequence > best->wait.sequence))
            continue;
        for (unsigned i = 0; i < t->wait.count; i++)
            if (same_target(&t->wait.targets[i], target)) {
                best = t;
                break;
            }
    }
    return best;
}

static void emit_signal(struct kernel *k, const struct krnl_target *target, const struct krnl_thread *by)
{
    if (!k->trace)
        return;
    uint64_t fields[TRACE_MAX_FIELDS] = {target_name(k, target)};
    unsigned n = 1;
    struct krnl_thread *t = NULL;
    for (uint64_t after = 0; n < TRACE_MAX_FIELDS && (t = next_waiter(k, target, after)); after = t->wait.sequence)
        fields[n++] = t->tid;
    krnl_emit(k, by, TRACE_SIGNAL, n, fields, NULL);
}

void krnl_signalled(struct kernel *k, const struct krnl_target *target, const struct krnl_thread *by)
{
    emit_signal(k, target, by);
    struct krnl_thread *t;
    for (uint64_t after = 0; (t = next_waiter(k, target, after));) {
        after = t->wait.sequence;
        unsigned index;
        if (krnl_signal_state(k, target) <= 0)
            return;
        if (!satisfied(k, t, &index))
            continue;
        krnl_emit(k, by, TRACE_WAKE, 2, (uint64_t[]){t->tid, target_name(k, target)}, NULL);
        krnl_wait_finish(k, t, satisfied_status(t, index), target);
    }
}

uint64_t krnl_next_deadline(const struct kernel *k)
{
    uint64_t next = UINT64_MAX;
    for (const struct krnl_thread *t = k->threads; t; t = t->next)
        if (t->state == THREAD_WAITING && t->wait.timed && t->wait.deadline < next)
            next = t->wait.deadline;
    for (const struct krnl_object *o = k->objects; o; o = o->next)
        if (o->type == KRNL_TIMER && o->due && o->due < next)
            next = o->due;
    return next;
}

static void fire_timer(struct kernel *k, struct krnl_object *timer)
{
    struct krnl_target target = krnl_target_of(timer);
    timer->due = timer->period ? timer->due + timer->period : 0;
    krnl_set_signal_state(k, &target, 1);
    krnl_emit(k, NULL, TRACE_TIMER_FIRE, 1, (uint64_t[]){target_name(k, &target)}, NULL);
    if (timer->apc_routine && timer->apc_thread)
        krnl_queue_apc(k, timer->apc_thread, &(struct krnl_apc){.normal_routine = timer->apc_routine,
                                                               .context = timer->apc_context});
    krnl_signalled(k, &target, NULL);
}

// The earliest timer that is due, oldest object first among equals.
static struct krnl_object *due_timer(struct kernel *k, uint64_t now)
{
    struct krnl_object *best = NULL;
    for (struct krnl_object *o = k->objects; o; o = o->next)
        if (o->type == KRNL_TIMER && o->due && o->due <= now && (!best || o->due <= best->due))
            best = o;
    return best;
}

static struct krnl_thread *due_sleeper(struct kernel *k, uint64_t now)
{
    struct krnl_thread *best = NULL;
    for (struct krnl_thread *t = k->threads; t; t = t->next)
        if (t->state == THREAD_WAITING && t->wait.timed && t->wait.deadline <= now &&
            (!best || t->wait.deadline < best->wait.deadline ||
             (t->wait.deadline == best->wait.deadline && t->wait.sequence < best->wait.sequence)))
            best = t;
    return best;
}

void krnl_wait_expire(struct kernel *k, uint64_t now)
{
    struct krnl_object *timer;
    while ((timer = due_timer(k, now)))
        fire_timer(k, timer);
    struct krnl_thread *t;
    while ((t = due_sleeper(k, now))) {
        bool sleep = t->wait.count == 0;
        krnl_wait_finish(k, t, sleep ? (nt_status)STATUS_SUCCESS : (nt_status)STATUS_TIMEOUT, NULL);
    }
}

struct krnl_thread *krnl_first_waiter(struct kernel *k, const struct krnl_target *target)
{
    return next_waiter(k, target, 0);
}
