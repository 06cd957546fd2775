// convert.h: one form of a log into another.
// Between our binary form and schema v1 nothing is lost; bare lines and text logs hold less, and what is made of them holds no more.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "parity/events.h"
#include "trace/reader.h"

struct par_converted {
    uint64_t events, left_out; // written; of kinds that the form, or this build, has no place for
    uint64_t bad, first_bad;   // of the input, as par_log_info
    bool truncated;
};

// By the name: .jsonl schema v1, .log .txt text log, .bare bare lines, anything else binary.
enum par_form par_form_by_path(const char *path);

// "-" is standard input; as output it is allowed for bare lines and text logs. `tid`: bare lines hold one thread, this one;
// 0: the first that calls anything.
// `watch` (NULL: nobody) is told of each reading, of which a log form needs two.
bool par_convert(const char *in, const char *out, enum par_form form, uint32_t tid, const struct trace_watch *watch, struct par_converted *done,
                 struct error *err);
