#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The manual: every command has a page and no page is of another; what is made of them is sound; and
# every example is run.
#
#     check.sh ROOT SIMBLK PAGES WORK_DIR

set -eu
LC_ALL=C
export LC_ALL

root=$1
simblk=$2
pages=$3
work=$4
bad=0

complain() {
    echo "docs/man: $*"
    bad=1
}

rm -rf "$work"
mkdir -p "$work/bin"
ln -s "$simblk" "$work/bin/simblk"
ln -s "$root/scenarios" "$work/scenarios"
cd "$work"

"$simblk" --help | sed -nE 's/^  ([a-z]+) .*/\1/p' | sort >commands
for page in "$root"/docs/man/simblk-*.1.md; do
    basename "$page" .1.md
done | sed 's/^simblk-//' | sort >paged
[ -s commands ] || complain "simblk --help lists no command"
diff commands paged || complain "commands (<) and pages (>) differ"

# Its style is lowdown's; an error would be ours.
for page in "$pages"/man*/*; do
    mandoc -T lint -W error "$page" || complain "$page"
    grep -q '^\.SH' "$page" || complain "$page has no section"
    ! grep -nE '^@[A-Z]+( .*)?@$' "$page" || complain "$page: a mark is left"
done

# Lines set in by four spaces under EXAMPLES that begin with a command of ours. A scenario that
# fails and installed ones are made where an example needs them.
printf 'rule I8\nbackend linux\nfault status=-1\nconnect -> ok\nread 0 +8 -> ok\n' >find.scn
echo "# none" >known.txt
sed -n '/^# EXAMPLES/,/^# [^E]/s/^    \(simblk .*\)$/\1/p' "$root"/docs/man/simblk*.1.md >examples
while IFS= read -r line; do
    case $line in
    *" /usr/local/share/simblk/scenarios") line=${line% *}" scenarios/conformance/read-only" ;;
    esac
    PATH=$work/bin:$PATH sh -c "$line" >out 2>&1 </dev/null || {
        complain "this fails: $line"
        cat out
    }
done <examples
[ "$(wc -l <examples)" -gt 15 ] || complain "examples were not found"

exit $bad
