// Files: dispositions, reading and writing at offsets, sizes, deleting, renaming, what information says.
#include "storage_fixture.h"

struct disposition_case {
    enum stor_disposition disposition;
    enum stor_status status;
    enum stor_action action;
    const char *left; // content afterwards, NULL: no file
};

static void check_disposition(struct fixture *x, bool exists, const struct disposition_case *c)
{
    if (exists)
        host_file(x, "File", "old");
    struct stor_file *f;
    enum stor_action action;
    struct stor_request r = {.path = "game:\\file", .path_bytes = 10, .disposition = c->disposition};
    assert_int_equal(stor_open(x->s, &r, &f, &action), c->status);
    assert_int_equal(action, c->action);
    assert_int_equal(f != NULL, c->status == STOR_OK);
    stor_close(f);
    if (c->left && c->left[0])
        assert_string_equal(content(x, "game:\\file"), c->left);
    assert_int_equal(host_exists(x, exists ? "File" : "file"), c->left != NULL);
    unlink(host_path(x, exists ? "File" : "file"));
}

static void dispositions(void **state)
{
    static const struct disposition_case existing[] = {
        {STOR_SUPERSEDE, STOR_OK, STOR_SUPERSEDED, ""},  {STOR_OPEN, STOR_OK, STOR_OPENED, "old"},
        {STOR_CREATE, STOR_EXISTS, STOR_EXISTED, "old"}, {STOR_OPEN_IF, STOR_OK, STOR_OPENED, "old"},
        {STOR_OVERWRITE, STOR_OK, STOR_OVERWRITTEN, ""}, {STOR_OVERWRITE_IF, STOR_OK, STOR_OVERWRITTEN, ""},
    };
    static const struct disposition_case absent[] = {
        {STOR_SUPERSEDE, STOR_OK, STOR_CREATED, ""},
        {STOR_OPEN, STOR_NOT_FOUND, STOR_DID_NOT_EXIST, NULL},
        {STOR_CREATE, STOR_OK, STOR_CREATED, ""},
        {STOR_OPEN_IF, STOR_OK, STOR_CREATED, ""},
        {STOR_OVERWRITE, STOR_NOT_FOUND, STOR_DID_NOT_EXIST, NULL},
        {STOR_OVERWRITE_IF, STOR_OK, STOR_CREATED, ""},
    };
    for (size_t i = 0; i < 6; i++) {
        check_disposition(*state, true, &existing[i]);
        check_disposition(*state, false, &absent[i]);
    }
    struct fixture *x = *state;
    struct stor_file *f;
    assert_int_equal(open_with(x, "game:\\file", (enum stor_disposition)6, true, &f), STOR_INVALID);
    assert_int_equal(open_with(x, "game:\\no\\file", STOR_CREATE, true, &f), STOR_PATH_NOT_FOUND);
}

static enum stor_status open_kind(struct fixture *x, const char *path, enum stor_disposition disposition,
                                  bool directory, bool non_directory)
{
    struct stor_file *f;
    enum stor_action action;
    struct stor_request r = {.path = path,
                             .path_bytes = strlen(path),
                             .disposition = disposition,
                             .directory = directory,
                             .non_directory = non_directory};
    enum stor_status status = stor_open(x->s, &r, &f, &action);
    stor_close(f);
    return status;
}

