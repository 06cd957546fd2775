// The reader on a hand-made file: every accessor; keys, compression; truncations and extreme fields.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <nettle/aes.h>
#include <nettle/cbc.h>
#include <stdio.h>

#include "tests/unit/xex_fixture.h"
#include "xex/keys.h"
#include "xex/xex.h"

static struct xex *open_good(const uint8_t *data, size_t size, const struct xex_options *opts)
{
    struct xex *x;
    struct error err = {0};
    if (!xex_open(&x, data, size, opts, &err))
        fail_msg("%s", err.message);
    return x;
}

static void test_info(void **state)
{
    (void)state;
    uint8_t *data = fix_xex();
    struct xex *x = open_good(data, FIX_SIZE, NULL);
    const struct xex_info *i = xex_info(x);
    assert_int_equal(i->module_flags, 1);
    assert_int_equal(i->header_size, FIX_HEADER);
    assert_int_equal(i->base, FIX_BASE);
    assert_int_equal(i->image_size, FIX_IMAGE);
    assert_int_equal(i->page_size, 0x10000);
    assert_int_equal(i->entry, FIX_BASE + 0x10000);
    assert_int_equal(i->export_table, FIX_BASE + FIX_EXPORTS);
    assert_int_equal(i->default_stack_size, 0x40000);
    assert_int_equal(i->default_heap_size, 0x123000);
    assert_int_equal(i->system_flags, 0x400);
    assert_int_equal(i->checksum, 0xAABBCCDD);
    assert_int_equal(i->timestamp, 0x11223344);
    assert_string_equal(i->pe_name, "fixture.exe");
    assert_true(i->tls.present);
    assert_int_equal(i->tls.slot_count, 64);
    assert_int_equal(i->tls.raw_data_address, FIX_BASE + 0x11000);
    assert_int_equal(i->tls.data_size, 0x200);
    assert_int_equal(i->tls.raw_data_size, 0x100);
    assert_true(i->execution.present);
    assert_int_equal(i->execution.media_id, 0x10111213);
    assert_int_equal(i->execution.version, 0x14151617);
    assert_int_equal(i->execution.title_id, 0x1C1D1E1F);
    assert_int_equal(i->execution.disc_number, 0x22);
    assert_int_equal(i->execution.savegame_id, 0x24252627);
    assert_int_equal(i->xgd2_media_id[15], 0x5A);
    size_t size;
    assert_ptr_equal(xex_header_bytes(x, &size), data);
    assert_int_equal(size, FIX_HEADER);
    xex_close(x);
    free(data);
}

static void test_lists(void **state)
{
    (void)state;
    uint8_t *data = fix_xex();
    struct xex *x = open_good(data, FIX_SIZE, NULL);
    size_t n;
    const struct xex_page_run *runs = xex_page_runs(x, &n);
    assert_int_equal(n, 2);
    assert_int_equal(runs[1].address, FIX_BASE + 0x10000);
    assert_int_equal(runs[0].type, XEX_PAGE_READONLY);
    assert_int_equal(runs[1].type, XEX_PAGE_CODE);
    const struct xex_header *headers = xex_headers(x, &n);
    assert_int_equal(n, 13);
    assert_int_equal(headers[9].key, XEX_KEY_DEFAULT_STACK_SIZE);
    assert_int_equal(headers[9].value, 0x40000);
    assert_int_equal(headers[9].size, 0);
    assert_int_equal(headers[8].size, 16);
    assert_int_equal(headers[6].size, 16);
    const struct xex_resource *resources = xex_resources(x, &n);
    assert_int_equal(n, 1);
    assert_string_equal(resources[0].name, "FONT0001");
    assert_int_equal(resources[0].address, FIX_BASE + 0x11000);
    const struct xex_static_library *libraries = xex_static_libraries(x, &n);
    assert_int_equal(n, 1);
    assert_string_equal(libraries[0].name, "LIBCMT");
    assert_int_equal(libraries[0].build, 0x527F);
    assert_int_equal(libraries[0].qfe, 5);
    const struct xex_section *sections = xex_sections(x, &n);
    assert_int_equal(n, 2);
    assert_string_equal(sections[0].name, ".rdata");
    assert_string_equal(sections[1].name, "longname");
    assert_int_equal(sections[1].address, FIX_BASE + 0x10000);
    const struct xex_function *functions = xex_functions(x, &n);
    assert_int_equal(n, 2);
    assert_int_equal(functions[0].length, 16);
    assert_int_equal(functions[0].prolog, 4);
    assert_false(functions[0].has_handler);
    assert_true(functions[1].has_handler && functions[1].is_32bit);
    uint32_t first;
    xex_exports(x, &first, &n);
    assert_int_equal(first, 10);
    assert_int_equal(n, 3);
    assert_int_equal(xex_export(x, 10), FIX_BASE + 0x10000);
    assert_int_equal(xex_export(x, 11), 0);
    assert_int_equal(xex_export(x, 12), FIX_BASE + 0x10040);
    assert_int_equal(xex_export(x, 9), 0);
    assert_int_equal(xex_export(x, 13), 0);
    xex_close(x);
    free(data);
}

