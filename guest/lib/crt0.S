# _start: where the kernel's loader begins the main thread: r1 is a stack, r13 the KPCR, LR a place where returning ends the
# thread with r3 as its exit code. So main's value is returned, in r3.
    .machine "cell"
    .section .text.start, "ax"
    .globl _start
    .type _start, @function
_start:
    mflr    0
    stw     0, 4(1)
    stwu    1, -32(1)
    bl      xenolith_start
    addi    1, 1, 32
    lwz     0, 4(1)
    mtlr    0
    blr
    .size _start, . - _start
    .section .note.GNU-stack, "", @progbits
