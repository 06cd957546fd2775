#!/usr/bin/env python3
"""No mutable file-scope variables: looks at the symbols of what was built. check_globals.py ROOT BUILD_FOLDER

A symbol in .data, .bss or thread-local storage is a variable; tables of constants lie in .rodata or .data.rel.ro. The few that
must be are in globals.allow, one "object.c symbol reason" a line; a line that no longer matches anything is wrong too."""
import pathlib
import re
import subprocess
import sys

root, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
allowed = {}
for line in (root / "tests/style/globals.allow").read_text().splitlines():
    if line.strip() and not line.startswith("#"):
        source, symbol, reason = line.split(None, 2)
        allowed[source, symbol] = reason

# Archives hold what is built now; loose objects may be left over from a source that is gone.
objects = sorted((build / "src").glob("*/lib*.a"))
objects += [path for path in sorted((build / "src/cli").glob("*.p/*.o")) if (root / "src/cli" / path.stem).exists()]
if not objects:
    sys.exit(f"nothing built in {build}/src")
listing = subprocess.run(["objdump", "-t", *objects], text=True, capture_output=True, check=True).stdout
bad, seen, member = 0, set(), ""
for line in listing.splitlines():
    if ":     file format" in line:
        member = re.sub(r"\.o$", "", line.split(":")[0].split("/")[-1])
        continue
    found = re.match(r"[0-9a-f]+ (.{7}) (\.(?:data|bss|tdata|tbss)(?:\.\S*)?|\*COM\*)\t[0-9a-f]+ (?:\.hidden )?(\S+)$", line)
    if not found or "d" in found[1][5:] or found[2].startswith(".data.rel.ro"):
        continue
    # A generated file's or a subfolder's object has its path in its name: xboxkrnl_vd.c, meson-generated_.._table.c.
    source, symbol = member, re.sub(r"\.\d+$", "", found[3])
    if (source, symbol) in allowed:
        seen.add((source, symbol))
        continue
    print(f"{source}: {symbol} is a mutable variable ({found[2]}); const, or a field of somebody's state, or a reason in globals.allow")
    bad += 1
for source, symbol in sorted(set(allowed) - seen):
    print(f"globals.allow: {source} {symbol} does not exist any more")
    bad += 1
sys.exit(1 if bad else 0)
