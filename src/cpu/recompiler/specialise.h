// specialise.h: instructions' bitcode, copied into a function with word and address known.
// Life: rc_templates_create for one LLVM context; templates are made on first use and live until destroyed.
// Threads: one at a time.
#pragma once
#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include <llvm-c/Target.h>

#include "cpu/recompiler/interface.h"

struct rc_templates;

bool rc_templates_create(struct rc_templates **out, LLVMContextRef context, struct error *err);
void rc_templates_destroy(struct rc_templates *t);

// Where an instruction's copy goes, and how it reaches the state. Functions get `user`.
struct rc_site {
    LLVMModuleRef module;
    LLVMValueRef function, state, memory;
    LLVMBasicBlockRef entry; // stack variables go before its terminator
    LLVMBuilderRef builder;  // at the end of a block; afterwards at the end of another
    // The address of the `size` bytes at `offset` of the state, for a load or a store; `certain` where it happens on every
    // way through the instruction. NULL: no such register.
    LLVMValueRef (*slot)(void *user, uint32_t offset, uint32_t size, bool store, bool certain);
    // The state's bytes [offset, offset + size) become exact before a call, and may have changed behind it.
    void (*before_call)(void *user, uint32_t offset, uint32_t size);
    void (*after_call)(void *user, uint32_t offset, uint32_t size);
    // Where the copy goes on instead of calling an instruction's slow path: to leave and have the interpreter do it all.
    // NULL: slow paths are called.
    LLVMBasicBlockRef (*leave)(void *user);
    // Floating point registers known to hold singles; NULL: none is tracked. `slot` is the offset of the register.
    bool (*is_single)(void *user, uint32_t slot);
    LLVMValueRef (*get_single)(void *user, uint32_t slot);
    void (*set_single)(void *user, uint32_t slot, LLVMValueRef value, bool certain);
    bool known_fast; // FPSCR is as fp_mode_is_fast wants it
    // Whether a result is looked at later, behind this and perhaps other instructions. NULL: none is.
    bool (*checked_later)(void *user, LLVMValueRef result);
    // Whether all lanes of the vector register at `offset` are known to be -0. NULL: nothing is known.
    bool (*is_minus_zero)(void *user, uint32_t offset);
    // What is in the slot at `offset` is of no meaning from here on. NULL: of no interest.
    void (*forget)(void *user, uint32_t offset);
    // A compare, of which the instruction always makes one: `field` is the offset of its CR field. NULL: it sets the bits.
    void (*keep_compare)(void *user, uint32_t field, LLVMValueRef a, LLVMValueRef b);
    // The same of doubles, given as their bits, on the only way on: others have left.
    void (*keep_double_compare)(void *user, uint32_t field, LLVMValueRef a, LLVMValueRef b);
    bool swaps_in_vectors; // what is loaded or stored is a floating point register's
    // Of the instruction's accesses to guest memory; NULL: none. *unlocated becomes true where one cannot have it.
    LLVMMetadataRef location;
    bool chained; // it is a load that others wait for
    LLVMValueRef ticks; // of struct rc_access; *unheld becomes true where an access cannot have them
    bool *unheld;
    bool *unlocated;
    void *user;
};

// Whether the instruction can be copied; else it must be called.
bool rc_can_specialise(struct rc_templates *t, enum ppc_opcode op, uint32_t word);

// Copies the instruction. Returns its result (branches: i1 taken; others NULL). `ok` false: something that no instruction
// should contain; the function under construction is useless.
LLVMValueRef rc_specialise(struct rc_templates *t, const struct rc_site *site, enum ppc_opcode op, uint32_t word, uint32_t pc,
                           bool *ok);
