// bench: memory. Copies, fills and byte order: words, bytes and reversed words through buffers larger than a first cache.
#include "kernel.h"

#ifndef ROUNDS
#define ROUNDS 1800
#endif
#define WORDS 32768

static uint32_t from[WORDS], to[WORDS];

static void copy_words(uint32_t *restrict out, const uint32_t *restrict in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = in[i];
}

static void fill_bytes(uint8_t *out, uint8_t value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = value;
}

static void reverse_words(uint32_t *out, const uint32_t *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = __builtin_bswap32(in[i]);
}

static uint32_t add_halves(const uint16_t *in, size_t count)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += in[i];
    return sum;
}

int main(void)
{
    uint32_t random = 11, sum = 1;
    for (int i = 0; i < WORDS; i++)
        from[i] = next_random(&random);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        copy_words(to, from, WORDS);
        fill_bytes((uint8_t *)to + (i & 1023) * 16, (uint8_t)i, 16384);
        sum = fold(sum, add_halves((const uint16_t *)(const void *)to, WORDS / 2 * 2));
        reverse_words(from, to, WORDS);
        from[i % WORDS] += sum;
    }
    printf("%08x\n", fold(sum, from[WORDS / 3]));
    return 0;
}
