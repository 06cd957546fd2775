// The ring: wrap, incomplete packets, write-back, indirect buffers, budget, faults, state as data.
#include "test_gpu_fixture.h"

static uint32_t reg(struct fixture *f, uint32_t index)
{
    return gpu_register_read(f->gpu, index);
}

static void test_create(void **state)
{
    (void)state;
    struct gpu *gpu;
    struct error err = {0};
    assert_false(gpu_create(&gpu, &(struct gpu_config){0}, &err));
    assert_int_equal(err.code, ERR_ARGUMENT);
    assert_null(gpu);
    gpu_destroy(NULL);
}

static void test_set_ring(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    put32(&f, DATA, 0x11111111);
    assert_false(gpu_set_ring(f.gpu, DATA, 0x30));
    assert_false(gpu_set_ring(f.gpu, DATA, 0x300));
    assert_false(gpu_set_ring(f.gpu, 0x1000, 0x100)); // no memory
    assert_int_equal(get32(&f, DATA), 0x11111111);
    assert_true(gpu_set_ring(f.gpu, DATA, 0x100));
    assert_int_equal(get32(&f, DATA), 0);
    assert_int_equal(reg(&f, XENOS_REG_CP_RB_BASE), DATA);
    fixture_end(&f);
}

static void test_no_ring_is_idle(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct gpu_config config = {.user = &f, .bus_at = fixture_bus_at};
    assert_true(gpu_create(&f.gpu, &config, NULL));
    gpu_register_write(f.gpu, XENOS_REG_CP_RB_WPTR, 5);
    assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_IDLE);
    assert_false(gpu_wants_run(f.gpu));
    gpu_destroy(f.gpu);
}

// 64 dwords; packets of three dwords cross the end in both ways: between header and payload, and within the payload.
static void test_wrap(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    for (uint32_t i = 0; i < 100; i++) {
        RUN(&f, TYPE0(0x2000, 2), i, ~i);
        assert_int_equal(reg(&f, 0x2000), i);
        assert_int_equal(reg(&f, 0x2001), ~i);
        assert_int_equal(get32(&f, WRITEBACK), (i + 1) * 3 % 64);
        assert_int_equal(reg(&f, XENOS_REG_CP_RB_RPTR), (i + 1) * 3 % 64);
    }
    assert_int_equal(gpu_stats(f.gpu)->packets, 100);
    fixture_end(&f);
}

// The write pointer may stand inside a packet; what is missing comes later.
static void test_incomplete(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    RUN(&f, TYPE0(0x2000, 2), 7);
    assert_int_equal(reg(&f, 0x2000), 0);
    assert_int_equal(get32(&f, WRITEBACK), 0);
    assert_false(gpu_wants_run(f.gpu));
    SUBMIT(&f, 8);
    assert_true(gpu_wants_run(f.gpu));
    assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_IDLE);
    assert_int_equal(reg(&f, 0x2001), 8);
    assert_int_equal(get32(&f, WRITEBACK), 3);
    assert_false(gpu_wants_run(f.gpu));
    fixture_end(&f);
}

static void test_longer_than_ring(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    SUBMIT(&f, TYPE3(NOP, 64), 0);
    assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_FAULT);
    assert_non_null(strstr(gpu_fault(f.gpu), "longer than the ring"));
    fixture_end(&f);
}

static void test_types(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    RUN(&f, TYPE0(0x2100, 3), 1, 2, 3, TYPE0(0x2200, 2) | 0x8000, 4, 5, 0x40000000 | 0x301 << 11 | 0x300, 6, 7,
        0x80000000, 0, 0x0BADF00D, TYPE0(0x2300, 1), 9);
    assert_int_equal(reg(&f, 0x2100), 1);
    assert_int_equal(reg(&f, 0x2102), 3);
    assert_int_equal(reg(&f, 0x2200), 5);
    assert_int_equal(reg(&f, 0x2201), 0);
    assert_int_equal(reg(&f, 0x300), 6);
    assert_int_equal(reg(&f, 0x301), 7);
    assert_int_equal(reg(&f, 0x2300), 9);
    assert_int_equal(gpu_stats(f.gpu)->packets, 7);
    fixture_end(&f);
}

