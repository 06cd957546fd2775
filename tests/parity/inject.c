// Mutates real logs and asks the lab what it sees: inject [--count N] [--reorder N] [--seed S] [--verbose] LOG...
// Each mutation is one named kind of fault at a random place (or several at once); the verdict must name its class and event.
// Reorderings keep what happens-before demands and must show no divergence.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exports/exports.h"
#include "memory/memory.h"
#include "parity/parity.h"
#include "trace/trace.h"

struct event {
    enum trace_kind kind;
    uint32_t tid, lr, call;
    uint64_t ns;
    uint8_t count, pairs;
    bool has_result;
    uint64_t *fields; // count, then argument and value of each pair
};

struct log {
    struct event *rows;
    size_t count, capacity;
};

struct place { // a call in a log
    size_t call, ret; // events; ret SIZE_MAX: never
    uint32_t tid;
    uint64_t number; // in its thread
};

struct places {
    struct place *rows;
    size_t count;
};

static uint64_t seed;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545F4914F6CDD1Du;
}

static size_t below(size_t n)
{
    return n ? (size_t)(next_random() >> 11) % n : 0;
}

static struct trace_export *exports;
static size_t export_count;

// What lives until the process ends.
static void **kept;
static size_t kept_count;

static void *keep(void *memory)
{
    if (!(kept_count & (kept_count - 1)) || !kept_count)
        kept = realloc(kept, (kept_count ? 2 * kept_count : 1) * sizeof *kept);
    return kept[kept_count++] = memory;
}

static void add(struct log *log, struct event e)
{
    if (log->count == log->capacity) {
        log->capacity = log->capacity ? log->capacity * 2 : 4096;
        log->rows = realloc(log->rows, log->capacity * sizeof *log->rows);
    }
    log->rows[log->count++] = e;
}

static uint64_t *copy_fields(const uint64_t *from, size_t n)
{
    uint64_t *to = keep(malloc((n + 1) * sizeof *to)); // the process is short
    if (n)
        memcpy(to, from, n * sizeof *to);
    return to;
}

static void set_export(const struct par_event *e)
{
    while (export_count <= e->call) {
        exports = realloc(exports, (export_count + 1) * sizeof *exports);
        exports[export_count++] = (struct trace_export){.module = "xboxkrnl.exe", .name = "?"};
    }
    struct trace_export *x = &exports[e->call];
    if (!strcmp(x->name, "?"))
        x->name = keep(strdup(e->name));
    x->returns_void = x->returns_void || e->is_void;
    if (e->kind == TRACE_CALL && e->count > x->arg_count)
        x->arg_count = (uint8_t)e->count;
}

