// particles: a small simulation on worker threads that meet at a barrier of events each step, paced by a timer; snapshots go to a
// file through the kernel's own calls; energy and momentum tell whether the arithmetic holds.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenolith/xboxkrnl.h>

enum { BODIES = 24, WORKERS = 3, STEPS = 60, EVERY = 20 };

static const int64_t second = -10000000;
static const double step_time = 0.001;

struct body {
    double position[3], velocity[3], force[3], mass;
};

static struct body *bodies; // physical memory

// ---- The bodies

static double uniform(void)
{
    return rand() / (double)RAND_MAX;
}

static void make_bodies(void)
{
    srand(2005);
    for (int i = 0; i < BODIES; i++) {
        struct body *b = &bodies[i];
        double angle = 2 * M_PI * uniform(), height = 2 * uniform() - 1, radius = sqrt(1 - height * height);
        b->position[0] = radius * cos(angle);
        b->position[1] = radius * sin(angle);
        b->position[2] = height;
        for (int k = 0; k < 3; k++)
            b->velocity[k] = 0.2 * (uniform() - 0.5);
        b->mass = 0.5 + exp(-2 * uniform());
    }
}

static double distance(const struct body *a, const struct body *b, double *between)
{
    double sum = 0.01; // softened
    for (int k = 0; k < 3; k++) {
        between[k] = b->position[k] - a->position[k];
        sum += between[k] * between[k];
    }
    return sqrt(sum);
}

static void add_forces(int first, int last)
{
    double between[3];
    for (int i = first; i < last; i++) {
        struct body *b = &bodies[i];
        memset(b->force, 0, sizeof b->force);
        for (int j = 0; j < BODIES; j++) {
            if (i == j)
                continue;
            double d = distance(b, &bodies[j], between), pull = b->mass * bodies[j].mass / (d * d * d);
            for (int k = 0; k < 3; k++)
                b->force[k] += pull * between[k];
        }
    }
}

static void move(int first, int last)
{
    for (int i = first; i < last; i++)
        for (int k = 0; k < 3; k++) {
            bodies[i].velocity[k] += bodies[i].force[k] / bodies[i].mass * step_time;
            bodies[i].position[k] += bodies[i].velocity[k] * step_time;
        }
}

static double energy(void)
{
    double sum = 0, between[3];
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++)
            sum += 0.5 * bodies[i].mass * bodies[i].velocity[k] * bodies[i].velocity[k];
        for (int j = 0; j < i; j++)
            sum -= bodies[i].mass * bodies[j].mass / distance(&bodies[i], &bodies[j], between);
    }
    return sum;
}

static double momentum(void)
{
    double sum[3] = {0, 0, 0};
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            sum[k] += bodies[i].mass * bodies[i].velocity[k];
    return hypot(hypot(sum[0], sum[1]), sum[2]);
}

// ---- Workers: each owns a range; the main thread starts both halves of a step with events

static HANDLE start_events[WORKERS], done_events[WORKERS], threads[WORKERS];
static volatile int phase; // 0 forces, 1 moves, 2 ends
static RTL_CRITICAL_SECTION statistics_lock;
static struct {
    int calls;
    uint64_t ticks;
} statistics;
static uint32_t slot;

static uint32_t work(void *context)
{
    int number = (int)context, first = BODIES * number / WORKERS, last = BODIES * (number + 1) / WORKERS;
    KeTlsSetValue(slot, (uint32_t)(number + 100));
    for (;;) {
        NtWaitForSingleObjectEx(start_events[number], UserMode, 0, NULL);
        uint64_t begun = xenolith_timebase();
        if (phase == 2)
            break;
        if (phase == 0)
            add_forces(first, last);
        else
            move(first, last);
        RtlEnterCriticalSection(&statistics_lock);
        statistics.calls++;
        statistics.ticks += xenolith_timebase() - begun;
        RtlLeaveCriticalSection(&statistics_lock);
        NtSetEvent(done_events[number], NULL);
    }
    return KeTlsGetValue(slot) == (uint32_t)(number + 100) ? 0 : 1;
}

static int start_workers(void)
{
    RtlInitializeCriticalSection(&statistics_lock);
    slot = KeTlsAlloc();
    for (int i = 0; i < WORKERS; i++) {
        uint32_t id;
        if (NtCreateEvent(&start_events[i], NULL, SynchronizationEvent, 0) < 0 ||
            NtCreateEvent(&done_events[i], NULL, SynchronizationEvent, 0) < 0 ||
            ExCreateThread(&threads[i], 0x8000, &id, NULL, work, (void *)i, (uint32_t)(1 << (24 + 2 * i))) < 0)
            return 0;
    }
    return 1;
}

