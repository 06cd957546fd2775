// branch.h: what the instructions of the group branch in opcodes.def mean.
#pragma once
#include "ppc/semantics.h"

// BO and BI: decrements CTR where BO says so (its low 32 bits decide, as in 32-bit mode), and tells whether to branch.
INLINE bool branch_taken(struct ppc_state *s, uint32_t insn)
{
    bool ctr_ok = BO(insn) & 4;
    if (!ctr_ok) {
        s->ctr--;
        ctr_ok = ((uint32_t)s->ctr != 0) ^ (BO(insn) >> 1 & 1);
    }
    return ctr_ok && (BO(insn) & 16 || s->cr[BI(insn)] == (BO(insn) >> 3 & 1));
}

INLINE void branch_link(struct ppc_state *s, uint32_t insn, uint32_t pc)
{
    if (LK(insn))
        s->lr = pc + 4;
}

// The target is read before LR changes. With BO saying "decrement" the form is invalid: CTR is used decremented.
BRANCH_OP(bcctrx)
{
    bool taken = branch_taken(s, insn);
    s->target = (uint32_t)s->ctr & ~3u;
    branch_link(s, insn, pc);
    return taken;
}

BRANCH_OP(bclrx)
{
    bool taken = branch_taken(s, insn);
    s->target = (uint32_t)s->lr & ~3u;
    branch_link(s, insn, pc);
    return taken;
}

BRANCH_OP(bcx)
{
    bool taken = branch_taken(s, insn);
    branch_link(s, insn, pc);
    return taken;
}

BRANCH_OP(bx)
{
    branch_link(s, insn, pc);
    return true;
}
