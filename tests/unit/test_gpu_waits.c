// Waits that park and go on, interrupts with several processors, swaps and their pace.
#include "test_gpu_fixture.h"

static uint32_t reg(struct fixture *f, uint32_t index)
{
    return gpu_register_read(f->gpu, index);
}

// The sequence that D3D sends, with the words of its shared block in DATA.
static void test_memory_wait(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    put32(&f, DATA, 4);
    SUBMIT(&f, TYPE3(WAIT_REG_MEM, 5), 0x13, DATA | 2, 0, 4, 0x100, TYPE0(0x2000, 1), 1);
    assert_int_equal(gpu_run(f.gpu, 100, MANY), GPU_PARKED);
    assert_false(gpu_wants_run(f.gpu));
    assert_int_equal(f.events[TRACE_GPU_WAIT], 1);
    assert_int_equal(f.last_event[TRACE_GPU_WAIT][0], DATA | 2);
    assert_int_equal(f.last_event[TRACE_GPU_WAIT][2], 4);
    assert_int_equal(f.last_event[TRACE_GPU_WAIT][3], 3);
    const struct gpu_wait *wait = gpu_waiting(f.gpu);
    assert_non_null(wait);
    assert_true(wait->active && wait->memory && !wait->vblank);
    assert_int_equal(wait->packet, RING);
    assert_int_equal(wait->interval, 0x100);
    assert_int_equal(wait->since_cycles, 100);
    assert_int_equal(gpu_run(f.gpu, 200, MANY), GPU_PARKED);
    assert_int_equal(gpu_waiting(f.gpu)->since_cycles, 100);
    assert_int_equal(get32(&f, WRITEBACK), 0);
    put32(&f, DATA, 0xFFFFFFFB); // only the masked bit counts
    assert_int_equal(gpu_run(f.gpu, 300, MANY), GPU_IDLE);
    assert_null(gpu_waiting(f.gpu));
    assert_int_equal(reg(&f, 0x2000), 1);
    assert_int_equal(get32(&f, WRITEBACK), 8);
    assert_int_equal(f.events[TRACE_GPU_WAIT], 1);
    assert_int_equal(gpu_stats(f.gpu)->waits, 1);
    fixture_end(&f);
}

// In memory the bytes are 11 22 33 44; what the comparison sees depends on the swap.
static void test_wait_swaps(void **state)
{
    (void)state;
    static const uint32_t seen[4] = {0x44332211, 0x33441122, 0x11223344, 0x22114433};
    for (uint32_t endian = 0; endian < 4; endian++) {
        struct fixture f;
        fixture_begin(&f);
        put32(&f, DATA, 0x11223344);
        RUN(&f, TYPE3(WAIT_REG_MEM, 5), 0x13, DATA | endian, seen[endian], 0xFFFFFFFF, 0);
        assert_int_equal(gpu_stats(f.gpu)->waits, 0);
        fixture_end(&f);
    }
}

static void test_functions(void **state)
{
    (void)state;
    for (uint32_t function = 0; function < 8; function++) {
        for (uint32_t value = 4; value < 7; value++) {
            struct fixture f;
            fixture_begin(&f);
            gpu_register_write(f.gpu, 0x2000, 0xF0 | value);
            SUBMIT(&f, TYPE3(WAIT_REG_MEM, 5), function, 0x2000, 5, 0x0F, 0);
            enum gpu_state expected = xenos_compare(function, value, 5) ? GPU_IDLE : GPU_PARKED;
            assert_int_equal(gpu_run(f.gpu, 0, MANY), expected);
            fixture_end(&f);
        }
    }
}

static void test_register_wait(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    SUBMIT(&f, TYPE3(WAIT_REG_EQ, 4), 0x578, 3, 0xFF, 0, TYPE3(WAIT_REG_GTE, 4), 0x579, 3, 0xFF, 0);
    assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_PARKED);
    assert_false(gpu_waiting(f.gpu)->memory);
    gpu_register_write(f.gpu, 0x578, 3);
    assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_PARKED);
    assert_int_equal(gpu_waiting(f.gpu)->address, 0x579);
    gpu_register_write(f.gpu, 0x579, 4);
    assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_IDLE);
    fixture_end(&f);
}

// D3D asks for coherency and waits until the busy bit is 0.
static void test_coherency(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    RUN(&f, TYPE0(0x0A2F, 3), 0x1000, 0x2000, 0x03000000, TYPE3(WAIT_REG_MEM, 5), 3, 0x0A31, 0, 0x80000000, 0);
    assert_int_equal(reg(&f, 0x0A31), 0);
    gpu_register_write(f.gpu, 0x0A31, 0x03000000);
    assert_int_equal(reg(&f, 0x0A31) >> 31, 0);
    fixture_end(&f);
}

static void test_wait_in_buffer(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    PUT(&f, LIST, TYPE3(INDIRECT_BUFFER, 2), LIST + 0x100, 6, TYPE0(0x2000, 1), 8);
    PUT(&f, LIST + 0x100, TYPE3(WAIT_REG_MEM, 5), 0x13, DATA | 2, 1, 1, 0);
    SUBMIT(&f, TYPE3(INDIRECT_BUFFER, 2), LIST, 5);
    assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_PARKED);
    assert_int_equal(gpu_waiting(f.gpu)->packet, LIST + 0x100);
    // More arrives while it is parked; the order stays.
    SUBMIT(&f, TYPE0(0x2001, 1), 9);
    assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_PARKED);
    assert_int_equal(reg(&f, 0x2001), 0);
    put32(&f, DATA, 1);
    assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_IDLE);
    assert_int_equal(reg(&f, 0x2000), 8);
    assert_int_equal(reg(&f, 0x2001), 9);
    fixture_end(&f);
}

