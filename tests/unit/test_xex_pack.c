// The packer on a hand-made ELF: what goes in comes out of the reader, in every form; bad ELFs fail.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <nettle/sha1.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "xex/xex.h"

#define BASE 0x82000000u

enum {
    PROGRAM = 52,
    SECTIONS = 0x100,
    NAMES = 0x300,
    SYMBOLS = 0x340,
    RODATA = 0x400, // at BASE + 0x400: two slots and a word
    TEXT = 0x500,   // at BASE + 0x10000: code and one thunk
    DATA = 0x600,   // at BASE + 0x20000
    ELF_SIZE = 0x700,
    ZEROS = 0x18000, // bytes of .bss
};

static void program(uint8_t *p, int i, uint32_t offset, uint32_t address, uint32_t size, uint32_t memory,
                    uint32_t flags)
{
    p += PROGRAM + 32 * i;
    be32_set(p, 1);
    be32_set(p + 4, offset);
    be32_set(p + 8, address);
    be32_set(p + 16, size);
    be32_set(p + 20, memory);
    be32_set(p + 24, flags);
}

static void section(uint8_t *p, int i, uint32_t name, uint32_t type, uint32_t flags, uint32_t address, uint32_t offset,
                    uint32_t size)
{
    p += SECTIONS + 40 * i;
    be32_set(p, name);
    be32_set(p + 4, type);
    be32_set(p + 8, flags);
    be32_set(p + 12, address);
    be32_set(p + 16, offset);
    be32_set(p + 20, size);
}

// ELF_SIZE bytes, the caller frees.
static uint8_t *make_elf(void)
{
    static const char names[] = "\0.ximport\0.rdata\0.text\0.xthunk\0.data\0.bss";
    uint8_t *p = calloc(1, ELF_SIZE);
    assert_non_null(p);
    memcpy(p,
           "\x7F"
           "ELF\1\2\1",
           7);
    be16_set(p + 16, 2);
    be16_set(p + 18, 20);
    be32_set(p + 24, BASE + 0x10000);
    be32_set(p + 28, PROGRAM);
    be32_set(p + 32, SECTIONS);
    be16_set(p + 42, 32);
    be16_set(p + 44, 3);
    be16_set(p + 46, 40);
    be16_set(p + 48, 9);
    be16_set(p + 50, 7);
    program(p, 0, RODATA, BASE + 0x400, 12, 12, 4);
    program(p, 1, TEXT, BASE + 0x10000, 0x30, 0x30, 5);
    program(p, 2, DATA, BASE + 0x20000, 16, 16 + ZEROS, 6);
    section(p, 1, 1, 1, 2, BASE + 0x400, RODATA, 8);
    section(p, 2, 10, 1, 2, BASE + 0x408, RODATA + 8, 4);
    section(p, 3, 17, 1, 6, BASE + 0x10000, TEXT, 0x20);
    section(p, 4, 23, 1, 6, BASE + 0x10020, TEXT + 0x20, 16);
    section(p, 5, 31, 1, 3, BASE + 0x20000, DATA, 16);
    section(p, 6, 37, 8, 3, BASE + 0x20010, 0, ZEROS);
    section(p, 7, 0, 3, 0, 0, NAMES, sizeof names);
    section(p, 8, 0, 2, 0, 0, SYMBOLS, 48);
    memcpy(p + NAMES, names, sizeof names);
    for (int i = 1; i < 3; i++) { // the second function first: the packer sorts
        be32_set(p + SYMBOLS + 16 * i + 4, BASE + 0x10000 + (i == 1 ? 0x10 : 0));
        be32_set(p + SYMBOLS + 16 * i + 8, 0x10);
        p[SYMBOLS + 16 * i + 12] = 0x12;
        be16_set(p + SYMBOLS + 16 * i + 14, 3);
    }
    be32_set(p + RODATA, 0x000103CD);     // xam function
    be32_set(p + RODATA + 4, 0x000000AD); // kernel variable
    be32_set(p + RODATA + 8, 0x11223344);
    for (int i = 0; i < 8; i++)
        be32_set(p + TEXT + 4 * i, 0x4E800020);
    be32_set(p + TEXT + 0x20, 0x010103CD);
    be32_set(p + TEXT + 0x24, 0x020103CD);
    be32_set(p + TEXT + 0x28, 0x7D6903A6);
    be32_set(p + TEXT + 0x2C, 0x4E800420);
    memset(p + DATA, 0xD5, 16);
    return p;
}

static uint8_t *pack(struct xex_pack_params *params, size_t *size)
{
    struct error err = {0};
    uint8_t *out, *elf = make_elf();
    params->elf = elf;
    params->elf_size = ELF_SIZE;
    if (!xex_pack(params, &out, size, &err))
        fail_msg("%s", err.message);
    free(elf);
    return out;
}

