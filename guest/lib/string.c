#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((((uintptr_t)d | (uintptr_t)s) & 3) == 0)
        for (; size >= 4; size -= 4, d += 4, s += 4)
            *(uint32_t *)(void *)d = *(const uint32_t *)(const void *)s;
    while (size--)
        *d++ = *s++;
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if (d <= s || d >= s + size)
        return memcpy(to, from, size);
    while (size--)
        d[size] = s[size];
    return to;
}

void *memset(void *to, int value, size_t size)
{
    uint8_t *d = to;
    uint32_t word = (uint8_t)value * 0x01010101u;
    for (; size && ((uintptr_t)d & 3); size--)
        *d++ = (uint8_t)value;
    for (; size >= 4; size -= 4, d += 4)
        *(uint32_t *)(void *)d = word;
    while (size--)
        *d++ = (uint8_t)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a, *y = b;
    for (; size; size--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

void *memchr(const void *in, int value, size_t size)
{
    const uint8_t *p = in;
    for (; size; size--, p++)
        if (*p == (uint8_t)value)
            return (void *)p;
    return NULL;
}

size_t strlen(const char *s)
{
    const char *p = s;
    while (*p)
        p++;
    return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t most)
{
    size_t n = 0;
    while (n < most && s[n])
        n++;
    return n;
}

int strncmp(const char *a, const char *b, size_t most)
{
    for (; most && *a && *a == *b; most--, a++, b++)
        ;
    return most ? (uint8_t)*a - (uint8_t)*b : 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

char *strcpy(char *restrict to, const char *restrict from)
{
    memcpy(to, from, strlen(from) + 1);
    return to;
}

char *strncpy(char *restrict to, const char *restrict from, size_t size)
{
    size_t n = strnlen(from, size);
    memcpy(to, from, n);
    memset(to + n, 0, size - n);
    return to;
}

char *strcat(char *restrict to, const char *restrict from)
{
    strcpy(to + strlen(to), from);
    return to;
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (!*s)
            return NULL;
    return (char *)s;
}

char *strrchr(const char *s, int c)
{
    for (const char *p = s + strlen(s);; p--) {
        if (*p == (char)c)
            return (char *)p;
        if (p == s)
            return NULL;
    }
}

char *strstr(const char *s, const char *part)
{
    size_t length = strlen(part);
    for (; strncmp(s, part, length); s++)
        if (!*s)
            return NULL;
    return (char *)s;
}

char *strncat(char *restrict to, const char *restrict from, size_t most)
{
    size_t n = strnlen(from, most);
    char *end = to + strlen(to);
    memcpy(end, from, n);
    end[n] = 0;
    return to;
}

static int is_in(char c, const char *set)
{
    return c && strchr(set, c);
}

size_t strspn(const char *s, const char *set)
{
    size_t n = 0;
    while (is_in(s[n], set))
        n++;
    return n;
}

size_t strcspn(const char *s, const char *set)
{
    size_t n = 0;
    while (s[n] && !is_in(s[n], set))
        n++;
    return n;
}

char *strpbrk(const char *s, const char *set)
{
    s += strcspn(s, set);
    return *s ? (char *)s : NULL;
}

char *strtok_r(char *restrict s, const char *restrict separators, char **restrict state)
{
    s = s ? s : *state;
    s += strspn(s, separators);
    char *end = s + strcspn(s, separators);
    *state = *end ? end + 1 : end;
    if (end == s)
        return NULL;
    *end = 0;
    return s;
}

char *strndup(const char *s, size_t most)
{
    size_t n = strnlen(s, most);
    char *copy = malloc(n + 1);
    if (copy) {
        memcpy(copy, s, n);
        copy[n] = 0;
    }
    return copy;
}

char *strdup(const char *s)
{
    return strndup(s, SIZE_MAX);
}

int errno;

const char *strerror(int number)
{
    static const struct {
        int number;
        const char *text;
    } texts[] = {{0, "no error"}, {ENOENT, "no such file"}, {EIO, "input or output failed"}, {EBADF, "not open for this"},
                 {ENOMEM, "no memory"}, {EACCES, "not allowed"}, {EEXIST, "exists already"}, {EINVAL, "invalid argument"},
                 {EMFILE, "too many open files"}, {ENOSPC, "no space"}, {ERANGE, "out of range"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].number == number)
            return texts[i].text;
    return "unknown error";
}

char *strtok(char *restrict s, const char *restrict separators)
{
    static char *state;
    return strtok_r(s, separators, &state);
}

char *stpcpy(char *restrict to, const char *restrict from)
{
    size_t size = strlen(from);
    return (char *)memcpy(to, from, size + 1) + size;
}

int strcoll(const char *a, const char *b)
{
    return strcmp(a, b);
}

size_t strxfrm(char *restrict to, const char *restrict from, size_t size)
{
    if (size)
        strncpy(to, from, size);
    return strlen(from);
}

void *memccpy(void *restrict to, const void *restrict from, int end, size_t size)
{
    const uint8_t *found = memchr(from, end, size);
    size_t count = found ? (size_t)(found - (const uint8_t *)from) + 1 : size;
    memcpy(to, from, count);
    return found ? (uint8_t *)to + count : NULL;
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : (unsigned char)c;
}

int strncasecmp(const char *a, const char *b, size_t most)
{
    for (; most; a++, b++, most--)
        if (lower(*a) != lower(*b) || !*a)
            return lower(*a) - lower(*b);
    return 0;
}

int strcasecmp(const char *a, const char *b)
{
    return strncasecmp(a, b, SIZE_MAX);
}
