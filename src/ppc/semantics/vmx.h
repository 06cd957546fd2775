// vmx.h: what the instructions of the group vmx in opcodes.def mean.
#pragma once
#include "ppc/semantics.h"

OP(vaddcuw)
{
    op_unimplemented(s);
}

OP(vaddfp)
{
    op_unimplemented(s);
}

OP(vaddsbs)
{
    op_unimplemented(s);
}

OP(vaddshs)
{
    op_unimplemented(s);
}

OP(vaddsws)
{
    op_unimplemented(s);
}

OP(vaddubm)
{
    op_unimplemented(s);
}

OP(vaddubs)
{
    op_unimplemented(s);
}

OP(vadduhm)
{
    op_unimplemented(s);
}

OP(vadduhs)
{
    op_unimplemented(s);
}

OP(vadduwm)
{
    op_unimplemented(s);
}

OP(vadduws)
{
    op_unimplemented(s);
}

OP(vand)
{
    op_unimplemented(s);
}

OP(vandc)
{
    op_unimplemented(s);
}

OP(vavgsb)
{
    op_unimplemented(s);
}

OP(vavgsh)
{
    op_unimplemented(s);
}

OP(vavgsw)
{
    op_unimplemented(s);
}

OP(vavgub)
{
    op_unimplemented(s);
}

OP(vavguh)
{
    op_unimplemented(s);
}

OP(vavguw)
{
    op_unimplemented(s);
}

OP(vcfsx)
{
    op_unimplemented(s);
}

OP(vcfux)
{
    op_unimplemented(s);
}

OP(vcmpbfp)
{
    op_unimplemented(s);
}

OP(vcmpeqfp)
{
    op_unimplemented(s);
}

OP(vcmpequb)
{
    op_unimplemented(s);
}

OP(vcmpequh)
{
    op_unimplemented(s);
}

OP(vcmpequw)
{
    op_unimplemented(s);
}

OP(vcmpgefp)
{
    op_unimplemented(s);
}

OP(vcmpgtfp)
{
    op_unimplemented(s);
}

OP(vcmpgtsb)
{
    op_unimplemented(s);
}

OP(vcmpgtsh)
{
    op_unimplemented(s);
}

OP(vcmpgtsw)
{
    op_unimplemented(s);
}

OP(vcmpgtub)
{
    op_unimplemented(s);
}

OP(vcmpgtuh)
{
    op_unimplemented(s);
}

OP(vcmpgtuw)
{
    op_unimplemented(s);
}

OP(vctsxs)
{
    op_unimplemented(s);
}

OP(vctuxs)
{
    op_unimplemented(s);
}

OP(vexptefp)
{
    op_unimplemented(s);
}

OP(vlogefp)
{
    op_unimplemented(s);
}

OP(vmaddfp)
{
    op_unimplemented(s);
}

OP(vmaxfp)
{
    op_unimplemented(s);
}

OP(vmaxsb)
{
    op_unimplemented(s);
}

OP(vmaxsh)
{
    op_unimplemented(s);
}

OP(vmaxsw)
{
    op_unimplemented(s);
}

OP(vmaxub)
{
    op_unimplemented(s);
}

OP(vmaxuh)
{
    op_unimplemented(s);
}

OP(vmaxuw)
{
    op_unimplemented(s);
}

OP(vmhaddshs)
{
    op_unimplemented(s);
}

OP(vmhraddshs)
{
    op_unimplemented(s);
}

OP(vminfp)
{
    op_unimplemented(s);
}

OP(vminsb)
{
    op_unimplemented(s);
}

OP(vminsh)
{
    op_unimplemented(s);
}

OP(vminsw)
{
    op_unimplemented(s);
}

OP(vminub)
{
    op_unimplemented(s);
}

OP(vminuh)
{
    op_unimplemented(s);
}

OP(vminuw)
{
    op_unimplemented(s);
}

OP(vmladduhm)
{
    op_unimplemented(s);
}

OP(vmrghb)
{
    op_unimplemented(s);
}

OP(vmrghh)
{
    op_unimplemented(s);
}

OP(vmrghw)
{
    op_unimplemented(s);
}

OP(vmrglb)
{
    op_unimplemented(s);
}

OP(vmrglh)
{
    op_unimplemented(s);
}

OP(vmrglw)
{
    op_unimplemented(s);
}

OP(vmsummbm)
{
    op_unimplemented(s);
}

OP(vmsumshm)
{
    op_unimplemented(s);
}

OP(vmsumshs)
{
    op_unimplemented(s);
}

OP(vmsumubm)
{
    op_unimplemented(s);
}

OP(vmsumuhm)
{
    op_unimplemented(s);
}

OP(vmsumuhs)
{
    op_unimplemented(s);
}

