#!/usr/bin/env python3
"""`./dev test`: builds release and sanitized, runs every test of both, then the golden cases of the command line; at last the
SDK's programs on a release, a debug and a sanitized build.

Quiet when all is well. A failure is printed whole, a skipped case with its reason. The last line is exactly
"N passed, N failed, N skipped"; the exit status is 1 if anything failed. `--quick` leaves the sanitized build out."""
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import golden

ROOT = pathlib.Path(__file__).resolve().parent.parent
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
# Sanitized code is slower: what checks the sources only (style), whole titles, and the long runs of the lab and of damaged
# files and other programs' engines (fleet) are for release; by hand: meson test -C build/asan --suite parity --suite fuzz.
VARIANTS = {"release": [], "asan": ["--no-suite", "style", "--no-suite", "titles", "--no-suite", "parity", "--no-suite", "fuzz", "--no-suite", "fleet",
                 "--timeout-multiplier", "4"]}


class Tally:
    def __init__(self):
        self.passed = self.failed = 0
        self.skipped = []

    def fail(self, name, text):
        self.failed += 1
        print(f"\nFAILED {name}\n{text.rstrip()}", flush=True)

    def skip(self, name, reason):
        self.skipped.append((name, reason.strip() or "no reason given"))


def build(variant, tally):
    result = subprocess.run([ROOT / "dev", "build", variant], text=True, capture_output=True, stdin=subprocess.DEVNULL)
    if result.returncode:
        tally.fail(f"build {variant}", result.stdout + result.stderr)
    return result.returncode == 0


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def cmocka_cases(text):
    """(name, passed|failed|skipped, reason) of each case begun; the reason is what the case printed last. cmocka says OK and
    SKIPPED on standard output, a failure on standard error, and nothing for a case that crashed."""
    cases = re.split(r"^\[ RUN      \] (\S+)\n", text, flags=re.M)
    for name, body in zip(cases[1::2], cases[2::2]):
        end = re.search(r"^\[ *(OK|SKIPPED) *\] " + re.escape(name) + "$", body, re.M)
        if end:
            yield name, "passed" if end[1] == "OK" else "skipped", last_line(body[:end.start()])
        else:
            yield name, "failed", ""


def unittest_skips(text):
    """(name, reason) of what a Python test skipped, as it says on standard error with verbosity=2."""
    yield from re.findall(r"^(\w+) \([\w.]+\)(?:\n[^\n]*)?? \.\.\. skipped (.*)$", text, re.M)


def count(test, variant, tally):
    """One test program of meson's log: its cases where it is a cmocka program, else the program as one case."""
    name = f"{variant}: {test['name'].split(' / ')[-1]}"
    out, err = test.get("stdout", ""), test.get("stderr", "")
    cases = list(cmocka_cases(out))
    for case, state, reason in cases:
        if state == "passed":
            tally.passed += 1
        elif state == "skipped":
            tally.skip(f"{name}: {case}", reason)
    failed = [case for case, state, _ in cases if state == "failed"]
    for case, reason in unittest_skips(err):
        tally.skip(f"{name}: {case}", reason.strip("'\""))
    if test["result"] in ("OK", "EXPECTEDFAIL") and not failed:
        tally.passed += not cases
    elif test["result"] == "SKIP":
        tally.skip(name, last_line(out) or last_line(err))
    else:
        tally.failed += max(len(failed) - 1, 0)
        what = f" ({', '.join(failed)})" if failed else ""
        status = f"{test['result']}, status {test.get('returncode')}, {test.get('duration', 0):.1f} s"
        command = " ".join(test.get("command", []))
        tally.fail(f"{name}{what}: {status}", f"{command}\n{out}{err}")


def run_meson(variant, tally):
    folder = ROOT / "build" / variant
    log = folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    environment = {**os.environ, "XENOLITH_SOURCE": str(ROOT), **(SANITIZERS if variant == "asan" else {})}
    result = subprocess.run(["meson", "test", "-C", folder, "--no-rebuild", *VARIANTS[variant]], env=environment, text=True,
                            capture_output=True, stdin=subprocess.DEVNULL)
    tests = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    for test in tests:
        count(test, variant, tally)
    if not tests:
        tally.fail(f"meson test {variant}", result.stdout + result.stderr)


def run_builds(tally):
    """The same events on a release, a debug and a sanitized build. Of the debug build only the program itself is made."""
    debug = ROOT / "build" / "debug"
    commands = [] if (debug / "build.ninja").exists() else [["meson", "setup", debug, "--buildtype=debug"]]
    commands.append(["ninja", "-C", debug, "src/cli/xenolith"])
    release = ROOT / "build" / "release"
    commands.append([sys.executable, ROOT / "tests" / "builds.py", release / "guest", release / "guest" / "sdk",
                     *(ROOT / "build" / variant / "src/cli/xenolith" for variant in ("release", "debug", "asan"))])
    for command in commands:
        result = subprocess.run(command, text=True, capture_output=True, cwd=ROOT, stdin=subprocess.DEVNULL)
        if result.returncode:
            tally.fail("builds", result.stdout + result.stderr)
            return
    tally.passed += 1


def run_golden(variant, tally):
    environment = SANITIZERS if variant == "asan" else {}
    for case in golden.find_cases():
        outcome, text = golden.run(case, ROOT / "build" / variant / "xenolith", environment)
        if outcome == "passed":
            tally.passed += 1
        elif outcome == "skipped":
            tally.skip(f"{variant}: golden {case.name}", text)
        else:
            tally.fail(f"{variant}: golden {case.name}", text)


def main():
    unknown = set(sys.argv[1:]) - {"--quick"}
    if unknown:
        sys.exit("usage: tests/run.py [--quick]   (--quick: release only)")
    tally = Tally()
    started = time.monotonic()
    # All are built first: tests of the release compare it with the sanitized build.
    variants = ["release"] if "--quick" in sys.argv else list(VARIANTS)
    for variant in [v for v in variants if build(v, tally)]:
        run_meson(variant, tally)
        run_golden(variant, tally)
    if "--quick" not in sys.argv and not tally.failed:
        run_builds(tally)
    for name, reason in tally.skipped:
        print(f"skipped {name}: {reason}")
    if os.environ.get("XENOLITH_TEST_TIME"):
        print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
    print(f"{tally.passed} passed, {tally.failed} failed, {len(tally.skipped)} skipped")
    sys.exit(1 if tally.failed or not tally.passed else 0)


if __name__ == "__main__":
    main()
