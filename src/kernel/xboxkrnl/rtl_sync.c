// Critical sections: enter, leave, wait. RTL_CRITICAL_SECTION lies in the title's memory.
#include "kernel/api.h"
#include "kernel/state.h"

static void init(struct krnl_call *c, gva cs, uint32_t spins)
{
    uint32_t units = (spins + 255) / 256;
    mem_fill(c->mem, cs, 0, 0x1C);
    mem_set8(c->mem, cs + CS_TYPE, DISPATCH_SYNCHRONIZATION_EVENT);
    mem_set8(c->mem, cs + CS_SPIN_COUNT, units > 255 ? 255 : (uint8_t)units);
    mem_set32(c->mem, cs + DH_WAIT_FLINK, cs + DH_WAIT_FLINK);
    mem_set32(c->mem, cs + DH_WAIT_BLINK, cs + DH_WAIT_FLINK);
    mem_set32(c->mem, cs + CS_LOCK_COUNT, 0xFFFFFFFF);
}

void RtlInitializeCriticalSection(struct krnl_call *c, uint32_t cs)
{
    init(c, cs, 0);
}

uint32_t RtlInitializeCriticalSectionAndSpinCount(struct krnl_call *c, uint32_t cs, uint32_t spin_count)
{
    init(c, cs, spin_count);
    return STATUS_SUCCESS;
}

static int32_t field(const struct krnl_call *c, gva at)
{
    uint32_t value = 0;
    mem_get32(c->mem, at, &value);
    return (int32_t)value;
}

static void own(struct kernel *k, gva cs, const struct krnl_thread *t)
{
    mem_set32(k->mem, cs + CS_OWNER, t->kthread);
    mem_set32(k->mem, cs + CS_RECURSION, 1);
}

// The end of a wait for a section: its thread becomes the owner before anybody runs, so nobody can overtake it.
void krnl_critical_section_entered(struct kernel *k, struct krnl_thread *t)
{
    own(k, t->wait.targets[0].header, t);
}

// Takes it without waiting, where possible. The lock count is -1 when free, else owners and waiters less one.
static bool try_enter(struct krnl_call *c, gva cs)
{
    int32_t locks = field(c, cs + CS_LOCK_COUNT);
    if (locks >= 0 && (uint32_t)field(c, cs + CS_OWNER) == c->thread->kthread) {
        mem_set32(c->mem, cs + CS_LOCK_COUNT, (uint32_t)locks + 1);
        mem_set32(c->mem, cs + CS_RECURSION, (uint32_t)field(c, cs + CS_RECURSION) + 1);
        return true;
    }
    if (locks >= 0)
        return false;
    mem_set32(c->mem, cs + CS_LOCK_COUNT, 0);
    own(c->k, cs, c->thread);
    return true;
}

void RtlEnterCriticalSection(struct krnl_call *c, uint32_t cs)
{
    if (!mem_valid(c->mem, cs, CS_OWNER + 4, MEM_READ_WRITE)) {
        c->pending = true;
        krnl_stop(c->k, KRNL_STOP_CRASH, c->thread, "RtlEnterCriticalSection of 0x%08x, which is not memory, from 0x%08x", cs, (uint32_t)c->cpu->lr);
        return;
    }
    if (try_enter(c, cs))
        return;
    // The section is its own auto-reset event; leaving hands it to the thread that has waited longest.
    mem_set32(c->mem, cs + CS_LOCK_COUNT, (uint32_t)field(c, cs + CS_LOCK_COUNT) + 1);
    struct krnl_target target = {NULL, cs};
    krnl_wait_then(c, &target, KRNL_NOT_ALERTABLE, &(struct krnl_timeout){.infinite = true}, KRNL_DONE_CRITICAL_SECTION, NULL);
}

uint32_t RtlTryEnterCriticalSection(struct krnl_call *c, uint32_t cs)
{
    return try_enter(c, cs);
}

// To who has waited longest. Where all who wait are suspended, the signal stays for the first that goes on.
static void hand_over(struct krnl_call *c, gva cs)
{
    struct krnl_target target = {NULL, cs};
    krnl_set_signal_state(c->k, &target, 1);
    krnl_signalled(c->k, &target, c->thread);
}

void RtlLeaveCriticalSection(struct krnl_call *c, uint32_t cs)
{
    int32_t recursion = (int32_t)((uint32_t)field(c, cs + CS_RECURSION) - 1), locks = (int32_t)((uint32_t)field(c, cs + CS_LOCK_COUNT) - 1);
    mem_set32(c->mem, cs + CS_RECURSION, (uint32_t)recursion);
    mem_set32(c->mem, cs + CS_LOCK_COUNT, (uint32_t)locks);
    if (recursion > 0)
        return;
    mem_set32(c->mem, cs + CS_OWNER, 0);
    if (locks >= 0)
        hand_over(c, cs);
}
