// bad: does one wrong thing, chosen by -DBAD=n, so that tests/bad_input.py can look at how the emulator answers.
#include <stdint.h>
#include <stdio.h>
#include <xenolith/xboxkrnl.h>

typedef void function(void);

static volatile uint32_t sink;

static int recurse(volatile int depth)
{
    volatile char big[4096];
    big[0] = (char)depth;
    return recurse(depth + 1) + big[0];
}

int main(void)
{
    printf("bad %d\n", BAD);
    switch (BAD) {
    case 1: // read of memory that is not there
        sink = *(volatile uint32_t *)0x50000000;
        break;
    case 2: // write to read-only code
        *(volatile uint32_t *)(uintptr_t)main = 0;
        break;
    case 3: // call of nothing
        ((function *)0)();
        break;
    case 4: // jump to memory that is not mapped
        ((function *)0x60000000)();
        break;
    case 5:
        return recurse(0);
    case 6: // for ever
        for (;;)
            sink++;
    case 7: // an illegal instruction word
        __asm__ volatile(".long 0");
        break;
    case 8: // a trap of the title's own
        __asm__ volatile("trap");
        break;
    case 9: // waits for what nobody signals
    {
        HANDLE event;
        NtCreateEvent(&event, NULL, 1, 0);
        NtWaitForSingleObjectEx(event, 0, 0, NULL);
        break;
    }
    case 10: // pointers that are no memory, to calls that write
        printf("%08x\n", (unsigned)NtCreateEvent((HANDLE *)0x7FC80714, NULL, 1, 0));
        printf("%08x\n", (unsigned)NtCreateEvent((HANDLE *)0xFFFFFFFE, NULL, 1, 0));
        break;
    case 11:
        KeBugCheckEx(0xDEAD, 1, 2, 3, 4);
        break;
    }
    return 0;
}
