#!/usr/bin/env python3
"""Golden cases of the command line: tests/golden/<case>/{cmd, stdout.exact or stdout.glob, status}.

cmd is a shell fragment, run by bash in an empty temporary folder with $XENOLITH (the program), $CASE (the case's folder),
$SOURCE (the repository) and $BUILD (the build folder, with guest/hello.xex and the other samples) set; add 2>&1 to compare
errors too. stdout.exact is compared byte for byte, stdout.glob line by line (* and ? match within a line, a line of three dots
any number of lines). status is the exit status of cmd, 0 if absent.
A cmd that ends with status 77 is skipped; its last line says why.

usage: tests/golden.py [--update] [--xenolith FILE] [CASE...]      --update rewrites stdout.exact and status"""
import fnmatch
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASES = ROOT / "tests" / "golden"
SKIP_STATUS = 77
TIMEOUT_SECONDS = 120


def find_cases(names=()):
    found = sorted(path.parent for path in CASES.glob("*/cmd"))
    unknown = set(names) - {case.name for case in found}
    if unknown:
        sys.exit(f"golden: no case {', '.join(sorted(unknown))} in {CASES}")
    return [case for case in found if not names or case.name in names]


def execute(case, xenolith, environment):
    """The standard output and status of a case's cmd; status None if it took too long."""
    clean = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "XENOLITH": str(xenolith), "CASE": str(case), "SOURCE": str(ROOT),
             "BUILD": str(pathlib.Path(xenolith).parent)}
    with tempfile.TemporaryDirectory(prefix="xenolith-golden-") as folder:
        clean |= {"HOME": folder, "TMPDIR": folder, **environment}
        try:
            result = subprocess.run(["bash", case / "cmd"], cwd=folder, env=clean, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as late:
            return late.stdout or b"", late.stderr or b"", None
    return result.stdout, result.stderr, result.returncode


def match_lines(pattern, lines):
    if not pattern:
        return not lines
    if pattern[0] == "...":
        return any(match_lines(pattern[1:], lines[i:]) for i in range(len(lines) + 1))
    return bool(lines) and fnmatch.fnmatchcase(lines[0], pattern[0].replace("[", "[[]")) and match_lines(pattern[1:], lines[1:])


def wanted_status(case):
    path = case / "status"
    return int(path.read_text()) if path.exists() else 0


def difference(case, out):
    """What is wrong with the output, or None."""
    exact, glob = case / "stdout.exact", case / "stdout.glob"
    if exact.exists():
        want = exact.read_bytes()
        return None if out == want else f"-- wanted:\n{want.decode(errors='replace')}"
    if glob.exists():
        want = glob.read_text()
        return None if match_lines(want.splitlines(), out.decode(errors="replace").splitlines()) else f"-- wanted like:\n{want}"
    return "-- neither stdout.exact nor stdout.glob; tests/golden.py --update writes one\n"


def run(case, xenolith, environment=None):
    """("passed"|"failed"|"skipped", text) of one case."""
    out, err, status = execute(case, xenolith, environment or {})
    shown = out.decode(errors="replace")
    if status == SKIP_STATUS:
        return "skipped", (shown.strip().splitlines() or [""])[-1]
    wrong = difference(case, out)
    want = wanted_status(case)
    if wrong is None and status == want:
        return "passed", ""
    said = f"took over {TIMEOUT_SECONDS} s" if status is None else f"status {status}, wanted {want}"
    return "failed", (f"-- cmd ({case}/cmd):\n{(case / 'cmd').read_text()}-- {said}\n{wrong or ''}-- stdout:\n{shown}"
                      f"-- stderr:\n{err.decode(errors='replace')}")


def update(case, xenolith):
    out, _, status = execute(case, xenolith, {})
    if status in (SKIP_STATUS, None):
        print(f"not updated: {case.name}: status {status}")
        return
    if not (case / "stdout.glob").exists():
        (case / "stdout.exact").write_bytes(out)
    elif difference(case, out):
        print(f"{case.name}: stdout.glob no longer matches; edit it by hand")
    if status:
        (case / "status").write_text(f"{status}\n")
    else:
        (case / "status").unlink(missing_ok=True)


def main():
    arguments = sys.argv[1:]
    if "--help" in arguments:
        print(__doc__)
        return
    xenolith = ROOT / "build" / "release" / "xenolith"
    if "--xenolith" in arguments:
        at = arguments.index("--xenolith")
        xenolith = pathlib.Path(arguments[at + 1]).absolute()
        del arguments[at:at + 2]
    cases = find_cases([name for name in arguments if not name.startswith("--")])
    if "--update" in arguments:
        for case in cases:
            update(case, xenolith)
        return
    failed = 0
    for case in cases:
        outcome, text = run(case, xenolith)
        failed += outcome == "failed"
        if outcome != "passed":
            print(f"{outcome}: {case.name}\n{text}")
    print(f"{len(cases)} cases, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
