#include "cpu/locate.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/recompiler/interface.h"

static const struct rc_place *table_of(const uint8_t *start, size_t size, uint32_t *count)
{
    if (size < sizeof *count || (uintptr_t)start % 4 || size % 4)
        return NULL;
    memcpy(count, start + size - sizeof *count, sizeof *count);
    if (*count > (size - sizeof *count) / sizeof(struct rc_place))
        return NULL;
    return (const void *)(start + size - sizeof *count - *count * sizeof(struct rc_place));
}

bool locate_add(struct locate *l, const uint8_t *start, size_t size)
{
    uint32_t count;
    if (!table_of(start, size, &count))
        return false;
    if (l->count == l->capacity) {
        uint32_t capacity = l->capacity ? 2 * l->capacity : 256;
        struct located *bigger = realloc(l->pieces, capacity * sizeof *bigger);
        if (!bigger)
            return false;
        l->pieces = bigger;
        l->capacity = capacity;
    }
    l->pieces[l->count++] = (struct located){start, size};
    return true;
}

void locate_free(struct locate *l)
{
    free(l->pieces);
    *l = (struct locate){0};
}

uint32_t locate_pc(const struct locate *l, uintptr_t host)
{
    uint32_t low = 0, high = l->count, count = 0;
    while (low < high) { // the first piece behind it
        uint32_t middle = (low + high) / 2;
        if ((uintptr_t)l->pieces[middle].start <= host)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || host - (uintptr_t)l->pieces[low - 1].start >= l->pieces[low - 1].size)
        return RC_NO_PLACE;
    const struct located *piece = &l->pieces[low - 1];
    const struct rc_place *places = table_of(piece->start, piece->size, &count);
    uint32_t offset = (uint32_t)(host - (uintptr_t)piece->start);
    low = 0, high = count;
    while (low < high) { // the first place behind it
        uint32_t middle = (low + high) / 2;
        if (places[middle].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? places[low - 1].pc : RC_NO_PLACE;
}
