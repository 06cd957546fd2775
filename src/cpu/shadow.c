#include "cpu/shadow.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/engine.h"

enum {
    LINE = CPU_LINE_BYTES,
    MOST_LINES = 4096,
    SLOTS = 4 * MOST_LINES,
    MOST_INSNS = 100000, // of a piece
};

struct shadow {
    struct cpu *compiled, *plain; // the second is ours
    struct engine_page page;      // of the second
    cpu_difference_function *report;
    void *user;
    struct cpu_shadow_stats stats;
    bool differed;
    struct cpu_line *lines;
    uint32_t line_count;
    struct {
        uint32_t piece, line; // valid where `piece` is the current one
    } slots[SLOTS];
    uint32_t piece;
    uint32_t low, high; // instructions of the piece
    uint64_t random;
};

bool cpu_set_shadow(struct cpu *cpu, cpu_difference_function *report, void *user, struct error *err)
{
    if (!cpu->compiled)
        return error_set(err, ERR_STATE, "there is no tier that could be compared with the interpreter");
    struct shadow *h = calloc(1, sizeof *h);
    if (h)
        h->lines = calloc(MOST_LINES, sizeof *h->lines);
    if (!h || !h->lines) {
        free(h);
        return error_set(err, ERR_MEMORY, "no memory for running both engines");
    }
    struct engine_page page = *engine_page(cpu->memory);
    bool ok = cpu_create(&h->plain, cpu->mem, err);
    h->page = *engine_page(cpu->memory);
    *engine_page(cpu->memory) = page;
    if (!ok) {
        shadow_destroy(h);
        return false;
    }
    h->compiled = cpu;
    h->report = report;
    h->user = user;
    h->random = 1;
    h->plain->twin = cpu;
    cpu->twin = h->plain;
    cpu->shadow = h;
    return true;
}

void shadow_destroy(struct shadow *h)
{
    if (!h)
        return;
    cpu_destroy(h->plain);
    free(h->lines);
    free(h);
}

void cpu_shadow_stats(const struct cpu *cpu, struct cpu_shadow_stats *out)
{
    *out = cpu->shadow ? cpu->shadow->stats : (struct cpu_shadow_stats){0};
}

// ---- What a piece may change

// False: too many.
static bool keep_line(struct shadow *h, gva address)
{
    address &= ~(gva)(LINE - 1);
    uint32_t i = (address / LINE * 2654435761u) % SLOTS;
    for (; h->slots[i].piece == h->piece; i = (i + 1) % SLOTS)
        if (h->lines[h->slots[i].line].address == address)
            return true;
    const void *bytes = mem_at(h->plain->mem, address, LINE, MEM_READ);
    if (!bytes) // the access will say so
        return true;
    if (h->line_count == MOST_LINES)
        return false;
    h->slots[i].piece = h->piece;
    h->slots[i].line = h->line_count;
    struct cpu_line *l = &h->lines[h->line_count++];
    l->address = address;
    memcpy(l->before, bytes, LINE);
    return true;
}

static bool is_device(gva address)
{
    const struct mem_region *r = mem_region_of(address);
    return r && r->kind == MEM_KIND_MMIO;
}

// The longest accesses have 128 bytes (dcbz128 aligned, stmw not).
static bool keep_at(struct shadow *h, gva address)
{
    return !is_device(address) && !is_device(address + LINE - 1) && keep_line(h, address) && keep_line(h, address + LINE - 1);
}

// Wherever the instruction may access memory, whatever its opcode: all encodings have their base and index in the same places.
// False: it may be a device.
static bool keep_access(struct shadow *h, const struct ppc_state *s, uint32_t word)
{
    uint32_t ra = word >> 16 & 31, rb = word >> 11 & 31, base = ra ? (uint32_t)s->gpr[ra] : 0;
    uint32_t primary = word >> 26;
    if (primary != 31 && primary != 4)
        return keep_at(h, base + (uint32_t)(int16_t)word) && keep_at(h, base + ((uint32_t)(int16_t)word & ~3u));
    return keep_at(h, base + (uint32_t)s->gpr[rb]) && keep_at(h, base); // the second: string instructions
}

