#include "cli/trace_fleet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "fleet/fleet.h"

enum { MAX_PATH = 4096, MAX_PARENTS = 5 };

static const char help[] =
    "usage: xenolith trace query [--json|--csv] [--file] SQL [NAME=]LOG...\n\n"
    "Asks event logs in SQL. LOG is any form of event log, or a Parquet file of xenolith trace export; NAME is what the column\n"
    "`run` says (else the file's name without its ending). Tables: events; calls (with results), returns, threads, histogram,\n"
    "fields; first_divergence('RUN', 'RUN'); address(number), hexes(list). docs/fleet.md lists columns and queries.\n"
    "  --json   a list of objects, --csv comma-separated values; else an aligned table\n"
    "  --file   SQL is the name of a file\n"
    "Needs DuckDB's shared library: ./dev fleet gets it, XENOLITH_DUCKDB=FILE names another.\n\n"
    "Example: xenolith trace query 'FROM histogram LIMIT 10' dolphin.xtrace\n";

// ---- Runs

struct runs {
    struct fleet_run *rows;
    size_t count;
    char **names;
};

static void free_runs(struct runs *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->names[i]);
    free(r->names);
    free(r->rows);
}

// What stands before '=' where it can be a name; else the file's name without folders and endings.
static char *name_of(const char *argument, const char **path)
{
    const char *equals = strchr(argument, '='), *slash = strchr(argument, '/');
    *path = argument;
    if (equals && equals != argument && (!slash || equals < slash)) {
        *path = equals + 1;
        return strndup(argument, (size_t)(equals - argument));
    }
    const char *base = strrchr(argument, '/') ? strrchr(argument, '/') + 1 : argument;
    const char *dot = *base ? strchr(base + 1, '.') : NULL;
    return !strcmp(argument, "-") ? strdup("stdin") : dot ? strndup(base, (size_t)(dot - base)) : strdup(base);
}

static bool check_runs(const struct runs *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->rows[i].path, "-") != 0 && access(r->rows[i].path, R_OK) != 0) {
            fprintf(stderr, "xenolith trace: %s: %s\n", r->rows[i].path, strerror(errno));
            return false;
        }
        for (size_t k = 0; k < i; k++)
            if (!strcmp(r->names[i], r->names[k])) {
                fprintf(stderr, "xenolith trace: two runs are named '%s': give names, a=%s b=%s\n", r->names[i], r->rows[k].path, r->rows[i].path);
                return false;
            }
    }
    return true;
}

static bool make_runs(struct runs *r, const char *const *logs, size_t count)
{
    *r = (struct runs){calloc(count + 1, sizeof *r->rows), 0, calloc(count + 1, sizeof *r->names)};
    bool ok = r->rows && r->names;
    for (; ok && r->count < count; r->count++) {
        char *name = r->names[r->count] = name_of(logs[r->count], &r->rows[r->count].path);
        r->rows[r->count].name = name;
        ok = name != NULL;
    }
    if (!ok)
        fputs("xenolith trace: out of memory\n", stderr);
    if (ok && check_runs(r))
        return true;
    free_runs(r);
    return false;
}

// ---- DuckDB

// Where the library is: the environment, build/fleet above this program, else what the system's loader finds.
static void find_duckdb(char *path, size_t size)
{
    const char *given = getenv("XENOLITH_DUCKDB");
    if (given && *given) {
        snprintf(path, size, "%s", given);
        return;
    }
    char own[MAX_PATH];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    own[length > 0 ? length : 0] = 0;
    for (unsigned i = 0; i < MAX_PARENTS; i++) {
        char *slash = strrchr(own, '/');
        if (!slash)
            break;
        *slash = 0;
        if ((size_t)snprintf(path, size, "%s/fleet/libduckdb.so", own) < size && access(path, R_OK) == 0)
            return;
    }
    snprintf(path, size, "libduckdb.so");
}

static bool open_db(struct fleet_db **db, const struct runs *runs)
{
    char path[MAX_PATH];
    struct error err = {0};
    find_duckdb(path, sizeof path);
    if (fleet_db_open(db, path, runs->rows, runs->count, &err))
        return true;
    fprintf(stderr, "xenolith trace: %s\n", err.message);
    if (err.code == ERR_NOT_FOUND)
        fputs("DuckDB (MIT, 24 MB) is not part of Xenolith. `./dev fleet` brings it into build/fleet; or name it: XENOLITH_DUCKDB=/path/libduckdb.so\n",
              stderr);
    return false;
}

static void note_damage(const struct fleet_counts *c)
{
    if (c->bad)
        fprintf(stderr, "xenolith trace: note: %" PRIu64 " line(s) or chunk(s) passed over that are no events, the first at %" PRIu64 "\n", c->bad,
                c->first_bad);
    if (c->truncated)
        fputs("xenolith trace: note: a log is cut off (its writer was stopped or still runs)\n", stderr);
}

