#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The steps of github-action.yml, run as GitHub would run them; but simblk is this build, installed.
#
#     action.sh BUILD_DIR ROOT WORK_DIR

set -eu
LC_ALL=C
export LC_ALL

build=$1
root=$2
here=$root/examples/tiny-frontend
work=$3

rm -rf "$work"
mkdir -p "$work"
cp "$here/tiny.c" "$work"
cd "$work"

# The lines of the step's `run: |`, without their margin.
step() {
    awk -v name="$1" '
        $1 == "-" { inside = $2 == "name:" && substr($0, index($0, "name:") + 6) == name; run = 0 }
        inside && run && /^          / { print substr($0, 11) }
        inside && $1 == "run:" { run = 1 }' "$here/github-action.yml"
}

play() {
    step "$1" >step.sh
    [ -s step.sh ] || { echo "github-action.yml: no step '$1'"; exit 1; }
    PREFIX=$work/installed SOURCES=tiny.c sh -e step.sh
}

# The tool is configured as the step says it, from a link instead of a clone; building it once more
# would take minutes.
step simblk | grep -q '^git clone --depth 1 "\$SIMBLK_REPOSITORY" simblk-source$'
ln -s "$root" simblk-source
step simblk | grep '^cmake -S simblk-source -B simblk-build ' >step.sh
sh -e step.sh >configure.log
grep -q 'tests: *off' configure.log
step simblk | grep -q '^cmake --install simblk-build --prefix "\$PREFIX"$'
cmake --install "$build" --prefix "$work/installed" >install.log
play "your frontend"
status=0
play "judge it" || status=$?
[ "$status" -eq 127 ] # it crashes: one of its habits
grep -q '<testsuites' junit.xml
grep -q '</html>' report.html
[ "$(wc -c <report.html)" -lt 20971520 ] # however much fails

grep -q 'I17' junit.xml
play "rule by rule"
grep -q '</html>' rules.html

# All that is uploaded is there by then.
sed -n '/upload-artifact/,$s/^            \([^ ]*\)$/\1/p' "$here/github-action.yml" >uploads
[ "$(tr '\n' ' ' <uploads)" = "junit.xml report.html rules.html " ]
while read -r upload; do
    [ -s "$upload" ] || { echo "github-action.yml uploads $upload, which is not there"; exit 1; }
done <uploads
