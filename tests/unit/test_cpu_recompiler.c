// Random instruction sequences, a third of them loops, with random registers: the interpreter and both tiers of the recompiler must leave the
// same state, memory, time and reason. XENOLITH_SEED and XENOLITH_SEQUENCES repeat one or run more; XENOLITH_SECONDS runs on until
// the time is over (./dev fuzz recompiler), and says how many those were. XENOLITH_TIER: only that one.
//
// A sequence depends on its seed alone. Many are compiled in one call, because the call costs more than a sequence, and each runs
// with several states.
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
#include "cpu/engine.h"
#include "memory/memory.h"
#include "random_code.h"

static const gva CODE = 0x80010000, DATA = 0x10000000;
enum {
    DATA_SIZE = 0x10000,
    CODE_SIZE = 0x10000,
    BUDGET = 400,
    SLOT = 0x200,   // bytes from one sequence to the next
    BATCH = 64,
    STATES = 4,     // each sequence runs with
};

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
    assert_true(mem_allocate_at(m->mem, CODE, CODE_SIZE, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, &err));
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

// With numbers that make exceptions and leave loops seldom.
static void loop_state(struct random *r, const struct sequence *q, struct ppc_state *s)
{
    static const uint64_t edges[] = {0, 1, 2, 0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 0x100000000, ~0ull, 0xFFFFFFFF80000000, 0x7FFFFFFFFFFFFFFF};
    bool tame = below(r, 8);
    for (int i = 0; tame && i < 6; i++) {
        double d = (double)(int32_t)next(r) / (below(r, 2) ? 65536.0 : 3e9);
        if (below(r, 2))
            d = (double)(float)d;
        memcpy(&s->fpr[i], &d, 8);
    }
    for (int i = 3; i < 9; i++)
        if (below(r, 2))
            s->gpr[i] = edges[below(r, sizeof edges / sizeof *edges)];
    for (int i = 9; i < 13; i++)
        s->gpr[i] = i < 11 ? 4 * below(r, 64) : 1 + below(r, 6);
    s->ctr = 1 + below(r, 8);
    s->gpr[1] &= ~(below(r, 4) ? 15ull : 0);
    if (!below(r, 4))
        s->gpr[1 + below(r, 2)] = DATA + DATA_SIZE - below(r, 512); // it runs out of memory
    if (tame)
        ppc_set_fpscr(s, below(r, 8) ? 0x02000000 : 0);
    if (!below(r, 8))
        s->pc += 4 * below(r, q->count);
}

static void random_state(struct random *r, const struct sequence *q, struct ppc_state *s)
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
    s->pc = q->at;
    s->slice_end = BUDGET;
    if (q->is_loop)
        loop_state(r, q, s);
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

static void place(struct machine *m, const struct sequence *q)
{
    for (uint32_t i = 0; i < q->count; i++)
        mem_set32(m->mem, q->at + 4 * i, q->words[i]);
    cpu_invalidate(m->cpu, q->at, 4 * q->count);
    // As in a title, where functions are known, or as where nothing is.
    uint32_t leaf = 4 * q->leaf, end = 4 * q->count;
    const struct cpu_code_range functions[] = {{q->at, leaf ? leaf : end}, {q->at + leaf, end - leaf}}, all = {q->at, end};
    cpu_remove_code(m->cpu, q->at, SLOT);
    if (q->is_loop && q->seed & 1)
        assert_true(cpu_add_code(m->cpu, &(struct cpu_code){&all, 1, functions, leaf ? 2 : 1, NULL, 0}, NULL));
}

// Words that are ordinary numbers as singles and in doubles, where `tame`.
static void fill_data(struct random *r, struct machine *a, struct machine *b, bool tame)
{
    uint8_t *x = mem_at(a->mem, DATA, DATA_SIZE, MEM_READ_WRITE), *y = mem_at(b->mem, DATA, DATA_SIZE, MEM_READ_WRITE);
    for (uint32_t i = 0; i < DATA_SIZE; i += 8) {
        uint64_t v = next(r);
        memcpy(x + i, &v, 8);
        if (tame)
            x[i] = x[i + 4] = (uint8_t)(0x3E + v % 3 + (v & 0x80));
    }
    memcpy(y, x, DATA_SIZE);
}

static void tell(const struct sequence *q, struct ppc_state *a, struct ppc_state *b)
{
    print_message("seed %" PRIu64 ":\n", q->seed);
    for (uint32_t w = 0; w < q->count; w++) {
        char text[80];
        ppc_disassemble(q->words[w], q->at + 4 * w, NULL, NULL, text, sizeof text);
        print_message("  %08x %s\n", q->words[w], text);
    }
    ppc_fpscr(a);
    ppc_fpscr(b);
    explain(a, b);
}

// Behind a fault in a loop of the optimised tier registers are older, which it says.
static bool states_equal(const struct machine *plain, const struct machine *other, const struct ppc_state *a, const struct ppc_state *b)
{
    bool known = a->exit != PPC_EXIT_FAULT || b->exit != PPC_EXIT_FAULT || cpu_registers_known(other->cpu);
    bool equal = known ? registers_equal(a, b) : a->pc == b->pc && a->cycles == b->cycles && a->fault_address == b->fault_address && a->fault_write == b->fault_write;
    return equal && !memcmp(mem_at(plain->mem, DATA, DATA_SIZE, MEM_READ), mem_at(other->mem, DATA, DATA_SIZE, MEM_READ), DATA_SIZE);
}

