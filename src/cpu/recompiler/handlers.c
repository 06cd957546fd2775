// handlers.c: every instruction as a function of its own, for compiling to bitcode with clang. Never linked.
#include "ppc/semantics/all.h"

#define HANDLER(type, id)                                                                                              \
    type rc_##id(struct ppc_state *s, uint8_t *m, uint32_t insn, uint32_t pc);                                         \
    type rc_##id(struct ppc_state *s, uint8_t *m, uint32_t insn, uint32_t pc)                                          \
    {                                                                                                                  \
        return op_##id(s, m, insn, pc);                                                                                \
    }
#define HANDLER_PLAIN(id) HANDLER(void, id)
#define HANDLER_MEMORY(id) HANDLER(void, id)
#define HANDLER_EXIT(id) HANDLER(void, id)
#define HANDLER_BRANCH(id) HANDLER(bool, id)
#define HANDLER_INDIRECT(id) HANDLER(bool, id)
#define OPCODE(id, text, value, mask, kind, variant, operands) HANDLER_##kind(id)
#pragma clang diagnostic ignored "-Wpedantic"
#include "ppc/opcodes.def"
