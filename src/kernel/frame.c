// Guest code on top of a thread: interrupts, DPCs, APCs, callbacks. A frame keeps the registers below it, and the wait that it
// interrupts; its kind says what the processor's record shows while it runs.
#include <stdlib.h>

#include "kernel/interrupt.h"
#include "kernel/module.h"

enum { PASSIVE_LEVEL = 0, APC_LEVEL = 1, DISPATCH_LEVEL = 2, TITLE_PROCESS = 1, CALLEE_ROOM = 512 };

uint8_t krnl_irql(const struct kernel *k, const struct krnl_thread *t)
{
    uint8_t irql = 0;
    mem_get8(k->mem, t->pcr + KPCR_IRQL, &irql);
    return irql;
}

static bool at_dispatch_level(enum krnl_frame_kind kind)
{
    return kind == FRAME_INTERRUPT || kind == FRAME_DPC;
}

static void enter_kind(struct kernel *k, struct krnl_thread *t, struct krnl_frame *frame)
{
    struct mem *m = k->mem;
    mem_get8(m, t->pcr + KPCR_IRQL, &frame->old_irql);
    mem_get8(m, t->pcr + KPCR_CURRENT_CPU, &frame->old_cpu);
    mem_get8(m, t->pcr + KPCR_DPC_PROCESS_TYPE, &frame->old_process_type);
    mem_get32(m, t->pcr + KPCR_DPC_ACTIVE, &frame->old_dpc_active);
    frame->old_hw = t->hw;
    if (at_dispatch_level(frame->kind)) {
        mem_set8(m, t->pcr + KPCR_IRQL, DISPATCH_LEVEL);
        mem_set32(m, t->pcr + KPCR_DPC_ACTIVE, 1);
        mem_set8(m, t->pcr + KPCR_DPC_PROCESS_TYPE, TITLE_PROCESS);
    } else if (frame->kind == FRAME_APC_ROUTINE)
        mem_set8(m, t->pcr + KPCR_IRQL, APC_LEVEL);
}

static void leave_kind(struct kernel *k, struct krnl_thread *t, const struct krnl_frame *frame)
{
    struct mem *m = k->mem;
    if (at_dispatch_level(frame->kind) || frame->kind == FRAME_APC_ROUTINE)
        mem_set8(m, t->pcr + KPCR_IRQL, frame->old_irql);
    if (!at_dispatch_level(frame->kind))
        return;
    mem_set8(m, t->pcr + KPCR_CURRENT_CPU, frame->old_cpu);
    mem_set32(m, t->pcr + KPCR_DPC_ACTIVE, frame->old_dpc_active);
    mem_set8(m, t->pcr + KPCR_DPC_PROCESS_TYPE, frame->old_process_type);
}

struct krnl_frame *krnl_frame_push(struct kernel *k, struct krnl_thread *t, enum krnl_frame_kind kind, gva function)
{
    struct krnl_frame *frame = calloc(1, sizeof *frame);
    if (!frame) {
        krnl_host_failed(k, "out of memory");
        return NULL;
    }
    frame->kind = kind;
    frame->saved = t->cpu;
    frame->retrying = t->retrying;
    frame->waiting = t->state == THREAD_WAITING;
    if (frame->waiting) {
        frame->wait = t->wait;
        frame->call = t->call;
        t->wait.count = 0;
        t->call.row = NULL;
    }
    enter_kind(k, t, frame);
    frame->outer = t->frames;
    t->frames = frame;
    t->retrying = false;
    t->cpu.pc = function;
    t->cpu.lr = (uint32_t)KRNL_RETURN_MAGIC;
    // Below the interrupted code's red zone and the area where a callee may spill its arguments.
    t->cpu.gpr[1] = (uint32_t)(t->cpu.gpr[1] - CALLEE_ROOM) & ~15u;
    if (t->state != THREAD_READY) {
        t->state = THREAD_READY;
        krnl_make_ready(k, t);
    }
    return frame;
}

void krnl_frame_pop(struct kernel *k, struct krnl_thread *t)
{
    struct krnl_frame *frame = t->frames;
    struct ppc_state saved = frame->saved;
    saved.cycles = t->cpu.cycles; // time goes on
    saved.slice_end = t->cpu.slice_end;
    saved.block_pc = saved.pc;
    saved.reserved = 0; // what ran in between took the reservation
    t->cpu = saved;
    t->retrying = frame->retrying;
    leave_kind(k, t, frame);
    t->frames = frame->outer;
    if (frame->waiting) {
        t->wait = frame->wait;
        t->call = frame->call;
        t->state = THREAD_WAITING;
        k->reschedule = true;
        krnl_wait_again(k, t);
    }
    free(frame);
}

static void release_wait(struct kernel *k, struct krnl_wait *w)
{
    for (unsigned i = 0; i < w->count; i++)
        if (w->targets[i].object)
            krnl_object_release(k, w->targets[i].object);
    w->count = 0;
}

void krnl_frames_drop(struct krnl_thread *t)
{
    while (t->frames) {
        struct krnl_frame *frame = t->frames;
        t->frames = frame->outer;
        if (frame->waiting)
            release_wait(t->kernel, &frame->wait);
        free(frame);
    }
}

void krnl_deliver(struct kernel *k, struct krnl_thread *t)
{
    if (t->state == THREAD_ENDED || t->ending)
        return;
    uint8_t irql = krnl_irql(k, t);
    if (irql < DISPATCH_LEVEL && k->dpc_count && krnl_deliver_dpc(k, t))
        return;
    if (irql == PASSIVE_LEVEL && t->apc_count)
        krnl_deliver_apc(k, t);
}

void krnl_returned(struct kernel *k, struct krnl_thread *t)
{
    if (!t->frames) {
        krnl_thread_end(k, t, t->ending ? (uint32_t)t->exit_code : (uint32_t)t->cpu.gpr[3]);
        return;
    }
    switch (t->frames->kind) {
    case FRAME_INTERRUPT:
        krnl_interrupt_leave(k, t);
        break;
    case FRAME_APC_ROUTINE: {
        struct krnl_frame ended = *t->frames;
        krnl_frame_pop(k, t);
        krnl_apc_routine_ended(k, t, &ended);
        break;
    }
    case FRAME_APC:
        t->user_apc_pending |= t->frames->user && t->apcs[1]; // one after the other, before the thread goes on
        krnl_frame_pop(k, t);
        break;
    case FRAME_MODULE_ATTACH:
    case FRAME_MODULE_DETACH: {
        enum krnl_frame_kind kind = t->frames->kind;
        uint32_t module = t->frames->source;
        bool agreed = (uint32_t)t->cpu.gpr[3] != 0;
        krnl_frame_pop(k, t);
        krnl_module_notified(k, t, kind, module, agreed);
        break;
    }
    case FRAME_CALL:
    case FRAME_DPC:
        krnl_frame_pop(k, t);
        break;
    }
    krnl_deliver(k, t);
    if (!t->guest && !t->frames && t->state == THREAD_READY) {
        t->state = THREAD_IDLE;
        k->reschedule = true;
        krnl_system_thread_idle(k, t);
    }
}
