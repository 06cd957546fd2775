// Guest code on top of threads: DPCs, APCs and their order, IRQL, rundown. No guest code runs: a frame is looked at, and ended as
// the engine would end it.
#include "kernel_fixture.h"

enum { DPC = 0x100, DPC_2 = 0x140, APC = 0x200, APC_2 = 0x240, APC_3 = 0x280, EVENT = 0x300, TIME = 0x340 };
enum { ROUTINE = 0x1000, KERNEL_ROUTINE = 0x2000, RUNDOWN = 0x3000, CONTEXT = 0x77 };

static struct krnl_thread *thread(struct fixture *x)
{
    struct krnl_thread_params p = {.stack_bytes = 0x10000, .start_address = 0x5000, .guest = true};
    struct krnl_thread *t = krnl_thread_new(x->k, &p, NULL);
    assert_non_null(t);
    return t;
}

// Calls are made by `t` from now on, as if it ran.
static struct krnl_thread *run(struct fixture *x, struct krnl_thread *t)
{
    x->c.thread = x->k->running = t;
    x->c.cpu = &t->cpu;
    t->cpu.block_pc = t->cpu.pc; // at a safepoint
    x->c.pending = false;
    return t;
}

static uint32_t top(const struct krnl_thread *t)
{
    return t->frames ? t->cpu.pc : 0;
}

static uint32_t dpc_active(const struct fixture *x, const struct krnl_thread *t)
{
    return word_at(x, t->pcr + KPCR_DPC_ACTIVE);
}

static void dpc_at_passive(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x));
    uint64_t stack = t->cpu.gpr[1];
    KeInitializeDpc(&x->c, x->data + DPC, ROUTINE, CONTEXT);
    assert_int_equal(KeInsertQueueDpc(&x->c, x->data + DPC, 5, 6), 1);
    assert_int_equal(KeInsertQueueDpc(&x->c, x->data + DPC, 7, 8), 0); // it is in the queue
    assert_null(t->frames);                                            // not in the middle of the call
    krnl_deliver(x->k, t);
    assert_int_equal(top(t), ROUTINE);
    assert_int_equal(t->cpu.gpr[3], x->data + DPC);
    assert_int_equal(t->cpu.gpr[4], CONTEXT);
    assert_int_equal(t->cpu.gpr[5], 5);
    assert_int_equal(t->cpu.gpr[6], 6);
    assert_true(t->cpu.gpr[1] < stack);
    assert_int_equal(krnl_irql(x->k, t), 2);
    assert_int_equal(dpc_active(x, t), 1);
    assert_int_equal(KeGetCurrentProcessType(&x->c), 1);
    assert_int_equal(KeInsertQueueDpc(&x->c, x->data + DPC, 9, 9), 1); // it may queue itself again
    krnl_deliver(x->k, t);
    assert_null(t->frames->outer); // not on top of itself
    krnl_returned(x->k, t);
    assert_int_equal(top(t), ROUTINE); // but behind
    krnl_returned(x->k, t);
    assert_null(t->frames);
    assert_int_equal(t->cpu.gpr[1], stack);
    assert_int_equal(krnl_irql(x->k, t), 0);
    assert_int_equal(dpc_active(x, t), 0);
}

static void dpc_waits_for_irql(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x));
    KeInitializeDpc(&x->c, x->data + DPC, ROUTINE, 0);
    KeInitializeDpc(&x->c, x->data + DPC_2, ROUTINE + 4, 0);
    assert_int_equal(KeRaiseIrqlToDpcLevel(&x->c), 0);
    KeInsertQueueDpc(&x->c, x->data + DPC, 0, 0);
    KeInsertQueueDpc(&x->c, x->data + DPC_2, 0, 0);
    krnl_deliver(x->k, t);
    assert_null(t->frames);
    assert_int_equal(KeRemoveQueueDpc(&x->c, x->data + DPC), 1);
    assert_int_equal(KeRemoveQueueDpc(&x->c, x->data + DPC), 0);
    KfLowerIrql(&x->c, 0);
    krnl_deliver(x->k, t);
    assert_int_equal(top(t), ROUTINE + 4);
    krnl_returned(x->k, t);
    assert_null(t->frames);
}

