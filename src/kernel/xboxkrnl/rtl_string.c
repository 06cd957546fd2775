// Rtl*: counted strings, comparison, case, and conversion between bytes and UTF-16. Titles' byte strings are Latin-1
// here.
#include <string.h>

#include "kernel/api.h"
#include "kernel/state.h"

enum { STRING_SIZE = 8, STRING_MAXIMUM = 2, STRING_BUFFER = 4 }; // ANSI_STRING and UNICODE_STRING

struct counted {
    uint16_t length, maximum; // bytes
    gva buffer;
};

static bool get_string(const struct krnl_call *c, gva at, struct counted *s)
{
    *s = (struct counted){0};
    return at && mem_get16(c->mem, at, &s->length) && mem_get16(c->mem, at + STRING_MAXIMUM, &s->maximum) &&
           mem_get32(c->mem, at + STRING_BUFFER, &s->buffer);
}

static bool put_string(struct krnl_call *c, gva at, const struct counted *s)
{
    if (!mem_valid(c->mem, at, STRING_SIZE, MEM_WRITE))
        return false;
    mem_set16(c->mem, at, s->length);
    mem_set16(c->mem, at + STRING_MAXIMUM, s->maximum);
    return mem_set32(c->mem, at + STRING_BUFFER, s->buffer);
}

// Length of a terminated string in units of `unit` bytes, as far as memory goes; at most `most`.
static uint32_t string_length(const struct krnl_call *c, gva at, unsigned unit, uint32_t most)
{
    uint32_t n = 0;
    uint8_t byte;
    uint16_t half;
    while (n < most &&
           (unit == 1 ? mem_get8(c->mem, at + n, &byte) && byte : mem_get16(c->mem, at + 2 * n, &half) && half))
        n++;
    return n;
}

void RtlInitAnsiString(struct krnl_call *c, uint32_t destination, uint32_t source)
{
    uint32_t n = source ? string_length(c, source, 1, 0xFFFF) : 0;
    put_string(c, destination, &(struct counted){(uint16_t)n, source ? (uint16_t)(n + 1) : 0, source});
}

uint32_t RtlInitUnicodeString(struct krnl_call *c, uint32_t destination, uint32_t source)
{
    uint32_t n = source ? string_length(c, source, 2, 0x7FFE) : 0;
    put_string(c, destination, &(struct counted){(uint16_t)(2 * n), source ? (uint16_t)(2 * n + 2) : 0, source});
    return destination;
}

// ---- Case. Latin-1 as the console's tables have it: y with diaeresis has no capital in it and becomes '?'.

static uint8_t upper_byte(uint8_t b)
{
    if ((b >= 'a' && b <= 'z') || (b >= 0xE0 && b <= 0xFE && b != 0xF7))
        return (uint8_t)(b - 0x20);
    if (b == 0xF7)
        return 0xD7;
    return b == 0xFF ? '?' : b;
}

static uint8_t lower_byte(uint8_t b)
{
    return (b >= 'A' && b <= 'Z') || (b >= 0xC0 && b <= 0xDE && b != 0xD7) ? (uint8_t)(b + 0x20) : b;
}

static uint16_t upper_unit(uint16_t u)
{
    if (u < 0x100)
        return u == 0xFF ? 0x178 : u == 0xF7 ? u : u == 0xB5 ? u : upper_byte((uint8_t)u);
    if (u >= 0x3B1 && u <= 0x3C9 && u != 0x3C2)
        return (uint16_t)(u - 0x20); // Greek
    if (u >= 0x430 && u <= 0x44F)
        return (uint16_t)(u - 0x20); // Cyrillic
    return u >= 0x450 && u <= 0x45F ? (uint16_t)(u - 0x50) : u;
}

static uint16_t lower_unit(uint16_t u)
{
    if (u < 0x100)
        return lower_byte((uint8_t)u);
    if (u == 0x178)
        return 0xFF;
    if (u >= 0x391 && u <= 0x3A9 && u != 0x3A2)
        return (uint16_t)(u + 0x20);
    if (u >= 0x410 && u <= 0x42F)
        return (uint16_t)(u + 0x20);
    return u >= 0x400 && u <= 0x40F ? (uint16_t)(u + 0x50) : u;
}

