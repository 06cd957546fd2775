// registers.c: the register file: plain storage, and the few registers that do something.
#include <string.h>

#include "base/bytes.h"
#include "gpu/machine.h"

// What the CPU reads, whatever was written: titles poll these, and the reference answers so.
static const struct {
    uint32_t index, value;
} fixed_reads[] = {
    {XENOS_REG_RB_EDRAM_TIMING, 0x08100748},
    {XENOS_REG_RB_BC_CONTROL, 0x0000200E},
    {XENOS_REG_D1MODE_VBLANK_VLINE_STATUS, 1},          // in vblank: the vblank callback does nothing without it
    {XENOS_REG_AVIVO_D1MODE_VIEWPORT_SIZE, 0x050002D0}, // 1280 x 720
};

void gpu_reset_registers(struct gpu_machine *m)
{
    m->registers[XENOS_REG_CP_BIN_MASK_LO] = 0xFFFFFFFF;
    m->registers[XENOS_REG_CP_BIN_SELECT_LO] = 0xFFFFFFFF;
    for (uint32_t i = 0; i < GPU_LUT_ENTRIES; i++) {
        uint32_t level = i * 0x3FF / 0xFF;
        m->lut[i] = level << 20 | level << 10 | level;
    }
    for (uint32_t i = 0; i < GPU_PWL_ENTRIES * 3; i++) {
        uint32_t entry = i / 3;
        m->pwl[i] = (entry * 0xFFFF / 0x7F & 0xFFC0) | (entry < 0x7F ? UINT32_C(0x200) << 16 : 0);
    }
}

// ---- Gamma tables: writing a colour moves the index on.

static void advance_lut(struct gpu_machine *m, bool pwl)
{
    uint32_t *index = &m->registers[XENOS_REG_DC_LUT_RW_INDEX];
    uint32_t old = *index & 0xFF;
    uint32_t next = pwl ? (old & 0x80) | ((old + 1) & 0x7F) : (old + 1) & 0xFF;
    *index = (*index & ~UINT32_C(0xFF)) | next;
    m->lut_component = 0;
}

// Components come as red, green, blue; the enable mask has blue in bit 0.
static bool lut_component_enabled(const struct gpu_machine *m)
{
    return m->registers[XENOS_REG_DC_LUT_WRITE_EN_MASK] >> (2 - m->lut_component) & 1;
}

static void write_lut_sequential(struct gpu_machine *m, uint32_t value)
{
    uint32_t *entry = &m->lut[m->registers[XENOS_REG_DC_LUT_RW_INDEX] & 0xFF];
    uint32_t shift = 20 - 10 * m->lut_component; // red is on top
    if (lut_component_enabled(m)) {
        *entry = (*entry & ~(UINT32_C(0x3FF) << shift)) | (value >> 6 & 0x3FF) << shift;
    }
    if (++m->lut_component == 3) {
        advance_lut(m, false);
    }
}

static void write_lut_whole(struct gpu_machine *m, uint32_t value)
{
    uint32_t *entry = &m->lut[m->registers[XENOS_REG_DC_LUT_RW_INDEX] & 0xFF];
    for (uint32_t bit = 0; bit < 3; bit++) {
        uint32_t field = UINT32_C(0x3FF) << (10 * bit);
        if (m->registers[XENOS_REG_DC_LUT_WRITE_EN_MASK] >> bit & 1) {
            *entry = (*entry & ~field) | (value & field);
        }
    }
    advance_lut(m, false);
}

static void write_lut_pwl(struct gpu_machine *m, uint32_t value)
{
    uint32_t entry = m->registers[XENOS_REG_DC_LUT_RW_INDEX] & 0x7F;
    if (lut_component_enabled(m)) {
        m->pwl[entry * 3 + m->lut_component] = value & 0xFFC0FFC0;
    }
    if (++m->lut_component == 3) {
        advance_lut(m, true);
    }
}

// ---- The others

static void mirror_scratch(struct gpu *gpu, uint32_t scratch, uint32_t value)
{
    struct gpu_machine *m = &gpu->machine;
    if (!(m->registers[XENOS_REG_SCRATCH_UMSK] >> scratch & 1)) {
        return;
    }
    gpa address = (m->registers[XENOS_REG_SCRATCH_ADDR] + scratch * 4) & GPU_BUS_MASK & ~UINT32_C(3);
    void *memory = gpu->config.bus_at(gpu->config.user, address, 4);
    if (memory) {
        be32_set(memory, value);
    } else {
        m->stats.dropped_writes++;
    }
}

