// plan.c: which code is translated together.
//
// Where a function's bounds are known, its words; a large function is cut into pieces where few branches cross. So each instruction
// belongs to one unit, the same one wherever it is entered first. Elsewhere, all that direct branches reach from an entry, up to
// calls, within a window.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "cpu/engine.h"

enum {
    BEFORE = 0x4000,  // bytes before the entry that still belong to the unit (loops entered in their middle)
    BEHIND = 0x8000,  // and behind it
    WORDS = (BEFORE + BEHIND) / 4,
    MAX_INSNS = 4000, // of a unit
    MAX_TABLE = 512,  // entries of a jump table
    LOOK_BACK = 24,   // instructions before a bctr that say how large its table is
    FAR_BACK = 400,   // and that may say where it is: its address may have been made before a loop
    MOST_CONSTANTS = 64,
};

// What is known of the word at low + 4 * i. CALLED: an entry that other units jump to.
enum { SEEN = 1, LEADER = 2, ENTRY = 4, TARGET = 8, CALLED = 16 };

struct finder {
    const struct mem *mem;
    const struct functions *known;
    bool (*is_entry)(void *user, uint32_t pc);
    void *user;
    uint32_t pc, low, words, most;
    bool whole;      // a function whose bounds are known: all its words are SEEN before
    uint8_t *marks;
    uint32_t *list;  // still to look at
    uint32_t *jumps; // unconditional ones, likewise
    uint32_t list_count, jump_count, count;
};

static bool in_window(const struct finder *f, uint32_t pc)
{
    return (pc - f->low) / 4 < f->words && !(pc & 3);
}

static bool word_at(const struct finder *f, uint32_t pc, uint32_t *out)
{
    return !mem_is_shared(f->mem, pc) && mem_get32(f->mem, pc, out);
}

// Adds code at `pc` to what is to be looked at.
static void reach(struct finder *f, uint32_t pc, unsigned marks)
{
    uint32_t word;
    struct cpu_code_range function;
    if (!in_window(f, pc))
        return;
    uint8_t *m = &f->marks[(pc - f->low) / 4];
    if (!(*m & SEEN)) {
        if (f->whole || f->count >= f->most || !word_at(f, pc, &word) || (pc != f->pc && (f->is_entry(f->user, pc) || functions_find(f->known, pc, &function))))
            return;
        *m |= SEEN;
        f->count++;
        f->list[f->list_count++] = pc;
    }
    *m |= (uint8_t)marks;
}

// ---- Jump tables. What is found here is only tried: compiled code looks where the jump really goes.

struct table {
    uint32_t constants[MOST_CONSTANTS]; // addresses that the code before the jump makes
    unsigned constant_count;
    unsigned width; // bytes of an entry
    uint32_t bound; // the highest index
    bool bounded;
};

static void read_clues(struct finder *f, uint32_t pc, struct table *t)
{
    uint32_t high[32] = {0}, word, first = pc - 4 * FAR_BACK;
    bool known[32] = {0};
    uint32_t earliest = f->whole ? f->low : f->pc - 4 * LOOK_BACK;
    if (first < earliest && f->pc <= pc)
        first = earliest;
    for (uint32_t at = first; at != pc; at += 4) {
        if (!word_at(f, at, &word))
            continue;
        unsigned rt = word >> 21 & 31, ra = word >> 16 & 31, primary = word >> 26;
        if (primary == 15 && !ra) { // lis
            high[rt] = word << 16;
            known[rt] = true;
        } else if ((primary == 14 || primary == 24) && known[primary == 14 ? ra : rt] && t->constant_count < MOST_CONSTANTS) {
            uint32_t base = high[primary == 14 ? ra : rt]; // addi or ori
            t->constants[t->constant_count++] = primary == 14 ? base + (uint32_t)(int16_t)word : base | (word & 0xFFFF);
        } else if (primary == 10 || primary == 11) { // cmplwi, cmpwi
            t->bound = word & 0xFFFF;
            t->bounded = true;
        } else if (primary == 31) {
            unsigned extended = word >> 1 & 0x3FF;
            t->width = extended == 23 || extended == 341 ? 4 : extended == 279 || extended == 343 ? 2 : extended == 87 ? 1 : t->width;
        }
    }
}

static bool table_entry(struct finder *f, const struct table *t, uint32_t table, uint32_t base, unsigned shift, uint32_t i, uint32_t *out)
{
    uint32_t word;
    uint16_t half;
    uint8_t byte;
    uint32_t at = table + i * t->width;
    if (t->width == 4 ? !mem_get32(f->mem, at, &word) : t->width == 2 ? !mem_get16(f->mem, at, &half) : !mem_get8(f->mem, at, &byte))
        return false;
    *out = base + ((t->width == 4 ? word : t->width == 2 ? half : byte) << shift);
    return in_window(f, *out) && !(*out & 3);
}

