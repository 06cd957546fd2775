// gpu.h: the GPU's register file and command processor, without drawing.
// Life: gpu_create, gpu_set_ring and register writes while a title runs, gpu_run whenever the write pointer moves and
// at fixed virtual quanta while it is parked, gpu_destroy.
// Threads: one thread. Every function but gpu_run and gpu_destroy may be called from a callback of the same GPU.
// Time: none of its own. It moves only in gpu_run; what it does depends on memory, registers and call order alone.
// Addresses of packets are bus addresses; like the bus, only their low 29 bits count.
// Register numbers are dword indices.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/types.h"
#include "trace/trace.h"

struct gpu;

enum {
    GPU_MMIO_BASE = 0x7FC80000,   // guest address of register 0
    GPU_MMIO_SIZE = 0x10000,      // bytes of the window: registers 0 to 0x3FFF
    GPU_REGISTER_COUNT = 0x10000, // dwords in the register file; the last named one is 0x5002
    GPU_BUFFER_DEPTH = 16,        // indirect buffers that may be open at once
};

enum gpu_interrupt_source { GPU_INTERRUPT_VBLANK = 0, GPU_INTERRUPT_COMMAND = 1 };

// A swap that the command processor reached (PM4_XE_SWAP).
struct gpu_swap {
    uint64_t frame;         // 0 for the first
    gpa front_buffer;       // bus address
    uint32_t width, height; // pixels
    uint32_t fetch[6];      // fetch constant 0 at that moment: pitch, format, tiling, endianness of the front buffer
};

struct gpu_config {
    void *user; // first argument of every callback

    // Host pointer to physical memory [address, address + size), address below 0x20000000, or NULL where there is none.
    // Used at once and never kept.
    void *(*bus_at)(void *user, gpa address, uint32_t size);

    // Asks the owner to run the title's graphics callback with this source and with KPCR+0x10C = cpu (0 to 5). Always
    // GPU_INTERRUPT_COMMAND. gpu_run then returns GPU_INTERRUPT until gpu_interrupt_done; where the title has set no
    // callback the owner may call gpu_interrupt_done from inside. NULL: interrupts count as done at once.
    void (*interrupt)(void *user, unsigned source, unsigned cpu);

    void (*swap)(void *user, const struct gpu_swap *swap); // NULL is allowed

    // TRACE_GPU_PACKET (each packet with trace_packets; else only the packet of a fault), TRACE_GPU_WAIT when a wait
    // parks, TRACE_GPU_SWAP (hash 0: nothing is drawn yet) before `swap`. NULL: nobody listens.
    void (*event)(void *user, enum trace_kind kind, const uint64_t *fields, unsigned count);
    bool trace_packets;

    bool pace_vblank; // after a swap the command processor parks until the next gpu_vblank
};

enum gpu_state {
    GPU_IDLE,      // everything up to the write pointer has run, or the rest of a packet is not there yet
    GPU_BUSY,      // the budget is spent, more packets are there
    GPU_PARKED,    // in a wait: test again later (gpu_run), see gpu_waiting
    GPU_INTERRUPT, // suspended for the title's callback: go on after gpu_interrupt_done
    GPU_FAULT,     // stopped for good, see gpu_fault
};

// Fails with ERR_ARGUMENT (no bus_at) or ERR_MEMORY.
bool gpu_create(struct gpu **out, const struct gpu_config *config, struct error *err);
void gpu_destroy(struct gpu *gpu); // NULL is allowed

// VdInitializeRingBuffer: zeroes the memory, read and write index become 0, open indirect buffers, waits and interrupts
// are dropped. `size_bytes` is a power of two from 64; false (nothing changed) where it is not or where there is no
// such memory.
bool gpu_set_ring(struct gpu *gpu, gpa base, uint32_t size_bytes);
// VdEnableRingBufferRPtrWriteBack: the read index (in dwords, big-endian 32-bit) is stored at `address` each time
// everything up to the write pointer has run. 0 turns it off. The block size (log2) is kept in CP_RB_CNTL and has no
// other effect.
void gpu_set_read_pointer_writeback(struct gpu *gpu, gpa address, uint32_t block_size_log2);

