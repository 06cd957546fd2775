// mailbox: messages between threads over a lock-free list, woken by APCs; strings in two encodings; both ways of formatting; jumps
// out of nested calls; and a journal in a file that is searched backwards.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xenolith/arguments.h>
#include <xenolith/xam.h>
#include <xenolith/xboxkrnl.h>

enum { SENDERS = 3, MESSAGES = 40, TAG = 0x4D61696C };

static int failed;

static int check(int good, const char *what)
{
    if (!good) {
        printf("wrong: %s\n", what);
        failed++;
    }
    return good;
}

// ---- Messages: pool blocks on a singly linked list

struct message {
    SLIST_ENTRY link;
    int sender, number;
    WCHAR text[24];
};

static SLIST_HEADER inbox;
static HANDLE receiver, finished;
static volatile int received, by_sender[SENDERS], wakes;
static volatile uint64_t last_time;

static void wake(void *context, void *sender, void *number)
{
    (void)context, (void)sender, (void)number;
    wakes++;
}

static void read_message(struct message *m)
{
    char narrow[24] = "", want[24];
    uint32_t written = 0;
    uint32_t length = 0;
    while (m->text[length])
        length++;
    RtlUnicodeToMultiByteN(narrow, sizeof narrow - 1, &written, m->text, length * 2);
    narrow[written] = 0;
    snprintf(want, sizeof want, "from %d number %d", m->sender, m->number);
    check(!strcmp(narrow, want), "a message's text");
    by_sender[m->sender]++;
    received++;
}

static uint32_t receive(void *context)
{
    static const int64_t patience = -50000000;
    (void)context;
    while (received < SENDERS * MESSAGES) {
        struct message *m = (struct message *)InterlockedFlushSList(&inbox);
        if (!m && KeDelayExecutionThread(UserMode, 1, &patience) != STATUS_USER_APC)
            break;
        while (m) {
            struct message *next = (struct message *)m->link.Next;
            read_message(m);
            ExFreePool(m);
            m = next;
        }
    }
    KeQuerySystemTime((uint64_t *)&last_time);
    NtSetEvent(finished, NULL);
    return 0;
}

static uint32_t send(void *context)
{
    int sender = (int)context;
    for (int i = 0; i < MESSAGES; i++) {
        char narrow[24];
        uint32_t written = 0;
        struct message *m = ExAllocatePoolTypeWithTag(sizeof *m, TAG, 0);
        if (!m)
            return 1;
        m->sender = sender;
        m->number = i;
        krnl__snprintf(narrow, sizeof narrow, "from %d number %d", sender, i);
        memset(m->text, 0, sizeof m->text);
        RtlMultiByteToUnicodeN(m->text, sizeof m->text - 2, &written, narrow, (uint32_t)strlen(narrow));
        InterlockedPushEntrySList(&inbox, &m->link);
        NtQueueApcThread(receiver, wake, NULL, (void *)sender, (void *)i);
        NtYieldExecution();
    }
    return 0;
}

static void exchange(void)
{
    HANDLE threads[SENDERS];
    uint32_t id;
    uint64_t begun;
    TIME_FIELDS fields;
    KeQuerySystemTime(&begun);
    NtCreateEvent(&finished, NULL, NotificationEvent, 0);
    ExCreateThread(&receiver, 0x10000, &id, NULL, receive, NULL, 0);
    for (int i = 0; i < SENDERS; i++)
        ExCreateThread(&threads[i], 0x10000, &id, NULL, send, (void *)i, 0);
    check(NtWaitForMultipleObjectsEx(SENDERS, threads, WaitAll, UserMode, 0, NULL) == STATUS_SUCCESS, "the senders end");
    for (int i = 0; i < 100 && NtWaitForSingleObjectEx(finished, UserMode, 0, &(int64_t){-100000}) != STATUS_SUCCESS; i++)
        NtQueueApcThread(receiver, wake, NULL, NULL, NULL); // the queue has an end: what did not fit is woken up for here
    for (int i = 0; i < SENDERS; i++) {
        printf("from %d: %d messages\n", i, by_sender[i]);
        check(by_sender[i] == MESSAGES, "all messages of a sender");
        NtClose(threads[i]);
    }
    RtlTimeToTimeFields((const uint64_t *)&last_time, &fields);
    uint64_t back = 0;
    check(last_time >= begun && RtlTimeFieldsToTime(&fields, &back) && last_time - back < 10000, "the time, there and back");
    check(wakes > 0, "APCs woke the receiver");
    NtClose(receiver);
    NtClose(finished);
}

