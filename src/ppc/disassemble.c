#include <stdio.h>

#include "ppc/ppc.h"

size_t ppc_disassemble(uint32_t insn, uint32_t pc, ppc_symbol_function *symbol, void *user, char *out, size_t size)
{
    (void)pc;
    (void)symbol;
    (void)user;
    enum ppc_opcode op = ppc_decode(insn);
    int n = op == PPC_OP_INVALID ? snprintf(out, size, ".long 0x%08x", insn) : snprintf(out, size, "%s", ppc_opcodes[op].text);
    return n < 0 ? 0 : (size_t)n;
}
