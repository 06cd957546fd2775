#include "ppc/ppc.h"

const struct ppc_opcode_info ppc_opcodes[PPC_OPCODE_COUNT] = {
#define OPCODE(id, text, value, mask, kind, variant, operands) {text, value, mask, PPC_##kind, variant, operands},
#include "ppc/opcodes.def"
#undef OPCODE
};

enum ppc_opcode ppc_decode(uint32_t insn)
{
    for (unsigned i = 0; i < PPC_OPCODE_COUNT; i++)
        if ((insn & ppc_opcodes[i].mask) == ppc_opcodes[i].value)
            return (enum ppc_opcode)i;
    return PPC_OP_INVALID;
}
