// xenolith disasm: the code of an executable as text, with the names of imports, functions and a linker's map.
#include <ctype.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/symbols.h"
#include "exports/exports.h"
#include "ppc/ppc.h"
#include "xex/file.h"
#include "xex/keys.h"
#include "xex/xex.h"

struct listing {
    struct xex *xex; // NULL: raw bytes
    const uint8_t *code;
    gva base;
    uint32_t size;
    struct symbols symbols;
    bool json;
};

struct request {
    const char *file, *range, *function, *map, *key, *keys, *raw;
    bool all, json;
    struct xex_file_options file_options;
};

static void help(FILE *out)
{
    fputs("usage: xenolith disasm FILE [ADDR[-END] | --function NAME | --all] [--map FILE] [--json]\n"
          "                       [--key HEX] [--keys FILE] [--raw BASE]\n"
          "                       [--patch FILE] [--ignore-hashes]\n\n"
          "Disassembles the code of an Xbox 360 executable (XEX2); without a choice, the function at its entry point.\n"
          "  ADDR             the function that holds this address, or from here on where .pdata knows none\n"
          "  ADDR-END         from ADDR up to, but not including, END\n"
          "  --function NAME  a function by its name (map, import, sub_ADDR, entry)\n"
          "  --all            all code sections\n"
          "  --map FILE       names from a linker's .map file\n"
          "  --json           one JSON object a line: address, word, text, and name where one begins\n"
          "  --raw BASE       FILE is bare big-endian code for address BASE\n"
          "  --key, --keys, --patch, --ignore-hashes  as for `xenolith info`\n",
          out);
}

// ---- Printing

static void print_instruction(const struct listing *l, gva address, uint32_t word, const char *text,
                              const struct symbol *s)
{
    if (!l->json) {
        if (s)
            printf("\n%s:\n", s->name);
        printf("%08x  %08x  %s\n", address, word, text);
        return;
    }
    json_object *o = cli_json(json_object_new_object());
    char hex[16];
    snprintf(hex, sizeof hex, "0x%08x", address);
    json_object_object_add(o, "address", cli_json(json_object_new_string(hex)));
    snprintf(hex, sizeof hex, "0x%08x", word);
    json_object_object_add(o, "word", cli_json(json_object_new_string(hex)));
    json_object_object_add(o, "text", cli_json(json_object_new_string(text)));
    if (s)
        json_object_object_add(o, "name", cli_json(json_object_new_string(s->name)));
    puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(o);
}

// [start, end), of which the image has all.
static void print_range(struct listing *l, uint64_t start, uint64_t end)
{
    char text[600];
    for (uint64_t at = start; at + 4 <= end; at += 4) {
        uint32_t word = be32_get(l->code + (at - l->base));
        ppc_disassemble(word, (gva)at, symbols_name, &l->symbols, text, sizeof text);
        print_instruction(l, (gva)at, word, text, symbols_at(&l->symbols, (gva)at));
    }
}

static bool print_checked(struct listing *l, uint64_t start, uint64_t end, struct error *err)
{
    if (start < l->base || end > (uint64_t)l->base + l->size || start >= end)
        return error_set(err, ERR_ARGUMENT, "0x%08" PRIx64 "-0x%08" PRIx64 " is not in the image 0x%08x-0x%08" PRIx64,
                         start, end, l->base, (uint64_t)l->base + l->size);
    print_range(l, start & ~(uint64_t)3, end);
    return true;
}

// The function that holds an address: the one of known size that covers it, else up to the next name.
static bool print_function(struct listing *l, gva address, struct error *err)
{
    size_t next = symbols_from(&l->symbols, address + 1);
    for (size_t i = next; i-- > 0 && next - i < 64;)
        if (l->symbols.at[i].size && address - l->symbols.at[i].address < l->symbols.at[i].size)
            return print_checked(l, l->symbols.at[i].address, (uint64_t)l->symbols.at[i].address + l->symbols.at[i].size, err);
    uint64_t end = (uint64_t)l->base + l->size;
    if (next < l->symbols.count && l->symbols.at[next].address < end)
        end = l->symbols.at[next].address;
    return print_checked(l, address, end, err);
}

static bool print_named(struct listing *l, const char *name, struct error *err)
{
    for (size_t i = 0; i < l->symbols.count; i++)
        if (!strcmp(l->symbols.at[i].name, name))
            return print_function(l, l->symbols.at[i].address, err);
    return error_set(err, ERR_NOT_FOUND, "no function \"%s\"", name);
}

static bool print_all(struct listing *l, struct error *err)
{
    enum { CONTAINS_CODE = 0x20 };
    size_t count = 0;
    const struct xex_section *section = l->xex ? xex_sections(l->xex, &count) : NULL;
    if (!count)
        return print_checked(l, l->base, (uint64_t)l->base + l->size, err);
    for (size_t i = 0; i < count; i++, section++) {
        uint64_t end = (uint64_t)section->address + section->size, limit = (uint64_t)l->base + l->size;
        if (section->flags & CONTAINS_CODE && section->address >= l->base && section->address < limit)
            print_range(l, section->address, end < limit ? end : limit);
    }
    return true;
}

