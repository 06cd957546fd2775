// xenolith exec: runs test vectors, one JSON object a line, and prints one JSON result a line. The form is in
// docs/cpu.md.
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "cli/cli.h"
#include "cpu/cpu.h"
#include "memory/memory.h"
#include "ppc/ppc.h"

enum {
    DATA_BASE = 0x10000000,
    DATA_SIZE = 0x10000,
    BUDGET = 10000000,   // instructions of one case
    MAX_WORDS = 1 << 14, // code of one case
    MAX_BYTES = 1 << 24, // of one entry of "mem", or of one value
    MAX_BLOCKS = 64,
};

static const gva default_base = 0x80000000;
static const gva return_address = 0xBCBCBCBC; // unmapped: fetching there is the end of a case

// Pages that are mapped now.
struct block {
    gva base;
    uint32_t size;
};

struct runner {
    struct runner *plain; // the interpreter's, for registers that optimised code does not know; NULL: none was needed yet
    struct mem *mem;
    struct cpu *cpu;
    struct json_tokener *tokener;
    struct block blocks[MAX_BLOCKS]; // the first is the data block, the second the block of the last code
    unsigned block_count;
    gva code;            // where the last code was
    uint32_t code_bytes; // its length
    bool wandered;       // it may have run elsewhere
    bool quiet;
    enum cpu_tier tier;
    unsigned long passed, failed;
    unsigned long line;
};

// ---- Values: any register or piece of memory as lower-case hex digits without leading zeros, so that equal numbers
// have equal texts.

enum field_kind {
    FIELD_GPR,
    FIELD_FPR,
    FIELD_VR,
    FIELD_CR,
    FIELD_XER,
    FIELD_LR,
    FIELD_CTR,
    FIELD_FPSCR,
    FIELD_VSCR,
    FIELD_MSR,
    FIELD_VRSAVE,
    FIELD_MEMORY,
};

struct field {
    enum field_kind kind;
    unsigned index;
    uint32_t address, size; // FIELD_MEMORY
};

static const struct {
    const char *name;
    enum field_kind kind;
} special_fields[] = {
    {"cr", FIELD_CR},       {"xer", FIELD_XER},   {"lr", FIELD_LR},   {"ctr", FIELD_CTR},
    {"fpscr", FIELD_FPSCR}, {"vscr", FIELD_VSCR}, {"msr", FIELD_MSR}, {"vrsave", FIELD_VRSAVE},
};

static bool parse_number(const char *text, unsigned limit, unsigned *out)
{
    if (!*text || strlen(text) > 3 || strspn(text, "0123456789") != strlen(text))
        return false;
    *out = (unsigned)strtoul(text, NULL, 10);
    return *out < limit;
}

static bool parse_u32(const char *text, char **end, uint32_t *out)
{
    errno = 0;
    unsigned long long v = strtoull(text, end, 0);
    *out = (uint32_t)v;
    return *end != text && *text != '-' && *text != '+' && *text != ' ' && !errno && v <= UINT32_MAX;
}

static bool parse_memory_field(const char *text, struct field *out)
{
    char *end;
    out->kind = FIELD_MEMORY;
    if (!parse_u32(text, &end, &out->address) || *end != ':')
        return false;
    return parse_u32(end + 1, &end, &out->size) && !*end && out->size && out->size <= MAX_BYTES;
}

static bool parse_field(const char *name, struct field *out)
{
    *out = (struct field){0};
    for (size_t i = 0; i < sizeof special_fields / sizeof *special_fields; i++)
        if (!strcmp(name, special_fields[i].name)) {
            out->kind = special_fields[i].kind;
            return true;
        }
    if (!strncmp(name, "mem:", 4))
        return parse_memory_field(name + 4, out);
    switch (name[0]) {
    case 'r':
        out->kind = FIELD_GPR;
        return parse_number(name + 1, 32, &out->index);
    case 'f':
        out->kind = FIELD_FPR;
        return parse_number(name + 1, 32, &out->index);
    case 'v':
        out->kind = FIELD_VR;
        return parse_number(name + 1, 128, &out->index);
    default:
        return false;
    }
}

