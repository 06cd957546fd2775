// Hostile and changing code in every tier, against the interpreter; and that running both engines finds a wrong one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "cpu/engine.h"
#include "memory/memory.h"
#include "cpu_fixture.h"

static const gva CODE = 0x80010000;
static const gva END = 0xBCBCBCBC; // unmapped
enum { CODE_SIZE = 0x200000, WHOLE = 0x100000, KNOWN = 1, BLR = 0x4E800020, ADDI_R3 = 0x38630000, SUBFIC = 0x20630000 };

static bool open_machine(struct machine *m, enum cpu_tier tier)
{
    struct error err;
    assert_true(mem_create(&m->mem, &err));
    assert_true(cpu_create(&m->cpu, m->mem, &err));
    assert_true(mem_allocate_at(m->mem, CODE, CODE_SIZE, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, &err));
    if (cpu_set_tier(m->cpu, tier, &err))
        return true;
    print_message("%s\n", err.message);
    return false;
}

static void put(struct machine *m, gva at, const uint32_t *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        assert_true(mem_set32(m->mem, at + 4 * i, words[i]));
    cpu_invalidate(m->cpu, at, 4 * count);
}

static enum ppc_exit run_at(struct machine *m, gva pc, uint64_t budget)
{
    m->s.pc = pc;
    m->s.lr = END;
    m->s.slice_end = m->s.cycles + budget;
    return cpu_run(m->cpu, &m->s);
}

// Runs `scene` in the interpreter and in each other tier; the states that it leaves must be the same.
typedef void scene_function(struct machine *m, uint32_t size);

static void in_every_tier(scene_function *scene, uint32_t size, bool optimised)
{
    struct machine plain, other;
    assert_true(open_machine(&plain, CPU_INTERPRETER));
    ppc_state_init(&plain.s);
    scene(&plain, size);
    for (enum cpu_tier tier = CPU_QUICK; tier <= CPU_AUTO; tier++) {
        if (tier == CPU_OPTIMISED && !optimised)
            continue;
        if (!open_machine(&other, tier)) {
            close_machine(&other);
            close_machine(&plain);
            skip();
        }
        ppc_state_init(&other.s);
        scene(&other, size);
        if (!same(&plain.s, &other.s))
            print_message("tier %d: pc %08x / %08x, exit %u / %u, r3 %llx / %llx\n", (int)tier, plain.s.pc, other.s.pc, plain.s.exit,
                          other.s.exit, (unsigned long long)plain.s.gpr[3], (unsigned long long)other.s.gpr[3]);
        assert_true(same(&plain.s, &other.s));
        close_machine(&other);
    }
    close_machine(&plain);
}

// A function whose middle others jump to, over a word that is none, and into it.
static void middle(struct machine *m, uint32_t size)
{
    (void)size;
    const uint32_t words[] = {
        ADDI_R3 | 1, 0x48000008 /* b +8 */, 0 /* data */, ADDI_R3 | 2, 0x2C030040 /* cmpwi r3, 64 */, 0x4180FFEC /* blt CODE */, BLR,
    };
    put(m, CODE, words, sizeof words / sizeof *words);
    for (int i = 0; i < 3; i++) {
        m->s.gpr[3] = 0;
        assert_int_equal(run_at(m, CODE, 100000), PPC_EXIT_FETCH);
        assert_int_equal(run_at(m, CODE + 12, 100000), PPC_EXIT_FETCH);
        assert_int_equal(run_at(m, CODE + 16, 100000), PPC_EXIT_FETCH);
        assert_int_equal(run_at(m, CODE + 8, 100000), PPC_EXIT_ILLEGAL);
        assert_int_equal(m->s.pc, CODE + 8);
    }
    assert_int_equal(run_at(m, CODE + CODE_SIZE - 4, 100), PPC_EXIT_ILLEGAL);
    const uint32_t last = ADDI_R3 | 1; // runs out of mapped memory
    put(m, CODE + CODE_SIZE - 4, &last, 1);
    assert_int_equal(run_at(m, CODE + CODE_SIZE - 4, 100), PPC_EXIT_FETCH);
}

static void jumps_into_the_middle_and_into_data(void **state)
{
    (void)state;
    in_every_tier(middle, 0, true);
}

// One function of `size` bytes without any end; it runs a little more than once.
static void end_with_a_jump_back(struct machine *m, uint32_t size)
{
    uint32_t back = 0x48000000 | ((0u - (size - 4)) & 0x03FFFFFC);
    put(m, CODE + size - 4, &back, 1);
    cpu_invalidate(m->cpu, CODE, size);
}

static void endless(struct machine *m, uint32_t size)
{
    for (uint32_t at = 0; at < size - 4; at += 4)
        assert_true(mem_set32(m->mem, CODE + at, ADDI_R3 | (at >> 2 & 0x7FF)));
    end_with_a_jump_back(m, size);
    assert_int_equal(run_at(m, CODE, size / 4 + 1), PPC_EXIT_SLICE);
    assert_int_equal(m->s.pc, CODE);
}

// Every fourth word jumps over the next one, or not. `size` + KNOWN: a loader has said where the function starts and ends.
static void endless_with_branches(struct machine *m, uint32_t size)
{
    enum { BEQ_8 = 0x41820008, BNE_8 = 0x40820008 };
    const uint32_t words[] = {ADDI_R3 | 1, 0x70640007 /* andi. r4, r3, 7 */, ADDI_R3 | 5, BEQ_8, ADDI_R3 | 2, ADDI_R3 | 3, 0x70640003 /* andi. r4, r3, 3 */, BNE_8};
    bool known = size & KNOWN;
    size &= ~(uint32_t)KNOWN;
    for (uint32_t at = 0; at < size - 4; at += 4)
        assert_true(mem_set32(m->mem, CODE + at, words[at / 4 % 8]));
    end_with_a_jump_back(m, size);
    struct cpu_code_range all = {CODE, size};
    struct cpu_code code = {.code = &all, .code_count = 1, .functions = &all, .function_count = known};
    assert_true(cpu_add_code(m->cpu, &code, NULL));
    assert_int_equal(run_at(m, CODE, size / 4 + 1), PPC_EXIT_SLICE);
    assert_int_equal(m->s.pc, CODE);
}

