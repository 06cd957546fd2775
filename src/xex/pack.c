// Makes an XEX2 from an ELF executable: image (PE header, segments, .pdata from the symbols), imports, header, hashes.
// All hashes are right; only the RSA signature is zeros, as no loader of ours (nor a development console) asks for it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xex/elf.h"
#include "xex/lzx.h"
#include "xex/pack.h"

#define PAGE            0x10000u
#define PE_SIZE         0x400u // bytes at the image's start that the PE header takes; the ELF must leave them free
#define PE_OFFSET       0x80u  // of "PE\0\0"
#define PE_OPTIONAL     0xE0u
#define IMAGE_LIMIT     0x08000000u // 128 MB: more than titles have
#define LIBRARY_FIXED   0x28u
#define RECORD_LIMIT    0x4000u // the libraries have 4000 ordinals together
#define ZERO_RUN        0x1000u // shortest run of zeros worth a compression block
#define DEFAULT_STACK   0x40000u
#define LIBRARY_VERSION 0x20074500u // 2.0.1861.0: what old titles ask for at least
#define EXPORT_FIXED    0x2Cu       // bytes of an export table before its offsets
#define EXPORT_ENTRY    8u          // of the section .xexport: ordinal, address
#define LZX_WINDOW      0x10000u
#define DEVKIT_MEDIA    0x08000605u // as development tools set it

struct library {
    char name[60];
    uint32_t id; // as in titles; 0: not known
};

// The libraries by the number that the SDK's import sections carry (guest/lib/imports.py). Behind these come DLLs, which the
// section .xlibrary names.
static const struct library system_libraries[] = {
    {"xboxkrnl.exe", 0x45DC17E0},
    {"xam.xex", 0xFCA15C76},
    {"xbdm.xex", 0},
};
#define SYSTEM_LIBRARIES (sizeof system_libraries / sizeof *system_libraries)
#define LIBRARY_COUNT    16u
#define LIBRARY_ENTRY    64u // of the section .xlibrary: number, name

struct record {
    gva slot, thunk; // thunk 0: a variable
    uint8_t library;
    uint16_t ordinal;
};

struct pack {
    const struct xex_pack_params *params;
    struct elf elf;
    gva base;
    uint8_t *image;
    uint32_t image_size;
    uint8_t *page_types; // one per page
    uint32_t pdata_offset, pdata_size;
    struct record *records;
    size_t record_count;
    struct library libraries[LIBRARY_COUNT]; // an empty name: none
    gva export_table; // 0: none
    gva *resources;   // addresses, one for each of the parameters'
    uint8_t *data;    // what follows the header in the file, not yet encrypted
    uint32_t data_size, first_block_size;
    uint8_t first_block_digest[XEX_DIGEST];
    uint8_t *out;
    uint32_t header_size;
    uint8_t session_key[XEX_KEY_BYTES];
};

static uint32_t round_up(uint32_t value, uint32_t unit)
{
    return (value + unit - 1) / unit * unit;
}

static uint32_t page_count(const struct pack *p)
{
    return p->image_size / PAGE;
}

// Finds base and size, so that everything lies in [base, base + image_size).
static bool measure_image(struct pack *p, struct error *err)
{
    uint32_t low = UINT32_MAX, high = 0;
    for (size_t i = 0; i < p->elf.segment_count; i++) {
        const struct elf_segment *s = &p->elf.segments[i];
        low = s->address < low ? s->address : low;
        high = s->address + s->memory_size > high ? s->address + s->memory_size : high;
    }
    p->base = low / PAGE * PAGE;
    if (!p->elf.segment_count || low < 0x80000000u || high > 0x90000000u || high - p->base > IMAGE_LIMIT)
        return error_set(err, ERR_FORMAT,
                         "ELF segments span 0x%08x-0x%08x: must lie in 0x80000000-0x8FFFFFFF, 128 MB at most", low,
                         high);
    if (low - p->base < PE_SIZE)
        return error_set(err, ERR_FORMAT, "ELF segment at 0x%08x: 0x%x bytes at 0x%08x are needed for the PE header",
                         low, PE_SIZE, p->base);
    if (p->elf.entry < p->base || p->elf.entry >= high || p->elf.entry % 4)
        return error_set(err, ERR_FORMAT, "ELF entry 0x%08x is not in a segment", p->elf.entry);
    p->image_size = round_up(high - p->base, PAGE);
    return true;
}