static void timer_dpc(void **state)
{
    struct fixture *x = *state;
    run(x, thread(x));
    KeInitializeTimerEx(&x->c, x->data + EVENT, 0, 1);
    KeInitializeDpc(&x->c, x->data + DPC, ROUTINE, CONTEXT);
    assert_int_equal(KeSetTimerEx(&x->c, x->data + EVENT, (uint64_t)-10000, 2, x->data + DPC), 0);
    x->k->running = NULL;
    krnl_wait_expire(x->k, KRNL_CYCLES_PER_MS - 1);
    assert_int_equal(word_at(x, x->data + EVENT + DH_STATE), 0);
    krnl_wait_expire(x->k, KRNL_CYCLES_PER_MS);
    assert_int_equal(word_at(x, x->data + EVENT + DH_STATE), 1);
    struct krnl_thread *t = x->k->thread_vblank; // no title, so no dispatch thread
    assert_int_equal(t->state, THREAD_READY);
    assert_int_equal(top(t), ROUTINE);
    assert_int_equal(t->cpu.gpr[4], CONTEXT);
    assert_int_equal((uint32_t)t->cpu.gpr[5], (uint32_t)krnl_system_time(x->k, KRNL_CYCLES_PER_MS));
    krnl_returned(x->k, t);
    assert_int_equal(t->state, THREAD_IDLE);
    krnl_wait_expire(x->k, 3 * KRNL_CYCLES_PER_MS); // its period
    assert_int_equal(top(t), ROUTINE);
    assert_int_equal(KeCancelTimer(&x->c, x->data + EVENT), 1);
    assert_int_equal(KeCancelTimer(&x->c, x->data + EVENT), 0);
    assert_null(x->k->timers);
}

static uint32_t insert_apc(struct fixture *x, gva apc, const struct krnl_thread *t, uint32_t kernel, uint32_t rundown, uint32_t normal,
                           uint32_t mode)
{
    KeInitializeApc(&x->c, apc, t->kthread, kernel, rundown, normal, mode, CONTEXT);
    return KeInsertQueueApc(&x->c, apc, 1, 2, 0);
}

static void user_apcs_in_order(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x)), *other = thread(x);
    mem_set64(x->mem, x->data + TIME, (uint64_t)-10000000);
    KeDelayExecutionThread(&x->c, 1, 1, x->data + TIME);
    assert_int_equal(t->state, THREAD_WAITING);
    run(x, other);
    uint32_t handle = krnl_object_handle(x->k, t->object);
    assert_int_equal(NtQueueApcThread(&x->c, handle, ROUTINE, 1, 2, 3), (uint32_t)STATUS_SUCCESS); // ends the wait
    assert_int_equal(NtQueueApcThread(&x->c, handle, ROUTINE + 4, 0, 0, 0), (uint32_t)STATUS_SUCCESS);
    assert_int_equal(NtQueueApcThread(&x->c, handle, ROUTINE + 8, 0, 0, 0), (uint32_t)STATUS_SUCCESS);
    assert_int_equal(t->state, THREAD_READY);
    assert_int_equal(top(t), ROUTINE);
    assert_int_equal(t->cpu.gpr[3], 1);
    assert_int_equal(t->cpu.gpr[5], 3);
    assert_null(t->frames->outer);
    krnl_returned(x->k, t);
    assert_int_equal(top(t), ROUTINE + 4);
    krnl_returned(x->k, t);
    assert_int_equal(top(t), ROUTINE + 8);
    krnl_returned(x->k, t);
    assert_null(t->frames);
    assert_int_equal((uint32_t)t->cpu.gpr[3], (uint32_t)STATUS_USER_APC); // the wait's result, behind them all
}

static void user_apc_needs_user_wait(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x)), *other = thread(x);
    KeInitializeEvent(&x->c, x->data + EVENT, 0, 0);
    KeWaitForSingleObject(&x->c, x->data + EVENT, 3, 0, 1, 0); // alertable, in kernel mode
    run(x, other);
    assert_int_equal(insert_apc(x, x->data + APC, t, 0, 0, ROUTINE, 1), 1);
    assert_int_equal(insert_apc(x, x->data + APC, t, 0, 0, ROUTINE, 1), 1); // initialised again, so it looks free
    assert_int_equal(t->state, THREAD_WAITING);
    assert_int_equal(t->apc_count, 2);
    assert_int_equal(KeRemoveQueueApc(&x->c, x->data + APC), 1);
    assert_int_equal(KeAlertThread(&x->c, t->kthread, 1), 0); // of the other mode: kept
    assert_int_equal(t->state, THREAD_WAITING);
    assert_int_equal(KeAlertThread(&x->c, t->kthread, 1), 1);
    assert_int_equal(KeAlertThread(&x->c, t->kthread, 0), 0);
    assert_int_equal(t->state, THREAD_READY);
    assert_int_equal((uint32_t)t->cpu.gpr[3], (uint32_t)STATUS_ALERTED);
    run(x, t);
    assert_int_equal(KeTestAlertThread(&x->c, 1), 1);
    assert_int_equal(KeTestAlertThread(&x->c, 1), 0); // but lets the APC run
    krnl_deliver(x->k, t);
    assert_int_equal(top(t), ROUTINE);
}