// The optimised tier takes minutes for all of it: by hand, XENOLITH_ENDLESS=0x100000.
static void endless_functions(void **state)
{
    (void)state;
    const char *text = getenv("XENOLITH_ENDLESS");
    const uint32_t size = text ? (uint32_t)strtoul(text, NULL, 0) & ~3u : 0x40000;
    in_every_tier(endless, WHOLE, size >= WHOLE);
    in_every_tier(endless_with_branches, WHOLE | KNOWN, size >= WHOLE);
    in_every_tier(endless_with_branches, size, true);
    if (size >= WHOLE)
        return;
    in_every_tier(endless, size, true);
    in_every_tier(endless_with_branches, size | KNOWN, true);
}

// ---- Jumps to where no code is

static void jump_to(struct machine *m, gva target, enum ppc_exit why)
{
    for (uint32_t i = 0; i < 3; i++) {
        m->s.ctr = target;
        m->s.exit = 0;
        assert_int_equal(run_at(m, CODE, 100), why);
        assert_int_equal(m->s.pc, target & ~3u);
    }
}

static void nowhere(struct machine *m, uint32_t branch)
{
    enum { INSTRUCTION = ADDI_R3 | 1 };
    static const gva unreadable = CODE + 0x40000, readable = CODE + 0x50000, gone = CODE + 0x60000;
    const uint32_t words[] = {ADDI_R3 | 7, branch, ADDI_R3 | 9, BLR}, code[] = {INSTRUCTION, 0};
    put(m, CODE, words, sizeof words / sizeof *words);
    put(m, CODE + 0x1000, code, 2);
    for (uint32_t low = 1; low < 4; low++) { // not aligned: the low bits count for nothing
        m->s.ctr = CODE + 0x1000 + low;
        assert_int_equal(run_at(m, CODE, 100), PPC_EXIT_ILLEGAL);
        assert_int_equal(m->s.pc, CODE + 0x1004);
    }
    static const gva unmapped[] = {0, 4, 0x20000001, 0x7FC80000, 0x8FFFFFFC, CODE - 4, CODE + CODE_SIZE, 0xFFFFF000, 0xFFFFFFFC, 0xFFFFFFFF};
    for (uint32_t i = 0; i < sizeof unmapped / sizeof *unmapped; i++)
        jump_to(m, unmapped[i], PPC_EXIT_FETCH);
    put(m, unreadable, code, 2);
    put(m, readable, code, 2);
    put(m, gone, code, 2);
    for (int round = 0; round < 3; round++) { // what was there, decoded and compiled, may not be any more
        m->s.ctr = gone;
        assert_int_equal(run_at(m, CODE, 100), PPC_EXIT_ILLEGAL);
        assert_int_equal(m->s.pc, gone + 4);
    }
    assert_true(mem_protect(m->mem, unreadable, 0x10000, MEM_NONE, NULL, NULL));
    assert_true(mem_protect(m->mem, readable, 0x10000, MEM_READ, NULL, NULL)); // the console's pages have no bit against execution
    assert_true(mem_decommit(m->mem, gone, 0x10000, NULL));
    jump_to(m, unreadable, PPC_EXIT_FETCH);
    jump_to(m, gone, PPC_EXIT_FETCH);
    m->s.ctr = readable;
    assert_int_equal(run_at(m, CODE, 100), PPC_EXIT_ILLEGAL);
    assert_int_equal(m->s.pc, readable + 4);
}

static void jumps_to_nowhere(void **state)
{
    (void)state;
    in_every_tier(nowhere, 0x4E800420 /* bctr */, true);
    in_every_tier(nowhere, 0x4E800421 /* bctrl */, true);
}

// The last word before unmapped memory is entered by a jump: what it is decides where it goes from there.
static void last_word(struct machine *m, uint32_t word)
{
    const gva last = CODE + CODE_SIZE - 4;
    const uint32_t jump = 0x48000000 | (CODE_SIZE - 4), before[] = {ADDI_R3 | 1, ADDI_R3 | 2, ADDI_R3 | 3, word};
    put(m, CODE, &jump, 1);
    put(m, last - 12, before, 4);
    for (uint32_t i = 0; i < 250; i++) {
        m->s.gpr[4] = CODE + 0x100;
        m->s.ctr = i % 3;
        m->s.cr[2] = i % 2;
        m->s.exit = 0;
        enum ppc_exit why = run_at(m, i % 5 ? CODE : last - 12, 100);
        assert_true(why == PPC_EXIT_FETCH || why == PPC_EXIT_SYSCALL || why == PPC_EXIT_SLICE || why == PPC_EXIT_ILLEGAL);
    }
}

static void jumps_to_the_last_word(void **state)
{
    (void)state;
    static const uint32_t words[] = {
        ADDI_R3 | 1, 0x80A40000 /* lwz r5, 0(r4) */, 0x90A40000 /* stw r5, 0(r4) */, 0x4182FFF4 /* beq back 12 */, 0x41820008 /* beq on */,
        0x4200FFF4 /* bdnz back 12 */, 0x4BFFFFF5 /* bl back 12 */, 0x48000005 /* bl on */, 0x48000000 /* b to itself */, BLR, 0x44000002 /* sc */,
        0x7CE0042A /* lswx: out of line */, 0xEC22182A /* fadds */, 0 /* none */,
    };
    for (uint32_t i = 0; i < sizeof words / sizeof *words; i++)
        in_every_tier(last_word, words[i], true);
}

// stw r5, 0(r4); icbi 0, r4; isync; the word at r4; blr
static void self_modifying(struct machine *m, uint32_t size)
{
    (void)size;
    const uint32_t words[] = {0x90A40000, 0x7C0027AC, 0x4C00012C, ADDI_R3 | 1, 0x4200FFF0 /* bdnz CODE */, BLR};
    put(m, CODE, words, sizeof words / sizeof *words);
    for (uint32_t i = 0; i < 300; i++) {
        m->s.gpr[4] = CODE + 12;
        m->s.gpr[5] = i % 7 ? (uint32_t)ADDI_R3 | (i & 15) : SUBFIC | i;
        m->s.ctr = 1 + i % 5;
        assert_int_equal(run_at(m, CODE, 100000), PPC_EXIT_FETCH);
    }
    m->s.gpr[5] = 0; // no instruction
    m->s.ctr = 2;
    assert_int_equal(run_at(m, CODE, 100000), PPC_EXIT_ILLEGAL);
}

