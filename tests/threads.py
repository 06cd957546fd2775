#!/usr/bin/env python3
"""Threads that compile, in a build with a thread sanitizer: threads.py XENOLITH SAMPLE.xex. The sanitizer ends a run in which it finds
something with status 66. By hand, because a third build takes over a minute: docs/fuzzing.md."""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

XENOLITH, SAMPLE = sys.argv[1:3]
DOLPHIN = pathlib.Path(__file__).resolve().parent.parent / "corpus/dolphin/dolphin.xex"


class Threads(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def run_it(self, *arguments):
        done = subprocess.run([XENOLITH, *arguments, "--cache", self.folder.name], capture_output=True, text=True, timeout=280)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("ThreadSanitizer", done.stderr)
        return done.stdout + done.stderr

    def test_compile_with_jobs(self):
        self.assertGreater(int(re.search(r"units: (\d+) compiled", self.run_it("compile", SAMPLE, "--jobs", "3"))[1]), 20)

    @unittest.skipUnless(DOLPHIN.exists(), "corpus/dolphin is not there: ./dev corpus")
    def test_title_with_the_compiling_thread(self):
        for found in ("added", "hits"):
            text = self.run_it("run", str(DOLPHIN), "--tier", "auto", "--frames", "1000", "--stats")
            self.assertGreater(int(re.search(r"compiled: (\d+) units", text)[1]), 0, text)
            self.assertGreater(int(re.search(rf"(\d+) {found}", text)[1]), 0, text)


unittest.main(argv=sys.argv[:1], verbosity=2)
