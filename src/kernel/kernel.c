#include "kernel/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/module.h"

static bool make_trace_exports(struct kernel *k)
{
    k->call_counts = calloc(exp_row_count, sizeof *k->call_counts);
    return k->call_counts != NULL;
}

static void invalidate(void *user, gva base, uint32_t size)
{
    struct kernel *k = user;
    cpu_invalidate(k->engine, base, size);
}

bool krnl_create(struct kernel **out, const struct krnl_config *config, struct mem *m, struct cpu *cpu, struct stor *storage,
                 struct trace *trace, const struct log *log, struct error *err)
{
    struct kernel *k = calloc(1, sizeof *k);
    if (!k || !make_trace_exports(k)) {
        free(k);
        return error_set(err, ERR_MEMORY, "no memory for the kernel");
    }
    k->config = *config;
    k->mem = m;
    k->engine = cpu;
    k->storage = storage;
    k->trace = trace;
    k->log = log;
    k->threads_tail = &k->threads;
    k->next_vblank = KRNL_CYCLES_PER_VBLANK;
    snprintf(k->command_line, sizeof k->command_line, "\"%s\"", config->title_name ? config->title_name : "default.xex");
    mem_on_change(m, invalidate, k);
    *out = k;
    return true;
}

void krnl_destroy(struct kernel *k)
{
    if (!k)
        return;
    k->trace = NULL;
    mem_on_change(k->mem, NULL, NULL);
    for (struct krnl_object *o = k->objects; o; o = o->next)
        krnl_object_retain(o); // what one holds of another is let go without an end
    for (struct krnl_object *o = k->objects; o; o = o->next)
        if (o->type != KRNL_THREAD && o->destroy)
            o->destroy(k, o);
    while (k->objects) {
        struct krnl_object *o = k->objects;
        k->objects = o->next;
        free(o);
    }
    while (k->threads) {
        struct krnl_thread *t = k->threads;
        k->threads = t->next;
        while (t->frames) {
            struct krnl_frame *frame = t->frames;
            t->frames = frame->outer;
            free(frame);
        }
        while (t->apc_count)
            krnl_apc_drop(t);
        free(t);
    }
    while (k->timers) {
        struct krnl_timer *timer = k->timers;
        k->timers = timer->next;
        free(timer);
    }
    krnl_modules_free(k);
    free(k->handles);
    free(k->host_handles);
    free(k->thunks);
    free(k->call_counts);
    free(k);
}

uint64_t krnl_now(const struct kernel *k)
{
    return k->running ? krnl_thread_now(k, k->running) : k->now;
}

uint64_t krnl_frames(const struct kernel *k)
{
    return k->frames;
}

uint64_t krnl_instructions(const struct kernel *k)
{
    return k->instructions;
}

uint64_t krnl_calls(const struct kernel *k, size_t export_index)
{
    return export_index < exp_row_count ? k->call_counts[export_index] : 0;
}

void krnl_video_kick(struct kernel *k)
{
    k->video_kick = true;
    if (k->running)
        ppc_request_stop(&k->running->cpu);
}

void krnl_device_missing(struct kernel *k, const char *what, gva address)
{
    struct krnl_thread *t = k->running;
    log_write(k->log, LOG_STUB, "device", "%s at 0x%08x: absent", what, address);
    if (k->config.on_missing == KRNL_MISSING_STOP)
        krnl_stop(k, KRNL_STOP_MISSING, t, "the title uses %s at 0x%08x, which is absent", what, address);
    if (t)
        ppc_request_stop(&t->cpu);
}

void krnl_forget_trace(struct kernel *k)
{
    k->trace = NULL;
}

void krnl_where(const struct kernel *k, struct trace_where *out)
{
    const struct krnl_thread *t = k->running;
    *out = (struct trace_where){.tid = t ? t->tid : 0, .hw = t ? t->hw : 0, .cycle = krnl_now(k)};
}

void krnl_video_event(struct kernel *k, enum trace_kind kind, const uint64_t *fields, unsigned count)
{
    krnl_emit(k, k->thread_gpu, kind, count, fields, NULL);
}

const struct krnl_thread *krnl_thread_next(const struct kernel *k, const struct krnl_thread *previous)
{
    return previous ? previous->next : k->threads;
}

