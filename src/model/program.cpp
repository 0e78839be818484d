// SPDX-License-Identifier: Apache-2.0
#include "model/program.hpp"

#include <array>

namespace pm::model {

namespace {

std::string_view program_of(const std::string& interpreter) { return std::string_view(interpreter).substr(interpreter.find_last_of('/') + 1); }

bool ends_with_any(std::string_view script, auto... endings) { return script.find(' ') == script.npos && (script.ends_with(endings) || ...); }

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

} // namespace

bool has_extension(std::string_view path) noexcept { return !extension(path).empty(); }

std::string_view interpreter_for(std::string_view script) noexcept
{
    const std::string_view ending = extension(script);
    for (const Extension& row : kExtensions)
        if (row.ending == ending) return row.interpreter;
    return {};
}

std::string_view node_for(std::string_view script)
{
    const std::string_view interpreter = interpreter_for(script);
    return interpreter == "node" || interpreter == "bun" ? interpreter : std::string_view();
}

bool runs_on_bun(const std::optional<std::string>& interpreter, std::string_view script)
{
    return interpreter ? program_of(*interpreter) == "bun" : ends_with_any(script, ".ts", ".tsx");
}

bool runs_on_node(const std::optional<std::string>& interpreter, std::string_view script)
{
    if (runs_on_bun(interpreter, script)) return true;
    if (!interpreter) return ends_with_any(script, ".js", ".mjs", ".cjs", ".coffee", ".ls");
    return program_of(*interpreter) == "node" || program_of(*interpreter) == "nodejs";
}

} // namespace pm::model
