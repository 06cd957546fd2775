// A device whose content is a host folder. Every path is walked folder by folder below the folder's own descriptor,
// without following a link, so that no name and no change made meanwhile leads out of it.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "storage/device.h"

struct host_device {
    struct stor_device base; // first: operations get its address
    int folder;
};

struct stor_node {
    int fd;
};

static struct host_device *host(struct stor_device *d)
{
    return (struct host_device *)d;
}

static enum stor_status status_of(int error)
{
    switch (error) {
    case ENOENT:
        return STOR_NOT_FOUND;
    case ENOTDIR:
        return STOR_PATH_NOT_FOUND;
    case EEXIST:
        return STOR_EXISTS;
    case ENOTEMPTY:
        return STOR_NOT_EMPTY;
    case EISDIR:
        return STOR_IS_DIRECTORY;
    case ELOOP: // a symbolic link
    case EACCES:
    case EPERM:
    case EBUSY:
        return STOR_ACCESS_DENIED;
    case EROFS:
        return STOR_READ_ONLY;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return STOR_DISK_FULL;
    case ENAMETOOLONG:
        return STOR_INVALID_NAME;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return STOR_NO_RESOURCES;
    default:
        return STOR_IO_ERROR;
    }
}

enum kind { KIND_FILE, KIND_DIRECTORY, KIND_HIDDEN };

// A regular file or a directory is itself; links, devices, pipes and sockets do not exist for the guest.
static enum kind kind_of(mode_t mode)
{
    return S_ISREG(mode) ? KIND_FILE : S_ISDIR(mode) ? KIND_DIRECTORY : KIND_HIDDEN;
}

