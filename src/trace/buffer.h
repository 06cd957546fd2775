// buffer.h: bytes that grow, for lines and chunks under construction. Internal to trace/.
// Life: zero is empty; buffer_free gives the memory back. Appending functions need room made by buffer_reserve.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct trace_buffer {
    uint8_t *data;
    size_t used, capacity; // bytes
};

// Makes room for `more` bytes. False when the host has no memory; nothing changes then.
bool trace_buffer_reserve(struct trace_buffer *b, size_t more);
void trace_buffer_free(struct trace_buffer *b);

// LEB128: seven bits a byte, low first, the top bit says that more follow. At most 10 bytes.
enum { TRACE_VARINT_MAX = 10 };

static inline uint8_t *trace_put_varint(uint8_t *p, uint64_t value)
{
    while (value >= 0x80) {
        *p++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *p++ = (uint8_t)value;
    return p;
}

// Small negative numbers (a sign-extended pointer, a step back in time) become small positive ones.
static inline uint64_t trace_zigzag(uint64_t value)
{
    return (value << 1) ^ (value >> 63 ? UINT64_MAX : 0);
}

static inline uint64_t trace_unzigzag(uint64_t value)
{
    return (value >> 1) ^ (value & 1 ? UINT64_MAX : 0);
}

// Varint length, then the bytes. Reserves its own room; false without memory.
bool trace_buffer_string(struct trace_buffer *b, const char *text);
bool trace_buffer_varint(struct trace_buffer *b, uint64_t value);

// FNV-1a, 64 bits: guards the few plain bytes of a log outside zstd's own checksums.
static inline uint64_t trace_fnv1a(const void *data, size_t size)
{
    const uint8_t *p = data;
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ p[i]) * 0x100000001B3u;
    return hash;
}
