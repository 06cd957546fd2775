// Every packet with its effects on registers and memory.
#include "test_gpu_fixture.h"

static uint32_t reg(struct fixture *f, uint32_t index)
{
    return gpu_register_read(f->gpu, index);
}

static void test_rmw(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    gpu_register_write(f.gpu, 0x300, 0xFF00FF00);
    gpu_register_write(f.gpu, 0x301, 0x0F0F0F0F);
    gpu_register_write(f.gpu, 0x302, 0x00000011);
    RUN(&f, TYPE3(REG_RMW, 3), 0x300, 0xFFFF0000, 0x22);
    assert_int_equal(reg(&f, 0x300), 0xFF000022);
    RUN(&f, TYPE3(REG_RMW, 3), 0xC0000300, 0x301, 0x302);
    assert_int_equal(reg(&f, 0x300), 0x0F000013);
    RUN(&f, TYPE3(REG_RMW, 3), 0x40000300, 0xF, 0x302);
    assert_int_equal(reg(&f, 0x300), 0x13);
    RUN(&f, TYPE3(REG_RMW, 3), 0x80000300, 0x302, 0x100);
    assert_int_equal(reg(&f, 0x300), 0x111);
    fixture_end(&f);
}

// The four byte swaps, as memory sees them.
static void test_reg_to_mem(void **state)
{
    (void)state;
    static const uint32_t stored[4] = {0x44332211, 0x33441122, 0x11223344, 0x22114433};
    struct fixture f;
    fixture_begin(&f);
    for (uint32_t endian = 0; endian < 4; endian++) {
        gpu_register_write(f.gpu, 0x5001, 0x11223344);
        RUN(&f, TYPE3(REG_TO_MEM, 2), 0x5001, (DATA + 4) | endian);
        assert_int_equal(get32(&f, DATA + 4), stored[endian]);
    }
    assert_int_equal(get32(&f, DATA), 0);
    assert_int_equal(get32(&f, DATA + 8), 0);
    fixture_end(&f);
}

static void test_mem_write(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    RUN(&f, TYPE3(MEM_WRITE, 4), DATA | 2, 1, 2, 3);
    assert_int_equal(get32(&f, DATA), 1);
    assert_int_equal(get32(&f, DATA + 8), 3);
    assert_int_equal(get32(&f, DATA + 12), 0);
    RUN(&f, TYPE3(MEM_WRITE, 2), DATA, 1);
    assert_int_equal(get32(&f, DATA), 0x01000000);
    gpu_register_write(f.gpu, XENOS_REG_CP_PROG_COUNTER, 0x123);
    RUN(&f, TYPE3(MEM_WRITE_CNTR, 1), DATA | 2);
    assert_int_equal(get32(&f, DATA), 0x123);
    fixture_end(&f);
}

static void test_cond_write(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    gpu_register_write(f.gpu, 0x2000, 0x15);
    RUN(&f, TYPE3(COND_WRITE, 6), 3, 0x2000, 6, 0xF, 0x2001, 1); // 5 == 6: no
    assert_int_equal(reg(&f, 0x2001), 0);
    RUN(&f, TYPE3(COND_WRITE, 6), 3, 0x2000, 5, 0xF, 0x2001, 1);
    assert_int_equal(reg(&f, 0x2001), 1);
    RUN(&f, TYPE3(COND_WRITE, 6), 0x103, 0x2000, 5, 0xF, DATA | 2, 7);
    assert_int_equal(get32(&f, DATA), 7);
    RUN(&f, TYPE3(COND_WRITE, 6), 0x116, DATA | 2, 6, 0xFF, (DATA + 4) | 2, 8); // 7 > 6
    assert_int_equal(get32(&f, DATA + 4), 8);
    RUN(&f, TYPE3(COND_WRITE, 6), 0x11, DATA | 2, 7, 0xFF, 0x2001, 9); // 7 < 7: no
    assert_int_equal(reg(&f, 0x2001), 1);
    fixture_end(&f);
}

