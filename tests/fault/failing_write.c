// failing_write.so: with LD_PRELOAD, pwrite fails as on a full disk once FAILING_WRITE_BYTES bytes were written.
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((visibility("default"))) ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    static size_t written;
    const char *limit = getenv("FAILING_WRITE_BYTES");
    size_t room = limit ? strtoull(limit, NULL, 10) : 0;
    if (written >= room) {
        errno = ENOSPC;
        return -1;
    }
    if (size > room - written)
        size = room - written;
    written += size;
    return syscall(SYS_pwrite64, fd, data, size, at);
}