static unsigned field_digits(const struct field *f)
{
    switch (f->kind) {
    case FIELD_GPR:
    case FIELD_FPR:
    case FIELD_LR:
    case FIELD_CTR:
    case FIELD_MSR:
        return 16;
    case FIELD_VR:
        return 32;
    case FIELD_MEMORY:
        return 2 * f->size;
    default:
        return 8;
    }
}

static const char *significant(const char *digits)
{
    while (*digits == '0')
        digits++;
    return digits;
}

// The digits of a JSON value, without leading zeros, in `out` (size MAX digits of the field + 1). A number or a string:
// 0x and hex digits, else decimal digits; vectors and memory are hex also without 0x, and may contain spaces.
static bool value_digits(json_object *value, const struct field *f, char *out, size_t size)
{
    if (json_object_is_type(value, json_type_int)) {
        uint64_t v =
            json_object_get_int64(value) < 0 ? (uint64_t)json_object_get_int64(value) : json_object_get_uint64(value);
        char digits[17];
        snprintf(digits, sizeof digits, "%" PRIx64, v);
        return (size_t)snprintf(out, size, "%s", significant(digits)) < size;
    }
    if (!json_object_is_type(value, json_type_string))
        return false;
    const char *text = json_object_get_string(value);
    bool hex = f->kind == FIELD_VR || f->kind == FIELD_MEMORY;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        text += 2;
        hex = true;
    }
    if (!*text)
        return false;
    if (!hex) {
        char *end, digits[17];
        errno = 0;
        unsigned long long v = strtoull(text, &end, 10);
        if (*end || errno || *text == '-' || *text == '+' || *text == ' ')
            return false;
        snprintf(digits, sizeof digits, "%llx", v);
        return (size_t)snprintf(out, size, "%s", significant(digits)) < size;
    }
    size_t n = 0;
    for (; *text; text++) {
        char c = *text;
        if (c == ' ' || (n == 0 && c == '0'))
            continue;
        if (c >= 'A' && c <= 'F')
            c = (char)(c - 'A' + 'a');
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) || n + 1 >= size)
            return false;
        out[n++] = c;
    }
    out[n] = 0;
    return true;
}

static bool set_field(struct ppc_state *s, const struct field *f, json_object *value)
{
    char digits[33];
    if (f->kind == FIELD_MEMORY || !value_digits(value, f, digits, sizeof digits) || strlen(digits) > field_digits(f))
        return false;
    char padded[33];
    memset(padded, '0', 32);
    padded[32] = 0;
    memcpy(padded + 32 - strlen(digits), digits, strlen(digits));
    uint64_t low = strtoull(padded + 16, NULL, 16);
    padded[16] = 0;
    uint64_t high = strtoull(padded, NULL, 16);
    switch (f->kind) {
    case FIELD_GPR:
        s->gpr[f->index] = low;
        break;
    case FIELD_FPR:
        s->fpr[f->index] = low;
        break;
    case FIELD_VR:
        s->vr[f->index].d[0] = low;
        s->vr[f->index].d[1] = high;
        break;
    case FIELD_CR:
        ppc_set_cr(s, (uint32_t)low);
        break;
    case FIELD_XER:
        ppc_set_xer(s, (uint32_t)low);
        break;
    case FIELD_LR:
        s->lr = low;
        break;
    case FIELD_CTR:
        s->ctr = low;
        break;
    case FIELD_FPSCR:
        ppc_set_fpscr(s, (uint32_t)low);
        break;
    case FIELD_VSCR:
        ppc_set_vscr(s, (uint32_t)low);
        break;
    case FIELD_MSR:
        s->msr = low;
        break;
    case FIELD_VRSAVE:
        s->vrsave = (uint32_t)low;
        break;
    case FIELD_MEMORY:
        break;
    }
    return true;
}

