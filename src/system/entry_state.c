// The state before the first guest instruction, in the form of the reference's own (shared/reference-logs/README.md), so that two
// engines' starting points are compared before any event.
#include <dirent.h>
#include <json-c/json.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "exports/exports.h"
#include "kernel/object.h"
#include "system/state.h"

static void add_text(json_object *to, const char *key, const char *text)
{
    json_object_object_add(to, key, json_object_new_string(text));
}

static void add_number(json_object *to, const char *key, uint64_t value)
{
    json_object_object_add(to, key, json_object_new_uint64(value));
}

static void add_hex(json_object *to, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "0x%08llx", (unsigned long long)value);
    add_text(to, key, text);
}

static void add_word(json_object *to, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "0x%llx", (unsigned long long)value);
    add_text(to, key, text);
}

static void add_bytes(json_object *to, const char *key, const struct mem *m, gva address, uint32_t size)
{
    const uint8_t *data = mem_at(m, address, size, MEM_READ);
    char *text = data ? malloc(2 * (size_t)size + 1) : NULL;
    for (uint32_t i = 0; text && i < size; i++)
        sprintf(text + 2 * (size_t)i, "%02x", data[i]);
    add_text(to, key, text ? text : "");
    free(text);
}

static void sha256_text(const void *data, size_t size, char out[65])
{
    struct sha256_ctx ctx;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&ctx);
    sha256_update(&ctx, size, data);
    sha256_digest(&ctx, sizeof digest, digest);
    for (unsigned i = 0; i < sizeof digest; i++)
        sprintf(out + 2 * i, "%02x", digest[i]);
}

static json_object *registers(const struct ppc_state *s)
{
    json_object *o = json_object_new_object(), *r = json_object_new_array(), *f = json_object_new_array();
    char text[24];
    bool vectors_zero = true;
    for (unsigned i = 0; i < 32; i++) {
        snprintf(text, sizeof text, "0x%llx", (unsigned long long)s->gpr[i]);
        json_object_array_add(r, json_object_new_string(text));
        snprintf(text, sizeof text, "0x%llx", (unsigned long long)s->fpr[i]);
        json_object_array_add(f, json_object_new_string(text));
    }
    for (unsigned i = 0; i < 128; i++)
        vectors_zero &= !(s->vr[i].d[0] | s->vr[i].d[1]);
    json_object_object_add(o, "r", r);
    json_object_object_add(o, "f", f);
    json_object_object_add(o, "v_all_zero", json_object_new_boolean(vectors_zero));
    add_word(o, "lr", s->lr);
    add_word(o, "ctr", s->ctr);
    add_word(o, "msr", s->msr);
    add_word(o, "vrsave", s->vrsave);
    add_word(o, "fpscr", s->fp.fpscr);
    return o;
}

static json_object *thread(struct sys *s, const struct krnl_thread_view *v)
{
    enum { KPCR_BYTES = 0x2D8, KTHREAD_BYTES = 0xAB0, KPROCESS_BYTES = 0x60 };
    json_object *o = json_object_new_object();
    uint32_t tls = 0, process = 0;
    mem_get32(s->mem, v->pcr, &tls);
    mem_get32(s->mem, v->kthread + 0x84, &process);
    add_hex(o, "kpcr", v->pcr);
    add_bytes(o, "kpcr_bytes", s->mem, v->pcr, KPCR_BYTES);
    add_hex(o, "kthread", v->kthread);
    add_bytes(o, "kthread_bytes", s->mem, v->kthread, KTHREAD_BYTES);
    add_hex(o, "kprocess", process);
    add_bytes(o, "kprocess_bytes", s->mem, process, KPROCESS_BYTES);
    add_hex(o, "tls_static", tls);
    add_hex(o, "stack_base", v->stack_base);
    add_hex(o, "stack_limit", v->stack_limit);
    return o;
}

static json_object *region(struct sys *s, const struct mem_range *r, bool bus)
{
    json_object *o = json_object_new_object();
    char hash[65];
    add_hex(o, "base", r->base);
    add_word(o, "size", r->size);
    add_hex(o, "alloc_base", r->alloc_base);
    add_word(o, "alloc_size", r->alloc_size);
    add_number(o, "state", r->state & MEM_COMMITTED ? MEM_RESERVED | MEM_COMMITTED : r->state);
    add_number(o, "protect", r->protect);
    add_number(o, "alloc_protect", r->alloc_protect);
    const void *data = bus || !(r->protect & MEM_READ) ? NULL : mem_at(s->mem, r->base, r->size, MEM_READ);
    if (data) {
        sha256_text(data, r->size, hash);
        add_text(o, "sha256", hash);
    }
    return o;
}

