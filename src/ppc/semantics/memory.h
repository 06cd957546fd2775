// memory.h: what the instructions of the group memory in opcodes.def mean.
#pragma once
#include "ppc/semantics.h"

OP(dcbf)
{
    op_unimplemented(s);
}

OP(dcbi)
{
    op_unimplemented(s);
}

OP(dcbst)
{
    op_unimplemented(s);
}

OP(dcbt)
{
    op_unimplemented(s);
}

OP(dcbtst)
{
    op_unimplemented(s);
}

OP(dcbz)
{
    op_unimplemented(s);
}

OP(dcbz128)
{
    op_unimplemented(s);
}

OP(icbi)
{
    op_unimplemented(s);
}

OP(lbz)
{
    op_unimplemented(s);
}

OP(lbzu)
{
    op_unimplemented(s);
}

OP(lbzux)
{
    op_unimplemented(s);
}

OP(lbzx)
{
    op_unimplemented(s);
}

OP(ld)
{
    op_unimplemented(s);
}

OP(ldarx)
{
    op_unimplemented(s);
}

OP(ldbrx)
{
    op_unimplemented(s);
}

OP(ldu)
{
    op_unimplemented(s);
}

OP(ldux)
{
    op_unimplemented(s);
}

OP(ldx)
{
    op_unimplemented(s);
}

OP(lfd)
{
    op_unimplemented(s);
}

OP(lfdu)
{
    op_unimplemented(s);
}

OP(lfdux)
{
    op_unimplemented(s);
}

OP(lfdx)
{
    op_unimplemented(s);
}

OP(lfs)
{
    op_unimplemented(s);
}

OP(lfsu)
{
    op_unimplemented(s);
}

OP(lfsux)
{
    op_unimplemented(s);
}

OP(lfsx)
{
    op_unimplemented(s);
}

OP(lha)
{
    op_unimplemented(s);
}

OP(lhau)
{
    op_unimplemented(s);
}

OP(lhaux)
{
    op_unimplemented(s);
}

OP(lhax)
{
    op_unimplemented(s);
}

OP(lhbrx)
{
    op_unimplemented(s);
}

OP(lhz)
{
    op_unimplemented(s);
}

OP(lhzu)
{
    op_unimplemented(s);
}

OP(lhzux)
{
    op_unimplemented(s);
}

OP(lhzx)
{
    op_unimplemented(s);
}

OP(lmw)
{
    op_unimplemented(s);
}

OP(lswi)
{
    op_unimplemented(s);
}

OP(lswx)
{
    op_unimplemented(s);
}

OP(lwa)
{
    op_unimplemented(s);
}

OP(lwarx)
{
    op_unimplemented(s);
}

OP(lwaux)
{
    op_unimplemented(s);
}

OP(lwax)
{
    op_unimplemented(s);
}

OP(lwbrx)
{
    op_unimplemented(s);
}

OP(lwz)
{
    op_unimplemented(s);
}

OP(lwzu)
{
    op_unimplemented(s);
}

OP(lwzux)
{
    op_unimplemented(s);
}

OP(lwzx)
{
    op_unimplemented(s);
}

OP(stb)
{
    op_unimplemented(s);
}

OP(stbu)
{
    op_unimplemented(s);
}

OP(stbux)
{
    op_unimplemented(s);
}

OP(stbx)
{
    op_unimplemented(s);
}

OP(std)
{
    op_unimplemented(s);
}

OP(stdbrx)
{
    op_unimplemented(s);
}

OP(stdcx)
{
    op_unimplemented(s);
}

OP(stdu)
{
    op_unimplemented(s);
}

OP(stdux)
{
    op_unimplemented(s);
}

OP(stdx)
{
    op_unimplemented(s);
}

OP(stfd)
{
    op_unimplemented(s);
}

OP(stfdu)
{
    op_unimplemented(s);
}

OP(stfdux)
{
    op_unimplemented(s);
}

OP(stfdx)
{
    op_unimplemented(s);
}

OP(stfiwx)
{
    op_unimplemented(s);
}

OP(stfs)
{
    op_unimplemented(s);
}

OP(stfsu)
{
    op_unimplemented(s);
}

OP(stfsux)
{
    op_unimplemented(s);
}

OP(stfsx)
{
    op_unimplemented(s);
}

OP(sth)
{
    op_unimplemented(s);
}

OP(sthbrx)
{
    op_unimplemented(s);
}

OP(sthu)
{
    op_unimplemented(s);
}

OP(sthux)
{
    op_unimplemented(s);
}

OP(sthx)
{
    op_unimplemented(s);
}

OP(stmw)
{
    op_unimplemented(s);
}

OP(stswi)
{
    op_unimplemented(s);
}

OP(stswx)
{
    op_unimplemented(s);
}

OP(stw)
{
    op_unimplemented(s);
}

OP(stwbrx)
{
    op_unimplemented(s);
}

OP(stwcx)
{
    op_unimplemented(s);
}

OP(stwu)
{
    op_unimplemented(s);
}

OP(stwux)
{
    op_unimplemented(s);
}

OP(stwx)
{
    op_unimplemented(s);
}

