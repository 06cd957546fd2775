#!/usr/bin/env python3
"""Compiled code on disk: cache.py XENOLITH TITLE.xex [failing_write.so]. A second start compiles nothing and does not open LLVM; damaged, foreign,
read-only, full and shared caches change nothing but the time. Skipped (77) without the recompiler."""
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

XENOLITH, TITLE = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
FAILING_WRITE = sys.argv[3] if len(sys.argv) > 3 else None
HEAD = 64 # bytes before the first record


def arguments(folder, *options):
    return [str(a) for a in (XENOLITH, "run", TITLE, "--tier", "quick", "--cache", folder, "--stats", "--state-hash", *options)]


def run(folder, *options, env=None, **more):
    done = subprocess.run(arguments(folder, *options), env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=120, **more)
    return done


class Result:
    def __init__(self, done):
        self.status, self.text = done.returncode, done.stderr
        self.state = re.search(r"^state (\w+)$", done.stdout, re.M)
        self.state = self.state and self.state[1]
        self.compiled = int((re.search(r"^compiled: (\d+) units", done.stderr, re.M) or [0, 0])[1])
        found = re.search(r"^cache: (\d+) hits .* (\d+) misses, (\d+) added, (\d+) discarded, (\d+) bytes", done.stderr, re.M)
        self.hits, self.misses, self.added, self.discarded, self.bytes = map(int, found.groups()) if found else (0, 0, 0, 0, 0)
        self.warnings = [line for line in done.stderr.splitlines() if "warning: recompiler" in line]


