// kernel: DPCs, APCs, timers, mutants, read-write locks and completion ports as a title calls them. Prints one line a fact.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <xenolith/types.h> // not xboxkrnl.h: the objects here are bytes, whatever their type

// As the kernel lays them out.
_Static_assert(sizeof(ERWLOCK) == 0x38 && offsetof(ERWLOCK, WriterEvent) == 0x10 && offsetof(ERWLOCK, ReaderSemaphore) == 0x20, "ERWLOCK");
_Static_assert(sizeof(KWAIT_BLOCK) == 0x18, "KWAIT_BLOCK");
_Static_assert(sizeof(FILE_BASIC_INFORMATION) == 0x28 && sizeof(FILE_STANDARD_INFORMATION) == 0x18, "information on files");
_Static_assert(sizeof(FILE_RENAME_INFORMATION) == 0x10 && offsetof(FILE_RENAME_INFORMATION, FileName) == 8, "renaming");
_Static_assert(sizeof(FILE_FS_SIZE_INFORMATION) == 0x18 && sizeof(FILE_COMPLETION_INFORMATION) == 8, "volumes and completions");
_Static_assert(sizeof(MUTANT_BASIC_INFORMATION) == 8 && sizeof(TIMER_BASIC_INFORMATION) == 16, "information on objects");

typedef struct { uint32_t words[10]; } object; // large enough for KTIMER, KMUTANT, KAPC, KDPC

NTSTATUS ExCreateThread(HANDLE *handle, uint32_t stack, uint32_t *id, void *startup, uint32_t (*start)(void *), void *context, uint32_t flags);
NTSTATUS NtWaitForSingleObjectEx(HANDLE handle, uint32_t mode, uint32_t alertable, const int64_t *timeout);
NTSTATUS KeWaitForSingleObject(void *object, uint32_t reason, uint32_t mode, uint32_t alertable, const int64_t *timeout);
NTSTATUS KeDelayExecutionThread(uint32_t mode, uint32_t alertable, const int64_t *interval);
void KeInitializeEvent(void *event, uint32_t type, uint32_t state);
int32_t KeSetEvent(void *event, int32_t increment, uint32_t wait);
NTSTATUS NtCreateMutant(HANDLE *handle, void *attributes, uint32_t owned);
NTSTATUS NtSuspendThread(HANDLE thread, uint32_t *previous);
NTSTATUS NtResumeThread(HANDLE thread, uint32_t *previous);
NTSTATUS NtClose(HANDLE handle);
void KeInitializeDpc(void *dpc, void *routine, void *context);
uint32_t KeInsertQueueDpc(void *dpc, uint32_t a, uint32_t b);
void KeInitializeApc(void *apc, void *thread, void *kernel, void *rundown, void *normal, uint32_t mode, void *context);
uint32_t KeInsertQueueApc(void *apc, uint32_t a, uint32_t b, uint32_t increment);
NTSTATUS NtQueueApcThread(HANDLE thread, void *routine, uint32_t context, uint32_t a, uint32_t b);
void KeInitializeTimerEx(void *timer, uint32_t type, uint32_t process);
uint32_t KeSetTimerEx(void *timer, int64_t due, int32_t period, void *dpc);
uint32_t KeCancelTimer(void *timer);
void KeInitializeMutant(void *mutant, uint32_t owned);
int32_t KeReleaseMutant(void *mutant, uint32_t increment, uint32_t abandoned, uint32_t wait);
void ExInitializeReadWriteLock(void *lock);
void ExAcquireReadWriteLockExclusive(void *lock);
void ExAcquireReadWriteLockShared(void *lock);
void ExReleaseReadWriteLock(void *lock);
NTSTATUS NtCreateIoCompletion(HANDLE *port, uint32_t access, void *attributes, uint32_t threads);
NTSTATUS NtSetIoCompletion(HANDLE port, uint32_t key, uint32_t context, uint32_t status, uint32_t bytes);
NTSTATUS NtRemoveIoCompletion(HANDLE port, uint32_t *key, uint32_t *context, uint32_t *io, const int64_t *timeout);
uint32_t KeRaiseIrqlToDpcLevel(void);
void KfLowerIrql(uint32_t irql);
uint32_t KeGetCurrentProcessType(void);
void KeEnterCriticalRegion(void);
void KeLeaveCriticalRegion(void);
NTSTATUS ObReferenceObjectByHandle(HANDLE handle, void *type, void **out);

