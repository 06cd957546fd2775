// file.h: a title on the host's disk, with its patch: --patch FILE, or NAME.xexp beside NAME.xex.
#pragma once
#include "base/file.h"
#include "xex/xex.h"

struct xex_file_options {
    const uint8_t *retail_key; // XEX_KEY_BYTES bytes, or NULL
    const char *patch_path;    // NULL: the one beside the title, if there is one; "none": none
    bool ignore_hashes;
};

struct xex_file {
    struct file_view title, patch; // the patch is empty when none was applied
    struct xex *xex;
    char patch_path[4096]; // "" when none was applied
};

// Fails with what xex_open or file_map say, naming the file. xex_file_close gives all back (zeroes allowed).
bool xex_file_open(struct xex_file *out, const char *path, const struct xex_file_options *opts, struct error *err);
void xex_file_close(struct xex_file *f);
