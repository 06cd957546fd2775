// trace_fleet.h: `xenolith trace query` and the forms of `xenolith trace export` for many runs; the other half of cmd_trace.c.
#pragma once
#include <stddef.h>

int cli_trace_query(int argc, char **argv); // argv[1] is "query"

// "[NAME=]LOG" each. They return an exit status.
int cli_export_parquet(const char *out, const char *const *logs, size_t count);
int cli_export_rowbinary(const char *out, const char *const *logs, size_t count);
int cli_print_clickhouse_columns(void);
