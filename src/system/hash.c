#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "system/state.h"

static void piece(void *user, const void *data, size_t size)
{
    XXH3_128bits_update(user, data, size);
}

static void hash_range(struct sys *s, XXH3_state_t *state, bool bus, const struct mem_range *range)
{
    uint32_t numbers[] = {range->base, range->size, range->state, range->protect};
    piece(state, numbers, sizeof numbers);
    if (!(range->state & MEM_COMMITTED))
        return;
    const void *data = bus ? mem_bus_at(s->mem, range->base, range->size)
                           : mem_at(s->mem, range->base, range->size, MEM_READ);
    if (data)
        piece(state, data, range->size);
}

bool sys_state_hash(struct sys *s, char out[33])
{
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return false;
    XXH3_128bits_reset(state);
    for (unsigned heap = 0; heap < MEM_REGION_COUNT; heap++) {
        const struct mem_region *region = mem_region((enum mem_heap)heap);
        // Physical memory counts once, by bus address.
        if (!region->page || region->kind == MEM_KIND_PHYSICAL || heap == MEM_V90000000)
            continue;
        uint64_t cursor = 0;
        struct mem_range range;
        while (mem_next_range(s->mem, (enum mem_heap)heap, &cursor, &range))
            hash_range(s, state, region->kind == MEM_KIND_BUS, &range);
    }
    krnl_hash_state(s->kernel, piece, state);
    size_t size;
    const void *gpu = gpu_state(s->gpu, &size);
    piece(state, gpu, size);
    XXH128_hash_t h = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    snprintf(out, 33, "%016llx%016llx", (unsigned long long)h.high64, (unsigned long long)h.low64);
    return true;
}
