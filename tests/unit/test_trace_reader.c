// Readers: the reference logs whole, odd lines, conversion into our binary form with its size and speed.
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "trace/copy.h"
#include "trace/json_line.h"
#include "trace/reader.h"

static const char *reference_log(char path[512], const char *name)
{
    const char *source = getenv("XENOLITH_SOURCE");
    snprintf(path, 512, "%s/../shared/reference-logs/%s", source ? source : ".", name);
    if (access(path, R_OK) != 0) {
        print_message("SKIPPED: no reference logs: %s\n", path);
        skip();
    }
    return path;
}

// Totals from shared/reference-logs/README.md.
static void test_reference_logs(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t events, main_thread, calls;
    } logs[] = {
        {"dolphin-run1.jsonl.zst", 128436, 115094, 41951}, {"dolphin-run2.jsonl.zst", 128483, 115094, 0},
        {"dolphin-run3.jsonl.zst", 128521, 115094, 0},     {"dolphin-paced60.jsonl.zst", 140016, 0, 0},
        {"fog-run1.jsonl.zst", 112860, 99307, 36742},      {"fog-run2.jsonl.zst", 112751, 99307, 0},
        {"fog-run3.jsonl.zst", 112713, 99307, 0},
    };
    char path[512];
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
        struct trace_reader *r;
        struct trace_record record;
        uint64_t events = 0, main_thread = 0, calls = 0, next[16] = {0};
        assert_true(trace_reader_open(&r, reference_log(path, logs[i].name), NULL));
        assert_string_equal(trace_reader_summary(r).engine, "canary");
        while (trace_reader_next(r, &record)) {
            events++;
            main_thread += record.event.where.tid == 6;
            calls += record.event.kind == TRACE_CALL;
            assert_false(record.fields_cut);
            assert_true(record.event.kind != TRACE_KIND_COUNT || record.import);
            // tid_event_idx has no holes; the first line shares index 0 with the next of thread 0.
            assert_true(record.event.where.tid < 16);
            if (record.event.kind != TRACE_SCHEMA)
                assert_int_equal(record.event.tid_index, next[record.event.where.tid]++);
        }
        assert_int_equal(events, logs[i].events);
        assert_true(!logs[i].main_thread || main_thread == logs[i].main_thread);
        assert_true(!logs[i].calls || calls == logs[i].calls);
        const struct trace_damage d = trace_reader_damage(r);
        assert_true(!d.bad_lines && !d.truncated);
        trace_reader_close(r);
    }
}

static uint64_t host_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void test_size_and_speed(void **state)
{
    (void)state;
    enum { ROUNDS = 5 };
    char path[512], out[64];
    struct trace_reader *first, *r;
    struct trace_record record;
    reference_log(path, "dolphin-run1.jsonl.zst");
    assert_true(trace_reader_open(&first, path, NULL)); // its table of exports is complete when it has been read
    size_t count = 0;
    uint64_t cycle = 0, noise = 1;
    struct trace_event *events = calloc(100000, sizeof *events);
    assert_non_null(events);
    while (trace_reader_next(first, &record))
        if (!record.import && record.event.kind != TRACE_SCHEMA && count < 100000) {
            events[count] = record.event;
            noise = noise * 6364136223846793005u + 1442695040888963407u;
            events[count].where.cycle = cycle += noise >> 52; // the reference has no cycles: some that cannot be guessed
            events[count++].text_count = 0;          // texts belong to the reader
        }
    snprintf(out, sizeof out, "/tmp/test_trace_%ld.xlog", (long)getpid());
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        struct trace *t;
        uint64_t start = host_ns();
        assert_true(trace_create(&t, out, trace_reader_summary(first).exports, trace_reader_summary(first).export_count, NULL, NULL));
        for (size_t k = 0; k < count; k++)
            trace_emit(t, &events[k]);
        assert_true(trace_close(t, NULL));
        uint64_t took = host_ns() - start;
        best = took < best ? took : best;
    }
    struct stat st;
    assert_int_equal(stat(out, &st), 0);
    print_message("%zu events: %.2f bytes and %.0f ns an event, compressed and written\n", count, (double)st.st_size / (double)count,
                  (double)best / (double)count);
    assert_true((size_t)st.st_size <= 16 * count);
    assert_true(trace_reader_open(&r, out, NULL));
    for (size_t k = 0; k < count; k++) {
        assert_true(trace_reader_next(r, &record));
        assert_int_equal(record.event.count, events[k].count);
        assert_memory_equal(record.event.fields, events[k].fields, events[k].count * sizeof *events[k].fields);
        assert_int_equal(record.event.tid_index, events[k].tid_index);
    }
    assert_false(trace_reader_next(r, &record));
    trace_reader_close(r);
    trace_reader_close(first);
    free(events);
    unlink(out);
}

