#include <string.h>

#include "base/assert.h"
#include "memory/space.h"

static const struct mem_region regions[MEM_REGION_COUNT] = {
#define REGION(id, name, base, size, page, kind, note) [MEM_##id] = {name, base, size, page, MEM_KIND_##kind},
#include "memory/regions.def"
#undef REGION
};

// vE0000000 begins one page into physical memory.
#define VE_BUS 0x1000u

const struct mem_region *mem_region(enum mem_heap heap)
{
    ASSERT((unsigned)heap < MEM_REGION_COUNT);
    return &regions[heap];
}

const struct mem_region *mem_region_of(gva address)
{
    for (unsigned i = 0; i < MEM_REGION_COUNT; i++)
        if (regions[i].kind != MEM_KIND_BUS && address - regions[i].base < regions[i].size)
            return &regions[i];
    return NULL;
}

bool mem_is_view(const struct mem_region *region)
{
    return region->kind == MEM_KIND_PHYSICAL;
}

gpa mem_view_bus(const struct mem_region *region)
{
    return region == &regions[MEM_VE0000000] ? VE_BUS : 0;
}

bool mem_bus_address(gva address, gpa *out)
{
    const struct mem_region *region = mem_region_of(address);
    if (region && mem_is_view(region))
        *out = address - region->base + mem_view_bus(region);
    else if (region && region->kind == MEM_KIND_ALIAS)
        *out = address - ALIAS_BASE;
    else
        return false;
    return true;
}

uint32_t mem_page_size(gva address)
{
    const struct mem_region *region = mem_region_of(address);
    return region ? region->page : 0;
}

static void add_alias(struct mem_explanation *out, gva self, gva alias)
{
    if (alias != self)
        out->aliases[out->alias_count++] = alias;
}

static void explain_bus(gva address, struct mem_explanation *out)
{
    gva fixed = ALIAS_BASE + out->bus;
    if (out->bus < ALIAS_SIZE && mem_region_of(fixed)->kind == MEM_KIND_ALIAS)
        add_alias(out, address, fixed);
    for (unsigned i = 0; i < MEM_REGION_COUNT; i++) {
        const struct mem_region *r = &regions[i];
        if (mem_is_view(r) && out->bus - mem_view_bus(r) < r->size)
            add_alias(out, address, r->base + (out->bus - mem_view_bus(r)));
    }
}

void mem_explain(gva address, struct mem_explanation *out)
{
    memset(out, 0, sizeof *out);
    out->region = mem_region_of(address);
    if (!out->region)
        return;
    out->has_bus = mem_bus_address(address, &out->bus);
    if (out->has_bus)
        explain_bus(address, out);
    if (out->region->kind == MEM_KIND_IMAGE) {
        const uint32_t offset = address - out->region->base;
        add_alias(out, address, regions[MEM_V80000000].base + offset);
        add_alias(out, address, regions[MEM_V90000000].base + offset);
    }
}
