#include <stdlib.h>
#include <string.h>

#include "kernel/interrupt.h"

enum page_id {
#define RANGE(id, heap, base, size, state, protect)
#define PAGE(id, bytes) PAGE_##id,
#define PHYSICAL(id, bytes) PAGE_##id,
#define THREAD(id, stack)
#include "kernel/boot.def"
#undef RANGE
#undef PAGE
#undef PHYSICAL
#undef THREAD
    PAGE_COUNT
};

// ---- Contents. Each gets the address of its page.

// A process record; type 1 is the title's, 2 the system's.
static void fill_process(struct mem *m, gva at, uint8_t type, uint8_t unknown_18, uint8_t unknown_19, uint8_t unknown_1a)
{
    mem_set32(m, at + KPROCESS_THREAD_LIST, at + KPROCESS_THREAD_LIST);
    mem_set32(m, at + KPROCESS_THREAD_LIST + 4, at + KPROCESS_THREAD_LIST);
    mem_set32(m, at + KPROCESS_QUANTUM_0C, 0x3C);
    mem_set8(m, at + KPROCESS_18, unknown_18);
    mem_set8(m, at + KPROCESS_18 + 1, unknown_19);
    mem_set8(m, at + KPROCESS_18 + 2, unknown_1a);
    mem_set8(m, at + KPROCESS_18 + 3, 6);
    mem_set32(m, at + KPROCESS_STACK_SIZE, 0x4000);
    mem_set8(m, at + KPROCESS_TYPE, type);
    mem_set32(m, at + KPROCESS_LIST_54, at + KPROCESS_LIST_54);
    mem_set32(m, at + KPROCESS_LIST_54 + 4, at + KPROCESS_LIST_54);
}

static void boot_globals(struct kernel *k, gva at)
{
    k->globals = at;
    k->title_process = at + 0x188;
    k->system_process = at + 0x1E8;
    fill_process(k->mem, at + 0x128, 0, 0, 0, 0);
    fill_process(k->mem, k->title_process, 1, 10, 13, 17);
    fill_process(k->mem, k->system_process, 2, 9, 11, 14);
    mem_set32(k->mem, at + 0x250 + DH_STATE, 1); // UsbdBootEnumerationDoneEvent: it is done
}

// The loader's record of a system module: name and handle are looked up by our own tables, so only the address counts.
static void boot_module_xboxkrnl(struct kernel *k, gva at)
{
    k->system_modules[EXP_XBOXKRNL] = at;
    mem_set32(k->mem, at + 0x18, 0x80040000);
}

static void boot_module_xam(struct kernel *k, gva at)
{
    k->system_modules[EXP_XAM] = at;
    mem_set32(k->mem, at + 0x18, 0x81000000);
}

static void boot_module_xbdm(struct kernel *k, gva at)
{
    k->system_modules[EXP_XBDM] = at;
    mem_set32(k->mem, at + 0x18, 0x91000000);
}

static void boot_debug_monitor(struct kernel *k, gva at)
{
    mem_set32(k->mem, at, 0); // no debugger
}

static void boot_cert_monitor(struct kernel *k, gva at)
{
    mem_set32(k->mem, at, 0);
}

static void boot_hardware_info(struct kernel *k, gva at)
{
    mem_set32(k->mem, at, 0x20); // flags: a hard disk
    mem_set8(k->mem, at + 4, KRNL_HW_THREADS);
}

static void boot_game_region(struct kernel *k, gva at)
{
    mem_set32(k->mem, at, 0xFFFFFFFF);
}

static void boot_module_handle(struct kernel *k, gva at)
{
    k->executable_module_variable = at;
}

static void boot_image_name(struct kernel *k, gva at)
{
    (void)k;
    (void)at;
}

static void boot_command_line(struct kernel *k, gva at)
{
    mem_write(k->mem, at, k->command_line, (uint32_t)strlen(k->command_line) + 1);
}

static void boot_version(struct kernel *k, gva at)
{
    mem_set16(k->mem, at, 2);          // major
    mem_set16(k->mem, at + 4, 0x0760); // build 1888
}

static void boot_time_stamp(struct kernel *k, gva at)
{
    k->time_stamp = at;
    krnl_refresh_time(k, 0);
}

static void boot_global_device(struct kernel *k, gva at)
{
    mem_set32(k->mem, at, 0);
}

static void boot_global_xam_device(struct kernel *k, gva at)
{
    mem_set32(k->mem, at, 0);
}

static void boot_gpu_clock(struct kernel *k, gva at)
{
    mem_set32(k->mem, at, 500);
}