static void self_modifying_code(void **state)
{
    (void)state;
    in_every_tier(self_modifying, 0, true);
}

// Another function at the same place, as a loader does it, also where its caller is compiled.
static void newly_loaded(struct machine *m, uint32_t size)
{
    (void)size;
    // mflr r12; bl CODE + 0x1000; mtlr r12; blr
    const uint32_t caller[] = {0x7D8802A6, 0x48000FFD, 0x7D8803A6, BLR};
    put(m, CODE, caller, 4);
    for (uint32_t i = 0; i < 250; i++) {
        const uint32_t function[] = {ADDI_R3 | (i & 31), i & 1 ? (uint32_t)BLR : (uint32_t)ADDI_R3 | 3, BLR};
        if (i % 50 < 10)
            put(m, CODE + 0x1000, function, 3);
        assert_int_equal(run_at(m, CODE, 100000), PPC_EXIT_FETCH);
    }
}

static void newly_loaded_code(void **state)
{
    (void)state;
    in_every_tier(newly_loaded, 0, true);
}

static void enter_garbage(struct machine *m, gva pc)
{
    m->s.gpr[1] = m->s.gpr[2] = CODE + 0x180000; // behind the code
    enum ppc_exit why = run_at(m, pc, 2000);
    if (why == PPC_EXIT_FAULT) { // the other registers: docs/recompiler.md
        uint64_t cycles = m->s.cycles;
        uint32_t at = m->s.pc;
        ppc_state_init(&m->s);
        m->s.cycles = cycles;
        m->s.pc = at;
    }
    m->s.exit = 0;
    for (int r = 0; r < 32; r++)
        m->s.gpr[r] &= 0xFFFF;
}

// Words without any sense, entered anywhere.
static void garbage(struct machine *m, uint32_t seed)
{
    enum { WORDS = 300, ENTRIES = 40 };
    uint32_t words[WORDS], x = seed;
    for (uint32_t i = 0; i < WORDS; i++) {
        x = x * 1664525 + 1013904223;
        words[i] = x >> 29 ? x ^ x >> 15 : 0x48000000 | (x >> 3 & 0x3FC); // jumps among them
    }
    put(m, CODE, words, WORDS);
    for (uint32_t i = 0; i < ENTRIES; i++)
        enter_garbage(m, CODE + 4 * ((seed + i * 37) % WORDS));
}

// A loop that runs out of memory: pc, time, memory and the address in every tier; all registers but in optimised code, which says so.
static void run_out_of_memory(struct machine *m, uint32_t exact)
{
    // loop: lwz r6, 0(r4); add r3, r3, r6; stwu r3, 4(r4); addi r7, r7, 1; bdnz loop; blr
    const uint32_t words[] = {0x80C40000, 0x7C633214, 0x94640004, 0x38E70001, 0x4200FFF0, BLR};
    put(m, CODE, words, sizeof words / sizeof *words);
    for (uint32_t i = 0; i < 3; i++) {
        m->s.gpr[3] = i;
        m->s.gpr[4] = CODE + CODE_SIZE - 400;
        m->s.ctr = 1000;
        m->s.exit = 0;
        assert_int_equal(run_at(m, CODE, 100000), PPC_EXIT_FAULT);
        assert_int_equal(m->s.pc, CODE + 8);
        assert_int_equal(m->s.fault_address, CODE + CODE_SIZE);
        assert_true(m->s.fault_write);
        assert_int_equal(m->s.cycles, (i + 1) * (99 * 5 + 2));
        if (exact || cpu_registers_known(m->cpu)) {
            assert_int_equal(m->s.gpr[7], (i + 1) * 99);
            assert_int_equal(m->s.gpr[4], CODE + CODE_SIZE - 4);
        }
        if (exact)
            assert_true(cpu_registers_known(m->cpu));
        m->s.gpr[7] = (i + 1) * 99;
    }
}

static void a_fault_in_a_loop(void **state)
{
    (void)state;
    struct machine plain, other;
    assert_true(open_machine(&plain, CPU_INTERPRETER));
    ppc_state_init(&plain.s);
    run_out_of_memory(&plain, true);
    for (enum cpu_tier tier = CPU_QUICK; tier <= CPU_AUTO; tier++) {
        if (!open_machine(&other, tier)) {
            close_machine(&other);
            close_machine(&plain);
            skip();
        }
        ppc_state_init(&other.s);
        run_out_of_memory(&other, tier == CPU_QUICK);
        assert_memory_equal(mem_at(plain.mem, CODE, CODE_SIZE, MEM_READ), mem_at(other.mem, CODE, CODE_SIZE, MEM_READ), CODE_SIZE);
        assert_true(tier != CPU_OPTIMISED || !cpu_registers_known(other.cpu));
        close_machine(&other);
    }
    close_machine(&plain);
}

// A loop whose unit knows that f1 holds a single, entered while it holds none: what the loop starts with is the interpreter's then,
// be it a branch or an instruction that ends the run.
static void enter_with_a_double(struct machine *m, uint32_t first)
{
    enum { NOP = 0x60000000, BDNZ = 0x42000000 };
    const uint32_t words[] = {0xEC22182A /* fadds f1, f2, f3 */, first, NOP, 0xEC210072 /* fmuls f1, f1, f1 */, BDNZ | 0xFFF4, BLR};
    put(m, CODE, words, sizeof words / sizeof *words);
    ppc_set_fpscr(&m->s, 0x02000000); // inexact already: compiled code does the arithmetic
    for (int i = 0; i < 4; i++) {
        const double three = 3, third = 1 / three;
        memcpy(&m->s.fpr[2], &three, 8);
        memcpy(&m->s.fpr[3], &three, 8);
        m->s.ctr = 5;
        run_at(m, CODE, 100);
        memcpy(&m->s.fpr[1], &third, 8);
        m->s.ctr = 5;
        m->s.exit = 0;
        run_at(m, CODE + 4, 100);
    }
}

