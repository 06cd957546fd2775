// store: a key-value store with a write-ahead log, on the kernel's own calls. Writers in several threads hand their changes to one
// log thread, which writes whatever has gathered at once and only then answers; a timer lets it put all pairs into a checkpoint and
// begin the log anew. Then power is "lost" in four ways, and each time every acknowledged pair is read back from the files.
#include <stdio.h>
#include <string.h>
#include <xenolith/xboxkrnl.h>

enum { SLOTS = 512, WRITERS = 4, KEYS = 40, CHANGES = 150, POOL_TAG = 0x53544F52 };

static char log_path[] = "game:\\store.log", new_path[] = "game:\\store.new", checkpoint_path[] = "game:\\store.all";

struct record {
    uint32_t check, sequence; // the CRC of all that comes after it
    char key[20], value[36];  // an empty value: deleted
};
_Static_assert(sizeof(struct record) == 64, "the files' form");

struct request {
    SLIST_ENTRY link;
    struct record record;
    HANDLE answered;
    NTSTATUS status;
};

static struct {
    struct record slots[SLOTS];
    uint32_t sequence;
    ERWLOCK lock; // of the two above
    SLIST_HEADER requests;
    HANDLE log, waiting, stop, timer, thread;
    uint64_t log_bytes;
    int batches, largest, checkpoints;
} store;

// ---- Files

static NTSTATUS open_file(char *path, uint32_t access, uint32_t disposition, HANDLE *out)
{
    ANSI_STRING name;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK io;
    RtlInitAnsiString(&name, path);
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, OBJ_DOS_DEVICES, NULL);
    return NtCreateFile(out, access | SYNCHRONIZE, &attributes, &io, NULL, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ, disposition,
                        FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
}

static NTSTATUS write_at(HANDLE file, const void *data, uint32_t size, uint64_t where)
{
    IO_STATUS_BLOCK io = {0};
    NTSTATUS status = NtWriteFile(file, 0, NULL, NULL, &io, data, size, &where);
    return NT_SUCCESS(status) && io.Information != size ? STATUS_DISK_FULL : status;
}

static NTSTATUS set_length(HANDLE file, uint64_t bytes)
{
    IO_STATUS_BLOCK io;
    FILE_END_OF_FILE_INFORMATION end = {.EndOfFile = bytes};
    return NtSetInformationFile(file, &io, &end, sizeof end, FileEndOfFileInformation);
}

// The whole file in a block of the pool; an absent one is empty.
static struct record *read_records(char *path, uint32_t *bytes)
{
    HANDLE file;
    IO_STATUS_BLOCK io;
    FILE_STANDARD_INFORMATION size;
    uint64_t start = 0;
    struct record *out = NULL;
    *bytes = 0;
    if (!NT_SUCCESS(open_file(path, GENERIC_READ, FILE_OPEN, &file)))
        return NULL;
    if (NT_SUCCESS(NtQueryInformationFile(file, &io, &size, sizeof size, FileStandardInformation)) && size.EndOfFile &&
        (out = ExAllocatePoolWithTag((uint32_t)size.EndOfFile, POOL_TAG)) &&
        NT_SUCCESS(NtReadFile(file, 0, NULL, NULL, &io, out, (uint32_t)size.EndOfFile, &start)))
        *bytes = io.Information;
    NtClose(file);
    return out;
}

static int replace_file(char *from, char *to)
{
    HANDLE file;
    IO_STATUS_BLOCK io;
    FILE_RENAME_INFORMATION target = {.ReplaceIfExists = TRUE, .RootDirectory = OBJ_DOS_DEVICES};
    RtlInitAnsiString(&target.FileName, to);
    if (!NT_SUCCESS(open_file(from, GENERIC_WRITE | DELETE, FILE_OPEN, &file)))
        return 0;
    NTSTATUS status = NtSetInformationFile(file, &io, &target, sizeof target, FileRenameInformation);
    NtClose(file);
    return NT_SUCCESS(status);
}

// ---- The table: open addressing; a deleted key keeps its place

static uint32_t check_of(const struct record *r)
{
    return RtlComputeCrc32(0, &r->sequence, sizeof *r - sizeof r->check);
}

