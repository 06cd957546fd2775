// checks.c: results of floating point that are looked at together. Whether an instruction's fast path was right (docs/fp.md) costs as much as
// the instruction. In loops, instructions that follow each other without an access to memory or another way to leave, a group, are copied
// twice: first as if all their results were ordinary, then behind one test of them all, which takes most numbers for ordinary and no other,
// comes the next instruction. Where the test fails the group is done again, with the registers from before it, each instruction with its own checks.
#include <string.h>

#include "cpu/recompiler/unit_parts.h"

enum { MOST_INSTRUCTIONS = 16 };

// ---- Which instructions, by their encoding

// Looks at its result, which is infinite or a NaN where an operand is, but a divisor.
bool unit_is_checked(const struct rc_insn *i)
{
    uint32_t primary = i->word >> 26, form = i->word >> 1 & 31;
    if (i->opcode == PPC_OP_frspx)
        return true;
    return (primary == 59 || primary == 63) && (form == 18 || form == 20 || form == 21 || form == 22 || form == 25 || form >= 28);
}

static bool is_double_sum(const struct rc_insn *i)
{
    return i->opcode == PPC_OP_faddx || i->opcode == PPC_OP_fsubx;
}

// Registers to registers and nothing else.
static bool can_be_repeated(struct unit *u, const struct rc_insn *i)
{
    const struct ppc_opcode_info *o = &ppc_opcodes[i->opcode];
    if (i->flags & RC_UNKNOWN || o->kind != PPC_PLAIN || i->word & o->variant & 1 || !rc_can_specialise(u->templates, i->opcode, i->word))
        return false;
    bool integer = strstr(o->operands, "RD:out") || strstr(o->operands, "RA:out"), moves = !strncmp(o->text, "mf", 2) || !strncmp(o->text, "mt", 2);
    return (integer || strstr(o->operands, "FD:out")) && !moves && unit_leaves_compares(i);
}

static bool has_operand(const struct rc_insn *i, const char *name, unsigned shift, uint32_t n)
{
    return strstr(ppc_opcodes[i->opcode].operands, name) && (i->word >> shift & 31) == n;
}

// Whether a result that is no finite number makes another one such that is looked at. As a divisor it makes a zero of a zero.
static bool shows_in_another(const struct rc_insn *i, uint32_t left)
{
    uint32_t n = i->word >> 21 & 31;
    for (const struct rc_insn *next = i + 1; left--; next++) {
        bool divides = (next->word >> 1 & 31) == 18;
        if (unit_is_checked(next) && (has_operand(next, "FA:in", 16, n) || (has_operand(next, "FB:in", 11, n) && !divides) || has_operand(next, "FC:in", 6, n)))
            return true;
        if (has_operand(next, "FD:out", 21, n))
            return false;
    }
    return false;
}

uint32_t unit_find_group(struct unit *u, uint32_t number)
{
    const struct guest_block *g = &u->blocks[u->block];
    const struct rc_insn *first = &u->plan->insns[g->first + number];
    if (!u->optimised || !g->in_loop || !g->fast || !unit_is_checked(first))
        return 0;
    uint32_t count = 0, checked = 0;
    for (uint32_t n = 0; n < MOST_INSTRUCTIONS && number + n < g->count && can_be_repeated(u, first + n); n++)
        if (unit_is_checked(first + n)) {
            checked++;
            count = n + 1;
        }
    return checked > 1 ? count : 0;
}

// ---- The test

bool unit_checked_later(void *user, LLVMValueRef result)
{
    struct unit *u = user;
    struct group *group = u->group;
    if (group->shows_in_another)
        return true;
    bool single = LLVMTypeOf(result) == u->f32;
    struct results *r = single ? &group->singles : &group->doubles;
    if (r->count == MOST_RESULTS)
        return false;
    LLVMBuildStore(u->b, result, unit_make_variable(u, &r->variables[r->count++], single ? u->f32 : u->f64));
    return true;
}

static LLVMValueRef constant(struct unit *u, bool single, uint64_t v)
{
    return LLVMConstInt(single ? u->i32 : u->i64, v, false);
}

