// Clock, XConfig, XEX questions, debug output, ends: what fits no larger subject.
#include <stdio.h>
#include <string.h>

#include "kernel/api.h"
#include "kernel/module.h"

uint32_t KeQueryPerformanceFrequency(struct krnl_call *c)
{
    (void)c;
    return 50000000;
}

uint64_t KeQueryInterruptTime(struct krnl_call *c)
{
    return krnl_thread_now(c->k, c->thread) / KRNL_CYCLES_PER_100NS;
}

void KeQuerySystemTime(struct krnl_call *c, uint32_t time_ptr)
{
    uint64_t now = krnl_system_time(c->k, krnl_thread_now(c->k, c->thread));
    mem_set64(c->mem, time_ptr, now);
}

uint32_t KeLockL2(struct krnl_call *c)
{
    (void)c;
    return 0;
}

void KeUnlockL2(struct krnl_call *c)
{
    (void)c;
}

uint32_t KiApcNormalRoutineNop(struct krnl_call *c, uint32_t unk0, uint32_t unk1)
{
    (void)c, (void)unk0, (void)unk1;
    return 0;
}

// ---- XConfig: settings of the console. Only what titles were seen to ask is known.
uint32_t ExGetXConfigSetting(struct krnl_call *c, uint32_t category, uint32_t setting, uint32_t buffer, uint32_t buffer_size, uint32_t required_ptr)
{
    static const struct { uint16_t category, setting; uint8_t size; uint32_t value; } settings[] = {
        {2, 0x02, 4, 0x00001000}, // AV region: USA, Canada
        {3, 0x01, 4, 0}, {3, 0x02, 4, 0}, {3, 0x03, 4, 0}, {3, 0x04, 4, 0}, {3, 0x05, 4, 0}, {3, 0x06, 4, 0}, {3, 0x07, 4, 0}, // time zone
        {3, 0x09, 4, 1},          // language: English
        {3, 0x0A, 4, 0x00040000}, // video flags
        {3, 0x0C, 4, 0},          // retail flags
        {3, 0x0E, 1, 103},        // country: USA
    };
    for (unsigned i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (settings[i].category != category || settings[i].setting != setting)
            continue;
        uint32_t size = settings[i].size;
        if (buffer && (uint16_t)buffer_size < size)
            return (nt_status)STATUS_BUFFER_TOO_SMALL;
        if (!buffer && (uint16_t)buffer_size)
            return (nt_status)STATUS_INVALID_PARAMETER;
        if (buffer && !(size == 4 ? mem_set32(c->mem, buffer, settings[i].value) : mem_set8(c->mem, buffer, (uint8_t)settings[i].value)))
            return (nt_status)STATUS_ACCESS_VIOLATION;
        if (required_ptr)
            mem_set16(c->mem, required_ptr, (uint16_t)size);
        return STATUS_SUCCESS;
    }
    krnl_partial(c, "setting 0x%x of category 0x%x is not known", setting, category);
    return (nt_status)STATUS_INVALID_PARAMETER;
}

// ---- Notifications at the title's end: kept in no list, since the end of a run ends the machine.
void ExRegisterTitleTerminateNotification(struct krnl_call *c, uint32_t registration, uint32_t create)
{
    (void)c, (void)registration, (void)create;
}

// ---- XEX

uint32_t XexCheckExecutablePrivilege(struct krnl_call *c, uint32_t privilege)
{
    uint32_t flags = c->k->xex ? xex_info(c->k->xex)->system_flags : 0;
    return privilege < 32 && flags >> privilege & 1;
}

// A header's value by its key, from a copy of an XEX header in guest memory: low byte 0: the word itself; 1: its address; else
// the address of the data. Only the module's own header is known to be one.
uint32_t RtlImageXexHeaderField(struct krnl_call *c, uint32_t header, uint32_t key)
{
    enum { COUNT = 0x14, FIRST = 0x18 };
    uint32_t count;
    if (!header || !mem_get32(c->mem, header + COUNT, &count))
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        gva row = header + FIRST + 8 * i;
        uint32_t found, value;
        if (!mem_get32(c->mem, row, &found) || !mem_get32(c->mem, row + 4, &value))
            return 0;
        if (found != key)
            continue;
        return (key & 0xFF) == 0 ? value : (key & 0xFF) == 1 ? row + 4 : header + value;
    }
    return 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '\\');
    return slash ? slash + 1 : path;
}

