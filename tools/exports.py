#!/usr/bin/env python3
"""Reads the kernel API's tables (src/exports/*.def) and writes C from them, or a page about them.

  exports.py [--source DIR] table OUT.c       the arrays behind exports/exports.h
  exports.py [--source DIR] api OUT.h         prototypes of the functions that are written (implemented, partial)
  exports.py [--source DIR] thunks OUT.c      one thunk for each of these functions, and krnl_thunks[]
  exports.py [--source DIR] coverage OUT.md   what is written and what each of these rows lacks
  exports.py [--source DIR] check             only reads

A row is one line; docs/exports.md says what the columns mean:
  FN(0x0BA, MmAllocatePhysicalMemoryEx, address, "flags flags, size size", absent, "note")
  VAR(0x00E, ExEventObjectType, absent, "note")
Anything else but an empty line or a // comment is an error that names file and line.
"""
import argparse
import pathlib
import re
import sys
from typing import NamedTuple

MODULES = {"xboxkrnl": "xboxkrnl.exe", "xam": "xam.xex", "xbdm": "xbdm.xex"}
STATES = ("absent", "partial", "implemented")
TYPES = ("void u32 i32 u16 u8 bool u64 i64 f64 size flags status error handle address ptr str wstr ansi obja "
         "p_u16 p_u32 p_u64 p_handle p_address p_time func time").split()
ENUM_NAMES = {"str": "IN_STR", "wstr": "IN_WSTR", "ansi": "IN_ANSI", "obja": "IN_OBJA"}
WIDE = {"u64", "i64", "time"}
ZERO_EXTENDED = {"bool", "u8", "u16"}
MAX_ARGS = 16
# What a parameter cannot be called: words of C, and the names that prototypes and thunks use themselves.
RESERVED = set("""auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
bool true false a c""".split())
# Functions of the C library and of the compiler have these names; so has every name that starts like one of them.
LIBRARY_NAME = re.compile(r"[a-z_]")

ROW = re.compile(r"""(?P<kind>FN|VAR)\(0x(?P<ordinal>[0-9A-F]{3,4}),\ (?P<name>[A-Za-z_]\w*),
    (?:\ (?P<result>\w+),\ "(?P<args>[^"\\]*)",)?\ (?P<state>\w+),\ "(?P<note>[^"\\]*)"\)$""", re.X | re.A)
ARG = re.compile(r"(\w+) ([a-z_][a-z0-9_]*)$", re.A)


class Row(NamedTuple):
    module: str
    ordinal: int
    name: str
    variable: bool
    result: str
    args: tuple  # of (type, name)
    varargs: bool
    state: str
    note: str

    @property
    def written(self):
        return not self.variable and self.state != "absent"

    @property
    def c_name(self):
        """The C function behind the export: its official name, or krnl_ and that where C has plans for such a name."""
        return ("krnl_" if LIBRARY_NAME.match(self.name) else "") + self.name


class Malformed(Exception):
    pass


def parse_args(text):
    """'type name, type name, ...' -> ((type, name), ...), varargs"""
    args = []
    parts = text.split(", ") if text else []
    varargs = bool(parts) and parts[-1] == "..."
    for part in parts[:-1] if varargs else parts:
        found = ARG.match(part)
        if not found:
            raise Malformed(f"argument '{part}': not 'type name' in lower case")
        kind, name = found.groups()
        if kind not in TYPES or kind == "void":
            raise Malformed(f"argument '{part}': no such type as {kind}")
        if name in RESERVED:
            raise Malformed(f"argument '{part}': {name} is a reserved name")
        if name in (n for _, n in args):
            raise Malformed(f"two arguments are called {name}")
        args.append((kind, name))
    if len(args) > MAX_ARGS:
        raise Malformed(f"{len(args)} arguments, at most {MAX_ARGS} are possible")
    return tuple(args), varargs


def parse_row(module, line):
    found = ROW.match(line)
    if not found:
        raise Malformed('not a row: FN(0xORD, Name, result, "type name, ...", state, "note") '
                        'or VAR(0xORD, Name, state, "note")')
    variable = found["kind"] == "VAR"
    if variable != (found["result"] is None):
        raise Malformed("VAR has no result and no arguments" if variable else "FN needs a result and arguments")
    result = found["result"] or "void"
    if result not in TYPES:
        raise Malformed(f"no such result type as {result}")
    if found["state"] not in STATES:
        raise Malformed(f"state {found['state']} is none of {', '.join(STATES)}")
    if found["state"] == "partial" and not found["note"]:
        raise Malformed("a partial row says in its note what is missing")
    args, varargs = parse_args(found["args"] or "")
    return Row(module, int(found["ordinal"], 16), found["name"], variable, result, args, varargs, found["state"],
               found["note"])


def check_place(row, previous, names):
    if previous and row.ordinal <= previous.ordinal:
        raise Malformed(f"ordinal 0x{row.ordinal:03X} after 0x{previous.ordinal:03X}: rows are in ascending order, "
                        "an ordinal has one row")
    if row.name in names:
        raise Malformed(f"{row.name} stands in {names[row.name]} already")


def read_rows(folder):
    """All rows, by module, then ordinal. Names are unique over all modules, since each is a C function."""
    rows, names = [], {}
    for module in MODULES:
        path = folder / f"{module}.def"
        previous = None
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            sys.exit(f"{path}: {error}")
        for number, line in enumerate(lines, 1):
            line = line.rstrip()
            if not line or line.startswith("//"):
                continue
            try:
                row = parse_row(module, line)
                check_place(row, previous, names)
            except Malformed as error:
                sys.exit(f"{path}:{number}: {error}")
            names[row.name] = path.name
            rows.append(row)
            previous = row
    return rows