static bool try_table(struct finder *f, const struct table *t, uint32_t table, uint32_t base, unsigned shift, unsigned marks)
{
    uint32_t target, word;
    for (uint32_t i = 0; i <= t->bound; i++)
        if (!table_entry(f, t, table, base, shift, i, &target) || !word_at(f, target, &word) || ppc_decode(word) == PPC_OP_INVALID)
            return false;
    for (uint32_t i = 0; i <= t->bound; i++)
        if (table_entry(f, t, table, base, shift, i, &target))
            reach(f, target, LEADER | TARGET | marks);
    return true;
}

static void find_table(struct finder *f, uint32_t pc, unsigned marks)
{
    struct table t = {0};
    read_clues(f, pc, &t);
    if (!t.bounded || t.bound >= MAX_TABLE || !t.width)
        return;
    for (unsigned n = t.constant_count; n > 0; n--) { // the last one made is the likeliest
        unsigned i = n - 1;
        if (t.width == 4 && (try_table(f, &t, t.constants[i], 0, 0, marks) || try_table(f, &t, t.constants[i], t.constants[i], 0, marks)))
            return;
        for (unsigned j = 0; t.width < 4 && j < t.constant_count; j++)
            if (i != j && (try_table(f, &t, t.constants[i], t.constants[j], 2, marks) || try_table(f, &t, t.constants[i], t.constants[j], 0, marks)))
                return;
    }
}

// ---- Following the code

static bool never_goes_on(uint32_t word)
{
    enum { BLR = 0x4E800020, BCTR = 0x4E800420 };
    return word == BLR || word == BCTR || (word >> 26 == 18 && !(word & 1)) || word == 0;
}

// Whether a function seems to start at `pc`, which a jump leads to: the code before does not run into it, and no branch of
// the unit has led to it so far; or it makes a stack frame.
static bool starts_function(const struct finder *f, uint32_t pc)
{
    enum { MFLR_R12 = 0x7D8802A6, MFLR_R0 = 0x7C0802A6 };
    uint32_t before, word;
    if (!word_at(f, pc, &word) || !word_at(f, pc - 4, &before))
        return true;
    if (word == MFLR_R12 || word == MFLR_R0 || word >> 16 == 0x9421 || (word >> 16 == 0xF821 && (word & 3) == 1))
        return true;
    return never_goes_on(before) && !(f->marks[(pc - f->low) / 4] & SEEN);
}

// A direct jump without link: into the unit, or to another one.
static bool belongs(const struct finder *f, uint32_t target, bool conditional)
{
    if (!in_window(f, target))
        return false;
    return conditional || (target >= f->pc && !starts_function(f, target));
}

static void follow_target(struct finder *f, uint32_t pc, uint32_t target, bool conditional)
{
    if (belongs(f, target, conditional))
        reach(f, target, target <= pc ? LEADER | ENTRY : LEADER);
}

static void follow_branch(struct finder *f, uint32_t pc, uint32_t word)
{
    bool call = word & 1, indirect = word >> 26 == 19;
    bool always = word >> 26 == 18 || (word >> 21 & 20) == 20;
    if (call) {
        reach(f, pc + 4, LEADER | ENTRY);
        return;
    }
    if (!indirect && always)
        f->jumps[f->jump_count++] = pc;
    else if (!indirect)
        follow_target(f, pc, ppc_branch_target(word, pc), true);
    else if (always && (word >> 1 & 0x3FF) == 528)
        find_table(f, pc, 0);
    if (!always) // the last that is added is the first that is followed
        reach(f, pc + 4, LEADER);
}

static void follow_jump(struct finder *f, uint32_t pc)
{
    uint32_t word;
    if (word_at(f, pc, &word))
        follow_target(f, pc, ppc_branch_target(word, pc), false);
}

static void follow(struct finder *f, uint32_t pc)
{
    uint32_t word;
    if (!word_at(f, pc, &word))
        return;
    enum ppc_opcode op = ppc_decode(word);
    if (op == PPC_OP_INVALID || op == PPC_OP_sc)
        return;
    enum ppc_kind kind = ppc_opcodes[op].kind;
    if (kind == PPC_BRANCH || kind == PPC_INDIRECT)
        follow_branch(f, pc, word);
    else
        reach(f, pc + 4, 0);
}