// All digits of the field's value, leading zeros included. The caller frees. NULL: memory that is not mapped.
static char *get_field(struct runner *r, struct ppc_state *s, const struct field *f)
{
    unsigned count = field_digits(f);
    char *out = malloc(count + 1);
    if (!out)
        return NULL;
    uint64_t low = 0, high = 0;
    switch (f->kind) {
    case FIELD_GPR:
        low = s->gpr[f->index];
        break;
    case FIELD_FPR:
        low = s->fpr[f->index];
        break;
    case FIELD_VR:
        low = s->vr[f->index].d[0];
        high = s->vr[f->index].d[1];
        break;
    case FIELD_CR:
        low = ppc_cr(s);
        break;
    case FIELD_XER:
        low = ppc_xer(s);
        break;
    case FIELD_LR:
        low = s->lr;
        break;
    case FIELD_CTR:
        low = s->ctr;
        break;
    case FIELD_FPSCR:
        low = ppc_fpscr(s);
        break;
    case FIELD_VSCR:
        low = ppc_vscr(s);
        break;
    case FIELD_MSR:
        low = s->msr;
        break;
    case FIELD_VRSAVE:
        low = s->vrsave;
        break;
    case FIELD_MEMORY: {
        const uint8_t *bytes = mem_at(r->mem, f->address, f->size, MEM_READ);
        if (!bytes) {
            free(out);
            return NULL;
        }
        for (uint32_t i = 0; i < f->size; i++)
            snprintf(out + 2 * i, 3, "%02x", bytes[i]);
        return out;
    }
    }
    if (count == 32)
        snprintf(out, count + 1, "%016" PRIx64 "%016" PRIx64, high, low);
    else
        snprintf(out, count + 1, "%0*" PRIx64, (int)count, low);
    return out;
}

// ---- Memory

static bool map_pages(struct runner *r, gva address, uint32_t size, struct error *err)
{
    uint32_t page = mem_page_size(address);
    if (!page)
        return error_set(err, ERR_FORMAT, "0x%08x belongs to no memory", address);
    uint64_t end = (uint64_t)address + (size ? size : 1);
    if (end > (uint64_t)1 << 32)
        return error_set(err, ERR_FORMAT, "0x%08x + 0x%x leaves the address space", address, size);
    for (uint64_t at = address & ~(page - 1); at < end; at += page) {
        if (mem_valid(r->mem, (gva)at, page, MEM_READ_WRITE))
            continue;
        if (r->block_count == MAX_BLOCKS)
            return error_set(err, ERR_FORMAT, "more than %d blocks of memory in one case", MAX_BLOCKS);
        if (!mem_allocate_at(r->mem, (gva)at, page, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, err))
            return false;
        r->blocks[r->block_count++] = (struct block){(gva)at, page};
    }
    return true;
}

