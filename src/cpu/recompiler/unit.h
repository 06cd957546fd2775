// unit.h: from a plan to an LLVM function.
// Threads: one at a time for one LLVM context.
#pragma once
#include <llvm-c/Core.h>

#include "cpu/recompiler/interface.h"
#include "cpu/recompiler/places.h"
#include "cpu/recompiler/specialise.h"

// Loops pay for keeping registers in the host's; straight code around calls is better off with the state.
bool rc_has_loop(const struct rc_plan *plan);

// Adds function "u<number>" to the module. False: an instruction could not be translated (it will be called out of line from now
// on, so trying once more helps), or memory is short; the module is useless then.
bool rc_build_unit(struct rc_templates *templates, LLVMContextRef context, LLVMModuleRef module, uint32_t number,
                   const struct rc_plan *plan, enum rc_tier tier, struct places *places);
