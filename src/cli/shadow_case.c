#include "cli/shadow_case.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"

enum { MOST_WORDS = 1 << 14 }; // of a vector's code

struct named {
    const char *name;
    uint64_t interpreter, compiled;
};

static void explain_registers(FILE *out, struct ppc_state *a, struct ppc_state *b)
{
    const struct named named[] = {
        {"pc", a->pc, b->pc}, {"time", a->cycles, b->cycles}, {"exit", a->exit, b->exit}, {"lr", a->lr, b->lr}, {"ctr", a->ctr, b->ctr},
        {"cr", ppc_cr(a), ppc_cr(b)}, {"xer", ppc_xer(a), ppc_xer(b)}, {"fpscr", ppc_fpscr(a), ppc_fpscr(b)},
        {"vscr", ppc_vscr(a), ppc_vscr(b)}, {"msr", a->msr, b->msr}, {"vrsave", a->vrsave, b->vrsave},
        {"reserved", a->reserved, b->reserved}, {"fault", a->fault_address, b->fault_address},
    };
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (named[i].interpreter != named[i].compiled)
            fprintf(out, "  %s: %" PRIx64 ", compiled %" PRIx64 "\n", named[i].name, named[i].interpreter, named[i].compiled);
    for (int i = 0; i < 32; i++) {
        if (a->gpr[i] != b->gpr[i])
            fprintf(out, "  r%d: %016" PRIx64 ", compiled %016" PRIx64 "\n", i, a->gpr[i], b->gpr[i]);
        if (a->fpr[i] != b->fpr[i])
            fprintf(out, "  f%d: %016" PRIx64 ", compiled %016" PRIx64 "\n", i, a->fpr[i], b->fpr[i]);
    }
    for (int i = 0; i < 128; i++)
        if (memcmp(&a->vr[i], &b->vr[i], sizeof a->vr[i]) != 0)
            fprintf(out, "  v%d: %016" PRIx64 "%016" PRIx64 ", compiled %016" PRIx64 "%016" PRIx64 "\n", i, a->vr[i].d[1], a->vr[i].d[0],
                    b->vr[i].d[1], b->vr[i].d[0]);
}

void shadow_case_explain(FILE *out, const struct cpu_difference *d)
{
    struct ppc_state a = *d->interpreter, b = *d->compiled;
    fprintf(out, "the tiers differ in %s: code from 0x%08x on, at time %" PRIu64 ", instructions 0x%08x to 0x%08x\n", d->what, d->before->pc,
            d->before->cycles, d->low, d->high);
    explain_registers(out, &a, &b);
    for (size_t i = 0; i < d->line_count; i++)
        for (unsigned j = 0; j < CPU_LINE_BYTES; j++)
            if (d->lines[i].interpreter[j] != d->lines[i].compiled[j])
                fprintf(out, "  memory 0x%08x: %02x, compiled %02x (before: %02x)\n", d->lines[i].address + j, d->lines[i].interpreter[j],
                        d->lines[i].compiled[j], d->lines[i].before[j]);
}

static void put_registers(FILE *f, const struct ppc_state *state)
{
    struct ppc_state s = *state;
    for (int i = 0; i < 32; i++)
        fprintf(f, "\"r%d\": \"0x%" PRIx64 "\", \"f%d\": \"0x%" PRIx64 "\", ", i, s.gpr[i], i, s.fpr[i]);
    for (int i = 0; i < 128; i++)
        fprintf(f, "\"v%d\": \"0x%016" PRIx64 "%016" PRIx64 "\", ", i, s.vr[i].d[1], s.vr[i].d[0]);
    fprintf(f, "\"cr\": \"0x%x\", \"xer\": \"0x%x\", \"lr\": \"0x%" PRIx64 "\", \"ctr\": \"0x%" PRIx64 "\", \"fpscr\": \"0x%x\", \"vscr\": \"0x%x\", ",
            ppc_cr(&s), ppc_xer(&s), s.lr, s.ctr, ppc_fpscr(&s), ppc_vscr(&s));
    fprintf(f, "\"msr\": \"0x%" PRIx64 "\", \"vrsave\": \"0x%x\"", s.msr, s.vrsave);
}

static void put_bytes(FILE *f, const uint8_t *bytes)
{
    for (unsigned i = 0; i < CPU_LINE_BYTES; i++)
        fprintf(f, "%02x", bytes[i]);
}

static bool put(FILE *f, const struct cpu_difference *d)
{
    uint32_t word;
    if (d->high < d->low || (d->high - d->low) / 4 >= MOST_WORDS)
        return false;
    fprintf(f, "{\"name\": \"shadow-%08x\", \"base\": \"0x%08x\", \"entry\": \"0x%08x\", \"time\": \"%" PRIu64 "\", \"cycles\": \"%" PRIu64
            "\", \"code\": \"", d->before->pc, d->low, d->before->pc, d->before->cycles, d->interpreter->cycles - d->before->cycles);
    for (gva at = d->low; at <= d->high; at += 4)
        fprintf(f, "%08x", mem_get32(d->mem, at, &word) ? word : 0);
    fputs("\", \"in\": {", f);
    put_registers(f, d->before);
    fputs("}, \"mem\": {", f);
    for (size_t i = 0; i < d->line_count; i++) {
        fprintf(f, "%s\"0x%08x\": \"", i ? ", " : "", d->lines[i].address);
        put_bytes(f, d->lines[i].before);
        fputc('"', f);
    }
    fputs("}, \"expect\": {", f);
    put_registers(f, d->interpreter);
    for (size_t i = 0; i < d->line_count; i++) {
        fprintf(f, ", \"mem:0x%08x:%d\": \"", d->lines[i].address, CPU_LINE_BYTES);
        put_bytes(f, d->lines[i].interpreter);
        fputc('"', f);
    }
    fputs("}}\n", f);
    return true;
}

bool shadow_case_write(const char *path, const struct cpu_difference *d)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return false;
    bool ok = put(f, d) && !ferror(f);
    return fclose(f) == 0 && ok;
}
