// unit.c: a plan as an LLVM function.
//
// Quick tier, and outside of loops: every slot is its place in the state. In loops without calls a slot is a stack variable that LLVM turns
// into registers, loaded on the way in; where others look at the state (exits, the way out) the changed ones are stored. Which ones follows
// from the order of uses and definitions in each guest block (struct event) and two data-flow passes over the guest's blocks.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/recompiler/fold.h"
#include "cpu/recompiler/unit_code.h"
#include "cpu/recompiler/unit_parts.h"
#include "ppc/fp_status.h"

LLVMValueRef unit_state_at(struct unit *u, uint32_t offset)
{
    return at_offset(u, u->state, offset);
}

// Of an operand that waits in s->fp.
static bool is_fp_operand(uint32_t offset)
{
    return offset - offsetof(struct ppc_state, fp.a) < sizeof(struct ppc_fp_status) - offsetof(struct ppc_fp_status, a);
}

static LLVMTypeRef slot_type(struct unit *u, uint32_t offset, uint32_t size)
{
    if (unit_is_fpr(offset) || is_fp_operand(offset))
        return u->f64;
    return size == 16 ? u->vector : size == 8 ? u->i64 : size == 4 ? u->i32 : u->i8;
}

// ---- Events

static struct event *add_event(struct unit *u, enum event_kind kind, int slot)
{
    if (u->event_count == u->event_capacity) {
        uint32_t capacity = u->event_capacity ? 2 * u->event_capacity : 256;
        struct event *bigger = realloc(u->events, capacity * sizeof *bigger);
        if (!bigger) {
            u->failed = true;
            return &u->lost;
        }
        u->events = bigger;
        u->event_capacity = capacity;
    }
    struct event *e = &u->events[u->event_count++];
    *e = (struct event){.kind = kind, .slot = slot, .singles = u->singles, .compares = u->compares};
    return e;
}

// A block of its own in which stores or loads will be put.
static void add_transfer(struct unit *u, enum event_kind kind, bool all, uint32_t offset, uint32_t size)
{
    if (!u->optimised)
        return;
    struct event *e = add_event(u, kind, 0);
    e->all = all;
    e->range = rc_set_of_range(offset, size);
    e->at = new_block(u);
    LLVMBuildBr(u->b, e->at);
    begin(u, e->at);
    LLVMBasicBlockRef next = new_block(u);
    LLVMBuildBr(u->b, next);
    begin(u, next);
}

static void spill(struct unit *u, bool all)
{
    add_transfer(u, EVENT_SPILL, all, 0, sizeof(struct ppc_state));
}

static void forget_known(struct unit *u)
{
    u->singles = 0;
    u->ones = u->minus_zeros = (struct rc_set){0};
}

static void reload(struct unit *u, bool all)
{
    forget_known(u);
    add_transfer(u, EVENT_RELOAD, all, 0, sizeof(struct ppc_state));
}

// Slots that loops without calls use are variables there, floating point registers everywhere, for the sake of singles.
static bool is_variable(const struct unit *u, int slot)
{
    return u->optimised && (unit_is_fpr(rc_slot(slot).offset) || (u->blocks[u->block].in_loop && rc_set_has(&u->variables, slot)));
}

LLVMValueRef unit_make_variable(struct unit *u, LLVMValueRef *v, LLVMTypeRef type)
{
    if (!*v) {
        LLVMBuilderRef b = LLVMCreateBuilderInContext(u->context);
        LLVMPositionBuilderBefore(b, LLVMGetBasicBlockTerminator(u->entry));
        *v = LLVMBuildAlloca(b, type, "");
        LLVMDisposeBuilder(b);
    }
    return *v;
}

LLVMValueRef unit_variable(struct unit *u, int slot)
{
    return unit_make_variable(u, &u->slots[slot], slot_type(u, rc_slot(slot).offset, rc_slot(slot).size));
}

void unit_add_event(struct unit *u, enum event_kind kind, int slot)
{
    add_event(u, kind, slot);
}

// A bit of the CR that a loop reads gets its value into its slot. Fields of which one is written are held as bits already.
static void make_bit(struct unit *u, uint32_t offset, int slot, bool store)
{
    LLVMValueRef bit = unit_compared_bit(u, u->compares, offset);
    if (bit && !store)
        LLVMBuildStore(u->b, bit, unit_variable(u, slot));
    u->failed |= bit && store;
}

// Its value as a variable of its own; NULL: the slot counts.
static LLVMValueRef deferred_variable(struct unit *u, uint32_t offset)
{
    LLVMValueRef bit = unit_deferred_bit(u, offset);
    if (!bit)
        return NULL;
    LLVMValueRef v = unit_variable(u, rc_slot_at(offset));
    LLVMBuildStore(u->b, bit, v);
    return v;
}

static LLVMValueRef slot_address(void *user, uint32_t offset, uint32_t size, bool store, bool certain)
{
    struct unit *u = user;
    if (rc_slot_size(offset) != size)
        return NULL;
    int slot = rc_slot_at(offset);
    u->leaves_there |= store && offset == offsetof(struct ppc_state, exit);
    u->looks |= offset == offsetof(struct ppc_state, pc);
    if (u->leaves && offset == offsetof(struct ppc_state, cycles))
        return u->ticks;
    if (u->links && store && offset == offsetof(struct ppc_state, lr))
        return u->ignored;
    if (u->leaves && offset == offsetof(struct ppc_state, target)) // nobody looks at it but the jump itself
        return u->target;
    LLVMValueRef deferred = store ? NULL : deferred_variable(u, offset);
    if (deferred)
        return deferred;
    if (u->choosing && slot >= 0)
        rc_set_add(&u->variables, slot);
    if (store && slot >= 0) {
        rc_set_remove(&u->ones, slot);
        rc_set_remove(&u->minus_zeros, slot);
    }
    if (slot < 0 || !is_variable(u, slot))
        return at_offset(u, u->state, offset);
    add_event(u, !store ? EVENT_USE : certain ? EVENT_DEFINE : EVENT_CHANGE, slot);
    uint32_t single = unit_is_fpr(offset) ? u->singles & 1u << (offset - FPR) / 8 : 0;
    if (store)
        u->singles &= ~single;
    else
        unit_widen(u, single);
    make_bit(u, offset, slot, store);
    return unit_variable(u, slot);
}

