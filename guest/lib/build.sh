#!/usr/bin/env bash
# Builds the SDK's start code, C library and imports into a folder, if they are older than their sources: build.sh FOLDER
set -euo pipefail
guest=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$1
source "$guest/lib/flags.sh"
mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9

exports=${XENOLITH_EXPORTS:-$guest/../src/exports}
tables=("$exports"/*.def)
[ -f "${tables[0]}" ] || { echo "xcc: no export tables: $exports/*.def" >&2; exit 1; }

stamp=$folder/stamp
newer=$(find "$guest/lib" "$guest/include" "${tables[@]}" -type f -newer "$stamp" -print -quit 2>/dev/null || echo all)
[ -f "$stamp" ] && [ -z "$newer" ] && exit

rm -f "$stamp" "$folder"/*.o "$folder"/*.a
touch "$folder/begun"
export PYTHONDONTWRITEBYTECODE=1
python3 "$guest/lib/headers.py" "$exports" "$folder/include"
python3 "$guest/lib/imports.py" "$exports" "$folder/imports.S"
CFLAGS+=(-isystem "$folder/include")
objects=()
for source in "$guest"/lib/*.c; do
    object=$folder/$(basename "$source" .c).o
    "$CC" "${CFLAGS[@]}" -O2 -std=gnu17 -Wall -Wextra -Werror -fno-tree-loop-distribute-patterns -ffp-contract=off -c "$source" -o "$object"
    case $object in */crt.o|*/dll.o) ;; *) objects+=("$object") ;; esac
done
for source in "$guest"/lib/*.S "$folder/imports.S"; do
    object=$folder/$(basename "$source" .S).o
    "$CC" "${CFLAGS[@]}" -c "$source" -o "$object"
    [ "$object" = "$folder/crt0.o" ] || objects+=("$object")
done
powerpc64-linux-gnu-ar rcD "$folder/libxenolith.a" "${objects[@]}"
mv "$folder/begun" "$stamp"
