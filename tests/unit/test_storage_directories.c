// Reading directories: what is listed, in which order, and patterns.
#include "storage_fixture.h"

// All names of a directory under a pattern, joined by ' '; "status: ..." when there is none.
static const char *names(struct fixture *x, const char *path, const char *pattern)
{
    static char text[1024];
    struct stor_file *f;
    struct stor_entry e;
    assert_int_equal(open_with(x, path, STOR_OPEN, false, &f), STOR_OK);
    text[0] = '\0';
    enum stor_status status = stor_directory_entry(f, pattern, strlen(pattern), false, &e);
    if (status != STOR_OK)
        snprintf(text, sizeof text, "status: %s", stor_status_text(status));
    for (; status == STOR_OK; status = stor_directory_entry(f, NULL, 0, false, &e)) {
        if (text[0])
            strcat(text, " ");
        strcat(text, e.name);
        stor_directory_advance(f);
    }
    stor_close(f);
    return text;
}

static void order(void **state)
{
    struct fixture *x = *state;
    static const char *const made[] = {"zeta", "b", "A", "_", "B", "a1", "Zeta", "a", "0", "a.b", "\xC3\xA4"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        host_file(x, made[i], "");
    assert_string_equal(names(x, "game:\\", ""), "0 A a a.b a1 B b Zeta zeta _ \xC3\xA4");
}

static void what_is_listed(void **state)
{
    struct fixture *x = *state;
    host_folder(x, "folder");
    host_file(x, "folder/hidden", "");
    host_file(x, "file", "12345");
    host_file(x, "bad:name", "");
    host_file(x, "bad\nname", "");
    assert_int_equal(symlink("file", host_path(x, "link")), 0);
    assert_int_equal(mkfifo(host_path(x, "pipe"), 0644), 0);
    struct stor_file *f;
    struct stor_entry e;
    assert_int_equal(open_with(x, "game:", STOR_OPEN, false, &f), STOR_OK);
    assert_int_equal(stor_directory_entry(f, "*", 1, false, &e), STOR_OK);
    assert_string_equal(e.name, "file");
    assert_int_equal(e.size, 5);
    assert_int_equal(e.allocation_size, 0x200);
    assert_int_equal(e.attributes, STOR_ATTRIBUTE_NORMAL);
    uint64_t file_id = e.id;
    // Not moved on: the same again.
    assert_int_equal(stor_directory_entry(f, "*", 1, false, &e), STOR_OK);
    assert_string_equal(e.name, "file");
    stor_directory_advance(f);
    assert_int_equal(stor_directory_entry(f, "*", 1, false, &e), STOR_OK);
    assert_string_equal(e.name, "folder");
    assert_int_equal(e.size, 0);
    assert_int_equal(e.attributes, STOR_ATTRIBUTE_DIRECTORY);
    assert_true(e.id != file_id);
    stor_directory_advance(f);
    assert_int_equal(stor_directory_entry(f, "*", 1, false, &e), STOR_NO_MORE_FILES);
    stor_directory_advance(f);
    assert_int_equal(stor_directory_entry(f, "*", 1, false, &e), STOR_NO_MORE_FILES);
    // A restart reads again, with its pattern.
    host_file(x, "g", "");
    assert_int_equal(stor_directory_entry(f, "g*", 2, true, &e), STOR_OK);
    assert_string_equal(e.name, "g");
    stor_close(f);
    struct stor_info info;
    assert_int_equal(stor_query_path(x->s, NULL, "game:\\FILE", 10, &info), STOR_OK);
    assert_true(info.id == file_id);
}

static void patterns(void **state)
{
    struct fixture *x = *state;
    static const char *const made[] = {"a.xbg", "B.XBG", "ab.txt", "readme", "a.b.xbg"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        host_file(x, made[i], "");
    assert_string_equal(names(x, "game:\\", "*.xbg"), "a.b.xbg a.xbg B.XBG");
    assert_string_equal(names(x, "game:\\", "*.*"), "a.b.xbg a.xbg ab.txt B.XBG readme");
    assert_string_equal(names(x, "game:\\", "*"), "a.b.xbg a.xbg ab.txt B.XBG readme");
    assert_string_equal(names(x, "game:\\", "?.xbg"), "a.xbg B.XBG");
    assert_string_equal(names(x, "game:\\", "A*B*"), "a.b.xbg a.xbg ab.txt");
    assert_string_equal(names(x, "game:\\", "README"), "readme");
    assert_string_equal(names(x, "game:\\", "??????"), "ab.txt readme");
    assert_string_equal(names(x, "game:\\", "*x"), "status: no entry of the directory matches the pattern");
    assert_string_equal(names(x, "game:\\", "readme?"), "status: no entry of the directory matches the pattern");
    assert_string_equal(names(x, "game:\\", "a\\b"), "status: not a name");
    assert_string_equal(names(x, "game:\\", "<.xbg"), "status: not a name");
}

static void pattern_does_not_explode(void **state)
{
    struct fixture *x = *state;
    char name[STOR_NAME_MAX + 1], pattern[STOR_NAME_MAX + 1];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    host_file(x, name, "");
    for (size_t i = 0; i < sizeof pattern - 1; i++)
        pattern[i] = i % 2 ? '*' : 'a';
    pattern[sizeof pattern - 2] = 'b';
    pattern[sizeof pattern - 1] = '\0';
    assert_string_equal(names(x, "game:\\", pattern), "status: no entry of the directory matches the pattern");
}

static void not_a_directory(void **state)
{
    struct fixture *x = *state;
    host_file(x, "file", "");
    struct stor_file *f;
    struct stor_entry e;
    assert_int_equal(open_with(x, "game:\\file", STOR_OPEN, false, &f), STOR_OK);
    assert_int_equal(stor_directory_entry(f, "*", 1, false, &e), STOR_NOT_DIRECTORY);
    stor_close(f);
    host_folder(x, "empty");
    assert_string_equal(names(x, "game:\\empty", "*"), "status: no entry of the directory matches the pattern");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(order),           FIXTURE_TEST(what_is_listed),
        FIXTURE_TEST(patterns),        FIXTURE_TEST(pattern_does_not_explode),
        FIXTURE_TEST(not_a_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
