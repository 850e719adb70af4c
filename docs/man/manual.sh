#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Makes the manual pages: docs/man/NAME.SECTION.md, and docs/language.md as simblk-scenario(5), by
# lowdown. What the tool or a header says itself is taken from there: a command's name, synopsis and
# options from `simblk COMMAND --help`, declarations with their comments from the headers.
#
#     manual.sh ROOT SIMBLK VERSION FOLDER        into man1, man3 and man5 of FOLDER

set -eu
LC_ALL=C
export LC_ALL

root=$1
simblk=$2
version=$3
folder=$4
cd "$root"
mkdir -p "$folder/man1" "$folder/man3" "$folder/man5"

# The lines of a command's help that begin with two spaces, as a list of definitions.
options() {
    "$simblk" "$1" --help |
        sed -nE 's/^  (-[^ ]+( ([A-Z][^ ]*|[a-z]+\|[^ ]*))?) +(.*)$/**\1**\n:   \4\n/p' |
        sed -E 's/^\*\*(-[^ ]+) ([^ ]+)\*\*$/**\1** *\2*/; /^:/s/[*_]/\\&/g'
}

commands() {
    "$simblk" --help |
        sed -nE 's/^  ([a-z]+) +(\[?[A-Z]+\]?(\.\.\.)?)? +(.*)$/**\1** *\2*\n:   \4\n/p' |
        sed 's/ \*\*$//'
}

# What stands in a comment is no Markdown.
literally='{ gsub(/[][*_<>`]/, "\\\\&"); print }'

# The comment at the head of a header, without its stars.
about() {
    awk '/^\/\*$/ { inside = 1; next } inside && /^ \*\/$/ { exit }
        inside { sub(/^ \* ?/, ""); print }' "$1" | awk "$literally"
}

# Each declaration of a header and the comment before it; those of whole sections are left out.
declarations() {
    awk '
        function flush_block() {
            if (code ~ /[^ \n]/) {
                gsub(/\n+$/, "", code)
                print "```\n" code "\n```\n"
                if (comment != "") {
                    gsub(/[][*_<>`]/, "\\\\&", comment)
                    print comment "\n"
                }
            }
            code = comment = ""
        }
        /^#|^extern "C"|^}$/ { next }
        /^$/ { if (depth == 0) flush_block(); else code = code "\n"; next }
        depth == 0 && /^\/\* ----/ { next }
        depth == 0 && /^\/\*/ && !/SPDX/ {
            flush_block()
            talking = 1
        }
        talking {
            line = $0
            done = sub(/ *\*\/ *$/, "", line)
            sub(/^ *\/?\*+ ?/, "", line)
            comment = comment (comment == "" ? "" : "\n") line
            if (done) talking = 0
            next
        }
        /SPDX/ { next }
        {
            code = code $0 "\n"
            opened = gsub(/{/, "{")
            depth += opened - gsub(/}/, "}")
        }
        END { flush_block() }' "$1"
}

expand() { # of a command or "", a file
    while IFS= read -r line; do
        case $line in
        "@OPTIONS@") options "$1" ;;
        "@COMMANDS@") commands ;;
        "@ABOUT "*) path=${line#@ABOUT } && about "${path%@}" ;;
        "@DECLARATIONS "*) path=${line#@DECLARATIONS } && declarations "${path%@}" ;;
        "@FILE "*) path=${line#@FILE } && sed 's/^/    /' "${path%@}" ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$2"
}

# What every command's page has before its own words.
heading() {
    "$simblk" "$1" --help | awk -v command="$1" '
        NR == 1 { sub(/^usage: /, ""); gsub(/[][*]/, "\\\\&"); usage = $0 }
        NR == 3 {
            print "# NAME\n\nsimblk-" command " - " $0 "\n\n# SYNOPSIS\n\n" usage "\n"
            exit
        }'
}

page() { # name, section; the text from standard input
    lowdown -s -Tman --out-no-smarty -m title="$(echo "$1" | tr '[:lower:]' '[:upper:]')" \
        -m section="$2" -m source="simblk $version" -m volume="simblk's manual" |
        sed 's/\\fC/\\fB/g' >"$folder/man$2/$1.$2" # a font that every reader has
}

for source in docs/man/*.md; do
    name=$(basename "$source" .md)
    section=${name##*.}
    name=${name%.*}
    case $name in
    simblk-*)
        {
            heading "${name#simblk-}"
            expand "${name#simblk-}" "$source"
            printf '\n# SEE ALSO\n\nsimblk(1), simblk-scenario(5)\n'
        } | page "$name" "$section"
        ;;
    *) expand "" "$source" | page "$name" "$section" ;;
    esac
done
{
    printf '# NAME\n\nsimblk-scenario - the language of scenarios\n\n'
    sed '1s/^# .*/# DESCRIPTION/; s/^## /# /; s/^###* /## /' docs/language.md
} | page simblk-scenario 5
