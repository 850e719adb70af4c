#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Writes the completion for bash, at build time: commands, their options and what follows those from
# the tool's own tables (--help prints them), rules, and from the table of steps the words of the
# language. How all that is used stands in simblk.bash, which comes behind it.
#
#     completion.sh SIMBLK WORDS FILE     WORDS prints the names of steps, or the words of a set

set -eu
LC_ALL=C
export LC_ALL

simblk=$1
words=$2
file=$3
here=$(dirname "$0")

one_line() {
    tr '\n' ' ' | sed 's/ $//'
}

# "--frontend FILE": an option, and what follows it.
options() { # command
    "$simblk" "$1" --help | sed -nE 's/^  (--[a-z-]+)( ([^ ]+))? .*/\1 \3/p' |
        sed -E 's/^(--[a-z-]+) [a-z]+$/\1/'
}

# What is meant by such a word; a kind that simblk.bash looks for begins with @.
kind() { # command, option, word
    case $3 in
    *'|'*) echo "$3" | tr '|' ' ' ;;
    FILE)
        case $2 in
        --frontend) echo @objects ;;
        *) echo @files ;;
        esac
        ;;
    FOLDER) echo @folders ;;
    PATH) echo @scenarios ;;
    ID) echo @ids ;;
    TAG) echo @tags ;;
    N | N.N... | A..B | MS | SECONDS | STEP | TEXT) echo @nothing ;;
    *)
        echo "completion.sh: $1 $2: nobody knows what $3 is" >&2
        return 1
        ;;
    esac
}

# What a command takes that is no option.
takes() { # command, its arguments
    case $1:$2 in
    explain:*) "$simblk" explain | sed 's/ .*//' && "$words" names | sed 's/ .*//' | sort -u ;;
    dialects:*) "$words" DIALECT ;;
    decode:* | serve:*) echo @files ;;
    *:PATH... | *:FILE | *:FILE...) echo @scenarios ;;
    *:FRONTEND...) echo @frontends ;;
    *) echo @nothing ;;
    esac
}

commands=$("$simblk" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ]
exec >"$file.new"

cat <<'EOF'
# SPDX-License-Identifier: ISC
#
# Completion for bash, made by completion.sh of simblk's tables of commands, options and steps.

EOF
echo "_simblk_commands='$(echo "$commands" | one_line) --help --version'"

cat <<'EOF'

_simblk_options() { # command
    case $1 in
EOF
for command in $commands; do
    words_of=$({ options "$command" | sed 's/ .*//' && echo --help; } | one_line)
    echo "    $command) echo '$words_of' ;;"
done

cat <<'EOF'
    esac
}

# What follows the option; nothing behind one that stands alone.
_simblk_follows() { # command, option
    case $1:$2 in
EOF
for command in $commands; do
    options "$command" | while read -r option word; do
        [ -n "$word" ] || continue
        found=$(kind "$command" "$option" "$word")
        echo "    $command:$option) echo '$found' ;;"
    done
done

cat <<'EOF'
    esac
}

_simblk_takes() { # command
    case $1 in
EOF
"$simblk" --help | sed -nE 's/^  ([a-z]+) +([][A-Z.]+)? .*/\1 \2/p' |
    while read -r command arguments; do
        echo "    $command) echo '$(takes "$command" "$arguments" | one_line)' ;;"
    done

cat <<'EOF'
    esac
}

EOF
sed '1,/^$/d' "$here/simblk.bash"
mv "$file.new" "$file"
