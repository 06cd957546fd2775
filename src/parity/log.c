// The state that gives raw numbers their meaning: who made which handle, what is allocated where, which thread is which.
#include "parity/log.h"

#include <stdio.h>
#include <string.h>

#include "memory/memory.h"
#include "trace/buffer.h"

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

// The next ordinal of what a key counts, from 0.
static uint32_t take_ordinal(struct par_log *log, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t *n = par_map_put(&log->counters, mix(mix(mix(1, a), b), c) | 1);
    log->no_memory = log->no_memory || !n;
    return n ? (uint32_t)(*n)++ : 0;
}

// ---- Threads

static struct par_row *find_row(const struct par_log *log, uint32_t tid)
{
    uint64_t *at = par_map_get(&log->row_by_tid, (uint64_t)tid + 1);
    return at && *at ? log->rows[*at - 1] : NULL;
}

static struct par_row *get_row(struct par_log *log, uint32_t tid)
{
    struct par_row *row = find_row(log, tid);
    if (row)
        return row;
    if (log->row_count >= PAR_NO_SLOT)
        return NULL;
    if (log->row_count == log->row_capacity) {
        size_t capacity = log->row_capacity ? log->row_capacity * 2 : 32;
        struct par_row **grown = realloc(log->rows, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        log->rows = grown;
        log->row_capacity = capacity;
    }
    row = calloc(1, sizeof *row);
    uint64_t *at = row ? par_map_put(&log->row_by_tid, (uint64_t)tid + 1) : NULL;
    if (!at) {
        free(row);
        return NULL;
    }
    row->tid = tid;
    row->slot = PAR_NO_SLOT;
    log->rows[log->row_count++] = row;
    *at = log->row_count;
    return row;
}

static bool set_slot(struct par_log *log, struct par_row *row, const struct par_slot *wanted)
{
    uint16_t slot = par_shared_slot(log->shared, wanted);
    if (slot == PAR_NO_SLOT)
        return false;
    if (slot >= log->by_slot_count) {
        size_t count = slot + 32u;
        struct par_row **grown = realloc(log->by_slot, count * sizeof *grown);
        if (!grown)
            return false;
        memset(grown + log->by_slot_count, 0, (count - log->by_slot_count) * sizeof *grown);
        log->by_slot = grown;
        log->by_slot_count = count;
    }
    if (log->by_slot[slot])
        return false; // taken: a second thread that looks the same
    log->by_slot[slot] = row;
    row->slot = slot;
    return true;
}

static struct par_slot main_slot(uint32_t entry)
{
    return (struct par_slot){.key = 1, .is_main = true, .matched_by = "main", .entry = entry, .creator = PAR_NO_SLOT};
}

static bool has_main(const struct par_log *log)
{
    for (size_t i = 0; i < log->row_count; i++)
        if (log->rows[i]->slot != PAR_NO_SLOT && log->shared->slots[log->rows[i]->slot].is_main)
            return true;
    return false;
}

// A thread that nobody was seen to create gets its place by what it does first: interrupts, or a call.
static void place_row(struct par_log *log, struct par_row *row, const struct par_event *e)
{
    if (row->slot != PAR_NO_SLOT)
        return;
    struct par_slot slot = {.creator = PAR_NO_SLOT};
    if ((e->kind == TRACE_INTERRUPT_BEGIN || e->kind == TRACE_GPU_SWAP) && !log->shared->by_first_call) {
        uint64_t source = e->kind == TRACE_GPU_SWAP ? 1 : e->fields[0];
        slot.key = mix(2, source);
        slot.is_host = true;
        slot.matched_by = source ? "command processor" : "vertical blank";
    } else if (e->kind == TRACE_CALL || e->kind == TRACE_RETURN) {
        if (!has_main(log)) {
            slot = main_slot(0);
        } else {
            uint64_t name = trace_fnv1a(e->name, strlen(e->name));
            slot.key = mix(mix(3, name), take_ordinal(log, 3, name, 0));
            slot.matched_by = "first call";
        }
    } else {
        return;
    }
    if (!set_slot(log, row, &slot)) {
        slot.key = mix(mix(4, slot.key), row->tid);
        slot.matched_by = "tid";
        slot.is_main = false;
        set_slot(log, row, &slot);
    }
}

static void create_thread(struct par_log *log, const struct par_event *e)
{
    struct par_row *row = get_row(log, (uint32_t)e->fields[0]), *creator = get_row(log, e->tid);
    if (!row || !creator || e->count < 18)
        return;
    bool guest = e->fields[16];
    bool main_thread = e->fields[17] || (guest && !e->tid && !has_main(log));
    row->created = true;
    row->creator_tid = e->tid;
    row->kthread = (uint32_t)e->fields[15];
    row->handle = (uint32_t)e->fields[1];
    row->pcr = (uint32_t)e->fields[14];
    row->stack_base = (uint32_t)e->fields[12];
    row->stack_limit = (uint32_t)e->fields[13];
    if (row->slot != PAR_NO_SLOT && !(guest && !main_thread && row->has_calls && !log->shared->by_first_call))
        return;
    if (row->slot != PAR_NO_SLOT && !log->shared->slots[row->slot].is_main) {
        // It ran before anybody created it. Its place was a guess, and what it did waits for a partner still.
        struct par_record *first = (struct par_record *)(void *)(row->queue.data + row->queue.head);
        if (par_queue_head(&row->queue))
            first->flags |= PAR_BEFORE_CREATE;
        else if (row->depth)
            row->open[0].record->flags |= PAR_BEFORE_CREATE; // it is in its first call still
        log->by_slot[row->slot] = NULL;
        row->slot = PAR_NO_SLOT;
    }
    if (!guest || (log->shared->by_first_call && !main_thread))
        return; // it is placed by its interrupts
    uint32_t entry = (uint32_t)e->fields[2];
    struct par_slot slot = main_slot(entry);
    if (!main_thread) {
        slot.is_main = false;
        slot.creator = creator->slot;
        slot.ordinal = take_ordinal(log, 5, creator->slot, entry);
        slot.key = mix(mix(mix(5, creator->slot), entry), slot.ordinal);
        slot.matched_by = "creation";
    }
    set_slot(log, row, &slot);
}

struct par_row *par_log_row(const struct par_log *log, size_t slot)
{
    return slot < log->by_slot_count ? log->by_slot[slot] : NULL;
}

// ---- Memory

static size_t find_place(const struct par_allocations *a, uint32_t base)
{
    size_t low = 0, high = a->count; // rows[low - 1].base <= base < rows[high].base
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (a->rows[middle].base <= base)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct par_allocation *find_allocation(const struct par_allocations *a, uint32_t address)
{
    size_t at = find_place(a, address);
    struct par_allocation *row = at ? &a->rows[at - 1] : NULL;
    return row && address - row->base < row->size ? row : NULL;
}

static void add_allocation(struct par_log *log, struct par_allocations *a, const struct par_allocation *new)
{
    uint64_t end = (uint64_t)new->base + new->size;
    size_t first = find_place(a, new->base);
    if (first && new->base - a->rows[first - 1].base < a->rows[first - 1].size)
        first--;
    size_t last = first;
    while (last < a->count && a->rows[last].base < end)
        last++;
    if (a->count == a->capacity) {
        size_t capacity = a->capacity ? a->capacity * 2 : 64;
        struct par_allocation *grown = realloc(a->rows, capacity * sizeof *grown);
        if (!grown) {
            log->no_memory = true;
            return;
        }
        a->rows = grown;
        a->capacity = capacity;
    }
    memmove(a->rows + first + 1, a->rows + last, (a->count - last) * sizeof *a->rows);
    a->rows[first] = *new;
    a->count += 1 - (last - first);
}

// What was allocated by a call of this name: pages are taken from the address space, blocks from a heap inside.
static struct par_allocations *allocations_of(struct par_log *log, uint32_t name)
{
    const char *text = log->shared->names[name].text;
    bool pages = !strncmp(text, "Mm", 2) || !strncmp(text, "Nt", 2);
    return pages ? &log->pages : &log->blocks;
}

static void note_allocation(struct par_log *log, uint32_t name, uint16_t thread, uint32_t base, uint32_t size)
{
    if (!base)
        return;
    struct par_allocation new = {base, size ? size : 1, name, take_ordinal(log, 6, thread, name), thread, false};
    if (new.size > UINT32_MAX - base)
        new.size = UINT32_MAX - base;
    add_allocation(log, allocations_of(log, name), &new);
    const struct mem_region *region = mem_region_of(base);
    size_t at = 0;
    while (at < MEM_REGION_COUNT && mem_region((enum mem_heap)at) != region)
        at++;
    log->regions[at < 31 ? at : 31].count++;
    log->regions[at < 31 ? at : 31].bytes += size;
}

// ---- Values

static bool mean_handle(struct par_log *log, struct par_value *v, bool typed)
{
    uint32_t raw = (uint32_t)v->raw;
    bool range = (raw >= 0xF8000000u && raw < 0xF8100000u) || (raw >= 0x01000000u && raw < 0x01100000u);
    if (!raw || raw >= 0xFFFFFFF0u || (!typed && !range))
        return false;
    uint64_t *packed = par_map_get(&log->objects, raw);
    if (!packed || *packed == UINT64_MAX)
        return false;
    struct par_object object;
    memcpy(&object, packed, sizeof object);
    v->meaning = PAR_HANDLE;
    v->thread = object.thread;
    v->name = object.type;
    v->ordinal = object.ordinal;
    v->lazy = object.unseen != 0;
    v->doubtful = object.doubtful || !object.alive;
    return true;
}

static bool mean_allocation(const struct par_log *log, struct par_value *v)
{
    uint32_t address = (uint32_t)v->raw;
    const struct par_allocation *a = find_allocation(&log->blocks, address);
    if (!a)
        a = find_allocation(&log->pages, address);
    if (!a)
        return false;
    v->meaning = PAR_ALLOCATED;
    v->thread = a->thread;
    v->name = a->name;
    v->ordinal = a->ordinal;
    v->offset = address - a->base;
    return true;
}

static bool mean_thread(const struct par_log *log, struct par_value *v)
{
    uint32_t address = (uint32_t)v->raw;
    for (size_t i = 0; i < log->row_count; i++) {
        const struct par_row *row = log->rows[i];
        if (row->slot == PAR_NO_SLOT || !row->created)
            continue;
        v->thread = row->slot;
        if (address >= row->stack_limit && address < row->stack_base) {
            v->meaning = PAR_STACK;
            v->offset = row->stack_base - address;
            return true;
        }
        if (row->kthread && address - row->kthread < 0xAB0) {
            v->meaning = PAR_KTHREAD;
            v->offset = address - row->kthread;
            return true;
        }
        if (row->pcr && address - row->pcr < 0x2D8) {
            v->meaning = PAR_PCR;
            v->offset = address - row->pcr;
            return true;
        }
    }
    v->thread = 0;
    return false;
}

static bool mean_bus(const struct par_log *log, struct par_value *v)
{
    uint32_t bus = (uint32_t)v->raw, start;
    for (size_t i = 0; i < log->pages.count; i++) {
        const struct par_allocation *a = &log->pages.rows[i];
        if (mem_bus_address(a->base, &start) && bus - start < a->size) {
            *v = (struct par_value){.raw = v->raw, .thread = a->thread, .meaning = PAR_BUS, .name = a->name, .ordinal = a->ordinal, .offset = bus - start};
            return true;
        }
    }
    return false;
}

static bool mean_tid(const struct par_log *log, struct par_value *v)
{
    const struct par_row *row = v->raw <= UINT32_MAX ? find_row(log, (uint32_t)v->raw) : NULL;
    if (!row || row->slot == PAR_NO_SLOT)
        return false;
    v->meaning = PAR_TID;
    v->thread = row->slot;
    return true;
}

// What a raw value means at this moment. `type`: of the table, EXP_U32 where there is none.
static struct par_value mean(struct par_log *log, uint32_t name, uint64_t raw, enum exp_type type, const char *arg_name)
{
    struct par_value v = {.raw = raw};
    uint32_t low = (uint32_t)raw;
    if (raw != low && raw != (uint64_t)(int64_t)(int32_t)low)
        return v;
    bool handle = type == EXP_HANDLE;
    if (arg_name && !strcmp(arg_name, "thread_id") && mean_tid(log, &v))
        return v;
    if (low < 0x1000 && !handle)
        return v;
    if (mean_handle(log, &v, handle) || handle)
        return v;
    if (low >= 0x10000 && (mean_allocation(log, &v) || (low >= 0x20000000u && low < 0x80000000u && mean_thread(log, &v))))
        return v;
    const char *text = log->shared->names[name].text;
    if (low < 0x20000000u && (!strcmp(text, "MmGetPhysicalAddress") || !strncmp(text, "Vd", 2)))
        mean_bus(log, &v);
    return v;
}

static const struct exp_arg *arg_row(const struct par_log *log, uint32_t name, unsigned i)
{
    const struct exp_row *row = log->shared->names[name].row;
    return row && i < row->arg_count ? &row->args[i] : NULL;
}

// What lies behind a pointer of this type.
static enum exp_type pointee(enum exp_type t)
{
    switch (t) {
    case EXP_P_HANDLE:
        return EXP_HANDLE;
    case EXP_P_ADDRESS:
        return EXP_ADDRESS;
    case EXP_P_U64:
        return EXP_U64;
    case EXP_P_TIME:
        return EXP_TIME;
    default:
        return EXP_U32;
    }
}

// ---- Objects that threads wait for

static struct par_sync *get_sync(struct par_log *log, uint32_t object)
{
    uint64_t *at = par_map_put(&log->sync_by_object, object);
    if (!at)
        return NULL;
    if (*at)
        return &log->syncs[*at - 1];
    if (log->sync_count == log->sync_capacity) {
        size_t capacity = log->sync_capacity ? log->sync_capacity * 2 : 64;
        struct par_sync *grown = realloc(log->syncs, capacity * sizeof *grown);
        if (!grown) {
            log->no_memory = true;
            return NULL;
        }
        log->syncs = grown;
        log->sync_capacity = capacity;
    }
    log->syncs[log->sync_count++] = (struct par_sync){0};
    *at = log->sync_count;
    return &log->syncs[log->sync_count - 1];
}

static struct par_sync *find_sync(const struct par_log *log, uint32_t object)
{
    uint64_t *at = par_map_get(&log->sync_by_object, object);
    return at && *at ? &log->syncs[*at - 1] : NULL;
}

// ---- Handles

static void create_handle(struct par_log *log, struct par_row *row, const struct par_event *e)
{
    uint32_t raw = (uint32_t)e->fields[0];
    uint64_t *packed = par_map_put(&log->objects, raw);
    if (!packed)
        return;
    const struct par_record *call = row->depth ? row->open[row->depth - 1].record : NULL;
    bool dispatcher = e->fields[1] >= TRACE_OBJECT_EVENT && e->fields[1] <= TRACE_OBJECT_TIMER;
    bool inside_ke = !call || !strncmp(log->shared->names[call->call].text, "Ke", 2);
    struct par_object object = {.thread = row->slot, .type = (uint8_t)e->fields[1], .alive = true}, before;
    memcpy(&before, packed, sizeof before);
    object.doubtful = *packed && *packed != UINT64_MAX && before.alive;
    struct par_sync *sync = find_sync(log, raw);
    if (sync)
        *sync = (struct par_sync){0}; // the number comes again for another object
    log->has_handles = true;
    if (raw >= 0x01000000u && raw < 0x01100000u)
        object.unseen = 2;
    else if (dispatcher && inside_ke && !(log->shared->rules_off >> PAR_RULE_LAZY & 1))
        object.unseen = 1;
    log->lazy_handles += object.unseen == 1;
    if (object.unseen == 1 && !row->lazy_handle)
        row->lazy_handle = raw;
    if (!object.unseen)
        object.ordinal = take_ordinal(log, 7, row->slot, object.type);
    memcpy(packed, &object, sizeof object);
}

// A handle that a call gave out though no event told of it (logs without handle.create).
static void adopt_handle(struct par_log *log, struct par_row *row, uint32_t raw, uint32_t name)
{
    if (!raw || raw >= 0xFFFFFFF0u || log->has_handles)
        return;
    uint64_t *packed = par_map_get(&log->objects, raw);
    if (packed && *packed != UINT64_MAX)
        return;
    packed = par_map_put(&log->objects, raw);
    struct par_object object = {.thread = row->slot, .type = 0, .alive = true};
    object.ordinal = take_ordinal(log, 8, row->slot, name);
    if (packed)
        memcpy(packed, &object, sizeof object);
}

// Where no event tells of the end of a handle, NtClose does: the number may come again for another object.
static void forget_handle(struct par_log *log, uint32_t raw)
{
    uint64_t *packed = par_map_get(&log->objects, raw);
    if (packed)
        *packed = UINT64_MAX;
}

static void end_handle(struct par_log *log, uint32_t raw)
{
    uint64_t *packed = par_map_get(&log->objects, raw);
    struct par_object object;
    if (!packed || *packed == UINT64_MAX)
        return;
    memcpy(&object, packed, sizeof object);
    object.alive = false;
    memcpy(packed, &object, sizeof object);
}

// ---- Waits and signals

static void note_signal(struct par_log *log, uint32_t object, uint32_t times)
{
    struct par_sync *sync = get_sync(log, object);
    if (sync)
        sync->sets += times;
    for (size_t i = 0; object && i < log->row_count; i++) {
        struct par_row *row = log->rows[i];
        struct par_open_call *open = row->depth ? &row->open[row->depth - 1] : NULL;
        if (open && open->in_wait && open->record->arg_count && (uint32_t)par_args(open->record)[0].raw == object)
            open->record->flags |= PAR_SIGNALLED;
    }
}

// A thread's end lets everybody go who waits for it.
static void note_thread_exit(struct par_log *log, const struct par_row *row)
{
    const uint32_t objects[] = {row->handle, row->kthread};
    for (unsigned i = 0; i < 2; i++)
        if (objects[i]) {
            note_signal(log, objects[i], 1);
            struct par_sync *sync = get_sync(log, objects[i]);
            if (sync)
                sync->stays = true;
        }
}

// The one object that a call waits for; 0: several, or unknown. The dispatcher header's address, or the handle.
static uint32_t waited_object(const struct par_log *log, const struct par_open_call *open, bool success, uint32_t status)
{
    const struct par_record *r = open->record;
    const char *name = log->shared->names[r->call].text;
    if (!strstr(name, "MultipleObjects")) {
        unsigned arg = !strncmp(name, "NtSignalAndWait", 15) ? 1 : 0;
        return r->arg_count > arg ? (uint32_t)par_args_of(r)[arg].raw : 0;
    }
    if (!open->any)
        return open->object_count == 1 ? open->objects[0] : 0;
    return success && status < open->object_count ? open->objects[status] : 0;
}

static void begin_wait(struct par_row *row, const struct par_event *e)
{
    struct par_open_call *open = row->depth ? &row->open[row->depth - 1] : NULL;
    if (!open)
        return;
    open->in_wait = true;
    open->wait_timeout = e->fields[1];
    open->wait_ns = e->ns;
    open->any = e->fields[0] != 0;
    open->object_count = 0;
    for (unsigned i = 3; i < e->count && open->object_count < PAR_WAIT_OBJECTS; i++)
        open->objects[open->object_count++] = (uint32_t)e->fields[i];
    open->record->flags |= PAR_WAITS | (e->fields[1] == UINT64_MAX ? PAR_WAIT_INFINITE : 0);
}

// The wait ended with success here: which signals it has seen.
static void note_wake(struct par_log *log, struct par_open_call *open, uint32_t status)
{
    struct par_record *r = open->record;
    uint32_t object = status < 64 && !open->woken ? waited_object(log, open, true, status) : 0;
    struct par_sync *sync = object ? get_sync(log, object) : NULL;
    if (!sync)
        return;
    open->woken = true;
    r->sets_end = (uint32_t)sync->sets;
    if (sync->sets < sync->wakes + 1)
        sync->proof = 0;
    else if (r->sets_begin && r->sets_begin <= open->wakes_begin)
        sync->proof++;
    r->proof = sync->proof < UINT8_MAX ? (uint8_t)sync->proof : UINT8_MAX;
    r->wakes = (uint32_t)sync->wakes++;
    r->flags |= PAR_WOKE | (sync->each ? PAR_AUTO : 0) | (sync->stays ? PAR_MANUAL : 0);
}

static void end_wait(struct par_log *log, struct par_row *row, const struct par_event *e)
{
    struct par_open_call *open = row->depth ? &row->open[row->depth - 1] : NULL;
    if (!open)
        return;
    if (open->in_wait && log->shared->names[open->record->call].waits)
        note_wake(log, open, (uint32_t)e->fields[0]);
    open->in_wait = false;
}

// Objects whose way of waking is known from the call that makes them.
static void note_new_object(struct par_log *log, const struct par_record *r, uint32_t handle)
{
    const char *name = log->shared->names[r->call].text;
    bool event = !strcmp(name, "NtCreateEvent"), semaphore = !strcmp(name, "NtCreateSemaphore");
    if (!handle || !(event || semaphore) || r->arg_count < 4)
        return;
    struct par_sync *sync = get_sync(log, handle);
    if (sync)
        *sync = (struct par_sync){.each = semaphore || par_args_of(r)[2].raw == 1, .stays = event && !par_args_of(r)[2].raw,
                                  .sets = event ? par_args_of(r)[3].raw != 0 : par_args_of(r)[2].raw};
}

// ---- Calls

static uint32_t name_of(struct par_log *log, const struct par_event *e)
{
    if (e->call >= log->name_count) {
        size_t count = e->call + 64u;
        uint32_t *grown = realloc(log->names, count * sizeof *grown);
        if (!grown)
            return UINT32_MAX;
        for (size_t i = log->name_count; i < count; i++)
            grown[i] = UINT32_MAX;
        log->names = grown;
        log->name_count = count;
    }
    if (log->names[e->call] == UINT32_MAX)
        log->names[e->call] = par_shared_name(log->shared, e->name);
    return log->names[e->call];
}

static uint64_t value_key(const struct par_value *v)
{
    if (v->meaning == PAR_PLAIN || (v->meaning == PAR_HANDLE && v->lazy))
        return v->meaning == PAR_PLAIN ? (uint32_t)v->raw : 0;
    return mix(mix(mix(mix(v->meaning, v->thread), v->name), v->ordinal), v->offset);
}

static void make_key(struct par_record *r)
{
    uint64_t key = mix(11, r->call);
    for (unsigned i = 0; i < r->arg_count; i++)
        key = mix(key, value_key(&par_args(r)[i]));
    r->key = mix(key, r->text_hash);
}

static void push(struct par_log *log, struct par_row *row, struct par_open_call *open)
{
    struct par_record *r = open->record;
    if (row->slot != PAR_NO_SLOT && !par_queue_push(&row->queue, r))
        log->no_memory = true;
}

static struct par_open_call *open_call(struct par_log *log, struct par_row *row)
{
    if (row->depth == PAR_NESTED) { // deeper than any title goes: the oldest is given up
        struct par_open_call oldest = row->open[0];
        push(log, row, &oldest);
        memmove(row->open, row->open + 1, (PAR_NESTED - 1) * sizeof *row->open);
        row->open[PAR_NESTED - 1] = oldest;
        row->depth--;
    }
    struct par_open_call *open = &row->open[row->depth];
    if (!open->record)
        open->record = malloc(PAR_RECORD_MAX);
    if (!open->record) {
        log->no_memory = true;
        return NULL;
    }
    row->depth++;
    struct par_record *record = open->record;
    *open = (struct par_open_call){.record = record};
    memset(record, 0, sizeof *record);
    return open;
}

static void keep_text(struct par_record *r, const struct par_event *e)
{
    if (!e->text_count || !e->texts[0].text)
        return;
    const char *text = e->texts[0].text;
    size_t length = strnlen(text, PAR_RECORD_TEXT - 1);
    r->text_arg = e->texts[0].field;
    r->text_length = (uint16_t)length;
    // Behind the values that are still to come: moved there when the call returns.
    memcpy((char *)r + PAR_RECORD_MAX - PAR_RECORD_TEXT, text, length);
    r->text_hash = trace_fnv1a(text, strlen(text)) | 1;
}

static void finish_record(struct par_record *r)
{
    char text[PAR_RECORD_TEXT];
    memcpy(text, (char *)r + PAR_RECORD_MAX - PAR_RECORD_TEXT, r->text_length);
    char *at = (char *)r + ((const char *)par_text_of(r) - (const char *)r);
    memcpy(at, text, r->text_length);
    size_t bytes = (size_t)(at - (char *)r) + r->text_length;
    r->bytes = (uint32_t)((bytes + 7) & ~(size_t)7);
    memset(at + r->text_length, 0, r->bytes - bytes);
    make_key(r);
}

static void start_record(struct par_log *log, struct par_row *row, struct par_record *r, uint32_t name, const struct par_event *e)
{
    r->call = name;
    r->lr = e->lr;
    r->line = e->index;
    r->raw_index = e->tid_index;
    r->ns = e->ns - log->first_ns;
    r->index = row->next_index;
    row->next_index += log->shared->unit;
    row->calls++;
    row->has_calls = true;
    log->calls++;
    if (row->last_missing == name + 1) {
        r->flags |= PAR_IS_MISSING;
        row->last_missing = 0;
    }
}

// Return addresses behind this call's own: as the log tells them, else those of the calls that it lies in.
static void keep_stack(const struct par_row *row, struct par_record *r, const struct par_event *e)
{
    for (unsigned i = 0; i < e->stack_count && i < PAR_MAX_STACK; i++)
        r->stack[r->stack_count++] = e->stack[i];
    for (unsigned k = row->depth; !e->stack_count && k-- > 1 && r->stack_count < PAR_MAX_STACK;)
        r->stack[r->stack_count++] = row->open[k - 1].record->lr;
}

static void take_call(struct par_log *log, struct par_row *row, const struct par_event *e)
{
    uint32_t name = name_of(log, e);
    struct par_open_call *open = name == UINT32_MAX ? NULL : open_call(log, row);
    if (!open)
        return;
    struct par_record *r = open->record;
    start_record(log, row, r, name, e);
    r->flags |= PAR_HAS_ARGS | (e->unimplemented ? PAR_IS_MISSING : 0);
    r->arg_count = (uint8_t)e->count;
    for (unsigned i = 0; i < e->count; i++) {
        const struct exp_arg *arg = arg_row(log, name, i);
        if (arg && arg->type == EXP_HANDLE)
            adopt_handle(log, row, (uint32_t)e->fields[i], 0);
        par_args(r)[i] = mean(log, name, e->fields[i], arg ? arg->type : EXP_U32, arg ? arg->name : NULL);
    }
    keep_text(r, e);
    r->garbage_count = (uint8_t)e->garbage_count;
    r->garbage_hash = e->garbage_hash;
    keep_stack(row, r, e);
    row->total = r->index + (log->shared->unit == 1 ? 1 : 2);
    if (!log->has_handles && e->count && !strcmp(log->shared->names[name].text, "NtClose"))
        forget_handle(log, (uint32_t)e->fields[0]);
    if (log->form == PAR_TEXT) { // no call is seen to come back there
        r->flags |= PAR_RETURNED;
        row->depth--;
        finish_record(r);
        push(log, row, open);
        row->total = r->index + log->shared->unit;
    }
    const struct par_call_name *n = &log->shared->names[name];
    if (n->signals && e->count)
        note_signal(log, (uint32_t)e->fields[0], n->count_arg && e->count >= n->count_arg ? (uint32_t)e->fields[n->count_arg - 1] : 1);
    if (n->waits) {
        uint32_t object = waited_object(log, open, false, 0);
        const struct par_sync *sync = object ? find_sync(log, object) : NULL;
        r->flags |= PAR_WAITS;
        r->sets_begin = sync ? (uint32_t)sync->sets : 0;
        open->wakes_begin = sync ? sync->wakes : 0;
    }
}

static void note_free(struct par_log *log, const struct par_record *r)
{
    unsigned arg = log->shared->names[r->call].free_arg;
    if (!arg || r->arg_count < arg)
        return;
    uint32_t address = (uint32_t)par_args_of(r)[arg - 1].raw;
    if (!strcmp(log->shared->names[r->call].text, "NtFreeVirtualMemory")) {
        if (!(par_args_of(r)[2].raw & 0x8000) || r->arg_count < 3)
            return; // only decommitted
        for (unsigned i = 0; i < r->pair_count; i++)
            if (r->pair_args[i] == 0)
                address = (uint32_t)par_pairs_of(r)[i].raw;
    }
    struct par_allocation *a = find_allocation(allocations_of(log, r->call), address);
    if (a)
        a->freed = true;
}

static void note_allocator(struct par_log *log, struct par_row *row, const struct par_record *r, const struct par_event *e)
{
    const struct par_call_name *n = &log->shared->names[r->call];
    uint32_t size = n->size_arg && r->arg_count >= n->size_arg ? (uint32_t)par_args_of(r)[n->size_arg - 1].raw : 0;
    if (n->allocator == PAR_ALLOCATES_RESULT) {
        if (e->has_result)
            note_allocation(log, r->call, row->slot, (uint32_t)e->fields[0], size);
        return;
    }
    uint32_t base = 0;
    for (unsigned i = 0; i < e->pair_count; i++) {
        const struct exp_arg *arg = arg_row(log, r->call, e->pairs[i].arg);
        if (arg && arg->type == EXP_P_ADDRESS)
            base = (uint32_t)e->pairs[i].value;
        else if (arg && e->pairs[i].arg == 1)
            size = (uint32_t)e->pairs[i].value;
    }
    bool reserves = r->arg_count < 3 || (par_args_of(r)[2].raw & 0x2000) || !find_allocation(&log->pages, base);
    if (e->has_result && !(uint32_t)e->fields[0] && reserves)
        note_allocation(log, r->call, row->slot, base, size);
}

static void set_result(struct par_log *log, struct par_row *row, struct par_record *r, const struct par_event *e)
{
    const struct par_call_name *n = &log->shared->names[r->call];
    const struct exp_row *row_of_call = n->row;
    if (n->allocator)
        note_allocator(log, row, r, e);
    r->flags |= PAR_RETURNED | (e->has_result ? PAR_HAS_RESULT : 0);
    if (e->is_void || (row_of_call && !row_of_call->variable && row_of_call->result == EXP_VOID))
        r->flags |= PAR_IS_VOID;
    struct par_value *values = par_args(r);
    enum exp_type type = row_of_call ? row_of_call->result : EXP_U32;
    if (type == EXP_HANDLE && e->has_result)
        adopt_handle(log, row, (uint32_t)e->fields[0], r->call);
    values[r->arg_count] = mean(log, r->call, e->has_result ? e->fields[0] : 0, type, NULL);
    if (!strcmp(n->text, "KeGetCurrentThreadId"))
        mean_tid(log, &values[r->arg_count]);
    for (unsigned i = 0; i < e->pair_count; i++) {
        const struct exp_arg *arg = arg_row(log, r->call, e->pairs[i].arg);
        enum exp_type behind = arg ? pointee(arg->type) : EXP_U32;
        if (behind == EXP_HANDLE)
            adopt_handle(log, row, (uint32_t)e->pairs[i].value, r->call);
        r->pair_args[r->pair_count] = e->pairs[i].arg;
        values[r->arg_count + 1 + r->pair_count++] = mean(log, r->call, e->pairs[i].value, behind, arg ? arg->name : NULL);
    }
    note_free(log, r);
}

// The call that a return ends: the innermost open one of its name; those inside never came back.
static struct par_open_call *close_call(struct par_log *log, struct par_row *row, uint32_t name)
{
    unsigned at = row->depth;
    while (at && row->open[at - 1].record->call != name)
        at--;
    if (!at)
        return NULL;
    while (row->depth > at) {
        struct par_open_call *lost = &row->open[--row->depth];
        finish_record(lost->record);
        push(log, row, lost);
    }
    row->depth--;
    return &row->open[at - 1];
}

static void take_return(struct par_log *log, struct par_row *row, const struct par_event *e)
{
    uint32_t name = name_of(log, e);
    struct par_open_call *open = name == UINT32_MAX ? NULL : close_call(log, row, name);
    if (!open && name != UINT32_MAX) {
        // A return without its call: bare lines.
        open = open_call(log, row);
        if (open) {
            start_record(log, row, open->record, name, e);
            row->depth--;
        }
    }
    if (!open)
        return;
    struct par_record *r = open->record;
    struct par_event copy;
    if (e->pair_count && e->pairs[0].arg >= 128) { // a bare line's arguments
        copy = *e;
        r->flags |= PAR_HAS_ARGS;
        r->arg_count = (uint8_t)e->pair_count;
        for (unsigned i = 0; i < e->pair_count; i++) {
            const struct exp_arg *arg = arg_row(log, name, i);
            par_args(r)[i] = mean(log, name, e->pairs[i].value, arg ? arg->type : EXP_U32, arg ? arg->name : NULL);
        }
        copy.pair_count = 0;
        e = &copy;
    }
    set_result(log, row, r, e);
    if (log->shared->names[name].waits && e->has_result)
        note_wake(log, open, (uint32_t)e->fields[0]);
    if (e->has_result && !(uint32_t)e->fields[0])
        for (unsigned i = 0; i < r->pair_count; i++)
            if (r->pair_args[i] == 0)
                note_new_object(log, r, (uint32_t)par_pairs_of(r)[i].raw);
    row->total = r->index + log->shared->unit > row->total ? r->index + log->shared->unit : row->total;
    finish_record(r);
    push(log, row, open);
    if (!strcmp(log->shared->names[name].text, "VdSwap")) {
        log->frames++;
        log->swap_ns = e->ns - log->first_ns;
    }
}

static void take_exit(struct par_log *log, const struct par_event *e)
{
    if (e->text_count && e->texts[0].text)
        snprintf(log->exit, sizeof log->exit, "%s", e->texts[0].text);
}

// A call of an export that the other log, a text log, never names: nothing is known of it there.
static bool is_untold(struct par_log *log, const struct par_event *e)
{
    if (!log->told_bit || (e->kind != TRACE_CALL && e->kind != TRACE_RETURN))
        return false;
    uint32_t name = name_of(log, e);
    return name != UINT32_MAX && !(log->shared->names[name].told & log->told_bit);
}

static void take_untold(struct par_log *log, struct par_row *row, const struct par_event *e)
{
    if (e->kind == TRACE_CALL) {
        row->next_index += log->shared->unit;
        log->untold++;
        log->calls++;
    }
    row->total = row->next_index;
    if (e->kind == TRACE_RETURN && !strcmp(e->name, "VdSwap")) {
        log->frames++;
        log->swap_ns = e->ns - log->first_ns;
    }
}

static void take(struct par_log *log, const struct par_event *e)
{
    struct par_row *row = get_row(log, e->tid);
    if (!row)
        return;
    if (!log->events++)
        log->first_ns = e->ns;
    log->last_ns = e->ns > log->last_ns ? e->ns : log->last_ns;
    row->last_raw_index = e->tid_index;
    if (is_untold(log, e)) {
        take_untold(log, row, e);
        return;
    }
    if (row->slot == PAR_NO_SLOT)
        place_row(log, row, e);
    switch ((int)e->kind) {
    case TRACE_CALL:
        take_call(log, row, e);
        break;
    case TRACE_RETURN:
        take_return(log, row, e);
        break;
    case TRACE_HANDLE_CREATE:
        create_handle(log, row, e);
        break;
    case TRACE_THREAD_CREATE:
        create_thread(log, e);
        break;
    case TRACE_WAIT_BEGIN:
        begin_wait(row, e);
        break;
    case TRACE_WAIT_END:
        end_wait(log, row, e);
        break;
    case TRACE_HANDLE_DESTROY:
        end_handle(log, (uint32_t)e->fields[0]);
        break;
    case TRACE_EVENT_SET:
        // One that no call of the title makes: a read that completes.
        if (!row->depth || !log->shared->names[row->open[row->depth - 1].record->call].signals)
            note_signal(log, (uint32_t)e->fields[0], 1);
        break;
    case TRACE_THREAD_EXIT:
        note_thread_exit(log, row);
        break;
    case TRACE_MISSING:
        if (row->depth && row->open[row->depth - 1].record->call == name_of(log, e))
            row->open[row->depth - 1].record->flags |= PAR_IS_MISSING;
        else
            row->last_missing = name_of(log, e) + 1;
        break;
    case TRACE_EXIT:
        take_exit(log, e);
        break;
    default:
        if (e->import && e->unimplemented)
            row->last_missing = name_of(log, e) + 1;
        break;
    }
}

// Calls that never came back.
static void finish(struct par_log *log)
{
    log->ended = true;
    for (size_t i = 0; i < log->row_count; i++) {
        struct par_row *row = log->rows[i];
        for (unsigned k = row->depth; k-- > 0;) {
            struct par_open_call *open = &row->open[k];
            uint64_t timeout = open->wait_timeout, waited = log->last_ns - open->wait_ns;
            uint64_t limit = (int64_t)timeout < 0 ? (0 - timeout) * 100 : UINT64_MAX;
            if (open->in_wait && timeout != UINT64_MAX && limit < UINT64_MAX / 4 && waited > 2 * limit + 100000000)
                open->record->flags |= PAR_OVERDUE;
            finish_record(open->record);
            push(log, row, open);
        }
        row->depth = 0;
    }
}

bool par_log_pump(struct par_log *log, unsigned events)
{
    struct par_event e;
    while (events-- && !log->ended && !log->no_memory) {
        if ((log->frames_wanted && log->frames >= log->frames_wanted) || !par_next(log->reader, &e)) {
            finish(log);
            break;
        }
        take(log, &e);
    }
    return !log->ended;
}

bool par_log_open(struct par_log *log, const char *path, struct par_shared *shared, uint64_t frames, struct error *err)
{
    *log = (struct par_log){.shared = shared, .path = path, .frames_wanted = frames};
    if (!par_open(&log->reader, path, err))
        return false;
    log->form = par_info(log->reader).form;
    return true;
}

void par_log_close(struct par_log *log)
{
    for (size_t i = 0; i < log->row_count; i++) {
        for (unsigned k = 0; k < PAR_NESTED; k++)
            free(log->rows[i]->open[k].record);
        par_queue_free(&log->rows[i]->queue);
        free(log->rows[i]);
    }
    free(log->rows);
    free(log->by_slot);
    free(log->names);
    free(log->pages.rows);
    free(log->blocks.rows);
    par_map_free(&log->row_by_tid);
    par_map_free(&log->objects);
    par_map_free(&log->counters);
    par_map_free(&log->sync_by_object);
    free(log->syncs);
    par_close(log->reader);
    *log = (struct par_log){0};
}
