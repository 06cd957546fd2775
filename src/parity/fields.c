// One call in both logs, field by field: what is equal, what a rule tolerates, what differs and how.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "memory/memory.h"
#include "parity/diff.h"

enum verdict { EQUAL, TOLERATED, DIFFERENT };

struct judgement {
    enum verdict verdict;
    enum par_rule rule;
};

static const struct judgement equal = {EQUAL, PAR_RULE_COUNT}, different = {DIFFERENT, PAR_RULE_COUNT};

static struct judgement tolerate(const struct par_diff *d, enum par_rule rule)
{
    return (struct judgement){par_rule_on(d, rule) ? TOLERATED : DIFFERENT, rule};
}

static bool same_place(const struct par_value *a, const struct par_value *b)
{
    return a->meaning == b->meaning && a->thread == b->thread && a->name == b->name && a->ordinal == b->ordinal && a->offset == b->offset;
}

// Two numbers that stand for one thing once they were seen in one place; `learn` remembers it.
static bool same_by_first_use(struct par_map *forth, struct par_map *back, uint64_t a, uint64_t b, bool learn)
{
    uint64_t *known = par_map_get(forth, a), *known_back = par_map_get(back, b);
    if (known || known_back)
        return known && known_back && *known == b && *known_back == a;
    if (learn) {
        uint64_t *to = par_map_put(forth, a), *from = par_map_put(back, b);
        if (to)
            *to = b;
        if (from)
            *from = a;
    }
    return true;
}

static bool in_system_heap(uint32_t address)
{
    return address >= 0x30000000u && address < 0x40000000u;
}

// Objects and allocations are paired where they are first seen in one place of both logs, which is where they are made: so
// one creation more or less is one divergence and not one for every later use.
static uint64_t lifetime_key(const struct par_value *v, unsigned side)
{
    uint64_t what = (uint64_t)(v->meaning == PAR_HANDLE) << 1 | side;
    return ((((what << 16 | v->thread) << 20 | (v->name & 0xFFFFF)) << 24) | (v->ordinal & 0xFFFFFF)) + 1;
}

static bool same_lifetime(struct par_diff *d, const struct par_value *a, const struct par_value *b, bool learn)
{
    return same_by_first_use(&d->lifetimes, &d->lifetimes, lifetime_key(a, 0), lifetime_key(b, 1), learn);
}

static struct judgement judge_handle(struct par_diff *d, const struct par_value *a, const struct par_value *b, bool learn)
{
    bool raw = (uint32_t)a->raw == (uint32_t)b->raw;
    if (!par_rule_on(d, PAR_RULE_HANDLE))
        return raw ? equal : different;
    if (a->lazy || b->lazy)
        return raw ? equal : tolerate(d, PAR_RULE_LAZY);
    if (raw && (a->doubtful || b->doubtful))
        return equal; // numbers that were given out again before they came back: events of two threads in another order
    bool typed = a->name == b->name || !a->name || !b->name; // an adopted handle has no type
    if (!typed || a->thread != b->thread || !same_lifetime(d, a, b, learn))
        return different;
    return raw ? equal : tolerate(d, PAR_RULE_HANDLE);
}

