#!/usr/bin/env python3
"""Writes the two logs of a scenario, schema v1: scenario.py NAME REFERENCE.jsonl OURS.jsonl, or --list.

`golden` is the case that this project was born from: one bump allocator in the other engine. The rest are the further steps of
that engine's path (public notes, see docs/parity.md), each alone: what its main thread saw, at the event where it saw it."""
import json
import sys

LR = 0x82100000
CALLS = {"RtlEnterCriticalSection": 293, "RtlLeaveCriticalSection": 304, "KeTlsGetValue": 340, "MmAllocatePhysicalMemoryEx": 186,
         "RtlImageXexHeaderField": 299, "KeWaitForMultipleObjects": 175, "XamContentCreateEnumerator": 0x265,
         "NtQueryFullAttributesFile": 231, "NtCreateFile": 210, "VdQueryVideoFlags": 456, "VdGetCurrentDisplayGamma": 437,
         "KeAcquireSpinLockAtRaisedIrql": 77, "KeReleaseSpinLockFromRaisedIrql": 137, "KeSetEvent": 157, "KeWaitForSingleObject": 176, "NtCreateEvent": 209,
         "NtWaitForSingleObjectEx": 253, "NtSetEvent": 246, "NtAllocateVirtualMemory": 204, "NtClose": 207, "MmGetPhysicalAddress": 190,
         "ExCreateThread": 13}
VOID = {"RtlEnterCriticalSection", "RtlLeaveCriticalSection", "KeAcquireSpinLockAtRaisedIrql", "KeReleaseSpinLockFromRaisedIrql", "VdGetCurrentDisplayGamma"}


def hexes(values):
    return ["0x%x" % v for v in values]


class Log:
    """One engine's log. `main` is the tid that its main thread has."""

    def __init__(self, path, engine, main):
        self.file = open(path, "w", encoding="utf-8")
        self.engine, self.main = engine, main
        self.index = {}
        self.calls = {}
        self.ns = 0
        self.emit("schema_version", 0, {"version": 1}, count=False)

    def emit(self, kind, tid, payload, count=True):
        index = self.index.get(tid, 0)
        if count:
            self.index[tid] = index + 1
        self.ns += 1000
        self.file.write(json.dumps({"schema_version": 1, "engine": self.engine, "kind": kind, "tid": tid, "tid_event_idx": index, "guest_cycle": 0,
                                    "host_ns": self.ns, "deterministic": True, "payload": payload}, separators=(",", ":")) + "\n")

    def begin(self, name, args, tid=None, lr=LR):
        tid = self.main if tid is None else tid
        self.emit("import.call", tid, {"ord": CALLS[name], "name": name, "module": "xboxkrnl.exe"})
        self.emit("kernel.call", tid, {"ord": CALLS[name], "name": name, "args": hexes(args), "lr": "0x%08x" % lr})
        self.calls[tid] = self.calls.get(tid, 0) + 1

    def end(self, name, result, out=None, tid=None):
        tid = self.main if tid is None else tid
        payload = {"name": name, "return_value": result % 2**64, "status": "0x%08x" % (result % 2**32)}
        if name in VOID:
            payload["void"] = True
        if out:
            payload["out"] = {"arg%d" % k: "0x%x" % v for k, v in out.items()}
        self.emit("kernel.return", tid, payload)

    def call(self, name, args, result=0, out=None, tid=None, lr=LR):
        self.begin(name, args, tid, lr)
        self.end(name, result, out, tid)

    def thread(self, tid, creator, main=False, entry=0x82000100, handle=0xF8000008):
        self.emit("handle.create", creator, {"raw_handle_id": "0x%08x" % handle, "object_type": "Thread"})
        self.emit("thread.create", creator, {"tid": tid, "handle": "0x%08x" % handle, "entry": "0x%08x" % entry, "creator_tid": creator, "guest": True,
                                             "main": main, "stack_base": "0x70190000", "stack_limit": "0x70150000"})


def sign(value):
    return value - 2**32 if value & 0x80000000 else value


