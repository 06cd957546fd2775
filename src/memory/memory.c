#include "memory/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "memory/space.h"

bool mem_create(struct mem **out, struct error *err)
{
    struct mem *m = calloc(1, sizeof *m);
    if (!m)
        return error_set(err, ERR_MEMORY, "no memory for the guest's address space");
    m->physical_fd = m->image_fd = -1;
    for (unsigned i = 0; i < MEM_REGION_COUNT; i++)
        if (!mem_table_create(&m->tables[i], mem_region((enum mem_heap)i))) {
            error_set(err, ERR_MEMORY, "no memory for the page table of %s", mem_region((enum mem_heap)i)->name);
            goto fail;
        }
    if (!mem_host_create(m, err) || !mem_fault_install(err))
        goto fail;
    *out = m;
    return true;
fail:
    mem_destroy(m);
    return false;
}

void mem_destroy(struct mem *m)
{
    if (!m)
        return;
    mem_host_destroy(m);
    for (unsigned i = 0; i < MEM_REGION_COUNT; i++)
        free(m->tables[i].pages);
    free(m);
}

uint8_t *mem_base(const struct mem *m)
{
    return m->base;
}

void mem_on_change(struct mem *m, void (*changed)(void *user, gva base, uint32_t size), void *user)
{
    ASSERT(m->listener_count < MAX_LISTENERS);
    m->listeners[m->listener_count].changed = changed;
    m->listeners[m->listener_count++].user = user;
}

// ---- Spans

static struct mem_table *table_of(const struct mem *m, gva address)
{
    const struct mem_region *region = mem_region_of(address);
    if (!region || !region->page)
        return NULL;
    return (struct mem_table *)(uintptr_t)&m->tables[region - mem_region(0)];
}

static struct mem_span make_span(struct mem *m, struct mem_table *table, uint32_t first, uint32_t count)
{
    struct mem_span span = {.table = table, .first = first, .count = count};
    const struct mem_region *r = table->region;
    if (mem_is_view(r)) {
        span.parent = &m->tables[MEM_BUS];
        span.parent_first = first * (r->page / HOST_PAGE) + mem_view_bus(r) / HOST_PAGE;
        span.parent_count = count * (r->page / HOST_PAGE);
    }
    return span;
}

// The pages that hold any byte of [base, base + size) in `table`.
static bool find_span(struct mem *m, struct mem_table *table, uint32_t base, uint32_t size, struct mem_span *out,
                      struct error *err)
{
    if (!table)
        return error_set(err, ERR_ARGUMENT, "0x%08x lies in no heap", base);
    const struct mem_region *r = table->region;
    const uint64_t offset = base - r->base;
    if (!size || offset + size > r->size)
        return error_set(err, ERR_ARGUMENT, "0x%08x + 0x%x is empty or leaves %s", base, size, r->name);
    const uint32_t first = (uint32_t)(offset / r->page);
    const uint32_t end = (uint32_t)((offset + size + r->page - 1) / r->page);
    *out = make_span(m, table, first, end - first);
    return true;
}

static bool span_free(const struct mem_span *s)
{
    return mem_table_free(s->table, s->first, s->count) &&
           (!s->parent || mem_table_free(s->parent, s->parent_first, s->parent_count));
}

// ---- Allocation

static bool check_state(unsigned state, unsigned protect, struct error *err)
{
    if (!state || state & ~(unsigned)(MEM_RESERVED | MEM_COMMITTED) || protect > MEM_READ_WRITE)
        return error_set(err, ERR_ARGUMENT, "bad state %u or protection %u", state, protect);
    return true;
}

// Takes free pages, committed where `state` says so.
static bool take(struct mem *m, const struct mem_span *s, unsigned state, unsigned protect, struct error *err)
{
    const bool commit = (state & MEM_COMMITTED) != 0;
    if (commit && !mem_host_commit(m, s, protect, err))
        return false;
    mem_table_take(s->table, s->first, s->count, state, protect);
    if (s->parent)
        mem_table_take(s->parent, s->parent_first, s->parent_count, state, protect);
    if (commit)
        mem_host_changed(m, s);
    return true;
}

static bool commit(struct mem *m, const struct mem_span *s, unsigned protect, struct error *err)
{
    if (!mem_host_commit(m, s, protect, err))
        return false;
    mem_table_commit(s->table, s->first, s->count, protect);
    if (s->parent)
        mem_table_commit(s->parent, s->parent_first, s->parent_count, protect);
    mem_host_changed(m, s);
    return true;
}