static struct judgement judge_value(struct par_diff *d, const struct par_value *a, const struct par_value *b, bool wide, bool learn)
{
    uint32_t la = (uint32_t)a->raw, lb = (uint32_t)b->raw;
    if (a->meaning == PAR_HANDLE && b->meaning == PAR_HANDLE)
        return judge_handle(d, a, b, learn);
    bool allocated = (a->meaning == PAR_ALLOCATED || a->meaning == PAR_BUS) && b->meaning == a->meaning;
    if (wide ? a->raw == b->raw : la == lb) {
        if (learn && in_system_heap(la))
            same_by_first_use(&d->kernel, &d->kernel_back, la, lb, true);
        if (learn && allocated && a->name == b->name && a->thread == b->thread)
            same_lifetime(d, a, b, true);
        return equal;
    }
    if (wide && a->meaning == PAR_PLAIN)
        return different;
    switch (a->meaning) {
    case PAR_ALLOCATED:
    case PAR_BUS:
        if (!allocated || a->offset != b->offset || a->name != b->name || a->thread != b->thread || !same_lifetime(d, a, b, learn))
            return different;
        return tolerate(d, PAR_RULE_POINTER);
    case PAR_STACK:
        return same_place(a, b) ? tolerate(d, PAR_RULE_STACK) : different;
    case PAR_KTHREAD:
    case PAR_PCR:
        return same_place(a, b) ? tolerate(d, PAR_RULE_KERNEL) : different;
    case PAR_TID:
        return same_place(a, b) ? tolerate(d, PAR_RULE_THREAD_ID) : different;
    default:
        break;
    }
    bool kernel = b->meaning == PAR_PLAIN && in_system_heap(la) && in_system_heap(lb);
    if (kernel && same_by_first_use(&d->kernel, &d->kernel_back, la, lb, learn && par_rule_on(d, PAR_RULE_KERNEL)))
        return tolerate(d, PAR_RULE_KERNEL);
    return different;
}

// ---- Reporting

static void count_field(struct par_diff *d, struct judgement j)
{
    struct par_coverage *c = &d->result->coverage;
    c->compared++;
    c->equal += j.verdict != DIFFERENT;
}

static void count_masked(struct par_diff *d, enum par_rule rule, const struct par_record *a, const char *field,
                         const struct par_value *va, const struct par_value *vb)
{
    d->result->coverage.masked++;
    par_count_rule(d, rule, a, field, va, vb);
}

static const struct exp_arg *argument_row(const struct par_diff *d, const struct par_record *r, unsigned i)
{
    const struct exp_row *row = d->shared.names[r->call].row;
    return row && i < row->arg_count ? &row->args[i] : NULL;
}

// What is known of one pair while it is looked at.
struct pair {
    struct par_diff *d;
    const struct par_record *a, *b;
    bool report, differs;
};

// A field that differs: jitter of the reference, or a finding. `why` is owned by this call.
static void differ(struct pair *p, enum par_class class, const char *field, unsigned event, const struct par_value *va,
                   const struct par_value *vb, enum exp_type type, char *why)
{
    bool pace = p->d->rebuilt && event == 1 && !strcmp(field, "arg0") && !strcmp(p->d->shared.names[p->a->call].text, "VdSwap") &&
                par_rule_on(p->d, PAR_RULE_PACE);
    if (pace || par_in_envelope(p->d, p->a, field, vb, p->report)) {
        if (p->report)
            count_masked(p->d, pace ? PAR_RULE_PACE : PAR_RULE_ENVELOPE, p->a, field, va, vb);
        free(why);
        return;
    }
    p->differs = true;
    if (!p->report) {
        free(why);
        return;
    }
    if (p->b->flags & PAR_IS_MISSING && !(p->a->flags & PAR_IS_MISSING) && event == 2)
        class = PAR_UNIMPLEMENTED;
    struct par_finding f = {.class = class, .rule = PAR_RULE_COUNT, .field = field, .event = event, .a = p->a, .b = p->b,
                            .va = va, .vb = vb, .type = type, .why = why};
    if (class == PAR_BETA && par_rule_on(p->d, PAR_RULE_ALLOCATION))
        f.rule = PAR_RULE_ALLOCATION;
    par_emit(p->d, &f);
}

// Counts a judgement. True: it differs and the caller says how.
static bool settle(struct pair *p, struct judgement j, const char *field, const struct par_value *va, const struct par_value *vb)
{
    if (p->report) {
        count_field(p->d, j);
        if (j.verdict == TOLERATED)
            par_count_rule(p->d, j.rule, p->a, field, va, vb);
    }
    return j.verdict == DIFFERENT;
}

// ---- Arguments

