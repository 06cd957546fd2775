#!/usr/bin/env python3
"""Writes one script that runs `xenolith parity run` for titles x builds, as a Slurm job array, with GNU parallel, or one by one.

usage: jobs.py -o JOBS.sh LIST [--out FOLDER] [--time HH:MM:SS]
       jobs.py -o JOBS.sh --build NAME=XENOLITH... --config CONFIG.json... [--out FOLDER] [--time HH:MM:SS]

LIST is a text file: lines `build NAME XENOLITH` and `title CONFIG.json`, # for remarks; paths start at its folder.

    sbatch --array=0-N%LIMIT JOBS.sh             each task of the array does one job (the script prints N)
    parallel ./JOBS.sh ::: $(seq 0 N)            the same on one machine, or on many with --sshlogin
    ./JOBS.sh all                                one after the other
    ./JOBS.sh collect                            one table of all ledgers in FOLDER
    ./JOBS.sh ledger BUILD                       the digests of one build, as `xenolith parity log --ledger FILE` reads them

A job writes FOLDER/<build>/<title>/{ledger.txt,report.html,output.txt} and no file of any other job; a job whose ledger is there is done.
A digest's commit is the name of the build, its date that of the program: name builds by their commits."""
import argparse
import json
import pathlib
import shlex
import stat
import sys

SCRIPT = """#!/usr/bin/env bash
#SBATCH --job-name=xenolith-parity --cpus-per-task=1 --time={time} --output=/dev/null
# {count} jobs; made by tools/fleet/jobs.py, whose text says how to start it.
set -u
out={out}
builds=({builds})
programs=({programs})
titles=({titles})
configs=({configs})
count={count}

job() {{
    local n=$1 build title config folder status=0
    [[ $n =~ ^[0-9]+$ ]] && [ "$n" -lt "$count" ] || {{ echo "job $n: there are 0 to $((count - 1))" >&2; return 2; }}
    build=$((n / ${{#configs[@]}})) title=$((n % ${{#configs[@]}}))
    config=${{configs[$title]}}
    folder=$out/${{builds[$build]}}/${{titles[$title]}}
    [ ! -s "$folder/ledger.txt" ] || {{ echo "job $n: $folder is done"; return 0; }}
    mkdir -p "$folder"
    "${{programs[$build]}}" parity run "$config" --commit "${{builds[$build]}}" --date "$(date -u -r "${{programs[$build]}}" +%F)" \\
        --ledger "$folder/ledger.part" --log "$folder/run.xtrace" --html "$folder/report.html" \\
        >"$folder/output.txt" 2>&1 || status=$?
    [ "$status" -ge 2 ] || mv "$folder/ledger.part" "$folder/ledger.txt"
    echo "job $n: ${{builds[$build]}} ${{titles[$title]}}: status $status"
    [ "$status" -lt 2 ]
}}

case ${{1:-${{SLURM_ARRAY_TASK_ID:-}}}} in
    '') echo "usage: $0 JOB|all|collect|ledger BUILD, or sbatch --array=0-$((count - 1)) $0" >&2; exit 2 ;;
    all) failed=0; for ((n = 0; n < count; n++)); do job "$n" || failed=1; done; exit $failed ;;
    collect)
        for ((n = 0; n < count; n++)); do
            folder=$out/${{builds[$((n / ${{#configs[@]}}))]}}/${{titles[$((n % ${{#configs[@]}}))]}}
            [ ! -s "$folder/ledger.txt" ] || sed -n "/^#/!s|^|${{builds[$((n / ${{#configs[@]}}))]}} |p" "$folder/ledger.txt"
        done ;;
    ledger)
        for title in "${{titles[@]}}"; do
            ledger=$out/${{2:?ledger of which build? ${{builds[*]}}}}/$title/ledger.txt
            [ ! -s "$ledger" ] || grep -v '^#' "$ledger"
        done ;;
    *) job "${{1:-$SLURM_ARRAY_TASK_ID}}" ;;
esac
"""


def words(values):
    return " ".join(shlex.quote(str(value)) for value in values)


def title_of(config):
    title = json.loads(config.read_text())["title"]
    if not title or "/" in title or title.startswith("."):
        sys.exit(f"{config}: {title!r} cannot name a folder")
    return title


def read_list(path):
    """(builds, configs) of a list file."""
    builds, configs = [], []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        row = shlex.split(line, comments=True)
        if len(row) == 3 and row[0] == "build":
            builds.append((row[1], path.parent / row[2]))
        elif len(row) == 2 and row[0] == "title":
            configs.append(path.parent / row[1])
        elif row:
            sys.exit(f"{path}:{number}: neither `build NAME XENOLITH` nor `title CONFIG.json`")
    return builds, configs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", required=True, type=pathlib.Path)
    parser.add_argument("list", nargs="?", type=pathlib.Path, metavar="LIST")
    parser.add_argument("--build", default=[], nargs="+", metavar="NAME=XENOLITH")
    parser.add_argument("--config", default=[], nargs="+", type=pathlib.Path)
    parser.add_argument("--out", default="fleet", type=pathlib.Path)
    parser.add_argument("--time", default="00:30:00")
    a = parser.parse_args()
    builds = [build.partition("=")[::2] for build in a.build]
    if a.list:
        listed = read_list(a.list)
        builds, a.config = builds + listed[0], a.config + listed[1]
    if not builds or not a.config:
        parser.error("a LIST, or --build and --config: at least one build and one title")
    if any(not name or not str(program) or "/" in name for name, program in builds):
        parser.error("--build is NAME=XENOLITH")
    titles = [title_of(config) for config in a.config]
    if len(set(titles)) != len(titles) or len({name for name, _ in builds}) != len(builds):
        parser.error("two titles or two builds have one name: their jobs would share a folder")
    a.o.write_text(SCRIPT.format(time=a.time, out=shlex.quote(str(a.out.resolve())), count=len(builds) * len(titles), builds=words(n for n, _ in builds),
                                 programs=words(pathlib.Path(p).resolve() for _, p in builds), titles=words(titles),
                                 configs=words(config.resolve() for config in a.config)))
    a.o.chmod(a.o.stat().st_mode | stat.S_IXUSR)
    print(f"{a.o}: jobs 0 to {len(builds) * len(titles) - 1}")


if __name__ == "__main__":
    main()