static void files_and_directories(void **state)
{
    struct fixture *x = *state;
    host_file(x, "file", "");
    host_folder(x, "folder");
    assert_int_equal(open_kind(x, "game:\\file", STOR_OPEN, true, false), STOR_NOT_DIRECTORY);
    assert_int_equal(open_kind(x, "game:\\file\\", STOR_OPEN, false, false), STOR_NOT_DIRECTORY);
    assert_int_equal(open_kind(x, "game:\\file", STOR_OPEN, false, true), STOR_OK);
    assert_int_equal(open_kind(x, "game:\\folder", STOR_OPEN, false, true), STOR_IS_DIRECTORY);
    assert_int_equal(open_kind(x, "game:\\folder\\", STOR_OPEN, true, false), STOR_OK);
    assert_int_equal(open_kind(x, "game:\\folder", STOR_OVERWRITE_IF, false, false), STOR_IS_DIRECTORY);
    assert_int_equal(open_kind(x, "game:\\folder", STOR_OVERWRITE_IF, true, false), STOR_INVALID);
    assert_int_equal(open_kind(x, "game:\\folder", STOR_OPEN, true, true), STOR_INVALID);
    assert_int_equal(open_kind(x, "game:\\new\\", STOR_CREATE, false, false), STOR_NOT_FOUND);
    assert_int_equal(open_kind(x, "game:\\new\\", STOR_CREATE, true, false), STOR_OK);
    assert_int_equal(open_kind(x, "game:\\NEW", STOR_CREATE, true, false), STOR_EXISTS);
    assert_int_equal(open_kind(x, "game:\\NEW\\inner", STOR_CREATE, true, false), STOR_OK);
    assert_true(host_exists(x, "new/inner"));
    assert_int_equal(open_kind(x, "game:\\", STOR_OPEN, true, false), STOR_OK);
    assert_int_equal(open_kind(x, "game:\\", STOR_CREATE, true, false), STOR_EXISTS);
    struct stor_file *f;
    size_t done;
    assert_int_equal(open_with(x, "game:\\folder", STOR_OPEN, true, &f), STOR_OK);
    assert_int_equal(stor_read(f, 0, &done, 1, &done), STOR_IS_DIRECTORY);
    assert_int_equal(stor_write(f, 0, "a", 1, &done), STOR_IS_DIRECTORY);
    assert_int_equal(stor_set_size(f, 1), STOR_IS_DIRECTORY);
    assert_int_equal(stor_flush(f), STOR_OK);
    stor_close(f);
}

static void reading_and_writing(void **state)
{
    struct fixture *x = *state;
    struct stor_file *f, *reader;
    char buffer[16];
    size_t done;
    assert_int_equal(open_with(x, "game:\\f", STOR_CREATE, true, &f), STOR_OK);
    assert_int_equal(open_with(x, "game:\\F", STOR_OPEN, false, &reader), STOR_OK);
    assert_int_equal(stor_read(f, 0, buffer, 1, &done), STOR_END_OF_FILE);
    assert_int_equal(done, 0);
    assert_int_equal(stor_read(f, 0, buffer, 0, &done), STOR_OK);
    assert_int_equal(stor_write(f, 2, "hello", 5, &done), STOR_OK);
    assert_int_equal(done, 5);
    assert_int_equal(stor_read(reader, 0, buffer, sizeof buffer, &done), STOR_OK);
    assert_int_equal(done, 7);
    assert_memory_equal(buffer, "\0\0hello", 7);
    assert_int_equal(stor_read(reader, 6, buffer, sizeof buffer, &done), STOR_OK);
    assert_int_equal(done, 1);
    assert_int_equal(stor_read(reader, 7, buffer, sizeof buffer, &done), STOR_END_OF_FILE);
    assert_int_equal(stor_write(reader, 0, "x", 1, &done), STOR_ACCESS_DENIED);
    assert_int_equal(stor_set_size(reader, 0), STOR_ACCESS_DENIED);
    assert_int_equal(stor_set_size(f, 3), STOR_OK);
    assert_int_equal(stor_read(reader, 0, buffer, sizeof buffer, &done), STOR_OK);
    assert_int_equal(done, 3);
    assert_int_equal(stor_set_size(f, 4), STOR_OK);
    assert_int_equal(stor_read(reader, 3, buffer, 1, &done), STOR_OK);
    assert_int_equal(buffer[0], 0);
    assert_int_equal(stor_flush(f), STOR_OK);
    stor_close(reader);
    stor_close(f);
}

static void big_offsets(void **state)
{
    struct fixture *x = *state;
    struct stor_file *f;
    char buffer[4];
    size_t done;
    assert_int_equal(open_with(x, "game:\\f", STOR_CREATE, true, &f), STOR_OK);
    assert_int_equal(stor_write(f, STOR_FILE_MAX - 3, "end", 3, &done), STOR_OK);
    struct stor_info info;
    assert_int_equal(stor_get_info(f, &info), STOR_OK);
    assert_true(info.size == STOR_FILE_MAX);
    assert_true(info.allocation_size == UINT64_C(0x100000000));
    assert_int_equal(stor_read(f, STOR_FILE_MAX - 2, buffer, 4, &done), STOR_OK);
    assert_int_equal(done, 2);
    assert_memory_equal(buffer, "nd", 2);
    assert_int_equal(stor_write(f, STOR_FILE_MAX, "x", 1, &done), STOR_DISK_FULL);
    assert_int_equal(stor_write(f, STOR_FILE_MAX - 1, "xy", 2, &done), STOR_DISK_FULL);
    assert_int_equal(done, 0);
    static const uint64_t offsets[] = {UINT64_MAX, (uint64_t)INT64_MAX + 1, INT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        enum stor_status status = stor_read(f, offsets[i], buffer, 4, &done);
        assert_true(status == STOR_INVALID && done == 0);
        status = stor_write(f, offsets[i], "x", 1, &done);
        assert_true((status == STOR_INVALID || status == STOR_DISK_FULL) && done == 0);
        status = stor_set_size(f, offsets[i]);
        assert_true(status == STOR_INVALID || status == STOR_DISK_FULL);
    }
    assert_int_equal(stor_read(f, UINT64_C(1) << 40, buffer, 4, &done), STOR_END_OF_FILE);
    assert_int_equal(stor_set_size(f, 0), STOR_OK);
    stor_close(f);
}

