// The sample titles against the reference's entry states: image hash, entry, imports. Skips loudly without them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "xex/xex.h"

struct title {
    const char *path, *state;
};

static const char *source_folder(void)
{
    const char *folder = getenv("XENOLITH_SOURCE");
    return folder ? folder : ".";
}

static bool have(char *path, size_t size, const char *relative)
{
    snprintf(path, size, "%s/%s", source_folder(), relative);
    FILE *f = fopen(path, "rbe");
    if (f)
        fclose(f);
    else
        printf("skipped: %s is not present\n", path);
    return f;
}

// The reference's JSON is read by plain search: this test links no JSON library, and the files never change.
static const char *value_of(const char *text, const char *key)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(text, quoted);
    assert_non_null(at);
    at += strlen(quoted);
    return at + strspn(at, " \"");
}

static uint32_t number_of(const char *text, const char *key)
{
    return (uint32_t)strtoul(value_of(text, key), NULL, 0);
}

static void compare_imports(const struct xex *x, const char *at)
{
    size_t libraries;
    const struct xex_import_library *l = xex_import_libraries(x, &libraries);
    for (size_t i = 0; i < libraries; i++)
        for (size_t k = 0; k < l[i].import_count; k++) {
            const struct xex_import *have_import = &l[i].imports[k];
            const char *name = at = value_of(at, "lib");
            assert_memory_equal(l[i].name, name, strcspn(name, "\""));
            assert_int_equal(have_import->ordinal, number_of(at, "ordinal"));
            assert_int_equal(have_import->slot, number_of(at, "value_address"));
            // The reference gives three variables a thunk address outside the image.
            uint32_t thunk = number_of(at, "thunk_address");
            assert_int_equal(have_import->thunk, thunk >= xex_info(x)->base ? thunk : 0);
        }
    const char *next = strstr(at + 1, "\"lib\":");
    assert_null(next);
}

static void put_hex(uint8_t *out, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

// The recorded raw hash is of the loaded image, so the reference's values go into slots and thunks first. (Its "masked"
// hashes are not used: the tool that made them inserted 16 bytes at the front for each of three nonsense thunk
// addresses.)
static void compare_image(const struct xex *x, const char *reference)
{
    const struct xex_info *info = xex_info(x);
    uint8_t *image = malloc(info->image_size), digest[SHA256_DIGEST_SIZE];
    assert_non_null(image);
    assert_true(xex_load_image(x, image, info->image_size, NULL));
    const char *end = strstr(reference, "\"image_hashes\":");
    for (const char *at = strstr(reference, "\"imports\":"); (at = strstr(at + 1, "\"lib\":")) && at < end;) {
        uint32_t thunk = number_of(at, "thunk_address");
        put_hex(image + (number_of(at, "value_address") - info->base), value_of(at, "value") + 2, 4);
        if (thunk >= info->base)
            put_hex(image + (thunk - info->base), value_of(at, "thunk_bytes"), XEX_IMPORT_THUNK_BYTES);
    }
    struct sha256_ctx sha;
    sha256_init(&sha);
    sha256_update(&sha, info->image_size, image);
    sha256_digest(&sha, sizeof digest, digest);
    char text[2 * SHA256_DIGEST_SIZE + 1];
    for (size_t i = 0; i < sizeof digest; i++)
        sprintf(text + 2 * i, "%02x", digest[i]);
    assert_memory_equal(text, value_of(reference, "whole_raw_sha256"), 64);
    free(image);
}

static void compare(const struct xex *x, const char *reference)
{
    const struct xex_info *info = xex_info(x);
    assert_null(xex_image_error(x));
    assert_int_equal(info->key_used, XEX_KEY_USED_DEVKIT);
    assert_int_equal(info->entry, number_of(reference, "entry"));
    const char *module = strstr(reference, "\"module\": {");
    assert_non_null(module);
    assert_int_equal(info->base, number_of(module, "base"));
    assert_int_equal(info->image_size, number_of(module, "image_size"));
    assert_int_equal(info->default_stack_size, number_of(module, "stack_size"));
    compare_imports(x, strstr(reference, "\"imports\":"));
    compare_image(x, reference);
    size_t count;
    xex_functions(x, &count);
    assert_true(count > 1000);
    xex_sections(x, &count);
    assert_int_equal(count, 8);
}

static void matches_reference(void **state)
{
    const struct title *t = *state;
    char path[4096], reference[4096];
    if (!have(path, sizeof path, t->path) || !have(reference, sizeof reference, t->state))
        skip();
    struct file_view file;
    struct xex *x = NULL;
    struct error err = {0};
    uint8_t *text;
    size_t size;
    assert_true(file_read(reference, &text, &size, &err));
    assert_true(file_map(path, &file, &err));
    if (!xex_open(&x, file.data, file.size, NULL, &err))
        fail_msg("%s", err.message);
    compare(x, (const char *)text);
    xex_close(x);
    file_unmap(&file);
    free(text);
}

int main(void)
{
    static struct title titles[] = {
        {"corpus/dolphin/dolphin.xex", "../shared/reference-logs/dolphin-initial-state.json"},
        {"corpus/fog/VolumeFog.xex", "../shared/reference-logs/fog-initial-state.json"},
    };
    const struct CMUnitTest tests[] = {
        {"dolphin matches the reference", matches_reference, NULL, NULL, &titles[0]},
        {"fog matches the reference", matches_reference, NULL, NULL, &titles[1]},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
