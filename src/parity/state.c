// Two entry states: what the machine was just before the first guest instruction. A difference there comes before any event.
#include <ctype.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "parity/parity.h"

struct states {
    struct par_state_result *out;
    size_t capacity;
    bool by_symbol; // rule import-slot
    struct json_object *a, *b;
};

// Bytes that differ from run to run by their nature, or that only a host has.
struct mask {
    const char *where;
    unsigned offset, size;
    const char *why;
};
static const struct mask masks[] = {
    {"KPCR", 0x38, 8, "host pointer"},
    {"KTHREAD", 0x130, 8, "creation time"},
    {"KTHREAD", 0xBC, 1, "suspend count, ends as the main thread is let go"},
};

static const char *text_of(struct json_object *o)
{
    return o ? json_object_get_string(o) : "absent";
}

static void add(struct states *s, const char *where, const char *reference, const char *ours, bool expected)
{
    if (s->out->count == s->capacity) {
        size_t capacity = s->capacity ? s->capacity * 2 : 64;
        struct par_state_difference *grown = realloc(s->out->rows, capacity * sizeof *grown);
        if (!grown)
            return;
        s->out->rows = grown;
        s->capacity = capacity;
    }
    struct par_state_difference *row = &s->out->rows[s->out->count++];
    snprintf(row->where, sizeof row->where, "%s", where);
    snprintf(row->reference, sizeof row->reference, "%s", reference);
    snprintf(row->ours, sizeof row->ours, "%s", ours);
    row->expected = expected;
    row->by_rule = false;
    s->out->unexpected += !expected;
}

// Numbers are equal in any spelling; words in any case.
static bool same_text(const char *a, const char *b)
{
    char *end_a, *end_b;
    if (!strcasecmp(a, b))
        return true;
    uint64_t x = strtoull(a, &end_a, 0), y = strtoull(b, &end_b, 0);
    return *a && *b && !*end_a && !*end_b && x == y;
}

static struct json_object *get(struct json_object *o, const char *key)
{
    struct json_object *value = NULL;
    if (json_object_is_type(o, json_type_object))
        json_object_object_get_ex(o, key, &value);
    return value;
}

static void compare(struct states *s, const char *where, struct json_object *a, struct json_object *b)
{
    if (a && !b)
        add(s, where, text_of(a), "absent", false);
    else if (a && b && !same_text(text_of(a), text_of(b)))
        add(s, where, text_of(a), text_of(b), false);
}

// Every member of the reference's object; what only ours has is not looked at: engines dump more or less.
static void compare_members(struct states *s, const char *prefix, struct json_object *a, struct json_object *b)
{
    if (!json_object_is_type(a, json_type_object))
        return;
    json_object_object_foreach(a, key, value) {
        char where[96];
        snprintf(where, sizeof where, "%s%s", prefix, key);
        compare(s, where, value, get(b, key));
    }
}

static void compare_keys(struct states *s, const char *prefix, const char *const *keys, struct json_object *a, struct json_object *b)
{
    for (; *keys; keys++) {
        char where[96];
        snprintf(where, sizeof where, "%s%s", prefix, *keys);
        compare(s, where, get(a, *keys), get(b, *keys));
    }
}

static bool is_masked(const char *where, size_t offset)
{
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
        if (!strcmp(masks[i].where, where) && offset >= masks[i].offset && offset < masks[i].offset + masks[i].size)
            return true;
    return false;
}

