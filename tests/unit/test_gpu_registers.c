// The register file as the CPU sees it: fixed reads, the MMIO window, scratch write-back, gamma tables.
#include "test_gpu_fixture.h"

static void test_fixed_reads(void **state)
{
    (void)state;
    static const struct {
        gva address;
        uint32_t value;
    } reads[] = {{0x7FC83C00, 0x08100748}, {0x7FC83C04, 0x0000200E}, {0x7FC86544, 1}, {0x7FC86584, 0x050002D0}};
    struct fixture f;
    fixture_begin(&f);
    for (size_t i = 0; i < 4; i++) {
        gpu_mmio_write(f.gpu, reads[i].address, 4, 0x12345678);
        assert_int_equal(gpu_mmio_read(f.gpu, reads[i].address, 4), reads[i].value);
    }
    gpu_mmio_write(f.gpu, 0x7FC86110, 4, 0x1F6F8000); // accepted, no effect
    assert_int_equal(gpu_mmio_read(f.gpu, 0x7FC86110, 4), 0x1F6F8000);
    assert_int_equal(gpu_mmio_read(f.gpu, 0x7FC8112C, 4), 0);
    fixture_end(&f);
}

static void test_window(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    gpu_mmio_write(f.gpu, 0x7FC88000, 8, 0x1122334455667788);
    assert_int_equal(gpu_register_read(f.gpu, 0x2000), 0x11223344);
    assert_int_equal(gpu_register_read(f.gpu, 0x2001), 0x55667788);
    assert_true(gpu_mmio_read(f.gpu, 0x7FC88000, 8) == 0x1122334455667788);
    assert_int_equal(gpu_mmio_read(f.gpu, 0x7FC88000, 2), 0x1122); // big-endian: the first half is the high one
    assert_int_equal(gpu_mmio_read(f.gpu, 0x7FC88002, 2), 0x3344);
    assert_int_equal(gpu_mmio_read(f.gpu, 0x7FC88001, 1), 0x22);
    assert_int_equal(gpu_mmio_read(f.gpu, 0x7FC88007, 1), 0x88);
    assert_int_equal(gpu_stats(f.gpu)->dropped_writes, 0);
    gpu_mmio_write(f.gpu, 0x7FC88000, 2, 0);
    gpu_mmio_write(f.gpu, 0x7FC88002, 4, 0);
    gpu_mmio_write(f.gpu, 0x7FC90000, 4, 0);
    gpu_mmio_write(f.gpu, 0x7FC7FFFC, 4, 0);
    gpu_mmio_write(f.gpu, 0x7FC8FFFC, 8, 0);
    gpu_mmio_write(f.gpu, 0x7FC88000, 3, 0);
    assert_int_equal(gpu_stats(f.gpu)->dropped_writes, 6);
    assert_int_equal(gpu_mmio_read(f.gpu, 0x7FC90000, 4), 0);
    assert_int_equal(gpu_mmio_read(f.gpu, 0, 0), 0);
    assert_int_equal(gpu_register_read(f.gpu, 0x2000), 0x11223344);
    assert_int_equal(gpu_register_read(f.gpu, 0xFFFFFFFF), 0);
    gpu_register_write(f.gpu, 0x10000, 1);
    assert_int_equal(gpu_stats(f.gpu)->dropped_writes, 7);
    fixture_end(&f);
}

static void test_scratch(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    gpu_register_write(f.gpu, XENOS_REG_SCRATCH_UMSK, 0x82);
    gpu_register_write(f.gpu, XENOS_REG_SCRATCH_ADDR, DATA);
    RUN(&f, TYPE0(0x578, 8), 1, 2, 3, 4, 5, 6, 7, 8);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(get32(&f, DATA + i * 4), i == 1 || i == 7 ? i + 1 : 0);
        assert_int_equal(gpu_register_read(f.gpu, 0x578 + i), i + 1);
    }
    assert_int_equal(get32(&f, DATA + 32), 0);
    gpu_register_write(f.gpu, 0x579, 0x99); // from the CPU too
    assert_int_equal(get32(&f, DATA + 4), 0x99);
    gpu_register_write(f.gpu, XENOS_REG_SCRATCH_ADDR, 0x1000); // no memory
    gpu_register_write(f.gpu, 0x579, 0x9A);
    assert_int_equal(gpu_stats(f.gpu)->dropped_writes, 1);
    fixture_end(&f);
}

// After three components, or one whole colour, the index moves on; it wraps.
static void test_gamma_index(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f);
    gpu_register_write(f.gpu, XENOS_REG_DC_LUT_WRITE_EN_MASK, 7);
    gpu_register_write(f.gpu, XENOS_REG_DC_LUT_RW_INDEX, 0xFE);
    for (unsigned i = 0; i < 6; i++) {
        gpu_register_write(f.gpu, XENOS_REG_DC_LUT_SEQ_COLOR, 0xFFFF);
        assert_int_equal(gpu_register_read(f.gpu, XENOS_REG_DC_LUT_RW_INDEX), i < 2 ? 0xFE : i < 5 ? 0xFF : 0);
    }
    gpu_register_write(f.gpu, XENOS_REG_DC_LUT_30_COLOR, 5);
    assert_int_equal(gpu_register_read(f.gpu, XENOS_REG_DC_LUT_RW_INDEX), 1);
    gpu_register_write(f.gpu, XENOS_REG_DC_LUT_RW_INDEX, 0xFF);
    for (unsigned i = 0; i < 3; i++) {
        gpu_register_write(f.gpu, XENOS_REG_DC_LUT_PWL_DATA, 0);
    }
    assert_int_equal(gpu_register_read(f.gpu, XENOS_REG_DC_LUT_RW_INDEX), 0x80);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_reads),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_scratch),
        cmocka_unit_test(test_gamma_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
