// vmx128.h: what the instructions of the group vmx128 in opcodes.def mean.
#pragma once
#include "ppc/semantics.h"

OP(vaddfp128)
{
    op_unimplemented(s);
}

OP(vand128)
{
    op_unimplemented(s);
}

OP(vandc128)
{
    op_unimplemented(s);
}

OP(vcfpsxws128)
{
    op_unimplemented(s);
}

OP(vcfpuxws128)
{
    op_unimplemented(s);
}

OP(vcmpbfp128)
{
    op_unimplemented(s);
}

OP(vcmpeqfp128)
{
    op_unimplemented(s);
}

OP(vcmpequw128)
{
    op_unimplemented(s);
}

OP(vcmpgefp128)
{
    op_unimplemented(s);
}

OP(vcmpgtfp128)
{
    op_unimplemented(s);
}

OP(vcsxwfp128)
{
    op_unimplemented(s);
}

OP(vcuxwfp128)
{
    op_unimplemented(s);
}

OP(vexptefp128)
{
    op_unimplemented(s);
}

OP(vlogefp128)
{
    op_unimplemented(s);
}

OP(vmaddcfp128)
{
    op_unimplemented(s);
}

OP(vmaddfp128)
{
    op_unimplemented(s);
}

OP(vmaxfp128)
{
    op_unimplemented(s);
}

OP(vminfp128)
{
    op_unimplemented(s);
}

OP(vmrghw128)
{
    op_unimplemented(s);
}

OP(vmrglw128)
{
    op_unimplemented(s);
}

OP(vmsum3fp128)
{
    op_unimplemented(s);
}

OP(vmsum4fp128)
{
    op_unimplemented(s);
}

OP(vmulfp128)
{
    op_unimplemented(s);
}

OP(vnmsubfp128)
{
    op_unimplemented(s);
}

OP(vnor128)
{
    op_unimplemented(s);
}

OP(vor128)
{
    op_unimplemented(s);
}

OP(vperm128)
{
    op_unimplemented(s);
}

OP(vpermwi128)
{
    op_unimplemented(s);
}

OP(vpkd3d128)
{
    op_unimplemented(s);
}

OP(vpkshss128)
{
    op_unimplemented(s);
}

OP(vpkshus128)
{
    op_unimplemented(s);
}

OP(vpkswss128)
{
    op_unimplemented(s);
}

OP(vpkswus128)
{
    op_unimplemented(s);
}

OP(vpkuhum128)
{
    op_unimplemented(s);
}

OP(vpkuhus128)
{
    op_unimplemented(s);
}

OP(vpkuwum128)
{
    op_unimplemented(s);
}

OP(vpkuwus128)
{
    op_unimplemented(s);
}

OP(vrefp128)
{
    op_unimplemented(s);
}

OP(vrfim128)
{
    op_unimplemented(s);
}

OP(vrfin128)
{
    op_unimplemented(s);
}

OP(vrfip128)
{
    op_unimplemented(s);
}

OP(vrfiz128)
{
    op_unimplemented(s);
}

OP(vrlimi128)
{
    op_unimplemented(s);
}

OP(vrlw128)
{
    op_unimplemented(s);
}

OP(vrsqrtefp128)
{
    op_unimplemented(s);
}

OP(vsel128)
{
    op_unimplemented(s);
}

OP(vsldoi128)
{
    op_unimplemented(s);
}

OP(vslo128)
{
    op_unimplemented(s);
}

OP(vslw128)
{
    op_unimplemented(s);
}

OP(vspltisw128)
{
    op_unimplemented(s);
}

OP(vspltw128)
{
    op_unimplemented(s);
}

OP(vsraw128)
{
    op_unimplemented(s);
}

OP(vsro128)
{
    op_unimplemented(s);
}

OP(vsrw128)
{
    op_unimplemented(s);
}

OP(vsubfp128)
{
    op_unimplemented(s);
}

OP(vupkd3d128)
{
    op_unimplemented(s);
}

OP(vupkhsb128)
{
    op_unimplemented(s);
}

OP(vupklsb128)
{
    op_unimplemented(s);
}

OP(vxor128)
{
    op_unimplemented(s);
}

