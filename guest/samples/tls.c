// tls: slots of thread-local storage: each thread sees its own values; slots are reused once freed.
#include <stdio.h>
#include <threads.h>
#include <xenolith/xboxkrnl.h>

enum { THREADS = 4, SLOTS = 3 };

static int checks, failed;
static tss_t slots[SLOTS];
static volatile int fresh[THREADS], kept[THREADS];

static void check(int good, const char *what)
{
    checks++;
    printf("%2d %s: %s\n", checks, what, good ? "yes" : "NO");
    if (!good && !failed)
        failed = checks;
}

static int work(void *context)
{
    int number = (int)context, good = 1;
    for (int i = 0; i < SLOTS; i++)
        fresh[number] += tss_get(slots[i]) == NULL;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < SLOTS; i++)
            tss_set(slots[i], (void *)(number * 1000 + round * 10 + i));
        thrd_yield();
        for (int i = 0; i < SLOTS; i++)
            good = good && (int)tss_get(slots[i]) == number * 1000 + round * 10 + i;
    }
    kept[number] = good;
    return number * 7;
}

int main(void)
{
    for (int i = 0; i < SLOTS; i++)
        check(tss_create(&slots[i], NULL) == thrd_success, "a slot");
    check(slots[0] != slots[1] && slots[1] != slots[2], "each another one");
    tss_set(slots[0], (void *)99);
    thrd_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        check(thrd_create(&threads[i], work, (void *)i) == thrd_success, "a thread");
    for (int i = 0; i < THREADS; i++) {
        int result = -1;
        thrd_join(threads[i], &result);
        printf("thread %d: result %d, %d slots empty at its start\n", i, result, fresh[i]);
        check(result == i * 7 && fresh[i] == SLOTS && kept[i], "its own values");
    }
    check((int)tss_get(slots[0]) == 99, "the main thread's value is as it was");
    tss_t old = slots[1];
    tss_delete(slots[1]);
    check(tss_create(&slots[1], NULL) == thrd_success && slots[1] == old, "a freed slot is given out again");
    check(tss_get(slots[1]) == NULL, "empty");
    printf("tls: %d checks, %s\n", checks, failed ? "failed" : "ok");
    return failed;
}
