#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "memory/space.h"

// Every view of shared memory: where it lies, which file, from which byte. vE stops one page short of 4 GiB, where the
// 512 MB end.
static const struct {
    gva base;
    uint32_t size, offset;
    bool image;
    int protection;
} views[] = {
    {0x7F000000u, ALIAS_SIZE, 0, false, PROT_READ | PROT_WRITE},
    {0x80000000u, IMAGE_SIZE, 0, true, PROT_NONE},
    {0x90000000u, IMAGE_SIZE, 0, true, PROT_NONE},
    {0xA0000000u, BUS_SIZE, 0, false, PROT_NONE},
    {0xC0000000u, BUS_SIZE, 0, false, PROT_NONE},
    {0xE0000000u, BUS_SIZE - 0x1000u, 0x1000u, false, PROT_NONE},
};

static bool host_failure(struct error *err, const char *what)
{
    return error_set(err, ERR_MEMORY, "%s failed: %s", what, strerror(errno));
}

static int shared_memory(const char *name, uint32_t size)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, size)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool map_views(struct mem *m)
{
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        const int fd = views[i].image ? m->image_fd : m->physical_fd;
        const int flags = MAP_SHARED | MAP_FIXED | MAP_NORESERVE;
        if (mmap(m->base + views[i].base, views[i].size, views[i].protection, flags, fd, views[i].offset) == MAP_FAILED)
            return false;
    }
    return true;
}

static int host_protection(unsigned access)
{
    return (access & MEM_READ_WRITE ? PROT_READ : 0) | ((access & (MEM_WRITE | MEM_WATCHED)) == MEM_WRITE ? PROT_WRITE : 0);
}

// The fixed alias is always open; the registers in the middle of it are not memory.
static bool open_aliases(struct mem *m)
{
    for (unsigned i = 0; i < MEM_REGION_COUNT; i++) {
        const struct mem_region *r = mem_region((enum mem_heap)i);
        if (r->kind == MEM_KIND_ALIAS)
            memset(m->access + r->base / HOST_PAGE, MEM_READ_WRITE, r->size / HOST_PAGE);
        if (r->kind == MEM_KIND_MMIO && mprotect(m->base + r->base, r->size, PROT_NONE))
            return false;
    }
    return true;
}

bool mem_host_create(struct mem *m, struct error *err)
{
    m->access = calloc(GUEST_SIZE / HOST_PAGE, 1);
    if (!m->access)
        return host_failure(err, "allocating the access map");
    // The kernel chooses the place: sanitizers own large parts of the host's address space.
    void *reservation =
        mmap(NULL, GUEST_SIZE + 2 * GUARD_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reservation == MAP_FAILED)
        return host_failure(err, "reserving 4 GiB of address space");
    m->base = (uint8_t *)reservation + GUARD_SIZE;
    if (mprotect(m->base - HOST_PAGE, HOST_PAGE, PROT_READ | PROT_WRITE)) // for engines; see mem_base
        return error_set(err, ERR_MEMORY, "cannot open the page below guest memory");
    m->physical_fd = shared_memory("xenolith-physical", BUS_SIZE);
    m->image_fd = shared_memory("xenolith-image", IMAGE_SIZE);
    if (m->physical_fd < 0 || m->image_fd < 0)
        return host_failure(err, "memfd_create");
    void *bus = mmap(NULL, BUS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, m->physical_fd, 0);
    if (bus == MAP_FAILED)
        return host_failure(err, "mapping physical memory");
    m->bus = bus;
    if (!map_views(m) || !open_aliases(m))
        return host_failure(err, "mapping the views of physical and image memory");
    return true;
}

void mem_host_destroy(struct mem *m)
{
    if (m->bus)
        munmap(m->bus, BUS_SIZE);
    if (m->base)
        munmap(m->base - GUARD_SIZE, GUEST_SIZE + 2 * GUARD_SIZE);
    if (m->physical_fd >= 0)
        close(m->physical_fd);
    if (m->image_fd >= 0)
        close(m->image_fd);
    free(m->access);
}

