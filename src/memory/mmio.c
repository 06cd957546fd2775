#include <string.h>
#include <ucontext.h>

#include <Zydis/Zydis.h>

#include "memory/space.h"

bool mem_add_mmio(struct mem *m, const struct mem_mmio *window, struct error *err)
{
    const uint64_t end = (uint64_t)window->base + window->size;
    if (!window->size || (window->base | window->size) % HOST_PAGE || end > GUEST_SIZE)
        return error_set(err, ERR_ARGUMENT, "MMIO window 0x%08x + 0x%x is not whole pages", window->base, window->size);
    for (uint64_t page = window->base / HOST_PAGE; page < end / HOST_PAGE; page++)
        if (m->access[page])
            return error_set(err, ERR_ARGUMENT, "MMIO window 0x%08x + 0x%x holds memory", window->base, window->size);
    if (m->mmio_count == MAX_MMIO)
        return error_set(err, ERR_LIMIT, "no room for an MMIO window at 0x%08x", window->base);
    m->mmio[m->mmio_count++] = *window;
    return true;
}

const struct mem_mmio *mem_mmio_at(const struct mem *m, gva address)
{
    for (unsigned i = 0; i < m->mmio_count; i++)
        if (address - m->mmio[i].base < m->mmio[i].size)
            return &m->mmio[i];
    return NULL;
}

// ---- Host instructions

// What an instruction does with its memory operand.
enum action {
    ACTION_MOVE, // plain load or store: the memory's bytes in host order
    ACTION_VECTOR, // the same of a vector register's lowest lane; a load clears the others
    ACTION_SWAP, // the same, swapped by the instruction itself: guest order
    ACTION_ZERO, // load, extended with zeros
    ACTION_SIGN, // load, extended with the sign
    ACTION_ADD,  // these read, change flags, and write their first operand
    ACTION_SUB,
    ACTION_AND,
    ACTION_OR,
    ACTION_XOR,
    ACTION_CMP, // these only change flags
    ACTION_TEST,
    ACTION_XCHG,
};

static const struct {
    ZydisMnemonic mnemonic;
    enum action action;
} known[] = {
    {ZYDIS_MNEMONIC_MOV, ACTION_MOVE},   {ZYDIS_MNEMONIC_MOVBE, ACTION_SWAP}, {ZYDIS_MNEMONIC_MOVNTI, ACTION_MOVE},
    {ZYDIS_MNEMONIC_VMOVQ, ACTION_VECTOR}, {ZYDIS_MNEMONIC_VMOVD, ACTION_VECTOR}, {ZYDIS_MNEMONIC_VMOVSD, ACTION_VECTOR},
    {ZYDIS_MNEMONIC_VMOVSS, ACTION_VECTOR}, {ZYDIS_MNEMONIC_VMOVLPS, ACTION_VECTOR}, {ZYDIS_MNEMONIC_VMOVLPD, ACTION_VECTOR}, // the latter two: stores
    {ZYDIS_MNEMONIC_MOVZX, ACTION_ZERO}, {ZYDIS_MNEMONIC_MOVSX, ACTION_SIGN}, {ZYDIS_MNEMONIC_MOVSXD, ACTION_SIGN},
    {ZYDIS_MNEMONIC_ADD, ACTION_ADD},    {ZYDIS_MNEMONIC_SUB, ACTION_SUB},    {ZYDIS_MNEMONIC_AND, ACTION_AND},
    {ZYDIS_MNEMONIC_OR, ACTION_OR},      {ZYDIS_MNEMONIC_XOR, ACTION_XOR},    {ZYDIS_MNEMONIC_CMP, ACTION_CMP},
    {ZYDIS_MNEMONIC_TEST, ACTION_TEST},  {ZYDIS_MNEMONIC_XCHG, ACTION_XCHG},
};

