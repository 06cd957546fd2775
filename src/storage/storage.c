#include "storage/storage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "storage/device.h"

enum { LINK_HOPS_MAX = 8 };

struct link {
    struct link *next;
    struct path_parts name_parts; // of `name`
    char name[STOR_PATH_MAX];
    char target[STOR_PATH_MAX];
};

struct stor {
    struct stor_device *devices;
    struct link *links;
};

static const struct {
    uint32_t nt;
    const char *text;
} statuses[STOR_STATUS_COUNT] = {
#define STATUS(name, nt, text) {nt, text},
#include "storage/statuses.def"
#undef STATUS
};

uint32_t stor_nt_status(enum stor_status status)
{
    ASSERT((unsigned)status < STOR_STATUS_COUNT);
    return statuses[status].nt;
}

const char *stor_status_text(enum stor_status status)
{
    ASSERT((unsigned)status < STOR_STATUS_COUNT);
    return statuses[status].text;
}

bool stor_create(struct stor **out, struct error *err)
{
    *out = calloc(1, sizeof **out);
    return *out ? true : error_set(err, ERR_MEMORY, "storage: out of memory");
}

void stor_destroy(struct stor *s)
{
    if (!s)
        return;
    for (struct stor_device *d = s->devices, *next; d; d = next) {
        next = d->next;
        ASSERT(d->open_files == NULL);
        d->ops->destroy(d);
    }
    for (struct link *l = s->links, *next; l; l = next) {
        next = l->next;
        free(l);
    }
    free(s);
}

// A colon stands at the end of the first part or nowhere.
static bool colons_valid(const struct path_parts *p)
{
    for (unsigned i = 0; i < p->count; i++) {
        const struct path_part *part = &p->part[i];
        const char *colon = memchr(part->text, ':', part->bytes);
        if (colon && (i != 0 || part->bytes == 1 || colon != part->text + part->bytes - 1))
            return false;
    }
    return true;
}

// Splits the name of a device or a link; the parts point into `copy`.
static enum stor_status split_name(const char *name, char copy[STOR_PATH_MAX], struct path_parts *out)
{
    size_t bytes = strnlen(name, STOR_PATH_MAX);
    if (bytes == STOR_PATH_MAX)
        return STOR_INVALID_NAME;
    memcpy(copy, name, bytes + 1);
    enum stor_status status = path_split(copy, bytes, out);
    if (status != STOR_OK)
        return status;
    path_skip_dos_prefix(out);
    if (out->count == 0 || !colons_valid(out))
        return STOR_INVALID_NAME;
    for (unsigned i = 0; i < out->count; i++) {
        size_t colon = i == 0 && out->part[i].text[out->part[i].bytes - 1] == ':';
        if (!path_valid_name(out->part[i].text, out->part[i].bytes - colon))
            return STOR_INVALID_NAME;
    }
    return STOR_OK;
}

static bool same_name(const struct path_parts *a, const struct path_parts *b)
{
    return a->count == b->count && path_has_prefix(a, b);
}

// Where the pointer to the link of this name is, or could be.
static struct link **link_slot(struct stor *s, const struct path_parts *name)
{
    struct link **at = &s->links;
    while (*at && !same_name(&(*at)->name_parts, name))
        at = &(*at)->next;
    return at;
}

enum stor_status stor_link(struct stor *s, const char *name, const char *target)
{
    struct path_parts target_parts;
    size_t target_bytes = strnlen(target, STOR_PATH_MAX);
    enum stor_status status = path_split(target, target_bytes, &target_parts);
    if (status != STOR_OK || target_parts.count == 0 || !colons_valid(&target_parts))
        return STOR_INVALID_NAME;
    struct link *l = calloc(1, sizeof *l);
    if (!l)
        return STOR_NO_RESOURCES;
    status = split_name(name, l->name, &l->name_parts);
    struct link **at = &s->links;
    if (status == STOR_OK) {
        at = link_slot(s, &l->name_parts);
        status = *at ? STOR_EXISTS : STOR_OK;
    }
    if (status != STOR_OK) {
        free(l);
        return status;
    }
    memcpy(l->target, target, target_bytes + 1);
    *at = l;
    return STOR_OK;
}

enum stor_status stor_unlink(struct stor *s, const char *name)
{
    char copy[STOR_PATH_MAX];
    struct path_parts parts;
    enum stor_status status = split_name(name, copy, &parts);
    if (status != STOR_OK)
        return status;
    struct link **at = link_slot(s, &parts), *l = *at;
    if (!l)
        return STOR_NOT_FOUND;
    *at = l->next;
    free(l);
    return STOR_OK;
}

const char *stor_link_target(const struct stor *s, const char *name)
{
    char copy[STOR_PATH_MAX];
    struct path_parts parts;
    if (split_name(name, copy, &parts) != STOR_OK)
        return NULL;
    for (const struct link *l = s->links; l; l = l->next)
        if (same_name(&l->name_parts, &parts))
            return l->target;
    return NULL;
}

static struct stor_device *device_of(const struct stor *s, const struct path_parts *path)
{
    struct stor_device *best = NULL;
    for (struct stor_device *d = s->devices; d; d = d->next)
        if (path_has_prefix(path, &d->name_parts) && (!best || d->name_parts.count > best->name_parts.count))
            best = d;
    return best;
}

