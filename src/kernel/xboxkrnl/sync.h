// sync.h: what Ke* (by address) and Nt* (by handle) share of events and semaphores.
#pragma once
#include "kernel/call.h"

// Each returns the state before (profile console; the reference always says 1) and wakes whom it may.
uint32_t krnl_event_set(struct krnl_call *c, const struct krnl_target *t);
uint32_t krnl_event_reset(struct krnl_call *c, const struct krnl_target *t);
uint32_t krnl_event_pulse(struct krnl_call *c, const struct krnl_target *t);
// False: the limit would be passed; nothing changes then.
bool krnl_semaphore_release(struct krnl_call *c, const struct krnl_target *t, uint32_t adjustment, int32_t *previous);

// Opens by name what exists (*out NULL), or makes a new object of the type. The handle holds it.
nt_status krnl_open_or_new(struct krnl_call *c, uint32_t handle_ptr, uint32_t attributes, enum krnl_type type, uint32_t body,
                           uint8_t dispatcher, struct krnl_object **out, uint32_t *handle);

// Puts a packet (key, context, status, bytes) into a completion port.
nt_status krnl_io_completion_post(struct krnl_call *c, struct krnl_object *port, const uint32_t words[4]);
