// unit_code.h: small pieces of IR for unit.c.
// Threads: one at a time for one unit.
#pragma once
#include <string.h>

#include "cpu/recompiler/unit_parts.h"

static inline LLVMValueRef c64(struct unit *u, uint64_t v)
{
    return LLVMConstInt(u->i64, v, false);
}

static inline LLVMValueRef c32(struct unit *u, uint32_t v)
{
    return LLVMConstInt(u->i32, v, false);
}

static inline LLVMBasicBlockRef new_block(struct unit *u)
{
    return LLVMAppendBasicBlockInContext(u->context, u->function, "");
}

// Goes on building at the block's end. One that is begun gets its place behind the last, so that code lies in the order in which it
// is built and the quick tier needs few jumps.
static inline void begin(struct unit *u, LLVMBasicBlockRef block)
{
    LLVMPositionBuilderAtEnd(u->b, block);
    if (LLVMGetFirstInstruction(block) || block == u->last)
        return;
    if (u->last)
        LLVMMoveBasicBlockAfter(block, u->last);
    u->last = block;
}

// The same for code that rarely runs: it stays at the function's end.
static inline void begin_rare(struct unit *u, LLVMBasicBlockRef block)
{
    LLVMPositionBuilderAtEnd(u->b, block);
}

// Parameters: of rc_unit in interface.h, or of rc_quick_unit.
enum { STATE, MEMORY, NUMBER, TICKS, PARAMETERS };

static inline LLVMValueRef parameter(const struct unit *u, unsigned which)
{
    return LLVMGetParam(u->function, u->leaves && which >= NUMBER ? which + RC_UNIT_UNUSED : which);
}

static inline LLVMTypeRef function_type(struct unit *u)
{
    LLVMTypeRef parts[2] = {u->i32, u->i64};
    if (!u->leaves)
        return LLVMFunctionType(u->i32, (LLVMTypeRef[]){u->pointer, u->pointer, u->i32}, 3, false);
    LLVMTypeRef parameters[PARAMETERS + RC_UNIT_UNUSED] = {u->pointer, u->pointer, u->i32, u->i32, u->i32, u->i64};
    return LLVMFunctionType(LLVMStructTypeInContext(u->context, parts, 2, false), parameters, PARAMETERS + RC_UNIT_UNUSED, false);
}

static inline LLVMAttributeRef attribute(struct unit *u, const char *name, uint64_t value)
{
    return LLVMCreateEnumAttribute(u->context, LLVMGetEnumAttributeKindForName(name, strlen(name)), value);
}

// A call of a unit, or of a function of the program that stands for one.
static inline LLVMValueRef call_unit(struct unit *u, LLVMValueRef function, LLVMValueRef a, LLVMValueRef b, LLVMValueRef number, LLVMValueRef ticks)
{
    LLVMValueRef arguments[PARAMETERS + RC_UNIT_UNUSED] = {parameter(u, STATE), u->memory, a, b, number, ticks};
    LLVMValueRef v = LLVMBuildCall2(u->b, u->type, function, arguments, PARAMETERS + RC_UNIT_UNUSED, "");
    LLVMAddCallSiteAttribute(v, STATE + 1, attribute(u, "swiftself", 0));
    LLVMAddCallSiteAttribute(v, MEMORY + 1, attribute(u, "swiftasync", 0));
    return v;
}

static inline LLVMValueRef at_offset(struct unit *u, LLVMValueRef base, int64_t offset)
{
    if (base == u->state) { // one step from the parameter
        base = parameter(u, STATE);
        offset -= RC_STATE_BIAS;
    }
    LLVMValueRef index = c64(u, (uint64_t)offset);
    return LLVMBuildGEP2(u->b, u->i8, base, &index, 1, "");
}

#define FIELD(u, field) at_offset((u), (u)->state, offsetof(struct ppc_state, field))

// Others look at these at any time: a device's callback, a fault.
static inline LLVMValueRef store_seen(struct unit *u, LLVMValueRef value, LLVMValueRef address)
{
    LLVMValueRef v = LLVMBuildStore(u->b, value, address);
    LLVMSetVolatile(v, true);
    return v;
}

// s->cycles: now minus pc / 4.
static inline LLVMValueRef ticks(struct unit *u)
{
    return LLVMBuildLoad2(u->b, u->i64, u->leaves ? u->ticks : FIELD(u, cycles), "");
}

// Ends the function: the state has the time.
static inline void give_back(struct unit *u, uint32_t next)
{
    LLVMValueRef parts[2] = {c32(u, next), LLVMGetUndef(u->i64)};
    if (u->leaves)
        LLVMBuildAggregateRet(u->b, parts, 2);
    else
        LLVMBuildRet(u->b, parts[0]);
}

// The same where it may have an old one.
static inline void give_back_now(struct unit *u, uint32_t next)
{
    if (u->leaves)
        store_seen(u, ticks(u), FIELD(u, cycles));
    give_back(u, next);
}

// The same with the ticks of `next`.
static inline void go_back(struct unit *u, LLVMValueRef next)
{
    if (u->leaves)
        LLVMBuildAggregateRet(u->b, (LLVMValueRef[]){next, ticks(u)}, 2);
    else
        LLVMBuildRet(u->b, next);
}

static inline LLVMValueRef environment(struct unit *u, int64_t offset)
{
    return LLVMBuildLoad2(u->b, u->i64, at_offset(u, u->memory, offset), "");
}

// Branches to `rare` where the condition holds and goes on building at the other way.
static inline void branch_rarely(struct unit *u, LLVMValueRef condition, LLVMBasicBlockRef rare)
{
    LLVMBasicBlockRef next = new_block(u);
    LLVMValueRef v = LLVMBuildCondBr(u->b, condition, rare, next);
    LLVMSetMetadata(v, LLVMGetMDKindIDInContext(u->context, "prof", 4), u->unlikely);
    begin(u, next);
}
