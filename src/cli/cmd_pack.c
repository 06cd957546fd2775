#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "xex/file.h"
#include "xex/keys.h"

static void help(FILE *out)
{
    fputs("usage: xenolith pack ELF -o OUT.xex [OPTIONS]\n"
          "       xenolith pack --patch-from OLD.xex ELF -o OUT.xexp [OPTIONS]\n\n"
          "Makes an XEX2 from a static big-endian PowerPC ELF linked with guest/lib/xenolith.ld; with --patch-from, the patch\n"
          "that turns OLD.xex into what would have been made.\n"
          "  -o FILE                   the executable to write\n"
          "  --compression none|basic|normal  basic leaves out pages of zeros, normal is LZX (default none)\n"
          "  --lzx best|stored|verbatim|aligned  kind of LZX's blocks (default best)\n"
          "  --encrypt [devkit|retail] encrypt with the devkit key, or with the one that --key gives\n"
          "  --key HEX, --keys FILE    the console's retail key, as for `xenolith info`\n"
          "  --dll                     a DLL instead of a title\n"
          "  --resource NAME=FILE      adds a resource (NAME has 8 bytes at most); may be given again\n"
          "  --static-library NAME=A.B.C.D  adds a line to the list of libraries; may be given again\n"
          "  --stack BYTES             stack of the main thread (default 0x40000)\n"
          "  --title-id HEX            title id in the execution info (default 0)\n"
          "  --title-version A.B.C.D   version there (default 1.0.0.0)\n\n"
          "Example: xenolith pack hello.elf -o hello.xex --compression normal --encrypt\n",
          out);
}

enum { LIST_MOST = 64 };

struct job {
    const char *in, *out, *patch_from, *key, *keys;
    struct xex_pack_params params;
    bool retail;
    struct xex_keys found;
    struct xex_pack_resource resources[LIST_MOST];
    char resource_names[LIST_MOST][9];
    struct file_view resource_files[LIST_MOST];
    struct xex_static_library libraries[LIST_MOST];
};

// Opens both titles and packs the difference; *data is what was packed of the new one, and becomes the patch.
static bool make_patch(const struct job *j, uint8_t **data, size_t *size, struct error *err)
{
    const uint8_t *key = j->found.has_retail ? j->found.retail : NULL;
    struct xex_file old = {0};
    struct xex *new = NULL;
    uint8_t *patch = NULL;
    size_t patch_size = 0;
    bool ok = xex_file_open(&old, j->patch_from, &(struct xex_file_options){key, "none", false}, err) &&
              xex_open(&new, *data, *size, &(struct xex_options){.retail_key = key}, err);
    if (ok && xex_image_error(old.xex)) {
        *err = *xex_image_error(old.xex);
        ok = error_context(err, "%s", j->patch_from);
    }
    ok = ok && xex_pack_patch(old.xex, new, j->params.encrypt, j->params.key, &patch, &patch_size, err);
    xex_close(new);
    xex_file_close(&old);
    free(*data);
    *data = patch;
    *size = patch_size;
    return ok;
}

static bool pack(struct job *j, struct error *err)
{
    struct file_view file;
    uint8_t *data = NULL;
    size_t size;
    if (!xex_find_keys(&j->found, j->key, j->keys, err))
        return false;
    if (j->retail && !j->found.has_retail)
        return error_set(err, ERR_ARGUMENT, "--encrypt retail needs the console's key: --key or --keys");
    j->params.key = j->retail ? j->found.retail : NULL;
    if (!file_map(j->in, &file, err))
        return false;
    j->params.elf = file.data;
    j->params.elf_size = file.size;
    bool ok = xex_pack(&j->params, &data, &size, err) || error_context(err, "%s", j->in);
    ok = ok && (!j->patch_from || make_patch(j, &data, &size, err)) && file_write(j->out, data, size, err);
    free(data);
    file_unmap(&file);
    return ok;
}

// "hello" of "dir/hello.xex" as "hello.exe".
static void name_from(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path, *dot = strrchr(start, '.');
    int length = dot ? (int)(dot - start) : (int)strlen(start);
    snprintf(out, size, "%.*s.exe", length, start);
}

static bool number(const char *text, int base, uint32_t *out)
{
    char *end;
    unsigned long long value = strtoull(text, &end, base);
    *out = (uint32_t)value;
    return *text && !*end && value <= UINT32_MAX;
}

static bool four_numbers(const char *text, const unsigned limits[4], unsigned out[4])
{
    char rest;
    if (sscanf(text, "%u.%u.%u.%u%c", &out[0], &out[1], &out[2], &out[3], &rest) != 4)
        return false;
    return out[0] <= limits[0] && out[1] <= limits[1] && out[2] <= limits[2] && out[3] <= limits[3];
}

static bool title_version(const char *text, uint32_t *out)
{
    unsigned n[4];
    if (!four_numbers(text, (const unsigned[]){15, 15, 0xFFFF, 0xFF}, n))
        return false;
    *out = n[0] << 28 | n[1] << 24 | n[2] << 8 | n[3];
    return true;
}

