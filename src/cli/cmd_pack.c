#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "xex/xex.h"

static void help(FILE *out)
{
    fputs("usage: xenolith pack ELF -o OUT.xex [--compression none|basic] [--encrypt] [--stack BYTES] [--title-id "
          "HEX]\n\n"
          "Makes an XEX2 (devkit) from a static big-endian PowerPC ELF linked with guest/lib/xenolith.ld.\n"
          "  -o FILE                   the executable to write\n"
          "  --compression none|basic  basic leaves out pages of zeros (default none)\n"
          "  --encrypt                 encrypt with the devkit key\n"
          "  --stack BYTES             stack of the main thread (default 0x40000)\n"
          "  --title-id HEX            title id in the execution info (default 0)\n",
          out);
}

static int pack(const char *in, const char *out, struct xex_pack_params *params)
{
    struct error err = {0};
    struct file_view file;
    uint8_t *data = NULL;
    size_t size;
    if (!file_map(in, &file, &err)) {
        fprintf(stderr, "xenolith pack: %s\n", err.message);
        return CLI_ERROR;
    }
    params->elf = file.data;
    params->elf_size = file.size;
    int status = CLI_OK;
    if (!xex_pack(params, &data, &size, &err)) {
        fprintf(stderr, "xenolith pack: %s: %s\n", in, err.message);
        status = CLI_ERROR;
    } else if (!file_write(out, data, size, &err)) {
        fprintf(stderr, "xenolith pack: %s\n", err.message);
        status = CLI_ERROR;
    }
    free(data);
    file_unmap(&file);
    return status;
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

COMMAND(pack, "make an executable (XEX2) from an ELF of the SDK")
{
    static const struct option options[] = {
        {"compression", required_argument, NULL, 'c'},
        {"encrypt", no_argument, NULL, 'e'},
        {"stack", required_argument, NULL, 's'},
        {"title-id", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct xex_pack_params params = {0};
    const char *out = NULL;
    bool good = true;
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1)
        switch (c) {
        case 'o':
            out = optarg;
            break;
        case 'c':
            params.compression = strcmp(optarg, "basic") ? XEX_COMPRESSION_NONE : XEX_COMPRESSION_BASIC;
            good = good && (!strcmp(optarg, "basic") || !strcmp(optarg, "none"));
            break;
        case 'e':
            params.encrypt = true;
            break;
        case 's':
            good = number(optarg, 0, &params.stack_size) && good;
            break;
        case 't':
            good = number(optarg, 16, &params.title_id) && good;
            break;
        case 'h':
            help(stdout);
            return CLI_OK;
        default:
            good = false;
        }
    if (!good || !out || optind + 1 != argc) {
        help(stderr);
        return CLI_USAGE;
    }
    char name[256];
    name_from(out, name, sizeof name);
    params.pe_name = name;
    return pack(argv[optind], out, &params);
}
