#include "trace/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/writer.h"

bool trace_create_stdout(struct trace **out, const struct trace_reader *from, struct error *err)
{
    *out = NULL;
    const struct trace_summary s = trace_reader_summary(from);
    const char **keys = calloc(2 * s.key_count + 1, sizeof *keys);
    if (!keys)
        return error_set(err, ERR_MEMORY, "no memory for the event log");
    for (size_t i = 0; i < 2 * s.key_count; i++)
        keys[i] = s.keys[i];
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    const struct trace_header header = {s.title, keys};
    bool ok = fd >= 0 && trace_start(out, fd, &trace_form_jsonl, s.exports, s.export_count, &header, err);
    free(keys);
    return ok || (fd < 0 && error_set(err, ERR_IO, "standard output: %s", strerror(errno)));
}

bool trace_copy(struct trace *t, const struct trace_reader *from, const struct trace_record *record)
{
    const struct trace_event *e = &record->event;
    if (record->import || e->kind == TRACE_SCHEMA)
        return true;
    if ((unsigned)e->kind >= TRACE_KIND_COUNT)
        return false;
    if (t->form == &trace_form_jsonl) {
        const struct trace_summary s = trace_reader_summary(from);
        t->exports = s.exports;
        t->export_count = s.export_count;
    }
    const struct trace_parts parts = {e->kind, &e->where, e->fields, e->count, e->texts, e->text_count, &e->tid_index};
    trace_emit_parts(t, &parts);
    return true;
}
