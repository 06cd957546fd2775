// compares.c: the CR in loops. What is compared there stays as it is: LT, GT and EQ are made from it where something looks at them, mostly
// exits that rarely happen; SO is XER's, of which a compare makes a copy, so that all fields become bits before XER's changes. How each CR
// field is held at each point of a unit follows from the instructions' encoding:
//
// bits        the slots of the CR's bits have them, as everywhere outside of loops
// a compare   of u->compared[field][0] with [1]; a field is one compare's only as far as all ways lead from compares of one kind
// distance    u->compared[field][0] is below, above or at 0 (the compare is behind where loops begin or ways meet), or MARK: nothing compared
//             since the loop's entry, so that the state has the bits. One variable, and cheap to make on both ways
// doubles     a compare of u->compared_doubles[field]; none is a NaN, since code leaves where one is compared, and SO is 0. Perhaps: the
//             first is a NaN where nothing was compared since the loop's entry
// any         where compares of more than one kind lead, or none since the loop's entry, and nothing looks at the field before it is written, so that
//             only exits make something of it: what was compared stays where it is, u->compared_how[field] says of what kind it was
#include <math.h>
#include <string.h>

#include "cpu/recompiler/unit_parts.h"

enum held { BITS, DISTANCE, WORDS, LOGICAL_WORDS, DOUBLEWORDS, LOGICAL_DOUBLEWORDS, DOUBLES, PERHAPS_DOUBLES, ANY, UNKNOWN = 15 };

enum { NOTHING_COMPARED = 0 }; // of compared_how, else a kind

enum { FIELDS = 8, BITS_OF_FIELD = 4, HELD_BITS = 4, CR = offsetof(struct ppc_state, cr), CR_END = CR + 4 * FIELDS };

static const uint64_t MARK = 1ull << 63; // a distance of words has 33 bits

static enum held held(uint32_t compares, unsigned field)
{
    return compares >> HELD_BITS * field & 15;
}

static void set_held(uint32_t *compares, unsigned field, enum held how)
{
    *compares = (*compares & ~(15u << HELD_BITS * field)) | (uint32_t)how << HELD_BITS * field;
}

// ---- What instructions do, by their encoding

static bool records_integer(const struct rc_insn *i)
{
    static const uint32_t primaries = 1u << 20 | 1u << 21 | 1u << 23 | 1u << 30 | 1u << 31;
    const struct ppc_opcode_info *o = &ppc_opcodes[i->opcode];
    if (i->opcode == PPC_OP_addic_ || i->opcode == PPC_OP_andi_ || i->opcode == PPC_OP_andis_)
        return true;
    return i->word & o->variant & 1 && o->kind == PPC_PLAIN && i->word >> 26 < 32 && primaries >> (i->word >> 26) & 1;
}

// How `field` is held behind the instruction if it is a compare; else UNKNOWN.
static enum held compare_of(const struct rc_insn *i, unsigned *field)
{
    bool doublewords = i->word >> 21 & 1;
    *field = i->word >> 23 & 7;
    if (i->opcode == PPC_OP_cmp || i->opcode == PPC_OP_cmpi)
        return doublewords ? DOUBLEWORDS : WORDS;
    if (i->opcode == PPC_OP_cmpl || i->opcode == PPC_OP_cmpli)
        return doublewords ? LOGICAL_DOUBLEWORDS : LOGICAL_WORDS;
    if (i->opcode == PPC_OP_fcmpu || i->opcode == PPC_OP_fcmpo)
        return DOUBLES;
    *field = 0;
    return records_integer(i) ? WORDS : UNKNOWN;
}

static bool changes_xer_so(const struct rc_insn *i)
{
    const struct ppc_opcode_info *o = &ppc_opcodes[i->opcode];
    bool overflow = i->word >> 26 == 31 && i->word & o->variant & 0x400; // OE
    bool mtxer = i->opcode == PPC_OP_mtspr && (i->word >> 11 & 0x3FF) == 0x20;
    return overflow || mtxer || i->opcode == PPC_OP_mcrxr;
}

