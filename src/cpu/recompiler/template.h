// template.h: an instruction's function as a flat array of steps, in reverse post-order: operands are constants, the function's parameters, or
// numbers of earlier steps.
// Life: a zeroed template, template_make, template_free. Threads: one at a time.
#pragma once
#include <llvm-c/Core.h>

#include "ppc/ppc.h"

enum { MAX_OPERANDS = 8, PARAMETERS = 4 };

enum ref_kind { REF_CONSTANT, REF_PARAMETER, REF_VALUE };

struct ref {
    enum ref_kind kind;
    uint32_t index;        // parameter or instruction
    LLVMValueRef constant; // REF_CONSTANT
};

struct step {
    LLVMValueRef original;
    LLVMOpcode code;
    uint32_t first_ref, ref_count; // operands; a phi's values
    uint32_t blocks[3];            // br: condition false and true as LLVM numbers them (true first); switch: default
    uint32_t block_count;
    uint32_t first_source; // a phi's blocks, and a switch's (case value refs, blocks): index into sources
};

struct block {
    uint32_t first, count; // steps
};

struct template {
    bool made, out_of_line;
    struct step *steps;
    struct ref *refs;
    uint32_t *sources;
    struct block *blocks;
    uint32_t step_count, ref_count, source_count, block_count;
};

// Of the instruction's function in the handlers' module; out_of_line where it has none, or one with a loop.
void template_make(struct template *t, LLVMModuleRef module, enum ppc_opcode op);
void template_free(struct template *t);