// A folder's descriptor for walking on; -1 with errno.
static int enter(int folder, const char *name)
{
    return openat(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

// Opens the folder that holds the last name of `path`; *name points to that name inside `path`.
static enum stor_status open_parent(struct stor_device *d, const char *path, int *folder, const char **name)
{
    char part[STOR_NAME_MAX + 1];
    *folder = enter(host(d)->folder, ".");
    for (const char *slash; *folder >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
        size_t length = (size_t)(slash - path);
        ASSERT(length < sizeof part);
        memcpy(part, path, length);
        part[length] = '\0';
        int next = enter(*folder, part), error = errno;
        close(*folder);
        *folder = next;
        errno = error;
    }
    *name = *path ? path : ".";
    if (*folder >= 0)
        return STOR_OK;
    return errno == ENOENT ? STOR_PATH_NOT_FOUND : status_of(errno);
}

static DIR *open_listing(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory && fd >= 0)
        close(fd);
    return directory;
}

// Finds the first name in byte order that equals `name` but for case, is a file or directory, and puts it in its place.
static enum stor_status find_other_case(int folder, char *name, struct stat *st)
{
    char best[STOR_NAME_MAX + 1] = "";
    DIR *directory = open_listing(folder);
    if (!directory)
        return status_of(errno);
    errno = 0;
    for (const struct dirent *e; (e = readdir(directory)); errno = 0) {
        struct stat candidate;
        if (path_compare_folded(e->d_name, name) != 0 || (best[0] && strcmp(e->d_name, best) >= 0) ||
            fstatat(folder, e->d_name, &candidate, AT_SYMLINK_NOFOLLOW) != 0 ||
            kind_of(candidate.st_mode) == KIND_HIDDEN)
            continue;
        memcpy(best, e->d_name, strlen(e->d_name) + 1);
        *st = candidate;
    }
    enum stor_status status = errno ? status_of(errno) : best[0] ? STOR_OK : STOR_NOT_FOUND;
    closedir(directory);
    if (status != STOR_OK)
        return status;
    memcpy(name, best, strlen(best));
    return STOR_OK;
}

// Rewrites the name to the host's spelling.
static enum stor_status match_name(int folder, char *name, struct stat *st)
{
    if (fstatat(folder, name, st, AT_SYMLINK_NOFOLLOW) == 0)
        return kind_of(st->st_mode) == KIND_HIDDEN ? STOR_ACCESS_DENIED : STOR_OK;
    return errno == ENOENT ? find_other_case(folder, name, st) : status_of(errno);
}

static enum stor_status host_lookup(struct stor_device *d, const char *path, struct device_found *out)
{
    *out = (struct device_found){.directory = true};
    memcpy(out->path, path, strlen(path) + 1);
    enum stor_status status = STOR_OK;
    int folder = enter(host(d)->folder, ".");
    if (folder < 0)
        return status_of(errno);
    for (char *part = out->path; *part && status == STOR_OK;) {
        struct stat st = {0};
        char *slash = strchr(part, '/');
        if (slash)
            *slash = '\0';
        status = match_name(folder, part, &st);
        if (status == STOR_OK) {
            out->directory = S_ISDIR(st.st_mode);
            out->size = out->directory ? 0 : (uint64_t)st.st_size;
        }
        if (slash && status == STOR_OK) {
            int next = enter(folder, part);
            status = next >= 0 ? STOR_OK : errno == ENOTDIR ? STOR_PATH_NOT_FOUND : status_of(errno);
            close(folder);
            folder = next;
        } else if (slash && status == STOR_NOT_FOUND) {
            status = STOR_PATH_NOT_FOUND;
        }
        if (slash)
            *slash = '/';
        part = slash ? slash + 1 : part + strlen(part);
    }
    if (folder >= 0)
        close(folder);
    if (status == STOR_NOT_FOUND)
        out->directory = false;
    return status;
}

// Takes `fd` over; a negative one is errno's failure.
static enum stor_status make_node(int fd, bool directory, struct stor_node **out)
{
    struct stat st;
    *out = NULL;
    if (fd < 0)
        return status_of(errno);
    enum stor_status status = STOR_OK;
    if (fstat(fd, &st) != 0)
        status = status_of(errno);
    else if (kind_of(st.st_mode) != (directory ? KIND_DIRECTORY : KIND_FILE))
        status = STOR_ACCESS_DENIED; // it changed since it was looked up
    else if (!(*out = malloc(sizeof **out)))
        status = STOR_NO_RESOURCES;
    if (status != STOR_OK) {
        close(fd);
        return status;
    }
    (*out)->fd = fd;
    return STOR_OK;
}

// O_NONBLOCK: a pipe put in the file's place must not block.
static enum stor_status host_open(struct stor_device *d, const char *path, bool directory, bool write, bool truncate,
                                  struct stor_node **out)
{
    int folder;
    const char *name;
    enum stor_status status = open_parent(d, path, &folder, &name);
    if (status != STOR_OK)
        return status;
    int flags = directory ? O_RDONLY | O_DIRECTORY : write ? O_RDWR : O_RDONLY;
    int fd = openat(folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), error = errno;
    close(folder);
    errno = error;
    status = make_node(fd, directory, out);
    if (status == STOR_OK && truncate && ftruncate(fd, 0) != 0) {
        status = status_of(errno);
        d->ops->close(*out);
        *out = NULL;
    }
    return status;
}

static enum stor_status host_create(struct stor_device *d, const char *path, bool directory, struct stor_node **out)
{
    int folder, fd;
    const char *name;
    *out = NULL;
    enum stor_status status = open_parent(d, path, &folder, &name);
    if (status != STOR_OK)
        return status;
    if (!directory)
        fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    else if (mkdirat(folder, name, 0755) == 0)
        fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    else
        fd = -1;
    int error = errno;
    close(folder);
    errno = error;
    return make_node(fd, directory, out);
}

static enum stor_status host_remove(struct stor_device *d, const char *path, bool directory)
{
    int folder;
    const char *name;
    enum stor_status status = open_parent(d, path, &folder, &name);
    if (status != STOR_OK)
        return status;
    if (unlinkat(folder, name, directory ? AT_REMOVEDIR : 0) != 0)
        status = status_of(errno);
    close(folder);
    return status;
}

static enum stor_status host_rename(struct stor_device *d, const char *from, const char *to)
{
    int from_folder, to_folder;
    const char *from_name, *to_name;
    enum stor_status status = open_parent(d, from, &from_folder, &from_name);
    if (status != STOR_OK)
        return status;
    status = open_parent(d, to, &to_folder, &to_name);
    if (status == STOR_OK) {
        // EINVAL: a directory into itself.
        if (renameat(from_folder, from_name, to_folder, to_name) != 0)
            status = errno == EINVAL ? STOR_ACCESS_DENIED : status_of(errno);
        close(to_folder);
    }
    close(from_folder);
    return status;
}

static void host_close(struct stor_node *n)
{
    close(n->fd);
    free(n);
}

static enum stor_status host_read(struct stor_node *n, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    for (*done = 0; *done < size;) {
        ssize_t got = pread(n->fd, (char *)buffer + *done, size - *done, (off_t)(offset + *done));
        if (got == 0)
            break;
        if (got > 0)
            *done += (size_t)got;
        else if (errno != EINTR)
            return status_of(errno);
    }
    return STOR_OK;
}

static enum stor_status host_write(struct stor_node *n, uint64_t offset, const void *buffer, size_t size, size_t *done)
{
    for (*done = 0; *done < size;) {
        ssize_t put = pwrite(n->fd, (const char *)buffer + *done, size - *done, (off_t)(offset + *done));
        if (put > 0)
            *done += (size_t)put;
        else if (put == 0)
            return STOR_IO_ERROR;
        else if (errno != EINTR)
            return status_of(errno);
    }
    return STOR_OK;
}

static enum stor_status host_get_size(struct stor_node *n, uint64_t *size)
{
    struct stat st;
    *size = 0;
    if (fstat(n->fd, &st) != 0)
        return status_of(errno);
    *size = (uint64_t)st.st_size;
    return STOR_OK;
}

static enum stor_status host_set_size(struct stor_node *n, uint64_t size)
{
    return ftruncate(n->fd, (off_t)size) == 0 ? STOR_OK : status_of(errno);
}

static enum stor_status host_flush(struct stor_node *n)
{
    return fdatasync(n->fd) == 0 ? STOR_OK : status_of(errno);
}

static enum stor_status host_list(struct stor_node *n, struct device_listing *out)
{
    DIR *directory = open_listing(n->fd);
    if (!directory)
        return status_of(errno);
    enum stor_status status = STOR_OK;
    errno = 0;
    for (const struct dirent *e; status == STOR_OK && (e = readdir(directory)); errno = 0) {
        struct stat st;
        if (!path_valid_name(e->d_name, strlen(e->d_name)) ||
            fstatat(n->fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || kind_of(st.st_mode) == KIND_HIDDEN)
            continue;
        status = listing_add(out, e->d_name, S_ISDIR(st.st_mode), (uint64_t)st.st_size);
    }
    if (status == STOR_OK && errno)
        status = status_of(errno);
    closedir(directory);
    return status;
}

static void host_destroy(struct stor_device *d)
{
    close(host(d)->folder);
    free(d);
}

static const struct device_ops host_ops = {
    .destroy = host_destroy,
    .lookup = host_lookup,
    .open = host_open,
    .create = host_create,
    .remove = host_remove,
    .rename = host_rename,
    .close = host_close,
    .read = host_read,
    .write = host_write,
    .get_size = host_get_size,
    .set_size = host_set_size,
    .flush = host_flush,
    .list = host_list,
};

bool host_device_create(struct stor_device **out, const char *host_path, struct error *err)
{
    int folder = open(host_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_set(err, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO, "%s: %s", host_path,
                         strerror(errno));
    struct host_device *h = calloc(1, sizeof *h);
    if (!h) {
        close(folder);
        return error_set(err, ERR_MEMORY, "%s: out of memory", host_path);
    }
    h->base.ops = &host_ops;
    h->folder = folder;
    *out = &h->base;
    return true;
}
