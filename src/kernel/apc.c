// Asynchronous procedure calls: guest functions that run on a thread of their choice. Kernel APCs run as soon as the thread is at
// IRQL 0 (normal ones: outside critical regions), also in the middle of a wait, which goes on after them; user APCs end an
// alertable wait and run behind it. Each is a frame; of several the first in runs first.
#include <stdlib.h>

#include "kernel/state.h"

enum { APC_MAX = 4096, SCRATCH = 0x80 }; // SCRATCH: above r1, behind what a callee may spill

static struct krnl_apc **place_of(struct krnl_thread *t, const struct krnl_apc *apc)
{
    struct krnl_apc **link = &t->apcs[apc->user];
    while (*link && (apc->normal_routine || !(*link)->normal_routine)) // special ones come before normal ones
        link = &(*link)->next;
    return link;
}

bool krnl_queue_apc(struct kernel *k, struct krnl_thread *t, const struct krnl_apc *apc)
{
    if (t->state == THREAD_ENDED || t->ending)
        return false;
    struct krnl_apc *copy = t->apc_count < APC_MAX ? malloc(sizeof *copy) : NULL;
    if (!copy) {
        log_write(k->log, LOG_WARN, "kernel", "thread %u has %u APCs pending; one more is lost", t->tid, t->apc_count);
        return false;
    }
    *copy = *apc;
    struct krnl_apc **link = place_of(t, apc);
    copy->next = *link;
    *link = copy;
    t->apc_count++;
    if (apc->user && t->state == THREAD_WAITING && t->wait.alert == KRNL_ALERTABLE_USER && !t->suspend_count) {
        t->user_apc_pending = true;
        krnl_wait_finish(k, t, (nt_status)STATUS_USER_APC, NULL);
    }
    if (t != k->running) // the caller's own run when its call has ended
        krnl_deliver(k, t);
    return true;
}

static struct krnl_apc take(struct kernel *k, struct krnl_thread *t, struct krnl_apc **link)
{
    struct krnl_apc apc = **link, *old = *link;
    *link = apc.next;
    free(old);
    t->apc_count--;
    if (apc.kapc)
        mem_set8(k->mem, apc.kapc + KAPC_INSERTED, 0);
    return apc;
}

bool krnl_remove_apc(struct kernel *k, struct krnl_thread *t, gva kapc, uint32_t source)
{
    for (unsigned mode = 0; mode < 2; mode++)
        for (struct krnl_apc **link = &t->apcs[mode]; *link; link = &(*link)->next)
            if ((kapc && (*link)->kapc == kapc) || (source && (*link)->source == source)) {
                take(k, t, link);
                return true;
            }
    return false;
}

static bool run_normal(struct kernel *k, struct krnl_thread *t, bool user, const uint32_t *words)
{
    if (!words[0])
        return false;
    struct krnl_frame *frame = krnl_frame_push(k, t, FRAME_APC, words[0]);
    if (!frame)
        return false;
    frame->user = user;
    for (unsigned i = 0; i < 3; i++)
        t->cpu.gpr[3 + i] = words[1 + i];
    return true;
}

// The kernel routine gets pointers to the normal routine and its arguments, and may change them.
static bool run_kernel_routine(struct kernel *k, struct krnl_thread *t, const struct krnl_apc *apc, const uint32_t *words)
{
    struct krnl_frame *frame = krnl_frame_push(k, t, FRAME_APC_ROUTINE, apc->kernel_routine);
    if (!frame)
        return false;
    frame->user = apc->user;
    frame->scratch = (uint32_t)t->cpu.gpr[1] + SCRATCH;
    t->cpu.gpr[3] = apc->kapc;
    for (unsigned i = 0; i < 4; i++) {
        mem_set32(k->mem, frame->scratch + 4 * i, words[i]);
        t->cpu.gpr[4 + i] = frame->scratch + 4 * i;
    }
    return true;
}

static bool start(struct kernel *k, struct krnl_thread *t, const struct krnl_apc *apc)
{
    const uint32_t words[4] = {apc->normal_routine, apc->context, apc->arg1, apc->arg2};
    // One without a KAPC has no kernel routine of the title's.
    return apc->kernel_routine && apc->kapc ? run_kernel_routine(k, t, apc, words) : run_normal(k, t, apc->user, words);
}

void krnl_apc_routine_ended(struct kernel *k, struct krnl_thread *t, const struct krnl_frame *frame)
{
    uint32_t words[4] = {0};
    for (unsigned i = 0; i < 4; i++)
        mem_get32(k->mem, frame->scratch + 4 * i, &words[i]);
    if (!run_normal(k, t, frame->user, words) && frame->user && t->apcs[1])
        t->user_apc_pending = true;
}

// A normal kernel APC does not interrupt another, nor a critical region.
static bool normal_kernel_apc_allowed(const struct kernel *k, const struct krnl_thread *t)
{
    uint32_t disabled = 0;
    mem_get32(k->mem, t->kthread + KTHREAD_APC_DISABLE, &disabled);
    for (const struct krnl_frame *f = t->frames; f; f = f->outer)
        if (f->kind == FRAME_APC && !f->user)
            return false;
    return !disabled;
}

bool krnl_deliver_apc(struct kernel *k, struct krnl_thread *t)
{
    while (t->apcs[0] && (!t->apcs[0]->normal_routine || normal_kernel_apc_allowed(k, t))) {
        struct krnl_apc apc = take(k, t, &t->apcs[0]);
        if (start(k, t, &apc))
            return true;
    }
    while (t->user_apc_pending && t->apcs[1]) {
        struct krnl_apc apc = take(k, t, &t->apcs[1]);
        if (start(k, t, &apc)) {
            t->user_apc_pending = false;
            return true;
        }
    }
    t->user_apc_pending = false;
    return false;
}

void krnl_apc_drop(struct krnl_thread *t)
{
    struct krnl_apc **link = t->apcs[0] ? &t->apcs[0] : &t->apcs[1], *old = *link;
    *link = old->next;
    free(old);
    t->apc_count--;
}

bool krnl_rundown_apc(struct kernel *k, struct krnl_thread *t)
{
    while (t->apc_count) {
        struct krnl_apc apc = take(k, t, t->apcs[1] ? &t->apcs[1] : &t->apcs[0]);
        if (!apc.rundown_routine || !krnl_frame_push(k, t, FRAME_CALL, apc.rundown_routine))
            continue;
        t->cpu.gpr[3] = apc.kapc;
        return true;
    }
    return false;
}
