// Waits: statuses, mutants, timers, suspension, locks, completion ports, hand-over of handles' bodies.
#include "kernel_fixture.h"

enum { A = 0x100, B = 0x140, C = 0x180, LIST = 0x200, TIME = 0x240, OUT = 0x280, OUT_2 = 0x284, IO = 0x288, LOCK = 0x300 };
enum { USER = 1, ALL = 0, ANY = 1 };

static struct krnl_thread *thread(struct fixture *x)
{
    struct krnl_thread_params p = {.stack_bytes = 0x10000, .start_address = 0x5000, .guest = true};
    struct krnl_thread *t = krnl_thread_new(x->k, &p, NULL);
    assert_non_null(t);
    return t;
}

static struct krnl_thread *run(struct fixture *x, struct krnl_thread *t)
{
    x->c.thread = x->k->running = t;
    x->c.cpu = &t->cpu;
    t->cpu.block_pc = t->cpu.pc; // at a safepoint
    x->c.pending = false;
    return t;
}

static gva timeout(struct fixture *x, int64_t value)
{
    mem_set64(x->mem, x->data + TIME, (uint64_t)value);
    return x->data + TIME;
}

static uint32_t wait_one(struct fixture *x, gva object, gva time)
{
    return KeWaitForSingleObject(&x->c, object, 3, 0, 0, time);
}

static uint32_t wait_many(struct fixture *x, uint32_t type, unsigned count, const uint32_t *objects, gva time)
{
    for (unsigned i = 0; i < count; i++)
        mem_set32(x->mem, x->data + LIST + 4 * i, objects[i]);
    return KeWaitForMultipleObjects(&x->c, count, x->data + LIST, type, 3, 0, 0, time, x->data);
}

static uint32_t result(const struct krnl_thread *t)
{
    assert_int_equal(t->state, THREAD_READY);
    return (uint32_t)t->cpu.gpr[3];
}

static void any_and_all(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x)), *other = thread(x);
    const uint32_t objects[] = {x->data + A, x->data + B, x->data + C};
    KeInitializeEvent(&x->c, x->data + A, 1, 0);
    KeInitializeEvent(&x->c, x->data + B, 1, 0);
    KeInitializeSemaphore(&x->c, x->data + C, 1, 2);
    assert_int_equal(wait_many(x, ANY, 3, objects, 0), 2);
    assert_int_equal(wait_many(x, ANY, 3, objects, timeout(x, 0)), (uint32_t)STATUS_TIMEOUT);
    assert_int_equal(wait_many(x, 2, 3, objects, 0), (uint32_t)STATUS_INVALID_PARAMETER);
    wait_many(x, ALL, 3, objects, 0);
    run(x, other);
    KeSetEvent(&x->c, x->data + A, 0, 0);
    KeSetEvent(&x->c, x->data + B, 0, 0);
    assert_int_equal(t->state, THREAD_WAITING);
    assert_int_equal(word_at(x, x->data + A + DH_STATE), 1); // nothing is taken before all are there
    KeReleaseSemaphore(&x->c, x->data + C, 0, 1, 0);
    assert_int_equal(result(t), 0);
    assert_int_equal(word_at(x, x->data + A + DH_STATE), 0);
    assert_int_equal(word_at(x, x->data + C + DH_STATE), 0);
    const uint32_t twice[] = {x->data + C, x->data + C};
    KeReleaseSemaphore(&x->c, x->data + C, 0, 1, 0);
    assert_int_equal(wait_many(x, ALL, 2, twice, timeout(x, 0)), 0);
    assert_int_equal(word_at(x, x->data + C + DH_STATE), 0); // never below
}

