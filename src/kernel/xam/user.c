// XamUser*: nobody is signed in, and there are no profiles.
#include "kernel/api.h"
#include "kernel/state.h"
#include "kernel/xam/overlapped.h"
#include "kernel/xam/win32_errors.h"

enum { USERS = 4, USER_ANY = 0xFF };

uint32_t XamUserGetSigninState(struct krnl_call *c, uint32_t user)
{
    (void)c, (void)user;
    return 0; // not signed in
}

uint32_t XamUserGetSigninInfo(struct krnl_call *c, uint32_t user, uint32_t flags, uint32_t info)
{
    enum { INFO_BYTES = 40 };
    (void)user, (void)flags;
    return mem_fill(c->mem, info, 0, INFO_BYTES) ? (uint32_t)X_E_NO_SUCH_USER : (uint32_t)X_E_INVALIDARG;
}

uint32_t XamUserGetXUID(struct krnl_call *c, uint32_t user, uint32_t type_mask, uint32_t xuid_ptr)
{
    (void)type_mask;
    return !mem_set64(c->mem, xuid_ptr, 0) || user >= USERS ? (uint32_t)X_E_INVALIDARG : (uint32_t)X_E_NO_SUCH_USER;
}

uint32_t XamUserGetIndexFromXUID(struct krnl_call *c, uint64_t xuid, uint32_t flags, uint32_t index_ptr)
{
    (void)xuid, (void)flags;
    return mem_valid(c->mem, index_ptr, 4, MEM_WRITE) ? (uint32_t)X_E_NO_SUCH_USER : (uint32_t)X_E_INVALIDARG;
}

uint32_t XamUserGetName(struct krnl_call *c, uint32_t user, uint32_t buffer, uint32_t size)
{
    (void)size;
    if (user >= USERS || !mem_set8(c->mem, buffer, 0))
        return X_ERROR_INVALID_PARAMETER;
    return X_ERROR_NO_SUCH_USER;
}

uint32_t XamUserGetGamerTag(struct krnl_call *c, uint32_t user, uint32_t buffer, uint32_t chars)
{
    enum { NAME_CHARS = 16 };
    if (user >= USERS || chars < NAME_CHARS || !mem_valid(c->mem, buffer, 2 * NAME_CHARS, MEM_WRITE))
        return (uint32_t)X_E_INVALIDARG;
    return X_ERROR_NO_SUCH_USER;
}

uint32_t XamUserGetDeviceContext(struct krnl_call *c, uint32_t user, uint32_t unknown, uint32_t out_ptr)
{
    (void)unknown;
    bool any = (user & USER_ANY) == USER_ANY;
    if (!mem_set32(c->mem, out_ptr, any ? user : 0))
        return (uint32_t)X_E_INVALIDARG;
    return any ? X_ERROR_SUCCESS : (uint32_t)X_E_DEVICE_NOT_CONNECTED;
}

uint32_t XamUserCheckPrivilege(struct krnl_call *c, uint32_t user, uint32_t privilege, uint32_t value_ptr)
{
    (void)privilege;
    if (user != USER_ANY)
        return user >= USERS ? X_ERROR_INVALID_PARAMETER : X_ERROR_NO_SUCH_USER;
    return mem_set32(c->mem, value_ptr, 0) ? X_ERROR_SUCCESS : X_ERROR_INVALID_PARAMETER;
}

// How many bytes the answer needs: settings of 0x28 bytes, and room for strings and blobs by the size in their key.
static bool settings_size(const struct krnl_call *c, uint32_t count, uint32_t ids_ptr, uint32_t *bytes)
{
    enum { HEADER = 8, SETTING = 0x28, TYPE_STRING = 4, TYPE_BINARY = 6 };
    *bytes = HEADER + count * SETTING;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id;
        if (!mem_get32(c->mem, ids_ptr + 4 * i, &id))
            return false;
        uint32_t type = id >> 28, size = id >> 16 & 0xFFF;
        if (type == TYPE_STRING || type == TYPE_BINARY)
            *bytes += size;
    }
    return true;
}

static uint32_t read_settings(struct krnl_call *c, uint32_t count, uint32_t ids_ptr, uint32_t size_ptr, uint32_t buffer,
                              uint32_t overlapped)
{
    enum { SETTINGS_MAX = 32 };
    uint32_t size, needed;
    if (count < 1 || count > SETTINGS_MAX || !mem_get32(c->mem, size_ptr, &size) || (size && !buffer) ||
        !settings_size(c, count, ids_ptr, &needed))
        return X_ERROR_INVALID_PARAMETER;
    if (!buffer || size < needed) {
        if (!size)
            mem_set32(c->mem, size_ptr, needed);
        return X_ERROR_INSUFFICIENT_BUFFER;
    }
    return krnl_overlapped_or(c, overlapped, X_ERROR_NO_SUCH_USER);
}

uint32_t XamUserReadProfileSettings(struct krnl_call *c, uint32_t title, uint32_t user, uint32_t xuid_count,
                                    uint32_t xuids, uint32_t setting_count, uint32_t ids_ptr, uint32_t size_ptr,
                                    uint32_t buffer, uint32_t overlapped)
{
    (void)title, (void)user, (void)xuid_count, (void)xuids;
    return read_settings(c, setting_count, ids_ptr, size_ptr, buffer, overlapped);
}

uint32_t XamUserReadProfileSettingsEx(struct krnl_call *c, uint32_t title, uint32_t user, uint32_t xuid_count,
                                      uint32_t xuids, uint32_t setting_count, uint32_t ids_ptr, uint32_t size_ptr,
                                      uint32_t unknown, uint32_t buffer, uint32_t overlapped)
{
    (void)title, (void)user, (void)xuid_count, (void)xuids, (void)unknown;
    return read_settings(c, setting_count, ids_ptr, size_ptr, buffer, overlapped);
}

uint32_t XamUserContentRestrictionGetFlags(struct krnl_call *c, uint32_t user, uint32_t flags_ptr)
{
    (void)c, (void)user, (void)flags_ptr;
    return X_ERROR_NO_SUCH_USER;
}

uint32_t XamUserContentRestrictionGetRating(struct krnl_call *c, uint32_t user, uint32_t unk1, uint32_t unk2_ptr,
                                            uint32_t unk3_ptr)
{
    (void)c, (void)user, (void)unk1, (void)unk2_ptr, (void)unk3_ptr;
    return X_ERROR_NO_SUCH_USER;
}
