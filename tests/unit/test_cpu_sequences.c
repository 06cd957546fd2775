// Each sequence of instructions that the interpreter has a handler of its own for (cpu/sequences.def), against the same instructions one by
// one: whole, entered in its middle, with the slice's end and with memory faults on the way, changed, and cut by a page.
//
// One by one: in the second machine only the instruction at pc is in memory; what is around it is none, which ends the run behind it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/engine.h"
#include "cpu_fixture.h"
#include "ppc/semantics.h"

static const gva CODE = 0x80010000, DATA = 0x10000000, UNMAPPED = 0x20000000;
static const uint32_t STW_R5_R4 = 0x90A40000;
enum {
    CODE_SIZE = 0x10000,
    DATA_SIZE = 0x4000,
    MOST = 4,          // instructions of a sequence
    BESIDE = 0x40,     // from the sequence to what jumps into it
    CELL_BYTES = 2048, // of code whose cells share a page: sequences end there
    ICBI_R4 = 0x7C0027AC,
    BUDGET = 60,
    ROUNDS = 6,        // of each kind, with other words and registers
    TRIES = 3000,      // until a fault is where it is wanted
};

// ---- What forms there are, from the same tables

enum form {
#define OPCODE(id, text, value, mask, kind, variant, operands) FORM_##id##_0, FORM_##id##_1, FORM_##id##_2, FORM_##id##_3,
#include "ppc/opcodes.def"
#undef OPCODE
    FORM_SPECIAL,
    FORM_BEFORE_SPECIAL = FORM_SPECIAL - 1,
#define FORM(id, name, kind, mask, bits, some) FORM_##id##_##name,
#include "cpu/forms.def"
#undef FORM
};

static const struct special {
    uint32_t opcode, mask, bits, some;
} specials[] = {
#define FORM(id, name, kind, mask, bits, some) {PPC_OP_##id, mask, bits, some},
#include "cpu/forms.def"
#undef FORM
};
enum { SPECIAL_COUNT = sizeof specials / sizeof *specials };

static const struct sequence {
    const char *text;
    uint32_t count, forms[MOST];
} sequences[] = {
#define SEQUENCE_2(a, b) {#a " " #b, 2, {FORM_##a, FORM_##b}},
#define SEQUENCE_3(a, b, c) {#a " " #b " " #c, 3, {FORM_##a, FORM_##b, FORM_##c}},
#define SEQUENCE_4(a, b, c, d) {#a " " #b " " #c " " #d, 4, {FORM_##a, FORM_##b, FORM_##c, FORM_##d}},
#include "cpu/sequences.def"
#undef SEQUENCE_2
#undef SEQUENCE_3
#undef SEQUENCE_4
};
enum { SEQUENCE_COUNT = sizeof sequences / sizeof *sequences };

static uint32_t opcode_of(uint32_t form)
{
    return form >= FORM_SPECIAL ? specials[form - FORM_SPECIAL].opcode : form / 4;
}

static uint32_t form_of(uint32_t word)
{
    uint32_t op = ppc_decode(word);
    for (uint32_t i = 0; i < SPECIAL_COUNT; i++)
        if (specials[i].opcode == op && (word & specials[i].mask) == specials[i].bits && (!specials[i].some || word & specials[i].some))
            return FORM_SPECIAL + i;
    uint32_t variant = ppc_opcodes[op].variant;
    return 4 * op + (word & variant & 1 ? 1u : 0) + (word & variant & ~1u ? 2u : 0);
}

// ---- Random words and states

static uint64_t next(uint64_t *random) // xorshift64*
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return *random * 0x2545F4914F6CDD1D;
}

static uint32_t below(uint64_t *random, uint32_t limit)
{
    return (uint32_t)((next(random) >> 33) % limit);
}

static bool is_memory(uint32_t form)
{
    return ppc_opcodes[opcode_of(form)].kind == PPC_MEMORY;
}

// Even registers hold addresses, odd ones small numbers: base and index of an access. Branches are short.
static uint32_t tame(uint64_t *random, uint32_t word)
{
    uint32_t primary = word >> 26;
    if (primary == 16)
        return (word & 0xFFFF0003) | ((4 * below(random, 17) - 32) & 0xFFFC);
    if (primary == 18)
        return (word & 0xFC000003) | ((4 * below(random, 17) - 32) & 0x03FFFFFC);
    if (ppc_opcodes[ppc_decode(word)].kind != PPC_MEMORY)
        return word;
    word &= ~(1u << 16);
    if (primary >= 32)
        return word & ~0xF800u;
    return word & RA_FIELD ? word | 1u << 11 : word & ~(1u << 11);
}

