#include <stdlib.h>
#include <threads.h>
#include <xenolith/xboxkrnl.h>

enum { STACK = 0x10000, HARDWARE_THREADS = 6 };

// The kernel has no call that gives a thread's exit code: results are kept here. One for each thread that thrd_create made until it
// is joined, or is both detached and ended; and one for each other thread that asked for thrd_current.
struct thread {
    struct thread *next;
    thrd_t handle;
    KTHREAD *object; // known when the thread runs
    thrd_start_t function;
    void *context;
    int result, detached, ended;
};

struct slot { // a thread-specific slot with a destructor
    struct slot *next;
    tss_t key;
    tss_dtor_t destructor;
};

static struct thread *threads;
static struct slot *slots;
static KSPIN_LOCK threads_lock; // of both lists

static void lock(KSPIN_LOCK *l)
{
    while (__atomic_exchange_n(l, 1, __ATOMIC_ACQUIRE))
        NtYieldExecution();
}

static void unlock(KSPIN_LOCK *l)
{
    __atomic_store_n(l, 0, __ATOMIC_RELEASE);
}

static void insert(struct thread *t)
{
    lock(&threads_lock);
    t->next = threads;
    threads = t;
    unlock(&threads_lock);
}

// The thread with this handle, or with this object.
static struct thread *find(thrd_t handle, const KTHREAD *object)
{
    lock(&threads_lock);
    struct thread *t = threads;
    while (t && !(object ? t->object == object : t->handle == handle))
        t = t->next;
    unlock(&threads_lock);
    return t;
}

static void discard(struct thread *t)
{
    lock(&threads_lock);
    struct thread **at = &threads;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    unlock(&threads_lock);
    NtClose(t->handle);
    free(t);
}

// The n-th slot, by value: a destructor may make and delete slots.
static struct slot slot_number(int n)
{
    lock(&threads_lock);
    const struct slot *s = slots;
    while (s && n--)
        s = s->next;
    struct slot out = s ? *s : (struct slot){NULL, TLS_OUT_OF_INDEXES, NULL};
    unlock(&threads_lock);
    return out;
}

// A destructor may set values again.
static void destroy_values(void)
{
    int again = 1;
    for (int round = 0; again && round < TSS_DTOR_ITERATIONS; round++) {
        struct slot slot;
        again = 0;
        for (int n = 0; (slot = slot_number(n)).destructor; n++) {
            void *value = tss_get(slot.key);
            if (!value)
                continue;
            tss_set(slot.key, NULL);
            slot.destructor(value);
            again = 1;
        }
    }
}

static void finish(struct thread *t, int result)
{
    destroy_values();
    t->result = result;
    lock(&threads_lock);
    t->ended = 1;
    int detached = t->detached;
    unlock(&threads_lock);
    if (detached)
        discard(t);
}

static uint32_t begin(void *argument)
{
    struct thread *t = argument;
    t->object = KeGetCurrentThread();
    int result = t->function(t->context);
    finish(t, result);
    return (uint32_t)result;
}

// The kernel leaves a thread with its creator's hardware thread, where they take turns; C's threads are spread over all.
static uint32_t next_place(void)
{
    static uint32_t last;
    return 1u << (24 + __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED) % HARDWARE_THREADS);
}

int thrd_create(thrd_t *out, thrd_start_t function, void *context)
{
    struct thread *t = calloc(1, sizeof *t);
    uint32_t id;
    if (!t)
        return thrd_nomem;
    t->function = function;
    t->context = context;
    if (ExCreateThread(&t->handle, STACK, &id, NULL, begin, t, CREATE_SUSPENDED | next_place()) < 0) {
        free(t);
        return thrd_error;
    }
    *out = t->handle;
    insert(t);
    NtResumeThread(*out, NULL);
    return thrd_success;
}

thrd_t thrd_current(void)
{
    KTHREAD *self = KeGetCurrentThread();
    struct thread *t = find(0, self);
    if (t)
        return t->handle;
    t = calloc(1, sizeof *t);
    if (!t || ObOpenObjectByPointer(self, &t->handle) < 0) {
        free(t);
        return NtCurrentThread();
    }
    t->object = self;
    insert(t);
    return t->handle;
}

int thrd_equal(thrd_t a, thrd_t b)
{
    return a == b;
}

int thrd_join(thrd_t handle, int *result)
{
    struct thread *t = find(handle, NULL);
    if (!t || t->detached || NtWaitForSingleObjectEx(handle, UserMode, 0, NULL) != STATUS_SUCCESS)
        return thrd_error;
    if (result)
        *result = t->result;
    discard(t);
    return thrd_success;
}

int thrd_detach(thrd_t handle)
{
    struct thread *t = find(handle, NULL);
    if (!t || t->detached)
        return thrd_error;
    lock(&threads_lock);
    t->detached = 1;
    int ended = t->ended;
    unlock(&threads_lock);
    if (ended)
        discard(t);
    return thrd_success;
}

void thrd_yield(void)
{
    NtYieldExecution();
}

