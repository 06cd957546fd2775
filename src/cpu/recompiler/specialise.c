// specialise.c: the specialising cloner.
//
// A template is an instruction's function as a flat array, in reverse post-order: operands are constants, the function's
// parameters, or numbers of earlier instructions. Copying it with constants for `insn` and `pc` folds what follows from them
// in the builder itself, leaves out the blocks that become unreachable, and turns addresses within the state into offsets.
#include <llvm-c/BitReader.h>
#include <llvm-c/Core.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/recompiler/bitcode.h"
#include "cpu/recompiler/fold.h"
#include "cpu/recompiler/slots.h"
#include "cpu/recompiler/specialise.h"

enum { MAX_OPERANDS = 8, PARAMETERS = 4, PARAMETER_STATE = 0 };

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

struct rc_templates {
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMTargetDataRef layout;
    struct template templates[PPC_OPCODE_COUNT];
    // Scratch of one copy.
    struct value {
        LLVMValueRef value;
        bool is_state; // the address of the state + offset; value is NULL
        int64_t offset;
    } *values;
    uint32_t value_capacity;
    LLVMValueRef parameters[PARAMETERS];
    LLVMModuleRef scratch_module;
};

static const char *const names[PPC_OPCODE_COUNT] = {
#define OPCODE(id, text, value, mask, kind, variant, operands) "rc_" #id,
#include "ppc/opcodes.def"
#undef OPCODE
};

static const char *const external_names[RC_EXTERNAL_COUNT] = {
#define EXTERNAL(name) #name,
#include "cpu/recompiler/externals.def"
#undef EXTERNAL
};

bool rc_templates_create(struct rc_templates **out, LLVMContextRef context, struct error *err)
{
    struct rc_templates *t = calloc(1, sizeof *t);
    if (!t)
        return error_set(err, ERR_MEMORY, "no memory for the recompiler");
    t->context = context;
    LLVMMemoryBufferRef buffer =
        LLVMCreateMemoryBufferWithMemoryRange((const char *)rc_bitcode, rc_bitcode_size, "handlers", false);
    if (LLVMParseBitcodeInContext2(context, buffer, &t->module)) {
        LLVMDisposeMemoryBuffer(buffer);
        free(t);
        return error_set(err, ERR_FORMAT, "LLVM does not read the recompiler's bitcode");
    }
    LLVMDisposeMemoryBuffer(buffer);
    t->layout = LLVMCreateTargetData(LLVMGetDataLayoutStr(t->module));
    *out = t;
    return true;
}

static void free_template(struct template *t)
{
    free(t->steps);
    free(t->refs);
    free(t->sources);
    free(t->blocks);
}

void rc_templates_destroy(struct rc_templates *t)
{
    if (!t)
        return;
    for (unsigned i = 0; i < PPC_OPCODE_COUNT; i++)
        free_template(&t->templates[i]);
    if (t->scratch_module)
        LLVMDisposeModule(t->scratch_module);
    LLVMDisposeModule(t->module);
    LLVMDisposeTargetData(t->layout);
    free(t->values);
    free(t);
}

// ---- Making a template

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

static bool is_named(LLVMValueRef call, const char *prefix)
{
    size_t length;
    const char *name = LLVMGetValueName2(LLVMGetCalledValue(call), &length);
    return !strncmp(name, prefix, strlen(prefix));
}

