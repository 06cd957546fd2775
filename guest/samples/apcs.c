// apcs: functions queued to a thread run when it waits alertably, in order, and end that wait.
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

static struct {
    uint32_t context, one, two;
    KTHREAD *thread;
} calls[16];
static volatile int count;

static void note(void *context, void *one, void *two)
{
    if (count < 16) {
        calls[count].context = (uint32_t)context;
        calls[count].one = (uint32_t)one;
        calls[count].two = (uint32_t)two;
        calls[count].thread = KeGetCurrentThread();
    }
    count++;
}

static const int64_t short_time = -100000, second = -10000000;

static void to_other_thread(HANDLE thread, HANDLE go)
{
    for (uint32_t i = 0; i < 3; i++)
        check(NtQueueApcThread(thread, note, (void *)(100 + i), (void *)i, (void *)~i) == STATUS_SUCCESS, "queued");
    int64_t delay = short_time;
    KeDelayExecutionThread(UserMode, 0, &delay);
    check(count == 0, "not while it waits without being alertable");
    NtSetEvent(go, NULL);
}

static HANDLE go_event, done_event;
static volatile NTSTATUS alerted, after;

static uint32_t target(void *context)
{
    (void)context;
    NtWaitForSingleObjectEx(go_event, UserMode, 0, NULL);
    alerted = NtWaitForSingleObjectEx(go_event, UserMode, 1, &second);
    after = KeDelayExecutionThread(UserMode, 1, &short_time);
    NtSetEvent(done_event, NULL);
    return 0;
}

static KAPC apc;

static void object(void)
{
    count = 0;
    KeInitializeApc(&apc, KeGetCurrentThread(), NULL, NULL, note, UserMode, (void *)7);
    check(KeInsertQueueApc(&apc, (void *)8, (void *)9, 0) == 1, "an APC object, inserted");
    check(KeInsertQueueApc(&apc, (void *)8, (void *)9, 0) == 0, "only once");
    check(KeDelayExecutionThread(UserMode, 1, &second) == STATUS_USER_APC, "an alertable delay ends");
    check(count == 1 && calls[0].context == 7 && calls[0].one == 8 && calls[0].two == 9, "with its arguments");
    check(calls[0].thread == KeGetCurrentThread(), "on its thread");
    check(KeInsertQueueApc(&apc, NULL, NULL, 0) == 1 && KeRemoveQueueApc(&apc) == 1, "inserted and removed");
    check(KeDelayExecutionThread(UserMode, 1, &short_time) == STATUS_SUCCESS && count == 1, "never runs");
}

int main(void)
{
    HANDLE thread;
    uint32_t id;
    NtCreateEvent(&go_event, NULL, SynchronizationEvent, 0);
    NtCreateEvent(&done_event, NULL, SynchronizationEvent, 0);
    ExCreateThread(&thread, 0x10000, &id, NULL, target, NULL, 0);
    to_other_thread(thread, go_event);
    check(NtWaitForSingleObjectEx(done_event, UserMode, 0, &second) == STATUS_SUCCESS, "the other thread is done");
    printf("   %d calls, wait ended with %08x, then %08x\n", count, (unsigned)alerted, (unsigned)after);
    check(alerted == STATUS_USER_APC && count == 3, "all three ran in its alertable wait");
    int good = 1;
    for (uint32_t i = 0; i < 3; i++)
        good = good && calls[i].context == 100 + i && calls[i].one == i && calls[i].two == ~i;
    check(good, "in order, with their arguments");
    check(calls[0].thread != KeGetCurrentThread(), "on the other thread");
    check(after == STATUS_SUCCESS, "none is left");
    object();
    printf("apcs: %d checks, %s\n", checks, failed ? "failed" : "ok");
    return failed;
}
