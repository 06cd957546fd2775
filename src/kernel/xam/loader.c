// XamLoader*: titles that end or start others. Only the end of this one is built.
#include "kernel/api.h"
#include "kernel/state.h"
#include "kernel/xam/win32_errors.h"

void XamLoaderTerminateTitle(struct krnl_call *c)
{
    c->pending = true;
    krnl_stop(c->k, KRNL_STOP_EXIT, c->thread, "the title called XamLoaderTerminateTitle");
}

void XamLoaderLaunchTitle(struct krnl_call *c, uint32_t name_ptr, uint32_t flags)
{
    char name[260] = "";
    if (name_ptr)
        mem_get_string(c->mem, name_ptr, name, sizeof name);
    c->pending = true;
    krnl_stop(c->k, KRNL_STOP_EXIT, c->thread, "the title asked to launch \"%s\" (flags 0x%x)",
              name_ptr ? name : "the dashboard", flags);
}

// Nobody started this title with data.
uint32_t XamLoaderGetLaunchDataSize(struct krnl_call *c, uint32_t size_ptr)
{
    return size_ptr && mem_set32(c->mem, size_ptr, 0) ? X_ERROR_NOT_FOUND : X_ERROR_INVALID_PARAMETER;
}

uint32_t XamLoaderGetLaunchData(struct krnl_call *c, uint32_t buffer, uint32_t size)
{
    (void)c, (void)buffer, (void)size;
    return X_ERROR_NOT_FOUND;
}
