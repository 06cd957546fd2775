// What xam says of console, title and settings; memory for xam's own clients.
#include "kernel/api.h"
#include "kernel/state.h"
#include "kernel/xam/win32_errors.h"

enum { LANGUAGE_ENGLISH = 1, AV_PACK_HDMI = 8, REGION_USA = 0x00FF };

uint32_t XGetLanguage(struct krnl_call *c)
{
    (void)c;
    return LANGUAGE_ENGLISH;
}

uint32_t XamGetLanguage(struct krnl_call *c)
{
    (void)c;
    return LANGUAGE_ENGLISH;
}

uint32_t XGetAVPack(struct krnl_call *c)
{
    (void)c;
    return AV_PACK_HDMI;
}

uint32_t XGetGameRegion(struct krnl_call *c)
{
    (void)c;
    return REGION_USA;
}

uint32_t XamGetSystemVersion(struct krnl_call *c)
{
    enum { VERSION_2_0_1888_0 = 0x20076000 }; // as XboxKrnlVersion says
    return c->k->config.profile == KRNL_REFERENCE ? 0 : VERSION_2_0_1888_0;
}

uint32_t XamGetExecutionId(struct krnl_call *c, uint32_t info_ptr)
{
    enum { EXECUTION_INFO = 0x40006 };
    uint32_t info = RtlImageXexHeaderField(c, c->k->xex_header, EXECUTION_INFO);
    if (!info)
        return (nt_status)STATUS_NOT_FOUND;
    return mem_set32(c->mem, info_ptr, info) ? X_ERROR_SUCCESS : X_ERROR_INVALID_PARAMETER;
}

// Nothing dims the screen or switches off when nobody plays.
uint32_t XamEnableInactivityProcessing(struct krnl_call *c, uint32_t unknown, uint32_t enable)
{
    (void)c, (void)unknown, (void)enable;
    return X_ERROR_SUCCESS;
}

uint32_t XamFeatureEnabled(struct krnl_call *c, uint32_t feature)
{
    (void)c, (void)feature;
    return 0;
}

uint32_t XamAlloc(struct krnl_call *c, uint32_t flags, uint32_t size, uint32_t out_ptr)
{
    (void)flags;
    if (!mem_valid(c->mem, out_ptr, 4, MEM_WRITE))
        return X_ERROR_INVALID_PARAMETER;
    gva block = size && size < 0x10000000 ? krnl_system_alloc(c->k, size) : 0;
    mem_set32(c->mem, out_ptr, block);
    return block ? X_ERROR_SUCCESS : (uint32_t)X_E_OUTOFMEMORY;
}

uint32_t XamFree(struct krnl_call *c, uint32_t block)
{
    struct mem_range range;
    bool ours =
        block >= 0x30000000 && block <= 0x3FFFFFFF && mem_query(c->mem, block, &range) && range.alloc_base == block;
    if (ours)
        krnl_system_free(c->k, block);
    else if (block)
        log_write(c->k->log, LOG_GUEST, "xam", "XamFree of 0x%08x, which is no block", block);
    return X_ERROR_SUCCESS;
}
