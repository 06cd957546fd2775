// Code that changes, with and without icbi, by stores through any address and by the kernel: every tier, and both engines side by
// side, leave what the interpreter leaves.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "cpu/engine.h"
#include "memory/memory.h"
#include "cpu_fixture.h"

static const gva CODE = 0xA0010000, ALIAS = 0xC0010000, IMAGE = 0x82000000, END = 0xBCBCBCBC;
static const uint32_t STW_R5_R4 = 0x90A40000; // stw r5, 0(r4)
enum {
    SIZE = 0x10000,
    BLR = 0x4E800020,
    ADDI_R3 = 0x38630000,
    ICBI_R4 = 0x7C0027AC,
    BDNZ = 0x42000000,
    SHADOW = CPU_AUTO + 1,   // the optimised tier and the interpreter
};

static void differs(void *user, const struct cpu_difference *d)
{
    (void)user;
    fail_msg("both engines: %s", d->what);
}

static bool open_machine(struct machine *m, int tier)
{
    struct error err;
    assert_true(mem_create(&m->mem, &err));
    assert_true(cpu_create(&m->cpu, m->mem, &err));
    assert_true(mem_allocate_at(m->mem, CODE, SIZE, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, &err));
    assert_true(mem_allocate_at(m->mem, IMAGE, SIZE, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, &err));
    ppc_state_init(&m->s);
    if (cpu_set_tier(m->cpu, tier == SHADOW ? CPU_OPTIMISED : (enum cpu_tier)tier, &err))
        return tier != SHADOW || cpu_set_shadow(m->cpu, differs, NULL, &err);
    print_message("%s\n", err.message);
    return false;
}

// As the kernel does it: nobody is told.
static void put(struct machine *m, gva at, const uint32_t *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        assert_true(mem_set32(m->mem, at + 4 * i, words[i]));
}

static void run_at(struct machine *m, gva pc)
{
    m->s.pc = pc;
    m->s.lr = END;
    m->s.slice_end = m->s.cycles + 100000;
    uint64_t end = m->s.slice_end;
    assert_int_equal(cpu_run(m->cpu, &m->s), PPC_EXIT_FETCH);
    assert_int_equal(m->s.pc, END);
    assert_int_equal(m->s.slice_end, end);
}

typedef void scene_function(struct machine *m);

static void in_every_tier(scene_function *scene)
{
    struct machine plain, other;
    assert_true(open_machine(&plain, CPU_INTERPRETER));
    scene(&plain);
    for (int tier = CPU_QUICK; tier <= SHADOW; tier++) {
        bool present = open_machine(&other, tier);
        if (present)
            scene(&other);
        bool equal = !present || same(&plain.s, &other.s);
        if (!equal)
            print_message("tier %d: pc %08x / %08x, r3 %llx / %llx\n", tier, plain.s.pc, other.s.pc, (unsigned long long)plain.s.gpr[3],
                          (unsigned long long)other.s.gpr[3]);
        close_machine(&other);
        if (!present) {
            close_machine(&plain);
            skip();
        }
        assert_true(equal);
    }
    close_machine(&plain);
}

// Each pass stores over the instruction behind the store, without icbi: it does what it did before; the jump back is where it is
// seen. `from` is where the store goes.
static void patch_ahead(struct machine *m, gva at, gva from, uint32_t icbi)
{
    const uint32_t words[] = {
        STW_R5_R4, icbi, ADDI_R3 | 1, 0x60A60000 /* ori r6, r5, 0 */, 0x38A50001 /* addi r5, r5, 1 */, BDNZ | 0xFFEC /* bdnz at */, BLR,
    };
    put(m, at, words, sizeof words / sizeof *words);
    for (uint32_t i = 0; i < 12; i++) { // fewer stores than make it a page of data
        m->s.gpr[4] = from + 8;
        m->s.gpr[5] = ADDI_R3 | (i << 4 & 0xFFF);
        m->s.ctr = 1 + i % 6;
        run_at(m, at);
    }
}

