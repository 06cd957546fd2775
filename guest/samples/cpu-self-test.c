// cpu-self-test: 10,000 operations over all groups of instructions (integer, branches, memory, floating point, vectors, the 128
// registers' own vectors by .long) on made-up operands; a hash of results, flags and status a group, and one of all.
#include <stdint.h>
#include <stdio.h>

enum { OPERATIONS = 10000 };

// What an operation reads and writes: operands at 0, results at 32, memory to work on from 64.
struct state {
    uint64_t in[4];
    uint64_t out[4];
    uint64_t memory[56];
} __attribute__((aligned(128)));

typedef void operation(struct state *s);

// r9, r10, r11: operands; r5: 66; r12: the result. CR field 0 and XER are kept too.
#define INTEGER(name, text)                                                                                                    \
    static void name(struct state *s)                                                                                          \
    {                                                                                                                          \
        __asm__ volatile("mr 3, %0\n\tli 5, 66\n\tld 9, 0(3)\n\tld 10, 8(3)\n\tld 11, 16(3)\n\tli 0, 0\n\tmtxer 0\n\tmtcrf 128, 0\n\t"   \
                         text "\n\tmfcr 0\n\trlwinm 0, 0, 0, 0, 3\n\tmfxer 9\n\tstd 12, 32(3)\n\tstw 0, 40(3)\n\tstw 9, 44(3)"       \
                         :                                                                                                     \
                         : "r"(s)                                                                                              \
                         : "0", "3", "4", "5", "9", "10", "11", "12", "29", "30", "31", "cr0", "cr1", "cr2", "cr3", "cr4",       \
                           "cr5", "cr6", "cr7", "ctr", "lr", "xer", "memory");                                                 \
    }

// f1, f2, f3: operands; f4: the result. FPSCR begins as 0 and is kept.
#define FLOAT(name, text)                                                                                                      \
    static void name(struct state *s)                                                                                          \
    {                                                                                                                          \
        __asm__ volatile("mr 3, %0\n\tlfd 5, 24(3)\n\tmtfsf 255, 5\n\tlfd 1, 0(3)\n\tlfd 2, 8(3)\n\tlfd 3, 16(3)\n\t" text       \
                         "\n\tmffs 5\n\tstfd 4, 32(3)\n\tstfd 5, 40(3)\n\tlfd 5, 24(3)\n\tmtfsf 255, 5"                          \
                         :                                                                                                     \
                         : "r"(s)                                                                                              \
                         : "3", "4", "fr1", "fr2", "fr3", "fr4", "fr5", "cr0", "cr1", "memory");                               \
    }

// v1, v2, v3: operands; v4: the result. VSCR begins as 0; SAT and CR field 6 are kept.
#define VECTOR_WORDS(name, before, text, after)                                                                                \
    static void name(struct state *s)                                                                                          \
    {                                                                                                                          \
        __asm__ volatile("mr 3, %0\n\tli 5, 70\n\tli 9, 16\n\tvspltisw 0, 0\n\tmtvscr 0\n\tli 0, 0\n\tmtcrf 2, 0\n\tlvx 1, 0, 3\n\t"     \
                         "lvx 2, 3, 9\n\tvaddubm 3, 1, 2\n\t" before text "\n\t" after                                        \
                         "\n\tli 9, 32\n\tstvx 4, 3, 9\n\tmfvscr 5\n\taddi 4, 3, 64\n\tstvx 5, 0, 4\n\tlwz 0, 12(4)\n\tmfcr 9\n\t"     \
                         "rlwinm 9, 9, 0, 24, 27\n\tadd 0, 0, 9\n\tlwz 9, 32(3)\n\tadd 9, 9, 0\n\tstw 9, 32(3)"                    \
                         :                                                                                                     \
                         : "r"(s)                                                                                              \
                         : "0", "3", "4", "5", "9", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "cr0", "cr6", "memory");         \
    }
#define VECTOR(name, text) VECTOR_WORDS(name, "", text, "")

