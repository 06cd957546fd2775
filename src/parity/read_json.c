// Lines of JSON: schema v1, and bare {idx, call, payload}. A scanner takes a line's members apart in one pass; what it does
// not take (escapes in keys, exponents, odd spacing) goes through the full parser of trace/json_line.h.
#include <string.h>

#include "parity/reader_parts.h"
#include "trace/json_line.h"

enum { MAX_MEMBERS = 40 };

struct member {
    const char *key;
    unsigned key_length;
    struct json_value value;
};

struct members {
    unsigned count;
    struct member rows[MAX_MEMBERS];
};

// ---- The scanner: compact JSON only. Each returns the place behind, or NULL: not taken.

static const char *scan_string(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '"')
            return p + 1;
        if (*p == '\\')
            p++;
        else if ((unsigned char)*p < 0x20)
            return NULL;
    }
    return NULL;
}

static const char *scan_number(const char *p, const char *end)
{
    const char *start = p;
    p += *p == '-';
    const char *digits = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p > digits && p < end && p - start < 22 && *p != '.' && *p != 'e' && *p != 'E' ? p : NULL;
}

static const char *scan_word(const char *p, const char *end, const char *word, size_t length)
{
    return (size_t)(end - p) > length && !memcmp(p, word, length) ? p + length : NULL;
}

static const char *scan_value(const char *p, const char *end, struct json_value *out, unsigned depth);

// An object or array: only its end is looked for, by the same rules.
static const char *scan_container(const char *p, const char *end, unsigned depth)
{
    bool object = *p == '{';
    char close = object ? '}' : ']';
    struct json_value ignored;
    p++;
    if (p < end && *p == close)
        return p + 1;
    while (depth < JSON_MAX_DEPTH && p < end) {
        if (object) {
            p = *p == '"' ? scan_string(p, end) : NULL;
            if (!p || p >= end || *p++ != ':')
                return NULL;
        }
        p = p < end ? scan_value(p, end, &ignored, depth + 1) : NULL;
        if (!p || p >= end)
            return NULL;
        if (*p == close)
            return p + 1;
        if (*p++ != ',')
            return NULL;
    }
    return NULL;
}

static const char *scan_value(const char *p, const char *end, struct json_value *out, unsigned depth)
{
    out->start = p;
    const char *after = NULL;
    switch (*p) {
    case '"':
        out->type = JSON_STRING;
        after = scan_string(p, end);
        break;
    case '{':
        out->type = JSON_OBJECT;
        after = scan_container(p, end, depth);
        break;
    case '[':
        out->type = JSON_ARRAY;
        after = scan_container(p, end, depth);
        break;
    case 't':
        out->type = JSON_TRUE;
        after = scan_word(p, end, "true", 4);
        break;
    case 'f':
        out->type = JSON_FALSE;
        after = scan_word(p, end, "false", 5);
        break;
    case 'n':
        out->type = JSON_NULL;
        after = scan_word(p, end, "null", 4);
        break;
    default:
        out->type = JSON_NUMBER;
        after = scan_number(p, end);
        break;
    }
    out->end = after;
    return after;
}

// Members of an object whose text is [p, end). `open_payload`: the value of "payload" is returned by its start only, to be
// scanned once; *rest is then the text behind... its end, which the caller finds.
static const char *scan_members(const char *p, const char *end, struct members *out)
{
    out->count = 0;
    if (p >= end || *p++ != '{')
        return NULL;
    if (p < end && *p == '}')
        return p + 1;
    while (p < end && out->count < MAX_MEMBERS) {
        struct member *m = &out->rows[out->count++];
        const char *after = *p == '"' ? scan_string(p, end) : NULL;
        if (!after || after >= end || *after != ':')
            return NULL;
        m->key = p + 1;
        m->key_length = (unsigned)(after - p - 2);
        if (memchr(m->key, '\\', m->key_length))
            return NULL;
        p = after + 1;
        p = p < end ? scan_value(p, end, &m->value, 1) : NULL;
        if (!p || p >= end)
            return NULL;
        if (*p == '}')
            return p + 1;
        if (*p++ != ',')
            return NULL;
    }
    return NULL;
}

