"""`./dev bench run`: what a real title costs: start, recording, memory. Paired and alternating, the least of N runs each."""
import os
import pathlib
import re
import resource
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TITLE = ROOT / "corpus/dolphin/dolphin.xex"


def cpu_seconds(arguments):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(map(str, arguments))}: status {done.returncode}\n{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done


def peak_kilobytes(arguments):
    done = subprocess.run(["/usr/bin/env", "python3", "-c",
                           "import resource,subprocess,sys;subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL);"
                           "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)", *map(str, arguments)],
                          capture_output=True, text=True)
    return int(done.stdout)


def start_of(done):
    return float(re.search(r"first guest instruction: ([\d.]+) \(([\d.]+)", done.stderr)[2])


def main(xenolith, runs, tier=None):
    if not TITLE.exists():
        raise SystemExit("bench: corpus/dolphin/dolphin.xex is not there; ./dev corpus says how to get it")
    run = [xenolith, "run", TITLE, "--frames", "600", "--stats"]
    with tempfile.TemporaryDirectory() as folder:
        if tier and tier != "interpreter": # compiled once; what is measured starts with a warm cache
            run += ["--tier", tier, "--cache", pathlib.Path(folder) / "cache"]
            cold, done = cpu_seconds(run)
            print(f"{tier}: the first start, with an empty cache: {cold:.3f} s; "
                  f"{re.search(r'^compiled: .*$', done.stderr, re.M)[0]}")
        log = pathlib.Path(folder) / "log.xtrace"
        plain, traced, starts = [], [], []
        for _ in range(runs):
            seconds, done = cpu_seconds(run)
            plain.append(seconds)
            starts.append(start_of(done))
            traced.append(cpu_seconds(run + ["--trace", log])[0])
        size = os.path.getsize(log)
        events = int(re.search(r"^events +(\d+)", cpu_seconds([xenolith, "trace", "stat", log])[1].stdout, re.M)[1])
    loaded = re.search(r"^cache: (\d+) hits \((\d+) instructions, ([\d.]+) seconds", done.stderr, re.M)
    if loaded:
        print(f"  loaded from the cache            {loaded[2]} instructions in {loaded[1]} units, "
              f"{float(loaded[3]) * 1e6 / max(1, int(loaded[2])):.2f} us an instruction")
    print(f"dolphin.xex to frame 600, {tier or 'interpreter'}, {runs} runs of each kind, CPU seconds (least)")
    print(f"  start to first guest instruction {min(starts) * 1000:8.1f} ms (CPU; wall on an idle machine)")
    print(f"  run                              {min(plain):8.3f} s")
    print(f"  run, recorded                    {min(traced):8.3f} s, ratio {min(traced) / min(plain):.3f}")
    print(f"  log                              {size} bytes, {events} events, {size / events:.2f} bytes an event")
    print(f"  info, peak memory                {peak_kilobytes([xenolith, 'info', TITLE]) / 1024:8.1f} MiB")
    print(f"  run, peak memory                 {peak_kilobytes(run) / 1024:8.1f} MiB")
