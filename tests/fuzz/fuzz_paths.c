// Guest paths and file calls on a folder of the host: nothing outside the folder is read or changed, whatever the names.
// Outside lie a file and a folder, and inside symbolic links to both.
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "storage/storage.h"

enum { FILES = 4, STEPS = 24 };

static const char device[] = "\\Device\\Harddisk0\\Partition1";
static const char secret[] = "what no title may see";

struct place {
    char outside[64], inside[80], canary[80];
};

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    FUZZ_CHECK(f && fputs(text, f) >= 0);
    fclose(f);
}

static void path_in(char out[160], const char *folder, const char *name)
{
    snprintf(out, 160, "%s/%s", folder, name);
}

static void populate(const struct place *p)
{
    char path[160];
    path_in(path, p->inside, "link-to-file");
    FUZZ_CHECK(!symlink(p->canary, path));
    path_in(path, p->inside, "link-to-folder");
    FUZZ_CHECK(!symlink("..", path));
    path_in(path, p->inside, "Media");
    FUZZ_CHECK(!mkdir(path, 0755));
    path_in(path, p->inside, "Media/a.xbg");
    write_text(path, "content");
    path_in(path, p->inside, "media.txt");
    write_text(path, "content");
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void remove_tree(const char *folder)
{
    FUZZ_CHECK(!nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS));
}

static void make_inside(const struct place *p)
{
    FUZZ_CHECK(!mkdir(p->inside, 0755));
    populate(p);
}

static struct place *the_place(void)
{
    static struct place p;
    if (p.outside[0])
        return &p;
    strcpy(p.outside, "/tmp/xenolith-fuzz-XXXXXX");
    FUZZ_CHECK(mkdtemp(p.outside));
    snprintf(p.inside, sizeof p.inside, "%s/inside", p.outside);
    snprintf(p.canary, sizeof p.canary, "%s/canary", p.outside);
    write_text(p.canary, secret);
    make_inside(&p);
    return &p;
}

// A path out of a few meaningful pieces and of bytes of the input.
static size_t make_path(struct fuzz_stream *s, char out[STOR_PATH_MAX])
{
    static const char *const pieces[] = {
        "game:", "d:", "\\", "/", "..", ".", "Media", "MEDIA", "a.xbg", "link-to-file", "link-to-folder", "canary", "new",
        "\\Device\\Harddisk0\\Partition1", "\\??\\", "\\Device", "media.txt", "inside", "..\\..\\", "\\Device\\Harddisk0\\Partition1\\..\\",
    };
    enum { PIECES = sizeof pieces / sizeof *pieces };
    size_t n = 0;
    unsigned parts = fuzz_byte(s) % 8;
    for (unsigned i = 0; i < parts; i++) {
        unsigned choice = fuzz_byte(s);
        if (choice < 2 * PIECES) {
            n += (size_t)snprintf(out + n, STOR_PATH_MAX - n, "%s%s", pieces[choice % PIECES], choice >= PIECES ? "\\" : "");
        } else {
            for (unsigned k = choice & 7; k && n + 1 < STOR_PATH_MAX; k--)
                out[n++] = (char)fuzz_byte(s);
        }
    }
    return n;
}

static void use(struct stor_file *f, struct fuzz_stream *s, struct stor_file *root)
{
    char path[STOR_PATH_MAX], buffer[64];
    size_t done = 0;
    struct stor_entry entry;
    struct stor_info info;
    unsigned choice = fuzz_byte(s) % 8;
    size_t length = choice == 3 || choice == 4 ? make_path(s, path) : 0;
    switch (choice) {
    case 0:
        if (stor_read(f, fuzz_byte(s), buffer, sizeof buffer, &done) == STOR_OK)
            FUZZ_CHECK(done < sizeof secret - 1 || memcmp(buffer, secret, sizeof secret - 1));
        break;
    case 1: stor_write(f, fuzz_byte(s), "written", 7, &done); break;
    case 2: stor_set_size(f, fuzz_byte(s)); break;
    case 3: stor_rename(f, root, path, length, fuzz_byte(s) & 1); break;
    case 4:
        for (unsigned i = 0; i < 8 && stor_directory_entry(f, path, length < 200 ? length : 200, i == 0, &entry) == STOR_OK; i++) {
            FUZZ_CHECK(strcmp(entry.name, "canary") && !strchr(entry.name, '/'));
            stor_directory_advance(f);
        }
        break;
    case 5: stor_set_delete(f, fuzz_byte(s) & 1); break;
    case 6: stor_flush(f); break;
    default: FUZZ_CHECK(stor_get_info(f, &info) == STOR_OK); break;
    }
}

static void check_resolved(struct stor *stor, struct stor_file *root, const char *path, size_t length)
{
    char absolute[STOR_PATH_MAX], again[STOR_PATH_MAX];
    if (stor_resolve(stor, root, path, length, absolute) != STOR_OK)
        return;
    size_t end = strlen(absolute);
    FUZZ_CHECK(!strstr(absolute, "\\..\\") && !strchr(absolute, '/') && (end < 3 || strcmp(absolute + end - 3, "\\..")));
    FUZZ_CHECK(stor_resolve(stor, NULL, absolute, strlen(absolute), again) == STOR_OK && !strcmp(absolute, again));
}

static void step(struct stor *stor, struct fuzz_stream *s, struct stor_file *files[FILES])
{
    char path[STOR_PATH_MAX];
    unsigned slot = fuzz_byte(s) % FILES, flags = fuzz_byte(s);
    struct stor_file *root = flags & 0x10 ? files[(slot + 1) % FILES] : NULL;
    if (files[slot] && flags & 0x20) {
        use(files[slot], s, root);
        return;
    }
    stor_close(files[slot]);
    files[slot] = NULL;
    if (flags & 0x10)
        root = files[(slot + 1) % FILES];
    enum stor_action action;
    size_t length = make_path(s, path);
    check_resolved(stor, root, path, length);
    stor_open(stor, &(struct stor_request){.root = root, .path = path, .path_bytes = length, .disposition = fuzz_byte(s) & 7, .write = flags & 1,
              .directory = flags & 2, .non_directory = flags & 4, .delete_on_close = flags & 8}, &files[slot], &action);
}

static void check_outside(const struct place *p)
{
    char text[64] = {0};
    FILE *f = fopen(p->canary, "r");
    FUZZ_CHECK(f && fread(text, 1, sizeof text - 1, f) == sizeof secret - 1 && !strcmp(text, secret));
    fclose(f);
    struct stat st;
    FUZZ_CHECK(!stat(p->outside, &st) && st.st_nlink == 3); // itself, its entry, inside's ..
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct place *place = the_place();
    struct error err = {0};
    struct fuzz_stream s = {data, size};
    struct stor *stor;
    struct stor_file *files[FILES] = {NULL};
    bool read_only = fuzz_byte(&s) & 1;
    FUZZ_CHECK(stor_create(&stor, &err) && stor_mount_host(stor, device, place->inside, read_only, &err));
    FUZZ_CHECK(stor_link(stor, "game:", device) == STOR_OK && stor_link(stor, "d:", "game:\\Media") == STOR_OK);
    for (unsigned i = 0; i < STEPS && s.size; i++)
        step(stor, &s, files);
    for (unsigned i = 0; i < FILES; i++)
        stor_close(files[i]);
    stor_destroy(stor);
    check_outside(place);
    if (!read_only) { // the next input finds the same folder
        remove_tree(place->inside);
        make_inside(place);
    }
    return 0;
}

static void clean(void) __attribute__((destructor));
static void clean(void)
{
    remove_tree(the_place()->outside);
}
