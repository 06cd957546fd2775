// fold.h: what the cloner makes simpler as it copies, without LLVM's passes: the quick tier has no others.
// Threads: one at a time for one LLVM context.
#pragma once
#include <llvm-c/Core.h>
#include <stdbool.h>

// What an operation whose right operand is constant comes to; NULL: as it stands.
LLVMValueRef rc_fold(LLVMBuilderRef b, LLVMOpcode code, LLVMValueRef x, LLVMValueRef y);
// A comparison, with its constant on the right and no wider than it need be.
LLVMValueRef rc_fold_compare(LLVMBuilderRef b, LLVMIntPredicate how, LLVMValueRef x, LLVMValueRef y);
// Two operands of one instruction, loaded one after the other.
bool rc_same_load(LLVMValueRef x, LLVMValueRef y);
// The same value, which LLVM takes for another one. A load that became part of an instruction elsewhere would lose its location.
LLVMValueRef rc_keep_apart(LLVMBuilderRef b, LLVMValueRef v);
// v + distance (a constant of 31 bits) as one instruction, which LLVM leaves as it is.
LLVMValueRef rc_far_sum(LLVMBuilderRef b, LLVMValueRef v, LLVMValueRef distance);
