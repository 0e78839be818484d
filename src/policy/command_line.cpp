// SPDX-License-Identifier: Apache-2.0
#include "policy/command_line.hpp"

#include <array>

namespace pm::policy {
namespace {

struct Extension {
    std::string_view ending;
    std::string_view interpreter;
};

constexpr std::array kExtensions{
    Extension{".sh", "bash"},  Extension{".py", "python3"}, Extension{".rb", "ruby"},
    Extension{".php", "php"},  Extension{".pl", "perl"},    Extension{".js", "node"},
    Extension{".cjs", "node"}, Extension{".mjs", "node"},   Extension{".ts", "bun"},
    Extension{".tsx", "bun"},  Extension{".coffee", "coffee"}, Extension{".ls", "lsc"},
};

/// The last "." and what follows it in the file name; empty for none, and for a name that only begins with a dot.
std::string_view extension(std::string_view path) noexcept
{
    const auto slash = path.rfind('/');
    const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    const auto dot = name.rfind('.');
    return dot == std::string_view::npos || dot == 0 ? std::string_view{} : name.substr(dot);
}

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
    command.may_fall_back_to_node = extension(spec.script).empty();
    return command;
}

LaunchCommand direct(const model::AppSpec& spec)
{
    LaunchCommand command{.argv = {spec.script}, .script = spec.script};
    append(command.argv, spec.args);
    command.search_path = spec.script.find('/') == std::string::npos;
    command.may_fall_back_to_node = !spec.interpreter && extension(spec.script).empty();
    return command;
}

} // namespace

std::string_view interpreter_for(std::string_view script) noexcept
{
    const std::string_view ending = extension(script);
    for (const Extension& row : kExtensions)
        if (row.ending == ending) return row.interpreter;
    return {};
}

LaunchCommand command_line(const model::AppSpec& spec)
{
    if (spec.interpreter && *spec.interpreter != "none") return interpreted(spec, *spec.interpreter);
    if (spec.interpreter) return direct(spec);
    if (spec.script.find(' ') != std::string::npos) return shell_line(spec);
    const std::string_view interpreter = interpreter_for(spec.script);
    return interpreter.empty() ? direct(spec) : interpreted(spec, interpreter);
}

} // namespace pm::policy