static void timeouts(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x));
    KeInitializeEvent(&x->c, x->data + A, 0, 0);
    wait_one(x, x->data + A, timeout(x, -20000));
    x->k->running = NULL;
    assert_int_equal(krnl_next_deadline(x->k), 2 * KRNL_CYCLES_PER_MS);
    krnl_wait_expire(x->k, 2 * KRNL_CYCLES_PER_MS);
    assert_int_equal(result(t), (uint32_t)STATUS_TIMEOUT);
    run(x, t);
    wait_one(x, x->data + A, timeout(x, 127770912000000000 + 30000)); // system time
    x->k->running = NULL;
    assert_int_equal(krnl_next_deadline(x->k), 3 * KRNL_CYCLES_PER_MS);
    krnl_wait_expire(x->k, 3 * KRNL_CYCLES_PER_MS);
    assert_int_equal(result(t), (uint32_t)STATUS_TIMEOUT);
    run(x, t);
    KeDelayExecutionThread(&x->c, 0, 0, timeout(x, INT64_MIN)); // for ever
    x->k->running = NULL;
    assert_true(krnl_next_deadline(x->k) > UINT64_MAX / 4);
}

static void pulse_wakes_only_who_waits(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x)), *u = thread(x), *other = thread(x);
    KeInitializeEvent(&x->c, x->data + A, 0, 0);
    wait_one(x, x->data + A, 0);
    run(x, u);
    wait_one(x, x->data + A, 0);
    run(x, other);
    KePulseEvent(&x->c, x->data + A, 0, 0);
    assert_int_equal(result(t), 0);
    assert_int_equal(result(u), 0);
    assert_int_equal(wait_one(x, x->data + A, timeout(x, 0)), (uint32_t)STATUS_TIMEOUT);
}

static void suspended_waiter_takes_nothing(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x)), *other = thread(x);
    KeInitializeEvent(&x->c, x->data + A, 1, 0);
    wait_one(x, x->data + A, 0);
    run(x, other);
    assert_int_equal(KeSuspendThread(&x->c, t->kthread), 0);
    KeSetEvent(&x->c, x->data + A, 0, 0);
    assert_int_equal(t->state, THREAD_WAITING);
    assert_int_equal(word_at(x, x->data + A + DH_STATE), 1);
    assert_int_equal(KeAlertResumeThread(&x->c, t->kthread), 1);
    assert_int_equal(result(t), 0);
    assert_int_equal(word_at(x, x->data + A + DH_STATE), 0);
}

static void guest_mutant(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x)), *other = thread(x), *third = thread(x);
    gva m = x->data + A;
    KeInitializeMutant(&x->c, m, 1);
    assert_int_equal(word_at(x, m + KMUTANT_OWNER), t->kthread);
    assert_int_equal(wait_one(x, m, 0), 0); // again
    assert_int_equal((int32_t)word_at(x, m + DH_STATE), -1);
    run(x, other);
    assert_int_equal(KeReleaseMutant(&x->c, m, 0, 0, 0), (uint32_t)-1); // not its own: nothing happens
    assert_int_equal((int32_t)word_at(x, m + DH_STATE), -1);
    wait_one(x, m, 0);
    run(x, third);
    const uint32_t both[] = {x->data + B, m};
    KeInitializeEvent(&x->c, x->data + B, 0, 1);
    wait_many(x, ALL, 2, both, 0);
    run(x, t);
    assert_int_equal(KeReleaseMutant(&x->c, m, 0, 0, 0), (uint32_t)-1);
    assert_int_equal(other->state, THREAD_WAITING);
    assert_int_equal(KeReleaseMutant(&x->c, m, 0, 0, 0), 0);
    assert_int_equal(result(other), 0);
    assert_int_equal(word_at(x, m + KMUTANT_OWNER), other->kthread);
    assert_int_equal(word_at(x, other->kthread + KTHREAD_MUTANTS), m + KMUTANT_LIST);
    run(x, other);
    ExTerminateThread(&x->c, 0);
    assert_int_equal(result(third), (uint32_t)STATUS_ABANDONED_WAIT_0); // in a wait for all
    assert_int_equal(word_at(x, m + KMUTANT_OWNER), third->kthread);
    run(x, third);
    assert_int_equal(KeReleaseMutant(&x->c, m, 0, 0, 0), 0);
    assert_int_equal(wait_one(x, m, 0), 0); // abandoned no longer
}

