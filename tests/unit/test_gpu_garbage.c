// Random rings, buffers, registers and states: gpu_run returns within its budget, and nothing but the bytes that bus_at
// was asked for is touched. bus_at hands out copies of exactly the size asked, so that the address sanitizer sees one
// byte too many; each copy dies at the next request, so that it sees a pointer kept too long.
#include "test_gpu_fixture.h"

struct garbage {
    struct gpu *gpu;
    uint8_t memory[0x4000];
    uint8_t *copy;
    gpa address;
    uint32_t size;
    bool outstanding;
};

enum { GARBAGE_BASE = 0x1FFFC000 }; // the last bytes of physical memory

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 32);
}

static void settle(struct garbage *g)
{
    if (g->copy) {
        memcpy(g->memory + (g->address - GARBAGE_BASE), g->copy, g->size);
        free(g->copy);
        g->copy = NULL;
    }
}

static void *garbage_bus_at(void *user, gpa address, uint32_t size)
{
    struct garbage *g = user;
    settle(g);
    assert_true(address < 0x20000000);
    uint32_t offset = address - GARBAGE_BASE;
    if (offset >= sizeof g->memory || size > sizeof g->memory - offset) {
        return NULL;
    }
    g->copy = malloc(size);
    assert_non_null(g->copy);
    memcpy(g->copy, g->memory + offset, size);
    g->address = address;
    g->size = size;
    return g->copy;
}

static void garbage_interrupt(void *user, unsigned source, unsigned cpu)
{
    struct garbage *g = user;
    assert_int_equal(source, GPU_INTERRUPT_COMMAND);
    assert_true(cpu < 6);
    assert_false(g->outstanding);
    g->outstanding = true;
}

// A dword that is often something meaningful.
static uint32_t plausible(uint64_t *seed)
{
    uint32_t r = next_random(seed);
    switch (next_random(seed) % 8) {
    case 0:
        return GARBAGE_BASE + (r & 0x3FFF);
    case 1:
        return 0xC0000000 | (r & 7) << 16 | (r & 0x7F01);
    case 2:
    case 3: { // a known opcode with a fitting length
        const struct xenos_pm4 *row = xenos_pm4(r & 0x7F);
        return row ? 0xC0000000 | (row->min - 1u) << 16 | (r & 0x7F) << 8 : 0x80000000;
    }
    case 4:
        return (r & 3) << 16 | (r >> 8 & 0x7FFF);
    case 5:
        return r & 0x3F;
    case 6:
        return 0x80000000;
    default:
        return r;
    }
}

// A payload dword of the kind that pm4.def's args say.
static uint32_t operand(char kind, uint64_t *seed)
{
    uint32_t r = next_random(seed);
    switch (kind) {
    case 'a':
        return GARBAGE_BASE + (r & 0x3FC3) / 2;
    case 'b':
        return GARBAGE_BASE + (r & 0x3FC0);
    case 'r':
    case 'p':
    case 'q':
        return r % 0x5003;
    case 'c':
        return (r % 5) << 16 | (r >> 8 & 0xFF);
    case 'd':
        return 0x80;
    case 'w':
        return r & 7;
    case 's':
        return 0x53574150;
    default:
        return r & 0x1F0;
    }
}

// Writes one packet that fits before the next multiple of 16 dwords, or a filler; returns its dwords. So rings and
// buffers of such sizes end between packets.
static uint32_t put_packet(struct garbage *g, uint32_t at, uint64_t *seed)
{
    const struct xenos_pm4 *row = xenos_pm4(next_random(seed) & 0x7F);
    if (!row || row->state == XENOS_ABSENT || at % 16 + row->min >= 16) {
        be32_set(g->memory + at * 4, 0x80000000);
        return 1;
    }
    bool buffer = row->opcode == XENOS_PM4_INDIRECT_BUFFER || row->opcode == XENOS_PM4_INDIRECT_BUFFER_PFD;
    be32_set(g->memory + at * 4,
             0xC0000000 | (row->min - 1u) << 16 | (uint32_t)row->opcode << 8 | (next_random(seed) & 1));
    const char *kind = row->args;
    for (uint32_t i = 1; i <= row->min; i++) {
        uint32_t value = operand(*kind, seed);
        be32_set(g->memory + (at + i) * 4, buffer && i == 2 ? value & 0x30 : value);
        kind += kind[1] && kind[1] != '*';
    }
    return 1 + row->min;
}

// Packets, of whose dwords one in `wild` is anything; 0: none.
static void fill(struct garbage *g, uint64_t *seed, uint32_t wild)
{
    settle(g);
    uint32_t dwords = sizeof g->memory / 4;
    for (uint32_t at = 0; at < dwords;) {
        at += put_packet(g, at, seed);
    }
    for (uint32_t at = 0; wild && at < dwords; at++) {
        if (next_random(seed) % wild == 0) {
            be32_set(g->memory + at * 4, plausible(seed));
        }
    }
}