static void roll_back(struct shadow *h)
{
    for (uint32_t i = h->line_count; i > 0; i--) {
        struct cpu_line *l = &h->lines[i - 1];
        const void *now = mem_at(h->plain->mem, l->address, LINE, MEM_READ);
        if (now && memcmp(now, l->before, LINE) != 0)
            mem_write(h->plain->mem, l->address, l->before, LINE);
    }
}

// ---- Instruction by instruction

enum step { STEP_ON, STEP_END, STEP_DEVICE };

static bool branch(struct shadow *h, struct ppc_state *s, enum ppc_opcode op, uint32_t word)
{
    cpu_branch_function *f = cpu_branches[op];
    if (ppc_opcodes[op].kind == PPC_BRANCH)
        s->target = ppc_branch_target(word, s->pc);
    return f(s, h->plain->memory, word, s->pc);
}

static enum step step(struct shadow *h, struct ppc_state *s)
{
    uint32_t word, pc = s->pc;
    if (!mem_get32(h->plain->mem, pc, &word))
        return STEP_END;
    enum ppc_opcode op = ppc_decode(word);
    if (op == PPC_OP_INVALID)
        return STEP_END;
    h->low = pc < h->low ? pc : h->low;
    h->high = pc > h->high ? pc : h->high;
    enum ppc_kind kind = ppc_opcodes[op].kind;
    if (kind == PPC_MEMORY && !keep_access(h, s, word))
        return STEP_DEVICE;
    uint32_t next = pc + 4;
    bool safepoint = false;
    if (kind == PPC_BRANCH || kind == PPC_INDIRECT) {
        if (branch(h, s, op, word)) {
            next = kind == PPC_BRANCH ? ppc_branch_target(word, pc) : s->target;
            safepoint = word & 1 || next <= pc;
        }
    } else {
        ((cpu_handler_function *)cpu_handlers[op])(s, h->plain->memory, word, pc);
        if (kind == PPC_EXIT && s->exit && s->exit != PPC_EXIT_ICACHE)
            return STEP_END;
        s->exit = PPC_EXIT_NONE;
    }
    s->pc = s->block_pc = next;
    s->cycles++;
    return safepoint && s->cycles >= s->slice_end ? STEP_END : STEP_ON;
}

// Runs the piece on a copy of the state and takes back what it did. False: it cannot be compared.
static bool explore(struct shadow *h, const struct ppc_state *start)
{
    struct ppc_state s = *start;
    struct mem_scope scope;
    volatile enum step how = STEP_END;
    h->piece++;
    h->line_count = 0;
    h->low = UINT32_MAX;
    h->high = 0;
    mem_scope_enter(&scope, h->plain->mem);
    if (sigsetjmp(scope.env, 0) == 0) {
        uint32_t count = 0;
        while ((how = step(h, &s)) == STEP_ON)
            if (++count == MOST_INSNS) {
                how = STEP_DEVICE;
                break;
            }
    } else {
        how = STEP_END; // a fault: the engines find it too
    }
    mem_scope_leave(&scope);
    roll_back(h);
    return how == STEP_END;
}

// ---- Comparing

static enum ppc_exit run_compiled(struct shadow *h, struct ppc_state *s)
{
    return cpu_run_engine(h->compiled, s);
}

// What lies below guest address 0 is the compiled engine's at all other times.
static enum ppc_exit run_plain(struct shadow *h, struct ppc_state *s)
{
    struct engine_page *page = engine_page(h->plain->memory), other = *page;
    *page = h->page;
    enum ppc_exit why = cpu_run_engine(h->plain, s);
    *page = other;
    return why;
}

