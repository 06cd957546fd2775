// How a run ends, and what a stopped instruction leaves behind: traps, system calls, faults, illegal words, branches to
// the ends of the address space, reservations.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"

enum { CODE = 0x10000, DATA = 0x20000, PAGE = 0x1000 };

struct machine {
    struct mem *mem;
    struct cpu *cpu;
    struct ppc_state s;
};

static int set_up(void **state)
{
    static struct machine machine;
    struct machine *t = &machine;
    *t = (struct machine){0};
    assert_true(mem_create(&t->mem, NULL));
    assert_true(cpu_create(&t->cpu, t->mem, NULL));
    assert_true(mem_allocate_at(t->mem, CODE, PAGE, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, NULL));
    assert_true(mem_allocate_at(t->mem, DATA, PAGE, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, NULL));
    ppc_state_init(&t->s);
    t->s.pc = CODE;
    t->s.slice_end = 1000;
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct machine *t = *state;
    cpu_destroy(t->cpu);
    mem_destroy(t->mem);
    return 0;
}

static enum ppc_exit run(struct machine *t, const uint32_t *words, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_true(mem_set32(t->mem, CODE + 4 * i, words[i]));
    cpu_invalidate(t->cpu, CODE, 4 * count);
    t->s.pc = CODE;
    return cpu_run(t->cpu, &t->s);
}

#define RUN(t, ...) run((t), (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void system_calls(void **state)
{
    struct machine *t = *state;
    assert_int_equal(RUN(t, 0x38600001, 0x44000002), PPC_EXIT_SYSCALL);
    assert_int_equal(t->s.pc, CODE + 8);
    assert_int_equal(t->s.cycles, 2);
    assert_int_equal(t->s.gpr[3], 1);
}

struct trap_case {
    unsigned to;
    int64_t a, b;
    bool word, doubleword;
};

static void traps(void **state)
{
    static const struct trap_case cases[] = {
        {31, 0, 0, true, true},
        {0, 0, 0, false, false},
        {16, -1, 0, true, true},
        {16, 0, 0, false, false},
        {8, 1, 0, true, true},
        {8, -1, 0, false, false},
        {4, 5, 5, true, true},
        {4, 5, 0x100000005, true, false},
        {2, 1, -1, true, true},
        {2, -1, 1, false, false},
        {1, -1, 1, true, true},
        {1, 1, -1, false, false},
        {2, 0x1FFFFFFFF, 0x200000000, false, true},
        {16, 0x80000000, 0, true, false},
        {1, 0x80000000, 0x7FFFFFFF, true, true},
    };
    struct machine *t = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (unsigned doubleword = 0; doubleword < 2; doubleword++) {
            t->s.gpr[3] = (uint64_t)cases[i].a;
            t->s.gpr[4] = (uint64_t)cases[i].b;
            enum ppc_exit why = RUN(t, 0x7C032008 | (doubleword ? 0x80 : 0) | cases[i].to << 21, 0x44000002);
            bool holds = doubleword ? cases[i].doubleword : cases[i].word;
            if (why != (holds ? PPC_EXIT_TRAP : PPC_EXIT_SYSCALL))
                fail_msg("case %zu of %s: exit %d", i, doubleword ? "td" : "tw", why);
            assert_int_equal(t->s.pc, holds ? CODE : CODE + 8);
        }
    t->s.gpr[3] = 0xFFFFFFFF; // twi reads the low word as -1, tdi does not
    assert_int_equal(RUN(t, 0x0C83FFFF), PPC_EXIT_TRAP);
    assert_int_equal(RUN(t, 0x0883FFFF, 0x44000002), PPC_EXIT_SYSCALL);
}

