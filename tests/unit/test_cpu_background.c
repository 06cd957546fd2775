// The thread that compiles for CPU_AUTO: jobs go in and come back, it ends at any time, and what it makes runs as the interpreter does
// while code changes under it. In the build with a thread sanitizer (docs/fuzzing.md) this is what shows that nothing is shared.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cpu/background.h"
#include "cpu/engine.h"
#include "cpu_fixture.h"

static const gva CODE = 0x82000000, END = 0xBCBCBCBC;
enum {
    FUNCTIONS = 12,
    APART = 0x1000,
    ADDI_R3 = 0x38630000,
    MULLI_R3 = 0x1C630000,
    BDNZ_CODE = 0x4200FFF8, // two instructions back
    BLR = 0x4E800020,
    LONG = 60,              // seconds, after which a test gives up
    PATIENCE = 17000000,    // instructions, before CPU_AUTO opens LLVM
};

static void put_function(struct machine *m, uint32_t number, uint32_t constant)
{
    const uint32_t words[] = {MULLI_R3 | 3, ADDI_R3 | constant, BDNZ_CODE, BLR};
    for (uint32_t i = 0; i < 4; i++)
        assert_true(mem_set32(m->mem, CODE + APART * number + 4 * i, words[i]));
}

static bool open_machine(struct machine *m, enum cpu_tier tier)
{
    struct error err;
    assert_true(mem_create(&m->mem, &err));
    assert_true(cpu_create(&m->cpu, m->mem, &err));
    assert_true(mem_allocate_at(m->mem, CODE, APART * FUNCTIONS, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, &err));
    ppc_state_init(&m->s);
    for (uint32_t i = 0; i < FUNCTIONS; i++)
        put_function(m, i, i + 1);
    if (cpu_set_tier(m->cpu, tier, &err))
        return true;
    print_message("%s\n", err.message);
    return false;
}

static bool is_time_over(const struct timespec *begun)
{
    struct timespec now;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec - begun->tv_sec > LONG;
}

// ---- Jobs

static bool never(void *user, uint32_t pc)
{
    (void)user;
    (void)pc;
    return false;
}

static void push(struct background *b, struct machine *m, uint32_t number, enum rc_tier tier)
{
    struct background_job *job = calloc(1, sizeof *job);
    assert_non_null(job);
    assert_true(plan_make(&m->cpu->functions, m->mem, CODE + APART * number, never, NULL, COMPILED_MOST, &job->plan));
    job->tier = tier;
    background_push(b, job);
}

static struct background_job *take(struct background *b)
{
    struct timespec begun;
    struct background_job *job = NULL;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    while (!(job = background_take(b)) && !is_time_over(&begun)) {}
    assert_non_null(job);
    return job;
}

static void open_library(struct library *library)
{
    struct error err;
    *library = (struct library){0};
    if (library_find(library, &err))
        return;
    print_message("%s\n", err.message);
    skip();
}

static void jobs_come_back(void **state)
{
    (void)state;
    static struct library library; // long
    struct machine m;
    struct background *b;
    open_library(&library);
    open_machine(&m, CPU_INTERPRETER);
    assert_true(background_create(&b, &library, NULL, NULL));
    for (uint32_t i = 0; i < FUNCTIONS; i++) {
        push(b, &m, i, RC_QUICK);
        push(b, &m, i, RC_OPTIMISED);
    }
    uint32_t seen[2][FUNCTIONS] = {0};
    for (uint32_t i = 0; i < 2 * FUNCTIONS; i++) {
        struct background_job *job = take(b);
        assert_true(job->ok && job->code.size > 0 && job->code.instructions == 4);
        seen[job->tier][(job->plan.entries[0] - CODE) / APART]++;
        background_free_job(b, job);
    }
    for (uint32_t i = 0; i < FUNCTIONS; i++)
        assert_true(seen[RC_QUICK][i] == 1 && seen[RC_OPTIMISED][i] == 1);
    assert_null(background_take(b));
    assert_int_equal(background_waiting(b), 0);
    assert_null(background_problem(b));
    background_destroy(b);
    close_machine(&m);
}

