// threads-and-events: threads, both kinds of events, semaphores, mutants, waits for any and for all, timeouts.
// Only the main thread prints, so the text does not depend on scheduling.
#include <stdint.h>
#include <stdio.h>
#include <xenolith/xboxkrnl.h>

static int checks, failed;

static void check(int good, const char *what)
{
    checks++;
    printf("%2d %s: %s\n", checks, what, good ? "yes" : "NO");
    if (!good && !failed)
        failed = checks;
}

static const int64_t now = 0, ten_ms = -100000, one_second = -10000000;

static NTSTATUS wait(HANDLE object, const int64_t *timeout)
{
    return NtWaitForSingleObjectEx(object, UserMode, 0, timeout);
}

static NTSTATUS wait_many(const HANDLE *objects, uint32_t type, const int64_t *timeout)
{
    return NtWaitForMultipleObjectsEx(2, objects, type, UserMode, 0, timeout);
}

static HANDLE event(uint32_t type)
{
    HANDLE handle = 0;
    return NT_SUCCESS(NtCreateEvent(&handle, NULL, type, 0)) ? handle : 0;
}

static HANDLE thread(uint32_t (*start)(void *), void *context, uint32_t flags)
{
    HANDLE handle = 0;
    uint32_t id;
    return NT_SUCCESS(ExCreateThread(&handle, 0x10000, &id, NULL, start, context, flags)) ? handle : 0;
}

static void both_events(void)
{
    HANDLE manual = event(NotificationEvent), automatic = event(SynchronizationEvent);
    check(manual && automatic, "events created");
    check(wait(manual, &now) == STATUS_TIMEOUT && wait(automatic, &now) == STATUS_TIMEOUT, "both begin unsignalled");
    int32_t previous = -1;
    NtSetEvent(manual, &previous);
    check(previous == 0, "previous state of the manual event");
    check(wait(manual, &now) == STATUS_SUCCESS && wait(manual, &now) == STATUS_SUCCESS, "manual: stays set");
    NtClearEvent(manual);
    check(wait(manual, &now) == STATUS_TIMEOUT, "manual: cleared");
    NtSetEvent(automatic, NULL);
    NtSetEvent(automatic, &previous);
    check(previous == 1, "previous state of the auto event, set twice");
    check(wait(automatic, NULL) == STATUS_SUCCESS, "auto: one wait is satisfied");
    check(wait(automatic, &now) == STATUS_TIMEOUT, "auto: the next is not");
    NtClose(manual);
    NtClose(automatic);
}

static void any_and_all(void)
{
    HANDLE pair[2] = {event(SynchronizationEvent), event(SynchronizationEvent)};
    check(wait_many(pair, WaitAny, &now) == STATUS_TIMEOUT, "any of none");
    NtSetEvent(pair[1], NULL);
    check(wait_many(pair, WaitAny, NULL) == STATUS_WAIT_1, "any: the second");
    NtSetEvent(pair[0], NULL);
    NtSetEvent(pair[1], NULL);
    check(wait_many(pair, WaitAny, NULL) == STATUS_WAIT_0, "any of both: the first");
    check(wait_many(pair, WaitAll, &ten_ms) == STATUS_TIMEOUT, "all: one is missing");
    check(wait(pair[1], &now) == STATUS_SUCCESS, "a failed wait for all takes nothing");
    NtSetEvent(pair[0], NULL);
    NtSetEvent(pair[1], NULL);
    check(wait_many(pair, WaitAll, NULL) == STATUS_SUCCESS, "all: both");
    check(wait_many(pair, WaitAny, &now) == STATUS_TIMEOUT, "all took both");
    NtClose(pair[0]);
    NtClose(pair[1]);
}

static void timeouts(void)
{
    HANDLE never = event(NotificationEvent);
    uint64_t start = xenolith_timebase();
    NTSTATUS status = wait(never, &ten_ms);
    uint64_t ticks = xenolith_timebase() - start;
    check(status == STATUS_TIMEOUT, "a wait of 10 ms ends");
    check(ticks >= 500000 && ticks < 50000000, "and took between 10 ms and 1 s");
    start = xenolith_timebase();
    KeDelayExecutionThread(UserMode, 0, &ten_ms);
    ticks = xenolith_timebase() - start;
    check(ticks >= 500000 && ticks < 50000000, "so does a delay");
    NtClose(never);
}

struct worker {
    HANDLE go, done;
    volatile int steps;
};

static uint32_t work(void *context)
{
    struct worker *w = context;
    w->steps = 1;
    wait(w->go, NULL);
    w->steps = 2;
    NtSetEvent(w->done, NULL);
    return 7;
}

static void one_thread(void)
{
    struct worker w = {event(SynchronizationEvent), event(SynchronizationEvent), 0};
    HANDLE t = thread(work, &w, CREATE_SUSPENDED);
    check(t != 0, "thread created suspended");
    check(wait(t, &ten_ms) == STATUS_TIMEOUT && w.steps == 0, "it does not run");
    uint32_t count = 99;
    NtResumeThread(t, &count);
    check(count == 1, "its suspend count was 1");
    check(wait(w.done, &ten_ms) == STATUS_TIMEOUT && w.steps == 1, "it waits for its event");
    NtSetEvent(w.go, NULL);
    check(wait(w.done, NULL) == STATUS_SUCCESS && w.steps == 2, "it runs on and signals");
    check(wait(t, &one_second) == STATUS_SUCCESS, "its end satisfies a wait");
    check(wait(t, &now) == STATUS_SUCCESS, "for ever");
    NtClose(t);
    NtClose(w.go);
    NtClose(w.done);
}

