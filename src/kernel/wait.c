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
    return a->object || b->object ? a->object == b->object : a->header == b->header;
}

uint32_t krnl_target_name(const struct kernel *k, const struct krnl_target *t)
{
    uint32_t handle = t->object ? krnl_object_handle(k, t->object) : 0;
    return handle ? handle : t->header;
}

// An object may have got its body after the wait began.
static gva header_of(const struct krnl_target *target)
{
    return target->object ? target->object->body : target->header;
}

int32_t krnl_signal_state(const struct kernel *k, const struct krnl_target *target)
{
    gva header = header_of(target);
    if (!header)
        return target->object ? target->object->signal : 0;
    uint32_t state = 0;
    mem_get32(k->mem, header + DH_STATE, &state);
    return (int32_t)state;
}

void krnl_set_signal_state(struct kernel *k, const struct krnl_target *target, int32_t state)
{
    gva header = header_of(target);
    if (header)
        mem_set32(k->mem, header + DH_STATE, (uint32_t)state);
    else if (target->object)
        target->object->signal = state;
}

enum krnl_dispatcher_type krnl_target_type(const struct kernel *k, const struct krnl_target *target)
{
    uint8_t type = 0;
    gva header = header_of(target);
    if (header)
        mem_get8(k->mem, header + DH_TYPE, &type);
    else if (target->object)
        type = target->object->dispatcher;
    return (enum krnl_dispatcher_type)type;
}

static bool available(const struct kernel *k, const struct krnl_target *target, const struct krnl_thread *t)
{
    if (krnl_signal_state(k, target) > 0)
        return true;
    return krnl_target_type(k, target) == DISPATCH_MUTANT && krnl_mutant_owner(k, target) == t;
}

// What a satisfied wait takes: an auto-reset event's signal, one of a semaphore's count, a mutant's ownership. True: of a mutant
// that was abandoned.
static bool take(struct kernel *k, const struct krnl_target *target, struct krnl_thread *t)
{
    switch (krnl_target_type(k, target)) {
    case DISPATCH_SYNCHRONIZATION_EVENT:
    case DISPATCH_SYNCHRONIZATION_TIMER:
        krnl_set_signal_state(k, target, 0);
        break;
    case DISPATCH_SEMAPHORE: {
        int32_t count = krnl_signal_state(k, target);
        if (count > 0) // one object twice in a wait for all
            krnl_set_signal_state(k, target, count - 1);
        break;
    }
    case DISPATCH_MUTANT: {
        struct krnl_target mutant = {target->object, header_of(target)};
        return krnl_mutant_take(k, &mutant, t);
    }
    case DISPATCH_NOTIFICATION_EVENT:
    case DISPATCH_NOTIFICATION_TIMER:
    case DISPATCH_THREAD:
    case DISPATCH_QUEUE: // who removes a packet takes it, krnl_io_completion_removed
        break;
    }
    return false;
}

// True when the wait of `t` is satisfied now, after taking what it takes, with its status. *index: the object that did it.
static bool satisfied(struct kernel *k, struct krnl_thread *t, unsigned *index, nt_status *status)
{
    struct krnl_wait *w = &t->wait;
    bool abandoned = false;
    *index = 0;
    if (w->all) {
        for (unsigned i = 0; i < w->count; i++)
            if (!available(k, &w->targets[i], t))
                return false;
        for (unsigned i = 0; i < w->count; i++)
            abandoned |= take(k, &w->targets[i], t);
        *status = abandoned ? (nt_status)STATUS_ABANDONED_WAIT_0 : STATUS_SUCCESS;
        return w->count > 0;
    }
    for (unsigned i = 0; i < w->count; i++)
        if (available(k, &w->targets[i], t)) {
            abandoned = take(k, &w->targets[i], t);
            *index = i;
            *status = (abandoned ? (nt_status)STATUS_ABANDONED_WAIT_0 : STATUS_SUCCESS) + i;
            return true;
        }
    return false;
}

static bool is_satisfied_status(nt_status status)
{
    return (status & ~(nt_status)STATUS_ABANDONED_WAIT_0) < KRNL_MAX_WAIT;
}

// What the export that waited does at its end; its status may change.
static nt_status complete(struct kernel *k, struct krnl_thread *t, nt_status status)
{
    enum krnl_done done = t->wait.done;
    t->wait.done = KRNL_DONE_NOTHING;
    if (!is_satisfied_status(status))
        return status;
    switch (done) {
    case KRNL_DONE_NOTHING:
        break;
    case KRNL_DONE_CRITICAL_SECTION:
        krnl_critical_section_entered(k, t);
        break;
    case KRNL_DONE_IO_COMPLETION:
        return krnl_io_completion_removed(k, t);
    }
    return status;
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
    krnl_emit(k, t, TRACE_WAIT_END, 2, (uint64_t[]){status, by ? krnl_target_name(k, by) : 0}, NULL);
}

