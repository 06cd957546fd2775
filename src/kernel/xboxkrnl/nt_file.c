// Nt*File: opening, reading, writing. All work is done before the call returns; a file without a synchronous option
// answers STATUS_PENDING after success, as titles expect that then look at the status block, the event or the APC.
#include <stdlib.h>
#include <string.h>

#include "kernel/api.h"
#include "kernel/xboxkrnl/file.h"
#include "kernel/xboxkrnl/sync.h"

enum { // DesiredAccess
    ACCESS_WRITE_DATA = 0x2,
    ACCESS_APPEND_DATA = 0x4,
    ACCESS_GENERIC_ALL = 0x10000000,
    ACCESS_GENERIC_WRITE = 0x40000000,
};

enum { // CreateOptions
    OPTION_DIRECTORY = 0x1,
    OPTION_SYNCHRONOUS_ALERT = 0x10,
    OPTION_SYNCHRONOUS = 0x20,
    OPTION_NON_DIRECTORY = 0x40,
    OPTION_DELETE_ON_CLOSE = 0x1000,
    OPTION_MODE_BITS = 0x103E,
};

enum { DOS_DEVICES_ROOT = (int)0xFFFFFFFD, SEGMENT_BYTES = 0x1000 };

static bool is_reference(const struct krnl_call *c)
{
    return c->k->config.profile == KRNL_REFERENCE;
}

nt_status krnl_file_status(const struct krnl_call *c, enum stor_status status)
{
    if (is_reference(c) && (status == STOR_NOT_FOUND || status == STOR_PATH_NOT_FOUND || status == STOR_NO_DEVICE))
        return (nt_status)STATUS_NO_SUCH_FILE;
    if (status == STOR_NO_RESOURCES)
        krnl_host_failed(c->k, "out of memory or open files");
    return stor_nt_status(status);
}

nt_status krnl_io_status(struct krnl_call *c, gva block, nt_status status, uint32_t information)
{
    if (block) {
        mem_set32(c->mem, block, status);
        mem_set32(c->mem, block + 4, information);
    }
    return status;
}

struct krnl_file *krnl_file_of(struct krnl_call *c, uint32_t handle, struct krnl_object **object)
{
    struct krnl_object *o = krnl_handle_typed(c->k, handle, KRNL_FILE, c->thread);
    if (object)
        *object = o;
    return o ? o->data : NULL;
}

nt_status krnl_path_from(struct krnl_call *c, uint32_t root, gva ansi_string, struct krnl_path *out)
{
    uint16_t length;
    uint32_t buffer;
    out->root = NULL;
    out->bytes = 0;
    out->text[0] = 0;
    if (root && root != (uint32_t)DOS_DEVICES_ROOT) {
        const struct krnl_file *f = krnl_file_of(c, root, NULL);
        if (!f)
            return (nt_status)STATUS_INVALID_HANDLE;
        out->root = f->file;
    }
    if (!ansi_string)
        return STATUS_SUCCESS; // the root directory itself
    if (!mem_get16(c->mem, ansi_string, &length) || !mem_get32(c->mem, ansi_string + 4, &buffer))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    if (length >= sizeof out->text)
        return (nt_status)STATUS_OBJECT_NAME_INVALID;
    if (length && !mem_read(c->mem, buffer, out->text, length))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    out->text[length] = 0;
    out->bytes = length;
    return STATUS_SUCCESS;
}

nt_status krnl_path_of(struct krnl_call *c, gva attributes, struct krnl_path *out)
{
    uint32_t root, name;
    if (!attributes)
        return (nt_status)STATUS_INVALID_PARAMETER;
    if (!mem_get32(c->mem, attributes, &root) || !mem_get32(c->mem, attributes + 4, &name))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    return krnl_path_from(c, root, name, out);
}

// ---- Opening

static void close_file(struct kernel *k, struct krnl_object *object)
{
    struct krnl_file *f = object->data;
    krnl_emit(k, k->running, TRACE_VFS_CLOSE, 1, (uint64_t[]){f->handle}, NULL);
    stor_close(f->file);
    krnl_object_release(k, f->port);
    free(f);
}

static void hash_file(const struct krnl_object *object, void (*piece)(void *, const void *, size_t), void *user)
{
    const struct krnl_file *f = object->data;
    const uint64_t words[] = {f->position, f->mode, f->listed, f->synchronous, f->append_only, f->port ? f->port->id : 0,
                              f->port_key};
    piece(user, words, sizeof words);
}

