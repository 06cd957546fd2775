// Mm*, Nt*VirtualMemory: memory by page size and kind. Rules: memory_map.tsv (routing), boot-facts.md section 8.
#include "kernel/api.h"
#include "kernel/state.h"

enum {
    X_MEM_COMMIT = 0x1000,
    X_MEM_RESERVE = 0x2000,
    X_MEM_DECOMMIT = 0x4000,
    X_MEM_RELEASE = 0x8000,
    X_MEM_FREE = 0x10000,
    X_MEM_TOP_DOWN = 0x100000,
    X_MEM_NOZERO = 0x800000,
    X_MEM_LARGE_PAGES = 0x20000000,
    X_MEM_16MB_PAGES = (int)0x80000000,
    X_PAGE_NOACCESS = 1,
    X_PAGE_READONLY = 2,
    X_PAGE_READWRITE = 4,
    X_PAGE_WRITECOPY = 8,
    X_PAGE_EXECUTE = 0x10,
    X_PAGE_EXECUTE_READ = 0x20,
    X_PAGE_EXECUTE_READWRITE = 0x40,
};

static unsigned protect_of(uint32_t flags)
{
    if (flags & (X_PAGE_READWRITE | X_PAGE_WRITECOPY | X_PAGE_EXECUTE_READWRITE))
        return MEM_READ_WRITE;
    if (flags & (X_PAGE_READONLY | X_PAGE_EXECUTE | X_PAGE_EXECUTE_READ))
        return MEM_READ;
    return MEM_NONE;
}

static uint32_t protect_flags(unsigned protect)
{
    return protect == MEM_READ_WRITE ? X_PAGE_READWRITE : protect == MEM_READ ? X_PAGE_READONLY : X_PAGE_NOACCESS;
}

static bool is_virtual(gva address)
{
    const struct mem_region *region = mem_region_of(address);
    return region && region->page && region->kind == MEM_KIND_VIRTUAL;
}

static void emit_allocate(struct krnl_call *c, gva base, uint32_t size, uint32_t state, uint32_t protect)
{
    krnl_event(c, TRACE_MEM_ALLOCATE, 4, (uint64_t[]){base, size, state, protect});
}

uint32_t NtAllocateVirtualMemory(struct krnl_call *c, uint32_t base_ptr, uint32_t size_ptr, uint32_t type, uint32_t protect_bits, uint32_t unknown)
{
    (void)unknown;
    uint32_t base, size;
    if (!mem_get32(c->mem, base_ptr, &base) || !mem_get32(c->mem, size_ptr, &size) || !mem_valid(c->mem, base_ptr, 4, MEM_WRITE) ||
        !mem_valid(c->mem, size_ptr, 4, MEM_WRITE))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    if (!size || !(type & (X_MEM_COMMIT | X_MEM_RESERVE)))
        return (nt_status)STATUS_INVALID_PARAMETER;
    if (base && !is_virtual(base))
        return (nt_status)STATUS_INVALID_PARAMETER;
    enum mem_heap heap = type & X_MEM_LARGE_PAGES ? MEM_V40000000 : MEM_V00000000;
    uint32_t page = base ? mem_page_size(base) : mem_region(heap)->page;
    uint32_t end = base + size;
    gva start = base & ~(page - 1);
    uint64_t whole = ((uint64_t)(base ? end - start : size) + page - 1) & ~(uint64_t)(page - 1);
    if (whole > 0x40000000 || (base && end < base))
        return (nt_status)STATUS_INVALID_PARAMETER;
    unsigned state = (type & X_MEM_RESERVE ? MEM_RESERVED : 0) | (type & X_MEM_COMMIT ? MEM_COMMITTED : 0);
    unsigned protect = protect_of(protect_bits);
    bool ok;
    if (start) {
        ok = mem_allocate_at(c->mem, start, (uint32_t)whole, state, protect, NULL);
        // A page that exists and is free to commit needs no reservation of its own on the console.
        if (!ok && state == MEM_COMMITTED)
            ok = mem_allocate_at(c->mem, start, (uint32_t)whole, MEM_RESERVED | MEM_COMMITTED, protect, NULL);
    } else {
        struct mem_request request = {.heap = heap, .size = (uint32_t)whole, .state = state | MEM_RESERVED, .protect = protect,
                                      .top_down = type & X_MEM_TOP_DOWN};
        ok = mem_allocate(c->mem, &request, &start, NULL);
    }
    if (!ok)
        return (nt_status)STATUS_NO_MEMORY;
    mem_set32(c->mem, base_ptr, start);
    mem_set32(c->mem, size_ptr, (uint32_t)whole);
    emit_allocate(c, start, (uint32_t)whole, type, protect_bits);
    return STATUS_SUCCESS;
}

