#include "trace/json_line.h"

#include <string.h>

struct scan {
    const char *p, *end;
};

static void skip_space(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

static bool take(struct scan *s, char c)
{
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

static bool take_word(struct scan *s, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return false;
    s->p += n;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool scan_string(struct scan *s)
{
    if (!take(s, '"'))
        return false;
    while (s->p < s->end) {
        unsigned char c = (unsigned char)*s->p++;
        if (c == '"')
            return true;
        if (c < 0x20)
            return false;
        if (c != '\\')
            continue;
        if (s->p == s->end)
            return false;
        c = (unsigned char)*s->p++;
        if (c != 'u') {
            if (!strchr("\"\\/bfnrt", c) || !c)
                return false;
            continue;
        }
        for (int i = 0; i < 4; i++, s->p++)
            if (s->p == s->end || hex_digit(*s->p) < 0)
                return false;
    }
    return false;
}

static size_t scan_digits(struct scan *s)
{
    const char *start = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return (size_t)(s->p - start);
}

static bool scan_number(struct scan *s)
{
    take(s, '-');
    const char *start = s->p;
    size_t digits = scan_digits(s);
    if (!digits || (digits > 1 && *start == '0'))
        return false;
    if (take(s, '.') && !scan_digits(s))
        return false;
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            take(s, '-');
        return scan_digits(s) > 0;
    }
    return true;
}

static bool scan_value(struct scan *s, struct json_value *out, int depth);

static bool scan_container(struct scan *s, bool object, int depth)
{
    const char close = object ? '}' : ']';
    struct json_value inner;
    s->p++;
    skip_space(s);
    if (take(s, close))
        return true;
    for (;;) {
        skip_space(s);
        if (object) {
            if (!scan_string(s))
                return false;
            skip_space(s);
            if (!take(s, ':'))
                return false;
            skip_space(s);
        }
        if (!scan_value(s, &inner, depth + 1))
            return false;
        skip_space(s);
        if (take(s, close))
            return true;
        if (!take(s, ','))
            return false;
    }
}

static bool scan_value(struct scan *s, struct json_value *out, int depth)
{
    if (s->p == s->end || depth > JSON_MAX_DEPTH)
        return false;
    bool ok;
    out->start = s->p;
    switch (*s->p) {
    case '{':
        out->type = JSON_OBJECT;
        ok = scan_container(s, true, depth);
        break;
    case '[':
        out->type = JSON_ARRAY;
        ok = scan_container(s, false, depth);
        break;
    case '"':
        out->type = JSON_STRING;
        ok = scan_string(s);
        break;
    case 't':
        out->type = JSON_TRUE;
        ok = take_word(s, "true");
        break;
    case 'f':
        out->type = JSON_FALSE;
        ok = take_word(s, "false");
        break;
    case 'n':
        out->type = JSON_NULL;
        ok = take_word(s, "null");
        break;
    default:
        out->type = JSON_NUMBER;
        ok = scan_number(s);
        break;
    }
    out->end = s->p;
    return ok;
}

bool json_parse(struct json_value *out, const char *text, size_t length)
{
    struct scan s = {text, text + length};
    skip_space(&s);
    if (!scan_value(&s, out, 0))
        return false;
    skip_space(&s);
    return s.p == s.end;
}

const char *json_first(const struct json_value *container)
{
    return container->start + 1;
}

// The value at `at` of a container that was checked before: only its extent is found again, without its depth.
static bool next_value(const struct json_value *container, struct scan *s, struct json_value *value)
{
    skip_space(s);
    if (s->p >= container->end || !scan_value(s, value, 1))
        return false;
    skip_space(s);
    take(s, ',');
    return true;
}

bool json_next_member(const struct json_value *object, const char **at, struct json_value *key, struct json_value *value)
{
    struct scan s = {*at, object->end - 1};
    if (object->type != JSON_OBJECT)
        return false;
    skip_space(&s);
    *key = (struct json_value){JSON_STRING, s.p, s.p};
    if (s.p >= s.end || !scan_string(&s))
        return false;
    key->end = s.p;
    skip_space(&s);
    if (!take(&s, ':') || !next_value(object, &s, value))
        return false;
    *at = s.p;
    return true;
}

bool json_next_element(const struct json_value *array, const char **at, struct json_value *value)
{
    struct scan s = {*at, array->end - 1};
    if (array->type != JSON_ARRAY || !next_value(array, &s, value))
        return false;
    *at = s.p;
    return true;
}

bool json_is(const struct json_value *string, const char *text)
{
    size_t n = strlen(text);
    return string->type == JSON_STRING && (size_t)(string->end - string->start) == n + 2 && !memcmp(string->start + 1, text, n);
}

static bool hex_bits(const char *p, const char *end, uint64_t *out)
{
    if (end - p < 3 || end - p > 18 || p[0] != '0' || p[1] != 'x')
        return false;
    *out = 0;
    for (p += 2; p < end; p++) {
        int digit = hex_digit(*p);
        if (digit < 0)
            return false;
        *out = *out << 4 | (unsigned)digit;
    }
    return true;
}

bool json_bits(const struct json_value *value, uint64_t *out)
{
    const char *p = value->start;
    if (value->type == JSON_STRING)
        return hex_bits(p + 1, value->end - 1, out);
    *out = value->type == JSON_TRUE;
    if (value->type == JSON_TRUE || value->type == JSON_FALSE)
        return true;
    if (value->type != JSON_NUMBER)
        return false;
    bool negative = *p == '-';
    for (p += negative; p < value->end; p++) {
        unsigned digit = (unsigned)*p - '0';
        if (digit > 9 || *out > (UINT64_MAX - digit) / 10)
            return false;
        *out = *out * 10 + digit;
    }
    if (negative && *out > (uint64_t)1 << 63)
        return false;
    if (negative)
        *out = 0 - *out;
    return true;
}

static unsigned hex4(const char *p)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 4 | (unsigned)hex_digit(p[i]);
    return value;
}

static size_t put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    size_t n = code < 0x10000 ? 3 : 4;
    out[0] = (char)(n == 3 ? 0xE0 | code >> 12 : 0xF0 | code >> 18);
    for (size_t i = 1; i < n; i++)
        out[i] = (char)(0x80 | (code >> 6 * (n - 1 - i) & 0x3F));
    return n;
}

// The character behind a backslash at *at; moves *at behind it.
static uint32_t unescape(const char **at, const char *end)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *p = *at;
    const char *found = memchr(from, *p, 5);
    *at = p + 1;
    if (*p != 'u')
        return (unsigned char)(found ? to[found - from] : *p);
    uint32_t code = hex4(p + 1);
    *at = p + 5;
    if (code < 0xD800 || code >= 0xE000)
        return code;
    if (code < 0xDC00 && end - *at >= 6 && p[5] == '\\' && p[6] == 'u') {
        uint32_t low = hex4(p + 7);
        if (low >= 0xDC00 && low < 0xE000) {
            *at = p + 11;
            return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return 0xFFFD;
}

size_t json_text(const struct json_value *string, char *out, size_t size)
{
    size_t used = 0;
    const char *p = string->start + 1, *end = string->end - 1;
    while (string->type == JSON_STRING && p < end) {
        char piece[4];
        size_t n = 1;
        if (*p == '\\') {
            p++;
            uint32_t code = unescape(&p, end);
            n = put_utf8(piece, code ? code : ' ');
        } else {
            piece[0] = *p++;
        }
        if (used + n >= size)
            break;
        memcpy(out + used, piece, n);
        used += n;
    }
    out[used] = 0;
    return used;
}
