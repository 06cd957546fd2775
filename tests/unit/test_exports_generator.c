// tools/exports.py on small tables: what it refuses, with file and line, and what it writes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static char output[65536];

static void write_def(const char *below, const char *module, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s%s.def", folder, below, module);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

// A source folder whose xboxkrnl.def has the given rows and whose other modules are empty.
static void write_tables(const char *below, const char *rows)
{
    write_def(below, "xboxkrnl", rows);
    write_def(below, "xam", "// nothing\n");
    write_def(below, "xbdm", "\n");
}

// Runs a shell command line; what it prints is in `output`. Returns its exit status.
static int run(const char *command)
{
    FILE *f = popen(command, "r");
    assert_non_null(f);
    output[fread(output, 1, sizeof output - 1, f)] = '\0';
    return WEXITSTATUS(pclose(f));
}

static const char *tools(void)
{
    static char path[4096];
    const char *source = getenv("XENOLITH_SOURCE");
    snprintf(path, sizeof path, "%s/tools", source ? source : ".");
    return path;
}

// Runs one sub-command on the given rows; the file it makes is in `output`.
static int generate(const char *command, const char *rows)
{
    char line[4400];
    write_tables("", rows);
    snprintf(line, sizeof line, "python3 '%s/exports.py' --source %s %s %s/out 2>&1 && cat %s/out", tools(), folder,
             command, folder, folder);
    return run(line);
}

static const struct {
    const char *rows, *message;
} malformed[] = {
    {"\nFN(0x001, A, u32, \"\", absent)\n", "xboxkrnl.def:2: not a row"},
    {"FN(1, A, u32, \"\", absent, \"\")\n", "xboxkrnl.def:1: not a row"},
    {"FN(0x001, A, u32, \"\", absent, \"\") x\n", "xboxkrnl.def:1: not a row"},
    {"FN(0x001, A, u32, \"\", absent, \"a\\n\")\n", "xboxkrnl.def:1: not a row"},
    {"FN(0x001, A, absent, \"\")\n", "xboxkrnl.def:1: FN needs a result and arguments"},
    {"VAR(0x001, A, u32, \"\", absent, \"\")\n", "xboxkrnl.def:1: VAR has no result"},
    {"FN(0x001, A, word, \"\", absent, \"\")\n", "no such result type as word"},
    {"FN(0x001, A, u32, \"word x\", absent, \"\")\n", "no such type as word"},
    {"FN(0x001, A, u32, \"void x\", absent, \"\")\n", "no such type as void"},
    {"FN(0x001, A, u32, \"u32\", absent, \"\")\n", "argument 'u32': not 'type name'"},
    {"FN(0x001, A, u32, \"u32 X\", absent, \"\")\n", "argument 'u32 X': not 'type name'"},
    {"FN(0x001, A, u32, \"u32 x,u32 y\", absent, \"\")\n", "not 'type name'"},
    {"FN(0x001, A, u32, \"u32 int\", absent, \"\")\n", "int is a reserved name"},
    {"FN(0x001, A, u32, \"u32 c\", absent, \"\")\n", "c is a reserved name"},
    {"FN(0x001, A, u32, \"u32 x, ptr x\", absent, \"\")\n", "two arguments are called x"},
    {"FN(0x001, A, u32, \"..., u32 x\", absent, \"\")\n", "argument '...': not 'type name'"},
    {"FN(0x001, A, u32, \"\", done, \"\")\n", "state done is none of"},
    {"FN(0x001, A, u32, \"\", partial, \"\")\n", "a partial row says in its note what is missing"},
    {"FN(0x002, A, u32, \"\", absent, \"\")\nFN(0x001, B, u32, \"\", absent, \"\")\n", "xboxkrnl.def:2: ordinal 0x001"},
    {"FN(0x001, A, u32, \"\", absent, \"\")\nVAR(0x001, B, absent, \"\")\n", "xboxkrnl.def:2: ordinal 0x001"},
    {"FN(0x001, A, u32, \"\", absent, \"\")\nVAR(0x002, A, absent, \"\")\n", "A stands in xboxkrnl.def already"},
};

// One interpreter for all cases: it starts slowly.
static const char reader[] = "import pathlib, sys\n"
                             "sys.dont_write_bytecode = True\n"
                             "sys.path.insert(0, sys.argv[1])\n"
                             "import exports\n"
                             "for folder in sorted(pathlib.Path(sys.argv[2]).glob(\"case*\")):\n"
                             "    try:\n"
                             "        exports.read_rows(folder)\n"
                             "        print(\"accepted\")\n"
                             "    except SystemExit as error:\n"
                             "        print(error)\n";

static void refuses(void **state)
{
    (void)state;
    enum { COUNT = sizeof malformed / sizeof *malformed };
    char name[32], path[128], command[8192];
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "case%03u/", i);
        snprintf(path, sizeof path, "%s/%s", folder, name);
        assert_int_equal(mkdir(path, 0700), 0);
        write_tables(name, malformed[i].rows);
    }
    snprintf(command, sizeof command, "python3 -c '%s' '%s' %s 2>&1", reader, tools(), folder);
    assert_int_equal(run(command), 0);
    char *rest = output;
    for (unsigned i = 0; i < COUNT; i++) {
        const char *said = strsep(&rest, "\n");
        if (!said || !strstr(said, malformed[i].message))
            fail_msg("row: %s\nwanted: %s\nsaid: %s", malformed[i].rows, malformed[i].message, said ? said : "nothing");
    }
}