void krnl_wait_finish(struct kernel *k, struct krnl_thread *t, nt_status status, const struct krnl_target *by)
{
    struct krnl_target woken_by = by ? *by : (struct krnl_target){0};
    t->state = THREAD_READY;
    emit_wait_end(k, t, status, by ? &woken_by : NULL);
    status = complete(k, t, status);
    release_targets(k, t);
    krnl_make_ready(k, t);
    if (t->call.row)
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
    fields[2] = w->alert != KRNL_NOT_ALERTABLE;
    unsigned n = 3;
    for (unsigned i = 0; i < w->count && n < TRACE_MAX_FIELDS; i++)
        fields[n++] = krnl_target_name(k, &w->targets[i]);
    krnl_emit(k, t, TRACE_WAIT_BEGIN, n, fields, NULL);
}

enum krnl_alert krnl_alert_of(uint32_t processor_mode, uint32_t alertable)
{
    return !(alertable & 0xFF) ? KRNL_NOT_ALERTABLE : processor_mode & 0xFF ? KRNL_ALERTABLE_USER : KRNL_ALERTABLE_KERNEL;
}

// Puts the caller to sleep in the wait that t->wait describes; the call ends in krnl_wait_finish.
static nt_status park(struct krnl_call *c, const struct krnl_timeout *timeout)
{
    struct krnl_thread *t = c->thread;
    t->wait.timed = !timeout->infinite;
    t->wait.deadline = timeout->infinite ? 0 : krnl_due_cycles(c->k, krnl_thread_now(c->k, t), timeout->value);
    t->wait.sequence = ++c->k->sequence;
    t->state = THREAD_WAITING;
    t->call.row = c->row;
    c->pending = true;
    c->k->reschedule = true;
    return STATUS_SUCCESS;
}

// True: an alert or a user APC ends an alertable wait at its beginning.
static bool alert_pending(struct krnl_thread *t, nt_status *status)
{
    bool user = t->wait.alert == KRNL_ALERTABLE_USER;
    if (t->wait.alert == KRNL_NOT_ALERTABLE)
        return false;
    if (t->alerted[user]) {
        t->alerted[user] = false;
        *status = (nt_status)STATUS_ALERTED;
        return true;
    }
    if (user && t->apcs[1]) {
        t->user_apc_pending = true;
        *status = (nt_status)STATUS_USER_APC;
        return true;
    }
    if (!t->alerted[0])
        return false;
    t->alerted[0] = false;
    *status = (nt_status)STATUS_ALERTED;
    return true;
}

static void describe(struct krnl_thread *t, unsigned count, const struct krnl_target *targets, bool all, enum krnl_alert alert)
{
    t->wait.count = count;
    t->wait.all = all;
    t->wait.alert = alert;
    t->wait.done = KRNL_DONE_NOTHING;
    for (unsigned i = 0; i < count; i++) {
        t->wait.targets[i] = targets[i];
        if (targets[i].object)
            krnl_object_retain(targets[i].object);
    }
}

static nt_status wait_now(struct krnl_call *c, const struct krnl_timeout *timeout)
{
    struct krnl_thread *t = c->thread;
    begin(c->k, t, timeout);
    unsigned index;
    nt_status status;
    bool has = satisfied(c->k, t, &index, &status);
    if (!has && !alert_pending(t, &status)) {
        if (timeout->infinite || timeout->value != 0)
            return park(c, timeout);
        status = (nt_status)STATUS_TIMEOUT;
    }
    struct krnl_target by = t->wait.targets[index];
    emit_wait_end(c->k, t, status, has ? &by : NULL);
    status = complete(c->k, t, status);
    release_targets(c->k, t);
    return status;
}

nt_status krnl_wait(struct krnl_call *c, unsigned count, const struct krnl_target *targets, bool wait_all, enum krnl_alert alert,
                    const struct krnl_timeout *timeout)
{
    if (!count || count > KRNL_MAX_WAIT)
        return (nt_status)STATUS_INVALID_PARAMETER;
    describe(c->thread, count, targets, wait_all, alert);
    return wait_now(c, timeout);
}

nt_status krnl_wait_then(struct krnl_call *c, const struct krnl_target *target, enum krnl_alert alert,
                         const struct krnl_timeout *timeout, enum krnl_done done, const uint32_t data[3])
{
    struct krnl_thread *t = c->thread;
    describe(t, 1, target, false, alert);
    t->wait.done = done;
    for (unsigned i = 0; data && i < 3; i++)
        t->wait.data[i] = data[i];
    return wait_now(c, timeout);
}

