// Which code is translated together where functions are known: each instruction in one unit, whatever is entered first.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/engine.h"

static const uint32_t BASE = 0x82000000;
enum { WORDS = 4096, BLR = 0x4E800020, NOP = 0x60000000, MOST = 100 };

struct fixture {
    struct mem *mem;
    struct functions known;
    uint32_t used;
};

static void put(struct fixture *f, uint32_t word)
{
    assert_true(mem_set32(f->mem, BASE + 4 * f->used++, word));
}

static uint32_t jump(uint32_t from, uint32_t to, uint32_t link)
{
    return 0x48000000 | ((4 * (to - from)) & 0x03FFFFFC) | link;
}

static uint32_t branch(uint32_t from, uint32_t to)
{
    return 0x41820000 | ((4 * (to - from)) & 0xFFFC); // beq
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err = {0};
    *state = f;
    return !f || !mem_create(&f->mem, &err) || !mem_allocate_at(f->mem, BASE, 4 * WORDS, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, &err);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    functions_free(&f->known);
    mem_destroy(f->mem);
    free(f);
    return 0;
}

static bool never(void *user, uint32_t pc)
{
    (void)user;
    (void)pc;
    return false;
}

static void add(struct fixture *f, const struct cpu_code_range *functions, size_t count)
{
    struct cpu_code_range all = {BASE, 4 * f->used};
    struct cpu_code code = {.code = &all, .code_count = 1, .functions = functions, .function_count = count};
    assert_true(functions_add(&f->known, f->mem, &code));
}

static struct rc_plan plan_of(struct fixture *f, uint32_t word)
{
    struct rc_plan p;
    assert_true(plan_make(&f->known, f->mem, BASE + 4 * word, never, NULL, MOST, &p));
    return p;
}

static bool called(const struct rc_plan *p, uint32_t word)
{
    for (uint32_t i = 1; i < p->entry_count; i++)
        if (p->entries[i] == ((BASE + 4 * word) | RC_CALLED))
            return true;
    return false;
}

// Two small functions, the second with a jump into the middle of the first.
static void test_bounds(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 9; i++)
        put(f, NOP);
    put(f, BLR);
    put(f, jump(10, 7, 0));
    put(f, NOP);
    put(f, BLR);
    struct cpu_code_range functions[] = {{BASE, 40}, {BASE + 40, 12}};
    add(f, functions, 2);
    struct rc_plan first = plan_of(f, 3), second = plan_of(f, 12);
    assert_int_equal(first.entries[0], BASE);
    assert_int_equal(first.count, 10);
    assert_true(called(&first, 7));
    assert_int_equal(second.entries[0], BASE + 40);
    assert_int_equal(second.count, 3);
    assert_true(called(&second, 11)); // nothing known leads there
    plan_free(&first);
    plan_free(&second);
}

// Without unwind data: what is called starts, but not what the code before runs into.
static void test_calls(void **state)
{
    struct fixture *f = *state;
    put(f, jump(0, 5, 1));
    put(f, jump(1, 7, 1));
    put(f, BLR);
    put(f, NOP);
    put(f, BLR);
    put(f, NOP); // 5: called
    put(f, NOP);
    put(f, NOP); // 7: called too
    put(f, BLR);
    add(f, NULL, 0);
    struct rc_plan p = plan_of(f, 8);
    assert_int_equal(p.entries[0], BASE + 20);
    assert_int_equal(p.count, 4);
    assert_true(called(&p, 7));
    plan_free(&p);
    p = plan_of(f, 0);
    assert_int_equal(p.count, 5);
    assert_true(called(&p, 3));
    plan_free(&p);
}

// A large function: pieces that do not overlap, the same from wherever they are asked for, entered where others jump to.
static void test_pieces(void **state)
{
    enum { COUNT = 1000 };
    struct fixture *f = *state;
    srand(1);
    for (uint32_t i = 0; i < COUNT - 1; i++)
        put(f, rand() % 8 ? NOP : branch(i, (uint32_t)rand() % COUNT));
    put(f, BLR);
    add(f, &(struct cpu_code_range){BASE, 4 * COUNT}, 1);
    uint8_t seen[COUNT] = {0};
    uint32_t sum = 0;
    for (uint32_t at = 0; at < COUNT;) {
        struct rc_plan p = plan_of(f, at);
        assert_in_range(p.count, 1, MOST);
        assert_int_equal(p.entries[0], BASE + 4 * at);
        for (uint32_t i = 0; i < p.count; i++)
            assert_int_equal(seen[(p.insns[i].pc - BASE) / 4]++, 0);
        struct rc_plan other = plan_of(f, at + (uint32_t)rand() % p.count);
        assert_int_equal(other.entry_count, p.entry_count);
        assert_memory_equal(other.entries, p.entries, p.entry_count * sizeof *p.entries);
        assert_memory_equal(other.insns, p.insns, p.count * sizeof *p.insns);
        for (uint32_t i = 0; i < COUNT; i++) {
            uint32_t word, target;
            assert_true(mem_get32(f->mem, BASE + 4 * i, &word));
            target = (ppc_branch_target(word, BASE + 4 * i) - BASE) / 4;
            if (word >> 26 == 16 && (i < at || i >= at + p.count) && target > at && target < at + p.count)
                assert_true(called(&p, target));
        }
        struct cpu_code_range bounds;
        assert_true(plan_bounds(&f->known, f->mem, BASE + 4 * at, MOST, &bounds));
        assert_int_equal(bounds.base, BASE + 4 * at);
        assert_int_equal(bounds.size, 4 * p.count);
        at += p.count;
        sum += p.count;
        plan_free(&other);
        plan_free(&p);
    }
    assert_int_equal(sum, COUNT);
}

// Unwind data that overlaps, lies outside or is no multiple of four; data between functions.
static void test_nonsense(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 20; i++)
        put(f, i < 10 ? NOP : 0);
    struct cpu_code_range functions[] = {{BASE, 24}, {BASE + 8, 400}, {BASE + 2, 8}, {BASE + 72, UINT32_MAX - 3}, {0, 8}, {BASE + 12, 8}};
    add(f, functions, 6);
    struct rc_plan p = plan_of(f, 5);
    assert_int_equal(p.count, 6);
    plan_free(&p);
    p = plan_of(f, 15);
    assert_int_equal(p.count, 4); // words 6 to 9
    plan_free(&p);
    functions_remove(&f->known, BASE + 76, 4);
    struct cpu_code_range function;
    assert_false(functions_find(&f->known, BASE, &function));
    assert_false(functions_at(&f->known, 0, &function));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_calls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nonsense, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
