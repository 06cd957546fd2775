#include "trace/tids.h"

#include <stdlib.h>

struct trace_tid *trace_tids_get(struct trace_tids *t, uint32_t tid)
{
    if (t->last < t->count && t->rows[t->last].tid == tid)
        return &t->rows[t->last];
    for (size_t i = 0; i < t->count; i++)
        if (t->rows[i].tid == tid) {
            t->last = i;
            return &t->rows[i];
        }
    if (t->count == t->capacity) {
        size_t capacity = t->capacity ? t->capacity * 2 : 16;
        struct trace_tid *grown = realloc(t->rows, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        t->rows = grown;
        t->capacity = capacity;
    }
    t->last = t->count++;
    t->rows[t->last] = (struct trace_tid){.tid = tid};
    return &t->rows[t->last];
}

void trace_tids_free(struct trace_tids *t)
{
    free(t->rows);
    *t = (struct trace_tids){0};
}
