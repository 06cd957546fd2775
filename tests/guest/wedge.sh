#!/usr/bin/env bash
# wedge.sh GUEST [OPTIONS]: builds tests/guest/wedge_GUEST.c as it is and -DFIXED, runs both, and prints what `xenolith wedge` says
# of the first with the second as its reference. Needs $XENOLITH and $SOURCE (tests/golden.py). Addresses of code are masked:
# they follow the compiler's version.
set -euo pipefail
guest=$1
shift
if ! command -v powerpc64-linux-gnu-gcc >/dev/null; then
    echo "powerpc64-linux-gnu-gcc is missing: apt-get install gcc-powerpc64-linux-gnu"
    exit 77
fi
masked() {
    sed -E 's/0x8201[0-9a-f]{4}/0x8201..../g'
}
for variant in hangs fixed; do
    flags=()
    [ "$variant" = hangs ] || flags=(-DFIXED)
    "$SOURCE/guest/bin/xcc" "${flags[@]}" -Wall -Werror -o "$variant.xex" "$SOURCE/tests/guest/wedge_$guest.c"
    status=0
    "$XENOLITH" run "$variant.xex" --trace "$variant.xtrace" >"$variant.txt" 2>&1 || status=$?
    echo "$variant: run ends with status $status"
done
status=0
"$XENOLITH" wedge hangs.xtrace --reference fixed.xtrace "$@" | masked || status=$?
echo "wedge: status $status"
status=0
"$XENOLITH" wedge fixed.xtrace | masked | head -1 || status=$?
echo "wedge of the reference: status $status"
