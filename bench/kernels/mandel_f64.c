// bench: float. Mandelbrot set: double arithmetic and compares, nothing in memory.
#include "kernel.h"

#ifndef ROUNDS
#define ROUNDS 1100
#endif
#define DEPTH 400

static uint32_t escape(double cr, double ci)
{
    double zr = 0.0, zi = 0.0;
    uint32_t i = 0;
    while (i < DEPTH) {
        const double rr = zr * zr, ii = zi * zi;
        if (rr + ii > 4.0)
            break;
        zi = 2.0 * zr * zi + ci;
        zr = rr - ii + cr;
        i++;
    }
    return i;
}

int main(void)
{
    uint32_t sum = 1;
    for (int y = 0; y < ROUNDS; y++)
        for (int x = 0; x < 320; x++)
            sum = fold(sum, escape(-2.2 + x * (3.2 / 320), -1.2 + y * (2.4 / ROUNDS)));
    printf("%08x\n", sum);
    return 0;
}
