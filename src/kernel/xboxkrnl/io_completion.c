// Completion ports: queues of packets (key, context, status, bytes). Ended requests of files and the title itself put packets in;
// who waits takes the oldest.
#include <stdlib.h>

#include "kernel/api.h"
#include "kernel/state.h"
#include "kernel/xboxkrnl/sync.h"

enum { PACKET_MAX = 65536 };

struct packet {
    struct packet *next;
    uint32_t words[4]; // key, context, status, bytes
};

struct port {
    struct packet *first, **last;
    uint32_t count;
};

static void destroy(struct kernel *k, struct krnl_object *object)
{
    (void)k;
    struct port *port = object->data;
    while (port->first) {
        struct packet *p = port->first;
        port->first = p->next;
        free(p);
    }
    free(port);
}

static void hash(const struct krnl_object *object, void (*piece)(void *, const void *, size_t), void *user)
{
    const struct port *port = object->data;
    for (const struct packet *p = port->first; p; p = p->next)
        piece(user, p->words, sizeof p->words);
}

static struct krnl_object *port_of(struct krnl_call *c, uint32_t handle)
{
    return krnl_handle_typed(c->k, handle, KRNL_IO_COMPLETION, c->thread);
}

uint32_t NtCreateIoCompletion(struct krnl_call *c, uint32_t handle_ptr, uint32_t access, uint32_t attributes, uint32_t threads)
{
    (void)access, (void)threads;
    struct krnl_object *o;
    uint32_t handle;
    nt_status status =
        krnl_open_or_new(c, handle_ptr, attributes, KRNL_IO_COMPLETION, 0, DISPATCH_QUEUE, &o, &handle);
    if (!o)
        return status;
    struct port *port = calloc(1, sizeof *port);
    if (!port) {
        krnl_handle_close(c->k, handle, c->thread);
        return (nt_status)STATUS_NO_MEMORY;
    }
    port->last = &port->first;
    o->data = port;
    o->destroy = destroy;
    o->hash = hash;
    return status;
}

nt_status krnl_io_completion_post(struct krnl_call *c, struct krnl_object *object, const uint32_t words[4])
{
    struct port *port = object->data;
    struct packet *p = port->count < PACKET_MAX ? calloc(1, sizeof *p) : NULL;
    if (!p)
        return (nt_status)STATUS_INSUFFICIENT_RESOURCES;
    for (unsigned i = 0; i < 4; i++)
        p->words[i] = words[i];
    *port->last = p;
    port->last = &p->next;
    port->count++;
    struct krnl_target target = krnl_target_of(object);
    krnl_set_signal_state(c->k, &target, krnl_signal_state(c->k, &target) + 1);
    krnl_signalled(c->k, &target, c->thread);
    return STATUS_SUCCESS;
}

uint32_t NtSetIoCompletion(struct krnl_call *c, uint32_t handle, uint32_t key, uint32_t context, uint32_t status, uint32_t bytes)
{
    struct krnl_object *o = port_of(c, handle);
    return o ? krnl_io_completion_post(c, o, (uint32_t[]){key, context, status, bytes}) : (nt_status)STATUS_INVALID_HANDLE;
}

// The end of the wait: its thread gets the oldest packet.
nt_status krnl_io_completion_removed(struct kernel *k, struct krnl_thread *t)
{
    struct port *port = t->wait.targets[0].object->data;
    struct packet *p = port->first;
    const uint32_t *to = t->wait.data;
    if (!p)
        return (nt_status)STATUS_UNSUCCESSFUL; // never: the signal is the number of packets
    krnl_set_signal_state(k, &t->wait.targets[0], (int32_t)port->count - 1);
    port->first = p->next;
    if (!port->first)
        port->last = &port->first;
    port->count--;
    mem_set32(k->mem, to[0], p->words[0]);
    mem_set32(k->mem, to[1], p->words[1]);
    if (to[2]) {
        mem_set32(k->mem, to[2], p->words[2]);
        mem_set32(k->mem, to[2] + 4, p->words[3]);
    }
    free(p);
    return STATUS_SUCCESS;
}

uint32_t NtRemoveIoCompletion(struct krnl_call *c, uint32_t handle, uint32_t key_ptr, uint32_t context_ptr, uint32_t io_status,
                              uint32_t timeout_ptr)
{
    struct krnl_object *o = port_of(c, handle);
    struct krnl_timeout timeout;
    if (!o)
        return (nt_status)STATUS_INVALID_HANDLE;
    if (!mem_valid(c->mem, key_ptr, 4, MEM_WRITE) || !mem_valid(c->mem, context_ptr, 4, MEM_WRITE) ||
        (io_status && !mem_valid(c->mem, io_status, 8, MEM_WRITE)) || !krnl_timeout_at(c, timeout_ptr, &timeout))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    struct krnl_target target = krnl_target_of(o);
    return krnl_wait_then(c, &target, KRNL_NOT_ALERTABLE, &timeout, KRNL_DONE_IO_COMPLETION,
                          (uint32_t[]){key_ptr, context_ptr, io_status});
}

uint32_t NtQueryIoCompletion(struct krnl_call *c, uint32_t handle, uint32_t information)
{
    struct krnl_object *o = port_of(c, handle);
    if (!o)
        return (nt_status)STATUS_INVALID_HANDLE;
    return mem_set32(c->mem, information, ((const struct port *)o->data)->count) ? STATUS_SUCCESS
                                                                                  : (nt_status)STATUS_ACCESS_VIOLATION;
}
