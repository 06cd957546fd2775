// Rtl*Heap: heaps of titles that use xam's. The reference has none: the layout is our own. A heap is a chain of
// segments of committed 64 KB pages; a segment is a row of blocks, each with a header in guest memory; first fit,
// neighbours that are free become one.
#include "kernel/api.h"
#include "kernel/state.h"

enum {
    SEGMENT_MAGIC = (int)0x58534547, // "XSEG"
    SEGMENT_NEXT = 4,
    SEGMENT_SIZE = 8,   // bytes, header included
    SEGMENT_FIRST = 12, // the heap's first segment, whose address is the heap's handle
    SEGMENT_HEADER = 16,
    BLOCK_USED = (int)0x55534544, // "USED"
    BLOCK_FREE = (int)0x46524545, // "FREE"
    BLOCK_SIZE = 0,               // bytes, header included; a multiple of 16
    BLOCK_USER = 4,               // bytes that the title asked for
    BLOCK_STATE = 8,
    BLOCK_HEADER = 16,
    GRAIN = 16,
    PAGE = 0x10000,
    GROWTH = 0x40000,
    LARGEST = 0x20000000,
};

enum { HEAP_ZERO_MEMORY = 8, HEAP_IN_PLACE_ONLY = 16 };

struct block {
    gva at;
    uint32_t size, user, state;
};

static uint32_t word(const struct krnl_call *c, gva at)
{
    uint32_t value = 0;
    mem_get32(c->mem, at, &value);
    return value;
}

static bool is_heap(const struct krnl_call *c, gva heap)
{
    return heap % PAGE == 0 && word(c, heap) == (uint32_t)SEGMENT_MAGIC && word(c, heap + SEGMENT_FIRST) == heap;
}

static void put_block(struct krnl_call *c, gva at, uint32_t size, uint32_t user, uint32_t state)
{
    mem_set32(c->mem, at + BLOCK_SIZE, size);
    mem_set32(c->mem, at + BLOCK_USER, user);
    mem_set32(c->mem, at + BLOCK_STATE, state);
}

// The block at `at`; false where its header makes no sense: the title wrote over it.
static bool get_block(const struct krnl_call *c, gva at, gva end, struct block *b)
{
    *b = (struct block){at, word(c, at + BLOCK_SIZE), word(c, at + BLOCK_USER), word(c, at + BLOCK_STATE)};
    bool known = b->state == (uint32_t)BLOCK_USED || b->state == (uint32_t)BLOCK_FREE;
    if (known && b->size >= BLOCK_HEADER && b->size % GRAIN == 0 && b->size <= end - at &&
        b->user <= b->size - BLOCK_HEADER)
        return true;
    log_write(c->k->log, LOG_GUEST, "heap", "%s: the block header at 0x%08x is damaged", c->row->name, at);
    return false;
}

static gva new_segment(struct krnl_call *c, uint32_t needed)
{
    uint32_t size = (needed + SEGMENT_HEADER + BLOCK_HEADER + PAGE - 1) & ~(uint32_t)(PAGE - 1);
    struct mem_request request = {.heap = MEM_V40000000,
                                  .size = size < GROWTH ? GROWTH : size,
                                  .state = MEM_RESERVED | MEM_COMMITTED,
                                  .protect = MEM_READ_WRITE};
    gva segment;
    if (!mem_allocate(c->mem, &request, &segment, NULL))
        return 0;
    mem_set32(c->mem, segment, (uint32_t)SEGMENT_MAGIC);
    mem_set32(c->mem, segment + SEGMENT_SIZE, request.size);
    mem_set32(c->mem, segment + SEGMENT_FIRST, segment);
    put_block(c, segment + SEGMENT_HEADER, request.size - SEGMENT_HEADER, 0, (uint32_t)BLOCK_FREE);
    return segment;
}

// Joins the free block with those behind it.
static bool join(struct krnl_call *c, gva end, struct block *b)
{
    struct block next;
    while (b->at + b->size < end) {
        if (!get_block(c, b->at + b->size, end, &next))
            return false;
        if (next.state != (uint32_t)BLOCK_FREE)
            break;
        b->size += next.size;
    }
    put_block(c, b->at, b->size, 0, (uint32_t)BLOCK_FREE);
    return true;
}

static gva take(struct krnl_call *c, const struct block *b, uint32_t whole, uint32_t user)
{
    uint32_t rest = b->size - whole;
    if (rest >= BLOCK_HEADER + GRAIN)
        put_block(c, b->at + whole, rest, 0, (uint32_t)BLOCK_FREE);
    else
        whole = b->size;
    put_block(c, b->at, whole, user, (uint32_t)BLOCK_USED);
    return b->at + BLOCK_HEADER;
}

static gva take_from(struct krnl_call *c, gva segment, uint32_t whole, uint32_t user)
{
    gva end = segment + word(c, segment + SEGMENT_SIZE);
    struct block b;
    for (gva at = segment + SEGMENT_HEADER; at < end; at += b.size) {
        if (!get_block(c, at, end, &b))
            return 0;
        if (b.state != (uint32_t)BLOCK_FREE)
            continue;
        if (!join(c, end, &b))
            return 0;
        if (b.size >= whole)
            return take(c, &b, whole, user);
    }
    return 0;
}

