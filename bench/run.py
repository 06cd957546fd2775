#!/usr/bin/env python3
"""`./dev bench`: measures, in one paired run, and compares what both sides computed.

usage: bench/run.py [cpu|run|parity] [KERNEL...] [--runs N] [--scale X] [--qemu] [--record] [--check]
  cpu        every bench/kernels/*.c compiled for the host and for the guest: user CPU time of the program against that of
             `xenolith run`, alternating, the least of N runs (default 3) of each; both must print the same checksum
  run        a real title (corpus/): start, cost of recording, memory
  parity     comparing logs of many events: rates, memory, and other tools on the same logs; --scale 50 is a billion events;
             --long-line G also a single line of G GiB
  --tier T   how `xenolith run` runs the guest (default: its own default); `run` starts with a warm cache then
  --scale X  rounds of each kernel times X (default 1; 10 and more for tiers that compile, or their start is what is measured)
  --qemu     also as PowerPC Linux programs under qemu-ppc64 (Debian's qemu-user), in the same alternation: column `qemu` is its time
             against `xenolith run`'s; of float and vector kernels, which take qemu minutes, a tenth of the rounds, times ten
  --record   append one line to bench/history.tsv (committed by hand, with a word on the machine)
  Column `times` is the whole program against native, `compiled` the same without the CPU time that `--stats` says compiling took.
  --check    only compare checksums: one run each, at a small scale, no table of times; a test"""
import argparse
import concurrent.futures
import datetime
import math
import os
import pathlib
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile

import parity
import titles

ROOT = pathlib.Path(__file__).resolve().parent.parent
KERNELS = ROOT / "bench" / "kernels"
HISTORY = ROOT / "bench" / "history.tsv"
# The same on both sides: no vectors that the source does not ask for, no library calls instead of loops, no fused multiply-add
# and no errno, so that both compute the same bits.
FLAGS = ["-O2", "-std=gnu17", "-fno-tree-vectorize", "-fno-builtin", "-fno-tree-loop-distribute-patterns", "-ffp-contract=off",
         "-fno-math-errno", "-Wall", "-Wextra", "-Werror"]
# The same core as the guest's, in the 64-bit ABI that Debian has a C library for. qemu's 970 and power5+ loop for ever in qsort.
QEMU_FLAGS = ["-static", "-mcpu=cell", "-maltivec"]
QEMU = ["qemu-ppc64", "-cpu", "power7"]
FLOAT_GROUPS = ["float", "vector"]  # which qemu computes in software: a tenth of the rounds is enough
TIMEOUT_SECONDS = 600


class Failure(Exception):
    pass


