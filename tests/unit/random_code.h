// random_code.h: guest code made from a seed: short sequences of any instructions, and small loops as compilers make them.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ppc/ppc.h"

enum { MOST_WORDS = 120, BLR = 0x4E800020 };

struct random {
    uint64_t state;
};

static uint64_t next(struct random *r) // xorshift64*
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * 0x2545F4914F6CDD1D;
}

static uint32_t below(struct random *r, uint32_t limit)
{
    return (uint32_t)((next(r) >> 33) % limit);
}

struct sequence {
    uint64_t seed;
    gva at;
    uint32_t count, words[MOST_WORDS];
    uint32_t leaf;  // a function that the rest calls: its first word; 0: none
    bool is_loop;   // made by make_loops
    bool loops;     // goes back anywhere
};

static void add_word(struct sequence *q, uint32_t word)
{
    if (q->count < MOST_WORDS)
        q->words[q->count++] = word;
}

// ---- Sequences

static bool is_of(uint32_t word, const struct ppc_opcode_info *o)
{
    return ppc_decode(word) != PPC_OP_INVALID && &ppc_opcodes[ppc_decode(word)] == o;
}

// Any instruction, its fields random, or none at all. Memory is reached through r1 and r2 with small displacements, mostly.
static uint32_t random_insn(struct random *r, uint32_t index, uint32_t count)
{
    if (!below(r, 60))
        return 0;
    for (;;) {
        const struct ppc_opcode_info *o = &ppc_opcodes[below(r, PPC_OPCODE_COUNT)];
        uint32_t word = o->value | ((uint32_t)next(r) & ~o->mask);
        if (!is_of(word, o))
            continue;
        if (o->kind == PPC_INDIRECT || ppc_decode(word) == PPC_OP_sc || ppc_decode(word) == PPC_OP_icbi)
            continue;
        if (o->kind == PPC_BRANCH) { // within the sequence
            int32_t distance = (int32_t)below(r, count + 1) - (int32_t)index;
            if (word >> 26 == 16)
                return (word & 0xFFFF0001) | ((uint32_t)(4 * distance) & 0xFFFC);
            return 0x48000000 | ((uint32_t)(4 * distance) & 0x03FFFFFC) | (word & 1);
        }
        if (o->kind == PPC_MEMORY) {
            word = (word & ~(31u << 16)) | (1 + below(r, 2)) << 16;
            if (word >> 26 >= 32)
                word &= 0xFFFF0FFF;
        }
        return word;
    }
}

static void make_straight(struct random *r, struct sequence *q)
{
    enum { MOST = 40, FEW = 10 }; // few: of most sequences
    uint32_t count = 1 + below(r, below(r, 4) ? FEW : MOST);
    for (uint32_t i = 0; i < count; i++) {
        add_word(q, random_insn(r, i, count));
        uint32_t primary = q->words[i] >> 26;
        q->loops |= (primary == 16 || primary == 18) && ppc_branch_target(q->words[i], 4 * i) <= 4 * i;
    }
    add_word(q, BLR);
}

// ---- Loops: few registers, so that instructions meet: r3 to r8, f0 to f5, v0 to v7, CR fields 0, 1, 6 and 7. Memory is reached through r1
// and r2, with r9 and r10 as indices; r11 and r12 count.

static uint32_t cr_field(uint32_t n)
{
    static const uint8_t fields[] = {0, 1, 6, 7};
    return fields[n % 4];
}

static uint32_t few(const char *name, bool memory, uint32_t value)
{
    switch (name[0]) {
    case 'R':
        return memory && name[1] == 'A' ? 1 + value % 2 : memory && name[1] == 'B' ? 9 + value % 2 : 3 + value % 6;
    case 'F':
        return name[1] == 'M' ? value : value % 6;
    case 'V':
        return value % 8;
    case 'C': // CRBD and its like, CRM, CRFD
        return name[2] == 'B' ? 4 * cr_field(value >> 2) + value % 4 : name[2] == 'M' ? value : cr_field(value);
    default:
        return value;
    }
}

// The word with its operands (see opcodes.def) among those few.
static uint32_t narrow(uint32_t word, const struct ppc_opcode_info *o)
{
    for (const char *name = o->operands; *name;) {
        char *at = strchr(name, '=');
        uint32_t lsb = (uint32_t)strtoul(at + 1, &at, 10), width = (uint32_t)strtoul(at + 1, &at, 10), mask = (1u << width) - 1;
        word = (word & ~(mask << lsb)) | (few(name, o->kind == PPC_MEMORY, word >> lsb & mask) & mask) << lsb;
        while (*at == '+' || *at == '<') { // the register's other bits
            if (*at == '+' && name[0] == 'V') {
                lsb = (uint32_t)strtoul(at + 1, &at, 10);
                width = (uint32_t)strtoul(at + 1, &at, 10);
                word &= ~(((1u << width) - 1) << lsb);
            } else {
                at += strcspn(at + 1, " +<") + 1;
            }
        }
        name = at + strspn(at, " ");
    }
    return word;
}

