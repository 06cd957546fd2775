// JSON Lines, schema v1, as the reference logs have it (docs/formats/trace.md).
#include <string.h>

#include "trace/writer.h"

// Everything below appends to `raw` behind a reservation that covers the whole event.
struct line {
    struct trace_buffer *out;
};

static void put_bytes(struct line *l, const char *text, size_t length)
{
    memcpy(l->out->data + l->out->used, text, length);
    l->out->used += length;
}

static void put(struct line *l, const char *text)
{
    put_bytes(l, text, strlen(text));
}

static void put_dec(struct line *l, uint64_t value)
{
    char digits[20];
    size_t n = sizeof digits;
    do
        digits[--n] = (char)('0' + value % 10);
    while (value /= 10);
    put_bytes(l, digits + n, sizeof digits - n);
}

static void put_signed(struct line *l, uint64_t value)
{
    if (value >> 63) {
        put(l, "-");
        value = 0 - value;
    }
    put_dec(l, value);
}

// "0x" and at least `least` digits, in quotes.
static void put_hex(struct line *l, uint64_t value, unsigned least)
{
    char digits[16];
    size_t n = sizeof digits;
    while (value || sizeof digits - n < least || n == sizeof digits) {
        digits[--n] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }
    put(l, "\"0x");
    put_bytes(l, digits + n, sizeof digits - n);
    put(l, "\"");
}

// Bytes of a well-formed UTF-8 sequence at `p`, or 0.
static size_t utf8_length(const uint8_t *p, size_t left)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
    if (p[0] < 0x80)
        return 1;
    if (!n || n > left)
        return 0;
    uint32_t code = p[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3F);
    }
    bool bad = code < least[n] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000);
    return bad ? 0 : n;
}