static LLVMValueRef splat(LLVMValueRef v, unsigned lanes)
{
    LLVMValueRef all[4] = {v, v, v, v};
    return LLVMConstVector(all, lanes);
}

static LLVMValueRef load_result(struct unit *u, const struct results *r, unsigned n, bool single)
{
    return LLVMBuildLoad2(u->b, single ? u->f32 : u->f64, r->variables[n < r->count ? n : r->count - 1], "");
}

// fp_is_normal and fp_is_normal_single say the same.
static LLVMValueRef is_ordinary(struct unit *u, const struct results *r, bool single)
{
    uint64_t least = single ? 0x01000001 : 0x0040000000000000, infinity = single ? 0xFF000000 : 0xFFDFFFFFFFFFFFFF;
    LLVMValueRef bits = LLVMBuildBitCast(u->b, load_result(u, r, 0, single), single ? u->i32 : u->i64, "");
    bits = LLVMBuildShl(u->b, bits, constant(u, single, 1), "");
    bits = LLVMBuildSub(u->b, bits, constant(u, single, least), "");
    return LLVMBuildICmp(u->b, LLVMIntULT, bits, constant(u, single, infinity - least), "");
}

static LLVMValueRef all_set(struct unit *u, LLVMValueRef bits, LLVMValueRef mask)
{
    static const char name[] = "llvm.x86.sse41.ptestc";
    LLVMTypeRef pair = LLVMVectorType(u->i64, 2), type = LLVMFunctionType(u->i32, (LLVMTypeRef[]){pair, pair}, 2, false);
    LLVMValueRef function = LLVMGetNamedFunction(u->module, name);
    if (!function)
        function = LLVMAddFunction(u->module, name, type);
    LLVMValueRef arguments[2] = {LLVMBuildBitCast(u->b, bits, pair, ""), LLVMConstBitCast(mask, pair)};
    return LLVMBuildCall2(u->b, type, function, arguments, 2, "");
}

// Those with an exponent in the middle half are: a quarter of the range added sets its highest bit in these alone.
static LLVMValueRef all_are_ordinary(struct unit *u, const struct results *r, bool single)
{
    if (r->count == 1)
        return is_ordinary(u, r, single);
    unsigned lanes = single ? 4 : 2;
    LLVMTypeRef lane = single ? u->i32 : u->i64;
    LLVMValueRef quarter = splat(constant(u, single, single ? 1u << 29 : 1ull << 61), lanes), high = splat(constant(u, single, single ? 1u << 30 : 1ull << 62), lanes);
    LLVMValueRef all = NULL;
    for (unsigned n = 0; n < r->count; n += lanes) {
        LLVMValueRef v = LLVMGetUndef(LLVMVectorType(single ? u->f32 : u->f64, lanes));
        for (unsigned i = 0; i < lanes; i++)
            v = LLVMBuildInsertElement(u->b, v, load_result(u, r, n + i, single), LLVMConstInt(u->i32, i, false), "");
        v = LLVMBuildAdd(u->b, LLVMBuildBitCast(u->b, v, LLVMVectorType(lane, lanes), ""), quarter, "");
        all = all ? LLVMBuildAnd(u->b, all, v, "") : v;
    }
    return LLVMBuildICmp(u->b, LLVMIntNE, all_set(u, all, high), LLVMConstInt(u->i32, 0, false), "");
}

static LLVMValueRef test(struct unit *u, const struct group *g)
{
    LLVMValueRef ordinary = LLVMConstInt(u->i1, 1, false);
    if (g->doubles.count)
        ordinary = all_are_ordinary(u, &g->doubles, false);
    if (g->singles.count)
        ordinary = LLVMBuildAnd(u->b, all_are_ordinary(u, &g->singles, true), ordinary, "");
    return ordinary;
}

// ---- The group

struct known {
    uint32_t singles;
    struct rc_set ones, minus_zeros;
};

static struct known known(const struct unit *u)
{
    return (struct known){u->singles, u->ones, u->minus_zeros};
}