// The fields that are bits from here on: those of which the instruction writes some, perhaps. Bit n is field n.
static uint32_t written_fields(const struct rc_insn *i)
{
    const struct ppc_opcode_info *o = &ppc_opcodes[i->opcode];
    uint32_t primary = i->word >> 26, fields = changes_xer_so(i) ? (1u << FIELDS) - 1 : 0;
    if (strstr(o->operands, "CRFD:out") || strstr(o->operands, "CRBD:out"))
        fields |= 1u << (i->word >> 23 & 7);
    for (unsigned n = 0; i->opcode == PPC_OP_mtcrf && n < FIELDS; n++)
        fields |= (i->word >> (19 - n) & 1) << n;
    if ((primary == 59 || primary == 63) && i->word & 1)
        fields |= 1u << 1;
    if (i->opcode == PPC_OP_stwcx || i->opcode == PPC_OP_stdcx)
        fields |= 1u << 0;
    if (!strncmp(o->text, "vcmp", 4) && i->word & o->variant)
        fields |= 1u << 6;
    return fields;
}

// Where the instruction is about to write bits.
static uint32_t compares_at(const struct rc_insn *i, uint32_t compares)
{
    uint32_t written = written_fields(i);
    for (unsigned field = 0; written >> field; field++)
        if (written >> field & 1)
            set_held(&compares, field, BITS);
    return compares;
}

static uint32_t compares_behind(const struct rc_insn *i, uint32_t compares)
{
    unsigned field;
    enum held how = compare_of(i, &field);
    compares = compares_at(i, compares);
    if (how != UNKNOWN)
        set_held(&compares, field, how);
    return compares;
}

bool unit_integer_compare(const struct rc_insn *i, unsigned *field, unsigned *how)
{
    *how = compare_of(i, field);
    return *how != UNKNOWN && *how != DOUBLES;
}

bool unit_touches_compares(const struct rc_insn *i)
{
    unsigned field;
    return compare_of(i, &field) != UNKNOWN || written_fields(i);
}

// ---- The pass over the guest's blocks

static bool is_double(enum held how)
{
    return how == DOUBLES || how == PERHAPS_DOUBLES;
}

// Fields of which the instruction looks at some bit. The bits are made of all before XER's SO changes.
static uint32_t read_fields(const struct rc_insn *i)
{
    const struct ppc_opcode_info *o = &ppc_opcodes[i->opcode];
    const uint32_t all = (1u << FIELDS) - 1;
    if (i->flags & RC_UNKNOWN || i->opcode == PPC_OP_mfcr || changes_xer_so(i))
        return all;
    if (strstr(o->operands, "BI:in"))
        return i->word >> 25 & 1 ? 0 : 1u << (i->word >> 18 & 7); // BO
    if (strstr(o->operands, "CRBD:out"))
        return 1u << (i->word >> 23 & 7) | 1u << (i->word >> 18 & 7) | 1u << (i->word >> 13 & 7);
    return i->opcode == PPC_OP_mcrf ? 1u << (i->word >> 18 & 7) : 0;
}

static uint32_t whole_fields(const struct rc_insn *i)
{
    unsigned field;
    return compare_of(i, &field) == UNKNOWN ? written_fields(i) : written_fields(i) | 1u << field;
}

static uint32_t read_at(const struct unit *u, uint32_t block)
{
    return block == UINT32_MAX || !u->blocks[block].in_loop ? 0 : u->blocks[block].cr_read;
}

static uint32_t read_behind(const struct unit *u, const struct guest_block *g)
{
    const struct rc_insn *last = &u->plan->insns[g->first + g->count - 1];
    uint32_t fields = read_at(u, unit_block_at(u, last->pc + 4));
    if (last->flags & RC_UNKNOWN)
        return fields;
    if (ppc_opcodes[last->opcode].kind == PPC_BRANCH)
        fields |= read_at(u, unit_block_at(u, ppc_branch_target(last->word, last->pc)));
    for (uint32_t i = 0; last->opcode == PPC_OP_bcctrx && i < u->block_count; i++)
        if (u->blocks[i].is_target)
            fields |= read_at(u, i);
    return fields;
}

