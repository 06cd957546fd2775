// sync.h: what Ke* (by address) and Nt* (by handle) share of events and semaphores.
#pragma once
#include "kernel/call.h"

// Each returns the state before (profile console; the reference always says 1) and wakes whom it may.
uint32_t krnl_event_set(struct krnl_call *c, const struct krnl_target *t);
uint32_t krnl_event_reset(struct krnl_call *c, const struct krnl_target *t);
uint32_t krnl_event_pulse(struct krnl_call *c, const struct krnl_target *t);
// False: the limit would be passed; nothing changes then.
bool krnl_semaphore_release(struct krnl_call *c, const struct krnl_target *t, uint32_t adjustment, int32_t *previous);