static int run_phase(int which)
{
    phase = which;
    for (int i = 0; i < WORKERS; i++)
        NtSetEvent(start_events[i], NULL);
    if (which == 2)
        return NtWaitForMultipleObjectsEx(WORKERS, threads, WaitAll, UserMode, 0, &second) == STATUS_SUCCESS;
    return NtWaitForMultipleObjectsEx(WORKERS, done_events, WaitAll, UserMode, 0, &second) == STATUS_SUCCESS;
}

// ---- Snapshots

static HANDLE open_snapshots(uint32_t disposition, uint32_t access)
{
    ANSI_STRING name;
    OBJECT_ATTRIBUTES attributes = {OBJ_DOS_DEVICES, &name, OBJ_CASE_INSENSITIVE};
    IO_STATUS_BLOCK status;
    HANDLE file = 0;
    RtlInitAnsiString(&name, "game:\\particles.bin");
    if (NtCreateFile(&file, access | FILE_SYNCHRONIZE, &attributes, &status, NULL, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ, disposition,
                     FILE_SYNCHRONOUS_IO_NONALERT) < 0)
        return 0;
    return file;
}

static int save(HANDLE file, int number)
{
    uint64_t offset = (uint64_t)number * BODIES * sizeof *bodies;
    IO_STATUS_BLOCK status;
    NTSTATUS s = NtWriteFile(file, 0, NULL, NULL, &status, bodies, BODIES * sizeof *bodies, &offset);
    return s >= 0 && status.Information == BODIES * sizeof *bodies;
}

static int verify(int count, uint32_t crc)
{
    struct body *copy = malloc(BODIES * sizeof *copy);
    HANDLE file = open_snapshots(FILE_OPEN, FILE_GENERIC_READ);
    IO_STATUS_BLOCK status;
    uint64_t offset = (uint64_t)(count - 1) * BODIES * sizeof *copy;
    int good = copy && file && NtReadFile(file, 0, NULL, NULL, &status, copy, BODIES * sizeof *copy, &offset) >= 0;
    good = good && RtlComputeCrc32(0, copy, BODIES * sizeof *copy) == crc && !memcmp(copy, bodies, BODIES * sizeof *copy);
    NtClose(file);
    free(copy);
    return good && remove("particles.bin") == 0;
}

static HANDLE make_pacer(void)
{
    HANDLE timer;
    int64_t due = -10000;
    NtCreateTimer(&timer, NULL, 1);
    NtSetTimerEx(timer, &due, NULL, UserMode, NULL, 0, 2, NULL);
    return timer;
}

int main(void)
{
    bodies = MmAllocatePhysicalMemoryEx(0, sizeof *bodies * BODIES, PAGE_READWRITE, 0, 0xFFFFFFFF, 0);
    HANDLE file = open_snapshots(FILE_OVERWRITE_IF, FILE_GENERIC_WRITE);
    if (!bodies || !file || !start_workers())
        return 1;
    make_bodies();
    double energy_before = energy(), momentum_before = momentum();
    printf("%d bodies, energy %.6f, momentum %.6f, bus %08x\n", BODIES, energy_before, momentum_before, MmGetPhysicalAddress(bodies) ? 1 : 0);
    HANDLE pacer = make_pacer();
    uint64_t started = xenolith_timebase();
    int snapshots = 0;
    for (int i = 1; i <= STEPS; i++) {
        NtWaitForSingleObjectEx(pacer, UserMode, 0, &second);
        if (!run_phase(0) || !run_phase(1))
            return 2;
        if (i % EVERY == 0) {
            printf("step %d: energy %.6f, first body at %.5f %.5f %.5f\n", i, energy(), bodies[0].position[0], bodies[0].position[1],
                   bodies[0].position[2]);
            if (!save(file, snapshots++))
                return 3;
        }
    }
    uint32_t ms = (uint32_t)((xenolith_timebase() - started) / 50000);
    if (!run_phase(2))
        return 4;
    NtCancelTimer(pacer, NULL);
    NtClose(pacer);
    NtClose(file);
    double drift = fabs(energy() - energy_before) / fabs(energy_before), kick = fabs(momentum() - momentum_before);
    printf("energy drifts by less than 1 percent: %s, momentum is kept: %s\n", drift < 0.01 ? "yes" : "no", kick < 1e-12 ? "yes" : "no");
    printf("%d calls, time for %d steps of 2 ms: %s\n", statistics.calls, STEPS, ms >= 2 * STEPS - 2 && ms < 4 * STEPS ? "right" : "wrong");
    int good = verify(snapshots, RtlComputeCrc32(0, bodies, BODIES * sizeof *bodies));
    printf("snapshots: %s\n", good ? "equal" : "different");
    for (int i = 0; i < WORKERS; i++) {
        NtClose(threads[i]);
        NtClose(start_events[i]);
        NtClose(done_events[i]);
    }
    KeTlsFree(slot);
    MmFreePhysicalMemory(0, bodies);
    return good && drift < 0.01 && kick < 1e-12 && statistics.calls == 2 * STEPS * WORKERS ? 0 : 5;
}
