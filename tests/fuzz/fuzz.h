// fuzz.h: what every fuzz target offers, and a check that stops whoever runs it.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

// One input. Must neither crash nor keep anything; returns 0. tests/fuzz/driver.c or libFuzzer calls it.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                  \
    do                                                                                         \
        if (!(condition)) {                                                                    \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);            \
            abort();                                                                           \
        }                                                                                      \
    while (0)

// The input as a stream of small choices; zeros behind its end.
struct fuzz_stream {
    const uint8_t *data;
    size_t size;
};

static inline uint8_t fuzz_byte(struct fuzz_stream *s)
{
    if (!s->size)
        return 0;
    s->size--;
    return *s->data++;
}

static inline uint32_t fuzz_word(struct fuzz_stream *s)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < 4; i++)
        v = v << 8 | fuzz_byte(s);
    return v;
}
