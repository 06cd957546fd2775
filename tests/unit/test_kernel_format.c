// The console's printf: every type, size, flag, width and precision, from registers and from a va_list.
#include "kernel_fixture.h"

enum { FORMAT = 0x100, BUFFER = 0x1000, TEXT = 0x3000, LIST = 0x4000 };

// Formats through a va_list of the 64-bit slots given.
static const char *formatted(struct fixture *x, const char *format, unsigned count, const uint64_t *slots)
{
    put_text(x, x->data + FORMAT, format);
    for (unsigned i = 0; i < count; i++)
        mem_set64(x->mem, x->data + LIST + 8 * i, slots[i]);
    uint32_t length = krnl_vsprintf(&x->c, x->data + BUFFER, x->data + FORMAT, x->data + LIST);
    const char *text = text_at(x, x->data + BUFFER);
    assert_int_equal(length, strlen(text));
    return text;
}

#define FORMATTED(format, ...) formatted(x, format, sizeof((uint64_t[]){__VA_ARGS__}) / 8, (uint64_t[]){__VA_ARGS__})

static uint64_t bits(double value)
{
    uint64_t b;
    memcpy(&b, &value, 8);
    return b;
}

static void integers(void **state)
{
    struct fixture *x = *state;
    static const struct {
        const char *format;
        uint64_t value;
        const char *text;
    } cases[] = {
        {"%d", 42, "42"},
        {"%i", 0xFFFFFFFF, "-1"},
        {"%d", 0xFFFFFFFFFFFFFFFF, "-1"},
        {"%d", 0x1234567800000005, "5"},
        {"%d", 0x80000000, "-2147483648"},
        {"%u", 0xFFFFFFFF, "4294967295"},
        {"%u", 0xFFFFFFFFFFFFFFFF, "4294967295"},
        {"%x", 0xDEADBEEF, "deadbeef"},
        {"%X", 0xDEADBEEF, "DEADBEEF"},
        {"%#x", 0x1F, "0x1f"},
        {"%#X", 0x1F, "0X1F"},
        {"%#x", 0, "0"},
        {"%o", 8, "10"},
        {"%#o", 8, "010"},
        {"%#o", 0, "0"},
        {"%.0d", 0, ""},
        {"%.3d", 5, "005"},
        {"%8.3d", 5, "     005"},
        {"%08.3d", 5, "     005"},
        {"%08d", 5, "00000005"},
        {"%08d", (uint64_t)-5, "-0000005"},
        {"%-8d|", 5, "5       |"},
        {"%-08d|", 5, "5       |"},
        {"%+d", 5, "+5"},
        {"% d", 5, " 5"},
        {"%+ d", 5, "+5"},
        {"%+u", 5, "5"},
        {"%4d", 12345, "12345"},
        {"%hd", 0x18000, "-32768"},
        {"%hu", 0x18000, "32768"},
        {"%hx", 0xABCD1234, "1234"},
        {"%ld", 0xFFFFFFFE, "-2"},
        {"%lu", 0xFFFFFFFE, "4294967294"},
        {"%I64d", 0x8000000000000000, "-9223372036854775808"},
        {"%lld", 0xFFFFFFFFFFFFFFFE, "-2"},
        {"%I64x", 0x123456789ABCDEF0, "123456789abcdef0"},
        {"%llX", 0x123456789ABCDEF0, "123456789ABCDEF0"},
        {"%I64u", UINT64_MAX, "18446744073709551615"},
        {"%I32d", 7, "7"},
        {"%p", 0x82000000, "82000000"},
        {"%p", 0x1F, "0000001F"},
        {"%#08x", 0x1F, "0x00001f"},
        {"%#8x", 0x1F, "    0x1f"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(FORMATTED(cases[i].format, cases[i].value), cases[i].text);
}

static void stars(void **state)
{
    struct fixture *x = *state;
    assert_string_equal(FORMATTED("%*d|", 5, 42), "   42|");
    assert_string_equal(FORMATTED("%*d|", 0xFFFFFFFB, 42), "42   |");
    assert_string_equal(FORMATTED("%.*d|", 4, 42), "0042|");
    assert_string_equal(FORMATTED("%.*d|", 0xFFFFFFFF, 42), "42|");
    assert_string_equal(FORMATTED("%*.*d|", 6, 3, 42), "   042|");
}

static void strings(void **state)
{
    struct fixture *x = *state;
    gva narrow = put_text(x, x->data + TEXT, "dolphin"), wide = put_wide(x, x->data + TEXT + 0x100, "fog"),
        z = put_ansi(x, x->data + TEXT + 0x200, "abc");
    assert_string_equal(FORMATTED("[%s]", narrow), "[dolphin]");
    assert_string_equal(FORMATTED("[%10s][%-10s]", narrow, narrow), "[   dolphin][dolphin   ]");
    assert_string_equal(FORMATTED("[%.3s][%.0s]", narrow, narrow), "[dol][]");
    assert_string_equal(FORMATTED("[%S][%ls][%ws][%hs]", wide, wide, wide, narrow), "[fog][fog][fog][dolphin]");
    assert_string_equal(FORMATTED("[%hS]", narrow), "[dolphin]");
    assert_string_equal(FORMATTED("[%s][%.3s]", 0, 0), "[(null)][(nu]");
    assert_string_equal(FORMATTED("%c%C%3c|%-3c|", 'a', 'b', 'c', 'd'), "ab  c|d  |");
    assert_string_equal(FORMATTED("[%lc]", 0x263A), "[?]");
    assert_string_equal(FORMATTED("[%Z][%5Z]", z, z), "[abc][  abc]");
    assert_string_equal(FORMATTED("100%% %k %d", 3), "100% k 3");
    assert_string_equal(FORMATTED("cut %", 3), "cut ");
}

static void doubles(void **state)
{
    struct fixture *x = *state;
    static const struct {
        const char *format;
        double value;
        const char *text;
    } cases[] = {
        {"%f", 1.5, "1.500000"},
        {"%.2f", 3.14159, "3.14"},
        {"%8.2f", -3.14159, "   -3.14"},
        {"%08.2f", -3.14159, "-0003.14"},
        {"%+.1f", 2, "+2.0"},
        {"%.0f", 2.5, "2"},
        {"%#.0f", 2, "2."},
        {"%e", 12345.678, "1.234568e+004"},
        {"%.2E", 0.00012, "1.20E-004"},
        {"%g", 0.0001, "0.0001"},
        {"%g", 1e10, "1e+010"},
        {"%G", 1e-10, "1E-010"},
        {"%-8.1f|", 1, "1.0     |"},
        {"%f", -0.0, "-0.000000"},
        {"%5.1f", 1e300 * 1e10, "1.#INF"},
        {"%.15e", 1e-300, "1.000000000000000e-300"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(FORMATTED(cases[i].format, bits(cases[i].value)), cases[i].text);
    // Longest number there is, and a precision beyond all sense.
    assert_int_equal(strlen(FORMATTED("%.300f", bits(1.7e308))), 309 + 1 + 300);
    assert_int_equal(strlen(FORMATTED("%.9999f", bits(1))), 2 + 512);
}

static void reference_doubles(void **state)
{
    struct fixture *x = *state;
    assert_string_equal(FORMATTED("%e", bits(12345.678)), "1.234568e+04");
    assert_string_equal(FORMATTED("%g", bits(1e10)), "1e+10");
    assert_string_equal(FORMATTED("%08.3d", 5), "00000005");
}

static void counts(void **state)
{
    struct fixture *x = *state;
    gva count = x->data + TEXT;
    mem_set64(x->mem, count, 0);
    assert_string_equal(FORMATTED("12345%n", count), "12345");
    assert_int_equal(word_at(x, count), 5);
    assert_string_equal(FORMATTED("123%hn", count + 4), "123");
    assert_int_equal(word_at(x, count + 4), 3 << 16);
}

// Ten arguments: six registers, then the stack at r1+0x50 in slots of 8 bytes.
static void registers_then_stack(void **state)
{
    struct fixture *x = *state;
    put_text(x, x->data + FORMAT, "%d %d %d %d %d %d %d %I64x %.1f");
    for (unsigned i = 0; i < 6; i++)
        x->c.cpu->gpr[5 + i] = i + 1;
    gva stack = (uint32_t)x->c.cpu->gpr[1] + 0x50;
    mem_set64(x->mem, stack, 7);
    mem_set64(x->mem, stack + 8, 0x1122334455667788);
    mem_set64(x->mem, stack + 16, bits(2.5));
    x->c.stack_index = 2;
    assert_int_equal(krnl_sprintf(&x->c, x->data + BUFFER, x->data + FORMAT), 34);
    assert_string_equal(text_at(x, x->data + BUFFER), "1 2 3 4 5 6 7 1122334455667788 2.5");
}

static void bounded(void **state)
{
    struct fixture *x = *state;
    gva buffer = x->data + BUFFER, format = put_text(x, x->data + FORMAT, "abcdef"),
        wide = put_wide(x, x->data + TEXT, "abcdef");
    mem_fill(x->mem, buffer, '#', 32);
    assert_int_equal(krnl__snprintf(&x->c, buffer, 7, format), 6);
    assert_string_equal(text_at(x, buffer), "abcdef");
    mem_fill(x->mem, buffer, '#', 32);
    assert_int_equal(krnl__snprintf(&x->c, buffer, 6, format), 6); // no room for the terminator
    assert_memory_equal(mem_at(x->mem, buffer, 8, MEM_READ), "abcdef##", 8);
    mem_fill(x->mem, buffer, '#', 32);
    assert_int_equal(krnl__snprintf(&x->c, buffer, 3, format), UINT32_MAX);
    assert_memory_equal(mem_at(x->mem, buffer, 4, MEM_READ), "abc#", 4);
    assert_int_equal(krnl__snprintf(&x->c, buffer, 0, format), UINT32_MAX);
    assert_int_equal(krnl__snprintf(&x->c, 0, 8, format), UINT32_MAX);
    assert_int_equal(krnl__scprintf(&x->c, format), 6);
    assert_int_equal(krnl_swprintf(&x->c, buffer, wide), 6);
    assert_string_equal(wide_at(x, buffer), "abcdef");
    assert_int_equal(krnl__scwprintf(&x->c, wide), 6);
    assert_int_equal(krnl__snwprintf(&x->c, buffer, 3, wide), UINT32_MAX);
}

// In UTF-16 formats "s" is wide and "S" is bytes.
static void wide_formats(void **state)
{
    struct fixture *x = *state;
    gva narrow = put_text(x, x->data + TEXT, "bytes"), wide = put_wide(x, x->data + TEXT + 0x100, "wide"),
        list = x->data + LIST;
    put_wide(x, x->data + FORMAT, "%s %S %hs %d");
    mem_set64(x->mem, list, wide);
    mem_set64(x->mem, list + 8, narrow);
    mem_set64(x->mem, list + 16, narrow);
    mem_set64(x->mem, list + 24, 9);
    assert_int_equal(krnl_vswprintf(&x->c, x->data + BUFFER, x->data + FORMAT, list), 18);
    assert_string_equal(wide_at(x, x->data + BUFFER), "wide bytes bytes 9");
}

static void bad_memory(void **state)
{
    struct fixture *x = *state;
    gva end = x->data + DATA_BYTES, list = x->data + LIST;
    mem_fill(x->mem, end - 4, 'a', 4); // a string that memory ends in
    put_text(x, x->data + FORMAT, "%s");
    mem_set64(x->mem, list, end - 4);
    assert_int_equal(krnl_vsprintf(&x->c, x->data + BUFFER, x->data + FORMAT, list), UINT32_MAX);
    mem_set64(x->mem, list, 4); // no memory there at all
    assert_int_equal(krnl_vsprintf(&x->c, x->data + BUFFER, x->data + FORMAT, list), UINT32_MAX);
    assert_int_equal(krnl_vsprintf(&x->c, x->data + BUFFER, x->data + FORMAT, 4), UINT32_MAX);
    assert_int_equal(krnl_vsprintf(&x->c, x->data + BUFFER, end - 4, list), UINT32_MAX);
    put_text(x, x->data + FORMAT, "%999999999d"); // too long for any buffer
    assert_int_equal(krnl_vsprintf(&x->c, x->data + BUFFER, x->data + FORMAT, list), UINT32_MAX);
    put_text(x, x->data + FORMAT, "abcdefgh");
    assert_int_equal(krnl_vsprintf(&x->c, end - 4, x->data + FORMAT, list), UINT32_MAX);
    assert_int_equal(krnl_vsprintf(&x->c, 0x82000000, x->data + FORMAT, list), UINT32_MAX);
}

static void debug_print(void **state)
{
    struct fixture *x = *state;
    put_text(x, x->data + FORMAT, "frame %u\n");
    x->c.stack_index = 1;
    x->c.cpu->gpr[4] = 600;
    assert_int_equal(DbgPrint(&x->c, x->data + FORMAT), 0);
    assert_string_equal(x->printed, "frame 600\n");
    assert_int_equal(DbgPrint(&x->c, 0), (uint32_t)STATUS_INVALID_PARAMETER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(integers),
        TEST(stars),
        TEST(strings),
        TEST(doubles),
        TEST(counts),
        TEST(registers_then_stack),
        TEST(bounded),
        TEST(wide_formats),
        TEST(bad_memory),
        TEST(debug_print),
        cmocka_unit_test_setup_teardown(reference_doubles, fixture_setup_reference, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
