// JSON Lines of schema v1, of any engine: each line becomes a record of our own event model where it can.
#include <stdlib.h>
#include <string.h>

#include "trace/json_line.h"
#include "trace/reader_parts.h"

enum { MAX_LINE_BYTES = 1 << 20, NAME_BYTES = 128, FIRST_FOREIGN_TYPE = 1000 };

// The common fields of a line.
struct line {
    struct json_value kind, payload;
    uint64_t tid, tid_index, cycle;
};

static void note_bad(struct trace_reader *r)
{
    if (!r->damage.bad_lines++)
        r->damage.first_bad = r->line_number;
}

// Decompresses more text behind the window. False when there is no more.
static bool refill(struct trace_reader *r)
{
    size_t kept = r->window.used - r->window_at;
    memmove(r->window.data, r->window.data + r->window_at, kept);
    r->window.used = kept;
    r->window_at = 0;
    if (!trace_buffer_reserve(&r->window, ZSTD_DStreamOutSize()))
        return false;
    ZSTD_outBuffer out = {r->window.data, r->window.capacity, r->window.used};
    ZSTD_inBuffer in = {r->data, r->size, r->at};
    size_t before = out.pos;
    while (out.pos == before) {
        size_t in_before = in.pos;
        size_t result = ZSTD_decompressStream(r->zstd, &out, &in);
        bool stuck = in.pos == in.size && out.pos == before;
        if (in.pos > in_before || ZSTD_isError(result))
            r->frame_open = result != 0;
        if (stuck || ZSTD_isError(result))
            r->damage.truncated = r->frame_open;
        if (ZSTD_isError(result))
            in.pos = in.size;
        if (ZSTD_isError(result) || stuck)
            break;
    }
    r->at = in.pos;
    trace_reader_drop(r);
    r->window.used = out.pos;
    return out.pos > before;
}

// The next line without its end. *whole is false for the last one of a file that does not end in a newline.
static bool next_line(struct trace_reader *r, const char **line, size_t *length, bool *whole)
{
    size_t searched = 0;
    for (;;) {
        const uint8_t *start = r->compressed ? r->window.data + r->window_at : r->data + r->at;
        size_t left = r->compressed ? r->window.used - r->window_at : r->size - r->at;
        const uint8_t *end = left > searched ? memchr(start + searched, '\n', left - searched) : NULL;
        searched = left;
        if (!end && r->compressed && left <= MAX_LINE_BYTES && refill(r))
            continue;
        if (!end && !left)
            return false;
        // A compressed line beyond the limit is handed out in pieces; each is bad.
        start = r->compressed ? r->window.data + r->window_at : start;
        *line = (const char *)start;
        *length = end ? (size_t)(end - start) : left;
        *whole = end != NULL;
        size_t used = *length + (end ? 1 : 0);
        if (r->compressed)
            r->window_at += used;
        else
            r->at += used;
        if (!r->compressed)
            trace_reader_drop(r);
        r->line_number++;
        return true;
    }
}

static bool parse_line(struct line *out, struct trace_reader *r, const char *text, size_t length)
{
    struct json_value object, key, value;
    *out = (struct line){.kind.type = JSON_NULL, .payload.type = JSON_NULL};
    if (length > MAX_LINE_BYTES || !json_parse(&object, text, length) || object.type != JSON_OBJECT)
        return false;
    const char *at = json_first(&object);
    bool tid = false;
    while (json_next_member(&object, &at, &key, &value)) {
        if (json_is(&key, "kind"))
            out->kind = value;
        else if (json_is(&key, "payload"))
            out->payload = value;
        else if (json_is(&key, "tid"))
            tid = json_bits(&value, &out->tid) && out->tid <= UINT32_MAX;
        else if (json_is(&key, "tid_event_idx") && !json_bits(&value, &out->tid_index))
            return false;
        else if (json_is(&key, "guest_cycle") && !json_bits(&value, &out->cycle))
            return false;
        else if (json_is(&key, "engine") && !*r->engine && value.type == JSON_STRING) {
            char engine[NAME_BYTES];
            const char *kept = trace_tables_string(&r->tables, engine, json_text(&value, engine, sizeof engine));
            r->engine = kept ? kept : "";
        }
    }
    return tid && out->kind.type == JSON_STRING && out->payload.type == JSON_OBJECT;
}

// A member by name; type JSON_NULL and false when there is none.
static bool member(const struct json_value *object, const char *name, struct json_value *value)
{
    struct json_value key;
    const char *at = json_first(object);
    while (json_next_member(object, &at, &key, value))
        if (json_is(&key, name))
            return true;
    value->type = JSON_NULL;
    return false;
}