static void compare_text(struct pair *p)
{
    const struct par_record *a = p->a, *b = p->b;
    if (!a->text_hash || !b->text_hash || a->text_arg != b->text_arg || a->text_hash == b->text_hash)
        return;
    char field[24];
    snprintf(field, sizeof field, "arg%u", a->text_arg);
    const struct par_value *va = a->text_arg < a->arg_count ? &par_args_of(a)[a->text_arg] : NULL;
    const struct par_value *vb = b->text_arg < b->arg_count ? &par_args_of(b)[b->text_arg] : NULL;
    char *why = p->report ? par_format("the title passes \"%.*s\" where the reference has \"%.*s\"", (int)b->text_length, par_text_of(b),
                                       (int)a->text_length, par_text_of(a)) : NULL;
    differ(p, PAR_ARGUMENT, field, 1, va, vb, EXP_IN_STR, why);
}

static void compare_arguments(struct pair *p)
{
    const struct par_record *a = p->a, *b = p->b;
    struct par_coverage *coverage = &p->d->result->coverage;
    if (!(a->flags & PAR_HAS_ARGS) || !(b->flags & PAR_HAS_ARGS)) {
        coverage->unknown += p->report ? (a->arg_count > b->arg_count ? a->arg_count : b->arg_count) : 0u;
        return;
    }
    unsigned count = a->arg_count < b->arg_count ? a->arg_count : b->arg_count;
    if (p->report)
        coverage->unknown += (unsigned)(a->arg_count + b->arg_count) - 2 * count; // one engine types fewer of them
    for (unsigned i = 0; i < count; i++) {
        const struct exp_arg *row = argument_row(p->d, a, i);
        const struct par_value *va = &par_args_of(a)[i], *vb = &par_args_of(b)[i];
        bool wide = row && exp_type_is_wide(row->type);
        struct judgement j = judge_value(p->d, va, vb, wide, p->report);
        char field[24];
        if (j.verdict == EQUAL) {
            if (p->report)
                count_field(p->d, j);
            continue;
        }
        snprintf(field, sizeof field, "arg%u", i);
        if (settle(p, j, field, va, vb))
            differ(p, PAR_ARGUMENT, field, 1, va, vb, row ? row->type : EXP_U32,
                   p->report ? par_format("argument %u%s%s%s differs", i, row ? " (" : "", row && row->name ? row->name : "", row ? ")" : "") : NULL);
        if (p->differs && !p->report)
            return;
    }
    compare_text(p);
}

// ---- Results of allocators

static const char *region_name(uint32_t address)
{
    const struct mem_region *r = mem_region_of(address);
    return r ? r->name : "no region";
}

static char *region_words(uint32_t address)
{
    struct mem_explanation e;
    mem_explain(address, &e);
    if (!e.region)
        return par_format("0x%08" PRIX32 " is in no region", address);
    if (e.has_bus)
        return par_format("0x%08" PRIX32 " is in %s (%" PRIu32 " KB pages, physical 0x%08" PRIX32 ", GPU-visible)", address, e.region->name,
                          e.region->page >> 10, e.bus);
    return par_format("0x%08" PRIX32 " is in %s (%" PRIu32 " KB pages, virtual, not GPU-visible)", address, e.region->name, e.region->page >> 10);
}

