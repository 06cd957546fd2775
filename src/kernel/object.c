#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel/state.h"

enum { FIRST_HANDLE = (int)0xF8000000, FIRST_HOST_HANDLE = 0x01000000, HANDLE_STEP = 4, MAX_HANDLES = 65536 };

gva krnl_system_alloc(struct kernel *k, uint32_t size)
{
    struct mem_request request = {.heap = MEM_V00000000, .size = size, .low = 0x30000000, .high = 0x3FFFFFFF,
                                  .state = MEM_RESERVED | MEM_COMMITTED, .protect = MEM_READ_WRITE};
    gva address = 0;
    return mem_allocate(k->mem, &request, &address, NULL) ? address : 0;
}

void krnl_system_free(struct kernel *k, gva address)
{
    if (address)
        mem_release(k->mem, address, NULL, NULL);
}

static bool make_body(struct kernel *k, struct krnl_object *object, uint32_t body_size, uint8_t dispatcher)
{
    gva header = krnl_system_alloc(k, OBJECT_HEADER_SIZE + body_size);
    gva record = header ? krnl_system_alloc(k, OBJECT_TYPE_SIZE) : 0;
    if (!record) {
        krnl_system_free(k, header);
        return false;
    }
    mem_set32(k->mem, header + OBJECT_HEADER_TYPE, record);
    object->body = header + OBJECT_HEADER_SIZE;
    mem_set8(k->mem, object->body + DH_TYPE, dispatcher);
    mem_set32(k->mem, object->body + DH_WAIT_FLINK, object->body + DH_WAIT_FLINK);
    mem_set32(k->mem, object->body + DH_WAIT_BLINK, object->body + DH_WAIT_FLINK);
    return true;
}

static uint32_t body_size(enum krnl_type type)
{
    switch (type) {
    case KRNL_MUTANT:
        return KMUTANT_SIZE;
    case KRNL_TIMER:
        return KTIMER_SIZE;
    default:
        return 0x40; // files, listeners, completion ports: a dispatcher header, the rest zero
    }
}

bool krnl_object_give_body(struct kernel *k, struct krnl_object *object)
{
    struct krnl_thread *owner = object->owner;
    struct krnl_target before = krnl_target_of(object);
    uint8_t abandoned = object->abandoned;
    if (object->body)
        return true;
    if (!make_body(k, object, body_size(object->type), object->dispatcher))
        return false;
    struct krnl_target now = krnl_target_of(object);
    krnl_set_signal_state(k, &now, before.object->signal);
    if (object->type == KRNL_MUTANT) {
        object->owner = NULL;
        mem_set8(k->mem, object->body + KMUTANT_ABANDONED, abandoned);
        if (owner)
            krnl_mutant_own(k, &now, owner);
    }
    krnl_timer_move(k, object);
    return true;
}

struct krnl_object *krnl_object_new(struct kernel *k, enum krnl_type type, uint32_t body_size, uint8_t dispatcher)
{
    struct krnl_object *object = calloc(1, sizeof *object);
    if (!object) {
        krnl_host_failed(k, "out of memory");
        return NULL;
    }
    object->type = type;
    object->dispatcher = dispatcher;
    object->references = 1;
    if (body_size && !make_body(k, object, body_size, dispatcher)) {
        free(object);
        return NULL;
    }
    object->id = ++k->object_count;
    object->next = k->objects;
    k->objects = object;
    return object;
}

void krnl_object_retain(struct krnl_object *object)
{
    object->references++;
}

void krnl_object_release(struct kernel *k, struct krnl_object *object)
{
    if (!object || --object->references)
        return;
    for (struct krnl_object **link = &k->objects; *link; link = &(*link)->next)
        if (*link == object) {
            *link = object->next;
            break;
        }
    if (object->type == KRNL_TIMER)
        krnl_timer_cancel(k, &(struct krnl_target){object, object->body});
    if (object->type == KRNL_MUTANT && object->body)
        krnl_mutant_own(k, &(struct krnl_target){object, object->body}, NULL); // out of its owner's list
    if (object->destroy)
        object->destroy(k, object);
    if (object->body) {
        gva header = object->body - OBJECT_HEADER_SIZE;
        uint32_t record = 0;
        mem_get32(k->mem, header + OBJECT_HEADER_TYPE, &record);
        krnl_system_free(k, record);
        krnl_system_free(k, header);
    }
    free(object);
}

