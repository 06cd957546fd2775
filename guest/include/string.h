// string.h: bytes and strings.
#pragma once
#include <stddef.h>
#include <strings.h>

#ifdef __cplusplus
extern "C" {
#endif
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *in, int value, size_t size);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t most);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t most);
char *strcpy(char *restrict to, const char *restrict from);
char *strncpy(char *restrict to, const char *restrict from, size_t size);
char *strcat(char *restrict to, const char *restrict from);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strncat(char *restrict to, const char *restrict from, size_t most);
size_t strspn(const char *s, const char *set);
size_t strcspn(const char *s, const char *set);
char *strpbrk(const char *s, const char *set);
char *strtok_r(char *restrict s, const char *restrict separators, char **restrict state);
char *strtok(char *restrict s, const char *restrict separators);
char *stpcpy(char *restrict to, const char *restrict from);
int strcoll(const char *a, const char *b); // as strcmp
size_t strxfrm(char *restrict to, const char *restrict from, size_t size);
void *memccpy(void *restrict to, const void *restrict from, int end, size_t size);
char *strdup(const char *s);
char *strndup(const char *s, size_t most);
const char *strerror(int number);
char *strstr(const char *s, const char *part);
#ifdef __cplusplus
}
#endif
