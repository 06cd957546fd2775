// xex_elf.h: a small ELF as the SDK's linker makes one, written field by field, for the packer's tests.
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define BASE 0x82000000u

enum {
    PROGRAM = 52,
    SECTIONS = 0x100,
    NAMES = 0x300,
    SYMBOLS = 0x340,
    RODATA = 0x400, // at BASE + 0x400: two slots and a word
    TEXT = 0x500,   // at BASE + 0x10000: code and one thunk
    DATA = 0x600,   // at BASE + 0x20000
    ELF_SIZE = 0x700,
    ZEROS = 0x18000, // bytes of .bss
};

static inline void program(uint8_t *p, int i, uint32_t offset, uint32_t address, uint32_t size, uint32_t memory,
                    uint32_t flags)
{
    p += PROGRAM + 32 * i;
    be32_set(p, 1);
    be32_set(p + 4, offset);
    be32_set(p + 8, address);
    be32_set(p + 16, size);
    be32_set(p + 20, memory);
    be32_set(p + 24, flags);
}

static inline void section(uint8_t *p, int i, uint32_t name, uint32_t type, uint32_t flags, uint32_t address, uint32_t offset,
                    uint32_t size)
{
    p += SECTIONS + 40 * i;
    be32_set(p, name);
    be32_set(p + 4, type);
    be32_set(p + 8, flags);
    be32_set(p + 12, address);
    be32_set(p + 16, offset);
    be32_set(p + 20, size);
}

// ELF_SIZE bytes, the caller frees.
static inline uint8_t *make_elf(void)
{
    static const char names[] = "\0.ximport\0.rdata\0.text\0.xthunk\0.data\0.bss";
    uint8_t *p = calloc(1, ELF_SIZE);
    if (!p)
        abort();
    memcpy(p,
           "\x7F"
           "ELF\1\2\1",
           7);
    be16_set(p + 16, 2);
    be16_set(p + 18, 20);
    be32_set(p + 24, BASE + 0x10000);
    be32_set(p + 28, PROGRAM);
    be32_set(p + 32, SECTIONS);
    be16_set(p + 42, 32);
    be16_set(p + 44, 3);
    be16_set(p + 46, 40);
    be16_set(p + 48, 9);
    be16_set(p + 50, 7);
    program(p, 0, RODATA, BASE + 0x400, 12, 12, 4);
    program(p, 1, TEXT, BASE + 0x10000, 0x30, 0x30, 5);
    program(p, 2, DATA, BASE + 0x20000, 16, 16 + ZEROS, 6);
    section(p, 1, 1, 1, 2, BASE + 0x400, RODATA, 8);
    section(p, 2, 10, 1, 2, BASE + 0x408, RODATA + 8, 4);
    section(p, 3, 17, 1, 6, BASE + 0x10000, TEXT, 0x20);
    section(p, 4, 23, 1, 6, BASE + 0x10020, TEXT + 0x20, 16);
    section(p, 5, 31, 1, 3, BASE + 0x20000, DATA, 16);
    section(p, 6, 37, 8, 3, BASE + 0x20010, 0, ZEROS);
    section(p, 7, 0, 3, 0, 0, NAMES, sizeof names);
    section(p, 8, 0, 2, 0, 0, SYMBOLS, 48);
    memcpy(p + NAMES, names, sizeof names);
    for (int i = 1; i < 3; i++) { // the second function first: the packer sorts
        be32_set(p + SYMBOLS + 16 * i + 4, BASE + 0x10000 + (i == 1 ? 0x10 : 0));
        be32_set(p + SYMBOLS + 16 * i + 8, 0x10);
        p[SYMBOLS + 16 * i + 12] = 0x12;
        be16_set(p + SYMBOLS + 16 * i + 14, 3);
    }
    be32_set(p + RODATA, 0x000103CD);     // xam function
    be32_set(p + RODATA + 4, 0x000000AD); // kernel variable
    be32_set(p + RODATA + 8, 0x11223344);
    for (int i = 0; i < 8; i++)
        be32_set(p + TEXT + 4 * i, 0x4E800020);
    be32_set(p + TEXT + 0x20, 0x010103CD);
    be32_set(p + TEXT + 0x24, 0x020103CD);
    be32_set(p + TEXT + 0x28, 0x7D6903A6);
    be32_set(p + TEXT + 0x2C, 0x4E800420);
    memset(p + DATA, 0xD5, 16);
    return p;
}