static void forget(void *user, uint32_t offset)
{
    struct unit *u = user;
    int slot = rc_slot_at(offset);
    if (u->choosing)
        rc_set_add(&u->variables, slot);
    if (!is_variable(u, slot))
        return;
    add_event(u, EVENT_FORGET, slot);
    LLVMBuildStore(u->b, LLVMGetUndef(slot_type(u, offset, rc_slot(slot).size)), unit_variable(u, slot));
}

// Where it does not happen on every way through the instruction, the other ways leave; they may still read the old value.
static void set_single(void *user, uint32_t offset, LLVMValueRef value, bool certain)
{
    struct unit *u = user;
    unsigned n = (offset - FPR) / 8;
    add_event(u, certain ? EVENT_DEFINE : EVENT_CHANGE, rc_slot_at(offset));
    LLVMBuildStore(u->b, value, unit_single_variable(u, n));
    u->made_singles |= 1u << n;
}

// The way to the interpreter, with the state as before the instruction.
static LLVMBasicBlockRef way_out(void *user)
{
    struct unit *u = user;
    if (u->group)
        return u->group->slow;
    if (!u->way_out) { // where slots are not variables, nothing is stored before
        LLVMBasicBlockRef here = LLVMGetInsertBlock(u->b);
        u->way_out = new_block(u);
        begin_rare(u, u->way_out);
        give_back_now(u, u->pc | RC_ALONE);
        begin(u, here);
        struct event *e = &u->events[u->before];
        e->kind = EVENT_SPILL;
        e->range = rc_set_of_range(0, sizeof(struct ppc_state));
        if (u->sets_status) {
            const uint32_t start = offsetof(struct ppc_state, fp.pending), end = offsetof(struct ppc_state, fp) + sizeof(struct ppc_fp_status);
            struct rc_set waiting = rc_set_of_range(start, end - start);
            rc_set_subtract(&e->range, &waiting);
        }
        e->at = u->way_out;
    }
    return u->way_out;
}

static void before_call(void *user, uint32_t offset, uint32_t size)
{
    struct unit *u = user;
    u->leaves_there |= size == sizeof(struct ppc_state);
    u->looks = true;
    add_transfer(user, EVENT_SPILL, false, offset, size);
}

// What is known of registers holds on: no external changes one. (And there may be a way around the call, on which nothing was stored.)
static void after_call(void *user, uint32_t offset, uint32_t size)
{
    add_transfer(user, EVENT_RELOAD, false, offset, size);
}

static LLVMValueRef load_slot(struct unit *u, uint32_t offset, uint32_t size)
{
    return LLVMBuildLoad2(u->b, slot_type(u, offset, size), slot_address(u, offset, size, false, true), "");
}

// Whether something is to be done on the way to another block of the unit: into a loop or out of one.
static bool crosses(const struct unit *u, uint32_t block)
{
    const struct guest_block *from = &u->blocks[u->block], *to = &u->blocks[block];
    return u->optimised && (from->in_loop != to->in_loop || (to->fast && from->loop != to->loop) || u->compares != to->compares);
}

static LLVMValueRef is_slow_mode(struct unit *u, LLVMValueRef fpscr)
{
    LLVMValueRef bits = LLVMBuildAnd(u->b, fpscr, c32(u, FPSCR_XX | FP_MODE_BITS), "");
    return LLVMBuildICmp(u->b, LLVMIntNE, bits, c32(u, FPSCR_XX), "");
}

// A loop that counts on FPSCR's mode is the interpreter's in any other.
static void check_mode(struct unit *u, uint32_t block)
{
    LLVMBasicBlockRef slow = new_block(u);
    branch_rarely(u, is_slow_mode(u, load_slot(u, offsetof(struct ppc_state, fp.fpscr), 4)), slow);
    LLVMBasicBlockRef on = LLVMGetInsertBlock(u->b);
    begin_rare(u, slow);
    spill(u, false);
    give_back_now(u, u->plan->insns[u->blocks[block].first].pc | RC_ALONE);
    begin(u, on);
}

// Variables are loaded or stored.
static void cross(struct unit *u, uint32_t block)
{
    if (!crosses(u, block))
        return;
    if (u->blocks[block].fast && u->blocks[u->block].loop != u->blocks[block].loop)
        check_mode(u, block);
    bool from = u->blocks[u->block].in_loop, to = u->blocks[block].in_loop;
    if (from && to)
        unit_convert_compares(u, u->compares, u->blocks[block].compares);
    if (from == to)
        return;
    uint32_t before = u->event_count;
    add_transfer(u, from ? EVENT_SPILL : EVENT_RELOAD, false, 0, sizeof(struct ppc_state));
    if (u->event_count == before)
        return;
    u->events[before].edge = true;
    u->events[before].range = unit_loop_slots();
    if (to)
        u->events[before].compares = u->blocks[block].compares;
}

// ---- Time. `ticks` is s->cycles: now minus pc / 4. A jump to `target` behind the instruction at pc adds
// (pc + 4) / 4 - target / 4.

