#!/usr/bin/env python3
"""Compares the kernel calls of one log (ours) with a reference log, thread by thread:
JSON Lines of schema v1, plain or zstd, or our binary form.

Compared: names and arguments of calls, r3 of returns (unless the export returns nothing) and the values behind pointers
after the call. Handles are compared by lifetime: the n-th object of its type that its thread created. Not compared (boot-facts.md
section 10): `in`, `ctx_args`, host times, the order between threads, and values the reference takes from the host's clock.
Exit status 0 when all calls compared are equal, 1 when not, 2 when a log cannot be read."""
import argparse
import collections
import difflib
import json
import os
import pathlib
import subprocess
import sys

SHOWN = 20          # divergences printed, at most
GROUP_SHOWN = 5     # of one kind
SYSTEM_PREFIX = {1, 2, 7, 8}  # streams whose length follows elapsed time: compared as prefixes
# (export, what): the value is a time in the reference, so nothing to compare.
TIMES = {("KeQuerySystemTime", "arg0"), ("KeQueryInterruptTime", "r3"), ("KeQueryPerformanceCounter", "r3")}

Call = collections.namedtuple("Call", "name args r3 void out lr index")


def lines_of(path, xenolith):
    with open(path, "rb") as f:
        magic = f.read(8)
    if magic[:4] == b"\x28\xb5\x2f\xfd":
        command = ["zstdcat", path]
    elif magic == b"XENTRACE":
        command = [xenolith, "trace", "cat", "--json", path]
    else:
        with open(path, "rb") as f:
            yield from f
        return
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
    except OSError as problem:
        sys.exit(f"{path}: {' '.join(command)}: {problem}")
    with process:
        yield from process.stdout
    if process.returncode > 0:
        print(f"note: {path}: {' '.join(command)} failed: the log is cut off", file=sys.stderr)


def events_of(path, xenolith):
    bad = 0
    for number, line in enumerate(lines_of(path, xenolith), 1):
        try:
            event = json.loads(line)
            kind, tid, payload = event["kind"], event["tid"], event["payload"]
        except (ValueError, KeyError, TypeError):
            bad += 1
            continue
        if number == 1 and kind != "schema_version":
            sys.exit(f"{path}: line 1 is not schema_version: not an event log of schema v1")
        yield kind, tid, event.get("tid_event_idx", 0), payload
    if bad:
        print(f"note: {path}: {bad} lines that are no event", file=sys.stderr)


def is_handle(value):
    return 0xF8000000 <= value < 0xF8100000 or 0x01000000 <= value < 0x01100000


class Log:
    """Calls of each thread, with handles replaced by names such as 'File#6.3' (third file that thread 6 created)."""

    def __init__(self, path, frames, xenolith):
        self.threads = collections.defaultdict(list)
        self.unfinished = {}
        self.live = {}
        self.created = collections.Counter()
        self.dead = {}
        swaps = 0
        for kind, tid, index, payload in events_of(path, xenolith):
            if kind == "handle.create":
                self.create(tid, payload)
            elif kind == "handle.destroy":
                self.destroy(payload)
            elif kind == "kernel.call":
                args = [self.value(a) for a in payload.get("args", [])]
                self.unfinished[tid] = (payload, args, index)
            elif kind == "kernel.return" and tid in self.unfinished:
                self.finish(tid, payload)
            elif kind == "swap":
                swaps += 1
                if frames and swaps >= frames:
                    break
        # The last call of a thread may not have returned: its name and arguments still count.
        for tid in sorted(self.unfinished):
            self.finish(tid, None)

    def create(self, tid, payload):
        raw = int(payload["raw_handle_id"], 16)
        kind = payload.get("object_type", "?")
        if kind == "Event" and raw >= 0xF8000000 and self.lazy(tid):
            # A guest KEVENT that the reference gives a handle at first use: it never reaches the title.
            self.live[raw] = "lazy event"
            return
        if raw < 0xF8000000:
            # The reference's own host objects: no title sees them, and we need not have them.
            self.live[raw] = f"host {kind}"
            return
        self.created[tid, kind] += 1
        self.live[raw] = f"{kind}#{tid}.{self.created[tid, kind]}"

    def lazy(self, tid):
        call = self.unfinished.get(tid)
        return not call or call[0]["name"].startswith("Ke")

    def destroy(self, payload):
        raw = int(payload["raw_handle_id"], 16)
        self.dead[raw] = self.live.pop(raw, None)

    def value(self, text):
        number = int(text, 16)
        low = number & 0xFFFFFFFF
        if is_handle(low) and (low == number or number >> 32 == 0xFFFFFFFF):
            # NtClose destroys the object before it returns, and `out` still shows the number.
            name = self.live.get(low) or self.dead.get(low)
            if name:
                return name
        return number

    def finish(self, tid, payload):
        call, args, index = self.unfinished.pop(tid)
        name = call["name"]
        lr = call.get("lr")
        if payload is None:
            self.threads[tid].append(Call(name, args, None, True, None, lr, index))
            return
        r3 = int(payload["return_value"])
        out = {k: self.value(v) for k, v in payload.get("out", {}).items()}
        named = self.value(hex(r3))
        self.threads[tid].append(Call(name, args, named, payload.get("void", False), out, lr, index))


def show(value):
    return hex(value) if isinstance(value, int) else str(value)