static void handle_mutant(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x)), *other = thread(x);
    assert_int_equal(NtCreateMutant(&x->c, x->data + OUT, 0, 1), 0);
    uint32_t handle = word_at(x, x->data + OUT);
    run(x, other);
    assert_int_equal(NtReleaseMutant(&x->c, handle, 0), (uint32_t)STATUS_MUTANT_NOT_OWNED);
    mem_set32(x->mem, x->data + LIST, handle);
    mem_set32(x->mem, x->data + LIST + 4, handle);
    assert_int_equal(NtWaitForMultipleObjectsEx(&x->c, 2, x->data + LIST, ALL, USER, 0, 0), (uint32_t)STATUS_INVALID_PARAMETER_MIX);
    assert_int_equal(NtWaitForSingleObjectEx(&x->c, handle, USER, 0, timeout(x, 0)), (uint32_t)STATUS_TIMEOUT);
    NtWaitForSingleObjectEx(&x->c, handle, USER, 0, 0);
    run(x, t);
    assert_int_equal(NtWaitForSingleObjectEx(&x->c, handle, USER, 0, 0), 0);
    assert_int_equal(ObReferenceObjectByHandle(&x->c, handle, 0, x->data + OUT_2), 0); // a body, in the middle of it all
    gva body = word_at(x, x->data + OUT_2);
    assert_int_equal((int32_t)word_at(x, body + DH_STATE), -1);
    assert_int_equal(word_at(x, body + KMUTANT_OWNER), t->kthread);
    assert_int_equal(NtReleaseMutant(&x->c, handle, x->data + OUT), 0);
    assert_int_equal((int32_t)word_at(x, x->data + OUT), -1);
    assert_int_equal(other->state, THREAD_WAITING);
    ExTerminateThread(&x->c, 0);
    assert_int_equal(result(other), (uint32_t)STATUS_ABANDONED_WAIT_0);
    run(x, other);
    assert_int_equal(NtQueryMutant(&x->c, handle, x->data + OUT), 0);
    assert_int_equal(word_at(x, x->data + OUT), 0);
    assert_int_equal(word_at(x, x->data + OUT_2), 1u << 24); // its own
    assert_int_equal(KeReleaseMutant(&x->c, body, 0, 0, 0), 0);
    assert_int_equal(NtClose(&x->c, handle), 0);
    ObDereferenceObject(&x->c, body);
    assert_null(krnl_object_at(x->k, body));
}

static void timer_by_handle(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x));
    assert_int_equal(NtCreateTimer(&x->c, x->data + OUT, 0, 1), 0);
    uint32_t handle = word_at(x, x->data + OUT);
    assert_int_equal(NtSetTimerEx(&x->c, handle, timeout(x, -10000), 0x9000, 1, 0x55, 0, 1, 0), 0);
    assert_int_equal(NtQueryTimer(&x->c, handle, x->data + OUT), 0);
    assert_int_equal(double_word_at(x, x->data + OUT), 10000);
    assert_int_equal(ObReferenceObjectByHandle(&x->c, handle, 0, x->data + OUT_2), 0);
    assert_int_equal(NtWaitForSingleObjectEx(&x->c, handle, USER, 1, 0), 0);
    x->k->running = NULL;
    krnl_wait_expire(x->k, 3 * KRNL_CYCLES_PER_MS); // three times, one APC at a time
    assert_int_equal(result(t), 0);                 // the object comes first
    assert_int_equal(t->apc_count, 1);
    assert_int_equal(t->apcs[1]->context, 0x55);
    run(x, t);
    assert_int_equal(NtCancelTimer(&x->c, handle, x->data + OUT), 0);
    assert_int_equal(word_at(x, x->data + OUT), 1);
    assert_int_equal(t->apc_count, 0);
    assert_null(x->k->timers);
    assert_int_equal(NtSetTimerEx(&x->c, handle, timeout(x, INT64_MIN), 0, 0, 0, 1, 0, 0), (uint32_t)STATUS_TIMER_RESUME_IGNORED);
    ObDereferenceObject(&x->c, word_at(x, x->data + OUT_2));
    assert_int_equal(NtClose(&x->c, handle), 0);
    assert_null(x->k->timers); // its end ends it
}

