// Random instruction sequences with random registers: the interpreter and both tiers of the recompiler must leave the same
// state, memory, time and reason. XENOLITH_SEED and XENOLITH_SEQUENCES repeat one or run more; XENOLITH_SECONDS runs on until
// the time is over (./dev fuzz recompiler), and says how many those were.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "memory/memory.h"

static const gva CODE = 0x80010000, DATA = 0x10000000;
enum { DATA_SIZE = 0x10000, MOST_WORDS = 40, BUDGET = 400 };

struct random {
    uint64_t state;
};

static uint64_t next(struct random *r) // xorshift64*
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * 0x2545F4914F6CDD1D;
}

static uint32_t below(struct random *r, uint32_t limit)
{
    return (uint32_t)((next(r) >> 33) % limit);
}

struct machine {
    struct mem *mem;
    struct cpu *cpu;
};

static bool open_machine(struct machine *m, enum cpu_tier tier)
{
    struct error err;
    assert_true(mem_create(&m->mem, &err));
    assert_true(cpu_create(&m->cpu, m->mem, &err));
    assert_true(mem_allocate_at(m->mem, DATA, DATA_SIZE, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, &err));
    assert_true(mem_allocate_at(m->mem, CODE, 0x10000, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, &err));
    if (cpu_set_tier(m->cpu, tier, &err))
        return true;
    print_message("%s\n", err.message);
    return false;
}

static void close_machine(struct machine *m)
{
    cpu_destroy(m->cpu);
    mem_destroy(m->mem);
}

// Any instruction, its fields random, or none at all. Memory is reached through r1 and r2 with small displacements, mostly.
static uint32_t random_insn(struct random *r, uint32_t index, uint32_t count)
{
    if (!below(r, 60))
        return 0;
    for (;;) {
        const struct ppc_opcode_info *o = &ppc_opcodes[below(r, PPC_OPCODE_COUNT)];
        uint32_t word = o->value | ((uint32_t)next(r) & ~o->mask);
        if (ppc_decode(word) == PPC_OP_INVALID || &ppc_opcodes[ppc_decode(word)] != o)
            continue;
        if (o->kind == PPC_INDIRECT || ppc_decode(word) == PPC_OP_sc || ppc_decode(word) == PPC_OP_icbi)
            continue;
        if (o->kind == PPC_BRANCH) { // within the sequence
            int32_t distance = (int32_t)below(r, count + 1) - (int32_t)index;
            if (word >> 26 == 16)
                return (word & 0xFFFF0001) | ((uint32_t)(4 * distance) & 0xFFFC);
            return 0x48000000 | ((uint32_t)(4 * distance) & 0x03FFFFFC) | (word & 1);
        }
        if (o->kind == PPC_MEMORY) {
            word = (word & ~(31u << 16)) | (1 + below(r, 2)) << 16;
            if (word >> 26 >= 32)
                word &= 0xFFFF0FFF;
        }
        return word;
    }
}

static uint64_t random_double(struct random *r)
{
    uint64_t v = next(r);
    switch (below(r, 4)) {
    case 0:
        return v;
    case 1:
        return (uint64_t)(int64_t)(int32_t)v;
    case 2: { // a single near one
        double d = (double)(float)((int32_t)v / 65536.0);
        memcpy(&v, &d, 8);
        return v;
    }
    default:
        return (v & 0x800FFFFFFFFFFFFF) | (1000 + v % 46) << 52;
    }
}

static void random_state(struct random *r, struct ppc_state *s)
{
    ppc_state_init(s);
    for (int i = 0; i < 32; i++) {
        s->gpr[i] = below(r, 3) ? next(r) : below(r, 64);
        s->fpr[i] = random_double(r);
        s->cr[i] = (uint8_t)below(r, 2);
    }
    for (int i = 0; i < 128; i++)
        for (int j = 0; j < 4; j++)
            s->vr[i].w[j] = below(r, 2) ? (uint32_t)next(r) : 0x3F800000 + (uint32_t)below(r, 0x1000000);
    s->gpr[1] = DATA + 0x4000 + below(r, 0x1000);
    s->gpr[2] = DATA + 0x9000 + 16 * below(r, 0x100);
    for (int i = 3; i < 8; i++) // as index registers
        s->gpr[i] = below(r, 0x800);
    s->ctr = below(r, 8);
    s->lr = 0xBCBCBCBC;
    s->xer_ca = (uint8_t)below(r, 2);
    s->xer_so = (uint8_t)below(r, 2);
    s->vscr_nj = (uint8_t)below(r, 2);
    if (below(r, 2))
        ppc_set_fpscr(s, 0x02000000);
    s->pc = CODE;
    s->slice_end = BUDGET;
}

