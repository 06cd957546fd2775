#include "xex/file.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && !strcasecmp(text + length - tail, end);
}

// Maps the patch, if there is one. One that was named must be there.
static bool map_patch(struct xex_file *f, const char *path, const char *named, struct error *err)
{
    if (named && !strcmp(named, "none"))
        return true;
    if (!named && !ends_with(path, ".xex"))
        return true;
    int length = snprintf(f->patch_path, sizeof f->patch_path, "%s%s", named ? named : path, named ? "" : "p");
    if (length < 0 || (size_t)length >= sizeof f->patch_path)
        return error_set(err, ERR_ARGUMENT, "the path of the patch is too long");
    struct error local = {0};
    if (file_map(f->patch_path, &f->patch, &local))
        return true;
    if (!named && local.code == ERR_NOT_FOUND) {
        f->patch_path[0] = 0;
        return true;
    }
    if (err)
        *err = local;
    return false;
}

bool xex_file_open(struct xex_file *out, const char *path, const struct xex_file_options *opts, struct error *err)
{
    static const uint8_t nothing[1];
    *out = (struct xex_file){0};
    if (!file_map(path, &out->title, err))
        return false;
    bool ok = map_patch(out, path, opts->patch_path, err);
    if (ok) {
        struct xex_options o = {.retail_key = opts->retail_key, .ignore_hashes = opts->ignore_hashes};
        o.patch = out->patch_path[0] ? out->patch.data ? out->patch.data : nothing : NULL;
        o.patch_size = out->patch.size;
        ok = xex_open(&out->xex, out->title.data, out->title.size, &o, err) || error_context(err, "%s", path);
    }
    if (!ok)
        xex_file_close(out);
    return ok;
}

void xex_file_close(struct xex_file *f)
{
    xex_close(f->xex);
    file_unmap(&f->title);
    file_unmap(&f->patch);
    *f = (struct xex_file){0};
}
