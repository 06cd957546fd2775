// The reader of executables: whatever the bytes, it opens or refuses, and everything it then tells lies in bounds.
#include <string.h>

#include "fuzz.h"
#include "xex/xex.h"

static size_t text(const char *s)
{
    return s ? strlen(s) : 0;
}

static size_t walk(const struct xex *x)
{
    size_t count, sum = 0;
    uint32_t first;
    const struct xex_header *headers = xex_headers(x, &count);
    for (size_t i = 0; i < count; i++)
        sum += headers[i].key + headers[i].size;
    const struct xex_page_run *runs = xex_page_runs(x, &count);
    uint64_t pages = 0;
    for (size_t i = 0; i < count; i++)
        pages += runs[i].page_count;
    FUZZ_CHECK(!count || pages * xex_info(x)->page_size == xex_info(x)->image_size);
    const struct xex_import_library *libraries = xex_import_libraries(x, &count);
    for (size_t i = 0; i < count; i++) {
        sum += text(libraries[i].name);
        for (size_t k = 0; k < libraries[i].import_count; k++)
            sum += libraries[i].imports[k].slot;
    }
    const struct xex_static_library *statics = xex_static_libraries(x, &count);
    for (size_t i = 0; i < count; i++)
        sum += text(statics[i].name);
    const struct xex_resource *resources = xex_resources(x, &count);
    for (size_t i = 0; i < count; i++)
        sum += text(resources[i].name);
    const struct xex_section *sections = xex_sections(x, &count);
    for (size_t i = 0; i < count; i++)
        sum += text(sections[i].name);
    const struct xex_function *functions = xex_functions(x, &count);
    for (size_t i = 0; i < count; i++)
        sum += functions[i].address;
    xex_exports(x, &first, &count);
    for (size_t i = 0; i < count; i++)
        sum += xex_export(x, first + (uint32_t)i);
    sum += xex_export(x, first + (uint32_t)count) + xex_export(x, first - 1);
    const uint8_t *bytes = xex_header_bytes(x, &count);
    for (size_t i = 0; i < count; i++)
        sum += bytes[i];
    return sum + text(xex_info(x)->pe_name);
}

static void load(const struct xex *x)
{
    struct error err = {0};
    size_t size = xex_info(x)->image_size;
    uint8_t digest[XEX_DIGEST_BYTES], *out = malloc(size ? size : 1);
    bool has_image = xex_image_error(x) == NULL;
    if (out)
        FUZZ_CHECK(xex_load_image(x, out, size, &err) == has_image);
    if (out && has_image)
        FUZZ_CHECK(!memcmp(out, xex_image(x), size));
    FUZZ_CHECK(xex_image_digest(x, true, digest) == has_image);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[XEX_KEY_BYTES] = {1, 2, 3};
    struct error err = {0};
    struct xex *x;
    if (!xex_open(&x, data, size, &(struct xex_options){.retail_key = key}, &err)) {
        FUZZ_CHECK(err.message[0]);
        return 0;
    }
    volatile size_t sum = walk(x);
    (void)sum;
    load(x);
    xex_close(x);
    return 0;
}
