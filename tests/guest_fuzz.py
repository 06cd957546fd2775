#!/usr/bin/env python3
"""Guests that do what no title should: guest_fuzz.py XENOLITH SDK [exports|chaos|escape] [--seconds N | --runs N] [--first SEED]
exports  every implemented export with random arguments
chaos    reads, writes and jumps everywhere, runs random code
escape   tries to leave its device
The host process ends with a status of its own (never a signal, a sanitizer's report or an internal error), within its time, and
no file outside the device's folder changes."""
import argparse
import collections
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
STATUSES = {*range(0, 105)}
BAD_WORDS = re.compile(rb"internal error|Sanitizer|runtime error:|Assertion")
ROW = re.compile(r'^FN\((0x[0-9A-Fa-f]+), (\w+),.*, (implemented|partial), "')
# They end the run at once: called by every other test.
ENDS = {"KeBugCheck", "KeBugCheckEx", "HalReturnToFirmware", "XamLoaderLaunchTitle", "XamLoaderTerminateTitle"}


def exports_list():
    rows = []
    for number, module in enumerate(("xboxkrnl", "xam", "xbdm")):
        for line in (ROOT / f"src/exports/{module}.def").read_text().splitlines():
            found = ROW.match(line)
            if found and found[2] not in ENDS:
                rows.append(f'{{{number}, {found[1]}, "{found[2]}"}},')
    return "\n".join(rows) + "\n"


def tree(folder):
    """Names and contents of everything below, links not followed."""
    out = {}
    for path, folders, files in os.walk(folder):
        for name in folders + files:
            full = pathlib.Path(path) / name
            out[str(full)] = os.readlink(full) if full.is_symlink() else hashlib.sha256(full.read_bytes()).hexdigest() if full.is_file() else "folder"
    return out


class Place:
    """outside/canary.txt and outside/game/, the device."""
    def __init__(self, folder):
        self.outside = pathlib.Path(folder) / "outside"
        self.game = self.outside / "game"
        (self.game / "folder").mkdir(parents=True)
        (self.outside / "canary.txt").write_text("the canary\n")
        (self.game / "inside.txt").write_text("inside\n")
        (self.game / "link-file").symlink_to(self.outside / "canary.txt")
        (self.game / "link-folder").symlink_to(self.outside)

    def seen(self):
        return {name: value for name, value in tree(self.outside).items() if not name.startswith(str(self.game) + "/")}


def build(program, folder, environment):
    (folder / "exports.inc").write_text(exports_list())
    out = folder / f"{program}.xex"
    done = subprocess.run([ROOT / "guest/bin/xcc", "-O1", "-w", f"-I{folder}", "-o", out, ROOT / f"tests/guest/{program}.c"], env=environment,
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return out


def run_one(options, title, place, *more):
    command = [options.xenolith, "run", title, "--game", place.game, "--writable", "--max-time", "10", *more]
    try:
        return subprocess.run([str(a) for a in command], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return None


def complaint(done):
    if done is None:
        return "did not end"
    if done.returncode not in STATUSES or BAD_WORDS.search(done.stderr):
        return f"status {done.returncode}\n{done.stderr[-3000:].decode(errors='replace')}"
    if done.returncode >= 100 and b"xenolith" not in done.stderr:
        return f"status {done.returncode} without a message"
    return None


def seeds(options, program, folder, environment):
    title, counts, failures = build(program, folder, environment), collections.Counter(), 0
    place = Place(folder)
    before, started, seed = place.seen(), time.monotonic(), options.first
    while seed < options.first + options.runs if options.runs else time.monotonic() < started + options.seconds:
        named = folder / f"{program}-{seed}.xex"
        named.symlink_to(title)
        done = run_one(options, named, place)
        named.unlink()
        problem = complaint(done)
        if not problem and place.seen() != before:
            problem = f"files outside the device changed: {place.seen()}"
        if problem:
            failures += 1
            print(f"{program} seed {seed}: {problem}", flush=True)
        counts[done.returncode if done else "hang"] += 1
        seed += 1
    print(f"{program}: {seed - options.first} runs in {time.monotonic() - started:.0f} s, {failures} failures; by status: {dict(sorted(counts.items(), key=str))}")
    return failures


def escape(options, folder, environment):
    title, place = build("escape", folder, environment), Place(folder)
    before, wanted = place.seen(), (ROOT / "tests/guest/expected/escape.txt")
    for more in ((), ("--no-sandbox",)):
        done = run_one(options, title, place, *more)
        text = done.stdout.decode() if done else ""
        if options.update:
            wanted.write_text(text)
        if complaint(done) or done.returncode or "the canary" in text or place.seen() != before or text != wanted.read_text():
            print(f"escape {more}: {complaint(done)}\n{text}\n{done.stderr.decode() if done else ''}\nbefore {before}\nafter {place.seen()}")
            return 1
        (place.game / "inside.txt").write_text("inside\n")
        for name in set(os.listdir(place.game)) - {"folder", "inside.txt", "link-file", "link-folder"}:
            (place.game / name).unlink()
    print("escape: no way out")
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("xenolith")
    parser.add_argument("sdk")
    parser.add_argument("what", choices=("exports", "chaos", "escape"))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--update", action="store_true", help="escape: write what is expected")
    options = parser.parse_args()
    options.xenolith = pathlib.Path(options.xenolith).resolve()
    environment = {**os.environ, "XENOLITH": str(options.xenolith), "XENOLITH_SDK": str(pathlib.Path(options.sdk).resolve())}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        failed = escape(options, folder, environment) if options.what == "escape" else \
            seeds(options, {"exports": "fuzz_exports", "chaos": "chaos"}[options.what], folder, environment)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
