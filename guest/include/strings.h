// strings.h: comparisons without case (ASCII).
#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
int strcasecmp(const char *a, const char *b);
int strncasecmp(const char *a, const char *b, size_t most);
#ifdef __cplusplus
}
#endif
