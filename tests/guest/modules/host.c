// Loads plugin.xex (tests/guest/modules/plugin.c) from its own folder and uses it, twice; then what cannot be loaded.
#include <stdio.h>
#include <stdlib.h>
#include <xenolith/module.h>
#include <xenolith/xboxkrnl.h>

static int failures;

static void check(const char *what, uint32_t have, uint32_t want)
{
    printf("%s: 0x%x%s\n", what, (unsigned)have, have == want ? "" : " WRONG");
    failures += have != want;
}

static void *find(void *module, uint32_t ordinal)
{
    void *function = NULL;
    NTSTATUS status = XexGetProcedureAddress(module, ordinal, &function);
    printf("ordinal %u: 0x%08x, %s\n", (unsigned)ordinal, (unsigned)status, function ? "found" : "none");
    return function;
}

static int square(int n)
{
    return n * n;
}

static int own_export(void)
{
    return 77;
}
XENOLITH_EXPORT(5, own_export);

static void use(const char *name)
{
    void *module = NULL, *again = NULL, *named = NULL, *none = NULL;
    check("load", (uint32_t)XexLoadImage(name, 8, 0, &module), 0);
    int (*count)(void) = (int (*)(void))find(module, 1);
    char *(*join)(const char *, const char *) = (char *(*)(const char *, const char *))find(module, 2);
    int (*call_back)(int (*)(int), int) = (int (*)(int (*)(int), int))find(module, 3);
    void *(*handle)(void) = (void *(*)(void))find(module, 4);
    const char *text = find(module, 9);
    if (!count || !join || !call_back || !handle || !text)
        exit(90);
    count();
    check("count", (uint32_t)count(), 42);
    char *joined = join("to", "gether");
    printf("%s, %s\n", joined, text);
    check("called back", (uint32_t)call_back(square, 12), 144);
    check("its own handle", handle() == module, 1);
    find(module, 5);
    find(module, 10);
    find(module, 0);
    check("again", (uint32_t)XexLoadImage("PLUGIN.XEX", 8, 0, &again), 0);
    check("the same", again == module, 1);
    check("by name", (uint32_t)XexGetModuleHandle("plugin.xex", &named), 0);
    check("the same", named == module, 1);
    check("unload once", (uint32_t)XexUnloadImage(module), 0);
    check("still there", (uint32_t)count(), 43);
    check("unload twice", (uint32_t)XexUnloadImage(module), 0);
    check("by name", (uint32_t)XexGetModuleHandle("plugin.xex", &none), 0xC0000135);
    check("unload three times", (uint32_t)XexUnloadImage(module), 0xC0000008);
}

int main(void)
{
    void *module = NULL, *kernel = NULL, *function = NULL;
    use("game:\\plugin.xex");
    use("plugin.xex");
    check("refuses", (uint32_t)XexLoadImage("game:\\refuses.xex", 8, 0, &module), 0xC0000142);
    check("no handle", XexGetModuleHandle("refuses.xex", &module) == 0, 0);
    check("absent", (uint32_t)XexLoadImage("game:\\absent.xex", 8, 0, &module), 0xC0000135);
    check("outside", (uint32_t)XexLoadImage("game:\\..\\..\\etc\\passwd", 8, 0, &module), 0xC0000135);
    check("no executable", (uint32_t)XexLoadImage("game:\\text.xex", 8, 0, &module), 0xC000007B);
    check("a title", (uint32_t)XexLoadImage("game:\\host.xex", 8, 0, &module), 0xC000007B);
    check("its place is taken", (uint32_t)XexLoadImage("game:\\taken.xex", 8, 0, &module), 0xC0000018);
    check("bad name", (uint32_t)XexLoadImage((const char *)0x10, 8, 0, &module), 0xC0000005);
    check("system module", (uint32_t)XexLoadImage("xboxkrnl.exe", 0, 0, &kernel), 0);
    check("by name", (uint32_t)XexGetProcedureAddress(kernel, (uint32_t)"KeGetCurrentProcessType", &function), 0);
    check("it runs", ((uint32_t (*)(void))function)(), 1);
    check("own export", (uint32_t)XexGetProcedureAddress(XexExecutableModuleHandle, 5, &function), 0);
    check("it runs", (uint32_t)((int (*)(void))function)(), 77);
    printf("%d failures\n", failures);
    return failures ? 1 : 0;
}
