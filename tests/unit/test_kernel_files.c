// Nt*File on a temporary host folder: opening, transfers, positions, information classes, directories, bad pointers and
// handles.
#include "kernel_fixture.h"

enum { HANDLE = 0, IO = 8, OFFSET = 16, SEGMENTS = 0x40, ATTRIBUTES = 0x100, INFO = 0x400, BUFFER = 0x10000 };
enum { GENERIC_READ = (int)0x80000000, GENERIC_WRITE = 0x40000000, SYNCHRONOUS = 0x20, DOS_DEVICES = (int)0xFFFFFFFD };

static void host_file(const struct fixture *x, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", x->folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
}

static nt_status create(struct fixture *x, const char *name, uint32_t access, uint32_t disposition, uint32_t options)
{
    gva attributes = put_attributes(x, x->data + ATTRIBUTES, (uint32_t)DOS_DEVICES, name);
    return NtCreateFile(&x->c, x->data + HANDLE, access, attributes, x->data + IO, 0, 0, 1, disposition, options);
}

static uint32_t opened(struct fixture *x, const char *name, uint32_t access, uint32_t options)
{
    assert_int_equal(create(x, name, access, STOR_OPEN, options), STATUS_SUCCESS);
    return word_at(x, x->data + HANDLE);
}

static nt_status read_at(struct fixture *x, uint32_t handle, uint32_t length, uint32_t offset_ptr)
{
    return NtReadFile(&x->c, handle, 0, 0, 0, x->data + IO, x->data + BUFFER, length, offset_ptr);
}

static void expect_io(struct fixture *x, uint32_t status, uint32_t information)
{
    assert_int_equal(word_at(x, x->data + IO), status);
    assert_int_equal(word_at(x, x->data + IO + 4), information);
}

static void open_and_read(void **state)
{
    struct fixture *x = *state;
    host_file(x, "Hello.txt", "hello, dolphin");
    uint32_t handle = opened(x, "game:\\HELLO.TXT", (uint32_t)GENERIC_READ, SYNCHRONOUS | 0x40);
    expect_io(x, 0, STOR_OPENED);
    assert_int_equal(read_at(x, handle, 5, 0), STATUS_SUCCESS);
    expect_io(x, 0, 5);
    assert_memory_equal(mem_at(x->mem, x->data + BUFFER, 5, MEM_READ), "hello", 5);
    assert_int_equal(read_at(x, handle, 100, 0), STATUS_SUCCESS); // goes on, up to the end
    expect_io(x, 0, 9);
    assert_memory_equal(mem_at(x->mem, x->data + BUFFER, 9, MEM_READ), ", dolphin", 9);
    assert_int_equal(read_at(x, handle, 1, 0), (uint32_t)STATUS_END_OF_FILE);
    expect_io(x, (uint32_t)STATUS_END_OF_FILE, 0);
    mem_set64(x->mem, x->data + OFFSET, 7);
    assert_int_equal(read_at(x, handle, 3, x->data + OFFSET), STATUS_SUCCESS);
    assert_memory_equal(mem_at(x->mem, x->data + BUFFER, 3, MEM_READ), "dol", 3);
    mem_set64(x->mem, x->data + OFFSET, UINT64_MAX - 1); // at the position
    assert_int_equal(read_at(x, handle, 4, x->data + OFFSET), STATUS_SUCCESS);
    assert_memory_equal(mem_at(x->mem, x->data + BUFFER, 4, MEM_READ), "phin", 4);
    mem_set64(x->mem, x->data + OFFSET, (uint64_t)-5);
    assert_int_equal(read_at(x, handle, 4, x->data + OFFSET), (uint32_t)STATUS_INVALID_PARAMETER);
    assert_int_equal(read_at(x, handle, 0, 0), STATUS_SUCCESS);
    assert_int_equal(NtClose(&x->c, handle), STATUS_SUCCESS);
    assert_int_equal(read_at(x, handle, 1, 0), (uint32_t)STATUS_INVALID_HANDLE);
}

static void handles_are_reused(void **state)
{
    struct fixture *x = *state;
    host_file(x, "a", "a");
    uint32_t first = opened(x, "d:\\a", (uint32_t)GENERIC_READ, SYNCHRONOUS);
    NtClose(&x->c, first);
    assert_int_equal(opened(x, "d:\\a", (uint32_t)GENERIC_READ, SYNCHRONOUS), first);
}