// As the CPU sees registers: fixed values where titles poll, else the register file; beyond it 0.
uint32_t gpu_register_read(struct gpu *gpu, uint32_t index);
// With side effects: CP_RB_WPTR moves the write pointer (the owner then calls gpu_run), scratch registers mirror to
// memory. Beyond the file nothing is written, only counted.
void gpu_register_write(struct gpu *gpu, uint32_t index, uint32_t value);

// The MMIO window; the shape is that of struct mem_mmio. `size` is 1, 2, 4 or 8 bytes, the value right-aligned in guest
// meaning. Stores below 4 bytes and beside the window are dropped and counted.
uint64_t gpu_mmio_read(struct gpu *gpu, gva address, unsigned size);
void gpu_mmio_write(struct gpu *gpu, gva address, unsigned size, uint64_t value);

// Runs packets until idle, parked, suspended, faulted, or `packet_budget` packets have run. A parked wait is tested
// once. `now_cycles` is virtual time (cycles of 3.2 GHz); it is only remembered, as the time when a wait parked.
enum gpu_state gpu_run(struct gpu *gpu, uint64_t now_cycles, uint64_t packet_budget);
// True when gpu_run would go on by itself: work is there, and it is not parked, suspended or faulted.
bool gpu_wants_run(const struct gpu *gpu);

// The title's callback has returned. If the packet's mask has more bits, `interrupt` is called for the next one from
// here. Harmless when no interrupt is outstanding.
void gpu_interrupt_done(struct gpu *gpu);

// A vblank passes (60 Hz of virtual time): counts frames and ends a swap's wait under pace_vblank. The owner runs the
// title's callback (source GPU_INTERRUPT_VBLANK, cpu 2) itself.
void gpu_vblank(struct gpu *gpu);

// What a parked command processor waits for, for wedge reports.
struct gpu_wait {
    bool active;
    bool vblank;      // a paced swap waits for vblank; the other fields do not count
    bool memory;      // `address` is a bus address (low two bits: byte swap), else a register
    uint8_t function; // 0 never, 1 <, 2 <=, 3 ==, 4 !=, 5 >=, 6 >, 7 always: (value & mask) function reference
    uint32_t address;
    uint32_t reference, mask;
    uint32_t interval;     // as the packet says; gpu_run ignores it
    uint64_t since_cycles; // when it parked
    gpa packet;            // bus address of the packet
};
// NULL when it does not wait.
const struct gpu_wait *gpu_waiting(const struct gpu *gpu);

// Why it stopped: one line, naming packet, opcode and address. NULL while it has not.
const char *gpu_fault(const struct gpu *gpu);

struct gpu_stats {
    uint64_t packets; // executed or skipped by predicate
    uint64_t skipped; // by predicate
    uint64_t draws, swaps, interrupts, waits, vblanks;
    uint64_t buffers;        // indirect buffers entered
    uint64_t dropped_writes; // to registers that do not exist, or MMIO stores of a wrong size
    uint64_t long_packets;   // payload longer than its packet needs; the rest was skipped
    uint64_t unknown;        // packets that led to a fault
    uint64_t opcodes[128];   // executed type-3 packets by opcode
};
const struct gpu_stats *gpu_stats(const struct gpu *gpu);

// The whole state as plain data without host pointers or padding: for state hashes and snapshots. Valid until the next
// call that changes the GPU. Equal states are equal bytes on every host of one byte order.
const void *gpu_state(const struct gpu *gpu, size_t *size);
// Puts a state back that gpu_state gave. Fails with ERR_FORMAT, changing nothing, where it cannot be one.
bool gpu_restore(struct gpu *gpu, const void *state, size_t size, struct error *err);
