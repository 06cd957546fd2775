// The binary form: what goes in comes out, whatever is cut off, damaged or killed.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <zstd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "trace/buffer.h"
#include "trace/copy.h"
#include "trace/format.h"
#include "trace/reader.h"
#include "trace/trace.h"

static const struct trace_export exports[] = {
    {"xboxkrnl.exe", "NtAllocateVirtualMemory", 204, 5, 0, false, false, false},
    {"xboxkrnl.exe", "RtlEnterCriticalSection", 293, 1, 0, true, false, false},
    {"xam.xex", "XamNothing", 7, 2, 2, false, true, true},
};
static const char *const keys[] = {"title.sha256", "abc", "build", "x", NULL};
static const struct trace_header header = {"a.xex", keys};

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

// Numbers of every length, sign-extended ones among them.
static uint64_t random_number(uint64_t *seed)
{
    uint64_t value = next_random(seed) >> (next_random(seed) % 64);
    return next_random(seed) % 4 ? value : (uint64_t)(int64_t)(int32_t)value;
}

static const char *make_path(char path[64], const char *end)
{
    snprintf(path, 64, "/tmp/test_trace_%ld%s", (long)getpid(), end);
    return path;
}

static void make_event(struct trace_event *e, uint64_t *seed)
{
    static const char *const texts[] = {"", "game:\\Media\\a.xpr", "\xff\x01 bytes", "a longer text, to be sure that it is kept whole"};
    memset(e, 0, sizeof *e);
    e->kind = (enum trace_kind)(next_random(seed) % TRACE_KIND_COUNT);
    e->where.tid = next_random(seed) % 10 ? (uint32_t)(next_random(seed) % 9) : (uint32_t)next_random(seed);
    e->where.hw = (uint32_t)(next_random(seed) % 6);
    e->where.cycle = random_number(seed);
    e->where.lr = next_random(seed) % 3 ? (uint32_t)random_number(seed) : 0;
    e->count = next_random(seed) % 50 ? (unsigned)(next_random(seed) % 20) : TRACE_MAX_FIELDS;
    for (unsigned i = 0; i < e->count; i++)
        e->fields[i] = random_number(seed);
    if (e->count && e->kind <= TRACE_RETURN && e->kind >= TRACE_CALL)
        e->fields[0] = next_random(seed) % 4; // one of them is not in the table
    e->text_count = next_random(seed) % 4 ? 0 : (unsigned)(next_random(seed) % (TRACE_MAX_TEXTS + 1));
    for (unsigned i = 0; i < e->text_count; i++)
        e->texts[i] = (struct trace_text){(uint8_t)next_random(seed), texts[next_random(seed) % 4]};
}