// Two byte strings in hex, word by word.
static void compare_bytes(struct states *s, const char *where, struct json_object *a, struct json_object *b, bool expected)
{
    if (!a || !b) {
        if (a)
            add(s, where, "present", "absent", false);
        return;
    }
    const char *x = text_of(a), *y = text_of(b);
    size_t length = strlen(x), other = strlen(y);
    if (length != other) {
        char la[32], lb[32];
        snprintf(la, sizeof la, "%zu bytes", length / 2);
        snprintf(lb, sizeof lb, "%zu bytes", other / 2);
        add(s, where, la, lb, expected);
    }
    length = length < other ? length : other;
    for (size_t i = 0; i + 1 < length; i += 8) {
        size_t n = length - i < 8 ? length - i : 8;
        bool masked = true;
        for (size_t k = 0; k + 1 < n; k += 2)
            if (strncasecmp(x + i + k, y + i + k, 2) != 0 && !is_masked(where, (i + k) / 2))
                masked = false;
        if (!strncasecmp(x + i, y + i, n))
            continue;
        char at[96], wa[9], wb[9];
        snprintf(at, sizeof at, "%s+0x%zx", where, i / 2);
        snprintf(wa, sizeof wa, "%.*s", (int)n, x + i);
        snprintf(wb, sizeof wb, "%.*s", (int)n, y + i);
        add(s, at, wa, wb, masked || expected);
    }
}

// ---- Lists, matched by a key

static struct json_object *find_region(struct json_object *state, const char *heap, const char *base)
{
    struct json_object *heaps = get(state, "heaps");
    for (size_t i = 0; json_object_is_type(heaps, json_type_array) && i < json_object_array_length(heaps); i++) {
        struct json_object *h = json_object_array_get_idx(heaps, i), *regions = get(h, "regions");
        if (!same_text(text_of(get(h, "base")), heap))
            continue;
        for (size_t k = 0; json_object_is_type(regions, json_type_array) && k < json_object_array_length(regions); k++)
            if (same_text(text_of(get(json_object_array_get_idx(regions, k), "base")), base))
                return json_object_array_get_idx(regions, k);
    }
    return NULL;
}

static void compare_regions(struct states *s, struct json_object *from, struct json_object *other, bool forth)
{
    static const char *const keys[] = {"size", "alloc_base", "alloc_size", "state", "protect", "sha256", NULL};
    struct json_object *heaps = get(from, "heaps");
    for (size_t i = 0; json_object_is_type(heaps, json_type_array) && i < json_object_array_length(heaps); i++) {
        struct json_object *h = json_object_array_get_idx(heaps, i), *regions = get(h, "regions");
        for (size_t k = 0; json_object_is_type(regions, json_type_array) && k < json_object_array_length(regions); k++) {
            struct json_object *region = json_object_array_get_idx(regions, k);
            struct json_object *match = find_region(other, text_of(get(h, "base")), text_of(get(region, "base")));
            char where[96];
            snprintf(where, sizeof where, "region %s%s", text_of(get(region, "base")), match ? " " : "");
            if (!match)
                add(s, where, forth ? "present" : "absent", forth ? "absent" : "present", false);
            else if (forth)
                for (const char *const *key = keys; *key; key++) {
                    char place[96];
                    snprintf(place, sizeof place, "region %s %s", text_of(get(region, "base")), *key);
                    if (get(match, *key))
                        compare(s, place, get(region, *key), get(match, *key));
                }
        }
    }
}

static void compare_objects(struct states *s)
{
    static const char *const keys[] = {"handles", "type", "guest_object", NULL};
    struct json_object *a = get(s->a, "objects"), *b = get(s->b, "objects");
    size_t n = json_object_is_type(a, json_type_array) ? json_object_array_length(a) : 0;
    size_t m = json_object_is_type(b, json_type_array) ? json_object_array_length(b) : 0;
    char count_a[24], count_b[24], prefix[32];
    snprintf(count_a, sizeof count_a, "%zu", n);
    snprintf(count_b, sizeof count_b, "%zu", m);
    if (n != m)
        add(s, "objects", count_a, count_b, false);
    for (size_t i = 0; i < n && i < m; i++) {
        snprintf(prefix, sizeof prefix, "object %zu ", i);
        compare_keys(s, prefix, keys, json_object_array_get_idx(a, i), json_object_array_get_idx(b, i));
    }
}