// The full parser's members. Further ones than MAX_MEMBERS are left out.
static bool parse_members(const struct json_value *object, struct members *out)
{
    struct json_value key, value;
    out->count = 0;
    if (object->type != JSON_OBJECT)
        return false;
    const char *at = json_first(object);
    while (out->count < MAX_MEMBERS && json_next_member(object, &at, &key, &value))
        out->rows[out->count++] = (struct member){key.start + 1, (unsigned)(key.end - key.start - 2), value};
    return true;
}

static bool get_members(const struct json_value *object, struct members *out)
{
    return scan_members(object->start, object->end, out) == object->end || parse_members(object, out);
}

static const struct json_value *find(const struct members *m, const char *name)
{
    size_t length = strlen(name);
    for (unsigned i = 0; i < m->count; i++)
        if (m->rows[i].key_length == length && !memcmp(m->rows[i].key, name, length))
            return &m->rows[i].value;
    return NULL;
}

// ---- Values

// The bits of a number, of "0x..." in either case, of a string of digits, of true and false.
static bool bits_of(const struct json_value *v, uint64_t *out)
{
    if (!v)
        return false;
    if (v->type != JSON_STRING)
        return json_bits(v, out);
    const char *p = v->start + 1, *end = v->end - 1;
    bool hex = end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
    bool negative = !hex && p < end && *p == '-';
    p += hex ? 2 : negative;
    if (p >= end || end - p > (hex ? 16 : 20))
        return false;
    uint64_t value = 0;
    for (; p < end; p++) {
        unsigned c = (unsigned char)*p, digit = c - '0';
        if (digit > 9)
            digit = hex ? ((c | 0x20) - 'a' < 6 ? (c | 0x20) - 'a' + 10 : 99) : 99;
        if (digit == 99)
            return false;
        value = hex ? value << 4 | digit : value * 10 + digit;
    }
    *out = negative ? 0 - value : value;
    return true;
}

static bool member_bits(const struct members *m, const char *name, uint64_t *out)
{
    return bits_of(find(m, name), out);
}

static bool is_name(const char *p, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)p[i];
        if (!(c == '_' || c == '@' || c == '?' || c == '.' || c == '#' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')))
            return false;
    }
    return length > 0 && length < 128;
}

// The name of a call. False when it is none.
static bool get_name(struct par_reader *r, struct par_event *e, const struct json_value *v)
{
    if (!v || v->type != JSON_STRING || !is_name(v->start + 1, (size_t)(v->end - v->start - 2)))
        return false;
    e->call = par_intern(r, v->start + 1, (size_t)(v->end - v->start - 2));
    if (e->call == UINT32_MAX)
        return false;
    e->name = r->names[e->call].text;
    return true;
}

static void add_text(struct par_reader *r, struct par_event *e, unsigned field, const struct json_value *v)
{
    char text[1024];
    par_add_text(r, e, field, text, json_text(v, text, sizeof text));
}

static bool add_list(struct par_event *e, const struct json_value *list)
{
    if (!list || list->type != JSON_ARRAY)
        return false;
    struct json_value value;
    const char *at = json_first(list);
    while (json_next_element(list, &at, &value)) {
        uint64_t bits = 0;
        if (value.type != JSON_NULL && !bits_of(&value, &bits))
            return false;
        if (e->count < PAR_MAX_FIELDS)
            e->fields[e->count++] = bits;
    }
    return true;
}

static int arg_number(const struct member *m)
{
    if (m->key_length < 4 || m->key_length > 6 || memcmp(m->key, "arg", 3) != 0)
        return -1;
    int number = 0;
    for (unsigned i = 3; i < m->key_length; i++) {
        if (m->key[i] < '0' || m->key[i] > '9')
            return -1;
        number = number * 10 + (m->key[i] - '0');
    }
    return number < 255 ? number : -1;
}

// ---- Payloads