// Unmaps what the last case mapped but the data block and, where the next code lies in it, the code block; clears
// those.
static void reset_memory(struct runner *r, gva code)
{
    unsigned keep = 1;
    if (r->block_count > 1 && code - r->blocks[1].base < r->blocks[1].size)
        keep = 2;
    for (unsigned i = 0; i < keep; i++) {
        void *host = mem_at(r->mem, r->blocks[i].base, r->blocks[i].size, MEM_READ_WRITE);
        if (host)
            memset(host, 0, r->blocks[i].size);
    }
    for (unsigned i = 0; i < r->block_count; i++) {
        if (r->wandered || i >= keep)
            cpu_invalidate(r->cpu, r->blocks[i].base, r->blocks[i].size);
        if (i >= keep)
            mem_release(r->mem, r->blocks[i].base, NULL, NULL);
    }
    r->block_count = keep;
    cpu_invalidate(r->cpu, r->code, r->code_bytes);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// Writes hex bytes ("0x" and spaces allowed) to guest memory, which it maps.
static bool put_bytes(struct runner *r, gva address, const char *text, struct error *err)
{
    size_t length = strlen(text);
    if (length > 2u * MAX_BYTES)
        return error_set(err, ERR_FORMAT, "more than %d bytes at 0x%08x", MAX_BYTES, address);
    uint8_t *bytes = malloc(length / 2 + 1);
    if (!bytes)
        return error_set(err, ERR_MEMORY, "no memory");
    uint32_t count = 0;
    int half = -1;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    bool good = true;
    for (; *text && good; text++) {
        if (*text == ' ')
            continue;
        int digit = hex_digit(*text);
        good = digit >= 0;
        if (half < 0)
            half = digit;
        else {
            bytes[count++] = (uint8_t)(half << 4 | digit);
            half = -1;
        }
    }
    if (!good || half >= 0)
        error_set(err, ERR_FORMAT, "bytes at 0x%08x are not pairs of hex digits", address);
    else if (!map_pages(r, address, count, err))
        good = false;
    else if (count && !mem_write(r->mem, address, bytes, count))
        good = error_set(err, ERR_FORMAT, "cannot write at 0x%08x", address);
    good = good && half < 0;
    free(bytes);
    return good;
}

// ---- One case

struct test {
    const char *name;
    json_object *out, *expect;
    struct ppc_state state;
    gva base, entry;
    uint64_t time;   // at the start
    uint64_t cycles; // the case ends at the first safepoint behind so many; 0: where it returns to
    bool has_lr;
};

static bool number_u32(json_object *value, uint32_t *out)
{
    char *end;
    if (json_object_is_type(value, json_type_int)) {
        int64_t v = json_object_get_int64(value);
        *out = (uint32_t)v;
        return v >= 0 && v <= UINT32_MAX;
    }
    return json_object_is_type(value, json_type_string) && parse_u32(json_object_get_string(value), &end, out) && !*end;
}

// Code without branches that ends with blr was decoded nowhere but where it is.
static bool may_wander(uint32_t word, bool last)
{
    enum { BLR = 0x4E800020 };
    unsigned primary = word >> 26;
    return last ? word != BLR : primary == 16 || primary == 18 || primary == 19;
}

static bool store_word(struct runner *r, struct test *t, unsigned index, uint32_t word, struct error *err)
{
    gva at = t->base + 4 * index;
    if (index >= MAX_WORDS || at < t->base)
        return error_set(err, ERR_FORMAT, "\"code\": more than %d words, or beyond the address space", MAX_WORDS);
    if (!mem_set32(r->mem, at, word) && (!map_pages(r, at, 4, err) || !mem_set32(r->mem, at, word)))
        return false;
    r->code_bytes += 4;
    return true;
}

static bool load_code(struct runner *r, struct test *t, json_object *code, struct error *err)
{
    if (!json_object_is_type(code, json_type_string))
        return error_set(err, ERR_FORMAT, "\"code\" is missing or not a string of hex words");
    const char *text = json_object_get_string(code);
    unsigned count = 0;
    uint32_t value = 0;
    r->code = t->base;
    r->code_bytes = 0;
    r->wandered = false;
    for (;;) {
        text += strspn(text, " \t\n,");
        if (!*text)
            break;
        size_t length = strcspn(text, " \t\n,");
        const char *word = text;
        text += length;
        if (length > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X')) {
            word += 2;
            length -= 2;
        }
        if (length % 8 || strspn(word, "0123456789abcdefABCDEF") < length)
            return error_set(err, ERR_FORMAT, "\"code\": word %u is not 8 hex digits", count);
        for (; length; word += 8, length -= 8, count++) {
            char digits[9] = {0};
            memcpy(digits, word, 8);
            if (count)
                r->wandered |= may_wander(value, false);
            value = (uint32_t)strtoul(digits, NULL, 16);
            if (!store_word(r, t, count, value, err))
                return false;
        }
    }
    r->wandered |= may_wander(value, true);
    cpu_invalidate(r->cpu, r->code, r->code_bytes);
    return count || error_set(err, ERR_FORMAT, "\"code\" is empty");
}

static bool load_registers(struct test *t, json_object *in, struct error *err)
{
    if (in && !json_object_is_type(in, json_type_object))
        return error_set(err, ERR_FORMAT, "\"in\" is not an object");
    struct field f;
    if (in) {
        json_object_object_foreach(in, key, value)
        {
            if (!parse_field(key, &f) || f.kind == FIELD_MEMORY)
                return error_set(err, ERR_FORMAT, "\"in\": no register \"%.40s\"", key);
            if (!set_field(&t->state, &f, value))
                return error_set(err, ERR_FORMAT, "\"in\": bad value of \"%.40s\"", key);
            t->has_lr |= f.kind == FIELD_LR;
        }
    }
    if (!t->has_lr)
        t->state.lr = return_address;
    return true;
}

static bool load_memory(struct runner *r, json_object *mem, struct error *err)
{
    if (!mem)
        return true;
    if (!json_object_is_type(mem, json_type_object))
        return error_set(err, ERR_FORMAT, "\"mem\" is not an object");
    json_object_object_foreach(mem, key, value)
    {
        uint32_t address;
        char *end;
        if (!parse_u32(key, &end, &address) || *end)
            return error_set(err, ERR_FORMAT, "\"mem\": bad address \"%.40s\"", key);
        if (!json_object_is_type(value, json_type_string))
            return error_set(err, ERR_FORMAT, "\"mem\": the bytes at %.40s are not a string", key);
        if (!put_bytes(r, address, json_object_get_string(value), err))
            return false;
    }
    return true;
}

static bool number_u64(json_object *object, const char *key, uint64_t *out)
{
    json_object *value;
    if (!json_object_object_get_ex(object, key, &value))
        return true;
    const char *text = json_object_get_string(value);
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 0);
    return *text >= '0' && *text <= '9' && !*end && !errno && *out <= INT64_MAX;
}

