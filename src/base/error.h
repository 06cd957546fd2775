// error.h: a host-side failure as a value: a code, and a message made for a person.
// Life: the caller owns a `struct error` (zero is "no error") and passes its address down; NULL means "not interested".
// Threads: a struct error belongs to one thread.
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum error_code {
#define ERROR(code, text) ERR_##code,
#include "base/errors.def"
#undef ERROR
    ERR_COUNT
};

struct error {
    enum error_code code;
    char message[512]; // one line without newline; says what, where (file, offset, guest PC) and what to do
};

// Stores code and message and returns false, so that `return error_set(err, ...)` is a failure exit.
bool error_set(struct error *err, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Puts "context: " before the message, for what only the caller knows (the file's name). Returns false.
bool error_context(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The class of a failure in words, such as "malformed input". Never NULL.
const char *error_code_text(enum error_code code);
