#include "cpu/recompiler/accesses.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum form { FORM_NONE, FORM_8, FORM_16, FORM_32, FORM_64, FORM_FLOAT, FORM_DOUBLE, FORM_VECTOR };

static enum form form_of(LLVMTypeRef type)
{
    switch (LLVMGetTypeKind(type)) {
    case LLVMFloatTypeKind:
        return FORM_FLOAT;
    case LLVMDoubleTypeKind:
        return FORM_DOUBLE;
    case LLVMVectorTypeKind: {
        LLVMTypeRef lane = LLVMGetElementType(type);
        bool integers = LLVMGetTypeKind(lane) == LLVMIntegerTypeKind;
        return integers && LLVMGetIntTypeWidth(lane) * LLVMGetVectorSize(type) == 128 ? FORM_VECTOR : FORM_NONE;
    }
    case LLVMIntegerTypeKind:
        switch (LLVMGetIntTypeWidth(type)) {
        case 8: return FORM_8;
        case 16: return FORM_16;
        case 32: return FORM_32;
        case 64: return FORM_64;
        default: return FORM_NONE;
        }
    default:
        return FORM_NONE;
    }
}

bool rc_has_access(LLVMTypeRef type)
{
    return form_of(type) != FORM_NONE;
}

// What an address consists of, modulo 2^32; index NULL: nothing.
struct parts {
    LLVMValueRef base, index;
    uint32_t distance;
};

static LLVMValueRef narrowed(const struct rc_access *a, LLVMValueRef v)
{
    LLVMTypeRef word = LLVMInt32TypeInContext(a->context);
    return LLVMTypeOf(v) == word ? v : LLVMBuildTrunc(a->builder, v, word, "");
}

static struct parts split(const struct rc_access *a)
{
    struct parts p = {.base = a->address};
    for (;;) {
        LLVMValueRef sum = LLVMIsATruncInst(p.base) ? LLVMGetOperand(p.base, 0) : p.base;
        if (!LLVMIsAInstruction(sum) || LLVMGetInstructionOpcode(sum) != LLVMAdd)
            return p;
        LLVMValueRef x = LLVMGetOperand(sum, 0), y = LLVMGetOperand(sum, 1);
        p.base = narrowed(a, x);
        if (!LLVMIsAConstantInt(y)) {
            p.index = narrowed(a, y);
            return p;
        }
        p.distance += (uint32_t)LLVMConstIntGetZExtValue(y);
    }
}

static void add_attribute(const struct rc_access *a, LLVMValueRef call, const char *name, uint64_t value)
{
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
    LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(a->context, kind, value));
}

// The operand in memory, as the text of assembly; returns the constraints of what it adds to the operands, of which one stands before.
static const char *add_address(const struct rc_access *a, LLVMValueRef *operands, unsigned *count, char *text, size_t size)
{
    if (a->memory) {
        operands[(*count)++] = a->memory;
        operands[(*count)++] = LLVMBuildZExt(a->builder, a->address, LLVMInt64TypeInContext(a->context), "");
        snprintf(text, size, "(${1:q},${2:q})");
        return ",r,r";
    }
    struct parts p = split(a);
    operands[(*count)++] = p.base;
    if (p.index)
        operands[(*count)++] = p.index;
    operands[(*count)++] = LLVMConstInt(LLVMInt32TypeInContext(a->context), p.distance, false);
    snprintf(text, size, p.index ? "%%gs:${3:c}(${1:k},${2:k})" : "%%gs:${2:c}(${1:k})");
    return p.index ? ",r,r,i" : ",r,i";
}

// The text before and after the operand in memory; the value's constraint; the value to store, NULL: it is a load.
static LLVMValueRef build(const struct rc_access *a, const char *before, const char *after, const char *constraint, LLVMTypeRef result,
                          LLVMValueRef value)
{
    enum { INACCESSIBLE_MEMORY = 3 << 2 }; // read and written: accesses stay in order, and are nothing to the state
    LLVMValueRef operands[5];
    LLVMTypeRef types[5];
    unsigned count = 0;
    char address[48], text[96], all[64];
    if (value)
        operands[count++] = value;
    const char *registers = add_address(a, operands, &count, address, sizeof address);
    if (a->ticks)
        operands[count++] = a->ticks;
    for (unsigned i = 0; i < count; i++)
        types[i] = LLVMTypeOf(operands[i]);
    int length = snprintf(text, sizeof text, "%s%s%s", before, address, after);
    int all_length = snprintf(all, sizeof all, "%s%s%s%s", value ? "" : "=", constraint, registers, a->ticks ? ",{" RC_TICKS_REGISTER "}" : "");
    LLVMTypeRef type = LLVMFunctionType(result, types, count, false);
    LLVMValueRef assembly = LLVMGetInlineAsm(type, text, (size_t)length, all, (size_t)all_length, true, false, LLVMInlineAsmDialectATT, false);
    LLVMValueRef call = LLVMBuildCall2(a->builder, type, assembly, operands, count, "");
    add_attribute(a, call, "memory", INACCESSIBLE_MEMORY);
    add_attribute(a, call, "nounwind", 0);
    add_attribute(a, call, "willreturn", 0);
    LLVMInstructionSetDebugLoc(call, a->location);
    return call;
}

// For values that are never swapped, only the first is there.
struct instructions {
    const char *load, *after, *store; // around the operand in memory; a store's has nothing behind it
    const char *constraint;           // of the value
};

static const struct instructions all_instructions[][2] = {
    // as it is, swapped
    [FORM_8] = {{"movzbl ", ", ${0:k}", "movb ${0:b}, ", "r"}},
    [FORM_16] = {{"movzwl ", ", ${0:k}", "movw ${0:w}, ", "r"}, {"movbew ", ", ${0:w}\nmovzwl ${0:w}, ${0:k}", "movbew ${0:w}, ", "r"}},
    [FORM_32] = {{"movl ", ", ${0:k}", "movl ${0:k}, ", "r"}, {"movbel ", ", ${0:k}", "movbel ${0:k}, ", "r"}},
    [FORM_64] = {{"movq ", ", ${0:q}", "movq ${0:q}, ", "r"}, {"movbeq ", ", ${0:q}", "movbeq ${0:q}, ", "r"}},
    [FORM_FLOAT] = {{"vmovd ", ", $0", "vmovd $0, ", "x"}},
    [FORM_DOUBLE] = {{"vmovq ", ", $0", "vmovq $0, ", "x"}},
    [FORM_VECTOR] = {{"vmovups ", ", $0", "vmovups $0, ", "x"}},
};

LLVMValueRef rc_build_load(const struct rc_access *a, LLVMTypeRef type, bool wide)
{
    enum form form = form_of(type);
    const struct instructions *i = &all_instructions[form][a->swapped];
    bool narrow = form == FORM_8 || form == FORM_16; // made as a word
    LLVMTypeRef made = wide ? LLVMInt64TypeInContext(a->context) : narrow ? LLVMInt32TypeInContext(a->context) : type;
    LLVMValueRef v = build(a, i->load, i->after, i->constraint, made, NULL);
    return narrow && !wide ? LLVMBuildTrunc(a->builder, v, type, "") : v;
}

LLVMValueRef rc_build_store(const struct rc_access *a, LLVMValueRef value)
{
    const struct instructions *i = &all_instructions[form_of(LLVMTypeOf(value))][a->swapped];
    return build(a, i->store, "", i->constraint, LLVMVoidTypeInContext(a->context), value);
}