// Where and when the case starts, and when it ends: what run --shadow writes.
static bool load_span(struct test *t, json_object *object, struct error *err)
{
    json_object *entry;
    t->entry = t->base;
    if (json_object_object_get_ex(object, "entry", &entry) && (!number_u32(entry, &t->entry) || t->entry & 3))
        return error_set(err, ERR_FORMAT, "\"entry\" is not a 32-bit address divisible by 4");
    if (!number_u64(object, "time", &t->time) || !number_u64(object, "cycles", &t->cycles) || t->cycles > BUDGET)
        return error_set(err, ERR_FORMAT, "\"time\" or \"cycles\" is not a number, or too large");
    return true;
}

static bool load(struct runner *r, struct test *t, json_object *object, struct error *err)
{
    json_object *base;
    t->base = default_base;
    if (json_object_object_get_ex(object, "base", &base) && (!number_u32(base, &t->base) || t->base & 3))
        return error_set(err, ERR_FORMAT, "\"base\" is not a 32-bit address divisible by 4");
    if (!load_span(t, object, err))
        return false;
    reset_memory(r, t->base);
    ppc_state_init(&t->state);
    if (!map_pages(r, t->base, 4, err) || !load_memory(r, json_object_object_get(object, "mem"), err) ||
        !load_code(r, t, json_object_object_get(object, "code"), err) ||
        !load_registers(t, json_object_object_get(object, "in"), err))
        return false;
    t->out = json_object_object_get(object, "out");
    t->expect = json_object_object_get(object, "expect");
    if (t->out && !json_object_is_type(t->out, json_type_array))
        return error_set(err, ERR_FORMAT, "\"out\" is not a list");
    if (t->expect && !json_object_is_type(t->expect, json_type_object))
        return error_set(err, ERR_FORMAT, "\"expect\" is not an object");
    return true;
}