static uint32_t word_of(uint64_t *random, uint32_t form)
{
    const struct ppc_opcode_info *o = &ppc_opcodes[opcode_of(form)];
    for (;;) {
        uint32_t word = o->value | ((uint32_t)next(random) & ~o->mask);
        if (form >= FORM_SPECIAL)
            word = (word & ~specials[form - FORM_SPECIAL].mask) | specials[form - FORM_SPECIAL].bits;
        else
            word = (word & ~o->variant) | (form & 1 ? o->variant & 1 : 0) | (form & 2 ? o->variant & ~1u : 0);
        if (ppc_decode(word) != opcode_of(form))
            continue;
        word = tame(random, word);
        if (ppc_decode(word) == opcode_of(form) && form_of(word) == form)
            return word;
    }
}

static void random_state(uint64_t *random, gva base, struct ppc_state *s)
{
    uint64_t cycles = s->cycles;
    ppc_state_init(s);
    s->cycles = cycles;
    for (int i = 0; i < 32; i++) {
        s->gpr[i] = i % 2 ? below(random, 0x800) & (below(random, 2) ? ~15u : ~0u) : DATA + 0x1000 + below(random, 0x1000);
        double d = (double)(int32_t)next(random) / 64;
        memcpy(&s->fpr[i], &d, 8);
        s->cr[i] = (uint8_t)below(random, 2);
    }
    for (int i = 0; i < 128; i++)
        for (int j = 0; j < 4; j++)
            s->vr[i].w[j] = (uint32_t)next(random);
    s->lr = base + 4 * below(random, 8);
    s->ctr = below(random, 2) ? base + 4 * below(random, 8) : below(random, 3);
    s->xer_ca = (uint8_t)below(random, 2);
    if (below(random, 2))
        ppc_set_fpscr(s, 0x02000000);
}

// ---- Two machines

struct program {
    gva base;
    uint32_t count, words[MOST];
    gva beside;           // what jumps into it, or changes it first
    uint32_t beside_words[3];
};

struct test {
    struct machine whole, steps;
    const struct sequence *sequence;
    uint64_t random;
    bool reached[MOST], faulted[MOST]; // in the last run of the second machine
};

static void open_machine(struct machine *m)
{
    struct error err;
    assert_true(mem_create(&m->mem, &err));
    assert_true(cpu_create(&m->cpu, m->mem, &err));
    assert_true(mem_allocate_at(m->mem, CODE, CODE_SIZE, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, &err));
    assert_true(mem_allocate_at(m->mem, DATA, DATA_SIZE, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, &err));
    ppc_state_init(&m->s);
}

static void fill_data(struct test *t)
{
    uint8_t *a = mem_at(t->whole.mem, DATA, DATA_SIZE, MEM_READ_WRITE), *b = mem_at(t->steps.mem, DATA, DATA_SIZE, MEM_READ_WRITE);
    for (uint32_t i = 0; i < DATA_SIZE; i += 4) { // no instructions
        uint32_t v = (uint32_t)next(&t->random) & 0xFFFFFF00;
        memcpy(a + i, &v, 4);
    }
    memcpy(b, a, DATA_SIZE);
}

static void put(struct machine *m, gva at, uint32_t word)
{
    if (at - CODE < CODE_SIZE)
        assert_true(mem_set32(m->mem, at, word));
}

static uint32_t *word_at(struct program *p, gva at)
{
    if (at - p->base < 4 * p->count)
        return &p->words[(at - p->base) / 4];
    return at - p->beside < sizeof p->beside_words ? &p->beside_words[(at - p->beside) / 4] : NULL;
}

static void place(struct machine *m, const struct program *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        put(m, p->base + 4 * i, p->words[i]);
    for (uint32_t i = 0; i < 3; i++)
        put(m, p->beside + 4 * i, p->beside_words[i]);
    cpu_invalidate(m->cpu, CODE, CODE_SIZE);
}

static void clear(struct machine *m, const struct program *p)
{
    struct program none = {.base = p->base, .count = p->count, .beside = p->beside};
    place(m, &none);
}

static void step_through(struct test *t, struct program *p)
{
    struct machine *m = &t->steps;
    memset(t->reached, 0, sizeof t->reached);
    memset(t->faulted, 0, sizeof t->faulted);
    for (;;) {
        gva pc = m->s.pc;
        uint32_t *word = word_at(p, pc), index = (pc - p->base) / 4;
        if (word)
            put(m, pc, *word);
        cpu_invalidate(m->cpu, pc, 4);
        enum ppc_exit why = cpu_run(m->cpu, &m->s);
        clear(m, p); // also what it has stored there
        if (word && index < p->count) {
            t->reached[index] = true;
            t->faulted[index] = why == PPC_EXIT_FAULT;
        }
        if (why != PPC_EXIT_ILLEGAL || !word_at(p, m->s.pc) || m->s.pc - CODE >= CODE_SIZE)
            return;
    }
}

