// XamTask*: work on a thread of the system's process. A task is its thread: its handle is the thread's.
#include "kernel/api.h"
#include "kernel/state.h"
#include "kernel/xam/win32_errors.h"

enum { TASK_STACK = 0x4000, REFERENCE_HANDLE = 12345 };

uint32_t XamTaskSchedule(struct krnl_call *c, uint32_t callback, uint32_t message, uint32_t optional, uint32_t handle_ptr)
{
    (void)optional;
    bool reference = c->k->config.profile == KRNL_REFERENCE;
    struct krnl_thread_params p = {.stack_bytes = TASK_STACK, .start_address = callback, .context = message, .guest = true,
                                   .system_process = true, .creator = c->thread};
    uint32_t title_stack = 0, handle;
    mem_get32(c->mem, c->k->title_process + KPROCESS_STACK_SIZE, &title_stack);
    if (title_stack > p.stack_bytes && title_stack < 0x01000000)
        p.stack_bytes = title_stack;
    if (!mem_valid(c->mem, handle_ptr, 4, MEM_WRITE))
        return X_ERROR_INVALID_PARAMETER;
    if (!krnl_thread_new(c->k, &p, &handle))
        return (nt_status)STATUS_NO_MEMORY;
    mem_set32(c->mem, handle_ptr, reference ? (uint32_t)REFERENCE_HANDLE : handle);
    return X_ERROR_SUCCESS;
}

uint32_t XamTaskCloseHandle(struct krnl_call *c)
{
    uint32_t handle = (uint32_t)c->cpu->gpr[3]; // the reference knows no arguments of it
    if (c->k->config.profile == KRNL_REFERENCE && handle == REFERENCE_HANDLE)
        return STATUS_SUCCESS;
    return krnl_handle_typed(c->k, handle, KRNL_THREAD, c->thread) ? NtClose(c, handle) : (nt_status)STATUS_INVALID_HANDLE;
}

// Nobody cancels tasks here.
uint32_t XamTaskShouldExit(struct krnl_call *c, uint32_t unknown)
{
    (void)c, (void)unknown;
    return 0;
}
