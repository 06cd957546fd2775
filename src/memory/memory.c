// memory.c: the least that an engine needs, until the module itself is merged: a flat address space with 64 KB blocks.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bytes.h"
#include "memory/memory.h"

enum { BLOCK = 0x10000 };

struct mem {
    uint8_t *base;
    uint8_t mapped[0x10000];
};

static _Thread_local struct mem_scope *innermost;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    struct mem_scope *scope = innermost;
    uint8_t *at = info->si_addr;
    if (!scope || at < scope->mem->base || at - scope->mem->base >= (ptrdiff_t)1 << 32) {
        signal(number, SIG_DFL);
        return;
    }
    scope->fault.address = (gva)(at - scope->mem->base);
    siglongjmp(scope->env, 1);
}

bool mem_create(struct mem **out, struct error *err)
{
    struct mem *m = calloc(1, sizeof *m);
    if (!m)
        return error_set(err, ERR_MEMORY, "no memory");
    m->base = mmap(NULL, ((size_t)1 << 32) + BLOCK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m->base == MAP_FAILED) {
        free(m);
        return error_set(err, ERR_MEMORY, "no address space");
    }
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    *out = m;
    return true;
}

void mem_destroy(struct mem *m)
{
    if (!m)
        return;
    munmap(m->base, ((size_t)1 << 32) + BLOCK);
    free(m);
}

uint8_t *mem_base(const struct mem *m)
{
    return m->base;
}

bool mem_allocate_at(struct mem *m, gva base, uint32_t size, unsigned state, unsigned protect, struct error *err)
{
    (void)state;
    (void)protect;
    if (base % BLOCK || size != BLOCK || m->mapped[base / BLOCK])
        return error_set(err, ERR_NO_SPACE, "0x%08x is taken", base);
    m->mapped[base / BLOCK] = 1;
    mprotect(m->base + base, size, PROT_READ | PROT_WRITE);
    return true;
}

bool mem_release(struct mem *m, gva base, uint32_t *size, struct error *err)
{
    (void)size;
    (void)err;
    m->mapped[base / BLOCK] = 0;
    madvise(m->base + base, BLOCK, MADV_DONTNEED);
    mprotect(m->base + base, BLOCK, PROT_NONE);
    return true;
}

uint32_t mem_page_size(gva address)
{
    (void)address;
    return BLOCK;
}

bool mem_valid(const struct mem *m, gva address, uint32_t size, unsigned access)
{
    (void)access;
    for (uint64_t at = address; at < (uint64_t)address + size; at = (at | (BLOCK - 1)) + 1)
        if (at >> 32 || !m->mapped[at / BLOCK])
            return false;
    return true;
}

void *mem_at(const struct mem *m, gva address, uint32_t size, unsigned access)
{
    return mem_valid(m, address, size, access) ? m->base + address : NULL;
}

bool mem_write(struct mem *m, gva address, const void *data, uint32_t size)
{
    bool good = mem_valid(m, address, size, MEM_WRITE);
    if (good)
        memcpy(m->base + address, data, size);
    return good;
}

bool mem_get32(const struct mem *m, gva address, uint32_t *out)
{
    bool good = mem_valid(m, address, 4, MEM_READ);
    if (good)
        *out = be32_get(m->base + address);
    return good;
}

bool mem_set32(struct mem *m, gva address, uint32_t value)
{
    bool good = mem_valid(m, address, 4, MEM_WRITE);
    if (good)
        be32_set(m->base + address, value);
    return good;
}

void mem_scope_enter(struct mem_scope *scope, struct mem *m)
{
    scope->mem = m;
    scope->outer = innermost;
    scope->fault = (struct mem_fault){0};
    innermost = scope;
}

void mem_scope_leave(struct mem_scope *scope)
{
    innermost = scope->outer;
}

void mem_explain(gva address, struct mem_explanation *out)
{
    (void)address;
    *out = (struct mem_explanation){0};
}