static void add_resolved(struct par_reader *r, struct par_event *e, const struct json_value *resolved)
{
    struct members m;
    if (!resolved || resolved->type != JSON_OBJECT || !get_members(resolved, &m))
        return;
    for (unsigned i = 0; i < m.count; i++) {
        const struct json_value *text = &m.rows[i].value;
        struct members inner;
        int number = arg_number(&m.rows[i]);
        if (text->type == JSON_OBJECT)
            text = get_members(text, &inner) ? find(&inner, "name") : NULL;
        if (text && text->type == JSON_STRING)
            add_text(r, e, number < 0 ? 255 : (unsigned)number, text);
    }
}

static void mix_garbage(struct par_event *e, uint64_t value)
{
    e->garbage_hash = (e->garbage_hash ^ value) * 0x9E3779B97F4A7C15u;
    e->garbage_hash ^= e->garbage_hash >> 29;
    e->garbage_count++;
}

// Values behind pointers before the call, and leftover registers: counted and hashed, since nobody compares them by default.
static void add_garbage(struct par_event *e, const struct json_value *in, const struct json_value *registers)
{
    struct members m;
    struct json_value value;
    uint64_t bits;
    if (in && in->type == JSON_OBJECT && get_members(in, &m))
        for (unsigned i = 0; i < m.count; i++)
            if (bits_of(&m.rows[i].value, &bits))
                mix_garbage(e, bits);
    if (!registers || registers->type != JSON_ARRAY)
        return;
    const char *at = json_first(registers);
    while (json_next_element(registers, &at, &value))
        if (bits_of(&value, &bits))
            mix_garbage(e, bits);
}

// Return addresses behind lr, where an engine tells them.
static bool add_stack(struct par_event *e, const struct json_value *list)
{
    struct json_value value;
    uint64_t bits;
    if (!list)
        return true;
    if (list->type != JSON_ARRAY)
        return false;
    const char *at = json_first(list);
    while (json_next_element(list, &at, &value)) {
        if (!bits_of(&value, &bits))
            return false;
        if (e->stack_count < sizeof e->stack / sizeof *e->stack)
            e->stack[e->stack_count++] = (uint32_t)bits;
    }
    return true;
}

static bool read_call(struct par_reader *r, struct par_event *e, const struct members *m)
{
    uint64_t bits = 0;
    if (!get_name(r, e, find(m, "name")) || !add_list(e, find(m, "args")))
        return false;
    e->ordinal = (uint16_t)(member_bits(m, "ord", &bits) ? bits : 0);
    e->lr = member_bits(m, "lr", &bits) ? (uint32_t)bits : 0;
    add_resolved(r, e, find(m, "args_resolved"));
    add_garbage(e, find(m, "in"), find(m, "ctx_args"));
    return add_stack(e, find(m, "stack"));
}

static bool read_return(struct par_reader *r, struct par_event *e, const struct members *m)
{
    uint64_t bits = 0;
    const struct json_value *out = find(m, "out");
    if (!get_name(r, e, find(m, "name")))
        return false;
    e->has_result = member_bits(m, "return_value", &e->fields[0]);
    if (!e->has_result)
        return false;
    e->count = 1;
    e->is_void = member_bits(m, "void", &bits) && bits;
    struct members pairs;
    if (!out)
        return true;
    if (out->type != JSON_OBJECT || !get_members(out, &pairs))
        return false;
    for (unsigned i = 0; i < pairs.count; i++) {
        int number = arg_number(&pairs.rows[i]);
        if (number < 0 || !bits_of(&pairs.rows[i].value, &bits))
            return false;
        if (e->pair_count < PAR_MAX_PAIRS)
            e->pairs[e->pair_count++] = (struct par_pair){(uint8_t)number, bits};
    }
    return true;
}

static bool read_import(struct par_reader *r, struct par_event *e, const struct members *m)
{
    uint64_t bits = 0;
    e->import = true;
    e->kind = TRACE_KIND_COUNT;
    e->ordinal = (uint16_t)(member_bits(m, "ord", &bits) ? bits : 0);
    e->unimplemented = member_bits(m, "unimplemented", &bits) && bits;
    return get_name(r, e, find(m, "name"));
}

