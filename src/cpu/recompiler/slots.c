#include "cpu/recompiler/slots.h"

static const struct {
    uint32_t offset, size, count;
} arrays[] = {
#define ROW(field, size, count) {offsetof(struct ppc_state, field), size, count},
    RC_SLOTS(ROW)
}, fixed[] = {
    RC_FIXED(ROW)
#undef ROW
};

enum { ARRAYS = sizeof arrays / sizeof *arrays, FIXED = sizeof fixed / sizeof *fixed };

int rc_slot_at(uint32_t offset)
{
    int number = 0;
    for (unsigned i = 0; i < ARRAYS; i++) {
        uint32_t distance = offset - arrays[i].offset;
        if (distance < arrays[i].size * arrays[i].count)
            return distance % arrays[i].size ? -1 : number + (int)(distance / arrays[i].size);
        number += (int)arrays[i].count;
    }
    return -1;
}

struct rc_slot rc_slot(int number)
{
    unsigned i = 0;
    while (number >= (int)arrays[i].count)
        number -= (int)arrays[i++].count;
    return (struct rc_slot){arrays[i].offset + (uint32_t)number * arrays[i].size, arrays[i].size};
}

uint32_t rc_slot_size(uint32_t offset)
{
    int number = rc_slot_at(offset);
    if (number >= 0)
        return rc_slot(number).size;
    for (unsigned i = 0; i < FIXED; i++)
        if (fixed[i].offset == offset)
            return fixed[i].size;
    return 0;
}

struct rc_set rc_set_of_range(uint32_t offset, uint32_t size)
{
    struct rc_set set = {0};
    for (int i = 0; i < RC_SLOT_COUNT; i++)
        if (rc_slot(i).offset - offset < size)
            rc_set_add(&set, i);
    return set;
}
