// accesses.h: accesses to guest memory as single instructions of the host.
// While compiled code runs, the base of the segment GS is the host address of guest address 0, and an address of 32 bits wraps as
// the guest's does: `movbe %gs:8(%r9d), %eax`. LLVM has no such addresses, so each access is inline assembly. That is one instruction for two,
// and a cycle or two later than `lea 8(%r9), %edx; movbe (%r14,%rdx), %eax` or even without the lea.
#pragma once
#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include <stdbool.h>

#define RC_TICKS_REGISTER "rcx" // where units get them, too

struct rc_access {
    LLVMContextRef context;
    LLVMBuilderRef builder;
    LLVMMetadataRef location; // NULL: none
    LLVMValueRef address;     // i32
    LLVMValueRef memory;      // where guest address 0 is: for a load that others wait for, because GS costs two cycles; NULL: through GS
    LLVMValueRef ticks;       // held in RC_TICKS_REGISTER there; NULL: they are in the state
    bool swapped;             // memory has the other byte order than the value
};

// Whether there is an instruction for it: integers; floating point values and vectors of 16 bytes, which are never swapped.
bool rc_has_access(LLVMTypeRef type);

// A value of `type` in memory. `wide`: as i64, with zeros above it.
LLVMValueRef rc_build_load(const struct rc_access *a, LLVMTypeRef type, bool wide);
LLVMValueRef rc_build_store(const struct rc_access *a, LLVMValueRef value);
