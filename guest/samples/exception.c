// exception: a write through a null pointer three calls deep. The emulator reports registers and backtrace; exit status 101.
#include <stdio.h>

static void __attribute__((noinline)) fault(volatile int *where, int depth)
{
    if (depth)
        fault(where, depth - 1);
    else
        *where = 0x5EED;
    printf("not reached %d\n", depth);
}

int main(void)
{
    puts("exception: writing to address 0");
    fault((volatile int *)0, 2);
    return 1;
}
