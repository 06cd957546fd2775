// The binary form: docs/formats/trace.md. Every length comes from the file and is checked against what is there.
#include <string.h>

#include "base/bytes.h"
#include "trace/format.h"
#include "trace/raw.h"
#include "trace/reader_parts.h"

struct cursor {
    const uint8_t *p, *end;
    bool bad; // sticky: something did not fit; all further values are 0
};

static uint64_t get_varint(struct cursor *c)
{
    uint64_t value = 0;
    for (unsigned shift = 0; !c->bad && shift < 64 && c->p < c->end; shift += 7) {
        uint8_t byte = *c->p++;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
    c->bad = true;
    return 0;
}

static const char *get_string(struct cursor *c, size_t *length)
{
    uint64_t n = get_varint(c);
    const char *text = (const char *)c->p;
    c->bad = c->bad || n > (uint64_t)(c->end - c->p);
    *length = c->bad ? 0 : (size_t)n;
    c->p += *length;
    return text;
}

// A string of the header, kept; "" when bad.
static const char *keep_string(struct trace_reader *r, struct cursor *c)
{
    size_t length;
    const char *text = get_string(c, &length);
    const char *kept = trace_tables_string(&r->tables, text, length);
    c->bad = c->bad || !kept;
    return kept ? kept : "";
}

static void read_keys(struct trace_reader *r, struct cursor *c)
{
    r->title = keep_string(r, c);
    for (uint64_t n = get_varint(c); n && !c->bad; n--) {
        size_t key_length, value_length;
        const char *key = get_string(c, &key_length);
        const char *value = get_string(c, &value_length);
        c->bad = c->bad || !trace_reader_key(r, key, key_length, value, value_length);
    }
}

static void read_kinds(struct trace_reader *r, struct cursor *c)
{
    for (uint64_t n = get_varint(c); n && !c->bad; n--) {
        uint64_t number = get_varint(c);
        const char *name = keep_string(r, c), *fields = keep_string(r, c);
        struct trace_kind_info *kind = c->bad || number >= TRACE_MAX_LOG_KINDS ? NULL : trace_tables_add_kind(&r->tables);
        c->bad = c->bad || !kind || !trace_kind_parse(kind, (unsigned)number, name, fields, NULL);
    }
}

static void read_types(struct trace_reader *r, struct cursor *c)
{
    for (uint64_t n = get_varint(c); n && !c->bad; n--) {
        struct trace_type_name *type = trace_tables_add_type(&r->tables);
        if (!type) {
            c->bad = true;
            return;
        }
        type->number = get_varint(c);
        type->name = keep_string(r, c);
    }
}

static void read_exports(struct trace_reader *r, struct cursor *c)
{
    for (uint64_t n = get_varint(c); n && !c->bad; n--) {
        struct trace_export *e = trace_tables_add_export(&r->tables);
        if (!e) {
            c->bad = true;
            return;
        }
        e->module = keep_string(r, c);
        e->name = keep_string(r, c);
        e->ordinal = (uint16_t)get_varint(c);
        uint64_t args = get_varint(c);
        e->arg_count = (uint8_t)args;
        e->wide_args = get_varint(c);
        uint64_t flags = get_varint(c);
        e->returns_void = flags & TRACE_EXPORT_VOID;
        e->returns_time = flags & TRACE_EXPORT_TIME;
        e->unimplemented = flags & TRACE_EXPORT_ABSENT;
        c->bad = c->bad || args > TRACE_MAX_FIELDS;
    }
}

static void note_bad(struct trace_reader *r, size_t offset)
{
    if (!r->damage.bad_chunks++)
        r->damage.first_bad = offset;
}

// Decompresses `stored` bytes at `offset` into r->raw, which must become exactly `raw` bytes.
static bool decompress(struct trace_reader *r, size_t offset, size_t stored, size_t raw)
{
    r->raw.used = 0;
    if (raw > TRACE_CHUNK_RAW_LIMIT || !trace_buffer_reserve(&r->raw, raw + 1))
        return false;
    size_t size = ZSTD_decompressDCtx(r->zstd, r->raw.data, raw, r->data + offset, stored);
    if (ZSTD_isError(size) || size != raw)
        return false;
    r->raw.used = raw;
    return true;
}

static bool read_tables(struct trace_reader *r)
{
    struct cursor c = {r->raw.data, r->raw.data + r->raw.used, false};
    read_keys(r, &c);
    read_kinds(r, &c);
    read_types(r, &c);
    read_exports(r, &c);
    return !c.bad;
}

static bool open_log(struct trace_reader *r, struct error *err)
{
    r->engine = "ours";
    r->zstd = ZSTD_createDCtx();
    if (!r->zstd)
        return error_set(err, ERR_MEMORY, "no memory for zstd");
    bool whole = r->size >= TRACE_PREFIX_BYTES && le64_get(r->data + 24) == trace_fnv1a(r->data, 24);
    r->at = r->size < TRACE_PREFIX_BYTES ? r->size : TRACE_PREFIX_BYTES;
    if (whole && le32_get(r->data + 8) != TRACE_FORMAT_VERSION)
        return error_set(err, ERR_UNSUPPORTED, "binary event log of version %u, this reader knows %d", le32_get(r->data + 8),
                         TRACE_FORMAT_VERSION);
    size_t stored = whole ? le32_get(r->data + 16) : 0;
    bool there = whole && stored <= r->size - TRACE_PREFIX_BYTES;
    if (whole)
        r->at = there ? TRACE_PREFIX_BYTES + stored : r->size;
    if (!there || !decompress(r, TRACE_PREFIX_BYTES, stored, le32_get(r->data + 12)) || !read_tables(r)) {
        // Events can still be shown, with our own kinds and without the names of exports.
        trace_tables_free(&r->tables);
        r->title = "";
        r->key_count = 0;
        if (!trace_tables_own(&r->tables, err))
            return false;
        if (there || (!whole && r->size >= TRACE_PREFIX_BYTES))
            note_bad(r, 0);
    }
    for (size_t i = 0; i < r->tables.kind_count; i++)
        r->by_number[r->tables.kinds[i].number] = &r->tables.kinds[i];
    return true;
}

struct chunk {
    uint32_t count, raw, stored;
    uint64_t first;
};

// A chunk's header at `offset`, if there is a whole and sound one.
static bool get_chunk(const struct trace_reader *r, size_t offset, struct chunk *out)
{
    if (offset > r->size || r->size - offset < TRACE_CHUNK_HEADER_BYTES)
        return false;
    const uint8_t *p = r->data + offset;
    if (le32_get(p) != TRACE_CHUNK_MAGIC || le64_get(p + 32) != trace_fnv1a(p, 32))
        return false;
    *out = (struct chunk){le32_get(p + 8), le32_get(p + 12), le32_get(p + 16), le64_get(p + 24)};
    return true;
}

// The index at `offset` and the trailer behind it. On success the number of events that the log holds is in *events.
static bool get_end(const struct trace_reader *r, size_t offset, uint64_t *events)
{
    size_t left = r->size - offset;
    if (left < TRACE_INDEX_HEADER_BYTES + 8 + TRACE_TRAILER_BYTES || le32_get(r->data + offset) != TRACE_INDEX_MAGIC)
        return false;
    const uint8_t *p = r->data + offset;
    size_t index_bytes = left - TRACE_TRAILER_BYTES;
    if (index_bytes != TRACE_INDEX_HEADER_BYTES + (uint64_t)le32_get(p + 4) * TRACE_INDEX_ENTRY_BYTES + 8)
        return false;
    const uint8_t *trailer = p + index_bytes;
    *events = le64_get(trailer + 24);
    return le64_get(p + index_bytes - 8) == trace_fnv1a(p, index_bytes - 8) && le32_get(trailer) == TRACE_TRAILER_MAGIC &&
           le64_get(trailer + 32) == trace_fnv1a(trailer, 32) && le64_get(trailer + 8) == offset;
}

// After damage: the next sound chunk or end, or the end of the file.
static void resynchronise(struct trace_reader *r)
{
    struct chunk chunk;
    uint64_t events;
    note_bad(r, r->at);
    size_t offset = r->at + 1;
    for (; offset < r->size && r->size - offset >= 4; offset++) {
        uint32_t magic = le32_get(r->data + offset);
        if ((magic == TRACE_CHUNK_MAGIC && get_chunk(r, offset, &chunk)) ||
            (magic == TRACE_INDEX_MAGIC && get_end(r, offset, &events)))
            break;
    }
    r->at = r->size - offset >= 4 ? offset : r->size;
}

static bool begin_chunk(struct trace_reader *r, const struct chunk *chunk)
{
    if (chunk->first < r->next_index || !decompress(r, r->at + TRACE_CHUNK_HEADER_BYTES, chunk->stored, chunk->raw))
        return false;
    struct cursor c = {r->raw.data, r->raw.data + r->raw.used, false};
    r->tids.count = 0;
    r->tids.last = 0;
    for (uint64_t n = get_varint(&c); n && !c.bad; n--) {
        struct trace_tid *row = trace_tids_get(&r->tids, (uint32_t)get_varint(&c));
        c.bad = c.bad || !row;
        if (row)
            row->next_index = get_varint(&c);
    }
    if (c.bad)
        return false;
    r->raw_at = (size_t)(c.p - r->raw.data);
    r->chunk_left = chunk->count;
    r->damage.lost_events += chunk->first - r->next_index;
    r->next_index = chunk->first;
    r->last = (struct trace_where){0};
    return true;
}

// Makes the next readable chunk current. False at the end of the log.
static bool next_chunk(struct trace_reader *r)
{
    struct chunk chunk;
    uint64_t events;
    while (r->at < r->size) {
        r->chunk_offset = r->at;
        if (get_end(r, r->at, &events)) {
            r->complete = true;
            if (events > r->next_index)
                r->damage.lost_events += events - r->next_index;
            r->at = r->size;
            return false;
        }
        if (!get_chunk(r, r->at, &chunk)) {
            if (r->size - r->at < TRACE_CHUNK_HEADER_BYTES || le32_get(r->data + r->at) == TRACE_INDEX_MAGIC)
                break;
            resynchronise(r);
            continue;
        }
        if (chunk.stored > r->size - r->at - TRACE_CHUNK_HEADER_BYTES)
            break;
        bool wanted = chunk.first + chunk.count > r->skip_to || chunk.first < r->next_index;
        bool good = !wanted || begin_chunk(r, &chunk);
        if (!good)
            note_bad(r, r->at);
        if (!wanted)
            r->next_index = chunk.first + chunk.count;
        r->at += TRACE_CHUNK_HEADER_BYTES + chunk.stored;
        trace_reader_drop(r);
        if (good && wanted)
            return true;
    }
    r->at = r->size;
    r->damage.truncated = !r->complete;
    return false;
}

static void get_where(struct trace_reader *r, struct cursor *c, unsigned flags, struct trace_where *w)
{
    *w = r->last;
    if (flags & TRACE_HAS_TID)
        w->tid = (uint32_t)get_varint(c);
    if (flags & TRACE_HAS_HW)
        w->hw = (uint32_t)get_varint(c);
    w->cycle += trace_unzigzag(get_varint(c));
    if (flags & TRACE_HAS_LR)
        w->lr += (uint32_t)trace_unzigzag(get_varint(c));
    r->last = *w;
    if (!(flags & (TRACE_HAS_LR | TRACE_LR_SAME)))
        w->lr = 0;
}

static void get_texts(struct trace_reader *r, struct cursor *c, struct trace_record *out)
{
    for (uint64_t n = get_varint(c); n && !c->bad; n--) {
        unsigned field = c->p < c->end ? *c->p++ : 0;
        size_t length;
        const char *text = get_string(c, &length);
        length = strnlen(text, length);
        c->bad = c->bad || !trace_reader_text(r, out, field, text, length);
    }
}

// The event at the cursor. False when the bytes make none.
static bool get_event(struct trace_reader *r, struct cursor *c, struct trace_record *out)
{
    struct trace_event *e = &out->event;
    uint64_t number = get_varint(c);
    if (c->bad || number >= TRACE_MAX_LOG_KINDS || !r->by_number[number] || c->p == c->end)
        return false;
    out->kind = r->by_number[number];
    e->kind = trace_kind_by_name(out->kind->name);
    unsigned flags = *c->p++;
    if (flags & ~(unsigned)TRACE_FLAGS_KNOWN)
        return false;
    get_where(r, c, flags, &e->where);
    uint64_t count = get_varint(c);
    for (uint64_t i = 0; i < count && !c->bad; i++) {
        uint64_t value = trace_unzigzag(get_varint(c));
        if (i < TRACE_MAX_FIELDS)
            e->fields[i] = value;
    }
    if (c->bad)
        return false;
    out->fields_cut = count > TRACE_MAX_FIELDS;
    e->count = count > TRACE_MAX_FIELDS ? TRACE_MAX_FIELDS : (unsigned)count;
    if (flags & TRACE_HAS_TEXTS)
        get_texts(r, c, out);
    if (c->bad)
        return false;
    const struct trace_field *first = trace_kind_field(out->kind, 0);
    if (first && first->style == TRACE_STYLE_EXPORT && e->count && e->fields[0] < r->tables.export_count)
        out->call = &r->tables.exports[e->fields[0]];
    struct trace_tid *row = trace_tids_get(&r->tids, e->where.tid);
    if (!row)
        return false;
    row->next_index += e->kind == TRACE_CALL ? 2 : 1;
    e->tid_index = row->next_index - 1;
    e->index = r->next_index;
    return true;
}

static bool next(struct trace_reader *r, struct trace_record *out)
{
    for (;;) {
        if (!r->chunk_left && !next_chunk(r))
            return false;
        struct cursor c = {r->raw.data + r->raw_at, r->raw.data + r->raw.used, false};
        if (r->chunk_left && get_event(r, &c, out)) {
            r->raw_at = (size_t)(c.p - r->raw.data);
            r->chunk_left--;
            r->next_index++;
            return true;
        }
        if (r->chunk_left)
            note_bad(r, r->chunk_offset);
        r->chunk_left = 0;
        memset(out, 0, sizeof *out);
        r->texts.used = 0;
    }
}

// With a sound index the chunks before the wanted one are not even looked at.
static void seek(struct trace_reader *r, uint64_t index)
{
    uint64_t events;
    if (r->size < TRACE_TRAILER_BYTES || index < r->next_index + r->chunk_left)
        return;
    uint64_t offset = le64_get(r->data + r->size - TRACE_TRAILER_BYTES + 8);
    if (offset >= r->size || !get_end(r, (size_t)offset, &events))
        return;
    const uint8_t *entries = r->data + offset + TRACE_INDEX_HEADER_BYTES;
    size_t low = 0, high = le32_get(r->data + offset + 4); // the entry wanted is in [low, high)
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (le64_get(entries + middle * TRACE_INDEX_ENTRY_BYTES + 8) <= index)
            low = middle;
        else
            high = middle;
    }
    if (low == high)
        return;
    uint64_t place = le64_get(entries + low * TRACE_INDEX_ENTRY_BYTES);
    uint64_t first = le64_get(entries + low * TRACE_INDEX_ENTRY_BYTES + 8);
    if (place < r->at || place >= offset || first < r->next_index)
        return;
    r->at = (size_t)place;
    r->next_index = first;
    r->chunk_left = 0;
}

