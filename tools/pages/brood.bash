# bash completion for brood. Written by `make pages` from the
# table of options: change that.

_brood_offer() {
    case $1 in
        files) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        folders) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
        programs) mapfile -t COMPREPLY < <(compgen -c -- "$word") ;;
        *) mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word") ;;
    esac
    case $1 in
        files | folders) compopt -o filenames 2>/dev/null ;;
    esac
}

# Names that may be anybody's, which compgen -W would expand.
_brood_offer_names() {
    local name
    while IFS= read -r name; do
        [[ $name != "$word"* ]] || COMPREPLY+=("$(printf %q "$name")")
    done
}

_brood_examples() {
    "$brood" study 2>/dev/null | sed -n 's/^ *[0-9][0-9]*  *\([a-z0-9_]*\)  *[^ ].*/\1/p'
}

_brood_objects() {
    "$brood" ipc ls 2>/dev/null |
        awk '{for (i = 1; i <= NF; ++i) if ($i ~ "^/") {print $i; next}}'
}

_brood() {
    local brood=$1 word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]-} at=2
    local options='' valued='' operands='' stops='' option='' ended='' count=0
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _brood_offer 'ipc copy ps run sched study sum --help --version'
        return
    fi
    case $command in
        ipc)
            if ((COMP_CWORD == 2)); then
                _brood_offer 'ls rm stat --help'
                return
            fi
            command+=" ${COMP_WORDS[2]}"
            at=3
            ;;
    esac
    case $command in
        'copy')
            options='-j --jobs --fsync --reflink -v --verbose --verify -h --help -V --version'
            valued='-j --jobs --reflink'
            operands=files
            ;;
        'ipc ls')
            options='-a --all -l --long --orphans -j --json -h --help -V --version'
            ;;
        'ipc rm')
            options='-f --force --orphans --unused -t --type -h --help -V --version'
            valued='-t --type'
            operands=objects
            ;;
        'ipc stat')
            options='-t --type -j --json -h --help -V --version'
            valued='-t --type'
            operands=objects
            ;;
        'ps')
            options='-p --pools -d --daemons -l --long -w --watch -n --interval -j --json -h --help -V --version'
            valued='-n --interval'
            ;;
        'run')
            options='-j --jobs -a --arg-file -0 --null -n --max-args -k --keep-order --line-buffer -u --ungroup -t --timeout --kill-after --retry -m --memory --halt --joblog --resume --resume-failed --progress --json -h --help -V --version'
            valued='-j --jobs -a --arg-file -n --max-args -t --timeout --kill-after --retry -m --memory --halt --joblog'
            operands=programs
            stops=1
            ;;
        'sched')
            options='-p --policy -q --quantum -b --boost -t --tick -f --file -c --cpu -s --simulate --svg -j --json -h --help -V --version'
            valued='-p --policy -q --quantum -b --boost -t --tick -f --file -c --cpu --svg'
            ;;
        'study')
            options='-t --trace -T --timeline -J --trace-json -h --help -V --version'
            valued='-T --timeline -J --trace-json'
            operands=examples
            ;;
        'sum')
            options='-c --check -j --jobs -b --binary -t --text --tag -z --zero --ignore-missing --quiet --status --strict -w --warn -h --help -V --version'
            valued='-j --jobs'
            operands=files
            ;;
        *) return ;;
    esac

    # Whether the word is the value of the option before it, or stands where there are no options.
    for ((; at < COMP_CWORD; ++at)); do
        local past=${COMP_WORDS[at]}
        if [[ -n $option ]]; then
            [[ $past == '=' ]] || option=''
        elif [[ -z $ended && $past == -- ]]; then
            ended=1
        elif [[ -z $ended && $past == -?* ]]; then
            [[ " $valued " != *" $past "* ]] || option=$past
        else
            ((++count))
            [[ -z $stops ]] || ended=1
        fi
    done
    if [[ -n $option ]]; then
        [[ $word != '=' ]] || word=''
        case "$command $option" in
            'copy --reflink') _brood_offer 'auto never always' ;;
            'ipc rm -t' | 'ipc rm --type') _brood_offer 'shm sem mq' ;;
            'ipc stat -t' | 'ipc stat --type') _brood_offer 'shm sem mq' ;;
            'run -a' | 'run --arg-file') _brood_offer files ;;
            'run --joblog') _brood_offer files ;;
            'sched -f' | 'sched --file') _brood_offer files ;;
            'sched --svg') _brood_offer files ;;
            'study -T' | 'study --timeline') _brood_offer files ;;
            'study -J' | 'study --trace-json') _brood_offer files ;;
        esac
        return
    fi
    if [[ -z $ended && $word == -* ]]; then
        _brood_offer "$options"
        return
    fi
    case $operands in
        files) _brood_offer files ;;
        programs) if ((count == 0)); then _brood_offer programs; else _brood_offer files; fi ;;
        examples) ((count > 0)) || _brood_offer_names < <(_brood_examples) ;;
        objects) _brood_offer_names < <(_brood_objects) ;;
    esac
}

complete -F _brood brood
