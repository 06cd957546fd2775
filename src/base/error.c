#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
    if (!err)
        return false;
    err->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return false;
}

bool error_context(struct error *err, const char *format, ...)
{
    if (!err)
        return false;
    char inner[sizeof err->message];
    memcpy(inner, err->message, sizeof inner);
    va_list args;
    va_start(args, format);
    int used = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (used < 0 || (size_t)used + 2 >= sizeof err->message)
        return false;
    size_t left = sizeof err->message - (size_t)used - 3, length = strlen(inner);
    memcpy(err->message + used, ": ", 2);
    memcpy(err->message + used + 2, inner, length < left ? length : left);
    err->message[(size_t)used + 2 + (length < left ? length : left)] = 0;
    return false;
}

const char *error_code_text(enum error_code code)
{
    static const char *const texts[ERR_COUNT] = {
#define ERROR(code, text) [ERR_##code] = text,
#include "base/errors.def"
#undef ERROR
    };
    return (unsigned)code < ERR_COUNT ? texts[code] : "unknown error";
}
