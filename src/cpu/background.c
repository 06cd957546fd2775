#include "cpu/background.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "cpu/description.h"
#include "cpu/engine.h"

struct queue {
    struct background_job *first, **last;
};

struct background {
    struct library *library;
    struct cache *cache;
    struct rc *rc; // the thread's
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct queue waiting[2]; // by tier
    struct queue done;
    atomic_uint waiting_count;
    atomic_bool any_done, broken;
    bool started, quit;
    struct error problem;
};

static void push(struct queue *q, struct background_job *job)
{
    job->next = NULL;
    *q->last = job;
    q->last = &job->next;
}

static struct background_job *pop(struct queue *q)
{
    struct background_job *job = q->first;
    if (!job)
        return NULL;
    q->first = job->next;
    if (!q->first)
        q->last = &q->first;
    return job;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// NULL: time to go.
static struct background_job *wait_for_job(struct background *b)
{
    pthread_mutex_lock(&b->lock);
    struct background_job *job = NULL;
    while (!b->quit && !(job = pop(&b->waiting[RC_QUICK])) && !(job = pop(&b->waiting[RC_OPTIMISED])))
        pthread_cond_wait(&b->more, &b->lock);
    if (job)
        atomic_fetch_sub(&b->waiting_count, 1);
    pthread_mutex_unlock(&b->lock);
    return job;
}

static bool open_recompiler(struct background *b)
{
    if (b->rc)
        return true;
    if (atomic_load(&b->broken))
        return false;
    if (library_open(b->library, &b->problem) && b->library->api->create(&b->rc, &b->problem))
        return true;
    atomic_store(&b->broken, true);
    return false;
}

static void compile(struct background *b, struct background_job *job)
{
    struct error err = {0};
    if (!open_recompiler(b))
        return;
    double start = now();
    job->ok = b->library->api->compile(b->rc, &job->plan, 1, job->tier, &job->code, &err);
    job->seconds = now() - start;
    if (b->cache)
        cache_keep(b->cache, &job->plan, job->tier, job->ok ? &job->code : NULL);
}

static void *work(void *user)
{
    struct background *b = user;
    // Whoever plays has the machine first.
    setpriority(PRIO_PROCESS, 0, 5); // of this thread
    for (struct background_job *job; (job = wait_for_job(b));) {
        compile(b, job);
        pthread_mutex_lock(&b->lock);
        push(&b->done, job);
        atomic_store(&b->any_done, true);
        pthread_mutex_unlock(&b->lock);
    }
    if (b->rc)
        b->library->api->destroy(b->rc);
    return NULL;
}

// Signals are the running thread's, but those that the compiler itself raises.
static bool start(struct background *b)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 8 << 20);
    b->started = !pthread_create(&b->thread, &attributes, work, b);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return b->started;
}

bool background_create(struct background **out, struct library *library, struct cache *cache, struct error *err)
{
    struct background *b = calloc(1, sizeof *b);
    if (!b)
        return error_set(err, ERR_MEMORY, "no memory for the compiling thread");
    b->library = library;
    b->cache = cache;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->more, NULL);
    struct queue *all[] = {&b->waiting[0], &b->waiting[1], &b->done};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        all[i]->last = &all[i]->first;
    *out = b;
    return true;
}

void background_push(struct background *b, struct background_job *job)
{
    pthread_mutex_lock(&b->lock);
    push(&b->waiting[job->tier], job);
    atomic_fetch_add(&b->waiting_count, 1);
    if (!b->started && !start(b))
        atomic_store(&b->broken, true);
    pthread_cond_signal(&b->more);
    pthread_mutex_unlock(&b->lock);
}

unsigned background_waiting(const struct background *b)
{
    return atomic_load_explicit(&b->waiting_count, memory_order_relaxed);
}

struct background_job *background_take(struct background *b)
{
    if (!atomic_load_explicit(&b->any_done, memory_order_acquire))
        return NULL;
    pthread_mutex_lock(&b->lock);
    struct background_job *job = pop(&b->done);
    atomic_store(&b->any_done, b->done.first != NULL);
    pthread_mutex_unlock(&b->lock);
    return job;
}

void background_free_job(const struct background *b, struct background_job *job)
{
    if (!job)
        return;
    if (job->ok)
        b->library->api->free_code(&job->code);
    plan_free(&job->plan);
    free(job);
}

const char *background_problem(struct background *b)
{
    return atomic_load(&b->broken) ? b->problem.message : NULL;
}

void background_destroy(struct background *b)
{
    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    b->quit = true;
    pthread_cond_signal(&b->more);
    pthread_mutex_unlock(&b->lock);
    if (b->started)
        pthread_join(b->thread, NULL);
    struct queue *all[] = {&b->waiting[0], &b->waiting[1], &b->done};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (struct background_job *job; (job = pop(all[i]));)
            background_free_job(b, job);
    pthread_cond_destroy(&b->more);
    pthread_mutex_destroy(&b->lock);
    free(b);
}
