// bench: branches. An interpreter of a small stack machine: a switch in a loop, unpredictable jumps.
#include "kernel.h"

#ifndef ROUNDS
#define ROUNDS 250000
#endif

enum op { PUSH, ADD, SUB, MUL, XOR, DUP, SWAP, LOAD, STORE, JUMP_IF, LESS, SHIFT, HALT };

// n = 16; do { x = x * 31 + n; if ((x & 255) >= 128) leave x ^ n on the stack; x ^= x >> 7; } while (--n); result x
static const uint8_t code[] = {
    PUSH, 16, STORE, 1,                                          // 0: n, x (variable 0) comes from outside
    LOAD, 0, PUSH, 31, MUL, LOAD, 1, ADD, STORE, 0,              // 4: loop
    LOAD, 0, PUSH, 128, LESS, JUMP_IF, 26,                       // 14
    LOAD, 0, LOAD, 1, XOR,                                       // 21
    LOAD, 0, DUP, SHIFT, XOR, STORE, 0,                          // 26
    LOAD, 1, PUSH, 1, SUB, DUP, STORE, 1, JUMP_IF, 4,            // 33
    LOAD, 0, LOAD, 1, SWAP, HALT,                                // 43
};

static uint32_t run(uint32_t x)
{
    uint32_t stack[64], variables[4] = {x, 0, 0, 0}, pc = 0, top = 0, t;
    for (;;) {
        switch ((enum op)code[pc++]) {
        case PUSH:
            stack[top++] = code[pc++];
            break;
        case ADD:
            top--;
            stack[top - 1] += stack[top];
            break;
        case SUB:
            top--;
            stack[top - 1] -= stack[top];
            break;
        case MUL:
            top--;
            stack[top - 1] *= stack[top];
            break;
        case XOR:
            top--;
            stack[top - 1] ^= stack[top];
            break;
        case DUP:
            stack[top] = stack[top - 1];
            top++;
            break;
        case SWAP:
            t = stack[top - 1];
            stack[top - 1] = stack[top - 2];
            stack[top - 2] = t;
            break;
        case LOAD:
            stack[top++] = variables[code[pc++] & 3];
            break;
        case STORE:
            variables[code[pc++] & 3] = stack[--top];
            break;
        case JUMP_IF:
            pc = stack[--top] ? code[pc] : pc + 1;
            break;
        case LESS:
            top--;
            stack[top - 1] = (stack[top - 1] & 255) < stack[top];
            break;
        case SHIFT:
            stack[top - 1] >>= 7;
            break;
        case HALT:
            return stack[top - 1];
        }
        top &= 31;
    }
}

int main(void)
{
    uint32_t sum = 1;
    for (uint32_t i = 0; i < ROUNDS; i++)
        sum = fold(sum, run(sum + i));
    printf("%08x\n", sum);
    return 0;
}
