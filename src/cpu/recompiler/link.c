#include "cpu/recompiler/link.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SECTIONS = 4096, MAX_ALIGNMENT = 64 };

struct linker {
    const uint8_t *object;
    size_t size;
    const Elf64_Ehdr *header;
    const Elf64_Shdr *sections;
    size_t *places; // of each section in the output; SIZE_MAX where it is left out
    uint8_t *out;
    size_t out_size;
    uint8_t *lines; // the line table, relocated
    size_t lines_size;
    struct error *err;
};

static const char lines_name[] = ".debug_line";

static bool bad(struct linker *l, const char *what)
{
    return error_set(l->err, ERR_FORMAT, "object of the code generator: %s", what);
}

static bool inside(const struct linker *l, uint64_t offset, uint64_t size)
{
    return offset <= l->size && size <= l->size - offset;
}

static bool wanted(const Elf64_Shdr *s)
{
    return s->sh_flags & SHF_ALLOC && s->sh_type == SHT_PROGBITS && s->sh_size;
}

static bool open_object(struct linker *l)
{
    l->header = (const Elf64_Ehdr *)(const void *)l->object;
    if (l->size < sizeof *l->header || memcmp(l->header->e_ident, ELFMAG, SELFMAG) != 0 || l->header->e_machine != EM_X86_64)
        return bad(l, "not ELF for x86-64");
    if (l->header->e_shnum > MAX_SECTIONS || l->header->e_shoff % 8 ||
        !inside(l, l->header->e_shoff, (uint64_t)l->header->e_shnum * sizeof *l->sections))
        return bad(l, "section table");
    l->sections = (const Elf64_Shdr *)(const void *)(l->object + l->header->e_shoff);
    return true;
}

static bool lay_out(struct linker *l)
{
    l->places = malloc(l->header->e_shnum * sizeof *l->places);
    if (!l->places)
        return error_set(l->err, ERR_MEMORY, "no memory for compiled code");
    for (unsigned i = 0; i < l->header->e_shnum; i++) {
        const Elf64_Shdr *s = &l->sections[i];
        l->places[i] = SIZE_MAX;
        if (!wanted(s))
            continue;
        size_t alignment = s->sh_addralign ? s->sh_addralign : 1;
        if (alignment > MAX_ALIGNMENT || !inside(l, s->sh_offset, s->sh_size))
            return bad(l, "section");
        l->places[i] = (l->out_size + alignment - 1) / alignment * alignment;
        l->out_size = l->places[i] + s->sh_size;
    }
    l->out = calloc(1, l->out_size ? l->out_size : 1);
    if (!l->out)
        return error_set(l->err, ERR_MEMORY, "no memory for compiled code");
    for (unsigned i = 0; i < l->header->e_shnum; i++)
        if (l->places[i] != SIZE_MAX)
            memcpy(l->out + l->places[i], l->object + l->sections[i].sh_offset, l->sections[i].sh_size);
    return true;
}

static const Elf64_Sym *symbols_of(const struct linker *l, const Elf64_Shdr *table, size_t *count)
{
    *count = table->sh_size / sizeof(Elf64_Sym);
    return inside(l, table->sh_offset, table->sh_size) ? (const void *)(l->object + table->sh_offset) : NULL;
}

static bool place_of(const struct linker *l, const Elf64_Sym *symbol, size_t *out)
{
    if (symbol->st_shndx >= l->header->e_shnum || l->places[symbol->st_shndx] == SIZE_MAX)
        return false;
    *out = l->places[symbol->st_shndx] + symbol->st_value;
    return true;
}

static bool is_lines(const struct linker *l, const Elf64_Shdr *s)
{
    const Elf64_Shdr *names = &l->sections[l->header->e_shstrndx < l->header->e_shnum ? l->header->e_shstrndx : 0];
    return s->sh_type == SHT_PROGBITS && s->sh_name < names->sh_size && names->sh_size - s->sh_name >= sizeof lines_name &&
           inside(l, names->sh_offset, names->sh_size) && !memcmp(l->object + names->sh_offset + s->sh_name, lines_name, sizeof lines_name);
}

static bool copy_lines(struct linker *l, const Elf64_Shdr *s)
{
    if (!inside(l, s->sh_offset, s->sh_size))
        return bad(l, "line table");
    l->lines = malloc(s->sh_size ? s->sh_size : 1);
    if (!l->lines)
        return error_set(l->err, ERR_MEMORY, "no memory for compiled code");
    memcpy(l->lines, l->object + s->sh_offset, s->sh_size);
    l->lines_size = s->sh_size;
    return true;
}

