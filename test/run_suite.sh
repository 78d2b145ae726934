#!/bin/bash
# run_suite.sh PROGRAM...: runs each test program and checks what it leaves behind.
#
# A program fails when it exits with an error, runs longer than BROOD_TEST_SECONDS (300), or does
# not finish the tests that it began. The suite fails, too, when a process, a name in /dev/shm or a
# message queue is left behind. Where the system allows it (root), the suite runs with processes,
# a /dev/shm and message queues of its own: nothing escapes it, and two suites at a time do not see
# each other's names.
#
# EMULATOR       a command, with arguments, that runs the programs
# BROOD_EXCLUDE  a file of lines "program/test reason", or "program/* reason": these are not run,
#                and that is said
# BROOD_TOTALS   a file to which the closing line is written, too
#
# The output ends with all that was not run, all that failed, and: N passed, N failed[, N skipped]
set -uo pipefail

if [[ -z ${BROOD_SUITE-} ]]; then
    export BROOD_SUITE=$$-$RANDOM$RANDOM
    mounts='mount -t tmpfs -o size=1g shm /dev/shm && mkdir -p /dev/mqueue'
    mounts+=' && mount -t mqueue none /dev/mqueue'
    apart=(unshare --mount --ipc --pid --fork --kill-child --mount-proc)
    # Tried first: a container may refuse it, even to root.
    if "${apart[@]}" sh -c "$mounts" 2>/dev/null; then
        BROOD_APART=1 exec "${apart[@]}" bash -c "$mounts"' && exec "$0" "$@"' "$0" "$@"
    fi
fi

limit=${BROOD_TEST_SECONDS:-300}
logs=${BROOD_BUILD:-build}/logs
mkdir -p "$logs"
passed=0 failed=0 skipped=0 session=-1
problems=() not_run=()

problem() {  # text [how many failures it counts for]
    echo "FAILED: $1"
    problems+=("$1")
    failed=$((failed + ${2-1}))
}

names() { find /dev/shm /dev/mqueue -mindepth 1 2>/dev/null | sort; }

# The processes that the program run last has left. With processes of our own these are all that are
# not of our session; else those of the program's session, or that have inherited our mark.
processes() {
    {
        cat /proc/[0-9]*/stat 2>/dev/null | sed 's/(.*) / /' |  # pid state ppid pgrp session
            awk -v apart="${BROOD_APART-}" -v ours="$own_session" -v program="$session" '
                $2 != "Z" && (apart ? $5 != ours : $5 == program) {print $1}'
        grep -laE "BROOD_TEST=$BROOD_SUITE" /proc/[0-9]*/environ 2>/dev/null | tr -dc '0-9\n'
    } | sort -u
}
own_session=$(sed 's/(.*) / /' /proc/self/stat | cut -d ' ' -f 5)

end_processes() { processes | while read -r pid; do kill -KILL "$pid" 2>/dev/null; done; }
trap 'end_processes; exit 130' INT TERM HUP

check_leftovers() {  # of program $1, given the names that were there before it
    local pids pid name
    for _ in {1..25}; do  # a daemon may take a second to follow its parent, and more under load
        pids=$(processes)
        [[ -n $pids ]] || break
        sleep 0.2
    done
    for pid in $pids; do
        problem "$1 left process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"
    done
    end_processes
    while read -r name; do
        # POSIX has no memory without a name: a kill between shm_open and shm_unlink leaves it.
        if [[ ${BROOD_PORT-} == posix && $name == /dev/shm/brood-anonymous-* ]]; then
            not_run+=("$1: no name is left by a kill at any instruction: it left $name")
            rm -f "$name"
        else
            problem "$1 left $name"
        fi
    done < <(comm -13 <(echo "$2") <(names))
}

# What CMocka says in the log $1: how many tests began, passed, failed, and were skipped. Its lines
# may begin with what a program under test wrote without an end of line.
counts() {
    awk '/\[       OK \] / {passed++}
        /\[  ERROR   \] [A-Za-z0-9_]+$/ {failed++}  # its set-up failed
        match($0, /[0-9]+ test\(s\)/) {
            n = substr($0, RSTART) + 0
            if (/\[=+\].*Running/) began += n
            else if (/\[  FAILED  \]/) failed += n
            else if (/\[  SKIPPED \]/) skipped += n
        }
        END {print began + 0, passed + 0, failed + 0, skipped + 0}' "$1"
}

judge() {  # program $1 by its exit status $2, its log $3 and the seconds $4 that it ran
    local began good bad idle names
    read -r began good bad idle < <(counts "$3")
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + idle))
    names=$(sed -nE 's/.*\[  (FAILED|ERROR ) *\] ([A-Za-z0-9_]+)$/\2/p' "$3" | sort -u |
        paste -sd ' ')
    if ((bad > 0)); then problem "$1: $names" 0; fi
    if (($4 >= limit && ($2 == 124 || $2 == 137))); then problem "$1 was stopped after $limit s"
    elif (($2 > 128)); then problem "$1 was killed by signal $(($2 - 128))"
    elif ((began > good + bad + idle)); then problem "$1 ended before all its tests had run"
    elif (($2 != 0 && bad == 0)); then problem "$1 ended with exit status $2"
    elif ((began == 0)) && ! grep -q '^not run:' "$3"; then problem "$1 ran no test"
    fi
    echo "-- $1: $good passed, $bad failed, $4 s"
}

for program; do
    name=${program##*/test/}
    log=$logs/${name//\//-}.log
    echo "== $name"
    reason=$(awk -v name="$name/*" '$1 == name {sub(/^[^ ]+ +/, ""); print}' \
        "${BROOD_EXCLUDE:-/dev/null}")
    if [[ -n $reason ]]; then
        not_run+=("$name: $reason")
        continue
    fi
    before=$(names)
    started=$SECONDS
    # A background job of a script leads no group, so setsid makes it the session of its own pid.
    # shellcheck disable=SC2086
    BROOD_TEST=$BROOD_SUITE setsid timeout -k 5 "$limit" ${EMULATOR-} "$(realpath "$program")" \
        >"$log" 2>&1 </dev/null &
    session=$!
    wait "$session"
    status=$?
    cat "$log"
    judge "$name" "$status" "$log" $((SECONDS - started))
    check_leftovers "$name" "$before"
    while read -r line; do not_run+=("$name: $line"); done < <(
        sed -n 's/^not run: *//p' "$log" | awk '!seen[$0]++')
done

echo
((${#not_run[@]})) && printf 'not run: %s\n' "${not_run[@]}"
((${#problems[@]})) && printf 'FAILED: %s\n' "${problems[@]}"
closing="$passed passed, $failed failed"
((skipped)) && closing+=", $skipped skipped"
echo "$closing" | tee "${BROOD_TOTALS:-/dev/null}"
((failed == 0 && passed > 0))