int thrd_sleep(const struct timespec *duration, struct timespec *remaining)
{
    int64_t interval = -(duration->tv_sec * 10000000 + duration->tv_nsec / 100);
    if (remaining)
        *remaining = (struct timespec){0, 0};
    return KeDelayExecutionThread(UserMode, 0, &interval) < 0 ? -2 : 0;
}

void thrd_exit(int result)
{
    struct thread *t = find(0, KeGetCurrentThread());
    if (!t || !t->function) // the main thread ends the program
        exit(result);
    finish(t, result);
    ExTerminateThread((uint32_t)result);
    for (;;)
        ;
}

int mtx_init(mtx_t *mutex, int type)
{
    (void)type;
    RtlInitializeCriticalSection(mutex);
    return thrd_success;
}

int mtx_lock(mtx_t *mutex)
{
    RtlEnterCriticalSection(mutex);
    return thrd_success;
}

int mtx_trylock(mtx_t *mutex)
{
    return RtlTryEnterCriticalSection(mutex) ? thrd_success : thrd_busy;
}

// As the kernel counts: 100 ns since 1601.
static uint64_t kernel_time(const struct timespec *t)
{
    return ((uint64_t)t->tv_sec + 11644473600) * 10000000 + (uint64_t)t->tv_nsec / 100;
}

// A critical section cannot be waited for with a limit: looks every 100 us.
int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict until)
{
    int64_t pause = -1000;
    uint64_t now, end = kernel_time(until);
    while (!RtlTryEnterCriticalSection(mutex)) {
        KeQuerySystemTime(&now);
        if (now >= end)
            return thrd_timedout;
        KeDelayExecutionThread(UserMode, 0, &pause);
    }
    return thrd_success;
}

int mtx_unlock(mtx_t *mutex)
{
    RtlLeaveCriticalSection(mutex);
    return thrd_success;
}

void mtx_destroy(mtx_t *mutex)
{
    (void)mutex;
}

int cnd_init(cnd_t *c)
{
    c->lock = 0;
    c->waiting = 0;
    KeInitializeSemaphore(&c->semaphore, 0, 0x7FFFFFFF);
    return thrd_success;
}

static int wait_until(cnd_t *c, mtx_t *mutex, const int64_t *end)
{
    lock(&c->lock);
    c->waiting++;
    unlock(&c->lock);
    mtx_unlock(mutex);
    int result = thrd_success;
    if (KeWaitForSingleObject(&c->semaphore, 0, UserMode, 0, end) == STATUS_TIMEOUT) {
        lock(&c->lock);
        if (c->waiting) {
            c->waiting--;
            result = thrd_timedout;
        }
        unlock(&c->lock);
        if (result == thrd_success) // a signal came between: it is counted, and ours
            KeWaitForSingleObject(&c->semaphore, 0, UserMode, 0, NULL);
    }
    mtx_lock(mutex);
    return result;
}

int cnd_wait(cnd_t *c, mtx_t *mutex)
{
    return wait_until(c, mutex, NULL);
}

int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict mutex, const struct timespec *restrict until)
{
    int64_t end = (int64_t)kernel_time(until); // positive: a time, not a length of time
    return wait_until(c, mutex, &end);
}

static int release(cnd_t *c, uint32_t most)
{
    lock(&c->lock);
    uint32_t count = c->waiting < most ? c->waiting : most;
    c->waiting -= count;
    unlock(&c->lock);
    if (count)
        KeReleaseSemaphore(&c->semaphore, 0, (int32_t)count, 0);
    return thrd_success;
}

int cnd_signal(cnd_t *c)
{
    return release(c, 1);
}

int cnd_broadcast(cnd_t *c)
{
    return release(c, UINT32_MAX);
}

void cnd_destroy(cnd_t *c)
{
    (void)c;
}

int tss_create(tss_t *key, tss_dtor_t destructor)
{
    struct slot *slot = destructor ? malloc(sizeof *slot) : NULL;
    *key = KeTlsAlloc();
    if (*key == TLS_OUT_OF_INDEXES || (destructor && !slot)) {
        tss_delete(*key);
        free(slot);
        return thrd_error;
    }
    if (slot) {
        *slot = (struct slot){NULL, *key, destructor};
        lock(&threads_lock);
        slot->next = slots;
        slots = slot;
        unlock(&threads_lock);
    }
    return thrd_success;
}

void *tss_get(tss_t key)
{
    return (void *)KeTlsGetValue(key);
}

int tss_set(tss_t key, void *value)
{
    return KeTlsSetValue(key, (uint32_t)value) ? thrd_success : thrd_error;
}

void tss_delete(tss_t key)
{
    struct slot **at = &slots, *found;
    lock(&threads_lock);
    while (*at && (*at)->key != key)
        at = &(*at)->next;
    found = *at;
    if (found)
        *at = found->next;
    unlock(&threads_lock);
    free(found);
    if (key != TLS_OUT_OF_INDEXES)
        KeTlsFree(key);
}

void call_once(once_flag *flag, void (*function)(void))
{
    int expected = 0;
    if (__atomic_compare_exchange_n(flag, &expected, 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        function();
        __atomic_store_n(flag, 2, __ATOMIC_RELEASE);
    }
    while (__atomic_load_n(flag, __ATOMIC_ACQUIRE) != 2)
        NtYieldExecution();
}