static void missing_files(void **state)
{
    struct fixture *x = *state;
    assert_int_equal(create(x, "game:\\none", (uint32_t)GENERIC_READ, STOR_OPEN, SYNCHRONOUS),
                     (uint32_t)STATUS_OBJECT_NAME_NOT_FOUND);
    expect_io(x, (uint32_t)STATUS_OBJECT_NAME_NOT_FOUND, STOR_DID_NOT_EXIST);
    assert_int_equal(word_at(x, x->data + HANDLE), 0xFFFFFFFF);
    assert_int_equal(create(x, "game:\\none\\a", (uint32_t)GENERIC_READ, STOR_OPEN, SYNCHRONOUS),
                     (uint32_t)STATUS_OBJECT_PATH_NOT_FOUND);
    assert_int_equal(create(x, "game:\\a?b", (uint32_t)GENERIC_READ, STOR_OPEN, SYNCHRONOUS),
                     (uint32_t)STATUS_OBJECT_NAME_INVALID);
}

// The reference has one status for all that is missing.
static void missing_files_reference(void **state)
{
    struct fixture *x = *state;
    gva attributes = put_attributes(x, x->data + ATTRIBUTES, (uint32_t)DOS_DEVICES, "ShaderDumpxe:\\CompareBackEnds");
    uint32_t status = NtQueryFullAttributesFile(&x->c, attributes, x->data + INFO);
    assert_int_equal(status, (uint32_t)STATUS_NO_SUCH_FILE);
    assert_int_equal(RtlNtStatusToDosError(&x->c, status), 2);
    assert_int_equal(create(x, "game:\\none", (uint32_t)GENERIC_READ, STOR_OPEN, SYNCHRONOUS),
                     (uint32_t)STATUS_NO_SUCH_FILE);
}

static void writing(void **state)
{
    struct fixture *x = *state;
    assert_int_equal(create(x, "game:\\new", (uint32_t)GENERIC_READ | GENERIC_WRITE, STOR_CREATE, SYNCHRONOUS),
                     STATUS_SUCCESS);
    expect_io(x, 0, STOR_CREATED);
    uint32_t handle = word_at(x, x->data + HANDLE);
    put_text(x, x->data + BUFFER, "0123456789");
    assert_int_equal(NtWriteFile(&x->c, handle, 0, 0, 0, x->data + IO, x->data + BUFFER, 10, 0), STATUS_SUCCESS);
    expect_io(x, 0, 10);
    mem_set64(x->mem, x->data + OFFSET, UINT64_MAX); // to the end
    assert_int_equal(NtWriteFile(&x->c, handle, 0, 0, 0, x->data + IO, x->data + BUFFER, 2, x->data + OFFSET),
                     STATUS_SUCCESS);
    mem_set64(x->mem, x->data + OFFSET, 1);
    put_text(x, x->data + BUFFER, "X");
    assert_int_equal(NtWriteFile(&x->c, handle, 0, 0, 0, x->data + IO, x->data + BUFFER, 1, x->data + OFFSET),
                     STATUS_SUCCESS);
    mem_set64(x->mem, x->data + OFFSET, 0);
    assert_int_equal(read_at(x, handle, 100, x->data + OFFSET), STATUS_SUCCESS);
    expect_io(x, 0, 12);
    assert_memory_equal(mem_at(x->mem, x->data + BUFFER, 12, MEM_READ), "0X2345678901", 12);
    assert_int_equal(NtFlushBuffersFile(&x->c, handle, x->data + IO), STATUS_SUCCESS);
    assert_int_equal(create(x, "game:\\new", (uint32_t)GENERIC_READ, STOR_CREATE, SYNCHRONOUS),
                     (uint32_t)STATUS_OBJECT_NAME_COLLISION);
    expect_io(x, (uint32_t)STATUS_OBJECT_NAME_COLLISION, STOR_EXISTED);
}

