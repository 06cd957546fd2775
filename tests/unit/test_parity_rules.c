// The lab's rules, one by one: what each tolerates, and what it must not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "parity/parity.h"
#include "trace/trace.h"

static const struct trace_export exports[] = {
    {"xboxkrnl.exe", "MmAllocatePhysicalMemoryEx", 186, 6, 0, false, false, false},
    {"xboxkrnl.exe", "MmFreePhysicalMemory", 189, 2, 0, true, false, false},
    {"xboxkrnl.exe", "NtCreateFile", 210, 9, 0, false, false, false},
    {"xboxkrnl.exe", "NtClose", 207, 1, 0, false, false, false},
    {"xboxkrnl.exe", "RtlEnterCriticalSection", 293, 1, 0, true, false, false},
    {"xboxkrnl.exe", "KeTlsGetValue", 340, 1, 0, false, false, false},
    {"xboxkrnl.exe", "KeWaitForSingleObject", 176, 5, 0, false, false, false},
    {"xboxkrnl.exe", "KeSetEvent", 157, 3, 0, false, false, false},
};
enum { ALLOCATE, FREE, CREATE, CLOSE, ENTER, TLS, WAIT, SET };

// What our log has that the reference has not.
struct variation {
    uint32_t moved;        // added to addresses of allocations
    uint64_t extension;    // upper half of KeTlsGetValue's result
    uint32_t handle;       // added to handle numbers
    bool wrong_allocation; // a pointer into what lay there before
    bool wrong_handle;
    bool early_wake;       // the wait ends before the signal
    bool late_create;      // the second thread runs before it is created
};

static struct trace *out;

static void call(uint32_t tid, uint64_t export, const uint64_t *args, unsigned count)
{
    uint64_t fields[16] = {export};
    memcpy(fields + 1, args, count * sizeof *args);
    trace_emit_fields(out, TRACE_CALL, &(struct trace_where){tid, 0, 0, 0x82000000 + (uint32_t)export * 16}, fields, 1 + count);
}

static void ret(uint32_t tid, uint64_t export, uint64_t result)
{
    trace_emit_fields(out, TRACE_RETURN, &(struct trace_where){tid, 0, 0, 0}, (uint64_t[]){export, result}, 2);
}

static uint64_t allocate(uint32_t address)
{
    call(6, ALLOCATE, (uint64_t[]){0, 0x2000, 4, 0, 0xFFFFFFFF, 0}, 6);
    ret(6, ALLOCATE, (uint64_t)(int64_t)(int32_t)address);
    return address;
}

static void touch(uint64_t address)
{
    call(6, ENTER, &address, 1);
    ret(6, ENTER, address);
}

static void release(uint64_t address)
{
    call(6, FREE, (uint64_t[]){0, address}, 2);
    ret(6, FREE, 0);
}

static void create(uint64_t handle)
{
    call(6, CREATE, (uint64_t[]){0x7018F380, 1, 2, 3, 0, 0, 0, 0, 0}, 9);
    trace_emit_fields(out, TRACE_HANDLE_CREATE, &(struct trace_where){6, 0, 0, 0}, (uint64_t[]){handle, TRACE_OBJECT_FILE}, 2);
    trace_emit_fields(out, TRACE_RETURN, &(struct trace_where){6, 0, 0, 0}, (uint64_t[]){CREATE, 0, 0, handle}, 4);
}

static void shut(uint64_t handle)
{
    call(6, CLOSE, &handle, 1);
    ret(6, CLOSE, 0);
    trace_emit_fields(out, TRACE_HANDLE_DESTROY, &(struct trace_where){6, 0, 0, 0}, (uint64_t[]){handle, TRACE_OBJECT_FILE}, 2);
}

static void make_thread(uint32_t tid, uint32_t creator, bool is_main)
{
    trace_emit_fields(out, TRACE_THREAD_CREATE, &(struct trace_where){creator, 0, 0, 0},
                      (uint64_t[18]){tid, 0x01000000 + 4 * tid, 0x82000100 + tid, [16] = 1, [17] = is_main}, 18);
}

