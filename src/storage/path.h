// path.h: guest paths as lists of names, the rules of names, and wildcard patterns. Only storage/ includes it.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "storage/storage.h"

struct path_part {
    const char *text; // not terminated
    size_t bytes;
};

// Names of a path. They point into the text that was split.
struct path_parts {
    unsigned count;
    bool rooted;   // began with a separator
    bool trailing; // ended with one
    struct path_part part[STOR_DEPTH_MAX];
};

// STOR_INVALID_NAME: too long, too deep, or a NUL in it.
enum stor_status path_split(const char *text, size_t bytes, struct path_parts *out);

// Takes a leading "\??\" away.
void path_skip_dos_prefix(struct path_parts *p);

// `p` begins with all of `prefix`, ASCII case aside.
bool path_has_prefix(const struct path_parts *p, const struct path_parts *prefix);

// A name that a guest may use for a file.
bool path_valid_name(const char *text, size_t bytes);

// A to Z from small letters; other bytes stay.
unsigned char path_fold(char c);
// Like strcmp on folded bytes.
int path_compare_folded(const char *a, const char *b);

// Appends parts from `first` on to `to` (names joined by '/', "" is the root), minding "." and "..".
enum stor_status path_append(char to[STOR_PATH_MAX], const struct path_parts *p, unsigned first);

// The pattern may be used in stor_directory_entry.
bool path_valid_pattern(const char *pattern, size_t bytes);
bool path_matches(const char *name, const char *pattern);
