// places.h: which instruction of the guest a memory access in compiled code belongs to, so that code need not store its pc before
// each: LLVM carries it through as the line of a source that does not exist.
// Life: places_create, for each try places_begin_module to places_found, places_append, places_destroy.
// Threads: one at a time for one LLVM context.
#pragma once
#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>

#include "cpu/recompiler/interface.h"
#include "cpu/recompiler/link.h"

struct places {
    const struct rc_plan *plans;
    uint32_t plan_count;
    uint32_t *first_line; // of each plan's first instruction; one more for the end
    uint8_t *seen;        // by line
    bool *stores;         // by plan: its code stores pc before each access
    LLVMContextRef context;
    LLVMDIBuilderRef builder;
    LLVMMetadataRef file, type, scope;
    uint32_t plan; // that is built
};

bool places_create(struct places *p, LLVMContextRef context, const struct rc_plan *plans, uint32_t count);
void places_destroy(struct places *p);

void places_begin_module(struct places *p, LLVMModuleRef module);
void places_begin_unit(struct places *p, LLVMValueRef function, uint32_t plan);
// For an access of the plan's instruction number `insn`; NULL: this unit stores pc.
LLVMMetadataRef places_location(struct places *p, uint32_t insn);
// At the accesses of instruction number `insn`, the ticks are in a register, not in the state.
void places_ticks_held(struct places *p, uint32_t insn);
// For a call of a unit: LLVM's verifier wants that calls of functions with lines have one too.
LLVMMetadataRef places_nowhere(struct places *p);
// All units are built.
void places_end_module(struct places *p);

// Behind the passes: notes which accesses there are.
void places_expect(struct places *p, LLVMModuleRef module);
// Whether all of them are in the code's line table. Units with one that is not will store pc, so that the next try succeeds.
bool places_found(struct places *p, const struct linked *linked);
// Appends the table to the code; false: no memory.
bool places_append(const struct places *p, const struct linked *linked, struct rc_code *out);
