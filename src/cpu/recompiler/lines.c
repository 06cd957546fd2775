#include "cpu/recompiler/lines.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION = 4 };
static const uint32_t dwarf64 = 0xFFFFFFFF; // instead of a length

// Standard opcodes that do something here; of the others only the operands are skipped.
enum { COPY = 1, ADVANCE_PC = 2, ADVANCE_LINE = 3, CONST_ADD_PC = 8, FIXED_ADVANCE_PC = 9 };
enum { END_SEQUENCE = 1, SET_ADDRESS = 2 }; // extended ones

struct reader {
    const uint8_t *at, *end;
    bool damaged;
};

struct program {
    struct reader r;
    uint8_t shortest, line_range, opcode_base; // shortest: bytes of an instruction
    int8_t line_base;
    const uint8_t *operands; // how many each standard opcode has, from opcode 1 on
    uint64_t address;
    uint32_t line;
    struct line_rows *out;
};

static uint64_t fixed(struct reader *r, size_t size)
{
    uint64_t v = 0;
    if (size > sizeof v || (size_t)(r->end - r->at) < size) {
        r->damaged = true;
        r->at = r->end;
        return 0;
    }
    memcpy(&v, r->at, size);
    r->at += size;
    return v;
}

// LEB128.
static uint64_t variable(struct reader *r, bool is_signed)
{
    uint64_t v = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = (uint8_t)fixed(r, 1);
        if (shift < 64)
            v |= (uint64_t)(byte & 0x7F) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (is_signed && byte & 0x40 && shift < 64)
        v |= ~0ull << shift;
    return v;
}

static void add_row(struct program *p)
{
    struct line_rows *out = p->out;
    if (out->count == out->capacity) {
        size_t capacity = out->capacity ? 2 * out->capacity : 512;
        struct line_row *bigger = realloc(out->rows, capacity * sizeof *bigger);
        if (!bigger) {
            p->r.damaged = true;
            return;
        }
        out->rows = bigger;
        out->capacity = capacity;
    }
    out->rows[out->count++] = (struct line_row){p->address, p->line};
}

static void begin_sequence(struct program *p)
{
    p->address = 0;
    p->line = 1;
}

static void extended(struct program *p)
{
    uint64_t size = variable(&p->r, false);
    const uint8_t *next = p->r.at + size;
    if (!size || size > (uint64_t)(p->r.end - p->r.at)) {
        p->r.damaged = true;
        return;
    }
    uint8_t opcode = (uint8_t)fixed(&p->r, 1);
    if (opcode == SET_ADDRESS)
        p->address = fixed(&p->r, size - 1);
    else if (opcode == END_SEQUENCE) {
        p->line = 0; // what lies behind has none
        add_row(p);
        begin_sequence(p);
    }
    p->r.at = next;
}

static void advance(struct program *p, uint8_t special)
{
    p->address += (uint64_t)p->shortest * (special / p->line_range);
}

static void standard(struct program *p, uint8_t opcode)
{
    switch (opcode) {
    case COPY:
        add_row(p);
        break;
    case ADVANCE_PC:
        p->address += p->shortest * variable(&p->r, false);
        break;
    case ADVANCE_LINE:
        p->line += (uint32_t)variable(&p->r, true);
        break;
    case CONST_ADD_PC:
        advance(p, (uint8_t)(255 - p->opcode_base));
        break;
    case FIXED_ADVANCE_PC:
        p->address += fixed(&p->r, 2);
        break;
    default:
        for (unsigned i = 0; i < p->operands[opcode - 1]; i++)
            variable(&p->r, false);
    }
}

static void run(struct program *p)
{
    begin_sequence(p);
    while (p->r.at < p->r.end && !p->r.damaged) {
        uint8_t opcode = (uint8_t)fixed(&p->r, 1);
        if (!opcode) {
            extended(p);
        } else if (opcode < p->opcode_base) {
            standard(p, opcode);
        } else {
            uint8_t special = (uint8_t)(opcode - p->opcode_base);
            advance(p, special);
            p->line += (uint32_t)(p->line_base + special % p->line_range);
            add_row(p);
        }
    }
}

// The header's directories and files are of no use here.
static bool read_header(struct program *p)
{
    if (fixed(&p->r, 2) != VERSION)
        return false;
    uint64_t rest = fixed(&p->r, 4);
    const uint8_t *code = p->r.at + rest;
    if (rest > (uint64_t)(p->r.end - p->r.at))
        return false;
    p->shortest = (uint8_t)fixed(&p->r, 1);
    fixed(&p->r, 2); // operations an instruction; whether rows begin a statement
    p->line_base = (int8_t)fixed(&p->r, 1);
    p->line_range = (uint8_t)fixed(&p->r, 1);
    p->opcode_base = (uint8_t)fixed(&p->r, 1);
    p->operands = p->r.at;
    p->r.at = code;
    return p->line_range && p->opcode_base && p->operands + p->opcode_base - 1 <= code;
}

bool lines_read(const uint8_t *section, size_t size, struct line_rows *out)
{
    *out = (struct line_rows){0};
    struct reader r = {section, section + size, false};
    while (r.at < r.end && !r.damaged) {
        uint64_t length = fixed(&r, 4);
        if (length == dwarf64 || length > (uint64_t)(r.end - r.at))
            r.damaged = true;
        if (r.damaged)
            break;
        struct program p = {.r = {r.at, r.at + length, false}, .out = out};
        r.damaged = !read_header(&p);
        if (!r.damaged)
            run(&p);
        r.damaged |= p.r.damaged;
        r.at += length;
    }
    if (r.damaged)
        free(out->rows);
    return !r.damaged;
}
