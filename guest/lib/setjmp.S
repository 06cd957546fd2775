# setjmp and longjmp: words at 0 (r1, LR, CR, VRSAVE, then r14-r31 from 16), floats at 96, vectors at 240.
    .machine "cell"
    .section .text.setjmp, "ax"
    .globl setjmp
    .type setjmp, @function
setjmp:
    mflr 0
    mfcr 5
    mfspr 6, 256
    stw 1, 0(3)
    stw 0, 4(3)
    stw 5, 8(3)
    stw 6, 12(3)
    .irp n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    stw \n, 16 + 4 * (\n - 14)(3)
    stfd \n, 96 + 8 * (\n - 14)(3)
    .endr
    .irp n, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    li 7, 240 + 16 * (\n - 20)
    stvx \n, 3, 7
    .endr
    li 3, 0
    blr
    .size setjmp, . - setjmp

    .section .text.longjmp, "ax"
    .globl longjmp
    .type longjmp, @function
longjmp:
    lwz 1, 0(3)
    lwz 0, 4(3)
    lwz 5, 8(3)
    lwz 6, 12(3)
    mtlr 0
    mtcr 5
    mtspr 256, 6
    .irp n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    lwz \n, 16 + 4 * (\n - 14)(3)
    lfd \n, 96 + 8 * (\n - 14)(3)
    .endr
    .irp n, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    li 7, 240 + 16 * (\n - 20)
    lvx \n, 3, 7
    .endr
    mr 3, 4
    cmpwi 4, 0
    bnelr
    li 3, 1
    blr
    .size longjmp, . - longjmp
    .section .note.GNU-stack, "", @progbits