static void with_a_double(struct machine *m, uint32_t size)
{
    (void)size;
    enum { BEQ = 0x41820008, BNE_BACK = 0x4082FFFC, B = 0x48000008, MFSPR_190 = 0x7C7E2AA6, MTCTR = 0x7D4903A6 };
    const uint32_t firsts[] = {BEQ, BNE_BACK, B, MFSPR_190, MTCTR, 0x7CE0042A /* lswx: out of line */, 0x44000002 /* sc */, 0 /* none */};
    for (uint32_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        m->s.gpr[10] = 3;
        enter_with_a_double(m, firsts[i]);
    }
}

static void entries_with_doubles(void **state)
{
    (void)state;
    in_every_tier(with_a_double, 0, true);
}

// A loop that computes is left once, by a way that clears FPSCR in the interpreter's hands, and entered again there: its fast form is
// for another FPSCR. The loop starts the unit.
static void clear_fpscr_beside_a_loop(struct machine *m, uint32_t size)
{
    (void)size;
    const uint32_t words[] = {0x38630001 /* addi r3, r3, 1 */, 0x2C030003 /* cmpwi r3, 3 */, 0x40820008 /* bne the fadd */, 0xFDFE258F /* mtfsf. 255, f4 */,
                              0xFC21102A /* fadd f1, f1, f2 */, 0x4200FFEC /* bdnz CODE */, BLR};
    const double third = 1.0 / 3;
    put(m, CODE, words, sizeof words / sizeof *words);
    ppc_set_fpscr(&m->s, 0x02000000);
    memcpy(&m->s.fpr[1], &third, 8);
    memcpy(&m->s.fpr[2], &third, 8);
    m->s.fpr[4] = 0;
    m->s.gpr[3] = 0;
    m->s.ctr = 6;
    run_at(m, CODE, 100);
}

static void fpscr_cleared_beside_a_loop(void **state)
{
    (void)state;
    in_every_tier(clear_fpscr_beside_a_loop, 0, true);
}

// Not every way through an instruction is one through its form here: fctiwz without the dot writes no CR field.
static void convert_beside_a_compare(struct machine *m, uint32_t size)
{
    (void)size;
    const uint32_t words[] = {0x2C830003 /* cmpwi cr1, r3, 3 */, 0xFC20081E /* fctiwz f1, f1 */, 0x38630001 /* addi r3, r3, 1 */, 0x4184FFF4 /* blt cr1, CODE */, BLR};
    put(m, CODE, words, sizeof words / sizeof *words);
    m->s.gpr[3] = 0;
    ppc_set_fpscr(&m->s, 0x02000000);
    run_at(m, CODE, 100);
    run_at(m, CODE, 100);
}

static void conversions_beside_compares(void **state)
{
    (void)state;
    struct machine m;
    in_every_tier(convert_beside_a_compare, 0, true);
    assert_true(open_machine(&m, CPU_OPTIMISED));
    ppc_state_init(&m.s);
    convert_beside_a_compare(&m, 0);
    assert_true(cpu_has_entry(m.cpu, CODE)); // it could be translated
    close_machine(&m);
}

// The same all over a MB, without end.
static void much_garbage(struct machine *m, uint32_t seed)
{
    enum { WORDS = 0x100000 / 4, ENTRIES = 100 };
    uint64_t x = seed;
    for (uint32_t i = 0; i < WORDS; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        assert_true(mem_set32(m->mem, CODE + 4 * i, (uint32_t)(x >> 32)));
    }
    cpu_invalidate(m->cpu, CODE, 4 * WORDS);
    for (uint32_t i = 0; i < ENTRIES; i++)
        enter_garbage(m, CODE + 4 * (uint32_t)((x >> 20) * i % WORDS));
}

static void garbage_as_code(void **state)
{
    (void)state;
    in_every_tier(much_garbage, 1, true);
    for (uint32_t seed = 1; seed <= 4; seed++)
        in_every_tier(garbage, seed, true);
}

static uint32_t next_random(uint32_t *x)
{
    *x = *x * 1664525 + 1013904223;
    return *x >> 8;
}

// A register that holds a single stays one over an instruction that looks at the state on some way only.
static void with_a_single(struct machine *m, uint32_t size)
{
    enum { HALF = 0x3F000000, PLACE = 0x8000 };
    (void)size;
    const uint32_t words[] = {0x38630001 /* addi r3, r3, 1 */, 0x4200FFFC /* bdnz CODE */, 0xC1440000 /* lfs f10, 0(r4) */,
                              0xFD60101E /* fctiwz f11, f2 */, 0xFC2C502A /* fadd f1, f12, f10 */, BLR};
    const double old = 7, third = 1.0 / 3;
    put(m, CODE, words, sizeof words / sizeof *words);
    assert_true(mem_set32(m->mem, CODE + PLACE, HALF));
    m->s.gpr[4] = CODE + PLACE;
    for (uint32_t fpscr = 0; fpscr <= 1; fpscr++) {
        ppc_set_fpscr(&m->s, fpscr ? 0x02000000 : 0);
        memcpy(&m->s.fpr[2], &third, 8);
        memcpy(&m->s.fpr[10], &old, 8);
        memcpy(&m->s.fpr[12], &third, 8);
        m->s.ctr = 5;
        run_at(m, CODE, 100);
        const double sum = third + 0.5;
        assert_memory_equal(&m->s.fpr[1], &sum, 8);
        m->s.exit = 0;
    }
}

// A block ends with the instruction that makes the single, and goes on where others come with a double.
static void with_a_single_or_not(struct machine *m, uint32_t size)
{
    enum { HALF = 0x3F000000, PLACE = 0x8000 };
    (void)size;
    const uint32_t words[] = {0x38630001 /* addi r3, r3, 1 */, 0x4200FFFC /* bdnz CODE */, 0x2C050000 /* cmpwi r5, 0 */, 0x41820008 /* beq the fadd */,
                              0xC1440000 /* lfs f10, 0(r4) */, 0xFC2C502A /* fadd f1, f12, f10 */, BLR};
    const double old = 1.0 / 7, third = 1.0 / 3;
    put(m, CODE, words, sizeof words / sizeof *words);
    assert_true(mem_set32(m->mem, CODE + PLACE, HALF));
    m->s.gpr[4] = CODE + PLACE;
    ppc_set_fpscr(&m->s, 0x02000000);
    for (uint32_t loads = 0; loads <= 1; loads++) {
        m->s.gpr[5] = loads;
        memcpy(&m->s.fpr[10], &old, 8);
        memcpy(&m->s.fpr[12], &third, 8);
        m->s.ctr = 5;
        run_at(m, CODE, 100);
        const double sum = third + (loads ? 0.5 : old);
        assert_memory_equal(&m->s.fpr[1], &sum, 8);
        m->s.exit = 0;
    }
}