// Addresses in the line table become places in the output.
static bool relocate_lines(struct linker *l, const Elf64_Shdr *s)
{
    size_t symbol_count, count = s->sh_size / sizeof(Elf64_Rela), target;
    if (s->sh_link >= l->header->e_shnum || !inside(l, s->sh_offset, s->sh_size))
        return bad(l, "relocations");
    const Elf64_Sym *symbols = symbols_of(l, &l->sections[s->sh_link], &symbol_count);
    const Elf64_Rela *rela = (const void *)(l->object + s->sh_offset);
    for (size_t i = 0; i < count; i++) {
        uint32_t number = ELF64_R_SYM(rela[i].r_info);
        if (ELF64_R_TYPE(rela[i].r_info) != R_X86_64_64)
            continue; // names of files
        if (!symbols || number >= symbol_count || !place_of(l, &symbols[number], &target) || rela[i].r_offset > l->lines_size ||
            l->lines_size - rela[i].r_offset < 8)
            return bad(l, "a relocation of the line table");
        uint64_t value = target + (uint64_t)rela[i].r_addend;
        memcpy(l->lines + rela[i].r_offset, &value, 8);
    }
    return true;
}

static bool relocate(struct linker *l, const Elf64_Shdr *s)
{
    size_t symbol_count, count = s->sh_size / sizeof(Elf64_Rela), base = l->places[s->sh_info], target;
    if (s->sh_link >= l->header->e_shnum || !inside(l, s->sh_offset, s->sh_size))
        return bad(l, "relocations");
    const Elf64_Sym *symbols = symbols_of(l, &l->sections[s->sh_link], &symbol_count);
    const Elf64_Rela *rela = (const void *)(l->object + s->sh_offset);
    for (size_t i = 0; i < count; i++) {
        uint32_t type = ELF64_R_TYPE(rela[i].r_info), number = ELF64_R_SYM(rela[i].r_info);
        if (type != R_X86_64_PC32 && type != R_X86_64_PLT32)
            return bad(l, "a relocation that is not relative");
        if (!symbols || number >= symbol_count || !place_of(l, &symbols[number], &target))
            return bad(l, "a relocation to something outside");
        size_t at = base + rela[i].r_offset;
        if (at + 4 > l->out_size)
            return bad(l, "a relocation outside its section");
        int32_t value = (int32_t)((int64_t)target + rela[i].r_addend - (int64_t)at);
        memcpy(l->out + at, &value, 4);
    }
    return true;
}

static bool find_symbols(struct linker *l, const Elf64_Shdr *table, uint32_t count, uint32_t *offsets)
{
    size_t symbol_count, place;
    if (table->sh_link >= l->header->e_shnum)
        return bad(l, "symbols");
    const Elf64_Shdr *strings = &l->sections[table->sh_link];
    const Elf64_Sym *symbols = symbols_of(l, table, &symbol_count);
    if (!symbols || !inside(l, strings->sh_offset, strings->sh_size))
        return bad(l, "symbols");
    for (size_t i = 0; i < symbol_count; i++) {
        if (symbols[i].st_name >= strings->sh_size || !place_of(l, &symbols[i], &place))
            continue;
        const char *name = (const char *)l->object + strings->sh_offset + symbols[i].st_name;
        char *end;
        if (*name != 'u')
            continue;
        unsigned long number = strtoul(name + 1, &end, 10);
        if (!*end && number < count)
            offsets[number] = (uint32_t)place;
    }
    return true;
}

static bool link_all(struct linker *l, uint32_t count, uint32_t *offsets)
{
    if (!open_object(l) || !lay_out(l))
        return false;
    for (uint32_t i = 0; i < count; i++)
        offsets[i] = UINT32_MAX;
    for (unsigned i = 0; i < l->header->e_shnum; i++)
        if (is_lines(l, &l->sections[i]) && !l->lines && !copy_lines(l, &l->sections[i]))
            return false;
    for (unsigned i = 0; i < l->header->e_shnum; i++) {
        const Elf64_Shdr *s = &l->sections[i];
        bool relocations = s->sh_type == SHT_RELA && s->sh_info < l->header->e_shnum;
        if (relocations && l->places[s->sh_info] != SIZE_MAX && !relocate(l, s))
            return false;
        if (relocations && l->lines && is_lines(l, &l->sections[s->sh_info]) && !relocate_lines(l, s))
            return false;
        if (s->sh_type == SHT_SYMTAB && !find_symbols(l, s, count, offsets))
            return false;
    }
    for (uint32_t i = 0; i < count; i++)
        if (offsets[i] == UINT32_MAX)
            return bad(l, "a unit is missing");
    return true;
}

bool rc_link(const uint8_t *object, size_t size, uint32_t count, struct linked *out, struct error *err)
{
    struct linker l = {.object = object, .size = size, .err = err};
    bool ok = link_all(&l, count, out->offsets);
    if (ok && !lines_read(l.lines, l.lines_size, &out->lines))
        ok = bad(&l, "line table");
    free(l.places);
    free(l.lines);
    if (!ok) {
        free(l.out);
        return false;
    }
    out->bytes = l.out;
    out->size = l.out_size;
    return true;
}
