#include "trace/schema.h"

#include <string.h>

const struct trace_kind_row trace_kind_rows[TRACE_KIND_COUNT] = {
#define EVENT(id, name, fields, note) {name, fields},
#include "trace/events.def"
#undef EVENT
};

static const char *const class_names[TRACE_CLASS_COUNT] = {
    [TRACE_CLASS_EXACT] = "exact", [TRACE_CLASS_ADDRESS] = "address", [TRACE_CLASS_HANDLE] = "handle",
    [TRACE_CLASS_TIME] = "time",   [TRACE_CLASS_GARBAGE] = "garbage", [TRACE_CLASS_TEXT] = "text",
};

static const char *const style_names[TRACE_STYLE_COUNT] = {
    [TRACE_STYLE_DEC] = "dec",         [TRACE_STYLE_SIGNED] = "signed", [TRACE_STYLE_HEX] = "hex",
    [TRACE_STYLE_HEX8] = "hex8",       [TRACE_STYLE_BOOL] = "bool",     [TRACE_STYLE_TYPE] = "type",
    [TRACE_STYLE_MODE] = "mode",       [TRACE_STYLE_TIMEOUT] = "timeout", [TRACE_STYLE_EXPORT] = "export",
};

static const struct object_row {
    unsigned number;
    const char *name;
} object_rows[] = {
#define OBJECT_TYPE(id, number, name) {number, name},
#include "trace/object_types.def"
#undef OBJECT_TYPE
};

static int find_word(const char *const *words, int count, const char *word, size_t length)
{
    for (int i = 0; i < count; i++)
        if (strlen(words[i]) == length && !memcmp(words[i], word, length))
            return i;
    return -1;
}

static bool copy_name(char *out, const char *name, size_t length)
{
    if (!length || length >= TRACE_MAX_NAME)
        return false;
    memcpy(out, name, length);
    out[length] = 0;
    return true;
}

// One "name:class[:style]" of `length` bytes.
static bool parse_field(struct trace_kind_info *kind, const char *word, size_t length)
{
    const char *end = word + length;
    const char *colon = memchr(word, ':', length);
    if (!colon || kind->repeats)
        return false;
    const char *class = colon + 1;
    const char *colon2 = memchr(class, ':', (size_t)(end - class));
    const char *class_end = colon2 ? colon2 : end;
    int found = find_word(class_names, TRACE_CLASS_COUNT, class, (size_t)(class_end - class));
    if (found < 0)
        return false;
    if (found == TRACE_CLASS_TEXT) {
        if (colon2 || kind->text_count == TRACE_MAX_KIND_TEXTS)
            return false;
        return copy_name(kind->texts[kind->text_count++], word, (size_t)(colon - word));
    }
    if (kind->count == TRACE_MAX_KIND_FIELDS)
        return false;
    struct trace_field *field = &kind->fields[kind->count++];
    field->class = (enum trace_class)found;
    bool hex = found == TRACE_CLASS_ADDRESS || found == TRACE_CLASS_HANDLE;
    int style = hex ? TRACE_STYLE_HEX8 : TRACE_STYLE_DEC;
    if (colon2)
        style = find_word(style_names, TRACE_STYLE_COUNT, colon2 + 1, (size_t)(end - colon2 - 1));
    if (style < 0)
        return false;
    field->style = (enum trace_style)style;
    return copy_name(field->name, word, (size_t)(colon - word));
}

bool trace_kind_parse(struct trace_kind_info *out, unsigned number, const char *name, const char *fields, struct error *err)
{
    *out = (struct trace_kind_info){.number = number};
    if (!copy_name(out->name, name, strlen(name)))
        return error_set(err, ERR_FORMAT, "event kind %u: bad name '%.60s'", number, name);
    const char *p = fields;
    while (*p) {
        size_t length = strcspn(p, " ");
        size_t plain = length;
        bool repeats = length > 3 && !memcmp(p + length - 3, "...", 3);
        if (repeats)
            plain -= 3;
        if (!parse_field(out, p, plain))
            return error_set(err, ERR_FORMAT, "event kind '%s': bad field '%.*s'", out->name, length > 60 ? 60 : (int)length, p);
        if (repeats && !out->count)
            return error_set(err, ERR_FORMAT, "event kind '%s': a text cannot repeat", out->name);
        out->repeats = out->repeats || repeats;
        p += length;
        p += strspn(p, " ");
    }
    return true;
}

bool trace_kinds_own(struct trace_kind_info *out, struct error *err)
{
    for (unsigned i = 0; i < TRACE_KIND_COUNT; i++)
        if (!trace_kind_parse(&out[i], i, trace_kind_rows[i].name, trace_kind_rows[i].fields, err))
            return false;
    return true;
}

enum trace_kind trace_kind_by_name(const char *name)
{
    for (unsigned i = 0; i < TRACE_KIND_COUNT; i++)
        if (!strcmp(trace_kind_rows[i].name, name))
            return (enum trace_kind)i;
    return TRACE_KIND_COUNT;
}

const char *trace_object_type_name(uint64_t number)
{
    for (size_t i = 0; i < sizeof object_rows / sizeof *object_rows; i++)
        if (object_rows[i].number == number)
            return object_rows[i].name;
    return NULL;
}

int trace_object_type_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof object_rows / sizeof *object_rows; i++)
        if (!strcmp(object_rows[i].name, name))
            return (int)object_rows[i].number;
    return -1;
}

const struct trace_field *trace_kind_field(const struct trace_kind_info *kind, unsigned i)
{
    if (i < kind->count)
        return &kind->fields[i];
    return kind->repeats ? &kind->fields[kind->count - 1] : NULL;
}
