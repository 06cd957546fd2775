// Ke*: events, semaphores, waits, spin locks, critical regions, DPCs on structures in the title's own memory.
#include "kernel/api.h"
#include "kernel/state.h"
#include "kernel/xboxkrnl/sync.h"

static bool is_reference(const struct krnl_call *c)
{
    return c->k->config.profile == KRNL_REFERENCE;
}

static uint32_t target_handle(const struct krnl_call *c, const struct krnl_target *t)
{
    uint32_t handle = t->object ? krnl_object_handle(c->k, t->object) : 0;
    return handle ? handle : t->header;
}

static void init_header(struct krnl_call *c, gva object, uint8_t type, int32_t state)
{
    mem_set32(c->mem, object, (uint32_t)type << 24);
    mem_set32(c->mem, object + DH_STATE, (uint32_t)state);
    mem_set32(c->mem, object + DH_WAIT_FLINK, object + DH_WAIT_FLINK);
    mem_set32(c->mem, object + DH_WAIT_BLINK, object + DH_WAIT_FLINK);
}

// ---- Events

void KeInitializeEvent(struct krnl_call *c, uint32_t event, uint32_t type, uint32_t state)
{
    init_header(c, event, type ? DISPATCH_SYNCHRONIZATION_EVENT : DISPATCH_NOTIFICATION_EVENT, state != 0);
}

// Returns the state before, as NT does; the reference always returns 1.
uint32_t krnl_event_set(struct krnl_call *c, const struct krnl_target *t)
{
    int32_t previous = krnl_signal_state(c->k, t);
    krnl_set_signal_state(c->k, t, 1);
    krnl_event(c, TRACE_EVENT_SET, 2, (uint64_t[]){target_handle(c, t), (uint32_t)previous});
    krnl_signalled(c->k, t, c->thread);
    return is_reference(c) ? 1 : (uint32_t)previous;
}

uint32_t krnl_event_reset(struct krnl_call *c, const struct krnl_target *t)
{
    int32_t previous = krnl_signal_state(c->k, t);
    krnl_set_signal_state(c->k, t, 0);
    krnl_event(c, TRACE_EVENT_RESET, 2, (uint64_t[]){target_handle(c, t), (uint32_t)previous});
    return is_reference(c) ? 1 : (uint32_t)previous;
}

// Wakes who waits now (all of a notification event's, one of a synchronisation event's), and leaves the event reset.
uint32_t krnl_event_pulse(struct krnl_call *c, const struct krnl_target *t)
{
    int32_t previous = krnl_signal_state(c->k, t);
    krnl_set_signal_state(c->k, t, 1);
    krnl_event(c, TRACE_EVENT_PULSE, 2, (uint64_t[]){target_handle(c, t), (uint32_t)previous});
    krnl_signalled(c->k, t, c->thread);
    krnl_set_signal_state(c->k, t, 0);
    return is_reference(c) ? 1 : (uint32_t)previous;
}

uint32_t KeSetEvent(struct krnl_call *c, uint32_t event, uint32_t increment, uint32_t wait)
{
    (void)increment;
    (void)wait;
    struct krnl_target t = krnl_target_at(c->k, event);
    return krnl_event_set(c, &t);
}

uint32_t KeResetEvent(struct krnl_call *c, uint32_t event)
{
    struct krnl_target t = krnl_target_at(c->k, event);
    return krnl_event_reset(c, &t);
}

uint32_t KePulseEvent(struct krnl_call *c, uint32_t event, uint32_t increment, uint32_t wait)
{
    (void)increment;
    (void)wait;
    struct krnl_target t = krnl_target_at(c->k, event);
    return krnl_event_pulse(c, &t);
}

// ---- Semaphores

void KeInitializeSemaphore(struct krnl_call *c, uint32_t semaphore, uint32_t count, uint32_t limit)
{
    init_header(c, semaphore, DISPATCH_SEMAPHORE, (int32_t)count);
    mem_set32(c->mem, semaphore + KSEMAPHORE_LIMIT, limit);
}

