#include "ppc/ppc.h"

uint32_t ppc_fpscr(struct ppc_state *s)
{
    return s->fp.fpscr;
}

void ppc_set_fpscr(struct ppc_state *s, uint32_t value)
{
    s->fp.fpscr = value;
    s->fp.pending = 0;
}
