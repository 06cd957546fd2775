// Deferred procedure calls: guest functions at IRQL 2. One is queued for the thread that asked, and runs on top of it as soon as
// its IRQL is below 2; those of timers run on the kernel's dispatch thread.
#include <string.h>

#include "kernel/state.h"

enum { DPC_MAX = sizeof((struct kernel *)0)->dpcs / sizeof(struct krnl_dpc) };

static void remove_at(struct kernel *k, unsigned i)
{
    memmove(&k->dpcs[i], &k->dpcs[i + 1], (k->dpc_count - i - 1) * sizeof *k->dpcs);
    k->dpc_count--;
}

static bool find(const struct kernel *k, gva dpc, unsigned *index)
{
    for (*index = 0; *index < k->dpc_count; ++*index)
        if (k->dpcs[*index].dpc == dpc)
            return true;
    return false;
}

static struct krnl_thread *dispatch_thread(const struct kernel *k)
{
    return k->thread_dispatch ? k->thread_dispatch : k->thread_vblank; // before a title is loaded there is no other
}

bool krnl_queue_dpc(struct kernel *k, gva dpc, uint32_t arg1, uint32_t arg2, struct krnl_thread *on)
{
    unsigned index;
    if (!on)
        on = dispatch_thread(k);
    if (find(k, dpc, &index) || !on)
        return false;
    if (k->dpc_count == DPC_MAX) {
        log_write(k->log, LOG_WARN, "kernel", "%u DPCs are queued; the one at 0x%08x is lost", DPC_MAX, dpc);
        return false;
    }
    mem_set32(k->mem, dpc + KDPC_ARG1, arg1);
    mem_set32(k->mem, dpc + KDPC_ARG2, arg2);
    k->dpcs[k->dpc_count++] = (struct krnl_dpc){dpc, on};
    if (on != k->running) // the caller's own run when its call has ended
        krnl_deliver(k, on);
    return true;
}

bool krnl_remove_dpc(struct kernel *k, gva dpc)
{
    unsigned index;
    if (!find(k, dpc, &index))
        return false;
    remove_at(k, index);
    return true;
}

bool krnl_deliver_dpc(struct kernel *k, struct krnl_thread *t)
{
    for (unsigned i = 0; i < k->dpc_count; i++) {
        if (k->dpcs[i].on != t)
            continue;
        gva dpc = k->dpcs[i].dpc;
        uint32_t routine = 0, context = 0, arg1 = 0, arg2 = 0;
        remove_at(k, i);
        mem_get32(k->mem, dpc + KDPC_ROUTINE, &routine);
        mem_get32(k->mem, dpc + KDPC_CONTEXT, &context);
        mem_get32(k->mem, dpc + KDPC_ARG1, &arg1);
        mem_get32(k->mem, dpc + KDPC_ARG2, &arg2);
        if (!krnl_frame_push(k, t, FRAME_DPC, routine))
            return false;
        t->cpu.gpr[3] = dpc;
        t->cpu.gpr[4] = context;
        t->cpu.gpr[5] = arg1;
        t->cpu.gpr[6] = arg2;
        return true;
    }
    return false;
}

void krnl_dpcs_leave(struct kernel *k, const struct krnl_thread *t)
{
    bool moved = false;
    for (unsigned i = 0; i < k->dpc_count; i++)
        if (k->dpcs[i].on == t) {
            k->dpcs[i].on = dispatch_thread(k);
            moved = true;
        }
    if (moved)
        krnl_deliver(k, dispatch_thread(k));
}
