// Ends of the program.
#include <stdlib.h>
#include <xenolith/xboxkrnl.h>

enum { HANDLERS = 32 };

static void (*handlers[HANDLERS])(void);
static int handler_count;

void (*xenolith_close_files)(void); // set by the first fopen
KTHREAD *xenolith_main_thread;      // set by the start of a title; a DLL does not know it
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

static void keep(KAPC *apc, void *normal_routine, void *context, void *arg1, void *arg2)
{
    (void)apc, (void)normal_routine, (void)context, (void)arg1, (void)arg2;
}

static void end_thread(void *status, void *arg1, void *arg2)
{
    (void)arg1, (void)arg2;
    ExTerminateThread((uint32_t)status);
}

// The program ends with its main thread: another one has that end itself, wherever it is.
void _Exit(int status)
{
    static KAPC end;
    if (xenolith_main_thread && xenolith_main_thread != KeGetCurrentThread()) {
        KeInitializeApc(&end, xenolith_main_thread, (void *)keep, NULL, end_thread, KernelMode, (void *)status);
        KeInsertQueueApc(&end, NULL, NULL, 0);
    }
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
