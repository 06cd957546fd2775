// assert.h: a check of our own logic, kept in release builds. Never on guest or file input.
#pragma once

#define ASSERT(condition) ((condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__))

// Prints the failed condition to stderr and aborts.
_Noreturn void assert_failed(const char *condition, const char *file, int line);
