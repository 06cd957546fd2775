// <threads.h> beside the host's: the same lines here and there.
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>

static mtx_t lock;
static cnd_t changed;
static tss_t first, second;
static thrd_t told;
static int state, destroyed;

static struct timespec in_ms(long ms)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static int says_itself(void *out)
{
    *(thrd_t *)out = thrd_current();
    return thrd_equal(thrd_current(), *(thrd_t *)out);
}

static void identities(void)
{
    thrd_t a, b, seen_a, seen_b;
    int x = 0, y = 0;
    thrd_create(&a, says_itself, &seen_a);
    thrd_create(&b, says_itself, &seen_b);
    thrd_join(a, &x);
    thrd_join(b, &y);
    printf("identities: %d %d, %d %d %d, %d\n", x, y, !!thrd_equal(a, seen_a), !!thrd_equal(b, seen_b), !!thrd_equal(seen_a, seen_b),
           !!thrd_equal(thrd_current(), told));
}

static int holds(void *unused)
{
    (void)unused;
    mtx_lock(&lock);
    state = 1;
    while (state < 2)
        thrd_sleep(&(struct timespec){0, 1000000}, NULL);
    mtx_unlock(&lock);
    return 5;
}

static void timed_locks(void)
{
    thrd_t t;
    int result = 0;
    struct timespec until;
    thrd_create(&t, holds, NULL);
    while (*(volatile int *)&state < 1)
        thrd_yield();
    until = in_ms(20);
    int busy = mtx_timedlock(&lock, &until), tried = mtx_trylock(&lock);
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    int late = now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec);
    *(volatile int *)&state = 2;
    until = in_ms(5000);
    int had = mtx_timedlock(&lock, &until);
    mtx_unlock(&lock);
    thrd_join(t, &result);
    printf("timed locks: %d %d %d %d %d\n", busy == thrd_timedout, tried == thrd_busy, late, had == thrd_success, result);
}

static int signals(void *times)
{
    for (int i = 0; i < *(int *)times; i++) {
        thrd_sleep(&(struct timespec){0, 2000000}, NULL);
        mtx_lock(&lock);
        state++;
        mtx_unlock(&lock);
        cnd_signal(&changed);
    }
    thrd_exit(70 + *(int *)times);
}

static void timed_conditions(void)
{
    thrd_t t;
    int result = 0, times = 3, timeouts = 0;
    mtx_lock(&lock);
    state = 0;
    struct timespec until = in_ms(10), past = {0, 0};
    timeouts += cnd_timedwait(&changed, &lock, &until) == thrd_timedout;
    timeouts += cnd_timedwait(&changed, &lock, &past) == thrd_timedout;
    thrd_create(&t, signals, &times);
    until = in_ms(5000);
    int good = 1;
    while (state < times)
        good = good && cnd_timedwait(&changed, &lock, &until) == thrd_success;
    mtx_unlock(&lock);
    thrd_join(t, &result);
    printf("timed conditions: %d timeouts, %d signals, %d, %d\n", timeouts, state, good, result);
}

// Sets its own slot again, once.
static void destroy_first(void *value)
{
    int n = *(int *)value;
    destroyed += n;
    if (n == 1) {
        static int again = 100;
        tss_set(first, &again);
    }
    free(n == 1 ? value : NULL);
}

static void destroy_second(void *value)
{
    destroyed += *(int *)value;
}

static int leaves_values(void *way)
{
    static int ten = 10;
    int *one = malloc(sizeof *one);
    *one = 1;
    tss_set(first, one);
    if (*(int *)way)
        tss_set(second, &ten);
    if (*(int *)way == 2)
        thrd_exit(9);
    return 8;
}

static void values(void)
{
    tss_create(&first, destroy_first);
    tss_create(&second, destroy_second);
    for (int way = 0; way < 3; way++) {
        thrd_t t;
        int result = 0;
        destroyed = 0;
        thrd_create(&t, leaves_values, &way);
        thrd_join(t, &result);
        printf("values left: %d destroyed, %d\n", destroyed, result);
    }
    tss_delete(first);
    tss_delete(second);
}

static int counts(void *unused)
{
    (void)unused;
    told = thrd_current();
    mtx_lock(&lock);
    state++;
    mtx_unlock(&lock);
    return 0;
}

static void detached(void)
{
    state = 0;
    for (int i = 0; i < 20; i++) {
        thrd_t t;
        if (thrd_create(&t, counts, NULL) != thrd_success || thrd_detach(t) != thrd_success)
            exit(1);
    }
    for (int n = 0; n < 20;) {
        mtx_lock(&lock);
        n = state;
        mtx_unlock(&lock);
    }
    printf("detached: %d\n", state);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    mtx_init(&lock, mtx_timed);
    cnd_init(&changed);
    told = thrd_current();
    identities();
    timed_locks();
    timed_conditions();
    values();
    detached();
    printf("threads: done\n");
    return 0;
}
