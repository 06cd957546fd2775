// unit_parts.h: what the files that make a unit share (unit.c, blocks.c, checks.c, loops.c, flow.c, singles.c, compares.c).
// Threads: one at a time for one unit.
#pragma once
#include <llvm-c/Core.h>

#include "cpu/recompiler/slots.h"
#include "cpu/recompiler/unit.h"

enum event_kind {
    EVENT_USE,
    EVENT_DEFINE, // certainly
    EVENT_CHANGE, // perhaps
    EVENT_FORGET, // what is there is of no meaning
    EVENT_SPILL,
    EVENT_RELOAD,
    EVENT_NONE,
};

struct event {
    enum event_kind kind;
    int slot;
    bool all;               // spill, reload: unconditional; afterwards nothing differs from the state
    bool edge;              // spill, reload: on the way into or out of a loop
    struct rc_set range;    // spill, reload: of which slots
    LLVMBasicBlockRef at;   // before its terminator
    struct rc_set chosen;   // found by the data-flow passes
    uint32_t singles;       // spill: registers that have a variable in single
    uint32_t compares;      // spill, reload: how CR fields are held there
};

// A compare whose bits are made behind the branch on it. straight.c
struct deferred {
    LLVMValueRef a, b;
    unsigned how;      // what is compared, as compares.c says
    unsigned possible; // bits 1 << PPC_LT, PPC_GT, PPC_EQ: which of them may hold; 0: nothing is deferred
    uint32_t offset;   // of the field
};

// By general register: the loads of the loop that its value comes from, a bit each, which far ones share.
struct rc_chains {
    uint64_t loads[32];
};

struct guest_block {
    uint32_t first, count;             // instructions
    uint32_t first_event, event_count;
    LLVMBasicBlockRef head;
    uint32_t successors[2];            // guest blocks
    unsigned successor_count;
    bool is_target;                    // of a bctr
    bool leads_to_targets;             // an indirect jump within the unit
    struct rc_set dirty, live;         // at its start
    uint32_t singles;                  // floating point registers that hold singles there
    struct rc_chains chains;           // there
    uint32_t compares;                 // how CR fields are held there: compares.c
    struct deferred deferred;          // at its start
    uint32_t ways_in;                  // how many lead there
    uint32_t cr_read, cr_written;      // fields of which code looks at some bit before it writes, bit n is field n: from there on; those that the block writes whole
    bool calls;
    bool in_loop;                      // one without calls
    uint32_t loop;                     // which
    bool fast;                         // its loop is only entered with FPSCR as fp_mode_is_fast wants it
};

enum { MOST_RESULTS = 8 };

// Results that are looked at together.
struct results {
    LLVMValueRef variables[MOST_RESULTS];
    unsigned count;
};

// Of instructions that are done as if all results were ordinary.
struct group {
    LLVMBasicBlockRef slow; // where they are done again
    struct results doubles, singles;
    bool shows_in_another; // the result at hand
};

struct unit {
    struct rc_templates *templates;
    LLVMContextRef context;
    LLVMModuleRef module;
    const struct rc_plan *plan;
    struct places *places;
    bool optimised; // some slots are variables:
    struct rc_set variables;
    bool choosing; // what is used becomes a variable
    bool leaves;   // rare cases of instructions are the interpreter's
    LLVMValueRef function, state, memory, ticks;
    bool stale;                  // s->cycles is to be stored before anything looks at it; accesses to memory have it in a register (accesses.h)
    LLVMValueRef next;           // variable: where a call returned to
    LLVMBasicBlockRef elsewhere; // not to where it was expected; NULL: no call so far
    LLVMBasicBlockRef entry, last; // last: that was begun
    LLVMBuilderRef b;
    LLVMTypeRef type, pointer, i64, i32, i8, i1, vector, f64, f32;
    LLVMValueRef unlikely, likely; // branch weights: the first way is rare, the second is
    LLVMValueRef slots[RC_SLOT_COUNT];
    LLVMValueRef single_slots[32]; // of floating point registers, as long as they are known to hold singles
    uint32_t singles, made_singles; // those that are, where code is built; those that this instruction makes
    LLVMValueRef compared[8][2], compared_doubles[8][2]; // by CR field: what is compared, in loops
    LLVMValueRef compared_how[8]; // and of what kind the last compare was, where more than one lead there
    uint32_t kinds[8];            // those that it may be, bit n for kind n
    uint32_t compares;             // how CR fields are held, where code is built
    struct rc_chains chains;       // where code is built
    struct deferred deferred;      // where code is built
    struct rc_set ones, minus_zeros; // vector registers known to be that where code is built
    uint32_t pc;                   // of the instruction that is built
    uint32_t before;               // its event that stores what differs from the state, or becomes EVENT_NONE
    bool links;                    // it is a call that stores LR itself
    LLVMValueRef ignored;          // what is stored here goes nowhere
    LLVMValueRef target;           // variable: of an indirect branch
    bool unlocated;                // it has an access to memory that only a stored pc can tell
    bool unheld;                   // it has one at which only stored ticks can tell the time
    bool leaves_there, looks;      // it may leave, it looks at its address in the state
    struct group *group;           // it is one of; NULL: of none, or they are done again
    bool sets_status;              // it writes FPRF, FR and FI, so that what waits for them is of no meaning where the interpreter does it
    LLVMBasicBlockRef way_out;     // to the interpreter, for this instruction; NULL as long as it needs none
    struct guest_block *blocks;
    uint32_t block_count, block;
    uint32_t *block_of; // by instruction
    struct event *events;
    uint32_t event_count, event_capacity;
    struct event lost; // stands for one that found no memory
    bool failed;
};