const struct trace_reader_form trace_reader_binary = {open_log, next, seek};

// ---- Encoded events

// Behind one varint; `end` when there is none.
static const uint8_t *skip_varint(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p >= 0x80)
        p++;
    return p < end ? p + 1 : end;
}

static bool raw_event(struct trace_reader *r, struct cursor *c, struct trace_raw *out)
{
    uint64_t number = *c->p < 0x80 ? *c->p++ : get_varint(c);
    if (c->bad || number >= TRACE_MAX_LOG_KINDS || c->p == c->end)
        return false;
    unsigned flags = *c->p++;
    if (flags & ~(unsigned)TRACE_FLAGS_KNOWN)
        return false;
    if (flags & TRACE_HAS_TID)
        r->last.tid = (uint32_t)get_varint(c);
    if (flags & TRACE_HAS_HW)
        r->last.hw = (uint32_t)get_varint(c);
    c->p = skip_varint(c->p, c->end); // the cycle: when is not what
    if (flags & TRACE_HAS_LR)
        r->last.lr += (uint32_t)trace_unzigzag(get_varint(c));
    out->number = (unsigned)number;
    out->tid = r->last.tid;
    out->lr = flags & (TRACE_HAS_LR | TRACE_LR_SAME) ? r->last.lr : 0;
    out->body = c->p;
    if (c->p == c->end)
        return false;
    uint64_t count = *c->p < 0x80 ? *c->p++ : get_varint(c);
    if (count > (uint64_t)(c->end - c->p))
        return false;
    const uint8_t *p = c->p;
    for (; count; count--)
        p = skip_varint(p, c->end);
    c->p = p;
    if (flags & TRACE_HAS_TEXTS)
        for (uint64_t n = get_varint(c); n && !c->bad; n--) {
            size_t length;
            c->p += c->p < c->end;
            get_string(c, &length);
        }
    out->size = (size_t)(c->p - out->body);
    return !c->bad;
}

