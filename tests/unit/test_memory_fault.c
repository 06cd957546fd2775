// Guest accesses that the host refuses: scopes, guard pages, MMIO windows.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

#define RESERVE_COMMIT       (MEM_RESERVED | MEM_COMMITTED)
#define AT(m, type, address) (*(volatile type *)(mem_base(m) + (address)))

// Runs one access and says whether it faulted.
static bool faults(struct mem *m, int64_t address, bool write, struct mem_fault *out)
{
    struct mem_scope scope;
    volatile bool faulted = false;
    mem_scope_enter(&scope, m);
    if (sigsetjmp(scope.env, 0) == 0) {
        if (write)
            AT(m, uint32_t, address) = 1;
        else
            (void)AT(m, uint32_t, address);
    } else {
        faulted = true;
        *out = scope.fault;
    }
    mem_scope_leave(&scope);
    return faulted;
}

static void test_scope(void **state)
{
    struct mem *m = *state;
    struct mem_fault fault = {0};
    assert_true(faults(m, 0x00012344, false, &fault));
    assert_int_equal(fault.address, 0x00012344);
    assert_false(fault.write);
    assert_true(faults(m, 0xFFFFF000u, true, &fault));
    assert_int_equal(fault.address, 0xFFFFF000u);
    assert_true(fault.write);
    assert_true(mem_allocate_at(m, 0x10000, 0x1000, RESERVE_COMMIT, MEM_READ, NULL));
    assert_false(faults(m, 0x10000, false, &fault));
    assert_true(faults(m, 0x10000, true, &fault));
    assert_true(mem_protect(m, 0x10000, 0x1000, MEM_READ_WRITE, NULL, NULL));
    assert_false(faults(m, 0x10000, true, &fault));
    assert_true(mem_release(m, 0x10000, NULL, NULL));
    assert_true(faults(m, 0x10000, false, &fault));
}

static void test_guards(void **state)
{
    struct mem *m = *state;
    struct mem_fault fault;
    // The page right below guest address 0 is the engine's own (memory.h: mem_base).
    assert_true(faults(m, -4096 - 4, false, &fault));
    assert_int_equal(fault.address, 0xFFFFEFFCu);
    assert_true(faults(m, 0x100000000ll, true, &fault));
    assert_int_equal(fault.address, 0);
    assert_true(faults(m, 0x10000FFF0ll, false, &fault));
    assert_int_equal(fault.address, 0xFFF0);
}

static void test_nested_scopes(void **state)
{
    struct mem *outer = *state, *inner;
    struct mem_fault fault;
    assert_true(mem_create(&inner, NULL));
    struct mem_scope scope;
    volatile int reached = 0;
    mem_scope_enter(&scope, outer);
    if (sigsetjmp(scope.env, 0) == 0) {
        // A fault of another space inside leaves this scope alone.
        if (faults(inner, 0x1000, false, &fault))
            reached++;
        // A fault of this space inside a scope of the other unwinds both.
        struct mem_scope other;
        mem_scope_enter(&other, inner);
        if (sigsetjmp(other.env, 0) == 0)
            (void)AT(outer, uint8_t, 0x2000);
        fail_msg("the access came back");
    } else {
        reached++;
        assert_int_equal(scope.fault.address, 0x2000);
    }
    mem_scope_leave(&scope);
    assert_int_equal(reached, 2);
    assert_true(faults(outer, 0x3000, false, &fault));
    mem_destroy(inner);
}

// ---- MMIO

struct device {
    uint64_t value; // what reads give
    gva address;    // of the last access
    unsigned size, reads, writes;
    uint64_t written;
};

static uint64_t device_read(void *user, gva address, unsigned size)
{
    struct device *d = user;
    d->address = address;
    d->size = size;
    d->reads++;
    return size == 8 ? d->value : d->value & ((1ull << (8 * size)) - 1);
}

static void device_write(void *user, gva address, unsigned size, uint64_t value)
{
    struct device *d = user;
    d->address = address;
    d->size = size;
    d->writes++;
    d->written = value;
}

enum { WINDOW = 0x7FC80000 };

