// The header of an XEX2: security info, page descriptors, optional headers. Every read is checked against the header's
// size; messages name the field and its file offset.
#include <stdlib.h>
#include <string.h>

#include "xex/xex_private.h"

#define XEX2_MAGIC         0x58455832u
#define HEADER_FIXED       0x18u
#define HEADER_COUNT_LIMIT 1024u // titles have about 20; there are fewer than 64 known keys
#define SECURITY_FIXED     0x184u
#define DESCRIPTOR_BYTES   24u
#define IMAGE_PAGE_4KB     0x10000000u
#define IMAGE_LOW          0x80000000u
#define IMAGE_HIGH         0xA0000000u

static uint32_t word(const struct xex *x, uint32_t offset)
{
    return be32_get(x->data + offset);
}

// Whether [offset, offset + size) lies in the header.
static bool inside(const struct xex *x, uint32_t offset, uint64_t size)
{
    return offset <= x->info.header_size && size <= x->info.header_size - offset;
}

static bool outside(struct error *err, const struct xex *x, const char *field, uint32_t offset, uint64_t size)
{
    return error_set(err, ERR_FORMAT, "%s: 0x%llx bytes at file offset 0x%x pass the header's end 0x%x", field,
                     (unsigned long long)size, offset, x->info.header_size);
}

static bool parse_fixed(struct xex *x, struct error *err)
{
    if (x->size < 4)
        return error_set(err, ERR_FORMAT, "magic: need 4 bytes at file offset 0x0, the file has %zu", x->size);
    uint32_t magic = word(x, 0);
    if (magic == 0x58455831u || magic == 0x58455830u || magic == 0x5845582Du || magic == 0x58455825u ||
        magic == 0x5845583Fu)
        return error_set(err, ERR_UNSUPPORTED, "magic at file offset 0x0 is 'XEX%c': only XEX2 is supported",
                         (char)magic);
    if (magic != XEX2_MAGIC)
        return error_set(err, ERR_FORMAT, "magic at file offset 0x0 is 0x%08x, not 'XEX2': not an Xbox 360 executable",
                         magic);
    if (x->size < HEADER_FIXED)
        return error_set(err, ERR_FORMAT, "header: need 0x%x bytes at file offset 0x0, the file has 0x%zx",
                         HEADER_FIXED, x->size);
    x->info.module_flags = word(x, 0x04);
    x->info.header_size = word(x, 0x08);
    x->info.security_offset = word(x, 0x10);
    if (x->info.header_size < HEADER_FIXED)
        return error_set(err, ERR_FORMAT, "header size at file offset 0x8 is 0x%x, less than 0x%x", x->info.header_size,
                         HEADER_FIXED);
    if (x->info.header_size > x->size)
        return error_set(err, ERR_FORMAT, "header size at file offset 0x8 is 0x%x, the file has only 0x%zx bytes",
                         x->info.header_size, x->size);
    uint32_t count = word(x, 0x14);
    if (count > HEADER_COUNT_LIMIT)
        return error_set(err, ERR_FORMAT, "optional header count at file offset 0x14 is %u, more than %u", count,
                         HEADER_COUNT_LIMIT);
    if (!inside(x, HEADER_FIXED, (uint64_t)count * 8))
        return outside(err, x, "optional headers (count at file offset 0x14)", HEADER_FIXED, (uint64_t)count * 8);
    x->header_count = count;
    return true;
}

static bool check_placement(const struct xex *x, struct error *err)
{
    uint32_t at = x->info.security_offset;
    uint32_t base = x->info.base, size = x->info.image_size;
    if (base < IMAGE_LOW || base >= IMAGE_HIGH || base % 0x10000)
        return error_set(err, ERR_FORMAT,
                         "load address at file offset 0x%x is 0x%08x, not a 64 KB boundary in 0x80000000-0x9FFFFFFF",
                         at + 0x110, base);
    if (!size || size > IMAGE_HIGH - base || size % x->info.page_size)
        return error_set(
            err, ERR_FORMAT,
            "image size at file offset 0x%x is 0x%x, not whole 0x%x-byte pages between 0x%08x and 0xA0000000", at + 4,
            size, x->info.page_size, base);
    return true;
}

