// notify.h: telling listeners of titles what happens. Private to kernel/.
#pragma once
#include "kernel/call.h"

enum { KRNL_NOTIFY_SYSTEM_UI = 0x09, KRNL_NOTIFY_SIGNIN_CHANGED = 0x0A };

// Puts a notification into the queue of each listener that wants it.
void krnl_notify(struct krnl_call *c, uint32_t id, uint32_t parameter);
