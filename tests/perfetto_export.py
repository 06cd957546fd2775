#!/usr/bin/env python3
"""`xenolith trace export --perfetto` of two runs: perfetto_export.py XENOLITH SAMPLE.xex"""
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

XENOLITH, SAMPLE = sys.argv[1:3]


def main():
    with tempfile.TemporaryDirectory() as folder:
        log, out = pathlib.Path(folder) / "a.xtrace", pathlib.Path(folder) / "out.json"
        subprocess.run([XENOLITH, "run", SAMPLE, "--trace", log], check=True, capture_output=True)
        lines = subprocess.run([XENOLITH, "trace", "cat", log], check=True, capture_output=True, text=True).stdout.splitlines()
        subprocess.run([XENOLITH, "trace", "export", "--perfetto", out, log, log], check=True, capture_output=True)
        events = json.loads(out.read_text())["traceEvents"]
        calls = sum(" from " in line and "(" in line for line in lines)
        tracks = collections.defaultdict(list)
        for e in events:
            tracks[e["pid"], e["tid"]].append(e)
        assert {e["pid"] for e in events} == {1, 2}, "two runs are two processes"
        for pid in (1, 2):
            slices = [e for e in events if e["ph"] == "B" and e["pid"] == pid]
            assert sum(e["cat"] == "kernel" for e in slices) == calls > 50, "a slice for each call"
            assert any(e["cat"] == "wait" for e in slices)
        for key, track in tracks.items():
            depth, last = 0, 0.0
            for e in track:
                if e["ph"] == "M":
                    continue
                assert e["ts"] >= last, f"time runs back on {key}"
                last = e["ts"]
                depth += {"B": 1, "E": -1}.get(e["ph"], 0)
                assert depth >= 0, f"an end without a beginning on {key}"
            assert depth == 0, f"{key} has open slices"
        names = [e["args"]["name"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"]
        assert any("(main)" in name for name in names)
        bad = subprocess.run([XENOLITH, "trace", "export", "--perfetto", out, "no such file"], capture_output=True)
        assert bad.returncode == 100, bad


main()
