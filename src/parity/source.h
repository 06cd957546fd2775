// source.h: lines of a text file or pipe, plain, gzip or zstd, with bounded memory. Internal to parity/.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { PAR_LINE_MAX = 1 << 20 }; // bytes; what is longer is handed out cut, and is no event

struct par_source;

struct par_line {
    const char *text; // without its end; good until the next call
    size_t length;
    bool cut;         // the line was longer than PAR_LINE_MAX
    bool whole;       // it ended in a newline
};

// `head` (at least 16 bytes of room) receives the first decompressed bytes without consuming them.
bool par_source_open(struct par_source **out, const char *path, struct error *err);
void par_source_close(struct par_source *s);
size_t par_source_peek(struct par_source *s, const char **head); // everything buffered so far, at least one block if there is one
bool par_source_line(struct par_source *s, struct par_line *out);
bool par_source_broken(const struct par_source *s);   // the compressed data ends in the middle or is damaged, or reading failed
uint64_t par_source_bytes(const struct par_source *s); // of the file, 0 for a pipe
uint64_t par_source_read(const struct par_source *s);  // from the file so far

// Puts everything that is left into a temporary file without a name. Its descriptor, which the caller closes; -1: no room.
int par_source_spool(struct par_source *s);