static bool type_pages(struct pack *p, const struct elf_segment *s, struct error *err)
{
    uint8_t type = s->executable ? XEX_PAGE_CODE : s->writable ? XEX_PAGE_DATA : XEX_PAGE_READONLY;
    uint32_t first = (s->address - p->base) / PAGE, last = (s->address + s->memory_size - 1 - p->base) / PAGE;
    if (s->executable && s->writable)
        return error_set(err, ERR_FORMAT, "ELF segment at 0x%08x is writable and executable", s->address);
    for (uint32_t page = first; page <= last; page++) {
        if (p->page_types[page] && p->page_types[page] != type)
            return error_set(err, ERR_FORMAT,
                             "ELF segment at 0x%08x shares the 64 KB page 0x%08x with one of another kind", s->address,
                             p->base + page * PAGE);
        p->page_types[page] = type;
    }
    return true;
}

static bool place_segments(struct pack *p, struct error *err)
{
    // Room for .pdata in pages of its own, should no gap hold it.
    size_t pdata = 8 * p->elf.function_count;
    p->image = calloc(1, p->image_size + pdata + PAGE);
    p->page_types = calloc(page_count(p) + pdata / PAGE + 1, 1);
    if (!p->image || !p->page_types)
        return error_set(err, ERR_MEMORY, "no memory for an image of 0x%x bytes", p->image_size);
    for (size_t i = 0; i < p->elf.segment_count; i++) {
        const struct elf_segment *s = &p->elf.segments[i];
        if (!type_pages(p, s, err))
            return false;
        if (s->file_size)
            memcpy(p->image + (s->address - p->base), s->data, s->file_size);
    }
    for (uint32_t i = 0; i < page_count(p); i++)
        if (!p->page_types[i])
            p->page_types[i] = XEX_PAGE_READONLY;
    return true;
}

static bool is_read_only(const struct elf_segment *s)
{
    return !s->writable && !s->executable;
}

// Finds room for .pdata: behind a read-only segment in its last page, else behind the image.
static void place_pdata(struct pack *p)
{
    uint32_t size = (uint32_t)p->elf.function_count * 8;
    if (!size)
        return;
    p->pdata_size = size;
    for (size_t i = 0; i < p->elf.segment_count; i++) {
        const struct elf_segment *s = &p->elf.segments[i];
        uint32_t start = round_up(s->address + s->memory_size - p->base, 8);
        bool last = true; // of the segments in its page
        for (size_t k = 0; k < p->elf.segment_count; k++)
            last = last && (p->elf.segments[k].address <= s->address ||
                            p->elf.segments[k].address >= p->base + round_up(start, PAGE));
        if (is_read_only(s) && last && size <= round_up(start, PAGE) - start) {
            p->pdata_offset = start;
            return;
        }
    }
    p->pdata_offset = p->image_size;
    memset(p->page_types + page_count(p), XEX_PAGE_READONLY, round_up(size, PAGE) / PAGE);
    p->image_size += round_up(size, PAGE);
}

static bool write_pdata(struct pack *p, struct error *err)
{
    for (size_t i = 0; i < p->elf.function_count; i++) {
        const struct elf_function *f = &p->elf.functions[i];
        uint32_t offset = f->address - p->base;
        if (f->address % 4 || f->address < p->base || offset >= p->image_size || f->size > p->image_size - offset)
            return error_set(err, ERR_FORMAT, "ELF function symbol at 0x%08x is not code of the image", f->address);
        uint8_t *at = p->image + p->pdata_offset + 8 * i;
        be32_set(at, f->address);
        be32_set(at + 4, 0x40000000u | (f->size / 4 & 0x3FFFFF) << 8); // 32-bit code; the prolog's length is not known
    }
    return true;
}

static void write_section(uint8_t *at, const char *name, uint32_t rva, uint32_t size, uint32_t flags)
{
    memcpy(at, name, strnlen(name, 8));
    le32_set(at + 8, size);
    le32_set(at + 12, rva);
    le32_set(at + 16, size);
    le32_set(at + 20, rva); // the file is the image
    le32_set(at + 36, flags);
}

static uint32_t section_flags(const struct elf_section *s)
{
    if (s->executable)
        return 0x60000020;
    if (s->writable)
        return s->zero ? 0xC0000080 : 0xC0000040;
    return 0x40000040;
}

