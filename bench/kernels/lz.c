// bench: branches. A small LZ77: matches found by a hash of three bytes, then the text unpacked and compared.
#include "kernel.h"

#ifndef ROUNDS
#define ROUNDS 300
#endif
#define SIZE 131072
#define HASHES 8192
#define LONGEST 130

static uint8_t text[SIZE], packed[SIZE * 2], unpacked[SIZE];
static int32_t latest[HASHES];

static uint32_t hash(const uint8_t *p)
{
    return ((uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2]) * 2654435761u >> 19;
}

// Words of a small vocabulary, so that there is something to find.
static void make_text(uint32_t seed)
{
    uint32_t at = 0, random = seed;
    while (at < SIZE) {
        uint32_t word = (next_random(&random) >> 5 & 255) * 7 + 1;
        for (uint32_t length = 2 + word % 7; length && at < SIZE; length--) {
            text[at++] = (uint8_t)('a' + word % 26);
            word = word * 31 + 7;
        }
        if (at < SIZE)
            text[at++] = ' ';
    }
}

static uint32_t match_length(uint32_t a, uint32_t b)
{
    uint32_t n = 0;
    while (n < LONGEST && b + n < SIZE && text[a + n] == text[b + n])
        n++;
    return n;
}

// A token is a byte below 128 and one more literals than it says, or 125 less than it and a distance of two bytes.
static uint32_t pack(void)
{
    uint32_t out = 0, at = 0, literals = 0, head = 0;
    for (int i = 0; i < HASHES; i++)
        latest[i] = -1;
    while (at < SIZE) {
        uint32_t length = 0;
        int32_t before = -1;
        if (at + 3 <= SIZE) {
            int32_t *slot = &latest[hash(text + at)];
            before = *slot;
            *slot = (int32_t)at;
            if (before >= 0 && at - (uint32_t)before < 65536)
                length = match_length((uint32_t)before, at);
        }
        if (length >= 3) {
            const uint32_t distance = at - (uint32_t)before;
            packed[out++] = (uint8_t)(length + 125);
            packed[out++] = (uint8_t)(distance >> 8);
            packed[out++] = (uint8_t)distance;
            at += length;
            literals = 0;
            continue;
        }
        if (!literals || literals == 128) {
            head = out++;
            literals = 0;
        }
        packed[head] = (uint8_t)literals++;
        packed[out++] = text[at++];
    }
    return out;
}

static uint32_t unpack(uint32_t count)
{
    uint32_t out = 0, at = 0;
    while (at < count) {
        const uint32_t token = packed[at++];
        if (token < 128) {
            for (uint32_t i = 0; i <= token; i++)
                unpacked[out++] = packed[at++];
        } else {
            const uint32_t distance = (uint32_t)packed[at] << 8 | packed[at + 1];
            at += 2;
            for (uint32_t i = 0; i < token - 125; i++, out++)
                unpacked[out] = unpacked[out - distance];
        }
    }
    return out;
}

int main(void)
{
    uint32_t sum = 1;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        if (i % 8 == 0)
            make_text(19 + i);
        const uint32_t size = pack();
        sum = fold(fold(sum, size), unpack(size));
        for (uint32_t j = 0; j < SIZE; j += 997)
            sum = fold(sum, unpacked[j] == text[j] ? unpacked[j] : 0xBADu);
    }
    printf("%08x\n", sum);
    return 0;
}