// The context's slots in the order of the instruction encoding.
static const int slots[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

struct instruction {
    ZydisDecodedInstruction decoded;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    enum action action;
    const ZydisDecodedOperand *memory, *other;
    bool store;    // memory is the first operand
    unsigned size; // bytes of the access
};

static bool find_action(ZydisMnemonic mnemonic, enum action *out)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].mnemonic == mnemonic) {
            *out = known[i].action;
            return true;
        }
    return false;
}

static bool is_general(ZydisRegister r)
{
    const ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    return ZydisRegisterGetClass(wide) == ZYDIS_REGCLASS_GPR64;
}

static bool is_vector(ZydisRegister r)
{
    return r >= ZYDIS_REGISTER_XMM0 && r <= ZYDIS_REGISTER_XMM15;
}

static bool decode_bytes(const uint8_t *code, struct instruction *out)
{
    ZydisDecoder decoder;
    if (ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
        return false;
    // The next page need not exist: it is read only if the instruction goes on there.
    size_t length = HOST_PAGE - (uintptr_t)code % HOST_PAGE;
    if (length > ZYDIS_MAX_INSTRUCTION_LENGTH)
        length = ZYDIS_MAX_INSTRUCTION_LENGTH;
    ZyanStatus status = ZydisDecoderDecodeFull(&decoder, code, length, &out->decoded, out->operands);
    if (status == ZYDIS_STATUS_NO_MORE_DATA && length < ZYDIS_MAX_INSTRUCTION_LENGTH)
        status = ZydisDecoderDecodeFull(&decoder, code, ZYDIS_MAX_INSTRUCTION_LENGTH, &out->decoded, out->operands);
    return ZYAN_SUCCESS(status);
}

static bool decode(const uint8_t *code, struct instruction *out)
{
    if (!decode_bytes(code, out) || !find_action(out->decoded.mnemonic, &out->action) ||
        out->decoded.operand_count_visible != 2)
        return false;
    const ZydisDecodedOperand *a = &out->operands[0], *b = &out->operands[1];
    out->store = a->type == ZYDIS_OPERAND_TYPE_MEMORY;
    out->memory = out->store ? a : b;
    out->other = out->store ? b : a;
    out->size = out->memory->size / 8;
    const bool size_known = out->size == 1 || out->size == 2 || out->size == 4 || out->size == 8;
    if (out->memory->type != ZYDIS_OPERAND_TYPE_MEMORY || !size_known)
        return false;
    if (out->action == ACTION_VECTOR)
        return out->other->type == ZYDIS_OPERAND_TYPE_REGISTER && is_vector(out->other->reg.value);
    return out->other->type == ZYDIS_OPERAND_TYPE_IMMEDIATE ||
           (out->other->type == ZYDIS_OPERAND_TYPE_REGISTER && is_general(out->other->reg.value));
}

// ---- Registers

static bool is_high_byte(ZydisRegister r)
{
    return r >= ZYDIS_REGISTER_AH && r <= ZYDIS_REGISTER_BH;
}

static greg_t *register_slot(ucontext_t *u, ZydisRegister r)
{
    const ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    return &u->uc_mcontext.gregs[slots[ZydisRegisterGetId(wide) & 15]];
}

static uint64_t size_mask(unsigned size)
{
    return size == 8 ? ~0ull : (1ull << (8 * size)) - 1;
}

static uint64_t register_get(ucontext_t *u, ZydisRegister r, unsigned size)
{
    const uint64_t value = (uint64_t)*register_slot(u, r);
    return (is_high_byte(r) ? value >> 8 : value) & size_mask(size);
}

static void register_set(ucontext_t *u, ZydisRegister r, unsigned size, uint64_t value)
{
    greg_t *slot = register_slot(u, r);
    const unsigned shift = is_high_byte(r) ? 8 : 0;
    const uint64_t mask = size_mask(size) << shift;
    // Writing 32 bits clears the upper half; narrower writes keep the rest.
    const uint64_t kept = size >= 4 ? 0 : (uint64_t)*slot & ~mask;
    *slot = (greg_t)(kept | ((value << shift) & mask));
}

// ---- Vector registers, as the kernel leaves them on the handler's stack: XSAVE's standard form

static uint64_t vector_get(ucontext_t *u, ZydisRegister r, unsigned size)
{
    uint64_t value = 0;
    memcpy(&value, &u->uc_mcontext.fpregs->_xmm[r - ZYDIS_REGISTER_XMM0], size);
    return value;
}

// Clears the register's other bytes, as VEX instructions do.
static void vector_set(ucontext_t *u, ZydisRegister r, unsigned size, uint64_t value)
{
    enum { MAGIC_AT = 464, MAGIC = 0x46505853, PARTS_AT = 512, UPPER_PART = 4, UPPER_AT = 576 };
    const unsigned n = (unsigned)(r - ZYDIS_REGISTER_XMM0);
    uint8_t *area = (uint8_t *)u->uc_mcontext.fpregs;
    uint32_t magic;
    uint64_t parts;
    memset(&u->uc_mcontext.fpregs->_xmm[n], 0, 16);
    memcpy(&u->uc_mcontext.fpregs->_xmm[n], &value, size);
    memcpy(&magic, area + MAGIC_AT, sizeof magic);
    if (magic != MAGIC)
        return;
    memcpy(&parts, area + PARTS_AT, sizeof parts);
    if (parts & UPPER_PART)
        memset(area + UPPER_AT + 16 * n, 0, 16);
}

// The host address of the memory operand; false for a segment whose base we do not know. GS is compiled code's: its base is guest
// address 0, and such addresses have 32 bits.
static bool operand_address(ucontext_t *u, const struct instruction *i, uint64_t guest_base, uint64_t *out)
{
    const ZydisDecodedOperandMem *mem = &i->memory->mem;
    uint64_t address = mem->disp.has_displacement ? (uint64_t)mem->disp.value : 0;
    if (mem->base == ZYDIS_REGISTER_RIP)
        address += (uint64_t)u->uc_mcontext.gregs[REG_RIP] + i->decoded.length;
    else if (mem->base != ZYDIS_REGISTER_NONE)
        address += (uint64_t)*register_slot(u, mem->base);
    if (mem->index != ZYDIS_REGISTER_NONE)
        address += (uint64_t)*register_slot(u, mem->index) * mem->scale;
    bool guest = mem->segment == ZYDIS_REGISTER_GS;
    *out = guest ? guest_base + (uint32_t)address : address;
    return mem->segment != ZYDIS_REGISTER_FS && i->decoded.address_width == (guest ? 32 : 64);
}

// ---- Performing it

static uint64_t swap(uint64_t value, unsigned size)
{
    return __builtin_bswap64(value) >> (64 - 8 * size);
}

static uint64_t sign_extend(uint64_t value, unsigned size)
{
    const unsigned shift = 64 - 8 * size;
    return (uint64_t)((int64_t)(value << shift) >> shift);
}

static uint64_t compute(enum action action, uint64_t a, uint64_t b)
{
    switch (action) {
    case ACTION_ADD:
        return a + b;
    case ACTION_SUB:
    case ACTION_CMP:
        return a - b;
    case ACTION_AND:
    case ACTION_TEST:
        return a & b;
    case ACTION_OR:
        return a | b;
    default:
        return a ^ b;
    }
}

enum { FLAG_CF = 1, FLAG_PF = 4, FLAG_AF = 0x10, FLAG_ZF = 0x40, FLAG_SF = 0x80, FLAG_OF = 0x800 };

// Flags of `result` = a action b, all of `size` bytes.
static unsigned flags_of(enum action action, uint64_t a, uint64_t b, uint64_t result, unsigned size)
{
    const uint64_t sign = 1ull << (8 * size - 1);
    const bool subtract = action == ACTION_SUB || action == ACTION_CMP;
    unsigned flags = 0;
    if (action == ACTION_ADD || subtract) {
        flags |= (subtract ? a < b : result < a) ? FLAG_CF : 0;
        flags |= (a ^ b ^ result) & FLAG_AF;
        const uint64_t overflow = subtract ? (a ^ b) & (a ^ result) : ~(a ^ b) & (a ^ result);
        flags |= overflow & sign ? FLAG_OF : 0;
    }
    flags |= __builtin_parity((unsigned)result & 0xFF) ? 0 : FLAG_PF;
    flags |= result ? 0 : FLAG_ZF;
    flags |= result & sign ? FLAG_SF : 0;
    return flags;
}

struct access {
    const struct mem_mmio *window;
    gva address;
    ucontext_t *context;
    const struct instruction *instruction;
};

static uint64_t device_read(const struct access *a)
{
    const unsigned size = a->instruction->size;
    return swap(a->window->read(a->window->user, a->address, size), size);
}

static void device_write(const struct access *a, uint64_t host_order)
{
    const unsigned size = a->instruction->size;
    a->window->write(a->window->user, a->address, size, swap(host_order, size));
}

static uint64_t other_value(const struct access *a)
{
    const struct instruction *i = a->instruction;
    if (i->other->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        return i->other->imm.value.u & size_mask(i->size);
    if (i->action == ACTION_VECTOR)
        return vector_get(a->context, i->other->reg.value, i->size);
    return register_get(a->context, i->other->reg.value, i->size);
}

static void load(const struct access *a)
{
    const struct instruction *i = a->instruction;
    uint64_t value = device_read(a);
    if (i->action == ACTION_SWAP)
        value = swap(value, i->size);
    else if (i->action == ACTION_SIGN)
        value = sign_extend(value, i->size);
    if (i->action == ACTION_VECTOR)
        vector_set(a->context, i->other->reg.value, i->size, value);
    else
        register_set(a->context, i->other->reg.value, i->other->size / 8, value);
}

static void store(const struct access *a)
{
    const struct instruction *i = a->instruction;
    const uint64_t value = other_value(a);
    device_write(a, i->action == ACTION_SWAP ? swap(value, i->size) : value);
}

static void exchange(const struct access *a)
{
    const struct instruction *i = a->instruction;
    const uint64_t value = device_read(a);
    device_write(a, other_value(a));
    register_set(a->context, i->other->reg.value, i->size, value);
}

static void arithmetic(const struct access *a)
{
    const struct instruction *i = a->instruction;
    const uint64_t memory = device_read(a), other = other_value(a);
    const uint64_t first = i->store ? memory : other, second = i->store ? other : memory;
    const uint64_t result = compute(i->action, first, second) & size_mask(i->size);
    const unsigned all = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF;
    greg_t *flags = &a->context->uc_mcontext.gregs[REG_EFL];
    *flags = (greg_t)(((uint64_t)*flags & ~(uint64_t)all) | flags_of(i->action, first, second, result, i->size));
    if (i->action == ACTION_CMP || i->action == ACTION_TEST)
        return;
    if (i->store)
        device_write(a, result);
    else
        register_set(a->context, i->other->reg.value, i->size, result);
}

bool mem_mmio_access(const struct mem_mmio *window, void *ucontext, uint64_t host, gva address)
{
    ucontext_t *u = ucontext;
    struct instruction i;
    uint64_t operand;
    if (!decode((const uint8_t *)(uintptr_t)u->uc_mcontext.gregs[REG_RIP], &i))
        return false;
    // An access that only reaches into the window from outside is not a register access.
    if (!operand_address(u, &i, host - address, &operand) || operand != host || address - window->base > window->size - i.size)
        return false;
    const struct access access = {window, address, u, &i};
    if (i.action == ACTION_XCHG)
        exchange(&access);
    else if (i.action >= ACTION_ADD)
        arithmetic(&access);
    else if (i.store)
        store(&access);
    else
        load(&access);
    u->uc_mcontext.gregs[REG_RIP] += i.decoded.length;
    return true;
}
