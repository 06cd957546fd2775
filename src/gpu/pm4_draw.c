// pm4_draw.c: packets that matter for drawing. Their register effects are here; nothing is drawn.
#include "gpu/pm4.h"

enum { SOURCE_DMA = 0 };

// `d` starts at the draw initiator, of `count` dwords; the index buffer is at d[dma] when the source is DMA.
static void draw(struct gpu *gpu, const struct pm4_packet *packet, const uint32_t *d, uint32_t count, uint32_t dma)
{
    gpu_register_file_write(gpu, XENOS_REG_VGT_DRAW_INITIATOR, d[0]);
    if ((d[0] >> 6 & 3) == SOURCE_DMA) {
        if (count < dma + 2) {
            pm4_stop(gpu, packet, "draws from an index buffer but has %u dwords, needs %u", packet->count,
                     packet->count - count + dma + 2);
            return;
        }
        gpu_register_file_write(gpu, XENOS_REG_VGT_DMA_BASE, d[dma]);
        gpu_register_file_write(gpu, XENOS_REG_VGT_DMA_SIZE, d[dma + 1]);
    }
    gpu->machine.stats.draws++;
}

void pm4_DRAW_INDX(struct gpu *gpu, const struct pm4_packet *packet)
{
    draw(gpu, packet, packet->d + 1, packet->count - 1, 1); // d[0]: visibility query
}

void pm4_DRAW_INDX_BIN(struct gpu *gpu, const struct pm4_packet *packet)
{
    draw(gpu, packet, packet->d + 1, packet->count - 1, 3);
}

void pm4_DRAW_INDX_2(struct gpu *gpu, const struct pm4_packet *packet)
{
    draw(gpu, packet, packet->d, packet->count, 1);
}

void pm4_VIZ_QUERY(struct gpu *gpu, const struct pm4_packet *packet)
{
    uint32_t id = packet->d[0] & 0x3F;
    bool ends = packet->d[0] & 0x100;
    pm4_event(gpu, ends ? XENOS_EVENT_VIZQUERY_END : XENOS_EVENT_VIZQUERY_START);
    if (ends) {
        uint32_t status = id < 32 ? XENOS_REG_PA_SC_VIZ_QUERY_STATUS_0 : XENOS_REG_PA_SC_VIZ_QUERY_STATUS_1;
        gpu_register_file_write(gpu, status, gpu_register_file_read(gpu, status) | UINT32_C(1) << (id & 31));
    }
}

// ---- Shaders

static void set_shader(struct gpu *gpu, const struct pm4_packet *packet, uint32_t type, gpa address,
                       uint32_t start_size)
{
    if (type > 1) {
        pm4_stop(gpu, packet, "shader type %u is unknown", type);
        return;
    }
    gpu->machine.shaders[type] = (struct gpu_shader){
        .address = address & GPU_BUS_MASK, .start = start_size >> 16, .dwords = start_size & 0xFFFF};
}

void pm4_IM_LOAD(struct gpu *gpu, const struct pm4_packet *packet)
{
    set_shader(gpu, packet, packet->d[0] & 3, packet->d[0] & ~UINT32_C(3), packet->d[1]);
}

void pm4_IM_LOAD_IMMEDIATE(struct gpu *gpu, const struct pm4_packet *packet)
{
    if ((packet->d[1] & 0xFFFF) > packet->count - 2) {
        pm4_stop(gpu, packet, "says %u dwords of microcode, has %u", packet->d[1] & 0xFFFF, packet->count - 2);
        return;
    }
    set_shader(gpu, packet, packet->d[0], packet->payload + 8, packet->d[1]);
}

void pm4_SET_SHADER_BASES(struct gpu *gpu, const struct pm4_packet *packet)
{
    gpu->machine.shader_bases = packet->d[0];
}

void pm4_SET_BIN_BASE_OFFSET(struct gpu *gpu, const struct pm4_packet *packet)
{
    gpu->machine.bin_base_offset = packet->d[0];
}