static void test_json(void **state)
{
    (void)state;
    struct json_value v, key, value;
    static const char *const bad[] = {
        "", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}", "{a:1}", "[1,]", "[1 2]", "01", "1.", "-", "1e", "\"\\x\"", "\"\\u12g4\"",
        "\"\\u12", "\"a", "\"\t\"", "tru", "nulll", "1 1", "{}}", "\"\\",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (json_parse(&v, bad[i], strlen(bad[i])))
            fail_msg("accepted: %s", bad[i]);
    }
    char deep[200];
    memset(deep, '[', sizeof deep);
    assert_false(json_parse(&v, deep, sizeof deep));

    const char *text = " {\"a\" : [1, -2,\"0xFFffFFffFFffFFff\",18446744073709551615 ,18446744073709551616,1.5] , \"b\":\"x\\u00e9\\ud83d\\ude00\\n\\ud800\"} ";
    assert_true(json_parse(&v, text, strlen(text)));
    const char *at = json_first(&v);
    assert_true(json_next_member(&v, &at, &key, &value));
    assert_true(json_is(&key, "a"));
    struct json_value list = value, element;
    const char *in = json_first(&list);
    static const uint64_t numbers[] = {1, (uint64_t)-2, UINT64_MAX, UINT64_MAX};
    uint64_t bits;
    for (int i = 0; i < 6; i++) {
        assert_true(json_next_element(&list, &in, &element));
        assert_int_equal(json_bits(&element, &bits), i < 4);
        assert_true(i >= 4 || bits == numbers[i]);
    }
    assert_false(json_next_element(&list, &in, &element));
    assert_true(json_next_member(&v, &at, &key, &value));
    char out[32];
    json_text(&value, out, sizeof out);
    assert_string_equal(out, "x\xc3\xa9\xf0\x9f\x98\x80\n\xef\xbf\xbd");
    assert_int_equal(json_text(&value, out, 3), 1); // a character is never split
    assert_false(json_next_member(&v, &at, &key, &value));
}

#define FIRST_LINE "{\"schema_version\":1,\"kind\":\"schema_version\",\"tid\":0,\"tid_event_idx\":0,\"payload\":{\"version\":1}}\n"

static struct trace_reader *open_text(const char *path, const char *text, struct error *err)
{
    struct trace_reader *r;
    assert_true(file_write(path, text, strlen(text), NULL));
    trace_reader_open(&r, path, err);
    unlink(path);
    return r;
}