// Random: singles, doubles, loads, stores, compares and branches ahead, in a loop and behind it.
static uint32_t random_float(uint32_t *x)
{
    static const uint32_t forms[] = {
        0xC0040000 /* lfs */,      0xC8040008 /* lfd */,    0xD0040010 /* stfs */,   0xD8040018 /* stfd */,   0xFC00002A /* fadd */,
        0xEC00002A /* fadds */,    0xFC000032 /* fmul */,   0xEC000032 /* fmuls */,  0xFC00003A /* fmadd */,  0xEC00003A /* fmadds */,
        0xFC000018 /* frsp */,     0xFC000090 /* fmr */,    0xFC000050 /* fneg */,   0xFC000210 /* fabs */,   0xFC00001E /* fctiwz */,
        0xFC00069C /* fcfid */,    0xFC00002E /* fsel */,   0xEC000028 /* fsubs */,  0xFC000028 /* fsub */,   0xFC000000 /* fcmpu 0 */,
        0x41820008 /* beq +8 */,   0x4181000C /* bgt +12 */, 0x40800008 /* bge +8 */, 0xFC00048E /* mffs */,
    };
    uint32_t n = next_random(x) % (sizeof forms / sizeof *forms), form = forms[n], d = next_random(x) % 6, a = next_random(x) % 6,
             b = next_random(x) % 6, c = next_random(x) % 6;
    if (n < 4)
        return form | d << 21 | (next_random(x) & 1) << 5;
    if (form >> 26 == 16)
        return form;
    if (form >> 26 == 63 && (form >> 1 & 0x3FF) == 0)
        return form | a << 16 | b << 11;
    bool multiplies = (form >> 1 & 31) == 25, adds = (form >> 1 & 31) == 29 || (form >> 1 & 31) == 23; // three operands
    bool two = (form >> 1 & 31) == 20 || (form >> 1 & 31) == 21;
    return form | d << 21 | (multiplies || adds || two ? a << 16 : 0) | (multiplies || form == 0xFC00048E ? 0 : b << 11) | (multiplies || adds ? c << 6 : 0);
}

// XENOLITH_SEED, XENOLITH_LOOPS: the first seed of random loops, and how many there are.
static uint32_t setting(const char *name, uint32_t otherwise)
{
    const char *text = getenv(name);
    return text ? (uint32_t)strtoul(text, NULL, 0) : otherwise;
}

// ---- Results that compiled code looks at together (checks.c): any of them may be the one that is no ordinary number, alone or with another.

static void fold_floats(struct machine *m, uint64_t *sum)
{
    for (int i = 0; i < 16; i++)
        *sum = (*sum ^ m->s.fpr[i]) * 0x100000001B3;
    *sum = (*sum ^ ppc_fpscr(&m->s) ^ m->s.gpr[3] ^ (uint64_t)m->s.pc << 32 ^ m->s.cycles) * 0x100000001B3;
    m->s.exit = 0;
}

static void put_loop(struct machine *m, const uint32_t *body, uint32_t count)
{
    const uint32_t end[] = {0x42000000 | ((0u - 4 * count) & 0xFFFC) /* bdnz */, BLR};
    put(m, CODE, body, count);
    put(m, CODE + 4 * count, end, 2);
}

static void run_group(struct machine *m, uint64_t *sum)
{
    m->s.gpr[3] = 0;
    m->s.ctr = 2;
    ppc_set_fpscr(&m->s, 0x02000000);
    run_at(m, CODE, 5);
    fold_floats(m, sum);
    run_at(m, m->s.pc == END ? CODE : m->s.pc, 100);
    fold_floats(m, sum);
}

static void doubles_together(struct machine *m, uint32_t size)
{
    (void)size;
    static const uint32_t body[] = {
        0xFD400072 /* fmul f10, f0, f1 */,   0xFD62182A /* fadd f11, f2, f3 */, 0xFD8429BA /* fmadd f12, f4, f6, f5 */, 0x38630001 /* addi r3, r3, 1 */,
        0xFDCA02F2 /* fmul f14, f10, f11 */, 0xFD6C5028 /* fsub f11, f12, f10 */, 0xFDE0482C /* fsqrt f15, f9 */,        0xFDA74024 /* fdiv f13, f7, f8 */,
    };
    static const uint64_t kinds[] = {
        0, 1ull << 63, 1, 0x800FFFFFFFFFFFFF, 0x0010000000000000, 0x0010000000000001, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, 0xFFF0000000000000,
        0x7FF8000000000000, 0xFFF4000000000001, 0x1FFFFFFFFFFFFFFF, 0x2000000000000000, 0x5FFFFFFFFFFFFFFF, 0xE000000000000000,
    };
    enum { OPERANDS = 10, KINDS = sizeof kinds / sizeof *kinds };
    uint64_t sum = 0;
    put_loop(m, body, sizeof body / sizeof *body);
    for (uint32_t n = 0; n < OPERANDS * OPERANDS * KINDS * KINDS; n++) {
        for (uint32_t i = 0; i < OPERANDS; i++)
            m->s.fpr[i] = 0x3FF0000000000000 + i * 0x0008123456789000;
        m->s.fpr[n % OPERANDS] = kinds[n / OPERANDS % KINDS];
        m->s.fpr[n / OPERANDS / KINDS % OPERANDS] = kinds[n / OPERANDS / KINDS / OPERANDS];
        run_group(m, &sum);
    }
    m->s.gpr[31] = sum;
}

