#include "cli/trace_export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/trace_fleet.h"
#include "parity/perfetto.h"

static const char help[] =
    "usage: xenolith trace export --perfetto OUT.json LOG [LOG2...]\n"
    "       xenolith trace export --parquet OUT.parquet [NAME=]LOG...\n"
    "       xenolith trace export --rowbinary OUT [NAME=]LOG...\n"
    "       xenolith trace export --clickhouse-columns\n\n"
    "--perfetto   logs as Chrome trace events for ui.perfetto.dev or chrome://tracing: a process for each log, a track for each\n"
    "             thread, kernel calls, waits and interrupts as slices, all else as instant events. A log without virtual time\n"
    "             (another engine's) gets a microsecond an event.\n"
    "--parquet    events as typed columns, for xenolith trace query and all that reads Parquet (docs/fleet.md). Needs DuckDB's\n"
    "             shared library: ./dev fleet gets it.\n"
    "--rowbinary  the same columns for ClickHouse's INSERT INTO ... FORMAT RowBinary; --clickhouse-columns prints them for its\n"
    "             CREATE TABLE.\n"
    "NAME is what the column `run` says; without it the file's name without its ending. Memory does not grow with the logs. \"-\"\n"
    "writes to standard output (not Parquet).\n";

static int write_perfetto(const char *path, const char *const *logs, size_t count)
{
    struct error err = {0};
    struct par_perfetto_counts counts;
    FILE *out = strcmp(path, "-") ? fopen(path, "w") : stdout;
    if (!out) {
        fprintf(stderr, "xenolith trace: %s: %s\n", path, strerror(errno));
        return CLI_ERROR;
    }
    struct progress progress;
    progress_begin(&progress);
    bool ok = par_export_perfetto(out, logs, count, &progress.watch, &counts, &err);
    progress_end(&progress);
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

static const struct {
    const char *option;
    int (*run)(const char *out, const char *const *logs, size_t count);
} forms[] = {{"--perfetto", write_perfetto}, {"--parquet", cli_export_parquet}, {"--rowbinary", cli_export_rowbinary}};
enum { FORMS = sizeof forms / sizeof *forms };

int cli_trace_export(int argc, char **argv)
{
    const char *out = NULL;
    size_t form = FORMS, count = 0;
    const char **logs = calloc((size_t)argc, sizeof *logs);
    int status = CLI_USAGE;
    for (int i = 2; logs && i < argc; i++) {
        size_t at = 0;
        while (at < FORMS && strcmp(argv[i], forms[at].option) != 0)
            at++;
        if (!strcmp(argv[i], "--help")) {
            fputs(help, stdout);
            status = CLI_OK;
            goto done;
        } else if (!strcmp(argv[i], "--clickhouse-columns")) {
            status = cli_print_clickhouse_columns();
            goto done;
        } else if (at < FORMS && form == FORMS && i + 1 < argc) {
            form = at;
            out = argv[++i];
        } else if (argv[i][0] != '-' || !argv[i][1]) {
            logs[count++] = argv[i];
        } else {
            fprintf(stderr, "xenolith trace: unexpected '%s'; see xenolith trace export --help\n", argv[i]);
            goto done;
        }
    }
    if (logs && out && count)
        status = forms[form].run(out, logs, count);
    else
        fputs(help, stderr);
done:
    free(logs);
    return status;
}
