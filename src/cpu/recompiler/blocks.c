// blocks.c: a plan divided into blocks of instructions.
#include <stdlib.h>

#include "cpu/recompiler/unit_parts.h"

bool unit_is_call(const struct rc_insn *i)
{
    enum ppc_kind kind = ppc_opcodes[i->opcode].kind;
    return i->word & 1 && (kind == PPC_BRANCH || kind == PPC_INDIRECT);
}

static uint32_t insn_at(const struct unit *u, uint32_t pc)
{
    uint32_t low = 0, high = u->plan->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (u->plan->insns[middle].pc < pc)
            low = middle + 1;
        else
            high = middle;
    }
    return low < u->plan->count && u->plan->insns[low].pc == pc ? low : UINT32_MAX;
}

uint32_t unit_block_at(const struct unit *u, uint32_t pc)
{
    uint32_t i = insn_at(u, pc);
    return i != UINT32_MAX && u->blocks[u->block_of[i]].first == i ? u->block_of[i] : UINT32_MAX;
}

bool unit_divide(struct unit *u)
{
    const struct rc_plan *p = u->plan;
    u->blocks = calloc(p->count, sizeof *u->blocks);
    u->block_of = calloc(p->count, sizeof *u->block_of);
    if (!u->blocks || !u->block_of)
        return false;
    for (uint32_t i = 0; i < p->count; i++) {
        bool adjoining = i && p->insns[i].pc == p->insns[i - 1].pc + 4;
        if (!adjoining || p->insns[i].flags & (RC_LEADER | RC_ENTRY | RC_TARGET)) {
            u->blocks[u->block_count].first = i;
            u->blocks[u->block_count].is_target = p->insns[i].flags & RC_TARGET;
            u->blocks[u->block_count++].head = LLVMAppendBasicBlockInContext(u->context, u->function, "");
        }
        u->block_of[i] = u->block_count - 1;
        u->blocks[u->block_count - 1].count++;
    }
    return true;
}

bool rc_has_loop(const struct rc_plan *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        const struct rc_insn *n = &p->insns[i];
        if (n->flags & RC_UNKNOWN || n->word & CALL_BIT || ppc_opcodes[n->opcode].kind != PPC_BRANCH)
            continue;
        uint32_t target = ppc_branch_target(n->word, n->pc);
        if (target <= n->pc && target >= p->insns[0].pc)
            return true;
    }
    return false;
}
