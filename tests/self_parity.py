#!/usr/bin/env python3
"""Our own runs against each other: self_parity.py XENOLITH samples|titles
Every title gives byte-identical logs from run to run, from build to build (release, asan), and from tier to tier, by cmp and by
`xenolith diff`. Exit status 77 (skipped), with the reason, where a build or a title is not there; what is there is compared first."""
import filecmp
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
XENOLITH, WHAT = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
TITLES = {"dolphin": "dolphin/dolphin.xex", "fog": "fog/VolumeFog.xex"}
FRAMES = "60"  # sanitized code is slow; titles.py compares 600 against the reference


def build_folder(program):
    return next(folder for folder in program.parents if (folder / "build.ninja").exists())


def programs():
    """{what differs: [program, options...]} besides a plain second run, and what is not there."""
    found, missing, here = {"a second run": [XENOLITH]}, [], build_folder(XENOLITH)
    for name in {"release", "asan"} - {here.name}:
        other = here.parent / name / XENOLITH.relative_to(here)
        if other.exists():
            found[f"the {name} build"] = [other]
        else:
            missing.append(f"build/{name} is not there")
    text = subprocess.run([XENOLITH, "run", "--help"], capture_output=True, text=True).stdout
    for tier, name in (("interpreter", "the interpreter"), ("quick", "the recompiler")):
        if "--tier" in text and tier in text:
            found[name] = [XENOLITH, "--tier", tier]
    return found, missing


def candidates():
    if WHAT == "samples":
        folder = build_folder(XENOLITH) / "guest"
        return {path.stem: (path, []) for path in sorted(folder.glob("*.xex"))}, []
    found, missing = {}, []
    for name, path in TITLES.items():
        if (ROOT / "corpus" / path).exists():
            found[name] = (ROOT / "corpus" / path, ["--frames", FRAMES])
        else:
            missing.append(f"corpus/{path} is not there; ./dev corpus says how to get it")
    return found, missing


def run(program, title, options, log):
    command = [program[0], "run", title, *options, *program[1:], "--max-time", "600", "--trace", log]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    return done.returncode, done.stdout


def compare(name, what, first, other, folder, bad):
    if first[0] != other[0] or first[1] != other[1]:
        bad.append(f"{name}: {what}: status {other[0]}, wanted {first[0]}, or another output:\n{other[1][:1000]}")
    logs = folder / "first.xtrace", folder / "other.xtrace"
    done = subprocess.run([XENOLITH, "diff", "--strict", *logs], capture_output=True, text=True)
    if done.returncode:
        bad.append(f"{name}: {what} diverges\n{done.stdout[:3000]}{done.stderr}")
    if not filecmp.cmp(*logs, shallow=False):
        bad.append(f"{name}: {what}: the log's bytes differ")


def main():
    titles, missing = candidates()
    others, lacking = programs()
    bad = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for name, (title, options) in titles.items():
            first = run([XENOLITH], title, options, folder / "first.xtrace")
            for what, program in others.items():
                compare(name, what, first, run(program, title, options, folder / "other.xtrace"), folder, bad)
    print("\n".join(bad))
    print(f"{len(titles)} titles: {', '.join(titles)}; against {', '.join(others)}")
    if bad:
        sys.exit(1)
    if missing + lacking:
        print(f"skipped: {'; '.join(missing + lacking)}")
        sys.exit(77)


main()
