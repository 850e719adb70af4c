#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Who may include whom (ARCHITECTURE.md, "The house"):
#
#     frontend/include      <- everyone; includes nothing of ours, freestanding headers only
#     frontend/src          <- nobody outside frontend/; freestanding headers and string.h only
#     simback/              -> blkfront/platform.h, blkif.h and observe.h, own headers; the oracle,
#                              which hears of the application's requests, blkfront.h too
#     the scenario language -> own headers of scenarios/ alone
#     scenarios/, the rest  -> scenarios/, simback/include, frontend/include
#     fuzz/                 -> scenarios/include, simback/include, frontend/include, own headers
#     */test                -> every public header, its own folder, frontend/test (the mains)
#
#     includes.sh ROOT [LANGUAGE_SOURCE...]     sources of the language, relative to ROOT

set -eu
LC_ALL=C
export LC_ALL

cd "$1"
shift
language="$*"

# /dev/null: with one file alone grep would not print its name.
find frontend simback scenarios fuzz -type f \( -name '*.c' -o -name '*.h' -o -name '*.def' \) |
    sort >"${TMPDIR:-/tmp}/simblk-includes.$$"
trap 'rm -f "${TMPDIR:-/tmp}/simblk-includes.$$"' EXIT

xargs grep -n '^[[:space:]]*#[[:space:]]*include[[:space:]]' /dev/null \
    <"${TMPDIR:-/tmp}/simblk-includes.$$" |
    awk -v list="${TMPDIR:-/tmp}/simblk-includes.$$" -v language="$language" '
function complain(what) {
    printf "%s:%s: %s\n", file, line, what
    bad = 1
}
# a/b/../c is a/c.
function plain(path) {
    while (path ~ /[^\/]+\/\.\.\//)
        sub(/[^\/]+\/\.\.\//, "", path)
    return path
}
function directory(path) {
    sub(/\/[^\/]*$/, "", path)
    return path
}
# The file that `name` means when `from` includes it, or "" for a header that is not ours.
function resolve(from, name, quoted,    folder, places, count, i) {
    folder = from
    sub(/\/.*/, "", folder)
    count = 0
    if (quoted)
        places[++count] = directory(from)
    places[++count] = "frontend/include"
    places[++count] = "simback/include"
    places[++count] = "scenarios/include"
    places[++count] = "fuzz/include"
    places[++count] = folder "/src"
    places[++count] = folder "/test"
    places[++count] = "frontend/test"
    for (i = 1; i <= count; i++)
        if (plain(places[i] "/" name) in ours)
            return plain(places[i] "/" name)
    return ""
}
function area(path) {
    if (path ~ /^[a-z]+\/test\//)
        return "test"
    if (path ~ /^frontend\/include\//)
        return "frontend/include"
    if (path ~ /^frontend\//)
        return "frontend/src"
    sub(/\/.*/, "", path)
    return path
}
function is_public(path) {
    return path ~ /^[a-z]+\/include\//
}
function allowed(from, to,    here, folder) {
    here = area(from)
    folder = from
    sub(/\/.*/, "/", folder)
    if (here == "test")
        return is_public(to) || index(to, folder) == 1 || to ~ /^frontend\/test\//
    if (area(to) == "test")
        return 0
    if (here == "frontend/include")
        return to ~ /^frontend\/include\//
    if (here == "frontend/src")
        return to ~ /^frontend\//
    if (here == "simback" && to ~ for_oracle)
        return from ~ /\/oracle[a-z_0-9]*\.[ch]$/
    if (here == "simback")
        return to ~ /^simback\// || to ~ for_simback
    if (here == "scenarios")
        return to ~ /^scenarios\// || to ~ /^(simback|frontend)\/include\//
    if (here == "fuzz")
        return to ~ /^fuzz\// || to ~ /^(scenarios|simback|frontend)\/include\//
    return 0
}
BEGIN {
    for_simback = "^frontend/include/blkfront/(platform|blkif|observe)[.]h$"
    for_oracle = "^frontend/include/blkfront/blkfront[.]h$"
    while ((getline path < list) > 0)
        ours[path] = 1
    split("stddef.h stdint.h stdbool.h stdarg.h stdalign.h stdatomic.h stdnoreturn.h limits.h",
          word, " ")
    for (i in word)
        freestanding[word[i]] = 1
}
{
    file = $0; sub(/:.*/, "", file)
    line = substr($0, length(file) + 2); sub(/:.*/, "", line)
    text = $0; sub(/^[^:]*:[^:]*:/, "", text)
    sub(/^[ \t]*#[ \t]*include[ \t]*/, "", text)
    quoted = substr(text, 1, 1) == "\""
    name = text
    if (name !~ /^["<]/) {
        complain("an include must name a file")
        next
    }
    name = substr(name, 2); sub(/[">].*/, "", name)
    target = resolve(file, name, quoted)
    if (target == "") {
        if (quoted)
            complain("\"" name "\" is no file of ours")
        else if (file ~ /^frontend\/include\// && !(name in freestanding))
            complain("<" name ">: public headers of the frontend are freestanding")
        else if (file ~ /^frontend\/src\// && !(name in freestanding) && name != "string.h")
            complain("<" name ">: the core of the frontend is freestanding")
        next
    }
    if (!allowed(file, target))
        complain(file " must not include " target)
    edges[file] = edges[file] " " target
}
END {
    # The language stands alone: whatever its sources reach lies in scenarios/.
    count = split(language, queue, " ")
    for (i = 1; i <= count; i++)
        seen[queue[i]] = 1
    for (i = 1; i <= count; i++) {
        many = split(edges[queue[i]], to, " ")
        for (j = 1; j <= many; j++) {
            if (to[j] !~ /^scenarios\//) {
                printf "%s: the scenario language must not reach %s\n", queue[i], to[j]
                bad = 1
            } else if (!(to[j] in seen)) {
                seen[to[j]] = 1
                queue[++count] = to[j]
            }
        }
    }
    exit bad
}'