// ---- Formatting: the kernel's against the library's

#define BOTH(format, ...) (krnl_sprintf(a, format, __VA_ARGS__), snprintf(b, sizeof b, format, __VA_ARGS__), check(!strcmp(a, b), format), puts(a))

static void formatting(void)
{
    char a[128], b[128];
    BOTH("%d %u %x", -5, 5u, 0xABCDu);
    BOTH("%s and %s, %c", "one", "two", '3');
    BOTH("%5d|%-5d|%05d", 42, 42, 42);
    BOTH("%d %.3f %d %.1f", 1, 2.5, 3, 4.25);
    BOTH("%d %d %d %d %d %d %d %d %d %d %d", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    printf("%llx %f\n", 0x123456789ABCDEFULL, 1.5);
    printf("%lld %llu %#llo %e\n", INT64_MIN, UINT64_MAX, 511ULL, -1e-300);
}

// ---- Jumps

static jmp_buf out;
static volatile int depth_reached;

static double descend(int depth, double value)
{
    depth_reached = depth;
    if (depth == 12)
        longjmp(out, 34);
    return depth > 20 ? value : descend(depth + 1, value * 1.5) + depth;
}

static void jumps(void)
{
    volatile double kept = 2.25;
    int code = setjmp(out);
    if (!code) {
        kept += 1;
        kept += descend(0, kept);
    }
    check(code == 34 && depth_reached == 12 && kept == 3.25, "a jump out of twelve calls");
}

// ---- 64-bit arguments and results, strings, the journal

static void calls(void)
{
    UNICODE_STRING wide;
    ANSI_STRING narrow, copy;
    char buffer[16];
    RtlInitAnsiString(&narrow, "Journal");
    check(RtlAnsiStringToUnicodeString(&wide, &narrow, 1) == STATUS_SUCCESS && wide.Length == 14 && wide.Buffer[0] == 'J', "to UTF-16");
    copy = (ANSI_STRING){0, sizeof buffer, buffer};
    check(RtlUnicodeStringToAnsiString(&copy, &wide, 0) == STATUS_SUCCESS && RtlCompareString(&copy, &narrow, 0) == 0, "and back");
    RtlFreeUnicodeString(&wide);
    uint64_t first = KeQueryInterruptTime(), second = KeQueryInterruptTime();
    check(first && second >= first && first < 600000000ull, "a 64-bit result");
    HANDLE listener = XamNotifyCreateListener(0x2F00000000000001ull, 0);
    check(listener != 0 && NtClose(listener) == STATUS_SUCCESS, "a 64-bit argument");
    check(XGetLanguage() == 1, "the console speaks English");
    check(RtlNtStatusToDosError(STATUS_ACCESS_DENIED) == 5, "an error's number");
}

static void journal(void)
{
    FILE *f = fopen("mailbox.log", "w+");
    if (!check(f != NULL, "a journal"))
        return;
    struct tm fields;
    time_t when = 1132617600; // 22 November 2005
    gmtime_r(&when, &fields);
    for (int i = 0; i < 300; i++)
        fprintf(f, "%04d-%02d-%02d entry %03d\n", fields.tm_year + 1900, fields.tm_mon + 1, fields.tm_mday, i);
    check(timegm(&fields) == when && fields.tm_wday == 2, "a Tuesday");
    char line[32];
    int found = 0;
    for (int i = 299; i >= 0; i -= 23) { // lines have 21 bytes
        fseek(f, 21L * i, SEEK_SET);
        found += fgets(line, sizeof line, f) && atoi(line + 17) == i && !strncmp(line, "2005-11-22", 10);
    }
    printf("%d entries found\n", found);
    check(found == 14 && !fclose(f) && !remove("mailbox.log"), "backwards");
}

int main(void)
{
    exchange();
    formatting();
    jumps();
    calls();
    journal();
    printf("mailbox: %s\n", failed ? "failed" : "ok");
    return failed;
}
