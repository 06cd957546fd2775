#include "ppc/fp_status.h"

uint32_t ppc_fpscr(struct ppc_state *s)
{
    ppc_fp_settle(&s->fp);
    return s->fp.fpscr;
}

void ppc_set_fpscr(struct ppc_state *s, uint32_t value)
{
    s->fp = (struct ppc_fp_status){.fpscr = fpscr_summarise(value)};
}
