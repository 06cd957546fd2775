// Random sequences of memory operations in all heaps against a model: page records and searches written page by page
// from the rows alloc_rule of shared/reference/memory_map.tsv, sharing nothing with src/memory/. A failure prints the
// seed; `XENOLITH_SEED=N test_memory_properties` runs that sequence alone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory/memory.h"

// ---- The model

struct record {
    uint32_t base, pages; // the allocation, in pages of the heap
    unsigned state, protect, alloc_protect;
};

struct heap {
    enum mem_heap id;
    uint32_t base, size, page;
    uint64_t window_end; // default window, inclusive
    int physical;        // a view of physical memory
    uint32_t bus;        // bus address of its first byte
    uint32_t backing;    // index of its first byte's 4 KB page in `contents`
};

enum { HEAPS = 8, BUS = 7, BACKING_IMAGE = 0x80000, BACKING_BUS = 0x90000, BACKING_PAGES = 0xB0000 };

static const struct heap heaps[HEAPS] = {
    {MEM_V00000000, 0x00000000, 0x40000000, 0x1000, 0x2FFFFFFF, 0, 0, 0},
    {MEM_V40000000, 0x40000000, 0x3F000000, 0x10000, 0x6FFFFFFF, 0, 0, 0x40000},
    {MEM_V80000000, 0x80000000u, 0x10000000, 0x10000, 0x8FFFFFFFu, 0, 0, BACKING_IMAGE},
    {MEM_V90000000, 0x90000000u, 0x10000000, 0x1000, 0x9FFFFFFFu, 0, 0, BACKING_IMAGE},
    {MEM_VA0000000, 0xA0000000u, 0x20000000, 0x10000, 0, 1, 0, BACKING_BUS},
    {MEM_VC0000000, 0xC0000000u, 0x20000000, 0x1000000, 0, 1, 0, BACKING_BUS},
    {MEM_VE0000000, 0xE0000000u, 0x1FD00000, 0x1000, 0, 1, 0x1000, BACKING_BUS + 1},
    {MEM_BUS, 0x00000000, 0x20000000, 0x1000, 0x1FFFFFFF, 0, 0, BACKING_BUS},
};

struct run {
    uint64_t seed, random;
    unsigned step;
    char what[240]; // the operation
    struct mem *m;
    struct record *records[HEAPS];
    uint32_t *contents;  // first word of each 4 KB page of host memory
    uint32_t starts[64]; // some allocations made, to aim at
    unsigned start_count;
};

#define CHECK(r, condition)                                                                                            \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fail_msg("XENOLITH_SEED=%llu, step %u, %s: %s", (unsigned long long)(r)->seed, (r)->step, (r)->what,       \
                     #condition);                                                                                      \
    } while (0)

static uint64_t next_random(struct run *r)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return r->random * 0x2545F4914F6CDD1Dull >> 16;
}

static uint32_t below(struct run *r, uint32_t limit)
{
    return (uint32_t)(next_random(r) % limit);
}

static uint64_t up(uint64_t value, uint64_t step)
{
    return (value + step - 1) / step * step;
}

static uint32_t page_count(const struct heap *h)
{
    return h->size / h->page;
}

static int all_free(const struct record *records, uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++)
        if (records[i].state)
            return 0;
    return 1;
}

static int64_t first_taken(const struct record *records, int64_t first, int64_t count)
{
    for (int64_t i = first; i < first + count; i++)
        if (records[i].state)
            return i;
    return -1;
}

// AllocRange_bounds, AllocRange_top_down, AllocRange_bottom_up, AllocRange_policy.
static int model_find(const struct heap *h, const struct record *records, uint64_t low, uint64_t high, uint64_t size,
                      uint64_t alignment, int top_down, uint32_t *page)
{
    low = up(low, alignment);
    high = up(high, alignment);
    if (high > (uint64_t)h->base + h->size - 1)
        high = (uint64_t)h->base + h->size - 1;
    if (low < h->base)
        low = h->base;
    if (low > high)
        return 0;
    const int64_t low_page = (int64_t)((low - h->base) / h->page), pages = (int64_t)(size / h->page);
    int64_t high_page = (int64_t)((high - h->base) / h->page);
    const int64_t step = (int64_t)(alignment / h->page);
    if (pages > high_page - low_page)
        return 0;
    high_page -= high_page % step;
    int64_t c = top_down ? high_page - (int64_t)up((uint64_t)pages, (uint64_t)step) : low_page;
    while (top_down ? c >= low_page : c <= high_page - pages) {
        const int64_t taken = first_taken(records, c, pages);
        if (taken < 0) {
            *page = (uint32_t)c;
            return 1;
        }
        if (top_down && taken < pages)
            return 0;
        c = top_down ? (taken - pages) / step * step : (int64_t)up((uint64_t)taken + 1, (uint64_t)step);
    }
    return 0;
}

