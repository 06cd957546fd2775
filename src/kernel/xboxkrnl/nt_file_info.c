// What files, paths, directories and volumes say of themselves, and what titles may change: tables of information
// classes.
#include <string.h>

#include "kernel/api.h"
#include "kernel/xboxkrnl/file.h"

static bool is_reference(const struct krnl_call *c)
{
    return c->k->config.profile == KRNL_REFERENCE;
}

static void put_times(struct krnl_call *c, gva at)
{
    for (unsigned i = 0; i < 4; i++) // creation, last access, last write, change
        mem_set64(c->mem, at + 8 * i, STOR_TIME);
}

void krnl_put_network_open(struct krnl_call *c, gva at, const struct stor_info *info)
{
    put_times(c, at);
    mem_set64(c->mem, at + 0x20, info->allocation_size);
    mem_set64(c->mem, at + 0x28, info->size);
    mem_set32(c->mem, at + 0x30, info->attributes);
    mem_set32(c->mem, at + 0x34, 0);
}

uint32_t NtQueryFullAttributesFile(struct krnl_call *c, uint32_t attributes, uint32_t information)
{
    struct krnl_path path;
    struct stor_info info;
    nt_status status = krnl_path_of(c, attributes, &path);
    if (status)
        return status;
    if (!mem_valid(c->mem, information, KRNL_NETWORK_OPEN_SIZE, MEM_WRITE))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    enum stor_status found = stor_query_path(c->k->storage, path.root, path.text, path.bytes, &info);
    if (found == STOR_OK)
        krnl_put_network_open(c, information, &info);
    return krnl_file_status(c, found);
}

// ---- Classes. A function gets a buffer that is writable (queries) or readable (changes) and at least `minimum` long;
// *used is what goes into IO_STATUS_BLOCK.Information.

struct info_call {
    struct krnl_call *c;
    struct krnl_file *file;
    gva at;
    uint32_t length, used;
};

typedef nt_status info_function(struct info_call *i);

struct info_class {
    uint32_t number, minimum;
    info_function *run;
    bool console_only; // the reference does not know it
};

static nt_status info_of(const struct info_call *i, struct stor_info *out)
{
    return krnl_file_status(i->c, stor_get_info(i->file->file, out));
}

static nt_status query_basic(struct info_call *i)
{
    struct stor_info info;
    nt_status status = info_of(i, &info);
    put_times(i->c, i->at);
    mem_set32(i->c->mem, i->at + 0x20, status ? 0 : info.attributes);
    i->used = 0x28;
    return status;
}

static nt_status query_standard(struct info_call *i)
{
    struct stor_info info;
    nt_status status = info_of(i, &info);
    if (status)
        return status;
    mem_set64(i->c->mem, i->at, info.allocation_size);
    mem_set64(i->c->mem, i->at + 8, info.size);
    mem_set32(i->c->mem, i->at + 16, 1); // links
    mem_set8(i->c->mem, i->at + 20, info.delete_pending);
    mem_set8(i->c->mem, i->at + 21, info.directory);
    i->used = 24;
    return STATUS_SUCCESS;
}

static nt_status query_internal(struct info_call *i)
{
    struct stor_info info;
    nt_status status = info_of(i, &info);
    if (status)
        return status;
    mem_set64(i->c->mem, i->at, info.id);
    i->used = 8;
    return STATUS_SUCCESS;
}

