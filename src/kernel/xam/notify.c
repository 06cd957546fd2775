// Notifications: listeners with a queue each. Ids carry, from bit 25 up, the area that a listener's mask chooses, and
// from bit 16 the version that it must know.
#include <stdlib.h>
#include <string.h>

#include "kernel/api.h"
#include "kernel/state.h"
#include "kernel/xam/notify.h"

enum { QUEUE_MAX = 64, NOTIFY_SYSTEM = 1, NEWEST_VERSION = 10 };

struct krnl_listener {
    uint64_t mask;
    uint32_t max_version;
    unsigned count;
    struct {
        uint32_t id, parameter;
    } queue[QUEUE_MAX];
};

static void hash(const struct krnl_object *object, void (*piece)(void *, const void *, size_t), void *user)
{
    const struct krnl_listener *l = object->data;
    const uint64_t words[] = {l->mask, l->max_version, l->count};
    piece(user, words, sizeof words);
    piece(user, l->queue, l->count * sizeof *l->queue);
}

static void set_signal(struct krnl_call *c, struct krnl_object *o)
{
    struct krnl_listener *l = o->data;
    struct krnl_target target = krnl_target_of(o);
    krnl_set_signal_state(c->k, &target, l->count > 0);
    if (l->count)
        krnl_signalled(c->k, &target, c->thread);
}

static void enqueue(struct krnl_call *c, struct krnl_object *o, uint32_t id, uint32_t parameter)
{
    struct krnl_listener *l = o->data;
    if (!(l->mask >> (id >> 25 & 0x3F) & 1) || (id >> 16 & 0x1FF) > l->max_version)
        return;
    if (l->count == QUEUE_MAX) {
        log_write(c->k->log, LOG_WARN, "notify", "a listener's queue is full: notification 0x%08x is lost", id);
        return;
    }
    l->queue[l->count].id = id;
    l->queue[l->count++].parameter = parameter;
    set_signal(c, o);
}

void krnl_notify(struct krnl_call *c, uint32_t id, uint32_t parameter)
{
    for (struct krnl_object *o = c->k->objects; o; o = o->next)
        if (o->type == KRNL_NOTIFY)
            enqueue(c, o, id, parameter);
}

static void destroy(struct kernel *k, struct krnl_object *object)
{
    (void)k;
    free(object->data);
}

// The first listener for the system's area hears what happened while the title started.
static bool is_first(const struct krnl_call *c, const struct krnl_object *self)
{
    for (const struct krnl_object *o = c->k->objects; o; o = o->next)
        if (o != self && o->type == KRNL_NOTIFY && ((const struct krnl_listener *)o->data)->mask & NOTIFY_SYSTEM)
            return false;
    return true;
}

static uint32_t create(struct krnl_call *c, uint64_t mask, uint32_t max_version)
{
    struct krnl_listener *l = calloc(1, sizeof *l);
    struct krnl_object *o = l ? krnl_object_new(c->k, KRNL_NOTIFY, 0, DISPATCH_NOTIFICATION_EVENT) : NULL;
    if (!o) {
        if (!l)
            krnl_host_failed(c->k, "out of memory");
        free(l);
        return 0;
    }
    l->mask = mask;
    l->max_version = max_version > NEWEST_VERSION ? NEWEST_VERSION : max_version;
    o->data = l;
    o->destroy = destroy;
    o->hash = hash;
    uint32_t handle = krnl_handle_open(c->k, o, false, c->thread);
    if (handle && mask & NOTIFY_SYSTEM && is_first(c, o)) {
        enqueue(c, o, KRNL_NOTIFY_SYSTEM_UI, 1);
        enqueue(c, o, KRNL_NOTIFY_SYSTEM_UI, 0);
        enqueue(c, o, KRNL_NOTIFY_SIGNIN_CHANGED, 1);
        enqueue(c, o, KRNL_NOTIFY_SIGNIN_CHANGED, 1);
    }
    krnl_object_release(c->k, o); // the handle holds it now
    return handle;
}

uint32_t XamNotifyCreateListener(struct krnl_call *c, uint64_t mask, uint32_t max_version)
{
    return create(c, mask, max_version);
}

uint32_t XamNotifyCreateListenerInternal(struct krnl_call *c, uint64_t mask, uint32_t is_system, uint32_t max_version)
{
    (void)is_system;
    return create(c, mask, max_version);
}

uint32_t XNotifyGetNext(struct krnl_call *c, uint32_t handle, uint32_t match, uint32_t id_ptr, uint32_t parameter_ptr)
{
    if (parameter_ptr)
        mem_set32(c->mem, parameter_ptr, 0);
    if (!id_ptr || !mem_set32(c->mem, id_ptr, 0))
        return 0;
    struct krnl_object *o = krnl_handle_typed(c->k, handle, KRNL_NOTIFY, c->thread);
    if (!o)
        return 0;
    struct krnl_listener *l = o->data;
    unsigned i = 0;
    while (match && i < l->count && l->queue[i].id != match)
        i++;
    if (i >= l->count)
        return 0;
    mem_set32(c->mem, id_ptr, l->queue[i].id);
    if (parameter_ptr)
        mem_set32(c->mem, parameter_ptr, l->queue[i].parameter);
    l->count--;
    memmove(&l->queue[i], &l->queue[i + 1], (l->count - i) * sizeof *l->queue);
    set_signal(c, o);
    return 1;
}

// Where messages of the system would appear: nothing draws them.
void XNotifyPositionUI(struct krnl_call *c, uint32_t position)
{
    (void)c, (void)position;
}

uint32_t XNotifyDelayUI(struct krnl_call *c, uint32_t milliseconds)
{
    (void)c, (void)milliseconds;
    return 0;
}