static void singles_together(struct machine *m, uint32_t size)
{
    (void)size;
    enum { PLACE = 0x8000, OPERANDS = 7 };
    static const uint32_t body[] = {
        0xC0040000 /* lfs f0, 0(r4) */,    0xC0240004, 0xC0440008, 0xC064000C, 0xC0840010, 0xC0A40014, 0xC0C40018 /* lfs f6, 24(r4) */,
        0xED400072 /* fmuls f10, f0, f1 */, 0xED62182A /* fadds f11, f2, f3 */, 0xED8429BA /* fmadds f12, f4, f6, f5 */, 0xEDAA02F2 /* fmuls f13, f10, f11 */,
        0xFDCA602A /* fadd f14, f10, f12 */, 0xED6C6828 /* fsubs f11, f12, f13 */, 0xFDE07018 /* frsp f15, f14 */, 0xED2501B2 /* fmuls f9, f5, f6 */,
        0x38630001 /* addi r3, r3, 1 */,
    };
    static const uint32_t kinds[] = {
        0, 0x80000000, 1, 0x807FFFFF, 0x00800000, 0x00800001, 0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7F800001, 0xFFBFFFFF, 0x1FFFFFFF, 0x20000000,
        0x5FFFFFFF, 0xE0000000,
    };
    enum { KINDS = sizeof kinds / sizeof *kinds };
    uint64_t sum = 0;
    put_loop(m, body, sizeof body / sizeof *body);
    m->s.gpr[4] = CODE + PLACE;
    for (uint32_t n = 0; n < OPERANDS * OPERANDS * KINDS * KINDS; n++) {
        for (uint32_t i = 0; i < OPERANDS; i++)
            assert_true(mem_set32(m->mem, CODE + PLACE + 4 * i, 0x3F800000 + i * 0x00412340));
        assert_true(mem_set32(m->mem, CODE + PLACE + 4 * (n % OPERANDS), kinds[n / OPERANDS % KINDS]));
        assert_true(mem_set32(m->mem, CODE + PLACE + 4 * (n / OPERANDS / KINDS % OPERANDS), kinds[n / OPERANDS / KINDS / OPERANDS]));
        run_group(m, &sum);
    }
    m->s.gpr[31] = sum;
}

// More results than are looked at together, and a sum whose infinity the quotient behind it does not show.
static void many_together(struct machine *m, uint32_t size)
{
    (void)size;
    static const uint32_t body[] = {
        0xFCE00072 /* fmul f7, f0, f1 */, 0xFD000072, 0xFD200072, 0xFD400072, 0xFD600072, 0xFDA00072, 0xFDC00072, 0xFDE00072 /* fmul f15, f0, f1 */,
        0xFCE00072 /* fmul f7, f0, f1 */, 0xFD62182A /* fadd f11, f2, f3 */, 0xFD845824 /* fdiv f12, f4, f11 */,
    };
    static const uint64_t sums[] = {0x7FEFFFFFFFFFFFFF, 0xFFEFFFFFFFFFFFFF, 0x3FF0000000000000, 0, 0x7FF8000000000000}, dividends[] = {0, 1ull << 63, 0x4000000000000000};
    uint64_t sum = 0;
    put_loop(m, body, sizeof body / sizeof *body);
    m->s.fpr[0] = m->s.fpr[1] = 0x3FF8000000000000;
    for (uint32_t n = 0; n < 15; n++) {
        m->s.fpr[2] = m->s.fpr[3] = sums[n % 5];
        m->s.fpr[4] = dividends[n / 5];
        run_group(m, &sum);
    }
    m->s.gpr[31] = sum;
}

static void results_looked_at_together(void **state)
{
    (void)state;
    in_every_tier(many_together, 0, true);
    in_every_tier(doubles_together, 0, true);
    in_every_tier(singles_together, 0, true);
}

// Random: much arithmetic, in double and single, few other things, and operands of all kinds.
static uint32_t random_arithmetic(uint32_t *x)
{
    static const uint32_t forms[] = {0xFC00002A /* fadd */, 0xFC000028, 0xFC000032 /* fmul */, 0xFC000024, 0xFC00003A /* fmadd */, 0xFC000038, 0xFC00003C,
                                     0xEC00002A /* fadds */, 0xEC000028, 0xEC000032 /* fmuls */, 0xEC000024, 0xEC00003A /* fmadds */, 0xEC00003E, 0xFC000018 /* frsp */,
                                     0xFC00002C /* fsqrt */};
    uint32_t kind = next_random(x) % 100, form = forms[next_random(x) % (sizeof forms / sizeof *forms)], d = next_random(x) % 6, a = next_random(x) % 6,
             b = next_random(x) % 6, c = next_random(x) % 6, operation = form >> 1 & 31;
    if (kind < 15)
        return random_float(x);
    if (kind < 25)
        return 0x38630001; // addi r3, r3, 1
    bool has_a = operation != 12 && operation != 22, has_b = operation != 25, has_c = operation == 25 || operation >= 28;
    return form | d << 21 | (has_a ? a << 16 : 0) | (has_b ? b << 11 : 0) | (has_c ? c << 6 : 0);
}

static void arithmetic_in_loop(struct machine *m, uint32_t seed)
{
    enum { BODY = 14, LONGEST = 40, PLACE = 0x8000 };
    static const uint64_t rare[] = {0, 1ull << 63, 1, 0x0010000000000000, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, 0x7FF8000000000000, 0x7FF0000020000000,
                                    0x36A0000000000000, 0x47EFFFFFE0000000, 0x1FFFFFFFFFFFFFFF, 0x6000000000000000, 0x3810000000000000};
    enum { RARE = sizeof rare / sizeof *rare };
    uint32_t words[BODY + 3] = {0}, x = seed;
    for (uint32_t i = 0; i < BODY; i++)
        words[i] = random_arithmetic(&x);
    for (uint32_t i = BODY; i < BODY + 3; i++)
        words[i] = 0x60000000; // where branches ahead lead to
    put_loop(m, words, BODY + 3);
    uint64_t sum = 0;
    for (uint32_t n = 1; n < LONGEST; n++) {
        for (uint32_t i = 0; i < 16; i++)
            assert_true(mem_set32(m->mem, CODE + PLACE + 4 * i, next_random(&x) % 8 ? 0x3E800000 + (next_random(&x) & 0x01FFFFF8) : next_random(&x) << 8));
        for (int i = 0; i < 6; i++)
            m->s.fpr[i] = next_random(&x) % 4 ? 0x3FE0000000000000 + ((uint64_t)(next_random(&x) & 0xFFFFF) << 33) : rare[next_random(&x) % RARE];
        m->s.gpr[4] = CODE + PLACE;
        m->s.ctr = 3;
        ppc_set_fpscr(&m->s, n % 8 ? 0x02000000 : 0);
        run_at(m, CODE, n);
        fold_floats(m, &sum);
        for (int run = 0; run < 3; run++) {
            run_at(m, m->s.pc == END ? CODE : m->s.pc, 9);
            fold_floats(m, &sum);
        }
    }
    m->s.gpr[31] = sum;
}

