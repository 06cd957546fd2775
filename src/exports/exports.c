#include "exports/exports.h"

#include <string.h>
#include <strings.h>

#include "base/assert.h"
#include "exports/rows.h"

static const struct {
    const char *stem, *ending;
    const char *full;
} modules[EXP_MODULE_COUNT] = {
    [EXP_XBOXKRNL] = {"xboxkrnl", ".exe", "xboxkrnl.exe"},
    [EXP_XAM] = {"xam", ".xex", "xam.xex"},
    [EXP_XBDM] = {"xbdm", ".xex", "xbdm.xex"},
};

const struct exp_row *exp_find(enum exp_module module, uint16_t ordinal)
{
    if ((unsigned)module >= EXP_MODULE_COUNT)
        return NULL;
    size_t low = exp_module_start[module], high = exp_module_start[module + 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct exp_row *row = &exp_rows[middle];
        if (row->ordinal == ordinal)
            return row;
        if (row->ordinal < ordinal)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct exp_row *exp_find_name(enum exp_module module, const char *name)
{
    if ((unsigned)module >= EXP_MODULE_COUNT || name == NULL)
        return NULL;
    size_t low = exp_module_start[module], high = exp_module_start[module + 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct exp_row *row = &exp_rows[exp_rows_by_name[middle]];
        int order = strcmp(row->name, name);
        if (order == 0)
            return row;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

size_t exp_index(const struct exp_row *row)
{
    ASSERT(row >= exp_rows && row < exp_rows + exp_row_count);
    return (size_t)(row - exp_rows);
}

int exp_module_by_name(const char *name)
{
    if (name == NULL)
        return -1;
    for (int m = 0; m < EXP_MODULE_COUNT; m++) {
        size_t stem = strlen(modules[m].stem);
        if (strncasecmp(name, modules[m].stem, stem) == 0 &&
            (name[stem] == '\0' || strcasecmp(name + stem, modules[m].ending) == 0))
            return m;
    }
    return -1;
}

const char *exp_module_name(enum exp_module module)
{
    return (unsigned)module < EXP_MODULE_COUNT ? modules[module].full : NULL;
}

bool exp_type_is_wide(enum exp_type type)
{
    return type == EXP_U64 || type == EXP_I64 || type == EXP_F64 || type == EXP_TIME;
}

bool exp_type_is_pointer(enum exp_type type)
{
    return type >= EXP_PTR && type <= EXP_P_TIME;
}