// ---- Changes of access

struct change {
    gva base;
    uint32_t size;
    unsigned access;
};

// A span has its own range, the alias's and those of the other views.
struct changes {
    struct change at[4];
    unsigned count;
};

static void add_change(struct changes *list, gva base, uint32_t size, unsigned access)
{
    ASSERT(list->count < sizeof list->at / sizeof *list->at);
    list->at[list->count++] = (struct change){base, size, access};
}

// Where [bus, bus + size) appears in a view, cut to the view; false where it does not.
static bool in_view(const struct mem_region *view, gpa bus, uint32_t size, gva *base, uint32_t *visible)
{
    const uint64_t start = mem_view_bus(view), end = start + view->size;
    const uint64_t first = bus > start ? bus : start;
    const uint64_t last = (uint64_t)bus + size < end ? (uint64_t)bus + size : end;
    if (first >= last)
        return false;
    *base = (gva)(view->base + (first - start));
    *visible = (uint32_t)(last - first);
    return true;
}

static uint32_t span_size(const struct mem_span *span)
{
    return span->count * span->table->region->page;
}

static gva span_base(const struct mem_span *span)
{
    return span->table->region->base + span->first * span->table->region->page;
}

// True where the span lies in physical memory; *bus is then its bus address.
static bool span_bus(const struct mem_span *span, gpa *bus)
{
    const struct mem_table *physical = span->parent ? span->parent : span->table;
    if (physical->region->kind != MEM_KIND_BUS)
        return false;
    *bus = (span->parent ? span->parent_first : span->first) * HOST_PAGE;
    return true;
}

static void add_other_views(struct changes *list, const struct mem_span *span, unsigned access)
{
    gpa bus;
    if (!span_bus(span, &bus))
        return;
    for (unsigned i = 0; i < MEM_REGION_COUNT; i++) {
        const struct mem_region *view = mem_region((enum mem_heap)i);
        gva base;
        uint32_t size;
        if (mem_is_view(view) && view != span->table->region && in_view(view, bus, span_size(span), &base, &size))
            add_change(list, base, size, access);
    }
}

static void add_own_view(struct changes *list, const struct mem_span *span, unsigned access)
{
    if (span->table->region->kind != MEM_KIND_BUS)
        add_change(list, span_base(span), span_size(span), access);
}

// Puts the host pages back to what the access map says.
static void restore(struct mem *m, const struct change *change)
{
    const uint32_t end = (uint32_t)(((uint64_t)change->base + change->size) / HOST_PAGE);
    for (uint32_t page = change->base / HOST_PAGE; page < end;) {
        uint32_t next = page + 1;
        while (next < end && m->access[next] == m->access[page])
            next++;
        mprotect(m->base + (uint64_t)page * HOST_PAGE, (uint64_t)(next - page) * HOST_PAGE,
                 host_protection(m->access[page]));
        page = next;
    }
}

static bool apply(struct mem *m, const struct changes *list, struct error *err)
{
    for (unsigned i = 0; i < list->count; i++)
        mem_unwatch_all(m, list->at[i].base, list->at[i].size);
    for (unsigned i = 0; i < list->count; i++) {
        const struct change *c = &list->at[i];
        if (mprotect(m->base + c->base, c->size, host_protection(c->access))) {
            host_failure(err, "mprotect");
            for (unsigned k = 0; k <= i; k++)
                restore(m, &list->at[k]);
            return false;
        }
    }
    for (unsigned i = 0; i < list->count; i++)
        memset(m->access + list->at[i].base / HOST_PAGE, (int)list->at[i].access, list->at[i].size / HOST_PAGE);
    return true;
}

// ---- Contents

static bool punch(int fd, uint64_t offset, uint64_t size)
{
    return !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size);
}

static bool image_page_committed(const struct mem *m, uint32_t offset)
{
    const struct mem_table *large = &m->tables[MEM_V80000000], *small = &m->tables[MEM_V90000000];
    return ((large->pages[offset / large->region->page].state | small->pages[offset / small->region->page].state) &
            MEM_COMMITTED) != 0;
}