static void make(struct rc_templates *all, struct template *t, enum ppc_opcode op)
{
    t->made = true;
    t->out_of_line = true;
    LLVMValueRef function = LLVMGetNamedFunction(all->module, names[op]);
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

// ---- Copying

struct copy {
    struct rc_templates *all;
    const struct template *t;
    const struct rc_site *site;
    LLVMBasicBlockRef *heads, *tails; // of each block copied
    bool *reached;
    bool *edge; // [from * block_count + to]
    bool certain, ok;
    bool ended; // the block: nothing of it comes any more
    LLVMValueRef result;
};

static LLVMTypeRef pointer_type(const struct copy *c)
{
    return LLVMPointerTypeInContext(c->all->context, 0);
}

static LLVMTypeRef integer(const struct copy *c, unsigned bits)
{
    return LLVMIntTypeInContext(c->all->context, bits);
}

// A table of the handlers' module that an instruction reads.
static LLVMValueRef copy_global(struct copy *c, LLVMValueRef g)
{
    size_t length;
    const char *name = LLVMGetValueName2(g, &length);
    LLVMValueRef mine = LLVMGetNamedGlobal(c->site->module, name);
    if (mine)
        return mine;
    if (!LLVMIsGlobalConstant(g) || !LLVMGetInitializer(g)) {
        c->ok = false;
        return g;
    }
    mine = LLVMAddGlobal(c->site->module, LLVMGlobalGetValueType(g), name);
    LLVMSetInitializer(mine, LLVMGetInitializer(g));
    LLVMSetGlobalConstant(mine, true);
    LLVMSetLinkage(mine, LLVMPrivateLinkage);
    LLVMSetUnnamedAddress(mine, LLVMGlobalUnnamedAddr);
    LLVMSetAlignment(mine, LLVMGetAlignment(g));
    return mine;
}

static LLVMValueRef copy_constant(struct copy *c, LLVMValueRef v)
{
    if (LLVMIsAGlobalVariable(v))
        return copy_global(c, v);
    if (!LLVMIsAConstantExpr(v))
        return v;
    LLVMValueRef base = LLVMGetOperand(v, 0), indices[MAX_OPERANDS];
    unsigned count = (unsigned)LLVMGetNumOperands(v) - 1;
    if (LLVMGetConstOpcode(v) != LLVMGetElementPtr || !LLVMIsAGlobalVariable(base) || count > MAX_OPERANDS) {
        c->ok = false;
        return v;
    }
    for (unsigned i = 0; i < count; i++)
        indices[i] = LLVMGetOperand(v, i + 1);
    return LLVMConstGEP2(LLVMGetGEPSourceElementType(v), copy_global(c, base), indices, count);
}

static struct value resolve(struct copy *c, const struct ref *r)
{
    switch (r->kind) {
    case REF_PARAMETER:
        if (r->index == PARAMETER_STATE)
            return (struct value){.is_state = true};
        return (struct value){.value = c->all->parameters[r->index]};
    case REF_VALUE:
        return c->all->values[r->index];
    default:
        return (struct value){.value = copy_constant(c, r->constant)};
    }
}

static LLVMValueRef materialise(struct copy *c, struct value v)
{
    if (!v.is_state)
        return v.value;
    LLVMValueRef offset = LLVMConstInt(integer(c, 64), (uint64_t)v.offset, false);
    return LLVMBuildGEP2(c->site->builder, integer(c, 8), c->site->state, &offset, 1, "");
}

static bool is_constant(struct value v)
{
    return !v.is_state && v.value && LLVMIsConstant(v.value);
}

// Adds the constant distance of a GEP to `offset`; false where an index is not a constant.
static bool gep_distance(struct copy *c, const struct step *s, int64_t *offset)
{
    LLVMTypeRef type = LLVMGetGEPSourceElementType(s->original);
    for (unsigned i = 1; i < s->ref_count; i++) {
        struct value v = resolve(c, &c->t->refs[s->first_ref + i]);
        if (v.is_state || !v.value || !LLVMIsAConstantInt(v.value))
            return false;
        int64_t index = LLVMConstIntGetSExtValue(v.value);
        if (i == 1) {
            *offset += index * (int64_t)LLVMABISizeOfType(c->all->layout, type);
            continue;
        }
        switch (LLVMGetTypeKind(type)) {
        case LLVMStructTypeKind:
            *offset += (int64_t)LLVMOffsetOfElement(c->all->layout, type, (unsigned)index);
            type = LLVMStructGetTypeAtIndex(type, (unsigned)index);
            break;
        case LLVMArrayTypeKind:
        case LLVMVectorTypeKind:
            type = LLVMGetElementType(type);
            *offset += index * (int64_t)LLVMABISizeOfType(c->all->layout, type);
            break;
        default:
            return false;
        }
    }
    return true;
}

static struct value fail(struct copy *c)
{
    c->ok = false;
    return (struct value){.value = LLVMGetUndef(integer(c, 64))};
}

static struct value plain(LLVMValueRef v)
{
    return (struct value){.value = v};
}

// The instruction itself, with new operands.
static LLVMValueRef duplicate(struct copy *c, const struct step *s)
{
    LLVMValueRef v = LLVMInstructionClone(s->original), operands[MAX_OPERANDS];
    if (s->ref_count > MAX_OPERANDS)
        return fail(c).value;
    for (unsigned i = 0; i < s->ref_count; i++)
        operands[i] = materialise(c, resolve(c, &c->t->refs[s->first_ref + i]));
    LLVMInsertIntoBuilder(c->site->builder, v);
    for (unsigned i = 0; i < s->ref_count; i++)
        LLVMSetOperand(v, i, operands[i]);
    return v;
}

// The same value, which LLVM takes for another one: a load that became part of an instruction elsewhere would lose its location.
static LLVMValueRef keep_apart(struct copy *c, LLVMValueRef v)
{
    LLVMTypeRef type = LLVMTypeOf(v), function = LLVMFunctionType(type, &type, 1, false);
    LLVMValueRef nothing = LLVMGetInlineAsm(function, "", 0, "=r,0", 4, false, false, LLVMInlineAsmDialectATT, false);
    LLVMValueRef call = LLVMBuildCall2(c->site->builder, function, nothing, &v, 1, "");
    unsigned kind = LLVMGetEnumAttributeKindForName("memory", 6);
    LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(c->all->context, kind, 0));
    return call;
}

