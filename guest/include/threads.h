// threads.h: C11 threads on the kernel's threads, critical sections, events and TLS slots.
#pragma once
#include <stdint.h>
#include <time.h>
#include <xenolith/types.h>

#ifdef __cplusplus
extern "C" {
#endif
typedef HANDLE thrd_t;
typedef int (*thrd_start_t)(void *);
typedef RTL_CRITICAL_SECTION mtx_t; // any type: may be locked again by its owner
typedef struct {
    KSPIN_LOCK lock;
    uint32_t waiting;
    KSEMAPHORE semaphore;
} cnd_t;
typedef uint32_t tss_t;
typedef void (*tss_dtor_t)(void *);
typedef int once_flag;
#define ONCE_FLAG_INIT 0
#define TSS_DTOR_ITERATIONS 4
enum { thrd_success, thrd_busy, thrd_error, thrd_nomem, thrd_timedout };
enum { mtx_plain = 0, mtx_recursive = 1, mtx_timed = 2 };

int thrd_create(thrd_t *out, thrd_start_t start, void *context);
thrd_t thrd_current(void);
int thrd_equal(thrd_t a, thrd_t b);
int thrd_join(thrd_t thread, int *result); // and closes the handle
int thrd_detach(thrd_t thread);
void thrd_yield(void);
int thrd_sleep(const struct timespec *duration, struct timespec *remaining);
void thrd_exit(int result) __attribute__((noreturn));
int mtx_init(mtx_t *mutex, int type);
int mtx_lock(mtx_t *mutex);
int mtx_trylock(mtx_t *mutex);
int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict until); // until: of TIME_UTC
int mtx_unlock(mtx_t *mutex);
void mtx_destroy(mtx_t *mutex);
int cnd_init(cnd_t *condition);
int cnd_wait(cnd_t *condition, mtx_t *mutex);
int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until);
int cnd_signal(cnd_t *condition);
int cnd_broadcast(cnd_t *condition);
void cnd_destroy(cnd_t *condition);
int tss_create(tss_t *key, tss_dtor_t destructor); // run when a thread that thrd_create made ends
void *tss_get(tss_t key);
int tss_set(tss_t key, void *value);
void tss_delete(tss_t key);
void call_once(once_flag *flag, void (*function)(void));
#ifdef __cplusplus
}
#endif