static struct krnl_file *new_file(uint32_t access, uint32_t options)
{
    struct krnl_file *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->synchronous = options & (OPTION_SYNCHRONOUS | OPTION_SYNCHRONOUS_ALERT);
    f->append_only =
        access & ACCESS_APPEND_DATA && !(access & (ACCESS_WRITE_DATA | ACCESS_GENERIC_WRITE | ACCESS_GENERIC_ALL));
    f->mode = options & OPTION_MODE_BITS;
    return f;
}

static uint32_t open_handle(struct krnl_call *c, struct krnl_file *f)
{
    struct krnl_object *o = krnl_object_new(c->k, KRNL_FILE, 0, DISPATCH_NOTIFICATION_EVENT);
    if (!o)
        return 0;
    o->data = f;
    o->hash = hash_file;
    f->handle = krnl_handle_open(c->k, o, false, c->thread);
    if (f->handle)
        o->destroy = close_file; // until here the caller owns the file
    uint32_t handle = f->handle;
    krnl_object_release(c->k, o);
    return handle;
}

// The reference lets a title that asks for write access on a read-only device have read access.
static enum stor_status open_in_storage(struct krnl_call *c, struct stor_request *r, struct stor_file **file,
                                        enum stor_action *action)
{
    enum stor_status status = stor_open(c->k->storage, r, file, action);
    if (status == STOR_READ_ONLY && is_reference(c) && r->write &&
        (r->disposition == STOR_OPEN || r->disposition == STOR_OPEN_IF)) {
        r->write = false;
        status = stor_open(c->k->storage, r, file, action);
    }
    return status;
}

static nt_status open_path(struct krnl_call *c, const struct krnl_path *path, uint32_t access, uint32_t disposition,
                           uint32_t options, uint32_t *handle, enum stor_action *action)
{
    struct stor_request request = {
        .root = path->root,
        .path = path->text,
        .path_bytes = path->bytes,
        .disposition = disposition,
        .write = access & (ACCESS_WRITE_DATA | ACCESS_APPEND_DATA | ACCESS_GENERIC_WRITE | ACCESS_GENERIC_ALL),
        .directory = options & OPTION_DIRECTORY,
        .non_directory = options & OPTION_NON_DIRECTORY,
        .delete_on_close = options & OPTION_DELETE_ON_CLOSE,
    };
    struct krnl_file *f = new_file(access, options);
    if (!f)
        return krnl_file_status(c, STOR_NO_RESOURCES);
    enum stor_status status = open_in_storage(c, &request, &f->file, action);
    if (status != STOR_OK) {
        free(f);
        return krnl_file_status(c, status);
    }
    *handle = open_handle(c, f);
    if (*handle)
        return STATUS_SUCCESS;
    stor_close(f->file);
    free(f);
    return (nt_status)STATUS_INSUFFICIENT_RESOURCES;
}

static nt_status create_file(struct krnl_call *c, uint32_t handle_ptr, uint32_t access, uint32_t attributes,
                             uint32_t io_status, uint32_t disposition, uint32_t options)
{
    struct krnl_path path;
    if (!mem_valid(c->mem, handle_ptr, 4, MEM_WRITE) || (io_status && !mem_valid(c->mem, io_status, 8, MEM_WRITE)))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    uint32_t handle = 0xFFFFFFFF;
    enum stor_action action = STOR_DID_NOT_EXIST;
    nt_status status = krnl_path_of(c, attributes, &path);
    if (status == STATUS_SUCCESS) {
        status = open_path(c, &path, access, disposition, options, &handle, &action);
        krnl_emit(c->k, c->thread, TRACE_VFS_OPEN, 2, (uint64_t[]){status ? 0 : handle, status}, path.text);
    }
    mem_set32(c->mem, handle_ptr, status ? 0xFFFFFFFF : handle);
    return krnl_io_status(c, io_status, status, action);
}

uint32_t NtCreateFile(struct krnl_call *c, uint32_t handle_ptr, uint32_t access, uint32_t attributes,
                      uint32_t io_status, uint32_t allocation_size_ptr, uint32_t file_attributes, uint32_t share,
                      uint32_t disposition, uint32_t options)
{
    (void)allocation_size_ptr, (void)file_attributes, (void)share;
    return create_file(c, handle_ptr, access, attributes, io_status, disposition, options);
}

uint32_t NtOpenFile(struct krnl_call *c, uint32_t handle_ptr, uint32_t access, uint32_t attributes, uint32_t io_status,
                    uint32_t options)
{
    return create_file(c, handle_ptr, access, attributes, io_status, STOR_OPEN, options);
}