// Of a load of guest memory, its bytes perhaps swapped; NULL: not that.
static LLVMMetadataRef location_of(LLVMValueRef v)
{
    return LLVMIsAInstruction(v) ? LLVMInstructionGetDebugLoc(v) : NULL;
}

static struct value copy_access(struct copy *c, const struct step *s)
{
    bool store = s->code == LLVMStore;
    struct value address = resolve(c, &c->t->refs[s->first_ref + (store ? 1 : 0)]);
    LLVMBuilderRef b = c->site->builder;
    LLVMValueRef value = store ? materialise(c, resolve(c, &c->t->refs[s->first_ref])) : NULL;
    LLVMTypeRef type = store ? LLVMTypeOf(value) : LLVMTypeOf(s->original);
    if (!address.is_state) {
        LLVMValueRef v = duplicate(c, s);
        // Guest memory may be device registers: every access happens, alone and in order. Tables and stack are not.
        LLVMValueRef base = address.value;
        while (LLVMIsAGetElementPtrInst(base))
            base = LLVMGetOperand(base, 0);
        if (base == c->site->memory) {
            LLVMSetVolatile(v, true);
            LLVMInstructionSetDebugLoc(v, c->site->location);
        } else if (!LLVMIsAAllocaInst(base) && !LLVMIsAGlobalVariable(base)) {
            *c->site->unlocated = true;
        }
        return plain(v);
    }
    uint32_t size = (uint32_t)LLVMStoreSizeOfType(c->all->layout, type);
    LLVMValueRef slot = c->site->slot(c->site->user, (uint32_t)address.offset, size, store, c->certain);
    if (!slot)
        return fail(c);
    // A stack variable is used as what it is: LLVM makes one value of it only then.
    bool variable = LLVMIsAAllocaInst(slot);
    LLVMTypeRef held = variable ? LLVMGetAllocatedType(slot) : type;
    if (store && held != type)
        value = LLVMBuildBitCast(b, value, held, "");
    LLVMValueRef v = store ? LLVMBuildStore(b, value, slot) : LLVMBuildLoad2(b, held, slot, "");
    if (!variable)
        LLVMSetAlignment(v, LLVMGetAlignment(s->original));
    return plain(!store && held != type ? LLVMBuildBitCast(b, v, type, "") : v);
}

static LLVMValueRef declare(struct copy *c, LLVMValueRef function)
{
    size_t length;
    const char *name = LLVMGetValueName2(function, &length);
    LLVMValueRef mine = LLVMGetNamedFunction(c->site->module, name);
    return mine ? mine : LLVMAddFunction(c->site->module, name, LLVMGlobalGetValueType(function));
}

static int find_external(const char *name)
{
    for (int i = 0; i < RC_EXTERNAL_COUNT; i++)
        if (!strcmp(external_names[i], name))
            return i;
    return -1;
}

