#include "cli/trace_export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "parity/perfetto.h"

enum { MAX_LOGS = 16 };

static const char help[] =
    "usage: xenolith trace export --perfetto OUT.json LOG [LOG2...]\n\n"
    "Logs as Chrome trace events for ui.perfetto.dev or chrome://tracing: a process for each log, a track for each thread, kernel\n"
    "calls, waits and interrupts as slices, all else as instant events. Memory does not grow with the log. A log without virtual\n"
    "time (another engine's) gets a microsecond an event. \"-\" writes to standard output.\n";

static int write_perfetto(const char *path, const char *const *logs, size_t count)
{
    struct error err = {0};
    struct par_perfetto_counts counts;
    FILE *out = strcmp(path, "-") ? fopen(path, "w") : stdout;
    if (!out) {
        fprintf(stderr, "xenolith trace: %s: %s\n", path, strerror(errno));
        return CLI_ERROR;
    }
    bool ok = par_export_perfetto(out, logs, count, &counts, &err);
    if (!ok)
        fprintf(stderr, "xenolith trace: %s\n", err.message);
    bool written = !ferror(out) && (out == stdout ? fflush(out) : fclose(out)) == 0;
    if (ok && !written)
        fprintf(stderr, "xenolith trace: %s: cannot be written\n", path);
    if (!ok || !written)
        return CLI_ERROR;
    fprintf(stderr, "%" PRIu64 " events: %" PRIu64 " slices (%" PRIu64 " still open at the end), %" PRIu64 " instant events\n", counts.events, counts.slices,
            counts.open, counts.instants);
    return CLI_OK;
}

int cli_trace_export(int argc, char **argv)
{
    const char *logs[MAX_LOGS], *out = NULL;
    size_t count = 0;
    for (int i = 2; i < argc; i++) {
        if (!strcmp(argv[i], "--help")) {
            fputs(help, stdout);
            return CLI_OK;
        }
        if (!strcmp(argv[i], "--perfetto") && i + 1 < argc) {
            out = argv[++i];
        } else if ((argv[i][0] != '-' || !argv[i][1]) && count < MAX_LOGS) {
            logs[count++] = argv[i];
        } else {
            fprintf(stderr, "xenolith trace: unexpected '%s'; see xenolith trace export --help\n", argv[i]);
            return CLI_USAGE;
        }
    }
    if (!out || !count) {
        fputs(help, stderr);
        return CLI_USAGE;
    }
    return write_perfetto(out, logs, count);
}
