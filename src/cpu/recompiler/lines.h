// lines.h: the line table that LLVM writes: which code belongs to which line of the source.
// Threads: everything here is pure.
// Source: DWARF Debugging Information Format, version 4, section 6.2.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line_row {
    uint64_t address; // of the first instruction
    uint32_t line;    // 0: none
};

struct line_rows {
    struct line_row *rows; // in the order of the table; the caller frees them
    size_t count, capacity;
};

// Reads all line programs of version 4 in the section, after relocation. False: damaged, of another kind, or no memory.
bool lines_read(const uint8_t *section, size_t size, struct line_rows *out);
