// Patches, LZX, exports, resources and digests: files made by the packer, changed, cut, and read again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/file.h"
#include "tests/unit/xex_elf.h"
#include "xex/lzx.h"
#include "xex/xex.h"

static const uint8_t console[XEX_KEY_BYTES] = "a console's key";

struct file {
    uint8_t *data;
    size_t size;
};

static struct file pack_with(uint8_t *elf, struct xex_pack_params params)
{
    struct file f;
    struct error err = {0};
    params.elf = elf;
    params.elf_size = ELF_SIZE;
    if (!xex_pack(&params, &f.data, &f.size, &err))
        fail_msg("%s", err.message);
    free(elf);
    return f;
}

static struct xex *open_good(struct file f, struct xex_options opts)
{
    struct xex *x;
    struct error err = {0};
    if (!xex_open(&x, f.data, f.size, &opts, &err))
        fail_msg("%s", err.message);
    assert_null(xex_image_error(x));
    return x;
}

// Titles of version 1 and 2; the second has other code, data, a longer image, and pieces that moved.
static struct file old_title(void)
{
    return pack_with(make_elf(), (struct xex_pack_params){.title_id = 7, .stack_size = 0x20000});
}

static struct file new_title(enum xex_compression compression)
{
    static uint8_t moved[0x28000];
    uint8_t *elf = make_elf();
    for (size_t i = 0; i < sizeof moved; i++)
        moved[i] = (uint8_t)(i % 0x8000 * 7 >> 3);
    memset(elf + DATA, 0x77, 16);
    be32_set(elf + TEXT + 4, 0x60000000);
    static const struct xex_pack_resource resources[] = {{"MOVED", moved, sizeof moved}};
    return pack_with(elf, (struct xex_pack_params){.title_id = 7,
                                                   .version = 0x20000000,
                                                   .compression = compression,
                                                   .resources = resources,
                                                   .resource_count = 1});
}

static struct file make_patch(struct file from, struct file to, bool encrypt, const uint8_t *key)
{
    struct xex *a = open_good(from, (struct xex_options){0}), *b = open_good(to, (struct xex_options){0});
    struct file patch;
    struct error err = {0};
    if (!xex_pack_patch(a, b, encrypt, key, &patch.data, &patch.size, &err))
        fail_msg("%s", err.message);
    xex_close(a);
    xex_close(b);
    return patch;
}

static void same(const struct xex *a, const struct xex *b)
{
    size_t a_size, b_size;
    const uint8_t *a_header = xex_header_bytes(a, &a_size), *b_header = xex_header_bytes(b, &b_size);
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a_header, b_header, a_size);
    assert_int_equal(xex_info(a)->image_size, xex_info(b)->image_size);
    assert_memory_equal(xex_image(a), xex_image(b), xex_info(a)->image_size);
}

static void test_patch(void **state)
{
    (void)state;
    for (int form = 0; form < 6; form++) { // grows, shrinks; plain, devkit key, a console's key
        struct file from = form & 1 ? new_title(XEX_COMPRESSION_NORMAL) : old_title();
        struct file to = form & 1 ? old_title() : new_title(XEX_COMPRESSION_BASIC);
        struct file patch = make_patch(from, to, form >= 2, form >= 4 ? console : NULL);
        struct xex *patched = open_good(
            from, (struct xex_options){.retail_key = console, .patch = patch.data, .patch_size = patch.size});
        struct xex *want = open_good(to, (struct xex_options){0});
        same(patched, want);
        const char *first;
        assert_int_equal(xex_hash_faults(patched, &first), 0);
        assert_null(first);
        assert_true(patch.size < 0x30000); // copies and zeros are no LZX
        xex_close(patched);
        xex_close(want);
        free(from.data);
        free(to.data);
        free(patch.data);
    }
}

