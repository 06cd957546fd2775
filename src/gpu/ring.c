// ring.c: running packets: from the ring and from indirect buffers, through waits and interrupts.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "gpu/pm4.h"

// ---- Faults and events

static void emit(struct gpu *gpu, enum trace_kind kind, const uint64_t *fields, unsigned count)
{
    if (gpu->config.event) {
        gpu->config.event(gpu->config.user, kind, fields, count);
    }
}

static void emit_packet(struct gpu *gpu, gpa address, uint32_t header)
{
    emit(gpu, TRACE_GPU_PACKET, (const uint64_t[]){address, header}, 2);
}

void pm4_stop(struct gpu *gpu, const struct pm4_packet *packet, const char *format, ...)
{
    struct gpu_machine *m = &gpu->machine;
    if (m->faulted) {
        return;
    }
    m->faulted = 1;
    m->stats.unknown++;
    const char *name = packet->header >> 30 == 3 ? xenos_pm4_name(packet->opcode) : NULL;
    int used = snprintf(m->fault, sizeof m->fault, "packet %08X (%s) at bus %08X: ", packet->header,
                        name ? name : "unnamed", packet->address);
    va_list args;
    va_start(args, format);
    vsnprintf(m->fault + used, sizeof m->fault - (size_t)used, format, args);
    va_end(args);
    if (!gpu->config.trace_packets) {
        emit_packet(gpu, packet->address, packet->header);
    }
}

// ---- Memory

static void *bus_at(struct gpu *gpu, gpa address, uint32_t bytes)
{
    return gpu->config.bus_at(gpu->config.user, address & GPU_BUS_MASK, bytes);
}

static bool load(struct gpu *gpu, gpa address, uint32_t dwords, uint32_t *out)
{
    if (dwords == 0) {
        return true;
    }
    const uint8_t *memory = bus_at(gpu, address, dwords * 4);
    if (!memory) {
        return false;
    }
    for (uint32_t i = 0; i < dwords; i++) {
        out[i] = be32_get(memory + i * 4);
    }
    return true;
}

bool pm4_load(struct gpu *gpu, const struct pm4_packet *packet, gpa address, uint32_t dwords, uint32_t *out)
{
    if (load(gpu, address & ~UINT32_C(3), dwords, out)) {
        return true;
    }
    pm4_stop(gpu, packet, "reads %u bytes at bus %08X, where there is no memory", dwords * 4, address);
    return false;
}

static bool load_swapped(struct gpu *gpu, uint32_t operand, uint32_t *out)
{
    const uint8_t *memory = bus_at(gpu, operand & ~UINT32_C(3), 4);
    if (!memory) {
        return false;
    }
    *out = xenos_swap(le32_get(memory), operand);
    return true;
}

bool pm4_load_swapped(struct gpu *gpu, const struct pm4_packet *packet, uint32_t operand, uint32_t *out)
{
    if (load_swapped(gpu, operand, out)) {
        return true;
    }
    pm4_stop(gpu, packet, "reads bus %08X, where there is no memory", operand & ~UINT32_C(3));
    return false;
}

bool pm4_store_swapped(struct gpu *gpu, const struct pm4_packet *packet, uint32_t operand, uint32_t value)
{
    uint8_t *memory = bus_at(gpu, operand & ~UINT32_C(3), 4);
    if (!memory) {
        pm4_stop(gpu, packet, "writes bus %08X, where there is no memory", operand & ~UINT32_C(3));
        return false;
    }
    le32_set(memory, xenos_swap(value, operand));
    return true;
}

// ---- Registers

void pm4_write_registers(struct gpu *gpu, uint32_t first, const uint32_t *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        gpu_register_file_write(gpu, first + i, values[i]);
    }
}

bool pm4_valid_register(struct gpu *gpu, const struct pm4_packet *packet, uint32_t index)
{
    if (index < GPU_REGISTER_COUNT) {
        return true;
    }
    pm4_stop(gpu, packet, "names register %08X, which does not exist", index);
    return false;
}