struct window {
    uint64_t low, high;
};

static struct window default_window(enum mem_heap heap)
{
    const struct mem_region *r = mem_region(heap);
    struct window w = {r->base, (uint64_t)r->base + r->size - 1};
    // What is above belongs to the system heap and the thread stacks.
    if (heap == MEM_V00000000)
        w.high -= 0x10000000u;
    if (heap == MEM_V40000000)
        w.high -= 0x0F000000u;
    return w;
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return value < low ? low : value > high ? high : value;
}

// The window of a view is in bus addresses and cannot leave what the view shows.
static struct window view_window(const struct mem_region *view, const struct mem_request *q)
{
    const uint64_t start = mem_view_bus(view), last = start + view->size - 1;
    if (!q->low && !q->high)
        return (struct window){start, last};
    return (struct window){clamp(q->low, start, last), clamp(q->high, start, last)};
}

static uint64_t round_up(uint64_t value, uint64_t step)
{
    return value ? (value + step - 1) / step * step : step;
}

bool mem_allocate(struct mem *m, const struct mem_request *q, gva *out, struct error *err)
{
    const struct mem_region *r = mem_region(q->heap);
    if (!r->page)
        return error_set(err, ERR_ARGUMENT, "%s has no heap", r->name);
    if (!check_state(q->state, q->protect, err))
        return false;
    struct mem_table *table = &m->tables[q->heap], *searched = table;
    struct window w = {q->low, q->high};
    if (mem_is_view(r)) {
        searched = &m->tables[MEM_BUS];
        w = view_window(r, q);
    } else if (!q->low && !q->high) {
        w = default_window(q->heap);
    }
    const uint64_t size = round_up(q->size, r->page), alignment = round_up(q->alignment, r->page);
    uint32_t page;
    bool found = mem_table_find(searched, w.low, w.high, size, alignment, q->top_down || mem_is_view(r), &page);
    if (found && mem_is_view(r)) {
        page = (page * HOST_PAGE - mem_view_bus(r)) / r->page;
        // The window's end rounds up to the alignment, so the parent can find pages that the view does not show.
        found = page + size / r->page <= table->page_count;
    }
    if (!found)
        return error_set(err, ERR_NO_SPACE, "no 0x%x bytes free in %s between 0x%08x and 0x%08x", q->size, r->name,
                         (unsigned)w.low, (unsigned)w.high);
    const struct mem_span span = make_span(m, table, page, (uint32_t)(size / r->page));
    if (!take(m, &span, q->state, q->protect, err))
        return false;
    *out = r->base + page * r->page;
    return true;
}

// True where a view has allocated some of the parent's pages in the span: those answer to the view only.
static bool views_own(const struct mem *m, const struct mem_span *s)
{
    const uint64_t bus = (uint64_t)s->first * HOST_PAGE, end = bus + (uint64_t)s->count * HOST_PAGE;
    for (unsigned i = 0; i < MEM_REGION_COUNT; i++) {
        const struct mem_table *view = &m->tables[i];
        if (s->table->region->kind != MEM_KIND_BUS || !mem_is_view(view->region))
            continue;
        const uint64_t start = mem_view_bus(view->region), page = view->region->page, size = view->region->size;
        const uint64_t low = clamp(bus, start, start + size) - start, high = clamp(end, start, start + size) - start;
        const uint64_t first = low / page, last = (high + page - 1) / page;
        if (first < last && !mem_table_free(view, (uint32_t)first, (uint32_t)(last - first)))
            return true;
    }
    return false;
}

static bool allocate_span(struct mem *m, const struct mem_span *s, unsigned state, unsigned protect, struct error *err)
{
    if (span_free(s))
        return take(m, s, state, protect, err);
    if (state == MEM_COMMITTED && mem_table_all(s->table, s->first, s->count, MEM_RESERVED) && !views_own(m, s))
        return commit(m, s, protect, err);
    const struct mem_region *r = s->table->region;
    return error_set(err, ERR_NO_SPACE, "0x%08x + 0x%x is not free", r->base + s->first * r->page, s->count * r->page);
}

bool mem_allocate_at(struct mem *m, gva base, uint32_t size, unsigned state, unsigned protect, struct error *err)
{
    struct mem_span span;
    return check_state(state, protect, err) && find_span(m, table_of(m, base), base, size, &span, err) &&
           allocate_span(m, &span, state, protect, err);
}

