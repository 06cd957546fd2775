// The scheduler: six hardware threads, each with its own clock in cycles; always the one that is furthest behind runs. When all
// are idle, time jumps to the next deadline, vblank or test of a parked GPU. Nothing here asks the host.
#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "kernel/interrupt.h"

enum { SLICE_CYCLES = 20000, LONG_SLICE_CYCLES = 3200000, DISPATCH_LEVEL = 2 };
#define WEDGE_CYCLES (10 * KRNL_HZ)
#define QUANTUM_CYCLES (20 * KRNL_CYCLES_PER_MS)

uint64_t krnl_thread_now(const struct kernel *k, const struct krnl_thread *t)
{
    return t == k->running ? ppc_now(&t->cpu) : k->now;
}

uint64_t krnl_system_time(const struct kernel *k, uint64_t cycles)
{
    return k->config.boot_time + cycles / KRNL_CYCLES_PER_100NS;
}

void krnl_refresh_time(struct kernel *k, uint64_t now)
{
    uint64_t ms = now / KRNL_CYCLES_PER_MS;
    gva at = k->time_stamp;
    mem_set64(k->mem, at, ms * 10000);
    mem_set64(k->mem, at + 8, k->config.boot_time + ms * 10000);
    mem_set32(k->mem, at + 16, (uint32_t)ms);
    k->next_stamp = (ms + 1) * KRNL_CYCLES_PER_MS;
}

static bool runnable(const struct krnl_thread *t)
{
    return t->state == THREAD_READY && !t->suspend_count;
}

void krnl_make_ready(struct kernel *k, struct krnl_thread *t)
{
    uint64_t now = k->running ? ppc_now(&k->running->cpu) : k->now;
    bool idle = true;
    for (const struct krnl_thread *other = k->threads; other; other = other->next)
        if (other != t && other->hw == t->hw && runnable(other))
            idle = false;
    struct krnl_hw *hw = &k->hw[t->hw];
    if (idle && hw->now < now)
        hw->now = now; // it slept until whoever woke this thread did
    t->ready_since = ++k->sequence;
    t->quantum_used = 0;
    k->reschedule = true;
}

void krnl_stop(struct kernel *k, enum krnl_stop why, const struct krnl_thread *t, const char *format, ...)
{
    if (k->result.stop)
        return; // the first cause counts
    k->result.stop = why;
    k->result.thread = t;
    va_list args;
    va_start(args, format);
    vsnprintf(k->result.message, sizeof k->result.message, format, args);
    va_end(args);
    k->reschedule = true;
}

void krnl_host_failed(struct kernel *k, const char *what)
{
    krnl_stop(k, KRNL_STOP_HOST, NULL, "the host is %s", what);
}

static bool at_dispatch_level(const struct kernel *k, const struct krnl_thread *t)
{
    return krnl_irql(k, t) >= DISPATCH_LEVEL;
}

// A thread that holds off others runs before all, also where it gave way by waiting.
static int32_t effective_priority(const struct kernel *k, const struct krnl_thread *t)
{
    enum { ABOVE_ALL = 64 };
    return at_dispatch_level(k, t) ? ABOVE_ALL : t->priority;
}

// Which thread a hardware thread runs next; NULL: it is idle. At IRQL >= 2 it does not switch.
static struct krnl_thread *choose(const struct kernel *k, unsigned hw)
{
    struct krnl_thread *current = k->hw[hw].current, *best = NULL;
    if (current && current->hw == hw && runnable(current) && at_dispatch_level(k, current))
        return current;
    int32_t best_priority = 0;
    for (struct krnl_thread *t = k->threads; t; t = t->next) {
        if (t->hw != hw || !runnable(t))
            continue;
        int32_t priority = effective_priority(k, t);
        if (best && (priority < best_priority || (priority == best_priority && t->ready_since > best->ready_since)))
            continue;
        best = t;
        best_priority = priority;
    }
    return best;
}

static struct krnl_thread *pick(struct kernel *k, unsigned *others)
{
    struct krnl_thread *best = NULL;
    *others = 0;
    for (unsigned hw = 0; hw < KRNL_HW_THREADS; hw++) {
        struct krnl_thread *t = choose(k, hw);
        if (!t)
            continue;
        if (best)
            ++*others;
        if (!best || k->hw[hw].now < k->hw[best->hw].now ||
            (k->hw[hw].now == k->hw[best->hw].now && at_dispatch_level(k, t) && !at_dispatch_level(k, best)))
            best = t; // at the same time a DPC or interrupt comes before whom it may have woken
    }
    return best;
}

