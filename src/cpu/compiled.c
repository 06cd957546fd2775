// compiled.c: the recompiler's door from this side, and the store of its code.
//
// Code lies in one region seen twice: written through one view, executed through the other. A unit's entries stand in the
// interpreter's cells, so that the interpreter runs into compiled code wherever it gets to one, and its first also in the
// table of targets, where compiled code finds those that it calls.
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cpu/engine.h"
#include "ppc/fp_status.h"
#include "ppc/semantics/memory.h"

#define CODE_BYTES ((size_t)1 << 30)
#define HEAT_BYTES ((size_t)1 << 30)
enum { PAGE_SHIFT = 12, PAGES = 1 << (32 - PAGE_SHIFT), CODE_ALIGNMENT = 64, STACK_MOST = 4 << 20,
    HOT = 200 // jumps to an address before CPU_AUTO compiles it; below 255
};

typedef uint32_t unit_function(uint8_t *s, uint8_t *m, uint32_t entry);

struct entry {
    unit_function *code;
    uint32_t number, pc, unit;
};

struct unit {
    uint32_t first_entry, entry_count; // none: gone
    uint32_t low, high;                // first and last instruction
};

// A unit that has code in a page.
struct page_link {
    uint32_t unit, next; // next + 1; 0: the end
};

struct compiled {
    void *library;
    const struct rc_api *api;
    struct rc *rc;
    enum rc_tier tier;
    int code_fd;
    uint8_t *code_write, *code_run;
    size_t code_used;
    rc_function **targets; // by guest address / 4
    uint8_t *heat;
    struct entry *entries;
    uint32_t entry_count, entry_capacity;
    struct unit *units;
    uint32_t unit_count, unit_capacity;
    uint32_t *pages; // first link + 1 of each guest page
    struct page_link *links;
    uint32_t link_count, link_capacity;
    struct cpu_stats stats;
};

static rc_function *const externals[RC_EXTERNAL_COUNT] = {
#define EXTERNAL(name) (rc_function *)name,
#include "cpu/recompiler/externals.def"
#undef EXTERNAL
};

// ---- Opening the shared object: beside the program, where the build puts it, or where it is installed.
static const char *const places[] = {"", "../cpu/recompiler/", "../src/cpu/recompiler/", "../../src/cpu/recompiler/", "../lib/xenolith/"};

static bool open_library(struct compiled *c, struct error *err)
{
    char folder[PATH_MAX], path[2 * PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (length < 0)
        return error_set(err, ERR_NOT_FOUND, "cannot find the program's own folder");
    while (length && folder[length - 1] != '/')
        length--;
    folder[length] = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places && !c->library; i++) {
        snprintf(path, sizeof path, "%s%slibxenolith-recompiler.so", folder, places[i]);
        if (!access(path, R_OK))
            c->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    if (!c->library) {
        const char *why = dlerror();
        return error_set(err, ERR_NOT_FOUND, "cannot open libxenolith-recompiler.so: %s", why ? why : "not found beside the program");
    }
    const struct rc_api *(*door)(void);
    *(void **)&door = dlsym(c->library, "xenolith_recompiler");
    if (!door)
        return error_set(err, ERR_FORMAT, "libxenolith-recompiler.so is not of this program");
    c->api = door();
    return true;
}

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
    if (c->rc)
        c->api->destroy(c->rc);
    unmap(c->targets, MIRROR_BYTES);
    unmap(c->heat, HEAT_BYTES);
    unmap(c->pages, PAGES * sizeof *c->pages);
    unmap(c->code_write, CODE_BYTES);
    unmap(c->code_run, CODE_BYTES);
    if (c->code_fd >= 0)
        close(c->code_fd);
    free(c->entries);
    free(c->units);
    free(c->links);
    free(c); // the library stays open: LLVM does not like to leave
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
    if (!open_library(c, err) || !make_store(c, err) || !c->api->create(&c->rc, err)) {
        compiled_destroy(c);
        return false;
    }
    cpu->compiled = c;
    struct engine_page *page = engine_page(cpu->memory);
    page->heat = c->heat;
    page->threshold = tier == CPU_AUTO ? HOT : 1;
    page->environment = (struct rc_environment){0, cpu_handlers, externals, c->targets};
    return true;
}

