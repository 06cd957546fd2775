// Names: links, devices, separators, case, dots, and what is refused.
#include "storage_fixture.h"

#define CHECK_RESOLVE(x, path, expected) check_resolve(x, path, sizeof(path) - 1, expected)

static void check_resolve(struct fixture *x, const char *path, size_t bytes, const char *expected)
{
    char out[STOR_PATH_MAX];
    enum stor_status status = stor_resolve(x->s, NULL, path, bytes, out);
    if (status != STOR_OK)
        fail_msg("%s: %s", path, stor_status_text(status));
    assert_string_equal(out, expected);
}

#define CHECK_REFUSED(x, path, expected) check_refused(x, path, sizeof(path) - 1, expected)

static void check_refused(struct fixture *x, const char *path, size_t bytes, enum stor_status expected)
{
    char out[STOR_PATH_MAX];
    enum stor_status status = stor_resolve(x->s, NULL, path, bytes, out);
    if (status != expected)
        fail_msg("%s: %s, not %s", path, stor_status_text(status), stor_status_text(expected));
    assert_string_equal(out, "");
}

static void ways_to_say_it(void **state)
{
    struct fixture *x = *state;
    CHECK_RESOLVE(x, "game:\\Media\\a.xbg", DEVICE "\\Media\\a.xbg");
    CHECK_RESOLVE(x, "GAME:/Media//a.xbg", DEVICE "\\Media\\a.xbg");
    CHECK_RESOLVE(x, "\\??\\game:\\Media\\a.xbg", DEVICE "\\Media\\a.xbg");
    CHECK_RESOLVE(x, "d:\\a", DEVICE "\\a");
    CHECK_RESOLVE(x, "\\D:\\a", DEVICE "\\a");
    CHECK_RESOLVE(x, "\\device\\HARDDISK0\\partition1\\a", DEVICE "\\a");
    CHECK_RESOLVE(x, "game:", DEVICE);
    CHECK_RESOLVE(x, "game:\\", DEVICE);
    CHECK_RESOLVE(x, "game:\\a\\", DEVICE "\\a");
    CHECK_RESOLVE(x, "game:\\a b\\\xE4.x", DEVICE "\\a b\\\xE4.x");
}

static void dots_stay_inside(void **state)
{
    struct fixture *x = *state;
    CHECK_RESOLVE(x, "game:\\a\\..\\b\\.\\c", DEVICE "\\b\\c");
    CHECK_RESOLVE(x, "game:\\..\\..\\..\\etc\\passwd", DEVICE "\\etc\\passwd");
    CHECK_RESOLVE(x, "\\Device\\Harddisk0\\Partition1\\..\\Partition2\\a", DEVICE "\\Partition2\\a");
    CHECK_RESOLVE(x, "game:\\a\\b\\..\\..\\..", DEVICE);
    CHECK_RESOLVE(x, "game:\\...\\..a", DEVICE "\\...\\..a");
    CHECK_REFUSED(x, "..\\game:\\a", STOR_INVALID_NAME);
    CHECK_REFUSED(x, "\\Device\\.\\Harddisk0\\Partition1\\a", STOR_NO_DEVICE);
}

