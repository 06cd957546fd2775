// control.h: what the instructions of the group control in opcodes.def mean.
#pragma once
#include "ppc/semantics.h"

OP(crand)
{
    op_unimplemented(s);
}

OP(crandc)
{
    op_unimplemented(s);
}

OP(creqv)
{
    op_unimplemented(s);
}

OP(crnand)
{
    op_unimplemented(s);
}

OP(crnor)
{
    op_unimplemented(s);
}

OP(cror)
{
    op_unimplemented(s);
}

OP(crorc)
{
    op_unimplemented(s);
}

OP(crxor)
{
    op_unimplemented(s);
}

OP(eieio)
{
    op_unimplemented(s);
}

OP(isync)
{
    op_unimplemented(s);
}

OP(mcrf)
{
    op_unimplemented(s);
}

OP(mcrfs)
{
    op_unimplemented(s);
}

OP(mcrxr)
{
    op_unimplemented(s);
}

OP(mfcr)
{
    op_unimplemented(s);
}

OP(mffsx)
{
    op_unimplemented(s);
}

OP(mfmsr)
{
    op_unimplemented(s);
}

OP(mfspr)
{
    op_unimplemented(s);
}

OP(mftb)
{
    op_unimplemented(s);
}

OP(mfvscr)
{
    op_unimplemented(s);
}

OP(mtcrf)
{
    op_unimplemented(s);
}

OP(mtfsb0x)
{
    op_unimplemented(s);
}

OP(mtfsb1x)
{
    op_unimplemented(s);
}

OP(mtfsfix)
{
    op_unimplemented(s);
}

OP(mtfsfx)
{
    op_unimplemented(s);
}

OP(mtmsr)
{
    op_unimplemented(s);
}

OP(mtmsrd)
{
    op_unimplemented(s);
}

OP(mtspr)
{
    op_unimplemented(s);
}

OP(mtvscr)
{
    op_unimplemented(s);
}

OP(sc)
{
    op_unimplemented(s);
}

OP(sync)
{
    op_unimplemented(s);
}

OP(td)
{
    op_unimplemented(s);
}

OP(tdi)
{
    op_unimplemented(s);
}

OP(tw)
{
    op_unimplemented(s);
}

OP(twi)
{
    op_unimplemented(s);
}

