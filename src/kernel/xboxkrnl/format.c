#include "kernel/xboxkrnl/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/api.h"
#include "kernel/state.h"

enum {
    TEXT_LIMIT = 0x100000, // units: longer than anything a title prints, short enough for a wild width
    DIGITS_MAX = 512,      // precision of numbers
    NUMBER_SIZE = 1024,
};

enum spec_size { SIZE_DEFAULT, SIZE_SHORT, SIZE_LONG, SIZE_64, SIZE_WIDE };

struct spec {
    bool left, plus, space, alternate, zero, negative;
    int32_t width, precision; // precision -1: not given
    enum spec_size size;
    uint16_t type;
};

struct formatter {
    struct format_text *text;
    struct format_arguments *arguments;
    const struct mem *mem;
    gva format;
    bool wide;
};

static bool is_reference(const struct formatter *f)
{
    return f->arguments->c->k->config.profile == KRNL_REFERENCE;
}

static void put(struct format_text *text, uint16_t unit)
{
    if (text->count == text->capacity) {
        uint32_t grown = text->capacity ? 2 * text->capacity : 256;
        uint16_t *more = grown <= TEXT_LIMIT ? realloc(text->units, grown * sizeof *more) : NULL;
        if (!more) {
            text->failed = true;
            text->no_memory = grown <= TEXT_LIMIT;
            return;
        }
        text->units = more;
        text->capacity = grown;
    }
    text->units[text->count++] = unit;
}

static void put_many(struct format_text *text, uint16_t unit, int64_t count)
{
    for (; count > 0 && !text->failed; count--)
        put(text, unit);
}

static uint16_t unit_at(const struct formatter *f, gva at, bool wide, bool *ok)
{
    uint8_t byte = 0;
    uint16_t half = 0;
    *ok = wide ? mem_get16(f->mem, at, &half) : mem_get8(f->mem, at, &byte);
    return wide ? half : byte;
}

static uint16_t peek(const struct formatter *f, unsigned ahead)
{
    bool ok;
    return unit_at(f, f->format + ahead * (f->wide ? 2 : 1), f->wide, &ok);
}

static uint16_t next(struct formatter *f)
{
    bool ok;
    uint16_t unit = unit_at(f, f->format, f->wide, &ok);
    f->text->failed |= !ok;
    f->format += f->wide ? 2 : 1;
    return unit;
}

static uint64_t argument(struct formatter *f)
{
    struct format_arguments *a = f->arguments;
    if (!a->list)
        return krnl_next_argument(a->c);
    uint64_t value = 0;
    f->text->failed |= !mem_get64(f->mem, a->at, &value);
    a->at += 8;
    return value;
}

// ---- Reading a specification: %[flags][width][.precision][size]type

static void parse_flags(struct formatter *f, struct spec *s)
{
    for (;; next(f)) {
        switch (peek(f, 0)) {
        case '-':
            s->left = true;
            break;
        case '+':
            s->plus = true;
            break;
        case ' ':
            s->space = true;
            break;
        case '#':
            s->alternate = true;
            break;
        case '0':
            s->zero = true;
            break;
        default:
            return;
        }
    }
}

static int32_t parse_number(struct formatter *f)
{
    int32_t n = 0;
    if (peek(f, 0) == '*') {
        next(f);
        return (int32_t)argument(f);
    }
    while (peek(f, 0) >= '0' && peek(f, 0) <= '9') {
        int32_t digit = next(f) - '0';
        n = n < TEXT_LIMIT ? 10 * n + digit : n;
    }
    return n;
}

static void parse_size(struct formatter *f, struct spec *s)
{
    for (;;) {
        switch (peek(f, 0)) {
        case 'h':
            s->size = SIZE_SHORT;
            break;
        case 'w':
            s->size = SIZE_WIDE;
            break;
        case 'L':
            break;
        case 'l':
            s->size = s->size == SIZE_LONG ? SIZE_64 : SIZE_LONG;
            break;
        case 'I':
            if (peek(f, 1) == '6' && peek(f, 2) == '4')
                s->size = SIZE_64;
            if (s->size == SIZE_64 || (peek(f, 1) == '3' && peek(f, 2) == '2'))
                next(f), next(f);
            break;
        default:
            return;
        }
        next(f);
    }
}

static void parse(struct formatter *f, struct spec *s)
{
    *s = (struct spec){.precision = -1};
    parse_flags(f, s);
    s->width = parse_number(f);
    if (s->width < 0) {
        s->left = true;
        s->width = s->width == INT32_MIN ? TEXT_LIMIT : -s->width;
    }
    if (peek(f, 0) == '.') {
        next(f);
        s->precision = parse_number(f);
        if (s->precision < 0)
            s->precision = -1;
    }
    parse_size(f, s);
    s->type = next(f);
}

