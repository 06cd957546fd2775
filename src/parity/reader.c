#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parity/reader_parts.h"
#include "trace/buffer.h"

const char *par_form_name(enum par_form f)
{
    static const char *const names[PAR_FORM_COUNT] = {"binary", "schema v1", "bare lines", "text log"};
    return f < PAR_FORM_COUNT ? names[f] : "unknown";
}

// ---- Names

static bool grow_slots(struct par_reader *r)
{
    size_t count = r->slot_count ? r->slot_count * 2 : 1024;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < r->name_count; i++) {
        size_t at = r->names[i].hash & (count - 1);
        while (slots[at])
            at = (at + 1) & (count - 1);
        slots[at] = (uint32_t)i + 1;
    }
    free(r->slots);
    r->slots = slots;
    r->slot_count = count;
    return true;
}

uint32_t par_intern(struct par_reader *r, const char *name, size_t length)
{
    if (r->name_count * 2 >= r->slot_count && !grow_slots(r))
        return UINT32_MAX;
    uint64_t hash = trace_fnv1a(name, length);
    size_t at = hash & (r->slot_count - 1);
    for (; r->slots[at]; at = (at + 1) & (r->slot_count - 1)) {
        const struct par_name *known = &r->names[r->slots[at] - 1];
        if (known->hash == hash && !strncmp(known->text, name, length) && !known->text[length])
            return r->slots[at] - 1;
    }
    if (r->name_count == PAR_MAX_NAMES)
        return UINT32_MAX;
    if (r->name_count == r->name_capacity) {
        size_t capacity = r->name_capacity ? r->name_capacity * 2 : 256;
        struct par_name *grown = realloc(r->names, capacity * sizeof *grown);
        if (!grown)
            return UINT32_MAX;
        r->names = grown;
        r->name_capacity = capacity;
    }
    char *copy = strndup(name, length);
    if (!copy)
        return UINT32_MAX;
    r->names[r->name_count] = (struct par_name){copy, hash};
    r->slots[at] = (uint32_t)++r->name_count;
    return (uint32_t)r->name_count - 1;
}

bool par_add_text(struct par_reader *r, struct par_event *e, unsigned field, const char *text, size_t length)
{
    if (e->text_count == TRACE_MAX_TEXTS || r->texts_used + length + 1 > PAR_TEXT_ROOM)
        return false;
    char *copy = r->texts + r->texts_used;
    memcpy(copy, text, length);
    copy[length] = 0;
    r->texts_used += length + 1;
    e->texts[e->text_count++] = (struct trace_text){(uint8_t)field, copy};
    return true;
}

void par_note_bad(struct par_reader *r, uint64_t place, const char *text, size_t length)
{
    if (r->bad++)
        return;
    r->first_bad = place;
    size_t n = length < sizeof r->first_bad_text - 1 ? length : sizeof r->first_bad_text - 1;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        r->first_bad_text[i] = (char)(c < 0x20 || c > 0x7E ? '?' : c);
    }
    r->first_bad_text[n] = 0;
}

bool par_add_key(struct par_reader *r, const char *key, size_t key_length, const char *value, size_t value_length)
{
    char **grown = realloc(r->keys, (r->key_count + 2) * sizeof *grown);
    if (!grown)
        return false;
    r->keys = grown;
    grown[r->key_count] = strndup(key, key_length);
    grown[r->key_count + 1] = strndup(value, value_length);
    r->key_count += 2;
    return grown[r->key_count - 2] && grown[r->key_count - 1];
}

uint64_t par_take_index(struct par_reader *r, uint32_t tid, unsigned events)
{
    unsigned i = 0;
    while (i < r->tid_count && r->tids[i].id != tid)
        i++;
    if (i == sizeof r->tids / sizeof *r->tids)
        return 0;
    if (i == r->tid_count)
        r->tids[r->tid_count++].id = tid;
    uint64_t index = r->tids[i].next;
    r->tids[i].next += events;
    return index;
}

// ---- Opening

static bool starts_binary(const char *path)
{
    char magic[8];
    FILE *f = strcmp(path, "-") ? fopen(path, "rb") : NULL;
    bool yes = f && fread(magic, 1, 8, f) == 8 && !memcmp(magic, "XENTRACE", 8);
    if (f)
        fclose(f);
    return yes;
}

