// The command processor on a ring, memory and register writes of the input's; and the text of the same packets. bus_at
// hands out copies of exactly the size asked, which die at the next request: the sanitizer sees one byte too many and a
// pointer kept too long.
#include <string.h>

#include "base/bytes.h"
#include "fuzz.h"
#include "gpu/gpu.h"
#include "xenos/xenos.h"

enum { BASE = 0x1FFFC000, BYTES = 0x4000, RING = 0x1000 }; // the last bytes of physical memory

struct bus {
    struct gpu *gpu;
    uint8_t memory[BYTES], *copy;
    uint32_t offset, size;
    bool outstanding;
};

static void settle(struct bus *b)
{
    if (b->copy)
        memcpy(b->memory + b->offset, b->copy, b->size);
    free(b->copy);
    b->copy = NULL;
}

static void *bus_at(void *user, gpa address, uint32_t size)
{
    struct bus *b = user;
    settle(b);
    FUZZ_CHECK(address < 0x20000000);
    uint32_t offset = address - BASE;
    if (offset >= BYTES || size > BYTES - offset)
        return NULL;
    b->copy = malloc(size ? size : 1);
    FUZZ_CHECK(b->copy);
    memcpy(b->copy, b->memory + offset, size);
    b->offset = offset;
    b->size = size;
    return b->copy;
}

static void interrupt(void *user, unsigned source, unsigned cpu)
{
    struct bus *b = user;
    FUZZ_CHECK(source == GPU_INTERRUPT_COMMAND && cpu < 6 && !b->outstanding);
    b->outstanding = true;
}

static void event(void *user, enum trace_kind kind, const uint64_t *fields, unsigned count)
{
    volatile uint64_t sum = kind;
    (void)user;
    for (unsigned i = 0; i < count; i++)
        sum += fields[i];
}

static void text(const uint8_t *data, size_t size)
{
    uint32_t dwords[1024];
    size_t count = size / 4 < 1024 ? size / 4 : 1024, done = 0;
    char out[600];
    for (size_t i = 0; i < count; i++)
        dwords[i] = be32_get(data + 4 * i);
    while (done < count) {
        size_t covered = xenos_pm4_text(dwords + done, count - done, out, sizeof out);
        FUZZ_CHECK(covered <= count - done && memchr(out, 0, sizeof out));
        if (!covered)
            break;
        done += covered;
    }
}

static void act(struct bus *b, struct fuzz_stream *s)
{
    switch (fuzz_byte(s) % 6) {
    case 0: gpu_register_write(b->gpu, fuzz_word(s) & 0x1FFFF, fuzz_word(s)); break;
    case 1: gpu_mmio_write(b->gpu, GPU_MMIO_BASE + (fuzz_word(s) & 0x1FFFF), 1u << (fuzz_byte(s) & 3), fuzz_word(s)); break;
    case 2: (void)gpu_mmio_read(b->gpu, GPU_MMIO_BASE + (fuzz_word(s) & 0x1FFFF), 1u << (fuzz_byte(s) & 3)); break;
    case 3: gpu_vblank(b->gpu); break;
    case 4: gpu_set_read_pointer_writeback(b->gpu, fuzz_word(s), fuzz_byte(s)); break;
    default: gpu_set_ring(b->gpu, BASE + (fuzz_word(s) & 0x3FFC), 64u << (fuzz_byte(s) & 7)); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct bus b = {0};
    struct fuzz_stream s = {data, size};
    unsigned options = fuzz_byte(&s), actions = fuzz_byte(&s) & 15;
    struct gpu_config config = {.user = &b, .bus_at = bus_at, .interrupt = interrupt, .event = event,
                                .trace_packets = options & 1, .pace_vblank = options & 2};
    FUZZ_CHECK(gpu_create(&b.gpu, &config, &err));
    FUZZ_CHECK(gpu_set_ring(b.gpu, BASE, RING));
    settle(&b);
    for (unsigned i = 0; i < actions; i++)
        act(&b, &s);
    settle(&b);
    text(s.data, s.size);
    memcpy(b.memory, s.data, s.size < BYTES ? s.size : BYTES);
    gpu_register_write(b.gpu, XENOS_REG_CP_RB_WPTR, (uint32_t)(s.size / 4 < RING / 4 ? s.size / 4 : RING / 4 - 1));
    for (unsigned i = 0; i < 20; i++) {
        enum gpu_state state = gpu_run(b.gpu, i * 1000, 500);
        FUZZ_CHECK(state != GPU_FAULT || gpu_fault(b.gpu));
        if (b.outstanding) {
            b.outstanding = false;
            gpu_interrupt_done(b.gpu);
        }
        if (state == GPU_PARKED)
            gpu_vblank(b.gpu);
    }
    size_t bytes;
    const void *state = gpu_state(b.gpu, &bytes);
    void *copy = malloc(bytes);
    FUZZ_CHECK(copy);
    memcpy(copy, state, bytes);
    FUZZ_CHECK(gpu_restore(b.gpu, copy, bytes, &err));
    free(copy);
    settle(&b);
    gpu_destroy(b.gpu);
    return 0;
}
