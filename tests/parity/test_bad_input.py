#!/usr/bin/env python3
"""Bad input gives clear errors or a counted, shown bad line; never a crash: test_bad_input.py XENOLITH"""
import gzip
import json
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scenario  # noqa: E402

XENOLITH = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1


def run(*arguments, data=None):
    done = subprocess.run([XENOLITH, *map(str, arguments)], capture_output=True, input=data, timeout=300)
    assert done.returncode in (0, 1, 2, 100), (arguments, done.returncode, done.stderr[-2000:])
    assert b"Sanitizer" not in done.stderr and b"runtime error" not in done.stderr, done.stderr[-3000:]
    return done


def diff(*arguments, data=None):
    done = run("diff", "--json", *arguments, data=data)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr.decode(errors="replace")


def main():
    rng = random.Random(SEED)
    print("seed", SEED)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        good, other = folder / "good.jsonl", folder / "other.jsonl"
        scenario.write("set-event", good, other)
        text = good.read_bytes()
        lines = text.splitlines(keepends=True)
        bad = folder / "bad.jsonl"

        def against(data, expected=None, key="bad"):
            bad.write_bytes(data)
            status, got, err = diff(good, bad)
            if expected is not None:
                assert got and got["inputs"][1][key] == expected, (got and got["inputs"], err)
            return status, got, err

        assert against(text)[0] == 0
        for data, words in ((b"", "empty"), (b"\n\n\n", "not an event log"), (b"hello\n" * 50, "not an event log"), (b"{}\n", "first line is not schema_version"),
                            (b"".join(lines[1:]), "first line is not schema_version"), (bytes(range(256)) * 40, "not an event log"),
                            (b"\x1f\x8b\x08\x00" + bytes(50), ""), (b"\x28\xb5\x2f\xfd" + bytes(50), ""), (b"XENTRACE" + bytes(3), "")):
            status, got, err = against(data)
            assert (status == 2 and words in err) or (words == "" and status in (1, 2)), (data[:20], status, err)
        assert diff(good, folder / "absent.jsonl")[0] == 2 and diff(good, folder)[0] == 2
        # Truncated in the middle of a line.
        status, got, _ = against(text[:len(text) // 2 + 17], 1)
        assert status == 1 and got["inputs"][1]["truncated"] and got["threads"][0]["first_divergence"]
        # Mixed with other things, each counted with its number.
        mixed = b"".join(lines[:40]) + b"i> 00000000 not json\n" + b"{\"idx\":0,\"call\":\"NtClose\"}\n" + b"\xff\xfe\x80\n" + b"".join(lines[40:])
        status, got, _ = against(mixed, 3)
        assert status == 0 and got["inputs"][1]["first_bad"] == 41, got["inputs"]
        # Non-UTF-8 inside a name, and inside a text that is only shown.
        status, got, _ = against(text.replace(b"KeSetEvent", b"KeSet\xffvent"), 3)
        # Wrong order: lines shuffled behind the first.
        shuffled = lines[1:]
        rng.shuffle(shuffled)
        assert against(lines[0] + b"".join(shuffled))[0] == 1
        # One long line: 40 MB in a pipe, never held as a whole.
        status, got, _ = diff(good, "-", data=b"".join(lines[:50]) + b"{\"kind\":\"" + b"x" * (40 << 20) + b"\"}\n" + b"".join(lines[50:]))
        assert status == 0 and got["inputs"][1]["bad"] == 1 and got["inputs"][1]["first_bad"] == 51, (status, got and got["inputs"])
        # Compressed, cut and flipped.
        packed = gzip.compress(text)
        assert against(packed, 0)[0] == 0
        status, got, _ = against(packed[:len(packed) * 2 // 3])
        assert status == 1 and got["inputs"][1]["truncated"]
        binary = folder / "good.xt"
        run("trace", "convert", good, binary)
        raw = binary.read_bytes()
        for form, data in (("schema", text), ("gzip", packed), ("binary", raw)):
            for _ in range(60):
                flipped = bytearray(data)
                for _ in range(rng.choice((1, 1, 3, 20))):
                    flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
                if rng.random() < 0.3:
                    flipped = flipped[:rng.randrange(len(flipped))]
                against(bytes(flipped))
            print("ok flipped", form, flush=True)
        # Text logs: colours, CRLF, levels, interleaved, wrapped and cut lines.
        log = folder / "x.log"
        run("trace", "convert", good, log)
        plain = log.read_text()
        rows = plain.splitlines()
        messy = ["Build: some build on some day", "i> 00000000 Loading"]
        for i, row in enumerate(rows):
            if i % 17 == 3:
                messy.append("\x1b[32m" + row + "\x1b[0m\r")
            elif i % 17 == 5:
                messy += [row[:30], row[30:]]
            elif i % 17 == 7:
                messy.append("!> F8000008 a warning (with brackets)" + row)
            elif i % 17 == 9:
                messy += [row, "w> 00000007 something else", "   its second line"]
            else:
                messy.append(row + "\r")
        bad.write_text("\n".join(messy) + "\nd> 00000006 NtClose(F80", newline="")
        status, got, err = diff(log, bad)
        assert status == 0 and got["inputs"][1]["bad"] == 1, (status, got and (got["inputs"], [d["reference_event"] for d in got["divergences"]][:2]), err)
        for _ in range(60):
            flipped = bytearray(bad.read_bytes())
            for _ in range(20):
                flipped[rng.randrange(len(flipped))] = rng.randrange(256)
            against(bytes(flipped))
        print("ok text logs")


main()
