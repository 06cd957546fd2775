// accesses.h: accesses to guest memory as single instructions of the host.
// While compiled code runs, the base of the segment GS is the host address of guest address 0, and an address of 32 bits wraps as
// the guest's does: `movbe %gs:8(%r9d), %eax`. LLVM has no such addresses, so each access is inline assembly.
#pragma once
#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include <stdbool.h>

#define RC_TICKS_REGISTER "r11"

struct rc_access {
    LLVMContextRef context;
    LLVMBuilderRef builder;
    LLVMMetadataRef location; // NULL: none
    LLVMValueRef address;     // i32
    LLVMValueRef ticks;       // held in RC_TICKS_REGISTER there; NULL: they are in the state
    bool swapped;             // memory has the other byte order than the value
};

// Whether there is an instruction for it: integers; floating point values and vectors of 16 bytes, which are never swapped.
bool rc_has_access(LLVMTypeRef type);

// A value of `type` in memory. `wide`: as i64, with zeros above it.
LLVMValueRef rc_build_load(const struct rc_access *a, LLVMTypeRef type, bool wide);
LLVMValueRef rc_build_store(const struct rc_access *a, LLVMValueRef value);
