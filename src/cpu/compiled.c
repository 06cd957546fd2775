// compiled.c: the recompiler's door from this side, and the store of its code.
//
// Code lies in one region seen twice: written through one view, executed through the other. A unit's entries stand in the
// interpreter's cells, so that the interpreter runs into compiled code wherever it gets to one, and its first also in the
// table of targets, where compiled code finds those that it calls.
//
// Where code comes from: the cache on disk, else the shared object, which is opened only then. CPU_AUTO looks in the cache when
// code is warm; what is hot and not there a thread compiles. Units are exchanged between two runs,
// where no compiled code is on the host's stack; which run it is changes nothing for the guest.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <asm/prctl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "cpu/background.h"
#include "cpu/cache.h"
#include "cpu/description.h"
#include "cpu/engine.h"
#include "cpu/library.h"
#include "cpu/locate.h"
#include "cpu/services.h"
#include "ppc/fp_status.h"
#include "ppc/semantics/memory.h"

#define CODE_BYTES ((size_t)1 << 30)
#define HEAT_BYTES ((size_t)1 << 30)
enum {
    PAGE_SHIFT = 12,
    PAGES = 1 << (32 - PAGE_SHIFT),
    CODE_ALIGNMENT = 64,
    STACK_MOST = 4 << 20,
    FIRST = 1,     // jumps to an address before the compiling tiers look for it in the cache, and compile it
    WARM = 100,    // before CPU_AUTO looks for it in the cache: what runs once is sooner interpreted than loaded
    HOT = 200,     // before CPU_AUTO compiles it; below 255
    NEVER = 255,   // is not counted any more
    DOOR_BYTES = 16,
    AHEAD = 2,     // units that may wait for CPU_AUTO's thread
    PATIENCE = 1 << 24, // instructions before CPU_AUTO opens LLVM, which takes as long as they do: a first frame is sooner there
};

struct entry {
    rc_function *code;   // its unit
    rc_function *called; // what the table of targets has for it; NULL: nothing
    uint32_t number, pc, unit;
};

struct unit {
    uint32_t first_entry, entry_count; // none: gone
    uint32_t low, high;                // first and last instruction
    uint32_t samples;                  // runs that began in it
    bool optimised;
    bool improvable;                   // CPU_AUTO: a quick one that is to be optimised
};

// A unit that has code in a page.
struct page_link {
    uint32_t unit, next; // next + 1; 0: the end
};

struct compiled {
    struct library library;
    struct rc *rc;
    struct cache *cache;
    struct background *background; // CPU_AUTO
    enum rc_tier tier;
    bool automatic, broken;
    bool lent; // the cache is another cpu's
    uint32_t *hot; // CPU_AUTO: what is to be compiled, from hot_first on
    uint32_t hot_first, hot_count, hot_capacity;
    uint64_t ran; // instructions
    char problem[256];
    int code_fd;
    uint8_t *code_write, *code_run;
    size_t code_used;
    struct locate places; // of all pieces in code_run
    rc_function **targets; // by guest address / 4
    uint8_t *heat;
    struct entry *entries;
    uint32_t entry_count, entry_capacity;
    struct unit *units;
    uint32_t unit_count, unit_capacity;
    uint32_t improvable_count;
    uint32_t *pages; // first link + 1 of each guest page
    struct page_link *links;
    uint32_t link_count, link_capacity;
    struct cpu_stats stats;
    cpu_code_function *on_code; // NULL: nobody listens
    void *on_code_user;
};

static rc_function *const externals[RC_EXTERNAL_COUNT] = {
#define EXTERNAL(name) (rc_function *)name,
#include "cpu/recompiler/externals.def"
#undef EXTERNAL
};

// ---- Making and unmaking the store

