#include "cpu/library.h"

#include <cpuid.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/file.h"
#include "cpu/recompiler/layout.h"

static const char *const places[] = {"", "../cpu/recompiler/", "../src/cpu/recompiler/", "../../src/cpu/recompiler/", "../lib/xenolith/"};
static const char name[] = "libxenolith-recompiler.so";

// What the code generator may use.
struct host {
    uint32_t basic[4], extended[4];
};

static struct cache_version version_of(const struct file_view *file)
{
    struct {
        uint64_t object[2], layout;
        struct host host;
    } all = {.layout = RC_LAYOUT};
    XXH128_hash_t h = XXH3_128bits(file->data, file->size);
    all.object[0] = h.low64;
    all.object[1] = h.high64;
    uint32_t *b = all.host.basic, *e = all.host.extended;
    __get_cpuid(1, &b[0], &b[1], &b[2], &b[3]);
    __get_cpuid_count(7, 0, &e[0], &e[1], &e[2], &e[3]);
    b[1] = 0;              // which core this is
    b[2] &= ~(1u << 27);   // OSXSAVE
    h = XXH3_128bits(&all, sizeof all);
    return (struct cache_version){{h.low64, h.high64}};
}

bool library_find(struct library *l, struct error *err)
{
    char here[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", here, sizeof here - 1);
    if (length < 0)
        return error_set(err, ERR_NOT_FOUND, "cannot find the program's own folder");
    while (length && here[length - 1] != '/')
        length--;
    here[length] = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct file_view file;
        if ((size_t)snprintf(l->folder, sizeof l->folder, "%s%s", here, places[i]) >= sizeof l->folder ||
            (size_t)snprintf(l->path, sizeof l->path, "%.*s%s", (int)(sizeof l->path - sizeof name), l->folder, name) >= sizeof l->path ||
            access(l->path, R_OK))
            continue;
        if (!file_map(l->path, &file, err))
            return false;
        l->version = version_of(&file);
        file_unmap(&file);
        return true;
    }
    return error_set(err, ERR_NOT_FOUND, "cannot open %s: not found beside the program", name);
}

#ifdef __SANITIZE_ADDRESS__
// LLVM's thread-local storage is not laid out as the sanitizer believes: where it looks for leaks it would read from anywhere, and crash.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "intercept_tls_get_addr=0";
}
#endif

bool library_open(struct library *l, struct error *err)
{
    if (l->api)
        return true;
    void *library = dlopen(l->path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *why = dlerror();
        return error_set(err, ERR_NOT_FOUND, "cannot open %s: %s", name, why ? why : "no reason given");
    }
    const struct rc_api *(*door)(void);
    *(void **)&door = dlsym(library, "xenolith_recompiler");
    if (!door || door()->layout != RC_LAYOUT)
        return error_set(err, ERR_FORMAT, "%s is not of this program", name);
    l->api = door();
    return true;
}
