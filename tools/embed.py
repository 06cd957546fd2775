#!/usr/bin/env python3
"""A file as a C string constant: embed.py INPUT OUTPUT NAME. The header is included once, by the file that uses it."""
import pathlib
import sys

source, output, name = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
escaped = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
lines = []
for line in source.read_text("utf-8").splitlines(keepends=True):
    text = "".join(escaped.get(c, c) if ord(c) < 128 else "".join(f"\\{b:03o}" for b in c.encode()) for c in line)
    lines.append(f'    "{text}",')
output.write_text(f"// From {source.name} by tools/embed.py.\nstatic const char *const {name}[] = {{\n" + "\n".join(lines) + "\n};\n")