static bool field_bits(const struct trace_field *field, const struct json_value *v, uint64_t *out)
{
    char name[64];
    *out = 0;
    if (v->type == JSON_NULL) {
        *out = UINT64_MAX;
        return field->style == TRACE_STYLE_TIMEOUT;
    }
    if (v->type == JSON_STRING && field->style == TRACE_STYLE_TYPE) {
        json_text(v, name, sizeof name);
        int number = trace_object_type_by_name(name);
        *out = number < 0 ? 0 : (uint64_t)number;
        return true;
    }
    if (v->type == JSON_STRING && field->style == TRACE_STYLE_MODE) {
        *out = !json_is(v, "all");
        return true;
    }
    return bits_of(v, out);
}

// Every other kind: the fields that events.def names.
static bool read_other(struct par_reader *r, struct par_event *e, const struct members *m)
{
    const struct trace_kind_info *kind = &r->kinds[e->kind];
    unsigned plain = kind->count - (kind->repeats ? 1 : 0);
    for (unsigned i = 0; i < plain; i++) {
        const struct trace_field *field = &kind->fields[i];
        const struct json_value *v = find(m, field->name);
        uint64_t bits = 0;
        if (field->style == TRACE_STYLE_EXPORT) {
            if (!get_name(r, e, find(m, "name")))
                return false;
        } else if (v && !field_bits(field, v, &bits)) {
            return false;
        } else if (!v && !strcmp(field->name, "guest")) {
            bits = 1; // an engine that does not say so logs the title's threads
        }
        e->fields[e->count++] = bits;
    }
    if (kind->repeats) {
        const struct json_value *list = find(m, kind->fields[plain].name);
        if (!list && e->kind == TRACE_WAIT_BEGIN)
            list = find(m, "handles_semantic_ids");
        if (list && !add_list(e, list))
            return false;
    }
    for (unsigned i = 0; i < kind->text_count; i++) {
        const struct json_value *v = find(m, kind->texts[i]);
        if (v && v->type == JSON_STRING)
            add_text(r, e, i, v);
    }
    return true;
}

static void read_header(struct par_reader *r, const struct members *m)
{
    const struct json_value *v = find(m, "title");
    struct members keys;
    if (v && v->type == JSON_STRING)
        json_text(v, r->title, sizeof r->title);
    v = find(m, "emitter_build");
    if (v && v->type == JSON_STRING)
        par_add_key(r, "emitter_build", 13, v->start + 1, (size_t)(v->end - v->start - 2));
    v = find(m, "header");
    if (!v || v->type != JSON_OBJECT || !get_members(v, &keys))
        return;
    for (unsigned i = 0; i < keys.count; i++)
        if (keys.rows[i].value.type == JSON_STRING)
            par_add_key(r, keys.rows[i].key, keys.rows[i].key_length, keys.rows[i].value.start + 1,
                        (size_t)(keys.rows[i].value.end - keys.rows[i].value.start - 2));
}

static enum trace_kind kind_of(const struct json_value *v)
{
    char name[TRACE_MAX_NAME];
    if (json_is(v, "kernel.call"))
        return TRACE_CALL;
    if (json_is(v, "kernel.return"))
        return TRACE_RETURN;
    if ((size_t)(v->end - v->start) - 2 >= sizeof name || !json_text(v, name, sizeof name))
        return TRACE_KIND_COUNT;
    return trace_kind_by_name(name);
}

