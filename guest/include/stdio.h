// stdio.h: formatted text. Standard output is the kernel's debug print, which the emulator shows on its stdout.
#pragma once
#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
// Conversions: d i u x X o c s p f F e E g G %, with flags - + space 0 #, width, precision, and hh h l ll z t j.
int printf(const char *restrict format, ...) __attribute__((format(printf, 1, 2)));
int vprintf(const char *restrict format, va_list args);
int sprintf(char *restrict out, const char *restrict format, ...) __attribute__((format(printf, 2, 3)));
int snprintf(char *restrict out, size_t size, const char *restrict format, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *restrict out, size_t size, const char *restrict format, va_list args);
int puts(const char *s);
int putchar(int c);
#ifdef __cplusplus
}
#endif
