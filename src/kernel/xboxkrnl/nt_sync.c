// Nt*: events, semaphores, mutants, timers and waits by handle.
#include <stdio.h>

#include "kernel/api.h"
#include "kernel/state.h"
#include "kernel/xboxkrnl/sync.h"

enum { KEVENT_SIZE = 0x10 };

nt_status krnl_open_or_new(struct krnl_call *c, uint32_t handle_ptr, uint32_t attributes, enum krnl_type type, uint32_t body,
                             uint8_t dispatcher, struct krnl_object **out, uint32_t *handle)
{
    char name[96];
    *out = NULL;
    name[0] = 0;
    if (!mem_valid(c->mem, handle_ptr, 4, MEM_WRITE) || (attributes && !krnl_object_name(c, attributes, name, sizeof name)))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    struct krnl_object *existing = name[0] ? krnl_object_named(c->k, type, name) : NULL;
    if (existing) {
        *handle = krnl_handle_open(c->k, existing, false, c->thread);
        mem_set32(c->mem, handle_ptr, *handle);
        return (nt_status)STATUS_OBJECT_NAME_EXISTS;
    }
    struct krnl_object *o = krnl_object_new(c->k, type, body, dispatcher);
    if (!o)
        return (nt_status)STATUS_NO_MEMORY;
    snprintf(o->name, sizeof o->name, "%s", name);
    *handle = krnl_handle_open(c->k, o, false, c->thread);
    krnl_object_release(c->k, o); // the handle holds it now
    if (!*handle)
        return (nt_status)STATUS_INSUFFICIENT_RESOURCES;
    mem_set32(c->mem, handle_ptr, *handle);
    *out = o;
    return STATUS_SUCCESS;
}

static struct krnl_object *typed(struct krnl_call *c, uint32_t handle, enum krnl_type type)
{
    return krnl_handle_typed(c->k, handle, type, c->thread);
}

// ---- Events. Type 0 is a notification (manual reset) event, 1 a synchronisation (auto reset) event.

uint32_t NtCreateEvent(struct krnl_call *c, uint32_t handle_ptr, uint32_t attributes, uint32_t type, uint32_t initial)
{
    struct krnl_object *o;
    uint32_t handle;
    uint8_t dispatcher = type == 0 ? DISPATCH_NOTIFICATION_EVENT : DISPATCH_SYNCHRONIZATION_EVENT;
    nt_status status = krnl_open_or_new(c, handle_ptr, attributes, KRNL_EVENT, KEVENT_SIZE, dispatcher, &o, &handle);
    if (o) {
        struct krnl_target t = krnl_target_of(o);
        krnl_set_signal_state(c->k, &t, initial != 0);
    }
    return status;
}

typedef uint32_t event_change(struct krnl_call *c, const struct krnl_target *t);

static nt_status change_event(struct krnl_call *c, uint32_t handle, uint32_t previous_ptr, event_change *change)
{
    struct krnl_object *o = typed(c, handle, KRNL_EVENT);
    if (!o)
        return (nt_status)STATUS_INVALID_HANDLE;
    struct krnl_target t = krnl_target_of(o);
    uint32_t previous = change(c, &t);
    if (previous_ptr)
        mem_set32(c->mem, previous_ptr, previous);
    return STATUS_SUCCESS;
}

uint32_t NtSetEvent(struct krnl_call *c, uint32_t handle, uint32_t previous_ptr)
{
    return change_event(c, handle, previous_ptr, krnl_event_set);
}

uint32_t NtClearEvent(struct krnl_call *c, uint32_t handle)
{
    return change_event(c, handle, 0, krnl_event_reset);
}

uint32_t NtPulseEvent(struct krnl_call *c, uint32_t handle, uint32_t previous_ptr)
{
    return change_event(c, handle, previous_ptr, krnl_event_pulse);
}

// ---- Semaphores

uint32_t NtCreateSemaphore(struct krnl_call *c, uint32_t handle_ptr, uint32_t attributes, uint32_t count, uint32_t limit)
{
    struct krnl_object *o;
    uint32_t handle;
    if ((int32_t)limit <= 0 || (int32_t)count < 0 || count > limit)
        return (nt_status)STATUS_INVALID_PARAMETER;
    nt_status status = krnl_open_or_new(c, handle_ptr, attributes, KRNL_SEMAPHORE, KSEMAPHORE_SIZE, DISPATCH_SEMAPHORE, &o, &handle);
    if (o) {
        struct krnl_target t = krnl_target_of(o);
        krnl_set_signal_state(c->k, &t, (int32_t)count);
        mem_set32(c->mem, o->body + KSEMAPHORE_LIMIT, limit);
    }
    return status;
}

