// stdio.h: formatted text and files. Standard output is the kernel's debug print, which the emulator shows on its stdout.
// Files: "game:\\name", or a path without a device, which is taken from game: ('/' is '\\'). Writing needs `run --writable`.
#pragma once
#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
typedef struct xenolith_file FILE;
extern FILE *const stdin, *const stdout, *const stderr; // stdin is always at its end; the other two are one
#define EOF (-1)
#define BUFSIZ 4096
#define FILENAME_MAX 260
enum { SEEK_SET, SEEK_CUR, SEEK_END };

// Conversions: d i u x X o c s p f F e E g G %, with flags - + space 0 #, width, precision, and hh h l ll z t j.
int printf(const char *restrict format, ...) __attribute__((format(printf, 1, 2)));
int vprintf(const char *restrict format, va_list args);
int fprintf(FILE *restrict f, const char *restrict format, ...) __attribute__((format(printf, 2, 3)));
int vfprintf(FILE *restrict f, const char *restrict format, va_list args);
int sprintf(char *restrict out, const char *restrict format, ...) __attribute__((format(printf, 2, 3)));
int snprintf(char *restrict out, size_t size, const char *restrict format, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *restrict out, size_t size, const char *restrict format, va_list args);
int vsprintf(char *restrict out, const char *restrict format, va_list args);
int puts(const char *s);
int putchar(int c);

FILE *fopen(const char *restrict path, const char *restrict mode); // modes r w a, each with + and b
int fclose(FILE *f);
size_t fread(void *restrict out, size_t size, size_t count, FILE *restrict f);
size_t fwrite(const void *restrict data, size_t size, size_t count, FILE *restrict f);
int fseek(FILE *f, long offset, int from);
long ftell(FILE *f);
void rewind(FILE *f);
int fflush(FILE *f);
int fgetc(FILE *f);
int getc(FILE *f);
int ungetc(int c, FILE *f);
char *fgets(char *restrict out, int size, FILE *restrict f);
int fputc(int c, FILE *f);
int putc(int c, FILE *f);
int fputs(const char *restrict s, FILE *restrict f);
int feof(FILE *f);
int ferror(FILE *f);
void clearerr(FILE *f);
int remove(const char *path);
int rename(const char *from, const char *to);
void perror(const char *what);
int getchar(void);
enum { _IOFBF, _IOLBF, _IONBF };
int setvbuf(FILE *restrict f, char *restrict buffer, int mode, size_t size); // both do nothing
void setbuf(FILE *restrict f, char *restrict buffer);

int sscanf(const char *restrict text, const char *restrict format, ...) __attribute__((format(scanf, 2, 3)));
int vsscanf(const char *restrict text, const char *restrict format, va_list args);
int fscanf(FILE *restrict f, const char *restrict format, ...) __attribute__((format(scanf, 2, 3)));
int vfscanf(FILE *restrict f, const char *restrict format, va_list args);
#ifdef __cplusplus
}
#endif
