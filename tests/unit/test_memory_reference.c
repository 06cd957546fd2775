// Every memory call that the reference's main thread makes on the sample titles until frame 600, with its results, from
// shared/reference-logs (run 1 of each): the same calls give the same addresses and sizes. VdPersistDisplay counts as a
// call: it allocates 64 bytes of large pages, which the title frees.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "memory/memory.h"

enum call { VIRTUAL, FREE, PHYSICAL, FREE_PHYSICAL };

struct row {
    enum call call;
    uint32_t base, size, flags; // flags: allocation type of the Nt calls, protection of MmAllocatePhysicalMemoryEx
    uint32_t alignment;
    uint32_t result, result_size;
};

static const struct row dolphin[] = {
    {VIRTUAL, 0x0, 0x100000, 0x60002000, 0, 0x40000000, 0x100000},
    {VIRTUAL, 0x40000000, 0x10000, 0x60001000, 0, 0x40000000, 0x10000},
    {PHYSICAL, 0, 0x12C0, 0x404, 0x20, 0xFFCA4000u, 0},
    {PHYSICAL, 0, 0x80, 0x4, 0x20, 0xFFCA3000u, 0},
    {PHYSICAL, 0, 0x20, 0x204, 0x20, 0xFFCA2000u, 0},
    {PHYSICAL, 0, 0x8000, 0x404, 0x20, 0xFFC9A000u, 0},
    {PHYSICAL, 0, 0x200000, 0x20000404, 0x80, 0xBFA90000u, 0},
    {PHYSICAL, 0, 0x1000, 0x404, 0x20, 0xFFC99000u, 0},
    {PHYSICAL, 0, 0x2000, 0x404, 0x20, 0xFFC97000u, 0},
    {PHYSICAL, 0, 0x100, 0x404, 0x20, 0xFFC96000u, 0},
    {PHYSICAL, 0, 0xC8, 0x404, 0x20, 0xFFC95000u, 0},
    {PHYSICAL, 0, 0x94, 0x404, 0x20, 0xFFC94000u, 0},
    {PHYSICAL, 0, 0x2000, 0x404, 0x20, 0xFFC92000u, 0},
    {PHYSICAL, 0, 0x398000, 0x404, 0x1000, 0xFF6F7000u, 0},
    {PHYSICAL, 0, 0x18000, 0x404, 0x1000, 0xFF6DF000u, 0},
    {VIRTUAL, 0x0, 0x100030, 0x60801000, 0, 0x40100000, 0x110000},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFFC91000u, 0},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFFC90000u, 0},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFFC8F000u, 0},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF6DE000u, 0},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE_PHYSICAL, 0xFFC91000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFFC90000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFFC8F000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF6DE000u, 0, 0, 0, 0, 0},
    {FREE, 0x40100000, 0x0, 0x8000, 0, 0x40100000, 0x110000},
    {PHYSICAL, 0, 0xC4, 0x404, 0x20, 0xFFC91000u, 0},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x0, 0x100030, 0x60801000, 0, 0x40100000, 0x110000},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFFC90000u, 0},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFFC8F000u, 0},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF6DE000u, 0},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF6DD000u, 0},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF6DC000u, 0},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF6DB000u, 0},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF6DA000u, 0},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF6D9000u, 0},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE_PHYSICAL, 0xFFC90000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF6DD000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF6DC000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF6DB000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF6D9000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFFC8F000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF6DE000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF6DA000u, 0, 0, 0, 0, 0},
    {FREE, 0x40100000, 0x0, 0x8000, 0, 0x40100000, 0x110000},
    {PHYSICAL, 0, 0xE8, 0x404, 0x20, 0xFFC90000u, 0},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {PHYSICAL, 0, 0xD6000, 0x404, 0x1000, 0xFF609000u, 0},
    {PHYSICAL, 0, 0x21A4, 0x404, 0x4, 0xFF606000u, 0},
    {PHYSICAL, 0, 0x21A4, 0x404, 0x4, 0xFF603000u, 0},
    {PHYSICAL, 0, 0x21A4, 0x404, 0x4, 0xFF600000u, 0},
    {PHYSICAL, 0, 0x91AC, 0x404, 0x4, 0xFF5F6000u, 0},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {PHYSICAL, 0, 0x168, 0x404, 0x20, 0xFFC8F000u, 0},
    {PHYSICAL, 0, 0x154, 0x404, 0x20, 0xFF5F5000u, 0},
    {PHYSICAL, 0, 0xC4, 0x404, 0x20, 0xFF5F4000u, 0},
    {PHYSICAL, 0, 0x40, 0x20000000, 0x20, 0xBF5E0000u, 0},
    {FREE_PHYSICAL, 0xBF5E0000u, 0, 0, 0, 0, 0},
};

