// The map's regions, aliases, contents over commit and release, queries, and access by the emulator's own code.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

enum { BOTH = MEM_RESERVED | MEM_COMMITTED };

static gva allocate(struct mem *m, enum mem_heap heap, uint32_t size)
{
    const struct mem_request q = {.heap = heap, .size = size, .state = BOTH, .protect = MEM_READ_WRITE};
    gva out = 0;
    struct error err = {0};
    if (!mem_allocate(m, &q, &out, &err))
        fail_msg("%s", err.message);
    return out;
}

// ---- The table

static void test_explain(void **state)
{
    (void)state;
    static const struct {
        gva address;
        const char *region;
        uint32_t page;
        bool has_bus;
        gpa bus;
        unsigned aliases;
        gva alias[3];
    } rows[] = {
        {0x40105000, "v40000000", 0x10000, false, 0, 0, {0}},
        {0x7EFFFFFF, "v40000000", 0x10000, false, 0, 0, {0}},
        {0x7F000000, "v7F000000", 0, true, 0, 2, {0xA0000000u, 0xC0000000u}}, // vE begins one page later
        {0x7FFFFFFF, "v7FEB0000", 0, true, 0xFFFFFF, 3, {0xA0FFFFFFu, 0xC0FFFFFFu, 0xE0FFEFFFu}},
        {0x7FC80714, "gpu_mmio", 0, false, 0, 0, {0}},
        {0x7FEA1800, "xma_mmio", 0, false, 0, 0, {0}},
        {0x82000000u, "v80000000", 0x10000, false, 0, 1, {0x92000000u}},
        {0x92000000u, "v90000000", 0x1000, false, 0, 1, {0x82000000u}},
        {0xBC220000u, "vA0000000", 0x10000, true, 0x1C220000, 2, {0xDC220000u, 0xFC21F000u}},
        {0xC0C80000u, "vC0000000", 0x1000000, true, 0xC80000, 2, {0xA0C80000u, 0xE0C7F000u}}, // registers hide it
        {0xFFCA4000u, "vE0000000", 0x1000, true, 0x1FCA5000, 2, {0xBFCA5000u, 0xDFCA5000u}},
        {0xFFCFFFFFu, "vE0000000", 0x1000, true, 0x1FD00FFF, 2, {0xBFD00FFFu, 0xDFD00FFFu}},
        {0xBFFFFFFFu, "vA0000000", 0x10000, true, 0x1FFFFFFF, 1, {0xDFFFFFFFu}},
        {0xFFD00000u, NULL, 0, false, 0, 0, {0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mem_explanation e;
        mem_explain(rows[i].address, &e);
        if (rows[i].region)
            assert_string_equal(e.region->name, rows[i].region);
        else
            assert_null(e.region);
        assert_int_equal(mem_page_size(rows[i].address), rows[i].page);
        assert_int_equal(e.has_bus, rows[i].has_bus);
        assert_int_equal(e.bus, rows[i].bus);
        assert_int_equal(e.alias_count, rows[i].aliases);
        assert_memory_equal(e.aliases, rows[i].alias, rows[i].aliases * sizeof(gva));
    }
}

// regions.def against the reference's table.
static void test_reference_table(void **state)
{
    (void)state;
    char path[1024], line[1024], name[64];
    const char *root = getenv("XENOLITH_SOURCE");
    snprintf(path, sizeof path, "%s/../shared/reference/memory_map.tsv", root ? root : ".");
    FILE *file = fopen(path, "r");
    if (!file) {
        print_message("no %s: not compared\n", path);
        skip();
    }
    unsigned heaps = 0;
    while (fgets(line, sizeof line, file)) {
        unsigned base, size, page;
        if (sscanf(line, "heap\t%63s\t%x\t%x\t%x", name, &base, &size, &page) != 4)
            continue;
        heaps++;
        const struct mem_region *r = strcmp(name, "physical") ? mem_region_of(base) : mem_region(MEM_BUS);
        assert_string_equal(r->name, name);
        assert_int_equal(r->base, base);
        assert_int_equal(r->size, size);
        assert_int_equal(r->page, page);
    }
    fclose(file);
    assert_int_equal(heaps, 8);
}

// ---- Aliases and contents

static void test_physical_aliases(void **state)
{
    struct mem *m = *state;
    const gva e = allocate(m, MEM_VE0000000, 0x2000);
    gpa bus;
    uint32_t word;
    assert_true(mem_bus_address(e, &bus));
    assert_true(mem_set32(m, e, 0x12345678));
    assert_true(mem_get32(m, 0xA0000000u + bus, &word));
    assert_int_equal(word, 0x12345678);
    assert_true(mem_set32(m, 0xC0000000u + bus, 0x9ABCDEF0u));
    assert_true(mem_get32(m, e, &word));
    assert_int_equal(word, 0x9ABCDEF0u);
    const uint8_t *host = mem_bus_at(m, bus, 4);
    assert_int_equal(host[0], 0x9A);
    assert_null(mem_bus_at(m, 0x1FFFFFFE, 4));
    // Protection belongs to the view, release to all.
    assert_true(mem_protect(m, e, 0x1000, MEM_READ, NULL, NULL));
    assert_false(mem_set32(m, e, 1));
    assert_true(mem_set32(m, 0xA0000000u + bus, 1));
    assert_true(mem_release(m, e, NULL, NULL));
    assert_false(mem_get32(m, 0xA0000000u + bus, &word));
    assert_false(mem_get32(m, e, &word));
}

static void test_fixed_alias(void **state)
{
    struct mem *m = *state;
    uint32_t word;
    assert_true(mem_set32(m, 0x7F001000, 0xCAFE0001u));
    // Nobody had these pages: they become zero when somebody gets them.
    assert_true(mem_allocate_at(m, 0xC0000000u, 0x1000000, BOTH, MEM_READ_WRITE, NULL));
    assert_true(mem_get32(m, 0xC0001000u, &word));
    assert_int_equal(word, 0);
    assert_true(mem_set32(m, 0x7F001000, 0xCAFE0002u));
    assert_true(mem_get32(m, 0xE0000000u, &word));
    assert_int_equal(word, 0xCAFE0002u);
}

static void test_image_aliases(void **state)
{
    struct mem *m = *state;
    uint32_t word;
    assert_true(mem_allocate_at(m, 0x82000000u, 0x10000, BOTH, MEM_READ_WRITE, NULL));
    assert_true(mem_set32(m, 0x82001000u, 0x11112222));
    assert_false(mem_get32(m, 0x92001000u, &word));
    assert_true(mem_allocate_at(m, 0x92001000u, 0x1000, BOTH, MEM_READ, NULL));
    assert_true(mem_get32(m, 0x92001000u, &word));
    assert_int_equal(word, 0x11112222);
    // The bytes live as long as one of their two addresses does.
    assert_true(mem_release(m, 0x82000000u, NULL, NULL));
    assert_true(mem_get32(m, 0x92001000u, &word));
    assert_int_equal(word, 0x11112222);
    assert_true(mem_release(m, 0x92001000u, NULL, NULL));
    assert_true(mem_allocate_at(m, 0x82000000u, 0x10000, BOTH, MEM_READ_WRITE, NULL));
    assert_true(mem_get32(m, 0x82001000u, &word));
    assert_int_equal(word, 0);
}

static void check_recommit(struct mem *m, gva base, uint32_t size)
{
    uint32_t word;
    assert_true(mem_fill(m, base, 0xAA, size));
    // Committing again what is committed keeps it.
    assert_true(mem_allocate_at(m, base, size, MEM_COMMITTED, MEM_READ_WRITE, NULL));
    assert_true(mem_get32(m, base + size - 4, &word));
    assert_int_equal(word, 0xAAAAAAAAu);
    assert_true(mem_decommit(m, base, size, NULL));
    assert_false(mem_valid(m, base, 1, MEM_READ));
    assert_true(mem_allocate_at(m, base, size, MEM_COMMITTED, MEM_READ_WRITE, NULL));
    for (uint32_t offset = 0; offset < size; offset += 0x800) {
        assert_true(mem_get32(m, base + offset, &word));
        assert_int_equal(word, 0);
    }
}

static void test_zero_after_recommit(void **state)
{
    struct mem *m = *state;
    static const enum mem_heap heaps[] = {MEM_V00000000, MEM_V40000000, MEM_V80000000, MEM_V90000000,
                                          MEM_VA0000000, MEM_VC0000000, MEM_VE0000000};
    for (size_t i = 0; i < sizeof heaps / sizeof *heaps; i++) {
        const uint32_t size = 2 * mem_region(heaps[i])->page;
        const gva base = allocate(m, heaps[i], size);
        check_recommit(m, base, size);
        assert_true(mem_release(m, base, NULL, NULL)); // both image heaps begin with the same bytes
    }
}

// ---- Limits

static void test_out_of_space(void **state)
{
    struct mem *m = *state;
    struct error err = {0};
    uint32_t free_before, free_after, total;
    gva out = 0x1234;
    mem_physical_pages(m, &free_before, &total);
    assert_int_equal(total, 0x20000);
    assert_int_equal(free_before, total);
    struct mem_request q = {.heap = MEM_VE0000000, .size = 0x1FD00000, .state = BOTH, .protect = MEM_READ_WRITE};
    // A window that reaches the view's end leaves no page for the exclusive high one only where it is the heap's end.
    assert_true(mem_allocate(m, &q, &out, NULL));
    assert_int_equal(out, 0xE0000000u);
    q.size = 0x1000;
    assert_false(mem_allocate(m, &q, &out, &err));
    assert_int_equal(err.code, ERR_NO_SPACE);
    assert_int_equal(out, 0xE0000000u);
    assert_true(mem_release(m, out, NULL, NULL));
    mem_physical_pages(m, &free_after, &total);
    assert_int_equal(free_after, free_before);
    // 31 pages of 16 MB: the last one is the exclusive high page.
    q = (struct mem_request){.heap = MEM_VC0000000, .size = 1, .state = BOTH, .protect = MEM_READ_WRITE};
    for (uint32_t i = 0; i < 31; i++) {
        assert_true(mem_allocate(m, &q, &out, NULL));
        assert_int_equal(out, 0xDE000000u - i * 0x1000000);
    }
    assert_false(mem_allocate(m, &q, &out, &err));
    q = (struct mem_request){.heap = MEM_V00000000, .size = 0xFFFFFFFFu, .state = MEM_RESERVED};
    assert_false(mem_allocate(m, &q, &out, &err));
    assert_int_equal(err.code, ERR_NO_SPACE);
}

// The parent's window rounds up to the alignment and may end beyond the view; such a find fails and takes nothing.
static void test_alignment_beyond_view(void **state)
{
    struct mem *m = *state;
    const struct mem_request q = {
        .heap = MEM_VE0000000, .size = 0x1000, .alignment = 0x10000, .state = BOTH, .protect = MEM_READ_WRITE};
    gva out;
    uint32_t free_pages, total;
    assert_true(mem_allocate(m, &q, &out, NULL));
    assert_int_equal(out, 0xFFCFF000u); // bus 0x1FD00000, the view's last page
    const struct mem_request wide = {.heap = MEM_VE0000000,
                                     .size = 0x2000,
                                     .alignment = 0x20000,
                                     .low = 0x1FD00000,
                                     .high = 0xFFFFFFFFu,
                                     .state = BOTH,
                                     .protect = MEM_READ_WRITE};
    assert_false(mem_allocate(m, &wide, &out, NULL));
    mem_physical_pages(m, &free_pages, &total);
    assert_int_equal(free_pages, total - 1);
}

static void test_bad_requests(void **state)
{
    struct mem *m = *state;
    struct error err = {0};
    gva out;
    struct mem_request q = {.heap = MEM_GPU_MMIO, .size = 0x1000, .state = BOTH};
    assert_false(mem_allocate(m, &q, &out, &err));
    assert_int_equal(err.code, ERR_ARGUMENT);
    q = (struct mem_request){.heap = MEM_V00000000, .size = 0x1000, .state = 0};
    assert_false(mem_allocate(m, &q, &out, &err));
    q = (struct mem_request){.heap = MEM_V00000000, .size = 0x1000, .state = BOTH, .protect = 8};
    assert_false(mem_allocate(m, &q, &out, &err));
    assert_false(mem_allocate_at(m, 0x7F000000, 0x1000, BOTH, MEM_READ, &err));
    assert_false(mem_allocate_at(m, 0xFFD00000u, 0x1000, BOTH, MEM_READ, &err));
    assert_false(mem_allocate_at(m, 0x3FFFF000, 0x2000, BOTH, MEM_READ, &err));
    assert_false(mem_allocate_at(m, 0x1000, 0, BOTH, MEM_READ, &err));
    assert_false(mem_allocate_at(m, 0xFFCFF000u, 0xFFFFFFFFu, BOTH, MEM_READ, &err));
    assert_false(mem_release(m, 0x1000, NULL, &err));
    assert_int_equal(err.code, ERR_STATE);
    assert_false(mem_release(m, 0xFFFFFFFFu, NULL, &err));
    assert_false(mem_decommit(m, 0x1000, 0x1000, &err));
    assert_false(mem_protect(m, 0x1000, 0x1000, MEM_READ, NULL, &err));
    assert_false(mem_protect(m, 0x7FC80000, 0x1000, MEM_READ, NULL, &err));
    struct mem_range range;
    assert_false(mem_query(m, 0x7F000000, &range));
    assert_false(mem_query_bus(m, 0x20000000, &range));
}

// ---- Queries

static void test_query(void **state)
{
    struct mem *m = *state;
    struct mem_range r;
    assert_true(mem_allocate_at(m, 0x10000, 0x8000, MEM_RESERVED, MEM_READ_WRITE, NULL));
    assert_true(mem_allocate_at(m, 0x12000, 0x2000, MEM_COMMITTED, MEM_READ, NULL));
    assert_true(mem_query(m, 0x13FFF, &r));
    assert_int_equal(r.base, 0x12000);
    assert_int_equal(r.size, 0x2000);
    assert_int_equal(r.alloc_base, 0x10000);
    assert_int_equal(r.alloc_size, 0x8000);
    assert_int_equal(r.state, BOTH);
    assert_int_equal(r.protect, MEM_READ);
    assert_true(mem_query(m, 0, &r));
    assert_int_equal(r.base, 0);
    assert_int_equal(r.size, 0x10000);
    assert_int_equal(r.state, 0);
    static const uint32_t bases[] = {0x10000, 0x12000, 0x14000};
    uint64_t cursor = 0;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(mem_next_range(m, MEM_V00000000, &cursor, &r));
        assert_int_equal(r.base, bases[i]);
    }
    assert_false(mem_next_range(m, MEM_V00000000, &cursor, &r));
    cursor = 0;
    assert_false(mem_next_range(m, MEM_V7F000000, &cursor, &r));
    // A view's allocation shows in the parent.
    const gva a = allocate(m, MEM_VA0000000, 0x20000);
    assert_true(mem_query_bus(m, (a & 0x1FFFFFFF) + 0x1FFFF, &r));
    assert_int_equal(r.alloc_base, a & 0x1FFFFFFF);
    assert_int_equal(r.alloc_size, 0x20000);
}

// ---- Access

static void test_access(void **state)
{
    struct mem *m = *state;
    assert_true(mem_allocate_at(m, 0x10000, 0x2000, BOTH, MEM_READ_WRITE, NULL));
    assert_true(mem_set64(m, 0x10FFC, 0x0102030405060708ull)); // across a page
    uint8_t b;
    uint16_t h;
    uint32_t w;
    uint64_t d;
    assert_true(mem_get8(m, 0x10FFF, &b) && b == 4);
    assert_true(mem_get16(m, 0x10FFF, &h) && h == 0x0405);
    assert_true(mem_get32(m, 0x11000, &w) && w == 0x05060708);
    assert_true(mem_get64(m, 0x10FFC, &d) && d == 0x0102030405060708ull);
    assert_true(mem_set8(m, 0x10FFC, 0xFF) && mem_set16(m, 0x10FFD, 0xEEDD));
    assert_true(mem_get32(m, 0x10FFC, &w) && w == 0xFFEEDD04u);
    // The range decides as a whole, and nothing is touched when it is refused.
    assert_false(mem_set64(m, 0x11FFC, 0));
    assert_false(mem_fill(m, 0x11000, 0, 0x1001));
    assert_true(mem_get32(m, 0x11000, &w) && w == 0x05060708);
    assert_false(mem_valid(m, 0xFFFFFFFFu, 2, MEM_NONE));
    assert_true(mem_valid(m, 0xFFFFFFFFu, 0, MEM_READ_WRITE));
    assert_null(mem_at(m, 0x11FFF, 2, MEM_READ));
    assert_ptr_equal(mem_at(m, 0x11FFE, 2, MEM_WRITE), mem_base(m) + 0x11FFE);
}

static void test_string(void **state)
{
    struct mem *m = *state;
    char text[8];
    assert_true(mem_allocate_at(m, 0x10000, 0x1000, BOTH, MEM_READ_WRITE, NULL));
    assert_true(mem_write(m, 0x10FF8, "abcdefgh", 8));
    assert_true(mem_get_string(m, 0x10FF8, text, sizeof text));
    assert_string_equal(text, "abcdefg");                        // cut to the buffer
    assert_false(mem_get_string(m, 0x10FFC, text, sizeof text)); // memory ends before the string
    assert_true(mem_set8(m, 0x10FFF, 0));
    assert_true(mem_get_string(m, 0x10FFC, text, sizeof text));
    assert_string_equal(text, "efg");
    assert_false(mem_get_string(m, 0xFFFFFFFFu, text, sizeof text));
}

struct seen {
    unsigned count;
    gva base[8];
};

static void on_change(void *user, gva base, uint32_t size)
{
    struct seen *s = user;
    assert_int_equal(size, 0x10000);
    assert_true(s->count < 8);
    s->base[s->count++] = base;
}

static void test_change(void **state)
{
    struct mem *m = *state;
    struct seen seen = {0};
    mem_on_change(m, on_change, &seen);
    assert_true(mem_allocate_at(m, 0x82000000u, 0x10000, MEM_RESERVED, MEM_READ, NULL));
    assert_int_equal(seen.count, 0);
    assert_true(mem_allocate_at(m, 0x82000000u, 0x10000, MEM_COMMITTED, MEM_READ, NULL));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.base[0], 0x82000000u);
    assert_int_equal(seen.base[1], 0x92000000u);
    seen.count = 0;
    assert_true(mem_allocate_at(m, 0xA0100000u, 0x10000, BOTH, MEM_READ, NULL));
    assert_int_equal(seen.count, 4);
    const gva expected[4] = {0xA0100000u, 0xC0100000u, 0xE00FF000u, 0x7F100000u};
    assert_memory_equal(seen.base, expected, sizeof expected);
    seen.count = 0;
    assert_true(mem_release(m, 0xA0100000u, NULL, NULL));
    assert_int_equal(seen.count, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain),
        cmocka_unit_test(test_reference_table),
        cmocka_unit_test_setup_teardown(test_physical_aliases, make, drop),
        cmocka_unit_test_setup_teardown(test_fixed_alias, make, drop),
        cmocka_unit_test_setup_teardown(test_image_aliases, make, drop),
        cmocka_unit_test_setup_teardown(test_zero_after_recommit, make, drop),
        cmocka_unit_test_setup_teardown(test_out_of_space, make, drop),
        cmocka_unit_test_setup_teardown(test_alignment_beyond_view, make, drop),
        cmocka_unit_test_setup_teardown(test_bad_requests, make, drop),
        cmocka_unit_test_setup_teardown(test_query, make, drop),
        cmocka_unit_test_setup_teardown(test_access, make, drop),
        cmocka_unit_test_setup_teardown(test_string, make, drop),
        cmocka_unit_test_setup_teardown(test_change, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
