// integer.h: what the instructions of the group integer in opcodes.def mean.
#pragma once
#include "ppc/semantics.h"

OP(addcx)
{
    op_unimplemented(s);
}

OP(addex)
{
    op_unimplemented(s);
}

OP(addi)
{
    op_unimplemented(s);
}

OP(addic)
{
    op_unimplemented(s);
}

OP(addic_)
{
    op_unimplemented(s);
}

OP(addis)
{
    op_unimplemented(s);
}

OP(addmex)
{
    op_unimplemented(s);
}

OP(addx)
{
    op_unimplemented(s);
}

OP(addzex)
{
    op_unimplemented(s);
}

OP(andcx)
{
    op_unimplemented(s);
}

OP(andi_)
{
    op_unimplemented(s);
}

OP(andis_)
{
    op_unimplemented(s);
}

OP(andx)
{
    op_unimplemented(s);
}

OP(cmp)
{
    op_unimplemented(s);
}

OP(cmpi)
{
    op_unimplemented(s);
}

OP(cmpl)
{
    op_unimplemented(s);
}

OP(cmpli)
{
    op_unimplemented(s);
}

OP(cntlzdx)
{
    op_unimplemented(s);
}

OP(cntlzwx)
{
    op_unimplemented(s);
}

OP(divdux)
{
    op_unimplemented(s);
}

OP(divdx)
{
    op_unimplemented(s);
}

OP(divwux)
{
    op_unimplemented(s);
}

OP(divwx)
{
    op_unimplemented(s);
}

OP(eqvx)
{
    op_unimplemented(s);
}

OP(extsbx)
{
    op_unimplemented(s);
}

OP(extshx)
{
    op_unimplemented(s);
}

OP(extswx)
{
    op_unimplemented(s);
}

OP(mulhdux)
{
    op_unimplemented(s);
}

OP(mulhdx)
{
    op_unimplemented(s);
}

OP(mulhwux)
{
    op_unimplemented(s);
}

OP(mulhwx)
{
    op_unimplemented(s);
}

OP(mulldx)
{
    op_unimplemented(s);
}

OP(mulli)
{
    op_unimplemented(s);
}

OP(mullwx)
{
    op_unimplemented(s);
}

OP(nandx)
{
    op_unimplemented(s);
}

OP(negx)
{
    op_unimplemented(s);
}

OP(norx)
{
    op_unimplemented(s);
}

OP(orcx)
{
    op_unimplemented(s);
}

OP(ori)
{
    op_unimplemented(s);
}

OP(oris)
{
    op_unimplemented(s);
}

OP(orx)
{
    op_unimplemented(s);
}

OP(rldclx)
{
    op_unimplemented(s);
}

OP(rldcrx)
{
    op_unimplemented(s);
}

OP(rldiclx)
{
    op_unimplemented(s);
}

OP(rldicrx)
{
    op_unimplemented(s);
}

OP(rldicx)
{
    op_unimplemented(s);
}

OP(rldimix)
{
    op_unimplemented(s);
}

OP(rlwimix)
{
    op_unimplemented(s);
}

OP(rlwinmx)
{
    op_unimplemented(s);
}

OP(rlwnmx)
{
    op_unimplemented(s);
}

OP(sldx)
{
    op_unimplemented(s);
}

OP(slwx)
{
    op_unimplemented(s);
}

OP(sradix)
{
    op_unimplemented(s);
}

OP(sradx)
{
    op_unimplemented(s);
}

OP(srawix)
{
    op_unimplemented(s);
}

OP(srawx)
{
    op_unimplemented(s);
}

OP(srdx)
{
    op_unimplemented(s);
}

OP(srwx)
{
    op_unimplemented(s);
}

OP(subfcx)
{
    op_unimplemented(s);
}

OP(subfex)
{
    op_unimplemented(s);
}

OP(subficx)
{
    op_unimplemented(s);
}

OP(subfmex)
{
    op_unimplemented(s);
}

OP(subfx)
{
    op_unimplemented(s);
}

OP(subfzex)
{
    op_unimplemented(s);
}

OP(xori)
{
    op_unimplemented(s);
}

OP(xoris)
{
    op_unimplemented(s);
}

OP(xorx)
{
    op_unimplemented(s);
}

