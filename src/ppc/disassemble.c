// Text of instructions. The operands column of opcodes.def gives the plain form; the extended mnemonics that assemblers
// know
// ("li", "mr", "beq") are tried first.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ppc/ppc.h"

struct text {
    char *out;
    size_t size, length; // length: what the whole text needs
};

struct context {
    struct text *text;
    uint32_t insn, pc;
    ppc_symbol_function *symbol;
    void *user;
    unsigned operands; // written so far
};

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t left = t->length < t->size ? t->size - t->length : 0;
    int n = vsnprintf(left ? t->out + t->length : NULL, left, format, arguments);
    va_end(arguments);
    t->length += n > 0 ? (size_t)n : 0;
}

static unsigned field(uint32_t insn, unsigned lsb, unsigned width)
{
    return insn >> lsb & ((1u << width) - 1);
}

#define D(insn)   field(insn, 21, 5)
#define A(insn)   field(insn, 16, 5)
#define B(insn)   field(insn, 11, 5)
#define CRF(insn) field(insn, 23, 3)

// ---- Single operands

static void separate(struct context *c)
{
    put(c->text, c->operands++ ? ", " : " ");
}

static void put_register(struct context *c, char file, unsigned number)
{
    separate(c);
    put(c->text, "%c%u", file, number);
}

static void put_cr_field(struct context *c, unsigned number)
{
    separate(c);
    put(c->text, "cr%u", number);
}

static void put_decimal(struct context *c, int value)
{
    separate(c);
    put(c->text, "%d", value);
}

static void put_cr_bit(struct context *c, unsigned bit)
{
    static const char names[4][3] = {"lt", "gt", "eq", "so"};
    separate(c);
    if (bit >= 4)
        put(c->text, "4*cr%u+", bit / 4);
    put(c->text, "%s", names[bit % 4]);
}

static void put_target(struct context *c)
{
    char name[256];
    uint32_t target = ppc_branch_target(c->insn, c->pc);
    separate(c);
    if (c->symbol && c->symbol(c->user, target, name, sizeof name))
        put(c->text, "%s", name);
    else
        put(c->text, "0x%x", target);
}

// ---- Operands by the table: "NAME:direction=lsb:width+lsb:width<<n ..."

static uint32_t operand_value(uint32_t insn, const char *pieces)
{
    uint32_t value = 0;
    for (;;) {
        char *end;
        unsigned lsb = (unsigned)strtoul(pieces, &end, 10), width = (unsigned)strtoul(end + 1, &end, 10), shift = 0;
        if (*end == '<')
            shift = (unsigned)strtoul(end + 2, &end, 10);
        value |= field(insn, lsb, width) << shift;
        if (*end != '+')
            return value;
        pieces = end + 1;
    }
}

static bool named(const char *operand, const char *name)
{
    size_t n = strlen(name);
    return !strncmp(operand, name, n) && operand[n] == ':';
}

static int sign_extended(const struct context *c, const char *operand, uint32_t value)
{
    if (named(operand, "SIMM") && (c->insn >> 26 == 4 || c->insn >> 26 == 6))
        return (int)(value ^ 16) - 16; // vspltis*
    return (int16_t)value;
}

// A register operand by its name: RA, RA0, VD, FB, CRFD, CRBA...
static bool put_named_register(struct context *c, const char *operand, uint32_t value)
{
    if (!strncmp(operand, "CRF", 3))
        put_cr_field(c, value);
    else if (!strncmp(operand, "CRB", 3))
        put_cr_bit(c, value);
    else if (named(operand, "RA0") && !value)
        put_decimal(c, 0);
    else if (strchr("RFV", operand[0]) && strchr("ABCDST", operand[1]) && (operand[2] == ':' || operand[2] == '0'))
        put_register(c, (char)(operand[0] | 0x20), value);
    else
        return false;
    return true;
}

static void put_operands(struct context *c, const char *operands)
{
    bool displaced = false; // behind d: the register goes into parentheses
    for (const char *operand = operands; *operand;) {
        uint32_t value = operand_value(c->insn, strchr(operand, '=') + 1);
        if (displaced)
            put(c->text, named(operand, "RA0") && !value ? "(0)" : "(r%u)", value);
        else if (named(operand, "ADDR"))
            put_target(c);
        else if (named(operand, "CRBD") && (c->insn & 0xFC00003E) == 0xFC00000C) // mtfsb0, mtfsb1: a bit of FPSCR
            put_decimal(c, (int)value);
        else if (named(operand, "NB"))
            put_decimal(c, value ? (int)value : 32);
        else if (named(operand, "SIMM") || named(operand, "d") || named(operand, "ds"))
            put_decimal(c, sign_extended(c, operand, value));
        else if (!put_named_register(c, operand, value))
            put_decimal(c, (int)value);
        displaced = named(operand, "d") || named(operand, "ds");
        operand += strcspn(operand, " ");
        operand += *operand == ' ';
    }
}