static void set_ticks(struct unit *u, LLVMValueRef value)
{
    if (u->leaves)
        LLVMBuildStore(u->b, value, u->ticks);
    else
        store_seen(u, value, FIELD(u, cycles));
    u->stale = u->leaves;
}

// From here on the state has the time. Returns the store, where one is needed.
static LLVMValueRef settle(struct unit *u)
{
    LLVMValueRef store = u->stale ? store_seen(u, ticks(u), FIELD(u, cycles)) : NULL;
    u->stale = false;
    return store;
}

static void leave(struct unit *u)
{
    give_back(u, RC_LEFT);
}

// Leaves if time is up behind the instruction at `pc`, on the way to `target`. `always`: a call; else only if the jump is
// not forward. `now` is the time there; the ticks are those of the target already.
static void safepoint(struct unit *u, uint32_t pc, LLVMValueRef target, LLVMValueRef now, bool always)
{
    LLVMValueRef end = LLVMBuildLoad2(u->b, u->i64, FIELD(u, slice_end), "");
    LLVMSetVolatile(end, true);
    LLVMBasicBlockRef rare = new_block(u);
    branch_rarely(u, LLVMBuildICmp(u->b, LLVMIntUGE, now, end, ""), rare);
    LLVMBasicBlockRef on = LLVMGetInsertBlock(u->b);
    begin_rare(u, rare);
    if (!always) {
        LLVMBasicBlockRef stop = new_block(u);
        LLVMBuildCondBr(u->b, LLVMBuildICmp(u->b, LLVMIntULE, target, c32(u, pc), ""), stop, on);
        begin_rare(u, stop);
    }
    spill(u, false);
    go_back(u, LLVMIsAConstantInt(target) ? c32(u, (uint32_t)LLVMConstIntGetZExtValue(target) | RC_SLICE)
                                          : LLVMBuildOr(u->b, target, c32(u, RC_SLICE), ""));
    begin(u, on);
}

// From the ticks, at `target`. LLVM would make it from what they were before the jump, and keep that.
static LLVMValueRef now_from(struct unit *u, LLVMValueRef ticks, uint32_t target)
{
    LLVMValueRef distance = c64(u, target / 4);
    return u->optimised && u->blocks[u->block].in_loop ? rc_far_sum(u->b, ticks, distance) : LLVMBuildAdd(u->b, ticks, distance, "");
}

static void charge_and_check(struct unit *u, uint32_t pc, uint32_t target, bool call)
{
    LLVMValueRef after = ticks(u);
    int64_t distance = ((int64_t)pc + 4 - (int64_t)target) / 4;
    bool checked = call || target <= pc;
    if (distance)
        set_ticks(u, after = LLVMBuildAdd(u->b, after, c64(u, (uint64_t)distance), ""));
    if (checked)
        safepoint(u, pc, c32(u, target), now_from(u, after, target), true);
}

static void charge_and_check_indirect(struct unit *u, uint32_t pc, LLVMValueRef target)
{
    LLVMValueRef now = LLVMBuildAdd(u->b, ticks(u), c64(u, (pc + 4) / 4), "");
    LLVMValueRef words = LLVMBuildZExt(u->b, LLVMBuildLShr(u->b, target, c32(u, 2), ""), u->i64, "");
    set_ticks(u, LLVMBuildSub(u->b, now, words, ""));
    safepoint(u, pc, target, now, false);
}

// ---- Going elsewhere

// A function of the program, in the environment.
static LLVMValueRef service(struct unit *u, int64_t offset)
{
    return LLVMBuildIntToPtr(u->b, environment(u, offset), u->pointer, "");
}

static void tail_call(struct unit *u, LLVMValueRef target)
{
    spill(u, false);
    LLVMValueRef v, none = LLVMGetUndef(u->i32), arguments[3] = {parameter(u, STATE), u->memory, target};
    if (u->leaves)
        v = call_unit(u, service(u, RC_ENVIRONMENT_OFFSET(jump)), target, none, none, ticks(u));
    else
        v = LLVMBuildCall2(u->b, u->type, service(u, RC_ENVIRONMENT_OFFSET(quick_jump)), arguments, 3, "");
    LLVMSetTailCallKind(v, LLVMTailCallKindMustTail);
    LLVMBuildRet(u->b, v);
}

static void add_successor(struct unit *u, uint32_t block)
{
    struct guest_block *from = &u->blocks[u->block];
    from->successors[from->successor_count++] = block;
}

// Goes on at `pc`, without a jump in the sense of time.
static void continue_at(struct unit *u, uint32_t pc)
{
    uint32_t block = unit_block_at(u, pc);
    if (block == UINT32_MAX) {
        tail_call(u, c32(u, pc));
        return;
    }
    cross(u, block);
    add_successor(u, block);
    LLVMBuildBr(u->b, u->blocks[block].head);
}

static void jump(struct unit *u, uint32_t pc, uint32_t target)
{
    charge_and_check(u, pc, target, false);
    uint32_t block = unit_block_at(u, target);
    if (block == UINT32_MAX) {
        tail_call(u, c32(u, target));
        return;
    }
    cross(u, block);
    add_successor(u, block);
    LLVMBuildBr(u->b, u->blocks[block].head);
}

// Returns u->next: one place for all calls.
static LLVMBasicBlockRef elsewhere(struct unit *u)
{
    if (u->elsewhere)
        return u->elsewhere;
    LLVMBasicBlockRef here = LLVMGetInsertBlock(u->b);
    u->elsewhere = new_block(u);
    begin_rare(u, u->elsewhere);
    go_back(u, LLVMBuildLoad2(u->b, u->i32, u->next, ""));
    LLVMPositionBuilderAtEnd(u->b, here);
    return u->elsewhere;
}

