// bench: vector. A filter on vectors of four floats: multiply, add, shuffle (AltiVec on the guest, SSE on the host).
#include "kernel.h"

#ifndef ROUNDS
#define ROUNDS 12000
#endif
#define TAPS 16
#define SIZE 4096

typedef float v4f __attribute__((vector_size(16)));
typedef int32_t v4i __attribute__((vector_size(16)));

static v4f in[SIZE / 4 + TAPS], out[SIZE / 4];
static float taps[TAPS];

static void filter(void)
{
    v4f weight[TAPS];
    for (int t = 0; t < TAPS; t++)
        weight[t] = (v4f){taps[t], taps[t], taps[t], taps[t]};
    for (int i = 0; i < SIZE / 4; i++) {
        v4f even = {0}, odd = {0};
        for (int t = 0; t < TAPS; t += 2) {
            even += in[i + t] * weight[t];
            odd += __builtin_shuffle(in[i + t], in[i + t + 1], (v4i){1, 2, 3, 4}) * weight[t + 1];
        }
        out[i] = even + odd;
    }
}

int main(void)
{
    uint32_t random = 9, sum = 1;
    for (int i = 0; i < TAPS; i++)
        taps[i] = (float)(next_random(&random) & 0xFF) / 256.0f - 0.5f;
    for (int i = 0; i < SIZE / 4 + TAPS; i++)
        for (int k = 0; k < 4; k++)
            in[i][k] = (float)(next_random(&random) & 0xFFF) / 4096.0f;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        filter();
        const v4f last = out[i % (SIZE / 4)];
        for (int k = 0; k < 4; k++)
            sum = fold_float(sum, last[k]);
        in[(i * 5) % (SIZE / 4)] = last * 0.5f + 0.125f;
    }
    printf("%08x\n", sum);
    return 0;
}
