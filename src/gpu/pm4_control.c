// pm4_control.c: packets that steer the command processor: buffers, waits, interrupts, bins, the swap.
#include <string.h>

#include "gpu/pm4.h"

void pm4_ME_INIT(struct gpu *gpu, const struct pm4_packet *packet)
{
    struct gpu_machine *m = &gpu->machine;
    m->me_count = packet->count < GPU_ME_WORDS ? packet->count : GPU_ME_WORDS;
    memset(m->me_words, 0, sizeof m->me_words);
    memcpy(m->me_words, packet->d, m->me_count * sizeof m->me_words[0]);
}

// ---- Packets with nothing to do here; pm4.def says why.

static void nothing(struct gpu *gpu, const struct pm4_packet *packet)
{
    (void)gpu;
    (void)packet;
}

void pm4_NOP(struct gpu *gpu, const struct pm4_packet *packet)
{
    nothing(gpu, packet);
}

void pm4_WAIT_FOR_IDLE(struct gpu *gpu, const struct pm4_packet *packet)
{
    nothing(gpu, packet);
}

void pm4_WAIT_UNTIL_READ(struct gpu *gpu, const struct pm4_packet *packet)
{
    nothing(gpu, packet);
}

void pm4_WAIT_IB_PFD_COMPLETE(struct gpu *gpu, const struct pm4_packet *packet)
{
    nothing(gpu, packet);
}

void pm4_INVALIDATE_STATE(struct gpu *gpu, const struct pm4_packet *packet)
{
    nothing(gpu, packet);
}

void pm4_CONTEXT_UPDATE(struct gpu *gpu, const struct pm4_packet *packet)
{
    nothing(gpu, packet);
}

// ---- Indirect buffers

void pm4_INDIRECT_BUFFER(struct gpu *gpu, const struct pm4_packet *packet)
{
    pm4_call(gpu, packet, packet->d[0], packet->d[1] & 0xFFFFF);
}

void pm4_INDIRECT_BUFFER_PFD(struct gpu *gpu, const struct pm4_packet *packet)
{
    pm4_INDIRECT_BUFFER(gpu, packet);
}

// ---- Waits and interrupts

void pm4_WAIT_REG_MEM(struct gpu *gpu, const struct pm4_packet *packet)
{
    pm4_wait(gpu, packet, packet->d[0] & 0x10, packet->d[0], packet->d + 1);
}

void pm4_WAIT_REG_EQ(struct gpu *gpu, const struct pm4_packet *packet)
{
    pm4_wait(gpu, packet, false, 3, packet->d);
}

void pm4_WAIT_REG_GTE(struct gpu *gpu, const struct pm4_packet *packet)
{
    pm4_wait(gpu, packet, false, 5, packet->d);
}

void pm4_INTERRUPT(struct gpu *gpu, const struct pm4_packet *packet)
{
    gpu->machine.interrupt_mask = packet->d[0] & 0x3F;
    pm4_raise_interrupt(gpu);
}

// ---- The swap

enum { SWAP_SIGNATURE = 0x53574150 }; // 'SWAP'

void pm4_XE_SWAP(struct gpu *gpu, const struct pm4_packet *packet)
{
    struct gpu_machine *m = &gpu->machine;
    const uint32_t *d = packet->d;
    if (d[0] != SWAP_SIGNATURE) {
        pm4_stop(gpu, packet, "signature %08X, expected %08X", d[0], SWAP_SIGNATURE);
        return;
    }
    struct gpu_swap swap = {
        .frame = m->swap_count++, .front_buffer = d[1] & GPU_BUS_MASK, .width = d[2], .height = d[3]};
    memcpy(swap.fetch, &m->registers[XENOS_REG_SHADER_CONSTANT_FETCH_00_0], sizeof swap.fetch);
    m->stats.swaps++;
    if (gpu->config.pace_vblank) {
        m->wait_kind = GPU_WAIT_VBLANK;
        m->wait_packet = packet->address;
        m->wait_since = gpu->now;
        gpu_describe_wait(gpu);
    }
    if (gpu->config.event) {
        const uint64_t fields[] = {swap.frame, swap.front_buffer, swap.width, swap.height, 0};
        gpu->config.event(gpu->config.user, TRACE_GPU_SWAP, fields, 5);
    }
    if (gpu->config.swap) {
        gpu->config.swap(gpu->config.user, &swap);
    }
}

// ---- Bins: a predicated packet runs when mask and select have a bit in common.

static void set_pair(struct gpu *gpu, uint32_t low, uint32_t high, const struct pm4_packet *packet)
{
    gpu_register_file_write(gpu, high, packet->d[0]);
    gpu_register_file_write(gpu, low, packet->d[1]);
}

void pm4_SET_BIN_MASK(struct gpu *gpu, const struct pm4_packet *packet)
{
    set_pair(gpu, XENOS_REG_CP_BIN_MASK_LO, XENOS_REG_CP_BIN_MASK_HI, packet);
}

void pm4_SET_BIN_SELECT(struct gpu *gpu, const struct pm4_packet *packet)
{
    set_pair(gpu, XENOS_REG_CP_BIN_SELECT_LO, XENOS_REG_CP_BIN_SELECT_HI, packet);
}

void pm4_SET_BIN_MASK_LO(struct gpu *gpu, const struct pm4_packet *packet)
{
    gpu_register_file_write(gpu, XENOS_REG_CP_BIN_MASK_LO, packet->d[0]);
}

void pm4_SET_BIN_MASK_HI(struct gpu *gpu, const struct pm4_packet *packet)
{
    gpu_register_file_write(gpu, XENOS_REG_CP_BIN_MASK_HI, packet->d[0]);
}

void pm4_SET_BIN_SELECT_LO(struct gpu *gpu, const struct pm4_packet *packet)
{
    gpu_register_file_write(gpu, XENOS_REG_CP_BIN_SELECT_LO, packet->d[0]);
}

void pm4_SET_BIN_SELECT_HI(struct gpu *gpu, const struct pm4_packet *packet)
{
    gpu_register_file_write(gpu, XENOS_REG_CP_BIN_SELECT_HI, packet->d[0]);
}
