#include "cpu/recompiler/fold.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static bool is_number(LLVMValueRef v, uint64_t number)
{
    return v && LLVMIsAConstantInt(v) && LLVMConstIntGetZExtValue(v) == number;
}

LLVMValueRef rc_fold(LLVMBuilderRef b, LLVMOpcode code, LLVMValueRef x, LLVMValueRef y)
{
    LLVMTypeRef type = LLVMTypeOf(x), narrow = LLVMInt32TypeInContext(LLVMGetTypeContext(type));
    if (LLVMGetTypeKind(type) != LLVMIntegerTypeKind)
        return NULL;
    bool shift = code == LLVMShl || code == LLVMLShr || code == LLVMAShr;
    if (is_number(y, 0) && (shift || code == LLVMAdd || code == LLVMSub || code == LLVMOr || code == LLVMXor))
        return x;
    if (code != LLVMAnd || LLVMGetIntTypeWidth(type) != 64 || !LLVMIsAConstantInt(y))
        return NULL;
    uint64_t mask = LLVMConstIntGetZExtValue(y);
    // A word twice, of which the mask takes only the lower.
    bool twice = mask <= UINT32_MAX && LLVMIsAInstruction(x) && LLVMGetInstructionOpcode(x) == LLVMMul && is_number(LLVMGetOperand(x, 1), 0x100000001);
    if (twice)
        x = LLVMGetOperand(x, 0);
    if (mask <= INT32_MAX) // fits an instruction
        return twice ? LLVMBuildAnd(b, x, y, "") : NULL;
    if (mask > UINT32_MAX)
        return NULL;
    LLVMValueRef low;
    if (LLVMIsAInstruction(x) && LLVMGetInstructionOpcode(x) == LLVMAdd)
        low = LLVMBuildAdd(b, LLVMBuildTrunc(b, LLVMGetOperand(x, 0), narrow, ""), LLVMBuildTrunc(b, LLVMGetOperand(x, 1), narrow, ""), "");
    else if (LLVMIsAInstruction(x) && LLVMGetInstructionOpcode(x) == LLVMZExt && LLVMTypeOf(LLVMGetOperand(x, 0)) == narrow)
        low = LLVMGetOperand(x, 0);
    else
        low = LLVMBuildTrunc(b, x, narrow, "");
    if (mask != UINT32_MAX)
        low = LLVMBuildAnd(b, low, LLVMConstInt(narrow, mask, false), "");
    return LLVMBuildZExt(b, low, type, "");
}

// The address that a load of the state reads, as base and distance.
static bool is_load(LLVMValueRef v, LLVMValueRef *base, uint64_t *distance)
{
    if (!LLVMIsALoadInst(v) || LLVMGetVolatile(v))
        return false;
    *base = LLVMGetOperand(v, 0);
    *distance = 0;
    if (LLVMIsAGetElementPtrInst(*base)) {
        LLVMValueRef index = LLVMGetOperand(*base, 1);
        if (LLVMGetNumOperands(*base) != 2 || !LLVMIsAConstantInt(index))
            return false;
        *distance = LLVMConstIntGetZExtValue(index);
        *base = LLVMGetOperand(*base, 0);
    }
    return true;
}

bool rc_same_load(LLVMValueRef x, LLVMValueRef y)
{
    LLVMValueRef base, other_base;
    uint64_t distance, other;
    return LLVMTypeOf(x) == LLVMTypeOf(y) && is_load(x, &base, &distance) && is_load(y, &other_base, &other) && base == other_base && distance == other;
}

// Without effects besides its value, of the type of the first operand.
static LLVMValueRef assembly(LLVMBuilderRef b, const char *text, const char *constraints, LLVMValueRef *operands, unsigned count)
{
    LLVMTypeRef type = LLVMTypeOf(operands[0]), types[2] = {type, type}, function = LLVMFunctionType(type, types, count, false);
    LLVMValueRef v = LLVMGetInlineAsm(function, text, strlen(text), constraints, strlen(constraints), false, false, LLVMInlineAsmDialectATT, false);
    LLVMValueRef call = LLVMBuildCall2(b, function, v, operands, count, "");
    unsigned kind = LLVMGetEnumAttributeKindForName("memory", 6);
    LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(LLVMGetTypeContext(type), kind, 0));
    return call;
}

LLVMValueRef rc_keep_apart(LLVMBuilderRef b, LLVMValueRef v)
{
    return assembly(b, "", "=r,0", &v, 1);
}

LLVMValueRef rc_far_sum(LLVMBuilderRef b, LLVMValueRef v, LLVMValueRef distance)
{
    return assembly(b, "leaq ${2:c}($1), $0", "=r,r,i", (LLVMValueRef[]){v, distance}, 2);
}

LLVMValueRef rc_fold_compare(LLVMBuilderRef b, LLVMIntPredicate how, LLVMValueRef x, LLVMValueRef y)
{
    static const LLVMIntPredicate swapped[] = {
        [LLVMIntEQ] = LLVMIntEQ, [LLVMIntNE] = LLVMIntNE, [LLVMIntUGT] = LLVMIntULT, [LLVMIntUGE] = LLVMIntULE, [LLVMIntULT] = LLVMIntUGT,
        [LLVMIntULE] = LLVMIntUGE, [LLVMIntSGT] = LLVMIntSLT, [LLVMIntSGE] = LLVMIntSLE, [LLVMIntSLT] = LLVMIntSGT, [LLVMIntSLE] = LLVMIntSGE,
    };
    if (LLVMIsAConstantInt(x)) {
        LLVMValueRef constant = x;
        x = y;
        y = constant;
        how = swapped[how];
    }
    if ((how == LLVMIntEQ || how == LLVMIntNE) && LLVMIsAConstantInt(y) && LLVMIsAZExtInst(x)) {
        LLVMValueRef narrow = LLVMGetOperand(x, 0);
        unsigned bits = LLVMGetIntTypeWidth(LLVMTypeOf(narrow));
        if (bits >= 8 && LLVMConstIntGetZExtValue(y) >> bits == 0)
            return LLVMBuildICmp(b, how, narrow, LLVMConstInt(LLVMTypeOf(narrow), LLVMConstIntGetZExtValue(y), false), "");
    }
    return LLVMBuildICmp(b, how, x, y, "");
}
