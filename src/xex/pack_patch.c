// Makes a delta patch from two titles: header and image are compared in pieces of 32 KB; a piece that differs becomes zeros, a
// copy of a piece that is there already, or LZX with the old bytes in the window.
#include <stdlib.h>
#include <string.h>

#include "xex/lzx.h"
#include "xex/pack.h"

#define DELTA_FIXED    12u
#define DELTA_MOST     (DELTA_FIXED + XEX_PIECE_BYTES + 0x20u) // LZX is stored where it would be longer
#define WINDOW         0x10000u
#define FORMAT_BYTES   (8u + 8u + XEX_DIGEST)
#define DESCRIPTOR     0x4Cu
#define PATCH_HEADERS  3u
#define EXECUTION_SIZE 24u

static uint32_t round_up(uint32_t value, uint32_t unit)
{
    return (value + unit - 1) / unit * unit;
}

// Two states of one thing; `have` follows what the patch has done so far.
struct change {
    uint8_t *have;
    const uint8_t *want;
    uint32_t size; // of `want`; `have` is at least as long
};

static bool start_change(struct change *c, const uint8_t *from, uint32_t from_size, const uint8_t *to, uint32_t to_size,
                         struct error *err)
{
    uint32_t room = from_size > to_size ? from_size : to_size;
    *c = (struct change){calloc(1, room), to, to_size};
    if (!c->have)
        return error_set(err, ERR_MEMORY, "no memory to compare 0x%x bytes", room);
    memcpy(c->have, from, from_size < to_size ? from_size : to_size); // what lies behind the new end is zeroed first
    return true;
}

// An equal piece that is there already, at the same alignment; UINT32_MAX: none.
static uint32_t find_piece(const struct change *c, uint32_t at, uint32_t size)
{
    for (uint32_t from = 0; from < c->size && c->size - from >= size; from += XEX_PIECE_BYTES)
        if (from != at && !memcmp(c->have + from, c->want + at, size))
            return from;
    return UINT32_MAX;
}

// Packs the piece at `at`; false: no memory.
static bool write_lzx(const struct change *c, uint32_t at, uint32_t size, uint8_t *out, size_t *used)
{
    struct lzx_packed lzx;
    if (!lzx_compress(&(struct lzx_plain){c->want + at, size, c->have + at, size, WINDOW, LZX_BEST_BLOCKS}, &lzx, NULL))
        return false;
    memcpy(out, lzx.data, lzx.size);
    *used = lzx.size;
    lzx_packed_free(&lzx);
    return true;
}

// Writes what makes the piece at `at` right, of *used bytes, 0 when nothing is to be done; false: no memory.
static bool write_delta(struct change *c, uint32_t at, uint8_t *out, size_t *used)
{
    static const uint8_t zeros[XEX_PIECE_BYTES];
    uint32_t size = c->size - at < XEX_PIECE_BYTES ? c->size - at : XEX_PIECE_BYTES, from;
    size_t packed = 0;
    *used = 0;
    if (!memcmp(c->have + at, c->want + at, size))
        return true;
    be32_set(out, at);
    be32_set(out + 4, at);
    be16_set(out + 8, (uint16_t)size);
    if (!memcmp(c->want + at, zeros, size)) {
        be16_set(out + 10, 0);
    } else if ((from = find_piece(c, at, size)) != UINT32_MAX) {
        be32_set(out, from);
        be16_set(out + 10, 1);
    } else {
        if (!write_lzx(c, at, size, out + DELTA_FIXED, &packed))
            return false;
        be16_set(out + 10, (uint16_t)packed);
    }
    memcpy(c->have + at, c->want + at, size);
    *used = DELTA_FIXED + packed;
    return true;
}

struct patch {
    const struct xex *from, *to;
    uint8_t *header_deltas, *data;
    uint32_t header_deltas_size, data_size, first_size;
    uint8_t first_digest[XEX_DIGEST], session[XEX_KEY_BYTES];
    bool encrypt;
    const uint8_t *key;
};

static bool compare_headers(struct patch *p, struct error *err)
{
    struct change c;
    uint32_t size = p->to->info.header_size, pieces = size / XEX_PIECE_BYTES + 1;
    p->header_deltas = calloc(pieces, DELTA_MOST);
    if (!start_change(&c, p->from->data, p->from->info.header_size, p->to->data, size, err))
        return false;
    bool ok = p->header_deltas;
    for (uint32_t at = 0; ok && at < size; at += XEX_PIECE_BYTES) {
        size_t delta;
        ok = write_delta(&c, at, p->header_deltas + p->header_deltas_size, &delta);
        p->header_deltas_size += (uint32_t)delta;
    }
    free(c.have);
    return ok || error_set(err, ERR_MEMORY, "no memory for a patch of the header");
}

static bool compare_images(struct patch *p, struct error *err)
{
    struct change c;
    uint32_t size = p->to->info.image_size, pieces = size / XEX_PIECE_BYTES + 1, count = 0, at = 0;
    uint32_t most = XEX_BLOCK_HEADER + XEX_PACK_PIECES * DELTA_MOST + 16;
    uint32_t *sizes = calloc(pieces, sizeof *sizes);
    p->data = calloc(pieces, most);
    if (!sizes || !p->data || !start_change(&c, p->from->image, p->from->info.image_size, p->to->image, size, err)) {
        free(sizes);
        return error_set(err, ERR_MEMORY, "no memory for a patch of the image");
    }
    bool ok = true;
    while (ok && at < size) {
        uint32_t used = XEX_BLOCK_HEADER;
        for (uint32_t n = 0; ok && n < XEX_PACK_PIECES && at < size; at += XEX_PIECE_BYTES) {
            size_t delta;
            ok = write_delta(&c, at, p->data + p->data_size + used, &delta);
            used += (uint32_t)delta;
            n += delta != 0;
        }
        if (used == XEX_BLOCK_HEADER && count)
            break; // nothing more
        sizes[count++] = round_up(used, 16);
        p->data_size += round_up(used, 16);
    }
    free(c.have);
    if (ok) {
        xex_link_blocks(p->data, sizes, count, p->first_digest);
        p->first_size = sizes[0];
    }
    free(sizes);
    return ok || error_set(err, ERR_MEMORY, "no memory for a patch of the image");
}

