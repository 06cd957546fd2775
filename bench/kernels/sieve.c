// bench: integer. Sieve of Eratosthenes: byte stores at growing strides, short loops.
#include "kernel.h"

#ifndef ROUNDS
#define ROUNDS 150
#endif
#define LIMIT 400000

static uint8_t composite[LIMIT];

static uint32_t sieve(uint32_t limit)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < limit; i++)
        composite[i] = 0;
    for (uint32_t i = 2; i < limit; i++) {
        if (composite[i])
            continue;
        count++;
        for (uint32_t j = i * 2; j < limit; j += i)
            composite[j] = 1;
    }
    return count;
}

int main(void)
{
    uint32_t sum = 1;
    for (uint32_t i = 0; i < ROUNDS; i++)
        sum = fold(sum, sieve(LIMIT - i));
    printf("%08x\n", sum);
    return 0;
}
