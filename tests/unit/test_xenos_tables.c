// The tables of the GPU's language: order, names, headers, swaps.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "xenos/xenos.h"

static void test_registers(void **state)
{
    (void)state;
    assert_string_equal(xenos_register_name(0x01C5), "CP_RB_WPTR");
    assert_string_equal(xenos_register_name(0x0000), "RBBM_RTL_RELEASE");
    assert_string_equal(xenos_register_name(0x2000), "RB_SURFACE_INFO");
    assert_string_equal(xenos_register_name(0x4800), "SHADER_CONSTANT_FETCH_00_0");
    assert_string_equal(xenos_register_source(0x01C5), "canary+xenon-emu");
    assert_null(xenos_register_name(0x0003));
    assert_null(xenos_register_name(0xFFFFFFFF));
    assert_int_equal(XENOS_REG_CP_RB_WPTR, 0x01C5);
    assert_int_equal(XENOS_REG_COHER_STATUS_HOST, 0x0A31);
    assert_int_equal(XENOS_REG_SCRATCH_REG0, 0x0578);
}

// The look-up bisects, so every row must be found again: this fails when registers.def is not in ascending order.
static void test_registers_ascend(void **state)
{
    (void)state;
    static const struct {
        uint32_t index;
        const char *name;
    } rows[] = {
#define REGISTER(index, name, source) {index, #name},
#include "xenos/registers.def"
#undef REGISTER
    };
    size_t count = sizeof rows / sizeof rows[0];
    assert_true(count > 3400);
    for (size_t i = 0; i < count; i++) {
        const char *name = xenos_register_name(rows[i].index);
        assert_non_null(name);
        assert_string_equal(name, rows[i].name);
    }
}

static void test_constants(void **state)
{
    (void)state;
    static const uint32_t first[] = {0x4000, 0x4800, 0x4900, 0x4908, 0x2000};
    for (uint32_t type = 0; type < 5; type++) {
        assert_int_equal(xenos_constants(type)->first, first[type]);
    }
    assert_null(xenos_constants(5));
}

static void test_pm4_rows(void **state)
{
    (void)state;
    assert_string_equal(xenos_pm4_name(0x3C), "WAIT_REG_MEM");
    assert_string_equal(xenos_pm4_name(0x64), "XE_SWAP");
    assert_null(xenos_pm4_name(0x11));
    assert_null(xenos_pm4_name(0x80));
    assert_null(xenos_pm4(0xFFFFFFFF));
    unsigned rows = 0;
    for (uint32_t opcode = 0; opcode < 128; opcode++) {
        const struct xenos_pm4 *row = xenos_pm4(opcode);
        if (!row) {
            continue;
        }
        rows++;
        assert_int_equal(row->opcode, opcode);
        assert_true(row->min >= 1 && row->min <= row->max && row->max <= XENOS_MAX_PAYLOAD);
        assert_true(row->state == XENOS_DONE || row->note[0]); // what is missing is written down
        assert_true(strspn(row->args, "xrmabecdwpqs*") == strlen(row->args));
    }
    assert_int_equal(rows, 47); // the rows of pm4_packets.tsv of type 3
}

static void test_events(void **state)
{
    (void)state;
    assert_string_equal(xenos_event_name(0x80000014), "CACHE_FLUSH_AND_INV_TS_EVENT");
    assert_null(xenos_event_name(16));
    assert_int_equal(XENOS_EVENT_VIZQUERY_END, 8);
}

static void test_headers(void **state)
{
    (void)state;
    struct xenos_packet p = xenos_packet(0x0003A000);
    assert_int_equal(p.type, 0);
    assert_int_equal(p.payload, 4);
    assert_int_equal(p.registers[0], 0x2000);
    assert_true(p.one_register);
    p = xenos_packet(0x40000000 | 0x123 << 11 | 0x456);
    assert_int_equal(p.type, 1);
    assert_int_equal(p.payload, 2);
    assert_int_equal(p.registers[0], 0x456);
    assert_int_equal(p.registers[1], 0x123);
    p = xenos_packet(0x80000000);
    assert_int_equal(p.type, 2);
    assert_int_equal(p.payload, 0);
    p = xenos_packet(0xC0043C01);
    assert_int_equal(p.type, 3);
    assert_int_equal(p.payload, 5);
    assert_int_equal(p.opcode, 0x3C);
    assert_true(p.predicated);
    assert_int_equal(xenos_packet(0xFFFFFFFF).payload, 0x4000);
    assert_int_equal(xenos_packet(0).type, 2);
    assert_int_equal(xenos_packet(0x0BADF00D).payload, 0);
}

static void test_swaps(void **state)
{
    (void)state;
    assert_int_equal(xenos_swap(0x11223344, 0), 0x11223344);
    assert_int_equal(xenos_swap(0x11223344, 1), 0x22114433);
    assert_int_equal(xenos_swap(0x11223344, 2), 0x44332211);
    assert_int_equal(xenos_swap(0x11223344, 3), 0x33441122);
    assert_int_equal(xenos_swap(0x11223344, 6), 0x44332211); // low two bits only
}

static void test_compare(void **state)
{
    (void)state;
    static const char less[] = "01101001", equal[] = "00110101", greater[] = "00001111";
    for (uint32_t f = 0; f < 8; f++) {
        assert_int_equal(xenos_compare(f, 1, 2), less[f] == '1');
        assert_int_equal(xenos_compare(f, 2, 2), equal[f] == '1');
        assert_int_equal(xenos_compare(f, 0x80000000, 2), greater[f] == '1'); // unsigned
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registers), cmocka_unit_test(test_registers_ascend), cmocka_unit_test(test_constants),
        cmocka_unit_test(test_pm4_rows),  cmocka_unit_test(test_events),           cmocka_unit_test(test_headers),
        cmocka_unit_test(test_swaps),     cmocka_unit_test(test_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