static void assert_same(struct test *t, const struct program *p, const char *what)
{
    const struct ppc_state *a = &t->whole.s, *b = &t->steps.s;
    bool equal = same(a, b) &&
                 !memcmp(mem_at(t->whole.mem, DATA, DATA_SIZE, MEM_READ), mem_at(t->steps.mem, DATA, DATA_SIZE, MEM_READ), DATA_SIZE);
    if (equal)
        return;
    print_message("%s, %s: exit %u / %u, pc %08x / %08x, cycles %llu / %llu, fault %08x / %08x\n", t->sequence->text, what, a->exit, b->exit, a->pc,
                  b->pc, (unsigned long long)a->cycles, (unsigned long long)b->cycles, a->fault_address, b->fault_address);
    for (uint32_t i = 0; i < p->count; i++) {
        char text[80];
        ppc_disassemble(p->words[i], p->base + 4 * i, NULL, NULL, text, sizeof text);
        print_message("  %08x %s\n", p->base + 4 * i, text);
    }
    fail();
}

// Both machines from `pc` on, to the slice's end at `slice` and from there to the end.
static void run_both(struct test *t, struct program *p, gva pc, uint64_t slice, const char *what)
{
    for (int part = 0; part < 2; part++) {
        struct ppc_state *a = &t->whole.s, *b = &t->steps.s;
        if (!part)
            a->pc = b->pc = pc;
        a->slice_end = b->slice_end = b->cycles + (part ? BUDGET : slice);
        step_through(t, p);
        cpu_run(t->whole.cpu, a);
        assert_same(t, p, what);
        if (b->exit != PPC_EXIT_SLICE)
            return;
    }
}

// Decoded, as nothing else leaves it: the words of the later instructions in their cells, which have no handlers.
static bool is_sequence(const struct test *t, const struct program *p)
{
    for (uint32_t i = 1; i < p->count; i++) {
        const struct cell *c = cell_at(t->whole.cpu->cells, p->base + 4 * i);
        if (c->handler || c->insn != p->words[i])
            return false;
    }
    return true;
}

static struct program make_program(struct test *t, gva base)
{
    struct program p = {.base = base, .count = t->sequence->count, .beside = base + BESIDE};
    for (uint32_t i = 0; i < p.count; i++)
        p.words[i] = word_of(&t->random, t->sequence->forms[i]);
    return p;
}

static void new_states(struct test *t, const struct program *p)
{
    random_state(&t->random, p->base, &t->whole.s);
    t->steps.s = t->whole.s;
}

// ---- Scenes

// Where the first run does not come back to its middle, it has to be the sequence.
static void whole(struct test *t)
{
    bool last = false, fused = false;
    for (uint32_t i = 0; i < TRIES && (i < ROUNDS || !last || !fused); i++) {
        struct program p = make_program(t, CODE + 0x400);
        place(&t->whole, &p);
        new_states(t, &p);
        run_both(t, &p, p.base, BUDGET, "whole");
        last |= t->reached[p.count - 1];
        fused |= is_sequence(t, &p);
        run_both(t, &p, p.base, BUDGET, "again");
        clear(&t->whole, &p);
    }
    if (!last || !fused)
        print_message("%s: reached %d, a sequence %d\n", t->sequence->text, last, fused);
    assert_true(last && fused);
}

static void entered_in_the_middle(struct test *t)
{
    for (uint32_t round = 0; round < ROUNDS; round++)
        for (uint32_t at = 1; at < t->sequence->count; at++) {
            struct program p = make_program(t, CODE + 0x400);
            p.beside_words[0] = 0x48000000 | ((4 * at - BESIDE) & 0x03FFFFFC);
            place(&t->whole, &p);
            for (int i = 0; i < 3; i++) { // before it is decoded, and behind
                new_states(t, &p);
                run_both(t, &p, i == 1 ? p.base : p.beside, BUDGET, "entered in the middle");
            }
            clear(&t->whole, &p);
        }
}

static void sliced(struct test *t)
{
    for (uint32_t slice = 0; slice <= 2 * t->sequence->count; slice++)
        for (uint32_t round = 0; round < 2; round++) {
            struct program p = make_program(t, CODE + 0x400);
            place(&t->whole, &p);
            new_states(t, &p);
            run_both(t, &p, p.base, slice, "sliced");
            clear(&t->whole, &p);
        }
}