static void add_window(struct mem *m, struct device *d)
{
    const struct mem_mmio window = {WINDOW, 0x10000, device_read, device_write, d};
    struct error err = {0};
    if (!mem_add_mmio(m, &window, &err))
        fail_msg("%s", err.message);
}

static void check_access(const struct device *d, gva address, unsigned size)
{
    assert_int_equal(d->address, address);
    assert_int_equal(d->size, size);
}

// noinline keeps the access in its own function, as the engine's helpers have it.
#define LOAD(name, type, expression)                                                                                   \
    static __attribute__((noinline)) uint64_t name(struct mem *m, gva a)                                               \
    {                                                                                                                  \
        return (uint64_t)(expression);                                                                                 \
    }
LOAD(load8, uint8_t, AT(m, uint8_t, a))
LOAD(load8s, int8_t, AT(m, int8_t, a))
LOAD(load16, uint16_t, __builtin_bswap16(AT(m, uint16_t, a)))
LOAD(load16raw, uint16_t, AT(m, uint16_t, a))
LOAD(load16s, int16_t, AT(m, int16_t, a))
LOAD(load32, uint32_t, __builtin_bswap32(AT(m, uint32_t, a)))
LOAD(load32raw, uint32_t, AT(m, uint32_t, a))
LOAD(load32s, int32_t, (int64_t)AT(m, int32_t, a))
LOAD(load64, uint64_t, __builtin_bswap64(AT(m, uint64_t, a)))
LOAD(load64raw, uint64_t, AT(m, uint64_t, a))

static void test_mmio_loads(void **state)
{
    struct mem *m = *state;
    struct device d = {.value = 0x8123456789ABCDEFull};
    struct mem_scope scope;
    add_window(m, &d);
    mem_scope_enter(&scope, m);
    if (sigsetjmp(scope.env, 0))
        fail_msg("fault at 0x%08x", scope.fault.address);
    static const struct {
        uint64_t (*load)(struct mem *m, gva a);
        unsigned size;
        uint64_t expected;
    } rows[] = {
        {load8, 1, 0xEF},
        {load8s, 1, 0xFFFFFFFFFFFFFFEFull},
        {load16, 2, 0xCDEF},
        {load16raw, 2, 0xEFCD},
        {load16s, 2, 0xFFFFFFFFFFFFEFCDull},
        {load32, 4, 0x89ABCDEF},
        {load32raw, 4, 0xEFCDAB89},
        {load32s, 4, 0xFFFFFFFFEFCDAB89ull},
        {load64, 8, 0x8123456789ABCDEFull},
        {load64raw, 8, 0xEFCDAB8967452381ull},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(rows[i].load(m, WINDOW + 0x710 + 8 * (gva)i) == rows[i].expected);
        check_access(&d, WINDOW + 0x710 + 8 * (gva)i, rows[i].size);
    }
    assert_int_equal(d.reads, sizeof rows / sizeof *rows);
    assert_int_equal(d.writes, 0);
    mem_scope_leave(&scope);
}

#define STORE(name, type, expression)                                                                                  \
    static __attribute__((noinline)) void name(struct mem *m, gva a, uint64_t v)                                       \
    {                                                                                                                  \
        (void)v;                                                                                                       \
        AT(m, type, a) = (type)(expression);                                                                           \
    }
STORE(store8, uint8_t, v)
STORE(store16, uint16_t, __builtin_bswap16((uint16_t)v))
STORE(store16raw, uint16_t, v)
STORE(store32, uint32_t, __builtin_bswap32((uint32_t)v))
STORE(store32raw, uint32_t, v)
STORE(store64, uint64_t, __builtin_bswap64(v))
STORE(store64raw, uint64_t, v)
STORE(store32imm, uint32_t, 0x11223344)
STORE(store8imm, uint8_t, 0x7F)

