# SPDX-License-Identifier: ISC
#
# How bash completes: the half that stays as it is. What there is to be completed completion.sh
# puts in front of it.

# Scenarios of this folder, as people have them who stand in a clone.
_simblk_scenarios() {
    find scenarios/ -name '*.scn' 2>/dev/null
}

# What fits, a line each; an @kind is looked for where people stand.
_simblk_find() { # words or @kind, the beginning
    case $1 in
    @scenarios)
        compgen -f -X '!*.scn' -- "$2"
        compgen -d -- "$2"
        ;;
    @objects)
        compgen -f -X '!*.so' -- "$2"
        compgen -d -- "$2"
        ;;
    @frontends)
        compgen -W libblkfront -- "$2"
        _simblk_find @objects "$2"
        ;;
    @files) compgen -f -- "$2" ;;
    @folders) compgen -d -- "$2" ;;
    @ids)
        compgen -W "$(_simblk_scenarios | sed -n 's,.*/\([^/]*/[^/]*\)\.scn$,\1,p')" -- "$2"
        ;;
    @tags)
        compgen -W "$(_simblk_scenarios | xargs sed -n 's/^tags* *//p' | tr ' ' '\n' |
            sort -u)" -- "$2"
        ;;
    @nothing) ;;
    *) compgen -W "$1" -- "$2" ;;
    esac
}

_simblk() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} kind=

    # "--format=ju" is three words for bash.
    if [[ $word == = ]]; then
        word=
    elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if [[ $COMP_CWORD -eq 1 ]]; then
        kind=$_simblk_commands
    elif [[ $before == --* ]]; then
        kind=$(_simblk_follows "$command" "$before")
    fi
    if [[ -z $kind && $word == -* ]]; then
        kind=$(_simblk_options "$command")
    elif [[ -z $kind ]]; then
        kind=$(_simblk_takes "$command")
    fi
    mapfile -t COMPREPLY < <(_simblk_find "${kind:-@nothing}" "$word")
    case $kind in
    @scenarios | @objects | @frontends | @files | @folders) compopt -o filenames 2>/dev/null ;;
    esac
    return 0
}

complete -F _simblk simblk
