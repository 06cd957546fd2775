#include <string.h>

#include "ppc/ppc.h"

void ppc_state_init(struct ppc_state *s)
{
    memset(s, 0, sizeof *s);
    s->vscr_nj = 1;
    s->msr = 0x9030;
    s->vrsave = 0xFFFFFFFF;
}

// Eight bytes of 0 or 1, the first for the most significant bit, into a byte: each product of bit 8i with 2^(63 - 9i)
// lands at 63 - i, and no other at or above bit 56.
static uint32_t gather(const uint8_t *bits)
{
    uint64_t v;
    memcpy(&v, bits, sizeof v);
    return (uint32_t)(v * 0x8040201008040201u >> 56);
}

static void scatter(uint8_t *bits, uint32_t byte)
{
    uint64_t v = byte * 0x0101010101010101u & 0x0102040810204080u;
    v = (v + 0x7F7F7F7F7F7F7F7Fu) >> 7 & 0x0101010101010101u;
    memcpy(bits, &v, sizeof v);
}

uint32_t ppc_cr(const struct ppc_state *s)
{
    return gather(s->cr) << 24 | gather(s->cr + 8) << 16 | gather(s->cr + 16) << 8 | gather(s->cr + 24);
}

void ppc_set_cr(struct ppc_state *s, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        scatter(s->cr + 8 * i, value >> (24 - 8 * i) & 0xFF);
}

uint32_t ppc_vscr(const struct ppc_state *s)
{
    return (uint32_t)s->vscr_nj << 16 | s->vscr_sat;
}

void ppc_set_vscr(struct ppc_state *s, uint32_t value)
{
    s->vscr_nj = value >> 16 & 1;
    s->vscr_sat = value & 1;
}