// Offsets in the patch's own header.
struct layout {
    uint32_t security, format, descriptor, execution, size;
};

static struct layout lay_out(const struct patch *p)
{
    struct layout l = {.security = 0x18 + 8 * PATCH_HEADERS};
    l.format = l.security + XEX_SECURITY_FIXED;
    l.descriptor = l.format + round_up(FORMAT_BYTES, 4);
    l.execution = l.descriptor + round_up(DESCRIPTOR + p->header_deltas_size + DELTA_FIXED, 4);
    l.size = round_up(l.execution + EXECUTION_SIZE, 0x1000);
    return l;
}

static void write_descriptor(const struct patch *p, uint8_t *d)
{
    const struct xex *from = p->from, *to = p->to;
    uint8_t target_session[XEX_KEY_BYTES];
    be32_set(d, DESCRIPTOR + p->header_deltas_size + DELTA_FIXED);
    be32_set(d + 0x04, to->info.execution.version);
    be32_set(d + 0x08, from->info.execution.version);
    xex_sha1(d + 0x0C, from->data + from->info.security_offset + 8, 0x100, NULL, 0);
    memcpy(target_session, to->session_key, sizeof target_session);
    xex_wrap_key(d + 0x20, p->session, target_session);
    be32_set(d + 0x30, to->info.header_size);
    be32_set(d + 0x44, to->info.image_size);
    memcpy(d + DESCRIPTOR, p->header_deltas, p->header_deltas_size);
}

static void write_patch_header(const struct patch *p, const struct layout *l, uint8_t *out)
{
    const struct {
        uint32_t key, value;
    } rows[PATCH_HEADERS] = {
        {XEX_KEY_FILE_FORMAT_INFO, l->format},
        {XEX_KEY_DELTA_PATCH_DESCRIPTOR, l->descriptor},
        {XEX_KEY_EXECUTION_INFO, l->execution},
    };
    memcpy(out, "XEX2", 4);
    be32_set(out + 0x04, XEX_MODULE_TITLE | XEX_MODULE_PATCH | XEX_MODULE_PATCH_DELTA);
    be32_set(out + 0x08, l->size);
    be32_set(out + 0x10, l->security);
    be32_set(out + 0x14, PATCH_HEADERS);
    for (unsigned i = 0; i < PATCH_HEADERS; i++) {
        be32_set(out + 0x18 + 8 * i, rows[i].key);
        be32_set(out + 0x1C + 8 * i, rows[i].value);
    }
    uint8_t *f = out + l->format, *s = out + l->security, *e = out + l->execution;
    be32_set(f, FORMAT_BYTES);
    be16_set(f + 4, p->encrypt ? XEX_ENCRYPTION_NORMAL : XEX_ENCRYPTION_NONE);
    be16_set(f + 6, XEX_COMPRESSION_DELTA);
    be32_set(f + 8, WINDOW);
    be32_set(f + 12, p->first_size);
    memcpy(f + 16, p->first_digest, XEX_DIGEST);
    write_descriptor(p, out + l->descriptor);
    be32_set(e + 0x04, p->to->info.execution.version);
    be32_set(e + 0x08, p->from->info.execution.version);
    be32_set(e + 0x0C, p->to->info.execution.title_id);
    be32_set(s, XEX_SECURITY_FIXED);
    be32_set(s + 0x004, p->to->info.image_size);
    be32_set(s + 0x108, XEX_SECURITY_BASE);
    be32_set(s + 0x10C, p->to->info.image_flags);
    be32_set(s + 0x110, p->to->info.base);
    be32_set(s + 0x178, p->to->info.region);
    be32_set(s + 0x17C, p->to->info.allowed_media);
    xex_wrap_key(s + 0x150, p->session, p->key);
    xex_write_header_digest(out, l->size, l->security);
}

bool xex_pack_patch(const struct xex *from, const struct xex *to, bool encrypt, const uint8_t *key, uint8_t **out,
                    size_t *size, struct error *err)
{
    *out = NULL;
    *size = 0;
    if (!from->image || !to->image)
        return error_set(err, ERR_ARGUMENT, "a patch needs two titles whose images can be read");
    struct patch p = {.from = from, .to = to, .encrypt = encrypt, .key = key};
    bool ok = compare_headers(&p, err) && compare_images(&p, err);
    if (ok) {
        uint8_t digest[XEX_DIGEST];
        xex_sha1(digest, p.data, p.data_size, NULL, 0);
        memcpy(p.session, digest, sizeof p.session); // any key will do; this one is the same every time
        struct layout l = lay_out(&p);
        *out = calloc(1, (size_t)l.size + p.data_size);
        ok = *out || error_set(err, ERR_MEMORY, "no memory for a patch of 0x%x bytes", l.size + p.data_size);
        if (ok) {
            write_patch_header(&p, &l, *out);
            memcpy(*out + l.size, p.data, p.data_size);
            if (encrypt)
                xex_encrypt_data(*out + l.size, p.data_size, p.session);
            *size = (size_t)l.size + p.data_size;
        }
    }
    free(p.header_deltas);
    free(p.data);
    return ok;
}
