// A title that imports from middle.xex, which imports from base.xex and from the title; then loads DLLs that need others, and such
// whose needs are not to be had.
#include <inttypes.h>
#include <stdio.h>
#include <xenolith/module.h>
#include <xenolith/xboxkrnl.h>

int middle_twice(int n);
uint64_t base_multiply(uint64_t a, int shift, double scale);
extern int *const __imp_base_total;

XENOLITH_LIBRARY(3, "middle.xex");
XENOLITH_IMPORT(3, 1, middle_twice);
XENOLITH_LIBRARY(4, "base.xex");
XENOLITH_IMPORT_DATA(4, 2, base_total);
XENOLITH_IMPORT(4, 7, base_multiply);

static int failures;

static void check(const char *what, uint32_t have, uint32_t want)
{
    printf("%s: 0x%x%s\n", what, (unsigned)have, have == want ? "" : " WRONG");
    failures += have != want;
}

static int own(void)
{
    return 1000;
}
XENOLITH_EXPORT(5, own);

static void load_and_unload(const char *name)
{
    void *module = NULL, *again = NULL;
    check(name, (uint32_t)XexLoadImage(name, 8, 0, &module), 0);
    check("there", (uint32_t)XexGetModuleHandle(name, &again), 0);
    check("gone", (uint32_t)XexUnloadImage(module), 0);
    check("not there", (uint32_t)XexGetModuleHandle(name, &again), 0xC0000135);
}

int main(void)
{
    void *module = NULL;
    printf("main\n");
    check("data of another image", (uint32_t)*__imp_base_total, 101);
    check("through two images and back", (uint32_t)middle_twice(10), 111 + 121 + 1000 + 121);
    printf("wide arguments: %" PRIu64 "\n", base_multiply(0x100000001, 4, 0.5));
    failures += base_multiply(0x100000001, 4, 0.5) != 0x800000008;
    load_and_unload("extra.xex");
    check("base stays", (uint32_t)XexGetModuleHandle("base.xex", &module), 0);
    load_and_unload("late.xex");
    check("late's own base went with it", (uint32_t)XexGetModuleHandle("late-base.xex", &module), 0xC0000135);
    check("refuses", (uint32_t)XexLoadImage("refuses.xex", 8, 0, &module), 0xC0000142);
    check("a need of it refuses", (uint32_t)XexLoadImage("needs-refuser.xex", 8, 0, &module), 0xC0000142);
    check("neither is there", (uint32_t)XexGetModuleHandle("needs-refuser.xex", &module), 0xC0000135);
    check("neither is there", (uint32_t)XexGetModuleHandle("refuses-base.xex", &module), 0xC0000135);
    check("needs what is absent", (uint32_t)XexLoadImage("needs-absent.xex", 8, 0, &module), 0xC0000135);
    check("needs an absent export", (uint32_t)XexLoadImage("needs-export.xex", 8, 0, &module), 0xC000007B);
    check("a circle", (uint32_t)XexLoadImage("circle4.xex", 8, 0, &module), 0xC000007B);
    check("base's total", (uint32_t)*__imp_base_total, 125);
    printf("%d failures\n", failures);
    return failures ? 1 : 0;
}