static uint64_t member_bits(const struct json_value *object, const char *name)
{
    struct json_value value;
    uint64_t bits;
    return member(object, name, &value) && json_bits(&value, &bits) ? bits : 0;
}

static bool add_text(struct trace_reader *r, struct trace_record *out, unsigned field, const struct json_value *value)
{
    size_t size = (size_t)(value->end - value->start);
    char *text = malloc(size);
    bool ok = text && trace_reader_text(r, out, field, text, json_text(value, text, size));
    free(text);
    return ok;
}

static void add_field(struct trace_record *out, uint64_t value)
{
    if (out->event.count < TRACE_MAX_FIELDS)
        out->event.fields[out->event.count++] = value;
    else
        out->fields_cut = true;
}

// The export that a payload names, made when new, as field 0.
static struct trace_export *add_export(struct trace_reader *r, struct trace_record *out, const struct json_value *payload)
{
    struct json_value value;
    char name[NAME_BYTES];
    struct trace_log_tables *t = &r->tables;
    if (!member(payload, "name", &value) || value.type != JSON_STRING)
        return NULL;
    size_t length = json_text(&value, name, sizeof name);
    size_t i = 0;
    while (i < t->export_count && strcmp(t->exports[i].name, name) != 0)
        i++;
    if (i == t->export_count) {
        const char *kept = trace_tables_string(t, name, length);
        struct trace_export *e = kept ? trace_tables_add_export(t) : NULL;
        if (!e)
            return NULL;
        e->name = kept;
    }
    struct trace_export *e = &t->exports[i];
    if (!e->ordinal)
        e->ordinal = (uint16_t)member_bits(payload, "ord");
    if (!*e->module && member(payload, "module", &value) && value.type == JSON_STRING) {
        const char *kept = trace_tables_string(t, name, json_text(&value, name, sizeof name));
        e->module = kept ? kept : "";
    }
    e->unimplemented = e->unimplemented || member_bits(payload, "unimplemented");
    add_field(out, i);
    out->call = e;
    return e;
}

// The number of a key "arg<n>", or -1.
static int arg_number(const struct json_value *key)
{
    const char *p = key->start + 1, *end = key->end - 1;
    if (end - p < 4 || end - p > 6 || memcmp(p, "arg", 3) != 0)
        return -1;
    int number = 0;
    for (p += 3; p < end; p++) {
        if (*p < '0' || *p > '9')
            return -1;
        number = number * 10 + (*p - '0');
    }
    return number < 255 ? number : -1;
}

static bool add_pairs(struct trace_record *out, const struct json_value *payload, const char *name)
{
    struct json_value pairs, key, value;
    if (!member(payload, name, &pairs))
        return true;
    const char *at = json_first(&pairs);
    while (json_next_member(&pairs, &at, &key, &value)) {
        uint64_t bits;
        int number = arg_number(&key);
        if (number < 0 || !json_bits(&value, &bits))
            return false;
        if (out->event.count + 2 > TRACE_MAX_FIELDS) {
            out->fields_cut = true;
            return true;
        }
        add_field(out, (uint64_t)number);
        add_field(out, bits);
    }
    return true;
}

// What arguments resolve to: strings, or objects whose "name" is the string; keys other than "arg<n>" count as number 255.
static bool add_resolved(struct trace_reader *r, struct trace_record *out, const struct json_value *payload)
{
    struct json_value resolved, key, value;
    if (!member(payload, "args_resolved", &resolved) || resolved.type != JSON_OBJECT)
        return true;
    const char *at = json_first(&resolved);
    while (json_next_member(&resolved, &at, &key, &value)) {
        struct json_value text = value;
        int number = arg_number(&key);
        if (value.type == JSON_OBJECT && !member(&value, "name", &text))
            continue;
        if (text.type == JSON_STRING && !add_text(r, out, number < 0 ? 255 : (unsigned)number, &text))
            return false;
    }
    return true;
}

static bool read_call(struct trace_reader *r, struct trace_record *out, const struct json_value *payload)
{
    struct json_value args, value;
    struct trace_export *e = add_export(r, out, payload);
    if (!e || !member(payload, "args", &args) || args.type != JSON_ARRAY)
        return false;
    // Number and width of arguments are those of this line.
    const char *at = json_first(&args);
    unsigned count = 0;
    e->wide_args = 0;
    while (json_next_element(&args, &at, &value)) {
        uint64_t bits;
        if (!json_bits(&value, &bits))
            return false;
        if (bits > UINT32_MAX && count < 64)
            e->wide_args |= (uint64_t)1 << count;
        add_field(out, bits);
        count++;
    }
    e->arg_count = (uint8_t)(out->event.count - 1);
    out->event.where.lr = (uint32_t)member_bits(payload, "lr");
    return add_resolved(r, out, payload) && add_pairs(out, payload, "in");
}