static bool read_schema(struct par_reader *r, struct par_event *e, const struct members *top)
{
    const struct json_value *kind = find(top, "kind"), *payload = find(top, "payload"), *engine = find(top, "engine");
    uint64_t tid, bits = 0;
    struct members m;
    if (!kind || kind->type != JSON_STRING || !payload || payload->type != JSON_OBJECT || !member_bits(top, "tid", &tid) ||
        tid > UINT32_MAX || !member_bits(top, "tid_event_idx", &e->tid_index) || !get_members(payload, &m))
        return false;
    e->tid = (uint32_t)tid;
    if (member_bits(top, "guest_cycle", &bits) && bits)
        e->ns = bits / 16 * 5;
    else if (member_bits(top, "host_ns", &bits))
        e->ns = bits;
    if (!*r->engine && engine && engine->type == JSON_STRING)
        json_text(engine, r->engine, sizeof r->engine);
    if (json_is(kind, "import.call"))
        return read_import(r, e, &m);
    e->kind = kind_of(kind);
    if (e->kind == TRACE_CALL)
        return read_call(r, e, &m);
    if (e->kind == TRACE_RETURN)
        return read_return(r, e, &m);
    if (e->kind == TRACE_SCHEMA)
        read_header(r, &m);
    return e->kind == TRACE_KIND_COUNT || read_other(r, e, &m);
}

// {"idx": 161, "call": "MmAllocatePhysicalMemoryEx", "payload": {"return_value": ..., "status": ...}}: a return without its call.
static bool read_bare(struct par_reader *r, struct par_event *e, const struct members *top)
{
    const struct json_value *name = find(top, "call"), *payload = find(top, "payload");
    uint64_t tid = 6, bits = 0;
    struct members m = {0};
    if (!name)
        name = find(top, "name");
    if (!get_name(r, e, name) || (payload && (payload->type != JSON_OBJECT || !get_members(payload, &m))))
        return false;
    e->kind = TRACE_RETURN;
    if (member_bits(top, "tid", &tid) && tid > UINT32_MAX)
        return false;
    e->tid = (uint32_t)tid;
    const char *const value_names[] = {"return_value", "status"};
    for (unsigned i = 0; i < 2 && !e->has_result; i++) {
        const struct json_value *v = find(&m, value_names[i]);
        if (!v || v->type == JSON_NULL)
            continue;
        if (!bits_of(v, &e->fields[0]))
            return false;
        e->has_result = true;
        e->count = 1;
    }
    const struct json_value *args = find(&m, "args");
    if (args && args->type == JSON_ARRAY) {
        // Arguments in a bare line become pairs of no pointer: they are kept as values behind argument 128 + n.
        struct par_event list = {0};
        if (!add_list(&list, args))
            return false;
        for (unsigned i = 0; i < list.count && e->pair_count < PAR_MAX_PAIRS; i++)
            e->pairs[e->pair_count++] = (struct par_pair){(uint8_t)(128 + i), list.fields[i]};
    }
    e->lr = member_bits(&m, "lr", &bits) ? (uint32_t)bits : 0;
    e->tid_index = par_take_index(r, e->tid, 1);
    return true;
}

static bool line_members(const char *text, size_t length, struct members *out)
{
    const char *end = text + length;
    if (scan_members(text, end, out) == end)
        return true;
    struct json_value object;
    return json_parse(&object, text, length) && parse_members(&object, out);
}

bool par_read_json(struct par_reader *r, struct par_event *e, const char *text, size_t length, bool *skip)
{
    struct members top;
    *skip = false;
    if (!line_members(text, length, &top))
        return false;
    if (r->form == PAR_BARE)
        return read_bare(r, e, &top);
    return read_schema(r, e, &top);
}

bool par_is_schema(const char *text, size_t length)
{
    struct members top;
    if (!line_members(text, length, &top))
        return false;
    const struct json_value *kind = find(&top, "kind"), *payload = find(&top, "payload");
    struct members m;
    uint64_t version;
    return kind && payload && kind->type == JSON_STRING && json_is(kind, "schema_version") && payload->type == JSON_OBJECT &&
           get_members(payload, &m) && member_bits(&m, "version", &version) && version == 1;
}

bool par_is_bare(const char *text, size_t length)
{
    struct members top;
    if (!line_members(text, length, &top) || find(&top, "kind"))
        return false;
    const struct json_value *call = find(&top, "call");
    return find(&top, "idx") && call && call->type == JSON_STRING;
}