static bool calls_itself(const struct unit *u, uint32_t target)
{
    return u->leaves && target == u->plan->entries[0];
}

// Behind a call: where it returned to, and the ticks there.
static LLVMValueRef take_result(struct unit *u, LLVMValueRef call)
{
    set_ticks(u, LLVMBuildExtractValue(u->b, call, 1, ""));
    return LLVMBuildExtractValue(u->b, call, 0, "");
}

// A call of whatever is at `target`.
static LLVMValueRef call_program(struct unit *u, uint32_t pc, LLVMValueRef target)
{
    LLVMValueRef none = LLVMGetUndef(u->i32);
    return take_result(u, call_unit(u, service(u, RC_ENVIRONMENT_OFFSET(call)), target, c32(u, pc + 4), none, ticks(u)));
}

// The same for a target that is not known before, with services_call in the unit: each such call is a jump of its own for the host to foresee.
static LLVMValueRef call_by_table(struct unit *u, uint32_t pc, LLVMValueRef target)
{
    LLVMBasicBlockRef absent = new_block(u), join = new_block(u);
    LLVMValueRef word = LLVMBuildZExt(u->b, LLVMBuildLShr(u->b, target, c32(u, 2), ""), u->i64, "");
    LLVMValueRef place = LLVMBuildGEP2(u->b, u->pointer, service(u, RC_ENVIRONMENT_OFFSET(targets)), &word, 1, "");
    LLVMValueRef code = LLVMBuildLoad2(u->b, u->pointer, place, ""), none = LLVMGetUndef(u->i32), next[2];
    branch_rarely(u, LLVMBuildICmp(u->b, LLVMIntEQ, code, LLVMConstNull(u->pointer), ""), absent);
    LLVMBuildStore(u->b, c64(u, pc + 4), FIELD(u, lr));
    LLVMValueRef now = LLVMBuildAdd(u->b, ticks(u), c64(u, (pc + 4) / 4), "");
    set_ticks(u, LLVMBuildSub(u->b, now, word, ""));
    safepoint(u, pc, target, now, true);
    next[0] = take_result(u, call_unit(u, code, none, none, c32(u, 0), ticks(u)));
    LLVMBasicBlockRef blocks[2] = {LLVMGetInsertBlock(u->b), absent};
    LLVMBuildBr(u->b, join);
    begin_rare(u, absent);
    next[1] = call_program(u, pc, target);
    LLVMBuildBr(u->b, join);
    begin(u, join);
    LLVMValueRef phi = LLVMBuildPhi(u->b, u->i32, "");
    LLVMAddIncoming(phi, next, blocks, 2);
    return phi;
}

// These return where it returned to.
static LLVMValueRef call_from_unit(struct unit *u, uint32_t pc, LLVMValueRef target, bool itself)
{
    LLVMValueRef none = LLVMGetUndef(u->i32);
    if (!itself)
        return LLVMIsAConstantInt(target) ? call_program(u, pc, target) : call_by_table(u, pc, target);
    LLVMValueRef v = call_unit(u, u->function, none, none, c32(u, 0), ticks(u));
    LLVMInstructionSetDebugLoc(v, places_nowhere(u->places));
    return take_result(u, v);
}

// A quick unit's quick_call or quick_return, from before address pc + 4.
static LLVMValueRef call_quick_service(struct unit *u, int64_t offset, uint32_t pc, LLVMValueRef target)
{
    LLVMTypeRef parameters[4] = {u->pointer, u->pointer, u->i32, u->i32};
    LLVMValueRef arguments[4] = {parameter(u, STATE), u->memory, target, c32(u, pc + 4)};
    return LLVMBuildCall2(u->b, LLVMFunctionType(u->i32, parameters, 4, false), service(u, offset), arguments, 4, "");
}

// Calls the unit at `target` and goes on behind the call if that is where it returned to.
static void call(struct unit *u, uint32_t pc, LLVMValueRef target, bool certain)
{
    // This unit is there as long as it runs: whatever forgets code leaves all compiled code first.
    bool itself = LLVMIsAConstantInt(target) && calls_itself(u, (uint32_t)LLVMConstIntGetZExtValue(target));
    if (itself)
        charge_and_check(u, pc, u->plan->entries[0], true);
    spill(u, certain);
    LLVMValueRef next = u->leaves ? call_from_unit(u, pc, target, itself) : call_quick_service(u, RC_ENVIRONMENT_OFFSET(quick_call), pc, target);
    LLVMBuildStore(u->b, next, u->next);
    uint32_t block = unit_block_at(u, pc + 4);
    if (!u->leaves && block != UINT32_MAX) {
        LLVMValueRef v = LLVMBuildCondBr(u->b, LLVMBuildICmp(u->b, LLVMIntNE, next, c32(u, pc + 4), ""), elsewhere(u), u->blocks[block].head);
        LLVMSetMetadata(v, LLVMGetMDKindIDInContext(u->context, "prof", 4), u->unlikely);
        return;
    }
    branch_rarely(u, LLVMBuildICmp(u->b, LLVMIntNE, next, c32(u, pc + 4), ""), elsewhere(u));
    reload(u, certain);
    continue_at(u, pc + 4);
}

