// bench: integer. 64-bit arithmetic: xorshift, multiplication, division and remainder in whole registers.
#include "kernel.h"

#ifndef ROUNDS
#define ROUNDS 50000000
#endif

int main(void)
{
    uint64_t x = 0x123456789ABCDEFu, product = 1;
    uint32_t sum = 1;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        product = product * (x | 1) + i;
        product ^= (uint64_t)((int64_t)product >> 31);
        if ((i & 15) == 0)
            sum = fold(sum, (uint32_t)(product >> 32) % ((uint32_t)x | 1));
    }
    printf("%08x\n", fold64(fold64(sum, x), product));
    return 0;
}