static struct krnl_object ***table(struct kernel *k, bool host, uint32_t **capacity)
{
    *capacity = host ? &k->host_handle_capacity : &k->handle_capacity;
    return host ? &k->host_handles : &k->handles;
}

static uint32_t handle_value(bool host, uint32_t slot)
{
    return (host ? (uint32_t)FIRST_HOST_HANDLE : (uint32_t)FIRST_HANDLE) + HANDLE_STEP * slot;
}

// The slot a handle names, NULL where there is none.
static struct krnl_object **slot_of(struct kernel *k, uint32_t handle)
{
    bool host = handle < (uint32_t)FIRST_HANDLE;
    uint32_t *capacity;
    struct krnl_object ***slots = table(k, host, &capacity);
    uint32_t offset = handle - handle_value(host, 0);
    if (offset % HANDLE_STEP || offset / HANDLE_STEP >= *capacity)
        return NULL;
    return &(*slots)[offset / HANDLE_STEP];
}

uint32_t krnl_handle_open(struct kernel *k, struct krnl_object *object, bool host, const struct krnl_thread *creator)
{
    uint32_t *capacity;
    struct krnl_object ***slots = table(k, host, &capacity);
    uint32_t slot = host ? 1 : 0; // the reference's host table starts one up
    while (slot < *capacity && (*slots)[slot])
        slot++;
    if (slot >= *capacity) {
        uint32_t grown = *capacity ? 2 * *capacity : 64;
        struct krnl_object **more = grown <= MAX_HANDLES ? realloc(*slots, grown * sizeof *more) : NULL;
        if (!more) {
            if (grown <= MAX_HANDLES)
                krnl_host_failed(k, "out of memory");
            return 0;
        }
        memset(more + *capacity, 0, (grown - *capacity) * sizeof *more);
        *slots = more;
        *capacity = grown;
    }
    (*slots)[slot] = object;
    object->handles++;
    krnl_object_retain(object);
    uint32_t handle = handle_value(host, slot);
    krnl_emit(k, creator, TRACE_HANDLE_CREATE, 2, (uint64_t[]){handle, object->type}, NULL);
    return handle;
}

bool krnl_handle_close(struct kernel *k, uint32_t handle, const struct krnl_thread *closer)
{
    struct krnl_object **slot = slot_of(k, handle);
    if (!slot || !*slot)
        return false;
    struct krnl_object *object = *slot;
    *slot = NULL;
    object->handles--;
    krnl_emit(k, closer, TRACE_HANDLE_DESTROY, 2, (uint64_t[]){handle, object->type}, NULL);
    krnl_object_release(k, object);
    return true;
}

struct krnl_object *krnl_handle_object(struct kernel *k, uint32_t handle, const struct krnl_thread *current)
{
    if (handle == 0xFFFFFFFE)
        return current ? current->object : NULL;
    struct krnl_object **slot = slot_of(k, handle);
    return slot ? *slot : NULL;
}

struct krnl_object *krnl_handle_typed(struct kernel *k, uint32_t handle, enum krnl_type type, const struct krnl_thread *current)
{
    struct krnl_object *object = krnl_handle_object(k, handle, current);
    return object && object->type == type ? object : NULL;
}

uint32_t krnl_object_handle(const struct kernel *k, const struct krnl_object *object)
{
    for (uint32_t i = 0; i < k->handle_capacity; i++)
        if (k->handles[i] == object)
            return handle_value(false, i);
    for (uint32_t i = 0; i < k->host_handle_capacity; i++)
        if (k->host_handles[i] == object)
            return handle_value(true, i);
    return 0;
}

struct krnl_object *krnl_object_at(const struct kernel *k, gva body)
{
    if (body)
        for (struct krnl_object *o = k->objects; o; o = o->next)
            if (o->body == body)
                return o;
    return NULL;
}

struct krnl_object *krnl_object_named(const struct kernel *k, enum krnl_type type, const char *name)
{
    for (struct krnl_object *o = k->objects; o; o = o->next)
        if (o->type == type && o->name[0] && !strcasecmp(o->name, name))
            return o;
    return NULL;
}

void krnl_each_handle(const struct kernel *k, void (*visit)(void *user, const struct krnl_object *object, uint32_t handle), void *user)
{
    for (uint32_t i = 0; i < k->host_handle_capacity; i++)
        if (k->host_handles[i])
            visit(user, k->host_handles[i], handle_value(true, i));
    for (uint32_t i = 0; i < k->handle_capacity; i++)
        if (k->handles[i])
            visit(user, k->handles[i], handle_value(false, i));
}