static void signal_and_wait(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x)), *other = thread(x);
    NtCreateEvent(&x->c, x->data + OUT, 0, 1, 0);
    NtCreateEvent(&x->c, x->data + OUT_2, 0, 1, 0);
    uint32_t first = word_at(x, x->data + OUT), second = word_at(x, x->data + OUT_2);
    assert_int_equal(NtSignalAndWaitForSingleObjectEx(&x->c, first, 0xF8001000, USER, 0, 0), (uint32_t)STATUS_INVALID_HANDLE);
    assert_int_equal(NtWaitForSingleObjectEx(&x->c, first, USER, 0, timeout(x, 0)), (uint32_t)STATUS_TIMEOUT); // it was not signalled
    NtSignalAndWaitForSingleObjectEx(&x->c, first, second, USER, 0, 0);
    assert_int_equal(t->state, THREAD_WAITING);
    run(x, other);
    assert_int_equal(NtSignalAndWaitForSingleObjectEx(&x->c, second, first, USER, 0, 0), 0);
    assert_int_equal(result(t), 0);
}

static void thread_as_object(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x)), *other = thread(x);
    uint32_t handle = krnl_object_handle(x->k, other->object);
    NtWaitForSingleObjectEx(&x->c, handle, USER, 0, 0);
    run(x, other);
    ExTerminateThread(&x->c, 5);
    assert_int_equal(result(t), 0);
    run(x, t);
    assert_int_equal(NtWaitForSingleObjectEx(&x->c, handle, USER, 0, 0), 0); // for good
    assert_int_equal(NtSuspendThread(&x->c, handle, 0), (uint32_t)STATUS_THREAD_IS_TERMINATING);
}

static void critical_section(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x)), *a = thread(x), *b = thread(x);
    gva cs = x->data + LOCK;
    RtlInitializeCriticalSection(&x->c, cs);
    RtlEnterCriticalSection(&x->c, cs);
    run(x, a);
    assert_int_equal(RtlTryEnterCriticalSection(&x->c, cs), 0);
    RtlEnterCriticalSection(&x->c, cs);
    run(x, b);
    RtlEnterCriticalSection(&x->c, cs);
    assert_int_equal(word_at(x, cs + CS_LOCK_COUNT), 2);
    run(x, t);
    KeSuspendThread(&x->c, a->kthread); // the one whose turn it is
    RtlLeaveCriticalSection(&x->c, cs);
    assert_int_equal(word_at(x, cs + CS_OWNER), b->kthread);
    KeSuspendThread(&x->c, b->kthread);
    run(x, b);
    RtlLeaveCriticalSection(&x->c, cs);
    assert_int_equal(a->state, THREAD_WAITING);
    run(x, t);
    KeResumeThread(&x->c, a->kthread);
    assert_int_equal(word_at(x, cs + CS_OWNER), a->kthread);
    assert_int_equal(word_at(x, cs + CS_RECURSION), 1);
    assert_int_equal(word_at(x, cs + CS_LOCK_COUNT), 0);
}