static uint64_t next_event(const struct kernel *k)
{
    uint64_t next = krnl_next_deadline(k);
    if (k->next_vblank < next)
        next = k->next_vblank;
    if (k->next_stamp < next)
        next = k->next_stamp;
    if (k->video_parked && !k->video_interrupt && k->video_retry < next)
        next = k->video_retry;
    return next;
}

// Lets everything happen that is due at `now`.
static void run_events(struct kernel *k, uint64_t now)
{
    if (now >= k->next_stamp)
        krnl_refresh_time(k, now);
    if (now >= k->next_vblank) {
        k->next_vblank += KRNL_CYCLES_PER_VBLANK;
        krnl_vblank(k);
    }
    krnl_wait_expire(k, now);
    krnl_run_video(k, now);
}

static bool wedged(const struct kernel *k)
{
    for (const struct krnl_thread *t = k->threads; t; t = t->next)
        if (t->guest && (runnable(t) || (t->state == THREAD_WAITING && t->wait.timed)))
            return false;
    return !k->timers;
}

// A trap instruction: the debugger's ones print or go on, the rest is the title's own assertion.
static void trap(struct kernel *k, struct krnl_thread *t)
{
    uint32_t insn = 0;
    mem_get32(k->mem, t->cpu.pc, &insn);
    unsigned code = insn & 0xFFFF;
    if (insn >> 26 == 3 && (insn >> 21 & 31) == 31 && (code == 20 || code == 26)) {
        char text[512];
        uint32_t length = (uint32_t)t->cpu.gpr[4];
        if (length > sizeof text - 1)
            length = sizeof text - 1;
        if (mem_read(k->mem, (uint32_t)t->cpu.gpr[3], text, length)) {
            text[length] = 0;
            krnl_emit(k, t, TRACE_DEBUG_PRINT, 0, NULL, text);
            if (k->config.print)
                k->config.print(k->config.print_user, text);
        }
        t->cpu.pc += 4;
        return;
    }
    krnl_stop(k, KRNL_STOP_CRASH, t, "trap instruction 0x%08x at 0x%08x: the title's own check failed (code %u)", insn, t->cpu.pc, code);
}

static void fault(struct kernel *k, struct krnl_thread *t)
{
    const struct ppc_state *s = &t->cpu;
    bool guard = s->fault_address >= t->stack_alloc && s->fault_address < t->stack_limit;
    const struct mem_region *region = mem_region_of(s->fault_address);
    krnl_stop(k, KRNL_STOP_CRASH, t, "%s of 0x%08x (%s%s) at 0x%08x", s->fault_write ? "write" : "read", s->fault_address,
              region ? region->name : "no memory", guard ? ", guard page: the stack overflowed" : "", s->pc);
}

static void handle_exit(struct kernel *k, struct krnl_thread *t, enum ppc_exit why)
{
    switch (why) {
    case PPC_EXIT_SYSCALL:
        krnl_dispatch(k, t);
        break;
    case PPC_EXIT_FETCH:
        if (t->cpu.pc == (uint32_t)KRNL_RETURN_MAGIC)
            krnl_returned(k, t);
        else if (t->cpu.pc < 0x10000)
            krnl_stop(k, KRNL_STOP_CRASH, t, "call or jump to 0x%08x, a null function pointer, from 0x%08x", t->cpu.pc, (uint32_t)t->cpu.lr);
        else
            krnl_stop(k, KRNL_STOP_CRASH, t, "jump to 0x%08x, which is not mapped, from near 0x%08x", t->cpu.pc, (uint32_t)t->cpu.lr);
        break;
    case PPC_EXIT_FAULT:
        fault(k, t);
        break;
    case PPC_EXIT_TRAP:
        trap(k, t);
        break;
    case PPC_EXIT_ILLEGAL: {
        uint32_t insn = 0;
        mem_get32(k->mem, t->cpu.pc, &insn);
        krnl_stop(k, KRNL_STOP_CRASH, t, "illegal instruction 0x%08x at 0x%08x", insn, t->cpu.pc);
        break;
    }
    default:
        break;
    }
}