// Calls `visit` for the records of the pages and, in a view, for those of the parent that hold the same bytes.
static void on_records(struct run *r, int heap, uint32_t first, uint32_t count,
                       void (*visit)(struct record *, uint32_t base, uint32_t pages, unsigned, unsigned), unsigned a,
                       unsigned b)
{
    const struct heap *h = &heaps[heap];
    for (uint32_t i = first; i < first + count; i++)
        visit(&r->records[heap][i], first, count, a, b);
    if (!h->physical)
        return;
    const uint32_t scale = h->page / 0x1000, start = first * scale + h->bus / 0x1000;
    for (uint32_t i = start; i < start + count * scale; i++)
        visit(&r->records[BUS][i], start, count * scale, a, b);
}

static void visit_take(struct record *p, uint32_t base, uint32_t pages, unsigned state, unsigned protect)
{
    *p = (struct record){base, pages, state | MEM_RESERVED, protect, protect};
}

static void visit_commit(struct record *p, uint32_t base, uint32_t pages, unsigned state, unsigned protect)
{
    (void)base, (void)pages;
    p->state |= state;
    p->protect = p->alloc_protect = protect;
}

static void visit_decommit(struct record *p, uint32_t base, uint32_t pages, unsigned a, unsigned b)
{
    (void)base, (void)pages, (void)a, (void)b;
    p->state = MEM_RESERVED;
}

static void visit_protect(struct record *p, uint32_t base, uint32_t pages, unsigned protect, unsigned b)
{
    (void)base, (void)pages, (void)b;
    p->protect = protect;
}

static void visit_release(struct record *p, uint32_t base, uint32_t pages, unsigned a, unsigned b)
{
    (void)base, (void)pages, (void)a, (void)b;
    memset(p, 0, sizeof *p);
}

// True where some page that holds this 4 KB of image memory is committed.
static int image_committed(const struct run *r, uint32_t small_page)
{
    return ((r->records[2][small_page / 16].state | r->records[3][small_page].state) & MEM_COMMITTED) != 0;
}

// What is committed anew reads zero; call before the records change.
static void clear_new(struct run *r, int heap, uint32_t first, uint32_t count)
{
    const struct heap *h = &heaps[heap];
    const uint32_t scale = h->page / 0x1000;
    for (uint32_t i = first * scale; i < (first + count) * scale; i++) {
        const int image = h->backing == BACKING_IMAGE;
        if (image ? !image_committed(r, i) : !(r->records[heap][i / scale].state & MEM_COMMITTED))
            r->contents[h->backing + i] = 0;
    }
}

// Physical pages that go lose their contents at once, which the fixed alias shows.
static void clear_gone(struct run *r, int heap, uint32_t first, uint32_t count)
{
    const struct heap *h = &heaps[heap];
    const uint32_t scale = h->page / 0x1000;
    for (uint32_t i = first * scale; h->physical && i < (first + count) * scale; i++)
        r->contents[h->backing + i] = 0;
}

static int heap_of(uint32_t address)
{
    for (int i = 0; i < BUS; i++)
        if (address - heaps[i].base < heaps[i].size)
            return i;
    return -1;
}

// The access that a CPU address has, and the index of its backing.
static unsigned model_access(const struct run *r, uint32_t address, uint32_t *backing)
{
    *backing = 0;
    const int heap = heap_of(address);
    if (heap < 0) {
        *backing = BACKING_BUS + (address & 0xFFFFFF) / 0x1000;
        const int registers = (address & 0xFFFF0000u) == 0x7FC80000 || (address & 0xFFFF0000u) == 0x7FEA0000;
        return address >> 24 == 0x7F && !registers ? MEM_READ_WRITE : MEM_NONE;
    }
    const struct heap *h = &heaps[heap];
    *backing = h->backing + (address - h->base) / 0x1000;
    const struct record *p = &r->records[heap][(address - h->base) / h->page];
    if (p->state & MEM_COMMITTED)
        return p->protect;
    if (h->physical && r->records[BUS][*backing - BACKING_BUS].state & MEM_COMMITTED)
        return MEM_READ_WRITE;
    return MEM_NONE;
}

