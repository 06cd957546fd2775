// bench: float. Product of matrices of floats: single precision loads, multiply, add, in a triple loop.
#include "kernel.h"

#ifndef ROUNDS
#define ROUNDS 60
#endif
#define N 128

static float a[N][N], b[N][N], c[N][N];

static void multiply(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            float sum = 0.0f;
            for (int k = 0; k < N; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
}

int main(void)
{
    uint32_t random = 5, sum = 1;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (float)(next_random(&random) & 0xFFF) / 4096.0f;
            b[i][j] = (float)(next_random(&random) & 0xFFF) / 4096.0f - 0.5f;
        }
    for (uint32_t i = 0; i < ROUNDS; i++) {
        multiply();
        sum = fold_float(sum, c[i % N][(i * 7) % N]);
        a[(i * 3) % N][i % N] += 0.25f;
    }
    printf("%08x\n", sum);
    return 0;
}
