// Compiled code stores no pc before an access to memory: device registers see the time of the interpreter all the same, and a fault is
// where it is there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "cpu/locate.h"
#include "cpu/recompiler/interface.h"
#include "memory/memory.h"
#include "cpu_fixture.h"

static const gva CODE = 0xA0010000, DATA = 0x82000000, DEVICE = 0x7FC80000, END = 0xBCBCBCBC;
enum { SIZE = 0x10000, MOST = 1000, ROUNDS = 5 };

// Accesses of all sizes, some of which a code generator likes to make one instruction of with what follows, in a loop and in straight
// code: r4 is the base.
#define ACCESSES                                                                                                       \
    0x80C40000, /* lwz r6, 0(r4) */                                                                                    \
    0x90C40004, /* stw r6, 4(r4) */                                                                                    \
    0x38E70001, /* addi r7, r7, 1 */                                                                                   \
    0x89040008, /* lbz r8, 8(r4) */                                                                                    \
    0x550807FE, /* clrlwi r8, r8, 31 */                                                                                \
    0xA124000A, /* lhz r9, 10(r4) */                                                                                   \
    0x5529003C, /* clrrwi r9, r9, 1 */                                                                                 \
    0x81440010, /* lwz r10, 16(r4) */                                                                                  \
    0x654A8000, /* oris r10, r10, 0x8000 */                                                                            \
    0x91440010, /* stw r10, 16(r4) */                                                                                  \
    0xE9640018, /* ld r11, 24(r4) */                                                                                   \
    0x81840020, /* lwz r12, 32(r4) */                                                                                  \
    0x7D6B6038, /* and r11, r11, r12 */                                                                                \
    0xF9640028, /* std r11, 40(r4) */                                                                                  \
    0xBBA40030, /* lmw r29, 48(r4) */                                                                                  \
    0x9964003F, /* stb r11, 63(r4) */                                                                                  \
    0xB164003E, /* sth r11, 62(r4) */                                                                                  \
    0xC0240040, /* lfs f1, 64(r4) */                                                                                   \
    0xC8440048, /* lfd f2, 72(r4) */                                                                                   \
    0xFC62102A, /* fadd f3, f2, f2 */                                                                                  \
    0xD0240050, /* stfs f1, 80(r4) */                                                                                  \
    0xD8640058, /* stfd f3, 88(r4) */                                                                                  \
    0xD0440060  /* stfs f2, 96(r4) */
static const uint32_t program[] = {ACCESSES, 0x42000000 | (-4 * 23 & 0xFFFC) /* bdnz */, ACCESSES, 0x4E800020 /* blr */};

struct seen {
    struct machine *machine;
    uint32_t count;
    struct {
        gva address;
        uint32_t pc;
        uint64_t time, value;
    } accesses[MOST];
};

static void note(struct seen *seen, gva address, uint64_t value)
{
    const struct ppc_state *s = &seen->machine->s;
    assert_in_range(seen->count, 0, MOST - 1);
    seen->accesses[seen->count].address = address;
    seen->accesses[seen->count].value = value;
    seen->accesses[seen->count].time = ppc_now(s);
    seen->accesses[seen->count++].pc = s->pc;
}

static uint64_t device_read(void *user, gva address, unsigned size)
{
    uint64_t value = size >= 4 ? 0x3F123456789ABCDE >> (64 - 8 * size) : address >> 3;
    note(user, address, value);
    return value;
}

static void device_write(void *user, gva address, unsigned size, uint64_t value)
{
    (void)size;
    note(user, address, value);
}

