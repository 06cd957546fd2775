// ahead.c: a whole title compiled into the cache.
//
// First one thread finds all units, as running would: from each start to what it leads to, until nothing new turns up. Then
// threads compile them, each with a context of LLVM of its own. What is found does not depend on how many there are.
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "cpu/cache.h"
#include "cpu/description.h"
#include "cpu/engine.h"
#include "cpu/library.h"

// What is known of an instruction.
enum { START = 1, LISTED = 2, COVERED = 4 };
#define MARK_BYTES ((size_t)1 << 30)

struct ahead {
    const struct cpu_ahead *request;
    struct mem *mem;
    struct cache *cache;
    struct library *library;
    enum rc_tier tier;
    uint8_t *marks; // by guest address / 4
    uint32_t *list; // starts, still to be planned
    size_t list_count, list_capacity, planned;
    bool filling; // gaps: what is covered already is not translated once more
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

static bool grow(void *array, size_t *capacity, size_t count, size_t size)
{
    void **p = array;
    if (count < *capacity)
        return true;
    size_t bigger = *capacity ? 2 * *capacity : 4096;
    void *q = realloc(*p, bigger * size);
    if (!q)
        return false;
    *p = q;
    *capacity = bigger;
    return true;
}

// ---- Finding

static bool in_code(const struct ahead *a, uint32_t pc)
{
    for (size_t i = 0; i < a->request->code_count; i++)
        if (pc - a->request->code[i].base < a->request->code[i].size)
            return true;
    return false;
}

static bool add(struct ahead *a, uint32_t pc)
{
    if (pc & 3 || a->marks[pc / 4] & LISTED || !in_code(a, pc) || (a->filling && a->marks[pc / 4] & COVERED))
        return true;
    if (!grow(&a->list, &a->list_capacity, a->list_count, sizeof *a->list))
        return false;
    a->marks[pc / 4] |= LISTED | START;
    a->list[a->list_count++] = pc;
    return true;
}

static bool is_start(void *user, uint32_t pc)
{
    const struct ahead *a = user;
    return a->marks[pc / 4] & (a->filling ? START | COVERED : START);
}

static bool has_insn(const struct rc_plan *p, uint32_t pc)
{
    uint32_t low = 0, high = p->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (p->insns[middle].pc < pc)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->count && p->insns[low].pc == pc;
}

// Whether the instruction can be followed by the next one.
static bool goes_on(const struct rc_insn *n)
{
    if (n->flags & RC_UNKNOWN)
        return false;
    enum ppc_kind kind = ppc_opcodes[n->opcode].kind;
    bool always = n->word >> 26 == 18 || (n->word >> 21 & 20) == 20;
    return (kind != PPC_BRANCH && kind != PPC_INDIRECT) || !always || n->word & 1;
}

static bool add_exits(struct ahead *a, const struct rc_plan *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        const struct rc_insn *n = &p->insns[i];
        a->marks[n->pc / 4] |= COVERED;
        if (n->flags & RC_UNKNOWN)
            continue;
        if (goes_on(n) && !has_insn(p, n->pc + 4) && !add(a, n->pc + 4))
            return false;
        if (ppc_opcodes[n->opcode].kind != PPC_BRANCH)
            continue;
        uint32_t target = ppc_branch_target(n->word, n->pc);
        if (n->word & 1 || !has_insn(p, target))
            if (!add(a, target))
                return false;
    }
    return true;
}

static bool find(struct ahead *a)
{
    uint32_t most = a->tier == RC_QUICK ? COMPILED_MOST_QUICK : COMPILED_MOST_OPTIMISED;
    for (; a->planned < a->list_count; a->planned++) {
        struct rc_plan plan;
        if (!plan_make(a->mem, a->list[a->planned], is_start, a, most, &plan))
            continue;
        if (!grow(&a->plans, &a->plan_capacity, a->plan_count, sizeof *a->plans)) {
            plan_free(&plan);
            return false;
        }
        a->plans[a->plan_count++] = plan;
        a->total += plan.count;
        if (!add_exits(a, &plan))
            return false;
    }
    return true;
}

// Calls in all code, before anything is planned: a plan ends where another function starts.
static bool add_callees(struct ahead *a)
{
    enum { PRIMARY_B = 18, LINK = 1, ABSOLUTE = 2 };
    for (size_t i = 0; i < a->request->code_count; i++) {
        const struct cpu_code_range *r = &a->request->code[i];
        for (uint32_t at = 0, word; at + 4 <= r->size; at += 4)
            if (mem_get32(a->mem, r->base + at, &word) && word >> 26 == PRIMARY_B && (word & (LINK | ABSOLUTE)) == LINK &&
                !add(a, ppc_branch_target(word, r->base + at)))
                return false;
    }
    return true;
}

// Compiles what starts at `pc` too, if nothing has led there and it looks like code.
static bool try(struct ahead *a, uint32_t pc)
{
    uint32_t word;
    if (pc & 3 || a->marks[pc / 4] & (COVERED | LISTED) || !mem_get32(a->mem, pc, &word) || ppc_decode(word) == PPC_OP_INVALID)
        return true;
    return add(a, pc) && find(a);
}

static bool find_all(struct ahead *a)
{
    const struct cpu_ahead *r = a->request;
    for (size_t i = 0; i < r->start_count; i++)
        if (!add(a, r->starts[i]))
            return false;
    if (!add_callees(a) || !find(a))
        return false;
    for (size_t i = 0; i < r->perhaps_count; i++)
        if (!try(a, r->perhaps[i]))
            return false;
    a->filling = true;
    for (size_t i = 0; i < r->code_count; i++) // what is left: reached by computed jumps, or by nobody
        for (uint32_t at = 0; at + 4 <= r->code[i].size; at += 4)
            if (!try(a, r->code[i].base + at))
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
        sum->code_bytes += code.size;
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

static void count_covered(struct ahead *a)
{
    for (size_t i = 0; i < a->request->code_count; i++) {
        const struct cpu_code_range *r = &a->request->code[i];
        for (uint32_t at = 0; at < r->size; at += 4)
            a->result->covered += (a->marks[(r->base + at) / 4] & COVERED) != 0;
    }
}

bool cpu_compile_ahead(struct cpu *cpu, const struct cpu_ahead *request, struct cpu_ahead_result *out, struct error *err)
{
    *out = (struct cpu_ahead_result){0};
    if (!cpu->compiled || !compiled_cache(cpu->compiled))
        return error_set(err, ERR_STATE, "there is no cache that compiled code could go to");
    struct ahead a = {.request = request, .mem = cpu->mem, .cache = compiled_cache(cpu->compiled), .library = compiled_library(cpu->compiled),
                      .tier = request->tier == CPU_QUICK ? RC_QUICK : RC_OPTIMISED, .result = out, .err = err};
    double start = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (!library_open(a.library, err))
        return false;
    pthread_mutex_init(&a.lock, NULL);
    a.marks = mmap(NULL, MARK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool ok = a.marks != MAP_FAILED && find_all(&a);
    if (!ok)
        error_set(err, ERR_MEMORY, "no memory for the title's functions");
    ok = ok && compile_all(&a);
    if (a.marks != MAP_FAILED) {
        count_covered(&a);
        munmap(a.marks, MARK_BYTES);
    }
    for (size_t i = 0; i < a.plan_count; i++)
        plan_free(&a.plans[i]);
    free(a.plans);
    free(a.list);
    pthread_mutex_destroy(&a.lock);
    out->cpu_seconds = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
    return ok;
}
