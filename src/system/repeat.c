// A run again, for the registers that optimised code left behind at a fault: runs repeat exactly, in any tier.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "system/state.h"

enum { BEYOND = 1 << 24 }; // instructions behind the fault, more than a slice has: the limit changes nothing before it

static struct sys *create_quiet(const struct sys *first, struct error *err)
{
    struct sys *s = calloc(1, sizeof *s);
    if (!s) {
        error_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    s->first = first;
    s->config = first->config;
    s->config.log = NULL;
    s->config.print = NULL;
    s->config.trace_path = NULL;
    s->config.trace_gpu = false;
    if (!s->config.instruction_limit)
        s->config.instruction_limit = krnl_instructions(first->kernel) + BEYOND;
    if (sys_build(s, err))
        return s;
    sys_destroy(s);
    return NULL;
}

// With the other console's registers all is as it is there, or nothing changes.
static bool take(struct sys *s, struct sys *other, const struct krnl_thread *t, const struct krnl_thread *better)
{
    struct krnl_thread_view v, w;
    char ours[33], theirs[33];
    krnl_thread_view(s->kernel, t, &v);
    krnl_thread_view(other->kernel, better, &w);
    struct ppc_state old = *v.cpu;
    krnl_set_registers(s->kernel, v.tid, w.cpu);
    if (v.tid == w.tid && sys_state_hash(s, ours) && sys_state_hash(other, theirs) && !strcmp(ours, theirs))
        return true;
    krnl_set_registers(s->kernel, v.tid, &old);
    return false;
}

static bool run_again(struct sys *s, struct sys *other, const struct krnl_result *result, struct error *err)
{
    struct krnl_result again;
    sys_run(other, &again);
    if (again.stop == KRNL_STOP_TIME)
        return error_set(err, ERR_STATE, "the time limit passed in a second run");
    if (again.stop == result->stop && again.thread && take(s, other, result->thread, again.thread))
        return true;
    return error_set(err, ERR_STATE, "a second run ended otherwise, after %" PRIu64 " instructions (%.200s), which is a defect of Xenolith unless the title's files have changed",
                     krnl_instructions(other->kernel), again.message);
}

bool sys_find_registers(struct sys *s, const struct krnl_result *result, struct error *err)
{
    if (stor_changed(s->storage))
        return error_set(err, ERR_STATE, "the title may have changed its files, so no second run is the same");
    if (!result->thread)
        return error_set(err, ERR_STATE, "no thread caused the end");
    struct sys *other = create_quiet(s, err);
    bool ok = other && run_again(s, other, result, err);
    sys_destroy(other);
    return ok;
}