uint32_t IoCreateFile(struct krnl_call *c, uint32_t handle_ptr, uint32_t access, uint32_t attributes,
                      uint32_t io_status, uint32_t allocation_size_ptr, uint32_t file_attributes, uint32_t share,
                      uint32_t disposition, uint32_t options, uint32_t io_options)
{
    (void)allocation_size_ptr, (void)file_attributes, (void)share, (void)io_options;
    return create_file(c, handle_ptr, access, attributes, io_status, disposition, options);
}

uint32_t NtDeleteFile(struct krnl_call *c, uint32_t attributes)
{
    struct krnl_path path;
    nt_status status = krnl_path_of(c, attributes, &path);
    if (status)
        return status;
    struct stor_request request = {
        .root = path.root, .path = path.text, .path_bytes = path.bytes, .disposition = STOR_OPEN};
    struct stor_file *file;
    enum stor_action action;
    enum stor_status opened = stor_open(c->k->storage, &request, &file, &action);
    if (opened != STOR_OK)
        return krnl_file_status(c, opened);
    enum stor_status marked = stor_set_delete(file, true);
    stor_close(file);
    return krnl_file_status(c, marked);
}

// ---- Transfers

struct transfer {
    uint32_t handle, event, apc_routine, apc_context, io_status, offset_ptr;
    bool write;
    // Filled by begin:
    struct krnl_object *object, *event_object;
    struct krnl_file *file;
    uint64_t offset;
    uint32_t done;
};

static nt_status end_of_file(struct transfer *t)
{
    struct stor_info info;
    if (stor_get_info(t->file->file, &info) != STOR_OK)
        return (nt_status)STATUS_IO_DEVICE_ERROR;
    t->offset = info.size;
    return STATUS_SUCCESS;
}

// Where the transfer starts. No pointer and -2 mean the current position, -1 the end of the file in a write. The
// reference takes -1 for the current position too.
static nt_status start_offset(struct krnl_call *c, struct transfer *t)
{
    const uint64_t to_end = UINT64_MAX, at_position = UINT64_MAX - 1;
    uint64_t given = at_position;
    if (t->offset_ptr && !mem_get64(c->mem, t->offset_ptr, &given))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    if (given == to_end && (is_reference(c) || !t->write))
        given = at_position;
    if (t->write && (given == to_end || t->file->append_only))
        return end_of_file(t);
    if (given != at_position && (int64_t)given < 0)
        return (nt_status)STATUS_INVALID_PARAMETER;
    t->offset = given == at_position ? t->file->position : given;
    return STATUS_SUCCESS;
}

static nt_status begin(struct krnl_call *c, struct transfer *t)
{
    t->file = krnl_file_of(c, t->handle, &t->object);
    t->event_object = t->event ? krnl_handle_typed(c->k, t->event, KRNL_EVENT, c->thread) : NULL;
    if (t->io_status && !mem_valid(c->mem, t->io_status, 8, MEM_WRITE))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    if (!t->file || (t->event && !t->event_object))
        return krnl_io_status(c, t->io_status, (nt_status)STATUS_INVALID_HANDLE, 0);
    nt_status status = start_offset(c, t);
    return status ? krnl_io_status(c, t->io_status, status, 0) : STATUS_SUCCESS;
}

// One piece between the file and guest memory, at t->offset + t->done.
static nt_status piece(struct krnl_call *c, struct transfer *t, gva buffer, uint32_t length)
{
    size_t done = 0;
    void *at = length ? mem_at(c->mem, buffer, length, t->write ? MEM_READ : MEM_WRITE) : NULL;
    if (!length)
        return STATUS_SUCCESS;
    if (!at)
        return (nt_status)STATUS_ACCESS_VIOLATION;
    uint64_t offset = t->offset + t->done;
    enum stor_status status = t->write ? stor_write(t->file->file, offset, at, length, &done)
                                       : stor_read(t->file->file, offset, at, length, &done);
    t->done += (uint32_t)done;
    return krnl_file_status(c, status);
}

void krnl_io_complete(struct krnl_call *c, struct krnl_object *event, uint32_t apc_routine, uint32_t apc_context,
                      gva io_status)
{
    uint32_t routine = apc_routine & ~1u; // the low bit: no completion packet
    if (routine && apc_context)
        krnl_queue_apc(c->k, c->thread,
                       &(struct krnl_apc){.user = true, .normal_routine = routine, .context = apc_context, .arg1 = io_status});
    if (event) {
        struct krnl_target target = krnl_target_of(event);
        krnl_event_set(c, &target);
    }
}

