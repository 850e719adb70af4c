#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The plots: the same bytes each time, other ones of another figure; those of docs/ are drawn from
# the tables as they stand; a table that is gone, or a gnuplot, is told of; and coverage_table.sh
# writes what a coverage build has counted.
#
#     check.sh ROOT WORK_DIR

set -eu
LC_ALL=C
export LC_ALL

root=$1
work=$2
bad=0

complain() {
    echo "docs/plots: $*"
    bad=1
}

rm -rf "$work"
mkdir -p "$work/docs" "$work/one" "$work/two" "$work/other" "$work/build" "$work/bin"
cd "$work"

# ---- what is missing is told, and no plot is touched ----

for tool in sh awk mktemp rm cp cat; do
    ln -s "$(command -v $tool)" bin/$tool
done
if PATH=$work/bin sh "$root/docs/plots/plots.sh" "$root" one 2>said; then
    complain "plots are drawn without gnuplot"
fi
grep -q 'gnuplot is missing' said || complain "nobody says that gnuplot is missing: $(cat said)"

for tool in gnuplot xmllint; do
    command -v $tool >/dev/null || {
        echo "$tool is not there"
        [ "$bad" -eq 0 ] || exit 1
        exit 77
    }
done

# ---- plots ----

sh "$root/docs/plots/plots.sh" "$root" one
sh "$root/docs/plots/plots.sh" "$root" two
diff -r one two || complain "the same tables are drawn otherwise"
xmllint --noout one/*.svg || complain "there is no sound SVG"

maker() {
    sed -n 's/^<desc>Produced by \(.*\)<.desc>/\1/p' "$1"
}

for plot in one/*.svg; do
    name=${plot##*/}
    # Another gnuplot draws otherwise.
    if [ "$(maker "$plot")" != "$(maker "$root/docs/$name")" ]; then
        echo "docs/$name: drawn by $(maker "$root/docs/$name"), not compared"
    elif ! cmp "$plot" "$root/docs/$name"; then
        complain "docs/$name is not of the table as it stands; the target plots draws it"
    fi
    grep -q "($name)" "$root"/docs/*.md || complain "no page shows docs/$name"
done
[ "$(find one -name '*.svg' | wc -l)" -eq 4 ] || complain "plots are missing"

# Another figure is another plot, and of that table alone.
cp -R "$root/docs/plots" "$root"/docs/*.md docs
sed 's/^| read 4 KiB, depth 32 | none | [0-9]* |/| read 4 KiB, depth 32 | none | 4242 |/' \
    "$root/docs/performance.md" >docs/performance.md
sh docs/plots/plots.sh . other
diff -rq one other >changed || true
[ "$(cat changed)" = "Files one/performance.svg and other/performance.svg differ" ] ||
    complain "another rate changes: $(cat changed)"

sed -i 's/^<!-- generic -->$//; s/^<!-- seeded -->$//' docs/mutants.md
if sh docs/plots/plots.sh . other mutants 2>said; then
    complain "a table that is gone is drawn"
fi
grep -q 'has no table for mutants' said || complain "nobody says that a table is gone: $(cat said)"
if sh docs/plots/plots.sh . other nothing 2>>said; then
    complain "a plot that nobody knows is drawn"
fi

# ---- pictures of pages, drawn by hand or not ----

for page in "$root"/*.md "$root"/docs/*.md; do
    sed -n 's/.*!\[.*\](\([^)]*\)).*/\1/p' "$page" | while read -r picture; do
        echo "${page%/*}/$picture"
    done
done >pictures
grep -q '/docs/architecture.svg$' pictures || complain "the README shows no picture"
while read -r picture; do
    xmllint --noout "$picture" || complain "a page shows $picture"
done <pictures

# ---- the table of coverage ----

for folder in frontend-src frontend-platform simback-src scenarios-src; do
    printf 'SF:a.c\nLF:150\nLH:100\nBRF:30\nBRH:10\nSF:b.c\nLF:50\nLH:50\nBRF:10\nBRH:10\n' \
        >build/$folder.info
done
sh docs/plots/coverage_table.sh . build
grep -qx '| simback/src | 150 of 200 | 75.0 % | 20 of 40 | 50.0 % |' docs/coverage.md ||
    complain "the table of coverage is not what was counted"
diff "$root/docs/coverage.md" docs/coverage.md >changed || true
if grep '^[<>]' changed | grep -v '^. | [a-z/]* | [0-9]* of '; then
    complain "more than the figures has changed"
fi
rm build/simback-src.info
if sh docs/plots/coverage_table.sh . build 2>said; then
    complain "a folder that was not counted has figures"
fi

exit $bad
