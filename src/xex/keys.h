// keys.h: where the console's retail key comes from: the command line, or a text file of name=hex lines.
#pragma once
#include "xex/xex.h"

struct xex_keys {
    bool has_retail;
    uint8_t retail[XEX_KEY_BYTES];
};

// `hex` (32 digits) wins over the file `path`; both may be NULL, then ./keys.txt is read if there is one.
// Fails with ERR_ARGUMENT (the digits), ERR_FORMAT (a line of the file) or the file's own failure.
bool xex_find_keys(struct xex_keys *out, const char *hex, const char *path, struct error *err);

// Reads name=hex lines; `#` begins a comment, unknown names are passed over. `text` ends with a NUL.
bool xex_parse_keys(struct xex_keys *out, const char *text, struct error *err);