static bool read_return(struct trace_reader *r, struct trace_record *out, const struct json_value *payload)
{
    struct json_value value;
    uint64_t bits;
    struct trace_export *e = add_export(r, out, payload);
    if (!e || !member(payload, "return_value", &value) || !json_bits(&value, &bits))
        return false;
    e->returns_void = member_bits(payload, "void");
    add_field(out, bits);
    return add_pairs(out, payload, "out");
}

static uint64_t type_number(struct trace_reader *r, const struct json_value *value)
{
    char name[NAME_BYTES];
    struct trace_log_tables *t = &r->tables;
    size_t length = json_text(value, name, sizeof name);
    for (size_t i = 0; i < t->type_count; i++)
        if (!strcmp(t->types[i].name, name))
            return t->types[i].number;
    const char *kept = trace_tables_string(t, name, length);
    struct trace_type_name *type = kept ? trace_tables_add_type(t) : NULL;
    if (!type)
        return 0;
    *type = (struct trace_type_name){FIRST_FOREIGN_TYPE + t->type_count, kept};
    return type->number;
}

static bool field_bits(struct trace_reader *r, const struct trace_field *field, const struct json_value *value, uint64_t *out)
{
    *out = 0;
    if (field->style == TRACE_STYLE_TYPE && value->type == JSON_STRING) {
        *out = type_number(r, value);
        return true;
    }
    if (field->style == TRACE_STYLE_MODE && value->type == JSON_STRING) {
        *out = !json_is(value, "all");
        return true;
    }
    if (value->type == JSON_NULL) {
        *out = UINT64_MAX;
        return field->style == TRACE_STYLE_TIMEOUT;
    }
    if (json_bits(value, out))
        return true;
    // A semantic id in another spelling: only its identity matters.
    if (value->type != JSON_STRING || field->class != TRACE_CLASS_HANDLE)
        return false;
    *out = trace_fnv1a(value->start + 1, (size_t)(value->end - value->start - 2));
    return true;
}

static bool add_list(struct trace_reader *r, struct trace_record *out, const struct json_value *payload, const struct trace_field *field)
{
    struct json_value list, value;
    if (!member(payload, field->name, &list) &&
        !(out->event.kind == TRACE_WAIT_BEGIN && member(payload, "handles_semantic_ids", &list)))
        return true;
    const char *at = json_first(&list);
    while (json_next_element(&list, &at, &value)) {
        uint64_t bits;
        if (!field_bits(r, field, &value, &bits))
            return false;
        add_field(out, bits);
    }
    return true;
}

static bool read_payload(struct trace_reader *r, struct trace_record *out, const struct json_value *payload)
{
    const struct trace_kind_info *kind = out->kind;
    struct json_value value;
    unsigned plain = kind->count - (kind->repeats ? 1 : 0);
    for (unsigned i = 0; i < plain; i++) {
        const struct trace_field *field = &kind->fields[i];
        if (field->style == TRACE_STYLE_EXPORT) {
            if (!add_export(r, out, payload))
                return false;
            continue;
        }
        uint64_t bits = 0;
        if (!member(payload, field->name, &value))
            out->absent |= (uint64_t)1 << i;
        else if (!field_bits(r, field, &value, &bits))
            return false;
        add_field(out, bits);
    }
    // Fields that this engine does not have at the end are not there, rather than 0.
    while (!kind->repeats && out->event.count && (out->absent >> (out->event.count - 1) & 1))
        out->absent &= ~((uint64_t)1 << --out->event.count);
    if (kind->repeats && !add_list(r, out, payload, &kind->fields[plain]))
        return false;
    for (unsigned i = 0; i < kind->text_count; i++)
        if (member(payload, kind->texts[i], &value) && value.type == JSON_STRING && !add_text(r, out, i, &value))
            return false;
    return true;
}

// A kind that we do not know: its fields are those of the first line that has it.
static void learn_kind(struct trace_kind_info *kind, const char *name, const struct json_value *payload)
{
    struct json_value key, value;
    strcpy(kind->name, name);
    kind->number = TRACE_KIND_COUNT;
    const char *at = json_first(payload);
    while (json_next_member(payload, &at, &key, &value)) {
        uint64_t bits;
        bool number = value.type != JSON_NULL && json_bits(&value, &bits);
        if ((size_t)(key.end - key.start) - 2 >= TRACE_MAX_NAME)
            continue;
        if (number && kind->count < TRACE_MAX_KIND_FIELDS) {
            struct trace_field *field = &kind->fields[kind->count++];
            json_text(&key, field->name, sizeof field->name);
            field->style = value.type == JSON_STRING ? TRACE_STYLE_HEX : value.type == JSON_NUMBER ? TRACE_STYLE_SIGNED : TRACE_STYLE_BOOL;
        } else if (!number && value.type == JSON_STRING && kind->text_count < TRACE_MAX_KIND_TEXTS) {
            json_text(&key, kind->texts[kind->text_count++], TRACE_MAX_NAME);
        }
    }
}