uint32_t XexGetModuleHandle(struct krnl_call *c, uint32_t name_ptr, uint32_t out_ptr)
{
    char name[260];
    gva module = c->k->executable_module;
    if (name_ptr) {
        if (!mem_get_string(c->mem, name_ptr, name, sizeof name))
            return (nt_status)STATUS_ACCESS_VIOLATION;
        int known = exp_module_by_name(base_name(name));
        module = known >= 0 ? c->k->system_modules[known] : krnl_module_named(c->k, name);
    }
    mem_set32(c->mem, out_ptr, module);
    return module ? STATUS_SUCCESS : (nt_status)STATUS_DLL_NOT_FOUND;
}

uint32_t XexLoadImage(struct krnl_call *c, uint32_t name_ptr, uint32_t flags, uint32_t min_version, uint32_t out_ptr)
{
    (void)flags, (void)min_version;
    char name[260];
    if (!mem_get_string(c->mem, name_ptr, name, sizeof name))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    int known = exp_module_by_name(base_name(name));
    if (known >= 0) {
        mem_set32(c->mem, out_ptr, c->k->system_modules[known]);
        return STATUS_SUCCESS;
    }
    return krnl_module_load(c, name, out_ptr);
}

uint32_t XexUnloadImage(struct krnl_call *c, uint32_t module)
{
    for (unsigned i = 0; i < EXP_MODULE_COUNT; i++)
        if (c->k->system_modules[i] == module)
            return STATUS_SUCCESS; // they stay
    return krnl_module_unload(c, module);
}

// By ordinal; a name (a guest address, 64 KB up) is looked for in the tables too. The answer is a thunk the title can call.
uint32_t XexGetProcedureAddress(struct krnl_call *c, uint32_t module, uint32_t ordinal, uint32_t out_ptr)
{
    struct kernel *k = c->k;
    char name[128];
    for (unsigned i = 0; i < EXP_MODULE_COUNT; i++) {
        if (k->system_modules[i] != module)
            continue;
        const struct exp_row *row = ordinal < 0x10000 ? exp_find((enum exp_module)i, (uint16_t)ordinal)
                                    : mem_get_string(c->mem, ordinal, name, sizeof name) ? exp_find_name((enum exp_module)i, name) : NULL;
        if (!row)
            return (nt_status)STATUS_DRIVER_ORDINAL_NOT_FOUND;
        gva address = row->variable ? k->variables[i][row->ordinal % 1024] : krnl_make_thunk(k, row);
        mem_set32(c->mem, out_ptr, address);
        return address ? STATUS_SUCCESS : (nt_status)STATUS_NO_MEMORY;
    }
    const struct xex *own = krnl_module_xex(k, module);
    gva address = own && ordinal < 0x10000 ? xex_export(own, ordinal) : 0;
    mem_set32(c->mem, out_ptr, address);
    return address ? STATUS_SUCCESS : (nt_status)STATUS_DRIVER_ORDINAL_NOT_FOUND;
}

// ---- Ends

void KeBugCheckEx(struct krnl_call *c, uint32_t code, uint32_t p1, uint32_t p2, uint32_t p3, uint32_t p4)
{
    c->pending = true;
    krnl_stop(c->k, KRNL_STOP_CRASH, c->thread, "the title called KeBugCheckEx(0x%x, 0x%x, 0x%x, 0x%x, 0x%x) from 0x%08x", code, p1, p2, p3, p4,
              (uint32_t)c->cpu->lr);
}

void KeBugCheck(struct krnl_call *c, uint32_t code)
{
    KeBugCheckEx(c, code, 0, 0, 0, 0);
}

void HalReturnToFirmware(struct krnl_call *c, uint32_t routine)
{
    c->pending = true;
    krnl_stop(c->k, KRNL_STOP_EXIT, c->thread, "the title called HalReturnToFirmware(%u)", routine);
}

uint32_t ExTerminateTitleProcess(struct krnl_call *c)
{
    c->pending = true;
    krnl_stop(c->k, KRNL_STOP_EXIT, c->thread, "the title ended itself");
    return 0;
}

void DbgBreakPoint(struct krnl_call *c)
{
    log_write(c->k->log, LOG_GUEST, "debug", "DbgBreakPoint called from 0x%08x; no debugger is there, going on", (uint32_t)c->cpu->lr);
}

void RtlRaiseException(struct krnl_call *c, uint32_t record)
{
    enum { SET_THREAD_NAME = 0x406D1388 };
    uint32_t code = 0, flags = 0, address = 0;
    mem_get32(c->mem, record, &code);
    mem_get32(c->mem, record + 4, &flags);
    mem_get32(c->mem, record + 12, &address);
    if (code == SET_THREAD_NAME)
        return; // a debugger's convention: nobody listens
    c->pending = true;
    krnl_stop(c->k, KRNL_STOP_CRASH, c->thread, "the title raised exception 0x%08x (flags 0x%x) from 0x%08x", code, flags, (uint32_t)c->cpu->lr);
}
