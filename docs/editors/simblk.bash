# SPDX-License-Identifier: ISC
#
# Completion for bash. The tool itself says what there is: commands and options by --help, dialects
# and rules by the commands that list them.

_simblk_options() { # command
    simblk "$1" --help 2>/dev/null | sed -n 's/^  \(--[a-z-]*\).*/\1/p'
}

# What follows this option of the command: words, or "-f" for files.
_simblk_values() { # command, option
    case $2 in
    --format)
        simblk "$1" --help 2>/dev/null |
            sed -n 's/^  --format FORMAT *//p' | sed 's/,\| or \| and /\n/g' | tr -d ' '
        ;;
    --tag) sed -n 's/^tags* *//p' scenarios/*/*/*.scn 2>/dev/null | tr ' ' '\n' | sort -u ;;
    --frontend | --output | --report | --dialects | --disk | --expected-failures | --scenarios | \
        --trace-pcapng) echo -f ;;
    esac
}

# Words that the command itself takes.
_simblk_arguments() { # command
    case $1 in
    explain) simblk explain | sed 's/ .*//' ;;
    dialects) simblk dialects | sed -n 's/^\([a-z]*\) .*/\1/p' ;;
    *) echo -f ;;
    esac
}

_simblk() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} words

    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        words=$(simblk --help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')
    elif [[ $word == -* ]]; then
        words=$(_simblk_options "$command")
    else
        words=$(_simblk_values "$command" "$before")
        [ -n "$words" ] || words=$(_simblk_arguments "$command")
    fi
    if [ "$words" = -f ]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        compopt -o filenames 2>/dev/null
    else
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    fi
}

complete -F _simblk simblk
