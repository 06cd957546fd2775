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

// The names of scalars that console code uses.
typedef char CHAR;
typedef int8_t INT8;
typedef uint8_t UCHAR, BYTE, UINT8;
typedef int16_t SHORT;
typedef uint16_t USHORT, WORD;
typedef int32_t LONG, INT, BOOL;
typedef uint32_t ULONG, DWORD, UINT, ACCESS_MASK, KIRQL, ULONG_PTR, SIZE_T;
typedef int64_t LONGLONG;
typedef uint64_t ULONGLONG, ULONG64, DWORD64;
typedef void VOID, *PVOID, *LPVOID;
typedef char *PCHAR, *PSTR, *LPSTR;
typedef const char *PCSTR, *LPCSTR;
typedef WCHAR *PWSTR, *LPWSTR;
typedef const WCHAR *PCWSTR, *LPCWSTR;
typedef ULONG *PULONG;
typedef DWORD *PDWORD;
typedef LONG *PLONG;
typedef HANDLE *PHANDLE;
typedef union LARGE_INTEGER {
    struct {
        int32_t HighPart;
        uint32_t LowPart;
    };
    int64_t QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;
typedef union ULARGE_INTEGER {
    struct {
        uint32_t HighPart, LowPart;
    };
    uint64_t QuadPart;
} ULARGE_INTEGER;

#ifndef TRUE
#define TRUE 1
#define FALSE 0
#endif
#define INVALID_HANDLE_VALUE ((HANDLE)0xFFFFFFFF)
#define NtCurrentProcess() ((HANDLE)0xFFFFFFFF)
#define NtCurrentThread() ((HANDLE)0xFFFFFFFE)
#define TLS_OUT_OF_INDEXES 0xFFFFFFFFu
#define CONTAINING_RECORD(address, type, field) ((type *)(void *)((char *)(address) - offsetof(type, field)))

#define STATUS_SUCCESS ((NTSTATUS)0x00000000)
#define STATUS_WAIT_0 ((NTSTATUS)0x00000000)
#define STATUS_WAIT_1 ((NTSTATUS)0x00000001)
#define STATUS_USER_APC ((NTSTATUS)0x000000C0)
#define STATUS_PENDING ((NTSTATUS)0x00000103)
#define STATUS_ABANDONED ((NTSTATUS)0x00000080)
#define STATUS_ABANDONED_WAIT_0 ((NTSTATUS)0x00000080)
#define STATUS_ALERTED ((NTSTATUS)0x00000101)
#define STATUS_BUFFER_OVERFLOW ((NTSTATUS)0x80000005)
#define STATUS_NOT_IMPLEMENTED ((NTSTATUS)0xC0000002)
#define STATUS_INVALID_INFO_CLASS ((NTSTATUS)0xC0000003)
#define STATUS_INFO_LENGTH_MISMATCH ((NTSTATUS)0xC0000004)
#define STATUS_NO_SUCH_FILE ((NTSTATUS)0xC000000F)
#define STATUS_NO_MEMORY ((NTSTATUS)0xC0000017)
#define STATUS_CONFLICTING_ADDRESSES ((NTSTATUS)0xC0000018)
#define STATUS_BUFFER_TOO_SMALL ((NTSTATUS)0xC0000023)
#define STATUS_OBJECT_TYPE_MISMATCH ((NTSTATUS)0xC0000024)
#define STATUS_OBJECT_PATH_NOT_FOUND ((NTSTATUS)0xC000003A)
#define STATUS_DISK_FULL ((NTSTATUS)0xC000007F)
#define STATUS_INSUFFICIENT_RESOURCES ((NTSTATUS)0xC000009A)
#define STATUS_FILE_IS_A_DIRECTORY ((NTSTATUS)0xC00000BA)
#define STATUS_NOT_A_DIRECTORY ((NTSTATUS)0xC0000103)
#define STATUS_DLL_NOT_FOUND ((NTSTATUS)0xC0000135)
#define STATUS_DLL_INIT_FAILED ((NTSTATUS)0xC0000142)
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
enum { NotificationTimer = 0, SynchronizationTimer = 1 };
enum { Executive = 0, UserRequest = 3 }; // wait reasons; the kernel does not look at them
enum { CREATE_SUSPENDED = 1 }; // ExCreateThread; bits 31-24 are a mask of hardware threads

typedef struct LIST_ENTRY {
    struct LIST_ENTRY *Flink, *Blink;
} LIST_ENTRY;

static inline void InitializeListHead(LIST_ENTRY *head)
{
    head->Flink = head->Blink = head;
}

static inline int IsListEmpty(const LIST_ENTRY *head)
{
    return head->Flink == head;
}

static inline void InsertTailList(LIST_ENTRY *head, LIST_ENTRY *entry)
{
    entry->Flink = head;
    entry->Blink = head->Blink;
    head->Blink->Flink = entry;
    head->Blink = entry;
}

static inline void InsertHeadList(LIST_ENTRY *head, LIST_ENTRY *entry)
{
    InsertTailList(head->Flink, entry);
}

static inline void RemoveEntryList(LIST_ENTRY *entry)
{
    entry->Blink->Flink = entry->Flink;
    entry->Flink->Blink = entry->Blink;
}

static inline LIST_ENTRY *RemoveHeadList(LIST_ENTRY *head)
{
    LIST_ENTRY *first = head->Flink;
    RemoveEntryList(first);
    return first;
}

static inline LIST_ENTRY *RemoveTailList(LIST_ENTRY *head)
{
    LIST_ENTRY *last = head->Blink;
    RemoveEntryList(last);
    return last;
}

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

// One an object, for KeWaitForMultipleObjects of more than three.
typedef struct KWAIT_BLOCK {
    LIST_ENTRY WaitListEntry;
    KTHREAD *Thread;
    void *Object;
    struct KWAIT_BLOCK *NextWaitBlock;
    uint16_t WaitKey, WaitType;
} KWAIT_BLOCK;

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

// The last argument of NT's macro is not kept: the console's structure has no place for it.
#define InitializeObjectAttributes(object, name, flags, root, security) \
    ((void)(security), (object)->RootDirectory = (root), (object)->ObjectName = (name), (object)->Attributes = (flags), (void)0)
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

typedef struct KTIMER {
    DISPATCHER_HEADER Header;
    uint64_t DueTime; // 100 ns of interrupt time
    LIST_ENTRY TimerListEntry;
    KDPC *Dpc;
    uint32_t Period; // ms
} KTIMER;

typedef struct KMUTANT {
    DISPATCHER_HEADER Header;
    LIST_ENTRY MutantListEntry;
    KTHREAD *OwnerThread;
    uint8_t Abandoned;
} KMUTANT;

// One writer or many readers: ExInitializeReadWriteLock and its kin.
typedef struct ERWLOCK {
    int32_t LockCount;
    uint32_t WritersWaitingCount, ReadersWaitingCount, ReadersEntryCount;
    KEVENT WriterEvent;
    KSEMAPHORE ReaderSemaphore;
    KSPIN_LOCK SpinLock;
} ERWLOCK;

// What NtQueryEvent, NtQuerySemaphore, NtQueryMutant and NtQueryTimer say.
typedef struct EVENT_BASIC_INFORMATION {
    uint32_t EventType;
    int32_t EventState;
} EVENT_BASIC_INFORMATION;

typedef struct SEMAPHORE_BASIC_INFORMATION {
    int32_t CurrentCount, MaximumCount;
} SEMAPHORE_BASIC_INFORMATION;

typedef struct MUTANT_BASIC_INFORMATION {
    int32_t CurrentCount;
    BOOLEAN OwnedByCaller, AbandonedState;
} MUTANT_BASIC_INFORMATION;

typedef struct TIMER_BASIC_INFORMATION {
    int64_t RemainingTime; // 100 ns
    BOOLEAN TimerState;
} TIMER_BASIC_INFORMATION;

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
    FileBasicInformation = 4,
    FileStandardInformation = 5,
    FileInternalInformation = 6,
    FileNameInformation = 9,
    FileRenameInformation = 10,
    FileDispositionInformation = 13,
    FilePositionInformation = 14,
    FileModeInformation = 16,
    FileAlignmentInformation = 17,
    FileAllocationInformation = 19,
    FileEndOfFileInformation = 20,
    FileSectorInformation = 26,
    FileCompletionInformation = 30,
    FileNetworkOpenInformation = 34,
};

