// Imports from base.xex (or -DBASE=...), and from the title that loads it. As it is compiled (-DKIND=...): 0 exports; 1 refuses to start; 2 needs
// a DLL that is not there; 3 needs an export that is not there; 4 and 5 need each other; 6 needs the one that refuses;
// 7 needs base alone.
#include <stdio.h>
#include <xenolith/module.h>
#include <xenolith/xboxkrnl.h>

#ifndef KIND
#define KIND 0
#endif
#ifndef NAME
#define NAME "middle"
#endif
#ifndef BASE
#define BASE "base.xex"
#endif

int base_add(int n);
extern int *const __imp_base_total;
int from_elsewhere(void);

XENOLITH_LIBRARY(3, BASE);
XENOLITH_IMPORT(3, 1, base_add);
XENOLITH_IMPORT_DATA(3, 2, base_total);
#if KIND == 0
XENOLITH_LIBRARY(4, "chain.xex");
XENOLITH_IMPORT(4, 5, from_elsewhere);
#elif KIND == 2
XENOLITH_LIBRARY(4, "absent.xex");
XENOLITH_IMPORT(4, 1, from_elsewhere);
#elif KIND == 3
XENOLITH_IMPORT(3, 99, from_elsewhere);
#elif KIND == 4
XENOLITH_LIBRARY(4, "circle5.xex");
XENOLITH_IMPORT(4, 1, from_elsewhere);
#elif KIND == 5
XENOLITH_LIBRARY(4, "circle4.xex");
XENOLITH_IMPORT(4, 1, from_elsewhere);
#elif KIND == 6
XENOLITH_LIBRARY(4, "refuses-base.xex");
XENOLITH_IMPORT(4, 1, from_elsewhere);
#else
int from_elsewhere(void)
{
    return 0;
}
#endif

BOOLEAN DllMain(void *module, uint32_t reason, void *reserved)
{
    (void)module, (void)reserved;
    printf("  " NAME ": %s, base's total %d\n", reason == DLL_PROCESS_ATTACH ? "attached" : "detached", base_add(1));
    return KIND != 1;
}

static int twice(int n)
{
    return base_add(n) + base_add(n) + from_elsewhere() + *__imp_base_total;
}

XENOLITH_EXPORT(1, twice);