uint32_t RtlUpperChar(struct krnl_call *c, uint32_t character)
{
    (void)c;
    return upper_byte((uint8_t)character);
}

uint32_t RtlLowerChar(struct krnl_call *c, uint32_t character)
{
    (void)c;
    return lower_byte((uint8_t)character);
}

uint32_t RtlUpcaseUnicodeChar(struct krnl_call *c, uint32_t character)
{
    (void)c;
    return upper_unit((uint16_t)character);
}

uint32_t RtlDowncaseUnicodeChar(struct krnl_call *c, uint32_t character)
{
    (void)c;
    return lower_unit((uint16_t)character);
}

// ---- Comparison: the difference of the first units that differ, else of the lengths.

static uint32_t unit_at(const struct krnl_call *c, gva at, unsigned unit, bool fold)
{
    uint8_t byte = 0;
    uint16_t half = 0;
    if (unit == 1) {
        mem_get8(c->mem, at, &byte);
        return fold ? upper_byte(byte) : byte;
    }
    mem_get16(c->mem, at, &half);
    return fold ? upper_unit(half) : half;
}

// How many bytes are surely equal: a title may give gigabytes as a length. What cannot be read counts as zeros, as in unit_at.
static uint32_t equal_bytes(const struct krnl_call *c, gva a, gva b, uint32_t length)
{
    enum { PAGE = 0x1000 };
    static const uint8_t zeros[PAGE];
    uint32_t done = 0, size;
    for (; done < length; done += size) {
        uint32_t a_room = PAGE - (a + done) % PAGE, b_room = PAGE - (b + done) % PAGE;
        size = a_room < b_room ? a_room : b_room;
        size = size < length - done ? size : length - done;
        const uint8_t *x = mem_at(c->mem, a + done, size, MEM_READ), *y = mem_at(c->mem, b + done, size, MEM_READ);
        if ((x || y) && memcmp(x ? x : zeros, y ? y : zeros, size) != 0)
            break;
    }
    return done;
}

static int32_t compare(const struct krnl_call *c, gva a, uint32_t a_units, gva b, uint32_t b_units, unsigned unit,
                       bool fold)
{
    uint32_t shorter = a_units < b_units ? a_units : b_units;
    if (shorter && (!mem_valid(c->mem, a, shorter * unit, MEM_READ) || !mem_valid(c->mem, b, shorter * unit, MEM_READ)))
        log_write(c->k->log, LOG_GUEST, "rtl", "%s of 0x%08x and 0x%08x, which are not all readable", c->row->name, a,
                  b);
    for (uint32_t i = unit == 1 ? equal_bytes(c, a, b, shorter) : 0; i < shorter; i++) {
        uint32_t x = unit_at(c, a + i * unit, unit, fold), y = unit_at(c, b + i * unit, unit, fold);
        if (x != y)
            return (int32_t)(x - y);
    }
    return (int32_t)(a_units - b_units);
}

static int32_t compare_counted(const struct krnl_call *c, gva a, gva b, unsigned unit, bool fold)
{
    struct counted x, y;
    get_string(c, a, &x);
    get_string(c, b, &y);
    return compare(c, x.buffer, x.length / unit, y.buffer, y.length / unit, unit, fold);
}

uint32_t RtlCompareString(struct krnl_call *c, uint32_t a, uint32_t b, uint32_t fold)
{
    return (uint32_t)compare_counted(c, a, b, 1, fold != 0);
}

uint32_t RtlCompareUnicodeString(struct krnl_call *c, uint32_t a, uint32_t b, uint32_t fold)
{
    return (uint32_t)compare_counted(c, a, b, 2, fold != 0);
}

uint32_t RtlCompareStringN(struct krnl_call *c, uint32_t a, uint32_t a_length, uint32_t b, uint32_t b_length,
                           uint32_t fold)
{
    enum { LONGEST = 0x100000 };
    if (a_length == UINT32_MAX)
        a_length = string_length(c, a, 1, LONGEST);
    if (b_length == UINT32_MAX)
        b_length = string_length(c, b, 1, LONGEST);
    return (uint32_t)compare(c, a, a_length, b, b_length, 1, fold != 0);
}

