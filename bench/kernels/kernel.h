// kernel.h: what every kernel of the CPU bench may use: fixed-size integers, printf, a random number. No library else: the
// same source is compiled for the host and for the guest and must print the same checksum, whatever the byte order.
#pragma once
#include <stddef.h>
#include <stdint.h>

int printf(const char *format, ...);

// Marsaglia's xorshift: the same numbers everywhere. `*state` must not be zero.
static inline uint32_t next_random(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

// Folds a value into a checksum; order matters.
static inline uint32_t fold(uint32_t sum, uint32_t value)
{
    sum ^= value;
    return (sum << 5 | sum >> 27) * 0x9E3779B1u;
}

static inline uint32_t fold64(uint32_t sum, uint64_t value)
{
    return fold(fold(sum, (uint32_t)value), (uint32_t)(value >> 32));
}

static inline uint32_t fold_double(uint32_t sum, double value)
{
    union {
        double number;
        uint64_t bits;
    } raw = {value};
    return fold64(sum, raw.bits);
}

static inline uint32_t fold_float(uint32_t sum, float value)
{
    union {
        float number;
        uint32_t bits;
    } raw = {value};
    return fold(sum, raw.bits);
}
