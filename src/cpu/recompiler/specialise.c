// specialise.c: the specialising cloner.
//
// Copying a template with constants for `insn` and `pc` folds what follows from them in the builder itself, leaves out the blocks that
// become unreachable, and turns addresses within the state into offsets.
#include <llvm-c/BitReader.h>
#include <llvm-c/Core.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/recompiler/accesses.h"
#include "cpu/recompiler/bitcode.h"
#include "cpu/recompiler/fold.h"
#include "cpu/recompiler/slots.h"
#include "cpu/recompiler/specialise.h"
#include "cpu/recompiler/template.h"

enum { PARAMETER_STATE = 0 };

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

void rc_templates_destroy(struct rc_templates *t)
{
    if (!t)
        return;
    for (unsigned i = 0; i < PPC_OPCODE_COUNT; i++)
        template_free(&t->templates[i]);
    if (t->scratch_module)
        LLVMDisposeModule(t->scratch_module);
    LLVMDisposeModule(t->module);
    LLVMDisposeTargetData(t->layout);
    free(t->values);
    free(t);
}

static bool is_named(LLVMValueRef call, const char *prefix)
{
    size_t length;
    const char *name = LLVMGetValueName2(LLVMGetCalledValue(call), &length);
    return !strncmp(name, prefix, strlen(prefix));
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
    const struct step *done; // steps up to here are in the access before them
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

// Of a load of guest memory, its bytes perhaps swapped; NULL: not that.
static LLVMMetadataRef location_of(LLVMValueRef v)
{
    return LLVMIsAInstruction(v) ? LLVMInstructionGetDebugLoc(v) : NULL;
}

// Whether nothing but the next step uses the value of `s`.
static bool is_for_next(const struct step *s)
{
    LLVMUseRef use = LLVMGetFirstUse(s->original);
    return use && !LLVMGetNextUse(use) && LLVMGetUser(use) == s[1].original;
}

static bool is_swap(LLVMValueRef v)
{
    return LLVMIsACallInst(v) && LLVMIsAFunction(LLVMGetCalledValue(v)) && is_named(v, "llvm.bswap");
}

// The guest address that a host address is of, as i32; NULL: not seen.
static LLVMValueRef guest_address(const struct copy *c, LLVMValueRef address)
{
    if (!LLVMIsAGetElementPtrInst(address) || LLVMGetOperand(address, 0) != c->site->memory || LLVMGetNumOperands(address) != 2)
        return NULL;
    LLVMValueRef index = LLVMGetOperand(address, 1);
    if (LLVMIsAConstantInt(index) && LLVMConstIntGetZExtValue(index) <= UINT32_MAX)
        return LLVMConstInt(integer(c, 32), LLVMConstIntGetZExtValue(index), false);
    return LLVMIsAZExtInst(index) && LLVMTypeOf(LLVMGetOperand(index, 0)) == integer(c, 32) ? LLVMGetOperand(index, 0) : NULL;
}

// Of a vector of another type, so that the value needs no host integer even where it is used in another block.
static LLVMValueRef extract_as(struct copy *c, LLVMValueRef extracted, LLVMTypeRef type)
{
    LLVMValueRef v = LLVMGetOperand(extracted, 0);
    LLVMTypeRef vector = LLVMVectorType(type, LLVMGetVectorSize(LLVMTypeOf(v)));
    return LLVMBuildExtractElement(c->site->builder, LLVMBuildBitCast(c->site->builder, v, vector, ""), LLVMGetOperand(extracted, 1), "");
}

static LLVMTypeRef floating_type(const struct copy *c, LLVMTypeRef type)
{
    bool single = type == integer(c, 32);
    return single ? LLVMFloatTypeInContext(c->all->context) : type == integer(c, 64) ? LLVMDoubleTypeInContext(c->all->context) : NULL;
}

// As one instruction, with the swap before or behind it, and a load's extension; NULL: there is none for it.
static LLVMValueRef copy_guest_access(struct copy *c, const struct step *s, LLVMValueRef address, LLVMValueRef value)
{
    LLVMTypeRef type = value ? LLVMTypeOf(value) : LLVMTypeOf(s->original);
    struct rc_access access = {c->all->context, c->site->builder, c->site->location, guest_address(c, address), c->site->chained ? c->site->memory : NULL,
                               c->site->ticks, false};
    if (!c->site->leave || !access.address || !rc_has_access(type))
        return NULL;
    LLVMTypeRef floating = c->site->swaps_in_vectors ? floating_type(c, type) : NULL;
    if (value && floating && LLVMIsAExtractElementInst(value))
        return rc_build_store(&access, extract_as(c, value, floating));
    if (!value && floating && is_for_next(s) && is_swap(s[1].original))
        return LLVMBuildBitCast(c->site->builder, rc_build_load(&access, floating, false), type, "");
    if (value) {
        LLVMUseRef use = LLVMGetFirstUse(LLVMGetOperand(s->original, 0));
        access.swapped = is_swap(value) && !LLVMGetNextUse(use);
        LLVMValueRef v = rc_build_store(&access, access.swapped ? LLVMGetOperand(value, 0) : value);
        if (access.swapped)
            LLVMInstructionEraseFromParent(value);
        return v;
    }
    c->done = s;
    if (is_for_next(s) && is_swap(s[1].original)) {
        access.swapped = true;
        c->done++;
    }
    bool wide = is_for_next(c->done) && c->done[1].code == LLVMZExt && LLVMTypeOf(c->done[1].original) == integer(c, 64);
    c->done += wide;
    return rc_build_load(&access, type, wide);
}

static struct value copy_access(struct copy *c, const struct step *s)
{
    bool store = s->code == LLVMStore;
    struct value address = resolve(c, &c->t->refs[s->first_ref + (store ? 1 : 0)]);
    LLVMBuilderRef b = c->site->builder;
    LLVMValueRef value = store ? materialise(c, resolve(c, &c->t->refs[s->first_ref])) : NULL;
    LLVMTypeRef type = store ? LLVMTypeOf(value) : LLVMTypeOf(s->original);
    if (!address.is_state) {
        LLVMValueRef v = copy_guest_access(c, s, address.value, value);
        if (v)
            return plain(v);
        *c->site->unheld = true;
        v = duplicate(c, s);
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

// The bytes in the other order, in a vector register, where floating point values are: no way through the host's integers.
static LLVMValueRef swap_in_vector(struct copy *c, LLVMValueRef x)
{
    LLVMBuilderRef b = c->site->builder;
    LLVMMetadataRef location = location_of(x); // it becomes one instruction with the load
    LLVMTypeRef integer_type = LLVMTypeOf(x);
    if (LLVMIsABitCastInst(x))
        x = LLVMGetOperand(x, 0);
    unsigned size = LLVMGetIntTypeWidth(integer_type) / 8;
    LLVMTypeRef bytes = LLVMVectorType(integer(c, 8), 16), words = LLVMVectorType(integer_type, 16 / size);
    LLVMValueRef first = LLVMConstInt(integer(c, 32), 0, false), order[16];
    for (unsigned i = 0; i < 16; i++)
        order[i] = i < size ? LLVMConstInt(integer(c, 32), size - 1 - i, false) : LLVMGetUndef(integer(c, 32));
    LLVMValueRef v = LLVMBuildInsertElement(b, LLVMGetUndef(LLVMVectorType(LLVMTypeOf(x), 16 / size)), x, first, "");
    if (location)
        LLVMInstructionSetDebugLoc(v, location);
    v = LLVMBuildBitCast(b, v, bytes, "");
    v = LLVMBuildShuffleVector(b, v, LLVMGetUndef(bytes), LLVMConstVector(order, 16), "");
    return LLVMBuildExtractElement(b, LLVMBuildBitCast(b, v, words, ""), first, "");
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

static bool checked_later(struct copy *c, const struct step *s)
{
    return c->site->checked_later && c->site->checked_later(c->site->user, materialise(c, resolve(c, &c->t->refs[s->first_ref])));
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
    else if (!strcmp(name, "rc_checked_later") || !strcmp(name, "rc_checked_later_single"))
        *out = plain(LLVMConstInt(integer(c, 1), checked_later(c, s), false));
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
    LLVMValueRef first = materialise(c, resolve(c, &c->t->refs[s->first_ref]));
    if (c->site->swaps_in_vectors && is_named(s->original, "llvm.bswap") && (location_of(first) || LLVMIsABitCastInst(first)))
        return plain(swap_in_vector(c, first));
    LLVMValueRef v = duplicate(c, s);
    LLVMSetOperand(v, s->ref_count - 1, declare(c, function));
    if (is_named(s->original, "llvm.mem")) {
        LLVMSetOperand(v, 3, LLVMConstInt(integer(c, 1), 1, false)); // volatile
        *c->site->unheld = true;
        LLVMInstructionSetDebugLoc(v, c->site->location);
    }
    LLVMMetadataRef location = location_of(LLVMGetOperand(v, 0));
    if (location && is_named(s->original, "llvm.bswap")) {
        LLVMInstructionSetDebugLoc(v, location); // they become one instruction
        bool extended = s[1].code == LLVMZExt && LLVMGetOperand(s[1].original, 0) == s->original; // kept apart then
        if (c->site->leave && !extended)
            return plain(rc_keep_apart(c->site->builder, v));
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
    return plain(rc_keep_apart(c->site->builder, v));
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
        if (s->code == LLVMZExt && c->site->leave && !LLVMIsACallInst(x.value) && location_of(x.value))
            return extend_loaded(c, s);
        if (s->code == LLVMBitCast && c->site->swaps_in_vectors && LLVMIsAExtractElementInst(x.value))
            return plain(extract_as(c, x.value, LLVMTypeOf(s->original)));
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
    if (c->done && s <= c->done)
        return resolve(c, &c->t->refs[s->first_ref]);
    c->done = NULL;
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
    bool unlocated = false, unheld = false;
    struct rc_site site = {all->scratch_module, function, LLVMGetParam(function, 0), LLVMGetParam(function, 1),
                           LLVMAppendBasicBlockInContext(all->context, function, ""), LLVMCreateBuilderInContext(all->context),
                           .slot = scratch_slot, .before_call = scratch_call, .after_call = scratch_call, .unlocated = &unlocated, .unheld = &unheld, .user = &user};
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
        template_make(t, all->module, op);
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
