// setjmp.h: the registers that a call keeps: r1, r2, r13-r31, LR, CR, f14-f31, v20-v31 and VRSAVE. v64-v127 are not the compiler's.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif
typedef struct {
    unsigned int words[24];
    double floats[18];
    unsigned int vectors[48] __attribute__((aligned(16)));
} jmp_buf[1];
int setjmp(jmp_buf env) __attribute__((returns_twice));
void longjmp(jmp_buf env, int value) __attribute__((noreturn));
#ifdef __cplusplus
}
#endif
