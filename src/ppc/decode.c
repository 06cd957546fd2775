#include "ppc/ppc.h"

#include "ppc/decode_table.h"

const struct ppc_opcode_info ppc_opcodes[PPC_OPCODE_COUNT] = {
#define OPCODE(id, text, value, mask, kind, variant, operands) {text, value, mask, PPC_##kind, variant, operands},
#include "ppc/opcodes.def"
#undef OPCODE
};

enum ppc_opcode ppc_decode(uint32_t insn)
{
    unsigned primary = insn >> 26;
    unsigned row = first_row[slices[primary].first + (insn & slices[primary].index_mask)];
    while (row != PPC_OP_INVALID && (insn & ppc_opcodes[row].mask) != ppc_opcodes[row].value)
        row = next_row[row];
    return (enum ppc_opcode)row;
}
