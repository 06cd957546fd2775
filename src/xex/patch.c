// Delta patches (XEXP): an XEX2 whose descriptor turns the title's header into the new one, and whose data, a chain of blocks,
// turns the image into the new one. Both are lists of deltas: zeros, a copy, or LZX with the old bytes in the window.
#include <stdlib.h>
#include <string.h>

#include "xex/lzx.h"
#include "xex/xex_private.h"

#define SIGNATURE_BYTES  0x100u
#define DELTA_FIXED      12u
#define HEADER_SIZE_MOST 0x1000000u
#define IMAGE_SIZE_MOST  0x20000000u

enum descriptor { // offsets in the delta patch descriptor
    TARGET_VERSION = 0x04,
    SOURCE_VERSION = 0x08,
    SOURCE_DIGEST = 0x0C, // of the title's signature
    TARGET_HEADER = 0x30, // size
    HEADER_MOVE = 0x34,   // from, size, to
    IMAGE_MOVE = 0x40,
    HEADER_DELTAS = 0x4C,
};

// What is being changed, in place.
struct target {
    uint8_t *bytes;
    size_t size;
    const char *name;
};

static bool is_inside(const struct target *t, uint32_t at, uint32_t size)
{
    return at <= t->size && size <= t->size - at;
}

// Before the deltas a part may move: three words at `p`; a source of 0 moves nothing.
static bool move(const struct target *t, const uint8_t *p, struct error *err)
{
    uint32_t from = be32_get(p), size = be32_get(p + 4), to = be32_get(p + 8);
    if (!from)
        return true;
    if (!is_inside(t, from, size) || !is_inside(t, to, size))
        return error_set(err, ERR_FORMAT, "patch: 0x%x bytes of the %s from 0x%x to 0x%x pass its 0x%zx", size, t->name,
                         from, to, t->size);
    memmove(t->bytes + to, t->bytes + from, size);
    return true;
}

static bool decompress(const struct target *t, const uint8_t *delta, uint32_t window, struct error *err)
{
    uint32_t from = be32_get(delta), to = be32_get(delta + 4), size = be16_get(delta + 8);
    struct lzx_input in = {delta + DELTA_FIXED, be16_get(delta + 10), t->bytes + from, size, window};
    uint8_t *out = malloc(size + 1);
    if (!out)
        return error_set(err, ERR_MEMORY, "no memory for a patch of 0x%x bytes", size);
    bool ok = lzx_decompress(&in, out, size, err) || error_context(err, "patch of the %s at 0x%x", t->name, to);
    if (ok)
        memcpy(t->bytes + to, out, size);
    free(out);
    return ok;
}

// The deltas in [p, p + size): each says from, to, size and packed size: 0 zeros, 1 a copy, else LZX.
static bool apply_deltas(const struct target *t, const uint8_t *p, size_t size, uint32_t window, struct error *err)
{
    while (size >= DELTA_FIXED) {
        uint32_t from = be32_get(p), to = be32_get(p + 4), bytes = be16_get(p + 8), packed = be16_get(p + 10);
        if (!from && !to && !bytes && !packed)
            return true;
        uint32_t data = packed > 1 ? packed : 0;
        if (data > size - DELTA_FIXED)
            return error_set(err, ERR_FORMAT, "patch of the %s at 0x%x: 0x%x bytes of LZX, 0x%zx are left", t->name, to,
                             data, size - DELTA_FIXED);
        if (!is_inside(t, to, bytes) || (packed && !is_inside(t, from, bytes)))
            return error_set(err, ERR_FORMAT, "patch of the %s: 0x%x bytes from 0x%x to 0x%x pass its 0x%zx", t->name,
                             bytes, from, to, t->size);
        if (packed == 0)
            memset(t->bytes + to, 0, bytes);
        else if (packed == 1)
            memmove(t->bytes + to, t->bytes + from, bytes);
        else if (!decompress(t, p, window, err))
            return false;
        p += DELTA_FIXED + data;
        size -= DELTA_FIXED + data;
    }
    return true;
}

static bool check_source(struct xex *x, const uint8_t *descriptor, struct error *err)
{
    uint32_t source = be32_get(descriptor + SOURCE_VERSION);
    if (source != x->info.execution.version)
        return error_set(err, ERR_FORMAT, "the patch is for version 0x%08x of the title, this is 0x%08x", source,
                         x->info.execution.version);
    return xex_check_digest(x, descriptor + SOURCE_DIGEST, x->data + x->info.security_offset + 8, SIGNATURE_BYTES, NULL,
                            0, err, "the title's signature, as the patch expects it,");
}

