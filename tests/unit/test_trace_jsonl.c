// The JSONL writer against lines as the reference logs have them (engine, guest_cycle and host_ns apart).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "trace/trace.h"

static const struct trace_export exports[] = {
    {"xboxkrnl.exe", "NtAllocateVirtualMemory", 204, 5, 0, false, false, false},
    {"xboxkrnl.exe", "RtlEnterCriticalSection", 293, 1, 0, true, false, false},
    {"xboxkrnl.exe", "KeQuerySystemTime", 132, 1, 0, false, true, false},
    {"xam.xex", "XamNothing", 7, 2, 2, false, false, true},
};

struct lines {
    uint8_t *data;
    size_t size, at;
};

static struct lines written(const char *path)
{
    struct lines l = {0};
    assert_true(file_read(path, &l.data, &l.size, NULL));
    unlink(path);
    return l;
}

static const char *next_line(struct lines *l)
{
    char *line = (char *)l->data + l->at;
    size_t length = strcspn(line, "\n");
    assert_true(l->at + length < l->size);
    line[length] = 0;
    l->at += length + 1;
    return line;
}

#define START(kind, tid, index, cycle, det)                                                                             \
    "{\"schema_version\":1,\"engine\":\"ours\",\"kind\":\"" kind "\",\"tid\":" #tid ",\"tid_event_idx\":" #index           \
    ",\"guest_cycle\":" #cycle ",\"host_ns\":0,\"deterministic\":" #det ",\"payload\":"