enum group { INTEGER, COMPARE, CONDITION, SINGLE, DOUBLE, MEMORY, FLOAT_MEMORY, VECTOR, MODE, OTHER };

static enum group group_of(uint32_t word, const struct ppc_opcode_info *o)
{
    uint32_t primary = word >> 26;
    switch (ppc_decode(word)) {
    case PPC_OP_cmp: case PPC_OP_cmpi: case PPC_OP_cmpl: case PPC_OP_cmpli: case PPC_OP_fcmpu: case PPC_OP_fcmpo:
        return COMPARE;
    case PPC_OP_mfcr: case PPC_OP_mtcrf: case PPC_OP_mcrxr:
        return CONDITION;
    case PPC_OP_mtfsb0x: case PPC_OP_mtfsb1x: case PPC_OP_mtfsfix: case PPC_OP_mtfsfx: case PPC_OP_mcrfs: // a loop with one of them has no fast form
    case PPC_OP_mtmsr: case PPC_OP_mtvscr:
        return MODE;
    default:
        break;
    }
    if (o->kind == PPC_MEMORY)
        return primary >= 48 && primary < 56 ? FLOAT_MEMORY : MEMORY;
    if (o->kind != PPC_PLAIN)
        return OTHER;
    return primary == 19 ? CONDITION : primary == 59 ? SINGLE : primary == 63 ? DOUBLE : primary >= 4 && primary <= 6 ? VECTOR : INTEGER;
}

static uint32_t insn_of(struct random *r, enum group group)
{
    for (;;) {
        const struct ppc_opcode_info *o = &ppc_opcodes[below(r, PPC_OPCODE_COUNT)];
        uint32_t word = o->value | ((uint32_t)next(r) & ~o->mask);
        if (!is_of(word, o) || group_of(word, o) != group)
            continue;
        word = narrow(word, o);
        if (group == FLOAT_MEMORY || (group == MEMORY && word >> 26 >= 32))
            word &= below(r, 2) ? 0xFFFF003F : 0xFFFF0FFF;
        else if (o->variant & 1 && below(r, 2)) // fewer record forms
            word &= ~1u;
        if (is_of(word, o))
            return word;
    }
}

// XER, LR, CTR and the time, from and to r3 to r8.
static uint32_t move_of_special(struct random *r)
{
    static const uint32_t moves[] = {0x7C0102A6 /* mfxer */, 0x7C0103A6 /* mtxer */, 0x7C0103A6, 0x7C0802A6 /* mflr */, 0x7C0902A6 /* mfctr */, 0x7C0C42E6 /* mftb */};
    return moves[below(r, sizeof moves / sizeof *moves)] | (3 + below(r, 6)) << 21;
}

static uint32_t step_of_pointer(struct random *r)
{
    static const int16_t steps[] = {4, 8, 16, -8, 256, 1024};
    uint32_t reg = 1 + below(r, 2);
    return 0x38000000 | reg << 21 | reg << 16 | (uint16_t)steps[below(r, 6)]; // addi
}

// bc: usually on a bit, sometimes on CTR.
static uint32_t branch(struct random *r, int32_t words)
{
    static const uint8_t forms[] = {4, 12, 4, 12, 4, 12, 16, 18, 0, 8};
    return 0x40000000 | (uint32_t)forms[below(r, sizeof forms)] << 21 | (4 * cr_field(below(r, 4)) + below(r, 4)) << 16 | ((uint32_t)(4 * words) & 0xFFFC);
}

enum { PALETTE = 5, MOST_CALLS = 8 };

struct maker {
    struct random *r;
    struct sequence *q;
    enum group palette[PALETTE]; // what most instructions of this sequence are
    uint32_t calls[MOST_CALLS], call_count; // places of bl, where there may be any
    bool may_call;
};

static enum group random_group(struct random *r)
{
    static const uint8_t groups[] = {INTEGER, INTEGER, INTEGER, INTEGER, COMPARE, COMPARE, CONDITION, SINGLE, SINGLE, DOUBLE, DOUBLE, MEMORY, MEMORY,
                                     FLOAT_MEMORY, FLOAT_MEMORY, VECTOR};
    return below(r, 40) ? (enum group)groups[below(r, sizeof groups)] : MODE;
}

static uint32_t loop_insn(const struct maker *m)
{
    uint32_t n = below(m->r, 100);
    if (n < 4)
        return step_of_pointer(m->r);
    if (n < 7)
        return move_of_special(m->r);
    return n == 7 ? random_insn(m->r, 0, 1) : insn_of(m->r, n < 18 ? random_group(m->r) : m->palette[below(m->r, PALETTE)]);
}