static bool load(struct log *log, const char *path)
{
    struct par_reader *r;
    struct par_event e;
    struct error err = {0};
    if (!par_open(&r, path, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return false;
    }
    keep(exports);
    exports = NULL;
    export_count = 0;
    while (par_next(r, &e)) {
        if (e.kind >= TRACE_KIND_COUNT || e.kind == TRACE_SCHEMA || e.kind == TRACE_EXIT_THREAD || e.kind == TRACE_EXIT_WAIT)
            continue;
        if (e.kind == TRACE_CALL || e.kind == TRACE_RETURN)
            set_export(&e);
        struct event x = {e.kind, e.tid, e.lr, e.call, e.ns, (uint8_t)e.count, (uint8_t)e.pair_count, e.has_result, NULL};
        uint64_t fields[PAR_MAX_FIELDS + 2 * PAR_MAX_PAIRS];
        memcpy(fields, e.fields, e.count * sizeof *fields);
        for (unsigned i = 0; i < e.pair_count; i++) {
            fields[e.count + 2 * i] = e.pairs[i].arg;
            fields[e.count + 2 * i + 1] = e.pairs[i].value;
        }
        x.fields = copy_fields(fields, e.count + 2 * e.pair_count);
        add(log, x);
    }
    par_close(r);
    return log->count > 0;
}

static void save(const struct log *log, const char *path)
{
    struct trace *t;
    struct error err = {0};
    if (!trace_create(&t, path, exports, export_count, NULL, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(2);
    }
    for (size_t i = 0; i < log->count; i++) {
        const struct event *e = &log->rows[i];
        struct trace_event out = {.kind = e->kind, .where = {e->tid, 0, e->ns / 5 * 16, e->lr}};
        bool named = e->kind == TRACE_CALL || e->kind == TRACE_RETURN || e->kind == TRACE_MISSING;
        if (named)
            out.fields[out.count++] = e->call;
        for (unsigned k = 0; k < e->count + 2u * e->pairs && out.count < TRACE_MAX_FIELDS; k++)
            out.fields[out.count++] = e->fields[k];
        trace_emit(t, &out);
    }
    if (!trace_close(t, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(2);
    }
}

static struct log clone(const struct log *from)
{
    struct log to = {malloc(from->count * sizeof *to.rows + 1), from->count, from->count};
    memcpy(to.rows, from->rows, from->count * sizeof *to.rows);
    return to;
}

// Own copy of an event's fields, before it is changed.
static uint64_t *own(struct event *e)
{
    return e->fields = copy_fields(e->fields, e->count + 2u * e->pairs);
}

// The start of a log, where threads are made, and one random piece of the rest.
static struct log slice(const struct log *log, size_t head, size_t body)
{
    struct log out = {0};
    head = head < log->count ? head : log->count;
    for (size_t i = 0; i < head; i++)
        add(&out, log->rows[i]);
    size_t from = head + (log->count > head + body ? below(log->count - head - body) : 0);
    for (size_t i = from; i < log->count && i < from + body; i++)
        add(&out, log->rows[i]);
    return out;
}

static struct places find_places(const struct log *log)
{
    struct places p = {malloc((log->count + 1) * sizeof *p.rows), 0};
    static size_t open[4096][8];
    static unsigned depth[4096];
    static uint64_t numbers[4096];
    memset(depth, 0, sizeof depth);
    memset(numbers, 0, sizeof numbers);
    for (size_t i = 0; i < log->count; i++) {
        const struct event *e = &log->rows[i];
        uint32_t t = e->tid & 4095;
        if (e->kind == TRACE_CALL) {
            if (depth[t] < 8)
                open[t][depth[t]++] = p.count;
            p.rows[p.count++] = (struct place){i, SIZE_MAX, e->tid, numbers[t]++};
        } else if (e->kind == TRACE_RETURN) {
            while (depth[t] && log->rows[p.rows[open[t][depth[t] - 1]].call].call != e->call)
                depth[t]--;
            if (depth[t])
                p.rows[open[t][--depth[t]]].ret = i;
            else
                numbers[t]++; // a return whose call was cut away counts as one
        }
    }
    return p;
}

static const struct exp_row *row_of(const struct event *e)
{
    const struct exp_row *row = NULL;
    for (int m = 0; m < EXP_MODULE_COUNT && !row; m++)
        row = exp_find_name((enum exp_module)m, exports[e->call].name);
    return row;
}

// ---- Faults

enum fault { F_ARGUMENT, F_STATUS, F_VALUE, F_BEHIND, F_MISSING, F_EXTRA, F_ORDER, F_ALPHA, F_BETA, F_EPSILON, F_WEDGE, F_UNIMPLEMENTED, F_COUNT };
static const char *const fault_names[] = {"argument", "status", "value", "behind", "missing", "extra", "order", "alpha", "beta", "epsilon", "wedge", "unimplemented"};

struct expected {
    enum par_class class;
    uint32_t tid;
    uint64_t low, high; // of the reference's index
    bool tolerated;
};

static bool calls_equal(const struct log *log, const struct place *a, const struct place *b)
{
    const struct event *x = &log->rows[a->call], *y = &log->rows[b->call];
    if (x->call != y->call || x->lr != y->lr || x->count != y->count || memcmp(x->fields, y->fields, x->count * sizeof *x->fields) != 0)
        return false;
    if (a->ret == SIZE_MAX || b->ret == SIZE_MAX)
        return a->ret == b->ret;
    x = &log->rows[a->ret];
    y = &log->rows[b->ret];
    return x->count == y->count && x->pairs == y->pairs && !memcmp(x->fields, y->fields, (x->count + 2u * x->pairs) * sizeof *x->fields);
}

// Calls of the same thread behind and before that equal this one: a gap among them can be any of them.
static void widen(const struct log *log, const struct places *p, size_t at, struct expected *out)
{
    size_t i = at;
    for (size_t k = at + 1; k < p->count; k++)
        if (p->rows[k].tid == p->rows[at].tid) {
            if (!calls_equal(log, &p->rows[k], &p->rows[i]))
                break;
            i = k;
        }
    out->high = 3 * p->rows[i].number + 3;
    i = at;
    for (size_t k = at; k-- > 0;)
        if (p->rows[k].tid == p->rows[at].tid) {
            if (!calls_equal(log, &p->rows[k], &p->rows[i]))
                break;
            i = k;
        }
    out->low = 3 * p->rows[i].number;
}

static bool is_allocator(const struct event *e)
{
    const char *name = exports[e->call].name;
    return !strcmp(name, "MmAllocatePhysicalMemoryEx") || !strcmp(name, "NtAllocateVirtualMemory") || !strcmp(name, "MmAllocatePhysicalMemory");
}

static void erase(struct log *log, size_t from, size_t to, uint32_t tid) // events of one thread in [from, to]
{
    size_t used = from;
    for (size_t i = from; i < log->count; i++)
        if (i > to || log->rows[i].tid != tid)
            log->rows[used++] = log->rows[i];
    log->count = used;
}

static void insert(struct log *log, size_t at, const struct event *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add(log, rows[i]);
    memmove(log->rows + at + n, log->rows + at, (log->count - n - at) * sizeof *log->rows);
    memcpy(log->rows + at, rows, n * sizeof *rows);
}

// Moves an allocation and every pointer into it, until it is freed.
static bool move_allocation(struct log *log, size_t call, size_t ret, uint32_t to, bool by_region)
{
    struct event *r = &log->rows[ret];
    bool virtual = !strcmp(exports[r->call].name, "NtAllocateVirtualMemory");
    uint32_t base, size;
    if (virtual) {
        if (r->pairs < 2 || (uint32_t)r->fields[0] || !(log->rows[call].fields[2] & 0x2000))
            return false;
        base = (uint32_t)r->fields[r->count + 1];
        size = (uint32_t)r->fields[r->count + 3];
    } else {
        base = (uint32_t)r->fields[0];
        size = (uint32_t)log->rows[call].fields[1];
    }
    uint32_t bus, new_base = by_region ? to : base + to, new_bus;
    bool has_bus = mem_bus_address(base, &bus);
    if (!base || !size)
        return false;
    new_bus = mem_bus_address(new_base, &new_bus) ? new_bus : new_base & 0x1FFFFFFF;
    for (size_t i = ret; i < log->count; i++) {
        struct event *e = &log->rows[i];
        if (e->kind != TRACE_CALL && e->kind != TRACE_RETURN)
            continue;
        const char *name = exports[e->call].name;
        bool copied = false;
        if (i > ret && e->kind == TRACE_RETURN && is_allocator(e)) {
            // The range was taken anew: what lies there now is another allocation.
            uint32_t again = !strcmp(name, "NtAllocateVirtualMemory") ? (e->pairs ? (uint32_t)e->fields[e->count + 1] : 0) : (uint32_t)e->fields[0];
            bool commit = !strcmp(name, "NtAllocateVirtualMemory");
            if (!commit && again - base < size)
                break;
        }
        for (unsigned k = 0; k < e->count + 2u * e->pairs; k++) {
            bool number = k >= e->count && (k - e->count) % 2 == 0;
            uint32_t low = (uint32_t)e->fields[k];
            bool physical = has_bus && e->kind == TRACE_RETURN && !k && !strcmp(name, "MmGetPhysicalAddress") && low - bus < size;
            if (number || (low - base >= size && !physical) || (exports[e->call].returns_void && e->kind == TRACE_RETURN && k < e->count))
                continue;
            if (!copied)
                own(e);
            copied = true;
            uint32_t moved = physical ? low - bus + new_bus : low - base + new_base;
            e->fields[k] = e->fields[k] > UINT32_MAX ? (uint64_t)(int64_t)(int32_t)moved : moved;
        }
        bool frees = e->kind == TRACE_RETURN && i > ret && (!strcmp(name, "MmFreePhysicalMemory") || !strcmp(name, "NtFreeVirtualMemory"));
        if (frees) {
            // Of this one?
            for (size_t k = i; k-- > ret;)
                if (log->rows[k].kind == TRACE_CALL && log->rows[k].tid == e->tid && log->rows[k].call == e->call) {
                    uint32_t which = !strcmp(name, "MmFreePhysicalMemory") ? (uint32_t)log->rows[k].fields[1] : e->pairs ? (uint32_t)e->fields[e->count + 1] : 0;
                    bool releases = !strcmp(name, "MmFreePhysicalMemory") || (log->rows[k].fields[2] & 0x8000);
                    if (releases && which == new_base)
                        return true;
                    break;
                }
        }
    }
    return true;
}

static const uint32_t error_statuses[] = {0xC0000034, 0xC000000F, 0xC0000022, 0xC0000008, 0x00000102, 0xC00000BB};

// One fault in `log` at call `at` of `p`. False: this kind does not fit here.
static bool inject(struct log *log, struct log *reference, const struct places *p, size_t at, enum fault fault, struct expected *out)
{
    const struct place *place = &p->rows[at];
    if (place->ret == SIZE_MAX && fault != F_ARGUMENT)
        return false;
    struct event *call = &log->rows[place->call], *ret = place->ret == SIZE_MAX ? NULL : &log->rows[place->ret];
    const struct exp_row *row = row_of(call);
    bool is_void = exports[call->call].returns_void || (row && row->result == EXP_VOID);
    const char *name = exports[call->call].name;
    *out = (struct expected){.tid = place->tid, .low = 3 * place->number, .high = 3 * place->number + 2};
    switch (fault) {
    case F_ARGUMENT: {
        if (!call->count)
            return false;
        unsigned k = (unsigned)below(call->count);
        own(call)[k] ^= (uint64_t)1 << below(20);
        out->class = PAR_ARGUMENT;
        out->low = out->high = 3 * place->number + 1;
        return true;
    }
    case F_STATUS: {
        if (is_void || !row || (row->result != EXP_STATUS && row->result != EXP_ERROR))
            return false;
        uint32_t status = (uint32_t)ret->fields[0] ? 0 : error_statuses[below(6)];
        own(ret)[0] = (uint64_t)(int64_t)(int32_t)status;
        out->class = PAR_STATUS;
        out->low = 3 * place->number + 2;
        return true;
    }
    case F_VALUE:
        if (is_void || !row || row->result == EXP_STATUS || row->result == EXP_ERROR || row->result == EXP_TIME || is_allocator(call) ||
            strstr(name, "WaitFor"))
            return false;
        own(ret)[0] ^= (uint64_t)1 << below(28);
        out->class = PAR_VALUE;
        out->low = 3 * place->number + 2;
        return true;
    case F_BEHIND: {
        if (!ret->pairs || is_allocator(call) || !strcmp(name, "KeQuerySystemTime"))
            return false;
        unsigned k = (unsigned)below(ret->pairs);
        own(ret)[ret->count + 2 * k + 1] ^= (uint64_t)1 << below(20);
        out->class = PAR_VALUE;
        out->low = 3 * place->number + 2;
        return true;
    }
    case F_MISSING:
        widen(reference, p, at, out); // not in `log`: another fault in a run of equal calls ends it there, and not for the gap
        erase(log, place->call, place->ret, place->tid);
        out->class = PAR_MISSING;
        return true;
    case F_EXTRA: {
        size_t other = below(p->count);
        for (unsigned tries = 0; tries < 50 && (p->rows[other].tid != place->tid || p->rows[other].ret == SIZE_MAX); tries++)
            other = below(p->count);
        const struct place *from = &p->rows[other];
        if (from->tid != place->tid || from->ret == SIZE_MAX || calls_equal(log, from, place))
            return false;
        struct event pair[2] = {log->rows[from->call], log->rows[from->ret]};
        pair[0].ns = pair[1].ns = call->ns;
        if (at > 0) { // the call before on this thread may equal the new one: then it is that one
            for (size_t k = at; k-- > 0;)
                if (p->rows[k].tid == place->tid) {
                    if (calls_equal(log, &p->rows[k], from))
                        return false;
                    break;
                }
        }
        insert(log, place->call, pair, 2);
        out->class = PAR_EXTRA;
        out->high = out->low;
        return true;
    }
    case F_ORDER: {
        size_t next = at + 1;
        while (next < p->count && p->rows[next].tid != place->tid)
            next++;
        if (next >= p->count || p->rows[next].ret == SIZE_MAX || p->rows[next].call < place->ret)
            return false;
        const struct place *b = &p->rows[next];
        const struct event *x = call, *y = &log->rows[b->call];
        if (x->call == y->call && x->count == y->count && !memcmp(x->fields, y->fields, x->count * sizeof *x->fields))
            return false;
        // Swapping with an equal neighbour beyond is a move of another call: left out.
        struct event moved[64];
        size_t n = 0;
        for (size_t i = place->call; i <= place->ret; i++)
            if (log->rows[i].tid == place->tid) {
                if (n == 64)
                    return false;
                moved[n++] = log->rows[i];
            }
        insert(log, b->ret + 1, moved, n);
        erase(log, place->call, place->ret, place->tid);
        out->class = PAR_ORDER;
        widen(reference, p, at, out);
        struct expected second = *out;
        widen(reference, p, next, &second);
        out->low = out->low < second.low ? out->low : second.low;
        out->high = out->high > second.high ? out->high : second.high;
        return true;
    }
    case F_ALPHA:
    case F_BETA:
    case F_EPSILON: {
        if (!is_allocator(call))
            return false;
        out->low = out->high = 3 * place->number + 2;
        bool virtual = !strcmp(name, "NtAllocateVirtualMemory");
        if (fault == F_EPSILON && virtual && below(2) && ret->pairs >= 2) {
            own(ret)[ret->count + 3] += 0x10000;
            out->class = PAR_EPSILON;
            return true;
        }
        uint32_t to = fault == F_EPSILON ? 0x10 : fault == F_ALPHA ? (virtual ? 0x10000000u : 0u - 0x08000000u) : virtual ? 0xB0000000u : 0x58000000u;
        out->class = fault == F_ALPHA ? PAR_ALPHA : fault == F_BETA ? PAR_BETA : PAR_EPSILON;
        out->tolerated = fault == F_ALPHA;
        return move_allocation(log, place->call, place->ret, to, fault == F_BETA);
    }
    case F_WEDGE: {
        if (place->tid != 6)
            return false;
        uint32_t wait = UINT32_MAX;
        for (uint32_t i = 0; i < export_count; i++)
            if (!strcmp(exports[i].name, "KeWaitForSingleObject"))
                wait = i;
        if (wait == UINT32_MAX)
            return false;
        static uint64_t args[] = {0x82345678, 3, 1, 0, 0}, begin[] = {1, UINT64_MAX, 0, 0x82345678}, zero[] = {0, 0};
        struct event rows[] = {{TRACE_CALL, 6, 0x82001234, wait, call->ns, 5, 0, false, args},
                               {TRACE_WAIT_BEGIN, 6, 0, 0, call->ns, 4, 0, false, begin},
                               {TRACE_WAIT_END, 6, 0, 0, call->ns, 1, 0, false, zero},
                               {TRACE_RETURN, 6, 0, wait, call->ns, 1, 0, true, zero}};
        insert(reference, place->call, rows, 4);
        size_t start = place->call;
        insert(log, start, rows, 2);
        erase(log, start + 2, log->count, 6);
        out->class = PAR_WEDGE;
        return true;
    }
    case F_UNIMPLEMENTED: {
        if (place->tid != 6)
            return false;
        size_t start = place->call + 1;
        struct event missing = {TRACE_MISSING, 6, 0, call->call, call->ns, 0, 0, false, copy_fields(NULL, 0)};
        log->count = start;
        add(log, missing);
        out->class = PAR_UNIMPLEMENTED;
        return true;
    }
    default:
        return false;
    }
}

// ---- Asking

static const struct par_divergence *find(const struct par_result *r, const struct expected *e, bool first)
{
    for (size_t i = 0; i < r->divergence_count; i++) {
        const struct par_divergence *x = &r->divergences[i];
        const struct par_thread *t = &r->threads[x->thread];
        bool here = x->reference_index >= e->low && x->reference_index <= e->high;
        for (unsigned k = 0; k < x->also_count && !first; k++)
            here = here || (x->also[k] >= e->low && x->also[k] <= e->high);
        if (t->reference_tid != e->tid || x->tolerated != e->tolerated || x->class != e->class || !here)
            continue;
        if (!first || e->tolerated || t->first == i)
            return x;
    }
    return NULL;
}

static char reference_path[64], ours_path[64];

static struct par_result *ask(void)
{
    struct par_result *r;
    struct error err = {0};
    const char *references[] = {reference_path};
    if (!par_compare(&r, references, 1, ours_path, NULL, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(2);
    }
    return r;
}

static void show_miss(const struct par_result *r, const struct expected *e, const char *name, uint64_t number)
{
    printf("missed %s (mutation %" PRIu64 "): thread %" PRIu32 ", class %s at %" PRIu64 "..%" PRIu64 "\n", name, number, e->tid,
           par_class_name(e->class), e->low, e->high);
    for (size_t i = 0; i < r->divergence_count && i < 3; i++) {
        const struct par_divergence *x = &r->divergences[i];
        printf("    %s%s %s %s at %" PRIu64 " of thread %" PRIu32 ": %s\n      R %s\n      O %s\n", x->tolerated ? "tolerated " : "", par_class_name(x->class),
               x->call, x->field, x->reference_index, r->threads[x->thread].reference_tid, x->why ? x->why : "",
               x->reference.text ? x->reference.text : "-", x->ours.text ? x->ours.text : "-");
    }
}

// How far a call is from the end of its thread.
static size_t calls_left(const struct places *p, size_t at)
{
    size_t n = 0;
    for (size_t k = at + 1; k < p->count; k++)
        n += p->rows[k].tid == p->rows[at].tid;
    return n;
}

static uint64_t tried[F_COUNT], named[F_COUNT], several_tried, several_named;

static void mutate_once(const struct log *base, uint64_t number, bool verbose)
{
    struct places p = find_places(base);
    struct log reference = clone(base), ours = clone(base);
    struct expected expected[3];
    enum fault kinds[3];
    bool several = below(6) == 0;
    unsigned wanted = several ? 3 : 1, made = 0;
    for (unsigned tries = 0; tries < 4000 && made < wanted; tries++) {
        size_t at = below(p.count);
        enum fault fault = (enum fault)(several ? below(F_ORDER) : (number + tries / 400) % F_COUNT);
        if (p.rows[at].tid != 6 && calls_left(&p, at) < 12)
            continue;
        // Several: well apart, later ones first so that places stay valid, on the main thread.
        if (several && (p.rows[at].tid != 6 || (made && p.rows[at].number + 60 > expected[made - 1].low / 3)))
            continue;
        if (inject(&ours, &reference, &p, at, fault, &expected[made]))
            kinds[made++] = fault;
    }
    if (made) {
        save(&reference, reference_path);
        save(&ours, ours_path);
        struct par_result *r = ask();
        bool good = true;
        for (unsigned i = 0; i < made; i++) {
            bool found = find(r, &expected[i], !several) && (!expected[i].tolerated || r->same);
            good = good && found;
            if (!found && verbose)
                show_miss(r, &expected[i], fault_names[kinds[i]], number);
        }
        *(several ? &several_tried : &tried[kinds[0]]) += 1;
        *(several ? &several_named : &named[kinds[0]]) += good;
        par_result_free(r);
    }
    free(reference.rows);
    free(ours.rows);
    free(p.rows);
}

// ---- Reorderings

// Events whose order among threads means something: signals and wakes, handles and memory, threads.
static bool is_ordered(const struct log *log, size_t at, const size_t *starts, size_t start_count)
{
    const struct event *e = &log->rows[at];
    for (size_t i = 0; i < start_count; i++)
        if (starts[i] == at)
            return true;
    if (e->kind == TRACE_CALL || e->kind == TRACE_RETURN) {
        const char *name = exports[e->call].name;
        return strstr(name, "Event") || strstr(name, "WaitFor") || strstr(name, "Alloc") || strstr(name, "Free") || strstr(name, "Close") ||
               strstr(name, "Create") || strstr(name, "Semaphore");
    }
    return true;
}

static struct log reorder(const struct log *log)
{
    struct log out = {0};
    static size_t at[4096], starts[4096];
    uint32_t tids[4096];
    size_t tid_count = 0, ordered = 0;
    for (size_t i = 0; i < log->count; i++) {
        size_t k = 0;
        while (k < tid_count && tids[k] != log->rows[i].tid)
            k++;
        if (k == tid_count && k < 4096) {
            tids[tid_count] = log->rows[i].tid;
            starts[tid_count] = i; // a thread starts behind its creation
            at[tid_count++] = i;
        }
    }
    size_t start_count = tid_count;
    while (out.count < log->count) {
        while (ordered < log->count && !is_ordered(log, ordered, starts, start_count))
            ordered++;
        size_t k = below(tid_count), burst = 1 + below(60);
        for (; burst && at[k] < log->count; burst--) {
            const struct event *e = &log->rows[at[k]];
            if (is_ordered(log, at[k], starts, start_count) && at[k] != ordered)
                break; // something on another thread must come first
            add(&out, *e);
            if (at[k] == ordered) {
                ordered++;
                while (ordered < log->count && !is_ordered(log, ordered, starts, start_count))
                    ordered++;
            }
            do
                at[k]++;
            while (at[k] < log->count && log->rows[at[k]].tid != tids[k]);
        }
    }
    return out;
}

static bool reorder_once(const struct log *base, uint64_t number)
{
    struct log ours = reorder(base);
    save(base, reference_path);
    save(&ours, ours_path);
    struct par_result *r = ask();
    bool good = r->same;
    if (!good) {
        struct expected none = {0};
        show_miss(r, &none, "nothing (reordering)", number);
    }
    par_result_free(r);
    free(ours.rows);
    return good;
}

int main(int argc, char **argv)
{
    uint64_t count = 300, reorders = 60, start = 1;
    bool verbose = false;
    const char *paths[16];
    size_t path_count = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--count") && i + 1 < argc)
            count = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--reorder") && i + 1 < argc)
            reorders = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
            start = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--verbose"))
            verbose = true;
        else if (path_count < 16)
            paths[path_count++] = argv[i];
    }
    if (!path_count) {
        puts("SKIPPED: no log to mutate was given (the shared reference logs are not here)");
        return 77;
    }
    snprintf(reference_path, sizeof reference_path, "/tmp/par-inject-%d-r.xt", (int)getpid());
    snprintf(ours_path, sizeof ours_path, "/tmp/par-inject-%d-o.xt", (int)getpid());
    uint64_t bad_order = 0;
    printf("seed %" PRIu64 "\n", start);
    for (size_t k = 0; k < path_count; k++) {
        struct log log = {0};
        seed = start * 0x9E3779B97F4A7C15u + k + 1;
        if (!load(&log, paths[k]))
            return 2;
        for (uint64_t i = 0; i < count / path_count; i += 20) {
            struct log base = slice(&log, 1500 + below(1500), 2000 + below(3000));
            for (uint64_t n = i; n < i + 20 && n < count / path_count; n++)
                mutate_once(&base, n, verbose);
            free(base.rows);
        }
        for (uint64_t i = 0; i < reorders / path_count; i++) {
            struct log base = slice(&log, 2000, 1000 + below(4000));
            bad_order += !reorder_once(&base, i);
            free(base.rows);
        }
        free(log.rows);
    }
    unlink(reference_path);
    unlink(ours_path);
    uint64_t all = several_tried, right = several_named;
    for (unsigned f = 0; f < F_COUNT; f++) {
        printf("%-14s %5" PRIu64 " of %5" PRIu64 " named\n", fault_names[f], named[f], tried[f]);
        all += tried[f];
        right += named[f];
    }
    printf("%-14s %5" PRIu64 " of %5" PRIu64 " named\n", "three at once", several_named, several_tried);
    printf("all            %5" PRIu64 " of %5" PRIu64 " named: %.2f %%\n", right, all, all ? 100.0 * (double)right / (double)all : 0.0);
    printf("reorderings    %5" PRIu64 " of %5" PRIu64 " without a false divergence\n", reorders - bad_order, reorders);
    return all && right * 100 >= all * 99 && !bad_order ? 0 : 1;
}
