// functions.c: where functions start and end: the module's unwind data, its exports, the targets of its calls.
//
// What is found does not depend on what has run: a unit compiled ahead of time and one that running finds are the same. Wrong
// bounds cost speed only, since code is translated as it stands and leaves its unit where it jumps elsewhere.
#include "cpu/functions.h"

#include <stdlib.h>
#include <string.h>

enum {
    START = 1,   // of a function
    KNOWN = 2,   // the unwind data says to which function the word belongs
    ENTERED = 4, // from elsewhere, in the middle
};

struct functions_region {
    uint32_t base, words;
    uint8_t *marks;
    struct cpu_code_range *functions; // rising
    uint32_t count;
};

static void free_region(struct functions_region *r)
{
    free(r->marks);
    free(r->functions);
}

void functions_free(struct functions *f)
{
    for (uint32_t i = 0; i < f->count; i++)
        free_region(&f->regions[i]);
    free(f->regions);
    *f = (struct functions){0};
}

void functions_remove(struct functions *f, gva base, uint64_t size)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < f->count; i++) {
        struct functions_region *r = &f->regions[i];
        if (r->base < base + size && base < (uint64_t)r->base + 4ull * r->words)
            free_region(r);
        else
            f->regions[kept++] = *r;
    }
    f->count = kept;
}

static struct functions_region *region_of(const struct functions *f, uint32_t pc)
{
    for (uint32_t i = 0; i < f->count; i++)
        if ((pc - f->regions[i].base) / 4 < f->regions[i].words)
            return &f->regions[i];
    return NULL;
}

static uint8_t *mark_of(const struct functions *f, uint32_t pc)
{
    const struct functions_region *r = region_of(f, pc);
    return r && !(pc & 3) ? &r->marks[(pc - r->base) / 4] : NULL;
}

static bool add_region(struct functions *f, const struct cpu_code_range *range)
{
    if (f->count == f->capacity) {
        uint32_t capacity = f->capacity ? 2 * f->capacity : 8;
        struct functions_region *bigger = realloc(f->regions, capacity * sizeof *bigger);
        if (!bigger)
            return false;
        f->regions = bigger;
        f->capacity = capacity;
    }
    struct functions_region r = {.base = range->base, .words = range->size / 4, .marks = calloc(range->size / 4 + 1, 1)};
    f->regions[f->count++] = r;
    return r.marks != NULL;
}

// The unwind data's functions, but those that overlap: then the later one is wrong.
static void mark_known(const struct functions *f, const struct cpu_code_range *function)
{
    struct functions_region *r = region_of(f, function->base);
    if (!r || function->base & 3)
        return;
    uint32_t first = (function->base - r->base) / 4, words = function->size / 4;
    if (!words || words > r->words - first || r->marks[first] & KNOWN)
        return;
    r->marks[first] |= START;
    for (uint32_t i = 0; i < words && !(i && r->marks[first + i] & KNOWN); i++)
        r->marks[first + i] |= KNOWN;
}

static bool runs_on(const struct mem *m, uint32_t pc)
{
    uint32_t word;
    if (!mem_get32(m, pc, &word))
        return false;
    enum ppc_opcode op = ppc_decode(word);
    if (op == PPC_OP_INVALID)
        return false;
    bool branch = ppc_opcodes[op].kind == PPC_BRANCH || ppc_opcodes[op].kind == PPC_INDIRECT;
    bool always = word >> 26 == 18 || (word >> 21 & 20) == 20;
    return !branch || !always || word & 1;
}

// Something is called at `pc`.
static void mark_called(const struct functions *f, const struct mem *m, uint32_t pc)
{
    uint8_t *mark = mark_of(f, pc), *before = mark_of(f, pc - 4);
    if (!mark || *mark & START)
        return;
    bool middle = *mark & KNOWN || (before && !(*before & KNOWN) && runs_on(m, pc - 4));
    *mark |= middle ? ENTERED : START;
}

static bool divide(struct functions_region *r)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < r->words; i++) {
        if (!i || (r->marks[i - 1] & KNOWN && !(r->marks[i] & KNOWN)))
            r->marks[i] |= START;
        count += r->marks[i] & START;
    }
    r->functions = calloc(count + 1, sizeof *r->functions);
    if (!r->functions)
        return false;
    for (uint32_t i = 0; i < r->words; i++) {
        if (r->marks[i] & START)
            r->functions[r->count++].base = r->base + 4 * i;
        r->functions[r->count - 1].size += 4;
    }
    return true;
}

static bool is_link(uint32_t word)
{
    return word & 1;
}

static bool branch_at(const struct mem *m, uint32_t pc, uint32_t *word)
{
    enum { PRIMARY_BC = 16, PRIMARY_B = 18 };
    return mem_get32(m, pc, word) && (*word >> 26 == PRIMARY_B || *word >> 26 == PRIMARY_BC);
}

static void mark_calls(const struct functions *f, const struct functions_region *r, const struct mem *m)
{
    uint32_t word;
    for (uint32_t i = 0; i < r->words; i++) {
        uint32_t pc = r->base + 4 * i;
        if (branch_at(m, pc, &word) && is_link(word))
            mark_called(f, m, ppc_branch_target(word, pc));
    }
}

// Jumps into the middle of other functions.
static void mark_jumps(const struct functions *f, const struct functions_region *r, const struct mem *m)
{
    uint32_t word;
    for (uint32_t n = 0; n < r->count; n++) {
        const struct cpu_code_range *function = &r->functions[n];
        for (uint32_t at = 0; at < function->size; at += 4) {
            uint32_t pc = function->base + at;
            if (!branch_at(m, pc, &word) || is_link(word))
                continue;
            uint32_t target = ppc_branch_target(word, pc);
            uint8_t *mark = target - function->base < function->size ? NULL : mark_of(f, target);
            if (mark && !(*mark & START))
                *mark |= ENTERED;
        }
    }
}

bool functions_add(struct functions *f, const struct mem *m, const struct cpu_code *code)
{
    uint32_t first = f->count;
    for (size_t i = 0; i < code->code_count; i++)
        if (!add_region(f, &code->code[i]))
            return false;
    for (size_t i = 0; i < code->function_count; i++)
        mark_known(f, &code->functions[i]);
    for (size_t i = 0; i < code->start_count; i++)
        mark_called(f, m, code->starts[i]);
    for (uint32_t i = first; i < f->count; i++)
        mark_calls(f, &f->regions[i], m);
    for (uint32_t i = first; i < f->count; i++)
        if (!divide(&f->regions[i]))
            return false;
    for (uint32_t i = first; i < f->count; i++)
        mark_jumps(f, &f->regions[i], m);
    return true;
}

bool functions_find(const struct functions *f, gva pc, struct cpu_code_range *out)
{
    const struct functions_region *r = region_of(f, pc);
    if (!r || !r->count)
        return false;
    uint32_t low = 0, high = r->count; // the last that starts at pc or before
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (r->functions[middle].base <= pc)
            low = middle;
        else
            high = middle;
    }
    *out = r->functions[low];
    return true;
}

bool functions_entered(const struct functions *f, gva pc)
{
    const uint8_t *mark = mark_of(f, pc);
    return mark && *mark & ENTERED;
}

bool functions_at(const struct functions *f, uint32_t n, struct cpu_code_range *out)
{
    for (uint32_t i = 0; i < f->count; n -= f->regions[i++].count)
        if (n < f->regions[i].count) {
            *out = f->regions[i].functions[n];
            return true;
        }
    return false;
}