static void test_interrupts(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    SUBMIT(&f, TYPE3(INTERRUPT, 1), 0xFFFFFFC0 | 0x25, TYPE0(0x2000, 1), 1);
    static const unsigned expected[] = {0, 2, 5};
    assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_INTERRUPT);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(f.interrupts, i + 1);
        assert_int_equal(f.cpus[i], expected[i]);
        assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_INTERRUPT); // nothing moves until the callback is done
        assert_false(gpu_wants_run(f.gpu));
        assert_int_equal(reg(&f, 0x2000), 0);
        gpu_interrupt_done(f.gpu);
    }
    assert_true(gpu_wants_run(f.gpu));
    assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_IDLE);
    assert_int_equal(reg(&f, 0x2000), 1);
    gpu_interrupt_done(f.gpu); // harmless
    assert_int_equal(f.interrupts, 3);
    assert_int_equal(gpu_stats(f.gpu)->interrupts, 3);
    fixture_end(&f);
}

// The read index is written also when an interrupt was the last packet.
static void test_interrupt_last(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    SUBMIT(&f, TYPE3(INTERRUPT, 1), 4);
    assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_INTERRUPT);
    gpu_interrupt_done(f.gpu);
    assert_int_equal(get32(&f, WRITEBACK), 0);
    assert_true(gpu_wants_run(f.gpu));
    assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_IDLE);
    assert_int_equal(get32(&f, WRITEBACK), 2);
    assert_false(gpu_wants_run(f.gpu));
    fixture_end(&f);
}

static void test_interrupt_done_inside(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    f.done_inside = true;
    RUN(&f, TYPE3(INTERRUPT, 1), 0x3F, TYPE3(INTERRUPT, 1), 0, TYPE0(0x2000, 1), 1);
    assert_int_equal(f.interrupts, 6);
    assert_int_equal(f.cpus[5], 5);
    assert_int_equal(reg(&f, 0x2000), 1);
    fixture_end(&f);
}

static void test_swap(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    RUN(&f, TYPE0(0x4800, 6), 1, 2, 3, 4, 5, 6, TYPE3(XE_SWAP, 6), 0x53574150, 0x1F6F8000, 1280, 720, 0, 0);
    assert_int_equal(f.swaps, 1);
    assert_int_equal(f.swap.frame, 0);
    assert_int_equal(f.swap.front_buffer, 0x1F6F8000);
    assert_int_equal(f.swap.width, 1280);
    assert_int_equal(f.swap.height, 720);
    assert_int_equal(f.swap.fetch[5], 6);
    assert_int_equal(f.last_event[TRACE_GPU_SWAP][1], 0x1F6F8000);
    RUN(&f, TYPE3(XE_SWAP, 4), 0x53574150, 0x1F6F8000, 1280, 720);
    assert_int_equal(f.swap.frame, 1);
    assert_int_equal(f.last_event[TRACE_GPU_SWAP][0], 1);
    RUN(&f, TYPE3(XE_SWAP, 4) | 1, 0x53574150, 0x1F6F8000, 1280, 720); // predicated: never a swap
    assert_int_equal(f.swaps, 2);
    assert_int_equal(gpu_stats(f.gpu)->skipped, 1);
    fixture_end(&f);
}

static void test_pace(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin_with(&f, (struct gpu_config){.pace_vblank = true});
    SUBMIT(&f, TYPE3(XE_SWAP, 4), 0x53574150, 0x1F6F8000, 1280, 720, TYPE0(0x2000, 1), 1);
    assert_int_equal(gpu_run(f.gpu, 5, MANY), GPU_PARKED);
    assert_int_equal(f.swaps, 1);
    assert_true(gpu_waiting(f.gpu)->vblank);
    assert_int_equal(gpu_waiting(f.gpu)->since_cycles, 5);
    assert_int_equal(gpu_run(f.gpu, 6, MANY), GPU_PARKED);
    gpu_vblank(f.gpu);
    assert_null(gpu_waiting(f.gpu));
    assert_true(gpu_wants_run(f.gpu));
    assert_int_equal(gpu_run(f.gpu, 7, MANY), GPU_IDLE);
    assert_int_equal(reg(&f, 0x2000), 1);
    gpu_vblank(f.gpu);
    assert_int_equal(gpu_stats(f.gpu)->vblanks, 2);
    fixture_end(&f);
}

// A new ring drops what was under way.
static void test_new_ring(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    PUT(&f, LIST, TYPE3(WAIT_REG_MEM, 5), 0x10, DATA, 0, 0, 0);
    SUBMIT(&f, TYPE3(INDIRECT_BUFFER, 2), LIST, 6);
    assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_PARKED);
    assert_true(gpu_set_ring(f.gpu, RING, RING_BYTES));
    assert_null(gpu_waiting(f.gpu));
    RUN(&f, TYPE0(0x2000, 1), 1);
    assert_int_equal(reg(&f, 0x2000), 1);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_wait),
        cmocka_unit_test(test_wait_swaps),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_register_wait),
        cmocka_unit_test(test_coherency),
        cmocka_unit_test(test_wait_in_buffer),
        cmocka_unit_test(test_interrupts),
        cmocka_unit_test(test_interrupt_last),
        cmocka_unit_test(test_interrupt_done_inside),
        cmocka_unit_test(test_swap),
        cmocka_unit_test(test_pace),
        cmocka_unit_test(test_new_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