static nt_status query_name(struct info_call *i)
{
    char path[STOR_PATH_MAX];
    size_t offset;
    stor_get_path(i->file->file, path, &offset);
    const char *name = path + offset;
    uint32_t bytes = (uint32_t)strlen(name), room = i->length - 4, copied = bytes < room ? bytes : room;
    mem_set32(i->c->mem, i->at, bytes);
    mem_write(i->c->mem, i->at + 4, name, copied);
    i->used = 4 + copied;
    return copied < bytes ? (nt_status)STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static nt_status query_position(struct info_call *i)
{
    mem_set64(i->c->mem, i->at, i->file->position);
    i->used = 8;
    return STATUS_SUCCESS;
}

static nt_status query_mode(struct info_call *i)
{
    mem_set32(i->c->mem, i->at, i->file->mode);
    i->used = 4;
    return STATUS_SUCCESS;
}

static nt_status query_alignment(struct info_call *i)
{
    mem_set32(i->c->mem, i->at, 0); // bytes
    i->used = 4;
    return STATUS_SUCCESS;
}

// Where the file starts on its device: titles sort and recognise files by it. Ours is made from the path.
static nt_status query_sector(struct info_call *i)
{
    struct stor_info info;
    nt_status status = info_of(i, &info);
    if (status)
        return status;
    mem_set32(i->c->mem, i->at, (uint32_t)(info.id ^ info.id >> 32));
    i->used = 4;
    return STATUS_SUCCESS;
}

static nt_status query_network_open(struct info_call *i)
{
    struct stor_info info;
    nt_status status = info_of(i, &info);
    if (status)
        return status;
    krnl_put_network_open(i->c, i->at, &info);
    i->used = KRNL_NETWORK_OPEN_SIZE;
    return STATUS_SUCCESS;
}

static const struct info_class file_queries[] = {
    {4, 0x28, query_basic, true},
    {5, 24, query_standard, true},
    {6, 8, query_internal, false},
    {9, 8, query_name, false},
    {14, 8, query_position, false},
    {16, 4, query_mode, false},
    {17, 4, query_alignment, false},
    {26, 4, query_sector, false},
    {34, KRNL_NETWORK_OPEN_SIZE, query_network_open, false},
};

// ---- Changes

// Times are one constant and attributes follow from the device (storage.h), so that runs repeat: only asking for what
// is so anyway is answered. Zero means no change.
static nt_status set_basic(struct info_call *i)
{
    i->used = 0x28;
    return STATUS_SUCCESS;
}

static nt_status set_rename(struct info_call *i)
{
    struct krnl_path path;
    uint32_t replace, root;
    mem_get32(i->c->mem, i->at, &replace);
    mem_get32(i->c->mem, i->at + 4, &root);
    nt_status status = krnl_path_from(i->c, root, i->at + 8, &path);
    if (status)
        return status;
    i->used = 16;
    return krnl_file_status(i->c, stor_rename(i->file->file, path.root, path.text, path.bytes, replace >> 24));
}

static nt_status set_disposition(struct info_call *i)
{
    uint8_t pending;
    mem_get8(i->c->mem, i->at, &pending);
    return krnl_file_status(i->c, stor_set_delete(i->file->file, pending != 0));
}

static nt_status set_position(struct info_call *i)
{
    uint64_t position;
    mem_get64(i->c->mem, i->at, &position);
    if ((int64_t)position < 0)
        return (nt_status)STATUS_INVALID_PARAMETER;
    i->file->position = position;
    i->used = 8;
    return STATUS_SUCCESS;
}

static nt_status set_mode(struct info_call *i)
{
    mem_get32(i->c->mem, i->at, &i->file->mode);
    i->used = 4;
    return STATUS_SUCCESS;
}

// Only a size below the end changes anything: it cuts the file. Room beyond is the host's business.
static nt_status set_allocation(struct info_call *i)
{
    struct stor_info info;
    uint64_t size;
    nt_status status = info_of(i, &info);
    mem_get64(i->c->mem, i->at, &size);
    i->used = 8;
    if (status || is_reference(i->c) || size >= info.size)
        return status;
    return krnl_file_status(i->c, stor_set_size(i->file->file, size));
}

static nt_status set_end(struct info_call *i)
{
    uint64_t size;
    mem_get64(i->c->mem, i->at, &size);
    i->used = 8;
    return krnl_file_status(i->c, stor_set_size(i->file->file, size));
}

static nt_status set_completion(struct info_call *i)
{
    uint32_t handle = 0, key = 0;
    mem_get32(i->c->mem, i->at, &handle);
    mem_get32(i->c->mem, i->at + 4, &key);
    i->used = 8;
    struct krnl_object *port = krnl_handle_typed(i->c->k, handle, KRNL_IO_COMPLETION, i->c->thread);
    if (!port)
        return (nt_status)STATUS_INVALID_HANDLE;
    if (i->file->port)
        return (nt_status)STATUS_INVALID_PARAMETER;
    krnl_object_retain(port);
    i->file->port = port;
    i->file->port_key = key;
    return STATUS_SUCCESS;
}

static const struct info_class file_changes[] = {
    {4, 0x28, set_basic, false},  {10, 16, set_rename, false},    {13, 1, set_disposition, false},
    {14, 8, set_position, false}, {16, 4, set_mode, false},       {19, 8, set_allocation, false},
    {20, 8, set_end, false},      {30, 8, set_completion, false},
};

// ---- Volumes

static nt_status query_volume(struct info_call *i)
{
    enum { HEAD = 0x11 };
    struct stor_volume v;
    stor_get_volume(i->file->file, &v);
    uint32_t bytes = is_reference(i->c) ? 0 : (uint32_t)strlen(v.label), room = i->length - HEAD,
             copied = bytes < room ? bytes : room;
    mem_set64(i->c->mem, i->at, is_reference(i->c) ? 0 : STOR_TIME);
    mem_set32(i->c->mem, i->at + 8, is_reference(i->c) ? 0 : v.serial);
    mem_set32(i->c->mem, i->at + 12, bytes);
    mem_write(i->c->mem, i->at + HEAD, v.label, copied);
    i->used = HEAD + copied;
    return copied < bytes ? (nt_status)STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static nt_status query_size(struct info_call *i)
{
    struct stor_volume v;
    stor_get_volume(i->file->file, &v);
    mem_set64(i->c->mem, i->at, v.total_units);
    mem_set64(i->c->mem, i->at + 8, v.free_units);
    mem_set32(i->c->mem, i->at + 16, v.sectors_per_unit);
    mem_set32(i->c->mem, i->at + 20, v.bytes_per_sector);
    i->used = 24;
    return STATUS_SUCCESS;
}

static nt_status query_device(struct info_call *i)
{
    enum { DEVICE_DISK = 7, DEVICE_UNKNOWN = 0x22 };
    mem_set32(i->c->mem, i->at, is_reference(i->c) ? DEVICE_UNKNOWN : DEVICE_DISK);
    mem_set32(i->c->mem, i->at + 4, 0);
    i->used = 8;
    return STATUS_SUCCESS;
}

static nt_status query_attributes(struct info_call *i)
{
    enum { HEAD = 12, READ_ONLY_VOLUME = 0x80000, CASE_PRESERVED_NAMES = 2 };
    struct stor_volume v;
    stor_get_volume(i->file->file, &v);
    uint32_t bytes = (uint32_t)strlen(v.system);
    mem_set32(i->c->mem, i->at, CASE_PRESERVED_NAMES | (v.read_only ? READ_ONLY_VOLUME : 0));
    mem_set32(i->c->mem, i->at + 4, v.name_max);
    mem_set32(i->c->mem, i->at + 8, bytes);
    i->used = HEAD;
    if (i->length < HEAD + bytes)
        return (nt_status)STATUS_BUFFER_OVERFLOW;
    mem_write(i->c->mem, i->at + HEAD, v.system, bytes);
    i->used += bytes;
    return STATUS_SUCCESS;
}

static const struct info_class volume_queries[] = {
    {1, 24, query_volume, false},
    {3, 24, query_size, false},
    {4, 8, query_device, false},
    {5, 16, query_attributes, false},
};

static nt_status run_class(struct info_call *i, const struct info_class *classes, size_t count, uint32_t number,
                           uint32_t handle, gva io_status, unsigned access)
{
    struct krnl_call *c = i->c;
    const struct info_class *class = NULL;
    for (size_t n = 0; n < count; n++)
        if (classes[n].number == number && !(classes[n].console_only && is_reference(c)))
            class = &classes[n];
    if (!class)
        return (nt_status)STATUS_INVALID_INFO_CLASS;
    if (i->length < class->minimum)
        return (nt_status)STATUS_INFO_LENGTH_MISMATCH;
    i->file = krnl_file_of(c, handle, NULL);
    if (!i->file)
        return (nt_status)STATUS_INVALID_HANDLE;
    if (!mem_valid(c->mem, i->at, i->length, access) || (io_status && !mem_valid(c->mem, io_status, 8, MEM_WRITE)))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    if (access == MEM_WRITE)
        mem_fill(c->mem, i->at, 0, i->length);
    nt_status status = class->run(i);
    return krnl_io_status(c, io_status, status, i->used);
}

#define COUNT(a) (sizeof(a) / sizeof *(a))

uint32_t NtQueryInformationFile(struct krnl_call *c, uint32_t handle, uint32_t io_status, uint32_t information,
                                uint32_t length, uint32_t number)
{
    struct info_call i = {.c = c, .at = information, .length = length};
    return run_class(&i, file_queries, COUNT(file_queries), number, handle, io_status, MEM_WRITE);
}

uint32_t NtSetInformationFile(struct krnl_call *c, uint32_t handle, uint32_t io_status, uint32_t information,
                              uint32_t length, uint32_t number)
{
    struct info_call i = {.c = c, .at = information, .length = length};
    return run_class(&i, file_changes, COUNT(file_changes), number, handle, io_status, MEM_READ);
}

uint32_t NtQueryVolumeInformationFile(struct krnl_call *c, uint32_t handle, uint32_t io_status, uint32_t information,
                                      uint32_t length, uint32_t number)
{
    struct info_call i = {.c = c, .at = information, .length = length};
    return run_class(&i, volume_queries, COUNT(volume_queries), number, handle, io_status, MEM_WRITE);
}

// ---- Directories: one entry a call.

enum { ENTRY_HEAD = 0x40, ENTRY_MINIMUM = 0x48 };

static void put_entry(struct krnl_call *c, gva at, const struct stor_entry *e, uint32_t index)
{
    uint32_t bytes = (uint32_t)strlen(e->name);
    mem_set32(c->mem, at, 0); // no next entry
    mem_set32(c->mem, at + 4, index);
    put_times(c, at + 8);
    mem_set64(c->mem, at + 0x28, e->size);
    mem_set64(c->mem, at + 0x30, e->allocation_size);
    mem_set32(c->mem, at + 0x38, e->attributes);
    mem_set32(c->mem, at + 0x3C, bytes);
    mem_write(c->mem, at + ENTRY_HEAD, e->name, bytes);
}

static nt_status next_entry(struct krnl_call *c, struct krnl_file *f, const struct krnl_path *pattern, bool restart,
                            gva at, uint32_t length, uint32_t *used)
{
    struct stor_entry entry;
    enum stor_status status = stor_directory_entry(f->file, pattern->text, pattern->bytes, restart, &entry);
    if (status != STOR_OK)
        return krnl_file_status(c, status);
    uint32_t bytes = ENTRY_HEAD + (uint32_t)strlen(entry.name);
    if (bytes > length)
        return (nt_status)STATUS_BUFFER_OVERFLOW;
    if (restart)
        f->listed = 0;
    put_entry(c, at, &entry, ++f->listed);
    stor_directory_advance(f->file);
    *used = is_reference(c) ? length : bytes;
    return STATUS_SUCCESS;
}

uint32_t NtQueryDirectoryFile(struct krnl_call *c, uint32_t handle, uint32_t event, uint32_t apc_routine,
                              uint32_t apc_context, uint32_t io_status, uint32_t information, uint32_t length,
                              uint32_t pattern_ptr, uint32_t restart)
{
    struct krnl_path pattern;
    uint32_t used = 0;
    if (length < ENTRY_MINIMUM)
        return (nt_status)STATUS_INFO_LENGTH_MISMATCH;
    struct krnl_object *event_object = event ? krnl_handle_typed(c->k, event, KRNL_EVENT, c->thread) : NULL;
    if (event && !event_object)
        return (nt_status)STATUS_INVALID_HANDLE;
    if (!mem_valid(c->mem, information, length, MEM_WRITE) ||
        (io_status && !mem_valid(c->mem, io_status, 8, MEM_WRITE)))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    struct krnl_file *f = krnl_file_of(c, handle, NULL);
    nt_status status = f ? krnl_path_from(c, 0, pattern_ptr, &pattern) : (nt_status)STATUS_INVALID_HANDLE;
    if (!status)
        status = next_entry(c, f, &pattern, restart != 0, information, length, &used);
    krnl_io_status(c, io_status, status, used);
    if (f)
        krnl_io_complete(c, event_object, apc_routine, apc_context, io_status);
    return status;
}

// ---- Device controls

// The size of the cache partition, which the utility drive asks for: what the reference says.
enum {
    CACHE_BYTES = 0xFF000,
    CACHE_SECTOR = 512,
    DISK_GET_DRIVE_GEOMETRY = 0x70000,
    DISK_GET_PARTITION_INFO = 0x74004
};

uint32_t NtDeviceIoControlFile(struct krnl_call *c, uint32_t handle, uint32_t event, uint32_t apc_routine,
                               uint32_t apc_context, uint32_t io_status, uint32_t code, uint32_t input,
                               uint32_t input_length, uint32_t output, uint32_t output_length)
{
    (void)event, (void)apc_routine, (void)apc_context, (void)input, (void)input_length;
    const uint32_t needed = code == DISK_GET_DRIVE_GEOMETRY ? 8 : 16;
    if (!krnl_handle_object(c->k, handle, c->thread))
        return (nt_status)STATUS_INVALID_HANDLE;
    if (code != DISK_GET_DRIVE_GEOMETRY && code != DISK_GET_PARTITION_INFO) {
        krnl_partial(c, "device control 0x%x is not known", code);
        return krnl_io_status(c, io_status, (nt_status)STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    if (output_length < needed)
        return (nt_status)STATUS_BUFFER_TOO_SMALL;
    if (!mem_valid(c->mem, output, needed, MEM_WRITE))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    if (code == DISK_GET_DRIVE_GEOMETRY) {
        mem_set32(c->mem, output, CACHE_BYTES / CACHE_SECTOR);
        mem_set32(c->mem, output + 4, CACHE_SECTOR);
    } else {
        mem_set64(c->mem, output, 0);
        mem_set64(c->mem, output + 8, CACHE_BYTES);
    }
    return krnl_io_status(c, io_status, STATUS_SUCCESS, needed);
}
