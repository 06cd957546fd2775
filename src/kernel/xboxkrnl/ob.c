// Ob*, NtClose, NtDuplicateObject: handles and references. Symbolic links of the object namespace.
#include "kernel/api.h"
#include "kernel/state.h"

static const struct { uint32_t offset; enum krnl_type type; } object_types[] = { // offsets in the kernel's globals
    {0x000, KRNL_THREAD}, {0x01C, KRNL_EVENT}, {0x038, KRNL_MUTANT}, {0x054, KRNL_SEMAPHORE}, {0x070, KRNL_TIMER},
    {0x08C, KRNL_IO_COMPLETION}, {0x0C4, KRNL_FILE}, {0x0FC, KRNL_SYMLINK},
};

// True where a type pointer (0, an address in the globals, or the reference's token) allows objects of `type`.
static bool type_allows(const struct krnl_call *c, uint32_t type_ptr, enum krnl_type type)
{
    for (unsigned i = 0; i < sizeof object_types / sizeof *object_types; i++)
        if (type_ptr == c->k->globals + object_types[i].offset)
            return object_types[i].type == type;
    return true;
}

uint32_t ObReferenceObjectByHandle(struct krnl_call *c, uint32_t handle, uint32_t type_ptr, uint32_t out_ptr)
{
    struct krnl_object *o = krnl_handle_object(c->k, handle, c->thread);
    if (!o)
        return (nt_status)STATUS_INVALID_HANDLE;
    if (!type_allows(c, type_ptr, o->type))
        return (nt_status)STATUS_OBJECT_TYPE_MISMATCH;
    if (!mem_valid(c->mem, out_ptr, 4, MEM_WRITE))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    if (!krnl_object_give_body(c->k, o)) // pages are spent only on those that are asked for
        return (nt_status)STATUS_NO_MEMORY;
    krnl_object_retain(o);
    mem_set32(c->mem, out_ptr, o->body);
    return STATUS_SUCCESS;
}

void ObReferenceObject(struct krnl_call *c, uint32_t body)
{
    struct krnl_object *o = krnl_object_at(c->k, body);
    if (o)
        krnl_object_retain(o);
}

void ObDereferenceObject(struct krnl_call *c, uint32_t body)
{
    struct krnl_object *o = krnl_object_at(c->k, body);
    if (o)
        krnl_object_release(c->k, o);
}

uint32_t NtClose(struct krnl_call *c, uint32_t handle)
{
    return krnl_handle_close(c->k, handle, c->thread) ? STATUS_SUCCESS : (nt_status)STATUS_INVALID_HANDLE;
}

uint32_t NtDuplicateObject(struct krnl_call *c, uint32_t handle, uint32_t new_ptr, uint32_t options)
{
    enum { CLOSE_SOURCE = 1 };
    struct krnl_object *o = krnl_handle_object(c->k, handle, c->thread);
    if (!o)
        return (nt_status)STATUS_INVALID_HANDLE;
    if (new_ptr && !mem_valid(c->mem, new_ptr, 4, MEM_WRITE))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    uint32_t copy = krnl_handle_open(c->k, o, false, c->thread);
    if (!copy)
        return (nt_status)STATUS_INSUFFICIENT_RESOURCES;
    if (new_ptr)
        mem_set32(c->mem, new_ptr, copy);
    if (options & CLOSE_SOURCE)
        krnl_handle_close(c->k, handle, c->thread);
    return STATUS_SUCCESS;
}

uint32_t ObCreateSymbolicLink(struct krnl_call *c, uint32_t path_ptr, uint32_t target_ptr)
{
    char path[260], target[260];
    if (!krnl_ansi_string(c, path_ptr, path, sizeof path) || !krnl_ansi_string(c, target_ptr, target, sizeof target))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    return stor_link(c->k->storage, path, target) == STOR_OK ? STATUS_SUCCESS : (nt_status)STATUS_OBJECT_NAME_INVALID;
}

uint32_t ObDeleteSymbolicLink(struct krnl_call *c, uint32_t path_ptr)
{
    char path[260];
    if (!krnl_ansi_string(c, path_ptr, path, sizeof path))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    return stor_unlink(c->k->storage, path) == STOR_OK ? STATUS_SUCCESS : (nt_status)STATUS_OBJECT_NAME_NOT_FOUND;
}
