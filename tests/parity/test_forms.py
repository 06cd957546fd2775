#!/usr/bin/env python3
"""Forms of logs that other engines write, and what several runs of the reference teach: test_forms.py XENOLITH"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scenario  # noqa: E402

XENOLITH = sys.argv[1]
THREAD_KEYS = ["reference_tid", "tid", "matched", "reference_total", "total", "first_divergence"]
FIRST_KEYS = ["reference_index", "index", "class", "call", "field", "why"]
# Names the way xenia leaves them out of its text log unless it is asked for them.
HIGH_FREQUENCY = {"KeTlsGetValue", "RtlEnterCriticalSection", "RtlLeaveCriticalSection"}


def diff(*arguments):
    done = subprocess.run([XENOLITH, "diff", "--json", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    got = json.loads(done.stdout)
    assert list(got)[0] == "matched_prefix" and {"matched_prefix", "threads", "divergences", "rules"} <= set(got)
    for t in got["threads"]:
        assert list(t)[:6] == THREAD_KEYS, list(t)
        assert t["first_divergence"] is None or list(t["first_divergence"]) == FIRST_KEYS
    return done.returncode, got


PATH = "game:\\media\\a (copy), b.xpr"
# Name, arguments, the same in a text log: pointers with what they point to, text with brackets and commas, 16 bits, a signed number,
# 64 bits, a float, the context.
STOCK = [("NtAllocateVirtualMemory", [0x7018FB90, 0x7018FB94, 0x20002000, 4, 0], "7018FB90(00000000), 7018FB94(00100000), 20002000, 00000004, 00000000"),
         ("NtQueryFullAttributesFile", [0x7018F3B0, 0x7018F398], f"7018F3B0(00000000,{PATH},00000040), 7018F398"),
         ("RtlInitAnsiString", [0x7018F000, 0x82001000], "7018F000, 82001000(Hello (World), again)"),
         ("XamShowMessageBoxUI", [0xFFFFFFFF, 10, 0x7018F000], "-1, 10, 7018F000"),
         ("VdQueryVideoMode", [0x7018F100], "7018F100"),
         ("XamTaskSchedule", [0x82000000], "82000000, ContextArg"),
         ("NtClose", [0xF8000020], "F8000020"),
         ("ExTerminateThread", [0], "00000000")]


def text_logs(folder):
    """The same calls as schema v1 with results, and as a stock text log: messages between, colours, CRLF, wrapped lines."""
    scenario.CALLS.update({name: 1 for name, _, _ in STOCK})
    full, stock = folder / "full.jsonl", folder / "stock.log"
    log = scenario.Log(full, "canary", 6)
    log.thread(6, 0, main=True)
    rows = ["i> 00000110 Build: some_branch@0123abc on Nov  7 2022", "i> 00000110 Storage root: Z:\\home\\xenia"]
    for turn in range(40):
        for i, (name, args, words) in enumerate(STOCK[:-1]):
            log.call("KeTlsGetValue", [turn], 0)
            log.begin(name, args)
            log.end(name, 0)
            level = "i" if i == 4 else "d"
            row = f"{level}> F8000008 {name}({words})"
            rows.append(row if turn % 5 else f"\x1b[36m{row}\x1b[0m")
            if turn % 7 == 3 and i == 1:
                rows[-1:] = [row[:40], row[40:]]
            if i == 2:
                rows += ["G> 0000014C SetInterruptCallback(82086AD0, 40004790)", "!> F8000008 Something (bad) happened", "   of two lines"]
            if i == 3 and turn % 6 == 1:
                rows.append("i> 00000028 RtlNtStatusToDosError C000000D => 57")
    log.file.close()
    stock.write_text("\r\n".join(rows) + "\r\nd> F8000008 NtClose(F80", newline="")
    for pair in ((full, stock), (stock, full)):
        status, got = diff(*pair)
        assert status == 0, [(d["class"], d["why"], d["reference_event"], d["event"]) for d in got["divergences"]][:3]
        text = got["inputs"][1 if pair[1] == stock else 0]
        assert text["form"] == "text log" and text["calls"] == 40 * 7 and text["bad"] == 1 and text["messages"] > 80, text
        assert got["rules"]["untold-call"] == 280 and got["coverage"]["unknown"] >= 400, (got["rules"], got["coverage"])
        assert got["coverage"]["equal"] == got["coverage"]["compared"] > 500
    # A number that differs is found in every spelling; what a float or the context hides is not made up.
    for old, new in (("-1, 10", "-1, 11"), ("-1, 10", "-2, 10"), ("(00100000), 20002000", "(00100000), 20003000"), (PATH, PATH.replace("copy", "copX"))):
        stock.write_text(("\r\n".join(rows)).replace(old, new), newline="")
        status, got = diff(full, stock)
        first = got["threads"][0]["first_divergence"]
        assert (status == 1 and first["class"] == "argument") or new == PATH.replace("copy", "copX"), (new, first)
    status, got = diff("--no-rule", "untold-call", stock, full)
    assert status == 1 and "extra" in got["classes"], got["classes"]


def unmade_threads(folder):
    """No log tells who made a thread: they are matched by what they call first."""
    def write(path, engine, tids, seed, fault=None):
        log = scenario.Log(path, engine, tids[0])
        rng, done = random.Random(seed), [0, 0, 0]
        names = ["KeTlsGetValue", "KeSetEvent", "VdQueryVideoFlags"]
        while any(n < 200 for n in done):
            t = 0 if not done[0] else rng.choice([i for i in range(3) if done[i] < 200])
            name = names[t] if done[t] % 3 == 0 else names[(t + 1) % 3]
            log.call(name, [done[t]], 7777 if fault == (t, done[t]) else done[t], tid=tids[t])
            done[t] += 1
        log.file.close()

    a, b = folder / "a.jsonl", folder / "b.jsonl"
    write(a, "canary", [6, 7, 8], 1)
    write(b, "ours", [1, 3, 2], 2)
    status, got = diff(a, b)
    assert status == 0 and {(t["reference_tid"], t["tid"], t["matched"]) for t in got["threads"]} == {(6, 1, 600), (7, 3, 600), (8, 2, 600)}, got["threads"]
    write(b, "ours", [1, 3, 2], 3, (2, 100))
    status, got = diff(a, b)
    assert status == 1 and [(d["reference_tid"], d["class"], d["index"]) for d in got["divergences"]] == [(8, "value", 302)], got["divergences"]


def little_told(folder):
    """A log without arguments, and with the status alone: unknown is no difference, and what is told is compared."""
    a, b = folder / "a.jsonl", folder / "b.jsonl"
    log = scenario.Log(a, "canary", 6)
    scenario.until(log, 300)
    log.file.close()
    events = [json.loads(line) for line in a.read_text().splitlines()]
    for e in events:
        if e["kind"] == "kernel.call":
            del e["payload"]["args"]
        elif e["kind"] == "kernel.return":
            del e["payload"]["return_value"]
    for wanted in (0, 1):
        b.write_text("".join(json.dumps(e) + "\n" for e in events))
        status, got = diff(a, b)
        assert status == wanted and got["coverage"]["unknown"] >= 300 and got["inputs"][1]["bad"] == 0, (status, got["coverage"], got["inputs"][1])
        events[-1]["payload"]["status"] = "0x00000777" if "void" not in events[-1]["payload"] else events[-1]["payload"]["status"]
        results = [e for e in events if e["kind"] == "kernel.return" and "void" not in e["payload"]]
        results[len(results) // 2]["payload"]["status"] = "0x00000777"
    assert got["threads"][0]["first_divergence"]["class"] == "value", got["threads"][0]


def envelope(folder):
    """Order windows, and answers of which the reference gives now one, now the other."""
    def run(path, swapped=0, answer=0, status_at=None, extra=False):
        log = scenario.Log(path, "canary", 6)
        log.thread(6, 0, main=True)
        scenario.until(log, 60)
        for turn in range(4):
            calls = [("VdGetCurrentDisplayGamma", [0x7018F000, 0x7018F004], 0x82070000)] + [("KeAcquireSpinLockAtRaisedIrql", [0x40005C60 + 16 * i], 0x82070100 + 4 * i) for i in range(8)]
            calls.insert(swapped, calls.pop(0))
            for name, args, lr in calls:
                log.call(name, args, lr=lr)
            scenario.until(log, log.calls[6] + 20, turn)
            log.call("KeWaitForSingleObject", [0x400047CC, 3, 1, 0, 0x701BFE70], answer if turn == 2 else 0, lr=0x82070200)
            if extra and turn == 1:
                log.call("VdQueryVideoFlags", [], 3, lr=0x82070300)
            scenario.until(log, log.calls[6] + 20, 10 + turn)
        log.file.close()
        return path

    r = [run(folder / f"r{i}.jsonl", swapped, answer) for i, (swapped, answer) in enumerate(((0, 0), (1, 258), (0, 0)))]
    ours = folder / "ours.jsonl"
    status, got = diff("--reference", *r, "--", run(ours, 1, 258))
    words = " ".join(j["what"] for j in got["jitter"])
    assert status == 0 and "order, within 1 calls" in words and "one of 0x0 0x102" in words, (got["jitter"], got["divergences"][:1])
    assert got["reference_runs"] == 3 and got["missed_half"] == 0.25 and got["rules"]["envelope"] >= 2, (got["missed_half"], got["rules"])
    assert diff(r[0], ours)[0] == 1 and diff("--no-rule", "envelope", "--reference", *r, "--", ours)[0] == 1
    for what, wanted in (((5, 0), "order"), ((0, scenario.sign(0xC0000008)), "status"), ((0, 0, None, True), "extra")):
        status, got = diff("--reference", *r, "--", run(ours, *what))
        assert status == 1 and wanted in got["classes"], (what, got["classes"], got["jitter"])


def evidence(folder):
    """Ten calls on both sides of a divergence, and return addresses behind lr where an engine tells them."""
    a, b = folder / "a.jsonl", folder / "b.jsonl"
    for path, value in ((a, 3), (b, 0)):
        log = scenario.Log(path, "canary", 6)
        log.thread(6, 0, main=True)
        scenario.until(log, 40)
        log.call("VdQueryVideoFlags", [], value)
        scenario.until(log, 80, 1)
        log.file.close()
        text = path.read_text().replace('"name":"VdQueryVideoFlags","args":[],', '"name":"VdQueryVideoFlags","args":[],"stack":["0x82000010","0x82000020"],')
        path.write_text(text)
    status, got = diff(a, b)
    x = got["divergences"][0]
    assert [len(x[k]) for k in ("reference_before", "before", "reference_after", "after")] == [10] * 4
    assert x["before"][-1]["index"] == 117 and x["after"][0]["index"] == 123 and x["event"]["index"] == 120, x["after"][0]
    assert x["event"]["stack"] == x["reference_event"]["stack"] == ["0x82100000", "0x82000010", "0x82000020"], x["event"]


def main():
    with tempfile.TemporaryDirectory() as name:
        for test in (text_logs, unmade_threads, little_told, envelope, evidence):
            test(pathlib.Path(name))
            print("ok", test.__name__, flush=True)


main()