static void note_export(const struct fleet_counts *c, const char *out, const struct timespec *from)
{
    struct timespec now;
    struct stat status;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds = (double)(now.tv_sec - from->tv_sec) + (double)(now.tv_nsec - from->tv_nsec) * 1e-9;
    double size = strcmp(out, "-") && stat(out, &status) == 0 ? (double)status.st_size : 0;
    fprintf(stderr, "%" PRIu64 " events in %.1f s (%.1f M events/s)", c->events, seconds, (double)c->events / seconds / 1e6);
    if (c->events && size > 0)
        fprintf(stderr, ", %.1f bytes an event", size / (double)c->events);
    putc('\n', stderr);
    note_damage(c);
}

int cli_export_parquet(const char *out, const char *const *logs, size_t count)
{
    struct runs runs;
    struct fleet_db *db;
    struct error err = {0};
    struct timespec from;
    int status = CLI_ERROR;
    if (!make_runs(&runs, logs, count))
        return CLI_ERROR;
    if (open_db(&db, &runs)) {
        clock_gettime(CLOCK_MONOTONIC, &from);
        if (fleet_db_write_parquet(db, out, &err)) {
            struct fleet_counts counts = fleet_db_counts(db);
            note_export(&counts, out, &from);
            status = CLI_OK;
        } else {
            fprintf(stderr, "xenolith trace: %s\n", err.message);
        }
        fleet_db_close(db);
    }
    free_runs(&runs);
    return status;
}

int cli_export_rowbinary(const char *path, const char *const *logs, size_t count)
{
    struct runs runs;
    struct fleet_counts counts;
    struct error err = {0};
    struct timespec from;
    if (!make_runs(&runs, logs, count))
        return CLI_ERROR;
    FILE *out = strcmp(path, "-") ? fopen(path, "wb") : stdout;
    if (!out) {
        fprintf(stderr, "xenolith trace: %s: %s\n", path, strerror(errno));
        free_runs(&runs);
        return CLI_ERROR;
    }
    clock_gettime(CLOCK_MONOTONIC, &from);
    bool ok = fleet_write_rowbinary(out, runs.rows, runs.count, &counts, &err);
    if (!ok)
        fprintf(stderr, "xenolith trace: %s\n", err.message);
    bool written = (out == stdout ? fflush(out) : fclose(out)) == 0;
    if (ok && !written)
        fprintf(stderr, "xenolith trace: %s: %s\n", path, strerror(errno));
    if (ok && written)
        note_export(&counts, path, &from);
    free_runs(&runs);
    return ok && written ? CLI_OK : CLI_ERROR;
}

int cli_print_clickhouse_columns(void)
{
    fleet_print_clickhouse_columns(stdout);
    return fflush(stdout) == 0 ? CLI_OK : CLI_ERROR;
}

// ---- Queries

static char *read_sql(const char *path)
{
    enum { MAX_SQL = 1 << 20 };
    FILE *f = fopen(path, "rb");
    char *text = f ? malloc(MAX_SQL) : NULL;
    size_t size = text ? fread(text, 1, MAX_SQL, f) : 0;
    if (!f || !text || ferror(f) || size == MAX_SQL || memchr(text, 0, size)) {
        fprintf(stderr, "xenolith trace: %s: %s\n", path, !f || ferror(f) ? strerror(errno) : "no SQL, or more than 1 MB of it");
        free(text);
        text = NULL;
    } else {
        text[size] = 0;
    }
    if (f)
        fclose(f);
    return text;
}

static int query(const char *sql, enum fleet_style style, const char *const *logs, size_t count)
{
    struct runs runs;
    struct fleet_db *db;
    struct error err = {0};
    int status = CLI_ERROR;
    if (!make_runs(&runs, logs, count))
        return CLI_ERROR;
    if (open_db(&db, &runs)) {
        if (!fleet_db_query(db, sql, stdout, style, NULL, &err)) {
            fprintf(stderr, "xenolith trace: %s\n", err.message);
        } else if (fflush(stdout) != 0) {
            fprintf(stderr, "xenolith trace: standard output: %s\n", strerror(errno));
        } else {
            struct fleet_counts counts = fleet_db_counts(db);
            note_damage(&counts);
            status = CLI_OK;
        }
        fleet_db_close(db);
    }
    free_runs(&runs);
    return status;
}

int cli_trace_query(int argc, char **argv)
{
    enum fleet_style style = FLEET_TEXT;
    bool file = false;
    int at = 2;
    for (; at < argc && argv[at][0] == '-' && argv[at][1]; at++) {
        if (!strcmp(argv[at], "--help")) {
            fputs(help, stdout);
            return CLI_OK;
        }
        if (!strcmp(argv[at], "--json")) {
            style = FLEET_JSON;
        } else if (!strcmp(argv[at], "--csv")) {
            style = FLEET_CSV;
        } else if (!strcmp(argv[at], "--file")) {
            file = true;
        } else {
            fprintf(stderr, "xenolith trace: unexpected '%s'; see xenolith trace query --help\n", argv[at]);
            return CLI_USAGE;
        }
    }
    if (argc - at < 2) {
        fputs(help, stderr);
        return CLI_USAGE;
    }
    char *text = file ? read_sql(argv[at]) : NULL;
    if (file && !text)
        return CLI_ERROR;
    int status = query(text ? text : argv[at], style, (const char *const *)argv + at + 1, (size_t)(argc - at - 1));
    free(text);
    return status;
}
