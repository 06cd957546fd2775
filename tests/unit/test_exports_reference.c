// The tables against what the reference says: its export list, and the calls in its recorded logs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exports/exports.h"

// Path below ../shared in static memory, or skips the test.
static const char *shared(const char *name)
{
    static char path[4096];
    const char *source = getenv("XENOLITH_SOURCE");
    snprintf(path, sizeof path, "%s/../shared/%s", source ? source : ".", name);
    if (access(path, R_OK) != 0) {
        printf("SKIPPED: %s is not present\n", path);
        skip();
    }
    return path;
}

static char *copy_text(char *to, size_t size, const char *from, size_t length)
{
    assert_true(length < size);
    memcpy(to, from, length);
    to[length] = '\0';
    return to;
}

// "dword a, qword b": one width a kind (4, 8); varargs count for nothing. Returns how many.
static unsigned tsv_widths(const char *args, bool wide[16])
{
    unsigned count = 0;
    while (*args) {
        if (strncmp(args, "varargs", 7) != 0) {
            assert_true(count < 16);
            wide[count++] = strncmp(args, "qword", 5) == 0 || strncmp(args, "double", 6) == 0;
        }
        const char *comma = strstr(args, ", ");
        if (!comma)
            break;
        args = comma + 2;
    }
    return count;
}

static void check_tsv_row(char *line)
{
    char *column[13], *rest = line;
    for (int i = 0; i < 13; i++)
        column[i] = rest ? strsep(&rest, "\t") : (char *)line + strlen(line);
    int module = exp_module_by_name(column[0]);
    assert_in_range(module, 0, EXP_MODULE_COUNT - 1);
    const struct exp_row *row = exp_find((enum exp_module)module, (uint16_t)strtoul(column[1], NULL, 16));
    assert_non_null(row);
    assert_string_equal(row->name, column[3]);
    assert_int_equal(row->variable, strcmp(column[2], "variable") == 0);
    if (column[7][0] && strcmp(column[7], "void") == 0)
        assert_int_equal(row->result, EXP_VOID);
    if (!column[9][0])
        return;
    bool wide[16];
    unsigned count = tsv_widths(column[8], wide);
    if (count != row->arg_count)
        fail_msg("%s: %u arguments, the reference has %u", row->name, row->arg_count, count);
    for (unsigned i = 0; i < count; i++)
        if (wide[i] != exp_type_is_wide(row->args[i].type))
            fail_msg("%s: argument %u has another width than the reference's", row->name, i);
}

static void export_list(void **state)
{
    (void)state;
    FILE *f = fopen(shared("reference/exports.tsv"), "r");
    assert_non_null(f);
    char *line = NULL;
    size_t capacity = 0, rows = 0;
    assert_true(getline(&line, &capacity, f) > 0); // the header
    for (ssize_t length; (length = getline(&line, &capacity, f)) > 0; rows++) {
        line[strcspn(line, "\n")] = '\0';
        check_tsv_row(line);
    }
    free(line);
    fclose(f);
    assert_int_equal(rows, exp_row_count);
}

static const char *after(const char *line, const char *key)
{
    const char *found = strstr(line, key);
    return found ? found + strlen(key) : NULL;
}

static const struct exp_row *named_row(const char *line)
{
    char name[256];
    const char *start = after(line, "\"name\":\"");
    assert_non_null(start);
    copy_text(name, sizeof name, start, strcspn(start, "\""));
    for (int m = 0; m < EXP_MODULE_COUNT; m++) {
        const struct exp_row *row = exp_find_name((enum exp_module)m, name);
        if (row)
            return row;
    }
    fail_msg("the log calls %s, which no table has", name);
    return NULL;
}

static void check_call(const char *line)
{
    const struct exp_row *row = named_row(line);
    const char *ordinal = after(line, "\"ord\":"), *args = after(line, "\"args\":[");
    assert_non_null(ordinal);
    assert_non_null(args);
    assert_int_equal(row->ordinal, strtoul(ordinal, NULL, 10));
    unsigned count = *args == '"';
    for (; *args && *args != ']'; args++)
        count += *args == ',';
    if (row->arg_count != count)
        fail_msg("%s: %u arguments, in the log %u", row->name, row->arg_count, count);
}

static void check_values_behind(const char *line)
{
    const struct exp_row *row = named_row(line);
    const char *in = after(line, "\"in\":{");
    if (!in)
        return;
    for (const char *p = in; *p && *p != '}'; p++)
        if (strncmp(p, "\"arg", 4) == 0) {
            unsigned i = (unsigned)strtoul(p + 4, NULL, 10);
            assert_true(i < row->arg_count);
            enum exp_type type = row->args[i].type;
            if (type < EXP_P_U16 || type > EXP_P_TIME)
                fail_msg("%s: the log has the value behind argument %u, the table does not type it", row->name, i);
        }
}

static void log_file(const char *name)
{
    char command[4200];
    snprintf(command, sizeof command, "zstd -dcq '%s'", shared(name));
    FILE *f = popen(command, "r");
    assert_non_null(f);
    char *line = NULL;
    size_t capacity = 0, calls = 0;
    while (getline(&line, &capacity, f) > 0) {
        if (strstr(line, "\"kind\":\"kernel.call\"")) {
            check_call(line);
            check_values_behind(line);
            calls++;
        } else if (strstr(line, "\"kind\":\"kernel.return\"")) {
            const struct exp_row *row = named_row(line);
            if ((row->result == EXP_VOID) != (strstr(line, "\"void\":true") != NULL))
                fail_msg("%s: void in one of table and log only", row->name);
        }
    }
    free(line);
    assert_int_equal(pclose(f), 0);
    assert_true(calls > 30000);
}

static void dolphin(void **state)
{
    (void)state;
    log_file("reference-logs/dolphin-run1.jsonl.zst");
}

static void fog(void **state)
{
    (void)state;
    log_file("reference-logs/fog-run1.jsonl.zst");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(export_list),
        cmocka_unit_test(dolphin),
        cmocka_unit_test(fog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
