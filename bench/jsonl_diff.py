#!/usr/bin/env python3
"""What one writes in an evening to compare two logs of schema v1: jsonl_diff.py REFERENCE OURS. Each thread's lines side by side,
times and the engine's name left out; stops at a thread's first difference. `./dev bench parity` measures it beside the lab."""
import itertools
import json
import sys

LEFT_OUT = ("engine", "host_ns", "guest_cycle", "deterministic")


def lines(path):
    with open(path, encoding="utf-8") as f:
        for line in f:
            event = json.loads(line)
            for key in LEFT_OUT:
                event.pop(key, None)
            yield event


def main():
    waiting, stopped, matched = ({}, {}), set(), {}
    for pair in itertools.zip_longest(lines(sys.argv[1]), lines(sys.argv[2])):
        for side, event in enumerate(pair):
            if event is None or event["tid"] in stopped:
                continue
            tid = event["tid"]
            other = waiting[1 - side].get(tid)
            if not other:
                waiting[side].setdefault(tid, []).append(event)
            elif other.pop(0) == event:
                matched[tid] = matched.get(tid, 0) + 1
            else:
                stopped.add(tid)
                print(f"thread {tid} differs behind {matched.get(tid, 0)} events")
    print("matched", matched)
    sys.exit(1 if stopped else 0)


main()
