// lzx.h: LZX streams as XEX files have them: 32 KB frames, one header bit, no reset. Decompression is libmspack's.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LZX_FRAME      0x8000u // bytes of output between two alignments of the stream
#define LZX_WINDOW_MIN 0x8000u
#define LZX_WINDOW_MAX 0x200000u

struct lzx_input {
    const uint8_t *data;
    size_t size;
    const uint8_t *reference; // what the window holds before the first byte (delta patches); NULL: zeros
    size_t reference_size;    // at most the window
    uint32_t window;          // bytes, a power of 2 in LZX_WINDOW_MIN..LZX_WINDOW_MAX
};

// Makes exactly `size` bytes. Fails with ERR_FORMAT (the stream, the window) or ERR_MEMORY. `out` may not overlap the input
// or the reference.
bool lzx_decompress(const struct lzx_input *in, uint8_t *out, size_t size, struct error *err);

// Writes one frame (`size` bytes, at most LZX_FRAME) as an uncompressed block; `first`: the stream begins with it. `out` needs
// room for LZX_STORED(size) bytes. Returns the bytes written.
#define LZX_STORED(size) ((size) + 17)
size_t lzx_store_frame(uint8_t *out, const uint8_t *data, size_t size, bool first);