static void read_write_lock(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *writer = run(x, thread(x)), *a = thread(x), *b = thread(x), *last = thread(x);
    gva lock = x->data + LOCK;
    ExInitializeReadWriteLock(&x->c, lock);
    ExAcquireReadWriteLockExclusive(&x->c, lock);
    run(x, a);
    assert_int_equal(ExTryToAcquireReadWriteLockShared(&x->c, lock), 0);
    assert_int_equal(ExTryToAcquireReadWriteLockExclusive(&x->c, lock), 0);
    ExAcquireReadWriteLockShared(&x->c, lock);
    run(x, b);
    ExAcquireReadWriteLockShared(&x->c, lock);
    run(x, last);
    ExAcquireReadWriteLockExclusive(&x->c, lock);
    assert_int_equal(last->state, THREAD_WAITING);
    run(x, writer);
    ExReleaseReadWriteLock(&x->c, lock); // to all readers
    result(a);
    result(b);
    assert_int_equal(last->state, THREAD_WAITING);
    assert_int_equal(ExTryToAcquireReadWriteLockShared(&x->c, lock), 0); // a writer waits
    run(x, a);
    ExReleaseReadWriteLock(&x->c, lock);
    assert_int_equal(last->state, THREAD_WAITING);
    run(x, b);
    ExReleaseReadWriteLock(&x->c, lock);
    result(last);
    run(x, last);
    ExReleaseReadWriteLock(&x->c, lock);
    assert_int_equal((int32_t)word_at(x, lock), -1);
    assert_int_equal(ExTryToAcquireReadWriteLockShared(&x->c, lock), 1);
    assert_int_equal(ExTryToAcquireReadWriteLockShared(&x->c, lock), 1);
    ExReleaseReadWriteLock(&x->c, lock);
    ExReleaseReadWriteLock(&x->c, lock);
    assert_int_equal(ExTryToAcquireReadWriteLockExclusive(&x->c, lock), 1);
    ExInitializeReadWriteLock(&x->c, 4); // no memory: nothing happens
    ExAcquireReadWriteLockShared(&x->c, 4);
    ExReleaseReadWriteLock(&x->c, 4);
}

static void completion_port(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *a = run(x, thread(x)), *b = thread(x), *poster = thread(x);
    assert_int_equal(NtCreateIoCompletion(&x->c, x->data + OUT, 0, 0, 0), 0);
    uint32_t port = word_at(x, x->data + OUT);
    gva key = x->data + OUT, context = x->data + OUT_2, io = x->data + IO;
    assert_int_equal(NtRemoveIoCompletion(&x->c, port, key, context, io, timeout(x, 0)), (uint32_t)STATUS_TIMEOUT);
    assert_int_equal(NtSetIoCompletion(&x->c, port, 1, 2, 3, 4), 0);
    assert_int_equal(NtSetIoCompletion(&x->c, port, 5, 6, 7, 8), 0);
    assert_int_equal(NtWaitForSingleObjectEx(&x->c, port, USER, 0, 0), 0); // takes none
    assert_int_equal(NtQueryIoCompletion(&x->c, port, x->data + A), 0);
    assert_int_equal(word_at(x, x->data + A), 2);
    assert_int_equal(NtRemoveIoCompletion(&x->c, port, key, context, io, 0), 0);
    assert_int_equal(word_at(x, key), 1);
    assert_int_equal(word_at(x, context), 2);
    assert_int_equal(word_at(x, io), 3);
    assert_int_equal(word_at(x, io + 4), 4);
    assert_int_equal(NtRemoveIoCompletion(&x->c, port, key, context, io, 0), 0);
    assert_int_equal(word_at(x, key), 5);
    NtRemoveIoCompletion(&x->c, port, key, context, io, 0);
    run(x, b);
    NtRemoveIoCompletion(&x->c, port, x->data + A, x->data + B, 0, 0);
    run(x, poster);
    assert_int_equal(NtSetIoCompletion(&x->c, port, 9, 10, 0, 0), 0); // the last waiter is served first
    assert_int_equal(result(b), 0);
    assert_int_equal(word_at(x, x->data + A), 9);
    assert_int_equal(a->state, THREAD_WAITING);
    assert_int_equal(NtRemoveIoCompletion(&x->c, port, 4, context, io, 0), (uint32_t)STATUS_ACCESS_VIOLATION);
    assert_int_equal(NtSetIoCompletion(&x->c, 0xF8001000, 0, 0, 0, 0), (uint32_t)STATUS_INVALID_HANDLE);
    NtClose(&x->c, port);
}