static bool write_pe(struct pack *p, struct error *err)
{
    uint8_t *pe = p->image + PE_OFFSET, *optional = pe + 24, *table = optional + PE_OPTIONAL;
    size_t count = p->elf.section_count + (p->pdata_size ? 1 : 0);
    if (table + 40 * count > p->image + PE_SIZE)
        return error_set(err, ERR_FORMAT, "ELF has %zu sections, the PE header has room for %zu", count,
                         (size_t)(p->image + PE_SIZE - table) / 40);
    memcpy(p->image, "MZ", 2);
    le32_set(p->image + 0x3C, PE_OFFSET);
    memcpy(pe, "PE\0\0", 4);
    le16_set(pe + 4, 0x01F2); // PowerPC, big-endian
    le16_set(pe + 6, (uint16_t)count);
    le16_set(pe + 20, PE_OPTIONAL);
    le16_set(pe + 22, 0x0102); // executable, 32-bit words
    le16_set(optional, 0x010B);
    le32_set(optional + 16, p->elf.entry - p->base);
    le32_set(optional + 28, p->base);
    le32_set(optional + 32, PAGE);
    le32_set(optional + 36, 0x200);
    le32_set(optional + 56, p->image_size);
    le32_set(optional + 60, PE_SIZE);
    le16_set(optional + 68, 14); // subsystem Xbox
    le32_set(optional + 92, 16); // data directories
    le32_set(optional + 96 + 8 * 3, p->pdata_offset);
    le32_set(optional + 96 + 8 * 3 + 4, p->pdata_size);
    for (size_t i = 0; i < p->elf.section_count; i++, table += 40) {
        const struct elf_section *s = &p->elf.sections[i];
        write_section(table, s->name, s->address - p->base, s->size, section_flags(s));
    }
    if (p->pdata_size)
        write_section(table, ".pdata", p->pdata_offset, p->pdata_size, 0x40000040);
    return true;
}

static const struct elf_section *find_section(const struct pack *p, const char *name)
{
    for (size_t i = 0; i < p->elf.section_count; i++)
        if (!strcmp(p->elf.sections[i].name, name))
            return &p->elf.sections[i];
    return NULL;
}

static bool check_section(const struct pack *p, const struct elf_section *s, uint32_t unit, struct error *err)
{
    uint32_t offset = s->address - p->base;
    if (s->address < p->base || offset > p->image_size || s->size > p->image_size - offset || s->address % 4 ||
        s->size % unit)
        return error_set(err, ERR_FORMAT,
                         "ELF section %s at 0x%08x: 0x%x bytes are not entries of %u bytes in the image", s->name,
                         s->address, s->size, unit);
    return true;
}

static bool collect_libraries(struct pack *p, const struct elf_section *names, struct error *err)
{
    memcpy(p->libraries, system_libraries, sizeof system_libraries);
    if (!names)
        return true;
    if (!check_section(p, names, LIBRARY_ENTRY, err))
        return false;
    for (uint32_t at = 0; at < names->size; at += LIBRARY_ENTRY) {
        const uint8_t *entry = p->image + (names->address - p->base) + at;
        uint32_t number = be32_get(entry);
        if (number < SYSTEM_LIBRARIES || number >= LIBRARY_COUNT || !entry[4] || !memchr(entry + 4, 0, LIBRARY_ENTRY - 4))
            return error_set(err, ERR_FORMAT, "library at 0x%08x: number %u is not in %u-%u, or it has no name", names->address + at, number,
                             (unsigned)SYSTEM_LIBRARIES, LIBRARY_COUNT - 1);
        struct library *l = &p->libraries[number];
        if (l->name[0] && strcmp(l->name, (const char *)entry + 4) != 0)
            return error_set(err, ERR_FORMAT, "library %u is %s and %.59s", number, l->name, (const char *)entry + 4);
        snprintf(l->name, sizeof l->name, "%s", (const char *)entry + 4);
    }
    return true;
}

// Slots (.ximport: one word an import, library << 16 | ordinal) become records, in the order of the section.
static bool collect_slots(struct pack *p, const struct elf_section *slots, struct error *err)
{
    if (!slots)
        return true;
    if (slots->size / 4 > RECORD_LIMIT)
        return error_set(err, ERR_FORMAT, "ELF section .ximport: more than %u imports", RECORD_LIMIT);
    if (!check_section(p, slots, 4, err) || !xex_array((void **)&p->records, slots->size / 4, sizeof *p->records, err))
        return false;
    for (uint32_t at = 0; at < slots->size; at += 4) {
        uint32_t word = be32_get(p->image + (slots->address - p->base) + at);
        if (word >> 16 >= LIBRARY_COUNT || !p->libraries[word >> 16].name[0])
            return error_set(err, ERR_FORMAT, "import slot at 0x%08x holds 0x%08x, not library << 16 | ordinal of a library that has a name",
                             slots->address + at, word);
        p->records[p->record_count++] = (struct record){slots->address + at, 0, (uint8_t)(word >> 16), (uint16_t)word};
    }
    return true;
}

