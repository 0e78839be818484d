# SPDX-License-Identifier: Apache-2.0
# What cases share: . /system-test/lib.sh
# A case is a bash script that runs as root in an empty directory. It passes when it reaches its end; any command that fails
# ends it. pmd is installed, not started, and has no apps. After a case everything it did is undone (run-cases).
# shellcheck shell=bash
set -eEuo pipefail
export PMD_BUS=system
export EXAMPLES=/usr/share/doc/pmd/examples
trap 'echo "FAILED line $LINENO: $BASH_COMMAND (status $?)"' ERR

title() { printf '== %s\n' "$*"; }

fail() { # WHAT: ends the case
    trap - ERR
    echo "FAILED line ${BASH_LINENO[0]}: $*"
    exit 1
}

skip() { # WHY: in one line
    trap - ERR
    echo "$*"
    exit 77
}

equal() { # WHAT ACTUAL EXPECTED
    [ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"
}

differ() { # WHAT ACTUAL UNEXPECTED
    [ "$2" != "$3" ] || fail "$1 is '$2', as before"
}

contains() { # WHAT TEXT PART
    [[ $2 == *"$3"* ]] || fail "$1 has no '$3': $2"
}

export SAID=
refused() { # COMMAND...: it must fail; what it said is in $SAID
    if SAID=$("$@" 2>&1); then fail "'$*' was not refused"; fi
}

eventually() { # SECONDS COMMAND...: until it succeeds; for what nothing announces
    local until=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        (( SECONDS < until )) || fail "never came true: $*"
        sleep 0.1
    done
}

answer() { # URL: what the server says, once it listens
    curl -sS --fail --max-time 20 --retry 60 --retry-delay 1 --retry-max-time 60 --retry-connrefused "$1"
}

field() { # KEY APP: of the app's first instance, from pmctl list
    pmctl list --json | python3 -c '
import json, sys
key, app = sys.argv[1:]
print(next(row[key] for row in json.load(sys.stdin) if row["name"] == app))' "$1" "$2"
}

TRAFFIC=
start_traffic() { # PORT...: requests there until end_traffic, counted in the file "counts"
    python3 /system-test/traffic.py counts "$@" &
    TRAFFIC=$!
    trap 'kill $TRAFFIC' EXIT
    traffic_goes_on
}

end_traffic() {
    trap - EXIT
    kill $TRAFFIC
}

counted() { cut -d' ' -f"$1" counts 2>/dev/null || echo 0; }
more_answered() { [ "$(counted 1)" -gt "$1" ]; }

traffic_goes_on() { eventually 20 more_answered $(($(counted 1) + 300)); }

nothing_lost() { # IN WHAT
    cat counts
    equal "lost ($1)" "$(cut -d" " -f2- counts)" 0
}

main_pid() { systemctl show --value --property=MainPID pmd; }
is_back() { # PID: of the pmd before
    local now
    now=$(main_pid)
    [ "$now" != 0 ] && [ "$now" != "$1" ] && pmctl ping
}

as_user() { # NAME COMMAND...: in a login session of its own
    systemd-run --quiet --pipe --wait --collect --uid="$1" --property=PAMName=login --setenv=PMD_BUS="$PMD_BUS" -- "${@:2}"
}

# The case begins again after the reboot, with $CASE_MARK set to MARK (it is empty before).
reboot_to() { # MARK
    trap - ERR
    echo "$1"
    exit 88
}
