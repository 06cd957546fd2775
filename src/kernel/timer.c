// Timers: those that handles name, and KTIMERs in the title's own memory. One list, in the order of firing.
#include <stdlib.h>

#include "kernel/state.h"

#define FAR_FUTURE (UINT64_MAX / 2)

// Never overflows: what is centuries away is FAR_FUTURE.
uint64_t krnl_due_cycles(const struct kernel *k, uint64_t now, int64_t time)
{
    uint64_t boot = k->config.boot_time, units = time <= 0 ? 0 - (uint64_t)time : (uint64_t)time > boot ? (uint64_t)time - boot : 0;
    if (units > FAR_FUTURE / 2 / KRNL_CYCLES_PER_100NS)
        return FAR_FUTURE;
    uint64_t cycles = units * KRNL_CYCLES_PER_100NS;
    return time <= 0 ? now + cycles : cycles > now ? cycles : now;
}

static bool same(const struct krnl_target *a, const struct krnl_target *b)
{
    return a->object || b->object ? a->object == b->object : a->header == b->header;
}

static struct krnl_timer **link_of(struct kernel *k, const struct krnl_target *target)
{
    struct krnl_timer **link = &k->timers;
    while (*link && !same(&(*link)->target, target))
        link = &(*link)->next;
    return link;
}

const struct krnl_timer *krnl_timer_find(const struct kernel *k, const struct krnl_target *target)
{
    const struct krnl_timer *t = k->timers;
    while (t && !same(&t->target, target))
        t = t->next;
    return t;
}

static void insert(struct kernel *k, struct krnl_timer *timer)
{
    struct krnl_timer **link = &k->timers;
    timer->sequence = ++k->sequence;
    while (*link && (*link)->due <= timer->due)
        link = &(*link)->next;
    timer->next = *link;
    *link = timer;
}

bool krnl_timer_set(struct kernel *k, const struct krnl_target *target, uint64_t due, uint64_t period, gva dpc)
{
    bool was_set = krnl_timer_cancel(k, target);
    struct krnl_timer *timer = calloc(1, sizeof *timer);
    if (!timer) {
        krnl_stop(k, KRNL_STOP_CRASH, k->running, "out of host memory for a timer");
        return was_set;
    }
    timer->target = *target;
    timer->due = due;
    timer->period = period;
    timer->dpc = dpc;
    insert(k, timer);
    if (target->header)
        mem_set8(k->mem, target->header + DH_INSERTED, 1);
    k->reschedule = true;
    return was_set;
}

bool krnl_timer_cancel(struct kernel *k, const struct krnl_target *target)
{
    struct krnl_timer **link = link_of(k, target), *timer = *link;
    if (!timer)
        return false;
    *link = timer->next;
    free(timer);
    if (target->header)
        mem_set8(k->mem, target->header + DH_INSERTED, 0);
    return true;
}

// The timer's object has got a body.
void krnl_timer_move(struct kernel *k, struct krnl_object *object)
{
    struct krnl_timer *timer = *link_of(k, &(struct krnl_target){object, 0});
    if (!timer)
        return;
    timer->target.header = object->body;
    mem_set8(k->mem, object->body + DH_INSERTED, 1);
}

static bool apc_queued(const struct krnl_object *timer)
{
    for (const struct krnl_apc *a = timer->apc_thread->apcs[timer->apc_user]; a; a = a->next)
        if (a->source == timer->id)
            return true;
    return false;
}

// An APC or DPC that is still queued from last time is not queued twice.
static void call_back(struct kernel *k, const struct krnl_timer *timer, uint64_t now)
{
    uint64_t time = krnl_system_time(k, now);
    const struct krnl_object *o = timer->target.object;
    if (o && o->apc_routine && o->apc_thread && !apc_queued(o))
        krnl_queue_apc(k, o->apc_thread, &(struct krnl_apc){.user = o->apc_user, .normal_routine = o->apc_routine, .source = o->id,
                                                             .context = o->apc_context, .arg1 = (uint32_t)time,
                                                             .arg2 = (uint32_t)(time >> 32)});
    if (timer->dpc)
        krnl_queue_dpc(k, timer->dpc, (uint32_t)time, (uint32_t)(time >> 32), NULL);
}

static void fire(struct kernel *k, struct krnl_timer *timer, uint64_t now)
{
    struct krnl_timer fired = *timer;
    k->timers = timer->next;
    if (timer->period) {
        timer->due += timer->period;
        insert(k, timer);
    } else {
        free(timer);
        if (fired.target.header)
            mem_set8(k->mem, fired.target.header + DH_INSERTED, 0);
    }
    if (fired.target.object)
        krnl_object_retain(fired.target.object);
    krnl_set_signal_state(k, &fired.target, 1);
    krnl_emit(k, NULL, TRACE_TIMER_FIRE, 1, (uint64_t[]){krnl_target_name(k, &fired.target)}, NULL);
    krnl_signalled(k, &fired.target, NULL);
    call_back(k, &fired, now);
    if (fired.target.object)
        krnl_object_release(k, fired.target.object);
}

void krnl_timers_fire(struct kernel *k, uint64_t now)
{
    while (k->timers && k->timers->due <= now)
        fire(k, k->timers, now);
}
