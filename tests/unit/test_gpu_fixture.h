// test_gpu_fixture.h: a GPU on a small physical memory, with everything it says written down.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "gpu/gpu.h"
#include "xenos/xenos.h"

enum {
    BUS_BASE = 0x10000000, // where memory is; nothing elsewhere
    BUS_SIZE = 0x20000,
    RING = BUS_BASE,
    RING_BYTES = 0x100, // 64 dwords
    LIST = BUS_BASE + 0x4000,
    DATA = BUS_BASE + 0x10000,
    WRITEBACK = BUS_BASE + 0x1FFFC,
    MANY = 100000,
};

struct fixture {
    struct gpu *gpu;
    uint8_t *memory;
    unsigned interrupts;
    unsigned cpus[16];
    unsigned swaps;
    struct gpu_swap swap;
    unsigned events[TRACE_KIND_COUNT];
    uint64_t last_event[TRACE_KIND_COUNT][5];
    bool done_inside; // the owner has no callback and answers at once
};

static inline void *fixture_bus_at(void *user, gpa address, uint32_t size)
{
    struct fixture *f = user;
    uint32_t offset = address - BUS_BASE;
    return offset < BUS_SIZE && size <= BUS_SIZE - offset ? f->memory + offset : NULL;
}

static inline void fixture_interrupt(void *user, unsigned source, unsigned cpu)
{
    struct fixture *f = user;
    assert_int_equal(source, GPU_INTERRUPT_COMMAND);
    f->cpus[f->interrupts++ % 16] = cpu;
    if (f->done_inside) {
        gpu_interrupt_done(f->gpu);
    }
}

static inline void fixture_swap(void *user, const struct gpu_swap *swap)
{
    struct fixture *f = user;
    f->swaps++;
    f->swap = *swap;
}

static inline void fixture_event(void *user, enum trace_kind kind, const uint64_t *fields, unsigned count)
{
    struct fixture *f = user;
    assert_true(count <= 5);
    f->events[kind]++;
    memcpy(f->last_event[kind], fields, count * sizeof fields[0]);
}

static inline void fixture_begin_with(struct fixture *f, struct gpu_config config)
{
    *f = (struct fixture){0};
    f->memory = calloc(1, BUS_SIZE);
    assert_non_null(f->memory);
    config.user = f;
    config.bus_at = fixture_bus_at;
    config.interrupt = fixture_interrupt;
    config.swap = fixture_swap;
    config.event = fixture_event;
    struct error err = {0};
    assert_true(gpu_create(&f->gpu, &config, &err));
    assert_true(gpu_set_ring(f->gpu, RING, RING_BYTES));
    gpu_set_read_pointer_writeback(f->gpu, WRITEBACK, 6);
}

static inline void fixture_begin(struct fixture *f)
{
    fixture_begin_with(f, (struct gpu_config){0});
}

static inline void fixture_end(struct fixture *f)
{
    gpu_destroy(f->gpu);
    free(f->memory);
}

static inline void put32(struct fixture *f, gpa address, uint32_t value)
{
    be32_set(fixture_bus_at(f, address, 4), value);
}

static inline uint32_t get32(struct fixture *f, gpa address)
{
    return be32_get(fixture_bus_at(f, address, 4));
}

static inline void put_list(struct fixture *f, gpa address, const uint32_t *dwords, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        put32(f, address + i * 4, dwords[i]);
    }
}

// Appends to the ring and moves the write pointer, as a title does.
static inline void submit(struct fixture *f, const uint32_t *dwords, uint32_t count)
{
    uint32_t write = gpu_register_read(f->gpu, XENOS_REG_CP_RB_WPTR);
    for (uint32_t i = 0; i < count; i++) {
        put32(f, RING + ((write + i) & (RING_BYTES / 4 - 1)) * 4, dwords[i]);
    }
    gpu_mmio_write(f->gpu, 0x7FC80714, 4, (write + count) & (RING_BYTES / 4 - 1));
}

#define SUBMIT(f, ...)                                                                                                 \
    do {                                                                                                               \
        const uint32_t dwords_[] = {__VA_ARGS__};                                                                      \
        submit((f), dwords_, sizeof dwords_ / sizeof dwords_[0]);                                                      \
    } while (0)
#define PUT(f, address, ...)                                                                                           \
    do {                                                                                                               \
        const uint32_t dwords_[] = {__VA_ARGS__};                                                                      \
        put_list((f), (address), dwords_, sizeof dwords_ / sizeof dwords_[0]);                                         \
    } while (0)
// Submits and runs until idle.
#define RUN(f, ...)                                                                                                    \
    do {                                                                                                               \
        SUBMIT(f, __VA_ARGS__);                                                                                        \
        assert_int_equal(gpu_run((f)->gpu, 0, MANY), GPU_IDLE);                                                        \
    } while (0)

#define TYPE0(reg, count)    ((uint32_t)((count)-1) << 16 | (reg))
#define TYPE3(opcode, count) (UINT32_C(0xC0000000) | (uint32_t)((count)-1) << 16 | (uint32_t)XENOS_PM4_##opcode << 8)