static void take_lines(struct shadow *h, bool interpreter)
{
    for (uint32_t i = 0; i < h->line_count; i++) {
        struct cpu_line *l = &h->lines[i];
        uint8_t *to = interpreter ? l->interpreter : l->compiled;
        if (!mem_read(h->plain->mem, l->address, to, LINE))
            memcpy(to, l->before, LINE);
    }
}

static const char *difference(const struct shadow *h, const struct ppc_state *interpreter, const struct ppc_state *compiled)
{
    struct ppc_state a = *interpreter, b = *compiled;
    if (a.exit != b.exit)
        return "the reason to stop";
    if (a.pc != b.pc)
        return "pc";
    if (a.cycles != b.cycles)
        return "time";
    for (uint32_t i = 0; i < h->line_count; i++)
        if (memcmp(h->lines[i].interpreter, h->lines[i].compiled, LINE) != 0)
            return "memory";
    if (a.exit == PPC_EXIT_FAULT) // the other registers: docs/recompiler.md
        return a.fault_address != b.fault_address || a.fault_write != b.fault_write ? "the address of a fault" : NULL;
    ppc_fpscr(&a);
    ppc_fpscr(&b);
    a.target = b.target = 0;
    return memcmp(&a, &b, sizeof a) != 0 ? "registers" : NULL;
}

static void tell(struct shadow *h, const char *what, const struct ppc_state *before, const struct ppc_state *interpreter,
                 const struct ppc_state *compiled)
{
    struct cpu_difference d = {
        .what = what, .before = before, .interpreter = interpreter, .compiled = compiled, .mem = h->plain->mem,
        .low = h->low, .high = h->high, .lines = h->lines, .line_count = h->line_count,
    };
    h->differed = true;
    h->stats.differences++;
    h->report(h->user, &d);
}

// Leaves what the interpreter made of the piece.
static void settle_memory(struct shadow *h)
{
    for (uint32_t i = 0; i < h->line_count; i++)
        if (memcmp(h->lines[i].interpreter, h->lines[i].compiled, LINE) != 0)
            mem_write(h->plain->mem, h->lines[i].address, h->lines[i].interpreter, LINE);
}

static enum ppc_exit run_both(struct shadow *h, struct ppc_state *s)
{
    struct ppc_state a = *s, b = *s;
    run_plain(h, &a);
    take_lines(h, true);
    roll_back(h);
    run_compiled(h, &b);
    take_lines(h, false);
    const char *what = difference(h, &a, &b);
    h->stats.pieces++;
    h->stats.instructions += a.cycles - s->cycles;
    if (what) {
        tell(h, what, s, &a, &b);
        settle_memory(h);
    }
    *s = a;
    return (enum ppc_exit)a.exit;
}

// Pieces of many lengths: short ones find the place, long ones run loops.
static uint64_t next_length(struct shadow *h)
{
    h->random ^= h->random << 13;
    h->random ^= h->random >> 7;
    h->random ^= h->random << 17;
    return 1ull << (h->random % 10);
}

static enum ppc_exit run_piece(struct shadow *h, struct ppc_state *s, uint64_t slice_end)
{
    uint64_t end = s->cycles + next_length(h);
    s->slice_end = end < slice_end ? end : slice_end;
    if (!h->differed && explore(h, s)) {
        enum ppc_exit why = run_both(h, s);
        s->slice_end = slice_end;
        return why;
    }
    uint64_t before = s->cycles;
    s->slice_end = slice_end;
    enum ppc_exit why = run_plain(h, s); // a device may ask to stop
    h->stats.alone += s->cycles - before;
    return why;
}

enum ppc_exit shadow_run(struct shadow *h, struct ppc_state *s)
{
    for (;;) {
        uint64_t slice_end = s->slice_end;
        enum ppc_exit why = run_piece(h, s, slice_end);
        if (why != PPC_EXIT_SLICE || s->cycles >= s->slice_end)
            return why;
        s->exit = PPC_EXIT_NONE;
    }
}
