#include <ctype.h>
#include <errno.h>
#include <dirent.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "exports/exports.h"
#include "xex/file.h"
#include "xex/keys.h"
#include "xex/xex.h"

static void help(FILE *out)
{
    fputs("usage: xenolith info FILE [--json] [--key HEX] [--keys FILE]\n\n"
          "Prints what an Xbox 360 executable (XEX2) says about itself.\n"
          "  --json       everything, as one JSON object (addresses as hex strings)\n"
          "  --key HEX    the console's retail key, 32 hex digits\n"
          "  --keys FILE  a file with a line retail=HEX (default: keys.txt of this folder, if there is one)\n"
          "  --patch FILE the patch to apply (default: NAME.xexp beside NAME.xex, if there is one); none: none\n"
          "  --ignore-hashes  go on, with a warning, where a digest does not match\n\n"
          "Exit status: 0; 2 for bad arguments; 100 if the file or its image cannot be read.\n\n"
          "Example: xenolith info hello.xex --json\n",
          out);
}

static const char *const encryption_names[] = {"none", "normal"};
static const char *const compression_names[] = {"none", "basic", "normal (LZX)", "delta"};
static const char *const key_names[] = {"none", "devkit", "retail"};
static const char *const page_names[] = {"", "code", "data", "read-only data"};

static const struct {
    uint32_t bit;
    const char *name;
} module_flags[] = {
    {0x01, "title"},   {0x02, "exports-to-title"}, {0x04, "system-debugger"}, {0x08, "dll"},
    {0x10, "patch"},   {0x20, "patch-full"},       {0x40, "patch-delta"},     {0x80, "user-mode"},
};

// Names in a file are any bytes; a terminal gets printable ones.
static const char *printable(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (; *text && n + 1 < size; text++)
        out[n++] = isprint((unsigned char)*text) ? *text : '?';
    out[n] = 0;
    return out;
}

static const char *version_text(uint32_t version, char *out, size_t size)
{
    snprintf(out, size, "%u.%u.%u.%u", version >> 28, version >> 24 & 15, version >> 8 & 0xFFFF, version & 0xFF);
    return out;
}

static void flags_text(uint32_t flags, char *out, size_t size)
{
    size_t n = 0;
    *out = 0;
    for (size_t i = 0; i < sizeof module_flags / sizeof *module_flags; i++)
        if (flags & module_flags[i].bit)
            n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", module_flags[i].name);
}