static void arithmetic_in_loops(void **state)
{
    (void)state;
    uint32_t first = setting("XENOLITH_SEED", 1), count = setting("XENOLITH_LOOPS", 40);
    for (uint32_t seed = first; seed < first + count; seed++)
        in_every_tier(arithmetic_in_loop, seed * 7919, true);
}

static void singles_among_doubles(void **state)
{
    (void)state;
    in_every_tier(with_a_single, 0, true);
    in_every_tier(with_a_single_or_not, 0, true);
}

// ---- Compares, whose bits compiled code makes only where something looks, in loops, or behind branches on them: random code in which compares of
// all kinds, bits written one by one, branches and other exits meet, ended after each number of instructions and gone on with from there. In a
// loop, in one that calls, in none.
enum form { LOOP, CALLS, STRAIGHT, FORMS };

// Fields from the word: registers r3 to r6, CR fields 0, 1, 6 and 7.
static uint32_t random_compare(uint32_t *x)
{
    static const uint32_t forms[] = {0x7C000000 /* cmpw */, 0x7C200000 /* cmpd */, 0x7C000040 /* cmplw */, 0x7C200040 /* cmpld */,
                                     0x2C000000 /* cmpwi */, 0x2C200000 /* cmpdi */, 0x28000000 /* cmplwi */, 0x28200000 /* cmpldi */};
    static const uint32_t fields[] = {0, 1, 6, 7};
    uint32_t n = next_random(x) % 12, form = forms[n < 8 ? n : n % 2 ? 0 : 4], field = fields[next_random(x) % 4];
    uint32_t right = form >> 26 == 31 ? (3 + next_random(x) % 4) << 11 : (next_random(x) % 3 - 1) & 0xFFFF;
    return form | field << 23 | (3 + next_random(x) % 4) << 16 | right;
}

static uint32_t random_other(uint32_t *x)
{
    static const uint32_t words[] = {
        0x34630001 /* addic. r3, r3, 1 */, 0x70A40005 /* andi. r4, r5, 5 */,    0x7C632E35 /* srad. r3, r3, r5 */,
        0x7CA42615 /* addo. r5, r4, r4 */, 0x7CC500D1 /* neg. r6, r5 */,        0x7C641AD7 /* mullw. r3, r4, r3 */,
        0x38840001 /* addi r4, r4, 1 */,   0x7CC62A78 /* xor r6, r6, r5 */,     0x7CE00026 /* mfcr r7 */,
        0x7C701120 /* mtcrf 1, r3 */,      0x7C6FF120 /* mtcrf 255, r3 */,      0x7F000400 /* mcrxr 6 */,
        0xFF811000 /* fcmpu 7, f1, f2 */,  0xFC020800 /* fcmpu 0, f2, f1 */,    0xEC21082A /* fadds f1, f1, f1 */,
        0xFC22102B /* fadd. f1, f2, f2 */, 0x10220C86 /* vcmpequw. v1, v2, v1 */, 0x7C60512D /* stwcx. r3, 0, r10 */,
        0x7C605028 /* lwarx r3, 0, r10 */, 0x7CA42614 /* addo r5, r4, r4 */,
        0x7C8103A6 /* mtxer r4 */,         0x7C6803A6 /* mtlr r3 */,
    };
    return words[next_random(x) % (sizeof words / sizeof *words)];
}

static uint32_t random_word(uint32_t *x, uint32_t at, enum form form)
{
    static const uint32_t bits[] = {0, 1, 2, 3, 4, 5, 6, 24, 25, 26, 28, 29, 30, 31};
    static const uint32_t operations[] = {0x4C000202 /* crand */, 0x4C000382 /* cror */, 0x4C000182 /* crxor */, 0x4C000042 /* crnor */};
    enum { COUNT = sizeof bits / sizeof *bits };
    uint32_t kind = next_random(x) % 100, bit = bits[next_random(x) % COUNT], other = bits[next_random(x) % COUNT];
    if (kind < 40)
        return random_compare(x);
    if (kind < 65) // a branch ahead, sometimes back
        return 0x40000000 | (next_random(x) & 1 ? 12u : 4u) << 21 | bit << 16 | (kind < 60 || at < 8 ? 8 + 4 * (next_random(x) % 3) : (0u - 4 * (next_random(x) % 8)) & 0xFFFC);
    if (form != LOOP && kind < 70) // a return or a call, perhaps
        return (kind < 68 ? 0x4C000020 : 0x40000009) | (next_random(x) & 1 ? 12u : 4u) << 21 | bit << 16;
    if (kind < 72)
        return operations[next_random(x) % 4] | bit << 21 | other << 16 | bits[next_random(x) % COUNT] << 11;
    return random_other(x);
}

static void fold_state(struct machine *m, uint64_t *sum)
{
    for (int i = 0; i < 32; i++)
        *sum = (*sum ^ m->s.cr[i]) * 0x100000001B3;
    for (int i = 3; i < 8; i++)
        *sum = (*sum ^ m->s.gpr[i]) * 0x100000001B3;
    *sum = (*sum ^ m->s.pc ^ m->s.cycles) * 0x100000001B3;
    m->s.exit = 0;
}

