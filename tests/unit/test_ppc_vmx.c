// The vector instructions against vectors: those recorded on a console, and our own from an independent model
// (tests/vectors/make_vmx.py). Each case is one instruction and a blr; the lines are those of `xenolith exec`.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "ppc/semantics/all.h"

typedef void op_function(struct ppc_state *s, uint8_t *m, uint32_t insn, uint32_t pc);

#define PLAIN_OP(id)                                                                                                   \
    static void run_##id(struct ppc_state *s, uint8_t *m, uint32_t insn, uint32_t pc)                                  \
    {                                                                                                                  \
        op_##id(s, m, insn, pc);                                                                                       \
    }
#define OPCODE(id, text, value, mask, kind, variant, operands) PLAIN_OP(id)
#include "ppc/opcodes.def"
#undef OPCODE

static op_function *const ops[PPC_OPCODE_COUNT] = {
#define OPCODE(id, text, value, mask, kind, variant, operands) run_##id,
#include "ppc/opcodes.def"
#undef OPCODE
};

enum { DATA = 0x10000000, DATA_BYTES = 0x10000 };

struct bench {
    uint8_t *memory; // 4 GiB reserved; only DATA is accessible
    unsigned run, failed;
    unsigned covered[PPC_OPCODE_COUNT];
};

