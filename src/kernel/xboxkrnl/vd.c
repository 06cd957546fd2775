// Vd*: the video driver as titles' D3D sees it. Facts: boot-facts.md sections 6 and 7.
#include "kernel/api.h"
#include "kernel/state.h"

enum {
    WIDTH = 1280,
    HEIGHT = 720,
    SYSTEM_COMMAND_BUFFER_0 = (int)0xBEEF0000,
    SYSTEM_COMMAND_BUFFER_1 = (int)0xBEEF0001,
    SWAP_DWORDS = 64,
    PM4_NOP_2 = (int)0x80000000,
    PM4_XE_SWAP = 0x64,
    SWAP_SIGNATURE = 0x53574150,
    FETCH_CONSTANT_0 = 0x4800, // register index
    BUS_MASK = 0x1FFFFFFF,
};

// ---- Mode and display

static void write_video_mode(struct krnl_call *c, gva at)
{
    const uint32_t words[] = {WIDTH, HEIGHT, 0 /* interlaced */, 1 /* wide screen */, 1 /* high definition */,
                              0x42700000 /* 60.0f */, 1 /* standard: NTSC-M */, 0x4A, 1, 0, 0, 0};
    if (!mem_valid(c->mem, at, sizeof words, MEM_WRITE))
        return;
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        mem_set32(c->mem, at + 4 * i, words[i]);
}

void VdQueryVideoMode(struct krnl_call *c, uint32_t mode)
{
    write_video_mode(c, mode);
}

void VdQueryRealVideoMode(struct krnl_call *c, uint32_t mode)
{
    write_video_mode(c, mode);
}

void XGetVideoMode(struct krnl_call *c, uint32_t mode)
{
    write_video_mode(c, mode);
}

uint32_t VdQueryVideoFlags(struct krnl_call *c)
{
    (void)c;
    return 3; // wide screen, high definition
}

void VdGetCurrentDisplayGamma(struct krnl_call *c, uint32_t type_ptr, uint32_t power_ptr)
{
    mem_set32(c->mem, type_ptr, 2);          // BT.709
    mem_set32(c->mem, power_ptr, 0x400E38E4); // 2.2222
}

void VdGetCurrentDisplayInformation(struct krnl_call *c, uint32_t info)
{
    // Front buffer, scaler (source rectangle, output, filters), overscan window, display; all else zero.
    static const struct { uint8_t offset, size; uint32_t value; } fields[] = {
        {0x00, 2, WIDTH}, {0x02, 2, HEIGHT}, {0x10, 4, WIDTH}, {0x14, 4, HEIGHT}, {0x18, 4, WIDTH}, {0x1C, 4, HEIGHT},
        {0x20, 4, 1}, {0x30, 4, 1}, {0x40, 2, 320}, {0x42, 2, 180}, {0x44, 2, 320}, {0x46, 2, 180},
        {0x48, 2, WIDTH}, {0x4A, 2, HEIGHT}, {0x4C, 4, 0x42700000}, {0x56, 2, WIDTH},
    };
    if (!mem_fill(c->mem, info, 0, 0x58))
        return;
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].size == 2)
            mem_set16(c->mem, info + fields[i].offset, (uint16_t)fields[i].value);
        else
            mem_set32(c->mem, info + fields[i].offset, fields[i].value);
}

uint32_t VdSetDisplayMode(struct krnl_call *c, uint32_t flags)
{
    (void)c;
    (void)flags;
    return 0;
}

uint32_t VdSetDisplayModeOverride(struct krnl_call *c, uint32_t unk0, uint32_t unk1, double refresh_rate, uint32_t unk3, uint32_t unk4)
{
    (void)c, (void)unk0, (void)unk1, (void)refresh_rate, (void)unk3, (void)unk4;
    return 0;
}

uint32_t VdPersistDisplay(struct krnl_call *c, uint32_t unknown, uint32_t buffer_ptr)
{
    (void)unknown;
    struct mem_request request = {.heap = MEM_VA0000000, .size = 64, .alignment = 32, .state = MEM_RESERVED | MEM_COMMITTED,
                                  .protect = MEM_READ_WRITE, .top_down = true};
    gva buffer = 0;
    if (buffer_ptr && mem_allocate(c->mem, &request, &buffer, NULL))
        mem_set32(c->mem, buffer_ptr, buffer);
    return 1;
}

// ---- Engines, ring buffer, interrupts

uint32_t VdInitializeEngines(struct krnl_call *c, uint32_t unk0, uint32_t callback, uint32_t context, uint32_t pfp, uint32_t me)
{
    (void)c, (void)unk0, (void)callback, (void)context, (void)pfp, (void)me;
    return 1;
}

void VdShutdownEngines(struct krnl_call *c)
{
    c->k->interrupt_callback = 0;
}

void VdSetGraphicsInterruptCallback(struct krnl_call *c, uint32_t callback, uint32_t context)
{
    c->k->interrupt_callback = callback;
    c->k->interrupt_context = context;
}

