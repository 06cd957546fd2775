#include <stdlib.h>
#include <threads.h>
#include <xenolith/xboxkrnl.h>

enum { STACK = 0x10000 };

struct start {
    thrd_start_t function;
    void *context;
    int result;
    volatile int users; // the thread and whoever joins it
};

// The kernel has no call that gives a thread's exit code: results wait in a list, by handle, until joined.
struct result {
    struct result *next;
    thrd_t thread;
    struct start *start;
};

static struct result *results;
static KSPIN_LOCK results_lock;

static void put_start(struct start *s)
{
    if (!__atomic_sub_fetch(&s->users, 1, __ATOMIC_ACQ_REL))
        free(s);
}

static uint32_t begin(void *argument)
{
    struct start *s = argument;
    s->result = s->function(s->context);
    int result = s->result;
    put_start(s);
    return (uint32_t)result;
}

static void lock(KSPIN_LOCK *l)
{
    while (__atomic_exchange_n(l, 1, __ATOMIC_ACQUIRE))
        NtYieldExecution();
}

static void unlock(KSPIN_LOCK *l)
{
    __atomic_store_n(l, 0, __ATOMIC_RELEASE);
}

int thrd_create(thrd_t *out, thrd_start_t function, void *context)
{
    struct start *s = malloc(sizeof *s);
    struct result *r = malloc(sizeof *r);
    uint32_t id;
    if (s)
        *s = (struct start){function, context, 0, 2};
    if (!s || !r || ExCreateThread(out, STACK, &id, NULL, begin, s, CREATE_SUSPENDED) < 0) {
        free(s);
        free(r);
        return s && r ? thrd_error : thrd_nomem;
    }
    lock(&results_lock);
    *r = (struct result){results, *out, s};
    results = r;
    unlock(&results_lock);
    NtResumeThread(*out, NULL);
    return thrd_success;
}

static int take(thrd_t thread, int *result)
{
    lock(&results_lock);
    struct result **at = &results, *found;
    while (*at && (*at)->thread != thread)
        at = &(*at)->next;
    found = *at;
    if (found)
        *at = found->next;
    unlock(&results_lock);
    if (!found)
        return thrd_error;
    if (result)
        *result = found->start->result;
    put_start(found->start);
    free(found);
    NtClose(thread);
    return thrd_success;
}

int thrd_join(thrd_t thread, int *result)
{
    if (NtWaitForSingleObjectEx(thread, UserMode, 0, NULL) != STATUS_SUCCESS)
        return thrd_error;
    return take(thread, result);
}

int thrd_detach(thrd_t thread)
{
    return take(thread, NULL);
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
    exit(result);
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

int cnd_wait(cnd_t *c, mtx_t *mutex)
{
    lock(&c->lock);
    c->waiting++;
    unlock(&c->lock);
    mtx_unlock(mutex);
    KeWaitForSingleObject(&c->semaphore, 0, UserMode, 0, NULL);
    return mtx_lock(mutex);
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
    if (destructor)
        return thrd_error;
    *key = KeTlsAlloc();
    return *key == UINT32_MAX ? thrd_error : thrd_success;
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
