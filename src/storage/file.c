#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "storage/device.h"
#include "storage/storage.h"

// What every device tells of itself: the values that the reference's folder device has.
enum { SECTOR_BYTES = 0x200, SECTORS_PER_UNIT = 1, DEVICE_UNITS = 128 * 1024 };

struct stor_file {
    struct stor *stor;
    struct stor_device *device;
    struct stor_file *next; // of the device's open files
    struct stor_node *node;
    bool directory, write;
    bool delete_pending;
    char path[STOR_PATH_MAX]; // canonical, as the device spells it

    // Directories: what stor_directory_entry read, and where it stands.
    bool listed;
    struct device_listing listing;
    size_t at;
};

enum stor_status listing_add(struct device_listing *l, const char *name, bool directory, uint64_t size)
{
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 32;
        void *grown = realloc(l->entries, capacity * sizeof *l->entries);
        if (!grown)
            return STOR_NO_RESOURCES;
        l->entries = grown;
        l->capacity = capacity;
    }
    char *copy = strdup(name);
    if (!copy)
        return STOR_NO_RESOURCES;
    l->entries[l->count++] = (struct device_entry){copy, directory, directory ? 0 : size};
    return STOR_OK;
}

static void listing_clear(struct device_listing *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->entries[i].name);
    free(l->entries);
    *l = (struct device_listing){0};
}

void stor_file_place(const struct stor_file *f, struct stor_device **device, const char **canonical, bool *directory)
{
    *device = f->device;
    *canonical = f->path;
    *directory = f->directory;
}

// The first open handle on a path of a device, but for `except`.
static struct stor_file *open_handle(const struct stor_device *d, const char *path, const struct stor_file *except)
{
    for (struct stor_file *f = d->open_files; f; f = f->next)
        if (f != except && strcmp(f->path, path) == 0)
            return f;
    return NULL;
}

static bool open_below(const struct stor_device *d, const char *path)
{
    size_t length = strlen(path);
    for (const struct stor_file *f = d->open_files; f; f = f->next)
        if (strncmp(f->path, path, length) == 0 && f->path[length] == '/')
            return true;
    return false;
}

static bool cuts(uint32_t disposition)
{
    return disposition == STOR_SUPERSEDE || disposition == STOR_OVERWRITE || disposition == STOR_OVERWRITE_IF;
}

static bool makes(uint32_t disposition)
{
    return disposition != STOR_OPEN && disposition != STOR_OVERWRITE;
}

// Before each change.
static bool refuses_changes(struct stor_device *d)
{
    d->changed |= !d->read_only;
    return d->read_only;
}

static enum stor_status open_existing(struct stor_file *f, const struct stor_request *r, enum stor_action *action)
{
    if (r->disposition == STOR_CREATE) {
        *action = STOR_EXISTED;
        return STOR_EXISTS;
    }
    if (f->directory && (r->non_directory || cuts(r->disposition)))
        return STOR_IS_DIRECTORY;
    if (!f->directory && r->directory)
        return STOR_NOT_DIRECTORY;
    if ((r->write || r->delete_on_close || cuts(r->disposition)) && refuses_changes(f->device))
        return STOR_READ_ONLY;
    const struct stor_file *other = open_handle(f->device, f->path, NULL);
    if (other && other->delete_pending)
        return STOR_DELETE_PENDING;
    bool cut = cuts(r->disposition);
    *action = r->disposition == STOR_SUPERSEDE ? STOR_SUPERSEDED : cut ? STOR_OVERWRITTEN : STOR_OPENED;
    f->write = r->write || cut;
    return f->device->ops->open(f->device, f->path, f->directory, f->write && !f->directory, cut, &f->node);
}

static enum stor_status open_new(struct stor_file *f, const struct stor_request *r, enum stor_action *action)
{
    *action = STOR_DID_NOT_EXIST;
    if (!makes(r->disposition))
        return STOR_NOT_FOUND;
    if (refuses_changes(f->device))
        return STOR_READ_ONLY;
    enum stor_status status = f->device->ops->create(f->device, f->path, r->directory, &f->node);
    if (status == STOR_OK) {
        *action = STOR_CREATED;
        f->directory = r->directory;
        f->write = true;
    }
    return status;
}