static void illegal_words(void **state)
{
    struct machine *t = *state;
    assert_int_equal(RUN(t, 0x60000000, 0), PPC_EXIT_ILLEGAL);
    assert_int_equal(t->s.pc, CODE + 4);
    assert_int_equal(t->s.cycles, 1);
    t->s.gpr[3] = 7;
    assert_int_equal(RUN(t, 0x7C7602A6), PPC_EXIT_ILLEGAL); // mfspr r3, DEC
    assert_int_equal(RUN(t, 0x7C7603A6), PPC_EXIT_ILLEGAL); // mtspr DEC, r3
    assert_int_equal(RUN(t, 0x7C6002E6), PPC_EXIT_ILLEGAL); // mftb r3, 0
    assert_int_equal(t->s.gpr[3], 7);
    t->s.gpr[3] = 1ull << 63;
    assert_int_equal(RUN(t, 0x7C600164), PPC_EXIT_ILLEGAL); // mtmsrd r3 with SF
    assert_int_equal(t->s.msr, 0x9030);
}

// Each with r4 (and r5) such that the access is to unmapped memory.
static void faults_change_nothing(void **state)
{
    static const struct {
        uint32_t word;
        bool write;
    } cases[] = {
        {0x80640008, false}, // lwz r3, 8(r4)
        {0x84640008, false}, // lwzu
        {0x84840008, false}, // lwzu r4, 8(r4)
        {0x7C64286E, false}, // lwzux r3, r4, r5
        {0x8C640008, false}, // lbzu
        {0xE8640009, false}, // ldu
        {0xC4640008, false}, // lfsu
        {0xCC640008, false}, // lfdu
        {0x7C6020A8, false}, // ldarx r3, 0, r4
        {0x94640008, true},  // stwu
        {0xF8640009, true},  // stdu
        {0x7C64296E, true},  // stwux
        {0xD4640008, true},  // stfsu
        {0xDC640008, true},  // stfdu
        {0x7C0027EC, true},  // dcbz 0, r4
        {0x7C2027EC, true},  // dcbz128
        {0xBBC40008, false}, // lmw r30
        {0x7C64042A, false}, // lswx r3, r4, r0
    };
    struct machine *t = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned r = 0; r < 32; r++) {
            t->s.gpr[r] = 0x0111111100000000ull * (r + 1) + r;
            t->s.fpr[r] = ~t->s.gpr[r];
        }
        t->s.gpr[4] = 0x5BCD00000; // 0xBCD00000, behind what is committed
        t->s.gpr[5] = 8;
        t->s.xer_count = 9;
        struct ppc_state before = t->s;
        enum ppc_exit why = RUN(t, cases[i].word);
        if (why != PPC_EXIT_FAULT)
            fail_msg("%08x: exit %d", cases[i].word, why);
        assert_int_equal(t->s.pc, CODE);
        assert_int_equal(t->s.fault_write, cases[i].write);
        assert_int_equal(t->s.fault_address & ~15u, 0xBCD00000);
        assert_memory_equal(t->s.gpr, before.gpr, sizeof before.gpr);
        assert_memory_equal(t->s.fpr, before.fpr, sizeof before.fpr);
        assert_memory_equal(t->s.cr, before.cr, sizeof before.cr);
        assert_int_equal(t->s.reserved, 0);
    }
}

// lmw stops at the page that is missing; what came before is done.
static void lmw_across_the_end(void **state)
{
    struct machine *t = *state;
    t->s.gpr[4] = DATA + PAGE - 8;
    t->s.gpr[29] = t->s.gpr[30] = t->s.gpr[31] = 5;
    assert_int_equal(RUN(t, 0xBBA40000), PPC_EXIT_FAULT);
    assert_int_equal(t->s.fault_address, DATA + PAGE);
    assert_int_equal(t->s.gpr[29], 0);
    assert_int_equal(t->s.gpr[31], 5);
}