static void *reserve_bytes(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static bool map_code(struct compiled *c)
{
    c->code_fd = memfd_create("xenolith-code", MFD_CLOEXEC);
    if (c->code_fd < 0 || ftruncate(c->code_fd, (off_t)CODE_BYTES))
        return false;
    void *w = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, c->code_fd, 0);
    void *x = mmap(NULL, CODE_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_NORESERVE, c->code_fd, 0);
    c->code_write = w == MAP_FAILED ? NULL : w;
    c->code_run = x == MAP_FAILED ? NULL : x;
    return c->code_write && c->code_run;
}

static bool make_store(struct compiled *c, struct error *err)
{
    c->targets = reserve_bytes(MIRROR_BYTES);
    c->heat = reserve_bytes(HEAT_BYTES);
    c->pages = reserve_bytes(PAGES * sizeof *c->pages);
    if (!c->targets || !c->heat || !c->pages || !map_code(c))
        return error_set(err, ERR_MEMORY, "cannot reserve address space for compiled code");
    return true;
}

static void unmap(void *p, size_t size)
{
    if (p)
        munmap(p, size);
}

void compiled_destroy(struct compiled *c)
{
    if (!c)
        return;
    background_destroy(c->background);
    if (c->rc)
        c->library.api->destroy(c->rc);
    if (!c->lent)
        cache_close(c->cache);
    unmap(c->targets, MIRROR_BYTES);
    unmap(c->heat, HEAT_BYTES);
    unmap(c->pages, PAGES * sizeof *c->pages);
    unmap(c->code_write, CODE_BYTES);
    unmap(c->code_run, CODE_BYTES);
    if (c->code_fd >= 0)
        close(c->code_fd);
    locate_free(&c->places);
    free(c->hot);
    free(c->entries);
    free(c->units);
    free(c->links);
    free(c);
}

// What depends on whether there is a cache.
static bool use_cache(struct cpu *cpu, struct error *err)
{
    struct compiled *c = cpu->compiled;
    struct engine_page *page = engine_page(cpu->memory);
    bool looks = c->automatic && c->cache && !cache_is_empty(c->cache);
    page->threshold = !c->automatic ? FIRST : looks ? WARM : HOT;
    page->second = looks ? HOT : 0;
    background_destroy(c->background);
    c->background = NULL;
    return !c->automatic || background_create(&c->background, &c->library, c->cache, err);
}

// Takes `c`, whose tier and library are chosen.
static bool use(struct cpu *cpu, struct compiled *c, struct error *err)
{
    if (!make_store(c, err)) {
        compiled_destroy(c);
        return false;
    }
    cpu->compiled = c;
    struct engine_page *page = engine_page(cpu->memory);
    page->heat = c->heat;
    page->environment = (struct rc_environment){0, cpu_handlers, externals, c->targets, services_call, services_jump, services_enter_quick,
                                                services_quick_call, services_quick_jump, services_quick_return};
    return use_cache(cpu, err);
}

bool cpu_set_tier(struct cpu *cpu, enum cpu_tier tier, struct error *err)
{
    if (tier == CPU_INTERPRETER)
        return true;
    struct compiled *c = calloc(1, sizeof *c);
    if (!c)
        return error_set(err, ERR_MEMORY, "no memory for compiled code");
    c->code_fd = -1;
    c->tier = tier == CPU_QUICK ? RC_QUICK : RC_OPTIMISED;
    c->automatic = tier == CPU_AUTO;
    if (library_find(&c->library, err))
        return use(cpu, c, err);
    compiled_destroy(c);
    return false;
}

bool cpu_set_cache(struct cpu *cpu, const struct cpu_cache_config *config, struct error *err)
{
    struct compiled *c = cpu->compiled;
    if (!c || !config->folder)
        return true;
    return cache_open(&c->cache, config, c->library.version, err) && use_cache(cpu, err);
}

bool cpu_repeat(struct cpu *cpu, const struct cpu *other, struct error *err)
{
    const struct compiled *o = other->compiled;
    cpu->last_run = other->runs;
    if (!o)
        return true;
    struct compiled *c = calloc(1, sizeof *c);
    if (!c)
        return error_set(err, ERR_MEMORY, "no memory for compiled code");
    *c = (struct compiled){.code_fd = -1, .tier = o->tier, .automatic = o->automatic, .cache = o->cache, .lent = true, .library.version = o->library.version};
    memcpy(c->library.folder, o->library.folder, sizeof c->library.folder);
    memcpy(c->library.path, o->library.path, sizeof c->library.path);
    return use(cpu, c, err);
}