// The mnemonic with what the bits Rc, OE, LK and AA add.
static void put_mnemonic(struct text *t, uint32_t insn, const struct ppc_opcode_info *row, const char *mnemonic)
{
    bool vector = insn >> 26 == 4 || insn >> 26 == 6;
    put(t, "%s", mnemonic);
    if (row->kind == PPC_BRANCH || row->kind == PPC_INDIRECT) {
        put(t, "%s%s", insn & 1 ? "l" : "", row->kind == PPC_BRANCH && insn & 2 ? "a" : "");
        return;
    }
    if (!vector && row->variant & insn & 0x400)
        put(t, "o");
    if (vector ? row->variant & insn : row->variant & insn & 1)
        put(t, ".");
}

// ---- Extended mnemonics. Each writes the whole text and returns true, or writes nothing.

static void begin(struct context *c, enum ppc_opcode op, const char *mnemonic)
{
    put_mnemonic(c->text, c->insn, &ppc_opcodes[op], mnemonic);
}

static bool extended_immediate(struct context *c, enum ppc_opcode op)
{
    uint32_t insn = c->insn;
    if ((op == PPC_OP_addi || op == PPC_OP_addis) && !A(insn)) {
        begin(c, op, op == PPC_OP_addi ? "li" : "lis");
        put_register(c, 'r', D(insn));
        put_decimal(c, (int16_t)insn);
        return true;
    }
    if (op == PPC_OP_ori && insn == 0x60000000) {
        begin(c, op, "nop");
        return true;
    }
    return false;
}

// or rN, rN, rN with these numbers sets the thread's priority, or waits some cycles.
static const char *priority_hint(uint32_t insn)
{
    static const struct {
        uint8_t number;
        const char *name;
    } hints[] = {{1, "cctpl"},    {2, "cctpm"},    {3, "cctph"},   {28, "db8cyc"},
                 {29, "db10cyc"}, {30, "db12cyc"}, {31, "db16cyc"}};
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if ((insn & 0x03FFF801) == hints[i].number * 0x00210800u)
            return hints[i].name;
    return NULL;
}

// Two-source forms with equal sources.
static bool extended_copy(struct context *c, enum ppc_opcode op)
{
    uint32_t insn = c->insn;
    if ((op == PPC_OP_orx || op == PPC_OP_norx) && D(insn) == B(insn)) {
        const char *hint = op == PPC_OP_orx ? priority_hint(insn) : NULL;
        begin(c, op, hint ? hint : op == PPC_OP_orx ? "mr" : "not");
        if (!hint) {
            put_register(c, 'r', A(insn));
            put_register(c, 'r', D(insn));
        }
        return true;
    }
    if ((op == PPC_OP_vor || op == PPC_OP_vnor) && A(insn) == B(insn)) {
        begin(c, op, op == PPC_OP_vor ? "vmr" : "vnot");
        put_register(c, 'v', D(insn));
        put_register(c, 'v', A(insn));
        return true;
    }
    if (op == PPC_OP_subfx || op == PPC_OP_subfcx) {
        begin(c, op, op == PPC_OP_subfx ? "sub" : "subc");
        put_register(c, 'r', D(insn));
        put_register(c, 'r', B(insn));
        put_register(c, 'r', A(insn));
        return true;
    }
    return false;
}

static bool extended_compare(struct context *c, enum ppc_opcode op)
{
    static const char names[4][2][8] = {{"cmpw", "cmpd"}, {"cmpwi", "cmpdi"}, {"cmplw", "cmpld"}, {"cmplwi", "cmpldi"}};
    static const enum ppc_opcode ops[4] = {PPC_OP_cmp, PPC_OP_cmpi, PPC_OP_cmpl, PPC_OP_cmpli};
    uint32_t insn = c->insn;
    unsigned i = 0;
    while (i < 4 && ops[i] != op)
        i++;
    if (i == 4 || insn & 1u << 22)
        return false;
    begin(c, op, names[i][insn >> 21 & 1]);
    if (CRF(insn))
        put_cr_field(c, CRF(insn));
    put_register(c, 'r', A(insn));
    if (op == PPC_OP_cmpi || op == PPC_OP_cmpli)
        put_decimal(c, op == PPC_OP_cmpi ? (int16_t)insn : (int)(insn & 0xFFFF));
    else
        put_register(c, 'r', B(insn));
    return true;
}

static bool put_shift(struct context *c, enum ppc_opcode op, const char *name, unsigned count)
{
    begin(c, op, name);
    put_register(c, 'r', A(c->insn));
    put_register(c, 'r', D(c->insn));
    put_decimal(c, (int)count);
    return true;
}