static void branches_to_the_ends(void **state)
{
    struct machine *t = *state;
    assert_int_equal(RUN(t, 0x4BFFFFFE), PPC_EXIT_FETCH); // ba -4
    assert_int_equal(t->s.pc, 0xFFFFFFFC);
    assert_int_equal(RUN(t, 0x4180FFFA, 0x40800000 | 0x20 | 2), PPC_EXIT_FETCH); // blt never; bgea 0x20
    assert_int_equal(t->s.pc, 0x20);
    t->s.lr = 0x123456780000FFFF;                         // only 32 bits, and the low two do not count
    assert_int_equal(RUN(t, 0x4E800021), PPC_EXIT_FETCH); // blrl
    assert_int_equal(t->s.pc, 0xFFFC);
    assert_int_equal(t->s.lr, CODE + 4);
    t->s.ctr = 0xFFFFFFFF00008002;
    assert_int_equal(RUN(t, 0x4E800421), PPC_EXIT_FETCH); // bctrl
    assert_int_equal(t->s.pc, 0x8000);
}

static void link_without_branch(void **state)
{
    struct machine *t = *state;
    t->s.lr = 5;
    assert_int_equal(RUN(t, 0x60000000, 0x41800009, 0x44000002), PPC_EXIT_SYSCALL); // bltl, not taken
    assert_int_equal(t->s.lr, CODE + 8);
}

static void slices(void **state)
{
    struct machine *t = *state;
    t->s.slice_end = 100;
    assert_int_equal(RUN(t, 0x38630001, 0x4BFFFFFC), PPC_EXIT_SLICE);
    assert_int_equal(t->s.cycles, 100);
    assert_int_equal(t->s.gpr[3], 50);
    assert_int_equal(t->s.pc, CODE);
}

// A reservation does not survive the end of a run, and ends with the store that uses it.
static void reservations(void **state)
{
    struct machine *t = *state;
    t->s.gpr[4] = DATA;
    t->s.gpr[5] = 0x12345678;
    assert_int_equal(RUN(t, 0x7C602028, 0x44000002), PPC_EXIT_SYSCALL); // lwarx
    assert_int_equal(RUN(t, 0x7CA0212D, 0x44000002), PPC_EXIT_SYSCALL); // stwcx.
    assert_int_equal(t->s.cr[PPC_EQ], 0);
    assert_int_equal(RUN(t, 0x7C602028, 0x7CA0212D, 0x44000002), PPC_EXIT_SYSCALL);
    assert_int_equal(t->s.cr[PPC_EQ], 1);
    uint32_t stored;
    assert_true(mem_get32(t->mem, DATA, &stored));
    assert_int_equal(stored, 0x12345678);
}

// icbi makes changed code seen without ending the run, and counts as one instruction.
static void icbi(void **state)
{
    struct machine *t = *state;
    t->s.gpr[4] = CODE + 12;
    t->s.gpr[5] = 0x38600002; // li r3, 2
    t->s.ctr = 2;
    // The store changes the word after next; without icbi the old one might have been decoded already.
    assert_int_equal(RUN(t, 0x90A40000, 0x7C0027AC, 0x60000000, 0x38600001, 0x44000002), PPC_EXIT_SYSCALL);
    assert_int_equal(t->s.gpr[3], 2);
    assert_int_equal(t->s.cycles, 5);
    assert_int_equal(t->s.exit, PPC_EXIT_SYSCALL);
}

static void timebase(void **state)
{
    struct machine *t = *state;
    t->s.cycles = 64ull * 0x123456789 - 1;
    t->s.slice_end = UINT64_MAX;
    assert_int_equal(RUN(t, 0x60000000, 0x7C6C42E6, 0x7C8D42E6, 0x44000002), PPC_EXIT_SYSCALL);
    assert_int_equal(t->s.gpr[3], 0x123456789);
    assert_int_equal(t->s.gpr[4], 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(system_calls),
        TEST(traps),
        TEST(illegal_words),
        TEST(faults_change_nothing),
        TEST(lmw_across_the_end),
        TEST(branches_to_the_ends),
        TEST(slices),
        TEST(reservations),
        TEST(icbi),
        TEST(timebase),
        TEST(link_without_branch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
