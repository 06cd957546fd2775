#!/usr/bin/env python3
"""The sample titles against the reference's logs: titles.py XENOLITH WHAT, WHAT being vectors, parity, entry, determinism,
tiers or shadow.
Exit status 77 (skipped), with the reason, where corpus/ or ../shared is not there."""
import filecmp
import pathlib
import subprocess
import sys
import tempfile

XENOLITH, WHAT = sys.argv[1:3]
ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
TITLES = {"dolphin": "dolphin/dolphin.xex", "fog": "fog/VolumeFog.xex"}


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def need_corpus():
    for title in TITLES.values():
        if not (ROOT / "corpus" / title).exists():
            skip(f"corpus/{title} is not there; ./dev corpus says how to get it")


def need_shared(path):
    if not (SHARED / path).exists():
        skip(f"../shared/{path} is not there")
    return SHARED / path


def run(*arguments):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    if done.returncode:
        print(f"{' '.join(map(str, arguments))}\nstatus {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        sys.exit(1)
    return done.stdout


def title(name, *options):
    return run(XENOLITH, "run", ROOT / "corpus" / TITLES[name], "--frames", "600", "--max-time", "300", *options)


def vectors(folder):
    packed = need_shared("vectors/console.jsonl.zst")
    cases = folder / "console.jsonl"
    run("zstd", "-dq", packed, "-o", cases)
    run(XENOLITH, "exec", "--quiet", cases)


def parity(folder):
    need_corpus()
    for name in TITLES:
        log = folder / f"{name}.xtrace"
        title(name, "--profile", "reference", "--trace", log)
        for number in (1, 2, 3):
            run(XENOLITH, "diff", need_shared(f"reference-logs/{name}-run{number}.jsonl.zst"), log)


def entry(folder):
    need_corpus()
    for name in TITLES:
        state = folder / f"{name}.json"
        title(name, "--profile", "reference", "--state-at-entry", state)
        run(XENOLITH, "diff", need_shared(f"reference-logs/{name}-initial-state.json"), state)


def determinism(folder):
    need_corpus()
    for name in TITLES:
        logs = folder / f"{name}.1", folder / f"{name}.2"
        hashes = {title(name, "--state-hash", "--trace", log) for log in logs}
        hashes.add(title(name, "--state-hash"))
        if len(hashes) != 1 or not filecmp.cmp(*logs, shallow=False):
            print(f"{name}: two runs differ: {hashes}")
            sys.exit(1)


def need_recompiler():
    if subprocess.run([XENOLITH, "exec", "--engine", "quick", "/dev/null"], capture_output=True).returncode:
        skip("built without the recompiler")


def tiers(folder):
    """The same log and state in every tier; a second start compiles nothing."""
    need_corpus()
    need_recompiler()
    for name in TITLES:
        log, other = folder / f"{name}.1", folder / f"{name}.2"
        state = title(name, "--state-hash", "--trace", log)
        for tier in ("quick", "auto", "quick"):
            done = subprocess.run([XENOLITH, "run", ROOT / "corpus" / TITLES[name], "--frames", "600", "--tier", tier, "--cache", folder / "cache",
                                   "--state-hash", "--stats", "--trace", other], capture_output=True, text=True)
            if done.returncode or done.stdout != state or not filecmp.cmp(log, other, shallow=False):
                print(f"{name}, {tier}: {state}{done.stdout}{done.stderr}")
                sys.exit(1)
        if "\ncompiled: 0 units" not in done.stderr:
            print(f"{name}: the second start compiles\n{done.stderr}")
            sys.exit(1)


def shadow(folder):
    need_corpus()
    need_recompiler()
    for name in TITLES:
        for tier in ("quick", "auto"):
            run(XENOLITH, "run", ROOT / "corpus" / TITLES[name], "--frames", "60", "--shadow", "--tier", tier, "--cache", folder / "cache")


with tempfile.TemporaryDirectory() as temporary:
    globals()[WHAT](pathlib.Path(temporary))