static bool open_machine(struct machine *m, enum cpu_tier tier, struct seen *seen)
{
    struct error err;
    assert_true(mem_create(&m->mem, &err));
    assert_true(cpu_create(&m->cpu, m->mem, &err));
    assert_true(mem_allocate_at(m->mem, CODE, SIZE, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, &err));
    assert_true(mem_allocate_at(m->mem, DATA, SIZE, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, &err));
    *seen = (struct seen){.machine = m};
    const struct mem_mmio window = {DEVICE, 4096, device_read, device_write, seen};
    assert_true(mem_add_mmio(m->mem, &window, &err));
    for (uint32_t i = 0; i < sizeof program / sizeof *program; i++)
        assert_true(mem_set32(m->mem, CODE + 4 * i, program[i]));
    ppc_state_init(&m->s);
    return cpu_set_tier(m->cpu, tier, &err);
}

static enum ppc_exit run(struct machine *m, gva base)
{
    m->s.pc = CODE;
    m->s.lr = END;
    m->s.gpr[4] = base;
    m->s.ctr = ROUNDS;
    m->s.slice_end = m->s.cycles + 100000;
    return cpu_run(m->cpu, &m->s);
}

static void devices_see_the_same_time(void **state)
{
    (void)state;
    struct machine plain, other;
    struct seen expected, seen;
    assert_true(open_machine(&plain, CPU_INTERPRETER, &expected));
    assert_int_equal(run(&plain, DEVICE), PPC_EXIT_FETCH);
    assert_true(expected.count > ROUNDS * 17);
    for (enum cpu_tier tier = CPU_QUICK; tier <= CPU_OPTIMISED; tier++) {
        if (!open_machine(&other, tier, &seen))
            skip();
        assert_int_equal(run(&other, DEVICE), PPC_EXIT_FETCH);
        assert_int_equal(seen.count, expected.count);
        assert_memory_equal(seen.accesses, expected.accesses, sizeof seen.accesses);
        assert_true(same(&plain.s, &other.s));
        struct cpu_stats stats;
        cpu_stats(other.cpu, &stats);
        assert_true(stats.units > 0);
        close_machine(&other);
    }
    close_machine(&plain);
}

// The accesses reach further and further over the end of memory.
static void faults_are_where_they_are(void **state)
{
    (void)state;
    struct machine plain, other;
    struct seen seen;
    for (enum cpu_tier tier = CPU_QUICK; tier <= CPU_OPTIMISED; tier++)
        for (uint32_t within = 0; within < 100; within++) {
            assert_true(open_machine(&plain, CPU_INTERPRETER, &seen));
            assert_int_equal(run(&plain, DATA + SIZE - within), PPC_EXIT_FAULT);
            if (!open_machine(&other, tier, &seen))
                skip();
            assert_int_equal(run(&other, DATA + SIZE - within), PPC_EXIT_FAULT);
            assert_int_equal(other.s.pc, plain.s.pc);
            assert_int_equal(other.s.cycles, plain.s.cycles);
            assert_int_equal(other.s.fault_address, plain.s.fault_address);
            assert_int_equal(other.s.fault_write, plain.s.fault_write);
            close_machine(&other);
            close_machine(&plain);
        }
}