static void test_imports(void **state)
{
    (void)state;
    uint8_t *data = fix_xex();
    struct xex *x = open_good(data, FIX_SIZE, NULL);
    size_t n;
    const struct xex_import_library *l = xex_import_libraries(x, &n);
    assert_int_equal(n, 2);
    assert_string_equal(l[0].name, "xboxkrnl.exe");
    assert_string_equal(l[1].name, "xam.xex");
    assert_int_equal(l[0].version, 0x20527F01);
    assert_int_equal(l[0].record_count, 3);
    assert_int_equal(l[0].import_count, 2);
    assert_int_equal(l[0].imports[0].kind, XEX_IMPORT_FUNCTION);
    assert_int_equal(l[0].imports[0].ordinal, 3);
    assert_int_equal(l[0].imports[0].slot, FIX_BASE + FIX_SLOTS);
    assert_int_equal(l[0].imports[0].thunk, FIX_BASE + FIX_THUNKS);
    assert_int_equal(l[0].imports[1].kind, XEX_IMPORT_VARIABLE);
    assert_int_equal(l[0].imports[1].ordinal, 0xAD);
    assert_int_equal(l[0].imports[1].thunk, 0);
    assert_int_equal(l[1].import_count, 1);
    assert_int_equal(l[1].imports[0].ordinal, 0x3CD);
    xex_close(x);
    free(data);
}

static void test_masked_digest(void **state)
{
    (void)state;
    uint8_t *data = fix_xex(), a[XEX_DIGEST_BYTES], b[XEX_DIGEST_BYTES], c[XEX_DIGEST_BYTES];
    struct xex *x = open_good(data, FIX_SIZE, NULL);
    assert_true(xex_image_digest(x, true, a));
    assert_true(xex_image_digest(x, false, c));
    assert_memory_not_equal(a, c, sizeof a);
    xex_close(x);
    data[FIX_HEADER + FIX_THUNKS + 12] ^= 1; // inside a thunk
    x = open_good(data, FIX_SIZE, NULL);
    assert_true(xex_image_digest(x, true, b));
    assert_memory_equal(a, b, sizeof a);
    xex_close(x);
    data[FIX_HEADER + FIX_THUNKS + 32] ^= 1; // behind the last thunk
    x = open_good(data, FIX_SIZE, NULL);
    assert_true(xex_image_digest(x, true, b));
    assert_memory_not_equal(a, b, sizeof a);
    xex_close(x);
    free(data);
}

// The image as two blocks with zeros behind each.
static size_t make_basic(uint8_t *data)
{
    be32_set(data + FIX_FORMAT, 8 + 16);
    be16_set(data + FIX_FORMAT + 6, 1);
    be32_set(data + FIX_FORMAT + 8, 0x600);
    be32_set(data + FIX_FORMAT + 12, 0xFA00);
    be32_set(data + FIX_FORMAT + 16, 0x1100);
    be32_set(data + FIX_FORMAT + 20, 0xEF00);
    memmove(data + FIX_HEADER + 0x600, data + FIX_HEADER + 0x10000, 0x1100);
    return FIX_HEADER + 0x1700;
}

