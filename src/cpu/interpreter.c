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

// ASan keeps stack frames alive over calls, TSan tells of each return, and without optimisation there are no tail calls: handlers return to the loop there.
#ifdef __has_feature // clang
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#if defined(__OPTIMIZE__) && !defined(SANITIZED)
#define TAIL_CALLS 1
#else
#define TAIL_CALLS 0
#endif
// A handler returns the next cell, or NULL to leave. In optimised builds it calls the next handler itself, as a jump. Where the compiler can, nothing
// is kept in registers that a called C function may change, so that no handler saves any.
#if TAIL_CALLS && __has_attribute(preserve_none) && __has_attribute(musttail)
#define HANDLER_CONVENTION __attribute__((preserve_none))
#define TAIL_CALL __attribute__((musttail)) return
#else
#define HANDLER_CONVENTION
#define TAIL_CALL return
#endif
#ifdef __clang__
#define ASSUME(x) __builtin_assume(x)
#else
#define ASSUME(x) ((x) ? (void)0 : __builtin_unreachable())
#endif
// `base` is handle_decode.
#define HANDLER(name) struct cell *name(struct ppc_state *s, struct cell *c, uint8_t *m, uintptr_t base)
typedef HANDLER_CONVENTION HANDLER(handler_function);

static handler_function handle_decode;

static inline uint32_t cell_pc(const struct cell *c)
{
    return (uint32_t)((uintptr_t)c >> CELL_SHIFT);
}

static inline handler_function *cell_handler(const struct cell *c, uintptr_t base)
{
    return (handler_function *)(base + (uintptr_t)(intptr_t)c->handler);
}

static int32_t distance(handler_function *handler)
{
    return (int32_t)((intptr_t)handler - (intptr_t)handle_decode);
}

#if TAIL_CALLS
#define GO(c) TAIL_CALL cell_handler(c, base)(s, (c), m, base)
#else
#define GO(c) return (void)base, (c)
#endif

// ---- Steps: one for each form of each instruction. A form is one of the four variants (Rc, OE, LK bits) or a row of forms.def: the compiler folds the
// tests of the bits that it fixes. While the engine runs block_pc is 0, and cycles is the time minus pc / 4: straight code counts nothing.
enum outcome {
    STEP_ON,
    STEP_JUMPED, // to *at
    STEP_LEFT,
};

#define STEP(id, suffix)                                                                                               \
    INLINE enum outcome step_##id##_##suffix(struct ppc_state *s, struct cell *c, struct cell **at, uint8_t *m)

// Before an access that may fault or look at the state, everything before it is in the state; the compiler keeps the order.
#define STATE_IS_WHOLE() __asm__ volatile("" ::: "memory")

#define STEP_PLAIN(id, value, insn)                                                                                    \
    op_##id(s, m, insn, cell_pc(c));                                                                                   \
    return STEP_ON

#define STEP_MEMORY(id, value, insn)                                                                                   \
    s->pc = cell_pc(c);                                                                                                \
    STATE_IS_WHOLE();                                                                                                  \
    op_##id(s, m, insn, cell_pc(c));                                                                                   \
    STATE_IS_WHOLE();                                                                                                  \
    return STEP_ON

#define STEP_EXIT(id, value, insn)                                                                                     \
    s->pc = cell_pc(c);                                                                                                \
    STATE_IS_WHOLE();                                                                                                  \
    op_##id(s, m, insn, cell_pc(c));                                                                                   \
    STATE_IS_WHOLE();                                                                                                  \
    return __builtin_expect(s->exit, 0) ? STEP_LEFT : STEP_ON

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

// On the way to `target`, where cycles is right already. Safepoints: targets of calls, and of taken branches to a lower or equal address.
INLINE enum outcome safepoint(struct ppc_state *s, uint8_t *m, uint32_t target)
{
    if (__builtin_expect(s->cycles + target / 4 >= s->slice_end, 0)) {
        s->cycles += target / 4;
        s->block_pc = target;
        s->exit = PPC_EXIT_SLICE;
        return STEP_LEFT;
    }
    if (__builtin_expect(heats(m, target), 0)) {
        s->pc = target; // without an exit: to be compiled
        return STEP_LEFT;
    }
    return STEP_JUMPED;
}

