#!/usr/bin/env python3
"""`./dev lint`: what can be said of the sources without running them. Prints what is wrong; status 1 if anything is.

The same checks of layers, headers, globals, clang and docs run as meson's suite `style`; shell scripts, forbidden words and
committed files are looked at here only. Formatting is counted, not enforced."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STYLE = ROOT / "tests" / "style"
# Spelled so that this file passes its own check.
FORBIDDEN = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"]) + r")\b")
# Made by the build, fetched, or not ours.
NEVER_COMMITTED = re.compile(r"(^|/)(build|__pycache__)/|^corpus/|\.(o|a|so|pyc|xex|elf|xtrace|zst)$"
                             r"|(^|/)(commands\.c|decode_table\.h|coverage\.md)$")
LARGEST_BYTES = 1 << 20


def tracked():
    out = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    return [name for name in out.split("\0") if name and (ROOT / name).is_file()]


def style(script, *arguments):
    result = subprocess.run([sys.executable, STYLE / script, *arguments], text=True, capture_output=True)
    return [] if result.returncode in (0, 77) else (result.stdout + result.stderr).rstrip().splitlines()


def scripts(names):
    def is_shell(name):
        if name.endswith(".sh") or "." not in name.rsplit("/", 1)[-1]:
            with (ROOT / name).open("rb") as file:
                return re.match(rb"#!.*\b(ba)?sh\b", file.readline()) is not None
        return False
    found = [name for name in names if is_shell(name)]
    result = subprocess.run(["shellcheck", "--severity=warning", "--exclude=SC1007,SC1090,SC1091", "--format=gcc", *found], cwd=ROOT, text=True,
                            capture_output=True)
    return (result.stdout + result.stderr).splitlines()


def words(names):
    problems = []
    for name in names:
        if name.endswith(".md") or name.startswith("tests/golden/"):
            continue
        for number, line in enumerate((ROOT / name).read_text(errors="replace").splitlines(), 1):
            if FORBIDDEN.search(line):
                problems.append(f"{name}:{number}: {line.strip()}")
    return problems


def committed(names):
    problems = [f"{name}: made by the build or not ours: never committed" for name in names if NEVER_COMMITTED.search(name)]
    return problems + [f"{name}: over {LARGEST_BYTES} bytes" for name in names if (ROOT / name).stat().st_size > LARGEST_BYTES]


def unformatted(names):
    sources = [name for name in names if re.match(r"(src|tests|guest|bench)/.*\.[ch]$", name)]
    count = 0
    for name in sources:
        result = subprocess.run(["clang-format", "--dry-run", "-Werror", name], cwd=ROOT, capture_output=True)
        count += result.returncode != 0
    return f"{count} of {len(sources)} C files are not as ./dev fmt would leave them (not enforced)"


def main():
    names = tracked()
    checks = {
        "layers": lambda: style("check_layers.py", ROOT),
        "headers": lambda: style("check_headers.py", ROOT, "gcc"),
        "globals": lambda: style("check_globals.py", ROOT, ROOT / "build/release"),
        "clang": lambda: style("check_clang.py", ROOT),
        "docs": lambda: style("check_docs.py", ROOT),
        "commands in docs": lambda: style("check_commands.py", ROOT, ROOT / "build/release/xenolith"),
        "scripts": lambda: scripts(names),
        "words": lambda: words(names),
        "committed files": lambda: committed(names),
    }
    bad = 0
    for name, check in checks.items():
        problems = check()
        bad += bool(problems)
        for problem in problems:
            print(f"{name}: {problem}")
    print(f"note: {unformatted(names)}")
    print("lint: " + (f"{bad} of {len(checks)} checks failed" if bad else f"{len(checks)} checks passed"))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
