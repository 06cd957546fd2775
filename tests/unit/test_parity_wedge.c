// The wait-for graph on logs made by hand: rings, owners that ended, signals that were lost, waits that are lawful.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parity/wedge.h"
#include "trace/trace.h"

enum { CREATE_EVENT, CREATE_MUTANT, WAIT, SET, RELEASE };
static const struct trace_export exports[] = {
    [CREATE_EVENT] = {"xboxkrnl.exe", "NtCreateEvent", 0xD1, 4, 0, false, false, false},
    [CREATE_MUTANT] = {"xboxkrnl.exe", "NtCreateMutant", 0xD4, 3, 0, false, false, false},
    [WAIT] = {"xboxkrnl.exe", "NtWaitForSingleObjectEx", 0xFD, 4, 0, false, false, false},
    [SET] = {"xboxkrnl.exe", "NtSetEvent", 0xF6, 2, 0, false, false, false},
    [RELEASE] = {"xboxkrnl.exe", "NtReleaseMutant", 0xF2, 2, 0, false, false, false},
};

struct fixture {
    char path[64];
    struct trace *t;
    uint64_t cycle;
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.path = "/tmp/xenolith-wedge-XXXXXX"};
    close(mkstemp(f.path));
    struct trace_header header = {.title = "made.xex"};
    assert_true(trace_create(&f.t, f.path, exports, sizeof exports / sizeof *exports, &header, NULL));
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    unlink(f->path);
    return 0;
}

static void emit(struct fixture *f, uint32_t tid, enum trace_kind kind, unsigned count, const uint64_t *fields)
{
    struct trace_where where = {.tid = tid, .cycle = f->cycle += 100, .lr = kind == TRACE_CALL ? 0x82010000 + (uint32_t)fields[0] : 0};
    trace_emit_fields(f->t, kind, &where, fields, count);
}

static void thread(struct fixture *f, uint32_t tid, uint32_t creator)
{
    uint64_t fields[18] = {tid, 0xF8001000 + tid * 4, 0x82010000, 0, 0, creator};
    fields[15] = 0x30000000 + tid * 0x1000;
    fields[16] = 1;
    fields[17] = creator == 0;
    emit(f, creator, TRACE_HANDLE_CREATE, 2, (uint64_t[]){fields[1], TRACE_OBJECT_THREAD});
    emit(f, creator, TRACE_THREAD_CREATE, 18, fields);
    emit(f, tid, TRACE_THREAD_START, 1, (uint64_t[]){tid});
}

static void make(struct fixture *f, uint32_t tid, unsigned call, uint64_t a2, uint64_t a3, uint64_t handle, uint64_t type)
{
    emit(f, tid, TRACE_CALL, call == CREATE_EVENT ? 5 : 4, (uint64_t[]){call, 0, 0, a2, a3});
    emit(f, tid, TRACE_HANDLE_CREATE, 2, (uint64_t[]){handle, type});
    emit(f, tid, TRACE_RETURN, 2, (uint64_t[]){call, 0});
}

static void begin_wait(struct fixture *f, uint32_t tid, uint64_t handle, uint64_t timeout)
{
    emit(f, tid, TRACE_CALL, 5, (uint64_t[]){WAIT, handle, 1, 0, 0});
    emit(f, tid, TRACE_WAIT_BEGIN, 4, (uint64_t[]){0, timeout, 0, handle});
}

static void end_wait(struct fixture *f, uint32_t tid, uint64_t handle)
{
    emit(f, tid, TRACE_WAIT_END, 2, (uint64_t[]){0, handle});
    emit(f, tid, TRACE_RETURN, 2, (uint64_t[]){WAIT, 0});
}

static void set(struct fixture *f, uint32_t tid, uint64_t handle, uint64_t previous)
{
    emit(f, tid, TRACE_CALL, 3, (uint64_t[]){SET, handle, 0});
    emit(f, tid, TRACE_EVENT_SET, 2, (uint64_t[]){handle, previous});
    emit(f, tid, TRACE_RETURN, 2, (uint64_t[]){SET, 0});
}

// Closes the log, judges it and gives the cause of thread `tid`; PAR_CAUSE_COUNT: it does not wait.
static enum par_wedge_cause judge(struct fixture *f, uint32_t tid, bool *wedged, size_t *rings)
{
    struct par_wedge_model m;
    struct par_wedge_verdict v;
    enum par_wedge_cause cause = PAR_CAUSE_COUNT;
    if (f->t)
        assert_true(trace_close(f->t, NULL));
    f->t = NULL;
    assert_true(par_wedge_read(&m, f->path, UINT64_MAX, 0, NULL, NULL));
    assert_true(par_wedge_judge(&v, &m, NULL, NULL));
    for (size_t i = 0; i < v.stuck_count; i++)
        if (m.threads[v.stuck[i].thread].tid == tid)
            cause = v.stuck[i].cause;
    *wedged = v.wedged;
    *rings = v.cycle_count;
    par_wedge_verdict_free(&v);
    par_wedge_free(&m);
    return cause;
}

enum { H1 = (int)0xF8000100, H2 = (int)0xF8000104 };
#define HANDLE1 ((uint32_t)H1)
#define HANDLE2 ((uint32_t)H2)
#define EVER UINT64_MAX

static void test_ring_of_mutants(void **state)
{
    struct fixture *f = *state;
    bool wedged;
    size_t rings;
    thread(f, 6, 0);
    thread(f, 7, 6);
    make(f, 6, CREATE_MUTANT, 1, 0, HANDLE1, TRACE_OBJECT_MUTANT); // owned by its maker
    make(f, 7, CREATE_MUTANT, 1, 0, HANDLE2, TRACE_OBJECT_MUTANT);
    begin_wait(f, 6, HANDLE2, EVER);
    begin_wait(f, 7, HANDLE1, EVER);
    assert_int_equal(judge(f, 6, &wedged, &rings), PAR_CAUSE_DEADLOCK);
    assert_true(wedged);
    assert_int_equal(rings, 1);
    assert_int_equal(judge(f, 7, &wedged, &rings), PAR_CAUSE_DEADLOCK);
}

