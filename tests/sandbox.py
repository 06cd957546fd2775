#!/usr/bin/env python3
"""The sandbox of `xenolith run` from outside: sandbox.py XENOLITH SDK [OLD_HOST OLD_KERNEL]. What it says, what the running process gave up, and that
logs, entry states, maps and the title's files still work. Skipped (77) in builds and on hosts without it."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

XENOLITH, SDK = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
OLD_HOST, OLD_KERNEL = (pathlib.Path(a).resolve() for a in sys.argv[3:5]) if len(sys.argv) > 4 else (None, None)
ROOT = pathlib.Path(__file__).resolve().parent.parent
ENV = {**os.environ, "XENOLITH": str(XENOLITH), "XENOLITH_SDK": str(SDK)}


def command(*arguments):
    return subprocess.run([str(a) for a in arguments], env=ENV, capture_output=True, text=True, timeout=120)


def build(source, out):
    done = command(ROOT / "guest/bin/xcc", "-w", "-o", out, ROOT / source)
    if done.returncode:
        sys.exit(done.stderr)
    return out


class Sandbox(unittest.TestCase):
    def test_says_so(self):
        done = command(XENOLITH, "run", HELLO, "--verbose")
        self.assertIn("sandbox: files: only those of the title; system calls: no network, no program, no process", done.stderr)
        self.assertNotIn("sandbox", command(XENOLITH, "run", HELLO).stderr)

    def test_can_be_turned_off(self):
        done = command(XENOLITH, "run", HELLO, "--verbose", "--no-sandbox")
        self.assertEqual(done.returncode, 0)
        self.assertIn("sandbox: none: --no-sandbox", done.stderr)

    def status(self, *options):
        """Lines of /proc/PID/status of a running title."""
        run = subprocess.Popen([XENOLITH, "run", BUSY, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            run.stdout.readline() # the title runs
            text = pathlib.Path(f"/proc/{run.pid}/status").read_text()
        finally:
            run.kill()
            run.stdout.close()
            run.wait()
        return {key: int(re.search(rf"^{key}:\s*(\d+)", text, re.M)[1]) for key in ("NoNewPrivs", "Seccomp")}

    def test_running_process(self):
        self.assertEqual(self.status(), {"NoNewPrivs": 1, "Seccomp": 2})
        self.assertEqual(self.status("--no-sandbox")["Seccomp"], int(re.search(r"Seccomp:\s*(\d)", pathlib.Path("/proc/self/status").read_text())[1]))

    @unittest.skipIf(os.nice(0) >= 5, "the tests are nicer than that thread")
    def test_compiling_thread_is_nice(self):
        """It comes after the running one, which the sandbox must let it say."""
        if "libxenolith-recompiler.so" in command(XENOLITH, "run", HELLO, "--tier", "auto", "--cache", "none").stderr:
            self.skipTest("built without the recompiler")
        run = subprocess.Popen([XENOLITH, "run", BUSY, "--tier", "auto", "--cache", "none"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            nice, end = [], time.monotonic() + 60
            while len(set(nice)) < 2 and time.monotonic() < end:
                time.sleep(0.05)
                nice = [int((task / "stat").read_text().rpartition(")")[2].split()[16]) for task in pathlib.Path(f"/proc/{run.pid}/task").iterdir()]
            self.assertEqual(sorted(nice), [os.nice(0), 5])
        finally:
            run.kill()
            run.wait()

    def test_hosts_without_it(self):
        """The run goes on, the same, and --verbose says what the host lacks."""
        if not OLD_HOST:
            self.skipTest("needs tests/fault/old_host.c")
        whole = command(XENOLITH, "run", HELLO, "--state-hash").stdout
        files, calls = "files: only those of the title", "system calls: no network, no program, no process"
        for lacks, says in ((("landlock",), ("files: all (the host has no landlock: Function not implemented)", calls)),
                            (("seccomp",), (files, "system calls: all (the host has no seccomp: Invalid argument)")),
                            (("landlock", "seccomp"), ("files: all (the host has no landlock", "system calls: all (the host has no seccomp")),
                            (("no-new-privs",), ("sandbox: none: no_new_privs: Invalid argument",))):
            done = command(OLD_HOST, *lacks, "--", XENOLITH, "run", HELLO, "--verbose", "--state-hash")
            self.assertEqual((done.returncode, done.stdout), (0, whole), (lacks, done.stderr))
            for words in says:
                self.assertIn(words, done.stderr)
            quiet = command(OLD_HOST, *lacks, "--", XENOLITH, "check", HELLO, "-n", "100000")
            self.assertEqual((quiet.returncode, quiet.stderr), (0, ""), lacks)

    def test_kernels_that_set_segments(self):
        """Compiled code needs one, and asks an old kernel for it."""
        if not OLD_KERNEL:
            self.skipTest("needs tests/fault/old_kernel.c")
        whole = command(XENOLITH, "run", HELLO, "--state-hash")
        done = command("env", f"LD_PRELOAD={OLD_KERNEL}", XENOLITH, "run", HELLO, "--state-hash", "--tier", "optimised", "--cache", "none")
        self.assertEqual((done.returncode, done.stdout), (0, whole.stdout), done.stderr)

    def test_check_is_in_it_too(self):
        check = subprocess.Popen([XENOLITH, "check", BUSY, "-n", "100000000000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 20
            while time.monotonic() < end and "Seccomp:\t2" not in pathlib.Path(f"/proc/{check.pid}/status").read_text():
                time.sleep(0.05)
            self.assertIn("Seccomp:\t2", pathlib.Path(f"/proc/{check.pid}/status").read_text())
            self.assertIn("NoNewPrivs:\t1", pathlib.Path(f"/proc/{check.pid}/status").read_text())
        finally:
            check.kill()
            check.wait()

    def test_everything_else_works(self):
        with tempfile.TemporaryDirectory() as name:
            at = pathlib.Path(name)
            (at / "map").write_text(" 0001:00000000  main  82010000 f\n")
            outcomes = []
            for number, off in enumerate(((), ("--no-sandbox",))):
                out = at / str(number)
                out.mkdir()
                done = command(XENOLITH, "run", HELLO, "--trace", out / "log.xtrace", "--state-at-entry", out / "state.json", "--state-hash", "--map", at / "map", "--stats", *off)
                self.assertEqual(done.returncode, 0, done.stderr)
                json_lines = command(XENOLITH, "run", HELLO, "--trace", out / "log.jsonl", *off)
                self.assertEqual(json_lines.returncode, 0, json_lines.stderr)
                outcomes.append((done.stdout, (out / "log.xtrace").read_bytes(), (out / "log.jsonl").read_bytes(), (out / "state.json").read_bytes()))
            self.assertEqual(*outcomes)


def main():
    said = command(XENOLITH, "run", HELLO, "--verbose").stderr
    if "system calls: no network" not in said or "files: only" not in said:
        print("skipped: " + next((line for line in said.splitlines() if "sandbox" in line), "the sandbox says nothing"))
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)


with tempfile.TemporaryDirectory() as folder:
    HELLO, BUSY = build("guest/samples/hello.c", pathlib.Path(folder) / "hello.xex"), build("tests/guest/busy.c", pathlib.Path(folder) / "busy.xex")
    main()
