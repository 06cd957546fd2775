#!/usr/bin/env python3
"""What `xenolith exec` says of good, bad and malformed cases: exec.py XENOLITH"""
import json
import subprocess
import sys

BLR = "4e800020"
# The line, and what its result has. A text for "error" is a part of the message.
CASES = [
    ({"name": "values", "code": BLR, "in": {"r3": "0x5", "v127": "0x1", "cr": "0x80000000"}, "mem": {"0x10000000": "01 02"},
      "out": ["r3", "lr", "v127", "cr", "mem:0x10000000:4"]},
     {"out": {"r3": "0x0000000000000005", "lr": "0x00000000bcbcbcbc", "v127": "0x" + "0" * 31 + "1", "cr": "0x80000000",
              "mem:0x10000000:4": "01020000"}}),
    ({"name": "numbers", "code": BLR, "in": {"r3": -1, "r4": 18446744073709551615, "r5": "16"},
      "expect": {"r3": "0xFFFFFFFFFFFFFFFF", "r4": "0xffffffffffffffff", "r5": "0x00010"}}, {"pass": True}),
    ({"name": "wrong", "code": BLR, "expect": {"r3": 1}}, {"pass": False, "wrong": {"r3": "0x0000000000000000"}}),
    ({"name": "cleared", "code": BLR, "expect": {"mem:0x10000000:4": "0x0"}}, {"pass": True}),
    ({"name": "mapped", "code": "80640000" + BLR, "in": {"r4": "0x20000000"}, "mem": {"0x20000000": "00000001"}, "expect": {"r3": 1}},
     {"pass": True}),
    ({"name": "unmapped", "code": "80640000" + BLR, "in": {"r4": "0x20000000"}, "expect": {"r3": 1}},
     {"pass": False, "error": "read fault at 0x20000000"}),
    ({"name": "given lr", "code": BLR, "in": {"lr": "0x10000000"}, "expect": {"lr": 268435456}}, {"pass": True}),
    ({"name": "base", "code": f"48000005 7c6802a6 {BLR}", "base": "0x82001000", "out": ["r3"]}, {"pass": False, "error": "budget"}),
    ({"name": "after a longer code", "code": "60000000", "expect": {}}, {"pass": False, "error": "illegal instruction 0x00000000 at 0x80000004"}),
    ({"name": "illegal", "code": "00000000"}, {"pass": False, "error": "illegal instruction"}),
    ({"name": "endless", "code": "48000000"}, {"pass": False, "error": "budget"}),
    ({"name": "jump", "code": "4e800420", "in": {"ctr": "0x20"}}, {"pass": False, "error": "unmapped memory at 0x00000020"}),
    ({"name": "trap", "code": "7fe00008"}, {"pass": False, "error": "trap"}),
    ({"name": "system call", "code": "44000002"}, {"pass": False, "error": "system call"}),
    ({"name": "no code"}, {"pass": False, "error": "code"}),
    ({"name": "bad code", "code": "zz"}, {"pass": False, "error": "word 0"}),
    ({"name": "bad register", "code": BLR, "in": {"r99": 1}}, {"pass": False, "error": "r99"}),
    ({"name": "bad value", "code": BLR, "in": {"r3": "0x11111111111111111"}}, {"pass": False, "error": "r3"}),
    ({"name": "bad bytes", "code": BLR, "mem": {"0x10000000": "123"}}, {"pass": False, "error": "pairs of hex digits"}),
    ({"name": "bad base", "code": BLR, "base": "0x80000002"}, {"pass": False, "error": "base"}),
    ({"name": "end of memory", "code": BLR, "mem": {"0xFFFFFFFF": "0011"}}, {"pass": False, "error": ""}),
    ('{"name": "cut off"', {"pass": False, "error": "line"}),
    ("[]", {"pass": False, "error": "not a JSON object"}),
]


def main():
    text = "".join((case if isinstance(case, str) else json.dumps(case)) + "\n" for case, _ in CASES)
    run = subprocess.run([sys.argv[1], "exec", "-"], input=text, capture_output=True, text=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    bad = 0 if len(lines) == len(CASES) else 1
    for (case, want), have in zip(CASES, lines):
        name = case["name"] if isinstance(case, dict) and "name" in case else ""
        good = have["name"] == name and all(
            v in have.get("error", "") and "error" in have if k == "error" else have.get(k) == v for k, v in want.items())
        if not good:
            bad += 1
            print("case", case, "\n  want", want, "\n  have", have)
    failed = sum(want.get("pass") is False for _, want in CASES)
    if run.returncode != 1 or run.stderr.strip() != f"{len(CASES) - failed} passed, {failed} failed":
        bad += 1
        print("status", run.returncode, run.stderr)
    return 1 if bad else 0


sys.exit(main())
