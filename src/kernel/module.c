// DLLs that a title loads while it runs: from a file of its devices into memory, bound to the system modules, told by their entry
// points (DllMain) that they come and go.
#include "kernel/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel/xboxkrnl/file.h"

enum { FILE_MOST = 64 << 20, DETACH = 0, ATTACH = 1 };

struct krnl_module {
    struct krnl_module *next; // load order
    char name[64];            // base name
    gva record, header;       // record: its handle
    uint32_t references;
    uint8_t *file;
    struct xex *xex;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '\\'), *colon = strrchr(path, ':');
    return slash ? slash + 1 : colon ? colon + 1 : path;
}

static struct krnl_module *find(const struct kernel *k, gva record)
{
    struct krnl_module *m = k->modules;
    while (m && m->record != record)
        m = m->next;
    return m;
}

static struct krnl_module *find_name(const struct kernel *k, const char *path)
{
    struct krnl_module *m = k->modules;
    while (m && (!m->references || strcasecmp(m->name, base_name(path)) != 0))
        m = m->next;
    return m;
}

gva krnl_module_named(const struct kernel *k, const char *path)
{
    const struct krnl_module *m = find_name(k, path);
    return m ? m->record : 0;
}

const struct xex *krnl_module_xex(const struct kernel *k, gva record)
{
    const struct krnl_module *m = find(k, record);
    return m ? m->xex : record && record == k->executable_module ? k->xex : NULL;
}

bool krnl_module_holds(const struct kernel *k, gva address)
{
    for (const struct krnl_module *m = k->modules; m; m = m->next)
        if (address - xex_info(m->xex)->base < xex_info(m->xex)->image_size)
            return true;
    return false;
}

void krnl_modules_hash(const struct kernel *k, void (*piece)(void *user, const void *data, size_t size), void *user)
{
    for (const struct krnl_module *m = k->modules; m; m = m->next) {
        const uint64_t words[] = {m->record, m->header, m->references};
        piece(user, words, sizeof words);
        piece(user, m->name, strlen(m->name));
    }
}

static void drop(struct krnl_module *m)
{
    xex_close(m->xex);
    free(m->file);
    free(m);
}

void krnl_modules_free(struct kernel *k)
{
    while (k->modules) {
        struct krnl_module *m = k->modules;
        k->modules = m->next;
        drop(m);
    }
}

// Out of memory and out of the list.
static void unmap(struct kernel *k, struct krnl_module *m)
{
    const struct xex_info *info = xex_info(m->xex);
    struct krnl_module **at = &k->modules;
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    krnl_unload_image(k, info->base, info->image_size);
    krnl_system_free(k, m->record);
    krnl_system_free(k, m->header);
    drop(m);
}

// ---- Loading

// A name without a device lies beside the title.
static nt_status read_file(struct krnl_call *c, const char *path, struct krnl_module *m, size_t *size)
{
    char whole[STOR_PATH_MAX];
    struct stor_file *f = NULL;
    struct stor_info info;
    enum stor_action action;
    snprintf(whole, sizeof whole, "%s%s", strchr(path, ':') || path[0] == '\\' ? "" : "game:\\", path);
    struct stor_request request = {.path = whole, .path_bytes = strlen(whole), .disposition = STOR_OPEN, .non_directory = true};
    enum stor_status status = stor_open(c->k->storage, &request, &f, &action);
    if (status != STOR_OK && status != STOR_NO_RESOURCES)
        return (nt_status)STATUS_DLL_NOT_FOUND;
    if (status == STOR_OK)
        status = stor_get_info(f, &info);
    nt_status result = status == STOR_OK ? STATUS_SUCCESS : krnl_file_status(c, status);
    if (!result && info.size > FILE_MOST)
        result = (nt_status)STATUS_INVALID_IMAGE_FORMAT;
    if (!result && !(m->file = malloc(info.size + 1))) {
        krnl_host_failed(c->k, "out of memory");
        result = (nt_status)STATUS_NO_MEMORY;
    }
    if (!result) {
        status = stor_read(f, 0, m->file, info.size, size);
        result = status == STOR_OK || status == STOR_END_OF_FILE ? STATUS_SUCCESS : krnl_file_status(c, status);
    }
    stor_close(f);
    return result;
}

static nt_status refuse(struct krnl_call *c, const char *path, const struct error *err, nt_status status)
{
    if (err->code == ERR_MEMORY)
        krnl_host_failed(c->k, "out of memory");
    log_write(c->k->log, LOG_WARN, "loader", "%s is not loaded: %s", path, err->message);
    return status;
}