static enum stor_status check_request(const struct stor_request *r)
{
    if (r->disposition > STOR_OVERWRITE_IF || (r->directory && r->non_directory))
        return STOR_INVALID;
    return r->directory && cuts(r->disposition) ? STOR_INVALID : STOR_OK;
}

static enum stor_status open_found(struct stor *s, struct stor_file *f, const struct stor_request *r,
                                   enum stor_action *action)
{
    char canonical[STOR_PATH_MAX];
    struct device_found found;
    bool trailing;
    enum stor_status status = stor_find_device(s, r->root, r->path, r->path_bytes, &f->device, canonical, &trailing);
    if (status != STOR_OK)
        return status;
    status = f->device->ops->lookup(f->device, canonical, &found);
    if (status != STOR_OK && status != STOR_NOT_FOUND)
        return status;
    f->directory = found.directory;
    memcpy(f->path, found.path, sizeof f->path);
    if (trailing && !(status == STOR_OK ? found.directory : r->directory))
        return status == STOR_OK ? STOR_NOT_DIRECTORY : STOR_NOT_FOUND;
    return status == STOR_OK ? open_existing(f, r, action) : open_new(f, r, action);
}

enum stor_status stor_open(struct stor *s, const struct stor_request *request, struct stor_file **out,
                           enum stor_action *action)
{
    *out = NULL;
    *action = STOR_DID_NOT_EXIST;
    enum stor_status status = check_request(request);
    if (status != STOR_OK)
        return status;
    struct stor_file *f = calloc(1, sizeof *f);
    if (!f)
        return STOR_NO_RESOURCES;
    f->stor = s;
    status = open_found(s, f, request, action);
    if (status != STOR_OK) {
        free(f);
        return status;
    }
    f->next = f->device->open_files;
    f->device->open_files = f;
    *out = f;
    if (request->delete_on_close && (status = stor_set_delete(f, true)) != STOR_OK) {
        stor_close(f);
        *out = NULL;
    }
    return status;
}

void stor_close(struct stor_file *f)
{
    if (!f)
        return;
    struct stor_device *d = f->device;
    struct stor_file **at = &d->open_files;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    d->ops->close(f->node);
    // Who else has it open keeps it alive; the host may have lost it meanwhile, which leaves nothing to do.
    if (f->delete_pending && !open_handle(d, f->path, f))
        d->ops->remove(d, f->path, f->directory);
    listing_clear(&f->listing);
    free(f);
}

// FNV-1a of the whole path, upper-cased: an identity without anything of the host.
static uint64_t path_id(const struct stor_device *d, const char *directory, const char *name)
{
    const char *pieces[] = {d->name, "/", directory, directory[0] && name[0] ? "/" : "", name};
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        for (const char *p = pieces[i]; *p; p++)
            hash = (hash ^ path_fold(*p)) * UINT64_C(0x100000001B3);
    return hash;
}

static uint32_t attributes(const struct stor_device *d, bool directory)
{
    uint32_t read_only = d->read_only ? STOR_ATTRIBUTE_READONLY : 0;
    return directory ? STOR_ATTRIBUTE_DIRECTORY | read_only : read_only ? read_only : STOR_ATTRIBUTE_NORMAL;
}

static uint64_t in_units(uint64_t size)
{
    const uint64_t unit = SECTOR_BYTES * SECTORS_PER_UNIT;
    return (size + unit - 1) / unit * unit;
}

static void fill_info(const struct stor_device *d, const char *path, bool directory, uint64_t size,
                      struct stor_info *out)
{
    *out = (struct stor_info){
        .attributes = attributes(d, directory),
        .size = directory ? 0 : size,
        .allocation_size = directory ? 0 : in_units(size),
        .id = path_id(d, path, ""),
        .directory = directory,
    };
}

enum stor_status stor_get_info(const struct stor_file *f, struct stor_info *out)
{
    uint64_t size = 0;
    enum stor_status status = f->directory ? STOR_OK : f->device->ops->get_size(f->node, &size);
    fill_info(f->device, f->path, f->directory, size, out);
    out->delete_pending = f->delete_pending;
    return status;
}