def until(log, calls, seed=0):
    """Ordinary work of the main thread until it has made this many calls: locks, thread-local values, in a pattern that never repeats."""
    state = 12345 + seed
    while log.calls.get(log.main, 0) < calls:
        state = (state * 1103515245 + 12345) % 2**31
        lock = 0x82271000 + 0x20 * (state >> 8 & 63)
        left = calls - log.calls.get(log.main, 0)
        if state >> 16 & 1 and left >= 2:
            log.call("RtlEnterCriticalSection", [lock], lr=0x82089270)
            log.call("RtlLeaveCriticalSection", [lock], lr=0x820892B0)
        else:
            log.call("KeTlsGetValue", [state >> 20 & 7], 0x4000DA10 + 0x40 * (state >> 20 & 7), lr=0x82093098)


def golden(reference, ours):
    """Until 161 alike; MmAllocatePhysicalMemoryEx there; pointers into what it gave; the XEX header's field at 102,014."""
    for log, physical, header in ((reference, 0xBC220000, 0x3001F0E8), (ours, 0x40105000, 0)):
        is_reference = log is reference
        log.thread(log.main, 0, main=True)
        until(log, 53)
        log.call("MmAllocatePhysicalMemoryEx", [0, 0x8000, 0x20000004, 0, 0xFFFFFFFF, 0], sign(physical) if is_reference else physical)
        for i in range(40):
            log.call("RtlEnterCriticalSection", [physical + 0x10 * i], lr=0x82089280)
            log.call("RtlLeaveCriticalSection", [physical + 0x10 * i], lr=0x820892C0)
        until(log, 5000, 1)
        second = 0xBC200000 if is_reference else 0x4010D000
        log.call("MmAllocatePhysicalMemoryEx", [0, 0x10000, 0x20000004, 0, 0xFFFFFFFF, 0], sign(second) if is_reference else second)
        until(log, 34004, 2)
        log.call("RtlImageXexHeaderField", [0x3001F000, 0x20200], header)
        until(log, 34100, 3)


def lazy(reference, ours):
    """102,171: the reference makes an object of its own at the first wait; nothing for the title is different."""
    for log in (reference, ours):
        log.thread(log.main, 0, main=True)
        until(log, 34057)
        log.begin("KeWaitForMultipleObjects", [2, 0x7018F7F0, 1, 3, 1, 0, 0, 0])
        if log is reference:
            log.emit("handle.create", log.main, {"raw_handle_id": "0xf800000c", "object_type": "Event"})
            log.emit("handle.create", log.main, {"raw_handle_id": "0xf8000010", "object_type": "Event"})
        log.end("KeWaitForMultipleObjects", 0)
        file = 0xF8000014 if log is reference else 0xF800000C
        log.begin("NtCreateFile", [0x7018F380, 0x80100080, 0x7018F3B0, 0x7018F398, 0, 0x80, 1, 1, 0x60])
        log.emit("handle.create", log.main, {"raw_handle_id": "0x%08x" % file, "object_type": "File"})
        log.end("NtCreateFile", 0, {0: file})
        until(log, 34100, 1)
        log.begin("NtClose", [file])
        log.emit("handle.destroy", log.main, {"raw_handle_id": "0x%08x" % file, "object_type": "File"})
        log.end("NtClose", 0)


def result(calls, name, args, in_reference, in_ours):
    def write(reference, ours):
        for log, value in ((reference, in_reference), (ours, in_ours)):
            log.thread(log.main, 0, main=True)
            until(log, calls)
            log.call(name, args, value)
            until(log, calls + 60, 1)
    return write


def contention(reference, ours):
    """104,607: import 304 where the reference has 293: a lock is taken and released the other way round."""
    for log in (reference, ours):
        log.thread(log.main, 0, main=True)
        until(log, 34869)
        names = ["RtlEnterCriticalSection", "RtlLeaveCriticalSection"]
        for name in names if log is reference else names[::-1]:
            log.call(name, [0x82288000], lr=0x82090000)
        until(log, 34940, 1)