// In loops without floating point, whose code has few exits, all fields count as looked at: what exits would have to choose from is more code.
static void find_reads(struct unit *u)
{
    for (uint32_t b = 0; b < u->block_count; b++) {
        struct guest_block *g = &u->blocks[b];
        g->cr_read = g->fast ? 0 : (1u << FIELDS) - 1;
        for (uint32_t i = 0; g->in_loop && i < g->count; i++) {
            g->cr_read |= read_fields(&u->plan->insns[g->first + i]) & ~g->cr_written;
            g->cr_written |= whole_fields(&u->plan->insns[g->first + i]);
        }
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t b = u->block_count; b > 0; b--) {
            struct guest_block *g = &u->blocks[b - 1];
            uint32_t behind = g->in_loop ? read_behind(u, g) & ~g->cr_written & ~g->cr_read : 0;
            g->cr_read |= behind;
            changed |= behind != 0;
        }
    }
}

// How a field is held where ways meet on which it is held as `a` and as `b`.
static enum held meet_field(enum held a, enum held b, bool read)
{
    if (a == b || b == UNKNOWN)
        return a;
    if (a == UNKNOWN)
        return b;
    if (a != BITS && b != BITS && !read)
        return ANY;
    if (a == BITS || b == BITS || is_double(a) != is_double(b))
        return BITS;
    return is_double(a) ? PERHAPS_DOUBLES : DISTANCE;
}

static uint32_t meet(uint32_t x, uint32_t y, uint32_t read)
{
    uint32_t both = 0;
    for (unsigned field = 0; field < FIELDS; field++)
        set_held(&both, field, meet_field(held(x, field), held(y, field), read >> field & 1));
    return both;
}

static bool lower(struct unit *u, uint32_t block, uint32_t compares)
{
    if (block == UINT32_MAX || !u->blocks[block].in_loop)
        return false;
    uint32_t before = u->blocks[block].compares;
    u->blocks[block].compares = meet(before, compares, u->blocks[block].cr_read);
    return u->blocks[block].compares != before;
}

// From outside of loops, where `entry` is how fields are held that code looks at.
static bool enter(struct unit *u, uint32_t block, uint32_t entry)
{
    for (unsigned field = 0; block != UINT32_MAX && field < FIELDS; field++)
        if (u->kinds[field] && !(u->blocks[block].cr_read >> field & 1))
            set_held(&entry, field, ANY);
    return lower(u, block, entry);
}

// Of what kinds compares are that lead to where a field is held as any.
static bool note_kinds(struct unit *u, uint32_t block, uint32_t compares)
{
    for (unsigned field = 0; block != UINT32_MAX && field < FIELDS; field++)
        if (u->blocks[block].in_loop && held(u->blocks[block].compares, field) == ANY && held(compares, field) != ANY)
            u->kinds[field] |= 1u << held(compares, field);
    return false;
}

static bool pass_on(struct unit *u, const struct guest_block *g, uint32_t compares, bool (*pass)(struct unit *, uint32_t, uint32_t))
{
    const struct rc_insn *last = &u->plan->insns[g->first + g->count - 1];
    bool changed = pass(u, unit_block_at(u, last->pc + 4), compares);
    if (last->flags & RC_UNKNOWN)
        return changed;
    if (ppc_opcodes[last->opcode].kind == PPC_BRANCH)
        changed |= pass(u, unit_block_at(u, ppc_branch_target(last->word, last->pc)), compares);
    for (uint32_t i = 0; last->opcode == PPC_OP_bcctrx && i < u->block_count; i++)
        if (u->blocks[i].is_target)
            changed |= pass(u, i, compares);
    return changed;
}

