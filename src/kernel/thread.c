#include <stdlib.h>
#include <string.h>

#include "kernel/state.h"

enum { STACK_PAGE = 0x10000, STACKS_LOW = 0x70000000, STACKS_HIGH = 0x7EFFFFFF, DEFAULT_TLS_SLOTS = 1024, ENTRY_FRAME = 64 + 112 };

static bool make_stack(struct kernel *k, struct krnl_thread *t, uint32_t bytes)
{
    bytes = (bytes + STACK_PAGE - 1) & ~(uint32_t)(STACK_PAGE - 1);
    struct mem_request request = {.heap = MEM_V40000000, .size = bytes + 2 * STACK_PAGE, .alignment = STACK_PAGE,
                                  .low = STACKS_LOW, .high = STACKS_HIGH, .state = MEM_RESERVED | MEM_COMMITTED,
                                  .protect = MEM_READ_WRITE};
    if (!mem_allocate(k->mem, &request, &t->stack_alloc, NULL))
        return false;
    t->stack_limit = t->stack_alloc + STACK_PAGE;
    t->stack_base = t->stack_limit + bytes;
    // One guard page each side: running over the end is a fault, not somebody else's memory.
    return mem_protect(k->mem, t->stack_alloc, STACK_PAGE, MEM_NONE, NULL, NULL) &&
           mem_protect(k->mem, t->stack_base, STACK_PAGE, MEM_NONE, NULL, NULL);
}

static bool make_tls(struct kernel *k, struct krnl_thread *t)
{
    uint32_t slots = k->tls_slots ? k->tls_slots : DEFAULT_TLS_SLOTS;
    uint32_t data = k->tls_slots ? k->tls_data_bytes : 0;
    t->tls_bytes = slots * 4 + data;
    t->tls_static = krnl_system_alloc(k, t->tls_bytes);
    t->tls_dynamic = t->tls_static + data;
    void *from = data ? mem_at(k->mem, k->tls_raw, k->tls_raw_bytes, MEM_READ) : NULL;
    if (from && t->tls_static && k->tls_raw_bytes <= data)
        mem_write(k->mem, t->tls_static, from, k->tls_raw_bytes);
    return t->tls_static != 0;
}

static void list_self(struct mem *m, gva head)
{
    mem_set32(m, head, head);
    mem_set32(m, head + 4, head);
}

static void insert_tail(struct mem *m, gva head, gva entry)
{
    uint32_t last = head;
    mem_get32(m, head + 4, &last);
    mem_set32(m, entry, head);
    mem_set32(m, entry + 4, last);
    mem_set32(m, last, entry);
    mem_set32(m, head + 4, entry);
}

static void remove_entry(struct mem *m, gva entry)
{
    uint32_t next = 0, previous = 0;
    mem_get32(m, entry, &next);
    mem_get32(m, entry + 4, &previous);
    mem_set32(m, previous, next);
    mem_set32(m, next + 4, previous);
}

static void add_to_process(struct kernel *k, gva process, gva kthread, int change)
{
    uint32_t count = 0;
    mem_get32(k->mem, process + KPROCESS_THREAD_COUNT, &count);
    mem_set32(k->mem, process + KPROCESS_THREAD_COUNT, count + (uint32_t)change);
    if (change > 0)
        insert_tail(k->mem, process + KPROCESS_THREAD_LIST, kthread + KTHREAD_PROCESS_LIST);
    else
        remove_entry(k->mem, kthread + KTHREAD_PROCESS_LIST);
}

