// types.h: scalars and structures of the kernel's interface. Big-endian, 32-bit pointers, natural alignment.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef int32_t NTSTATUS;
typedef uint32_t HANDLE;

#define STATUS_SUCCESS ((NTSTATUS)0x00000000)
#define STATUS_WAIT_0 ((NTSTATUS)0x00000000)
#define STATUS_WAIT_1 ((NTSTATUS)0x00000001)
#define STATUS_TIMEOUT ((NTSTATUS)0x00000102)
#define STATUS_MUTANT_NOT_OWNED ((NTSTATUS)0xC0000046)
#define STATUS_SEMAPHORE_LIMIT_EXCEEDED ((NTSTATUS)0xC0000047)
#define NT_SUCCESS(status) ((NTSTATUS)(status) >= 0)

enum { // allocation types
    MEM_COMMIT = 0x1000,
    MEM_RESERVE = 0x2000,
    MEM_DECOMMIT = 0x4000,
    MEM_RELEASE = 0x8000,
    MEM_TOP_DOWN = 0x100000,
    MEM_NOZERO = 0x800000,
    MEM_LARGE_PAGES = 0x20000000, // 64 KB
};
#define MEM_16MB_PAGES 0x80000000u

enum { // protections
    PAGE_NOACCESS = 0x01,
    PAGE_READONLY = 0x02,
    PAGE_READWRITE = 0x04,
    PAGE_NOCACHE = 0x200,
    PAGE_WRITECOMBINE = 0x400,
};

enum { NotificationEvent = 0, SynchronizationEvent = 1 }; // manual reset, auto reset
enum { WaitAll = 0, WaitAny = 1 };
enum { KernelMode = 0, UserMode = 1 };
enum { CREATE_SUSPENDED = 1 }; // ExCreateThread; bits 31-24 are a mask of hardware threads

typedef struct LIST_ENTRY {
    struct LIST_ENTRY *Flink, *Blink;
} LIST_ENTRY;

typedef struct DISPATCHER_HEADER {
    uint8_t Type, Absolute, Size, Inserted;
    int32_t SignalState;
    LIST_ENTRY WaitListHead;
} DISPATCHER_HEADER;

typedef struct KEVENT {
    DISPATCHER_HEADER Header;
} KEVENT;

typedef struct KSEMAPHORE {
    DISPATCHER_HEADER Header;
    int32_t Limit;
} KSEMAPHORE;

typedef struct ANSI_STRING {
    uint16_t Length, MaximumLength;
    char *Buffer;
} ANSI_STRING;

typedef struct OBJECT_ATTRIBUTES {
    HANDLE RootDirectory;
    ANSI_STRING *ObjectName;
    uint32_t Attributes;
} OBJECT_ATTRIBUTES;

// Refreshed by the kernel every millisecond.
typedef struct TIME_STAMP_BUNDLE {
    uint64_t InterruptTime, SystemTime; // 100 ns
    uint32_t TickCount;                 // ms
} TIME_STAMP_BUNDLE;
