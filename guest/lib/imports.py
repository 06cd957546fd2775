#!/usr/bin/env python3
"""Writes the assembly that makes kernel exports linkable: imports.py EXPORTS_FOLDER OUT.S

For every export two sections, which the linker keeps only where they are used (--gc-sections):
  .ximport.NAME  4 bytes   __imp_NAME: library << 16 | ordinal; the loader puts the address here
  .xthunk.NAME   16 bytes  NAME: 0x01000000 | library << 16 | ordinal, 0x02000000 | the same, mtctr r11, bctr;
                           the loader puts code here that calls the export
`xenolith pack` lists both as import records. A variable has no thunk. Library numbers are those of src/xex/pack.c.
Where the compiler (SysV, 32 bits) and the Xbox 360 pass arguments differently, NAME is a bridge before __thunk_NAME.
Exports with names of C library functions are linkable as krnl_NAME, so that they do not hide the SDK's own.
"""
import pathlib
import sys

import exports
from exports import WIDE


WRAPPED = {"krnl_sprintf", "krnl__snprintf"}  # guest/lib/arguments.c has these


def float_bridge(name, result, types):
    """As bridge, where floats are among the arguments: there they take up a general register's place, here they do not. Every
    register goes to the stack first, since arguments move both ways. Floats stay in f1 up, on both sides."""
    frame = (0x50 + 8 * max(8, len(types)) + 32 + 15) // 16 * 16
    home = frame - 32
    code = ["mflr 0", "stw 0, 4(1)", f"stwu 1, -{frame}(1)"]
    code += [f"stw {register}, {home + 4 * (register - 3)}(1)" for register in range(3, 11)]
    register = 3
    for index, kind in enumerate(types):
        if kind == "f64":
            continue
        if index >= 8 or register > 10:
            sys.exit(f"imports.py: {name}: floats among more than eight arguments are not bridged")
        if kind in WIDE:
            register += (register - 3) % 2
            code += [f"ld {3 + index}, {home + 4 * (register - 3)}(1)"]
            register += 2
        else:
            code += [f"lwz {3 + index}, {home + 4 * (register - 3)}(1)"]
            register += 1
    code += [f"bl __thunk_{name}"]
    if result in WIDE:
        code += ["mr 4, 3", "srdi 3, 3, 32"]
    return code + [f"addi 1, 1, {frame}", "lwz 0, 4(1)", "mtlr 0", "blr"]


def bridge(name, result, types):
    """Code that moves SysV arguments to where the Xbox 360 wants them: argument i in r3+i, from the ninth on in 8-byte
    slots at r1+0x50. A register is never overwritten before it was read: SysV never has an argument in a lower one."""
    frame = (0x50 + 8 * max(8, len(types)) + 15) // 16 * 16
    code = ["mflr 0", "stw 0, 4(1)", f"stwu 1, -{frame}(1)"]
    register, stack = 3, 8
    for index, kind in enumerate(types):
        target = 3 + index if index < 8 else 12
        if kind in WIDE:
            register += (register - 3) % 2
            if register + 1 <= 10:
                code += [f"rldimi {register + 1}, {register}, 32, 0", f"mr {target}, {register + 1}"]
            else:
                stack = (stack + 7) // 8 * 8
                code += [f"ld {target}, {frame + stack}(1)"]
                stack += 8
            register += 2
        elif register <= 10:
            code += [f"mr {target}, {register}"] if target != register else []
            register += 1
        else:
            code += [f"lwz {target}, {frame + stack}(1)"]
            stack += 4
        if index >= 8:
            code += [f"std 12, {0x50 + 8 * (index - 8)}(1)"]
    code += [f"bl __thunk_{name}"]
    if result in WIDE:
        code += ["mr 4, 3", "srdi 3, 3, 32"]
    return code + [f"addi 1, 1, {frame}", "lwz 0, 4(1)", "mtlr 0", "blr"]


def one(row):
    word = row.library << 16 | row.ordinal
    name, types, result = row.symbol, row.types, row.result
    lines = [f'    .section .ximport.{name}, "a"', f"    .globl __imp_{name}", f"__imp_{name}:", f"    .long {word:#010x}"]
    if row.variable:
        return lines
    floats = "f64" in types
    bridged = len(types) > 8 or floats or result in WIDE or WIDE & set(types)
    wrapped = name in WRAPPED
    thunk = f"__thunk_{name}" if bridged or wrapped else name
    lines += [f'    .section .xthunk.{name}, "ax"', f"    .globl {thunk}", f"{thunk}:",
              f"    .reloc ., R_PPC_NONE, __imp_{name}",
              f"    .long {0x01000000 | word:#010x}, {0x02000000 | word:#010x}, 0x7d6903a6, 0x4e800420"]
    if bridged:
        lines += [f'    .section .text.{name}, "ax"', f"    .globl {name}", f"    .type {name}, @function", f"{name}:"]
        lines += [f"    {line}" for line in (float_bridge if floats else bridge)(name, result, types)]
        lines += [f"    .size {name}, . - {name}"]
    return lines


def main():
    lines = ['    .machine "cell"']
    for row in exports.read(pathlib.Path(sys.argv[1])):
        lines += one(row)
    lines += ['    .section .note.GNU-stack, "", @progbits']
    pathlib.Path(sys.argv[2]).write_text("\n".join(lines) + "\n")


main()
