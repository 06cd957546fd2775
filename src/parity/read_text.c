// Text logs of xenia and xenia-canary: "d> F8000008 NtClose(F8000020)": level, thread (its handle), export, arguments. No results.
// Lines may be wrapped, cut, run into each other, coloured, end in CRLF; other messages lie between.
// Arguments: 8 hex digits (32 bits), 16 (64 bits), 4 (16 bits), a decimal number (signed), a floating number, or the word
// ContextArg (nothing is told); behind a pointer, in brackets, what it points to: hex, text, (root,path,attributes), (null).
#include <stdlib.h>
#include <string.h>

#include "exports/exports.h"
#include "parity/reader_parts.h"

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

// Whether "d> F8000008 " starts at p: a level and a thread.
static bool is_prefix(const char *p, const char *end)
{
    if (end - p < 12 || !(is_letter(p[0]) || p[0] == '!') || p[1] != '>' || p[2] != ' ' || p[11] != ' ')
        return false;
    for (int i = 3; i < 11; i++)
        if (!is_hex(p[i]))
            return false;
    return true;
}

static uint32_t hex8(const char *p)
{
    uint32_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 4 | (uint32_t)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
    return value;
}

// Drops ANSI sequences, carriage returns and other control characters. Returns the new length.
static size_t clean(char *text, size_t length)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == 0x1B && i + 1 < length && text[i + 1] == '[') {
            for (i += 2; i < length && !(text[i] >= '@' && text[i] <= '~'); i++)
                ;
            continue;
        }
        if (c >= 0x20 || c == '\t')
            text[used++] = text[i];
    }
    return used;
}

// Length of an export's name at p that is followed by '(', or 0.
static size_t call_name(const char *p, const char *end)
{
    const char *start = p;
    while (p < end && (is_letter(*p) || *p == '_' || (p > start && *p >= '0' && *p <= '9')))
        p++;
    return p < end && *p == '(' && p - start > 2 ? (size_t)(p - start) : 0;
}

// Whether all of it could be the start of an export's name: its bracket may come with the next line.
static bool is_word(const char *p, const char *end)
{
    bool word = p < end;
    for (; p < end && word; p++)
        word = is_letter(*p) || *p == '_' || (*p >= '0' && *p <= '9');
    return word;
}

// Another message that starts inside this one: two threads wrote at once.
static const char *run_in(const char *p, const char *end)
{
    for (; end - p >= 12; p++)
        if (p[1] == '>' && is_prefix(p, end))
            return p;
    return NULL;
}

// The value of one argument's word. False: it is none that a number can hold.
static bool word_value(const char *p, size_t length, uint64_t *out)
{
    char word[24];
    bool negative = length > 1 && p[0] == '-', hex = length > 0 && !negative, letters = false, digits = true;
    for (size_t i = negative; i < length; i++) {
        hex = hex && is_hex(p[i]);
        digits = digits && p[i] >= '0' && p[i] <= '9';
        letters = letters || !(p[i] >= '0' && p[i] <= '9');
    }
    if (!length || length >= sizeof word || (!hex && !(digits && length > (size_t)negative)))
        return false;
    memcpy(word, p, length);
    word[length] = 0;
    // Hexadecimal numbers come with all their digits; a short one of decimal digits alone is a decimal.
    bool padded = length == 8 || length == 16 || (length == 4 && (p[0] == '0' || letters)) || letters;
    *out = hex && padded ? strtoull(word, NULL, 16) : (uint32_t)strtoll(word, NULL, 10);
    return length <= 16 || !hex;
}

// One argument: its word, then what it points to in brackets. False when the text is cut here.
static bool read_argument(struct par_reader *r, struct par_event *e, const char **at, const char *end)
{
    const char *p = *at, *word = p;
    uint64_t value = 0;
    while (p < end && *p != ',' && *p != ')' && *p != '(' && *p != ' ')
        p++;
    size_t length = (size_t)(p - word);
    if (p == end)
        return false;
    bool number = word_value(word, length, &value);
    unsigned place = e->count;
    if (!number && !r->args_end)
        r->args_end = e->count + 1; // from here on nothing is known: a float, the context
    if (length && e->count < PAR_MAX_ARGS)
        e->fields[e->count++] = value;
    if (p < end && *p == '(' && length) {
        const char *inner = ++p;
        int depth = 1;
        for (; p < end && depth; p++)
            depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
        if (depth)
            return false;
        size_t n = (size_t)(p - 1 - inner);
        bool plain = n == 8 || n == 16;
        for (size_t i = 0; i < n && plain; i++)
            plain = is_hex(inner[i]);
        // Attributes of an object: "00000000,path,00000040". Their path is what counts.
        if (n > 18 && inner[8] == ',' && inner[n - 9] == ',') {
            inner += 9;
            n -= 18;
        }
        if (!plain)
            par_add_text(r, e, place, inner, n);
    }
    while (p < end && *p != ',' && *p != ')')
        p++;
    *at = p;
    return p < end;
}