// Which form the first lines have.
static bool choose_text_form(struct par_reader *r, const char *path, struct error *err)
{
    const char *text;
    size_t left = par_source_peek(r->source, &text);
    if (!left)
        return error_set(err, ERR_FORMAT, "%s: %s", path,
                         par_source_broken(r->source) ? "damaged compressed data" : "empty, not an event log");
    if (left >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3)) {
        text += 3;
        left -= 3;
    }
    bool json = false;
    for (unsigned line = 0; left && line < 2000; line++) {
        const char *end = memchr(text, '\n', left);
        size_t length = end ? (size_t)(end - text) : left;
        size_t used = end ? length + 1 : length;
        while (length && (text[length - 1] == '\r' || text[length - 1] == ' '))
            length--;
        if (length && text[0] == '{' && !json) {
            json = true;
            if (par_is_schema(text, length)) {
                r->form = PAR_SCHEMA_V1;
                return true;
            }
        }
        if (length && text[0] == '{' && par_is_bare(text, length)) {
            r->form = PAR_BARE;
            return true;
        }
        if (!json && par_is_text_log(text, length)) {
            r->form = PAR_TEXT;
            return true;
        }
        text += used;
        left -= used;
    }
    if (json)
        return error_set(err, ERR_FORMAT, "%s: JSON, but the first line is not schema_version with version 1, nor {idx, call, payload}", path);
    return error_set(err, ERR_FORMAT, "%s: not an event log (neither XENTRACE, schema v1, bare lines, nor a text log of xenia)", path);
}

// A binary log that comes compressed or through a pipe goes through a temporary file: its reader maps it.
static bool open_spooled(struct par_reader *r, const char *path, struct error *err)
{
    char name[64];
    int fd = par_source_spool(r->source);
    if (fd < 0)
        return error_set(err, ERR_IO, "%s: no room for a temporary file", path);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    bool ok = trace_reader_open(&r->binary, name, err);
    close(fd);
    r->form = PAR_BINARY;
    return ok || error_context(err, "%s", path);
}

static bool open_any(struct par_reader *r, const char *path, struct error *err)
{
    const char *head;
    if (starts_binary(path)) {
        r->form = PAR_BINARY;
        return trace_reader_open(&r->binary, path, err);
    }
    r->texts = malloc(PAR_TEXT_ROOM);
    if (!r->texts || !trace_kinds_own(r->kinds, err))
        return error_set(err, ERR_MEMORY, "%s: no memory to read it", path);
    if (!par_source_open(&r->source, path, err))
        return false;
    if (par_source_peek(r->source, &head) >= 8 && !memcmp(head, "XENTRACE", 8))
        return open_spooled(r, path, err);
    return choose_text_form(r, path, err);
}

bool par_open(struct par_reader **out, const char *path, struct error *err)
{
    *out = NULL;
    struct par_reader *r = calloc(1, sizeof *r);
    if (!r)
        return error_set(err, ERR_MEMORY, "%s: no memory to read it", path);
    r->path = strdup(path);
    if (!open_any(r, path, err)) {
        par_close(r);
        return false;
    }
    *out = r;
    return true;
}

void par_close(struct par_reader *r)
{
    if (!r)
        return;
    trace_reader_close(r->binary);
    par_source_close(r->source);
    for (size_t i = 0; i < r->name_count; i++)
        free(r->names[i].text);
    for (size_t i = 0; i < r->key_count; i++)
        free(r->keys[i]);
    free(r->names);
    free(r->slots);
    free(r->keys);
    free(r->texts);
    free(r->call_numbers);
    free(r->path);
    free(r);
}

// ---- Binary

static bool set_call(struct par_reader *r, struct par_event *e, const struct trace_record *record)
{
    const struct trace_export *call = record->call;
    uint64_t number = record->event.fields[0];
    if (number < 65536 && call) {
        if (number >= r->call_known) {
            size_t known = (size_t)number + 64;
            uint32_t *grown = realloc(r->call_numbers, known * sizeof *grown);
            if (!grown)
                return false;
            for (size_t i = r->call_known; i < known; i++)
                grown[i] = UINT32_MAX;
            r->call_numbers = grown;
            r->call_known = known;
        }
        if (r->call_numbers[number] == UINT32_MAX)
            r->call_numbers[number] = par_intern(r, call->name, strlen(call->name));
        e->call = r->call_numbers[number];
    } else {
        char name[32];
        int n = snprintf(name, sizeof name, "export#%" PRIu64, number);
        e->call = par_intern(r, name, (size_t)n);
    }
    if (e->call == UINT32_MAX)
        return false;
    e->name = r->names[e->call].text;
    e->ordinal = call ? call->ordinal : 0;
    e->is_void = call && call->returns_void;
    e->unimplemented = call && call->unimplemented;
    return true;
}

static void copy_pairs(struct par_event *e, const struct trace_event *from, unsigned at)
{
    for (; at + 1 < from->count && e->pair_count < PAR_MAX_PAIRS; at += 2)
        e->pairs[e->pair_count++] = (struct par_pair){(uint8_t)from->fields[at], from->fields[at + 1]};
}

