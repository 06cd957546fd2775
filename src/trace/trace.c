#include "trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "trace/format.h"
#include "trace/writer.h"

bool trace_no_memory(struct trace *t)
{
    if (t->failure.code == ERR_OK)
        error_set(&t->failure, ERR_MEMORY, "no memory for the event log");
    return false;
}

bool trace_write(struct trace *t, const void *data, size_t size)
{
    const uint8_t *p = data;
    size_t left = size;
    while (left) {
        ssize_t n = write(t->fd, p, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int cause = n < 0 ? errno : ENOSPC;
            // A reader must find whole chunks only. Where the file cannot be cut (a pipe) the checks of the reader do it.
            if (ftruncate(t->fd, (off_t)t->file_bytes) != 0)
                cause = cause ? cause : errno;
            if (t->failure.code == ERR_OK)
                error_set(&t->failure, ERR_IO, "event log: %s", strerror(cause));
            return false;
        }
        p += n;
        left -= (size_t)n;
    }
    t->file_bytes += size;
    return true;
}

static void destroy(struct trace *t)
{
    if (t->fd >= 0)
        close(t->fd);
    ZSTD_freeCCtx(t->zstd);
    trace_tids_free(&t->tids);
    trace_buffer_free(&t->raw);
    trace_buffer_free(&t->stored);
    free(t->places);
    free(t);
}

static bool ends_in(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && !strcmp(text + a - b, end);
}

bool trace_start(struct trace **out, int fd, const struct trace_form *form, const struct trace_export *exports,
                 size_t export_count, const struct trace_header *header, struct error *err)
{
    static const struct trace_header no_header = {"", NULL};
    *out = NULL;
    struct trace *t = calloc(1, sizeof *t);
    if (!t) {
        close(fd);
        return error_set(err, ERR_MEMORY, "no memory for the event log");
    }
    t->fd = fd;
    t->form = form;
    t->exports = exports;
    t->export_count = export_count;
    if (!trace_kinds_own(t->kinds, &t->failure) || !t->form->begin(t, header ? header : &no_header)) {
        error_set(err, t->failure.code, "%s", t->failure.message);
        destroy(t);
        return false;
    }
    *out = t;
    return true;
}

bool trace_create(struct trace **out, const char *path, const struct trace_export *exports, size_t export_count,
                  const struct trace_header *header, struct error *err)
{
    *out = NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    const struct trace_form *form = ends_in(path, ".jsonl") ? &trace_form_jsonl : &trace_form_binary;
    return trace_start(out, fd, form, exports, export_count, header, err) || error_context(err, "%s", path);
}

uint64_t trace_take_index(struct trace_tid *row, const struct trace_parts *parts)
{
    if (parts->tid_index)
        row->next_index = *parts->tid_index;
    else if (parts->kind == TRACE_CALL)
        row->next_index++;
    return row->next_index++;
}

static void flush(struct trace *t)
{
    if (!t->pending)
        return;
    if (!t->form->flush(t))
        t->lost += t->pending;
    t->pending = 0;
    t->raw.used = 0;
}

void trace_emit_parts(struct trace *t, const struct trace_parts *parts)
{
    ASSERT(parts->count <= TRACE_MAX_FIELDS && parts->text_count <= TRACE_MAX_TEXTS);
    ASSERT((unsigned)parts->kind < TRACE_KIND_COUNT);
    if (t->failure.code != ERR_OK || !t->form->event(t, parts)) {
        t->lost++;
        t->count++;
        return;
    }
    t->count++;
    t->pending++;
    if (t->raw.used >= TRACE_CHUNK_RAW_BYTES)
        flush(t);
}

void trace_emit(struct trace *t, const struct trace_event *event)
{
    if (!t)
        return;
    const struct trace_parts parts = {event->kind, &event->where, event->fields, event->count, event->texts, event->text_count, NULL};
    trace_emit_parts(t, &parts);
}

void trace_emit_fields(struct trace *t, enum trace_kind kind, const struct trace_where *where, const uint64_t *fields, unsigned count)
{
    if (!t)
        return;
    const struct trace_parts parts = {kind, where, fields, count, NULL, 0, NULL};
    trace_emit_parts(t, &parts);
}

void trace_flush(struct trace *t)
{
    if (t)
        flush(t);
}

uint64_t trace_count(const struct trace *t)
{
    return t ? t->count : 0;
}

bool trace_close(struct trace *t, struct error *err)
{
    if (!t)
        return true;
    flush(t);
    bool ok = t->failure.code == ERR_OK && t->form->finish(t);
    int fd = t->fd;
    t->fd = -1;
    if (close(fd) != 0 && ok) {
        error_set(&t->failure, ERR_IO, "event log: %s", strerror(errno));
        ok = false;
    }
    if (!ok)
        error_set(err, ERR_IO, "%s; %llu of %llu events lost", t->failure.message, (unsigned long long)t->lost,
                  (unsigned long long)t->count);
    destroy(t);
    return ok;
}
