#!/usr/bin/env python3
"""`run --shadow` end to end: shadow.py XENOLITH TITLE.xex RECOMPILER.so WRONG.so. With a recompiler that makes a mistake it says what differs
and where, ends with status 100, and writes a vector that `exec` runs: the interpreter passes, the wrong engine does not, the right
one does. With a right one it is silent."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

XENOLITH, TITLE, REAL, WRONG = (pathlib.Path(a).resolve() for a in sys.argv[1:5])
CASE = "xenolith-shadow.jsonl"


class Shadow(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        shutil.copy(XENOLITH, self.folder / "xenolith")
        shutil.copy(WRONG, self.folder / "libxenolith-recompiler.so")  # the one beside the program is taken first

    def tearDown(self):
        self.temporary.cleanup()

    def call(self, wrong, *arguments):
        env = {**os.environ, "XENOLITH_REAL": str(REAL)}
        if wrong:
            env["XENOLITH_WRONG"] = "1"
        return subprocess.run([self.folder / "xenolith", *map(str, arguments)], cwd=self.folder, env=env, capture_output=True, text=True, timeout=200)

    def shadow(self, wrong, tier):
        return self.call(wrong, "run", TITLE, "--shadow", "--tier", tier, "--cache", "none", "--stats")

    def test_a_mistake_is_found(self):
        for tier in "quick", "optimised":
            (self.folder / CASE).unlink(missing_ok=True)
            done = self.shadow(True, tier)
            self.assertEqual(done.returncode, 100, done.stderr)
            self.assertIn("1 differences", done.stderr)
            self.assertIn(CASE, done.stderr)
            case = json.loads((self.folder / CASE).read_text())
            self.assertTrue(case["name"].startswith("shadow-"))
            self.assertIn("entry", case)
            engine = "quick" if tier == "quick" else "recompiler"
            self.assertEqual(self.call(False, "exec", CASE).returncode, 0)
            self.assertEqual(self.call(False, "exec", "--engine", engine, CASE).returncode, 0)
            again = self.call(True, "exec", "--engine", engine, CASE)
            self.assertNotEqual(again.returncode, 0, again.stdout + again.stderr)
            self.assertIn(case["name"], again.stdout + again.stderr)

    def test_none_is_none(self):
        done = self.shadow(False, "quick")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(" 0 differences", done.stderr)
        self.assertNotIn(" 0 instructions compared", done.stderr)
        self.assertFalse((self.folder / CASE).exists())


if not REAL.exists():
    print("skipped: built without the recompiler")
    sys.exit(77)
unittest.main(argv=sys.argv[:1])
