#include "trace/reader.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "trace/format.h"
#include "trace/reader_parts.h"

enum { DROP_BYTES = 4 << 20, PAGE_BYTES = 1 << 16 }; // no page is larger than that

static const uint8_t zstd_magic[4] = {0x28, 0xB5, 0x2F, 0xFD};

bool trace_reader_text(struct trace_reader *r, struct trace_record *out, unsigned field, const char *text, size_t length)
{
    struct trace_event *e = &out->event;
    if (e->text_count == TRACE_MAX_TEXTS) {
        out->fields_cut = true;
        return true;
    }
    if (!trace_buffer_reserve(&r->texts, length + 1))
        return false;
    // Until the record is whole the buffer may move: the address is made from the offset later.
    e->texts[e->text_count++] = (struct trace_text){(uint8_t)field, NULL};
    if (length)
        memcpy(r->texts.data + r->texts.used, text, length);
    r->texts.data[r->texts.used + length] = 0;
    r->texts.used += length + 1;
    return true;
}

bool trace_reader_key(struct trace_reader *r, const char *key, size_t key_length, const char *value, size_t value_length)
{
    const char **grown = realloc(r->keys, (r->key_count + 2) * sizeof *grown);
    if (!grown)
        return false;
    r->keys = grown;
    const char *k = trace_tables_string(&r->tables, key, key_length);
    const char *v = trace_tables_string(&r->tables, value, value_length);
    if (!k || !v)
        return false;
    r->keys[r->key_count] = k;
    r->keys[r->key_count + 1] = v;
    r->key_count += 2;
    return true;
}

void trace_reader_drop(struct trace_reader *r)
{
    size_t end = (r->at < r->size ? r->at : r->size) & ~(size_t)(PAGE_BYTES - 1);
    if (!r->view.data || end < r->dropped + DROP_BYTES)
        return;
    // A page that is read again comes from the file again.
    madvise((void *)(uintptr_t)(r->view.data + r->dropped), end - r->dropped, MADV_DONTNEED);
    r->dropped = end;
}

static bool load(struct trace_reader *r, const char *path, struct error *err)
{
    if (!strcmp(path, "-")) {
        if (!file_read("/dev/stdin", &r->owned, &r->size, err))
            return false;
        r->data = r->owned;
        return true;
    }
    if (!file_map(path, &r->view, err))
        return false;
    r->data = r->view.data;
    r->size = r->view.size;
    return true;
}

static bool choose_form(struct trace_reader *r, const char *path, struct error *err)
{
    size_t magic = r->size < 8 ? r->size : 8;
    if (!r->size)
        return error_set(err, ERR_FORMAT, "%s: empty file, not an event log", path);
    r->form = &trace_reader_jsonl;
    if (!memcmp(r->data, TRACE_FILE_MAGIC, magic))
        r->form = &trace_reader_binary;
    else if (r->size >= 4 && !memcmp(r->data, zstd_magic, 4))
        r->compressed = true;
    else if (r->data[0] != '{')
        return error_set(err, ERR_FORMAT, "%s: not an event log (neither XENTRACE nor JSON Lines)", path);
    return true;
}

bool trace_reader_open(struct trace_reader **out, const char *path, struct error *err)
{
    *out = NULL;
    struct trace_reader *r = calloc(1, sizeof *r);
    if (!r)
        return error_set(err, ERR_MEMORY, "%s: no memory to read it", path);
    r->title = "";
    r->engine = "";
    bool ok = load(r, path, err) && choose_form(r, path, err);
    if (ok && !r->form->open(r, err)) {
        error_context(err, "%s", path);
        ok = false;
    }
    if (!ok) {
        trace_reader_close(r);
        return false;
    }
    *out = r;
    return true;
}

void trace_reader_close(struct trace_reader *r)
{
    if (!r)
        return;
    ZSTD_freeDCtx(r->zstd);
    trace_tables_free(&r->tables);
    trace_tids_free(&r->tids);
    trace_buffer_free(&r->texts);
    trace_buffer_free(&r->raw);
    trace_buffer_free(&r->window);
    free(r->keys);
    free(r->owned);
    file_unmap(&r->view);
    free(r);
}

void trace_reader_watch(struct trace_reader *r, const struct trace_watch *watch)
{
    r->watch = watch;
}

bool trace_reader_next(struct trace_reader *r, struct trace_record *out)
{
    enum { TELL_EVERY = 4096 };
    if (r->watch && !(++r->watched % TELL_EVERY))
        r->watch->tell(r->watch->user, r->at, r->view.size);
    do {
        memset(out, 0, sizeof *out);
        r->texts.used = 0;
        if (!r->form->next(r, out))
            return false;
    } while (out->event.index < r->skip_to);
    const char *text = (const char *)r->texts.data;
    for (unsigned i = 0; i < out->event.text_count; i++) {
        out->event.texts[i].text = text;
        text += strlen(text) + 1;
    }
    return true;
}

void trace_reader_seek(struct trace_reader *r, uint64_t index)
{
    r->skip_to = index;
    if (r->form->seek)
        r->form->seek(r, index);
}

struct trace_damage trace_reader_damage(const struct trace_reader *r)
{
    return r->damage;
}

struct trace_summary trace_reader_summary(const struct trace_reader *r)
{
    return (struct trace_summary){
        .binary = r->form == &trace_reader_binary,
        .file_bytes = r->view.size,
        .title = r->title,
        .engine = r->engine,
        .key_count = r->key_count / 2,
        .keys = r->keys,
        .exports = r->tables.exports,
        .export_count = r->tables.export_count,
    };
}

const char *trace_reader_object_type(const struct trace_reader *r, uint64_t number)
{
    return trace_tables_type_name(&r->tables, number);
}
