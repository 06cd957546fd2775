// NTSTATUS to Win32 error.
#include "kernel/api.h"
#include "kernel/state.h"

static const struct {
    uint32_t status, error;
} dos_errors[] = {
#define DOS_ERROR(status, error) {status, error},
#include "kernel/xboxkrnl/dos_errors.def"
#undef DOS_ERROR
};

static uint32_t find_error(uint32_t status)
{
    size_t low = 0, high = sizeof dos_errors / sizeof *dos_errors;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (dos_errors[middle].status == status)
            return dos_errors[middle].error;
        if (dos_errors[middle].status < status)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

uint32_t RtlNtStatusToDosError(struct krnl_call *c, uint32_t status)
{
    enum { MR_MID_NOT_FOUND = 317, FACILITY_WIN32 = 0x8007, FACILITY_LAN = 0xC001, CUSTOMER = 0x20000000 };
    (void)c;
    if (!status || status & CUSTOMER)
        return status;
    if (status >> 16 == FACILITY_WIN32)
        return status & 0xFFFF;
    if (status >> 28 == 0xD) // a bit of its own says that an HRESULT was made of it
        status &= ~0x30000000u;
    uint32_t error = find_error(status);
    if (error)
        return error;
    return status >> 16 == FACILITY_LAN ? status & 0xFFFF : MR_MID_NOT_FOUND;
}