static bool registers_equal(const struct ppc_state *a, const struct ppc_state *b)
{
    struct ppc_state x = *a, y = *b;
    ppc_fpscr(&x);
    ppc_fpscr(&y);
    x.target = y.target = 0;
    return !memcmp(&x, &y, sizeof x);
}

static void explain(const struct ppc_state *a, const struct ppc_state *b)
{
    print_message("exit %u / %u, pc %08x / %08x, cycles %" PRIu64 " / %" PRIu64 "\n", a->exit, b->exit, a->pc, b->pc, a->cycles,
                  b->cycles);
    for (size_t i = 0; i < sizeof *a; i++)
        if (((const uint8_t *)a)[i] != ((const uint8_t *)b)[i])
            print_message("byte %zu: %02x / %02x\n", i, ((const uint8_t *)a)[i], ((const uint8_t *)b)[i]);
}

static bool run_sequence(struct machine *plain, struct machine *other, uint64_t seed)
{
    struct random r = {seed * 0x9E3779B97F4A7C15 + 1};
    uint32_t count = 1 + below(&r, MOST_WORDS), words[MOST_WORDS + 1];
    for (uint32_t i = 0; i < count; i++)
        words[i] = random_insn(&r, i, count);
    words[count] = 0x4E800020; // blr
    struct ppc_state a, b;
    random_state(&r, &a);
    b = a;
    struct machine *both[2] = {plain, other};
    uint8_t data[DATA_SIZE];
    for (uint32_t i = 0; i < DATA_SIZE; i += 8) {
        uint64_t v = next(&r);
        memcpy(data + i, &v, 8);
    }
    for (int i = 0; i < 2; i++) {
        mem_write(both[i]->mem, DATA, data, DATA_SIZE);
        for (uint32_t w = 0; w <= count; w++)
            mem_set32(both[i]->mem, CODE + 4 * w, words[w]);
        cpu_invalidate(both[i]->cpu, CODE, 4 * (count + 1));
        cpu_run(both[i]->cpu, i ? &b : &a);
    }
    // In the optimised tier a fault leaves pc, time and memory exact; the registers are found by running again.
    bool fault = a.exit == PPC_EXIT_FAULT && b.exit == PPC_EXIT_FAULT;
    bool equal = fault ? a.pc == b.pc && a.cycles == b.cycles && a.fault_address == b.fault_address : registers_equal(&a, &b);
    equal = equal && !memcmp(mem_at(plain->mem, DATA, DATA_SIZE, MEM_READ), mem_at(other->mem, DATA, DATA_SIZE, MEM_READ), DATA_SIZE);
    if (!equal) {
        print_message("seed %" PRIu64 ":\n", seed);
        for (uint32_t w = 0; w <= count; w++) {
            char text[80];
            ppc_disassemble(words[w], CODE + 4 * w, NULL, NULL, text, sizeof text);
            print_message("  %08x %s\n", words[w], text);
        }
        ppc_fpscr(&a);
        ppc_fpscr(&b);
        explain(&a, &b);
    }
    return equal;
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void compare_tier(enum cpu_tier tier, uint64_t sequences)
{
    struct machine plain, other;
    uint64_t first = number_from("XENOLITH_SEED", 1), wrong = 0, seconds = number_from("XENOLITH_SECONDS", 0);
    sequences = number_from("XENOLITH_SEQUENCES", seconds ? UINT64_MAX - first : sequences);
    struct timespec begun, now;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    assert_true(open_machine(&plain, CPU_INTERPRETER));
    if (!open_machine(&other, tier)) {
        close_machine(&plain);
        skip();
    }
    uint64_t done = 0;
    for (; done < sequences && wrong < 5; done++) {
        if (seconds && !clock_gettime(CLOCK_MONOTONIC, &now) && (uint64_t)(now.tv_sec - begun.tv_sec) >= seconds)
            break;
        wrong += !run_sequence(&plain, &other, first + done);
        // What was compiled stays in the store; a new one before it is full.
        if (done % 50000 == 49999) {
            close_machine(&other);
            assert_true(open_machine(&other, tier));
        }
    }
    if (seconds)
        print_message("%" PRIu64 " sequences from seed %" PRIu64 " on, %" PRIu64 " wrong\n", done, first, wrong);
    struct cpu_stats stats;
    cpu_stats(other.cpu, &stats);
    assert_true(stats.units * 10 > done % 50000 * 9); // it is the compiled code that was compared
    close_machine(&plain);
    close_machine(&other);
    assert_int_equal(wrong, 0);
}

static void quick_tier_equals_the_interpreter(void **state)
{
    (void)state;
    compare_tier(CPU_QUICK, 150);
}

static void optimised_tier_equals_the_interpreter(void **state)
{
    (void)state;
    compare_tier(CPU_OPTIMISED, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quick_tier_equals_the_interpreter),
        cmocka_unit_test(optimised_tier_equals_the_interpreter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