static bool parse_page_runs(struct xex *x, uint32_t count, struct error *err)
{
    uint32_t at = x->info.security_offset + SECURITY_FIXED;
    if (!xex_array((void **)&x->runs, count, sizeof *x->runs, err))
        return false;
    x->run_count = count;
    uint64_t pages = 0, all = x->info.image_size / x->info.page_size;
    for (uint32_t i = 0; i < count; i++, at += DESCRIPTOR_BYTES) {
        uint32_t value = word(x, at);
        struct xex_page_run *run = &x->runs[i];
        *run = (struct xex_page_run){x->info.base + (uint32_t)pages * x->info.page_size, value >> 4, value & 15, {0}};
        memcpy(run->digest, x->data + at + 4, sizeof run->digest);
        if (run->type < XEX_PAGE_CODE || run->type > XEX_PAGE_READONLY)
            return error_set(err, ERR_FORMAT, "page descriptor %u at file offset 0x%x: type %u is not 1, 2 or 3", i, at,
                             value & 15);
        if (run->page_count > all - pages)
            return error_set(err, ERR_FORMAT, "page descriptor %u at file offset 0x%x: %u pages pass the image's %llu",
                             i, at, run->page_count, (unsigned long long)all);
        pages += run->page_count;
    }
    if (pages != all)
        return error_set(err, ERR_FORMAT, "page descriptors at file offset 0x%x cover %llu of the image's %llu pages",
                         x->info.security_offset + SECURITY_FIXED, (unsigned long long)pages, (unsigned long long)all);
    return true;
}

static bool parse_security(struct xex *x, struct error *err)
{
    uint32_t at = x->info.security_offset;
    if (!inside(x, at, SECURITY_FIXED))
        return outside(err, x, "security info (offset at 0x10)", at, SECURITY_FIXED);
    struct xex_info *info = &x->info;
    info->security_size = word(x, at);
    info->image_size = word(x, at + 0x04);
    info->image_flags = word(x, at + 0x10C);
    info->base = word(x, at + 0x110);
    memcpy(info->xgd2_media_id, x->data + at + 0x140, sizeof info->xgd2_media_id);
    memcpy(x->session_key, x->data + at + 0x150, sizeof x->session_key);
    info->export_table = word(x, at + 0x160);
    info->region = word(x, at + 0x178);
    info->allowed_media = word(x, at + 0x17C);
    info->page_size = info->image_flags & IMAGE_PAGE_4KB ? 0x1000 : 0x10000;
    if (!check_placement(x, err))
        return false;
    uint32_t count = word(x, at + 0x180);
    uint64_t need = (uint64_t)count * DESCRIPTOR_BYTES;
    if (!inside(x, at + SECURITY_FIXED, need))
        return outside(err, x, "page descriptors", at + SECURITY_FIXED, need);
    return parse_page_runs(x, count, err);
}

typedef bool header_parser(struct xex *x, uint32_t offset, uint32_t size, struct error *err);

static header_parser parse_resources, parse_format, parse_entry, parse_base, parse_checksum, parse_pe_name,
    parse_static_libraries, parse_tls, parse_stack, parse_heap, parse_system_flags, parse_execution;

static const struct {
    uint32_t key;
    uint32_t minimum; // bytes; 0 for inline values
    const char *name;
    header_parser *parse; // an inline value comes as `offset`
} parsers[] = {
    {XEX_KEY_RESOURCE_INFO, 4, "resource info", parse_resources},
    {XEX_KEY_FILE_FORMAT_INFO, 8, "file format info", parse_format},
    {XEX_KEY_ENTRY_POINT, 0, "entry point", parse_entry},
    {XEX_KEY_IMAGE_BASE_ADDRESS, 0, "image base address", parse_base},
    {XEX_KEY_IMPORT_LIBRARIES, 12, "import libraries", xex_parse_import_libraries},
    {XEX_KEY_CHECKSUM_TIMESTAMP, 8, "checksum and timestamp", parse_checksum},
    {XEX_KEY_ORIGINAL_PE_NAME, 4, "original PE name", parse_pe_name},
    {XEX_KEY_STATIC_LIBRARIES, 4, "static libraries", parse_static_libraries},
    {XEX_KEY_TLS_INFO, 16, "TLS info", parse_tls},
    {XEX_KEY_DEFAULT_STACK_SIZE, 0, "default stack size", parse_stack},
    {XEX_KEY_DEFAULT_HEAP_SIZE, 0, "default heap size", parse_heap},
    {XEX_KEY_SYSTEM_FLAGS, 0, "system flags", parse_system_flags},
    {XEX_KEY_EXECUTION_INFO, 24, "execution info", parse_execution},
};

static bool is_inline(uint32_t key)
{
    return (key & 0xFF) <= 1;
}