// ---- Writing

// `prefix` (sign, 0x) stands before zeros that fill the width, behind blanks that do.
static void put_number(struct formatter *f, const struct spec *s, const char *prefix, const char *digits)
{
    int64_t padding = (int64_t)s->width - (int64_t)strlen(prefix) - (int64_t)strlen(digits);
    if (!s->left && !s->zero)
        put_many(f->text, ' ', padding);
    for (; *prefix; prefix++)
        put(f->text, (uint8_t)*prefix);
    if (s->zero && !s->left)
        put_many(f->text, '0', padding);
    for (; *digits; digits++)
        put(f->text, (uint8_t)*digits);
    if (s->left)
        put_many(f->text, ' ', padding);
}

static const char *sign(const struct spec *s)
{
    return s->negative ? "-" : s->plus ? "+" : s->space ? " " : "";
}

static void put_integer(struct formatter *f, struct spec *s, unsigned radix, const char *digits, bool is_signed)
{
    char buffer[NUMBER_SIZE];
    char *start = buffer + sizeof buffer - 1;
    uint64_t raw = argument(f), value = raw;
    if (s->size == SIZE_SHORT)
        value = is_signed ? (uint64_t)(int64_t)(int16_t)raw : (uint16_t)raw;
    else if (s->size != SIZE_64)
        value = is_signed ? (uint64_t)(int64_t)(int32_t)raw : (uint32_t)raw;
    s->negative = is_signed && (int64_t)value < 0;
    if (s->negative)
        value = 0 - value;
    int32_t least = s->precision < 0 ? 1 : s->precision < DIGITS_MAX ? s->precision : DIGITS_MAX;
    if (s->precision >= 0 && !is_reference(f))
        s->zero = false; // a precision says itself how many zeros there are
    bool zero = value == 0;
    *start = 0;
    while (least-- > 0 || value) {
        *--start = digits[value % radix];
        value /= radix;
    }
    if (radix == 8 && s->alternate && *start != '0')
        *--start = '0';
    const char *prefix = is_signed                                                   ? sign(s)
                         : radix == 16 && s->alternate && (!zero || is_reference(f)) ? s->type == 'x' ? "0x" : "0X"
                                                                                     : "";
    put_number(f, s, prefix, start);
}

// The console's library writes exponents with three digits at least: e+006.
static void widen_exponent(char *text)
{
    char *e = strpbrk(text, "eE");
    size_t digits = e ? strlen(e + 2) : 3;
    if (digits < 3) {
        memmove(e + 2 + (3 - digits), e + 2, digits + 1);
        memset(e + 2, '0', 3 - digits);
    }
}

static void put_double(struct formatter *f, struct spec *s)
{
    uint64_t bits = argument(f);
    double value;
    char format[8] = "%", digits[NUMBER_SIZE];
    memcpy(&value, &bits, sizeof value);
    s->negative = signbit(value) && !(value == 0 && is_reference(f));
    if (!isfinite(value)) {
        const char *text = is_reference(f) ? isnan(value) ? "nan" : "inf" : isnan(value) ? "1.#QNAN" : "1.#INF";
        s->zero = false;
        put_number(f, s, sign(s), text);
        return;
    }
    snprintf(format, sizeof format, "%%%s.*%c", s->alternate ? "#" : "", (char)s->type);
    int precision = s->precision < 0 ? 6 : s->precision < DIGITS_MAX ? s->precision : DIGITS_MAX;
    snprintf(digits, sizeof digits, format, precision, fabs(value));
    if (!is_reference(f) && s->type != 'a' && s->type != 'A')
        widen_exponent(digits);
    put_number(f, s, sign(s), digits);
}

// Bytes or UTF-16? "s" and "c" follow the format, "S" and "C" are the other kind, a size decides.
static bool is_wide(const struct formatter *f, const struct spec *s)
{
    if (s->size == SIZE_LONG || s->size == SIZE_WIDE)
        return true;
    if (s->size == SIZE_SHORT)
        return false;
    return (s->type == 'S' || s->type == 'C') != f->wide;
}

static uint16_t fitting(const struct formatter *f, uint16_t unit)
{
    return f->wide || unit < 0x100 ? unit : '?';
}

static void put_units(struct formatter *f, const struct spec *s, gva at, uint32_t count, bool wide)
{
    bool ok = true;
    int64_t padding = (int64_t)s->width - count;
    if (!s->left)
        put_many(f->text, s->zero ? '0' : ' ', padding);
    for (uint32_t i = 0; i < count && ok && !f->text->failed; i++)
        put(f->text, fitting(f, unit_at(f, at + i * (wide ? 2 : 1), wide, &ok)));
    f->text->failed |= !ok;
    if (s->left)
        put_many(f->text, ' ', padding);
}

