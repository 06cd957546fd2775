// A DLL that tests/guest/modules/host.c loads: exports, calls of the kernel, memory of its own, told when it comes and goes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenolith/module.h>
#include <xenolith/xboxkrnl.h>

#ifndef REFUSES
#define REFUSES 0
#endif

static int counter = 40;
static char zeros[3000];
static void *own;

BOOLEAN DllMain(void *module, uint32_t reason, void *reserved)
{
    own = module;
    printf("  plugin: %s, counter %d, reserved %p\n", reason == DLL_PROCESS_ATTACH ? "attached" : "detached", counter, reserved);
    return !REFUSES;
}

static int count(void)
{
    return ++counter;
}

static char *join(const char *a, const char *b)
{
    char *out = malloc(strlen(a) + strlen(b) + 1);
    return out ? strcat(strcpy(out, a), b) : NULL;
}

static int call_back(int (*function)(int), int value)
{
    return function(value) + zeros[value];
}

static void *handle(void)
{
    return own;
}

static const char text[] = "data of the plugin";
XENOLITH_EXPORT(1, count);
XENOLITH_EXPORT(2, join);
XENOLITH_EXPORT(3, call_back);
XENOLITH_EXPORT(4, handle);
XENOLITH_EXPORT(9, text);