// Before the first job, before the thread looks at any, in the middle of one, with some done and some waiting.
static void ends_at_any_time(void **state)
{
    (void)state;
    static struct library library;
    struct machine m;
    struct background *b;
    open_library(&library);
    open_machine(&m, CPU_INTERPRETER);
    for (uint32_t i = 0; i < 6; i++) {
        assert_true(background_create(&b, &library, NULL, NULL));
        for (uint32_t n = 0; i && n < FUNCTIONS; n++)
            push(b, &m, n, n % 2 ? RC_QUICK : RC_OPTIMISED);
        for (uint32_t n = 2; n < i; n++)
            background_free_job(b, take(b));
        background_destroy(b);
    }
    close_machine(&m);
}

static void without_the_shared_object(void **state)
{
    (void)state;
    static struct library library = {.path = "/nowhere/libxenolith-recompiler.so"};
    struct machine m;
    struct background *b;
    open_machine(&m, CPU_INTERPRETER);
    assert_true(background_create(&b, &library, NULL, NULL));
    for (uint32_t i = 0; i < 3; i++) {
        push(b, &m, i, RC_QUICK);
        struct background_job *job = take(b);
        assert_false(job->ok);
        background_free_job(b, job);
    }
    assert_non_null(strstr(background_problem(b), "cannot open libxenolith-recompiler.so"));
    background_destroy(b);
    close_machine(&m);
}

// ---- A run

static void run_function(struct machine *m, uint32_t number, uint32_t turns)
{
    m->s.pc = CODE + APART * number;
    m->s.lr = END;
    m->s.ctr = turns;
    m->s.slice_end = m->s.cycles + 100000000;
    assert_int_equal(cpu_run(m->cpu, &m->s), PPC_EXIT_FETCH);
}

static void run_both(struct machine *a, struct machine *b, uint32_t number, uint32_t turns)
{
    run_function(a, number, turns);
    run_function(b, number, turns);
    assert_true(same(&a->s, &b->s));
}

// Whenever the thread has done some more, a function is another one: what is compiled for it just then is not right any more.
static void runs_and_changes(void **state)
{
    (void)state;
    struct machine plain, other;
    struct cpu_stats stats;
    struct timespec begun;
    assert_true(open_machine(&plain, CPU_INTERPRETER));
    if (!open_machine(&other, CPU_AUTO)) {
        close_machine(&other);
        close_machine(&plain);
        skip();
    }
    run_both(&plain, &other, 0, PATIENCE / 3);
    cpu_stats(other.cpu, &stats);
    assert_int_equal(stats.units, 0); // until now
    clock_gettime(CLOCK_MONOTONIC, &begun);
    uint32_t changes = 0, quiet = 0; // rounds without a change
    do {
        for (uint32_t i = 0; i < FUNCTIONS; i++)
            run_both(&plain, &other, i, 100);
        cpu_stats(other.cpu, &stats);
        if (stats.units / 3 > changes || ++quiet == 100) { // all may be compiled and stay as they are
            put_function(&plain, changes % FUNCTIONS, 100 + changes);
            put_function(&other, changes % FUNCTIONS, 100 + changes);
            changes++;
            quiet = 0;
        }
    } while ((stats.units < 4 * FUNCTIONS || stats.replaced < FUNCTIONS) && !is_time_over(&begun));
    assert_string_equal(stats.problem, "");
    assert_true(stats.units >= 4 * FUNCTIONS && stats.replaced >= FUNCTIONS);
    close_machine(&other);
    close_machine(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_come_back),
        cmocka_unit_test(ends_at_any_time),
        cmocka_unit_test(without_the_shared_object),
        cmocka_unit_test(runs_and_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