// A function of the program, through the table of externals. What of the state it sees follows from its arguments.
static struct value call_external(struct copy *c, const struct step *s, const char *name)
{
    int number = find_external(name);
    unsigned count = s->ref_count - 1;
    LLVMValueRef arguments[MAX_OPERANDS];
    if (number < 0 || count > MAX_OPERANDS)
        return fail(c);
    LLVMBuilderRef b = c->site->builder;
    bool sees = false;
    uint32_t offset = 0, size = sizeof(struct ppc_state);
    for (unsigned i = 0; i < count; i++) {
        struct value v = resolve(c, &c->t->refs[s->first_ref + i]);
        arguments[i] = materialise(c, v);
        if (!v.is_state)
            continue;
        sees = true;
        if (v.offset == offsetof(struct ppc_state, fp)) {
            offset = (uint32_t)v.offset;
            size = sizeof(struct ppc_fp_status);
        }
    }
    if (sees)
        c->site->before_call(c->site->user, offset, size);
    LLVMValueRef at = LLVMConstInt(integer(c, 64), (uint64_t)RC_ENVIRONMENT_OFFSET(externals), true);
    LLVMValueRef table = LLVMBuildLoad2(b, pointer_type(c), LLVMBuildGEP2(b, integer(c, 8), c->site->memory, &at, 1, ""), "");
    LLVMValueRef index = LLVMConstInt(integer(c, 64), (uint64_t)number, false);
    LLVMValueRef target = LLVMBuildLoad2(b, pointer_type(c), LLVMBuildGEP2(b, pointer_type(c), table, &index, 1, ""), "");
    LLVMValueRef v = LLVMInstructionClone(s->original);
    LLVMInsertIntoBuilder(b, v);
    for (unsigned i = 0; i < count; i++)
        LLVMSetOperand(v, i, arguments[i]);
    LLVMSetOperand(v, count, target);
    if (sees)
        c->site->after_call(c->site->user, offset, size);
    return plain(v);
}

static struct value set_single(struct copy *c, uint32_t slot, LLVMValueRef value)
{
    const struct rc_site *site = c->site;
    if (site->set_single) {
        site->set_single(site->user, slot, value, c->certain);
        return plain(NULL);
    }
    LLVMValueRef place = site->slot(site->user, slot, 8, true, c->certain);
    if (!place)
        return fail(c);
    LLVMBuildStore(site->builder, LLVMBuildFPExt(site->builder, value, LLVMDoubleTypeInContext(c->all->context), ""), place);
    return plain(NULL);
}

static struct value leave(struct copy *c)
{
    LLVMBuildBr(c->site->builder, c->site->leave(c->site->user));
    c->ended = true;
    return plain(NULL);
}

static struct value keep_compare(struct copy *c, const struct step *s, bool doubles)
{
    const struct ref *r = &c->t->refs[s->first_ref];
    struct value field = resolve(c, r);
    if (!c->site->keep_compare || !field.is_state || (!doubles && !c->certain))
        return fail(c);
    (doubles ? c->site->keep_double_compare : c->site->keep_compare)(c->site->user, (uint32_t)field.offset, materialise(c, resolve(c, r + 1)),
                                                                     materialise(c, resolve(c, r + 2)));
    return plain(NULL);
}

// A single as the lower word of a slot, as a host register holds it: nothing is done.
static struct value keep_single(struct copy *c, uint32_t slot, LLVMValueRef value)
{
    LLVMBuilderRef b = c->site->builder;
    LLVMValueRef place = c->site->slot(c->site->user, slot, 8, true, c->certain);
    if (!place)
        return fail(c);
    LLVMValueRef pair = LLVMGetUndef(LLVMVectorType(LLVMTypeOf(value), 2));
    pair = LLVMBuildInsertElement(b, pair, value, LLVMConstInt(integer(c, 32), 0, false), "");
    LLVMBuildStore(b, LLVMBuildBitCast(b, pair, LLVMDoubleTypeInContext(c->all->context), ""), place);
    return plain(NULL);
}

static struct value forget(struct copy *c, uint32_t slot)
{
    if (c->site->forget && c->certain)
        c->site->forget(c->site->user, slot);
    return plain(NULL);
}

static bool is_slow_path(const char *name)
{
    return !strcmp(name, "ppc_fp_slow") || !strcmp(name, "ppc_fp_unordered");
}

