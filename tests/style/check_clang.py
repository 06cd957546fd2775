#!/usr/bin/env python3
"""Compiles the meaning of every instruction with clang, to LLVM code, as the recompiler will: check_clang.py ROOT [CLANG].
Status 77 (skipped) where that compiler is not installed."""
import pathlib
import shutil
import subprocess
import sys

root = pathlib.Path(sys.argv[1])
clang = sys.argv[2] if len(sys.argv) > 2 else "clang-19"
if not shutil.which(clang):
    print(f"no {clang}: the semantics are not compiled with it")
    sys.exit(77)
SOURCE = """
#include "ppc/semantics/all.h"
#define PARAMETERS struct ppc_state *s, uint8_t *m, uint32_t insn, uint32_t pc
#define VOID(id) void use_##id(PARAMETERS); void use_##id(PARAMETERS) { op_##id(s, m, insn, pc); }
#define BOOL(id) bool use_##id(PARAMETERS); bool use_##id(PARAMETERS) { return op_##id(s, m, insn, pc); }
#define PLAIN VOID
#define MEMORY VOID
#define EXIT VOID
#define BRANCH BOOL
#define INDIRECT BOOL
#define OPCODE(id, text, value, mask, kind, variant, operands) kind(id)
#include "ppc/opcodes.def"
"""
result = subprocess.run(
    [clang, "-std=gnu17", "-D_GNU_SOURCE", "-march=x86-64-v3", "-O1", "-ffp-contract=off", "-fno-math-errno", "-fno-strict-aliasing",
     "-Wall", "-Wextra", "-Werror", "-I", root / "src", "-emit-llvm", "-c", "-o", "/dev/null", "-x", "c", "-"],
    input=SOURCE, text=True, capture_output=True)
print(result.stderr, end="")
sys.exit(result.returncode)
