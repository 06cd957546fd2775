// fp.h: what the instructions of the group fp in opcodes.def mean.
#pragma once
#include "ppc/semantics.h"

OP(fabsx)
{
    op_unimplemented(s);
}

OP(faddsx)
{
    op_unimplemented(s);
}

OP(faddx)
{
    op_unimplemented(s);
}

OP(fcfidx)
{
    op_unimplemented(s);
}

OP(fcmpo)
{
    op_unimplemented(s);
}

OP(fcmpu)
{
    op_unimplemented(s);
}

OP(fctidx)
{
    op_unimplemented(s);
}

OP(fctidzx)
{
    op_unimplemented(s);
}

OP(fctiwx)
{
    op_unimplemented(s);
}

OP(fctiwzx)
{
    op_unimplemented(s);
}

OP(fdivsx)
{
    op_unimplemented(s);
}

OP(fdivx)
{
    op_unimplemented(s);
}

OP(fmaddsx)
{
    op_unimplemented(s);
}

OP(fmaddx)
{
    op_unimplemented(s);
}

OP(fmrx)
{
    op_unimplemented(s);
}

OP(fmsubsx)
{
    op_unimplemented(s);
}

OP(fmsubx)
{
    op_unimplemented(s);
}

OP(fmulsx)
{
    op_unimplemented(s);
}

OP(fmulx)
{
    op_unimplemented(s);
}

OP(fnabsx)
{
    op_unimplemented(s);
}

OP(fnegx)
{
    op_unimplemented(s);
}

OP(fnmaddsx)
{
    op_unimplemented(s);
}

OP(fnmaddx)
{
    op_unimplemented(s);
}

OP(fnmsubsx)
{
    op_unimplemented(s);
}

OP(fnmsubx)
{
    op_unimplemented(s);
}

OP(fresx)
{
    op_unimplemented(s);
}

OP(frspx)
{
    op_unimplemented(s);
}

OP(frsqrtex)
{
    op_unimplemented(s);
}

OP(fselx)
{
    op_unimplemented(s);
}

OP(fsqrtsx)
{
    op_unimplemented(s);
}

OP(fsqrtx)
{
    op_unimplemented(s);
}

OP(fsubsx)
{
    op_unimplemented(s);
}

OP(fsubx)
{
    op_unimplemented(s);
}

