// Threads as titles make and steer them; TLS slots; process types.
#include "kernel/api.h"
#include "kernel/state.h"

enum { CREATE_SUSPENDED = 1, MIN_STACK = 0x4000, TLS_SLOTS_MAX = 2048 };

uint32_t ExCreateThread(struct krnl_call *c, uint32_t handle_ptr, uint32_t stack_size, uint32_t id_ptr, uint32_t startup,
                        uint32_t start, uint32_t context, uint32_t flags)
{
    struct krnl_thread_params p = {
        .stack_bytes = stack_size < MIN_STACK ? MIN_STACK : stack_size, .flags = flags, .startup = startup, .start_address = start,
        .context = context, .guest = true, .suspended = flags & CREATE_SUSPENDED, .creator = c->thread,
    };
    if ((handle_ptr && !mem_valid(c->mem, handle_ptr, 4, MEM_WRITE)) || (id_ptr && !mem_valid(c->mem, id_ptr, 4, MEM_WRITE)))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    if (!stack_size) {
        uint32_t process_default = 0;
        mem_get32(c->mem, c->k->title_process + KPROCESS_STACK_SIZE, &process_default);
        p.stack_bytes = process_default;
    }
    if (p.stack_bytes > 0x0F000000)
        return (nt_status)STATUS_NO_MEMORY;
    uint32_t handle;
    struct krnl_thread *t = krnl_thread_new(c->k, &p, &handle);
    if (!t)
        return (nt_status)STATUS_NO_MEMORY;
    if (handle_ptr)
        mem_set32(c->mem, handle_ptr, flags & 0x80 ? t->kthread : handle);
    if (id_ptr)
        mem_set32(c->mem, id_ptr, t->tid);
    return STATUS_SUCCESS;
}

uint32_t ExTerminateThread(struct krnl_call *c, uint32_t exit_code)
{
    krnl_exit_thread(c, exit_code);
    return 0;
}

static struct krnl_thread *thread_of(struct krnl_call *c, uint32_t handle)
{
    struct krnl_object *o = krnl_handle_typed(c->k, handle, KRNL_THREAD, c->thread);
    return o ? o->data : NULL;
}

static nt_status change_suspension(struct krnl_call *c, struct krnl_thread *t, int by, uint32_t previous_ptr)
{
    enum { MAXIMUM = 0x7F };
    if (!t)
        return (nt_status)STATUS_INVALID_HANDLE;
    if (t->state == THREAD_ENDED)
        return (nt_status)STATUS_THREAD_IS_TERMINATING;
    uint32_t previous = t->suspend_count;
    if (by > 0 && previous == MAXIMUM)
        return (nt_status)STATUS_SUSPEND_COUNT_EXCEEDED;
    if (by > 0)
        t->suspend_count++;
    else if (previous)
        t->suspend_count--;
    mem_set8(c->mem, t->kthread + KTHREAD_SUSPEND_COUNT, (uint8_t)t->suspend_count);
    krnl_event(c, by > 0 ? TRACE_THREAD_SUSPEND : TRACE_THREAD_RESUME, 2, (uint64_t[]){t->tid, previous});
    if (previous && !t->suspend_count)
        krnl_thread_resumed(c->k, t);
    c->k->reschedule = true;
    if (previous_ptr)
        mem_set32(c->mem, previous_ptr, previous);
    return STATUS_SUCCESS;
}

uint32_t NtResumeThread(struct krnl_call *c, uint32_t handle, uint32_t previous_ptr)
{
    return change_suspension(c, thread_of(c, handle), -1, previous_ptr);
}

uint32_t NtSuspendThread(struct krnl_call *c, uint32_t handle, uint32_t previous_ptr)
{
    return change_suspension(c, thread_of(c, handle), 1, previous_ptr);
}

uint32_t KeResumeThread(struct krnl_call *c, uint32_t kthread)
{
    struct krnl_thread *t = krnl_thread_by_kthread(c->k, kthread);
    uint32_t previous = t ? t->suspend_count : 0;
    change_suspension(c, t, -1, 0);
    return previous;
}

uint32_t KeSuspendThread(struct krnl_call *c, uint32_t kthread)
{
    struct krnl_thread *t = krnl_thread_by_kthread(c->k, kthread);
    uint32_t previous = t ? t->suspend_count : 0;
    change_suspension(c, t, 1, 0);
    return previous;
}

// Priorities are kept and steer the scheduler; a base priority is an increment on 8 as titles give it.
uint32_t KeSetBasePriorityThread(struct krnl_call *c, uint32_t kthread, uint32_t increment)
{
    struct krnl_thread *t = krnl_thread_by_kthread(c->k, kthread);
    if (!t)
        return 0;
    int32_t previous = t->priority - 8, priority = 8 + (int32_t)increment;
    t->priority = priority < 1 ? 1 : priority > 30 ? 30 : priority;
    c->k->reschedule = true;
    return (uint32_t)previous;
}

uint32_t KeQueryBasePriorityThread(struct krnl_call *c, uint32_t kthread)
{
    struct krnl_thread *t = krnl_thread_by_kthread(c->k, kthread);
    return t ? (uint32_t)(t->priority - 8) : 0;
}

// The priority itself, not an increment.
uint32_t KeSetPriorityThread(struct krnl_call *c, uint32_t kthread, uint32_t priority)
{
    struct krnl_thread *t = krnl_thread_by_kthread(c->k, kthread);
    int32_t previous = t ? t->priority : 0, wanted = (int32_t)priority;
    if (t) {
        t->priority = wanted < 1 ? 1 : wanted > 30 ? 30 : wanted;
        c->k->reschedule = true;
    }
    return (uint32_t)previous;
}

