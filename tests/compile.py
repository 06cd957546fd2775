#!/usr/bin/env python3
"""`xenolith compile` and what `run` makes of it, `--perf-map`, vectors of `--shadow`: compile.py XENOLITH TITLE.xex. Skipped (77)
without the recompiler."""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

XENOLITH, TITLE = (pathlib.Path(a).resolve() for a in sys.argv[1:3])


def command(*arguments, **more):
    return subprocess.run([str(a) for a in (XENOLITH, *arguments)], capture_output=True, text=True, timeout=300, **more)


class Compile(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.at = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def compile(self, *options):
        done = command("compile", TITLE, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("\r", done.stderr) # no progress where nobody watches
        return list(map(int, re.search(r"units: (\d+) compiled, (\d+) in the cache before, (\d+) failed", done.stdout).groups())), done.stdout

    def test_run_finds_it(self):
        for tier in ("quick", "optimised"):
            (units, present, failed), text = self.compile("--tier", tier, "--jobs", "2", "--cache", self.at)
            self.assertGreater(units, 20)
            self.assertEqual((present, failed), (0, 0), text)
            for line in (r"instructions: \d+ compiled", r"us an instruction", r"cache: \d+ bytes, [\d.]+ a byte of guest code"):
                self.assertRegex(text, line)
            done = command("run", TITLE, "--tier", tier, "--cache", self.at, "--stats", "--state-hash")
            self.assertEqual(done.returncode, 0)
            self.assertEqual(done.stdout.splitlines()[-1], PLAIN.stdout.splitlines()[-1])
            compiled, hits = (int(re.search(p, done.stderr, re.M)[1]) for p in (r"^compiled: (\d+) units", r"^cache: (\d+) hits"))
            self.assertGreater(hits, 10)
            self.assertLess(compiled * 10, hits, done.stderr)
        # Automatic tiers take the better.
        done = command("run", TITLE, "--tier", "auto", "--cache", self.at, "--stats", "--state-hash")
        self.assertEqual(done.stdout, PLAIN.stdout)
        self.assertGreater(int(re.search(r"^cache: (\d+) hits", done.stderr, re.M)[1]), 0) # only what is jumped to a hundred times

    def test_again_compiles_nothing(self):
        (units, _, _), _ = self.compile("--tier", "quick", "--cache", self.at)
        self.assertEqual(self.compile("--tier", "quick", "--jobs", "1", "--cache", self.at)[0], [0, units, 0])

    def test_jobs_change_nothing(self):
        sums = {tuple(self.compile("--tier", "quick", "--jobs", n, "--cache", self.at / n)[0]) for n in ("1", "3")}
        self.assertEqual(len(sums), 1)

    def test_arguments(self):
        for options in ((), (TITLE, "--tier", "auto"), (TITLE, "--jobs", "0"), (TITLE, "--jobs", "x"), (TITLE, TITLE), (TITLE, "--cache-limit", "0")):
            self.assertEqual(command("compile", *options).returncode, 2, options)
        self.assertEqual(command("compile", TITLE, "--cache", "none").returncode, 2)
        self.assertEqual(command("compile", self.at / "none.xex").returncode, 100)
        self.assertEqual(command("compile", "--help").returncode, 0)
        (self.at / "file").write_text("")
        done = command("compile", TITLE, "--cache", self.at / "file/x")
        self.assertEqual(done.returncode, 100)

    def test_perf_map(self):
        p = subprocess.Popen([XENOLITH, "run", TITLE, "--tier", "quick", "--perf-map", "--cache", self.at], stdout=subprocess.DEVNULL)
        self.assertEqual(p.wait(60), 0)
        path = pathlib.Path(f"/tmp/perf-{p.pid}.map")
        lines = path.read_text().splitlines()
        path.unlink()
        self.assertGreater(len(lines), 10)
        for line in lines:
            self.assertRegex(line, r"^[0-9a-f]+ [0-9a-f]+ \S.* \[[0-9a-f]{8} quick\]$")
        self.assertEqual(list(pathlib.Path("/tmp").glob(f"perf-{p.pid}.map")), [])

    def test_shadow(self):
        done = command("run", TITLE, "--shadow", "--state-hash", "--cache", self.at, cwd=self.at)
        self.assertEqual((done.returncode, done.stdout), (0, PLAIN.stdout), done.stderr)
        pieces, compared, _, differences = map(int, re.search(r"shadow: (\d+) pieces, (\d+) .* (\d+) in the .* (\d+) differences", done.stderr).groups())
        self.assertEqual(differences, 0)
        self.assertGreater(compared, pieces)

    def test_vectors_that_end_at_a_safepoint(self):
        case = ('{"name": "loop", "base": "0x80010000", "entry": "0x80010004", "time": "6400", "cycles": "5", '
                '"code": "60000000 38630001 7c8c42e6 4bfffff8", "in": {"r3": "0x1"}, "expect": {"r3": "%s", "r4": "0x64"}}\n')
        for engine in ("interpreter", "quick", "recompiler"):
            for r3, status in (("0x3", 0), ("0x4", 1)):
                done = command("exec", "--engine", engine, "-", input=case % r3)
                self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual(command("exec", "-", input='{"code": "4e800020", "cycles": "x"}\n').returncode, 1)


PLAIN = command("run", TITLE, "--state-hash")
if command("exec", "--engine", "quick", "-", input="").returncode:
    print("skipped: built without the recompiler")
    sys.exit(77)
unittest.main(argv=sys.argv[:1])
