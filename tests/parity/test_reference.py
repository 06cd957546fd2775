#!/usr/bin/env python3
"""On the shared reference logs: test_reference.py XENOLITH SHARED. The reference's runs equal each other, paced or not, and the
report names what varies; our logs beside them (XENOLITH_LOGS, default /work/logs) equal the reference. Exit status 77: skipped."""
import json
import os
import pathlib
import subprocess
import sys

XENOLITH, LOGS = sys.argv[1], pathlib.Path(sys.argv[2]) / "reference-logs"
OURS = pathlib.Path(os.environ.get("XENOLITH_LOGS", "/work/logs"))
TOTALS = {"dolphin": (114471, 114591), "fog": (98676, 98796)}


def diff(*arguments):
    done = subprocess.run([XENOLITH, "diff", "--json", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def equal(what, total, *arguments):
    status, got = diff(*arguments)
    assert status == 0 and got["same"] and got["divergences"] == [], (what, got["divergences"][:1], got["classes"])
    assert got["matched_prefix"] == total, (what, got["matched_prefix"])
    assert all(t["matched"] == min(t["reference_total"], t["total"]) or t["main"] for t in got["threads"]), (what, got["threads"])
    print("ok", what, flush=True)
    return got


def main():
    if not (LOGS / "dolphin-run1.jsonl.zst").is_file():
        print(f"SKIPPED: no reference logs at {LOGS}")
        sys.exit(77)
    for title, (total, paced_total) in TOTALS.items():
        runs = [LOGS / f"{title}-run{n}.jsonl.zst" for n in (1, 2, 3)]
        paced = LOGS / f"{title}-paced60.jsonl.zst"
        for a in runs:
            for b in runs:
                if a < b:
                    equal(f"{a.name} {b.name}", total, a, b)
        got = equal(f"{title} against the paced run", total, runs[0], paced)
        assert set(got["rules"]) <= {"void-return", "host-prefix", "handle-lifetime", "guest-seconds", "lazy-handle", "garbage"} and got["rules"]["guest-seconds"] > 600, got["rules"]
        got = equal(f"{title}: envelope of three, the paced one as ours", total, "--reference", *runs, "--", paced)
        got = equal(f"{title}: envelope of four", total, "--reference", *runs, paced, "--", runs[1])
        assert got["reference_runs"] == 4
        words = " ".join(j["what"] for j in got["jitter"])
        for named in ("VdSwap arg0", "KeTlsGetValue", "length of thread 7", "length of thread 2", "handle made at the first use"):
            assert named in words, (named, words)
        # Without the rule the paced run is not equal: the rule is what decides.
        status, got = diff("--no-rule", "guest-seconds", runs[0], paced)
        assert status == 1 and {d["call"] for d in got["divergences"]} == {"VdSwap", "KeTlsGetValue"}, got["classes"]
        ours = OURS / ("dolphin.xt" if title == "dolphin" else "VolumeFog.xt")
        if not ours.is_file():
            print(f"SKIPPED: no log of ours at {ours}")
            continue
        for log in (ours, ours.with_suffix(".jsonl")):
            equal(f"{title}: {log.name}", total, runs[0], log)
        equal(f"{title}: {ours.name} with itself", total, ours, ours)
        equal(f"{title}: ours in the envelope", total, "--reference", *runs, paced, "--", ours)
        status, got = diff(LOGS / f"{title}-initial-state.json", str(ours).replace(".xt", "-entry.json"))
        assert status == 0 and got["same"], [d for d in got["state_differences"] if not d["run_dependent"]]
        print("ok state at entry:", [d["where"] for d in got["state_differences"]])


main()
