#!/usr/bin/env python3
"""The samples, the programs and the DLL's host on several builds: builds.py SAMPLES SDK XENOLITH XENOLITH... Output, exit status,
event log (byte by byte) and state hash must be the same on all. What runs is compiled once, by the first."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLES, SDK, *BUILDS = (pathlib.Path(a).resolve() for a in sys.argv[1:])


def compile_all(folder):
    """name -> folder of its own with NAME.xex in it."""
    environment = {**os.environ, "XENOLITH": str(BUILDS[0]), "XENOLITH_SDK": str(SDK)}

    def xcc(out, source, *options):
        done = subprocess.run([ROOT / "guest/bin/xcc", "-w", *options, "-o", out, source], env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stdout + done.stderr)

    found = {}
    for source in sorted((ROOT / "guest/samples").glob("*.c")) + sorted((ROOT / "tests/guest/programs").glob("*.c")) + [ROOT / "tests/guest/modules/host.c"]:
        at = found[source.stem] = folder / source.stem
        at.mkdir()
        ready = SAMPLES / f"{source.stem}.xex"
        if source.parent.name == "samples" and ready.exists():
            shutil.copy(ready, at)
        else:
            xcc(at / f"{source.stem}.xex", source)
    for name, options in (("plugin", ()), ("refuses", ("-DREFUSES=1",)), ("taken", ("--base", "0x82000000"))):
        xcc(found["host"] / f"{name}.xex", ROOT / "tests/guest/modules/plugin.c", "--dll", *options)
    (found["host"] / "text.xex").write_text("hello\n")
    return found


def outcome(build, at, name, folder):
    world = folder / "world" # writing titles find the same files
    shutil.rmtree(world, ignore_errors=True)
    shutil.copytree(at, world)
    log = folder / "log.xtrace"
    done = subprocess.run([build, "run", world / f"{name}.xex", "--writable", "--max-time", "300", "--state-hash", "--trace", log], capture_output=True,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, log.read_bytes()


def main():
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        programs = compile_all(folder)
        for program, at in programs.items():
            outcomes = [outcome(build, at, program, folder) for build in BUILDS]
            if outcomes[0][0] >= 102 or not outcomes[0][2]:
                failures += 1
                print(f"{program}: status {outcomes[0][0]}")
            for build, other in zip(BUILDS[1:], outcomes[1:]):
                for what, a, b in zip(("status", "output and state hash", "event log"), outcomes[0], other):
                    if a != b:
                        failures += 1
                        print(f"{program}: {what} differs between {BUILDS[0]} and {build}")
    print(f"{len(programs)} programs on {len(BUILDS)} builds: {failures} differences")
    sys.exit(1 if failures else 0)


main()
