// background.h: a thread of its own that compiles for CPU_AUTO.
// Life: background_create; jobs go in and come back in any order; background_destroy waits for the one that is being compiled.
// Threads: all functions are the running thread's. Nothing that the thread does reaches the guest: it knows plans only.
#pragma once
#include <stdatomic.h>

#include "cpu/cache.h"
#include "cpu/library.h"

struct background;

struct background_job {
    struct background_job *next;
    struct rc_plan plan;
    enum rc_tier tier;
    struct rc_code code; // where `ok`
    bool ok;
    double seconds; // CPU time it took
};

// `library` and `cache` (NULL: none) stay the caller's and must live longer. The thread starts with the first job.
bool background_create(struct background **out, struct library *library, struct cache *cache, struct error *err);
void background_destroy(struct background *b); // NULL is allowed

// Takes the job. Quick ones are done first.
void background_push(struct background *b, struct background_job *job);
unsigned background_waiting(const struct background *b); // jobs that were not begun

// What is done, oldest first, or NULL. The caller frees with background_free_job.
struct background_job *background_take(struct background *b);
void background_free_job(const struct background *b, struct background_job *job); // NULL is allowed

// Why the shared object could not be opened; NULL where it could or nobody tried.
const char *background_problem(struct background *b);
