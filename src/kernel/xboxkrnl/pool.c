// Ex*Pool: the kernel's pool. Blocks under a page have a header with their tag in front, larger ones start on a page of
// their own: titles see the addresses. Each block is an allocation of the system heap.
#include "kernel/api.h"
#include "kernel/state.h"

enum {
    POOL_HEADER = 8,
    POOL_HEADER_MARK = 2,
    POOL_HEADER_TAG = 4,
    POOL_MARK = 170,
    POOL_SMALL = 0xFD8,
    POOL_PAGE = 0x1000,
    TAG_NONE = 0x656E6F4E
};

static gva allocate(struct krnl_call *c, uint32_t size, uint32_t tag)
{
    bool small = size <= POOL_SMALL;
    if (size > 0x0FFFFFFF)
        return 0;
    gva block = krnl_system_alloc(c->k, small ? size + POOL_HEADER : size);
    if (!block || !small)
        return block;
    mem_set8(c->mem, block + POOL_HEADER_MARK, POOL_MARK);
    mem_set32(c->mem, block + POOL_HEADER_TAG, tag);
    return block + POOL_HEADER;
}

uint32_t ExAllocatePool(struct krnl_call *c, uint32_t size)
{
    return allocate(c, size, TAG_NONE);
}

uint32_t ExAllocatePoolWithTag(struct krnl_call *c, uint32_t size, uint32_t tag)
{
    return allocate(c, size, tag);
}

uint32_t ExAllocatePoolTypeWithTag(struct krnl_call *c, uint32_t size, uint32_t tag, uint32_t zero)
{
    (void)zero;
    return allocate(c, size, tag);
}

// The start of the allocation behind a block, 0 where the address is none.
static gva block_start(const struct krnl_call *c, uint32_t address, uint32_t *size)
{
    struct mem_range range;
    gva start = address % POOL_PAGE ? address - POOL_HEADER : address;
    uint8_t mark = 0;
    if (!mem_query(c->mem, start, &range) || range.alloc_base != start || start < 0x30000000 || start > 0x3FFFFFFF)
        return 0;
    if (start != address && (!mem_get8(c->mem, start + POOL_HEADER_MARK, &mark) || mark != POOL_MARK))
        return 0;
    *size = range.alloc_size - (address - start);
    return start;
}

void ExFreePool(struct krnl_call *c, uint32_t address)
{
    uint32_t size;
    gva start = block_start(c, address, &size);
    if (start)
        krnl_system_free(c->k, start);
    else
        log_write(c->k->log, LOG_GUEST, "pool", "ExFreePool of 0x%08x, which is no block", address);
}

uint32_t ExQueryPoolBlockSize(struct krnl_call *c, uint32_t address)
{
    uint32_t size = 0;
    return block_start(c, address, &size) ? size : 0;
}