static uint64_t xenolith_timebase(void)
{
    uint32_t high, low;
    __asm__ volatile("mftbu %0\n\tmftb %1" : "=r"(high), "=r"(low));
    return (uint64_t)high << 32 | low;
}

static char order[64];
static const int64_t ms = -10000, ten_ms = -100000, long_time = -100000000;

static void note(char what)
{
    size_t n = strlen(order);
    if (n < sizeof order - 1)
        order[n] = what;
}

static void show(const char *what)
{
    printf("%s: %s\n", what, order);
    memset(order, 0, sizeof order);
}

static void *this_thread(void)
{
    void *kthread;
    __asm__ volatile("lwz %0, 0x100(13)" : "=r"(kthread));
    return kthread;
}

static uint32_t irql(void)
{
    uint32_t level;
    __asm__ volatile("lbz %0, 0x18(13)" : "=r"(level));
    return level;
}

static HANDLE start(uint32_t (*function)(void *), void *context)
{
    HANDLE handle = 0;
    ExCreateThread(&handle, 0x10000, NULL, NULL, function, context, 0);
    return handle;
}

static void join(HANDLE thread)
{
    NtWaitForSingleObjectEx(thread, UserMode, 0, NULL);
    NtClose(thread);
}

// ---- DPCs

static object dpcs[3];

static void deferred(void *dpc, void *context, uint32_t a, uint32_t b)
{
    (void)context;
    note((char)('a' + (object *)dpc - dpcs));
    if (irql() != 2 || a != 1 || b != 2)
        note('!');
    if (dpc == &dpcs[0]) // behind the others
        KeInsertQueueDpc(&dpcs[2], 1, 2);
}

static void test_dpcs(void)
{
    for (int i = 0; i < 3; i++)
        KeInitializeDpc(&dpcs[i], deferred, NULL);
    note('1');
    KeInsertQueueDpc(&dpcs[0], 1, 2); // at once
    note('2');
    uint32_t old = KeRaiseIrqlToDpcLevel();
    KeInsertQueueDpc(&dpcs[1], 1, 2);
    KeInsertQueueDpc(&dpcs[0], 1, 2);
    note('3');
    KfLowerIrql(old); // now
    note((char)('0' + irql()));
    show("dpcs");
}

// ---- APCs

static object apcs[4];

static void kernel_routine(void *apc, void **normal, void **context, void **a, void **b)
{
    (void)normal, (void)a, (void)b;
    note('k');
    note((char)('0' + irql()));
    if (apc == &apcs[2])
        *context = "Z";
}

static void normal_routine(const char *context, uint32_t a, uint32_t b)
{
    (void)a, (void)b;
    note(context[0]);
}

static KEVENT wake;

static uint32_t sleeper(void *kthread)
{
    *(void **)kthread = this_thread();
    NTSTATUS status = KeDelayExecutionThread(UserMode, 1, &long_time);
    note(status == 0xC0 ? 'u' : '?');
    status = KeWaitForSingleObject(&wake, 3, 0, 0, NULL);
    note(status == 0 ? 'e' : '?');
    return 0;
}

static void test_apcs(void)
{
    void *volatile kthread = NULL;
    KeInitializeEvent(&wake, 1, 0);
    HANDLE thread = start(sleeper, (void *)&kthread);
    KeDelayExecutionThread(0, 0, &ten_ms);
    NtQueueApcThread(thread, normal_routine, (uint32_t)(uintptr_t)"A", 0, 0);
    KeInitializeApc(&apcs[1], kthread, kernel_routine, NULL, normal_routine, 1, "B");
    KeInsertQueueApc(&apcs[1], 0, 0, 0);
    KeInitializeApc(&apcs[2], kthread, kernel_routine, NULL, normal_routine, 1, "C");
    KeInsertQueueApc(&apcs[2], 0, 0, 0);
    KeDelayExecutionThread(0, 0, &ten_ms);
    show("user apcs");
    KeInitializeApc(&apcs[3], kthread, kernel_routine, NULL, normal_routine, 0, "K"); // in the middle of a wait
    KeInsertQueueApc(&apcs[3], 0, 0, 0);
    KeDelayExecutionThread(0, 0, &ten_ms);
    note('-');
    KeSetEvent(&wake, 0, 0);
    join(thread);
    show("kernel apc in a wait");
    KeEnterCriticalRegion();
    KeInitializeApc(&apcs[0], this_thread(), NULL, NULL, normal_routine, 0, "R");
    KeInsertQueueApc(&apcs[0], 0, 0, 0);
    note('1');
    KeLeaveCriticalRegion();
    note('2');
    show("kernel apc behind a region");
}

