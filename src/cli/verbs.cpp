// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/all.hpp"

#include <algorithm>

namespace pm::cli {

std::span<const Verb> verbs()
{
    static const std::vector<Verb> kVerbs{
        {"start", {}, "start app files, scripts, or apps that are stopped", make_start},
        {"stop", {}, "stop apps", make_stop},
        {"restart", {}, "stop and start apps", make_restart},
        {"reload", {}, "replace processes without losing a request", make_reload},
        {"startOrRestart", {}, "start what of app files is not there, restart the rest", make_start_or_restart},
        {"startOrReload", {"startOrGracefulReload"}, "start what of app files is not there, reload the rest", make_start_or_reload},
        {"delete", {"del"}, "stop apps and forget them", make_delete},
        {"scale", {}, "change the number of instances of an app", make_scale},
        {"signal", {"sendSignal"}, "send a signal to the main process of each instance", make_signal},
        {"send", {}, "send a message to apps", make_send},
        {"trigger", {}, "call an action that apps offer, and show what they reply", make_trigger},
        {"reset", {}, "set restart counters and backoff to zero", make_reset},
        {"list", {"ls", "l", "ps", "status"}, "show the instances", make_list},
        {"describe", {"show", "info", "desc"}, "show one app in full", make_describe},
        {"env", {}, "show the environment an instance runs with", make_env},
        {"id", {}, "print the ids of an app's instances", make_id},
        {"pid", {}, "print process ids", make_pid},
        {"logs", {"log"}, "show and follow what apps write", make_logs},
        {"flush", {}, "empty log files", make_flush},
        {"rotate", {}, "put log files aside and begin new ones", make_rotate},
        {"reloadLogs", {}, "open log files anew", make_reload_logs},
        {"messages", {}, "show the messages that apps send, as they come", make_messages},
        {"validate", {}, "check app files", make_validate},
        {"save", {"dump"}, "remember the apps for the next boot", make_save},
        {"resurrect", {}, "start the remembered apps that are not there", make_resurrect},
        {"ping", {}, "ask whether pmd answers", make_ping},
        {"daemon", {}, "upgrade pmd while the apps run on", make_daemon},
        {"update", {}, "the same as 'daemon upgrade'", make_update},
        {"kill", {}, "stop all apps and end pmd", make_kill},
        {"completion", {}, "print the completion script of a shell", make_completion},
        {"version", {}, "print the versions of pmctl and pmd", make_version},
        {"help", {}, "explain a command", make_help},
    };
    return kVerbs;
}

const Verb* find_verb(std::string_view word)
{
    for (const Verb& verb : verbs())
        if (verb.name == word || std::ranges::find(verb.aliases, word) != verb.aliases.end()) return &verb;
    return nullptr;
}

} // namespace pm::cli