static bool run(struct runner *r, struct test *t, struct error *err)
{
    struct ppc_state *s = &t->state;
    uint32_t end = (uint32_t)s->lr & ~3u, word = 0;
    s->pc = t->entry;
    s->cycles = t->time;
    s->slice_end = t->time + (t->cycles ? t->cycles : BUDGET);
    enum ppc_exit why = cpu_run(r->cpu, s);
    mem_get32(r->mem, s->pc, &word);
    switch (why) {
    case PPC_EXIT_FETCH:
        return s->pc == end || error_set(err, ERR_FORMAT, "jump to unmapped memory at 0x%08x", s->pc);
    case PPC_EXIT_ILLEGAL: // a given return address may be in the cleared memory
        return (t->has_lr && s->pc == end && !word) ||
               error_set(err, ERR_FORMAT, "illegal instruction 0x%08x at 0x%08x", word, s->pc);
    case PPC_EXIT_FAULT:
        return error_set(err, ERR_FORMAT, "%s fault at 0x%08x, pc 0x%08x", s->fault_write ? "write" : "read",
                         s->fault_address, s->pc);
    case PPC_EXIT_TRAP:
        return error_set(err, ERR_FORMAT, "trap at 0x%08x", s->pc);
    case PPC_EXIT_SYSCALL:
        return error_set(err, ERR_FORMAT, "system call at 0x%08x", s->pc - 4);
    default:
        if (t->cycles)
            return true;
        return error_set(err, ERR_FORMAT, "budget of %d instructions spent at 0x%08x", BUDGET, s->pc);
    }
}

static bool start(struct runner *r, struct error *err)
{
    r->tokener = json_tokener_new();
    if (!r->tokener)
        return error_set(err, ERR_MEMORY, "no memory");
    if (!mem_create(&r->mem, err) || !cpu_create(&r->cpu, r->mem, err) || !cpu_set_tier(r->cpu, r->tier, err) || !cpu_open_recompiler(r->cpu, err) ||
        !mem_allocate_at(r->mem, DATA_BASE, DATA_SIZE, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, err))
        return false;
    r->blocks[r->block_count++] = (struct block){DATA_BASE, DATA_SIZE};
    return true;
}

static void stop(struct runner *r)
{
    if (!r)
        return;
    stop(r->plain);
    free(r->plain);
    cpu_destroy(r->cpu);
    mem_destroy(r->mem);
    json_tokener_free(r->tokener);
}

static bool start_plain(struct runner *r, struct error *err)
{
    if (r->plain)
        return true;
    r->plain = calloc(1, sizeof *r->plain);
    if (!r->plain)
        return error_set(err, ERR_MEMORY, "no memory");
    if (start(r->plain, err))
        return true;
    stop(r->plain);
    free(r->plain);
    r->plain = NULL;
    return false;
}

// The case again, in the interpreter: its registers at a fault that the recompiler's code left them behind at.
static bool find_registers(struct runner *r, struct test *t, json_object *object, struct error *err)
{
    struct error end = {0}; // the fault
    struct test again = {0};
    if (!start_plain(r, err) || !load(r->plain, &again, object, err))
        return false;
    run(r->plain, &again, &end);
    if (again.state.cycles != t->state.cycles || again.state.pc != t->state.pc)
        return error_set(err, ERR_STATE, "the interpreter ends otherwise: %.200s", end.message);
    t->state = again.state;
    return true;
}

// ---- Results

