// Mutants: with a body in guest memory (KMUTANT: the state is there, and the owner's KTHREAD links what it owns), or without
// one (a handle's, until somebody asks for its body). The signal state is 1 when free, 0 when owned, below when owned again.
#include "kernel/state.h"

enum { LIST_MAX = 65536 };

struct krnl_thread *krnl_mutant_owner(const struct kernel *k, const struct krnl_target *mutant)
{
    uint32_t kthread = 0;
    if (!mutant->header)
        return mutant->object->owner;
    mem_get32(k->mem, mutant->header + KMUTANT_OWNER, &kthread);
    return kthread ? krnl_thread_by_kthread(k, kthread) : NULL;
}

static void link_to(struct kernel *k, gva mutant, gva kthread)
{
    gva head = kthread + KTHREAD_MUTANTS, entry = mutant + KMUTANT_LIST;
    uint32_t last = head;
    mem_get32(k->mem, head + 4, &last);
    mem_set32(k->mem, entry, head);
    mem_set32(k->mem, entry + 4, last);
    mem_set32(k->mem, last, entry);
    mem_set32(k->mem, head + 4, entry);
}

static void unlink_entry(struct kernel *k, gva mutant)
{
    uint32_t next = 0, previous = 0;
    mem_get32(k->mem, mutant + KMUTANT_LIST, &next);
    mem_get32(k->mem, mutant + KMUTANT_LIST + 4, &previous);
    if (!next || !previous)
        return;
    mem_set32(k->mem, previous, next);
    mem_set32(k->mem, next + 4, previous);
    mem_set32(k->mem, mutant + KMUTANT_LIST, 0);
    mem_set32(k->mem, mutant + KMUTANT_LIST + 4, 0);
}

// NULL: nobody owns it from now on.
void krnl_mutant_own(struct kernel *k, const struct krnl_target *mutant, struct krnl_thread *t)
{
    if (!mutant->header) {
        mutant->object->owner = t;
        return;
    }
    mem_set32(k->mem, mutant->header + KMUTANT_OWNER, t ? t->kthread : 0);
    if (t)
        link_to(k, mutant->header, t->kthread);
    else
        unlink_entry(k, mutant->header);
}

static bool take_abandoned(struct kernel *k, const struct krnl_target *mutant)
{
    uint8_t abandoned = 0;
    if (!mutant->header) {
        abandoned = mutant->object->abandoned;
        mutant->object->abandoned = false;
    } else if (mem_get8(k->mem, mutant->header + KMUTANT_ABANDONED, &abandoned) && abandoned)
        mem_set8(k->mem, mutant->header + KMUTANT_ABANDONED, 0);
    return abandoned;
}

bool krnl_mutant_take(struct kernel *k, const struct krnl_target *mutant, struct krnl_thread *t)
{
    int32_t state = krnl_signal_state(k, mutant);
    krnl_set_signal_state(k, mutant, state - 1);
    if (state != 1)
        return false;
    krnl_mutant_own(k, mutant, t);
    return take_abandoned(k, mutant);
}

nt_status krnl_mutant_release(struct kernel *k, const struct krnl_target *mutant, struct krnl_thread *t, int32_t *previous)
{
    *previous = krnl_signal_state(k, mutant);
    if (*previous > 0 || krnl_mutant_owner(k, mutant) != t)
        return (nt_status)STATUS_MUTANT_NOT_OWNED;
    krnl_set_signal_state(k, mutant, *previous + 1);
    if (*previous == 0) {
        krnl_mutant_own(k, mutant, NULL);
        krnl_signalled(k, mutant, t);
    }
    return STATUS_SUCCESS;
}

void krnl_mutant_abandon(struct kernel *k, const struct krnl_target *mutant, struct krnl_thread *t)
{
    krnl_mutant_own(k, mutant, NULL);
    if (mutant->header)
        mem_set8(k->mem, mutant->header + KMUTANT_ABANDONED, 1);
    else
        mutant->object->abandoned = true;
    krnl_set_signal_state(k, mutant, 1);
    krnl_signalled(k, mutant, t);
}

// The list is in the title's reach: whatever is not a mutant of this thread ends it.
static bool first_of(const struct kernel *k, const struct krnl_thread *t, struct krnl_target *mutant)
{
    uint32_t entry = 0, owner = 0;
    uint8_t type = 0;
    gva head = t->kthread + KTHREAD_MUTANTS;
    if (!mem_get32(k->mem, head, &entry) || entry == head || entry < KMUTANT_LIST)
        return false;
    *mutant = krnl_target_at(k, entry - KMUTANT_LIST);
    return mem_get8(k->mem, mutant->header + DH_TYPE, &type) && type == DISPATCH_MUTANT &&
           mem_get32(k->mem, mutant->header + KMUTANT_OWNER, &owner) && owner == t->kthread;
}

static struct krnl_object *owned_object(const struct kernel *k, const struct krnl_thread *t)
{
    for (struct krnl_object *o = k->objects; o; o = o->next)
        if (o->type == KRNL_MUTANT && !o->body && o->owner == t)
            return o;
    return NULL;
}

void krnl_mutants_leave(struct kernel *k, struct krnl_thread *t)
{
    struct krnl_target mutant;
    struct krnl_object *o;
    for (unsigned n = 0; n < LIST_MAX && first_of(k, t, &mutant); n++)
        krnl_mutant_abandon(k, &mutant, t);
    while ((o = owned_object(k, t))) {
        mutant = krnl_target_of(o);
        krnl_mutant_abandon(k, &mutant, t);
    }
}
