// An archive of small files, made by a pipeline of threads: one lists a folder, three pack (run lengths), one writes;
// then it is read back, unpacked and compared. Everything through the kernel's calls: files, directories, threads,
// events, semaphores, critical sections, interlocked lists, pools, timers, time.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenolith/xboxkrnl.h>

enum { FILES = 9, PACKERS = 3, NAME = 24, FILE_BYTES = 3000, STACK = 0x10000 };

typedef struct JOB {
    LIST_ENTRY link;
    char name[NAME];
    ULONG size, packed_size, crc;
    UCHAR *data, *packed;
} JOB;

typedef struct QUEUE {
    LIST_ENTRY head;
    RTL_CRITICAL_SECTION lock;
    HANDLE filled; // a semaphore: one for each job
    ULONG pushed;
} QUEUE;

typedef struct RECORD { // in the archive, before the packed bytes
    char name[NAME];
    ULONG size, packed_size, crc, reserved;
} RECORD;

static QUEUE to_pack, to_write;
static HANDLE all_written, ticker;
static ULONG ticks, packed_by[PACKERS], slot;
static int failures;

static void expect(int good, const char *what)
{
    if (!good) {
        printf("not so: %s\n", what);
        failures++;
    }
}

// ---- Queues

static void queue_init(QUEUE *q)
{
    InitializeListHead(&q->head);
    RtlInitializeCriticalSection(&q->lock);
    expect(NT_SUCCESS(NtCreateSemaphore(&q->filled, NULL, 0, 100)), "semaphore");
    q->pushed = 0;
}

static void queue_push(QUEUE *q, JOB *job)
{
    RtlEnterCriticalSection(&q->lock);
    InsertTailList(&q->head, &job->link);
    q->pushed++;
    RtlLeaveCriticalSection(&q->lock);
    NtReleaseSemaphore(q->filled, 1, NULL);
}

// Waits for a job; one without a name is the end.
static JOB *queue_pop(QUEUE *q)
{
    NtWaitForSingleObjectEx(q->filled, UserMode, FALSE, NULL);
    RtlEnterCriticalSection(&q->lock);
    LIST_ENTRY *first = RemoveHeadList(&q->head);
    RtlLeaveCriticalSection(&q->lock);
    return CONTAINING_RECORD(first, JOB, link);
}

static JOB *job_new(const char *name, ULONG size)
{
    JOB *job = ExAllocatePoolWithTag(sizeof *job + 3 * size, 0x4A4F4220);
    RtlFillMemoryUlong(job, sizeof *job / 4 * 4, 0);
    strncpy(job->name, name, NAME - 1);
    job->size = size;
    job->data = (UCHAR *)(job + 1);
    job->packed = job->data + size;
    return job;
}

// ---- Files

static void name_of(OBJECT_ATTRIBUTES *attributes, ANSI_STRING *string, const char *path)
{
    RtlInitAnsiString(string, path);
    InitializeObjectAttributes(attributes, string, OBJ_CASE_INSENSITIVE, OBJ_DOS_DEVICES, NULL);
}

static HANDLE open_file(const char *path, ACCESS_MASK access, ULONG disposition, ULONG options)
{
    OBJECT_ATTRIBUTES attributes;
    ANSI_STRING string;
    IO_STATUS_BLOCK io;
    HANDLE file = 0;
    name_of(&attributes, &string, path);
    NTSTATUS status = NtCreateFile(&file, access | SYNCHRONIZE, &attributes, &io, NULL, FILE_ATTRIBUTE_NORMAL,
                                   FILE_SHARE_READ, disposition, options | FILE_SYNCHRONOUS_IO_NONALERT);
    if (!NT_SUCCESS(status))
        printf("%s: 0x%08x\n", path, (unsigned)status);
    return NT_SUCCESS(status) ? file : 0;
}

static ULONG write_at(HANDLE file, const void *data, ULONG size, uint64_t at)
{
    IO_STATUS_BLOCK io = {0, 0};
    NTSTATUS status = NtWriteFile(file, 0, NULL, NULL, &io, data, size, &at);
    return NT_SUCCESS(status) ? io.Information : 0;
}