static void test_constants(void **state)
{
    (void)state;
    static const uint32_t first[] = {0x4000, 0x4800, 0x4900, 0x4908, 0x2000};
    for (uint32_t type = 0; type < 5; type++) {
        struct fixture f;
        fixture_begin(&f);
        RUN(&f, TYPE3(SET_CONSTANT, 3), type << 16 | 2, 11, 12);
        assert_int_equal(reg(&f, first[type] + 2), 11);
        assert_int_equal(reg(&f, first[type] + 3), 12);
        PUT(&f, DATA, 21, 22, 23);
        RUN(&f, TYPE3(LOAD_ALU_CONSTANT, 3), DATA, type << 16 | 3, 2);
        assert_int_equal(reg(&f, first[type] + 2), 11);
        assert_int_equal(reg(&f, first[type] + 3), 21);
        assert_int_equal(reg(&f, first[type] + 4), 22);
        assert_int_equal(reg(&f, first[type] + 5), 0);
        fixture_end(&f);
    }
    struct fixture f;
    fixture_begin(&f);
    RUN(&f, TYPE3(SET_CONSTANT2, 3), 0xABCD2345, 1, 2, TYPE3(SET_SHADER_CONSTANTS, 2), 0x4567, 3);
    assert_int_equal(reg(&f, 0x2345), 1);
    assert_int_equal(reg(&f, 0x2346), 2);
    assert_int_equal(reg(&f, 0x4567), 3);
    RUN(&f, TYPE3(SET_CONSTANT2, 3), 0xFFFF, 1, 2); // the second leaves the register file
    assert_int_equal(reg(&f, 0xFFFF), 1);
    assert_int_equal(gpu_stats(f.gpu)->dropped_writes, 1);
    fixture_end(&f);
}

static void test_events(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    RUN(&f, TYPE3(EVENT_WRITE, 1), 0xFFFFFFD6);
    assert_int_equal(reg(&f, XENOS_REG_VGT_EVENT_INITIATOR), 0x16);
    RUN(&f, TYPE3(EVENT_WRITE, 3), 4, DATA | 2, 99);
    assert_int_equal(get32(&f, DATA), 99);

    RUN(&f, TYPE3(EVENT_WRITE_SHD, 3), 3, DATA | 2, 0x12345678);
    assert_int_equal(get32(&f, DATA), 0x12345678);
    assert_int_equal(reg(&f, XENOS_REG_VGT_EVENT_INITIATOR), 3);
    RUN(&f, TYPE3(EVENT_WRITE_SHD, 3), 0x80000003, DATA | 2, 0x12345678); // the counter: swaps so far
    assert_int_equal(get32(&f, DATA), 0);
    RUN(&f, TYPE3(XE_SWAP, 4), 0x53574150, DATA, 1, 1, TYPE3(EVENT_WRITE_SHD, 3), 0x80000003, DATA | 2, 5);
    assert_int_equal(get32(&f, DATA), 1);
    RUN(&f, TYPE3(EVENT_WRITE_SHD, 3), 3, DATA | 1, 0x11223344);
    assert_int_equal(get32(&f, DATA), 0x33441122);
    fixture_end(&f);
}

// An address beyond physical memory inside the write-back window is an offset into physical memory.
static void test_writeback_window(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    gpu_register_write(f.gpu, XENOS_REG_WRITEBACK_BASE, 0x70000000);
    gpu_register_write(f.gpu, XENOS_REG_WRITEBACK_SIZE, 0x10020000);
    RUN(&f, TYPE3(EVENT_WRITE_SHD, 3), 3, 0x80010002, 5);
    assert_int_equal(get32(&f, DATA), 5);
    fixture_end(&f);
}

static void test_extents(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    memset(fixture_bus_at(&f, DATA, 16), 0xEE, 16);
    RUN(&f, TYPE3(EVENT_WRITE_EXT, 2), 0x1A, DATA | 1);
    static const uint8_t expected[16] = {0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0, 1, 0xEE, 0xEE, 0xEE, 0xEE};
    assert_memory_equal(fixture_bus_at(&f, DATA, 16), expected, 16);
    assert_int_equal(reg(&f, XENOS_REG_VGT_EVENT_INITIATOR), 0x1A);
    fixture_end(&f);
}

static void test_samples(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    gpu_register_write(f.gpu, XENOS_REG_RB_SAMPLE_COUNT_ADDR, DATA);
    memset(fixture_bus_at(&f, DATA, 36), 0xEE, 36);
    RUN(&f, TYPE3(EVENT_WRITE_ZPD, 1), 0x15); // begin: all zero
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(get32(&f, DATA + i * 4), 0);
    }
    assert_int_equal(get32(&f, DATA + 32), 0xEEEEEEEE);
    for (uint32_t marked = 2; marked < 6; marked++) { // end: one of the counts holds the marker
        put32(&f, DATA + marked * 4, 0xFFFFFEED);
        RUN(&f, TYPE3(EVENT_WRITE_ZPD, 1), 0x15);
        for (uint32_t i = 0; i < 8; i++) {
            assert_int_equal(get32(&f, DATA + i * 4), i == 0 || i == 4 ? 0x64000000 : 0);
        }
    }
    fixture_end(&f);
}