static struct record *slot_of(const char *key)
{
    uint32_t at = RtlComputeCrc32(0, key, strlen(key)) % SLOTS;
    while (store.slots[at].key[0] && strcmp(store.slots[at].key, key) != 0)
        at = (at + 1) % SLOTS;
    return &store.slots[at];
}

static int get(const char *key, char value[36])
{
    ExAcquireReadWriteLockShared(&store.lock);
    strcpy(value, slot_of(key)->value);
    ExReleaseReadWriteLock(&store.lock);
    return value[0] != 0;
}

static int living(struct record *out)
{
    int count = 0;
    for (int i = 0; i < SLOTS; i++)
        if (store.slots[i].value[0])
            out[count++] = store.slots[i];
    return count;
}

// ---- The log thread

// Pairs go to a new file, which takes the old one's place only when it is whole; then the log may be emptied. If that does not
// come about any more, the log's records are older than the checkpoint and are passed over.
static void make_checkpoint(void)
{
    static struct record all[SLOTS + 1];
    HANDLE file;
    IO_STATUS_BLOCK io;
    int count = living(all + 1);
    memset(all, 0, sizeof *all);
    all[0].sequence = store.sequence;
    snprintf(all[0].key, sizeof all[0].key, "%d pairs", count);
    all[0].check = check_of(all);
    if (!NT_SUCCESS(open_file(new_path, GENERIC_WRITE, FILE_OVERWRITE_IF, &file)))
        return;
    NTSTATUS status = write_at(file, all, (uint32_t)(count + 1) * sizeof *all, 0);
    if (NT_SUCCESS(status))
        status = NtFlushBuffersFile(file, &io);
    NtClose(file);
    if (NT_SUCCESS(status) && replace_file(new_path, checkpoint_path) && NT_SUCCESS(set_length(store.log, 0))) {
        store.log_bytes = 0;
        store.checkpoints++;
    }
}

// A writer waits for its answer, so there are never more requests than writers.
static int gather(struct request *batch[WRITERS])
{
    int count = 0;
    SLIST_ENTRY *entry = InterlockedFlushSList(&store.requests), *first = NULL;
    while (entry) { // the last that came is first
        SLIST_ENTRY *next = entry->Next;
        entry->Next = first;
        first = entry;
        entry = next;
    }
    for (; first && count < WRITERS; first = first->Next)
        batch[count++] = CONTAINING_RECORD(first, struct request, link);
    return count;
}

static void commit(void)
{
    static struct record records[WRITERS];
    struct request *batch[WRITERS];
    IO_STATUS_BLOCK io;
    int count = gather(batch);
    if (!count)
        return;
    for (int i = 0; i < count; i++) {
        batch[i]->record.sequence = store.sequence + 1 + (uint32_t)i;
        batch[i]->record.check = check_of(&batch[i]->record);
        records[i] = batch[i]->record;
    }
    NTSTATUS status = write_at(store.log, records, (uint32_t)count * sizeof *records, store.log_bytes);
    if (NT_SUCCESS(status))
        status = NtFlushBuffersFile(store.log, &io);
    if (NT_SUCCESS(status)) {
        store.log_bytes += (uint32_t)count * sizeof *records;
        ExAcquireReadWriteLockExclusive(&store.lock);
        for (int i = 0; i < count; i++)
            *slot_of(records[i].key) = records[i];
        store.sequence += (uint32_t)count;
        ExReleaseReadWriteLock(&store.lock);
    }
    store.batches++;
    store.largest = count > store.largest ? count : store.largest;
    for (int i = 0; i < count; i++) {
        batch[i]->status = status;
        NtSetEvent(batch[i]->answered, NULL);
    }
}

static uint32_t keep_log(void *unused)
{
    HANDLE signals[] = {store.waiting, store.timer, store.stop};
    (void)unused;
    for (;;) {
        NTSTATUS which = NtWaitForMultipleObjectsEx(3, signals, WaitAny, UserMode, FALSE, NULL);
        commit();
        if (which == STATUS_WAIT_0 + 1 && store.log_bytes > 50 * sizeof(struct record))
            make_checkpoint();
        else if (which == STATUS_WAIT_0 + 2 || !NT_SUCCESS(which))
            return 0;
    }
}

// ---- Opening: the checkpoint, then the log up to the first record that is not whole

