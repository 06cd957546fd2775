// elf.h: the little of ELF32 that pack needs: loaded segments, allocated sections, function symbols.
#pragma once
#include "xex/xex.h"

struct elf_segment {
    uint32_t address, memory_size;
    const uint8_t *data; // file_size bytes of the input
    uint32_t file_size;
    bool writable, executable;
};

struct elf_section { // only those that occupy memory
    const char *name; // in the input
    uint32_t address, size;
    bool writable, executable, zero; // zero: no bytes in the file
};

struct elf_function {
    uint32_t address, size; // bytes
};

#define ELF_SEGMENT_LIMIT 16
#define ELF_SECTION_LIMIT 64

struct elf {
    uint32_t entry;
    struct elf_segment segments[ELF_SEGMENT_LIMIT];
    size_t segment_count;
    struct elf_section sections[ELF_SECTION_LIMIT];
    size_t section_count;
    struct elf_function *functions; // sorted by address, none twice; malloc'd
    size_t function_count;
};

// Reads a big-endian PowerPC static executable. The input must outlive `out`; elf_finish frees what was allocated.
bool elf_parse(struct elf *out, const uint8_t *data, size_t size, struct error *err);
void elf_finish(struct elf *elf);
