#!/usr/bin/env python3
"""Writes a C file that holds a bitcode file: embed_bitcode.py OUTPUT.c INPUT.bc; also its hash and LLVM's version, as OUTPUT.h."""
import hashlib
import sys

output, source, llvm = sys.argv[1:4]
data = open(source, "rb").read()
with open(output, "w") as f:
    f.write('#include "cpu/recompiler/bitcode.h"\n\nconst size_t rc_bitcode_size = %d;\n' % len(data))
    f.write("const unsigned char rc_bitcode[] __attribute__((aligned(16))) = {\n")
    for i in range(0, len(data), 32):
        f.write(",".join(map(str, data[i : i + 32])) + ",\n")
    f.write("};\n")
with open(output[:-2] + ".h", "w") as f:
    f.write("#pragma once\n#define RC_SEMANTICS 0x%sull\n" % hashlib.sha256(data).hexdigest()[:16])
    f.write('#define RC_LLVM_VERSION "%s"\n' % llvm)