static void put_escape(struct line *l, uint8_t byte)
{
    static const char short_form[][3] = {['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"};
    if (byte == '"' || byte == '\\') {
        put_bytes(l, (const char[]){'\\', (char)byte}, 2);
    } else if (byte < sizeof short_form / sizeof *short_form && short_form[byte][0]) {
        put(l, short_form[byte]);
    } else {
        put(l, "\\u00");
        put_bytes(l, (const char[]){"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]}, 2);
    }
}

// At most six bytes for each of `text`, and two quotes.
static void put_string(struct line *l, const char *text, size_t length)
{
    const uint8_t *p = (const uint8_t *)text;
    put(l, "\"");
    for (size_t i = 0; i < length;) {
        size_t n = utf8_length(p + i, length - i);
        if (!n || p[i] < 0x20 || p[i] == '"' || p[i] == '\\' || p[i] == 0x7F) {
            put_escape(l, p[i++]);
        } else {
            put_bytes(l, text + i, n);
            i += n;
        }
    }
    put(l, "\"");
}

static void put_text(struct line *l, const char *text)
{
    put_string(l, text ? text : "", text ? strnlen(text, TRACE_MAX_TEXT_BYTES) : 0);
}

static void put_style(struct line *l, enum trace_style style, uint64_t value, bool single)
{
    const char *type = trace_object_type_name(value);
    switch (style) {
    case TRACE_STYLE_SIGNED:
        put_signed(l, value);
        break;
    case TRACE_STYLE_HEX:
        put_hex(l, value, 1);
        break;
    case TRACE_STYLE_HEX8:
        put_hex(l, (uint32_t)value, 8);
        break;
    case TRACE_STYLE_BOOL:
        put(l, value ? "true" : "false");
        break;
    case TRACE_STYLE_TYPE:
        if (type)
            put_text(l, type);
        else
            put_dec(l, value);
        break;
    case TRACE_STYLE_MODE:
        put(l, single ? "\"single\"" : value ? "\"any\"" : "\"all\"");
        break;
    case TRACE_STYLE_TIMEOUT:
        if (value == UINT64_MAX)
            put(l, "null");
        else
            put_signed(l, value);
        break;
    default:
        put_dec(l, value);
        break;
    }
}

static void put_key(struct line *l, bool *first, const char *name)
{
    put(l, *first ? "\"" : ",\"");
    put(l, name);
    put(l, "\":");
    *first = false;
}

static void put_list(struct line *l, const struct trace_parts *parts, unsigned from, enum trace_style style)
{
    put(l, "[");
    for (unsigned i = from; i < parts->count; i++) {
        if (i != from)
            put(l, ",");
        put_style(l, style, parts->fields[i], false);
    }
    put(l, "]");
}

static const struct trace_export *find_export(const struct trace *t, const struct trace_parts *parts)
{
    static const struct trace_export unknown = {.module = "", .name = "?"};
    return parts->count && parts->fields[0] < t->export_count ? &t->exports[parts->fields[0]] : &unknown;
}

static void put_import(struct line *l, const struct trace_export *e)
{
    put(l, "\"ord\":");
    put_dec(l, e->ordinal);
    put(l, ",\"name\":");
    put_text(l, e->name);
    put(l, ",\"module\":");
    put_text(l, e->module);
    if (e->unimplemented)
        put(l, ",\"unimplemented\":true");
}

// The payload of every kind but calls and returns: the fields by name; a repeated one is a list and comes first.
static void put_payload(struct line *l, const struct trace *t, const struct trace_parts *parts)
{
    const struct trace_kind_info *kind = &t->kinds[parts->kind];
    bool first = true;
    unsigned plain = kind->count - (kind->repeats ? 1 : 0);
    unsigned repeated = parts->count > plain ? parts->count - plain : 0;
    if (kind->repeats) {
        const struct trace_field *list = &kind->fields[plain];
        put_key(l, &first, list->name);
        put_list(l, parts, plain, list->style);
        if (parts->kind == TRACE_WAIT_BEGIN) {
            put_key(l, &first, "handles_semantic_ids");
            put_list(l, parts, plain, list->style);
        }
    }
    for (unsigned i = 0; i < plain && i < parts->count; i++) {
        if (kind->fields[i].style == TRACE_STYLE_EXPORT) {
            put_import(l, find_export(t, parts));
            first = false;
            continue;
        }
        put_key(l, &first, kind->fields[i].name);
        put_style(l, kind->fields[i].style, parts->fields[i], repeated == 1);
    }
    for (unsigned i = 0; i < parts->text_count; i++)
        if (parts->texts[i].field < kind->text_count) {
            put_key(l, &first, kind->texts[parts->texts[i].field]);
            put_text(l, parts->texts[i].text);
        }
}

static void put_start(struct line *l, const struct trace_where *where, const char *kind, uint64_t index, bool deterministic)
{
    put(l, "{\"schema_version\":1,\"engine\":\"ours\",\"kind\":\"");
    put(l, kind);
    put(l, "\",\"tid\":");
    put_dec(l, where->tid);
    put(l, ",\"tid_event_idx\":");
    put_dec(l, index);
    put(l, ",\"guest_cycle\":");
    put_dec(l, where->cycle);
    put(l, ",\"host_ns\":0,\"deterministic\":");
    put(l, deterministic ? "true,\"payload\":{" : "false,\"payload\":{");
}

static void put_end(struct line *l)
{
    put(l, "}}\n");
}

// `name`:{"arg0":"0x.."} from the pairs behind the first `from` fields; nothing when there is none.
static void put_pairs(struct line *l, const char *name, const struct trace_parts *parts, unsigned from)
{
    if (parts->count < from + 2)
        return;
    put(l, ",\"");
    put(l, name);
    put(l, "\":{");
    for (unsigned i = from; i + 1 < parts->count; i += 2) {
        put(l, i == from ? "\"arg" : ",\"arg");
        put_dec(l, parts->fields[i]);
        put(l, "\":");
        put_hex(l, parts->fields[i + 1], 1);
    }
    put(l, "}");
}

static void put_call(struct line *l, const struct trace_export *e, const struct trace_parts *parts)
{
    put(l, "\"ord\":");
    put_dec(l, e->ordinal);
    put(l, ",\"name\":");
    put_text(l, e->name);
    put(l, ",\"args\":[");
    unsigned given = parts->count ? parts->count - 1 : 0;
    unsigned args = given < e->arg_count ? given : e->arg_count;
    for (unsigned i = 0; i < args; i++) {
        if (i)
            put(l, ",");
        bool wide = i < 64 && (e->wide_args >> i & 1);
        put_hex(l, wide ? parts->fields[1 + i] : (uint32_t)parts->fields[1 + i], 1);
    }
    put(l, "]");
    for (unsigned i = 0; i < parts->text_count; i++) {
        put(l, i ? ",\"arg" : ",\"args_resolved\":{\"arg");
        put_dec(l, parts->texts[i].field);
        put(l, "\":");
        put_text(l, parts->texts[i].text);
    }
    if (parts->text_count)
        put(l, "}");
    put_pairs(l, "in", parts, 1 + e->arg_count);
    put(l, ",\"lr\":");
    put_hex(l, parts->where->lr, 8);
}

static void put_return(struct line *l, const struct trace_export *e, const struct trace_parts *parts)
{
    uint64_t r3 = parts->count > 1 ? parts->fields[1] : 0;
    put(l, "\"name\":");
    put_text(l, e->name);
    put(l, ",\"return_value\":");
    put_dec(l, r3);
    put(l, ",\"status\":");
    put_hex(l, (uint32_t)r3, 8);
    if (e->returns_void)
        put(l, ",\"void\":true");
    put_pairs(l, "out", parts, 2);
}

// The rule that the reference logs state: false on the machine's own threads, for interrupts, for times, and at the end of
// a wait that may time out.
static bool is_deterministic(const struct trace_export *e, const struct trace_parts *parts, const struct trace_tid *row)
{
    if (parts->where->tid <= 5 || parts->kind == TRACE_INTERRUPT_BEGIN || parts->kind == TRACE_INTERRUPT_END)
        return false;
    if (parts->kind == TRACE_RETURN)
        return !e->returns_time;
    return parts->kind != TRACE_WAIT_END || !row->finite_wait;
}

// More than any event needs: constant words, and for each field or text its key, digits, escapes.
static size_t room_for(const struct trace *t, const struct trace_parts *parts)
{
    const struct trace_export *e = find_export(t, parts);
    size_t room = 2048 + (size_t)parts->count * 96 + 12 * (strlen(e->name ? e->name : "") + strlen(e->module ? e->module : ""));
    for (unsigned i = 0; i < parts->text_count; i++)
        room += 64 + 6 * (parts->texts[i].text ? strnlen(parts->texts[i].text, TRACE_MAX_TEXT_BYTES) : 0);
    return room;
}

static bool event(struct trace *t, const struct trace_parts *parts)
{
    struct trace_tid *row = trace_tids_get(&t->tids, parts->where->tid);
    if (!row || !trace_buffer_reserve(&t->raw, room_for(t, parts)))
        return trace_no_memory(t);
    const struct trace_export *e = find_export(t, parts);
    bool deterministic = is_deterministic(e, parts, row);
    uint64_t index = trace_take_index(row, parts);
    struct line l = {&t->raw};
    if (parts->kind == TRACE_WAIT_BEGIN)
        row->finite_wait = parts->count > 1 && parts->fields[1] != UINT64_MAX;
    if (parts->kind == TRACE_CALL) {
        put_start(&l, parts->where, "import.call", index - 1, deterministic);
        put_import(&l, e);
        put_end(&l);
    }
    put_start(&l, parts->where, t->kinds[parts->kind].name, index, deterministic);
    if (parts->kind == TRACE_CALL)
        put_call(&l, e, parts);
    else if (parts->kind == TRACE_RETURN)
        put_return(&l, e, parts);
    else
        put_payload(&l, t, parts);
    put_end(&l);
    return true;
}

static bool flush(struct trace *t)
{
    return trace_write(t, t->raw.data, t->raw.used);
}

// The first line. It has index 0 and is not counted: the thread 0's next line has 0 too, as in the reference logs.
static bool begin(struct trace *t, const struct trace_header *header)
{
    size_t room = 1024 + 6 * strlen(header->title ? header->title : "");
    for (size_t i = 0; header->keys && header->keys[i]; i++)
        room += 16 + 6 * strlen(header->keys[i]);
    if (!trace_buffer_reserve(&t->raw, room))
        return trace_no_memory(t);
    struct line l = {&t->raw};
    const struct trace_where nowhere = {0};
    put_start(&l, &nowhere, "schema_version", 0, true);
    put(&l, "\"version\":1,\"emitter_build\":\"xenolith\",\"title\":");
    put_text(&l, header->title);
    put(&l, ",\"header\":{");
    for (size_t i = 0; header->keys && header->keys[i] && header->keys[i + 1]; i += 2) {
        if (i)
            put(&l, ",");
        put_text(&l, header->keys[i]);
        put(&l, ":");
        put_text(&l, header->keys[i + 1]);
    }
    put(&l, "}");
    put_end(&l);
    bool ok = trace_write(t, t->raw.data, t->raw.used);
    t->raw.used = 0;
    return ok;
}

static bool finish(struct trace *t)
{
    (void)t;
    return true;
}

const struct trace_form trace_form_jsonl = {begin, event, flush, finish};
