// APCs and DPCs: guest functions that run on a thread when it may be interrupted. The rules are in apc.c and dpc.c.
#include "kernel/api.h"
#include "kernel/state.h"

enum { APC_OBJECT_TYPE = 18, DPC_OBJECT_TYPE = 19, MODE_KERNEL = 0, MODE_USER = 1 };

// ---- APCs

uint32_t NtQueueApcThread(struct krnl_call *c, uint32_t handle, uint32_t routine, uint32_t context, uint32_t arg1,
                          uint32_t arg2)
{
    struct krnl_object *o = krnl_handle_typed(c->k, handle, KRNL_THREAD, c->thread);
    if (!o)
        return (nt_status)STATUS_INVALID_HANDLE;
    struct krnl_apc apc = {.user = true, .normal_routine = routine, .context = context, .arg1 = arg1, .arg2 = arg2};
    return krnl_queue_apc(c->k, o->data, &apc) ? STATUS_SUCCESS : (nt_status)STATUS_UNSUCCESSFUL;
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

uint32_t KeInsertQueueApc(struct krnl_call *c, uint32_t apc, uint32_t arg1, uint32_t arg2, uint32_t increment)
{
    (void)increment;
    uint8_t mode, inserted;
    uint32_t thread;
    struct krnl_apc queued = {.arg1 = arg1, .arg2 = arg2, .kapc = apc};
    if (!mem_valid(c->mem, apc, KAPC_SIZE, MEM_WRITE) || !mem_get8(c->mem, apc + KAPC_MODE, &mode) ||
        !mem_get8(c->mem, apc + KAPC_INSERTED, &inserted) || !mem_get32(c->mem, apc + KAPC_THREAD, &thread) ||
        !mem_get32(c->mem, apc + KAPC_KERNEL, &queued.kernel_routine) ||
        !mem_get32(c->mem, apc + KAPC_RUNDOWN, &queued.rundown_routine) ||
        !mem_get32(c->mem, apc + KAPC_NORMAL, &queued.normal_routine) ||
        !mem_get32(c->mem, apc + KAPC_CONTEXT, &queued.context))
        return 0;
    struct krnl_thread *t = krnl_thread_by_kthread(c->k, thread);
    if (inserted || !t)
        return 0;
    queued.user = mode != MODE_KERNEL;
    mem_set32(c->mem, apc + KAPC_ARG1, arg1);
    mem_set32(c->mem, apc + KAPC_ARG2, arg2);
    mem_set8(c->mem, apc + KAPC_INSERTED, 1); // before it may run
    if (krnl_queue_apc(c->k, t, &queued))
        return 1;
    mem_set8(c->mem, apc + KAPC_INSERTED, 0);
    return 0;
}

uint32_t KeRemoveQueueApc(struct krnl_call *c, uint32_t apc)
{
    uint32_t thread = 0;
    mem_get32(c->mem, apc + KAPC_THREAD, &thread);
    struct krnl_thread *t = krnl_thread_by_kthread(c->k, thread);
    return t && krnl_remove_apc(c->k, t, apc, 0);
}

// Whether the thread was alerted; the alert is spent. User APCs in the queue run when the call has ended.
uint32_t KeTestAlertThread(struct krnl_call *c, uint32_t mode)
{
    struct krnl_thread *t = c->thread;
    unsigned index = (mode & 0xFF) != MODE_KERNEL;
    bool alerted = t->alerted[index];
    t->alerted[index] = false;
    if (!alerted && index == MODE_USER && t->apcs[MODE_USER])
        t->user_apc_pending = true;
    return alerted;
}

// ---- DPCs

void KeInitializeDpc(struct krnl_call *c, uint32_t dpc, uint32_t routine, uint32_t context)
{
    mem_set32(c->mem, dpc + KDPC_TYPE, (uint32_t)DPC_OBJECT_TYPE << 16);
    mem_set32(c->mem, dpc + KDPC_ROUTINE, routine);
    mem_set32(c->mem, dpc + KDPC_CONTEXT, context);
}

uint32_t KeInsertQueueDpc(struct krnl_call *c, uint32_t dpc, uint32_t arg1, uint32_t arg2)
{
    uint32_t routine;
    if (!mem_valid(c->mem, dpc, KDPC_SIZE, MEM_WRITE) || !mem_get32(c->mem, dpc + KDPC_ROUTINE, &routine) || !routine)
        return 0;
    return krnl_queue_dpc(c->k, dpc, arg1, arg2, c->thread);
}

uint32_t KeRemoveQueueDpc(struct krnl_call *c, uint32_t dpc)
{
    return krnl_remove_dpc(c->k, dpc);
}