OP(vmulesb)
{
    op_unimplemented(s);
}

OP(vmulesh)
{
    op_unimplemented(s);
}

OP(vmuleub)
{
    op_unimplemented(s);
}

OP(vmuleuh)
{
    op_unimplemented(s);
}

OP(vmulosb)
{
    op_unimplemented(s);
}

OP(vmulosh)
{
    op_unimplemented(s);
}

OP(vmuloub)
{
    op_unimplemented(s);
}

OP(vmulouh)
{
    op_unimplemented(s);
}

OP(vnmsubfp)
{
    op_unimplemented(s);
}

OP(vnor)
{
    op_unimplemented(s);
}

OP(vor)
{
    op_unimplemented(s);
}

OP(vperm)
{
    op_unimplemented(s);
}

OP(vpkpx)
{
    op_unimplemented(s);
}

OP(vpkshss)
{
    op_unimplemented(s);
}

OP(vpkshus)
{
    op_unimplemented(s);
}

OP(vpkswss)
{
    op_unimplemented(s);
}

OP(vpkswus)
{
    op_unimplemented(s);
}

OP(vpkuhum)
{
    op_unimplemented(s);
}

OP(vpkuhus)
{
    op_unimplemented(s);
}

OP(vpkuwum)
{
    op_unimplemented(s);
}

OP(vpkuwus)
{
    op_unimplemented(s);
}

OP(vrefp)
{
    op_unimplemented(s);
}

OP(vrfim)
{
    op_unimplemented(s);
}

OP(vrfin)
{
    op_unimplemented(s);
}

OP(vrfip)
{
    op_unimplemented(s);
}

OP(vrfiz)
{
    op_unimplemented(s);
}

OP(vrlb)
{
    op_unimplemented(s);
}

OP(vrlh)
{
    op_unimplemented(s);
}

OP(vrlw)
{
    op_unimplemented(s);
}

OP(vrsqrtefp)
{
    op_unimplemented(s);
}

OP(vsel)
{
    op_unimplemented(s);
}

OP(vsl)
{
    op_unimplemented(s);
}

OP(vslb)
{
    op_unimplemented(s);
}

OP(vsldoi)
{
    op_unimplemented(s);
}

OP(vslh)
{
    op_unimplemented(s);
}

OP(vslo)
{
    op_unimplemented(s);
}

OP(vslw)
{
    op_unimplemented(s);
}

OP(vspltb)
{
    op_unimplemented(s);
}

OP(vsplth)
{
    op_unimplemented(s);
}

OP(vspltisb)
{
    op_unimplemented(s);
}

OP(vspltish)
{
    op_unimplemented(s);
}

OP(vspltisw)
{
    op_unimplemented(s);
}

OP(vspltw)
{
    op_unimplemented(s);
}

OP(vsr)
{
    op_unimplemented(s);
}

OP(vsrab)
{
    op_unimplemented(s);
}

OP(vsrah)
{
    op_unimplemented(s);
}

OP(vsraw)
{
    op_unimplemented(s);
}

OP(vsrb)
{
    op_unimplemented(s);
}

OP(vsrh)
{
    op_unimplemented(s);
}

OP(vsro)
{
    op_unimplemented(s);
}

OP(vsrw)
{
    op_unimplemented(s);
}

OP(vsubcuw)
{
    op_unimplemented(s);
}

OP(vsubfp)
{
    op_unimplemented(s);
}

OP(vsubsbs)
{
    op_unimplemented(s);
}

OP(vsubshs)
{
    op_unimplemented(s);
}

OP(vsubsws)
{
    op_unimplemented(s);
}

OP(vsububm)
{
    op_unimplemented(s);
}

OP(vsububs)
{
    op_unimplemented(s);
}

OP(vsubuhm)
{
    op_unimplemented(s);
}

OP(vsubuhs)
{
    op_unimplemented(s);
}

OP(vsubuwm)
{
    op_unimplemented(s);
}

OP(vsubuws)
{
    op_unimplemented(s);
}

OP(vsum2sws)
{
    op_unimplemented(s);
}

OP(vsum4sbs)
{
    op_unimplemented(s);
}

OP(vsum4shs)
{
    op_unimplemented(s);
}

OP(vsum4ubs)
{
    op_unimplemented(s);
}

OP(vsumsws)
{
    op_unimplemented(s);
}

OP(vupkhpx)
{
    op_unimplemented(s);
}

OP(vupkhsb)
{
    op_unimplemented(s);
}

OP(vupkhsh)
{
    op_unimplemented(s);
}

OP(vupklpx)
{
    op_unimplemented(s);
}

OP(vupklsb)
{
    op_unimplemented(s);
}

OP(vupklsh)
{
    op_unimplemented(s);
}

OP(vxor)
{
    op_unimplemented(s);
}