static bool extended_word_rotate(struct context *c, enum ppc_opcode op)
{
    uint32_t insn = c->insn;
    unsigned sh = B(insn), mb = field(insn, 6, 5), me = field(insn, 1, 5);
    if (op == PPC_OP_rlwnmx && mb == 0 && me == 31) {
        begin(c, op, "rotlw");
        put_register(c, 'r', A(insn));
        put_register(c, 'r', D(insn));
        put_register(c, 'r', B(insn));
        return true;
    }
    if (op != PPC_OP_rlwinmx)
        return false;
    if (mb == 0 && me == 31)
        return put_shift(c, op, "rotlwi", sh);
    if (sh == 0 && me == 31)
        return put_shift(c, op, "clrlwi", mb);
    if (sh == 0 && mb == 0)
        return put_shift(c, op, "clrrwi", 31 - me);
    if (mb == 0 && me == 31 - sh)
        return put_shift(c, op, "slwi", sh);
    if (me == 31 && sh == 32 - mb)
        return put_shift(c, op, "srwi", mb);
    return false;
}

static bool extended_double_rotate(struct context *c, enum ppc_opcode op)
{
    uint32_t insn = c->insn;
    unsigned sh = B(insn) | (insn >> 1 & 1) << 5, m = field(insn, 6, 5) | (insn >> 5 & 1) << 5;
    if (op == PPC_OP_rldclx && m == 0) {
        begin(c, op, "rotld");
        put_register(c, 'r', A(insn));
        put_register(c, 'r', D(insn));
        put_register(c, 'r', B(insn));
        return true;
    }
    if (op == PPC_OP_rldiclx) {
        if (m == 0)
            return put_shift(c, op, "rotldi", sh);
        if (sh == 0)
            return put_shift(c, op, "clrldi", m);
        if (sh == 64 - m)
            return put_shift(c, op, "srdi", m);
    }
    if (op == PPC_OP_rldicrx) {
        if (sh == 0)
            return put_shift(c, op, "clrrdi", 63 - m);
        if (m == 63 - sh)
            return put_shift(c, op, "sldi", sh);
    }
    return false;
}

static bool extended_cr(struct context *c, enum ppc_opcode op)
{
    uint32_t insn = c->insn;
    const char *name = NULL;
    bool source = A(insn) == B(insn), same = source && D(insn) == A(insn);
    if (op == PPC_OP_crxor && same)
        name = "crclr";
    else if (op == PPC_OP_creqv && same)
        name = "crset";
    else if (op == PPC_OP_cror && source)
        name = "crmove";
    else if (op == PPC_OP_crnor && source)
        name = "crnot";
    if (!name)
        return false;
    begin(c, op, name);
    put_cr_bit(c, D(insn));
    if (op == PPC_OP_cror || op == PPC_OP_crnor)
        put_cr_bit(c, A(insn));
    return true;
}

static bool extended_special(struct context *c, enum ppc_opcode op)
{
    static const struct {
        uint16_t number;
        const char *name;
    } registers[] = {{1, "xer"}, {8, "lr"}, {9, "ctr"}, {256, "vrsave"}, {287, "pvr"}};
    uint32_t insn = c->insn;
    unsigned number = A(insn) | B(insn) << 5;
    if (op == PPC_OP_mftb && (number == 268 || number == 269)) {
        begin(c, op, number == 268 ? "mftb" : "mftbu");
        put_register(c, 'r', D(insn));
        return true;
    }
    if (op == PPC_OP_mfspr || op == PPC_OP_mtspr)
        for (size_t i = 0; i < sizeof registers / sizeof *registers; i++)
            if (registers[i].number == number) {
                put(c->text, "%s%s", op == PPC_OP_mfspr ? "mf" : "mt", registers[i].name);
                put_register(c, 'r', D(insn));
                return true;
            }
    if (op == PPC_OP_mtcrf && field(insn, 12, 8) == 0xFF && !(insn & 1u << 20)) {
        begin(c, op, "mtcr");
        put_register(c, 'r', D(insn));
        return true;
    }
    if ((op == PPC_OP_mtcrf || op == PPC_OP_mfcr) && insn & 1u << 20) {
        begin(c, op, op == PPC_OP_mtcrf ? "mtocrf" : "mfocrf");
        if (op == PPC_OP_mfcr)
            put_register(c, 'r', D(insn));
        put_decimal(c, (int)field(insn, 12, 8));
        if (op == PPC_OP_mtcrf)
            put_register(c, 'r', D(insn));
        return true;
    }
    if (op == PPC_OP_sync && field(insn, 21, 2) && field(insn, 21, 2) < 3) {
        begin(c, op, field(insn, 21, 2) == 1 ? "lwsync" : "ptesync");
        return true;
    }
    return false;
}

