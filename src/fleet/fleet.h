// fleet.h: event logs as rows of typed columns, for questions that span many runs: Parquet and SQL through DuckDB, RowBinary
// for a ClickHouse cluster. Columns are columns.def, one list for all of them.
// Engines are not built: DuckDB's shared library is opened at run time where it is present.
// Life: every object is opened, used by one thread, closed; closing NULL is allowed.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

// A run: a log (any form that the lab reads; "-" standard input), or a Parquet file that was made of logs.
struct fleet_run {
    const char *name; // what the column `run` says; owned by the caller, must outlive everything made from it
    const char *path;
};

struct fleet_counts {
    uint64_t events, bytes_in; // bytes of the files; 0 for pipes
    uint64_t bad, first_bad;   // lines (number from 1) or chunks (byte offset) that are no events
    bool truncated;
};

// ---- RowBinary, as ClickHouse's INSERT ... FORMAT RowBinary takes it.

// Appends every run's events to `out`. On failure what was written so far stays.
bool fleet_write_rowbinary(FILE *out, const struct fleet_run *runs, size_t count, struct fleet_counts *counts, struct error *err);

// Prints CREATE TABLE for a column list as ClickHouse has it: the columns between the brackets, one a line.
void fleet_print_clickhouse_columns(FILE *out);

// ---- DuckDB

struct fleet_db;

// Opens an empty database in memory with the table function and views of docs/fleet.md over the runs; logs are read when a
// query asks for them, one pass for each mention. `library` is a path to libduckdb.so.
// Fails with ERR_NOT_FOUND where the library is absent, ERR_UNSUPPORTED where it lacks a function.
bool fleet_db_open(struct fleet_db **out, const char *library, const struct fleet_run *runs, size_t count, struct error *err);
void fleet_db_close(struct fleet_db *db);

// What the passes over logs have met so far: events are those of all passes, damage that of the worst pass.
struct fleet_counts fleet_db_counts(const struct fleet_db *db);

// All events into one Parquet file. Memory does not grow with the logs.
bool fleet_db_write_parquet(struct fleet_db *db, const char *path, struct error *err);

enum fleet_style { FLEET_TEXT, FLEET_JSON, FLEET_CSV };

// Runs SQL (several statements: the last one's rows) and prints its rows. `rows` may be NULL.
bool fleet_db_query(struct fleet_db *db, const char *sql, FILE *out, enum fleet_style style, uint64_t *rows, struct error *err);
