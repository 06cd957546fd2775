// ppc.h: the CPU's language: registers, instruction words, decode, text. The meaning of each instruction is in semantics/.
// Life: a struct ppc_state is plain data (no host pointers): ppc_state_init, then copy, hash and store it freely.
// Threads: everything here is pure.
// Source: Power ISA 2.0x, Cell BE and AltiVec manuals for meaning; opcodes.def for the encodings.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/types.h"

// A vector register is one 128-bit number, kept little-endian: the guest's byte element 0 (most significant) is b[15],
// halfword element 0 is h[7], word element 0 is w[3]. So every element size is host-native, whatever the element order.
union ppc_vector {
    uint8_t b[16];
    uint16_t h[8];
    uint32_t w[4];
    uint64_t d[2];
    int8_t sb[16];
    int16_t sh[8];
    int32_t sw[4];
    float f[4];
} __attribute__((aligned(16)));

// Bits of one CR field, as offsets into state->cr.
enum { PPC_LT, PPC_GT, PPC_EQ, PPC_SO };

// Why an engine stopped.
enum ppc_exit {
    PPC_EXIT_NONE,    // it did not
    PPC_EXIT_SLICE,   // time is up; pc is the next instruction
    PPC_EXIT_SYSCALL, // sc; pc is the instruction behind it
    PPC_EXIT_TRAP,    // tw, td...; pc is the instruction
    PPC_EXIT_ILLEGAL, // unknown word, unknown SPR, instruction without meaning; pc is the instruction
    PPC_EXIT_FAULT,   // guest memory not accessible (pc is the instruction, fault_address says where)
    PPC_EXIT_FETCH,   // pc itself is not in executable memory
    PPC_EXIT_ICACHE,  // icbi of the line at fault_address; engines handle it themselves, cpu_run never returns it
};

// The fixed-point and floating status that only matters when something reads it. See fp_status.h.
struct ppc_fp_status {
    uint32_t fpscr;        // FPSCR as last made exact; ppc_fpscr() gives the exact value at any time
    uint32_t pending;      // kind of the last arithmetic operation whose FPRF, FR and FI are not in fpscr yet; 0: none
    uint64_t a, b, c;      // its operands (raw doubles); all are zero where nothing is pending
    uint64_t compare_a, compare_b; // of a later compare whose FPCC is not in fpscr yet; without one they mean nothing
};

// What compiled code uses most lies first, in reach of one byte: up to r21.
struct ppc_state {
    // Virtual time: `cycles` is the time at `block_pc`; one instruction is one cycle. See ppc_now.
    uint64_t cycles;
    uint64_t slice_end; // an engine leaves at the first safepoint at or after this time
    uint64_t lr, ctr;
    uint32_t pc;     // exact where opcodes.def says so and whenever no engine runs
    uint8_t zero[3], xer_so;        // 0 or 1; together a word that shifts it to where a CR field, as a word, has SO
    uint8_t xer_ov, xer_ca;         // 0 or 1
    uint8_t xer_count;              // bits 25:31, the string instructions' length
    uint8_t vscr_nj, vscr_sat;      // 0 or 1
    uint8_t reserved;               // a reservation of lwarx or ldarx is held
    uint8_t exit;                   // enum ppc_exit
    uint8_t cr[32] __attribute__((aligned(4))); // one byte a bit, 0 or 1: CR field n's LT is cr[4 * n + PPC_LT]
    uint64_t gpr[32];
    uint64_t fpr[32]; // raw bits of the double
    union ppc_vector vr[128];
    uint64_t msr;
    uint32_t vrsave;
    uint32_t reserve_address;
    uint32_t target; // of an indirect branch
    struct ppc_fp_status fp;
    uint32_t fault_address; // PPC_EXIT_FAULT
    uint32_t fault_write;
    uint32_t block_pc;
    uint32_t hw; // hardware thread it runs on
};

// Everything zero, FPSCR 0, VSCR.NJ set (as titles run), MSR 0x9030, VRSAVE all ones.
void ppc_state_init(struct ppc_state *s);

// Virtual time in cycles before the instruction at s->pc, where pc is exact.
static inline uint64_t ppc_now(const struct ppc_state *s)
{
    return s->cycles + (s->pc - s->block_pc) / 4;
}

enum { PPC_CYCLES_PER_TICK = 64 }; // 3.2 GHz over the 50 MHz timebase

// Asks the engine that runs `s` to leave at its next safepoint. May be called from an MMIO callback.
static inline void ppc_request_stop(struct ppc_state *s)
{
    s->slice_end = 0;
}

static inline uint32_t ppc_xer(const struct ppc_state *s)
{
    return (uint32_t)s->xer_so << 31 | (uint32_t)s->xer_ov << 30 | (uint32_t)s->xer_ca << 29 | s->xer_count;
}

static inline void ppc_set_xer(struct ppc_state *s, uint32_t value)
{
    s->xer_so = value >> 31;
    s->xer_ov = value >> 30 & 1;
    s->xer_ca = value >> 29 & 1;
    s->xer_count = value & 0x7F;
}

uint32_t ppc_cr(const struct ppc_state *s); // CR as 32 bits
void ppc_set_cr(struct ppc_state *s, uint32_t value);
uint32_t ppc_fpscr(struct ppc_state *s); // makes fp.fpscr exact and returns it
void ppc_set_fpscr(struct ppc_state *s, uint32_t value);
uint32_t ppc_vscr(const struct ppc_state *s);
void ppc_set_vscr(struct ppc_state *s, uint32_t value);

// ---- Instructions

enum ppc_opcode {
#define OPCODE(id, text, value, mask, kind, variant, operands) PPC_OP_##id,
#include "ppc/opcodes.def"
#undef OPCODE
    PPC_OPCODE_COUNT,
    PPC_OP_INVALID = PPC_OPCODE_COUNT
};

enum ppc_kind { PPC_PLAIN, PPC_MEMORY, PPC_EXIT, PPC_BRANCH, PPC_INDIRECT };

struct ppc_opcode_info {
    const char *text; // plain mnemonic, "add"
    uint32_t value, mask;
    enum ppc_kind kind;
    uint32_t variant;
    const char *operands;
};

extern const struct ppc_opcode_info ppc_opcodes[PPC_OPCODE_COUNT];

enum ppc_opcode ppc_decode(uint32_t insn); // PPC_OP_INVALID where no row matches

// Target of a BRANCH instruction.
static inline uint32_t ppc_branch_target(uint32_t insn, uint32_t pc)
{
    int32_t offset = insn >> 26 == 18 ? (int32_t)(insn << 6) >> 6 & ~3 : (int16_t)(insn & 0xFFFC);
    return insn & 2 ? (uint32_t)offset : pc + (uint32_t)offset;
}

// The instruction as an assembler writes it ("lwz r3, 16(r1)"), extended mnemonics included ("mr", "li", "blr").
// Names branch targets through `symbol` (may be NULL), which writes a name and returns true. Returns the length.
typedef bool ppc_symbol_function(void *user, uint32_t address, char *out, size_t size);
size_t ppc_disassemble(uint32_t insn, uint32_t pc, ppc_symbol_function *symbol, void *user, char *out, size_t size);
