// Asynchronous procedure calls: guest functions that run on a thread when it waits alertably.
#include <string.h>

#include "kernel/state.h"

void krnl_queue_apc(struct kernel *k, struct krnl_thread *t, const struct krnl_apc *apc)
{
    if (t->state == THREAD_ENDED)
        return;
    if (t->apc_count == sizeof t->apcs / sizeof *t->apcs) {
        log_write(k->log, LOG_WARN, "kernel", "thread %u has %u APCs pending; one more is lost", t->tid, t->apc_count);
        return;
    }
    t->apcs[t->apc_count++] = *apc;
    if (t->state == THREAD_WAITING && t->wait.alertable) {
        krnl_wait_finish(k, t, (nt_status)STATUS_USER_APC, NULL);
        krnl_deliver_apcs(k, t);
    }
}

// Each runs as a frame of its own, first in, first out: so they are pushed last first.
void krnl_deliver_apcs(struct kernel *k, struct krnl_thread *t)
{
    while (t->apc_count) {
        struct krnl_apc apc = t->apcs[--t->apc_count];
        if (apc.kapc)
            mem_set8(k->mem, apc.kapc + KAPC_INSERTED, 0);
        if (!apc.normal_routine)
            continue;
        struct krnl_frame *frame = krnl_frame_push(t, FRAME_APC, apc.normal_routine);
        if (!frame)
            continue;
        t->cpu.gpr[3] = apc.context;
        t->cpu.gpr[4] = apc.arg1;
        t->cpu.gpr[5] = apc.arg2;
    }
}