static void refused(void **state)
{
    struct fixture *x = *state;
    CHECK_REFUSED(x, "", STOR_NO_DEVICE);
    CHECK_REFUSED(x, "\\", STOR_NO_DEVICE);
    CHECK_REFUSED(x, "\\??\\", STOR_NO_DEVICE);
    CHECK_REFUSED(x, "a.xbg", STOR_NO_DEVICE);
    CHECK_REFUSED(x, "\\Device\\Harddisk0\\Partition2\\a", STOR_NO_DEVICE);
    CHECK_REFUSED(x, "\\Device\\Harddisk0", STOR_NO_DEVICE);
    CHECK_REFUSED(x, "\\Device\\Harddisk0\\Partition10\\a", STOR_NO_DEVICE);
    CHECK_REFUSED(x, "/etc/passwd", STOR_NO_DEVICE);
    CHECK_REFUSED(x, "ShaderDumpxe:\\CompareBackEnds", STOR_NO_DEVICE);
    CHECK_REFUSED(x, "game:\\a\0b", STOR_INVALID_NAME);
    CHECK_REFUSED(x, "game:\\a:b", STOR_INVALID_NAME);
    CHECK_REFUSED(x, "game:a", STOR_INVALID_NAME);
    CHECK_REFUSED(x, "game::\\a", STOR_INVALID_NAME);
    CHECK_REFUSED(x, ":\\a", STOR_INVALID_NAME);
    CHECK_REFUSED(x, "game:\\d:\\a", STOR_INVALID_NAME);
    CHECK_REFUSED(x, "game:\\a\nb", STOR_INVALID_NAME);
    CHECK_REFUSED(x, "game:\\*", STOR_INVALID_NAME);
    CHECK_REFUSED(x, "game:\\a?", STOR_INVALID_NAME);
    CHECK_REFUSED(x, "game:\\a|b", STOR_INVALID_NAME);
    CHECK_REFUSED(x, "game:\\\"a\"", STOR_INVALID_NAME);
}

static void limits(void **state)
{
    struct fixture *x = *state;
    char path[2 * STOR_PATH_MAX];
    memset(path, 'a', sizeof path);
    memcpy(path, "game:\\", 6);
    check_refused(x, path, sizeof path, STOR_INVALID_NAME);
    check_refused(x, path, 6 + STOR_NAME_MAX + 1, STOR_INVALID_NAME);
    char out[STOR_PATH_MAX];
    assert_int_equal(stor_resolve(x->s, NULL, path, 6 + STOR_NAME_MAX, out), STOR_OK);
    for (size_t i = 7; i < sizeof path; i += 2)
        path[i] = '\\';
    check_refused(x, path, 6 + 2 * STOR_DEPTH_MAX, STOR_INVALID_NAME);
    assert_int_equal(stor_resolve(x->s, NULL, path, 6 + 2 * STOR_DEPTH_MAX - 10, out), STOR_OK);
    // Every length up to the limit is answered, and the answer fits.
    for (size_t i = 6; i < sizeof path; i++)
        path[i] = i % 200 == 0 ? '\\' : 'a';
    for (size_t bytes = 6; bytes < STOR_PATH_MAX; bytes++) {
        enum stor_status status = stor_resolve(x->s, NULL, path, bytes, out);
        assert_true(status == STOR_OK ? strlen(out) == bytes - 5 + strlen(DEVICE) - (path[bytes - 1] == '\\')
                                      : status == STOR_INVALID_NAME);
    }
}