// bctr: perhaps to a way of a switch.
static void jump_indirect(struct unit *u, LLVMValueRef target)
{
    LLVMBasicBlockRef other = new_block(u);
    LLVMValueRef word = LLVMBuildLShr(u->b, target, c32(u, 2), ""); // dense enough for a table
    LLVMValueRef v = LLVMBuildSwitch(u->b, word, other, u->block_count);
    for (uint32_t i = 0; i < u->block_count; i++) {
        if (!u->blocks[i].is_target)
            continue;
        LLVMBasicBlockRef to = u->blocks[i].head;
        if (crosses(u, i)) {
            begin(u, to = new_block(u));
            cross(u, i);
            LLVMBuildBr(u->b, u->blocks[i].head);
        }
        LLVMAddCase(v, c32(u, u->plan->insns[u->blocks[i].first].pc / 4), to);
    }
    u->blocks[u->block].leads_to_targets = true;
    begin_rare(u, other);
    tail_call(u, target);
}

// ---- Instructions

static void build_taken(struct unit *u, const struct rc_insn *i, bool certain)
{
    bool is_call = i->word & CALL_BIT;
    if (ppc_opcodes[i->opcode].kind == PPC_INDIRECT) {
        LLVMValueRef target = load_slot(u, offsetof(struct ppc_state, target), 4);
        if (is_call) {
            call(u, i->pc, target, certain);
            return;
        }
        if (!u->leaves && i->opcode != PPC_OP_bcctrx) {
            LLVMBuildRet(u->b, call_quick_service(u, RC_ENVIRONMENT_OFFSET(quick_return), i->pc, target));
            return;
        }
        charge_and_check_indirect(u, i->pc, target);
        if (i->opcode == PPC_OP_bcctrx) {
            jump_indirect(u, target);
            return;
        }
        spill(u, false);
        go_back(u, target);
        return;
    }
    uint32_t target = ppc_branch_target(i->word, i->pc);
    if (is_call)
        call(u, i->pc, c32(u, target), certain);
    else
        jump(u, i->pc, target);
}

static void build_branch(struct unit *u, const struct rc_insn *i, LLVMValueRef taken)
{
    bool certain = LLVMIsAConstantInt(taken) && LLVMConstIntGetZExtValue(taken);
    if (certain) {
        build_taken(u, i, true);
        return;
    }
    uint32_t next = unit_block_at(u, i->pc + 4);
    bool jumps = !(i->word & CALL_BIT) && ppc_opcodes[i->opcode].kind == PPC_BRANCH;
    struct deferred deferred = u->deferred;
    u->deferred.possible = 0;
    bool direct = next != UINT32_MAX && !crosses(u, next) && !deferred.possible;
    LLVMBasicBlockRef yes = new_block(u), no = direct ? u->blocks[next].head : new_block(u);
    LLVMBuildCondBr(u->b, taken, yes, no);
    begin(u, yes);
    unit_make_deferred(u, &deferred, i, true, jumps ? unit_block_at(u, ppc_branch_target(i->word, i->pc)) : UINT32_MAX);
    build_taken(u, i, false);
    if (direct) {
        add_successor(u, next);
        return;
    }
    begin(u, no);
    unit_make_deferred(u, &deferred, i, false, next);
    continue_at(u, i->pc + 4);
}

// Leaves if the instruction said so.
static void check_exit(struct unit *u, LLVMValueRef exit)
{
    LLVMBasicBlockRef stop = new_block(u);
    branch_rarely(u, LLVMBuildICmp(u->b, LLVMIntNE, exit, LLVMConstInt(u->i8, 0, false), ""), stop);
    LLVMBasicBlockRef on = LLVMGetInsertBlock(u->b);
    begin_rare(u, stop);
    spill(u, false);
    leave(u);
    begin(u, on);
}

static void call_handler(struct unit *u, const struct rc_insn *i)
{
    settle(u);
    spill(u, true);
    LLVMTypeRef parameters[4] = {u->pointer, u->pointer, u->i32, u->i32};
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(u->context), parameters, 4, false);
    LLVMValueRef table = LLVMBuildIntToPtr(u->b, environment(u, RC_ENVIRONMENT_OFFSET(handlers)), u->pointer, "");
    LLVMValueRef handler = LLVMBuildLoad2(u->b, u->pointer, at_offset(u, table, 8 * (int64_t)i->opcode), "");
    LLVMValueRef arguments[4] = {u->state, u->memory, c32(u, i->word), c32(u, i->pc)};
    LLVMBuildCall2(u->b, type, handler, arguments, 4, "");
    if (ppc_opcodes[i->opcode].kind == PPC_EXIT)
        check_exit(u, LLVMBuildLoad2(u->b, u->i8, FIELD(u, exit), ""));
    reload(u, true);
}

static void build_unknown(struct unit *u, const struct rc_insn *i)
{
    store_seen(u, c32(u, i->pc), FIELD(u, pc));
    settle(u);
    spill(u, false);
    store_seen(u, LLVMConstInt(u->i8, PPC_EXIT_ILLEGAL, false), FIELD(u, exit));
    leave(u);
}

// An unconditional call that stores LR itself: call_program, call_by_table.
static bool calls_program(const struct unit *u, const struct rc_insn *i)
{
    bool always = i->word >> 26 == 18 || (i->word >> 21 & 20) == 20;
    bool direct = ppc_opcodes[i->opcode].kind == PPC_BRANCH;
    return unit_is_call(i) && always && !(direct && calls_itself(u, ppc_branch_target(i->word, i->pc)));
}