// How fields are held where a loop is entered: as what says that nothing was compared yet, by what loops compare.
static uint32_t at_entries(struct unit *u)
{
    uint32_t compares = UINT32_MAX;
    for (uint32_t b = 0; b < u->block_count; b++)
        for (uint32_t i = 0; u->blocks[b].in_loop && i < u->blocks[b].count; i++) {
            unsigned field;
            enum held how = compare_of(&u->plan->insns[u->blocks[b].first + i], &field);
            if (how == UNKNOWN)
                continue;
            if (u->blocks[b].fast)
                u->kinds[field] |= 1u << how;
            set_held(&compares, field, meet_field(held(compares, field), how == DOUBLES ? PERHAPS_DOUBLES : DISTANCE, true));
        }
    for (unsigned field = 0; field < FIELDS; field++)
        if (held(compares, field) == UNKNOWN)
            set_held(&compares, field, BITS);
    return compares;
}

static uint32_t compares_behind_block(const struct unit *u, const struct guest_block *g)
{
    uint32_t compares = g->compares;
    for (uint32_t i = 0; i < g->count; i++)
        compares = compares_behind(&u->plan->insns[g->first + i], compares);
    return compares;
}

static bool pass_all(struct unit *u, uint32_t entry)
{
    bool changed = false;
    for (uint32_t b = 0; b < u->block_count; b++) {
        const struct guest_block *g = &u->blocks[b];
        changed |= g->in_loop ? pass_on(u, g, compares_behind_block(u, g), lower) : pass_on(u, g, entry, enter);
    }
    return changed;
}

// Loops that nothing leads to.
static bool lower_unreached(struct unit *u, uint32_t entry)
{
    for (uint32_t b = 0; b < u->block_count; b++)
        for (unsigned field = 0; field < FIELDS; field++)
            if (held(u->blocks[b].compares, field) == UNKNOWN)
                return enter(u, b, entry);
    return false;
}

void unit_find_compares(struct unit *u)
{
    uint32_t entry = at_entries(u);
    find_reads(u);
    for (uint32_t b = 0; b < u->block_count; b++)
        u->blocks[b].compares = u->blocks[b].in_loop ? UINT32_MAX : 0;
    for (uint32_t i = 0; i < u->plan->entry_count; i++)
        enter(u, unit_block_at(u, u->plan->entries[i] & ~(uint32_t)RC_CALLED), entry);
    do {
        while (pass_all(u, entry))
            ;
    } while (lower_unreached(u, entry));
    memset(u->kinds, 0, sizeof u->kinds);
    for (uint32_t b = 0; b < u->block_count; b++)
        if (u->blocks[b].in_loop)
            pass_on(u, &u->blocks[b], compares_behind_block(u, &u->blocks[b]), note_kinds);
}

// ---- Code

static LLVMValueRef compared_variable(struct unit *u, unsigned field, unsigned which)
{
    return unit_make_variable(u, &u->compared[field][which], u->i64);
}

static LLVMValueRef double_variable(struct unit *u, unsigned field, unsigned which)
{
    return unit_make_variable(u, &u->compared_doubles[field][which], u->f64);
}

static LLVMValueRef in_width(struct unit *u, LLVMValueRef v, enum held how)
{
    return how == WORDS || how == LOGICAL_WORDS ? LLVMBuildTrunc(u->b, v, u->i32, "") : v;
}

static LLVMValueRef how_variable(struct unit *u, unsigned field)
{
    return unit_make_variable(u, &u->compared_how[field], u->i32);
}

static LLVMValueRef distance(struct unit *u, unsigned field, enum held how);

// As a distance.
static LLVMValueRef any_compared(struct unit *u, unsigned field)
{
    LLVMValueRef how = LLVMBuildLoad2(u->b, u->i32, how_variable(u, field), ""), d = LLVMConstInt(u->i64, MARK, false);
    for (enum held kind = DISTANCE; kind < ANY; kind++)
        if (u->kinds[field] >> kind & 1) {
            LLVMValueRef is = LLVMBuildICmp(u->b, LLVMIntEQ, how, LLVMConstInt(u->i32, kind, false), "");
            d = LLVMBuildSelect(u->b, is, distance(u, field, kind), d, "");
        }
    return d;
}

