# SPDX-License-Identifier: ISC
#
# The picture of the step that breaks a rule, from what `simblk show --ladder` prints: a line for
# each party from top to bottom, a row for each event of the request, the failing one marked.
#
#     awk -v title=TEXT -f ladder.awk PRINTED
#
# Places in a printed line are those of ladder_text.c; those of the picture are pixels.

function plain(text) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    return text
}

# The line that is nearest to a printed column, from 0.
function line_at(column) {
    return int(column / 11 + 0.5)
}

function x_of(line) {
    return 62 + line * 82
}

# A row as it was printed: an arrow, or a dot where it happens.
function draw_row(row, y, picture, class, text, left, right, from, to, slot) {
    picture = substr(row, 21, 45)
    class = row ~ /^!!/ ? "bad" : "way"
    text = substr(row, 68)
    sub(/^#[0-9]+ +/, "", text)
    if (class == "bad")
        printf "<rect class=\"mark\" x=\"8\" y=\"%d\" width=\"924\" height=\"20\" rx=\"3\"/>\n", y - 14
    if (match(picture, /o/)) {
        printf "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"3.5\"/>\n", class,
            x_of(line_at(RSTART - 1)), y - 4
    } else {
        match(picture, /[-+<>]+/)
        left = line_at(RSTART - 2)
        right = line_at(RSTART + RLENGTH - 1)
        from = picture ~ />/ ? left : right
        to = picture ~ />/ ? right : left
        printf "<path class=\"%s\" d=\"M%d %d H%d\"/>\n", class, x_of(from), y - 4,
            x_of(to) + (from < to ? -1 : 1) * (picture ~ /\[/ && to == 2 ? 13 : 2)
    }
    if (match(picture, /\[[0-9]+\]/)) {
        slot = substr(picture, RSTART + 1, RLENGTH - 2)
        printf "<rect class=\"slot\" x=\"%d\" y=\"%d\" width=\"22\" height=\"16\" rx=\"3\"/>\n",
            x_of(2) - 11, y - 12
        printf "<text class=\"middle\" x=\"%d\" y=\"%d\">%s</text>\n", x_of(2), y, slot
    }
    printf "<text%s x=\"430\" y=\"%d\">%s</text>\n", class == "bad" ? " class=\"loud\"" : "", y,
        plain(text)
}

/^step / {
    step = $0
    count = 0
}
# Behind the failing event its step may go on: that is left out.
/^!! / && !broken && failed {
    broken = substr($0, 4)
}
!broken && /^(  |!!) +[0-9]+\.[0-9][0-9][0-9] / && substr($0, 68, 1) == "#" {
    rows[++count] = $0
    failed = failed || /^!!/
}

END {
    if (!broken || !count) {
        print "ladder.awk: no rule is broken in it" >"/dev/stderr"
        exit 1
    }
    names = split("application frontend ring backend XenStore", name, " ")
    height = 84 + count * 22 + 34
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 940 %d\" width=\"940\" " \
        "height=\"%d\"\n  font-family=\"monospace\" font-size=\"11.5\" role=\"img\" " \
        "aria-labelledby=\"title\">\n", height, height
    printf "<title id=\"title\">%s: %s</title>\n", plain(title), plain(broken)
    print "<defs>"
    split("way bad", kind, " ")
    for (i = 1; i <= 2; i++)
        printf "  <marker id=\"%s\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" " \
            "markerHeight=\"7\"\n    orient=\"auto\"><path class=\"%s-tip\" " \
            "d=\"M0 0 L8 4 L0 8 z\"/></marker>\n", kind[i], kind[i]
    print "  <style>"
    print "    .page { fill: #ffffff } text { fill: #24292f } .soft { fill: #57606a }"
    print "    .middle { text-anchor: middle } .head { font-weight: bold; text-anchor: middle }"
    print "    .rail { stroke: #c4cad1 } .slot { fill: #ffffff; stroke: #1b6ca8 }"
    print "    path.way, path.bad { fill: none; stroke: #1b6ca8; stroke-width: 1.5 }"
    print "    path.way { marker-end: url(#way) } path.bad { marker-end: url(#bad) }"
    print "    circle.way, .way-tip { fill: #1b6ca8 }"
    print "    path.bad { stroke: #c0392b } circle.bad, .bad-tip { fill: #c0392b }"
    print "    .mark { fill: #fbe9e7 } .loud { fill: #c0392b; font-weight: bold }"
    print "    @media (prefers-color-scheme: dark) {"
    print "      .page, .slot { fill: #12151a } text { fill: #d9dee4 } .soft { fill: #97a1ac }"
    print "      .rail { stroke: #3a424c } .slot { stroke: #5aa9e6 }"
    print "      path.way { stroke: #5aa9e6 } circle.way, .way-tip { fill: #5aa9e6 }"
    print "      path.bad { stroke: #ff8a7a } circle.bad, .bad-tip { fill: #ff8a7a }"
    print "      .mark { fill: #3a1f1c } .loud { fill: #ff8a7a }"
    print "    }"
    print "  </style>"
    print "</defs>"
    printf "<rect class=\"page\" width=\"940\" height=\"%d\" rx=\"6\"/>\n", height
    printf "<text class=\"soft\" x=\"16\" y=\"22\">%s, %s</text>\n", plain(title), plain(step)
    for (i = 1; i <= names; i++) {
        printf "<text class=\"head\" x=\"%d\" y=\"50\">%s</text>\n", x_of(i - 1), name[i]
        printf "<path class=\"rail\" d=\"M%d 58 V%d\"/>\n", x_of(i - 1), height - 40
    }
    for (i = 1; i <= count; i++)
        draw_row(rows[i], 80 + (i - 1) * 22)
    printf "<text class=\"loud\" x=\"16\" y=\"%d\">%s</text>\n", height - 14, plain(broken)
    print "</svg>"
}
