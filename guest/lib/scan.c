// The scanf family: one reader over a string or a FILE, which gives back one character.
#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MOST = 128 };

struct source {
    const char *text; // NULL: the file
    FILE *file;
    int count; // characters taken
};

static int get(struct source *s)
{
    int c = s->text ? (*s->text ? (unsigned char)*s->text++ : EOF) : fgetc(s->file);
    s->count += c != EOF;
    return c;
}

static void give_back(struct source *s, int c)
{
    if (c == EOF)
        return;
    s->count--;
    if (s->text)
        s->text--;
    else
        ungetc(c, s->file);
}

static int skip_blanks(struct source *s)
{
    int c;
    while ((c = get(s)) != EOF && isspace(c))
        ;
    give_back(s, c);
    return c;
}

struct conversion {
    int drop, size; // size: -2 hh, -1 h, 0, 1 l, 2 ll
    int width;      // 0: none was given
    char kind;
    unsigned char set[256]; // of %[
};

// "]" may be the first of the set, "-" between two makes a range.
static const char *parse_set(const char *p, struct conversion *c)
{
    int invert = *p == '^', first = 1;
    memset(c->set, invert, sizeof c->set);
    for (p += invert; *p && (first || *p != ']'); p++, first = 0) {
        unsigned from = (unsigned char)*p, to = from;
        if (p[1] == '-' && p[2] && p[2] != ']') {
            to = (unsigned char)p[2];
            p += 2;
        }
        for (unsigned i = from; i <= to; i++)
            c->set[i] = !invert;
    }
    return *p ? p + 1 : p;
}

// Behind the '%'; returns what follows the conversion.
static const char *parse(const char *p, struct conversion *c)
{
    memset(c, 0, sizeof *c);
    if (*p == '*') {
        c->drop = 1;
        p++;
    }
    for (; isdigit((unsigned char)*p); p++)
        c->width = c->width * 10 + *p - '0';
    for (; *p && strchr("hlLqjzt", *p); p++)
        c->size += *p == 'h' ? -1 : *p == 'l' ? 1 : *p == 'q' || *p == 'j' ? 2 : 0;
    c->kind = *p ? *p++ : 0;
    return c->kind == '[' ? parse_set(p, c) : p;
}

static int is_number_part(const char *so_far, int length, int c, const struct conversion *k)
{
    if (length == 0 || (k->kind != 'd' && k->kind != 'u' && length && tolower((unsigned char)so_far[length - 1]) == 'e' && strchr("eEfFgGaA", k->kind)))
        if (c == '+' || c == '-')
            return 1;
    if (strchr("eEfFgGaA", k->kind))
        return isdigit(c) || (c == '.' && !strchr(so_far, '.')) || (tolower(c) == 'e' && length && !strpbrk(so_far, "eE"));
    int digits = length - (length && (so_far[0] == '+' || so_far[0] == '-'));
    int hex = k->kind == 'x' || k->kind == 'X' || k->kind == 'p' || (k->kind == 'i' && digits >= 2 && strpbrk(so_far, "xX"));
    if (tolower(c) == 'x')
        return digits == 1 && so_far[length - 1] == '0' && (k->kind == 'i' || hex);
    return hex ? isxdigit(c) : k->kind == 'o' ? c >= '0' && c <= '7' : isdigit(c);
}

// The text of a number into `out`; its length.
static int take_number(struct source *s, const struct conversion *k, char out[NUMBER_MOST])
{
    int most = k->width && k->width < NUMBER_MOST ? k->width : NUMBER_MOST - 1, length = 0, c;
    out[0] = 0;
    while (length < most && (c = get(s)) != EOF) {
        if (!is_number_part(out, length, c, k)) {
            give_back(s, c);
            break;
        }
        out[length++] = (char)c;
        out[length] = 0;
    }
    return length;
}

static void store(const struct conversion *k, void *to, uint64_t value)
{
    if (k->size <= -2)
        *(uint8_t *)to = (uint8_t)value;
    else if (k->size == -1)
        *(uint16_t *)to = (uint16_t)value;
    else if (k->size >= 2)
        *(uint64_t *)to = value;
    else
        *(uint32_t *)to = (uint32_t)value;
}

static int convert_number(struct source *s, const struct conversion *k, void *to)
{
    char text[NUMBER_MOST], *end;
    if (!take_number(s, k, text))
        return 0;
    if (strchr("eEfFgGaA", k->kind)) {
        double value = strtod(text, &end);
        if (end == text)
            return 0;
        if (!k->drop && k->size >= 1)
            *(double *)to = value;
        else if (!k->drop)
            *(float *)to = (float)value;
        return 1;
    }
    int base = k->kind == 'i' ? 0 : k->kind == 'o' ? 8 : k->kind == 'd' || k->kind == 'u' ? 10 : 16;
    uint64_t value = k->kind == 'd' || k->kind == 'i' ? (uint64_t)strtoll(text, &end, base) : strtoull(text, &end, base);
    if (end == text)
        return 0;
    if (!k->drop)
        store(k, to, value);
    return 1;
}

static int convert_text(struct source *s, const struct conversion *k, char *to)
{
    int most = k->width ? k->width : k->kind == 'c' ? 1 : INT32_MAX, length = 0, c;
    while (length < most && (c = get(s)) != EOF) {
        if ((k->kind == 's' && isspace(c)) || (k->kind == '[' && !k->set[c])) {
            give_back(s, c);
            break;
        }
        if (!k->drop)
            to[length] = (char)c;
        length++;
    }
    if (k->kind != 'c' && !k->drop && length)
        to[length] = 0;
    return k->kind == 'c' ? length == most : length > 0;
}

static int scan(struct source *s, const char *format, va_list args)
{
    int done = 0, c;
    for (const char *p = format; *p;) {
        struct conversion k;
        if (isspace((unsigned char)*p)) {
            skip_blanks(s);
            p++;
            continue;
        }
        if (*p != '%' || p[1] == '%') {
            if (*p == '%')
                p++;
            c = get(s);
            if (c != (unsigned char)*p++) {
                give_back(s, c);
                return c == EOF && !done ? EOF : done;
            }
            continue;
        }
        p = parse(p + 1, &k);
        if (k.kind == 'n') {
            if (!k.drop)
                store(&k, va_arg(args, void *), (uint64_t)s->count);
            continue;
        }
        if (k.kind != 'c' && k.kind != '[')
            skip_blanks(s);
        c = get(s);
        give_back(s, c);
        if (c == EOF)
            return done ? done : EOF;
        void *to = k.drop ? NULL : va_arg(args, void *);
        int ok = k.kind && strchr("cs[", k.kind) ? convert_text(s, &k, to) : k.kind && strchr("diouxXpeEfFgGaA", k.kind) ? convert_number(s, &k, to) : 0;
        if (!ok)
            return done;
        done += !k.drop;
    }
    return done;
}

int vsscanf(const char *restrict text, const char *restrict format, va_list args)
{
    return scan(&(struct source){.text = text}, format, args);
}

int sscanf(const char *restrict text, const char *restrict format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsscanf(text, format, args);
    va_end(args);
    return n;
}

int vfscanf(FILE *restrict f, const char *restrict format, va_list args)
{
    return scan(&(struct source){.file = f}, format, args);
}

int fscanf(FILE *restrict f, const char *restrict format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vfscanf(f, format, args);
    va_end(args);
    return n;
}
