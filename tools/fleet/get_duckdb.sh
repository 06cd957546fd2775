#!/usr/bin/env bash
# Brings DuckDB's shared library (MIT) from the npm package @duckdb/node-bindings-linux-x64 into FOLDER/libduckdb.so:
# get_duckdb.sh FOLDER. Nothing happens where that version is there already.
set -euo pipefail
version=1.5.6-r.1
# Of the package as the registry has it (its "integrity", in hex).
sha512=21772b64913a904a8cd19e30c1d5671811d7fdface4b7dd53cd0300d743f43e16cf386f4e7c41ef78721ac208870d2651bc6375072145387817824315b998dd5
package=@duckdb/node-bindings-linux-x64

folder=${1:?usage: get_duckdb.sh FOLDER}
if [ -f "$folder/libduckdb.so" ] && [ "$(cat "$folder/version" 2>/dev/null)" = "$version $sha512" ]; then
    exit 0
fi
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "get_duckdb.sh: $package is for Linux on x86-64" >&2; exit 1; }
part=$(mktemp -d)
trap 'rm -rf "$part"' EXIT
if command -v npm >/dev/null; then
    (cd "$part" && npm pack --silent "$package@$version" >/dev/null)
    mv "$part"/*.tgz "$part/package.tgz"
elif command -v curl >/dev/null; then
    curl -fsSL -o "$part/package.tgz" "https://registry.npmjs.org/$package/-/node-bindings-linux-x64-$version.tgz"
else
    python3 - "https://registry.npmjs.org/$package/-/node-bindings-linux-x64-$version.tgz" "$part/package.tgz" <<'PYTHON'
import sys
import urllib.request
urllib.request.urlretrieve(sys.argv[1], sys.argv[2])
PYTHON
fi
echo "$sha512  $part/package.tgz" | sha512sum --check --status || { echo "get_duckdb.sh: the package is not the one that is expected (sha512)" >&2; exit 1; }
tar -xzf "$part/package.tgz" -C "$part" package/libduckdb.so package/LICENSE
mkdir -p "$folder"
mv "$part/package/LICENSE" "$folder/LICENSE.duckdb"
mv "$part/package/libduckdb.so" "$folder/libduckdb.so"
echo "$version $sha512" >"$folder/version"
