// Rows by ordinal and by name, modules by name, what a type is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exports/exports.h"

// Also proves that no ordinal and no name has two rows in a module: the second could not be found.
static void every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < exp_row_count; i++) {
        const struct exp_row *row = &exp_rows[i];
        assert_ptr_equal(exp_find(row->module, row->ordinal), row);
        assert_ptr_equal(exp_find_name(row->module, row->name), row);
        assert_int_equal(exp_index(row), i);
    }
}

static void nothing_there(void **state)
{
    (void)state;
    assert_null(exp_find(EXP_XBOXKRNL, 0));
    assert_null(exp_find(EXP_XBOXKRNL, 0xFFFF));
    assert_null(exp_find(EXP_XBDM, 0x400));
    assert_null(exp_find((enum exp_module)EXP_MODULE_COUNT, 1));
    assert_null(exp_find((enum exp_module) - 1, 1));
    assert_null(exp_find_name(EXP_XAM, "NtClose"));
    assert_null(exp_find_name(EXP_XBOXKRNL, "ntclose"));
    assert_null(exp_find_name(EXP_XBOXKRNL, ""));
    assert_null(exp_find_name(EXP_XBOXKRNL, NULL));
    assert_null(exp_find_name((enum exp_module)EXP_MODULE_COUNT, "NtClose"));
}

static void module_names(void **state)
{
    (void)state;
    for (int m = 0; m < EXP_MODULE_COUNT; m++)
        assert_int_equal(exp_module_by_name(exp_module_name((enum exp_module)m)), m);
    assert_string_equal(exp_module_name(EXP_XBOXKRNL), "xboxkrnl.exe");
    assert_int_equal(exp_module_by_name("XBOXKRNL"), EXP_XBOXKRNL);
    assert_int_equal(exp_module_by_name("Xam.XEX"), EXP_XAM);
    assert_int_equal(exp_module_by_name("xbdm"), EXP_XBDM);
    assert_int_equal(exp_module_by_name("xam.exe"), -1);
    assert_int_equal(exp_module_by_name("xa"), -1);
    assert_int_equal(exp_module_by_name("xamx"), -1);
    assert_int_equal(exp_module_by_name(""), -1);
    assert_int_equal(exp_module_by_name(NULL), -1);
    assert_null(exp_module_name((enum exp_module)EXP_MODULE_COUNT));
}

static void types(void **state)
{
    (void)state;
    unsigned wide = 0, pointers = 0;
    for (int t = 0; t < EXP_TYPE_COUNT; t++) {
        wide += exp_type_is_wide((enum exp_type)t);
        pointers += exp_type_is_pointer((enum exp_type)t);
    }
    assert_int_equal(wide, 4);
    assert_int_equal(pointers, 11);
    assert_true(exp_type_is_wide(EXP_U64) && exp_type_is_wide(EXP_I64) && exp_type_is_wide(EXP_F64));
    assert_true(exp_type_is_wide(EXP_TIME));
    assert_true(exp_type_is_pointer(EXP_PTR) && exp_type_is_pointer(EXP_IN_OBJA) && exp_type_is_pointer(EXP_P_TIME));
    assert_false(exp_type_is_pointer(EXP_FUNC) || exp_type_is_pointer(EXP_HANDLE) || exp_type_is_pointer(EXP_ADDRESS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row),
        cmocka_unit_test(nothing_there),
        cmocka_unit_test(module_names),
        cmocka_unit_test(types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
