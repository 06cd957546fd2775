// A call into an export: from the import thunk's sc to its function and back, with both events.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/state.h"

enum { REGISTER_ARGUMENTS = 8, FIRST_STACK_ARGUMENT = 0x54, STACK_ARGUMENT_STEP = 8 };

// Not zeroed: an event is a kilobyte, of which only what its counts cover is read, and each call makes two.
static void begin_event(struct trace_event *e, const struct kernel *k, const struct krnl_thread *t, enum trace_kind kind, uint32_t lr)
{
    e->kind = kind;
    e->where = (struct trace_where){t ? t->tid : 0, t ? t->hw : 0, t ? krnl_thread_now(k, t) : k->now, lr};
    e->count = e->text_count = 0;
}

void krnl_emit(struct kernel *k, const struct krnl_thread *t, enum trace_kind kind, unsigned count, const uint64_t *fields,
               const char *text)
{
    if (!k->trace)
        return;
    struct trace_event event;
    begin_event(&event, k, t, kind, 0);
    event.count = count;
    if (count)
        memcpy(event.fields, fields, count * sizeof *fields);
    if (text) {
        event.text_count = 1;
        event.texts[0] = (struct trace_text){0, text};
    }
    trace_emit(k->trace, &event);
}

void krnl_event(struct krnl_call *c, int trace_kind, unsigned count, const uint64_t *fields)
{
    krnl_emit(c->k, c->thread, (enum trace_kind)trace_kind, count, fields, NULL);
}

static uint64_t argument(const struct kernel *k, const struct ppc_state *s, unsigned index)
{
    if (index < REGISTER_ARGUMENTS)
        return s->gpr[3 + index];
    // Slots are 8 bytes from r1+0x50; a 32-bit value is the low word.
    uint32_t low = 0, high = 0;
    gva at = (uint32_t)s->gpr[1] + FIRST_STACK_ARGUMENT + STACK_ARGUMENT_STEP * (index - REGISTER_ARGUMENTS);
    mem_get32(k->mem, at, &low);
    mem_get32(k->mem, at - 4, &high);
    return (uint64_t)high << 32 | low;
}

uint64_t krnl_next_argument(struct krnl_call *c)
{
    return argument(c->k, c->cpu, c->stack_index++);
}

static void fetch_arguments(const struct kernel *k, const struct ppc_state *s, const struct exp_row *row, uint64_t *out)
{
    unsigned floats = 0;
    for (unsigned i = 0; i < row->arg_count; i++) {
        enum exp_type type = row->args[i].type;
        if (type == EXP_F64)
            out[i] = s->fpr[1 + floats++];
        else
            out[i] = exp_type_is_wide(type) ? argument(k, s, i) : (uint32_t)argument(k, s, i);
    }
}

bool krnl_ansi_string(const struct krnl_call *c, gva ansi_string, char *out, uint32_t size)
{
    uint16_t length;
    uint32_t buffer;
    out[0] = 0;
    if (!mem_get16(c->mem, ansi_string, &length) || !mem_get32(c->mem, ansi_string + 4, &buffer))
        return false;
    if (length >= size)
        length = (uint16_t)(size - 1);
    if (length && !mem_read(c->mem, buffer, out, length))
        return false;
    out[length] = 0;
    return true;
}

bool krnl_object_name(const struct krnl_call *c, gva attributes, char *out, uint32_t size)
{
    uint32_t name;
    out[0] = 0;
    if (!mem_get32(c->mem, attributes + 4, &name))
        return false;
    return name == 0 || krnl_ansi_string(c, name, out, size);
}

// The value behind a pointer argument, by its type: false where there is none to show.
static bool pointed(const struct kernel *k, enum exp_type type, uint64_t pointer, bool after, uint64_t *out)
{
    uint16_t half;
    uint32_t word;
    if (!pointer)
        return false;
    switch (type) {
    case EXP_P_U16:
        if (!after || !mem_get16(k->mem, (uint32_t)pointer, &half))
            return false;
        *out = half;
        return true;
    case EXP_P_U32:
    case EXP_P_HANDLE:
    case EXP_P_ADDRESS:
        if (!mem_get32(k->mem, (uint32_t)pointer, &word))
            return false;
        *out = word;
        return true;
    case EXP_P_U64:
    case EXP_P_TIME:
        return mem_get64(k->mem, (uint32_t)pointer, out);
    default:
        return false;
    }
}