static void build_copy(struct unit *u, LLVMBasicBlockRef at, uint32_t number, uint32_t count)
{
    const struct rc_insn *insns = &u->plan->insns[u->blocks[u->block].first + number];
    LLVMPositionBuilderAtEnd(u->b, at);
    u->last = at;
    for (uint32_t i = 0; i < count; i++) {
        if (u->group)
            u->group->shows_in_another = is_double_sum(&insns[i]) && shows_in_another(&insns[i], count - i - 1);
        u->failed |= unit_build_at(u, number + i);
    }
}

static void begin_behind(struct unit *u, LLVMBasicBlockRef block)
{
    LLVMMoveBasicBlockAfter(block, u->last);
    u->last = block;
}

// What the first copy changes gets its values from before it at the start of the second one.
static void keep_values(struct unit *u, LLVMBasicBlockRef before, LLVMBasicBlockRef first, LLVMBasicBlockRef last, LLVMBasicBlockRef slow)
{
    LLVMBuilderRef b = LLVMCreateBuilderInContext(u->context);
    for (LLVMBasicBlockRef block = first; block; block = block == last ? NULL : LLVMGetNextBasicBlock(block))
        for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i)) {
            if (!LLVMIsAStoreInst(i) || !LLVMIsAAllocaInst(LLVMGetOperand(i, 1)))
                continue;
            LLVMValueRef place = LLVMGetOperand(i, 1);
            LLVMPositionBuilderBefore(b, LLVMGetBasicBlockTerminator(before));
            LLVMValueRef old = LLVMBuildLoad2(b, LLVMGetAllocatedType(place), place, "");
            LLVMPositionBuilderBefore(b, LLVMGetFirstInstruction(slow));
            LLVMBuildStore(b, old, place);
        }
    LLVMDisposeBuilder(b);
}

// A result that is not come by was looked at otherwise.
static void start_with_ordinary(struct unit *u, const struct group *g, LLVMBasicBlockRef before)
{
    LLVMPositionBuilderBefore(u->b, LLVMGetBasicBlockTerminator(before));
    for (unsigned n = 0; n < g->doubles.count; n++)
        LLVMBuildStore(u->b, LLVMConstReal(u->f64, 1), g->doubles.variables[n]);
    for (unsigned n = 0; n < g->singles.count; n++)
        LLVMBuildStore(u->b, LLVMConstReal(u->f32, 1), g->singles.variables[n]);
}

static LLVMBasicBlockRef new_block(struct unit *u)
{
    return LLVMAppendBasicBlockInContext(u->context, u->function, "");
}

void unit_build_group(struct unit *u, uint32_t number, uint32_t count)
{
    struct group group = {.slow = new_block(u)};
    LLVMBasicBlockRef before = LLVMGetInsertBlock(u->b), last = u->last;
    struct known at = known(u);
    // First, so that in the order of events no way out of it comes behind the other copy's definitions.
    build_copy(u, group.slow, number, count);
    LLVMBasicBlockRef fast = new_block(u), behind = new_block(u);
    LLVMBuildBr(u->b, behind);
    struct known there = known(u);

    u->last = last;
    u->singles = at.singles;
    u->ones = at.ones;
    u->minus_zeros = at.minus_zeros;
    LLVMPositionBuilderAtEnd(u->b, before);
    LLVMBuildBr(u->b, fast);
    begin_behind(u, fast);
    u->group = &group;
    build_copy(u, fast, number, count);
    u->group = NULL;
    u->failed |= u->singles != there.singles;
    LLVMBasicBlockRef fast_end = LLVMGetInsertBlock(u->b);
    LLVMValueRef branch = LLVMBuildCondBr(u->b, test(u, &group), behind, group.slow);
    LLVMSetMetadata(branch, LLVMGetMDKindIDInContext(u->context, "prof", 4), u->likely);
    keep_values(u, before, fast, fast_end, group.slow);
    start_with_ordinary(u, &group, before);
    u->last = behind; // not right behind the test, or LLVM turns its compare into another one, with a constant of its own
    LLVMPositionBuilderAtEnd(u->b, behind);
}