// A packet that writes CP_RB_WPTR fills the register and does not move what is being run.
static void test_packet_does_not_move_write_pointer(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    RUN(&f, TYPE0(XENOS_REG_CP_RB_WPTR, 1), 40, TYPE0(0x2000, 1), 3);
    assert_int_equal(reg(&f, 0x2000), 3);
    assert_int_equal(get32(&f, WRITEBACK), 4);
    fixture_end(&f);
}

static void test_indirect(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    PUT(&f, LIST, TYPE0(0x2000, 1), 1, TYPE3(INDIRECT_BUFFER, 2), LIST + 0x100, 2, TYPE3(INDIRECT_BUFFER_PFD, 2),
        LIST + 0x200, 4, TYPE0(0x2000, 1), 9);
    PUT(&f, LIST + 0x100, TYPE0(0x2001, 1), 2);
    PUT(&f, LIST + 0x200, TYPE0(0x2002, 1), 3, TYPE0(0x2000, 1), 5);
    // Only the low 20 bits of a length and the low 29 bits of an address count, as the CPU's physical views show the
    // same memory.
    RUN(&f, TYPE3(INDIRECT_BUFFER, 2), LIST | 0xA0000000, 0xFFF0000A, TYPE0(0x2003, 1), 4, TYPE3(INDIRECT_BUFFER, 2), 0,
        0);
    assert_int_equal(reg(&f, 0x2000), 9);
    assert_int_equal(reg(&f, 0x2001), 2);
    assert_int_equal(reg(&f, 0x2002), 3);
    assert_int_equal(reg(&f, 0x2003), 4);
    assert_int_equal(gpu_stats(f.gpu)->buffers, 3);
    assert_int_equal(gpu_stats(f.gpu)->packets, 10);
    fixture_end(&f);
}

static void expect_fault(struct fixture *f, const char *text)
{
    assert_int_equal(gpu_run(f->gpu, 0, MANY), GPU_FAULT);
    assert_non_null(gpu_fault(f->gpu));
    if (!strstr(gpu_fault(f->gpu), text)) {
        fail_msg("fault \"%s\" does not say \"%s\"", gpu_fault(f->gpu), text);
    }
    assert_int_equal(f->events[TRACE_GPU_PACKET], 1);
    assert_int_equal(gpu_stats(f->gpu)->unknown, 1);
    assert_false(gpu_wants_run(f->gpu));
    assert_int_equal(gpu_run(f->gpu, 0, MANY), GPU_FAULT); // for good
    assert_int_equal(f->events[TRACE_GPU_PACKET], 1);
}

#define EXPECT_FAULT(text, ...)                                                                                        \
    do {                                                                                                               \
        struct fixture f_;                                                                                             \
        fixture_begin(&f_);                                                                                            \
        SUBMIT(&f_, __VA_ARGS__);                                                                                      \
        expect_fault(&f_, (text));                                                                                     \
        fixture_end(&f_);                                                                                              \
    } while (0)

