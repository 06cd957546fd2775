// XamShow*: dialogs of the system. Nobody sees them: a message box is answered at once with its active button, as the
// reference does without a window, and told to the log.
#include <string.h>

#include "kernel/api.h"
#include "kernel/state.h"
#include "kernel/xam/notify.h"
#include "kernel/xam/overlapped.h"
#include "kernel/xam/win32_errors.h"

enum { TEXT_MAX = 512 };

static void read_text(const struct krnl_call *c, gva at, char out[TEXT_MAX])
{
    unsigned n = 0;
    uint16_t unit;
    while (at && n < TEXT_MAX - 1 && mem_get16(c->mem, at + 2 * n, &unit) && unit) {
        out[n] = unit >= ' ' && unit < 0x7F ? (char)unit : unit == '\n' || unit == '\r' ? ' ' : '?';
        n++;
    }
    out[n] = 0;
}

static uint32_t message_box(struct krnl_call *c, uint32_t title, uint32_t text, uint32_t button_count, uint32_t active,
                            uint32_t result_ptr, uint32_t overlapped)
{
    char title_text[TEXT_MAX], body[TEXT_MAX];
    if (result_ptr && !mem_set32(c->mem, result_ptr, active))
        return X_ERROR_INVALID_PARAMETER;
    read_text(c, title, title_text);
    read_text(c, text, body);
    log_write(c->k->log, LOG_GUEST, "xam", "message box \"%s\": %s (button %u of %u is chosen)", title_text, body,
              active, button_count);
    krnl_notify(c, KRNL_NOTIFY_SYSTEM_UI, 1);
    uint32_t result = krnl_overlapped_or(c, overlapped, X_ERROR_SUCCESS);
    krnl_notify(c, KRNL_NOTIFY_SYSTEM_UI, 0);
    return result;
}

uint32_t XamShowMessageBoxUI(struct krnl_call *c, uint32_t user, uint32_t title, uint32_t text, uint32_t button_count,
                             uint32_t buttons, uint32_t active, uint32_t flags, uint32_t result_ptr,
                             uint32_t overlapped)
{
    (void)user, (void)buttons, (void)flags;
    return message_box(c, title, text, button_count, active, result_ptr, overlapped);
}

uint32_t XamShowMessageBoxUIEx(struct krnl_call *c, uint32_t user, uint32_t title, uint32_t text, uint32_t button_count,
                               uint32_t buttons, uint32_t active, uint32_t flags, uint32_t unknown, uint32_t result_ptr,
                               uint32_t overlapped)
{
    (void)user, (void)buttons, (void)flags, (void)unknown;
    return message_box(c, title, text, button_count, active, result_ptr, overlapped);
}

void XamShowDirtyDiscErrorUI(struct krnl_call *c, uint32_t user)
{
    (void)user;
    c->pending = true;
    krnl_stop(c->k, KRNL_STOP_EXIT, c->thread, "the title said that its disc cannot be read (XamShowDirtyDiscErrorUI)");
}

uint32_t XamIsUIActive(struct krnl_call *c)
{
    (void)c;
    return 0;
}