def differences(a, b):
    """(kind, text) for each field of two calls of one name that differs."""
    found = []
    if len(a.args) != len(b.args):
        found.append(("argument count", f"{len(a.args)} / {len(b.args)}"))
    for i, (x, y) in enumerate(zip(a.args, b.args)):
        if x != y:
            found.append(("argument", f"arg{i} {show(x)} / {show(y)}"))
    if a.r3 is not None and b.r3 is not None and not a.void and not b.void and (a.name, "r3") not in TIMES and a.r3 != b.r3:
        extension = isinstance(a.r3, int) and isinstance(b.r3, int) and not (a.r3 ^ b.r3) & 0xFFFFFFFF
        found.append(("upper half of the result" if extension else "result", f"r3 {show(a.r3)} / {show(b.r3)}"))
    for key in sorted(set(a.out or {}) | set(b.out or {})):
        if a.out is None or b.out is None or (a.name, key) in TIMES:
            continue
        x, y = a.out.get(key), b.out.get(key)
        if x != y:
            what = "output" if x is not None and y is not None else "output missing"
            found.append((what, f"*{key} {show(x)} / {show(y)}"))
    return found


def pairs_of(reference, ours):
    """Yields (i, j): both indices for a pair; None on one side for a call that the other log lacks."""
    i = j = 0
    window, misses = 400, 0
    while i < len(reference) and j < len(ours):
        if reference[i].name == ours[j].name:
            yield i, j
            i, j = i + 1, j + 1
            continue
        a = [c.name for c in reference[i:i + window]]
        b = [c.name for c in ours[j:j + window]]
        blocks = difflib.SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
        # The first common run that is long enough to mean something; else the longest one.
        good = [m for m in blocks if m.size >= 3] or sorted(blocks, key=lambda m: -m.size)[:1]
        if not good or not good[0].size:
            window *= 4
            if window <= 6400 and (window // 4 < len(reference) - i or window // 4 < len(ours) - j):
                continue
            break
        for k in range(i, i + good[0].a):
            yield k, None
        for k in range(j, j + good[0].b):
            yield None, k
        i, j = i + good[0].a, j + good[0].b
        misses += 1
        window = 400 if misses < 100 else 40  # logs that have nothing in common must end too
    for k in range(i, len(reference)):
        yield k, None
    for k in range(j, len(ours)):
        yield None, k


def describe(call):
    return f"{call.name}({', '.join(show(a) for a in call.args)}) from {call.lr}"


def compare(tid, reference, ours, prefix):
    """Prints the comparison of one thread's streams. Returns (equal, total)."""
    total = max(len(reference), len(ours))
    if prefix:
        total = min(len(reference), len(ours))
        reference, ours = reference[:total], ours[:total]
    equal, matched, broken = 0, 0, False
    groups = collections.OrderedDict()
    for i, j in pairs_of(reference, ours):
        if i is None:
            found, where = [("extra call", describe(ours[j]))], f"ours {ours[j].index}"
        elif j is None:
            found, where = [("missing call", describe(reference[i]))], f"reference {reference[i].index}"
        else:
            found, where = differences(reference[i], ours[j]), f"reference {reference[i].index} ours {ours[j].index}"
        broken = broken or bool(found)
        equal += not found
        matched += not broken
        for kind, text in found:
            call = reference[i] if i is not None else ours[j]
            key = kind if "call" in kind else f"{kind} of {call.name}"
            number = i if i is not None else j
            groups.setdefault(key, []).append(f"call {number} ({where}): {text}" + ("" if "call" in kind else f"  in {describe(call)}"))
    print(f"thread {tid}: {len(reference)} calls in the reference, {len(ours)} in ours; equal from the start: {matched}"
          + (" (compared as prefixes)" if prefix else ""))
    shown = 0
    for key, rows in groups.items():
        if shown >= SHOWN:
            print("  ... further kinds not shown:", ", ".join(list(groups)[list(groups).index(key):])[:500])
            break
        print(f"  {key}: {len(rows)} (reference / ours)")
        for row in rows[:min(GROUP_SHOWN, SHOWN - shown)]:
            print(f"    {row}")
            shown += 1
    return equal, total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference", help="JSON Lines of schema v1, plain or .zst")
    parser.add_argument("ours")
    parser.add_argument("--tid", type=int, default=6, help="guest thread to compare (6: the main thread)")
    parser.add_argument("--frames", type=int, default=0, help="stop both logs at the N-th swap")
    parser.add_argument("--other-threads", action="store_true", help="compare threads 1, 2, 7, 8 too, as prefixes")
    parser.add_argument("--xenolith", default=str(pathlib.Path(__file__).resolve().parent.parent / "build/release/xenolith"),
                        help="the program that turns a binary log into schema v1")
    options = parser.parse_args()
    logs = []
    for path in (options.reference, options.ours):
        if not os.path.isfile(path):
            print(f"{path}: not found", file=sys.stderr)
            return 2
        logs.append(Log(path, options.frames, options.xenolith))
    reference, ours = logs
    tids = [options.tid] + (sorted(SYSTEM_PREFIX - {options.tid}) if options.other_threads else [])
    equal = total = 0
    for tid in tids:
        e, n = compare(tid, reference.threads[tid], ours.threads[tid], tid in SYSTEM_PREFIX)
        if not n and (reference.threads[tid] or ours.threads[tid] or tid == options.tid):
            print(f"  nothing to compare: one of the logs has no call of thread {tid}")
            n = max(len(reference.threads[tid]), len(ours.threads[tid]), 1)
        equal, total = equal + e, total + n
    print(f"equal: {equal} of {total} calls")
    return 0 if equal == total else 1


if __name__ == "__main__":
    sys.exit(main())