uint32_t NtReleaseSemaphore(struct krnl_call *c, uint32_t handle, uint32_t count, uint32_t previous_ptr)
{
    struct krnl_object *o = typed(c, handle, KRNL_SEMAPHORE);
    if (!o)
        return (nt_status)STATUS_INVALID_HANDLE;
    struct krnl_target t = krnl_target_of(o);
    int32_t previous;
    if (!krnl_semaphore_release(c, &t, count, &previous))
        return (nt_status)STATUS_SEMAPHORE_LIMIT_EXCEEDED;
    if (previous_ptr)
        mem_set32(c->mem, previous_ptr, (uint32_t)previous);
    return STATUS_SUCCESS;
}

// ---- Mutants: signalled when free; the owner may take it again.

uint32_t NtCreateMutant(struct krnl_call *c, uint32_t handle_ptr, uint32_t attributes, uint32_t initial_owner)
{
    struct krnl_object *o;
    uint32_t handle;
    nt_status status = krnl_open_or_new(c, handle_ptr, attributes, KRNL_MUTANT, 0, DISPATCH_MUTANT, &o, &handle);
    if (o) {
        o->signal = !(initial_owner & 0xFF);
        o->owner = initial_owner & 0xFF ? c->thread : NULL;
    }
    return status;
}

uint32_t NtReleaseMutant(struct krnl_call *c, uint32_t handle, uint32_t previous_ptr)
{
    struct krnl_object *o = typed(c, handle, KRNL_MUTANT);
    if (!o)
        return (nt_status)STATUS_INVALID_HANDLE;
    struct krnl_target t = krnl_target_of(o);
    int32_t previous = krnl_signal_state(c->k, &t);
    if (previous > 0 || krnl_mutant_owner(c->k, &t) != c->thread)
        return (nt_status)STATUS_MUTANT_NOT_OWNED;
    krnl_event(c, TRACE_MUTANT_RELEASE, 2, (uint64_t[]){handle, (uint32_t)previous});
    krnl_mutant_release(c->k, &t, c->thread, &previous);
    if (previous_ptr)
        mem_set32(c->mem, previous_ptr, (uint32_t)previous);
    return STATUS_SUCCESS;
}

// ---- Timers

uint32_t NtCreateTimer(struct krnl_call *c, uint32_t handle_ptr, uint32_t attributes, uint32_t type)
{
    struct krnl_object *o;
    uint32_t handle;
    return krnl_open_or_new(c, handle_ptr, attributes, KRNL_TIMER, 0, type == 0 ? DISPATCH_NOTIFICATION_TIMER : DISPATCH_SYNCHRONIZATION_TIMER, &o, &handle);
}

uint32_t NtSetTimerEx(struct krnl_call *c, uint32_t handle, uint32_t due_ptr, uint32_t routine, uint32_t mode, uint32_t routine_arg,
                      uint32_t resume, uint32_t period_ms, uint32_t previous_ptr)
{
    struct krnl_object *o = typed(c, handle, KRNL_TIMER);
    uint64_t due;
    if (!o)
        return (nt_status)STATUS_INVALID_HANDLE;
    if (!mem_get64(c->mem, due_ptr, &due) || (previous_ptr && !mem_valid(c->mem, previous_ptr, 4, MEM_WRITE)))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    struct krnl_target timer = krnl_target_of(o);
    if (previous_ptr)
        mem_set32(c->mem, previous_ptr, krnl_signal_state(c->k, &timer) > 0);
    if (o->apc_thread)
        krnl_remove_apc(c->k, o->apc_thread, 0, o->id);
    o->apc_routine = routine;
    o->apc_context = routine_arg;
    o->apc_user = mode & 0xFF;
    o->apc_thread = routine ? c->thread : NULL;
    krnl_set_signal_state(c->k, &timer, 0);
    uint64_t now = krnl_thread_now(c->k, c->thread);
    krnl_timer_set(c->k, &timer, krnl_due_cycles(c->k, now, (int64_t)due), period_ms * KRNL_CYCLES_PER_MS, 0);
    return resume & 0xFF ? (nt_status)STATUS_TIMER_RESUME_IGNORED : STATUS_SUCCESS;
}

uint32_t NtCancelTimer(struct krnl_call *c, uint32_t handle, uint32_t current_ptr)
{
    struct krnl_object *o = typed(c, handle, KRNL_TIMER);
    if (!o)
        return (nt_status)STATUS_INVALID_HANDLE;
    struct krnl_target timer = krnl_target_of(o);
    if (current_ptr && !mem_set32(c->mem, current_ptr, krnl_signal_state(c->k, &timer) > 0))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    krnl_timer_cancel(c->k, &timer);
    if (o->apc_thread)
        krnl_remove_apc(c->k, o->apc_thread, 0, o->id);
    return STATUS_SUCCESS;
}

