// pm4_memory.c: packets that write memory or registers: data, fences, counters.
#include "base/bytes.h"
#include "gpu/pm4.h"

void pm4_REG_RMW(struct gpu *gpu, const struct pm4_packet *packet)
{
    const uint32_t *d = packet->d;
    uint32_t index = d[0] & 0x1FFF;
    uint32_t and_mask = d[0] >> 31 ? gpu_register_file_read(gpu, d[1] & 0x1FFF) : d[1];
    uint32_t or_mask = d[0] >> 30 & 1 ? gpu_register_file_read(gpu, d[2] & 0x1FFF) : d[2];
    gpu_register_file_write(gpu, index, (gpu_register_file_read(gpu, index) & and_mask) | or_mask);
}

void pm4_REG_TO_MEM(struct gpu *gpu, const struct pm4_packet *packet)
{
    if (pm4_valid_register(gpu, packet, packet->d[0])) {
        pm4_store_swapped(gpu, packet, packet->d[1], gpu_register_file_read(gpu, packet->d[0]));
    }
}

void pm4_MEM_WRITE(struct gpu *gpu, const struct pm4_packet *packet)
{
    for (uint32_t i = 1; i < packet->count; i++) {
        if (!pm4_store_swapped(gpu, packet, packet->d[0] + (i - 1) * 4, packet->d[i])) {
            return;
        }
    }
}

void pm4_MEM_WRITE_CNTR(struct gpu *gpu, const struct pm4_packet *packet)
{
    pm4_store_swapped(gpu, packet, packet->d[0], gpu_register_file_read(gpu, XENOS_REG_CP_PROG_COUNTER));
}

void pm4_COND_WRITE(struct gpu *gpu, const struct pm4_packet *packet)
{
    const uint32_t *d = packet->d;
    uint32_t value = 0;
    if (d[0] & 0x10) {
        if (!pm4_load_swapped(gpu, packet, d[1], &value)) {
            return;
        }
    } else if (pm4_valid_register(gpu, packet, d[1])) {
        value = gpu_register_file_read(gpu, d[1]);
    } else {
        return;
    }
    if (!xenos_compare(d[0], value & d[3], d[2])) {
        return;
    }
    if (d[0] & 0x100) {
        pm4_store_swapped(gpu, packet, d[4], d[5]);
    } else if (pm4_valid_register(gpu, packet, d[4])) {
        gpu_register_file_write(gpu, d[4], d[5]);
    }
}

// ---- Events. Everything before them is complete, so what they report is written at once.

void pm4_EVENT_WRITE(struct gpu *gpu, const struct pm4_packet *packet)
{
    pm4_event(gpu, packet->d[0]);
    if (packet->count >= 3) {
        pm4_store_swapped(gpu, packet, packet->d[1], packet->d[2]);
    }
}

// Addresses beyond physical memory that lie in the write-back window count from its start, which is the start of
// physical memory.
static uint32_t writeback_address(const struct gpu_machine *m, uint32_t operand)
{
    uint32_t base = m->registers[XENOS_REG_WRITEBACK_BASE], size = m->registers[XENOS_REG_WRITEBACK_SIZE];
    uint32_t address = operand & ~UINT32_C(3);
    bool in_window = address > GPU_BUS_MASK && base != 0 && address - base < size;
    return in_window ? (address - base) | (operand & 3) : operand;
}

void pm4_EVENT_WRITE_SHD(struct gpu *gpu, const struct pm4_packet *packet)
{
    const uint32_t *d = packet->d;
    pm4_event(gpu, d[0]);
    uint32_t value = d[0] >> 31 ? (uint32_t)gpu->machine.swap_count : d[2];
    pm4_store_swapped(gpu, packet, writeback_address(&gpu->machine, d[1]), value);
}

// What the last draws touched: six 16-bit numbers, in units of 8 pixels, depth 0 to 1.
void pm4_EVENT_WRITE_EXT(struct gpu *gpu, const struct pm4_packet *packet)
{
    enum { MAX_PIXELS = 8192 };
    const uint32_t extents[3] = {UINT32_C(MAX_PIXELS / 8) << 16, UINT32_C(MAX_PIXELS / 8) << 16, UINT32_C(1) << 16};
    pm4_event(gpu, packet->d[0]);
    for (uint32_t i = 0; i < 3; i++) {
        if (!pm4_store_swapped(gpu, packet, packet->d[1] + i * 4, extents[i])) {
            return;
        }
    }
}

// D3D puts the marker into the record's counts before the event that ends a query, and waits until they are something
// else.
void pm4_EVENT_WRITE_ZPD(struct gpu *gpu, const struct pm4_packet *packet)
{
    enum { TOTAL_A = 0, ZFAIL_A = 2, ZPASS_B = 5, ZPASS_A = 4, DWORDS = 8, SAMPLES = 100 };
    const uint32_t marker = __builtin_bswap32(0xFFFFFEED);
    uint32_t record = gpu->machine.registers[XENOS_REG_RB_SAMPLE_COUNT_ADDR] & ~UINT32_C(3);
    uint32_t counts[DWORDS];
    pm4_event(gpu, packet->d[0]);
    if (!pm4_load(gpu, packet, record, DWORDS, counts)) {
        return;
    }
    bool ends = false;
    for (unsigned i = ZFAIL_A; i <= ZPASS_B; i++) {
        ends = ends || __builtin_bswap32(counts[i]) == marker; // the record is little-endian
    }
    for (unsigned i = 0; i < DWORDS; i++) {
        uint32_t value = ends && (i == TOTAL_A || i == ZPASS_A) ? SAMPLES : 0;
        pm4_store_swapped(gpu, packet, record + i * 4, value);
    }
}
