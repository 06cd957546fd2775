// json_line.h: JSON text taken apart in place, without allocation: for event log lines, whose integers use all 64 bits.
// Strict about syntax and bounds; nesting is limited to JSON_MAX_DEPTH. Internal to trace/.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_MAX_DEPTH = 32 };

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

// A checked value: its text from `start` to `end`, quotes and brackets included.
struct json_value {
    enum json_type type;
    const char *start, *end;
};

// Reads one value and the white space around it; the text must hold nothing else.
bool json_parse(struct json_value *out, const char *text, size_t length);

// Walks the members of a checked object or array: `at` starts as json_first(container). False at the end.
const char *json_first(const struct json_value *container);
bool json_next_member(const struct json_value *object, const char **at, struct json_value *key, struct json_value *value);
bool json_next_element(const struct json_value *array, const char **at, struct json_value *value);

// Whether a string's plain text (without escapes) is `text`.
bool json_is(const struct json_value *string, const char *text);

// The 64 bits of: a decimal integer (negative ones as two's complement), a string "0x..." of at most 16 digits, true or false.
// False for anything else.
bool json_bits(const struct json_value *value, uint64_t *out);

// A string without its escapes as UTF-8 (a lone surrogate becomes U+FFFD), cut to `size` - 1 bytes, ended by a zero; a zero inside becomes a space.
// Returns the number of bytes without the end.
size_t json_text(const struct json_value *string, char *out, size_t size);