uint32_t NtFreeVirtualMemory(struct krnl_call *c, uint32_t base_ptr, uint32_t size_ptr, uint32_t type, uint32_t unknown)
{
    (void)unknown;
    uint32_t base, size;
    if (!mem_get32(c->mem, base_ptr, &base) || !mem_get32(c->mem, size_ptr, &size) || !mem_valid(c->mem, base_ptr, 4, MEM_WRITE) ||
        !mem_valid(c->mem, size_ptr, 4, MEM_WRITE))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    if (!base)
        return (nt_status)STATUS_MEMORY_NOT_ALLOCATED;
    if (!is_virtual(base))
        return (nt_status)STATUS_INVALID_PARAMETER;
    bool ok;
    if (type & X_MEM_DECOMMIT) {
        if (!size)
            return (nt_status)STATUS_INVALID_PARAMETER;
        ok = mem_decommit(c->mem, base, size, NULL);
    } else
        ok = mem_release(c->mem, base, &size, NULL);
    if (!ok)
        return (nt_status)STATUS_UNSUCCESSFUL;
    mem_set32(c->mem, base_ptr, base);
    mem_set32(c->mem, size_ptr, size);
    krnl_event(c, TRACE_MEM_RELEASE, 2, (uint64_t[]){base, size});
    return STATUS_SUCCESS;
}

uint32_t NtProtectVirtualMemory(struct krnl_call *c, uint32_t base_ptr, uint32_t size_ptr, uint32_t protect_bits, uint32_t old_ptr, uint32_t unknown)
{
    (void)unknown;
    uint32_t base, size;
    unsigned old;
    if (!mem_get32(c->mem, base_ptr, &base) || !mem_get32(c->mem, size_ptr, &size))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    uint32_t page = mem_page_size(base);
    if (!page || !is_virtual(base))
        return (nt_status)STATUS_INVALID_PARAMETER;
    gva start = base & ~(page - 1);
    uint32_t whole = (base - start + size + page - 1) & ~(page - 1);
    if (!mem_protect(c->mem, start, whole, protect_of(protect_bits), &old, NULL))
        return (nt_status)STATUS_ACCESS_DENIED;
    mem_set32(c->mem, base_ptr, start);
    mem_set32(c->mem, size_ptr, whole);
    if (old_ptr)
        mem_set32(c->mem, old_ptr, protect_flags(old));
    return STATUS_SUCCESS;
}

uint32_t NtQueryVirtualMemory(struct krnl_call *c, uint32_t address, uint32_t info_ptr, uint32_t region_type)
{
    struct mem_range range;
    (void)region_type;
    if (!mem_query(c->mem, address, &range))
        return (nt_status)STATUS_INVALID_PARAMETER;
    bool used = range.state != 0;
    const uint32_t words[] = {
        range.base,
        used ? range.alloc_base : 0,
        used ? protect_flags(range.alloc_protect) : 0,
        range.size,
        !used ? X_MEM_FREE : range.state & MEM_COMMITTED ? X_MEM_COMMIT : X_MEM_RESERVE,
        used ? protect_flags(range.protect) : X_PAGE_NOACCESS,
        used ? 0x20000 : 0, // private
    };
    if (!mem_valid(c->mem, info_ptr, sizeof words, MEM_WRITE))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        mem_set32(c->mem, info_ptr + 4 * i, words[i]);
    return STATUS_SUCCESS;
}

uint32_t MmAllocatePhysicalMemoryEx(struct krnl_call *c, uint32_t flags, uint32_t size, uint32_t protect_bits, uint32_t min, uint32_t max, uint32_t alignment)
{
    (void)flags;
    enum mem_heap heap = protect_bits & X_MEM_LARGE_PAGES ? MEM_VA0000000
                         : protect_bits & (uint32_t)X_MEM_16MB_PAGES ? MEM_VC0000000 : MEM_VE0000000;
    if (!(protect_bits & (X_PAGE_READONLY | X_PAGE_READWRITE)) || !size || (alignment & (alignment - 1)))
        return 0;
    struct mem_request request = {.heap = heap, .size = size, .alignment = alignment, .low = min, .high = max,
                                  .state = MEM_RESERVED | MEM_COMMITTED, .protect = protect_of(protect_bits), .top_down = true};
    gva base;
    if (!mem_allocate(c->mem, &request, &base, NULL))
        return 0;
    emit_allocate(c, base, size, X_MEM_COMMIT | X_MEM_RESERVE, protect_bits);
    return base;
}