// What handlers.c asks of the recompiler. True: it was that.
static bool answer(struct copy *c, const struct step *s, const char *name, struct value *out)
{
    const struct rc_site *site = c->site;
    uint32_t slot = s->ref_count > 1 ? (uint32_t)resolve(c, &c->t->refs[s->first_ref]).offset : 0;
    bool single = site->is_single && s->ref_count > 1 && site->is_single(site->user, slot);
    LLVMTypeRef float_type = LLVMFloatTypeInContext(c->all->context);
    if (!strcmp(name, "rc_tracks_singles"))
        *out = plain(LLVMConstInt(integer(c, 1), site->is_single != NULL, false));
    else if (!strcmp(name, "rc_known_single"))
        *out = plain(LLVMConstInt(integer(c, 1), single, false));
    else if (!strcmp(name, "rc_get_single"))
        *out = plain(single ? site->get_single(site->user, slot) : LLVMConstReal(float_type, 0));
    else if (!strcmp(name, "rc_set_single"))
        *out = set_single(c, slot, materialise(c, resolve(c, &c->t->refs[s->first_ref + 1])));
    else if (!strcmp(name, "rc_known_fast"))
        *out = plain(LLVMConstInt(integer(c, 1), site->known_fast, false));
    else if (!strcmp(name, "rc_known_minus_zero"))
        *out = plain(LLVMConstInt(integer(c, 1), site->is_minus_zero && site->is_minus_zero(site->user, slot), false));
    else if (!strcmp(name, "rc_forget"))
        *out = forget(c, slot);
    else if (!strcmp(name, "rc_keep_single"))
        *out = keep_single(c, slot, materialise(c, resolve(c, &c->t->refs[s->first_ref + 1])));
    else if (!strcmp(name, "rc_leave"))
        *out = site->leave ? leave(c) : fail(c);
    else if (!strcmp(name, "rc_keeps_compares"))
        *out = plain(LLVMConstInt(integer(c, 1), site->keep_compare != NULL, false));
    else if (!strcmp(name, "rc_keep_compare"))
        *out = keep_compare(c, s, false);
    else if (!strcmp(name, "rc_keep_double_compare"))
        *out = keep_compare(c, s, true);
    else
        return false;
    return true;
}

static struct value copy_call(struct copy *c, const struct step *s)
{
    LLVMValueRef function = LLVMGetCalledValue(s->original);
    if (!LLVMIsAFunction(function))
        return fail(c);
    size_t length;
    const char *name = LLVMGetValueName2(function, &length);
    if (is_named(s->original, "llvm.lifetime."))
        return plain(NULL);
    struct value answered;
    if (answer(c, s, name, &answered))
        return answered;
    if (c->site->leave && is_slow_path(name))
        return leave(c);
    if (strncmp(name, "llvm.", 5) != 0)
        return call_external(c, s, name);
    for (unsigned i = 0; i + 1 < s->ref_count; i++)
        if (resolve(c, &c->t->refs[s->first_ref + i]).is_state)
            return fail(c); // a copy of part of the state
    LLVMValueRef v = duplicate(c, s);
    LLVMSetOperand(v, s->ref_count - 1, declare(c, function));
    if (is_named(s->original, "llvm.mem")) {
        LLVMSetOperand(v, 3, LLVMConstInt(integer(c, 1), 1, false)); // volatile
        LLVMInstructionSetDebugLoc(v, c->site->location);
    }
    LLVMMetadataRef location = location_of(LLVMGetOperand(v, 0));
    if (location && is_named(s->original, "llvm.bswap")) {
        LLVMInstructionSetDebugLoc(v, location); // they become one instruction
        bool extended = s[1].code == LLVMZExt && LLVMGetOperand(s[1].original, 0) == s->original; // kept apart then
        if (c->site->leave && !extended)
            return plain(keep_apart(c, v));
    }
    return plain(v);
}

static struct value copy_gep(struct copy *c, const struct step *s)
{
    struct value base = resolve(c, &c->t->refs[s->first_ref]);
    if (!base.is_state)
        return plain(duplicate(c, s));
    if (!gep_distance(c, s, &base.offset))
        return fail(c);
    return base;
}

static struct value copy_alloca(struct copy *c, const struct step *s)
{
    LLVMBuilderRef b = LLVMCreateBuilderInContext(c->all->context);
    LLVMPositionBuilderBefore(b, LLVMGetFirstInstruction(c->site->entry));
    LLVMValueRef v = LLVMBuildAlloca(b, LLVMGetAllocatedType(s->original), "");
    LLVMSetAlignment(v, LLVMGetAlignment(s->original));
    LLVMDisposeBuilder(b);
    return plain(v);
}

static struct value copy_select(struct copy *c, const struct step *s)
{
    const struct ref *r = &c->t->refs[s->first_ref];
    struct value condition = resolve(c, r), yes = resolve(c, r + 1), no = resolve(c, r + 2);
    if (condition.value && LLVMIsAConstantInt(condition.value))
        return LLVMConstIntGetZExtValue(condition.value) ? yes : no;
    if (yes.is_state || no.is_state)
        return fail(c);
    return plain(duplicate(c, s));
}