static void patches_itself(struct machine *m)
{
    enum { NOP = 0x60000000 };
    patch_ahead(m, CODE, CODE, NOP);
    const uint32_t once[] = {STW_R5_R4, ADDI_R3 | 1, BLR};
    put(m, CODE + 0x2000, once, 3);
    m->s.gpr[3] = 0;
    m->s.gpr[4] = CODE + 0x2004;
    m->s.gpr[5] = ADDI_R3 | 100;
    run_at(m, CODE + 0x2000);
    assert_int_equal(m->s.gpr[3], 1); // what is there in the same piece is still the old one, decoded or not
    run_at(m, CODE + 0x2000);
    assert_int_equal(m->s.gpr[3], 101);
}

static void patches_itself_without_icbi(void **state)
{
    (void)state;
    in_every_tier(patches_itself);
}

static void with_icbi(struct machine *m)
{
    patch_ahead(m, CODE, CODE, ICBI_R4);
    const uint32_t once[] = {STW_R5_R4, ICBI_R4, ADDI_R3 | 1, BLR};
    put(m, CODE + 0x2000, once, 4);
    m->s.gpr[3] = 0;
    m->s.gpr[4] = CODE + 0x2008;
    m->s.gpr[5] = ADDI_R3 | 100;
    run_at(m, CODE + 0x2000);
    assert_int_equal(m->s.gpr[3], 100); // at once
}

static void patches_itself_with_icbi(void **state)
{
    (void)state;
    in_every_tier(with_icbi);
}

static void through_alias(struct machine *m)
{
    enum { NOP = 0x60000000 };
    patch_ahead(m, CODE, ALIAS, NOP);
    patch_ahead(m, ALIAS + 0x1000, CODE + 0x1000, NOP);
    patch_ahead(m, CODE + 0x2000, 0xE0010000 + 0x1000, NOP); // that view starts a page later
}

static void patches_through_another_address(void **state)
{
    (void)state;
    in_every_tier(through_alias);
}

// A function that the caller's unit calls directly, exchanged by it (in a page of its own) and called at once.
static void callee(struct machine *m)
{
    // mflr r12; loop: stw r5, 0(r4); bl CODE + 0x3000; addi r5, r5, 1; bdnz loop; mtlr r12; blr
    const uint32_t caller[] = {0x7D8802A6, STW_R5_R4, 0x48000FF9, 0x38A50001, BDNZ | 0xFFF4, 0x7D8803A6, BLR};
    const uint32_t function[] = {ADDI_R3 | 1, BLR};
    put(m, CODE + 0x2000, caller, sizeof caller / sizeof *caller);
    put(m, CODE + 0x3000, function, 2);
    for (uint32_t i = 0; i < 6; i++) {
        m->s.gpr[3] = 0;
        m->s.gpr[4] = CODE + 0x3000;
        m->s.gpr[5] = ADDI_R3 | 16;
        m->s.ctr = 3;
        run_at(m, CODE + 0x2000);
        assert_int_equal(m->s.gpr[3], 16 + 17 + 18);
    }
}

static void exchanges_a_function(void **state)
{
    (void)state;
    in_every_tier(callee);
}

// Between runs, as NtReadFile or a copy into code do it.
static void by_kernel(struct machine *m)
{
    for (uint32_t i = 0; i < 12; i++) {
        uint32_t words[] = {ADDI_R3 | (i + 1), BLR};
        uint8_t bytes[8];
        for (int b = 0; b < 8; b++)
            bytes[b] = (uint8_t)(words[b / 4] >> (24 - 8 * (b % 4)));
        gva at = i % 3 == 1 ? ALIAS : CODE;
        if (i % 2)
            assert_true(mem_write(m->mem, at, bytes, 8));
        else
            memcpy(mem_at(m->mem, at, 8, MEM_WRITE), bytes, 8);
        for (int n = 0; n < 3; n++) {
            m->s.gpr[3] = 0;
            run_at(m, CODE);
            assert_int_equal(m->s.gpr[3], i + 1);
        }
    }
    assert_true(mem_fill(m->mem, ALIAS, 0, 4));
    m->s.pc = CODE;
    assert_int_equal(cpu_run(m->cpu, &m->s), PPC_EXIT_ILLEGAL);
}

static void the_kernel_writes(void **state)
{
    (void)state;
    in_every_tier(by_kernel);
}