static void test_draws(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    RUN(&f, TYPE3(DRAW_INDX, 4), 0, 0x00060004, 0x1000, 0x80000006);
    assert_int_equal(reg(&f, XENOS_REG_VGT_DRAW_INITIATOR), 0x00060004);
    assert_int_equal(reg(&f, XENOS_REG_VGT_DMA_BASE), 0x1000);
    assert_int_equal(reg(&f, XENOS_REG_VGT_DMA_SIZE), 0x80000006);
    RUN(&f, TYPE3(DRAW_INDX, 2), 0, 0x00030084);
    assert_int_equal(reg(&f, XENOS_REG_VGT_DRAW_INITIATOR), 0x00030084);
    assert_int_equal(reg(&f, XENOS_REG_VGT_DMA_BASE), 0x1000);
    RUN(&f, TYPE3(DRAW_INDX_2, 3), 0x00020044, 1, 2);
    assert_int_equal(reg(&f, XENOS_REG_VGT_DRAW_INITIATOR), 0x00020044);
    RUN(&f, TYPE3(DRAW_INDX_BIN, 6), 0, 0x00060004, 7, 8, 0x2000, 9);
    assert_int_equal(reg(&f, XENOS_REG_VGT_DMA_BASE), 0x2000);
    assert_int_equal(reg(&f, XENOS_REG_VGT_DMA_SIZE), 9);
    assert_int_equal(gpu_stats(f.gpu)->draws, 4);
    assert_int_equal(gpu_stats(f.gpu)->opcodes[XENOS_PM4_DRAW_INDX], 2);
    fixture_end(&f);
}

static void test_viz_query(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    RUN(&f, TYPE3(VIZ_QUERY, 1), 33);
    assert_int_equal(reg(&f, XENOS_REG_VGT_EVENT_INITIATOR), XENOS_EVENT_VIZQUERY_START);
    assert_int_equal(reg(&f, XENOS_REG_PA_SC_VIZ_QUERY_STATUS_1), 0);
    RUN(&f, TYPE3(VIZ_QUERY, 1), 0x100 | 33, TYPE3(VIZ_QUERY, 1), 0x100 | 31);
    assert_int_equal(reg(&f, XENOS_REG_VGT_EVENT_INITIATOR), XENOS_EVENT_VIZQUERY_END);
    assert_int_equal(reg(&f, XENOS_REG_PA_SC_VIZ_QUERY_STATUS_1), 2);
    assert_int_equal(reg(&f, XENOS_REG_PA_SC_VIZ_QUERY_STATUS_0), 0x80000000);
    fixture_end(&f);
}

// Every opcode whose only effect so far is inside: it must be eaten whole and leave registers and memory alone.
static void test_consumed(void **state)
{
    (void)state;
    static const struct {
        uint8_t opcode, count;
    } packets[] = {
        {XENOS_PM4_NOP, 5},
        {XENOS_PM4_ME_INIT, 18},
        {XENOS_PM4_WAIT_FOR_IDLE, 1},
        {XENOS_PM4_IM_LOAD, 2},
        {XENOS_PM4_INVALIDATE_STATE, 1},
        {XENOS_PM4_SET_SHADER_BASES, 1},
        {XENOS_PM4_CONTEXT_UPDATE, 1},
        {XENOS_PM4_WAIT_UNTIL_READ, 1},
        {XENOS_PM4_WAIT_IB_PFD_COMPLETE, 2},
        {XENOS_PM4_SET_BIN_BASE_OFFSET, 1},
        {XENOS_PM4_IM_LOAD_IMMEDIATE, 2},
    };
    for (size_t i = 0; i < sizeof packets / sizeof packets[0]; i++) {
        struct fixture f;
        fixture_begin(&f);
        uint32_t dwords[24] = {0xC0000000 | (uint32_t)(packets[i].count - 1) << 16 | (uint32_t)packets[i].opcode << 8};
        dwords[packets[i].count + 1] = TYPE0(0x2000, 1);
        dwords[packets[i].count + 2] = 0x55;
        submit(&f, dwords, packets[i].count + 3u);
        uint8_t *before = malloc(BUS_SIZE);
        assert_non_null(before);
        memcpy(before, f.memory, BUS_SIZE);
        assert_int_equal(gpu_run(f.gpu, 0, MANY), GPU_IDLE);
        assert_int_equal(reg(&f, 0x2000), 0x55);
        assert_memory_equal(before, f.memory, BUS_SIZE - 4); // but for the read pointer
        assert_int_equal(gpu_stats(f.gpu)->packets, 2);
        assert_int_equal(gpu_stats(f.gpu)->long_packets, 0);
        free(before);
        fixture_end(&f);
    }
}

