// Runs a fuzz target over the files of the given folders (a kept corpus), sorted by name: a regression test, without a
// fuzzer. A file is also run cut to half, and with one byte changed, so that few files go a long way.
#include <dirent.h>
#include <string.h>

#include "base/file.h"
#include "fuzz.h"

static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1); // exactly as long as it is, so that the sanitizer sees a byte too many
    FUZZ_CHECK(copy);
    if (size)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_file(const char *path)
{
    struct error err = {0};
    uint8_t *data;
    size_t size;
    if (!file_read(path, &data, &size, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    run(data, size);
    run(data, size / 2);
    if (size) {
        data[size / 3] ^= 0x80;
        run(data, size);
    }
    free(data);
}

static unsigned run_folder(const char *folder)
{
    struct dirent **entries;
    char path[4096];
    unsigned done = 0;
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
            run_file(path);
            done++;
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return done;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    for (int i = 1; i < argc; i++)
        files += run_folder(argv[i]);
    printf("%u files\n", files);
    return files ? 0 : 1; // a corpus that is not there tests nothing
}
