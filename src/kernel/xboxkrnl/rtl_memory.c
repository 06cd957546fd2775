// Rtl*: filling and comparing memory, checksums.
#include <string.h>

#include "kernel/api.h"
#include "kernel/state.h"

void RtlFillMemoryUlong(struct krnl_call *c, uint32_t destination, uint32_t length, uint32_t pattern)
{
    uint32_t bytes = length & ~3u, big_endian = __builtin_bswap32(pattern);
    uint8_t *at = bytes ? mem_at(c->mem, destination, bytes, MEM_WRITE) : NULL;
    if (bytes && !at)
        log_write(c->k->log, LOG_GUEST, "rtl", "RtlFillMemoryUlong of 0x%08x + 0x%x, which is not all writable",
                  destination, bytes);
    for (uint32_t i = 0; at && i < bytes; i += 4)
        memcpy(at + i, &big_endian, 4);
}

// How many bytes equal the pattern before the first word that does not.
uint32_t RtlCompareMemoryUlong(struct krnl_call *c, uint32_t source, uint32_t length, uint32_t pattern)
{
    uint32_t equal = 0, word;
    while (length - equal >= 4 && mem_get32(c->mem, source + equal, &word) && word == pattern)
        equal += 4;
    return equal;
}

// NT counts the bytes before the first difference, the reference all that are equal.
uint32_t RtlCompareMemory(struct krnl_call *c, uint32_t source1, uint32_t source2, uint32_t length)
{
    uint32_t equal = 0;
    uint8_t a, b;
    for (uint32_t i = 0; i < length && mem_get8(c->mem, source1 + i, &a) && mem_get8(c->mem, source2 + i, &b); i++) {
        if (a == b)
            equal++;
        else if (c->k->config.profile == KRNL_CONSOLE)
            break;
    }
    return equal;
}

// CRC-32 of Ethernet, bit-reversed; the seed is the checksum so far.
uint32_t RtlComputeCrc32(struct krnl_call *c, uint32_t seed, uint32_t buffer, uint32_t length)
{
    uint32_t crc = ~seed;
    uint8_t byte;
    for (uint32_t i = 0; i < length && mem_get8(c->mem, buffer + i, &byte); i++) {
        crc ^= byte;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}
