#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "memory/memory.h"
#include "parity/owner.h"

static const char help[] =
    "usage: xenolith explain ADDR... [--json] [--log FILE [--at INDEX]]\n\n"
    "Says what the guest's address space has at each ADDR, a hexadecimal number with or without 0x (sign-extended\n"
    "64-bit forms such as 0xFFFFFFFFBC220000 are the same address).\n\n"
    "  --json      one JSON list of objects: address, region, kind, page_size, bus, aliases, offset; null where there is\n"
    "              none; with --log also owner: call, tid, lr, index, base, size, offset, through, freed\n"
    "  --log FILE  also the allocation that owns the address at the end of an event log: which call made it, and when it\n"
    "              was freed\n"
    "  --at INDEX  at the event with this global index instead\n";

struct question {
    gva address;
    struct mem_explanation explanation;
    const struct par_owner *owner; // NULL without a log
};

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

static struct json_object *json_freed(const struct par_owner *o)
{
    if (!o->freed)
        return NULL;
    struct json_object *f = cli_json(json_object_new_object());
    json_object_object_add(f, "call", cli_json(json_object_new_string(o->freed_call)));
    json_object_object_add(f, "tid", cli_json(json_object_new_int64(o->freed_tid)));
    json_object_object_add(f, "lr", o->freed_lr ? json_address(o->freed_lr) : NULL);
    json_object_object_add(f, "index", cli_json(json_object_new_uint64(o->freed_index)));
    return f;
}

static struct json_object *json_owner(const struct par_owner *owner)
{
    if (!owner->found)
        return NULL;
    struct json_object *o = cli_json(json_object_new_object());
    json_object_object_add(o, "call", cli_json(json_object_new_string(owner->call)));
    json_object_object_add(o, "tid", cli_json(json_object_new_int64(owner->tid)));
    json_object_object_add(o, "lr", owner->lr ? json_address(owner->lr) : NULL);
    json_object_object_add(o, "index", cli_json(json_object_new_uint64(owner->index)));
    json_object_object_add(o, "base", json_address(owner->base));
    json_object_object_add(o, "size", cli_json(json_object_new_uint64(owner->size)));
    json_object_object_add(o, "offset", cli_json(json_object_new_uint64(owner->offset)));
    json_object_object_add(o, "through", json_address(owner->through));
    json_object_object_add(o, "freed", json_freed(owner));
    return o;
}

static struct json_object *json_explanation(gva address, const struct mem_explanation *e, const struct par_owner *owner)
{
    const struct mem_region *r = e->region;
    struct json_object *o = cli_json(json_object_new_object()), *aliases = cli_json(json_object_new_array());
    for (unsigned i = 0; i < e->alias_count; i++)
        json_object_array_add(aliases, json_address(e->aliases[i]));
    json_object_object_add(o, "address", json_address(address));
    json_object_object_add(o, "region", r ? cli_json(json_object_new_string(r->name)) : NULL);
    json_object_object_add(o, "kind", r ? cli_json(json_object_new_string(kind_name(r->kind))) : NULL);
    json_object_object_add(o, "page_size", r && r->page ? cli_json(json_object_new_int64(r->page)) : NULL);
    json_object_object_add(o, "bus", e->has_bus ? json_address(e->bus) : NULL);
    json_object_object_add(o, "aliases", aliases);
    json_object_object_add(o, "offset", r ? cli_json(json_object_new_int64(address - r->base)) : NULL);
    if (owner)
        json_object_object_add(o, "owner", json_owner(owner));
    return o;
}

// One object a line, so that lists of many addresses stay readable.
static void print_json(const struct question *questions, int count)
{
    for (int i = 0; i < count; i++) {
        struct json_object *o = json_explanation(questions[i].address, &questions[i].explanation, questions[i].owner);
        printf("%s%s", i ? ",\n  " : "[ ", json_object_to_json_string_ext(o, JSON_C_TO_STRING_SPACED));
        json_object_put(o);
    }
    puts(" ]");
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

static void print_owner(const struct par_owner *o, gva address)
{
    if (!o->found) {
        puts("  owner:       none (no allocation of the log covers it)");
        return;
    }
    printf("  owner:       0x%08" PRIx32 " + 0x%" PRIx64 ", %" PRIu64 " bytes: %s by thread %u", o->base, o->offset, o->size, o->call, o->tid);
    if (o->lr)
        printf(" from 0x%08" PRIx32, o->lr);
    printf(", event %" PRIu64 "\n", o->index);
    if (o->through != address)
        printf("  seen as:     0x%08" PRIx32 " there\n", o->through);
    if (o->freed)
        printf("  freed:       %s by thread %u from 0x%08" PRIx32 ", event %" PRIu64 "\n", o->freed_call, o->freed_tid, o->freed_lr, o->freed_index);
}

static void print_text(gva address, const struct mem_explanation *e, const struct par_owner *owner)
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
    if (owner)
        print_owner(owner, address);
}

struct options {
    bool json, help;
    const char *log;
    uint64_t at;
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
        } else if (!strcmp(argv[i], "--at") && i + 1 < argc) {
            char *end;
            out->at = strtoull(argv[++i], &end, 10);
            if (*argv[i] < '0' || *argv[i] > '9' || *end) {
                fprintf(stderr, "xenolith explain: --at needs a number, not '%s'\n", argv[i]);
                return false;
            }
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

static int answer(const struct options *options, char **addresses)
{
    const size_t count = (size_t)options->address_count;
    struct question *questions = calloc(count, sizeof *questions);
    struct par_owner *owners = calloc(count, sizeof *owners);
    gva *numbers = calloc(count, sizeof *numbers);
    struct error err = {0};
    int status = CLI_ERROR;
    if (!questions || !owners || !numbers) {
        fputs("xenolith explain: out of memory\n", stderr);
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        parse_address(addresses[i], &numbers[i]);
        questions[i].address = numbers[i];
        mem_explain(numbers[i], &questions[i].explanation);
        questions[i].owner = options->log ? &owners[i] : NULL;
    }
    if (options->log && !par_find_owners(options->log, options->at, numbers, count, owners, &err)) {
        fprintf(stderr, "xenolith explain: %s\n", err.message);
        goto done;
    }
    if (options->json)
        print_json(questions, options->address_count);
    else
        for (size_t i = 0; i < count; i++)
            print_text(numbers[i], &questions[i].explanation, questions[i].owner);
    status = CLI_OK;
done:
    free(questions);
    free(owners);
    free(numbers);
    return status;
}

COMMAND(explain, "say what the guest's address space has at an address")
{
    struct options options = {.at = UINT64_MAX};
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
    return answer(&options, argv + 1);
}
