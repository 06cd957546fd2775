#include "system/wire.h"

enum { VIDEO_BUDGET = 1000000, XMA_BASE = 0x7FEA0000, XMA_SIZE = 0x10000 };

// ---- What the GPU asks of the console

static void *bus_at(void *user, gpa address, uint32_t size)
{
    return mem_bus_at(((struct sys *)user)->mem, address, size);
}

static void interrupt(void *user, unsigned source, unsigned cpu)
{
    (void)source;
    ((struct sys *)user)->interrupt_cpu = cpu;
}

static void gpu_event(void *user, enum trace_kind kind, const uint64_t *fields, unsigned count)
{
    struct sys *s = user;
    if (s->kernel)
        krnl_video_event(s->kernel, kind, fields, count);
}

// ---- MMIO

static void emit_mmio(struct sys *s, enum trace_kind kind, gva address, unsigned size, uint64_t value)
{
    if (!s->config.trace_gpu)
        return;
    struct trace_where where;
    krnl_where(s->kernel, &where);
    trace_emit_fields(s->trace, kind, &where, (uint64_t[]){address, size, value}, 3);
}

static uint64_t gpu_read(void *user, gva address, unsigned size)
{
    struct sys *s = user;
    uint64_t value = gpu_mmio_read(s->gpu, address, size);
    emit_mmio(s, TRACE_MMIO_READ, address, size, value);
    return value;
}

static void gpu_write(void *user, gva address, unsigned size, uint64_t value)
{
    struct sys *s = user;
    emit_mmio(s, TRACE_MMIO_WRITE, address, size, value);
    gpu_mmio_write(s->gpu, address, size, value);
    if (gpu_wants_run(s->gpu))
        krnl_video_kick(s->kernel);
}

static uint64_t xma_read(void *user, gva address, unsigned size)
{
    struct sys *s = user;
    emit_mmio(s, TRACE_MMIO_READ, address, size, 0);
    krnl_device_missing(s->kernel, "the XMA decoder (audio): register read", address);
    return 0;
}

static void xma_write(void *user, gva address, unsigned size, uint64_t value)
{
    struct sys *s = user;
    emit_mmio(s, TRACE_MMIO_WRITE, address, size, value);
    krnl_device_missing(s->kernel, "the XMA decoder (audio): register write", address);
}

bool sys_wire_gpu(struct sys *s, struct error *err)
{
    struct gpu_config config = {.user = s, .bus_at = bus_at, .interrupt = interrupt, .event = gpu_event,
                                .trace_packets = s->config.trace_gpu, .pace_vblank = s->config.pace == SYS_PACE_VBLANK};
    struct mem_mmio registers = {.base = GPU_MMIO_BASE, .size = GPU_MMIO_SIZE, .read = gpu_read, .write = gpu_write, .user = s};
    struct mem_mmio xma = {.base = XMA_BASE, .size = XMA_SIZE, .read = xma_read, .write = xma_write, .user = s};
    return gpu_create(&s->gpu, &config, err) && mem_add_mmio(s->mem, &registers, err) && mem_add_mmio(s->mem, &xma, err);
}

// ---- What the kernel asks of the GPU

static void set_ring(void *user, gpa base, uint32_t bytes)
{
    gpu_set_ring(((struct sys *)user)->gpu, base, bytes);
}

static void set_writeback(void *user, gpa address, uint32_t block_log2)
{
    gpu_set_read_pointer_writeback(((struct sys *)user)->gpu, address, block_log2);
}

static enum krnl_video_state run(void *user, uint64_t now)
{
    static const enum krnl_video_state states[] = {
        [GPU_IDLE] = KRNL_VIDEO_IDLE, [GPU_BUSY] = KRNL_VIDEO_PARKED, [GPU_PARKED] = KRNL_VIDEO_PARKED,
        [GPU_INTERRUPT] = KRNL_VIDEO_INTERRUPT, [GPU_FAULT] = KRNL_VIDEO_FAULT,
    };
    return states[gpu_run(((struct sys *)user)->gpu, now, VIDEO_BUDGET)];
}

static unsigned interrupt_cpu(void *user)
{
    return ((struct sys *)user)->interrupt_cpu;
}

static void interrupt_done(void *user)
{
    gpu_interrupt_done(((struct sys *)user)->gpu);
}

static void vblank(void *user)
{
    gpu_vblank(((struct sys *)user)->gpu);
}

static const char *fault(void *user)
{
    const char *text = gpu_fault(((struct sys *)user)->gpu);
    return text ? text : "no fault";
}

void sys_wire_video(struct sys *s, struct krnl_video *video)
{
    *video = (struct krnl_video){
        .user = s, .set_ring = set_ring, .set_read_pointer_writeback = set_writeback, .run = run, .interrupt_cpu = interrupt_cpu,
        .interrupt_done = interrupt_done, .vblank = vblank, .fault = fault,
    };
}
