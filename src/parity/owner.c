#include "parity/owner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/memory.h"
#include "trace/reader.h"

enum { MEM_RESERVE_FLAG = 0x2000, MEM_RELEASE_FLAG = 0x8000, MAX_CALLERS = 64, HIGH_END = -2 };

static const struct {
    const char *call;
    int base, size, reserve;
} allocators[] = {
#define ALLOCATES(call, base, size, reserve) {call, base, size, reserve},
#include "parity/owner_calls.def"
#undef ALLOCATES
};

static const struct {
    const char *call;
    int arg;
    bool behind;
    int release;
} frees[] = {
#define FREES(call, arg, behind, release) {call, arg, behind, release},
#include "parity/owner_calls.def"
#undef FREES
};
enum { ALLOCATOR_COUNT = sizeof allocators / sizeof *allocators, FREE_COUNT = sizeof frees / sizeof *frees };

// A thread's call that has not returned yet: allocators are told from their result.
struct caller {
    uint32_t tid, lr;
    int row;
    uint64_t index, args[8];
};

struct search {
    const gva *addresses;
    size_t count;
    struct par_owner *out;
    struct mem_explanation *views;
    struct caller callers[MAX_CALLERS];
    unsigned caller_count;
};

static uint64_t rounded(gva base, uint64_t size)
{
    const struct mem_region *r = mem_region_of(base);
    uint64_t page = r && r->page ? r->page : 0x1000;
    return (size + page - 1) / page * page;
}

static bool inside(gva address, gva base, uint64_t size)
{
    return address >= base && (uint64_t)address - base < size;
}

static bool covers(const struct search *s, size_t i, gva base, uint64_t size, gva *through)
{
    *through = s->addresses[i];
    if (inside(*through, base, size))
        return true;
    for (unsigned k = 0; k < s->views[i].alias_count; k++)
        if (inside(*through = s->views[i].aliases[k], base, size))
            return true;
    return false;
}

static void made(struct search *s, const char *call, uint32_t tid, uint32_t lr, uint64_t index, gva base, uint64_t size)
{
    for (size_t i = 0; i < s->count; i++) {
        gva through;
        if (!covers(s, i, base, rounded(base, size), &through))
            continue;
        s->out[i] = (struct par_owner){.found = true, .tid = tid, .lr = lr, .index = index, .base = base, .size = size,
                                       .offset = through - base, .through = through};
        snprintf(s->out[i].call, sizeof s->out[i].call, "%s", call);
    }
}

static void freed(struct search *s, const char *call, const struct trace_event *e, gva base)
{
    for (size_t i = 0; i < s->count; i++) {
        struct par_owner *o = &s->out[i];
        if (!o->found || o->freed || o->base != base)
            continue;
        o->freed = true;
        o->freed_tid = e->where.tid;
        o->freed_lr = e->where.lr;
        o->freed_index = e->index;
        snprintf(o->freed_call, sizeof o->freed_call, "%s", call);
    }
}

// The value behind pointer argument `arg`: pairs follow the first `from` fields.
static bool behind(const struct trace_event *e, unsigned from, int arg, uint64_t *out)
{
    for (unsigned i = from; i + 1 < e->count; i += 2)
        if (e->fields[i] == (uint64_t)arg) {
            *out = e->fields[i + 1];
            return true;
        }
    return false;
}

static void begin_free(struct search *s, const struct trace_record *r, int row)
{
    const struct trace_event *e = &r->event;
    uint64_t base = (unsigned)frees[row].arg + 1 < e->count ? e->fields[frees[row].arg + 1] : 0;
    if (frees[row].release >= 0 && ((unsigned)frees[row].release + 1 >= e->count || !(e->fields[frees[row].release + 1] & MEM_RELEASE_FLAG)))
        return;
    if (!frees[row].behind || behind(e, 1u + r->call->arg_count, frees[row].arg, &base))
        freed(s, r->call->name, e, (gva)base);
}

static struct caller *caller_of(struct search *s, uint32_t tid)
{
    for (unsigned i = 0; i < s->caller_count; i++)
        if (s->callers[i].tid == tid)
            return &s->callers[i];
    if (s->caller_count == MAX_CALLERS)
        return &s->callers[0];
    s->callers[s->caller_count] = (struct caller){.tid = tid, .row = -1};
    return &s->callers[s->caller_count++];
}

