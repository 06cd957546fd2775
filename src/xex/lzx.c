// libmspack has the decoder, in its static library only, and no header for it: the prototypes are ours.
#include "xex/lzx.h"

#include <mspack.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct lzxd_stream *lzxd_init(struct mspack_system *system, struct mspack_file *input, struct mspack_file *output,
                              int window_bits, int reset_interval, int input_buffer_size, off_t output_length,
                              char is_delta);
int lzxd_decompress(struct lzxd_stream *lzx, off_t out_bytes);
void lzxd_free(struct lzxd_stream *lzx);

// How the decoder's state begins (libmspack 0.11). It has no call that puts a reference into the window of a plain LZX
// stream, so that is done here; what is known of the fields is checked before any is written.
struct lzxd_stream {
    struct mspack_system *system;
    struct mspack_file *input, *output;
    off_t offset, length;
    unsigned char *window;
    unsigned int window_size, reference_size;
};

struct memory_file { // what the decoder reads from and writes to
    struct mspack_file file;
    const uint8_t *in;
    uint8_t *out;
    size_t left;
};

static int read_memory(struct mspack_file *which, void *buffer, int bytes)
{
    struct memory_file *file = (struct memory_file *)which;
    size_t size = (size_t)bytes < file->left ? (size_t)bytes : file->left;
    memcpy(buffer, file->in, size);
    file->in += size;
    file->left -= size;
    return (int)size;
}

static int write_memory(struct mspack_file *which, void *buffer, int bytes)
{
    struct memory_file *file = (struct memory_file *)which;
    if ((size_t)bytes > file->left)
        return -1;
    memcpy(file->out, buffer, (size_t)bytes);
    file->out += bytes;
    file->left -= (size_t)bytes;
    return bytes;
}

// Zeroed: a bad stream that looks behind its window sees the same bytes each time.
static void *allocate(struct mspack_system *self, size_t bytes)
{
    (void)self;
    return calloc(1, bytes);
}

static void copy_memory(void *from, void *to, size_t bytes)
{
    memcpy(to, from, bytes);
}

static bool set_reference(struct lzxd_stream *lzx, const struct lzx_input *in, const struct memory_file *from,
                          const struct memory_file *to, size_t size, struct error *err)
{
    if (!in->reference_size)
        return true;
    if (lzx->input != &from->file || lzx->output != &to->file || lzx->offset || (size_t)lzx->length != size ||
        lzx->window_size != in->window || lzx->reference_size)
        return error_set(err, ERR_UNSUPPORTED, "this build's libmspack is not 0.11: it cannot read delta patches");
    memcpy(lzx->window + in->window - in->reference_size, in->reference, in->reference_size);
    lzx->reference_size = (unsigned)in->reference_size;
    return true;
}

bool lzx_decompress(const struct lzx_input *in, uint8_t *out, size_t size, struct error *err)
{
    if (in->window < LZX_WINDOW_MIN || in->window > LZX_WINDOW_MAX || in->window & (in->window - 1))
        return error_set(err, ERR_FORMAT, "LZX window of 0x%x bytes is not a power of 2 in 0x%x-0x%x", in->window,
                         LZX_WINDOW_MIN, LZX_WINDOW_MAX);
    if (in->reference_size > in->window)
        return error_set(err, ERR_FORMAT, "LZX reference of 0x%zx bytes is larger than the window of 0x%x",
                         in->reference_size, in->window);
    struct mspack_system system = {
        .read = read_memory, .write = write_memory, .alloc = allocate, .free = free, .copy = copy_memory};
    struct memory_file from = {.in = in->data, .left = in->size}, to = {.out = out, .left = size};
    struct lzxd_stream *lzx =
        lzxd_init(&system, &from.file, &to.file, __builtin_ctz(in->window), 0, (int)LZX_FRAME, (off_t)size, 0);
    if (!lzx)
        return error_set(err, ERR_MEMORY, "no memory for an LZX window of 0x%x bytes", in->window);
    bool ok = set_reference(lzx, in, &from, &to, size, err);
    int status = ok ? lzxd_decompress(lzx, (off_t)size) : 0;
    lzxd_free(lzx);
    if (status == MSPACK_ERR_NOMEMORY)
        return error_set(err, ERR_MEMORY, "no memory to decompress LZX");
    if (ok && (status || to.left))
        return error_set(err, ERR_FORMAT, "LZX stream of 0x%zx bytes fails after 0x%zx of 0x%zx bytes", in->size,
                         size - to.left, size);
    return ok;
}
