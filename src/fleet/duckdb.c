#include "fleet/duckdb.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "fleet_views.h" // made of views.sql
#include "trace/schema.h"

struct fleet_db {
    struct duckdb duck;
    duckdb_database database;
    duckdb_connection connection;
    struct fleet_scan *scan;
};

static bool load(struct duckdb *duck, const char *path, struct error *err)
{
    // Global: the table function finds its way back through it.
    duck->library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (!duck->library)
        return error_set(err, ERR_NOT_FOUND, "DuckDB cannot be opened: %s", dlerror());
    void *symbol;
#define DUCKDB(result, name, parameters)                                                                    \
    symbol = dlsym(duck->library, "duckdb_" #name);                                                        \
    if (!symbol)                                                                                            \
        return error_set(err, ERR_UNSUPPORTED, "%s: no function duckdb_%s: another library or version", path, #name); \
    memcpy(&duck->name, &symbol, sizeof symbol);
#include "fleet/duckdb.def"
#undef DUCKDB
    return true;
}

static void set_query_error(struct error *err, const char *message)
{
    error_set(err, ERR_ARGUMENT, "%s", message ? message : "the query failed");
    for (char *p = err ? err->message : NULL; p && *p; p++)
        if (*p == '\n')
            *p = ' ';
}

static bool run_sql(struct fleet_db *db, const char *sql, struct duckdb_result *result, struct error *err)
{
    if (!db->duck.query(db->connection, sql, result))
        return true;
    set_query_error(err, db->duck.result_error(result));
    db->duck.destroy_result(result);
    return false;
}

static bool execute(struct fleet_db *db, const char *sql, struct error *err)
{
    struct duckdb_result result;
    if (!run_sql(db, sql, &result, err))
        return false;
    db->duck.destroy_result(&result);
    return true;
}

// ---- What queries see

static bool is_parquet(const char *path)
{
    char magic[4];
    FILE *f = strcmp(path, "-") ? fopen(path, "rb") : NULL;
    bool yes = f && fread(magic, 1, sizeof magic, f) == sizeof magic && !memcmp(magic, "PAR1", sizeof magic);
    if (f)
        fclose(f);
    return yes;
}

static void put_quoted(FILE *out, const char *text)
{
    putc('\'', out);
    for (; *text; text++) {
        if (*text == '\'')
            putc('\'', out);
        putc(*text, out);
    }
    putc('\'', out);
}

static void put_events_view(FILE *out, const struct fleet_run *runs, size_t count)
{
    fputs("CREATE VIEW events AS ", out);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? " UNION ALL " : "", out);
        if (is_parquet(runs[i].path)) {
            fputs("SELECT * FROM read_parquet(", out);
            put_quoted(out, runs[i].path);
            putc(')', out);
        } else {
            fprintf(out, "SELECT * FROM xenolith_log(%zu::UBIGINT)", i);
        }
    }
    fputs(";\n", out);
}

// Which argument of which kind is what: the rows of events.def.
static bool put_fields_table(FILE *out, struct error *err)
{
    struct trace_kind_info kind;
    const char *separator = "";
    fputs("CREATE TABLE fields(kind VARCHAR, number INTEGER, field VARCHAR);\nINSERT INTO fields VALUES ", out);
    for (unsigned k = 0; k < TRACE_KIND_COUNT; k++) {
        if (k == TRACE_CALL || k == TRACE_RETURN || k == TRACE_MISSING || k == TRACE_SCHEMA)
            continue;
        if (!trace_kind_parse(&kind, k, trace_kind_rows[k].name, trace_kind_rows[k].fields, err))
            return false;
        for (unsigned i = 0; i < kind.count; i++) {
            fprintf(out, "%s('%s', %u, '%s')", separator, kind.name, i + 1, kind.fields[i].name);
            separator = ", ";
        }
    }
    fputs(";\n", out);
    return true;
}

static bool create_views(struct fleet_db *db, const struct fleet_run *runs, size_t count, struct error *err)
{
    char *sql = NULL;
    size_t size;
    FILE *out = open_memstream(&sql, &size);
    if (!out)
        return error_set(err, ERR_MEMORY, "no memory for queries");
    fputs("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false;\n", out);
    put_events_view(out, runs, count);
    bool ok = put_fields_table(out, err);
    for (size_t i = 0; i < sizeof fleet_views / sizeof *fleet_views; i++)
        fputs(fleet_views[i], out);
    ok = fclose(out) == 0 && ok && execute(db, sql, err);
    free(sql);
    return ok;
}

// ---- The database

bool fleet_db_open(struct fleet_db **out, const char *library, const struct fleet_run *runs, size_t count, struct error *err)
{
    *out = NULL;
    struct fleet_db *db = calloc(1, sizeof *db);
    if (!db)
        return error_set(err, ERR_MEMORY, "no memory for queries");
    bool ok = load(&db->duck, library, err);
    if (ok && (db->duck.open(NULL, &db->database) || db->duck.connect(db->database, &db->connection)))
        ok = error_set(err, ERR_STATE, "DuckDB cannot make a database in memory");
    ok = ok && fleet_scan_register(&db->scan, &db->duck, db->connection, runs, count, err) && create_views(db, runs, count, err);
    if (!ok) {
        fleet_db_close(db);
        return false;
    }
    *out = db;
    return true;
}

void fleet_db_close(struct fleet_db *db)
{
    if (!db)
        return;
    if (db->connection)
        db->duck.disconnect(&db->connection);
    if (db->database)
        db->duck.close(&db->database);
    fleet_scan_free(db->scan);
    // The library stays open: it has threads and destructors of its own.
    free(db);
}

struct fleet_counts fleet_db_counts(const struct fleet_db *db)
{
    return fleet_scan_counts(db->scan);
}

bool fleet_db_write_parquet(struct fleet_db *db, const char *path, struct error *err)
{
    char *sql = NULL;
    size_t size;
    FILE *out = open_memstream(&sql, &size);
    if (!out)
        return error_set(err, ERR_MEMORY, "no memory for queries");
    fputs("COPY (SELECT * FROM events) TO ", out);
    put_quoted(out, path);
    fputs(" (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2)", out);
    bool ok = fclose(out) == 0 && execute(db, sql, err);
    free(sql);
    return ok;
}

bool fleet_db_query(struct fleet_db *db, const char *sql, FILE *out, enum fleet_style style, uint64_t *rows, struct error *err)
{
    struct duckdb_result result;
    if (!run_sql(db, sql, &result, err))
        return false;
    bool ok = fleet_print_result(&db->duck, &result, out, style, rows, err);
    db->duck.destroy_result(&result);
    return ok;
}