// Here LLVM makes an access part of another instruction, so that the unit stores its pcs; where functions start it has lines of its own.
static void faults_where_pc_is_stored(void **state)
{
    (void)state;
    static const uint32_t words[] = {
        0x60000000, 0x60000000, 0x7EE2F9EE /* stbux r23, r2, r31 */,
        0xED70CF24, 0x131048CE, 0xFD2E204C, 0x4DBFF800, 0x7D3AB800, 0x7D61508F, 0xE8A1024D, 0x1369AA8E, 0xE8E20B41, 0x7F9D2413, 0x13A0E648, 0x114AF1CA, 0x12813B84,
        0x4BFFFFC1, 0x1AE65E6C, 0x11025C03, 0x7EAEC010, 0x1262DF0B, 0x15D85450, 0x7C62D14E, 0xFDC8008C, 0xD602078D, 0x78CA3F29, 0x101C2104, 0x7DBDD3A7, 0xFE9A7E7E,
        0x4C31F042, 0xAF010CF7, 0x8A010CF1, 0x89420125, 0xCB2107D8, 0xBCE207EE, 0x12E52B0A, 0x13AC8F88, 0x105F64AC, 0x7EA1F0EF, 0x4E800020,
    };
    struct machine m;
    struct seen seen;
    if (!open_machine(&m, CPU_OPTIMISED, &seen))
        skip();
    for (uint32_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_true(mem_set32(m.mem, CODE + 4 * i, words[i]));
    cpu_invalidate(m.cpu, CODE, sizeof words);
    assert_int_equal(run(&m, 0), PPC_EXIT_FAULT);
    assert_int_equal(m.s.pc, CODE + 8);
    close_machine(&m);
}

// A load that waits for itself is another instruction of the host's (chains.c). The list: two elements, a device's register, nowhere.
static void open_list(struct machine *m, enum cpu_tier tier, struct seen *seen)
{
    static const uint32_t words[] = {0x38E70001 /* addi r7, r7, 1 */, 0x80840008 /* lwz r4, 8(r4) */, 0x4200FFF8 /* bdnz */, 0x4E800020};
    if (!open_machine(m, tier, seen))
        skip();
    for (uint32_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_true(mem_set32(m->mem, CODE + 4 * i, words[i]));
    cpu_invalidate(m->cpu, CODE, sizeof words);
    assert_true(mem_set32(m->mem, DATA + 8, DATA + 16) && mem_set32(m->mem, DATA + 24, DEVICE));
}

static void a_list_leads_out_of_memory(void **state)
{
    (void)state;
    struct machine plain, other;
    struct seen expected, seen;
    open_list(&plain, CPU_INTERPRETER, &expected);
    assert_int_equal(run(&plain, DATA), PPC_EXIT_FAULT);
    assert_int_equal(expected.count, 1);
    for (enum cpu_tier tier = CPU_QUICK; tier <= CPU_OPTIMISED; tier++) {
        open_list(&other, tier, &seen);
        assert_int_equal(run(&other, DATA), PPC_EXIT_FAULT);
        assert_int_equal(other.s.pc, plain.s.pc);
        assert_int_equal(other.s.cycles, plain.s.cycles);
        assert_int_equal(other.s.fault_address, plain.s.fault_address);
        assert_memory_equal(seen.accesses, expected.accesses, sizeof seen.accesses);
        close_machine(&other);
    }
    close_machine(&plain);
}

static void tables_are_looked_up(void **state)
{
    (void)state;
    struct {
        uint8_t code[16];
        struct rc_place places[3];
        uint32_t count;
    } one = {.places = {{0, RC_NO_PLACE}, {4, 0x82000010}, {9, 0x82000020}}, .count = 3}, none = {.count = 0}, wrong = {.count = 99};
    const uintptr_t start = (uintptr_t)&one;
    struct locate l = {0};
    assert_int_equal(locate_pc(&l, start), RC_NO_PLACE);
    assert_false(locate_add(&l, (const uint8_t *)&wrong, sizeof wrong));
    assert_true(locate_add(&l, (const uint8_t *)&one, sizeof one));
    assert_int_equal(locate_pc(&l, start + 3), RC_NO_PLACE);
    assert_int_equal(locate_pc(&l, start + 4), 0x82000010);
    assert_int_equal(locate_pc(&l, start + 8), 0x82000010);
    assert_int_equal(locate_pc(&l, start + 15), 0x82000020);
    assert_int_equal(locate_pc(&l, start - 1), RC_NO_PLACE);
    assert_int_equal(locate_pc(&l, start + sizeof one), RC_NO_PLACE);
    locate_free(&l);
    assert_true(locate_add(&l, (const uint8_t *)&none, sizeof none));
    assert_int_equal(locate_pc(&l, (uintptr_t)&none + 4), RC_NO_PLACE);
    locate_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_see_the_same_time),
        cmocka_unit_test(faults_are_where_they_are),
        cmocka_unit_test(faults_where_pc_is_stored),
        cmocka_unit_test(a_list_leads_out_of_memory),
        cmocka_unit_test(tables_are_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