static void check_title(const struct xex *x)
{
    const struct xex_info *i = xex_info(x);
    assert_int_equal(i->base, BASE);
    assert_int_equal(i->image_size, 0x40000);
    assert_int_equal(i->entry, BASE + 0x10000);
    assert_int_equal(i->default_stack_size, 0x20000);
    assert_int_equal(i->execution.title_id, 0x58454E4F);
    assert_string_equal(i->pe_name, "prog.exe");
    assert_int_equal(i->tls.slot_count, 64);
    size_t n;
    const struct xex_page_run *runs = xex_page_runs(x, &n);
    assert_int_equal(n, 4);
    assert_int_equal(runs[0].type, XEX_PAGE_READONLY);
    assert_int_equal(runs[1].type, XEX_PAGE_CODE);
    assert_int_equal(runs[2].type, XEX_PAGE_DATA);
    assert_int_equal(runs[3].type, XEX_PAGE_DATA);
    const struct xex_section *sections = xex_sections(x, &n);
    assert_int_equal(n, 7);
    assert_string_equal(sections[3].name, ".xthunk");
    assert_string_equal(sections[6].name, ".pdata");
    const struct xex_function *functions = xex_functions(x, &n);
    assert_int_equal(n, 2);
    assert_int_equal(functions[0].address, BASE + 0x10000);
    assert_int_equal(functions[1].length, 4);
    const uint8_t *image = xex_image(x);
    assert_int_equal(be32_get(image + 0x408), 0x11223344);
    assert_int_equal(be32_get(image + 0x10000), 0x4E800020);
    assert_int_equal(image[0x2000F], 0xD5);
    assert_int_equal(image[0x20010], 0);
}

static void check_imports(const struct xex *x)
{
    size_t n;
    const struct xex_import_library *l = xex_import_libraries(x, &n);
    assert_int_equal(n, 2);
    assert_string_equal(l[0].name, "xboxkrnl.exe");
    assert_string_equal(l[1].name, "xam.xex");
    assert_int_equal(l[0].import_count, 1);
    assert_int_equal(l[0].imports[0].kind, XEX_IMPORT_VARIABLE);
    assert_int_equal(l[0].imports[0].slot, BASE + 0x404);
    assert_int_equal(l[1].import_count, 1);
    assert_int_equal(l[1].imports[0].kind, XEX_IMPORT_FUNCTION);
    assert_int_equal(l[1].imports[0].ordinal, 0x3CD);
    assert_int_equal(l[1].imports[0].slot, BASE + 0x400);
    assert_int_equal(l[1].imports[0].thunk, BASE + 0x10020);
}

static void test_round_trip(void **state)
{
    (void)state;
    uint8_t *first = NULL;
    for (int form = 0; form < 4; form++) {
        struct xex_pack_params params = {
            .pe_name = "prog.exe",
            .stack_size = 0x20000,
            .title_id = 0x58454E4F,
            .compression = form & 1 ? XEX_COMPRESSION_BASIC : XEX_COMPRESSION_NONE,
            .encrypt = form & 2,
        };
        size_t size;
        uint8_t *data = pack(&params, &size);
        struct xex *x;
        struct error err = {0};
        if (!xex_open(&x, data, size, NULL, &err))
            fail_msg("%s", err.message);
        assert_null(xex_image_error(x));
        assert_int_equal(xex_info(x)->encryption, form / 2);
        assert_int_equal(xex_info(x)->compression, form & 1);
        check_title(x);
        check_imports(x);
        if (!first) {
            first = malloc(0x40000);
            assert_true(xex_load_image(x, first, 0x40000, NULL));
        }
        assert_memory_equal(xex_image(x), first, 0x40000);
        if (form & 1)
            assert_true(size < 0x8000);
        xex_close(x);
        free(data);
    }
    free(first);
}

static void sha1(uint8_t *digest, const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    struct sha1_ctx ctx;
    sha1_init(&ctx);
    sha1_update(&ctx, a_size, a);
    sha1_update(&ctx, b_size, b);
    sha1_digest(&ctx, SHA1_DIGEST_SIZE, digest);
}

