// loop_fault: a hot loop with integers, floats, vectors and compares in registers runs off the end of its memory, committed before others
// that are only reserved. With -DWRITES it makes a file before, with -DREADS it takes a number from one.
#include <stdint.h>
#include <stdio.h>
#include <xenolith/xboxkrnl.h>

enum { WORDS = 0x10000 / 4 };
#ifndef ROUNDS
#define ROUNDS 300
#endif

static uint32_t __attribute__((noinline)) sweep(uint32_t *p, uint32_t count)
{
    static const float numbers[8] __attribute__((aligned(16))) = {1.5f, 0.5f, 3.25f, -7.0f, 1, 2, 3, 4};
    uint32_t sum = 1, most = 0;
    __asm__ volatile("lfs 1, 0(%4)\n\tlfs 2, 4(%4)\n\tlfs 3, 8(%4)\n\tlfs 5, 12(%4)\n\tfadd 4, 1, 3\n\t"
                     "lvx 2, 0, %4\n\tvspltisw 3, 1\n\tvspltisw 4, 0\n\t"
                     "mtctr %3\n"
                     "1:\tlwz 9, 0(%2)\n\tmullw 9, 9, %0\n\tadd %0, %0, 9\n\txor. 10, 9, %0\n\t"
                     "fmuls 1, 1, 2\n\tfadds 3, 3, 1\n\tfmadd 4, 4, 2, 3\n\tfcmpu 1, 1, 3\n\tfmuls 1, 1, 2\n\tfadds 1, 1, 5\n\t"
                     "vadduwm 4, 4, 3\n\tvaddfp 2, 2, 2\n\tvxor 5, 4, 2\n\t"
                     "cmplw 6, 9, %1\n\tble 6, 2f\n\tmr %1, 9\n"
                     "2:\taddic %0, %0, 13\n\tstw %0, 0(%2)\n\taddi %2, %2, 4\n\tbdnz 1b"
                     : "+r"(sum), "+r"(most), "+b"(p)
                     : "r"(count), "b"(numbers)
                     : "r9", "r10", "fr1", "fr2", "fr3", "fr4", "fr5", "v2", "v3", "v4", "v5", "cr0", "cr1", "cr6", "ctr", "xer", "memory");
    return sum ^ most;
}

int main(void)
{
    void *base = NULL;
    uint32_t whole = 8 * WORDS, half = 4 * WORDS, sum = 0;
    if (NtAllocateVirtualMemory(&base, &whole, MEM_RESERVE, PAGE_READWRITE, 0) || NtAllocateVirtualMemory(&base, &half, MEM_COMMIT, PAGE_READWRITE, 0))
        return 1;
    uint32_t *p = base;
    for (uint32_t i = 0; i < WORDS; i++)
        p[i] = i * 2654435761u;
#ifdef WRITES
    FILE *f = fopen("game:\\written.txt", "w");
    if (!f || fputs("a line\n", f) < 0 || fclose(f))
        return 1;
#endif
#ifdef READS
    FILE *r = fopen("game:\\number.txt", "r");
    if (!r || fscanf(r, "%u", &sum) != 1)
        return 1;
    fclose(r);
    printf("read\n");
#endif
    for (unsigned i = 0; i < ROUNDS; i++)
        sum = sum * 31 + sweep(p + i % 512, 600);
    printf("loop_fault: %08x\n", sum);
    sum += sweep(p, 2 * WORDS);
    printf("not reached: %08x\n", sum);
    return 0;
}