// Done before the call returns, but answered as pending; event and APC tell the end.
static void asynchronous(void **state)
{
    struct fixture *x = *state;
    host_file(x, "a", "abc");
    uint32_t handle = opened(x, "game:\\a", (uint32_t)GENERIC_READ, 0);
    assert_int_equal(NtCreateEvent(&x->c, x->data + INFO, 0, 1, 0), STATUS_SUCCESS);
    uint32_t event = word_at(x, x->data + INFO);
    assert_int_equal(NtReadFile(&x->c, handle, event, 0x82001001, 0x1234, x->data + IO, x->data + BUFFER, 3, 0),
                     (uint32_t)STATUS_PENDING);
    expect_io(x, 0, 3);
    assert_int_equal(NtClearEvent(&x->c, event), STATUS_SUCCESS);
    struct krnl_thread *t = x->c.thread;
    assert_int_equal(t->apc_count, 1);
    assert_int_equal(t->apcs[1]->normal_routine, 0x82001000);
    assert_int_equal(t->apcs[1]->context, 0x1234);
    assert_int_equal(t->apcs[1]->arg1, x->data + IO);
    assert_int_equal(NtReadFile(&x->c, handle, 0xF8001000, 0, 0, x->data + IO, x->data + BUFFER, 3, 0),
                     (uint32_t)STATUS_INVALID_HANDLE);
}

static void scatter(void **state)
{
    struct fixture *x = *state;
    char text[0x1800 + 1];
    memset(text, 'a', 0x1000);
    memset(text + 0x1000, 'b', 0x800);
    text[0x1800] = 0;
    host_file(x, "a", text);
    uint32_t handle = opened(x, "game:\\a", (uint32_t)GENERIC_READ, SYNCHRONOUS);
    mem_set32(x->mem, x->data + SEGMENTS, x->data + BUFFER + 0x4000);
    mem_set32(x->mem, x->data + SEGMENTS + 4, x->data + BUFFER);
    assert_int_equal(NtReadFileScatter(&x->c, handle, 0, 0, 0, x->data + IO, x->data + SEGMENTS, 0x2000, 0),
                     STATUS_SUCCESS);
    expect_io(x, 0, 0x1800);
    assert_memory_equal(mem_at(x->mem, x->data + BUFFER + 0x4000, 2, MEM_READ), "aa", 2);
    assert_memory_equal(mem_at(x->mem, x->data + BUFFER, 2, MEM_READ), "bb", 2);
    assert_int_equal(NtReadFileScatter(&x->c, handle, 0, 0, 0, x->data + IO, x->data + SEGMENTS, 0x2000, 0),
                     (uint32_t)STATUS_END_OF_FILE);
}

static void information(void **state)
{
    struct fixture *x = *state;
    gva info = x->data + INFO, io = x->data + IO;
    host_file(x, "File", "0123456789");
    uint32_t handle = opened(x, "game:\\file", (uint32_t)GENERIC_READ | GENERIC_WRITE, SYNCHRONOUS);
    assert_int_equal(NtQueryInformationFile(&x->c, handle, io, info, 0x38, 0x22), STATUS_SUCCESS);
    expect_io(x, 0, 0x38);
    assert_int_equal(double_word_at(x, info), STOR_TIME);
    assert_int_equal(double_word_at(x, info + 0x28), 10);
    assert_int_equal(NtQueryInformationFile(&x->c, handle, io, info, 0x37, 0x22),
                     (uint32_t)STATUS_INFO_LENGTH_MISMATCH);
    assert_int_equal(NtQueryInformationFile(&x->c, handle, io, info, 24, 5), STATUS_SUCCESS);
    assert_int_equal(double_word_at(x, info + 8), 10);
    assert_int_equal(NtQueryInformationFile(&x->c, handle, io, info, 0x40, 9), STATUS_SUCCESS);
    assert_int_equal(word_at(x, info), 5);
    assert_memory_equal(mem_at(x->mem, info + 4, 5, MEM_READ), "\\File", 5);
    assert_int_equal(NtQueryInformationFile(&x->c, handle, io, info, 8, 9), (uint32_t)STATUS_BUFFER_OVERFLOW);
    expect_io(x, (uint32_t)STATUS_BUFFER_OVERFLOW, 8);
    assert_int_equal(NtQueryInformationFile(&x->c, handle, io, info, 64, 99), (uint32_t)STATUS_INVALID_INFO_CLASS);
    mem_set64(x->mem, info, 4);
    assert_int_equal(NtSetInformationFile(&x->c, handle, io, info, 8, 14), STATUS_SUCCESS);
    assert_int_equal(NtQueryInformationFile(&x->c, handle, io, info, 8, 14), STATUS_SUCCESS);
    assert_int_equal(double_word_at(x, info), 4);
    assert_int_equal(read_at(x, handle, 1, 0), STATUS_SUCCESS);
    assert_memory_equal(mem_at(x->mem, x->data + BUFFER, 1, MEM_READ), "4", 1);
    mem_set64(x->mem, info, 3);
    assert_int_equal(NtSetInformationFile(&x->c, handle, io, info, 8, 20), STATUS_SUCCESS); // cuts it
    assert_int_equal(NtQueryInformationFile(&x->c, handle, io, info, 0x38, 0x22), STATUS_SUCCESS);
    assert_int_equal(double_word_at(x, info + 0x28), 3);
    assert_int_equal(NtQueryVolumeInformationFile(&x->c, handle, io, info, 24, 3), STATUS_SUCCESS);
    assert_int_equal(word_at(x, info + 20), 512);
}