static void aim(struct sequence *q, uint32_t at, uint32_t target)
{
    uint32_t mask = q->words[at] >> 26 == 18 ? 0x03FFFFFC : 0xFFFC;
    q->words[at] = (q->words[at] & ~mask) | (4 * (target - at) & mask);
}

static void make_loop(struct maker *m, uint32_t depth);

// `n` instructions; some are skipped by branches ahead, some branches go back to `head`.
static void make_body(struct maker *m, uint32_t n, uint32_t head, uint32_t depth)
{
    struct random *r = m->r;
    struct sequence *q = m->q;
    uint32_t skip = 0, left = 0; // a branch over as many more
    for (uint32_t i = 0; i < n && q->count < MOST_WORDS - 30; i++) {
        uint32_t kind = below(r, 40);
        if (kind < 5 && !left) {
            skip = q->count;
            left = 2 + below(r, 4);
            add_word(q, branch(r, 0));
        } else if (kind == 5) {
            add_word(q, branch(r, (int32_t)head - (int32_t)q->count));
        } else if (kind == 6 && below(r, 2)) {
            add_word(q, 0x4C000020 | (branch(r, 0) & 0x03FF0000)); // bclr
        } else if (kind < 9 && depth < 2) {
            make_loop(m, depth + 1);
        } else if (kind < 12 && m->may_call && m->call_count < MOST_CALLS) {
            m->calls[m->call_count++] = q->count;
            add_word(q, 0x48000001); // bl
        } else {
            add_word(q, loop_insn(m));
        }
        if (left && !--left)
            aim(q, skip, q->count);
    }
    if (left)
        aim(q, skip, q->count);
}

// How often: CTR, a counter compared with 0 or by a record form, a sum compared with another, or whatever a compare says.
static void close_loop(struct maker *m, uint32_t kind, uint32_t head)
{
    static const uint32_t counts[] = {0x398CFFFF /* addi r12, r12, -1 */, 0x358CFFFF /* addic. r12, r12, -1 */, 0x38630001 /* addi r3, r3, 1 */};
    struct sequence *q = m->q;
    uint32_t field = cr_field(below(m->r, 4)), bit = 4 * field + 1, word = 0x41800000; // bgt of that field
    switch (kind) {
    case 0:
        add_word(q, counts[0]);
        add_word(q, 0x2C0C0000 | field << 23); // cmpwi r12, 0
        break;
    case 1:
        add_word(q, counts[1]);
        word = 0x40800000; // bne
        bit = 2;
        break;
    case 2:
        add_word(q, counts[2]);
        add_word(q, 0x7C032040 | field << 23); // cmplw r3, r4
        bit = 4 * field; // blt
        break;
    case 3:
        add_word(q, insn_of(m->r, COMPARE));
        word = branch(m->r, 0) & 0xFFE00000;
        bit = 4 * (q->words[q->count - 1] >> 23 & 7) + below(m->r, 4);
        break;
    default:
        word = 0x42000000; // bdnz
    }
    add_word(q, word | bit << 16);
    aim(q, q->count - 1, head);
}

static void make_loop(struct maker *m, uint32_t depth)
{
    uint32_t kind = below(m->r, 8);
    if (kind > 3 && depth)
        add_word(m->q, 0x7D6903A6); // mtctr r11
    if (kind < 2 && depth)
        add_word(m->q, 0x39800000 | (1 + below(m->r, 4))); // li r12
    uint32_t head = m->q->count;
    make_body(m, 2 + below(m->r, depth ? 5 : 19), head, depth);
    close_loop(m, kind, head);
}

static void make_leaf(struct maker *m)
{
    m->q->leaf = m->q->count;
    for (uint32_t n = 1 + below(m->r, 4); n; n--)
        add_word(m->q, loop_insn(m));
    add_word(m->q, BLR);
    for (uint32_t i = 0; i < m->call_count; i++)
        aim(m->q, m->calls[i], m->q->leaf);
}

// What comes before a loop, one or two loops, what comes behind, and a function that they may call.
static void make_loops(struct random *r, struct sequence *q)
{
    struct maker m = {.r = r, .q = q, .may_call = !below(r, 4)};
    q->is_loop = q->loops = true;
    for (int i = 0; i < PALETTE; i++)
        m.palette[i] = random_group(r);
    if (m.may_call)
        add_word(q, 0x7DA802A6); // mflr r13
    make_body(&m, below(r, 4), 0, 2);
    make_loop(&m, 0);
    if (!below(r, 4))
        make_loop(&m, 0);
    make_body(&m, below(r, 9), 0, 2);
    if (m.may_call)
        add_word(q, 0x7DA803A6); // mtlr r13
    add_word(q, BLR);
    if (m.call_count)
        make_leaf(&m);
}

// A third are loops.
static void make_code(struct random *r, struct sequence *q)
{
    r->state = q->seed * 0x9E3779B97F4A7C15 + 1;
    if (q->seed % 3)
        make_straight(r, q);
    else
        make_loops(r, q);
}