static void information(void **state)
{
    struct fixture *x = *state;
    host_folder(x, "Folder");
    host_file(x, "Folder/File", "0123456789");
    struct stor_file *f;
    struct stor_info a, b;
    char path[STOR_PATH_MAX];
    assert_int_equal(open_with(x, "game:\\folder\\FILE", STOR_OPEN, false, &f), STOR_OK);
    assert_int_equal(stor_get_info(f, &a), STOR_OK);
    assert_int_equal(stor_query_path(x->s, NULL, "d:\\FOLDER\\file", 14, &b), STOR_OK);
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(a.size, 10);
    assert_int_equal(a.allocation_size, 0x200);
    assert_int_equal(a.attributes, STOR_ATTRIBUTE_NORMAL);
    assert_false(a.directory || a.delete_pending);
    stor_get_path(f, path, NULL);
    assert_string_equal(path, DEVICE "\\Folder\\File");
    stor_close(f);
    assert_int_equal(stor_query_path(x->s, NULL, "d:\\FOLDER\\", 10, &b), STOR_OK);
    assert_true(b.directory && b.attributes == STOR_ATTRIBUTE_DIRECTORY && b.size == 0 && b.id != a.id);
    assert_int_equal(stor_query_path(x->s, NULL, "d:\\FOLDER\\no", 12, &b), STOR_NOT_FOUND);
    assert_int_equal(stor_query_path(x->s, NULL, "d:\\no\\no", 8, &b), STOR_PATH_NOT_FOUND);
    assert_int_equal(stor_query_path(x->s, NULL, "x:\\no", 5, &b), STOR_NO_DEVICE);
    struct stor_volume volume;
    assert_int_equal(open_with(x, "game:", STOR_OPEN, false, &f), STOR_OK);
    stor_get_volume(f, &volume);
    assert_int_equal(volume.total_units, 128 * 1024);
    assert_int_equal(volume.bytes_per_sector, 0x200);
    assert_false(volume.read_only);
    stor_close(f);
}

static void deleting(void **state)
{
    struct fixture *x = *state;
    struct stor_file *f, *other, *none;
    host_file(x, "File", "text");
    assert_int_equal(open_with(x, "game:\\file", STOR_OPEN, false, &f), STOR_OK);
    assert_int_equal(open_with(x, "game:\\FILE", STOR_OPEN, false, &other), STOR_OK);
    assert_int_equal(stor_set_delete(f, true), STOR_OK);
    struct stor_info info;
    assert_int_equal(stor_get_info(other, &info), STOR_OK);
    assert_true(info.delete_pending);
    assert_int_equal(open_with(x, "game:\\file", STOR_OPEN, false, &none), STOR_DELETE_PENDING);
    stor_close(f);
    assert_true(host_exists(x, "File")); // the other handle holds it
    stor_close(other);
    assert_false(host_exists(x, "File"));

    host_file(x, "File", "text");
    assert_int_equal(open_with(x, "game:\\file", STOR_OPEN, false, &f), STOR_OK);
    assert_int_equal(stor_set_delete(f, true), STOR_OK);
    assert_int_equal(stor_set_delete(f, false), STOR_OK);
    stor_close(f);
    assert_true(host_exists(x, "File"));

    enum stor_action action;
    struct stor_request r = {
        .path = "game:\\file", .path_bytes = 10, .disposition = STOR_OPEN, .delete_on_close = true};
    assert_int_equal(stor_open(x->s, &r, &f, &action), STOR_OK);
    stor_close(f);
    assert_false(host_exists(x, "File"));
}