// ---- Copying

static bool copy_bytes(struct krnl_call *c, gva to, gva from, uint32_t bytes)
{
    if (!bytes)
        return true;
    const void *source = mem_at(c->mem, from, bytes, MEM_READ);
    void *target = mem_at(c->mem, to, bytes, MEM_WRITE);
    if (!source || !target)
        return false;
    memmove(target, source, bytes);
    return true;
}

static void copy_string(struct krnl_call *c, gva destination, gva source)
{
    struct counted to, from;
    if (!get_string(c, destination, &to))
        return;
    get_string(c, source, &from);
    uint16_t bytes = from.length < to.maximum ? from.length : to.maximum;
    mem_set16(c->mem, destination, copy_bytes(c, to.buffer, from.buffer, bytes) ? bytes : 0);
}

void RtlCopyString(struct krnl_call *c, uint32_t destination, uint32_t source)
{
    copy_string(c, destination, source);
}

void RtlCopyUnicodeString(struct krnl_call *c, uint32_t destination, uint32_t source)
{
    copy_string(c, destination, source);
}

static nt_status append(struct krnl_call *c, gva destination, gva from, uint32_t bytes, unsigned unit)
{
    struct counted to;
    if (!get_string(c, destination, &to))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    uint32_t total = to.length + bytes;
    if (total > to.maximum)
        return (nt_status)STATUS_BUFFER_TOO_SMALL;
    if (!copy_bytes(c, to.buffer + to.length, from, bytes))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    mem_set16(c->mem, destination, (uint16_t)total);
    if (unit == 2 && total + 2 <= to.maximum)
        mem_set16(c->mem, to.buffer + total, 0);
    return STATUS_SUCCESS;
}

uint32_t RtlAppendStringToString(struct krnl_call *c, uint32_t destination, uint32_t source)
{
    struct counted from;
    get_string(c, source, &from);
    return append(c, destination, from.buffer, from.length, 1);
}

uint32_t RtlAppendUnicodeStringToString(struct krnl_call *c, uint32_t destination, uint32_t source)
{
    struct counted from;
    get_string(c, source, &from);
    return append(c, destination, from.buffer, from.length, 2);
}

uint32_t RtlAppendUnicodeToString(struct krnl_call *c, uint32_t destination, uint32_t source)
{
    return source ? append(c, destination, source, 2 * string_length(c, source, 2, 0x8000), 2) : STATUS_SUCCESS;
}

// ---- Strings with a buffer of the system heap

static void free_string(struct krnl_call *c, gva string)
{
    struct counted s;
    if (!get_string(c, string, &s))
        return;
    krnl_system_free(c->k, s.buffer);
    put_string(c, string, &(struct counted){0});
}

void RtlFreeAnsiString(struct krnl_call *c, uint32_t string)
{
    free_string(c, string);
}

void RtlFreeUnicodeString(struct krnl_call *c, uint32_t string)
{
    free_string(c, string);
}

uint32_t RtlCreateUnicodeString(struct krnl_call *c, uint32_t destination, uint32_t source)
{
    uint32_t units = string_length(c, source, 2, 0x7FFE), bytes = 2 * units;
    if (!mem_valid(c->mem, destination, STRING_SIZE, MEM_WRITE))
        return 0;
    gva buffer = krnl_system_alloc(c->k, bytes + 2);
    if (!buffer)
        return 0;
    copy_bytes(c, buffer, source, bytes);
    mem_set16(c->mem, buffer + bytes, 0);
    return put_string(c, destination, &(struct counted){(uint16_t)bytes, (uint16_t)(bytes + 2), buffer});
}

// ---- Conversion

static uint8_t narrow(uint16_t u)
{
    return u < 0x100 ? (uint8_t)u : '?';
}

static bool narrow_units(struct krnl_call *c, gva to, gva from, uint32_t units)
{
    if (units && (!mem_valid(c->mem, to, units, MEM_WRITE) || !mem_valid(c->mem, from, 2 * units, MEM_READ)))
        return false;
    for (uint32_t i = 0; i < units; i++) {
        uint16_t u = 0;
        mem_get16(c->mem, from + 2 * i, &u);
        mem_set8(c->mem, to + i, narrow(u));
    }
    return true;
}

