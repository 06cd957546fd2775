#include "system/state.h"

bool sys_write_entry_state(struct sys *s, const char *path, struct error *err)
{
    (void)s;
    (void)path;
    return error_set(err, ERR_UNSUPPORTED, "the entry state is not written yet");
}