static void kernel_apc_interrupts_a_wait(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x)), *other = thread(x);
    KeInitializeEvent(&x->c, x->data + EVENT, 1, 0);
    KeWaitForSingleObject(&x->c, x->data + EVENT, 3, 0, 0, 0);
    run(x, other);
    assert_int_equal(insert_apc(x, x->data + APC, t, KERNEL_ROUTINE, 0, ROUTINE, 0), 1);
    assert_int_equal(t->state, THREAD_READY);
    assert_int_equal(top(t), KERNEL_ROUTINE);
    assert_int_equal(krnl_irql(x->k, t), 1);
    assert_int_equal(t->cpu.gpr[3], x->data + APC);
    gva words = (uint32_t)t->cpu.gpr[4];
    assert_int_equal(t->cpu.gpr[7], words + 12);
    assert_int_equal(word_at(x, words), ROUTINE);
    assert_int_equal(word_at(x, words + 4), CONTEXT);
    assert_int_equal(word_at(x, words + 8), 1);
    mem_set32(x->mem, words + 4, 99); // it may change them
    krnl_returned(x->k, t);
    assert_int_equal(top(t), ROUTINE);
    assert_int_equal(t->cpu.gpr[3], 99);
    assert_int_equal(krnl_irql(x->k, t), 0);
    KeSetEvent(&x->c, x->data + EVENT, 0, 0);
    assert_int_equal(word_at(x, x->data + EVENT + DH_STATE), 1); // nobody waits in the middle of an APC
    krnl_returned(x->k, t);
    assert_int_equal(t->state, THREAD_READY); // what it waits for had come
    assert_int_equal((uint32_t)t->cpu.gpr[3], 0);
    assert_int_equal(word_at(x, x->data + EVENT + DH_STATE), 0);
}

static void kernel_apc_and_regions(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x));
    KeEnterCriticalRegion(&x->c);
    insert_apc(x, x->data + APC, t, 0, 0, ROUTINE, 0);
    krnl_deliver(x->k, t);
    assert_null(t->frames);
    insert_apc(x, x->data + APC_2, t, KERNEL_ROUTINE, 0, 0, 0); // a special one runs in a region too, and first
    krnl_deliver(x->k, t);
    assert_int_equal(top(t), KERNEL_ROUTINE);
    krnl_returned(x->k, t);
    assert_null(t->frames);
    KeLeaveCriticalRegion(&x->c);
    insert_apc(x, x->data + APC_3, t, 0, 0, ROUTINE + 4, 0);
    krnl_deliver(x->k, t);
    assert_int_equal(top(t), ROUTINE);
    krnl_deliver(x->k, t);
    assert_null(t->frames->outer); // one normal kernel APC does not interrupt another
    krnl_returned(x->k, t);
    assert_int_equal(top(t), ROUTINE + 4);
}

static void rundown_at_the_end(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x));
    insert_apc(x, x->data + APC, t, 0, RUNDOWN, ROUTINE, 1);
    insert_apc(x, x->data + APC_2, t, 0, 0, ROUTINE, 1);
    insert_apc(x, x->data + APC_3, t, 0, RUNDOWN + 4, ROUTINE, 1);
    krnl_object_retain(t->object);
    ExTerminateThread(&x->c, 42);
    assert_int_equal(t->state, THREAD_READY);
    assert_int_equal(top(t), RUNDOWN);
    assert_int_equal(t->cpu.gpr[3], x->data + APC);
    assert_int_equal(insert_apc(x, x->data + APC_2, t, 0, 0, ROUTINE, 1), 0); // too late
    krnl_returned(x->k, t);
    assert_int_equal(t->cpu.pc, (uint32_t)KRNL_RETURN_MAGIC);
    krnl_returned(x->k, t);
    assert_int_equal(top(t), RUNDOWN + 4);
    krnl_returned(x->k, t);
    krnl_returned(x->k, t);
    assert_int_equal(t->state, THREAD_ENDED);
    assert_int_equal(t->exit_code, 42);
    assert_int_equal(word_at(x, t->kthread + DH_STATE), 1);
    krnl_object_release(x->k, t->object);
}

static void interrupt_during_dpc(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = x->k->thread_vblank;
    VdSetGraphicsInterruptCallback(&x->c, 0x7000, 1);
    KeInitializeDpc(&x->c, x->data + DPC, ROUTINE, 0);
    x->k->running = NULL;
    assert_true(krnl_queue_dpc(x->k, x->data + DPC, 0, 0, t));
    assert_int_equal(top(t), ROUTINE);
    x->k->next_vblank = 0;
    t->interrupt_pending = 1; // what a vblank leaves while the thread is busy
    krnl_returned(x->k, t);
    assert_int_equal(top(t), 0x7000); // then the callback's turn comes
    assert_int_equal(krnl_irql(x->k, t), 2);
    krnl_returned(x->k, t);
    assert_int_equal(t->state, THREAD_IDLE);
    assert_int_equal(krnl_irql(x->k, t), 0);
    assert_int_equal(dpc_active(x, t), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(dpc_at_passive),
        TEST(dpc_waits_for_irql),
        TEST(timer_dpc),
        TEST(user_apcs_in_order),
        TEST(user_apc_needs_user_wait),
        TEST(kernel_apc_interrupts_a_wait),
        TEST(kernel_apc_and_regions),
        TEST(rundown_at_the_end),
        TEST(interrupt_during_dpc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
