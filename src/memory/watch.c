// watch.c: pages whose writes somebody wants to see: read-only on the host until the first one.
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "memory/space.h"

// A page under all its addresses.
struct places {
    uint32_t pages[1 + sizeof((struct mem_explanation){0}.aliases) / sizeof(gva)];
    unsigned count;
};

static struct places places_of(gva address)
{
    struct mem_explanation x;
    struct places p = {.count = 1};
    mem_explain(address, &x);
    p.pages[0] = address / HOST_PAGE;
    for (unsigned i = 0; i < x.alias_count; i++)
        p.pages[p.count++] = x.aliases[i] / HOST_PAGE;
    return p;
}

bool mem_is_shared(const struct mem *m, gva address)
{
    return m->access[address / HOST_PAGE] & MEM_SHARED;
}

void mem_share(struct mem *m, gva address)
{
    mem_unwatch(m, address);
    struct places p = places_of(address);
    for (unsigned i = 0; i < p.count; i++)
        m->access[p.pages[i]] |= MEM_SHARED;
}

bool mem_watch(struct mem *m, gva address)
{
    if (m->access[address / HOST_PAGE] & MEM_WATCHED)
        return true;
    if (mem_is_shared(m, address))
        return false;
    struct places p = places_of(address);
    for (unsigned i = 0; i < p.count; i++) {
        uint8_t *access = &m->access[p.pages[i]];
        if (*access & MEM_WRITE && mprotect(m->base + (uint64_t)p.pages[i] * HOST_PAGE, HOST_PAGE, PROT_READ))
            return false; // the host has no more mappings
        *access |= MEM_WATCHED;
    }
    return true;
}

void mem_unwatch(struct mem *m, gva address)
{
    if (!(m->access[address / HOST_PAGE] & MEM_WATCHED))
        return;
    struct places p = places_of(address);
    for (unsigned i = 0; i < p.count; i++)
        m->access[p.pages[i]] &= (uint8_t)~MEM_WATCHED;
    for (unsigned i = 0; i < m->watcher_count; i++) // before it is writable: the old contents are still there
        m->watchers[i].written(m->watchers[i].user, address & ~(gva)(HOST_PAGE - 1));
    for (unsigned i = 0; i < p.count; i++)
        if (m->access[p.pages[i]] & MEM_WRITE && !(m->access[p.pages[i]] & MEM_WATCHED))
            mprotect(m->base + (uint64_t)p.pages[i] * HOST_PAGE, HOST_PAGE, PROT_READ | PROT_WRITE);
}

void mem_unwatch_all(struct mem *m, gva address, uint32_t size)
{
    if (!size)
        return;
    const uint32_t last = (uint32_t)(((uint64_t)address + size - 1) / HOST_PAGE);
    for (uint32_t page = address / HOST_PAGE; page <= last; page++)
        mem_unwatch(m, page * HOST_PAGE);
}

void mem_on_write(struct mem *m, void (*written)(void *user, gva page), void *user)
{
    ASSERT(m->watcher_count < MAX_LISTENERS);
    m->watchers[m->watcher_count].written = written;
    m->watchers[m->watcher_count++].user = user;
}

void mem_forget_watcher(struct mem *m, void *user)
{
    for (unsigned i = 0; i < m->watcher_count; i++)
        if (m->watchers[i].user == user)
            m->watchers[i--] = m->watchers[--m->watcher_count];
}