// Thunks (.xthunk: 16 bytes each; the first word is 0x01000000 | library << 16 | ordinal) complete their slots.
static bool collect_thunks(struct pack *p, const struct elf_section *thunks, struct error *err)
{
    if (!thunks)
        return true;
    if (!check_section(p, thunks, XEX_IMPORT_THUNK_BYTES, err))
        return false;
    for (uint32_t at = 0; at < thunks->size; at += XEX_IMPORT_THUNK_BYTES) {
        gva address = thunks->address + at;
        uint32_t word = be32_get(p->image + (address - p->base));
        struct record *found = NULL;
        for (size_t i = 0; i < p->record_count && !found; i++)
            if (((uint32_t)p->records[i].library << 16 | p->records[i].ordinal | 0x01000000) == word)
                found = &p->records[i];
        if (!found || found->thunk)
            return error_set(err, ERR_FORMAT, "import thunk at 0x%08x (0x%08x) has no slot of its own in .ximport",
                             address, word);
        found->thunk = address;
    }
    return true;
}

static uint32_t library_records(const struct pack *p, size_t library)
{
    uint32_t count = 0;
    for (size_t i = 0; i < p->record_count; i++)
        if (p->records[i].library == library)
            count += p->records[i].thunk ? 2 : 1;
    return count;
}

static bool collect_imports(struct pack *p, struct error *err)
{
    return collect_libraries(p, find_section(p, ".xlibrary"), err) && collect_slots(p, find_section(p, ".ximport"), err) && collect_thunks(p, find_section(p, ".xthunk"), err);
}

// Numbers the libraries in use from 0 in the image's records: byte 1 is an index into the file's own table.
static void number_libraries(struct pack *p)
{
    uint8_t number[LIBRARY_COUNT], next = 0;
    for (size_t i = 0; i < LIBRARY_COUNT; i++)
        number[i] = library_records(p, i) ? next++ : 0;
    for (size_t i = 0; i < p->record_count; i++) {
        const struct record *r = &p->records[i];
        p->image[r->slot - p->base + 1] = number[r->library];
        if (r->thunk) {
            p->image[r->thunk - p->base + 1] = number[r->library];
            p->image[r->thunk - p->base + 5] = number[r->library];
        }
    }
}

// Adds read-only pages for `size` bytes behind the image; leaves their offset.
static bool extend_image(struct pack *p, uint32_t size, uint32_t *offset, struct error *err)
{
    uint32_t more = round_up(size, PAGE);
    if (size > IMAGE_LIMIT || p->image_size + more > IMAGE_LIMIT)
        return error_set(err, ERR_ARGUMENT, "an image of more than 0x%x bytes", IMAGE_LIMIT);
    uint8_t *image = realloc(p->image, p->image_size + more);
    p->image = image ? image : p->image;
    uint8_t *types = realloc(p->page_types, page_count(p) + more / PAGE + 1);
    p->page_types = types ? types : p->page_types;
    if (!image || !types)
        return error_set(err, ERR_MEMORY, "no memory for an image of 0x%x bytes", p->image_size + more);
    *offset = p->image_size;
    memset(p->image + p->image_size, 0, more);
    memset(p->page_types + page_count(p), XEX_PAGE_READONLY, more / PAGE);
    p->image_size += more;
    return true;
}

// Makes the export table from .xexport: pairs of ordinal and address, in any order.
static bool write_exports(struct pack *p, struct error *err)
{
    const struct elf_section *s = find_section(p, ".xexport");
    if (!s || !s->size)
        return true;
    if (!check_section(p, s, EXPORT_ENTRY, err))
        return false;
    uint32_t low = UINT32_MAX, high = 0, offset;
    for (uint32_t at = 0; at < s->size; at += EXPORT_ENTRY) {
        uint32_t ordinal = be32_get(p->image + (s->address - p->base) + at);
        low = ordinal < low ? ordinal : low;
        high = ordinal > high ? ordinal : high;
    }
    if (!low || high > 0xFFFF)
        return error_set(err, ERR_FORMAT, "ELF section .xexport: ordinals %u to %u are not in 1-65535", low, high);
    if (!extend_image(p, EXPORT_FIXED + 4 * (high - low + 1), &offset, err))
        return false;
    uint8_t *t = p->image + offset;
    p->export_table = p->base + offset;
    be32_set(t, 0x48000000);
    be32_set(t + 4, 0x00485645);
    be32_set(t + 8, 0x48000000);
    be32_set(t + 0x20, p->base >> 16);
    be32_set(t + 0x24, high - low + 1);
    be32_set(t + 0x28, low);
    for (uint32_t at = 0; at < s->size; at += EXPORT_ENTRY) {
        const uint8_t *entry = p->image + (s->address - p->base) + at;
        uint8_t *place = t + EXPORT_FIXED + 4 * (be32_get(entry) - low);
        uint32_t address = be32_get(entry + 4);
        if (address < p->base || address - p->base >= p->image_size || be32_get(place))
            return error_set(err, ERR_FORMAT, "ELF section .xexport: ordinal %u (0x%08x) %s", be32_get(entry), address,
                             be32_get(place) ? "is given twice" : "is not in the image");
        be32_set(place, address - p->base);
    }
    return true;
}

