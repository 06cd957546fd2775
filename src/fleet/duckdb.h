// duckdb.h: DuckDB's C API as far as it is used: its package has no header. Internal to fleet/.
// Checked against 1.5.6; these functions have been stable since 1.0. Functions that return int give 0 for success.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "fleet/fleet.h"

// Opaque pointers, each a type of its own so that they are not mixed up.
typedef struct duckdb_database_ *duckdb_database;
typedef struct duckdb_connection_ *duckdb_connection;
typedef struct duckdb_data_chunk_ *duckdb_data_chunk;
typedef struct duckdb_vector_ *duckdb_vector;
typedef struct duckdb_logical_type_ *duckdb_logical_type;
typedef struct duckdb_table_function_ *duckdb_table_function;
typedef struct duckdb_bind_info_ *duckdb_bind_info;
typedef struct duckdb_init_info_ *duckdb_init_info;
typedef struct duckdb_function_info_ *duckdb_function_info;
typedef struct duckdb_value_ *duckdb_value;

struct duckdb_result { // passed by value; nothing in it is looked at
    uint64_t unused[3];
    void *pointers[3];
};
_Static_assert(sizeof(struct duckdb_result) == 48, "as DuckDB has it");

struct duckdb_text { // an element of a vector of texts: up to 12 bytes stand in it
    uint32_t size;
    char start[4];
    const char *rest; // of longer ones: the whole text; else bytes 4 to 11
};
_Static_assert(sizeof(struct duckdb_text) == 16, "as DuckDB has it");
enum { DUCKDB_INLINED = 12 };

struct duckdb_list {
    uint64_t at, count; // elements of the child vector
};

enum duckdb_type {
    DUCKDB_BOOLEAN = 1, DUCKDB_TINYINT, DUCKDB_SMALLINT, DUCKDB_INTEGER, DUCKDB_BIGINT, DUCKDB_UTINYINT, DUCKDB_USMALLINT, DUCKDB_UINTEGER, DUCKDB_UBIGINT,
    DUCKDB_FLOAT, DUCKDB_DOUBLE, DUCKDB_HUGEINT = 16, DUCKDB_VARCHAR, DUCKDB_DECIMAL = 19, DUCKDB_LIST = 24, DUCKDB_STRUCT, DUCKDB_MAP, DUCKDB_UHUGEINT = 32,
    DUCKDB_NULL = 36
};

struct duckdb {
    void *library;
#define DUCKDB(result, name, parameters) result(*name) parameters;
#include "fleet/duckdb.def"
#undef DUCKDB
};

// The table function xenolith_log(number of a run): rows of a log. Everything given must outlive the connection.
struct fleet_scan;
bool fleet_scan_register(struct fleet_scan **out, const struct duckdb *duck, duckdb_connection connection, const struct fleet_run *runs, size_t count,
                         struct error *err);
void fleet_scan_free(struct fleet_scan *scan); // behind the connection's end
struct fleet_counts fleet_scan_counts(const struct fleet_scan *scan);

// Prints a result's rows.
bool fleet_print_result(const struct duckdb *duck, struct duckdb_result *result, FILE *out, enum fleet_style style, uint64_t *rows, struct error *err);
