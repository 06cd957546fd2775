// Interlocked*SList: singly linked lists with a depth and a sequence number. One host thread runs all, so each call is
// atomic.
#include "kernel/api.h"
#include "kernel/state.h"

enum { SLIST_DEPTH = 4, SLIST_SEQUENCE = 6, SLIST_SIZE = 8 };

struct list_head {
    uint32_t first;
    uint16_t depth, sequence;
};

static bool load(const struct krnl_call *c, gva list, struct list_head *h)
{
    return mem_valid(c->mem, list, SLIST_SIZE, MEM_WRITE) && mem_get32(c->mem, list, &h->first) &&
           mem_get16(c->mem, list + SLIST_DEPTH, &h->depth) && mem_get16(c->mem, list + SLIST_SEQUENCE, &h->sequence);
}

static void save(struct krnl_call *c, gva list, uint32_t first, unsigned depth, unsigned sequence)
{
    mem_set32(c->mem, list, first);
    mem_set16(c->mem, list + SLIST_DEPTH, (uint16_t)depth);
    mem_set16(c->mem, list + SLIST_SEQUENCE, (uint16_t)sequence);
}

static void complain(const struct krnl_call *c, gva address)
{
    log_write(c->k->log, LOG_GUEST, "slist", "%s on 0x%08x, which cannot be accessed", c->row->name, address);
}

uint32_t InterlockedPushEntrySList(struct krnl_call *c, uint32_t list, uint32_t entry)
{
    struct list_head h;
    if (!load(c, list, &h) || !mem_set32(c->mem, entry, h.first)) {
        complain(c, entry);
        return 0;
    }
    save(c, list, entry, h.depth + 1u, h.sequence + 1u);
    return h.first;
}

uint32_t InterlockedPopEntrySList(struct krnl_call *c, uint32_t list)
{
    struct list_head h;
    uint32_t next;
    if (!load(c, list, &h)) {
        complain(c, list);
        return 0;
    }
    if (!h.first)
        return 0;
    if (!mem_get32(c->mem, h.first, &next)) {
        complain(c, h.first);
        return 0;
    }
    save(c, list, next, h.depth - 1u, h.sequence);
    return h.first;
}

uint32_t InterlockedFlushSList(struct krnl_call *c, uint32_t list)
{
    struct list_head h;
    if (!load(c, list, &h)) {
        complain(c, list);
        return 0;
    }
    save(c, list, 0, 0, 0);
    return h.first;
}
