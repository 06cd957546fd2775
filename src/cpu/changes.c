// changes.c: code that changes.
//
// Pages that anything was decoded or compiled from are watched (mem_watch). A store to one while guest code runs is seen by that
// code at the next safepoint, icbi or end of the run, so that all tiers see it at the same time: until then what was not
// decoded yet is decoded from the page as it was. A write by anybody else is seen at once.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bytes.h"
#include "cpu/engine.h"

enum {
    PAGE = 4096,
    PAGES = 1 << 20, // of guest memory
    MOST_WRITES = 64, // to a page of code; behind them it holds data too, and is interpreted, always decoded anew
};

struct page {
    gva address;
    gva aliases[5];
    unsigned alias_count;
    uint8_t before[PAGE];
};

struct changes {
    struct page *pages; // in the order of their first change; room for all, because the handler of a fault can get none
    uint64_t slice_end; // the state's own, while pages wait
    uint8_t *writes;    // that were seen, by page (its lowest address)
};

static void keep(struct cpu *cpu, gva address)
{
    struct changes *c = cpu->changes;
    struct mem_explanation x;
    mem_explain(address, &x);
    struct page *p = &c->pages[cpu->waiting++];
    p->address = address;
    p->alias_count = x.alias_count;
    memcpy(p->aliases, x.aliases, sizeof p->aliases);
    memcpy(p->before, cpu->memory + address, PAGE);
    if (cpu->waiting > 1)
        return;
    c->slice_end = cpu->running->slice_end; // all engines look at it at safepoints
    cpu->running->slice_end = 0;
}

static uint8_t *writes_of(struct cpu *cpu, gva page)
{
    struct mem_explanation x;
    mem_explain(page, &x);
    for (unsigned i = 0; i < x.alias_count; i++)
        page = x.aliases[i] < page ? x.aliases[i] : page;
    return &cpu->changes->writes[page / PAGE];
}

// When that is must be the same for both of shadow.c's engines; there it never is.
static void share(struct cpu *cpu, gva page)
{
    if (!cpu->twin && *writes_of(cpu, page) >= MOST_WRITES)
        mem_share(cpu->mem, page);
}

static void written(void *user, gva page)
{
    struct cpu *cpu = user;
    uint8_t *writes = writes_of(cpu, page);
    if (*writes < MOST_WRITES)
        ++*writes;
    if (cpu->running) {
        keep(cpu, page);
        return;
    }
    cpu_forget(cpu, page, PAGE);
    share(cpu, page);
}

void changes_renew(struct cpu *cpu, gva base, uint64_t size)
{
    for (uint64_t page = base / PAGE; page < (base + size + PAGE - 1) / PAGE; page++)
        *writes_of(cpu, (gva)(page * PAGE)) = 0;
}

bool changes_create(struct cpu *cpu)
{
    cpu->changes = calloc(1, sizeof *cpu->changes);
    if (!cpu->changes)
        return false;
    mem_on_write(cpu->mem, written, cpu);
    cpu->changes->writes = calloc(PAGES, 1);
    void *pages = mmap(NULL, PAGES * sizeof(struct page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    cpu->changes->pages = pages == MAP_FAILED ? NULL : pages;
    return cpu->changes->writes && cpu->changes->pages;
}

void changes_destroy(struct cpu *cpu)
{
    if (!cpu->changes)
        return;
    mem_forget_watcher(cpu->mem, cpu);
    if (cpu->changes->pages)
        munmap(cpu->changes->pages, PAGES * sizeof(struct page));
    free(cpu->changes->writes);
    free(cpu->changes);
}

static bool holds(const struct page *p, gva page)
{
    for (unsigned i = 0; i < p->alias_count; i++)
        if (p->aliases[i] == page)
            return true;
    return p->address == page;
}

uint32_t changes_word(const struct cpu *cpu, uint32_t pc)
{
    const struct changes *c = cpu->changes;
    for (uint32_t i = 0; i < cpu->waiting; i++)
        if (holds(&c->pages[i], pc & ~(gva)(PAGE - 1)))
            return be32_get(c->pages[i].before + pc % PAGE);
    return be32_get(cpu->memory + pc);
}

void changes_apply(struct cpu *cpu)
{
    struct changes *c = cpu->changes;
    if (!cpu->waiting)
        return;
    cpu->running->slice_end = c->slice_end;
    for (uint32_t i = 0; i < cpu->waiting; i++) {
        cpu_forget(cpu, c->pages[i].address, PAGE);
        share(cpu, c->pages[i].address);
    }
    cpu->waiting = 0;
}
