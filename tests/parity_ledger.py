#!/usr/bin/env python3
"""`xenolith parity run`, `log` and `bisect` on a scripted repository whose "engine" is a shell script: parity_ledger.py XENOLITH"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

XENOLITH = pathlib.Path(sys.argv.pop(1)).resolve()
ENGINE = "#!/bin/sh\n# engine LOG: {fault} results differ from the call with that number on\n"


def lines(engine, differs_at=None):
    """Bare lines of one thread: 100 calls."""
    out = []
    for i in range(100):
        value = 7 if differs_at is not None and i >= differs_at else 3
        out.append(json.dumps({"idx": i, "call": "VdQueryVideoFlags", "payload": {"return_value": value, "status": f"0x{value:08x}"}}))
    return "\n".join(out) + "\n"


class Ledger(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.at = pathlib.Path(self.folder.name)
        self.git("init", "-q")
        (self.at / "reference.jsonl").write_text(lines("canary"))
        (self.at / "config.json").write_text(json.dumps({
            "title": "toy", "reference": ["reference.jsonl"], "command": f"cp {self.at}/out.jsonl {{log}}", "log": "run.jsonl", "ledger": "ledger.txt"}))

    def git(self, *arguments):
        env = {**os.environ, "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t",
               "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z", "GIT_CONFIG_GLOBAL": "/dev/null"}
        return subprocess.run(["git", "-C", str(self.at), *arguments], check=True, capture_output=True, text=True, env=env).stdout.strip()

    def parity(self, *arguments):
        return subprocess.run([XENOLITH, "parity", *map(str, arguments)], capture_output=True, text=True, cwd=self.at, timeout=120)

    def commit(self, message, script):
        (self.at / "engine").write_text("#!/bin/sh\n" + script)
        (self.at / "note").write_text(message)
        self.git("add", "engine", "note", "reference.jsonl")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD")

    def test_run_appends_and_log_draws(self):
        commit = self.commit("first", "true\n")
        (self.at / "out.jsonl").write_text(lines("ours", 40))
        done = self.parity("run", "config.json")
        self.assertEqual(done.returncode, 1, done.stderr + done.stdout)
        (self.at / "out.jsonl").write_text(lines("ours"))
        self.assertEqual(self.parity("run", "config.json", "--dry", "--date", "2026-01-03").returncode, 0)
        done = self.parity("run", "config.json", "--date", "2026-01-03", "--commit", "abc")
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        self.assertIn("the prefix grew: 40 at " + commit[:12], done.stdout)
        rows = [row for row in (self.at / "ledger.txt").read_text().splitlines() if not row.startswith("#")]
        self.assertEqual(len(rows), 2)
        self.assertTrue(rows[0].startswith(f"2026-01-02 {commit[:12]} toy matched=40 total=100 "), rows[0])
        self.assertIn(" value=", rows[0])
        self.assertTrue(rows[1].startswith("2026-01-03 abc toy matched=100 total=100 "), rows[1])
        with open(self.at / "ledger.txt", "a") as ledger:
            ledger.write("this is no row\n")
        done = self.parity("log", "--ledger", "ledger.txt", "--svg", "out.svg")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 line(s)", done.stderr)
        self.assertIn("line 4", done.stderr)
        self.assertIn("#" * 16 + "." * 24 + "         40 of 100  value ", done.stdout)
        self.assertIn("#" * 40 + "        100 of 100  same  (+60)", done.stdout)
        root = xml.etree.ElementTree.parse(self.at / "out.svg").getroot()
        self.assertEqual(len(root.findall(".//{http://www.w3.org/2000/svg}circle")), 2)

    def test_bad_configs(self):
        for text, wanted in (("{", "no JSON"), ("[]", "object"), ('{"title": 1}', "string"), ('{"titel": "x"}', "titel"), ('{"title": "x"}', "needed"),
                             ('{"title": "x", "reference": "r", "command": "true", "no_rules": ["nonsense"]}', "nonsense"),
                             ('{"title": "x", "reference": "r", "command": "true"}', "no log")):
            (self.at / "bad.json").write_text(text)
            done = self.parity("run", "bad.json", "--date", "2026-01-01", "--commit", "x")
            self.assertEqual(done.returncode, 2, text)
            self.assertIn(wanted, done.stderr)
        self.assertEqual(self.parity("run", "missing.json").returncode, 2)
        self.assertEqual(self.parity("log", "--ledger", "missing.txt").returncode, 2)

    def test_bisect(self):
        good_log, bad_log = self.at / "good.jsonl", self.at / "bad.jsonl"
        good_log.write_text(lines("ours"))
        bad_log.write_text(lines("ours", 10))
        works, fails, broken = f"cp {good_log} $1\n", f"cp {bad_log} $1\n", "exit 1\n"
        commits = [self.commit(f"commit {i}", works if i < 7 else fails) for i in range(12)]
        (self.at / "bisect.json").write_text(json.dumps({"title": "toy", "reference": ["reference.jsonl"], "build": "test -f engine", "command": "sh ./engine {log}"}))
        done = self.parity("bisect", commits[0], "HEAD", "bisect.json")
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        self.assertIn(f"the prefix shrank at {commits[7][:12]}: 100 -> 10 (2026-01-02 commit 7)", done.stdout)
        self.assertLessEqual(done.stdout.count(" matched "), 7)
        self.assertEqual(len(self.git("worktree", "list").splitlines()), 1, "no work tree is left")
        self.assertEqual(self.parity("bisect", "HEAD", commits[0], "bisect.json").returncode, 2)
        self.assertEqual(self.parity("bisect", commits[0], "nonsense", "bisect.json").returncode, 2)
        self.assertEqual(self.parity("bisect", commits[0], commits[3], "bisect.json").returncode, 2)

        # Commits that cannot be run are passed over, and said.
        more = [self.commit(f"more {i}", works if i < 2 else broken if i < 5 else fails) for i in range(7)]
        done = self.parity("bisect", more[0], more[6], "bisect.json")
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        self.assertIn(f"shrank at {more[5][:12]}", done.stdout)
        self.assertIn("one of the 3 commits before it", done.stdout)


unittest.main()
