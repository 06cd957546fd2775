// files: the C library's files and the kernel's, in the title's folder: needs `run --writable`. Leaves nothing behind.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenolith/xboxkrnl.h>

static int checks, failed;

static void check(int good, const char *what)
{
    checks++;
    printf("%2d %s: %s\n", checks, what, good ? "yes" : "NO");
    if (!good && !failed)
        failed = checks;
}

static void write_and_read(void)
{
    FILE *f = fopen("game:\\sample-files.txt", "w");
    check(f != NULL, "a new file");
    if (!f)
        return;
    for (int i = 0; i < 1000; i++)
        fprintf(f, "line %d, %llx, %.3f\n", i, (unsigned long long)i << 32, i / 8.0);
    check(!ferror(f) && ftell(f) == 29730, "1000 lines written");
    check(fclose(f) == 0, "closed");
    char line[64];
    int lines = 0, good = 1;
    f = fopen("sample-files.txt", "r");
    while (f && fgets(line, sizeof line, f)) {
        char want[64];
        snprintf(want, sizeof want, "line %d, %llx, %.3f\n", lines, (unsigned long long)lines << 32, lines / 8.0);
        good = good && !strcmp(line, want);
        lines++;
    }
    check(lines == 1000 && good && f && feof(f), "read back line by line");
    check(f && fwrite("x", 1, 1, f) == 0 && errno == EBADF, "not writable where opened for reading");
    if (f)
        fclose(f);
}

static void seek(void)
{
    FILE *f = fopen("sample-files.txt", "r+b");
    char text[8] = "";
    check(f != NULL, "opened for both");
    if (!f)
        return;
    fseek(f, -5, SEEK_END);
    check(fread(text, 1, 7, f) == 5 && !memcmp(text, ".875\n", 5), "the last five bytes");
    fseek(f, 0, SEEK_SET);
    check(fwrite("LINE", 1, 4, f) == 4, "overwritten at the start");
    fseek(f, 0, SEEK_CUR);
    check(fgetc(f) == ' ' && ungetc('#', f) == '#' && fgetc(f) == '#' && fgetc(f) == '0', "read on, one character pushed back");
    rewind(f);
    check(fread(text, 1, 4, f) == 4 && !memcmp(text, "LINE", 4), "what was overwritten");
    fclose(f);
    f = fopen("sample-files.txt", "a");
    check(f && fputs("end\n", f) == 0 && !fclose(f), "appended");
}

static void kernel_calls(void)
{
    ANSI_STRING name;
    IO_STATUS_BLOCK status;
    FILE_NETWORK_OPEN_INFORMATION info;
    OBJECT_ATTRIBUTES attributes = {OBJ_DOS_DEVICES, &name, OBJ_CASE_INSENSITIVE};
    RtlInitAnsiString(&name, "game:\\SAMPLE-files.TXT");
    check(NtQueryFullAttributesFile(&attributes, &info) >= 0 && info.EndOfFile == 29734, "size, by a name in other case");
    HANDLE file;
    NTSTATUS s = NtCreateFile(&file, FILE_GENERIC_READ | FILE_SYNCHRONIZE, &attributes, &status, NULL, 0, FILE_SHARE_READ, FILE_OPEN,
                              FILE_SYNCHRONOUS_IO_NONALERT);
    check(s >= 0, "NtCreateFile");
    uint64_t offset = 29730;
    char text[16] = "";
    s = NtReadFile(file, 0, NULL, NULL, &status, text, sizeof text, &offset);
    check(s >= 0 && status.Information == 4 && !memcmp(text, "end\n", 4), "NtReadFile at an offset");
    offset = 29734;
    check(NtReadFile(file, 0, NULL, NULL, &status, text, 1, &offset) == STATUS_END_OF_FILE, "and at the end");
    check(NtClose(file) == STATUS_SUCCESS, "NtClose");
}

static void names(void)
{
    check(!fopen("game:\\no such file", "r") && errno == ENOENT, "a file that is not there");
    check(rename("sample-files.txt", "sample-files-2.txt") == 0, "renamed");
    FILE *f = fopen("sample-files.txt", "r");
    check(!f, "the old name is gone");
    check(remove("sample-files-2.txt") == 0, "removed");
    check(remove("sample-files-2.txt") == EOF && errno == ENOENT, "only once");
    f = fopen("game:\\..\\sample-files.txt", "w"); // what would lie outside lies inside, or nowhere
    if (f)
        fclose(f);
    check(!f || remove("sample-files.txt") == 0, "no way out of the folder");
}

int main(void)
{
    write_and_read();
    seek();
    kernel_calls();
    names();
    printf("files: %d checks, %s\n", checks, failed ? "failed" : "ok");
    return failed;
}