typedef struct FILE_BASIC_INFORMATION {
    uint64_t CreationTime, LastAccessTime, LastWriteTime, ChangeTime;
    uint32_t FileAttributes;
} FILE_BASIC_INFORMATION;

typedef struct FILE_STANDARD_INFORMATION {
    uint64_t AllocationSize, EndOfFile;
    uint32_t NumberOfLinks;
    BOOLEAN DeletePending, Directory;
} FILE_STANDARD_INFORMATION;

typedef struct FILE_INTERNAL_INFORMATION {
    uint64_t IndexNumber;
} FILE_INTERNAL_INFORMATION;

typedef struct FILE_NAME_INFORMATION {
    uint32_t FileNameLength;
    char FileName[4]; // FileNameLength bytes, no NUL
} FILE_NAME_INFORMATION;

typedef struct FILE_RENAME_INFORMATION {
    BOOLEAN ReplaceIfExists;
    HANDLE RootDirectory; // OBJ_DOS_DEVICES, as in OBJECT_ATTRIBUTES
    ANSI_STRING FileName;
} FILE_RENAME_INFORMATION;

typedef struct FILE_DISPOSITION_INFORMATION {
    BOOLEAN DeleteFile;
} FILE_DISPOSITION_INFORMATION;

typedef struct FILE_POSITION_INFORMATION {
    uint64_t CurrentByteOffset;
} FILE_POSITION_INFORMATION;