void VdInitializeRingBuffer(struct krnl_call *c, uint32_t address, uint32_t size_log2)
{
    enum { LARGEST_LOG2 = 22 }; // 32 MB; titles use 32 KB
    struct krnl_video *v = &c->k->config.video;
    gpa base = address & BUS_MASK;
    if (size_log2 > LARGEST_LOG2 || (uint64_t)base + (1u << (size_log2 + 3)) > BUS_MASK + 1ull)
        log_write(c->k->log, LOG_GUEST, "vd", "VdInitializeRingBuffer(0x%08x, %u): beyond the memory's end", address, size_log2);
    else if (v->set_ring)
        v->set_ring(v->user, base, 1u << (size_log2 + 3));
}

void VdEnableRingBufferRPtrWriteBack(struct krnl_call *c, uint32_t address, uint32_t block_log2)
{
    struct krnl_video *v = &c->k->config.video;
    if (v->set_read_pointer_writeback)
        v->set_read_pointer_writeback(v->user, address & BUS_MASK, block_log2 & 31);
}

void VdSetSystemCommandBufferGpuIdentifierAddress(struct krnl_call *c, uint32_t address)
{
    c->k->gpu_identifier_address = address;
}

void VdGetSystemCommandBuffer(struct krnl_call *c, uint32_t p0, uint32_t p1)
{
    mem_fill(c->mem, p0, 0, 0x94);
    mem_set32(c->mem, p0, (uint32_t)SYSTEM_COMMAND_BUFFER_0);
    mem_set32(c->mem, p1, (uint32_t)SYSTEM_COMMAND_BUFFER_1);
}

uint32_t VdInitializeScalerCommandBuffer(struct krnl_call *c, uint32_t source_xy, uint32_t source_wh, uint32_t output_xy,
                                         uint32_t output_wh, uint32_t front_wh, uint32_t vertical_type, uint32_t vertical,
                                         uint32_t horizontal_type, uint32_t horizontal, uint32_t unk9, uint32_t destination, uint32_t dwords)
{
    (void)source_xy, (void)source_wh, (void)output_xy, (void)output_wh, (void)front_wh, (void)vertical_type, (void)vertical;
    (void)horizontal_type, (void)horizontal, (void)unk9;
    for (uint32_t i = 0; i < dwords && mem_set32(c->mem, destination + 4 * i, (uint32_t)PM4_NOP_2); i++)
        ;
    return dwords;
}

uint32_t VdCallGraphicsNotificationRoutines(struct krnl_call *c, uint32_t unk0, uint32_t args)
{
    (void)c, (void)unk0, (void)args;
    return 0;
}

uint32_t VdIsHSIOTrainingSucceeded(struct krnl_call *c)
{
    (void)c;
    return 1;
}

uint32_t VdRetrainEDRAM(struct krnl_call *c, uint32_t unk0, uint32_t unk1, uint32_t unk2, uint32_t unk3, uint32_t unk4, uint32_t unk5)
{
    (void)c, (void)unk0, (void)unk1, (void)unk2, (void)unk3, (void)unk4, (void)unk5;
    return 0;
}

uint32_t VdRetrainEDRAMWorker(struct krnl_call *c, uint32_t unk0)
{
    (void)c, (void)unk0;
    return 0;
}

uint32_t VdEnableDisableClockGating(struct krnl_call *c, uint32_t enabled)
{
    (void)c, (void)enabled;
    return 0;
}

// ---- Swap

// Fetch constant 0 with the front buffer's bus address: word 1 holds the base in 4 KB units with flags below.
static void read_fetch(const struct krnl_call *c, gva fetch, gpa front_buffer, uint32_t out[6])
{
    for (unsigned i = 0; i < 6; i++) {
        out[i] = 0;
        mem_get32(c->mem, fetch + 4 * i, &out[i]);
    }
    out[1] = (out[1] & 0xFFF) | (front_buffer & 0x1FFFF000);
}

// Puts into the title's own command buffer what makes the command processor swap: 64 dwords in all.
void VdSwap(struct krnl_call *c, uint32_t buffer, uint32_t fetch_ptr, uint32_t unk2, uint32_t unk3, uint32_t unk4, uint32_t front_ptr,
            uint32_t format_ptr, uint32_t color_space_ptr, uint32_t width_ptr, uint32_t height_ptr)
{
    (void)unk2, (void)unk3, (void)unk4, (void)format_ptr, (void)color_space_ptr;
    uint32_t front = 0, width = WIDTH, height = HEIGHT, words[SWAP_DWORDS], fetch[6];
    gpa bus = 0;
    mem_get32(c->mem, front_ptr, &front);
    mem_get32(c->mem, width_ptr, &width);
    mem_get32(c->mem, height_ptr, &height);
    mem_bus_address(front, &bus);
    read_fetch(c, fetch_ptr, bus, fetch);
    unsigned n = 0;
    words[n++] = (6 - 1) << 16 | FETCH_CONSTANT_0; // type 0: six registers
    for (unsigned i = 0; i < 6; i++)
        words[n++] = fetch[i];
    words[n++] = 0xC0000000u | (4 - 1) << 16 | PM4_XE_SWAP << 8;
    words[n++] = SWAP_SIGNATURE;
    words[n++] = bus;
    words[n++] = width;
    words[n++] = height;
    while (n < SWAP_DWORDS)
        words[n++] = (uint32_t)PM4_NOP_2;
    for (unsigned i = 0; i < SWAP_DWORDS; i++)
        mem_set32(c->mem, buffer + 4 * i, words[i]);
    c->k->frames++;
    c->k->swapped = true;
}
