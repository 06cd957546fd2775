// exits: ends in the way and with the number that it was compiled for: -DWAY=1..5 -DNUMBER=n.
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>

static void deeper(void)
{
    exit(NUMBER);
}

static int other(void *unused)
{
    (void)unused;
    deeper();
    return 0;
}

static void handler(void)
{
    printf("handled\n");
}

// The main thread waits for ever (4), or never waits (5).
static void leave_to_another(void)
{
    thrd_t thread;
    mtx_t never;
    cnd_t nobody;
    atexit(handler);
    mtx_init(&never, mtx_plain);
    cnd_init(&nobody);
    mtx_lock(&never);
    thrd_create(&thread, other, NULL);
    while (WAY == 5)
        ;
    cnd_wait(&nobody, &never);
}

int main(void)
{
    printf("leaving\n");
    if (WAY == 1)
        return NUMBER;
    if (WAY == 2)
        deeper();
    if (WAY >= 4)
        leave_to_another();
    abort();
}