// Of the words from `first` up to `end`, in the order of their addresses.
static bool collect(struct finder *f, uint32_t first, uint32_t end, struct rc_plan *out)
{
    out->insns = calloc(f->count + 1, sizeof *out->insns);
    out->entries = calloc(f->count + 1, sizeof *out->entries);
    if (!out->insns || !out->entries)
        return false;
    out->entries[out->entry_count++] = f->pc;
    for (uint32_t i = first; i < end; i++) {
        unsigned marks = f->marks[i];
        if (!(marks & SEEN))
            continue;
        struct rc_insn *n = &out->insns[out->count++];
        n->pc = f->low + 4 * i;
        if (!word_at(f, n->pc, &n->word))
            return false;
        enum ppc_opcode op = ppc_decode(n->word);
        n->opcode = (uint16_t)op;
        n->flags = (uint16_t)((marks & LEADER ? RC_LEADER : 0) | (marks & ENTRY ? RC_ENTRY : 0) | (marks & TARGET ? RC_TARGET : 0) |
                              (op == PPC_OP_INVALID ? RC_UNKNOWN : 0));
        if (marks & ENTRY && n->pc != f->pc)
            out->entries[out->entry_count++] = n->pc | (marks & CALLED ? RC_CALLED : 0);
    }
    return out->count > 0;
}

static bool make_room(struct finder *f)
{
    f->marks = calloc(f->words, 1);
    f->list = f->whole ? NULL : malloc(f->words * sizeof *f->list);
    f->jumps = f->whole ? NULL : malloc(f->words * sizeof *f->jumps);
    return f->marks && (f->whole || (f->list && f->jumps));
}

static void free_room(struct finder *f)
{
    free(f->marks);
    free(f->list);
    free(f->jumps);
}

// What branches lead to from `pc`, where no function is known.
static bool make_from(struct finder *f, struct rc_plan *out)
{
    f->low = f->pc < BEFORE ? 0 : f->pc - BEFORE;
    f->words = WORDS;
    if (!make_room(f))
        return false;
    reach(f, f->pc, LEADER | ENTRY);
    // Jumps come last: by then it is known what the conditional branches belong together.
    while (f->list_count || f->jump_count) {
        while (f->list_count)
            follow(f, f->list[--f->list_count]);
        if (f->jump_count)
            follow_jump(f, f->jumps[--f->jump_count]);
    }
    return f->count && collect(f, 0, f->words, out);
}

// ---- Functions whose bounds are known

static void look(struct finder *f, uint32_t pc, uint32_t word, unsigned marks)
{
    enum ppc_kind kind = ppc_opcodes[ppc_decode(word)].kind;
    if (kind != PPC_BRANCH && kind != PPC_INDIRECT)
        return;
    bool call = word & 1, always = word >> 26 == 18 || (word >> 21 & 20) == 20;
    uint32_t target = ppc_branch_target(word, pc);
    if (call) // a function may call itself
        reach(f, pc + 4, LEADER | ENTRY);
    else if (kind == PPC_BRANCH)
        reach(f, target, marks | (target <= pc ? LEADER | ENTRY : LEADER));
    else if (always && (word >> 1 & 0x3FF) == 528)
        find_table(f, pc, marks);
    if (!call && !always)
        reach(f, pc + 4, LEADER);
}

static bool runs_on(const struct finder *f, uint32_t pc)
{
    uint32_t word;
    if (!in_window(f, pc) || !(f->marks[(pc - f->low) / 4] & SEEN) || !word_at(f, pc, &word))
        return false;
    return !never_goes_on(word);
}

static void look_at_all(struct finder *f)
{
    uint32_t word;
    for (uint32_t i = 0; i < f->words; i++)
        if (word_at(f, f->low + 4 * i, &word) && ppc_decode(word) != PPC_OP_INVALID) {
            f->marks[i] = SEEN;
            f->count++;
        }
    for (uint32_t i = 0; i < f->words; i++)
        if (f->marks[i] & SEEN && word_at(f, f->low + 4 * i, &word))
            look(f, f->low + 4 * i, word, 0);
    for (uint32_t i = 0; i < f->words; i++) {
        uint32_t pc = f->low + 4 * i;
        // What nothing of the function leads to is reached by computed jumps.
        if (f->marks[i] & SEEN && (functions_entered(f->known, pc) || (!(f->marks[i] & LEADER) && !runs_on(f, pc - 4))))
            f->marks[i] |= LEADER | ENTRY | CALLED;
    }
}