static nt_status finish(struct krnl_call *c, struct transfer *t, nt_status status)
{
    uint64_t fields[] = {t->handle, t->offset, t->done};
    krnl_event(c, t->write ? TRACE_VFS_WRITE : TRACE_VFS_READ, 3, fields);
    if (!status)
        t->file->position = is_reference(c) ? t->file->position + t->done : t->offset + t->done;
    krnl_io_status(c, t->io_status, status, status ? 0 : t->done);
    struct krnl_target file = krnl_target_of(t->object);
    krnl_set_signal_state(c->k, &file, 1);
    krnl_signalled(c->k, &file, c->thread);
    krnl_io_complete(c, t->event_object, t->apc_routine, t->apc_context, t->io_status);
    if (t->file->port && !t->apc_routine) // a routine, or its low bit, keeps the packet back
        krnl_io_completion_post(c, t->file->port, (uint32_t[]){t->file->port_key, t->apc_context, status, status ? 0 : t->done});
    return !status && !t->file->synchronous ? (nt_status)STATUS_PENDING : status;
}

static nt_status transfer(struct krnl_call *c, struct transfer *t, gva buffer, uint32_t length)
{
    nt_status status = begin(c, t);
    return status ? status : finish(c, t, piece(c, t, buffer, length));
}

// Buffers of one page each. The end of the file ends a read without being an error, unless nothing was read.
static nt_status transfer_segments(struct krnl_call *c, struct transfer *t, gva segments, uint32_t length)
{
    nt_status status = begin(c, t);
    if (status)
        return status;
    for (uint32_t left = length, i = 0; left && !status; i++) {
        uint32_t buffer, size = left < SEGMENT_BYTES ? left : SEGMENT_BYTES, before = t->done;
        if (!mem_get32(c->mem, segments + 4 * i, &buffer))
            status = (nt_status)STATUS_ACCESS_VIOLATION;
        else
            status = piece(c, t, buffer, size);
        if (status == (nt_status)STATUS_END_OF_FILE && t->done) {
            status = STATUS_SUCCESS;
            break;
        }
        if (t->done - before < size)
            break;
        left -= size;
    }
    return finish(c, t, status);
}

uint32_t NtReadFile(struct krnl_call *c, uint32_t handle, uint32_t event, uint32_t apc_routine, uint32_t apc_context,
                    uint32_t io_status, uint32_t buffer, uint32_t length, uint32_t offset_ptr)
{
    struct transfer t = {handle, event, apc_routine, apc_context, io_status, offset_ptr, .write = false};
    return transfer(c, &t, buffer, length);
}

uint32_t NtWriteFile(struct krnl_call *c, uint32_t handle, uint32_t event, uint32_t apc_routine, uint32_t apc_context,
                     uint32_t io_status, uint32_t buffer, uint32_t length, uint32_t offset_ptr)
{
    struct transfer t = {handle, event, apc_routine, apc_context, io_status, offset_ptr, .write = true};
    return transfer(c, &t, buffer, length);
}

uint32_t NtReadFileScatter(struct krnl_call *c, uint32_t handle, uint32_t event, uint32_t apc_routine,
                           uint32_t apc_context, uint32_t io_status, uint32_t segments, uint32_t length,
                           uint32_t offset_ptr)
{
    struct transfer t = {handle, event, apc_routine, apc_context, io_status, offset_ptr, .write = false};
    return transfer_segments(c, &t, segments, length);
}

uint32_t NtWriteFileGather(struct krnl_call *c, uint32_t handle, uint32_t event, uint32_t apc_routine,
                           uint32_t apc_context, uint32_t io_status, uint32_t segments, uint32_t length,
                           uint32_t offset_ptr)
{
    struct transfer t = {handle, event, apc_routine, apc_context, io_status, offset_ptr, .write = true};
    return transfer_segments(c, &t, segments, length);
}

uint32_t NtFlushBuffersFile(struct krnl_call *c, uint32_t handle, uint32_t io_status)
{
    struct krnl_file *f = krnl_file_of(c, handle, NULL);
    if (!f)
        return (nt_status)STATUS_INVALID_HANDLE;
    if (io_status && !mem_valid(c->mem, io_status, 8, MEM_WRITE))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    return krnl_io_status(c, io_status, krnl_file_status(c, stor_flush(f->file)), 0);
}