static void signal_event(void)
{
    call(6, SET, (uint64_t[]){0x82300000, 1, 0}, 3);
    ret(6, SET, 0);
}

static void end_wait(void)
{
    trace_emit_fields(out, TRACE_WAIT_END, &(struct trace_where){7, 0, 0, 0}, (uint64_t[]){0, 0}, 2);
    ret(7, WAIT, 0);
}

static void make_log(const char *path, const struct variation *v)
{
    assert_true(trace_create(&out, path, exports, sizeof exports / sizeof *exports, NULL, NULL));
    make_thread(6, 0, true);
    if (v->late_create) {
        call(7, TLS, (uint64_t[]){3}, 1);
        ret(7, TLS, 3);
    }
    make_thread(7, 6, false);
    if (!v->late_create) {
        call(7, TLS, (uint64_t[]){3}, 1);
        ret(7, TLS, 3);
    }
    for (uint64_t i = 0; i < 20; i++) {
        call(6, TLS, &i, 1);
        ret(6, TLS, (uint32_t)(0xBC000000 + i) | v->extension);
    }
    uint64_t first = allocate(0xBC220000 + v->moved);
    touch(first + 0x40);
    release(first);
    uint64_t second = allocate(0xBC220000 + v->moved), third = allocate(0xBC200000 + v->moved); // the first one's place again
    touch(second + 0x80);
    touch(v->wrong_allocation ? second + 0xC0 : third + 0xC0);
    create(0xF8000020 + v->handle);
    shut(0xF8000020 + v->handle);
    create(0xF8000020 + v->handle); // the number again, another file
    create(0xF8000024 + v->handle);
    shut((v->wrong_handle ? 0xF8000024 : 0xF8000020) + v->handle);
    call(7, WAIT, (uint64_t[]){0x82300000, 3, 1, 0, 0}, 5);
    trace_emit_fields(out, TRACE_WAIT_BEGIN, &(struct trace_where){7, 0, 0, 0}, (uint64_t[]){1, UINT64_MAX, 0, 0x82300000}, 4);
    if (v->early_wake)
        end_wait();
    signal_event();
    if (!v->early_wake)
        end_wait();
    for (uint64_t i = 0; i < 20; i++) {
        call(6, TLS, (uint64_t[]){100 + i}, 1);
        ret(6, TLS, i);
        call(7, TLS, (uint64_t[]){100 + i}, 1);
        ret(7, TLS, i);
    }
    assert_true(trace_close(out, NULL));
}

static struct par_result *compare(const struct variation *reference, const struct variation *ours, uint64_t rules_off)
{
    char a[64], b[64];
    snprintf(a, sizeof a, "/tmp/test-parity-%d-a.xt", (int)getpid());
    snprintf(b, sizeof b, "/tmp/test-parity-%d-b.xt", (int)getpid());
    make_log(a, reference);
    make_log(b, ours);
    struct par_result *r;
    struct error err = {0};
    const char *references[] = {a};
    const struct par_options options = {.rules_off = rules_off};
    bool ok = par_compare(&r, references, 1, b, &options, &err);
    unlink(a);
    unlink(b);
    assert_true(ok);
    return r;
}

static const struct variation plain = {0};

static void test_equal(void **state)
{
    (void)state;
    struct par_result *r = compare(&plain, &plain, 0);
    assert_true(r->same && r->fast);
    assert_int_equal(r->divergence_count, 0);
    par_result_free(r);
}

static void test_extension(void **state)
{
    (void)state;
    struct par_result *r = compare(&plain, &(struct variation){.extension = 0xFFFFFFFF00000000u}, 0);
    assert_true(r->same);
    assert_int_equal(r->rules[PAR_RULE_SIGN_EXTENSION].count, 20);
    assert_non_null(r->rules[PAR_RULE_SIGN_EXTENSION].examples[0]);
    par_result_free(r);
    r = compare(&plain, &(struct variation){.extension = 0xFFFFFFFF00000000u}, (uint64_t)1 << PAR_RULE_SIGN_EXTENSION);
    assert_false(r->same);
    assert_int_equal(r->matched_prefix, 2);
    par_result_free(r);
    // No extension of 32 bits: a value that a word operation would not leave.
    r = compare(&plain, &(struct variation){.extension = 0x0000000700000000u}, 0);
    assert_int_equal(r->by_class[PAR_VALUE], 20);
    par_result_free(r);
}