static object last_apc;

static void rundown(void *apc)
{
    note(apc == &last_apc ? 'r' : '?');
}

static uint32_t ends_with_apc(void *context)
{
    (void)context;
    KeInitializeApc(&last_apc, this_thread(), NULL, rundown, normal_routine, 1, "X");
    KeInsertQueueApc(&last_apc, 0, 0, 0);
    note('t');
    return 0;
}

// ---- Timers

static object timer;

static void tick(void *dpc, void *context, uint32_t low, uint32_t high)
{
    (void)dpc, (void)context, (void)low;
    note(irql() == 2 && KeGetCurrentProcessType() == 1 && high ? 'd' : '!');
}

static void test_timers(void)
{
    static object dpc;
    KeInitializeDpc(&dpc, tick, NULL);
    KeInitializeTimerEx(&timer, 1, 1);
    note((char)('0' + KeSetTimerEx(&timer, ten_ms, 10, &dpc)));
    for (int i = 0; i < 3; i++)
        note(KeWaitForSingleObject(&timer, 3, 0, 0, NULL) == 0 ? 'w' : '?');
    note((char)('0' + KeCancelTimer(&timer)));
    note((char)('0' + KeCancelTimer(&timer)));
    note(KeWaitForSingleObject(&timer, 3, 0, 0, &ten_ms) == 0x102 ? 't' : '?');
    show("timer");
}

// ---- Mutants

static object mutant;

static uint32_t abandons(void *context)
{
    (void)context;
    KeWaitForSingleObject(&mutant, 3, 0, 0, NULL);
    KeDelayExecutionThread(0, 0, &ten_ms);
    note('x');
    return 0;
}

static void test_mutants(void)
{
    KeInitializeMutant(&mutant, 0);
    HANDLE thread = start(abandons, NULL);
    KeDelayExecutionThread(0, 0, &ms);
    NTSTATUS status = KeWaitForSingleObject(&mutant, 3, 0, 0, NULL);
    note(status == 0x80 ? 'a' : '?');
    note(KeWaitForSingleObject(&mutant, 3, 0, 0, NULL) == 0 ? '2' : '?');
    note(KeReleaseMutant(&mutant, 0, 0, 0) == -1 ? '1' : '?');
    note(KeReleaseMutant(&mutant, 0, 0, 0) == 0 ? '0' : '?');
    join(thread);
    void *body = NULL;
    HANDLE handle;
    NtCreateMutant(&handle, NULL, 1);
    note(ObReferenceObjectByHandle(handle, NULL, &body) == 0 && KeReleaseMutant(body, 0, 0, 0) == 0 ? 'h' : '?');
    show("mutant");
}

// ---- Read-write locks: writers and readers change one number; nobody may see it odd.

static uint32_t lock[14];
static volatile uint32_t number, seen_odd, reads;

static uint32_t writer(void *context)
{
    for (int i = 0; i < 50; i++) {
        ExAcquireReadWriteLockExclusive(lock);
        number++;
        if (i % 10 == 0)
            KeDelayExecutionThread(0, 0, context);
        number++;
        ExReleaseReadWriteLock(lock);
    }
    return 0;
}

static uint32_t reader(void *context)
{
    for (int i = 0; i < 50; i++) {
        ExAcquireReadWriteLockShared(lock);
        seen_odd += number & 1;
        if (i % 10 == 0)
            KeDelayExecutionThread(0, 0, context);
        seen_odd += number & 1;
        reads++;
        ExReleaseReadWriteLock(lock);
    }
    return 0;
}