static void compare_allocation(struct pair *p, const char *field, const struct par_value *va, const struct par_value *vb)
{
    uint32_t a = (uint32_t)va->raw, b = (uint32_t)vb->raw;
    struct par_diff *d = p->d;
    if (a == b) {
        if (p->report) {
            count_field(d, equal);
            if (va->meaning == PAR_ALLOCATED && vb->meaning == PAR_ALLOCATED && va->name == vb->name && va->thread == vb->thread)
                same_lifetime(d, va, vb, true);
        }
        return;
    }
    enum par_class class = PAR_ALPHA;
    char *why = NULL;
    const struct mem_region *ra = mem_region_of(a), *rb = mem_region_of(b);
    uint32_t page = ra && ra->page && ra->page <= 0x10000 ? ra->page : 0x1000;
    bool ordinal = va->meaning == PAR_ALLOCATED && vb->meaning == PAR_ALLOCATED && va->offset == vb->offset && va->name == vb->name &&
                   va->thread == vb->thread && same_lifetime(d, va, vb, p->report);
    if (!a != !b) {
        class = PAR_EPSILON;
        why = par_format("the allocation %s", a ? "succeeds in the reference and fails here" : "fails in the reference and succeeds here");
    } else if (ra != rb) {
        class = PAR_BETA;
        char *wa = region_words(a), *wb = region_words(b);
        why = par_format("wrong region: the reference's %s, ours %s; %s", wa ? wa : "?", wb ? wb : "?",
                         ordinal ? "the address itself is tolerated (the same allocation by thread and ordinal), the region is not"
                                 : "and it is another allocation by ordinal");
        free(wa);
        free(wb);
    } else if ((a ^ b) % page) {
        class = PAR_EPSILON;
        why = par_format("same region %s, but the place in the page differs: another alignment or granularity", region_name(a));
    } else if (!ordinal) {
        class = PAR_EPSILON;
        why = par_format("same region %s, but it is allocation %" PRIu32 " of this thread in the reference and %" PRIu32 " here: counts have drifted",
                         region_name(a), va->ordinal, vb->ordinal);
    } else {
        why = par_format("same allocation (number %" PRIu32 " of its thread), same region %s, %s0x%" PRIx32 " away", va->ordinal, region_name(a),
                         b > a ? "+" : "-", b > a ? b - a : a - b);
    }
    bool rule = par_rule_on(d, PAR_RULE_ALLOCATION) && ordinal;
    if (p->report) {
        count_field(d, class == PAR_ALPHA && rule ? equal : different);
        if (rule)
            par_count_rule(d, PAR_RULE_ALLOCATION, p->a, field, va, vb);
    }
    if (class != PAR_ALPHA || !rule) {
        differ(p, class, field, 2, va, vb, EXP_ADDRESS, why);
        return;
    }
    if (!p->report) {
        free(why);
        return;
    }
    struct par_finding f = {.class = class, .rule = PAR_RULE_ALLOCATION, .tolerated = true, .field = field, .event = 2, .a = p->a, .b = p->b,
                            .va = va, .vb = vb, .type = EXP_ADDRESS, .why = why};
    par_emit(d, &f);
}

// ---- Results

static bool extension_of(uint64_t raw)
{
    return raw <= UINT32_MAX || raw == (uint64_t)(int64_t)(int32_t)raw;
}

static enum par_class class_of(enum exp_type type, const struct par_call_name *name)
{
    if (type == EXP_STATUS || type == EXP_ERROR || name->waits)
        return PAR_STATUS;
    return PAR_VALUE;
}

static void compare_result(struct pair *p)
{
    const struct par_record *a = p->a, *b = p->b;
    struct par_diff *d = p->d;
    const struct par_call_name *name = &d->shared.names[a->call];
    const struct par_value *va = par_result_of(a), *vb = par_result_of(b);
    if (!(a->flags & PAR_HAS_RESULT) || !(b->flags & PAR_HAS_RESULT)) {
        d->result->coverage.unknown += p->report && !((a->flags | b->flags) & PAR_IS_VOID);
        return;
    }
    if ((a->flags | b->flags) & PAR_IS_VOID && par_rule_on(d, PAR_RULE_VOID)) {
        if (p->report)
            count_masked(d, PAR_RULE_VOID, a, "r3", va, vb);
        return;
    }
    if (name->result_mask && par_rule_on(d, (enum par_rule)(name->result_mask - 1)) && name->result_mask - 1 != PAR_RULE_THREAD_ID) {
        if (p->report)
            count_masked(d, (enum par_rule)(name->result_mask - 1), a, "r3", va, vb);
        return;
    }
    if (name->allocator == PAR_ALLOCATES_RESULT) {
        compare_allocation(p, "r3", va, vb);
        return;
    }
    enum exp_type type = name->row && !name->row->variable ? name->row->result : EXP_U32;
    bool wide = exp_type_is_wide(type);
    struct judgement j = judge_value(d, va, vb, wide, p->report);
    if (j.verdict == EQUAL && va->raw != vb->raw && va->meaning == PAR_PLAIN)
        j = extension_of(va->raw) && extension_of(vb->raw) ? tolerate(d, PAR_RULE_SIGN_EXTENSION) : different;
    if (!settle(p, j, "r3", va, vb))
        return;
    bool upper = (uint32_t)va->raw == (uint32_t)vb->raw && va->meaning != PAR_HANDLE;
    differ(p, upper ? PAR_VALUE : class_of(type, name), "r3", 2, va, vb, type,
           p->report ? par_format(upper ? "the upper half of r3 differs" : "%s returns something else", name->text) : NULL);
}

