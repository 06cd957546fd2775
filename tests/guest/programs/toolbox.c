// A little of everything that console programs use: threads at a semaphore and a mutant, APCs, timers, directories,
// pools, physical memory, strings, lists; under the names that their sources have.
#include <ctype.h>
#include <limits.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xenolith/xam.h>
#include <xenolith/xboxkrnl.h>

#define CHECK(x)                                                                                                       \
    do {                                                                                                               \
        if (!(x)) {                                                                                                    \
            printf("line %d: %s\n", __LINE__, #x);                                                                     \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)
static int failures;
static HANDLE semaphore, mutant;
static RTL_CRITICAL_SECTION section;
static int order[64], count;
static uint32_t slot;

static uint32_t worker(void *context)
{
    uintptr_t n = (uintptr_t)context;
    KeTlsSetValue(slot, (uint32_t)(n * 100));
    for (int i = 0; i < 4; i++) {
        NtWaitForSingleObjectEx(semaphore, UserMode, FALSE, NULL);
        RtlEnterCriticalSection(&section);
        order[count++] = (int)n;
        RtlLeaveCriticalSection(&section);
        int32_t previous;
        NtReleaseSemaphore(semaphore, 1, &previous);
        NtWaitForSingleObjectEx(mutant, UserMode, FALSE, NULL);
        NtReleaseMutant(mutant, NULL);
    }
    CHECK(KeTlsGetValue(slot) == (uint32_t)(n * 100));
    return (uint32_t)n;
}

static int apcs;
static void apc(void *context, void *a, void *b)
{
    apcs += (int)(uintptr_t)context + (a != NULL) + (b != NULL);
}
static int timers;
static void timer_apc(void *context, uint32_t low, uint32_t high)
{
    timers++;
    (void)context;
    (void)low;
    (void)high;
}

static void threads(void)
{
    HANDLE handles[3];
    slot = KeTlsAlloc();
    CHECK(slot != TLS_OUT_OF_INDEXES);
    CHECK(NT_SUCCESS(NtCreateSemaphore(&semaphore, NULL, 1, 3)));
    CHECK(NT_SUCCESS(NtCreateMutant(&mutant, NULL, FALSE)));
    RtlInitializeCriticalSectionAndSpinCount(&section, 100);
    for (int i = 0; i < 3; i++)
        CHECK(NT_SUCCESS(ExCreateThread(&handles[i], 0x8000, NULL, NULL, worker, (void *)(uintptr_t)(i + 1), 0)));
    CHECK(NtWaitForMultipleObjectsEx(3, handles, WaitAll, UserMode, FALSE, NULL) == STATUS_WAIT_0);
    CHECK(count == 12);
    for (int i = 0; i < 3; i++)
        NtClose(handles[i]);
    CHECK(NT_SUCCESS(NtQueueApcThread(NtCurrentThread(), apc, (void *)5, &apcs, NULL)));
    LARGE_INTEGER wait = {.QuadPart = -10000};
    CHECK(KeDelayExecutionThread(UserMode, TRUE, &wait.QuadPart) == STATUS_USER_APC);
    CHECK(apcs == 6);
    HANDLE timer;
    int64_t due = -20000;
    CHECK(NT_SUCCESS(NtCreateTimer(&timer, NULL, 1)));
    CHECK(NT_SUCCESS(NtSetTimerEx(timer, &due, timer_apc, UserMode, NULL, FALSE, 2, NULL)));
    for (int i = 0; i < 3; i++) {
        wait.QuadPart = -100000;
        KeDelayExecutionThread(UserMode, TRUE, &wait.QuadPart);
    }
    CHECK(timers >= 2);
    NtCancelTimer(timer, NULL);
    NtClose(timer);
}

static void files(void)
{
    OBJECT_ATTRIBUTES attributes;
    ANSI_STRING name, pattern;
    IO_STATUS_BLOCK io;
    HANDLE dir;
    for (int i = 0; i < 5; i++) {
        char path[64];
        sprintf(path, "game:\\probe\\file%d.dat", i);
        (void)path;
    }
    RtlInitAnsiString(&name, "game:\\probe");
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, OBJ_DOS_DEVICES, NULL);
    CHECK(NT_SUCCESS(NtCreateFile(&dir, FILE_LIST_DIRECTORY | FILE_SYNCHRONIZE, &attributes, &io, NULL,
                                  FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ, FILE_OPEN_IF,
                                  FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT)));
    for (int i = 0; i < 5; i++) {
        char path[64];
        snprintf(path, sizeof path, "game:\\probe\\file%d.dat", i);
        FILE *f = fopen(path, "wb");
        CHECK(f != NULL);
        if (!f)
            continue;
        fprintf(f, "%d %s %.2f\n", i, "value", i * 1.5);
        fclose(f);
    }
    struct {
        FILE_DIRECTORY_INFORMATION info;
        char more[256];
    } entry;
    RtlInitAnsiString(&pattern, "*.dat");
    int found = 0;
    NTSTATUS status;
    while (NT_SUCCESS(status = NtQueryDirectoryFile(dir, 0, NULL, NULL, &io, &entry, sizeof entry, &pattern, FALSE))) {
        printf("%.*s %llu\n", (int)entry.info.FileNameLength, entry.info.FileName,
               (unsigned long long)entry.info.EndOfFile);
        found++;
    }
    CHECK(status == STATUS_NO_MORE_FILES && found == 5);
    NtClose(dir);
    FILE *f = fopen("game:\\probe\\file3.dat", "r");
    int n;
    char word[20];
    double d;
    CHECK(f && fscanf(f, "%d %19s %lf", &n, word, &d) == 3 && n == 3 && !strcmp(word, "value") && d == 4.5);
    if (f)
        fclose(f);
    FILE_NETWORK_OPEN_INFORMATION info;
    RtlInitAnsiString(&name, "game:\\probe\\file1.dat");
    CHECK(NT_SUCCESS(NtQueryFullAttributesFile(&attributes, &info)) && info.EndOfFile == 13);
}

static void memory(void)
{
    char *pool = ExAllocatePoolWithTag(100, 0x61626364);
    CHECK(pool && ExQueryPoolBlockSize(pool) >= 100);
    memset(pool, 7, 100);
    ExFreePool(pool);
    void *physical = MmAllocatePhysicalMemoryEx(0, 0x10000, PAGE_READWRITE, 0, 0xFFFFFFFF, 0x10000);
    CHECK(physical && MmGetPhysicalAddress(physical) != 0 && MmQueryAllocationSize(physical) == 0x10000);
    MmFreePhysicalMemory(0, physical);
    void *base = NULL;
    uint32_t size = 0x20000;
    CHECK(NT_SUCCESS(NtAllocateVirtualMemory(&base, &size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE, 0)));
    MEMORY_BASIC_INFORMATION mbi;
    CHECK(NT_SUCCESS(NtQueryVirtualMemory(base, &mbi, 0)) && mbi.RegionSize == 0x20000);
    uint32_t zero = 0;
    CHECK(NT_SUCCESS(NtFreeVirtualMemory(&base, &zero, MEM_RELEASE, 0)));
}

static void strings(void)
{
    ANSI_STRING a;
    UNICODE_STRING u;
    WCHAR wide[20];
    RtlInitAnsiString(&a, "Hello");
    u = (UNICODE_STRING){0, sizeof wide, wide};
    CHECK(NT_SUCCESS(RtlAnsiStringToUnicodeString(&u, &a, FALSE)) && u.Length == 10 && wide[4] == 'o');
    TIME_FIELDS fields;
    LARGE_INTEGER now;
    KeQuerySystemTime((uint64_t *)&now.QuadPart);
    RtlTimeToTimeFields((uint64_t *)&now.QuadPart, &fields);
    printf("%u-%02u-%02u\n", fields.Year, fields.Month, fields.Day);
    CHECK(strtol("0x7fffffff", NULL, 0) == INT_MAX && strtod("1e3", NULL) == 1000 && isupper('A') &&
          tolower('Z') == 'z');
    LIST_ENTRY head;
    InitializeListHead(&head);
    CHECK(IsListEmpty(&head));
    KEVENT event;
    KeInitializeEvent(&event, SynchronizationEvent, TRUE);
    int64_t none = 0;
    CHECK(KeWaitForSingleObject(&event, 3, UserMode, FALSE, &none) == STATUS_SUCCESS);
    CHECK(KeWaitForSingleObject(&event, 3, UserMode, FALSE, &none) == STATUS_TIMEOUT);
    DWORD language = XGetLanguage();
    (void)language;
    CHECK(XamUserGetSigninState(0) == 0);
}

int main(void)
{
    threads();
    files();
    memory();
    strings();
    printf("%d failures\n", failures);
    return failures;
}