// The same rules hold in files of the official tools (checked on the sample titles).
static void test_hashes(void **state)
{
    (void)state;
    struct xex_pack_params params = {0};
    size_t size, n;
    uint8_t *data = pack(&params, &size), digest[SHA1_DIGEST_SIZE];
    struct xex *x;
    assert_true(xex_open(&x, data, size, NULL, NULL));
    const uint8_t *security = data + xex_info(x)->security_offset, *table = security + 0x184;
    assert_int_equal(xex_info(x)->security_size, 0x184 + 24 * 4);
    for (int i = 0; i < 4; i++) {
        sha1(digest, xex_image(x) + 0x10000 * i, 0x10000, table + 24 * i, 24);
        assert_memory_equal(digest, i ? table + 24 * (i - 1) + 4 : security + 0x114, sizeof digest);
    }
    sha1(digest, security + 0x17C, (size_t)(data + xex_info(x)->header_size - (security + 0x17C)), data,
         xex_info(x)->security_offset + 8);
    assert_memory_equal(digest, security + 0x164, sizeof digest);
    const struct xex_header *headers = xex_headers(x, &n);
    for (size_t i = 1; i < n; i++)
        assert_true(headers[i - 1].key < headers[i].key);
    assert_int_equal(headers[3].key, XEX_KEY_IMPORT_LIBRARIES);
    const uint8_t *library = data + headers[3].value + 12 + be32_get(data + headers[3].value + 4);
    sha1(digest, library + 4, be32_get(library) - 4, NULL, 0);
    assert_memory_equal(digest, security + 0x12C, sizeof digest);
    const uint8_t *second = library + be32_get(library);
    sha1(digest, second + 4, be32_get(second) - 4, NULL, 0);
    assert_memory_equal(digest, library + 4, sizeof digest);
    xex_close(x);
    free(data);
}

static void test_bad_elfs(void **state)
{
    (void)state;
    static const struct {
        uint32_t offset, value;
        const char *words;
    } cases[] = {
        {0, 0x7F454C47, "not an ELF"},
        {4, 0x02020100, "identification"},
        {16, 0x00030014, "static executable"},
        {24, 0x82FFFFFC, "entry"},
        {28, 0xFFFFFFF0, "program headers"},
        {32, 0x6F0, "section headers"},
        {PROGRAM + 4, 0x6F8, "sizes do not fit"},
        {PROGRAM + 8, BASE, "PE header"},
        {PROGRAM + 8, 0x10000000, "segments span"},
        {PROGRAM + 20, 0xFFFFFFFF, "sizes do not fit"},
        {PROGRAM + 20, 4, "sizes do not fit"},
        {PROGRAM + 32 + 24, 7, "writable and executable"},
        {PROGRAM + 64 + 8, BASE + 0x11000, "shares the 64 KB page"},
        {RODATA, 0x00030001, "import slot"},
        {TEXT + 0x20, 0x01000001, "import thunk"},
        {SECTIONS + 40 * 4 + 20, 17, ".xthunk"},
        {SECTIONS + 40 + 12, 0x90000000, ".ximport"},
        {SECTIONS + 40 + 20, 0x7FFFFFF0, ".ximport"},
        {SECTIONS + 40, 0x1000, "no name"},
        {SECTIONS + 40 * 8 + 16, 0x6F0, "symbols"},
        {SYMBOLS + 16 + 4, 0x1000, "function symbol"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *elf = make_elf(), *out;
        size_t size;
        struct error err = {0};
        be32_set(elf + cases[i].offset, cases[i].value);
        if (xex_pack(&(struct xex_pack_params){.elf = elf, .elf_size = ELF_SIZE}, &out, &size, &err))
            fail_msg("0x%x = 0x%x was packed", cases[i].offset, cases[i].value);
        if (!strstr(err.message, cases[i].words) || strchr(err.message, '\n'))
            fail_msg("0x%x = 0x%x: %s", cases[i].offset, cases[i].value, err.message);
        assert_null(out);
        free(elf);
    }
}

static void pack_any(const uint8_t *elf, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1), *out;
    size_t made;
    struct error err = {0};
    assert_non_null(copy);
    memcpy(copy, elf, size);
    if (xex_pack(&(struct xex_pack_params){.elf = copy, .elf_size = size}, &out, &made, &err)) {
        struct xex *x; // what was packed can be read
        if (!xex_open(&x, out, made, NULL, &err))
            fail_msg("%s", err.message);
        xex_close(x);
    } else {
        assert_true(*err.message);
    }
    free(out);
    free(copy);
}

static void test_extreme_elfs(void **state)
{
    (void)state;
    static const uint32_t values[] = {0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x82010000, 0x10000};
    uint8_t *elf = make_elf();
    for (size_t size = 0; size < ELF_SIZE; size += size < 0x400 ? 1 : 5)
        pack_any(elf, size);
    for (uint32_t at = 16; at < RODATA + 12; at += 4) {
        uint32_t old = be32_get(elf + at);
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            be32_set(elf + at, values[i]);
            pack_any(elf, ELF_SIZE);
        }
        be32_set(elf + at, old);
    }
    free(elf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_bad_elfs),
        cmocka_unit_test(test_extreme_elfs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