static void drive(struct garbage *g, uint64_t *seed, uint32_t wild)
{
    for (unsigned step = 0; step < 30; step++) {
        gpu_register_write(g->gpu, XENOS_REG_CP_RB_WPTR, next_random(seed));
        uint64_t before = gpu_stats(g->gpu)->packets, budget = next_random(seed) % 300;
        enum gpu_state result = gpu_run(g->gpu, step, budget);
        assert_true(gpu_stats(g->gpu)->packets - before <= budget);
        assert_true((result == GPU_FAULT) == (gpu_fault(g->gpu) != NULL));
        assert_true((result == GPU_INTERRUPT) == (g->outstanding && result != GPU_FAULT));
        assert_true(result != GPU_PARKED || gpu_waiting(g->gpu) != NULL);
        if (result == GPU_FAULT) {
            return;
        }
        if (result == GPU_INTERRUPT) {
            g->outstanding = false;
            gpu_interrupt_done(g->gpu);
        }
        if (next_random(seed) % 4 == 0) {
            gpu_vblank(g->gpu);
            gpu_mmio_write(g->gpu, 0x7FC80000 + (next_random(seed) & 0xFFFF), 1u << (next_random(seed) & 3),
                           plausible(seed));
            gpu_mmio_read(g->gpu, next_random(seed), next_random(seed) & 15);
        }
        if (result == GPU_PARKED && next_random(seed) % 2) {
            fill(g, seed, wild);
        }
    }
}

static void begin(struct garbage *g, uint64_t *seed)
{
    memset(g, 0, sizeof *g);
    struct gpu_config config = {.user = g, .bus_at = garbage_bus_at, .pace_vblank = next_random(seed) & 1};
    if (next_random(seed) & 1) {
        config.interrupt = garbage_interrupt;
    }
    assert_true(gpu_create(&g->gpu, &config, NULL));
}

static void end(struct garbage *g)
{
    gpu_destroy(g->gpu);
    free(g->copy);
}

static void test_packets(void **state)
{
    (void)state;
    static struct garbage g;
    uint64_t packets = 0, ended[2] = {0};
    for (uint64_t round = 0; round < 3000; round++) {
        uint64_t seed = round;
        begin(&g, &seed);
        assert_true(gpu_set_ring(g.gpu, GARBAGE_BASE, 64u << next_random(&seed) % 8));
        gpu_set_read_pointer_writeback(g.gpu, plausible(&seed), next_random(&seed));
        uint32_t wild = (const uint32_t[]){0, 1, 10, 100, 1000}[round % 5];
        fill(&g, &seed, wild);
        drive(&g, &seed, wild);
        packets += gpu_stats(g.gpu)->packets;
        ended[gpu_fault(g.gpu) != NULL]++;
        end(&g);
    }
    print_message("%lu packets, %lu without a fault, %lu with one\n", (unsigned long)packets, (unsigned long)ended[0],
                  (unsigned long)ended[1]);
    assert_true(packets > 10000 && ended[0] > 50 && ended[1] > 50); // the material is neither all bad nor all good
}

// A damaged snapshot is refused or leads nowhere worse than a fault.
static void test_states(void **state)
{
    (void)state;
    static struct garbage g;
    unsigned restored = 0;
    for (uint64_t round = 0; round < 1000; round++) {
        uint64_t seed = round;
        begin(&g, &seed);
        assert_true(gpu_set_ring(g.gpu, GARBAGE_BASE, 1024));
        fill(&g, &seed, 100);
        gpu_register_write(g.gpu, XENOS_REG_CP_RB_WPTR, next_random(&seed));
        gpu_run(g.gpu, 0, 20);
        size_t size;
        const void *data = gpu_state(g.gpu, &size);
        uint32_t *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, data, size);
        for (unsigned i = 0; i < 4; i++) { // the registers at the end may hold anything, so damage what is before them
            copy[next_random(&seed) % (size / 4 - GPU_REGISTER_COUNT)] = plausible(&seed);
        }
        if (gpu_restore(g.gpu, copy, size, NULL)) {
            restored++;
            for (unsigned step = 0; step < 20; step++) {
                gpu_run(g.gpu, step, 50);
                g.outstanding = false;
                gpu_interrupt_done(g.gpu);
                g.outstanding = false;
                gpu_vblank(g.gpu);
            }
        }
        free(copy);
        end(&g);
    }
    assert_true(restored > 100 && restored < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_packets), cmocka_unit_test(test_states)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
