// Enumerators, and content on devices: there is none.
#include "kernel/api.h"
#include "kernel/state.h"
#include "kernel/xam/overlapped.h"
#include "kernel/xam/win32_errors.h"

enum { // the guest's part of an enumerator
    ENUMERATOR_APP = 0x00,
    ENUMERATOR_OPEN_MESSAGE = 0x04,
    ENUMERATOR_CLOSE_MESSAGE = 0x08,
    ENUMERATOR_USER = 0x0C,
    ENUMERATOR_ITEMS = 0x10, // items a call
    ENUMERATOR_FLAGS = 0x14,
    ENUMERATOR_SIZE = 0x18,
};

enum { USER_NONE = 0xFE, USER_ANY = 0xFF, DEVICE_HARD_DISK = 1, DEVICE_DISC = 2, CONTENT_DATA_BYTES = 0x134 };

struct enumerator {
    uint32_t user, app, open_message, close_message, items, flags, extra_bytes;
};

static uint32_t new_enumerator(struct krnl_call *c, const struct enumerator *e)
{
    struct krnl_object *o = krnl_object_new(c->k, KRNL_ENUMERATOR, ENUMERATOR_SIZE + e->extra_bytes, 0);
    if (!o)
        return 0;
    const struct {
        uint32_t offset, value;
    } words[] = {
        {ENUMERATOR_APP, e->app},
        {ENUMERATOR_OPEN_MESSAGE, e->open_message},
        {ENUMERATOR_CLOSE_MESSAGE, e->close_message},
        {ENUMERATOR_USER, e->user},
        {ENUMERATOR_ITEMS, e->items},
        {ENUMERATOR_FLAGS, e->flags},
    };
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        mem_set32(c->mem, o->body + words[i].offset, words[i].value);
    uint32_t handle = krnl_handle_open(c->k, o, false, c->thread);
    krnl_object_release(c->k, o); // the handle holds it now
    return handle;
}

uint32_t XamContentCreateEnumerator(struct krnl_call *c, uint32_t user, uint32_t device, uint32_t type, uint32_t flags,
                                    uint32_t items, uint32_t size_ptr, uint32_t handle_ptr)
{
    (void)type, (void)flags;
    bool known = device == 0 || device == DEVICE_HARD_DISK || device == DEVICE_DISC;
    if (size_ptr && !mem_set32(c->mem, size_ptr, known ? CONTENT_DATA_BYTES * items : 0))
        return (uint32_t)X_E_INVALIDARG;
    if (!known || !mem_valid(c->mem, handle_ptr, 4, MEM_WRITE))
        return (uint32_t)X_E_INVALIDARG;
    if (user != USER_NONE)
        return X_ERROR_NO_SUCH_USER;
    struct enumerator e = {
        .user = USER_ANY, .app = 0xFE, .open_message = 0x20005, .close_message = 0x20007, .items = items};
    uint32_t handle = new_enumerator(c, &e);
    mem_set32(c->mem, handle_ptr, handle);
    return handle ? X_ERROR_SUCCESS : X_ERROR_NOT_ENOUGH_MEMORY;
}

uint32_t XamEnumerate(struct krnl_call *c, uint32_t handle, uint32_t flags, uint32_t buffer, uint32_t length,
                      uint32_t count_ptr, uint32_t overlapped)
{
    (void)flags, (void)length;
    if (!krnl_handle_typed(c->k, handle, KRNL_ENUMERATOR, c->thread))
        return X_ERROR_INVALID_HANDLE;
    uint32_t result = buffer ? X_ERROR_NO_MORE_FILES : X_ERROR_INVALID_PARAMETER;
    if (overlapped)
        return krnl_overlapped_end(c, overlapped, X_ERROR_FUNCTION_FAILED, X_HRESULT_OF(result), 0);
    if (count_ptr)
        mem_set32(c->mem, count_ptr, 0);
    return result;
}