static void compare_behind(struct pair *p, unsigned i, const struct par_value *vb)
{
    struct par_diff *d = p->d;
    const struct par_record *a = p->a;
    const struct par_call_name *name = &d->shared.names[a->call];
    const struct par_value *va = &par_pairs_of(a)[i];
    unsigned number = a->pair_args[i];
    const struct exp_arg *row = argument_row(d, a, number);
    char field[24];
    snprintf(field, sizeof field, "*arg%u", number);
    if (name->behind_mask && name->behind_arg == number && par_rule_on(d, (enum par_rule)(name->behind_mask - 1))) {
        if (p->report)
            count_masked(d, (enum par_rule)(name->behind_mask - 1), a, field, va, vb);
        return;
    }
    if (name->allocator == PAR_ALLOCATES_BEHIND && row && row->type == EXP_P_ADDRESS) {
        compare_allocation(p, field, va, vb);
        return;
    }
    bool wide = row && (row->type == EXP_P_U64 || row->type == EXP_P_TIME);
    if (!settle(p, judge_value(d, va, vb, wide, p->report), field, va, vb))
        return;
    bool size = name->allocator == PAR_ALLOCATES_BEHIND && number == 1;
    differ(p, size ? PAR_EPSILON : PAR_VALUE, field, 2, va, vb, row && row->type == EXP_P_HANDLE ? EXP_HANDLE : EXP_U32,
           p->report ? par_format("%s writes %s behind argument %u (%s)", name->text, size ? "another size" : "something else", number,
                                  row && row->name ? row->name : "pointer") : NULL);
}

static void compare_pairs(struct pair *p)
{
    const struct par_record *a = p->a, *b = p->b;
    unsigned both = 0;
    for (unsigned i = 0; i < a->pair_count; i++)
        for (unsigned k = 0; k < b->pair_count; k++)
            if (a->pair_args[i] == b->pair_args[k]) {
                compare_behind(p, i, &par_pairs_of(b)[k]);
                both++;
                break;
            }
    if (p->report)
        p->d->result->coverage.unknown += (unsigned)(a->pair_count + b->pair_count) - 2 * both;
}

// ---- What may be uninitialised

static void compare_garbage(struct pair *p)
{
    const struct par_record *a = p->a, *b = p->b;
    if (!a->garbage_count || !b->garbage_count)
        return;
    if (par_rule_on(p->d, PAR_RULE_GARBAGE)) {
        if (p->report) {
            p->d->result->coverage.masked += a->garbage_count > 1 ? a->garbage_count - 1u : 0;
            count_masked(p->d, PAR_RULE_GARBAGE, a, "in", NULL, NULL);
        }
        return;
    }
    if (a->garbage_count == b->garbage_count && a->garbage_hash != b->garbage_hash)
        differ(p, PAR_ARGUMENT, "in", 1, NULL, NULL, EXP_U32, p->report ? par_format("values behind pointers before the call, or leftover registers, differ") : NULL);
}

// ---- What did not come back

