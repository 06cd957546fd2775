#!/usr/bin/env python3
"""Writes the assembly that makes kernel exports linkable: imports.py [--exports FOLDER | --tsv FILE] OUT.S

For every export two sections, which the linker keeps only where they are used (--gc-sections):
  .ximport.NAME  4 bytes   __imp_NAME: library << 16 | ordinal; the loader puts the address here
  .xthunk.NAME   16 bytes  NAME: 0x01000000 | library << 16 | ordinal, 0x02000000 | the same, mtctr r11, bctr;
                           the loader puts code here that calls the export
`xenolith pack` lists both as import records. A variable has no thunk. Library numbers are those of src/xex/pack.c.
Where the compiler (SysV, 32 bits) and the Xbox 360 pass arguments differently, NAME is a bridge before __thunk_NAME.
Exports with names of C library functions are linkable as krnl_NAME, so that they do not hide the SDK's own.
"""
import argparse
import csv
import pathlib
import re

LIBRARIES = ("xboxkrnl", "xam", "xbdm")
ROW = re.compile(r'^(FN|VAR)\(0x([0-9A-Fa-f]+), (\w+)(?:, (\w+), "([^"]*)")?')
WIDE = {"u64", "i64", "time"}


def read_def(folder):
    for number, module in enumerate(LIBRARIES):
        path = folder / f"{module}.def"
        if not path.exists():
            continue
        for line in path.read_text().splitlines():
            row = ROW.match(line)
            if row:
                kind, ordinal, name, result, arguments = row.groups()
                types = [a.split()[0] for a in (arguments or "").split(", ") if a and a != "..."]
                yield number, int(ordinal, 16), name, kind == "VAR", result, types


def read_tsv(path):
    with open(path, newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            yield LIBRARIES.index(row["module"]), int(row["ordinal"], 16), row["name"], row["kind"] == "variable", None, []


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


def one(number, ordinal, name, variable, result, types):
    word = number << 16 | ordinal
    lines = [f'    .section .ximport.{name}, "a"', f"    .globl __imp_{name}", f"__imp_{name}:", f"    .long {word:#010x}"]
    if variable:
        return lines
    bridged = len(types) > 8 or result in WIDE or WIDE & set(types)
    thunk = f"__thunk_{name}" if bridged else name
    lines += [f'    .section .xthunk.{name}, "ax"', f"    .globl {thunk}", f"{thunk}:",
              f"    .reloc ., R_PPC_NONE, __imp_{name}",
              f"    .long {0x01000000 | word:#010x}, {0x02000000 | word:#010x}, 0x7d6903a6, 0x4e800420"]
    if bridged:
        lines += [f'    .section .text.{name}, "ax"', f"    .globl {name}", f"    .type {name}, @function", f"{name}:"]
        lines += [f"    {line}" for line in bridge(name, result, types)]
        lines += [f"    .size {name}, . - {name}"]
    return lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--exports", type=pathlib.Path)
    parser.add_argument("--tsv", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    rows = read_def(arguments.exports) if arguments.exports else read_tsv(arguments.tsv)
    seen = set()
    lines = ['    .machine "cell"']
    for number, ordinal, name, variable, result, types in rows:
        if "f64" in types or result == "f64":
            continue  # floats take a general register's place there and none here: not bridged
        if re.match(r"[a-z_]", name):
            name = f"krnl_{name}"
        if name in seen:
            name = f"{LIBRARIES[number]}_{name}"
        seen.add(name)
        lines += one(number, ordinal, name, variable, result, types)
    lines += ['    .section .note.GNU-stack, "", @progbits']
    arguments.out.write_text("\n".join(lines) + "\n")


main()
