// pm4.h: what the functions behind pm4.def see. Private to gpu/.
#pragma once
#include "gpu/machine.h"

struct pm4_packet {
    uint32_t header;
    uint32_t opcode;
    gpa address;       // bus address of the header
    gpa payload;       // bus address of d[0]
    uint32_t count;    // dwords of payload, at least what pm4.def asks for
    const uint32_t *d; // host order
};

typedef void pm4_function(struct gpu *gpu, const struct pm4_packet *packet);

#define PM4_PROTOTYPE_DONE(name)    pm4_function pm4_##name;
#define PM4_PROTOTYPE_PARTIAL(name) pm4_function pm4_##name;
#define PM4_PROTOTYPE_ABSENT(name)
#define PM4(opcode, name, min, max, state, args, note) PM4_PROTOTYPE_##state(name)
#include "xenos/pm4.def"
#undef PM4

// Stops the GPU for good; the first reason is kept. The message gets packet and opcode in front.
void pm4_stop(struct gpu *gpu, const struct pm4_packet *packet, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Memory by bus address; only the low 29 bits count. False: there is no such memory, and the GPU has stopped.
bool pm4_load(struct gpu *gpu, const struct pm4_packet *packet, gpa address, uint32_t dwords,
              uint32_t *out); // big-endian
// One dword at `operand & ~3` with the byte swap that its low two bits ask for.
bool pm4_load_swapped(struct gpu *gpu, const struct pm4_packet *packet, uint32_t operand, uint32_t *out);
bool pm4_store_swapped(struct gpu *gpu, const struct pm4_packet *packet, uint32_t operand, uint32_t value);

void pm4_write_registers(struct gpu *gpu, uint32_t first, const uint32_t *values, uint32_t count);
bool pm4_valid_register(struct gpu *gpu, const struct pm4_packet *packet, uint32_t index);
void pm4_event(struct gpu *gpu, uint32_t initiator);

// Opens an indirect buffer: its packets come next.
void pm4_call(struct gpu *gpu, const struct pm4_packet *packet, gpa address, uint32_t dwords);
// Parks until the condition holds; goes on at once when it already does.
void pm4_wait(struct gpu *gpu, const struct pm4_packet *packet, bool memory, uint32_t function,
              const uint32_t condition[4]);
// Calls the owner for the next processor of the interrupt mask.
void pm4_raise_interrupt(struct gpu *gpu);
