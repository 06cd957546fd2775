// The ledger's lines: what is written is read back, what is no row is counted, the pictures follow the rows.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parity/ledger.h"

static char *printed(const struct par_ledger_row *row)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    par_ledger_print(f, row);
    fclose(f);
    return text;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct par_ledger_row row = {.date = "2026-11-24", .commit = "c401b97a1b2c+", .title = "dolphin", .matched = 161, .total = 114471,
                                 .by_ordinal = 102014, .events = UINT64_MAX, .runs = 3, .log = "00112233445566778899aabbccddeeff"};
    row.classes[PAR_BETA] = 1;
    row.classes[PAR_UNIMPLEMENTED] = 42;
    char *text = printed(&row);
    struct par_ledger_row back;
    assert_true(par_ledger_parse(&back, text));
    assert_memory_equal(&row, &back, sizeof row);
    assert_non_null(strstr(text, " beta=1 unimplemented=42 "));
    free(text);
}

static void test_no_rows(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "a", "a b", "a b c", "a b c d", "2026-11-24 abc t matched=x", "2026-11-24 abc t matched=1 beta=-1",
                                      "2026-11-24-and-more abc t matched=1", "matched=1 total=2 runs=3", "2026-11-24 abc t matched=1 word"};
    struct par_ledger_row row;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(par_ledger_parse(&row, bad[i]));
    assert_true(par_ledger_parse(&row, "2026-11-24 abc t matched=1 new_key=7"));
    char longest[4096];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_false(par_ledger_parse(&row, longest));
}

static void test_file_and_pictures(void **state)
{
    (void)state;
    char path[] = "/tmp/xenolith-ledger-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    unlink(path);
    struct par_ledger l;
    assert_true(par_ledger_read(&l, path, NULL)); // none yet
    assert_int_equal(l.count, 0);
    struct par_ledger_row row = {.date = "2026-11-24", .commit = "a<b&c", .title = "one", .matched = 25, .total = 100, .log = "00"};
    assert_true(par_ledger_append(path, &row, NULL));
    row.matched = 100;
    assert_true(par_ledger_append(path, &row, NULL));
    snprintf(row.title, sizeof row.title, "two");
    assert_true(par_ledger_append(path, &row, NULL));
    assert_true(par_ledger_read(&l, path, NULL));
    assert_int_equal(l.count, 3);
    assert_int_equal(l.bad, 0);
    assert_int_equal(par_ledger_last(&l, "one")->matched, 100);
    assert_null(par_ledger_last(&l, "three"));
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    par_ledger_draw_text(f, &l, "one");
    par_ledger_draw_svg(f, &l, NULL);
    fclose(f);
    assert_non_null(strstr(text, "##########.............................."));
    assert_non_null(strstr(text, "(+75)"));
    assert_null(strstr(text, "two: matched prefix of the main thread\n"));
    assert_non_null(strstr(text, "two: matched prefix of the main thread, and"));
    assert_non_null(strstr(text, "a&#60;b&#38;c"));
    free(text);
    par_ledger_free(&l);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_file_and_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
