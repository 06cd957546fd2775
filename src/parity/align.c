// Resynchronisation: where two streams of calls agree again after a difference, at the least cost.
// Small differences are found by weighted edit distance in a growing window; beyond that, calls that are unique in both windows
// (patience) cut the gap into pieces that the same edit distance solves.
#include <stdlib.h>
#include <string.h>

#include "parity/diff.h"

enum { SURE = 6,      // equal calls in a row that end a difference
       PROBE = 4,     // calls looked at behind a pair that differs
       TABLE = 1024,  // side of the largest table
       COST_TAIL = 1, // behind the end of one window nothing is known
       COST_GAP = 4, COST_RESULT = 2, COST_SITE_ONLY = 5, COST_ARGUMENT = 5, COST_SITE = 9, COST_NEVER = 60000 };

static void remember(struct par_history *h, const struct par_record *r)
{
    unsigned at = h->next;
    if (h->sizes[at] < r->bytes) {
        uint8_t *grown = realloc(h->rows[at], r->bytes);
        if (!grown)
            return;
        h->rows[at] = grown;
        h->sizes[at] = r->bytes;
    }
    memcpy(h->rows[at], r, r->bytes);
    h->next = (at + 1) % PAR_BEFORE;
    h->count += h->count < PAR_BEFORE;
}

static void advance(struct par_diff *d, struct par_queue *q, bool ours)
{
    struct par_pairing *p = &d->pairings[d->slot];
    const struct par_record *r = par_queue_head(q);
    bool counts_return = d->shared.unit == 1 || r->flags & PAR_RETURNED;
    uint64_t next = r->index + (counts_return ? d->shared.unit : 2);
    remember(ours ? &p->before : &p->reference_before, r);
    if (p->tail_count)
        par_show_behind(d, r, ours);
    *(ours ? &p->at : &p->reference_at) = next;
    *(ours ? &p->raw : &p->reference_raw) = r->raw_index;
    par_queue_pop(q);
}

// The two runs take a text anew each second of their own time.
static void note_pace(struct par_diff *d, const struct par_record *a, const struct par_record *b)
{
    d->pace = d->pace || (a->ns && b->ns && a->ns / 1000000000 != b->ns / 1000000000);
}

void par_take_pair(struct par_diff *d, struct par_queue *a, struct par_queue *b)
{
    const struct par_record *ra = par_queue_head(a), *rb = par_queue_head(b);
    par_same_record(d, ra, rb, true);
    if (ra->lr && rb->lr)
        *(ra->lr == rb->lr ? &d->sites_equal : &d->sites_different) += 1;
    advance(d, a, false);
    advance(d, b, true);
}

static void report_one(struct par_diff *d, const struct par_record *r, bool ours)
{
    if (par_is_floating(d, r, ours, true))
        return;
    bool missing_export = ours && r->flags & PAR_IS_MISSING;
    struct par_finding f = {.class = missing_export ? PAR_UNIMPLEMENTED : ours ? PAR_EXTRA : PAR_MISSING, .rule = PAR_RULE_COUNT, .field = "call",
                            .a = ours ? NULL : r, .b = ours ? r : NULL};
    f.why = par_format(ours ? "only our log has this call here" : "only the reference has this call here");
    par_emit(d, &f);
}

void par_take_one(struct par_diff *d, struct par_queue *q, bool ours)
{
    report_one(d, par_queue_head(q), ours);
    advance(d, q, ours);
}

static bool same(struct par_diff *d, const struct par_record *a, const struct par_record *b)
{
    return a->call == b->call && par_same_site(d, a, b) && par_same_record(d, a, b, false);
}

// ---- Edit distance

static unsigned pair_cost(struct par_diff *d, const struct par_record *a, const struct par_record *b)
{
    if (a->call != b->call)
        return COST_NEVER;
    if (par_same_record(d, a, b, false))
        return par_same_site(d, a, b) ? 0 : COST_SITE_ONLY;
    if (!par_same_site(d, a, b))
        return COST_SITE;
    return a->key == b->key ? COST_RESULT : COST_ARGUMENT;
}

