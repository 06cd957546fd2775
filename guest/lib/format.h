// format.h: printf's formatting, to any place that takes characters.
#pragma once
#include <stdarg.h>

// Calls put(user, c) for each character; returns how many.
int format_text(void (*put)(void *user, char c), void *user, const char *format, va_list args);
