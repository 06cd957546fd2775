// loops.c: which guest blocks lie in loops without calls: circles of blocks, none of which calls (Tarjan's algorithm).
#include <stdlib.h>

#include "cpu/recompiler/unit_parts.h"

struct circles {
    struct unit *u;
    uint32_t *number, *lowest; // by block; number 0: not seen
    uint32_t *stack, depth, last;
    bool *waiting; // on the stack
};

static bool has_call(struct unit *u, const struct guest_block *g)
{
    for (uint32_t i = 0; i < g->count; i++) {
        const struct rc_insn *n = &u->plan->insns[g->first + i];
        if (n->flags & RC_UNKNOWN || unit_is_call(n) || !rc_can_specialise(u->templates, n->opcode, n->word))
            return true;
    }
    return false;
}

static void visit(struct circles *c, uint32_t block);

// Returns whether the way leads back to `from` itself.
static bool look_at(struct circles *c, uint32_t from, uint32_t to)
{
    if (to == UINT32_MAX || c->u->blocks[to].calls)
        return false;
    if (!c->number[to])
        visit(c, to);
    if (c->waiting[to] && c->lowest[to] < c->lowest[from])
        c->lowest[from] = c->lowest[to];
    return to == from;
}

static bool look_at_ways(struct circles *c, uint32_t block)
{
    struct unit *u = c->u;
    const struct guest_block *g = &u->blocks[block];
    const struct rc_insn *last = &u->plan->insns[g->first + g->count - 1];
    enum ppc_kind kind = ppc_opcodes[last->opcode].kind;
    bool always = last->word >> 26 == 18 || (last->word >> 21 & 20) == 20, branch = kind == PPC_BRANCH || kind == PPC_INDIRECT, itself = false;
    if (kind == PPC_BRANCH)
        itself |= look_at(c, block, unit_block_at(u, ppc_branch_target(last->word, last->pc)));
    for (uint32_t i = 0; last->opcode == PPC_OP_bcctrx && i < u->block_count; i++)
        if (u->blocks[i].is_target)
            itself |= look_at(c, block, i);
    if (!branch || !always)
        itself |= look_at(c, block, unit_block_at(u, last->pc + 4));
    return itself;
}

// Operations on doubles or singles look at FPSCR, moves and compares do not.
static bool looks_at_mode(uint32_t word)
{
    uint32_t primary = word >> 26, extended = word >> 1 & 31;
    return primary == 59 || (primary == 63 && (extended == 12 || extended == 14 || extended == 15 || (extended >= 18 && extended != 23)));
}

// mtfs..., mffs and mcrfs.
static bool writes_mode(uint32_t word)
{
    uint32_t extended = word >> 1 & 31;
    return word >> 26 == 63 && (extended == 6 || extended == 7 || (word >> 1 & 0x3FF) == 64);
}

static bool wants_fast(const struct unit *u, const uint32_t *blocks, uint32_t count)
{
    bool looks = false;
    for (uint32_t b = 0; b < count; b++) {
        const struct guest_block *g = &u->blocks[blocks[b]];
        for (uint32_t i = g->first; i < g->first + g->count; i++) {
            looks |= looks_at_mode(u->plan->insns[i].word);
            if (writes_mode(u->plan->insns[i].word))
                return false;
        }
    }
    return looks;
}

static void visit(struct circles *c, uint32_t block)
{
    c->number[block] = c->lowest[block] = ++c->last;
    c->stack[c->depth++] = block;
    c->waiting[block] = true;
    bool itself = look_at_ways(c, block);
    if (c->lowest[block] != c->number[block])
        return;
    bool circle = itself || c->stack[c->depth - 1] != block;
    uint32_t end = c->depth;
    for (uint32_t b = UINT32_MAX; b != block;) {
        b = c->stack[--c->depth];
        c->waiting[b] = false;
        c->u->blocks[b].in_loop = circle;
        c->u->blocks[b].loop = block;
    }
    bool fast = circle && wants_fast(c->u, c->stack + c->depth, end - c->depth);
    for (uint32_t i = c->depth; i < end; i++)
        c->u->blocks[c->stack[i]].fast = fast;
}

void unit_find_loops(struct unit *u)
{
    uint32_t count = u->block_count;
    struct circles c = {.u = u, .number = calloc(4 * (size_t)count, sizeof(uint32_t)), .waiting = calloc(count, 1)};
    if (c.number && c.waiting) {
        c.lowest = c.number + count;
        c.stack = c.lowest + count;
        for (uint32_t i = 0; i < count; i++) {
            u->blocks[i].calls = has_call(u, &u->blocks[i]);
            u->blocks[i].loop = i; // where nobody visits it: not block 0's
        }
        for (uint32_t i = 0; i < count; i++)
            if (!c.number[i] && !u->blocks[i].calls)
                visit(&c, i);
    }
    free(c.number);
    free(c.waiting);
}