bool trace_raw_next(struct trace_reader *r, struct trace_raw *out)
{
    for (;;) {
        if (r->form != &trace_reader_binary || (!r->chunk_left && !next_chunk(r)))
            return false;
        struct cursor c = {r->raw.data + r->raw_at, r->raw.data + r->raw.used, false};
        if (r->chunk_left && c.p < c.end && raw_event(r, &c, out)) {
            r->raw_at = (size_t)(c.p - r->raw.data);
            r->chunk_left--;
            r->next_index++;
            return true;
        }
        if (r->chunk_left)
            note_bad(r, r->chunk_offset);
        r->chunk_left = 0;
    }
}

bool trace_raw_same_chunk(struct trace_reader *a, struct trace_reader *b)
{
    struct chunk x, y;
    return !a->chunk_left && !b->chunk_left && get_chunk(a, a->at, &x) && get_chunk(b, b->at, &y) && x.stored == y.stored && x.count == y.count &&
           x.stored <= a->size - a->at - TRACE_CHUNK_HEADER_BYTES && y.stored <= b->size - b->at - TRACE_CHUNK_HEADER_BYTES &&
           !memcmp(a->data + a->at + TRACE_CHUNK_HEADER_BYTES, b->data + b->at + TRACE_CHUNK_HEADER_BYTES, x.stored);
}

