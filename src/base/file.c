#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(struct error *err, const char *path)
{
    enum error_code code = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    return error_set(err, code, "%s: %s", path, strerror(errno));
}

bool file_map(const char *path, struct file_view *out, struct error *err)
{
    *out = (struct file_view){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(err, path);
    struct stat st;
    if (fstat(fd, &st) != 0) {
        fail(err, path);
        close(fd);
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return error_set(err, ERR_IO, "%s: not a regular file", path);
    }
    out->size = (size_t)st.st_size;
    if (out->size) {
        void *p = mmap(NULL, out->size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) {
            fail(err, path);
            close(fd);
            *out = (struct file_view){0};
            return false;
        }
        out->data = p;
    }
    close(fd);
    return true;
}

void file_unmap(struct file_view *view)
{
    if (view && view->data)
        munmap((void *)(uintptr_t)view->data, view->size);
    if (view)
        *view = (struct file_view){0};
}

bool file_read(const char *path, uint8_t **out, size_t *size, struct error *err)
{
    *out = NULL;
    *size = 0;
    FILE *f = fopen(path, "rbe");
    if (!f)
        return fail(err, path);
    size_t capacity = 65536, used = 0;
    uint8_t *data = malloc(capacity + 1);
    while (data) {
        used += fread(data + used, 1, capacity - used, f);
        if (used < capacity)
            break;
        capacity *= 2;
        uint8_t *grown = realloc(data, capacity + 1);
        if (!grown)
            free(data);
        data = grown;
    }
    if (!data) {
        fclose(f);
        return error_set(err, ERR_MEMORY, "%s: too large to read into memory", path);
    }
    if (ferror(f)) {
        fail(err, path);
        free(data);
        fclose(f);
        return false;
    }
    fclose(f);
    data[used] = 0;
    *out = data;
    *size = used;
    return true;
}

bool file_write(const char *path, const void *data, size_t size, struct error *err)
{
    char temporary[4096];
    int n = snprintf(temporary, sizeof temporary, "%s.tmp%ld", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof temporary)
        return error_set(err, ERR_ARGUMENT, "%s: path too long", path);
    FILE *f = fopen(temporary, "wbe");
    if (!f)
        return fail(err, path);
    bool ok = fwrite(data, 1, size, f) == size;
    ok = fclose(f) == 0 && ok;
    if (!ok || rename(temporary, path) != 0) {
        fail(err, path);
        unlink(temporary);
        return false;
    }
    return true;
}
