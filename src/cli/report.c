#include "cli/report.h"

#include <inttypes.h>

#include "cli/symbols.h"
#include "exports/exports.h"

enum { BACKTRACE = 24 };

static void print_registers(FILE *out, const struct ppc_state *s)
{
    fprintf(out, "  pc %08x  lr %08x  ctr %08x  cr %08x  xer %08x  msr %08x\n", s->pc, (uint32_t)s->lr, (uint32_t)s->ctr, ppc_cr(s),
            ppc_xer(s), (uint32_t)s->msr);
    for (unsigned i = 0; i < 32; i++)
        fprintf(out, "%s r%-2u %016" PRIx64 "%s", i % 4 ? "" : " ", i, s->gpr[i], i % 4 == 3 ? "\n" : "");
}

static void print_backtrace(FILE *out, struct kernel *k, const struct krnl_thread *t, const struct symbols *names)
{
    gva frames[BACKTRACE];
    unsigned n = krnl_backtrace(k, t, frames, BACKTRACE);
    fputs(n ? "backtrace (return addresses):\n" : "backtrace (return addresses): none\n", out);
    for (unsigned i = 0; i < n; i++) {
        char name[300];
        symbols_describe(names, frames[i], name, sizeof name);
        fprintf(out, "  %08x%s%s\n", frames[i], *name ? "  " : "", name);
    }
}

static void print_thread(FILE *out, struct kernel *k, const struct krnl_thread *t, const struct symbols *names)
{
    struct krnl_thread_view v;
    krnl_thread_view(k, t, &v);
    fprintf(out, "thread %u (%s) on hardware thread %u, KTHREAD %08x, stack %08x-%08x, started at %08x\n", v.tid, v.state, v.hw, v.kthread,
            v.stack_limit, v.stack_base, v.start_address);
    print_registers(out, v.cpu);
    print_backtrace(out, k, t, names);
}

static void print_waits(FILE *out, struct kernel *k)
{
    for (const struct krnl_thread *t = NULL; (t = krnl_thread_next(k, t));) {
        struct krnl_thread_view v;
        krnl_thread_view(k, t, &v);
        if (!v.guest)
            continue;
        fprintf(out, "  thread %u: %s", v.tid, v.state);
        for (unsigned i = 0; i < v.wait_count; i++)
            fprintf(out, "%s%08x", i ? ", " : " for ", v.wait_objects[i]);
        fprintf(out, ", pc %08x, lr %08x\n", v.cpu->pc, (uint32_t)v.cpu->lr);
    }
}

void cli_report(FILE *out, struct sys *s, const struct krnl_result *result, const char *map, const char *older)
{
    struct kernel *k = sys_kernel(s);
    struct symbols names = {0};
    struct error err = {0};
    fprintf(out, "xenolith run: %s\n", result->message);
    symbols_add_title(&names, sys_title(s), NULL);
    if (map && !symbols_add_map(&names, map, &err))
        fprintf(out, "xenolith run: %s\n", err.message);
    symbols_settle(&names);
    fprintf(out, "after %" PRIu64 " instructions, %.6f s of virtual time, %" PRIu64 " frames\n", krnl_instructions(k),
            (double)krnl_now(k) / 3.2e9, krnl_frames(k));
    if (result->thread)
        print_thread(out, k, result->thread, &names);
    if (older)
        fprintf(out, "the registers above, but pc, may be older than the fault, which is in optimised code: %s\n", older);
    fputs("threads of the title:\n", out);
    print_waits(out, k);
    symbols_finish(&names);
}

void cli_report_missing(FILE *out, struct kernel *k)
{
    for (size_t i = 0; i < exp_row_count; i++)
        if (exp_rows[i].state == EXP_ABSENT && krnl_calls(k, i))
            fprintf(out, "absent export called: %s (%s ordinal 0x%x), %" PRIu64 " times\n", exp_rows[i].name,
                    exp_module_name(exp_rows[i].module), exp_rows[i].ordinal, krnl_calls(k, i));
}