static const struct trace_kind_info *find_kind(struct trace_reader *r, const struct line *line)
{
    char name[TRACE_MAX_NAME];
    struct trace_log_tables *t = &r->tables;
    for (size_t i = 0; i < t->kind_count; i++)
        if (json_is(&line->kind, t->kinds[i].name))
            return &t->kinds[i];
    if ((size_t)(line->kind.end - line->kind.start) - 2 >= TRACE_MAX_NAME || json_text(&line->kind, name, sizeof name) == 0)
        return NULL;
    struct trace_kind_info *kind = trace_tables_add_kind(t);
    if (!kind)
        return NULL;
    if (!strcmp(name, "import.call"))
        trace_kind_parse(kind, TRACE_KIND_COUNT, name, "export:exact:export", NULL);
    else
        learn_kind(kind, name, &line->payload);
    return kind;
}

static bool read_record(struct trace_reader *r, struct trace_record *out, const struct line *line)
{
    out->kind = find_kind(r, line);
    if (!out->kind)
        return false;
    struct trace_event *e = &out->event;
    e->kind = trace_kind_by_name(out->kind->name);
    e->where = (struct trace_where){.tid = (uint32_t)line->tid, .cycle = line->cycle};
    e->tid_index = line->tid_index;
    e->index = r->next_index;
    out->import = !strcmp(out->kind->name, "import.call");
    if (e->kind == TRACE_CALL)
        return read_call(r, out, &line->payload);
    if (e->kind == TRACE_RETURN)
        return read_return(r, out, &line->payload);
    return read_payload(r, out, &line->payload);
}

static bool next(struct trace_reader *r, struct trace_record *out)
{
    const char *text;
    size_t length;
    bool whole;
    struct line line;
    while (next_line(r, &text, &length, &whole)) {
        if (parse_line(&line, r, text, length) && read_record(r, out, &line)) {
            r->next_index++;
            return true;
        }
        memset(out, 0, sizeof *out);
        r->texts.used = 0;
        if (whole)
            note_bad(r);
        else
            r->damage.truncated = true;
    }
    return false;
}

static void read_header(struct trace_reader *r, const struct json_value *payload)
{
    struct json_value value, key;
    char text[512], name[NAME_BYTES];
    if (member(payload, "title", &value) && value.type == JSON_STRING) {
        const char *kept = trace_tables_string(&r->tables, text, json_text(&value, text, sizeof text));
        r->title = kept ? kept : "";
    }
    if (member(payload, "emitter_build", &value) && value.type == JSON_STRING)
        trace_reader_key(r, "emitter_build", strlen("emitter_build"), text, json_text(&value, text, sizeof text));
    struct json_value header;
    if (!member(payload, "header", &header) || header.type != JSON_OBJECT)
        return;
    const char *at = json_first(&header);
    while (json_next_member(&header, &at, &key, &value)) {
        size_t name_length = json_text(&key, name, sizeof name);
        trace_reader_key(r, name, name_length, text, json_text(&value, text, sizeof text));
    }
}

// Looks at the first line, and goes back: it is an event like the others.
static bool open_log(struct trace_reader *r, struct error *err)
{
    const char *text;
    size_t length;
    bool whole;
    struct line line;
    r->zstd = ZSTD_createDCtx();
    if (!r->zstd || !trace_tables_own(&r->tables, err) || !trace_buffer_reserve(&r->window, 1))
        return error_set(err, ERR_MEMORY, "no memory to read the event log");
    if (!next_line(r, &text, &length, &whole) || (!whole && !parse_line(&line, r, text, length))) {
        r->damage.truncated = true;
        return true;
    }
    if (!parse_line(&line, r, text, length))
        return error_set(err, ERR_FORMAT, "line 1: not an event of schema v1");
    if (!json_is(&line.kind, "schema_version"))
        return error_set(err, ERR_FORMAT, "line 1: kind is not schema_version: not an event log of schema v1");
    if (member_bits(&line.payload, "version") != 1)
        return error_set(err, ERR_UNSUPPORTED, "line 1: schema version %llu, this reader knows 1",
                         (unsigned long long)member_bits(&line.payload, "version"));
    read_header(r, &line.payload);
    r->line_number = 0;
    if (r->compressed)
        r->window_at = 0;
    else
        r->at = 0;
    return true;
}

const struct trace_reader_form trace_reader_jsonl = {open_log, next, NULL};