static void add_value(struct runner *r, struct test *t, const char *key, json_object *to, struct error *err)
{
    struct field f;
    if (!parse_field(key, &f)) {
        error_set(err, ERR_FORMAT, "\"out\": no register \"%.40s\"", key);
        return;
    }
    char *digits = get_field(r, &t->state, &f);
    if (!digits) {
        error_set(err, ERR_FORMAT, "\"out\": \"%.40s\" is not mapped", key);
        return;
    }
    char text[40];
    if (f.kind != FIELD_MEMORY)
        snprintf(text, sizeof text, "0x%s", digits);
    json_object_object_add(to, key, json_object_new_string(f.kind == FIELD_MEMORY ? digits : text));
    free(digits);
}

static void collect(struct runner *r, struct test *t, json_object *to, struct error *err)
{
    if (t->out)
        for (size_t i = 0; i < json_object_array_length(t->out); i++) {
            json_object *name = json_object_array_get_idx(t->out, i);
            add_value(r, t, json_object_is_type(name, json_type_string) ? json_object_get_string(name) : "", to, err);
        }
    else if (t->expect) {
        json_object_object_foreach(t->expect, key, value)
        {
            (void)value;
            add_value(r, t, key, to, err);
        }
    }
}

// Puts the names and values of what differs into `wrong`.
static bool compare(struct runner *r, struct test *t, json_object *wrong, struct error *err)
{
    bool equal = true;
    json_object_object_foreach(t->expect, key, value)
    {
        struct field f;
        if (!parse_field(key, &f))
            return error_set(err, ERR_FORMAT, "\"expect\": no register \"%.40s\"", key);
        size_t size = field_digits(&f) + 1;
        char *want = malloc(size), *have = get_field(r, &t->state, &f);
        bool good = want && have;
        if (!have)
            error_set(err, ERR_FORMAT, "\"expect\": \"%.40s\" is not mapped", key);
        else if (want && !value_digits(value, &f, want, size))
            good = error_set(err, ERR_FORMAT, "\"expect\": bad value of \"%.40s\"", key);
        bool same = good && !strcmp(want, significant(have));
        if (good && !same)
            add_value(r, t, key, wrong, err);
        free(want);
        free(have);
        equal = equal && same;
        if (!good)
            return false;
    }
    return equal;
}