// True: the block ends with this instruction.
static bool build_insn(struct unit *u, const struct rc_insn *i)
{
    if (i->flags & RC_UNKNOWN) {
        build_unknown(u, i);
        return true;
    }
    enum ppc_kind kind = ppc_opcodes[i->opcode].kind;
    bool branch = kind == PPC_BRANCH || kind == PPC_INDIRECT;
    LLVMValueRef seen = kind == PPC_MEMORY || kind == PPC_EXIT ? store_seen(u, c32(u, i->pc), FIELD(u, pc)) : NULL;
    LLVMValueRef settled = kind == PPC_MEMORY || kind == PPC_EXIT ? settle(u) : NULL;
    u->leaves_there = u->looks = false;
    u->links = branch && calls_program(u, i);
    if (!rc_can_specialise(u->templates, i->opcode, i->word)) {
        if (branch)
            u->failed = true;
        call_handler(u, i);
        return false;
    }
    struct rc_site site = {u->module, u->function, u->state, u->memory, u->entry, u->b, .slot = slot_address, .before_call = before_call,
                           .after_call = after_call,
                           .known_fast = u->blocks[u->block].fast, .is_minus_zero = unit_is_minus_zero, .unlocated = &u->unlocated,
                           .unheld = &u->unheld, .user = u};
    if (kind == PPC_MEMORY)
        site.location = places_location(u->places, (uint32_t)(i - u->plan->insns));
    u->unlocated = u->unheld = false;
    if (settled && kind == PPC_MEMORY)
        site.ticks = ticks(u);
    site.chained = u->blocks[u->block].in_loop && unit_waits_for_itself(u, i, &u->chains);
    bool in_loop = u->optimised && u->blocks[u->block].in_loop;
    if (in_loop) {
        site.keep_compare = unit_keep_compare;
        site.keep_double_compare = unit_keep_double_compare;
        unit_compares_before(u, i);
    } else if (unit_defers_compare(u, i)) {
        site.keep_compare = unit_defer_compare;
    }
    u->pc = i->pc;
    u->way_out = NULL;
    u->sets_status = u->blocks[u->block].fast && unit_is_checked(i);
    u->before = u->event_count;
    add_event(u, EVENT_NONE, 0);
    if (u->leaves)
        site.leave = way_out;
    if (u->optimised) {
        site.is_single = unit_is_single;
        site.get_single = unit_get_single;
        site.set_single = set_single;
        site.forget = forget;
    }
    site.swaps_in_vectors = u->optimised && unit_moves_floats(i);
    if (u->group)
        site.checked_later = unit_checked_later;
    bool ok, minus_zeros = unit_makes_minus_zeros(u, i);
    LLVMValueRef result = rc_specialise(u->templates, &site, i->opcode, i->word, i->pc, &ok);
    unit_learn_vectors(u, i, minus_zeros);
    u->singles |= u->made_singles;
    u->made_singles = 0;
    u->last = LLVMGetInsertBlock(u->b);
    if (in_loop)
        unit_compares_after(u, i);
    if (u->links && LLVMGetFirstUse(u->ignored))
        LLVMInstructionEraseFromParent(LLVMGetUser(LLVMGetFirstUse(u->ignored)));
    u->links = false;
    if (!ok || (branch && !result)) {
        u->failed = true;
        return true;
    }
    if (branch)
        build_branch(u, i, result);
    else if (kind == PPC_EXIT && u->leaves_there)
        check_exit(u, load_slot(u, offsetof(struct ppc_state, exit), 1));
    else if (!u->looks && (kind == PPC_EXIT ? !u->way_out : site.location && !u->unlocated)) {
        LLVMInstructionEraseFromParent(seen);
        // A move from or to LR; accesses at which a register has the time.
        if (settled && (kind == PPC_EXIT || !u->unheld)) {
            LLVMInstructionEraseFromParent(settled);
            u->stale = true;
            if (kind == PPC_MEMORY)
                places_ticks_held(u->places, (uint32_t)(i - u->plan->insns));
        }
    }
    return branch;
}

bool unit_build_at(struct unit *u, uint32_t number)
{
    const struct guest_block *g = &u->blocks[u->block];
    const struct rc_insn *insn = &u->plan->insns[g->first + number];
    uint32_t known = unit_singles_behind(u, insn, u->singles);
    unit_widen(u, u->singles & ~(number + 1 < g->count ? known : known & unit_singles_ahead(u, insn)));
    bool ended = build_insn(u, insn);
    if (g->in_loop)
        unit_pass_chains(u, insn, &u->chains);
    u->failed |= !ended && u->optimised && known & ~u->singles; // other blocks count on these
    return ended;
}

static void build_block(struct unit *u, uint32_t block)
{
    struct guest_block *g = &u->blocks[block];
    u->block = block;
    forget_known(u);
    u->singles = g->singles;
    u->compares = g->compares;
    u->chains = g->chains;
    u->stale = u->leaves;
    u->deferred = g->deferred;
    g->first_event = u->event_count;
    begin(u, g->head);
    bool ended = false;
    for (uint32_t i = 0; i < g->count && !ended && !u->failed; i++) {
        uint32_t together = unit_find_group(u, i);
        if (together)
            unit_build_group(u, i, together);
        else
            ended = unit_build_at(u, i);
        i += together ? together - 1 : 0;
    }
    const struct rc_insn *last = &u->plan->insns[g->first + g->count - 1];
    if (!ended && !u->failed) {
        unit_widen(u, u->singles & ~unit_singles_ahead(u, last)); // it may have made one
        continue_at(u, last->pc + 4);
    }
    g->event_count = u->event_count - g->first_event;
}

// A slot's value; `singles` says which registers' values stand in single, `compares` how the CR's fields are held.
static LLVMValueRef slot_value(struct unit *u, int slot, LLVMTypeRef type, uint32_t singles, uint32_t compares)
{
    uint32_t offset = rc_slot(slot).offset;
    LLVMValueRef bit = unit_compared_bit(u, compares, offset);
    if (bit)
        return bit;
    if (unit_is_fpr(offset) && singles >> (offset - FPR) / 8 & 1)
        return unit_wide(u, (offset - FPR) / 8);
    return LLVMBuildLoad2(u->b, type, unit_variable(u, slot), "");
}

