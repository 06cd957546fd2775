// machine.h: the GPU's state as one struct of plain data, and the object that holds it. Private to gpu/.
#pragma once
#include "gpu/gpu.h"
#include "xenos/xenos.h"

enum { GPU_ME_WORDS = 32, GPU_LUT_ENTRIES = 256, GPU_PWL_ENTRIES = 128, GPU_BUS_MASK = 0x1FFFFFFF };

enum gpu_wait_kind { GPU_WAIT_NONE, GPU_WAIT_REGISTER, GPU_WAIT_MEMORY, GPU_WAIT_VBLANK };

// An open indirect buffer.
struct gpu_buffer {
    uint32_t base;     // bus address
    uint32_t position; // dwords read
    uint32_t end;      // dwords
};

struct gpu_shader {
    uint32_t address; // bus address of the microcode
    uint32_t start;   // first instruction slot
    uint32_t dwords;
};

// Everything that a snapshot needs. First 64-bit members, then 32-bit ones, so that there is no padding.
struct gpu_machine {
    uint64_t swap_count;
    uint64_t wait_since;
    struct gpu_stats stats;

    uint32_t ring_base;   // bus address
    uint32_t ring_dwords; // a power of two, or 0: no ring yet
    uint32_t read, write; // dword indices
    uint32_t starved;     // the packet at `read` is not complete: only a new write pointer helps
    uint32_t writeback;   // bus address, 0: off
    uint32_t writeback_due;

    uint32_t depth;
    struct gpu_buffer buffers[GPU_BUFFER_DEPTH];

    uint32_t wait_kind; // enum gpu_wait_kind
    uint32_t wait_function, wait_address, wait_reference, wait_mask, wait_interval, wait_packet;

    uint32_t interrupt_outstanding; // the owner runs the title's callback
    uint32_t interrupt_mask;        // processors that are still to be called

    uint32_t faulted;
    char fault[252];

    uint32_t me_count;
    uint32_t me_words[GPU_ME_WORDS];
    uint32_t shader_bases, bin_base_offset;
    struct gpu_shader shaders[2]; // vertex, pixel

    uint32_t lut_component; // next of red, green, blue in the gamma table
    uint32_t lut[GPU_LUT_ENTRIES];
    uint32_t pwl[GPU_PWL_ENTRIES * 3];

    uint32_t registers[GPU_REGISTER_COUNT];
    uint32_t reserved; // keeps the size a multiple of 8
};

struct gpu {
    struct gpu_config config;
    uint64_t now;                        // of the current gpu_run
    struct gpu_wait waiting;             // what gpu_waiting shows, made from the machine
    uint32_t payload[XENOS_MAX_PAYLOAD]; // of the current packet
    struct gpu_machine machine;
};

// The register file without the fixed values of the CPU's view. Reading COHER_STATUS_HOST completes its request.
uint32_t gpu_register_file_read(struct gpu *gpu, uint32_t index);
// Returns true when the write was to a register that exists.
bool gpu_register_file_write(struct gpu *gpu, uint32_t index, uint32_t value);
void gpu_reset_registers(struct gpu_machine *m);
// Makes what gpu_waiting shows; after every change of the wait.
void gpu_describe_wait(struct gpu *gpu);
void gpu_end_wait(struct gpu *gpu);