void pm4_event(struct gpu *gpu, uint32_t initiator)
{
    gpu_register_file_write(gpu, XENOS_REG_VGT_EVENT_INITIATOR, initiator & 0x3F);
}

// ---- Indirect buffers

void pm4_call(struct gpu *gpu, const struct pm4_packet *packet, gpa address, uint32_t dwords)
{
    struct gpu_machine *m = &gpu->machine;
    if (dwords == 0) {
        return;
    }
    if (m->depth == GPU_BUFFER_DEPTH) {
        pm4_stop(gpu, packet, "opens more than %u indirect buffers inside each other", GPU_BUFFER_DEPTH);
        return;
    }
    m->stats.buffers++;
    m->buffers[m->depth++] = (struct gpu_buffer){.base = address & GPU_BUS_MASK & ~UINT32_C(3), .end = dwords};
}

static void close_finished_buffers(struct gpu_machine *m)
{
    while (m->depth > 0 && m->buffers[m->depth - 1].position == m->buffers[m->depth - 1].end) {
        m->buffers[--m->depth] = (struct gpu_buffer){0}; // zero, so that equal states are equal bytes
    }
}

// ---- Waits

// False: no such register or memory.
static bool read_condition(struct gpu *gpu, uint32_t *value)
{
    const struct gpu_machine *m = &gpu->machine;
    if (m->wait_kind == GPU_WAIT_MEMORY) {
        return load_swapped(gpu, m->wait_address, value);
    }
    *value = gpu_register_file_read(gpu, m->wait_address);
    return true;
}

void gpu_end_wait(struct gpu *gpu)
{
    struct gpu_machine *m = &gpu->machine;
    m->wait_kind = GPU_WAIT_NONE;
    m->wait_function = m->wait_address = m->wait_reference = m->wait_mask = m->wait_interval = m->wait_packet = 0;
    m->wait_since = 0;
    gpu_describe_wait(gpu);
}

// Looks once, and ends the wait when its condition holds.
static void test_wait(struct gpu *gpu)
{
    struct gpu_machine *m = &gpu->machine;
    uint32_t value = 0;
    if (m->wait_kind == GPU_WAIT_VBLANK) {
        return;
    }
    if (!read_condition(gpu, &value)) {
        pm4_stop(gpu, &(struct pm4_packet){0xC0043C00, XENOS_PM4_WAIT_REG_MEM, m->wait_packet, 0, 0, NULL},
                 "waits on bus %08X, where there is no memory", m->wait_address & ~UINT32_C(3));
    } else if (xenos_compare(m->wait_function, value & m->wait_mask, m->wait_reference)) {
        gpu_end_wait(gpu);
    }
}

void pm4_wait(struct gpu *gpu, const struct pm4_packet *packet, bool memory, uint32_t function,
              const uint32_t condition[4])
{
    struct gpu_machine *m = &gpu->machine;
    uint32_t unused;
    if (memory ? !pm4_load_swapped(gpu, packet, condition[0], &unused)
               : !pm4_valid_register(gpu, packet, condition[0])) {
        return;
    }
    m->wait_kind = memory ? GPU_WAIT_MEMORY : GPU_WAIT_REGISTER;
    m->wait_address = condition[0];
    m->wait_reference = condition[1];
    m->wait_mask = condition[2];
    m->wait_interval = condition[3];
    m->wait_function = function & 7;
    m->wait_packet = packet->address;
    m->wait_since = gpu->now;
    test_wait(gpu);
    if (m->wait_kind != GPU_WAIT_NONE) {
        m->stats.waits++;
        gpu_describe_wait(gpu);
        emit(gpu, TRACE_GPU_WAIT,
             (const uint64_t[]){m->wait_address, m->wait_reference, m->wait_mask, m->wait_function}, 4);
    }
}

// ---- Interrupts

void pm4_raise_interrupt(struct gpu *gpu)
{
    struct gpu_machine *m = &gpu->machine;
    while (m->interrupt_mask) {
        unsigned cpu = (unsigned)__builtin_ctz(m->interrupt_mask);
        m->interrupt_mask &= m->interrupt_mask - 1;
        m->stats.interrupts++;
        if (gpu->config.interrupt) {
            m->interrupt_outstanding = 1;
            gpu->config.interrupt(gpu->config.user, GPU_INTERRUPT_COMMAND, cpu);
            return;
        }
    }
}

