# SPDX-License-Identifier: ISC
#
# Whether a page's sample is what a program has printed: a line of dots stands for lines that are
# left out, how long it took differs, all else is the same.
#
#     awk -v printed=FILE -f sample.awk SAMPLE

function timeless(line) {
    sub(/ in [0-9.]+ s$/, " in T s", line)
    return line
}

BEGIN {
    while ((getline line <printed) > 0)
        real[++lines] = timeless(line)
}
$1 == "…" { skipping = 1; next }
{
    wanted = timeless($0)
    at++
    while (skipping && at <= lines && real[at] != wanted)
        at++
    if (at > lines || real[at] != wanted) {
        print "the sample has: " wanted
        print "printed was:    " real[at]
        exit bad = 1
    }
    skipping = 0
}
END {
    if (!bad && !skipping && at != lines) {
        print "more was printed: " real[at + 1]
        exit 1
    }
}
