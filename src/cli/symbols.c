#include "cli/symbols.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "exports/exports.h"

static bool add_symbol(struct symbols *l, gva address, uint32_t size, enum source source, const char *name)
{
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 1024;
        struct symbol *grown = realloc(l->at, capacity * sizeof *grown);
        if (!grown)
            return false;
        l->at = grown;
        l->capacity = capacity;
    }
    char *copy = strdup(name);
    if (!copy)
        return false;
    for (char *c = copy; *c; c++)
        if (!isprint((unsigned char)*c))
            *c = '?';
    l->at[l->count] = (struct symbol){address, size, source, (uint32_t)l->count, copy};
    l->count++;
    return true;
}

static int by_address(const void *left, const void *right)
{
    const struct symbol *a = left, *b = right;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

size_t symbols_from(const struct symbols *l, gva address)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (l->at[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct symbol *symbols_at(const struct symbols *l, gva address)
{
    size_t i = symbols_from(l, address);
    return i < l->count && l->at[i].address == address ? &l->at[i] : NULL;
}

bool symbols_name(void *user, uint32_t address, char *out, size_t size)
{
    const struct symbol *s = symbols_at(user, address);
    if (s)
        snprintf(out, size, "%s", s->name);
    return s != NULL;
}

static bool add_imports(struct symbols *l, const struct xex *x)
{
    size_t libraries;
    const struct xex_import_library *library = xex_import_libraries(x, &libraries);
    for (size_t i = 0; i < libraries; i++, library++) {
        int module = exp_module_by_name(library->name);
        for (size_t k = 0; k < library->import_count; k++) {
            const struct xex_import *import = &library->imports[k];
            const struct exp_row *row = module < 0 ? NULL : exp_find((enum exp_module)module, import->ordinal);
            char name[256], slot[264];
            if (row)
                snprintf(name, sizeof name, "%s", row->name);
            else
                snprintf(name, sizeof name, "%.200s_0x%03X", library->name, import->ordinal);
            snprintf(slot, sizeof slot, "__imp_%s", name);
            if (import->thunk && !add_symbol(l, import->thunk, XEX_IMPORT_THUNK_BYTES, FROM_IMPORT, name))
                return false;
            if (import->slot && !add_symbol(l, import->slot, 4, FROM_IMPORT, slot))
                return false;
        }
    }
    return true;
}

static bool add_functions(struct symbols *l, const struct xex *x)
{
    size_t count;
    const struct xex_function *f = xex_functions(x, &count);
    char name[32];
    for (size_t i = 0; i < count; i++, f++) {
        snprintf(name, sizeof name, "sub_%08X", f->address);
        if (!add_symbol(l, f->address, f->length > UINT32_MAX / 4 ? 0 : 4 * f->length, FROM_PDATA, name))
            return false;
    }
    gva entry = xex_info(x)->entry;
    return !entry || add_symbol(l, entry, 0, FROM_ENTRY, "entry");
}

// One line of a map's public symbols: " 0003:00000000       name   82060000 f   library:object".
static bool parse_map_line(const char *line, gva *address, char *name, size_t name_size)
{
    unsigned section, offset, value;
    int used = 0;
    if (sscanf(line, " %4x:%8x %n", &section, &offset, &used) != 2 || !used)
        return false;
    const char *start = line + used;
    size_t length = strcspn(start, " \t\r\n");
    if (!length || length >= name_size || sscanf(start + length, " %8x", &value) != 1 || !value)
        return false;
    memcpy(name, start, length);
    name[length] = 0;
    *address = value;
    return true;
}

bool symbols_add_map(struct symbols *l, const char *path, struct error *err)
{
    uint8_t *text;
    size_t size;
    if (!file_read(path, &text, &size, err))
        return false;
    size_t before = l->count;
    bool publics = false, good = true;
    char name[512];
    for (char *line = (char *)text, *next; line && *line && good; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        gva address;
        // The table of sections has lines of the same beginning.
        if (strstr(line, "Rva+Base") || strstr(line, "Static symbols"))
            publics = true;
        else if (publics && parse_map_line(line, &address, name, sizeof name))
            good = add_symbol(l, address, 0, FROM_MAP, name);
    }
    free(text);
    if (!good)
        return error_set(err, ERR_MEMORY, "no memory");
    return l->count > before || error_set(err, ERR_FORMAT, "%s: no line of a map's public symbols", path);
}

// Sorts, keeps one name an address, and gives unnamed sizes from .pdata to the name that is kept.
void symbols_settle(struct symbols *l)
{
    size_t kept = 0;
    if (l->count)
        qsort(l->at, l->count, sizeof *l->at, by_address);
    for (size_t i = 0; i < l->count; i++) {
        struct symbol *s = &l->at[i];
        if (kept && l->at[kept - 1].address == s->address) {
            if (!l->at[kept - 1].size)
                l->at[kept - 1].size = s->size;
            free(s->name);
        } else
            l->at[kept++] = *s;
    }
    l->count = kept;
}

bool symbols_add_title(struct symbols *l, const struct xex *x, struct error *err)
{
    return (add_imports(l, x) && add_functions(l, x)) || error_set(err, ERR_MEMORY, "no memory");
}

void symbols_finish(struct symbols *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->at[i].name);
    free(l->at);
    *l = (struct symbols){0};
}

bool symbols_describe(const struct symbols *l, gva address, char *out, size_t size)
{
    enum { NEAR = 0x10000 }; // farther away, a name without a size says nothing
    size_t i = symbols_from(l, address);
    out[0] = 0;
    if (i == l->count || l->at[i].address != address) {
        if (!i)
            return false;
        i--;
    }
    const struct symbol *s = &l->at[i];
    uint32_t offset = address - s->address;
    if (offset >= (s->size ? s->size : NEAR))
        return false;
    snprintf(out, size, offset ? "%s+0x%x" : "%s", s->name, offset);
    return true;
}
