// file.h: whole host files.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct file_view {
    const uint8_t *data; // NULL when size is 0
    size_t size;         // bytes
};

// Maps a regular file read-only; the pages count against the process only while touched. file_unmap gives it back.
// Fails with ERR_IO or ERR_NOT_FOUND, naming the path. A file truncated by others while mapped may fault: not guarded.
bool file_map(const char *path, struct file_view *out, struct error *err);
void file_unmap(struct file_view *view);

// Reads a whole file or pipe into malloc'd memory (one extra zero byte behind it); the caller frees *out.
bool file_read(const char *path, uint8_t **out, size_t *size, struct error *err);

// Writes `size` bytes to `path` through a temporary file beside it, so that a reader sees all or nothing.
bool file_write(const char *path, const void *data, size_t size, struct error *err);
