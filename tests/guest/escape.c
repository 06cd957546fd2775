// escape: tries to reach host files beside its device, for reading and for writing; prints the statuses. The host's folder
// game/ has link-file and link-folder, which lead to the canary beside it.
#include <stdio.h>
#include <string.h>
#include <xenolith/xboxkrnl.h>

enum { OPEN = 1, OPEN_IF = 3, OVERWRITE_IF = 5, SYNCHRONOUS = 0x20 };

static NTSTATUS open(const char *path, HANDLE root, uint32_t access, uint32_t disposition, HANDLE *handle)
{
    ANSI_STRING name = {(uint16_t)strlen(path), (uint16_t)(strlen(path) + 1), (char *)(uintptr_t)path};
    OBJECT_ATTRIBUTES attributes = {root, &name, 0x40};
    IO_STATUS_BLOCK io;
    return NtCreateFile(handle, access | SYNCHRONIZE, &attributes, &io, NULL, 0x80, 3, disposition, SYNCHRONOUS);
}

static void attempt(const char *path, HANDLE root)
{
    HANDLE handle;
    IO_STATUS_BLOCK io;
    uint64_t start = 0;
    char text[64] = "";
    NTSTATUS status = open(path, root, (uint32_t)GENERIC_READ, OPEN, &handle);
    printf("%-60s read %08x", path, (unsigned)status);
    if (NT_SUCCESS(status)) {
        NTSTATUS read = NtReadFile(handle, 0, NULL, NULL, &io, text, sizeof text - 1, &start);
        printf(" %s", NT_SUCCESS(read) ? text : "unreadable");
        NtClose(handle);
    }
    status = open(path, root, (uint32_t)GENERIC_WRITE, OPEN_IF, &handle);
    printf(", write %08x\n", (unsigned)status);
    if (NT_SUCCESS(status)) {
        NtWriteFile(handle, 0, NULL, NULL, &io, "escaped", 7, &start);
        NtClose(handle);
    }
}

int main(void)
{
    static const char *const paths[] = {
        "game:\\inside.txt", "game:\\..\\canary.txt", "game:\\..\\..\\canary.txt", "game:/../canary.txt", "game:\\.\\..\\.\\canary.txt", "game:\\folder\\..\\..\\canary.txt",
        "\\Device\\Harddisk0\\Partition1\\..\\canary.txt", "\\Device\\Harddisk0\\..\\canary.txt", "\\??\\game:\\..\\canary.txt", "d:\\..\\canary.txt", "D:\\..\\CANARY.TXT",
        "game:\\link-file", "game:\\LINK-FILE", "game:\\link-folder\\canary.txt", "game:\\link-folder\\..\\canary.txt", "game:..\\canary.txt", "..\\canary.txt", "canary.txt",
        "/etc/passwd", "game:\\\\etc\\passwd", "\\??\\C:\\canary.txt", "file:///etc/passwd", "game:\\game:\\..\\canary.txt", "\\\\server\\share", "\\Device\\..\\canary.txt",
        "game:\\....\\canary.txt", "game:\\..", "game:\\", "game:\\con", "game:\\inside.txt:stream", "game:\\inside.txt\\..\\..\\canary.txt", "\\Device\\Cdrom0\\..\\canary.txt",
    };
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++)
        attempt(paths[i], 0);
    HANDLE folder;
    if (NT_SUCCESS(open("game:\\folder", 0, (uint32_t)GENERIC_READ, OPEN, &folder))) {
        attempt("..\\..\\canary.txt", folder);
        attempt("..\\link-file", folder);
    }
    return 0;
}