// The time left, and whether it is signalled.
uint32_t NtQueryTimer(struct krnl_call *c, uint32_t handle, uint32_t information)
{
    struct krnl_object *o = typed(c, handle, KRNL_TIMER);
    if (!o)
        return (nt_status)STATUS_INVALID_HANDLE;
    struct krnl_target target = krnl_target_of(o);
    const struct krnl_timer *timer = krnl_timer_find(c->k, &target);
    uint64_t now = krnl_thread_now(c->k, c->thread), left = timer && timer->due > now ? timer->due - now : 0;
    if (!mem_valid(c->mem, information, 16, MEM_WRITE))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    mem_set64(c->mem, information, left / KRNL_CYCLES_PER_100NS);
    mem_set32(c->mem, information + 8, krnl_signal_state(c->k, &target) > 0 ? 1u << 24 : 0);
    return STATUS_SUCCESS;
}

// ---- Waits

static bool waitable(const struct krnl_object *o)
{
    switch (o->type) {
    case KRNL_EVENT: case KRNL_SEMAPHORE: case KRNL_MUTANT: case KRNL_TIMER: case KRNL_THREAD: case KRNL_FILE: case KRNL_NOTIFY:
    case KRNL_IO_COMPLETION:
        return true;
    default:
        return false;
    }
}

static nt_status wait_handles(struct krnl_call *c, uint32_t count, const uint32_t *handles, bool all, enum krnl_alert alert,
                              uint32_t timeout_ptr)
{
    struct krnl_timeout timeout;
    struct krnl_target targets[KRNL_MAX_WAIT];
    if (!krnl_timeout_at(c, timeout_ptr, &timeout))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    for (uint32_t i = 0; i < count; i++) {
        struct krnl_object *o = krnl_handle_object(c->k, handles[i], c->thread);
        if (!o)
            return (nt_status)STATUS_INVALID_HANDLE;
        if (!waitable(o))
            return (nt_status)STATUS_OBJECT_TYPE_MISMATCH;
        targets[i] = krnl_target_of(o);
        for (uint32_t j = 0; all && j < i; j++)
            if (targets[j].object == o)
                return (nt_status)STATUS_INVALID_PARAMETER_MIX;
    }
    return krnl_wait(c, count, targets, all, alert, &timeout);
}

uint32_t NtWaitForSingleObjectEx(struct krnl_call *c, uint32_t handle, uint32_t mode, uint32_t alertable, uint32_t timeout_ptr)
{
    return wait_handles(c, 1, &handle, true, krnl_alert_of(mode, alertable), timeout_ptr);
}

uint32_t NtWaitForMultipleObjectsEx(struct krnl_call *c, uint32_t count, uint32_t handles_ptr, uint32_t type, uint32_t mode,
                                    uint32_t alertable, uint32_t timeout_ptr)
{
    uint32_t handles[KRNL_MAX_WAIT];
    if (!count || count > KRNL_MAX_WAIT || type > 1)
        return (nt_status)STATUS_INVALID_PARAMETER;
    for (uint32_t i = 0; i < count; i++)
        if (!mem_get32(c->mem, handles_ptr + 4 * i, &handles[i]))
            return (nt_status)STATUS_ACCESS_VIOLATION;
    return wait_handles(c, count, handles, type == 0, krnl_alert_of(mode, alertable), timeout_ptr);
}

uint32_t NtSignalAndWaitForSingleObjectEx(struct krnl_call *c, uint32_t signal_handle, uint32_t wait_handle, uint32_t mode,
                                          uint32_t alertable, uint32_t timeout_ptr)
{
    struct krnl_object *o = krnl_handle_object(c->k, signal_handle, c->thread);
    struct krnl_object *target = krnl_handle_object(c->k, wait_handle, c->thread);
    struct krnl_timeout timeout;
    if (!target) // nothing is signalled where the wait cannot begin
        return (nt_status)STATUS_INVALID_HANDLE;
    if (!waitable(target))
        return (nt_status)STATUS_OBJECT_TYPE_MISMATCH;
    if (!krnl_timeout_at(c, timeout_ptr, &timeout))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    nt_status status = !o ? (nt_status)STATUS_INVALID_HANDLE
                       : o->type == KRNL_EVENT ? NtSetEvent(c, signal_handle, 0)
                       : o->type == KRNL_SEMAPHORE ? NtReleaseSemaphore(c, signal_handle, 1, 0)
                       : o->type == KRNL_MUTANT ? NtReleaseMutant(c, signal_handle, 0)
                                                : (nt_status)STATUS_OBJECT_TYPE_MISMATCH;
    return status ? status : wait_handles(c, 1, &wait_handle, true, krnl_alert_of(mode, alertable), timeout_ptr);
}