static void add_pointed(const struct kernel *k, const struct exp_row *row, const uint64_t *args, bool after, struct trace_event *e)
{
    uint64_t value;
    for (unsigned i = 0; i < row->arg_count && e->count + 2 <= TRACE_MAX_FIELDS; i++)
        if (pointed(k, row->args[i].type, args[i], after, &value)) {
            e->fields[e->count++] = i;
            e->fields[e->count++] = value;
        }
}

enum { TEXT_SIZE = 260 };

static bool text_of(struct krnl_call *c, enum exp_type type, uint64_t value, char *out)
{
    if (!value)
        return false;
    switch (type) {
    case EXP_IN_STR:
        return mem_get_string(c->mem, (uint32_t)value, out, TEXT_SIZE);
    case EXP_IN_ANSI:
        return krnl_ansi_string(c, (uint32_t)value, out, TEXT_SIZE);
    case EXP_IN_OBJA:
        return krnl_object_name(c, (uint32_t)value, out, TEXT_SIZE);
    default:
        return false;
    }
}

static void emit_call(struct krnl_call *c, const uint64_t *args)
{
    struct kernel *k = c->k;
    if (!k->trace)
        return;
    struct trace_event e;
    begin_event(&e, k, c->thread, TRACE_CALL, (uint32_t)c->cpu->lr);
    e.fields[e.count++] = exp_index(c->row);
    for (unsigned i = 0; i < c->row->arg_count; i++)
        e.fields[e.count++] = args[i];
    add_pointed(k, c->row, args, false, &e);
    char texts[TRACE_MAX_TEXTS][TEXT_SIZE];
    for (unsigned i = 0; i < c->row->arg_count && e.text_count < TRACE_MAX_TEXTS; i++)
        if (text_of(c, c->row->args[i].type, args[i], texts[e.text_count])) {
            e.texts[e.text_count] = (struct trace_text){(uint8_t)i, texts[e.text_count]};
            e.text_count++;
        }
    trace_emit(k->trace, &e);
}

static void emit_return(struct kernel *k, const struct krnl_thread *t, const struct exp_row *row, const uint64_t *args)
{
    if (!k->trace)
        return;
    struct trace_event e;
    begin_event(&e, k, t, TRACE_RETURN, 0);
    e.fields[e.count++] = exp_index(row);
    e.fields[e.count++] = t->cpu.gpr[3];
    add_pointed(k, row, args, true, &e);
    trace_emit(k->trace, &e);
}

// Ends a call whose result came later: `result` is a 32-bit status.
void krnl_finish_call(struct kernel *k, struct krnl_thread *t, uint64_t result)
{
    const struct exp_row *row = t->call.row;
    t->call.row = NULL;
    if (row->result != EXP_VOID)
        t->cpu.gpr[3] = (uint64_t)(int64_t)(int32_t)result;
    emit_return(k, t, row, t->call.arguments);
}

void krnl_call_guest(struct krnl_call *c, gva function, unsigned count, const uint64_t *arguments)
{
    c->guest_function = function;
    c->guest_count = count;
    memcpy(c->guest_arguments, arguments, count * sizeof *arguments);
}

// Guest code that the export asked for runs now, on top of the finished call.
static void run_guest_code(struct krnl_call *c)
{
    struct krnl_frame *frame = c->guest_function ? krnl_frame_push(c->k, c->thread, (enum krnl_frame_kind)c->guest_kind, c->guest_function) : NULL;
    if (!frame)
        return;
    frame->source = c->guest_source;
    for (unsigned i = 0; i < c->guest_count; i++)
        c->cpu->gpr[3 + i] = c->guest_arguments[i];
}