static void compare_return(struct pair *p)
{
    const struct par_record *a = p->a, *b = p->b;
    const struct par_slot *slot = &p->d->shared.slots[p->d->slot];
    bool proof = b->flags & (PAR_SIGNALLED | PAR_OVERDUE);
    if (!(a->flags & PAR_RETURNED) || b->flags & PAR_RETURNED || (!slot->is_main && !proof))
        return;
    if (b->flags & PAR_IS_MISSING) {
        differ(p, PAR_UNIMPLEMENTED, "call", 2, NULL, NULL, EXP_U32, p->report ? par_format("the export is missing here and the run stops in it") : NULL);
    } else if (b->flags & PAR_WAITS) {
        const char *words = b->flags & PAR_SIGNALLED ? "its object was signalled while it waited, and it still waits"
                            : b->flags & PAR_OVERDUE ? "its timeout has long passed, and it still waits"
                                                     : "the reference comes back from this wait, here it lasts until the log ends";
        differ(p, PAR_WEDGE, "wait", 2, NULL, NULL, EXP_U32, p->report ? par_format("%s", words) : NULL);
    } else {
        differ(p, PAR_MISSING, "return", 2, NULL, NULL, EXP_U32, p->report ? par_format("our log ends inside this call") : NULL);
    }
}

// ---- Happens-before: a wait ends after the signal that it needs

enum { PROOF = 8 }; // by chance a manual-reset event is set again during so many waits in a row in one of some hundred logs

// Signals that this wait needed, as far as the reference proves it: without them the wake was unlawful.
static uint32_t signals_needed(const struct par_record *a, const struct par_record *b)
{
    if (!(a->flags & PAR_WOKE) || a->sets_end < a->wakes + 1)
        return a->flags & PAR_WOKE && a->sets_end ? 1 : 0; // a manual-reset object, or one that begins signalled
    bool each = (a->flags | b->flags) & PAR_AUTO, stays = (a->flags | b->flags) & PAR_MANUAL;
    return !stays && (each || a->proof >= PROOF) ? b->wakes + 1 : 1;
}

static void compare_wake(struct pair *p)
{
    const struct par_record *a = p->a, *b = p->b;
    if (!(a->flags & b->flags & PAR_WOKE))
        return;
    uint32_t needed = signals_needed(a, b);
    if (b->sets_end >= needed)
        return;
    char *why = !p->report ? NULL
                : !b->sets_end ? par_format("the wait ends before anything signalled its object; in the reference %" PRIu32 " signals came before", a->sets_end)
                : par_format("the wait ends, the %" PRIu32 "th of its object, and only %" PRIu32 " signals came before; in the reference %" PRIu32, b->wakes + 1,
                             b->sets_end, a->sets_end);
    differ(p, PAR_ORDER, "wait", 2, NULL, NULL, EXP_U32, why);
}

bool par_same_record(struct par_diff *d, const struct par_record *a, const struct par_record *b, bool report)
{
    struct pair p = {d, a, b, report, false};
    if (a->call != b->call)
        return false;
    compare_arguments(&p);
    if (p.differs && !report)
        return false;
    if (b->flags & PAR_IS_MISSING && !(a->flags & PAR_IS_MISSING) && b->flags & PAR_RETURNED)
        differ(&p, PAR_UNIMPLEMENTED, "call", 0, NULL, NULL, EXP_U32,
               report ? par_format("the export, or the part of it that is needed, is missing here") : NULL);
    else if (a->flags & PAR_RETURNED && b->flags & PAR_RETURNED)
        compare_result(&p);
    if (p.differs && !report)
        return false;
    compare_garbage(&p);
    compare_pairs(&p);
    compare_return(&p);
    if (!p.differs)
        compare_wake(&p);
    if (b->flags & ~(unsigned)a->flags & PAR_BEFORE_CREATE)
        differ(&p, PAR_ORDER, "call", 0, NULL, NULL, EXP_U32, report ? par_format("the thread runs before it was created") : NULL);
    return !p.differs;
}
