#!/usr/bin/env python3
"""Prints src/xenos/registers.def from the reference table (shared/reference/xenos_registers.tsv). It was run once; since then the
.def is the source and is edited by hand."""
import csv
import sys

rows = list(csv.DictReader(open(sys.argv[1], encoding="utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE))
rows.sort(key=lambda row: int(row["index"], 16))
names = [row["name"] for row in rows]
print("// REGISTER(index, name, source): the GPU's registers by dword index, ascending. source: where the name comes from; names")
print("// from canary-comment or xenon-emu alone are less sure than those that two sources share.")
for row in rows:
    name = row["name"]
    if names.count(name) > 1 and row["source"] == "canary-comment":
        name += "_" + row["index"][2:]  # the same name stands at a second index only in comments
    print(f'REGISTER({row["index"]}, {name + ",":42}"{row["source"]}")')
