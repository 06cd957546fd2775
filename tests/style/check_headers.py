#!/usr/bin/env python3
"""Compiles every header of src/ alone: each must include what it uses."""
import pathlib
import subprocess
import sys

root = pathlib.Path(sys.argv[1])
compiler = sys.argv[2:]
bad = 0
for header in sorted((root / "src").rglob("*.h")):
    name = header.relative_to(root / "src")
    result = subprocess.run(
        compiler + ["-std=gnu17", "-D_GNU_SOURCE", "-march=x86-64-v3", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function",
                    "-fsyntax-only", "-isystem", "/usr/lib/llvm-19/include", "-I", str(root / "src"), "-I", str(root), "-x", "c", "-"],
        input=f'#include "{name}"\n', text=True, capture_output=True)
    if result.returncode:
        print(f"{name} does not stand alone:\n{result.stderr}")
        bad += 1
sys.exit(1 if bad else 0)
