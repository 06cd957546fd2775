// products.c: vector registers known to hold -0 in all lanes: compilers make that for the addend of vmaddfp, from words of ones, each shifted
// by itself.
#include "cpu/recompiler/unit_parts.h"

static int vector_slot(uint32_t n)
{
    return rc_slot_at((uint32_t)offsetof(struct ppc_state, vr) + 16 * n);
}

static bool makes_ones(const struct rc_insn *i)
{
    return i->opcode == PPC_OP_vspltisw && (i->word >> 16 & 31) == 31;
}

bool unit_makes_minus_zeros(const struct unit *u, const struct rc_insn *i)
{
    return i->opcode == PPC_OP_vslw && rc_set_has(&u->ones, vector_slot(i->word >> 16 & 31)) &&
           rc_set_has(&u->ones, vector_slot(i->word >> 11 & 31));
}

bool unit_is_minus_zero(void *user, uint32_t offset)
{
    return rc_set_has(&((struct unit *)user)->minus_zeros, rc_slot_at(offset));
}

void unit_learn_vectors(struct unit *u, const struct rc_insn *i, bool minus_zeros)
{
    int slot = vector_slot(i->word >> 21 & 31);
    if (makes_ones(i))
        rc_set_add(&u->ones, slot);
    if (minus_zeros)
        rc_set_add(&u->minus_zeros, slot);
}
