#!/usr/bin/env python3
"""Events as rows: Parquet and SQL through DuckDB, RowBinary in a cluster of two ClickHouse servers, jobs on many cores.
fleet.py XENOLITH SAMPLE.xex duckdb|clickhouse|jobs. Ends with 77 (skipped), aloud, where an engine is not installed."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools/fleet/clickhouse"))
XENOLITH, SAMPLE, WHAT = *(str(pathlib.Path(a).resolve()) for a in sys.argv[1:3]), sys.argv[3]
LIBRARY = os.environ.get("XENOLITH_DUCKDB") or str(ROOT / "build/fleet/libduckdb.so")


def xenolith(*arguments, status=0, **environment):
    done = subprocess.run([XENOLITH, *map(str, arguments)], capture_output=True, text=True, env={**os.environ, **environment}, stdin=subprocess.DEVNULL)
    assert done.returncode in (status if isinstance(status, tuple) else (status,)), f"{arguments}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr}"
    return done


def skip(reason):
    print(reason)
    sys.exit(77)


def change(log, out, edit):
    """A copy of a log in schema v1 whose events `edit(list of lines)` changes, as a binary log."""
    text = out.with_suffix(".jsonl")
    text.write_text(xenolith("trace", "cat", "--json", log).stdout)
    lines = [json.loads(line) for line in text.read_text().splitlines()]
    edit(lines)
    text.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    xenolith("trace", "convert", text, out)


def calls_of(lines, kind, name):
    return [line for line in lines if line["kind"] == kind and line["payload"].get("name") == name]


def change_argument(lines):
    calls_of(lines, "kernel.call", "NtReleaseMutant")[100]["payload"]["args"][1] = "0x12345678"


def change_status(lines):
    calls_of(lines, "kernel.return", "NtReleaseMutant")[200]["payload"].update(return_value=0xFFFFFFFFC0000046, status=0xC0000046)


def leave_out_a_call(lines):
    """A DbgPrint before another call, with its three lines; nothing follows from it."""
    for at, call in enumerate(lines):
        if call["kind"] != "kernel.call" or call["payload"]["name"] != "DbgPrint" or at < len(lines) // 2:
            continue
        own = [i for i in range(at, len(lines)) if lines[i]["tid"] == call["tid"]]
        following = next(lines[i] for i in own[1:] if lines[i]["kind"] == "kernel.call")
        end = next(i for i in own if lines[i]["kind"] == "kernel.return")
        if following["payload"]["name"] != "DbgPrint" and lines[at - 1]["kind"] == "import.call":
            for i in (end, at, at - 1):
                del lines[i]
            return
    raise AssertionError("no such call")


def make_runs(folder):
    log = folder / "a.xtrace"
    xenolith("run", SAMPLE, "--trace", log)
    runs = {"a": log}
    for name, edit in (("argument", change_argument), ("status", change_status), ("missing", leave_out_a_call)):
        runs[name] = folder / f"{name}.xtrace"
        change(log, runs[name], edit)
    return runs


def lab_says(reference, ours):
    """{tid: index of the first divergence} by `xenolith diff --json`."""
    told = json.loads(xenolith("diff", reference, ours, "--json", status=(0, 1)).stdout)
    return {t["reference_tid"]: t["first_divergence"]["reference_index"] for t in told["threads"] if t["first_divergence"]}


def histogram_of(log):
    """{call: count} by `xenolith trace stat`."""
    text = xenolith("trace", "stat", log).stdout.split("\ncalls\n")[1].split("\n\n")[0]
    return {name: int(count) for count, name in (line.split(None, 1) for line in text.splitlines())}


def query(sql, *logs):
    return json.loads(xenolith("trace", "query", "--json", sql, *logs, XENOLITH_DUCKDB=LIBRARY).stdout)


def check_duckdb(folder):
    bad = xenolith("trace", "query", "FROM events", SAMPLE, status=100, XENOLITH_DUCKDB=str(folder / "none.so"))
    assert "./dev fleet" in bad.stderr, bad.stderr
    if not os.access(LIBRARY, os.R_OK):
        skip("DuckDB is not there: ./dev fleet brings it into build/fleet")
    runs = make_runs(folder)
    names = [f"{name}={path}" for name, path in runs.items()]
    events = xenolith("trace", "cat", runs["a"]).stdout.count("\n")
    parquet = folder / "all.parquet"
    told = xenolith("trace", "export", "--parquet", parquet, *names, XENOLITH_DUCKDB=LIBRARY).stderr
    assert "bytes an event" in told, told
    for source in (names, [parquet]):
        counts = {row["run"]: row["n"] for row in query("SELECT run, count(*) AS n FROM events GROUP BY run", *source)}
        assert counts.keys() == runs.keys() and counts["a"] == events and counts["missing"] == events - 2, (counts, events)
        for name in ("argument", "status", "missing"):
            found = {row["tid"]: row["index_a"] for row in query(f"FROM first_divergence('a', '{name}')", *source)}
            assert found == lab_says(runs["a"], runs[name]) and len(found) == 1, (name, found, lab_says(runs["a"], runs[name]))
        assert not query("FROM first_divergence('a', 'a')", *source)
        told = {row["call"]: row["calls"] for row in query("FROM histogram WHERE run = 'a'", *source)}
        assert told == histogram_of(runs["a"]), told
    row = query("FROM calls WHERE call = 'NtCreateEvent' ORDER BY idx LIMIT 1", f"a={runs['a']}")[0]
    assert row["status"] == 0 and len(row["arguments"]) == 4 and row["behind_args"] == [0] and row["returned_at"] > row["idx"], row
    text = query("SELECT texts FROM events WHERE call = 'DbgPrint' AND len(texts) > 0 LIMIT 1", f"a={runs['a']}")[0]
    assert text == {"texts": ["%s"]}, text
    # Other forms: schema v1 says the same, standard input too, and a damaged log as far as it goes.
    text = folder / "argument.jsonl"
    assert query("SELECT count(*) AS n FROM events", text)[0]["n"] == events
    done = subprocess.run([XENOLITH, "trace", "query", "--csv", "SELECT count(*) AS n, 'a,b' AS t FROM events", "-"], stdin=open(runs["a"], "rb"),
                          capture_output=True, text=True, env={**os.environ, "XENOLITH_DUCKDB": LIBRARY})
    assert done.stdout == f'n,t\n{events},"a,b"\n', done
    half = folder / "half.xtrace"
    half.write_bytes(runs["a"].read_bytes()[:runs["a"].stat().st_size // 2])
    done = xenolith("trace", "query", "SELECT count(*) AS n FROM events", half, XENOLITH_DUCKDB=LIBRARY)
    assert "cut off" in done.stderr and done.stdout.split()[0] == "n", done
    aligned = xenolith("trace", "query", "SELECT 1 AS one, 'x' AS t, NULL AS nothing, [1, 2] AS l", half, XENOLITH_DUCKDB=LIBRARY).stdout
    assert aligned == "one  t  nothing  l\n  1  x        -  [1, 2]\n", aligned
    for wrong, status in ((["query", "SELECT nothing FROM events", half], 100), (["query", "FROM events", half, half], 100), (["query", "FROM events"], 2),
                          (["query", "SELECT DATE '2026-01-01' AS d", half], 100), (["export", "--parquet", folder / "no/x", half], 100)):
        assert xenolith("trace", *wrong, status=status, XENOLITH_DUCKDB=LIBRARY).stderr.strip(), wrong


def check_clickhouse(folder):
    import cluster
    schema = (ROOT / "tools/fleet/clickhouse/schema.sql").read_text()
    assert xenolith("trace", "export", "--clickhouse-columns").stdout in schema, "schema.sql has other columns than the program"
    if not shutil.which("clickhouse-server") and not os.access("/usr/sbin/clickhouse-server", os.X_OK):
        skip("clickhouse-server is not installed (Debian has it)")
    runs = make_runs(folder)
    with cluster.Local(folder / "servers") as servers:
        cluster.create(servers, "xenolith")
        cluster.load(servers, XENOLITH, [f"{name}={path}" for name, path in runs.items()])
        shares = [cluster.ask(server, "SELECT count() AS n FROM xenolith.events_local")[0]["n"] for server in servers]
        whole = cluster.ask(servers[1], "SELECT count() AS n FROM xenolith.events")[0]["n"]
        assert sum(shares) == whole and min(shares) > 0, (shares, whole)
        for name in ("argument", "status", "missing"):
            rows = cluster.first_divergence(servers[0], "a", name)
            found = {row["tid"]: row["at"] for row in rows}
            assert found == lab_says(runs["a"], runs[name]) and len(found) == 1, (name, rows, lab_says(runs["a"], runs[name]))
        assert not cluster.first_divergence(servers[0], "a", "a")
        told = {row["call"]: row["calls"] for row in cluster.histogram(servers[1]) if row["run"] == "a"}
        assert told == histogram_of(runs["a"]), told


def check_jobs(folder):
    """Two builds x two titles from a list file: all at once with GNU parallel, one as Slurm starts it; digests and logs of them."""
    for title, options in (("mutants", []), ("short", ["--max-time", "1"])):
        reference = folder / f"{title}.xtrace"
        xenolith("run", SAMPLE, "--trace", reference, *options, status=(0, 103))
        (folder / f"{title}.json").write_text(json.dumps({"title": title, "reference": reference.name, "executable": str(SAMPLE), "options": options}))
    (folder / "list.txt").write_text(f"# two by two\nbuild old {XENOLITH}\nbuild new {XENOLITH}\ntitle mutants.json\ntitle short.json\n")
    script = folder / "jobs.sh"
    made = subprocess.run([sys.executable, ROOT / "tools/fleet/jobs.py", "-o", script, folder / "list.txt", "--out", folder / "out"], capture_output=True, text=True)
    assert (made.returncode, made.stdout.strip()) == (0, f"{script}: jobs 0 to 3"), made
    subprocess.run(["bash", "-n", script], check=True)
    first = subprocess.run([script], env={**os.environ, "SLURM_ARRAY_TASK_ID": "1"}, capture_output=True, text=True)
    assert (first.returncode, first.stdout) == (0, "job 1: old short: status 0\n"), first
    if shutil.which("parallel"):
        done = subprocess.run(["parallel", "--will-cite", "-j2", script, ":::", "0", "1", "2", "3"], capture_output=True, text=True)
    else:
        print("GNU parallel is not installed: one after the other")
        done = subprocess.run([script, "all"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.count("status 0") == 3 and done.stdout.count("is done") == 1, done
    digests = folder / "new.txt"
    digests.write_text(subprocess.run([script, "ledger", "new"], check=True, capture_output=True, text=True).stdout)
    told = xenolith("parity", "log", "--ledger", digests).stdout
    assert "mutants" in told and "short" in told, told
    logs = [f"{build}={folder}/out/{build}/mutants/run.xtrace" for build in ("old", "new")]
    if os.access(LIBRARY, os.R_OK):
        assert not query("FROM first_divergence('old', 'new')", *logs)
    bad = folder / "bad.txt"
    bad.write_text("titel x.json\n")
    made = subprocess.run([sys.executable, ROOT / "tools/fleet/jobs.py", "-o", script, bad], capture_output=True, text=True)
    assert made.returncode == 1 and "bad.txt:1" in made.stderr, made


with tempfile.TemporaryDirectory() as temporary:
    {"duckdb": check_duckdb, "clickhouse": check_clickhouse, "jobs": check_jobs}[WHAT](pathlib.Path(temporary))