// ---- Operations, done in both

// A heap page to aim at: near a known allocation, or in a narrow part of the heap so that sequences meet themselves.
static uint32_t aim(struct run *r, int heap)
{
    const struct heap *h = &heaps[heap];
    if (r->start_count && below(r, 3)) {
        const uint32_t start = r->starts[below(r, r->start_count)];
        const uint32_t near = start + (below(r, 2) ? 0 : below(r, 4) * h->page);
        if (start - h->base < h->size && near - h->base < h->size)
            return near;
    }
    const uint32_t half = page_count(h) / 2;
    return h->base + (below(r, 2) * half + below(r, half < 48 ? half : 48)) * h->page;
}

static uint32_t some_size(struct run *r, const struct heap *h)
{
    switch (below(r, 8)) {
    case 0:
        return below(r, 0x2000);
    case 1:
        return below(r, 64) * 0x10000;
    case 2:
        return below(r, h->size);
    default:
        return below(r, 20 * h->page > h->size / 4 ? h->size / 4 : 20 * h->page);
    }
}

static unsigned some_protect(struct run *r)
{
    return below(r, 3) ? MEM_READ_WRITE : below(r, 4);
}

static uint32_t some_alignment(struct run *r, const struct heap *h)
{
    static const uint32_t alignments[] = {0, 0x20, 0x80, 0x1000, 0x4000, 0x10000, 0x100000, 0x1000000, 0x3000, 0x50000};
    const uint32_t a = alignments[below(r, below(r, 2) ? 4 : 10)];
    return a > h->size / 8 ? 0 : a;
}

static void remember(struct run *r, uint32_t start)
{
    const unsigned size = sizeof r->starts / sizeof *r->starts;
    r->starts[r->start_count < size ? r->start_count++ : below(r, size)] = start;
}

static void choose_window(struct run *r, const struct heap *h, uint32_t *low, uint32_t *high)
{
    // Windows of a view are bus addresses.
    const uint32_t base = h->physical ? 0 : h->base, size = h->physical ? 0x20000000u : h->size;
    *low = *high = 0;
    switch (below(r, 4)) {
    case 0:
        *high = 0xFFFFFFFFu;
        break;
    case 1:
        *low = base + below(r, size);
        *high = *low + below(r, size - (*low - base));
        break;
    case 2:
        *low = base + below(r, 4) * 0x1000000u + below(r, 0x2000);
        *high = *low + below(r, h->page > 0x10000 ? 0x6000000u : 256 * h->page);
        break;
    default:
        break;
    }
}

static int model_allocate(struct run *r, int heap, const struct mem_request *q, uint32_t *page, uint32_t *pages)
{
    const struct heap *h = &heaps[heap];
    const uint64_t size = up(q->size ? q->size : 1, h->page), alignment = up(q->alignment ? q->alignment : 1, h->page);
    *pages = (uint32_t)(size / h->page);
    if (!h->physical) {
        const int usual = !q->low && !q->high;
        return model_find(h, r->records[heap], usual ? h->base : q->low, usual ? h->window_end : q->high, size,
                          alignment, q->top_down, page);
    }
    const uint64_t last = (uint64_t)h->bus + h->size - 1;
    uint64_t low = q->low > h->bus ? q->low : h->bus, high = !q->low && !q->high ? last : q->high;
    low = low > last ? last : low;
    high = high > last ? last : high < h->bus ? h->bus : high;
    if (!model_find(&heaps[BUS], r->records[BUS], low, high, size, alignment, 1, page))
        return 0;
    *page = (*page * 0x1000u - h->bus) / h->page;
    return *page + *pages <= page_count(h); // the parent's window rounds up and may end beyond the view
}

