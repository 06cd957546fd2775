#include <stdlib.h>
#include <string.h>

#include "memory/space.h"

bool mem_table_create(struct mem_table *table, const struct mem_region *region)
{
    table->region = region;
    if (!region->page)
        return true;
    table->page_count = region->size / region->page;
    table->pages = calloc(table->page_count, sizeof *table->pages);
    return table->pages != NULL;
}

static uint64_t round_up(uint64_t value, uint64_t step)
{
    return (value + step - 1) / step * step;
}

// The lowest taken page of [first, first + count), or first + count.
static uint64_t first_taken(const struct mem_table *table, uint64_t first, uint64_t count)
{
    uint64_t page = first;
    while (page < first + count && !table->pages[page].state)
        page++;
    return page;
}

static bool find_down(const struct mem_table *table, uint64_t low, uint64_t high, uint64_t count, uint64_t step,
                      uint32_t *first)
{
    if (high < round_up(count, step))
        return false;
    for (uint64_t candidate = high - round_up(count, step); candidate >= low;) {
        uint64_t taken = first_taken(table, candidate, count);
        if (taken == candidate + count) {
            *first = (uint32_t)candidate;
            return true;
        }
        // Whatever ends above the start of the allocation in the way would meet it too.
        taken = table->pages[taken].first;
        if (taken < count)
            return false;
        candidate = taken - count;
        candidate -= candidate % step;
    }
    return false;
}

static bool find_up(const struct mem_table *table, uint64_t low, uint64_t high, uint64_t count, uint64_t step,
                    uint32_t *first)
{
    for (uint64_t candidate = low; candidate + count <= high;) {
        const uint64_t taken = first_taken(table, candidate, count);
        if (taken == candidate + count) {
            *first = (uint32_t)candidate;
            return true;
        }
        candidate = round_up((uint64_t)table->pages[taken].first + table->pages[taken].count, step);
    }
    return false;
}

bool mem_table_find(const struct mem_table *table, uint64_t low, uint64_t high, uint64_t size, uint64_t alignment,
                    bool top_down, uint32_t *first)
{
    const struct mem_region *r = table->region;
    const uint64_t last = (uint64_t)r->base + r->size - 1;
    low = round_up(low, alignment);
    high = round_up(high, alignment);
    if (low < r->base)
        low = r->base;
    if (high > last)
        high = last;
    if (low > high)
        return false;
    const uint64_t count = size / r->page, step = alignment / r->page;
    const uint64_t low_page = (low - r->base) / r->page;
    uint64_t high_page = (high - r->base) / r->page;
    if (count > high_page - low_page)
        return false;
    high_page -= high_page % step;
    return (top_down ? find_down : find_up)(table, low_page, high_page, count, step, first);
}

bool mem_table_free(const struct mem_table *table, uint32_t first, uint32_t count)
{
    return first_taken(table, first, count) == (uint64_t)first + count;
}

bool mem_table_all(const struct mem_table *table, uint32_t first, uint32_t count, unsigned state)
{
    for (uint32_t i = 0; i < count; i++)
        if ((table->pages[first + i].state & state) != state)
            return false;
    return true;
}

void mem_table_take(struct mem_table *table, uint32_t first, uint32_t count, unsigned state, unsigned protect)
{
    const struct mem_page page = {first, count, (uint8_t)(state | MEM_RESERVED), (uint8_t)protect, (uint8_t)protect};
    for (uint32_t i = 0; i < count; i++)
        table->pages[first + i] = page;
}

void mem_table_commit(struct mem_table *table, uint32_t first, uint32_t count, unsigned protect)
{
    for (uint32_t i = 0; i < count; i++) {
        struct mem_page *page = &table->pages[first + i];
        page->state |= MEM_COMMITTED;
        page->protect = page->alloc_protect = (uint8_t)protect;
    }
}

void mem_table_decommit(struct mem_table *table, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        table->pages[first + i].state &= (uint8_t)~MEM_COMMITTED;
}

void mem_table_protect(struct mem_table *table, uint32_t first, uint32_t count, unsigned protect)
{
    for (uint32_t i = 0; i < count; i++)
        table->pages[first + i].protect = (uint8_t)protect;
}

void mem_table_release(struct mem_table *table, uint32_t first, uint32_t count)
{
    memset(&table->pages[first], 0, count * sizeof *table->pages);
}

static bool same_run(const struct mem_page *a, const struct mem_page *b)
{
    return a->first == b->first && a->count == b->count && a->state == b->state && a->protect == b->protect;
}

void mem_table_range(const struct mem_table *table, uint32_t page, struct mem_range *out)
{
    const struct mem_page *p = &table->pages[page];
    const struct mem_region *r = table->region;
    uint32_t first = page, end = page + 1;
    while (first && same_run(&table->pages[first - 1], p))
        first--;
    while (end < table->page_count && same_run(&table->pages[end], p))
        end++;
    *out = (struct mem_range){.base = r->base + first * r->page,
                              .size = (end - first) * r->page,
                              .state = p->state,
                              .protect = p->protect,
                              .alloc_protect = p->alloc_protect};
    if (p->state) {
        out->alloc_base = r->base + p->first * r->page;
        out->alloc_size = p->count * r->page;
    }
}
