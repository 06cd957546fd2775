// The image of an XEX2: found by key, decrypted and decompressed block by block straight into its place.
#include <nettle/aes.h>
#include <nettle/cbc.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "xex/lzx.h"
#include "xex/xex_private.h"

static const uint8_t devkit_key[XEX_KEY_BYTES]; // development images are encrypted with sixteen zero bytes

// The file's data after the header, decrypted in order while it is read.
struct source {
    const uint8_t *at;
    size_t left;
    bool encrypted;
    struct CBC_CTX(struct aes128_ctx, AES_BLOCK_SIZE) cipher;
};

static void source_begin(struct source *s, const struct xex *x, const uint8_t *key)
{
    *s = (struct source){.at = x->data + x->info.header_size, .left = x->size - x->info.header_size, .encrypted = key};
    if (!key)
        return;
    struct aes128_ctx unwrap;
    uint8_t session[XEX_KEY_BYTES];
    aes128_set_decrypt_key(&unwrap, key);
    aes128_decrypt(&unwrap, sizeof session, session, x->session_key);
    aes128_set_decrypt_key(&s->cipher.ctx, session);
    memset(s->cipher.iv, 0, sizeof s->cipher.iv);
}

// `size` is at most s->left, and whole AES blocks when encrypted.
static void source_read(struct source *s, uint8_t *out, size_t size)
{
    if (s->encrypted)
        CBC_DECRYPT(&s->cipher, aes128_decrypt, size, out, s->at);
    else
        memcpy(out, s->at, size);
    s->at += size;
    s->left -= size;
}

static bool is_chained(const struct xex *x)
{
    return x->info.compression >= XEX_COMPRESSION_NORMAL;
}

// Whether the data's start looks right with this key: a PE, or a block of a chain.
static bool key_opens(const struct xex *x, const uint8_t *key)
{
    struct source s;
    uint8_t first[2 * AES_BLOCK_SIZE];
    source_begin(&s, x, key);
    size_t size = is_chained(x) ? sizeof first : AES_BLOCK_SIZE;
    if (s.left < size)
        return false;
    size_t left = s.left;
    source_read(&s, first, size);
    if (!is_chained(x))
        return first[0] == 'M' && first[1] == 'Z';
    bool piece = x->info.compression == XEX_COMPRESSION_DELTA || be16_get(first + XEX_BLOCK_HEADER);
    return be32_get(first) <= left && piece;
}

// Leaves in *key the key that makes the image a PE; NULL for a plain image.
static bool choose_key(struct xex *x, const struct xex_options *opts, const uint8_t **key, struct error *err)
{
    const uint8_t *retail = opts ? opts->retail_key : NULL;
    *key = NULL;
    if (x->info.encryption == XEX_ENCRYPTION_NONE) {
        x->info.key_used = XEX_KEY_USED_NONE;
        return true;
    }
    if (x->size - x->info.header_size < AES_BLOCK_SIZE)
        return error_set(err, ERR_FORMAT, "image: the file ends at offset 0x%zx, before the data at 0x%x is whole",
                         x->size, x->info.header_size);
    if (retail && key_opens(x, retail)) {
        *key = retail;
        x->info.key_used = XEX_KEY_USED_RETAIL;
    } else if (key_opens(x, devkit_key)) {
        *key = devkit_key;
        x->info.key_used = XEX_KEY_USED_DEVKIT;
    } else if (retail) {
        return error_set(err, ERR_KEY,
                         "image at file offset 0x%x: neither the given retail key nor the devkit key opens it (no %s "
                         "after decryption): check the retail= line of keys.txt or --key",
                         x->info.header_size, is_chained(x) ? "compressed block" : "'MZ'");
    } else {
        return error_set(err, ERR_KEY,
                         "image at file offset 0x%x is encrypted with the console's retail key: put a line retail=<32 "
                         "hex digits> into keys.txt, or give --key <32 hex digits>",
                         x->info.header_size);
    }
    return true;
}

static bool check_size(const struct source *s, const struct xex *x, size_t size, struct error *err)
{
    if (size > s->left)
        return error_set(err, ERR_FORMAT, "image: 0x%zx bytes wanted at file offset 0x%zx, the file ends at 0x%zx",
                         size, (size_t)(s->at - x->data), x->size);
    if (s->encrypted && size % AES_BLOCK_SIZE)
        return error_set(err, ERR_FORMAT,
                         "image: 0x%zx encrypted bytes at file offset 0x%zx are not whole 16-byte blocks", size,
                         (size_t)(s->at - x->data));
    return true;
}

