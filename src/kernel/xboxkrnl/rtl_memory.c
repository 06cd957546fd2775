// Rtl*: filling and comparing memory, checksums.
#include <string.h>

#include "kernel/api.h"
#include "kernel/state.h"

enum { PAGE = 0x1000 };

// The bytes at `at`, up to `left` and up to the page's end; NULL where nothing can be read. A title may name gigabytes.
static const uint8_t *piece(const struct krnl_call *c, gva at, uint32_t left, uint32_t *size)
{
    uint32_t room = PAGE - at % PAGE;
    *size = left < room ? left : room;
    return mem_at(c->mem, at, *size, MEM_READ);
}

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
    uint32_t equal = 0, size = 0;
    for (uint32_t done = 0; done < length; done += size) {
        const uint8_t *a = piece(c, source1 + done, length - done, &size);
        const uint8_t *b = a ? piece(c, source2 + done, size, &size) : NULL;
        if (!b)
            break;
        if (!memcmp(a, b, size)) {
            equal += size;
            continue;
        }
        for (uint32_t i = 0; i < size; i++) {
            if (a[i] == b[i])
                equal++;
            else if (c->k->config.profile == KRNL_CONSOLE)
                return equal;
        }
    }
    return equal;
}

// CRC-32 of Ethernet, bit-reversed; the seed is the checksum so far.
uint32_t RtlComputeCrc32(struct krnl_call *c, uint32_t seed, uint32_t buffer, uint32_t length)
{
    static const uint32_t four_bits[] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
        0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };
    uint32_t crc = ~seed, size = 0;
    const uint8_t *at;
    for (uint32_t done = 0; done < length && (at = piece(c, buffer + done, length - done, &size)); done += size)
        for (uint32_t i = 0; i < size; i++) {
            crc ^= at[i];
            crc = crc >> 4 ^ four_bits[crc & 15];
            crc = crc >> 4 ^ four_bits[crc & 15];
        }
    return ~crc;
}