static void row(const char *label, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void row(const char *label, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("  %-22s", label);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

static void print_header(const struct xex *x)
{
    const struct xex_info *i = xex_info(x);
    char text[256];
    puts("XEX2 header:");
    row("Original PE name:", "%s", printable(i->pe_name, text, sizeof text));
    flags_text(i->module_flags, text, sizeof text);
    row("Module flags:", "0x%08x (%s)", i->module_flags, text);
    row("Image:", "0x%08x-0x%08x (0x%x bytes, %u KB pages)", i->base, i->base + i->image_size - 1, i->image_size,
        i->page_size / 1024);
    row("Entry point:", i->entry ? "0x%08x" : "none", i->entry);
    row("Encryption:", "%s (key: %s)", encryption_names[i->encryption], key_names[i->key_used]);
    row("Compression:", "%s", compression_names[i->compression]);
    row("Header size:", "0x%x", i->header_size);
    row("Image flags:", "0x%08x", i->image_flags);
    row("Region:", "0x%08x", i->region);
    row("Allowed media:", "0x%08x", i->allowed_media);
    row("System flags:", "0x%08x", i->system_flags);
    row("Stack size:", "0x%x", i->default_stack_size);
    row("Heap size:", "0x%x", i->default_heap_size);
    row("Timestamp:", "0x%08x (checksum 0x%08x)", i->timestamp, i->checksum);
    if (i->tls.present)
        row("TLS:", "%u slots, static data 0x%x bytes at 0x%08x (0x%x in memory)", i->tls.slot_count,
            i->tls.raw_data_size, i->tls.raw_data_address, i->tls.data_size);
    const struct xex_execution *e = &i->execution;
    if (!e->present)
        return;
    row("Title ID:", "%08x", e->title_id);
    row("Media ID:", "%08x", e->media_id);
    row("Version:", "%s", version_text(e->version, text, sizeof text));
    row("Base version:", "%s", version_text(e->base_version, text, sizeof text));
    row("Disc:", "%u of %u", e->disc_number, e->disc_count);
    row("Savegame ID:", "%08x", e->savegame_id);
}

static void print_layout(const struct xex *x)
{
    size_t count;
    const struct xex_page_run *runs = xex_page_runs(x, &count);
    uint32_t page = xex_info(x)->page_size;
    puts("\nPages:");
    for (size_t i = 0; i < count;) {
        size_t k = i;
        uint32_t pages = 0;
        for (; k < count && runs[k].type == runs[i].type; k++)
            pages += runs[k].page_count;
        printf("  0x%08x-0x%08x  %4u pages  %s\n", runs[i].address, runs[i].address + pages * page - 1, pages,
               page_names[runs[i].type]);
        i = k;
    }
    char text[16];
    const struct xex_section *sections = xex_sections(x, &count);
    if (count)
        puts("\nPE sections:");
    for (size_t i = 0; i < count; i++)
        printf("  %-8s  0x%08x  0x%08x bytes  flags 0x%08x\n", printable(sections[i].name, text, sizeof text),
               sections[i].address, sections[i].size, sections[i].flags);
    const struct xex_resource *resources = xex_resources(x, &count);
    if (count)
        puts("\nResources:");
    for (size_t i = 0; i < count; i++)
        printf("  %-8s  0x%08x  0x%08x bytes\n", printable(resources[i].name, text, sizeof text), resources[i].address,
               resources[i].size);
    const struct xex_static_library *libraries = xex_static_libraries(x, &count);
    if (count)
        puts("\nStatic libraries:");
    for (size_t i = 0; i < count; i++)
        printf("  %-8s  %u.%u.%u.%u\n", printable(libraries[i].name, text, sizeof text), libraries[i].major,
               libraries[i].minor, libraries[i].build, libraries[i].qfe);
}

// The export's name by the tables; "" where they do not have it.
static const char *export_name(const struct xex_import_library *l, uint16_t ordinal)
{
    int module = exp_module_by_name(l->name);
    const struct exp_row *found = module < 0 ? NULL : exp_find((enum exp_module)module, ordinal);
    return found ? found->name : "";
}

static void print_imports(const struct xex *x)
{
    size_t count;
    const struct xex_import_library *libraries = xex_import_libraries(x, &count);
    for (size_t i = 0; i < count; i++) {
        const struct xex_import_library *l = &libraries[i];
        char name[64], version[32], minimum[32];
        printf("\nImports of %s %s (at least %s): %u records\n", printable(l->name, name, sizeof name),
               version_text(l->version, version, sizeof version),
               version_text(l->version_min, minimum, sizeof minimum), l->record_count);
        for (size_t k = 0; k < l->import_count; k++)
            if (l->imports[k].kind == XEX_IMPORT_FUNCTION)
                printf("  0x%04x  function  slot 0x%08x  thunk 0x%08x  %s\n", l->imports[k].ordinal, l->imports[k].slot,
                       l->imports[k].thunk, export_name(l, l->imports[k].ordinal));
            else
                printf("  0x%04x  variable  slot 0x%08x                    %s\n", l->imports[k].ordinal,
                       l->imports[k].slot, export_name(l, l->imports[k].ordinal));
    }
}

static const struct exp_row *row_of(const struct xex_import_library *l, uint16_t ordinal)
{
    int module = exp_module_by_name(l->name);
    return module < 0 ? NULL : exp_find((enum exp_module)module, ordinal);
}

static bool lacks(const struct xex_import_library *l, uint16_t ordinal, enum exp_state state)
{
    const struct exp_row *row = row_of(l, ordinal);
    return (row ? row->state : EXP_ABSENT) == state;
}

// Not one of the system's: the loader looks for it beside the title.
static bool is_dll(const struct xex_import_library *l)
{
    return exp_module_by_name(l->name) < 0;
}

static bool lies_beside(const char *title, const char *name)
{
    const char *slash = strrchr(title, '/');
    char *folder = slash ? strndup(title, (size_t)(slash - title) + 1) : strdup(".");
    DIR *d = folder ? opendir(folder) : NULL;
    bool found = false;
    for (const struct dirent *e; d && !found && (e = readdir(d));)
        found = !strcasecmp(e->d_name, name);
    if (d)
        closedir(d);
    free(folder);
    return found;
}

static void print_dlls(const struct xex *x, const char *path)
{
    size_t count, total = 0;
    const struct xex_import_library *libraries = xex_import_libraries(x, &count);
    for (size_t i = 0; i < count; i++)
        total += is_dll(&libraries[i]) ? libraries[i].import_count : 0;
    if (total)
        printf("\nFrom DLLs beside the title: %zu imports\n", total);
    for (size_t i = 0; i < count; i++)
        if (is_dll(&libraries[i]) && libraries[i].import_count) {
            char name[64];
            printf("  %s: %zu, %s\n", printable(libraries[i].name, name, sizeof name), libraries[i].import_count,
                   lies_beside(path, libraries[i].name) ? "there" : "absent");
        }
}

// What the title asks for and this build lacks: how many imports, and the names.
static void print_lacking(const struct xex *x, enum exp_state state, const char *text)
{
    size_t count, total = 0, lacking = 0;
    const struct xex_import_library *libraries = xex_import_libraries(x, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < libraries[i].import_count && !is_dll(&libraries[i]); k++) {
            total++;
            lacking += lacks(&libraries[i], libraries[i].imports[k].ordinal, state);
        }
    if (total)
        printf("\n%s in this build: %zu of %zu imports\n", text, lacking, total);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < libraries[i].import_count; k++)
            if (!is_dll(&libraries[i]) && lacks(&libraries[i], libraries[i].imports[k].ordinal, state)) {
                char name[64];
                const struct exp_row *found = row_of(&libraries[i], libraries[i].imports[k].ordinal);
                printf("  %s 0x%04x  %s%s%s\n", printable(libraries[i].name, name, sizeof name), libraries[i].imports[k].ordinal,
                       export_name(&libraries[i], libraries[i].imports[k].ordinal), found && *found->note ? ": " : "", found ? found->note : "");
            }
}

static void print_rest(const struct xex *x)
{
    size_t count;
    uint32_t first;
    xex_exports(x, &first, &count);
    if (count)
        printf("\nExports (table at 0x%08x):\n", xex_info(x)->export_table);
    for (uint32_t i = 0; i < count; i++)
        if (xex_export(x, first + i))
            printf("  0x%04x  0x%08x\n", first + i, xex_export(x, first + i));
    const struct xex_function *functions = xex_functions(x, &count);
    if (count)
        printf("\nFunctions in .pdata: %zu (0x%08x-0x%08x)\n", count, functions[0].address,
               functions[count - 1].address + functions[count - 1].length * 4 - 1);
    const struct xex_header *headers = xex_headers(x, &count);
    puts("\nOptional headers:");
    for (size_t i = 0; i < count; i++)
        if (headers[i].size)
            printf("  0x%08x  0x%x bytes at file offset 0x%x\n", headers[i].key, headers[i].size, headers[i].value);
        else
            printf("  0x%08x  0x%08x\n", headers[i].key, headers[i].value);
}

static void add(json_object *to, const char *key, uint64_t number)
{
    json_object_object_add(to, key, cli_json(json_object_new_uint64(number)));
}

static void add_hex(json_object *to, const char *key, uint32_t value)
{
    char text[16];
    snprintf(text, sizeof text, "0x%08x", value);
    json_object_object_add(to, key, cli_json(json_object_new_string(text)));
}

static void add_text(json_object *to, const char *key, const char *text)
{
    char clean[256];
    json_object_object_add(to, key, cli_json(json_object_new_string(printable(text, clean, sizeof clean))));
}

static void add_version(json_object *to, const char *key, uint32_t version)
{
    char text[32];
    add_text(to, key, version_text(version, text, sizeof text));
}

static void add_bytes(json_object *to, const char *key, const uint8_t *bytes, size_t size)
{
    char text[2 * XEX_DIGEST_BYTES + 1] = "";
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    json_object_object_add(to, key, cli_json(json_object_new_string(text)));
}

// A new array under `key`.
static json_object *add_array(json_object *to, const char *key)
{
    json_object *array = cli_json(json_object_new_array());
    json_object_object_add(to, key, array);
    return array;
}

// A new object at the end of an array, or under `key` of an object.
static json_object *add_object(json_object *to, const char *key)
{
    json_object *object = cli_json(json_object_new_object());
    if (key)
        json_object_object_add(to, key, object);
    else
        json_object_array_add(to, object);
    return object;
}

static void json_header(json_object *root, const struct xex *x)
{
    const struct xex_info *i = xex_info(x);
    add_text(root, "pe_name", i->pe_name);
    add_hex(root, "module_flags", i->module_flags);
    json_object *names = add_array(root, "module_flag_names");
    for (size_t k = 0; k < sizeof module_flags / sizeof *module_flags; k++)
        if (i->module_flags & module_flags[k].bit)
            json_object_array_add(names, cli_json(json_object_new_string(module_flags[k].name)));
    add_hex(root, "base", i->base);
    add(root, "image_size", i->image_size);
    add(root, "page_size", i->page_size);
    add_hex(root, "entry", i->entry);
    add_hex(root, "export_table", i->export_table);
    add_text(root, "encryption", encryption_names[i->encryption]);
    add_text(root, "key_used", key_names[i->key_used]);
    add_text(root, "compression", compression_names[i->compression]);
    add(root, "header_size", i->header_size);
    add(root, "security_offset", i->security_offset);
    add(root, "security_size", i->security_size);
    add_hex(root, "image_flags", i->image_flags);
    add_hex(root, "region", i->region);
    add_hex(root, "allowed_media", i->allowed_media);
    add_bytes(root, "xgd2_media_id", i->xgd2_media_id, sizeof i->xgd2_media_id);
    add_hex(root, "system_flags", i->system_flags);
    add(root, "stack_size", i->default_stack_size);
    add(root, "heap_size", i->default_heap_size);
    add_hex(root, "checksum", i->checksum);
    add_hex(root, "timestamp", i->timestamp);
    if (i->tls.present) {
        json_object *tls = add_object(root, "tls");
        add(tls, "slot_count", i->tls.slot_count);
        add_hex(tls, "raw_data_address", i->tls.raw_data_address);
        add(tls, "data_size", i->tls.data_size);
        add(tls, "raw_data_size", i->tls.raw_data_size);
    }
    const struct xex_execution *e = &i->execution;
    if (!e->present)
        return;
    json_object *execution = add_object(root, "execution");
    add_hex(execution, "title_id", e->title_id);
    add_hex(execution, "media_id", e->media_id);
    add_version(execution, "version", e->version);
    add_version(execution, "base_version", e->base_version);
    add(execution, "platform", e->platform);
    add(execution, "executable_table", e->executable_table);
    add(execution, "disc_number", e->disc_number);
    add(execution, "disc_count", e->disc_count);
    add_hex(execution, "savegame_id", e->savegame_id);
}

static void json_layout(json_object *root, const struct xex *x)
{
    size_t count;
    const struct xex_page_run *runs = xex_page_runs(x, &count);
    json_object *array = add_array(root, "pages");
    for (size_t i = 0; i < count; i++) {
        json_object *o = add_object(array, NULL);
        add_hex(o, "address", runs[i].address);
        add(o, "page_count", runs[i].page_count);
        add_text(o, "type", page_names[runs[i].type]);
        add_bytes(o, "digest", runs[i].digest, sizeof runs[i].digest);
    }
    const struct xex_section *sections = xex_sections(x, &count);
    array = add_array(root, "sections");
    for (size_t i = 0; i < count; i++) {
        json_object *o = add_object(array, NULL);
        add_text(o, "name", sections[i].name);
        add_hex(o, "address", sections[i].address);
        add(o, "size", sections[i].size);
        add_hex(o, "flags", sections[i].flags);
    }
    const struct xex_resource *resources = xex_resources(x, &count);
    array = add_array(root, "resources");
    for (size_t i = 0; i < count; i++) {
        json_object *o = add_object(array, NULL);
        add_text(o, "name", resources[i].name);
        add_hex(o, "address", resources[i].address);
        add(o, "size", resources[i].size);
    }
    const struct xex_static_library *libraries = xex_static_libraries(x, &count);
    array = add_array(root, "static_libraries");
    for (size_t i = 0; i < count; i++) {
        json_object *o = add_object(array, NULL);
        char text[32];
        snprintf(text, sizeof text, "%u.%u.%u.%u", libraries[i].major, libraries[i].minor, libraries[i].build,
                 libraries[i].qfe);
        add_text(o, "name", libraries[i].name);
        add_text(o, "version", text);
        add(o, "approval", libraries[i].approval);
    }
}

static void json_imports(json_object *root, const struct xex *x)
{
    size_t count;
    const struct xex_import_library *libraries = xex_import_libraries(x, &count);
    json_object *array = add_array(root, "import_libraries");
    for (size_t i = 0; i < count; i++) {
        json_object *o = add_object(array, NULL);
        add_text(o, "name", libraries[i].name);
        add_hex(o, "id", libraries[i].id);
        add_version(o, "version", libraries[i].version);
        add_version(o, "version_min", libraries[i].version_min);
        add(o, "record_count", libraries[i].record_count);
        json_object *imports = add_array(o, "imports");
        for (size_t k = 0; k < libraries[i].import_count; k++) {
            const struct xex_import *m = &libraries[i].imports[k];
            json_object *one = add_object(imports, NULL);
            add(one, "ordinal", m->ordinal);
            add_text(one, "state", is_dll(&libraries[i]) ? "dll" : lacks(&libraries[i], m->ordinal, EXP_ABSENT) ? "absent" : lacks(&libraries[i], m->ordinal, EXP_PARTIAL) ? "partial" : "implemented");
            add_text(one, "name", export_name(&libraries[i], m->ordinal));
            add_text(one, "kind", m->kind == XEX_IMPORT_FUNCTION ? "function" : "variable");
            add_hex(one, "slot", m->slot);
            if (m->thunk)
                add_hex(one, "thunk", m->thunk);
        }
    }
}

static void json_rest(json_object *root, const struct xex *x)
{
    size_t count;
    uint32_t first;
    xex_exports(x, &first, &count);
    json_object *array = add_array(root, "exports");
    for (uint32_t i = 0; i < count; i++)
        if (xex_export(x, first + i)) {
            json_object *o = add_object(array, NULL);
            add(o, "ordinal", first + i);
            add_hex(o, "address", xex_export(x, first + i));
        }
    const struct xex_function *functions = xex_functions(x, &count);
    array = add_array(root, "functions");
    for (size_t i = 0; i < count; i++) {
        json_object *o = add_object(array, NULL);
        add_hex(o, "address", functions[i].address);
        add(o, "length", functions[i].length);
        add(o, "prolog", functions[i].prolog);
        json_object_object_add(o, "is_32bit", cli_json(json_object_new_boolean(functions[i].is_32bit)));
        json_object_object_add(o, "has_handler", cli_json(json_object_new_boolean(functions[i].has_handler)));
    }
    const struct xex_header *headers = xex_headers(x, &count);
    array = add_array(root, "headers");
    for (size_t i = 0; i < count; i++) {
        json_object *o = add_object(array, NULL);
        add_hex(o, "key", headers[i].key);
        add_hex(o, "value", headers[i].value);
        add(o, "size", headers[i].size);
    }
    uint8_t digest[XEX_DIGEST_BYTES];
    if (xex_image_digest(x, false, digest))
        add_bytes(root, "image_sha256", digest, sizeof digest);
    if (xex_image_digest(x, true, digest))
        add_bytes(root, "image_masked_sha256", digest, sizeof digest);
    struct xex_patch_info patch;
    if (xex_patch_info(x, &patch)) {
        json_object *o = add_object(root, "patch");
        add_version(o, "source_version", patch.source_version);
        add_version(o, "target_version", patch.target_version);
        add(o, "target_header_size", patch.target_header_size);
    } else if (xex_image_error(x))
        add_text(root, "image_error", xex_image_error(x)->message);
}

// False where the host has no memory: json-c leaves out silently what it cannot allocate, but errno tells.
static bool print_json(const struct xex *x)
{
    errno = 0;
    json_object *root = cli_json(json_object_new_object());
    json_header(root, x);
    json_layout(root, x);
    json_imports(root, x);
    json_rest(root, x);
    const char *text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
    bool ok = text && errno != ENOMEM;
    if (ok)
        puts(text);
    json_object_put(root);
    return ok;
}

static void print_patch(const struct xex *x)
{
    struct xex_patch_info patch;
    char text[32];
    if (!xex_patch_info(x, &patch))
        return;
    puts("\nPatch:");
    row("From version:", "%s", version_text(patch.source_version, text, sizeof text));
    row("To version:", "%s", version_text(patch.target_version, text, sizeof text));
    row("Header afterwards:", "0x%x bytes", patch.target_header_size);
}

static bool print_text(const struct xex *x, const char *path)
{
    print_header(x);
    print_patch(x);
    print_layout(x);
    print_imports(x);
    print_lacking(x, EXP_ABSENT, "Absent");
    print_lacking(x, EXP_PARTIAL, "Partial");
    print_dlls(x, path);
    print_rest(x);
    return true;
}

static int show(const char *path, const struct xex_file_options *opts, bool json)
{
    struct error err = {0};
    struct xex_file file;
    if (!xex_file_open(&file, path, opts, &err)) {
        fprintf(stderr, "xenolith info: %s\n", err.message);
        return CLI_ERROR;
    }
    bool printed = json ? print_json(file.xex) : print_text(file.xex, path);
    if (!printed)
        fprintf(stderr, "xenolith info: %s: out of memory\n", path);
    const char *first;
    uint32_t faults = xex_hash_faults(file.xex, &first);
    if (faults)
        fprintf(stderr, "xenolith info: %s: warning: %u digests do not match; the first: %s\n", path, faults, first);
    struct xex_patch_info patch;
    const struct error *image = xex_patch_info(file.xex, &patch) ? NULL : xex_image_error(file.xex);
    if (image)
        fprintf(stderr, "xenolith info: %s: %s\n", path, image->message);
    int status = image || !printed ? CLI_ERROR : CLI_OK;
    xex_file_close(&file);
    return status;
}

COMMAND(info, "print the headers, imports and layout of an executable")
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"key", required_argument, NULL, 'k'},
        {"keys", required_argument, NULL, 'f'}, {"patch", required_argument, NULL, 'p'},
        {"ignore-hashes", no_argument, NULL, 'i'}, {"help", no_argument, NULL, 'h'}, {0},
    };
    bool json = false;
    const char *key = NULL, *keys = NULL;
    struct xex_file_options opts = {0};
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (c) {
        case 'j': json = true; break;
        case 'p': opts.patch_path = optarg; break;
        case 'i': opts.ignore_hashes = true; break;
        case 'k': key = optarg; break;
        case 'f': keys = optarg; break;
        case 'h': help(stdout); return CLI_OK;
        default: help(stderr); return CLI_USAGE;
        }
    if (optind + 1 != argc) {
        help(stderr);
        return CLI_USAGE;
    }
    struct xex_keys found;
    struct error err = {0};
    if (!xex_find_keys(&found, key, keys, &err)) {
        fprintf(stderr, "xenolith info: %s\n", err.message);
        return err.code == ERR_ARGUMENT ? CLI_USAGE : CLI_ERROR;
    }
    opts.retail_key = found.has_retail ? found.retail : NULL;
    return show(argv[optind], &opts, json);
}