static struct value copy_phi(struct copy *c, const struct step *s, uint32_t block)
{
    LLVMValueRef values[64];
    LLVMBasicBlockRef blocks[64];
    unsigned count = 0;
    struct value only = {0};
    struct value first = {0};
    bool state = false, same = true; // the same constant from everywhere: a register's number, or its place
    for (unsigned i = 0; i < s->ref_count; i++) {
        uint32_t from = c->t->sources[s->first_source + i];
        if (from == UINT32_MAX || !c->edge[from * c->t->block_count + block] || count == 64)
            continue;
        only = resolve(c, &c->t->refs[s->first_ref + i]);
        state |= only.is_state;
        if (!count)
            first = only;
        same &= only.is_state == first.is_state && only.value == first.value && only.offset == first.offset;
        values[count] = only.value;
        blocks[count++] = c->tails[from];
    }
    if (count && (count == 1 || same))
        return only;
    if (!count || state)
        return fail(c);
    LLVMValueRef phi = LLVMBuildPhi(c->site->builder, LLVMTypeOf(s->original), "");
    LLVMAddIncoming(phi, values, blocks, count);
    return plain(phi);
}

static struct value extend_loaded(struct copy *c, const struct step *s)
{
    LLVMValueRef v = duplicate(c, s);
    LLVMInstructionSetDebugLoc(v, location_of(LLVMGetOperand(v, 0)));
    return plain(keep_apart(c, v));
}

static struct value copy_plain(struct copy *c, const struct step *s)
{
    LLVMBuilderRef b = c->site->builder;
    const struct ref *r = &c->t->refs[s->first_ref];
    struct value x = resolve(c, r), y = s->ref_count > 1 ? resolve(c, r + 1) : (struct value){0};
    bool constants = is_constant(x) && (s->ref_count < 2 || is_constant(y));
    if (x.is_state || y.is_state)
        return fail(c);
    if (!constants) {
        if (s->code == LLVMAnd && (LLVMIsNull(x.value) || LLVMIsNull(y.value))) // what is never done is not translated
            return LLVMIsNull(x.value) ? x : y;
        if (s->code == LLVMICmp && (LLVMIsAConstantInt(x.value) || LLVMIsAConstantInt(y.value)))
            return plain(rc_fold_compare(b, LLVMGetICmpPredicate(s->original), x.value, y.value));
        if ((s->code == LLVMOr || s->code == LLVMAnd) && rc_same_load(x.value, y.value))
            return x;
        if (s->code == LLVMZExt && c->site->leave && location_of(x.value))
            return extend_loaded(c, s);
        LLVMValueRef simple = s->ref_count == 2 && is_constant(y) ? rc_fold(b, s->code, x.value, y.value) : NULL;
        return plain(simple ? simple : duplicate(c, s));
    }
    switch (s->code) {
    case LLVMAdd: case LLVMSub: case LLVMMul: case LLVMUDiv: case LLVMSDiv: case LLVMURem: case LLVMSRem:
    case LLVMShl: case LLVMLShr: case LLVMAShr: case LLVMAnd: case LLVMOr: case LLVMXor:
        return plain(LLVMBuildBinOp(b, s->code, x.value, y.value, ""));
    case LLVMICmp:
        return plain(LLVMBuildICmp(b, LLVMGetICmpPredicate(s->original), x.value, y.value, ""));
    case LLVMTrunc: case LLVMZExt: case LLVMSExt: case LLVMBitCast:
        return plain(LLVMBuildCast(b, s->code, x.value, LLVMTypeOf(s->original), ""));
    case LLVMFreeze:
        return x;
    case LLVMInsertElement: {
        struct value z = resolve(c, r + 2);
        if (is_constant(z))
            return plain(LLVMBuildInsertElement(b, x.value, y.value, z.value, ""));
        break;
    }
    case LLVMExtractElement:
        return plain(LLVMBuildExtractElement(b, x.value, y.value, ""));
    default:
        break;
    }
    return plain(duplicate(c, s));
}

static LLVMBasicBlockRef head(struct copy *c, uint32_t from, uint32_t to)
{
    c->reached[to] = true;
    c->edge[from * c->t->block_count + to] = true;
    if (!c->heads[to])
        c->heads[to] = LLVMAppendBasicBlockInContext(c->all->context, c->site->function, "");
    return c->heads[to];
}

