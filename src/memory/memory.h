// memory.h: the guest's 4 GiB address space: regions, heaps, page tables, protection, MMIO windows, explain.
// Life: mem_create, then allocate, protect and map while titles run, mem_destroy.
// Threads: one thread at a time, except mem_explain, mem_region, mem_region_of and mem_bus_address, which are pure.
// Facts: shared/reference/memory_map.tsv (allocator rules of the reference), docs/memory.md.
//
// A guest byte at address A lies at mem_base(m) + A in the host. Pages that the guest may not touch are host pages
// without access, so a guest access there is a host fault, which becomes an MMIO access, or unwinds to the innermost
// `struct mem_scope`.
#pragma once
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/types.h"

struct mem;

enum mem_heap {
#define REGION(id, name, base, size, page, kind, note) MEM_##id,
#include "memory/regions.def"
#undef REGION
    MEM_REGION_COUNT
};

enum mem_kind {
    MEM_KIND_VIRTUAL,  // backed by itself
    MEM_KIND_IMAGE,    // v80000000 and v90000000: the same bytes seen twice
    MEM_KIND_BUS,      // physical memory by bus address; not addressable by the CPU at this number
    MEM_KIND_PHYSICAL, // a CPU view of physical memory
    MEM_KIND_ALIAS,    // a fixed view without a heap (0x7F000000)
    MEM_KIND_MMIO,     // device registers
};

// One row of the table of regions (regions.def).
struct mem_region {
    const char *name; // "vA0000000"
    uint32_t base;    // first guest address (bus address for MEM_KIND_BUS)
    uint32_t size;    // bytes
    uint32_t page;    // bytes; 0 where there is no heap
    enum mem_kind kind;
};

enum { MEM_NONE = 0, MEM_READ = 1, MEM_WRITE = 2, MEM_READ_WRITE = 3 }; // protection of a page
enum { MEM_RESERVED = 1, MEM_COMMITTED = 2 };                          // state of a page (committed includes reserved)

// Creates the address space, with everything in it unmapped but the fixed aliases. Fails with ERR_MEMORY.
bool mem_create(struct mem **out, struct error *err);
void mem_destroy(struct mem *m); // NULL is allowed

// Host address of guest address 0. Only for engines that execute guest code; everyone else uses mem_read and friends.
// The 4096 bytes directly below are theirs too, for pointers that running code finds from that address alone; the guest
// cannot reach them.
uint8_t *mem_base(const struct mem *m);

const struct mem_region *mem_region(enum mem_heap heap);
// The region that holds a CPU address, or NULL where the map has a hole.
const struct mem_region *mem_region_of(gva address);

// The bus address behind a CPU address of a physical view or alias: false where there is none (virtual, image, MMIO).
bool mem_bus_address(gva address, gpa *out);

// ---- Allocation. All sizes are bytes; they round up to the heap's page. Memory that becomes committed reads zero.

struct mem_request {
    enum mem_heap heap;
    uint32_t size;
    uint32_t alignment; // 0: the heap's page
    // Window, inclusive: guest addresses, for the physical views bus addresses. Both 0: the heap's default window.
    uint32_t low, high;
    unsigned state;     // MEM_RESERVED or MEM_RESERVED | MEM_COMMITTED
    unsigned protect;
    bool top_down;      // physical views always search top-down
};

// Finds a free range by the reference's rules (memory_map.tsv: alloc_rule) and takes it, also in the parent of a
// physical view. Fails with ERR_NO_SPACE and changes nothing. The range stays taken until mem_release.
bool mem_allocate(struct mem *m, const struct mem_request *request, gva *out, struct error *err);

// Takes (MEM_RESERVED), commits, or both, exactly [base, base + size). Committing inside an own reservation is allowed;
// reserving what is taken fails with ERR_NO_SPACE. Committing committed pages again changes only their protection.
bool mem_allocate_at(struct mem *m, gva base, uint32_t size, unsigned state, unsigned protect, struct error *err);

// The same for bus addresses in the parent heap itself, not through a view (boot reserves 0x1FFF0000 so). Committed
// pages become accessible in every view. Pages that a view has allocated are taken.
bool mem_allocate_bus_at(struct mem *m, gpa base, uint32_t size, unsigned state, unsigned protect, struct error *err);

// Gives the pages' contents back; the reservation stays. Fails with ERR_STATE where a page is free.
bool mem_decommit(struct mem *m, gva base, uint32_t size, struct error *err);
// Ends the whole allocation that starts at `base`. Its size goes to *size (NULL allowed). Fails where none starts. Memory
// of a view is released through that view, not through an alias.
bool mem_release(struct mem *m, gva base, uint32_t *size, struct error *err);
// All pages must be committed and of one allocation. In physical memory only this view's access changes. *old is the
// first page's protection before (NULL allowed).
bool mem_protect(struct mem *m, gva base, uint32_t size, unsigned protect, unsigned *old, struct error *err);

struct mem_range {
    uint32_t base, size;             // the run of pages around the address with equal attributes
    uint32_t alloc_base, alloc_size; // the allocation it belongs to (0, 0: free)
    unsigned state, protect, alloc_protect;
};