static bool is_export(const char *name)
{
    for (int m = 0; m < EXP_MODULE_COUNT; m++)
        if (exp_find_name((enum exp_module)m, name))
            return true;
    return false;
}

// A call whose name starts at p. False: its end is not there.
static bool read_call(struct par_reader *r, struct par_event *e, const char *p, const char *end, size_t name)
{
    e->kind = TRACE_CALL;
    e->count = 0;
    e->text_count = 0;
    r->texts_used = 0;
    e->call = par_intern(r, p, name);
    e->name = e->call == UINT32_MAX ? "" : r->names[e->call].text;
    p += name + 1;
    r->args_end = 0;
    while (p < end && *p == ' ')
        p++;
    while (p < end && *p != ')') {
        if (!read_argument(r, e, &p, end))
            return false;
        while (p < end && (*p == ',' || *p == ' '))
            p++;
    }
    if (r->args_end)
        e->count = r->args_end - 1;
    return p < end && e->call != UINT32_MAX;
}

// Calls are told at levels i and d. Other parts of the engine write names with brackets too: those are messages.
static bool is_call(const struct par_event *e, char level, bool numbers)
{
    return is_export(e->name) || ((level == 'i' || level == 'd') && numbers);
}

static bool hold(struct par_reader *r, const char *text, size_t length)
{
    if (r->held_length + length >= sizeof r->held)
        return false;
    memcpy(r->held + r->held_length, text, length);
    r->held_length += length;
    return true;
}

static bool known_name(const char *p, size_t length)
{
    char name[128];
    if (length >= sizeof name)
        return false;
    memcpy(name, p, length);
    name[length] = 0;
    return is_export(name);
}

// The message in `held`, complete or not. True: a call.
static bool finish_held(struct par_reader *r, struct par_event *e, bool last_chance)
{
    const char *p = r->held, *end = r->held + r->held_length;
    size_t name = is_prefix(p, end) ? call_name(p + 12, end) : 0;
    memset(e, 0, offsetof(struct par_event, fields));
    e->text_count = e->pair_count = 0;
    if (name && read_call(r, e, p + 12, end, name)) {
        if (!is_call(e, p[0], !r->args_end)) {
            r->messages++;
            r->held_length = 0;
            return false;
        }
        e->tid = hex8(p + 3);
        e->index = r->held_line;
        e->tid_index = par_take_index(r, e->tid, 3) + 1;
        r->held_length = 0;
        return true;
    }
    if (!last_chance && is_prefix(p, end) && is_word(p + 12, end))
        return false;
    if (last_chance || !name) {
        if (name && known_name(p + 12, name))
            par_note_bad(r, r->held_line, r->held, r->held_length);
        else
            r->messages++;
        r->held_length = 0;
    }
    return false;
}

// Takes one cleaned line in; true when it completes a call.
static bool take(struct par_reader *r, struct par_event *e, const char *text, size_t length)
{
    bool prefix = is_prefix(text, text + length);
    if (prefix || !r->held_length) {
        if (!prefix) {
            r->messages++; // a message's further line, or none of ours
            return false;
        }
        r->held_length = 0;
        r->held_line = r->line;
    }
    if (!hold(r, text, length)) {
        par_note_bad(r, r->held_line, r->held, r->held_length);
        r->held_length = 0;
        return false;
    }
    return finish_held(r, e, false);
}

bool par_next_text(struct par_reader *r, struct par_event *e)
{
    struct par_line line;
    for (;;) {
        // The rest of a line that ran into another one comes first.
        if (r->rest_length) {
            char *p = r->rest + r->rest_at, *end = r->rest + r->rest_length;
            const char *next = is_prefix(p, end) ? run_in(p + 12, end) : run_in(p, end);
            size_t length = next ? (size_t)(next - p) : (size_t)(end - p);
            if (r->held_length && is_prefix(p, end) && finish_held(r, e, true))
                return true;
            r->rest_at += length;
            if (r->rest_at >= r->rest_length)
                r->rest_length = 0;
            if (take(r, e, p, length))
                return true;
            continue;
        }
        if (!par_source_line(r->source, &line))
            break;
        r->line++;
        if (line.cut || line.length >= sizeof r->rest) {
            par_note_bad(r, r->line, line.text, line.length);
            continue;
        }
        memcpy(r->rest, line.text, line.length);
        r->rest_length = clean(r->rest, line.length);
        r->rest_at = 0;
    }
    r->truncated = r->truncated || par_source_broken(r->source);
    return r->held_length && finish_held(r, e, true);
}

bool par_is_text_log(const char *text, size_t length)
{
    char copy[512];
    size_t n = length < sizeof copy ? length : sizeof copy;
    memcpy(copy, text, n);
    n = clean(copy, n);
    return is_prefix(copy, copy + n);
}
