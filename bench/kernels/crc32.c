// bench: integer. CRC-32 by table: a chain of dependent loads, byte by byte.
#include "kernel.h"

#ifndef ROUNDS
#define ROUNDS 600
#endif
#define SIZE 65536

static uint32_t table[256];
static uint8_t data[SIZE];

static void fill_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? 0xEDB88320u ^ c >> 1 : c >> 1;
        table[i] = c;
    }
}

static uint32_t crc(uint32_t start, const uint8_t *bytes, size_t count)
{
    uint32_t c = ~start;
    for (size_t i = 0; i < count; i++)
        c = table[(c ^ bytes[i]) & 255] ^ c >> 8;
    return ~c;
}

int main(void)
{
    uint32_t random = 7, sum = 0;
    fill_table();
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)next_random(&random);
    for (uint32_t i = 0; i < ROUNDS; i++)
        sum = crc(sum, data, SIZE);
    printf("%08x\n", sum);
    return 0;
}