static void put_string(struct formatter *f, struct spec *s)
{
    gva at = (uint32_t)argument(f);
    bool wide = is_wide(f, s), ok = true;
    uint32_t most = s->precision < 0 ? TEXT_LIMIT : (uint32_t)s->precision, count = 0;
    if (!at) {
        char text[8] = "(null)";
        text[most < 6 ? most : 6] = 0;
        put_number(f, s, "", text);
        return;
    }
    while (count < most && unit_at(f, at + count * (wide ? 2 : 1), wide, &ok) && ok)
        count++;
    f->text->failed |= !ok;
    put_units(f, s, at, count, wide);
}

// A counted string: UNICODE_STRING with a size of l or w, else ANSI_STRING.
static void put_counted(struct formatter *f, struct spec *s)
{
    gva at = (uint32_t)argument(f);
    bool wide = s->size == SIZE_LONG || s->size == SIZE_WIDE;
    uint16_t length;
    uint32_t buffer;
    if (!at || !mem_get16(f->mem, at, &length) || !mem_get32(f->mem, at + 4, &buffer) || !buffer) {
        put_number(f, s, "", "(null)");
        return;
    }
    put_units(f, s, buffer, wide ? length / 2 : length, wide);
}

static void put_character(struct formatter *f, struct spec *s)
{
    uint16_t unit = (uint16_t)argument(f);
    if (!is_wide(f, s))
        unit &= 0xFF;
    if (!s->left)
        put_many(f->text, s->zero ? '0' : ' ', (int64_t)s->width - 1);
    put(f->text, fitting(f, unit));
    if (s->left)
        put_many(f->text, ' ', (int64_t)s->width - 1);
}

static void store_count(struct formatter *f, const struct spec *s)
{
    gva at = (uint32_t)argument(f);
    struct mem *m = f->arguments->c->mem;
    if (s->size == SIZE_SHORT)
        mem_set16(m, at, (uint16_t)f->text->count);
    else
        mem_set32(m, at, f->text->count);
}

static void put_specified(struct formatter *f, struct spec *s)
{
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    switch (s->type) {
    case 'd':
    case 'i':
        put_integer(f, s, 10, lower, true);
        break;
    case 'u':
        put_integer(f, s, 10, lower, false);
        break;
    case 'o':
        put_integer(f, s, 8, lower, false);
        break;
    case 'x':
        put_integer(f, s, 16, lower, false);
        break;
    case 'X':
        put_integer(f, s, 16, upper, false);
        break;
    case 'p':
        s->precision = 8;
        s->size = SIZE_LONG;
        s->alternate = false;
        put_integer(f, s, 16, upper, false);
        break;
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
        put_double(f, s);
        break;
    case 'c':
    case 'C':
        put_character(f, s);
        break;
    case 's':
    case 'S':
        put_string(f, s);
        break;
    case 'Z':
        put_counted(f, s);
        break;
    case 'n':
        store_count(f, s);
        break;
    default:
        put(f->text, s->type); // %% too
    }
}

bool krnl_format(struct format_text *text, gva format, bool wide, struct format_arguments *arguments)
{
    struct formatter f = {text, arguments, arguments->c->mem, format, wide};
    for (uint16_t unit; !text->failed && (unit = next(&f)) != 0;) {
        if (unit != '%') {
            put(text, unit);
            continue;
        }
        struct spec s;
        parse(&f, &s);
        if (!s.type)
            break; // the format ends in a specification
        put_specified(&f, &s);
    }
    if (text->no_memory)
        krnl_host_failed(arguments->c->k, "out of memory");
    return !text->failed;
}

// ---- The exports. Each returns the number of characters without the terminator, or -1.

enum { UNBOUNDED = (int)0x7FFFFFFF };

static bool store(struct krnl_call *c, gva buffer, const struct format_text *text, uint32_t count, bool terminate,
                  bool wide)
{
    uint32_t unit = wide ? 2 : 1, bytes = (count + terminate) * unit;
    if (bytes && !mem_valid(c->mem, buffer, bytes, MEM_WRITE))
        return false;
    for (uint32_t i = 0; i < count + terminate; i++) {
        uint16_t u = i < count ? text->units[i] : 0;
        if (wide)
            mem_set16(c->mem, buffer + 2 * i, u);
        else
            mem_set8(c->mem, buffer + i, (uint8_t)u);
    }
    return true;
}

