// Ends: of the thread, and of the run.
#include <stdlib.h>
#include <xenolith/xboxkrnl.h>

enum { HANDLERS = 32 };

static void (*handlers[HANDLERS])(void);
static int handler_count;

void (*xenolith_close_files)(void); // set by the first fopen
void xenolith_at_end(void);

int atexit(void (*function)(void))
{
    if (handler_count == HANDLERS)
        return -1;
    handlers[handler_count++] = function;
    return 0;
}

void xenolith_at_end(void)
{
    while (handler_count)
        handlers[--handler_count]();
    if (xenolith_close_files)
        (*xenolith_close_files)();
}

void _Exit(int status)
{
    ExTerminateThread((uint32_t)status);
    for (;;)
        ;
}

void exit(int status)
{
    xenolith_at_end();
    _Exit(status);
}

// An illegal instruction: the emulator reports registers and backtrace.
void abort(void)
{
    __builtin_trap();
}
