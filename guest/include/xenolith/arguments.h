// arguments.h: variable arguments as the Xbox 360 passes them: each in a slot of 64 bits, integers in the low part, doubles as their
// bits; a va_list is a pointer to the next slot. gcc's are something else, so calls that cross are packed and unpacked here.
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <xenolith/types.h>

#ifdef __cplusplus
extern "C" {
#endif
// Packs the arguments that a printf format asks for into slots; returns their number, -1 where `most` do not do.
int xenolith_pack_arguments(uint64_t *slots, int most, const char *format, va_list args);

// Reads slots that somebody else packed: XENOLITH_NEXT(list, int), with `const uint64_t *list`.
#define XENOLITH_NEXT(list, type) ((type)*(list)++)
double xenolith_next_double(const uint64_t **list);

// The kernel's own formatters, called with variable arguments of this compiler's.
int krnl_sprintf(char *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int krnl__snprintf(char *out, uint32_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
#ifdef __cplusplus
}
#endif
