// What the image says about itself: PE sections (little-endian, as everywhere), .pdata and the XEX export table
// (big-endian). The image is kept as laid out in memory, so an RVA is an offset.
#include <stdlib.h>
#include <string.h>

#include "xex/xex_private.h"

#define PE_MACHINE_POWERPC_BE 0x01F2
#define PE_FILE_HEADER        24u // signature and COFF header
#define PE_DIRECTORIES        96u // offset of the data directories in the optional header
#define PE_EXCEPTION          3u  // index of the directory of .pdata
#define PE_SECTION_BYTES      40u
#define EXPORT_HEADER         0x2Cu
#define EXPORT_MAGIC          0x48000000u
#define EXPORT_MAGIC_2        0x00485645u

static bool fail(const struct xex *x, struct error *err, const char *field, uint32_t offset, uint32_t value)
{
    return error_set(err, ERR_FORMAT, "%s at image offset 0x%x (0x%08x) is wrong: 0x%x", field, offset,
                     x->info.base + offset, value);
}

static const uint8_t *at(const struct xex *x, uint64_t offset, uint64_t size)
{
    return offset <= x->info.image_size && size <= x->info.image_size - offset ? x->image + offset : NULL;
}

static bool parse_sections(struct xex *x, uint64_t offset, uint32_t count, struct error *err)
{
    const uint8_t *table = at(x, offset, (uint64_t)count * PE_SECTION_BYTES);
    if (!table)
        return fail(x, err, "PE section table", (uint32_t)offset, count);
    if (!xex_array((void **)&x->sections, count, sizeof *x->sections, err))
        return false;
    x->section_count = count;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *p = table + PE_SECTION_BYTES * i;
        struct xex_section *s = &x->sections[i];
        memcpy(s->name, p, 8);
        s->size = le32_get(p + 8);
        s->address = x->info.base + le32_get(p + 12);
        s->flags = le32_get(p + 36);
    }
    return true;
}

// Entries are: address of the function, then prolog length (bits 7-0), length (29-8), 32-bit code, has a handler.
static bool parse_functions(struct xex *x, uint32_t rva, uint32_t size, struct error *err)
{
    const uint8_t *table = at(x, rva, size);
    if (!table || rva % 4)
        return fail(x, err, "PE exception directory", rva, size);
    if (!xex_array((void **)&x->functions, size / 8, sizeof *x->functions, err))
        return false;
    for (uint32_t i = 0; i < size / 8; i++) {
        gva address = be32_get(table + 8 * i);
        uint32_t packed = be32_get(table + 8 * i + 4), length = packed >> 8 & 0x3FFFFF;
        if (!address) // padding at the end
            break;
        if (!xex_image_at(x, address, length * 4) || address % 4)
            return error_set(err, ERR_FORMAT,
                             ".pdata entry %u at 0x%08x: function 0x%08x of %u instructions is not in the image", i,
                             x->info.base + rva + 8 * i, address, length);
        x->functions[x->function_count++] =
            (struct xex_function){address, length, packed & 0xFF, packed >> 30 & 1, packed >> 31};
    }
    return true;
}

bool xex_parse_pe(struct xex *x, struct error *err)
{
    const uint8_t *dos = at(x, 0, 0x40);
    if (!dos || dos[0] != 'M' || dos[1] != 'Z')
        return fail(x, err, "PE magic 'MZ'", 0, dos ? le16_get(dos) : 0);
    uint32_t start = le32_get(dos + 0x3C);
    const uint8_t *pe = at(x, start, PE_FILE_HEADER);
    if (!pe || memcmp(pe, "PE\0\0", 4) != 0)
        return fail(x, err, "PE signature (offset at 0x3c)", start <= x->info.image_size ? start : 0x3C, start);
    if (le16_get(pe + 4) != PE_MACHINE_POWERPC_BE)
        return fail(x, err, "PE machine", start + 4, le16_get(pe + 4));
    uint32_t count = le16_get(pe + 6), optional = le16_get(pe + 20);
    uint64_t directory = (uint64_t)start + PE_FILE_HEADER + PE_DIRECTORIES + 8 * PE_EXCEPTION;
    if (!parse_sections(x, (uint64_t)start + PE_FILE_HEADER + optional, count, err))
        return false;
    const uint8_t *p = at(x, directory, 8);
    if (optional < PE_DIRECTORIES + 8 * PE_EXCEPTION + 8 || !p || !le32_get(p + 4))
        return true;
    return parse_functions(x, le32_get(p), le32_get(p + 4), err);
}

bool xex_parse_exports(struct xex *x, struct error *err)
{
    gva table = x->info.export_table;
    if (!table)
        return true;
    const uint8_t *p = xex_image_at(x, table, EXPORT_HEADER);
    if (!p || be32_get(p) != EXPORT_MAGIC || be32_get(p + 4) != EXPORT_MAGIC_2 || be32_get(p + 8) != EXPORT_MAGIC)
        return error_set(err, ERR_FORMAT, "export table (address at file offset 0x%x): 0x%08x holds none",
                         x->info.security_offset + 0x160, table);
    gva base = be32_get(p + 0x20) << 16;
    uint32_t count = be32_get(p + 0x24);
    x->export_base = be32_get(p + 0x28);
    if (count > 0x10000 || !xex_image_at(x, table + EXPORT_HEADER, count * 4))
        return error_set(err, ERR_FORMAT, "export table at 0x%08x: %u ordinals do not fit the image", table, count);
    if (!xex_array((void **)&x->exports, count, sizeof *x->exports, err))
        return false;
    x->export_count = count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t offset = be32_get(p + EXPORT_HEADER + 4 * i);
        if (offset)
            x->exports[i] = base + offset;
    }
    return true;
}
