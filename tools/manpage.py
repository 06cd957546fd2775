#!/usr/bin/env python3
"""Writes the manual page from the program's own help texts: manpage.py XENOLITH EXIT-STATUSES.md OUT.1"""
import pathlib
import re
import subprocess
import sys

XENOLITH, STATUSES, OUT = sys.argv[1:4]


def help_of(*arguments):
    return subprocess.run([XENOLITH, *arguments], capture_output=True, text=True, check=True).stdout


def quote(text):
    lines = text.rstrip("\n").replace("\\", "\\e").replace("-", "\\-").splitlines()
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in lines)


def literal(text):
    return f".nf\n{quote(text)}\n.fi\n"


def main():
    commands = re.findall(r"^  (\w+) +(.*)$", help_of("help"), re.M)
    version = help_of("version").split()[1]
    page = f'.TH XENOLITH 1 "" "xenolith {version}" "Xenolith"\n.SH NAME\nxenolith \\- Xbox 360 emulator without a window, with a full event log\n'
    page += ".SH SYNOPSIS\n.B xenolith\n.I COMMAND\n.RI [ ARGUMENTS ]\n.SH COMMANDS\n"
    for name, summary in commands:
        page += f".TP\n.B {name}\n{quote(summary)}\n"
    for name, summary in commands:
        page += f".SH {name.upper()}\n{literal(help_of(name, '--help'))}"
    page += ".SH EXIT STATUS\n"
    for status, _, meaning in re.findall(r"^\| (\d+) \| `(\w+)` \| (.*) \|$", pathlib.Path(STATUSES).read_text(), re.M):
        page += f".TP\n.B {status}\n{quote(meaning.replace('`', ''))}\n"
    pathlib.Path(OUT).write_text(page)


main()