enum { TEAM = 4, ROUNDS = 100 };

struct team {
    HANDLE mutant;
    volatile int count, inside, overlaps;
};

static uint32_t teamwork(void *context)
{
    struct team *t = context;
    for (int i = 0; i < ROUNDS; i++) {
        wait(t->mutant, NULL);
        if (t->inside++)
            t->overlaps++;
        t->count++;
        if (i % 10 == 0)
            NtYieldExecution();
        t->inside--;
        NtReleaseMutant(t->mutant, NULL);
    }
    return 0;
}

static void mutants(void)
{
    struct team team = {0};
    check(NT_SUCCESS(NtCreateMutant(&team.mutant, NULL, 1)), "mutant created, owned");
    check(wait(team.mutant, &now) == STATUS_SUCCESS, "its owner takes it again");
    HANDLE threads[TEAM];
    for (int i = 0; i < TEAM; i++)
        threads[i] = thread(teamwork, &team, 0);
    KeDelayExecutionThread(UserMode, 0, &ten_ms);
    NtReleaseMutant(team.mutant, NULL);
    KeDelayExecutionThread(UserMode, 0, &ten_ms);
    check(team.count == 0, "others wait until the last release");
    NtReleaseMutant(team.mutant, NULL);
    check(NtWaitForMultipleObjectsEx(TEAM, threads, WaitAll, UserMode, 0, NULL) == STATUS_SUCCESS,
          "four threads ended");
    check(team.count == TEAM * ROUNDS && !team.overlaps, "each had it alone, 100 times");
    check(NtReleaseMutant(team.mutant, NULL) == STATUS_MUTANT_NOT_OWNED, "a release without ownership fails");
    for (int i = 0; i < TEAM; i++)
        NtClose(threads[i]);
    NtClose(team.mutant);
}

static void semaphores(void)
{
    HANDLE s = 0;
    int32_t previous = -1;
    check(NT_SUCCESS(NtCreateSemaphore(&s, NULL, 0, 2)), "semaphore created: 0 of 2");
    check(NT_SUCCESS(NtReleaseSemaphore(s, 2, &previous)) && previous == 0, "released twice");
    check(NtReleaseSemaphore(s, 1, NULL) == STATUS_SEMAPHORE_LIMIT_EXCEEDED, "not above its limit");
    check(wait(s, &now) == STATUS_SUCCESS && wait(s, &now) == STATUS_SUCCESS, "two waits");
    check(wait(s, &now) == STATUS_TIMEOUT, "not a third");
    NtClose(s);
}

struct shared {
    KEVENT manual, automatic;
    KSEMAPHORE tickets;
    volatile int served;
};

static uint32_t serve(void *context)
{
    struct shared *s = context;
    for (int i = 0; i < 3; i++) {
        KeWaitForSingleObject(&s->tickets, 3, KernelMode, 0, NULL);
        s->served++;
    }
    KeSetEvent(&s->automatic, 1, 0);
    return 0;
}

static void own_objects(void)
{
    static struct shared s;
    void *pair[2] = {&s.manual, &s.automatic};
    KeInitializeEvent(&s.manual, NotificationEvent, 1);
    KeInitializeEvent(&s.automatic, SynchronizationEvent, 0);
    KeInitializeSemaphore(&s.tickets, 0, 3);
    check(s.manual.Header.SignalState == 1 && s.automatic.Header.Type == 1, "objects in our memory, headers filled in");
    check(KeWaitForMultipleObjects(2, pair, WaitAny, 3, KernelMode, 0, &now, NULL) == STATUS_WAIT_0,
          "any: the manual event");
    check(KeWaitForMultipleObjects(2, pair, WaitAll, 3, KernelMode, 0, &ten_ms, NULL) == STATUS_TIMEOUT,
          "all: not yet");
    HANDLE t = thread(serve, &s, 0);
    KeReleaseSemaphore(&s.tickets, 1, 1, 0);
    KeReleaseSemaphore(&s.tickets, 1, 2, 0);
    check(KeWaitForMultipleObjects(2, pair, WaitAll, 3, KernelMode, 0, NULL, NULL) == STATUS_SUCCESS,
          "all: a thread set it");
    check(s.served == 3, "it had three tickets");
    check(KeResetEvent(&s.manual) == 1, "reset gives the previous state");
    check(KeWaitForSingleObject(&s.manual, 3, KernelMode, 0, &now) == STATUS_TIMEOUT, "now unsignalled");
    check(wait(t, NULL) == STATUS_SUCCESS, "the thread ended");
    NtClose(t);
}

int main(void)
{
    both_events();
    any_and_all();
    timeouts();
    one_thread();
    mutants();
    semaphores();
    own_objects();
    printf("threads-and-events: %d checks, %s\n", checks, failed ? "failed" : "ok");
    return failed;
}