static void test_patch_alone(void **state)
{
    (void)state;
    struct file from = old_title(), to = new_title(XEX_COMPRESSION_NONE), patch = make_patch(from, to, false, NULL);
    struct xex *x;
    struct xex_patch_info info;
    assert_true(xex_open(&x, patch.data, patch.size, NULL, NULL));
    assert_true(xex_patch_info(x, &info));
    assert_int_equal(info.source_version, 0x10000000);
    assert_int_equal(info.target_version, 0x20000000);
    assert_int_equal(xex_image_error(x)->code, ERR_UNSUPPORTED);
    xex_close(x);
    x = open_good(from, (struct xex_options){0});
    assert_false(xex_patch_info(x, &info));
    xex_close(x);
    // Not for this title: another version.
    struct error err = {0};
    assert_false(xex_open(&x, to.data, to.size, &(struct xex_options){.patch = patch.data, .patch_size = patch.size}, &err));
    assert_non_null(strstr(err.message, "version"));
    // A title is no patch.
    assert_false(xex_open(&x, from.data, from.size, &(struct xex_options){.patch = to.data, .patch_size = to.size}, &err));
    assert_non_null(strstr(err.message, "not a delta patch"));
    free(from.data);
    free(to.data);
    free(patch.data);
}

// A copy of exactly `size` bytes, so that the sanitizer sees a read behind the end.
static bool open_any(struct file title, const uint8_t *patch, size_t patch_size, bool ignore)
{
    struct xex *x = NULL;
    struct error err = {0};
    struct xex_options opts = {.ignore_hashes = ignore, .patch_size = patch_size};
    uint8_t *title_copy = malloc(title.size ? title.size : 1), *patch_copy = malloc(patch_size ? patch_size : 1);
    memcpy(title_copy, title.data, title.size);
    if (patch)
        memcpy(patch_copy, patch, patch_size);
    opts.patch = patch ? patch_copy : NULL;
    bool ok = xex_open(&x, title_copy, title.size, &opts, &err);
    bool whole = ok && !xex_image_error(x);
    if (!ok && (!*err.message || strchr(err.message, '\n')))
        fail_msg("no message of one line: '%s'", err.message);
    xex_close(x);
    free(title_copy);
    free(patch_copy);
    return whole;
}

static void test_every_truncation(void **state)
{
    (void)state;
    struct file from = old_title(), to = new_title(XEX_COMPRESSION_NORMAL), patch = make_patch(from, to, false, NULL);
    for (size_t size = 0; size < patch.size; size += size < 0x400 || size + 0x100 > patch.size ? 1 : 37)
        for (int ignore = 0; ignore < 2; ignore++)
            if (open_any(from, patch.data, size, ignore))
                fail_msg("a patch of %zu bytes was applied", size);
    for (size_t size = 0; size < to.size; size += size < 0x400 || size + 0x100 > to.size ? 1 : 971)
        if (open_any((struct file){to.data, size}, NULL, 0, true))
            fail_msg("%zu bytes opened", size);
    free(from.data);
    free(to.data);
    free(patch.data);
}

static void extremes(struct file title, struct file *changed, uint32_t from, uint32_t to)
{
    static const uint32_t values[] = {0, 1, 0x7FFF, 0xFFFF, 0x00020000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF};
    bool is_patch = changed->data != title.data;
    for (uint32_t at = from; at < to && at + 4 <= changed->size; at += 2) {
        uint8_t old[4];
        memcpy(old, changed->data + at, 4);
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            be32_set(changed->data + at, values[i]);
            open_any(title, is_patch ? changed->data : NULL, changed->size, true);
        }
        memcpy(changed->data + at, old, 4);
    }
}

static void test_extremes(void **state)
{
    (void)state;
    struct file from = old_title(), to = new_title(XEX_COMPRESSION_NORMAL), patch = make_patch(from, to, false, NULL);
    uint32_t header = be32_get(patch.data + 8), normal = be32_get(to.data + 8);
    extremes(from, &patch, 0, 0x18 + 24 + 8);
    extremes(from, &patch, 0x1B0, 0x1B0 + 0xA0);
    extremes(from, &patch, header, header + 0x40);
    extremes(to, &to, 0x18, 0x18 + 80);
    extremes(to, &to, normal, normal + 0x40);
    free(from.data);
    free(to.data);
    free(patch.data);
}

