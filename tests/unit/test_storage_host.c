// The host folder behind a device: case of names, and that nothing leads out of it.
#include "storage_fixture.h"

static void case_does_not_matter(void **state)
{
    struct fixture *x = *state;
    host_folder(x, "Media");
    host_folder(x, "Media/Meshes");
    host_file(x, "Media/Meshes/Dolphin1.xbg", "dolphin");
    assert_string_equal(content(x, "game:\\media\\MESHES\\dolphin1.XBG"), "dolphin");
    assert_string_equal(content(x, "D:\\Media\\Meshes\\Dolphin1.xbg"), "dolphin");
    assert_int_equal(try_open(x, "game:\\media\\meshes\\dolphin2.xbg"), STOR_NOT_FOUND);
    assert_int_equal(try_open(x, "game:\\medias\\meshes\\dolphin1.xbg"), STOR_PATH_NOT_FOUND);
    assert_int_equal(try_open(x, "game:\\media\\meshes\\dolphin1.xbg\\a"), STOR_PATH_NOT_FOUND);
}

static void exact_first_then_sorted(void **state)
{
    struct fixture *x = *state;
    static const char *const names[] = {"aBc", "abC", "Abc", "abc"}; // made in this order
    for (size_t i = 0; i < 4; i++)
        host_file(x, names[i], names[i]);
    for (size_t i = 0; i < 4; i++) {
        char path[16];
        snprintf(path, sizeof path, "game:\\%s", names[i]);
        assert_string_equal(content(x, path), names[i]);
    }
    assert_string_equal(content(x, "game:\\ABC"), "Abc");
    unlink(host_path(x, "Abc"));
    assert_string_equal(content(x, "game:\\ABC"), "aBc");
    unlink(host_path(x, "aBc"));
    assert_string_equal(content(x, "game:\\ABC"), "abC");
}

// Only ASCII letters have a case: the host's locale has no say.
static void other_bytes_are_exact(void **state)
{
    struct fixture *x = *state;
    host_file(x, "\xC3\xA4", "small");
    assert_string_equal(content(x, "game:\\\xC3\xA4"), "small");
    assert_int_equal(try_open(x, "game:\\\xC3\x84"), STOR_NOT_FOUND);
    host_file(x, "a@b[", "at");
    assert_int_equal(try_open(x, "game:\\a`b{"), STOR_NOT_FOUND);
}

