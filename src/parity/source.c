#include "parity/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { IN_BYTES = 1 << 16, OUT_BYTES = PAR_LINE_MAX + (1 << 18) };

enum packing { PLAIN, GZIP, ZSTD };

struct par_source {
    int fd;
    bool standard_input, ended, broken, skipping;
    enum packing packing;
    uint64_t bytes, read;
    uint8_t *in; // compressed
    size_t in_used, in_at;
    char *out; // text
    size_t out_used, out_at;
    z_stream gzip;
    bool gzip_open, frame_open;
    ZSTD_DCtx *zstd;
};

static bool read_in(struct par_source *s)
{
    if (s->in_at < s->in_used)
        return true;
    ssize_t n;
    do
        n = read(s->fd, s->in, IN_BYTES);
    while (n < 0 && errno == EINTR);
    s->broken = s->broken || n < 0;
    s->in_at = 0;
    s->in_used = n > 0 ? (size_t)n : 0;
    s->read += s->in_used;
    return n > 0;
}

static size_t unpack_plain(struct par_source *s, char *to, size_t room)
{
    size_t n = s->in_used - s->in_at < room ? s->in_used - s->in_at : room;
    memcpy(to, s->in + s->in_at, n);
    s->in_at += n;
    return n;
}

static size_t unpack_gzip(struct par_source *s, char *to, size_t room)
{
    s->gzip.next_in = s->in + s->in_at;
    s->gzip.avail_in = (unsigned)(s->in_used - s->in_at);
    s->gzip.next_out = (Bytef *)to;
    s->gzip.avail_out = (unsigned)room;
    int result = inflate(&s->gzip, Z_NO_FLUSH);
    s->in_at = s->in_used - s->gzip.avail_in;
    s->frame_open = result == Z_OK || result == Z_BUF_ERROR;
    if (result == Z_STREAM_END)
        inflateReset(&s->gzip); // further members may follow
    else if (result != Z_OK && result != Z_BUF_ERROR)
        s->broken = s->ended = true;
    return room - s->gzip.avail_out;
}

static size_t unpack_zstd(struct par_source *s, char *to, size_t room)
{
    ZSTD_outBuffer out = {to, room, 0};
    ZSTD_inBuffer in = {s->in, s->in_used, s->in_at};
    size_t result = ZSTD_decompressStream(s->zstd, &out, &in);
    s->in_at = in.pos;
    if (ZSTD_isError(result))
        s->broken = s->ended = true;
    s->frame_open = result != 0;
    return out.pos;
}

// More text behind what is there. False at the end.
static bool fill(struct par_source *s)
{
    if (s->out_at) {
        memmove(s->out, s->out + s->out_at, s->out_used - s->out_at);
        s->out_used -= s->out_at;
        s->out_at = 0;
    }
    size_t before = s->out_used;
    while (!s->ended && s->out_used == before && s->out_used < OUT_BYTES) {
        if (!read_in(s)) {
            s->ended = true;
            s->broken = s->broken || s->frame_open;
            break;
        }
        char *to = s->out + s->out_used;
        size_t room = OUT_BYTES - s->out_used;
        s->out_used += s->packing == GZIP ? unpack_gzip(s, to, room) : s->packing == ZSTD ? unpack_zstd(s, to, room)
                                                                                          : unpack_plain(s, to, room);
    }
    return s->out_used > before;
}

static bool choose_packing(struct par_source *s)
{
    if (!read_in(s))
        return true;
    // A pipe may give less than a magic at first.
    while (s->in_used < 8) {
        ssize_t n = read(s->fd, s->in + s->in_used, IN_BYTES - s->in_used);
        if (n <= 0)
            break;
        s->in_used += (size_t)n;
        s->read += (size_t)n;
    }
    static const uint8_t zstd_magic[4] = {0x28, 0xB5, 0x2F, 0xFD};
    if (s->in_used >= 2 && s->in[0] == 0x1F && s->in[1] == 0x8B)
        s->packing = GZIP;
    else if (s->in_used >= 4 && !memcmp(s->in, zstd_magic, 4))
        s->packing = ZSTD;
    if (s->packing == GZIP)
        s->gzip_open = inflateInit2(&s->gzip, 15 + 16) == Z_OK;
    if (s->packing == ZSTD)
        s->zstd = ZSTD_createDCtx();
    return s->packing == PLAIN || s->gzip_open || s->zstd;
}

bool par_source_open(struct par_source **out, const char *path, struct error *err)
{
    *out = NULL;
    struct par_source *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(err, ERR_MEMORY, "%s: no memory to read it", path);
    s->standard_input = !strcmp(path, "-");
    s->fd = s->standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    bool ok = s->fd >= 0 && !fstat(s->fd, &status) && !S_ISDIR(status.st_mode);
    if (!ok) {
        error_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path, s->fd < 0 ? strerror(errno) : "not a file");
        par_source_close(s);
        return false;
    }
    s->bytes = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    s->in = malloc(IN_BYTES);
    s->out = malloc(OUT_BYTES + 1);
    if (!s->in || !s->out || !choose_packing(s)) {
        par_source_close(s);
        return error_set(err, ERR_MEMORY, "%s: no memory to read it", path);
    }
    fill(s);
    *out = s;
    return true;
}

void par_source_close(struct par_source *s)
{
    if (!s)
        return;
    if (s->fd >= 0 && !s->standard_input)
        close(s->fd);
    if (s->gzip_open)
        inflateEnd(&s->gzip);
    ZSTD_freeDCtx(s->zstd);
    free(s->in);
    free(s->out);
    free(s);
}

size_t par_source_peek(struct par_source *s, const char **head)
{
    *head = s->out + s->out_at;
    return s->out_used - s->out_at;
}

// Drops the rest of a line that was handed out cut.
static void skip_rest(struct par_source *s)
{
    while (s->skipping) {
        const char *start = s->out + s->out_at;
        const char *end = memchr(start, '\n', s->out_used - s->out_at);
        s->skipping = !end;
        s->out_at = end ? (size_t)(end - s->out) + 1 : s->out_used;
        if (!end && !fill(s))
            s->skipping = false;
    }
}

bool par_source_line(struct par_source *s, struct par_line *out)
{
    skip_rest(s);
    size_t searched = 0;
    for (;;) {
        const char *start = s->out + s->out_at;
        size_t left = s->out_used - s->out_at;
        const char *end = left > searched ? memchr(start + searched, '\n', left - searched) : NULL;
        searched = left;
        if (!end && left <= PAR_LINE_MAX && fill(s))
            continue;
        if (!end && !left)
            return false;
        start = s->out + s->out_at;
        size_t length = end ? (size_t)(end - start) : left;
        *out = (struct par_line){start, length, length > PAR_LINE_MAX, end != NULL};
        s->skipping = !end && left > PAR_LINE_MAX;
        s->out_at += length + (end ? 1 : 0);
        return true;
    }
}

bool par_source_broken(const struct par_source *s)
{
    return s->broken;
}

uint64_t par_source_bytes(const struct par_source *s)
{
    return s->bytes;
}

uint64_t par_source_read(const struct par_source *s)
{
    return s->read;
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

int par_source_spool(struct par_source *s)
{
    FILE *f = tmpfile();
    int fd = f ? fcntl(fileno(f), F_DUPFD_CLOEXEC, 3) : -1;
    bool ok = fd >= 0;
    if (f)
        fclose(f);
    do {
        ok = ok && write_all(fd, s->out + s->out_at, s->out_used - s->out_at);
        s->out_at = s->out_used;
    } while (ok && fill(s));
    if (ok)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}
