// The state hash: everything of the kernel that decides its future, as numbers that do not depend on the host. What lies in guest
// memory (dispatcher headers, KPCRs, the owners of mutants) is hashed with that memory.
#include <string.h>

#include "kernel/module.h"

struct hasher {
    void (*piece)(void *user, const void *data, size_t size);
    void *user;
};

static void words(const struct hasher *h, const uint64_t *data, size_t count)
{
    h->piece(h->user, data, count * sizeof *data);
}

#define WORDS(h, ...) words(h, (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static uint64_t id_of(const struct krnl_object *o)
{
    return o ? o->id : 0;
}

static uint64_t tid_of(const struct krnl_thread *t)
{
    return t ? t->tid : 0;
}

static uint64_t row_of(const struct exp_row *row)
{
    return row ? exp_index(row) + 1 : 0;
}

static void hash_registers(const struct hasher *h, const struct ppc_state *cpu)
{
    struct ppc_state s = *cpu;
    ppc_fpscr(&s); // what is derived lazily, made exact
    s.slice_end = 0;
    s.exit = 0;
    s.target = s.fault_address = s.fault_write = 0;
    h->piece(h->user, &s, sizeof s);
}

static void hash_wait(const struct hasher *h, const struct krnl_wait *w)
{
    WORDS(h, w->count, w->all, w->timed, w->alert, w->done, w->data[0], w->data[1], w->data[2], w->deadline, w->sequence);
    for (unsigned i = 0; i < w->count; i++)
        WORDS(h, id_of(w->targets[i].object), w->targets[i].header);
}

static void hash_call(const struct hasher *h, const struct krnl_pending_call *call)
{
    WORDS(h, row_of(call->row));
    if (call->row)
        words(h, call->arguments, call->row->arg_count);
}

static void hash_frames(const struct hasher *h, const struct krnl_frame *frame)
{
    for (const struct krnl_frame *f = frame; f; f = f->outer) {
        WORDS(h, f->kind, f->source, f->cpu, f->callback, f->scratch, f->user, f->old_irql, f->old_cpu, f->old_process_type,
              f->old_dpc_active, f->old_hw, f->retrying, f->waiting);
        hash_registers(h, &f->saved);
        if (!f->waiting)
            continue;
        hash_wait(h, &f->wait);
        hash_call(h, &f->call);
    }
}

static void hash_apcs(const struct hasher *h, const struct krnl_thread *t)
{
    WORDS(h, t->apc_count, t->user_apc_pending, t->alerted[0], t->alerted[1]);
    for (unsigned mode = 0; mode < 2; mode++)
        for (const struct krnl_apc *a = t->apcs[mode]; a; a = a->next)
            WORDS(h, a->user, a->kernel_routine, a->rundown_routine, a->normal_routine, a->context, a->arg1, a->arg2, a->kapc,
                  a->source);
}

static void hash_thread(const struct hasher *h, const struct krnl_thread *t)
{
    WORDS(h, t->tid, t->state, t->exit_code, id_of(t->object));
    if (t->state == THREAD_ENDED)
        return;
    WORDS(h, t->kthread, t->pcr, t->process, t->tls_static, t->tls_dynamic, t->tls_bytes, t->stack_alloc, t->stack_base,
          t->stack_limit, t->startup, t->start_address, t->context, t->creation_flags);
    WORDS(h, (uint64_t)t->priority, t->suspend_count, t->affinity, t->hw, t->guest, t->main, t->started, t->retrying,
          t->ready_since, t->quantum_used, t->interrupt_pending, t->ending);
    hash_registers(h, &t->cpu);
    hash_apcs(h, t);
    hash_frames(h, t->frames);
    if (t->state != THREAD_WAITING)
        return;
    hash_wait(h, &t->wait);
    hash_call(h, &t->call);
}

static void hash_object(const struct hasher *h, const struct krnl_object *o)
{
    WORDS(h, o->id, o->type, o->references, o->handles, o->body, o->body ? 0 : (uint64_t)o->signal, o->dispatcher, tid_of(o->owner),
          o->abandoned, o->apc_routine, o->apc_context, o->apc_user, tid_of(o->apc_thread));
    h->piece(h->user, o->name, strnlen(o->name, sizeof o->name));
    if (o->hash)
        o->hash(o, h->piece, h->user);
}

static void hash_handles(const struct hasher *h, struct krnl_object *const *slots, uint32_t capacity)
{
    for (uint32_t i = 0; i < capacity; i++)
        if (slots[i])
            WORDS(h, i, slots[i]->id);
    WORDS(h, UINT64_MAX);
}

static void hash_queues(const struct hasher *h, const struct kernel *k)
{
    for (const struct krnl_timer *t = k->timers; t; t = t->next)
        WORDS(h, id_of(t->target.object), t->target.header, t->due, t->period, t->sequence, t->dpc);
    WORDS(h, k->dpc_count);
    for (unsigned i = 0; i < k->dpc_count; i++)
        WORDS(h, k->dpcs[i].dpc, tid_of(k->dpcs[i].on));
}

void krnl_hash_state(const struct kernel *k, void (*piece)(void *user, const void *data, size_t size), void *user)
{
    const struct hasher h = {piece, user};
    WORDS(&h, k->now, k->frames, k->instructions, k->object_count, k->sequence, k->next_tid, k->next_cpu, k->polls, k->progress);
    WORDS(&h, k->next_vblank, k->vblanks, k->next_stamp, k->video_kick, k->video_parked, k->video_interrupt, k->video_retry);
    WORDS(&h, k->interrupt_callback, k->interrupt_context, k->gpu_identifier_address, k->thunk_page, k->thunk_used,
          k->tls_slots, k->tls_data_bytes, k->tls_raw, k->tls_raw_bytes);
    piece(user, k->tls_bitmap, sizeof k->tls_bitmap);
    for (unsigned i = 0; i < KRNL_HW_THREADS; i++)
        WORDS(&h, k->hw[i].now, tid_of(k->hw[i].current));
    for (const struct krnl_thread *t = k->threads; t; t = t->next)
        hash_thread(&h, t);
    for (const struct krnl_object *o = k->objects; o; o = o->next)
        hash_object(&h, o);
    hash_handles(&h, k->handles, k->handle_capacity);
    hash_handles(&h, k->host_handles, k->host_handle_capacity);
    hash_queues(&h, k);
    krnl_modules_hash(k, piece, user);
    for (uint32_t i = 0; i < k->thunk_count; i++)
        WORDS(&h, k->thunks[i].address, k->thunks[i].export_index);
}