nt_status krnl_sleep(struct krnl_call *c, enum krnl_alert alert, const struct krnl_timeout *timeout)
{
    struct krnl_thread *t = c->thread;
    nt_status status;
    describe(t, 0, NULL, false, alert);
    begin(c->k, t, timeout);
    if (alert_pending(t, &status)) {
        emit_wait_end(c->k, t, status, NULL);
        return status;
    }
    // Even a sleep of nothing gives way: others that are ready run first.
    return park(c, timeout);
}

static nt_status expired_status(const struct krnl_thread *t)
{
    return t->wait.count ? (nt_status)STATUS_TIMEOUT : STATUS_SUCCESS; // a sleep that has ended is a success
}

void krnl_wait_again(struct kernel *k, struct krnl_thread *t)
{
    unsigned index;
    nt_status status;
    uint64_t now = k->running ? ppc_now(&k->running->cpu) : k->now;
    if (t->suspend_count)
        return;
    if (satisfied(k, t, &index, &status)) {
        struct krnl_target by = t->wait.targets[index];
        krnl_wait_finish(k, t, status, &by);
    } else if (alert_pending(t, &status))
        krnl_wait_finish(k, t, status, NULL);
    else if (t->wait.timed && t->wait.deadline <= now)
        krnl_wait_finish(k, t, expired_status(t), NULL);
    else
        t->wait.sequence = ++k->sequence;
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
        if (t->state != THREAD_WAITING || t->suspend_count || t->wait.sequence <= sequence || (best && t->wait.sequence > best->wait.sequence))
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
    uint64_t fields[TRACE_MAX_FIELDS] = {krnl_target_name(k, target)};
    unsigned n = 1;
    struct krnl_thread *t = NULL;
    for (uint64_t after = 0; n < TRACE_MAX_FIELDS && (t = next_waiter(k, target, after)); after = t->wait.sequence)
        fields[n++] = t->tid;
    krnl_emit(k, by, TRACE_SIGNAL, n, fields, NULL);
}

// Of those who wait for a completion port the last is served first: its cache is warm.
static struct krnl_thread *last_waiter(struct kernel *k, const struct krnl_target *target)
{
    struct krnl_thread *t = NULL, *last = NULL;
    for (uint64_t after = 0; (t = next_waiter(k, target, after)); after = t->wait.sequence)
        last = t;
    return last;
}

static bool wake(struct kernel *k, const struct krnl_target *target, struct krnl_thread *t, const struct krnl_thread *by)
{
    unsigned index;
    nt_status status;
    if (!satisfied(k, t, &index, &status))
        return false;
    krnl_emit(k, by, TRACE_WAKE, 2, (uint64_t[]){t->tid, krnl_target_name(k, target)}, NULL);
    krnl_wait_finish(k, t, status, target);
    return true;
}

void krnl_signalled(struct kernel *k, const struct krnl_target *target, const struct krnl_thread *by)
{
    emit_signal(k, target, by);
    struct krnl_thread *t;
    if (krnl_target_type(k, target) == DISPATCH_QUEUE) {
        while (krnl_signal_state(k, target) > 0 && (t = last_waiter(k, target)) && wake(k, target, t, by))
            ;
        return;
    }
    for (uint64_t after = 0; krnl_signal_state(k, target) > 0 && (t = next_waiter(k, target, after));) {
        after = t->wait.sequence;
        wake(k, target, t, by);
    }
}

static bool sleeps(const struct krnl_thread *t)
{
    return t->state == THREAD_WAITING && t->wait.timed && !t->suspend_count;
}

uint64_t krnl_next_deadline(const struct kernel *k)
{
    uint64_t next = k->timers ? k->timers->due : UINT64_MAX;
    for (const struct krnl_thread *t = k->threads; t; t = t->next)
        if (sleeps(t) && t->wait.deadline < next)
            next = t->wait.deadline;
    return next;
}

static struct krnl_thread *due_sleeper(struct kernel *k, uint64_t now)
{
    struct krnl_thread *best = NULL;
    for (struct krnl_thread *t = k->threads; t; t = t->next)
        if (sleeps(t) && t->wait.deadline <= now &&
            (!best || t->wait.deadline < best->wait.deadline ||
             (t->wait.deadline == best->wait.deadline && t->wait.sequence < best->wait.sequence)))
            best = t;
    return best;
}

void krnl_wait_expire(struct kernel *k, uint64_t now)
{
    krnl_timers_fire(k, now);
    struct krnl_thread *t;
    while ((t = due_sleeper(k, now)))
        krnl_wait_finish(k, t, expired_status(t), NULL);
}