static void test_locks(void)
{
    HANDLE threads[4];
    ExInitializeReadWriteLock(lock);
    for (int i = 0; i < 4; i++)
        ExCreateThread(&threads[i], 0x10000, NULL, NULL, i & 1 ? reader : writer, (void *)&ms, 1u << (24 + i));
    for (int i = 0; i < 4; i++)
        join(threads[i]);
    printf("read-write lock: %u written, %u torn, %s\n", (unsigned)number, (unsigned)seen_odd, (int32_t)lock[0] == -1 ? "free" : "held");
}

// ---- Completion ports

static HANDLE port;

static uint32_t worker(void *sum)
{
    uint32_t key, context, io[2];
    while (NtRemoveIoCompletion(port, &key, &context, io, NULL) == 0 && key) {
        *(volatile uint32_t *)sum += context + io[1];
        note('w');
    }
    return 0;
}

static void test_ports(void)
{
    volatile uint32_t sum = 0;
    NtCreateIoCompletion(&port, 0, NULL, 0);
    HANDLE thread = start(worker, (void *)&sum);
    for (uint32_t i = 1; i <= 3; i++)
        NtSetIoCompletion(port, 1, i, 0, 100 * i);
    NtSetIoCompletion(port, 0, 0, 0, 0);
    join(thread);
    note(sum == 606 ? '=' : '?');
    uint32_t key, context;
    note(NtRemoveIoCompletion(port, &key, &context, NULL, &ms) == 0x102 ? 't' : '?');
    NtClose(port);
    show("completion port");
}

// ---- The scheduler

uint32_t KeSetAffinityThread(void *thread, uint32_t affinity, uint32_t *previous);

static uint32_t processor(void)
{
    uint32_t number;
    __asm__ volatile("lbz %0, 0x10C(13)" : "=r"(number));
    return number;
}

static volatile uint32_t turns[2], stop;

static uint32_t spins(void *context)
{
    while (!stop)
        ++*(volatile uint32_t *)context;
    return 0;
}

static uint32_t waits_at_dispatch_level(void *context)
{
    (void)context;
    uint32_t old = KeRaiseIrqlToDpcLevel();
    note(KeWaitForSingleObject(&wake, 3, 0, 0, NULL) == 0 && irql() == 2 ? 'w' : '?'); // a mistake, but no hang
    KfLowerIrql(old);
    return 0;
}

static uint32_t says(void *what)
{
    note(*(char *)what);
    return 0;
}

static void test_scheduler(void)
{
    HANDLE threads[2], handle;
    for (int i = 0; i < 2; i++) // on one hardware thread: quantum by quantum
        ExCreateThread(&threads[i], 0x10000, NULL, NULL, spins, (void *)&turns[i], 1u << (24 + 3));
    uint64_t last = xenolith_timebase();
    for (uint32_t i = 0; i < 12; i++) { // from one to the next, while it runs
        KeSetAffinityThread(this_thread(), 1u << i % 6, NULL);
        uint64_t now = xenolith_timebase();
        if (processor() != i % 6 || now < last)
            note('!');
        last = now;
    }
    static const int64_t two_turns = -1000000;
    KeSetAffinityThread(this_thread(), 1, NULL);
    KeDelayExecutionThread(0, 0, &two_turns);
    note(turns[0] > 1000 && turns[1] > 1000 ? 'q' : '?');
    stop = 1;
    join(threads[0]);
    join(threads[1]);
    handle = start(waits_at_dispatch_level, NULL);
    KeDelayExecutionThread(0, 0, &ms);
    KeSetEvent(&wake, 0, 0);
    join(handle);
    ExCreateThread(&handle, 0x10000, NULL, NULL, says, "s", 1); // suspended
    KeDelayExecutionThread(0, 0, &ms);
    note('1');
    uint32_t previous = 0;
    NtSuspendThread(handle, &previous);
    NtResumeThread(handle, NULL);
    note((char)('0' + previous));
    KeDelayExecutionThread(0, 0, &ms);
    NtResumeThread(handle, NULL);
    join(handle);
    show("scheduler");
}

int main(void)
{
    test_dpcs();
    test_apcs();
    join(start(ends_with_apc, NULL));
    show("rundown");
    test_timers();
    test_mutants();
    test_locks();
    test_ports();
    test_scheduler();
    return 0;
}