static ULONG read_at(HANDLE file, void *data, ULONG size, uint64_t at)
{
    IO_STATUS_BLOCK io = {0, 0};
    NTSTATUS status = NtReadFile(file, 0, NULL, NULL, &io, data, size, &at);
    return NT_SUCCESS(status) ? io.Information : 0;
}

static void make_files(void)
{
    static UCHAR data[FILE_BYTES];
    NtClose(open_file("game:\\in", FILE_LIST_DIRECTORY, FILE_OPEN_IF, FILE_DIRECTORY_FILE));
    for (int i = 0; i < FILES; i++) {
        char path[64];
        ULONG size = (ULONG)(100 + i * 311), run = (ULONG)i * i + 1;
        for (ULONG k = 0; k < size; k++)
            data[k] = (UCHAR)(k / run * 7 + (ULONG)i);
        snprintf(path, sizeof path, "game:\\in\\part%d.bin", i);
        HANDLE file = open_file(path, GENERIC_WRITE, FILE_OVERWRITE_IF, FILE_NON_DIRECTORY_FILE);
        expect(write_at(file, data, size, 0) == size, "whole file written");
        NtClose(file);
    }
}

// ---- Run lengths: (count, byte)

static ULONG pack(const UCHAR *data, ULONG size, UCHAR *out)
{
    ULONG used = 0;
    for (ULONG at = 0, n; at < size; at += n) {
        for (n = 1; n < 255 && at + n < size && data[at + n] == data[at]; n++)
            ;
        out[used++] = (UCHAR)n;
        out[used++] = data[at];
    }
    return used;
}

static ULONG unpack(const UCHAR *packed, ULONG size, UCHAR *out, ULONG room)
{
    ULONG used = 0;
    for (ULONG at = 0; at + 1 < size; at += 2)
        for (UCHAR n = packed[at]; n && used < room; n--)
            out[used++] = packed[at + 1];
    return used;
}

// ---- Threads

static uint32_t list_folder(void *context)
{
    struct {
        FILE_DIRECTORY_INFORMATION info;
        char more[200];
    } entry;
    IO_STATUS_BLOCK io;
    ANSI_STRING pattern;
    ULONG found = 0;
    HANDLE folder = open_file(context, FILE_LIST_DIRECTORY, FILE_OPEN, FILE_DIRECTORY_FILE);
    RtlInitAnsiString(&pattern, "part?.bin");
    while (NT_SUCCESS(NtQueryDirectoryFile(folder, 0, NULL, NULL, &io, &entry, sizeof entry, &pattern, FALSE))) {
        char path[64], name[NAME];
        snprintf(name, sizeof name, "%.*s", (int)entry.info.FileNameLength, entry.info.FileName);
        snprintf(path, sizeof path, "game:\\in\\%s", name);
        JOB *job = job_new(name, (ULONG)entry.info.EndOfFile);
        HANDLE file = open_file(path, GENERIC_READ, FILE_OPEN, FILE_NON_DIRECTORY_FILE);
        expect(read_at(file, job->data, job->size, 0) == job->size, "whole file read");
        NtClose(file);
        queue_push(&to_pack, job);
        found++;
    }
    NtClose(folder);
    for (int i = 0; i < PACKERS; i++)
        queue_push(&to_pack, job_new("", 0));
    return found;
}

static uint32_t packer(void *context)
{
    ULONG number = (ULONG)(uintptr_t)context, done = 0;
    KeTlsSetValue(slot, number + 1);
    for (JOB *job = queue_pop(&to_pack); job->name[0]; job = queue_pop(&to_pack), done++) {
        job->packed_size = pack(job->data, job->size, job->packed);
        job->crc = RtlComputeCrc32(0, job->data, job->size);
        queue_push(&to_write, job);
        if (done % 2)
            NtYieldExecution();
    }
    expect(KeTlsGetValue(slot) == number + 1, "a thread's own slot");
    packed_by[number] = done;
    queue_push(&to_write, job_new("", 0));
    return done;
}