class Cache(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.at = pathlib.Path(self.folder.name) / "cache"

    def tearDown(self):
        self.folder.cleanup()

    def same(self, done):
        r = Result(done)
        self.assertEqual((r.status, r.state), (PLAIN.status, PLAIN.state), r.text)
        return r

    def cold(self):
        r = self.same(run(self.at))
        self.assertGreater(r.compiled, 10)
        self.assertEqual(r.added, r.compiled)
        self.assertEqual(r.warnings, [])
        return r

    def file(self):
        return next(self.at.glob("*.units"))

    def rebuilt(self, cold, at_least=1):
        """After damage: what is lost is compiled again, and the run behind that has everything."""
        r = self.same(run(self.at))
        self.assertGreaterEqual(r.compiled, at_least)
        self.assertEqual(r.compiled + r.hits, cold.compiled)
        warm = self.same(run(self.at))
        self.assertEqual((warm.compiled, warm.hits), (0, cold.compiled))
        return r

    def test_second_start_compiles_nothing(self):
        cold = self.cold()
        warm = self.same(run(self.at, env={"LD_DEBUG": "files"}))
        self.assertEqual((warm.compiled, warm.misses, warm.hits), (0, 0, cold.compiled))
        self.assertNotIn("libLLVM", warm.text)
        self.assertNotIn("xenolith-recompiler", warm.text)

    def test_none(self):
        r = self.same(run("none"))
        self.assertGreater(r.compiled, 10)
        self.assertEqual(r.bytes, 0)

    def test_default_folder(self):
        command = [a for a in arguments("none") if a not in ("--cache", "none")]
        base = pathlib.Path(self.folder.name)
        for env, folder in (({"XDG_CACHE_HOME": str(base / "x")}, base / "x/xenolith"),
                            ({"XDG_CACHE_HOME": "", "HOME": str(base / "h")}, base / "h/.cache/xenolith")):
            subprocess.run(command, env={**os.environ, **env}, capture_output=True, timeout=120, check=False)
            self.assertEqual(len(list(folder.glob("*.units"))), 1)

    def test_threads_compiled_from_nothing(self):
        """A title with many threads, nothing kept: also where a sanitizer looks for leaks at the end, with LLVM in the process."""
        for tier, name in (("interpreter", "i"), ("quick", "q"), ("optimised", "c"), ("optimised", "in/a/folder"), ("optimised", "in/another/one")):
            at = pathlib.Path(self.folder.name) / name # what the heap looks like depends on its length
            command = [XENOLITH, "run", TITLE.parent / "threads-and-events.xex", "--tier", tier, "--cache", at]
            done = subprocess.run(command, capture_output=True, text=True, timeout=240)
            self.assertEqual((done.returncode, done.stderr, done.stdout.splitlines()[-1]), (0, "", "threads-and-events: 44 checks, ok"))

    def test_verified(self):
        """The developers' variable: LLVM's verifier finds nothing wrong in any unit, one that calls itself included."""
        for tier in ("quick", "optimised"):
            command = [XENOLITH, "compile", TITLE.parent / "exception.xex", "--tier", tier, "--cache", self.at]
            done = subprocess.run(command, env={**os.environ, "XENOLITH_RC_VERIFY": "1"}, capture_output=True, text=True, timeout=240)
            self.assertRegex(done.stdout, r"units: [1-9]\d+ compiled, 0 in the cache before, 0 failed")

    def test_dump(self):
        """The developers' variable: each unit's IR and code, also out of the sandbox; what cannot be written is left out."""
        at = pathlib.Path(self.folder.name)
        r = self.same(run("none", env={"XENOLITH_RC_DUMP": str(at)}))
        for kind in ("ll", "bin"):
            self.assertEqual(len(list(at.glob("*." + kind))), r.compiled)
        for wrong in (at / "absent", at / "00000000.ll" / "x", next(at.glob("*.ll"))):
            self.assertEqual(self.same(run("none", env={"XENOLITH_RC_DUMP": str(wrong)})).compiled, r.compiled)

    def test_flipped_bits(self):
        cold = self.cold()
        good = self.file().read_bytes()
        source = random.Random(1)
        for count in (1, 3, 200):
            data = bytearray(good)
            for _ in range(count):
                data[source.randrange(HEAD, len(data))] ^= 1 << source.randrange(8)
            self.file().write_bytes(data)
            self.rebuilt(cold, 0)
        data = bytearray(good)
        for i in range(HEAD, len(data), 100):
            data[i] ^= 0x10
        self.file().write_bytes(data)
        self.assertGreater(self.rebuilt(cold, 5).discarded, 0)

    def test_truncated(self):
        cold = self.cold()
        good = self.file().read_bytes()
        for length in (0, 1, HEAD - 1, HEAD, HEAD + 7, len(good) // 2, len(good) - 1):
            self.file().write_bytes(good[:length])
            self.rebuilt(cold)

    def test_foreign(self):
        cold = self.cold()
        good = self.file().read_bytes()
        other_version = bytearray(good)
        other_version[24] ^= 1
        for data in (other_version, b"something else\n" * 1000, os.urandom(50000), good[:HEAD] + os.urandom(50000), good[:HEAD] + bytes(70000)):
            self.file().write_bytes(data)
            self.rebuilt(cold, cold.compiled)
        # Another version's records under this version's head do not match either.
        self.file().write_bytes(good[:HEAD] + b"\x01" + good[HEAD + 1:])
        self.rebuilt(cold)

    def test_not_a_folder(self):
        self.at.write_text("a file")
        r = self.same(run(self.at))
        self.assertEqual(len(r.warnings), 1, r.text)
        self.assertGreater(r.compiled, 10)

    def test_link_in_the_way(self):
        self.cold()
        name = self.file()
        target = pathlib.Path(self.folder.name) / "precious"
        target.write_text("mine")
        name.unlink()
        name.symlink_to(target)
        self.assertEqual(len(self.same(run(self.at)).warnings), 1)
        self.assertEqual(target.read_text(), "mine")

    def test_read_only(self):
        other = {}
        if os.getuid() == 0: # who may write everywhere
            other = {"user": 65534, "group": 65534, "extra_groups": []}
            os.chmod(self.folder.name, 0o755)
            if subprocess.run([XENOLITH, "version"], capture_output=True, check=False, **other).returncode or \
               subprocess.run(["test", "-r", TITLE], check=False, **other).returncode:
                self.skipTest("another user cannot read the build")
        cold = self.cold()
        whole = self.file().read_bytes()
        for keep, warnings in ((len(whole), 0), (len(whole) // 2, 1)):
            self.file().write_bytes(whole[:keep])
            self.file().chmod(0o444)
            self.at.chmod(0o555)
            r = self.same(run(self.at, **other))
            self.assertEqual(len(r.warnings), warnings, r.text)
            self.assertEqual(r.compiled + r.hits, cold.compiled)
            self.at.chmod(0o755)
            self.file().chmod(0o644)
            self.assertEqual(self.file().stat().st_size, keep)

    def test_full_disk(self):
        if not FAILING_WRITE:
            self.skipTest("a sanitizer comes first")
        cold = self.cold()
        limit = self.file().stat().st_size // 2
        self.file().unlink()
        r = self.same(run(self.at, env={"LD_PRELOAD": FAILING_WRITE, "FAILING_WRITE_BYTES": str(limit)}))
        self.assertEqual(len(r.warnings), 1, r.text)
        self.assertIn("No space left", r.warnings[0])
        self.assertGreater(r.added, 0)
        self.assertLess(r.added, cold.compiled)
        self.rebuilt(cold)

    def test_concurrent(self):
        many = [subprocess.Popen(arguments(self.at), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
        for p in many:
            out, err = p.communicate(timeout=240)
            r = self.same(subprocess.CompletedProcess([], p.returncode, out, err))
            self.assertEqual(r.discarded, 0)
        warm = self.same(run(self.at))
        self.assertEqual((warm.compiled, warm.discarded), (0, 0))
        self.assertGreater(warm.hits, 10)

    def test_killed(self):
        for seconds in (0.1, 0.2, 0.3, 0.5, 0.8):
            p = subprocess.Popen(arguments(self.at), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                p.wait(seconds)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.same(run(self.at))
        warm = self.same(run(self.at))
        self.assertEqual(warm.compiled, 0)

    def test_limit(self):
        """Old files go first; the folder stays below its limit."""
        self.at.mkdir()
        for i in range(8):
            old = self.at / f"old{i}.units"
            old.write_bytes(bytes(150000))
            os.utime(old, (1000 + i, 1000 + i))
        (self.at / "notes.txt").write_bytes(bytes(10))
        self.same(run(self.at, "--cache-limit", "1"))
        left = sorted(p.name for p in self.at.iterdir())
        self.assertNotIn("old0.units", left)
        self.assertIn("old7.units", left)
        self.assertIn("notes.txt", left)
        self.assertLessEqual(sum(p.stat().st_size for p in self.at.glob("*.units")), 1 << 20)


plain = subprocess.run([XENOLITH, "run", TITLE, "--state-hash"], capture_output=True, text=True, timeout=120, check=False)
PLAIN = Result(plain)
probe = run("none")
if "libxenolith-recompiler.so" in probe.stderr:
    print("skipped: built without the recompiler")
    sys.exit(77)
unittest.main(argv=sys.argv[:1], verbosity=2)
