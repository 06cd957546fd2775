// A recompiler with a mistake, for tests/shadow.py: the real one, whose path is in XENOLITH_REAL, told another constant for the
// first `addi rD, rA, N` of each unit where XENOLITH_WRONG is set.
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/recompiler/interface.h"

static const struct rc_api *real;

static void spoil(struct rc_plan *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->insns[i].word >> 26 == 14 && (p->insns[i].word >> 16 & 31)) {
            p->insns[i].word ^= 8;
            return;
        }
}

static bool compile(struct rc *rc, const struct rc_plan *plans, uint32_t count, enum rc_tier tier, struct rc_code *out, struct error *err)
{
    struct rc_plan wrong = plans[0];
    wrong.insns = malloc(wrong.count * sizeof *wrong.insns);
    if (count != 1 || !wrong.insns || !getenv("XENOLITH_WRONG")) {
        free(wrong.insns);
        return real->compile(rc, plans, count, tier, out, err);
    }
    memcpy(wrong.insns, plans[0].insns, wrong.count * sizeof *wrong.insns);
    spoil(&wrong);
    bool ok = real->compile(rc, &wrong, 1, tier, out, err);
    free(wrong.insns);
    return ok;
}

const struct rc_api *xenolith_recompiler(void)
{
    static struct rc_api api;
    const char *path = getenv("XENOLITH_REAL");
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    const struct rc_api *(*door)(void);
    if (!library)
        abort();
    *(void **)&door = dlsym(library, "xenolith_recompiler");
    if (!door)
        abort();
    real = door();
    api = *real;
    api.compile = compile;
    return &api;
}