// False where the address belongs to no heap.
bool mem_query(const struct mem *m, gva address, struct mem_range *out);
// The same for bus addresses in the physical parent heap.
bool mem_query_bus(const struct mem *m, gpa address, struct mem_range *out);
// Walks one heap's ranges from `*cursor` (0 at the start, advanced); false at the end. Free runs are left out.
bool mem_next_range(const struct mem *m, enum mem_heap heap, uint64_t *cursor, struct mem_range *out);

uint32_t mem_page_size(gva address); // 0 where the address belongs to no heap
// Free and total 4 KB pages of physical memory.
void mem_physical_pages(const struct mem *m, uint32_t *free_pages, uint32_t *total_pages);

// ---- Access for the emulator's own code. Each validates the whole range first and touches nothing when it returns
// false. MMIO is never valid here.

bool mem_valid(const struct mem *m, gva address, uint32_t size, unsigned access);
// A host pointer good until the next call that changes the map; NULL where the range is not wholly accessible.
void *mem_at(const struct mem *m, gva address, uint32_t size, unsigned access);
bool mem_read(const struct mem *m, gva address, void *out, uint32_t size);
bool mem_write(struct mem *m, gva address, const void *data, uint32_t size);
bool mem_fill(struct mem *m, gva address, uint8_t value, uint32_t size);
bool mem_get8(const struct mem *m, gva address, uint8_t *out);
bool mem_get16(const struct mem *m, gva address, uint16_t *out); // the guest is big-endian
bool mem_get32(const struct mem *m, gva address, uint32_t *out);
bool mem_get64(const struct mem *m, gva address, uint64_t *out);
bool mem_set8(struct mem *m, gva address, uint8_t value);
bool mem_set16(struct mem *m, gva address, uint16_t value);
bool mem_set32(struct mem *m, gva address, uint32_t value);
bool mem_set64(struct mem *m, gva address, uint64_t value);
// Copies a NUL-terminated guest string, at most size - 1 bytes; false where memory ends before the string does.
bool mem_get_string(const struct mem *m, gva address, char *out, uint32_t size);
// Host pointer to physical memory by bus address, for devices; NULL when [address, address + size) leaves the 512 MB.
void *mem_bus_at(const struct mem *m, gpa address, uint32_t size);

// ---- MMIO windows: unmapped guest pages whose accesses are decoded from the faulting host instruction.

struct mem_mmio {
    gva base;
    uint32_t size; // bytes, multiple of 4096
    // `address` is the guest address, `size` 1, 2, 4 or 8; the value is in guest (big-endian) meaning, right-aligned.
    // Called inside a host signal handler that a guest access raised synchronously: ordinary code is fine, longjmp is
    // not.
    uint64_t (*read)(void *user, gva address, unsigned size);
    void (*write)(void *user, gva address, unsigned size, uint64_t value);
    void *user;
};
bool mem_add_mmio(struct mem *m, const struct mem_mmio *window, struct error *err);

// ---- Faults

struct mem_fault {
    gva address;
    bool write;
};

// While a scope is the thread's innermost, a guest access to an inaccessible page of `mem` jumps to it:
//     struct mem_scope scope;
//     mem_scope_enter(&scope, m);
//     if (sigsetjmp(scope.env, 0) == 0) { run guest code } else { scope.fault says what happened }
//     mem_scope_leave(&scope);
struct mem_scope {
    sigjmp_buf env;
    struct mem *mem;
    struct mem_fault fault;
    struct mem_scope *outer;
    // Told of each fault before anything else is done about it, in the signal's handler: its ucontext_t, with the host's registers.
    // mem_scope_enter sets it to NULL.
    void (*at_fault)(void *user, const void *context);
    void *user;
};
void mem_scope_enter(struct mem_scope *scope, struct mem *m);
void mem_scope_leave(struct mem_scope *scope);

// Called after any change that can make decoded code stale: [base, base + size) was released, decommitted or newly
// mapped. Memory that has several addresses is told of under each. At most four listeners.
void mem_on_change(struct mem *m, void (*changed)(void *user, gva base, uint32_t size), void *user);

// ---- Seeing writes: for engines that keep what they made of memory

// From now on the first write to the 4 KB page that holds `address`, by the guest or by mem_write and friends, through any
// of its addresses, is told of. False: it is not, because mem_share was called, or the host has no more mappings.
// Writes through mem_bus_at are not seen.
bool mem_watch(struct mem *m, gva address);
// From now on, until its access is changed, the page is not watched.
void mem_share(struct mem *m, gva address);
bool mem_is_shared(const struct mem *m, gva address);
// `written` is called before the page at `page` changes, and when its access changes; it is not watched any more then. It
// may run inside a host signal handler that a guest access raised. At most four.
void mem_on_write(struct mem *m, void (*written)(void *user, gva page), void *user);
void mem_forget_watcher(struct mem *m, void *user);

// ---- Explain

// What the table alone says of an address. `offset` is the distance from the region's start.
struct mem_explanation {
    const struct mem_region *region; // NULL: hole
    bool has_bus;
    gpa bus;
    gva aliases[5]; // other CPU addresses of the same byte
    unsigned alias_count;
};
void mem_explain(gva address, struct mem_explanation *out);