static void links(void **state)
{
    struct fixture *x = *state;
    assert_string_equal(stor_link_target(x->s, "\\??\\GAME:"), DEVICE);
    assert_null(stor_link_target(x->s, "cache:"));
    assert_int_equal(stor_link(x->s, "Game:", "\\Device\\Other"), STOR_EXISTS);
    assert_int_equal(stor_link(x->s, "\\??\\cache:", "game:\\Cache\\0"), STOR_OK);
    CHECK_RESOLVE(x, "cache:\\x", DEVICE "\\Cache\\0\\x");
    CHECK_RESOLVE(x, "cache:\\..\\x", DEVICE "\\Cache\\x");
    assert_int_equal(stor_link(x->s, "\\SystemRoot", DEVICE), STOR_OK);
    CHECK_RESOLVE(x, "\\SystemRoot\\x", DEVICE "\\x");
    assert_int_equal(stor_link(x->s, "\\Device\\Cdrom0", "\\Device\\Harddisk0\\Partition1\\disc"), STOR_OK);
    CHECK_RESOLVE(x, "\\Device\\CdRom0\\x", DEVICE "\\disc\\x");
    assert_int_equal(stor_unlink(x->s, "CACHE:"), STOR_OK);
    assert_int_equal(stor_unlink(x->s, "cache:"), STOR_NOT_FOUND);
    CHECK_REFUSED(x, "cache:\\x", STOR_NO_DEVICE);
    assert_int_equal(stor_link(x->s, "u:", "\\Device\\Nothing"), STOR_OK);
    CHECK_REFUSED(x, "u:\\x", STOR_NO_DEVICE);
    static const char *const bad[] = {"", "\\", "\\??\\", "a\\..", "a:b", "a::", "a*", "."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(stor_link(x->s, bad[i], DEVICE), STOR_INVALID_NAME);
    assert_int_equal(stor_link(x->s, "v:", ""), STOR_INVALID_NAME);
}

static void link_loops_end(void **state)
{
    struct fixture *x = *state;
    assert_int_equal(stor_link(x->s, "a:", "b:"), STOR_OK);
    assert_int_equal(stor_link(x->s, "b:", "a:\\more"), STOR_OK);
    CHECK_REFUSED(x, "a:\\x", STOR_NO_DEVICE);
}

static void mounts(void **state)
{
    struct fixture *x = *state;
    struct error err = {0};
    assert_false(stor_mount_host(x->s, "\\device\\harddisk0\\partition1", x->mount, false, &err));
    assert_int_equal(err.code, ERR_STATE);
    static const char *const bad[] = {"",           "game:",        "Device\\A",       "\\Device\\A\\", "\\Device\\\\A",
                                      "\\Device/A", "\\Device\\..", "\\??\\Device\\A", "\\Device\\A*"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(stor_mount_host(x->s, bad[i], x->mount, false, &err));
        assert_int_equal(err.code, ERR_ARGUMENT);
    }
    assert_false(stor_mount_host(x->s, "\\Device\\A", host_path(x, "absent"), false, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    host_file(x, "file", "");
    assert_false(stor_mount_host(x->s, "\\Device\\A", host_path(x, "file"), false, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    // A device below another's name wins.
    host_folder(x, "inner");
    assert_true(stor_mount_host(x->s, DEVICE "\\Inner", host_path(x, "inner"), true, &err));
    CHECK_RESOLVE(x, "game:\\inner\\a", DEVICE "\\Inner\\a");
    CHECK_RESOLVE(x, "game:\\inner\\..\\a", DEVICE "\\Inner\\a");
}

static void relative_to_a_directory(void **state)
{
    struct fixture *x = *state;
    host_folder(x, "Media");
    host_file(x, "Media/a.xbg", "hello");
    struct stor_file *root, *f;
    enum stor_action action;
    assert_int_equal(open_with(x, "game:\\media", STOR_OPEN, false, &root), STOR_OK);
    struct stor_request r = {.root = root, .path = "A.XBG", .path_bytes = 5, .disposition = STOR_OPEN};
    assert_int_equal(stor_open(x->s, &r, &f, &action), STOR_OK);
    char path[STOR_PATH_MAX];
    size_t offset;
    stor_get_path(f, path, &offset);
    assert_string_equal(path, DEVICE "\\Media\\a.xbg");
    assert_string_equal(path + offset, "\\Media\\a.xbg");
    r.root = f;
    struct stor_file *none;
    assert_int_equal(stor_open(x->s, &r, &none, &action), STOR_NOT_DIRECTORY);
    r = (struct stor_request){.root = root, .path = "\\a.xbg", .path_bytes = 6, .disposition = STOR_OPEN};
    assert_int_equal(stor_open(x->s, &r, &none, &action), STOR_INVALID_NAME);
    r = (struct stor_request){.root = root, .path = "game:\\a", .path_bytes = 7, .disposition = STOR_OPEN};
    assert_int_equal(stor_open(x->s, &r, &none, &action), STOR_INVALID_NAME);
    r = (struct stor_request){.root = root, .path = NULL, .path_bytes = 0, .disposition = STOR_OPEN};
    assert_int_equal(stor_open(x->s, &r, &none, &action), STOR_OK); // the directory once more
    stor_get_path(none, path, NULL);
    assert_string_equal(path, DEVICE "\\Media");
    stor_close(none);
    stor_close(f);
    stor_close(root);
}

// A relative path may fit where the absolute one that it means does not.
static void relative_and_too_long(void **state)
{
    struct fixture *x = *state;
    char path[STOR_PATH_MAX] = "game:";
    struct stor_file *root;
    enum stor_action action;
    for (int depth = 0; depth < 3; depth++) {
        size_t length = strlen(path);
        path[length] = '\\';
        memset(path + length + 1, 'a', 250);
        struct stor_request r = {
            .path = path, .path_bytes = length + 251, .disposition = STOR_CREATE, .directory = true};
        assert_int_equal(stor_open(x->s, &r, &root, &action), STOR_OK);
        if (depth < 2)
            stor_close(root);
    }
    char out[STOR_PATH_MAX], name[STOR_NAME_MAX];
    memset(name, 'b', sizeof name);
    assert_int_equal(stor_resolve(x->s, root, name, 240, out), STOR_OK);
    assert_int_equal(strlen(out), strlen(DEVICE) + 3 * 251 + 241);
    assert_int_equal(stor_resolve(x->s, root, name, 255, out), STOR_INVALID_NAME);
    stor_close(root);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 16;
}

// Whatever a path is made of: refused, or a place on the device without a name that could lead elsewhere.
static void anything(void **state)
{
    struct fixture *x = *state;
    static const char *const pieces[] = {"game:",  "\\",        "/",          ".",    "..", "a",  "A ",   ":",   "??",
                                         "Device", "Harddisk0", "Partition1", "\xFF", "*",  "\n", "d:\\", DEVICE};
    uint32_t seed = 1;
    unsigned resolved = 0;
    for (int i = 0; i < 200000; i++) {
        char path[512] = "", out[STOR_PATH_MAX];
        uint32_t first = seed;
        if (next_random(&seed) % 2)
            strcpy(path, "game:\\");
        for (unsigned n = next_random(&seed) % 12; n > 0; n--)
            strcat(path, pieces[next_random(&seed) % (sizeof pieces / sizeof *pieces)]);
        if (stor_resolve(x->s, NULL, path, strlen(path), out) != STOR_OK)
            continue;
        resolved++;
        const char *rest = out + strlen(DEVICE);
        if (strncmp(out, DEVICE, strlen(DEVICE)) != 0 || (*rest && *rest != '\\') || strpbrk(rest, ":*/?\n") ||
            strstr(rest, "\\..\\") || strstr(rest, "\\.\\") || strstr(rest, "\\\\"))
            fail_msg("seed %u: \"%s\" is \"%s\"", first, path, out);
    }
    assert_true(resolved > 20000);
}

static void statuses(void **state)
{
    (void)state;
    assert_int_equal(stor_nt_status(STOR_OK), 0);
    assert_int_equal(stor_nt_status(STOR_NOT_FOUND), 0xC0000034);
    assert_int_equal(stor_nt_status(STOR_NO_MORE_FILES), 0x80000006);
    for (int i = 1; i < STOR_STATUS_COUNT; i++) {
        assert_true(stor_nt_status((enum stor_status)i) >= 0x80000000);
        assert_true(stor_status_text((enum stor_status)i)[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(ways_to_say_it),
        FIXTURE_TEST(dots_stay_inside),
        FIXTURE_TEST(refused),
        FIXTURE_TEST(limits),
        FIXTURE_TEST(links),
        FIXTURE_TEST(link_loops_end),
        FIXTURE_TEST(mounts),
        FIXTURE_TEST(relative_to_a_directory),
        FIXTURE_TEST(relative_and_too_long),
        FIXTURE_TEST(anything),
        cmocka_unit_test(statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
