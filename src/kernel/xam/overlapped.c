#include "kernel/xam/overlapped.h"

#include "kernel/api.h"
#include "kernel/state.h"
#include "kernel/xam/win32_errors.h"
#include "kernel/xboxkrnl/sync.h"

uint32_t krnl_overlapped_end(struct krnl_call *c, gva overlapped, uint32_t result, uint32_t extended, uint32_t length)
{
    uint32_t event = 0, routine = 0;
    if (!mem_valid(c->mem, overlapped, OVERLAPPED_SIZE, MEM_WRITE))
        return X_ERROR_INVALID_PARAMETER;
    mem_set32(c->mem, overlapped + OVERLAPPED_RESULT, result);
    mem_set32(c->mem, overlapped + OVERLAPPED_LENGTH, length);
    mem_set32(c->mem, overlapped + OVERLAPPED_CONTEXT,
              c->thread->object ? krnl_object_handle(c->k, c->thread->object) : 0);
    mem_set32(c->mem, overlapped + OVERLAPPED_EXTENDED, extended);
    mem_get32(c->mem, overlapped + OVERLAPPED_EVENT, &event);
    mem_get32(c->mem, overlapped + OVERLAPPED_ROUTINE, &routine);
    struct krnl_object *o = event ? krnl_handle_typed(c->k, event, KRNL_EVENT, c->thread) : NULL;
    if (o) {
        struct krnl_target target = krnl_target_of(o);
        krnl_event_set(c, &target);
    }
    if (routine)
        krnl_queue_apc(
            c->k, c->thread,
            &(struct krnl_apc){.user = true, .normal_routine = routine, .context = result, .arg1 = length, .arg2 = overlapped});
    return X_ERROR_IO_PENDING;
}

uint32_t krnl_overlapped_or(struct krnl_call *c, gva overlapped, uint32_t result)
{
    return overlapped ? krnl_overlapped_end(c, overlapped, result, result, result ? UINT32_MAX : 0) : result;
}

uint32_t XMsgCompleteIORequest(struct krnl_call *c, uint32_t overlapped, uint32_t result, uint32_t extended,
                               uint32_t length)
{
    uint32_t ended = krnl_overlapped_end(c, overlapped, result, extended, length);
    return ended == X_ERROR_IO_PENDING ? X_ERROR_SUCCESS : ended;
}

// Requests end before the call that made them returns: none is ever pending.
uint32_t XamGetOverlappedResult(struct krnl_call *c, uint32_t overlapped, uint32_t length_ptr, uint32_t unknown)
{
    (void)unknown;
    uint32_t result, length;
    if (!mem_get32(c->mem, overlapped + OVERLAPPED_RESULT, &result) ||
        !mem_get32(c->mem, overlapped + OVERLAPPED_LENGTH, &length))
        return X_ERROR_INVALID_PARAMETER;
    if (result == X_ERROR_IO_PENDING)
        return X_ERROR_IO_INCOMPLETE;
    if ((int32_t)result >= 0 && length_ptr)
        mem_set32(c->mem, length_ptr, length);
    return result;
}

uint32_t XMsgCancelIORequest(struct krnl_call *c, uint32_t overlapped, uint32_t wait)
{
    (void)c, (void)overlapped, (void)wait;
    return X_ERROR_SUCCESS;
}

// ---- Messages to xam's apps, none of which is built: everything that goes through them is missing.

uint32_t XMsgInProcessCall(struct krnl_call *c, uint32_t app, uint32_t message, uint32_t arg1, uint32_t arg2)
{
    krnl_partial(c, "message 0x%x to app 0x%x (0x%x, 0x%x) is not known", message, app, arg1, arg2);
    return (uint32_t)X_E_NOT_FOUND;
}

uint32_t XMsgSystemProcessCall(struct krnl_call *c, uint32_t app, uint32_t message, uint32_t buffer, uint32_t length)
{
    krnl_partial(c, "message 0x%x to app 0x%x (0x%x bytes at 0x%08x) is not known", message, app, length, buffer);
    return (uint32_t)X_E_NOT_FOUND;
}

static uint32_t start_request(struct krnl_call *c, uint32_t app, uint32_t message, uint32_t overlapped, uint32_t buffer,
                              uint32_t length)
{
    krnl_partial(c, "request 0x%x to app 0x%x (0x%x bytes at 0x%08x) is not known", message, app, length, buffer);
    krnl_set_last_error(c, X_ERROR_NOT_FOUND);
    return krnl_overlapped_or(c, overlapped, (uint32_t)X_E_INVALIDARG);
}

uint32_t XMsgStartIORequest(struct krnl_call *c, uint32_t app, uint32_t message, uint32_t overlapped, uint32_t buffer,
                            uint32_t length)
{
    return start_request(c, app, message, overlapped, buffer, length);
}

uint32_t XMsgStartIORequestEx(struct krnl_call *c, uint32_t app, uint32_t message, uint32_t overlapped, uint32_t buffer,
                              uint32_t length, uint32_t unknown)
{
    (void)unknown;
    return start_request(c, app, message, overlapped, buffer, length);
}