bool mem_allocate_bus_at(struct mem *m, gpa base, uint32_t size, unsigned state, unsigned protect, struct error *err)
{
    struct mem_span span;
    return check_state(state, protect, err) && find_span(m, &m->tables[MEM_BUS], base, size, &span, err) &&
           allocate_span(m, &span, state, protect, err);
}

bool mem_decommit(struct mem *m, gva base, uint32_t size, struct error *err)
{
    struct mem_span s;
    if (!find_span(m, table_of(m, base), base, size, &s, err))
        return false;
    if (!mem_table_all(s.table, s.first, s.count, MEM_RESERVED))
        return error_set(err, ERR_STATE, "0x%08x + 0x%x holds pages that nobody reserved", base, size);
    if (!mem_host_decommit(m, &s, err))
        return false;
    mem_table_decommit(s.table, s.first, s.count);
    if (s.parent)
        mem_table_decommit(s.parent, s.parent_first, s.parent_count);
    mem_host_discard(m, &s);
    mem_host_changed(m, &s);
    return true;
}

bool mem_release(struct mem *m, gva base, uint32_t *size, struct error *err)
{
    struct mem_table *table = table_of(m, base);
    if (!table)
        return error_set(err, ERR_ARGUMENT, "0x%08x lies in no heap", base);
    const struct mem_region *r = table->region;
    const uint32_t first = (base - r->base) / r->page;
    const struct mem_page page = table->pages[first];
    if (!page.state || page.first != first || (base - r->base) % r->page)
        return error_set(err, ERR_STATE, "no allocation starts at 0x%08x", base);
    const struct mem_span s = make_span(m, table, first, page.count);
    if (!mem_host_decommit(m, &s, err))
        return false;
    mem_table_release(s.table, s.first, s.count);
    if (s.parent)
        mem_table_release(s.parent, s.parent_first, s.parent_count);
    mem_host_discard(m, &s);
    mem_host_changed(m, &s);
    if (size)
        *size = page.count * r->page;
    return true;
}

bool mem_protect(struct mem *m, gva base, uint32_t size, unsigned protect, unsigned *old, struct error *err)
{
    struct mem_span s;
    if (!check_state(MEM_COMMITTED, protect, err) || !find_span(m, table_of(m, base), base, size, &s, err))
        return false;
    const struct mem_page *pages = &s.table->pages[s.first];
    if (!mem_table_all(s.table, s.first, s.count, MEM_COMMITTED))
        return error_set(err, ERR_STATE, "0x%08x + 0x%x holds pages that are not committed", base, size);
    if (pages[0].first != pages[s.count - 1].first)
        return error_set(err, ERR_STATE, "0x%08x + 0x%x spans several allocations", base, size);
    const unsigned before = pages[0].protect;
    if (!mem_host_protect(m, &s, protect, err))
        return false;
    mem_table_protect(s.table, s.first, s.count, protect);
    if (s.parent)
        mem_table_protect(s.parent, s.parent_first, s.parent_count, protect);
    if (old)
        *old = before;
    return true;
}

// ---- Queries

static bool query(const struct mem_table *table, uint32_t address, struct mem_range *out)
{
    if (!table || address - table->region->base >= table->region->size)
        return false;
    mem_table_range(table, (address - table->region->base) / table->region->page, out);
    return true;
}

bool mem_query(const struct mem *m, gva address, struct mem_range *out)
{
    return query(table_of(m, address), address, out);
}

bool mem_query_bus(const struct mem *m, gpa address, struct mem_range *out)
{
    return query(&m->tables[MEM_BUS], address, out);
}

bool mem_next_range(const struct mem *m, enum mem_heap heap, uint64_t *cursor, struct mem_range *out)
{
    const struct mem_table *table = &m->tables[heap];
    uint64_t page = *cursor;
    while (page < table->page_count && !table->pages[page].state)
        page++;
    *cursor = page;
    if (page >= table->page_count)
        return false;
    mem_table_range(table, (uint32_t)page, out);
    *cursor = page + out->size / table->region->page;
    return true;
}

void mem_physical_pages(const struct mem *m, uint32_t *free_pages, uint32_t *total_pages)
{
    const struct mem_table *table = &m->tables[MEM_BUS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->page_count; i++)
        count += !table->pages[i].state;
    *free_pages = count;
    *total_pages = table->page_count;
}
