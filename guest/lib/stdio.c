// Text output. Formatting happens here, on the guest's side: the kernel's own formatter has another convention for
// variable arguments (a 64-bit slot each), so it is only ever asked for "%s".
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "xenolith/xboxkrnl.h"

#undef DbgPrint
int DbgPrint(const char *format, ...);                       // the kernel's
int xenolith_print(const char *restrict format, va_list args); // file.c

enum { CHUNK = 256 };

struct console {
    char text[CHUNK];
    size_t used;
};

static void flush(struct console *c)
{
    c->text[c->used] = 0;
    if (c->used)
        DbgPrint("%s", c->text);
    c->used = 0;
}

static void put_console(void *user, char character)
{
    struct console *c = user;
    if (c->used == CHUNK - 1)
        flush(c);
    c->text[c->used++] = character;
}

int xenolith_print(const char *restrict format, va_list args)
{
    struct console c;
    c.used = 0;
    int n = format_text(put_console, &c, format, args);
    flush(&c);
    return n;
}

int vprintf(const char *restrict format, va_list args)
{
    return xenolith_print(format, args);
}

int printf(const char *restrict format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vprintf(format, args);
    va_end(args);
    return n;
}

int xenolith_debug_print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vprintf(format, args);
    va_end(args);
    return n;
}

struct buffer {
    char *out;
    size_t size, used;
};

static void put_buffer(void *user, char character)
{
    struct buffer *b = user;
    if (b->used + 1 < b->size)
        b->out[b->used] = character;
    b->used++;
}

int vsnprintf(char *restrict out, size_t size, const char *restrict format, va_list args)
{
    struct buffer b = {out, size, 0};
    int n = format_text(put_buffer, &b, format, args);
    if (size)
        out[b.used < size ? b.used : size - 1] = 0;
    return n;
}

int snprintf(char *restrict out, size_t size, const char *restrict format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out, size, format, args);
    va_end(args);
    return n;
}

int sprintf(char *restrict out, const char *restrict format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out, SIZE_MAX, format, args);
    va_end(args);
    return n;
}

int vsprintf(char *restrict out, const char *restrict format, va_list args)
{
    return vsnprintf(out, SIZE_MAX, format, args);
}

int puts(const char *s)
{
    return printf("%s\n", s);
}

int putchar(int c)
{
    printf("%c", c);
    return (unsigned char)c;
}