void gpu_interrupt_done(struct gpu *gpu)
{
    if (gpu->machine.interrupt_outstanding) {
        gpu->machine.interrupt_outstanding = 0;
        pm4_raise_interrupt(gpu);
    }
}

// ---- Packets

static pm4_function *const functions[128] = {
#define PM4_FUNCTION_DONE(name)                        pm4_##name
#define PM4_FUNCTION_PARTIAL(name)                     pm4_##name
#define PM4_FUNCTION_ABSENT(name)                      NULL
#define PM4(opcode, name, min, max, state, args, note) [opcode] = PM4_FUNCTION_##state(name),
#include "xenos/pm4.def"
#undef PM4
};

// True: a predicated packet whose bins are not selected. A predicated swap never counts.
static bool skipped(const struct gpu_machine *m, const struct xenos_packet *p)
{
    const uint32_t *r = m->registers;
    uint32_t selected = (r[XENOS_REG_CP_BIN_MASK_LO] & r[XENOS_REG_CP_BIN_SELECT_LO]) |
                        (r[XENOS_REG_CP_BIN_MASK_HI] & r[XENOS_REG_CP_BIN_SELECT_HI]);
    return p->predicated && (!selected || p->opcode == XENOS_PM4_XE_SWAP);
}

static void run_type3(struct gpu *gpu, const struct xenos_packet *p, struct pm4_packet *packet)
{
    struct gpu_machine *m = &gpu->machine;
    if (skipped(m, p)) {
        m->stats.skipped++;
        return;
    }
    const struct xenos_pm4 *row = xenos_pm4(p->opcode);
    m->stats.opcodes[p->opcode]++;
    if (!row) {
        pm4_stop(gpu, packet, "unknown opcode %02X with %u dwords", p->opcode, p->payload);
    } else if (!functions[p->opcode]) {
        pm4_stop(gpu, packet, "not implemented: %s", row->note);
    } else if (p->payload < row->min) {
        pm4_stop(gpu, packet, "has %u dwords, needs %u", p->payload, row->min);
    } else {
        m->stats.long_packets += p->payload > row->max;
        functions[p->opcode](gpu, packet);
    }
}

static void run_packet(struct gpu *gpu, const struct xenos_packet *p, gpa address, gpa payload)
{
    struct pm4_packet packet = {p->header, p->opcode, address, payload, p->payload, gpu->payload};
    gpu->machine.stats.packets++;
    if (gpu->config.trace_packets) {
        emit_packet(gpu, address, p->header);
    }
    if (p->type == 0 && p->one_register) {
        for (uint32_t i = 0; i < p->payload; i++) {
            gpu_register_file_write(gpu, p->registers[0], gpu->payload[i]);
        }
    } else if (p->type == 0) {
        pm4_write_registers(gpu, p->registers[0], gpu->payload, p->payload);
    } else if (p->type == 1) {
        gpu_register_file_write(gpu, p->registers[0], gpu->payload[0]);
        gpu_register_file_write(gpu, p->registers[1], gpu->payload[1]);
    } else if (p->type == 3) {
        run_type3(gpu, p, &packet);
    }
}

static void stop_at(struct gpu *gpu, gpa address, uint32_t header, const char *what, uint32_t number)
{
    struct pm4_packet packet = {.header = header, .opcode = header >> 8 & 0x7F, .address = address};
    if (gpu->config.trace_packets) {
        emit_packet(gpu, address, header);
    }
    pm4_stop(gpu, &packet, "%s (%u)", what, number);
}

