// xenos.h: the GPU's language as tables and text: registers, PM4 packets, events. No state.
// Threads: any. Everything returned is constant and lives for ever.
// Dwords are host integers here: whoever reads them from guest memory has swapped them.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Register numbers are dword indices.
enum xenos_register {
#define REGISTER(index, name, source) XENOS_REG_##name = (index),
#include "xenos/registers.def"
#undef REGISTER
};

// The five kinds of constant registers that SET_CONSTANT addresses.
enum { XENOS_CONSTANT_KINDS = 5 };
struct xenos_constants {
    const char *name; // "ALU"
    uint32_t first;   // register of index 0
};
// NULL where there is no such type.
const struct xenos_constants *xenos_constants(uint32_t type);

// "RB_SURFACE_INFO", or NULL where no name is known.
const char *xenos_register_name(uint32_t index);
// Where the name comes from; NULL where no name is known.
const char *xenos_register_source(uint32_t index);

enum xenos_event {
#define EVENT(value, name) XENOS_EVENT_##name = (value),
#include "xenos/events.def"
#undef EVENT
};
// "CACHE_FLUSH_TS" for the low 6 bits of an event initiator, or NULL.
const char *xenos_event_name(uint32_t initiator);

// ---- PM4

enum xenos_opcode {
#define PM4(opcode, name, min, max, state, args, note) XENOS_PM4_##name = (opcode),
#include "xenos/pm4.def"
#undef PM4
};

enum xenos_state { XENOS_DONE, XENOS_PARTIAL, XENOS_ABSENT }; // what the command processor does with a packet

enum { XENOS_MAX_PAYLOAD = 0x4000 }; // dwords

// One row of pm4.def.
struct xenos_pm4 {
    const char *name; // "WAIT_REG_MEM"
    uint8_t opcode;
    uint16_t min, max; // payload dwords
    enum xenos_state state;
    const char *args; // see pm4.def
    const char *note;
};
// NULL where the opcode is unknown.
const struct xenos_pm4 *xenos_pm4(uint32_t opcode);
const char *xenos_pm4_name(uint32_t opcode); // NULL where the opcode is unknown

// A packet's header, taken apart.
struct xenos_packet {
    uint32_t header;
    uint32_t type;         // 0 to 3
    uint32_t payload;      // dwords after the header
    uint32_t opcode;       // type 3
    bool predicated;       // type 3: skipped when bin select & bin mask is 0
    uint32_t registers[2]; // type 0: the first; type 1: both
    bool one_register;     // type 0: every value goes to the same register
};
// Any dword is a header. 0 and 0x0BADF00D (memory that nobody wrote) are fillers like type 2, as the reference has it.
struct xenos_packet xenos_packet(uint32_t header);

// The GPU's byte swap of a dword: 0 none, 1 bytes in halves, 2 bytes in the dword, 3 halves. The result is what a
// little-endian store puts into memory, and the other way round.
uint32_t xenos_swap(uint32_t value, uint32_t endian);

// The comparison of WAIT_REG_MEM and COND_WRITE: 0 never, 1 <, 2 <=, 3 ==, 4 !=, 5 >=, 6 >, 7 always.
bool xenos_compare(uint32_t function, uint32_t value, uint32_t reference);

// Packets as text, one a line: dword offset, header, name, operands. The text ends with NUL (when size > 0) and holds
// whole lines. Returns how many dwords it covers, so that a caller with a small buffer goes on from there; 0 when not
// one line fits. A last packet that the buffer cuts off is shown as far as it goes, and says so.
size_t xenos_pm4_text(const uint32_t *dwords, size_t count, char *out, size_t size);