// False: the limit would be passed; nothing changes then.
bool krnl_semaphore_release(struct krnl_call *c, const struct krnl_target *t, uint32_t adjustment, int32_t *previous)
{
    uint32_t limit = 0x7FFFFFFF;
    *previous = krnl_signal_state(c->k, t);
    mem_get32(c->mem, t->header + KSEMAPHORE_LIMIT, &limit);
    int64_t count = (int64_t)*previous + (int32_t)adjustment;
    if ((int32_t)adjustment <= 0 || count > (int32_t)limit)
        return false;
    krnl_set_signal_state(c->k, t, (int32_t)count);
    krnl_event(c, TRACE_SEMAPHORE_RELEASE, 3, (uint64_t[]){target_handle(c, t), adjustment, (uint32_t)*previous});
    krnl_signalled(c->k, t, c->thread);
    return true;
}

uint32_t KeReleaseSemaphore(struct krnl_call *c, uint32_t semaphore, uint32_t increment, uint32_t adjustment, uint32_t wait)
{
    (void)increment;
    (void)wait;
    struct krnl_target t = krnl_target_at(c->k, semaphore);
    int32_t previous;
    if (!krnl_semaphore_release(c, &t, adjustment, &previous))
        log_write(c->k->log, LOG_GUEST, "ke", "KeReleaseSemaphore(0x%08x) beyond its limit", semaphore);
    return (uint32_t)previous;
}

// ---- Waits

static nt_status wait_objects(struct krnl_call *c, uint32_t count, const uint32_t *objects, bool all, enum krnl_alert alert,
                              uint32_t timeout_ptr)
{
    struct krnl_timeout timeout;
    struct krnl_target targets[KRNL_MAX_WAIT];
    if (!krnl_timeout_at(c, timeout_ptr, &timeout))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    for (uint32_t i = 0; i < count; i++) {
        if (!mem_valid(c->mem, objects[i], 16, MEM_READ))
            return (nt_status)STATUS_INVALID_PARAMETER;
        targets[i] = krnl_target_at(c->k, objects[i]);
    }
    return krnl_wait(c, count, targets, all, alert, &timeout);
}

uint32_t KeWaitForSingleObject(struct krnl_call *c, uint32_t object, uint32_t reason, uint32_t mode, uint32_t alertable, uint32_t timeout_ptr)
{
    (void)reason;
    return wait_objects(c, 1, &object, true, krnl_alert_of(mode, alertable), timeout_ptr);
}

uint32_t KeWaitForMultipleObjects(struct krnl_call *c, uint32_t count, uint32_t objects_ptr, uint32_t type, uint32_t reason,
                                  uint32_t mode, uint32_t alertable, uint32_t timeout_ptr, uint32_t blocks)
{
    (void)reason;
    enum { BLOCKS_IN_THREAD = 3 };
    uint32_t objects[KRNL_MAX_WAIT];
    if (!count || count > KRNL_MAX_WAIT || type > 1)
        return (nt_status)STATUS_INVALID_PARAMETER;
    if (count > BLOCKS_IN_THREAD && !blocks) // a console stops here; the blocks are not used
        log_write(c->k->log, LOG_GUEST, "ke", "KeWaitForMultipleObjects of %u objects without wait blocks", count);
    for (uint32_t i = 0; i < count; i++)
        if (!mem_get32(c->mem, objects_ptr + 4 * i, &objects[i]))
            return (nt_status)STATUS_ACCESS_VIOLATION;
    return wait_objects(c, count, objects, type == 0, krnl_alert_of(mode, alertable), timeout_ptr);
}

uint32_t KeDelayExecutionThread(struct krnl_call *c, uint32_t mode, uint32_t alertable, uint32_t interval_ptr)
{
    struct krnl_timeout timeout;
    if (!krnl_timeout_at(c, interval_ptr, &timeout))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    return krnl_sleep(c, krnl_alert_of(mode, alertable), &timeout);
}

uint32_t NtYieldExecution(struct krnl_call *c)
{
    return krnl_sleep(c, KRNL_NOT_ALERTABLE, &(struct krnl_timeout){0});
}

// ---- Spin locks: the word holds the owner's r13, 0 when free. A held lock ends the slice; the call is made again.

static uint8_t irql(const struct krnl_call *c)
{
    return krnl_irql(c->k, c->thread);
}

