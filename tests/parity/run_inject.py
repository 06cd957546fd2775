#!/usr/bin/env python3
"""Mutates the logs that are here: run_inject.py PARITY_INJECT SHARED [OPTIONS]. Exit status 77: there is none."""
import os
import pathlib
import sys

logs = [pathlib.Path(sys.argv[2]) / "reference-logs" / f"{name}.jsonl.zst" for name in ("dolphin-run1", "fog-run1")]
logs += [pathlib.Path(os.environ.get("XENOLITH_LOGS", "/work/logs")) / f"{name}.xt" for name in ("dolphin", "VolumeFog")]
logs = [str(log) for log in logs if log.is_file()]
if not logs:
    print("SKIPPED: no reference logs and none of ours to mutate")
    sys.exit(77)
os.execv(sys.argv[1], [sys.argv[1], *sys.argv[3:], *logs])