static bool write_resources(struct pack *p, struct error *err)
{
    if (!xex_array((void **)&p->resources, p->params->resource_count, sizeof *p->resources, err))
        return false;
    for (size_t i = 0; i < p->params->resource_count; i++) {
        const struct xex_pack_resource *r = &p->params->resources[i];
        uint32_t offset;
        if (!*r->name || strlen(r->name) > 8)
            return error_set(err, ERR_ARGUMENT, "resource name '%s' does not have 1 to 8 bytes", r->name);
        if (r->size > IMAGE_LIMIT || !extend_image(p, (uint32_t)r->size, &offset, err))
            return error_set(err, ERR_ARGUMENT, "resource '%s' of 0x%zx bytes does not fit the image", r->name, r->size);
        memcpy(p->image + offset, r->data, r->size);
        p->resources[i] = p->base + offset;
    }
    return true;
}

static bool build_image(struct pack *p, struct error *err)
{
    if (!measure_image(p, err) || !place_segments(p, err) || !collect_imports(p, err))
        return false;
    place_pdata(p);
    if (!write_exports(p, err) || !write_resources(p, err))
        return false;
    number_libraries(p);
    return write_pdata(p, err) && write_pe(p, err);
}

// The image as (data, zeros) pairs of whole 16-byte units. Writes them to `out` unless NULL; returns how many.
static uint32_t compression_blocks(const struct pack *p, uint8_t *out)
{
    static const uint8_t zeros[ZERO_RUN];
    uint32_t count = 0;
    for (uint32_t at = 0; at < p->image_size; count++) {
        uint32_t data = at, end;
        while (data < p->image_size && memcmp(p->image + data, zeros, ZERO_RUN) != 0)
            data += ZERO_RUN;
        for (end = data; end < p->image_size && !memcmp(p->image + end, zeros, ZERO_RUN);)
            end += ZERO_RUN;
        if (out) {
            be32_set(out + 8 * count, data - at);
            be32_set(out + 8 * count + 4, end - data);
        }
        at = end;
    }
    return count;
}

static bool is_basic(const struct pack *p)
{
    return p->params->compression == XEX_COMPRESSION_BASIC;
}

static bool is_normal(const struct pack *p)
{
    return p->params->compression == XEX_COMPRESSION_NORMAL;
}

static const char *pe_name(const struct pack *p)
{
    return p->params->pe_name ? p->params->pe_name : "a.exe";
}

static uint32_t names_size(const struct pack *p)
{
    uint32_t size = 0;
    for (size_t i = 0; i < LIBRARY_COUNT; i++)
        if (library_records(p, i))
            size += round_up((uint32_t)strlen(p->libraries[i].name) + 1, 4);
    return size;
}

static uint32_t library_count(const struct pack *p)
{
    uint32_t count = 0;
    for (size_t i = 0; i < LIBRARY_COUNT; i++)
        count += library_records(p, i) ? 1 : 0;
    return count;
}

static uint32_t imports_size(const struct pack *p)
{
    uint32_t size = 12 + names_size(p);
    for (size_t i = 0; i < LIBRARY_COUNT; i++)
        if (library_records(p, i))
            size += LIBRARY_FIXED + 4 * library_records(p, i);
    return size;
}

static uint32_t library_size(const struct pack *p, size_t library)
{
    return LIBRARY_FIXED + 4 * library_records(p, library);
}

static void write_library(const struct pack *p, uint8_t *at, size_t library, uint8_t number)
{
    be32_set(at, library_size(p, library));
    be32_set(at + 0x18, p->libraries[library].id);
    be32_set(at + 0x1C, LIBRARY_VERSION);
    be32_set(at + 0x20, LIBRARY_VERSION);
    be16_set(at + 0x24, number);
    be16_set(at + 0x26, (uint16_t)library_records(p, library));
    uint8_t *word = at + LIBRARY_FIXED;
    for (size_t i = 0; i < p->record_count; i++) {
        if (p->records[i].library != library)
            continue;
        be32_set(word, p->records[i].slot);
        word += 4;
        if (p->records[i].thunk) {
            be32_set(word, p->records[i].thunk);
            word += 4;
        }
    }
}

