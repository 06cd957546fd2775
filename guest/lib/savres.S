# The register save and restore functions that gcc calls under -Os: r11 points behind the saved registers.
    .macro savegpr n, next
    .globl _savegpr_\n
_savegpr_\n:
    stw \n, (\n - 32) * 4(11)
    .endm
    .macro restgpr n
    .globl _restgpr_\n
_restgpr_\n:
    lwz \n, (\n - 32) * 4(11)
    .endm
    .macro restgpr_x n
    .globl _restgpr_\n\()_x
_restgpr_\n\()_x:
    lwz \n, (\n - 32) * 4(11)
    .endm
    .macro savefpr n
    .globl _savefpr_\n
_savefpr_\n:
    stfd \n, (\n - 32) * 8(11)
    .endm
    .macro restfpr n
    .globl _restfpr_\n
_restfpr_\n:
    lfd \n, (\n - 32) * 8(11)
    .endm
    .macro restfpr_x n
    .globl _restfpr_\n\()_x
_restfpr_\n\()_x:
    lfd \n, (\n - 32) * 8(11)
    .endm
    .macro each what
    .irp n, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    \what \n
    .endr
    .endm
    .macro leave
    lwz 0, 4(11)
    mr 1, 11
    mtlr 0
    blr
    .endm

    .section .text.savegpr, "ax"
    each savegpr
    blr
    .section .text.restgpr, "ax"
    each restgpr
    blr
    .section .text.restgpr_x, "ax"
    each restgpr_x
    leave
    .section .text.savefpr, "ax"
    each savefpr
    blr
    .section .text.restfpr, "ax"
    each restfpr
    blr
    .section .text.restfpr_x, "ax"
    each restfpr_x
    leave
    .section .note.GNU-stack, "", @progbits