// The register that the access goes through leads nowhere; other instructions may change it, hence the tries.
static bool try_fault(struct test *t, uint32_t at)
{
    struct program p = make_program(t, CODE + 0x400);
    uint32_t ra = p.words[at] >> 16 & 31, rb = p.words[at] >> 11 & 31;
    place(&t->whole, &p);
    new_states(t, &p);
    t->whole.s.gpr[ra ? ra : rb] = t->steps.s.gpr[ra ? ra : rb] = UNMAPPED;
    run_both(t, &p, p.base, BUDGET, "a fault");
    bool inner = true;
    for (uint32_t i = 0; i <= at; i++)
        inner &= t->reached[i];
    clear(&t->whole, &p);
    return inner && t->faulted[at] && is_memory(t->sequence->forms[at]);
}

static void faults(struct test *t)
{
    for (uint32_t at = 0; at < t->sequence->count; at++) {
        uint32_t found = 0;
        for (uint32_t i = 0; is_memory(t->sequence->forms[at]) && i < TRIES && found < 2; i++)
            found += try_fault(t, at);
        if (is_memory(t->sequence->forms[at]) && !found)
            fail_msg("%s: no fault at instruction %u", t->sequence->text, at);
    }
}

// r4 leads to the code here, which the second machine has not in memory.
static bool reads_r4(uint32_t word)
{
    for (uint32_t field = 11; field <= 21; field += 5)
        if ((word >> field & 31) == 4 || (word >> field & 31) == 5)
            return true;
    return false;
}

static uint32_t word_without_r4(uint64_t *random, uint32_t form)
{
    uint32_t word = word_of(random, form);
    while (reads_r4(word))
        word = word_of(random, form);
    return word;
}

// stw r5, 0(r4); icbi 0, r4; b to the sequence, one of whose words is another one then.
static void changed(struct test *t)
{
    for (uint32_t round = 0; round < ROUNDS; round++)
        for (uint32_t at = 0; at < t->sequence->count; at++) {
            struct program p = make_program(t, CODE + 0x400);
            for (uint32_t i = 0; i < p.count; i++)
                p.words[i] = word_without_r4(&t->random, t->sequence->forms[i]);
            const uint32_t beside[] = {STW_R5_R4, ICBI_R4, 0x48000000 | ((0u - BESIDE - 8) & 0x03FFFFFC)};
            memcpy(p.beside_words, beside, sizeof beside);
            place(&t->whole, &p);
            new_states(t, &p);
            run_both(t, &p, p.base, BUDGET, "before a change");
            new_states(t, &p);
            const struct sequence *other = &sequences[below(&t->random, SEQUENCE_COUNT)];
            p.words[at] = word_without_r4(&t->random, round % 2 ? other->forms[0] : t->sequence->forms[at]);
            t->whole.s.gpr[4] = t->steps.s.gpr[4] = p.base + 4 * at;
            t->whole.s.gpr[5] = t->steps.s.gpr[5] = p.words[at];
            run_both(t, &p, p.beside, BUDGET, "changed");
            clear(&t->whole, &p);
        }
}

// Across the end of a page of cells, and across the end of memory.
static void cut(struct test *t)
{
    for (uint32_t before = 1; before < t->sequence->count; before++)
        for (uint32_t end = CELL_BYTES; end <= CODE_SIZE; end += CODE_SIZE - CELL_BYTES) {
            struct program p = make_program(t, CODE + end - 4 * before);
            p.beside = p.base - 0x100;
            place(&t->whole, &p);
            new_states(t, &p);
            run_both(t, &p, p.base, BUDGET, "cut");
            run_both(t, &p, p.base, BUDGET, "cut, again");
            clear(&t->whole, &p);
        }
}

static void of_each_sequence(void (*scene)(struct test *t))
{
    struct test t = {.random = 1};
    open_machine(&t.whole);
    open_machine(&t.steps);
    for (uint32_t i = 0; i < SEQUENCE_COUNT; i++) {
        t.sequence = &sequences[i];
        fill_data(&t);
        scene(&t);
    }
    close_machine(&t.whole);
    close_machine(&t.steps);
}

#define SCENE(name)                                                                                                    \
    static void test_##name(void **state)                                                                              \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        of_each_sequence(name);                                                                                        \
    }
SCENE(whole)
SCENE(entered_in_the_middle)
SCENE(sliced)
SCENE(faults)
SCENE(changed)
SCENE(cut)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole), cmocka_unit_test(test_entered_in_the_middle), cmocka_unit_test(test_sliced),
        cmocka_unit_test(test_faults), cmocka_unit_test(test_changed), cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
