#include "xex/keys.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

// Exactly XEX_KEY_BYTES bytes of hex digits in text[0..length).
static bool parse_hex(uint8_t *out, const char *text, size_t length)
{
    if (length != 2 * XEX_KEY_BYTES)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isxdigit((unsigned char)text[i]))
            return false;
    for (size_t i = 0; i < XEX_KEY_BYTES; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return true;
}

bool xex_parse_keys(struct xex_keys *out, const char *text, struct error *err)
{
    *out = (struct xex_keys){0};
    for (unsigned line = 1; *text; line++) {
        size_t length = strcspn(text, "\n");
        const char *start = text + strspn(text, " \t");
        if (!strncmp(start, "retail=", 7) && start < text + length) {
            const char *value = start + 7;
            size_t digits = strcspn(value, " \t\r\n#");
            if (!parse_hex(out->retail, value, digits))
                return error_set(err, ERR_FORMAT, "line %u: retail= needs 32 hex digits, has %zu characters", line,
                                 digits);
            out->has_retail = true;
        }
        text += length + (text[length] == '\n');
    }
    return true;
}

bool xex_find_keys(struct xex_keys *out, const char *hex, const char *path, struct error *err)
{
    *out = (struct xex_keys){0};
    if (hex) {
        if (!parse_hex(out->retail, hex, strlen(hex)))
            return error_set(err, ERR_ARGUMENT, "--key needs 32 hex digits, has %zu characters", strlen(hex));
        out->has_retail = true;
        return true;
    }
    uint8_t *text;
    size_t size;
    struct error local = {0};
    if (!file_read(path ? path : "keys.txt", &text, &size, &local)) {
        if (!path && local.code == ERR_NOT_FOUND)
            return true;
        if (err)
            *err = local;
        return false;
    }
    bool ok = xex_parse_keys(out, (const char *)text, err);
    free(text);
    return ok || error_context(err, "%s", path ? path : "keys.txt");
}
