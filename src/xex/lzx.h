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

// The other way. Every form makes streams that lzx_decompress turns back into `data`.
enum lzx_form {
    LZX_BEST_BLOCKS, // aligned, or stored where that is shorter
    LZX_STORED_BLOCKS,
    LZX_VERBATIM_BLOCKS,
    LZX_ALIGNED_BLOCKS,
};

struct lzx_plain {
    const uint8_t *data;
    size_t size;
    const uint8_t *reference; // as above
    size_t reference_size;
    uint32_t window;
    enum lzx_form form;
};

struct lzx_packed {
    uint8_t *data;
    size_t size;
    uint32_t *frame_ends; // offset in `data` behind each frame of LZX_FRAME bytes
    size_t frame_count;
};

// Fails with ERR_ARGUMENT (the window) or ERR_MEMORY. Life of *out: lzx_packed_free. Same input, same stream.
bool lzx_compress(const struct lzx_plain *in, struct lzx_packed *out, struct error *err);
void lzx_packed_free(struct lzx_packed *p);
