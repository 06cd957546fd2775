#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "xex/file.h"
#include "xex/keys.h"

static const char help[] =
    "usage: xenolith extract TITLE.xex [NAME] -o FOLDER [--key HEX] [--keys FILE] [--patch FILE] [--ignore-hashes]\n"
    "\n"
    "Writes what an executable holds as files: each resource under its name, the image as image.exe (as laid out in memory)\n"
    "and the header as header.bin; with NAME, only that one. FOLDER is made if need be.\n"
    "\n"
    "Example: xenolith extract dolphin.xex -o parts\n"
    "Exit status: 0; 2 for bad arguments; 100 if the file cannot be read, lacks NAME, or FOLDER cannot be written.\n";

struct job {
    const char *title, *name, *folder;
    unsigned written;
};

// Names in a file are any bytes: what could leave the folder or trouble a terminal becomes an underscore.
static void file_name(const char *name, char *out, size_t size)
{
    size_t n = 0;
    for (; name[n] && n + 1 < size; n++) {
        char c = name[n];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
        out[n] = plain || (c == '.' && n) ? c : '_';
    }
    out[n] = 0;
}

static bool write_part(struct job *j, const char *name, const uint8_t *data, size_t size, struct error *err)
{
    char safe[64], path[4096];
    if (j->name && strcmp(j->name, name) != 0)
        return true;
    file_name(name, safe, sizeof safe);
    int length = snprintf(path, sizeof path, "%s/%s", j->folder, *safe ? safe : "_");
    if (length < 0 || (size_t)length >= sizeof path)
        return error_set(err, ERR_ARGUMENT, "the path of the folder is too long");
    if (!file_write(path, data, size, err))
        return false;
    printf("%s: %zu bytes\n", path, size);
    j->written++;
    return true;
}

static bool extract(struct job *j, const struct xex *x, struct error *err)
{
    size_t count, header_size;
    if (xex_image_error(x)) {
        *err = *xex_image_error(x);
        return error_context(err, "%s", j->title);
    }
    if (mkdir(j->folder, 0777) && errno != EEXIST)
        return error_set(err, ERR_IO, "%s: %s", j->folder, strerror(errno));
    const uint8_t *image = xex_image(x), *header = xex_header_bytes(x, &header_size);
    const struct xex_resource *r = xex_resources(x, &count);
    for (size_t i = 0; i < count; i++) // in the image: the reader checked
        if (!write_part(j, r[i].name, image + (r[i].address - xex_info(x)->base), r[i].size, err))
            return false;
    if (!write_part(j, "image.exe", image, xex_info(x)->image_size, err) ||
        !write_part(j, "header.bin", header, header_size, err))
        return false;
    return j->written || error_set(err, ERR_NOT_FOUND, "%s holds no '%s'; xenolith info lists its resources", j->title, j->name);
}

static int fail(const struct error *err)
{
    fprintf(stderr, "xenolith extract: %s\n", err->message);
    return err->code == ERR_ARGUMENT ? CLI_USAGE : CLI_ERROR;
}

COMMAND(extract, "write an executable's resources and image as files")
{
    static const struct option options[] = {
        {"key", required_argument, NULL, 'k'}, {"keys", required_argument, NULL, 'f'}, {"patch", required_argument, NULL, 'p'},
        {"ignore-hashes", no_argument, NULL, 'i'}, {"help", no_argument, NULL, 'h'}, {0},
    };
    struct job j = {0};
    struct xex_file_options opts = {0};
    const char *key = NULL, *keys = NULL;
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1)
        switch (c) {
        case 'o': j.folder = optarg; break;
        case 'k': key = optarg; break;
        case 'f': keys = optarg; break;
        case 'p': opts.patch_path = optarg; break;
        case 'i': opts.ignore_hashes = true; break;
        case 'h': fputs(help, stdout); return CLI_OK;
        default: fputs(help, stderr); return CLI_USAGE;
        }
    if (!j.folder || argc - optind < 1 || argc - optind > 2) {
        fputs(help, stderr);
        return CLI_USAGE;
    }
    j.title = argv[optind];
    j.name = argc - optind == 2 ? argv[optind + 1] : NULL;
    struct xex_keys found;
    struct xex_file file = {0};
    struct error err = {0};
    if (!xex_find_keys(&found, key, keys, &err))
        return fail(&err);
    opts.retail_key = found.has_retail ? found.retail : NULL;
    bool ok = xex_file_open(&file, j.title, &opts, &err) && extract(&j, file.xex, &err);
    xex_file_close(&file);
    return ok ? CLI_OK : fail(&err);
}