// Loops are often left in the middle, and gone on with.
static bool run_state(struct machine *plain, struct machine *other, struct random *r, const struct sequence *q, const struct ppc_state *start)
{
    struct ppc_state a = *start, b = a;
    uint32_t slice = q->is_loop && below(r, 2) ? 1 + below(r, 40) : BUDGET;
    do {
        a.slice_end = b.slice_end = a.cycles + slice;
        cpu_run(plain->cpu, &a);
        cpu_run(other->cpu, &b);
        if (!states_equal(plain, other, &a, &b)) {
            tell(q, &a, &b);
            return false;
        }
    } while (q->is_loop && a.exit == PPC_EXIT_SLICE && a.cycles < BUDGET);
    return true;
}

static bool run_sequence(struct machine *plain, struct machine *other, struct random *r, const struct sequence *q)
{
    fill_data(r, plain, other, q->is_loop && below(r, 8));
    for (int i = 0; i < STATES; i++) {
        struct ppc_state start;
        random_state(r, q, &start);
        if (!run_state(plain, other, r, q, &start))
            return false;
    }
    return true;
}

// Those with loops are translated otherwise: they do not come together with the others.
static void compile(struct machine *m, const struct sequence *q, uint32_t count, bool loops)
{
    uint32_t pcs[2 * BATCH] = {0}, found = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (q[i].loops == loops)
            pcs[found++] = q[i].at;
        if (q[i].loops == loops && q[i].leaf)
            pcs[found++] = q[i].at + 4 * q[i].leaf;
    }
    compiled_make_all(m->cpu, pcs, found);
}

struct counts {
    uint64_t wrong, compiled;
};

static void run_batch(struct machine *plain, struct machine *other, uint64_t seed, uint32_t count, struct counts *sum)
{
    struct sequence q[BATCH] = {0}; // gcc with sanitizers does not see that all of them are made
    struct random r[BATCH];
    for (uint32_t i = 0; i < count; i++) {
        q[i].seed = seed + i;
        q[i].at = CODE + SLOT * (uint32_t)(q[i].seed % BATCH);
        make_code(&r[i], &q[i]);
        place(plain, &q[i]);
        place(other, &q[i]);
    }
    compile(other, q, count, false);
    compile(other, q, count, true);
    for (uint32_t i = 0; i < count; i++) {
        bool compiled = cpu_has_entry(other->cpu, q[i].at);
        sum->compiled += compiled;
        if (!compiled)
            print_message("seed %" PRIu64 " was not compiled\n", q[i].seed);
    }
    for (uint32_t i = 0; i < count; i++)
        sum->wrong += !run_sequence(plain, other, &r[i], &q[i]);
}

// A sequence that writes to itself often enough has its page interpreted from then on, whatever is placed there.
static bool compiles_no_more(const struct machine *m)
{
    for (uint32_t at = 0; at < CODE_SIZE; at += 0x1000)
        if (mem_is_shared(m->mem, CODE + at))
            return true;
    return false;
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static bool is_time_over(const struct timespec *begun, uint64_t seconds)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return seconds && (uint64_t)(now.tv_sec - begun->tv_sec) >= seconds;
}

static void compare_tier(enum cpu_tier tier, const char *name, uint64_t sequences)
{
    struct machine plain, other;
    const char *only = getenv("XENOLITH_TIER");
    if (only && strcmp(only, name) != 0)
        skip();
    uint64_t first = number_from("XENOLITH_SEED", 1), seconds = number_from("XENOLITH_SECONDS", 0);
    sequences = number_from("XENOLITH_SEQUENCES", seconds ? UINT64_MAX - first : sequences);
    struct timespec begun;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    assert_true(open_machine(&plain, CPU_INTERPRETER));
    if (!open_machine(&other, tier)) {
        close_machine(&plain);
        skip();
    }
    uint64_t done = 0, since = 0;
    struct counts sum = {0};
    for (uint32_t count; done < sequences && sum.wrong < 5 && !is_time_over(&begun, seconds); done += count, since += count) {
        if (since >= 20000 || compiles_no_more(&other)) { // what was compiled stays in the store; a new one before it is full
            close_machine(&other);
            assert_true(open_machine(&other, tier));
            since = 0;
            print_message("%s: %" PRIu64 " sequences, %" PRIu64 " wrong\n", name, done, sum.wrong);
        }
        count = sequences - done < BATCH ? (uint32_t)(sequences - done) : BATCH;
        run_batch(&plain, &other, first + done, count, &sum);
    }
    if (seconds || number_from("XENOLITH_SEQUENCES", 0))
        print_message("%s: %" PRIu64 " sequences from seed %" PRIu64 " on, each with %d states: %" PRIu64 " wrong\n", name, done, first, STATES, sum.wrong);
    close_machine(&plain);
    close_machine(&other);
    assert_int_equal(sum.wrong, 0);
    assert_int_equal(sum.compiled, done); // it is compiled code that was compared
}

static void quick_tier_equals_the_interpreter(void **state)
{
    (void)state;
    compare_tier(CPU_QUICK, "quick", 600);
}

static void optimised_tier_equals_the_interpreter(void **state)
{
    (void)state;
    compare_tier(CPU_OPTIMISED, "optimised", 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quick_tier_equals_the_interpreter),
        cmocka_unit_test(optimised_tier_equals_the_interpreter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
