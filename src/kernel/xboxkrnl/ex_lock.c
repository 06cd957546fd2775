// ERWLOCK: one writer or many readers. The lock count is -1 when free, else holders and waiters less one; who leaves passes it
// on: a writer to all waiting readers, the last reader to the writer that has waited longest.
#include "kernel/api.h"
#include "kernel/state.h"

enum {
    LOCK_COUNT = 0x00,
    LOCK_WRITERS_WAITING = 0x04,
    LOCK_READERS_WAITING = 0x08,
    LOCK_READERS = 0x0C,
    LOCK_WRITER_EVENT = 0x10,
    LOCK_READER_SEMAPHORE = 0x20,
    LOCK_SIZE = 0x38,
};

static uint32_t get(const struct krnl_call *c, gva at)
{
    uint32_t value = 0;
    mem_get32(c->mem, at, &value);
    return value;
}

static uint32_t add(struct krnl_call *c, gva at, int by)
{
    uint32_t value = get(c, at) + (uint32_t)by;
    mem_set32(c->mem, at, value);
    return value;
}

static bool usable(const struct krnl_call *c, gva lock)
{
    if (mem_valid(c->mem, lock, LOCK_SIZE, MEM_WRITE))
        return true;
    log_write(c->k->log, LOG_GUEST, "ex", "%s of 0x%08x, which is not writable", c->row->name, lock);
    return false;
}

void ExInitializeReadWriteLock(struct krnl_call *c, uint32_t lock)
{
    enum { SYNCHRONIZATION = 1, LIMIT = 0x7FFFFFFF };
    if (!usable(c, lock))
        return;
    mem_fill(c->mem, lock, 0, LOCK_SIZE);
    mem_set32(c->mem, lock + LOCK_COUNT, 0xFFFFFFFF);
    KeInitializeEvent(c, lock + LOCK_WRITER_EVENT, SYNCHRONIZATION, 0);
    KeInitializeSemaphore(c, lock + LOCK_READER_SEMAPHORE, 0, LIMIT);
}

static void wait_for(struct krnl_call *c, gva object)
{
    struct krnl_target target = krnl_target_at(c->k, object);
    krnl_wait(c, 1, &target, true, KRNL_NOT_ALERTABLE, &(struct krnl_timeout){.infinite = true});
}

static bool may_read(const struct krnl_call *c, gva lock)
{
    return (int32_t)get(c, lock + LOCK_COUNT) < 0 || (get(c, lock + LOCK_READERS) && !get(c, lock + LOCK_WRITERS_WAITING));
}

void ExAcquireReadWriteLockExclusive(struct krnl_call *c, uint32_t lock)
{
    if (!usable(c, lock) || add(c, lock + LOCK_COUNT, 1) == 0)
        return;
    add(c, lock + LOCK_WRITERS_WAITING, 1);
    wait_for(c, lock + LOCK_WRITER_EVENT);
}

uint32_t ExTryToAcquireReadWriteLockExclusive(struct krnl_call *c, uint32_t lock)
{
    if (!usable(c, lock) || (int32_t)get(c, lock + LOCK_COUNT) >= 0)
        return 0;
    mem_set32(c->mem, lock + LOCK_COUNT, 0);
    return 1;
}

void ExAcquireReadWriteLockShared(struct krnl_call *c, uint32_t lock)
{
    if (!usable(c, lock))
        return;
    bool at_once = may_read(c, lock);
    add(c, lock + LOCK_COUNT, 1);
    add(c, lock + (at_once ? LOCK_READERS : LOCK_READERS_WAITING), 1);
    if (!at_once)
        wait_for(c, lock + LOCK_READER_SEMAPHORE);
}

uint32_t ExTryToAcquireReadWriteLockShared(struct krnl_call *c, uint32_t lock)
{
    if (!usable(c, lock) || !may_read(c, lock))
        return 0;
    add(c, lock + LOCK_COUNT, 1);
    add(c, lock + LOCK_READERS, 1);
    return 1;
}

void ExReleaseReadWriteLock(struct krnl_call *c, uint32_t lock)
{
    if (!usable(c, lock))
        return;
    if ((int32_t)add(c, lock + LOCK_COUNT, -1) < 0) {
        mem_set32(c->mem, lock + LOCK_READERS, 0);
        return;
    }
    uint32_t waiting = get(c, lock + LOCK_READERS_WAITING);
    if (!get(c, lock + LOCK_READERS)) { // a writer leaves
        if (waiting) {
            mem_set32(c->mem, lock + LOCK_READERS_WAITING, 0);
            mem_set32(c->mem, lock + LOCK_READERS, waiting);
            KeReleaseSemaphore(c, lock + LOCK_READER_SEMAPHORE, 1, waiting, 0);
            return;
        }
    } else if (add(c, lock + LOCK_READERS, -1))
        return; // others still read
    add(c, lock + LOCK_WRITERS_WAITING, -1);
    KeSetEvent(c, lock + LOCK_WRITER_EVENT, 1, 0);
}