static void encrypt(uint8_t *data, size_t size, const uint8_t *key)
{
    struct aes128_ctx wrap;
    uint8_t session[16] = "a session's key";
    aes128_set_encrypt_key(&wrap, key);
    aes128_encrypt(&wrap, 16, data + FIX_SECURITY + 0x150, session);
    struct CBC_CTX(struct aes128_ctx, AES_BLOCK_SIZE) cipher = {0};
    aes128_set_encrypt_key(&cipher.ctx, session);
    CBC_ENCRYPT(&cipher, aes128_encrypt, size - FIX_HEADER, data + FIX_HEADER, data + FIX_HEADER);
    be16_set(data + FIX_FORMAT + 4, 1);
}

static void expect_image(const uint8_t *data, size_t size, const struct xex_options *opts, enum xex_key_used used)
{
    uint8_t *plain = fix_xex(), *image = malloc(FIX_IMAGE);
    struct xex *x = open_good(data, size, opts);
    struct error err = {0};
    assert_null(xex_image_error(x));
    assert_int_equal(xex_info(x)->key_used, used);
    assert_false(xex_load_image(x, image, FIX_IMAGE - 1, &err));
    assert_int_equal(err.code, ERR_ARGUMENT);
    assert_true(xex_load_image(x, image, FIX_IMAGE, NULL));
    assert_memory_equal(image, plain + FIX_HEADER, FIX_IMAGE);
    assert_memory_equal(xex_image(x), image, FIX_IMAGE);
    xex_close(x);
    free(image);
    free(plain);
}

static void test_forms(void **state)
{
    (void)state;
    uint8_t devkit[16] = {0}, retail[16] = "sixteen letters";
    for (int form = 0; form < 6; form++) {
        uint8_t *data = fix_xex();
        size_t size = form & 1 ? make_basic(data) : FIX_SIZE;
        if (form >= 2)
            encrypt(data, size, form >= 4 ? retail : devkit);
        struct xex_options opts = {form >= 4 ? retail : NULL};
        expect_image(data, size, &opts, form / 2);
        free(data);
    }
}

static void expect_image_error(const uint8_t *data, const struct xex_options *opts, enum error_code code,
                               const char *word)
{
    struct xex *x = open_good(data, FIX_SIZE, opts);
    struct error err = {0};
    assert_null(xex_image(x));
    assert_int_equal(xex_image_error(x)->code, code);
    assert_false(xex_load_image(x, NULL, 0, &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.message, word));
    size_t n;
    assert_int_equal(xex_import_libraries(x, &n)[0].import_count, 0);
    assert_int_equal(xex_info(x)->entry, FIX_BASE + 0x10000);
    xex_sections(x, &n);
    assert_int_equal(n, 0);
    xex_close(x);
}

static void test_keys_and_unsupported(void **state)
{
    (void)state;
    uint8_t retail[16] = "sixteen letters", wrong[16] = "another key....";
    uint8_t *data = fix_xex();
    encrypt(data, FIX_SIZE, retail);
    expect_image_error(data, NULL, ERR_KEY, "keys.txt");
    expect_image_error(data, &(struct xex_options){wrong}, ERR_KEY, "retail=");
    be16_set(data + FIX_FORMAT + 6, 2);
    expect_image_error(data, NULL, ERR_UNSUPPORTED, "LZX");
    be16_set(data + FIX_FORMAT + 6, 3);
    expect_image_error(data, NULL, ERR_UNSUPPORTED, "delta");
    free(data);
}

