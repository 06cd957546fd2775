// space.h: what the sources of memory/ share: the address space's parts, its page tables and its host mappings.
// Life and threads: as memory.h says.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "memory/memory.h"

#define GUEST_SIZE 0x100000000ull // bytes of the guest's address space
#define GUARD_SIZE 0x10000ull     // bytes without access on either side of it
#define BUS_SIZE   0x20000000u    // bytes of physical memory
#define IMAGE_SIZE 0x10000000u    // bytes of image memory
#define HOST_PAGE  0x1000u        // the host's page, and the guest's smallest
#define ALIAS_BASE 0x7F000000u    // the fixed view of the first 16 MB of physical memory
#define ALIAS_SIZE 0x01000000u

enum { MAX_MMIO = 8, MAX_LISTENERS = 4 };
// Of the access map: the host page is read-only until somebody writes; it is not to be watched (watch.c).
enum { MEM_WATCHED = 4, MEM_SHARED = 8 };

// One page of a heap. A free page is all zero.
struct mem_page {
    uint32_t first, count; // the allocation's first page and number of pages
    uint8_t state, protect, alloc_protect;
};

// One heap's page table.
struct mem_table {
    const struct mem_region *region;
    struct mem_page *pages; // NULL where the region has no heap
    uint32_t page_count;
};

struct mem {
    uint8_t *base; // host address of guest address 0
    uint8_t *bus;  // physical memory, always accessible, outside the guest's address space
    int physical_fd, image_fd;
    uint8_t *access; // per 4 KB of the guest's address space: MEM_READ and MEM_WRITE as the guest has them, and MEM_WATCHED
    struct mem_table tables[MEM_REGION_COUNT];
    struct mem_mmio mmio[MAX_MMIO];
    unsigned mmio_count;
    struct {
        void (*changed)(void *user, gva base, uint32_t size);
        void *user;
    } listeners[MAX_LISTENERS];
    unsigned listener_count;
    struct {
        void (*written)(void *user, gva page);
        void *user;
    } watchers[MAX_LISTENERS];
    unsigned watcher_count;
};

// A run of pages in one heap, and the same bytes in the parent where the heap is a view of physical memory.
struct mem_span {
    struct mem_table *table;
    uint32_t first, count;    // pages of `table`
    struct mem_table *parent; // NULL where there is none
    uint32_t parent_first, parent_count;
};

// ---- regions.c

// Bus address of a physical view's first byte; 0 for the parent itself.
gpa mem_view_bus(const struct mem_region *region);
bool mem_is_view(const struct mem_region *region);

// ---- table.c: page tables only; no host memory.

bool mem_table_create(struct mem_table *table, const struct mem_region *region);
// Searches [low, high] (addresses of the region) for `size` bytes by the rules AllocRange_*. The first page goes to
// *first. `size` and `alignment` are multiples of the table's page.
bool mem_table_find(const struct mem_table *table, uint64_t low, uint64_t high, uint64_t size, uint64_t alignment,
                    bool top_down, uint32_t *first);
bool mem_table_free(const struct mem_table *table, uint32_t first, uint32_t count);
// True where every page has all the bits of `state`.
bool mem_table_all(const struct mem_table *table, uint32_t first, uint32_t count, unsigned state);
void mem_table_take(struct mem_table *table, uint32_t first, uint32_t count, unsigned state, unsigned protect);
void mem_table_commit(struct mem_table *table, uint32_t first, uint32_t count, unsigned protect);
void mem_table_decommit(struct mem_table *table, uint32_t first, uint32_t count);
void mem_table_protect(struct mem_table *table, uint32_t first, uint32_t count, unsigned protect);
void mem_table_release(struct mem_table *table, uint32_t first, uint32_t count);
void mem_table_range(const struct mem_table *table, uint32_t page, struct mem_range *out);

// ---- host.c: host mappings and the access map. A failure changes nothing.

bool mem_host_create(struct mem *m, struct error *err);
void mem_host_destroy(struct mem *m);
// Makes the span accessible with `protect`, and read/write in the other views of the same physical pages. Pages that
// the tables do not call committed yet become zero.
bool mem_host_commit(struct mem *m, const struct mem_span *span, unsigned protect, struct error *err);
// Takes the access away in every view.
bool mem_host_decommit(struct mem *m, const struct mem_span *span, struct error *err);
// Changes the access in the span's own view.
bool mem_host_protect(struct mem *m, const struct mem_span *span, unsigned protect, struct error *err);
// Gives the host memory behind the span's uncommitted pages back.
void mem_host_discard(struct mem *m, const struct mem_span *span);
// Tells the listeners of the span, under each of its guest addresses.
void mem_host_changed(struct mem *m, const struct mem_span *span);

// ---- mmio.c

const struct mem_mmio *mem_mmio_at(const struct mem *m, gva address);
// Performs the access of the instruction at the context's RIP, which faulted at the host address `host`, that is
// `address` in `window`, and advances RIP. False where the instruction is none that we know; nothing has changed then.
bool mem_mmio_access(const struct mem_mmio *window, void *ucontext, uint64_t host, gva address);

// ---- watch.c

// The page is about to change: tells the watchers, and makes it writable where the guest may write.
void mem_unwatch(struct mem *m, gva address);
void mem_unwatch_all(struct mem *m, gva address, uint32_t size); // all pages of [address, address + size)

// ---- fault.c

// Installs the process's fault handler unless it is there already.
bool mem_fault_install(struct error *err);
