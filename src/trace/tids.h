// tids.h: a counter for each guest thread that appears in a log. Internal to trace/.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace_tid {
    uint32_t tid;
    bool finite_wait;    // the last wait.begin of this thread had a finite timeout
    uint64_t next_index; // of the thread's next event
};

// Zero is empty; trace_tids_free gives the memory back. Rows are in order of appearance.
struct trace_tids {
    struct trace_tid *rows;
    size_t count, capacity, last; // last: row found last, the usual next one
};

// The row of `tid`, made when new; NULL without memory. The address is good until the next call.
struct trace_tid *trace_tids_get(struct trace_tids *t, uint32_t tid);
void trace_tids_free(struct trace_tids *t);