static int apply(const struct record *r, uint32_t bytes, uint32_t *sequence)
{
    int count = 0;
    for (; bytes >= sizeof *r && check_of(r) == r->check && r->sequence <= *sequence + 1; r++, bytes -= sizeof *r, count++) {
        if (r->sequence != *sequence + 1)
            continue; // the checkpoint has it already
        *slot_of(r->key) = *r;
        *sequence = r->sequence;
    }
    return count;
}

static int open_store(void)
{
    uint32_t bytes;
    memset(&store, 0, sizeof store);
    ExInitializeReadWriteLock(&store.lock);
    struct record *all = read_records(checkpoint_path, &bytes);
    int pairs = 0, replayed = 0;
    if (all && bytes % sizeof *all == 0 && check_of(all) == all->check) {
        for (pairs = (int)(bytes / sizeof *all) - 1; pairs && check_of(&all[pairs]) == all[pairs].check; pairs--)
            *slot_of(all[pairs].key) = all[pairs];
        store.sequence = all->sequence;
        if (pairs)
            return 0;
        pairs = (int)(bytes / sizeof *all) - 1;
    }
    if (all)
        ExFreePool(all);
    struct record *log = read_records(log_path, &bytes);
    if (log) {
        replayed = -(int)store.sequence;
        store.log_bytes = (uint32_t)apply(log, bytes, &store.sequence) * sizeof *log;
        replayed += (int)store.sequence;
        ExFreePool(log);
    }
    int64_t first = -20000; // 2 ms from now
    if (!NT_SUCCESS(open_file(log_path, GENERIC_WRITE, FILE_OPEN_IF, &store.log)) || !NT_SUCCESS(set_length(store.log, store.log_bytes)) ||
        !NT_SUCCESS(NtCreateEvent(&store.waiting, NULL, SynchronizationEvent, FALSE)) ||
        !NT_SUCCESS(NtCreateEvent(&store.stop, NULL, NotificationEvent, FALSE)) ||
        !NT_SUCCESS(NtCreateTimer(&store.timer, NULL, SynchronizationTimer)) ||
        !NT_SUCCESS(NtSetTimerEx(store.timer, &first, NULL, UserMode, NULL, FALSE, 2, NULL)))
        return 0;
    printf("opened: %d pairs, %d records of the log replayed, %d bytes of it dropped\n", pairs, replayed, (int)(bytes - store.log_bytes));
    return NT_SUCCESS(ExCreateThread(&store.thread, 0x10000, NULL, NULL, keep_log, NULL, 2u << 24));
}

static void close_store(void)
{
    NtSetEvent(store.stop, NULL);
    NtWaitForSingleObjectEx(store.thread, UserMode, FALSE, NULL);
    NtCancelTimer(store.timer, NULL);
    HANDLE all[] = {store.log, store.waiting, store.stop, store.timer, store.thread};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        NtClose(all[i]);
}

// ---- Writers, and what they expect

static struct writer {
    int number, wrong;
    uint32_t random;
    HANDLE thread, answered;
    char expected[KEYS][36];
} writers[WRITERS];

static NTSTATUS put(struct writer *w, int k, const char *value)
{
    struct request r = {.answered = w->answered};
    snprintf(r.record.key, sizeof r.record.key, "writer%d/key%02d", w->number, k);
    strcpy(r.record.value, value);
    InterlockedPushEntrySList(&store.requests, &r.link);
    NtSignalAndWaitForSingleObjectEx(store.waiting, w->answered, UserMode, FALSE, NULL);
    if (NT_SUCCESS(r.status))
        strcpy(w->expected[k], value);
    return r.status;
}

static uint32_t write_many(void *context)
{
    static const int64_t pause = -3000; // 300 us
    struct writer *w = context;
    char key[20], value[36];
    for (int i = 0; i < CHANGES; i++) {
        w->random = w->random * 1664525 + 1013904223;
        int k = (int)(w->random >> 16) % KEYS;
        snprintf(value, sizeof value, "value %d of %s, 0x%08x", i, w->number & 1 ? "odd" : "even", (unsigned)w->random);
        if (w->random >> 29 == 0)
            value[0] = 0;
        w->wrong += !NT_SUCCESS(put(w, k, value));
        k = (int)(w->random >> 8) % KEYS;
        snprintf(key, sizeof key, "writer%d/key%02d", w->number, k);
        get(key, value);
        w->wrong += strcmp(value, w->expected[k]) != 0;
        if (i % 16 == 15)
            KeDelayExecutionThread(UserMode, FALSE, &pause);
    }
    return (uint32_t)w->wrong;
}