static gva allocate(struct krnl_call *c, gva heap, uint32_t flags, uint32_t size)
{
    if (!is_heap(c, heap)) {
        log_write(c->k->log, LOG_GUEST, "heap", "%s: 0x%08x is no heap", c->row->name, heap);
        return 0;
    }
    if (size > LARGEST)
        return 0;
    uint32_t whole = BLOCK_HEADER + ((size + GRAIN - 1) & ~(uint32_t)(GRAIN - 1));
    gva block = 0, last = heap;
    for (gva segment = heap; segment && !block; segment = word(c, segment + SEGMENT_NEXT)) {
        block = take_from(c, segment, whole, size);
        last = segment;
    }
    if (!block) {
        gva segment = new_segment(c, whole);
        if (!segment)
            return 0;
        mem_set32(c->mem, segment + SEGMENT_FIRST, heap);
        mem_set32(c->mem, last + SEGMENT_NEXT, segment);
        block = take_from(c, segment, whole, size);
    }
    if (block && flags & HEAP_ZERO_MEMORY)
        mem_fill(c->mem, block, 0, size);
    return block;
}

// The used block whose data starts at `address`. *end: of its segment.
static bool find(const struct krnl_call *c, gva heap, gva address, struct block *out, gva *end)
{
    for (gva segment = is_heap(c, heap) ? heap : 0; segment; segment = word(c, segment + SEGMENT_NEXT)) {
        *end = segment + word(c, segment + SEGMENT_SIZE);
        if (address >= segment + SEGMENT_HEADER + BLOCK_HEADER && address < *end && address % GRAIN == 0)
            return get_block(c, address - BLOCK_HEADER, *end, out) && out->state == (uint32_t)BLOCK_USED;
    }
    return false;
}

uint32_t RtlCreateHeap(struct krnl_call *c, uint32_t flags, uint32_t base, uint32_t reserve, uint32_t commit,
                       uint32_t lock, uint32_t parameters)
{
    (void)flags, (void)commit, (void)parameters;
    if (base || lock) {
        krnl_partial(c, "heaps in memory of the title (0x%08x) or with its lock (0x%08x) are not built", base, lock);
        return 0;
    }
    return reserve > LARGEST ? 0 : new_segment(c, reserve);
}

uint32_t RtlDestroyHeap(struct krnl_call *c, uint32_t heap)
{
    if (!is_heap(c, heap))
        return heap;
    for (gva segment = heap, next; segment; segment = next) {
        next = word(c, segment + SEGMENT_NEXT);
        if (!mem_release(c->mem, segment, NULL, NULL))
            break;
    }
    return 0;
}

uint32_t RtlAllocateHeap(struct krnl_call *c, uint32_t heap, uint32_t flags, uint32_t size)
{
    return allocate(c, heap, flags, size);
}

uint32_t RtlAllocateHeapSlowly(struct krnl_call *c, uint32_t heap, uint32_t flags, uint32_t size)
{
    return allocate(c, heap, flags, size);
}

static bool free_block(struct krnl_call *c, gva heap, gva address)
{
    struct block b;
    gva end;
    if (!address)
        return true;
    if (!find(c, heap, address, &b, &end)) {
        log_write(c->k->log, LOG_GUEST, "heap", "%s: 0x%08x is no block of heap 0x%08x", c->row->name, address, heap);
        return false;
    }
    return join(c, end, &b);
}

uint32_t RtlFreeHeap(struct krnl_call *c, uint32_t heap, uint32_t flags, uint32_t block)
{
    (void)flags;
    return free_block(c, heap, block);
}

uint32_t RtlFreeHeapSlowly(struct krnl_call *c, uint32_t heap, uint32_t flags, uint32_t block)
{
    (void)flags;
    return free_block(c, heap, block);
}

uint32_t RtlSizeHeap(struct krnl_call *c, uint32_t heap, uint32_t flags, uint32_t block)
{
    (void)flags;
    struct block b;
    gva end;
    return find(c, heap, block, &b, &end) ? b.user : UINT32_MAX;
}

static gva move(struct krnl_call *c, gva heap, uint32_t flags, const struct block *from, uint32_t size)
{
    gva to = allocate(c, heap, flags & ~(uint32_t)HEAP_ZERO_MEMORY, size);
    uint32_t kept = from->user < size ? from->user : size;
    const void *source = kept ? mem_at(c->mem, from->at + BLOCK_HEADER, kept, MEM_READ) : NULL;
    if (!to)
        return 0;
    if (source)
        mem_write(c->mem, to, source, kept);
    free_block(c, heap, from->at + BLOCK_HEADER);
    return to;
}

uint32_t RtlReAllocateHeap(struct krnl_call *c, uint32_t heap, uint32_t flags, uint32_t block, uint32_t size)
{
    struct block b;
    gva end, to = block;
    if (!find(c, heap, block, &b, &end))
        return 0;
    if (size <= b.size - BLOCK_HEADER)
        mem_set32(c->mem, b.at + BLOCK_USER, size);
    else
        to = flags & HEAP_IN_PLACE_ONLY ? 0 : move(c, heap, flags, &b, size);
    if (to && flags & HEAP_ZERO_MEMORY && size > b.user)
        mem_fill(c->mem, to + b.user, 0, size - b.user);
    return to;
}

uint32_t RtlValidateHeap(struct krnl_call *c, uint32_t heap, uint32_t flags, uint32_t address)
{
    (void)flags;
    struct block b;
    gva end;
    if (address)
        return find(c, heap, address, &b, &end);
    if (!is_heap(c, heap))
        return 0;
    for (gva segment = heap; segment; segment = word(c, segment + SEGMENT_NEXT)) {
        end = segment + word(c, segment + SEGMENT_SIZE);
        for (gva at = segment + SEGMENT_HEADER; at < end; at += b.size)
            if (!get_block(c, at, end, &b))
                return 0;
    }
    return 1;
}
