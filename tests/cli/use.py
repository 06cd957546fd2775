#!/usr/bin/env python3
"""What every command has in common: use.py XENOLITH MANPAGE. Help with an example, errors in one style, exit statuses as their
table says, completion, the manual page."""
import os
import pathlib
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

XENOLITH, PAGE = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
ROOT = pathlib.Path(__file__).resolve().parents[2]


def command(*arguments):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=60)


COMMANDS = re.findall(r"^  (\w+) ", command(XENOLITH, "help").stdout, re.M)


class Use(unittest.TestCase):
    def test_help_has_usage_and_example(self):
        self.assertGreater(len(COMMANDS), 8)
        for name in COMMANDS:
            done = command(XENOLITH, name, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertTrue(done.stdout.startswith(f"usage: xenolith {name}"), name)
            self.assertRegex(done.stdout, rf"(?m)^ *(Examples?:)? *.*xenolith {name}.*$", name)
            self.assertIn("Example", done.stdout, name)
            self.assertLess(max(map(len, done.stdout.splitlines())), 140, name)

    def test_errors_name_command_and_file(self):
        with tempfile.TemporaryDirectory() as folder:
            absent = f"{folder}/absent"
            for arguments in (("info", absent), ("run", absent), ("check", absent, "-n", "1"), ("disasm", absent), ("exec", absent), ("trace", "stat", absent),
                              ("trace", "cat", absent), ("pack", absent, "-o", f"{folder}/out")):
                done = command(XENOLITH, *arguments)
                self.assertEqual(done.returncode, 100, arguments)
                self.assertEqual(done.stderr, f"xenolith {arguments[0]}: {absent}: No such file or directory\n")

    def test_unknown_options_are_usage_errors(self):
        for name in set(COMMANDS) - {"help"}:
            done = command(XENOLITH, name, "--no-such-option")
            self.assertEqual((done.returncode, done.stdout), (2, ""), name)
            self.assertTrue(done.stderr, name)

    def test_exit_statuses_are_those_of_the_source(self):
        source = re.search(r"enum cli_status \{(.*?)\};", (ROOT / "src/cli/cli.h").read_text(), re.S)[1]
        want = {name: int(number) for name, number in re.findall(r"(CLI_\w+) = (\d+)", source)}
        told = {name: int(number) for number, name in re.findall(r"^\| (\d+) \| `(\w+)` \|", (ROOT / "docs/exit-statuses.md").read_text(), re.M)}
        self.assertEqual(told, want)
        self.assertGreater(len(want), 6)

    def test_manual_page(self):
        text = PAGE.read_text()
        for name in COMMANDS:
            self.assertIn(f".SH {name.upper()}\n", text)
        self.assertIn("\\-\\-max\\-time SECONDS", text)
        if shutil.which("groff"):
            done = command("groff", "-man", "-Tutf8", "-ww", PAGE)
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def complete(self, *words):
        line = " ".join(f"'{word}'" for word in words)
        done = command("bash", "-c", f"source <({XENOLITH} completion bash); COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _xenolith; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_completion(self):
        self.assertEqual(set(self.complete(XENOLITH, "")), {*COMMANDS, "help"})
        self.assertEqual(self.complete(XENOLITH, "expl"), ["explain"])
        self.assertEqual(self.complete(XENOLITH, "run", "--state"), ["--state-at-entry", "--state-hash"])
        self.assertEqual(self.complete(XENOLITH, "info", str(ROOT / "READ")), [str(ROOT / "README.md")])
        for name in COMMANDS:
            self.assertIn("--help", [*self.complete(XENOLITH, name, "--"), "--help"])

    def test_info_lists_what_is_lacking(self):
        title = PAGE.parent.parent.parent / "guest/hello.xex"
        if not title.exists():
            self.skipTest("no sample")
        done = command(XENOLITH, "info", title)
        self.assertRegex(done.stdout, r"(?m)^Absent in this build: \d+ of \d+ imports$")
        self.assertRegex(done.stdout, r"(?m)^Partial in this build: \d+ of \d+ imports$")

    def first_words(self, terminal, *arguments):
        """What a long command says on standard error within its first seconds, until it speaks of per cent. Then it is ended."""
        ours, its = pty.openpty() if terminal else os.pipe()
        run = subprocess.Popen([str(a) for a in (XENOLITH, *arguments)], stdout=subprocess.DEVNULL, stderr=its)
        os.close(its)
        os.set_blocking(ours, False)
        said, end = b"", time.monotonic() + (60 if terminal else 2.5)
        while b"%" not in said and time.monotonic() < end and run.poll() is None:
            try:
                said += os.read(ours, 1000)
            except BlockingIOError:
                time.sleep(0.02)
        run.kill()
        run.wait()
        os.close(ours)
        return said.decode()

    def test_progress_on_a_terminal(self):
        title = PAGE.parent.parent.parent / "guest/hello.xex"
        if not title.exists() or not shutil.which("zstd"):
            self.skipTest("no sample, or no zstd")
        with tempfile.TemporaryDirectory() as folder:
            short, log = f"{folder}/short.jsonl", f"{folder}/long.jsonl.zst"
            command(XENOLITH, "run", title, "--trace", short)
            first, rest = pathlib.Path(short).read_bytes().split(b"\n", 1)
            pack = subprocess.Popen(["zstd", "-q", "-o", log], stdin=subprocess.PIPE)
            pack.stdin.write(first + b"\n")
            for _ in range(40):
                pack.stdin.write(rest * 1000)
            pack.stdin.close()
            self.assertEqual(pack.wait(), 0)
            for arguments in (("trace", "stat", log), ("trace", "cat", log), ("trace", "convert", log, f"{folder}/out.xtrace"),
                              ("trace", "export", "--perfetto", f"{folder}/out.json", log), ("wedge", log)):
                self.assertRegex(self.first_words(True, *arguments), r"\[#*\.*\] +\d+ %", arguments)
            self.assertEqual(self.first_words(False, "trace", "stat", log), "")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