static void test_digests(void **state)
{
    (void)state;
    struct file f = new_title(XEX_COMPRESSION_NORMAL), plain = new_title(XEX_COMPRESSION_NONE);
    uint32_t header = be32_get(f.data + 8), security = be32_get(f.data + 0x10);
    const struct {
        struct file f;
        uint32_t at;
        const char *word;
    } cases[] = {
        {f, security + 0x17C, "header"},
        {f, header + 0x100, "compressed block"},
        {plain, header + 0x10010, "page run 1"},
        {plain, header - 1, "header"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct xex *x;
        struct error err = {0};
        const char *first;
        cases[i].f.data[cases[i].at] ^= 1;
        assert_false(xex_open(&x, cases[i].f.data, cases[i].f.size, NULL, &err));
        if (!strstr(err.message, cases[i].word) || !strstr(err.message, "--ignore-hashes"))
            fail_msg("%zu: %s", i, err.message);
        x = open_good(cases[i].f, (struct xex_options){.ignore_hashes = true});
        assert_true(xex_hash_faults(x, &first) >= 1);
        assert_non_null(strstr(first, cases[i].word));
        xex_close(x);
        cases[i].f.data[cases[i].at] ^= 1;
        xex_close(open_good(cases[i].f, (struct xex_options){0}));
    }
    free(f.data);
    free(plain.data);
}

static void test_lists(void **state)
{
    (void)state;
    const struct xex_static_library statics[] = {{"XENOSDK", 1, 2, 3, 1, 4}};
    const struct xex_pack_resource resources[] = {{"ONE", (const uint8_t *)"first", 5}, {"TWOTWO22", (const uint8_t *)"2", 1}};
    struct file f = pack_with(make_elf(), (struct xex_pack_params){.resources = resources,
                                                                   .resource_count = 2,
                                                                   .static_libraries = statics,
                                                                   .static_library_count = 1});
    struct xex *x = open_good(f, (struct xex_options){0});
    size_t n;
    const struct xex_resource *r = xex_resources(x, &n);
    assert_int_equal(n, 2);
    assert_string_equal(r[1].name, "TWOTWO22");
    assert_int_equal(r[0].size, 5);
    assert_memory_equal(xex_image(x) + (r[0].address - BASE), "first", 5);
    const struct xex_static_library *l = xex_static_libraries(x, &n);
    assert_int_equal(n, 1);
    assert_string_equal(l[0].name, "XENOSDK");
    assert_int_equal(l[0].build, 3);
    assert_int_equal(l[0].qfe, 4);
    xex_close(x);
    free(f.data);
    uint8_t *elf = make_elf(), *out;
    size_t size;
    struct xex_pack_resource bad = {"NINECHARS", NULL, 0};
    struct xex_pack_params params = {.elf = elf, .elf_size = ELF_SIZE, .resources = &bad, .resource_count = 1};
    assert_false(xex_pack(&params, &out, &size, NULL));
    free(elf);
}

// The ELF's .rdata becomes .xexport: (ordinal, address), which takes its place and 4 bytes more.
static uint8_t *elf_with_exports(uint32_t ordinal, uint32_t address)
{
    uint8_t *elf = make_elf();
    memcpy(elf + NAMES + 0x30, ".xexport", 9); // behind the other names
    be32_set(elf + SECTIONS + 40 * 7 + 20, 0x40);
    be32_set(elf + SECTIONS + 40 * 2, 0x30);
    be32_set(elf + SECTIONS + 40 * 2 + 20, 8);
    be32_set(elf + PROGRAM + 16, 16);
    be32_set(elf + PROGRAM + 20, 16);
    be32_set(elf + RODATA + 8, ordinal);
    be32_set(elf + RODATA + 12, address);
    return elf;
}

static void test_dll(void **state)
{
    (void)state;
    struct file f = pack_with(elf_with_exports(40, BASE + 0x10010), (struct xex_pack_params){.dll = true});
    struct xex *x = open_good(f, (struct xex_options){0});
    uint32_t first;
    size_t n;
    assert_int_equal(xex_info(x)->module_flags, XEX_MODULE_DLL);
    xex_exports(x, &first, &n);
    assert_int_equal(first, 40);
    assert_int_equal(n, 1);
    assert_int_equal(xex_export(x, 40), BASE + 0x10010);
    xex_close(x);
    free(f.data);
    f = pack_with(elf_with_exports(1, BASE + 0x10010), (struct xex_pack_params){0});
    x = open_good(f, (struct xex_options){0});
    assert_int_equal(xex_info(x)->module_flags, XEX_MODULE_TITLE | XEX_MODULE_EXPORTS_TO_TITLE);
    xex_close(x);
    free(f.data);
    static const uint32_t bad[][2] = {{0, BASE + 0x10010}, {0x10000, BASE + 0x10010}, {5, 0x10}, {5, 0x90000000}};
    for (size_t i = 0; i < 4; i++) {
        uint8_t *elf = elf_with_exports(bad[i][0], bad[i][1]), *out;
        size_t size;
        struct error err = {0};
        assert_false(xex_pack(&(struct xex_pack_params){.elf = elf, .elf_size = ELF_SIZE}, &out, &size, &err));
        assert_non_null(strstr(err.message, ".xexport"));
        free(elf);
    }
}

// ---- LZX

// Bytes of a kind, the same every time: 0 random, 1 few values, 2 words with a pattern, 3 text that repeats far away, 4 zeros, 5 like code.
static void fill(uint8_t *out, size_t size, unsigned kind, uint32_t seed)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog; ";
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        switch (kind) {
        case 0: out[i] = (uint8_t)(seed >> 24); break;
        case 1: out[i] = seed >> 28 ? 7 : (uint8_t)(seed >> 24 & 3); break;
        case 2: out[i] = (uint8_t)(i % 4 ? i / 512 : seed >> 30); break;
        case 3: out[i] = i > 30000 && seed >> 27 ? out[i - 30000] : (uint8_t)text[seed >> 16 & 15]; break;
        case 4: out[i] = 0; break;
        default: out[i] = (uint8_t)(i % 4 == 0 ? 0x38 + (seed >> 30) * 4 : i % 4 == 3 ? seed >> 27 : i > 400 ? out[i - 400] : i); break;
        }
    }
}

