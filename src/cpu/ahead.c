// ahead.c: a whole title compiled into the cache.
//
// First one thread makes the plans of all functions, as running would. Then threads compile them, each with a context of LLVM of
// its own. What is found does not depend on how many there are.
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "cpu/cache.h"
#include "cpu/description.h"
#include "cpu/engine.h"
#include "cpu/library.h"

struct ahead {
    const struct cpu_ahead *request;
    const struct cpu *cpu;
    struct cache *cache;
    struct library *library;
    enum rc_tier tier;
    struct rc_plan *plans;
    size_t plan_count, plan_capacity;
    uint64_t total;
    // Threads.
    pthread_mutex_t lock;
    atomic_size_t next;
    _Atomic uint64_t done;
    atomic_uint running;
    struct cpu_ahead_result *result;
    struct error *err;
    bool failed;
};

static bool grow(struct ahead *a)
{
    if (a->plan_count < a->plan_capacity)
        return true;
    size_t bigger = a->plan_capacity ? 2 * a->plan_capacity : 4096;
    struct rc_plan *plans = realloc(a->plans, bigger * sizeof *plans);
    if (!plans)
        return false;
    a->plans = plans;
    a->plan_capacity = bigger;
    return true;
}

// ---- Finding

// Behind a known function there is always another way in: nobody asks.
static bool never(void *user, uint32_t pc)
{
    (void)user;
    (void)pc;
    return false;
}

static bool find(struct ahead *a, const struct cpu_code_range *function)
{
    struct cpu_code_range unit;
    for (uint32_t at = function->base; at - function->base < function->size; at = unit.base + unit.size) {
        if (!grow(a) || !plan_bounds(&a->cpu->functions, a->cpu->mem, at, COMPILED_MOST, &unit))
            return false;
        if (!unit.size || !plan_make(&a->cpu->functions, a->cpu->mem, at, never, NULL, COMPILED_MOST, &a->plans[a->plan_count]))
            continue; // data
        a->total += a->plans[a->plan_count++].count;
    }
    return true;
}

static bool find_all(struct ahead *a)
{
    struct cpu_code_range function;
    for (uint32_t i = 0; functions_at(&a->cpu->functions, i, &function); i++)
        if (!find(a, &function))
            return false;
    return true;
}

// ---- Compiling

static double cpu_seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void compile(struct ahead *a, struct rc *rc, const struct rc_plan *p, struct cpu_ahead_result *sum)
{
    struct rc_code code;
    struct error err = {0};
    struct cache_unit u;
    if (!description_make(p, a->tier, &u))
        return;
    if (cache_has(a->cache, &u)) {
        sum->present++;
        sum->present_instructions += p->count;
    } else if (a->library->api->compile(rc, p, 1, a->tier, &code, &err)) {
        cache_keep(a->cache, p, a->tier, &code);
        sum->units++;
        sum->instructions += code.instructions;
        sum->code_bytes += code.size - code.table_bytes;
        sum->table_bytes += code.table_bytes;
        a->library->api->free_code(&code);
    } else {
        cache_keep(a->cache, p, a->tier, NULL);
        sum->failed++;
    }
    description_free(&u);
}

static void *work(void *user)
{
    struct ahead *a = user;
    struct rc *rc = NULL;
    struct error err = {0};
    struct cpu_ahead_result sum = {0};
    bool ok = a->library->api->create(&rc, &err);
    for (size_t i; ok && (i = atomic_fetch_add(&a->next, 1)) < a->plan_count;) {
        compile(a, rc, &a->plans[i], &sum);
        atomic_fetch_add(&a->done, a->plans[i].count);
    }
    if (rc)
        a->library->api->destroy(rc);
    pthread_mutex_lock(&a->lock);
    if (!ok && !a->failed) {
        a->failed = true;
        if (a->err)
            *a->err = err;
    }
    a->result->units += sum.units;
    a->result->instructions += sum.instructions;
    a->result->code_bytes += sum.code_bytes;
    a->result->table_bytes += sum.table_bytes;
    a->result->present += sum.present;
    a->result->present_instructions += sum.present_instructions;
    a->result->failed += sum.failed;
    pthread_mutex_unlock(&a->lock);
    atomic_fetch_sub(&a->running, 1);
    return NULL;
}

static bool compile_all(struct ahead *a)
{
    enum { MOST = 256 };
    pthread_t threads[MOST];
    unsigned count = 0, jobs = a->request->jobs < 1 ? 1 : a->request->jobs > MOST ? MOST : a->request->jobs;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 8 << 20);
    while (count < jobs) {
        atomic_fetch_add(&a->running, 1);
        if (pthread_create(&threads[count], &attributes, work, a)) {
            atomic_fetch_sub(&a->running, 1);
            break;
        }
        count++;
    }
    pthread_attr_destroy(&attributes);
    while (a->request->progress && atomic_load(&a->running)) {
        a->request->progress(a->request->user, atomic_load(&a->done), a->total);
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    if (a->request->progress)
        a->request->progress(a->request->user, atomic_load(&a->done), a->total);
    if (!count)
        return error_set(a->err, ERR_STATE, "no thread can be started");
    return !a->failed;
}

bool cpu_compile_ahead(struct cpu *cpu, const struct cpu_ahead *request, struct cpu_ahead_result *out, struct error *err)
{
    *out = (struct cpu_ahead_result){0};
    if (!cpu->compiled || !compiled_cache(cpu->compiled))
        return error_set(err, ERR_STATE, "there is no cache that compiled code could go to");
    struct ahead a = {.request = request, .cpu = cpu, .cache = compiled_cache(cpu->compiled), .library = compiled_library(cpu->compiled),
                      .tier = request->tier == CPU_QUICK ? RC_QUICK : RC_OPTIMISED, .result = out, .err = err};
    double start = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (!library_open(a.library, err))
        return false;
    pthread_mutex_init(&a.lock, NULL);
    bool ok = find_all(&a);
    if (!ok)
        error_set(err, ERR_MEMORY, "no memory for the title's functions");
    ok = ok && compile_all(&a);
    out->covered = a.total;
    for (size_t i = 0; i < a.plan_count; i++)
        plan_free(&a.plans[i]);
    free(a.plans);
    pthread_mutex_destroy(&a.lock);
    out->cpu_seconds = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
    return ok;
}
