// timers: one-shot and periodic, manual and automatic, with a routine, cancelled; and that time passes as they say.
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

static const int64_t now = 0, second = -10000000;

static int64_t ms(int n)
{
    return -10000LL * n;
}

static uint32_t elapsed(uint64_t start)
{
    return (uint32_t)((xenolith_timebase() - start) / 50000);
}

static NTSTATUS set(HANDLE timer, int64_t due, uint32_t period)
{
    return NtSetTimerEx(timer, &due, NULL, UserMode, NULL, 0, period, NULL);
}

static NTSTATUS wait(HANDLE object, const int64_t *timeout)
{
    return NtWaitForSingleObjectEx(object, UserMode, 0, timeout);
}

static void one_shot(void)
{
    HANDLE manual, automatic;
    check(NtCreateTimer(&manual, NULL, 0) >= 0 && NtCreateTimer(&automatic, NULL, 1) >= 0, "timers created");
    check(wait(manual, &now) == STATUS_TIMEOUT, "not signalled");
    uint64_t start = xenolith_timebase();
    check(set(manual, ms(20), 0) >= 0 && wait(manual, &second) == STATUS_SUCCESS, "20 ms");
    uint32_t took = elapsed(start);
    check(took >= 20 && took < 40, "were 20 to 40 ms");
    check(wait(manual, &now) == STATUS_SUCCESS, "a manual timer stays signalled");
    set(automatic, ms(5), 0);
    check(wait(automatic, &second) == STATUS_SUCCESS && wait(automatic, &now) == STATUS_TIMEOUT, "an automatic one is taken");
    set(automatic, ms(50), 0);
    check(NtCancelTimer(automatic, NULL) >= 0, "cancelled");
    int64_t longer = ms(100);
    check(wait(automatic, &longer) == STATUS_TIMEOUT, "it never comes");
    NtClose(manual);
    NtClose(automatic);
}

static void periodic(void)
{
    HANDLE timer;
    NtCreateTimer(&timer, NULL, 1);
    uint64_t start = xenolith_timebase();
    set(timer, ms(10), 10);
    int count = 0;
    while (count < 10 && wait(timer, &second) == STATUS_SUCCESS)
        count++;
    uint32_t took = elapsed(start);
    printf("   %d periods of 10 ms in %u ms\n", count, took);
    check(count == 10 && took >= 95 && took < 130, "ten periods");
    NtCancelTimer(timer, NULL);
    NtClose(timer);
}

static volatile int calls;
static void *volatile seen;

static void routine(void *context, uint32_t low, uint32_t high)
{
    (void)low, (void)high;
    seen = context;
    calls++;
}

static void with_routine(void)
{
    HANDLE timer;
    int64_t due = ms(10), delay = ms(30);
    NtCreateTimer(&timer, NULL, 0);
    NtSetTimerEx(timer, &due, routine, UserMode, (void *)0x1234, 0, 0, NULL);
    KeDelayExecutionThread(UserMode, 0, &delay);
    check(calls == 0, "the routine waits for an alertable wait");
    NTSTATUS status = KeDelayExecutionThread(UserMode, 1, &delay);
    check(calls == 1 && seen == (void *)0x1234, "then runs once with its context");
    check(status == STATUS_USER_APC, "and ends the wait");
    NtClose(timer);
}

static void clocks(void)
{
    uint64_t before, after, start = xenolith_timebase();
    int64_t delay = ms(250);
    KeQuerySystemTime(&before);
    KeDelayExecutionThread(UserMode, 0, &delay);
    KeQuerySystemTime(&after);
    check(after - before >= 2500000 && after - before < 2800000, "the system's clock agrees");
    check(elapsed(start) >= 250 && elapsed(start) < 280, "so does the timebase");
    check(KeQueryPerformanceFrequency() == 50000000, "50 MHz");
}

int main(void)
{
    one_shot();
    periodic();
    with_routine();
    clocks();
    printf("timers: %d checks, %s\n", checks, failed ? "failed" : "ok");
    return failed;
}
