#!/usr/bin/env python3
"""Bad files and titles that err, under `xenolith run` and `info`: bad_input.py XENOLITH SDK.
Each must end with its documented status and a clear message; a title's crash with registers and backtrace."""
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import unittest

XENOLITH, SDK = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
ROOT = pathlib.Path(__file__).resolve().parent.parent
ENV = {**os.environ, "XENOLITH": str(XENOLITH), "XENOLITH_SDK": str(SDK)}


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.at = pathlib.Path(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def command(self, *arguments):
        return subprocess.run([str(a) for a in arguments], env=ENV, capture_output=True, text=True, timeout=120, cwd=self.at)

    def build(self, number, *options):
        out = self.at / f"bad{number}.xex"
        done = self.command(ROOT / "guest/bin/xcc", "-O1", "-w", f"-DBAD={number}", "-o", out, ROOT / "tests/guest/bad.c", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return out

    def expect(self, done, status, *messages):
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        for message in messages:
            self.assertRegex(done.stderr, message)

    def crash(self, number, *messages, options=()):
        done = self.command(XENOLITH, "run", self.build(number), *options)
        self.assertIn(f"bad {number}\n", done.stdout)
        self.expect(done, 101, *messages)
        self.assertRegex(done.stderr, r"(?m)^  pc [0-9a-f]{8}  lr [0-9a-f]{8}")
        self.assertRegex(done.stderr, r"backtrace \(return addresses\):\n  [0-9a-f]{8}")

    # ---- Titles that err

    def test_read_of_unmapped_memory(self):
        self.crash(1, r"read of 0x50000000 \(v40000000\) at 0x820[0-9a-f]{5}")

    def test_write_to_code(self):
        self.crash(2, r"write of 0x8201[0-9a-f]{4} \(v80000000\)")

    def test_null_call(self):
        self.crash(3, r"call or jump to 0x00000000, a null function pointer, from 0x820")

    def test_jump_to_unmapped_memory(self):
        self.crash(4, r"jump to 0x60000000, which is not mapped")

    def test_stack_overflow(self):
        self.crash(5, r"guard page: the stack overflowed")

    def test_endless_loop(self):
        done = self.command(XENOLITH, "run", self.build(6), "--max-time", "0.3")
        self.expect(done, 103, "time limit", r"(?m)^  thread 6: ")

    def test_illegal_instruction(self):
        self.crash(7, r"illegal instruction 0x00000000 at 0x820")

    def test_trap(self):
        self.crash(8, r"trap instruction 0x7fe00008 at 0x820")

    def test_wedge(self):
        done = self.command(XENOLITH, "run", self.build(9))
        self.expect(done, 104, "every thread of the title waits", r"thread 6: waiting for f80000")

    def test_bad_pointers_are_statuses(self):
        done = self.command(XENOLITH, "run", self.build(10))
        self.expect(done, 0)
        self.assertEqual(done.stdout, "bad 10\nc0000005\nc0000005\n")

    def test_bug_check(self):
        self.crash(11, r"KeBugCheckEx\(0xdead, 0x1, 0x2, 0x3, 0x4\)")

    # ---- Files

    def both(self, path, *messages, status=100):
        for command in (("info",), ("run", "--max-time", "5")):
            done = self.command(XENOLITH, command[0], path, *command[1:])
            self.expect(done, status, *messages)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def file(self, name, data):
        path = self.at / name
        path.write_bytes(data)
        return path

    def test_empty_file(self):
        self.both(self.file("empty.xex", b""), "empty.xex")

    def test_text_file(self):
        self.both(self.file("text.xex", b"This is no executable at all.\n" * 10), "text.xex")

    def test_missing_file(self):
        self.both(self.at / "absent.xex", "absent.xex: No such file")

    def test_folder(self):
        self.both(self.at, "not a regular file")

    def test_truncated_file(self):
        whole = self.build(1).read_bytes()
        for size in (4, 24, 100, 400, len(whole) // 2):
            done = self.command(XENOLITH, "run", self.file("cut.xex", whole[:size]), "--max-time", "5")
            self.expect(done, 100, "cut.xex")

    def test_entry_outside_the_image(self):
        whole = bytearray(self.build(1).read_bytes())
        at = whole.index(struct.pack(">I", 0x00010100)) + 4
        whole[at:at + 4] = struct.pack(">I", 0x10000000)
        done = self.command(XENOLITH, "run", self.file("entry.xex", bytes(whole)))
        self.expect(done, 100, "(?i)entry point 0x10000000")

    def test_wrong_key(self):
        elf = self.build(1, "-Wl,--gc-sections").read_bytes()
        whole = bytearray(elf)
        # Encrypted with a key that nobody has: flip the encryption word of the file format header and spoil the key.
        at = whole.index(struct.pack(">I", 0x000003FF)) + 4
        offset = struct.unpack(">I", whole[at:at + 4])[0]
        whole[offset + 4:offset + 6] = b"\0\1"
        done = self.command(XENOLITH, "run", self.file("key.xex", bytes(whole)))
        self.expect(done, 100, "(?i)key")
        done = self.command(XENOLITH, "run", self.at / "key.xex", "--key", "00" * 15)
        self.expect(done, 100, "(?i)key")

    def test_bad_arguments(self):
        for arguments in (("run",), ("run", "--frames", "many", "x.xex"), ("run", "--pace", "warp", "x.xex"), ("run", "--nonsense"),
                          ("check", "x.xex"), ("run", "a.xex", "b.xex")):
            self.expect(self.command(XENOLITH, *arguments), 2)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=0)
