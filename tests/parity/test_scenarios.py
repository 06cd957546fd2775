#!/usr/bin/env python3
"""Every scenario gets its true class at its true event: test_scenarios.py XENOLITH [NAME...]"""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scenario  # noqa: E402

# name: (class or None, matched prefix of the main thread or of thread 7, call, field, what the reason must say)
EXPECTED = {
    "golden": ("beta", 161, "MmAllocatePhysicalMemoryEx", "r3", "0xBC220000 is in vA0000000 (64 KB pages, physical 0x1C220000"),
    "lazy-object": (None, 102303, None, None, None),
    "content-enumerator": ("status", 102197, "XamContentCreateEnumerator", "r3", ""),
    "warm-cache": ("status", 102404, "NtQueryFullAttributesFile", "r3", ""),
    "empty-file": ("status", 103862, "NtCreateFile", "r3", ""),
    "lock-contention": ("order", 104607, "RtlEnterCriticalSection", "call", ""),
    "video-flags": ("value", 105137, "VdQueryVideoFlags", "r3", ""),
    "display-gamma": ("order", 105285, "VdGetCurrentDisplayGamma", "call", ""),
    "set-event": ("value", 62, "KeSetEvent", "r3", ""),
    "slow-wait": ("status", 62, "KeWaitForSingleObject", "r3", ""),
    "event-polarity": ("wedge", 611, "NtWaitForSingleObjectEx", "wait", ""),
}


def diff(xenolith, *arguments):
    done = subprocess.run([xenolith, "diff", "--json", *arguments], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def check(xenolith, name, reference, ours):
    scenario.write(name, reference, ours)
    kind, matched, call, field, words = EXPECTED[name]
    status, got = diff(xenolith, reference, ours)
    assert status == (0 if kind is None else 1), (name, status)
    thread = got["threads"][0]
    if name in ("set-event", "slow-wait"):
        assert thread["first_divergence"] is None and thread["matched"] == thread["total"], thread
        thread = next(t for t in got["threads"] if t["reference_tid"] == 7)
        assert thread["tid"] == 2 and thread["matched_by"] == "creation", thread
    else:
        assert got["matched_prefix"] == matched, (name, got["matched_prefix"])
        assert (thread["reference_tid"], thread["tid"]) == (6, 1), thread
    assert thread["matched"] == matched, (name, thread)
    first = thread["first_divergence"]
    if kind is None:
        assert first is None and got["rules"]["lazy-handle"] == 2, got["rules"]
        return
    assert (first["class"], first["call"], first["field"], first["reference_index"]) == (kind, call, field, matched), first
    assert words in first["why"], first
    assert all(d["next"] and d["why"] for d in got["divergences"]), name
    if name != "golden":
        assert len([d for d in got["divergences"] if not d["tolerated"]]) == 1, got["divergences"]


def golden(xenolith, reference, ours):
    """Both verdicts: the region is wrong, the ordinal is tolerated; and how far it goes with the regions set aside."""
    status, got = diff(xenolith, reference, ours)
    assert got["matched_prefix"] == 161 and got["matched_prefix_by_ordinal"] == 102014
    assert got["rules"]["allocation-ordinal"] == 2 and got["rules"]["pointer-in-allocation"] == 80, got["rules"]
    beta, value = got["divergences"]
    assert beta["class"] == "beta" and beta["count"] == 2 and beta["reference_value"] == "0xffffffffbc220000" and beta["value"] == "0x40105000", beta
    assert "v40000000 (64 KB pages, virtual, not GPU-visible)" in beta["why"] and "tolerated" in beta["why"], beta["why"]
    assert len(beta["before"]) == len(beta["reference_before"]) == 10
    assert (value["class"], value["call"], value["reference_index"]) == ("value", "RtlImageXexHeaderField", 102014), value
    regions = {r["region"]: (r["reference_allocations"], r["allocations"], r["gpu_visible"]) for r in got["regions"]}
    assert regions == {"vA0000000": (2, 0, True), "v40000000": (0, 2, False)}, regions
    status, got = diff(xenolith, "--by-ordinal", reference, ours)
    assert status == 1 and got["matched_prefix"] == 102014 and got["threads"][0]["first_divergence"]["call"] == "RtlImageXexHeaderField"
    assert got["divergences"][0]["class"] == "beta", "the wrong region is reported in every mode"
    status, got = diff(xenolith, "--strict", reference, ours)
    assert status == 1 and got["matched_prefix"] == 161 and got["threads"][0]["first_divergence"]["class"] == "beta"
    status, got = diff(xenolith, "--no-rule", "pointer-in-allocation", reference, ours)
    assert any(d["class"] == "argument" for d in got["divergences"]), "a rule that is off tolerates nothing"


def bare(xenolith, reference, ours):
    """The same as bare lines: decimal against hexadecimal, sign- against zero-extended; the prefix counts lines."""
    with open(reference, "w") as r, open(ours, "w") as o:
        for i in range(400):
            r.write(json.dumps({"idx": i, "call": "KeTlsGetValue", "payload": {"return_value": 0xFFFFFFFFBC220000 + i, "status": "0x%x" % (0xBC220000 + i)}}) + "\n")
            value = 0xBC220000 + i if i != 161 else 5
            o.write(json.dumps({"idx": i, "call": "KeTlsGetValue", "payload": {"return_value": "0x%x" % value, "status": value}}) + "\n")
    status, got = diff(xenolith, reference, ours)
    assert status == 1 and got["matched_prefix"] == 161 and got["threads"][0]["first_divergence"]["class"] == "value", got["threads"]
    assert got["rules"]["sign-extension"] == 399, got["rules"]


def main():
    xenolith = sys.argv[1]
    names = sys.argv[2:] or list(scenario.SCENARIOS)
    assert set(EXPECTED) == set(scenario.SCENARIOS)
    with tempfile.TemporaryDirectory() as folder:
        reference, ours = f"{folder}/reference.jsonl", f"{folder}/ours.jsonl"
        for name in names:
            check(xenolith, name, reference, ours)
            if name == "golden":
                golden(xenolith, reference, ours)
            print("ok", name, flush=True)
        bare(xenolith, f"{folder}/reference.bare", f"{folder}/ours.bare")
        print("ok bare lines")


main()