static const struct row fog[] = {
    {VIRTUAL, 0x0, 0x100000, 0x60002000, 0, 0x40000000, 0x100000},
    {VIRTUAL, 0x40000000, 0x10000, 0x60001000, 0, 0x40000000, 0x10000},
    {PHYSICAL, 0, 0x12C0, 0x404, 0x20, 0xFFCA4000u, 0},
    {PHYSICAL, 0, 0x80, 0x4, 0x20, 0xFFCA3000u, 0},
    {PHYSICAL, 0, 0x20, 0x204, 0x20, 0xFFCA2000u, 0},
    {PHYSICAL, 0, 0x8000, 0x404, 0x20, 0xFFC9A000u, 0},
    {PHYSICAL, 0, 0x200000, 0x20000404, 0x80, 0xBFA90000u, 0},
    {PHYSICAL, 0, 0x1000, 0x404, 0x20, 0xFFC99000u, 0},
    {PHYSICAL, 0, 0x2000, 0x404, 0x20, 0xFFC97000u, 0},
    {PHYSICAL, 0, 0x100, 0x404, 0x20, 0xFFC96000u, 0},
    {PHYSICAL, 0, 0xC8, 0x404, 0x20, 0xFFC95000u, 0},
    {PHYSICAL, 0, 0x94, 0x404, 0x20, 0xFFC94000u, 0},
    {PHYSICAL, 0, 0x2000, 0x404, 0x20, 0xFFC92000u, 0},
    {PHYSICAL, 0, 0x398000, 0x404, 0x1000, 0xFF6F7000u, 0},
    {PHYSICAL, 0, 0x18000, 0x404, 0x1000, 0xFF6DF000u, 0},
    {VIRTUAL, 0x0, 0x100030, 0x60801000, 0, 0x40100000, 0x110000},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFFC91000u, 0},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFFC90000u, 0},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFFC8F000u, 0},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF6DE000u, 0},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE_PHYSICAL, 0xFFC91000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFFC90000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFFC8F000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF6DE000u, 0, 0, 0, 0, 0},
    {FREE, 0x40100000, 0x0, 0x8000, 0, 0x40100000, 0x110000},
    {PHYSICAL, 0, 0xC4, 0x404, 0x20, 0xFFC91000u, 0},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x0, 0x100030, 0x60801000, 0, 0x40100000, 0x110000},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFFC90000u, 0},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFFC8F000u, 0},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF6DE000u, 0},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF6DD000u, 0},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF6DC000u, 0},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF6DB000u, 0},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF6DA000u, 0},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF6D9000u, 0},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE_PHYSICAL, 0xFFC90000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF6DD000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF6DC000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF6DB000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF6D9000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFFC8F000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF6DE000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF6DA000u, 0, 0, 0, 0, 0},
    {FREE, 0x40100000, 0x0, 0x8000, 0, 0x40100000, 0x110000},
    {PHYSICAL, 0, 0xE8, 0x404, 0x20, 0xFFC90000u, 0},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {PHYSICAL, 0, 0x1B2000, 0x404, 0x1000, 0xFF52D000u, 0},
    {VIRTUAL, 0x0, 0x100030, 0x60801000, 0, 0x40100000, 0x110000},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFFC8F000u, 0},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF52C000u, 0},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE_PHYSICAL, 0xFFC8F000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF52C000u, 0, 0, 0, 0, 0},
    {FREE, 0x40100000, 0x0, 0x8000, 0, 0x40100000, 0x110000},
    {PHYSICAL, 0, 0x60, 0x404, 0x20, 0xFFC8F000u, 0},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x0, 0x100030, 0x60801000, 0, 0x40100000, 0x110000},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF52C000u, 0},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF52B000u, 0},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE_PHYSICAL, 0xFF52C000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF52B000u, 0, 0, 0, 0, 0},
    {FREE, 0x40100000, 0x0, 0x8000, 0, 0x40100000, 0x110000},
    {PHYSICAL, 0, 0x3C, 0x404, 0x20, 0xFF52C000u, 0},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {VIRTUAL, 0x0, 0x100030, 0x60801000, 0, 0x40100000, 0x110000},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF52B000u, 0},
    {PHYSICAL, 0, 0x1000, 0x4, 0x1000, 0xFF52A000u, 0},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {FREE_PHYSICAL, 0xFF52B000u, 0, 0, 0, 0, 0},
    {FREE_PHYSICAL, 0xFF52A000u, 0, 0, 0, 0, 0},
    {FREE, 0x40100000, 0x0, 0x8000, 0, 0x40100000, 0x110000},
    {PHYSICAL, 0, 0x64, 0x404, 0x20, 0xFF52B000u, 0},
    {FREE, 0x40010000, 0x10000, 0x4000, 0, 0x40010000, 0x10000},
    {PHYSICAL, 0, 0x30000, 0x404, 0x1000, 0xFF4FB000u, 0},
    {PHYSICAL, 0, 0x61BE4, 0x404, 0x4, 0xFF499000u, 0},
    {VIRTUAL, 0x40010000, 0x10000, 0x60001000, 0, 0x40010000, 0x10000},
    {PHYSICAL, 0, 0x4CB0, 0x404, 0x4, 0xFF494000u, 0},
    {PHYSICAL, 0, 0x348, 0x404, 0x4, 0xFF493000u, 0},
    {PHYSICAL, 0, 0x100, 0x404, 0x20, 0xFF492000u, 0},
    {PHYSICAL, 0, 0x3C, 0x404, 0x20, 0xFF491000u, 0},
    {PHYSICAL, 0, 0x90, 0x404, 0x20, 0xFF490000u, 0},
    {PHYSICAL, 0, 0x24, 0x404, 0x20, 0xFF48F000u, 0},
    {PHYSICAL, 0, 0x48, 0x404, 0x20, 0xFF48E000u, 0},
    {PHYSICAL, 0, 0x90, 0x404, 0x20, 0xFF48D000u, 0},
    {PHYSICAL, 0, 0x60, 0x404, 0x20, 0xFF48C000u, 0},
    {PHYSICAL, 0, 0x1000, 0x404, 0x1000, 0xFF48B000u, 0},
    {PHYSICAL, 0, 0x398000, 0x404, 0x1000, 0xFF0F3000u, 0},
    {PHYSICAL, 0, 0x90, 0x404, 0x4, 0xFF0F2000u, 0},
    {PHYSICAL, 0, 0x40, 0x20000000, 0x20, 0xBF0E0000u, 0},
    {FREE_PHYSICAL, 0xBF0E0000u, 0, 0, 0, 0, 0},
};