static void test_faults(void **state)
{
    (void)state;
    EXPECT_FAULT("unknown opcode 11 with 1 dwords", 0xC0001100, 0);
    EXPECT_FAULT("packet C0012500 (SET_STATE) at bus 10000000: not implemented", TYPE3(SET_STATE, 2), 0, 0);
    EXPECT_FAULT("not implemented", TYPE3(COND_EXEC, 4), 0, 0, 0, 0);
    EXPECT_FAULT("has 1 dwords, needs 5", TYPE3(WAIT_REG_MEM, 1), 0);
    EXPECT_FAULT("indirect buffer outside memory", TYPE3(INDIRECT_BUFFER, 2), 0x1000, 8);
    EXPECT_FAULT("writes bus 00001000", TYPE3(MEM_WRITE, 2), 0x1002, 5);
    EXPECT_FAULT("reads bus 00001000", TYPE3(WAIT_REG_MEM, 5), 0x13, 0x1002, 0, 0, 0);
    EXPECT_FAULT("names register 00010000", TYPE3(WAIT_REG_MEM, 5), 3, 0x10000, 0, 0, 0);
    EXPECT_FAULT("names register FFFFFFFF", TYPE3(REG_TO_MEM, 2), 0xFFFFFFFF, DATA);
    EXPECT_FAULT("names register 00010000", TYPE3(COND_WRITE, 6), 7, 0, 0, 0, 0x10000, 0);
    EXPECT_FAULT("constant type 5", TYPE3(SET_CONSTANT, 2), 0x50000, 0);
    EXPECT_FAULT("reads 16 bytes at bus 1001FFF4", TYPE3(LOAD_ALU_CONSTANT, 3), BUS_BASE + BUS_SIZE - 12, 0, 4);
    EXPECT_FAULT("signature", TYPE3(XE_SWAP, 4), 0, 0, 0, 0);
    EXPECT_FAULT("index buffer", TYPE3(DRAW_INDX, 3), 0, 4, 0);
    EXPECT_FAULT("index buffer", TYPE3(DRAW_INDX_BIN, 4), 0, 4, 0, 0);
    EXPECT_FAULT("shader type 2", TYPE3(IM_LOAD, 2), 2, 0);
    EXPECT_FAULT("2 dwords of microcode, has 1", TYPE3(IM_LOAD_IMMEDIATE, 3), 0, 2, 0);
    EXPECT_FAULT("reads 32 bytes at bus 00000000", TYPE3(EVENT_WRITE_ZPD, 1), 0);
}

static void test_buffer_faults(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    PUT(&f, LIST, TYPE3(NOP, 3), 0, 0); // one dword too few
    SUBMIT(&f, TYPE3(INDIRECT_BUFFER, 2), LIST, 3);
    expect_fault(&f, "crosses the end of its indirect buffer");
    fixture_end(&f);

    fixture_begin(&f); // a buffer that calls itself
    PUT(&f, LIST, TYPE3(INDIRECT_BUFFER, 2), LIST, 3);
    SUBMIT(&f, TYPE3(INDIRECT_BUFFER, 2), LIST, 3);
    expect_fault(&f, "opens more than 16 indirect buffers");
    fixture_end(&f);

    fixture_begin(&f); // ends with memory, in the middle of a packet
    PUT(&f, BUS_BASE + BUS_SIZE - 8, TYPE3(NOP, 4), 0);
    SUBMIT(&f, TYPE3(INDIRECT_BUFFER, 2), BUS_BASE + BUS_SIZE - 8, 100);
    expect_fault(&f, "payload outside memory");
    fixture_end(&f);
}

static void test_budget(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    SUBMIT(&f, TYPE0(0x2000, 1), 1, TYPE0(0x2000, 1), 2, TYPE0(0x2000, 1), 3);
    assert_int_equal(gpu_run(f.gpu, 0, 0), GPU_BUSY);
    assert_int_equal(reg(&f, 0x2000), 0);
    assert_int_equal(gpu_run(f.gpu, 0, 2), GPU_BUSY);
    assert_int_equal(reg(&f, 0x2000), 2);
    assert_int_equal(get32(&f, WRITEBACK), 0); // only when all has run
    assert_int_equal(gpu_run(f.gpu, 0, 1), GPU_IDLE);
    assert_int_equal(get32(&f, WRITEBACK), 6);
    fixture_end(&f);
}

static void test_long_packets(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    RUN(&f, TYPE3(REG_RMW, 5), 0x1234, 0, 7, 8, 9, TYPE0(0x2001, 1), 1);
    assert_int_equal(reg(&f, 0x1234), 7);
    assert_int_equal(reg(&f, 0x2001), 1);
    assert_int_equal(gpu_stats(f.gpu)->long_packets, 1);
    fixture_end(&f);
}

