#!/usr/bin/env bash
# Extracts the two sample titles that tests look for from a clone of rexdex/recompiler into corpus/ (git-ignored).
# usage: tools/fetch_corpus.sh [GIT_DIRECTORY [TARGET]]   (or XENOLITH_CORPUS_GIT; target default: corpus/ beside tools/)
# Prints what is missing; exit status 1 if a title is not complete.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
git_directory=${1:-${XENOLITH_CORPUS_GIT:-}}
target=${2:-$here/corpus}
shared=$(cd "$here/../shared" 2>/dev/null && pwd || true)

if [ "$git_directory" = --help ] || [ -z "$git_directory" ]; then
    sed -n '2,4p' "$0" | cut -c3-
    [ -n "$git_directory" ] || echo "no git directory given: clone https://github.com/rexdex/recompiler and name it" >&2
    [ "$git_directory" = --help ]
    exit
fi
[ -d "$git_directory/.git" ] && git_directory=$git_directory/.git

missing=0
say_missing() {
    echo "missing: $*"
    missing=1
}

# extract COMMIT FOLDER NAME: every file of the folder at the commit, one by one so that an absent blob is one line.
extract() {
    local commit=$1 folder=$2 name=$3 path out
    while IFS= read -r path; do
        out=$target/$name/${path#"$folder"/}
        mkdir -p "$(dirname "$out")"
        if git --git-dir="$git_directory" cat-file blob "$commit:$path" >"$out.part" 2>/dev/null; then
            mv "$out.part" "$out"
        else
            rm -f "$out.part"
            echo "note: not in the clone: $name/${path#"$folder"/}"
        fi
    done < <(git --git-dir="$git_directory" -c core.quotePath=false ls-tree -r --name-only "$commit" "$folder/")
}

check() {
    local file=$1 want=$2 have
    if [ ! -f "$target/$file" ]; then
        say_missing "$file"
        return
    fi
    have=$(sha256sum "$target/$file" | cut -d' ' -f1)
    if [ "$have" = "$want" ]; then
        echo "ok: $file"
    else
        say_missing "$file (sha256 $have, want $want)"
    fi
}

extract HEAD projects/xenon/dolphin dolphin
extract bf38b019afd915dd24ce140816c034e779787bfa projects/xenon/fog fog

# The original of this file is not published; the reference logs were made with a stand-in.
standin=$shared/reference-logs/fog-standin-Resource.xpr.zst
if [ -f "$standin" ]; then
    mkdir -p "$target/fog/Media"
    zstd -qdf "$standin" -o "$target/fog/Media/Resource.xpr"
    chmod u+w "$target/fog/Media/Resource.xpr"
else
    say_missing "fog/Media/Resource.xpr stand-in (needs ../shared/reference-logs)"
fi

check dolphin/dolphin.xex 5b92dd4dc8af6adfaaaa028f8e5b17255024fdded7c1336fafb63629aab46639
check fog/VolumeFog.xex 656f663f6dee574ed6f5f37b928d6501586b28c7e9318212dbc5d99a8dd02f86
exit $missing