static bool next_binary(struct par_reader *r, struct par_event *e)
{
    struct trace_record record;
    if (!trace_reader_next(r->binary, &record))
        return false;
    const struct trace_event *from = &record.event;
    memset(e, 0, offsetof(struct par_event, fields));
    e->text_count = e->pair_count = 0;
    e->name = "";
    e->kind = from->kind;
    e->tid = from->where.tid;
    e->index = from->index;
    e->tid_index = from->tid_index;
    e->ns = from->where.cycle / 16 * 5;
    e->lr = from->where.lr;
    bool call = from->kind == TRACE_CALL || from->kind == TRACE_RETURN || from->kind == TRACE_MISSING;
    if (call && from->count && !set_call(r, e, &record))
        return false;
    if (from->kind == TRACE_CALL && from->count) {
        unsigned given = from->count - 1;
        unsigned args = record.call && record.call->arg_count < given ? record.call->arg_count : given;
        e->count = args < PAR_MAX_ARGS ? args : PAR_MAX_ARGS;
        memcpy(e->fields, from->fields + 1, e->count * sizeof *e->fields);
        for (unsigned i = 1 + args; i + 1 < from->count; i += 2, e->garbage_count++) // as the JSON reader hashes them
            e->garbage_hash = (e->garbage_hash ^ from->fields[i + 1]) * 0x9E3779B97F4A7C15u, e->garbage_hash ^= e->garbage_hash >> 29;
    } else if (from->kind == TRACE_RETURN && from->count) {
        e->has_result = from->count > 1;
        e->count = e->has_result;
        e->fields[0] = from->fields[1];
        copy_pairs(e, from, 2);
    } else {
        e->count = from->count;
        memcpy(e->fields, from->fields, from->count * sizeof *e->fields);
    }
    e->text_count = from->text_count;
    memcpy(e->texts, from->texts, from->text_count * sizeof *e->texts);
    return true;
}

// ---- Text forms

static bool next_json(struct par_reader *r, struct par_event *e)
{
    struct par_line line;
    while (par_source_line(r->source, &line)) {
        size_t length = line.length;
        const char *text = line.text;
        bool skip = false;
        r->line++;
        if (r->line == 1 && length >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3)) {
            text += 3;
            length -= 3;
        }
        while (length && (text[length - 1] == '\r' || text[length - 1] == ' '))
            length--;
        if (!length)
            continue;
        memset(e, 0, offsetof(struct par_event, fields));
        e->text_count = e->pair_count = 0;
        e->name = "";
        e->kind = TRACE_KIND_COUNT;
        e->index = r->line;
        r->texts_used = 0;
        if (!line.cut && par_read_json(r, e, text, length, &skip))
            return true;
        if (!line.whole && !line.cut)
            r->truncated = true; // the writer was stopped in the middle of a line
        if (!skip)
            par_note_bad(r, r->line, text, length);
    }
    r->truncated = r->truncated || par_source_broken(r->source);
    return false;
}

void par_watch(struct par_reader *r, const struct trace_watch *watch)
{
    if (r->form == PAR_BINARY)
        trace_reader_watch(r->binary, watch);
    else
        r->watch = watch;
}

bool par_next(struct par_reader *r, struct par_event *out)
{
    enum { TELL_EVERY = 4096 };
    if (r->form == PAR_BINARY)
        return next_binary(r, out);
    if (r->watch && !(++r->watched % TELL_EVERY))
        r->watch->tell(r->watch->user, par_source_read(r->source), par_source_bytes(r->source));
    return r->form == PAR_TEXT ? par_next_text(r, out) : next_json(r, out);
}

struct par_log_info par_info(const struct par_reader *r)
{
    struct par_log_info info = {.form = r->form, .engine = r->engine, .title = r->title, .bad = r->bad, .first_bad = r->first_bad,
                                .first_bad_text = r->first_bad_text, .messages = r->messages, .truncated = r->truncated};
    if (r->form != PAR_BINARY) {
        info.bytes = par_source_bytes(r->source);
        info.position = par_source_read(r->source);
        info.keys = (const char *const *)r->keys;
        info.key_count = r->key_count / 2;
        if (r->form == PAR_TEXT)
            info.engine = "xenia";
        return info;
    }
    struct trace_damage damage = trace_reader_damage(r->binary);
    struct trace_summary summary = trace_reader_summary(r->binary);
    info.bytes = summary.file_bytes;
    info.engine = summary.engine;
    info.title = summary.title;
    info.keys = summary.keys;
    info.key_count = summary.key_count;
    info.bad = damage.bad_chunks;
    info.first_bad = damage.first_bad;
    info.first_bad_text = damage.bad_chunks ? "chunk" : "";
    info.truncated = damage.truncated;
    return info;
}
