// Files: NtCreateFile, NtReadFile and NtWriteFile with explicit offsets, one buffer each. Not for two threads at one FILE.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenolith/xboxkrnl.h>

#include "format.h"

int xenolith_print(const char *restrict format, va_list args); // stdio.c

struct xenolith_file {
    HANDLE handle; // 0: the console, or nothing
    uint8_t readable, writable, append, eof, error, dirty, console;
    int pushed;      // ungetc's character, -1: none
    uint64_t at;     // the file's offset of buffer[0]
    uint32_t begin;  // what was read of, or written to, the buffer
    uint32_t filled; // bytes that it holds
    struct xenolith_file *next; // of the open ones
    uint8_t buffer[BUFSIZ];
};

static FILE console = {.writable = 1, .console = 1, .pushed = -1}, nothing = {.readable = 1, .pushed = -1};
FILE *const stdin = &nothing, *const stdout = &console, *const stderr = &console;

static int set_errno(NTSTATUS status)
{
    static const struct {
        NTSTATUS status;
        int number;
    } known[] = {{STATUS_OBJECT_NAME_NOT_FOUND, ENOENT}, {(NTSTATUS)0xC000003A, ENOENT}, {(NTSTATUS)0xC000000F, ENOENT},
                 {STATUS_ACCESS_DENIED, EACCES}, {(NTSTATUS)0xC00000A2, EACCES}, {(NTSTATUS)0xC0000043, EACCES},
                 {STATUS_OBJECT_NAME_COLLISION, EEXIST}, {(NTSTATUS)0xC00000BA, EACCES}, {(NTSTATUS)0xC0000033, EINVAL},
                 {STATUS_INVALID_PARAMETER, EINVAL}, {(NTSTATUS)0xC000007F, ENOSPC}, {STATUS_INVALID_HANDLE, EBADF}};
    errno = EIO;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == status)
            errno = known[i].number;
    return EOF;
}

struct name {
    char text[FILENAME_MAX];
    ANSI_STRING string;
    OBJECT_ATTRIBUTES attributes;
};

static int make_name(struct name *n, const char *path)
{
    int device = strchr(path, ':') != NULL, length;
    length = snprintf(n->text, sizeof n->text, "%s%s", device ? "" : "game:\\", path);
    if (length < 0 || (size_t)length >= sizeof n->text) {
        errno = EINVAL;
        return 0;
    }
    for (char *p = n->text; *p; p++)
        if (*p == '/')
            *p = '\\';
    n->string = (ANSI_STRING){(uint16_t)length, (uint16_t)(length + 1), n->text};
    n->attributes = (OBJECT_ATTRIBUTES){OBJ_DOS_DEVICES, &n->string, OBJ_CASE_INSENSITIVE};
    return 1;
}