static void switch_to(struct kernel *k, struct krnl_thread *t)
{
    struct krnl_hw *hw = &k->hw[t->hw];
    if (hw->current == t)
        return;
    krnl_emit(k, NULL, TRACE_CONTEXT_SWITCH, 2, (uint64_t[]){hw->current ? hw->current->tid : 0, t->tid}, NULL);
    hw->current = t;
    if (!t->started && t->guest) {
        t->started = true;
        krnl_emit(k, t, TRACE_THREAD_START, 1, (uint64_t[]){t->tid}, NULL);
    }
}

// Runs one thread until its slice ends, it blocks, or something else changes who should run.
static void run_slice(struct kernel *k, struct krnl_thread *t, uint64_t end)
{
    struct krnl_hw *hw = &k->hw[t->hw];
    switch_to(k, t);
    if (hw->now < t->cpu.cycles)
        hw->now = t->cpu.cycles; // it came from another hardware thread: its time never goes back
    t->cpu.cycles = hw->now;
    uint64_t began = hw->now;
    t->cpu.block_pc = t->cpu.pc;
    t->cpu.hw = t->hw;
    k->running = t;
    k->reschedule = false;
    do {
        t->cpu.slice_end = k->video_kick ? 0 : end;
        uint64_t before = t->cpu.cycles;
        enum ppc_exit why = cpu_run(k->engine, &t->cpu);
        k->instructions += t->cpu.cycles - before;
        handle_exit(k, t, why);
        if (k->config.instruction_limit && k->instructions >= k->config.instruction_limit)
            krnl_stop(k, KRNL_STOP_INSTRUCTIONS, t, "%llu instructions", (unsigned long long)k->instructions);
    } while (!k->reschedule && !k->video_kick && runnable(t) && t->cpu.cycles < end);
    hw->now = t->cpu.cycles;
    k->running = NULL;
    t->quantum_used += hw->now - began;
    if (t->quantum_used >= QUANTUM_CYCLES) { // others of its priority get their turn
        t->ready_since = ++k->sequence;
        t->quantum_used = 0;
    }
}

static void step(struct kernel *k)
{
    unsigned others;
    struct krnl_thread *t = pick(k, &others);
    uint64_t now = t ? k->hw[t->hw].now : next_event(k);
    if (now > k->now)
        k->now = now;
    uint64_t event = next_event(k);
    if (!t || event <= k->now || k->video_kick) {
        run_events(k, k->now);
        if (!t && wedged(k) && k->now - k->progress > WEDGE_CYCLES)
            krnl_stop(k, KRNL_STOP_WEDGED, NULL, "every thread of the title waits, and nothing is left that could wake one");
        return;
    }
    if (t->guest)
        k->progress = k->now;
    uint64_t end = k->now + (others ? SLICE_CYCLES : LONG_SLICE_CYCLES);
    if (k->config.instruction_limit && end - k->now > k->config.instruction_limit - k->instructions)
        end = k->now + (k->config.instruction_limit - k->instructions);
    run_slice(k, t, end < event ? end : event);
}

void krnl_run(struct kernel *k, struct krnl_result *result)
{
    enum { POLL_EVERY = 32 };
    k->result = (struct krnl_result){0};
    if (k->thread_main && k->thread_main->suspend_count && !k->thread_main->started) {
        k->thread_main->suspend_count = 0;
        mem_set8(k->mem, k->thread_main->kthread + KTHREAD_SUSPEND_COUNT, 0);
        krnl_make_ready(k, k->thread_main);
    }
    // One scope around all runs of guest code: those inside are cheap then. Nothing outside them touches guest memory unchecked.
    struct mem_scope scope;
    mem_scope_enter(&scope, k->mem);
    if (sigsetjmp(scope.env, 0))
        ASSERT(!"the kernel touched guest memory that is not there");
    while (!k->result.stop) {
        step(k);
        if (k->thread_main && k->thread_main->state == THREAD_ENDED && !k->result.stop) {
            krnl_stop(k, KRNL_STOP_EXIT, k->thread_main, "the main thread ended with %u", (uint32_t)k->thread_main->exit_code);
            k->result.exit_code = (uint32_t)k->thread_main->exit_code;
        }
        if (++k->polls % POLL_EVERY == 0 && k->config.poll && k->config.poll(k->config.poll_user))
            krnl_stop(k, KRNL_STOP_TIME, NULL, "the time limit passed");
    }
    mem_scope_leave(&scope);
    *result = k->result;
}
