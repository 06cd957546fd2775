"""`./dev bench parity`: how fast and in how much memory the lab compares long logs, and what else people use on the same files.
Rates are CPU time (user and system) of one process; events of both logs count once: a pair of equal events is one."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BINARY_EVENTS, JSON_EVENTS, TOOL_EVENTS = 20_000_000, 2_000_000, 150_000
LIMIT_SECONDS = 600


def measure(arguments, statuses=(0,), stdin=None, shell=False):
    """(CPU seconds, peak KiB, status, first line of the output) of a program."""
    with tempfile.TemporaryFile("w+") as out:
        start = time.monotonic()
        words = arguments if shell else [str(a) for a in arguments]
        child = subprocess.Popen(words, stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, shell=shell,
                                 executable="/bin/bash" if shell else None)
        if stdin:
            stdin.close()
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - start > LIMIT_SECONDS:
                child.kill()
                os.wait4(child.pid, 0)
                return None
            time.sleep(0.01)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read(4000)
    if statuses and child.returncode not in statuses:
        raise SystemExit(f"bench: {words}: status {child.returncode}\n{text}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss, child.returncode, text.splitlines()[0] if text else ""


def least(runs, arguments, statuses):
    return min((measure(arguments, statuses) for _ in range(runs)), key=lambda m: m[0])


def show(what, count, unit, measured, note=""):
    if measured is None:
        print(f"{what:44} over {LIMIT_SECONDS} s, stopped")
        return
    seconds, kilobytes, _, _ = measured
    print(f"{what:44} {seconds:8.2f} s {count / max(seconds, 1e-3) / 1e6:9.2f} M {unit}/s {kilobytes / 1024:8.1f} MiB  {note}")


def binary(xenolith, generate, folder, events, runs):
    a, b = folder / "a.xtrace", folder / "b.xtrace"
    need = 6 * events
    if shutil.disk_usage(folder).free < 2 * need:
        raise SystemExit(f"bench: {folder} has no room for two logs of {events} events ({2 * need >> 20} MiB)")
    for path, skew in ((a, []), (b, ["7"])):
        show(f"writing {events:,} events", events, "events", measure([generate, events, path, *skew]), f"{path.stat().st_size / events:.2f} bytes an event" if path.exists() else "")
    print(f"log: {a.stat().st_size / events:.2f} bytes an event")
    copy = folder / "copy.xtrace"
    os.link(a, copy)
    show("diff, binary, stored alike", events, "events", least(runs, [xenolith, "diff", a, copy], (0,)))
    show("diff, binary, other times", events, "events", least(runs, [xenolith, "diff", a, b], (0,)))
    if events <= BINARY_EVENTS:
        show("diff, binary, decoded (--frames)", events, "events", least(1, [xenolith, "diff", "--frames", "999999999", a, b], (0,)))
        show("trace stat", events, "events", least(1, [xenolith, "trace", "stat", a], (0,)))
    for path in (a, b, copy):
        path.unlink()


def json_lines(xenolith, generate, folder, events, runs):
    """Two logs in schema v1 that differ in their times alone, and lines of each."""
    paths = []
    for name, skew in (("a", []), ("b", ["7"])):
        measure([generate, events, folder / f"{name}.xtrace", *skew])
        paths.append(folder / f"{name}.jsonl")
        measure([xenolith, "trace", "convert", folder / f"{name}.xtrace", paths[-1]])
        (folder / f"{name}.xtrace").unlink()
    with open(paths[0], "rb") as f:
        count = sum(block.count(b"\n") for block in iter(lambda: f.read(1 << 20), b""))
    size = paths[0].stat().st_size / count
    return paths, count, size


def tools(xenolith, generate, folder, runs):
    (a, b), count, size = json_lines(xenolith, generate, folder, JSON_EVENTS, runs)
    measured = least(runs, [xenolith, "diff", a, b], (0,))
    print(f"\nschema v1, two logs of {count:,} lines, {size:.0f} bytes a line, read line by line")
    show("diff, schema v1", 2 * count, "lines", measured, f"{2 * count * size / measured[0] / 1e6:.0f} MB/s")
    rate = 2 * count * size / measured[0] / 230
    print(f"{'':44} at 230 bytes a line: {rate / 1e6:.2f} M lines/s")
    for path in (a, b):
        path.unlink()
    (a, b), count, size = json_lines(xenolith, generate, folder, TOOL_EVENTS, runs)
    print(f"\nthe same question to other tools: two logs of {count:,} lines, equal but for their times")
    rows = [("xenolith diff", [xenolith, "diff", a, b], (0,), "same, with rules and coverage"),
            ("diff -q", ["diff", "-q", a, b], (1,), "says that they differ: times do"),
            ("diff", ["diff", a, b], (1,), "prints every line"),
            ("git diff --no-index --stat", ["git", "diff", "--no-index", "--stat", a, b], (0, 1), "counts every line"),
            ("python3 bench/jsonl_diff.py", ["python3", HERE / "jsonl_diff.py", a, b], (0,), "times left out; stops at the first difference")]
    for what, words, statuses, note in rows:
        if shutil.which(str(words[0])) or pathlib.Path(words[0]).exists():
            show(what, 2 * count, "lines", measure(words, statuses), note)
        else:
            print(f"{what:44} not there")
    if shutil.which("jq"):
        strip = "jq -c 'del(.host_ns,.guest_cycle,.engine)'"
        show("jq del(times) on both, cmp", 2 * count, "lines", measure(f"cmp <({strip} {a}) <({strip} {b}); wait", None, shell=True), "same bytes; the CPU time of jq is in")
    else:
        print(f"{'jq':44} not there")
    for path in (a, b):
        path.unlink()


def long_line(xenolith, generate, folder, gigabytes):
    """One line of this length (a hole in a sparse file) in the middle of a log: counted, named, never held."""
    (a, b), count, _ = json_lines(xenolith, generate, folder, 1000, 1)
    lines = a.read_bytes().splitlines(keepends=True)
    with open(b, "wb") as f:
        f.write(b"".join(lines[:500]))
        f.seek(int(gigabytes * (1 << 30)), os.SEEK_CUR)
        f.write(b"\n" + b"".join(lines[500:]))
    measured = measure([xenolith, "diff", a, b, "--json", folder / "r.json"], (0, 1))
    got = json.loads((folder / "r.json").read_text())["inputs"][1]
    print(f"\na line of {gigabytes:g} GiB: status {measured[2]}, {got['bad']} line passed over, number {got['first_bad']}, {measured[0]:.1f} s, peak {measured[1] / 1024:.1f} MiB")
    pipe = subprocess.Popen(["cat", b], stdout=subprocess.PIPE)
    measured = measure([xenolith, "diff", a, "-"], (0, 1), stdin=pipe.stdout)
    pipe.wait()
    print(f"the same from a pipe: status {measured[2]}, {measured[0]:.1f} s, peak {measured[1] / 1024:.1f} MiB")


def main(xenolith, runs, scale, gigabytes):
    generate = xenolith.parent / "tests/parity-generate"
    if not generate.exists():
        raise SystemExit(f"bench: {generate} is not there: build with tests (./dev build)")
    with tempfile.TemporaryDirectory(prefix="xenolith-bench-", dir=os.environ.get("XENOLITH_BENCH_FOLDER")) as name:
        folder = pathlib.Path(name)
        events = int(BINARY_EVENTS * scale)
        binary(xenolith, generate, folder, events - events % 2, runs)
        if scale <= 1:
            tools(xenolith, generate, folder, runs)
        if gigabytes:
            long_line(xenolith, generate, folder, gigabytes)