void compiled_end(struct cpu *cpu)
{
    if (!cpu->compiled)
        return;
    compiled_forget(cpu, 0, (uint64_t)1 << 32);
    engine_page(cpu->memory)->heat = NULL;
    compiled_destroy(cpu->compiled);
    cpu->compiled = NULL;
}

const char *cpu_library_folder(const struct cpu *cpu)
{
    return cpu->compiled ? cpu->compiled->library.folder : "";
}

bool cpu_open_recompiler(struct cpu *cpu, struct error *err)
{
    struct compiled *c = cpu->compiled;
    if (!c || c->rc || c->automatic)
        return true;
    return library_open(&c->library, err) && c->library.api->create(&c->rc, err);
}

struct library *compiled_library(struct compiled *c)
{
    return &c->library;
}

struct cache *compiled_cache(struct compiled *c)
{
    return c->cache;
}

void cpu_on_code(struct cpu *cpu, cpu_code_function *f, void *user)
{
    if (!cpu->compiled)
        return;
    cpu->compiled->on_code = f;
    cpu->compiled->on_code_user = user;
}

void cpu_stats(const struct cpu *cpu, struct cpu_stats *out)
{
    struct compiled *c = cpu->compiled;
    *out = c ? c->stats : (struct cpu_stats){0};
    if (!c)
        return;
    if (c->cache) {
        cache_stats(c->cache, &out->cache);
        out->cache.misses = c->stats.cache.misses;
    }
    const char *problem = c->background ? background_problem(c->background) : NULL;
    snprintf(out->problem, sizeof out->problem, "%.255s", problem ? problem : c->problem);
}

// ---- Units

static bool grow(void *array, uint32_t *capacity, uint32_t count, size_t size)
{
    void **p = array;
    if (count < *capacity)
        return true;
    uint32_t bigger = *capacity ? 2 * *capacity : 256;
    void *q = realloc(*p, bigger * size);
    if (!q)
        return false;
    *p = q;
    *capacity = bigger;
    return true;
}

static bool link_page(struct compiled *c, uint32_t page, uint32_t unit)
{
    if (!grow(&c->links, &c->link_capacity, c->link_count, sizeof *c->links))
        return false;
    c->links[c->link_count] = (struct page_link){unit, c->pages[page]};
    c->pages[page] = ++c->link_count;
    return true;
}

static bool link_pages(struct compiled *c, const struct cache_unit *u, uint32_t number)
{
    uint32_t last = UINT32_MAX;
    for (uint32_t i = 0; i < u->range_count; i++) {
        const struct cache_range *r = &u->ranges[i];
        uint32_t from = r->pc >> PAGE_SHIFT, to = (r->pc + 4 * (r->count - 1)) >> PAGE_SHIFT;
        for (uint32_t page = from; page <= to; page++)
            if (page != last && !link_page(c, last = page, number))
                return false;
    }
    return true;
}

static bool watch(struct mem *m, const struct cache_unit *u)
{
    for (uint32_t i = 0; i < u->range_count; i++) {
        const struct cache_range *r = &u->ranges[i];
        for (uint32_t page = r->pc >> PAGE_SHIFT; page <= (r->pc + 4 * (r->count - 1)) >> PAGE_SHIFT; page++)
            if (!mem_watch(m, page << PAGE_SHIFT))
                return false;
    }
    return true;
}

// Whether the new unit is entered at `pc` instead of what is there: where functions are known it is the only one or a better one.
// Elsewhere units overlap, and the one that starts there is the best.
static bool takes_entry(const struct cpu *cpu, uint32_t pc, uint32_t number)
{
    struct cpu_code_range function;
    return number == 0 || !cpu->compiled->targets[pc / 4] || functions_find(&cpu->functions, pc, &function);
}