static bool parse_address(const char *text, char **end, gva *out)
{
    unsigned long long v = strtoull(text, end, 16);
    *out = (gva)v;
    return *end != text && isxdigit((unsigned char)*text) && v <= UINT32_MAX;
}

static bool print_requested(struct listing *l, const struct request *r, struct error *err)
{
    char *end;
    gva first, last;
    if (r->all || (l->xex == NULL && !r->range && !r->function))
        return print_all(l, err);
    if (r->function)
        return print_named(l, r->function, err);
    if (!r->range) {
        gva entry = xex_info(l->xex)->entry;
        return entry ? print_function(l, entry, err)
                     : error_set(err, ERR_ARGUMENT, "no entry point: say what to disassemble");
    }
    if (!parse_address(r->range, &end, &first) || first & 3)
        return error_set(err, ERR_ARGUMENT, "\"%s\" does not begin with a hexadecimal address divisible by 4",
                         r->range);
    if (!*end)
        return print_function(l, first, err);
    if (*end != '-' || !parse_address(end + 1, &end, &last) || *end)
        return error_set(err, ERR_ARGUMENT, "\"%s\" is not ADDR-END", r->range);
    return print_checked(l, first, last, err);
}

// ---- Opening

static bool open_raw(struct listing *l, const struct request *r, const struct file_view *file, struct error *err)
{
    char *end;
    if (!parse_address(r->raw, &end, &l->base) || *end || l->base & 3)
        return error_set(err, ERR_ARGUMENT, "\"%s\" is not a hexadecimal address divisible by 4", r->raw);
    if (file->size > ((uint64_t)1 << 32) - l->base)
        return error_set(err, ERR_ARGUMENT, "the file does not fit behind 0x%08x", l->base);
    l->code = file->data;
    l->size = (uint32_t)file->size;
    return true;
}

static bool open_xex(struct listing *l, const struct request *r, struct xex_file *file, struct error *err)
{
    struct xex_keys keys;
    if (!xex_find_keys(&keys, r->key, r->keys, err))
        return false;
    struct xex_file_options options = r->file_options;
    options.retail_key = keys.has_retail ? keys.retail : NULL;
    if (!xex_file_open(file, r->file, &options, err))
        return false;
    l->xex = file->xex;
    l->code = xex_image(l->xex);
    if (!l->code) {
        *err = *xex_image_error(l->xex);
        return error_context(err, "%s", r->file);
    }
    l->base = xex_info(l->xex)->base;
    l->size = xex_info(l->xex)->image_size;
    return symbols_add_title(&l->symbols, l->xex, err);
}

static bool disassemble(const struct request *r, struct error *err)
{
    struct file_view raw = {0};
    struct xex_file file = {0};
    struct listing l = {.json = r->json};
    bool good = r->raw ? file_map(r->file, &raw, err) && open_raw(&l, r, &raw, err) : open_xex(&l, r, &file, err);
    if (good && r->map)
        good = symbols_add_map(&l.symbols, r->map, err);
    symbols_settle(&l.symbols);
    good = good && print_requested(&l, r, err);
    symbols_finish(&l.symbols);
    xex_file_close(&file);
    file_unmap(&raw);
    return good;
}

COMMAND(disasm, "disassemble an executable's code")
{
    static const struct option options[] = {
        {"function", required_argument, NULL, 'f'},
        {"all", no_argument, NULL, 'a'},
        {"map", required_argument, NULL, 'm'},
        {"json", no_argument, NULL, 'j'},
        {"key", required_argument, NULL, 'k'},
        {"keys", required_argument, NULL, 'K'},
        {"patch", required_argument, NULL, 'P'},
        {"ignore-hashes", no_argument, NULL, 'i'},
        {"raw", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct request r = {0};
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (c) {
        case 'f':
            r.function = optarg;
            break;
        case 'a':
            r.all = true;
            break;
        case 'm':
            r.map = optarg;
            break;
        case 'j':
            r.json = true;
            break;
        case 'k':
            r.key = optarg;
            break;
        case 'K':
            r.keys = optarg;
            break;
        case 'P':
            r.file_options.patch_path = optarg;
            break;
        case 'i':
            r.file_options.ignore_hashes = true;
            break;
        case 'r':
            r.raw = optarg;
            break;
        case 'h':
            help(stdout);
            return CLI_OK;
        default:
            help(stderr);
            return CLI_USAGE;
        }
    if (optind < argc)
        r.file = argv[optind++];
    if (optind < argc)
        r.range = argv[optind++];
    if (!r.file || optind < argc || (r.range != NULL) + (r.function != NULL) + r.all > 1) {
        help(stderr);
        return CLI_USAGE;
    }
    struct error err = {0};
    if (disassemble(&r, &err))
        return CLI_OK;
    fflush(stdout);
    fprintf(stderr, "xenolith disasm: %s\n", err.message);
    return err.code == ERR_ARGUMENT ? CLI_USAGE : CLI_ERROR;
}
