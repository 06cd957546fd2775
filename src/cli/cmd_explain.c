#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "memory/memory.h"

static const char help[] =
    "usage: xenolith explain ADDR... [--json] [--log FILE]\n\n"
    "Says what the guest's address space has at each ADDR, a hexadecimal number with or without 0x (sign-extended\n"
    "64-bit forms such as 0xFFFFFFFFBC220000 are the same address).\n\n"
    "  --json      one JSON object per address and line: address, region, kind, page_size, bus_address, aliases,\n"
    "              offset; null where there is none\n"
    "  --log FILE  also name the allocation that owns the address, from a trace\n";

static const char *kind_name(enum mem_kind kind)
{
    static const char *const names[] = {
        [MEM_KIND_VIRTUAL] = "virtual",   [MEM_KIND_IMAGE] = "image", [MEM_KIND_BUS] = "bus",
        [MEM_KIND_PHYSICAL] = "physical", [MEM_KIND_ALIAS] = "alias", [MEM_KIND_MMIO] = "mmio",
    };
    return names[kind];
}

static bool parse_address(const char *text, gva *out)
{
    const char *digits = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? text + 2 : text;
    if (!*digits || strspn(digits, "0123456789abcdefABCDEF") != strlen(digits))
        return false;
    errno = 0;
    const unsigned long long value = strtoull(digits, NULL, 16);
    if (errno || (value > UINT32_MAX && value != (unsigned long long)(int64_t)(int32_t)value))
        return false;
    *out = (gva)value;
    return true;
}

static struct json_object *json_address(uint32_t address)
{
    char text[16];
    snprintf(text, sizeof text, "0x%08" PRIx32, address);
    return cli_json(json_object_new_string(text));
}

static void print_json(gva address, const struct mem_explanation *e)
{
    const struct mem_region *r = e->region;
    struct json_object *o = cli_json(json_object_new_object()), *aliases = cli_json(json_object_new_array());
    for (unsigned i = 0; i < e->alias_count; i++)
        json_object_array_add(aliases, json_address(e->aliases[i]));
    json_object_object_add(o, "address", json_address(address));
    json_object_object_add(o, "region", r ? cli_json(json_object_new_string(r->name)) : NULL);
    json_object_object_add(o, "kind", r ? cli_json(json_object_new_string(kind_name(r->kind))) : NULL);
    json_object_object_add(o, "page_size", r && r->page ? cli_json(json_object_new_int64(r->page)) : NULL);
    json_object_object_add(o, "bus_address", e->has_bus ? json_address(e->bus) : NULL);
    json_object_object_add(o, "aliases", aliases);
    json_object_object_add(o, "offset", r ? cli_json(json_object_new_int64(address - r->base)) : NULL);
    puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_SPACED));
    json_object_put(o);
}

static void print_page_size(uint32_t page)
{
    if (!page)
        printf("none (no heap)\n");
    else if (page < 0x100000)
        printf("%" PRIu32 " KB\n", page >> 10);
    else
        printf("%" PRIu32 " MB\n", page >> 20);
}

static void print_text(gva address, const struct mem_explanation *e)
{
    const struct mem_region *r = e->region;
    printf("0x%08" PRIx32 "\n", address);
    if (!r) {
        puts("  region:      none (a hole in the address map)");
        return;
    }
    printf("  region:      %s + 0x%" PRIx32 "\n", r->name, address - r->base);
    printf("  kind:        %s\n", kind_name(r->kind));
    printf("  page size:   ");
    print_page_size(r->page);
    if (e->has_bus)
        printf("  bus address: 0x%08" PRIx32 "\n", e->bus);
    else
        puts("  bus address: none");
    printf("  aliases:    ");
    for (unsigned i = 0; i < e->alias_count; i++)
        printf(" 0x%08" PRIx32, e->aliases[i]);
    puts(e->alias_count ? "" : " none");
}

struct options {
    bool json, help;
    const char *log;
    int address_count;
};

// Moves the addresses to the front of argv[1..].
static bool parse_options(int argc, char **argv, struct options *out)
{
    for (int i = 1; i < argc; i++) {
        gva unused;
        if (!strcmp(argv[i], "--json")) {
            out->json = true;
        } else if (!strcmp(argv[i], "--help")) {
            out->help = true;
        } else if (!strcmp(argv[i], "--log") && i + 1 < argc) {
            out->log = argv[++i];
        } else if (argv[i][0] == '-') {
            fprintf(stderr, "xenolith explain: %s\n",
                    strcmp(argv[i], "--log") ? "unknown option; see --help" : "--log needs a file");
            return false;
        } else if (!parse_address(argv[i], &unused)) {
            fprintf(stderr, "xenolith explain: '%s' is not a 32-bit hexadecimal address\n", argv[i]);
            return false;
        } else {
            argv[++out->address_count] = argv[i];
        }
    }
    return true;
}

COMMAND(explain, "say what the guest's address space has at an address")
{
    struct options options = {0};
    if (!parse_options(argc, argv, &options))
        return CLI_USAGE;
    if (options.help) {
        fputs(help, stdout);
        return CLI_OK;
    }
    if (!options.address_count) {
        fputs(help, stderr);
        return CLI_USAGE;
    }
    if (options.log) {
        fprintf(stderr, "xenolith explain: --log %s: not available yet: traces cannot be read here\n", options.log);
        return CLI_ERROR;
    }
    for (int i = 1; i <= options.address_count; i++) {
        struct mem_explanation e;
        gva address = 0;
        parse_address(argv[i], &address);
        mem_explain(address, &e);
        (options.json ? print_json : print_text)(address, &e);
    }
    return CLI_OK;
}
