// The SHA-1 digests of an XEX2. Each one covers the next thing's digest too, so that the first ones stand for all; the RSA
// signature over those is not checked.
#include <nettle/sha1.h>
#include <stdarg.h>
#include <stdio.h>

#include "xex/xex_private.h"

#define SECTION_DIGEST 0x114u // of the security info: the first page run
#define IMPORT_DIGEST  0x12Cu // the first import library
#define HEADER_DIGEST  0x164u
#define HEADER_REST    0x17Cu // the header's digest covers all from here, then what lies before the signature
#define SIGNATURE      8u

void xex_sha1(uint8_t *out, const uint8_t *data, size_t size, const uint8_t *more, size_t more_size)
{
    struct sha1_ctx ctx;
    sha1_init(&ctx);
    sha1_update(&ctx, size, data);
    sha1_update(&ctx, more_size, more);
    sha1_digest(&ctx, SHA1_DIGEST_SIZE, out);
}

bool xex_check_digest(struct xex *x, const uint8_t *want, const uint8_t *data, size_t size, const uint8_t *more,
                      size_t more_size, struct error *err, const char *format, ...)
{
    uint8_t have[XEX_DIGEST];
    xex_sha1(have, data, size, more, more_size);
    if (!memcmp(have, want, sizeof have))
        return true;
    char what[sizeof x->hash_fault];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (!x->hash_faults++)
        memcpy(x->hash_fault, what, sizeof what);
    return x->ignore_hashes || error_set(err, ERR_FORMAT,
                                         "%s does not match its SHA-1 digest: the file is damaged or was changed "
                                         "(--ignore-hashes goes on)",
                                         what);
}

static bool check_imports(struct xex *x, struct error *err)
{
    uint32_t at = 0, left = 0;
    for (size_t i = 0; i < x->header_count; i++)
        if (x->headers[i].key == XEX_KEY_IMPORT_LIBRARIES) {
            uint32_t names = be32_get(x->data + x->headers[i].value + 4); // in bounds: the imports were parsed
            at = x->headers[i].value + 12 + names;
            left = x->headers[i].size - 12 - names;
        }
    const uint8_t *want = x->data + x->info.security_offset + IMPORT_DIGEST;
    for (size_t i = 0; i < x->library_count && left >= 4; i++) {
        uint32_t size = be32_get(x->data + at);
        if (!xex_check_digest(x, want, x->data + at + 4, size - 4, NULL, 0, err,
                              "import library %zu (%.40s) at file offset 0x%x", i, x->libraries[i].name, at))
            return false;
        want = x->data + at + 4;
        at += size;
        left -= size;
    }
    return true;
}

bool xex_check_header(struct xex *x, struct error *err)
{
    uint32_t security = x->info.security_offset;
    const uint8_t *s = x->data + security;
    return xex_check_digest(x, s + HEADER_DIGEST, s + HEADER_REST, x->info.header_size - security - HEADER_REST, x->data,
                            security + SIGNATURE, err, "header (0x%x bytes)", x->info.header_size) &&
           check_imports(x, err);
}

bool xex_check_pages(struct xex *x, struct error *err)
{
    uint32_t security = x->info.security_offset;
    const uint8_t *want = x->data + security + SECTION_DIGEST;
    for (size_t i = 0; i < x->run_count; i++) {
        const struct xex_page_run *run = &x->runs[i];
        const uint8_t *descriptor = x->data + security + XEX_SECURITY_FIXED + XEX_DESCRIPTOR_BYTES * i;
        if (!xex_check_digest(x, want, x->image + (run->address - x->info.base),
                              (size_t)run->page_count * x->info.page_size, descriptor, XEX_DESCRIPTOR_BYTES, err,
                              "page run %zu (0x%08x)", i, run->address))
            return false;
        want = descriptor + 4;
    }
    return true;
}