void cpu_stats(const struct cpu *cpu, struct cpu_stats *out)
{
    *out = cpu->compiled ? cpu->compiled->stats : (struct cpu_stats){0};
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

// The unit's code can be found from now on.
static bool install(struct cpu *cpu, const struct rc_plan *p, unit_function *code)
{
    struct compiled *c = cpu->compiled;
    if (!grow(&c->units, &c->unit_capacity, c->unit_count, sizeof *c->units))
        return false;
    uint32_t number = c->unit_count;
    uint32_t low = p->insns[0].pc, high = p->insns[p->count - 1].pc;
    for (uint32_t page = low >> PAGE_SHIFT; page <= high >> PAGE_SHIFT; page++)
        if (!link_page(c, page, number))
            return false;
    c->units[c->unit_count++] = (struct unit){c->entry_count, 0, low, high};
    for (uint32_t i = 0; i < p->entry_count; i++) {
        if (!grow(&c->entries, &c->entry_capacity, c->entry_count, sizeof *c->entries))
            return i > 0;
        c->entries[c->entry_count] = (struct entry){code, i, p->entries[i], number};
        // Where several units can be entered at one place, the one that starts there is the best.
        if (i == 0 || !c->targets[p->entries[i] / 4])
            cpu_set_entry(cpu, p->entries[i], c->entry_count);
        c->entry_count++;
        c->units[number].entry_count++;
    }
    c->targets[p->entries[0] / 4] = (rc_function *)code;
    return true;
}

static bool is_entry(void *user, uint32_t pc)
{
    const struct cpu *cpu = user;
    return cpu_has_entry(cpu, pc);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool store_code(struct cpu *cpu, const struct rc_plan *p, const struct rc_code *code)
{
    struct compiled *c = cpu->compiled;
    if (code->size > CODE_BYTES - c->code_used)
        return false;
    memcpy(c->code_write + c->code_used, code->bytes, code->size);
    uint8_t *run = c->code_run + c->code_used;
    c->code_used = (c->code_used + code->size + CODE_ALIGNMENT - 1) & ~(size_t)(CODE_ALIGNMENT - 1);
    unit_function *function;
    *(void **)&function = run + code->offsets[0];
    return install(cpu, p, function);
}

// The optimised tier's time grows faster than its units.
static const uint32_t most_insns[] = {[RC_QUICK] = 2000, [RC_OPTIMISED] = 500};

static bool compile(struct cpu *cpu, uint32_t pc)
{
    struct compiled *c = cpu->compiled;
    struct rc_plan plan;
    struct rc_code code;
    struct error err = {0};
    if (!plan_make(cpu->mem, pc, is_entry, cpu, most_insns[c->tier], &plan))
        return false;
    bool ok = c->api->compile(c->rc, &plan, 1, c->tier, &code, &err);
    if (ok) {
        ok = store_code(cpu, &plan, &code);
        c->stats.instructions += code.instructions;
        c->stats.code_bytes += code.size;
        c->api->free_code(&code);
    }
    plan_free(&plan);
    return ok;
}

void compiled_make(struct cpu *cpu, uint32_t pc)
{
    struct compiled *c = cpu->compiled;
    double start = now();
    pc &= ~3u;
    c->heat[pc / 4] = UINT8_MAX;
    if (compile(cpu, pc))
        c->stats.units++;
    else
        c->stats.failed++;
    c->stats.seconds += now() - start;
}

static void drop(struct cpu *cpu, uint32_t number)
{
    struct compiled *c = cpu->compiled;
    struct unit *u = &c->units[number];
    for (uint32_t i = 0; i < u->entry_count; i++) {
        struct entry *e = &c->entries[u->first_entry + i];
        if (c->targets[e->pc / 4] == (rc_function *)e->code)
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

uint32_t compiled_run(struct cpu *cpu, struct ppc_state *s, uint32_t entry)
{
    const struct entry *e = &cpu->compiled->entries[entry];
    struct engine_page *page = engine_page(cpu->memory);
    s->cycles = ppc_now(s) - s->pc / 4;
    s->block_pc = 0;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    page->environment.stack_limit = here - STACK_MOST;
    return e->code((uint8_t *)s + RC_STATE_BIAS, cpu->memory, e->number);
}
