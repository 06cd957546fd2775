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

// The text before and after the operand in memory, the constraint before the address's; the value to store, NULL: it is a load.
static LLVMValueRef build(const struct rc_access *a, const char *before, const char *after, const char *constraints, LLVMTypeRef result,
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
    int all_length = snprintf(all, sizeof all, "%s%s%s", constraints, registers, a->ticks ? ",{" RC_TICKS_REGISTER "}" : "");
    LLVMTypeRef type = LLVMFunctionType(result, types, count, false);
    LLVMValueRef assembly = LLVMGetInlineAsm(type, text, (size_t)length, all, (size_t)all_length, true, false, LLVMInlineAsmDialectATT, false);
    LLVMValueRef call = LLVMBuildCall2(a->builder, type, assembly, operands, count, "");
    add_attribute(a, call, "memory", INACCESSIBLE_MEMORY);
    add_attribute(a, call, "nounwind", 0);
    add_attribute(a, call, "willreturn", 0);
    LLVMInstructionSetDebugLoc(call, a->location);
    return call;
}

LLVMValueRef rc_build_load(const struct rc_access *a, LLVMTypeRef type, bool wide)
{
    LLVMTypeRef word = LLVMInt32TypeInContext(a->context), doubleword = LLVMInt64TypeInContext(a->context);
    LLVMTypeRef made = wide ? doubleword : word;
    LLVMValueRef v;
    switch (form_of(type)) {
    case FORM_8:
        v = build(a, "movzbl ", ", ${0:k}", "=r", made, NULL);
        break;
    case FORM_16:
        v = a->swapped ? build(a, "movbew ", ", ${0:w}\nmovzwl ${0:w}, ${0:k}", "=r", made, NULL) : build(a, "movzwl ", ", ${0:k}", "=r", made, NULL);
        break;
    case FORM_32:
        return build(a, a->swapped ? "movbel " : "movl ", ", ${0:k}", "=r", made, NULL);
    case FORM_64:
        return build(a, a->swapped ? "movbeq " : "movq ", ", ${0:q}", "=r", doubleword, NULL);
    case FORM_FLOAT:
        return build(a, "vmovd ", ", $0", "=x", type, NULL);
    case FORM_DOUBLE:
        return build(a, "vmovq ", ", $0", "=x", type, NULL);
    default:
        return build(a, "vmovups ", ", $0", "=x", type, NULL);
    }
    return wide ? v : LLVMBuildTrunc(a->builder, v, type, "");
}

LLVMValueRef rc_build_store(const struct rc_access *a, LLVMValueRef value)
{
    LLVMTypeRef nothing = LLVMVoidTypeInContext(a->context);
    switch (form_of(LLVMTypeOf(value))) {
    case FORM_8:
        return build(a, "movb ${0:b}, ", "", "r", nothing, value);
    case FORM_16:
        return build(a, a->swapped ? "movbew ${0:w}, " : "movw ${0:w}, ", "", "r", nothing, value);
    case FORM_32:
        return build(a, a->swapped ? "movbel ${0:k}, " : "movl ${0:k}, ", "", "r", nothing, value);
    case FORM_64:
        return build(a, a->swapped ? "movbeq ${0:q}, " : "movq ${0:q}, ", "", "r", nothing, value);
    case FORM_FLOAT:
        return build(a, "vmovd $0, ", "", "x", nothing, value);
    case FORM_DOUBLE:
        return build(a, "vmovq $0, ", "", "x", nothing, value);
    default:
        return build(a, "vmovups $0, ", "", "x", nothing, value);
    }
}