static void test_bins(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    RUN(&f, TYPE3(SET_CONSTANT2, 2) | 1, 0x2000, 1); // at reset everything is selected
    assert_int_equal(reg(&f, 0x2000), 1);
    RUN(&f, TYPE3(SET_BIN_MASK, 2), 0x10, 0x1, TYPE3(SET_BIN_SELECT, 2), 0x20, 0x2, TYPE3(SET_CONSTANT2, 2) | 1, 0x2000,
        2);
    assert_int_equal(reg(&f, 0x2000), 1);
    assert_int_equal(gpu_stats(f.gpu)->skipped, 1);
    RUN(&f, TYPE3(SET_BIN_SELECT_HI, 1), 0x30, TYPE3(SET_CONSTANT2, 2) | 1, 0x2000, 3);
    assert_int_equal(reg(&f, 0x2000), 3);
    RUN(&f, TYPE3(SET_BIN_MASK_HI, 1), 0, TYPE3(SET_CONSTANT2, 2) | 1, 0x2000, 4);
    assert_int_equal(reg(&f, 0x2000), 3);
    RUN(&f, TYPE3(SET_BIN_MASK_LO, 1), 6, TYPE3(SET_CONSTANT2, 2) | 1, 0x2000, 5);
    assert_int_equal(reg(&f, 0x2000), 5);
    RUN(&f, TYPE3(SET_BIN_SELECT_LO, 1), 1, TYPE3(SET_CONSTANT2, 2) | 1, 0x2000, 6, TYPE3(SET_CONSTANT2, 2), 0x2001, 7);
    assert_int_equal(reg(&f, 0x2000), 5);
    assert_int_equal(reg(&f, 0x2001), 7);
    fixture_end(&f);
}

// Every row of the table does what its state says: absent ones stop, the others run with the fewest dwords they need.
static void test_every_row(void **state)
{
    (void)state;
    for (uint32_t opcode = 0; opcode < 128; opcode++) {
        const struct xenos_pm4 *row = xenos_pm4(opcode);
        struct fixture f;
        fixture_begin(&f);
        uint32_t dwords[16] = {0};
        uint32_t count = row ? row->min : 1;
        dwords[0] = 0xC0000000 | (count - 1) << 16 | opcode << 8;
        for (uint32_t i = 1; i <= count; i++) {
            dwords[i] = opcode == XENOS_PM4_XE_SWAP ? 0x53574150 : DATA;
        }
        switch (opcode) {
        case XENOS_PM4_DRAW_INDX:
        case XENOS_PM4_DRAW_INDX_BIN:
        case XENOS_PM4_DRAW_INDX_2:
            dwords[count] = 0x80; // no index buffer
            break;
        case XENOS_PM4_WAIT_REG_MEM:
        case XENOS_PM4_COND_WRITE:
            dwords[1] = 0x117; // memory, always
            break;
        case XENOS_PM4_WAIT_REG_EQ:
        case XENOS_PM4_WAIT_REG_GTE:
            dwords[1] = 0x2000;
            dwords[2] = 0;
            break;
        case XENOS_PM4_INDIRECT_BUFFER:
        case XENOS_PM4_INDIRECT_BUFFER_PFD:
            dwords[2] = 4;
            break;
        case XENOS_PM4_REG_TO_MEM:
        case XENOS_PM4_IM_LOAD_IMMEDIATE:
            dwords[1] = 0;
            dwords[2] = opcode == XENOS_PM4_REG_TO_MEM ? DATA : 0;
            break;
        case XENOS_PM4_SET_CONSTANT:
        case XENOS_PM4_INTERRUPT:
            dwords[1] = 0;
            break;
        case XENOS_PM4_LOAD_ALU_CONSTANT:
            dwords[2] = dwords[3] = 1;
            break;
        case XENOS_PM4_EVENT_WRITE_ZPD:
            gpu_register_write(f.gpu, XENOS_REG_RB_SAMPLE_COUNT_ADDR, DATA);
            break;
        default:
            break;
        }
        submit(&f, dwords, count + 1);
        enum gpu_state expected = row && row->state != XENOS_ABSENT ? GPU_IDLE : GPU_FAULT;
        if (gpu_run(f.gpu, 0, MANY) != expected) {
            fail_msg("opcode %02X: %s", opcode, gpu_fault(f.gpu) ? gpu_fault(f.gpu) : "no fault");
        }
        assert_int_equal(gpu_stats(f.gpu)->opcodes[opcode], 1);
        fixture_end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rmw),
        cmocka_unit_test(test_reg_to_mem),
        cmocka_unit_test(test_mem_write),
        cmocka_unit_test(test_cond_write),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_writeback_window),
        cmocka_unit_test(test_extents),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_draws),
        cmocka_unit_test(test_viz_query),
        cmocka_unit_test(test_consumed),
        cmocka_unit_test(test_bins),
        cmocka_unit_test(test_every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