static void do_allocate(struct run *r, int heap)
{
    const struct heap *h = &heaps[heap];
    struct mem_request q = {.heap = h->id,
                            .size = some_size(r, h),
                            .alignment = some_alignment(r, h),
                            .state = 1 + below(r, 3),
                            .protect = some_protect(r),
                            .top_down = below(r, 2)};
    choose_window(r, h, &q.low, &q.high);
    snprintf(r->what, sizeof r->what, "allocate heap %d size 0x%x align 0x%x in 0x%08x-0x%08x state %u protect %u %s",
             heap, q.size, q.alignment, q.low, q.high, q.state, q.protect, q.top_down ? "down" : "up");
    uint32_t page = 0, pages = 0, got = 0;
    struct error err = {0};
    const int expected = model_allocate(r, heap, &q, &page, &pages);
    CHECK(r, mem_allocate(r->m, &q, &got, &err) == expected);
    CHECK(r, expected || err.code == ERR_NO_SPACE);
    if (!expected)
        return;
    CHECK(r, got == h->base + page * h->page);
    if (q.state & MEM_COMMITTED)
        clear_new(r, heap, page, pages);
    on_records(r, heap, page, pages, visit_take, q.state, q.protect);
    remember(r, got);
}

// The pages that hold [base, base + size); 0 where that is empty or leaves the heap.
static int model_span(const struct heap *h, uint32_t base, uint32_t size, uint32_t *first, uint32_t *count)
{
    const uint64_t offset = base - h->base;
    if (!size || offset + size > h->size)
        return 0;
    *first = (uint32_t)(offset / h->page);
    *count = (uint32_t)(up(offset + size, h->page) / h->page) - *first;
    return 1;
}

static int all_have(const struct record *records, uint32_t first, uint32_t count, unsigned state)
{
    for (uint32_t i = first; i < first + count; i++)
        if ((records[i].state & state) != state)
            return 0;
    return 1;
}

static int parent_free(struct run *r, const struct heap *h, uint32_t first, uint32_t count)
{
    const uint32_t scale = h->page / 0x1000;
    return !h->physical ||
           all_free(r->records[BUS], (uint64_t)first * scale + h->bus / 0x1000, (uint64_t)count * scale);
}

static int view_owns(const struct run *r, uint32_t bus_page)
{
    return r->records[4][bus_page / 16].state || r->records[5][bus_page / 4096].state ||
           (bus_page && bus_page <= page_count(&heaps[6]) && r->records[6][bus_page - 1].state);
}

static void do_allocate_at(struct run *r, int heap)
{
    const struct heap *h = &heaps[heap];
    const uint32_t base = aim(r, heap) + (below(r, 4) ? 0 : below(r, 0x1000)), size = some_size(r, h);
    const unsigned state = 1 + below(r, 3), protect = some_protect(r);
    snprintf(r->what, sizeof r->what, "allocate_at heap %d 0x%08x + 0x%x state %u protect %u", heap, base, size, state,
             protect);
    uint32_t first = 0, count = 0;
    int expected = model_span(h, base, size, &first, &count), taken = 0;
    if (expected) {
        taken = !(all_free(r->records[heap], first, count) && parent_free(r, h, first, count));
        expected = !taken || (state == MEM_COMMITTED && all_have(r->records[heap], first, count, MEM_RESERVED));
        for (uint32_t i = first; heap == BUS && taken && expected && i < first + count; i++)
            expected = !view_owns(r, i);
    }
    CHECK(r, (heap == BUS ? mem_allocate_bus_at : mem_allocate_at)(r->m, base, size, state, protect, NULL) == expected);
    if (!expected)
        return;
    if (state & MEM_COMMITTED)
        clear_new(r, heap, first, count);
    on_records(r, heap, first, count, taken ? visit_commit : visit_take, state, protect);
    if (!taken)
        remember(r, h->base + first * h->page);
}

static void do_decommit(struct run *r, int heap)
{
    const struct heap *h = &heaps[heap];
    const uint32_t base = aim(r, heap), size = some_size(r, h);
    snprintf(r->what, sizeof r->what, "decommit 0x%08x + 0x%x", base, size);
    uint32_t first = 0, count = 0;
    const int expected =
        model_span(h, base, size, &first, &count) && all_have(r->records[heap], first, count, MEM_RESERVED);
    CHECK(r, mem_decommit(r->m, base, size, NULL) == expected);
    if (!expected)
        return;
    on_records(r, heap, first, count, visit_decommit, 0, 0);
    clear_gone(r, heap, first, count);
}

