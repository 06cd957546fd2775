// overlapped.h: XOVERLAPPED, how xam's calls report what ends later. Private to kernel/.
#pragma once
#include "kernel/call.h"

enum {
    OVERLAPPED_RESULT = 0x00,
    OVERLAPPED_LENGTH = 0x04,
    OVERLAPPED_CONTEXT = 0x08, // handle of the thread that asked
    OVERLAPPED_EVENT = 0x0C,
    OVERLAPPED_ROUTINE = 0x10, // APC on that thread
    OVERLAPPED_EXTENDED = 0x18,
    OVERLAPPED_SIZE = 0x1C,
};

// Ends the request now: fields, event, APC. Returns X_ERROR_IO_PENDING, or X_ERROR_INVALID_PARAMETER where it is not
// writable.
uint32_t krnl_overlapped_end(struct krnl_call *c, gva overlapped, uint32_t result, uint32_t extended, uint32_t length);

// The usual end of a call: through `overlapped` where there is one, else the result itself.
uint32_t krnl_overlapped_or(struct krnl_call *c, gva overlapped, uint32_t result);