// Boosts are not built: they change no order here. The flag is kept for who asks.
uint32_t KeSetDisableBoostThread(struct krnl_call *c, uint32_t kthread, uint32_t disabled)
{
    struct krnl_thread *t = krnl_thread_by_kthread(c->k, kthread);
    bool previous = t && t->no_boost;
    if (t)
        t->no_boost = disabled & 0xFF;
    return previous;
}

void KeBoostPriorityThread(struct krnl_call *c, uint32_t kthread, uint32_t increment)
{
    (void)c, (void)kthread, (void)increment;
}

// Ends an alertable wait; a thread that does not wait so keeps the alert for its next. Returns whether it had one already.
uint32_t KeAlertThread(struct krnl_call *c, uint32_t kthread, uint32_t mode)
{
    struct krnl_thread *t = krnl_thread_by_kthread(c->k, kthread);
    bool user = mode & 0xFF, previous = t && t->alerted[user];
    if (t)
        krnl_thread_alert(c->k, t, user);
    return previous;
}

uint32_t KeAlertResumeThread(struct krnl_call *c, uint32_t kthread)
{
    struct krnl_thread *t = krnl_thread_by_kthread(c->k, kthread);
    uint32_t previous = t ? t->suspend_count : 0;
    if (t) {
        krnl_thread_alert(c->k, t, false);
        change_suspension(c, t, -1, 0);
    }
    return previous;
}

// Time passes for the caller alone.
void KeStallExecutionProcessor(struct krnl_call *c, uint32_t microseconds)
{
    enum { CYCLES_PER_MICROSECOND = 3200, LONGEST = 1000000 };
    c->cpu->cycles += (uint64_t)(microseconds < LONGEST ? microseconds : LONGEST) * CYCLES_PER_MICROSECOND;
}

// The previous mask comes back through the pointer.
uint32_t KeSetAffinityThread(struct krnl_call *c, uint32_t kthread, uint32_t affinity, uint32_t previous_ptr)
{
    struct krnl_thread *t = krnl_thread_by_kthread(c->k, kthread);
    if (!t || !(affinity & 0x3F))
        return (nt_status)STATUS_INVALID_PARAMETER;
    if (previous_ptr)
        mem_set32(c->mem, previous_ptr, t->affinity);
    krnl_thread_set_hw(c->k, t, 31 - (unsigned)__builtin_clz(affinity & 0x3F));
    if (t->state == THREAD_READY)
        krnl_make_ready(c->k, t);
    return STATUS_SUCCESS;
}

uint32_t KeGetCurrentProcessType(struct krnl_call *c)
{
    uint32_t dpc_active = 0;
    uint8_t type = 0;
    mem_get32(c->mem, c->thread->pcr + KPCR_DPC_ACTIVE, &dpc_active);
    mem_get8(c->mem, dpc_active ? c->thread->pcr + KPCR_DPC_PROCESS_TYPE : c->thread->kthread + KTHREAD_PROCESS_TYPE, &type);
    return type;
}

void KeSetCurrentProcessType(struct krnl_call *c, uint32_t type)
{
    mem_set8(c->mem, c->thread->kthread + KTHREAD_PROCESS_TYPE, (uint8_t)type);
}

void KeEnableFpuExceptions(struct krnl_call *c)
{
    mem_set8(c->mem, c->thread->kthread + KTHREAD_FPU_EXCEPTIONS, (uint8_t)c->cpu->gpr[3]);
}

// ---- TLS

// The process record shows the first 256 slots, from the top bit down: set is free.
static void show_slot(struct krnl_call *c, uint32_t index, bool is_free)
{
    enum { SHOWN = 256 };
    uint32_t word = 0, bit = 0x80000000u >> index % 32;
    gva at = c->k->title_process + KPROCESS_TLS_BITMAP + index / 32 * 4;
    if (index >= SHOWN)
        return;
    mem_get32(c->mem, at, &word);
    mem_set32(c->mem, at, is_free ? word | bit : word & ~bit);
}

uint32_t KeTlsAlloc(struct krnl_call *c)
{
    uint32_t slots = c->k->tls_slots ? c->k->tls_slots : 1024;
    for (uint32_t i = 0; i < slots && i < TLS_SLOTS_MAX; i++) {
        uint32_t *word = &c->k->tls_bitmap[i / 32], bit = 1u << i % 32;
        if (*word & bit)
            continue;
        *word |= bit;
        show_slot(c, i, false);
        for (struct krnl_thread *t = c->k->threads; t; t = t->next)
            if (t->guest && t->state != THREAD_ENDED)
                mem_set32(c->mem, t->tls_dynamic + 4 * i, 0);
        return i;
    }
    return 0xFFFFFFFF;
}

static bool tls_slot(const struct krnl_call *c, uint32_t index, gva *at)
{
    *at = c->thread->tls_dynamic + 4 * index;
    return index < TLS_SLOTS_MAX && 4 * index + (c->thread->tls_dynamic - c->thread->tls_static) < c->thread->tls_bytes;
}

uint32_t KeTlsFree(struct krnl_call *c, uint32_t index)
{
    if (index >= TLS_SLOTS_MAX || !(c->k->tls_bitmap[index / 32] >> index % 32 & 1))
        return 0;
    c->k->tls_bitmap[index / 32] &= ~(1u << index % 32);
    show_slot(c, index, true);
    return 1;
}

uint32_t KeTlsGetValue(struct krnl_call *c, uint32_t index)
{
    gva at;
    uint32_t value = 0;
    if (tls_slot(c, index, &at))
        mem_get32(c->mem, at, &value);
    return value;
}

uint32_t KeTlsSetValue(struct krnl_call *c, uint32_t index, uint32_t value)
{
    gva at;
    return tls_slot(c, index, &at) && mem_set32(c->mem, at, value);
}