static void deleting_directories(void **state)
{
    struct fixture *x = *state;
    struct stor_file *f;
    host_folder(x, "folder");
    host_file(x, "folder/file", "");
    assert_int_equal(open_with(x, "game:\\folder", STOR_OPEN, false, &f), STOR_OK);
    assert_int_equal(stor_set_delete(f, true), STOR_NOT_EMPTY);
    unlink(host_path(x, "folder/file"));
    assert_int_equal(stor_set_delete(f, true), STOR_OK);
    stor_close(f);
    assert_false(host_exists(x, "folder"));
    assert_int_equal(open_with(x, "game:\\", STOR_OPEN, false, &f), STOR_OK);
    assert_int_equal(stor_set_delete(f, true), STOR_CANNOT_DELETE);
    stor_close(f);
}

static enum stor_status rename_to(struct stor_file *f, const char *path, bool replace)
{
    return stor_rename(f, NULL, path, strlen(path), replace);
}

static void renaming(void **state)
{
    struct fixture *x = *state;
    struct stor_file *f, *other;
    char path[STOR_PATH_MAX];
    host_folder(x, "Folder");
    host_file(x, "a", "a");
    host_file(x, "b", "b");
    assert_int_equal(open_with(x, "game:\\a", STOR_OPEN, true, &f), STOR_OK);
    assert_int_equal(rename_to(f, "game:\\B", false), STOR_EXISTS);
    assert_int_equal(rename_to(f, "game:\\folder", true), STOR_ACCESS_DENIED);
    assert_int_equal(rename_to(f, "game:\\no\\a", true), STOR_PATH_NOT_FOUND);
    assert_int_equal(rename_to(f, "game:\\", true), STOR_ACCESS_DENIED);
    assert_int_equal(rename_to(f, "x:\\a", true), STOR_NO_DEVICE);
    assert_int_equal(rename_to(f, "game:\\a*", true), STOR_INVALID_NAME);
    assert_int_equal(rename_to(f, "game:\\FOLDER\\New", false), STOR_OK);
    stor_get_path(f, path, NULL);
    assert_string_equal(path, DEVICE "\\Folder\\New");
    assert_true(host_exists(x, "Folder/New") && !host_exists(x, "a"));
    assert_int_equal(rename_to(f, "game:\\Folder\\NEW", false), STOR_OK); // only the case
    assert_true(host_exists(x, "Folder/NEW") && !host_exists(x, "Folder/New"));
    assert_int_equal(open_with(x, "game:\\b", STOR_OPEN, false, &other), STOR_OK);
    assert_int_equal(rename_to(f, "game:\\b", true), STOR_ACCESS_DENIED); // it is open
    stor_close(other);
    assert_int_equal(rename_to(f, "game:\\b", true), STOR_OK);
    size_t done;
    assert_int_equal(stor_write(f, 1, "2", 1, &done), STOR_OK); // the handle goes on
    stor_close(f);
    assert_string_equal(content(x, "game:\\b"), "a2");
}

static void renaming_directories(void **state)
{
    struct fixture *x = *state;
    struct stor_file *f, *inner;
    host_folder(x, "Folder");
    host_file(x, "Folder/file", "text");
    assert_int_equal(open_with(x, "game:\\folder", STOR_OPEN, true, &f), STOR_OK);
    assert_int_equal(open_with(x, "game:\\folder\\file", STOR_OPEN, false, &inner), STOR_OK);
    assert_int_equal(rename_to(f, "game:\\other", false), STOR_ACCESS_DENIED); // a file in it is open
    stor_close(inner);
    assert_int_equal(rename_to(f, "game:\\folder\\inside", false), STOR_ACCESS_DENIED);
    assert_int_equal(rename_to(f, "game:\\other", false), STOR_OK);
    stor_close(f);
    assert_string_equal(content(x, "game:\\other\\file"), "text");
}

static void renaming_to_another_device(void **state)
{
    struct fixture *x = *state;
    struct stor_file *f;
    struct error err = {0};
    host_file(x, "a", "a");
    host_folder(x, "device");
    assert_true(stor_mount_host(x->s, "\\Device\\Other", host_path(x, "device"), false, &err));
    assert_int_equal(open_with(x, "game:\\a", STOR_OPEN, true, &f), STOR_OK);
    assert_int_equal(rename_to(f, "\\Device\\Other\\a", false), STOR_NOT_SAME_DEVICE);
    stor_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(dispositions),         FIXTURE_TEST(files_and_directories),
        FIXTURE_TEST(reading_and_writing),  FIXTURE_TEST(big_offsets),
        FIXTURE_TEST(information),          FIXTURE_TEST(deleting),
        FIXTURE_TEST(deleting_directories), FIXTURE_TEST(renaming),
        FIXTURE_TEST(renaming_directories), FIXTURE_TEST(renaming_to_another_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