static void transfer(struct unit *u, const struct rc_set *set, bool store, uint32_t singles, uint32_t compares)
{
    int exit_slot = rc_slot_at(offsetof(struct ppc_state, exit));
    for (int slot = 0; slot < RC_SLOT_COUNT; slot++) {
        if (!rc_set_has(set, slot))
            continue;
        struct rc_slot s = rc_slot(slot);
        LLVMTypeRef type = slot_type(u, s.offset, s.size);
        LLVMValueRef place = at_offset(u, u->state, s.offset), v = unit_variable(u, slot);
        if (unit_transfer_distance(u, compares, s.offset, store))
            continue;
        if (store)
            LLVMSetAlignment(LLVMBuildStore(u->b, slot_value(u, slot, type, singles, compares), place), s.size);
        else if (slot == exit_slot) // nothing has left yet
            LLVMBuildStore(u->b, LLVMConstInt(u->i8, 0, false), v);
        else {
            LLVMValueRef value = LLVMBuildLoad2(u->b, type, place, "");
            LLVMSetAlignment(value, s.size);
            LLVMBuildStore(u->b, value, v);
        }
    }
}

static void insert_transfers(struct unit *u)
{
    for (uint32_t i = 0; i < u->event_count; i++) {
        const struct event *e = &u->events[i];
        if (e->kind != EVENT_SPILL && e->kind != EVENT_RELOAD)
            continue;
        LLVMPositionBuilderBefore(u->b, LLVMGetBasicBlockTerminator(e->at));
        transfer(u, &e->chosen, e->kind == EVENT_SPILL, e->singles, e->compares);
    }
}

static void leave_entry(struct unit *u, LLVMValueRef condition, uint32_t pc)
{
    LLVMBasicBlockRef other = new_block(u);
    branch_rarely(u, condition, other);
    LLVMBasicBlockRef on = LLVMGetInsertBlock(u->b);
    begin_rare(u, other);
    give_back_now(u, pc | RC_ALONE);
    begin(u, on);
}

// At an entry, the registers must hold what the code within the unit says: else the interpreter goes on.
static void check_singles(struct unit *u, const struct guest_block *g, uint32_t pc)
{
    for (unsigned n = 0; n < 32; n++) {
        int slot = rc_slot_at(FPR + 8 * n);
        if (!(g->singles >> n & 1) || !rc_set_has(&g->live, slot))
            continue;
        LLVMValueRef wide = LLVMBuildLoad2(u->b, u->f64, unit_variable(u, slot), "");
        LLVMValueRef narrow = LLVMBuildFPTrunc(u->b, wide, u->f32, "");
        LLVMBuildStore(u->b, narrow, unit_single_variable(u, n));
        LLVMValueRef bits = LLVMBuildBitCast(u->b, wide, u->i64, "");
        // A quiet NaN with low bits zero, or what conversion there and back leaves alone.
        LLVMValueRef again = LLVMBuildBitCast(u->b, LLVMBuildFPExt(u->b, narrow, u->f64, ""), u->i64, "");
        leave_entry(u, LLVMBuildICmp(u->b, LLVMIntNE, bits, again, ""), pc);
    }
}

static void check_entry_mode(struct unit *u, const struct guest_block *g, uint32_t pc)
{
    if (g->fast)
        leave_entry(u, is_slow_mode(u, LLVMBuildLoad2(u->b, u->i32, FIELD(u, fp.fpscr), "")), pc);
}

// ---- The whole

static void check_stack(struct unit *u, LLVMBasicBlockRef on, uint32_t pc)
{
    LLVMBasicBlockRef deep = new_block(u);
    LLVMTypeRef type = LLVMFunctionType(u->i64, (LLVMTypeRef[]){LLVMMetadataTypeInContext(u->context)}, 1, false);
    LLVMValueRef function = LLVMGetNamedFunction(u->module, "llvm.read_register.i64");
    if (!function)
        function = LLVMAddFunction(u->module, "llvm.read_register.i64", type);
    LLVMMetadataRef name = LLVMMDStringInContext2(u->context, "rsp", 3);
    LLVMValueRef argument = LLVMMetadataAsValue(u->context, LLVMMDNodeInContext2(u->context, &name, 1));
    LLVMValueRef sp = LLVMBuildCall2(u->b, type, function, &argument, 1, "");
    LLVMValueRef low = LLVMBuildICmp(u->b, LLVMIntULT, sp, environment(u, RC_ENVIRONMENT_OFFSET(stack_limit)), "");
    LLVMValueRef v = LLVMBuildCondBr(u->b, low, deep, on);
    LLVMSetMetadata(v, LLVMGetMDKindIDInContext(u->context, "prof", 4), u->unlikely);
    begin_rare(u, deep);
    go_back(u, c32(u, pc));
}

static bool makes_calls(const struct rc_plan *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (!(p->insns[i].flags & RC_UNKNOWN) && unit_is_call(&p->insns[i]))
            return true;
    return false;
}