static int make_bench(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->memory = mmap(NULL, (size_t)1 << 32, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(b->memory != MAP_FAILED);
    assert_int_equal(mprotect(b->memory + DATA, DATA_BYTES, PROT_READ | PROT_WRITE), 0);
    *state = b;
    return 0;
}

static int drop_bench(void **state)
{
    struct bench *b = *state;
    munmap(b->memory, (size_t)1 << 32);
    free(b);
    return 0;
}

// ---- Values by name

static unsigned nibble(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
}

static union ppc_vector parse_number(const char *text)
{
    union ppc_vector v = {0};
    for (text += 2; *text && *text != '"'; text++) {
        v.d[1] = v.d[1] << 4 | v.d[0] >> 60;
        v.d[0] = v.d[0] << 4 | nibble(*text);
    }
    return v;
}

static void put(struct ppc_state *s, const char *name, union ppc_vector v)
{
    if (name[0] == 'v' && name[1] != 's')
        s->vr[atoi(name + 1)] = v;
    else if (name[0] == 'r')
        s->gpr[atoi(name + 1)] = v.d[0];
    else if (!strcmp(name, "cr"))
        ppc_set_cr(s, v.w[0]);
    else if (!strcmp(name, "vscr"))
        ppc_set_vscr(s, v.w[0]);
    else
        fail_msg("register %s", name);
}

static union ppc_vector get(const struct ppc_state *s, const char *name)
{
    union ppc_vector v = {0};
    if (name[0] == 'v' && name[1] != 's')
        v = s->vr[atoi(name + 1)];
    else if (name[0] == 'r')
        v.d[0] = s->gpr[atoi(name + 1)];
    else if (!strcmp(name, "cr"))
        v.w[0] = ppc_cr(s);
    else if (!strcmp(name, "vscr"))
        v.w[0] = ppc_vscr(s);
    else
        fail_msg("register %s", name);
    return v;
}

// Calls `each` with the name and the value's text of every pair in the object that `key` names. No object: no calls.
typedef void pair_function(void *user, const char *name, const char *value);

static void each_pair(const char *line, const char *key, pair_function *each, void *user)
{
    const char *at = strstr(line, key);
    if (!at)
        return;
    at = strchr(at, '{') + 1;
    const char *end = strchr(at, '}');
    while (at < end && (at = strchr(at, '"')) && at < end) {
        char name[64];
        size_t length = strcspn(at + 1, "\"");
        assert_true(length < sizeof name);
        memcpy(name, at + 1, length);
        name[length] = 0;
        const char *value = strchr(at + length + 2, '"') + 1;
        each(user, name, value);
        at = strchr(value, '"') + 1;
    }
}

struct run {
    struct bench *bench;
    struct ppc_state s;
    const char *line;
    bool wrong;
};

static void set_register(void *user, const char *name, const char *value)
{
    struct run *r = user;
    put(&r->s, name, parse_number(value));
}

static void set_memory(void *user, const char *name, const char *value)
{
    struct run *r = user;
    uint32_t address = (uint32_t)strtoul(name, NULL, 16);
    for (; *value != '"'; value += 2)
        r->bench->memory[address++] = (uint8_t)(nibble(value[0]) << 4 | nibble(value[1]));
}

static void complain(struct run *r, const char *name, union ppc_vector want, union ppc_vector got)
{
    r->wrong = true;
    if (r->bench->failed < 40)
        print_error("%s: want %016llx%016llx, got %016llx%016llx in %s", name, (unsigned long long)want.d[1],
                    (unsigned long long)want.d[0], (unsigned long long)got.d[1], (unsigned long long)got.d[0], r->line);
}

static void check(void *user, const char *name, const char *value)
{
    struct run *r = user;
    union ppc_vector want = parse_number(value), got = {0};
    if (!strncmp(name, "mem:", 4)) {
        char *rest;
        uint32_t address = (uint32_t)strtoul(name + 4, &rest, 16), length = (uint32_t)strtoul(rest + 1, NULL, 0);
        want = (union ppc_vector){0};
        for (uint32_t i = 0; i < length; i++) { // at most 16 bytes a key
            want.b[15 - i] = (uint8_t)(nibble(value[2 * i]) << 4 | nibble(value[2 * i + 1]));
            got.b[15 - i] = r->bench->memory[address + i];
        }
    } else
        got = get(&r->s, name);
    if (memcmp(&want, &got, sizeof want))
        complain(r, name, want, got);
}

static void run_line(struct bench *b, const char *line)
{
    const char *code = strstr(line, "\"code\":\"");
    assert_non_null(code);
    uint32_t insn = (uint32_t)strtoul(code + 8, NULL, 16);
    enum ppc_opcode op = ppc_decode(insn);
    assert_true(op != PPC_OP_INVALID);
    struct run r = {.bench = b, .line = line};
    ppc_state_init(&r.s);
    memset(b->memory + DATA, 0, DATA_BYTES);
    each_pair(line, "\"in\":", set_register, &r);
    each_pair(line, "\"mem\":", set_memory, &r);
    ops[op](&r.s, b->memory, insn, 0x80000000);
    assert_int_equal(r.s.exit, 0);
    each_pair(line, "\"expect\":", check, &r);
    b->run++;
    b->failed += r.wrong;
    b->covered[op]++;
}

static void run_stream(struct bench *b, FILE *in, bool vectors_only)
{
    char line[4096];
    while (fgets(line, sizeof line, in)) {
        const char *name = strstr(line, "\"name\":\"");
        if (name && (!vectors_only || name[8] == 'v'))
            run_line(b, line);
    }
}

// The model's vectors, made on the fly.
static FILE *open_own(void)
{
    char command[4096];
    const char *source = getenv("XENOLITH_SOURCE");
    snprintf(command, sizeof command, "python3 '%s/tests/vectors/make_vmx.py'", source ? source : ".");
    return popen(command, "r");
}

// ---- Tests

static void test_console(void **state)
{
    struct bench *b = *state;
    char command[4096];
    const char *source = getenv("XENOLITH_SOURCE");
    snprintf(command, sizeof command, "%s/../shared/vectors/console.jsonl.zst", source ? source : ".");
    FILE *in = fopen(command, "r");
    if (!in) {
        print_message("SKIPPED: no %s\n", command);
        skip();
    }
    fclose(in);
    snprintf(command, sizeof command, "zstdcat '%s/../shared/vectors/console.jsonl.zst'", source ? source : ".");
    in = popen(command, "r");
    assert_non_null(in);
    b->run = b->failed = 0;
    run_stream(b, in, true);
    assert_int_equal(pclose(in), 0);
    print_message("%u cases, %u failed\n", b->run, b->failed);
    assert_true(b->run > 20000);
    assert_int_equal(b->failed, 0);
}

// Own vectors alone reach every vector instruction.
static void test_own(void **state)
{
    struct bench *b = *state;
    b->run = b->failed = 0;
    memset(b->covered, 0, sizeof b->covered);
    FILE *in = open_own();
    assert_non_null(in);
    run_stream(b, in, false);
    assert_int_equal(pclose(in), 0);
    print_message("%u cases, %u failed\n", b->run, b->failed);
    unsigned rows = 0, missing = 0;
    for (unsigned i = PPC_OP_lvebx; i <= PPC_OP_vxor128; i++, rows++) {
        if (b->covered[i])
            continue;
        print_error("no case for %s\n", ppc_opcodes[i].text);
        missing++;
    }
    assert_int_equal(rows, 237);
    assert_int_equal(missing, 0);
    assert_int_equal(b->failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_console), cmocka_unit_test(test_own)};
    return cmocka_run_group_tests(tests, make_bench, drop_bench);
}
