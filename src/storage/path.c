#include "storage/path.h"

#include <string.h>

static bool is_separator(char c)
{
    return c == '\\' || c == '/';
}

enum stor_status path_split(const char *text, size_t bytes, struct path_parts *out)
{
    *out = (struct path_parts){0};
    if (bytes >= STOR_PATH_MAX || (bytes != 0 && memchr(text, '\0', bytes) != NULL))
        return STOR_INVALID_NAME;
    out->rooted = bytes != 0 && is_separator(text[0]);
    out->trailing = bytes != 0 && is_separator(text[bytes - 1]);
    for (size_t i = 0; i < bytes;) {
        size_t start = i;
        while (i < bytes && !is_separator(text[i]))
            i++;
        if (i > start) {
            if (out->count == STOR_DEPTH_MAX)
                return STOR_INVALID_NAME;
            out->part[out->count++] = (struct path_part){text + start, i - start};
        }
        i++;
    }
    return STOR_OK;
}

void path_skip_dos_prefix(struct path_parts *p)
{
    if (p->rooted && p->count != 0 && p->part[0].bytes == 2 && memcmp(p->part[0].text, "??", 2) == 0) {
        p->count--;
        memmove(p->part, p->part + 1, p->count * sizeof *p->part);
    }
}

unsigned char path_fold(char c)
{
    return (unsigned char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

int path_compare_folded(const char *a, const char *b)
{
    while (*a && path_fold(*a) == path_fold(*b)) {
        a++;
        b++;
    }
    return path_fold(*a) - path_fold(*b);
}

static bool same_part(const struct path_part *a, const struct path_part *b)
{
    if (a->bytes != b->bytes)
        return false;
    for (size_t i = 0; i < a->bytes; i++)
        if (path_fold(a->text[i]) != path_fold(b->text[i]))
            return false;
    return true;
}

bool path_has_prefix(const struct path_parts *p, const struct path_parts *prefix)
{
    if (prefix->count > p->count)
        return false;
    for (unsigned i = 0; i < prefix->count; i++)
        if (!same_part(&p->part[i], &prefix->part[i]))
            return false;
    return true;
}

static bool all_valid(const char *text, size_t bytes, const char *refused)
{
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F || strchr(refused, text[i]))
            return false;
    return true;
}

static bool is_dots(const char *text, size_t bytes)
{
    return (bytes == 1 || bytes == 2) && memcmp(text, "..", bytes) == 0;
}

bool path_valid_name(const char *text, size_t bytes)
{
    return bytes != 0 && bytes <= STOR_NAME_MAX && !is_dots(text, bytes) && all_valid(text, bytes, "\"*/:<>?\\|");
}

static void drop_last(char *to)
{
    char *slash = strrchr(to, '/');
    *(slash ? slash : to) = '\0';
}

enum stor_status path_append(char to[STOR_PATH_MAX], const struct path_parts *p, unsigned first)
{
    for (unsigned i = first; i < p->count; i++) {
        const struct path_part *part = &p->part[i];
        if (is_dots(part->text, part->bytes)) {
            if (part->bytes == 2)
                drop_last(to);
            continue;
        }
        size_t length = strlen(to);
        if (!path_valid_name(part->text, part->bytes) || length + part->bytes + 2 > STOR_PATH_MAX)
            return STOR_INVALID_NAME;
        if (length != 0)
            to[length++] = '/';
        memcpy(to + length, part->text, part->bytes);
        to[length + part->bytes] = '\0';
    }
    return STOR_OK;
}

bool path_valid_pattern(const char *pattern, size_t bytes)
{
    return bytes <= STOR_NAME_MAX && all_valid(pattern, bytes, "\"/:<>\\|");
}

// Linear in memory, and at worst name times pattern in time: only the last '*' is ever tried again.
bool path_matches(const char *name, const char *pattern)
{
    const char *star = NULL, *resume = NULL;
    if (pattern[0] == '\0' || strcmp(pattern, "*.*") == 0)
        return true;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            resume = name;
        } else if (*pattern && (*pattern == '?' || path_fold(*pattern) == path_fold(*name))) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}