static void step_buffer(struct gpu *gpu)
{
    struct gpu_buffer *b = &gpu->machine.buffers[gpu->machine.depth - 1];
    gpa address = (b->base + b->position * 4) & GPU_BUS_MASK;
    uint32_t header = 0, left = b->end - b->position - 1;
    if (!load(gpu, address, 1, &header)) {
        stop_at(gpu, address, 0, "indirect buffer outside memory; dwords left", left + 1);
        return;
    }
    struct xenos_packet p = xenos_packet(header);
    if (p.payload > left) {
        stop_at(gpu, address, header, "crosses the end of its indirect buffer; dwords left", left);
    } else if (!load(gpu, address + 4, p.payload, gpu->payload)) {
        stop_at(gpu, address, header, "payload outside memory; dwords", p.payload);
    } else {
        b->position += 1 + p.payload;
        run_packet(gpu, &p, address, address + 4);
    }
}

// Copies from the ring, across its end.
static bool load_ring(struct gpu *gpu, uint32_t index, uint32_t dwords, uint32_t *out)
{
    const struct gpu_machine *m = &gpu->machine;
    uint32_t until_end = m->ring_dwords - index, first = dwords < until_end ? dwords : until_end;
    return load(gpu, m->ring_base + index * 4, first, out) && load(gpu, m->ring_base, dwords - first, out + first);
}

static void step_ring(struct gpu *gpu)
{
    struct gpu_machine *m = &gpu->machine;
    uint32_t mask = m->ring_dwords - 1, left = ((m->write - m->read) & mask) - 1, header = 0;
    gpa address = m->ring_base + m->read * 4;
    if (!load_ring(gpu, m->read, 1, &header)) {
        stop_at(gpu, address, 0, "ring outside memory; dwords left", left + 1);
        return;
    }
    struct xenos_packet p = xenos_packet(header);
    uint32_t payload = (m->read + 1) & mask;
    if (p.payload > mask - 1) {
        stop_at(gpu, address, header, "is longer than the ring; dwords", p.payload);
    } else if (p.payload > left) {
        m->starved = 1;
    } else if (!load_ring(gpu, payload, p.payload, gpu->payload)) {
        stop_at(gpu, address, header, "payload outside memory; dwords", p.payload);
    } else {
        m->read = (payload + p.payload) & mask;
        m->registers[XENOS_REG_CP_RB_RPTR] = m->read;
        m->writeback_due = 1;
        run_packet(gpu, &p, address, m->ring_base + payload * 4);
    }
}

// Everything up to the write pointer has run.
static void write_back(struct gpu *gpu)
{
    struct gpu_machine *m = &gpu->machine;
    if (!m->writeback_due || m->read != m->write) {
        return;
    }
    m->writeback_due = 0;
    if (!m->writeback) {
        return;
    }
    void *memory = bus_at(gpu, m->writeback, 4);
    if (memory) {
        be32_set(memory, m->read);
    } else {
        m->stats.dropped_writes++;
    }
}

static bool has_packets(const struct gpu_machine *m)
{
    return m->depth > 0 || (m->read != m->write && !m->starved);
}

bool gpu_wants_run(const struct gpu *gpu)
{
    const struct gpu_machine *m = &gpu->machine;
    return !m->faulted && !m->interrupt_outstanding && m->wait_kind == GPU_WAIT_NONE &&
           (has_packets(m) || (m->writeback_due && m->read == m->write));
}

enum gpu_state gpu_run(struct gpu *gpu, uint64_t now_cycles, uint64_t packet_budget)
{
    struct gpu_machine *m = &gpu->machine;
    gpu->now = now_cycles;
    if (m->wait_kind != GPU_WAIT_NONE && !m->faulted && !m->interrupt_outstanding) {
        test_wait(gpu);
    }
    for (;;) {
        if (m->faulted) {
            return GPU_FAULT;
        }
        if (m->interrupt_outstanding) {
            return GPU_INTERRUPT;
        }
        if (m->wait_kind != GPU_WAIT_NONE) {
            return GPU_PARKED;
        }
        close_finished_buffers(m);
        if (!has_packets(m)) {
            write_back(gpu);
            return GPU_IDLE;
        }
        if (packet_budget-- == 0) {
            return GPU_BUSY;
        }
        if (m->depth > 0) {
            step_buffer(gpu);
        } else {
            step_ring(gpu);
        }
    }
}