// What is compared, in its width.
static LLVMValueRef compared(struct unit *u, unsigned field, unsigned which, enum held how)
{
    if (how == ANY)
        return any_compared(u, field);
    if (is_double(how))
        return LLVMBuildLoad2(u->b, u->f64, double_variable(u, field, which), "");
    return in_width(u, LLVMBuildLoad2(u->b, u->i64, compared_variable(u, field, which), ""), how);
}

static LLVMIntPredicate predicate(unsigned bit, bool logical)
{
    if (bit == PPC_EQ)
        return LLVMIntEQ;
    if (logical)
        return bit == PPC_LT ? LLVMIntULT : LLVMIntUGT;
    return bit == PPC_LT ? LLVMIntSLT : LLVMIntSGT;
}

LLVMValueRef unit_compare(struct unit *u, unsigned how, unsigned bit, LLVMValueRef a, LLVMValueRef b)
{
    bool logical = how == LOGICAL_WORDS || how == LOGICAL_DOUBLEWORDS;
    return LLVMBuildICmp(u->b, predicate(bit, logical), in_width(u, a, how), in_width(u, b, how), "");
}

// Whether nothing was compared yet.
static LLVMValueRef is_marked(struct unit *u, LLVMValueRef distance)
{
    if (LLVMTypeOf(distance) == u->f64)
        return LLVMBuildFCmp(u->b, LLVMRealUNO, distance, distance, "");
    return LLVMBuildICmp(u->b, LLVMIntEQ, distance, LLVMConstInt(u->i64, MARK, false), "");
}

static LLVMValueRef so(struct unit *u)
{
    return LLVMBuildLoad2(u->b, u->i8, unit_variable(u, rc_slot_at(offsetof(struct ppc_state, xer_so))), "");
}

// As 0 or 1, of a distance that is not marked.
static LLVMValueRef bit_of_distance(struct unit *u, unsigned bit, LLVMValueRef distance)
{
    if (bit == PPC_SO)
        return so(u);
    LLVMValueRef holds = LLVMBuildICmp(u->b, predicate(bit, false), distance, LLVMConstInt(u->i64, 0, false), "");
    return LLVMBuildZExt(u->b, holds, u->i8, "");
}

static LLVMValueRef bit_of_doubles(struct unit *u, unsigned field, unsigned bit)
{
    static const LLVMRealPredicate predicates[] = {[PPC_LT] = LLVMRealOLT, [PPC_GT] = LLVMRealOGT, [PPC_EQ] = LLVMRealOEQ};
    if (bit == PPC_SO)
        return LLVMConstInt(u->i8, 0, false);
    LLVMValueRef holds = LLVMBuildFCmp(u->b, predicates[bit], compared(u, field, 0, DOUBLES), compared(u, field, 1, DOUBLES), "");
    return LLVMBuildZExt(u->b, holds, u->i8, "");
}

static LLVMValueRef any_so(struct unit *u, unsigned field)
{
    const uint32_t doubles = 1u << DOUBLES | 1u << PERHAPS_DOUBLES;
    LLVMValueRef none = LLVMConstInt(u->i8, 0, false);
    if (!(u->kinds[field] & ~doubles))
        return none;
    if (!(u->kinds[field] & doubles))
        return so(u);
    LLVMValueRef how = LLVMBuildLoad2(u->b, u->i32, how_variable(u, field), "");
    LLVMValueRef is = LLVMBuildICmp(u->b, LLVMIntUGE, how, LLVMConstInt(u->i32, DOUBLES, false), "");
    return LLVMBuildSelect(u->b, is, none, so(u), "");
}