// Splits NAME=VALUE; leaves the name, of 8 bytes at most.
static const char *split(const char *text, char name[9])
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || equals - text > 8)
        return NULL;
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = 0;
    return equals + 1;
}

static bool add_library(struct job *j, const char *text)
{
    size_t n = j->params.static_library_count;
    unsigned v[4];
    if (n == LIST_MOST)
        return false;
    const char *version = split(text, j->libraries[n].name);
    if (!version || !four_numbers(version, (const unsigned[]){0xFFFF, 0xFFFF, 0xFFFF, 0xFF}, v))
        return false;
    j->libraries[n].major = (uint16_t)v[0];
    j->libraries[n].minor = (uint16_t)v[1];
    j->libraries[n].build = (uint16_t)v[2];
    j->libraries[n].qfe = (uint8_t)v[3];
    j->params.static_libraries = j->libraries;
    j->params.static_library_count++;
    return true;
}

static bool add_resource(struct job *j, const char *text)
{
    size_t n = j->params.resource_count;
    struct error err = {0};
    const char *path = n == LIST_MOST ? NULL : split(text, j->resource_names[n]);
    if (!path)
        return false;
    if (!file_map(path, &j->resource_files[n], &err)) {
        fprintf(stderr, "xenolith pack: %s\n", err.message);
        return false;
    }
    j->resources[n] =
        (struct xex_pack_resource){j->resource_names[n], j->resource_files[n].data, j->resource_files[n].size};
    j->params.resources = j->resources;
    j->params.resource_count++;
    return true;
}

// The number of a word in a list that ends with NULL.
static bool word(const char *text, const char *const *names, unsigned *out)
{
    for (*out = 0; names[*out]; ++*out)
        if (!strcmp(text, names[*out]))
            return true;
    return false;
}

static bool compression(const char *text, enum xex_compression *out)
{
    static const char *const names[] = {"none", "basic", "normal", NULL};
    unsigned number;
    bool ok = word(text, names, &number);
    *out = (enum xex_compression)number;
    return ok;
}

static bool lzx(const char *text, enum xex_lzx *out)
{
    static const char *const names[] = {"best", "stored", "verbatim", "aligned", NULL};
    unsigned number;
    bool ok = word(text, names, &number);
    *out = (enum xex_lzx)number;
    return ok;
}

// --encrypt stands alone or before a word.
static void encrypt(struct job *j, int argc, char **argv)
{
    j->params.encrypt = true;
    if (optind < argc && (!strcmp(argv[optind], "devkit") || !strcmp(argv[optind], "retail")))
        j->retail = !strcmp(argv[optind++], "retail");
}

static int parse(struct job *j, int argc, char **argv)
{
    static const struct option options[] = {
        {"compression", required_argument, NULL, 'c'},
        {"lzx", required_argument, NULL, 'z'},
        {"encrypt", no_argument, NULL, 'e'},
        {"key", required_argument, NULL, 'k'},
        {"keys", required_argument, NULL, 'K'},
        {"dll", no_argument, NULL, 'd'},
        {"resource", required_argument, NULL, 'r'},
        {"static-library", required_argument, NULL, 'l'},
        {"patch-from", required_argument, NULL, 'p'},
        {"stack", required_argument, NULL, 's'},
        {"title-id", required_argument, NULL, 't'},
        {"title-version", required_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    bool good = true;
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1)
        switch (c) {
        case 'o': j->out = optarg; break;
        case 'c': good = compression(optarg, &j->params.compression) && good; break;
        case 'z': good = lzx(optarg, &j->params.lzx) && good; break;
        case 'e': encrypt(j, argc, argv); break;
        case 'k': j->key = optarg; break;
        case 'K': j->keys = optarg; break;
        case 'd': j->params.dll = true; break;
        case 'r': good = add_resource(j, optarg) && good; break;
        case 'l': good = add_library(j, optarg) && good; break;
        case 'p': j->patch_from = optarg; break;
        case 's': good = number(optarg, 0, &j->params.stack_size) && good; break;
        case 't': good = number(optarg, 16, &j->params.title_id) && good; break;
        case 'v': good = title_version(optarg, &j->params.version) && good; break;
        case 'h': help(stdout); return CLI_OK;
        default: good = false;
        }
    if (good && j->out && optind + 1 == argc) {
        j->in = argv[optind];
        return -1;
    }
    help(stderr);
    return CLI_USAGE;
}

COMMAND(pack, "make an executable (XEX2) from an ELF of the SDK")
{
    struct job j = {0};
    struct error err = {0};
    int status = parse(&j, argc, argv);
    if (status < 0) {
        char name[256];
        name_from(j.out, name, sizeof name);
        j.params.pe_name = name;
        status = pack(&j, &err) ? CLI_OK : err.code == ERR_ARGUMENT ? CLI_USAGE : CLI_ERROR;
        if (status)
            fprintf(stderr, "xenolith pack: %s\n", err.message);
    }
    for (size_t i = 0; i < j.params.resource_count; i++)
        file_unmap(&j.resource_files[i]);
    return status;
}