// The way from the function's start to each entry.
static void build_entries(struct unit *u, LLVMBasicBlockRef start)
{
    const struct rc_plan *p = u->plan;
    LLVMBasicBlockRef never = new_block(u), first = new_block(u), choice = new_block(u);
    u->last = u->entry;
    begin(u, start);
    LLVMValueRef number = parameter(u, NUMBER);
    if (u->leaves)
        LLVMBuildStore(u->b, parameter(u, TICKS), u->ticks);
    if (p->entry_count == 1)
        LLVMBuildBr(u->b, first);
    else {
        LLVMValueRef rest = LLVMBuildICmp(u->b, LLVMIntNE, number, c32(u, 0), "");
        LLVMValueRef v = LLVMBuildCondBr(u->b, rest, choice, first);
        LLVMSetMetadata(v, LLVMGetMDKindIDInContext(u->context, "prof", 4), u->unlikely);
    }
    begin_rare(u, choice);
    LLVMValueRef v = LLVMBuildSwitch(u->b, number, never, p->entry_count);
    begin_rare(u, never);
    LLVMBuildUnreachable(u->b);
    u->last = start;
    for (uint32_t i = 0; i < p->entry_count; i++) {
        uint32_t pc = p->entries[i] & ~(uint32_t)RC_CALLED;
        struct guest_block *g = &u->blocks[unit_block_at(u, pc)];
        LLVMBasicBlockRef at = i ? new_block(u) : first;
        if (i)
            LLVMAddCase(v, c32(u, i), at);
        if (i == 1)
            u->last = LLVMGetLastBasicBlock(u->function);
        begin(u, at);
        if ((i == 0 || p->entries[i] & RC_CALLED) && makes_calls(p)) {
            LLVMBasicBlockRef on = new_block(u);
            check_stack(u, on, pc);
            begin(u, on);
        }
        if (u->optimised) {
            check_entry_mode(u, g, pc);
            transfer(u, &g->live, false, 0, g->compares);
            check_singles(u, g, pc);
        }
        LLVMBuildBr(u->b, g->head);
    }
}

static void add_attribute(struct unit *u, unsigned index, const char *name, uint64_t value)
{
    LLVMAddAttributeAtIndex(u->function, index, attribute(u, name, value));
}

static void build(struct unit *u, uint32_t number)
{
    char name[16];
    snprintf(name, sizeof name, "u%u", number);
    u->type = function_type(u);
    u->function = LLVMAddFunction(u->module, name, u->type);
    places_begin_unit(u->places, u->function, number);
    u->memory = parameter(u, MEMORY);
    add_attribute(u, STATE + 1, "noalias", 0);
    add_attribute(u, STATE + 1, "dereferenceable", sizeof(struct ppc_state) - RC_STATE_BIAS);
    if (u->leaves) {
        add_attribute(u, STATE + 1, "swiftself", 0);
        add_attribute(u, MEMORY + 1, "swiftasync", 0);
    }
    add_attribute(u, (unsigned)LLVMAttributeFunctionIndex, "nounwind", 0);
    if (!u->leaves) // the quick tier: its places in the stack frame are in reach of one byte
        LLVMAddTargetDependentFunctionAttr(u->function, "frame-pointer", "all");
    u->entry = new_block(u);
    LLVMBasicBlockRef start = new_block(u);
    begin(u, u->entry);
    u->ticks = LLVMBuildAlloca(u->b, u->i64, "");
    u->next = LLVMBuildAlloca(u->b, u->i32, "");
    u->ignored = LLVMBuildAlloca(u->b, u->i64, "");
    u->target = LLVMBuildAlloca(u->b, u->i32, "");
    LLVMValueRef bias = c64(u, (uint64_t)-RC_STATE_BIAS);
    u->state = LLVMBuildGEP2(u->b, u->i8, parameter(u, STATE), &bias, 1, "");
    LLVMBuildBr(u->b, start);
    if (!unit_divide(u)) {
        u->failed = true;
        return;
    }
    if (u->optimised) {
        unit_find_loops(u);
        unit_find_singles(u);
        unit_find_compares(u);
        unit_find_chains(u);
    }
    unit_count_ways(u);
    u->choosing = true;
    for (uint32_t i = 0; i < u->block_count && !u->failed; i++)
        if (u->blocks[i].in_loop)
            build_block(u, i);
    u->choosing = false;
    for (uint32_t i = 0; i < u->block_count && !u->failed; i++)
        if (!u->blocks[i].in_loop)
            build_block(u, i);
    if (u->failed)
        return;
    if (u->optimised) {
        unit_find_transfers(u);
        insert_transfers(u);
    }
    build_entries(u, start);
}

static LLVMValueRef weights(struct unit *u, uint32_t first, uint32_t second)
{
    LLVMMetadataRef all[3] = {LLVMMDStringInContext2(u->context, "branch_weights", 14), LLVMValueAsMetadata(c32(u, first)), LLVMValueAsMetadata(c32(u, second))};
    return LLVMMetadataAsValue(u->context, LLVMMDNodeInContext2(u->context, all, 3));
}

bool rc_build_unit(struct rc_templates *templates, LLVMContextRef context, LLVMModuleRef module, uint32_t number,
                   const struct rc_plan *plan, enum rc_tier tier, struct places *places)
{
    struct unit u = {.templates = templates, .context = context, .module = module, .plan = plan, .places = places, .leaves = tier == RC_OPTIMISED,
                     .optimised = tier == RC_OPTIMISED && rc_has_loop(plan)};
    u.b = LLVMCreateBuilderInContext(context);
    u.pointer = LLVMPointerTypeInContext(context, 0);
    u.i64 = LLVMInt64TypeInContext(context);
    u.i32 = LLVMInt32TypeInContext(context);
    u.i8 = LLVMInt8TypeInContext(context);
    u.i1 = LLVMInt1TypeInContext(context);
    u.f64 = LLVMDoubleTypeInContext(context);
    u.f32 = LLVMFloatTypeInContext(context);
    u.vector = LLVMVectorType(u.i32, 4);
    u.unlikely = weights(&u, 1, 100000);
    u.likely = weights(&u, 100000, 1);
    build(&u, number);
    LLVMDisposeBuilder(u.b);
    free(u.blocks);
    free(u.block_of);
    free(u.events);
    return !u.failed;
}