static unsigned gap_cost(struct par_diff *d, const struct par_record *r, bool ours)
{
    return par_is_floating(d, r, ours, false) ? 1 : COST_GAP;
}

enum step { PAIR = 1, DROP_A = 2, DROP_B = 3 };

// The cheapest script, one step a byte, from the start; its length. steps: (n + 1) * (m + 1) bytes, script: n + m bytes.
static size_t edit_script(struct par_diff *d, const struct par_record *const *a, size_t n, const struct par_record *const *b, size_t m,
                          uint8_t *steps, uint8_t *script)
{
    uint32_t *row = malloc((m + 1) * sizeof *row);
    if (!row)
        return 0;
    // From the end to the start, so that the script is read forwards and gaps come as early as they can.
    for (size_t i = n + 1; i-- > 0;) {
        uint32_t diagonal = 0;
        for (size_t j = m + 1; j-- > 0;) {
            uint32_t below = row[j], best;
            uint8_t step;
            if (i == n && j == m) {
                best = 0;
                step = 0;
            } else {
                uint32_t drop_a = i < n ? below + (j < m ? gap_cost(d, a[i], false) : COST_TAIL) : UINT32_MAX;
                uint32_t drop_b = j < m ? row[j + 1] + (i < n ? gap_cost(d, b[j], true) : COST_TAIL) : UINT32_MAX;
                uint32_t cost = i < n && j < m ? pair_cost(d, a[i], b[j]) : COST_NEVER;
                uint32_t pair = cost < COST_NEVER ? diagonal + cost : UINT32_MAX;
                best = pair;
                step = PAIR;
                if (drop_a < best) {
                    best = drop_a;
                    step = DROP_A;
                }
                if (drop_b < best) {
                    best = drop_b;
                    step = DROP_B;
                }
            }
            steps[i * (m + 1) + j] = step;
            diagonal = below;
            row[j] = best;
        }
    }
    free(row);
    size_t length = 0;
    for (size_t i = 0, j = 0; i < n || j < m;) {
        uint8_t step = steps[i * (m + 1) + j];
        script[length++] = step;
        i += step != DROP_B;
        j += step != DROP_A;
    }
    return length;
}

// ---- Carrying a script out

// A call that one side drops and the other has elsewhere in the same script: it moved.
static bool find_moved(const struct par_record *r, const struct par_record *const *other, const uint8_t *gone, size_t count, size_t *at)
{
    for (size_t i = 0; i < count; i++)
        if (gone[i] && other[i]->call == r->call && other[i]->key == r->key) {
            *at = i;
            return true;
        }
    return false;
}

static void report_moved(struct par_diff *d, const struct par_record *a, const struct par_record *b, const struct par_record *const *crossed,
                         size_t count)
{
    if (d->learning) {
        par_learn_move(d, a, crossed, count);
        return;
    }
    if (par_may_move(d, a, crossed, count) || par_is_floating(d, a, false, true))
        return;
    struct par_finding f = {.class = PAR_ORDER, .rule = PAR_RULE_COUNT, .field = "call", .a = a, .b = b};
    f.why = par_format("the same call comes %s here than in the reference", b->index < a->index ? "earlier" : "later");
    par_emit(d, &f);
}

