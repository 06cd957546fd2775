// xex_private.h: what the files of xex/ share: the struct behind xex.h and bounded reading of the file.
#pragma once
#include "base/bytes.h"
#include "xex/xex.h"

struct xex {
    const uint8_t *data; // the caller's
    size_t size;
    struct xex_info info;
    char *pe_name;
    struct xex_header *headers;
    size_t header_count;
    struct xex_page_run *runs;
    size_t run_count;
    struct xex_import_library *libraries;
    size_t library_count;
    char *library_names;           // the string table, NUL-terminated
    uint32_t **records;            // per library: record_count guest addresses
    struct xex_static_library *static_libraries;
    size_t static_library_count;
    struct xex_resource *resources;
    size_t resource_count;
    struct xex_section *sections;
    size_t section_count;
    struct xex_function *functions;
    size_t function_count;
    uint32_t export_base; // first ordinal
    gva *exports;
    size_t export_count;
    uint32_t format_offset, format_size; // file format info
    uint8_t session_key[XEX_KEY_BYTES];  // encrypted, as in the file
    uint8_t *image;                      // info.image_size bytes, or NULL
    struct error image_error;
    uint8_t *owned_header; // of a patched title: what `data` points to
    uint32_t patch_offset, patch_size; // delta patch descriptor; 0: none
    bool ignore_hashes;
    uint32_t hash_faults;
    char hash_fault[96]; // what the first digest that did not match covers
};

#define XEX_SECURITY_FIXED   0x184u // bytes of the security info before the page descriptors
#define XEX_DESCRIPTOR_BYTES 24u
#define XEX_BLOCK_HEADER     24u // of a compressed block: the next one's size and digest
#define XEX_DIGEST           20u // SHA-1

// An array of `count` zeroed elements, never NULL for a count above 0 (fails with ERR_MEMORY).
bool xex_array(void **out, size_t count, size_t element_bytes, struct error *err);

// header.c: everything but the image.
bool xex_parse_header(struct xex *x, struct error *err);
// imports.c: libraries and record addresses from the header; kinds and ordinals from the image.
bool xex_parse_import_libraries(struct xex *x, uint32_t offset, uint32_t size, struct error *err);
bool xex_resolve_imports(struct xex *x, struct error *err);
// image.c: decrypts and decompresses into x->image.
bool xex_read_image(struct xex *x, const struct xex_options *opts, struct error *err);
// One piece of a file's data, decrypted whole: malloc'd, *size bytes.
bool xex_decrypt_data(struct xex *x, const struct xex_options *opts, uint8_t **out, size_t *size, struct error *err);
// Walks a chain of compressed blocks in `data`: *at is where the next begins, *size and *digest what is said about it (at first
// from the format info: xex_first_block). Leaves a checked block's payload; *payload NULL at the chain's end.
struct xex_block_chain {
    size_t at;
    uint32_t size;
    uint8_t digest[XEX_DIGEST];
};
bool xex_first_block(const struct xex *x, struct xex_block_chain *chain, uint32_t *window, struct error *err);
bool xex_next_block(struct xex *x, struct xex_block_chain *chain, const uint8_t *data, size_t data_size,
                    const uint8_t **payload, size_t *payload_size, struct error *err);
// hashes.c: a digest (XEX_DIGEST bytes) of [data, size) then [more, more_size), compared. A mismatch is counted, and with
// hashes in force a failure.
bool xex_check_digest(struct xex *x, const uint8_t *want, const uint8_t *data, size_t size, const uint8_t *more,
                      size_t more_size, struct error *err, const char *format, ...)
    __attribute__((format(printf, 8, 9)));
bool xex_check_header(struct xex *x, struct error *err); // header and imports
bool xex_check_pages(struct xex *x, struct error *err);
void xex_sha1(uint8_t *out, const uint8_t *data, size_t size, const uint8_t *more, size_t more_size);
// patch.c: makes of `x`, opened, the title that the patch in `opts` says.
bool xex_apply_patch(struct xex *x, const struct xex_options *opts, struct error *err);
// xex.c: what the image says: PE, imports, exports.
bool xex_parse_image(struct xex *x, struct error *err);
void xex_clear(struct xex *x); // frees what `x` owns, not `x`
// pe.c: sections, functions and exports from the image.
bool xex_parse_pe(struct xex *x, struct error *err);
bool xex_parse_exports(struct xex *x, struct error *err);

// The image's bytes at a guest address, NULL when [address, address + size) is not inside.
static inline const uint8_t *xex_image_at(const struct xex *x, gva address, uint32_t size)
{
    uint32_t offset = address - x->info.base;
    if (!x->image || address < x->info.base || offset > x->info.image_size || size > x->info.image_size - offset)
        return NULL;
    return x->image + offset;
}