static void test_mmio_stores(void **state)
{
    struct mem *m = *state;
    struct device d = {0};
    struct mem_scope scope;
    add_window(m, &d);
    mem_scope_enter(&scope, m);
    if (sigsetjmp(scope.env, 0))
        fail_msg("fault at 0x%08x", scope.fault.address);
    static const struct {
        void (*store)(struct mem *m, gva a, uint64_t v);
        unsigned size;
        uint64_t expected;
    } rows[] = {
        {store8, 1, 0xEF},
        {store16, 2, 0xCDEF},
        {store16raw, 2, 0xEFCD},
        {store32, 4, 0x89ABCDEF},
        {store32raw, 4, 0xEFCDAB89},
        {store64, 8, 0x8123456789ABCDEFull},
        {store64raw, 8, 0xEFCDAB8967452381ull},
        {store32imm, 4, 0x44332211},
        {store8imm, 1, 0x7F},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rows[i].store(m, WINDOW + 0x10 * (gva)i, 0x8123456789ABCDEFull);
        check_access(&d, WINDOW + 0x10 * (gva)i, rows[i].size);
        assert_true(d.written == rows[i].expected);
    }
    assert_int_equal(d.reads, 0);
    mem_scope_leave(&scope);
}

static void test_mmio_modify(void **state)
{
    struct mem *m = *state;
    struct device d = {.value = 0x0F000000}; // host order 0x0000000F
    struct mem_scope scope;
    add_window(m, &d);
    mem_scope_enter(&scope, m);
    if (sigsetjmp(scope.env, 0))
        fail_msg("fault at 0x%08x", scope.fault.address);
    uint8_t *p = mem_base(m) + WINDOW + 4;
    __asm__ volatile("orl $0xF0, (%0)" : : "r"(p) : "memory", "cc");
    assert_int_equal(d.written, 0xFF000000u);
    uint64_t sum = 1, zero = 0, above = 0;
    __asm__ volatile("addl (%1), %k0" : "+r"(sum) : "r"(p) : "memory", "cc");
    assert_int_equal(sum, 0x10);
    __asm__ volatile("xorl %%eax, %%eax; cmpl $15, (%1); sete %%al; movq %%rax, %0"
                     : "=r"(zero)
                     : "r"(p)
                     : "memory", "cc", "rax");
    assert_int_equal(zero, 1);
    __asm__ volatile("xorl %%eax, %%eax; cmpl $16, (%1); setb %%al; movq %%rax, %0"
                     : "=r"(above)
                     : "r"(p)
                     : "memory", "cc", "rax");
    assert_int_equal(above, 1);
    uint64_t exchanged = 0xFFFFFFFF00000001ull;
    __asm__ volatile("xchgl %k0, (%1)" : "+r"(exchanged) : "r"(p) : "memory");
    assert_true(exchanged == 0xF);
    assert_int_equal(d.written, 0x01000000);
    uint64_t high = 0x1122334455667788ull;
    __asm__ volatile("movb 3(%1), %%ah" : "+a"(high) : "r"(p) : "memory");
    assert_true(high == 0x1122334455660088ull);
    check_access(&d, WINDOW + 7, 1);
    uint64_t low = 0x1122334455667788ull;
    __asm__ volatile("movw (%1,%2,4), %w0" : "+r"(low) : "r"(p), "r"(2ull) : "memory");
    check_access(&d, WINDOW + 12, 2);
    assert_true(low == 0x1122334455660000ull);
    uint64_t both[2] = {1, 2};
    __asm__ volatile("vmovdqu %0, %%xmm7; vmovd (%1), %%xmm7; vmovdqu %%xmm7, %0" : "+m"(both) : "r"(p) : "memory", "xmm7");
    check_access(&d, WINDOW + 4, 4);
    assert_true(both[0] == 0x0F && both[1] == 0);
    __asm__ volatile("vmovq (%1), %%xmm9; vmovq %%xmm9, 8(%1); vmovdqu %%xmm9, %0" : "=m"(both) : "r"(p) : "memory", "xmm9");
    check_access(&d, WINDOW + 12, 8);
    assert_true(both[1] == 0 && d.written == __builtin_bswap64(both[0]));
    mem_scope_leave(&scope);
}

