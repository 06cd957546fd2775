// For LD_PRELOAD: a host whose kernel (before Linux 5.9) lets no program set the bases of segments by itself.
#include <dlfcn.h>
#include <sys/auxv.h>

__attribute__((visibility("default"))) unsigned long getauxval(unsigned long type)
{
    enum { FSGSBASE = 2 };
    unsigned long (*real)(unsigned long);
    *(void **)&real = dlsym(RTLD_NEXT, "getauxval");
    return real(type) & ~(type == AT_HWCAP2 ? (unsigned long)FSGSBASE : 0);
}
