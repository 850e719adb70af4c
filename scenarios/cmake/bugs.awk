# SPDX-License-Identifier: ISC
#
# The table of docs/bugs.md as C, for simblk explain (scenarios/src/explain.h): rows of six columns,
# which name scenarios and rules. .ci/tidy/bugs.sh sees to their form.
#
#     awk -v out=FILE -f bugs.awk docs/bugs.md

BEGIN {
    FS = " [|] "
    print "/* Made of docs/bugs.md by cmake/bugs.awk. */" >out
    print "#include \"explain.h\"\n" >out
    print "const struct explained_bug explained_bugs[] = {" >out
}

/^[|] [0-9]+ [|]/ && NF == 6 {
    row = $1
    sub(/^[|] /, "", row)
    text = $3
    gsub(/\\/, "\\\\", text)
    gsub(/"/, "\\\"", text)
    scenarios = $4
    gsub(/`/, "", scenarios)
    count = split($5, rules, " ")
    mask = "0"
    for (i = 1; i <= count; i++)
        mask = mask " | 1u << " substr(rules[i], 2)
    printf "    {%s, '%s', %s, \"%s\", \"%s\"},\n", row, $2, mask, text, scenarios >out
    rows++
}

END {
    print "};\n" >out
    print "const unsigned explained_bug_count = " rows + 0 "u;" >out
}
