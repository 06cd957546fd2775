#!/usr/bin/env python3
"""Prints the files below a folder (relative to this script) that match a pattern, one a line, sorted."""
import pathlib
import sys

root = pathlib.Path(__file__).resolve().parent / sys.argv[1]
for path in sorted(root.glob(sys.argv[2])):
    print(path.relative_to(root))
