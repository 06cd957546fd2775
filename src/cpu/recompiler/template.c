#include "cpu/recompiler/template.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[PPC_OPCODE_COUNT] = {
#define OPCODE(id, text, value, mask, kind, variant, operands) "rc_" #id,
#include "ppc/opcodes.def"
#undef OPCODE
};

struct numbering {
    LLVMBasicBlockRef *blocks; // in reverse post-order
    unsigned char *state;      // of blocks in the function's order: 0 new, 1 on the way, 2 done
    LLVMBasicBlockRef *all;
    uint32_t all_count, count;
    bool loop;
    struct {
        LLVMValueRef value;
        uint32_t index;
    } *map; // open addressing
    uint32_t map_size;
};

static uint32_t index_in(const struct numbering *n, LLVMBasicBlockRef block)
{
    for (uint32_t i = 0; i < n->all_count; i++)
        if (n->all[i] == block)
            return i;
    return 0;
}

static void visit(struct numbering *n, LLVMBasicBlockRef block)
{
    uint32_t i = index_in(n, block);
    if (n->state[i] == 1)
        n->loop = true;
    if (n->state[i])
        return;
    n->state[i] = 1;
    LLVMValueRef end = LLVMGetBasicBlockTerminator(block);
    for (unsigned s = LLVMGetNumSuccessors(end); s > 0; s--)
        visit(n, LLVMGetSuccessor(end, s - 1));
    n->state[i] = 2;
    n->blocks[n->all_count - ++n->count] = block;
}

static uint32_t block_number(const struct numbering *n, LLVMBasicBlockRef block)
{
    for (uint32_t i = 0; i < n->count; i++)
        if (n->blocks[i] == block)
            return i;
    return UINT32_MAX; // not reachable at all
}

static uint32_t *map_slot(struct numbering *n, LLVMValueRef v)
{
    uint32_t h = (uint32_t)((uintptr_t)v >> 4) * 2654435761u;
    for (;; h++) {
        h &= n->map_size - 1;
        if (!n->map[h].value || n->map[h].value == v) {
            n->map[h].value = v;
            return &n->map[h].index;
        }
    }
}

static struct ref reference(struct numbering *n, LLVMValueRef function, LLVMValueRef v)
{
    if (LLVMIsAArgument(v))
        for (unsigned i = 0; i < PARAMETERS; i++)
            if (LLVMGetParam(function, i) == v)
                return (struct ref){REF_PARAMETER, i, NULL};
    if (LLVMIsAInstruction(v))
        return (struct ref){REF_VALUE, *map_slot(n, v), NULL};
    return (struct ref){REF_CONSTANT, 0, v};
}

static void add_operands(struct template *t, struct numbering *n, LLVMValueRef function, struct step *step)
{
    LLVMValueRef v = step->original;
    step->first_ref = t->ref_count;
    step->first_source = t->source_count;
    switch (step->code) {
    case LLVMBr:
        step->block_count = LLVMGetNumSuccessors(v);
        for (unsigned i = 0; i < step->block_count; i++)
            step->blocks[i] = block_number(n, LLVMGetSuccessor(v, i));
        if (LLVMIsConditional(v))
            t->refs[t->ref_count++] = reference(n, function, LLVMGetCondition(v));
        break;
    case LLVMSwitch:
        t->refs[t->ref_count++] = reference(n, function, LLVMGetOperand(v, 0));
        step->blocks[0] = block_number(n, LLVMGetSwitchDefaultDest(v));
        step->block_count = LLVMGetNumSuccessors(v) - 1; // cases
        for (unsigned i = 0; i < step->block_count; i++) {
            t->refs[t->ref_count++] = reference(n, function, LLVMGetOperand(v, 2 + 2 * i));
            t->sources[t->source_count++] = block_number(n, LLVMValueAsBasicBlock(LLVMGetOperand(v, 3 + 2 * i)));
        }
        break;
    case LLVMPHI:
        for (unsigned i = 0; i < LLVMCountIncoming(v); i++) {
            t->refs[t->ref_count++] = reference(n, function, LLVMGetIncomingValue(v, i));
            t->sources[t->source_count++] = block_number(n, LLVMGetIncomingBlock(v, i));
        }
        break;
    default: {
        // A call's last operand is the function.
        unsigned count = (unsigned)LLVMGetNumOperands(v);
        for (unsigned i = 0; i < count; i++)
            t->refs[t->ref_count++] = reference(n, function, LLVMGetOperand(v, i));
    }
    }
    step->ref_count = t->ref_count - step->first_ref;
}

static void count_function(LLVMValueRef function, uint32_t *blocks, uint32_t *steps, uint32_t *operands)
{
    *blocks = *steps = *operands = 0;
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function); b; b = LLVMGetNextBasicBlock(b)) {
        ++*blocks;
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
            ++*steps;
            *operands += (uint32_t)LLVMGetNumOperands(i) + (LLVMGetInstructionOpcode(i) == LLVMPHI ? LLVMCountIncoming(i) : 0);
        }
    }
}

void template_make(struct template *t, LLVMModuleRef module, enum ppc_opcode op)
{
    t->made = true;
    t->out_of_line = true;
    LLVMValueRef function = LLVMGetNamedFunction(module, names[op]);
    if (!function)
        return;
    uint32_t blocks, steps, operands;
    count_function(function, &blocks, &steps, &operands);
    struct numbering n = {.all_count = blocks, .map_size = 64};
    while (n.map_size < 2 * steps)
        n.map_size *= 2;
    n.blocks = calloc(blocks, sizeof *n.blocks);
    n.all = calloc(blocks, sizeof *n.all);
    n.state = calloc(blocks, 1);
    n.map = calloc(n.map_size, sizeof *n.map);
    t->steps = calloc(steps, sizeof *t->steps);
    t->refs = calloc(operands + 1, sizeof *t->refs);
    t->sources = calloc(operands + 1, sizeof *t->sources);
    t->blocks = calloc(blocks, sizeof *t->blocks);
    if (n.blocks && n.all && n.state && n.map && t->steps && t->refs && t->sources && t->blocks) {
        LLVMGetBasicBlocks(function, n.all);
        visit(&n, LLVMGetEntryBasicBlock(function));
        memmove(n.blocks, n.blocks + blocks - n.count, n.count * sizeof *n.blocks);
        t->block_count = n.count;
        for (uint32_t b = 0; b < n.count; b++) {
            t->blocks[b].first = t->step_count;
            for (LLVMValueRef i = LLVMGetFirstInstruction(n.blocks[b]); i; i = LLVMGetNextInstruction(i)) {
                struct step *step = &t->steps[t->step_count];
                step->original = i;
                step->code = LLVMGetInstructionOpcode(i);
                *map_slot(&n, i) = t->step_count++;
                add_operands(t, &n, function, step);
            }
            t->blocks[b].count = t->step_count - t->blocks[b].first;
        }
        t->out_of_line = n.loop;
    }
    free(n.blocks);
    free(n.all);
    free(n.state);
    free(n.map);
}

void template_free(struct template *t)
{
    free(t->steps);
    free(t->refs);
    free(t->sources);
    free(t->blocks);
}
