// The binary form: docs/formats/trace.md.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "trace/format.h"
#include "trace/writer.h"

enum { LEVEL = 1 };

static bool put_kinds(struct trace_buffer *b)
{
    bool ok = trace_buffer_varint(b, TRACE_KIND_COUNT);
    for (unsigned i = 0; i < TRACE_KIND_COUNT && ok; i++)
        ok = trace_buffer_varint(b, i) && trace_buffer_string(b, trace_kind_rows[i].name) &&
             trace_buffer_string(b, trace_kind_rows[i].fields);
    return ok;
}

static bool put_object_types(struct trace_buffer *b)
{
    static const struct {
        unsigned number;
        const char *name;
    } rows[] = {
#define OBJECT_TYPE(id, number, name) {number, name},
#include "trace/object_types.def"
#undef OBJECT_TYPE
    };
    const size_t count = sizeof rows / sizeof *rows;
    bool ok = trace_buffer_varint(b, count);
    for (size_t i = 0; i < count && ok; i++)
        ok = trace_buffer_varint(b, rows[i].number) && trace_buffer_string(b, rows[i].name);
    return ok;
}

static bool put_exports(struct trace_buffer *b, const struct trace_export *exports, size_t count)
{
    bool ok = trace_buffer_varint(b, count);
    for (size_t i = 0; i < count && ok; i++) {
        const struct trace_export *e = &exports[i];
        unsigned flags = (e->returns_void ? TRACE_EXPORT_VOID : 0u) | (e->returns_time ? TRACE_EXPORT_TIME : 0u) |
                         (e->unimplemented ? TRACE_EXPORT_ABSENT : 0u);
        ok = trace_buffer_string(b, e->module) && trace_buffer_string(b, e->name) && trace_buffer_varint(b, e->ordinal) &&
             trace_buffer_varint(b, e->arg_count) && trace_buffer_varint(b, e->wide_args) && trace_buffer_varint(b, flags);
    }
    return ok;
}

static bool put_header(struct trace_buffer *b, const struct trace *t, const struct trace_header *header)
{
    size_t keys = 0;
    while (header->keys && header->keys[keys] && header->keys[keys + 1])
        keys += 2;
    bool ok = trace_buffer_string(b, header->title) && trace_buffer_varint(b, keys / 2);
    for (size_t i = 0; i < keys && ok; i++)
        ok = trace_buffer_string(b, header->keys[i]);
    return ok && put_kinds(b) && put_object_types(b) && put_exports(b, t->exports, t->export_count);
}

// Compresses `raw` behind `room` free bytes of `stored`. The size, or 0 after a failure.
static size_t compress(struct trace *t, int level, size_t room)
{
    size_t bound = ZSTD_compressBound(t->raw.used);
    t->stored.used = 0;
    if (!trace_buffer_reserve(&t->stored, room + bound)) {
        trace_no_memory(t);
        return 0;
    }
    ZSTD_CCtx_setParameter(t->zstd, ZSTD_c_compressionLevel, level);
    size_t size = ZSTD_compress2(t->zstd, t->stored.data + room, bound, t->raw.data, t->raw.used);
    if (ZSTD_isError(size)) {
        if (t->failure.code == ERR_OK)
            error_set(&t->failure, ERR_MEMORY, "event log: zstd: %s", ZSTD_getErrorName(size));
        return 0;
    }
    return size;
}

static bool begin(struct trace *t, const struct trace_header *header)
{
    t->zstd = ZSTD_createCCtx();
    if (!t->zstd || !put_header(&t->raw, t, header))
        return trace_no_memory(t);
    ZSTD_CCtx_setParameter(t->zstd, ZSTD_c_checksumFlag, 1);
    if (t->raw.used > TRACE_CHUNK_RAW_LIMIT)
        return error_set(&t->failure, ERR_LIMIT, "event log: header of %zu bytes", t->raw.used);
    size_t size = compress(t, LEVEL, TRACE_PREFIX_BYTES);
    if (!size)
        return false;
    uint8_t *p = t->stored.data;
    memcpy(p, TRACE_FILE_MAGIC, 8);
    le32_set(p + 8, TRACE_FORMAT_VERSION);
    le32_set(p + 12, (uint32_t)t->raw.used);
    le32_set(p + 16, (uint32_t)size);
    le32_set(p + 20, 0);
    le64_set(p + 24, trace_fnv1a(p, 24));
    t->raw.used = 0;
    return trace_write(t, p, TRACE_PREFIX_BYTES + size);
}

// A chunk can be read alone: it starts with every thread's index so far, and deltas start from zero.
static bool open_chunk(struct trace *t)
{
    if (!trace_buffer_reserve(&t->raw, (1 + 2 * t->tids.count) * TRACE_VARINT_MAX))
        return false;
    uint8_t *p = trace_put_varint(t->raw.data, t->tids.count);
    for (size_t i = 0; i < t->tids.count; i++) {
        p = trace_put_varint(p, t->tids.rows[i].tid);
        p = trace_put_varint(p, t->tids.rows[i].next_index);
    }
    t->raw.used = (size_t)(p - t->raw.data);
    t->last = (struct trace_where){0};
    return true;
}

static size_t text_bytes(const struct trace_text *text)
{
    return text->text ? strnlen(text->text, TRACE_MAX_TEXT_BYTES) : 0;
}

