// The interpreter: threaded code over a mirror of the guest address space.
//
// Every guest instruction at address A has a cell at cells + A / 4, made on first execution: the distance of its handler
// from the decoding handler, and the instruction word. Zero, the state of memory never touched, is the decoding handler
// itself. The mirror is reserved at a multiple of 8 GiB, so a cell's address tells its guest address by a shift.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/engine.h"
#include "cpu/shadow.h"
#include "ppc/semantics/all.h"

// A handler returns the next cell, or NULL to leave. In optimised builds it calls the next handler itself, as a jump.
typedef struct cell *handler_function(struct ppc_state *s, struct cell *c, uint8_t *m);

static handler_function handle_decode;

static inline uint32_t cell_pc(const struct cell *c)
{
    return (uint32_t)((uintptr_t)c >> CELL_SHIFT);
}

static inline handler_function *cell_handler(const struct cell *c)
{
    return (handler_function *)((uintptr_t)handle_decode + (uintptr_t)(intptr_t)c->handler);
}

// ASan keeps stack frames alive over calls, and without optimisation there are no tail calls: return to the loop there.
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
#define GO(c) return cell_handler(c)(s, (c), m)
#else
#define GO(c) return (c)
#endif

// Ends the block with the instruction at `pc`, and starts the next at `target`.
static inline void charge(struct ppc_state *s, uint32_t pc, uint32_t target)
{
    s->cycles += (pc - s->block_pc) / 4 + 1;
    s->block_pc = target;
}

static struct cell *leave(struct ppc_state *s, enum ppc_exit why)
{
    s->exit = (uint8_t)why;
    return NULL;
}

// One handler for each variant (Rc, OE, LK bits) of each instruction: the compiler folds the tests of those bits.
#define VARIANT_INSN(variant, bits) ((c->insn & ~(uint32_t)(variant)) | (bits))

#define HANDLER_PLAIN(id, value, variant, bits, suffix)                                                                \
    static struct cell *handle_##id##suffix(struct ppc_state *s, struct cell *c, uint8_t *m)                           \
    {                                                                                                                  \
        op_##id(s, m, VARIANT_INSN(variant, bits), cell_pc(c));                                                        \
        GO(c + 1);                                                                                                     \
    }

#define HANDLER_MEMORY(id, value, variant, bits, suffix)                                                               \
    static struct cell *handle_##id##suffix(struct ppc_state *s, struct cell *c, uint8_t *m)                           \
    {                                                                                                                  \
        s->pc = cell_pc(c);                                                                                            \
        op_##id(s, m, VARIANT_INSN(variant, bits), cell_pc(c));                                                        \
        GO(c + 1);                                                                                                     \
    }

#define HANDLER_EXIT(id, value, variant, bits, suffix)                                                                 \
    static struct cell *handle_##id##suffix(struct ppc_state *s, struct cell *c, uint8_t *m)                           \
    {                                                                                                                  \
        s->pc = cell_pc(c);                                                                                            \
        op_##id(s, m, VARIANT_INSN(variant, bits), cell_pc(c));                                                        \
        if (__builtin_expect(s->exit, 0))                                                                              \
            return NULL;                                                                                               \
        GO(c + 1);                                                                                                     \
    }

// Counts the jumps to `target`; true where that made it hot. 255 is never reached again.
static inline bool heats(uint8_t *m, uint32_t target)
{
    const struct engine_page *page = engine_page(m);
    if (!page->heat)
        return false;
    uint8_t *heat = &page->heat[target / 4];
    if (*heat == UINT8_MAX)
        return false;
    uint8_t now = ++*heat;
    return now == page->threshold || now == page->second;
}

