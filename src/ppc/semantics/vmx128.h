// vmx128.h: what the instructions of the group vmx128 in opcodes.def mean. Most are VMX instructions with 128
// registers.
#pragma once
#include "ppc/semantics/vmx_estimate.h"
#include "ppc/semantics/vmx_float.h"
#include "ppc/semantics/vmx_integer.h"
#include "ppc/semantics/vmx_pack.h"
#include "ppc/semantics/vmx_permute.h"

VMX128_AB(vaddfp128, addfp)
VMX128_AB(vand128, and)
VMX128_AB(vandc128, andc)
VMX128_BI(vcfpsxws128, ctsxs)
VMX128_BI(vcfpuxws128, ctuxs)
VMX128_COMPARE(vcmpbfp128, cmpbfp, vmx_record_bounds)
VMX128_COMPARE(vcmpeqfp128, cmpeqfp, vmx_record)
VMX128_COMPARE(vcmpequw128, cmpequw, vmx_record)
VMX128_COMPARE(vcmpgefp128, cmpgefp, vmx_record)
VMX128_COMPARE(vcmpgtfp128, cmpgtfp, vmx_record)
VMX128_BI(vcsxwfp128, cfsx)
VMX128_BI(vcuxwfp128, cfux)
VMX128_B(vexptefp128, exptefp)
VMX128_B(vlogefp128, logefp)

// vA * vD + vB
OP(vmaddcfp128)
{
    VR(VD128(insn)) = vmx_maddfp(s, VR(VA128(insn)), VR(VB128(insn)), VR(VD128(insn)));
}

// vA * vB + vD
OP(vmaddfp128)
{
    VR(VD128(insn)) = vmx_maddfp(s, VR(VA128(insn)), VR(VD128(insn)), VR(VB128(insn)));
}

VMX128_AB(vmaxfp128, maxfp)
VMX128_AB(vminfp128, minfp)
VMX128_AB(vmrghw128, mrghw)
VMX128_AB(vmrglw128, mrglw)
VMX128_AB(vmsum3fp128, msum3fp)
VMX128_AB(vmsum4fp128, msum4fp)
VMX128_AB(vmulfp128, mulfp)

// -(vA * vB - vD)
OP(vnmsubfp128)
{
    VR(VD128(insn)) = vmx_nmsubfp(s, VR(VA128(insn)), VR(VD128(insn)), VR(VB128(insn)));
}

VMX128_AB(vnor128, nor)
VMX128_AB(vor128, or)

OP(vperm128)
{
    VR(VD128(insn)) = vmx_perm(s, VR(VA128(insn)), VR(VB128(insn)), VR(insn >> 6 & 7));
}

OP(vpermwi128)
{
    VR(VD128(insn)) = vmx_permwi(s, VR(VB128(insn)), RA(insn) | (insn >> 6 & 7) << 5);
}

OP(vpkd3d128)
{
    VR(VD128(insn)) = vmx_pkd3d(s, VR(VD128(insn)), VR(VB128(insn)), RA(insn), insn >> 6 & 3);
}

VMX128_AB(vpkshss128, pkshss)
VMX128_AB(vpkshus128, pkshus)
VMX128_AB(vpkswss128, pkswss)
VMX128_AB(vpkswus128, pkswus)
VMX128_AB(vpkuhum128, pkuhum)
VMX128_AB(vpkuhus128, pkuhus)
VMX128_AB(vpkuwum128, pkuwum)
VMX128_AB(vpkuwus128, pkuwus)
VMX128_B(vrefp128, refp)
VMX128_B(vrfim128, rfim)
VMX128_B(vrfin128, rfin)
VMX128_B(vrfip128, rfip)
VMX128_B(vrfiz128, rfiz)

OP(vrlimi128)
{
    VR(VD128(insn)) = vmx_rlimi(s, VR(VD128(insn)), VR(VB128(insn)), RA(insn), insn >> 6 & 3);
}

VMX128_AB(vrlw128, rlw)
VMX128_B(vrsqrtefp128, rsqrtefp)

OP(vsel128)
{
    VR(VD128(insn)) = vmx_sel(s, VR(VA128(insn)), VR(VB128(insn)), VR(VD128(insn)));
}

OP(vsldoi128)
{
    VR(VD128(insn)) = vmx_sldoi(s, VR(VA128(insn)), VR(VB128(insn)), insn >> 6 & 15);
}

VMX128_AB(vslo128, slo)
VMX128_AB(vslw128, slw)
VMX128_I(vspltisw128, spltisw)
VMX128_BI(vspltw128, spltw)
VMX128_AB(vsraw128, sraw)
VMX128_AB(vsro128, sro)
VMX128_AB(vsrw128, srw)
VMX128_AB(vsubfp128, subfp)
VMX128_BI(vupkd3d128, upkd3d)

// With 0x60 in the place of vA these two are vupkhsh128 and vupklsh128.
OP(vupkhsb128)
{
    v4u b = VR(VB128(insn));
    VR(VD128(insn)) = VA128(insn) == 0x60 ? vmx_upkhsh(s, b) : vmx_upkhsb(s, b);
}

OP(vupklsb128)
{
    v4u b = VR(VB128(insn));
    VR(VD128(insn)) = VA128(insn) == 0x60 ? vmx_upklsh(s, b) : vmx_upklsb(s, b);
}

VMX128_AB(vxor128, xor)