// Compiled code moves floating point values so. A load clears the register's rest.
static void test_mmio_vectors(void **state)
{
    struct mem *m = *state;
    struct device d = {.value = 0x1122334455667788};
    struct mem_scope scope;
    if (!__builtin_cpu_supports("avx"))
        skip();
    add_window(m, &d);
    mem_scope_enter(&scope, m);
    if (sigsetjmp(scope.env, 0))
        fail_msg("fault at 0x%08x", scope.fault.address);
    uint8_t *p = mem_base(m) + WINDOW + 8;
    uint64_t loaded[4] = {0}, word[4] = {0};
    __asm__ volatile("vpcmpeqd %%xmm14, %%xmm14, %%xmm14; vinsertf128 $1, %%xmm14, %%ymm14, %%ymm14; vmovq (%1), %%xmm14; vmovdqu %%ymm14, (%0); vmovq %%xmm14, 8(%1)"
                     :
                     : "r"(loaded), "r"(p)
                     : "memory", "xmm14");
    assert_true(loaded[0] == 0x8877665544332211 && !loaded[1] && !loaded[2] && !loaded[3]);
    check_access(&d, WINDOW + 16, 8);
    assert_true(d.written == 0x1122334455667788);
    d.value = 0x11223344;
    __asm__ volatile("vpcmpeqd %%xmm3, %%xmm3, %%xmm3; vmovd (%1), %%xmm3; vmovdqu %%ymm3, (%0); vmovss %%xmm3, 4(%1); vzeroupper"
                     :
                     : "r"(word), "r"(p)
                     : "memory", "xmm3");
    assert_true(word[0] == 0x44332211 && !word[1] && !word[2] && !word[3]);
    check_access(&d, WINDOW + 12, 4);
    assert_true(d.written == 0x11223344);
    mem_scope_leave(&scope);
}

// What is no register access is a fault like any other.
// The misaligned loads are what is tested.
__attribute__((no_sanitize("alignment"))) static void test_mmio_refused(void **state)
{
    struct mem *m = *state;
    struct device d = {0};
    struct mem_scope scope;
    volatile int caught = 0;
    add_window(m, &d);
    for (volatile int i = 0; i < 3; i++) {
        mem_scope_enter(&scope, m);
        if (sigsetjmp(scope.env, 0) == 0) {
            uint8_t *p = mem_base(m) + WINDOW;
            if (i == 0)
                __asm__ volatile("vmovdqu (%0), %%xmm0" : : "r"(p) : "xmm0");
            else if (i == 1)
                (void)AT(m, uint32_t, WINDOW - 2); // begins in memory
            else
                (void)AT(m, uint32_t, WINDOW + 0xFFFE); // ends in memory
        } else {
            caught++;
        }
        mem_scope_leave(&scope);
    }
    assert_int_equal(caught, 3);
    assert_int_equal(d.reads + d.writes, 0);
    assert_false(mem_valid(m, WINDOW, 4, MEM_READ));
    assert_false(mem_valid(m, WINDOW - 2, 4, MEM_READ));
    assert_true(mem_valid(m, WINDOW - 4, 4, MEM_READ_WRITE));
}

static void test_mmio_windows(void **state)
{
    struct mem *m = *state;
    struct device d = {0};
    struct mem_mmio w = {0x7FEA0000, 0x10000, device_read, device_write, &d};
    assert_true(mem_add_mmio(m, &w, NULL));
    w.base = 0x7FE90000; // open alias
    assert_false(mem_add_mmio(m, &w, NULL));
    w = (struct mem_mmio){0x7FC80010, 0x1000, device_read, device_write, &d};
    assert_false(mem_add_mmio(m, &w, NULL));
    w = (struct mem_mmio){0x7FC80000, 0, device_read, device_write, &d};
    assert_false(mem_add_mmio(m, &w, NULL));
    w = (struct mem_mmio){0xFFFF0000u, 0x20000, device_read, device_write, &d};
    assert_false(mem_add_mmio(m, &w, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_scope, make, drop),
        cmocka_unit_test_setup_teardown(test_guards, make, drop),
        cmocka_unit_test_setup_teardown(test_nested_scopes, make, drop),
        cmocka_unit_test_setup_teardown(test_mmio_loads, make, drop),
        cmocka_unit_test_setup_teardown(test_mmio_stores, make, drop),
        cmocka_unit_test_setup_teardown(test_mmio_modify, make, drop),
        cmocka_unit_test_setup_teardown(test_mmio_vectors, make, drop),
        cmocka_unit_test_setup_teardown(test_mmio_refused, make, drop),
        cmocka_unit_test_setup_teardown(test_mmio_windows, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
