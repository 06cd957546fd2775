// fuzz_exports: calls exports with random, unaligned, unmapped, device, overlapping and sometimes right arguments. exports.inc
// (made by tests/guest_fuzz.py) has a row {module, ordinal, name} for each that is implemented.
#include <stdio.h>

#include "fuzz.h"

static const struct {
    uint8_t module;
    uint16_t ordinal;
    const char *name;
} exports[] = {
#include "exports.inc"
};

enum { EXPORTS = sizeof exports / sizeof *exports, CALLS = 12, ROUNDS = 60 };

typedef uint32_t function(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);

static uint32_t modules[3];
static uint32_t last_pointer, last_handle, last_result;

static uint32_t text(void)
{
    static const char *const texts[] = {
        "game:\\a.txt", "game:\\..\\..\\x", "\\Device\\Harddisk0\\Partition1\\Media", "d:\\", "\\??\\game:\\new", "xboxkrnl.exe", "%s%n%S%d%*.*f",
        "%999999999d", "", "\\", "*", "game:\\canary",
    };
    const char *chosen = texts[below(sizeof texts / sizeof *texts)];
    if (below(2))
        return (uint32_t)chosen;
    ANSI_STRING *s = (ANSI_STRING *)(arena + (below(sizeof arena - 64) & ~3u));
    OBJECT_ATTRIBUTES *o = (OBJECT_ATTRIBUTES *)(s + 1);
    *s = (ANSI_STRING){(uint16_t)(below(8) ? strlen(chosen) : next()), (uint16_t)(strlen(chosen) + 1), (char *)(uintptr_t)chosen};
    *o = (OBJECT_ATTRIBUTES){below(2) ? 0 : 0xFFFFFFFD, s, 0x40};
    return below(3) ? (uint32_t)o : (uint32_t)s;
}

static uint32_t argument(void)
{
    switch (below(14)) {
    case 0: return 0;
    case 1: return below(20);
    case 2: return 1u << below(32);
    case 3: return next();
    case 4: return place();
    case 5: return 0xF8000000 + 4 * below(24);
    case 6: return last_handle;
    case 7: return last_pointer; // overlaps
    case 8: return last_result;
    case 9: return 0xFFFFFFFF - below(4);
    case 10: return text();
    default: return last_pointer = buffer();
    }
}

static void fill(void)
{
    uint32_t *words = (uint32_t *)arena;
    for (uint32_t i = 0; i < sizeof arena / 4; i++)
        words[i] = below(3) ? 0 : below(2) ? buffer() : argument();
}

static uint32_t batch(void *context)
{
    (void)context;
    for (int i = 0; i < CALLS; i++) {
        uint32_t row = below(EXPORTS);
        function *f = NULL;
        if (XexGetProcedureAddress((void *)(uintptr_t)modules[exports[row].module], exports[row].ordinal, (void **)&f) || !f)
            continue;
        last_result = f(argument(), argument(), argument(), argument(), argument(), argument(), argument(), argument());
        if (last_result >= 0xF8000000 && last_result < 0xF8001000)
            last_handle = last_result;
    }
    return 0;
}

int main(int argc, char **argv)
{
    seed_from(argc ? argv[0] : "0");
    static const char *const names[] = {"xboxkrnl.exe", "xam.xex", "xbdm.xex"};
    for (int i = 0; i < 3; i++)
        if (XexGetModuleHandle(names[i], (void **)&modules[i]))
            printf("no module %s\n", names[i]);
    fill();
    // In threads, because a call may wait for ever, or end its thread.
    for (int round = 0; round < ROUNDS; round++) {
        HANDLE thread = 0;
        int64_t timeout = -10000;
        if (ExCreateThread(&thread, 0x8000, NULL, NULL, batch, NULL, 0) < 0)
            break;
        last_handle = thread;
        NtWaitForSingleObjectEx(thread, 1, 0, &timeout);
    }
    printf("survived\n");
    return 0;
}