uint32_t MmAllocatePhysicalMemory(struct krnl_call *c, uint32_t flags, uint32_t size, uint32_t protect_bits)
{
    return MmAllocatePhysicalMemoryEx(c, flags, size, protect_bits, 0, 0xFFFFFFFF, 0);
}

void MmFreePhysicalMemory(struct krnl_call *c, uint32_t type, uint32_t base)
{
    uint32_t size;
    (void)type;
    const struct mem_region *region = mem_region_of(base);
    if (!region || region->kind != MEM_KIND_PHYSICAL || !mem_release(c->mem, base, &size, NULL)) {
        log_write(c->k->log, LOG_GUEST, "mm", "MmFreePhysicalMemory of 0x%08x, where no allocation starts", base);
        return;
    }
    krnl_event(c, TRACE_MEM_RELEASE, 2, (uint64_t[]){base, size});
}

uint32_t MmGetPhysicalAddress(struct krnl_call *c, uint32_t address)
{
    gpa bus;
    (void)c;
    return mem_bus_address(address, &bus) ? bus : 0;
}

uint32_t MmQueryAddressProtect(struct krnl_call *c, uint32_t address)
{
    struct mem_range range;
    return mem_query(c->mem, address, &range) && range.state & MEM_COMMITTED ? protect_flags(range.protect) : 0;
}

void MmSetAddressProtect(struct krnl_call *c, uint32_t base, uint32_t size, uint32_t protect_bits)
{
    mem_protect(c->mem, base, size, protect_of(protect_bits), NULL, NULL);
}

uint32_t MmQueryAllocationSize(struct krnl_call *c, uint32_t base)
{
    struct mem_range range;
    return mem_query(c->mem, base, &range) ? range.alloc_size : 0;
}

uint32_t MmIsAddressValid(struct krnl_call *c, uint32_t address)
{
    return mem_valid(c->mem, address, 1, MEM_READ);
}

uint32_t MmQueryStatistics(struct krnl_call *c, uint32_t stats_ptr)
{
    enum { LENGTH = 104, TITLE_PAGES = 0x1F000 - 0x300 };
    uint32_t length, free_pages, total_pages;
    if (!mem_get32(c->mem, stats_ptr, &length))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    if (length != LENGTH)
        return (nt_status)STATUS_BUFFER_TOO_SMALL;
    if (!mem_fill(c->mem, stats_ptr + 4, 0, LENGTH - 4))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    mem_physical_pages(c->mem, &free_pages, &total_pages);
    const struct { uint32_t offset, value; } words[] = {
        {4, total_pages}, {8, 0x300}, {12, free_pages}, {16, 0x2FFF0000}, {20, 0x10000}, {24, 0x80000}, {28, 0x4000}, {32, 16},
        {36, 0}, {40, 0x100}, {44, 0x400}, {100, TITLE_PAGES},
    };
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        mem_set32(c->mem, stats_ptr + words[i].offset, words[i].value);
    return STATUS_SUCCESS;
}

uint32_t MmCreateKernelStack(struct krnl_call *c, uint32_t size, uint32_t debug)
{
    (void)debug;
    uint32_t whole = (size + 0xFFF) & ~0xFFFu;
    struct mem_request request = {.heap = MEM_V40000000, .size = whole, .alignment = 0x10000, .low = 0x70000000, .high = 0x7F000000,
                                  .state = MEM_RESERVED | MEM_COMMITTED, .protect = MEM_READ_WRITE};
    gva base;
    if (!whole || !mem_allocate(c->mem, &request, &base, NULL))
        return 0;
    emit_allocate(c, base, whole, X_MEM_COMMIT | X_MEM_RESERVE, X_PAGE_READWRITE);
    return base + whole;
}

uint32_t MmDeleteKernelStack(struct krnl_call *c, uint32_t stack_base, uint32_t stack_end)
{
    (void)stack_base;
    uint32_t size;
    struct mem_range range;
    if (!mem_query(c->mem, stack_end, &range) || !range.alloc_size || !mem_release(c->mem, range.alloc_base, &size, NULL))
        return (nt_status)STATUS_UNSUCCESSFUL;
    krnl_event(c, TRACE_MEM_RELEASE, 2, (uint64_t[]){range.alloc_base, size});
    return STATUS_SUCCESS;
}