static void test_timeout_breaks_the_ring(void **state)
{
    struct fixture *f = *state;
    bool wedged;
    size_t rings;
    thread(f, 6, 0);
    thread(f, 7, 6);
    make(f, 6, CREATE_MUTANT, 1, 0, HANDLE1, TRACE_OBJECT_MUTANT);
    make(f, 7, CREATE_MUTANT, 1, 0, HANDLE2, TRACE_OBJECT_MUTANT);
    begin_wait(f, 6, HANDLE2, (uint64_t)-300000);
    begin_wait(f, 7, HANDLE1, EVER);
    assert_int_equal(judge(f, 7, &wedged, &rings), PAR_CAUSE_ALIVE);
    assert_false(wedged);
    assert_int_equal(rings, 0);
    assert_int_equal(judge(f, 6, &wedged, &rings), PAR_CAUSE_TIMED);
}

static void test_owner_ended(void **state)
{
    struct fixture *f = *state;
    bool wedged;
    size_t rings;
    thread(f, 6, 0);
    thread(f, 7, 6);
    make(f, 7, CREATE_MUTANT, 1, 0, HANDLE1, TRACE_OBJECT_MUTANT);
    emit(f, 7, TRACE_THREAD_EXIT, 2, (uint64_t[]){7, 3});
    begin_wait(f, 6, HANDLE1, EVER);
    assert_int_equal(judge(f, 6, &wedged, &rings), PAR_CAUSE_DEAD_OWNER);
    assert_true(wedged);
}

static void test_signaller_ended(void **state)
{
    struct fixture *f = *state;
    bool wedged;
    size_t rings;
    thread(f, 6, 0);
    thread(f, 7, 6);
    make(f, 6, CREATE_EVENT, 1, 0, HANDLE1, TRACE_OBJECT_EVENT);
    begin_wait(f, 6, HANDLE1, EVER);
    set(f, 7, HANDLE1, 0);
    end_wait(f, 6, HANDLE1);
    emit(f, 7, TRACE_THREAD_EXIT, 2, (uint64_t[]){7, 3});
    begin_wait(f, 6, HANDLE1, EVER);
    assert_int_equal(judge(f, 6, &wedged, &rings), PAR_CAUSE_DEAD_SIGNALLER);
    assert_true(wedged);
}

static void test_signaller_lives(void **state)
{
    struct fixture *f = *state;
    bool wedged;
    size_t rings;
    thread(f, 6, 0);
    thread(f, 7, 6);
    make(f, 6, CREATE_EVENT, 1, 0, HANDLE1, TRACE_OBJECT_EVENT);
    begin_wait(f, 6, HANDLE1, EVER);
    set(f, 7, HANDLE1, 0);
    end_wait(f, 6, HANDLE1);
    begin_wait(f, 6, HANDLE1, EVER);
    assert_int_equal(judge(f, 6, &wedged, &rings), PAR_CAUSE_ALIVE);
    assert_false(wedged);
}

static void test_two_signals_became_one(void **state)
{
    struct fixture *f = *state;
    bool wedged;
    size_t rings;
    thread(f, 6, 0);
    thread(f, 7, 6);
    make(f, 6, CREATE_EVENT, 1, 0, HANDLE1, TRACE_OBJECT_EVENT);
    set(f, 7, HANDLE1, 0);
    set(f, 7, HANDLE1, 1);
    begin_wait(f, 6, HANDLE1, EVER);
    end_wait(f, 6, HANDLE1);
    begin_wait(f, 6, HANDLE1, EVER);
    begin_wait(f, 7, HANDLE2, EVER);
    assert_int_equal(judge(f, 6, &wedged, &rings), PAR_CAUSE_LOST_SIGNAL);
    assert_true(wedged);
    assert_int_equal(judge(f, 7, &wedged, &rings), PAR_CAUSE_NEVER);
}

static void test_cut_log_and_garbage(void **state)
{
    struct fixture *f = *state;
    bool wedged;
    size_t rings;
    // Events that refer to threads and objects that nobody made.
    emit(f, 9, TRACE_WAIT_END, 2, (uint64_t[]){0, 0x1234});
    emit(f, 9, TRACE_RETURN, 2, (uint64_t[]){WAIT, 0});
    emit(f, 9, TRACE_EVENT_SET, 2, (uint64_t[]){0, 0});
    emit(f, 9, TRACE_HANDLE_DESTROY, 2, (uint64_t[]){0x55, 99});
    emit(f, 9, TRACE_INTERRUPT_END, 3, (uint64_t[]){7, 7, 7});
    emit(f, 9, TRACE_THREAD_RESUME, 2, (uint64_t[]){77, 5});
    for (unsigned i = 0; i < 40; i++)
        emit(f, 9, TRACE_CALL, 5, (uint64_t[]){WAIT, i, 1, 0, 0});
    begin_wait(f, 9, HANDLE1, EVER);
    assert_int_equal(judge(f, 9, &wedged, &rings), PAR_CAUSE_COUNT); // no thread of the title is known
    assert_false(wedged);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_ring_of_mutants),  CASE(test_timeout_breaks_the_ring), CASE(test_owner_ended),         CASE(test_signaller_ended),
        CASE(test_signaller_lives),  CASE(test_two_signals_became_one),  CASE(test_cut_log_and_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