static void check_event(const struct trace_record *record, const struct trace_event *e)
{
    const struct trace_event *got = &record->event;
    assert_int_equal(got->kind, e->kind);
    assert_int_equal(got->where.tid, e->where.tid);
    assert_int_equal(got->where.hw, e->where.hw);
    assert_true(got->where.cycle == e->where.cycle);
    assert_int_equal(got->where.lr, e->where.lr);
    assert_int_equal(got->count, e->count);
    assert_memory_equal(got->fields, e->fields, e->count * sizeof *e->fields);
    assert_int_equal(got->text_count, e->text_count);
    for (unsigned i = 0; i < e->text_count; i++) {
        assert_int_equal(got->texts[i].field, e->texts[i].field);
        assert_string_equal(got->texts[i].text, e->texts[i].text);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    const char *given = getenv("TRACE_TEST_SEED");
    const uint64_t first_seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761u + 1;
    print_message("TRACE_TEST_SEED=%llu\n", (unsigned long long)first_seed);
    uint64_t seed = first_seed, indices[9] = {0};
    char path[64];
    struct trace *t;
    struct trace_event e;
    assert_true(trace_create(&t, make_path(path, ".xlog"), exports, 3, &header, NULL));
    for (int i = 0; i < COUNT; i++) {
        make_event(&e, &seed);
        trace_emit(t, &e);
        if (i == 777)
            trace_flush(t);
    }
    assert_int_equal(trace_count(t), COUNT);
    assert_true(trace_close(t, NULL));

    struct trace_reader *r;
    struct trace_record record;
    assert_true(trace_reader_open(&r, path, NULL));
    const struct trace_summary s = trace_reader_summary(r);
    assert_true(s.binary);
    assert_string_equal(s.title, "a.xex");
    assert_int_equal(s.key_count, 2);
    assert_string_equal(s.keys[2], "build");
    assert_int_equal(s.export_count, 3);
    assert_string_equal(s.exports[2].name, "XamNothing");
    assert_true(s.exports[2].wide_args == 2 && s.exports[2].returns_time && s.exports[2].unimplemented && s.exports[1].returns_void);
    seed = first_seed;
    for (int i = 0; i < COUNT; i++) {
        make_event(&e, &seed);
        assert_true(trace_reader_next(r, &record));
        check_event(&record, &e);
        assert_int_equal(record.event.index, i);
        assert_string_equal(record.kind->name, trace_kind_rows[e.kind].name);
        if (e.where.tid < 9) {
            indices[e.where.tid] += e.kind == TRACE_CALL ? 2 : 1;
            assert_int_equal(record.event.tid_index, indices[e.where.tid] - 1);
        }
        if (e.kind == TRACE_CALL && e.count)
            assert_ptr_equal(record.call, e.fields[0] < 3 ? &s.exports[e.fields[0]] : NULL);
    }
    assert_false(trace_reader_next(r, &record));
    assert_false(trace_reader_damage(r).truncated);
    assert_int_equal(trace_reader_damage(r).bad_chunks, 0);
    assert_int_equal(trace_reader_damage(r).lost_events, 0);
    trace_reader_close(r);

    // Seeking lands where asked, with the same thread indices.
    static const uint64_t places[] = {0, 1, 778, 779, 12345, COUNT - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        assert_true(trace_reader_open(&r, path, NULL));
        trace_reader_seek(r, places[i]);
        assert_true(trace_reader_next(r, &record));
        assert_int_equal(record.event.index, places[i]);
        assert_int_equal(trace_reader_damage(r).lost_events, 0);
        trace_reader_close(r);
    }
    assert_true(trace_reader_open(&r, path, NULL));
    trace_reader_seek(r, COUNT);
    assert_false(trace_reader_next(r, &record));
    trace_reader_close(r);
    unlink(path);
}

// A binary log turned into schema v1 is, to the byte, what the JSONL writer would have written.
static void test_conversion(void **state)
{
    (void)state;
    char paths[3][64];
    const char *const ends[3] = {".xlog", ".jsonl", ".out"};
    struct trace *logs[2];
    for (int i = 0; i < 3; i++)
        make_path(paths[i], ends[i]);
    for (int i = 0; i < 2; i++)
        assert_true(trace_create(&logs[i], paths[i], exports, 3, &header, NULL));
    uint64_t seed = 4711;
    struct trace_event e;
    for (int i = 0; i < 5000; i++) {
        make_event(&e, &seed);
        for (int k = 0; k < 2 && e.kind != TRACE_SCHEMA; k++)
            trace_emit(logs[k], &e);
    }
    for (int i = 0; i < 2; i++)
        assert_true(trace_close(logs[i], NULL));

    struct trace_reader *r;
    struct trace_record record;
    struct trace *out;
    assert_true(trace_reader_open(&r, paths[0], NULL));
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    assert_non_null(freopen(paths[2], "w", stdout));
    bool ok = trace_create_stdout(&out, r, NULL);
    while (ok && trace_reader_next(r, &record))
        ok = trace_copy(out, r, &record);
    ok = ok && trace_close(out, NULL);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    assert_true(ok);
    trace_reader_close(r);
    uint8_t *direct, *converted;
    size_t direct_size, converted_size;
    assert_true(file_read(paths[1], &direct, &direct_size, NULL));
    assert_true(file_read(paths[2], &converted, &converted_size, NULL));
    assert_int_equal(converted_size, direct_size);
    assert_memory_equal(converted, direct, direct_size);
    free(direct);
    free(converted);
    for (int i = 0; i < 3; i++)
        unlink(paths[i]);
}

enum { SMALL_CHUNKS = 4, SMALL_EVENTS = 6 };

// A log of SMALL_CHUNKS chunks with SMALL_EVENTS events each: event i carries i.
static void make_small(const char *path)
{
    struct trace *t;
    assert_true(trace_create(&t, path, exports, 3, &header, NULL));
    for (uint64_t i = 0; i < SMALL_CHUNKS * SMALL_EVENTS; i++) {
        const struct trace_where at = {6 + (uint32_t)(i & 1), 0, i * 100, 0};
        trace_emit_fields(t, TRACE_SWAP, &at, &i, 1);
        if (i % SMALL_EVENTS == SMALL_EVENTS - 1)
            trace_flush(t);
    }
    assert_true(trace_close(t, NULL));
}

// Writes `size` bytes as a log and reads it. The number of events; each must carry its own index.
static uint64_t count_events(const char *path, const uint8_t *data, size_t size, struct trace_damage *damage)
{
    struct trace_reader *r;
    struct trace_record record;
    uint64_t count = 0;
    assert_true(file_write(path, data, size, NULL));
    *damage = (struct trace_damage){0};
    if (!trace_reader_open(&r, path, NULL))
        return UINT64_MAX;
    for (; trace_reader_next(r, &record); count++) {
        assert_true(record.event.fields[0] == record.event.index);
        assert_true(record.event.tid_index == record.event.index / 2);
    }
    *damage = trace_reader_damage(r);
    trace_reader_close(r);
    return count;
}

static void test_truncation(void **state)
{
    (void)state;
    char path[64], cut[64];
    uint8_t *data;
    size_t size;
    struct trace_damage damage;
    make_small(make_path(path, ".xlog"));
    assert_true(file_read(path, &data, &size, NULL));
    make_path(cut, ".cut");
    uint64_t before = 0;
    for (size_t i = 1; i < size; i++) {
        uint64_t count = count_events(cut, data, i, &damage);
        assert_true(count != UINT64_MAX && count % SMALL_EVENTS == 0 && count >= before);
        assert_true(damage.truncated);
        assert_int_equal(damage.bad_chunks, 0);
        before = count;
    }
    assert_int_equal(before, SMALL_CHUNKS * SMALL_EVENTS);
    assert_int_equal(count_events(cut, data, size, &damage), SMALL_CHUNKS * SMALL_EVENTS);
    assert_false(damage.truncated);
    struct error err = {0};
    struct trace_reader *r;
    assert_true(file_write(cut, "", 0, NULL));
    assert_false(trace_reader_open(&r, cut, &err));
    assert_int_equal(err.code, ERR_FORMAT);
    free(data);
    unlink(path);
    unlink(cut);
}

static void test_damage(void **state)
{
    (void)state;
    char path[64], cut[64];
    uint8_t *data;
    size_t size;
    struct trace_damage damage;
    make_small(make_path(path, ".xlog"));
    make_path(cut, ".bad");
    assert_true(file_read(path, &data, &size, NULL));
    for (size_t i = 0; i < size; i++) {
        data[i] ^= (uint8_t)(1u << i % 8) | 0x10;
        uint64_t count = count_events(cut, data, size, &damage);
        data[i] ^= (uint8_t)(1u << i % 8) | 0x10;
        if (i < 8) {
            assert_true(count == UINT64_MAX); // no event log any more
            continue;
        }
        // One byte costs one chunk at most, and never goes unseen, unless it is one that means nothing (zstd has such bits).
        assert_true(count >= (SMALL_CHUNKS - 1) * SMALL_EVENTS && count <= SMALL_CHUNKS * SMALL_EVENTS);
        assert_true(damage.truncated || damage.bad_chunks || count == SMALL_CHUNKS * SMALL_EVENTS);
        assert_true(damage.truncated || count + damage.lost_events == SMALL_CHUNKS * SMALL_EVENTS);
    }
    free(data);
    unlink(path);
    unlink(cut);
}

// Random bytes with sound guards cannot be made by chance; this damages what zstd has checked already, by many bytes.
static void test_noise(void **state)
{
    (void)state;
    char path[64], cut[64];
    uint8_t *data;
    size_t size;
    struct trace_damage damage;
    uint64_t seed = 12345;
    make_small(make_path(path, ".xlog"));
    make_path(cut, ".bad");
    for (int round = 0; round < 300; round++) {
        assert_true(file_read(path, &data, &size, NULL));
        size_t from = 8 + next_random(&seed) % (size - 8), length = next_random(&seed) % 200;
        for (size_t i = from; i < size && i < from + length; i++)
            data[i] = (uint8_t)next_random(&seed);
        uint64_t count = count_events(cut, data, size, &damage);
        assert_true(count <= SMALL_CHUNKS * SMALL_EVENTS);
        free(data);
    }
    unlink(path);
    unlink(cut);
}

// Damages `raw` bytes of a zstd frame from inside, so that every guard and checksum around them is right again.
// Returns the new frame's size.
static size_t damage_frame(uint8_t *out, size_t capacity, const uint8_t *frame, size_t stored, size_t raw, uint64_t *seed)
{
    uint8_t plain[65536];
    assert_true(raw <= sizeof plain && ZSTD_decompress(plain, sizeof plain, frame, stored) == raw);
    for (uint64_t n = 1 + next_random(seed) % 6; n; n--)
        plain[next_random(seed) % raw] = (uint8_t)next_random(seed);
    size_t size = ZSTD_compress(out, capacity, plain, raw, 1);
    assert_false(ZSTD_isError(size));
    return size;
}

// What only malice makes: sound guards around nonsense, in the header and in a chunk. Reading ends, without a fault.
static void test_malice(void **state)
{
    (void)state;
    char path[64], bad[64];
    uint8_t *data;
    size_t size;
    uint64_t seed = 777, opened = 0, read = 0;
    make_small(make_path(path, ".xlog"));
    make_path(bad, ".evil");
    assert_true(file_read(path, &data, &size, NULL));
    const size_t stored = le32_get(data + 16), header_end = TRACE_PREFIX_BYTES + stored;
    const uint8_t *chunk = data + header_end;
    const size_t chunk_stored = le32_get(chunk + 16);
    static uint8_t out[200000];
    for (int round = 0; round < 2000; round++) {
        size_t used = header_end;
        memcpy(out, data, header_end);
        if (round % 2) {
            size_t n = damage_frame(out + TRACE_PREFIX_BYTES, 100000, data + TRACE_PREFIX_BYTES, stored, le32_get(data + 12), &seed);
            le32_set(out + 16, (uint32_t)n);
            le64_set(out + 24, trace_fnv1a(out, 24));
            used = TRACE_PREFIX_BYTES + n;
        }
        uint8_t *c = out + used;
        memcpy(c, chunk, TRACE_CHUNK_HEADER_BYTES);
        size_t n = damage_frame(c + TRACE_CHUNK_HEADER_BYTES, 90000, chunk + TRACE_CHUNK_HEADER_BYTES, chunk_stored,
                                le32_get(chunk + 12), &seed);
        le32_set(c + 16, (uint32_t)n);
        if (round % 3 == 0) {
            le64_set(c + 24, next_random(&seed)); // first index
            le32_set(c + 8, (uint32_t)next_random(&seed)); // count
        }
        le64_set(c + 32, trace_fnv1a(c, 32));
        assert_true(file_write(bad, out, used + TRACE_CHUNK_HEADER_BYTES + n, NULL));
        struct trace_reader *r;
        struct trace_record record;
        if (!trace_reader_open(&r, bad, NULL))
            continue;
        opened++;
        while (trace_reader_next(r, &record)) {
            assert_true(record.event.count <= TRACE_MAX_FIELDS && record.event.text_count <= TRACE_MAX_TEXTS);
            for (unsigned i = 0; i < record.event.text_count; i++)
                read += strlen(record.event.texts[i].text);
            read++;
        }
        trace_reader_close(r);
    }
    assert_true(opened > 500 && read > 500);
    free(data);
    unlink(path);
    unlink(bad);
}

static void test_killed(void **state)
{
    (void)state;
    char path[64];
    make_path(path, ".killed");
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        struct trace *t;
        if (!trace_create(&t, path, exports, 3, &header, NULL))
            _exit(1);
        for (uint64_t i = 0;; i++) {
            const struct trace_where at = {6, 0, i * 100, 0};
            trace_emit_fields(t, TRACE_SWAP, &at, &i, 1);
        }
    }
    struct stat st = {0};
    for (int i = 0; i < 2000 && st.st_size < 300000; i++) {
        usleep(1000);
        if (stat(path, &st) != 0)
            st.st_size = 0;
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    struct trace_reader *r;
    struct trace_record record;
    assert_true(trace_reader_open(&r, path, NULL));
    uint64_t count = 0;
    for (; trace_reader_next(r, &record); count++)
        assert_true(record.event.fields[0] == count && record.event.where.cycle == count * 100);
    assert_true(count > 5000);
    assert_true(trace_reader_damage(r).truncated);
    assert_int_equal(trace_reader_damage(r).bad_chunks, 0);
    trace_reader_close(r);
    unlink(path);
}

// The disk is full: the run goes on, trace_close says how much is lost, the log keeps its whole chunks.
static void test_full_disk(void **state)
{
    (void)state;
    char path[64];
    make_path(path, ".full");
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit low = {100000, old.rlim_max};
    struct trace *t;
    struct error err = {0};
    uint64_t seed = 1;
    assert_true(trace_create(&t, path, exports, 3, &header, NULL));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    for (uint64_t i = 0; i < 100000; i++) {
        const struct trace_where at = {6, 0, i, 0};
        trace_emit_fields(t, TRACE_EXIT, &at, (uint64_t[]){i, next_random(&seed)}, 2);
    }
    assert_int_equal(trace_count(t), 100000);
    bool ok = trace_close(t, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_false(ok);
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.message, "of 100000 events lost"));
    struct trace_reader *r;
    struct trace_record record;
    assert_true(trace_reader_open(&r, path, NULL));
    uint64_t count = 0;
    for (; trace_reader_next(r, &record); count++)
        assert_true(record.event.fields[0] == count);
    char expected[64];
    snprintf(expected, sizeof expected, "%llu of 100000 events lost", (unsigned long long)(100000 - count));
    assert_non_null(strstr(err.message, expected));
    assert_int_equal(trace_reader_damage(r).bad_chunks, 0);
    trace_reader_close(r);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_conversion), cmocka_unit_test(test_truncation), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_noise),      cmocka_unit_test(test_malice),    cmocka_unit_test(test_killed),     cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