static void compare(struct machine *m, uint32_t seed)
{
    enum { BODY = 20, LONGEST = 70, PLACE = 0x100000, COUNT = BODY + 8 };
    enum form form = seed % FORMS;
    static const uint64_t values[] = {0, 1, 0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 0x100000000, ~0ull, 0xFFFFFFFF80000000, 0x7FFFFFFFFFFFFFFF};
    uint32_t words[COUNT] = {0}, x = seed;
    for (uint32_t i = 0; i < BODY; i++)
        words[i] = random_word(&x, i, form);
    for (uint32_t i = BODY; i < BODY + 4; i++)
        words[i] = 0x60000000; // where branches ahead lead to
    if (form == CALLS)
        words[BODY] = 0x4800001D; // bl to the last word
    words[BODY + 4] = form == STRAIGHT ? 0x60000000 : 0x42000000 | ((0u - 4 * (BODY + 4)) & 0xFFFC); // bdnz
    words[BODY + 5] = 0x7D0803A6; // mtlr r8
    words[BODY + 6] = words[BODY + 7] = BLR;
    put(m, CODE, words, COUNT);
    uint64_t sum = 0;
    for (uint32_t n = 1; n < LONGEST; n++) {
        for (int i = 3; i < 7; i++)
            m->s.gpr[i] = values[next_random(&x) % (sizeof values / sizeof *values)];
        for (int i = 0; i < 32; i++)
            m->s.cr[i] = next_random(&x) & 1;
        m->s.gpr[8] = END;
        m->s.gpr[10] = CODE + PLACE;
        m->s.fpr[1] = n % 3 ? 0x3FF8000000000000 : 0x7FF8000000000000;
        m->s.fpr[2] = 0x3FD5555555555555;
        ppc_set_fpscr(&m->s, n & 1 ? 0x02000000 : 0);
        m->s.ctr = 4;
        run_at(m, CODE, n);
        fold_state(m, &sum);
        for (int i = 0; i < 3; i++) {
            run_at(m, m->s.pc == END ? CODE : m->s.pc, 9);
            fold_state(m, &sum);
        }
    }
    m->s.gpr[31] = sum;
}

static void compares(void **state)
{
    (void)state;
    uint32_t first = setting("XENOLITH_SEED", 1), count = setting("XENOLITH_LOOPS", 120);
    for (uint32_t seed = first; seed < first + count; seed++) {
        struct machine m;
        in_every_tier(compare, seed * 7919, true);
        assert_true(open_machine(&m, CPU_OPTIMISED));
        ppc_state_init(&m.s);
        compare(&m, seed * 7919);
        assert_true(cpu_has_entry(m.cpu, CODE)); // the interpreter did not do it all
        close_machine(&m);
    }
}

// ---- Both engines at once

struct found {
    unsigned count;
    char what[64];
    struct cpu_difference d;
};

static void found(void *user, const struct cpu_difference *d)
{
    struct found *f = user;
    f->count++;
    f->d = *d;
    strncpy(f->what, d->what, sizeof f->what - 1);
}

// Makes compiled code of `wrong` run where guest memory and the interpreter have `right`.
static void exchange(struct machine *m, gva at, const uint32_t *right, const uint32_t *wrong, uint32_t count)
{
    put(m, at, wrong, count);
    run_at(m, at, 1000);
    assert_true(cpu_has_entry(m->cpu, at));
    uint32_t entry = cell_at(m->cpu->cells, at)->insn;
    put(m, at, right, count);
    run_at(m, at, 1000);
    assert_int_not_equal(cell_at(m->cpu->cells, at)->insn, entry);
    cpu_set_entry(m->cpu, at, entry);
}

static bool open_shadow(struct machine *m, struct found *f)
{
    if (!open_machine(m, CPU_QUICK)) {
        close_machine(m);
        return false;
    }
    ppc_state_init(&m->s);
    assert_true(cpu_set_shadow(m->cpu, found, f, NULL));
    return true;
}

static void shadow_finds_wrong_memory(void **state)
{
    (void)state;
    struct machine m;
    struct found f = {0};
    if (!open_shadow(&m, &f))
        skip();
    const uint32_t right[] = {0x90640000 /* stw r3, 0(r4) */, BLR}, wrong[] = {0x60000000, BLR};
    m.s.gpr[4] = CODE + 0x8000;
    m.s.gpr[3] = 3;
    exchange(&m, CODE, right, wrong, 2);
    assert_int_equal(f.count, 0);
    struct cpu_shadow_stats stats;
    cpu_shadow_stats(m.cpu, &stats);
    assert_true(stats.pieces >= 2 && stats.instructions == 4 && !stats.alone);
    run_at(&m, CODE, 1000); // what is there already is the same
    assert_int_equal(f.count, 0);
    m.s.gpr[3] = 77;
    run_at(&m, CODE, 1000);
    assert_int_equal(f.count, 1);
    assert_string_equal(f.what, "memory");
    uint32_t word;
    assert_true(mem_get32(m.mem, CODE + 0x8000, &word));
    assert_int_equal(word, 77); // the interpreter's
    run_at(&m, CODE, 1000);
    assert_int_equal(f.count, 1); // the first only
    close_machine(&m);
}

static void shadow_finds_wrong_registers(void **state)
{
    (void)state;
    struct machine m;
    struct found f = {0};
    if (!open_shadow(&m, &f))
        skip();
    const uint32_t right[] = {ADDI_R3 | 1, BLR}, wrong[] = {ADDI_R3 | 2, BLR};
    exchange(&m, CODE, right, wrong, 2);
    run_at(&m, CODE, 1000);
    assert_int_equal(f.count, 1);
    assert_string_equal(f.what, "registers");
    assert_int_equal(f.d.low, CODE);
    assert_int_equal(f.d.high, CODE + 4);
    assert_int_equal(m.s.gpr[3], 4); // 2 + 1 + 1: the interpreter's
    close_machine(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jumps_into_the_middle_and_into_data),
        cmocka_unit_test(endless_functions),
        cmocka_unit_test(jumps_to_nowhere),
        cmocka_unit_test(jumps_to_the_last_word),
        cmocka_unit_test(self_modifying_code),
        cmocka_unit_test(newly_loaded_code),
        cmocka_unit_test(a_fault_in_a_loop),
        cmocka_unit_test(entries_with_doubles),
        cmocka_unit_test(fpscr_cleared_beside_a_loop),
        cmocka_unit_test(conversions_beside_compares),
        cmocka_unit_test(singles_among_doubles),
        cmocka_unit_test(results_looked_at_together),
        cmocka_unit_test(arithmetic_in_loops),
        cmocka_unit_test(compares),
        cmocka_unit_test(garbage_as_code),
        cmocka_unit_test(shadow_finds_wrong_memory),
        cmocka_unit_test(shadow_finds_wrong_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