static const struct link *link_of(const struct stor *s, const struct path_parts *path)
{
    const struct link *best = NULL;
    for (const struct link *l = s->links; l; l = l->next)
        if (path_has_prefix(path, &l->name_parts) && (!best || l->name_parts.count > best->name_parts.count))
            best = l;
    return best;
}

// `text` becomes the link's target and what follows the link in `path`, whose parts may point into the old text.
static enum stor_status follow(const struct link *l, const struct path_parts *path, char text[STOR_PATH_MAX])
{
    char next[STOR_PATH_MAX];
    size_t length = strlen(l->target);
    memcpy(next, l->target, length);
    for (unsigned i = l->name_parts.count; i < path->count; i++) {
        if (length + path->part[i].bytes + 2 > sizeof next)
            return STOR_INVALID_NAME;
        next[length++] = '\\';
        memcpy(next + length, path->part[i].text, path->part[i].bytes);
        length += path->part[i].bytes;
    }
    next[length] = '\0';
    memcpy(text, next, length + 1);
    return STOR_OK;
}

static enum stor_status absolute(const struct stor *s, struct path_parts *parts, char text[STOR_PATH_MAX],
                                 struct stor_device **device, char canonical[STOR_PATH_MAX])
{
    for (int hop = 0; hop < LINK_HOPS_MAX; hop++) {
        path_skip_dos_prefix(parts);
        if (!colons_valid(parts))
            return STOR_INVALID_NAME;
        const struct link *l = link_of(s, parts);
        if (!l) {
            *device = device_of(s, parts);
            return *device ? path_append(canonical, parts, (*device)->name_parts.count) : STOR_NO_DEVICE;
        }
        enum stor_status status = follow(l, parts, text);
        if (status == STOR_OK)
            status = path_split(text, strlen(text), parts);
        if (status != STOR_OK)
            return status;
    }
    return STOR_NO_DEVICE;
}

static enum stor_status relative(const struct stor_file *root, const struct path_parts *parts,
                                 struct stor_device **device, char canonical[STOR_PATH_MAX])
{
    const char *start;
    bool directory;
    stor_file_place(root, device, &start, &directory);
    if (!directory)
        return STOR_NOT_DIRECTORY;
    if (parts->rooted)
        return STOR_INVALID_NAME;
    memcpy(canonical, start, strlen(start) + 1);
    return path_append(canonical, parts, 0);
}

enum stor_status stor_find_device(const struct stor *s, const struct stor_file *root, const char *path,
                                  size_t path_bytes, struct stor_device **device, char canonical[STOR_PATH_MAX],
                                  bool *trailing)
{
    struct path_parts parts;
    char text[STOR_PATH_MAX];
    *device = NULL;
    canonical[0] = '\0';
    enum stor_status status = path_split(path, path_bytes, &parts);
    if (status != STOR_OK)
        return status;
    if (trailing)
        *trailing = parts.trailing;
    status = root ? relative(root, &parts, device, canonical) : absolute(s, &parts, text, device, canonical);
    if (status == STOR_OK && strlen((*device)->name) + strlen(canonical) + 2 > STOR_PATH_MAX)
        return STOR_INVALID_NAME;
    return status;
}

void stor_write_path(const struct stor_device *d, const char *canonical, char out[STOR_PATH_MAX])
{
    size_t length = strlen(d->name);
    ASSERT(length + strlen(canonical) + 2 <= STOR_PATH_MAX);
    memcpy(out, d->name, length);
    for (const char *p = canonical; *p; p++) {
        if (p == canonical)
            out[length++] = '\\';
        out[length++] = *p == '/' ? '\\' : *p;
    }
    out[length] = '\0';
}

enum stor_status stor_resolve(const struct stor *s, const struct stor_file *root, const char *path, size_t path_bytes,
                              char out[STOR_PATH_MAX])
{
    struct stor_device *d;
    char canonical[STOR_PATH_MAX];
    out[0] = '\0';
    enum stor_status status = stor_find_device(s, root, path, path_bytes, &d, canonical, NULL);
    if (status == STOR_OK)
        stor_write_path(d, canonical, out);
    return status;
}

// Only this form is printed back to the guest, so a device has no other spelling of its own name.
static bool device_name_valid(const char *name, char copy[STOR_PATH_MAX], struct path_parts *parts)
{
    if (split_name(name, copy, parts) != STOR_OK || !parts->rooted || parts->trailing || strpbrk(name, "/:?"))
        return false;
    size_t bytes = 0;
    for (unsigned i = 0; i < parts->count; i++)
        bytes += parts->part[i].bytes + 1;
    return bytes == strlen(name);
}

bool stor_mount_host(struct stor *s, const char *device, const char *host_path, bool read_only, struct error *err)
{
    char copy[STOR_PATH_MAX];
    struct path_parts parts;
    if (!device_name_valid(device, copy, &parts))
        return error_set(err, ERR_ARGUMENT, "%s is no device name, such as \\Device\\Harddisk0\\Partition1", device);
    struct stor_device **at = &s->devices;
    for (; *at; at = &(*at)->next)
        if (same_name(&(*at)->name_parts, &parts))
            return error_set(err, ERR_STATE, "a device %s is there already", device);
    struct stor_device *d;
    if (!host_device_create(&d, host_path, err))
        return false;
    split_name(device, d->name, &d->name_parts);
    d->read_only = read_only;
    *at = d;
    return true;
}

bool stor_changed(const struct stor *s)
{
    for (const struct stor_device *d = s->devices; d; d = d->next)
        if (d->changed)
            return true;
    return false;
}