static struct json_object *find_import(struct json_object *list, struct json_object *wanted)
{
    for (size_t i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++) {
        struct json_object *row = json_object_array_get_idx(list, i);
        if (same_text(text_of(get(row, "lib")), text_of(get(wanted, "lib"))) && same_text(text_of(get(row, "ordinal")), text_of(get(wanted, "ordinal"))))
            return row;
    }
    return NULL;
}

// What the loader writes: the slot of a variable is its address; a function's slot and thunk are the engine's own way to be called,
// and mean the symbol.
static void compare_slot(struct states *s, const char *prefix, struct json_object *x, struct json_object *y)
{
    static const char *const slot[] = {"value", "thunk_bytes"};
    bool function = same_text(text_of(get(x, "value")), "0xdeadc0de") || same_text(text_of(get(y, "value")), "0xdeadc0de");
    char where[96];
    bool masked = false;
    for (unsigned i = 0; i < 2; i++) {
        struct json_object *a = get(x, slot[i]), *b = get(y, slot[i]);
        if (i && !function)
            break;
        if (!a || same_text(text_of(a), text_of(b)))
            continue;
        bool tolerated = function && s->by_symbol && b;
        snprintf(where, sizeof where, "%s%s", prefix, slot[i]);
        add(s, where, text_of(a), text_of(b), tolerated);
        if (tolerated && s->out->count)
            s->out->rows[s->out->count - 1].by_rule = true;
        masked = masked || tolerated;
    }
    s->out->import_slots += masked;
    if (function)
        compare(s, prefix, get(x, "thunk_address"), get(y, "thunk_address"));
}

static void compare_imports(struct states *s)
{
    static const char *const keys[] = {"name", "value_address", NULL};
    struct json_object *a = get(s->a, "imports"), *b = get(s->b, "imports");
    for (size_t i = 0; json_object_is_type(a, json_type_array) && i < json_object_array_length(a); i++) {
        struct json_object *x = json_object_array_get_idx(a, i), *y = find_import(b, x);
        char prefix[64];
        snprintf(prefix, sizeof prefix, "import %s ", text_of(get(x, "name")));
        if (!y) {
            add(s, prefix, "present", "absent", false);
            continue;
        }
        compare_keys(s, prefix, keys, x, y);
        compare_slot(s, prefix, x, y);
        bool time = !strcmp(text_of(get(x, "name")), "KeTimeStampBundle");
        char where[64];
        snprintf(where, sizeof where, "variable %s", text_of(get(x, "name")));
        if (*text_of(get(x, "target_bytes")) && get(x, "target_bytes"))
            compare_bytes(s, where, get(x, "target_bytes"), get(y, "target_bytes"), time);
    }
}

// The image, with import slots masked where both give that hash; else as it was in the file. Masked, two engines agree.
static void compare_image(struct states *s)
{
    struct json_object *a = get(s->a, "image_hashes"), *b = get(s->b, "image_hashes");
    struct json_object *raw_a = get(a, "whole_raw_sha256"), *raw_b = get(b, "whole_raw_sha256");
    if (raw_a && raw_b && same_text(text_of(raw_a), text_of(raw_b)))
        return;
    const char *const keys[] = {"whole_masked_sha256", "whole_canonical_sha256", "whole_raw_sha256", NULL};
    for (const char *const *key = s->by_symbol ? keys : keys + 2; *key; key++)
        if (get(a, *key) && get(b, *key)) {
            char where[64];
            snprintf(where, sizeof where, "image %s", *key);
            compare(s, where, get(a, *key), get(b, *key));
            struct json_object *imports = get(s->a, "imports");
            if (strcmp(*key, "whole_raw_sha256") != 0 && json_object_is_type(imports, json_type_array))
                s->out->import_slots += json_object_array_length(imports);
            return;
        }
    add(s, "image hash", text_of(raw_a), text_of(raw_b), false);
}

