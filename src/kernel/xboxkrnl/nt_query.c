// Questions about objects: events, semaphores, mutants, symbolic links, threads by number.
#include <stdlib.h>
#include <string.h>

#include "kernel/api.h"
#include "kernel/xboxkrnl/file.h"

static nt_status put_two(struct krnl_call *c, gva at, uint32_t first, uint32_t second)
{
    if (!mem_valid(c->mem, at, 8, MEM_WRITE))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    mem_set32(c->mem, at, first);
    mem_set32(c->mem, at + 4, second);
    return STATUS_SUCCESS;
}

static uint32_t signal_of(struct krnl_call *c, struct krnl_object *o)
{
    struct krnl_target target = krnl_target_of(o);
    return (uint32_t)krnl_signal_state(c->k, &target);
}

uint32_t NtQueryEvent(struct krnl_call *c, uint32_t handle, uint32_t information)
{
    struct krnl_object *o = krnl_handle_typed(c->k, handle, KRNL_EVENT, c->thread);
    return o ? put_two(c, information, o->dispatcher, signal_of(c, o)) : (nt_status)STATUS_INVALID_HANDLE;
}

uint32_t NtQuerySemaphore(struct krnl_call *c, uint32_t handle, uint32_t information)
{
    struct krnl_object *o = krnl_handle_typed(c->k, handle, KRNL_SEMAPHORE, c->thread);
    uint32_t limit = 0;
    if (!o)
        return (nt_status)STATUS_INVALID_HANDLE;
    mem_get32(c->mem, o->body + KSEMAPHORE_LIMIT, &limit);
    return put_two(c, information, signal_of(c, o), limit);
}

// Count, then a byte: owned by the caller, and one: abandoned.
uint32_t NtQueryMutant(struct krnl_call *c, uint32_t handle, uint32_t information)
{
    struct krnl_object *o = krnl_handle_typed(c->k, handle, KRNL_MUTANT, c->thread);
    if (!o)
        return (nt_status)STATUS_INVALID_HANDLE;
    struct krnl_target t = krnl_target_of(o);
    uint8_t abandoned = o->abandoned;
    if (o->body)
        mem_get8(c->mem, o->body + KMUTANT_ABANDONED, &abandoned);
    return put_two(c, information, signal_of(c, o),
                   (krnl_mutant_owner(c->k, &t) == c->thread ? 1u << 24 : 0) | (uint32_t)(abandoned != 0) << 16);
}

// ---- Threads and objects by other names than handles

uint32_t ObLookupThreadByThreadId(struct krnl_call *c, uint32_t tid, uint32_t out_ptr)
{
    if (!mem_set32(c->mem, out_ptr, 0))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    for (struct krnl_thread *t = c->k->threads; t; t = t->next)
        if (t->tid == tid && t->object) {
            krnl_object_retain(t->object);
            mem_set32(c->mem, out_ptr, t->kthread);
            return STATUS_SUCCESS;
        }
    return (nt_status)STATUS_INVALID_PARAMETER;
}

uint32_t ObLookupAnyThreadByThreadId(struct krnl_call *c, uint32_t tid, uint32_t out_ptr)
{
    return ObLookupThreadByThreadId(c, tid, out_ptr);
}

uint32_t ObOpenObjectByPointer(struct krnl_call *c, uint32_t body, uint32_t handle_ptr)
{
    if (!mem_set32(c->mem, handle_ptr, 0))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    struct krnl_object *o = krnl_object_at(c->k, body);
    if (!o)
        return (nt_status)STATUS_UNSUCCESSFUL;
    uint32_t handle = krnl_handle_open(c->k, o, false, c->thread);
    mem_set32(c->mem, handle_ptr, handle);
    return handle ? STATUS_SUCCESS : (nt_status)STATUS_INSUFFICIENT_RESOURCES;
}

// ---- Symbolic links: the object holds the name of its target.

static void destroy_link(struct kernel *k, struct krnl_object *object)
{
    (void)k;
    free(object->data);
}

static void hash_link(const struct krnl_object *object, void (*piece)(void *, const void *, size_t), void *user)
{
    if (object->data)
        piece(user, object->data, strlen(object->data));
}

uint32_t NtOpenSymbolicLinkObject(struct krnl_call *c, uint32_t handle_ptr, uint32_t attributes)
{
    struct krnl_path path;
    nt_status status = krnl_path_of(c, attributes, &path);
    if (status)
        return status;
    if (!mem_valid(c->mem, handle_ptr, 4, MEM_WRITE))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    const char *target = stor_link_target(c->k->storage, path.text);
    if (!target)
        return c->k->config.profile == KRNL_REFERENCE ? (nt_status)STATUS_NO_SUCH_FILE
                                                      : (nt_status)STATUS_OBJECT_NAME_NOT_FOUND;
    struct krnl_object *o = krnl_object_new(c->k, KRNL_SYMLINK, 0, 0);
    if (!o)
        return (nt_status)STATUS_NO_MEMORY;
    o->data = strdup(target);
    if (!o->data)
        krnl_host_failed(c->k, "out of memory");
    o->destroy = destroy_link;
    o->hash = hash_link;
    uint32_t handle = o->data ? krnl_handle_open(c->k, o, false, c->thread) : 0;
    krnl_object_release(c->k, o);
    mem_set32(c->mem, handle_ptr, handle);
    return handle ? STATUS_SUCCESS : (nt_status)STATUS_INSUFFICIENT_RESOURCES;
}

uint32_t NtQuerySymbolicLinkObject(struct krnl_call *c, uint32_t handle, uint32_t target_ptr)
{
    struct krnl_object *o = krnl_handle_typed(c->k, handle, KRNL_SYMLINK, c->thread);
    uint16_t room;
    uint32_t buffer;
    if (!o)
        return (nt_status)STATUS_INVALID_HANDLE;
    if (!mem_get16(c->mem, target_ptr + 2, &room) || !mem_get32(c->mem, target_ptr + 4, &buffer))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    size_t bytes = strlen(o->data);
    if (bytes > room)
        bytes = room;
    if ((bytes && !mem_write(c->mem, buffer, o->data, (uint32_t)bytes)) ||
        !mem_set16(c->mem, target_ptr, (uint16_t)bytes))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    return STATUS_SUCCESS;
}