// Whether the block that comes next can be built on in the same one: nothing else leads there.
static bool joins(const struct copy *c, uint32_t block, uint32_t to)
{
    for (uint32_t other = 0; other < to; other++)
        if (other != block && ((other > block && c->reached[other]) || c->edge[other * c->t->block_count + to]))
            return false;
    return to > block;
}

static void go_on(struct copy *c, uint32_t block, uint32_t to)
{
    if (joins(c, block, to))
        c->heads[to] = LLVMGetInsertBlock(c->site->builder);
    LLVMBasicBlockRef next = head(c, block, to);
    if (next != LLVMGetInsertBlock(c->site->builder))
        LLVMBuildBr(c->site->builder, next);
}

static void copy_branch(struct copy *c, const struct step *s, uint32_t block)
{
    LLVMBuilderRef b = c->site->builder;
    uint32_t to = s->blocks[0];
    if (s->ref_count) {
        struct value condition = resolve(c, &c->t->refs[s->first_ref]);
        if (!LLVMIsAConstantInt(condition.value)) {
            LLVMBasicBlockRef yes = head(c, block, s->blocks[0]), no = head(c, block, s->blocks[1]);
            LLVMValueRef v = LLVMBuildCondBr(b, condition.value, yes, no);
            unsigned prof = LLVMGetMDKindIDInContext(c->all->context, "prof", 4);
            LLVMValueRef weights = LLVMGetMetadata(s->original, prof);
            if (weights)
                LLVMSetMetadata(v, prof, weights);
            return;
        }
        to = LLVMConstIntGetZExtValue(condition.value) ? s->blocks[0] : s->blocks[1];
    }
    go_on(c, block, to);
}

static void copy_switch(struct copy *c, const struct step *s, uint32_t block)
{
    struct value v = resolve(c, &c->t->refs[s->first_ref]);
    if (!v.value || !LLVMIsAConstantInt(v.value)) {
        c->ok = false;
        return;
    }
    uint64_t wanted = LLVMConstIntGetZExtValue(v.value);
    uint32_t to = s->blocks[0];
    for (unsigned i = 0; i < s->block_count; i++)
        if (LLVMConstIntGetZExtValue(c->t->refs[s->first_ref + 1 + i].constant) == wanted)
            to = c->t->sources[s->first_source + i];
    go_on(c, block, to);
}

static struct value copy_step(struct copy *c, const struct step *s, uint32_t block)
{
    switch (s->code) {
    case LLVMLoad:
    case LLVMStore:
        return copy_access(c, s);
    case LLVMCall:
        return copy_call(c, s);
    case LLVMGetElementPtr:
        return copy_gep(c, s);
    case LLVMAlloca:
        return copy_alloca(c, s);
    case LLVMSelect:
        return copy_select(c, s);
    case LLVMPHI:
        return copy_phi(c, s, block);
    case LLVMBr:
        copy_branch(c, s, block);
        return plain(NULL);
    case LLVMSwitch:
        copy_switch(c, s, block);
        return plain(NULL);
    case LLVMUnreachable:
        LLVMBuildUnreachable(c->site->builder);
        return plain(NULL);
    case LLVMRet:
        if (s->ref_count)
            c->result = resolve(c, &c->t->refs[s->first_ref]).value;
        return plain(NULL);
    default:
        return copy_plain(c, s);
    }
}

// How far the furthest edge from the blocks before `block` reaches: beyond it, the block is not always passed.
static bool always_passed(const struct copy *c, uint32_t block)
{
    uint32_t count = c->t->block_count;
    for (uint32_t from = 0; from < block; from++)
        for (uint32_t to = block + 1; to < count; to++)
            if (c->edge[from * count + to])
                return false;
    return true;
}

static void copy_blocks(struct copy *c)
{
    for (uint32_t b = 0; b < c->t->block_count && c->ok; b++) {
        if (!c->reached[b])
            continue;
        if (b && c->heads[b] != LLVMGetInsertBlock(c->site->builder)) {
            LLVMMoveBasicBlockAfter(c->heads[b], LLVMGetInsertBlock(c->site->builder));
            LLVMPositionBuilderAtEnd(c->site->builder, c->heads[b]);
        }
        c->certain = always_passed(c, b);
        const struct block *block = &c->t->blocks[b];
        c->ended = false;
        for (uint32_t i = 0; i < block->count && c->ok && !c->ended; i++)
            c->all->values[block->first + i] = copy_step(c, &c->t->steps[block->first + i], b);
        c->tails[b] = LLVMGetInsertBlock(c->site->builder);
    }
}