typedef struct FILE_ALLOCATION_INFORMATION {
    uint64_t AllocationSize;
} FILE_ALLOCATION_INFORMATION;

typedef struct FILE_END_OF_FILE_INFORMATION {
    uint64_t EndOfFile;
} FILE_END_OF_FILE_INFORMATION;

typedef struct FILE_COMPLETION_INFORMATION {
    HANDLE Port;
    uint32_t Key;
} FILE_COMPLETION_INFORMATION;

enum { // FsInformationClass, of NtQueryVolumeInformationFile
    FileFsVolumeInformation = 1,
    FileFsSizeInformation = 3,
    FileFsDeviceInformation = 4,
    FileFsAttributeInformation = 5,
};

typedef struct FILE_FS_SIZE_INFORMATION {
    uint64_t TotalAllocationUnits, AvailableAllocationUnits;
    uint32_t SectorsPerAllocationUnit, BytesPerSector;
} FILE_FS_SIZE_INFORMATION;

enum { // desired access, share access, disposition, options, attributes of files
    FILE_READ_DATA = 1, FILE_LIST_DIRECTORY = 1, FILE_WRITE_DATA = 2, FILE_APPEND_DATA = 4, FILE_READ_ATTRIBUTES = 0x80, FILE_WRITE_ATTRIBUTES = 0x100,
    FILE_SHARE_READ = 1, FILE_SHARE_WRITE = 2, FILE_SHARE_DELETE = 4,
    FILE_SUPERSEDE = 0, FILE_OPEN = 1, FILE_CREATE = 2, FILE_OPEN_IF = 3, FILE_OVERWRITE = 4, FILE_OVERWRITE_IF = 5,
    FILE_DIRECTORY_FILE = 1, FILE_SYNCHRONOUS_IO_NONALERT = 0x20, FILE_NON_DIRECTORY_FILE = 0x40,
    FILE_SEQUENTIAL_ONLY = 4, FILE_NO_INTERMEDIATE_BUFFERING = 8, FILE_DELETE_ON_CLOSE = 0x1000,
    FILE_SUPERSEDED = 0, FILE_OPENED = 1, FILE_CREATED = 2, FILE_OVERWRITTEN = 3, FILE_EXISTS = 4, FILE_DOES_NOT_EXIST = 5, // IO_STATUS_BLOCK.Information
    FILE_ATTRIBUTE_READONLY = 1, FILE_ATTRIBUTE_DIRECTORY = 0x10, FILE_ATTRIBUTE_NORMAL = 0x80,
    FILE_DELETE = 0x10000, FILE_SYNCHRONIZE = 0x100000,
};
#define GENERIC_READ 0x80000000u
#define GENERIC_WRITE 0x40000000u
#define GENERIC_ALL 0x10000000u
#define DELETE 0x00010000u
#define SYNCHRONIZE 0x00100000u
#define FILE_GENERIC_READ 0x80000000u
#define FILE_GENERIC_WRITE 0x40000000u

// Refreshed by the kernel every millisecond.
typedef struct TIME_STAMP_BUNDLE {
    uint64_t InterruptTime, SystemTime; // 100 ns
    uint32_t TickCount;                 // ms
} TIME_STAMP_BUNDLE;
