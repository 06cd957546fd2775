// wedge.h: what the guests share that hang on purpose. Each hangs as it is; built with -DFIXED it does not, and is the reference.
#pragma once
#include <xenolith/xboxkrnl.h>

#ifdef FIXED
enum { fixed = 1 };
#else
enum { fixed = 0 };
#endif

static const int64_t ten_ms = -100000;

static inline void wait(HANDLE object)
{
    NtWaitForSingleObjectEx(object, UserMode, 0, 0);
}

static inline void pause(void)
{
    KeDelayExecutionThread(UserMode, 0, &ten_ms);
}

static inline HANDLE event(uint32_t type)
{
    HANDLE handle = 0;
    NtCreateEvent(&handle, 0, type, 0);
    return handle;
}

static inline HANDLE thread(uint32_t (*start)(void *), void *context)
{
    HANDLE handle = 0;
    uint32_t id;
    ExCreateThread(&handle, 0x10000, &id, 0, start, context, 0);
    return handle;
}
