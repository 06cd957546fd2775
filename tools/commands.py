#!/usr/bin/env python3
"""Makes the table of commands from the COMMAND(name, "summary") lines of the given cmd_*.c files."""
import pathlib
import re
import sys

rows = []
for path in sys.argv[2:]:
    found = re.search(r'^COMMAND\((\w+), ("[^"]*")\)', pathlib.Path(path).read_text(), re.M)
    if not found:
        sys.exit(f"{path}: no COMMAND(name, \"summary\") line")
    rows.append(found.groups())
with open(sys.argv[1], "w") as out:
    out.write('#include "cli/cli.h"\n#include "cli/commands.h"\n')
    for name, _ in rows:
        out.write(f"cmd_function cmd_{name};\n")
    out.write("const struct cmd commands[] = {\n")
    for name, summary in rows:
        out.write(f'    {{"{name}", cmd_{name}, {summary}}},\n')
    out.write("    {0},\n};\n")
