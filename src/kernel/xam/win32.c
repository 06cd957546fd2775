// The part of the Win32 library that xam exports: thin calls over the kernel's. The last error is the calling thread's.
#include "kernel/api.h"
#include "kernel/state.h"
#include "kernel/xam/win32_errors.h"

uint32_t GetLastError(struct krnl_call *c)
{
    uint32_t error = 0;
    mem_get32(c->mem, c->thread->kthread + KTHREAD_LAST_ERROR, &error);
    return error;
}

uint32_t RtlGetLastError(struct krnl_call *c)
{
    return GetLastError(c);
}

void SetLastError(struct krnl_call *c, uint32_t code)
{
    krnl_set_last_error(c, code);
}

uint32_t RtlSetLastNTError(struct krnl_call *c, uint32_t status)
{
    uint32_t error = RtlNtStatusToDosError(c, status);
    krnl_set_last_error(c, error);
    return error;
}

// True for success; else the last error says why.
static uint32_t succeeded(struct krnl_call *c, nt_status status)
{
    if ((int32_t)status >= 0)
        return 1;
    RtlSetLastNTError(c, status);
    return 0;
}

uint32_t CloseHandle(struct krnl_call *c, uint32_t handle)
{
    return succeeded(c, NtClose(c, handle));
}

uint32_t SetEvent(struct krnl_call *c, uint32_t handle)
{
    return succeeded(c, NtSetEvent(c, handle, 0));
}

uint32_t ResetEvent(struct krnl_call *c, uint32_t handle)
{
    return succeeded(c, NtClearEvent(c, handle));
}

uint32_t FlushFileBuffers(struct krnl_call *c, uint32_t handle)
{
    return succeeded(c, NtFlushBuffersFile(c, handle, 0));
}

uint32_t GetCurrentThreadId(struct krnl_call *c)
{
    return c->thread->tid;
}

void ExitThread(struct krnl_call *c, uint32_t code)
{
    krnl_exit_thread(c, code);
}

uint32_t ResumeThread(struct krnl_call *c, uint32_t handle)
{
    struct krnl_object *o = krnl_handle_typed(c->k, handle, KRNL_THREAD, c->thread);
    uint32_t previous = o ? ((const struct krnl_thread *)o->data)->suspend_count : 0;
    return succeeded(c, NtResumeThread(c, handle, 0)) ? previous : UINT32_MAX;
}

// Milliseconds since launch.
uint32_t GetTickCount(struct krnl_call *c)
{
    return (uint32_t)(krnl_thread_now(c->k, c->thread) / KRNL_CYCLES_PER_MS);
}

uint32_t krnl_lstrlenW(struct krnl_call *c, uint32_t string)
{
    enum { LONGEST = 0x100000 };
    uint32_t n = 0;
    uint16_t unit;
    while (string && n < LONGEST && mem_get16(c->mem, string + 2 * n, &unit) && unit)
        n++;
    return n;
}

void OutputDebugStringA(struct krnl_call *c, uint32_t text_ptr)
{
    char text[1024];
    if (!mem_get_string(c->mem, text_ptr, text, sizeof text))
        return;
    krnl_emit(c->k, c->thread, TRACE_DEBUG_PRINT, 0, NULL, text);
    if (c->k->config.print)
        c->k->config.print(c->k->config.print_user, text);
}

// ---- Sleeping. UINT32_MAX is for ever.

static nt_status sleep_ms(struct krnl_call *c, uint32_t ms, bool alertable)
{
    struct krnl_timeout timeout = {.infinite = ms == UINT32_MAX, .value = -(int64_t)ms * 10000};
    return krnl_sleep(c, alertable ? KRNL_ALERTABLE_USER : KRNL_NOT_ALERTABLE, &timeout);
}

void Sleep(struct krnl_call *c, uint32_t ms)
{
    sleep_ms(c, ms, false);
}

uint32_t SleepEx(struct krnl_call *c, uint32_t ms, uint32_t alertable)
{
    return sleep_ms(c, ms, alertable != 0);
}

uint32_t RtlSleep(struct krnl_call *c, uint32_t ms, uint32_t alertable)
{
    return sleep_ms(c, ms, alertable != 0);
}
