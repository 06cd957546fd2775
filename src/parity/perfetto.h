// perfetto.h: logs as Chrome trace events (JSON), which ui.perfetto.dev and chrome://tracing show: a process for each run, a
// track for each thread, calls as slices.
// Streams: memory does not grow with the log. Threads: one call at a time for one output file.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "trace/reader.h"

struct par_perfetto_counts {
    uint64_t events, slices, instants, open; // open: slices that the log's end cut off
};

// Writes all logs into one trace. Times are each log's own clock; logs without a clock get a microsecond an event.
// False: a log cannot be read; what was written so far is no valid JSON then.
// `watch` (NULL: nobody) is told of each log.
bool par_export_perfetto(FILE *out, const char *const *paths, size_t count, const struct trace_watch *watch, struct par_perfetto_counts *counts,
                         struct error *err);
