#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parity/record.h"

enum { SPILL_AT = 24 << 20, LOAD_BLOCK = 1 << 20 }; // bytes

static bool reserve(struct par_queue *q, size_t more)
{
    if (q->tail + more <= q->capacity)
        return true;
    if (q->head && q->head >= q->tail - q->head) {
        memmove(q->data, q->data + q->head, q->tail - q->head);
        q->tail -= q->head;
        q->head = 0;
        if (q->tail + more <= q->capacity)
            return true;
    }
    size_t capacity = q->capacity ? q->capacity * 2 : 1 << 14;
    while (capacity < q->tail + more)
        capacity *= 2;
    uint8_t *grown = realloc(q->data, capacity);
    if (!grown)
        return false;
    q->data = grown;
    q->capacity = capacity;
    return true;
}

static bool put_memory(struct par_queue *q, const struct par_record *r)
{
    if (!reserve(q, r->bytes))
        return false;
    memcpy(q->data + q->tail, r, r->bytes);
    q->tail += r->bytes;
    q->in_memory++;
    return true;
}

// Behind the file's end. False: no file to be had, or the disk is full.
static bool put_file(struct par_queue *q, const struct par_record *r)
{
    if (q->spill <= 0) {
        FILE *f = tmpfile();
        q->spill = f ? dup(fileno(f)) : -1;
        if (f)
            fclose(f);
        if (q->spill <= 0)
            return false;
    }
    if (pwrite(q->spill, r, r->bytes, (off_t)q->spill_write) != (ssize_t)r->bytes)
        return false;
    q->spill_write += r->bytes;
    return true;
}

bool par_queue_push(struct par_queue *q, const struct par_record *r)
{
    bool full = q->tail - q->head > SPILL_AT || q->spill_write > q->spill_read;
    bool ok = (full && put_file(q, r)) || (!(q->spill_write > q->spill_read) && put_memory(q, r));
    q->count += ok;
    return ok;
}

bool par_queue_load(struct par_queue *q, size_t records)
{
    while (q->in_memory < records && q->in_memory < q->count) {
        uint64_t left = q->spill_write - q->spill_read;
        size_t block = left < LOAD_BLOCK ? (size_t)left : LOAD_BLOCK;
        if (!reserve(q, block) || pread(q->spill, q->data + q->tail, block, (off_t)q->spill_read) != (ssize_t)block)
            return false;
        // Whole records only.
        size_t at = 0;
        while (block - at >= sizeof(struct par_record)) {
            const struct par_record *r = (const struct par_record *)(const void *)(q->data + q->tail + at);
            if (r->bytes > block - at)
                break;
            at += r->bytes;
            q->in_memory++;
        }
        q->tail += at;
        q->spill_read += at;
        if (!at)
            return false;
        if (q->spill_read == q->spill_write) {
            q->spill_read = q->spill_write = 0;
            if (ftruncate(q->spill, 0) != 0)
                return false;
        }
    }
    return true;
}

const struct par_record *par_queue_at(struct par_queue *q, size_t offset_bytes)
{
    return q->head + offset_bytes < q->tail ? (const struct par_record *)(const void *)(q->data + q->head + offset_bytes) : NULL;
}

void par_queue_pop(struct par_queue *q)
{
    const struct par_record *r = par_queue_head(q);
    if (!r)
        return;
    q->head += r->bytes;
    q->count--;
    q->in_memory--;
    if (q->head == q->tail)
        q->head = q->tail = 0;
    if (!q->in_memory && q->count)
        par_queue_load(q, 256);
}

void par_queue_free(struct par_queue *q)
{
    if (q->spill > 0)
        close(q->spill);
    free(q->data);
    *q = (struct par_queue){0};
}
