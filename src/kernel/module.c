// DLLs that a title imports from, or loads while it runs: from a file of its devices into memory, after those that they import
// from themselves, bound to the system modules and to each other, told by their entry points (DllMain) that they come and go.
#include "kernel/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel/xboxkrnl/file.h"

enum { FILE_MOST = 64 << 20, DEPTH_MOST = 8, DETACH = 0, ATTACH = 1 };

struct krnl_module {
    struct krnl_module *next; // load order
    char name[64];            // base name
    gva record, header;       // record: its handle
    uint32_t references;
    uint8_t *file;
    struct xex *xex;
    bool attached;            // its entry point has agreed, or there is none
    bool boot;                // the title imports from it, itself or through others
    gva then;                 // the handle of the DLL that came with it, whose entry point runs next; 0: none
    struct krnl_module **needs; // a reference to each DLL that it imports from
    size_t need_count;
};

// One load, with all that it brings.
struct load {
    struct krnl_call *c;
    struct krnl_module *first, *last; // new ones, each after those that it needs
    const char *loading[DEPTH_MOST];  // names, each imported from by the one before
    struct error err;                 // why not
    bool boot, need_failed;           // need_failed: it is not the file itself that could not be had
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

static bool is_title(const struct kernel *k, const char *path)
{
    return k->config.title_name && !strcasecmp(base_name(path), k->config.title_name);
}

const struct xex *krnl_module_exporter(const struct kernel *k, const char *name)
{
    const struct krnl_module *m = find_name(k, name);
    return m ? m->xex : is_title(k, name) ? k->xex : NULL;
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
        const uint64_t words[] = {m->record, m->header, m->references, m->attached, m->then, m->need_count};
        piece(user, words, sizeof words);
        piece(user, m->name, strlen(m->name));
    }
}

