// chaos: reads, writes and executes everywhere, and runs random code that it writes itself, until something stops it.
#include <stdio.h>

#include "fuzz.h"

enum { WORDS = 256, ROUNDS = 4000 };

static uint32_t code[WORDS + 2] __attribute__((aligned(128)));

// Any word, or one that is likely an instruction: of the common primary opcodes, with random operands.
static uint32_t word(void)
{
    static const uint8_t primaries[] = {4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 23, 24, 26, 28, 30, 31, 31, 31, 32, 34, 36, 38, 44, 46, 48, 52, 58, 59, 62, 63};
    switch (below(8)) {
    case 0: return next();
    case 1: return 31u << 26 | (next() & 0x3FFF800) | below(1024) << 1 | below(2);
    case 2: return 63u << 26 | (next() & 0x3FFF800) | below(1024) << 1 | below(2);
    case 3: return 4u << 26 | (next() & 0x3FFFFFF);
    default: return (uint32_t)primaries[below(sizeof primaries)] << 26 | (next() & 0x3FFFFFF);
    }
}

static void flush(const void *at, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i += 32)
        __asm__ volatile("dcbst 0, %0\n\ticbi 0, %0" : : "r"((const char *)at + i) : "memory");
    __asm__ volatile("sync\n\tisync" : : : "memory");
}

// Writes code and runs it: 0 to WORDS random words and a return. Branches and memory accesses in it go anywhere.
static void run_random_code(uint32_t *at, uint32_t limit, int gentle)
{
    uint32_t count = below(limit);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t w = word();
        // Gentle code has no memory accesses, branches, traps and calls, and spares the registers that main needs.
        if (gentle && (w >> 26 < 4 || (w >> 26 >= 16 && w >> 26 <= 19) || w >> 26 >= 32 || w >> 26 == 31 || (w >> 21 & 31) < 3 || (w >> 16 & 31) < 3 || (w >> 21 & 31) > 12 ||
                       (w >> 16 & 31) > 12))
            w = 0x10000000 | (next() & 0x3FFFFC0) | 4; // vector arithmetic of some kind
        at[i] = gentle && w >> 26 == 4 ? 0x7C631A14 + (below(8) << 21) : w;
    }
    at[count] = 0x4E800020; // blr
    flush(at, (count + 1) * 4);
    ((void (*)(uint32_t, uint32_t, uint32_t, uint32_t))at)(place(), buffer(), next(), place());
}

static void act(void)
{
    static volatile uint32_t sink;
    static void *memory;
    uint32_t size = 0x10000;
    switch (below(200)) {
    case 0: sink = *(volatile uint32_t *)place(); break;
    case 1: *(volatile uint32_t *)place() = next(); break;
    case 2: *(volatile uint64_t *)place() = next(); break;
    case 3: *(volatile uint8_t *)place() = (uint8_t)next(); break;
    case 4: sink = *(volatile uint16_t *)next(); break;
    case 5: *(volatile uint32_t *)next() = next(); break;
    case 6: ((void (*)(void))(place() & ~3u))(); break;
    case 7: ((void (*)(void))(next() & ~3u))(); break;
    case 8: run_random_code(code, WORDS, 0); break;
    case 9: memset((void *)place(), (int)next(), below(0x20000)); break;
    case 10: memcpy((void *)place(), (void *)place(), below(0x1000)); break;
    case 11: // code on the stack
        run_random_code((uint32_t[66]){0}, 64, 1);
        break;
    case 12: { // code in fresh memory, which then goes away, and is run again
        NtAllocateVirtualMemory(&memory, &size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE, 0);
        run_random_code(memory, 128, 1);
        uint32_t zero = 0;
        NtFreeVirtualMemory(&memory, &zero, MEM_RELEASE, 0);
        if (!below(8))
            ((void (*)(void))memory)();
        memory = NULL;
        break;
    }
    case 13: *(volatile uint32_t *)(0x7FC80000 + (next() & 0xFFFC)) = next(); break; // registers of the GPU
    case 14: sink = *(volatile uint32_t *)(0x7FC80000 + (next() & 0xFFFC)); break;
    case 15: __asm__ volatile("dcbz 0, %0" : : "r"(place()) : "memory"); break;
    default: run_random_code(code, 16, 1); break;
    }
}

int main(int argc, char **argv)
{
    seed_from(argc ? argv[0] : "0");
    for (int i = 0; i < ROUNDS; i++)
        act();
    printf("survived\n");
    return 0;
}
