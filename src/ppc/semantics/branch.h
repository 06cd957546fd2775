// branch.h: what the instructions of the group branch in opcodes.def mean.
#pragma once
#include "ppc/semantics.h"

BRANCH_OP(bcctrx)
{
    return op_unimplemented(s);
}

BRANCH_OP(bclrx)
{
    return op_unimplemented(s);
}

BRANCH_OP(bcx)
{
    return op_unimplemented(s);
}

BRANCH_OP(bx)
{
    return op_unimplemented(s);
}