enum stor_status stor_query_path(struct stor *s, const struct stor_file *root, const char *path, size_t path_bytes,
                                 struct stor_info *out)
{
    struct stor_device *d;
    char canonical[STOR_PATH_MAX];
    struct device_found found;
    bool trailing;
    *out = (struct stor_info){0};
    enum stor_status status = stor_find_device(s, root, path, path_bytes, &d, canonical, &trailing);
    if (status == STOR_OK)
        status = d->ops->lookup(d, canonical, &found);
    if (status == STOR_OK && trailing && !found.directory)
        status = STOR_NOT_DIRECTORY;
    if (status != STOR_OK)
        return status;
    fill_info(d, found.path, found.directory, found.size, out);
    const struct stor_file *handle = open_handle(d, found.path, NULL);
    out->delete_pending = handle && handle->delete_pending;
    return STOR_OK;
}

void stor_get_path(const struct stor_file *f, char out[STOR_PATH_MAX], size_t *name_offset)
{
    stor_write_path(f->device, f->path, out);
    if (name_offset)
        *name_offset = strlen(f->device->name);
}

enum stor_status stor_read(struct stor_file *f, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    *done = 0;
    if (f->directory)
        return STOR_IS_DIRECTORY;
    if (offset > INT64_MAX || size > INT64_MAX - offset)
        return STOR_INVALID;
    if (size == 0)
        return STOR_OK;
    enum stor_status status = f->device->ops->read(f->node, offset, buffer, size, done);
    return status == STOR_OK && *done == 0 ? STOR_END_OF_FILE : status;
}

static enum stor_status may_change(const struct stor_file *f)
{
    if (f->directory)
        return STOR_IS_DIRECTORY;
    return refuses_changes(f->device) ? STOR_READ_ONLY : f->write ? STOR_OK : STOR_ACCESS_DENIED;
}

enum stor_status stor_write(struct stor_file *f, uint64_t offset, const void *buffer, size_t size, size_t *done)
{
    *done = 0;
    enum stor_status status = may_change(f);
    if (status != STOR_OK)
        return status;
    if (offset > INT64_MAX)
        return STOR_INVALID;
    if (offset > STOR_FILE_MAX || size > STOR_FILE_MAX - offset)
        return STOR_DISK_FULL;
    return size == 0 ? STOR_OK : f->device->ops->write(f->node, offset, buffer, size, done);
}

enum stor_status stor_set_size(struct stor_file *f, uint64_t size)
{
    enum stor_status status = may_change(f);
    if (status != STOR_OK)
        return status;
    if (size > INT64_MAX)
        return STOR_INVALID;
    return size > STOR_FILE_MAX ? STOR_DISK_FULL : f->device->ops->set_size(f->node, size);
}

enum stor_status stor_flush(struct stor_file *f)
{
    return f->directory || !f->write ? STOR_OK : f->device->ops->flush(f->node);
}

static enum stor_status may_remove(struct stor_file *f)
{
    if (refuses_changes(f->device))
        return STOR_READ_ONLY;
    if (f->path[0] == '\0')
        return STOR_CANNOT_DELETE;
    if (!f->directory)
        return STOR_OK;
    struct device_listing content = {0};
    enum stor_status status = f->device->ops->list(f->node, &content);
    if (status == STOR_OK && content.count != 0)
        status = STOR_NOT_EMPTY;
    listing_clear(&content);
    return status;
}

enum stor_status stor_set_delete(struct stor_file *f, bool pending)
{
    enum stor_status status = pending ? may_remove(f) : STOR_OK;
    if (status != STOR_OK)
        return status;
    for (struct stor_file *other = f->device->open_files; other; other = other->next)
        if (strcmp(other->path, f->path) == 0)
            other->delete_pending = pending;
    return STOR_OK;
}

// Whether the place `to` is free for `f`, or may be made free.
static enum stor_status may_replace(const struct stor_file *f, const struct device_found *to, bool replace)
{
    if (!replace)
        return STOR_EXISTS;
    if (to->directory || f->directory || open_handle(f->device, to->path, NULL))
        return STOR_ACCESS_DENIED;
    return STOR_OK;
}

// Where `f` goes: `canonical`, with the folders on the way as the device spells them and the last name as asked for.
static enum stor_status rename_target(const struct stor_file *f, const char *canonical, bool replace,
                                      char to[STOR_PATH_MAX])
{
    struct device_found found;
    enum stor_status status = f->device->ops->lookup(f->device, canonical, &found);
    if (status == STOR_OK && strcmp(found.path, f->path) != 0)
        status = may_replace(f, &found, replace);
    else if (status == STOR_NOT_FOUND)
        status = STOR_OK;
    if (status != STOR_OK)
        return status;
    memcpy(to, found.path, STOR_PATH_MAX);
    if (strcmp(found.path, f->path) == 0) { // to itself, maybe in other case
        const char *name = strrchr(canonical, '/');
        name = name ? name + 1 : canonical;
        size_t length = strlen(name);
        memcpy(to + strlen(to) - length, name, length);
    }
    return STOR_OK;
}

