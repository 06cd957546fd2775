// bench: float. Five bodies under gravity: double loads and stores, square roots, divisions.
#include "kernel.h"

#ifndef ROUNDS
#define ROUNDS 1400000
#endif
#define BODIES 5

static struct body {
    double at[3], speed[3], mass;
} bodies[BODIES];

static void pull(struct body *a, struct body *b, double step)
{
    double d[3], square = 0.01;
    for (int i = 0; i < 3; i++) {
        d[i] = a->at[i] - b->at[i];
        square += d[i] * d[i];
    }
    const double size = step / (square * __builtin_sqrt(square));
    for (int i = 0; i < 3; i++) {
        a->speed[i] -= d[i] * b->mass * size;
        b->speed[i] += d[i] * a->mass * size;
    }
}

static void advance(double step)
{
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++)
            pull(&bodies[i], &bodies[j], step);
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            bodies[i].at[k] += bodies[i].speed[k] * step;
}

int main(void)
{
    uint32_t random = 3, sum = 1;
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++) {
            bodies[i].at[k] = (double)(next_random(&random) & 0xFFFF) / 8192.0 - 4.0;
            bodies[i].speed[k] = (double)(next_random(&random) & 0xFFFF) / 65536.0 - 0.5;
        }
        bodies[i].mass = 1.0 + i;
    }
    for (uint32_t i = 0; i < ROUNDS; i++)
        advance(0.001);
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            sum = fold_double(fold_double(sum, bodies[i].at[k]), bodies[i].speed[k]);
    printf("%08x\n", sum);
    return 0;
}
