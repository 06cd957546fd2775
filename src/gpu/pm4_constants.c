// pm4_constants.c: packets that fill constant registers.
#include "gpu/pm4.h"

// First register that a "type and index" word names. False: no such type, and the GPU has stopped.
static bool constant_register(struct gpu *gpu, const struct pm4_packet *packet, uint32_t word, uint32_t *first)
{
    const struct xenos_constants *kind = xenos_constants(word >> 16 & 0xFF);
    if (!kind) {
        pm4_stop(gpu, packet, "constant type %u is unknown", (unsigned)(word >> 16 & 0xFF));
        return false;
    }
    *first = kind->first + (word & 0x7FF);
    return true;
}

void pm4_SET_CONSTANT(struct gpu *gpu, const struct pm4_packet *packet)
{
    uint32_t first;
    if (constant_register(gpu, packet, packet->d[0], &first)) {
        pm4_write_registers(gpu, first, packet->d + 1, packet->count - 1);
    }
}

void pm4_SET_CONSTANT2(struct gpu *gpu, const struct pm4_packet *packet)
{
    pm4_write_registers(gpu, packet->d[0] & 0xFFFF, packet->d + 1, packet->count - 1);
}

void pm4_SET_SHADER_CONSTANTS(struct gpu *gpu, const struct pm4_packet *packet)
{
    pm4_SET_CONSTANT2(gpu, packet);
}

void pm4_LOAD_ALU_CONSTANT(struct gpu *gpu, const struct pm4_packet *packet)
{
    const uint32_t *d = packet->d;
    uint32_t first, count = d[2] & 0xFFF, values[0xFFF];
    if (constant_register(gpu, packet, d[1], &first) && pm4_load(gpu, packet, d[0] & 0x3FFFFFFF, count, values)) {
        pm4_write_registers(gpu, first, values, count);
    }
}