static uint32_t writer(void *context)
{
    HANDLE file = open_file(context, GENERIC_WRITE, FILE_OVERWRITE_IF, FILE_NON_DIRECTORY_FILE);
    uint64_t at = 0;
    ULONG ended = 0, written = 0;
    while (ended < PACKERS) {
        JOB *job = queue_pop(&to_write);
        if (!job->name[0]) {
            ended++;
        } else {
            RECORD record = {.size = job->size, .packed_size = job->packed_size, .crc = job->crc};
            memcpy(record.name, job->name, NAME);
            at += write_at(file, &record, sizeof record, at);
            at += write_at(file, job->packed, job->packed_size, at);
            written++;
        }
        ExFreePool(job);
    }
    NtFlushBuffersFile(file, &(IO_STATUS_BLOCK){0, 0});
    NtClose(file);
    NtSetEvent(all_written, NULL);
    return written;
}

static void tick(void *context, uint32_t low, uint32_t high)
{
    (void)low, (void)high;
    ++*(ULONG *)context;
}

// ---- The whole

static ULONG check_archive(const char *path)
{
    static UCHAR packed[2 * FILE_BYTES], data[FILE_BYTES];
    HANDLE file = open_file(path, GENERIC_READ, FILE_OPEN, FILE_NON_DIRECTORY_FILE);
    RECORD record;
    uint64_t at = 0;
    ULONG count = 0, seen = 0;
    for (; read_at(file, &record, sizeof record, at) == sizeof record; count++) {
        at += sizeof record;
        expect(read_at(file, packed, record.packed_size, at) == record.packed_size, "packed bytes are there");
        at += record.packed_size;
        expect(unpack(packed, record.packed_size, data, sizeof data) == record.size, "size after unpacking");
        expect(RtlComputeCrc32(0, data, record.size) == record.crc, "checksum");
        seen |= 1u << atoi(record.name + 4);
    }
    NtClose(file);
    expect(seen == (1u << FILES) - 1, "every file once");
    printf("archive of %llu bytes\n", (unsigned long long)at);
    return count;
}

static HANDLE start(uint32_t (*function)(void *), void *context)
{
    HANDLE thread = 0;
    expect(NT_SUCCESS(ExCreateThread(&thread, STACK, NULL, NULL, function, context, CREATE_SUSPENDED)), "thread");
    ObReferenceObjectByHandle(thread, NULL, &(void *){NULL});
    NtResumeThread(thread, NULL);
    return thread;
}

int main(void)
{
    LARGE_INTEGER begun, period = {.QuadPart = -10000}, pause = {.QuadPart = -50000};
    TIME_FIELDS date;
    KeQuerySystemTime((uint64_t *)&begun);
    RtlTimeToTimeFields((uint64_t *)&begun, &date);
    slot = KeTlsAlloc();
    make_files();
    queue_init(&to_pack);
    queue_init(&to_write);
    NtCreateEvent(&all_written, NULL, NotificationEvent, FALSE);
    NtCreateTimer(&ticker, NULL, SynchronizationTimer);
    NtSetTimerEx(ticker, &period.QuadPart, tick, UserMode, &ticks, FALSE, 1, NULL);
    HANDLE threads[PACKERS + 2];
    for (ULONG i = 0; i < PACKERS; i++)
        threads[i] = start(packer, (void *)(uintptr_t)i);
    threads[PACKERS] = start(writer, "game:\\out.arc");
    threads[PACKERS + 1] = start(list_folder, "game:\\in");
    NtWaitForMultipleObjectsEx(PACKERS + 2, threads, WaitAll, UserMode, FALSE, NULL);
    expect(NtWaitForSingleObjectEx(all_written, UserMode, FALSE, &(int64_t){0}) == STATUS_SUCCESS, "written");
    for (int i = 0; i < PACKERS + 2; i++)
        NtClose(threads[i]);
    expect(packed_by[0] + packed_by[1] + packed_by[2] == FILES, "every job packed once");
    expect(check_archive("game:\\out.arc") == FILES, "records");
    while (ticks < 3)
        KeDelayExecutionThread(UserMode, TRUE, &pause.QuadPart);
    NtCancelTimer(ticker, NULL);
    KeTlsFree(slot);
    printf("%u files, year %u, %d failures\n", (unsigned)to_write.pushed - PACKERS, date.Year, failures);
    return failures;
}