static void spin_lock_for_ever(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x)), *other = thread(x);
    gva lock = x->data + LOCK;
    krnl_thread_set_hw(x->k, t, 0);
    krnl_thread_set_hw(x->k, other, 1);
    assert_int_equal(KfAcquireSpinLock(&x->c, lock), 0);
    assert_int_equal(krnl_irql(x->k, t), 2);
    run(x, other);
    KfAcquireSpinLock(&x->c, lock);
    assert_true(x->c.retry); // another hardware thread: it will come
    assert_int_equal(KeTryToAcquireSpinLockAtRaisedIrql(&x->c, lock), 0);
    assert_int_equal(x->k->result.stop, KRNL_RUNNING);
    x->c.retry = false;
    krnl_thread_set_hw(x->k, other, 0);
    KfRaiseIrql(&x->c, 2);
    KeAcquireSpinLockAtRaisedIrql(&x->c, lock);
    assert_false(x->c.retry);
    assert_int_equal(x->k->result.stop, KRNL_STOP_CRASH);
    x->k->result.stop = KRNL_RUNNING;
    run(x, t);
    KeAcquireSpinLockAtRaisedIrql(&x->c, lock); // its own
    assert_int_equal(x->k->result.stop, KRNL_STOP_CRASH);
    KfReleaseSpinLock(&x->c, lock, 0);
    assert_int_equal(word_at(x, lock), 0);
}

static void priorities(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x));
    assert_int_equal(KeSetPriorityThread(&x->c, t->kthread, 12), 8);
    assert_int_equal(KeQueryBasePriorityThread(&x->c, t->kthread), 4);
    assert_int_equal(KeSetBasePriorityThread(&x->c, t->kthread, 100), 4);
    assert_int_equal(t->priority, 30);
    assert_int_equal(KeSetDisableBoostThread(&x->c, t->kthread, 1), 0);
    assert_int_equal(KeSetDisableBoostThread(&x->c, t->kthread, 0), 1);
    uint64_t before = ppc_now(&t->cpu);
    KeStallExecutionProcessor(&x->c, 10);
    assert_int_equal(ppc_now(&t->cpu) - before, 32000);
}

static void tls_bitmap(void **state)
{
    struct fixture *x = *state;
    gva shown = x->k->title_process + KPROCESS_TLS_BITMAP;
    mem_set32(x->mem, shown, 0xFFFFFFFF);
    assert_int_equal(KeTlsAlloc(&x->c), 0);
    assert_int_equal(KeTlsAlloc(&x->c), 1);
    assert_int_equal(word_at(x, shown), 0x3FFFFFFF);
    assert_int_equal(KeTlsFree(&x->c, 0), 1);
    assert_int_equal(KeTlsFree(&x->c, 0), 0);
    assert_int_equal(word_at(x, shown), 0xBFFFFFFF);
    assert_int_equal(KeTlsSetValue(&x->c, 1, 7), 1);
    assert_int_equal(KeTlsGetValue(&x->c, 1), 7);
    for (unsigned i = 0; i < 300; i++)
        assert_true(KeTlsAlloc(&x->c) < 1024);
    assert_int_equal(KeTlsSetValue(&x->c, 299, 1), 1);
    assert_int_equal(KeTlsSetValue(&x->c, 0xFFFFFFFF, 1), 0);
}

static void tasks(void **state)
{
    struct fixture *x = *state;
    assert_int_equal(XamTaskSchedule(&x->c, 0x8000, 0x44, 0, x->data + OUT), 0);
    struct krnl_object *o = krnl_handle_typed(x->k, word_at(x, x->data + OUT), KRNL_THREAD, NULL);
    assert_non_null(o);
    struct krnl_thread *t = o->data;
    assert_int_equal(t->cpu.pc, 0x8000);
    assert_int_equal(t->cpu.gpr[3], 0x44);
    run(x, t);
    assert_int_equal(KeGetCurrentProcessType(&x->c), 2);
    assert_int_equal(XamTaskShouldExit(&x->c, 0), 0);
    t->cpu.gpr[3] = word_at(x, x->data + OUT);
    assert_int_equal(XamTaskCloseHandle(&x->c), 0);
    assert_int_equal(XamTaskCloseHandle(&x->c), (uint32_t)STATUS_INVALID_HANDLE);
}

