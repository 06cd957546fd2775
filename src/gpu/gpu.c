// gpu.c: life of the GPU, its ring, and its state as data.
#include <stdlib.h>
#include <string.h>

#include "gpu/pm4.h"

_Static_assert(offsetof(struct gpu_machine, ring_base) == sizeof(uint64_t) * 2 + sizeof(struct gpu_stats),
               "no padding");
_Static_assert(sizeof(struct gpu_stats) % 8 == 0, "64-bit members only");
_Static_assert(offsetof(struct gpu_machine, reserved) + 4 == sizeof(struct gpu_machine), "no padding at the end");
_Static_assert(offsetof(struct gpu_machine, registers) % 4 == 0 && sizeof(((struct gpu_machine *)0)->fault) % 4 == 0,
               "no padding");

bool gpu_create(struct gpu **out, const struct gpu_config *config, struct error *err)
{
    *out = NULL;
    if (!config->bus_at) {
        return error_set(err, ERR_ARGUMENT, "gpu: no access to physical memory is configured");
    }
    struct gpu *gpu = calloc(1, sizeof *gpu);
    if (!gpu) {
        return error_set(err, ERR_MEMORY, "gpu: cannot allocate %zu bytes", sizeof *gpu);
    }
    gpu->config = *config;
    gpu_reset_registers(&gpu->machine);
    *out = gpu;
    return true;
}

void gpu_destroy(struct gpu *gpu)
{
    free(gpu);
}

static unsigned log2_of(uint32_t power)
{
    return (unsigned)__builtin_ctz(power);
}

bool gpu_set_ring(struct gpu *gpu, gpa base, uint32_t size_bytes)
{
    struct gpu_machine *m = &gpu->machine;
    base &= GPU_BUS_MASK & ~UINT32_C(3);
    if (size_bytes < 64 || size_bytes > UINT32_C(0x20000000) || (size_bytes & (size_bytes - 1))) {
        return false;
    }
    void *memory = gpu->config.bus_at(gpu->config.user, base, size_bytes);
    if (!memory) {
        return false;
    }
    memset(memory, 0, size_bytes);
    m->ring_base = base;
    m->ring_dwords = size_bytes / 4;
    m->read = m->write = 0;
    m->starved = m->writeback_due = 0;
    m->depth = 0;
    memset(m->buffers, 0, sizeof m->buffers);
    gpu_end_wait(gpu);
    m->interrupt_outstanding = m->interrupt_mask = 0;
    m->registers[XENOS_REG_CP_RB_BASE] = base;
    m->registers[XENOS_REG_CP_RB_CNTL] =
        (m->registers[XENOS_REG_CP_RB_CNTL] & ~UINT32_C(0x3F)) | (log2_of(size_bytes) - 3);
    m->registers[XENOS_REG_CP_RB_RPTR] = 0;
    m->registers[XENOS_REG_CP_RB_WPTR] = 0;
    return true;
}

void gpu_set_read_pointer_writeback(struct gpu *gpu, gpa address, uint32_t block_size_log2)
{
    struct gpu_machine *m = &gpu->machine;
    m->writeback = address & GPU_BUS_MASK & ~UINT32_C(3);
    m->registers[XENOS_REG_CP_RB_RPTR_ADDR] = address;
    m->registers[XENOS_REG_CP_RB_CNTL] =
        (m->registers[XENOS_REG_CP_RB_CNTL] & ~UINT32_C(0x3F00)) | (block_size_log2 & 0x3F) << 8;
}

void gpu_vblank(struct gpu *gpu)
{
    struct gpu_machine *m = &gpu->machine;
    m->stats.vblanks++;
    if (m->wait_kind == GPU_WAIT_VBLANK) {
        gpu_end_wait(gpu);
    }
}

void gpu_describe_wait(struct gpu *gpu)
{
    const struct gpu_machine *m = &gpu->machine;
    gpu->waiting = (struct gpu_wait){
        .active = m->wait_kind != GPU_WAIT_NONE,
        .vblank = m->wait_kind == GPU_WAIT_VBLANK,
        .memory = m->wait_kind == GPU_WAIT_MEMORY,
        .function = (uint8_t)m->wait_function,
        .address = m->wait_address,
        .reference = m->wait_reference,
        .mask = m->wait_mask,
        .interval = m->wait_interval,
        .since_cycles = m->wait_since,
        .packet = m->wait_packet,
    };
}

const struct gpu_wait *gpu_waiting(const struct gpu *gpu)
{
    return gpu->machine.wait_kind != GPU_WAIT_NONE ? &gpu->waiting : NULL;
}

const char *gpu_fault(const struct gpu *gpu)
{
    return gpu->machine.faulted ? gpu->machine.fault : NULL;
}

const struct gpu_stats *gpu_stats(const struct gpu *gpu)
{
    return &gpu->machine.stats;
}

const void *gpu_state(const struct gpu *gpu, size_t *size)
{
    *size = sizeof gpu->machine;
    return &gpu->machine;
}

static bool buffers_valid(const struct gpu_machine *m)
{
    if (m->depth > GPU_BUFFER_DEPTH) {
        return false;
    }
    for (uint32_t i = 0; i < m->depth; i++) {
        if (m->buffers[i].end > 0xFFFFF || m->buffers[i].position > m->buffers[i].end) {
            return false;
        }
    }
    return true;
}

static bool ring_valid(const struct gpu_machine *m)
{
    uint32_t n = m->ring_dwords;
    return n == 0 ? m->read == 0 && m->write == 0
                  : (n & (n - 1)) == 0 && n <= 0x08000000 && m->read < n && m->write < n;
}

static bool wait_valid(const struct gpu_machine *m)
{
    return m->wait_kind <= GPU_WAIT_VBLANK &&
           (m->wait_kind != GPU_WAIT_REGISTER || m->wait_address < GPU_REGISTER_COUNT);
}

bool gpu_restore(struct gpu *gpu, const void *state, size_t size, struct error *err)
{
    if (size != sizeof gpu->machine) {
        return error_set(err, ERR_FORMAT, "gpu state: %zu bytes, expected %zu", size, sizeof gpu->machine);
    }
    const struct gpu_machine *m = state;
    if (!ring_valid(m) || !buffers_valid(m) || !wait_valid(m) || m->me_count > GPU_ME_WORDS || m->lut_component > 2 ||
        (m->interrupt_mask & ~UINT32_C(0x3F)) || !memchr(m->fault, 0, sizeof m->fault)) {
        return error_set(err, ERR_FORMAT, "gpu state: position, wait, interrupt or fault out of range");
    }
    memmove(&gpu->machine, state, size); // may be its own state
    gpu_describe_wait(gpu);
    return true;
}