static bool is_loadable(const struct xex *x, struct error *err)
{
    const struct xex_info *info = xex_info(x);
    if (xex_image_error(x)) {
        *err = *xex_image_error(x);
        return false;
    }
    if (!(info->module_flags & XEX_MODULE_DLL))
        return error_set(err, ERR_FORMAT, "no DLL (module flags 0x%08x)", info->module_flags);
    if (info->entry && info->entry - info->base >= info->image_size)
        return error_set(err, ERR_FORMAT, "entry point 0x%08x is outside the image", info->entry);
    if (info->tls.present && info->tls.data_size)
        return error_set(err, ERR_UNSUPPORTED, "a DLL with thread-local data");
    return true;
}

static nt_status open_module(struct krnl_call *c, const char *path, struct krnl_module *m)
{
    struct kernel *k = c->k;
    struct error err = {0};
    size_t size = 0;
    nt_status status = read_file(c, path, m, &size);
    if (status)
        return status;
    struct xex_options options = {.retail_key = k->config.retail_key, .ignore_hashes = k->config.ignore_hashes};
    if (!xex_open(&m->xex, m->file, size, &options, &err) || !is_loadable(m->xex, &err))
        return refuse(c, path, &err, (nt_status)STATUS_INVALID_IMAGE_FORMAT);
    const struct xex_info *info = xex_info(m->xex);
    m->record = krnl_module_record(k, m->xex, &m->header);
    if (!m->record)
        return (nt_status)STATUS_NO_MEMORY;
    if (!krnl_load_image(k, m->xex, &err)) {
        krnl_system_free(k, m->record);
        krnl_system_free(k, m->header);
        return refuse(c, path, &err, err.code == ERR_NO_SPACE ? (nt_status)STATUS_CONFLICTING_ADDRESSES : (nt_status)STATUS_INVALID_IMAGE_FORMAT);
    }
    snprintf(m->name, sizeof m->name, "%s", base_name(path));
    krnl_emit(k, c->thread, TRACE_MODULE_LOAD, 3, (uint64_t[]){info->base, info->image_size, info->entry}, m->name);
    return STATUS_SUCCESS;
}

static void notify(struct krnl_call *c, const struct krnl_module *m, uint32_t reason)
{
    krnl_call_guest(c, xex_info(m->xex)->entry, 3, (uint64_t[]){m->record, reason, 0});
    c->guest_kind = reason == ATTACH ? FRAME_MODULE_ATTACH : FRAME_MODULE_DETACH;
    c->guest_source = m->record;
}

nt_status krnl_module_load(struct krnl_call *c, const char *path, gva out_ptr)
{
    struct kernel *k = c->k;
    if (!mem_valid(c->mem, out_ptr, 4, MEM_WRITE))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    mem_set32(c->mem, out_ptr, 0);
    struct krnl_module *m = find_name(k, path);
    if (m) {
        m->references++;
        mem_set32(c->mem, out_ptr, m->record);
        return STATUS_SUCCESS;
    }
    m = calloc(1, sizeof *m);
    if (!m) {
        krnl_host_failed(k, "out of memory");
        return (nt_status)STATUS_NO_MEMORY;
    }
    nt_status status = open_module(c, path, m);
    if (status) {
        drop(m);
        return status;
    }
    m->references = 1;
    struct krnl_module **end = &k->modules;
    while (*end)
        end = &(*end)->next;
    *end = m;
    mem_set32(c->mem, out_ptr, m->record);
    if (xex_info(m->xex)->entry)
        notify(c, m, ATTACH);
    return STATUS_SUCCESS;
}

nt_status krnl_module_unload(struct krnl_call *c, gva record)
{
    struct krnl_module *m = find(c->k, record);
    if (!m || !m->references)
        return (nt_status)STATUS_INVALID_HANDLE;
    if (--m->references)
        return STATUS_SUCCESS;
    if (xex_info(m->xex)->entry)
        notify(c, m, DETACH);
    else
        unmap(c->k, m);
    return STATUS_SUCCESS;
}

// The entry point answered an attach with FALSE: what XexLoadImage returned was too early.
void krnl_module_notified(struct kernel *k, struct krnl_thread *t, enum krnl_frame_kind kind, gva record, bool agreed)
{
    struct krnl_module *m = find(k, record);
    if (!m || (kind == FRAME_MODULE_ATTACH && agreed))
        return;
    if (kind == FRAME_MODULE_ATTACH) {
        m->references = 0;
        t->cpu.gpr[3] = (uint64_t)(int64_t)(int32_t)STATUS_DLL_INIT_FAILED;
    }
    if (!m->references)
        unmap(k, m);
}
