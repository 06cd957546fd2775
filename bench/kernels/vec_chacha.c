// bench: vector. ChaCha20 blocks on vectors of four words: add, exclusive or, rotate, shuffle.
#include "kernel.h"

#ifndef ROUNDS
#define ROUNDS 1000000
#endif

typedef uint32_t v4u __attribute__((vector_size(16)));

static inline v4u rotate(v4u x, uint32_t n)
{
    return x << n | x >> (32 - n);
}

#define QUARTERS(a, b, c, d) \
    do { \
        a += b, d = rotate(d ^ a, 16); \
        c += d, b = rotate(b ^ c, 12); \
        a += b, d = rotate(d ^ a, 8); \
        c += d, b = rotate(b ^ c, 7); \
    } while (0)

static v4u block(v4u one, v4u two, v4u three, v4u four)
{
    v4u a = one, b = two, c = three, d = four;
    for (int i = 0; i < 10; i++) {
        QUARTERS(a, b, c, d);
        b = __builtin_shuffle(b, (v4u){1, 2, 3, 0});
        c = __builtin_shuffle(c, (v4u){2, 3, 0, 1});
        d = __builtin_shuffle(d, (v4u){3, 0, 1, 2});
        QUARTERS(a, b, c, d);
        b = __builtin_shuffle(b, (v4u){3, 0, 1, 2});
        c = __builtin_shuffle(c, (v4u){2, 3, 0, 1});
        d = __builtin_shuffle(d, (v4u){1, 2, 3, 0});
    }
    return (a + one) ^ (b + two) ^ (c + three) ^ (d + four);
}

int main(void)
{
    const v4u one = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, two = {1, 2, 3, 4}, three = {5, 6, 7, 8};
    v4u four = {0, 0, 9, 10}, total = {0};
    uint32_t sum = 1;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        four[0] = i;
        total += block(one, two, three, four);
    }
    for (int k = 0; k < 4; k++)
        sum = fold(sum, total[k]);
    printf("%08x\n", sum);
    return 0;
}
