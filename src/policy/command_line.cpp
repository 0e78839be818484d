// SPDX-License-Identifier: Apache-2.0
#include "policy/command_line.hpp"

#include "model/program.hpp"

namespace pm::policy {

using model::interpreter_for;

namespace {

void append(std::vector<std::string>& argv, const std::vector<std::string>& more)
{
    argv.insert(argv.end(), more.begin(), more.end());
}

LaunchCommand interpreted(const model::AppSpec& spec, std::string_view interpreter)
{
    LaunchCommand command{.kind = LaunchCommand::Kind::Interpreted, .script = spec.script};
    command.argv.emplace_back(interpreter);
    append(command.argv, spec.interpreter_args);
    command.argv.push_back(spec.script);
    append(command.argv, spec.args);
    return command;
}

LaunchCommand shell_line(const model::AppSpec& spec)
{
    // The word after the line is $0; from "$1" on the line may use the arguments.
    LaunchCommand command{.kind = LaunchCommand::Kind::Shell,
                          .argv = {std::string(kShell), "-c", spec.script, "bash"},
                          .script = spec.script};
    append(command.argv, spec.args);
    if (const std::string_view interpreter = interpreter_for(spec.script); !interpreter.empty()) {
        command.file_head.emplace_back(interpreter);
        append(command.file_head, spec.interpreter_args);
    }
    command.file_head.push_back(spec.script);
    command.may_fall_back_to_node = !model::has_extension(spec.script);
    return command;
}

LaunchCommand direct(const model::AppSpec& spec)
{
    LaunchCommand command{.argv = {spec.script}, .script = spec.script};
    append(command.argv, spec.args);
    command.search_path = spec.script.find('/') == std::string::npos;
    command.may_fall_back_to_node = !spec.interpreter && !model::has_extension(spec.script);
    return command;
}

} // namespace

LaunchCommand command_line(const model::AppSpec& spec)
{
    if (spec.interpreter && *spec.interpreter != "none") return interpreted(spec, *spec.interpreter);
    if (spec.interpreter) return direct(spec);
    if (spec.script.find(' ') != std::string::npos) return shell_line(spec);
    const std::string_view interpreter = interpreter_for(spec.script);
    return interpreter.empty() ? direct(spec) : interpreted(spec, interpreter);
}

} // namespace pm::policy