// Safepoints: targets of calls, and of taken branches to a lower or equal address.
#define JUMP(target_pc, is_call)                                                                                       \
    do {                                                                                                               \
        uint32_t jump_to_ = (target_pc);                                                                               \
        charge(s, cell_pc(c), jump_to_);                                                                               \
        if (((is_call) || jump_to_ <= cell_pc(c)) && __builtin_expect(s->cycles >= s->slice_end, 0))                   \
            return leave(s, PPC_EXIT_SLICE);                                                                           \
        if (((is_call) || jump_to_ <= cell_pc(c)) && __builtin_expect(heats(m, jump_to_), 0))                          \
            return NULL; /* without an exit: to be compiled */                                                         \
        struct cell *next_ = cell_at(c, jump_to_);                                                                     \
        GO(next_);                                                                                                     \
    } while (0)

#define HANDLER_BRANCH(id, value, variant, bits, suffix)                                                               \
    static struct cell *handle_##id##suffix(struct ppc_state *s, struct cell *c, uint8_t *m)                           \
    {                                                                                                                  \
        uint32_t insn = (VARIANT_INSN(variant, bits) & 0x03FFFFFF) | ((value) & 0xFC000000);                           \
        if (!op_##id(s, m, insn, cell_pc(c)))                                                                          \
            GO(c + 1);                                                                                                 \
        JUMP(ppc_branch_target(insn, cell_pc(c)), LK(insn));                                                           \
    }

#define HANDLER_INDIRECT(id, value, variant, bits, suffix)                                                             \
    static struct cell *handle_##id##suffix(struct ppc_state *s, struct cell *c, uint8_t *m)                           \
    {                                                                                                                  \
        uint32_t insn = VARIANT_INSN(variant, bits);                                                                   \
        if (!op_##id(s, m, insn, cell_pc(c)))                                                                          \
            GO(c + 1);                                                                                                 \
        JUMP(s->target, LK(insn));                                                                                     \
    }

// The low bit of `variant` set and the high bit (OE, or Rc at bit 6 or 10) set make up to four handlers an instruction.
#define LOW(variant) ((variant)&1u)
#define HIGH(variant) ((variant) & ~1u)
#define OPCODE(id, text, value, mask, kind, variant, operands)                                                         \
    HANDLER_##kind(id, value, variant, 0u, _0)                                                                         \
    HANDLER_##kind(id, value, variant, LOW(variant), _1)                                                               \
    HANDLER_##kind(id, value, variant, HIGH(variant), _2)                                                              \
    HANDLER_##kind(id, value, variant, variant, _3)
#include "ppc/opcodes.def"
#undef OPCODE

static handler_function *const handlers[PPC_OPCODE_COUNT][4] = {
#define OPCODE(id, text, value, mask, kind, variant, operands)                                                         \
    {handle_##id##_0, handle_##id##_1, handle_##id##_2, handle_##id##_3},
#include "ppc/opcodes.def"
#undef OPCODE
};

static struct cell *handle_illegal(struct ppc_state *s, struct cell *c, uint8_t *m)
{
    (void)m;
    s->pc = cell_pc(c);
    return leave(s, PPC_EXIT_ILLEGAL);
}

static inline uint32_t word_at(const struct cpu *cpu, const uint8_t *m, uint32_t pc)
{
    return __builtin_expect(cpu->waiting, 0) ? changes_word(cpu, pc) : be32_get(m + pc);
}

// An instruction that compiled code gave back. Its cell may say that there is compiled code: where that is entered it may give back
// any.
static struct cell *run_alone(struct ppc_state *s, struct cell *c, uint8_t *m)
{
    s->pc = cell_pc(c);
    uint32_t insn = word_at(engine_page(m)->cpu, m, s->pc);
    enum ppc_opcode op = ppc_decode(insn);
    if (op == PPC_OP_INVALID)
        return leave(s, PPC_EXIT_ILLEGAL);
    if (cpu_branches[op]) {
        if (ppc_opcodes[op].kind == PPC_BRANCH)
            s->target = ppc_branch_target(insn, s->pc);
        if (cpu_branches[op](s, m, insn, s->pc))
            JUMP(s->target, LK(insn));
        GO(c + 1);
    }
    void (*function)(struct ppc_state *, uint8_t *, uint32_t, uint32_t);
    *(rc_function **)&function = cpu_handlers[op];
    function(s, m, insn, s->pc);
    if (ppc_opcodes[op].kind == PPC_EXIT && s->exit)
        return NULL;
    GO(c + 1);
}

// Compiled code counts time from guest address 0 on. It goes on with block_pc 0 too.
static struct cell *handle_compiled(struct ppc_state *s, struct cell *c, uint8_t *m)
{
    s->pc = cell_pc(c);
    uint32_t next = compiled_run(engine_page(m)->cpu, s, c->insn);
    if (next & RC_LEFT) {
        if ((next & RC_SLICE) == RC_SLICE) { // the jump is charged, but for where it led to
            s->cycles += next / 4;
            s->block_pc = next & ~3u;
            s->exit = PPC_EXIT_SLICE;
        }
        return NULL;
    }
    if (next & RC_ALONE)
        return run_alone(s, cell_at(c, next & ~3u), m);
    s->pc = next; // where nothing is compiled there, it will be when that is hot
    struct cell *to = cell_at(c, next);
    if (cell_handler(to) != handle_compiled && heats(m, next)) {
        s->cycles += next / 4;
        s->block_pc = next;
        return NULL;
    }
    GO(to);
}

static struct cell *handle_decode(struct ppc_state *s, struct cell *c, uint8_t *m)
{
    s->pc = cell_pc(c);
    s->exit = PPC_EXIT_FETCH; // what a fault of the next line means
    struct cpu *cpu = engine_page(m)->cpu;
    uint32_t insn = word_at(cpu, m, s->pc);
    s->exit = PPC_EXIT_NONE;
    enum ppc_opcode op = ppc_decode(insn);
    handler_function *handler = handle_illegal;
    if (op != PPC_OP_INVALID) {
        uint32_t variant = ppc_opcodes[op].variant;
        handler = handlers[op][(insn & LOW(variant) ? 1 : 0) + (insn & HIGH(variant) ? 2 : 0)];
    }
    c->insn = insn;
    if (!cpu->waiting && !mem_watch(cpu->mem, s->pc))
        return handler(s, c, m); // decoded each time: its page changes too often
    c->handler = (int32_t)((intptr_t)handler - (intptr_t)handle_decode);
    GO(c);
}

bool cpu_create(struct cpu **out, struct mem *m, struct error *err)
{
    struct cpu *cpu = calloc(1, sizeof *cpu);
    if (!cpu)
        return error_set(err, ERR_MEMORY, "no memory for the CPU");
    cpu->mem = m;
    cpu->memory = mem_base(m);
    cpu->reservation = mmap(NULL, 2 * MIRROR_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (cpu->reservation == MAP_FAILED) {
        free(cpu);
        return error_set(err, ERR_MEMORY, "cannot reserve 16 GiB of address space for decoded code");
    }
    madvise(cpu->reservation, 2 * MIRROR_BYTES, MADV_DONTDUMP);
    uintptr_t start = ((uintptr_t)cpu->reservation + MIRROR_BYTES - 1) & ~(uintptr_t)(MIRROR_BYTES - 1);
    cpu->cells = (struct cell *)start;
    *engine_page(cpu->memory) = (struct engine_page){.cpu = cpu};
    if (!changes_create(cpu)) {
        cpu_destroy(cpu);
        return error_set(err, ERR_MEMORY, "no memory for the CPU");
    }
    *out = cpu;
    return true;
}

void cpu_destroy(struct cpu *cpu)
{
    if (!cpu)
        return;
    changes_destroy(cpu);
    compiled_destroy(cpu->compiled);
    functions_free(&cpu->functions);
    shadow_destroy(cpu->shadow);
    munmap(cpu->reservation, 2 * MIRROR_BYTES);
    free(cpu);
}

static int32_t distance(handler_function *handler)
{
    return (int32_t)((intptr_t)handler - (intptr_t)handle_decode);
}

void cpu_set_entry(struct cpu *cpu, uint32_t pc, uint32_t entry)
{
    *cell_at(cpu->cells, pc) = (struct cell){distance(handle_compiled), entry};
}

bool cpu_has_entry(const struct cpu *cpu, uint32_t pc)
{
    return cell_handler(cell_at(cpu->cells, pc)) == handle_compiled;
}

void cpu_clear_entry(struct cpu *cpu, uint32_t pc)
{
    cell_at(cpu->cells, pc)->handler = 0;
}

// For compiled code: whole instructions out of line.
#define FUNCTION_PLAIN(id)                                                                                             \
    static void function_##id(struct ppc_state *s, uint8_t *m, uint32_t insn, uint32_t pc)                             \
    {                                                                                                                  \
        op_##id(s, m, insn, pc);                                                                                       \
    }
#define FUNCTION_MEMORY(id) FUNCTION_PLAIN(id)
#define FUNCTION_EXIT(id) FUNCTION_PLAIN(id)
#define FUNCTION_BRANCH(id)                                                                                            \
    static bool branch_##id(struct ppc_state *s, uint8_t *m, uint32_t insn, uint32_t pc)                               \
    {                                                                                                                  \
        return op_##id(s, m, insn, pc);                                                                                \
    }
#define FUNCTION_INDIRECT(id) FUNCTION_BRANCH(id)
#define OPCODE(id, text, value, mask, kind, variant, operands) FUNCTION_##kind(id)
#include "ppc/opcodes.def"
#undef OPCODE

#define POINTER_PLAIN(id) (rc_function *)function_##id,
#define POINTER_MEMORY(id) (rc_function *)function_##id,
#define POINTER_EXIT(id) (rc_function *)function_##id,
#define POINTER_BRANCH(id) NULL, // always copied
#define POINTER_INDIRECT(id) NULL,
rc_function *const cpu_handlers[PPC_OPCODE_COUNT] = {
#define OPCODE(id, text, value, mask, kind, variant, operands) POINTER_##kind(id)
#include "ppc/opcodes.def"
#undef OPCODE
};

#define BRANCH_PLAIN(id) NULL,
#define BRANCH_MEMORY(id) NULL,
#define BRANCH_EXIT(id) NULL,
#define BRANCH_BRANCH(id) branch_##id,
#define BRANCH_INDIRECT(id) branch_##id,
cpu_branch_function *const cpu_branches[PPC_OPCODE_COUNT] = {
#define OPCODE(id, text, value, mask, kind, variant, operands) BRANCH_##kind(id)
#include "ppc/opcodes.def"
#undef OPCODE
};

// Few cells are cleared one by one: that reads them only, where nothing was decoded, and keeps their host page.
enum { FEW_BYTES = 4096 };

static void forget_few(struct cpu *cpu, gva base, uint32_t size)
{
    struct cell *first = cell_at(cpu->cells, base & ~3u);
    for (struct cell *c = first; c < first + size / 4 + 2; c++)
        if (c->handler)
            c->handler = 0;
}

static void forget(struct cpu *cpu, gva base, uint64_t size)
{
    if (size <= FEW_BYTES && base <= UINT32_MAX - 2 * FEW_BYTES) {
        forget_few(cpu, base, (uint32_t)size);
        return;
    }
    uint64_t first = ((uint64_t)base << CELL_SHIFT) & ~4095ull;
    uint64_t end = ((((uint64_t)base + size) << CELL_SHIFT) + 4095) & ~4095ull;
    if (end > MIRROR_BYTES)
        end = MIRROR_BYTES;
    madvise((uint8_t *)cpu->cells + first, end - first, MADV_DONTNEED);
}

void cpu_forget(struct cpu *cpu, gva base, uint32_t size)
{
    forget(cpu, base, size);
    compiled_forget(cpu, base, size);
    struct mem_explanation x;
    mem_explain(base, &x);
    for (unsigned i = 0; i < x.alias_count; i++)
        forget(cpu, x.aliases[i], size);
    for (unsigned i = 0; i < x.alias_count; i++)
        compiled_forget(cpu, x.aliases[i], size);
}

bool cpu_add_code(struct cpu *cpu, const struct cpu_code *code, struct error *err)
{
    return functions_add(&cpu->functions, cpu->mem, code) || error_set(err, ERR_MEMORY, "no memory for the title's functions");
}

void cpu_remove_code(struct cpu *cpu, gva base, uint32_t size)
{
    functions_remove(&cpu->functions, base, size);
}

bool cpu_registers_known(const struct cpu *cpu)
{
    return !cpu->unknown || cpu->shadow;
}

void cpu_invalidate(struct cpu *cpu, gva base, uint32_t size)
{
    changes_renew(cpu, base, size);
    cpu_forget(cpu, base, size);
    if (cpu->twin)
        cpu_forget(cpu->twin, base, size);
}

// After a run that ended anywhere: pc, cycles and block_pc say the same.
static enum ppc_exit settle(struct ppc_state *s)
{
    switch (s->exit) {
    case PPC_EXIT_SLICE: // charged by the jump
        s->pc = s->block_pc;
        break;
    case PPC_EXIT_SYSCALL: // the sc itself counts
        s->pc += 4;
        s->cycles = ppc_now(s);
        break;
    default:
        s->cycles = ppc_now(s);
    }
    s->block_pc = s->pc;
    return (enum ppc_exit)s->exit;
}

// Runs until something stops it. icbi stops it only for as long as it takes to forget the line, a hot target for as long as
// it takes to compile it.
static struct cell *enter(struct cpu *cpu, uint32_t pc)
{
    struct cell *c = cell_at(cpu->cells, pc);
    if (cell_handler(c) != handle_compiled && heats(cpu->memory, pc))
        compiled_make(cpu, pc);
    return c;
}

static void run(struct cpu *cpu, struct ppc_state *s)
{
    struct cell *c = enter(cpu, s->pc);
    for (;;) {
        while (c)
            c = cell_handler(c)(s, c, cpu->memory);
        if (s->exit == PPC_EXIT_ICACHE) {
            s->exit = PPC_EXIT_NONE;
            changes_apply(cpu);
            cpu_invalidate(cpu, s->fault_address, 128);
            c = cell_at(cpu->cells, s->pc + 4);
        } else if (s->exit == PPC_EXIT_NONE) {
            if (cpu->waiting)
                engine_page(cpu->memory)->heat[s->block_pc / 4]--; // not of what it should not see yet
            else
                compiled_make(cpu, s->block_pc);
            c = cell_at(cpu->cells, s->block_pc);
        } else if (s->exit == PPC_EXIT_SLICE && cpu->waiting) {
            changes_apply(cpu);
            if (s->cycles >= s->slice_end)
                return;
            s->exit = PPC_EXIT_NONE;
            c = enter(cpu, s->block_pc);
        } else {
            return;
        }
    }
}

static void caught(struct cpu *cpu, struct ppc_state *s, const struct mem_scope *scope)
{
    s->fault_address = scope->fault.address;
    s->fault_write = scope->fault.write;
    if (s->exit != PPC_EXIT_FETCH)
        s->exit = PPC_EXIT_FAULT;
    cpu->unknown = s->exit == PPC_EXIT_FAULT && !s->block_pc && compiled_is_optimised(cpu, s->pc); // compiled code has no block
}

enum ppc_exit cpu_run_engine(struct cpu *cpu, struct ppc_state *s)
{
    s->pc &= ~3u;
    s->block_pc = s->pc;
    s->exit = PPC_EXIT_NONE;
    if (cpu->compiled)
        compiled_poll(cpu, s);
    struct mem_scope scope;
    cpu->running = s;
    cpu->unknown = false;
    mem_scope_enter(&scope, cpu->mem);
    if (sigsetjmp(scope.env, 0) == 0)
        run(cpu, s);
    else
        caught(cpu, s, &scope);
    mem_scope_leave(&scope);
    changes_apply(cpu);
    cpu->running = NULL;
    return settle(s);
}

enum ppc_exit cpu_run(struct cpu *cpu, struct ppc_state *s)
{
    enum ppc_exit why = cpu->shadow ? shadow_run(cpu->shadow, s) : cpu_run_engine(cpu, s);
    s->reserved = 0;
    return why;
}
