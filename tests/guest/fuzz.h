// fuzz.h: seeded random choices for the guests of tests/guest_fuzz.py. The seed is the number in the program's file name.
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xenolith/xboxkrnl.h>

static uint64_t state = 1;

static uint32_t next(void)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(state >> 32);
}

static uint32_t below(uint32_t limit)
{
    return next() % limit;
}

static void seed_from(const char *name)
{
    for (; *name; name++)
        if (*name >= '0' && *name <= '9')
            state = state * 10 + (uint32_t)(*name - '0');
    for (int i = 0; i < 8; i++)
        next();
}

static uint8_t arena[0x8000] __attribute__((aligned(0x1000)));

// Places that mean something: memory of every kind and its edges, device registers, holes.
static uint32_t place(void)
{
    static const uint32_t bases[] = {
        0,          0x1000,     0x10000,    0x00400000, 0x40000000, 0x50000000, 0x70000000, 0x7F000000, 0x7FC80000, 0x7FC80714, 0x7FEA0000,
        0x7FFF0000, 0x80000000, 0x80040000, 0x82000000, 0x82010000, 0x8FFFF000, 0x90000000, 0xA0000000, 0xA1000000, 0xBFFFF000, 0xBFFFFFFC,
        0xC0000000, 0xE0000000, 0xFFCFF000, 0xFFFF0000, 0xFFFFFFF8, 0xFFFFFFFF,
    };
    uint32_t at = bases[below(sizeof bases / sizeof *bases)];
    switch (below(4)) {
    case 0: return at;
    case 1: return at + below(64);
    case 2: return at - 1 - below(16);
    default: return at + below(0x10000);
    }
}

// A pointer that may be written to, often near an edge or unaligned.
static uint32_t buffer(void)
{
    uint32_t at = (uint32_t)arena + below(sizeof arena);
    return below(3) ? at & ~7u : at;
}
