// tools/compare_reference.py: equal logs are equal whatever their handles are, and each kind of difference is found.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "trace/trace.h"

static const struct trace_export exports[] = {
    {"xboxkrnl.exe", "NtCreateFile", 210, 2, 0, false, false, false},
    {"xboxkrnl.exe", "NtClose", 207, 1, 0, false, false, false},
    {"xboxkrnl.exe", "VdSwap", 603, 1, 0, true, false, false},
};

// What one log has that the other has not.
struct variation {
    uint64_t handle, argument, result, output, void_result, in;
    bool extra, missing;
};

static void call(struct trace *t, uint64_t export, uint64_t argument, uint64_t in)
{
    const struct trace_where at = {6, 0, 0, 0x82001000};
    if (export == 0)
        trace_emit_fields(t, TRACE_CALL, &at, (uint64_t[]){0, 0x7018f380, argument, 0, in}, 5);
    else
        trace_emit_fields(t, TRACE_CALL, &at, (uint64_t[]){export, argument}, 2);
}

static void make_log(const char *path, const struct variation *v)
{
    struct trace *t;
    const struct trace_where at = {6, 0, 0, 0};
    assert_true(trace_create(&t, path, exports, 3, NULL, NULL));
    for (uint64_t i = 0; i < 40; i++) {
        call(t, 0, 0x1000 + i + (i == 20 ? v->argument : 0), v->in);
        trace_emit_fields(t, TRACE_HANDLE_CREATE, &at, (uint64_t[]){v->handle + 4 * (i % 3), TRACE_OBJECT_FILE}, 2);
        trace_emit_fields(t, TRACE_RETURN, &at, (uint64_t[]){0, i == 22 ? v->result : 0, 0, v->handle + 4 * (i % 3), 1, i == 25 ? v->output : 1}, 6);
        if (!(v->missing && i == 30)) {
            call(t, 1, v->handle + 4 * (i % 3), 0);
            trace_emit_fields(t, TRACE_HANDLE_DESTROY, &at, (uint64_t[]){v->handle + 4 * (i % 3), TRACE_OBJECT_FILE}, 2);
            trace_emit_fields(t, TRACE_RETURN, &at, (uint64_t[]){1, 0}, 2);
        }
        for (int k = 0; k < (v->extra && i == 33 ? 2 : 1); k++) {
            call(t, 2, i, 0);
            trace_emit_fields(t, TRACE_RETURN, &at, (uint64_t[]){2, v->void_result}, 2);
        }
    }
    assert_true(trace_close(t, NULL));
}

static void test_compare(void **state)
{
    (void)state;
    static const struct {
        struct variation v;
        int status;
        const char *words;
    } rows[] = {
        {{.handle = 0xf8000020}, 0, "equal: 120 of 120 calls"},
        {{.handle = 0xf8000040, .void_result = 5, .in = 9}, 0, "equal: 120 of 120 calls"},
        {{.handle = 0xf8000020, .argument = 1}, 1, "argument of NtCreateFile: 1 "},
        {{.handle = 0xf8000020, .result = 0xffffffffc0000034}, 1, "result of NtCreateFile: 1 "},
        {{.handle = 0xf8000020, .output = 2}, 1, "output of NtCreateFile: 1 "},
        {{.handle = 0xf8000020, .missing = true}, 1, "missing call: 1 "},
        {{.handle = 0xf8000020, .extra = true}, 1, "extra call: 1 "},
    };
    char reference[64], ours[64], command[1024], text[65536];
    const char *source = getenv("XENOLITH_SOURCE");
    snprintf(reference, sizeof reference, "/tmp/test_trace_%ld.reference.jsonl", (long)getpid());
    snprintf(ours, sizeof ours, "/tmp/test_trace_%ld.ours.jsonl", (long)getpid());
    make_log(reference, &(struct variation){.handle = 0xf8000020});
    snprintf(command, sizeof command, "python3 '%s/tools/compare_reference.py' %s %s", source ? source : ".", reference, ours);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make_log(ours, &rows[i].v);
        FILE *pipe = popen(command, "r");
        assert_non_null(pipe);
        size_t n = fread(text, 1, sizeof text - 1, pipe);
        text[n] = 0;
        int status = pclose(pipe);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != rows[i].status || !strstr(text, rows[i].words))
            fail_msg("row %zu: status %d, wanted \"%s\", got:\n%s", i, status, rows[i].words, text);
    }
    unlink(reference);
    unlink(ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_compare)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