// How many branches cross each place of a large function; those back, that make loops, count more.
static void weigh(const struct finder *f, int32_t *crossing)
{
    enum { FORWARD = 1, BACK = 8 };
    uint32_t word;
    for (uint32_t i = 0; i < f->words; i++) {
        uint32_t pc = f->low + 4 * i;
        if (!(f->marks[i] & SEEN) || !word_at(f, pc, &word) || ppc_opcodes[ppc_decode(word)].kind != PPC_BRANCH || word & 1)
            continue;
        uint32_t target = ppc_branch_target(word, pc), other = (target - f->low) / 4;
        if (!in_window(f, target))
            continue;
        int32_t weight = target <= pc ? BACK : FORWARD;
        crossing[(other < i ? other : i) + 1] += weight;
        crossing[(other < i ? i : other) + 1] -= weight;
    }
    for (uint32_t i = 1; i <= f->words; i++)
        crossing[i] += crossing[i - 1];
}

// The piece of at most f->most words that holds number `wanted`. False: no memory.
static bool cut(const struct finder *f, uint32_t wanted, uint32_t *first, uint32_t *end)
{
    *first = 0;
    *end = f->words;
    if (f->words <= f->most)
        return true;
    int32_t *crossing = calloc(f->words + 2, sizeof *crossing);
    if (!crossing)
        return false;
    weigh(f, crossing);
    for (;; *first = *end) {
        uint32_t rest = f->words - *first;
        *end = f->words;
        if (rest <= f->most)
            break;
        uint32_t from = *first + f->most / 2, to = *first + f->most;
        *end = to;
        for (uint32_t at = to; at >= from; at--) // before `at`; the last of the best
            if (crossing[at] + runs_on(f, f->low + 4 * at - 4) < crossing[*end] + runs_on(f, f->low + 4 * *end - 4))
                *end = at;
        if (wanted < *end)
            break;
    }
    free(crossing);
    return true;
}

// Jumps of the other pieces.
static void look_at_rest(struct finder *f, uint32_t first, uint32_t end)
{
    uint32_t word;
    for (uint32_t i = 0; i < f->words; i++)
        if ((i < first || i >= end) && f->marks[i] & SEEN && word_at(f, f->low + 4 * i, &word) && !(word & 1))
            look(f, f->low + 4 * i, word, ENTRY | CALLED);
}

static bool start_whole(struct finder *f, const struct cpu_code_range *function)
{
    f->whole = true;
    f->low = function->base;
    f->words = function->size / 4;
    f->pc = f->low; // tables are looked for from here
    if (!make_room(f))
        return false;
    look_at_all(f);
    return true;
}

static bool make_whole(struct finder *f, uint32_t pc, const struct cpu_code_range *function, struct rc_plan *out)
{
    uint32_t first, end;
    if (!start_whole(f, function) || !cut(f, (pc - f->low) / 4, &first, &end))
        return false;
    if (first || end < f->words)
        look_at_rest(f, first, end);
    uint32_t start = first;
    while (start < end && !(f->marks[start] & SEEN))
        start++;
    if (start == end)
        return false;
    f->marks[start] |= LEADER | ENTRY;
    f->pc = f->low + 4 * start;
    return collect(f, start, end, out);
}

bool plan_bounds(const struct functions *known, const struct mem *m, uint32_t pc, uint32_t most, struct cpu_code_range *out)
{
    uint32_t word, first, end;
    if (!functions_find(known, pc, out))
        return false;
    if (out->size / 4 > most) {
        struct finder f = {.mem = m, .known = known, .most = most};
        bool ok = start_whole(&f, out) && cut(&f, (pc - f.low) / 4, &first, &end);
        free_room(&f);
        if (!ok)
            return false;
        *out = (struct cpu_code_range){f.low + 4 * first, 4 * (end - first)};
    }
    while (out->size && (!mem_get32(m, out->base, &word) || ppc_decode(word) == PPC_OP_INVALID)) {
        out->base += 4;
        out->size -= 4;
    }
    return true;
}

bool plan_make(const struct functions *known, const struct mem *m, uint32_t pc, bool (*is_entry)(void *user, uint32_t pc), void *user,
               uint32_t most, struct rc_plan *out)
{
    *out = (struct rc_plan){0};
    struct finder f = {.mem = m, .known = known, .is_entry = is_entry, .user = user, .pc = pc, .most = most};
    struct cpu_code_range function;
    bool ok = functions_find(known, pc, &function) ? make_whole(&f, pc, &function, out) : make_from(&f, out);
    if (!ok)
        plan_free(out);
    free_room(&f);
    return ok;
}

void plan_free(struct rc_plan *p)
{
    free(p->insns);
    free(p->entries);
    *p = (struct rc_plan){0};
}
