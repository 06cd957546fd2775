// singles.c: which floating point registers hold singles at the start of each guest block: what instructions leave there, by their encoding;
// and their variables.
#include <string.h>

#include "cpu/recompiler/unit_parts.h"

static bool writes_single(const struct rc_insn *i)
{
    static const char *const text[] = {"lfs", "lfsu", "lfsx", "lfsux", "frsp", "fadds", "fsubs", "fmuls", "fdivs", "fsqrts", "fmadds", "fmsubs",
                                       "fnmadds", "fnmsubs"};
    const char *name = ppc_opcodes[i->opcode].text;
    for (unsigned n = 0; n < sizeof text / sizeof *text; n++)
        if (!strcmp(name, text[n]))
            return true;
    return false;
}

bool unit_moves_floats(const struct rc_insn *i)
{
    const char *name = ppc_opcodes[i->opcode].text;
    return !strncmp(name, "lf", 2) || !strncmp(name, "stf", 3);
}

uint32_t unit_singles_behind(struct unit *u, const struct rc_insn *i, uint32_t singles)
{
    uint32_t primary = i->word >> 26, target = 1u << (i->word >> 21 & 31);
    if (i->flags & RC_UNKNOWN || !rc_can_specialise(u->templates, i->opcode, i->word))
        return 0;
    bool touches = primary == 48 || primary == 49 || primary == 50 || primary == 51 || primary == 59 || primary == 63 ||
                   (primary == 31 && !strncmp(ppc_opcodes[i->opcode].text, "lf", 2));
    if (!touches)
        return singles;
    if (writes_single(i))
        return singles | target;
    bool moves = i->opcode == PPC_OP_fmrx || i->opcode == PPC_OP_fnegx || i->opcode == PPC_OP_fabsx || i->opcode == PPC_OP_fnabsx;
    if (moves && singles >> (i->word >> 11 & 31) & 1)
        return singles | target;
    return singles & ~target;
}

static uint32_t singles_at(const struct unit *u, uint32_t pc)
{
    uint32_t block = unit_block_at(u, pc);
    return block == UINT32_MAX ? UINT32_MAX : u->blocks[block].singles;
}

uint32_t unit_singles_ahead(const struct unit *u, const struct rc_insn *last)
{
    uint32_t singles = singles_at(u, last->pc + 4);
    if (last->flags & RC_UNKNOWN)
        return singles;
    if (ppc_opcodes[last->opcode].kind == PPC_BRANCH)
        singles &= singles_at(u, ppc_branch_target(last->word, last->pc));
    for (uint32_t i = 0; last->opcode == PPC_OP_bcctrx && i < u->block_count; i++)
        if (u->blocks[i].is_target)
            singles &= u->blocks[i].singles;
    return singles;
}

static bool lower_singles(struct unit *u, uint32_t pc, uint32_t singles)
{
    uint32_t block = unit_block_at(u, pc);
    if (block == UINT32_MAX || !(u->blocks[block].singles & ~singles))
        return false;
    u->blocks[block].singles &= singles;
    return true;
}

static bool pass_singles(struct unit *u, const struct rc_insn *last, uint32_t singles)
{
    enum ppc_kind kind = last->flags & RC_UNKNOWN ? PPC_PLAIN : ppc_opcodes[last->opcode].kind;
    bool branch = kind == PPC_BRANCH || kind == PPC_INDIRECT, changed = false;
    if (branch && last->word & CALL_BIT)
        return lower_singles(u, last->pc + 4, 0);
    if (kind == PPC_BRANCH)
        changed |= lower_singles(u, ppc_branch_target(last->word, last->pc), singles);
    for (uint32_t i = 0; last->opcode == PPC_OP_bcctrx && i < u->block_count; i++)
        if (u->blocks[i].is_target)
            changed |= lower_singles(u, u->plan->insns[u->blocks[i].first].pc, singles);
    return lower_singles(u, last->pc + 4, singles) || changed;
}

void unit_find_singles(struct unit *u)
{
    for (uint32_t b = 0; b < u->block_count; b++)
        u->blocks[b].singles = UINT32_MAX;
    for (uint32_t i = 0; i < u->plan->entry_count; i++)
        if (i == 0 || u->plan->entries[i] & RC_CALLED)
            lower_singles(u, u->plan->entries[i] & ~(uint32_t)RC_CALLED, 0);
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t b = 0; b < u->block_count; b++) {
            const struct guest_block *g = &u->blocks[b];
            uint32_t singles = g->singles;
            for (uint32_t i = 0; i < g->count; i++)
                singles = unit_singles_behind(u, &u->plan->insns[g->first + i], singles);
            changed |= pass_singles(u, &u->plan->insns[g->first + g->count - 1], singles);
        }
    }
}

// ---- Variables

bool unit_is_single(void *user, uint32_t offset)
{
    struct unit *u = user;
    return unit_is_fpr(offset) && u->singles >> (offset - FPR) / 8 & 1;
}

LLVMValueRef unit_single_variable(struct unit *u, unsigned n)
{
    return unit_make_variable(u, &u->single_slots[n], u->f32);
}

// In double. Frozen, so that LLVM does not take a conversion for it that an instruction made before and turns out not to need.
LLVMValueRef unit_wide(struct unit *u, unsigned n)
{
    LLVMValueRef single = LLVMBuildLoad2(u->b, u->f32, unit_single_variable(u, n), "");
    return LLVMBuildFPExt(u->b, LLVMBuildFreeze(u->b, single, ""), u->f64, "");
}

void unit_widen(struct unit *u, uint32_t singles)
{
    for (unsigned n = 0; n < 32; n++)
        if (singles >> n & 1)
            LLVMBuildStore(u->b, unit_wide(u, n), unit_variable(u, rc_slot_at(FPR + 8 * n)));
}

LLVMValueRef unit_get_single(void *user, uint32_t offset)
{
    struct unit *u = user;
    unsigned n = (offset - FPR) / 8;
    unit_add_event(u, EVENT_USE, rc_slot_at(offset));
    return LLVMBuildLoad2(u->b, u->f32, unit_single_variable(u, n), "");
}