// Each case: a word of the file, the value that breaks it, words that the message must have.
static void test_messages(void **state)
{
    (void)state;
    static const struct {
        uint32_t offset, value;
        const char *words;
    } cases[] = {
        {0, 0x4D5A9000, "magic at file offset 0x0"},
        {8, 0x10, "header size at file offset 0x8"},
        {8, 0x7FFFFFFF, "header size at file offset 0x8"},
        {0x10, 0xF00, "security info (offset at 0x10)"},
        {0x14, 0x3F0, "optional headers (count at file offset 0x14)"},
        {0x14, 0xFFFFFFFF, "optional header count at file offset 0x14"},
        {0x1C, 0xFFFFFFF0, "optional header 0x000002ff at file offset 0x18"},
        {0x18, 0x20200, "given twice"},
        {0x20, 0x4FF, "file format info"},
        {0x2C, FIX_BASE - 4, "entry point"},
        {0x2C, FIX_BASE + FIX_IMAGE, "entry point"},
        {0x34, 0x82010000, "image base address"},
        {FIX_SECURITY + 4, 0, "image size at file offset 0x104"},
        {FIX_SECURITY + 4, 0x20001, "image size at file offset 0x104"},
        {FIX_SECURITY + 0x110, 0x7FFF0000, "load address at file offset 0x210"},
        {FIX_SECURITY + 0x110, 0x82000100, "load address at file offset 0x210"},
        {FIX_SECURITY + 0x160, FIX_BASE + FIX_IMAGE, "export table"},
        {FIX_SECURITY + 0x180, 1, "cover 1 of the image's 2 pages"},
        {FIX_SECURITY + 0x180, 0x1000, "page descriptors"},
        {FIX_SECURITY + 0x184, 0x10, "page descriptor 0 at file offset 0x284: type 0"},
        {FIX_SECURITY + 0x184, 0xFFFFFFF1, "page descriptor 0"},
        {FIX_FORMAT, 4, "file format info"},
        {FIX_FORMAT + 4, 0x00020000, "encryption type at file offset 0x404"},
        {FIX_FORMAT + 4, 0x00000004, "compression type at file offset 0x406"},
        {FIX_IMPORTS + 4, 0x10000, "import string table"},
        {FIX_IMPORTS + 36, 0x1000, "import library at file offset 0x4a4"},
        {FIX_IMPORTS + 36 + 0x24, 0x00090003, "name index 9"},
        {FIX_IMPORTS + 36 + 0x24, 0x00000100, "import library"},
        {FIX_IMPORTS + 36 + 0x28, 0x81000000, "import record 0 of xboxkrnl.exe"},
        {FIX_IMPORTS + 36 + 0x28, FIX_BASE + 1, "import record 0 of xboxkrnl.exe"},
        {FIX_TLS + 4, 0x12345678, "TLS raw data at file offset 0x5d4"},
        {FIX_RESOURCES + 12, 0, "resource 0 at file offset 0x604"},
        {FIX_HEADER, 0, "PE magic"},
        {FIX_HEADER + 0x3C, 0xFFFFFFFF, "PE signature"},
        {FIX_HEADER + 0x84, 0, "PE machine"},
        {FIX_HEADER + 0x84, 0xF201FFFF, "PE section table"},
        {FIX_HEADER + FIX_PDATA, 0x10, ".pdata entry 0"},
        {FIX_HEADER + FIX_EXPORTS + 0x24, 0xFFFFFFFF, "export table"},
        {FIX_HEADER + FIX_SLOTS, 0x05000003, "kind 5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *data = fix_xex();
        struct xex *x;
        struct error err = {0};
        be32_set(data + cases[i].offset, cases[i].value);
        if (xex_open(&x, data, FIX_SIZE, NULL, &err))
            fail_msg("0x%x = 0x%x opened", cases[i].offset, cases[i].value);
        if (err.code != ERR_FORMAT || !strstr(err.message, cases[i].words) || strchr(err.message, '\n'))
            fail_msg("0x%x = 0x%x: %s", cases[i].offset, cases[i].value, err.message);
        free(data);
    }
}

// A copy of exactly `size` bytes, so that the sanitizer sees a read behind the end.
static void open_any(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    struct xex *x = NULL;
    struct error err = {0};
    assert_non_null(copy);
    memcpy(copy, data, size);
    if (xex_open(&x, copy, size, NULL, &err)) {
        uint8_t digest[XEX_DIGEST_BYTES];
        xex_image_digest(x, true, digest);
    } else if (!*err.message || strchr(err.message, '\n')) {
        fail_msg("no message of one line: '%s'", err.message);
    }
    xex_close(x);
    free(copy);
}

static void test_truncations(void **state)
{
    (void)state;
    uint8_t *data = fix_xex();
    for (size_t size = 0; size < FIX_HEADER + 0x40; size++) {
        struct xex *x;
        struct error err = {0};
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, data, size);
        if (xex_open(&x, copy, size, NULL, &err))
            fail_msg("%zu bytes opened", size);
        assert_int_equal(err.code, ERR_FORMAT);
        free(copy);
    }
    // The header's size follows the cut: every structure is asked to end early.
    for (uint32_t size = 0; size < FIX_USED; size++) {
        be32_set(data + 8, size);
        open_any(data, size);
        open_any(data, FIX_SIZE);
    }
    free(data);
}

