// critical-sections: recursion, trying, contention; and a condition that threads wait for.
#include <stdio.h>
#include <threads.h>
#include <xenolith/xboxkrnl.h>

static int checks, failed;

static void check(int good, const char *what)
{
    checks++;
    printf("%2d %s: %s\n", checks, what, good ? "yes" : "NO");
    if (!good && !failed)
        failed = checks;
}

static RTL_CRITICAL_SECTION section;
static volatile int tried;

static int try_it(void *context)
{
    (void)context;
    tried = RtlTryEnterCriticalSection(&section);
    return 0;
}

static void recursion(void)
{
    thrd_t other;
    RtlInitializeCriticalSection(&section);
    check(section.LockCount == -1 && !section.OwningThread, "free at first");
    RtlEnterCriticalSection(&section);
    RtlEnterCriticalSection(&section);
    check(section.OwningThread == KeGetCurrentThread() && section.RecursionCount == 2, "entered twice by its owner");
    check(RtlTryEnterCriticalSection(&section) == 1 && section.RecursionCount == 3, "and once more by trying");
    thrd_create(&other, try_it, NULL);
    thrd_join(other, NULL);
    check(tried == 0, "not by another thread");
    for (int i = 0; i < 3; i++)
        RtlLeaveCriticalSection(&section);
    check(section.LockCount == -1, "left three times: free");
    thrd_create(&other, try_it, NULL);
    thrd_join(other, NULL);
    check(tried == 1, "now another thread gets it");
}

enum { THREADS = 6, ROUNDS = 300 };

static mtx_t lock;
static cnd_t changed;
static int counter, inside, overlaps, turn;

static int work(void *context)
{
    (void)context;
    for (int i = 0; i < ROUNDS; i++) {
        mtx_lock(&lock);
        overlaps += inside++;
        int old = counter;
        if (i % 16 == 0)
            thrd_yield();
        counter = old + 1;
        inside--;
        mtx_unlock(&lock);
    }
    return 0;
}

// Each thread waits for its turn: they end in the order of their numbers.
static int in_turn(void *context)
{
    mtx_lock(&lock);
    while (turn != (int)context)
        cnd_wait(&changed, &lock);
    int seen = turn++;
    cnd_broadcast(&changed);
    mtx_unlock(&lock);
    return seen;
}

int main(void)
{
    thrd_t threads[THREADS];
    recursion();
    mtx_init(&lock, mtx_plain);
    cnd_init(&changed);
    for (int i = 0; i < THREADS; i++)
        thrd_create(&threads[i], work, NULL);
    for (int i = 0; i < THREADS; i++)
        thrd_join(threads[i], NULL);
    printf("   counter %d\n", counter);
    check(counter == THREADS * ROUNDS && !overlaps, "six threads, one at a time");
    int good = 1;
    for (int i = THREADS; i-- > 0;)
        thrd_create(&threads[i], in_turn, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        int result = -1;
        thrd_join(threads[i], &result);
        good = good && result == i;
    }
    check(good && turn == THREADS, "a condition: in turn");
    printf("critical-sections: %d checks, %s\n", checks, failed ? "failed" : "ok");
    return failed;
}