def command(arguments, **options):
    """(standard output and errors, user CPU seconds) of a program that must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    try:
        result = subprocess.run(arguments, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                timeout=TIMEOUT_SECONDS, **options)
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(map(str, arguments))}: over {TIMEOUT_SECONDS} s") from None
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    if result.returncode:
        shown = " ".join(map(str, arguments))
        raise Failure(f"{shown}: status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout, result.stderr, seconds


class Kernel:
    def __init__(self, source, scale):
        text = source.read_text()
        self.source, self.name = source, source.stem
        self.group = re.search(r"^// bench: (\w+)\.", text)[1]
        rounds = max(1, round(int(re.search(r"^#define ROUNDS (\d+)$", text, re.M)[1]) * scale))
        qemu_rounds = max(1, rounds // 10) if self.group in FLOAT_GROUPS else rounds
        self.define, self.qemu_define = f"-DROUNDS={rounds}", f"-DROUNDS={qemu_rounds}"
        self.qemu_times = rounds / qemu_rounds
        self.host_seconds = self.guest_seconds = self.steady_seconds = self.qemu_seconds = math.inf
        self.instructions = None

    def compile(self, folder, xenolith):
        self.host, self.guest = folder / self.name, folder / f"{self.name}.xex"
        command(["gcc", *FLAGS, self.define, "-o", self.host, self.source])
        command([ROOT / "guest/bin/xcc", *FLAGS, self.define, "-o", self.guest, self.source],
                env={**os.environ, "XENOLITH": str(xenolith)})

    def compile_qemu(self, folder):
        self.qemu = folder / f"{self.name}.ppc64"
        command(["powerpc64-linux-gnu-gcc", *FLAGS, *QEMU_FLAGS, self.qemu_define, "-o", self.qemu, self.source])
        self.qemu_host = folder / f"{self.name}.part"  # the host's program with as few rounds, for the checksum
        command(["gcc", *FLAGS, self.qemu_define, "-o", self.qemu_host, self.source])

    def run_qemu(self):
        out, _, seconds = command([*QEMU, self.qemu])
        expected, _, _ = command([self.qemu_host])
        if out != expected:
            raise Failure(f"{self.name}: the host prints {expected.strip()}, qemu {out.strip()}")
        self.qemu_seconds = min(self.qemu_seconds, seconds * self.qemu_times)

    def run_once(self, xenolith, tier=None):
        host_out, _, seconds = command([self.host])
        self.host_seconds = min(self.host_seconds, seconds)
        guest_out, guest_err, seconds = command([xenolith, "run", "--stats", *(["--tier", tier] if tier else []), self.guest])
        self.guest_seconds = min(self.guest_seconds, seconds)
        compiled = re.search(r"^compiled: .*, ([\d.]+) seconds", guest_out + guest_err, re.M)
        self.steady_seconds = min(self.steady_seconds, seconds - (float(compiled[1]) if compiled else 0))
        found = re.search(r"\binstructions:\s*([\d,]+)", guest_out + guest_err)
        self.instructions = int(found[1].replace(",", "")) if found else None
        if not re.search(rf"^{re.escape(host_out.strip())}$", guest_out, re.M):
            raise Failure(f"{self.name}: the host prints {host_out.strip()}, the guest\n{guest_out}{guest_err}")

    def ratio(self):
        return self.guest_seconds / max(self.host_seconds, 1e-6)

    def steady_ratio(self):
        """The same without the CPU time of compiling, which a cache or a longer run makes vanish."""
        return self.steady_seconds / max(self.host_seconds, 1e-6)

    def qemu_ratio(self):
        """How many times as long qemu takes, compiling aside (of qemu it cannot be told apart; it is milliseconds there)."""
        return self.qemu_seconds / max(self.steady_seconds, 1e-6)

    def speed(self):
        return self.instructions / self.guest_seconds / 1e6 if self.instructions else None


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def mean_row(name, kernels, speed=""):
    row = (f"{'mean':12} {name:8} {'':9} {'':9} {geometric_mean([k.ratio() for k in kernels]):7.2f} "
           f"{geometric_mean([k.steady_ratio() for k in kernels]):8.2f}{speed}")
    if math.isfinite(kernels[0].qemu_seconds):
        row += f" {geometric_mean([k.qemu_ratio() for k in kernels]):{6 if speed else 17}.2f}"
    return row


def print_table(kernels):
    qemu = math.isfinite(kernels[0].qemu_seconds)
    print(f"{'kernel':12} {'group':8} {'native s':>9} {'guest s':>9} {'times':>7} {'compiled':>8} {'M instr/s':>10}{'   qemu' if qemu else ''}")
    for k in sorted(kernels, key=lambda k: (k.group, k.name)):
        speed = f"{k.speed():10.1f}" if k.speed() else f"{'-':>10}"
        print(f"{k.name:12} {k.group:8} {k.host_seconds:9.3f} {k.guest_seconds:9.3f} {k.ratio():7.2f} {k.steady_ratio():8.2f} {speed}"
              f"{f' {k.qemu_ratio():6.2f}' if qemu else ''}")
    for group in sorted({k.group for k in kernels}):
        print(mean_row(group, [k for k in kernels if k.group == group]))
    for name, floats in ("no float", False), ("floats", True):
        some = [k for k in kernels if (k.group in FLOAT_GROUPS) == floats]
        if qemu and some:
            print(mean_row(name, some))
    speeds = [k.speed() for k in kernels if k.speed()]
    speed = f" {geometric_mean(speeds):10.1f}" if len(speeds) == len(kernels) else f" {'-':>10}"
    print(mean_row("all", kernels, speed) + "  (geometric)")


def processor():
    found = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return found[1] if found else platform.machine()


HISTORY_COLUMNS = ["date", "commit", "processor", "tier", "scale", "times_native", "without_compiling", "qemu_no_float", "qemu_floats",
                   "mega_instructions_per_second", "kernels"]


def record(options, kernels):
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], text=True, capture_output=True).stdout.strip()
    mean = lambda values: f"{geometric_mean(values):.2f}" if values and all(map(math.isfinite, values)) else "-"
    qemu = [[k.qemu_ratio() for k in kernels if (k.group in FLOAT_GROUPS) == floats] for floats in (False, True)]
    columns = [datetime.date.today().isoformat(), commit or "-", processor(), options.tier or "default", f"{options.scale:g}",
               mean([k.ratio() for k in kernels]), mean([k.steady_ratio() for k in kernels]), mean(qemu[0]), mean(qemu[1]),
               mean([k.speed() or math.inf for k in kernels]),
               " ".join(f"{k.name}={k.ratio():.2f}" for k in sorted(kernels, key=lambda k: k.name))]
    if not HISTORY.exists():
        HISTORY.write_text("\t".join(HISTORY_COLUMNS) + "\n")
    with HISTORY.open("a") as out:
        out.write("\t".join(columns) + "\n")


def measure(options, folder):
    sources = sorted(KERNELS.glob("*.c"))
    unknown = set(options.kernel) - {s.stem for s in sources}
    if unknown:
        raise Failure(f"no kernel {', '.join(sorted(unknown))}; there are {' '.join(s.stem for s in sources)}")
    kernels = [Kernel(s, options.scale) for s in sources if not options.kernel or s.stem in options.kernel]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(k.compile, folder, options.xenolith) for k in kernels]:
            done.result()
        for done in [pool.submit(k.compile_qemu, folder) for k in kernels if options.qemu]:
            done.result()
    for number in range(options.runs):
        for k in kernels:
            if sys.stderr.isatty():
                print(f"\rrun {number + 1} of {options.runs}: {k.name:12}", end="", file=sys.stderr)
            k.run_once(options.xenolith, options.tier)
            if options.qemu:
                k.run_qemu()
    if sys.stderr.isatty():
        print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
    return kernels


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "), add_help=True)
    parser.add_argument("what", nargs="?", default="cpu")
    parser.add_argument("kernel", nargs="*")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--tier", choices=["interpreter", "quick", "optimised", "auto"])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--long-line", type=float, default=0)
    parser.add_argument("--qemu", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--xenolith", type=lambda p: pathlib.Path(p).resolve(), default=ROOT / "build/release/xenolith")
    options = parser.parse_args()
    if options.what == "run":
        titles.main(options.xenolith, max(options.runs, 7), options.tier)
        return
    if options.what == "parity":
        parity.main(options.xenolith, min(options.runs, 3), options.scale, options.long_line)
        return
    if options.what != "cpu":
        parser.error(f"no bench '{options.what}'; there are cpu, run and parity")
    if options.check:
        options.runs, options.scale = 1, min(options.scale, 0.002)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="xenolith-bench-"))
    try:
        kernels = measure(options, folder)
    except Failure as failure:
        sys.exit(f"bench: {failure}")
    finally:
        shutil.rmtree(folder)
    if options.check:
        print(f"{len(kernels)} kernels print the same checksum on both sides")
        return
    print_table(kernels)
    if options.record:
        record(options, kernels)


if __name__ == "__main__":
    main()