static bool extended_trap(struct context *c, enum ppc_opcode op)
{
    static const char *const conditions[32] = {
        [1] = "lgt", [2] = "llt", [4] = "eq",  [5] = "lge", [6] = "lle", [8] = "gt",
        [12] = "ge", [16] = "lt", [20] = "le", [24] = "ne", [31] = "u"};
    uint32_t insn = c->insn;
    bool immediate = op == PPC_OP_twi || op == PPC_OP_tdi, word = op == PPC_OP_tw || op == PPC_OP_twi;
    if (!immediate && op != PPC_OP_tw && op != PPC_OP_td)
        return false;
    if (op == PPC_OP_tw && D(insn) == 31 && !A(insn) && !B(insn)) {
        put(c->text, "trap");
        return true;
    }
    if (!conditions[D(insn)])
        return false;
    put(c->text, "%s%s%s", word ? "tw" : "td", conditions[D(insn)], immediate ? "i" : "");
    put_register(c, 'r', A(insn));
    if (immediate)
        put_decimal(c, (int16_t)insn);
    else
        put_register(c, 'r', B(insn));
    return true;
}

// What BO and BI say, in words.
struct branch_words {
    const char *name; // "beq", "bdnz"...
    const char *hint; // "", "+", "-"
    bool condition_field, condition_bit;
};

// Hint bits "at": a says that there is a hint, t that the branch is likely.
static const char *branch_hint(unsigned a, unsigned t)
{
    return a ? t ? "+" : "-" : t ? NULL : "";
}

static bool branch_words(uint32_t insn, struct branch_words *w)
{
    static const char conditions[2][4][4] = {{"bge", "ble", "bne", "bns"}, {"blt", "bgt", "beq", "bso"}};
    static const char counted[2][3][6] = {{"bdnzf", "bdnzt", "bdnz"}, {"bdzf", "bdzt", "bdz"}};
    unsigned bo = D(insn), bi = A(insn);
    *w = (struct branch_words){0};
    if ((bo & 20) == 20) { // always
        w->name = "b";
        w->hint = "";
        return bo == 20 && bi == 0;
    }
    if (bo & 4) { // a condition
        w->name = conditions[bo >> 3 & 1][bi % 4];
        w->hint = branch_hint(bo & 2, bo & 1);
        w->condition_field = bi >= 4;
        return w->hint;
    }
    if (bo & 16) { // the counter
        w->name = counted[bo >> 1 & 1][2];
        w->hint = branch_hint(bo & 8, bo & 1);
        return w->hint && bi == 0;
    }
    w->name = counted[bo >> 1 & 1][bo >> 3 & 1];
    w->hint = "";
    w->condition_bit = true;
    return !(bo & 1);
}

static bool extended_branch(struct context *c, enum ppc_opcode op)
{
    struct branch_words w;
    uint32_t insn = c->insn;
    bool direct = op == PPC_OP_bcx;
    if ((!direct && op != PPC_OP_bclrx && op != PPC_OP_bcctrx) || !branch_words(insn, &w))
        return false;
    if (direct ? (D(insn) & 20) == 20 : insn & 0xF800)
        return false;
    if (op == PPC_OP_bcctrx && !(D(insn) & 4))
        return false;
    put(c->text, "%s%s%s%s%s", w.name,
        direct               ? ""
        : op == PPC_OP_bclrx ? "lr"
                             : "ctr",
        insn & 1 ? "l" : "", direct && insn & 2 ? "a" : "", w.hint);
    if (w.condition_field)
        put_cr_field(c, A(insn) / 4);
    if (w.condition_bit)
        put_cr_bit(c, A(insn));
    if (direct)
        put_target(c);
    return true;
}

static bool extended(struct context *c, enum ppc_opcode op)
{
    static bool (*const all[])(struct context *, enum ppc_opcode) = {
        extended_immediate, extended_copy,    extended_compare, extended_word_rotate, extended_double_rotate,
        extended_cr,        extended_special, extended_trap,    extended_branch,
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i](c, op))
            return true;
    return false;
}

size_t ppc_disassemble(uint32_t insn, uint32_t pc, ppc_symbol_function *symbol, void *user, char *out, size_t size)
{
    struct text text = {out, size, 0};
    struct context c = {&text, insn, pc, symbol, user, 0};
    enum ppc_opcode op = ppc_decode(insn);
    if (size)
        *out = 0;
    if (op == PPC_OP_INVALID)
        put(&text, ".long 0x%08x", insn);
    else if (!extended(&c, op)) {
        put_mnemonic(&text, insn, &ppc_opcodes[op], ppc_opcodes[op].text);
        put_operands(&c, ppc_opcodes[op].operands);
    }
    return text.length;
}
