// interrupt.h: when the GPU runs, and the title's graphics callback. Private to kernel/.
#pragma once
#include "kernel/state.h"

enum { KRNL_VIDEO_RETRY_CYCLES = 16000 }; // a parked wait is tested again every 5 us of virtual time

void krnl_vblank(struct kernel *k);
void krnl_run_video(struct kernel *k, uint64_t now);
void krnl_interrupt_leave(struct kernel *k, struct krnl_thread *t);
void krnl_system_thread_idle(struct kernel *k, struct krnl_thread *t); // it has nothing left on top of it
