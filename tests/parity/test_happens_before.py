#!/usr/bin/env python3
"""Lawful interleavings are no divergence, unlawful ones are `order`: test_happens_before.py XENOLITH [LAWFUL UNLAWFUL [SEED]]

A random program of several threads (events of both kinds made by NtCreateEvent, guest KEVENTs whose kind no log tells, semaphores,
threads that make threads) runs under a random scheduler that keeps the kernel's rules. Another schedule of the same program is
lawful by construction. Unlawful: everything that a signalling thread does from its signal on comes behind the wake that needed it,
or a thread's first call comes before its creation."""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scenario  # noqa: E402

XENOLITH = sys.argv[1]
LAWFUL, UNLAWFUL = (int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 3 else (60, 60)
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 1
scenario.CALLS.update({"NtCreateSemaphore": 213, "NtReleaseSemaphore": 243})
MAIN = 6


class Program:
    """Operations of each thread: ("work", n), ("set", o), ("wait", o), ("start", thread). Thread 0 is the main one."""

    def __init__(self, rng):
        self.objects = [rng.choice(("auto", "manual", "semaphore", "guest-auto", "guest-manual")) for _ in range(rng.randrange(2, 6))]
        threads = rng.randrange(2, 5)
        self.operations = [[] for _ in range(threads)]
        starts = list(range(1, threads))
        for turn in range(rng.randrange(20, 60)):
            for t in range(threads):
                if rng.random() < 0.5:
                    self.operations[t].append(("work", rng.randrange(1, 5)))
            kind = rng.random()
            o = rng.randrange(len(self.objects))
            setter, waiter = rng.sample(range(threads), 2)
            if kind < 0.8:
                self.operations[setter].append(("set", o))
                self.operations[waiter].append(("wait", o))
                if self.objects[o].endswith("manual") and kind < 0.3:
                    self.operations[waiter].append(("wait", o))
            if starts and rng.random() < 0.6:
                self.operations[0].append(("start", starts.pop(0)))
        self.operations[0] = [("start", t) for t in starts] + self.operations[0]
        # A wait can only come before its signal's thread is made if nobody needs it there: starts go first among the waits of main.
        first = next((i for i, op in enumerate(self.operations[0]) if op[0] == "wait"), len(self.operations[0]))
        late = [op for op in self.operations[0][first:] if op[0] == "start"]
        self.operations[0] = self.operations[0][:first] + late + [op for op in self.operations[0][first:] if op[0] != "start"]

    def handle(self, o):
        return 0x40004000 + 0x20 * o if self.objects[o].startswith("guest") else 0xF8000100 + 4 * o


def execute(program, rng):
    """Events [(thread, kind, payload, note)] under one random schedule, or None where it hangs."""
    events, count = [], len(program.operations)
    signals, at, running, waiting, phase = [0] * len(program.objects), [0] * count, {0}, {}, [0] * count

    def call(t, name, args, lr, note=None):
        events.append((t, "import.call", {"ord": scenario.CALLS[name], "name": name, "module": "xboxkrnl.exe"}, None))
        events.append((t, "kernel.call", {"ord": scenario.CALLS[name], "name": name, "args": scenario.hexes(args), "lr": "0x%08x" % lr}, note))

    def back(t, name, out=None):
        payload = {"name": name, "return_value": 0, "status": "0x00000000"}
        events.append((t, "kernel.return", payload | ({"out": out} if out else {}), None))

    for o, kind in enumerate(program.objects):
        h = program.handle(o)
        if kind in ("auto", "manual"):
            call(0, "NtCreateEvent", [0x7018F580, 0, 1 if kind == "auto" else 0, 0], 0x82000500)
        elif kind == "semaphore":
            call(0, "NtCreateSemaphore", [0x7018F580, 0, 0, 1000], 0x82000510)
        else:
            continue
        events.append((0, "handle.create", {"raw_handle_id": "0x%08x" % h, "object_type": "Semaphore" if kind == "semaphore" else "Event"}, None))
        back(0, "NtCreateSemaphore" if kind == "semaphore" else "NtCreateEvent", {"arg0": "0x%08x" % h})
    while True:
        ready = [t for t in running if at[t] < len(program.operations[t]) and (t not in waiting or signals[waiting[t]])]
        if not ready:
            done = all(at[t] == len(program.operations[t]) for t in range(count)) and len(running) == count
            return events if done else None
        t = rng.choice(ready)
        what, value = program.operations[t][at[t]]
        if what == "work":
            for i in range(value):
                call(t, "KeTlsGetValue", [i], 0x82000600 + at[t] * 4)
                back(t, "KeTlsGetValue")
        elif what == "start":
            call(t, "ExCreateThread", [0x7018F580, 0x10000, 0, 0, 0x82086000, value, 0], 0x82000700)
            events.append((t, "thread.create", {"tid": MAIN + value, "handle": "0x%08x" % (0xF8000010 + 4 * value), "entry": "0x%08x" % (0x82086000 + value),
                                                "creator_tid": MAIN, "guest": True}, ("made", value)))
            back(t, "ExCreateThread")
            running.add(value)
        elif what == "set":
            guest, semaphore = program.objects[value].startswith("guest"), program.objects[value] == "semaphore"
            name = "KeSetEvent" if guest else "NtReleaseSemaphore" if semaphore else "NtSetEvent"
            call(t, name, [program.handle(value)] + ([1, 0] if guest else [1, 0] if semaphore else [0]), 0x82000800 + at[t] * 4, ("set", value))
            back(t, name)
            signals[value] = signals[value] + 1 if semaphore else 1
        else:
            guest = program.objects[value].startswith("guest")
            name = "KeWaitForSingleObject" if guest else "NtWaitForSingleObjectEx"
            if t not in waiting:
                call(t, name, [program.handle(value)] + ([3, 1, 0, 0] if guest else [1, 0, 0]), 0x82000900 + at[t] * 4)
                events.append((t, "wait.begin", {"handles": ["0x%08x" % program.handle(value)], "mode": "single", "timeout": None, "alertable": False}, ("begin", value)))
                waiting[t] = value
                continue # it goes on when it is chosen again and the object is signalled
            if not program.objects[value].endswith("manual"):
                signals[value] -= 1
            del waiting[t]
            events.append((t, "wait.end", {"status": "0x00000000"}, ("wake", value)))
            back(t, name)
        at[t] += 1


def write(path, events, tids):
    with open(path, "w", encoding="utf-8") as f:
        index = {}
        rows = [(0, "schema_version", {"version": 1}),
                (0, "thread.create", {"tid": tids(0), "handle": "0xf8000008", "entry": "0x82000100", "creator_tid": 0, "guest": True, "main": True})]
        for t, kind, payload, _ in events:
            rows.append((tids(t), kind, payload | ({"tid": tids(payload["tid"] - MAIN)} if kind == "thread.create" else {})))
        for n, (tid, kind, payload) in enumerate(rows):
            f.write(json.dumps({"schema_version": 1, "engine": "test", "kind": kind, "tid": tid, "tid_event_idx": index.get(tid, 0), "guest_cycle": 0,
                                "host_ns": n * 1000, "deterministic": True, "payload": payload}) + "\n")
            index[tid] = index.get(tid, 0) + 1


def proof(events, o, until):
    """Waits for an object that found no signal left over, and waited for the next one."""
    sets = wakes = count = 0
    begun = {}
    for t, _, _, note in events[:until + 1]:
        if note == ("set", o):
            sets += 1
        elif note == ("begin", o):
            begun[t] = (sets, wakes)
        elif note == ("wake", o):
            count = 0 if sets < wakes + 1 else count + (0 < begun[t][0] <= begun[t][1])
            wakes += 1
    return count


def behind_the_wake(program, events, rng):
    """(events, thread): a wake that needed the last signal before it, with that signal's thread held back until it is over."""
    choices = []
    for w, (t, _, _, note) in enumerate(events):
        if not note or note[0] != "wake":
            continue
        o, kind = note[1], program.objects[note[1]]
        sets = [i for i in range(w) if events[i][3] == ("set", o)]
        wakes = sum(events[i][3] == ("wake", o) for i in range(w))
        needed = {"auto": len(sets) == wakes + 1, "semaphore": len(sets) == wakes + 1}.get(kind, len(sets) == 1)
        # Of a guest KEVENT nobody tells the kind: only waits that waited again and again after a signal show it.
        if kind == "guest-auto" and len(sets) == wakes + 1 and proof(events, o, w) >= 8:
            needed = True
        if needed and events[sets[-1]][0] != t and not any(events[i][3] is not None and events[i][1] == "thread.create" for i in range(sets[-1], w)):
            choices.append((w, sets[-1]))
    if not choices:
        return None
    w, s = rng.choice(choices)
    setter, t = events[s][0], events[w][0]
    end = w + 1
    while not (events[end][0] == t and events[end][1] == "kernel.return"):
        end += 1
    s -= 1 # its import.call
    held = [e for e in events[s:end + 1] if e[0] == setter]
    before = events[:s] + [e for e in events[s:w] if e[0] != setter] # what comes before the wake now
    sets, wakes = (sum(e[3] == (what, events[w][3][1]) for e in before) for what in ("set", "wake"))
    if sets > wakes or (sets and program.objects[events[w][3][1]].endswith("manual")):
        return None # its thread had taken a signal in between, and leaves it now
    return events[:s] + [e for e in events[s:end + 1] if e[0] != setter] + held + events[end + 1:], t


def before_creation(events, rng):
    made = [(i, e[3][1]) for i, e in enumerate(events) if e[1] == "thread.create"]
    made = [(i, t) for i, t in made if sum(e[0] == t for e in events) > 3]
    if not made:
        return None
    i, t = rng.choice(made)
    first = [k for k, e in enumerate(events) if e[0] == t][:2] # its first call, before it is made
    call = [events[k] for k in first]
    rest = [e for k, e in enumerate(events) if k not in first]
    i = next(k for k, e in enumerate(rest) if e[1] == "thread.create" and e[3] == ("made", t))
    return rest[:i] + call + rest[i:], t


def diff(a, b):
    done = subprocess.run([XENOLITH, "diff", "--json", a, b], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def main():
    rng = random.Random(SEED)
    print("seed", SEED)
    lawful = found = creations = programs = 0
    with tempfile.TemporaryDirectory() as folder:
        a, b = f"{folder}/a.jsonl", f"{folder}/b.jsonl"
        while lawful < LAWFUL or found < UNLAWFUL:
            program = Program(rng)
            reference = execute(program, rng)
            if not reference:
                continue
            programs += 1
            write(a, reference, lambda t: MAIN + t)
            for _ in range(4 if lawful < LAWFUL else 0):
                ours = execute(program, rng)
                if not ours or lawful >= LAWFUL:
                    continue
                write(b, ours, lambda t: 1 + t)
                status, got = diff(a, b)
                assert status == 0 and got["same"], ("lawful", program.objects, program.operations, got["divergences"][:1])
                lawful += 1
            for _ in range(3 if found < UNLAWFUL else 0):
                broken = before_creation(reference, rng) if found % 5 == 4 else behind_the_wake(program, reference, rng)
                if not broken:
                    break
                write(b, broken[0], lambda t: 1 + t)
                status, got = diff(a, b)
                order = [d for d in got["divergences"] if d["class"] == "order" and d["reference_tid"] == MAIN + broken[1]]
                assert status == 1 and order, ("unlawful", found, program.objects, broken[1], [(d["class"], d["call"], d["why"]) for d in got["divergences"]][:4])
                found += 1
                creations += order[0]["field"] == "call"
    print(f"{programs} programs: {lawful} lawful schedules without a divergence, {found} unlawful ones found ({creations} of creation)")


main()