static void compare_files(struct states *s)
{
    struct json_object *a = get(s->a, "game_folder"), *b = get(s->b, "game_folder");
    if (json_object_is_type(a, json_type_object)) {
        json_object_object_foreach(a, name, file) {
            char where[96];
            snprintf(where, sizeof where, "file %s", name);
            compare(s, where, get(file, "sha256"), get(get(b, name), "sha256"));
        }
    }
    if (json_object_is_type(b, json_type_object)) {
        json_object_object_foreach(b, name, file) {
            char where[96];
            snprintf(where, sizeof where, "file %s", name);
            if (!get(a, name))
                add(s, where, "not listed", text_of(get(file, "sha256")), true);
        }
    }
    compare(s, "xex_file", get(get(s->a, "xex_file"), "sha256"), get(get(s->b, "xex_file"), "sha256"));
}

static void compare_all(struct states *s)
{
    static const char *const top[] = {"entry", "tid", NULL};
    static const char *const thread[] = {"kpcr", "kthread", "kprocess", "tls_static", "stack_base", "stack_limit", NULL};
    static const char *const module[] = {"entry", "stack_size", "base", "image_size", "title_id", "path", NULL};
    struct json_object *a = get(s->a, "thread"), *b = get(s->b, "thread");
    compare_keys(s, "", top, s->a, s->b);
    compare_members(s, "register ", get(s->a, "registers"), get(s->b, "registers"));
    compare_keys(s, "thread ", thread, a, b);
    compare_bytes(s, "KPCR", get(a, "kpcr_bytes"), get(b, "kpcr_bytes"), false);
    compare_bytes(s, "KTHREAD", get(a, "kthread_bytes"), get(b, "kthread_bytes"), false);
    compare_bytes(s, "KPROCESS", get(a, "kprocess_bytes"), get(b, "kprocess_bytes"), false);
    compare_regions(s, s->a, s->b, true);
    compare_regions(s, s->b, s->a, false);
    compare_objects(s);
    compare_keys(s, "module ", module, get(s->a, "module"), get(s->b, "module"));
    compare_imports(s);
    compare_image(s);
    compare_files(s);
}

static struct json_object *read_state(const char *path, struct error *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    if (!file_read(path, &data, &size, err))
        return NULL;
    struct json_tokener *t = json_tokener_new();
    struct json_object *o = t && size < INT32_MAX ? json_tokener_parse_ex(t, (const char *)data, (int)size) : NULL;
    if (t)
        json_tokener_free(t);
    free(data);
    if (o && get(o, "registers"))
        return o;
    json_object_put(o);
    error_set(err, ERR_FORMAT, "%s: not an entry state (JSON with \"registers\")", path);
    return NULL;
}

bool par_is_entry_state(const char *path)
{
    char head[4096];
    FILE *f = strcmp(path, "-") ? fopen(path, "rb") : NULL;
    size_t n = f ? fread(head, 1, sizeof head - 1, f) : 0;
    if (f)
        fclose(f);
    head[n] = 0;
    // One object over many lines or one long line; a log's first line says what it is.
    return head[0] == '{' && !strstr(head, "\"kind\"") && !strstr(head, "\"call\"") &&
           (strstr(head, "\"registers\"") || strstr(head, "\"entry\""));
}

bool par_compare_states(struct par_state_result *out, const char *reference, const char *ours, uint64_t rules_off, struct error *err)
{
    *out = (struct par_state_result){0};
    struct states s = {.out = out, .by_symbol = !(rules_off >> PAR_RULE_IMPORT & 1)};
    s.a = read_state(reference, err);
    s.b = s.a ? read_state(ours, err) : NULL;
    bool ok = s.a && s.b;
    if (ok)
        compare_all(&s);
    json_object_put(s.a);
    json_object_put(s.b);
    return ok;
}

void par_state_free(struct par_state_result *r)
{
    free(r->rows);
    *r = (struct par_state_result){0};
}