def gamma(reference, ours):
    """105,286: VdGetCurrentDisplayGamma against KeAcquireSpinLockAtRaisedIrql."""
    for log in (reference, ours):
        log.thread(log.main, 0, main=True)
        until(log, 35095)
        calls = [("VdGetCurrentDisplayGamma", [0x7018F000, 0x7018F004]), ("KeAcquireSpinLockAtRaisedIrql", [0x40005C60])]
        for name, args in calls if log is reference else calls[::-1]:
            log.call(name, args, lr=0x82070000)
        log.call("KeReleaseSpinLockFromRaisedIrql", [0x40005C60], lr=0x82070010)
        until(log, 35150, 1)


def other_thread(name, args, in_reference, in_ours):
    """The same on a thread that the title made, whose id differs between the engines."""
    def write(reference, ours):
        for log, tid, value in ((reference, 7, in_reference), (ours, 2, in_ours)):
            log.thread(log.main, 0, main=True)
            until(log, 100)
            log.begin("ExCreateThread", [0x7018F580, 0x10000, 0, 0, 0x82086378, 0x40004790, 0])
            log.thread(tid, log.main, entry=0x82086378, handle=0xF800000C)
            log.end("ExCreateThread", 0, {0: 0xF800000C})
            for i in range(20):
                log.call("KeTlsGetValue", [i], 0x40000000 + i, tid=tid)
            log.call(name, args, value, tid=tid)
            for i in range(20):
                log.call("KeTlsGetValue", [i], 0x40000000 + i, tid=tid)
            until(log, 200, 1)
    return write


def polarity(reference, ours):
    """NtCreateEvent made an auto-reset event where the title asked for a notification event: the second wait never ends."""
    for log in (reference, ours):
        log.thread(log.main, 0, main=True)
        until(log, 200)
        log.begin("NtCreateEvent", [0x7018F580, 0, 0, 0])
        log.emit("handle.create", log.main, {"raw_handle_id": "0xf800000c", "object_type": "Event"})
        log.end("NtCreateEvent", 0, {0: 0xF800000C})
        log.call("NtSetEvent", [0xF800000C, 0])
        for turn in range(2):
            log.begin("NtWaitForSingleObjectEx", [0xF800000C, 1, 0, 0])
            log.emit("wait.begin", log.main, {"handles": ["0xf800000c"], "mode": "single", "timeout": None, "alertable": False})
            if turn == 1 and log is ours:
                return
            log.emit("wait.end", log.main, {"status": "0x00000000"})
            log.end("NtWaitForSingleObjectEx", 0)
        until(log, 260, 1)


SCENARIOS = {
    "golden": golden,
    "lazy-object": lazy,
    "content-enumerator": result(34065, "XamContentCreateEnumerator", [0, 1, 1, 0, 1, 0x7018F000, 0x7018F004], 1317, 0),
    "warm-cache": result(34134, "NtQueryFullAttributesFile", [0x7018F400, 0x7018F420], 0, sign(0xC0000034)),
    "empty-file": result(34620, "NtCreateFile", [0x7018F380, 0x80100080, 0x7018F3B0, 0x7018F398, 0, 0x80, 1, 1, 0x60], sign(0xC0000034), 0),
    "lock-contention": contention,
    "video-flags": result(35045, "VdQueryVideoFlags", [], 3, 0),
    "display-gamma": gamma,
    "set-event": other_thread("KeSetEvent", [0x4000790C, 1, 0], 1, 0),
    "slow-wait": other_thread("KeWaitForSingleObject", [0x400047CC, 3, 1, 0, 0x701BFE70], 258, 0),
    "event-polarity": polarity,
}


def write(name, reference_path, ours_path):
    reference, ours = Log(reference_path, "canary", 6), Log(ours_path, "ours", 1)
    SCENARIOS[name](reference, ours)
    reference.file.close()
    ours.file.close()


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1] == "--list":
        print("\n".join(SCENARIOS))
    elif len(sys.argv) == 4 and sys.argv[1] in SCENARIOS:
        write(*sys.argv[1:4])
    else:
        sys.exit(__doc__)