static void stops_with_a_message(void **state)
{
    (void)state;
    assert_int_not_equal(generate("table", "\nFN(0x001, A, u32, \"\", absent)\n"), 0);
    assert_non_null(strstr(output, "/xboxkrnl.def:2: not a row"));
    assert_null(strstr(output, "Traceback"));
}

static const char rows[] = "FN(0x001, Absent, u32, \"u32 x\", absent, \"\")\n"
                           "FN(0x002, Word, u32, \"u32 x, i64 y\", implemented, \"\")\n"
                           "FN(0x003, Nothing, void, \"\", partial, \"much\")\n"
                           "FN(0x004, Truth, bool, \"\", implemented, \"\")\n"
                           "FN(0x005, Time, time, \"f64 f\", implemented, \"\")\n"
                           "FN(0x006, sprintf, i32, \"ptr buffer, str format, ...\", implemented, \"\")\n"
                           "VAR(0x007, Data, implemented, \"\")\n";

static void assert_has(const char *text)
{
    if (!strstr(output, text))
        fail_msg("no \"%s\" in:\n%s", text, output);
}

static void api(void **state)
{
    (void)state;
    assert_int_equal(generate("api", rows), 0);
    assert_has("\nuint32_t Word(struct krnl_call *c, uint32_t x, uint64_t y);\n");
    assert_has("\nvoid Nothing(struct krnl_call *c);\n");
    assert_has("\nuint64_t Time(struct krnl_call *c, double f);\n");
    assert_has("\nuint32_t krnl_sprintf(struct krnl_call *c, uint32_t buffer, uint32_t format);\n");
    assert_null(strstr(output, "Absent"));
    assert_null(strstr(output, "Data"));
}

static void thunks(void **state)
{
    (void)state;
    assert_int_equal(generate("thunks", rows), 0);
    assert_has("    c->result = (uint64_t)(int64_t)(int32_t)Word(c, (uint32_t)a[0], a[1]);\n");
    assert_has("    Nothing(c);\n");
    assert_has("    c->result = Truth(c);\n");
    assert_has("    c->result = Time(c, bits_to_double(a[0]));\n");
    assert_has("krnl_thunk_function *const krnl_thunks[7] = {\n    [1] = thunk_Word,\n    [2] = thunk_Nothing,\n");
    assert_null(strstr(output, "thunk_Absent"));
    assert_null(strstr(output, "thunk_Data"));
}

static void coverage(void **state)
{
    (void)state;
    assert_int_equal(generate("coverage", rows), 0);
    assert_has("| xboxkrnl.exe | 7 | 5 | 1 | 1 |\n");
    assert_has("| 0x003 | `Nothing` | partial | much |\n");
    assert_null(strstr(output, "Absent"));
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/xenolith-exports-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return run(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),  cmocka_unit_test(stops_with_a_message),
        cmocka_unit_test(api),      cmocka_unit_test(thunks),
        cmocka_unit_test(coverage),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
