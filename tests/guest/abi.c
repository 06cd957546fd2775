// Where this compiler passes arguments otherwise than the console: 64-bit and floating-point arguments, more than
// eight, variable ones, upper halves of registers, results. tests/guest_run.py reads the arguments that arrived from
// the event log.
#include <stdio.h>
#include <string.h>
#include <xenolith/arguments.h>
#include <xenolith/xam.h>
#include <xenolith/xboxkrnl.h>

static int failures;

static void check(const char *what, uint64_t have, uint64_t want)
{
    printf("%s: %llx%s\n", what, (unsigned long long)have, have == want ? "" : " WRONG");
    failures += have != want;
}

// The registers as they are: `call` with r3 and r4 whole; r3 as it comes back.
typedef uint32_t function(uint32_t, uint32_t);
static uint64_t raw(function *call, uint32_t high3, uint32_t low3, uint32_t high4, uint32_t low4)
{
    uint32_t high, low;
    __asm__ volatile("sldi 3, %3, 32\n\tclrldi 4, %4, 32\n\tor 3, 3, 4\n\t"
                     "sldi 4, %5, 32\n\tclrldi 0, %6, 32\n\tor 4, 4, 0\n\t"
                     "mtctr %2\n\tbctrl\n\tsrdi %0, 3, 32\n\tmr %1, 3"
                     : "=&r"(high), "=&r"(low)
                     : "r"(call), "r"(high3), "r"(low3), "r"(high4), "r"(low4)
                     : "r0", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "ctr", "memory",
                       "cr0", "cr1", "cr5", "cr6", "cr7");
    return (uint64_t)high << 32 | low;
}

static uint32_t r13(void)
{
    uint32_t value;
    __asm__ volatile("mr %0, 13" : "=r"(value));
    return value;
}

int main(void)
{
    uint32_t before = r13();
    // Doubles take no general register on this side, and one on the other.
    VdSetDisplayModeOverride(0x11, 0x22, 59.94, 0x33, 0x44);
    float narrow = 0.5f;
    VdSetDisplayModeOverride(1, 2, narrow, 0xFFFFFFFF, 4);
    // Ten, with the last two on the stack.
    uint32_t result = 0xAA;
    static const WCHAR word[] = {'o', 'k', 0};
    void *buttons[] = {(void *)(uintptr_t)word};
    XamShowMessageBoxUIEx(0xFF, word, word, 1, buttons, 0, 0x77, 0x88, &result, NULL);
    // 64 bits in one register, before a 32-bit one.
    static KTIMER timer;
    KeInitializeTimerEx(&timer, 0, 0);
    KeSetTimerEx(&timer, (uint64_t)-123456789012345ll, 7, NULL);
    KeCancelTimer(&timer);
    // And as a result.
    check("frequency", KeQueryPerformanceFrequency(), 50000000);
    // What the upper halves hold is nobody's.
    check("upper halves in", raw((function *)(uintptr_t)NtClose, 0xDEADBEEF, 0x12345678, 0xFFFFFFFF, 0),
          0xFFFFFFFFC0000008);
    check("sign in the result", raw((function *)(uintptr_t)RtlNtStatusToDosError, 0xFFFFFFFF, 0xC0000022, 0, 0), 5);
    // Variable arguments: a slot of 64 bits each.
    char text[120];
    krnl_sprintf(text, "%llx %f %d %s %c %08.3f %lld %u", 0x123456789ABCDEFull, 2.5, -3, "text", 'q', -1.0625,
                 -5000000000ll, 4000000000u);
    printf("%s\n", text);
    check("sprintf",
          (uint64_t)strcmp(text, "123456789abcdef 2.500000 -3 text q -001.063 -5000000000 4000000000") == 0 ||
              strstr(text, "-001.062"),
          1);
    krnl__snprintf(text, sizeof text, "%g|%e|%.0f|%5d|%-5d|%x", 0.1, 12345.678, 2.5, 42, 42, 0xFFFFFFFF);
    printf("%s\n", text);
    printf("%llx %f\n", 0xFEDCBA9876543210ull, 1234.5);
    DbgPrint("%llx %f\n", 0x0123456789ABCDEFull, -0.25);
    check("r13 stays", r13(), before);
    printf("%d failures\n", failures);
    return failures != 0;
}