static void rename_and_delete(void **state)
{
    struct fixture *x = *state;
    char path[128];
    host_file(x, "old", "x");
    uint32_t handle = opened(x, "game:\\old", (uint32_t)GENERIC_READ | GENERIC_WRITE, SYNCHRONOUS);
    gva info = x->data + INFO;
    mem_set32(x->mem, info, 0);
    mem_set32(x->mem, info + 4, 0);
    put_ansi(x, info + 8, "game:\\renamed");
    assert_int_equal(NtSetInformationFile(&x->c, handle, x->data + IO, info, 16, 10), STATUS_SUCCESS);
    snprintf(path, sizeof path, "%s/renamed", x->folder);
    assert_int_equal(access(path, F_OK), 0);
    mem_set8(x->mem, info, 1);
    assert_int_equal(NtSetInformationFile(&x->c, handle, x->data + IO, info, 1, 13), STATUS_SUCCESS);
    assert_int_equal(NtClose(&x->c, handle), STATUS_SUCCESS);
    assert_int_equal(access(path, F_OK), -1);
    host_file(x, "other", "x");
    assert_int_equal(NtDeleteFile(&x->c, put_attributes(x, x->data + ATTRIBUTES, 0, "game:\\other")), STATUS_SUCCESS);
    assert_int_equal(NtDeleteFile(&x->c, x->data + ATTRIBUTES), (uint32_t)STATUS_OBJECT_NAME_NOT_FOUND);
}

static nt_status list(struct fixture *x, uint32_t handle, uint32_t length, gva pattern, uint32_t restart)
{
    return NtQueryDirectoryFile(&x->c, handle, 0, 0, 0, x->data + IO, x->data + INFO, length, pattern, restart);
}

static const char *listed(struct fixture *x)
{
    static char name[64];
    uint32_t bytes = word_at(x, x->data + INFO + 0x3C);
    assert_true(bytes < sizeof name);
    assert_true(mem_read(x->mem, x->data + INFO + 0x40, name, bytes));
    name[bytes] = 0;
    return name;
}

