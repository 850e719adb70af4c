#!/bin/sh
# SPDX-License-Identifier: ISC
#
# docs/bugs.md and scenarios/regression say the same: every row names scenarios that are there and
# that name the row (about "BUGS.md 12: ..."), its rules are theirs, every scenario is named; a bug
# of a frontend, ring or XenStore client has a mutant. Rows that are no scenario give a reason,
# eight at most. What was found in simblk itself has no row: it is listed by its scenario's name.
#
#     bugs.sh ROOT

set -eu
LC_ALL=C
export LC_ALL

cd "$1"
excused_most=8

# What awk is to expand, not the shell.
# shellcheck disable=SC2016
find scenarios/regression -type f -name '*.scn' 2>/dev/null | sort |
    xargs awk '
    FNR == 1 { name = FILENAME; sub(/.*\//, "", name); sub(/\.scn$/, "", name); print "file", name }
    $1 == "rule" {
        for (i = 2; i <= NF && $i !~ /^#/; i++)
            if ($i != "should") print "rule", name, $i
    }
    $1 == "about" && match($0, /"BUGS\.md [0-9]+:/) {
        print "row", name, substr($0, RSTART + 9, RLENGTH - 10)
    }' |
    awk -F ' [|] ' -v most="$excused_most" '
    function complain(what) { print "docs/bugs.md: " what; bad = 1 }
    FILENAME == "-" {
        split($0, word, " ")
        if (word[1] == "file") { file[word[2]] = 1; next }
        if (word[1] == "rule") { rules[word[2]] = rules[word[2]] " " word[3] " "; next }
        about[word[2]] = about[word[2]] " " word[3] " "
        next
    }
    /^- `[^`]+`: ./ {
        name = $0
        gsub(/^- `|`: .*/, "", name)
        named[name] = 1
        if (!(name in file)) complain("scenarios/regression/" name ".scn is not there")
        next
    }
    !/^[|] [0-9]+ [|]/ { next }
    {
        row = $1
        sub(/^[|] /, "", row)
        sub(/ ?[|]$/, "", $NF)
        if (row in seen) complain(row " stands there twice")
        seen[row] = 1
        rows++
        if ($2 !~ /^[FBRX]$/) complain(row ": " $2 " is no side")
    }
    NF == 4 {
        excused++
        if ($4 == "") complain(row ": is no scenario, and nothing says why")
        next
    }
    NF != 6 { complain(row ": has " NF " columns"); next }
    {
        ours = " "
        count = split($4, names, " ")
        for (i = 1; i <= count; i++) {
            name = names[i]
            gsub(/`/, "", name)
            named[name] = 1
            if (!(name in file)) complain(row ": scenarios/regression/" name ".scn is not there")
            else if (!index(about[name], " " row " ")) complain(row ": " name " does not name it")
            ours = ours rules[name]
        }
        if (count == 0) complain(row ": names no scenario")
        count = split($5, said, " ")
        for (i = 1; i <= count; i++)
            if (!index(ours, " " said[i] " ")) complain(row ": no scenario of it is for " said[i])
        if (count == 0) complain(row ": names no rule")
        if ($2 != "B" && $6 !~ /^`m[0-9]+-[a-z0-9-]+`: ./) complain(row ": names no mutant")
    }
    END {
        if (rows == 0) complain("no rows")
        if (excused > most) complain(excused " rows are no scenario, " most " may be")
        for (name in file)
            if (!(name in named)) complain("scenarios/regression/" name ".scn is not named")
        exit bad
    }' - docs/bugs.md