static NTSTATUS open_name(struct name *n, HANDLE *handle, uint32_t access, uint32_t disposition)
{
    IO_STATUS_BLOCK status;
    return NtCreateFile(handle, access | FILE_SYNCHRONIZE, &n->attributes, &status, NULL, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ,
                        disposition, FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
}

static FILE *open_files;
static int files_locked;

static void lock(void)
{
    while (__atomic_exchange_n(&files_locked, 1, __ATOMIC_ACQUIRE))
        NtYieldExecution();
}

static void unlock(void)
{
    __atomic_store_n(&files_locked, 0, __ATOMIC_RELEASE);
}

static uint64_t size_of(FILE *f)
{
    FILE_NETWORK_OPEN_INFORMATION info;
    IO_STATUS_BLOCK status;
    memset(&info, 0, sizeof info);
    NtQueryInformationFile(f->handle, &status, &info, sizeof info, FileNetworkOpenInformation);
    return info.EndOfFile;
}

extern void (*xenolith_close_files)(void); // exit.c: at the program's end
static void close_files(void)
{
    while (open_files)
        fclose(open_files);
}

FILE *fopen(const char *restrict path, const char *restrict mode)
{
    struct name n;
    int plus = strchr(mode, '+') != NULL;
    if (!strchr("rwa", *mode) || !*mode) {
        errno = EINVAL;
        return NULL;
    }
    if (!make_name(&n, path))
        return NULL;
    FILE *f = calloc(1, sizeof *f);
    if (!f) {
        errno = ENOMEM;
        return NULL;
    }
    f->readable = *mode == 'r' || plus;
    f->writable = *mode != 'r' || plus;
    f->append = *mode == 'a';
    f->pushed = -1;
    uint32_t access = (f->readable ? FILE_GENERIC_READ : 0) | (f->writable ? FILE_GENERIC_WRITE : 0);
    NTSTATUS status = open_name(&n, &f->handle, access, *mode == 'r' ? FILE_OPEN : *mode == 'w' ? FILE_OVERWRITE_IF : FILE_OPEN_IF);
    if (status < 0) {
        set_errno(status);
        free(f);
        return NULL;
    }
    f->at = f->append ? size_of(f) : 0;
    xenolith_close_files = close_files;
    lock();
    f->next = open_files;
    open_files = f;
    unlock();
    return f;
}

static int fail(FILE *f, NTSTATUS status)
{
    f->error = 1;
    return set_errno(status);
}

// Writes what is dirty, and forgets what was read ahead: afterwards `at` is the position.
static int settle(FILE *f)
{
    IO_STATUS_BLOCK status;
    int result = 0;
    if (f->dirty) {
        for (uint32_t done = 0; done < f->filled;) {
            NTSTATUS s = NtWriteFile(f->handle, 0, NULL, NULL, &status, f->buffer + done, f->filled - done, &f->at);
            if (s < 0 || !status.Information) {
                result = fail(f, s);
                break;
            }
            done += status.Information;
            f->at += status.Information;
        }
    } else
        f->at += f->begin;
    f->dirty = 0;
    f->begin = f->filled = 0;
    return result;
}

int fflush(FILE *f)
{
    if (f)
        return f->handle && f->dirty ? settle(f) : 0;
    int result = 0;
    for (FILE *each = open_files; each; each = each->next)
        result |= fflush(each);
    return result;
}

int fclose(FILE *f)
{
    if (!f->handle)
        return 0;
    int result = settle(f);
    lock();
    for (FILE **at = &open_files; *at; at = &(*at)->next)
        if (*at == f) {
            *at = f->next;
            break;
        }
    unlock();
    NtClose(f->handle);
    free(f);
    return result;
}

// Buffers are the library's own.
int setvbuf(FILE *restrict f, char *restrict buffer, int mode, size_t size)
{
    (void)f, (void)buffer, (void)mode, (void)size;
    return 0;
}

void setbuf(FILE *restrict f, char *restrict buffer)
{
    (void)f, (void)buffer;
}

int getchar(void)
{
    return EOF;
}

static int fill(FILE *f)
{
    IO_STATUS_BLOCK status = {0, 0};
    if (!f->readable) {
        errno = EBADF;
        f->error = 1;
        return 0;
    }
    if (!f->handle) {
        f->eof = 1;
        return 0;
    }
    settle(f);
    NTSTATUS s = NtReadFile(f->handle, 0, NULL, NULL, &status, f->buffer, BUFSIZ, &f->at);
    if (s < 0 && s != STATUS_END_OF_FILE)
        fail(f, s);
    else if (s == STATUS_END_OF_FILE || !status.Information)
        f->eof = 1;
    else
        f->filled = status.Information;
    return f->filled > 0;
}

int fgetc(FILE *f)
{
    if (f->pushed >= 0) {
        int c = f->pushed;
        f->pushed = -1;
        return c;
    }
    if (f->dirty || f->begin == f->filled)
        if (!fill(f))
            return EOF;
    return f->buffer[f->begin++];
}

int getc(FILE *f)
{
    return fgetc(f);
}

int ungetc(int c, FILE *f)
{
    f->pushed = c == EOF ? f->pushed : (unsigned char)c;
    f->eof = 0;
    return c;
}

size_t fread(void *restrict out, size_t size, size_t count, FILE *restrict f)
{
    size_t bytes = size * count, done = 0;
    uint8_t *to = out;
    if (bytes && f->pushed >= 0) {
        to[done++] = (uint8_t)f->pushed;
        f->pushed = -1;
    }
    while (done < bytes) {
        if ((f->dirty || f->begin == f->filled) && !fill(f))
            break;
        size_t part = f->filled - f->begin;
        part = part < bytes - done ? part : bytes - done;
        memcpy(to + done, f->buffer + f->begin, part);
        f->begin += (uint32_t)part;
        done += part;
    }
    return size ? done / size : 0;
}

static void print_bytes(const char *data, size_t size)
{
    for (size_t part; size; data += part, size -= part) {
        part = size < 128 ? size : 128;
        printf("%.*s", (int)part, data);
    }
}

size_t fwrite(const void *restrict data, size_t size, size_t count, FILE *restrict f)
{
    size_t bytes = size * count, done = 0;
    if (f->console) {
        print_bytes(data, bytes);
        return count;
    }
    if (!f->writable) {
        errno = EBADF;
        f->error = 1;
        return 0;
    }
    if (!f->dirty) {
        f->at -= f->pushed >= 0;
        f->pushed = -1;
        settle(f);
        if (f->append)
            f->at = size_of(f);
    }
    while (done < bytes) {
        size_t part = BUFSIZ - f->filled;
        part = part < bytes - done ? part : bytes - done;
        memcpy(f->buffer + f->filled, (const uint8_t *)data + done, part);
        f->filled += (uint32_t)part;
        f->dirty = 1;
        done += part;
        if (f->filled == BUFSIZ && settle(f))
            return size ? (done - part) / size : 0;
    }
    return size ? done / size : 0;
}

long ftell(FILE *f)
{
    return (long)(f->at + (f->dirty ? f->filled : f->begin)) - (f->pushed >= 0);
}

int fseek(FILE *f, long offset, int from)
{
    if (!f->handle) {
        errno = EINVAL;
        return EOF;
    }
    int64_t base = from == SEEK_CUR ? ftell(f) : 0;
    if (settle(f))
        return EOF;
    if (from == SEEK_END)
        base = (int64_t)size_of(f);
    if (base + offset < 0 || from < SEEK_SET || from > SEEK_END) {
        errno = EINVAL;
        return EOF;
    }
    f->at = (uint64_t)(base + offset);
    f->eof = 0;
    f->pushed = -1;
    return 0;
}

void rewind(FILE *f)
{
    fseek(f, 0, SEEK_SET);
    f->error = 0;
}

char *fgets(char *restrict out, int size, FILE *restrict f)
{
    int n = 0;
    while (n + 1 < size) {
        int c = fgetc(f);
        if (c == EOF)
            break;
        out[n++] = (char)c;
        if (c == '\n')
            break;
    }
    out[n] = 0;
    return n ? out : NULL;
}

int fputc(int c, FILE *f)
{
    unsigned char byte = (unsigned char)c;
    return fwrite(&byte, 1, 1, f) == 1 ? byte : EOF;
}

int putc(int c, FILE *f)
{
    return fputc(c, f);
}

int fputs(const char *restrict s, FILE *restrict f)
{
    size_t size = strlen(s);
    return fwrite(s, 1, size, f) == size ? 0 : EOF;
}

static void put_file(void *user, char c)
{
    fputc(c, user);
}

int vfprintf(FILE *restrict f, const char *restrict format, va_list args)
{
    if (f->console)
        return xenolith_print(format, args);
    int n = format_text(put_file, f, format, args);
    return f->error ? EOF : n;
}

int fprintf(FILE *restrict f, const char *restrict format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vfprintf(f, format, args);
    va_end(args);
    return n;
}

int feof(FILE *f)
{
    return f->eof;
}

int ferror(FILE *f)
{
    return f->error;
}

void clearerr(FILE *f)
{
    f->eof = f->error = 0;
}

int remove(const char *path)
{
    struct name n;
    HANDLE handle;
    IO_STATUS_BLOCK status;
    uint8_t yes = 1;
    if (!make_name(&n, path))
        return EOF;
    NTSTATUS s = open_name(&n, &handle, FILE_DELETE, FILE_OPEN);
    if (s < 0)
        return set_errno(s);
    s = NtSetInformationFile(handle, &status, &yes, sizeof yes, FileDispositionInformation);
    NtClose(handle);
    return s < 0 ? set_errno(s) : 0;
}

int rename(const char *from, const char *to)
{
    struct name n, target;
    HANDLE handle;
    IO_STATUS_BLOCK status;
    if (!make_name(&n, from) || !make_name(&target, to))
        return EOF;
    struct {
        uint32_t replace;
        HANDLE root;
        ANSI_STRING name;
    } info = {0, OBJ_DOS_DEVICES, target.string};
    NTSTATUS s = open_name(&n, &handle, FILE_DELETE, FILE_OPEN);
    if (s < 0)
        return set_errno(s);
    s = NtSetInformationFile(handle, &status, &info, sizeof info, FileRenameInformation);
    NtClose(handle);
    return s < 0 ? set_errno(s) : 0;
}

void perror(const char *what)
{
    printf("%s: %s\n", what, strerror(errno));
}
