// PM4 as text: what each kind of operand looks like, small buffers, and garbage.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xenos/xenos.h"

static void expect(const uint32_t *dwords, size_t count, const char *text)
{
    char out[4096];
    assert_int_equal(xenos_pm4_text(dwords, count, out, sizeof out), count);
    assert_string_equal(out, text);
}

#define EXPECT(text, ...)                                                                                              \
    do {                                                                                                               \
        const uint32_t dwords[] = {__VA_ARGS__};                                                                       \
        expect(dwords, sizeof dwords / sizeof dwords[0], (text));                                                      \
    } while (0)

static void test_types(void **state)
{
    (void)state;
    EXPECT("000000: 00012000 WRITE RB_SURFACE_INFO=00000500 RB_COLOR_INFO=00000000\n", 0x00012000, 0x500, 0);
    EXPECT("000000: 0001A000 WRITE_ONE RB_SURFACE_INFO=00000001,00000002\n", 0x0001A000, 1, 2);
    EXPECT("000000: 40000578 WRITE_TWO SCRATCH_REG0=00000007 RBBM_RTL_RELEASE=00000008\n", 0x40000578, 7, 8);
    EXPECT("000000: 80000000 FILLER\n000001: 00000000 FILLER\n", 0x80000000, 0);
}

static void test_operands(void **state)
{
    (void)state;
    EXPECT("000000: C0043C00 WAIT_REG_MEM ==(13) [1FCA4010/8in32] 00000000 FFFFFFFF 00000100\n", 0xC0043C00, 0x13,
           0x1FCA4012, 0, 0xFFFFFFFF, 0x100);
    EXPECT("000000: C0043C00 WAIT_REG_MEM ==(3) COHER_STATUS_HOST 00000000 80000000 00000000\n", 0xC0043C00, 3, 0xA31,
           0, 0x80000000, 0);
    EXPECT("000000: C0054500 COND_WRITE !=(104) SCRATCH_REG0 00000001 000000FF [00001000] 0000BEEF\n", 0xC0054500,
           0x104, 0x578, 1, 0xFF, 0x1000, 0xBEEF);
    EXPECT("000000: C0015801 EVENT_WRITE_SHD predicated CACHE_FLUSH_TS(80000004) [00001000/8in32]"
           " (2 dwords, expected 3 to 3)\n",
           0xC0015801, 0x80000004, 0x1002);
    EXPECT("000000: C0012D00 SET_CONSTANT REGISTERS+000 RB_SURFACE_INFO 00000123\n", 0xC0012D00, 0x40000, 0x123);
    EXPECT("000000: C0002D00 SET_CONSTANT type9+7FF\n", 0xC0002D00, 0x907FF);
    EXPECT("000000: C0003600 DRAW_INDX_2 primitive=4 auto indices=3\n", 0xC0003600, 0x00030084);
    EXPECT("000000: C0022100 REG_RMW SCRATCH_REG0 and-register 00000579 00000001\n", 0xC0022100, 0x80000578, 0x579, 1);
    EXPECT("000000: C0036400 XE_SWAP 'SWAP' [1F6F8000] 00000500 000002D0\n", 0xC0036400, 0x53574150, 0x1F6F8000, 1280,
           720);
    EXPECT("000000: C0001100 OPCODE_11 00000005\n", 0xC0001100, 5);
    EXPECT("000000: C0094800 ME_INIT 00000000 00000001 00000002 00000003 00000004 00000005 00000006 00000007 +2\n",
           0xC0094800, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
}

static void test_cut_off(void **state)
{
    (void)state;
    EXPECT("000000: C0013F00 INDIRECT_BUFFER [00001000] (cut off: 1 of 2 dwords)\n", 0xC0013F00, 0x1000);
    EXPECT("000000: FFFF1000 NOP (cut off: 0 of 16384 dwords)\n", 0xFFFF1000);
}

// A small buffer holds whole lines, and the caller goes on where it stopped.
static void test_small_buffer(void **state)
{
    (void)state;
    const uint32_t dwords[] = {0x80000000, 0x80000000, 0x80000000};
    char out[60];
    assert_int_equal(xenos_pm4_text(dwords, 3, out, sizeof out), 2);
    assert_string_equal(out, "000000: 80000000 FILLER\n000001: 80000000 FILLER\n");
    assert_int_equal(xenos_pm4_text(dwords + 2, 1, out, sizeof out), 1);
    assert_int_equal(xenos_pm4_text(dwords, 3, out, 10), 0);
    assert_string_equal(out, "");
    assert_int_equal(xenos_pm4_text(dwords, 3, NULL, 0), 0);
    assert_int_equal(xenos_pm4_text(NULL, 0, out, sizeof out), 0);
    assert_string_equal(out, "");
}

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 32);
}

static void test_garbage(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 20000; round++) {
        uint64_t seed = round;
        size_t count = next_random(&seed) % 40, size = next_random(&seed) % 600;
        uint32_t *dwords = malloc(count * 4 + 1); // exact size: asan sees a read beyond it
        char *out = malloc(size + 1);
        assert_non_null(dwords);
        assert_non_null(out);
        for (size_t i = 0; i < count; i++) {
            dwords[i] = next_random(&seed);
            if (next_random(&seed) & 1) {
                dwords[i] = 0xC0000000 | (next_random(&seed) & 7) << 16 | (dwords[i] & 0x7F01);
            }
        }
        out[size] = 0x55;
        size_t done = xenos_pm4_text(dwords, count, out, size);
        assert_true(done <= count);
        assert_true(size == 0 || memchr(out, 0, size) != NULL);
        assert_int_equal(out[size], 0x55);
        for (size_t i = 0; size > 0 && out[i]; i++) {
            assert_true(out[i] == '\n' || (out[i] >= 0x20 && out[i] < 0x7F));
        }
        free(dwords);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),        cmocka_unit_test(test_operands), cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_small_buffer), cmocka_unit_test(test_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