def c_type(kind):
    return "void" if kind == "void" else "double" if kind == "f64" else "uint64_t" if kind in WIDE else "uint32_t"


def enum_type(kind):
    return "EXP_" + ENUM_NAMES.get(kind, kind.upper())


def write_table(rows):
    lists = {}  # arguments -> name of their array; equal lists are one array
    for row in rows:
        if row.args:
            lists.setdefault(row.args, f"args_{row.name}")
    yield '#include "exports/rows.h"\n'
    for args, name in lists.items():
        items = ", ".join(f'{{"{n}", {enum_type(t)}}}' for t, n in args)
        yield f"static const struct exp_arg {name}[] = {{{items}}};"
    yield "\nconst struct exp_row exp_rows[] = {"
    for r in rows:
        args = lists.get(r.args, "NULL")
        yield (f"    {{EXP_{r.module.upper()}, 0x{r.ordinal:03X}, {'true' if r.variable else 'false'}, "
               f'EXP_{r.state.upper()}, "{r.name}", {enum_type(r.result)}, {len(r.args)}, '
               f'{"true" if r.varargs else "false"}, {args}, "{r.note}"}},')
    yield f"}};\nconst size_t exp_row_count = {len(rows)};\n"
    order = sorted(range(len(rows)), key=lambda i: (list(MODULES).index(rows[i].module), rows[i].name.encode()))
    yield "const uint16_t exp_rows_by_name[] = {"
    for start in range(0, len(order), 16):
        yield "    " + " ".join(f"{i}," for i in order[start:start + 16])
    starts = [next((i for i, r in enumerate(rows) if r.module == m), len(rows)) for m in MODULES]
    limits = ", ".join(map(str, starts + [len(rows)]))
    yield f"}};\n\nconst size_t exp_module_start[EXP_MODULE_COUNT + 1] = {{{limits}}};"


def prototype(row):
    parameters = ["struct krnl_call *c"] + [f"{c_type(t)} {n}" for t, n in row.args]
    return f"{c_type(row.result)} {row.c_name}({', '.join(parameters)});"


def write_api(rows):
    yield "// The functions behind the exports. A call's varargs are fetched through `c`.\n#pragma once"
    yield "#include <stdint.h>\n\nstruct krnl_call;\n"
    for row in rows:
        if row.written:
            yield prototype(row)


def thunk_call(row):
    values = {"uint32_t": "(uint32_t)a[{}]", "uint64_t": "a[{}]", "double": "bits_to_double(a[{}])"}
    call = ", ".join(["c"] + [values[c_type(t)].format(i) for i, (t, _) in enumerate(row.args)])
    call = f"{row.c_name}({call})"
    if row.result == "void":
        return f"{call};"
    if row.result == "f64":
        return f"c->result = double_to_bits({call});"
    if row.result in WIDE or row.result in ZERO_EXTENDED:
        return f"c->result = {call};"
    return f"c->result = (uint64_t)(int64_t)(int32_t){call};"


def write_thunks(rows):
    written = [(i, r) for i, r in enumerate(rows) if r.written]
    yield '#include <stddef.h>\n#include <string.h>\n\n#include "kernel/api.h"\n#include "kernel/call.h"\n'
    if any(t == "f64" for _, r in written for t, _ in r.args):
        yield ("static double bits_to_double(uint64_t bits)\n{\n    double value;\n"
               "    memcpy(&value, &bits, sizeof value);\n    return value;\n}\n")
    if any(r.result == "f64" for _, r in written):
        yield ("static uint64_t double_to_bits(double value)\n{\n    uint64_t bits;\n"
               "    memcpy(&bits, &value, sizeof bits);\n    return bits;\n}\n")
    for _, row in written:
        unused = "" if row.args else "    (void)a;\n"
        yield (f"static void thunk_{row.name}(struct krnl_call *c, const uint64_t *a)\n{{\n{unused}"
               f"    {thunk_call(row)}\n}}\n")
    yield f"krnl_thunk_function *const krnl_thunks[{len(rows)}] = {{"
    yield "    NULL," if not written else "\n".join(f"    [{i}] = thunk_{r.name}," for i, r in written)
    yield "};"


def write_coverage(rows):
    yield "# Exports\n\nMade by `tools/exports.py coverage` from `src/exports/*.def`.\n"
    yield "| module | rows | implemented | partial | absent |\n|---|---:|---:|---:|---:|"
    for module, file in MODULES.items():
        states = [r.state for r in rows if r.module == module]
        yield f"| {file} | {len(states)} | " + " | ".join(str(states.count(s)) for s in reversed(STATES)) + " |"
    for module, file in MODULES.items():
        yield f"\n## {file}\n\n| ordinal | name | state | note |\n|---|---|---|---|"
        for r in rows:
            if r.module == module and r.state != "absent":
                yield f"| 0x{r.ordinal:03X} | `{r.name}` | {r.state} | {r.note.replace('|', chr(92) + '|')} |"


WRITERS = {"table": write_table, "api": write_api, "thunks": write_thunks, "coverage": write_coverage}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--source", type=pathlib.Path, default=here.parent / "src" / "exports",
                        help="folder of the .def files")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in WRITERS:
        commands.add_parser(name).add_argument("out", type=pathlib.Path)
    commands.add_parser("check")
    options = parser.parse_args()
    rows = read_rows(options.source)
    if options.command != "check":
        lines = WRITERS[options.command](rows)
        options.out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
