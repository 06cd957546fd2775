// xbdm: the debug monitor of a development kit, to which nothing is connected.
#include "kernel/api.h"
#include "kernel/state.h"

enum { XBDM_NOERR = 0x02DA0000, XBDM_UNDEFINED = (int)0x82DA0000, XBDM_END_OF_LIST = (int)0x82DA0104 };

uint32_t DmIsDebuggerPresent(struct krnl_call *c)
{
    (void)c;
    return 0;
}

uint32_t DmGetXboxName(struct krnl_call *c)
{
    (void)c;
    return (uint32_t)XBDM_UNDEFINED; // the console has none
}

uint32_t DmGetXbeInfo(struct krnl_call *c)
{
    (void)c;
    return (uint32_t)XBDM_UNDEFINED;
}

uint32_t DmWalkLoadedModules(struct krnl_call *c, uint32_t walk_ptr, uint32_t module)
{
    (void)c, (void)walk_ptr, (void)module;
    return (uint32_t)XBDM_END_OF_LIST;
}

void DmCloseLoadedModules(struct krnl_call *c, uint32_t walk)
{
    (void)c, (void)walk;
}

void DmSendNotificationString(struct krnl_call *c, uint32_t text_ptr)
{
    char text[256];
    if (mem_get_string(c->mem, text_ptr, text, sizeof text))
        log_write(c->k->log, LOG_GUEST, "xbdm", "to the debugger: %s", text);
}

uint32_t DmIsFastCAPEnabled(struct krnl_call *c)
{
    (void)c;
    return (uint32_t)XBDM_UNDEFINED;
}
