// One thread takes A then B, the other B then A; main waits for both. A is a mutant, B a critical section.
#include "wedge.h"

static HANDLE a;
static RTL_CRITICAL_SECTION b;

static uint32_t a_then_b(void *context)
{
    (void)context;
    wait(a);
    pause();
    RtlEnterCriticalSection(&b);
    RtlLeaveCriticalSection(&b);
    NtReleaseMutant(a, 0);
    return 0;
}

static uint32_t b_then_a(void *context)
{
    if (fixed)
        return a_then_b(context);
    RtlEnterCriticalSection(&b);
    pause();
    wait(a);
    NtReleaseMutant(a, 0);
    RtlLeaveCriticalSection(&b);
    return 0;
}

int main(void)
{
    NtCreateMutant(&a, 0, 0);
    RtlInitializeCriticalSection(&b);
    HANDLE first = thread(a_then_b, 0), second = thread(b_then_a, 0);
    wait(first);
    wait(second);
    return 0;
}
