// The parity lab on any two logs in any of its forms (binary, schema v1, bare lines, text; plain or compressed): compared, judged,
// converted, shown. The first byte chooses what is done, the next two (big-endian) are the length of the reference.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "fuzz.h"
#include "parity/convert.h"
#include "parity/parity.h"
#include "parity/perfetto.h"
#include "parity/report.h"
#include "parity/wedge.h"

struct memory_log {
    int fd;
    char path[40];
};

static struct memory_log make_log(const uint8_t *data, size_t size)
{
    struct memory_log log = {memfd_create("log", MFD_CLOEXEC), ""};
    FUZZ_CHECK(log.fd >= 0);
    FUZZ_CHECK(!size || write(log.fd, data, size) == (ssize_t)size);
    snprintf(log.path, sizeof log.path, "/proc/self/fd/%d", log.fd);
    return log;
}

static FILE *nowhere(void)
{
    static FILE *file;
    if (!file)
        file = fopen("/dev/null", "w");
    FUZZ_CHECK(file);
    return file;
}

static void compare(const struct memory_log *reference, const struct memory_log *ours, unsigned how)
{
    struct error err = {0};
    struct par_result *r;
    const char *references[] = {reference->path, ours->path};
    struct par_options options = {.by_ordinal = how & 1, .rules_off = how & 2 ? UINT64_MAX : 0, .window = how & 4 ? 3 : 0, .frames = how & 8 ? 2 : 0};
    if (!par_compare(&r, references, how & 0x10 ? 2 : 1, ours->path, &options, &err)) {
        FUZZ_CHECK(err.message[0] && !r);
        return;
    }
    par_write_json(nowhere(), r);
    par_write_text(nowhere(), r);
    FUZZ_CHECK(par_write_html(nowhere(), r, &err));
    for (size_t i = 0; i < r->thread_count; i++)
        FUZZ_CHECK(r->threads[i].first == SIZE_MAX || r->threads[i].first < r->divergence_count);
    par_result_free(r);
}

static void judge(const struct memory_log *reference, const struct memory_log *ours, unsigned how)
{
    struct error err = {0};
    struct par_wedge_model a = {0}, b = {0};
    bool first = par_wedge_read(&a, ours->path, how & 1 ? 20 : UINT64_MAX, 0, NULL, &err);
    bool second = how & 2 && par_wedge_read(&b, reference->path, UINT64_MAX, 0, NULL, &err);
    struct par_wedge_verdict v;
    if (first && par_wedge_judge(&v, &a, second ? &b : NULL, &err)) {
        for (size_t i = 0; i < v.stuck_count; i++)
            FUZZ_CHECK(v.stuck[i].thread < a.thread_count && (v.stuck[i].object == SIZE_MAX || v.stuck[i].object < a.object_count));
        par_wedge_verdict_free(&v);
    }
    FUZZ_CHECK(first || err.message[0]);
    if (first)
        par_wedge_free(&a);
    if (second)
        par_wedge_free(&b);
}

// The form follows the name, so these are files.
static const char *out_path(unsigned number, enum par_form form)
{
    static const char *const ends[] = {[PAR_BINARY] = "xtrace", [PAR_SCHEMA_V1] = "jsonl", [PAR_BARE] = "bare", [PAR_TEXT] = "log"};
    static char paths[2][64];
    snprintf(paths[number], sizeof paths[number], "/tmp/xenolith-fuzz-lab-%ld-%u.%s", (long)getpid(), number, ends[form]);
    return paths[number];
}

static void convert(const struct memory_log *in, unsigned how)
{
    struct error err = {0};
    struct par_converted done, again;
    enum par_form form = (enum par_form)(how & 3), next = (enum par_form)(how >> 2 & 3);
    const char *out = out_path(0, form), *back = out_path(1, next);
    if (par_convert(in->path, out, form, 0, NULL, &done, &err) && done.events) // what we wrote is a log
        FUZZ_CHECK(par_convert(out, back, next, 0, NULL, &again, &err) && !again.bad);
    unlink(out);
    unlink(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    size_t rest = size - 3, length = be16_get(data + 1) % (rest + 1);
    struct memory_log reference = make_log(data + 3, length), ours = make_log(data + 3 + length, rest - length);
    unsigned how = data[0] & 0x1F;
    switch (data[0] >> 6) {
    case 0:
    case 1: compare(&reference, &ours, how); break;
    case 2: judge(&reference, &ours, how); break;
    default: {
        struct error err = {0};
        struct par_perfetto_counts counts;
        const char *paths[] = {reference.path, ours.path};
        convert(&ours, how);
        par_export_perfetto(nowhere(), paths, 2, NULL, &counts, &err);
    }
    }
    close(reference.fd);
    close(ours.fd);
    return 0;
}
