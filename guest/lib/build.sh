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
if compgen -G "$exports/*.def" >/dev/null; then
    tables=("$exports"/*.def)
    from=(--exports "$exports")
else
    tables=("$guest/../../shared/reference/exports.tsv")
    from=(--tsv "${tables[0]}")
    [ -f "${tables[0]}" ] || { echo "xcc: no export tables: neither $exports/*.def nor ${tables[0]}" >&2; exit 1; }
fi

stamp=$folder/stamp
newer=$(find "$guest/lib" "$guest/include" "${tables[@]}" -type f -newer "$stamp" -print -quit 2>/dev/null || echo all)
[ -f "$stamp" ] && [ -z "$newer" ] && exit

rm -f "$stamp" "$folder"/*.o "$folder"/*.a
touch "$folder/begun"
for c in crt string stdlib stdio format int64; do
    "$CC" "${CFLAGS[@]}" -O2 -Wall -Wextra -Werror -fno-tree-loop-distribute-patterns -c "$guest/lib/$c.c" -o "$folder/$c.o"
done
"$CC" "${CFLAGS[@]}" -c "$guest/lib/crt0.S" -o "$folder/crt0.o"
"$CC" "${CFLAGS[@]}" -c "$guest/lib/savres.S" -o "$folder/savres.o"
python3 "$guest/lib/imports.py" "${from[@]}" "$folder/imports.S"
"$CC" "${CFLAGS[@]}" -c "$folder/imports.S" -o "$folder/imports.o"
(cd "$folder" && powerpc64-linux-gnu-ar rcD libxenolith.a string.o stdlib.o stdio.o format.o int64.o savres.o imports.o)
mv "$folder/begun" "$stamp"
