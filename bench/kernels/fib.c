// bench: calls. Naive Fibonacci: nothing but calls, returns and the frames they need.
#include "kernel.h"

#ifndef ROUNDS
#define ROUNDS 120
#endif

__attribute__((noinline, noclone)) static uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int main(void)
{
    uint32_t sum = 1;
    for (uint32_t i = 0; i < ROUNDS; i++)
        sum = fold(sum, fib(24 + i % 6));
    printf("%08x\n", sum);
    return 0;
}