static void do_release(struct run *r, int heap)
{
    const struct heap *h = &heaps[heap];
    const uint32_t base = aim(r, heap) + (below(r, 8) ? 0 : 0x10);
    snprintf(r->what, sizeof r->what, "release 0x%08x", base);
    const uint32_t page = (base - h->base) / h->page;
    const struct record p = base - h->base < h->size ? r->records[heap][page] : (struct record){0};
    const int expected = p.state && h->base + p.base * h->page == base;
    uint32_t size = 0;
    CHECK(r, mem_release(r->m, base, &size, NULL) == expected);
    if (!expected)
        return;
    CHECK(r, size == p.pages * h->page);
    on_records(r, heap, page, p.pages, visit_release, 0, 0);
    clear_gone(r, heap, page, p.pages);
}

static void do_protect(struct run *r, int heap)
{
    const struct heap *h = &heaps[heap];
    const uint32_t base = aim(r, heap), size = some_size(r, h);
    const unsigned protect = below(r, 4);
    snprintf(r->what, sizeof r->what, "protect 0x%08x + 0x%x %u", base, size, protect);
    uint32_t first = 0, count = 0;
    int expected = model_span(h, base, size, &first, &count) && all_have(r->records[heap], first, count, MEM_COMMITTED);
    const struct record *p = r->records[heap];
    for (uint32_t i = first; expected && i < first + count; i++)
        expected = p[i].base == p[first].base;
    unsigned old = 99;
    CHECK(r, mem_protect(r->m, base, size, protect, &old, NULL) == expected);
    if (!expected)
        return;
    CHECK(r, old == p[first].protect);
    on_records(r, heap, first, count, visit_protect, protect, 0);
}

static void do_write(struct run *r, int heap)
{
    const uint32_t address = (aim(r, heap) & ~0xFFFu) + below(r, 20) * 0x1000, value = (uint32_t)next_random(r);
    snprintf(r->what, sizeof r->what, "write 0x%08x = 0x%08x", address, value);
    uint32_t backing;
    const int expected = (model_access(r, address, &backing) & MEM_WRITE) != 0;
    CHECK(r, mem_set32(r->m, address, value) == expected);
    if (expected)
        r->contents[backing] = value;
}

// ---- Comparison

static int same_record(const struct record *a, const struct record *b)
{
    return a->state == b->state && (!a->state || a->base == b->base) && a->protect == b->protect;
}

static void check_range(struct run *r, int heap, uint32_t page, const struct mem_range *range)
{
    const struct heap *h = &heaps[heap];
    const struct record *p = r->records[heap];
    uint32_t first = page, end = page;
    while (first && same_record(&p[first - 1], &p[page]))
        first--;
    while (end < page_count(h) && same_record(&p[end], &p[page]))
        end++;
    CHECK(r, range->base == h->base + first * h->page);
    CHECK(r, range->size == (end - first) * h->page);
    CHECK(r, range->state == p[page].state);
    CHECK(r, range->protect == p[page].protect);
    CHECK(r, range->alloc_protect == p[page].alloc_protect);
    CHECK(r, range->alloc_base == (p[page].state ? h->base + p[page].base * h->page : 0));
    CHECK(r, range->alloc_size == p[page].pages * h->page);
}

static void check_query(struct run *r, int heap)
{
    const struct heap *h = &heaps[heap];
    const uint32_t address = aim(r, heap) + below(r, 0x1000);
    if (address - h->base >= h->size)
        return;
    struct mem_range range;
    CHECK(r, heap == BUS ? mem_query_bus(r->m, address, &range) : mem_query(r->m, address, &range));
    check_range(r, heap, (address - h->base) / h->page, &range);
}

// What the host does with an access must be what mem_valid says; MEM_WRITE alone can be read by the host.
static int host_allows(struct run *r, uint32_t address, int write)
{
    struct mem_scope scope;
    volatile int allowed = 0;
    mem_scope_enter(&scope, r->m);
    if (sigsetjmp(scope.env, 0) == 0) {
        volatile uint8_t *p = mem_base(r->m) + address;
        if (write)
            *p = *p;
        else
            (void)*p;
        allowed = 1;
    }
    mem_scope_leave(&scope);
    return allowed;
}