INLINE enum outcome jump(struct ppc_state *s, const struct cell *c, struct cell **at, uint8_t *m, uint32_t target, bool is_call)
{
    s->cycles += (uint64_t)(cell_pc(c) / 4) + 1 - target / 4;
    *at = cell_at(c, target);
    return is_call || target <= cell_pc(c) ? safepoint(s, m, target) : STEP_JUMPED;
}

INLINE enum outcome jump_relative(struct ppc_state *s, struct cell *c, struct cell **at, uint8_t *m, uint32_t insn)
{
    int32_t cells = (int32_t)ppc_branch_target(insn, 0) / 4;
    s->cycles += (uint64_t)(1 - (int64_t)cells);
    *at = c + cells;
    return LK(insn) || cells <= 0 ? safepoint(s, m, cell_pc(c + cells)) : STEP_JUMPED;
}

#define STEP_BRANCH(id, value, insn)                                                                                   \
    uint32_t word_ = ((insn) & 0x03FFFFFF) | ((value) & 0xFC000000);                                                   \
    if (!op_##id(s, m, word_, cell_pc(c)))                                                                             \
        return STEP_ON;                                                                                                \
    return jump(s, c, at, m, ppc_branch_target(word_, cell_pc(c)), LK(word_))

#define STEP_RELATIVE(id, value, insn)                                                                                 \
    uint32_t word_ = ((insn) & 0x03FFFFFF) | ((value) & 0xFC000000);                                                   \
    if (!op_##id(s, m, word_, cell_pc(c)))                                                                             \
        return STEP_ON;                                                                                                \
    return jump_relative(s, c, at, m, word_)

#define STEP_INDIRECT(id, value, insn)                                                                                 \
    uint32_t word_ = (insn);                                                                                           \
    if (!op_##id(s, m, word_, cell_pc(c)))                                                                             \
        return STEP_ON;                                                                                                \
    return jump(s, c, at, m, s->target, LK(word_))

// The low bit of `variant` set and the high bit (OE, or Rc at bit 6 or 10) set make up to four forms an instruction.
#define LOW(variant) ((variant)&1u)
#define HIGH(variant) ((variant) & ~1u)
#define WITH_BITS(mask, bits) ((c->insn & ~(uint32_t)(mask)) | (bits))
#define VARIANTS(id, value, variant, kind)                                                                             \
    enum { VALUE_##id = (int)(value) };                                                                                \
    STEP(id, 0) { (void)at; STEP_##kind(id, value, WITH_BITS(variant, 0u)); }                                          \
    STEP(id, 1) { (void)at; STEP_##kind(id, value, WITH_BITS(variant, LOW(variant))); }                                \
    STEP(id, 2) { (void)at; STEP_##kind(id, value, WITH_BITS(variant, HIGH(variant))); }                               \
    STEP(id, 3) { (void)at; STEP_##kind(id, value, WITH_BITS(variant, variant)); }
#define OPCODE(id, text, value, mask, kind, variant, operands) VARIANTS(id, value, variant, kind)
#include "ppc/opcodes.def"
#undef OPCODE
#define FORM(id, name, kind, mask, bits, some)                                                                         \
    STEP(id, name)                                                                                                     \
    {                                                                                                                  \
        (void)at;                                                                                                      \
        const uint32_t word = WITH_BITS(mask, bits);                                                                   \
        ASSUME(!(some) || word & (some));                                                                              \
        STEP_##kind(id, VALUE_##id, word);                                                                             \
    }
#include "cpu/forms.def"
#undef FORM

enum form {
#define OPCODE(id, text, value, mask, kind, variant, operands) FORM_##id##_0, FORM_##id##_1, FORM_##id##_2, FORM_##id##_3,
#include "ppc/opcodes.def"
#undef OPCODE
    FORM_SPECIAL,
    FORM_BEFORE_SPECIAL = FORM_SPECIAL - 1,
#define FORM(id, name, kind, mask, bits, some) FORM_##id##_##name,
#include "cpu/forms.def"
#undef FORM
    FORM_COUNT,
    FORM_NONE = FORM_COUNT, // no instruction
};

// What is special about the forms behind FORM_SPECIAL.
enum { SPECIAL_PLAIN, SPECIAL_MEMORY, SPECIAL_INDIRECT, SPECIAL_RELATIVE };
static const struct special {
    uint16_t opcode;
    uint16_t kind;
    uint32_t mask, bits, some;
} specials[] = {
#define FORM(id, name, kind, mask, bits, some) {PPC_OP_##id, SPECIAL_##kind, mask, bits, some},
#include "cpu/forms.def"
#undef FORM
};
enum { SPECIAL_COUNT = sizeof specials / sizeof *specials };

// ---- Handlers: of each form, and of the sequences of forms that are frequent (sequences.def). Another branch into the middle of a sequence
// finds that instruction's own cell.
#define DO(form, n)                                                                                                    \
    do {                                                                                                               \
        struct cell *to_ = NULL;                                                                                       \
        enum outcome outcome_ = step_##form(s, c + (n), &to_, m);                                                      \
        if (outcome_ == STEP_JUMPED)                                                                                   \
            GO(to_);                                                                                                   \
        if (outcome_ == STEP_LEFT)                                                                                     \
            return NULL;                                                                                               \
    } while (0)

#define HANDLER_1(form) static HANDLER_CONVENTION HANDLER(handle_##form) { DO(form, 0); GO(c + 1); }
#define OPCODE(id, text, value, mask, kind, variant, operands) HANDLER_1(id##_0) HANDLER_1(id##_1) HANDLER_1(id##_2) HANDLER_1(id##_3)
#include "ppc/opcodes.def"
#undef OPCODE
#define FORM(id, name, kind, mask, bits, some) HANDLER_1(id##_##name)
#include "cpu/forms.def"
#undef FORM
static handler_function *const form_handlers[FORM_COUNT] = {
#define OPCODE(id, text, value, mask, kind, variant, operands) handle_##id##_0, handle_##id##_1, handle_##id##_2, handle_##id##_3,
#include "ppc/opcodes.def"
#undef OPCODE
#define FORM(id, name, kind, mask, bits, some) handle_##id##_##name,
#include "cpu/forms.def"
#undef FORM
};

#define SEQUENCE_2(a, b) static HANDLER_CONVENTION HANDLER(handle_##a##_##b) { DO(a, 0); DO(b, 1); GO(c + 2); }
#define SEQUENCE_3(a, b, d) static HANDLER_CONVENTION HANDLER(handle_##a##_##b##_##d) { DO(a, 0); DO(b, 1); DO(d, 2); GO(c + 3); }
#define SEQUENCE_4(a, b, d, e)                                                                                         \
    static HANDLER_CONVENTION HANDLER(handle_##a##_##b##_##d##_##e) { DO(a, 0); DO(b, 1); DO(d, 2); DO(e, 3); GO(c + 4); }
#include "cpu/sequences.def"
#undef SEQUENCE_2
#undef SEQUENCE_3
#undef SEQUENCE_4

enum { SEQUENCE_MOST = 4 };
static const struct sequence {
    uint16_t forms[SEQUENCE_MOST];
    uint16_t count;
    handler_function *handler;
} sequences[] = {
#define SEQUENCE_2(a, b) {{FORM_##a, FORM_##b}, 2, handle_##a##_##b},
#define SEQUENCE_3(a, b, d) {{FORM_##a, FORM_##b, FORM_##d}, 3, handle_##a##_##b##_##d},
#define SEQUENCE_4(a, b, d, e) {{FORM_##a, FORM_##b, FORM_##d, FORM_##e}, 4, handle_##a##_##b##_##d##_##e},
#include "cpu/sequences.def"
};
enum { SEQUENCE_COUNT = sizeof sequences / sizeof *sequences };

// ---- Decoding: the longest sequence wins. A tree of forms, its edges in a hash table.
enum { EDGE_SLOTS = 4096, NODE_MOST = SEQUENCE_COUNT * SEQUENCE_MOST };
_Static_assert(NODE_MOST < EDGE_SLOTS * 3 / 4, "the table of edges is too small");

struct decoder {
    uint16_t first_special[PPC_OPCODE_COUNT]; // + 1; 0: none
    struct edge {
        uint16_t from, form, to; // `to` is 0 in empty slots
    } edges[EDGE_SLOTS];
    uint16_t node_count;
    struct {
        uint16_t length; // 0: no sequence ends here
        int32_t handler;
    } nodes[NODE_MOST + 1]; // the root is 0
};

static struct edge *edge_slot(struct decoder *d, uint32_t from, uint32_t form)
{
    uint32_t i = (from * 2654435761u + form * 40503u) >> 8;
    struct edge *e = &d->edges[i % EDGE_SLOTS];
    while (e->to && (e->from != from || e->form != form))
        e = &d->edges[++i % EDGE_SLOTS];
    return e;
}

static void add_sequence(struct decoder *d, const struct sequence *q)
{
    uint32_t node = 0;
    for (uint32_t i = 0; i < q->count; i++) {
        struct edge *e = edge_slot(d, node, q->forms[i]);
        if (!e->to)
            *e = (struct edge){(uint16_t)node, q->forms[i], ++d->node_count};
        node = e->to;
    }
    d->nodes[node].length = q->count;
    d->nodes[node].handler = distance(q->handler);
}

static struct decoder *decoder_create(void)
{
    struct decoder *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    for (uint32_t i = SPECIAL_COUNT; i > 0; i--)
        d->first_special[specials[i - 1].opcode] = (uint16_t)i;
    for (uint32_t i = 0; i < SEQUENCE_COUNT; i++)
        add_sequence(d, &sequences[i]);
    return d;
}

// A relative branch's target is within 32 MiB, and must not lie around the end of the address space.
static bool is_special(const struct special *f, uint32_t insn, uint32_t pc)
{
    return (insn & f->mask) == f->bits && (!f->some || insn & f->some) && (f->kind != SPECIAL_RELATIVE || pc - 0x02000000u < 0xFC000000u);
}

static uint32_t form_of(const struct decoder *d, uint32_t insn, uint32_t pc)
{
    enum ppc_opcode op = ppc_decode(insn);
    if (op == PPC_OP_INVALID)
        return FORM_NONE;
    for (uint32_t i = d->first_special[op]; i && i <= SPECIAL_COUNT && specials[i - 1].opcode == op; i++)
        if (is_special(&specials[i - 1], insn, pc))
            return FORM_SPECIAL + i - 1;
    uint32_t variant = ppc_opcodes[op].variant;
    return 4 * op + (insn & LOW(variant) ? 1u : 0) + (insn & HIGH(variant) ? 2u : 0);
}

static HANDLER_CONVENTION HANDLER(handle_illegal)
{
    (void)m;
    (void)base;
    s->pc = cell_pc(c);
    s->exit = PPC_EXIT_ILLEGAL;
    return NULL;
}

// The instruction there, as running code sees it.
static inline uint32_t word_at(const struct cpu *cpu, const uint8_t *m, uint32_t pc)
{
    return __builtin_expect(cpu->waiting, 0) ? changes_word(cpu, pc) : be32_get(m + pc);
}

// An instruction that compiled code gave back. Its cell may say that there is compiled code: where that is entered it may give back
// any.
static HANDLER_CONVENTION HANDLER(run_alone)
{
    s->pc = cell_pc(c);
    uint32_t insn = word_at(engine_page(m)->cpu, m, s->pc);
    enum ppc_opcode op = ppc_decode(insn);
    if (op == PPC_OP_INVALID) {
        s->exit = PPC_EXIT_ILLEGAL;
        return NULL;
    }
    if (cpu_branches[op]) {
        if (ppc_opcodes[op].kind == PPC_BRANCH)
            s->target = ppc_branch_target(insn, s->pc);
        struct cell *to = c + 1;
        if (cpu_branches[op](s, m, insn, s->pc) && jump(s, c, &to, m, s->target, LK(insn)) == STEP_LEFT)
            return NULL;
        GO(to);
    }
    void (*function)(struct ppc_state *, uint8_t *, uint32_t, uint32_t);
    *(rc_function **)&function = cpu_handlers[op];
    function(s, m, insn, s->pc);
    if (ppc_opcodes[op].kind == PPC_EXIT && s->exit)
        return NULL;
    GO(c + 1);
}

// Compiled code counts time as handlers do.
static HANDLER_CONVENTION HANDLER(handle_compiled)
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
        TAIL_CALL run_alone(s, cell_at(c, next & ~3u), m, base);
    s->pc = next; // where nothing is compiled there, it will be when that is hot
    struct cell *to = cell_at(c, next);
    if (cell_handler(to, base) != handle_compiled && heats(m, next))
        return NULL;
    GO(to);
}

// Sequences lie in one page of cells, which is never forgotten in part, and half a page of memory, so that its later words can be read. They end before
// what is compiled.
static bool can_follow(const struct cell *c)
{
    return ((uintptr_t)c & (CELL_PAGE - 1)) != 0 && c->handler != distance(handle_compiled);
}

static int32_t decode(struct decoder *d, struct cell *c, const uint8_t *m)
{
    uint32_t form = form_of(d, c->insn, cell_pc(c));
    if (form == FORM_NONE)
        return distance(handle_illegal);
    int32_t handler = distance(form_handlers[form]);
    uint32_t length = 1;
    uint32_t words[SEQUENCE_MOST];
    for (uint32_t node = edge_slot(d, 0, form)->to, n = 1; node; n++) {
        if (d->nodes[node].length) {
            length = n;
            handler = d->nodes[node].handler;
        }
        if (n == SEQUENCE_MOST || !can_follow(c + n))
            break;
        words[n] = be32_get(m + cell_pc(c + n));
        node = edge_slot(d, node, form_of(d, words[n], cell_pc(c + n)))->to;
    }
    for (uint32_t n = 1; n < length; n++)
        c[n].insn = words[n];
    return handler;
}

static HANDLER_CONVENTION HANDLER(handle_decode)
{
    s->pc = cell_pc(c);
    s->exit = PPC_EXIT_FETCH; // what a fault of the next line means
    struct cpu *cpu = engine_page(m)->cpu;
    STATE_IS_WHOLE();
    c->insn = word_at(cpu, m, s->pc);
    STATE_IS_WHOLE();
    s->exit = PPC_EXIT_NONE;
    if (cpu->waiting || !mem_watch(cpu->mem, s->pc)) { // decoded each time: its page changes too often, or just now
        uint32_t form = form_of(cpu->decoder, c->insn, s->pc);
        if (form == FORM_NONE)
            TAIL_CALL handle_illegal(s, c, m, base);
        TAIL_CALL form_handlers[form](s, c, m, base);
    }
    c->handler = decode(cpu->decoder, c, m);
    GO(c);
}

bool cpu_create(struct cpu **out, struct mem *m, struct error *err)
{
    struct cpu *cpu = calloc(1, sizeof *cpu);
    if (!cpu)
        return error_set(err, ERR_MEMORY, "no memory for the CPU");
    cpu->mem = m;
    cpu->memory = mem_base(m);
    cpu->decoder = decoder_create();
    cpu->reservation = mmap(NULL, 2 * MIRROR_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (cpu->reservation == MAP_FAILED || !cpu->decoder) {
        if (cpu->reservation != MAP_FAILED)
            munmap(cpu->reservation, 2 * MIRROR_BYTES);
        free(cpu->decoder);
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
    free(cpu->decoder);
    free(cpu);
}

// Those that lead over `pc` are made anew; what is compiled stays.
static void break_sequences(struct cpu *cpu, uint32_t pc)
{
    struct cell *c = cell_at(cpu->cells, pc);
    for (int n = 1; n < SEQUENCE_MOST && (uintptr_t)(c - n + 1) & (CELL_PAGE - 1); n++)
        if (c[-n].handler != distance(handle_compiled))
            c[-n].handler = 0;
}

void cpu_set_entry(struct cpu *cpu, uint32_t pc, uint32_t entry)
{
    break_sequences(cpu, pc);
    *cell_at(cpu->cells, pc) = (struct cell){distance(handle_compiled), entry};
}

bool cpu_has_entry(const struct cpu *cpu, uint32_t pc)
{
    return cell_at(cpu->cells, pc)->handler == distance(handle_compiled);
}

void cpu_clear_entry(struct cpu *cpu, uint32_t pc)
{
    *cell_at(cpu->cells, pc) = (struct cell){0};
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
    break_sequences(cpu, base & ~3u);
    for (struct cell *c = first; c < first + size / 4 + 2; c++)
        if (c->handler || c->insn)
            *c = (struct cell){0};
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
    case PPC_EXIT_SLICE: // cycles is the time at block_pc
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
    if (cell_handler(c, (uintptr_t)handle_decode) != handle_compiled && heats(cpu->memory, pc))
        compiled_make(cpu, pc);
    return c;
}

static void run(struct cpu *cpu, struct ppc_state *s)
{
    const uintptr_t base = (uintptr_t)handle_decode;
    struct cell *c = enter(cpu, s->pc);
    for (;;) {
        while (c)
            c = cell_handler(c, base)(s, c, cpu->memory, base);
        if (s->exit == PPC_EXIT_ICACHE) {
            s->exit = PPC_EXIT_NONE;
            changes_apply(cpu);
            cpu_invalidate(cpu, s->fault_address, 128);
            c = cell_at(cpu->cells, s->pc + 4);
        } else if (s->exit == PPC_EXIT_NONE) {
            if (cpu->waiting)
                engine_page(cpu->memory)->heat[s->pc / 4]--; // not of what it should not see yet
            else
                compiled_make(cpu, s->pc);
            c = cell_at(cpu->cells, s->pc);
        } else if (s->exit == PPC_EXIT_SLICE && cpu->waiting) {
            changes_apply(cpu);
            if (s->cycles >= s->slice_end)
                return;
            s->exit = PPC_EXIT_NONE;
            s->pc = s->block_pc;
            s->cycles -= s->pc / 4; // see the steps
            s->block_pc = 0;
            c = enter(cpu, s->pc);
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
    s->cycles -= s->pc / 4; // see the steps
    s->block_pc = 0;
    s->exit = PPC_EXIT_NONE;
    const uint64_t start = s->cycles + s->pc / 4;
    if (cpu->compiled)
        compiled_poll(cpu, s);
    struct mem_scope scope;
    cpu->running = s;
    cpu->unknown = false;
    mem_scope_enter(&scope, cpu->mem);
    scope.at_fault = cpu->compiled ? compiled_at_fault : NULL;
    scope.user = cpu;
    if (sigsetjmp(scope.env, 0) == 0)
        run(cpu, s);
    else
        caught(cpu, s, &scope);
    mem_scope_leave(&scope);
    changes_apply(cpu);
    cpu->running = NULL;
    enum ppc_exit why = settle(s);
    if (cpu->compiled)
        compiled_ran(cpu, s->cycles - start);
    return why;
}

enum ppc_exit cpu_run(struct cpu *cpu, struct ppc_state *s)
{
    if (++cpu->runs == cpu->last_run)
        compiled_end(cpu);
    enum ppc_exit why = cpu->shadow ? shadow_run(cpu->shadow, s) : cpu_run_engine(cpu, s);
    s->reserved = 0;
    return why;
}