// Takes `length` steps. rows_a and rows_b are views of the queues from their heads, so they move only by popping.
static void carry_out(struct par_diff *d, struct par_queue *qa, struct par_queue *qb, const uint8_t *script, size_t length)
{
    size_t n = 0, m = 0;
    for (size_t k = 0; k < length; k++) {
        n += script[k] != DROP_B;
        m += script[k] != DROP_A;
    }
    uint8_t *gone_a = calloc(n + 1, 1), *gone_b = calloc(m + 1, 1);
    for (size_t k = 0, i = 0, j = 0; gone_a && gone_b && k < length; k++) {
        if (script[k] == DROP_A)
            gone_a[i] = 1;
        if (script[k] == DROP_B)
            gone_b[j] = 1;
        i += script[k] != DROP_B;
        j += script[k] != DROP_A;
    }
    for (size_t k = 0, i = 0, j = 0; gone_a && gone_b && k < length; k++) {
        size_t at;
        if (script[k] == PAIR) {
            note_pace(d, d->rows_a[i], d->rows_b[j]);
            par_take_pair(d, qa, qb);
        } else if (script[k] == DROP_A) {
            if (gone_a[i] == 1 && find_moved(d->rows_a[i], d->rows_b, gone_b, m, &at)) {
                report_moved(d, d->rows_a[i], d->rows_b[at], d->rows_b + (at < j ? at + 1 : j), at < j ? j - at - 1 : at - j);
                gone_b[at] = 2;
                advance(d, qa, false);
            } else if (gone_a[i] == 1) {
                par_take_one(d, qa, false);
            } else {
                advance(d, qa, false); // told already, where it stands in our log
            }
        } else if (gone_b[j] == 1 && find_moved(d->rows_b[j], d->rows_a, gone_a, n, &at) && at >= i) {
            report_moved(d, d->rows_a[at], d->rows_b[j], d->rows_a + i, at - i);
            gone_a[at] = 2;
            advance(d, qb, true);
        } else if (gone_b[j] == 1) {
            par_take_one(d, qb, true);
        } else {
            advance(d, qb, true);
        }
        i += script[k] != DROP_B;
        j += script[k] != DROP_A;
    }
    free(gone_a);
    free(gone_b);
}

// Steps to take of a script: up to the end of the last run of equal pairs that is long enough; 0: there is none.
static size_t sure_part(struct par_diff *d, const uint8_t *script, size_t length)
{
    size_t sure = 0, run = 0;
    for (size_t k = 0, i = 0, j = 0; k < length; k++) {
        run = script[k] == PAIR && same(d, d->rows_a[i], d->rows_b[j]) ? run + 1 : 0;
        i += script[k] != DROP_B;
        j += script[k] != DROP_A;
        if (run >= SURE) {
            sure = k + 1;
            break; // go on by plain comparison from here
        }
    }
    return sure;
}

// ---- Views of the queues

static size_t view(struct par_queue *q, const struct par_record **rows, size_t wanted)
{
    size_t n = 0, at = 0;
    par_queue_load(q, wanted);
    for (const struct par_record *r; n < wanted && (r = par_queue_at(q, at)); n++) {
        rows[n] = r;
        at += r->bytes;
    }
    return n;
}

// A pair of one call that differs, and behind it all goes on together: an argument or a result, no gap.
static bool is_substitution(struct par_diff *d, size_t n, size_t m)
{
    const struct par_record *a = d->rows_a[0], *b = d->rows_b[0];
    if (a->call != b->call || !par_same_site(d, a, b))
        return false;
    size_t left = n < m ? n : m, agree = 0, looked = 0;
    for (; looked < PROBE && looked + 1 < left; looked++)
        agree += same(d, d->rows_a[looked + 1], d->rows_b[looked + 1]);
    // Two equal calls side by side say little: a gap would agree just as well.
    if (looked < PROBE)
        return false;
    return agree == looked && !(n > 1 && same(d, d->rows_a[1], b)) && !(m > 1 && same(d, a, d->rows_b[1]));
}

// ---- Patience: calls that are unique in both windows, in the longest common order

struct anchor {
    uint64_t key;
    uint32_t at_a, at_b;
    uint32_t length, before; // of the longest chain that ends here
};

static int by_key(const void *x, const void *y)
{
    const struct anchor *a = x, *b = y;
    return a->key < b->key ? -1 : a->key > b->key ? 1 : a->at_a < b->at_a ? -1 : a->at_a > b->at_a;
}

static int by_place(const void *x, const void *y)
{
    const struct anchor *a = x, *b = y;
    return a->at_a < b->at_a ? -1 : a->at_a > b->at_a;
}

// Unique keys of one side, sorted by key.
static size_t unique_keys(const struct par_record *const *rows, size_t n, struct anchor *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (struct anchor){.key = rows[i]->key ^ (uint64_t)rows[i]->lr << 32, .at_a = (uint32_t)i};
    qsort(out, n, sizeof *out, by_key);
    size_t used = 0;
    for (size_t i = 0; i < n; i++)
        if ((i == 0 || out[i - 1].key != out[i].key) && (i + 1 == n || out[i + 1].key != out[i].key))
            out[used++] = out[i];
    return used;
}