static bool add_entry(struct cpu *cpu, const struct cache_unit *u, rc_function *code, uint32_t number, rc_function *called)
{
    struct compiled *c = cpu->compiled;
    uint32_t pc = u->entries[number] & ~3u;
    if (!grow(&c->entries, &c->entry_capacity, c->entry_count, sizeof *c->entries))
        return false;
    c->entries[c->entry_count] = (struct entry){code, called, number, pc, c->unit_count - 1};
    if (takes_entry(cpu, pc, number)) {
        cpu_set_entry(cpu, pc, c->entry_count);
        if (called)
            c->targets[pc / 4] = called;
    }
    c->entry_count++;
    c->units[c->unit_count - 1].entry_count++;
    return true;
}

static void put_door(uint8_t *w, size_t *at, const void *bytes, size_t count)
{
    memcpy(w + *at, bytes, count);
    *at += count;
}

// What other units call for the unit's entry. Lies at `at` in the store.
//
//     mov $number, %edx; jmp unit                                      optimised
//     mov $number, %edx; lea unit(%rip), %rax; jmp *enter_quick(%r14)  quick
static rc_function *make_door(struct compiled *c, size_t at, rc_function *code, uint32_t number, bool quick)
{
    static const uint8_t set_number[] = {0xBA}, jump[] = {0xE9}, get_code[] = {0x48, 0x8D, 0x05};
    static const uint8_t enter[] = {0x41, 0xFF, 0x66, (uint8_t)RC_ENVIRONMENT_OFFSET(enter_quick)};
    uint8_t *w = c->code_write + at, *run = c->code_run + at;
    size_t used = 0;
    put_door(w, &used, set_number, sizeof set_number);
    put_door(w, &used, &number, 4);
    put_door(w, &used, quick ? get_code : jump, quick ? sizeof get_code : sizeof jump);
    int32_t distance = (int32_t)((intptr_t)code - (intptr_t)(run + used + 4));
    put_door(w, &used, &distance, 4);
    if (quick)
        put_door(w, &used, enter, sizeof enter);
    rc_function *f;
    *(void **)&f = run;
    return f;
}

static bool has_door(const struct cache_unit *u, uint32_t entry)
{
    return entry ? u->entries[entry] & RC_CALLED : u->tier == RC_QUICK;
}

// The unit's code can be found from now on. Its doors lie at `doors` in the store.
static bool install(struct cpu *cpu, const struct cache_unit *u, rc_function *code, size_t doors)
{
    struct compiled *c = cpu->compiled;
    if (!grow(&c->units, &c->unit_capacity, c->unit_count, sizeof *c->units))
        return false;
    uint32_t number = c->unit_count;
    if (!watch(cpu->mem, u)) // its words can change unseen
        return false;
    const struct cache_range *end = &u->ranges[u->range_count - 1];
    if (!link_pages(c, u, number))
        return false;
    c->units[c->unit_count++] = (struct unit){.first_entry = c->entry_count, .low = u->ranges[0].pc, .high = end->pc + 4 * (end->count - 1),
                                              .improvable = c->automatic && u->tier == RC_QUICK, .optimised = u->tier == RC_OPTIMISED};
    c->improvable_count += c->units[number].improvable;
    for (uint32_t i = 0; i < u->entry_count; i++) {
        rc_function *called = i ? NULL : code;
        if (has_door(u, i)) {
            called = make_door(c, doors, code, i, u->tier == RC_QUICK);
            doors += DOOR_BYTES;
        }
        if (!add_entry(cpu, u, code, i, called))
            return i > 0;
    }
    return true;
}

static bool is_entry(void *user, uint32_t pc)
{
    const struct cpu *cpu = user;
    return cpu_has_entry(cpu, pc);
}

