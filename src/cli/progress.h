// progress.h: how far a command is, in one line on standard error: on a terminal only, from the first second on, five times a second.
// Life: progress_begin; progress_show while something goes on; progress_end takes the line away, before anything else is printed.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "trace/reader.h"

struct progress {
    bool wanted, line; // a terminal is there; a line stands there now
    struct timespec next;
    struct trace_watch watch; // tells this progress, for readers of logs
};

void progress_begin(struct progress *p);
// A bar, then `words` (or NULL). `total` 0: nobody knows; then the words alone.
void progress_show(struct progress *p, uint64_t done, uint64_t total, const char *words);
void progress_end(struct progress *p);