enum { FPR = offsetof(struct ppc_state, fpr), FPR_END = FPR + 32 * 8 };
static inline bool unit_is_fpr(uint32_t offset)
{
    return offset - FPR < FPR_END - FPR;
}

enum { CALL_BIT = 1 }; // of a branch: it sets LR

// ---- blocks.c
bool unit_divide(struct unit *u);           // blocks, block_of; false: no memory
bool unit_is_call(const struct rc_insn *i); // RC_UNKNOWN aside
// The guest block that starts at `pc`; UINT32_MAX where it is not of this unit.
uint32_t unit_block_at(const struct unit *u, uint32_t pc);

// ---- unit.c
LLVMValueRef unit_state_at(struct unit *u, uint32_t offset); // address
LLVMValueRef unit_make_variable(struct unit *u, LLVMValueRef *v, LLVMTypeRef type); // *v, made where it is NULL
LLVMValueRef unit_variable(struct unit *u, int slot);
void unit_add_event(struct unit *u, enum event_kind kind, int slot);

// Builds the instruction of this number in the block; true: the block ends with it.
bool unit_build_at(struct unit *u, uint32_t number);

// ---- checks.c
bool unit_is_checked(const struct rc_insn *i); // it is arithmetic that looks at its result
uint32_t unit_find_group(struct unit *u, uint32_t number); // how many instructions the group has that starts there; 0: none does
void unit_build_group(struct unit *u, uint32_t number, uint32_t count);
bool unit_checked_later(void *user, LLVMValueRef result);        // of struct rc_site

// ---- loops.c
void unit_find_loops(struct unit *u); // blocks[].calls, in_loop, loop, fast

// ---- flow.c
struct rc_set unit_loop_slots(void);      // those that are variables in loops only
void unit_find_transfers(struct unit *u); // events[].chosen, blocks[].dirty, live; when all events are known

// ---- singles.c
void unit_find_singles(struct unit *u); // blocks[].singles
bool unit_moves_floats(const struct rc_insn *i); // between memory and a floating point register
// What is known behind the instruction. Too little known is allowed.
uint32_t unit_singles_behind(struct unit *u, const struct rc_insn *i, uint32_t singles);
// What all blocks of the unit know to which the last instruction of one leads.
uint32_t unit_singles_ahead(const struct unit *u, const struct rc_insn *last);
// Registers known to hold singles have a second variable, with the value in single; the first is not up to date then.
bool unit_is_single(void *user, uint32_t offset);                // of struct rc_site
LLVMValueRef unit_get_single(void *user, uint32_t offset);       // of struct rc_site
LLVMValueRef unit_single_variable(struct unit *u, unsigned n);
LLVMValueRef unit_wide(struct unit *u, unsigned n);              // the value in double
void unit_widen(struct unit *u, uint32_t singles);               // brings first variables up to date

// ---- products.c
bool unit_is_minus_zero(void *user, uint32_t offset);            // of struct rc_site
bool unit_makes_minus_zeros(const struct unit *u, const struct rc_insn *i);
void unit_learn_vectors(struct unit *u, const struct rc_insn *i, bool minus_zeros); // behind the instruction

// ---- chains.c
void unit_find_chains(struct unit *u); // blocks[].chains
void unit_pass_chains(const struct unit *u, const struct rc_insn *i, struct rc_chains *c); // what there is behind the instruction
bool unit_waits_for_itself(const struct unit *u, const struct rc_insn *i, const struct rc_chains *c); // a load; RC_UNKNOWN aside

// ---- straight.c
void unit_count_ways(struct unit *u); // blocks[].ways_in
bool unit_defers_compare(struct unit *u, const struct rc_insn *i);
void unit_defer_compare(void *user, uint32_t offset, LLVMValueRef a, LLVMValueRef b); // of struct rc_site
LLVMValueRef unit_deferred_bit(struct unit *u, uint32_t offset); // NULL: the slot counts
// At the start of one of the ways behind the branch, which leads to `block` (UINT32_MAX: elsewhere).
void unit_make_deferred(struct unit *u, const struct deferred *d, const struct rc_insn *branch, bool taken, uint32_t block);

// ---- compares.c. `compares`: how CR fields are held, four bits each; 0: as bits in their slots.
void unit_find_compares(struct unit *u); // blocks[].compares
bool unit_integer_compare(const struct rc_insn *i, unsigned *field, unsigned *how);
bool unit_touches_compares(const struct rc_insn *i); // writes bits of the CR or XER's SO
LLVMValueRef unit_compare(struct unit *u, unsigned how, unsigned bit, LLVMValueRef a, LLVMValueRef b); // i1
// Around an instruction in a loop: makes the bits of fields of which it writes some; learns what it compares.
bool unit_leaves_compares(const struct rc_insn *i); // it writes no field
void unit_compares_before(struct unit *u, const struct rc_insn *i);
void unit_compares_after(struct unit *u, const struct rc_insn *i);
void unit_keep_compare(void *user, uint32_t offset, LLVMValueRef a, LLVMValueRef b); // of struct rc_site
void unit_keep_double_compare(void *user, uint32_t offset, LLVMValueRef a, LLVMValueRef b);
// On the way from where fields are held in one way to where in another.
void unit_convert_compares(struct unit *u, uint32_t from, uint32_t to);
// The slot at `offset` made from what is compared; NULL: the slot itself counts.
LLVMValueRef unit_compared_bit(struct unit *u, uint32_t compares, uint32_t offset);
// Stores or loads the field of the slot at `offset` where more than the slot itself is to be looked at; else false.
bool unit_transfer_distance(struct unit *u, uint32_t compares, uint32_t offset, bool store);