// v71, v100: operands; v66: the result. The assembler does not know these: lvx128 and stvx128 by number too.
#define VECTOR128(name, word)                                                                                                  \
    VECTOR_WORDS(name, ".long 0x10e018cb\n\t.long 0x104018cb\n\t.long 0x108348cf\n\t", ".long " #word, "li 9, 32\n\t.long 0x104349cb\n\tlvx 4, 3, 9")

INTEGER(add_, "add. 12, 9, 10")
INTEGER(addc_, "addc. 12, 9, 10")
INTEGER(adde_, "adde. 12, 9, 10")
INTEGER(subf_, "subf. 12, 9, 10")
INTEGER(subfc_, "subfc. 12, 9, 10")
INTEGER(subfe_, "subfe. 12, 9, 10")
INTEGER(mullw_, "mullw. 12, 9, 10")
INTEGER(mulhw_, "mulhw. 12, 9, 10")
INTEGER(mulhwu_, "mulhwu. 12, 9, 10")
INTEGER(mulld_, "mulld. 12, 9, 10")
INTEGER(mulhd_, "mulhd. 12, 9, 10")
INTEGER(mulhdu_, "mulhdu. 12, 9, 10")
INTEGER(divw_, "divw. 12, 9, 10")
INTEGER(divwu_, "divwu. 12, 9, 10")
INTEGER(divd_, "divd. 12, 9, 10")
INTEGER(divdu_, "divdu. 12, 9, 10")
INTEGER(addo_, "addo. 12, 9, 10")
INTEGER(addco_, "addco. 12, 9, 10")
INTEGER(addeo_, "addeo. 12, 9, 10")
INTEGER(subfo_, "subfo. 12, 9, 10")
INTEGER(subfco_, "subfco. 12, 9, 10")
INTEGER(subfeo_, "subfeo. 12, 9, 10")
INTEGER(mullwo_, "mullwo. 12, 9, 10")
INTEGER(mulldo_, "mulldo. 12, 9, 10")
INTEGER(and_, "and. 12, 9, 10")
INTEGER(andc_, "andc. 12, 9, 10")
INTEGER(or_, "or. 12, 9, 10")
INTEGER(orc_, "orc. 12, 9, 10")
INTEGER(xor_, "xor. 12, 9, 10")
INTEGER(nor_, "nor. 12, 9, 10")
INTEGER(nand_, "nand. 12, 9, 10")
INTEGER(eqv_, "eqv. 12, 9, 10")
INTEGER(slw_, "slw. 12, 9, 10")
INTEGER(srw_, "srw. 12, 9, 10")
INTEGER(sraw_, "sraw. 12, 9, 10")
INTEGER(sld_, "sld. 12, 9, 10")
INTEGER(srd_, "srd. 12, 9, 10")
INTEGER(srad_, "srad. 12, 9, 10")
INTEGER(neg_, "neg. 12, 9")
INTEGER(addze_, "addze. 12, 9")
INTEGER(addme_, "addme. 12, 9")
INTEGER(subfze_, "subfze. 12, 9")
INTEGER(subfme_, "subfme. 12, 9")
INTEGER(nego_, "nego. 12, 9")
INTEGER(cntlzw_, "cntlzw. 12, 9")
INTEGER(cntlzd_, "cntlzd. 12, 9")
INTEGER(extsb_, "extsb. 12, 9")
INTEGER(extsh_, "extsh. 12, 9")
INTEGER(extsw_, "extsw. 12, 9")
INTEGER(rlwinm_1, "rlwinm. 12, 9, 7, 3, 20")
INTEGER(rlwinm_2, "rlwinm. 12, 9, 31, 28, 4")
INTEGER(rlwimi_, "mr 12, 10\n\trlwimi. 12, 9, 11, 8, 23")
INTEGER(rlwnm_, "rlwnm. 12, 9, 10, 5, 30")
INTEGER(rldicl_, "rldicl. 12, 9, 37, 11")
INTEGER(rldicr_, "rldicr. 12, 9, 53, 40")
INTEGER(rldic_, "rldic. 12, 9, 19, 8")
INTEGER(rldimi_, "mr 12, 10\n\trldimi. 12, 9, 45, 3")
INTEGER(rldcl_, "rldcl. 12, 9, 10, 17")
INTEGER(rldcr_, "rldcr. 12, 9, 10, 44")
INTEGER(srawi_, "srawi. 12, 9, 5")
INTEGER(sradi_, "sradi. 12, 9, 41")
INTEGER(addi_, "addi 12, 9, -1234")
INTEGER(addis_, "addis 12, 9, 0x7001")
INTEGER(addic_, "addic. 12, 9, -77")
INTEGER(subfic_, "subfic 12, 9, 99")
INTEGER(mulli_, "mulli 12, 9, -321")
INTEGER(andi_, "andi. 12, 9, 0xF0F0")
INTEGER(andis_, "andis. 12, 9, 0x8001")
INTEGER(ori_, "ori 12, 9, 0x1234")
INTEGER(oris_, "oris 12, 9, 0x4321")
INTEGER(xori_, "xori 12, 9, 0xFFFF")
INTEGER(xoris_, "xoris 12, 9, 0xAAAA")
INTEGER(cmpw_, "cmpw 9, 10\n\tmfcr 12\n\trlwinm 12, 12, 0, 0, 3")
INTEGER(cmplw_, "cmplw 9, 10\n\tmfcr 12\n\trlwinm 12, 12, 0, 0, 3")
INTEGER(cmpd_, "cmpd 9, 10\n\tmfcr 12\n\trlwinm 12, 12, 0, 0, 3")
INTEGER(cmpld_, "cmpld 9, 10\n\tmfcr 12\n\trlwinm 12, 12, 0, 0, 3")
INTEGER(cmpwi_, "cmpwi 9, -5\n\tmfcr 12\n\trlwinm 12, 12, 0, 0, 3")
INTEGER(cmpldi_, "cmpldi 9, 500\n\tmfcr 12\n\trlwinm 12, 12, 0, 0, 3")
INTEGER(crlogic_, "mtcrf 0xFF, 9\n\tcrand 0, 5, 9\n\tcror 1, 6, 10\n\tcrxor 2, 7, 11\n\tcrnand 3, 8, 12\n\tcrnor 4, 13, 17\n\tcreqv 5, 14, 18\n\tcrandc 6, 15, 19\n\tcrorc 7, 16, 20\n\tmcrf 7, 1\n\tmfcr 12")
INTEGER(branch_, "andi. 4, 9, 7\n\taddi 4, 4, 1\n\tmtctr 4\n\tli 12, 0\n1:\tadd 12, 12, 10\n\tbdnzf 2, 1b\n\tmfctr 0\n\tadd 12, 12, 0")
INTEGER(call_, "bl 1f\n1:\tmflr 4\n\taddi 4, 4, 24\n\tmtctr 4\n\tli 12, 3\n\tbctr\n\tli 12, 9\n\tadd 12, 12, 9")
INTEGER(mcrxr_, "mtxer 9\n\tmcrxr 0\n\tmfcr 12\n\trlwinm 12, 12, 0, 0, 3")

INTEGER(lbz_, "lbz 12, 67(3)")
INTEGER(lbzx_, "lbzx 12, 3, 5")
INTEGER(lbzu_, "addi 4, 3, 8\n\tlbzu 12, 58(4)\n\tsubf 4, 3, 4\n\tadd 12, 12, 4")
INTEGER(lhz_, "lhz 12, 67(3)")
INTEGER(lhzx_, "lhzx 12, 3, 5")
INTEGER(lhzu_, "addi 4, 3, 8\n\tlhzu 12, 58(4)\n\tsubf 4, 3, 4\n\tadd 12, 12, 4")
INTEGER(lha_, "lha 12, 67(3)")
INTEGER(lhax_, "lhax 12, 3, 5")
INTEGER(lhau_, "addi 4, 3, 8\n\tlhau 12, 58(4)\n\tsubf 4, 3, 4\n\tadd 12, 12, 4")
INTEGER(lwz_, "lwz 12, 67(3)")
INTEGER(lwzx_, "lwzx 12, 3, 5")
INTEGER(lwzu_, "addi 4, 3, 8\n\tlwzu 12, 58(4)\n\tsubf 4, 3, 4\n\tadd 12, 12, 4")
INTEGER(lwa_, "lwa 12, 72(3)")
INTEGER(lwax_, "lwax 12, 3, 5")
INTEGER(ld_, "ld 12, 72(3)")
INTEGER(ldx_, "ldx 12, 3, 5")
INTEGER(lhbrx_, "lhbrx 12, 3, 5")
INTEGER(lwbrx_, "lwbrx 12, 3, 5")
INTEGER(ldbrx_, "ldbrx 12, 3, 5")
INTEGER(stb_, "stb 9, 69(3)\n\tld 12, 64(3)")
INTEGER(stbx_, "stbx 9, 3, 5\n\tld 12, 64(3)")
INTEGER(sth_, "sth 9, 69(3)\n\tld 12, 64(3)")
INTEGER(sthx_, "sthx 9, 3, 5\n\tld 12, 64(3)")
INTEGER(stw_, "stw 9, 69(3)\n\tld 12, 64(3)")
INTEGER(stwx_, "stwx 9, 3, 5\n\tld 12, 64(3)")
INTEGER(std_, "std 9, 68(3)\n\tld 12, 64(3)")
INTEGER(stdx_, "stdx 9, 3, 5\n\tld 12, 64(3)")
INTEGER(sthbrx_, "sthbrx 9, 3, 5\n\tld 12, 64(3)")
INTEGER(stwbrx_, "stwbrx 9, 3, 5\n\tld 12, 64(3)")
INTEGER(stdbrx_, "stdbrx 9, 3, 5\n\tld 12, 64(3)")
INTEGER(lmw_, "lmw 29, 64(3)\n\tadd 12, 29, 30\n\txor 12, 12, 31")
INTEGER(stmw_, "mr 30, 9\n\tmr 31, 10\n\tstmw 30, 64(3)\n\tld 12, 64(3)")
INTEGER(lswi_, "lswi 29, 3, 11\n\tadd 12, 29, 30\n\txor 12, 12, 31")
INTEGER(stswi_, "mr 30, 9\n\tmr 31, 10\n\taddi 4, 3, 64\n\tstswi 30, 4, 7\n\tld 12, 64(3)")
INTEGER(lwarx_, "addi 4, 3, 64\n\tlwarx 12, 0, 4\n\tstwcx. 9, 0, 4\n\tlwz 0, 64(3)\n\tadd 12, 12, 0")
INTEGER(ldarx_, "addi 4, 3, 64\n\tldarx 12, 0, 4\n\tstdcx. 9, 0, 4\n\tld 0, 64(3)\n\tadd 12, 12, 0")
INTEGER(dcbz_, "addi 4, 3, 256\n\tstd 9, 264(3)\n\tdcbz 0, 4\n\tld 12, 256(3)")

FLOAT(fadd_, "fadd. 4, 1, 2")
FLOAT(fsub_, "fsub. 4, 1, 2")
FLOAT(fdiv_, "fdiv. 4, 1, 2")
FLOAT(fadds_, "fadds. 4, 1, 2")
FLOAT(fsubs_, "fsubs. 4, 1, 2")
FLOAT(fdivs_, "fdivs. 4, 1, 2")
FLOAT(fmul_, "fmul. 4, 1, 2")
FLOAT(fmuls_, "fmuls. 4, 1, 2")
FLOAT(fmadd_, "fmadd. 4, 1, 2, 3")
FLOAT(fmsub_, "fmsub. 4, 1, 2, 3")
FLOAT(fnmadd_, "fnmadd. 4, 1, 2, 3")
FLOAT(fnmsub_, "fnmsub. 4, 1, 2, 3")
FLOAT(fmadds_, "fmadds. 4, 1, 2, 3")
FLOAT(fmsubs_, "fmsubs. 4, 1, 2, 3")
FLOAT(fnmadds_, "fnmadds. 4, 1, 2, 3")
FLOAT(fnmsubs_, "fnmsubs. 4, 1, 2, 3")
FLOAT(fsel_, "fsel 4, 1, 2, 3")
FLOAT(frsp_, "frsp. 4, 1")
FLOAT(fctiw_, "fctiw. 4, 1")
FLOAT(fctiwz_, "fctiwz. 4, 1")
FLOAT(fctid_, "fctid. 4, 1")
FLOAT(fctidz_, "fctidz. 4, 1")
FLOAT(fcfid_, "fcfid. 4, 1")
FLOAT(fabs_, "fabs. 4, 1")
FLOAT(fnabs_, "fnabs. 4, 1")
FLOAT(fneg_, "fneg. 4, 1")
FLOAT(fmr_, "fmr. 4, 1")
FLOAT(fsqrt_, "fsqrt. 4, 1")
FLOAT(fsqrts_, "fsqrts. 4, 1")
FLOAT(fres_, "fres. 4, 1")
FLOAT(frsqrte_, "frsqrte. 4, 1")
FLOAT(fcmpu_, "fcmpu 0, 1, 2\n\tfmr 4, 1")
FLOAT(fcmpo_, "fcmpo 0, 1, 2\n\tfmr 4, 1")
FLOAT(mtfsfi_, "mtfsfi 7, 1\n\tfmul 4, 1, 2")
FLOAT(mtfsb_, "mtfsb1 30\n\tfadd 4, 1, 2\n\tmtfsb0 30")
FLOAT(lfs_, "stfs 1, 64(3)\n\tlfs 4, 64(3)")
FLOAT(stfiwx_, "addi 4, 3, 64\n\tstfiwx 1, 0, 4\n\tlfd 4, 64(3)")

VECTOR(vaddcuw_, "vaddcuw 4, 1, 2")
VECTOR(vaddfp_, "vaddfp 4, 1, 2")
VECTOR(vaddsbs_, "vaddsbs 4, 1, 2")
VECTOR(vaddshs_, "vaddshs 4, 1, 2")
VECTOR(vaddsws_, "vaddsws 4, 1, 2")
VECTOR(vaddubm_, "vaddubm 4, 1, 2")
VECTOR(vaddubs_, "vaddubs 4, 1, 2")
VECTOR(vadduhm_, "vadduhm 4, 1, 2")
VECTOR(vadduhs_, "vadduhs 4, 1, 2")
VECTOR(vadduwm_, "vadduwm 4, 1, 2")
VECTOR(vadduws_, "vadduws 4, 1, 2")
VECTOR(vand_, "vand 4, 1, 2")
VECTOR(vandc_, "vandc 4, 1, 2")
VECTOR(vavgsb_, "vavgsb 4, 1, 2")
VECTOR(vavgsh_, "vavgsh 4, 1, 2")
VECTOR(vavgsw_, "vavgsw 4, 1, 2")
VECTOR(vavgub_, "vavgub 4, 1, 2")
VECTOR(vavguh_, "vavguh 4, 1, 2")
VECTOR(vavguw_, "vavguw 4, 1, 2")
VECTOR(vmaxfp_, "vmaxfp 4, 1, 2")
VECTOR(vmaxsb_, "vmaxsb 4, 1, 2")
VECTOR(vmaxsh_, "vmaxsh 4, 1, 2")
VECTOR(vmaxsw_, "vmaxsw 4, 1, 2")
VECTOR(vmaxub_, "vmaxub 4, 1, 2")
VECTOR(vmaxuh_, "vmaxuh 4, 1, 2")
VECTOR(vmaxuw_, "vmaxuw 4, 1, 2")
VECTOR(vminfp_, "vminfp 4, 1, 2")
VECTOR(vminsb_, "vminsb 4, 1, 2")
VECTOR(vminsh_, "vminsh 4, 1, 2")
VECTOR(vminsw_, "vminsw 4, 1, 2")
VECTOR(vminub_, "vminub 4, 1, 2")
VECTOR(vminuh_, "vminuh 4, 1, 2")
VECTOR(vminuw_, "vminuw 4, 1, 2")
VECTOR(vmrghb_, "vmrghb 4, 1, 2")
VECTOR(vmrghh_, "vmrghh 4, 1, 2")
VECTOR(vmrghw_, "vmrghw 4, 1, 2")
VECTOR(vmrglb_, "vmrglb 4, 1, 2")
VECTOR(vmrglh_, "vmrglh 4, 1, 2")
VECTOR(vmrglw_, "vmrglw 4, 1, 2")
VECTOR(vmulesb_, "vmulesb 4, 1, 2")
VECTOR(vmulesh_, "vmulesh 4, 1, 2")
VECTOR(vmuleub_, "vmuleub 4, 1, 2")
VECTOR(vmuleuh_, "vmuleuh 4, 1, 2")
VECTOR(vmulosb_, "vmulosb 4, 1, 2")
VECTOR(vmulosh_, "vmulosh 4, 1, 2")
VECTOR(vmuloub_, "vmuloub 4, 1, 2")
VECTOR(vmulouh_, "vmulouh 4, 1, 2")
VECTOR(vnor_, "vnor 4, 1, 2")
VECTOR(vor_, "vor 4, 1, 2")
VECTOR(vpkpx_, "vpkpx 4, 1, 2")
VECTOR(vpkshss_, "vpkshss 4, 1, 2")
VECTOR(vpkshus_, "vpkshus 4, 1, 2")
VECTOR(vpkswss_, "vpkswss 4, 1, 2")
VECTOR(vpkswus_, "vpkswus 4, 1, 2")
VECTOR(vpkuhum_, "vpkuhum 4, 1, 2")
VECTOR(vpkuhus_, "vpkuhus 4, 1, 2")
VECTOR(vpkuwum_, "vpkuwum 4, 1, 2")
VECTOR(vpkuwus_, "vpkuwus 4, 1, 2")
VECTOR(vrlb_, "vrlb 4, 1, 2")
VECTOR(vrlh_, "vrlh 4, 1, 2")
VECTOR(vrlw_, "vrlw 4, 1, 2")
VECTOR(vslb_, "vslb 4, 1, 2")
VECTOR(vslh_, "vslh 4, 1, 2")
VECTOR(vslo_, "vslo 4, 1, 2")
VECTOR(vslw_, "vslw 4, 1, 2")
VECTOR(vsrab_, "vsrab 4, 1, 2")
VECTOR(vsrah_, "vsrah 4, 1, 2")
VECTOR(vsraw_, "vsraw 4, 1, 2")
VECTOR(vsrb_, "vsrb 4, 1, 2")
VECTOR(vsrh_, "vsrh 4, 1, 2")
VECTOR(vsro_, "vsro 4, 1, 2")
VECTOR(vsrw_, "vsrw 4, 1, 2")
VECTOR(vsubcuw_, "vsubcuw 4, 1, 2")
VECTOR(vsubfp_, "vsubfp 4, 1, 2")
VECTOR(vsubsbs_, "vsubsbs 4, 1, 2")
VECTOR(vsubshs_, "vsubshs 4, 1, 2")
VECTOR(vsubsws_, "vsubsws 4, 1, 2")
VECTOR(vsububm_, "vsububm 4, 1, 2")
VECTOR(vsububs_, "vsububs 4, 1, 2")
VECTOR(vsubuhm_, "vsubuhm 4, 1, 2")
VECTOR(vsubuhs_, "vsubuhs 4, 1, 2")
VECTOR(vsubuwm_, "vsubuwm 4, 1, 2")
VECTOR(vsubuws_, "vsubuws 4, 1, 2")
VECTOR(vsumsws_, "vsumsws 4, 1, 2")
VECTOR(vsum2sws_, "vsum2sws 4, 1, 2")
VECTOR(vsum4sbs_, "vsum4sbs 4, 1, 2")
VECTOR(vsum4shs_, "vsum4shs 4, 1, 2")
VECTOR(vsum4ubs_, "vsum4ubs 4, 1, 2")
VECTOR(vxor_, "vxor 4, 1, 2")
VECTOR(vexptefp_, "vexptefp 4, 1")
VECTOR(vlogefp_, "vlogefp 4, 1")
VECTOR(vrefp_, "vrefp 4, 1")
VECTOR(vrfim_, "vrfim 4, 1")
VECTOR(vrfin_, "vrfin 4, 1")
VECTOR(vrfip_, "vrfip 4, 1")
VECTOR(vrfiz_, "vrfiz 4, 1")
VECTOR(vrsqrtefp_, "vrsqrtefp 4, 1")
VECTOR(vupkhpx_, "vupkhpx 4, 1")
VECTOR(vupkhsb_, "vupkhsb 4, 1")
VECTOR(vupkhsh_, "vupkhsh 4, 1")
VECTOR(vupklpx_, "vupklpx 4, 1")
VECTOR(vupklsb_, "vupklsb 4, 1")
VECTOR(vupklsh_, "vupklsh 4, 1")
VECTOR(vcfsx_, "vcfsx 4, 1, 3")
VECTOR(vcfux_, "vcfux 4, 1, 31")
VECTOR(vctsxs_, "vctsxs 4, 1, 4")
VECTOR(vctuxs_, "vctuxs 4, 1, 0")
VECTOR(vspltb_, "vspltb 4, 1, 9")
VECTOR(vsplth_, "vsplth 4, 1, 5")
VECTOR(vspltw_, "vspltw 4, 1, 2")
VECTOR(vcmpbfp_, "vcmpbfp. 4, 1, 2")
VECTOR(vcmpeqfp_, "vcmpeqfp. 4, 1, 2")
VECTOR(vcmpequb_, "vcmpequb. 4, 1, 2")
VECTOR(vcmpequh_, "vcmpequh. 4, 1, 2")
VECTOR(vcmpequw_, "vcmpequw. 4, 1, 2")
VECTOR(vcmpgefp_, "vcmpgefp. 4, 1, 2")
VECTOR(vcmpgtfp_, "vcmpgtfp. 4, 1, 2")
VECTOR(vcmpgtsb_, "vcmpgtsb. 4, 1, 2")
VECTOR(vcmpgtsh_, "vcmpgtsh. 4, 1, 2")
VECTOR(vcmpgtsw_, "vcmpgtsw. 4, 1, 2")
VECTOR(vcmpgtub_, "vcmpgtub. 4, 1, 2")
VECTOR(vcmpgtuh_, "vcmpgtuh. 4, 1, 2")
VECTOR(vcmpgtuw_, "vcmpgtuw. 4, 1, 2")
VECTOR(vmhaddshs_, "vmhaddshs 4, 1, 2, 3")
VECTOR(vmhraddshs_, "vmhraddshs 4, 1, 2, 3")
VECTOR(vmladduhm_, "vmladduhm 4, 1, 2, 3")
VECTOR(vmsummbm_, "vmsummbm 4, 1, 2, 3")
VECTOR(vmsumshm_, "vmsumshm 4, 1, 2, 3")
VECTOR(vmsumshs_, "vmsumshs 4, 1, 2, 3")
VECTOR(vmsumubm_, "vmsumubm 4, 1, 2, 3")
VECTOR(vmsumuhm_, "vmsumuhm 4, 1, 2, 3")
VECTOR(vmsumuhs_, "vmsumuhs 4, 1, 2, 3")
VECTOR(vperm_, "vperm 4, 1, 2, 3")
VECTOR(vsel_, "vsel 4, 1, 2, 3")
VECTOR(vmaddfp_, "vmaddfp 4, 1, 2, 3")
VECTOR(vnmsubfp_, "vnmsubfp 4, 1, 2, 3")
VECTOR(vsldoi_, "vsldoi 4, 1, 2, 5")
VECTOR(vspltisb_, "vspltisb 4, -3")
VECTOR(vspltish_, "vspltish 4, 9")
VECTOR(vspltisw_, "vspltisw 4, -16")
VECTOR(vsl_, "vspltb 5, 2, 3\n\tvsl 4, 1, 5")
VECTOR(vsr_, "vspltb 5, 2, 3\n\tvsr 4, 1, 5")
VECTOR(lvsl_, "lvsl 5, 3, 5\n\tvperm 4, 1, 2, 5")
VECTOR(lvsr_, "lvsr 5, 3, 5\n\tvperm 4, 1, 2, 5")
VECTOR(lvlx_, "lvlx 5, 3, 5\n\tlvrx 6, 3, 5\n\tvxor 4, 5, 6")
VECTOR(stvlx_, "addi 4, 3, 64\n\tstvlx 1, 4, 5\n\tlvx 4, 0, 4")
VECTOR(stvewx_, "addi 4, 3, 64\n\tstvewx 1, 4, 5\n\tlvx 4, 0, 4")

VECTOR128(vaddfp128, 0x1447241b)
VECTOR128(vand128, 0x1447261b)
VECTOR128(vandc128, 0x1447265b)
VECTOR128(vcmpbfp128, 0x1847258b)
VECTOR128(vcmpbfp128_rc, 0x184725cb)
VECTOR128(vcmpeqfp128, 0x1847240b)
VECTOR128(vcmpeqfp128_rc, 0x1847244b)
VECTOR128(vcmpequw128, 0x1847260b)
VECTOR128(vcmpequw128_rc, 0x1847264b)
VECTOR128(vcmpgefp128, 0x1847248b)
VECTOR128(vcmpgefp128_rc, 0x184724cb)
VECTOR128(vcmpgtfp128, 0x1847250b)
VECTOR128(vcmpgtfp128_rc, 0x1847254b)
VECTOR128(vexptefp128, 0x184026bb)
VECTOR128(vlogefp128, 0x184026fb)
VECTOR128(vmaddfp128, 0x144724db)
VECTOR128(vmaxfp128, 0x1847268b)
VECTOR128(vminfp128, 0x184726cb)
VECTOR128(vmrghw128, 0x1847270b)
VECTOR128(vmrglw128, 0x1847274b)
VECTOR128(vnmsubfp128, 0x1447255b)
VECTOR128(vnor128, 0x1447269b)
VECTOR128(vor128, 0x144726db)
VECTOR128(vperm128, 0x144724cb)
VECTOR128(vpkshss128, 0x1447260b)
VECTOR128(vpkshus128, 0x1447264b)
VECTOR128(vpkswss128, 0x1447268b)
VECTOR128(vpkswus128, 0x144726cb)
VECTOR128(vpkuhum128, 0x1447270b)
VECTOR128(vpkuhus128, 0x1447274b)
VECTOR128(vpkuwum128, 0x1447278b)
VECTOR128(vpkuwus128, 0x144727cb)
VECTOR128(vrefp128, 0x1840263b)
VECTOR128(vrfim128, 0x1840233b)
VECTOR128(vrfin128, 0x1840237b)
VECTOR128(vrfip128, 0x184023bb)
VECTOR128(vrfiz128, 0x184023fb)
VECTOR128(vrlw128, 0x1847245b)
VECTOR128(vrsqrtefp128, 0x1840267b)
VECTOR128(vsel128, 0x1447275b)
VECTOR128(vsldoi128, 0x1047255b)
VECTOR128(vslo128, 0x1447279b)
VECTOR128(vslw128, 0x184724db)
VECTOR128(vspltisw128, 0x18450778)
VECTOR128(vspltw128, 0x1842273b)
VECTOR128(vsraw128, 0x1847255b)
VECTOR128(vsro128, 0x144727db)
VECTOR128(vsrw128, 0x184725db)
VECTOR128(vsubfp128, 0x1447245b)
VECTOR128(vupkhsb128, 0x1840238b)
VECTOR128(vupklsb128, 0x184023cb)
VECTOR128(vxor128, 0x1447271b)
VECTOR128(vmulfp128, 0x1447249b)
VECTOR128(vmaddcfp128, 0x1447251b)
VECTOR128(vmsum3fp128, 0x1447259b)
VECTOR128(vmsum4fp128, 0x144725db)
VECTOR128(vpermwi128, 0x185b235b)
VECTOR128(vcfpsxws128, 0x1842223b)
VECTOR128(vcfpuxws128, 0x1842227b)
VECTOR128(vcsxwfp128, 0x184222bb)
VECTOR128(vcuxwfp128, 0x184222fb)
VECTOR128(vpkd3d128, 0x184126db)
VECTOR128(vrlimi128, 0x1843279b)
VECTOR128(vupkd3d128, 0x184027fb)

static operation *const integer[] = {
    add_, addc_, adde_, subf_, subfc_, subfe_, mullw_, mulhw_, mulhwu_, mulld_, mulhd_, mulhdu_, divw_, divwu_, divd_,
    divdu_, addo_, addco_, addeo_, subfo_, subfco_, subfeo_, mullwo_, mulldo_, and_, andc_, or_, orc_, xor_, nor_,
    nand_, eqv_, slw_, srw_, sraw_, sld_, srd_, srad_, neg_, addze_, addme_, subfze_, subfme_, nego_, cntlzw_,
    cntlzd_, extsb_, extsh_, extsw_, rlwinm_1, rlwinm_2, rlwimi_, rlwnm_, rldicl_, rldicr_, rldic_, rldimi_, rldcl_,
    rldcr_, srawi_, sradi_, addi_, addis_, addic_, subfic_, mulli_, andi_, andis_, ori_, oris_, xori_, xoris_, cmpw_,
    cmplw_, cmpd_, cmpld_, cmpwi_, cmpldi_, crlogic_, branch_, call_, mcrxr_,
};

static operation *const memory[] = {
    lbz_, lbzx_, lbzu_, lhz_, lhzx_, lhzu_, lha_, lhax_, lhau_, lwz_, lwzx_, lwzu_, lwa_, lwax_, ld_, ldx_, lhbrx_,
    lwbrx_, ldbrx_, stb_, stbx_, sth_, sthx_, stw_, stwx_, std_, stdx_, sthbrx_, stwbrx_, stdbrx_, lmw_, stmw_, lswi_,
    stswi_, lwarx_, ldarx_, dcbz_,
};

static operation *const floating[] = {
    fadd_, fsub_, fdiv_, fadds_, fsubs_, fdivs_, fmul_, fmuls_, fmadd_, fmsub_, fnmadd_, fnmsub_, fmadds_, fmsubs_,
    fnmadds_, fnmsubs_, fsel_, frsp_, fctiw_, fctiwz_, fctid_, fctidz_, fcfid_, fabs_, fnabs_, fneg_, fmr_, fsqrt_,
    fsqrts_, fres_, frsqrte_, fcmpu_, fcmpo_, mtfsfi_, mtfsb_, lfs_, stfiwx_,
};

static operation *const vector[] = {
    vaddcuw_, vaddfp_, vaddsbs_, vaddshs_, vaddsws_, vaddubm_, vaddubs_, vadduhm_, vadduhs_, vadduwm_, vadduws_,
    vand_, vandc_, vavgsb_, vavgsh_, vavgsw_, vavgub_, vavguh_, vavguw_, vmaxfp_, vmaxsb_, vmaxsh_, vmaxsw_, vmaxub_,
    vmaxuh_, vmaxuw_, vminfp_, vminsb_, vminsh_, vminsw_, vminub_, vminuh_, vminuw_, vmrghb_, vmrghh_, vmrghw_,
    vmrglb_, vmrglh_, vmrglw_, vmulesb_, vmulesh_, vmuleub_, vmuleuh_, vmulosb_, vmulosh_, vmuloub_, vmulouh_, vnor_,
    vor_, vpkpx_, vpkshss_, vpkshus_, vpkswss_, vpkswus_, vpkuhum_, vpkuhus_, vpkuwum_, vpkuwus_, vrlb_, vrlh_, vrlw_,
    vslb_, vslh_, vslo_, vslw_, vsrab_, vsrah_, vsraw_, vsrb_, vsrh_, vsro_, vsrw_, vsubcuw_, vsubfp_, vsubsbs_,
    vsubshs_, vsubsws_, vsububm_, vsububs_, vsubuhm_, vsubuhs_, vsubuwm_, vsubuws_, vsumsws_, vsum2sws_, vsum4sbs_,
    vsum4shs_, vsum4ubs_, vxor_, vexptefp_, vlogefp_, vrefp_, vrfim_, vrfin_, vrfip_, vrfiz_, vrsqrtefp_, vupkhpx_,
    vupkhsb_, vupkhsh_, vupklpx_, vupklsb_, vupklsh_, vcfsx_, vcfux_, vctsxs_, vctuxs_, vspltb_, vsplth_, vspltw_,
    vcmpbfp_, vcmpeqfp_, vcmpequb_, vcmpequh_, vcmpequw_, vcmpgefp_, vcmpgtfp_, vcmpgtsb_, vcmpgtsh_, vcmpgtsw_,
    vcmpgtub_, vcmpgtuh_, vcmpgtuw_, vmhaddshs_, vmhraddshs_, vmladduhm_, vmsummbm_, vmsumshm_, vmsumshs_, vmsumubm_,
    vmsumuhm_, vmsumuhs_, vperm_, vsel_, vmaddfp_, vnmsubfp_, vsldoi_, vspltisb_, vspltish_, vspltisw_, vsl_, vsr_,
    lvsl_, lvsr_, lvlx_, stvlx_, stvewx_,
};

static operation *const vector128[] = {
    vaddfp128, vand128, vandc128, vcmpbfp128, vcmpbfp128_rc, vcmpeqfp128, vcmpeqfp128_rc, vcmpequw128, vcmpequw128_rc,
    vcmpgefp128, vcmpgefp128_rc, vcmpgtfp128, vcmpgtfp128_rc, vexptefp128, vlogefp128, vmaddfp128, vmaxfp128,
    vminfp128, vmrghw128, vmrglw128, vnmsubfp128, vnor128, vor128, vperm128, vpkshss128, vpkshus128, vpkswss128,
    vpkswus128, vpkuhum128, vpkuhus128, vpkuwum128, vpkuwus128, vrefp128, vrfim128, vrfin128, vrfip128, vrfiz128,
    vrlw128, vrsqrtefp128, vsel128, vsldoi128, vslo128, vslw128, vspltisw128, vspltw128, vsraw128, vsro128, vsrw128,
    vsubfp128, vupkhsb128, vupklsb128, vxor128, vmulfp128, vmaddcfp128, vmsum3fp128, vmsum4fp128, vpermwi128,
    vcfpsxws128, vcfpuxws128, vcsxwfp128, vcuxwfp128, vpkd3d128, vrlimi128, vupkd3d128,
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct group {
    const char *name;
    operation *const *operations;
    uint32_t count;
    int floats; // what the operands are
} groups[] = {
    {"integer and branch", integer, COUNT(integer), 0},
    {"memory", memory, COUNT(memory), 0},
    {"floating point", floating, COUNT(floating), 1},
    {"vector", vector, COUNT(vector), 2},
    {"vector of 128 registers", vector128, COUNT(vector128), 2},
};

static uint64_t seed = 0x243F6A8885A308D3;

static uint64_t next(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed ^ seed >> 29;
}

// Numbers of a useful size, now and then any bits at all, and the values where rules change.
static uint64_t operand(int floats, int number)
{
    static const uint64_t edges[] = {0, 1, ~0ull, 0x8000000000000000, 0x7FFFFFFFFFFFFFFF, 0x80000000, 0x7FF0000000000000, 0x7FF8000000000000,
                                     0x3FF0000000000000, 0x7FC000007F800000, 0x3F80000000000000, 0x7FFFFFFF80000000};
    uint64_t bits = next(), choice = next() >> 60;
    if (choice == 0)
        return edges[bits % COUNT(edges)] | (uint64_t)(number == 1 && floats == 0);
    if (choice < 4 && floats)
        return bits;
    if (floats == 1) // exponents from 2^-32 to 2^31
        return (bits & 0x800FFFFFFFFFFFFF) | (1023 - 32 + (bits >> 52 & 63)) << 52;
    if (floats == 2) // two single numbers, from 2^-8 to 2^7
        return (bits & 0x807FFFFF807FFFFF) | (uint64_t)(119 + (bits >> 55 & 15)) << 55 | (119 + (bits >> 23 & 15)) << 23;
    return number == 1 ? bits >> (next() >> 58) | 1 : (uint64_t)((int64_t)bits >> (next() >> 58)); // a divisor is not 0
}

static uint64_t run(const struct group *g, uint32_t operations, uint64_t hash)
{
    static struct state s;
    for (uint32_t i = 0; i < operations; i++) {
        for (int k = 0; k < 4; k++)
            s.in[k] = g->floats == 1 && k == 3 ? 0 : operand(g->floats, k);
        for (int k = 0; k < 4; k++)
            s.out[k] = 0;
        s.memory[0] = next();
        s.memory[1] = next();
        g->operations[i % g->count](&s);
        for (int k = 0; k < 4; k++)
            hash = (hash ^ s.out[k]) * 0x100000001B3;
    }
    return hash;
}

int main(void)
{
    uint64_t all = 0xCBF29CE484222325;
    uint32_t total = 0, instructions = 0;
    for (uint32_t i = 0; i < COUNT(groups); i++)
        instructions += groups[i].count;
    for (uint32_t i = 0; i < COUNT(groups); i++) {
        uint32_t n = i + 1 < COUNT(groups) ? OPERATIONS / instructions * groups[i].count : OPERATIONS - total;
        uint64_t hash = run(&groups[i], n, 0xCBF29CE484222325);
        printf("%-24s %3u instructions, %4u operations: %016llx\n", groups[i].name, groups[i].count, n, hash);
        all = (all ^ hash) * 0x100000001B3;
        total += n;
    }
    printf("cpu-self-test: %u operations, %016llx\n", total, all);
    return 0;
}
