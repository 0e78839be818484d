# SPDX-License-Identifier: Apache-2.0
# bash completion of pmctl(1)

_pmctl_options() {
    case $1 in
    start) echo "--env --only --strict --namespace --dry-run --prune --name --instances --interpreter --interpreter-args --node-args
        --cwd --output --error --log --time --log-date-format --log-type --merge-logs --disable-logs --kill-timeout
        --kill-signal --restart-delay --exp-backoff-restart-delay --max-restarts --min-uptime --max-memory-restart --watch --ignore-watch --watch-delay --cron --cron-restart --stop-exit-codes
        --no-autorestart --no-autostart --no-treekill --uid --gid --filter-env --force
        --update-env --pid --attach --cluster --ready --wait-ready --listen-timeout --drain --shutdown-with-message" ;;
    list | ls | l | ps | status) echo "--json --names --sort" ;;
    describe | show | info | desc) echo "--json --spec" ;;
    env) echo "--json" ;;
    logs | log) echo "--lines --since --until --grep --priority --out --err --nostream --follow --raw --json --timestamp" ;;
    validate) echo "--env --strict" ;;
    trigger) echo "--timeout --json" ;;
    messages) echo "--count --json" ;;
    stop | delete | del) echo "--only --env" ;;
    restart) echo "--only --env --strict --watch" ;;
    reload | startOrRestart | startOrReload | startOrGracefulReload) echo "--only --env --strict" ;;
    esac
    echo "--bus --no-color --silent --help"
}

_pmctl() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb= i
    local verbs="start stop restart reload startOrRestart startOrReload startOrGracefulReload delete del scale send trigger signal sendSignal reset flush rotate reloadLogs list ls l ps status describe show info desc
        env id pid logs log messages validate ping save resurrect daemon update kill completion version help"
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --bus) ((i++)) ;;
        -*) ;;
        *) verb=${COMP_WORDS[i]} && break ;;
        esac
    done
    case $before in
    --bus) COMPREPLY=($(compgen -W "auto system session embedded" -- "$word")) && return ;;
    --sort) COMPREPLY=($(compgen -W "name namespace id pid uptime restarts status cpu memory user" -- "$word")) && return ;;
    --priority) COMPREPLY=($(compgen -W "emerg alert crit err warning notice info debug" -- "$word")) && return ;;
    --since | --until) COMPREPLY=($(compgen -W "now today yesterday" -- "$word")) && return ;;
    --log-type) COMPREPLY=($(compgen -W "raw json" -- "$word")) && return ;;
    --cwd) COMPREPLY=($(compgen -d -- "$word")) && return ;;
    -o | --output | -e | --error | -l | --log | -p | --pid) COMPREPLY=($(compgen -f -- "$word")) && return ;;
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$(_pmctl_options "$verb")" -- "$word"))
        return
    fi
    case $verb in
    "" | help) COMPREPLY=($(compgen -W "$verbs" -- "$word")) ;;
    completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$word")) ;;
    daemon) COMPREPLY=($(compgen -W "upgrade" -- "$word")) ;;
    validate | startOr*) COMPREPLY=($(compgen -f -- "$word")) ;;
    start | stop | restart | reload | delete | del)
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -W "all $(pmctl list --names 2>/dev/null)" -- "$word") $(compgen -f -- "$word"))
        ;;
    signal | sendSignal)
        if [[ $before == "$verb" ]]; then
            COMPREPLY=($(compgen -A signal -- "$word"))
        else
            COMPREPLY=($(compgen -W "all $(pmctl list --names 2>/dev/null)" -- "$word"))
        fi
        ;;
    trigger)
        if [[ $before == "$verb" ]]; then
            COMPREPLY=($(compgen -W "all $(pmctl list --names 2>/dev/null)" -- "$word"))
        else
            COMPREPLY=($(compgen -W "$(pmctl describe "$before" 2>/dev/null | sed -n 's/^ *action  //p' | sed 's/: .*//')" -- "$word"))
        fi
        ;;
    ping | save | dump | resurrect | update | kill | version) ;;
    *) COMPREPLY=($(compgen -W "all $(pmctl list --names 2>/dev/null)" -- "$word")) ;;
    esac
}
complete -F _pmctl pmctl
