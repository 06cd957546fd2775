// straight.c: compares outside of loops. Where a branch on a compare follows it with nothing between them that looks at its field, the bits are
// made behind the branch: on each way less is left that they can be, and one store does it. A way that leads on to another branch on the same
// field, and only from here, leaves them to that one.
#include <string.h>

#include "cpu/recompiler/unit_parts.h"

enum { BELOW = 1 << PPC_LT, ABOVE = 1 << PPC_GT, EQUAL = 1 << PPC_EQ, SO_SHIFT = 24 };

static bool moves_link(const struct rc_insn *i)
{
    uint32_t number = (i->word >> 16 & 31) | (i->word >> 6 & 0x3E0);
    return (i->opcode == PPC_OP_mfspr || i->opcode == PPC_OP_mtspr) && (number == 8 || number == 9); // LR, CTR
}

static bool is_fields_branch(const struct rc_insn *i, unsigned field)
{
    enum ppc_kind kind = ppc_opcodes[i->opcode].kind;
    unsigned options = i->word >> 21 & 31, bit = i->word >> 16 & 31;
    return (kind == PPC_BRANCH || kind == PPC_INDIRECT) && i->word >> 26 != 18 && (options & 0x14) == 4 && bit / 4 == field && bit % 4 != PPC_SO;
}

// Whether the bits may be made behind the instruction as well as before it. Where the unit has loops, registers are old at faults anyway.
static bool is_passed(const struct unit *u, const struct rc_insn *i)
{
    const struct ppc_opcode_info *o = &ppc_opcodes[i->opcode];
    uint32_t primary = i->word >> 26;
    if (o->kind == PPC_MEMORY) // of integers: loads of singles may leave
        return u->optimised && ((primary >= 32 && primary < 46) || primary == 58 || primary == 62);
    if (o->kind == PPC_EXIT)
        return moves_link(i);
    bool integer = primary == 7 || primary == 8 || primary == 12 || (primary >= 14 && primary < 32);
    return o->kind == PPC_PLAIN && integer && i->opcode != PPC_OP_mfcr && !unit_touches_compares(i);
}

// Whether a branch on the field is the next that looks at it, in the same block.
static bool leads_to_branch(const struct unit *u, const struct rc_insn *i, const struct rc_insn *end, unsigned field)
{
    while (i < end && !(i->flags & RC_UNKNOWN) && is_passed(u, i) && rc_can_specialise(u->templates, i->opcode, i->word))
        i++;
    return i < end && !(i->flags & RC_UNKNOWN) && is_fields_branch(i, field);
}

static bool takes_over(const struct unit *u, uint32_t block, unsigned field)
{
    if (block == UINT32_MAX || block <= u->block)
        return false;
    const struct guest_block *g = &u->blocks[block];
    const struct rc_insn *first = &u->plan->insns[g->first];
    return g->ways_in == 1 && !g->in_loop && leads_to_branch(u, first, first + g->count, field);
}

bool unit_defers_compare(struct unit *u, const struct rc_insn *i)
{
    const struct guest_block *g = &u->blocks[u->block];
    unsigned field, how;
    if (!u->leaves || g->in_loop || !unit_integer_compare(i, &field, &how) ||
        !leads_to_branch(u, i + 1, &u->plan->insns[g->first + g->count], field))
        return false;
    u->deferred.how = how;
    return true;
}

void unit_defer_compare(void *user, uint32_t offset, LLVMValueRef a, LLVMValueRef b)
{
    struct unit *u = user;
    u->deferred = (struct deferred){.a = a, .b = b, .possible = BELOW | ABOVE | EQUAL, .offset = offset, .how = u->deferred.how};
}

static LLVMValueRef deferred_condition(struct unit *u, const struct deferred *d, unsigned bit)
{
    return unit_compare(u, d->how, bit, d->a, d->b);
}

LLVMValueRef unit_deferred_bit(struct unit *u, uint32_t offset)
{
    const struct deferred *d = &u->deferred;
    if (!d->possible || offset - d->offset >= PPC_SO)
        return NULL;
    return LLVMBuildZExt(u->b, deferred_condition(u, d, offset - d->offset), u->i8, "");
}

// The field but for SO, where one of LT, GT and EQ holds.
static LLVMValueRef field_of(struct unit *u, const struct deferred *d)
{
    LLVMValueRef value = NULL;
    for (unsigned bit = 0; bit < PPC_SO; bit++) {
        if (!(d->possible >> bit & 1))
            continue;
        LLVMValueRef one = LLVMConstInt(u->i32, 1u << 8 * bit, false);
        value = value ? LLVMBuildSelect(u->b, deferred_condition(u, d, bit), one, value, "") : one;
    }
    return value;
}

static void store_deferred(struct unit *u, const struct deferred *d)
{
    LLVMValueRef so = LLVMBuildLoad2(u->b, u->i8, unit_state_at(u, offsetof(struct ppc_state, xer_so)), "");
    so = LLVMBuildShl(u->b, LLVMBuildZExt(u->b, so, u->i32, ""), LLVMConstInt(u->i32, SO_SHIFT, false), "");
    LLVMValueRef v = LLVMBuildStore(u->b, LLVMBuildOr(u->b, so, field_of(u, d), ""), unit_state_at(u, d->offset));
    LLVMSetAlignment(v, 4);
}

void unit_make_deferred(struct unit *u, const struct deferred *d, const struct rc_insn *branch, bool taken, uint32_t block)
{
    if (!d->possible)
        return;
    struct deferred on = *d;
    unsigned bit = 1u << (branch->word >> 16 & 3);
    on.possible &= !(branch->word >> 24 & 1) == taken ? ~bit : bit; // BO: branch if the bit is set
    if (!on.possible) { // this way is never taken
        store_deferred(u, d);
        return;
    }
    if (takes_over(u, block, (d->offset - offsetof(struct ppc_state, cr)) / 4))
        u->blocks[block].deferred = on;
    else
        store_deferred(u, &on);
}

static void count_way(struct unit *u, uint32_t block)
{
    if (block != UINT32_MAX)
        u->blocks[block].ways_in++;
}

void unit_count_ways(struct unit *u)
{
    for (uint32_t i = 0; i < u->plan->entry_count; i++)
        count_way(u, unit_block_at(u, u->plan->entries[i] & ~(uint32_t)RC_CALLED));
    for (uint32_t i = 0; i < u->block_count; i++) {
        const struct rc_insn *last = &u->plan->insns[u->blocks[i].first + u->blocks[i].count - 1];
        count_way(u, unit_block_at(u, last->pc + 4));
        if (!(last->flags & RC_UNKNOWN) && ppc_opcodes[last->opcode].kind == PPC_BRANCH)
            count_way(u, unit_block_at(u, ppc_branch_target(last->word, last->pc)));
        u->blocks[i].ways_in += u->blocks[i].is_target;
    }
}