// Where something was compared.
static LLVMValueRef bit_if_compared(struct unit *u, unsigned field, unsigned bit, enum held how)
{
    if (how == ANY && bit == PPC_SO)
        return any_so(u, field);
    return is_double(how) ? bit_of_doubles(u, field, bit) : bit_of_distance(u, bit, compared(u, field, 0, how));
}

// A bit as 0 or 1, of a field that is not held as bits.
static LLVMValueRef bit_value(struct unit *u, unsigned field, unsigned bit, enum held how)
{
    if (how == DOUBLES)
        return bit_of_doubles(u, field, bit);
    if (how == DISTANCE || how == PERHAPS_DOUBLES || how == ANY) {
        LLVMValueRef old = LLVMBuildLoad2(u->b, u->i8, unit_state_at(u, CR + 4 * field + bit), "");
        return LLVMBuildSelect(u->b, is_marked(u, compared(u, field, 0, how)), old, bit_if_compared(u, field, bit, how), "");
    }
    if (bit == PPC_SO)
        return so(u);
    bool logical = how == LOGICAL_WORDS || how == LOGICAL_DOUBLEWORDS;
    LLVMValueRef holds = LLVMBuildICmp(u->b, predicate(bit, logical), compared(u, field, 0, how), compared(u, field, 1, how), "");
    return LLVMBuildZExt(u->b, holds, u->i8, "");
}

LLVMValueRef unit_compared_bit(struct unit *u, uint32_t compares, uint32_t offset)
{
    unsigned field = (offset - CR) / 4, bit = (offset - CR) % 4;
    if (offset - CR >= CR_END - CR || held(compares, field) == BITS)
        return NULL;
    return bit_value(u, field, bit, held(compares, field));
}

// Stores a field's bits where they are not in the state. Rare code: no branch around the stores, they go nowhere then.
static void store_if_compared(struct unit *u, unsigned field, enum held how)
{
    LLVMValueRef place = unit_state_at(u, CR + 4 * field);
    place = LLVMBuildSelect(u->b, is_marked(u, compared(u, field, 0, how)), u->ignored, place, "");
    for (unsigned bit = 0; bit < BITS_OF_FIELD; bit++) {
        LLVMValueRef index = LLVMConstInt(u->i64, bit, false), at = LLVMBuildGEP2(u->b, u->i8, place, &index, 1, "");
        LLVMBuildStore(u->b, bit_if_compared(u, field, bit, how), at);
    }
}

bool unit_transfer_distance(struct unit *u, uint32_t compares, uint32_t offset, bool store)
{
    unsigned field = (offset - CR) / 4, bit = (offset - CR) % 4;
    enum held how = offset - CR < CR_END - CR ? held(compares, field) : BITS;
    if (how != DISTANCE && how != PERHAPS_DOUBLES && how != ANY)
        return false;
    if (store) {
        if (bit == PPC_LT) // all four differ from the state, or none
            store_if_compared(u, field, how);
    } else if (how == ANY) {
        LLVMBuildStore(u->b, LLVMConstInt(u->i32, NOTHING_COMPARED, false), how_variable(u, field));
    } else if (how == DISTANCE) {
        LLVMBuildStore(u->b, LLVMConstInt(u->i64, MARK, false), compared_variable(u, field, 0));
    } else {
        LLVMBuildStore(u->b, LLVMConstReal(u->f64, NAN), double_variable(u, field, 0));
    }
    return true;
}

static void make_bits(struct unit *u, unsigned field, enum held from)
{
    for (unsigned bit = 0; bit < BITS_OF_FIELD; bit++)
        LLVMBuildStore(u->b, bit_value(u, field, bit, from), unit_variable(u, rc_slot_at(CR + 4 * field + bit)));
}

