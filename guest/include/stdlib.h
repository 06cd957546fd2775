// stdlib.h: the heap, ending the program, numbers.
#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void free(void *p);
// Ends the program with `status` (0-99), from any thread; a DLL's ends the calling thread.
void exit(int status) __attribute__((noreturn));
void _Exit(int status) __attribute__((noreturn)); // the same, but runs and writes back nothing
int atexit(void (*function)(void)); // 32 at most; run by exit and when main returns
// Stops with an illegal instruction: the emulator reports registers and backtrace.
void abort(void) __attribute__((noreturn));
char *getenv(const char *name); // there is none: NULL
void *aligned_alloc(size_t alignment, size_t size); // 16 at most
int abs(int n);
int atoi(const char *s);
long atol(const char *s);
long long atoll(const char *s);
long strtol(const char *restrict s, char **restrict end, int base);
unsigned long strtoul(const char *restrict s, char **restrict end, int base);
long long strtoll(const char *restrict s, char **restrict end, int base);
unsigned long long strtoull(const char *restrict s, char **restrict end, int base);
double strtod(const char *restrict s, char **restrict end); // to the nearest: exact
float strtof(const char *restrict s, char **restrict end);
double atof(const char *s);
long labs(long n);
long long llabs(long long n);
typedef struct {
    int quot, rem;
} div_t;
typedef struct {
    long quot, rem;
} ldiv_t;
typedef struct {
    long long quot, rem;
} lldiv_t;
div_t div(int a, int b);
ldiv_t ldiv(long a, long b);
lldiv_t lldiv(long long a, long long b);
#define RAND_MAX 0x7FFFFFFF
int rand(void);
void srand(unsigned seed);
void *bsearch(const void *key, const void *base, size_t count, size_t size, int (*compare)(const void *, const void *));
void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));
#ifdef __cplusplus
}
#endif
