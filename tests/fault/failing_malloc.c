// LD_PRELOAD: the n-th allocation of the process fails, n = XENOLITH_FAIL_AT, counted from 1 (with XENOLITH_FAIL_ALL set, all
// from the n-th on). From the n-th write on, n = XENOLITH_FAIL_WRITE, the disk is full. At its end the process writes the number of allocations that it made to the file XENOLITH_FAIL_COUNT.
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_ulong made;
static atomic_ulong written;
static unsigned long fail_at, fail_write;
static int fail_all, count_file = -1;

// The C library's own.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static void __attribute__((constructor)) start(void)
{
    const char *at = getenv("XENOLITH_FAIL_AT"), *path = getenv("XENOLITH_FAIL_COUNT"), *put = getenv("XENOLITH_FAIL_WRITE");
    fail_all = getenv("XENOLITH_FAIL_ALL") != NULL;
    if (path)
        count_file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    atomic_store(&made, 0);
    fail_write = put ? strtoul(put, NULL, 10) : 0;
    fail_at = at ? strtoul(at, NULL, 10) : 0;
}

static void __attribute__((destructor)) finish(void)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%lu\n", atomic_load(&made));
    if (count_file >= 0 && write(count_file, text, (size_t)length) < 0)
        _exit(99);
}

static int refuse(void)
{
    unsigned long n = atomic_fetch_add(&made, 1) + 1;
    if (!fail_at || (fail_all ? n < fail_at : n != fail_at))
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return refuse() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return refuse() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return refuse() ? NULL : __libc_realloc(old, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (refuse())
        return ENOMEM;
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return refuse() ? NULL : __libc_memalign(alignment, size);
}

ssize_t write(int file, const void *data, size_t size)
{
    if (file > 2 && fail_write && atomic_fetch_add(&written, 1) + 1 >= fail_write) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_write, file, data, size);
}