enum stor_status stor_rename(struct stor_file *f, const struct stor_file *root, const char *path, size_t path_bytes,
                             bool replace)
{
    struct stor_device *d;
    char canonical[STOR_PATH_MAX], to[STOR_PATH_MAX], from[STOR_PATH_MAX];
    enum stor_status status = stor_find_device(f->stor, root, path, path_bytes, &d, canonical, NULL);
    if (status != STOR_OK)
        return status;
    if (d != f->device)
        return STOR_NOT_SAME_DEVICE;
    if (refuses_changes(d))
        return STOR_READ_ONLY;
    if (f->path[0] == '\0' || canonical[0] == '\0' || open_below(d, f->path))
        return STOR_ACCESS_DENIED;
    status = rename_target(f, canonical, replace, to);
    if (status == STOR_OK)
        status = d->ops->rename(d, f->path, to);
    if (status != STOR_OK)
        return status;
    memcpy(from, f->path, sizeof from);
    for (struct stor_file *other = d->open_files; other; other = other->next)
        if (strcmp(other->path, from) == 0)
            memcpy(other->path, to, sizeof to);
    return STOR_OK;
}

static int by_name(const void *left, const void *right)
{
    const struct device_entry *a = left, *b = right;
    int order = path_compare_folded(a->name, b->name);
    return order ? order : strcmp(a->name, b->name);
}

// Reads the directory, keeps what matches, sorts.
static enum stor_status list_matching(struct stor_file *f, const char *pattern)
{
    listing_clear(&f->listing);
    f->at = 0;
    enum stor_status status = f->device->ops->list(f->node, &f->listing);
    if (status != STOR_OK) {
        listing_clear(&f->listing);
        return status;
    }
    size_t kept = 0;
    for (size_t i = 0; i < f->listing.count; i++) {
        if (path_matches(f->listing.entries[i].name, pattern))
            f->listing.entries[kept++] = f->listing.entries[i];
        else
            free(f->listing.entries[i].name);
    }
    f->listing.count = kept;
    if (kept != 0)
        qsort(f->listing.entries, kept, sizeof *f->listing.entries, by_name);
    f->listed = true;
    return kept ? STOR_OK : STOR_NO_SUCH_FILE;
}

enum stor_status stor_directory_entry(struct stor_file *f, const char *pattern, size_t pattern_bytes, bool restart,
                                      struct stor_entry *out)
{
    *out = (struct stor_entry){0};
    if (!f->directory)
        return STOR_NOT_DIRECTORY;
    if (!f->listed || restart) {
        char text[STOR_NAME_MAX + 1] = "";
        if (!path_valid_pattern(pattern, pattern_bytes))
            return STOR_INVALID_NAME;
        if (pattern_bytes != 0)
            memcpy(text, pattern, pattern_bytes);
        enum stor_status status = list_matching(f, text);
        if (status != STOR_OK)
            return status;
    }
    if (f->at >= f->listing.count)
        return STOR_NO_MORE_FILES;
    const struct device_entry *e = &f->listing.entries[f->at];
    *out = (struct stor_entry){
        .name = e->name,
        .size = e->size,
        .allocation_size = in_units(e->size),
        .id = path_id(f->device, f->path, e->name),
        .attributes = attributes(f->device, e->directory),
    };
    return STOR_OK;
}

void stor_directory_advance(struct stor_file *f)
{
    if (f->at < f->listing.count)
        f->at++;
}

void stor_get_volume(const struct stor_file *f, struct stor_volume *out)
{
    *out = (struct stor_volume){
        .total_units = DEVICE_UNITS,
        .free_units = DEVICE_UNITS,
        .sectors_per_unit = SECTORS_PER_UNIT,
        .bytes_per_sector = SECTOR_BYTES,
        .serial = (uint32_t)path_id(f->device, "", ""),
        .name_max = STOR_NAME_MAX,
        .read_only = f->device->read_only,
        .label = "",
        .system = "FATX",
    };
}
