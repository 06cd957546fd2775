// types.h: scalars and structures of the kernel's interface. Big-endian, 32-bit pointers, natural alignment.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef int32_t NTSTATUS;
typedef uint32_t HANDLE;
typedef uint8_t BOOLEAN;
typedef uint16_t WCHAR; // UTF-16; not the compiler's wchar_t
typedef uint32_t KSPIN_LOCK;
typedef struct KTHREAD KTHREAD; // the kernel's own

#define STATUS_SUCCESS ((NTSTATUS)0x00000000)
#define STATUS_WAIT_0 ((NTSTATUS)0x00000000)
#define STATUS_WAIT_1 ((NTSTATUS)0x00000001)
#define STATUS_USER_APC ((NTSTATUS)0x000000C0)
#define STATUS_PENDING ((NTSTATUS)0x00000103)
#define STATUS_NO_MORE_FILES ((NTSTATUS)0x80000006)
#define STATUS_UNSUCCESSFUL ((NTSTATUS)0xC0000001)
#define STATUS_ACCESS_VIOLATION ((NTSTATUS)0xC0000005)
#define STATUS_INVALID_HANDLE ((NTSTATUS)0xC0000008)
#define STATUS_INVALID_PARAMETER ((NTSTATUS)0xC000000D)
#define STATUS_END_OF_FILE ((NTSTATUS)0xC0000011)
#define STATUS_ACCESS_DENIED ((NTSTATUS)0xC0000022)
#define STATUS_OBJECT_NAME_NOT_FOUND ((NTSTATUS)0xC0000034)
#define STATUS_OBJECT_NAME_COLLISION ((NTSTATUS)0xC0000035)
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

typedef struct UNICODE_STRING {
    uint16_t Length, MaximumLength; // bytes
    WCHAR *Buffer;
} UNICODE_STRING;

typedef struct OBJECT_ATTRIBUTES {
    HANDLE RootDirectory; // OBJ_DOS_DEVICES: names begin with a device such as game:
    ANSI_STRING *ObjectName;
    uint32_t Attributes;
} OBJECT_ATTRIBUTES;

#define OBJ_DOS_DEVICES ((HANDLE)0xFFFFFFFD)
enum { OBJ_CASE_INSENSITIVE = 0x40 };

typedef struct IO_STATUS_BLOCK {
    NTSTATUS Status;
    uint32_t Information; // bytes moved, or what became of the file
} IO_STATUS_BLOCK;

typedef struct RTL_CRITICAL_SECTION {
    DISPATCHER_HEADER Header;
    int32_t LockCount, RecursionCount;
    KTHREAD *OwningThread;
} RTL_CRITICAL_SECTION;

typedef struct KAPC {
    uint16_t Type;
    uint8_t ApcMode, Inserted;
    KTHREAD *Thread;
    LIST_ENTRY ApcListEntry;
    void *KernelRoutine, *RundownRoutine, *NormalRoutine, *NormalContext, *SystemArgument1, *SystemArgument2;
} KAPC;

typedef struct KDPC {
    uint16_t Type;
    uint8_t InsertedNumber, TargetNumber;
    LIST_ENTRY DpcListEntry;
    void *DeferredRoutine, *DeferredContext, *SystemArgument1, *SystemArgument2;
} KDPC;

typedef struct SLIST_ENTRY {
    struct SLIST_ENTRY *Next;
} SLIST_ENTRY;

typedef struct SLIST_HEADER {
    SLIST_ENTRY Next;
    uint16_t Depth, Sequence;
} SLIST_HEADER;

typedef struct EXCEPTION_RECORD {
    uint32_t ExceptionCode, ExceptionFlags;
    struct EXCEPTION_RECORD *ExceptionRecord;
    void *ExceptionAddress;
    uint32_t NumberParameters, ExceptionInformation[15];
} EXCEPTION_RECORD;

typedef struct TIME_FIELDS {
    uint16_t Year, Month, Day, Hour, Minute, Second, Milliseconds, Weekday;
} TIME_FIELDS;

typedef struct MEMORY_BASIC_INFORMATION {
    void *BaseAddress, *AllocationBase;
    uint32_t AllocationProtect, RegionSize, State, Protect, Type;
} MEMORY_BASIC_INFORMATION;

typedef struct MM_STATISTICS_SECTION {
    uint32_t AvailablePages, TotalVirtualMemoryBytes, ReservedVirtualMemoryBytes, PhysicalPages, PoolPages, StackPages;
    uint32_t ImagePages, HeapPages, VirtualPages, PageTablePages, CachePages;
} MM_STATISTICS_SECTION;

typedef struct MM_STATISTICS {
    uint32_t Length; // sizeof (MM_STATISTICS), set by the caller
    uint32_t TotalPhysicalPages, KernelPages;
    MM_STATISTICS_SECTION Title, System;
    uint32_t HighestPhysicalPage;
} MM_STATISTICS;

// Times are in 100 ns since 1601.
typedef struct FILE_NETWORK_OPEN_INFORMATION {
    uint64_t CreationTime, LastAccessTime, LastWriteTime, ChangeTime, AllocationSize, EndOfFile;
    uint32_t FileAttributes, Reserved;
} FILE_NETWORK_OPEN_INFORMATION;

typedef struct FILE_DIRECTORY_INFORMATION {
    uint32_t NextEntryOffset, FileIndex;
    uint64_t CreationTime, LastAccessTime, LastWriteTime, ChangeTime, EndOfFile, AllocationSize;
    uint32_t FileAttributes, FileNameLength;
    char FileName[8]; // FileNameLength bytes, no NUL
} FILE_DIRECTORY_INFORMATION;

enum { // FileInformationClass
    FileRenameInformation = 10,
    FileDispositionInformation = 13,
    FilePositionInformation = 14,
    FileEndOfFileInformation = 20,
    FileNetworkOpenInformation = 34,
};

enum { // desired access, share access, disposition, options, attributes of files
    FILE_READ_DATA = 1, FILE_WRITE_DATA = 2, FILE_APPEND_DATA = 4, FILE_READ_ATTRIBUTES = 0x80,
    FILE_SHARE_READ = 1, FILE_SHARE_WRITE = 2, FILE_SHARE_DELETE = 4,
    FILE_SUPERSEDE = 0, FILE_OPEN = 1, FILE_CREATE = 2, FILE_OPEN_IF = 3, FILE_OVERWRITE = 4, FILE_OVERWRITE_IF = 5,
    FILE_DIRECTORY_FILE = 1, FILE_SYNCHRONOUS_IO_NONALERT = 0x20, FILE_NON_DIRECTORY_FILE = 0x40,
    FILE_ATTRIBUTE_DIRECTORY = 0x10, FILE_ATTRIBUTE_NORMAL = 0x80,
    FILE_DELETE = 0x10000, FILE_SYNCHRONIZE = 0x100000,
};
#define FILE_GENERIC_READ 0x80000000u
#define FILE_GENERIC_WRITE 0x40000000u

// Refreshed by the kernel every millisecond.
typedef struct TIME_STAMP_BUNDLE {
    uint64_t InterruptTime, SystemTime; // 100 ns
    uint32_t TickCount;                 // ms
} TIME_STAMP_BUNDLE;
