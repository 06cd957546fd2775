// vector_memory.h: what the instructions of the group vector_memory in opcodes.def mean.
#pragma once
#include "ppc/semantics.h"

OP(lvebx)
{
    op_unimplemented(s);
}

OP(lvehx)
{
    op_unimplemented(s);
}

OP(lvewx)
{
    op_unimplemented(s);
}

OP(lvewx128)
{
    op_unimplemented(s);
}

OP(lvlx)
{
    op_unimplemented(s);
}

OP(lvlx128)
{
    op_unimplemented(s);
}

OP(lvlxl)
{
    op_unimplemented(s);
}

OP(lvlxl128)
{
    op_unimplemented(s);
}

OP(lvrx)
{
    op_unimplemented(s);
}

OP(lvrx128)
{
    op_unimplemented(s);
}

OP(lvrxl)
{
    op_unimplemented(s);
}

OP(lvrxl128)
{
    op_unimplemented(s);
}

OP(lvsl)
{
    op_unimplemented(s);
}

OP(lvsl128)
{
    op_unimplemented(s);
}

OP(lvsr)
{
    op_unimplemented(s);
}

OP(lvsr128)
{
    op_unimplemented(s);
}

OP(lvx)
{
    op_unimplemented(s);
}

OP(lvx128)
{
    op_unimplemented(s);
}

OP(lvxl)
{
    op_unimplemented(s);
}

OP(lvxl128)
{
    op_unimplemented(s);
}

OP(stvebx)
{
    op_unimplemented(s);
}

OP(stvehx)
{
    op_unimplemented(s);
}

OP(stvewx)
{
    op_unimplemented(s);
}

OP(stvewx128)
{
    op_unimplemented(s);
}

OP(stvlx)
{
    op_unimplemented(s);
}

OP(stvlx128)
{
    op_unimplemented(s);
}

OP(stvlxl)
{
    op_unimplemented(s);
}

OP(stvlxl128)
{
    op_unimplemented(s);
}

OP(stvrx)
{
    op_unimplemented(s);
}

OP(stvrx128)
{
    op_unimplemented(s);
}

OP(stvrxl)
{
    op_unimplemented(s);
}

OP(stvrxl128)
{
    op_unimplemented(s);
}

OP(stvx)
{
    op_unimplemented(s);
}

OP(stvx128)
{
    op_unimplemented(s);
}

OP(stvxl)
{
    op_unimplemented(s);
}

OP(stvxl128)
{
    op_unimplemented(s);
}