// Each library's digest covers the next one without its size; the first one's goes to the security info.
static void write_imports(const struct pack *p, uint8_t *at, uint8_t *first_digest)
{
    be32_set(at, imports_size(p));
    be32_set(at + 4, names_size(p));
    be32_set(at + 8, library_count(p));
    uint8_t *name = at + 12, *starts[LIBRARY_COUNT], *library = at + 12 + names_size(p);
    uint8_t number = 0;
    for (size_t i = 0; i < LIBRARY_COUNT; i++) {
        if (!library_records(p, i))
            continue;
        memcpy(name, p->libraries[i].name, strlen(p->libraries[i].name));
        name += round_up((uint32_t)strlen(p->libraries[i].name) + 1, 4);
        write_library(p, library, i, number);
        starts[number++] = library;
        library += library_size(p, i);
    }
    while (number-- > 0)
        xex_sha1(number ? starts[number - 1] + 4 : first_digest, starts[number] + 4, be32_get(starts[number]) - 4, NULL, 0);
}

// From the last page to the first: each descriptor's digest covers the next page and its descriptor.
static void write_descriptors(const struct pack *p, uint8_t *table, uint8_t *first_digest)
{
    for (uint32_t i = page_count(p); i-- > 0;) {
        uint8_t *descriptor = table + XEX_DESCRIPTOR_BYTES * i;
        be32_set(descriptor, 1u << 4 | p->page_types[i]);
        xex_sha1(i ? descriptor - XEX_DESCRIPTOR_BYTES + 4 : first_digest, p->image + i * PAGE, PAGE, descriptor, XEX_DESCRIPTOR_BYTES);
    }
}

enum optional { // in the order of their keys, as loaders may search
    OPT_RESOURCES,
    OPT_FORMAT,
    OPT_ENTRY,
    OPT_BASE,
    OPT_IMPORTS,
    OPT_CHECKSUM,
    OPT_NAME,
    OPT_STATIC,
    OPT_TLS,
    OPT_STACK,
    OPT_EXECUTION,
    OPT_COUNT
};

static void write_security(const struct pack *p, uint8_t *s)
{
    be32_set(s, XEX_SECURITY_FIXED + XEX_DESCRIPTOR_BYTES * page_count(p));
    be32_set(s + 0x004, p->image_size);
    be32_set(s + 0x108, XEX_SECURITY_BASE);
    be32_set(s + 0x110, p->base);
    be32_set(s + 0x128, library_count(p));
    be32_set(s + 0x178, 0xFFFFFFFF); // all regions
    be32_set(s + 0x17C, DEVKIT_MEDIA);
    be32_set(s + 0x180, page_count(p));
    write_descriptors(p, s + XEX_SECURITY_FIXED, s + 0x114);
    be32_set(s + 0x160, p->export_table);
    xex_wrap_key(s + 0x150, p->session_key, p->params->key);
}

static void write_format(const struct pack *p, uint8_t *at, uint32_t size)
{
    be32_set(at, size);
    be16_set(at + 4, p->params->encrypt ? XEX_ENCRYPTION_NORMAL : XEX_ENCRYPTION_NONE);
    be16_set(at + 6, (uint16_t)p->params->compression);
    if (is_basic(p))
        compression_blocks(p, at + 8);
    if (!is_normal(p))
        return;
    be32_set(at + 8, LZX_WINDOW);
    be32_set(at + 12, p->first_block_size);
    memcpy(at + 16, p->first_block_digest, XEX_DIGEST);
}

static void write_lists(const struct pack *p, uint8_t *resources, uint8_t *libraries_at)
{
    for (size_t i = 0; i < p->params->resource_count; i++) {
        const struct xex_pack_resource *r = &p->params->resources[i];
        uint8_t *at = resources + 4 + 16 * i;
        memcpy(at, r->name, strlen(r->name));
        be32_set(at + 8, p->resources[i]);
        be32_set(at + 12, (uint32_t)r->size);
    }
    for (size_t i = 0; i < p->params->static_library_count; i++) {
        const struct xex_static_library *l = &p->params->static_libraries[i];
        uint8_t *at = libraries_at + 4 + 16 * i;
        memcpy(at, l->name, strnlen(l->name, 8));
        be16_set(at + 8, l->major);
        be16_set(at + 10, l->minor);
        be16_set(at + 12, l->build);
        at[14] = l->approval;
        at[15] = l->qfe;
    }
}