static json_object *heaps(struct sys *s)
{
    json_object *all = json_object_new_array();
    for (unsigned i = 0; i < MEM_REGION_COUNT; i++) {
        const struct mem_region *heap = mem_region((enum mem_heap)i);
        if (!heap->page || heap->kind == MEM_KIND_BUS)
            continue;
        json_object *o = json_object_new_object(), *regions = json_object_new_array();
        add_hex(o, "base", heap->base);
        add_word(o, "size", heap->size);
        add_number(o, "page_size", heap->page);
        uint64_t cursor = 0;
        struct mem_range range;
        while (mem_next_range(s->mem, (enum mem_heap)i, &cursor, &range))
            json_object_array_add(regions, region(s, &range, false));
        json_object_object_add(o, "regions", regions);
        json_object_array_add(all, o);
    }
    return all;
}

struct object_list {
    struct sys *s;
    json_object *array;
};

static void add_object(void *user, const struct krnl_object *object, uint32_t handle)
{
    static const char *const names[] = {
#define OBJECT_TYPE(id, number, name) [number] = name,
#include "trace/object_types.def"
#undef OBJECT_TYPE
    };
    struct object_list *list = user;
    json_object *o = json_object_new_object(), *handles = json_object_new_array();
    char text[16];
    snprintf(text, sizeof text, "0x%08x", handle);
    json_object_array_add(handles, json_object_new_string(text));
    json_object_object_add(o, "handles", handles);
    add_text(o, "type", names[object->type]);
    add_text(o, "name", object->name);
    add_hex(o, "guest_object", object->body);
    json_object_object_add(o, "host", json_object_new_boolean(handle < 0xF8000000));
    json_object_array_add(list->array, o);
}

static json_object *module(struct sys *s)
{
    const struct xex_info *info = xex_info(s->xex);
    json_object *o = json_object_new_object();
    char path[512];
    snprintf(path, sizeof path, "\\Device\\Harddisk0\\Partition1\\%s", s->title_name);
    add_text(o, "path", path);
    add_hex(o, "title_id", info->execution.title_id);
    add_hex(o, "entry", info->entry);
    add_number(o, "stack_size", info->default_stack_size);
    add_hex(o, "base", info->base);
    add_number(o, "image_size", info->image_size);
    return o;
}

static json_object *import(struct sys *s, const struct xex_import_library *library, const struct xex_import *i)
{
    json_object *o = json_object_new_object();
    int m = exp_module_by_name(library->name);
    const struct exp_row *row = m < 0 ? NULL : exp_find((enum exp_module)m, i->ordinal);
    uint32_t value = 0;
    mem_get32(s->mem, i->slot, &value);
    char name[16];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(library->name, "."), library->name);
    add_text(o, "lib", name);
    add_number(o, "ordinal", i->ordinal);
    add_text(o, "name", row ? row->name : "");
    json_object_object_add(o, "implemented", json_object_new_boolean(row && row->state != EXP_ABSENT));
    add_hex(o, "value_address", i->slot);
    add_hex(o, "thunk_address", i->thunk);
    add_hex(o, "value", value);
    if (i->thunk)
        add_bytes(o, "thunk_bytes", s->mem, i->thunk, XEX_IMPORT_THUNK_BYTES);
    if (!i->thunk)
        add_bytes(o, "target_bytes", s->mem, value, 64);
    return o;
}

static json_object *imports(struct sys *s)
{
    json_object *all = json_object_new_array();
    size_t count;
    const struct xex_import_library *libraries = xex_import_libraries(s->xex, &count);
    for (size_t l = 0; l < count; l++)
        for (size_t i = 0; i < libraries[l].import_count; i++)
            json_object_array_add(all, import(s, &libraries[l], &libraries[l].imports[i]));
    return all;
}

// The image as it lies in memory, with every import record and thunk taken as zeros.
static void mask_imports(struct sys *s, uint8_t *image)
{
    const struct xex_info *info = xex_info(s->xex);
    size_t count;
    const struct xex_import_library *libraries = xex_import_libraries(s->xex, &count);
    for (size_t l = 0; l < count; l++)
        for (size_t i = 0; i < libraries[l].import_count; i++) {
            const struct xex_import *import = &libraries[l].imports[i];
            if (import->slot >= info->base && import->slot - info->base <= info->image_size - 4)
                memset(image + (import->slot - info->base), 0, 4);
            if (import->thunk >= info->base && import->thunk - info->base <= info->image_size - XEX_IMPORT_THUNK_BYTES)
                memset(image + (import->thunk - info->base), 0, XEX_IMPORT_THUNK_BYTES);
        }
}