static void drop(struct krnl_module *m)
{
    xex_close(m->xex);
    free(m->needs);
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

// The entry point of a DLL, on top of what the thread does.
static void call_entry(struct kernel *k, struct krnl_thread *t, const struct krnl_module *m, uint32_t reason)
{
    struct krnl_frame *frame = krnl_frame_push(k, t, reason == ATTACH ? FRAME_MODULE_ATTACH : FRAME_MODULE_DETACH, xex_info(m->xex)->entry);
    if (!frame)
        return;
    frame->source = m->record;
    const uint64_t arguments[] = {m->record, reason, 0};
    memcpy(&t->cpu.gpr[3], arguments, sizeof arguments);
}

static void unmap(struct kernel *k, struct krnl_thread *t, struct krnl_module *m);

static void let_go(struct kernel *k, struct krnl_thread *t, struct krnl_module *m)
{
    if (--m->references)
        return;
    if (m->attached && xex_info(m->xex)->entry)
        call_entry(k, t, m, DETACH);
    else
        unmap(k, t, m);
}

// Out of memory and out of the list; what it needed goes too, where nobody else does.
static void unmap(struct kernel *k, struct krnl_thread *t, struct krnl_module *m)
{
    const struct xex_info *info = xex_info(m->xex);
    struct krnl_module **at = &k->modules;
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    krnl_unload_image(k, info->base, info->image_size);
    krnl_system_free(k, m->record);
    krnl_system_free(k, m->header);
    for (size_t i = 0; i < m->need_count; i++) // frames: the last one's entry point runs first
        let_go(k, t, m->needs[i]);
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
    struct stor_request request = {
        .path = whole, .path_bytes = strlen(whole), .disposition = STOR_OPEN, .non_directory = true};
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

static nt_status status_of(const struct error *err)
{
    return err->code == ERR_MEMORY ? (nt_status)STATUS_NO_MEMORY
           : err->code == ERR_NO_SPACE ? (nt_status)STATUS_CONFLICTING_ADDRESSES : (nt_status)STATUS_INVALID_IMAGE_FORMAT;
}

static nt_status open_file(struct load *l, const char *path, struct krnl_module *m)
{
    struct kernel *k = l->c->k;
    size_t size = 0;
    nt_status status = read_file(l->c, path, m, &size);
    if (status) {
        error_set(&l->err, ERR_NOT_FOUND, "no such file, or it cannot be read (status 0x%08x)", status);
        return status;
    }
    struct xex_options options = {.retail_key = k->config.retail_key, .ignore_hashes = k->config.ignore_hashes};
    return xex_open(&m->xex, m->file, size, &options, &l->err) && is_loadable(m->xex, &l->err) ? STATUS_SUCCESS : status_of(&l->err);
}

static nt_status map(struct load *l, const char *path, struct krnl_module *m)
{
    struct kernel *k = l->c->k;
    const struct xex_info *info = xex_info(m->xex);
    m->record = krnl_module_record(k, m->xex, &m->header);
    if (!m->record) {
        error_set(&l->err, ERR_MEMORY, "no guest memory for its header");
        return (nt_status)STATUS_NO_MEMORY;
    }
    if (!krnl_load_image(k, m->xex, &l->err)) {
        krnl_system_free(k, m->record);
        krnl_system_free(k, m->header);
        return status_of(&l->err);
    }
    snprintf(m->name, sizeof m->name, "%s", base_name(path));
    krnl_emit(k, l->c->thread, TRACE_MODULE_LOAD, 3, (uint64_t[]){info->base, info->image_size, info->entry}, m->name);
    return STATUS_SUCCESS;
}

static nt_status bring(struct load *l, const char *path, unsigned depth, struct krnl_module **out);

// The DLLs that an image imports from. What was brought before one failed stays in *needs.
static nt_status bring_needs(struct load *l, const struct xex *x, unsigned depth, struct krnl_module ***needs, size_t *need_count)
{
    size_t count;
    const struct xex_import_library *libraries = xex_import_libraries(x, &count);
    nt_status status = STATUS_SUCCESS;
    *needs = calloc(count + 1, sizeof **needs);
    if (!*needs) {
        error_set(&l->err, ERR_MEMORY, "out of memory");
        return (nt_status)STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < count && !status; i++) {
        if (exp_module_by_name(libraries[i].name) >= 0 || is_title(l->c->k, libraries[i].name))
            continue;
        status = bring(l, libraries[i].name, depth, &(*needs)[*need_count]);
        if (!status) {
            ++*need_count;
            continue;
        }
        l->need_failed = true;
        error_context(&l->err, "it imports from %s", libraries[i].name);
    }
    return status;
}

static void append(struct load *l, struct krnl_module *m)
{
    struct krnl_module **end = &l->c->k->modules;
    while (*end)
        end = &(*end)->next;
    *end = m;
    m->references = 1;
    m->boot = l->boot;
    if (l->last)
        l->last->then = m->record;
    else
        l->first = m;
    l->last = m;
}

static bool enter(struct load *l, const char *path, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        if (!strcasecmp(base_name(l->loading[i]), base_name(path)))
            return error_set(&l->err, ERR_UNSUPPORTED, "DLLs that import from each other in a circle");
    if (depth == DEPTH_MOST)
        return error_set(&l->err, ERR_UNSUPPORTED, "DLLs that import from each other more than %d deep", DEPTH_MOST);
    l->loading[depth] = path;
    return true;
}

static nt_status bring(struct load *l, const char *path, unsigned depth, struct krnl_module **out)
{
    struct kernel *k = l->c->k;
    struct krnl_module *m = *out = find_name(k, path);
    if (m) {
        m->references++;
        return STATUS_SUCCESS;
    }
    if (!enter(l, path, depth))
        return (nt_status)STATUS_INVALID_IMAGE_FORMAT;
    m = *out = calloc(1, sizeof *m);
    if (!m) {
        error_set(&l->err, ERR_MEMORY, "out of memory");
        return (nt_status)STATUS_NO_MEMORY;
    }
    nt_status status = open_file(l, path, m);
    if (!status)
        status = bring_needs(l, m->xex, depth + 1, &m->needs, &m->need_count);
    if (!status)
        status = map(l, path, m);
    if (!status) {
        append(l, m);
        return STATUS_SUCCESS;
    }
    for (size_t i = m->need_count; i-- > 0;) // none of the new ones was told that it is there
        let_go(k, l->c->thread, m->needs[i]);
    drop(m);
    return status;
}

static void notify(struct krnl_call *c, const struct krnl_module *m, uint32_t reason)
{
    krnl_call_guest(c, xex_info(m->xex)->entry, 3, (uint64_t[]){m->record, reason, 0});
    c->guest_kind = reason == ATTACH ? FRAME_MODULE_ATTACH : FRAME_MODULE_DETACH;
    c->guest_source = m->record;
}

// The first from `record` on in its load that has an entry point.
static struct krnl_module *next_to_attach(const struct kernel *k, gva record)
{
    struct krnl_module *m = find(k, record);
    while (m && !xex_info(m->xex)->entry) {
        m->attached = true;
        m = find(k, m->then);
    }
    return m;
}

nt_status krnl_module_load(struct krnl_call *c, const char *path, gva out_ptr)
{
    struct load l = {.c = c};
    struct krnl_module *m;
    if (!mem_valid(c->mem, out_ptr, 4, MEM_WRITE))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    mem_set32(c->mem, out_ptr, 0);
    nt_status status = bring(&l, path, 0, &m);
    if (status) {
        if (l.err.code == ERR_MEMORY)
            krnl_host_failed(c->k, "out of memory");
        if (l.need_failed || status != (nt_status)STATUS_DLL_NOT_FOUND)
            log_write(c->k->log, LOG_WARN, "loader", "%s is not loaded: %s", path, l.err.message);
        return status;
    }
    mem_set32(c->mem, out_ptr, m->record);
    m = l.first ? next_to_attach(c->k, l.first->record) : NULL;
    if (m)
        notify(c, m, ATTACH);
    return STATUS_SUCCESS;
}

bool krnl_modules_boot(struct kernel *k, const struct xex *title, struct error *err)
{
    struct krnl_call c = {.k = k, .mem = k->mem};
    struct load l = {.c = &c, .boot = true};
    struct krnl_module **needs;
    size_t count = 0;
    nt_status status = bring_needs(&l, title, 0, &needs, &count);
    free(needs); // they stay as long as the title
    if (status && err)
        *err = l.err;
    return !status;
}

void krnl_modules_attach(struct kernel *k, struct krnl_thread *main)
{
    const struct krnl_module *m = k->modules ? next_to_attach(k, k->modules->record) : NULL;
    if (m)
        call_entry(k, main, m, ATTACH);
}

nt_status krnl_module_unload(struct krnl_call *c, gva record)
{
    struct krnl_module *m = find(c->k, record);
    if (!m || !m->references)
        return (nt_status)STATUS_INVALID_HANDLE;
    if (--m->references)
        return STATUS_SUCCESS;
    if (xex_info(m->xex)->entry) {
        notify(c, m, DETACH);
        return STATUS_SUCCESS;
    }
    m->need_count = 0; // their entry points could not be called from here: they stay
    unmap(c->k, c->thread, m);
    return STATUS_SUCCESS;
}

// An entry point answered an attach with FALSE: what XexLoadImage returned was too early, and all that came with it goes.
static void refuse(struct kernel *k, struct krnl_thread *t, struct krnl_module *m)
{
    if (m->boot) {
        krnl_stop(k, KRNL_STOP_CRASH, t, "%s, which the title imports from, refused to start", m->name);
        return;
    }
    t->cpu.gpr[3] = (uint64_t)(int64_t)(int32_t)STATUS_DLL_INIT_FAILED;
    struct krnl_module *top = m, *next;
    while ((next = find(k, top->then)))
        top = next;
    top->references = 1;
    let_go(k, t, top);
}

void krnl_module_notified(struct kernel *k, struct krnl_thread *t, enum krnl_frame_kind kind, gva record, bool agreed)
{
    struct krnl_module *m = find(k, record);
    if (!m)
        return;
    if (kind == FRAME_MODULE_DETACH) {
        if (!m->references)
            unmap(k, t, m);
        return;
    }
    if (!agreed) {
        refuse(k, t, m);
        return;
    }
    m->attached = true;
    m = next_to_attach(k, m->then);
    if (m)
        call_entry(k, t, m, ATTACH);
}
