// bench: calls. Calls through a table of functions, as virtual methods are.
#include "kernel.h"

#ifndef ROUNDS
#define ROUNDS 60000000
#endif

struct shape;
typedef uint32_t measure(const struct shape *s, uint32_t by);
struct shape {
    measure *area;
    uint32_t size;
};

static uint32_t square(const struct shape *s, uint32_t by)
{
    return s->size * s->size + by;
}

static uint32_t strip(const struct shape *s, uint32_t by)
{
    return s->size * by;
}

static uint32_t hole(const struct shape *s, uint32_t by)
{
    return by - s->size;
}

static uint32_t mixed(const struct shape *s, uint32_t by)
{
    return by & 1 ? by ^ s->size : by >> 1;
}

static struct shape shapes[64];

int main(void)
{
    static measure *const kinds[4] = {square, strip, hole, mixed};
    uint32_t random = 13, sum = 1;
    for (int i = 0; i < 64; i++) {
        shapes[i].area = kinds[next_random(&random) >> 7 & 3];
        shapes[i].size = next_random(&random) & 0xFFFF;
    }
    for (uint32_t i = 0; i < ROUNDS; i++) {
        const struct shape *s = &shapes[i & 63];
        sum += s->area(s, sum ^ i);
    }
    printf("%08x\n", sum);
    return 0;
}