// An image byte has two addresses: it dies with the last page that holds it.
static bool discard_image(const struct mem *m, uint32_t offset, uint32_t end)
{
    while (offset < end) {
        uint32_t next = offset;
        while (next < end && !image_page_committed(m, next))
            next += HOST_PAGE;
        if (next > offset && !punch(m->image_fd, offset, next - offset))
            return false;
        offset = next + HOST_PAGE;
    }
    return true;
}

static bool discard_run(struct mem *m, const struct mem_span *run)
{
    const uint32_t size = span_size(run);
    gpa bus;
    if (span_bus(run, &bus))
        return punch(m->physical_fd, bus, size);
    const gva base = span_base(run);
    if (run->table->region->kind == MEM_KIND_IMAGE)
        return discard_image(m, base & (IMAGE_SIZE - 1), (base & (IMAGE_SIZE - 1)) + size);
    return !madvise(m->base + base, size, MADV_DONTNEED);
}

// The part [from, from + count) of a span, in pages of its own table.
static struct mem_span sub_span(const struct mem_span *span, uint32_t from, uint32_t count)
{
    const uint32_t scale = span->table->region->page / HOST_PAGE;
    struct mem_span out = *span;
    out.first += from;
    out.count = count;
    if (span->parent) {
        out.parent_first += from * scale;
        out.parent_count = count * scale;
    }
    return out;
}

static bool discard(struct mem *m, const struct mem_span *span)
{
    const struct mem_page *pages = &span->table->pages[span->first];
    for (uint32_t i = 0; i < span->count;) {
        uint32_t end = i;
        while (end < span->count && !(pages[end].state & MEM_COMMITTED))
            end++;
        if (end > i) {
            const struct mem_span run = sub_span(span, i, end - i);
            if (!discard_run(m, &run))
                return false;
        }
        i = end + 1;
    }
    return true;
}

// ---- Interface

bool mem_host_commit(struct mem *m, const struct mem_span *span, unsigned protect, struct error *err)
{
    // Also here, not only when pages go: devices and the fixed alias may have written to physical pages nobody owned.
    if (!discard(m, span))
        return host_failure(err, "clearing guest memory");
    struct changes list = {.count = 0};
    add_own_view(&list, span, protect);
    add_other_views(&list, span, MEM_READ_WRITE);
    return apply(m, &list, err);
}

bool mem_host_decommit(struct mem *m, const struct mem_span *span, struct error *err)
{
    struct changes list = {.count = 0};
    add_own_view(&list, span, MEM_NONE);
    add_other_views(&list, span, MEM_NONE);
    return apply(m, &list, err);
}

bool mem_host_protect(struct mem *m, const struct mem_span *span, unsigned protect, struct error *err)
{
    struct changes list = {.count = 0};
    add_own_view(&list, span, protect);
    return apply(m, &list, err);
}

void mem_host_discard(struct mem *m, const struct mem_span *span)
{
    // A failure costs host memory only: what is committed again is cleared again.
    (void)discard(m, span);
}

static void notify(struct mem *m, gva base, uint32_t size)
{
    for (unsigned i = 0; i < m->listener_count; i++)
        m->listeners[i].changed(m->listeners[i].user, base, size);
}

void mem_host_changed(struct mem *m, const struct mem_span *span)
{
    struct changes list = {.count = 0};
    add_own_view(&list, span, MEM_NONE);
    add_other_views(&list, span, MEM_NONE);
    for (unsigned i = 0; i < list.count; i++)
        notify(m, list.at[i].base, list.at[i].size);
    const gva base = span_base(span);
    if (span->table->region->kind == MEM_KIND_IMAGE)
        notify(m, base ^ 0x10000000u, span_size(span));
    gpa bus;
    if (span_bus(span, &bus) && bus < ALIAS_SIZE)
        notify(m, ALIAS_BASE + bus, span_size(span) < ALIAS_SIZE - bus ? span_size(span) : ALIAS_SIZE - bus);
}