static void call(struct search *s, const struct trace_record *r)
{
    const struct trace_event *e = &r->event;
    if (!r->call || r->import)
        return;
    for (int i = 0; i < FREE_COUNT; i++)
        if (!strcmp(frees[i].call, r->call->name))
            begin_free(s, r, i);
    for (int i = 0; i < ALLOCATOR_COUNT; i++)
        if (!strcmp(allocators[i].call, r->call->name)) {
            struct caller *c = caller_of(s, e->where.tid);
            *c = (struct caller){.tid = e->where.tid, .lr = e->where.lr, .row = i, .index = e->index};
            for (unsigned k = 1; k < e->count && k <= 8; k++)
                c->args[k - 1] = e->fields[k];
        }
}

static void returned(struct search *s, const struct trace_record *r)
{
    const struct trace_event *e = &r->event;
    struct caller *c = caller_of(s, e->where.tid);
    if (c->row < 0 || !r->call || strcmp(allocators[c->row].call, r->call->name) != 0)
        return;
    const int row = c->row, base_from = allocators[row].base;
    uint64_t base = e->count > 1 ? (uint32_t)e->fields[1] : 0, size = c->args[allocators[row].size];
    c->row = -1;
    if (base_from >= 0) {
        if ((int32_t)base < 0 || !behind(e, 2, base_from, &base) || !behind(e, 2, allocators[row].size, &size))
            return;
        if (allocators[row].reserve >= 0 && !(c->args[allocators[row].reserve] & MEM_RESERVE_FLAG))
            return; // commits part of what was reserved before
    }
    if (!base || !size)
        return;
    if (base_from == HIGH_END)
        base -= size;
    made(s, r->call->name, c->tid, c->lr, c->index, (gva)base, size);
}

static void thread_made(struct search *s, const struct trace_event *e)
{
    gva low = (gva)e->fields[13], high = (gva)e->fields[12], kthread = (gva)e->fields[15] & ~0xFFFu, pcr = (gva)e->fields[14];
    char name[64];
    snprintf(name, sizeof name, "stack of thread %u", (unsigned)e->fields[0]);
    if (high > low)
        made(s, name, e->where.tid, 0, e->index, low, high - low);
    snprintf(name, sizeof name, "KTHREAD of thread %u", (unsigned)e->fields[0]);
    if (kthread)
        made(s, name, e->where.tid, 0, e->index, kthread, 0x1000);
    snprintf(name, sizeof name, "KPCR of thread %u", (unsigned)e->fields[0]);
    if (pcr)
        made(s, name, e->where.tid, 0, e->index, pcr, 0x1000);
}

static void module_loaded(struct search *s, const struct trace_event *e)
{
    char name[64];
    snprintf(name, sizeof name, "module %.50s", e->text_count ? e->texts[0].text : "");
    made(s, name, e->where.tid, 0, e->index, (gva)e->fields[0], e->fields[1]);
}

bool par_find_owners(const char *log, uint64_t at, const gva *addresses, size_t count, struct par_owner *out, struct error *err)
{
    struct trace_reader *reader;
    struct trace_record r;
    struct search s = {.addresses = addresses, .count = count, .out = out, .views = calloc(count ? count : 1, sizeof *s.views)};
    memset(out, 0, count * sizeof *out);
    if (!s.views)
        return error_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        mem_explain(addresses[i], &s.views[i]);
    if (!trace_reader_open(&reader, log, err)) {
        free(s.views);
        return false;
    }
    while (trace_reader_next(reader, &r) && r.event.index <= at) {
        switch (r.event.kind) {
        case TRACE_CALL: call(&s, &r); break;
        case TRACE_RETURN: returned(&s, &r); break;
        case TRACE_THREAD_CREATE: thread_made(&s, &r.event); break;
        case TRACE_MODULE_LOAD: module_loaded(&s, &r.event); break;
        default: break;
        }
    }
    trace_reader_close(reader);
    free(s.views);
    return true;
}
