// semaphores: with handles and in memory; counts, limits, and a pipeline of producers and consumers.
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

static const int64_t now = 0;

static void counts(void)
{
    HANDLE s;
    int32_t before = -1;
    check(NtCreateSemaphore(&s, NULL, 2, 3) >= 0, "created with 2 of 3");
    check(NtWaitForSingleObjectEx(s, UserMode, 0, &now) == 0 && NtWaitForSingleObjectEx(s, UserMode, 0, &now) == 0, "two waits");
    check(NtWaitForSingleObjectEx(s, UserMode, 0, &now) == STATUS_TIMEOUT, "no third");
    check(NtReleaseSemaphore(s, 3, &before) == STATUS_SUCCESS && before == 0, "released by 3");
    check(NtReleaseSemaphore(s, 1, NULL) == STATUS_SEMAPHORE_LIMIT_EXCEEDED, "not above its limit");
    NtClose(s);
    KSEMAPHORE m;
    KeInitializeSemaphore(&m, 1, 10);
    check(KeReleaseSemaphore(&m, 0, 4, 0) == 1, "in memory: the count before");
    int got = 0;
    while (KeWaitForSingleObject(&m, 0, UserMode, 0, &now) == STATUS_SUCCESS)
        got++;
    check(got == 5, "five waits");
}

enum { SIZE = 4, ITEMS = 200, MAKERS = 2, TAKERS = 3 };

static KSEMAPHORE room, filled;
static mtx_t lock;
static int ring[SIZE], in, out, most, inside;
static int sums[TAKERS];

static int make(void *context)
{
    int number = (int)context;
    for (int i = 0; i < ITEMS; i++) {
        KeWaitForSingleObject(&room, 0, UserMode, 0, NULL);
        mtx_lock(&lock);
        ring[in++ % SIZE] = number * ITEMS + i + 1;
        inside++;
        most = inside > most ? inside : most;
        mtx_unlock(&lock);
        KeReleaseSemaphore(&filled, 0, 1, 0);
    }
    return 0;
}

static int take(void *context)
{
    for (;;) {
        KeWaitForSingleObject(&filled, 0, UserMode, 0, NULL);
        mtx_lock(&lock);
        int item = ring[out++ % SIZE];
        inside--;
        mtx_unlock(&lock);
        KeReleaseSemaphore(&room, 0, 1, 0);
        if (!item)
            return 0;
        sums[(int)context] += item;
    }
}

int main(void)
{
    counts();
    thrd_t makers[MAKERS], takers[TAKERS];
    KeInitializeSemaphore(&room, SIZE, SIZE);
    KeInitializeSemaphore(&filled, 0, SIZE);
    mtx_init(&lock, mtx_plain);
    for (int i = 0; i < MAKERS; i++)
        thrd_create(&makers[i], make, (void *)i);
    for (int i = 0; i < TAKERS; i++)
        thrd_create(&takers[i], take, (void *)i);
    for (int i = 0; i < MAKERS; i++)
        thrd_join(makers[i], NULL);
    for (int i = 0; i < TAKERS; i++) { // an item of 0 ends one
        KeWaitForSingleObject(&room, 0, UserMode, 0, NULL);
        mtx_lock(&lock);
        ring[in++ % SIZE] = 0;
        inside++;
        mtx_unlock(&lock);
        KeReleaseSemaphore(&filled, 0, 1, 0);
    }
    int sum = 0;
    for (int i = 0; i < TAKERS; i++) {
        thrd_join(takers[i], NULL);
        sum += sums[i];
    }
    printf("   sum %d of %d items\n", sum, MAKERS * ITEMS);
    check(sum == MAKERS * ITEMS * (MAKERS * ITEMS + 1) / 2, "each item was taken once");
    check(most <= SIZE && inside == 0, "never more than the ring holds");
    printf("semaphores: %d checks, %s\n", checks, failed ? "failed" : "ok");
    return failed;
}