// Finds the data of one optional header and checks that it lies in the header.
static bool measure(const struct xex *x, uint32_t at, struct xex_header *h, struct error *err)
{
    if (is_inline(h->key))
        return true;
    h->size = (h->key & 0xFF) * 4;
    if ((h->key & 0xFF) == 0xFF) {
        if (!inside(x, h->value, 4))
            return error_set(
                err, ERR_FORMAT,
                "optional header 0x%08x at file offset 0x%x: data offset 0x%x passes the header's end 0x%x", h->key, at,
                h->value, x->info.header_size);
        h->size = word(x, h->value);
    }
    if (!inside(x, h->value, h->size))
        return error_set(err, ERR_FORMAT,
                         "optional header 0x%08x at file offset 0x%x: 0x%x bytes at 0x%x pass the header's end 0x%x",
                         h->key, at, h->size, h->value, x->info.header_size);
    return true;
}

static bool parse_known(struct xex *x, uint32_t at, const struct xex_header *h, struct error *err)
{
    for (size_t i = 0; i < sizeof parsers / sizeof *parsers; i++) {
        if (parsers[i].key != h->key)
            continue;
        if (h->size < parsers[i].minimum)
            return error_set(err, ERR_FORMAT, "%s (header 0x%08x at file offset 0x%x): 0x%x bytes at 0x%x, need 0x%x",
                             parsers[i].name, h->key, at, h->size, h->value, parsers[i].minimum);
        return parsers[i].parse(x, h->value, h->size, err);
    }
    return true;
}

static bool parse_optional(struct xex *x, struct error *err)
{
    if (!xex_array((void **)&x->headers, x->header_count, sizeof *x->headers, err))
        return false;
    for (size_t i = 0; i < x->header_count; i++) {
        uint32_t at = HEADER_FIXED + 8 * (uint32_t)i;
        struct xex_header *h = &x->headers[i];
        *h = (struct xex_header){word(x, at), word(x, at + 4), 0};
        // A key given twice would leave two owners of one field; titles have each once.
        for (size_t k = 0; k < i; k++)
            if (x->headers[k].key == h->key)
                return error_set(err, ERR_FORMAT, "optional header 0x%08x at file offset 0x%x is given twice", h->key,
                                 at);
        if (!measure(x, at, h, err) || !parse_known(x, at, h, err))
            return false;
    }
    return true;
}

static bool check_whole(const struct xex *x, struct error *err)
{
    const struct xex_info *info = &x->info;
    if (!x->format_size)
        return error_set(
            err, ERR_FORMAT,
            "file format info (header 0x000003ff) is missing from the optional headers at file offset 0x18");
    if (info->entry && (info->entry < info->base || info->entry - info->base >= info->image_size || info->entry & 3))
        return error_set(err, ERR_FORMAT,
                         "entry point 0x%08x (header 0x00010100) is not an instruction of the image 0x%08x-0x%08x",
                         info->entry, info->base, info->base + info->image_size - 1);
    return true;
}

bool xex_parse_header(struct xex *x, struct error *err)
{
    x->info.pe_name = "";
    return parse_fixed(x, err) && parse_security(x, err) && parse_optional(x, err) && check_whole(x, err);
}

// Copies a fixed-size name that may lack its NUL.
static void copy_name(char *out, const uint8_t *in, size_t size)
{
    memcpy(out, in, size);
    out[size] = 0;
}

static bool parse_resources(struct xex *x, uint32_t offset, uint32_t size, struct error *err)
{
    x->resource_count = (size - 4) / 16;
    if (!xex_array((void **)&x->resources, x->resource_count, sizeof *x->resources, err))
        return false;
    for (size_t i = 0; i < x->resource_count; i++) {
        const uint8_t *p = x->data + offset + 4 + 16 * i;
        struct xex_resource *r = &x->resources[i];
        copy_name(r->name, p, 8);
        r->address = be32_get(p + 8);
        r->size = be32_get(p + 12);
        uint32_t start = r->address - x->info.base;
        if (r->address < x->info.base || start > x->info.image_size || r->size > x->info.image_size - start)
            return error_set(err, ERR_FORMAT,
                             "resource %zu at file offset 0x%zx: 0x%x bytes at 0x%08x are not in the image", i,
                             (size_t)(p - x->data), r->size, r->address);
    }
    return true;
}

