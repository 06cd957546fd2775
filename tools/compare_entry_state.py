#!/usr/bin/env python3
"""Compares two entry states (the reference's and ours) before any event: compare_entry_state.py REFERENCE.json OURS.json.

Left out: what boot-facts.md section 10 lists (create time, the suspend count that ends as the main thread is let go, KeTimeStampBundle, KPCR+0x38), host-only fields, thunk addresses of
variable imports, and whatever only one side has. Prints each difference; exit status 0 when there is none."""
import json
import sys

differences = []


def differ(where, reference, ours):
    if str(reference).lower() != str(ours).lower():
        differences.append(f"{where}: {reference} / {ours}")


def masked(text, ranges):
    for start, size in ranges:
        text = text[:2 * start] + "0" * (2 * size) + text[2 * (start + size):]
    return text


def differ_bytes(where, reference, ours, skip=()):
    a, b = masked(reference, skip), masked(ours, skip)
    for i in range(0, max(len(a), len(b)), 8):
        if a[i:i + 8] != b[i:i + 8]:
            differences.append(f"{where}+0x{i // 2:x}: {a[i:i + 8]} / {b[i:i + 8]}")


def regions(state):
    return {(h["base"], r["base"]): (int(str(r["size"]), 0), r["alloc_base"], int(str(r["alloc_size"]), 0), r["state"], r["protect"])
            for h in state["heaps"] for r in h["regions"]}


reference, ours = (json.load(open(path)) for path in sys.argv[1:3])
for key in ("entry", "tid"):
    differ(key, reference[key], ours[key])
for key, value in reference["registers"].items():
    differ(f"register {key}", value, ours["registers"][key])
for key in ("kpcr", "kthread", "kprocess", "tls_static", "stack_base", "stack_limit"):
    differ(f"thread {key}", reference["thread"][key], ours["thread"][key])
differ_bytes("KPCR", reference["thread"]["kpcr_bytes"], ours["thread"]["kpcr_bytes"], [(0x38, 8)])
differ_bytes("KTHREAD", reference["thread"]["kthread_bytes"], ours["thread"]["kthread_bytes"], [(0x130, 8), (0xBC, 1)])
differ_bytes("KPROCESS", reference["thread"]["kprocess_bytes"], ours["thread"]["kprocess_bytes"])
theirs, mine = regions(reference), regions(ours)
for key in sorted(theirs.keys() | mine.keys()):
    differ(f"region {key[1]}", theirs.get(key), mine.get(key))
for a, b in zip(reference["objects"], ours["objects"]):
    for key in ("handles", "type", "guest_object"):
        differ(f"object {a['handles'][0]} {key}", a[key], b[key])
differ("objects", len(reference["objects"]), len(ours["objects"]))
for key in ("entry", "stack_size", "base", "image_size", "title_id", "path"):
    differ(f"module {key}", reference["module"][key], ours["module"][key])
theirs, mine = ({(i["lib"], i["ordinal"]): i for i in s["imports"]} for s in (reference, ours))
for key in sorted(theirs.keys() | mine.keys()):
    a, b = theirs.get(key), mine.get(key)
    if not a or not b:
        differences.append(f"import {key}: only in {'the reference' if a else 'ours'}")
        continue
    for field in ("name", "value_address", "value") + (("thunk_address", "thunk_bytes") if a["value"] == "0xdeadc0de" else ()):
        differ(f"import {a['name']} {field}", a[field], b[field])
    if a["name"] != "KeTimeStampBundle" and a.get("target_bytes"):
        differ_bytes(f"variable {a['name']}", a["target_bytes"], b.get("target_bytes", ""))
# The masked hashes of the reference's dump change even pages without imports (see docs/parity.md): raw ones decide.
differ("image", reference["image_hashes"]["whole_raw_sha256"], ours["image_hashes"]["whole_raw_sha256"])
for name, file in reference["game_folder"].items():
    differ(f"file {name}", file["sha256"], ours["game_folder"].get(name, {}).get("sha256"))
differ("xex_file", reference["xex_file"]["sha256"], ours["xex_file"]["sha256"])
for line in differences:
    print(line)
print(f"{len(differences)} differences")
sys.exit(1 if differences else 0)