static void write_execution(const struct pack *p, uint8_t *at)
{
    be32_set(at + 0x04, p->params->version ? p->params->version : 0x10000000); // 1.0
    be32_set(at + 0x0C, p->params->title_id);
    at[0x12] = 1; // disc 1
    at[0x13] = 1; // of 1
}

static uint32_t module_flags(const struct pack *p)
{
    if (p->params->dll)
        return XEX_MODULE_DLL;
    return XEX_MODULE_TITLE | (p->export_table ? XEX_MODULE_EXPORTS_TO_TITLE : 0);
}

// Lays out and writes the header. Two passes: without `out` only p->header_size is computed.
static void write_header(struct pack *p, uint8_t *out)
{
    const struct xex_pack_params *params = p->params;
    uint32_t name_size = round_up(4 + (uint32_t)strlen(pe_name(p)) + 1, 4);
    uint32_t resources = (uint32_t)params->resource_count, statics = (uint32_t)params->static_library_count;
    uint32_t format = is_basic(p) ? 8 + 8 * compression_blocks(p, NULL) : is_normal(p) ? 16 + XEX_DIGEST : 8;
    const struct {
        uint32_t key, value, size;
        bool is_list; // the data begins with its size
    } rows[OPT_COUNT] = {
        [OPT_RESOURCES] = {resources ? XEX_KEY_RESOURCE_INFO : 0, 0, 4 + 16 * resources, true},
        [OPT_FORMAT] = {XEX_KEY_FILE_FORMAT_INFO, 0, format, false},
        [OPT_ENTRY] = {XEX_KEY_ENTRY_POINT, p->elf.entry, 0, false},
        [OPT_BASE] = {XEX_KEY_IMAGE_BASE_ADDRESS, p->base, 0, false},
        [OPT_IMPORTS] = {XEX_KEY_IMPORT_LIBRARIES, 0, imports_size(p), false},
        [OPT_CHECKSUM] = {XEX_KEY_CHECKSUM_TIMESTAMP, 0, 8, false}, // zeros: the same input gives the same file
        [OPT_NAME] = {XEX_KEY_ORIGINAL_PE_NAME, 0, name_size, true},
        [OPT_STATIC] = {statics ? XEX_KEY_STATIC_LIBRARIES : 0, 0, 4 + 16 * statics, true},
        [OPT_TLS] = {XEX_KEY_TLS_INFO, 0, 16, false},
        [OPT_STACK] = {XEX_KEY_DEFAULT_STACK_SIZE, params->stack_size ? params->stack_size : DEFAULT_STACK, 0, false},
        [OPT_EXECUTION] = {XEX_KEY_EXECUTION_INFO, 0, 24, false},
    };
    uint32_t offset[OPT_COUNT], count = 0, at, row = 0x18;
    for (int i = 0; i < OPT_COUNT; i++)
        count += rows[i].key != 0;
    uint32_t security = 0x18 + 8 * count;
    at = security + XEX_SECURITY_FIXED + XEX_DESCRIPTOR_BYTES * page_count(p);
    for (int i = 0; i < OPT_COUNT; i++) {
        offset[i] = at;
        if (!rows[i].key)
            continue;
        at += round_up(rows[i].size, 4);
        if (out) {
            be32_set(out + row, rows[i].key);
            be32_set(out + row + 4, rows[i].size ? offset[i] : rows[i].value);
            row += 8;
            if (rows[i].is_list)
                be32_set(out + offset[i], rows[i].size);
        }
    }
    p->header_size = round_up(at, 0x1000);
    if (!out)
        return;
    memcpy(out, "XEX2", 4);
    be32_set(out + 0x04, module_flags(p));
    be32_set(out + 0x08, p->header_size);
    be32_set(out + 0x10, security);
    be32_set(out + 0x14, count);
    write_format(p, out + offset[OPT_FORMAT], format);
    uint8_t unused[XEX_DIGEST];
    write_imports(p, out + offset[OPT_IMPORTS], library_count(p) ? out + security + 0x12C : unused);
    memcpy(out + offset[OPT_NAME] + 4, pe_name(p), strlen(pe_name(p)));
    be32_set(out + offset[OPT_TLS], 64); // slots
    write_lists(p, out + offset[OPT_RESOURCES], out + offset[OPT_STATIC]);
    write_execution(p, out + offset[OPT_EXECUTION]);
    write_security(p, out + security);
    xex_write_header_digest(out, p->header_size, security);
}