static int run_writers(void)
{
    int wrong = 0;
    for (int i = 0; i < WRITERS; i++) {
        struct writer *w = &writers[i];
        w->number = i;
        w->random += (uint32_t)i * 77 + 1;
        NtCreateEvent(&w->answered, NULL, SynchronizationEvent, FALSE);
        if (!NT_SUCCESS(ExCreateThread(&w->thread, 0x10000, NULL, NULL, write_many, w, CREATE_SUSPENDED | 1u << (24 + i))))
            return 1;
    }
    for (int i = 0; i < WRITERS; i++)
        NtResumeThread(writers[i].thread, NULL);
    for (int i = 0; i < WRITERS; i++) {
        NtWaitForSingleObjectEx(writers[i].thread, UserMode, FALSE, NULL);
        NtClose(writers[i].thread);
        NtClose(writers[i].answered);
        wrong += writers[i].wrong;
    }
    return wrong;
}

// Every key of every writer, deleted ones included.
static int compare(void)
{
    int wrong = 0, pairs = 0;
    for (int i = 0; i < WRITERS * KEYS; i++) {
        char key[20], value[36];
        snprintf(key, sizeof key, "writer%d/key%02d", i / KEYS, i % KEYS);
        pairs += get(key, value);
        wrong += strcmp(value, writers[i / KEYS].expected[i % KEYS]) != 0;
    }
    printf("%d pairs, %d wrong, last change %u\n", pairs, wrong, (unsigned)store.sequence);
    return wrong;
}

// ---- Power is lost

static int damage(char *path, uint32_t disposition, const void *data, uint32_t size, int64_t from_end)
{
    HANDLE file;
    IO_STATUS_BLOCK io;
    FILE_NETWORK_OPEN_INFORMATION all;
    if (!NT_SUCCESS(open_file(path, GENERIC_READ | GENERIC_WRITE, disposition, &file)))
        return 0;
    NTSTATUS status = NtQueryInformationFile(file, &io, &all, sizeof all, FileNetworkOpenInformation);
    if (NT_SUCCESS(status))
        status = write_at(file, data, size, all.EndOfFile - (uint64_t)from_end);
    NtClose(file);
    return NT_SUCCESS(status);
}

static int lose_power(int way)
{
    static struct record next = {.key = "writer0/key00", .value = "never acknowledged"};
    next.sequence = store.sequence + 1;
    next.check = check_of(&next) ^ (way == 1); // way 1: it is whole but for one bit
    printf("%s\n", (const char *[]){"power is lost in the middle of a record", "a bit of the last record is wrong", "a checkpoint was begun",
                                    "the log was not emptied after a checkpoint"}[way]);
    if (way == 2)
        return damage(new_path, FILE_OVERWRITE_IF, &next, 40, 0);
    if (way < 2)
        return damage(log_path, FILE_OPEN, &next, way ? sizeof next : 40, 0);
    uint32_t bytes;
    struct record *old = read_records(log_path, &bytes); // put back behind the checkpoint's back
    make_checkpoint();
    int good = old && bytes && damage(log_path, FILE_OVERWRITE_IF, old, bytes, 0);
    if (old)
        ExFreePool(old);
    return good;
}

int main(void)
{
    int wrong = 0;
    for (int round = 0; round < 5; round++) {
        if (!open_store())
            return 90;
        wrong += compare() + run_writers();
        close_store();
        commit(); // nobody waits any more: does nothing
        printf("%d batches, up to %d changes at once, %d checkpoints\n", store.batches, store.largest, store.checkpoints);
        if (round < 4 && !lose_power(round))
            return 91;
    }
    wrong += !open_store() || compare();
    close_store();
    int left = remove(log_path) || remove(checkpoint_path) || remove(new_path) == 0;
    printf("store: %d wrong, %s\n", wrong, left ? "something is left" : "nothing is left");
    return wrong || left;
}