// Decoded while it cannot be written to; then opened, and changed by the guest.
static void opened(struct machine *m)
{
    const uint32_t function[] = {ADDI_R3 | 1, BLR}, writer[] = {STW_R5_R4, BLR};
    for (uint32_t i = 0; i < 5; i++) {
        put(m, IMAGE, function, 2);
        put(m, CODE, writer, 2);
        assert_true(mem_protect(m->mem, IMAGE, SIZE, MEM_READ, NULL, NULL));
        m->s.gpr[3] = 0;
        run_at(m, IMAGE);
        assert_int_equal(m->s.gpr[3], 1);
        m->s.gpr[4] = IMAGE;
        m->s.gpr[5] = ADDI_R3 | 7;
        m->s.pc = CODE;
        m->s.slice_end = m->s.cycles + 1000;
        assert_int_equal(cpu_run(m->cpu, &m->s), PPC_EXIT_FAULT); // a watched page is no more writable than before
        assert_int_equal(m->s.fault_address, IMAGE);
        assert_true(mem_protect(m->mem, IMAGE, SIZE, MEM_READ_WRITE, NULL, NULL));
        run_at(m, IMAGE);
        run_at(m, CODE);
        m->s.gpr[3] = 0;
        run_at(m, IMAGE);
        assert_int_equal(m->s.gpr[3], 7);
    }
}

static void opened_pages_are_watched(void **state)
{
    (void)state;
    in_every_tier(opened);
}

// Data beside code: a counter in the code's own page.
static void data_beside(struct machine *m)
{
    // lwz r6, 0(r4); addi r6, r6, 1; stw r6, 0(r4); addi r3, r3, 1; bdnz; blr
    const uint32_t words[] = {0x80C40000, 0x38C60001, 0x90C40000, ADDI_R3 | 1, BDNZ | 0xFFF0, BLR};
    put(m, CODE, words, sizeof words / sizeof *words);
    for (uint32_t i = 0; i < 30; i++) {
        m->s.gpr[4] = CODE + 0x800;
        m->s.ctr = 50;
        run_at(m, CODE);
    }
    uint32_t count;
    assert_true(mem_get32(m->mem, CODE + 0x800, &count));
    assert_int_equal(count, 30 * 50);
    assert_true(mem_is_shared(m->mem, CODE) || m->cpu->shadow); // no fault for each of them for ever
    struct cpu_stats stats;
    cpu_stats(m->cpu, &stats);
    assert_true(stats.units < 150 || m->cpu->shadow);
    const uint32_t other[] = {ADDI_R3 | 5, BLR}; // code there is seen to change, as ever
    put(m, CODE, other, 2);
    m->s.gpr[3] = 0;
    run_at(m, CODE);
    assert_int_equal(m->s.gpr[3], 5);
}

static void data_beside_code(void **state)
{
    (void)state;
    in_every_tier(data_beside);
}

// A piece that writes to more pages of code than one before the others see it.
static void many_pages(struct machine *m)
{
    uint32_t words[13], count = 0;
    for (uint32_t i = 0; i < 12; i++) // stw r5, (i * 4096 + 4)(r4), as far as it reaches
        words[count++] = STW_R5_R4 | (((i % 8) << 12 | 4) & 0xFFFF);
    words[count++] = BLR;
    const uint32_t function[] = {ADDI_R3 | 1, ADDI_R3 | 2, BLR};
    for (uint32_t page = 0; page < 8; page++)
        put(m, CODE + 0x1000 * page, function, 3);
    put(m, IMAGE, words, count);
    for (uint32_t round = 0; round < 4; round++) {
        for (uint32_t page = 0; page < 8; page++)
            run_at(m, CODE + 0x1000 * page);
        m->s.gpr[4] = CODE;
        m->s.gpr[5] = ADDI_R3 | (round + 10);
        run_at(m, IMAGE);
        m->s.gpr[3] = 0;
        for (uint32_t page = 0; page < 8; page++)
            run_at(m, CODE + 0x1000 * page);
        assert_int_equal(m->s.gpr[3], 8 * (1 + round + 10));
    }
}

static void many_pages_at_once(void **state)
{
    (void)state;
    in_every_tier(many_pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patches_itself_without_icbi),
        cmocka_unit_test(patches_itself_with_icbi),
        cmocka_unit_test(patches_through_another_address),
        cmocka_unit_test(exchanges_a_function),
        cmocka_unit_test(the_kernel_writes),
        cmocka_unit_test(opened_pages_are_watched),
        cmocka_unit_test(data_beside_code),
        cmocka_unit_test(many_pages_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
