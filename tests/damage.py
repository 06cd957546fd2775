#!/usr/bin/env python3
"""Damaged executables under `info` and `run --frames 2 --max-time 5`: damage.py XENOLITH TITLE.xex... [--count N] [--seed N] [--first N]
TITLE.xex+PATCH.xexp: the patch is damaged, and applied to the title.
Each copy is cut off, has bits flipped, header words set to extremes, blocks overwritten, moved or swapped. No crash (a signal, an
internal error, a sanitizer's report), no hang over 10 s, no failure without a message. Copy number N of a seed is always the same:
--first N --count 1 repeats it; a failing one is kept as /tmp/xenolith-damaged-SEED-N.xex."""
import argparse
import collections
import os
import pathlib
import random
import resource
import re
import struct
import subprocess
import sys
import tempfile
import time

EXTREMES = (0, 1, 2, 3, 4, 7, 8, 0xFF, 0x100, 0xFFF, 0x1000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0x80000001, 0x82000000, 0x8FFFFFFF, 0x90000000, 0xA0000000,
            0xBFFFFFFF, 0xC0000000, 0xFFFF0000, 0xFFFFF000, 0xFFFFFFFC, 0xFFFFFFFE, 0xFFFFFFFF)
GRACE_SECONDS = 10
STATUSES = {*range(0, 100), 100, 101, 102, 103, 104}
BAD_WORDS = re.compile(rb"internal error|Sanitizer|runtime error:|Assertion")


def interesting(data, rng):
    """An offset where the reader looks: the fixed header, the optional headers, what they point to, the PE header, anywhere."""
    header = min(struct.unpack_from(">I", data, 8)[0] if len(data) >= 12 else 0, len(data))
    where = rng.random()
    if where < 0.15:
        return rng.randrange(0, 24) & ~3
    if where < 0.4:
        return 24 + 4 * rng.randrange(0, 48)
    if where < 0.75 and header > 24:
        return rng.randrange(24, header) & ~3
    if where < 0.9:
        return (header + rng.randrange(0, 0x1000)) & ~3
    return rng.randrange(0, max(len(data), 4)) & ~3


def set_word(data, rng):
    at = interesting(data, rng)
    if at + 4 > len(data):
        return
    old = struct.unpack_from(">I", data, at)[0]
    value = rng.choice((rng.choice(EXTREMES), rng.getrandbits(32), old + 1, old - 1, old * 2, old ^ 0x80000000)) & 0xFFFFFFFF
    struct.pack_into(">I", data, at, value)


def flip_bits(data, rng):
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        at = interesting(data, rng) + rng.randrange(4) if rng.random() < 0.7 else rng.randrange(len(data))
        if at < len(data):
            data[at] ^= 1 << rng.randrange(8)


def cut(data, rng):
    header = struct.unpack_from(">I", data, 8)[0] if len(data) >= 12 else 24
    size = rng.choice((rng.randrange(len(data) + 1), rng.randrange(min(header, len(data)) + 1), rng.randrange(256), len(data) - 1))
    del data[max(size, 0):]


def overwrite(data, rng):
    size = rng.choice((4, 16, 64, 512, 4096, 65536))
    at = rng.choice((rng.randrange(len(data)), interesting(data, rng)))
    end = min(at + size, len(data))
    if end > at:
        data[at:end] = rng.choice((bytes(end - at), b"\xff" * (end - at), rng.randbytes(end - at)))


def swap(data, rng):
    size = rng.choice((4, 8, 64, 2048))
    a, b = (rng.randrange(max(1, len(data) - size)) for _ in range(2))
    data[a:a + size], data[b:b + size] = data[b:b + size], data[a:a + size]


def damaged(whole, rng):
    data = bytearray(whole)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        if len(data) < 4:
            break
        rng.choice((set_word, set_word, set_word, flip_bits, flip_bits, cut, overwrite, swap))(data, rng)
    return bytes(data)


def run(arguments, limit):
    return subprocess.run([str(a) for a in arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=limit)


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def judge(arguments, counts):
    """What is wrong with a run of the command, or None."""
    limit = GRACE_SECONDS + (20 if SLOW else 0)
    try:
        done = run(arguments, limit)
    except subprocess.TimeoutExpired: # a hang, or a machine that is busy with other things: what counts then is the time it worked
        before = cpu_seconds()
        try:
            done = run(arguments, 10 * limit)
        except subprocess.TimeoutExpired:
            return f"still running after {10 * limit} s"
        if cpu_seconds() - before > limit:
            return f"worked for {cpu_seconds() - before:.0f} s"
        counts["repeated on a busy machine"] += 1
    counts[f"{arguments[1]} {done.returncode}"] += 1
    if done.returncode not in STATUSES:
        return f"status {done.returncode}: {done.stderr[-2000:].decode(errors='replace')}"
    if BAD_WORDS.search(done.stderr):
        return done.stderr[-2000:].decode(errors="replace")
    if done.returncode >= 100 and not done.stderr.startswith(b"xenolith"):
        return f"status {done.returncode} without a message"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("xenolith")
    parser.add_argument("titles", nargs="+")
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slow", action="store_true", help="a sanitized build")
    parser.add_argument("--only-present", action="store_true", help="leave out titles that are not there")
    options = parser.parse_args()
    global SLOW
    SLOW = options.slow
    titles = [t for t in options.titles if all(pathlib.Path(part).exists() for part in t.split("+")) or not options.only_present]
    wholes = [pathlib.Path(t.split("+")[-1]).read_bytes() for t in titles]
    counts, failures, started = collections.Counter(), 0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "damaged.xex"
        for number in range(options.first, options.first + options.count):
            rng = random.Random(f"{options.seed}.{number}")
            data = damaged(wholes[number % len(wholes)], rng)
            path.write_bytes(data)
            # Digests that do not match would hide what lies behind them: two of three copies go on without.
            hashes = () if number // len(wholes) % 3 == 0 else ("--ignore-hashes",)
            title, *patch = titles[number % len(wholes)].split("+")
            what = (title, "--patch", path) if patch else (path,)
            for arguments in ((options.xenolith, "info", *what, *hashes),
                              (options.xenolith, "run", *what, "--frames", "2", "--max-time", "5", *hashes)):
                problem = judge(arguments, counts)
                if problem:
                    failures += 1
                    kept = f"/tmp/xenolith-damaged-{options.seed}-{number}.xex"
                    pathlib.Path(kept).write_bytes(data)
                    print(f"copy {number} of {titles[number % len(wholes)]}, {arguments[1]}: {problem}\nkept: {kept}", flush=True)
            if options.count > 1000 and number % 1000 == 999:
                print(f"{number + 1} copies, {time.monotonic() - started:.0f} s, {failures} failures", flush=True)
    print(f"{options.count} damaged copies of {len(wholes)} titles, seed {options.seed}: {failures} failures; "
          + ", ".join(f"{name}: {n}" for name, n in sorted(counts.items())))
    sys.exit(1 if failures else 0)


SLOW = False
if __name__ == "__main__":
    main()
