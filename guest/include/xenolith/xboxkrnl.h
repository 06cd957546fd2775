// xboxkrnl.h: the kernel. The prototypes of all typed exports are made from the tables when the SDK is built
// (xboxkrnl_exports.h); an export without types can be declared and called the same way: every name links. Arguments of up to
// 32 bits are passed alike by this compiler and by the Xbox 360; where an export takes 64-bit or floating-point arguments or
// more than eight, the import is a bridge (docs/xex.md, "Calling the kernel"). Variable arguments: <xenolith/arguments.h>.
//
// An export that is a variable has a slot `__imp_NAME` that the loader fills with the variable's address.
#pragma once
#include <xenolith/types.h>
#include <xenolith/xboxkrnl_exports.h>

#ifdef __cplusplus
extern "C" {
#endif

// Debug output. Formats on this side, so that every conversion of stdio.h works.
int xenolith_debug_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define DbgPrint xenolith_debug_print

// ---- Variables
extern const char *const __imp_ExLoadedCommandLine;
#define ExLoadedCommandLine __imp_ExLoadedCommandLine
extern const volatile TIME_STAMP_BUNDLE *const __imp_KeTimeStampBundle;
#define KeTimeStampBundle (*__imp_KeTimeStampBundle)

extern void *const *const __imp_XexExecutableModuleHandle;
#define XexExecutableModuleHandle (*__imp_XexExecutableModuleHandle)

// The running thread's object, from the processor's control region (r13, which is never written).
static inline KTHREAD *KeGetCurrentThread(void)
{
    KTHREAD *thread;
    __asm__("lwz %0, 0x100(13)" : "=r"(thread));
    return thread;
}

// The timebase: 50 MHz.
static inline uint64_t xenolith_timebase(void)
{
    uint32_t high, low;
    __asm__ volatile("mftb %1\n\tsrdi %0, %1, 32" : "=r"(high), "=r"(low));
    return (uint64_t)high << 32 | low;
}

#ifdef __cplusplus
}
#endif