static void test_lines(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "/tmp/test_trace_%ld.jsonl", (long)getpid());
    const char *keys[] = {"title.sha256", "ab\"c", NULL};
    struct trace_header header = {"a.xex", keys};
    struct trace *t;
    assert_true(trace_create(&t, path, exports, 4, &header, NULL));
    struct trace_where at = {6, 0, 77, 0x8208c494};
    trace_emit_fields(t, TRACE_CALL, &at,
                      (uint64_t[]){0, 0x7018fb90, 0xffffffff7018fc84, 0x60002000, 4, 0, 0, 0, 1, 0x100000}, 10);
    at.cycle = 78;
    trace_emit_fields(t, TRACE_RETURN, &at, (uint64_t[]){0, 0xffffffffc0000017, 0, 0x40000000, 1, 0x100000}, 6);
    trace_emit_fields(t, TRACE_RETURN, &at, (uint64_t[]){1, 18446744071598185096u}, 2);
    trace_emit_fields(t, TRACE_RETURN, &at, (uint64_t[]){2, 0}, 2);
    struct trace_event e = {.kind = TRACE_CALL, .where = at, .count = 3, .fields = {3, 1, 0x123456789abcdef0}, .text_count = 1,
                            .texts = {{1, "game:\\a\xff\x01\n\xc3\xa9\"\xe2\x82"}}};
    trace_emit(t, &e);
    trace_emit_fields(t, TRACE_HANDLE_CREATE, &at, (uint64_t[]){0xf8000004, TRACE_OBJECT_MODULE}, 2);
    at.tid = 7;
    trace_emit_fields(t, TRACE_WAIT_BEGIN, &at, (uint64_t[]){1, (uint64_t)-300000, 0, 0xf8000018}, 4);
    trace_emit_fields(t, TRACE_WAIT_END, &at, (uint64_t[]){0x102, 0}, 2);
    trace_emit_fields(t, TRACE_WAIT_BEGIN, &at, (uint64_t[]){0, UINT64_MAX, 1, 0xf8000018, 0xf800001c}, 5);
    trace_emit_fields(t, TRACE_WAIT_END, &at, (uint64_t[]){0, 0xf8000018}, 2);
    at.tid = 0;
    struct trace_event create = {.kind = TRACE_THREAD_CREATE, .where = at, .count = 18, .text_count = 1, .texts = {{0, "x"}},
        .fields = {6, 0xf8000008, 0x82087d28, 0, 0, 0, 1, 0, 0, (uint64_t)-1, 1, 262144, 0x70190000, 0x70150000, 0x30027000, 0x30024018, 1, 1}};
    trace_emit(t, &create);
    at.tid = 2;
    trace_emit_fields(t, TRACE_INTERRUPT_BEGIN, &at, (uint64_t[]){0, 2, 0x82072a60}, 3);
    trace_emit_fields(t, TRACE_GPU_SWAP, &at, (uint64_t[]){1, 0x1f6f8000, 1280, 720, 0xabc}, 5);
    trace_emit_fields(t, TRACE_MISSING, &at, (uint64_t[]){3}, 1);
    assert_int_equal(trace_count(t), 14);
    assert_true(trace_close(t, NULL));

    struct lines l = written(path);
    assert_string_equal(next_line(&l), START("schema_version", 0, 0, 0, true)
        "{\"version\":1,\"emitter_build\":\"xenolith\",\"title\":\"a.xex\",\"header\":{\"title.sha256\":\"ab\\\"c\"}}}");
    assert_string_equal(next_line(&l), START("import.call", 6, 0, 77, true)
        "{\"ord\":204,\"name\":\"NtAllocateVirtualMemory\",\"module\":\"xboxkrnl.exe\"}}");
    assert_string_equal(next_line(&l), START("kernel.call", 6, 1, 77, true)
        "{\"ord\":204,\"name\":\"NtAllocateVirtualMemory\",\"args\":[\"0x7018fb90\",\"0x7018fc84\",\"0x60002000\",\"0x4\",\"0x0\"],"
        "\"in\":{\"arg0\":\"0x0\",\"arg1\":\"0x100000\"},\"lr\":\"0x8208c494\"}}");
    assert_string_equal(next_line(&l), START("kernel.return", 6, 2, 78, true)
        "{\"name\":\"NtAllocateVirtualMemory\",\"return_value\":18446744072635809815,\"status\":\"0xc0000017\","
        "\"out\":{\"arg0\":\"0x40000000\",\"arg1\":\"0x100000\"}}}");
    assert_string_equal(next_line(&l), START("kernel.return", 6, 3, 78, true)
        "{\"name\":\"RtlEnterCriticalSection\",\"return_value\":18446744071598185096,\"status\":\"0x82271a88\",\"void\":true}}");
    assert_string_equal(next_line(&l), START("kernel.return", 6, 4, 78, false)
        "{\"name\":\"KeQuerySystemTime\",\"return_value\":0,\"status\":\"0x00000000\"}}");
    assert_string_equal(next_line(&l), START("import.call", 6, 5, 78, true)
        "{\"ord\":7,\"name\":\"XamNothing\",\"module\":\"xam.xex\",\"unimplemented\":true}}");
    assert_string_equal(next_line(&l), START("kernel.call", 6, 6, 78, true)
        "{\"ord\":7,\"name\":\"XamNothing\",\"args\":[\"0x1\",\"0x123456789abcdef0\"],"
        "\"args_resolved\":{\"arg1\":\"game:\\\\a\\u00ff\\u0001\\n\xc3\xa9\\\"\\u00e2\\u0082\"},\"lr\":\"0x8208c494\"}}");
    assert_string_equal(next_line(&l), START("handle.create", 6, 7, 78, true)
        "{\"raw_handle_id\":\"0xf8000004\",\"object_type\":\"Module\"}}");
    assert_string_equal(next_line(&l), START("wait.begin", 7, 0, 78, true)
        "{\"handles\":[\"0xf8000018\"],\"handles_semantic_ids\":[\"0xf8000018\"],\"mode\":\"single\",\"timeout\":-300000,\"alertable\":false}}");
    assert_string_equal(next_line(&l), START("wait.end", 7, 1, 78, false) "{\"status\":\"0x00000102\",\"woken_by\":\"0x00000000\"}}");
    assert_string_equal(next_line(&l), START("wait.begin", 7, 2, 78, true)
        "{\"handles\":[\"0xf8000018\",\"0xf800001c\"],\"handles_semantic_ids\":[\"0xf8000018\",\"0xf800001c\"],\"mode\":\"all\","
        "\"timeout\":null,\"alertable\":true}}");
    assert_string_equal(next_line(&l), START("wait.end", 7, 3, 78, true) "{\"status\":\"0x00000000\",\"woken_by\":\"0xf8000018\"}}");
    assert_string_equal(next_line(&l), START("thread.create", 0, 0, 78, false)
        "{\"tid\":6,\"handle\":\"0xf8000008\",\"entry\":\"0x82087d28\",\"xapi_startup\":\"0x00000000\",\"start_context\":\"0x00000000\","
        "\"creator_tid\":0,\"creation_flags\":\"0x00000001\",\"affinity\":\"0x0\",\"cpu\":0,\"priority\":-1,\"suspended\":true,"
        "\"stack_size\":262144,\"stack_base\":\"0x70190000\",\"stack_limit\":\"0x70150000\",\"pcr\":\"0x30027000\","
        "\"kthread\":\"0x30024018\",\"guest\":true,\"main\":true,\"name\":\"x\"}}");
    assert_string_equal(next_line(&l), START("interrupt.begin", 2, 0, 78, false)
        "{\"source\":0,\"cpu\":2,\"callback\":\"0x82072a60\"}}");
    assert_string_equal(next_line(&l), START("gpu.swap", 2, 1, 78, false)
        "{\"frame\":1,\"frontbuffer\":\"0x1f6f8000\",\"width\":1280,\"height\":720,\"hash\":\"0xabc\"}}");
    assert_string_equal(next_line(&l), START("export.missing", 2, 2, 78, false)
        "{\"ord\":7,\"name\":\"XamNothing\",\"module\":\"xam.xex\",\"unimplemented\":true}}");
    assert_int_equal(l.at, l.size);
    free(l.data);
}

static void test_failures(void **state)
{
    (void)state;
    struct error err = {0};
    struct trace *t;
    assert_false(trace_create(&t, "/nowhere/at/all.jsonl", exports, 4, NULL, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_null(t);
    // A NULL writer is allowed everywhere.
    trace_emit_fields(NULL, TRACE_SWAP, NULL, NULL, 0);
    trace_flush(NULL);
    assert_int_equal(trace_count(NULL), 0);
    assert_true(trace_close(NULL, NULL));
    // A full disk: the run goes on, closing says what was lost.
    if (access("/dev/full", W_OK) == 0) {
        err = (struct error){0};
        assert_false(trace_create(&t, "/dev/full", exports, 4, NULL, &err));
        assert_int_equal(err.code, ERR_IO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines), cmocka_unit_test(test_failures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
