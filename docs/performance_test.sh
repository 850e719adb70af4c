#!/bin/sh
# SPDX-License-Identifier: ISC
#
# performance.sh fills each mark of a copy of docs/performance.md with what it has measured, and has
# it drawn; the marks stay.
#
#     performance_test.sh ROOT WORK_DIR SIMBLK PLUGIN

set -eu
LC_ALL=C
export LC_ALL

root=$1 work=$2 simblk=$3 plugin=$4

fail() {
    echo "$*"
    exit 1
}

for tool in nbdkit fio qemu-nbd jq gnuplot; do
    command -v "$tool" >/dev/null || {
        echo "$tool is not there"
        exit 77
    }
done

rm -rf "$work"
mkdir -p "$work/docs" "$work/scenarios/nbdkit"
cp -R "$root/docs/performance.md" "$root/docs/figures.sh" "$root/docs/plots" "$work/docs"
cp "$root/README.md" "$work"
cp "$root/scenarios/nbdkit/peers.sh" "$work/scenarios/nbdkit"
for n in 1000 2000; do
    echo "requests=$n reads=$((n / 2)) writes=$((n / 2 - 1)) flushes=1 disconnected=2 closed=1" \
        "crashed=1 cut=0 seconds=1800.0 seed=1"
done >"$work/total"

measure() {
    BENCH="--repeats 1 --time 1" PEERS=1 \
        sh "$root/docs/performance.sh" "$work" "$simblk" "$plugin" "$work/total"
}

part() { # mark
    sed -n "/^<!-- $1 -->\$/,/^<!-- end -->\$/p" "$work/docs/performance.md"
}

measure
part machine | grep -q '^Measured on .* processors, Linux ' || fail "no machine: $(part machine)"
[ "$(part stepped | grep -c '^| [a-z].*| none |')" -ge 15 ] || fail "rows are missing"
[ "$(part stepped | grep -c '^| [a-z].*| all |')" -ge 15 ] || fail "rows with rules are missing"
[ "$(part threads | grep -c '^| [a-z].*| none |')" -ge 19 ] || fail "rows of threads are missing"
[ "$(part growth | grep -c '^| [0-9]* | [0-9]* | [0-9]* | [0-9]* |$')" -eq 10 ] ||
    fail "what memory grows with: $(part growth)"
[ "$(part peers | grep -c '^| .* [0-9]* | [0-9.]* | [0-9.]* |$')" -eq 5 ] ||
    fail "peers are missing: $(part peers)"
part soak | grep -qx '| 3000 | 1500 | 1498 | 2 | 10 | 1.00 |' || fail "the soak: $(part soak)"
for size in '512 B' '4 KiB' '64 KiB' '1 MiB'; do
    grep -q "<title>$size</title>" "$work/docs/performance.svg" || fail "no line for $size"
done
sh "$work/docs/figures.sh" "$work" | while IFS= read -r line; do
    grep -qxF "$line" "$work/README.md" || fail "README.md lacks: $line"
done
cmp -s "$root/README.md" "$work/README.md" && fail "README.md has the figures of another day"
[ "$(grep -c '^<!-- end -->$' "$work/docs/performance.md")" -eq 6 ] || fail "marks are lost"
xmllint --noout "$work/docs/performance.svg" "$work/docs/performance-stepped.svg"
