// KTIMER and KMUTANT: timers and mutants in the title's own memory, which the kernel neither owns nor frees.
#include "kernel/api.h"
#include "kernel/state.h"

static void init_header(struct krnl_call *c, gva object, uint8_t type, uint8_t process_type, int32_t state)
{
    mem_set32(c->mem, object, (uint32_t)type << 24 | (uint32_t)process_type << 8);
    mem_set32(c->mem, object + DH_STATE, (uint32_t)state);
    mem_set32(c->mem, object + DH_WAIT_FLINK, object + DH_WAIT_FLINK);
    mem_set32(c->mem, object + DH_WAIT_BLINK, object + DH_WAIT_FLINK);
}

static void complain(const struct krnl_call *c, gva address, const char *what)
{
    log_write(c->k->log, LOG_GUEST, "ke", "%s of 0x%08x, %s", c->row->name, address, what);
}

// ---- Timers

void KeInitializeTimerEx(struct krnl_call *c, uint32_t timer, uint32_t type, uint32_t process_type)
{
    struct krnl_target target = krnl_target_at(c->k, timer);
    if (!mem_valid(c->mem, timer, KTIMER_SIZE, MEM_WRITE)) {
        complain(c, timer, "which is not writable");
        return;
    }
    krnl_timer_cancel(c->k, &target);
    mem_fill(c->mem, timer, 0, KTIMER_SIZE);
    init_header(c, timer, type ? DISPATCH_SYNCHRONIZATION_TIMER : DISPATCH_NOTIFICATION_TIMER, (uint8_t)process_type, 0);
}

// Whether it was set already: then it begins anew.
static uint32_t set(struct krnl_call *c, gva timer, uint64_t due, int32_t period_ms, gva dpc)
{
    struct krnl_target target = krnl_target_at(c->k, timer);
    uint64_t now = krnl_thread_now(c->k, c->thread), at = krnl_due_cycles(c->k, now, (int64_t)due);
    if (!mem_valid(c->mem, timer, KTIMER_SIZE, MEM_WRITE)) {
        complain(c, timer, "which is not writable");
        return 0;
    }
    mem_set8(c->mem, timer + DH_ABSOLUTE, (int64_t)due > 0);
    mem_set64(c->mem, timer + KTIMER_DUE, at / KRNL_CYCLES_PER_100NS);
    mem_set32(c->mem, timer + KTIMER_DPC, dpc);
    mem_set32(c->mem, timer + KTIMER_PERIOD, (uint32_t)period_ms);
    krnl_set_signal_state(c->k, &target, 0);
    return krnl_timer_set(c->k, &target, at, period_ms > 0 ? (uint64_t)period_ms * KRNL_CYCLES_PER_MS : 0, dpc);
}

uint32_t KeSetTimer(struct krnl_call *c, uint32_t timer, uint64_t due, uint32_t dpc)
{
    return set(c, timer, due, 0, dpc);
}

uint32_t KeSetTimerEx(struct krnl_call *c, uint32_t timer, uint64_t due, uint32_t period_ms, uint32_t dpc)
{
    return set(c, timer, due, (int32_t)period_ms, dpc);
}

uint32_t KeCancelTimer(struct krnl_call *c, uint32_t timer)
{
    struct krnl_target target = krnl_target_at(c->k, timer);
    return krnl_timer_cancel(c->k, &target);
}

// ---- Mutants

void KeInitializeMutant(struct krnl_call *c, uint32_t mutant, uint32_t initial_owner)
{
    if (!mem_valid(c->mem, mutant, KMUTANT_SIZE, MEM_WRITE)) {
        complain(c, mutant, "which is not writable");
        return;
    }
    bool owned = initial_owner & 0xFF;
    mem_fill(c->mem, mutant, 0, KMUTANT_SIZE);
    init_header(c, mutant, DISPATCH_MUTANT, KMUTANT_SIZE / 4, !owned);
    struct krnl_target target = krnl_target_at(c->k, mutant);
    if (owned)
        krnl_mutant_own(c->k, &target, c->thread);
}

// Returns the state before: 1 minus the times it was taken.
uint32_t KeReleaseMutant(struct krnl_call *c, uint32_t mutant, uint32_t increment, uint32_t abandoned, uint32_t wait)
{
    (void)increment, (void)wait;
    struct krnl_target target = krnl_target_at(c->k, mutant);
    int32_t previous = krnl_signal_state(c->k, &target);
    if (krnl_target_type(c->k, &target) != DISPATCH_MUTANT) {
        complain(c, mutant, "which is no mutant");
        return (uint32_t)previous;
    }
    krnl_event(c, TRACE_MUTANT_RELEASE, 2, (uint64_t[]){krnl_target_name(c->k, &target), (uint32_t)previous});
    if (abandoned & 0xFF)
        krnl_mutant_abandon(c->k, &target, c->thread);
    else if (krnl_mutant_release(c->k, &target, c->thread, &previous))
        complain(c, mutant, "which the caller does not own");
    return (uint32_t)previous;
}