static json_object *image_hashes(struct sys *s)
{
    enum { PAGE = 0x10000 };
    const struct xex_info *info = xex_info(s->xex);
    json_object *o = json_object_new_object(), *pages = json_object_new_array();
    const uint8_t *raw = mem_at(s->mem, info->base, info->image_size, MEM_READ);
    uint8_t *masked = malloc(info->image_size);
    char hash[65];
    if (raw && masked) {
        memcpy(masked, raw, info->image_size);
        mask_imports(s, masked);
        sha256_text(raw, info->image_size, hash);
        add_text(o, "whole_raw_sha256", hash);
        sha256_text(masked, info->image_size, hash);
        add_text(o, "whole_masked_sha256", hash);
        for (uint32_t at = 0; at < info->image_size; at += PAGE) {
            uint32_t size = info->image_size - at < PAGE ? info->image_size - at : PAGE;
            json_object *page = json_object_new_object();
            add_hex(page, "base", info->base + at);
            sha256_text(raw + at, size, hash);
            add_text(page, "raw", hash);
            sha256_text(masked + at, size, hash);
            add_text(page, "masked", hash);
            json_object_array_add(pages, page);
        }
    }
    free(masked);
    json_object_object_add(o, "pages", pages);
    return o;
}

// Every file of the game folder by relative path: size and hash. Sorted, so that the host's order does not show.
static void add_folder(json_object *files, const char *root, const char *relative, unsigned depth)
{
    char path[4096], name[2048];
    struct dirent **entries;
    struct stat st;
    struct file_view view;
    char hash[65];
    snprintf(path, sizeof path, "%s/%s", root, relative);
    int count = depth > 16 ? -1 : scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *entry = entries[i]->d_name;
        if (strcmp(entry, ".") && strcmp(entry, "..")) {
            snprintf(name, sizeof name, "%s%s%s", relative, *relative ? "/" : "", entry);
            snprintf(path, sizeof path, "%s/%s", root, name);
            if (!lstat(path, &st) && S_ISDIR(st.st_mode))
                add_folder(files, root, name, depth + 1);
            else if (S_ISREG(st.st_mode) && file_map(path, &view, NULL)) {
                json_object *o = json_object_new_object();
                sha256_text(view.data, view.size, hash);
                add_number(o, "size", view.size);
                add_text(o, "sha256", hash);
                json_object_object_add(files, name, o);
                file_unmap(&view);
            }
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static json_object *configuration(struct sys *s)
{
    json_object *o = json_object_new_object();
    add_text(o, "profile", s->config.profile == KRNL_REFERENCE ? "reference" : "console");
    add_text(o, "pace", s->config.pace == SYS_PACE_VBLANK ? "vblank" : "none");
    add_number(o, "boot_time", STOR_TIME);
    return o;
}

static json_object *title_file(struct sys *s)
{
    json_object *o = json_object_new_object();
    add_text(o, "name", s->title_name);
    add_number(o, "size", s->file.title.size);
    add_text(o, "sha256", s->title_hash);
    return o;
}

static const struct krnl_thread *main_thread(struct sys *s, struct krnl_thread_view *v)
{
    for (const struct krnl_thread *t = NULL; (t = krnl_thread_next(s->kernel, t));) {
        krnl_thread_view(s->kernel, t, v);
        if (v->guest)
            return t;
    }
    return NULL;
}

bool sys_write_entry_state(struct sys *s, const char *path, struct error *err)
{
    struct krnl_thread_view v;
    json_object *root = json_object_new_object(), *files = json_object_new_object(), *objects = json_object_new_array();
    if (!main_thread(s, &v))
        return error_set(err, ERR_STATE, "the title has no main thread");
    add_number(root, "schema_version", 1);
    add_text(root, "engine", "ours");
    add_hex(root, "entry", v.start_address);
    add_number(root, "tid", v.tid);
    json_object_object_add(root, "registers", registers(v.cpu));
    json_object_object_add(root, "thread", thread(s, &v));
    json_object_object_add(root, "heaps", heaps(s));
    struct object_list list = {s, objects};
    krnl_each_handle(s->kernel, add_object, &list);
    json_object_object_add(root, "objects", objects);
    json_object_object_add(root, "module", module(s));
    json_object_object_add(root, "imports", imports(s));
    json_object_object_add(root, "image_hashes", image_hashes(s));
    json_object_object_add(root, "xex_file", title_file(s));
    add_folder(files, s->game_folder, "", 0);
    json_object_object_add(root, "game_folder", files);
    json_object_object_add(root, "configuration", configuration(s));
    const char *text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY);
    bool ok = file_write(path, text, strlen(text), err);
    json_object_put(root);
    return ok;
}
