#!/usr/bin/env python3
"""Faults of the host under the command line: faults.py XENOLITH SDK [FAILING_MALLOC].
Every allocation failing in turn (not in sanitizer builds, which bring their own malloc), full disks, folders that may not be
written, pipes that close, a killed writer of a log. Each must end with its status and a message, or leave what can be read."""
import os
import pathlib
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

XENOLITH, SDK = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
SHIM = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
ROOT = pathlib.Path(__file__).resolve().parent.parent
ENV = {**os.environ, "XENOLITH": str(XENOLITH), "XENOLITH_SDK": str(SDK)}


def command(*arguments, **options):
    return subprocess.run([str(a) for a in arguments], env=options.pop("env", ENV), capture_output=True, timeout=120, **options)


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.at = pathlib.Path(cls.temporary.name)
        for name, source in (("hello", "guest/samples/hello.c"), ("files", "guest/samples/files.c"), ("busy", "tests/guest/busy.c")):
            done = command(ROOT / "guest/bin/xcc", "-o", cls.at / f"{name}.xex", ROOT / source)
            assert done.returncode == 0, done.stderr

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    # ---- Memory

    def failing(self, n, all_from_there, arguments):
        env = {**ENV, "LD_PRELOAD": str(SHIM), "XENOLITH_FAIL_AT": str(n), "XENOLITH_FAIL_COUNT": str(self.at / "count")}
        if all_from_there:
            env["XENOLITH_FAIL_ALL"] = "1"
        return command(XENOLITH, *arguments, env=env)

    def every_allocation(self, *arguments):
        """Either the n-th failure changes nothing, or the command ends with 100 and a message. Never a signal."""
        if not SHIM:
            self.skipTest("a sanitizer brings its own malloc")
        whole = self.failing(0, False, arguments)
        self.assertEqual(whole.returncode, 0, whole.stderr)
        count = int((self.at / "count").read_text())
        self.assertGreater(count, 10)
        for n in range(1, count + 1):
            for all_from_there in (False, True) if n % 7 == 0 else (False,):
                done = self.failing(n, all_from_there, arguments)
                good = (done.returncode, done.stdout) == (0, whole.stdout) or (done.returncode == 100 and done.stderr.startswith(b"xenolith"))
                self.assertTrue(good, f"allocation {n} of {count}: status {done.returncode}\n{done.stderr.decode()}")
        return count

    def test_allocations_of_info(self):
        self.every_allocation("info", self.at / "hello.xex")

    def test_allocations_of_info_json(self):
        self.every_allocation("info", "--json", self.at / "hello.xex")

    def test_allocations_of_run(self):
        self.every_allocation("run", self.at / "hello.xex", "--trace", self.at / "hello.xtrace", "--state-hash")

    def test_allocations_of_run_with_json_lines(self):
        self.every_allocation("run", self.at / "hello.xex", "--trace", self.at / "hello.jsonl")

    # ---- Files

    def fails(self, done, *words):
        self.assertEqual(done.returncode, 100, done.stderr)
        self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr.decode())

    def test_log_on_a_full_disk(self):
        os.symlink("/dev/full", self.at / "full.jsonl")
        for path in ("/dev/full", self.at / "full.jsonl"):
            self.fails(command(XENOLITH, "run", self.at / "hello.xex", "--trace", path), "No space left")

    def test_log_on_a_disk_that_fills_up(self):
        if not SHIM:
            self.skipTest("needs the library that fails")
        for name in ("filling.xtrace", "filling.jsonl"):
            for n in (1, 2, 3, 5, 8):
                env = {**ENV, "LD_PRELOAD": str(SHIM), "XENOLITH_FAIL_WRITE": str(n)}
                done = command(XENOLITH, "run", self.at / "busy.xex", "--max-time", "1", "--trace", self.at / name, env=env)
                self.assertEqual(done.returncode, 100, done.stderr)
                self.assertIn("No space left", done.stderr.decode())
                if n > 1:
                    self.assertRegex(done.stderr.decode(), r"\d+ of \d+ events lost")
                    self.assertEqual(command(XENOLITH, "trace", "stat", self.at / name).returncode, 0)

    def test_standard_output_on_a_full_disk(self):
        for arguments in (("info", self.at / "hello.xex"), ("info", "--json", self.at / "hello.xex"), ("run", self.at / "hello.xex"), ("explain", "0x82000000")):
            with open("/dev/full", "w") as full:
                done = subprocess.run([XENOLITH, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=120)
            self.fails(done, f"xenolith {arguments[0]}: standard output: No space left")

    def test_packing_to_a_full_disk_or_a_missing_folder(self):
        command(ROOT / "guest/bin/xcc", "-o", self.at / "p.xex", "--keep-elf", self.at / "p.elf", ROOT / "guest/samples/hello.c")
        self.fails(command(XENOLITH, "pack", self.at / "p.elf", "-o", self.at / "absent/p.xex"), "absent/p.xex")

    def test_read_only_folder(self):
        folder = self.at / "locked"
        folder.mkdir()
        for name in ("hello", "files"):
            (folder / f"{name}.xex").write_bytes((self.at / f"{name}.xex").read_bytes())
        self.at.chmod(0o755)
        folder.chmod(0o555)
        somebody = {"user": 65534} if os.geteuid() == 0 else {} # root may write anywhere
        try:
            for options in ((), ("--writable",)):
                done = command(XENOLITH, "run", folder / "hello.xex", *options, **somebody)
                self.assertEqual(done.returncode, 0, done.stderr)
            self.fails(command(XENOLITH, "run", folder / "hello.xex", "--trace", folder / "t", **somebody), "locked/t: Permission denied")
            done = command(XENOLITH, "run", folder / "files.xex", "--writable", **somebody)
            self.assertIn(b"a new file: NO", done.stdout) # the title is told, and goes on
            self.assertIn(done.returncode, range(1, 100), done.stderr)
            self.assertEqual(sorted(os.listdir(folder)), ["files.xex", "hello.xex"])
        finally:
            folder.chmod(0o755)

    # ---- Pipes

    def test_closed_pipe_ends_quietly(self):
        for arguments in (f"run {self.at}/busy.xex", f"info --json {self.at}/hello.xex", f"disasm {self.at}/hello.xex --all"):
            done = subprocess.run(["bash", "-c", f"set -o pipefail; {XENOLITH} {arguments} | head -n 1"], env=ENV, capture_output=True, timeout=60)
            self.assertEqual(done.stdout.count(b"\n"), 1, arguments)
            self.assertEqual(done.stderr, b"", arguments)

    def test_pipe_closed_from_the_start_where_the_signal_is_ignored(self):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([XENOLITH, "info", self.at / "hello.xex"], stdout=writer, stderr=subprocess.PIPE, restore_signals=False,
                              preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN), timeout=60)
        os.close(writer)
        self.fails(done, "standard output: Broken pipe")

    # ---- A writer that is killed

    def test_killed_writer_leaves_a_log(self):
        for name in ("killed.xtrace", "killed.jsonl"):
            for delay in (0.2, 0.5, 1.0):
                path = self.at / name
                path.unlink(missing_ok=True)
                run = subprocess.Popen([XENOLITH, "run", self.at / "busy.xex", "--trace", path], stdout=subprocess.DEVNULL)
                end = time.monotonic() + 30
                while time.monotonic() < end and (not path.exists() or path.stat().st_size < 20000):
                    time.sleep(0.02)
                time.sleep(delay)
                run.send_signal(signal.SIGKILL)
                self.assertEqual(run.wait(), -signal.SIGKILL)
                done = command(XENOLITH, "trace", "stat", path)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(b"kernel.call", done.stdout)
                if path.suffix == ".xtrace": # JSON Lines have no end mark
                    self.assertIn("cut off", done.stderr.decode())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