static void move_write_pointer(struct gpu_machine *m, uint32_t value)
{
    if (m->ring_dwords) {
        m->write = value & (m->ring_dwords - 1);
        m->starved = 0;
    }
}

bool gpu_register_file_write(struct gpu *gpu, uint32_t index, uint32_t value)
{
    struct gpu_machine *m = &gpu->machine;
    if (index >= GPU_REGISTER_COUNT) {
        m->stats.dropped_writes++;
        return false;
    }
    m->registers[index] = value;
    if (index >= XENOS_REG_SCRATCH_REG0 && index <= XENOS_REG_SCRATCH_REG7) {
        mirror_scratch(gpu, index - XENOS_REG_SCRATCH_REG0, value);
        return true;
    }
    switch (index) {
    case XENOS_REG_COHER_STATUS_HOST:
        m->registers[index] = value | UINT32_C(0x80000000); // busy until someone looks
        break;
    case XENOS_REG_DC_LUT_RW_INDEX:
        m->lut_component = 0;
        break;
    case XENOS_REG_DC_LUT_SEQ_COLOR:
        write_lut_sequential(m, value);
        break;
    case XENOS_REG_DC_LUT_30_COLOR:
        write_lut_whole(m, value);
        break;
    case XENOS_REG_DC_LUT_PWL_DATA:
        write_lut_pwl(m, value);
        break;
    default:
        break;
    }
    return true;
}

uint32_t gpu_register_file_read(struct gpu *gpu, uint32_t index)
{
    struct gpu_machine *m = &gpu->machine;
    if (index >= GPU_REGISTER_COUNT) {
        return 0;
    }
    if (index == XENOS_REG_COHER_STATUS_HOST && m->registers[index] >> 31) {
        m->registers[index] = 0; // nothing is cached: whoever asks finds the request complete
    }
    return m->registers[index];
}

uint32_t gpu_register_read(struct gpu *gpu, uint32_t index)
{
    for (size_t i = 0; i < sizeof fixed_reads / sizeof fixed_reads[0]; i++) {
        if (fixed_reads[i].index == index) {
            return fixed_reads[i].value;
        }
    }
    return gpu_register_file_read(gpu, index);
}

// The write pointer moves here and not in the register file: a packet that writes it must not change what is being run.
void gpu_register_write(struct gpu *gpu, uint32_t index, uint32_t value)
{
    if (gpu_register_file_write(gpu, index, value) && index == XENOS_REG_CP_RB_WPTR) {
        move_write_pointer(&gpu->machine, value);
    }
}

// ---- The window

static bool in_window(gva address, unsigned size)
{
    uint32_t offset = address - GPU_MMIO_BASE;
    return offset < GPU_MMIO_SIZE && size <= GPU_MMIO_SIZE - offset &&
           (size == 1 || size == 2 || size == 4 || size == 8) && offset % size == 0;
}

uint64_t gpu_mmio_read(struct gpu *gpu, gva address, unsigned size)
{
    if (!in_window(address, size)) {
        return 0;
    }
    uint32_t offset = address - GPU_MMIO_BASE;
    uint64_t value = gpu_register_read(gpu, offset / 4);
    if (size == 8) {
        return value << 32 | gpu_register_read(gpu, offset / 4 + 1);
    }
    unsigned shift = (4 - size - offset % 4) * 8; // the first byte is the highest
    return value >> shift & (UINT64_C(0xFFFFFFFF) >> (32 - size * 8));
}

void gpu_mmio_write(struct gpu *gpu, gva address, unsigned size, uint64_t value)
{
    if (!in_window(address, size) || size < 4) {
        gpu->machine.stats.dropped_writes++;
        return;
    }
    uint32_t index = (address - GPU_MMIO_BASE) / 4;
    if (size == 8) {
        gpu_register_write(gpu, index++, (uint32_t)(value >> 32));
    }
    gpu_register_write(gpu, index, (uint32_t)value);
}