static uint8_t *put_texts(uint8_t *p, const struct trace_parts *parts)
{
    p = trace_put_varint(p, parts->text_count);
    for (unsigned i = 0; i < parts->text_count; i++) {
        size_t length = text_bytes(&parts->texts[i]);
        *p++ = parts->texts[i].field;
        p = trace_put_varint(p, length);
        if (length)
            memcpy(p, parts->texts[i].text, length);
        p += length;
    }
    return p;
}

static bool event(struct trace *t, const struct trace_parts *parts)
{
    size_t room = (8 + parts->count) * TRACE_VARINT_MAX;
    for (unsigned i = 0; i < parts->text_count; i++)
        room += 1 + TRACE_VARINT_MAX + text_bytes(&parts->texts[i]);
    if ((!t->raw.used && !open_chunk(t)) || !trace_buffer_reserve(&t->raw, room))
        return trace_no_memory(t);
    struct trace_tid *row = trace_tids_get(&t->tids, parts->where->tid);
    if (!row)
        return trace_no_memory(t);
    trace_take_index(row, parts);

    const struct trace_where *w = parts->where;
    uint8_t *start = t->raw.data + t->raw.used;
    unsigned flags = (w->tid != t->last.tid ? TRACE_HAS_TID : 0u) | (w->hw != t->last.hw ? TRACE_HAS_HW : 0u) |
                     (parts->text_count ? TRACE_HAS_TEXTS : 0u);
    if (w->lr)
        flags |= w->lr == t->last.lr ? TRACE_LR_SAME : TRACE_HAS_LR;
    uint8_t *p = trace_put_varint(start, parts->kind);
    *p++ = (uint8_t)flags;
    if (flags & TRACE_HAS_TID)
        p = trace_put_varint(p, w->tid);
    if (flags & TRACE_HAS_HW)
        p = trace_put_varint(p, w->hw);
    p = trace_put_varint(p, trace_zigzag(w->cycle - t->last.cycle));
    if (flags & TRACE_HAS_LR)
        p = trace_put_varint(p, trace_zigzag((uint64_t)w->lr - t->last.lr));
    p = trace_put_varint(p, parts->count);
    for (unsigned i = 0; i < parts->count; i++)
        p = trace_put_varint(p, trace_zigzag(parts->fields[i]));
    if (flags & TRACE_HAS_TEXTS)
        p = put_texts(p, parts);
    uint32_t lr = w->lr ? w->lr : t->last.lr;
    t->last = *w;
    t->last.lr = lr;
    t->raw.used = (size_t)(p - t->raw.data);
    return true;
}

static bool remember_place(struct trace *t, uint64_t first_index)
{
    if (t->place_count == t->place_capacity) {
        size_t capacity = t->place_capacity ? t->place_capacity * 2 : 64;
        struct trace_chunk_place *grown = realloc(t->places, capacity * sizeof *grown);
        if (!grown)
            return false;
        t->places = grown;
        t->place_capacity = capacity;
    }
    t->places[t->place_count++] = (struct trace_chunk_place){t->file_bytes, first_index};
    return true;
}

static bool flush(struct trace *t)
{
    uint64_t first = t->count - t->pending;
    size_t size = compress(t, LEVEL, TRACE_CHUNK_HEADER_BYTES);
    if (!size)
        return false;
    if (!remember_place(t, first))
        return trace_no_memory(t);
    uint8_t *p = t->stored.data;
    le32_set(p, TRACE_CHUNK_MAGIC);
    le32_set(p + 4, (uint32_t)(t->place_count - 1));
    le32_set(p + 8, (uint32_t)t->pending);
    le32_set(p + 12, (uint32_t)t->raw.used);
    le32_set(p + 16, (uint32_t)size);
    le32_set(p + 20, 0);
    le64_set(p + 24, first);
    le64_set(p + 32, trace_fnv1a(p, 32));
    return trace_write(t, p, TRACE_CHUNK_HEADER_BYTES + size);
}

static bool finish(struct trace *t)
{
    uint64_t index_offset = t->file_bytes;
    size_t index_bytes = TRACE_INDEX_HEADER_BYTES + t->place_count * TRACE_INDEX_ENTRY_BYTES + 8;
    t->stored.used = 0;
    if (!trace_buffer_reserve(&t->stored, index_bytes + TRACE_TRAILER_BYTES))
        return trace_no_memory(t);
    uint8_t *p = t->stored.data;
    le32_set(p, TRACE_INDEX_MAGIC);
    le32_set(p + 4, (uint32_t)t->place_count);
    for (size_t i = 0; i < t->place_count; i++) {
        uint8_t *entry = p + TRACE_INDEX_HEADER_BYTES + i * TRACE_INDEX_ENTRY_BYTES;
        le64_set(entry, t->places[i].offset);
        le64_set(entry + 8, t->places[i].first_index);
    }
    le64_set(p + index_bytes - 8, trace_fnv1a(p, index_bytes - 8));
    uint8_t *trailer = p + index_bytes;
    le32_set(trailer, TRACE_TRAILER_MAGIC);
    le32_set(trailer + 4, 0);
    le64_set(trailer + 8, index_offset);
    le64_set(trailer + 16, t->place_count);
    le64_set(trailer + 24, t->count);
    le64_set(trailer + 32, trace_fnv1a(trailer, 32));
    return trace_write(t, p, index_bytes + TRACE_TRAILER_BYTES);
}

const struct trace_form trace_form_binary = {begin, event, flush, finish};
