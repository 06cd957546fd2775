// The first addresses that the sample titles see follow from the allocator's rules and from what boot took before
// (boot-facts.md sections 2 and 8).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "memory/memory.h"

static int make(void **state)
{
    return mem_create((struct mem **)state, NULL) ? 0 : -1;
}

static int drop(void **state)
{
    mem_destroy(*state);
    return 0;
}

#define RESERVE_COMMIT (MEM_RESERVED | MEM_COMMITTED)

static gva allocate(struct mem *m, enum mem_heap heap, uint32_t size, uint32_t alignment)
{
    const struct mem_request q = {.heap = heap,
                                  .size = size,
                                  .alignment = alignment,
                                  .low = 0,
                                  .high = 0xFFFFFFFFu,
                                  .state = RESERVE_COMMIT,
                                  .protect = MEM_READ_WRITE};
    gva out = 0;
    struct error err = {0};
    if (!mem_allocate(m, &q, &out, &err))
        fail_msg("%s", err.message);
    return out;
}

static void boot(struct mem *m)
{
    assert_true(mem_allocate_at(m, 0, 0x10000, RESERVE_COMMIT, MEM_NONE, NULL));
    assert_true(mem_allocate_bus_at(m, 0x1FFF0000, 0x10000, MEM_RESERVED, MEM_NONE, NULL));
    assert_true(mem_allocate_at(m, 0xC0000000u, 0x01000000, RESERVE_COMMIT, MEM_READ_WRITE, NULL));
    const struct mem_request unknown = {.heap = MEM_VA0000000,
                                        .size = 0x340000,
                                        .alignment = 0x10000,
                                        .state = MEM_RESERVED,
                                        .protect = MEM_NONE,
                                        .top_down = true};
    gva out;
    assert_true(mem_allocate(m, &unknown, &out, NULL));
    assert_int_equal(out, 0xBFCB0000u);
}

static void test_physical_addresses(void **state)
{
    struct mem *m = *state;
    boot(m);
    static const struct {
        enum mem_heap heap;
        uint32_t size, alignment;
        gva expected;
    } rows[] = {
        {MEM_VE0000000, 0x1000, 0x20, 0xFFCAE000u},   {MEM_VE0000000, 0x1000, 0x20, 0xFFCAD000u},
        {MEM_VE0000000, 0x4, 0x20, 0xFFCAC000u},      {MEM_VE0000000, 0x1C, 0x20, 0xFFCAB000u},
        {MEM_VE0000000, 0x5000, 0x100, 0xFFCA6000u},  {MEM_VE0000000, 0x12C0, 0x20, 0xFFCA4000u},
        {MEM_VE0000000, 0x80, 0x20, 0xFFCA3000u},     {MEM_VE0000000, 0x20, 0x20, 0xFFCA2000u},
        {MEM_VE0000000, 0x8000, 0x20, 0xFFC9A000u},   {MEM_VA0000000, 0x200000, 0x80, 0xBFA90000u},
        {MEM_VE0000000, 0x1000, 0x20, 0xFFC99000u},   {MEM_VE0000000, 0x2000, 0x20, 0xFFC97000u},
        {MEM_VE0000000, 0x100, 0x20, 0xFFC96000u},    {MEM_VE0000000, 0x100, 0x20, 0xFFC95000u},
        {MEM_VE0000000, 0x100, 0x20, 0xFFC94000u},    {MEM_VE0000000, 0x2000, 0x20, 0xFFC92000u},
        {MEM_VE0000000, 0x398000, 0x20, 0xFF6F7000u}, {MEM_VE0000000, 0x18000, 0x20, 0xFF6DF000u},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(allocate(m, rows[i].heap, rows[i].size, rows[i].alignment), rows[i].expected);
    gpa bus;
    assert_true(mem_bus_address(0xFFC9A000u, &bus));
    assert_int_equal(bus, 0x1FC9B000);
    assert_true(mem_bus_address(0xFF6F7000u, &bus));
    assert_int_equal(bus, 0x1F6F8000);
}

// System heap: bottom-up from 0x30000000, a page an allocation; thread stacks bottom-up from 0x70000000.
static void test_virtual_addresses(void **state)
{
    struct mem *m = *state;
    boot(m);
    struct mem_request q = {.heap = MEM_V00000000,
                            .size = 0x1A8,
                            .alignment = 0x20,
                            .low = 0x30000000,
                            .high = 0x3FFFFFFF,
                            .state = RESERVE_COMMIT,
                            .protect = MEM_READ_WRITE};
    gva out;
    for (uint32_t i = 0; i < 0x1E; i++) {
        assert_true(mem_allocate(m, &q, &out, NULL));
        assert_int_equal(out, 0x30000000u + i * 0x1000);
    }
    q.size = 0x2000;
    assert_true(mem_allocate(m, &q, &out, NULL));
    assert_int_equal(out, 0x3001E000u);
    q = (struct mem_request){.heap = MEM_V40000000,
                             .size = 0x40000,
                             .low = 0x70000000,
                             .high = 0x7EFFFFFF,
                             .state = RESERVE_COMMIT,
                             .protect = MEM_READ_WRITE};
    for (uint32_t i = 0; i < 5; i++) {
        assert_true(mem_allocate(m, &q, &out, NULL));
        assert_int_equal(out, 0x70000000u + i * 0x40000);
    }
}

// The titles' NtAllocateVirtualMemory: 1 MB reserved, committed in steps, then 0x110000 twice.
static void test_title_heap(void **state)
{
    struct mem *m = *state;
    boot(m);
    struct mem_request q = {.heap = MEM_V40000000, .size = 0x100000, .state = MEM_RESERVED, .protect = MEM_READ_WRITE};
    gva out;
    assert_true(mem_allocate(m, &q, &out, NULL));
    assert_int_equal(out, 0x40000000u);
    assert_false(mem_valid(m, 0x40000000u, 1, MEM_READ));
    assert_true(mem_allocate_at(m, 0x40000000u, 0x10000, MEM_COMMITTED, MEM_READ_WRITE, NULL));
    assert_true(mem_allocate_at(m, 0x40010000u, 0x10000, MEM_COMMITTED, MEM_READ_WRITE, NULL));
    assert_true(mem_decommit(m, 0x40010000u, 0x10000, NULL));
    assert_true(mem_allocate_at(m, 0x40010000u, 0x10000, MEM_COMMITTED, MEM_READ_WRITE, NULL));
    q = (struct mem_request){
        .heap = MEM_V40000000, .size = 0x100030, .state = MEM_COMMITTED, .protect = MEM_READ_WRITE};
    for (int i = 0; i < 2; i++) {
        uint32_t size;
        assert_true(mem_allocate(m, &q, &out, NULL));
        assert_int_equal(out, 0x40100000u);
        assert_true(mem_release(m, out, &size, NULL));
        assert_int_equal(size, 0x110000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_physical_addresses, make, drop),
        cmocka_unit_test_setup_teardown(test_virtual_addresses, make, drop),
        cmocka_unit_test_setup_teardown(test_title_heap, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
