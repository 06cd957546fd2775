// exits: ends in the way and with the number that it was compiled for: -DWAY=1..3 -DNUMBER=n.
#include <stdio.h>
#include <stdlib.h>

static void deeper(void)
{
    exit(NUMBER);
}

int main(void)
{
    printf("leaving\n");
    if (WAY == 1)
        return NUMBER;
    if (WAY == 2)
        deeper();
    abort();
}