static bool widen_bytes(struct krnl_call *c, gva to, gva from, uint32_t units)
{
    if (units && (!mem_valid(c->mem, to, 2 * units, MEM_WRITE) || !mem_valid(c->mem, from, units, MEM_READ)))
        return false;
    for (uint32_t i = 0; i < units; i++) {
        uint8_t b = 0;
        mem_get8(c->mem, from + i, &b);
        mem_set16(c->mem, to + 2 * i, b);
    }
    return true;
}

static nt_status written(struct krnl_call *c, bool ok, gva written_ptr, uint32_t bytes)
{
    if (!ok || (written_ptr && !mem_set32(c->mem, written_ptr, bytes)))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    return STATUS_SUCCESS;
}

uint32_t RtlMultiByteToUnicodeN(struct krnl_call *c, uint32_t destination, uint32_t destination_length,
                                uint32_t written_ptr, uint32_t source, uint32_t source_length)
{
    uint32_t units = destination_length / 2 < source_length ? destination_length / 2 : source_length;
    return written(c, widen_bytes(c, destination, source, units), written_ptr, 2 * units);
}

uint32_t RtlUnicodeToMultiByteN(struct krnl_call *c, uint32_t destination, uint32_t destination_length,
                                uint32_t written_ptr, uint32_t source, uint32_t source_length)
{
    uint32_t units = source_length / 2 < destination_length ? source_length / 2 : destination_length;
    return written(c, narrow_units(c, destination, source, units), written_ptr, units);
}

uint32_t RtlMultiByteToUnicodeSize(struct krnl_call *c, uint32_t bytes_ptr, uint32_t source, uint32_t source_length)
{
    (void)source;
    return written(c, bytes_ptr != 0, bytes_ptr, 2 * source_length);
}

uint32_t RtlUnicodeToMultiByteSize(struct krnl_call *c, uint32_t bytes_ptr, uint32_t source, uint32_t source_length)
{
    (void)source;
    return written(c, bytes_ptr != 0, bytes_ptr, source_length / 2);
}

struct conversion {
    bool (*run)(struct krnl_call *c, gva to, gva from, uint32_t units);
    unsigned from_unit, to_unit;
};

// Into the destination's own buffer (cut where it is too small) or a new one. Lengths exclude the terminator that is
// written.
static nt_status convert(struct krnl_call *c, gva destination, gva source, bool allocate, const struct conversion *how)
{
    struct counted from, to;
    if (!get_string(c, source, &from) || !get_string(c, destination, &to))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    uint32_t units = from.length / how->from_unit, needed = (units + 1) * how->to_unit;
    if (needed > 0xFFFF)
        return (nt_status)STATUS_INVALID_PARAMETER_2;
    if (allocate)
        to = (struct counted){.maximum = (uint16_t)needed, .buffer = krnl_system_alloc(c->k, needed)};
    if (!to.buffer)
        return (nt_status)STATUS_NO_MEMORY;
    uint32_t room = to.maximum / how->to_unit, copied = units < room ? units : room ? room - 1 : 0;
    if (!how->run(c, to.buffer, from.buffer, copied))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    if (room &&
        !(how->to_unit == 1 ? mem_set8(c->mem, to.buffer + copied, 0) : mem_set16(c->mem, to.buffer + 2 * copied, 0)))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    to.length = (uint16_t)(copied * how->to_unit);
    if (!put_string(c, destination, &to))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    return copied < units ? (nt_status)STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

uint32_t RtlUnicodeStringToAnsiString(struct krnl_call *c, uint32_t destination, uint32_t source, uint32_t allocate)
{
    return convert(c, destination, source, allocate, &(struct conversion){narrow_units, 2, 1});
}

uint32_t RtlAnsiStringToUnicodeString(struct krnl_call *c, uint32_t destination, uint32_t source, uint32_t allocate)
{
    return convert(c, destination, source, allocate, &(struct conversion){widen_bytes, 1, 2});
}
