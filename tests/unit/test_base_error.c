#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/error.h"

static void test_set_and_context(void **state)
{
    (void)state;
    struct error err = {0};
    assert_false(error_set(&err, ERR_FORMAT, "field %s", "magic"));
    assert_int_equal(err.code, ERR_FORMAT);
    assert_false(error_context(&err, "a.xex"));
    assert_string_equal(err.message, "a.xex: field magic");
    assert_false(error_set(NULL, ERR_IO, "nobody listens"));
    assert_string_equal(error_code_text(ERR_FORMAT), "malformed input");
}

static void test_byte_order(void **state)
{
    (void)state;
    const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    assert_int_equal(be16_get(bytes + 1), 0x0203);
    assert_int_equal(be32_get(bytes + 1), 0x02030405);
    assert_true(be64_get(bytes) == 0x0102030405060708);
    assert_int_equal(le32_get(bytes), 0x04030201);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_set_and_context), cmocka_unit_test(test_byte_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