// Leaves in `n` the new title's header, parsed.
static bool patch_header(struct xex *n, const struct xex *x, const struct xex *patch, struct error *err)
{
    const uint8_t *d = patch->data + patch->patch_offset;
    uint32_t moved = be32_get(d + HEADER_MOVE + 8) + be32_get(d + HEADER_MOVE + 4);
    uint32_t size = moved ? moved : be32_get(d + TARGET_HEADER), window;
    size_t room = size > x->info.header_size ? size : x->info.header_size;
    struct xex_block_chain unused;
    if (!size || size > HEADER_SIZE_MOST)
        return error_set(err, ERR_FORMAT, "patch: a header of 0x%x bytes", size);
    n->owned_header = calloc(1, room);
    if (!n->owned_header)
        return error_set(err, ERR_MEMORY, "no memory for a header of 0x%zx bytes", room);
    struct target t = {n->owned_header, room, "header"};
    memcpy(t.bytes, x->data, x->info.header_size);
    if (!xex_first_block(patch, &unused, &window, err) || !move(&t, d + HEADER_MOVE, err) ||
        !apply_deltas(&t, d + HEADER_DELTAS, patch->patch_size - HEADER_DELTAS, window, err))
        return false;
    n->data = n->owned_header;
    n->size = size;
    n->ignore_hashes = x->ignore_hashes;
    return (xex_parse_header(n, err) && xex_check_header(n, err)) || error_context(err, "patched header");
}

static bool patch_blocks(struct xex *patch, const struct target *t, const uint8_t *data, size_t size, struct error *err)
{
    struct xex_block_chain chain;
    uint32_t window;
    const uint8_t *payload;
    size_t payload_size;
    if (!xex_first_block(patch, &chain, &window, err))
        return false;
    do {
        if (!xex_next_block(patch, &chain, data, size, &payload, &payload_size, err) ||
            !apply_deltas(t, payload, payload_size, window, err))
            return false;
    } while (payload);
    return true;
}

static bool patch_image(struct xex *n, const struct xex *x, struct xex *patch, const struct xex_options *opts,
                        struct error *err)
{
    const uint8_t *d = patch->data + patch->patch_offset;
    size_t room = n->info.image_size > x->info.image_size ? n->info.image_size : x->info.image_size, size;
    uint32_t kept = be32_get(d + IMAGE_MOVE + 8) + be32_get(d + IMAGE_MOVE + 4);
    uint8_t *data;
    if (room > IMAGE_SIZE_MOST || !(n->image = calloc(1, room)))
        return error_set(err, ERR_MEMORY, "no memory for an image of 0x%zx bytes", room);
    struct target t = {n->image, room, "image"};
    memcpy(t.bytes, x->image, x->info.image_size);
    if (!move(&t, d + IMAGE_MOVE, err) || !xex_decrypt_data(patch, opts, &data, &size, err))
        return false;
    if (kept && kept < room)
        memset(t.bytes + kept, 0, room - kept);
    bool ok = patch_blocks(patch, &t, data, size, err);
    free(data);
    return ok;
}

static bool make_patched(struct xex *n, struct xex *x, struct xex *patch, const struct xex_options *opts,
                         struct error *err)
{
    if (!patch->patch_size || patch->info.compression != XEX_COMPRESSION_DELTA)
        return error_set(err, ERR_FORMAT, "not a delta patch (module flags 0x%08x, compression %u)",
                         patch->info.module_flags, patch->info.compression);
    if (!check_source(x, patch->data + patch->patch_offset, err) || !patch_header(n, x, patch, err) ||
        !patch_image(n, x, patch, opts, err) || !xex_parse_image(n, err))
        return false;
    n->info.key_used = x->info.key_used;
    return true;
}

bool xex_apply_patch(struct xex *x, const struct xex_options *opts, struct error *err)
{
    struct xex *patch, *n = calloc(1, sizeof *n);
    struct xex_options plain = {.retail_key = opts->retail_key, .ignore_hashes = opts->ignore_hashes};
    if (!n)
        return error_set(err, ERR_MEMORY, "no memory to patch an XEX");
    if (!xex_open(&patch, opts->patch, opts->patch_size, &plain, err)) {
        free(n);
        return error_context(err, "patch");
    }
    bool ok = make_patched(n, x, patch, &plain, err);
    if (ok) {
        struct xex old = *x;
        struct xex *first = old.hash_faults ? &old : patch->hash_faults ? patch : n;
        if (first != n)
            memcpy(n->hash_fault, first->hash_fault, sizeof n->hash_fault);
        n->hash_faults += old.hash_faults + patch->hash_faults;
        *x = *n;
        *n = old;
    }
    xex_close(n);
    xex_close(patch);
    return ok || error_context(err, "patch");
}

bool xex_patch_info(const struct xex *x, struct xex_patch_info *out)
{
    const uint8_t *d = x->data + x->patch_offset;
    *out = (struct xex_patch_info){0};
    if (!(x->info.module_flags & XEX_MODULE_PATCH) || !x->patch_size)
        return false;
    *out = (struct xex_patch_info){
        be32_get(d + SOURCE_VERSION), be32_get(d + TARGET_VERSION), be32_get(d + TARGET_HEADER)};
    return true;
}
