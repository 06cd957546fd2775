#!/usr/bin/env python3
"""Checks every #include "folder/..." in src/ against src/layers.txt."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1]) / "src"
allowed = {}
for line in (root / "layers.txt").read_text().splitlines():
    words = line.split("#")[0].split()
    if words:
        unknown = [w for w in words[1:] if w not in allowed]
        if unknown:
            sys.exit(f"layers.txt: {words[0]} may include {unknown} before they are listed: not a DAG")
        allowed[words[0]] = set(words)

# Third-party headers that only one place may see.
FENCED = {"llvm-c/": "cpu/recompiler/", "vulkan/": "gpu/vulkan/", "SDL": "ui/", "libavcodec/": "audio/"}
bad = 0
for path in sorted(root.rglob("*")):
    if path.suffix not in (".c", ".h", ".def"):
        continue
    folder = path.relative_to(root).parts[0]
    for number, line in enumerate(path.read_text().splitlines(), 1):
        include = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
        if not include:
            continue
        target = include.group(1)
        top = target.split("/")[0]
        if top in allowed and "/" in target and top not in allowed.get(folder, set()):
            print(f"{path}:{number}: {folder} may not include {target}")
            bad += 1
        for prefix, home in FENCED.items():
            if target.startswith(prefix) and not str(path.relative_to(root)).startswith(home):
                print(f"{path}:{number}: {target} is fenced to {home}")
                bad += 1
sys.exit(1 if bad else 0)