static void boot_hsio_lock(struct kernel *k, gva at)
{
    enum { SPINS = 10000 };
    mem_set8(k->mem, at + CS_TYPE, 1);
    mem_set8(k->mem, at + CS_SPIN_COUNT, SPINS / 256 + (SPINS % 256 != 0));
    mem_set32(k->mem, at + CS_LOCK_COUNT, 0xFFFFFFFF);
}

static void boot_xma_contexts(struct kernel *k, gva at)
{
    (void)k;
    (void)at;
}

// ---- The table, run

static bool boot_range(struct kernel *k, enum mem_heap heap, gva base, uint32_t size, unsigned state, unsigned protect, struct error *err)
{
    if (heap == MEM_BUS)
        return mem_allocate_bus_at(k->mem, base, size, state, protect, err);
    if (base || heap == MEM_V00000000)
        return mem_allocate_at(k->mem, base, size, state, protect, err);
    struct mem_request request = {.heap = heap, .size = size, .state = state, .protect = protect, .top_down = true};
    return mem_allocate(k->mem, &request, &base, err);
}

static bool boot_page(struct kernel *k, bool physical, uint32_t size, gva *at, struct error *err)
{
    if (!physical) {
        *at = krnl_system_alloc(k, size);
        return *at || error_set(err, ERR_NO_SPACE, "no guest memory for the kernel's own pages");
    }
    struct mem_request request = {.heap = MEM_VE0000000, .size = size, .state = MEM_RESERVED | MEM_COMMITTED,
                                  .protect = MEM_READ_WRITE, .top_down = true};
    return mem_allocate(k->mem, &request, at, err);
}

static bool boot_thread(struct kernel *k, uint32_t stack, struct krnl_thread **out, struct error *err)
{
    struct krnl_thread_params p = {.stack_bytes = stack, .host_handle = true};
    *out = krnl_thread_new(k, &p, NULL);
    return *out || error_set(err, ERR_NO_SPACE, "no guest memory for a system thread");
}

static void set_variables(struct kernel *k, const gva *pages)
{
#define VARIABLE(ordinal, name, page, offset) k->variables[EXP_XBOXKRNL][ordinal] = pages[PAGE_##page] + offset;
#include "kernel/variables.def"
#undef VARIABLE
}

// Handles that exist before the title's: the reference's modules (host) and one event of its own (title).
static bool boot_handles(struct kernel *k, struct error *err)
{
    for (unsigned i = 0; i < EXP_MODULE_COUNT; i++) {
        struct krnl_object *module = krnl_object_new(k, KRNL_MODULE, 0, 0);
        if (!module || !krnl_handle_open(k, module, true, NULL))
            return error_set(err, ERR_MEMORY, "no memory for kernel objects");
    }
    struct krnl_object *event = krnl_object_new(k, KRNL_EVENT, 0, DISPATCH_NOTIFICATION_EVENT);
    if (!event || !krnl_handle_open(k, event, false, NULL))
        return error_set(err, ERR_MEMORY, "no memory for kernel objects");
    return true;
}

bool krnl_boot(struct kernel *k, struct error *err)
{
    gva pages[PAGE_COUNT];
    struct krnl_thread *thread_gpu, *thread_vblank, *thread_xma, *thread_audio;
    if (!boot_handles(k, err))
        return false;
#define RANGE(id, heap, base, size, state, protect)                                                                    \
    if (!boot_range(k, MEM_##heap, base, size, state, protect, err))                                                   \
        return error_context(err, "boot: " #id);
#define PAGE(id, bytes)                                                                                                \
    if (!boot_page(k, false, bytes, &pages[PAGE_##id], err))                                                           \
        return error_context(err, "boot: " #id);                                                                       \
    boot_##id(k, pages[PAGE_##id]);
#define PHYSICAL(id, bytes)                                                                                            \
    if (!boot_page(k, true, bytes, &pages[PAGE_##id], err))                                                            \
        return error_context(err, "boot: " #id);                                                                       \
    boot_##id(k, pages[PAGE_##id]);
#define THREAD(id, stack)                                                                                              \
    if (!boot_thread(k, stack, &thread_##id, err))                                                                     \
        return error_context(err, "boot: thread " #id);
#include "kernel/boot.def"
#undef RANGE
#undef PAGE
#undef PHYSICAL
#undef THREAD
    (void)thread_xma;
    (void)thread_audio;
    k->thread_gpu = thread_gpu;
    k->thread_vblank = thread_vblank;
    set_variables(k, pages);
    return true;
}
