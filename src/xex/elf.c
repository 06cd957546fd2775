#include "xex/elf.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define ELF_HEADER      52u
#define PROGRAM_HEADER  32u
#define SECTION_HEADER  40u
#define SYMBOL          16u
#define TYPE_EXECUTABLE 2u
#define MACHINE_PPC     20u
#define SEGMENT_LOAD    1u
#define SECTION_SYMBOLS 2u
#define SECTION_ZERO    8u
#define FLAG_WRITE      1u
#define FLAG_ALLOCATE   2u
#define FLAG_EXECUTE    4u
#define SYMBOL_FUNCTION 2u

struct input {
    const uint8_t *data;
    size_t size;
};

// `count` elements of `bytes` at `offset`, or NULL when they pass the end.
static const uint8_t *view(const struct input *in, uint32_t offset, uint64_t count, uint32_t bytes)
{
    return offset <= in->size && count * bytes <= in->size - offset ? in->data + offset : NULL;
}

static bool check_kind(const struct input *in, struct error *err)
{
    const uint8_t *h = view(in, 0, 1, ELF_HEADER);
    if (!h || memcmp(h,
                     "\x7F"
                     "ELF",
                     4) != 0)
        return error_set(err, ERR_FORMAT, "not an ELF file");
    if (h[4] != 1 || h[5] != 2 || be16_get(h + 18) != MACHINE_PPC)
        return error_set(err, ERR_FORMAT, "ELF identification at file offset 0x4: not 32-bit big-endian PowerPC");
    if (be16_get(h + 16) != TYPE_EXECUTABLE)
        return error_set(err, ERR_FORMAT,
                         "ELF type at file offset 0x10 is %u, not a static executable (link with -static -no-pie)",
                         be16_get(h + 16));
    if (be16_get(h + 42) != PROGRAM_HEADER || be16_get(h + 46) != SECTION_HEADER)
        return error_set(err, ERR_FORMAT, "ELF header sizes at file offset 0x2a are not 32 and 40");
    return true;
}

static bool parse_segments(struct elf *out, const struct input *in, struct error *err)
{
    uint32_t offset = be32_get(in->data + 28), count = be16_get(in->data + 44);
    const uint8_t *table = view(in, offset, count, PROGRAM_HEADER);
    if (!table)
        return error_set(err, ERR_FORMAT, "ELF program headers at file offset 0x%x pass the end", offset);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *p = table + PROGRAM_HEADER * i;
        struct elf_segment s = {
            .address = be32_get(p + 8),
            .memory_size = be32_get(p + 20),
            .file_size = be32_get(p + 16),
            .data = view(in, be32_get(p + 4), be32_get(p + 16), 1),
            .writable = be32_get(p + 24) & 2,
            .executable = be32_get(p + 24) & 1,
        };
        if (be32_get(p) != SEGMENT_LOAD || !s.memory_size)
            continue;
        if (!s.data || s.file_size > s.memory_size || s.memory_size > UINT32_MAX - s.address)
            return error_set(err, ERR_FORMAT, "ELF segment %u at file offset 0x%x: sizes do not fit", i,
                             offset + PROGRAM_HEADER * i);
        if (out->segment_count == ELF_SEGMENT_LIMIT)
            return error_set(err, ERR_FORMAT, "ELF has more than %u segments", ELF_SEGMENT_LIMIT);
        out->segments[out->segment_count++] = s;
    }
    return true;
}

static int by_address(const void *a, const void *b)
{
    const struct elf_function *x = a, *y = b;
    return (x->address > y->address) - (x->address < y->address);
}

static bool parse_symbols(struct elf *out, const struct input *in, const uint8_t *header, struct error *err)
{
    uint32_t count = be32_get(header + 20) / SYMBOL;
    const uint8_t *table = view(in, be32_get(header + 16), count, SYMBOL);
    if (!table)
        return error_set(err, ERR_FORMAT, "ELF symbols at file offset 0x%x pass the end", be32_get(header + 16));
    if (out->functions)
        return error_set(err, ERR_FORMAT, "ELF has two symbol tables");
    out->functions = calloc(count + 1, sizeof *out->functions);
    if (!out->functions)
        return error_set(err, ERR_MEMORY, "no memory for %u symbols", count);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *p = table + SYMBOL * i;
        struct elf_function f = {be32_get(p + 4), be32_get(p + 8)};
        if ((p[12] & 15) == SYMBOL_FUNCTION && f.size && be16_get(p + 14))
            out->functions[out->function_count++] = f;
    }
    qsort(out->functions, out->function_count, sizeof *out->functions, by_address);
    size_t kept = 0;
    for (size_t i = 0; i < out->function_count; i++) // aliases share an address
        if (!kept || out->functions[kept - 1].address != out->functions[i].address)
            out->functions[kept++] = out->functions[i];
    out->function_count = kept;
    return true;
}

static bool add_section(struct elf *out, const struct input *in, const uint8_t *p, const uint8_t *names,
                        uint32_t names_size, struct error *err)
{
    uint32_t name = be32_get(p), flags = be32_get(p + 8), type = be32_get(p + 4);
    struct elf_section s = {
        .address = be32_get(p + 12),
        .size = be32_get(p + 20),
        .writable = flags & FLAG_WRITE,
        .executable = flags & FLAG_EXECUTE,
        .zero = type == SECTION_ZERO,
    };
    if (!(flags & FLAG_ALLOCATE) || !s.size)
        return true;
    if (name >= names_size || !memchr(names + name, 0, names_size - name))
        return error_set(err, ERR_FORMAT, "ELF section header at file offset 0x%zx: no name", (size_t)(p - in->data));
    s.name = (const char *)names + name;
    if (out->section_count == ELF_SECTION_LIMIT)
        return error_set(err, ERR_FORMAT, "ELF has more than %u sections", ELF_SECTION_LIMIT);
    out->sections[out->section_count++] = s;
    return true;
}

static bool parse_sections(struct elf *out, const struct input *in, struct error *err)
{
    uint32_t offset = be32_get(in->data + 32), count = be16_get(in->data + 48), names_index = be16_get(in->data + 50);
    const uint8_t *table = view(in, offset, count, SECTION_HEADER);
    if (!table || names_index >= count)
        return error_set(err, ERR_FORMAT, "ELF section headers at file offset 0x%x are missing or pass the end",
                         offset);
    const uint8_t *names_header = table + SECTION_HEADER * names_index;
    uint32_t names_size = be32_get(names_header + 20);
    const uint8_t *names = view(in, be32_get(names_header + 16), names_size, 1);
    if (!names)
        return error_set(err, ERR_FORMAT, "ELF section names at file offset 0x%x pass the end",
                         be32_get(names_header + 16));
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *p = table + SECTION_HEADER * i;
        bool ok = be32_get(p + 4) == SECTION_SYMBOLS ? parse_symbols(out, in, p, err)
                                                     : add_section(out, in, p, names, names_size, err);
        if (!ok)
            return false;
    }
    return true;
}

bool elf_parse(struct elf *out, const uint8_t *data, size_t size, struct error *err)
{
    struct input in = {data, size};
    *out = (struct elf){0};
    if (!check_kind(&in, err))
        return false;
    out->entry = be32_get(data + 24);
    if (!parse_segments(out, &in, err) || !parse_sections(out, &in, err)) {
        elf_finish(out);
        return false;
    }
    return true;
}

void elf_finish(struct elf *elf)
{
    free(elf->functions);
    *elf = (struct elf){0};
}