void trace_raw_skip_chunk(struct trace_reader *r)
{
    struct chunk chunk;
    if (!get_chunk(r, r->at, &chunk))
        return;
    r->at += TRACE_CHUNK_HEADER_BYTES + chunk.stored;
    trace_reader_drop(r);
    r->next_index = chunk.first + chunk.count;
}

uint64_t trace_reader_position(const struct trace_reader *r)
{
    return r->next_index;
}

bool trace_raw_same_tables(const struct trace_reader *a, const struct trace_reader *b)
{
    if (a->form != &trace_reader_binary || b->form != &trace_reader_binary || a->tables.kind_count != b->tables.kind_count ||
        a->tables.export_count != b->tables.export_count)
        return false;
    for (size_t i = 0; i < a->tables.kind_count; i++)
        if (a->tables.kinds[i].number != b->tables.kinds[i].number || strcmp(a->tables.kinds[i].name, b->tables.kinds[i].name) != 0)
            return false;
    for (size_t i = 0; i < a->tables.export_count; i++)
        if (strcmp(a->tables.exports[i].name, b->tables.exports[i].name) != 0 || strcmp(a->tables.exports[i].module, b->tables.exports[i].module) != 0)
            return false;
    return true;
}

enum trace_kind trace_raw_kind(const struct trace_reader *r, unsigned number)
{
    return number < TRACE_MAX_LOG_KINDS && r->by_number[number] ? trace_kind_by_name(r->by_number[number]->name) : TRACE_KIND_COUNT;
}

unsigned trace_raw_fields(const struct trace_raw *raw, uint64_t *fields, unsigned most)
{
    struct cursor c = {raw->body, raw->body + raw->size, false};
    uint64_t count = get_varint(&c);
    unsigned n = 0;
    for (; n < count && n < most && !c.bad; n++)
        fields[n] = trace_unzigzag(get_varint(&c));
    return n;
}