static void extremes(uint8_t *data, size_t size, uint32_t from, uint32_t to)
{
    static const uint32_t values[] = {0,          1,          0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
                                      0xFFFFFFF8, 0x82000000, 0x8201FFFF, 0x0001FFFF};
    for (uint32_t at = from; at < to; at += 4) {
        uint8_t old[4];
        memcpy(old, data + at, 4);
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            be32_set(data + at, values[i]);
            open_any(data, size);
            le32_set(data + at, values[i]);
            open_any(data, size);
        }
        memcpy(data + at, old, 4);
    }
}

static void test_extremes(void **state)
{
    (void)state;
    uint8_t *data = fix_xex();
    extremes(data, FIX_SIZE, 0, 0x80);
    extremes(data, FIX_SIZE, FIX_SECURITY, FIX_SECURITY + 8);
    extremes(data, FIX_SIZE, FIX_SECURITY + 0x108, FIX_SECURITY + 0x118);
    extremes(data, FIX_SIZE, FIX_SECURITY + 0x150, FIX_SECURITY + 0x188);
    extremes(data, FIX_SIZE, FIX_FORMAT, FIX_FORMAT + 0x10);
    extremes(data, FIX_SIZE, FIX_IMPORTS, FIX_IMPORTS + 12 + 24 + 0x28 * 2 + 20);
    extremes(data, FIX_SIZE, FIX_NAME, FIX_USED);
    extremes(data, FIX_SIZE, FIX_HEADER + 0x3C, FIX_HEADER + 0x9C);
    extremes(data, FIX_SIZE, FIX_HEADER + FIX_PDATA, FIX_HEADER + FIX_PDATA + 16);
    extremes(data, FIX_SIZE, FIX_HEADER + FIX_SLOTS, FIX_HEADER + FIX_SLOTS + 12);
    extremes(data, FIX_SIZE, FIX_HEADER + FIX_EXPORTS, FIX_HEADER + FIX_EXPORTS + 0x38);
    size_t size = make_basic(data);
    extremes(data, size, FIX_FORMAT, FIX_FORMAT + 0x18);
    for (size_t cut = FIX_HEADER; cut < size; cut += 7)
        open_any(data, cut);
    free(data);
}

static void test_key_files(void **state)
{
    (void)state;
    struct xex_keys keys;
    struct error err = {0};
    assert_true(xex_parse_keys(&keys, "# comment\nother=12\r\n retail=000102030405060708090A0b0c0d0e0f # x\n", &err));
    assert_true(keys.has_retail);
    assert_int_equal(keys.retail[0], 0);
    assert_int_equal(keys.retail[10], 10);
    assert_int_equal(keys.retail[15], 15);
    assert_true(xex_parse_keys(&keys, "", &err));
    assert_false(keys.has_retail);
    assert_false(xex_parse_keys(&keys, "\nretail=12", &err));
    assert_non_null(strstr(err.message, "line 2"));
    assert_false(xex_parse_keys(&keys, "retail=zz0102030405060708090A0b0c0d0e0f", &err));
    assert_false(xex_find_keys(&keys, "1234", NULL, &err));
    assert_int_equal(err.code, ERR_ARGUMENT);
    assert_true(xex_find_keys(&keys, "000102030405060708090A0b0c0d0e0f", NULL, &err));
    assert_true(keys.has_retail);
    assert_false(xex_find_keys(&keys, NULL, "/nowhere/keys.txt", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info),     cmocka_unit_test(test_lists),
        cmocka_unit_test(test_imports),  cmocka_unit_test(test_masked_digest),
        cmocka_unit_test(test_forms),    cmocka_unit_test(test_keys_and_unsupported),
        cmocka_unit_test(test_messages), cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_extremes), cmocka_unit_test(test_key_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
