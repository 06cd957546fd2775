// The tables as they are: how many rows, their order, and rows that others rely on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "exports/exports.h"

static void counts(void **state)
{
    (void)state;
    size_t count[EXP_MODULE_COUNT] = {0};
    for (size_t i = 0; i < exp_row_count; i++)
        count[exp_rows[i].module]++;
    assert_int_equal(count[EXP_XBOXKRNL], 922);
    assert_int_equal(count[EXP_XAM], 1736);
    assert_int_equal(count[EXP_XBDM], 255);
    assert_int_equal(exp_row_count, 2913);
}

static void order(void **state)
{
    (void)state;
    for (size_t i = 1; i < exp_row_count; i++) {
        const struct exp_row *a = &exp_rows[i - 1], *b = &exp_rows[i];
        assert_true(a->module < b->module || (a->module == b->module && a->ordinal < b->ordinal));
    }
}

static void sane(void **state)
{
    (void)state;
    for (size_t i = 0; i < exp_row_count; i++) {
        const struct exp_row *row = &exp_rows[i];
        assert_true(row->name[0] != '\0');
        assert_non_null(row->note);
        assert_true((unsigned)row->result < EXP_TYPE_COUNT);
        assert_int_equal(row->args != NULL, row->arg_count != 0);
        if (row->variable)
            assert_true(row->arg_count == 0 && row->result == EXP_VOID && !row->varargs);
        if (row->state == EXP_PARTIAL)
            assert_true(row->note[0] != '\0');
        for (unsigned k = 0; k < row->arg_count; k++) {
            assert_true(row->args[k].type > EXP_VOID && row->args[k].type < EXP_TYPE_COUNT);
            assert_true(row->args[k].name[0] != '\0');
        }
    }
}

struct expected {
    enum exp_module module;
    uint16_t ordinal;
    const char *name;
    enum exp_type result;
    unsigned arg_count;
    const char *args[12];
    enum exp_type types[12];
    bool varargs;
};

static const struct expected spots[] = {
    {EXP_XBOXKRNL,
     0x0BA,
     "MmAllocatePhysicalMemoryEx",
     EXP_ADDRESS,
     6,
     {"flags", "size", "protect", "min", "max", "alignment"},
     {EXP_FLAGS, EXP_SIZE, EXP_FLAGS, EXP_U32, EXP_U32, EXP_U32},
     false},
    {EXP_XBOXKRNL,
     0x0CC,
     "NtAllocateVirtualMemory",
     EXP_STATUS,
     5,
     {"base_address", "region_size", "allocation_type", "protect", "debug_memory"},
     {EXP_P_ADDRESS, EXP_P_U32, EXP_FLAGS, EXP_FLAGS, EXP_U32},
     false},
    {EXP_XBOXKRNL,
     0x25B,
     "VdSwap",
     EXP_VOID,
     10,
     {"buffer", "fetch", "unk2", "unk3", "unk4", "frontbuffer", "texture_format", "color_space", "width", "height"},
     {EXP_PTR, EXP_PTR, EXP_PTR, EXP_PTR, EXP_PTR, EXP_P_ADDRESS, EXP_P_U32, EXP_P_U32, EXP_P_U32, EXP_P_U32},
     false},
    {EXP_XBOXKRNL, 0x154, "KeTlsGetValue", EXP_U32, 1, {"tls_index"}, {EXP_U32}, false},
    {EXP_XBOXKRNL, 0x003, "DbgPrint", EXP_I32, 1, {"format"}, {EXP_IN_STR}, true},
    {EXP_XBOXKRNL,
     0x0B0,
     "KeWaitForSingleObject",
     EXP_STATUS,
     5,
     {"object", "wait_reason", "processor_mode", "alertable", "timeout"},
     {EXP_PTR, EXP_U32, EXP_U32, EXP_BOOL, EXP_P_TIME},
     false},
    {EXP_XBOXKRNL, 0x082, "KeQueryInterruptTime", EXP_TIME, 0, {0}, {0}, false},
    {EXP_XAM,
     0x191,
     "XamInputGetState",
     EXP_ERROR,
     3,
     {"user_index", "flags", "input_state"},
     {EXP_U32, EXP_FLAGS, EXP_PTR},
     false},
    {EXP_XAM,
     0x3FC,
     "RtlAllocateHeap",
     EXP_ADDRESS,
     3,
     {"heap", "flags", "size"},
     {EXP_PTR, EXP_FLAGS, EXP_SIZE},
     false},
    {EXP_XBDM, 0x001, "DmAllocatePool", EXP_ADDRESS, 1, {"bytes"}, {EXP_SIZE}, false},
};

static void spot_checks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof spots / sizeof *spots; i++) {
        const struct expected *e = &spots[i];
        const struct exp_row *row = exp_find(e->module, e->ordinal);
        assert_non_null(row);
        assert_string_equal(row->name, e->name);
        assert_int_equal(row->result, e->result);
        assert_int_equal(row->arg_count, e->arg_count);
        assert_int_equal(row->varargs, e->varargs);
        for (unsigned k = 0; k < e->arg_count; k++) {
            assert_string_equal(row->args[k].name, e->args[k]);
            assert_int_equal(row->args[k].type, e->types[k]);
        }
    }
    assert_true(exp_find(EXP_XBOXKRNL, 0x00E)->variable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(order),
        cmocka_unit_test(sane),
        cmocka_unit_test(spot_checks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
