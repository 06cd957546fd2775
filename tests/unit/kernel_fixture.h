// kernel_fixture.h: a booted kernel without a title, a hand-made thread whose calls the tests make, and a page for
// their data.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/api.h"
#include "kernel/state.h"

enum { DATA_BYTES = 0x20000 };

struct fixture {
    struct mem *mem;
    struct cpu *cpu;
    struct stor *storage;
    struct kernel *k;
    struct krnl_call c;
    gva data; // DATA_BYTES of guest memory, zeroed
    char folder[64];
    char printed[256]; // what DbgPrint gave last
    bool pad;          // a pad is in port 0
};

static inline void fixture_print(void *user, const char *text)
{
    struct fixture *x = user;
    snprintf(x->printed, sizeof x->printed, "%s", text);
}

static inline uint32_t fixture_pad(void *user, uint32_t port, uint8_t state[16])
{
    const struct fixture *x = user;
    if (!x->pad || port)
        return 0x48F;
    memset(state, 0, 16);
    state[3] = 7; // packet number
    return 0;
}

static inline int fixture_setup_profile(void **state, enum krnl_profile profile)
{
    struct fixture *x = calloc(1, sizeof *x);
    struct error err = {0};
    *state = x;
    strcpy(x->folder, "/tmp/xenolith-kernel-XXXXXX");
    if (!mkdtemp(x->folder) || !mem_create(&x->mem, &err) || !cpu_create(&x->cpu, x->mem, &err) ||
        !stor_create(&x->storage, &err) ||
        !stor_mount_host(x->storage, "\\Device\\Harddisk0\\Partition1", x->folder, false, &err))
        return -1;
    stor_link(x->storage, "game:", "\\Device\\Harddisk0\\Partition1");
    stor_link(x->storage, "d:", "\\Device\\Harddisk0\\Partition1");
    struct krnl_config config = {.profile = profile,
                                 .on_missing = KRNL_MISSING_CONTINUE,
                                 .boot_time = 127770912000000000,
                                 .title_name = "test.xex",
                                 .print = fixture_print,
                                 .print_user = x,
                                 .input = {x, fixture_pad}};
    if (!krnl_create(&x->k, &config, x->mem, x->cpu, x->storage, NULL, NULL, &err) || !krnl_boot(x->k, &err))
        return -1;
    uint32_t handle;
    struct krnl_thread_params p = {.stack_bytes = 0x10000, .guest = true, .suspended = true};
    struct krnl_thread *t = krnl_thread_new(x->k, &p, &handle);
    struct mem_request request = {
        .heap = MEM_V40000000, .size = DATA_BYTES, .state = MEM_RESERVED | MEM_COMMITTED, .protect = MEM_READ_WRITE};
    if (!t || !mem_allocate(x->mem, &request, &x->data, &err))
        return -1;
    x->c = (struct krnl_call){
        .k = x->k, .mem = x->mem, .thread = t, .cpu = &t->cpu, .row = exp_find_name(EXP_XBOXKRNL, "NtCreateFile")};
    return 0;
}

static inline int fixture_setup(void **state)
{
    return fixture_setup_profile(state, KRNL_CONSOLE);
}

static inline int fixture_setup_reference(void **state)
{
    return fixture_setup_profile(state, KRNL_REFERENCE);
}

static inline int fixture_teardown(void **state)
{
    struct fixture *x = *state;
    char command[96];
    krnl_destroy(x->k);
    stor_destroy(x->storage);
    cpu_destroy(x->cpu);
    mem_destroy(x->mem);
    snprintf(command, sizeof command, "rm -r %s", x->folder);
    int rc = system(command);
    free(x);
    return rc;
}

static inline uint32_t word_at(const struct fixture *x, gva at)
{
    uint32_t value = 0xDEADDEAD;
    assert_true(mem_get32(x->mem, at, &value));
    return value;
}

static inline uint64_t double_word_at(const struct fixture *x, gva at)
{
    uint64_t value = 0;
    assert_true(mem_get64(x->mem, at, &value));
    return value;
}

static inline gva put_text(struct fixture *x, gva at, const char *text)
{
    assert_true(mem_write(x->mem, at, text, (uint32_t)strlen(text) + 1));
    return at;
}

static inline gva put_wide(struct fixture *x, gva at, const char *text)
{
    for (size_t i = 0; i <= strlen(text); i++)
        assert_true(mem_set16(x->mem, at + 2 * (uint32_t)i, (uint8_t)text[i]));
    return at;
}

static inline const char *text_at(const struct fixture *x, gva at)
{
    static char text[1024];
    assert_true(mem_get_string(x->mem, at, text, sizeof text));
    return text;
}

static inline const char *wide_at(const struct fixture *x, gva at)
{
    static char text[1024];
    for (unsigned i = 0; i < sizeof text; i++) {
        uint16_t unit = 0;
        assert_true(mem_get16(x->mem, at + 2 * i, &unit));
        text[i] = (char)unit;
        if (!unit)
            break;
    }
    return text;
}

// An ANSI_STRING at `at`, its text behind it.
static inline gva put_ansi(struct fixture *x, gva at, const char *text)
{
    mem_set16(x->mem, at, (uint16_t)strlen(text));
    mem_set16(x->mem, at + 2, (uint16_t)(strlen(text) + 1));
    mem_set32(x->mem, at + 4, at + 16);
    put_text(x, at + 16, text);
    return at;
}

// OBJECT_ATTRIBUTES with the name behind it.
static inline gva put_attributes(struct fixture *x, gva at, uint32_t root, const char *name)
{
    mem_set32(x->mem, at, root);
    mem_set32(x->mem, at + 4, put_ansi(x, at + 16, name));
    mem_set32(x->mem, at + 8, 0x40);
    return at;
}