static void test_odd_lines(void **state)
{
    (void)state;
    char path[64];
    struct error err = {0};
    struct trace_record record;
    snprintf(path, sizeof path, "/tmp/test_trace_%ld.odd", (long)getpid());
    assert_null(open_text(path, "hello", &err));
    assert_int_equal(err.code, ERR_FORMAT);
    assert_null(open_text(path, "{\"kind\":\"swap\",\"tid\":6,\"payload\":{}}\n", &err));
    assert_int_equal(err.code, ERR_FORMAT);
    assert_null(open_text(path, "{\"kind\":\"schema_version\",\"tid\":0,\"payload\":{\"version\":2}}\n", &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);

    struct trace_reader *r = open_text(path,
        FIRST_LINE "not json\n"
        "{\"kind\":\"strange.thing\",\"tid\":6,\"tid_event_idx\":3,\"guest_cycle\":9,\"payload\":{\"n\":-5,\"where\":\"0x10\",\"why\":\"x\",\"o\":{}}}\n"
        "{\"kind\":\"wait.begin\",\"tid\":6,\"payload\":{\"handles_semantic_ids\":[\"85944171f73967e8\"],\"mode\":\"all\",\"timeout\":null,\"alertable\":true}}\n"
        "{\"kind\":\"kernel.return\",\"tid\":6,\"payload\":{\"name\":\"A\",\"return_value\":18446744072635809815,\"status\":\"0xc0000017\"}}\n"
        "{\"kind\":\"kernel.return\",\"tid\":6,\"payload\":{\"name\":\"A\",\"return_value\":99999999999999999999}}\n"
        "{\"kind\":\"kernel.call\",\"tid\":6,\"payload\":{\"name\":\"A\",\"args\":[\"0x1\",\"0x123456789\"],\"args_resolved\":{\"arg1\":{\"root\":\"0x0\",\"name\":\"n\"}},\"in\":{\"arg0\":\"0x7\"},\"lr\":\"0x82000000\"}}\n"
        "{\"kind\":\"handle.create\",\"tid\":6,\"payload\":{\"raw_handle_id\":\"0xf8000000\",\"object_type\":\"Gadget\"}}\n"
        "{\"kind\":\"swap\",\"tid\":6,\"payload\":{\"fra", &err);
    assert_non_null(r);
    assert_true(trace_reader_next(r, &record));
    assert_int_equal(record.event.kind, TRACE_SCHEMA);
    assert_true(trace_reader_next(r, &record));
    assert_int_equal(record.event.kind, TRACE_KIND_COUNT);
    assert_string_equal(record.kind->name, "strange.thing");
    assert_int_equal(record.event.count, 2);
    assert_true(record.event.fields[0] == (uint64_t)-5 && record.event.fields[1] == 16);
    assert_string_equal(record.event.texts[0].text, "x");
    assert_true(record.event.where.cycle == 9 && record.event.tid_index == 3);
    assert_true(trace_reader_next(r, &record));
    assert_int_equal(record.event.kind, TRACE_WAIT_BEGIN);
    assert_int_equal(record.event.count, 4);
    assert_true(record.event.fields[1] == UINT64_MAX && record.event.fields[3] != 0);
    assert_true(trace_reader_next(r, &record));
    assert_true(record.event.kind == TRACE_RETURN && record.event.fields[1] == 18446744072635809815u);
    assert_string_equal(record.call->name, "A");
    assert_true(trace_reader_next(r, &record));
    assert_true(record.event.kind == TRACE_CALL && record.call->arg_count == 2 && record.call->wide_args == 2);
    assert_int_equal(record.event.count, 5);
    assert_int_equal(record.event.fields[4], 7);
    assert_int_equal(record.event.where.lr, 0x82000000);
    assert_string_equal(record.event.texts[0].text, "n");
    assert_true(trace_reader_next(r, &record));
    assert_string_equal(trace_reader_object_type(r, record.event.fields[1]), "Gadget");
    assert_false(trace_reader_next(r, &record));
    const struct trace_damage d = trace_reader_damage(r);
    assert_int_equal(d.bad_lines, 2);
    assert_int_equal(d.first_bad, 2);
    assert_true(d.truncated);
    trace_reader_close(r);
}

// What the JSONL writer writes, the reader reads, cut off at any byte; the first line cut is an empty log.
static void test_cut_lines(void **state)
{
    (void)state;
    static const struct trace_export exports[] = {{"xboxkrnl.exe", "A", 1, 2, 0, false, false, false}};
    char path[64], cut[64];
    snprintf(path, sizeof path, "/tmp/test_trace_%ld.jsonl", (long)getpid());
    snprintf(cut, sizeof cut, "/tmp/test_trace_%ld.part", (long)getpid());
    struct trace *t;
    const struct trace_where at = {6, 0, 1, 0x82000000};
    assert_true(trace_create(&t, path, exports, 1, NULL, NULL));
    trace_emit_fields(t, TRACE_CALL, &at, (uint64_t[]){0, 1, 2, 0, 5}, 5);
    trace_emit_fields(t, TRACE_RETURN, &at, (uint64_t[]){0, UINT64_MAX, 0, 6}, 4);
    trace_emit_fields(t, TRACE_WAIT_BEGIN, &at, (uint64_t[]){0, UINT64_MAX, 1, 4, 8}, 5);
    assert_true(trace_close(t, NULL));
    uint8_t *data;
    size_t size;
    assert_true(file_read(path, &data, &size, NULL));
    uint64_t before = 0;
    for (size_t i = 1; i <= size; i++) {
        struct trace_reader *r;
        struct trace_record record;
        uint64_t count = 0;
        assert_true(file_write(cut, data, i, NULL));
        assert_true(trace_reader_open(&r, cut, NULL));
        for (; trace_reader_next(r, &record); count++)
            if (count == 4)
                assert_true(record.event.kind == TRACE_WAIT_BEGIN && record.event.count == 5 && record.event.fields[4] == 8);
        assert_true(count >= before);
        assert_int_equal(trace_reader_damage(r).bad_lines, 0);
        before = count;
        trace_reader_close(r);
    }
    assert_int_equal(before, 5); // schema_version, import.call, kernel.call, kernel.return, wait.begin
    free(data);
    unlink(path);
    unlink(cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_logs), cmocka_unit_test(test_size_and_speed), cmocka_unit_test(test_json),
        cmocka_unit_test(test_odd_lines),      cmocka_unit_test(test_cut_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
