// The title's graphics callback: source 0 (vblank) on the vblank thread, source 1 (PM4 INTERRUPT) on the command processor's,
// at IRQL 2, each with its own KPCR and stack, never on the interrupted thread.
#include "kernel/interrupt.h"

static void enter(struct kernel *k, struct krnl_thread *t, uint32_t source, unsigned cpu)
{
    struct krnl_frame *frame = krnl_frame_push(k, t, FRAME_INTERRUPT, k->interrupt_callback);
    if (!frame)
        return;
    frame->source = source;
    frame->cpu = cpu;
    frame->callback = k->interrupt_callback;
    mem_set8(k->mem, t->pcr + KPCR_CURRENT_CPU, (uint8_t)cpu);
    t->hw = cpu;
    t->cpu.gpr[3] = source;
    t->cpu.gpr[4] = k->interrupt_context;
    krnl_make_ready(k, t);
    krnl_emit(k, t, TRACE_INTERRUPT_BEGIN, 3, (uint64_t[]){source, cpu, frame->callback}, NULL);
}

void krnl_interrupt_leave(struct kernel *k, struct krnl_thread *t)
{
    const struct krnl_frame *frame = t->frames;
    uint32_t source = frame->source;
    krnl_emit(k, t, TRACE_INTERRUPT_END, 3, (uint64_t[]){source, frame->cpu, frame->callback}, NULL);
    if (frame->outer) // it came in the middle of a DPC
        t->hw = frame->old_hw;
    krnl_frame_pop(k, t);
    k->reschedule = true;
    if (source == 1) {
        k->video_interrupt = false;
        k->config.video.interrupt_done(k->config.video.user);
        k->video_kick = true;
    }
}

void krnl_system_thread_idle(struct kernel *k, struct krnl_thread *t)
{
    if (t != k->thread_vblank || !t->interrupt_pending)
        return;
    t->interrupt_pending--;
    if (k->interrupt_callback)
        enter(k, t, 0, 2);
}

void krnl_vblank(struct kernel *k)
{
    k->vblanks++;
    if (k->config.video.vblank)
        k->config.video.vblank(k->config.video.user);
    if (k->config.video.run)
        k->video_kick = true; // a paced swap may go on
    if (!k->interrupt_callback)
        return;
    struct krnl_thread *t = k->thread_vblank;
    if (t->state == THREAD_IDLE)
        enter(k, t, 0, 2);
    else if (!t->interrupt_pending) // the line is level-triggered: at most one is owed
        t->interrupt_pending = 1;
}

void krnl_run_video(struct kernel *k, uint64_t now)
{
    struct krnl_video *v = &k->config.video;
    bool due = k->video_kick || (k->video_parked && now >= k->video_retry);
    if (!v->run || k->video_interrupt) {
        k->video_kick = false; // the end of the interrupt kicks again
        return;
    }
    while (due && !k->result.stop) {
        k->video_kick = false;
        k->video_parked = false;
        due = false;
        switch (v->run(v->user, now)) {
        case KRNL_VIDEO_IDLE:
            break;
        case KRNL_VIDEO_PARKED:
            k->video_parked = true;
            k->video_retry = now + KRNL_VIDEO_RETRY_CYCLES;
            break;
        case KRNL_VIDEO_INTERRUPT:
            if (k->interrupt_callback) {
                k->video_interrupt = true;
                enter(k, k->thread_gpu, 1, v->interrupt_cpu(v->user));
            } else {
                v->interrupt_done(v->user);
                due = true;
            }
            break;
        case KRNL_VIDEO_FAULT:
            krnl_stop(k, KRNL_STOP_CRASH, NULL, "GPU: %s", v->fault(v->user));
            break;
        }
    }
}