static bool parse_format(struct xex *x, uint32_t offset, uint32_t size, struct error *err)
{
    unsigned encryption = be16_get(x->data + offset + 4), compression = be16_get(x->data + offset + 6);
    if (encryption > XEX_ENCRYPTION_NORMAL)
        return error_set(err, ERR_FORMAT, "encryption type at file offset 0x%x is %u, not 0 or 1", offset + 4,
                         encryption);
    if (compression > XEX_COMPRESSION_DELTA)
        return error_set(err, ERR_FORMAT, "compression type at file offset 0x%x is %u, not 0 to 3", offset + 6,
                         compression);
    x->info.encryption = encryption;
    x->info.compression = compression;
    x->format_offset = offset;
    x->format_size = size;
    return true;
}

static bool parse_entry(struct xex *x, uint32_t value, uint32_t size, struct error *err)
{
    (void)size, (void)err;
    x->info.entry = value;
    return true;
}

static bool parse_base(struct xex *x, uint32_t value, uint32_t size, struct error *err)
{
    (void)size;
    if (value != x->info.base)
        return error_set(
            err, ERR_FORMAT,
            "image base address 0x%08x (header 0x00010201) differs from the load address 0x%08x at file offset 0x%x",
            value, x->info.base, x->info.security_offset + 0x110);
    return true;
}

static bool parse_checksum(struct xex *x, uint32_t offset, uint32_t size, struct error *err)
{
    (void)size, (void)err;
    x->info.checksum = word(x, offset);
    x->info.timestamp = word(x, offset + 4);
    return true;
}

static bool parse_pe_name(struct xex *x, uint32_t offset, uint32_t size, struct error *err)
{
    x->pe_name = strndup((const char *)x->data + offset + 4, size - 4);
    if (!x->pe_name)
        return error_set(err, ERR_MEMORY, "no memory for the original PE name");
    x->info.pe_name = x->pe_name;
    return true;
}

static bool parse_static_libraries(struct xex *x, uint32_t offset, uint32_t size, struct error *err)
{
    x->static_library_count = (size - 4) / 16;
    if (!xex_array((void **)&x->static_libraries, x->static_library_count, sizeof *x->static_libraries, err))
        return false;
    for (size_t i = 0; i < x->static_library_count; i++) {
        const uint8_t *p = x->data + offset + 4 + 16 * i;
        struct xex_static_library *l = &x->static_libraries[i];
        copy_name(l->name, p, 8);
        l->major = be16_get(p + 8);
        l->minor = be16_get(p + 10);
        l->build = be16_get(p + 12);
        l->approval = p[14];
        l->qfe = p[15];
    }
    return true;
}

static bool parse_tls(struct xex *x, uint32_t offset, uint32_t size, struct error *err)
{
    (void)size;
    struct xex_tls *t = &x->info.tls;
    *t = (struct xex_tls){true, word(x, offset), word(x, offset + 4), word(x, offset + 8), word(x, offset + 12)};
    uint32_t start = t->raw_data_address - x->info.base;
    if (t->raw_data_size && (t->raw_data_address < x->info.base || start > x->info.image_size ||
                             t->raw_data_size > x->info.image_size - start))
        return error_set(err, ERR_FORMAT, "TLS raw data at file offset 0x%x: 0x%x bytes at 0x%08x are not in the image",
                         offset + 4, t->raw_data_size, t->raw_data_address);
    return true;
}

static bool parse_stack(struct xex *x, uint32_t value, uint32_t size, struct error *err)
{
    (void)size, (void)err;
    x->info.default_stack_size = value;
    return true;
}

static bool parse_heap(struct xex *x, uint32_t value, uint32_t size, struct error *err)
{
    (void)size, (void)err;
    x->info.default_heap_size = value;
    return true;
}

static bool parse_system_flags(struct xex *x, uint32_t value, uint32_t size, struct error *err)
{
    (void)size, (void)err;
    x->info.system_flags = value;
    return true;
}

static bool parse_execution(struct xex *x, uint32_t offset, uint32_t size, struct error *err)
{
    (void)size, (void)err;
    const uint8_t *p = x->data + offset;
    x->info.execution = (struct xex_execution){
        .present = true,
        .media_id = be32_get(p),
        .version = be32_get(p + 0x04),
        .base_version = be32_get(p + 0x08),
        .title_id = be32_get(p + 0x0C),
        .platform = p[0x10],
        .executable_table = p[0x11],
        .disc_number = p[0x12],
        .disc_count = p[0x13],
        .savegame_id = be32_get(p + 0x14),
    };
    return true;
}