static void test_alpha(void **state)
{
    (void)state;
    struct par_result *r = compare(&plain, &(struct variation){.moved = 0u - 0x100000}, 0);
    assert_true(r->same);
    assert_true(r->divergence_count == 1 && r->divergences[0].tolerated && r->divergences[0].class == PAR_ALPHA);
    assert_int_equal(r->divergences[0].count, 3);
    // Three touches, and the address that is freed: each resolves to the allocation alive then.
    assert_int_equal(r->rules[PAR_RULE_POINTER].count, 4);
    par_result_free(r);
    r = compare(&plain, &(struct variation){.moved = 0u - 0x100000, .wrong_allocation = true}, 0);
    assert_int_equal(r->by_class[PAR_ARGUMENT], 1);
    par_result_free(r);
}

static void test_beta(void **state)
{
    (void)state;
    struct par_result *r = compare(&plain, &(struct variation){.moved = 0x48000000u - 0xBC220000u}, 0);
    assert_false(r->same);
    assert_int_equal(r->by_class[PAR_BETA], 3);
    assert_int_equal(r->matched_prefix, 3 * 20 + 2);
    assert_int_equal(r->threads[r->main_thread].first, 0);
    assert_int_equal(r->divergences[0].class, PAR_BETA);
    par_result_free(r);
}

static void test_handles(void **state)
{
    (void)state;
    struct par_result *r = compare(&plain, &(struct variation){.handle = 0x100}, 0);
    assert_true(r->same);
    assert_true(r->rules[PAR_RULE_HANDLE].count > 0);
    par_result_free(r);
    r = compare(&plain, &(struct variation){.handle = 0x100}, (uint64_t)1 << PAR_RULE_HANDLE);
    assert_false(r->same);
    par_result_free(r);
    // The same number, another object.
    r = compare(&plain, &(struct variation){.wrong_handle = true}, 0);
    assert_int_equal(r->by_class[PAR_ARGUMENT], 1);
    par_result_free(r);
}

static void test_happens_before(void **state)
{
    (void)state;
    struct par_result *r = compare(&plain, &(struct variation){.early_wake = true}, 0);
    assert_int_equal(r->by_class[PAR_ORDER], 1);
    assert_string_equal(r->divergences[0].field, "wait");
    par_result_free(r);
    r = compare(&plain, &(struct variation){.late_create = true}, 0);
    assert_int_equal(r->by_class[PAR_ORDER], 1);
    assert_non_null(strstr(r->divergences[0].why, "before it was created"));
    par_result_free(r);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    struct par_result *r;
    struct error err = {0};
    const char *none[] = {"/nowhere/a.xt"};
    assert_false(par_compare(&r, none, 1, "/nowhere/b.xt", NULL, &err));
    assert_null(r);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(par_compare(&r, none, 0, "/nowhere/b.xt", NULL, &err));
}

static void test_vocabulary(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PAR_RULE_COUNT; i++) {
        enum par_rule rule;
        assert_true(par_rule_by_name(par_rule_name((enum par_rule)i), &rule));
        assert_int_equal(rule, i);
    }
    enum par_rule rule;
    assert_false(par_rule_by_name("no such rule", &rule));
    for (unsigned i = 0; i < PAR_CLASS_COUNT; i++)
        assert_true(strlen(par_class_next((enum par_class)i)) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),   cmocka_unit_test(test_extension),      cmocka_unit_test(test_alpha),         cmocka_unit_test(test_beta),
        cmocka_unit_test(test_handles), cmocka_unit_test(test_happens_before), cmocka_unit_test(test_bad_arguments), cmocka_unit_test(test_vocabulary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
