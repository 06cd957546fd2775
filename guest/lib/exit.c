// Ends: of the thread, and of the run.
#include <stdlib.h>
#include <xenolith/xboxkrnl.h>

void exit(int status)
{
    ExTerminateThread((uint32_t)status);
    for (;;)
        ;
}

// An illegal instruction: the emulator reports registers and backtrace.
void abort(void)
{
    __builtin_trap();
}
