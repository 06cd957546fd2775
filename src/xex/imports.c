// Imports: libraries and record addresses are in the header; what a record is stands in the image at that address:
// byte 0 the kind (0 slot, 1 thunk), byte 1 the library's index, bytes 2-3 the ordinal.
#include <stdlib.h>
#include <string.h>

#include "xex/xex_private.h"

#define LIBRARY_FIXED 0x28u
#define RECORD_SLOT   0u
#define RECORD_THUNK  1u
#define ORDINALS      0x10000u

// The names lie one after the other, each NUL-terminated and padded to 4 bytes; finds the n-th.
static const char *library_name(const char *table, uint32_t size, uint32_t index)
{
    uint32_t at = 0;
    while (at < size) {
        uint32_t length = (uint32_t)strnlen(table + at, size - at);
        if (!index--)
            return table + at;
        at += (length + 4) & ~3u;
    }
    return NULL;
}

static bool parse_library(struct xex *x, uint32_t names_size, uint32_t at, uint32_t left, uint32_t *size,
                          struct error *err)
{
    if (left < LIBRARY_FIXED)
        return error_set(err, ERR_FORMAT, "import library at file offset 0x%x: 0x%x bytes left, need 0x%x", at, left,
                         LIBRARY_FIXED);
    const uint8_t *p = x->data + at;
    size_t index = x->library_count;
    struct xex_import_library *l = &x->libraries[index];
    *l = (struct xex_import_library){
        .id = be32_get(p + 0x18),
        .version = be32_get(p + 0x1C),
        .version_min = be32_get(p + 0x20),
        .record_count = be16_get(p + 0x26),
    };
    *size = be32_get(p);
    if (*size > left || *size < LIBRARY_FIXED || (*size - LIBRARY_FIXED) / 4 < l->record_count)
        return error_set(err, ERR_FORMAT,
                         "import library at file offset 0x%x: size 0x%x with %u records does not fit 0x%x bytes", at,
                         *size, l->record_count, left);
    l->name = library_name(x->library_names, names_size, p[0x25]);
    if (!l->name)
        return error_set(err, ERR_FORMAT,
                         "import library at file offset 0x%x: name index %u is not in the string table", at + 0x24,
                         p[0x25]);
    if (!xex_array((void **)&x->records[index], l->record_count, sizeof(uint32_t), err))
        return false;
    for (uint32_t i = 0; i < l->record_count; i++)
        x->records[index][i] = be32_get(p + LIBRARY_FIXED + 4 * i);
    x->library_count++;
    return true;
}

bool xex_parse_import_libraries(struct xex *x, uint32_t offset, uint32_t size, struct error *err)
{
    uint32_t names_size = be32_get(x->data + offset + 4);
    if (names_size > size - 12)
        return error_set(err, ERR_FORMAT, "import string table at file offset 0x%x: 0x%x bytes pass the header's 0x%x",
                         offset + 4, names_size, size);
    size_t most = (size - 12 - names_size) / LIBRARY_FIXED;
    x->library_names = calloc(1, (size_t)names_size + 1);
    if (!x->library_names)
        return error_set(err, ERR_MEMORY, "no memory for the import names");
    memcpy(x->library_names, x->data + offset + 12, names_size);
    if (!xex_array((void **)&x->libraries, most, sizeof *x->libraries, err) ||
        !xex_array((void **)&x->records, most, sizeof *x->records, err))
        return false;
    uint32_t at = offset + 12 + names_size, left = size - 12 - names_size, step = 0;
    for (; left >= 4; at += step, left -= step)
        if (!parse_library(x, names_size, at, left, &step, err))
            return false;
    return true;
}

// Adds one record to the library's imports: a thunk completes the function whose slot came before it.
// open[ordinal]: 1 + index of the last import of the ordinal that has no thunk yet.
static void add_record(struct xex_import *imports, size_t *count, uint32_t *open, gva address, uint32_t word)
{
    uint16_t ordinal = (uint16_t)word;
    if (word >> 24 == RECORD_SLOT) {
        imports[(*count)++] = (struct xex_import){XEX_IMPORT_VARIABLE, ordinal, address, 0};
        open[ordinal] = (uint32_t)*count;
    } else if (open[ordinal]) {
        struct xex_import *i = &imports[open[ordinal] - 1];
        i->kind = XEX_IMPORT_FUNCTION;
        i->thunk = address;
        open[ordinal] = 0;
    } else {
        imports[(*count)++] = (struct xex_import){XEX_IMPORT_FUNCTION, ordinal, 0, address};
    }
}

// A record's word, checked.
static bool read_record(const struct xex *x, const struct xex_import_library *l, uint32_t i, gva address,
                        uint32_t *word, struct error *err)
{
    const uint8_t *p = xex_image_at(x, address, 4);
    if (!p || address % 4)
        return error_set(err, ERR_FORMAT, "import record %u of %s: address 0x%08x is not a word of the image", i,
                         l->name, address);
    *word = be32_get(p);
    if (*word >> 24 > RECORD_THUNK)
        return error_set(err, ERR_FORMAT, "import record %u of %s at 0x%08x: kind %u is not 0 or 1", i, l->name,
                         address, *word >> 24);
    if (*word >> 24 == RECORD_THUNK && !xex_image_at(x, address, XEX_IMPORT_THUNK_BYTES))
        return error_set(err, ERR_FORMAT, "import record %u of %s: the thunk at 0x%08x passes the image's end", i,
                         l->name, address);
    return true;
}

static bool resolve_library(struct xex *x, size_t index, uint32_t *open, struct error *err)
{
    struct xex_import_library *l = &x->libraries[index];
    struct xex_import *imports;
    if (!xex_array((void **)&imports, l->record_count, sizeof *imports, err))
        return false;
    l->imports = imports;
    memset(open, 0, ORDINALS * sizeof *open);
    for (uint32_t i = 0; i < l->record_count; i++) {
        uint32_t word = 0;
        if (!read_record(x, l, i, x->records[index][i], &word, err))
            return false;
        add_record(imports, &l->import_count, open, x->records[index][i], word);
    }
    return true;
}

bool xex_resolve_imports(struct xex *x, struct error *err)
{
    uint32_t *open;
    if (!xex_array((void **)&open, ORDINALS, sizeof *open, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < x->library_count; i++)
        ok = resolve_library(x, i, open, err);
    free(open);
    return ok;
}
