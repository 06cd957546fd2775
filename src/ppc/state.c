#include <string.h>

#include "ppc/ppc.h"

void ppc_state_init(struct ppc_state *s)
{
    memset(s, 0, sizeof *s);
    s->vscr_nj = 1;
    s->msr = 0x9030;
    s->vrsave = 0xFFFFFFFF;
}

uint32_t ppc_cr(const struct ppc_state *s)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 32; i++)
        value |= (uint32_t)s->cr[i] << (31 - i);
    return value;
}

void ppc_set_cr(struct ppc_state *s, uint32_t value)
{
    for (unsigned i = 0; i < 32; i++)
        s->cr[i] = value >> (31 - i) & 1;
}

uint32_t ppc_xer(const struct ppc_state *s)
{
    return (uint32_t)s->xer_so << 31 | (uint32_t)s->xer_ov << 30 | (uint32_t)s->xer_ca << 29 | s->xer_count;
}

void ppc_set_xer(struct ppc_state *s, uint32_t value)
{
    s->xer_so = value >> 31;
    s->xer_ov = value >> 30 & 1;
    s->xer_ca = value >> 29 & 1;
    s->xer_count = value & 0x7F;
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
