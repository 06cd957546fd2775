// interface.h: what the program and the recompiler's shared object say to each other.
// Life: a struct rc belongs to one thread at a time; plans and requests are the caller's; rc_code is freed by free_code.
// Threads: any number of struct rc at once.
//
// A plan is a piece of guest code and all that its translation depends on. Its translation is position-independent bytes. They run from
// entry point number `number` (0: the first). They get the address of the state + RC_STATE_BIAS (what is used most in reach of one byte) and of
// the guest's memory, and say where to go on: a guest address (a multiple of 4), or RC_LEFT with s->exit saying why, or an address + RC_ALONE: the
// instruction there is the interpreter's; or an address + RC_SLICE: the slice is over on the way there. While compiled code runs, s->block_pc is 0.
// `ticks` is the virtual time minus pc / 4.
//
// Optimised: rc_unit. As in C, but the state is in r13, the memory in r14 (LLVM's swiftself and swiftasync): both stay there over calls. s->cycles
// is brought up to date only where something looks at it. What is returned is next and, with an address without mark or RC_SLICE, the ticks there.
//
// Quick: rc_quick_unit. s->cycles is the ticks whenever it runs or returns. Called through doors only.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ppc/ppc.h"

enum { RC_LEFT = 1, RC_ALONE = 2, RC_SLICE = 3, RC_STATE_BIAS = 128 };

enum rc_tier {
    RC_QUICK,     // registers stay in the state
    RC_OPTIMISED, // registers live in the host's
};

// What an instruction of a plan is besides its word.
enum {
    RC_LEADER = 1,   // a block starts here
    RC_ENTRY = 2,    // compiled code can be entered here; also a leader
    RC_UNKNOWN = 4,  // no instruction: not decodable
    RC_TARGET = 8,   // a bctr may go here; also a leader
};

// An entry that other units jump to; the first always is one.
enum { RC_CALLED = 1 };

struct rc_insn {
    uint32_t pc, word;
    uint16_t opcode; // enum ppc_opcode
    uint16_t flags;
};

struct rc_plan {
    struct rc_insn *insns; // by rising pc
    uint32_t count;
    uint32_t *entries; // guest addresses, perhaps + RC_CALLED; the first is the unit's own, the others rise
    uint32_t entry_count;
};

typedef void rc_function(void); // any function

struct rc_next {
    uint32_t next;
    uint64_t ticks;
};
enum { RC_UNIT_UNUSED = 2 }; // parameters of units, a and b, that only services use
typedef struct rc_next rc_unit(uint32_t a, uint32_t b, uint32_t number, uint64_t ticks); // but for r13 and r14
typedef uint32_t rc_quick_unit(uint8_t *s, uint8_t *m, uint32_t number);

// Pointers that compiled code finds directly below guest address 0 (mem_engine_page).
struct rc_environment {
    uintptr_t stack_limit;             // below it, calls return to the dispatcher instead
    rc_function *const *handlers;            // rc_handlers: whole instructions out of line, by opcode
    rc_function *const *externals;           // rc_externals
    rc_function *const *targets;             // code for the unit at each guest address, NULL where there is none: targets[pc / 4]
    // Services of cpu/services.c.
    rc_unit *call; // the unit at `a`, from before address `b`: LR, and time as the interpreter charges it
    rc_unit *jump; // goes on at `a`; the jump is charged
    rc_function *enter_quick; // a quick unit whose code is in rax, as an optimised one
    uint32_t (*quick_call)(uint8_t *s, uint8_t *m, uint32_t target, uint32_t next);
    uint32_t (*quick_jump)(uint8_t *s, uint8_t *m, uint32_t target);
    uint32_t (*quick_return)(uint8_t *s, uint8_t *m, uint32_t target, uint32_t next); // what a unit returns that jumps there, from before `next`
};
#define RC_ENVIRONMENT_OFFSET(field) ((int64_t)offsetof(struct rc_environment, field) - (int64_t)sizeof(struct rc_environment))

// Functions that instructions call (externals.def).
enum rc_external {
#define EXTERNAL(name) RC_EXTERNAL_##name,
#include "cpu/recompiler/externals.def"
#undef EXTERNAL
    RC_EXTERNAL_COUNT
};

// A place in code, and the instruction whose accesses to guest memory lie from there on up to the next place.
struct rc_place {
    uint32_t offset, pc;
};
enum {
    RC_NO_PLACE = 1,   // pc: the accesses there have stored their pc
    RC_TICKS_HELD = 2, // added to pc: s->cycles is what rcx holds
};

struct rc_code {
    uint8_t *bytes;     // code and constants; then, aligned to 4, a table of places in rising order; then their number, 4 bytes
    size_t size;        // of it all
    size_t table_bytes; // of the table and the number
    uint32_t *offsets; // where each plan's unit starts
    uint32_t instructions; // translated in all
};

struct rc;

struct rc_api {
    const char *version; // of LLVM
    uint64_t semantics;  // hash of the instructions' bitcode
    uint64_t layout;     // rc_layout() of the shared object
    bool (*create)(struct rc **out, struct error *err);
    void (*destroy)(struct rc *rc);
    // Translates `count` plans. Fails as a whole where the host's code generator needs something unexpected.
    bool (*compile)(struct rc *rc, const struct rc_plan *plans, uint32_t count, enum rc_tier tier, struct rc_code *out,
                    struct error *err);
    void (*free_code)(struct rc_code *code);
    // Calls report(user, id) for each instruction that is always called out of line.
    void (*list_out_of_line)(struct rc *rc, void (*report)(void *user, const char *id), void *user);
};

// The only symbol that the shared object shows.
__attribute__((visibility("default"))) const struct rc_api *xenolith_recompiler(void);