static size_t common_keys(struct anchor *a, size_t n, const struct anchor *b, size_t m)
{
    size_t used = 0;
    for (size_t i = 0, j = 0; i < n && j < m;) {
        if (a[i].key == b[j].key) {
            a[used] = a[i++];
            a[used++].at_b = b[j++].at_a;
        } else if (a[i].key < b[j].key) {
            i++;
        } else {
            j++;
        }
    }
    qsort(a, used, sizeof *a, by_place);
    return used;
}

// The first anchor of the longest chain, by patience sorting (quadratic in a bounded window is fine).
static bool first_anchor(struct anchor *a, size_t n, size_t *at_a, size_t *at_b)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        a[i].length = 1;
        a[i].before = UINT32_MAX;
        for (size_t k = i > 200 ? i - 200 : 0; k < i; k++)
            if (a[k].at_b < a[i].at_b && a[k].length + 1 > a[i].length) {
                a[i].length = a[k].length + 1;
                a[i].before = (uint32_t)k;
            }
        if (best == SIZE_MAX || a[i].length > a[best].length)
            best = i;
    }
    if (best == SIZE_MAX || a[best].length < 3)
        return false;
    while (a[best].before != UINT32_MAX)
        best = a[best].before;
    *at_a = a[best].at_a;
    *at_b = a[best].at_b;
    return true;
}

// Finds the first anchor in the whole window; the gap before it goes through the table, or, too large for it, as a block.
static bool resolve_by_anchors(struct par_diff *d, struct par_queue *qa, struct par_queue *qb, uint8_t *script)
{
    size_t n = view(qa, d->rows_a, d->window), m = view(qb, d->rows_b, d->window), at_a = 0, at_b = 0;
    struct anchor *a = malloc((n + 1) * sizeof *a), *b = malloc((m + 1) * sizeof *b);
    bool found = false;
    if (a && b) {
        size_t ua = unique_keys(d->rows_a, n, a), ub = unique_keys(d->rows_b, m, b);
        found = first_anchor(a, common_keys(a, ua, b, ub), &at_a, &at_b);
    }
    free(a);
    free(b);
    if (!found || (!at_a && !at_b))
        return false;
    if (at_a <= TABLE && at_b <= TABLE) {
        size_t length = edit_script(d, d->rows_a, at_a, d->rows_b, at_b, d->steps, script);
        carry_out(d, qa, qb, script, length);
        return true;
    }
    for (; at_a; at_a--)
        par_take_one(d, qa, false);
    for (; at_b; at_b--)
        par_take_one(d, qb, true);
    return true;
}

bool par_resolve(struct par_diff *d, struct par_queue *qa, struct par_queue *qb, bool final)
{
    static const size_t sides[] = {24, 128, TABLE};
    uint8_t *script = d->steps + (size_t)(TABLE + 1) * (TABLE + 1);
    note_pace(d, par_queue_head(qa), par_queue_head(qb));
    for (size_t k = 0; k < sizeof sides / sizeof *sides; k++) {
        size_t side = sides[k] < d->window ? sides[k] : d->window;
        size_t n = view(qa, d->rows_a, side), m = view(qb, d->rows_b, side);
        bool all = final && n == qa->count && m == qb->count;
        if (!all && !final && (n < side || m < side))
            return false;
        if (k == 0 && is_substitution(d, n, m)) {
            par_take_pair(d, qa, qb);
            return true;
        }
        size_t length = edit_script(d, d->rows_a, n, d->rows_b, m, d->steps, script);
        size_t sure = sure_part(d, script, length);
        if (!sure && all) {
            // What is left of the longer one is judged by how the logs end.
            sure = length;
            while (sure && script[sure - 1] != PAIR)
                sure--;
            if (!sure)
                sure = length;
        }
        if (!sure && k + 1 == sizeof sides / sizeof *sides) {
            if (resolve_by_anchors(d, qa, qb, script))
                return true;
            view(qa, d->rows_a, side);
            view(qb, d->rows_b, side);
            sure = length;
        }
        if (sure) {
            carry_out(d, qa, qb, script, sure);
            return true;
        }
    }
    return false;
}