static void test_packet_events(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin_with(&f, (struct gpu_config){.trace_packets = true});
    RUN(&f, TYPE0(0x2000, 1), 1, TYPE3(NOP, 1), 0);
    assert_int_equal(f.events[TRACE_GPU_PACKET], 2);
    assert_int_equal(f.last_event[TRACE_GPU_PACKET][0], RING + 8);
    assert_int_equal(f.last_event[TRACE_GPU_PACKET][1], TYPE3(NOP, 1));
    SUBMIT(&f, 0xC0001100, 0);
    assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_FAULT);
    assert_int_equal(f.events[TRACE_GPU_PACKET], 3);
    fixture_end(&f);
}

// Taken in a wait inside a buffer, put into another GPU over a copy of memory, it goes on the same way.
static void test_state_moves(void **state)
{
    (void)state;
    struct fixture a, b;
    fixture_begin(&a);
    fixture_begin(&b);
    PUT(&a, LIST, TYPE3(WAIT_REG_MEM, 5), 0x13, DATA | 2, 1, 0xFFFFFFFF, 0x100, TYPE0(0x2000, 1), 77);
    SUBMIT(&a, TYPE3(INDIRECT_BUFFER, 2), LIST, 8, TYPE3(INTERRUPT, 1), 5);
    assert_int_equal(gpu_run(a.gpu, 1234, MANY), GPU_PARKED);
    size_t size;
    const void *data = gpu_state(a.gpu, &size);
    void *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, data, size);
    memcpy(b.memory, a.memory, BUS_SIZE);
    struct error err = {0};
    assert_true(gpu_restore(b.gpu, copy, size, &err));
    assert_int_equal(gpu_waiting(b.gpu)->since_cycles, 1234);
    assert_int_equal(gpu_waiting(b.gpu)->address, DATA | 2);
    put32(&a, DATA, 1);
    put32(&b, DATA, 1);
    assert_int_equal(gpu_run(a.gpu, 2000, MANY), GPU_INTERRUPT);
    assert_int_equal(gpu_run(b.gpu, 2000, MANY), GPU_INTERRUPT);
    assert_int_equal(reg(&b, 0x2000), 77);
    size_t size_b;
    assert_memory_equal(gpu_state(a.gpu, &size), gpu_state(b.gpu, &size_b), size);
    assert_int_equal(size, size_b);
    assert_memory_equal(a.memory, b.memory, BUS_SIZE);

    // What cannot be a state is refused, and nothing changes.
    assert_false(gpu_restore(b.gpu, copy, size - 1, &err));
    assert_int_equal(err.code, ERR_FORMAT);
    uint32_t *dwords = copy, found = 0; // the only dword that is the ring's size, and after it the read index
    for (uint32_t i = 0; i + 1 < size / 4; i++) {
        if (dwords[i] == RING && dwords[i + 1] == RING_BYTES / 4 && !found) {
            found = i;
        }
    }
    assert_true(found > 0);
    dwords[found + 2] = RING_BYTES / 4; // beyond the ring
    assert_false(gpu_restore(b.gpu, copy, size, &err));
    dwords[found + 2] = RING_BYTES / 4 - 1;
    assert_true(gpu_restore(b.gpu, copy, size, &err));
    assert_true(gpu_restore(b.gpu, gpu_state(a.gpu, &size), size, &err));
    memset(copy, 0xFF, size);
    assert_false(gpu_restore(b.gpu, copy, size, &err));
    assert_memory_equal(gpu_state(a.gpu, &size), gpu_state(b.gpu, &size_b), size);
    free(copy);
    fixture_end(&a);
    fixture_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),          cmocka_unit_test(test_set_ring),
        cmocka_unit_test(test_no_ring_is_idle), cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_incomplete),      cmocka_unit_test(test_longer_than_ring),
        cmocka_unit_test(test_types),           cmocka_unit_test(test_packet_does_not_move_write_pointer),
        cmocka_unit_test(test_indirect),        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_buffer_faults),   cmocka_unit_test(test_budget),
        cmocka_unit_test(test_long_packets),    cmocka_unit_test(test_packet_events),
        cmocka_unit_test(test_state_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