static void missing(struct kernel *k, struct krnl_thread *t, const struct exp_row *row)
{
    krnl_emit(k, t, TRACE_MISSING, 1, (uint64_t[]){exp_index(row)}, NULL);
    log_write(k->log, LOG_STUB, "kernel", "%s (%s ordinal 0x%x) is absent; called from 0x%08x", row->name,
              exp_module_name(row->module), row->ordinal, (uint32_t)t->cpu.lr);
    if (k->config.on_missing == KRNL_MISSING_STOP)
        krnl_stop(k, KRNL_STOP_MISSING, t, "the title called %s (%s ordinal 0x%x), which is absent, from 0x%08x", row->name,
                  exp_module_name(row->module), row->ordinal, (uint32_t)t->cpu.lr);
    t->cpu.gpr[3] = 0;
}

void krnl_partial(struct krnl_call *c, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct kernel *k = c->k;
    krnl_emit(k, c->thread, TRACE_MISSING, 1, (uint64_t[]){exp_index(c->row)}, text);
    log_write(k->log, LOG_STUB, "kernel", "%s: %s; called from 0x%08x", c->row->name, text, (uint32_t)c->cpu->lr);
    if (k->config.on_missing == KRNL_MISSING_STOP)
        krnl_stop(k, KRNL_STOP_MISSING, c->thread, "%s: %s; called from 0x%08x", c->row->name, text, (uint32_t)c->cpu->lr);
}

// The frame ends exactly at VdSwap's return.
static void after_swap(struct kernel *k, struct krnl_thread *t)
{
    k->swapped = false;
    krnl_emit(k, t, TRACE_SWAP, 1, &k->frames, NULL);
    if (k->config.frame_limit && k->frames >= k->config.frame_limit)
        krnl_stop(k, KRNL_STOP_FRAMES, t, "%llu frames", (unsigned long long)k->frames);
}

static int compare_thunk(const void *key, const void *entry)
{
    uint32_t a = *(const uint32_t *)key, b = ((const struct krnl_thunk_entry *)entry)->address;
    return a < b ? -1 : a > b;
}

const struct exp_row *krnl_thunk_at(const struct kernel *k, gva address)
{
    const struct krnl_thunk_entry *e = bsearch(&address, k->thunks, k->thunk_count, sizeof *k->thunks, compare_thunk);
    return e ? &exp_rows[e->export_index] : NULL;
}

void krnl_dispatch(struct kernel *k, struct krnl_thread *t)
{
    gva at = t->cpu.pc - 4;
    const struct exp_row *row = krnl_thunk_at(k, at);
    if (!row) {
        krnl_stop(k, KRNL_STOP_CRASH, t, "system call at 0x%08x, outside any import", at);
        return;
    }
    struct krnl_call c = {.k = k, .mem = k->mem, .thread = t, .cpu = &t->cpu, .row = row, .stack_index = row->arg_count};
    uint64_t *args = t->call.arguments;
    fetch_arguments(k, &t->cpu, row, args);
    size_t index = exp_index(row);
    if (!t->retrying) { // a call that is made again is one call
        k->call_counts[index]++;
        emit_call(&c, args);
    }
    t->retrying = false;
    krnl_thunk_function *function = krnl_thunks[index];
    if (!function) {
        missing(k, t, row);
        emit_return(k, t, row, args);
        return;
    }
    function(&c, args);
    if (c.retry) { // as if the time until the end of the slice had been spent trying
        t->retrying = true;
        t->cpu.pc = t->cpu.block_pc = at;
        t->cpu.cycles = t->cpu.slice_end > t->cpu.cycles ? t->cpu.slice_end : t->cpu.cycles + 100;
        k->reschedule = true;
        return;
    }
    if (c.pending)
        return;
    if (row->result != EXP_VOID)
        t->cpu.gpr[3] = c.result;
    emit_return(k, t, row, args);
    if (k->swapped)
        after_swap(k, t);
    run_guest_code(&c);
    if (t->apc_count || k->dpc_count)
        krnl_deliver(k, t);
}

void krnl_exit_thread(struct krnl_call *c, uint32_t exit_code)
{
    c->pending = true;
    krnl_thread_end(c->k, c->thread, exit_code);
}

void krnl_set_last_error(struct krnl_call *c, uint32_t error)
{
    mem_set32(c->mem, c->thread->kthread + KTHREAD_LAST_ERROR, error);
}
