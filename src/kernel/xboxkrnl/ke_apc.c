// APCs and DPCs: guest functions that run on a thread when it waits alertably, or at once.
#include <string.h>

#include "kernel/api.h"
#include "kernel/state.h"

enum {
    KAPC_SIZE = 0x28,
    KDPC_SIZE = 0x1C,
    APC_OBJECT_TYPE = 18,
    MODE_KERNEL = 0,
    APC_QUEUE = sizeof((struct krnl_thread *)0)->apcs / sizeof(struct krnl_apc)
};

static bool can_queue(const struct krnl_thread *t)
{
    return t && t->state != THREAD_ENDED && t->apc_count < APC_QUEUE;
}

uint32_t NtQueueApcThread(struct krnl_call *c, uint32_t handle, uint32_t routine, uint32_t context, uint32_t arg1,
                          uint32_t arg2)
{
    struct krnl_object *o = krnl_handle_typed(c->k, handle, KRNL_THREAD, c->thread);
    if (!o)
        return (nt_status)STATUS_INVALID_HANDLE;
    if (!can_queue(o->data))
        return (nt_status)STATUS_UNSUCCESSFUL;
    krnl_queue_apc(c->k, o->data,
                   &(struct krnl_apc){.normal_routine = routine, .context = context, .arg1 = arg1, .arg2 = arg2});
    return STATUS_SUCCESS;
}

void KeInitializeApc(struct krnl_call *c, uint32_t apc, uint32_t thread, uint32_t kernel_routine,
                     uint32_t rundown_routine, uint32_t normal_routine, uint32_t mode, uint32_t context)
{
    if (!mem_valid(c->mem, apc, KAPC_SIZE, MEM_WRITE)) {
        log_write(c->k->log, LOG_GUEST, "apc", "KeInitializeApc of 0x%08x, which is not writable", apc);
        return;
    }
    mem_set8(c->mem, apc + KAPC_TYPE, APC_OBJECT_TYPE);
    mem_set8(c->mem, apc + KAPC_TYPE + 1, 0);
    mem_set8(c->mem, apc + KAPC_MODE, normal_routine ? (uint8_t)mode : MODE_KERNEL);
    mem_set8(c->mem, apc + KAPC_INSERTED, 0);
    mem_set32(c->mem, apc + KAPC_THREAD, thread);
    mem_set32(c->mem, apc + KAPC_KERNEL, kernel_routine);
    mem_set32(c->mem, apc + KAPC_RUNDOWN, rundown_routine);
    mem_set32(c->mem, apc + KAPC_NORMAL, normal_routine);
    mem_set32(c->mem, apc + KAPC_CONTEXT, normal_routine ? context : 0);
}

// A kernel routine that does nothing: the kernel's own export for it.
static bool is_nop(const struct krnl_call *c, gva routine)
{
    const struct exp_row *row = routine ? krnl_thunk_at(c->k, routine) : NULL;
    return !routine || (row && !strcmp(row->name, "KiApcNormalRoutineNop"));
}

uint32_t KeInsertQueueApc(struct krnl_call *c, uint32_t apc, uint32_t arg1, uint32_t arg2, uint32_t increment)
{
    (void)increment;
    uint8_t mode, inserted;
    uint32_t thread;
    struct krnl_apc queued = {.arg1 = arg1, .arg2 = arg2, .kapc = apc};
    if (!mem_valid(c->mem, apc, KAPC_SIZE, MEM_WRITE) || !mem_get8(c->mem, apc + KAPC_MODE, &mode) ||
        !mem_get8(c->mem, apc + KAPC_INSERTED, &inserted) || !mem_get32(c->mem, apc + KAPC_THREAD, &thread) ||
        !mem_get32(c->mem, apc + KAPC_KERNEL, &queued.kernel_routine) ||
        !mem_get32(c->mem, apc + KAPC_NORMAL, &queued.normal_routine) ||
        !mem_get32(c->mem, apc + KAPC_CONTEXT, &queued.context))
        return 0;
    struct krnl_thread *t = krnl_thread_by_kthread(c->k, thread);
    if (inserted || !can_queue(t))
        return 0;
    if (mode == MODE_KERNEL || !is_nop(c, queued.kernel_routine)) {
        krnl_partial(c, "APCs with a kernel routine are not built (mode %u, kernel routine 0x%08x)", mode,
                     queued.kernel_routine);
        return 0;
    }
    mem_set32(c->mem, apc + KAPC_ARG1, arg1);
    mem_set32(c->mem, apc + KAPC_ARG2, arg2);
    mem_set8(c->mem, apc + KAPC_INSERTED, 1);
    krnl_queue_apc(c->k, t, &queued);
    return 1;
}

uint32_t KeRemoveQueueApc(struct krnl_call *c, uint32_t apc)
{
    uint32_t thread = 0;
    mem_get32(c->mem, apc + KAPC_THREAD, &thread);
    struct krnl_thread *t = krnl_thread_by_kthread(c->k, thread);
    for (unsigned i = 0; t && i < t->apc_count; i++) {
        if (t->apcs[i].kapc != apc)
            continue;
        memmove(&t->apcs[i], &t->apcs[i + 1], (t->apc_count - i - 1) * sizeof *t->apcs);
        t->apc_count--;
        mem_set8(c->mem, apc + KAPC_INSERTED, 0);
        return 1;
    }
    return 0;
}

// Runs what waits in the queue, once this call has returned. Nothing alerts threads without an APC.
uint32_t KeTestAlertThread(struct krnl_call *c, uint32_t mode)
{
    if (mode != MODE_KERNEL)
        c->deliver_apcs = true;
    return 0;
}

// ---- DPCs run on the caller's thread when the call has returned: none is ever in a queue.

uint32_t KeInsertQueueDpc(struct krnl_call *c, uint32_t dpc, uint32_t arg1, uint32_t arg2)
{
    uint32_t routine, context;
    if (!mem_valid(c->mem, dpc, KDPC_SIZE, MEM_WRITE) || !mem_get32(c->mem, dpc + KDPC_ROUTINE, &routine) ||
        !mem_get32(c->mem, dpc + KDPC_CONTEXT, &context) || !routine)
        return 0;
    mem_set32(c->mem, dpc + KDPC_ARG1, arg1);
    mem_set32(c->mem, dpc + KDPC_ARG2, arg2);
    krnl_call_guest(c, routine, 4, (uint64_t[]){dpc, context, arg1, arg2});
    return 1;
}

uint32_t KeRemoveQueueDpc(struct krnl_call *c, uint32_t dpc)
{
    (void)c, (void)dpc;
    return 0;
}