static const char *state_text(const struct kernel *k, const struct krnl_thread *t)
{
    if (t->state == THREAD_READY)
        return t->suspend_count ? "suspended" : t == k->running ? "running" : "ready";
    return t->state == THREAD_IDLE ? "idle" : t->state == THREAD_WAITING ? "waiting" : "ended";
}

void krnl_thread_view(const struct kernel *k, const struct krnl_thread *t, struct krnl_thread_view *out)
{
    *out = (struct krnl_thread_view){
        .tid = t->tid, .hw = t->hw, .kthread = t->kthread, .pcr = t->pcr, .stack_base = t->stack_base,
        .stack_limit = t->stack_limit, .start_address = t->start_address, .cpu = &t->cpu, .state = state_text(k, t), .guest = t->guest,
    };
    if (t->state != THREAD_WAITING)
        return;
    out->wait_infinite = !t->wait.timed;
    for (unsigned i = 0; i < t->wait.count && i < 8; i++) {
        const struct krnl_target *target = &t->wait.targets[i];
        uint32_t handle = target->object ? krnl_object_handle(k, target->object) : 0;
        out->wait_objects[out->wait_count++] = handle ? handle : target->header;
    }
}

void krnl_set_registers(struct kernel *k, uint32_t tid, const struct ppc_state *registers)
{
    for (struct krnl_thread *t = k->threads; t; t = t->next)
        if (t->tid == tid)
            t->cpu = *registers;
}

// Frames are linked by the back chain at 0(r1). The saved return address lies at -8 of the caller's frame (the console's
// compiler) or at +4 (gcc's SysV ABI): whichever holds a word of code behind a call.
static bool is_return_address(const struct kernel *k, uint32_t address)
{
    uint32_t insn;
    if (address & 3 || address < 4 || !mem_get32(k->mem, address - 4, &insn))
        return false;
    bool branch = insn >> 26 == 18 || insn >> 26 == 16 || insn >> 26 == 19;
    return branch && (insn & 1);
}

unsigned krnl_backtrace(const struct kernel *k, const struct krnl_thread *t, gva *out, unsigned count)
{
    unsigned n = 0;
    uint32_t sp = (uint32_t)t->cpu.gpr[1];
    if (n < count && is_return_address(k, (uint32_t)t->cpu.lr))
        out[n++] = (uint32_t)t->cpu.lr;
    for (unsigned depth = 0; depth < 256 && n < count; depth++) {
        uint32_t next, candidate;
        if (!mem_get32(k->mem, sp, &next) || next <= sp || next & 3)
            break;
        const uint32_t places[] = {next - 8, next + 4};
        for (unsigned i = 0; i < 2; i++)
            if (mem_get32(k->mem, places[i], &candidate) && is_return_address(k, candidate)) {
                if (!n || out[n - 1] != candidate)
                    out[n++] = candidate;
                break;
            }
        sp = next;
    }
    return n;
}

void krnl_trace_exit_state(struct kernel *k, const struct krnl_result *result)
{
    for (struct krnl_thread *t = k->threads; t; t = t->next) {
        uint64_t fields[TRACE_MAX_FIELDS] = {t->tid, t->cpu.pc, (uint32_t)t->cpu.lr, (uint32_t)t->cpu.gpr[1], t->state};
        krnl_emit(k, NULL, TRACE_EXIT_THREAD, 5, fields, state_text(k, t));
        if (t->state != THREAD_WAITING)
            continue;
        fields[1] = t->wait.all ? 0 : 1;
        fields[2] = t->wait.timed ? t->wait.deadline : UINT64_MAX;
        unsigned n = 3;
        for (unsigned i = 0; i < t->wait.count && n < TRACE_MAX_FIELDS; i++) {
            uint32_t handle = t->wait.targets[i].object ? krnl_object_handle(k, t->wait.targets[i].object) : 0;
            fields[n++] = handle ? handle : t->wait.targets[i].header;
        }
        krnl_emit(k, NULL, TRACE_EXIT_WAIT, n, fields, NULL);
    }
    krnl_emit(k, NULL, TRACE_EXIT, 2, (uint64_t[]){result->stop, result->exit_code}, result->message);
}
