// SPDX-License-Identifier: Apache-2.0
// One app while it is read: the spec so far, and what can only be decided when all of its keys are known.
#pragma once

#include "config/app_file.hpp"
#include "config/field.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pm::config {

using Variables = std::map<std::string, std::string>;

struct Draft {
    explicit Draft(const ParseOptions& parse_options) : options(parse_options)
    {
        if (!options.name_space.empty()) spec.name_space = options.name_space;
    }

    const ParseOptions& options;
    model::AppSpec spec;

    // As written, "~" already replaced; relative ones are seen from cwd, which may come later in the file.
    std::string cwd;
    std::string out_file;
    std::string error_file;
    std::string log_file;
    std::string pid_file;
    std::vector<std::string> env_files;  ///< "-path": it may be missing

    struct Listening {
        model::ListenAddress address;             ///< a path as written, relative to cwd
        std::optional<model::SocketType> type;    ///< of the key; the address may say it too
        Mark type_mark;
        Mark mark;                                ///< where the address stands
        bool has_address = false;
        bool with_type = false;                   ///< the address itself says the type
        bool right = false;                       ///< the address is one
        std::vector<std::pair<std::string_view, Mark>> options; ///< that were given, and where
    };
    std::vector<Listening> listen;

    bool has_script = false;             ///< given, be it right or wrong
    std::string name_prefix;
    Mark name_mark;                      ///< where the name, or what it is made of, stands
    bool append_env_to_name = false;
    std::optional<bool> exec_cluster;    ///< PM2's exec_mode: cluster or fork
    Mark cluster_mark;                   ///< of the value of cluster or exec_mode
    std::optional<Mark> balance_mark;    ///< of the value of balance, where it is given
    Mark ready_mark;                     ///< of the value of ready or wait_ready
    bool wait_ready = false;
    struct Health {
        bool given = false;
        Mark key_mark;
        Mark mark;                       ///< of the value of http or tcp, when it is right
        int checks = 0;                  ///< http, tcp and exec that were given
    };
    Health health;
    Mark depends_on_mark;                ///< of the key
    Mark log_target_mark;                ///< where the value of logs.to stands
    bool time = false;                   ///< PM2: time, dates before log lines when there is no log_date_format
    Variables profile;                   ///< of env_<profile>
    bool has_profile = false;
    Variables deploy_env;                ///< of the deploy section, deploy.<profile>.env: what the app itself says wins
    std::optional<std::string> port;
    bool drop_caller_env = false;
    std::optional<std::string> drop_variable;      ///< filter_env: exactly this one
    std::vector<std::string> drop_containing;      ///< filter_env: all whose name has one of these in it
    std::optional<int> kill_signal;
    std::vector<std::pair<Mark, std::string>> sandbox_marks; ///< of the properties in spec.sandbox, in order of the file
    Mark watch_mark;                     ///< of the value of watch
    bool has_watch = false;              ///< given, be it to say that nothing is watched
    bool watch_polls = false;
    std::optional<model::Milliseconds> watch_interval;
    Mark watch_interval_mark;            ///< of its value
    std::vector<std::pair<Mark, std::string_view>> watch_details; ///< keys that mean nothing without watch
};

/// Makes the spec whole: defaults that depend on other keys, absolute paths, the environment merged.
void complete(Draft& draft, const Field& app);

} // namespace pm::config
