// copy.h: events of one log into another: conversion between forms and excerpts.
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "trace/reader.h"
#include "trace/trace.h"

// A schema v1 log on standard output, for trace_copy. trace_close ends it (and leaves standard output open).
bool trace_create_stdout(struct trace **out, const struct trace_reader *from, struct error *err);

// Appends a record as it was read: tid_index is kept, exports are those of `from`. The schema v1 lines that a writer makes
// itself (schema_version, import.call) are passed over. False for a kind that this build does not know: nothing is written.
// A binary log has the exports that it was created with: they must be those of `from`.
bool trace_copy(struct trace *t, const struct trace_reader *from, const struct trace_record *record);