static void check_access(struct run *r, int heap)
{
    const uint32_t views[] = {0,           0x40000000,  0x7F000000,  0x80000000u,
                              0x90000000u, 0xA0000000u, 0xC0000000u, 0xE0000000u};
    uint32_t address = (aim(r, heap) & ~0xFFFu) + below(r, 20) * 0x1000;
    if (!below(r, 3)) // the same offset elsewhere: aliases
        address = views[below(r, 8)] + (address & 0x1FFFFFFF);
    uint32_t backing, word = 0;
    const unsigned access = model_access(r, address, &backing);
    const size_t used = strlen(r->what);
    snprintf(r->what + used, sizeof r->what - used, "; look at 0x%08x, access %u", address, access);
    for (unsigned a = MEM_READ; a <= MEM_READ_WRITE; a++)
        CHECK(r, mem_valid(r->m, address + 0xFF0, 16, a) == ((access & a) == a));
    CHECK(r, mem_get32(r->m, address, &word) == ((access & MEM_READ) != 0));
    if (access & MEM_READ)
        CHECK(r, word == r->contents[backing]);
    if (!below(r, 4)) {
        CHECK(r, host_allows(r, address, 0) == (access != MEM_NONE));
        CHECK(r, host_allows(r, address, 1) == ((access & MEM_WRITE) != 0));
    }
}

static void check_walk(struct run *r, int heap)
{
    const struct heap *h = &heaps[heap];
    uint64_t cursor = 0;
    struct mem_range range;
    uint32_t next = 0; // pages before it are compared
    while (mem_next_range(r->m, h->id, &cursor, &range)) {
        const uint32_t first = (range.base - h->base) / h->page;
        CHECK(r, first >= next);
        CHECK(r, all_free(r->records[heap], next, first - next));
        check_range(r, heap, first, &range);
        next = first + range.size / h->page;
    }
    CHECK(r, all_free(r->records[heap], next, page_count(h) - next));
}

static void check_physical_pages(struct run *r)
{
    uint32_t free_pages, total, expected = 0;
    mem_physical_pages(r->m, &free_pages, &total);
    for (uint32_t i = 0; i < page_count(&heaps[BUS]); i++)
        expected += !r->records[BUS][i].state;
    CHECK(r, total == 0x20000 && free_pages == expected);
}

static void operate(struct run *r)
{
    const int heap = (int)below(r, HEAPS), view = heap == BUS ? 4 : heap;
    switch (below(r, 12)) {
    case 0:
    case 1:
    case 2:
        do_allocate(r, view);
        break;
    case 3:
    case 4:
        do_allocate_at(r, below(r, 8) ? view : heap);
        break;
    case 5:
        do_decommit(r, view);
        break;
    case 6:
    case 7:
        do_release(r, view);
        break;
    case 8:
        do_protect(r, view);
        break;
    default:
        do_write(r, view);
        break;
    }
    check_query(r, heap);
    check_access(r, view);
    check_access(r, view);
}

static void run_sequence(uint64_t seed, unsigned steps)
{
    struct run *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->seed = seed;
    r->random = seed * 0x9E3779B97F4A7C15ull | 1;
    r->contents = calloc(BACKING_PAGES, sizeof *r->contents);
    assert_non_null(r->contents);
    for (int i = 0; i < HEAPS; i++)
        assert_non_null(r->records[i] = calloc(page_count(&heaps[i]), sizeof *r->records[i]));
    assert_true(mem_create(&r->m, NULL));
    for (r->step = 0; r->step < steps; r->step++)
        operate(r);
    for (int i = 0; i < HEAPS; i++)
        check_walk(r, i);
    check_physical_pages(r);
    mem_destroy(r->m);
    for (int i = 0; i < HEAPS; i++)
        free(r->records[i]);
    free(r->contents);
    free(r);
}

static void test_sequences(void **state)
{
    (void)state;
    const char *chosen = getenv("XENOLITH_SEED");
    if (chosen) {
        run_sequence(strtoull(chosen, NULL, 10), 1500);
        return;
    }
    for (uint64_t seed = 1; seed <= 12; seed++)
        run_sequence(seed, 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sequences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