// The data as it is; a file may leave out zeros at the end of the image.
static bool read_plain(struct xex *x, struct source *s, struct error *err)
{
    size_t size = s->left < x->info.image_size ? s->left : x->info.image_size;
    if (s->encrypted)
        size -= size % AES_BLOCK_SIZE;
    if (x->info.image_size - size >= x->info.page_size)
        return error_set(err, ERR_FORMAT, "image: file offset 0x%x has 0x%zx bytes of the image's 0x%x",
                         x->info.header_size, s->left, x->info.image_size);
    source_read(s, x->image, size);
    return true;
}

// Pairs of (bytes of data, zeros behind them) in the file format info.
static bool read_basic(struct xex *x, struct source *s, struct error *err)
{
    size_t used = 0;
    uint32_t count = (x->format_size - 8) / 8;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = x->format_offset + 8 + 8 * i;
        uint32_t data = be32_get(x->data + at), zeros = be32_get(x->data + at + 4);
        if ((uint64_t)data + zeros > x->info.image_size - used)
            return error_set(
                err, ERR_FORMAT,
                "compression block %u at file offset 0x%x: 0x%x + 0x%x bytes at 0x%zx pass the image's 0x%x", i, at,
                data, zeros, used, x->info.image_size);
        if (!check_size(s, x, data, err))
            return false;
        source_read(s, x->image + used, data);
        used += (size_t)data + zeros;
    }
    if (x->info.image_size - used >= x->info.page_size)
        return error_set(err, ERR_FORMAT, "compression blocks at file offset 0x%x make 0x%zx bytes of the image's 0x%x",
                         x->format_offset + 8, used, x->info.image_size);
    return true;
}

bool xex_decrypt_data(struct xex *x, const struct xex_options *opts, uint8_t **out, size_t *size, struct error *err)
{
    const uint8_t *key;
    *out = NULL;
    if (!choose_key(x, opts, &key, err))
        return false;
    struct source s;
    source_begin(&s, x, key);
    *size = key ? s.left - s.left % AES_BLOCK_SIZE : s.left;
    *out = malloc(*size + 1);
    if (!*out)
        return error_set(err, ERR_MEMORY, "no memory for 0x%zx bytes of the file", *size);
    source_read(&s, *out, *size);
    return true;
}

bool xex_first_block(const struct xex *x, struct xex_block_chain *chain, uint32_t *window, struct error *err)
{
    enum { NEED = 8 + 4 + 4 + XEX_DIGEST };
    if (x->format_size < NEED)
        return error_set(err, ERR_FORMAT, "file format info at file offset 0x%x: 0x%x bytes, need 0x%x",
                         x->format_offset, x->format_size, NEED);
    const uint8_t *p = x->data + x->format_offset + 8;
    *window = be32_get(p);
    *chain = (struct xex_block_chain){.size = be32_get(p + 4)};
    memcpy(chain->digest, p + 8, XEX_DIGEST);
    return true;
}

bool xex_next_block(struct xex *x, struct xex_block_chain *chain, const uint8_t *data, size_t data_size,
                    const uint8_t **payload, size_t *payload_size, struct error *err)
{
    *payload = NULL;
    *payload_size = 0;
    if (!chain->size)
        return true;
    const uint8_t *p = data + chain->at;
    if (chain->size > data_size - chain->at || chain->size < XEX_BLOCK_HEADER)
        return error_set(err, ERR_FORMAT, "compressed block at file offset 0x%zx: size 0x%x, 0x%zx bytes are left",
                         x->info.header_size + chain->at, chain->size, data_size - chain->at);
    if (!xex_check_digest(x, chain->digest, p, chain->size, NULL, 0, err, "compressed block at file offset 0x%zx",
                          x->info.header_size + chain->at))
        return false;
    *payload = p + XEX_BLOCK_HEADER;
    *payload_size = chain->size - XEX_BLOCK_HEADER;
    chain->at += chain->size;
    chain->size = be32_get(p);
    memcpy(chain->digest, p + 4, XEX_DIGEST);
    return true;
}

// Appends a block's pieces (size in 16 bits, bytes; size 0 ends) to the stream, which is never longer than the blocks.
static bool join_pieces(uint8_t *stream, size_t *used, const uint8_t *payload, size_t size, struct error *err)
{
    for (size_t at = 0; at + 2 <= size;) {
        uint32_t piece = be16_get(payload + at);
        if (!piece)
            return true;
        if (piece > size - at - 2)
            return error_set(err, ERR_FORMAT, "compressed block: a piece of 0x%x bytes passes the block's end by 0x%zx",
                             piece, piece - (size - at - 2));
        memcpy(stream + *used, payload + at + 2, piece);
        *used += piece;
        at += 2 + piece;
    }
    return true;
}

