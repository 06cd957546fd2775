// chains.c: loads in loops whose address comes from what they loaded in the round before, as a list's do: there the host's shortest way counts,
// elsewhere the fewest instructions (accesses.h).
#include <stdlib.h>
#include <string.h>

#include "cpu/recompiler/unit_parts.h"

struct registers {
    uint32_t read, written; // bit n is rn
};

// From the names of the operands (opcodes.def): those of general registers start with R.
static struct registers registers_of(const struct rc_insn *i)
{
    struct registers r = {0};
    for (const char *at = ppc_opcodes[i->opcode].operands; *at; at += strspn(at, " ")) {
        const char *direction = strchr(at, ':') + 1, *place = strchr(direction, '=') + 1;
        uint32_t n = i->word >> strtoul(place, NULL, 10) & 31, bit = at[0] == 'R' && (n || strncmp(at, "RA0", 3) != 0) ? 1u << n : 0;
        bool in = !strncmp(direction, "in", 2), out = !in || !strncmp(direction, "in/out", 6);
        r.read |= in ? bit : 0;
        r.written |= out ? bit : 0;
        at += strcspn(at, " ");
    }
    return r;
}

static uint64_t chain_of(const struct rc_chains *c, uint32_t registers)
{
    uint64_t all = 0;
    for (unsigned n = 0; n < 32; n++)
        all |= registers >> n & 1 ? c->loads[n] : 0;
    return all;
}

static void set_chain(struct rc_chains *c, uint32_t registers, uint64_t loads)
{
    for (unsigned n = 0; n < 32; n++)
        if (registers >> n & 1)
            c->loads[n] = loads;
}

static uint64_t bit_of(const struct unit *u, const struct rc_insn *i)
{
    return 1ull << (i - u->plan->insns) % 64;
}

void unit_pass_chains(const struct unit *u, const struct rc_insn *i, struct rc_chains *c)
{
    struct registers r = i->flags & RC_UNKNOWN ? (struct registers){0} : registers_of(i);
    enum ppc_kind kind = i->flags & RC_UNKNOWN ? PPC_EXIT : ppc_opcodes[i->opcode].kind;
    uint64_t from = chain_of(c, r.read);
    if (kind == PPC_MEMORY)
        set_chain(c, r.written & ~r.read, from | bit_of(u, i)); // not the address of update forms
    else
        set_chain(c, r.written, kind == PPC_PLAIN ? from : 0);
}

bool unit_waits_for_itself(const struct unit *u, const struct rc_insn *i, const struct rc_chains *c)
{
    struct registers r = registers_of(i);
    return r.written & ~r.read && chain_of(c, r.read) & bit_of(u, i);
}

// Only within loops: what a loop begins with waits once.
static bool raise(struct unit *u, const struct guest_block *from, uint32_t pc, const struct rc_chains *c)
{
    uint32_t block = unit_block_at(u, pc);
    struct guest_block *to = block == UINT32_MAX ? NULL : &u->blocks[block];
    uint64_t more = 0;
    if (!to || !to->in_loop || from->loop != to->loop)
        return false;
    for (unsigned n = 0; n < 32; n++) {
        more |= c->loads[n] & ~to->chains.loads[n];
        to->chains.loads[n] |= c->loads[n];
    }
    return more;
}

void unit_find_chains(struct unit *u)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t b = 0; b < u->block_count; b++) {
            const struct guest_block *g = &u->blocks[b];
            const struct rc_insn *last = &u->plan->insns[g->first + g->count - 1];
            struct rc_chains c = g->chains;
            if (!g->in_loop)
                continue;
            for (uint32_t i = 0; i < g->count; i++)
                unit_pass_chains(u, &u->plan->insns[g->first + i], &c);
            changed |= raise(u, g, last->pc + 4, &c);
            if (!(last->flags & RC_UNKNOWN) && ppc_opcodes[last->opcode].kind == PPC_BRANCH)
                changed |= raise(u, g, ppc_branch_target(last->word, last->pc), &c);
        }
    }
}