// The image without its runs of zeros.
static bool make_basic_data(struct pack *p)
{
    uint32_t count = compression_blocks(p, NULL), at = 0;
    uint8_t *blocks = calloc(count, 8);
    p->data = malloc(p->image_size);
    if (!blocks || !p->data) {
        free(blocks);
        return false;
    }
    compression_blocks(p, blocks);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t data = be32_get(blocks + 8 * i);
        memcpy(p->data + p->data_size, p->image + at, data);
        p->data_size += data;
        at += data + be32_get(blocks + 8 * i + 4);
    }
    free(blocks);
    return true;
}

// One block of LZX frames, each a piece of its own; returns its bytes, a multiple of 16.
static uint32_t write_block(const struct lzx_packed *lzx, size_t frame, uint8_t *block)
{
    uint32_t used = XEX_BLOCK_HEADER;
    for (unsigned i = 0; i < XEX_PACK_PIECES && frame < lzx->frame_count; i++, frame++) {
        uint32_t start = frame ? lzx->frame_ends[frame - 1] : 0, piece = lzx->frame_ends[frame] - start;
        be16_set(block + used, (uint16_t)piece);
        memcpy(block + used + 2, lzx->data + start, piece);
        used += 2 + piece;
    }
    return round_up(used + 2, 16); // a size of 0 ends
}

static bool make_normal_data(struct pack *p)
{
    static const enum lzx_form forms[] = {
        [XEX_LZX_BEST] = LZX_BEST_BLOCKS, [XEX_LZX_STORED] = LZX_STORED_BLOCKS, [XEX_LZX_VERBATIM] = LZX_VERBATIM_BLOCKS, [XEX_LZX_ALIGNED] = LZX_ALIGNED_BLOCKS};
    struct lzx_packed lzx;
    if (!lzx_compress(&(struct lzx_plain){p->image, p->image_size, NULL, 0, LZX_WINDOW, forms[p->params->lzx]}, &lzx, NULL))
        return false;
    size_t count = (lzx.frame_count + XEX_PACK_PIECES - 1) / XEX_PACK_PIECES;
    uint32_t *sizes = calloc(count, sizeof *sizes);
    p->data = calloc(1, lzx.size + count * 0x80);
    bool ok = sizes && p->data;
    for (size_t i = 0; ok && i < count; i++) {
        sizes[i] = write_block(&lzx, i * XEX_PACK_PIECES, p->data + p->data_size);
        p->data_size += sizes[i];
    }
    if (ok) {
        xex_link_blocks(p->data, sizes, count, p->first_block_digest);
        p->first_block_size = sizes[0];
    }
    free(sizes);
    lzx_packed_free(&lzx);
    return ok;
}

static bool make_data(struct pack *p)
{
    if (is_basic(p))
        return make_basic_data(p);
    if (is_normal(p))
        return make_normal_data(p);
    p->data = malloc(p->image_size);
    if (p->data)
        memcpy(p->data, p->image, p->image_size);
    p->data_size = p->image_size;
    return p->data;
}

static bool build_file(struct pack *p, size_t *size, struct error *err)
{
    uint8_t digest[XEX_DIGEST];
    xex_sha1(digest, p->image, p->image_size, NULL, 0);
    memcpy(p->session_key, digest, sizeof p->session_key); // any key will do; this one is the same every time
    if (!make_data(p))
        return error_set(err, ERR_MEMORY, "no memory to write the image");
    write_header(p, NULL);
    *size = (size_t)p->header_size + p->data_size;
    p->out = calloc(1, *size);
    if (!p->out)
        return error_set(err, ERR_MEMORY, "no memory for a file of 0x%zx bytes", *size);
    write_header(p, p->out);
    memcpy(p->out + p->header_size, p->data, p->data_size);
    if (p->params->encrypt)
        xex_encrypt_data(p->out + p->header_size, p->data_size, p->session_key);
    return true;
}

bool xex_pack(const struct xex_pack_params *params, uint8_t **out, size_t *size, struct error *err)
{
    *out = NULL;
    *size = 0;
    if (params->compression > XEX_COMPRESSION_NORMAL)
        return error_set(err, ERR_ARGUMENT, "compression must be none, basic or normal");
    struct pack p = {.params = params};
    if (!elf_parse(&p.elf, params->elf, params->elf_size, err))
        return false;
    bool ok = build_image(&p, err) && build_file(&p, size, err);
    if (ok)
        *out = p.out;
    else
        free(p.out);
    free(p.image);
    free(p.page_types);
    free(p.records);
    free(p.resources);
    free(p.data);
    elf_finish(&p.elf);
    return ok;
}