static size_t round_trip(const struct lzx_plain *in)
{
    struct lzx_packed packed;
    struct error err = {0};
    if (!lzx_compress(in, &packed, &err))
        fail_msg("%s", err.message);
    assert_int_equal(packed.frame_count, (in->size + LZX_FRAME - 1) / LZX_FRAME);
    assert_int_equal(packed.frame_ends[packed.frame_count - 1], packed.size);
    uint8_t *copy = malloc(packed.size), *out = malloc(in->size);
    memcpy(copy, packed.data, packed.size); // exactly as long as it is
    if (!lzx_decompress(&(struct lzx_input){copy, packed.size, in->reference, in->reference_size, in->window}, out, in->size, &err))
        fail_msg("form %u, window 0x%x, 0x%zx bytes behind 0x%zx: %s", in->form, in->window, in->size, in->reference_size, err.message);
    assert_memory_equal(out, in->data, in->size);
    size_t size = packed.size;
    free(copy);
    free(out);
    lzx_packed_free(&packed);
    return size;
}

static void test_lzx_round_trips(void **state)
{
    (void)state;
    // Ends of bytes, frames (32 KB) and blocks (128 KB), and blocks that span frames.
    static const size_t sizes[] = {1, 2, 101, 0x7FFF, 0x8001, 0x1FFFF, 0x20001, 0x48001};
    size_t most = 0x48001;
    uint8_t *data = malloc(most);
    for (unsigned kind = 0; kind < 6; kind++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (unsigned form = LZX_BEST_BLOCKS; form <= LZX_ALIGNED_BLOCKS; form++) {
                fill(data, sizes[i], kind, (uint32_t)i + 1);
                size_t packed = round_trip(&(struct lzx_plain){data, sizes[i], NULL, 0, 0x10000, (enum lzx_form)form});
                if (form == LZX_BEST_BLOCKS)
                    assert_true(packed <= sizes[i] + 17 * (sizes[i] / 0x20000 + 1));
                if (form != LZX_STORED_BLOCKS && kind && sizes[i] > 0x10000)
                    assert_true(packed < sizes[i] * 3 / 4); // it did pack
            }
    free(data);
}

// The same text again at the farthest distance that the window allows, and one byte farther.
static void test_lzx_windows(void **state)
{
    (void)state;
    for (uint32_t window = LZX_WINDOW_MIN; window <= LZX_WINDOW_MAX; window *= 2)
        for (int farther = -1; farther < 2; farther++) {
            size_t distance = window - 3 + (size_t)farther, size = distance + 0x1000, packed[2];
            uint8_t *data = malloc(size);
            fill(data, size, 0, window);
            for (int again = 0; again < 2; again++) {
                if (again)
                    memcpy(data + distance, data, 0x1000);
                packed[again] = round_trip(&(struct lzx_plain){data, size, NULL, 0, window, LZX_VERBATIM_BLOCKS});
            }
            bool reached = packed[1] + 0x800 < packed[0];
            assert_int_equal(reached, farther <= 0);
            free(data);
        }
}

// What a patch says: the old bytes are in the window, and matches reach into them.
static void test_lzx_reference(void **state)
{
    (void)state;
    static uint8_t old[0x8000], new[0x8000];
    for (unsigned kind = 0; kind < 6; kind++)
        for (unsigned form = LZX_BEST_BLOCKS; form <= LZX_ALIGNED_BLOCKS; form++)
            for (uint32_t window = LZX_WINDOW_MIN; window <= LZX_WINDOW_MAX; window *= 8) {
                fill(old, sizeof old, kind, 9);
                memcpy(new, old + 100, sizeof new - 100); // all of it, moved
                memcpy(new + sizeof new - 100, old, 100);
                new[5000] ^= 1;
                size_t packed = round_trip(&(struct lzx_plain){new, sizeof new, old, sizeof old, window, (enum lzx_form)form});
                if (form != LZX_STORED_BLOCKS)
                    assert_true(packed < 0x1000); // by references alone
                round_trip(&(struct lzx_plain){new, 77, old, 33, window, (enum lzx_form)form});
            }
}

static void test_lzx_of_titles(void **state)
{
    (void)state;
    static const char *const names[] = {"dolphin/dolphin.xex", "fog/VolumeFog.xex"};
    const char *source = getenv("XENOLITH_SOURCE");
    char path[512];
    unsigned found = 0;
    for (size_t i = 0; i < 2; i++) {
        uint8_t *data;
        size_t size;
        snprintf(path, sizeof path, "%s/corpus/%s", source ? source : ".", names[i]);
        if (!file_read(path, &data, &size, NULL))
            continue;
        found++;
        struct xex *x = open_good((struct file){data, size}, (struct xex_options){0});
        for (unsigned form = LZX_BEST_BLOCKS; form <= LZX_ALIGNED_BLOCKS; form++) {
            size_t packed = round_trip(&(struct lzx_plain){xex_image(x), xex_info(x)->image_size, NULL, 0, 0x20000, (enum lzx_form)form});
            assert_true(form == LZX_STORED_BLOCKS || packed < xex_info(x)->image_size * 3 / 4);
        }
        xex_close(x);
        free(data);
    }
    if (!found) {
        printf("no corpus/ here: ./dev corpus\n");
        skip();
    }
}

// The header's first bit and a size: calls (E8) hold distances that become addresses. No title has it, the decoder does.
static void test_lzx_e8(void **state)
{
    (void)state;
    uint8_t data[64] = {0}, in[128], out[64];
    struct error err = {0};
    data[10] = 0xE8;
    le32_set(data + 11, 0x20); // an address; the call's own is 10
    uint64_t bits = 1ull << 63 | 64ull << 31 | 3ull << 28 | 64ull << 4; // flag, size 64 in 32 bits, type 3, 64 bytes
    for (int i = 0; i < 4; i++)
        le16_set(in + 2 * i, (uint16_t)(bits >> (48 - 16 * i)));
    for (int i = 0; i < 3; i++)
        le32_set(in + 8 + 4 * i, 1);
    memcpy(in + 20, data, sizeof data);
    if (!lzx_decompress(&(struct lzx_input){in, 20 + sizeof data, NULL, 0, 0x8000}, out, sizeof out, &err))
        fail_msg("%s", err.message);
    assert_int_equal(le32_get(out + 11), 0x20 - 10);
    data[11] = out[11];
    assert_memory_equal(out, data, sizeof data);
}

static void test_lzx(void **state)
{
    (void)state;
    uint8_t out[202], data[202];
    struct error err = {0};
    struct lzx_packed packed;
    fill(data, sizeof data, 0, 3);
    for (unsigned form = LZX_STORED_BLOCKS; form <= LZX_ALIGNED_BLOCKS; form++) {
        assert_true(lzx_compress(&(struct lzx_plain){data, 101, NULL, 0, 0x8000, (enum lzx_form)form}, &packed, &err));
        const uint8_t *in = packed.data;
        size_t size = packed.size;
        assert_true(form != LZX_STORED_BLOCKS || size == 16 + 102);
        for (size_t cut = 0; cut < size - 4; cut++) // the decoder reads a word ahead, and is given two zero bytes at the end
            assert_false(lzx_decompress(&(struct lzx_input){in, cut, NULL, 0, 0x8000}, out, 101, &err));
        static const uint32_t windows[] = {0, 1, 0x4000, 0x8001, 0x400000, 0xFFFFFFFF};
        for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
            assert_false(lzx_decompress(&(struct lzx_input){in, size, NULL, 0, windows[i]}, out, 101, &err));
            assert_non_null(strstr(err.message, "window"));
            struct lzx_packed none;
            assert_false(lzx_compress(&(struct lzx_plain){data, 101, NULL, 0, windows[i], LZX_BEST_BLOCKS}, &none, &err));
        }
        assert_false(lzx_decompress(&(struct lzx_input){in, size, data, 0x8001, 0x8000}, out, 101, &err));
        assert_non_null(strstr(err.message, "reference"));
        lzx_packed_free(&packed);
    }
}

static void test_old_magics(void **state)
{
    (void)state;
    static const char magics[][5] = {"XEX1", "XEX0", "XEX-", "XEX%", "XEX?"};
    for (size_t i = 0; i < 5; i++) {
        uint8_t data[64] = {0};
        struct xex *x;
        struct error err = {0};
        memcpy(data, magics[i], 4);
        assert_false(xex_open(&x, data, sizeof data, NULL, &err));
        assert_int_equal(err.code, ERR_UNSUPPORTED);
        assert_non_null(strstr(err.message, magics[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patch),   cmocka_unit_test(test_patch_alone), cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_lzx), cmocka_unit_test(test_lzx_round_trips), cmocka_unit_test(test_lzx_windows), cmocka_unit_test(test_lzx_reference),
        cmocka_unit_test(test_lzx_of_titles), cmocka_unit_test(test_lzx_e8),    cmocka_unit_test(test_digests),     cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_lists),   cmocka_unit_test(test_dll),         cmocka_unit_test(test_old_magics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