static void run_line(struct runner *r, const char *line, size_t length)
{
    struct error err = {0};
    static const char unnamed[] = "";
    json_tokener_reset(r->tokener);
    json_object *object = json_tokener_parse_ex(r->tokener, line, (int)length), *name;
    struct test t = {.name = unnamed};
    json_object *result = json_object_new_object(), *out = json_object_new_object(), *wrong = json_object_new_object();
    bool ok = false;
    if (json_tokener_get_error(r->tokener) != json_tokener_success)
        error_set(&err, ERR_FORMAT, "line %lu: %s", r->line,
                  json_tokener_error_desc(json_tokener_get_error(r->tokener)));
    else if (!json_object_is_type(object, json_type_object))
        error_set(&err, ERR_FORMAT, "line %lu is not a JSON object", r->line);
    else {
        if (json_object_object_get_ex(object, "name", &name) && json_object_is_type(name, json_type_string))
            t.name = json_object_get_string(name);
        ok = load(r, &t, object, &err);
        if (ok) {
            ok = run(r, &t, &err);
            if (!cpu_registers_known(r->cpu))
                find_registers(r, &t, object, &err);
            collect(r, &t, out, ok ? &err : NULL);
            ok = ok && !err.code && (!t.expect || compare(r, &t, wrong, &err));
        }
    }
    json_object_object_add(result, "name", json_object_new_string(t.name));
    json_object_object_add(result, "out", out);
    if (t.expect || !ok)
        json_object_object_add(result, "pass", json_object_new_boolean(ok));
    if (json_object_object_length(wrong))
        json_object_object_add(result, "wrong", json_object_get(wrong));
    if (err.code)
        json_object_object_add(result, "error", json_object_new_string(err.message));
    if (!ok || !r->quiet)
        puts(json_object_to_json_string_ext(result, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    *(ok ? &r->passed : &r->failed) += 1;
    json_object_put(result);
    json_object_put(wrong);
    json_object_put(object);
}

static void run_file(struct runner *r, FILE *in)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    while ((length = getline(&line, &capacity, in)) >= 0) {
        r->line++;
        if (strspn(line, " \t\r\n") == (size_t)length)
            continue;
        if (length < 1 << 28)
            run_line(r, line, (size_t)length);
    }
    free(line);
}

static int usage(FILE *out)
{
    fputs("usage: xenolith exec FILE.jsonl [--engine interpreter|recompiler|quick] [--quiet]\n\n"
          "Runs test vectors, one JSON object a line ('-' is standard input), and prints one result a line:\n"
          "  {\"name\", \"code\": \"hex words\", \"base\": \"0x80000000\", \"in\": {\"r3\", \"f1\", \"v2\", \"cr\", "
          "\"xer\", \"lr\", \"ctr\", \"fpscr\", \"vscr\"},\n"
          "   \"mem\": {\"0x10000000\": \"hex bytes\"}, \"out\": [\"r3\", \"mem:0x10000000:16\"], \"expect\": {\"r3\": "
          "\"0x..\"}}\n"
          "Engine recompiler is its optimised tier, quick the other one.\n"
          "--quiet prints failed cases only. The exit status is 1 if any failed.\n\n"
          "Example: xenolith exec vectors.jsonl --quiet\n",
          out);
    return out == stdout ? CLI_OK : CLI_USAGE;
}

static int bad_usage(const char *what, const char *argument)
{
    fprintf(stderr, "xenolith exec: %s '%s'\n", what, argument);
    return usage(stderr);
}

static bool parse_engine(const char *name, enum cpu_tier *out)
{
    static const struct {
        const char *name;
        enum cpu_tier tier;
    } engines[] = {{"interpreter", CPU_INTERPRETER}, {"recompiler", CPU_OPTIMISED}, {"quick", CPU_QUICK}};
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++)
        if (!strcmp(name, engines[i].name)) {
            *out = engines[i].tier;
            return true;
        }
    return false;
}

COMMAND(exec, "run instruction test vectors")
{
    struct runner r = {0};
    const char *path = NULL;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help"))
            return usage(stdout);
        if (!strcmp(argv[i], "--quiet"))
            r.quiet = true;
        else if (!strcmp(argv[i], "--engine")) {
            const char *engine = i + 1 < argc ? argv[++i] : "";
            if (!parse_engine(engine, &r.tier))
                return bad_usage("no engine", engine);
        } else if (!strncmp(argv[i], "--", 2) || path)
            return bad_usage("unexpected argument", argv[i]);
        else
            path = argv[i];
    }
    if (!path)
        return bad_usage("missing", "FILE.jsonl");
    FILE *in = strcmp(path, "-") ? fopen(path, "r") : stdin;
    if (!in) {
        fprintf(stderr, "xenolith exec: %s: %s\n", path, strerror(errno));
        return CLI_ERROR;
    }
    struct error err = {0};
    bool started = start(&r, &err);
    if (started)
        run_file(&r, in);
    else
        fprintf(stderr, "xenolith exec: %s\n", err.message);
    bool read_failed = ferror(in) != 0;
    if (in != stdin)
        fclose(in);
    struct cpu_stats compiled = {0};
    if (started)
        cpu_stats(r.cpu, &compiled);
    stop(&r);
    if (!started)
        return CLI_ERROR;
    if (read_failed) {
        fprintf(stderr, "xenolith exec: %s: cannot be read\n", path);
        return CLI_ERROR;
    }
    fprintf(stderr, "%lu passed, %lu failed", r.passed, r.failed);
    if (r.tier != CPU_INTERPRETER)
        fprintf(stderr, ", %" PRIu64 " units compiled, %" PRIu64 " could not be", compiled.units, compiled.failed);
    fputc('\n', stderr);
    return r.failed ? CLI_FAILED : CLI_OK;
}
