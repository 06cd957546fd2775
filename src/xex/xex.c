#include "xex/xex.h"

#include <stdlib.h>
#include <string.h>

#include "xex/xex_private.h"

bool xex_array(void **out, size_t count, size_t element_bytes, struct error *err)
{
    *out = NULL;
    if (!count)
        return true;
    *out = calloc(count, element_bytes);
    return *out ? true : error_set(err, ERR_MEMORY, "no memory for %zu x %zu bytes", count, element_bytes);
}

bool xex_parse_image(struct xex *x, struct error *err)
{
    return xex_check_pages(x, err) && xex_parse_pe(x, err) && xex_resolve_imports(x, err) && xex_parse_exports(x, err);
}

// An image that cannot be read for want of a key or a decoder leaves a usable header; other failures are the file's.
static bool open_image(struct xex *x, const struct xex_options *opts, struct error *err)
{
    if (!xex_read_image(x, opts, &x->image_error)) {
        if (x->image_error.code == ERR_KEY || x->image_error.code == ERR_UNSUPPORTED)
            return true;
        if (err)
            *err = x->image_error;
        return false;
    }
    return xex_parse_image(x, err);
}

static bool open_all(struct xex *x, const struct xex_options *opts, struct error *err)
{
    if (!xex_parse_header(x, err) || !xex_check_header(x, err) || !open_image(x, opts, err))
        return false;
    return !opts || !opts->patch || !x->image || xex_apply_patch(x, opts, err);
}

bool xex_open(struct xex **out, const uint8_t *data, size_t size, const struct xex_options *opts, struct error *err)
{
    *out = NULL;
    struct xex *x = calloc(1, sizeof *x);
    if (!x)
        return error_set(err, ERR_MEMORY, "no memory to open an XEX");
    x->data = data;
    x->size = size;
    x->ignore_hashes = opts && opts->ignore_hashes;
    if (!open_all(x, opts, err)) {
        xex_close(x);
        return false;
    }
    *out = x;
    return true;
}

void xex_clear(struct xex *x)
{
    for (size_t i = 0; i < x->library_count; i++)
        free((void *)(uintptr_t)x->libraries[i].imports);
    for (size_t i = 0; x->records && i < x->library_count; i++)
        free(x->records[i]);
    free(x->records);
    free(x->libraries);
    free(x->library_names);
    free(x->pe_name);
    free(x->headers);
    free(x->runs);
    free(x->static_libraries);
    free(x->resources);
    free(x->sections);
    free(x->functions);
    free(x->exports);
    free(x->image);
    free(x->owned_header);
}

void xex_close(struct xex *x)
{
    if (x)
        xex_clear(x);
    free(x);
}

uint32_t xex_hash_faults(const struct xex *x, const char **first)
{
    *first = x->hash_faults ? x->hash_fault : NULL;
    return x->hash_faults;
}

const struct error *xex_image_error(const struct xex *x)
{
    return x->image ? NULL : &x->image_error;
}

bool xex_load_image(const struct xex *x, uint8_t *out, size_t out_size, struct error *err)
{
    if (!x->image) {
        if (err)
            *err = x->image_error;
        return false;
    }
    if (out_size < x->info.image_size)
        return error_set(err, ERR_ARGUMENT, "the image needs %u bytes, the buffer has %zu", x->info.image_size,
                         out_size);
    memcpy(out, x->image, x->info.image_size);
    return true;
}

const uint8_t *xex_image(const struct xex *x)
{
    return x->image;
}

const struct xex_info *xex_info(const struct xex *x)
{
    return &x->info;
}

const uint8_t *xex_header_bytes(const struct xex *x, size_t *size)
{
    *size = x->info.header_size;
    return x->data;
}

const struct xex_header *xex_headers(const struct xex *x, size_t *count)
{
    *count = x->header_count;
    return x->headers;
}

const struct xex_page_run *xex_page_runs(const struct xex *x, size_t *count)
{
    *count = x->run_count;
    return x->runs;
}

const struct xex_import_library *xex_import_libraries(const struct xex *x, size_t *count)
{
    *count = x->library_count;
    return x->libraries;
}

const struct xex_static_library *xex_static_libraries(const struct xex *x, size_t *count)
{
    *count = x->static_library_count;
    return x->static_libraries;
}

const struct xex_resource *xex_resources(const struct xex *x, size_t *count)
{
    *count = x->resource_count;
    return x->resources;
}

const struct xex_section *xex_sections(const struct xex *x, size_t *count)
{
    *count = x->section_count;
    return x->sections;
}

const struct xex_function *xex_functions(const struct xex *x, size_t *count)
{
    *count = x->function_count;
    return x->functions;
}

void xex_exports(const struct xex *x, uint32_t *base_ordinal, size_t *count)
{
    *base_ordinal = x->export_base;
    *count = x->export_count;
}

gva xex_export(const struct xex *x, uint32_t ordinal)
{
    uint32_t index = ordinal - x->export_base;
    return ordinal >= x->export_base && index < x->export_count ? x->exports[index] : 0;
}