// For a better unit in the place of one that has entries there already.
static bool is_start(void *user, uint32_t pc)
{
    const struct cpu *cpu = user;
    return cpu->compiled->targets[pc / 4] != NULL;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// The unit's code stands at the store's end already.
static bool take_code(struct cpu *cpu, const struct cache_unit *u)
{
    struct compiled *c = cpu->compiled;
    uint8_t *run = c->code_run + c->code_used;
    size_t doors = c->code_used + u->code_bytes, bytes = u->code_bytes;
    for (uint32_t i = 0; i < u->entry_count; i++)
        bytes += has_door(u, i) ? DOOR_BYTES : 0;
    if (bytes > CODE_BYTES - c->code_used || !locate_add(&c->places, run, u->code_bytes))
        return false;
    c->code_used = (c->code_used + bytes + CODE_ALIGNMENT - 1) & ~(size_t)(CODE_ALIGNMENT - 1);
    rc_function *function;
    *(void **)&function = run + u->code_offset;
    if (c->on_code)
        c->on_code(c->on_code_user, run, bytes, u->pc, u->tier == RC_QUICK ? CPU_QUICK : CPU_OPTIMISED);
    return install(cpu, u, function, doors);
}

static bool store_code(struct cpu *cpu, const struct rc_plan *p, const struct rc_code *code, enum rc_tier tier)
{
    struct compiled *c = cpu->compiled;
    struct cache_unit u;
    if (code->size > CODE_BYTES - c->code_used || !description_make(p, tier, &u))
        return false;
    // A plan made some time ago may be of code that has gone.
    bool ok = description_holds(cpu->mem, &u);
    if (ok) {
        u.code_bytes = code->size;
        u.code_offset = code->offsets[0];
        memcpy(c->code_write + c->code_used, code->bytes, code->size);
        ok = take_code(cpu, &u);
    }
    description_free(&u);
    return ok;
}

// ---- Where code comes from

enum answer { ABSENT, INSTALLED, HOPELESS };

static bool holds(void *user, const struct cache_unit *u)
{
    const struct cpu *cpu = user;
    return description_holds(cpu->mem, u);
}

static enum answer from_cache(struct cpu *cpu, uint32_t pc, enum rc_tier tier)
{
    struct compiled *c = cpu->compiled;
    struct cache_unit u;
    if (!c->cache || !cache_find(c->cache, tier, pc, holds, cpu, !c->automatic, c->code_write + c->code_used, CODE_BYTES - c->code_used, &u))
        return ABSENT;
    if (!u.code_bytes || !take_code(cpu, &u))
        return HOPELESS;
    c->stats.loaded++;
    c->stats.loaded_instructions += u.instructions;
    return INSTALLED;
}

static void count(struct compiled *c, const struct rc_code *code)
{
    c->stats.units++;
    c->stats.instructions += code->instructions;
    c->stats.code_bytes += code->size - code->table_bytes;
}

static bool open_once(struct cpu *cpu)
{
    struct compiled *c = cpu->compiled;
    struct error err = {0};
    if (c->broken)
        return false;
    c->broken = !cpu_open_recompiler(cpu, &err);
    if (c->broken)
        snprintf(c->problem, sizeof c->problem, "%.255s", err.message);
    return !c->broken;
}

static bool compile(struct cpu *cpu, uint32_t pc)
{
    struct compiled *c = cpu->compiled;
    struct rc_plan plan;
    struct rc_code code;
    struct error err = {0};
    if (!plan_make(&cpu->functions, cpu->mem, pc, is_entry, cpu, COMPILED_MOST, &plan))
        return false;
    c->stats.cache.misses += c->cache != NULL;
    bool ok = open_once(cpu), translated = ok && c->library.api->compile(c->rc, &plan, 1, c->tier, &code, &err);
    if (ok && c->cache)
        cache_keep(c->cache, &plan, c->tier, translated ? &code : NULL);
    if (translated) {
        ok = store_code(cpu, &plan, &code, c->tier);
        if (ok)
            count(c, &code);
        c->library.api->free_code(&code);
    }
    plan_free(&plan);
    return ok && translated;
}

// All plans' code is one piece: what one call of the shared object costs is shared by many units.
static void store_all(struct cpu *cpu, const struct rc_plan *plans, uint32_t count, const struct rc_code *code)
{
    struct compiled *c = cpu->compiled;
    size_t start = c->code_used, end = start + code->size;
    if (code->size > CODE_BYTES - start)
        return;
    memcpy(c->code_write + start, code->bytes, code->size);
    if (!locate_add(&c->places, c->code_run + start, code->size))
        return;
    for (uint32_t i = 0; i < count; i++) {
        struct cache_unit u;
        rc_function *function;
        *(void **)&function = c->code_run + start + code->offsets[i];
        size_t doors = (size_t)plans[i].entry_count * DOOR_BYTES;
        if (doors > CODE_BYTES - end || !description_make(&plans[i], c->tier, &u))
            continue;
        c->stats.units += install(cpu, &u, function, end);
        end += doors;
        description_free(&u);
    }
    c->code_used = (end + CODE_ALIGNMENT - 1) & ~(size_t)(CODE_ALIGNMENT - 1);
    c->stats.instructions += code->instructions;
    c->stats.code_bytes += code->size - code->table_bytes;
}

void compiled_make_all(struct cpu *cpu, const uint32_t *pcs, uint32_t count)
{
    struct compiled *c = cpu->compiled;
    struct rc_plan *plans = calloc(count ? count : 1, sizeof *plans);
    struct rc_code code;
    struct error err = {0};
    uint32_t made = 0;
    for (uint32_t i = 0; plans && i < count; i++)
        made += plan_make(&cpu->functions, cpu->mem, pcs[i], is_entry, cpu, COMPILED_MOST, &plans[made]);
    double start = now();
    if (made && open_once(cpu) && c->library.api->compile(c->rc, plans, made, c->tier, &code, &err)) {
        store_all(cpu, plans, made, &code);
        c->library.api->free_code(&code);
    }
    c->stats.seconds += now() - start;
    for (uint32_t i = 0; i < made; i++)
        plan_free(&plans[i]);
    free(plans);
}

static void make_now(struct cpu *cpu, uint32_t pc)
{
    struct compiled *c = cpu->compiled;
    c->heat[pc / 4] = NEVER;
    if (from_cache(cpu, pc, c->tier) != ABSENT)
        return;
    double start = now();
    if (!compile(cpu, pc))
        c->stats.failed++;
    c->stats.seconds += now() - start;
}

// ---- CPU_AUTO

static void ask(struct cpu *cpu, uint32_t pc, enum rc_tier tier)
{
    struct compiled *c = cpu->compiled;
    struct background_job *job = calloc(1, sizeof *job);
    if (!job || !plan_make(&cpu->functions, cpu->mem, pc, tier == RC_QUICK ? is_entry : is_start, cpu, COMPILED_MOST, &job->plan)) {
        free(job);
        return;
    }
    job->tier = tier;
    c->stats.cache.misses += c->cache != NULL;
    background_push(c->background, job);
}

// Where the unit that `pc` lies in starts; where that is there or asked for already, the interpreter gets to the unit's next entry: false.
static bool find_unit(struct cpu *cpu, uint32_t pc, uint32_t *start)
{
    struct compiled *c = cpu->compiled;
    struct cpu_code_range unit;
    *start = plan_bounds(&cpu->functions, cpu->mem, pc, COMPILED_MOST, &unit) && unit.size ? unit.base : pc;
    if (*start == pc || c->heat[*start / 4] != NEVER)
        return true;
    c->heat[pc / 4] = NEVER;
    return false;
}

static void look_in_cache(struct cpu *cpu, uint32_t pc)
{
    uint32_t start;
    if (!find_unit(cpu, pc, &start))
        return;
    enum answer a = from_cache(cpu, start, RC_OPTIMISED);
    if (a != INSTALLED)
        a = from_cache(cpu, start, RC_QUICK);
    if (a != ABSENT)
        cpu->compiled->heat[start / 4] = NEVER;
}

// Jumped to often. What unit it belongs to is looked for when its turn comes: that takes time, and a first frame needs none of it.
static void make_later(struct compiled *c, uint32_t pc)
{
    c->heat[pc / 4] = NEVER;
    if (grow(&c->hot, &c->hot_capacity, c->hot_count, sizeof *c->hot))
        c->hot[c->hot_count++] = pc;
}

// One of those that got hot, the first first. They wait here and not with the thread, because making a plan takes time too.
static bool ask_for_hot(struct cpu *cpu)
{
    struct compiled *c = cpu->compiled;
    while (c->hot_first < c->hot_count) {
        uint32_t start, pc = c->hot[c->hot_first++];
        if (c->hot_first == c->hot_count)
            c->hot_first = c->hot_count = 0;
        if (!cpu_has_entry(cpu, pc) && find_unit(cpu, pc, &start) && !cpu_has_entry(cpu, start)) {
            c->heat[start / 4] = NEVER;
            ask(cpu, start, RC_QUICK);
            return true;
        }
    }
    return false;
}

void compiled_make(struct cpu *cpu, uint32_t pc)
{
    struct compiled *c = cpu->compiled;
    uint32_t start;
    pc &= ~3u;
    if (c->automatic && c->heat[pc / 4] >= HOT)
        make_later(c, pc);
    else if (c->automatic)
        look_in_cache(cpu, pc);
    else if (find_unit(cpu, pc, &start))
        make_now(cpu, start);
}

static void take_over(struct cpu *cpu, struct background_job *job)
{
    struct compiled *c = cpu->compiled;
    uint32_t pc = job->plan.entries[0];
    c->stats.seconds += job->seconds;
    bool better = job->tier == RC_OPTIMISED && c->targets[pc / 4];
    if (job->ok && store_code(cpu, &job->plan, &job->code, job->tier)) {
        count(c, &job->code);
        c->stats.replaced += better;
    } else {
        c->stats.failed++;
    }
    background_free_job(c->background, job);
}

static struct unit *unit_at(const struct cpu *cpu, uint32_t pc)
{
    const struct compiled *c = cpu->compiled;
    return cpu_has_entry(cpu, pc) ? &c->units[c->entries[cell_at(cpu->cells, pc)->insn].unit] : NULL;
}

// The quick unit that runs most is optimised next.
static void improve(struct cpu *cpu)
{
    struct compiled *c = cpu->compiled;
    struct unit *best = NULL;
    for (uint32_t i = 0; i < c->unit_count; i++) {
        struct unit *u = &c->units[i];
        if (u->improvable && u->entry_count && (!best || u->samples > best->samples))
            best = u;
    }
    if (!best) {
        c->improvable_count = 0;
        return;
    }
    best->improvable = false;
    c->improvable_count--;
    uint32_t pc = c->entries[best->first_entry].pc;
    if (from_cache(cpu, pc, RC_OPTIMISED) == ABSENT)
        ask(cpu, pc, RC_OPTIMISED);
}

void compiled_ran(struct cpu *cpu, uint64_t instructions)
{
    cpu->compiled->ran += instructions;
}

void compiled_poll(struct cpu *cpu, const struct ppc_state *s)
{
    struct compiled *c = cpu->compiled;
    if (!c->automatic)
        return;
    for (struct background_job *job; (job = background_take(c->background));)
        take_over(cpu, job);
    struct unit *u = c->improvable_count ? unit_at(cpu, s->pc) : NULL;
    if (u)
        u->samples++;
    if (c->ran < PATIENCE)
        return;
    if (background_waiting(c->background) < AHEAD && !ask_for_hot(cpu) && c->improvable_count)
        improve(cpu);
}

// ---- Forgetting

static void drop(struct cpu *cpu, uint32_t number)
{
    struct compiled *c = cpu->compiled;
    struct unit *u = &c->units[number];
    for (uint32_t i = 0; i < u->entry_count; i++) {
        struct entry *e = &c->entries[u->first_entry + i];
        if (e->called && c->targets[e->pc / 4] == e->called)
            c->targets[e->pc / 4] = NULL;
        cpu_clear_entry(cpu, e->pc);
        c->heat[e->pc / 4] = 0;
    }
    u->entry_count = 0;
}

static void drop_in_page(struct cpu *cpu, uint32_t page, uint32_t first, uint32_t last)
{
    struct compiled *c = cpu->compiled;
    uint32_t *link = &c->pages[page];
    while (*link) {
        struct page_link *l = &c->links[*link - 1];
        struct unit *u = &c->units[l->unit];
        if (u->entry_count && u->low <= last && u->high + 3 >= first)
            drop(cpu, l->unit);
        if (u->entry_count)
            link = &l->next;
        else
            *link = l->next;
    }
}

// Jumps there are counted anew.
static void cool(struct compiled *c, gva base, uint64_t size)
{
    enum { FEW = 1 << 16 };
    uint64_t first = base / 4, end = (base + size + 3) / 4;
    if (size > FEW) {
        madvise(c->heat + (first & ~4095ull), ((end + 4095) & ~4095ull) - (first & ~4095ull), MADV_DONTNEED);
        return;
    }
    for (uint64_t i = first; i < end; i++)
        if (c->heat[i])
            c->heat[i] = 0;
}

bool compiled_is_optimised(const struct cpu *cpu, uint32_t pc)
{
    const struct compiled *c = cpu->compiled;
    for (uint32_t link = c ? c->pages[pc >> PAGE_SHIFT] : 0; link; link = c->links[link - 1].next) {
        const struct unit *u = &c->units[c->links[link - 1].unit];
        if (u->entry_count && u->optimised && u->low <= pc && u->high >= pc)
            return true;
    }
    return false;
}

// Code that is running now was left already, or is left by the same icbi.
void compiled_forget(struct cpu *cpu, gva base, uint64_t size)
{
    struct compiled *c = cpu->compiled;
    if (!c || !size)
        return;
    uint64_t last = (uint64_t)base + size - 1;
    if (last > UINT32_MAX)
        last = UINT32_MAX;
    cool(c, base, last - base + 1);
    for (uint64_t page = base >> PAGE_SHIFT; page <= last >> PAGE_SHIFT; page++)
        if (c->pages[page])
            drop_in_page(cpu, (uint32_t)page, base, (uint32_t)last);
}

// ---- Running

void compiled_at_fault(void *user, const void *context)
{
    struct cpu *cpu = user;
    const greg_t *registers = ((const ucontext_t *)context)->uc_mcontext.gregs;
    uint32_t pc = locate_pc(&cpu->compiled->places, (uintptr_t)registers[REG_RIP]);
    if (pc == RC_NO_PLACE)
        return;
    cpu->running->pc = pc & ~3u;
    if (pc & RC_TICKS_HELD)
        cpu->running->cycles = (uint64_t)registers[REG_RCX];
}

// Where the segment GS starts, which nothing else uses (accesses.h).
static void set_segment(const void *base)
{
    enum { HAS_WRGSBASE = 2 };
    if (getauxval(AT_HWCAP2) & HAS_WRGSBASE)
        __asm__ volatile("wrgsbase %0" : : "r"(base));
    else
        syscall(SYS_arch_prctl, ARCH_SET_GS, base);
}

uint32_t compiled_run(struct cpu *cpu, struct ppc_state *s, uint32_t entry)
{
    const struct entry *e = &cpu->compiled->entries[entry];
    struct engine_page *page = engine_page(cpu->memory);
    s->cycles = ppc_now(s) - s->pc / 4;
    s->block_pc = 0;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    page->environment.stack_limit = here - STACK_MOST;
    set_segment(cpu->memory);
    bool quick = !cpu->compiled->units[e->unit].optimised;
    struct rc_next r = services_enter((uint8_t *)s + RC_STATE_BIAS, cpu->memory, e->number, s->cycles, quick ? services_enter_quick : e->code, e->code);
    if (!(r.next & RC_SLICE) || (r.next & RC_SLICE) == RC_SLICE)
        s->cycles = r.ticks;
    return r.next;
}
