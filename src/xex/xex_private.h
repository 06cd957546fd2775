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
};

// An array of `count` zeroed elements, never NULL for a count above 0 (fails with ERR_MEMORY).
bool xex_array(void **out, size_t count, size_t element_bytes, struct error *err);

// header.c: everything but the image.
bool xex_parse_header(struct xex *x, struct error *err);
// imports.c: libraries and record addresses from the header; kinds and ordinals from the image.
bool xex_parse_import_libraries(struct xex *x, uint32_t offset, uint32_t size, struct error *err);
bool xex_resolve_imports(struct xex *x, struct error *err);
// image.c: decrypts and decompresses into x->image.
bool xex_read_image(struct xex *x, const struct xex_options *opts, struct error *err);
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
