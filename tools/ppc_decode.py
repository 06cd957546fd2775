#!/usr/bin/env python3
"""Makes the decoding table from opcodes.def: ppc_decode.py OUTPUT opcodes.def

For each primary opcode the word's low bits (as many as its rows look at) index a slice of one table of rows. Where rows
share an entry, because they look at other bits too, they form a chain.
"""
import pathlib
import re
import sys

ROW = re.compile(r'^OPCODE\((\w+),\s*"[^"]+",\s*(0x[0-9a-f]+),\s*(0x[0-9a-f]+),', re.M)
PRIMARY = 0xFC000000
LOW = 0x7FF


def matching(value, mask, width):
    """The indices of `width` bits that agree with value under mask."""
    free = [bit for bit in range(width) if not mask >> bit & 1]
    for choice in range(1 << len(free)):
        index = value & mask & ((1 << width) - 1)
        for i, bit in enumerate(free):
            index |= (choice >> i & 1) << bit
        yield index


def main():
    out, source = sys.argv[1:]
    rows = [(name, int(value, 16), int(mask, 16)) for name, value, mask in ROW.findall(pathlib.Path(source).read_text())]
    none = len(rows)
    chain = [none] * len(rows)
    table, slices = [none], []
    for primary in range(64):
        mine = [i for i, row in enumerate(rows) if row[1] >> 26 == primary]
        for i in mine:
            if rows[i][2] & PRIMARY != PRIMARY:
                sys.exit(f"{rows[i][0]}: its mask must cover the primary opcode")
        if not mine:
            slices.append((0, 0))
            continue
        width = max((rows[i][2] & LOW).bit_length() for i in mine)
        entries = [none] * (1 << width)
        for i in reversed(mine):
            for index in matching(rows[i][1], rows[i][2], width):
                if entries[index] not in (none, i):
                    if chain[i] not in (none, entries[index]):
                        sys.exit(f"{rows[i][0]}: in two chains")
                    chain[i] = entries[index]
                entries[index] = i
        slices.append((len(table), (1 << width) - 1))
        table += entries
    with open(out, "w") as f:
        f.write("// Made by tools/ppc_decode.py from opcodes.def.\n")
        f.write("static const struct {\n    uint16_t first, index_mask;\n} slices[64] = {\n")
        for first, index_mask in slices:
            f.write(f"    {{{first}, 0x{index_mask:x}}},\n")
        f.write(f"}};\nstatic const uint16_t next_row[{len(rows)}] = {{\n")
        f.write(",".join(map(str, chain)))
        f.write(f"}};\nstatic const uint16_t first_row[{len(table)}] = {{\n")
        f.write(",\n".join(",".join(map(str, table[i:i + 24])) for i in range(0, len(table), 24)))
        f.write("};\n")


main()
