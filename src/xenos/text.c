// text.c: PM4 packets as text.
#include <stdarg.h>
#include <stdio.h>

#include "xenos/xenos.h"

enum { SHOWN_VALUES = 8 }; // of a long run, the rest is counted

// Appends to a buffer of fixed size; once something does not fit, nothing more is taken and `full` stays.
struct text {
    char *out;
    size_t used, size;
    bool full;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
    if (t->full) {
        return;
    }
    va_list args;
    va_start(args, format);
    int length = vsnprintf(t->out + t->used, t->size - t->used, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= t->size - t->used) {
        t->full = true;
    } else {
        t->used += (size_t)length;
    }
}

static void put_register(struct text *t, uint32_t index)
{
    const char *name = xenos_register_name(index);
    if (name) {
        put(t, " %s", name);
    } else {
        put(t, " reg%04X", index);
    }
}

static void put_address(struct text *t, uint32_t value)
{
    static const char *const swaps[4] = {"", "/8in16", "/8in32", "/16in32"};
    put(t, " [%08X%s]", value & ~UINT32_C(3), swaps[value & 3]);
}

static void put_constant(struct text *t, uint32_t value)
{
    const struct xenos_constants *kind = xenos_constants(value >> 16 & 0xFF);
    uint32_t index = value & 0x7FF;
    if (!kind) {
        put(t, " type%u+%03X", (unsigned)(value >> 16 & 0xFF), index);
        return;
    }
    put(t, " %s+%03X", kind->name, index);
    if (xenos_register_name(kind->first + index)) {
        put_register(t, kind->first + index);
    }
}

static void put_event(struct text *t, uint32_t value)
{
    const char *name = xenos_event_name(value);
    put(t, " %s", name ? name : "event");
    if (!name || value & ~UINT32_C(0x3F)) {
        put(t, "(%08X)", value);
    }
}

static void put_draw(struct text *t, uint32_t value)
{
    static const char *const sources[4] = {"dma", "immediate", "auto", "source3"};
    put(t, " primitive=%u %s indices=%u", value & 63, sources[value >> 6 & 3], value >> 16);
}

// `info` is the word that a "w" operand gave to the "p" and "q" operands after it.
static void put_wait(struct text *t, uint32_t info)
{
    static const char *const functions[8] = {"never", "<", "<=", "==", "!=", ">=", ">", "always"};
    put(t, " %s(%X)", functions[info & 7], info);
}

static void put_space(struct text *t, bool memory, uint32_t value)
{
    if (memory) {
        put_address(t, value);
    } else {
        put_register(t, value);
    }
}

static void put_signature(struct text *t, uint32_t value)
{
    put(t, " '");
    for (int shift = 24; shift >= 0; shift -= 8) {
        unsigned c = value >> shift & 0xFF;
        put(t, "%c", c >= 0x20 && c < 0x7F ? (int)c : '.');
    }
    put(t, "'");
}

static void put_operand(struct text *t, char kind, uint32_t value, uint32_t info)
{
    switch (kind) {
    case 'r':
        put_register(t, value & 0xFFFF);
        break;
    case 'm':
        put_register(t, value & 0x1FFF);
        put(t, "%s%s", value >> 31 ? " and-register" : "", value >> 30 & 1 ? " or-register" : "");
        break;
    case 'a':
        put_address(t, value);
        break;
    case 'b':
        put(t, " [%08X]", value);
        break;
    case 'e':
        put_event(t, value);
        break;
    case 'c':
        put_constant(t, value);
        break;
    case 'd':
        put_draw(t, value);
        break;
    case 'w':
        put_wait(t, value);
        break;
    case 'p':
        put_space(t, info & 0x10, value);
        break;
    case 'q':
        put_space(t, info & 0x100, value);
        break;
    case 's':
        put_signature(t, value);
        break;
    default:
        put(t, " %08X", value);
        break;
    }
}

static void put_operands(struct text *t, const char *kinds, const uint32_t *payload, size_t count)
{
    uint32_t info = 0;
    char kind = 'x';
    for (size_t i = 0; i < count; i++) {
        if (i >= SHOWN_VALUES && (*kinds == '*' || *kinds == 0)) {
            put(t, " +%zu", count - i);
            return;
        }
        if (*kinds && *kinds != '*') {
            kind = *kinds++;
        } else if (*kinds == 0) {
            kind = 'x';
        }
        if (kind == 'w') {
            info = payload[i];
        }
        put_operand(t, kind, payload[i], info);
    }
}

static void put_type0(struct text *t, const struct xenos_packet *p, const uint32_t *payload, size_t count)
{
    put(t, p->one_register ? "WRITE_ONE" : "WRITE");
    for (size_t i = 0; i < count; i++) {
        if (i >= SHOWN_VALUES) {
            put(t, " +%zu", count - i);
            return;
        }
        if (i == 0 || !p->one_register) {
            put_register(t, p->registers[0] + (uint32_t)i);
            put(t, "=%08X", payload[i]);
        } else {
            put(t, ",%08X", payload[i]);
        }
    }
}

static void put_type1(struct text *t, const struct xenos_packet *p, const uint32_t *payload, size_t count)
{
    put(t, "WRITE_TWO");
    for (size_t i = 0; i < count; i++) {
        put_register(t, p->registers[i]);
        put(t, "=%08X", payload[i]);
    }
}

static void put_type3(struct text *t, const struct xenos_packet *p, const uint32_t *payload, size_t count)
{
    const struct xenos_pm4 *row = xenos_pm4(p->opcode);
    if (row) {
        put(t, "%s", row->name);
    } else {
        put(t, "OPCODE_%02X", p->opcode);
    }
    put(t, "%s", p->predicated ? " predicated" : "");
    put_operands(t, row ? row->args : "x*", payload, count);
    if (row && (p->payload < row->min || p->payload > row->max)) {
        put(t, " (%u dwords, expected %u to %u)", p->payload, row->min, row->max);
    }
}

static void put_packet(struct text *t, const struct xenos_packet *p, const uint32_t *payload, size_t count)
{
    switch (p->type) {
    case 0:
        put_type0(t, p, payload, count);
        break;
    case 1:
        put_type1(t, p, payload, count);
        break;
    case 3:
        put_type3(t, p, payload, count);
        break;
    default:
        put(t, "FILLER");
        break;
    }
}

size_t xenos_pm4_text(const uint32_t *dwords, size_t count, char *out, size_t size)
{
    struct text t = {.out = out, .size = size};
    if (size == 0) {
        return 0;
    }
    out[0] = 0;
    size_t done = 0;
    while (done < count) {
        struct xenos_packet p = xenos_packet(dwords[done]);
        size_t there = count - done - 1 < p.payload ? count - done - 1 : p.payload;
        size_t line = t.used;
        put(&t, "%06zX: %08X ", done, p.header);
        put_packet(&t, &p, dwords + done + 1, there);
        if (there < p.payload) {
            put(&t, " (cut off: %zu of %u dwords)", there, p.payload);
        }
        put(&t, "\n");
        if (t.full) {
            out[line] = 0;
            break;
        }
        done += 1 + there;
    }
    return done;
}