static bool make_room(struct rc_templates *t, uint32_t count)
{
    if (count <= t->value_capacity)
        return true;
    struct value *bigger = realloc(t->values, count * sizeof *bigger);
    if (!bigger)
        return false;
    t->values = bigger;
    t->value_capacity = count;
    return true;
}

enum { MAX_BLOCKS = 128 };

static LLVMValueRef copy(struct rc_templates *all, const struct template *t, const struct rc_site *site, uint32_t word,
                         uint32_t pc, bool *ok)
{
    LLVMBasicBlockRef heads[MAX_BLOCKS] = {0}, tails[MAX_BLOCKS] = {0};
    bool reached[MAX_BLOCKS] = {true};
    struct copy c = {.all = all, .t = t, .site = site, .heads = heads, .tails = tails, .reached = reached, .ok = true};
    c.edge = calloc(t->block_count, t->block_count);
    *ok = false;
    if (!c.edge || t->block_count > MAX_BLOCKS || !make_room(all, t->step_count)) {
        free(c.edge);
        return NULL;
    }
    LLVMTypeRef word_type = LLVMInt32TypeInContext(all->context);
    all->parameters[0] = site->state;
    all->parameters[1] = site->memory;
    all->parameters[2] = LLVMConstInt(word_type, word, false);
    all->parameters[3] = LLVMConstInt(word_type, pc, false);
    copy_blocks(&c);
    free(c.edge);
    *ok = c.ok;
    return c.result;
}

// ---- Trying: once for each instruction, into a function that is thrown away.

static LLVMValueRef scratch_slot(void *user, uint32_t offset, uint32_t size, bool store, bool certain);

struct scratch {
    LLVMValueRef state;
};

// As unit.c divides the state into slots.
static LLVMValueRef scratch_slot(void *user, uint32_t offset, uint32_t size, bool store, bool certain)
{
    (void)store;
    (void)certain;
    struct scratch *s = user;
    return rc_slot_size(offset) == size ? s->state : NULL;
}

static void scratch_call(void *user, uint32_t offset, uint32_t size)
{
    (void)user;
    (void)offset;
    (void)size;
}

static bool try(struct rc_templates *all, const struct template *t, uint32_t word)
{
    if (!all->scratch_module)
        all->scratch_module = LLVMModuleCreateWithNameInContext("scratch", all->context);
    LLVMTypeRef pointer = LLVMPointerTypeInContext(all->context, 0), parameters[2] = {pointer, pointer};
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(all->context), parameters, 2, false);
    LLVMValueRef function = LLVMAddFunction(all->scratch_module, "try", type);
    struct scratch user = {LLVMGetParam(function, 0)};
    bool unlocated = false;
    struct rc_site site = {all->scratch_module, function, LLVMGetParam(function, 0), LLVMGetParam(function, 1),
                           LLVMAppendBasicBlockInContext(all->context, function, ""), LLVMCreateBuilderInContext(all->context),
                           .slot = scratch_slot, .before_call = scratch_call, .after_call = scratch_call, .unlocated = &unlocated, .user = &user};
    LLVMPositionBuilderAtEnd(site.builder, site.entry);
    LLVMBasicBlockRef body = LLVMAppendBasicBlockInContext(all->context, function, "");
    LLVMBuildBr(site.builder, body);
    LLVMPositionBuilderAtEnd(site.builder, body);
    bool ok;
    copy(all, t, &site, word, 0, &ok);
    LLVMDisposeBuilder(site.builder);
    LLVMDeleteFunction(function);
    return ok;
}

bool rc_can_specialise(struct rc_templates *all, enum ppc_opcode op, uint32_t word)
{
    if (op >= PPC_OPCODE_COUNT)
        return false;
    struct template *t = &all->templates[op];
    if (!t->made) {
        make(all, t, op);
        if (!t->out_of_line)
            t->out_of_line = !try(all, t, word);
    }
    return !t->out_of_line;
}

LLVMValueRef rc_specialise(struct rc_templates *all, const struct rc_site *site, enum ppc_opcode op, uint32_t word, uint32_t pc,
                           bool *ok)
{
    return copy(all, &all->templates[op], site, word, pc, ok);
}