// Up to `room` characters; the terminator where it fits. More than that is -1, with what fits in the buffer.
static uint32_t print(struct krnl_call *c, gva buffer, uint32_t room, gva format, bool wide,
                      const struct format_arguments *from)
{
    struct format_text text = {0};
    struct format_arguments arguments = *from;
    if (!buffer || !format || (int32_t)room <= 0)
        return UINT32_MAX;
    uint32_t result = UINT32_MAX;
    if (krnl_format(&text, format, wide, &arguments)) {
        bool fits = text.count <= room;
        bool stored = store(c, buffer, &text, fits ? text.count : room, text.count < room, wide);
        result = fits && stored ? text.count : UINT32_MAX;
    } else
        store(c, buffer, &text, 0, true, wide);
    if (text.failed)
        log_write(c->k->log, LOG_GUEST, "format",
                  "%s: the format at 0x%08x asks for what is not in memory, or too long", c->row->name, format);
    free(text.units);
    return result;
}

static uint32_t count_only(gva format, bool wide, struct format_arguments arguments)
{
    struct format_text text = {0};
    bool ok = format && krnl_format(&text, format, wide, &arguments);
    free(text.units);
    return ok ? text.count : UINT32_MAX;
}

#define CALL_ARGUMENTS (&(struct format_arguments){.c = c})
#define LIST_ARGUMENTS (&(struct format_arguments){.c = c, .list = true, .at = va_list_ptr})

uint32_t krnl_sprintf(struct krnl_call *c, uint32_t buffer, uint32_t format)
{
    return print(c, buffer, UNBOUNDED, format, false, CALL_ARGUMENTS);
}

uint32_t krnl__snprintf(struct krnl_call *c, uint32_t buffer, uint32_t count, uint32_t format)
{
    return print(c, buffer, count, format, false, CALL_ARGUMENTS);
}

uint32_t krnl__scprintf(struct krnl_call *c, uint32_t format)
{
    return count_only(format, false, *CALL_ARGUMENTS);
}

uint32_t krnl_swprintf(struct krnl_call *c, uint32_t buffer, uint32_t format)
{
    return print(c, buffer, UNBOUNDED, format, true, CALL_ARGUMENTS);
}

uint32_t krnl__snwprintf(struct krnl_call *c, uint32_t buffer, uint32_t count, uint32_t format)
{
    return print(c, buffer, count, format, true, CALL_ARGUMENTS);
}

uint32_t krnl__scwprintf(struct krnl_call *c, uint32_t format)
{
    return count_only(format, true, *CALL_ARGUMENTS);
}

uint32_t krnl_vsprintf(struct krnl_call *c, uint32_t buffer, uint32_t format, uint32_t va_list_ptr)
{
    return print(c, buffer, UNBOUNDED, format, false, LIST_ARGUMENTS);
}

uint32_t krnl__vsnprintf(struct krnl_call *c, uint32_t buffer, uint32_t count, uint32_t format, uint32_t va_list_ptr)
{
    return print(c, buffer, count, format, false, LIST_ARGUMENTS);
}

uint32_t krnl__vscprintf(struct krnl_call *c, uint32_t format, uint32_t va_list_ptr)
{
    return count_only(format, false, *LIST_ARGUMENTS);
}

uint32_t krnl_vswprintf(struct krnl_call *c, uint32_t buffer, uint32_t format, uint32_t va_list_ptr)
{
    return print(c, buffer, UNBOUNDED, format, true, LIST_ARGUMENTS);
}

uint32_t krnl__vsnwprintf(struct krnl_call *c, uint32_t buffer, uint32_t count, uint32_t format, uint32_t va_list_ptr)
{
    return print(c, buffer, count, format, true, LIST_ARGUMENTS);
}

uint32_t krnl__vscwprintf(struct krnl_call *c, uint32_t format, uint32_t va_list_ptr)
{
    return count_only(format, true, *LIST_ARGUMENTS);
}

// ---- xam's names for the same

uint32_t krnl_wsprintfA(struct krnl_call *c, uint32_t buffer, uint32_t format)
{
    return print(c, buffer, UNBOUNDED, format, false, CALL_ARGUMENTS);
}

uint32_t krnl_wsprintfW(struct krnl_call *c, uint32_t buffer, uint32_t format)
{
    return print(c, buffer, UNBOUNDED, format, true, CALL_ARGUMENTS);
}

// ---- DbgPrint

uint32_t DbgPrint(struct krnl_call *c, uint32_t format)
{
    struct format_text text = {0};
    if (!format)
        return (nt_status)STATUS_INVALID_PARAMETER;
    krnl_format(&text, format, false, CALL_ARGUMENTS);
    char *bytes = malloc(text.count + 1);
    if (bytes) {
        for (uint32_t i = 0; i < text.count; i++)
            bytes[i] = (char)text.units[i];
        bytes[text.count] = 0;
        krnl_emit(c->k, c->thread, TRACE_DEBUG_PRINT, 0, NULL, bytes);
        if (c->k->config.print)
            c->k->config.print(c->k->config.print_user, bytes);
    } else
        krnl_host_failed(c->k, "out of memory");
    free(bytes);
    free(text.units);
    return STATUS_SUCCESS;
}
