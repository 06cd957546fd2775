// xboxkrnl.h: kernel exports with prototypes written by hand. Any other export can be declared and called the same way:
// every name of the export tables links. Arguments of up to 32 bits are passed alike by this compiler and by the Xbox 360;
// where an export takes 64-bit arguments or more than eight, the import is a bridge (docs/xex.md, "Calling the kernel").
//
// An export that is a variable has a slot `__imp_NAME` that the loader fills with the variable's address.
#pragma once
#include <xenolith/types.h>

#ifdef __cplusplus
extern "C" {
#endif

// Debug output. Formats on this side, so that every conversion of stdio.h works.
int xenolith_debug_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define DbgPrint xenolith_debug_print

// ---- Memory
uint32_t MmAllocatePhysicalMemory(uint32_t flags, uint32_t size, uint32_t protect);
uint32_t MmAllocatePhysicalMemoryEx(uint32_t flags, uint32_t size, uint32_t protect, uint32_t min_address,
                                    uint32_t max_address, uint32_t alignment);
void MmFreePhysicalMemory(uint32_t type, uint32_t address);
uint32_t MmGetPhysicalAddress(uint32_t address);
uint32_t MmQueryAddressProtect(uint32_t address);
uint32_t MmCreateKernelStack(uint32_t size, uint32_t flags); // returns the high end
NTSTATUS MmDeleteKernelStack(uint32_t high, uint32_t low);
uint32_t ExAllocatePool(uint32_t size);
uint32_t ExAllocatePoolTypeWithTag(uint32_t size, uint32_t tag, uint32_t type);
void ExFreePool(uint32_t address);
NTSTATUS NtAllocateVirtualMemory(void **base, uint32_t *size, uint32_t type, uint32_t protect, uint32_t debug);
NTSTATUS NtFreeVirtualMemory(void **base, uint32_t *size, uint32_t type, uint32_t debug);

// ---- Threads
// With `startup` NULL the thread begins at start(context); returning from it ends the thread.
NTSTATUS ExCreateThread(HANDLE *handle, uint32_t stack_size, uint32_t *thread_id, void *startup,
                        uint32_t (*start)(void *context), void *context, uint32_t flags);
NTSTATUS ExTerminateThread(uint32_t exit_code);
NTSTATUS NtResumeThread(HANDLE thread, uint32_t *previous_count);
NTSTATUS NtSuspendThread(HANDLE thread, uint32_t *previous_count);
NTSTATUS NtYieldExecution(void);
// Negative intervals are relative, in 100 ns.
NTSTATUS KeDelayExecutionThread(uint32_t mode, uint32_t alertable, const int64_t *interval);
uint32_t KeQueryPerformanceFrequency(void);
void KeQuerySystemTime(uint64_t *time);

// ---- Objects with handles
NTSTATUS NtClose(HANDLE handle);
NTSTATUS NtCreateEvent(HANDLE *event, OBJECT_ATTRIBUTES *attributes, uint32_t type, uint32_t initial_state);
NTSTATUS NtSetEvent(HANDLE event, int32_t *previous_state);
NTSTATUS NtClearEvent(HANDLE event);
NTSTATUS NtPulseEvent(HANDLE event, int32_t *previous_state);
NTSTATUS NtCreateSemaphore(HANDLE *semaphore, OBJECT_ATTRIBUTES *attributes, int32_t count, int32_t limit);
NTSTATUS NtReleaseSemaphore(HANDLE semaphore, int32_t count, int32_t *previous_count);
NTSTATUS NtCreateMutant(HANDLE *mutant, OBJECT_ATTRIBUTES *attributes, uint32_t initial_owner);
NTSTATUS NtReleaseMutant(HANDLE mutant, int32_t *previous_count);
NTSTATUS NtWaitForSingleObjectEx(HANDLE object, uint32_t mode, uint32_t alertable, const int64_t *timeout);
NTSTATUS NtWaitForMultipleObjectsEx(uint32_t count, const HANDLE *objects, uint32_t type, uint32_t mode,
                                    uint32_t alertable, const int64_t *timeout);

// ---- Objects in the program's memory
void KeInitializeEvent(KEVENT *event, uint32_t type, uint32_t initial_state);
int32_t KeSetEvent(KEVENT *event, uint32_t increment, uint32_t wait);
int32_t KeResetEvent(KEVENT *event);
void KeInitializeSemaphore(KSEMAPHORE *semaphore, int32_t count, int32_t limit);
int32_t KeReleaseSemaphore(KSEMAPHORE *semaphore, uint32_t increment, int32_t count, uint32_t wait);
NTSTATUS KeWaitForSingleObject(void *object, uint32_t reason, uint32_t mode, uint32_t alertable,
                               const int64_t *timeout);
// `wait_blocks` may be NULL for up to three objects.
NTSTATUS KeWaitForMultipleObjects(uint32_t count, void *const *objects, uint32_t type, uint32_t reason, uint32_t mode,
                                  uint32_t alertable, const int64_t *timeout, void *wait_blocks);

// ---- Variables
extern const char *const __imp_ExLoadedCommandLine;
#define ExLoadedCommandLine __imp_ExLoadedCommandLine
extern const volatile TIME_STAMP_BUNDLE *const __imp_KeTimeStampBundle;
#define KeTimeStampBundle (*__imp_KeTimeStampBundle)

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