static void directories(void **state)
{
    struct fixture *x = *state;
    host_file(x, "b.xbg", "12");
    host_file(x, "A.xbg", "1");
    host_file(x, "a-very-long-name.txt", "");
    uint32_t handle = opened(x, "game:\\", (uint32_t)GENERIC_READ, SYNCHRONOUS | 1);
    gva pattern = put_ansi(x, x->data + BUFFER, "*.xbg");
    assert_int_equal(list(x, handle, 0x100, pattern, 0), STATUS_SUCCESS);
    assert_string_equal(listed(x), "A.xbg");
    expect_io(x, 0, 0x45);
    assert_int_equal(list(x, handle, 0x100, 0, 0), STATUS_SUCCESS);
    assert_string_equal(listed(x), "b.xbg");
    assert_int_equal(double_word_at(x, x->data + INFO + 0x28), 2);
    assert_int_equal(list(x, handle, 0x100, 0, 0), (uint32_t)STATUS_NO_MORE_FILES);
    assert_int_equal(list(x, handle, 0x100, put_ansi(x, x->data + BUFFER, "*.none"), 1), (uint32_t)STATUS_NO_SUCH_FILE);
    assert_int_equal(list(x, handle, 0x47, 0, 1), (uint32_t)STATUS_INFO_LENGTH_MISMATCH);
    assert_int_equal(list(x, handle, 0x48, put_ansi(x, x->data + BUFFER, "*.txt"), 1),
                     (uint32_t)STATUS_BUFFER_OVERFLOW);
    assert_int_equal(list(x, handle, 0x100, 0, 0), STATUS_SUCCESS); // it was not passed over
    assert_string_equal(listed(x), "a-very-long-name.txt");
    // An event, and an APC.
    assert_int_equal(NtCreateEvent(&x->c, x->data + HANDLE, 0, 0, 0), STATUS_SUCCESS);
    uint32_t event = word_at(x, x->data + HANDLE);
    assert_int_equal(
        NtQueryDirectoryFile(&x->c, handle, event, 0x82001000, 5, x->data + IO, x->data + INFO, 0x100, 0, 1),
        STATUS_SUCCESS);
    assert_int_equal(NtQueryEvent(&x->c, event, x->data + INFO), STATUS_SUCCESS);
    assert_int_equal(word_at(x, x->data + INFO + 4), 1);
    assert_int_equal(x->c.thread->apc_count, 1);
    assert_int_equal(NtQueryDirectoryFile(&x->c, handle, 0x1234, 0, 0, x->data + IO, x->data + INFO, 0x100, 0, 1),
                     (uint32_t)STATUS_INVALID_HANDLE);
    // A path from a directory's handle.
    gva attributes = put_attributes(x, x->data + ATTRIBUTES, handle, "b.xbg");
    assert_int_equal(NtOpenFile(&x->c, x->data + HANDLE, (uint32_t)GENERIC_READ, attributes, x->data + IO, SYNCHRONOUS),
                     STATUS_SUCCESS);
}

static void bad_pointers(void **state)
{
    struct fixture *x = *state;
    const uint32_t bad = 4, violation = (uint32_t)STATUS_ACCESS_VIOLATION;
    host_file(x, "a", "abc");
    gva attributes = put_attributes(x, x->data + ATTRIBUTES, 0, "game:\\a"), io = x->data + IO;
    assert_int_equal(NtOpenFile(&x->c, bad, 0, attributes, io, 0), violation);
    assert_int_equal(NtOpenFile(&x->c, x->data, 0, bad, io, 0), violation);
    assert_int_equal(NtOpenFile(&x->c, x->data, 0, 0, io, 0), (uint32_t)STATUS_INVALID_PARAMETER);
    assert_int_equal(NtOpenFile(&x->c, x->data, 0, attributes, bad, 0), violation);
    assert_int_equal(NtQueryFullAttributesFile(&x->c, attributes, bad), violation);
    uint32_t handle = opened(x, "game:\\a", (uint32_t)GENERIC_READ, SYNCHRONOUS);
    assert_int_equal(NtReadFile(&x->c, handle, 0, 0, 0, io, x->data + DATA_BYTES - 2, 3, 0), violation);
    assert_int_equal(NtReadFile(&x->c, handle, 0, 0, 0, io, 0xFFFFFFF0, 0x100, 0), violation);
    assert_int_equal(NtReadFile(&x->c, handle, 0, 0, 0, bad, x->data, 3, 0), violation);
    assert_int_equal(NtReadFile(&x->c, handle, 0, 0, 0, io, x->data, 3, bad), violation);
    assert_int_equal(NtReadFileScatter(&x->c, handle, 0, 0, 0, io, bad, 3, 0), violation);
    assert_int_equal(NtQueryInformationFile(&x->c, handle, io, bad, 0x38, 0x22), violation);
    assert_int_equal(NtQueryInformationFile(&x->c, handle, io, x->data, 0xFFFFFFFF, 0x22), violation);
    assert_int_equal(NtWriteFile(&x->c, handle, 0, 0, 0, io, x->data, 3, 0), (uint32_t)STATUS_ACCESS_DENIED);
    mem_set16(x->mem, x->data + ATTRIBUTES + 16, 5000); // a name longer than any path
    assert_int_equal(NtOpenFile(&x->c, x->data, 0, attributes, io, 0), (uint32_t)STATUS_OBJECT_NAME_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(open_and_read),
        TEST(handles_are_reused),
        TEST(missing_files),
        TEST(writing),
        TEST(asynchronous),
        TEST(scatter),
        TEST(information),
        TEST(rename_and_delete),
        TEST(directories),
        TEST(bad_pointers),
        cmocka_unit_test_setup_teardown(missing_files_reference, fixture_setup_reference, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
