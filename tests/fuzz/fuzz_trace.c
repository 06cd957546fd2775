// The reader of event logs: binary and JSON Lines, plain and compressed. Damage is counted, never fatal, and a seek
// gives what reading on would give. The first byte says where to seek.
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "trace/reader.h"

enum { MAX_EVENTS = 20000 };

static size_t text(const char *s)
{
    return s ? strlen(s) : 0;
}

static size_t look(const struct trace_reader *r, const struct trace_record *record)
{
    size_t sum = text(record->kind->name) + (record->call ? text(record->call->name) + text(record->call->module) : 0);
    FUZZ_CHECK(record->event.count <= TRACE_MAX_FIELDS && record->event.text_count <= TRACE_MAX_TEXTS);
    for (unsigned i = 0; i < record->event.count; i++)
        sum += (size_t)record->event.fields[i];
    for (unsigned i = 0; i < record->event.text_count; i++)
        sum += text(record->event.texts[i].text);
    return sum + text(trace_reader_object_type(r, sum & 0xFF));
}

static void read_all(const char *path, uint64_t seek)
{
    struct error err = {0};
    struct trace_reader *r;
    struct trace_record record;
    if (!trace_reader_open(&r, path, &err)) {
        FUZZ_CHECK(err.message[0]);
        return;
    }
    if (seek)
        trace_reader_seek(r, seek);
    volatile size_t sum = 0;
    for (unsigned n = 0; n < MAX_EVENTS && trace_reader_next(r, &record); n++)
        sum += look(r, &record);
    struct trace_summary s = trace_reader_summary(r);
    sum += text(s.title) + text(s.engine) + trace_reader_damage(r).bad_lines;
    for (size_t i = 0; i < s.key_count; i++)
        sum += text(s.keys[2 * i]) + text(s.keys[2 * i + 1]);
    trace_reader_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("log", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0);
    if (size > 1)
        FUZZ_CHECK(write(fd, data + 1, size - 1) == (ssize_t)size - 1);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_all(path, 0);
    if (size && data[0])
        read_all(path, data[0] & 0x80 ? UINT64_MAX >> (data[0] & 0x3F) : data[0]);
    close(fd);
    return 0;
}