static void set_irql(struct krnl_call *c, uint8_t value)
{
    mem_set8(c->mem, c->thread->pcr + KPCR_IRQL, value);
    if (value < 2)
        c->k->reschedule = true; // whoever was held off may run now
}

static const struct krnl_thread *thread_of_pcr(const struct krnl_call *c, gva pcr)
{
    for (const struct krnl_thread *t = c->k->threads; t; t = t->next)
        if (t->pcr == pcr && t->state != THREAD_ENDED)
            return t;
    return NULL;
}

// Waiting for itself, or, at an IRQL where its hardware thread does not switch, for a thread there: no lock comes of that.
static bool waits_for_ever(struct krnl_call *c, gva lock, const struct krnl_thread *owner)
{
    const struct krnl_thread *t = c->thread;
    if (owner == t)
        krnl_stop(c->k, KRNL_STOP_CRASH, t, "the spin lock at 0x%08x is taken twice by thread %u, from 0x%08x", lock, t->tid,
                  (uint32_t)c->cpu->lr);
    else if (owner && owner->hw == t->hw && irql(c) >= 2)
        krnl_stop(c->k, KRNL_STOP_CRASH, t,
                  "thread %u waits for the spin lock at 0x%08x, from 0x%08x, at IRQL %u, which keeps its owner, thread %u, from running", t->tid,
                  lock, (uint32_t)c->cpu->lr, irql(c), owner->tid);
    else
        return false;
    return true;
}

// True: taken. False: held by someone else; the calling thread tries again when others have run.
static bool take_lock(struct krnl_call *c, uint32_t lock)
{
    uint32_t owner = 0;
    if (!mem_get32(c->mem, lock, &owner) || !owner) {
        mem_set32(c->mem, lock, (uint32_t)c->cpu->gpr[13]);
        return true;
    }
    c->pending = true;
    c->retry = !waits_for_ever(c, lock, thread_of_pcr(c, owner));
    return false;
}

static void drop_lock(struct krnl_call *c, uint32_t lock)
{
    mem_set32(c->mem, lock, 0);
}

uint32_t KfAcquireSpinLock(struct krnl_call *c, uint32_t lock)
{
    uint8_t old = irql(c);
    if (!take_lock(c, lock))
        return 0;
    set_irql(c, 2);
    return old;
}

void KfReleaseSpinLock(struct krnl_call *c, uint32_t lock, uint32_t old_irql)
{
    drop_lock(c, lock);
    set_irql(c, (uint8_t)old_irql);
}

void KeAcquireSpinLockAtRaisedIrql(struct krnl_call *c, uint32_t lock)
{
    take_lock(c, lock);
}

uint32_t KeTryToAcquireSpinLockAtRaisedIrql(struct krnl_call *c, uint32_t lock)
{
    uint32_t owner = 0;
    if (!mem_get32(c->mem, lock, &owner) || owner)
        return 0;
    mem_set32(c->mem, lock, (uint32_t)c->cpu->gpr[13]);
    return 1;
}

void KeReleaseSpinLockFromRaisedIrql(struct krnl_call *c, uint32_t lock)
{
    drop_lock(c, lock);
}

uint32_t KeRaiseIrqlToDpcLevel(struct krnl_call *c)
{
    uint8_t old = irql(c);
    set_irql(c, 2);
    return old;
}

void KfLowerIrql(struct krnl_call *c, uint32_t value)
{
    set_irql(c, (uint8_t)value);
}

uint32_t KfRaiseIrql(struct krnl_call *c, uint32_t value)
{
    uint8_t old = irql(c);
    set_irql(c, (uint8_t)value);
    return old;
}

// ---- Critical regions: normal kernel APCs are held off while the count is not 0; they run when the call that ends the region ends.

static void change_apc_disable(struct krnl_call *c, int by)
{
    uint32_t count = 0;
    gva at = c->thread->kthread + KTHREAD_APC_DISABLE;
    mem_get32(c->mem, at, &count);
    mem_set32(c->mem, at, count + (uint32_t)by);
}

void KeEnterCriticalRegion(struct krnl_call *c)
{
    change_apc_disable(c, -1);
}

void KeLeaveCriticalRegion(struct krnl_call *c)
{
    change_apc_disable(c, 1);
}