static bool read_normal(struct xex *x, const uint8_t *data, size_t size, uint8_t *stream, struct error *err)
{
    struct xex_block_chain chain;
    uint32_t window;
    size_t used = 0, payload_size;
    const uint8_t *payload;
    if (!xex_first_block(x, &chain, &window, err))
        return false;
    do {
        if (!xex_next_block(x, &chain, data, size, &payload, &payload_size, err) ||
            !join_pieces(stream, &used, payload, payload_size, err))
            return false;
    } while (payload);
    return lzx_decompress(&(struct lzx_input){stream, used, NULL, 0, window}, x->image, x->info.image_size, err);
}

static bool read_chained(struct xex *x, const struct xex_options *opts, struct error *err)
{
    uint8_t *data, *stream;
    size_t size;
    if (!xex_decrypt_data(x, opts, &data, &size, err))
        return false;
    stream = malloc(size + 1);
    bool ok = stream ? read_normal(x, data, size, stream, err)
                     : error_set(err, ERR_MEMORY, "no memory for an LZX stream of 0x%zx bytes", size);
    free(stream);
    free(data);
    return ok;
}

static bool check_supported(const struct xex *x, struct error *err)
{
    if (x->info.module_flags & XEX_MODULE_PATCH)
        return error_set(err, ERR_UNSUPPORTED,
                         "a patch (XEXP, module flags 0x%08x) has no image of its own: open its title with --patch",
                         x->info.module_flags);
    if (x->info.compression == XEX_COMPRESSION_DELTA)
        return error_set(err, ERR_UNSUPPORTED,
                         "compression type at file offset 0x%x is 3 (delta), but the module is no patch",
                         x->format_offset + 6);
    return true;
}

static bool read_direct(struct xex *x, const struct xex_options *opts, struct error *err)
{
    const uint8_t *key;
    if (!choose_key(x, opts, &key, err))
        return false;
    struct source s;
    source_begin(&s, x, key);
    return x->info.compression == XEX_COMPRESSION_BASIC ? read_basic(x, &s, err) : read_plain(x, &s, err);
}

bool xex_read_image(struct xex *x, const struct xex_options *opts, struct error *err)
{
    if (!check_supported(x, err))
        return false;
    x->image = calloc(1, x->info.image_size);
    if (!x->image)
        return error_set(err, ERR_MEMORY, "no memory for the image's 0x%x bytes", x->info.image_size);
    pages_prefault(x->image, x->info.image_size);
    bool ok = is_chained(x) ? read_chained(x, opts, err) : read_direct(x, opts, err);
    if (!ok) {
        free(x->image);
        x->image = NULL;
    }
    return ok;
}

struct range {
    gva start;
    uint32_t size; // bytes
};

static int by_address(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

// The masked ranges in the order of addresses.
static struct range *mask_ranges(const struct xex *x, size_t *count)
{
    size_t most = 0;
    for (size_t i = 0; i < x->library_count; i++)
        most += 2 * x->libraries[i].import_count;
    struct range *ranges = calloc(most + 1, sizeof *ranges);
    *count = 0;
    for (size_t i = 0; ranges && i < x->library_count; i++)
        for (size_t k = 0; k < x->libraries[i].import_count; k++) {
            const struct xex_import *m = &x->libraries[i].imports[k];
            if (m->slot)
                ranges[(*count)++] = (struct range){m->slot, 4};
            if (m->thunk)
                ranges[(*count)++] = (struct range){m->thunk, XEX_IMPORT_THUNK_BYTES};
        }
    if (ranges)
        qsort(ranges, *count, sizeof *ranges, by_address);
    return ranges;
}

bool xex_image_digest(const struct xex *x, bool masked, uint8_t digest[XEX_DIGEST_BYTES])
{
    static const uint8_t zeros[XEX_IMPORT_THUNK_BYTES];
    size_t count = 0;
    struct range *ranges = masked && x->image ? mask_ranges(x, &count) : NULL;
    if (!x->image || (masked && !ranges))
        return false;
    struct sha256_ctx sha;
    sha256_init(&sha);
    uint32_t done = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t start = ranges[i].start - x->info.base, end = start + ranges[i].size;
        if (end <= done)
            continue;
        if (start < done) // records that overlap
            start = done;
        sha256_update(&sha, start - done, x->image + done);
        sha256_update(&sha, end - start, zeros);
        done = end;
    }
    free(ranges);
    sha256_update(&sha, x->info.image_size - done, x->image + done);
    sha256_digest(&sha, XEX_DIGEST_BYTES, digest);
    return true;
}