static void links_are_refused(void **state)
{
    struct fixture *x = *state;
    char outside[128];
    snprintf(outside, sizeof outside, "%s/secret", x->folder);
    assert_int_equal(mkdir(outside, 0755), 0);
    host_file(x, "../secret/file", "secret");
    assert_int_equal(symlink(outside, host_path(x, "absolute")), 0);
    assert_int_equal(symlink("../secret", host_path(x, "relative")), 0);
    assert_int_equal(symlink("../secret/file", host_path(x, "file")), 0);
    assert_int_equal(symlink("/", host_path(x, "slash")), 0);
    assert_int_equal(symlink("nothing", host_path(x, "dangling")), 0);
    static const char *const paths[] = {"game:\\absolute\\file", "game:\\relative\\file",     "game:\\absolute",
                                        "game:\\file",           "game:\\slash\\etc\\passwd", "game:\\dangling"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_int_equal(try_open(x, paths[i]), STOR_ACCESS_DENIED);
    struct stor_file *f;
    assert_int_equal(open_with(x, "game:\\dangling", STOR_CREATE, true, &f), STOR_ACCESS_DENIED);
    assert_int_equal(open_with(x, "game:\\file", STOR_OVERWRITE_IF, true, &f), STOR_ACCESS_DENIED);
    assert_int_equal(open_with(x, "game:\\relative\\new", STOR_CREATE, true, &f), STOR_ACCESS_DENIED);
    assert_false(host_exists(x, "../secret/new"));
    assert_false(host_exists(x, "nothing"));
    // In other case a link does not exist at all.
    assert_int_equal(try_open(x, "game:\\FILE"), STOR_NOT_FOUND);
}

// The folder is a descriptor, so a link put in the place of the mounted folder changes nothing either.
static void directory_swapped_for_a_link(void **state)
{
    struct fixture *x = *state;
    host_folder(x, "a");
    host_file(x, "a/inside", "inside");
    struct stor_file *root, *f;
    assert_int_equal(open_with(x, "game:\\a", STOR_OPEN, false, &root), STOR_OK);
    char from[512];
    strcpy(from, host_path(x, "a"));
    assert_int_equal(rename(from, host_path(x, "b")), 0);
    assert_int_equal(symlink(x->folder, host_path(x, "a")), 0);
    enum stor_action action;
    struct stor_request r = {.root = root, .path = "mount", .path_bytes = 5, .disposition = STOR_OPEN};
    assert_int_equal(stor_open(x->s, &r, &f, &action), STOR_ACCESS_DENIED);
    stor_close(root);
}

// What is done later by path, at close, does not follow such a link either.
static void deleting_behind_a_swapped_directory(void **state)
{
    struct fixture *x = *state;
    char outside[128], from[512];
    snprintf(outside, sizeof outside, "%s/secret", x->folder);
    assert_int_equal(mkdir(outside, 0755), 0);
    host_file(x, "../secret/file", "secret");
    host_folder(x, "a");
    host_file(x, "a/file", "inside");
    struct stor_file *f;
    assert_int_equal(open_with(x, "game:\\a\\file", STOR_OPEN, false, &f), STOR_OK);
    assert_int_equal(stor_set_delete(f, true), STOR_OK);
    strcpy(from, host_path(x, "a"));
    assert_int_equal(rename(from, host_path(x, "b")), 0);
    assert_int_equal(symlink(outside, host_path(x, "a")), 0);
    stor_close(f);
    assert_true(host_exists(x, "../secret/file"));
}

static void dots_do_not_escape(void **state)
{
    struct fixture *x = *state;
    host_file(x, "../secret", "secret");
    host_folder(x, "a");
    assert_int_equal(try_open(x, "game:\\..\\secret"), STOR_NOT_FOUND);
    assert_int_equal(try_open(x, "game:\\a\\..\\..\\secret"), STOR_NOT_FOUND);
    assert_int_equal(try_open(x, "game:/../../../../../../etc/passwd"), STOR_PATH_NOT_FOUND);
    host_file(x, "secret", "inside");
    assert_string_equal(content(x, "game:\\..\\secret"), "inside");
}

static void special_files_are_refused(void **state)
{
    struct fixture *x = *state;
    assert_int_equal(mkfifo(host_path(x, "pipe"), 0644), 0);
    assert_int_equal(try_open(x, "game:\\pipe"), STOR_ACCESS_DENIED);
    assert_int_equal(try_open(x, "game:\\PIPE"), STOR_NOT_FOUND);
}

static void read_only(void **state)
{
    struct fixture *x = *state;
    struct error err = {0};
    host_file(x, "file", "text");
    host_folder(x, "folder");
    assert_true(stor_mount_host(x->s, "\\Device\\Cdrom0", x->mount, true, &err));
    assert_int_equal(stor_link(x->s, "r:", "\\Device\\Cdrom0"), STOR_OK);
    struct stor_file *f;
    assert_string_equal(content(x, "r:\\FILE"), "text");
    assert_int_equal(open_with(x, "r:\\file", STOR_OPEN, true, &f), STOR_READ_ONLY);
    assert_int_equal(open_with(x, "r:\\file", STOR_OVERWRITE, false, &f), STOR_READ_ONLY);
    assert_int_equal(open_with(x, "r:\\file", STOR_SUPERSEDE, false, &f), STOR_READ_ONLY);
    assert_int_equal(open_with(x, "r:\\file", STOR_CREATE, true, &f), STOR_EXISTS);
    assert_int_equal(open_with(x, "r:\\new", STOR_CREATE, true, &f), STOR_READ_ONLY);
    assert_int_equal(open_with(x, "r:\\new", STOR_OPEN_IF, false, &f), STOR_READ_ONLY);
    assert_false(host_exists(x, "new"));
    assert_int_equal(open_with(x, "r:\\file", STOR_OPEN_IF, false, &f), STOR_OK);
    size_t done;
    assert_int_equal(stor_write(f, 0, "x", 1, &done), STOR_READ_ONLY);
    assert_int_equal(stor_set_size(f, 0), STOR_READ_ONLY);
    assert_int_equal(stor_set_delete(f, true), STOR_READ_ONLY);
    assert_int_equal(stor_rename(f, NULL, "r:\\b", 4, false), STOR_READ_ONLY);
    struct stor_info info;
    assert_int_equal(stor_get_info(f, &info), STOR_OK);
    assert_int_equal(info.attributes, STOR_ATTRIBUTE_READONLY);
    struct stor_volume volume;
    stor_get_volume(f, &volume);
    assert_true(volume.read_only);
    stor_close(f);
    assert_string_equal(content(x, "game:\\file"), "text");
    assert_false(stor_changed(x->s)); // what is refused changes nothing
    assert_int_equal(open_with(x, "game:\\file", STOR_OPEN, true, &f), STOR_OK);
    assert_true(stor_changed(x->s));
    stor_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(case_does_not_matter),
        FIXTURE_TEST(exact_first_then_sorted),
        FIXTURE_TEST(other_bytes_are_exact),
        FIXTURE_TEST(links_are_refused),
        FIXTURE_TEST(directory_swapped_for_a_link),
        FIXTURE_TEST(deleting_behind_a_swapped_directory),
        FIXTURE_TEST(dots_do_not_escape),
        FIXTURE_TEST(special_files_are_refused),
        FIXTURE_TEST(read_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