static void fill_kthread(struct kernel *k, const struct krnl_thread *t)
{
    struct mem *m = k->mem;
    gva p = t->kthread, process = t->process, prcb = t->pcr + KPCR_PRCB_DATA;
    const struct { uint32_t offset, value; } words[] = {
        {KTHREAD_MUTANTS, p + 0x10}, {KTHREAD_MUTANTS + 4, p + 0x10},
        {KTHREAD_TIMER_LIST_40, p + 0x20}, {KTHREAD_TIMER_LIST_40 + 4, p + 0x20},
        {KTHREAD_SELF_48, p}, {KTHREAD_TIMER_4C, p + 0x18}, {KTHREAD_54, 0x01020001},
        {KTHREAD_STACK_BASE, t->stack_base}, {KTHREAD_STACK_LIMIT, t->stack_limit},
        {KTHREAD_STACK_KERNEL, t->stack_base - 0xF0}, {KTHREAD_TLS, t->tls_static}, {KTHREAD_PROCESS, process},
        {KTHREAD_MSR_MASK, 0xFDFFD7FF}, {KTHREAD_PRCB, prcb}, {KTHREAD_PRCB_2, prcb},
        {KTHREAD_STACK_ALLOC_BASE, t->stack_base}, {KTHREAD_ID, t->tid}, {KTHREAD_START_ADDRESS, t->start_address},
        {KTHREAD_CREATION_FLAGS, t->creation_flags}, {KTHREAD_17C, 1},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        mem_set32(m, p + words[i].offset, words[i].value);
    uint8_t type = 0;
    mem_get8(m, process + KPROCESS_TYPE, &type);
    mem_set8(m, p + KTHREAD_PROCESS_TYPE_DUP, type);
    mem_set8(m, p + KTHREAD_PROCESS_TYPE, type);
    mem_set8(m, p + KTHREAD_MAY_QUEUE_APCS, 1);
    mem_set8(m, p + KTHREAD_SUSPEND_COUNT, (uint8_t)t->suspend_count);
    mem_set64(m, p + KTHREAD_CREATE_TIME, krnl_system_time(k, k->now));
    list_self(m, p + KTHREAD_APC_KERNEL);
    list_self(m, p + KTHREAD_APC_USER);
    list_self(m, p + KTHREAD_LIST_144);
    list_self(m, p + KTHREAD_LIST_154);
    add_to_process(k, process, p, 1);
}

static void fill_kpcr(struct kernel *k, const struct krnl_thread *t)
{
    struct mem *m = k->mem;
    mem_set32(m, t->pcr + KPCR_TLS, t->tls_static);
    mem_set64(m, t->pcr + KPCR_SELF, t->pcr);
    mem_set32(m, t->pcr + KPCR_STACK_BASE, t->stack_base);
    mem_set32(m, t->pcr + KPCR_STACK_LIMIT, t->stack_limit);
    mem_set32(m, t->pcr + KPCR_CURRENT_THREAD, t->kthread);
    mem_set32(m, t->pcr + KPCR_PRCB, t->pcr + KPCR_PRCB_DATA);
}

void krnl_thread_set_hw(struct kernel *k, struct krnl_thread *t, unsigned hw)
{
    t->hw = hw;
    t->affinity = 1u << hw;
    mem_set8(k->mem, t->pcr + KPCR_CURRENT_CPU, (uint8_t)hw);
    mem_set8(k->mem, t->kthread + KTHREAD_CURRENT_CPU, (uint8_t)hw);
}

// The reference spreads threads over the hardware threads where the creation flags name none; the console keeps them with
// their creator.
static unsigned start_hw(struct kernel *k, const struct krnl_thread_params *p)
{
    uint32_t mask = p->flags >> 24 & 0x3F;
    if (mask)
        return 31 - (unsigned)__builtin_clz(mask);
    k->next_cpu = (k->next_cpu + 1) % KRNL_HW_THREADS;
    if (k->config.profile == KRNL_CONSOLE && p->guest && p->creator && p->creator->guest)
        return p->creator->hw;
    return k->next_cpu;
}

static void start_registers(struct krnl_thread *t)
{
    ppc_state_init(&t->cpu);
    t->cpu.gpr[1] = t->stack_base - ENTRY_FRAME;
    t->cpu.gpr[13] = t->pcr;
    t->cpu.lr = (uint32_t)KRNL_RETURN_MAGIC;
    t->cpu.pc = t->startup ? t->startup : t->start_address;
    if (t->startup) {
        t->cpu.gpr[3] = t->start_address;
        t->cpu.gpr[4] = t->context;
    } else
        t->cpu.gpr[3] = t->context;
}

static void emit_create(struct kernel *k, const struct krnl_thread *t, uint32_t handle, const struct krnl_thread *creator)
{
    uint64_t fields[] = {t->tid, handle, t->start_address, t->startup, t->context, t->creator_tid, t->creation_flags,
                         t->creation_flags >> 24, t->hw, 0, t->suspend_count > 0, t->stack_base - t->stack_limit, t->stack_base,
                         t->stack_limit, t->pcr, t->kthread, t->guest, t->main};
    krnl_emit(k, creator, TRACE_THREAD_CREATE, sizeof fields / sizeof *fields, fields, NULL);
}

static void unbuild(struct kernel *k, struct krnl_thread *t)
{
    krnl_system_free(k, t->pcr);
    krnl_system_free(k, t->tls_static);
    if (t->stack_alloc)
        mem_release(k->mem, t->stack_alloc, NULL, NULL);
    t->pcr = t->tls_static = t->stack_alloc = 0;
}

static void destroy_thread(struct kernel *k, struct krnl_object *object)
{
    struct krnl_thread *t = object->data;
    unbuild(k, t);
    t->object = NULL; // the record itself stays for reports until the kernel ends
}

static bool build(struct kernel *k, struct krnl_thread *t, const struct krnl_thread_params *p)
{
    t->object = krnl_object_new(k, KRNL_THREAD, KTHREAD_SIZE, DISPATCH_THREAD);
    if (!t->object)
        return false;
    t->object->data = t;
    t->object->destroy = destroy_thread;
    t->kthread = t->object->body;
    if (!make_stack(k, t, p->stack_bytes) || !make_tls(k, t))
        return false;
    t->pcr = krnl_system_alloc(k, KPCR_SIZE);
    return t->pcr != 0;
}

struct krnl_thread *krnl_thread_new(struct kernel *k, const struct krnl_thread_params *p, uint32_t *handle)
{
    struct krnl_thread *t = calloc(1, sizeof *t);
    if (!t) {
        krnl_host_failed(k, "out of memory");
        return NULL;
    }
    t->kernel = k;
    t->startup = p->startup;
    t->start_address = p->start_address;
    t->context = p->context;
    t->creation_flags = p->flags;
    t->guest = p->guest;
    t->process = p->guest && !p->system_process ? k->title_process : k->system_process;
    t->main = p->main;
    t->creator_tid = p->creator ? p->creator->tid : 0;
    t->suspend_count = p->suspended;
    t->priority = p->guest ? 8 : 31;
    if (!build(k, t, p)) {
        if (t->object)
            krnl_object_release(k, t->object);
        free(t);
        return NULL;
    }
    t->tid = ++k->next_tid;
    uint32_t value = krnl_handle_open(k, t->object, p->host_handle, p->creator);
    // The reference's mark of an object it knows, and its handle; a console has a list head here.
    if (k->config.profile == KRNL_REFERENCE) {
        mem_set32(k->mem, t->kthread + DH_WAIT_FLINK, 0x58454E00);
        mem_set32(k->mem, t->kthread + DH_WAIT_BLINK, value);
    }
    fill_kthread(k, t);
    fill_kpcr(k, t);
    krnl_thread_set_hw(k, t, start_hw(k, p));
    start_registers(t);
    t->state = p->guest ? THREAD_READY : THREAD_IDLE;
    *k->threads_tail = t;
    k->threads_tail = &t->next;
    emit_create(k, t, value, p->creator);
    if (t->state == THREAD_READY && !t->suspend_count)
        krnl_make_ready(k, t);
    if (handle)
        *handle = value;
    return t;
}

// Only what its APCs' rundown routines do is left to run. Returns false where that is nothing.
static bool run_down(struct kernel *k, struct krnl_thread *t, uint32_t exit_code)
{
    if (!t->ending) {
        for (const struct krnl_frame *f = t->frames; f; f = f->outer)
            if (f->kind == FRAME_INTERRUPT)
                krnl_stop(k, KRNL_STOP_CRASH, t, "the title ended a thread inside its interrupt callback 0x%08x", f->callback);
        t->ending = true;
        t->exit_code = exit_code;
        t->call.row = NULL;
        krnl_frames_drop(t);
        mem_set8(k->mem, t->pcr + KPCR_IRQL, 0);
        mem_set32(k->mem, t->pcr + KPCR_DPC_ACTIVE, 0);
        t->cpu.pc = (uint32_t)KRNL_RETURN_MAGIC; // below the routines: back here
        krnl_dpcs_leave(k, t);
    }
    return krnl_rundown_apc(k, t);
}

void krnl_thread_end(struct kernel *k, struct krnl_thread *t, uint32_t exit_code)
{
    if (t->state == THREAD_ENDED || run_down(k, t, exit_code))
        return;
    exit_code = (uint32_t)t->exit_code;
    krnl_emit(k, t, TRACE_THREAD_EXIT, 2, (uint64_t[]){t->tid, exit_code}, NULL);
    t->state = THREAD_ENDED;
    mem_set8(k->mem, t->kthread + KTHREAD_TERMINATED, 1);
    mem_set32(k->mem, t->kthread + KTHREAD_EXIT_STATUS, exit_code);
    mem_set64(k->mem, t->kthread + KTHREAD_EXIT_TIME, krnl_system_time(k, krnl_thread_now(k, t)));
    add_to_process(k, t->process, t->kthread, -1);
    krnl_mutants_leave(k, t);
    struct krnl_target target = krnl_target_of(t->object);
    krnl_set_signal_state(k, &target, 1);
    krnl_signalled(k, &target, t);
    for (struct krnl_object *o = k->objects; o; o = o->next)
        if (o->apc_thread == t)
            o->apc_thread = NULL;
    k->reschedule = true;
    struct krnl_object *object = t->object;
    krnl_object_release(k, object); // the thread's own reference
}

void krnl_thread_alert(struct kernel *k, struct krnl_thread *t, bool user)
{
    bool waits = t->state == THREAD_WAITING && !t->suspend_count &&
                 (t->wait.alert == KRNL_ALERTABLE_USER || (t->wait.alert == KRNL_ALERTABLE_KERNEL && !user));
    if (waits)
        krnl_wait_finish(k, t, (nt_status)STATUS_ALERTED, NULL);
    else
        t->alerted[user] = true;
}

void krnl_thread_resumed(struct kernel *k, struct krnl_thread *t)
{
    if (t->state == THREAD_WAITING)
        krnl_wait_again(k, t); // a suspended thread's wait takes nothing
    else if (t->state == THREAD_READY)
        krnl_make_ready(k, t);
}

struct krnl_thread *krnl_thread_by_kthread(const struct kernel *k, gva kthread)
{
    for (struct krnl_thread *t = k->threads; t; t = t->next)
        if (t->kthread == kthread && t->state != THREAD_ENDED)
            return t;
    return NULL;
}