enum { COMMIT = 0x1000, RESERVE = 0x2000, DECOMMIT = 0x4000, LARGE_PAGES = 0x20000000 };

static uint32_t round_up(uint32_t value, uint32_t step)
{
    return (value + step - 1) / step * step;
}

static void check_virtual(struct mem *m, const struct row *row)
{
    const unsigned state = (row->flags & COMMIT ? MEM_COMMITTED : 0) | (row->flags & RESERVE ? MEM_RESERVED : 0);
    // The kernel's rounding, and ours, both as NtAllocateVirtualMemory reports it.
    assert_int_equal(round_up(row->size, 0x10000), row->result_size);
    if (row->base) {
        assert_true(mem_allocate_at(m, row->base, row->size, state, MEM_READ_WRITE, NULL));
        assert_int_equal(row->base, row->result);
        return;
    }
    const struct mem_request q = {.heap = row->flags & LARGE_PAGES ? MEM_V40000000 : MEM_V00000000,
                                  .size = row->result_size,
                                  .state = state,
                                  .protect = MEM_READ_WRITE};
    gva out;
    assert_true(mem_allocate(m, &q, &out, NULL));
    assert_int_equal(out, row->result);
}

static void check_free(struct mem *m, const struct row *row)
{
    uint32_t size = row->size;
    if (row->flags == DECOMMIT)
        assert_true(mem_decommit(m, row->base, row->size, NULL));
    else
        assert_true(mem_release(m, row->base, &size, NULL));
    assert_int_equal(size, row->result_size);
}

static void check_physical(struct mem *m, const struct row *row)
{
    const struct mem_request q = {.heap = row->flags & LARGE_PAGES ? MEM_VA0000000 : MEM_VE0000000,
                                  .size = row->size,
                                  .alignment = row->alignment,
                                  .high = 0xFFFFFFFFu,
                                  .state = MEM_RESERVED | MEM_COMMITTED,
                                  .protect = MEM_READ_WRITE};
    gva out;
    assert_true(mem_allocate(m, &q, &out, NULL));
    assert_int_equal(out, row->result);
}

// What is taken in the physical heaps before the title's first instruction.
static void boot(struct mem *m)
{
    static const uint32_t variables[] = {0x1000, 0x1000, 0x1000, 0x1000, 0x5000};
    const unsigned both = MEM_RESERVED | MEM_COMMITTED;
    struct mem_request q = {.heap = MEM_VA0000000, .size = 0x340000, .state = MEM_RESERVED};
    gva out;
    assert_true(mem_allocate_bus_at(m, 0x1FFF0000, 0x10000, MEM_RESERVED, MEM_NONE, NULL));
    assert_true(mem_allocate_at(m, 0xC0000000u, 0x1000000, both, MEM_READ_WRITE, NULL));
    assert_true(mem_allocate(m, &q, &out, NULL));
    q = (struct mem_request){.heap = MEM_VE0000000, .state = both, .protect = MEM_READ_WRITE};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        q.size = variables[i];
        assert_true(mem_allocate(m, &q, &out, NULL));
    }
}

static void replay(const struct row *rows, size_t count)
{
    struct mem *m;
    assert_true(mem_create(&m, NULL));
    boot(m);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].call == VIRTUAL)
            check_virtual(m, &rows[i]);
        else if (rows[i].call == FREE)
            check_free(m, &rows[i]);
        else if (rows[i].call == PHYSICAL)
            check_physical(m, &rows[i]);
        else
            assert_true(mem_release(m, rows[i].base, NULL, NULL));
    }
    mem_destroy(m);
}

static void test_dolphin(void **state)
{
    (void)state;
    replay(dolphin, sizeof dolphin / sizeof *dolphin);
}

static void test_fog(void **state)
{
    (void)state;
    replay(fog, sizeof fog / sizeof *fog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dolphin), cmocka_unit_test(test_fog)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