static LLVMValueRef distance(struct unit *u, unsigned field, enum held from)
{
    LLVMValueRef x = compared(u, field, 0, from);
    if (from == DISTANCE)
        return x;
    LLVMValueRef y = compared(u, field, 1, from), first = x;
    bool logical = from == LOGICAL_WORDS || from == LOGICAL_DOUBLEWORDS;
    if (is_double(from)) {
        x = LLVMBuildFCmp(u->b, LLVMRealOGT, first, y, "");
        y = LLVMBuildFCmp(u->b, LLVMRealOLT, first, y, "");
        logical = true;
    } else if (from == DOUBLEWORDS || from == LOGICAL_DOUBLEWORDS) { // no room for a difference
        LLVMValueRef above = LLVMBuildICmp(u->b, predicate(PPC_GT, logical), x, y, "");
        y = LLVMBuildICmp(u->b, predicate(PPC_LT, logical), x, y, "");
        x = above;
        logical = true;
    }
    LLVMOpcode extend = logical ? LLVMZExt : LLVMSExt;
    x = LLVMBuildCast(u->b, extend, x, u->i64, "");
    y = LLVMBuildCast(u->b, extend, y, u->i64, "");
    LLVMValueRef d = LLVMBuildSub(u->b, x, y, "");
    return from == PERHAPS_DOUBLES ? LLVMBuildSelect(u->b, is_marked(u, first), LLVMConstInt(u->i64, MARK, false), d, "") : d;
}

void unit_convert_compares(struct unit *u, uint32_t from, uint32_t to)
{
    for (unsigned field = 0; field < FIELDS; field++) {
        enum held a = held(from, field), b = held(to, field);
        if (a == b)
            continue;
        if (b == BITS)
            make_bits(u, field, a);
        else if (b == DISTANCE && a != BITS && !is_double(a))
            LLVMBuildStore(u->b, distance(u, field, a), compared_variable(u, field, 0));
        else if (b == ANY && a != BITS)
            LLVMBuildStore(u->b, LLVMConstInt(u->i32, a, false), how_variable(u, field));
        else if (b == PERHAPS_DOUBLES && a == DOUBLES)
            continue;
        else
            u->failed = true;
    }
}

bool unit_leaves_compares(const struct rc_insn *i)
{
    unsigned field;
    return compare_of(i, &field) == UNKNOWN && !written_fields(i);
}

void unit_compares_before(struct unit *u, const struct rc_insn *i)
{
    uint32_t at = compares_at(i, u->compares);
    unit_convert_compares(u, u->compares, at);
    u->compares = at;
}

void unit_compares_after(struct unit *u, const struct rc_insn *i)
{
    unsigned field;
    enum held how = compare_of(i, &field);
    if (how == UNKNOWN)
        return;
    u->failed |= held(u->compares, field) != UNKNOWN;
    set_held(&u->compares, field, how);
}

static void define_bits(struct unit *u, unsigned field)
{
    for (unsigned bit = 0; bit < BITS_OF_FIELD; bit++)
        unit_add_event(u, EVENT_DEFINE, rc_slot_at(CR + 4 * field + bit));
    set_held(&u->compares, field, UNKNOWN); // unit_compares_after knows
}

void unit_keep_compare(void *user, uint32_t offset, LLVMValueRef a, LLVMValueRef b)
{
    struct unit *u = user;
    unsigned field = (offset - CR) / 4;
    LLVMBuildStore(u->b, a, compared_variable(u, field, 0));
    LLVMBuildStore(u->b, b, compared_variable(u, field, 1));
    unit_add_event(u, EVENT_USE, rc_slot_at(offsetof(struct ppc_state, xer_so)));
    define_bits(u, field);
}

void unit_keep_double_compare(void *user, uint32_t offset, LLVMValueRef a, LLVMValueRef b)
{
    struct unit *u = user;
    unsigned field = (offset - CR) / 4;
    LLVMBuildStore(u->b, LLVMBuildBitCast(u->b, a, u->f64, ""), double_variable(u, field, 0));
    LLVMBuildStore(u->b, LLVMBuildBitCast(u->b, b, u->f64, ""), double_variable(u, field, 1));
    define_bits(u, field);
}