static void bad_video_pointers(void **state)
{
    struct fixture *x = *state;
    x->k->running = NULL;
    VdSwap(&x->c, 0xFFFFFFF0, 4, 0, 0, 0, 8, 0, 0, 12, 16);
    VdSwap(&x->c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    VdGetSystemCommandBuffer(&x->c, 0, 4);
    VdGetSystemCommandBuffer(&x->c, 0xFFFFFFFC, 0xFFFFFFFF);
    VdInitializeRingBuffer(&x->c, 0xFFFFFFFF, 31);
    VdInitializeRingBuffer(&x->c, 0, 0xFFFFFFFF);
    VdEnableRingBufferRPtrWriteBack(&x->c, 0xFFFFFFFF, 0xFFFFFFFF);
    VdInitializeScalerCommandBuffer(&x->c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFFFFFFF8, 0xFFFFFFFF);
    VdGetCurrentDisplayInformation(&x->c, 4);
    VdGetCurrentDisplayGamma(&x->c, 0, 4);
    VdPersistDisplay(&x->c, 0, 4);
    assert_int_equal(KeLockL2(&x->c), 0);
    KeUnlockL2(&x->c);
    assert_int_equal(x->k->frames, 2);
}

struct sum {
    uint64_t value;
};

static void add_piece(void *user, const void *data, size_t size)
{
    struct sum *s = user;
    for (size_t i = 0; i < size; i++)
        s->value = (s->value ^ ((const uint8_t *)data)[i]) * 0x100000001B3;
}

static uint64_t hash(const struct fixture *x)
{
    struct sum s = {0};
    krnl_hash_state(x->k, add_piece, &s);
    return s.value;
}

// What decides the future and is not in guest memory changes the hash.
static void hash_sees_everything(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = run(x, thread(x)), *other = thread(x);
    uint64_t last = hash(x);
#define CHANGES(what)                                                                                                  \
    do {                                                                                                               \
        what;                                                                                                          \
        uint64_t now = hash(x);                                                                                        \
        assert_int_not_equal(now, last);                                                                               \
        last = now;                                                                                                    \
    } while (0)
    assert_int_equal(hash(x), last);
    CHANGES(NtCreateMutant(&x->c, x->data + OUT, 0, 1));
    CHANGES(NtWaitForSingleObjectEx(&x->c, word_at(x, x->data + OUT), USER, 0, 0)); // recursion
    CHANGES(KeTlsAlloc(&x->c));
    CHANGES(KeAlertThread(&x->c, other->kthread, 1));
    CHANGES(NtQueueApcThread(&x->c, krnl_object_handle(x->k, other->object), 1, 2, 3, 4));
    KeInitializeTimerEx(&x->c, x->data + A, 0, 1);
    CHANGES(KeSetTimer(&x->c, x->data + A, (uint64_t)-1000, 0));
    CHANGES(KeSetTimer(&x->c, x->data + A, (uint64_t)-2000, 0));
    KeInitializeDpc(&x->c, x->data + B, 0x1000, 0);
    CHANGES(KeInsertQueueDpc(&x->c, x->data + B, 0, 0));
    CHANGES(krnl_deliver(x->k, t));
    CHANGES(NtCreateIoCompletion(&x->c, x->data + OUT, 0, 0, 0));
    CHANGES(NtSetIoCompletion(&x->c, word_at(x, x->data + OUT), 1, 2, 3, 4));
    CHANGES(krnl_handle_open(x->k, t->object, false, t));
    CHANGES(KeSetPriorityThread(&x->c, other->kthread, 9));
    CHANGES(VdSetGraphicsInterruptCallback(&x->c, 0x7000, 1));
    CHANGES(KeDelayExecutionThread(&x->c, 1, 0, timeout(x, -5)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(any_and_all),
        TEST(timeouts),
        TEST(pulse_wakes_only_who_waits),
        TEST(suspended_waiter_takes_nothing),
        TEST(guest_mutant),
        TEST(handle_mutant),
        TEST(timer_by_handle),
        TEST(signal_and_wait),
        TEST(thread_as_object),
        TEST(critical_section),
        TEST(read_write_lock),
        TEST(completion_port),
        TEST(spin_lock_for_ever),
        TEST(priorities),
        TEST(tls_bitmap),
        TEST(tasks),
        TEST(bad_video_pointers),
        TEST(hash_sees_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
