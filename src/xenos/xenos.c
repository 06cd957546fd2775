// xenos.c: look-ups in the tables, and the few rules of packets that everyone shares.
#include "xenos/xenos.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct register_row {
    uint32_t index;
    const char *name;
    const char *source;
};

static const struct register_row register_rows[] = {
#define REGISTER(index, name, source) {index, #name, source},
#include "xenos/registers.def"
#undef REGISTER
};

static const struct register_row *find_register(uint32_t index)
{
    size_t low = 0, high = COUNT(register_rows);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (register_rows[middle].index == index) {
            return &register_rows[middle];
        }
        if (register_rows[middle].index < index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const char *xenos_register_name(uint32_t index)
{
    const struct register_row *row = find_register(index);
    return row ? row->name : NULL;
}

const char *xenos_register_source(uint32_t index)
{
    const struct register_row *row = find_register(index);
    return row ? row->source : NULL;
}

const struct xenos_constants *xenos_constants(uint32_t type)
{
    static const struct xenos_constants kinds[XENOS_CONSTANT_KINDS] = {
        {"ALU", XENOS_REG_SHADER_CONSTANT_000_X},
        {"FETCH", XENOS_REG_SHADER_CONSTANT_FETCH_00_0},
        {"BOOL", XENOS_REG_SHADER_CONSTANT_BOOL_000_031},
        {"LOOP", XENOS_REG_SHADER_CONSTANT_LOOP_00},
        {"REGISTERS", 0x2000},
    };
    return type < XENOS_CONSTANT_KINDS ? &kinds[type] : NULL;
}

const char *xenos_event_name(uint32_t initiator)
{
    static const char *const names[64] = {
#define EVENT(value, name) [value] = #name,
#include "xenos/events.def"
#undef EVENT
    };
    return names[initiator & 63];
}

const struct xenos_pm4 *xenos_pm4(uint32_t opcode)
{
#define ANY XENOS_MAX_PAYLOAD
    static const struct xenos_pm4 rows[128] = {
#define PM4(opcode_, name, min, max, state, args, note)                                                                \
    [opcode_] = {#name, opcode_, min, max, XENOS_##state, args, note},
#include "xenos/pm4.def"
#undef PM4
    };
#undef ANY
    return opcode < COUNT(rows) && rows[opcode].name ? &rows[opcode] : NULL;
}

const char *xenos_pm4_name(uint32_t opcode)
{
    const struct xenos_pm4 *row = xenos_pm4(opcode);
    return row ? row->name : NULL;
}

struct xenos_packet xenos_packet(uint32_t header)
{
    struct xenos_packet p = {.header = header, .type = header >> 30};
    if (header == 0 || header == 0x0BADF00D) {
        p.type = 2;
        return p;
    }
    switch (p.type) {
    case 0:
        p.payload = (header >> 16 & 0x3FFF) + 1;
        p.registers[0] = header & 0x7FFF;
        p.one_register = header >> 15 & 1;
        break;
    case 1:
        p.payload = 2;
        p.registers[0] = header & 0x7FF;
        p.registers[1] = header >> 11 & 0x7FF;
        break;
    case 3:
        p.payload = (header >> 16 & 0x3FFF) + 1;
        p.opcode = header >> 8 & 0x7F;
        p.predicated = header & 1;
        break;
    default:
        break;
    }
    return p;
}

uint32_t xenos_swap(uint32_t value, uint32_t endian)
{
    switch (endian & 3) {
    case 1:
        return (value << 8 & 0xFF00FF00) | (value >> 8 & 0x00FF00FF);
    case 2:
        return __builtin_bswap32(value);
    case 3:
        return value << 16 | value >> 16;
    default:
        return value;
    }
}

bool xenos_compare(uint32_t function, uint32_t value, uint32_t reference)
{
    switch (function & 7) {
    case 0:
        return false;
    case 1:
        return value < reference;
    case 2:
        return value <= reference;
    case 3:
        return value == reference;
    case 4:
        return value != reference;
    case 5:
        return value >= reference;
    case 6:
        return value > reference;
    default:
        return true;
    }
}
